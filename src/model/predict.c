/* Scores as CSV. docs/learning.md. Texts become floats by libc's correctly rounding strtof and strtod (glibc
 * manual, "Parsing of Floats"), and at once keys: the score itself stays integers. */
#include "sotto/predict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t sotto_predict_arena_bound(const sotto_model *m)
{
    const sotto_model_info *i = sotto_model_info_of(m);
    return i->trees * sizeof(uint32_t) + i->features * (2 * sizeof(int64_t) + sizeof(size_t)) + 64;
}

/* What a person calls the thing behind a feature: the tag's id, or the feature's name. */
static const char *group_name(const sotto_predict *p, size_t feature)
{
    const sotto_feature *f = sotto_model_feature(p->model, feature);
    const sotto_dictionary *d = p->options.dictionary;
    int tag =
        d == NULL || f->source != SOTTO_SOURCE_TAG ? -1 : sotto_dictionary_find_number(d, f->tag_number);
    return tag < 0 ? f->name : sotto_dictionary_at(d, (size_t)tag)->id;
}

/* Features of one tag share a column, where the first of them stands. */
static void make_groups(sotto_predict *p)
{
    for (size_t i = 0; i < sotto_model_info_of(p->model)->features; i++) {
        size_t k = 0;
        while (k < i && strcmp(group_name(p, k), group_name(p, i)) != 0)
            k++;
        p->group_of[i] = k < i ? p->group_of[k] : p->groups++;
    }
}

sotto_status sotto_predict_init(sotto_predict *p, const sotto_model *m, const sotto_predict_options *options,
                                sotto_arena *arena, sotto_diag *diag)
{
    const sotto_model_info *i = sotto_model_info_of(m);
    *p = (sotto_predict){.model = m, .options = *options};
    if (options->why_output != SOTTO_PREDICT_ALL && options->why_output >= i->outputs)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, RANGE), "the model has %zu outputs, from 0", i->outputs);
    p->leaves = sotto_arena_array(arena, i->trees + 1, sizeof *p->leaves);
    p->parts = sotto_arena_array(arena, i->features, sizeof *p->parts);
    p->group_sums = sotto_arena_array(arena, i->features, sizeof *p->group_sums);
    p->group_of = sotto_arena_array(arena, i->features, sizeof *p->group_of);
    if (p->leaves == NULL || p->parts == NULL || p->group_sums == NULL || p->group_of == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, NO_SPACE), "no memory to score a table");
    make_groups(p);
    return SOTTO_OK;
}

/* The first failure sticks. */
typedef struct line {
    sotto_vec *out;
    sotto_status status;
} line;

static void put(line *l, const char *text, size_t len)
{
    if (l->status == SOTTO_OK)
        l->status = sotto_vec_put(l->out, text, len);
}

static void put_str(line *l, const char *text)
{
    put(l, text, strlen(text));
}

static void put_name(line *l, const char *name)
{
    if (strpbrk(name, ",\"\r\n") == NULL) {
        put_str(l, name);
        return;
    }
    put(l, "\"", 1);
    for (; *name != '\0'; name++) {
        if (*name == '"')
            put(l, "\"", 1);
        put(l, name, 1);
    }
    put(l, "\"", 1);
}

/* ",name", or ",name_3" for an output's. */
static void put_column(line *l, const char *name, size_t number, bool numbered)
{
    char text[128], suffix[24] = "";
    if (numbered)
        (void)snprintf(suffix, sizeof suffix, "_%zu", number);
    (void)snprintf(text, sizeof text, "%s%s", name, suffix);
    put(l, ",", 1);
    put_name(l, text);
}

static void put_q(line *l, int64_t v, unsigned q)
{
    char text[64];
    size_t len = sotto_fixed_format_q(v, q, text, sizeof text);
    put(l, ",", 1);
    put(l, text, len);
}

static bool has_probability(const sotto_model_info *i)
{
    return i->link == SOTTO_LINK_LOGISTIC || i->link == SOTTO_LINK_SOFTMAX ||
           i->link == SOTTO_LINK_PROBABILITY;
}

/* Outputs [first, end) are explained. */
static void explained(const sotto_predict *p, size_t *first, size_t *end)
{
    bool all = p->options.why_output == SOTTO_PREDICT_ALL;
    *first = all ? 0 : p->options.why_output;
    *end = !p->options.why ? *first : all ? sotto_model_info_of(p->model)->outputs : *first + 1;
}

sotto_status sotto_predict_header(const sotto_predict *p, sotto_vec *out)
{
    const sotto_model_info *i = sotto_model_info_of(p->model);
    line l = {.out = out, .status = SOTTO_OK};
    size_t first, end;
    explained(p, &first, &end);
    put_str(&l, "row");
    for (size_t k = 0; k < i->outputs; k++)
        put_column(&l, "margin", k, i->outputs > 1);
    for (size_t k = 0; has_probability(i) && k < i->outputs; k++)
        put_column(&l, "probability", k, i->outputs > 1);
    for (size_t t = 0; p->options.leaves && t < i->trees; t++)
        put_column(&l, "leaf", t, true);
    for (size_t k = first; k < end; k++) {
        size_t next = 0;
        put_column(&l, "bias", k, end - first > 1);
        for (size_t f = 0; f < i->features; f++) {
            if (p->group_of[f] != next)
                continue;
            put_column(&l, group_name(p, f), k, end - first > 1);
            next++;
        }
    }
    put(&l, "\n", 1);
    return l.status;
}

static void put_why(const sotto_predict *p, const int32_t *keys, size_t output, line *l)
{
    int64_t bias = 0;
    (void)sotto_model_why_output_q24(p->model, keys, output, &bias, p->parts);
    memset(p->group_sums, 0, p->groups * sizeof *p->group_sums);
    for (size_t f = 0; f < sotto_model_info_of(p->model)->features; f++)
        p->group_sums[p->group_of[f]] += p->parts[f];
    put_q(l, bias, SOTTO_MODEL_SCALE_BITS);
    for (size_t g = 0; g < p->groups; g++)
        put_q(l, p->group_sums[g], SOTTO_MODEL_SCALE_BITS);
}

sotto_status sotto_predict_row(const sotto_predict *p, size_t row, const int32_t *keys, sotto_vec *out)
{
    const sotto_model_info *i = sotto_model_info_of(p->model);
    int64_t margins[SOTTO_MODEL_OUTPUTS_MAX];
    uint32_t probabilities[SOTTO_MODEL_OUTPUTS_MAX];
    char text[32];
    line l = {.out = out, .status = SOTTO_OK};
    size_t first, end;
    explained(p, &first, &end);
    sotto_model_margins_q24(p->model, keys, margins);
    sotto_model_probabilities_q30(p->model, margins, probabilities);
    (void)snprintf(text, sizeof text, "%zu", row);
    put_str(&l, text);
    for (size_t k = 0; k < i->outputs; k++)
        put_q(&l, margins[k], SOTTO_MODEL_SCALE_BITS);
    for (size_t k = 0; has_probability(i) && k < i->outputs; k++)
        put_q(&l, probabilities[k], 30);
    if (p->options.leaves)
        sotto_model_leaves(p->model, keys, p->leaves);
    for (size_t t = 0; p->options.leaves && t < i->trees; t++) {
        (void)snprintf(text, sizeof text, ",%" PRIu32, p->leaves[t]);
        put_str(&l, text);
    }
    for (size_t k = first; k < end; k++)
        put_why(p, keys, k, &l);
    put(&l, "\n", 1);
    return l.status;
}

static bool is_word_number(const char *text)
{
    static const char *const WORDS[] = {"nan", "inf", "-inf", "+inf", "infinity", "-infinity"};
    for (size_t i = 0; i < SOTTO_COUNT(WORDS); i++)
        if (strcasecmp(text, WORDS[i]) == 0)
            return true;
    return false;
}

bool sotto_predict_key(const sotto_model *m, size_t feature, sotto_span text, int32_t *key)
{
    char buf[128], *end = NULL;
    uint32_t bits;
    uint64_t wide_bits;
    *key = SOTTO_FLOAT_KEY_MISSING;
    if (text.len == 0)
        return true;
    if (sotto_span_to_str(text, buf, sizeof buf) != SOTTO_OK)
        return false;
    if (!is_word_number(buf) && strspn(buf, "0123456789+-.eE") != text.len)
        return false;
    float v = strtof(buf, &end);
    if (end == buf || *end != '\0')
        return false;
    double wide = strtod(buf, &end);
    memcpy(&bits, &v, sizeof bits);
    memcpy(&wide_bits, &wide, sizeof wide_bits);
    bool by_model = m != NULL && sotto_model_info_of(m)->has_wide_thresholds;
    *key = by_model ? sotto_model_key(m, feature, wide_bits) : sotto_fixed_float_key(bits);
    return true;
}

/* One table on its way. */
typedef struct scoring {
    const sotto_predict *p;
    sotto_csv *csv;
    size_t features;
    uint16_t column[SOTTO_MODEL_FEATURES_MAX];
    sotto_diag *diag;
} scoring;

static sotto_status bind(scoring *s)
{
    for (size_t f = 0; f < s->features; f++) {
        const char *name = sotto_model_feature(s->p->model, f)->name;
        size_t i = 0;
        while (i < s->csv->columns && !sotto_span_is(s->csv->field[i], name))
            i++;
        if (i == s->csv->columns)
            return sotto_diag_at(s->diag, SOTTO_ERR(MODEL, NOT_FOUND), s->csv->name, 1,
                                 "the table has no column %s", name);
        s->column[f] = (uint16_t)i;
    }
    return SOTTO_OK;
}

static sotto_status read_keys(scoring *s, int32_t *keys)
{
    for (size_t f = 0; f < s->features; f++)
        if (!sotto_predict_key(s->p->model, f, s->csv->field[s->column[f]], &keys[f]))
            return sotto_diag_at(s->diag, SOTTO_ERR(MODEL, MALFORMED), s->csv->name, s->csv->line,
                                 "column %s: must be a number", sotto_model_feature(s->p->model, f)->name);
    return SOTTO_OK;
}

static sotto_status write_out(sotto_vec *text, size_t least, sotto_predict_write write, void *ctx)
{
    if (text->len < least)
        return SOTTO_OK;
    sotto_status status = write(ctx, sotto_vec_span(text));
    text->len = 0;
    return status;
}

sotto_status sotto_predict_table(const sotto_predict *p, sotto_csv *csv, sotto_predict_write write, void *ctx,
                                 sotto_diag *diag)
{
    enum { PIECE = 1 << 16 };
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    scoring s = {.p = p, .csv = csv, .features = sotto_model_info_of(p->model)->features, .diag = diag};
    sotto_vec text;
    bool more = true;
    sotto_vec_init(&text, 1 << 24);
    sotto_status status = bind(&s);
    if (status == SOTTO_OK)
        status = sotto_predict_header(p, &text);
    for (size_t row = 0; status == SOTTO_OK; row++) {
        status = sotto_csv_next(csv, &more, diag);
        if (status != SOTTO_OK || !more)
            break;
        status = read_keys(&s, keys);
        if (status == SOTTO_OK)
            status = sotto_predict_row(p, row, keys, &text);
        if (status == SOTTO_OK)
            status = write_out(&text, PIECE, write, ctx);
    }
    if (status == SOTTO_OK)
        status = write_out(&text, 1, write, ctx);
    sotto_vec_free(&text);
    return status;
}
