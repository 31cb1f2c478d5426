/* A leaf is where the floats say: a traversal in float32, x < t, against the bins, on ties, neighbours,
 * infinities, -0 and missing values. */
#include "model_test.h"

#include <math.h>

static float float_of(int32_t key)
{
    uint32_t bits = sotto_fixed_float_bits(key);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* What XGBoost does at each node, in floats. */
static uint32_t walk_in_floats(const sotto_model *m, const float *x, size_t t)
{
    uint32_t at = m->trees[t].root;
    while (!is_leaf(m->nodes, at)) {
        const node *n = &m->nodes[at];
        size_t f = n->slot / 2;
        float threshold = float_of(m->thresholds[m->first_threshold[f] + n->bin]);
        bool left = isnan(x[f]) ? n->slot % 2 == 1 : x[f] < threshold;
        at = n->child + !left;
    }
    return at;
}

static void compare_row(const sotto_model *m, const float *x)
{
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    uint32_t leaves[SOTTO_MODEL_TREES_MAX];
    int64_t margin = m->info.bias_q24;
    for (size_t f = 0; f < m->info.features; f++) {
        uint32_t bits;
        memcpy(&bits, &x[f], sizeof bits);
        keys[f] = sotto_fixed_float_key(bits);
    }
    sotto_model_leaves(m, keys, leaves);
    for (size_t t = 0; t < m->info.trees; t++) {
        uint32_t at = walk_in_floats(m, x, t);
        uint32_t expected = m->source_ids != NULL ? m->source_ids[at] : at - m->trees[t].root;
        assert_int_equal(leaves[t], expected);
        margin += m->values[at];
    }
    assert_true(sotto_model_margin_q24(m, keys) == margin);
}

static float edge_value(const sotto_model *m, size_t feature, uint64_t *state)
{
    uint64_t r = next_random(state);
    if (r % 64 == 0)
        return -0.0F;
    if (r % 64 == 1)
        return nanf("");
    return float_of(random_key(m, feature, state));
}

static void compare_many(const char *name, size_t rows)
{
    test_model g = open_golden(name);
    float x[SOTTO_MODEL_FEATURES_MAX];
    uint64_t state = 20261121;
    for (size_t row = 0; row < rows; row++) {
        for (size_t f = 0; f < g.model->info.features; f++)
            x[f] = edge_value(g.model, f, &state);
        compare_row(g.model, x);
    }
    close_golden(&g);
}

static void leaves_of_a_trained_model_are_those_of_floats(void **state)
{
    (void)state;
    compare_many("golden.sotto", 3000);
}

static void leaves_of_wild_trees_are_those_of_floats(void **state)
{
    (void)state;
    compare_many("wild.sotto", 3000);
}

/* Every threshold of every feature, and its two neighbours, one feature at a time. */
static void every_threshold_and_its_neighbours(void **state)
{
    (void)state;
    test_model g = open_golden("wild.sotto");
    const sotto_model *m = g.model;
    float x[SOTTO_MODEL_FEATURES_MAX];
    for (size_t f = 0; f < m->info.features; f++)
        for (uint32_t i = m->first_threshold[f]; i < m->first_threshold[f + 1]; i++)
            for (int beside = -1; beside <= 1; beside++) {
                for (size_t k = 0; k < m->info.features; k++)
                    x[k] = nanf("");
                x[f] = float_of(m->thresholds[i] + beside);
                compare_row(m, x);
            }
    close_golden(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_of_a_trained_model_are_those_of_floats),
        cmocka_unit_test(leaves_of_wild_trees_are_those_of_floats),
        cmocka_unit_test(every_threshold_and_its_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
