#include "port_test.h"

#include <time.h>

static void clock_agrees_with_the_system(void **state)
{
    (void)state;
    sotto_clock clock = sotto_port_clock();
    time_t before = time(NULL);
    int64_t utc_s = clock.utc_s(clock.ctx);
    assert_true(utc_s >= (int64_t)before - 1 && utc_s <= (int64_t)time(NULL) + 1);
    int64_t first_ms = clock.mono_ms(clock.ctx);
    for (int i = 0; i < 1000; i++) {
        int64_t next_ms = clock.mono_ms(clock.ctx);
        assert_true(next_ms >= first_ms);
        first_ms = next_ms;
    }
}

static void time_passes(void **state)
{
    (void)state;
    sotto_clock clock = sotto_port_clock();
    int64_t before_ms = clock.mono_ms(clock.ctx);
    assert_int_equal(usleep(20000), 0);
    assert_true(clock.mono_ms(clock.ctx) - before_ms >= 19);
}

static void a_shifted_clock_follows_its_offset(void **state)
{
    (void)state;
    int64_t offset_s = 0;
    sotto_clock plain = sotto_port_clock(), shifted = sotto_port_clock_shifted(&offset_s);
    static const int64_t OFFSETS[] = {0, 86400, -86400, INT64_C(4000000000), -INT64_C(4000000000)};
    for (size_t i = 0; i < SOTTO_COUNT(OFFSETS); i++) {
        offset_s = OFFSETS[i];
        int64_t difference_s = shifted.utc_s(shifted.ctx) - plain.utc_s(plain.ctx) - offset_s;
        assert_true(difference_s >= -1 && difference_s <= 1);
    }
    offset_s = INT64_MAX;
    assert_true(shifted.utc_s(shifted.ctx) == INT64_MAX); /* saturates */
    assert_true(shifted.mono_ms(shifted.ctx) - plain.mono_ms(plain.ctx) < 1000);
}

static void entropy_fills_every_byte(void **state)
{
    (void)state;
    enum { LEN = 1000 };
    sotto_entropy entropy = sotto_port_entropy();
    uint8_t seen[LEN] = {0}, once[LEN + 1];
    for (int round = 0; round < 8; round++) {
        once[LEN] = 0xa5;
        assert_ok(entropy.fill(entropy.ctx, once, LEN));
        assert_int_equal(once[LEN], 0xa5);
        for (size_t i = 0; i < LEN; i++)
            seen[i] |= once[i];
    }
    for (size_t i = 0; i < LEN; i++) /* a byte that is 0 eight times: once in 2^64 */
        assert_int_not_equal(seen[i], 0);
    assert_ok(entropy.fill(entropy.ctx, once, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_agrees_with_the_system),
        cmocka_unit_test(time_passes),
        cmocka_unit_test(a_shifted_clock_follows_its_offset),
        cmocka_unit_test(entropy_fills_every_byte),
    };
    return cmocka_run_group_tests_name("port.clock", tests, NULL, NULL);
}
