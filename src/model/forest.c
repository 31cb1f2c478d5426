/* Loading the trees: after this no score needs a check. docs/formats/model.md sections 5 to 8. */
#include "model_priv.h"

static const uint64_t REASONS_MAX = UINT64_C(3) << 60;

static sotto_status check_leaf(const loader *l, const node *n)
{
    if (n->slot != 0 || n->bin != LEAF_BIN)
        return sotto_model_bad(l, n, SOTTO_ERR(MODEL, MALFORMED), "a leaf with a test");
    return SOTTO_OK;
}

/* next: where breadth-first order puts the children. That order alone makes it a tree: each node has one
 * parent, before it. */
static sotto_status check_inner(const loader *l, const node *n, uint32_t next, uint32_t end)
{
    size_t feature = n->slot / 2u;
    if (feature >= l->model->info.features)
        return sotto_model_bad(l, n, SOTTO_ERR(MODEL, RANGE), "a node tests feature %zu", feature);
    if (n->bin >= l->model->features[feature].bins)
        return sotto_model_bad(l, &n->bin, SOTTO_ERR(MODEL, RANGE), "a node's threshold is not there");
    if (n->child != next || end - next < 2)
        return sotto_model_bad(l, &n->child, SOTTO_ERR(MODEL, MALFORMED),
                               "a node's children are not where they must be");
    return SOTTO_OK;
}

/* Nodes [root, end): structure, leaves and true depth. */
static sotto_status check_tree(loader *l, const node *nodes, uint32_t root, uint32_t end, uint32_t *depth)
{
    uint32_t next = root + 1, level_end = root + 1;
    *depth = 0;
    for (uint32_t i = root; i < end; i++) {
        if (i == level_end) { /* the first node of the next level */
            (*depth)++;
            level_end = next;
        }
        bool leaf = is_leaf(nodes, i);
        sotto_status status = leaf ? check_leaf(l, &nodes[i]) : check_inner(l, &nodes[i], next, end);
        if (status != SOTTO_OK)
            return status;
        l->model->info.leaves += leaf;
        next += leaf ? 0 : 2;
        if (i + 1 == next && next != end)
            return sotto_model_bad(l, &nodes[i], SOTTO_ERR(MODEL, MALFORMED),
                                   "a node that no other leads to");
    }
    if (next != end)
        return sotto_model_bad(l, &nodes[root], SOTTO_ERR(MODEL, MALFORMED), "a tree ends too early");
    return SOTTO_OK;
}

static sotto_status check_tree_entry(loader *l, const tree *t, uint32_t end)
{
    uint32_t depth = 0;
    const node *nodes = (const node *)(const void *)l->section[SECTION_NODE].ptr;
    if (t->root >= end || end > l->model->info.nodes)
        return sotto_model_bad(l, t, SOTTO_ERR(MODEL, MALFORMED), "trees do not follow each other");
    if (t->depth > DEPTH_MAX)
        return sotto_model_bad(l, &t->depth, SOTTO_ERR(MODEL, RANGE), "a tree of depth %u",
                               (unsigned)t->depth);
    if (t->output >= l->model->parts)
        return sotto_model_bad(l, &t->output, SOTTO_ERR(MODEL, RANGE), "a tree adds to output %u",
                               (unsigned)t->output);
    sotto_status status = check_tree(l, nodes, t->root, end, &depth);
    if (status != SOTTO_OK)
        return status;
    if (depth != t->depth)
        return sotto_model_bad(l, &t->depth, SOTTO_ERR(MODEL, MALFORMED), "a tree is of depth %u",
                               (unsigned)depth);
    l->model->info.steps_max += depth;
    if (depth > l->model->info.depth)
        l->model->info.depth = depth;
    return SOTTO_OK;
}

static sotto_status check_trees(loader *l)
{
    const tree *trees = (const tree *)(const void *)l->section[SECTION_TREE].ptr;
    size_t n = l->model->info.trees;
    if (n == 0)
        return l->model->info.nodes == 0 ? SOTTO_OK
                                         : sotto_model_bad(l, l->section[SECTION_NODE].ptr,
                                                           SOTTO_ERR(MODEL, MALFORMED), "nodes of no tree");
    if (trees[0].root != 0)
        return sotto_model_bad(l, trees, SOTTO_ERR(MODEL, MALFORMED),
                               "the first tree does not start at node 0");
    for (size_t i = 0; i < n; i++) {
        uint32_t end = i + 1 < n ? trees[i + 1].root : (uint32_t)l->model->info.nodes;
        sotto_status status = check_tree_entry(l, &trees[i], end);
        if (status != SOTTO_OK)
            return status;
    }
    return SOTTO_OK;
}

static sotto_status check_per_node(const loader *l, enum section section)
{
    sotto_span s = l->section[section];
    if (s.len != l->model->info.nodes * sizeof(int32_t))
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED), "not one value a node: %zu bytes",
                               s.len);
    return SOTTO_OK;
}

static void sum_expected(sotto_model *m)
{
    m->expected_q24 = m->info.bias_q24;
    for (size_t i = 0; i < m->info.trees; i++)
        if (m->trees[i].output == 0)
            m->expected_q24 += (int64_t)m->values[m->trees[i].root] * (INT64_C(1) << m->shift);
}

/* A feature's reason is a sum of some steps' changes. Among n steps whose values lie within `range` of each
 * other, the rising ones add up to at most range x (n + 1) / 2, and so do the falling ones. With 1,024 terms
 * (2^62 in all), trees (2^59) and bias (2^56) every sum of some reasons, and that with the bias, then stays
 * within 2^63. */
static sotto_status check_reasons(const loader *l)
{
    const sotto_model *m = l->model;
    uint64_t sum = 0; /* at most 4,096 trees x 2^32 x 2^8 */
    for (size_t t = 0; t < m->info.trees; t++) {
        uint32_t end = t + 1 < m->info.trees ? m->trees[t + 1].root : (uint32_t)m->info.nodes;
        int64_t least = INT32_MAX, most = INT32_MIN;
        for (uint32_t i = m->trees[t].root; i < end; i++) {
            least = m->values[i] < least ? m->values[i] : least;
            most = m->values[i] > most ? m->values[i] : most;
        }
        sum += (uint64_t)(most - least) * ((m->trees[t].depth + 1u) / 2);
        if (sum >= REASONS_MAX >> m->shift)
            return sotto_model_bad(l, &m->trees[t], SOTTO_ERR(MODEL, RANGE),
                                   "values so far apart that reasons would not fit 64 bits");
    }
    return SOTTO_OK;
}

sotto_status sotto_model_read_forest(loader *l)
{
    sotto_model *m = l->model;
    sotto_status status = check_per_node(l, SECTION_VALU);
    if (status == SOTTO_OK && l->section[SECTION_SRCN].ptr != NULL)
        status = check_per_node(l, SECTION_SRCN);
    if (status == SOTTO_OK)
        status = check_trees(l);
    if (status != SOTTO_OK)
        return status;
    m->trees = (const tree *)(const void *)l->section[SECTION_TREE].ptr;
    m->nodes = (const node *)(const void *)l->section[SECTION_NODE].ptr;
    m->values = (const int32_t *)(const void *)l->section[SECTION_VALU].ptr;
    m->source_ids = (const uint32_t *)(const void *)l->section[SECTION_SRCN].ptr;
    sum_expected(m);
    return check_reasons(l);
}
