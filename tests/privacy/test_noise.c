#include "sotto/privacy.h"

#include "drbg.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static int64_t draw(struct drbg *g, uint64_t num, uint64_t den)
{
    sotto_entropy entropy = drbg_entropy(g);
    int64_t out = 0;
    assert_int_equal(sotto_noise_laplace(&entropy, num, den, &out), SOTTO_OK);
    return out;
}

/* From an independent model of the algorithm, with the byte order that noise.c states, written in Python. */
static void known_answers(void **state)
{
    (void)state;
    static const struct {
        uint8_t seed;
        uint64_t num, den;
        int64_t draws[12];
    } KNOWN[] = {
        {1, 1u, 1u, {0, 3, -1, 1, 1, 2, -1, 1, 1, 1, -3, 1}},
        {2, 1u, 4u, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
        {3, 16u, 1u, {10, -47, -64, -10, 11, -8, -20, 2, 32, -10, 35, -16}},
        {4, 10u, 3u, {-2, -2, 2, -7, -2, 1, -2, -4, 4, 5, -5, -2}},
        {5,
         1048576u,
         1u,
         {-67758, -79518, 1147278, -1896933, 324428, -146339, 1108750, -558297, 1044500, -534048, 66160,
          -743967}},
        {6,
         4294967295u,
         1u,
         {-3153738082, -8142753813, 9289338426, 2572002720, -653596658, 2702704632, -226044517, 1305971763,
          -12482614010, -4353384576, 1648492560, 547958787}},
        {7, 1u, 4294967295u, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
        {8, 4294967295u, 4294967294u, {1, -1, 0, 1, -1, 0, 0, 0, 1, 0, -1, 1}},
    };
    for (size_t i = 0; i < SOTTO_COUNT(KNOWN); i++) {
        struct drbg g = drbg_of(KNOWN[i].seed);
        for (size_t k = 0; k < SOTTO_COUNT(KNOWN[i].draws); k++)
            assert_int_equal(draw(&g, KNOWN[i].num, KNOWN[i].den), KNOWN[i].draws[k]);
    }
}

enum { DRAWS = 100000, BINS = 97 };

/* P[first <= X <= last] for 0 <= first, exactly (1 - a)/(1 + a) * sum of a^x, a = exp(-1/s). */
static double tail_mass(double s, int64_t first, int64_t last)
{
    double a = exp(-1 / s);
    return exp(-(double)first / s) * -expm1(-(double)(last - first + 1) / s) / (1 + a);
}

/* Bins of `step` consecutive values on each side of 0, which has one of its own; the outermost are open. */
static size_t bin_of(int64_t x, int64_t step)
{
    int64_t b = ((x < 0 ? -x : x) + step - 1) / step;
    if (b > BINS / 2)
        b = BINS / 2;
    return (size_t)(x < 0 ? BINS / 2 - b : BINS / 2 + b);
}

static double bin_mass(double s, size_t bin, int64_t step)
{
    int64_t b = (int64_t)bin - BINS / 2;
    if (b < 0)
        b = -b;
    if (b == 0)
        return -expm1(-1 / s) / (1 + exp(-1 / s));
    int64_t first = (b - 1) * step + 1;
    return b == BINS / 2 ? exp(-(double)first / s) / (1 + exp(-1 / s)) : tail_mass(s, first, b * step);
}

/* Neighbouring bins are joined until at least 20 draws are expected in each. Returns the statistic. */
static double chi_square(const unsigned *seen, double s, int64_t step, int *freedom)
{
    double statistic = 0, expected = 0, observed = 0, expected_last = 0;
    *freedom = -1;
    for (size_t bin = 0; bin < BINS; bin++) {
        expected += bin_mass(s, bin, step) * DRAWS;
        observed += seen[bin];
        if (expected < 20)
            continue;
        statistic += (observed - expected) * (observed - expected) / expected;
        expected_last = expected;
        expected = observed = 0;
        ++*freedom;
    }
    /* The rest, fewer than 20 expected, belongs to the last joined bin; its share of the statistic is
     * negligible unless it is wrong. */
    if (expected_last > 0 && expected > 0)
        statistic += (observed - expected) * (observed - expected) / expected_last;
    return statistic;
}

/* Wilson and Hilferty 1931; z = 4.75 is a false alarm in a million. */
static double critical(int freedom)
{
    double k = freedom, c = 2 / (9 * k);
    return k * pow(1 - c + 4.75 * sqrt(c), 3);
}

/* Against the exact distribution, over scales from 1/4 to 2^20. Power: the same draws must reject a scale
 * that is 5 % off (the statistic is then some 250 larger, against a critical value of at most 165). */
static void distribution_is_exact(void **state)
{
    (void)state;
    static const uint64_t SCALES[][2] = {{1, 4}, {10, 3}, {1000000, 999}, {1 << 20, 1}};
    for (size_t i = 0; i < SOTTO_COUNT(SCALES); i++) {
        struct drbg g = drbg_of((uint8_t)(40 + i));
        double s = (double)SCALES[i][0] / (double)SCALES[i][1];
        int64_t step = s < 8 ? 1 : (int64_t)(s / 8);
        unsigned seen[BINS] = {0};
        for (int n = 0; n < DRAWS; n++)
            seen[bin_of(draw(&g, SCALES[i][0], SCALES[i][1]), step)]++;
        int freedom = 0, wrong_freedom = 0;
        double exact = chi_square(seen, s, step, &freedom);
        assert_true(freedom >= 2 && exact < critical(freedom));
        assert_true(chi_square(seen, s * 1.05, step, &wrong_freedom) > critical(wrong_freedom));
        assert_true(chi_square(seen, s / 1.05, step, &wrong_freedom) > critical(wrong_freedom));
    }
}

/* The lowest bits are where rounded samplers betray the true value (Mironov 2012): at a large scale the draw
 * modulo 256 must be uniform, and every residue must occur on both sides of 0. */
static void low_bits_are_uniform(void **state)
{
    (void)state;
    struct drbg g = drbg_of(77);
    unsigned seen[2][256] = {{0}};
    for (int n = 0; n < DRAWS; n++) {
        int64_t x = draw(&g, 1u << 30, 1);
        seen[x < 0][(uint8_t)x]++;
    }
    double statistic = 0, expected = DRAWS / 512.0;
    for (int side = 0; side < 2; side++)
        for (int r = 0; r < 256; r++)
            statistic += (seen[side][r] - expected) * (seen[side][r] - expected) / expected;
    assert_true(statistic < critical(511));
}

static void entropy_failure_is_passed_on(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 50; n++) {
        struct drbg g = drbg_of(9);
        g.fail_at = n;
        sotto_entropy entropy = drbg_entropy(&g);
        int64_t out = 1;
        sotto_status status = SOTTO_OK;
        unsigned draws = 0;
        for (; status == SOTTO_OK; draws++)
            status = sotto_noise_laplace(&entropy, 1000, 7, &out);
        assert_int_equal(status, SOTTO_ERR(PORT, IO));
        assert_int_equal(out, 0);
        assert_true(draws <= n);
    }
}

static sotto_status stuck_fill(void *ctx, void *buf, size_t len)
{
    memset(buf, *(int *)ctx, len);
    return SOTTO_OK;
}

/* A source that repeats one byte must end in an error or a draw, never in a loop without end. */
static void stuck_entropy_ends(void **state)
{
    (void)state;
    bool refused = false;
    for (int byte = 0; byte < 256; byte++) {
        sotto_entropy entropy = {.ctx = &byte, .fill = stuck_fill};
        int64_t out = 1;
        sotto_status status = sotto_noise_laplace(&entropy, 1000000, 3, &out);
        if (status != SOTTO_OK)
            assert_int_equal(out, 0);
        refused = refused || status != SOTTO_OK;
    }
    assert_true(refused);
}

static void parameters_have_ranges(void **state)
{
    (void)state;
    static const uint64_t BAD[][2] = {{0, 1}, {1, 0}, {UINT64_C(1) << 32, 1}, {1, UINT64_C(1) << 32}};
    struct drbg g = drbg_of(1);
    sotto_entropy entropy = drbg_entropy(&g);
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        int64_t out = 1;
        assert_int_equal(sotto_noise_laplace(&entropy, BAD[i][0], BAD[i][1], &out),
                         SOTTO_ERR(PRIVACY, RANGE));
        assert_int_equal(out, 0);
    }
    assert_int_equal(g.fills, 0);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(known_answers),        cmocka_unit_test(distribution_is_exact),
        cmocka_unit_test(low_bits_are_uniform), cmocka_unit_test(entropy_failure_is_passed_on),
        cmocka_unit_test(stuck_entropy_ends),   cmocka_unit_test(parameters_have_ranges),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
