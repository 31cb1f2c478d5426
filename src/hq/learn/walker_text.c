/* A second reading of LightGBM's text, in doubles, by plain searching: it shares nothing with the compiler.
 * The decisions are those of LightGBM's include/LightGBM/tree.h. */
#include "learn/walker.h"
#include "office/args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_WORD = 64 };
static const char TREE[] = "\nTree=";

/* The text behind "\nname=" of a tree's block; "" when it is not there. The block ends in NUL. */
static const char *find(const char *block, const char *name)
{
    char wanted[FIRST_WORD];
    (void)snprintf(wanted, sizeof wanted, "\n%s=", name);
    const char *at = strstr(block, wanted);
    return at == NULL ? "" : at + strlen(wanted);
}

/* Number i of each list is asked for in turn. 0 behind the end of the line. */
static double next_number(const char **at)
{
    char *end = NULL;
    while (**at == ' ')
        (*at)++;
    if (**at == '\n' || **at == '\0')
        return 0;
    double v = strtod(*at, &end);
    *at = end;
    return v;
}

static void read_inner(const char *block, walker_node *nodes, long inner)
{
    const char *feature = find(block, "split_feature"), *threshold = find(block, "threshold");
    const char *decision = find(block, "decision_type"), *left = find(block, "left_child");
    const char *right = find(block, "right_child");
    for (long i = 0; i < inner; i++) {
        unsigned kind = (unsigned)next_number(&decision);
        long l = (long)next_number(&left), r = (long)next_number(&right);
        nodes[i] = (walker_node){.left = (int32_t)(l < 0 ? inner + ~l : l),
                                 .right = (int32_t)(r < 0 ? inner + ~r : r),
                                 .feature = (uint32_t)next_number(&feature),
                                 .value = next_number(&threshold),
                                 .by_category = kind & 1,
                                 .missing_left = kind >> 1 & 1,
                                 .missing = kind >> 2};
    }
}

static bool read_bits(const char *block, walker_tree *t, long inner)
{
    long sets = strtol(find(block, "num_cat"), NULL, 10);
    const char *bounds = find(block, "cat_boundaries"), *bits = find(block, "cat_threshold");
    size_t *bound = calloc((size_t)sets + 1, sizeof *bound);
    for (long k = 0; bound != NULL && sets > 0 && k <= sets; k++)
        bound[k] = (size_t)next_number(&bounds);
    t->bits = bound == NULL ? NULL : calloc(bound[sets] + 1, sizeof *t->bits);
    for (size_t i = 0; t->bits != NULL && i < bound[sets]; i++)
        t->bits[i] = (uint32_t)next_number(&bits);
    for (long i = 0; t->bits != NULL && i < inner; i++)
        if (t->nodes[i].by_category) {
            size_t k = (size_t)t->nodes[i].value;
            t->nodes[i].first = bound[k];
            t->nodes[i].count = bound[k + 1] - bound[k];
        }
    free(bound);
    return t->bits != NULL;
}

static bool read_tree(const char *block, walker_tree *t)
{
    long leaves = strtol(find(block, "num_leaves"), NULL, 10), inner = leaves - 1;
    const char *value = find(block, "leaf_value");
    t->weight = 1;
    t->nodes = calloc((size_t)(inner + leaves), sizeof *t->nodes);
    if (t->nodes == NULL)
        return false;
    read_inner(block, t->nodes, inner);
    for (long i = 0; i < leaves; i++)
        t->nodes[inner + i] =
            (walker_node){.left = -1, .right = -1, .number = (uint32_t)i, .value = next_number(&value)};
    return read_bits(block, t, inner);
}

/* What stands behind the line that ends the trees is no tree's, whatever it is called. */
static void cut_behind_trees(char *text)
{
    static const char END[] = "\nend of trees", IMPORTANCES[] = "\nfeature importances";
    char *at = strstr(text, IMPORTANCES);
    if (at != NULL)
        *at = '\0';
    for (at = strstr(text, END); at != NULL; at = strstr(at + 1, END)) {
        const char *rest = at + strlen(END);
        rest += *rest == '\r';
        if (*rest == '\n' || *rest == '\0')
            *at = '\0';
    }
}

static size_t count_trees(const char *text)
{
    size_t n = 0;
    for (const char *at = strstr(text, TREE); at != NULL; at = strstr(at + 1, TREE))
        n++;
    return n;
}

/* Cuts the text at every "Tree=" and reads what is between. */
static bool read_trees(learn_walker *w, char *text, size_t outputs)
{
    char *block = strstr(text, TREE);
    bool good = true;
    for (size_t i = 0; good && i < w->trees; i++) {
        char *next = strstr(block + 1, TREE);
        if (next != NULL)
            *next = '\0';
        good = read_tree(block, &w->tree[i]);
        w->tree[i].output = i % outputs;
        block = next;
        if (next != NULL)
            *next = '\n';
    }
    return good;
}

/* Searching ends at a NUL byte: in a text with one no trees are to be trusted, nor in one without outputs. */
static size_t trees_of(sotto_span file, const char *text, long outputs)
{
    return outputs < 1 || memchr(file.ptr, '\0', file.len) != NULL ? 0 : count_trees(text);
}

static sotto_status read_text(learn_walker *w, sotto_span file, char *text, const char *name,
                              sotto_diag *diag)
{
    long outputs = strtol(find(text, "num_tree_per_iteration"), NULL, 10);
    cut_behind_trees(text);
    size_t trees = trees_of(file, text, outputs);
    if (trees != w->trees)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, INTERNAL), name, 0,
                             "the second reading finds %zu trees in it, not %zu", trees, w->trees);
    return read_trees(w, text, (size_t)outputs) ? SOTTO_OK : hq_no_memory(diag);
}

sotto_status learn_walker_load_lightgbm(learn_walker *w, sotto_span file, const char *name, sotto_diag *diag)
{
    char *text = calloc(file.len + 1, 1);
    w->tree = calloc(w->trees + 1, sizeof *w->tree);
    sotto_status status = text == NULL || w->tree == NULL ? hq_no_memory(diag) : SOTTO_OK;
    if (status == SOTTO_OK) {
        memcpy(text, file.ptr, file.len);
        status = read_text(w, file, text, name, diag);
    }
    free(text);
    return status;
}

static bool in_bits(const walker_tree *t, const walker_node *n, double v)
{
    if (!(v > -1 && v < 2147483648.0))
        return false;
    size_t category = (size_t)v; /* towards zero */
    return category / 32 < n->count && (t->bits[n->first + category / 32] >> category % 32 & 1);
}

bool learn_walker_left_lightgbm(const walker_tree *t, const walker_node *n, double v)
{
    static const double ZERO = (double)1e-35F;
    if (n->by_category)
        return !isnan(v) && in_bits(t, n, v);
    if (isnan(v) && n->missing != 2)
        v = 0;
    if ((n->missing == 1 && v >= -ZERO && v <= ZERO) || (n->missing == 2 && isnan(v)))
        return n->missing_left;
    return v <= n->value;
}
