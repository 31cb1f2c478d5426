/* Reads one measurement task (docs/formats/tasks.md), version 1 and 2: a task of version 1 is one table of
 * campaign, segment and outcome. */
#include "task_json.h"

#include <assert.h>
#include <string.h>

enum {
    NAMES_MAX = SOTTO_TASK_CELLS_MAX / SOTTO_OUTCOMES,
    SEGMENTS_MAX = 256,
    ARMS_MAX = 64,
    EDGES_MAX = 64,
    PERIOD_DAYS_MAX = 31
};
static const int64_t EPSILON_MAX_UEPS = 100 * INT64_C(1000000);
static const char *const OUTCOME_NAMES[SOTTO_OUTCOMES] = {"shown", "taken"};
static const char *const FIGURE_NAMES[SOTTO_FIGURE_COUNT] = {
#define X(name, text) text,
    SOTTO_FIGURES(X)
#undef X
};
static const char *const STEP_NAMES[SOTTO_STEPS] = {"card_in", "shown", "dismissed", "taken"};

static bool is_there(sotto_json_node object, const char *member)
{
    return sotto_json_type(sotto_json_member(object, member)) != SOTTO_JSON_ABSENT;
}

/* ---- dimensions and tables ---- */

static sotto_status read_edges(sotto_dimension *out, sotto_json_node node, sotto_arena *arena,
                               sotto_diag *diag)
{
    sotto_json_node edges = sotto_json_member(node, "edges");
    sotto_status status = sotto_json_as_array(edges, 1, EDGES_MAX, diag);
    if (status != SOTTO_OK)
        return status;
    size_t count = sotto_json_count(edges);
    int64_t *list = sotto_arena_array(arena, count, sizeof *list);
    if (list == NULL)
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, NO_SPACE), "the arena is too small");
    for (size_t i = 0; i < count && status == SOTTO_OK; i++) {
        status = sotto_json_as_decimal(sotto_json_at(edges, i), 6, &list[i], diag);
        if (status == SOTTO_OK && i > 0 && list[i] <= list[i - 1])
            status =
                sotto_json_bad(sotto_json_at(edges, i), diag, SOTTO_ERR(PRIVACY, RANGE), "edges must ascend");
    }
    out->edges_e6 = list;
    out->named = count;
    return status;
}

/* A weight is one over a chance: an edge at 0 would say nothing of it. */
static sotto_status check_chances(const sotto_dimension *d, sotto_json_node node, sotto_diag *diag)
{
    if (d->edges_e6[0] > 0 && d->edges_e6[d->named - 1] <= 1000000)
        return SOTTO_OK;
    return sotto_json_bad(sotto_json_member(node, "edges"), diag, SOTTO_ERR(PRIVACY, RANGE),
                          "chances lie above 0 and at most at 1");
}

static void fixed_names(sotto_dimension *out, const char *const *names, size_t count)
{
    out->names = names;
    out->named = out->bins = count;
}

static sotto_status read_bins(sotto_dimension *out, sotto_json_node node, size_t max, sotto_arena *arena,
                              sotto_diag *diag)
{
    sotto_status status = sotto_task_list(node, "bins", max, &out->names, &out->named, arena, diag);
    out->bins = out->named;
    return status;
}

static sotto_status read_tag(sotto_dimension *out, sotto_json_node node, sotto_arena *arena, sotto_diag *diag)
{
    sotto_status status = sotto_task_label(node, "tag", sotto_task_tag_byte, out->tag, sizeof out->tag, diag);
    if (status == SOTTO_OK && is_there(node, "edges"))
        status = read_edges(out, node, arena, diag);
    else if (status == SOTTO_OK)
        status = read_bins(out, node, SEGMENTS_MAX, arena, diag);
    out->bins = out->named + (out->edges_e6 != NULL) + 1; /* other values, or none */
    return status;
}

static sotto_status read_dimension(sotto_dimension *out, sotto_json_node node, sotto_arena *arena,
                                   sotto_diag *diag)
{
    static const char *const KINDS[] = {
#define X(name, text) text,
        SOTTO_DIMENSIONS(X)
#undef X
    };
    static const char *const PLAIN[] = {"of"}, *const BINS[] = {"of", "bins"},
                             *const EDGES[] = {"of", "edges"}, *const TAG[] = {"of", "tag", "bins", "edges"};
    size_t kind = 0;
    sotto_status status = sotto_json_as_object(node, diag);
    if (status == SOTTO_OK)
        status = sotto_task_choice(node, "of", KINDS, SOTTO_COUNT(KINDS), &kind, diag);
    if (status != SOTTO_OK)
        return status;
    out->kind = (enum sotto_dimension_kind)kind;
    switch (out->kind) {
    case SOTTO_DIMENSION_CAMPAIGN:
        status = sotto_json_only(node, BINS, SOTTO_COUNT(BINS), diag);
        return status == SOTTO_OK ? read_bins(out, node, NAMES_MAX, arena, diag) : status;
    case SOTTO_DIMENSION_ARM:
        status = sotto_json_only(node, BINS, SOTTO_COUNT(BINS), diag);
        if (status == SOTTO_OK)
            status = read_bins(out, node, ARMS_MAX, arena, diag);
        out->bins = out->named + 1;
        return status;
    case SOTTO_DIMENSION_TAG:
        status = sotto_json_only(node, TAG, is_there(node, "edges") ? 4 : 3, diag);
        if (status == SOTTO_OK && is_there(node, "edges") && is_there(node, "bins"))
            status = sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, MALFORMED), "bins or edges, not both");
        return status == SOTTO_OK ? read_tag(out, node, arena, diag) : status;
    case SOTTO_DIMENSION_HOUR:
    case SOTTO_DIMENSION_SCORE:
    case SOTTO_DIMENSION_CHANCE:
        status = sotto_json_only(node, EDGES, SOTTO_COUNT(EDGES), diag);
        if (status == SOTTO_OK)
            status = read_edges(out, node, arena, diag);
        if (status == SOTTO_OK && out->kind == SOTTO_DIMENSION_CHANCE)
            status = check_chances(out, node, diag);
        out->bins = out->named + 1 + (out->kind != SOTTO_DIMENSION_HOUR);
        return status;
    case SOTTO_DIMENSION_OUTCOME:
        fixed_names(out, OUTCOME_NAMES, SOTTO_OUTCOMES);
        break;
    case SOTTO_DIMENSION_FIGURE:
        fixed_names(out, FIGURE_NAMES, SOTTO_FIGURE_COUNT);
        break;
    default:
        fixed_names(out, STEP_NAMES, SOTTO_STEPS);
        break;
    }
    return sotto_json_only(node, PLAIN, SOTTO_COUNT(PLAIN), diag);
}

/* Numbers the table's cells from first_cell. */
static sotto_status number_cells(sotto_table *table, size_t first_cell, sotto_json_node node,
                                 sotto_diag *diag)
{
    table->first_cell = first_cell;
    table->cells = 1;
    for (size_t i = 0; i < table->dimensions && table->cells <= SOTTO_TASK_CELLS_MAX; i++)
        table->cells *= table->dimension[i].bins; /* each at most 2048 */
    if (first_cell + table->cells > SOTTO_TASK_CELLS_MAX)
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, RANGE), "%zu cells, more than %d",
                              first_cell + table->cells, SOTTO_TASK_CELLS_MAX);
    return SOTTO_OK;
}

static sotto_status take_tables(sotto_table **out, size_t count, sotto_json_node node, sotto_arena *arena,
                                sotto_diag *diag)
{
    *out = sotto_arena_array(arena, count, sizeof **out);
    if (*out == NULL)
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, NO_SPACE), "the arena is too small");
    memset(*out, 0, count * sizeof **out);
    return SOTTO_OK;
}

/* Which kinds may, and which must, tell cells apart. */
static sotto_status check_kinds(const sotto_table *table, enum sotto_task_type type, sotto_json_node node,
                                sotto_diag *diag)
{
    unsigned seen = 0, tags = 1u << SOTTO_DIMENSION_TAG, hour = 1u << SOTTO_DIMENSION_HOUR;
    const unsigned may[SOTTO_TASK_TYPE_COUNT] = {
        tags | hour | 1u << SOTTO_DIMENSION_CAMPAIGN | 1u << SOTTO_DIMENSION_OUTCOME |
            1u << SOTTO_DIMENSION_ARM | 1u << SOTTO_DIMENSION_SCORE | 1u << SOTTO_DIMENSION_CHANCE,
        tags | hour | 1u << SOTTO_DIMENSION_STEP, tags | hour, hour | 1u << SOTTO_DIMENSION_FIGURE};
    const unsigned must[SOTTO_TASK_TYPE_COUNT] = {1u << SOTTO_DIMENSION_OUTCOME, 1u << SOTTO_DIMENSION_STEP,
                                                  tags, 1u << SOTTO_DIMENSION_FIGURE};
    for (size_t i = 0; i < table->dimensions; i++) {
        unsigned bit = 1u << table->dimension[i].kind;
        if ((bit & ~may[type]) != 0 || (bit != tags && (seen & bit) != 0))
            return sotto_json_bad(sotto_json_at(node, i), diag, SOTTO_ERR(PRIVACY, MALFORMED),
                                  "this dimension is not for this type of task, or there twice");
        seen |= bit;
    }
    if ((seen & 1u << SOTTO_DIMENSION_ARM) != 0 && (seen & 1u << SOTTO_DIMENSION_CAMPAIGN) == 0)
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "an arm is of a campaign: the table needs that dimension too");
    if ((seen & must[type]) != must[type])
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "a dimension that this type of task needs is missing");
    return SOTTO_OK;
}

static sotto_status read_table(sotto_table *out, sotto_json_node node, enum sotto_task_type type,
                               sotto_arena *arena, sotto_diag *diag)
{
    sotto_status status = sotto_json_as_array(node, 1, SOTTO_DIMENSIONS_MAX, diag);
    if (status != SOTTO_OK)
        return status;
    out->dimensions = sotto_json_count(node);
    for (size_t i = 0; i < out->dimensions && status == SOTTO_OK; i++)
        status = read_dimension(&out->dimension[i], sotto_json_at(node, i), arena, diag);
    return status == SOTTO_OK ? check_kinds(out, type, node, diag) : status;
}

static sotto_status read_tables(sotto_task *out, sotto_json_node task, sotto_arena *arena, sotto_diag *diag)
{
    sotto_json_node node;
    sotto_table *table = NULL;
    sotto_status status = sotto_task_member(task, "tables", &node, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(node, 1, SOTTO_TABLES_MAX, diag);
    out->table_count = status == SOTTO_OK ? sotto_json_count(node) : 0;
    if (status == SOTTO_OK)
        status = take_tables(&table, out->table_count, node, arena, diag);
    out->table = table;
    out->cells = out->has_left_out ? 1 : 0;
    for (size_t i = 0; i < out->table_count && status == SOTTO_OK; i++) {
        status = read_table(&table[i], sotto_json_at(node, i), out->type, arena, diag);
        if (status == SOTTO_OK)
            status = number_cells(&table[i], out->cells, sotto_json_at(node, i), diag);
        out->cells += table[i].cells;
    }
    if (status == SOTTO_OK && out->bound < out->table_count)
        return sotto_json_bad(sotto_json_member(task, "bound"), diag, SOTTO_ERR(PRIVACY, RANGE),
                              "less than one count a table");
    return status;
}

/* ---- a task ---- */

static sotto_status read_numbers(sotto_task *out, sotto_json_node node, sotto_diag *diag)
{
    sotto_status status = sotto_task_u32(node, "id", INT32_MAX, &out->id, diag);
    if (status == SOTTO_OK)
        status = sotto_task_decimal(node, "epsilon", TASK_EPSILON_DECIMALS, EPSILON_MAX_UEPS,
                                    &out->epsilon_ueps, diag);
    if (status == SOTTO_OK)
        status = sotto_task_u32(node, "bound", SOTTO_TASK_BOUND_MAX, &out->bound, diag);
    if (status == SOTTO_OK)
        status = sotto_task_u32(node, "period_days", PERIOD_DAYS_MAX, &out->period_days, diag);
    return status;
}

static sotto_status read_name(sotto_task *out, sotto_json_node node, sotto_diag *diag)
{
    return sotto_task_label(node, "name", sotto_task_name_byte, out->name, sizeof out->name, diag);
}

static sotto_status read_noise(sotto_task *out, sotto_json_node node, sotto_diag *diag)
{
    static const char *const NOISES[] = {"laplace", "gaussian"};
    size_t noise = SOTTO_NOISE_LAPLACE;
    sotto_status status = SOTTO_OK;
    if (is_there(node, "noise"))
        status = sotto_task_choice(node, "noise", NOISES, SOTTO_COUNT(NOISES), &noise, diag);
    out->noise = (enum sotto_task_noise)noise;
    if (status == SOTTO_OK && out->noise == SOTTO_NOISE_GAUSSIAN)
        status =
            sotto_task_decimal(node, "delta", TASK_DELTA_DECIMALS, TASK_DELTA_MAX_E12, &out->delta_e12, diag);
    else if (status == SOTTO_OK && is_there(node, "delta"))
        status = sotto_json_bad(sotto_json_member(node, "delta"), diag, SOTTO_ERR(PRIVACY, MALFORMED),
                                "Laplace noise has no delta");
    if (status != SOTTO_OK || out->noise == SOTTO_NOISE_LAPLACE)
        return status;
    out->rho_nano = sotto_budget_rho_nano(out->epsilon_ueps, out->delta_e12);
    return out->rho_nano > 0 ? SOTTO_OK
                             : sotto_json_bad(sotto_json_member(node, "epsilon"), diag,
                                              SOTTO_ERR(PRIVACY, RANGE), "too small for this delta");
}

static sotto_status read_mode(sotto_task *out, sotto_json_node node, const sotto_tasks *file,
                              sotto_diag *diag)
{
    static const char *const MODES[] = {"one-collector", "two-aggregators"};
    size_t mode = 0;
    sotto_status status = sotto_task_choice(node, "mode", MODES, SOTTO_COUNT(MODES), &mode, diag);
    out->mode = (enum sotto_task_mode)mode;
    if (status == SOTTO_OK && out->mode == SOTTO_MODE_A && is_there(node, "cell_bits"))
        return sotto_json_bad(sotto_json_member(node, "cell_bits"), diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "only shares have bits");
    if (status != SOTTO_OK || out->mode == SOTTO_MODE_A)
        return status;
    if (!file->has_aggregators)
        return sotto_json_bad(sotto_json_member(node, "mode"), diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "needs \"aggregators\" in the file");
    out->vdaf = SOTTO_VDAF_SUMVEC;
    return sotto_task_u32(node, "cell_bits", 32, &out->cell_bits, diag);
}

/* The most of the customer's budget of its kind that the task may use. */
static sotto_status read_quota(sotto_task *out, sotto_json_node node, const sotto_tasks *file,
                               sotto_diag *diag)
{
    out->quota_ueps = file->budget.lifetime_ueps;
    out->quota_rho_nano = file->budget.lifetime_rho_nano;
    if (out->noise == SOTTO_NOISE_GAUSSIAN && file->budget.lifetime_rho_nano == 0)
        return sotto_json_bad(sotto_json_member(node, "noise"), diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "needs \"lifetime_gaussian\" in the file");
    if (!is_there(node, "quota_epsilon"))
        return SOTTO_OK;
    sotto_status status = sotto_task_decimal(node, "quota_epsilon", TASK_EPSILON_DECIMALS,
                                             TASK_LIFETIME_MAX_UEPS, &out->quota_ueps, diag);
    if (status != SOTTO_OK || out->noise == SOTTO_NOISE_LAPLACE)
        return status;
    out->quota_rho_nano = sotto_budget_rho_nano(out->quota_ueps, file->budget.lifetime_delta_e12);
    return SOTTO_OK;
}

sotto_status sotto_task_read(sotto_task *out, sotto_json_node node, const sotto_tasks *file,
                             sotto_arena *arena, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {
        "name",  "id",     "type",        "mode",           "noise",         "epsilon",  "delta",
        "bound", "tables", "period_days", "smallest_batch", "quota_epsilon", "cell_bits"};
    static const char *const TYPES[] = {
#define X(name, text) text,
        SOTTO_TASK_TYPES(X)
#undef X
    };
    size_t type = 0;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = sotto_task_choice(node, "type", TYPES, SOTTO_COUNT(TYPES), &type, diag);
    out->type = (enum sotto_task_type)type;
    out->has_left_out = out->type != SOTTO_TASK_HEALTH; /* nobody is left out of what customers do not pay */
    if (status == SOTTO_OK)
        status = read_name(out, node, diag);
    if (status == SOTTO_OK)
        status = read_numbers(out, node, diag);
    if (status == SOTTO_OK)
        status = read_noise(out, node, diag);
    if (status == SOTTO_OK)
        status = read_mode(out, node, file, diag);
    if (status == SOTTO_OK)
        status = read_quota(out, node, file, diag);
    if (status == SOTTO_OK && is_there(node, "smallest_batch"))
        status = sotto_task_u32(node, "smallest_batch", 1000000, &out->smallest_batch, diag);
    return status == SOTTO_OK ? read_tables(out, node, arena, diag) : status;
}

/* ---- a task of version 1 ---- */

static sotto_status read_segments(sotto_dimension *out, sotto_json_node node, sotto_arena *arena,
                                  sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"tag", "choices"};
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = sotto_task_label(node, "tag", sotto_task_tag_byte, out->tag, sizeof out->tag, diag);
    if (status == SOTTO_OK)
        status = sotto_task_list(node, "choices", SEGMENTS_MAX, &out->names, &out->named, arena, diag);
    out->kind = SOTTO_DIMENSION_TAG;
    out->bins = out->named + 1;
    return status;
}

static sotto_status read_table_1(sotto_task *out, sotto_json_node node, sotto_arena *arena, sotto_diag *diag)
{
    sotto_table *table = NULL;
    sotto_status status = take_tables(&table, 1, node, arena, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_dimension *d = table->dimension;
    d->kind = SOTTO_DIMENSION_CAMPAIGN;
    status = sotto_task_list(node, "campaigns", NAMES_MAX, &d->names, &d->named, arena, diag);
    d->bins = d->named;
    d++;
    if (status == SOTTO_OK && is_there(node, "segments"))
        status = read_segments(d++, sotto_json_member(node, "segments"), arena, diag);
    if (status != SOTTO_OK)
        return status;
    d->kind = SOTTO_DIMENSION_OUTCOME;
    fixed_names(d++, OUTCOME_NAMES, SOTTO_OUTCOMES);
    table->dimensions = (size_t)(d - table->dimension);
    out->table = table;
    out->table_count = 1;
    status = number_cells(table, 0, sotto_json_member(node, "campaigns"), diag);
    out->cells = table->cells;
    return status;
}

sotto_status sotto_task_read_1(sotto_task *out, sotto_json_node node, const sotto_tasks *file,
                               sotto_arena *arena, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"name",  "id",          "type",      "mode",    "epsilon",
                                          "bound", "period_days", "campaigns", "segments"};
    sotto_status status = sotto_json_as_object(node, diag);
    if (status == SOTTO_OK)
        status = sotto_task_word(node, "type", "offer-counts", diag);
    if (status == SOTTO_OK)
        status = sotto_task_word(node, "mode", "one-collector", diag);
    if (status == SOTTO_OK)
        status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = read_name(out, node, diag);
    if (status == SOTTO_OK)
        status = read_numbers(out, node, diag);
    out->quota_ueps = file->budget.lifetime_ueps;
    return status == SOTTO_OK ? read_table_1(out, node, arena, diag) : status;
}
