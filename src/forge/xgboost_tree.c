/* One tree of XGBoost's JSON: parallel arrays by node number (its doc/model.schema). The threshold of an
 * inner node and the value of a leaf both stand in "split_conditions". */
#include "forge_priv.h"

#include <math.h>

/* The arrays of one tree. All have as many elements as it has nodes. */
typedef struct arrays {
    sotto_json_node left, right, condition, feature, missing_left, cover;
    sotto_json_node type; /* absent in files of before categories */
    /* Sets of categories: of the k-th node that has one (set_node, ascending), size[k] from start[k] on. */
    sotto_json_node category, set_node, set_start, set_size;
    size_t sets_read;
    int64_t next; /* where the next set starts */
    forge_forest *forest;
    uint8_t *used;
} arrays;

static sotto_status get_array(sotto_json_node tree, const char *name, size_t count, sotto_json_node *out,
                              sotto_diag *diag)
{
    *out = sotto_json_member(tree, name);
    if (out->val == NULL)
        return sotto_json_bad(tree, diag, SOTTO_ERR(FORGE, MALFORMED), "%s is missing", name);
    return sotto_json_as_array(*out, count, count, diag);
}

static sotto_status get_arrays(sotto_json_node tree, size_t count, arrays *a, sotto_diag *diag)
{
    sotto_status status = get_array(tree, "right_children", count, &a->right, diag);
    if (status == SOTTO_OK)
        status = get_array(tree, "split_conditions", count, &a->condition, diag);
    if (status == SOTTO_OK)
        status = get_array(tree, "split_indices", count, &a->feature, diag);
    if (status == SOTTO_OK)
        status = get_array(tree, "default_left", count, &a->missing_left, diag);
    if (status == SOTTO_OK)
        status = get_array(tree, "sum_hessian", count, &a->cover, diag);
    a->type = sotto_json_member(tree, "split_type");
    if (status == SOTTO_OK && a->type.val != NULL)
        status = sotto_json_as_array(a->type, count, count, diag);
    return status;
}

/* All four or none. */
static sotto_status get_set_arrays(sotto_json_node tree, arrays *a, sotto_diag *diag)
{
    a->set_node = sotto_json_member(tree, "categories_nodes");
    if (a->set_node.val == NULL)
        return SOTTO_OK;
    a->category = sotto_json_member(tree, "categories");
    a->set_start = sotto_json_member(tree, "categories_segments");
    a->set_size = sotto_json_member(tree, "categories_sizes");
    size_t count = sotto_json_count(a->set_node);
    sotto_status status = sotto_json_as_array(a->set_node, 0, FORGE_NODES_MAX, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(a->set_start, count, count, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(a->set_size, count, count, diag);
    return status == SOTTO_OK ? sotto_json_as_array(a->category, 0, SIZE_MAX, diag) : status;
}

static sotto_status get_float(sotto_json_node array, size_t i, float *out, sotto_diag *diag)
{
    sotto_json_node value = sotto_json_at(array, i);
    sotto_span text;
    sotto_status status = sotto_json_as_number_text(value, &text, diag);
    if (status != SOTTO_OK)
        return status;
    if (!sotto_forge_parse_float(text, out))
        return sotto_json_bad(value, diag, SOTTO_ERR(FORGE, RANGE), "not a finite float32");
    return SOTTO_OK;
}

/* 0 and 1, or false and true before 1.5. */
static sotto_status get_flag(sotto_json_node value, bool *out, sotto_diag *diag)
{
    if (sotto_json_type(value) == SOTTO_JSON_BOOL)
        return sotto_json_as_bool(value, out, diag);
    int64_t v = 0;
    sotto_status status = sotto_json_as_i64(value, 0, 1, &v, diag);
    *out = v == 1;
    return status;
}

/* Categories [start, end) of the tree's list as bits. */
static sotto_status fill_set(const arrays *a, int64_t start, int64_t end, sotto_diag *diag)
{
    int64_t category = 0;
    sotto_status status = sotto_forge_new_set(&a->forest->sets, diag);
    for (int64_t k = start; status == SOTTO_OK && k < end; k++) {
        status = sotto_json_as_i64(sotto_json_at(a->category, (size_t)k), 0, FORGE_CATEGORY_END - 1,
                                   &category, diag);
        if (status == SOTTO_OK)
            status = sotto_forge_add_category(&a->forest->sets, (uint32_t)category, diag);
    }
    return status;
}

/* The next set, which must be node i's. The node goes left when its category is not in the set (XGBoost's
 * src/common/categorical.h). */
static sotto_status get_set(arrays *a, size_t i, forge_node *n, sotto_diag *diag)
{
    size_t k = a->sets_read++;
    int64_t node = -1, start = 0, size = 0, count = (int64_t)sotto_json_count(a->category);
    sotto_json_node at = sotto_json_at(a->set_node, k);
    if (at.val == NULL)
        return sotto_json_bad(a->type, diag, SOTTO_ERR(FORGE, MALFORMED), "node %zu has no categories", i);
    sotto_status status = sotto_json_as_i64(at, (int64_t)i, (int64_t)i, &node, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_i64(sotto_json_at(a->set_start, k), a->next, a->next, &start, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_i64(sotto_json_at(a->set_size, k), 1, count - start, &size, diag);
    a->next = start + size; /* sets stand one behind the other */
    if (status == SOTTO_OK)
        status = fill_set(a, start, start + size, diag);
    n->key = (int64_t)a->forest->sets.count - 1;
    return status;
}

static sotto_status get_threshold(const arrays *a, size_t i, forge_node *n, sotto_diag *diag)
{
    float threshold = 0;
    sotto_status status = get_float(a->condition, i, &threshold, diag);
    n->key = sotto_forge_float_key(threshold);
    return status;
}

static sotto_status get_split(arrays *a, size_t i, forge_node *n, sotto_diag *diag)
{
    int64_t feature = 0, type = 0;
    sotto_status status = sotto_json_as_i64(sotto_json_at(a->feature, i), 0,
                                            (int64_t)a->forest->feature_count - 1, &feature, diag);
    if (status == SOTTO_OK && a->type.val != NULL)
        status = sotto_json_as_i64(sotto_json_at(a->type, i), 0, 1, &type, diag);
    if (status == SOTTO_OK)
        status = get_flag(sotto_json_at(a->missing_left, i), &n->missing_left, diag);
    if (status != SOTTO_OK)
        return status;
    n->feature = (uint32_t)feature;
    if (!sotto_forge_use_feature(a->forest, n->feature,
                                 type == 1 ? SOTTO_FEATURE_CATEGORY : SOTTO_FEATURE_NUMBER, a->used))
        return sotto_json_bad(sotto_json_at(a->feature, i), diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                              "feature %s is split by number here, and by categories elsewhere",
                              a->forest->features[feature].name);
    return type == 1 ? get_set(a, i, n, diag) : get_threshold(a, i, n, diag);
}

static sotto_status get_node(arrays *a, size_t i, int64_t count, forge_node *n, sotto_diag *diag)
{
    int64_t left = 0, right = 0;
    float cover = 0, leaf = 0;
    sotto_status status = sotto_json_as_i64(sotto_json_at(a->left, i), -1, count - 1, &left, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_i64(sotto_json_at(a->right, i), -1, count - 1, &right, diag);
    if (status == SOTTO_OK)
        status = get_float(a->cover, i, &cover, diag);
    if (status != SOTTO_OK)
        return status;
    if ((left == -1) != (right == -1))
        return sotto_json_bad(sotto_json_at(a->left, i), diag, SOTTO_ERR(FORGE, MALFORMED),
                              "a node with one child");
    if (cover < 0)
        return sotto_json_bad(sotto_json_at(a->cover, i), diag, SOTTO_ERR(FORGE, RANGE), "a negative cover");
    n->left = (int32_t)left;
    n->right = (int32_t)right;
    n->cover = (double)cover;
    n->number = (uint32_t)i;
    if (left != -1)
        return get_split(a, i, n, diag);
    status = get_float(a->condition, i, &leaf, diag);
    n->leaf = (double)leaf;
    return status;
}

sotto_status sotto_forge_xgboost_tree(sotto_json_node json, forge_forest *forest, uint8_t *used,
                                      forge_tree *out, sotto_diag *diag)
{
    arrays a = {.left = sotto_json_member(json, "left_children"), .forest = forest, .used = used};
    if (a.left.val == NULL)
        return sotto_json_bad(json, diag, SOTTO_ERR(FORGE, MALFORMED), "left_children is missing");
    sotto_status status = sotto_json_as_array(a.left, 1, FORGE_NODES_MAX, diag);
    size_t count = sotto_json_count(a.left);
    if (status == SOTTO_OK)
        status = get_arrays(json, count, &a, diag);
    if (status == SOTTO_OK)
        status = get_set_arrays(json, &a, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_take_nodes(out, (uint32_t)count, diag);
    for (size_t i = 0; status == SOTTO_OK && i < count; i++)
        status = get_node(&a, i, (int64_t)count, &out->nodes[i], diag);
    if (status == SOTTO_OK && a.sets_read != sotto_json_count(a.set_node))
        status = sotto_json_bad(a.set_node, diag, SOTTO_ERR(FORGE, MALFORMED),
                                "categories of a node that is not split by them");
    return status;
}
