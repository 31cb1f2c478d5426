/* From a profile, a product and a moment to keys. */
#include "model_test.h"

static const char DICTIONARY[] =
    "{\"version\": 1, \"tags\": ["
    "{\"number\": 1, \"id\": \"age\", \"kind\": \"count\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 2, \"id\": \"job\", \"kind\": \"choice\", \"purpose\": [\"marketing\"],"
    " \"choices\": [\"clerk\", \"engineer\", \"retired\", \"student\", \"teacher\"]},"
    "{\"number\": 3, \"id\": \"balance\", \"kind\": \"amount\", \"decimals\": 2, \"purpose\": "
    "[\"marketing\"]},"
    "{\"number\": 500, \"id\": \"average\", \"kind\": \"amount\", \"decimals\": 2, \"ttl_days\": 10, "
    "\"purpose\": "
    "[\"marketing\"]},"
    "{\"number\": 501, \"id\": \"mills\", \"kind\": \"amount\", \"decimals\": 3, \"purpose\": "
    "[\"marketing\"]},"
    "{\"number\": 7, \"id\": \"newsletter\", \"kind\": \"flag\", \"purpose\": [\"service\", \"marketing\"]},"
    "{\"number\": 9, \"id\": \"since\", \"kind\": \"date\", \"ttl_days\": 30, \"purpose\": "
    "[\"marketing\"]}]}";

enum { AGE, JOB, IS_STUDENT, BALANCE, NEWSLETTER, TENURE, RATE, HOUR, FEATURES };

typedef struct fixture {
    test_model golden;
    uint8_t memory[65536];
    sotto_dictionary *dictionary;
    sotto_profile profile;
} fixture;

static sotto_dictionary *load_dictionary(const char *text, sotto_arena *arena)
{
    sotto_dictionary *d = NULL;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_status status = sotto_dictionary_load(&d, sotto_span_str(text), "dictionary.json", arena, &diag);
    if (status != SOTTO_OK)
        print_message("%s: %s\n", diag.where, diag.text);
    assert_int_equal(status, SOTTO_OK);
    return d;
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    sotto_arena arena;
    assert_non_null(f);
    sotto_arena_init(&arena, f->memory, sizeof f->memory);
    f->golden = open_golden("golden.sotto");
    f->dictionary = load_dictionary(DICTIONARY, &arena);
    assert_int_equal(sotto_profile_init(&f->profile, f->dictionary, &arena), SOTTO_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    close_golden(&f->golden);
    free(f);
    return 0;
}

static void set_tag(fixture *f, const char *id, const char *text, int32_t today)
{
    int i = sotto_dictionary_find(f->dictionary, sotto_span_str(id));
    assert_true(i >= 0);
    const sotto_tag *tag = sotto_dictionary_at(f->dictionary, (size_t)i);
    assert_int_equal(sotto_tag_parse(tag, sotto_span_str(text), today, &f->profile.values[i], NULL),
                     SOTTO_OK);
}

static void tags_become_the_nearest_float(void **state)
{
    fixture *f = *state;
    int32_t keys[FEATURES];
    sotto_model_moment moment = {.today = 20000, .minute = 14 * 60 + 59};
    set_tag(f, "age", "42", 20000);
    set_tag(f, "job", "student", 20000);
    set_tag(f, "balance", "-12.50", 20000);
    set_tag(f, "newsletter", "yes", 20000);
    set_tag(f, "since", "2024-09-23", 20000); /* day 19,989 */
    sotto_model_customer_keys(f->golden.model, &f->profile, &moment, keys);
    assert_int_equal(keys[AGE], sotto_fixed_decimal_key(42, 0));
    assert_int_equal(keys[JOB], sotto_fixed_decimal_key(3, 0));
    assert_int_equal(keys[IS_STUDENT], sotto_fixed_decimal_key(1, 0));
    assert_int_equal(keys[BALANCE], sotto_fixed_decimal_key(-1250, 2));
    assert_int_equal(keys[NEWSLETTER], sotto_fixed_decimal_key(1, 0));
    assert_int_equal(keys[TENURE], sotto_fixed_decimal_key(11, 0));
    assert_int_equal(keys[HOUR], sotto_fixed_decimal_key(14, 0));
    set_tag(f, "job", "clerk", 20000);
    sotto_model_customer_keys(f->golden.model, &f->profile, &moment, keys);
    assert_int_equal(keys[JOB], 0);
    assert_int_equal(keys[IS_STUDENT], 0);
}

static void absent_and_dead_tags_are_missing(void **state)
{
    fixture *f = *state;
    int32_t keys[FEATURES];
    sotto_model_moment moment = {.today = 20031, .minute = 0};
    set_tag(f, "age", "42", 20000);
    set_tag(f, "since", "2024-09-23", 20000); /* lives 30 days */
    sotto_model_customer_keys(f->golden.model, &f->profile, &moment, keys);
    assert_int_not_equal(keys[AGE], SOTTO_FLOAT_KEY_MISSING);
    assert_int_equal(keys[JOB], SOTTO_FLOAT_KEY_MISSING);
    assert_int_equal(keys[IS_STUDENT], SOTTO_FLOAT_KEY_MISSING);
    assert_int_equal(keys[TENURE], SOTTO_FLOAT_KEY_MISSING);
    sotto_model_customer_keys(f->golden.model, NULL, &moment, keys);
    assert_int_equal(keys[AGE], SOTTO_FLOAT_KEY_MISSING);
    assert_int_equal(keys[HOUR], 0); /* midnight is known whoever stands there */
}

/* 1970-01-01 was a Thursday. The golden model has the hour: its file is changed to ask for the day of the
 * week. */
static void the_week_starts_on_monday(void **state)
{
    fixture *f = *state;
    size_t len = 0;
    uint8_t *feature = find_section(&f->golden.file, "FEAT", &len) + HOUR * FEAT_BYTES;
    test_model changed = {.memory = NULL};
    int32_t keys[FEATURES];
    memcpy(feature + 80, "weekday", 7);
    fix_crc(f->golden.file.bytes, f->golden.file.len);
    assert_int_equal(load_into(&changed, span_of(&f->golden.file), NULL), SOTTO_OK);
    for (int32_t today = -15; today < 15; today++) {
        sotto_model_moment moment = {.today = today};
        sotto_model_customer_keys(changed.model, NULL, &moment, keys);
        assert_int_equal(keys[HOUR], sotto_fixed_decimal_key((today + 3 + 21) % 7, 0));
    }
    free(changed.memory);
}

/* The golden model with its balance as a change against another tag. */
static sotto_status load_change(fixture *f, int32_t against, test_model *out)
{
    size_t len = 0;
    uint8_t *feature = find_section(&f->golden.file, "FEAT", &len) + BALANCE * FEAT_BYTES;
    feature[1] = SOTTO_TRANSFORM_CHANGE;
    for (unsigned i = 0; i < 4; i++)
        feature[4 + i] = (uint8_t)((uint32_t)against >> 8 * i);
    fix_crc(f->golden.file.bytes, f->golden.file.len);
    *out = (test_model){.memory = NULL};
    return load_into(out, span_of(&f->golden.file), NULL);
}

static int32_t change_key(fixture *f, const test_model *m, int32_t today)
{
    int32_t keys[FEATURES];
    sotto_model_moment moment = {.today = today};
    sotto_model_customer_keys(m->model, &f->profile, &moment, keys);
    assert_int_equal(sotto_feature_tag_key(sotto_model_feature(m->model, BALANCE), &f->profile, today),
                     keys[BALANCE]); /* a training table's column is the terminal's */
    return keys[BALANCE];
}

static void a_change_is_exact_and_missing_with_either_tag(void **state)
{
    static const struct {
        const char *now, *before;
        int64_t cents;
    } CASES[] = {
        {"100.10", "99.99", 11},
        {"-0.01", "0.01", -2},
        {"5.00", "5.00", 0},
        {"10000000000000000.00", "-10000000000000000.00", INT64_C(2000000000000000000)},
        {"-10000000000000000.00", "10000000000000000.00", -INT64_C(2000000000000000000)},
        {"90071992547409.93", "90071992547409.92", 1}, /* as doubles they would be one and the same */
    };
    fixture *f = *state;
    test_model m;
    assert_int_equal(load_change(f, 500, &m), SOTTO_OK);
    assert_int_equal(sotto_model_bind(m.model, f->dictionary, NULL), SOTTO_OK);
    set_tag(f, "balance", "100.10", 20000);
    assert_int_equal(change_key(f, &m, 20000), SOTTO_FLOAT_KEY_MISSING);
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        set_tag(f, "balance", CASES[i].now, 20000);
        set_tag(f, "average", CASES[i].before, 20000);
        assert_int_equal(change_key(f, &m, 20000), sotto_fixed_decimal_key(CASES[i].cents, 2));
    }
    assert_int_equal(change_key(f, &m, 20010), SOTTO_FLOAT_KEY_MISSING); /* the average died */
    set_tag(f, "average", "1.00", 20010);
    assert_int_not_equal(change_key(f, &m, 20010), SOTTO_FLOAT_KEY_MISSING);
    set_tag(f, "balance", "", 20010);
    assert_int_equal(change_key(f, &m, 20010), SOTTO_FLOAT_KEY_MISSING);
    free(m.memory);
}

static void a_change_needs_two_tags_of_one_unit(void **state)
{
    static const int32_t MALFORMED[] = {0, -1, 65536, INT32_MIN, INT32_MAX, 3 /* the tag itself */};
    static const struct {
        int32_t against;
        sotto_status expected;
    } UNFIT[] = {
        {65535, SOTTO_ERR(MODEL, NOT_FOUND)}, /* not in the dictionary */
        {501, SOTTO_ERR(MODEL, CONFLICT)},    /* other decimals */
        {1, SOTTO_ERR(MODEL, CONFLICT)},      /* a count */
        {9, SOTTO_ERR(MODEL, CONFLICT)},      /* a date */
    };
    fixture *f = *state;
    test_model m;
    for (size_t i = 0; i < SOTTO_COUNT(MALFORMED); i++) {
        assert_int_equal(load_change(f, MALFORMED[i], &m), SOTTO_ERR(MODEL, MALFORMED));
        free(m.memory);
    }
    set_tag(f, "balance", "1.00", 20000);
    set_tag(f, "mills", "1.000", 20000);
    for (size_t i = 0; i < SOTTO_COUNT(UNFIT); i++) {
        assert_int_equal(load_change(f, UNFIT[i].against, &m), SOTTO_OK);
        assert_int_equal(sotto_model_bind(m.model, f->dictionary, NULL), UNFIT[i].expected);
        assert_int_equal(change_key(f, &m, 20000), SOTTO_FLOAT_KEY_MISSING);
        free(m.memory);
    }
}

static bool rate_of(void *ctx, const char *name, int64_t *mantissa, unsigned *decimals)
{
    *mantissa = 325;
    *decimals = 2;
    return *(const bool *)ctx && strcmp(name, "rate") == 0;
}

static void products_fill_their_own_keys_only(void **state)
{
    fixture *f = *state;
    int32_t keys[FEATURES];
    bool known = true;
    for (size_t i = 0; i < FEATURES; i++)
        keys[i] = 77;
    sotto_model_product_keys(f->golden.model, rate_of, &known, keys);
    assert_int_equal(keys[RATE], sotto_fixed_decimal_key(325, 2));
    assert_int_equal(keys[AGE], 77);
    known = false;
    sotto_model_product_keys(f->golden.model, rate_of, &known, keys);
    assert_int_equal(keys[RATE], SOTTO_FLOAT_KEY_MISSING);
    keys[RATE] = 5;
    sotto_model_moment moment = {.today = 0};
    sotto_model_customer_keys(f->golden.model, NULL, &moment, keys);
    assert_int_equal(keys[RATE], 5);
}

static void a_model_is_bound_to_a_dictionary_that_fits(void **state)
{
    fixture *f = *state;
    sotto_diag diag = {.status = SOTTO_OK};
    assert_int_equal(sotto_model_bind(f->golden.model, f->dictionary, &diag), SOTTO_OK);
    static const struct {
        const char *from, *to, *says;
        sotto_status expected;
    } CASES[] = {
        {"\"number\": 3", "\"number\": 33", "balance", SOTTO_ERR(MODEL, NOT_FOUND)},
        {"\"kind\": \"count\"", "\"kind\": \"date\"", "age", SOTTO_ERR(MODEL, CONFLICT)},
        {"\"retired\", \"student\", \"teacher\"", "\"retired\"", "choice 3", SOTTO_ERR(MODEL, CONFLICT)},
        {"[\"service\", \"marketing\"]", "[\"service\"]", "newsletter", SOTTO_ERR(MODEL, CONFLICT)},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        char text[2048];
        static uint8_t memory[65536];
        sotto_arena arena;
        sotto_arena_init(&arena, memory, sizeof memory);
        const char *at = strstr(DICTIONARY, CASES[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - DICTIONARY), DICTIONARY, CASES[i].to,
                 at + strlen(CASES[i].from));
        sotto_dictionary *d = load_dictionary(text, &arena);
        assert_int_equal(sotto_model_bind(f->golden.model, d, &diag), CASES[i].expected);
        assert_non_null(strstr(diag.text, CASES[i].says));
    }
}

static void plain_columns_cannot_be_bound(void **state)
{
    fixture *f = *state;
    test_model wild = open_golden("wild.sotto");
    sotto_diag diag = {.status = SOTTO_OK};
    assert_int_equal(sotto_model_bind(wild.model, f->dictionary, &diag), SOTTO_ERR(MODEL, UNSUPPORTED));
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    sotto_model_moment moment = {.today = 20000};
    sotto_model_customer_keys(wild.model, &f->profile, &moment, keys);
    for (size_t i = 0; i < wild.model->info.features; i++)
        assert_int_equal(keys[i], SOTTO_FLOAT_KEY_MISSING);
    close_golden(&wild);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tags_become_the_nearest_float, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absent_and_dead_tags_are_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_is_exact_and_missing_with_either_tag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_needs_two_tags_of_one_unit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_week_starts_on_monday, set_up, tear_down),
        cmocka_unit_test_setup_teardown(products_fill_their_own_keys_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_model_is_bound_to_a_dictionary_that_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plain_columns_cannot_be_bound, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
