/* Asking a compiled rule. Bounded: each step once, no jumps. */
#include "decide_priv.h"

#include <assert.h>

static bool compare(enum sotto_rule_compare how, int64_t a, int64_t b)
{
    switch (how) {
    case SOTTO_COMPARE_EQ:
        return a == b;
    case SOTTO_COMPARE_NE:
        return a != b;
    case SOTTO_COMPARE_LT:
        return a < b;
    case SOTTO_COMPARE_LE:
        return a <= b;
    case SOTTO_COMPARE_GT:
        return a > b;
    case SOTTO_COMPARE_GE:
        return a >= b;
    }
    return false;
}

static bool is_in(const sotto_rule_step *step, int64_t num)
{
    for (size_t i = 0; i < step->other; i++)
        if (step->with.list[i] == num)
            return true;
    return false;
}

/* An absent tag makes every comparison false, also "!=": what is not known decides nothing. */
static bool ask_tag(const sotto_rule_step *step, const sotto_profile *profile, int32_t today)
{
    sotto_tag_value value, other;
    if (!sotto_profile_read(profile, step->tag, SOTTO_PURPOSE_MARKETING, today, &value))
        return false;
    if (step->op == SOTTO_RULE_IN)
        return is_in(step, value.num);
    if (step->op == SOTTO_RULE_DAYS)
        return today - value.num >= step->with.days.from && today - value.num <= step->with.days.to;
    if (step->op == SOTTO_RULE_NUM)
        return compare((enum sotto_rule_compare)step->compare, value.num, step->with.num);
    return sotto_profile_read(profile, step->other, SOTTO_PURPOSE_MARKETING, today, &other) &&
           compare((enum sotto_rule_compare)step->compare, value.num, other.num);
}

/* The stack is the bits of `stack`, top lowest: the compiler's depth limit keeps it far below 64. */
bool sotto_rule_holds(const sotto_rule *rule, const sotto_profile *profile, int32_t today)
{
    uint64_t stack = rule->count == 0;
    for (size_t i = 0; i < rule->count; i++) {
        const sotto_rule_step *step = &rule->steps[i];
        switch ((enum sotto_rule_op)step->op) {
        case SOTTO_RULE_CONST:
            stack = stack << 1 | (uint64_t)(step->with.num != 0);
            break;
        case SOTTO_RULE_NUM:
        case SOTTO_RULE_TAG:
        case SOTTO_RULE_IN:
        case SOTTO_RULE_DAYS:
            stack = stack << 1 | (uint64_t)ask_tag(step, profile, today);
            break;
        case SOTTO_RULE_NOT:
            stack ^= 1;
            break;
        case SOTTO_RULE_AND:
            stack = stack >> 1 & (stack | ~UINT64_C(1));
            break;
        case SOTTO_RULE_OR:
            stack = stack >> 1 | (stack & 1);
            break;
        }
    }
    assert(stack <= 1);
    return stack == 1;
}
