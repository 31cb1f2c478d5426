/* A second reading of scorecards (docs/formats/scorecard.md), row by row in doubles: it shares nothing with
 * the compiler but the readers of CSV and JSON. */
#include "learn/walker.h"
#include "office/args.h"

#include <math.h>
#include <stdlib.h>

typedef struct card_row {
    int feature;
    walker_rule rule;
    double points;
    bool is_term;
    double missing; /* of a term */
} card_row;

typedef struct card {
    learn_walker *walker;
    sotto_vec rows; /* card_row */
    double intercept, pdo, score, odds;
    sotto_diag *diag;
} card;

static double number_or(sotto_span text, double empty)
{
    return text.len == 0 ? empty : learn_field_value(text);
}

static sotto_status put(card *c, const card_row *row)
{
    return sotto_vec_put(&c->rows, row, sizeof *row) == SOTTO_OK ? SOTTO_OK : hq_no_memory(c->diag);
}

static void put_setting(card *c, sotto_span name, double v)
{
    double *const at[] = {&c->intercept, &c->pdo, &c->score, &c->odds};
    static const char *const NAMES[] = {"(intercept)", "(pdo)", "(score)", "(odds)"};
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++)
        if (sotto_span_is(name, NAMES[i]))
            *at[i] = v;
}

/* ---- CSV ---- */

enum { FEATURE, MIN, MAX, VALUE, POINTS, COEFFICIENT, MISSING, COLUMNS };

static sotto_span cell(const sotto_csv *csv, int at)
{
    return at < 0 ? sotto_span_of(NULL, 0) : csv->field[at];
}

static walker_rule csv_rule(const sotto_csv *csv, const int *at)
{
    sotto_span value = cell(csv, at[VALUE]), min = cell(csv, at[MIN]);
    if (sotto_span_is(value, "missing") || sotto_span_is(min, "missing"))
        return (walker_rule){.kind = RULE_MISSING};
    if (sotto_span_is(value, "*"))
        return (walker_rule){.kind = RULE_OTHER};
    if (value.len > 0)
        return (walker_rule){.kind = RULE_CATEGORY, .category = learn_field_value(value)};
    return (walker_rule){
        .kind = RULE_BIN, .low = number_or(min, -INFINITY), .high = number_or(cell(csv, at[MAX]), INFINITY)};
}

static sotto_status csv_row(card *c, const sotto_csv *csv, const int *at)
{
    sotto_span name = csv->field[at[FEATURE]], factor = cell(csv, at[COEFFICIENT]),
               points = cell(csv, at[POINTS]);
    if (name.len > 0 && name.ptr[0] == '(') {
        put_setting(c, name, number_or(points.len > 0 ? points : factor, 0));
        return SOTTO_OK;
    }
    card_row row = {.feature = learn_walker_feature(c->walker, name),
                    .points = learn_field_value(factor.len > 0 ? factor : points),
                    .is_term = factor.len > 0,
                    .missing = number_or(cell(csv, at[MISSING]), 0)};
    if (!row.is_term)
        row.rule = csv_rule(csv, at);
    return put(c, &row);
}

static sotto_status read_csv(card *c, sotto_span file, const char *name)
{
    static const char *const NAMES[COLUMNS] = {"feature", "min",         "max",    "value",
                                               "points",  "coefficient", "missing"};
    int at[COLUMNS];
    bool more = true;
    sotto_csv *csv = malloc(sizeof *csv);
    if (csv == NULL)
        return hq_no_memory(c->diag);
    sotto_status status = sotto_csv_open(csv, file, name, 0, c->diag);
    for (size_t k = 0; status == SOTTO_OK && k < COLUMNS; k++) {
        at[k] = -1;
        for (size_t i = 0; i < csv->columns; i++)
            if (sotto_span_is(csv->field[i], NAMES[k]))
                at[k] = (int)i;
    }
    while (status == SOTTO_OK && more) {
        status = sotto_csv_next(csv, &more, c->diag);
        if (status == SOTTO_OK && more)
            status = csv_row(c, csv, at);
    }
    free(csv);
    return status;
}

/* ---- JSON ---- */

static double member_or(sotto_json_node parent, const char *name, double absent)
{
    sotto_span text;
    sotto_json_node node = sotto_json_member(parent, name);
    if (node.val == NULL || sotto_json_as_number_text(node, &text, NULL) != SOTTO_OK)
        return absent;
    return learn_field_value(text);
}

static sotto_status json_bin(card *c, sotto_json_node bin, card_row row)
{
    sotto_json_node values = sotto_json_member(bin, "values");
    sotto_status status = SOTTO_OK;
    row.points = member_or(bin, "points", 0);
    row.rule = (walker_rule){
        .kind = RULE_BIN, .low = member_or(bin, "min", -INFINITY), .high = member_or(bin, "max", INFINITY)};
    if (values.val == NULL)
        return put(c, &row);
    row.rule.kind = RULE_CATEGORY;
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(values); i++) {
        int64_t v = 0;
        status = sotto_json_as_i64(sotto_json_at(values, i), 0, INT32_MAX, &v, c->diag);
        row.rule.category = (double)v;
        if (status == SOTTO_OK)
            status = put(c, &row);
    }
    return status;
}

static sotto_status json_rest(card *c, sotto_json_node obj, const char *name, enum walker_rule_kind kind,
                              card_row row)
{
    row.points = member_or(obj, name, NAN);
    row.rule.kind = kind;
    return isnan(row.points) ? SOTTO_OK : put(c, &row);
}

static sotto_status json_feature(card *c, sotto_json_node obj)
{
    sotto_span name = {0};
    sotto_json_node bins = sotto_json_member(obj, "bins");
    sotto_status status = sotto_json_get_str(obj, "name", &name, c->diag);
    card_row row = {.feature = learn_walker_feature(c->walker, name)};
    if (status == SOTTO_OK && bins.val == NULL) {
        row.is_term = true;
        row.points = member_or(obj, "coefficient", 0);
        row.missing = member_or(obj, "missing", 0);
        return put(c, &row);
    }
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(bins); i++)
        status = json_bin(c, sotto_json_at(bins, i), row);
    if (status == SOTTO_OK)
        status = json_rest(c, obj, "missing", RULE_MISSING, row);
    return status == SOTTO_OK ? json_rest(c, obj, "other", RULE_OTHER, row) : status;
}

static sotto_status read_json(card *c, sotto_span file, const char *name)
{
    sotto_json *doc = NULL;
    sotto_status status = sotto_json_parse(&doc, file, name, c->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node root = sotto_json_root(doc), features = sotto_json_member(root, "features");
    c->intercept = member_or(root, "intercept", 0);
    c->pdo = member_or(root, "pdo", 0);
    c->score = member_or(root, "score", 0);
    c->odds = member_or(root, "odds", 1);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(features); i++)
        status = json_feature(c, sotto_json_at(features, i));
    sotto_json_free(doc);
    return status;
}

/* ---- Leaves ---- */

static double place(const walker_rule *r)
{
    return r->kind == RULE_BIN ? r->low : r->category;
}

/* A feature's leaves are counted by their places, then "other", then "missing". */
static void number_leaves(walker_tree *t)
{
    uint32_t plain = 0;
    bool categories = false;
    for (size_t i = 0; i < t->count; i++) {
        plain += t->rules[i].kind <= RULE_CATEGORY;
        categories |= t->rules[i].kind == RULE_CATEGORY;
    }
    for (size_t i = 0; i < t->count; i++) {
        uint32_t below = 0;
        for (size_t k = 0; k < t->count; k++)
            below += t->rules[k].kind <= RULE_CATEGORY && place(&t->rules[k]) < place(&t->rules[i]);
        t->nodes[i].number = t->rules[i].kind == RULE_OTHER     ? plain
                             : t->rules[i].kind == RULE_MISSING ? plain + categories
                                                                : below;
    }
}

/* A feature that does not say what they are worth has 0 for "other" and "missing". */
static sotto_status make_tree(card *c, int feature, size_t rules, double factor)
{
    const card_row *rows = (const card_row *)(const void *)c->rows.ptr;
    walker_tree *t = &c->walker->tree[c->walker->trees++];
    bool has[2] = {false, false};
    t->weight = 1;
    t->feature = (uint32_t)feature;
    t->nodes = calloc(rules + 2, sizeof *t->nodes);
    t->rules = calloc(rules + 2, sizeof *t->rules);
    if (t->nodes == NULL || t->rules == NULL)
        return hq_no_memory(c->diag);
    for (size_t i = 0; i < c->rows.len / sizeof *rows; i++) {
        if (rows[i].feature != feature)
            continue;
        has[0] |= rows[i].rule.kind == RULE_OTHER;
        has[1] |= rows[i].rule.kind == RULE_MISSING;
        t->rules[t->count] = rows[i].rule;
        t->nodes[t->count++] = (walker_node){.left = -1, .right = -1, .value = rows[i].points / factor};
    }
    for (int k = 0; k < 2; k++)
        if (!has[k]) {
            t->rules[t->count].kind = k == 0 ? RULE_OTHER : RULE_MISSING;
            t->nodes[t->count++] = (walker_node){.left = -1, .right = -1};
        }
    number_leaves(t);
    return SOTTO_OK;
}

static sotto_status make_feature(card *c, int feature, double factor)
{
    const card_row *rows = (const card_row *)(const void *)c->rows.ptr;
    size_t rules = 0;
    for (size_t i = 0; i < c->rows.len / sizeof *rows; i++) {
        if (rows[i].feature != feature)
            continue;
        if (rows[i].is_term)
            c->walker->terms[c->walker->term_count++] = (walker_term){.feature = (size_t)feature,
                                                                      .coefficient = rows[i].points / factor,
                                                                      .missing = rows[i].missing / factor};
        rules += !rows[i].is_term;
    }
    return rules > 0 ? make_tree(c, feature, rules, factor) : SOTTO_OK;
}

/* score = offset + factor x ln(odds), factor = pdo / ln 2 (Siddiqi 2006, chapter 6). */
static sotto_status make(card *c)
{
    learn_walker *w = c->walker;
    bool scaled = fabs(c->pdo) > 0;
    double factor = scaled ? c->pdo / log(2) : 1;
    w->tree = calloc(w->features, sizeof *w->tree);
    w->terms = calloc(w->features, sizeof *w->terms);
    sotto_status status = w->tree == NULL || w->terms == NULL ? hq_no_memory(c->diag) : SOTTO_OK;
    w->trees = 0;
    w->has_bias = true;
    w->bias[0] = (c->intercept - (scaled ? c->score - factor * log(c->odds) : 0)) / factor;
    for (size_t i = 0; status == SOTTO_OK && i < w->features; i++)
        status = make_feature(c, (int)i, factor);
    return status;
}

sotto_status learn_walker_load_card(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag)
{
    card c = {.walker = w, .odds = 1, .diag = diag};
    size_t i = file.len >= 3 && file.ptr[0] == 0xef ? 3 : 0;
    while (i < file.len && file.ptr[i] <= ' ')
        i++;
    sotto_vec_init(&c.rows, (size_t)1 << 28);
    bool json = i < file.len && file.ptr[i] == '{';
    sotto_status status = json ? read_json(&c, file, name) : read_csv(&c, file, name);
    if (status == SOTTO_OK)
        status = make(&c);
    sotto_vec_free(&c.rows);
    return status;
}

static bool applies(const walker_rule *r, double v)
{
    float x = (float)v, high = (float)r->high;
    if (r->kind == RULE_CATEGORY)
        return v >= r->category && v < r->category + 1;
    return r->kind == RULE_BIN && x >= (float)r->low && (x < high || isinf(high));
}

const walker_node *learn_walker_card_leaf(const walker_tree *t, const double *x)
{
    const walker_node *other = t->nodes;
    double v = x[t->feature];
    for (size_t i = 0; i < t->count; i++) {
        if (t->rules[i].kind == RULE_OTHER)
            other = &t->nodes[i];
        if (isnan(v) ? t->rules[i].kind == RULE_MISSING : applies(&t->rules[i], v))
            return &t->nodes[i];
    }
    return other;
}
