/* What the two files that prepare a shelf share. */
#ifndef SOTTO_MODEL_RANK_SHELF_H
#define SOTTO_MODEL_RANK_SHELF_H

#include "rank_priv.h"

/* One preparation. */
typedef struct shelf {
    sotto_ranking *r;
    sotto_arena *arena;
    uint64_t *work;                            /* a row of masks */
    uint32_t *leaf_node;                       /* RANK_LEAVES_MAX */
    uint64_t *below;                           /* of a tree's nodes: leaves under it */
    bool is_product[SOTTO_MODEL_FEATURES_MAX]; /* whose side a feature is on */
    size_t kind_count[4];                      /* constant, by few classes, by many, by mask */
} shelf;

/* A row of all trees for each category, where they take no more than this for each test of the feature. */
enum { CATEGORY_BYTES_OF_TEST = 64 };

/* leaf_node[i]: the i-th leaf from the left. below[k]: the leaves under the k-th node of the tree. Nodes
 * stand in breadth-first order, so going backwards meets children first, but their leaves' numbers need the
 * order from left to right: an explicit stack, at most one entry a level and its sibling. */
void sotto_rank_number_leaves(const sotto_model *m, const tree *t, uint32_t *leaf_node, uint64_t *below);

/* What stays open when the test of inner node k fails. */
static inline uint64_t rank_mask_of(const sotto_model *m, const tree *t, const uint64_t *below, uint32_t k)
{
    return ~below[m->nodes[t->root + k].child - t->root];
}

/* rank_tests.c; false: the arena is full. */
bool sotto_rank_take_tests(shelf *s);
bool sotto_rank_take_rows(shelf *s);

#endif
