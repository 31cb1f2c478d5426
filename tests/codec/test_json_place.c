/* Whatever is wrong, the message has the member's path and its line. */
#include "codec_test.h"

static const char TEXT[] = "{\n"                                         /* 1 */
                           "  \"campaigns\": [\n"                        /* 2 */
                           "    {\"cap\": 1, \"name\": \"a,]}\\\"\"},\n" /* 3 */
                           "    {\"cap\": 2, \"who\": [[], [true, \n"    /* 4 */
                           "      {}, 7]]},\n"                           /* 5 */
                           "    {\"name\": \"\", \"cap\":\n"             /* 6 */
                           "    \"three\"}\n"                            /* 7 */
                           "  ],\n"                                      /* 8 */
                           "  \"weird \\\"name\": null,\n"               /* 9 */
                           "  \"end\": 5}\n";                            /* 10 */

static sotto_json *doc;

static int open_doc(void **state)
{
    (void)state;
    return sotto_json_parse(&doc, sotto_span_str(TEXT), "policy.json", NULL);
}

static int close_doc(void **state)
{
    (void)state;
    sotto_json_free(doc);
    return 0;
}

static void assert_place(sotto_json_node node, const char *where, uint64_t line, char first)
{
    sotto_diag diag = {0};
    assert_int_equal(sotto_json_bad(node, &diag, SOTTO_ERR(DECIDE, RANGE), "bad %d", 7),
                     SOTTO_ERR(DECIDE, RANGE));
    assert_string_equal(diag.where, where);
    assert_string_equal(diag.text, "bad 7");
    assert_int_equal(diag.line, line);
    assert_int_equal(diag.status, SOTTO_ERR(DECIDE, RANGE));
    assert_true(diag.has_offset && TEXT[diag.offset] == first);
}

static void every_kind_of_place(void **state)
{
    (void)state;
    sotto_json_node root = sotto_json_root(doc), campaigns = sotto_json_member(root, "campaigns");
    sotto_json_node second = sotto_json_at(campaigns, 1), third = sotto_json_at(campaigns, 2);
    sotto_json_node who = sotto_json_member(second, "who");
    assert_place(root, "policy.json", 1, '{');
    assert_place(campaigns, "policy.json: campaigns", 2, '[');
    assert_place(sotto_json_at(campaigns, 0), "policy.json: campaigns[0]", 3, '{');
    assert_place(sotto_json_member(sotto_json_at(campaigns, 0), "name"), "policy.json: campaigns[0].name", 3,
                 '"');
    assert_place(sotto_json_member(second, "cap"), "policy.json: campaigns[1].cap", 4, '2');
    assert_place(sotto_json_at(who, 0), "policy.json: campaigns[1].who[0]", 4, '[');
    assert_place(sotto_json_at(sotto_json_at(who, 1), 0), "policy.json: campaigns[1].who[1][0]", 4, 't');
    assert_place(sotto_json_at(sotto_json_at(who, 1), 2), "policy.json: campaigns[1].who[1][2]", 5, '7');
    assert_place(sotto_json_member(third, "cap"), "policy.json: campaigns[2].cap", 7, '"');
    assert_place(sotto_json_member(root, "weird \"name"), "policy.json: weird \\\"name", 9, 'n');
    assert_place(sotto_json_member(root, "end"), "policy.json: end", 10, '5');
}

static void getters_name_the_place(void **state)
{
    (void)state;
    char text[300];
    int64_t v;
    sotto_diag diag = {0};
    sotto_json_node third = sotto_json_at(sotto_json_member(sotto_json_root(doc), "campaigns"), 2);
    assert_true(sotto_json_get_i64(third, "cap", 0, 9, &v, &diag) == SOTTO_ERR(CODEC, MALFORMED));
    (void)sotto_diag_format(&diag, text, sizeof text);
    assert_string_equal(text, "policy.json: campaigns[2].cap:7: an integer expected, a string found "
                              "(codec: input is not of the form it must have)");
    assert_true(sotto_json_get_i64(third, "who", 0, 9, &v, &diag) == SOTTO_ERR(CODEC, MALFORMED));
    (void)sotto_diag_format(&diag, text, sizeof text);
    assert_string_equal(text, "policy.json: campaigns[2]:6: member \"who\" is missing "
                              "(codec: input is not of the form it must have)");
}

static void an_absent_value_has_the_files_name(void **state)
{
    (void)state;
    sotto_diag diag = {.where = "old", .line = 9};
    sotto_json_node absent = sotto_json_member(sotto_json_root(doc), "none");
    assert_true(sotto_json_as_object(absent, &diag) == SOTTO_ERR(CODEC, MALFORMED));
    assert_string_equal(diag.where, "policy.json");
    assert_int_equal(diag.line, 0);
    assert_true(sotto_json_as_object((sotto_json_node){0}, &diag) == SOTTO_ERR(CODEC, MALFORMED));
    assert_string_equal(diag.where, "");
}

static void a_long_path_is_cut(void **state)
{
    (void)state;
    char text[2000] = "";
    for (unsigned i = 0; i < 60; i++)
        strcat(text, "{\"some_name\":");
    strcat(text, "[]");
    for (unsigned i = 0; i < 60; i++)
        strcat(text, "}");
    sotto_json *deep;
    sotto_diag diag = {0};
    assert_int_equal(sotto_json_parse(&deep, sotto_span_str(text), "a-file", NULL), SOTTO_OK);
    sotto_json_node node = sotto_json_root(deep);
    while (sotto_json_type(node) == SOTTO_JSON_OBJ)
        node = sotto_json_member(node, "some_name");
    assert_true(sotto_json_as_object(node, &diag) != SOTTO_OK);
    assert_memory_equal(diag.where, "a-file: some_name.some_name.", 28);
    assert_int_equal(strlen(diag.where) < sizeof diag.where, 1);
    assert_int_equal(diag.line, 1);
    sotto_json_free(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_place),
        cmocka_unit_test(getters_name_the_place),
        cmocka_unit_test(an_absent_value_has_the_files_name),
        cmocka_unit_test(a_long_path_is_cut),
    };
    return cmocka_run_group_tests(tests, open_doc, close_doc);
}
