/* LinearClassifier and LinearRegressor. Steps before them that are affine become part of coefficients and
 * bias; an encoder's categories become one tree a feature and output. */
#include "onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct linear {
    onnx *o;
    const onnx_node *node;
    const onnx_value *x;
    const float *coefficients, *intercepts;
    size_t outputs; /* of the source */
} linear;

/* What one output makes of one feature: slope x value + level, or level by category. */
typedef struct feature_part {
    double slope, missing;
    bool has_term;
    uint32_t *categories;
    double *points;
    uint32_t count;
    double other; /* of every category: what indicators that are 0 add */
} feature_part;

static sotto_status unsupported(const linear *l, const char *attribute, const char *text)
{
    return sotto_onnx_bad(l->o, l->node, attribute, SOTTO_ERR(FORGE, UNSUPPORTED), "%s", text);
}

/* The steps as slope x + level, and what they make of a missing value (NaN: nothing). false: not affine. */
static bool affine(const onnx_column *c, double *slope, double *level, double *missing)
{
    *slope = 1;
    *level = 0;
    *missing = (double)NAN;
    for (size_t i = 0; i < c->step_count; i++) {
        const onnx_step *s = &c->steps[i];
        double by = s->kind == STEP_MUL     ? (double)s->a
                    : s->kind == STEP_DIV   ? 1 / (double)s->a
                    : s->kind == STEP_SCALE ? (double)s->b
                                            : 1;
        double add = s->kind == STEP_ADD     ? (double)s->a
                     : s->kind == STEP_SUB   ? -(double)s->a
                     : s->kind == STEP_SCALE ? -(double)s->a * (double)s->b
                                             : 0;
        if (s->kind == STEP_FILL) {
            *missing = isnan(*missing) ? (double)s->a : *missing;
            continue;
        }
        if (s->kind == STEP_MIN || s->kind == STEP_MAX || s->kind == STEP_TRUNC)
            return false;
        *slope *= by;
        *level = *level * by + add;
        *missing = *missing * by + add;
    }
    return true;
}

/* A code adds coefficient x g(its value) for each category, and coefficient x g(other) for all others. What a
 * category has more than others is put down for each code; plant() adds it up. */
static sotto_status add_code(linear *l, const onnx_column *c, double coefficient, feature_part *p)
{
    double other = coefficient * (double)sotto_onnx_apply(c, c->code->other);
    for (uint32_t i = 0; i < c->code->count; i++) {
        p->categories[p->count] = c->code->category[i];
        p->points[p->count++] = coefficient * (double)sotto_onnx_apply_code(c, i) - other;
    }
    p->other += other;
    return sotto_forge_use_feature(l->o->forest, c->feature, SOTTO_FEATURE_CATEGORY_CUT, l->o->used)
               ? SOTTO_OK
               : unsupported(l, NULL, "a feature is used as a number and as categories");
}

static sotto_status add_number(linear *l, const onnx_column *c, double coefficient, double *bias,
                               feature_part *p)
{
    double slope, level, missing;
    if (!affine(c, &slope, &level, &missing))
        return unsupported(l, NULL, "a limit or rounding before a linear model");
    if (!sotto_forge_use_feature(l->o->forest, c->feature, SOTTO_FEATURE_NUMBER, l->o->used))
        return unsupported(l, NULL, "a feature is used as a number and as categories");
    *bias += coefficient * level;
    p->slope += coefficient * slope;
    p->missing += isnan(missing) ? -coefficient * level : coefficient * (missing - level);
    p->has_term = true;
    return SOTTO_OK;
}

typedef struct choice {
    uint32_t category, at;
    double points;
} choice;

/* Those of one category stay in their order: a sum of doubles depends on it, and qsort does not keep it. */
static int compare_choices(const void *a, const void *b)
{
    const choice *x = a, *y = b;
    int order = (x->category > y->category) - (x->category < y->category);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* Each category once, with the sum of its points and the level, ascending, as sets and their balanced tree
 * want them. */
static sotto_status sort_choices(const linear *l, feature_part *p, double level)
{
    uint32_t n = 0;
    choice *all = calloc(p->count, sizeof *all);
    if (all == NULL)
        return sotto_forge_no_memory(l->o->diag);
    for (uint32_t i = 0; i < p->count; i++)
        all[i] = (choice){p->categories[i], i, p->points[i]};
    qsort(all, p->count, sizeof *all, compare_choices);
    for (uint32_t i = 0; i < p->count; i++)
        if (n > 0 && p->categories[n - 1] == all[i].category) {
            p->points[n - 1] += all[i].points;
        } else {
            p->categories[n] = all[i].category;
            p->points[n++] = all[i].points;
        }
    p->count = n;
    for (uint32_t i = 0; i < n; i++)
        p->points[i] += level;
    free(all);
    return SOTTO_OK;
}

static sotto_status plant(linear *l, uint32_t feature, uint16_t output, feature_part *p)
{
    forge_forest *f = l->o->forest;
    if (f->tree_count == SOTTO_MODEL_TREES_MAX)
        return unsupported(l, "coefficients", "too many encoded features and outputs");
    uint32_t *number = sotto_onnx_take(l->o, p->count, sizeof *number);
    sotto_status status = number == NULL ? sotto_forge_no_memory(l->o->diag) : sort_choices(l, p, p->other);
    if (status != SOTTO_OK)
        return status;
    for (uint32_t i = 0; i < p->count; i++)
        number[i] = i;
    forge_choices c = {feature,  p->categories, p->points, number,  p->count,
                       p->other, p->other,      p->count,  p->count};
    forge_tree *tree = &f->trees[f->tree_count++];
    tree->output = output;
    return sotto_forge_choice_tree(f, tree, &c, l->o->diag);
}

static sotto_status take_part(const linear *l, feature_part *p, uint32_t columns)
{
    p->categories = sotto_onnx_take(l->o, columns, sizeof *p->categories);
    p->points = sotto_onnx_take(l->o, columns, sizeof *p->points);
    return p->categories == NULL || p->points == NULL ? sotto_forge_no_memory(l->o->diag) : SOTTO_OK;
}

/* One output: all columns are gathered by their features. */
static sotto_status add_output(linear *l, size_t source, uint16_t output)
{
    forge_forest *f = l->o->forest;
    feature_part *parts = sotto_onnx_take(l->o, f->feature_count, sizeof *parts);
    uint32_t *columns = sotto_onnx_take(l->o, f->feature_count, sizeof *columns);
    sotto_status status = parts == NULL || columns == NULL ? sotto_forge_no_memory(l->o->diag) : SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < l->x->count; i++)
        columns[l->x->columns[i].feature] += l->x->columns[i].code == NULL ? 1 : l->x->columns[i].code->count;
    for (size_t i = 0; status == SOTTO_OK && i < f->feature_count; i++)
        status = take_part(l, &parts[i], columns[i]);
    f->bias[output] = l->intercepts == NULL ? 0 : (double)l->intercepts[source];
    for (size_t i = 0; status == SOTTO_OK && i < l->x->count; i++) {
        const onnx_column *c = &l->x->columns[i];
        double coefficient = (double)l->coefficients[source * l->x->count + i];
        status = c->code != NULL ? add_code(l, c, coefficient, &parts[c->feature])
                                 : add_number(l, c, coefficient, &f->bias[output], &parts[c->feature]);
    }
    for (size_t i = 0; status == SOTTO_OK && i < f->feature_count; i++) {
        forge_term t = {(uint32_t)i, output, parts[i].slope, parts[i].missing};
        if (parts[i].has_term)
            status = sotto_forge_add_term(f, t, l->o->diag);
        if (status == SOTTO_OK && parts[i].count > 0)
            status = plant(l, (uint32_t)i, output, &parts[i]);
    }
    return status;
}

static sotto_status read_numbers(linear *l, size_t classes)
{
    const onnx_attribute *c = sotto_onnx_attribute(l->node, "coefficients"),
                         *b = sotto_onnx_attribute(l->node, "intercepts");
    size_t n = c == NULL ? 0 : c->float_count;
    if (n == 0 || n % l->x->count != 0 || n / l->x->count > SOTTO_MODEL_OUTPUTS_MAX)
        return sotto_onnx_bad(l->o, l->node, "coefficients", SOTTO_ERR(FORGE, MALFORMED),
                              "%zu of them for %zu columns", n, l->x->count);
    l->outputs = n / l->x->count;
    if (l->outputs != classes && !(classes == 2 && l->outputs == 1))
        return sotto_onnx_bad(l->o, l->node, "coefficients", SOTTO_ERR(FORGE, MALFORMED),
                              "%zu rows of them for %zu classes or targets", l->outputs, classes);
    if (b != NULL && b->float_count > 0 && b->float_count != l->outputs)
        return sotto_onnx_bad(l->o, l->node, "intercepts", SOTTO_ERR(FORGE, MALFORMED), "not one a row");
    l->coefficients = c->floats;
    l->intercepts = b == NULL || b->float_count == 0 ? NULL : b->floats;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(l->coefficients[i]) ||
            (l->intercepts != NULL && !isfinite(l->intercepts[i / l->x->count])))
            return sotto_onnx_bad(l->o, l->node, "coefficients", SOTTO_ERR(FORGE, MALFORMED),
                                  "a number that is not finite");
    return SOTTO_OK;
}

/* A code may stand in many columns (Concat): without end they would take memory without end. */
static sotto_status check_points(const linear *l, size_t outputs)
{
    size_t points = 0;
    for (size_t i = 0; i < l->x->count && points * outputs <= ONNX_POINTS_MAX; i++)
        points += l->x->columns[i].code == NULL ? 0 : l->x->columns[i].code->count;
    return points * outputs <= ONNX_POINTS_MAX
               ? SOTTO_OK
               : unsupported(l, "coefficients", "too many categories for so many outputs");
}

sotto_status sotto_onnx_linear(onnx *o, const onnx_node *n, const onnx_value *x, bool classifier)
{
    linear l = {.o = o, .node = n, .x = x};
    forge_forest *f = o->forest;
    const char *transform = "NONE";
    size_t classes = classifier ? sotto_onnx_classes(n) : (size_t)sotto_onnx_int(n, "targets", 1);
    sotto_status status = read_numbers(&l, classes);
    if (status == SOTTO_OK)
        status = sotto_onnx_transform(o, n, &transform);
    if (status == SOTTO_OK)
        status = sotto_forge_take_trees(f, SOTTO_MODEL_TREES_MAX, o->diag);
    f->tree_count = 0;
    if (status != SOTTO_OK)
        return status;
    bool logistic = strcmp(transform, "LOGISTIC") == 0, softmax = strcmp(transform, "SOFTMAX") == 0;
    if (softmax && l.outputs == 1)
        return unsupported(&l, "post_transform", "SOFTMAX of one score");
    f->link = logistic ? SOTTO_LINK_LOGISTIC : softmax ? SOTTO_LINK_SOFTMAX : SOTTO_LINK_IDENTITY;
    /* Of two classes, each with its own logistic, the second is the answer. */
    bool second = classifier && classes == 2 && l.outputs == 2 && !softmax;
    f->outputs = second ? 1 : l.outputs;
    status = check_points(&l, f->outputs);
    for (size_t k = 0; status == SOTTO_OK && k < f->outputs; k++)
        status = add_output(&l, second ? 1 : k, (uint16_t)k);
    return status;
}
