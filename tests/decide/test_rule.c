#include "decide_test.h"

static fixture f;

static sotto_status compile_rule(const char *json, sotto_rule *rule)
{
    sotto_json *doc;
    memset(&f.diag, 0, sizeof f.diag);
    sotto_plan *plan = sotto_arena_take(&f.arena, sizeof *plan);
    plan->dictionary = f.dictionary;
    sotto_plan_loading l = {.plan = plan, .arena = &f.arena, .diag = &f.diag};
    assert_int_equal(sotto_json_parse(&doc, sotto_span_str(json), "rule.json", &f.diag), SOTTO_OK);
    sotto_status status = sotto_rule_compile(&l, sotto_json_root(doc), rule);
    sotto_json_free(doc);
    return status;
}

typedef struct rule_case {
    const char *json;
    bool holds;
} rule_case;

#define VAR(id) "{\"var\":\"" id "\"}"

/* age 41, balance 1234.50, savings 1234.50, segment old, has_card yes, joined 2001-02-03; left, visits
 * absent. */
static const rule_case CASES[] = {
    {"true", true},
    {"false", false},
    {"{\"==\":[" VAR("age") ",41]}", true},
    {"{\"==\":[41," VAR("age") "]}", true},
    {"{\"==\":[" VAR("age") ",40]}", false},
    {"{\"!=\":[" VAR("age") ",40]}", true},
    {"{\"!=\":[" VAR("age") ",41]}", false},
    {"{\"<\":[" VAR("age") ",41]}", false},
    {"{\"<\":[" VAR("age") ",42]}", true},
    {"{\"<=\":[" VAR("age") ",41]}", true},
    {"{\"<=\":[" VAR("age") ",40]}", false},
    {"{\">\":[" VAR("age") ",40]}", true},
    {"{\">\":[" VAR("age") ",41]}", false},
    {"{\">=\":[" VAR("age") ",41]}", true},
    {"{\">=\":[" VAR("age") ",42]}", false},
    {"{\"<\":[40," VAR("age") "]}", true},
    {"{\">\":[40," VAR("age") "]}", false},
    {"{\"<=\":[42," VAR("age") "]}", false},
    {"{\">=\":[41," VAR("age") "]}", true},
    {"{\"<\":[40," VAR("age") ",42]}", true},
    {"{\"<\":[41," VAR("age") ",42]}", false},
    {"{\"<=\":[41," VAR("age") ",41]}", true},
    {"{\"==\":[" VAR("balance") ",1234.5]}", true},
    {"{\"==\":[" VAR("balance") ",1234.50]}", true},
    {"{\">\":[" VAR("balance") ",1234.49]}", true},
    {"{\"==\":[" VAR("balance") "," VAR("savings") "]}", true},
    {"{\"<\":[" VAR("balance") "," VAR("savings") "]}", false},
    {"{\"==\":[" VAR("segment") ",\"old\"]}", true},
    {"{\"!=\":[" VAR("segment") ",\"old\"]}", false},
    {"{\"in\":[" VAR("segment") ",[\"young\",\"old\"]]}", true},
    {"{\"in\":[" VAR("segment") ",[\"young\",\"mid\"]]}", false},
    {"{\"in\":[" VAR("age") ",[1,2,41]]}", true},
    {VAR("has_card"), true},
    {"{\"var\":[\"has_card\"]}", true},
    {"{\"!\":" VAR("has_card") "}", false},
    {"{\"!\":[" VAR("has_card") "]}", false},
    {"{\"==\":[" VAR("has_card") ",true]}", true},
    {"{\"==\":[" VAR("has_card") ",false]}", false},
    {"{\"<\":[" VAR("joined") ",\"2001-02-04\"]}", true},
    {"{\"<\":[" VAR("joined") ",\"2001-02-03\"]}", false},
    /* absent tags: every comparison is false, so its "not" is true */
    {"{\"==\":[" VAR("visits") ",0]}", false},
    {"{\"!=\":[" VAR("visits") ",0]}", false},
    {"{\"in\":[" VAR("visits") ",[0]]}", false},
    {"{\"!\":{\"==\":[" VAR("visits") ",0]}}", true},
    {"{\"<\":[" VAR("joined") "," VAR("left") "]}", false},
    {"{\">=\":[" VAR("left") "," VAR("joined") "]}", false},
    {"{\"and\":[true]}", true},
    {"{\"and\":[true,true,true]}", true},
    {"{\"and\":[true,false,true]}", false},
    {"{\"and\":[false,true,true]}", false},
    {"{\"or\":[false,false]}", false},
    {"{\"or\":[false,true]}", true},
    {"{\"or\":[true,false,false]}", true},
    {"{\"and\":[{\"or\":[false,true]},{\"!\":{\"and\":[true,false]}}]}", true},
    {"{\"or\":[{\"and\":[true,false]},{\"!\":true},{\"and\":[" VAR("has_card") ",{\">\":[" VAR(
         "age") ",18]}]}]}",
     true},
};

static void test_what_holds(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    set_tag(&f, "age", "41");
    set_tag(&f, "balance", "1234.50");
    set_tag(&f, "savings", "1234.50");
    set_tag(&f, "segment", "old");
    set_tag(&f, "has_card", "1");
    set_tag(&f, "joined", "2001-02-03");
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_rule rule;
        if (compile_rule(CASES[i].json, &rule) != SOTTO_OK)
            fail_msg("%s: %s", CASES[i].json, f.diag.text);
        if (sotto_rule_holds(&rule, &f.profile, TODAY) != CASES[i].holds)
            fail_msg("%s", CASES[i].json);
    }
}

typedef struct bad_rule {
    const char *json;
    enum sotto_cause cause;
    uint64_t line;
    const char *where;
} bad_rule;

static const bad_rule BAD[] = {
    {"1", SOTTO_CAUSE_MALFORMED, 1, "rule.json"},
    {"\"age\"", SOTTO_CAUSE_MALFORMED, 1, "rule.json"},
    {"{}", SOTTO_CAUSE_MALFORMED, 1, "rule.json"},
    {"{\"and\":[true],\"or\":[true]}", SOTTO_CAUSE_MALFORMED, 1, "rule.json"},
    {"{\"and\":[]}", SOTTO_CAUSE_RANGE, 1, "and"},
    {"{\"and\":true}", SOTTO_CAUSE_MALFORMED, 1, "and"},
    {"{\"and\":[true,\n{\"xor\":[true,\ntrue]}]}", SOTTO_CAUSE_UNSUPPORTED, 2, "and[1]"},
    {"{\"!\":[true,true]}", SOTTO_CAUSE_RANGE, 1, "!"},
    {"{\"==\":[" VAR("age") "]}", SOTTO_CAUSE_RANGE, 1, "=="},
    {"{\"==\":[" VAR("age") ",1,2]}", SOTTO_CAUSE_RANGE, 1, "=="},
    {"{\"==\":[1,2]}", SOTTO_CAUSE_MALFORMED, 1, "=="},
    {"{\"==\":[\n" VAR("shoe") ",\n1]}", SOTTO_CAUSE_NOT_FOUND, 2, "==[0].var"},
    {"{\"==\":[\n" VAR("age") ",\n1.5]}", SOTTO_CAUSE_RANGE, 3, "==[1]"},
    {"{\"==\":[\n" VAR("age") ",\n\"1\"]}", SOTTO_CAUSE_MALFORMED, 3, "==[1]"},
    {"{\"==\":[" VAR("balance") ",1.505]}", SOTTO_CAUSE_RANGE, 1, "==[1]"},
    {"{\"==\":[" VAR("segment") ",\"ancient\"]}", SOTTO_CAUSE_NOT_FOUND, 1, "==[1]"},
    {"{\"==\":[" VAR("segment") ",2]}", SOTTO_CAUSE_MALFORMED, 1, "==[1]"},
    {"{\"<\":[" VAR("segment") ",\"old\"]}", SOTTO_CAUSE_CONFLICT, 1, "<"},
    {"{\"==\":[" VAR("has_card") ",1]}", SOTTO_CAUSE_MALFORMED, 1, "==[1]"},
    {"{\">\":[" VAR("has_card") ",false]}", SOTTO_CAUSE_CONFLICT, 1, ">"},
    {"{\"<\":[" VAR("joined") ",\"2001-02-30\"]}", SOTTO_CAUSE_MALFORMED, 1, "<[1]"},
    {"{\"<\":[" VAR("joined") ",20000]}", SOTTO_CAUSE_MALFORMED, 1, "<[1]"},
    {"{\"<\":[" VAR("age") "," VAR("balance") "]}", SOTTO_CAUSE_CONFLICT, 1, "<"},
    {"{\"==\":[" VAR("segment") "," VAR("segment") "]}", SOTTO_CAUSE_CONFLICT, 1, "=="},
    {"{\"==\":[" VAR("nickname") ",\"x\"]}", SOTTO_CAUSE_UNSUPPORTED, 1, "==[0].var"},
    {"{\">\":[" VAR("risk_grade") ",2]}", SOTTO_CAUSE_CONFLICT, 1, ">[0].var"},
    {VAR("age"), SOTTO_CAUSE_CONFLICT, 1, "rule.json"},
    {"{\"var\":[\"age\",0]}", SOTTO_CAUSE_MALFORMED, 1, "var"},
    {"{\"in\":[" VAR("age") ",[]]}", SOTTO_CAUSE_RANGE, 1, "in[1]"},
    {"{\"in\":[1,[1]]}", SOTTO_CAUSE_MALFORMED, 1, "in"},
    {"{\"in\":[" VAR("segment") ",[\"old\",\n\"odd\"]]}", SOTTO_CAUSE_NOT_FOUND, 2, "in[1][1]"},
};

static void test_what_is_refused(void **state)
{
    (void)state;
    fixture_open(&f, 0);
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        sotto_rule rule;
        sotto_status status = compile_rule(BAD[i].json, &rule);
        if (sotto_status_cause(status) != (int)BAD[i].cause || f.diag.line != BAD[i].line ||
            !ends_with(f.diag.where, BAD[i].where))
            fail_msg("%s: cause %d, '%s' line %d: %s", BAD[i].json, sotto_status_cause(status), f.diag.where,
                     (int)f.diag.line, f.diag.text);
    }
}

static void repeat(char *out, const char *open, size_t n, const char *middle, const char *close)
{
    *out = '\0';
    for (size_t i = 0; i < n; i++)
        strcat(out, open);
    strcat(out, middle);
    for (size_t i = 0; i < n; i++)
        strcat(out, close);
}

static void test_deep_rules(void **state)
{
    (void)state;
    char json[1024];
    sotto_rule rule;
    fixture_open(&f, 0);
    repeat(json, "{\"!\":", SOTTO_DECIDE_RULE_DEPTH_MAX - 1, "true", "}");
    assert_int_equal(compile_rule(json, &rule), SOTTO_OK);
    assert_false(sotto_rule_holds(&rule, &f.profile, TODAY)); /* 15 times not */
    repeat(json, "{\"!\":", SOTTO_DECIDE_RULE_DEPTH_MAX, "true", "}");
    assert_int_equal(sotto_status_cause(compile_rule(json, &rule)), SOTTO_CAUSE_RANGE);
    /* The deepest stack that fits: each level holds one finished operand while it works on the next. */
    repeat(json, "{\"and\":[true,", SOTTO_DECIDE_RULE_DEPTH_MAX - 1, "true", "]}");
    assert_int_equal(compile_rule(json, &rule), SOTTO_OK);
    assert_true(sotto_rule_holds(&rule, &f.profile, TODAY));
}

static void test_slow_rules(void **state)
{
    (void)state;
    static char json[8192];
    sotto_rule rule;
    fixture_open(&f, 0);
    strcpy(json, "{\"or\":[");
    for (size_t i = 0; i < SOTTO_DECIDE_RULE_COST_MAX / 2; i++) /* n operands and n - 1 steps to join them */
        strcat(json, i == 0 ? "false" : ",false");
    char *end = json + strlen(json);
    strcpy(end, "]}");
    assert_int_equal(compile_rule(json, &rule), SOTTO_OK);
    strcpy(end, ",false]}");
    assert_int_equal(sotto_status_cause(compile_rule(json, &rule)), SOTTO_CAUSE_RANGE);
    strcpy(json, "{\"in\":[" VAR("age") ",[");
    for (size_t i = 0; i < SOTTO_DECIDE_RULE_COST_MAX; i++)
        strcat(json, i == 0 ? "7" : ",7");
    end = json + strlen(json);
    strcpy(end, "]]}");
    assert_int_equal(compile_rule(json, &rule), SOTTO_OK);
    strcpy(end, ",7]]}");
    assert_int_equal(sotto_status_cause(compile_rule(json, &rule)), SOTTO_CAUSE_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_holds),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_deep_rules),
        cmocka_unit_test(test_slow_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
