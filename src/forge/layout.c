/* Puts a forest into the order of the file: nodes breadth first, thresholds sorted and numbered a feature. */
#include "forge_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sotto_status sotto_forge_bad_node(sotto_diag *diag, sotto_status status, const char *file_name, size_t tree,
                                  uint32_t node, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sotto_diag_at(diag, status, file_name, 0, "tree %zu, node %u: %s", tree, (unsigned)node, text);
}

void sotto_forge_layout_free(forge_layout *l)
{
    free(l->source);
    free(l->child);
    free(l->root);
    free(l->depth);
    free(l->value);
    free(l->cuts);
    free(l->threshold);
    free(l->set_rank);
    free(l->rank_set);
    free(l->first_cut);
    *l = (forge_layout){.node_count = 0};
}

static size_t count_nodes(const forge_forest *f)
{
    size_t n = 0;
    for (size_t t = 0; t < f->tree_count; t++)
        n += f->trees[t].count;
    return n;
}

/* Room for every node of the source: those that no path reaches are left out later. */
static bool take_arrays(forge_layout *l, const forge_forest *f)
{
    size_t n = count_nodes(f) + 1;
    l->source = calloc(n, sizeof *l->source);
    l->child = calloc(n, sizeof *l->child);
    l->value = calloc(n, sizeof *l->value);
    l->cuts = calloc(n, sizeof *l->cuts);
    l->root = calloc(f->tree_count + 1, sizeof *l->root);
    l->depth = calloc(f->tree_count + 1, sizeof *l->depth);
    l->first_cut = calloc(f->feature_count + 1, sizeof *l->first_cut);
    return l->source != NULL && l->child != NULL && l->value != NULL && l->cuts != NULL && l->root != NULL &&
           l->depth != NULL && l->first_cut != NULL;
}

/* One tree on its way into the layout. */
typedef struct walk {
    const forge_tree *tree;
    uint8_t *seen; /* by source number */
    uint32_t next; /* where the next child goes */
} walk;

/* Queues one child. A node reached twice is a cycle or a shared branch: no tree. */
static const char *queue_child(forge_layout *l, walk *w, int32_t child)
{
    if (child < 0 || (uint32_t)child >= w->tree->count)
        return "its child is not there";
    if (w->seen[child])
        return "its child is reached twice";
    w->seen[child] = 1;
    l->source[w->next++] = (uint32_t)child;
    return NULL;
}

/* Queues both children of node i of the layout, or makes it a leaf. NULL, or what is wrong. */
static const char *place_node(forge_layout *l, walk *w, uint32_t i)
{
    const forge_node *n = &w->tree->nodes[l->source[i]];
    if (n->left == FORGE_NONE && n->right == FORGE_NONE) {
        l->child[i] = i;
        l->leaves++;
        return NULL;
    }
    l->child[i] = w->next;
    const char *wrong = queue_child(l, w, n->left);
    return wrong != NULL ? wrong : queue_child(l, w, n->right);
}

static sotto_status place_tree(forge_layout *l, walk *w, size_t t, const char *file_name, sotto_diag *diag)
{
    uint32_t root = l->root[t], level_end = root + 1;
    l->source[root] = 0;
    w->seen[0] = 1;
    w->next = root + 1;
    for (uint32_t i = root; i < w->next; i++) {
        if (i == level_end) {
            level_end = w->next;
            if (++l->depth[t] > FORGE_DEPTH_MAX)
                return sotto_forge_bad_node(diag, SOTTO_ERR(FORGE, UNSUPPORTED), file_name, t, l->source[i],
                                            "deeper than %d", FORGE_DEPTH_MAX);
        }
        const char *wrong = place_node(l, w, i);
        if (wrong != NULL)
            return sotto_forge_bad_node(diag, SOTTO_ERR(FORGE, MALFORMED), file_name, t, l->source[i], "%s",
                                        wrong);
    }
    l->root[t + 1] = w->next;
    return SOTTO_OK;
}

static sotto_status place_trees(forge_layout *l, const forge_forest *f, const char *file_name,
                                sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t t = 0; status == SOTTO_OK && t < f->tree_count; t++) {
        walk w = {.tree = &f->trees[t], .seen = calloc(f->trees[t].count, 1)};
        status = w.seen == NULL ? sotto_forge_no_memory(diag) : place_tree(l, &w, t, file_name, diag);
        free(w.seen);
    }
    l->node_count = l->root[f->tree_count];
    return status;
}

static forge_cut cut_of(const forge_layout *l, const forge_forest *f, const forge_node *n)
{
    bool category = sotto_forge_is_category(&f->features[n->feature]);
    return (forge_cut){n->feature, category ? l->set_rank[n->key] : n->key};
}

static int compare_cuts(const void *a, const void *b)
{
    const forge_cut *x = a, *y = b;
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    return (x->key > y->key) - (x->key < y->key);
}

static void collect_cuts(forge_layout *l, const forge_forest *f)
{
    size_t n = 0;
    for (size_t t = 0; t < f->tree_count; t++)
        for (uint32_t i = l->root[t]; i < l->root[t + 1]; i++)
            if (l->child[i] != i)
                l->cuts[n++] = cut_of(l, f, &f->trees[t].nodes[l->source[i]]);
    qsort(l->cuts, n, sizeof *l->cuts, compare_cuts);
    l->cut_count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || compare_cuts(&l->cuts[i], &l->cuts[i - 1]) != 0)
            l->cuts[l->cut_count++] = l->cuts[i];
}

static sotto_status number_cuts(forge_layout *l, forge_forest *f, const char *file_name, sotto_diag *diag)
{
    size_t at = 0;
    for (size_t i = 0; i < f->feature_count; i++) {
        l->first_cut[i] = (uint32_t)at;
        while (at < l->cut_count && l->cuts[at].feature == i)
            at++;
        f->features[i].bins = (uint32_t)at - l->first_cut[i];
        if (f->features[i].bins > FORGE_BINS_MAX)
            return sotto_diag_at(diag, SOTTO_ERR(FORGE, UNSUPPORTED), file_name, 0,
                                 "feature %s has %u thresholds or sets; at most %d are possible",
                                 f->features[i].name, (unsigned)f->features[i].bins, FORGE_BINS_MAX);
    }
    l->first_cut[f->feature_count] = (uint32_t)at;
    assert(at == l->cut_count);
    return SOTTO_OK;
}

uint32_t sotto_forge_cut_index(const forge_layout *l, const forge_forest *f, const forge_node *n)
{
    forge_cut cut = cut_of(l, f, n);
    const forge_cut *first = l->cuts + l->first_cut[n->feature];
    const forge_cut *at = bsearch(&cut, first, l->first_cut[n->feature + 1] - l->first_cut[n->feature],
                                  sizeof cut, compare_cuts);
    assert(at != NULL);
    return (uint32_t)(at - first);
}

sotto_status sotto_forge_layout_make(forge_layout *l, forge_forest *f, const char *file_name,
                                     sotto_diag *diag)
{
    *l = (forge_layout){.node_count = 0};
    if (!take_arrays(l, f))
        return sotto_forge_no_memory(diag);
    sotto_status status = place_trees(l, f, file_name, diag);
    if (status != SOTTO_OK)
        return status;
    status = sotto_forge_rank_sets(l, f, diag);
    if (status != SOTTO_OK)
        return status;
    collect_cuts(l, f);
    status = number_cuts(l, f, file_name, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_narrow_cuts(l, f, diag);
    if (status == SOTTO_OK && f->clusters.count > 0)
        status = sotto_forge_cluster_unit(f, file_name, &l->unit, &l->reach, diag);
    return status == SOTTO_OK ? sotto_forge_values(l, f, file_name, diag) : status;
}
