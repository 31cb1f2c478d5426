/* From JSON Logic (the subset of docs/formats/policy.md) to steps. Types are checked against the dictionary
 * here, so that asking a rule compares integers of one unit and needs no checks. */
#include "decide_priv.h"

#include <string.h>

typedef struct compiling {
    const sotto_plan_loading *l;
    sotto_rule_step steps[SOTTO_DECIDE_RULE_COST_MAX];
    size_t count;
    size_t cost; /* steps, and one more for each entry of a list */
} compiling;

static const char *const COMPARES[] = {"==", "!=", "<", "<=", ">", ">="};

/* a < b is b > a. */
static const enum sotto_rule_compare MIRRORED[] = {SOTTO_COMPARE_EQ, SOTTO_COMPARE_NE, SOTTO_COMPARE_GT,
                                                   SOTTO_COMPARE_GE, SOTTO_COMPARE_LT, SOTTO_COMPARE_LE};

static sotto_status emit(compiling *c, sotto_json_node node, sotto_rule_step step)
{
    c->cost += step.op == SOTTO_RULE_IN ? step.other : 1;
    if (c->cost > SOTTO_DECIDE_RULE_COST_MAX || c->count == SOTTO_COUNT(c->steps))
        return sotto_json_bad(node, c->l->diag, SOTTO_ERR(DECIDE, RANGE), "the rule takes more than %d steps",
                              SOTTO_DECIDE_RULE_COST_MAX);
    c->steps[c->count++] = step;
    return SOTTO_OK;
}

static bool is_var(sotto_json_node node)
{
    return sotto_json_type(node) == SOTTO_JSON_OBJ && sotto_json_count(node) == 1 &&
           !sotto_decide_absent(sotto_json_member(node, "var"));
}

static const sotto_tag *tag_at(const compiling *c, uint16_t index)
{
    return sotto_dictionary_at(c->l->plan->dictionary, index);
}

/* {"var": "balance"} or {"var": ["balance"]}: a tag that marketing may use. */
static sotto_status read_var(const compiling *c, sotto_json_node node, uint16_t *out)
{
    sotto_json_node name = sotto_json_member(node, "var");
    if (sotto_json_type(name) == SOTTO_JSON_ARR && sotto_json_count(name) == 1)
        name = sotto_json_at(name, 0);
    sotto_span id;
    sotto_status status = sotto_json_as_str(name, &id, c->l->diag);
    if (status != SOTTO_OK)
        return status;
    int index = sotto_dictionary_find(c->l->plan->dictionary, id);
    if (index < 0)
        return sotto_json_bad(name, c->l->diag, SOTTO_ERR(DECIDE, NOT_FOUND),
                              "the dictionary has no tag '%.*s'", (int)(id.len < 64 ? id.len : 64),
                              (const char *)id.ptr);
    const sotto_tag *tag = tag_at(c, (uint16_t)index);
    if (tag->kind == SOTTO_TAG_TEXT)
        return sotto_json_bad(name, c->l->diag, SOTTO_ERR(DECIDE, UNSUPPORTED),
                              "tag '%s' is a text: rules cannot ask it", tag->id);
    if ((tag->purposes & SOTTO_PURPOSE_MARKETING) == 0)
        return sotto_json_bad(name, c->l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "tag '%s' is not for the purpose marketing", tag->id);
    *out = (uint16_t)index;
    return SOTTO_OK;
}

static sotto_status read_choice(const compiling *c, sotto_json_node node, const sotto_tag *tag, int64_t *out)
{
    sotto_span name;
    sotto_status status = sotto_json_as_str(node, &name, c->l->diag);
    if (status != SOTTO_OK)
        return status;
    *out = sotto_tag_choice_find(tag, name);
    return *out >= 0 ? SOTTO_OK
                     : sotto_json_bad(node, c->l->diag, SOTTO_ERR(DECIDE, NOT_FOUND),
                                      "tag '%s' has no choice '%.*s'", tag->id,
                                      (int)(name.len < 64 ? name.len : 64), (const char *)name.ptr);
}

/* A literal in the unit of the tag that it is compared with. */
static sotto_status read_literal(const compiling *c, sotto_json_node node, const sotto_tag *tag, int64_t *out)
{
    bool yes = false;
    sotto_status status;
    switch (tag->kind) {
    case SOTTO_TAG_FLAG:
        status = sotto_json_as_bool(node, &yes, c->l->diag);
        *out = yes;
        return status;
    case SOTTO_TAG_CHOICE:
        return read_choice(c, node, tag, out);
    case SOTTO_TAG_DATE:
        return sotto_decide_date(c->l, node, out);
    case SOTTO_TAG_COUNT:
    case SOTTO_TAG_AMOUNT:
    case SOTTO_TAG_TEXT: /* refused by read_var */
        break;
    }
    return sotto_json_as_decimal(node, tag->decimals, out, c->l->diag);
}

/* Two tags can be compared when their numbers are of one unit. */
static sotto_status check_pair(const compiling *c, sotto_json_node node, const sotto_tag *a,
                               const sotto_tag *b)
{
    bool numbers = a->kind == SOTTO_TAG_COUNT || a->kind == SOTTO_TAG_AMOUNT || a->kind == SOTTO_TAG_DATE;
    if (numbers && a->kind == b->kind && a->decimals == b->decimals)
        return SOTTO_OK;
    return sotto_json_bad(node, c->l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                          "tags '%s' and '%s' cannot be compared", a->id, b->id);
}

static sotto_status compare_pair(compiling *c, sotto_json_node node, enum sotto_rule_compare how,
                                 sotto_json_node left, sotto_json_node right)
{
    sotto_rule_step step = {.op = SOTTO_RULE_NUM};
    if (!is_var(left) && !is_var(right))
        return sotto_json_bad(node, c->l->diag, SOTTO_ERR(DECIDE, MALFORMED),
                              "one side of a comparison must be {\"var\": tag}");
    bool mirrored = !is_var(left);
    step.compare = (uint8_t)(mirrored ? MIRRORED[how] : how);
    sotto_status status = read_var(c, mirrored ? right : left, &step.tag);
    if (status != SOTTO_OK)
        return status;
    const sotto_tag *tag = tag_at(c, step.tag);
    bool ordered = tag->kind != SOTTO_TAG_FLAG && tag->kind != SOTTO_TAG_CHOICE;
    if (!ordered && how > SOTTO_COMPARE_NE)
        return sotto_json_bad(node, c->l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "tag '%s' has no order: only == and !=", tag->id);
    if (!mirrored && is_var(right)) {
        step.op = SOTTO_RULE_TAG;
        status = read_var(c, right, &step.other);
        if (status == SOTTO_OK)
            status = check_pair(c, node, tag, tag_at(c, step.other));
    } else {
        status = read_literal(c, mirrored ? left : right, tag, &step.with.num);
    }
    return status == SOTTO_OK ? emit(c, node, step) : status;
}

/* Two operands; JSON Logic gives < and <= a third, "between". */
static sotto_status compile_compare(compiling *c, sotto_json_node args, enum sotto_rule_compare how)
{
    bool between = how == SOTTO_COMPARE_LT || how == SOTTO_COMPARE_LE;
    sotto_status status = sotto_json_as_array(args, 2, between ? 3 : 2, c->l->diag);
    if (status == SOTTO_OK)
        status = compare_pair(c, args, how, sotto_json_at(args, 0), sotto_json_at(args, 1));
    if (status != SOTTO_OK || sotto_json_count(args) == 2)
        return status;
    status = compare_pair(c, args, how, sotto_json_at(args, 1), sotto_json_at(args, 2));
    return status == SOTTO_OK ? emit(c, args, (sotto_rule_step){.op = SOTTO_RULE_AND}) : status;
}

static sotto_status compile_in(compiling *c, sotto_json_node args)
{
    sotto_rule_step step = {.op = SOTTO_RULE_IN};
    sotto_json_node list = sotto_json_at(args, 1);
    sotto_status status = sotto_json_as_array(args, 2, 2, c->l->diag);
    if (status == SOTTO_OK && !is_var(sotto_json_at(args, 0)))
        return sotto_json_bad(args, c->l->diag, SOTTO_ERR(DECIDE, MALFORMED),
                              "\"in\" wants [{\"var\": tag}, [values]]");
    if (status == SOTTO_OK)
        status = read_var(c, sotto_json_at(args, 0), &step.tag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(list, 1, SOTTO_DECIDE_RULE_COST_MAX, c->l->diag);
    if (status != SOTTO_OK)
        return status;
    int64_t *values = sotto_arena_array(c->l->arena, sotto_json_count(list), sizeof *values);
    if (values == NULL)
        return sotto_decide_no_space(c->l, list);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++)
        status = read_literal(c, sotto_json_at(list, i), tag_at(c, step.tag), &values[i]);
    step.other = (uint16_t)sotto_json_count(list);
    step.with.list = values;
    return status == SOTTO_OK ? emit(c, args, step) : status;
}

/* {"within_days": [{"var": date}, n]}: the date is today or one of the n - 1 days before. at_least_days: n
 * days ago or longer. matures_in: today or one of the n days that follow. */
static const char *const DAY_OPERATORS[] = {"within_days", "at_least_days", "matures_in"};

static sotto_status compile_days(compiling *c, sotto_json_node args, size_t which)
{
    enum { DAYS_MAX = 36500 };
    sotto_rule_step step = {.op = SOTTO_RULE_DAYS};
    int64_t n = 0;
    sotto_status status = sotto_json_as_array(args, 2, 2, c->l->diag);
    if (status == SOTTO_OK && !is_var(sotto_json_at(args, 0)))
        return sotto_json_bad(args, c->l->diag, SOTTO_ERR(DECIDE, MALFORMED),
                              "\"%s\" wants [{\"var\": date}, days]", DAY_OPERATORS[which]);
    if (status == SOTTO_OK)
        status = read_var(c, sotto_json_at(args, 0), &step.tag);
    if (status == SOTTO_OK && tag_at(c, step.tag)->kind != SOTTO_TAG_DATE)
        return sotto_json_bad(args, c->l->diag, SOTTO_ERR(DECIDE, CONFLICT), "tag '%s' is no date",
                              tag_at(c, step.tag)->id);
    if (status == SOTTO_OK)
        status = sotto_json_as_i64(sotto_json_at(args, 1), which == 0 ? 1 : 0, DAYS_MAX, &n, c->l->diag);
    if (status != SOTTO_OK)
        return status;
    const int32_t from[] = {0, (int32_t)n, (int32_t)-n}, to[] = {(int32_t)n - 1, INT32_MAX, 0};
    step.with.days.from = from[which];
    step.with.days.to = to[which];
    return emit(c, args, step);
}

/* A flag alone: true when the customer has it set. */
static sotto_status compile_flag(compiling *c, sotto_json_node node)
{
    sotto_rule_step step = {.op = SOTTO_RULE_NUM, .compare = SOTTO_COMPARE_EQ, .with.num = 1};
    sotto_status status = read_var(c, node, &step.tag);
    if (status == SOTTO_OK && tag_at(c, step.tag)->kind != SOTTO_TAG_FLAG)
        return sotto_json_bad(node, c->l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "tag '%s' is no flag: compare it with something", tag_at(c, step.tag)->id);
    return status == SOTTO_OK ? emit(c, node, step) : status;
}

static sotto_status compile(compiling *c, sotto_json_node node, unsigned depth);

static sotto_status compile_all(compiling *c, sotto_json_node args, enum sotto_rule_op op, unsigned depth)
{
    sotto_status status = sotto_json_as_array(args, 1, SOTTO_DECIDE_RULE_COST_MAX, c->l->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(args); i++) {
        status = compile(c, sotto_json_at(args, i), depth);
        if (status == SOTTO_OK && i > 0)
            status = emit(c, args, (sotto_rule_step){.op = (uint8_t)op});
    }
    return status;
}

static sotto_status compile_not(compiling *c, sotto_json_node args, unsigned depth)
{
    sotto_status status = SOTTO_OK;
    if (sotto_json_type(args) == SOTTO_JSON_ARR) {
        status = sotto_json_as_array(args, 1, 1, c->l->diag);
        args = sotto_json_at(args, 0);
    }
    if (status == SOTTO_OK)
        status = compile(c, args, depth);
    return status == SOTTO_OK ? emit(c, args, (sotto_rule_step){.op = SOTTO_RULE_NOT}) : status;
}

static sotto_status compile_operator(compiling *c, sotto_json_node node, unsigned depth)
{
    sotto_span name;
    sotto_json_node args = sotto_json_member_at(node, 0, &name);
    for (size_t i = 0; i < SOTTO_COUNT(COMPARES); i++)
        if (sotto_span_is(name, COMPARES[i]))
            return compile_compare(c, args, (enum sotto_rule_compare)i);
    for (size_t i = 0; i < SOTTO_COUNT(DAY_OPERATORS); i++)
        if (sotto_span_is(name, DAY_OPERATORS[i]))
            return compile_days(c, args, i);
    if (sotto_span_is(name, "and"))
        return compile_all(c, args, SOTTO_RULE_AND, depth);
    if (sotto_span_is(name, "or"))
        return compile_all(c, args, SOTTO_RULE_OR, depth);
    if (sotto_span_is(name, "!"))
        return compile_not(c, args, depth);
    if (sotto_span_is(name, "in"))
        return compile_in(c, args);
    if (sotto_span_is(name, "var"))
        return compile_flag(c, node);
    return sotto_json_bad(
        node, c->l->diag, SOTTO_ERR(DECIDE, UNSUPPORTED),
        "'%.*s' is not among: and or ! == != < <= > >= in within_days at_least_days matures_in var",
        (int)(name.len < 32 ? name.len : 32), (const char *)name.ptr);
}

static sotto_status compile(compiling *c, sotto_json_node node, unsigned depth)
{
    bool yes = false;
    if (depth == SOTTO_DECIDE_RULE_DEPTH_MAX)
        return sotto_json_bad(node, c->l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "more than %d operators inside each other", SOTTO_DECIDE_RULE_DEPTH_MAX);
    if (sotto_json_type(node) == SOTTO_JSON_BOOL) {
        sotto_status status = sotto_json_as_bool(node, &yes, c->l->diag);
        return status == SOTTO_OK ? emit(c, node, (sotto_rule_step){.op = SOTTO_RULE_CONST, .with.num = yes})
                                  : status;
    }
    if (sotto_json_type(node) != SOTTO_JSON_OBJ || sotto_json_count(node) != 1)
        return sotto_json_bad(node, c->l->diag, SOTTO_ERR(DECIDE, MALFORMED),
                              "a rule is true, false or an object with one operator");
    return compile_operator(c, node, depth + 1);
}

sotto_status sotto_rule_compile(sotto_plan_loading *l, sotto_json_node node, sotto_rule *out)
{
    compiling c;
    c.l = l;
    c.count = c.cost = 0;
    sotto_status status = compile(&c, node, 0);
    if (status != SOTTO_OK)
        return status;
    l->plan->rule_cost += c.cost;
    if (l->plan->rule_cost > SOTTO_DECIDE_POLICY_COST_MAX)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "the policy's rules take more than %d steps together",
                              SOTTO_DECIDE_POLICY_COST_MAX);
    sotto_rule_step *steps = sotto_arena_array(l->arena, c.count, sizeof *steps);
    if (steps == NULL)
        return sotto_decide_no_space(l, node);
    memcpy(steps, c.steps, c.count * sizeof *steps);
    *out = (sotto_rule){.steps = steps, .count = c.count};
    return SOTTO_OK;
}
