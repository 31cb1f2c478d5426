/* Reads a tasks file (docs/formats/tasks.md): what holds for all tasks, then the list of them. */
#include "task_json.h"

#include <string.h>

static const int64_t GAUSSIAN_LIFETIME_MAX_UEPS = 1000 * INT64_C(1000000);

/* The version is judged before the members, so that a later format is called that and not misspelt. */
static sotto_status read_version(sotto_json_node root, int64_t *version, sotto_diag *diag)
{
    sotto_status status = sotto_json_as_object(root, diag);
    if (status == SOTTO_OK)
        status = sotto_task_word(root, "format", "sotto-tasks", diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(root, "version", 1, INT32_MAX, version, diag);
    if (status == SOTTO_OK && *version > 2)
        return sotto_json_bad(sotto_json_member(root, "version"), diag, SOTTO_ERR(PRIVACY, UNSUPPORTED),
                              "version %lld is newer than this program", (long long)*version);
    return status;
}

static sotto_status read_renewal(sotto_budget_policy *out, sotto_json_node node, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"days", "epsilon"};
    if (sotto_json_type(node) == SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = sotto_task_u32(node, "days", 36500, &out->renew_days, diag);
    if (status == SOTTO_OK)
        status = sotto_task_decimal(node, "epsilon", TASK_EPSILON_DECIMALS, (int64_t)out->lifetime_ueps,
                                    &out->renew_ueps, diag);
    return status;
}

static sotto_status read_gaussian(sotto_budget_policy *out, sotto_json_node node, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"epsilon", "delta"};
    uint64_t epsilon_ueps = 0;
    if (sotto_json_type(node) == SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = sotto_task_decimal(node, "epsilon", TASK_EPSILON_DECIMALS, GAUSSIAN_LIFETIME_MAX_UEPS,
                                    &epsilon_ueps, diag);
    if (status == SOTTO_OK)
        status = sotto_task_decimal(node, "delta", TASK_DELTA_DECIMALS, TASK_DELTA_MAX_E12,
                                    &out->lifetime_delta_e12, diag);
    if (status == SOTTO_OK)
        out->lifetime_rho_nano = sotto_budget_rho_nano(epsilon_ueps, out->lifetime_delta_e12);
    return status;
}

static sotto_status read_home(sotto_tasks *out, sotto_json_node node, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"tag", "unknown"}, *const WORDS[] = {"counts", "skipped"};
    size_t unknown = 0;
    if (sotto_json_type(node) == SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status =
            sotto_task_label(node, "tag", sotto_task_tag_byte, out->home_tag, sizeof out->home_tag, diag);
    if (status == SOTTO_OK)
        status = sotto_task_choice(node, "unknown", WORDS, SOTTO_COUNT(WORDS), &unknown, diag);
    out->home_unknown = (enum sotto_home_unknown)unknown;
    return status;
}

/* An uncompressed point of P-256 in hexadecimal; whether it lies on the curve is HPKE's to find. */
static sotto_status read_key(uint8_t out[static SOTTO_AGGREGATOR_KEY_BYTES], sotto_json_node node,
                             const char *member, sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(node, member, &text, diag);
    if (status == SOTTO_OK &&
        (sotto_hex_decode(text, out, SOTTO_AGGREGATOR_KEY_BYTES) != SOTTO_OK || out[0] != 4))
        status = sotto_json_bad(sotto_json_member(node, member), diag, SOTTO_ERR(PRIVACY, MALFORMED),
                                "must be 130 hexadecimal digits that begin with 04");
    return status;
}

static sotto_status read_aggregators(sotto_tasks *out, sotto_json_node node, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"leader", "helper"};
    if (sotto_json_type(node) == SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    for (size_t i = 0; i < SOTTO_AGGREGATORS && status == SOTTO_OK; i++)
        status = read_key(out->aggregator_key[i], node, MEMBERS[i], diag);
    if (status == SOTTO_OK &&
        memcmp(out->aggregator_key[0], out->aggregator_key[1], SOTTO_AGGREGATOR_KEY_BYTES) == 0)
        status = sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, CONFLICT),
                                "one key for both: each aggregator would see everything");
    out->has_aggregators = status == SOTTO_OK;
    return status;
}

static sotto_status read_head(sotto_tasks *out, sotto_json_node root, int64_t version, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"format", "version",    "lifetime_epsilon",
                                          "tasks",  "renewal",    "lifetime_gaussian",
                                          "home",   "aggregators"};
    sotto_status status = sotto_json_only(root, MEMBERS, version == 1 ? 4 : SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = sotto_task_decimal(root, "lifetime_epsilon", TASK_EPSILON_DECIMALS, TASK_LIFETIME_MAX_UEPS,
                                    &out->budget.lifetime_ueps, diag);
    if (status == SOTTO_OK)
        status = read_gaussian(&out->budget, sotto_json_member(root, "lifetime_gaussian"), diag);
    if (status == SOTTO_OK)
        status = read_renewal(&out->budget, sotto_json_member(root, "renewal"), diag);
    if (status == SOTTO_OK)
        status = read_home(out, sotto_json_member(root, "home"), diag);
    if (status == SOTTO_OK)
        status = read_aggregators(out, sotto_json_member(root, "aggregators"), diag);
    return status;
}

static sotto_status read_list(sotto_tasks *out, sotto_json_node node, int64_t version, sotto_arena *arena,
                              sotto_diag *diag)
{
    size_t count = sotto_json_count(node);
    sotto_task *task = sotto_arena_array(arena, count, sizeof *task);
    if (task == NULL)
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, NO_SPACE), "the arena is too small");
    memset(task, 0, count * sizeof *task);
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < count && status == SOTTO_OK; i++) {
        sotto_json_node one = sotto_json_at(node, i);
        status = version == 1 ? sotto_task_read_1(&task[i], one, out, arena, diag)
                              : sotto_task_read(&task[i], one, out, arena, diag);
        out->count = i;
        if (status == SOTTO_OK && sotto_tasks_find(out, task[i].id) != NULL)
            status = sotto_json_bad(sotto_json_member(one, "id"), diag, SOTTO_ERR(PRIVACY, CONFLICT),
                                    "another task has this id");
        out->task = task;
    }
    out->count = count;
    return status;
}

static sotto_status read_file(sotto_tasks *out, sotto_json_node root, sotto_arena *arena, sotto_diag *diag)
{
    int64_t version = 0;
    sotto_json_node tasks;
    sotto_status status = read_version(root, &version, diag);
    if (status == SOTTO_OK)
        status = read_head(out, root, version, diag);
    if (status == SOTTO_OK)
        status = sotto_task_member(root, "tasks", &tasks, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(tasks, 1, SIZE_MAX, diag);
    if (status == SOTTO_OK && sotto_json_count(tasks) > (version == 1 ? 1 : SOTTO_TASKS_MAX))
        return sotto_json_bad(tasks, diag, SOTTO_ERR(PRIVACY, UNSUPPORTED), "more tasks than %d",
                              version == 1 ? 1 : SOTTO_TASKS_MAX);
    return status == SOTTO_OK ? read_list(out, tasks, version, arena, diag) : status;
}

sotto_status sotto_tasks_load(sotto_tasks *out, sotto_span json, const char *name, sotto_arena *arena,
                              sotto_diag *diag)
{
    size_t mark = sotto_arena_mark(arena);
    sotto_json *doc = NULL;
    *out = (sotto_tasks){0};
    sotto_status status = sotto_json_parse(&doc, json, name, diag);
    if (status != SOTTO_OK)
        return status;
    status = read_file(out, sotto_json_root(doc), arena, diag);
    sotto_json_free(doc);
    if (status != SOTTO_OK) {
        *out = (sotto_tasks){0};
        sotto_arena_reset(arena, mark);
    }
    return status;
}
