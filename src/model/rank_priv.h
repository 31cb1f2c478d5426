/* Ranking: what preparing a shelf and scoring it share. The method is in rank.c. */
#ifndef SOTTO_MODEL_RANK_PRIV_H
#define SOTTO_MODEL_RANK_PRIV_H

#include "score_priv.h"

enum {
    RANK_LEAVES_MAX = 64,  /* a set of leaves is 64 bits */
    RANK_CLASSES_MAX = 64, /* of one tree: a table of their values fits four vectors of 512 bits */
    RANK_PAD = 32          /* rows of products and of leaves are filled up to whole vectors */
};

/* A tree as sets of leaves, numbered from left to right. */
typedef struct rank_tree {
    const int32_t *leaves; /* filled up to RANK_PAD with zeros */
    const uint64_t *masks; /* what the product's side leaves open: one a class, or one a product when classes
                              is 0; filled up to RANK_PAD with all ones */
    const uint8_t *ids;    /* class of each product; NULL when classes is 0 or 1 */
    uint32_t index;        /* in the model */
    uint16_t leaf_count;
    uint16_t classes;
    int32_t least, most; /* of its leaves and zero */
    bool ends_group;     /* behind it the 32-bit sums are added to the 64-bit ones */
} rank_tree;

/* A test of the customer's side: when it fails (the slot is above bin), the leaves on its left are shut. */
typedef struct rank_test {
    uint64_t mask;
    uint32_t tree; /* of sotto_ranking.trees */
    uint16_t bin;
} rank_test;

/* n is exact; acc, masks and ids may be read, and acc written, up to the next multiple of RANK_PAD. */
typedef struct rank_kernels {
    /* For each of `count` trees t: acc[i] += leaves[number of trailing zeros of (masks[i] & open[t])]; a set
     * is never empty. */
    void (*add_by_mask)(int32_t *acc, size_t n, const rank_tree *trees, const uint64_t *open, size_t count);
    /* table[i] = the leaf of class i of a tree by class, as above; padding is written or not. */
    void (*fill_table)(int32_t *table, const rank_tree *t, uint64_t open);
    /* acc[i] += table[t][ids[t][i]] for `trees` (1 to RANK_ABREAST) tables of classes[t] entries. */
    void (*add_by_class)(int32_t *acc, const uint8_t *const *ids, size_t n,
                         const int32_t (*table)[RANK_CLASSES_MAX], const uint16_t *classes, size_t trees);
    /* open[t] &= row[t] */
    void (*shut_row)(uint64_t *open, const uint64_t *row, size_t trees);
    size_t products_least; /* shelves below this are faster by the portable set */
} rank_kernels;
enum { RANK_ABREAST = 4 };

struct sotto_ranking {
    sotto_ranking_info info;
    const sotto_model *model;
    const rank_kernels *kernels;
    size_t padded; /* products, up to RANK_PAD */
    rank_tree *trees;
    size_t constant_end, class_end, tree_end; /* trees by kind: [0, constant_end) and so on */
    uint32_t *first_test;                     /* of each slot, and the end */
    rank_test *tests;                         /* by slot, bins ascending */
    /* Of a feature of categories the tests of both slots stand together, bins in any order, and its rows (at
     * first_row of its first slot) are what each category leaves open, behind what a missing value does. */
    uint32_t *categories; /* one a feature: rows of categories; 0: none, its tests are taken one by one */
    size_t stride;        /* tests of one slot that a row stands for */
    uint32_t *first_row;  /* of each slot */
    uint64_t *rows; /* of each slot: what its first stride, 2 x stride, ... tests leave open, a tree each */
    tree *walked;
    uint16_t *product_feature, *customer_feature;
    size_t product_feature_count;
    uint16_t *product_slots; /* two a product and product feature; slotted models */
    int32_t *product_keys;   /* one a product and product feature; other models, which are scored whole */
};

/* NULL when this CPU or build does not have it. BEST is what takes least for a shelf of that size. */
const rank_kernels *sotto_rank_kernels_of(enum sotto_rank_path path, size_t products);

static inline size_t rank_pad(size_t n)
{
    return (n + RANK_PAD - 1) / RANK_PAD * RANK_PAD;
}

static inline void copy_product_slots(const sotto_ranking *r, size_t product, uint16_t *slots)
{
    const uint16_t *from = r->product_slots + 2 * product * r->product_feature_count;
    for (size_t i = 0; i < r->product_feature_count; i++) {
        slots[2 * r->product_feature[i]] = from[2 * i];
        slots[2 * r->product_feature[i] + 1] = from[2 * i + 1];
    }
}

#endif
