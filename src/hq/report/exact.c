/* The compiled model against the trained one: leaves, margins, and what every step from floats to integers
 * cost. */
#include "learn/walker.h"
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned BITS[REPORT_SCALES] = {8, 12, 16, 18, 20, 22, 24};

/* Leaf values of one tree by the leaf's number. */
typedef struct leaf_values {
    double *value;
    size_t count;
} leaf_values;

typedef struct comparing {
    report *report;
    learn_walker *walker;
    leaf_values *tree;              /* one a tree */
    double *margin[REPORT_SCALES];  /* of the first output */
    double (*bound)[REPORT_SCALES]; /* one an output */
    learn_walked walked;
    double *row;
    sotto_diag *diag;
} comparing;

static double rounded(double v, unsigned bits)
{
    return ldexp(rint(ldexp(v, (int)bits)), -(int)bits);
}

/* Calls visit for each leaf of a tree; the stack is as deep as the tree has inner nodes on a path, at most.
 */
static bool each_leaf(const walker_tree *t,
                      void (*visit)(const walker_tree *t, const walker_node *n, void *ctx), void *ctx)
{
    sotto_vec stack;
    int32_t at = 0;
    bool more = true;
    for (size_t i = 0; t->rules != NULL && i < t->count; i++)
        visit(t, &t->nodes[i], ctx);
    if (t->rules != NULL)
        return true;
    sotto_vec_init(&stack, SIZE_MAX / 4);
    while (more) {
        const walker_node *n = &t->nodes[at];
        if (n->left >= 0) {
            if (sotto_vec_put(&stack, &n->right, sizeof n->right) != SOTTO_OK)
                break;
            at = n->left;
            continue;
        }
        visit(t, n, ctx);
        more = stack.len > 0;
        if (more) {
            stack.len -= sizeof at;
            memcpy(&at, stack.ptr + stack.len, sizeof at);
        }
    }
    sotto_vec_free(&stack);
    return !more;
}

static void count_leaf(const walker_tree *t, const walker_node *n, void *ctx)
{
    leaf_values *l = ctx;
    (void)t;
    l->count = n->number >= l->count ? (size_t)n->number + 1 : l->count;
}

static void keep_leaf(const walker_tree *t, const walker_node *n, void *ctx)
{
    leaf_values *l = ctx;
    l->value[n->number] = t->weight * n->value;
}

/* A number without a leaf stays 0, which every scale has exactly. */
static sotto_status read_leaves(leaf_values *l, const walker_tree *t, sotto_diag *diag)
{
    bool whole = each_leaf(t, count_leaf, l);
    l->value = eval_array(l->count, sizeof *l->value, diag);
    if (l->value == NULL || !whole || !each_leaf(t, keep_leaf, l))
        return hq_no_memory(diag);
    return SOTTO_OK;
}

static void add_bounds(comparing *c, const leaf_values *l, size_t output)
{
    for (size_t k = 0; k < REPORT_SCALES; k++) {
        report_scale *s = &c->report->scale[k];
        double worst = 0;
        for (size_t i = 0; i < l->count; i++)
            worst = fmax(worst, fabs(rounded(l->value[i], BITS[k]) - l->value[i]));
        c->bound[output][k] += worst;
        s->bits = BITS[k];
        s->bound = fmax(s->bound, c->bound[output][k]);
    }
}

static sotto_status take_memory(comparing *c)
{
    size_t trees = c->report->info->trees, rows = c->report->scored.rows;
    c->tree = eval_array(trees, sizeof *c->tree, c->diag);
    c->walked.leaves = eval_array(trees, sizeof *c->walked.leaves, c->diag);
    c->bound = eval_array(c->report->info->outputs, sizeof *c->bound, c->diag);
    c->row = eval_array(c->report->table.features, sizeof *c->row, c->diag);
    bool good = c->tree != NULL && c->walked.leaves != NULL && c->bound != NULL && c->row != NULL;
    for (size_t k = 0; k < REPORT_SCALES; k++) {
        c->margin[k] = eval_array(rows, sizeof *c->margin[k], c->diag);
        good = good && c->margin[k] != NULL;
    }
    return good ? SOTTO_OK : c->diag->status;
}

static void free_memory(comparing *c)
{
    for (size_t t = 0; c->tree != NULL && t < c->report->info->trees; t++)
        free(c->tree[t].value);
    for (size_t k = 0; k < REPORT_SCALES; k++)
        free(c->margin[k]);
    free(c->tree);
    free(c->walked.leaves);
    free(c->bound);
    free(c->row);
    learn_walker_free(c->walker);
}

static void compare_output(comparing *c, size_t i, size_t output)
{
    report *r = c->report;
    double exact = 0, scaled[REPORT_SCALES] = {0};
    float single = 0;
    for (size_t k = 0; k < r->info->trees; k++) {
        double v = c->tree[k].value[c->walked.leaves[k]];
        if (c->walker->tree[k].output != output)
            continue;
        exact += v;
        single += (float)v;
        for (size_t s = 0; s < REPORT_SCALES; s++)
            scaled[s] += rounded(v, BITS[s]);
    }
    r->float32_worst = fmax(r->float32_worst, fabs((double)single - exact));
    for (size_t s = 0; s < REPORT_SCALES; s++) {
        if (output == 0)
            c->margin[s][i] = scaled[s];
        r->scale[s].worst = fmax(r->scale[s].worst, fabs(scaled[s] - exact));
    }
}

static void compare_row(comparing *c, size_t i)
{
    report *r = c->report;
    const learn_table *t = &r->table;
    for (size_t f = 0; f < t->features; f++)
        c->row[f] = t->values != NULL ? t->values[r->row[i] * t->features + f]
                                      : (double)learn_key_float(t->keys[r->row[i] * t->features + f]);
    learn_walker_row(c->walker, c->row, &c->walked);
    for (size_t k = 0; k < r->info->outputs; k++)
        compare_output(c, i, k);
}

/* Of leaves; what linear terms add besides has the same error at every scale but the coarsest. */
static sotto_status compare_scales(report *r, const learn_origin *origin, sotto_diag *diag)
{
    comparing c = {.report = r, .diag = diag};
    if (r->proof.trees == 0 || r->info->clusters > 0)
        return SOTTO_OK;
    r->has_scales = true;
    sotto_status status = take_memory(&c);
    if (status == SOTTO_OK)
        status = learn_walker_load(&c.walker, origin, r->model, diag);
    for (size_t t = 0; status == SOTTO_OK && t < r->info->trees; t++) {
        status = read_leaves(&c.tree[t], &c.walker->tree[t], diag);
        if (status == SOTTO_OK)
            add_bounds(&c, &c.tree[t], c.walker->tree[t].output);
    }
    for (size_t i = 0; status == SOTTO_OK && i < r->scored.rows; i++)
        compare_row(&c, i);
    for (size_t s = 0; status == SOTTO_OK && s < REPORT_SCALES; s++)
        r->scale[s].auc =
            r->kind == REPORT_YES_NO ? learn_auc(c.margin[s], r->judged_label, r->scored.rows) : (double)NAN;
    free_memory(&c);
    return status;
}

/* The readings of the source trust its shape, and it is known to be good only in the file that was compiled.
 */
static sotto_status check_source(const report *r, sotto_span file, sotto_diag *diag)
{
    uint8_t digest[SOTTO_SHA256_BYTES];
    sotto_status status = sotto_sha256(file, digest);
    if (status != SOTTO_OK || memcmp(digest, r->info->source_sha256, sizeof digest) == 0)
        return status;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), r->o->source, 0,
                         "is not the file that the model was compiled from");
}

sotto_status report_exact(report *r, sotto_diag *diag)
{
    sotto_vec file;
    if (r->o->source == NULL)
        return SOTTO_OK;
    sotto_status status = learn_read_file(r->o->source, &file, diag);
    if (status == SOTTO_OK)
        status = check_source(r, sotto_vec_span(&file), diag);
    const learn_source_kind *kind = status == SOTTO_OK ? learn_source_guess(sotto_vec_span(&file)) : NULL;
    if (status == SOTTO_OK && kind == NULL) /* a table of centroids without the column `cluster` */
        kind = learn_source_named("kmeans");
    if (status == SOTTO_OK) {
        const learn_origin origin = {kind->walker, sotto_vec_span(&file), r->o->source, r->dictionary};
        r->has_source = true;
        r->source_bytes = file.len;
        status = learn_prove(&r->proof, r->model, &origin, &r->table, r->held_out ? &r->split : NULL, diag);
        if (status == SOTTO_OK)
            status = compare_scales(r, &origin, diag);
    }
    sotto_vec_free(&file);
    return status;
}

/* "  200 products  best          8.60 instructions a candidate and tree" */
static bool read_count(const char *line, report_count *c)
{
    static const char PRODUCTS[] = " products ";
    char *end = NULL, *after = NULL;
    unsigned long long products = strtoull(line, &end, 10);
    if (end == line || products > SOTTO_RANK_PRODUCTS_MAX || strncmp(end, PRODUCTS, sizeof PRODUCTS - 1) != 0)
        return false;
    const char *way = end + strlen(PRODUCTS) + strspn(end + strlen(PRODUCTS), " ");
    size_t len = strcspn(way, " ");
    if (len == 0 || len >= sizeof c->way)
        return false;
    *c = (report_count){.products = (size_t)products};
    memcpy(c->way, way, len);
    c->instructions = strtod(way + len, &after);
    return after != way + len && isfinite(c->instructions) && strncmp(after, " instructions", 13) == 0;
}

/* Lines of tests/bench/count.sh; others are passed over. */
sotto_status report_counts(report *r, sotto_diag *diag)
{
    sotto_vec file;
    if (r->o->instructions == NULL)
        return SOTTO_OK;
    sotto_status status = learn_read_file(r->o->instructions, &file, diag);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&file, "", 1);
    char *rest = NULL, *line = status == SOTTO_OK ? strtok_r((char *)file.ptr, "\n", &rest) : NULL;
    for (; line != NULL && r->counts < REPORT_COUNTS_MAX; line = strtok_r(NULL, "\n", &rest)) {
        report_count c;
        if (read_count(line, &c))
            r->count[r->counts++] = c;
    }
    if (status == SOTTO_OK && r->counts == 0)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), r->o->instructions, 0,
                               "has no line of tests/bench/count.sh");
    sotto_vec_free(&file);
    return status;
}
