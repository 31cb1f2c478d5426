#include "codec_test.h"

static sotto_json *parse(const char *text)
{
    sotto_json *doc;
    sotto_diag diag = {0};
    if (sotto_json_parse(&doc, sotto_span_str(text), "t.json", &diag) != SOTTO_OK)
        fail_msg("%s", diag.text);
    return doc;
}

static void types_and_members(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum sotto_json_type type;
    } CASES[] = {
        {"n", SOTTO_JSON_NULL}, {"b", SOTTO_JSON_BOOL}, {"i", SOTTO_JSON_INT},       {"r", SOTTO_JSON_REAL},
        {"s", SOTTO_JSON_STR},  {"a", SOTTO_JSON_ARR},  {"e", SOTTO_JSON_REAL},      {"o", SOTTO_JSON_OBJ},
        {"z", SOTTO_JSON_INT},  {"", SOTTO_JSON_INT},   {"none", SOTTO_JSON_ABSENT},
    };
    sotto_json *doc =
        parse("{\"n\":null,\"b\":true,\"i\":-5,\"r\":5.0,\"e\":1E2,\"s\":\"x\",\"a\":[1],\"o\":{},\"z\":-0,"
              "\"\":1}");
    sotto_json_node root = sotto_json_root(doc);
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++)
        assert_int_equal(sotto_json_type(sotto_json_member(root, CASES[i].name)), CASES[i].type);
    assert_int_equal(sotto_json_count(root), SOTTO_COUNT(CASES) - 1);
    assert_int_equal(sotto_json_type(sotto_json_member(sotto_json_member(root, "a"), "x")),
                     SOTTO_JSON_ABSENT);
    assert_int_equal(sotto_json_count(sotto_json_member(root, "s")), 0);
    assert_int_equal(sotto_json_type(sotto_json_at(sotto_json_member(root, "a"), 1)), SOTTO_JSON_ABSENT);
    sotto_json_free(doc);
    sotto_json_free(NULL);
}

/* Forwards, backwards and mixed up, in two containers by turns: the place that the document remembers must
 * never show. */
static void children_by_index(void **state)
{
    (void)state;
    sotto_json *doc =
        parse("{\"flat\":[0,1,2,3,4],\"deep\":[[0],[1],[2],[3],[4]],\"obj\":{\"k0\":[0],\"k1\":[1],"
              "\"k2\":[2],\"k3\":[3],\"k4\":[4]}}");
    sotto_json_node root = sotto_json_root(doc);
    static const size_t ORDER[] = {0, 1, 2, 3, 4, 4, 3, 2, 1, 0, 2, 0, 4, 1, 3};
    for (size_t i = 0; i < SOTTO_COUNT(ORDER); i++) {
        int64_t v;
        sotto_span name;
        char expected[4] = {'k', (char)('0' + ORDER[i]), '\0'};
        sotto_json_node flat = sotto_json_at(sotto_json_member(root, "flat"), ORDER[i]);
        sotto_json_node deep = sotto_json_at(sotto_json_member(root, "deep"), ORDER[i]);
        sotto_json_node member = sotto_json_member_at(sotto_json_member(root, "obj"), ORDER[i], &name);
        assert_true(sotto_span_is(name, expected));
        assert_int_equal(sotto_json_as_i64(flat, 0, 9, &v, NULL), SOTTO_OK);
        assert_int_equal(v, ORDER[i]);
        assert_int_equal(sotto_json_as_i64(sotto_json_at(deep, 0), 0, 9, &v, NULL), SOTTO_OK);
        assert_int_equal(v, ORDER[i]);
        assert_int_equal(sotto_json_as_i64(sotto_json_at(member, 0), 0, 9, &v, NULL), SOTTO_OK);
        assert_int_equal(v, ORDER[i]);
        assert_ptr_equal(sotto_json_at(sotto_json_member(root, "obj"), ORDER[i]).val, member.val);
    }
    sotto_span name;
    assert_null(sotto_json_member_at(root, 3, &name).val);
    assert_int_equal(name.len, 0);
    assert_null(sotto_json_member_at(sotto_json_member(root, "flat"), 0, &name).val);
    sotto_json_free(doc);
}

static void only_strict_json(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'x'",
        "01",
        "1.",
        ".5",
        "+1",
        "0x10",
        "NaN",
        "Infinity",
        "-",
        "1e",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"a\nb\"",
        "\"\xff\"",
        "\xef\xbb\xbf{}",
        "// c\n1",
        "/* c */1",
        "1 2",
        "{} x",
        "nul",
        "tru",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "\"\xed\xa0\x80\"",
        "\"\xc0\x80\"",
        "[\"\t\"]",
    };
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        sotto_json *doc = (sotto_json *)(uintptr_t)1;
        sotto_diag diag = {0};
        if (sotto_json_parse(&doc, sotto_span_str(BAD[i]), "t.json", &diag) != SOTTO_ERR(CODEC, MALFORMED))
            fail_msg("taken: %s", BAD[i]);
        assert_null(doc);
        assert_true(diag.line >= 1 && diag.has_offset && diag.offset <= strlen(BAD[i]));
        assert_string_equal(diag.where, "t.json");
    }
}

static void a_text_that_ends_too_early_ends_in_its_last_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t line;
    } CASES[] = {
        {"{\n\"a\": 1,\n\"b\": 2\n", 3}, {"{\n\"a\": 1,\n\"b\": 2", 3}, {"[1,\n", 1}, {"", 1}, {"\n", 1}};
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_json *doc;
        sotto_diag diag = {0};
        assert_int_equal(sotto_json_parse(&doc, sotto_span_str(CASES[i].text), "t", &diag),
                         SOTTO_ERR(CODEC, MALFORMED));
        assert_int_equal(diag.line, CASES[i].line);
    }
}

static void depth_ends_at_sixty_four(void **state)
{
    (void)state;
    for (unsigned depth = 62; depth <= 70; depth++)
        for (unsigned objects = 0; objects < 2; objects++) {
            char text[1024] = "";
            for (unsigned i = 0; i < depth; i++)
                strcat(text, objects ? "{\"a\":" : "[");
            strcat(text, "1");
            for (unsigned i = 0; i < depth; i++)
                strcat(text, objects ? "}" : "]");
            sotto_json *doc;
            sotto_diag diag = {0};
            sotto_status status = sotto_json_parse(&doc, sotto_span_str(text), "t", &diag);
            assert_int_equal(status, depth <= 64 ? SOTTO_OK : SOTTO_ERR(CODEC, MALFORMED));
            assert_true(status == SOTTO_OK || diag.offset == 64u * (objects ? 5 : 1));
            sotto_json_free(doc);
        }
}

static void a_name_may_come_once(void **state)
{
    (void)state;
    sotto_json *doc;
    sotto_diag diag = {0};
    assert_int_equal(sotto_json_parse(&doc, SPAN("{\"a\":[{\"x\":1,\n\"y\":2,\n\"x\":3}]}"), "t", &diag),
                     SOTTO_ERR(CODEC, MALFORMED));
    assert_string_equal(diag.where, "t: a[0].x");
    assert_int_equal(diag.line, 3);
    /* The same name by another spelling. */
    assert_int_equal(sotto_json_parse(&doc, SPAN("{\"a\":1,\"\\u0061\":2}"), "t", NULL),
                     SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_json_parse(&doc, SPAN("{\"a\":1,\"a\\u0000\":2,\"A\":3}"), "t", NULL), SOTTO_OK);
    sotto_json_free(doc);
}

/* A hundred thousand members, then one that is there already: found, and without comparing all with all
 * (which would take minutes). Walking them by index is linear as well. */
static void large_objects_are_no_attack(void **state)
{
    (void)state;
    enum { MEMBERS = 100000 };
    sotto_vec text;
    sotto_vec_init(&text, 4 << 20);
    for (unsigned i = 0; i < MEMBERS; i++)
        assert_int_equal(sotto_vec_printf(&text, "%c\"name%u\":[%u]", i == 0 ? '{' : ',', i, i), SOTTO_OK);
    size_t len = text.len;
    assert_int_equal(sotto_vec_printf(&text, "}"), SOTTO_OK);
    sotto_json *doc;
    assert_int_equal(sotto_json_parse(&doc, sotto_vec_span(&text), NULL, NULL), SOTTO_OK);
    for (unsigned i = 0; i < MEMBERS; i++) {
        int64_t v;
        sotto_span name;
        sotto_json_node member = sotto_json_member_at(sotto_json_root(doc), i, &name);
        assert_int_equal(sotto_json_as_i64(sotto_json_at(member, 0), i, i, &v, NULL), SOTTO_OK);
    }
    sotto_json_free(doc);
    text.len = len;
    assert_int_equal(sotto_vec_printf(&text, ",\"name777\":0}"), SOTTO_OK);
    sotto_diag diag = {0};
    assert_int_equal(sotto_json_parse(&doc, sotto_vec_span(&text), "t", &diag), SOTTO_ERR(CODEC, MALFORMED));
    assert_string_equal(diag.where, "t: name777");
    assert_int_equal(diag.offset, text.len - 2);
    sotto_vec_free(&text);
}

static void integers_within_their_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max;
        sotto_status status;
        int64_t value;
    } CASES[] = {
        {"5", 0, 9, SOTTO_OK, 5},
        {"-0", 0, 9, SOTTO_OK, 0},
        {"9223372036854775807", INT64_MIN, INT64_MAX, SOTTO_OK, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, SOTTO_OK, INT64_MIN},
        {"9223372036854775808", INT64_MIN, INT64_MAX, SOTTO_ERR(CODEC, RANGE), 0},
        {"10", 0, 9, SOTTO_ERR(CODEC, RANGE), 0},
        {"-1", 0, 9, SOTTO_ERR(CODEC, RANGE), 0},
        {"5.0", 0, 9, SOTTO_ERR(CODEC, MALFORMED), 0},
        {"5e0", 0, 9, SOTTO_ERR(CODEC, MALFORMED), 0},
        {"\"5\"", 0, 9, SOTTO_ERR(CODEC, MALFORMED), 0},
        {"null", 0, 9, SOTTO_ERR(CODEC, MALFORMED), 0},
        {"true", 0, 9, SOTTO_ERR(CODEC, MALFORMED), 0},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        int64_t v = 77;
        sotto_json *doc = parse(CASES[i].text);
        assert_int_equal(sotto_json_as_i64(sotto_json_root(doc), CASES[i].min, CASES[i].max, &v, NULL),
                         CASES[i].status);
        assert_true(v == (CASES[i].status == SOTTO_OK ? CASES[i].value : 77));
        sotto_json_free(doc);
    }
}

static void decimals_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned decimals;
        sotto_status status;
        int64_t value;
    } CASES[] = {
        {"12.50", 2, SOTTO_OK, 1250},
        {"-12.5", 2, SOTTO_OK, -1250},
        {"0.1", 18, SOTTO_OK, INT64_C(100000000000000000)},
        {"0", 0, SOTTO_OK, 0},
        {"-0.000", 2, SOTTO_OK, 0},
        {"0e99999999999999999999", 2, SOTTO_OK, 0},
        {"1.5000000000000000000000000000000000000", 1, SOTTO_OK, 15},
        {"1.25e1", 1, SOTTO_OK, 125},
        {"125E-1", 1, SOTTO_OK, 125},
        {"1e-05", 5, SOTTO_OK, 1},
        {"100000e-5", 0, SOTTO_OK, 1},
        {"1e18", 0, SOTTO_OK, INT64_C(1000000000000000000)},
        {"-9223372036854775808", 0, SOTTO_OK, INT64_MIN},
        {"-92233720368547758.08", 2, SOTTO_OK, INT64_MIN},
        {"92233720368547758.07", 2, SOTTO_OK, INT64_MAX},
        {"92233720368547758.08", 2, SOTTO_ERR(CODEC, RANGE), 0},
        {"12.505", 2, SOTTO_ERR(CODEC, RANGE), 0},
        {"1e-3", 2, SOTTO_ERR(CODEC, RANGE), 0},
        {"1e19", 0, SOTTO_ERR(CODEC, RANGE), 0},
        {"1e999999999999", 0, SOTTO_ERR(CODEC, RANGE), 0},
        {"1e-999999999999", 18, SOTTO_ERR(CODEC, RANGE), 0},
        {"123456789012345678901234567890", 0, SOTTO_ERR(CODEC, RANGE), 0},
        {"10000000000000000000000000000000000000000", 0, SOTTO_ERR(CODEC, RANGE), 0},
        {"\"1\"", 2, SOTTO_ERR(CODEC, MALFORMED), 0},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        int64_t v = 77;
        sotto_json *doc = parse(CASES[i].text);
        sotto_status status = sotto_json_as_decimal(sotto_json_root(doc), CASES[i].decimals, &v, NULL);
        if (status != CASES[i].status || v != (status == SOTTO_OK ? CASES[i].value : 77))
            fail_msg("%s with %u decimals", CASES[i].text, CASES[i].decimals);
        sotto_json_free(doc);
    }
}

static void other_getters(void **state)
{
    (void)state;
    static const char *const ALLOWED[] = {"s", "b", "a", "r"};
    sotto_json *doc = parse("{\"s\":\"x\\u0000\\n\",\"b\":false,\"a\":[1,2],\"r\":-1.50e+3}");
    sotto_json_node root = sotto_json_root(doc);
    sotto_span text;
    bool b = true;
    int64_t v;
    assert_int_equal(sotto_json_get_str(root, "s", &text, NULL), SOTTO_OK);
    assert_true(sotto_span_equal(text, SPAN("x\0\n")));
    assert_int_equal(sotto_json_get_bool(root, "b", &b, NULL), SOTTO_OK);
    assert_false(b);
    assert_int_equal(sotto_json_as_number_text(sotto_json_member(root, "r"), &text, NULL), SOTTO_OK);
    assert_true(sotto_span_is(text, "-1.50e+3"));
    assert_int_equal(sotto_json_as_array(sotto_json_member(root, "a"), 2, 2, NULL), SOTTO_OK);
    assert_int_equal(sotto_json_as_array(sotto_json_member(root, "a"), 3, 9, NULL), SOTTO_ERR(CODEC, RANGE));
    assert_int_equal(sotto_json_as_array(sotto_json_member(root, "a"), 0, 1, NULL), SOTTO_ERR(CODEC, RANGE));
    assert_int_equal(sotto_json_as_array(root, 0, 9, NULL), SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_json_as_object(root, NULL), SOTTO_OK);
    assert_int_equal(sotto_json_get_i64(root, "s", 0, 1, &v, NULL), SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_json_get_i64(sotto_json_member(root, "a"), "s", 0, 1, &v, NULL),
                     SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_json_get_str(root, "b", &text, NULL), SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_json_get_bool(root, "s", &b, NULL), SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_json_as_number_text(root, &text, NULL), SOTTO_ERR(CODEC, MALFORMED));
    assert_int_equal(sotto_json_only(root, ALLOWED, 4, NULL), SOTTO_OK);
    assert_int_equal(sotto_json_only(root, ALLOWED, 3, NULL), SOTTO_ERR(CODEC, MALFORMED));
    sotto_json_free(doc);
}

static void canonical_form(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } CASES[] = {
        {"{ \"b\" : [ 1 , -0, true,null ] , \"a\" : \"x\\\"\\\\\\n\\/\\u00e9\" }",
         "{\"a\":\"x\\\"\\\\\n/\xc3\xa9\",\"b\":[1,0,true,null]}"},
        {"{}", "{}"},
        {"[]", "[]"},
        {"{\"ab\":1,\"a\":2,\"B\":3,\"\xf0\x9f\x98\x80\":4,\"\xef\xbf\xbd\":5}",
         "{\"B\":3,\"a\":2,\"ab\":1,\"\xef\xbf\xbd\":5,\"\xf0\x9f\x98\x80\":4}"},
        {"[{\"x\":{\"z\":[],\"y\":false}}]", "[{\"x\":{\"y\":false,\"z\":[]}}]"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_json *doc = parse(CASES[i].in);
        sotto_vec out;
        sotto_vec_init(&out, strlen(CASES[i].out));
        assert_int_equal(sotto_json_canonical(sotto_json_root(doc), &out, NULL), SOTTO_OK);
        assert_true(sotto_span_is(sotto_vec_span(&out), CASES[i].out));
        sotto_vec_free(&out);
        for (size_t limit = 0; limit < strlen(CASES[i].out); limit++) {
            sotto_vec_init(&out, limit);
            assert_int_equal(sotto_json_canonical(sotto_json_root(doc), &out, NULL), SOTTO_ERR(BASE, RANGE));
            assert_int_equal(out.len, 0);
            sotto_vec_free(&out);
        }
        sotto_json_free(doc);
    }
    sotto_json *doc = parse("{\"a\":[1.5]}");
    sotto_vec out;
    sotto_diag diag = {0};
    sotto_vec_init(&out, 99);
    assert_int_equal(sotto_json_canonical(sotto_json_root(doc), &out, &diag), SOTTO_ERR(CODEC, MALFORMED));
    assert_string_equal(diag.where, "t.json: a[0]");
    assert_int_equal(out.len, 0);
    sotto_vec_free(&out);
    sotto_json_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_members),
        cmocka_unit_test(children_by_index),
        cmocka_unit_test(only_strict_json),
        cmocka_unit_test(a_text_that_ends_too_early_ends_in_its_last_line),
        cmocka_unit_test(depth_ends_at_sixty_four),
        cmocka_unit_test(a_name_may_come_once),
        cmocka_unit_test(large_objects_are_no_attack),
        cmocka_unit_test(integers_within_their_range),
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(other_getters),
        cmocka_unit_test(canonical_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
