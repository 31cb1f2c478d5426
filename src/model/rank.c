/* Ranking one customer's products with the trees' leaves as sets of bits, after QuickScorer (Lucchese et al.,
 * "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees", SIGIR 2015).
 *
 * Leaves of a tree are numbered from left to right. A test that fails shuts the leaves on its left; the leaf
 * that a row reaches is the lowest that no failed test has shut. (A leaf left of it is shut by the test where
 * the two paths part; the leaf itself is right of every failed test on its path, and no test elsewhere has it
 * below.) "Failed" is slot > bin, so a missing value needs no case of its own. Since AND does not care about
 * order, the tests of the product's side are ANDed when the catalogue is loaded and those of the customer's
 * side once a customer: a candidate costs one AND, one count of trailing zeros and one load a tree.
 *
 * Many products look alike to one tree. Where they fall into few classes, the leaf is found once a class and
 * a candidate costs one load of its class and one of the class's value.
 *
 * A split by a set of categories is such a test too: "failed" is "the set holds the category". The categories
 * of a feature are few, so what each of them leaves open is a row of all trees, made when the catalogue is
 * loaded: one AND a tree, whichever tests there are.
 *
 * Leaves are added in 32 bits, tree after tree, while no choice of leaves could overflow (`ends_group` is set
 * in time), then in 64: integers, so the result is the one of sotto_model_margin_q24 to the last bit. */
#include "rank_priv.h"

#include <assert.h>

typedef struct layout {
    size_t acc, open, total;
} layout;

static layout lay_out(const sotto_ranking *r)
{
    layout y = {.acc = 0};
    y.open = r->padded * sizeof(int32_t);
    y.total = y.open + r->tree_end * sizeof(uint64_t);
    return y;
}

size_t sotto_model_rank_scratch_size(const sotto_ranking *r)
{
    return lay_out(r).total;
}

const sotto_ranking_info *sotto_model_ranking_info(const sotto_ranking *r)
{
    return &r->info;
}

/* How many of n tests, bins ascending, fail: bin < slot. By halving, without a branch to guess. */
static size_t count_failing(const rank_test *tests, size_t n, uint16_t slot)
{
    const rank_test *at = tests;
    while (n > 1) {
        size_t half = n / 2;
        at += at[half - 1].bin < slot ? half : 0;
        n -= half;
    }
    return (size_t)(at - tests) + (n == 1 && at[0].bin < slot);
}

/* Of the tests that fail, whole strides are one row of all trees; the rest are taken one by one. */
static void shut_by_bins(const sotto_ranking *r, size_t s, uint16_t slot, uint64_t *open)
{
    const rank_test *tests = r->tests + r->first_test[s];
    size_t failing = count_failing(tests, r->first_test[s + 1] - r->first_test[s], slot);
    size_t rows = failing / r->stride;
    if (rows > 0)
        r->kernels->shut_row(open, r->rows + (r->first_row[s] + rows - 1) * r->tree_end, r->tree_end);
    for (size_t i = rows * r->stride; i < failing; i++)
        open[tests[i].tree] &= tests[i].mask;
}

/* Without rows: the tests of slot s, the feature's first or second. */
static void shut_by_sets(const sotto_ranking *r, size_t s, uint16_t slot, uint64_t *open)
{
    for (size_t i = r->first_test[s]; i < r->first_test[s + 1]; i++)
        if (fails(r->model, slot, (uint16_t)s, r->tests[i].bin))
            open[r->tests[i].tree] &= r->tests[i].mask;
}

static void shut_by_category(const sotto_ranking *r, size_t f, const uint16_t *slots, uint64_t *open)
{
    size_t row = slots[2 * f] == LEAF_BIN ? 0 : slots[2 * f] + 1u;
    if (r->categories[f] == 0) {
        shut_by_sets(r, 2 * f, slots[2 * f], open);
        shut_by_sets(r, 2 * f + 1, slots[2 * f + 1], open);
    } else if (row <= r->categories[f]) {
        r->kernels->shut_row(open, r->rows + (r->first_row[2 * f] + row) * r->tree_end, r->tree_end);
    }
}

/* open: the leaves of each tree that the customer's side leaves open. */
static void shut_leaves(const sotto_ranking *r, const uint16_t *slots, uint64_t *open)
{
    for (size_t t = 0; t < r->tree_end; t++)
        open[t] = UINT64_MAX;
    for (size_t f = 0; f < r->model->info.features; f++) {
        if (r->first_test[2 * f] == r->first_test[2 * f + 2])
            continue;
        if (is_category(&r->model->features[f])) {
            shut_by_category(r, f, slots, open);
            continue;
        }
        shut_by_bins(r, 2 * f, slots[2 * f], open);
        shut_by_bins(r, 2 * f + 1, slots[2 * f + 1], open);
    }
}

static int64_t sum_constant(const sotto_ranking *r, const uint64_t *open)
{
    int64_t sum = 0;
    for (size_t t = 0; t < r->constant_end; t++) {
        const rank_tree *rt = &r->trees[t];
        sum += rt->leaves[__builtin_ctzll(rt->masks[0] & open[t])];
    }
    return sum;
}

static void flush(const sotto_ranking *r, int32_t *acc, int64_t *margin)
{
    for (size_t i = 0; i < r->info.products; i++)
        margin[i] += acc[i];
    for (size_t i = 0; i < r->padded; i++)
        acc[i] = 0;
}

/* Trees from t that may be added together: up to RANK_ABREAST, none behind the end of a group. */
static size_t count_abreast(const sotto_ranking *r, size_t t, size_t end)
{
    size_t n = 1;
    while (n < RANK_ABREAST && t + n < end && !r->trees[t + n - 1].ends_group)
        n++;
    return n;
}

static void add_class_trees(const sotto_ranking *r, const uint64_t *open, int32_t *acc, int64_t *margin)
{
    int32_t table[RANK_ABREAST][RANK_CLASSES_MAX];
    const uint8_t *ids[RANK_ABREAST];
    uint16_t classes[RANK_ABREAST];
    for (size_t t = r->constant_end, n; t < r->class_end; t += n) {
        n = count_abreast(r, t, r->class_end);
        for (size_t i = 0; i < n; i++) {
            const rank_tree *rt = &r->trees[t + i];
            r->kernels->fill_table(table[i], rt, open[t + i]);
            ids[i] = rt->ids;
            classes[i] = rt->classes;
        }
        r->kernels->add_by_class(acc, ids, r->info.products, (const int32_t(*)[RANK_CLASSES_MAX])table,
                                 classes, n);
        if (r->trees[t + n - 1].ends_group)
            flush(r, acc, margin);
    }
}

static void add_mask_trees(const sotto_ranking *r, const uint64_t *open, int32_t *acc, int64_t *margin)
{
    for (size_t t = r->class_end, n; t < r->tree_end; t += n) {
        n = count_abreast(r, t, r->tree_end);
        r->kernels->add_by_mask(acc, r->info.products, r->trees + t, open + t, n);
        if (r->trees[t + n - 1].ends_group)
            flush(r, acc, margin);
    }
}

static void add_walked_trees(const sotto_ranking *r, uint16_t *slots, int64_t *margin)
{
    for (size_t p = 0; p < r->info.products && r->info.trees_walked > 0; p++) {
        copy_product_slots(r, p, slots);
        margin[p] += r->model->plain ? sum_trees(r->model, slots, r->walked, r->info.trees_walked)
                                     : sotto_score_slotted(r->model, slots, r->walked, r->info.trees_walked);
    }
}

/* A model that the fast paths do not know is scored a product at a time. */
static void score_each(const sotto_ranking *r, const int32_t *customer_keys, int64_t *margin)
{
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    for (size_t i = 0; i < r->model->info.features - r->product_feature_count; i++)
        keys[r->customer_feature[i]] = customer_keys[r->customer_feature[i]];
    for (size_t p = 0; p < r->info.products; p++) {
        for (size_t i = 0; i < r->product_feature_count; i++)
            keys[r->product_feature[i]] = r->product_keys[p * r->product_feature_count + i];
        margin[p] = sotto_model_margin_q24(r->model, keys);
    }
}

/* The products' slots have no test here. */
static void fill_customer_slots(const sotto_ranking *r, const int32_t *customer_keys, uint16_t *slots)
{
    size_t customer_features = r->model->info.features - r->product_feature_count;
    for (size_t i = 0; i < customer_features; i++)
        fill_slot_of_kind(r->model, r->customer_feature[i], customer_keys[r->customer_feature[i]], slots);
    for (size_t i = 0; i < r->product_feature_count; i++)
        slots[2 * r->product_feature[i]] = slots[2 * r->product_feature[i] + 1] = 0;
}

void sotto_model_rank_q24(const sotto_ranking *r, const int32_t *customer_keys, void *scratch,
                          int64_t *margin_q24)
{
    uint16_t slots[SLOTS_MAX];
    layout y = lay_out(r);
    int32_t *acc = (int32_t *)(void *)((uint8_t *)scratch + y.acc);
    uint64_t *open = (uint64_t *)(void *)((uint8_t *)scratch + y.open);
    assert(((uintptr_t)scratch & 15) == 0);
    if (!r->model->slotted) {
        score_each(r, customer_keys, margin_q24);
        return;
    }
    fill_customer_slots(r, customer_keys, slots);
    shut_leaves(r, slots, open);
    int64_t base = sum_constant(r, open);
    for (size_t p = 0; p < r->padded; p++)
        acc[p] = 0;
    for (size_t p = 0; p < r->info.products; p++)
        margin_q24[p] = base;
    add_class_trees(r, open, acc, margin_q24);
    add_mask_trees(r, open, acc, margin_q24);
    add_walked_trees(r, slots, margin_q24);
    for (size_t p = 0; p < r->info.products; p++) /* within 2^59 and 2^56, as reference.c has it */
        margin_q24[p] = r->model->info.bias_q24 + margin_q24[p] * (INT64_C(1) << r->model->shift);
}
