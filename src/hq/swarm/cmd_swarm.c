/* swarm: a fleet for load tests. The command line and the processes. */
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "release/repo.h"
#include "swarm/swarm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct session {
    hq_swarm swarm;
    bool json;
    sotto_vec tasks_json;
    sotto_tasks tasks;
    void *memory;
    char authority_key[SOTTO_PEM_MAX], authority_cert[SOTTO_PEM_MAX];
    size_t shared_bytes;
    pid_t pid[HQ_SWARM_PROCESSES_MAX];
} session;

/* ---- what the swarm answers ---- */

static sotto_status newest_tasks(session *s, sotto_diag *diag)
{
    hq_repo repo;
    hq_registry *registry = NULL;
    sotto_status status = hq_repo_read(&repo, s->swarm.dir, diag);
    if (status != SOTTO_OK)
        return status;
    s->swarm.release = repo.role[HQ_ROLE_TARGETS].version;
    hq_repo_free(&repo);
    sotto_vec_init(&s->tasks_json, HQ_FILE_LIMIT);
    status = hq_office_registry(s->swarm.dir, &registry, diag);
    if (status == SOTTO_OK)
        status = hq_registry_release_tasks(registry, s->swarm.release, &s->tasks_json, diag);
    hq_registry_close(registry);
    return status;
}

static sotto_status choose_task(session *s, sotto_diag *diag)
{
    sotto_arena arena;
    size_t size = (512u << 10) + s->tasks_json.len * 16;
    s->memory = malloc(size);
    if (s->memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a swarm");
    sotto_arena_init(&arena, s->memory, size);
    sotto_status status =
        sotto_tasks_load(&s->tasks, sotto_vec_span(&s->tasks_json), "tasks.json", &arena, diag);
    for (size_t i = 0; status == SOTTO_OK && i < s->tasks.count && s->swarm.task == NULL; i++)
        if (s->tasks.task[i].mode == SOTTO_MODE_A)
            s->swarm.task = &s->tasks.task[i];
    if (status == SOTTO_OK && s->swarm.task == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "the release has no task of mode A");
    return status;
}

/* Periods that are over, in the order of the nights, the last one just before today. */
static sotto_status choose_days(session *s, sotto_diag *diag)
{
    int64_t days = s->swarm.task->period_days;
    int64_t today = hq_now() / HQ_DAY_S;
    int64_t first = (today / days - s->swarm.nights * s->swarm.reports) * days;
    s->swarm.first_day = (int32_t)first;
    return first >= 0 ? SOTTO_OK : sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "too many nights");
}

static sotto_status prepare(session *s, sotto_diag *diag)
{
    uint8_t random[6];
    char hex[2 * sizeof random + 1];
    sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = newest_tasks(s, diag);
    if (status == SOTTO_OK)
        status = choose_task(s, diag);
    if (status == SOTTO_OK)
        status = choose_days(s, diag);
    if (status == SOTTO_OK)
        status = hq_office_key(s->swarm.dir, "authority/ca.key", s->authority_key, diag);
    if (status == SOTTO_OK)
        status = hq_office_pem(s->swarm.dir, "authority/ca.pem", s->authority_cert, diag);
    if (status == SOTTO_OK)
        status = entropy.fill(entropy.ctx, random, sizeof random);
    if (status == SOTTO_OK)
        status = entropy.fill(entropy.ctx, s->swarm.seed, sizeof s->swarm.seed);
    sotto_hex_encode(sotto_span_of(random, sizeof random), hex, sizeof hex);
    (void)snprintf(s->swarm.prefix, sizeof s->swarm.prefix, "swarm-%s", hex);
    s->swarm.authority_key = s->authority_key;
    s->swarm.authority_cert = s->authority_cert;
    if (status != SOTTO_OK)
        return status;
    s->shared_bytes =
        sizeof(hq_swarm_shared) + (size_t)(s->swarm.terminals * s->swarm.nights) * sizeof(uint32_t);
    void *memory = mmap(NULL, s->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    s->swarm.shared = memory == MAP_FAILED ? NULL : memory;
    return memory == MAP_FAILED ? sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a swarm")
                                : SOTTO_OK;
}

/* ---- processes ---- */

/* Never returns. Random numbers begin here: the parent has drawn none from mbedTLS. */
static void be_process(const session *s, size_t number, pid_t parent)
{
    sotto_diag diag = {0};
    hq_swarm_share *own = NULL;
    hq_swarm_twin twin = {0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    sotto_status status = hq_swarm_twin_start(&s->swarm, &twin, &diag);
    if (status == SOTTO_OK)
        status = hq_swarm_serve_start(&s->swarm, number, &diag);
    if (status == SOTTO_OK)
        status = sotto_vault_start(&diag);
    if (status == SOTTO_OK)
        status = hq_swarm_enrol(&s->swarm, number, &own, &diag);
    if (status == SOTTO_OK)
        status = s->swarm.whole_nights != NULL ? hq_swarm_live_whole(own, &diag)
                                               : hq_swarm_live(&twin, own, &diag);
    hq_swarm_twin_stop(&twin);
    hq_swarm_forget(own);
    int code = status == SOTTO_OK ? 0 : hq_fail(status, &diag);
    (void)atomic_fetch_add(&s->swarm.shared->failed, code != 0);
    (void)fflush(stderr);
    _exit(code);
}

static void start(session *s)
{
    pid_t parent = getpid();
    (void)fflush(NULL);
    for (size_t i = 0; i < (size_t)s->swarm.processes; i++) {
        s->pid[i] = fork();
        if (s->pid[i] == 0)
            be_process(s, i, parent);
        (void)atomic_fetch_add(&s->swarm.shared->failed, s->pid[i] < 0);
    }
}

static void show(const session *s, bool last)
{
    const hq_swarm_shared *shared = s->swarm.shared;
    if (isatty(STDERR_FILENO) == 0)
        return;
    fprintf(stderr, "\r%llu enrolled, %llu of %llu reports acknowledged%s",
            (unsigned long long)atomic_load(&shared->enrolled),
            (unsigned long long)atomic_load(&shared->acknowledged),
            (unsigned long long)s->swarm.terminals * (unsigned long long)(s->swarm.nights * s->swarm.reports),
            last ? "\n" : "");
}

/* What whoever measures wants to look at, while nobody calls. Its exit code is its own affair. */
static void run_between(const session *s, uint64_t nights)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)nights);
    (void)setenv("NIGHTS", number, 1);
    (void)!system(s->swarm.between); /* NOLINT(cert-env33-c): the user's own command */
}

/* A whole night begins when all processes have ended the one before. */
static void open_night(const session *s)
{
    hq_swarm_shared *shared = s->swarm.shared;
    const sotto_clock clock = hq_clock();
    uint64_t opened = atomic_load(&shared->opened);
    if (opened >= (uint64_t)s->swarm.nights || atomic_load(&shared->failed) > 0 ||
        atomic_load(&shared->arrived) < (opened + 1) * (uint64_t)s->swarm.processes)
        return;
    if (s->swarm.between != NULL)
        run_between(s, opened);
    atomic_store(&shared->begin_ms, clock.mono_ms(clock.ctx));
    atomic_store(&shared->opened, opened + 1);
}

static void wait_for_all(session *s)
{
    struct timespec pause = {.tv_nsec = 200000000};
    size_t left = (size_t)s->swarm.processes;
    while (left > 0) {
        left = 0;
        for (size_t i = 0; i < (size_t)s->swarm.processes; i++) {
            if (s->pid[i] > 0 && waitpid(s->pid[i], NULL, WNOHANG) != 0)
                s->pid[i] = 0;
            left += s->pid[i] > 0;
        }
        open_night(s);
        show(s, left == 0);
        if (left > 0)
            (void)nanosleep(&pause, NULL);
    }
}

static sotto_status run(session *s, bool *once, sotto_diag *diag)
{
    sotto_clock clock = hq_clock();
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    sotto_status status = prepare(s, diag);
    if (status != SOTTO_OK)
        return status;
    int64_t begin = clock.mono_ms(clock.ctx);
    start(s);
    wait_for_all(s);
    double seconds = (double)(clock.mono_ms(clock.ctx) - begin) / 1000;
    if (s->swarm.save != NULL) {
        *once = atomic_load(&s->swarm.shared->failed) == 0;
        printf("%lld terminals, each with %lld reports, in %s\n", (long long)s->swarm.terminals,
               (long long)s->swarm.nights, s->swarm.save);
        return SOTTO_OK;
    }
    if (s->swarm.between != NULL && atomic_load(&s->swarm.shared->failed) == 0)
        run_between(s, (uint64_t)s->swarm.nights);
    return hq_swarm_tell(&s->swarm, seconds, s->json, once, diag);
}

static void clean_up(session *s)
{
    if (s->swarm.shared != NULL)
        (void)munmap(s->swarm.shared, s->shared_bytes);
    sotto_vec_free(&s->tasks_json);
    free(s->memory);
    sotto_wipe(s, sizeof *s);
    free(s);
}

static bool fits_together(hq_swarm *w)
{
    const char *why = NULL;
    if (w->whole_nights == NULL &&
        (w->reports > 1 || w->window_s > 0 || w->night_s > 0 || w->between != NULL))
        why = "--reports, --window, --passes-in and --between belong to --whole-nights";
    else if (w->whole_nights != NULL && (w->also != NULL || w->save != NULL || w->idle > 0))
        why = "--also, --save and --idle do not go with --whole-nights";
    else if (w->night_s > 0 && w->window_s == 0)
        why = "--passes-in belongs to --window";
    if (w->night_s == 0)
        w->night_s = w->window_s;
    return why == NULL || hq_usage("swarm", why) == 0;
}

int hq_cmd_swarm(int argc, char **argv)
{
    sotto_diag diag = {0};
    bool once = false;
    session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return hq_fail(SOTTO_ERR(HQ, NO_MEMORY), &diag);
    hq_swarm *w = &s->swarm;
    w->url = "https://127.0.0.1:8443";
    w->terminals = 100, w->nights = 1, w->processes = 8, w->patience_s = 300;
    w->wait_max_s = 120, w->reports = 1;
    const hq_option options[] = {
        {"--dir", HQ_TEXT, &w->dir, .required = true},
        {"--url", HQ_TEXT, &w->url, .required = false},
        {"--also", HQ_TEXT, &w->also, .required = false},
        {"--terminals", HQ_NUMBER, &w->terminals, .min = 1, .max = 1000000},
        {"--nights", HQ_NUMBER, &w->nights, .min = 1, .max = 1000},
        {"--concurrency", HQ_NUMBER, &w->processes, .min = 1, .max = HQ_SWARM_PROCESSES_MAX},
        {"--idle", HQ_NUMBER, &w->idle, .min = 0, .max = 20000},
        {"--save", HQ_TEXT, &w->save, .required = false},
        {"--patience", HQ_NUMBER, &w->patience_s, .min = 1, .max = 86400},
        {"--wait-at-most", HQ_NUMBER, &w->wait_max_s, .min = 1, .max = 3600},
        {"--whole-nights", HQ_TEXT, &w->whole_nights, .required = false},
        {"--reports", HQ_NUMBER, &w->reports, .min = 1, .max = 100},
        {"--window", HQ_NUMBER, &w->window_s, .min = 1, .max = SOTTO_NIGHT_WINDOW_MAX_S},
        {"--passes-in", HQ_NUMBER, &w->night_s, .min = 1, .max = SOTTO_NIGHT_WINDOW_MAX_S},
        {"--between", HQ_TEXT, &w->between, .required = false},
        {"--json", HQ_FLAG, &s->json, .required = false}};
    int code = 2;
    if (hq_options(argc, argv, options, SOTTO_COUNT(options)) && fits_together(w)) {
        sotto_status status = run(s, &once, &diag);
        code = status != SOTTO_OK ? hq_fail(status, &diag) : once ? 0 : 9;
    }
    clean_up(s);
    return code;
}
