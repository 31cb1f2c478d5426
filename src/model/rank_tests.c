/* Preparing a shelf of products, the customer's side: every tree's tests by feature, and rows of what many of
 * them leave open together. The method is in rank.c. */
#include "rank_shelf.h"

/* Calls for each test of the customer's side; counts them by slot, or puts them into their places. */
static void each_test(shelf *s, uint32_t *place, rank_test *tests)
{
    const sotto_model *m = s->r->model;
    for (size_t i = 0; i < s->r->tree_end; i++) {
        const rank_tree *rt = &s->r->trees[i];
        const tree *t = &m->trees[rt->index];
        if (tests != NULL)
            sotto_rank_number_leaves(m, t, s->leaf_node, s->below);
        for (uint32_t k = 0; k + 1 < 2u * rt->leaf_count; k++) {
            const node *n = &m->nodes[t->root + k];
            if (is_leaf(m->nodes, t->root + k) || s->is_product[n->slot / 2])
                continue;
            uint32_t at = place[n->slot]++;
            if (tests != NULL)
                tests[at] = (rank_test){rank_mask_of(m, t, s->below, k), (uint32_t)i, n->bin};
        }
    }
}

/* Heapsort (Williams 1964): in place, no recursion, never quadratic. */
static void sift(rank_test *tests, size_t at, size_t n)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        child += child + 1 < n && tests[child + 1].bin > tests[child].bin;
        if (tests[at].bin >= tests[child].bin)
            return;
        rank_test swap = tests[at];
        tests[at] = tests[child];
        tests[child] = swap;
    }
}

static void sort_tests(rank_test *tests, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(tests, i, n);
    for (size_t i = n; i-- > 1;) {
        rank_test swap = tests[0];
        tests[0] = tests[i];
        tests[i] = swap;
        sift(tests, 0, i);
    }
}

bool sotto_rank_take_tests(shelf *s)
{
    sotto_ranking *r = s->r;
    size_t slots = 2 * r->model->info.features;
    r->first_test = sotto_arena_array(s->arena, slots + 1, sizeof *r->first_test);
    if (r->first_test == NULL)
        return false;
    each_test(s, r->first_test, NULL);
    uint32_t total = 0;
    for (size_t i = 0; i <= slots; i++) { /* from counts to starts */
        uint32_t count = i < slots ? r->first_test[i] : 0;
        r->first_test[i] = total;
        total += count;
    }
    r->tests = sotto_arena_array(s->arena, total, sizeof *r->tests);
    if (r->tests == NULL)
        return false;
    each_test(s, r->first_test, r->tests);
    for (size_t i = slots; i > 0; i--) /* each start has moved on to the next one's */
        r->first_test[i] = r->first_test[i - 1];
    r->first_test[0] = 0;
    for (size_t i = 0; i < slots; i++) /* of sets too: it does no harm */
        sort_tests(r->tests + r->first_test[i], r->first_test[i + 1] - r->first_test[i]);
    return true;
}

/* With this stride the rows take no more than twice the tests themselves. */
static size_t stride_for(size_t trees)
{
    enum { STRIDE_MIN = 16 };
    return trees / 4 + 1 > STRIDE_MIN ? trees / 4 + 1 : STRIDE_MIN;
}

static void fill_rows(sotto_ranking *r, size_t slot)
{
    uint64_t *row = r->rows + r->first_row[slot] * r->tree_end;
    const rank_test *tests = r->tests + r->first_test[slot];
    size_t n = (r->first_test[slot + 1] - r->first_test[slot]) / r->stride;
    for (size_t i = 0; i < n; i++, row += r->tree_end) {
        for (size_t t = 0; t < r->tree_end; t++)
            row[t] = i == 0 ? UINT64_MAX : row[t - r->tree_end];
        for (size_t k = i * r->stride; k < (i + 1) * r->stride; k++)
            row[tests[k].tree] &= tests[k].mask;
    }
}

/* Up to the last category that a set of the feature holds. */
static uint32_t count_categories(const sotto_model *m, size_t f)
{
    uint32_t most = 0;
    for (uint32_t set = m->first_set[f]; set < m->first_set[f + 1]; set++) {
        uint32_t words = m->set_start[set + 1] - m->set_start[set];
        if (words == 0) /* the last word is not zero */
            continue;
        uint32_t last = m->set_words[m->set_start[set + 1] - 1];
        uint32_t count = 32 * words - (uint32_t)__builtin_clz(last);
        most = count > most ? count : most;
    }
    return most;
}

/* Rows of a feature's categories, with that of a missing value; 0 when they would take too much. */
static uint32_t count_category_rows(const sotto_ranking *r, size_t f)
{
    size_t tests = r->first_test[2 * f + 2] - r->first_test[2 * f];
    size_t categories = count_categories(r->model, f);
    if ((uint64_t)(categories + 1) * r->tree_end * sizeof *r->rows > (uint64_t)tests * CATEGORY_BYTES_OF_TEST)
        return 0;
    r->categories[f] = (uint32_t)categories;
    return (uint32_t)categories + 1;
}

static void fill_category_rows(sotto_ranking *r, size_t f)
{
    uint64_t *row = r->rows + r->first_row[2 * f] * r->tree_end;
    for (uint32_t i = 0; i <= r->categories[f]; i++, row += r->tree_end) {
        uint16_t slot[2] = {(uint16_t)(i == 0 ? LEAF_BIN : i - 1),
                            (uint16_t)(i == 0 ? NO_CATEGORY_SLOT : i - 1)};
        for (size_t t = 0; t < r->tree_end; t++)
            row[t] = UINT64_MAX;
        for (size_t k = r->first_test[2 * f]; k < r->first_test[2 * f + 2]; k++) {
            size_t second = k >= r->first_test[2 * f + 1];
            if (fails(r->model, slot[second], (uint16_t)(2 * f + second), r->tests[k].bin))
                row[r->tests[k].tree] &= r->tests[k].mask;
        }
    }
}

/* Gives the feature's slots their places among the rows from `rows` on. Returns how many they are. */
static uint32_t place_rows(sotto_ranking *r, size_t f, uint32_t rows)
{
    uint32_t taken = 0;
    if (is_category(&r->model->features[f])) {
        r->first_row[2 * f] = rows;
        return count_category_rows(r, f);
    }
    for (size_t s = 2 * f; s < 2 * f + 2; s++) {
        r->first_row[s] = rows + taken;
        taken += (uint32_t)((r->first_test[s + 1] - r->first_test[s]) / r->stride);
    }
    return taken;
}

bool sotto_rank_take_rows(shelf *s)
{
    sotto_ranking *r = s->r;
    size_t features = r->model->info.features;
    uint32_t rows = 0;
    r->stride = stride_for(r->tree_end);
    r->first_row = sotto_arena_array(s->arena, 2 * features, sizeof *r->first_row);
    r->categories = sotto_arena_array(s->arena, features, sizeof *r->categories);
    if (r->first_row == NULL || r->categories == NULL)
        return false;
    for (size_t f = 0; f < features; f++)
        rows += place_rows(r, f, rows);
    r->rows = sotto_arena_array(s->arena, rows * r->tree_end, sizeof *r->rows);
    if (r->rows == NULL)
        return false;
    for (size_t f = 0; f < features; f++) {
        if (r->categories[f] > 0) {
            fill_category_rows(r, f);
        } else if (!is_category(&r->model->features[f])) {
            fill_rows(r, 2 * f);
            fill_rows(r, 2 * f + 1);
        }
    }
    return true;
}
