/* A second reading of LightGBM's text, in doubles, by plain searching: it shares nothing with the compiler.
 * The decisions are those of LightGBM's include/LightGBM/tree.h. */
#include "learn_walker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_WORD = 64 };

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

/* Cuts the text at every "Tree=" and reads what is between. */
static bool read_trees(learn_walker *w, char *text, size_t outputs)
{
    char *block = strstr(text, "\nTree=");
    bool good = true;
    for (size_t i = 0; good && block != NULL && i < w->trees; i++) {
        char *next = strstr(block + 1, "\nTree=");
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

sotto_status learn_walker_load_lightgbm(learn_walker *w, sotto_span file, sotto_diag *diag)
{
    char *text = malloc(file.len + 1);
    w->tree = calloc(w->trees + 1, sizeof *w->tree);
    bool good = text != NULL && w->tree != NULL;
    if (good) {
        memcpy(text, file.ptr, file.len);
        text[file.len] = '\0';
        good = read_trees(w, text, (size_t)strtol(find(text, "num_tree_per_iteration"), NULL, 10));
    }
    free(text);
    return good ? SOTTO_OK : sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
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
