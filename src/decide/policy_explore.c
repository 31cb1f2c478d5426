/* Comparison groups and exploration of a policy: docs/formats/policy.md. */
#include "decide_priv.h"

enum { SALT_BYTES = 64, MILLION = 1000000, STRENGTH_MAX = 10000, GAMMA_MAX = 1000000 };

static sotto_status load_method(const sotto_plan_loading *l, sotto_json_node node,
                                enum sotto_explore_method *out)
{
    static const char *const NAMES[] = {"none", "uniform", "thompson", "squarecb"};
    sotto_json_node method;
    sotto_span name;
    sotto_status status = sotto_decide_required(l, node, "method", &method);
    if (status == SOTTO_OK)
        status = sotto_json_as_str(method, &name, l->diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++)
        if (sotto_span_is(name, NAMES[i])) {
            *out = (enum sotto_explore_method)i;
            return SOTTO_OK;
        }
    return sotto_json_bad(method, l->diag, SOTTO_ERR(DECIDE, UNSUPPORTED),
                          "one of none, uniform, thompson, squarecb");
}

/* Point i stands for the rates between (i/n)^3 and ((i+1)/n)^3, n = SOTTO_EXPLORE_POINTS: taken rates are
 * small, so the points lie closest near 0. (2i+1)^3 / (2n)^3 is its middle. */
static void take_points(sotto_exploration *e)
{
    const uint64_t whole = (uint64_t)2 * SOTTO_EXPLORE_POINTS, cube = whole * whole * whole;
    for (uint64_t i = 0; i < SOTTO_EXPLORE_POINTS; i++) {
        uint64_t up = 2 * i + 1, rate = up * up * up;
        e->ln_q24[i] = sotto_fixed_ln_q24(rate) - sotto_fixed_ln_q24(cube);
        e->ln_not_q24[i] = sotto_fixed_ln_q24(cube - rate) - sotto_fixed_ln_q24(cube);
    }
}

static sotto_status load_exploration(const sotto_plan_loading *l, sotto_json_node node)
{
    static const char *const MEMBERS[] = {"method", "share", "floor", "gamma", "prior", "strength"};
    /* Among so many candidates a floor this high leaves nothing to choose. */
    enum { FLOOR_MAX = MILLION / SOTTO_EXPLORE_MAX };
    sotto_exploration *e = &l->plan->explore;
    int64_t gamma = 0, strength = 0;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_method(l, node, &e->method);
    if (status == SOTTO_OK)
        status = sotto_decide_share(l, node, "share", MILLION, SOTTO_PROB_ONE_Q30 / 20, &e->share_q30);
    if (status == SOTTO_OK)
        status = sotto_decide_share(l, node, "floor", FLOOR_MAX, 0, &e->floor_q30);
    if (status == SOTTO_OK)
        status = sotto_decide_share(l, node, "prior", MILLION, SOTTO_PROB_ONE_Q30 / 50, &e->prior_q30);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "strength", 2, STRENGTH_MAX, 50, &strength);
    if (status == SOTTO_OK)
        status = sotto_decide_number(l, node, "gamma", 0, GAMMA_MAX, 100, &gamma);
    e->strength = (uint32_t)strength;
    e->gamma = (uint32_t)gamma;
    take_points(e);
    return status;
}

sotto_status sotto_policy_explore_load(const sotto_plan_loading *l, sotto_json_node root)
{
    sotto_json_node salt = sotto_json_member(root, "salt"), node = sotto_json_member(root, "exploration");
    l->plan->salt = "";
    sotto_status status = SOTTO_OK;
    if (!sotto_decide_absent(salt))
        status = sotto_decide_text(l, salt, SALT_BYTES, &l->plan->salt);
    if (status == SOTTO_OK)
        status = sotto_decide_share(l, root, "holdout", MILLION, 0, &l->plan->holdout_q30);
    if (status == SOTTO_OK && !sotto_decide_absent(node))
        status = load_exploration(l, node);
    return status;
}
