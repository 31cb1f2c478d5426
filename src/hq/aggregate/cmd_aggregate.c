/* aggregate: the parties of mode B. One command with words of its own below it. */
#include "aggregate/aggregate.h"
#include "commands.h"
#include "office/day.h"
#include "release/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- init, pair ---- */

static enum agg_role role_named(const char *name)
{
    for (int i = 0; i < AGG_ROLE_COUNT; i++)
        if (strcmp(name, agg_role_name((enum agg_role)i)) == 0)
            return (enum agg_role)i;
    return AGG_ROLE_COUNT;
}

static int cmd_init(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL, *role_name = NULL;
    hq_list hosts = {0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = true},
                                 {"--role", HQ_TEXT, &role_name, .required = true},
                                 {"--host", HQ_LIST, &hosts, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    enum agg_role role = role_named(role_name);
    if (role == AGG_ROLE_COUNT)
        return hq_usage(argv[0], "--role is leader, helper or collector");
    if (hosts.count == 0)
        hosts = (hq_list){.item = {"127.0.0.1", "localhost"}, .count = 2};
    sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = sotto_vault_start(&diag);
    if (status == SOTTO_OK)
        status = agg_party_init(dir, role, &hosts, hq_now(), &entropy, &diag);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    printf("A %s is set up in %s. Carry %s/party.json to the other two parties:\n"
           "  sotto-hq aggregate pair --dir THEIRS --party party.json\n",
           role_name, dir, dir);
    return 0;
}

static int cmd_pair(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL;
    hq_list parties = {0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = true},
                                 {"--party", HQ_LIST, &parties, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    if (parties.count == 0)
        return hq_usage(argv[0], "--party is missing");
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < parties.count && status == SOTTO_OK; i++)
        status = agg_party_pair(dir, parties.item[i], &diag);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    printf("%zu paired.\n", parties.count);
    return 0;
}

/* ---- task ---- */

/* A party that has a key of its own in the file takes the task only when it is that key. */
static sotto_status check_own_key(const char *dir, const sotto_split_task *task, sotto_diag *diag)
{
    agg_party own;
    sotto_status status = agg_party_own(dir, &own, diag);
    if (status == SOTTO_OK && own.role < SOTTO_SPLIT_PARTIES &&
        memcmp(own.hpke, task->key[own.role], sizeof own.hpke) != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                                "the tasks file names another key for the %s than the one here",
                                agg_role_name(own.role));
    return status;
}

static sotto_status add_tasks(const char *dir, hq_registry *db, const sotto_tasks *tasks, sotto_span file,
                              size_t *known, size_t *fresh, sotto_diag *diag)
{
    sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < tasks->count && status == SOTTO_OK; i++) {
        sotto_split_task task;
        uint8_t digest[SOTTO_SHA256_BYTES];
        bool added = false;
        if (tasks->task[i].mode != SOTTO_MODE_B)
            continue;
        status = sotto_split_task_of(&task, tasks, &tasks->task[i], diag);
        if (status == SOTTO_OK)
            status = check_own_key(dir, &task, diag);
        if (status == SOTTO_OK)
            status = sotto_split_task_digest(&task, digest, diag);
        if (status == SOTTO_OK)
            status = agg_names_keep(dir, digest, file, diag);
        if (status == SOTTO_OK)
            status = agg_store_task_add(db, &task, &entropy, &added, diag);
        *fresh += added;
        *known += !added;
    }
    return status;
}

static sotto_status read_tasks(const char *dir, const char *path, size_t *known, size_t *fresh,
                               sotto_diag *diag)
{
    hq_registry *db = NULL;
    sotto_vec file;
    sotto_tasks tasks;
    sotto_arena arena;
    sotto_vec_init(&file, HQ_FILE_LIMIT);
    sotto_status status = sotto_port_read_file(path, &file, diag);
    size_t size = (256u << 10) + file.len * 16;
    void *memory = malloc(size);
    if (status == SOTTO_OK && memory == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the tasks");
    if (status == SOTTO_OK)
        status = sotto_vault_start(diag);
    if (status == SOTTO_OK) {
        sotto_arena_init(&arena, memory, size);
        status = sotto_tasks_load(&tasks, sotto_vec_span(&file), path, &arena, diag);
    }
    if (status == SOTTO_OK)
        status = agg_party_db(dir, false, &db, diag);
    if (status == SOTTO_OK)
        status = add_tasks(dir, db, &tasks, sotto_vec_span(&file), known, fresh, diag);
    hq_registry_close(db);
    free(memory);
    sotto_vec_free(&file);
    return status;
}

static int cmd_task(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL, *path = NULL;
    size_t known = 0, fresh = 0;
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = true},
                                 {"--tasks", HQ_TEXT, &path, .required = true}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = read_tasks(dir, path, &known, &fresh, &diag);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    printf("%zu task%s of two aggregators taken, %zu known before.\n", fresh, fresh == 1 ? "" : "s", known);
    return 0;
}

/* ---- status ---- */

static void print_why(void *ctx, const char *why, uint64_t count)
{
    (void)ctx;
    printf("  %8llu  %s\n", (unsigned long long)count, why);
}

static void print_aside(void *ctx, const char *why, uint64_t count)
{
    (void)ctx;
    printf("ALARM: %llu of those waiting are set aside, since the helper gives no answer to them: %s\n",
           (unsigned long long)count, why);
}

static void add_aside(void *ctx, const char *why, uint64_t count)
{
    (void)why;
    *(uint64_t *)ctx += count;
}

static int cmd_status(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL;
    bool as_json = false;
    hq_registry *db = NULL;
    uint64_t n[4], batches = 0, aside = 0;
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = true},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = agg_party_db(dir, false, &db, &diag);
    if (status == SOTTO_OK)
        status = agg_store_counts(db, n, &batches, &diag);
    if (status == SOTTO_OK)
        status = agg_store_reasons(db, AGG_WAITING, add_aside, &aside, &diag);
    const char *form =
        as_json ? "{\"waiting\":%llu,\"verified\":%llu,\"refused\":%llu,\"batched\":%llu,\"batches\":%llu,"
                  "\"set_aside\":%llu}\n"
                : "%llu waiting, %llu verified, %llu refused, %llu in %llu batches; %llu set aside.\n";
    if (status == SOTTO_OK)
        printf(form, (unsigned long long)n[0], (unsigned long long)n[1], (unsigned long long)n[2],
               (unsigned long long)n[3], (unsigned long long)batches, (unsigned long long)aside);
    if (status == SOTTO_OK && !as_json && aside > 0)
        status = agg_store_reasons(db, AGG_WAITING, print_aside, NULL, &diag);
    if (status == SOTTO_OK && !as_json && n[AGG_REFUSED] > 0)
        status = agg_store_reasons(db, AGG_REFUSED, print_why, NULL, &diag);
    hq_registry_close(db);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

int hq_cmd_aggregate(int argc, char **argv)
{
    static const struct {
        const char *word;
        char name[24];
        int (*run)(int argc, char **argv);
    } words[] = {{"init", "aggregate init", cmd_init},
                 {"pair", "aggregate pair", cmd_pair},
                 {"task", "aggregate task", cmd_task},
                 {"status", "aggregate status", cmd_status},
                 {"forward", "aggregate forward", agg_cmd_forward},
                 {"collect", "aggregate collect", agg_cmd_collect}};
    char name[24];
    for (size_t i = 0; argc > 1 && i < SOTTO_COUNT(words); i++)
        if (strcmp(argv[1], words[i].word) == 0) {
            memcpy(name, words[i].name, sizeof name);
            argv[1] = name;
            return words[i].run(argc - 1, argv + 1);
        }
    return agg_cmd_run(argc, argv);
}
