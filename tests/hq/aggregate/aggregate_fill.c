/*
 * aggregate-fill HQ TASKS.JSON TASK_ID FIRST COUNT DAY: the reports of COUNT terminals, numbered from FIRST,
 * as their collector would have taken them into the registry of the head office HQ. Prints the exact sums,
 * one a line. For tests of the aggregators with more terminals than a test can run.
 */
#include "office/office.h"
#include "release/bundle.h"

#include "sotto/port.h"
#include "sotto/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY (4u << 20)

static struct fill {
    hq_registry *registry;
    sotto_vec file;
    sotto_tasks tasks;
    sotto_split_task task;
    int64_t cells[SOTTO_TASK_CELLS_MAX], sum[SOTTO_TASK_CELLS_MAX];
    uint8_t sealed[SOTTO_REPORT_MAX];
    int32_t day;
} f;

static void must(sotto_status status, const char *what, const sotto_diag *diag)
{
    if (status == SOTTO_OK)
        return;
    fprintf(stderr, "aggregate-fill: %s: %s\n", what, diag->text);
    exit(1);
}

static sotto_status load_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)diag;
    memset(root, 0x42, SOTTO_KEY_BYTES);
    memcpy(root, ctx, sizeof(size_t));
    return SOTTO_OK;
}

static void admit(const char *id, size_t number, sotto_vault *vault)
{
    uint8_t code[SOTTO_SHA256_BYTES] = {1}, cert[SOTTO_SHA256_BYTES] = {2}, key[SOTTO_PUBLIC_KEY_BYTES];
    sotto_diag diag = {0};
    memcpy(code + 1, &number, sizeof number);
    memcpy(cert + 1, &number, sizeof number);
    must(sotto_vault_report_public_key(vault, key), "key", &diag);
    must(hq_registry_code_put(f.registry, id, code, 1, 1000, &diag), "code", &diag);
    const hq_admission admission = {
        .code_hash = code, .report_key = key, .cert_sha256 = cert, .cert_not_after_s = 1000, .now_s = 2};
    must(hq_registry_admit(f.registry, &admission, &diag), "admit", &diag);
}

static sotto_span seal(const char *id, size_t number, const sotto_vault *vault)
{
    sotto_diag diag = {0};
    sotto_entropy entropy = sotto_port_entropy();
    sotto_buf out = sotto_buf_of(f.sealed, sizeof f.sealed);
    sotto_report head = {.seq = 1,
                         .task_id = f.task.task_id,
                         .release_version = 1,
                         .period_day = f.day,
                         .period_days = f.task.period_days,
                         .epsilon_ueps = f.task.epsilon_ueps,
                         .bound = f.task.bound,
                         .cells = f.cells,
                         .cell_count = f.task.cells};
    (void)snprintf(head.device, sizeof head.device, "%s", id);
    for (size_t i = 0; i < f.task.cells; i++) {
        f.cells[i] = (int64_t)((number * 7 + i * 13) % 100);
        f.sum[i] += f.cells[i];
    }
    must(sotto_report_split(&f.task, &head, vault, &entropy, &out, &diag), "split", &diag);
    return sotto_buf_span(&out);
}

static void one_terminal(size_t number)
{
    char id[32];
    sotto_diag diag = {0};
    sotto_vault *vault = NULL;
    uint8_t sha256[SOTTO_SHA256_BYTES];
    bool repeated;
    unsigned alarms;
    const sotto_key_provider provider = {.ctx = &number, .name = "memory", .load = load_root};
    (void)snprintf(id, sizeof id, "kiosk-%05zu", number);
    must(sotto_vault_open(&vault, &provider, &diag), "vault", &diag);
    admit(id, number, vault);
    sotto_span sealed = seal(id, number, vault);
    sotto_split_report split;
    sotto_report head;
    must(sotto_split_read(&split, &head, sealed, &diag), "read", &diag);
    must(sotto_sha256(sealed, sha256), "hash", &diag);
    const hq_report_entry entry = {
        .device = id, .chain = 1, .report = &head, .sealed = sealed, .sha256 = sha256, .received_s = 3};
    must(hq_registry_report_put(f.registry, &entry, &repeated, &alarms, &diag), "put", &diag);
    sotto_vault_close(vault);
}

static void open_all(char **argv)
{
    sotto_diag diag = {0};
    sotto_arena arena;
    int64_t id = 0;
    void *memory = malloc(MEMORY);
    sotto_arena_init(&arena, memory, MEMORY);
    sotto_vec_init(&f.file, HQ_FILE_LIMIT);
    must(sotto_vault_start(&diag), "start", &diag);
    must(hq_office_registry(argv[1], &f.registry, &diag), argv[1], &diag);
    must(sotto_port_read_file(argv[2], &f.file, &diag), argv[2], &diag);
    must(sotto_tasks_load(&f.tasks, sotto_vec_span(&f.file), argv[2], &arena, &diag), argv[2], &diag);
    must(sotto_parse_i64(sotto_span_str(argv[3]), &id), argv[3], &diag);
    const sotto_task *task = sotto_tasks_find(&f.tasks, (uint32_t)id);
    must(task != NULL ? SOTTO_OK : SOTTO_ERR(HQ, NOT_FOUND), "no such task", &diag);
    must(sotto_split_task_of(&f.task, &f.tasks, task, &diag), "task", &diag);
    const hq_release release = {.version = 1, .published_s = 1, .tasks = sotto_vec_span(&f.file)};
    (void)!hq_registry_release_put(f.registry, &release, NULL); /* there already on a second call */
    free(memory);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: aggregate-fill HQ TASKS.JSON TASK_ID FIRST COUNT DAY\n");
        return 2;
    }
    open_all(argv);
    size_t first = strtoul(argv[4], NULL, 10), count = strtoul(argv[5], NULL, 10);
    f.day = (int32_t)strtol(argv[6], NULL, 10);
    for (size_t i = 0; i < count; i++)
        one_terminal(first + i);
    for (size_t i = 0; i < f.task.cells; i++)
        printf("%lld\n", (long long)f.sum[i]);
    hq_registry_close(f.registry);
    sotto_vec_free(&f.file);
    return 0;
}
