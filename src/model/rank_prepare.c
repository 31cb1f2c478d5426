/* Preparing a shelf of products: which tests are the product's, what they leave open, which products a tree
 * cannot tell apart. The customer's tests are in rank_tests.c, the method in rank.c. */
#include "rank_shelf.h"

#include <assert.h>

enum { NODES_OF_TREE_MAX = 2 * RANK_LEAVES_MAX - 1, ALIGN = 16 };

static size_t leaves_of(const sotto_model *m, size_t t)
{
    size_t end = t + 1 < m->info.trees ? m->trees[t + 1].root : m->info.nodes;
    return (end - m->trees[t].root + 1) / 2; /* every inner node has two children */
}

static size_t bound_categories(const sotto_model *m)
{
    return m->info.has_categories ? (m->info.nodes / 2) * CATEGORY_BYTES_OF_TEST : 0;
}

size_t sotto_model_rank_bound(const sotto_model *m, size_t products, size_t product_features)
{
    size_t row = rank_pad(products) * sizeof(uint64_t) + RANK_PAD * sizeof(uint64_t) + ALIGN;
    size_t leaves = m->info.leaves + m->info.trees * RANK_PAD;
    return sizeof(sotto_ranking) +
           (m->info.trees + 1) * (row + sizeof(rank_tree) + sizeof(tree) + 2 * ALIGN) +
           leaves * sizeof(int32_t) + (5 * m->info.features + 1) * sizeof(uint32_t) +
           (m->info.nodes / 2) * 3 * sizeof(rank_test) + bound_categories(m) +
           (product_features * (products * 2 + 1) + m->info.features) * sizeof(uint16_t) + 16 * ALIGN;
}

/* ---- One tree ---- */

void sotto_rank_number_leaves(const sotto_model *m, const tree *t, uint32_t *leaf_node, uint64_t *below)
{
    uint32_t stack[RANK_LEAVES_MAX + 1], nodes = 0;
    size_t depth = 0, leaves = 0;
    stack[depth++] = t->root;
    while (depth > 0) {
        uint32_t at = stack[--depth];
        nodes = at - t->root >= nodes ? at - t->root + 1 : nodes;
        if (is_leaf(m->nodes, at)) {
            below[at - t->root] = UINT64_C(1) << leaves;
            leaf_node[leaves++] = at;
        } else {
            stack[depth++] = m->nodes[at].child + 1;
            stack[depth++] = m->nodes[at].child;
        }
    }
    for (uint32_t k = nodes; k-- > 0;)
        if (!is_leaf(m->nodes, t->root + k)) {
            uint32_t child = m->nodes[t->root + k].child - t->root;
            below[k] = below[child] | below[child + 1];
        }
}

static bool take_leaves(shelf *s, rank_tree *rt)
{
    const int32_t *values = s->r->model->values;
    int32_t *leaves = sotto_arena_array(s->arena, rank_pad(rt->leaf_count), sizeof *leaves);
    if (leaves == NULL)
        return false;
    for (size_t i = 0; i < rt->leaf_count; i++) {
        leaves[i] = values[s->leaf_node[i]];
        rt->least = leaves[i] < rt->least ? leaves[i] : rt->least;
        rt->most = leaves[i] > rt->most ? leaves[i] : rt->most;
    }
    rt->leaves = leaves;
    return true;
}

/* The product's side of one tree, for every product. */
static void compute_row(const shelf *s, const rank_tree *rt, uint64_t *row)
{
    const sotto_model *m = s->r->model;
    const tree *t = &m->trees[rt->index];
    uint16_t slots[SLOTS_MAX];
    uint32_t tests[RANK_LEAVES_MAX], count = 0;
    for (uint32_t k = 0; k + 1 < 2u * rt->leaf_count; k++)
        if (!is_leaf(m->nodes, t->root + k) && s->is_product[m->nodes[t->root + k].slot / 2])
            tests[count++] = k;
    for (size_t p = 0; p < s->r->padded; p++) {
        row[p] = UINT64_MAX;
        if (p >= s->r->info.products)
            continue;
        copy_product_slots(s->r, p, slots);
        for (uint32_t i = 0; i < count; i++) {
            const node *n = &m->nodes[t->root + tests[i]];
            if (fails(m, slots[n->slot], n->slot, n->bin))
                row[p] &= rank_mask_of(m, t, s->below, tests[i]);
        }
    }
}

/* Finds the different masks of a row: how many, or 0 when they are too many to be worth it. ids may be NULL.
 */
static size_t classify(const shelf *s, uint64_t *classes, uint8_t *ids)
{
    size_t products = s->r->info.products, count = 0;
    size_t most = products / 3 < RANK_CLASSES_MAX ? products / 3 : RANK_CLASSES_MAX;
    most = most < 1 ? 1 : most;
    for (size_t p = 0; p < products; p++) {
        size_t c = 0;
        while (c < count && classes[c] != s->work[p])
            c++;
        if (c == most)
            return 0;
        if (c == count)
            classes[count++] = s->work[p];
        if (ids != NULL)
            ids[p] = (uint8_t)c;
    }
    return count;
}

/* Few classes stand apart from many: some loops are for the few only, and trees are added some at a time. */
static unsigned kind_of(const rank_tree *rt)
{
    if (rt->classes <= 1)
        return rt->classes == 1 ? 0 : 3;
    return rt->classes <= RANK_CLASSES_MAX / 2 ? 1 : 2;
}

/* Keeps what compute_row left in s->work, by class or by product. */
static bool take_row(shelf *s, rank_tree *rt)
{
    uint64_t classes[RANK_CLASSES_MAX];
    size_t count = classify(s, classes, NULL), rows = count == 0 ? s->r->padded : rank_pad(count);
    uint64_t *masks = sotto_arena_array(s->arena, rows, sizeof *masks);
    uint8_t *ids = count > 1 ? sotto_arena_take(s->arena, s->r->padded) : NULL;
    if (masks == NULL || (count > 1 && ids == NULL))
        return false;
    for (size_t i = 0; i < rows; i++)
        masks[i] = count == 0 ? s->work[i] : i < count ? classes[i] : UINT64_MAX;
    (void)classify(s, classes, ids);
    rt->masks = masks;
    rt->ids = ids;
    rt->classes = (uint16_t)count;
    s->kind_count[kind_of(rt)]++;
    return true;
}

static bool take_tree(shelf *s, size_t index)
{
    sotto_ranking *r = s->r;
    const sotto_model *m = r->model;
    size_t leaves = leaves_of(m, index);
    if (leaves > RANK_LEAVES_MAX) {
        r->walked[r->info.trees_walked++] = m->trees[index];
        return true;
    }
    rank_tree *rt = &r->trees[r->tree_end++];
    rt->index = (uint32_t)index;
    rt->leaf_count = (uint16_t)leaves;
    sotto_rank_number_leaves(m, &m->trees[index], s->leaf_node, s->below);
    compute_row(s, rt, s->work);
    return take_leaves(s, rt) && take_row(s, rt);
}

/* ---- All trees ---- */

/* Constant trees first, then those by class, then those by mask; within a kind as the model has them.
 * Insertion would be quadratic: each goes to its place in a copy. */
static bool sort_trees(shelf *s)
{
    sotto_ranking *r = s->r;
    rank_tree *sorted = sotto_arena_array(s->arena, r->tree_end, sizeof *sorted);
    size_t next[4], start = 0;
    if (sorted == NULL)
        return false;
    for (size_t k = 0; k < SOTTO_COUNT(next); k++) {
        next[k] = start;
        start += s->kind_count[k];
    }
    for (size_t t = 0; t < r->tree_end; t++)
        sorted[next[kind_of(&r->trees[t])]++] = r->trees[t];
    r->trees = sorted;
    r->constant_end = next[0];
    r->class_end = next[2];
    return true;
}

/* Ends a group of trees before leaves could add up to more than 32 bits. */
static void end_groups(sotto_ranking *r)
{
    int64_t least = 0, most = 0;
    for (size_t t = r->constant_end; t < r->tree_end; t++) {
        rank_tree *rt = &r->trees[t];
        if (t > r->constant_end && (least + rt->least < INT32_MIN || most + rt->most > INT32_MAX)) {
            r->trees[t - 1].ends_group = true;
            least = most = 0;
        }
        least += rt->least;
        most += rt->most;
    }
    if (r->tree_end > r->constant_end)
        r->trees[r->tree_end - 1].ends_group = true;
}

/* ---- The whole ---- */

static bool take_product_features(shelf *s, const sotto_rank_shelf *from)
{
    sotto_ranking *r = s->r;
    size_t customer = 0, all = r->model->info.features;
    assert(from->product_feature_count <= all);
    r->product_feature_count = from->product_feature_count;
    r->product_feature = sotto_arena_array(s->arena, from->product_feature_count, sizeof *r->product_feature);
    r->customer_feature = sotto_arena_array(s->arena, all, sizeof *r->customer_feature);
    if (r->product_feature == NULL || r->customer_feature == NULL)
        return false;
    for (size_t i = 0; i < from->product_feature_count; i++) {
        assert(from->product_feature[i] < all && !s->is_product[from->product_feature[i]]);
        r->product_feature[i] = from->product_feature[i];
        s->is_product[from->product_feature[i]] = true;
    }
    for (size_t f = 0; f < all; f++)
        if (!s->is_product[f])
            r->customer_feature[customer++] = (uint16_t)f;
    return true;
}

static bool take_product_slots(shelf *s, const sotto_rank_shelf *from)
{
    sotto_ranking *r = s->r;
    size_t features = from->product_feature_count, count = features * from->products;
    uint16_t slots[SLOTS_MAX];
    r->product_slots = sotto_arena_array(s->arena, count, 2 * sizeof *r->product_slots);
    if (r->product_slots == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t f = from->product_feature[i % features];
        fill_slot_of_kind(r->model, f, from->product_keys[i], slots);
        r->product_slots[2 * i] = slots[2 * f];
        r->product_slots[2 * i + 1] = slots[2 * f + 1];
    }
    return true;
}

/* Of a model that is not slotted: its trees are walked, a product at a time. */
static bool take_product_keys(shelf *s, const sotto_rank_shelf *from)
{
    sotto_ranking *r = s->r;
    size_t count = from->product_feature_count * from->products;
    r->product_keys = sotto_arena_array(s->arena, count, sizeof *r->product_keys);
    if (r->product_keys == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        r->product_keys[i] = from->product_keys[i];
    r->info.trees_walked = r->model->info.trees;
    return true;
}

static bool take_all(shelf *s, const sotto_rank_shelf *from)
{
    sotto_ranking *r = s->r;
    size_t trees = r->model->info.trees;
    uint32_t leaf_node[RANK_LEAVES_MAX];
    uint64_t below[NODES_OF_TREE_MAX];
    s->leaf_node = leaf_node;
    s->below = below;
    if (!take_product_features(s, from))
        return false;
    if (!r->model->slotted)
        return take_product_keys(s, from);
    s->work = sotto_arena_array(s->arena, r->padded, sizeof *s->work);
    r->walked = sotto_arena_array(s->arena, trees, sizeof *r->walked);
    r->trees = sotto_arena_array(s->arena, trees, sizeof *r->trees);
    if (s->work == NULL || r->walked == NULL || r->trees == NULL || !take_product_slots(s, from))
        return false;
    for (size_t t = 0; t < trees; t++)
        if (!take_tree(s, t))
            return false;
    if (!sort_trees(s))
        return false;
    end_groups(r);
    return sotto_rank_take_tests(s) && sotto_rank_take_rows(s);
}

static void describe(const shelf *s)
{
    sotto_ranking_info *info = &s->r->info;
    info->trees_constant = s->kind_count[0];
    info->trees_by_class = s->kind_count[1] + s->kind_count[2];
    info->trees_by_mask = s->kind_count[3];
}

sotto_status sotto_model_rank_prepare(const sotto_ranking **out, const sotto_model *m,
                                      const sotto_rank_shelf *from, sotto_arena *arena, sotto_diag *diag)
{
    size_t mark = sotto_arena_mark(arena);
    const rank_kernels *kernels = sotto_rank_kernels_of(from->path, from->products);
    shelf s = {.arena = arena};
    *out = NULL;
    if (kernels == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, UNSUPPORTED), "this CPU does not have that path");
    if (from->products > SOTTO_RANK_PRODUCTS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, RANGE), "%zu products to rank", from->products);
    s.r = sotto_arena_take(arena, sizeof *s.r);
    if (s.r != NULL) {
        s.r->model = m;
        s.r->kernels = kernels;
        s.r->info.products = from->products;
        s.r->padded = rank_pad(from->products);
    }
    if (s.r == NULL || !take_all(&s, from)) {
        sotto_arena_reset(arena, mark);
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, NO_SPACE), "no memory to rank %zu products",
                              from->products);
    }
    describe(&s);
    s.r->info.arena_bytes = sotto_arena_mark(arena) - mark;
    *out = s.r;
    return SOTTO_OK;
}
