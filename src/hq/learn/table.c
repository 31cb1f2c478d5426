/* A table with a label becomes order keys, one row of features each: through the tags and the recipe exactly
 * as a terminal computes them, or as numbers where the columns are the features themselves. */
#include "learn/learn.h"
#include "office/args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROFILE_BYTES = 64 << 10 };

/* Where a group begins. */
typedef struct group_start {
    uint64_t hash;
    uint64_t line;
} group_start;

typedef struct reading {
    const learn_plan *plan;
    sotto_csv *csv;
    learn_table *table;
    sotto_vec keys, labels, values, weights, targets, groups, starts;
    uint64_t group_hash; /* of the row before */
    int *column_of_feature;
    int column_of_tag[SOTTO_TAGS_MAX];                                         /* -1: not needed */
    int label_column, date_column, weight_column, target_column, group_column; /* -1: none */
    int32_t today;
    void *profile_memory;
    sotto_profile profile;
    sotto_diag *diag;
} reading;

/* By its name as it stands, else by the id that describe would give it. -1 when it is not there. */
static int find_column(const sotto_csv *csv, const char *name)
{
    char id[65];
    for (size_t i = 0; i < csv->columns; i++)
        if (sotto_span_is(csv->field[i], name))
            return (int)i;
    for (size_t i = 0; i < csv->columns; i++) {
        learn_column_id(csv->field[i], id);
        if (strcmp(id, name) == 0)
            return (int)i;
    }
    return -1;
}

static bool first_row_is_numbers(const sotto_csv *csv)
{
    int32_t key;
    bool all = true;
    for (size_t i = 0; all && i < csv->columns; i++)
        all = csv->field[i].len > 0 && learn_field_key(NULL, 0, csv->field[i], &key);
    return all;
}

static sotto_status need_column(const reading *r, const char *name, int *out)
{
    *out = find_column(r->csv, name);
    if (*out < 0 && first_row_is_numbers(r->csv))
        return sotto_diag_at(r->diag, SOTTO_ERR(HQ, NOT_FOUND), r->csv->name, 1,
                             "no column %s: the first row is numbers, so the table seems to have no header "
                             "(model predict and features can be given one: --names A,B,C)",
                             name);
    if (*out < 0)
        return sotto_diag_at(r->diag, SOTTO_ERR(HQ, NOT_FOUND), r->csv->name, 1, "the table has no column %s",
                             name);
    return SOTTO_OK;
}

static bool by_tag(const learn_plan *plan, const sotto_feature *f)
{
    return plan->dictionary != NULL && f->source == SOTTO_SOURCE_TAG;
}

static sotto_status need_tag(reading *r, uint16_t number)
{
    int tag = sotto_dictionary_find_number(r->plan->dictionary, number);
    return need_column(r, sotto_dictionary_at(r->plan->dictionary, (size_t)tag)->id, &r->column_of_tag[tag]);
}

static sotto_status bind_feature(reading *r, size_t i)
{
    const sotto_feature *f = &r->plan->features[i];
    if (!by_tag(r->plan, f))
        return need_column(r, f->name, &r->column_of_feature[i]);
    sotto_status status = sotto_feature_check(f, r->plan->dictionary, r->diag);
    if (status == SOTTO_OK)
        status = need_tag(r, f->tag_number);
    if (status == SOTTO_OK && f->transform == SOTTO_TRANSFORM_CHANGE)
        status = need_tag(r, (uint16_t)f->argument);
    return status;
}

static bool needs_today(const learn_plan *plan)
{
    for (size_t i = 0; i < plan->feature_count; i++)
        if (by_tag(plan, &plan->features[i]) && plan->features[i].transform == SOTTO_TRANSFORM_AGE_DAYS)
            return true;
    return false;
}

/* Ages need a day. It is never the day of training by itself: that would make a table give other features
 * tomorrow. */
static sotto_status bind_day(reading *r)
{
    const learn_plan *plan = r->plan;
    r->date_column = -1;
    if (plan->today != NULL && !learn_field_date(sotto_span_str(plan->today), &r->today))
        return sotto_diag_set(r->diag, SOTTO_ERR(HQ, USAGE), "--today must be a date YYYY-MM-DD");
    if (plan->today != NULL)
        return SOTTO_OK;
    if (plan->date_column != NULL)
        return need_column(r, plan->date_column, &r->date_column);
    r->date_column = needs_today(plan) ? find_column(r->csv, "date") : -1;
    if (r->date_column < 0 && needs_today(plan))
        return sotto_diag_set(r->diag, SOTTO_ERR(HQ, USAGE),
                              "the recipe has ages in days: give --today DATE or --date-column NAME");
    return SOTTO_OK;
}

static sotto_status bind_columns(reading *r)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < SOTTO_TAGS_MAX; i++)
        r->column_of_tag[i] = -1;
    for (size_t i = 0; status == SOTTO_OK && i < r->plan->feature_count; i++)
        status = bind_feature(r, i);
    r->label_column = -1;
    if (status == SOTTO_OK && r->plan->label != NULL && r->plan->label_optional)
        r->label_column = find_column(r->csv, r->plan->label);
    else if (status == SOTTO_OK && r->plan->label != NULL)
        status = need_column(r, r->plan->label, &r->label_column);
    r->weight_column = -1;
    if (status == SOTTO_OK && r->plan->weight != NULL)
        status = need_column(r, r->plan->weight, &r->weight_column);
    r->target_column = r->group_column = -1;
    if (status == SOTTO_OK && r->plan->target != NULL)
        status = need_column(r, r->plan->target, &r->target_column);
    if (status == SOTTO_OK && r->plan->group != NULL)
        status = need_column(r, r->plan->group, &r->group_column);
    return status == SOTTO_OK ? bind_day(r) : status;
}

/* The place of a field that cannot be read; what it holds is a customer's and is not repeated. */
static sotto_status bad_field(const reading *r, sotto_status status, const char *column, const char *text)
{
    return sotto_diag_at(r->diag, status, r->csv->name, r->csv->line, "column %s: %s", column, text);
}

static sotto_status read_tags(reading *r)
{
    for (size_t i = 0; i < sotto_dictionary_count(r->plan->dictionary); i++) {
        if (r->column_of_tag[i] < 0)
            continue;
        const sotto_tag *tag = sotto_dictionary_at(r->plan->dictionary, i);
        sotto_diag inner = {.status = SOTTO_OK};
        sotto_status status =
            sotto_tag_parse(tag, r->csv->field[r->column_of_tag[i]], r->today, &r->profile.values[i], &inner);
        if (status != SOTTO_OK)
            return bad_field(r, status, tag->id, inner.text);
    }
    return SOTTO_OK;
}

static sotto_status read_day(reading *r)
{
    if (r->date_column < 0 || learn_field_date(r->csv->field[r->date_column], &r->today))
        return SOTTO_OK;
    return bad_field(r, SOTTO_ERR(HQ, MALFORMED), "of the date", "must be a date YYYY-MM-DD");
}

/* By a tag: mantissa / 10^decimals, both exact in a double, so that the quotient is the nearest one. */
static double tag_value(const reading *r, const sotto_feature *f)
{
    int64_t mantissa;
    unsigned decimals;
    return sotto_feature_tag_number(f, &r->profile, r->today, &mantissa, &decimals)
               ? (double)mantissa / pow(10, decimals)
               : NAN;
}

static sotto_status keep_value(reading *r, size_t i)
{
    const sotto_feature *f = &r->plan->features[i];
    if (r->plan->model == NULL || !sotto_model_info_of(r->plan->model)->has_wide_thresholds)
        return SOTTO_OK;
    double v =
        by_tag(r->plan, f) ? tag_value(r, f) : learn_field_value(r->csv->field[r->column_of_feature[i]]);
    return sotto_vec_put(&r->values, &v, sizeof v);
}

static sotto_status read_features(reading *r)
{
    for (size_t i = 0; i < r->plan->feature_count; i++) {
        const sotto_feature *f = &r->plan->features[i];
        int32_t key = SOTTO_FLOAT_KEY_MISSING;
        if (by_tag(r->plan, f))
            key = r->plan->model == NULL ? sotto_feature_tag_key(f, &r->profile, r->today)
                                         : sotto_model_tag_key(r->plan->model, i, &r->profile, r->today);
        else if (!learn_field_key(r->plan->model, i, r->csv->field[r->column_of_feature[i]], &key))
            return bad_field(r, SOTTO_ERR(HQ, MALFORMED), f->name, "must be a number");
        sotto_status status = sotto_vec_put(&r->keys, &key, sizeof key);
        if (status == SOTTO_OK)
            status = keep_value(r, i);
        if (status != SOTTO_OK)
            return bad_field(r, status, f->name, "the table is too large");
    }
    return SOTTO_OK;
}

static sotto_status read_label(reading *r)
{
    uint8_t label = 0;
    if (r->label_column < 0)
        return SOTTO_OK;
    if (!learn_field_label(r->csv->field[r->label_column], r->plan->positive, &label))
        return bad_field(r, SOTTO_ERR(HQ, MALFORMED), r->plan->label,
                         "a label must be 0 or 1, no or yes, false or true; --positive names another word");
    r->table->positives += label;
    return sotto_vec_put(&r->labels, &label, 1);
}

/* A missing weight is none: a row that is to be left out has weight 0. */
static sotto_status read_weight(reading *r)
{
    static const double WEIGHT_MAX = 1e6;
    int32_t key = SOTTO_FLOAT_KEY_MISSING;
    if (r->weight_column < 0)
        return SOTTO_OK;
    bool number = learn_field_key(NULL, 0, r->csv->field[r->weight_column], &key);
    float weight = learn_key_float(key);
    if (!number || !(weight >= 0 && (double)weight <= WEIGHT_MAX))
        return bad_field(r, SOTTO_ERR(HQ, RANGE), r->plan->weight,
                         "a weight must be a number from 0 to 1e+06");
    return sotto_vec_put(&r->weights, &weight, sizeof weight);
}

static sotto_status read_target(reading *r)
{
    int32_t key = SOTTO_FLOAT_KEY_MISSING;
    const learn_plan *p = r->plan;
    if (r->target_column < 0)
        return SOTTO_OK;
    bool number = learn_field_key(NULL, 0, r->csv->field[r->target_column], &key);
    float target = learn_key_float(key);
    double v = (double)target;
    if (!number || !(v >= p->target_least && v <= p->target_most) || (p->target_whole && v != floor(v)))
        return sotto_diag_at(r->diag, SOTTO_ERR(HQ, RANGE), r->csv->name, r->csv->line,
                             "column %s: must be a %snumber from %g to %g", p->target,
                             p->target_whole ? "whole " : "", p->target_least, p->target_most);
    return sotto_vec_put(&r->targets, &target, sizeof target);
}

/* Groups get numbers as their words change. Words are told apart by 64 bits of SplitMix64 over their bytes.
 */
static sotto_status read_group(reading *r)
{
    if (r->group_column < 0)
        return SOTTO_OK;
    sotto_span word = r->csv->field[r->group_column];
    group_start start = {learn_mix(word.len), r->csv->line};
    for (size_t i = 0; i < word.len; i++)
        start.hash = learn_mix(start.hash ^ word.ptr[i]);
    sotto_status status = SOTTO_OK;
    if (r->table->rows == 0 || start.hash != r->group_hash) {
        status = sotto_vec_put(&r->starts, &start, sizeof start);
        r->table->group_count++;
    }
    r->group_hash = start.hash;
    uint32_t number = (uint32_t)(r->table->group_count - 1);
    return status == SOTTO_OK ? sotto_vec_put(&r->groups, &number, sizeof number) : status;
}

static int compare_starts(const void *a, const void *b)
{
    const group_start *x = a, *y = b;
    int order = (x->hash > y->hash) - (x->hash < y->hash);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* A word that comes back later would make two groups of one thing. The first line where one does is named. */
static sotto_status check_groups(const reading *r)
{
    group_start *starts = (group_start *)(void *)r->starts.ptr;
    uint64_t line = UINT64_MAX;
    if (r->table->group_count > 1)
        qsort(starts, r->table->group_count, sizeof *starts, compare_starts);
    for (size_t i = 1; i < r->table->group_count; i++)
        if (starts[i].hash == starts[i - 1].hash && starts[i].line < line)
            line = starts[i].line;
    if (line == UINT64_MAX)
        return SOTTO_OK;
    return sotto_diag_at(r->diag, SOTTO_ERR(HQ, MALFORMED), r->csv->name, line,
                         "column %s: the rows of a group must stand together; this one's began further up",
                         r->plan->group);
}

static sotto_status read_row(reading *r)
{
    sotto_status status = read_day(r);
    if (status == SOTTO_OK && r->plan->dictionary != NULL)
        status = read_tags(r);
    if (status == SOTTO_OK)
        status = read_features(r);
    if (status == SOTTO_OK)
        status = read_weight(r);
    if (status == SOTTO_OK)
        status = read_target(r);
    if (status == SOTTO_OK)
        status = read_group(r);
    return status == SOTTO_OK ? read_label(r) : status;
}

static sotto_status read_rows(reading *r)
{
    bool more = true;
    for (;;) {
        sotto_status status = sotto_csv_next(r->csv, &more, r->diag);
        if (status != SOTTO_OK || !more)
            return status;
        status = read_row(r);
        if (status != SOTTO_OK)
            return status;
        r->table->rows++;
    }
}

static sotto_status take_memory(reading *r)
{
    r->csv = malloc(sizeof *r->csv);
    r->column_of_feature = calloc(r->plan->feature_count, sizeof *r->column_of_feature);
    r->profile_memory = malloc(PROFILE_BYTES);
    if (r->csv == NULL || r->column_of_feature == NULL || r->profile_memory == NULL)
        return hq_no_memory(r->diag);
    sotto_arena arena;
    sotto_arena_init(&arena, r->profile_memory, PROFILE_BYTES);
    return r->plan->dictionary == NULL ? SOTTO_OK
                                       : sotto_profile_init(&r->profile, r->plan->dictionary, &arena);
}

/* A header in front of a table that has none: lines count one more then. */
static sotto_status put_header(sotto_vec *text, const char *names, sotto_diag *diag)
{
    size_t len = strlen(names), before = text->len;
    if (sotto_vec_put(text, names, len) != SOTTO_OK || sotto_vec_put(text, "\n", 1) != SOTTO_OK)
        return hq_no_memory(diag);
    memmove(text->ptr + len + 1, text->ptr, before);
    memcpy(text->ptr, names, len);
    text->ptr[len] = '\n';
    return SOTTO_OK;
}

static sotto_status read_table(reading *r, const char *path)
{
    sotto_vec text;
    sotto_status status = learn_read_file(path, &text, r->diag);
    if (status == SOTTO_OK && r->plan->names != NULL)
        status = put_header(&text, r->plan->names, r->diag);
    if (status == SOTTO_OK)
        status = take_memory(r);
    if (status == SOTTO_OK)
        status = sotto_csv_open(r->csv, sotto_vec_span(&text), path, 0, r->diag);
    if (status == SOTTO_OK)
        status = bind_columns(r);
    if (status == SOTTO_OK)
        status = read_rows(r);
    if (status == SOTTO_OK && r->table->rows == 0)
        status = sotto_diag_at(r->diag, SOTTO_ERR(HQ, MALFORMED), path, 0, "the table has no rows");
    if (status == SOTTO_OK)
        status = check_groups(r);
    sotto_vec_free(&text);
    return status;
}

sotto_status learn_table_read(learn_table *t, const learn_plan *plan, const char *path, sotto_diag *diag)
{
    *t = (learn_table){.features = plan->feature_count};
    reading r = {.plan = plan, .table = t, .diag = diag};
    sotto_vec_init(&r.keys, SIZE_MAX / 4);
    sotto_vec_init(&r.labels, SIZE_MAX / 4);
    sotto_vec_init(&r.values, SIZE_MAX / 4);
    sotto_vec_init(&r.weights, SIZE_MAX / 4);
    sotto_vec_init(&r.targets, SIZE_MAX / 4);
    sotto_vec_init(&r.groups, SIZE_MAX / 4);
    sotto_vec_init(&r.starts, SIZE_MAX / 4);
    sotto_status status = read_table(&r, path);
    sotto_vec_free(&r.starts);
    free(r.csv);
    free(r.column_of_feature);
    free(r.profile_memory);
    t->keys = (int32_t *)(void *)r.keys.ptr;
    t->labels = r.labels.ptr;
    t->values = (double *)(void *)r.values.ptr;
    t->weights = (float *)(void *)r.weights.ptr;
    t->targets = (float *)(void *)r.targets.ptr;
    t->groups = (uint32_t *)(void *)r.groups.ptr;
    if (status != SOTTO_OK)
        learn_table_free(t);
    return learn_place(status, path, diag);
}

void learn_table_free(learn_table *t)
{
    free(t->keys);
    free(t->labels);
    free(t->values);
    free(t->weights);
    free(t->targets);
    free(t->groups);
    *t = (learn_table){.rows = 0};
}
