/* Recipe files: what is taken, and what is refused with place and words. */
#include "random_forest.h"

static const char DICTIONARY[] =
    "{\"version\": 1, \"tags\": ["
    "{\"number\": 1, \"id\": \"age\", \"kind\": \"count\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 2, \"id\": \"job\", \"kind\": \"choice\", \"purpose\": [\"marketing\"], \"choices\": "
    "[\"a\", \"b\"]},"
    "{\"number\": 3, \"id\": \"since\", \"kind\": \"date\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 4, \"id\": \"consent\", \"kind\": \"flag\", \"purpose\": [\"service\"]},"
    "{\"number\": 5, \"id\": \"note\", \"kind\": \"text\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 6, \"id\": \"balance\", \"kind\": \"amount\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 300, \"id\": \"average\", \"kind\": \"amount\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 8, \"id\": \"mills\", \"kind\": \"amount\", \"decimals\": 3, \"purpose\": "
    "[\"marketing\"]},"
    "{\"number\": 9, \"id\": \"secret\", \"kind\": \"amount\", \"purpose\": [\"service\"]}]}";

static sotto_status load(const char *features, sotto_recipe *out, sotto_diag *diag)
{
    static uint8_t memory[1 << 16];
    char text[2048];
    sotto_arena arena;
    sotto_dictionary *dictionary = NULL;
    sotto_arena_init(&arena, memory, sizeof memory);
    assert_int_equal(
        sotto_dictionary_load(&dictionary, sotto_span_str(DICTIONARY), "dictionary.json", &arena, NULL),
        SOTTO_OK);
    snprintf(text, sizeof text, "{\"format\": \"sotto-recipe-1\", \"features\": [%s]}", features);
    size_t mark = sotto_arena_mark(&arena);
    sotto_status status =
        sotto_recipe_load(out, sotto_span_str(text), "recipe.json", dictionary, &arena, diag);
    if (status != SOTTO_OK)
        assert_int_equal(sotto_arena_mark(&arena), mark);
    return status;
}

static void every_kind_of_feature_is_read(void **state)
{
    (void)state;
    sotto_recipe r;
    assert_int_equal(load("{\"name\": \"age\", \"tag\": \"age\"},"
                          "{\"name\": \"job\", \"tag\": \"job\", \"as\": \"code\"},"
                          "{\"name\": \"is b\", \"tag\": \"job\", \"as\": \"is\", \"choice\": \"b\"},"
                          "{\"name\": \"tenure\", \"tag\": \"since\", \"as\": \"age_days\"},"
                          "{\"name\": \"rate\", \"product\": \"rate\"},"
                          "{\"name\": \"day\", \"time\": \"weekday\"},"
                          "{\"name\": \"rise\", \"tag\": \"balance\", \"as\": \"change\", \"against\": "
                          "\"average\"}",
                          &r, NULL),
                     SOTTO_OK);
    assert_int_equal(r.count, 7);
    assert_int_equal(r.features[0].source, SOTTO_SOURCE_TAG);
    assert_int_equal(r.features[0].tag_number, 1);
    assert_int_equal(r.features[1].transform, SOTTO_TRANSFORM_CODE);
    assert_int_equal(r.features[2].transform, SOTTO_TRANSFORM_IS);
    assert_int_equal(r.features[2].argument, 1);
    assert_string_equal(r.features[2].name, "is b");
    assert_int_equal(r.features[3].transform, SOTTO_TRANSFORM_AGE_DAYS);
    assert_int_equal(r.features[4].source, SOTTO_SOURCE_PRODUCT);
    assert_string_equal(r.features[4].attribute, "rate");
    assert_int_equal(r.features[5].source, SOTTO_SOURCE_TIME);
    assert_string_equal(r.features[5].attribute, "weekday");
    assert_int_equal(r.features[6].transform, SOTTO_TRANSFORM_CHANGE);
    assert_int_equal(r.features[6].tag_number, 6);
    assert_int_equal(r.features[6].argument, 300);
    assert_true(sotto_feature_reads(&r.features[6], 6) && sotto_feature_reads(&r.features[6], 300));
    assert_false(sotto_feature_reads(&r.features[6], 1) || sotto_feature_reads(&r.features[0], 6));
    assert_false(sotto_feature_reads(&r.features[2], 1)); /* its argument is a choice */
}

static const struct {
    const char *features;
    sotto_status expected;
    const char *where, *says;
} FAULTS[] = {
    {"", SOTTO_ERR(CODEC, RANGE), "features", ""},
    {"{\"tag\": \"age\"}", SOTTO_ERR(FORGE, MALFORMED), "features[0]", "name"},
    {"{\"name\": \"\", \"tag\": \"age\"}", SOTTO_ERR(FORGE, RANGE), "features[0].name", ""},
    {"{\"name\": \"a\"}", SOTTO_ERR(FORGE, MALFORMED), "features[0]", "exactly one"},
    {"{\"name\": \"a\", \"tag\": \"age\", \"time\": \"hour\"}", SOTTO_ERR(FORGE, MALFORMED), "features[0]",
     "exactly one"},
    {"{\"name\": \"a\", \"tag\": \"agee\"}", SOTTO_ERR(FORGE, NOT_FOUND), "features[0].tag", "no such tag"},
    {"{\"name\": \"a\", \"tag\": \"job\"}", SOTTO_ERR(MODEL, CONFLICT), "features[0]", "job"},
    {"{\"name\": \"a\", \"tag\": \"note\"}", SOTTO_ERR(MODEL, CONFLICT), "features[0]", "note"},
    {"{\"name\": \"a\", \"tag\": \"age\", \"as\": \"age_days\"}", SOTTO_ERR(MODEL, CONFLICT), "features[0]",
     "age"},
    {"{\"name\": \"a\", \"tag\": \"consent\"}", SOTTO_ERR(MODEL, CONFLICT), "features[0]", "marketing"},
    {"{\"name\": \"a\", \"tag\": \"age\", \"as\": \"log\"}", SOTTO_ERR(FORGE, MALFORMED), "features[0].as",
     "unknown transform"},
    {"{\"name\": \"a\", \"tag\": \"job\", \"as\": \"is\"}", SOTTO_ERR(FORGE, MALFORMED), "features[0]",
     "choice"},
    {"{\"name\": \"a\", \"tag\": \"job\", \"as\": \"is\", \"choice\": \"c\"}", SOTTO_ERR(FORGE, NOT_FOUND),
     "features[0].choice", "no such choice"},
    {"{\"name\": \"a\", \"tag\": \"job\", \"as\": \"code\", \"choice\": \"b\"}", SOTTO_ERR(FORGE, MALFORMED),
     "features[0]", "choice"},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"as\": \"change\"}", SOTTO_ERR(FORGE, MALFORMED),
     "features[0]", "against"},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"against\": \"average\"}", SOTTO_ERR(FORGE, MALFORMED),
     "features[0]", "against"},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"as\": \"change\", \"against\": \"averag\"}",
     SOTTO_ERR(FORGE, NOT_FOUND), "features[0].against", "no such tag"},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"as\": \"change\", \"against\": 6}",
     SOTTO_ERR(CODEC, MALFORMED), "features[0].against", ""},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"as\": \"change\", \"against\": \"balance\"}",
     SOTTO_ERR(MODEL, CONFLICT), "features[0]", "balance against balance"},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"as\": \"change\", \"against\": \"mills\"}",
     SOTTO_ERR(MODEL, CONFLICT), "features[0]", "same decimals"},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"as\": \"change\", \"against\": \"age\"}",
     SOTTO_ERR(MODEL, CONFLICT), "features[0]", "one kind"},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"as\": \"change\", \"against\": \"since\"}",
     SOTTO_ERR(MODEL, CONFLICT), "features[0]", "since"},
    {"{\"name\": \"a\", \"tag\": \"balance\", \"as\": \"change\", \"against\": \"secret\"}",
     SOTTO_ERR(MODEL, CONFLICT), "features[0]", "marketing"},
    {"{\"name\": \"a\", \"product\": \"rate\", \"against\": \"balance\"}", SOTTO_ERR(FORGE, MALFORMED),
     "features[0]", "only a tag"},
    {"{\"name\": \"a\", \"time\": \"minute\"}", SOTTO_ERR(FORGE, MALFORMED), "features[0].time",
     "hour or weekday"},
    {"{\"name\": \"a\", \"time\": \"hour\", \"as\": \"value\"}", SOTTO_ERR(FORGE, MALFORMED),
     "features[0].as", "only a tag"},
    {"{\"name\": \"a\", \"product\": \"rate\", \"choice\": \"b\"}", SOTTO_ERR(FORGE, MALFORMED),
     "features[0]", "only a tag"},
    {"{\"name\": \"a\", \"tag\": \"age\", \"bins\": 3}", SOTTO_ERR(CODEC, MALFORMED), "features[0]", ""},
    {"{\"name\": \"a\", \"tag\": \"age\"}, {\"name\": \"a\", \"time\": \"hour\"}",
     SOTTO_ERR(FORGE, MALFORMED), "features[1]", "one name"},
    {"17", SOTTO_ERR(CODEC, MALFORMED), "features[0]", ""},
};

static void faults_say_where_and_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(FAULTS); i++) {
        sotto_recipe r;
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_status status = load(FAULTS[i].features, &r, &diag);
        if (status != FAULTS[i].expected || strstr(diag.where, FAULTS[i].where) == NULL ||
            strstr(diag.text, FAULTS[i].says) == NULL)
            print_message("case %zu: status %d, where '%s', text '%s'\n", i, (int)status, diag.where,
                          diag.text);
        assert_int_equal(status, FAULTS[i].expected);
        assert_non_null(strstr(diag.where, FAULTS[i].where));
        assert_non_null(strstr(diag.text, FAULTS[i].says));
        assert_int_equal(diag.line, 1);
        assert_int_equal(r.count, 0);
    }
}

static void the_format_must_be_known(void **state)
{
    (void)state;
    static uint8_t memory[1 << 12];
    static const char *const TEXTS[] = {"{}", "[]", "{\"format\": \"sotto-recipe-2\", \"features\": []}",
                                        "{\"format\": \"sotto-recipe-1\"}",
                                        "{\"format\": 1, \"features\": []}"};
    for (size_t i = 0; i < SOTTO_COUNT(TEXTS); i++) {
        sotto_arena arena;
        sotto_recipe r;
        sotto_diag diag = {.status = SOTTO_OK};
        sotto_arena_init(&arena, memory, sizeof memory);
        assert_int_not_equal(
            sotto_recipe_load(&r, sotto_span_str(TEXTS[i]), "recipe.json", NULL, &arena, &diag), SOTTO_OK);
        assert_true(diag.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_feature_is_read),
        cmocka_unit_test(faults_say_where_and_why),
        cmocka_unit_test(the_format_must_be_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
