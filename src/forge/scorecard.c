/* Scorecards and linear models: bins become one tree a feature, coefficients linear terms.
 * docs/formats/scorecard.md. */
#include "scorecard.h"

#include <math.h>
#include <stdlib.h>

/* Rules of one feature on their way into a tree. */
typedef struct piece {
    const card_rule *first, *end;
    float *edges;
    double *leaf;
    uint32_t *number, *category;
    uint32_t count;
    double missing, other, factor;
} piece;

static sotto_status bad_rule(const card *c, const card_rule *r, const char *text)
{
    return sotto_diag_at(c->diag, SOTTO_ERR(FORGE, MALFORMED), c->options->file_name, r->line,
                         "feature %s: %s", c->forest->features[r->feature].name, text);
}

/* By feature, then kind, then where it starts; rows that are equal in all keep their order by line. */
static int compare_rules(const void *a, const void *b)
{
    const card_rule *x = a, *y = b;
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->kind == CARD_VALUE && x->value != y->value)
        return x->value < y->value ? -1 : 1;
    if (x->kind == CARD_BIN && (x->min < y->min || x->min > y->min))
        return x->min < y->min ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* Points to margin (Siddiqi, "Credit Risk Scorecards", 2006, chapter 6): score = offset + factor x ln(odds),
 * factor = pdo / ln 2. */
static sotto_status scale_card(const card *c, double *factor, double *offset)
{
    *factor = 1;
    *offset = 0;
    if (!c->scaled)
        return SOTTO_OK;
    if (!(fabs(c->pdo) > 1e-6) || !(fabs(c->pdo) < 1e9) || !(c->odds > 1e-9) || !(c->odds < 1e12))
        return sotto_diag_at(c->diag, SOTTO_ERR(FORGE, RANGE), c->options->file_name, 0,
                             "pdo must not be 0 and odds must be above 0");
    *factor = c->pdo / log(2);
    *offset = c->score - *factor * log(c->odds);
    return SOTTO_OK;
}

static sotto_status check_bin(const card *c, const piece *p, const card_rule *r)
{
    if (!(r->min < r->max))
        return bad_rule(c, r, "a bin's min must be below its max");
    if (r == p->first && !(r->min == -INFINITY))
        return bad_rule(c, r,
                        "the first bin must be open below (an empty min): a smaller value has no points");
    if (r > p->first && !((r - 1)->max == r->min))
        return bad_rule(c, r, "a bin must start where the one before it ends");
    if (r + 1 == p->end && !(r->max == INFINITY))
        return bad_rule(c, r, "the last bin must be open above (an empty max): a larger value has no points");
    if (r > p->first && !((float)r->min > (float)(r - 1)->min))
        return bad_rule(c, r, "bins that no float32 tells apart");
    return SOTTO_OK;
}

static sotto_status fill_piece(const card *c, piece *p)
{
    sotto_status status = SOTTO_OK;
    for (const card_rule *r = p->first; status == SOTTO_OK && r < p->end; r++) {
        uint32_t i = (uint32_t)(r - p->first);
        p->leaf[i] = r->points / p->factor;
        p->number[i] = i;
        p->category[i] = r->value;
        if (r->kind == CARD_BIN) {
            status = check_bin(c, p, r);
            if (i > 0)
                p->edges[i - 1] = (float)r->min;
        } else if (r > p->first && (r - 1)->value == r->value) {
            status = bad_rule(c, r, "a value has points twice");
        }
    }
    p->count = (uint32_t)(p->end - p->first);
    return status;
}

static sotto_status plant(card *c, piece *p)
{
    forge_forest *f = c->forest;
    uint32_t feature = p->first->feature;
    forge_tree *tree = &f->trees[f->tree_count++];
    if (p->first->kind == CARD_VALUE) {
        f->features[feature].kind = SOTTO_FEATURE_CATEGORY;
        forge_choices s = {feature,  p->category, p->leaf,  p->number,   p->count,
                           p->other, p->missing,  p->count, p->count + 1};
        return sotto_forge_choice_tree(f, tree, &s, c->diag);
    }
    forge_steps s = {feature, p->edges, p->leaf, p->number, p->count, p->missing, p->count};
    return sotto_forge_step_tree(tree, &s, c->diag);
}

static sotto_status make_tree(card *c, piece *p)
{
    size_t n = (size_t)(p->end - p->first);
    p->edges = calloc(n, sizeof *p->edges);
    p->leaf = calloc(n, sizeof *p->leaf);
    p->number = calloc(n, sizeof *p->number);
    p->category = calloc(n, sizeof *p->category);
    sotto_status status = SOTTO_OK;
    if (p->edges == NULL || p->leaf == NULL || p->number == NULL || p->category == NULL)
        status = sotto_forge_no_memory(c->diag);
    if (status == SOTTO_OK)
        status = fill_piece(c, p);
    if (status == SOTTO_OK)
        status = plant(c, p);
    free(p->edges);
    free(p->leaf);
    free(p->number);
    free(p->category);
    return status;
}

/* "missing" and "other" stand behind the bins of a feature. */
static sotto_status take_rest(const card *c, piece *p, const card_rule **end)
{
    bool seen[2] = {false, false};
    while (p->end > p->first && ((p->end - 1)->kind == CARD_MISSING || (p->end - 1)->kind == CARD_OTHER)) {
        const card_rule *r = --p->end;
        bool missing = r->kind == CARD_MISSING;
        if (seen[missing])
            return bad_rule(c, r, missing ? "two rows for missing" : "two rows for other values");
        seen[missing] = true;
        *(missing ? &p->missing : &p->other) = r->points / p->factor;
    }
    if (p->end == p->first)
        return bad_rule(c, *end - 1, "neither bins nor values");
    if (seen[0] && p->first->kind != CARD_VALUE)
        return bad_rule(c, *end - 1, "* goes with values, not with bins");
    for (const card_rule *r = p->first; r < p->end; r++)
        if (r->kind != p->first->kind)
            return bad_rule(c, r, "bins, values and coefficients do not mix in one feature");
    return SOTTO_OK;
}

static sotto_status add_feature(card *c, const card_rule *first, const card_rule *end, double factor)
{
    piece p = {.first = first, .end = end, .factor = factor};
    sotto_status status = take_rest(c, &p, &end);
    if (status != SOTTO_OK)
        return status;
    if (p.first->kind != CARD_COEFFICIENT)
        return make_tree(c, &p);
    if (p.end - p.first != 1 || end != p.end)
        return bad_rule(c, end - 1, "a second row for a coefficient");
    forge_term t = {
        .feature = first->feature, .coefficient = first->points / factor, .missing = first->max / factor};
    return sotto_forge_add_term(c->forest, t, c->diag);
}

static sotto_status build(card *c)
{
    double factor, offset;
    card_rule *rules = (card_rule *)(void *)c->rules.ptr;
    size_t n = c->rules.len / sizeof *rules;
    sotto_status status = scale_card(c, &factor, &offset);
    if (status == SOTTO_OK && n == 0)
        status = sotto_diag_at(c->diag, SOTTO_ERR(FORGE, MALFORMED), c->options->file_name, 0,
                               "a scorecard without features");
    if (status == SOTTO_OK)
        status = sotto_forge_take_trees(c->forest, c->forest->feature_count, c->diag);
    if (status != SOTTO_OK)
        return status;
    c->forest->tree_count = 0;
    c->forest->bias[0] = (c->intercept - offset) / factor;
    qsort(rules, n, sizeof *rules, compare_rules);
    for (size_t i = 0, end; status == SOTTO_OK && i < n; i = end) {
        for (end = i + 1; end < n && rules[end].feature == rules[i].feature;)
            end++;
        status = add_feature(c, rules + i, rules + end, factor);
    }
    return status;
}

sotto_status sotto_forge_scorecard(sotto_span file, const sotto_forge_options *options, sotto_vec *out,
                                   sotto_forge_report *report, sotto_diag *diag)
{
    forge_forest forest;
    sotto_forge_forest_init(&forest);
    forest.link = SOTTO_LINK_LOGISTIC;
    card c = {.options = options, .forest = &forest, .odds = 1, .diag = diag};
    sotto_vec_init(&c.rules, (size_t)1 << 27);
    sotto_status status = sotto_forge_check_options(options, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_take_features(&forest, SOTTO_MODEL_FEATURES_MAX, diag);
    forest.feature_count = 0;
    if (status == SOTTO_OK)
        status = sotto_forge_looks_like_json(file) ? sotto_forge_card_json(&c, file)
                                                   : sotto_forge_card_csv(&c, file);
    if (status == SOTTO_OK)
        status = build(&c);
    if (status == SOTTO_OK)
        status = sotto_forge_finish(&forest, options, out, report, diag);
    sotto_vec_free(&c.rules);
    sotto_forge_forest_free(&forest);
    return status;
}
