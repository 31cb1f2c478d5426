/* The growing buffer: up to its limit and not a byte further, and unchanged when the heap gives nothing. */
#include "sotto/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static bool heap_is_empty;

void *__real_malloc(size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *ptr, size_t size);

void *__wrap_malloc(size_t size)
{
    return heap_is_empty ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return heap_is_empty ? NULL : __real_realloc(ptr, size);
}

static void grows_to_its_limit_exactly(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 1200; limit += 1 + limit / 7) {
        sotto_vec vec;
        sotto_vec_init(&vec, limit);
        for (size_t i = 0; i < limit; i++) {
            uint8_t byte = (uint8_t)(i * 7);
            assert_int_equal(sotto_vec_put(&vec, &byte, 1), SOTTO_OK);
            assert_true(vec.cap <= limit);
        }
        assert_int_equal(sotto_vec_put(&vec, "x", 1), SOTTO_ERR(BASE, RANGE));
        assert_int_equal(sotto_vec_printf(&vec, "x"), SOTTO_ERR(BASE, RANGE));
        assert_int_equal(sotto_vec_put(&vec, NULL, 0), SOTTO_OK);
        assert_int_equal(vec.len, limit);
        for (size_t i = 0; i < limit; i++)
            assert_int_equal(vec.ptr[i], (uint8_t)(i * 7));
        sotto_vec_free(&vec);
        assert_null(vec.ptr);
        assert_int_equal(vec.limit, limit);
    }
}

static void prints_what_fits_even_to_the_last_byte(void **state)
{
    (void)state;
    sotto_vec vec;
    sotto_vec_init(&vec, 8);
    assert_int_equal(sotto_vec_printf(&vec, "%d-%s", 12, "ab"), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(&vec, "%s", ""), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(&vec, "1234"), SOTTO_ERR(BASE, RANGE));
    assert_int_equal(sotto_vec_printf(&vec, "%03d", 7), SOTTO_OK);
    assert_true(sotto_span_is(sotto_vec_span(&vec), "12-ab007"));
    sotto_vec_free(&vec);
}

static void is_unchanged_when_memory_is_out(void **state)
{
    (void)state;
    sotto_vec vec;
    sotto_vec_init(&vec, 600);
    assert_int_equal(sotto_vec_printf(&vec, "kept"), SOTTO_OK);
    char big[500] = {0};
    memset(big, 'b', sizeof big - 1);
    heap_is_empty = true;
    sotto_status put = sotto_vec_put(&vec, big, sizeof big);
    sotto_status printed = sotto_vec_printf(&vec, "%s", big);
    sotto_status tight = sotto_vec_printf(&vec, "%s%97s", big, "");
    heap_is_empty = false;
    assert_int_equal(put, SOTTO_ERR(BASE, NO_MEMORY));
    assert_int_equal(printed, SOTTO_ERR(BASE, NO_MEMORY));
    assert_int_equal(tight, SOTTO_ERR(BASE, NO_MEMORY));
    assert_true(sotto_span_is(sotto_vec_span(&vec), "kept"));
    sotto_vec_free(&vec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_limit_exactly),
        cmocka_unit_test(prints_what_fits_even_to_the_last_byte),
        cmocka_unit_test(is_unchanged_when_memory_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
