#include "sotto/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void hands_out_aligned_zeroed_memory(void **state)
{
    (void)state;
    _Alignas(16) uint8_t memory[512];
    for (size_t start = 0; start < 16; start++) { /* the caller's memory may begin anywhere */
        memset(memory, 0xee, sizeof memory);
        sotto_arena arena;
        sotto_arena_init(&arena, memory + start, sizeof memory - 64);
        for (size_t size = 0; size < 24; size++) {
            uint8_t *taken = sotto_arena_take(&arena, size);
            assert_non_null(taken);
            assert_int_equal((uintptr_t)taken % 16, 0);
            assert_true(taken >= memory + start && taken + size <= memory + start + arena.cap);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(taken[i], 0);
            memset(taken, 0xdd, size);
            if (size % 5 == 4)
                sotto_arena_reset(&arena, 0);
        }
    }
}

static void takes_nothing_when_it_does_not_fit(void **state)
{
    (void)state;
    _Alignas(16) uint8_t memory[64];
    sotto_arena arena;
    sotto_arena_init(&arena, memory, sizeof memory);
    assert_non_null(sotto_arena_take(&arena, 40));
    size_t used = sotto_arena_mark(&arena);
    assert_null(sotto_arena_take(&arena, 17));
    assert_null(sotto_arena_take(&arena, SIZE_MAX));
    assert_null(sotto_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(sotto_arena_str(&arena, sotto_span_str("0123456789abcdef")));
    assert_int_equal(arena.used, used);
    assert_non_null(sotto_arena_array(&arena, 4, 4));
    assert_int_equal(arena.used, 64);
    sotto_arena_reset(&arena, used);
    assert_non_null(sotto_arena_take(&arena, 16));
}

static void copies_strings(void **state)
{
    (void)state;
    uint8_t memory[64];
    sotto_arena arena;
    sotto_arena_init(&arena, memory, sizeof memory);
    assert_string_equal(sotto_arena_str(&arena, sotto_span_of("hello", 4)), "hell");
    assert_string_equal(sotto_arena_str(&arena, sotto_span_of(NULL, 0)), "");
}

static void an_arena_without_memory_gives_nothing(void **state)
{
    (void)state;
    sotto_arena arena;
    sotto_arena_init(&arena, NULL, 0);
    assert_null(sotto_arena_take(&arena, 0));
    assert_null(sotto_arena_take(&arena, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_aligned_zeroed_memory),
        cmocka_unit_test(takes_nothing_when_it_does_not_fit),
        cmocka_unit_test(copies_strings),
        cmocka_unit_test(an_arena_without_memory_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
