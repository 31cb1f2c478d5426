/* Reads measurement tasks (docs/formats/tasks.md). Both sides read the same file, so both number cells alike.
 */
#include "sotto/privacy.h"

#include <assert.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 64,
    CAMPAIGNS_MAX = SOTTO_TASK_CELLS_MAX / SOTTO_OUTCOMES,
    SEGMENTS_MAX = 256,
    BOUND_MAX = 1000, /* with the reduced fraction of the scale, bound * 10^6 stays below 2^32 */
    PERIOD_DAYS_MAX = 31,
    EPSILON_DECIMALS = 6
};
static const int64_t EPSILON_MAX_UEPS = 100 * INT64_C(1000000);
static const int64_t LIFETIME_MAX_UEPS = 1000000 * INT64_C(1000000);

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static bool is_tag_byte(uint8_t c)
{
    return is_name_byte(c) && !(c >= 'A' && c <= 'Z');
}

static bool is_plain_byte(uint8_t c)
{
    return c >= 0x20 && c != 0x7f;
}

/* A member that must be there. */
static sotto_status find_member(sotto_json_node object, const char *name, sotto_json_node *out,
                                sotto_diag *diag)
{
    *out = sotto_json_member(object, name);
    if (sotto_json_type(*out) == SOTTO_JSON_ABSENT)
        return sotto_json_bad(object, diag, SOTTO_ERR(PRIVACY, MALFORMED), "\"%s\" is missing", name);
    return SOTTO_OK;
}

/* 1..64 bytes, each accepted by `allowed`. */
static sotto_status read_label(sotto_json_node node, bool (*allowed)(uint8_t), sotto_span *out,
                               sotto_diag *diag)
{
    sotto_status status = sotto_json_as_str(node, out, diag);
    if (status != SOTTO_OK)
        return status;
    if (out->len < 1 || out->len > NAME_MAX_BYTES)
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, RANGE), "must have 1 to %d bytes",
                              NAME_MAX_BYTES);
    for (size_t i = 0; i < out->len; i++)
        if (!allowed(out->ptr[i]))
            return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, MALFORMED),
                                  "has a character that is not allowed here");
    return SOTTO_OK;
}

static sotto_status get_label(sotto_json_node object, const char *member, bool (*allowed)(uint8_t), char *out,
                              size_t cap, sotto_diag *diag)
{
    sotto_json_node node;
    sotto_span text;
    sotto_status status = find_member(object, member, &node, diag);
    if (status == SOTTO_OK)
        status = read_label(node, allowed, &text, diag);
    return status != SOTTO_OK ? status : sotto_span_to_str(text, out, cap);
}

/* A member that has only one value in this version; any other is a task that this program cannot measure. */
static sotto_status want_word(sotto_json_node object, const char *member, const char *word, sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(object, member, &text, diag);
    if (status == SOTTO_OK && !sotto_span_is(text, word))
        return sotto_json_bad(sotto_json_member(object, member), diag, SOTTO_ERR(PRIVACY, UNSUPPORTED),
                              "this version knows only \"%s\"", word);
    return status;
}

static sotto_status read_epsilon(sotto_json_node object, const char *member, int64_t max_ueps, uint64_t *out,
                                 sotto_diag *diag)
{
    sotto_json_node node;
    int64_t ueps = 0;
    sotto_status status = find_member(object, member, &node, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_decimal(node, EPSILON_DECIMALS, &ueps, diag);
    if (status != SOTTO_OK)
        return status;
    if (ueps < 1 || ueps > max_ueps)
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, RANGE), "must be in 0.000001 .. %lld",
                              (long long)(max_ueps / 1000000));
    *out = (uint64_t)ueps;
    return SOTTO_OK;
}

static sotto_status read_u32(sotto_json_node object, const char *member, int64_t max, uint32_t *out,
                             sotto_diag *diag)
{
    int64_t value = 0;
    sotto_status status = sotto_json_get_i64(object, member, 1, max, &value, diag);
    if (status == SOTTO_OK)
        *out = (uint32_t)value;
    return status;
}

static int find(const char *const *list, size_t count, sotto_span text)
{
    for (size_t i = 0; i < count; i++)
        if (sotto_span_is(text, list[i]))
            return (int)i;
    return -1;
}

static sotto_status get_list(sotto_json_node object, const char *member, size_t max, const char *const **out,
                             size_t *count, sotto_arena *arena, sotto_diag *diag)
{
    sotto_json_node node;
    sotto_status status = find_member(object, member, &node, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(node, 1, max, diag);
    if (status != SOTTO_OK)
        return status;
    size_t n = sotto_json_count(node);
    const char **list = sotto_arena_array(arena, n, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        sotto_span text;
        status = read_label(sotto_json_at(node, i), is_plain_byte, &text, diag);
        if (status != SOTTO_OK)
            return status;
        if (list == NULL || (list[i] = sotto_arena_str(arena, text)) == NULL)
            return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, NO_SPACE), "the arena is too small");
        if (find(list, i, text) >= 0)
            return sotto_json_bad(sotto_json_at(node, i), diag, SOTTO_ERR(PRIVACY, MALFORMED),
                                  "is there twice");
    }
    *out = list;
    *count = n;
    return SOTTO_OK;
}

static sotto_status read_segments(sotto_task *out, sotto_json_node node, sotto_arena *arena, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"tag", "choices"};
    if (sotto_json_type(node) == SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    sotto_status status = sotto_json_as_object(node, diag);
    if (status == SOTTO_OK)
        status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = get_label(node, "tag", is_tag_byte, out->segment_tag, sizeof out->segment_tag, diag);
    if (status == SOTTO_OK)
        status = get_list(node, "choices", SEGMENTS_MAX, &out->segments, &out->segment_count, arena, diag);
    return status;
}

static sotto_status read_numbers(sotto_task *out, sotto_json_node node, sotto_diag *diag)
{
    sotto_status status = read_u32(node, "id", INT32_MAX, &out->id, diag);
    if (status == SOTTO_OK)
        status = read_epsilon(node, "epsilon", EPSILON_MAX_UEPS, &out->epsilon_ueps, diag);
    if (status == SOTTO_OK)
        status = read_u32(node, "bound", BOUND_MAX, &out->bound, diag);
    if (status == SOTTO_OK)
        status = read_u32(node, "period_days", PERIOD_DAYS_MAX, &out->period_days, diag);
    return status;
}

static sotto_status read_cells(sotto_task *out, sotto_json_node node, sotto_arena *arena, sotto_diag *diag)
{
    sotto_status status =
        get_list(node, "campaigns", CAMPAIGNS_MAX, &out->campaigns, &out->campaign_count, arena, diag);
    if (status == SOTTO_OK)
        status = read_segments(out, sotto_json_member(node, "segments"), arena, diag);
    if (status != SOTTO_OK)
        return status;
    /* At most 2048 * 257 * 2: no overflow. */
    out->cells = out->campaign_count * (out->segment_count + 1) * SOTTO_OUTCOMES;
    if (out->cells > SOTTO_TASK_CELLS_MAX)
        return sotto_json_bad(sotto_json_member(node, "campaigns"), diag, SOTTO_ERR(PRIVACY, RANGE),
                              "%zu cells, more than %d", out->cells, SOTTO_TASK_CELLS_MAX);
    return SOTTO_OK;
}

static sotto_status read_task(sotto_task *out, sotto_json_node node, sotto_arena *arena, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"name",  "id",          "type",      "mode",    "epsilon",
                                          "bound", "period_days", "campaigns", "segments"};
    sotto_status status = sotto_json_as_object(node, diag);
    if (status == SOTTO_OK)
        status = want_word(node, "type", "offer-counts", diag);
    if (status == SOTTO_OK)
        status = want_word(node, "mode", "one-collector", diag);
    if (status == SOTTO_OK)
        status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = get_label(node, "name", is_name_byte, out->name, sizeof out->name, diag);
    if (status == SOTTO_OK)
        status = read_numbers(out, node, diag);
    if (status == SOTTO_OK)
        status = read_cells(out, node, arena, diag);
    return status;
}

/* The version is judged before the members, so that a later format is called that and not misspelt. */
static sotto_status check_version(sotto_json_node root, sotto_diag *diag)
{
    int64_t version = 0;
    sotto_status status = sotto_json_as_object(root, diag);
    if (status == SOTTO_OK)
        status = want_word(root, "format", "sotto-tasks", diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(root, "version", 1, INT32_MAX, &version, diag);
    if (status == SOTTO_OK && version != 1)
        return sotto_json_bad(sotto_json_member(root, "version"), diag, SOTTO_ERR(PRIVACY, UNSUPPORTED),
                              "version %lld is newer than this program", (long long)version);
    return status;
}

static sotto_status read_file(sotto_task *out, sotto_json_node root, sotto_arena *arena, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"format", "version", "lifetime_epsilon", "tasks"};
    sotto_status status = check_version(root, diag);
    if (status == SOTTO_OK)
        status = sotto_json_only(root, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = read_epsilon(root, "lifetime_epsilon", LIFETIME_MAX_UEPS, &out->lifetime_ueps, diag);
    sotto_json_node tasks;
    if (status == SOTTO_OK)
        status = find_member(root, "tasks", &tasks, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(tasks, 1, SIZE_MAX, diag);
    if (status == SOTTO_OK && sotto_json_count(tasks) != 1)
        return sotto_json_bad(tasks, diag, SOTTO_ERR(PRIVACY, UNSUPPORTED), "this version measures one task");
    if (status == SOTTO_OK)
        status = read_task(out, sotto_json_at(tasks, 0), arena, diag);
    return status;
}

sotto_status sotto_task_load(sotto_task *out, sotto_span json, const char *name, sotto_arena *arena,
                             sotto_diag *diag)
{
    size_t mark = sotto_arena_mark(arena);
    sotto_json *doc = NULL;
    *out = (sotto_task){0};
    sotto_status status = sotto_json_parse(&doc, json, name, diag);
    if (status != SOTTO_OK)
        return status;
    status = read_file(out, sotto_json_root(doc), arena, diag);
    sotto_json_free(doc);
    if (status != SOTTO_OK) {
        *out = (sotto_task){0};
        sotto_arena_reset(arena, mark);
    }
    return status;
}

size_t sotto_task_cell(const sotto_task *task, size_t campaign, size_t segment, enum sotto_outcome outcome)
{
    assert(campaign < task->campaign_count);
    assert(segment <= task->segment_count && (unsigned)outcome < SOTTO_OUTCOMES);
    return (campaign * (task->segment_count + 1) + segment) * SOTTO_OUTCOMES + (size_t)outcome;
}

int sotto_task_campaign(const sotto_task *task, sotto_span id)
{
    return find(task->campaigns, task->campaign_count, id);
}

int sotto_task_segment(const sotto_task *task, sotto_span name)
{
    int index = find(task->segments, task->segment_count, name);
    return index >= 0 ? index : (int)task->segment_count;
}
