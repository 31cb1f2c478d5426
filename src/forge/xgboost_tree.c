/* One tree of XGBoost's JSON: parallel arrays by node number (its doc/model.schema). The threshold of an
 * inner node and the value of a leaf both stand in "split_conditions". */
#include "forge_priv.h"

#include <math.h>

/* The arrays of one tree. All have as many elements as it has nodes. */
typedef struct arrays {
    sotto_json_node left, right, condition, feature, missing_left, cover;
    sotto_json_node type; /* absent in files of before categories */
    size_t feature_count;
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

static sotto_status get_split(const arrays *a, size_t i, forge_node *n, sotto_diag *diag)
{
    int64_t feature = 0, type = 0;
    float threshold = 0;
    sotto_status status =
        sotto_json_as_i64(sotto_json_at(a->feature, i), 0, (int64_t)a->feature_count - 1, &feature, diag);
    if (status == SOTTO_OK && a->type.val != NULL)
        status = sotto_json_as_i64(sotto_json_at(a->type, i), 0, 1, &type, diag);
    if (status == SOTTO_OK && type != 0)
        return sotto_json_bad(sotto_json_at(a->type, i), diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                              "a split by categories; only numeric splits can be compiled");
    if (status == SOTTO_OK)
        status = get_flag(sotto_json_at(a->missing_left, i), &n->missing_left, diag);
    if (status == SOTTO_OK)
        status = get_float(a->condition, i, &threshold, diag);
    n->feature = (uint32_t)feature;
    n->key = sotto_forge_float_key(threshold);
    return status;
}

static sotto_status get_node(const arrays *a, size_t i, int64_t count, forge_node *n, sotto_diag *diag)
{
    int64_t left = 0, right = 0;
    float cover = 0;
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
    return left == -1 ? get_float(a->condition, i, &n->leaf, diag) : get_split(a, i, n, diag);
}

sotto_status sotto_forge_xgboost_tree(sotto_json_node json, size_t feature_count, forge_tree *out,
                                      sotto_diag *diag)
{
    arrays a = {.left = sotto_json_member(json, "left_children"), .feature_count = feature_count};
    if (a.left.val == NULL)
        return sotto_json_bad(json, diag, SOTTO_ERR(FORGE, MALFORMED), "left_children is missing");
    sotto_status status = sotto_json_as_array(a.left, 1, FORGE_NODES_MAX, diag);
    size_t count = sotto_json_count(a.left);
    if (status == SOTTO_OK)
        status = get_arrays(json, count, &a, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_take_nodes(out, (uint32_t)count, diag);
    for (size_t i = 0; status == SOTTO_OK && i < count; i++)
        status = get_node(&a, i, (int64_t)count, &out->nodes[i], diag);
    return status;
}
