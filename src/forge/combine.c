/* Two compiled models become one of two steps: how likely, and how much. Their trees and terms are taken as
 * they are, their features are joined by name. docs/formats/model.md sections 2 to 16. */
#include "forge_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_BYTES = 32, ENTRY_BYTES = 16, FEAT_BYTES = 112, TERM_BYTES = 24, HEAD_SCALE = 4 };
static const double ONE_Q24 = 16777216.0;
static const double AMOUNT_MAX = 268435456.0; /* 2^28, section 16 */

/* One of the two models, validated: its sections are what they say. */
typedef struct half {
    sotto_span file;
    const char *name;
    void *memory;
    const sotto_model *model;
    const sotto_model_info *info;
    unsigned shift;
    uint32_t *feature;               /* what each becomes in the joined model */
    uint32_t *first_cut, *first_set; /* of each, among THRS or CATS */
    uint32_t set_base;               /* its first set in the joined model */
} half;

typedef struct joining {
    half part[2]; /* propensity, amount */
    forge_forest *forest;
    forge_value value;
    sotto_diag *diag;
} joining;

static sotto_span section(const half *h, const char *type)
{
    sotto_cursor c = sotto_cursor_of(sotto_span_of(h->file.ptr + 12, h->file.len - 12));
    uint32_t sections = sotto_cursor_u32(&c);
    (void)sotto_cursor_bytes(&c, FRAME_BYTES - 16);
    for (uint32_t i = 0; i < sections; i++) {
        bool wanted = sotto_span_is(sotto_cursor_bytes(&c, 4), type);
        (void)sotto_cursor_u32(&c);
        uint32_t offset = sotto_cursor_u32(&c), length = sotto_cursor_u32(&c);
        if (wanted)
            return sotto_span_of(h->file.ptr + offset, length);
    }
    return sotto_span_of(NULL, 0);
}

static uint64_t number(sotto_span s, size_t at, size_t width)
{
    uint64_t v = 0;
    for (size_t i = width; i-- > 0;)
        v = v << 8 | s.ptr[at + i];
    return v;
}

static int64_t integer(sotto_span s, size_t at, size_t width)
{
    uint64_t v = number(s, at, width), sign = UINT64_C(1) << (8 * width - 1);
    return (int64_t)((v ^ sign) - sign);
}

static sotto_status refuse(const joining *j, const half *h, sotto_status status, const char *text)
{
    return sotto_diag_at(j->diag, status, h->name, 0, "%s", text);
}

static sotto_status open_half(joining *j, half *h)
{
    size_t cap = sotto_model_arena_bound(h->file.len);
    sotto_arena arena;
    h->memory = malloc(cap);
    if (h->memory == NULL)
        return sotto_forge_no_memory(j->diag);
    sotto_arena_init(&arena, h->memory, cap);
    sotto_status status = sotto_model_load(&h->model, h->file, &arena, j->diag);
    if (status != SOTTO_OK) {
        if (j->diag != NULL)
            (void)snprintf(j->diag->where, sizeof j->diag->where, "%s", h->name);
        return status;
    }
    h->info = sotto_model_info_of(h->model);
    h->shift = SOTTO_MODEL_SCALE_BITS - section(h, "HEAD").ptr[HEAD_SCALE];
    h->feature = calloc(h->info->features + 1, sizeof *h->feature);
    h->first_cut = calloc(h->info->features + 1, sizeof *h->first_cut);
    h->first_set = calloc(h->info->features + 1, sizeof *h->first_set);
    return h->feature == NULL || h->first_cut == NULL || h->first_set == NULL ? sotto_forge_no_memory(j->diag)
                                                                              : SOTTO_OK;
}

static sotto_status check_kinds(const joining *j)
{
    const half *p = &j->part[0], *a = &j->part[1];
    sotto_status unsupported = SOTTO_ERR(FORGE, UNSUPPORTED);
    for (size_t k = 0; k < 2; k++)
        if (j->part[k].info->kind != SOTTO_MODEL_SUM || j->part[k].info->outputs != 1)
            return refuse(j, &j->part[k], unsupported,
                          "a model of one output is needed: trees, linear terms or points");
    if (p->info->link != SOTTO_LINK_LOGISTIC)
        return refuse(j, p, unsupported, "the first model must say a probability (logistic link)");
    if (a->info->link != SOTTO_LINK_IDENTITY && a->info->link != SOTTO_LINK_EXP)
        return refuse(j, a, unsupported, "the second model must say an amount (identity or log link)");
    if (p->info->trees + a->info->trees > SOTTO_MODEL_TREES_MAX)
        return refuse(j, a, SOTTO_ERR(FORGE, RANGE), "together the models have more than 4,096 trees");
    bool wide = p->info->has_wide_thresholds || a->info->has_wide_thresholds;
    if (wide && p->info->terms + a->info->terms > 0)
        return refuse(j, p->info->terms > 0 ? p : a, unsupported,
                      "linear terms do not go with the other model's thresholds of float64");
    return SOTTO_OK;
}

/* ---- Features ---- */

static bool same_source(const sotto_feature *a, const sotto_feature *b)
{
    return a->source == b->source && a->transform == b->transform && a->tag_number == b->tag_number &&
           a->argument == b->argument && strcmp(a->attribute, b->attribute) == 0;
}

/* Does the model look at it at all? A feature that no test and no term uses has no kind of its own. */
static bool is_used(const half *h, size_t f)
{
    sotto_span terms = section(h, "LINR");
    bool used = sotto_model_feature(h->model, f)->bins > 0;
    for (size_t i = 0; i < h->info->terms; i++)
        used |= number(terms, i * TERM_BYTES, 2) == f;
    return used;
}

static sotto_status join_feature(joining *j, half *h, size_t i, uint8_t *used)
{
    forge_forest *out = j->forest;
    const sotto_feature *f = sotto_model_feature(h->model, i);
    size_t at = 0;
    while (at < out->feature_count && strcmp(out->features[at].name, f->name) != 0)
        at++;
    h->feature[i] = (uint32_t)at;
    if (at == SOTTO_MODEL_FEATURES_MAX)
        return refuse(j, h, SOTTO_ERR(FORGE, RANGE), "together the models have more than 1,024 features");
    if (at == out->feature_count) {
        out->features[out->feature_count++] = *f;
        used[at] = is_used(h, i);
        return SOTTO_OK;
    }
    bool both = used[at] && is_used(h, i);
    if (!same_source(f, &out->features[at]) || (both && f->kind != out->features[at].kind))
        return sotto_diag_at(j->diag, SOTTO_ERR(FORGE, CONFLICT), h->name, 0,
                             "feature %s is made or compared otherwise than in %s", f->name, j->part[0].name);
    if (!used[at])
        out->features[at].kind = f->kind;
    used[at] |= is_used(h, i);
    return SOTTO_OK;
}

static sotto_status join_features(joining *j)
{
    uint8_t used[SOTTO_MODEL_FEATURES_MAX] = {0};
    sotto_status status = sotto_forge_take_features(j->forest, SOTTO_MODEL_FEATURES_MAX, j->diag);
    j->forest->feature_count = 0;
    for (size_t k = 0; k < 2; k++) {
        half *h = &j->part[k];
        for (size_t i = 0; status == SOTTO_OK && i < h->info->features; i++) {
            const sotto_feature *f = sotto_model_feature(h->model, i);
            bool category = sotto_forge_is_category(f);
            h->first_cut[i + 1] = h->first_cut[i] + (category ? 0 : f->bins);
            h->first_set[i + 1] = h->first_set[i] + (category ? f->bins : 0);
            status = join_feature(j, h, i, used);
        }
    }
    return status;
}

static sotto_status take_sets(joining *j, half *h)
{
    sotto_span s = section(h, "CATS");
    size_t sets = h->first_set[h->info->features];
    sotto_status status = SOTTO_OK;
    h->set_base = (uint32_t)j->forest->sets.count;
    for (size_t i = 0; status == SOTTO_OK && i < sets; i++) {
        size_t first = (size_t)number(s, 4 * i, 4), end = (size_t)number(s, 4 * i + 4, 4);
        status = sotto_forge_new_set(&j->forest->sets, j->diag);
        for (size_t bit = 0; status == SOTTO_OK && bit < 32 * (end - first); bit++)
            if (number(s, 4 * (sets + 1 + first + bit / 32), 4) >> bit % 32 & 1)
                status = sotto_forge_add_category(&j->forest->sets, (uint32_t)bit, j->diag);
    }
    return status;
}

/* ---- Trees ---- */

/* The float64 t' for which x < t' says of every float64 x what (float)x < t says: between t and the float32
 * before it in the middle, and behind it when a tie goes down. Infinity counts as 2^128, where rounding goes
 * there. */
static double widen_threshold(int32_t key)
{
    float t, before;
    uint32_t bits = sotto_fixed_float_bits(key);
    memcpy(&t, &bits, sizeof t);
    if (t == -INFINITY)
        return -INFINITY;
    before = nextafterf(t, -INFINITY);
    double high = isinf(t) ? ldexp(1, 128) : (double)t, low = isinf(before) ? -ldexp(1, 128) : (double)before;
    double middle = (high + low) / 2; /* 25 bits: exact */
    return bits % 2 == 0 ? middle : nextafter(middle, INFINITY);
}

static int64_t cut_key(const joining *j, const half *h, size_t feature, uint32_t bin)
{
    const sotto_feature *f = sotto_model_feature(h->model, feature);
    size_t at = h->first_cut[feature] + (size_t)bin;
    if (sotto_forge_is_category(f))
        return h->set_base + h->first_set[feature] + bin;
    if (h->info->has_wide_thresholds)
        return integer(section(h, "THRD"), 8 * at, 8);
    int64_t key = integer(section(h, "THRS"), 4 * at, 4);
    return j->forest->wide ? sotto_forge_double_key(widen_threshold((int32_t)key)) : key;
}

static void take_node(const joining *j, const half *h, uint32_t root, uint32_t i, forge_node *out)
{
    sotto_span nodes = section(h, "NODE"), ids = section(h, "SRCN");
    size_t at = (size_t)root + i;
    uint32_t slot = (uint32_t)number(nodes, 8 * at, 2), child = (uint32_t)number(nodes, 8 * at + 4, 4);
    int64_t value = integer(section(h, "VALU"), 4 * at, 4);
    *out = (forge_node){.left = FORGE_NONE, .right = FORGE_NONE};
    out->number = ids.ptr == NULL ? i : (uint32_t)number(ids, 4 * at, 4);
    out->leaf = ldexp((double)value, (int)h->shift - SOTTO_MODEL_SCALE_BITS);
    if (child == at)
        return;
    out->left = (int32_t)(child - root);
    out->right = out->left + 1;
    out->feature = h->feature[slot / 2];
    out->missing_left = slot & 1;
    out->key = cut_key(j, h, slot / 2, (uint32_t)number(nodes, 8 * at + 2, 2));
}

static sotto_status take_trees(joining *j, const half *h, size_t first, uint16_t output)
{
    sotto_span trees = section(h, "TREE");
    sotto_status status = SOTTO_OK;
    for (size_t t = 0; status == SOTTO_OK && t < h->info->trees; t++) {
        uint32_t root = (uint32_t)number(trees, 8 * t, 4);
        uint32_t end =
            t + 1 < h->info->trees ? (uint32_t)number(trees, 8 * t + 8, 4) : (uint32_t)h->info->nodes;
        forge_tree *tree = &j->forest->trees[first + t];
        tree->output = output;
        status = sotto_forge_take_nodes(tree, end - root, j->diag);
        for (uint32_t i = 0; status == SOTTO_OK && i < end - root; i++)
            take_node(j, h, root, i, &tree->nodes[i]);
    }
    return status;
}

static sotto_status take_terms(joining *j, const half *h, uint16_t output)
{
    sotto_span s = section(h, "LINR");
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < h->info->terms; i++) {
        size_t at = i * TERM_BYTES;
        int shift = (int)integer(s, at + 4, 2);
        forge_term t = {.feature = h->feature[number(s, at, 2)],
                        .output = output,
                        .coefficient = ldexp((double)integer(s, at + 8, 8), -shift),
                        .missing = (double)integer(s, at + 16, 8) / ONE_Q24};
        status = sotto_forge_add_term(j->forest, t, j->diag);
    }
    return status;
}

/* "propensity.name=value" of each of the model's own lines. */
static sotto_status take_provenance(joining *j, const half *h, const char *prefix)
{
    sotto_span text = sotto_model_provenance(h->model);
    sotto_status status = SOTTO_OK;
    char name[192];
    for (size_t at = 0; status == SOTTO_OK && at < text.len;) {
        const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t stop = end == NULL ? text.len : (size_t)(end - text.ptr);
        const uint8_t *equals = memchr(text.ptr + at, '=', stop - at);
        size_t len = equals == NULL ? 0 : (size_t)(equals - text.ptr) - at;
        if (equals != NULL && len < 150) {
            (void)snprintf(name, sizeof name, "%s.%.*s", prefix, (int)len, (const char *)text.ptr + at);
            status = sotto_forge_add_provenance(j->forest, sotto_span_str(name),
                                                sotto_span_of(equals + 1, stop - at - len - 1), j->diag);
        }
        at = stop + 1;
    }
    return status;
}

/* ---- The bound of an expected value's error ---- */

/* The steepest that the probability rises with the margin: the sigmoid 1/4, calibrated by a slope as many
 * times more, by points as the steepest of their lines. */
static double steepest(const half *h)
{
    sotto_span s = section(h, "CALI");
    double most = 0;
    if (s.ptr == NULL)
        return 0.25;
    if (number(s, 0, 2) == SOTTO_CALIBRATION_PLATT)
        return 0.25 * (double)integer(s, 8, 8) / ONE_Q24;
    size_t points = (size_t)number(s, 4, 4), p = 8 + 8 * points;
    for (size_t i = 1; i < points; i++) {
        double rise = (double)(number(s, p + 4 * i, 4) - number(s, p + 4 * i - 4, 4)) / 64;
        most = fmax(most, rise / (double)(integer(s, 8 + 8 * i, 8) - integer(s, 8 * i, 8)));
    }
    return most;
}

/* A margin's largest magnitude: no bound where terms stand, but that amounts are held. */
static double largest(const half *h)
{
    sotto_span trees = section(h, "TREE"), values = section(h, "VALU");
    double sum = fabs((double)h->info->bias_q24) / ONE_Q24;
    for (size_t t = 0; t < h->info->trees; t++) {
        size_t end = t + 1 < h->info->trees ? (size_t)number(trees, 8 * t + 8, 4) : h->info->nodes;
        double most = 0;
        for (size_t i = (size_t)number(trees, 8 * t, 4); i < end; i++)
            most = fmax(most, fabs((double)integer(values, 4 * i, 4)));
        sum += ldexp(most, (int)h->shift - SOTTO_MODEL_SCALE_BITS);
    }
    return h->info->terms > 0 ? AMOUNT_MAX : sum;
}

/* |p'a' - pa| <= |a| |p' - p| + p |a' - a|, p <= 1; each function adds what its arithmetic is off by (sigmoid
 * 0.68 x 2^-30, e^x 3 x 2^-30 of itself and a unit), the product half a unit. */
double sotto_forge_value_error(const forge_value *v, unsigned shift)
{
    double e[2];
    for (size_t k = 0; k < 2; k++) /* a coarser scale rounds the leaves once more */
        e[k] = v->error_q24[k] + (shift > v->shift[k] ? (double)v->trees[k] * ldexp(0.5, (int)shift) : 0);
    double amount = v->is_exp ? exp(fmin(v->largest, 20)) : v->largest;
    amount = fmin(amount, AMOUNT_MAX);
    double moved = v->is_exp ? amount * (expm1(fmin(e[1] / ONE_Q24, 20)) * ONE_Q24 + 3.0 / 64) + 1 : e[1];
    return fmin(amount * (v->steepest * e[0] + v->rounding) + moved + 1, ldexp(1, 52));
}

static sotto_status prepare_value(joining *j)
{
    forge_value *v = &j->value;
    for (size_t k = 0; k < 2; k++) {
        const half *h = &j->part[k];
        v->error_q24[k] = (double)h->info->margin_error_q24;
        v->shift[k] = h->shift;
        v->trees[k] = h->info->trees;
        if (h->info->bias_q24 > INT64_C(1) << 53 || h->info->bias_q24 < -(INT64_C(1) << 53))
            return refuse(j, h, SOTTO_ERR(FORGE, RANGE), "its bias is too large");
        j->forest->bias[k] = (double)h->info->bias_q24 / ONE_Q24;
    }
    v->steepest = steepest(&j->part[0]);
    v->rounding = j->forest->calibration.ptr != NULL ? 0.25 : 0.68 / 64;
    v->largest = largest(&j->part[1]);
    v->is_exp = j->part[1].info->link == SOTTO_LINK_EXP;
    j->forest->outputs = 2;
    j->forest->link = v->is_exp ? SOTTO_LINK_VALUE_EXP : SOTTO_LINK_VALUE;
    j->forest->wide = j->part[0].info->has_wide_thresholds || j->part[1].info->has_wide_thresholds;
    j->forest->calibration = section(&j->part[0], "CALI");
    j->forest->value = v;
    return SOTTO_OK;
}

static sotto_status join(joining *j)
{
    static const char *const PREFIX[2] = {"propensity", "amount"};
    sotto_status status = SOTTO_OK;
    for (size_t k = 0; status == SOTTO_OK && k < 2; k++)
        status = open_half(j, &j->part[k]);
    if (status == SOTTO_OK)
        status = check_kinds(j);
    if (status == SOTTO_OK)
        status = prepare_value(j);
    if (status == SOTTO_OK)
        status = join_features(j);
    if (status == SOTTO_OK)
        status = sotto_forge_take_trees(j->forest, j->part[0].info->trees + j->part[1].info->trees, j->diag);
    for (size_t k = 0; status == SOTTO_OK && k < 2; k++) {
        half *h = &j->part[k];
        status = take_sets(j, h);
        if (status == SOTTO_OK)
            status = take_trees(j, h, k == 0 ? 0 : j->part[0].info->trees, (uint16_t)k);
        if (status == SOTTO_OK)
            status = take_terms(j, h, (uint16_t)k);
        if (status == SOTTO_OK)
            status = take_provenance(j, h, PREFIX[k]);
    }
    return status;
}

sotto_status sotto_forge_combine(sotto_span propensity, sotto_span amount, const char *amount_name,
                                 const sotto_forge_options *options, sotto_vec *out,
                                 sotto_forge_report *report, sotto_diag *diag)
{
    forge_forest forest;
    sotto_forge_forest_init(&forest);
    joining j = {
        .part = {{.file = propensity, .name = options->file_name}, {.file = amount, .name = amount_name}},
        .forest = &forest,
        .diag = diag};
    sotto_status status = sotto_forge_check_options(options, diag);
    if (status == SOTTO_OK)
        status = join(&j);
    if (status == SOTTO_OK)
        status = sotto_forge_finish(&forest, options, out, report, diag);
    for (size_t k = 0; k < 2; k++) {
        free(j.part[k].memory);
        free(j.part[k].feature);
        free(j.part[k].first_cut);
        free(j.part[k].first_set);
    }
    sotto_forge_forest_free(&forest);
    return status;
}
