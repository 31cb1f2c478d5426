/* Variety of one answer: docs/formats/policy.md, "Diversity".
 *
 * Maximal marginal relevance (Carbonell, Goldstein, "The use of MMR, diversity-based reranking for reordering
 * documents and producing summaries", SIGIR 1998): each place goes to the offer that is best when its
 * likeness to those already placed is held against it. There both stand on one scale and are subtracted; a
 * score here is an amount of money, so likeness takes a part of the offer's own. */
#include "decide_priv.h"

#include <string.h>

sotto_status sotto_policy_diversity_load(const sotto_plan_loading *l, sotto_json_node root)
{
    static const char *const MEMBERS[] = {"weight", "same_category"};
    enum { ALL_PPM = 1000000 };
    sotto_json_node weight, node = sotto_json_member(root, "diversity");
    l->plan->diversity_q30 = 0;
    if (sotto_decide_absent(node))
        return SOTTO_OK;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = sotto_decide_required(l, node, "weight", &weight);
    if (status == SOTTO_OK)
        status = sotto_decide_share(l, node, "weight", ALL_PPM, 0, &l->plan->diversity_q30);
    return status == SOTTO_OK ? sotto_decide_share(l, node, "same_category", ALL_PPM, SOTTO_PROB_ONE_Q30 / 2,
                                                   &l->plan->alike_q30)
                              : status;
}

/* Two offers of one product are alike, two of one category as much as the policy says, others not at all. */
static uint32_t likeness_q30(const sotto_plan *plan, const sotto_candidate *a, const sotto_candidate *b)
{
    size_t one = plan->terms[a->campaign].product, other = plan->terms[b->campaign].product;
    if (one == other)
        return SOTTO_PROB_ONE_Q30;
    const char *category = plan->products[one].category;
    bool same = category[0] != '\0' && strcmp(category, plan->products[other].category) == 0;
    return same ? plan->alike_q30 : 0;
}

/* What is left: 1 - floor(weight x likeness), to 16 bits; the most alike of those placed decides. */
void sotto_diversify(const sotto_plan *plan, const sotto_candidate *chosen, sotto_candidate *c, size_t count)
{
    if (plan->diversity_q30 == 0 || chosen->notice)
        return;
    for (size_t i = 0; i < count; i++) {
        uint64_t taken_q60 = (uint64_t)plan->diversity_q30 * likeness_q30(plan, chosen, &c[i]);
        uint32_t left_q16 = SOTTO_ITEMS_FACTOR_ONE_Q16 - (uint32_t)(taken_q60 >> 44);
        if (c[i].notice || left_q16 >= c[i].variety_q16)
            continue;
        c[i].variety_q16 = left_q16;
        c[i].alike = chosen->campaign;
        c[i].placed = sotto_rank_multiply(c[i].score, left_q16);
    }
}
