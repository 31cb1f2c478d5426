/* Words of the command line: every kind of option, and what is said of those that cannot be meant. */
#include "office/args.h"
#include "office/office.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct words {
    bool flag;
    const char *text, *first, *second;
    int64_t number;
    double real;
    hq_list list;
} words;

enum { WORDS_MAX = 2 * HQ_LIST_MAX + 8 };

/* Parses `line`, words with a space between, behind the command's name. */
static sotto_status parse(const char *line, words *w, sotto_diag *diag)
{
    static char text[8192];
    char *argv[WORDS_MAX] = {"command"};
    int argc = 1;
    *w = (words){.number = -1, .real = -1};
    *diag = (sotto_diag){.status = SOTTO_OK};
    const hq_option options[] = {
        {"--flag", HQ_FLAG, &w->flag, false, 0, 0},
        {"--text", HQ_TEXT, &w->text, false, 0, 0},
        {"--number", HQ_NUMBER, &w->number, false, -3, HQ_NUMBER_MAX},
        {"--real", HQ_REAL, &w->real, false, 0.25, 1e6},
        {"the first file", HQ_POSITION, &w->first, true, 0, 0},
        {"the second file", HQ_POSITION, &w->second, false, 0, 0},
        {"--list", HQ_LIST, &w->list, true, 0, 0},
    };
    (void)snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL && argc < WORDS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    return hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
}

static void every_kind_is_taken_in_any_order(void **state)
{
    static const char *const LINES[] = {
        "a --list x --number 7 --flag --text t b --real 2.5 --list y",
        "--real=2.5 --list=x a --flag --list=y --text=t --number=7 b",
        "--text t --number=7 --list x --list y --real 25e-1 --flag a b",
    };
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(LINES); i++) {
        words w;
        sotto_diag diag;
        if (parse(LINES[i], &w, &diag) != SOTTO_OK)
            fail_msg("%s: %s", LINES[i], diag.text);
        assert_true(w.flag);
        assert_string_equal(w.text, "t");
        assert_int_equal(w.number, 7);
        assert_true(w.real > 2.4 && w.real < 2.6);
        assert_string_equal(w.first, "a");
        assert_string_equal(w.second, "b");
        assert_int_equal(w.list.count, 2);
        assert_string_equal(w.list.item[0], "x");
        assert_string_equal(w.list.item[1], "y");
    }
}

static void what_is_not_given_stays(void **state)
{
    words w;
    sotto_diag diag;
    (void)state;
    assert_int_equal(parse("- --list=--flag", &w, &diag),
                     SOTTO_OK); /* - is a position; behind an = any word is a value */
    assert_string_equal(w.first, "-");
    assert_string_equal(w.list.item[0], "--flag");
    assert_true(!w.flag && w.text == NULL && w.second == NULL && w.number == -1 && w.real < 0);
}

static void limits_are_part_of_the_range(void **state)
{
    words w;
    sotto_diag diag;
    (void)state;
    assert_int_equal(parse("a --list x --number -3 --real 0.25", &w, &diag), SOTTO_OK);
    assert_int_equal(w.number, -3);
    assert_int_equal(parse("a --list x --number 9223372036854774784 --real 1e6", &w, &diag), SOTTO_OK);
    assert_true(w.number == INT64_C(9223372036854774784));
}

static void what_cannot_be_meant_is_said(void **state)
{
    static const struct {
        const char *line, *says;
    } CASES[] = {
        {"a --list x --colour blue", "--colour is not known here"},
        {"a --list x --flag=1", "--flag=1 is not known here"},
        {"a --list x --tex t", "--tex is not known here"},
        {"a --list x --texts t", "--texts is not known here"},
        {"a b c --list x", "c is not known here"},
        {"a --list x --flag --flag", "--flag is given twice"},
        {"a --list x --text t --text=t", "--text is given twice"},
        {"a --list x --number 1 --number 1", "--number is given twice"},
        {"a --list x --text", "--text needs a value"},
        {"a --list x --text --text", "--text needs a value"},
        {"a --list x --text --flag", "--text needs a value"},
        {"a --list --flag", "--list needs a value"},
        {"a --list x --text=", "--text needs a value"},
        {"a --list=", "--list needs a value"},
        {"--list x", "the first file is missing"},
        {"a", "--list is missing"},
        {"a --list x --number -4", "--number takes a whole number from -3 to 9223372036854774784"},
        {"a --list x --number 1.5", "--number takes a whole number"},
        {"a --list x --number 9223372036854775808", "--number takes a whole number"},
        {"a --list x --real 0.2", "--real takes a number from 0.25 to 1e+06"},
        {"a --list x --real 1000001", "--real takes a number"},
        {"a --list x --real nan", "--real takes a number"},
        {"a --list x --real inf", "--real takes a number"},
        {"a --list x --real 1x", "--real takes a number"},
        {"a --list x --real x", "--real takes a number"},
        {"a --list x --store postgresql://u@h/d", "--store is not known here"}, /* no --dir in the table */
    };
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        words w;
        sotto_diag diag;
        assert_int_equal(parse(CASES[i].line, &w, &diag), SOTTO_ERR(HQ, USAGE));
        if (strstr(diag.text, CASES[i].says) == NULL)
            fail_msg("%s: %s", CASES[i].line, diag.text);
    }
}

static void a_list_has_an_end(void **state)
{
    char line[16 * HQ_LIST_MAX] = "a";
    words w;
    sotto_diag diag;
    (void)state;
    for (size_t i = 0; i < HQ_LIST_MAX; i++)
        strcat(line, " --list x");
    assert_int_equal(parse(line, &w, &diag), SOTTO_OK);
    assert_int_equal(w.list.count, HQ_LIST_MAX);
    strcat(line, " --list x");
    assert_int_equal(parse(line, &w, &diag), SOTTO_ERR(HQ, USAGE));
    assert_non_null(strstr(diag.text, "--list is given too often"));
}

static void the_registry_can_stand_elsewhere(void **state)
{
    const char *dir = NULL;
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, true, 0, 0}};
    char *good[] = {"command", "--store=postgresql://u@h/d", "--dir", "x"},
         *twice[] = {"command",           "--dir", "x", "--store", "postgresql://u@h/d", "--store",
                     "postgresql://u@h/d"},
         *path[] = {"command", "--dir", "x", "--store", "somewhere"},
         *none[] = {"command", "--dir", "x", "--store"},
         *next[] = {"command", "--dir", "--store", "postgresql://u@h/d"};
    sotto_diag diag = {.status = SOTTO_OK};
    (void)state;
    assert_int_equal(hq_parse(SOTTO_COUNT(good), good, options, 1, &diag), SOTTO_OK);
    assert_string_equal(hq_store_chosen(), "postgresql://u@h/d");
    assert_int_equal(hq_parse(SOTTO_COUNT(twice), twice, options, 1, &diag), SOTTO_ERR(HQ, USAGE));
    assert_non_null(strstr(diag.text, "--store is given twice"));
    assert_int_equal(hq_parse(SOTTO_COUNT(path), path, options, 1, &diag), SOTTO_ERR(HQ, USAGE));
    assert_non_null(strstr(diag.text, "takes a URL"));
    assert_int_equal(hq_parse(SOTTO_COUNT(none), none, options, 1, &diag), SOTTO_ERR(HQ, USAGE));
    assert_int_equal(hq_parse(SOTTO_COUNT(next), next, options, 1, &diag), SOTTO_ERR(HQ, USAGE));
    assert_non_null(strstr(diag.text, "--dir needs a value"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_taken_in_any_order),
        cmocka_unit_test(what_is_not_given_stays),
        cmocka_unit_test(limits_are_part_of_the_range),
        cmocka_unit_test(what_cannot_be_meant_is_said),
        cmocka_unit_test(a_list_has_an_end),
        cmocka_unit_test(the_registry_can_stand_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
