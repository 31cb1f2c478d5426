/* Step functions of one feature as trees: a scorecard's bins, an encoder's categories. A missing value has a
 * leaf of its own, which the root finds: nothing is below -infinity, and nothing is in the empty set. */
#include "forge_priv.h"

#include <math.h>

/* A tree that grows node by node; children are made before they are needed, in pairs. */
typedef struct growing {
    forge_tree *tree;
    uint32_t used;
} growing;

static forge_node *put_leaf(growing *g, uint32_t at, double leaf, uint32_t number)
{
    forge_node *n = &g->tree->nodes[at];
    *n = (forge_node){.left = FORGE_NONE, .right = FORGE_NONE, .number = number, .leaf = leaf, .cover = 1};
    return n;
}

/* An inner node with room for its children; left is the first of the two. */
static forge_node *put_test(growing *g, uint32_t at, uint32_t feature, int64_t key)
{
    forge_node *n = &g->tree->nodes[at];
    *n = (forge_node){.left = (int32_t)g->used,
                      .right = (int32_t)g->used + 1,
                      .number = UINT32_MAX,
                      .feature = feature,
                      .key = key,
                      .missing_left = true};
    g->used += 2;
    return n;
}

static void add_covers(growing *g, forge_node *n)
{
    n->cover = g->tree->nodes[n->left].cover + g->tree->nodes[n->right].cover;
}

/* Bins [first, end). As deep as the logarithm of their number. */
static void grow_steps(growing *g, const forge_steps *s, uint32_t at, uint32_t first, uint32_t end)
{
    if (end - first == 1) {
        (void)put_leaf(g, at, s->leaf[first], s->number[first]);
        return;
    }
    uint32_t middle = first + (end - first) / 2;
    forge_node *n = put_test(g, at, s->feature, sotto_forge_float_key(s->edges[middle - 1]));
    grow_steps(g, s, (uint32_t)n->left, first, middle);
    grow_steps(g, s, (uint32_t)n->right, middle, end);
    add_covers(g, n);
}

sotto_status sotto_forge_step_tree(forge_tree *out, const forge_steps *s, sotto_diag *diag)
{
    sotto_status status = sotto_forge_take_nodes(out, 2 * s->count + 1, diag);
    if (status != SOTTO_OK)
        return status;
    growing g = {.tree = out, .used = 1};
    forge_node *root = put_test(&g, 0, s->feature, sotto_forge_float_key(-INFINITY));
    put_leaf(&g, 1, s->missing, s->missing_number)->cover = 0;
    grow_steps(&g, s, 2, 0, s->count);
    add_covers(&g, root);
    return SOTTO_OK;
}

static sotto_status new_set(forge_forest *f, const forge_choices *c, uint32_t first, uint32_t end,
                            int64_t *key, sotto_diag *diag)
{
    sotto_status status = sotto_forge_new_set(&f->sets, diag);
    for (uint32_t i = first; status == SOTTO_OK && i < end; i++)
        status = sotto_forge_add_category(&f->sets, c->category[i], diag);
    *key = (int64_t)f->sets.count - 1;
    return status;
}

/* Categories [first, end): of a value known to be one of them, the last test is spared. A set's categories go
 * right. */
static sotto_status grow_choices(growing *g, forge_forest *f, const forge_choices *c, uint32_t at,
                                 uint32_t first, uint32_t end, bool known, sotto_diag *diag)
{
    int64_t key = 0;
    if (first == end || (known && end - first == 1)) {
        (void)put_leaf(g, at, first == end ? c->other : c->leaf[first],
                       first == end ? c->other_number : c->number[first]);
        return SOTTO_OK;
    }
    uint32_t middle = first + (end - first) / 2;
    sotto_status status = new_set(f, c, middle, end, &key, diag);
    if (status != SOTTO_OK)
        return status;
    forge_node *n = put_test(g, at, c->feature, key);
    status = grow_choices(g, f, c, (uint32_t)n->left, first, middle, known, diag);
    if (status == SOTTO_OK)
        status = grow_choices(g, f, c, (uint32_t)n->right, middle, end, true, diag);
    add_covers(g, n);
    return status;
}

sotto_status sotto_forge_choice_tree(forge_forest *f, forge_tree *out, const forge_choices *c,
                                     sotto_diag *diag)
{
    int64_t nothing = 0;
    sotto_status status = sotto_forge_take_nodes(out, 2 * c->count + 3, diag);
    if (status == SOTTO_OK)
        status = new_set(f, c, 0, 0, &nothing, diag);
    if (status != SOTTO_OK)
        return status;
    growing g = {.tree = out, .used = 1};
    forge_node *root = put_test(&g, 0, c->feature, nothing);
    root->missing_left = false;
    status = grow_choices(&g, f, c, 1, 0, c->count, false, diag);
    put_leaf(&g, 2, c->missing, c->missing_number)->cover = 0;
    add_covers(&g, root);
    return status;
}
