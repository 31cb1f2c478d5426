/* Enough of cmocka's interface (an own writing of it) to run tests/model/test_golden.c where no operating
 * system is: a failed assertion ends the program. */
#ifndef SOTTO_BARE_CMOCKA_H
#define SOTTO_BARE_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};
#define cmocka_unit_test(f) ((struct CMUnitTest){#f, f})

static inline void bare_check(int holds, const char *what, int line)
{
    if (holds)
        return;
    printf("FAILED line %d: %s\n", line, what);
    exit(1);
}
#define assert_true(c)            bare_check((c) ? 1 : 0, #c, __LINE__)
#define assert_non_null(p)        assert_true((p) != NULL)
#define assert_null(p)            assert_true((p) == NULL)
#define assert_int_equal(a, b)    assert_true((a) == (b))
#define assert_string_equal(a, b) assert_true(strcmp((a), (b)) == 0)
#define assert_in_range(v, a, b)  assert_true((v) >= (a) && (v) <= (b))
#define print_message             printf

static inline int bare_run(const struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void *state = NULL;
        tests[i].run(&state);
        printf("ok %s\n", tests[i].name);
    }
    return 0;
}
#define cmocka_run_group_tests(tests, up, down) bare_run(tests, sizeof(tests) / sizeof(tests)[0])

#endif
