/* Reading scorecards: rows of CSV, or JSON. docs/formats/scorecard.md. */
#include "scorecard.h"

#include <math.h>
#include <stdlib.h>

enum { RULES_MAX = 1 << 20 };

bool sotto_forge_link_named(sotto_span name, enum sotto_model_link *out)
{
    static const char *const NAMES[] = {"identity", "logistic", "log"};
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++)
        if (sotto_span_is(name, NAMES[i])) {
            *out = (enum sotto_model_link)i;
            return true;
        }
    return false;
}

bool sotto_forge_looks_like_json(sotto_span text)
{
    size_t i = text.len >= 3 && text.ptr[0] == 0xef ? 3 : 0;
    while (i < text.len &&
           (text.ptr[i] == ' ' || text.ptr[i] == '\n' || text.ptr[i] == '\r' || text.ptr[i] == '\t'))
        i++;
    return i < text.len && text.ptr[i] == '{';
}

static sotto_status add_rule(card *c, const card_rule *rule)
{
    if (c->rules.len >= RULES_MAX * sizeof *rule)
        return sotto_diag_set(c->diag, SOTTO_ERR(FORGE, RANGE), "more than %d rows", RULES_MAX);
    return sotto_vec_put(&c->rules, rule, sizeof *rule) == SOTTO_OK ? SOTTO_OK
                                                                    : sotto_forge_no_memory(c->diag);
}

/* ---- CSV ---- */

typedef struct columns {
    int feature, min, max, value, points, coefficient, missing;
} columns;

static int column(const sotto_csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->columns; i++)
        if (sotto_span_is(csv->field[i], name))
            return (int)i;
    return -1;
}

static sotto_status find_columns(card *c, const sotto_csv *csv, columns *k)
{
    *k = (columns){column(csv, "feature"), column(csv, "min"),    column(csv, "max"),
                   column(csv, "value"),   column(csv, "points"), column(csv, "coefficient"),
                   column(csv, "missing")};
    size_t known = 0;
    const int all[] = {k->feature, k->min, k->max, k->value, k->points, k->coefficient, k->missing};
    for (size_t i = 0; i < SOTTO_COUNT(all); i++)
        known += all[i] >= 0;
    if (k->feature < 0 || (k->points < 0 && k->coefficient < 0) || known != csv->columns ||
        (k->min < 0) != (k->max < 0))
        return sotto_diag_at(c->diag, SOTTO_ERR(FORGE, MALFORMED), csv->name, 1,
                             "a scorecard's columns are feature, min, max, points (also value, coefficient, "
                             "missing); feature and points or coefficient are needed");
    return SOTTO_OK;
}

static sotto_span field(const sotto_csv *csv, int at)
{
    return at < 0 ? sotto_span_of(NULL, 0) : csv->field[at];
}

static sotto_status bad_row(card *c, const sotto_csv *csv, const char *text)
{
    return sotto_diag_at(c->diag, SOTTO_ERR(FORGE, MALFORMED), csv->name, csv->line, "%s", text);
}

/* The number of a field; `empty` when there is none. */
static bool number(sotto_span text, double empty, double *out)
{
    *out = empty;
    return text.len == 0 || sotto_forge_parse_double(text, out);
}

/* "(pdo),20": a setting of the whole card. */
static sotto_status read_setting(card *c, const sotto_csv *csv, sotto_span name, sotto_span value)
{
    double v = 0;
    if (sotto_span_is(name, "(link)")) {
        bool good = sotto_forge_link_named(value, &c->forest->link);
        return good ? SOTTO_OK : bad_row(c, csv, "a link is identity, logistic or log");
    }
    if (value.len == 0 || !sotto_forge_parse_double(value, &v))
        return bad_row(c, csv, "a number is needed");
    if (sotto_span_is(name, "(intercept)"))
        c->intercept = v;
    else if (sotto_span_is(name, "(pdo)"))
        c->pdo = v;
    else if (sotto_span_is(name, "(score)"))
        c->score = v;
    else if (sotto_span_is(name, "(odds)"))
        c->odds = v;
    else
        return bad_row(c, csv, "settings are (intercept), (link), (pdo), (score) and (odds)");
    c->scaled |= sotto_span_is(name, "(pdo)");
    return SOTTO_OK;
}

static bool read_range(const sotto_csv *csv, const columns *k, card_rule *r)
{
    sotto_span min = field(csv, k->min), max = field(csv, k->max);
    r->kind = sotto_span_is(min, "missing") ? CARD_MISSING : CARD_BIN;
    return (r->kind == CARD_MISSING ? max.len == 0 : number(min, -INFINITY, &r->min)) &&
           number(max, INFINITY, &r->max);
}

static bool read_value(sotto_span text, card_rule *r)
{
    uint64_t v = 0;
    r->kind = sotto_span_is(text, "missing") ? CARD_MISSING
              : sotto_span_is(text, "*")     ? CARD_OTHER
                                             : CARD_VALUE;
    if (r->kind != CARD_VALUE)
        return true;
    bool good = sotto_parse_u64(text, &v) == SOTTO_OK && v < FORGE_CATEGORY_END;
    r->value = (uint32_t)v;
    return good;
}

static sotto_status read_coefficient(card *c, const sotto_csv *csv, const columns *k, card_rule *r)
{
    sotto_span text = field(csv, k->coefficient);
    if (field(csv, k->points).len > 0 || field(csv, k->min).len > 0 || field(csv, k->max).len > 0 ||
        field(csv, k->value).len > 0)
        return bad_row(c, csv, "a row has points for a bin or a value, or a coefficient");
    r->kind = CARD_COEFFICIENT;
    if (!sotto_forge_parse_double(text, &r->points) || !number(field(csv, k->missing), 0, &r->max))
        return bad_row(c, csv, "a number is needed");
    return add_rule(c, r);
}

static sotto_status read_row(card *c, const sotto_csv *csv, const columns *k)
{
    sotto_span name = field(csv, k->feature), points = field(csv, k->points);
    card_rule r = {.line = csv->line};
    const char *wrong = NULL;
    if (name.len > 0 && name.ptr[0] == '(')
        return read_setting(c, csv, name, points.len > 0 ? points : field(csv, k->coefficient));
    sotto_status status =
        sotto_forge_find_feature(c->forest, c->options, name, SOTTO_MODEL_FEATURES_MAX, &r.feature, &wrong);
    if (status != SOTTO_OK)
        return sotto_diag_at(c->diag, status, csv->name, csv->line, "%s", wrong);
    if (field(csv, k->coefficient).len > 0)
        return read_coefficient(c, csv, k, &r);
    if (points.len == 0 || !sotto_forge_parse_double(points, &r.points))
        return bad_row(c, csv, "points must be a number");
    sotto_span value = field(csv, k->value);
    if (!(value.len > 0 ? read_value(value, &r) : read_range(csv, k, &r)))
        return bad_row(c, csv,
                       "min and max are numbers or empty, a value is a category's number, * or missing");
    return add_rule(c, &r);
}

sotto_status sotto_forge_card_csv(card *c, sotto_span text)
{
    columns k;
    bool more = true;
    sotto_csv *csv = malloc(sizeof *csv);
    if (csv == NULL)
        return sotto_forge_no_memory(c->diag);
    sotto_status status = sotto_csv_open(csv, text, c->options->file_name, 0, c->diag);
    if (status == SOTTO_OK)
        status = find_columns(c, csv, &k);
    while (status == SOTTO_OK && more) {
        status = sotto_csv_next(csv, &more, c->diag);
        if (status == SOTTO_OK && more)
            status = read_row(c, csv, &k);
    }
    free(csv);
    return status;
}

/* ---- JSON ---- */

static sotto_status get_number(card *c, sotto_json_node obj, const char *name, double absent, double *out)
{
    sotto_json_node node = sotto_json_member(obj, name);
    sotto_span text;
    *out = absent;
    if (node.val == NULL || sotto_json_type(node) == SOTTO_JSON_NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_as_number_text(node, &text, c->diag);
    if (status == SOTTO_OK && !sotto_forge_parse_double(text, out))
        status = sotto_json_bad(node, c->diag, SOTTO_ERR(FORGE, RANGE), "not a finite float64");
    return status;
}

static sotto_status json_values(card *c, sotto_json_node values, card_rule r)
{
    sotto_status status = sotto_json_as_array(values, 1, FORGE_CATEGORY_END, c->diag);
    r.kind = CARD_VALUE;
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(values); i++) {
        int64_t v = 0;
        status = sotto_json_as_i64(sotto_json_at(values, i), 0, FORGE_CATEGORY_END - 1, &v, c->diag);
        r.value = (uint32_t)v;
        if (status == SOTTO_OK)
            status = add_rule(c, &r);
    }
    return status;
}

static sotto_status json_bin(card *c, sotto_json_node bin, uint32_t feature, size_t number)
{
    static const char *const ALLOWED[] = {"min", "max", "values", "points", "label"};
    card_rule r = {.feature = feature, .kind = CARD_BIN, .line = number};
    sotto_json_node values = sotto_json_member(bin, "values");
    sotto_status status = sotto_json_only(bin, ALLOWED, SOTTO_COUNT(ALLOWED), c->diag);
    if (status == SOTTO_OK)
        status = get_number(c, bin, "points", NAN, &r.points);
    if (status == SOTTO_OK && isnan(r.points))
        status = sotto_json_bad(bin, c->diag, SOTTO_ERR(FORGE, MALFORMED), "points are needed");
    if (status == SOTTO_OK && values.val != NULL)
        return json_values(c, values, r);
    if (status == SOTTO_OK)
        status = get_number(c, bin, "min", -INFINITY, &r.min);
    if (status == SOTTO_OK)
        status = get_number(c, bin, "max", INFINITY, &r.max);
    return status == SOTTO_OK ? add_rule(c, &r) : status;
}

/* "missing" and "other" beside the bins. */
static sotto_status json_rest(card *c, sotto_json_node obj, const char *name, enum card_kind kind,
                              uint32_t feature)
{
    card_rule r = {.feature = feature, .kind = kind};
    sotto_status status = get_number(c, obj, name, NAN, &r.points);
    return status != SOTTO_OK || isnan(r.points) ? status : add_rule(c, &r);
}

static sotto_status json_feature(card *c, sotto_json_node obj)
{
    static const char *const ALLOWED[] = {"name", "bins", "coefficient", "missing", "other"};
    sotto_span name;
    const char *wrong = NULL;
    card_rule r = {.kind = CARD_COEFFICIENT};
    sotto_json_node bins = sotto_json_member(obj, "bins");
    sotto_status status = sotto_json_only(obj, ALLOWED, SOTTO_COUNT(ALLOWED), c->diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(obj, "name", &name, c->diag);
    if (status != SOTTO_OK)
        return status;
    size_t before = c->forest->feature_count;
    status =
        sotto_forge_find_feature(c->forest, c->options, name, SOTTO_MODEL_FEATURES_MAX, &r.feature, &wrong);
    if (status == SOTTO_OK && c->forest->feature_count == before) {
        status = SOTTO_ERR(FORGE, MALFORMED);
        wrong = "two features of one name";
    }
    if (status != SOTTO_OK)
        return sotto_json_bad(sotto_json_member(obj, "name"), c->diag, status, "%s", wrong);
    if ((bins.val != NULL) == (sotto_json_member(obj, "coefficient").val != NULL))
        return sotto_json_bad(obj, c->diag, SOTTO_ERR(FORGE, MALFORMED),
                              "either bins or a coefficient is needed");
    if (bins.val == NULL) {
        status = get_number(c, obj, "coefficient", 0, &r.points);
        if (status == SOTTO_OK)
            status = get_number(c, obj, "missing", 0, &r.max);
        return status == SOTTO_OK ? add_rule(c, &r) : status;
    }
    status = sotto_json_as_array(bins, 1, FORGE_BINS_MAX, c->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(bins); i++)
        status = json_bin(c, sotto_json_at(bins, i), r.feature, i);
    if (status == SOTTO_OK)
        status = json_rest(c, obj, "missing", CARD_MISSING, r.feature);
    return status == SOTTO_OK ? json_rest(c, obj, "other", CARD_OTHER, r.feature) : status;
}

static sotto_status json_settings(card *c, sotto_json_node root)
{
    static const char *const ALLOWED[] = {"format", "link", "intercept", "pdo", "score", "odds", "features"};
    sotto_json_node link = sotto_json_member(root, "link"), format = sotto_json_member(root, "format");
    sotto_span text;
    sotto_status status = sotto_json_only(root, ALLOWED, SOTTO_COUNT(ALLOWED), c->diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(root, "format", &text, c->diag);
    if (status == SOTTO_OK && !sotto_span_is(text, "sotto-scorecard-1"))
        status = sotto_json_bad(format, c->diag, SOTTO_ERR(FORGE, UNSUPPORTED), "sotto-scorecard-1 is read");
    if (status == SOTTO_OK && link.val != NULL)
        status = sotto_json_as_str(link, &text, c->diag);
    if (status == SOTTO_OK && link.val != NULL && !sotto_forge_link_named(text, &c->forest->link))
        status =
            sotto_json_bad(link, c->diag, SOTTO_ERR(FORGE, RANGE), "a link is identity, logistic or log");
    if (status == SOTTO_OK)
        status = get_number(c, root, "intercept", 0, &c->intercept);
    if (status == SOTTO_OK)
        status = get_number(c, root, "pdo", 0, &c->pdo);
    if (status == SOTTO_OK)
        status = get_number(c, root, "score", c->score, &c->score);
    if (status == SOTTO_OK)
        status = get_number(c, root, "odds", c->odds, &c->odds);
    c->scaled = sotto_json_member(root, "pdo").val != NULL;
    return status;
}

sotto_status sotto_forge_card_json(card *c, sotto_span text)
{
    sotto_json *doc = NULL;
    sotto_status status = sotto_json_parse(&doc, text, c->options->file_name, c->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node root = sotto_json_root(doc), features = sotto_json_member(root, "features");
    status = json_settings(c, root);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(features, 1, SOTTO_MODEL_FEATURES_MAX, c->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(features); i++)
        status = json_feature(c, sotto_json_at(features, i));
    sotto_json_free(doc);
    return status;
}
