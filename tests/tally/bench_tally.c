/*
 * A night: how long it takes to close a period, and the memory that it takes.
 *
 *   bench_tally [customers] [cells]        default 100000 customers, 1000 cells
 */
#include "sotto/port.h"
#include "sotto/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { DAY = 20778 };

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long resident_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void need(bool ok)
{
    if (!ok)
        abort();
}

static sotto_status load_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)ctx;
    (void)diag;
    memset(root, 7, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

static void note_all(sotto_store *store, const sotto_task *task, uint32_t customers)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    bool counted = false;
    double start = now_s();
    for (uint32_t n = 0; n < customers; n++) {
        if (n % 1000 == 0)
            need(sotto_store_begin(store, NULL) == SOTTO_OK);
        need(sotto_sha256(sotto_span_of(&n, sizeof n), key) == SOTTO_OK);
        for (uint32_t i = 0; i < 1 + n % 3; i++)
            need(sotto_tally_note(store, task, key,
                                  &(sotto_tally_cells){.cell = {(n * 7 + i) % task->cells}, .count = 1},
                                  (int64_t)DAY * 86400, &counted, NULL) == SOTTO_OK);
        if (n % 1000 == 999 || n == customers - 1)
            need(sotto_store_commit(store, NULL) == SOTTO_OK);
    }
    (void)printf("%u customers' events noted in %.2f s; ", (unsigned)customers, now_s() - start);
}

static void close_one(sotto_store *store, const sotto_task *task, const sotto_vault *vault)
{
    sotto_entropy entropy = sotto_port_entropy();
    const sotto_tasks tasks = {.budget = {.lifetime_ueps = task->quota_ueps}, .task = task, .count = 1};
    sotto_tally_config config = {.tasks = &tasks,
                                 .vault = vault,
                                 .entropy = &entropy,
                                 .device = "kiosk-1",
                                 .release_version = 1,
                                 .now_s = (int64_t)(DAY + 1) * 86400};
    sotto_tally_result result;
    long before = resident_kib();
    double start = now_s();
    need(sotto_tally_close(store, &config, &result, NULL) == SOTTO_OK && result.reports == 1);
    (void)printf("period closed in %.2f s, %llu customers; resident at most %ld KiB before, %ld KiB after\n",
                 now_s() - start, (unsigned long long)result.customers, before, resident_kib());
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/sotto-bench-XXXXXX", command[64], path[64];
    uint32_t customers = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    size_t cells = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    sotto_key_provider provider = {.name = "memory", .load = load_root};
    sotto_vault *vault = NULL;
    sotto_store *store = NULL;
    need(mkdtemp(folder) != NULL && cells >= 2 && cells <= SOTTO_TASK_CELLS_MAX);
    (void)snprintf(path, sizeof path, "%s/s.db", folder);
    sotto_store_config store_config = {.path = path, .create = true};
    const sotto_table table = {.cells = cells};
    sotto_task task = {.name = "bench",
                       .id = 1,
                       .epsilon_ueps = 500000,
                       .quota_ueps = 20000000,
                       .bound = 8,
                       .period_days = 1,
                       .table = &table,
                       .table_count = 1,
                       .cells = cells};
    need(sotto_vault_start(NULL) == SOTTO_OK && sotto_vault_open(&vault, &provider, NULL) == SOTTO_OK);
    need(sotto_vault_store_key(vault, store_config.key) == SOTTO_OK);
    need(sotto_store_open(&store, &store_config, NULL) == SOTTO_OK);
    note_all(store, &task, customers);
    close_one(store, &task, vault);
    sotto_store_close(store);
    sotto_vault_close(vault);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 1;
}
