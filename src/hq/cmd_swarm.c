/* swarm: a fleet for load tests. The command line, the processes, and what came of it. */
#include "swarm.h"

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

typedef struct outcome {
    uint64_t counted; /* reports of the swarm that the registry counts */
    int64_t cells;    /* sum of their cells */
    const char *prefix;
    size_t prefix_len;
    double seconds;
    uint32_t p50, p99, largest; /* tenths of a millisecond */
    bool counts_once;
} outcome;

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
    int64_t first = (today / days - s->swarm.nights) * days;
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
    void *own = NULL;
    hq_swarm_twin twin = {0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    sotto_status status = hq_swarm_twin_start(&s->swarm, &twin, &diag);
    if (status == SOTTO_OK)
        status = sotto_vault_start(&diag);
    if (status == SOTTO_OK)
        status = hq_swarm_enrol(&s->swarm, number, &own, &diag);
    if (status == SOTTO_OK)
        status = hq_swarm_live(&s->swarm, &twin, own, &diag);
    hq_swarm_twin_stop(&twin);
    hq_swarm_forget(&s->swarm, number, own);
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
            (unsigned long long)s->swarm.terminals * (unsigned long long)s->swarm.nights, last ? "\n" : "");
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
        show(s, left == 0);
        if (left > 0)
            (void)nanosleep(&pause, NULL);
    }
}

/* ---- what came of it ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static sotto_status take_latencies(const session *s, outcome *out, sotto_diag *diag)
{
    size_t all = (size_t)(s->swarm.terminals * s->swarm.nights), count = 0;
    uint32_t *list = calloc(all + 1, sizeof *list);
    if (list == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the figures");
    for (size_t i = 0; i < all; i++) {
        uint32_t value = atomic_load(&s->swarm.shared->latency[i]);
        if (value != 0)
            list[count++] = value;
    }
    qsort(list, count, sizeof *list, by_number);
    if (count > 0) {
        out->p50 = list[count / 2];
        out->p99 = list[count - 1 - count / 100];
        out->largest = list[count - 1];
    }
    free(list);
    return SOTTO_OK;
}

static sotto_status count_row(void *ctx, const hq_report_row *row)
{
    outcome *out = ctx;
    if (strncmp(row->device, out->prefix, out->prefix_len) != 0)
        return SOTTO_OK;
    out->counted++;
    for (size_t i = 0; i < row->cell_count; i++)
        out->cells += row->cells[i];
    return SOTTO_OK;
}

static sotto_status look(const session *s, outcome *out, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    const hq_report_filter all = {.first_day = INT32_MIN, .last_day = INT32_MAX};
    out->prefix = s->swarm.prefix;
    out->prefix_len = strlen(s->swarm.prefix);
    sotto_status status = hq_office_registry(s->swarm.dir, &registry, diag);
    if (status == SOTTO_OK)
        status = hq_registry_reports(registry, &all, count_row, out, diag);
    hq_registry_close(registry);
    if (status == SOTTO_OK)
        status = take_latencies(s, out, diag);
    out->counts_once = out->counted == (uint64_t)(s->swarm.terminals * s->swarm.nights) &&
                       out->cells == atomic_load(&s->swarm.shared->cells) &&
                       atomic_load(&s->swarm.shared->failed) == 0;
    return status;
}

static uint64_t figure(const _Atomic uint64_t *value)
{
    return atomic_load(value);
}

static sotto_status tell_json(const session *s, const outcome *out, sotto_diag *diag)
{
    hq_json json;
    const hq_swarm_shared *shared = s->swarm.shared;
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {{"terminals", (uint64_t)s->swarm.terminals},
                   {"nights", (uint64_t)s->swarm.nights},
                   {"sent", figure(&shared->sent)},
                   {"acknowledged", figure(&shared->acknowledged)},
                   {"repeated", figure(&shared->repeated)},
                   {"busy", figure(&shared->busy)},
                   {"retried", figure(&shared->retried)},
                   {"idle_connections", figure(&shared->idle)},
                   {"counted", out->counted},
                   {"milliseconds", (uint64_t)(out->seconds * 1000)},
                   {"p50_us", (uint64_t)out->p50 * 100},
                   {"p99_us", (uint64_t)out->p99 * 100},
                   {"max_us", (uint64_t)out->largest * 100}};
    sotto_status status = hq_json_begin(&json, 4096, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    for (size_t i = 0; i < SOTTO_COUNT(figures); i++) {
        sotto_json_name(&json.w, figures[i].name);
        sotto_json_i64(&json.w, (int64_t)figures[i].value);
    }
    sotto_json_name(&json.w, "counted_once");
    sotto_json_bool(&json.w, out->counts_once);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

static void tell(const session *s, const outcome *out)
{
    const hq_swarm_shared *shared = s->swarm.shared;
    double seconds = out->seconds > 0 ? out->seconds : 1;
    printf("%lld terminals, %lld nights: %llu reports acknowledged, %llu counted\n",
           (long long)s->swarm.terminals, (long long)s->swarm.nights,
           (unsigned long long)figure(&shared->acknowledged), (unsigned long long)out->counted);
    printf("sent %llu times, %llu had been held already, %llu told to come later\n",
           (unsigned long long)figure(&shared->sent), (unsigned long long)figure(&shared->repeated),
           (unsigned long long)figure(&shared->busy));
    printf("%.0f a second with enrolment; connection, handshake and report: %.1f ms median, %.1f ms of 99 in "
           "100, %.1f ms at most\n",
           (double)figure(&shared->acknowledged) / seconds, out->p50 / 10.0, out->p99 / 10.0,
           out->largest / 10.0);
    printf("%s\n", out->counts_once ? "every report is counted once, to the last cell"
                                    : "NOT every report is counted once");
}

static sotto_status run(session *s, bool *once, sotto_diag *diag)
{
    outcome out = {0};
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
    out.seconds = (double)(clock.mono_ms(clock.ctx) - begin) / 1000;
    if (s->swarm.save != NULL) {
        *once = atomic_load(&s->swarm.shared->failed) == 0;
        printf("%lld terminals, each with %lld reports, in %s\n", (long long)s->swarm.terminals,
               (long long)s->swarm.nights, s->swarm.save);
        return SOTTO_OK;
    }
    status = look(s, &out, diag);
    if (status != SOTTO_OK)
        return status;
    *once = out.counts_once;
    if (s->json)
        return tell_json(s, &out, diag);
    tell(s, &out);
    return SOTTO_OK;
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
    w->wait_max_s = 120;
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
        {"--json", HQ_FLAG, &s->json, .required = false}};
    int code = 2;
    if (hq_options(argc, argv, options, SOTTO_COUNT(options))) {
        sotto_status status = run(s, &once, &diag);
        code = status != SOTTO_OK ? hq_fail(status, &diag) : once ? 0 : 9;
    }
    clean_up(s);
    return code;
}
