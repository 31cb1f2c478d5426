/* The collector's warden: doors, workers, signals (serve.h). */
#include "collector/serve.h"
#include "office/args.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_MS      15000 /* workers that are still there then are killed */
#define RESTART_MS   1000  /* a worker that dies at once is not started more often */
#define CHILDREN_MAX (4 * HQ_WORKERS_MAX)

typedef struct child {
    pid_t pid; /* 0 = free place */
    size_t number;
    bool leaving; /* told to stop */
} child;

typedef struct warden {
    hq_service *service;
    child child[CHILDREN_MAX];
    sigset_t signals, before;
    int last_code; /* of a worker that could not begin */
} warden;

/* "HOST:PORT", "[v6 address]:PORT". */
static sotto_status open_door(const char *where, int *fd, uint16_t *port, sotto_diag *diag)
{
    char host[128];
    const char *colon = strrchr(where, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - where);
    if (len >= 2 && where[0] == '[' && where[len - 1] == ']') {
        where++;
        len -= 2;
    }
    if (colon == NULL || len == 0 || len >= sizeof host || colon[1] == '\0')
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "'%.60s' is not HOST:PORT such as 127.0.0.1:8443",
                              where);
    memcpy(host, where, len);
    host[len] = '\0';
    sotto_status status = sotto_port_listen_tcp(host, colon + 1, fd, diag);
    return status == SOTTO_OK ? sotto_port_local_port(*fd, port) : status;
}

static sotto_status open_doors(hq_service *s, sotto_diag *diag)
{
    const char *const where[HQ_LISTENER_COUNT] = {s->listen, s->enrol_listen, s->health};
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < HQ_LISTENER_COUNT && status == SOTTO_OK; i++)
        if (where[i] != NULL)
            status = open_door(where[i], &s->fd[i], &s->port[i], diag);
    return status;
}

/* One line that scripts can wait for. */
static void announce(const hq_service *s)
{
    printf("listening devices=%u enrol=%u", s->port[HQ_LISTENER_DEVICES], s->port[HQ_LISTENER_ENROL]);
    if (s->health != NULL)
        printf(" health=%u", s->port[HQ_LISTENER_HEALTH]);
    printf(" dir=%s\n", s->dir);
    (void)fflush(stdout);
    sotto_log_event(&s->log, SOTTO_LOG_INFO, "serve.start", "devices=%u enrol=%u workers=%d pid=%ld",
                    s->port[HQ_LISTENER_DEVICES], s->port[HQ_LISTENER_ENROL], (int)s->workers,
                    (long)getpid());
    sotto_port_tell_ready();
}

/* ---- workers ---- */

/* Never returns. */
static void be_worker(const warden *w, size_t number, int ready, pid_t parent)
{
    sotto_diag diag = {0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* no worker outlives its warden */
    if (getppid() != parent)
        _exit(1);
    sotto_status status = hq_worker_run(w->service, number, ready, &diag);
    int code = status == SOTTO_OK ? 0 : hq_fail(status, &diag);
    (void)fflush(stderr);
    _exit(code);
}

static child *free_place(warden *w)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (w->child[i].pid == 0)
            return &w->child[i];
    return NULL;
}

/* Starts a worker and waits until it can serve. */
static sotto_status start_worker(warden *w, size_t number, sotto_diag *diag)
{
    int ready[2];
    char said = 0;
    pid_t parent = getpid();
    child *place = free_place(w);
    if (place == NULL || pipe2(ready, O_CLOEXEC) != 0) /* a worker may run the PKI's program */
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no place for a worker");
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ready[0]);
        be_worker(w, number, ready[1], parent);
    }
    (void)close(ready[1]);
    ssize_t n = pid < 0 ? 0 : read(ready[0], &said, 1);
    (void)close(ready[0]);
    if (pid < 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "cannot start a worker");
    *place = (child){.pid = pid, .number = number};
    if (n == 1)
        return SOTTO_OK;
    int status = 0;
    (void)waitpid(pid, &status, 0); /* it has said why */
    place->pid = 0;
    w->last_code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    return SOTTO_ERR(HQ, INTERNAL);
}

static sotto_status start_all(warden *w, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < (size_t)w->service->workers && status == SOTTO_OK; i++)
        status = start_worker(w, i, diag);
    return status;
}

static void tell(warden *w, int number)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (w->child[i].pid != 0) {
            (void)kill(w->child[i].pid, number);
            w->child[i].leaving = true;
        }
}

/* A worker that ended by itself is started again, not more than once a second. */
static void restart(warden *w, size_t number)
{
    sotto_diag diag = {0};
    struct timespec pause = {.tv_sec = RESTART_MS / 1000};
    HQ_ADD(w->service->metrics, restarts, 1);
    sotto_log_event(&w->service->log, SOTTO_LOG_ERROR, "worker.restart", "worker=%zu", number);
    (void)nanosleep(&pause, NULL);
    if (start_worker(w, number, &diag) != SOTTO_OK)
        (void)alarm(RESTART_MS / 1000); /* tried again then */
}

/* Only our own: whoever runs the warden may have other children. */
static bool reap(warden *w, bool restarts)
{
    bool some = false;
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        child gone = w->child[i];
        if (gone.pid != 0 && waitpid(gone.pid, NULL, WNOHANG) == gone.pid) {
            w->child[i].pid = 0;
            if (restarts && !gone.leaving)
                restart(w, gone.number);
        }
        some = some || w->child[i].pid != 0;
    }
    return some;
}

/* Places that lost their worker and could not get another. */
static void fill_up(warden *w)
{
    for (size_t number = 0; number < (size_t)w->service->workers; number++) {
        bool there = false;
        for (size_t i = 0; i < CHILDREN_MAX; i++)
            there = there || (w->child[i].pid != 0 && !w->child[i].leaving && w->child[i].number == number);
        if (!there)
            restart(w, number);
    }
}

/* New workers first: when the new certificate is no good, the old ones stay. */
static void reload(warden *w)
{
    sotto_diag diag = {0};
    child old[CHILDREN_MAX];
    memcpy(old, w->child, sizeof old);
    sotto_status status = start_all(w, &diag);
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        child *c = &w->child[i];
        bool is_old = c->pid != 0 && c->pid == old[i].pid;
        if (c->pid == 0 || c->leaving || is_old != (status == SOTTO_OK))
            continue;
        (void)kill(c->pid, SIGTERM);
        c->leaving = true;
    }
    sotto_log_event(&w->service->log, status == SOTTO_OK ? SOTTO_LOG_INFO : SOTTO_LOG_ERROR, "serve.reload",
                    "done=%s", status == SOTTO_OK ? "true" : "false");
}

/* ---- signals ---- */

static void block_signals(warden *w)
{
    (void)sigemptyset(&w->signals);
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGALRM};
    for (size_t i = 0; i < SOTTO_COUNT(numbers); i++)
        (void)sigaddset(&w->signals, numbers[i]);
    (void)sigprocmask(SIG_BLOCK, &w->signals, &w->before);
}

static void watch(warden *w)
{
    for (;;) {
        int number = sigwaitinfo(&w->signals, NULL);
        if (number == SIGTERM || number == SIGINT)
            return;
        if (number == SIGHUP)
            reload(w);
        else if (number == SIGCHLD)
            (void)reap(w, true);
        else if (number == SIGALRM)
            fill_up(w);
        else if (errno != EINTR)
            return;
    }
}

static void stop_all(warden *w)
{
    struct timespec second = {.tv_sec = 1};
    tell(w, SIGTERM);
    for (int left_ms = STOP_MS; reap(w, false) && left_ms > 0; left_ms -= 1000)
        (void)sigtimedwait(&w->signals, NULL, &second);
    tell(w, SIGKILL);
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (w->child[i].pid != 0)
            (void)waitpid(w->child[i].pid, NULL, 0);
}

/* A connection is a descriptor. */
static void allow_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static sotto_status run(warden *w, sotto_diag *diag)
{
    sotto_entropy entropy = sotto_port_entropy();
    hq_service *s = w->service;
    sotto_status status = entropy.fill(entropy.ctx, s->ticket_seed, sizeof s->ticket_seed);
    if (status == SOTTO_OK)
        status = open_doors(s, diag);
    if (status == SOTTO_OK)
        status = start_all(w, diag);
    if (status == SOTTO_OK) {
        announce(s);
        watch(w);
        sotto_log_event(&s->log, SOTTO_LOG_INFO, "serve.stop", "asked=true");
    }
    stop_all(w);
    return status;
}

sotto_status hq_warden_run(hq_service *service, sotto_diag *diag)
{
    warden *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to serve");
    w->service = service;
    sotto_port_harden_process();
    allow_descriptors();
    block_signals(w);
    sotto_status status = run(w, diag);
    (void)sigprocmask(SIG_SETMASK, &w->before, NULL);
    service->worker_code = status == SOTTO_OK ? 0 : w->last_code;
    free(w);
    return status;
}
