#include "tags_test.h"

static sotto_csv csv; /* 64 KiB and more: not for the stack */
static sotto_import_plan plan;

static sotto_status make_plan(const fixture *f, const char *text, const char *customer, sotto_diag *diag)
{
    static const char *const IGNORE[] = {"branch", "not_there"};
    assert_int_equal(sotto_csv_open(&csv, sotto_span_str(text), "c.csv", 0, NULL), SOTTO_OK);
    return sotto_import_plan_make(&plan, &csv, f->d, customer, IGNORE, SOTTO_COUNT(IGNORE), diag);
}

static sotto_status next_row(fixture *f, sotto_diag *diag)
{
    bool more;
    assert_int_equal(sotto_csv_next(&csv, &more, NULL), SOTTO_OK);
    assert_true(more);
    return sotto_import_row(&plan, &csv, TODAY, &f->profile, diag);
}

static void test_rows_replace_what_was_there(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    char text[160];
    set_tag(&f, "joined", "2001-02-03");
    assert_int_equal(make_plan(&f,
                               "customer,branch,age,balance,segment\n"
                               "7,north,41,12.50,old\n"
                               "7,north,,13.00,young\n",
                               "customer", NULL),
                     SOTTO_OK);
    assert_int_equal(plan.customer_column, 0);
    assert_int_equal(next_row(&f, NULL), SOTTO_OK);
    assert_string_equal(get_tag(&f, "age", text), "41");
    assert_int_equal(next_row(&f, NULL), SOTTO_OK);
    assert_string_equal(get_tag(&f, "age", text), "");
    assert_string_equal(get_tag(&f, "balance", text), "13.00");
    assert_string_equal(get_tag(&f, "segment", text), "young");
    assert_string_equal(get_tag(&f, "joined", text), "2001-02-03"); /* not in the file */
}

static void test_what_the_terminal_saw_stays(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    char text[160];
    assert_int_equal(make_plan(&f, "customer;visits;offers\n1;4;9\n1;2;\n", "customer", NULL), SOTTO_OK);
    assert_int_equal(next_row(&f, NULL), SOTTO_OK);
    assert_string_equal(get_tag(&f, "visits", text), "4");
    sotto_tags_apply_event(&f.profile, SOTTO_EVENT_SHOWN, (int64_t)TODAY * 86400);
    assert_int_equal(next_row(&f, NULL), SOTTO_OK);
    assert_string_equal(get_tag(&f, "visits", text), "4");
    assert_string_equal(get_tag(&f, "offers", text), "10");
}

static void test_headers(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    sotto_diag diag = {0};
    assert_int_equal(sotto_status_cause(make_plan(&f, "age,segment\n1,old\n", "customer", &diag)),
                     SOTTO_CAUSE_NOT_FOUND);
    assert_int_equal(diag.line, 1);
    assert_non_null(strstr(diag.text, "'customer'"));
    assert_int_equal(sotto_status_cause(make_plan(&f, "customer,age,shoe_size\n1,2,3\n", "customer", &diag)),
                     SOTTO_CAUSE_NOT_FOUND);
    assert_non_null(strstr(diag.text, "'shoe_size'"));
    assert_string_equal(diag.where, "c.csv");
    assert_int_equal(make_plan(&f, "age,segment\n1,old\n", NULL, NULL), SOTTO_OK);
    assert_true(plan.customer_column == SIZE_MAX);
    assert_int_equal(next_row(&f, NULL), SOTTO_OK);
}

static void test_a_bad_row_changes_nothing(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    char text[160];
    set_tag(&f, "age", "20");
    sotto_diag diag = {0};
    assert_int_equal(make_plan(&f, "customer,age,segment\n1,30,old\n2,40,ancient\n", "customer", NULL),
                     SOTTO_OK);
    assert_int_equal(next_row(&f, NULL), SOTTO_OK);
    assert_int_equal(sotto_status_cause(next_row(&f, &diag)), SOTTO_CAUSE_MALFORMED);
    assert_string_equal(get_tag(&f, "age", text), "30");
    assert_string_equal(diag.where, "c.csv");
    assert_int_equal(diag.line, 3);
    assert_non_null(strstr(diag.text, "column 3"));
    assert_non_null(strstr(diag.text, "'segment'"));
    assert_null(strstr(diag.text, "ancient"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_replace_what_was_there),
        cmocka_unit_test(test_what_the_terminal_saw_stays),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_a_bad_row_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
