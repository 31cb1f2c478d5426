#include "sotto/privacy.h"

#include "drbg.h"

#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

static uint64_t width(uint64_t num, uint64_t den, uint64_t draws, uint32_t ppm)
{
    uint64_t out = 0;
    assert_int_equal(sotto_noise_half_width(num, den, draws, ppm, &out), SOTTO_OK);
    return out;
}

/* The same bound in floating point, with the best theta by brute force: w <= this, and not far above. */
static double chernoff(double s, double n, double beta)
{
    double best = INFINITY;
    for (int k = 1; k < 65536; k += k / 500 + 1) {
        double theta = k / 65536.0;
        double w = s * (n * -log1p(-theta * theta) + log(2 / beta)) / theta;
        best = w < best ? w : best;
    }
    return best - 1;
}

/* Beyond what is searched exactly. */
static void many_draws_are_near_the_best_chernoff_bound(void **state)
{
    (void)state;
    static const uint64_t SCALES[][2] = {{1, 4}, {1, 1}, {10, 3}, {1000, 1}, {UINT32_MAX, 1}};
    static const uint64_t DRAWS[] = {65537, 1000000, UINT32_MAX};
    static const uint32_t PPM[] = {500000, 950000, 999999};
    for (size_t i = 0; i < SOTTO_COUNT(SCALES); i++)
        for (size_t j = 0; j < SOTTO_COUNT(DRAWS); j++)
            for (size_t k = 0; k < SOTTO_COUNT(PPM); k++) {
                double s = (double)SCALES[i][0] / (double)SCALES[i][1];
                double best = chernoff(s, (double)DRAWS[j], 1 - PPM[k] / 1e6);
                double w = (double)width(SCALES[i][0], SCALES[i][1], DRAWS[j], PPM[k]);
                assert_true(w >= best * (1 - 1e-5));
                assert_true(w <= best * (DRAWS[j] > 1000000 ? 1.05 : 1.01) + 2);
            }
}

/* One draw has a closed form: P[|X| > w] = 2 a^(w+1) / (1 + a). */
static void one_draw_is_exact(void **state)
{
    (void)state;
    static const uint64_t SCALES[][2] = {{1, 1000}, {1, 4},     {1, 1},       {10, 3},
                                         {16, 1},   {12345, 1}, {1 << 20, 1}, {UINT32_MAX, 1}};
    static const uint32_t PPM[] = {1, 500000, 900000, 950000, 999000, 999999};
    for (size_t i = 0; i < SOTTO_COUNT(SCALES); i++)
        for (size_t k = 0; k < SOTTO_COUNT(PPM); k++) {
            double s = (double)SCALES[i][0] / (double)SCALES[i][1], beta = 1 - PPM[k] / 1e6;
            double exact = ceil(s * log(2 / (beta * (1 + exp(-1 / s)))) * (1 - 1e-12)) - 1;
            exact = exact < 0 ? 0 : exact;
            double w = (double)width(SCALES[i][0], SCALES[i][1], 1, PPM[k]);
            assert_true(w >= exact && w <= exact * 1.0005 + 1);
        }
}

/* Distribution of the sum by convolution, a draw at a time, on -SPAN .. SPAN: what the closed form must give.
 */
enum { SPAN = 3500, VALUES = 2 * SPAN + 1 };

static void convolve(double *sum, double s)
{
    static double next[VALUES], right[VALUES], left[VALUES];
    double a = exp(-1 / s);
    /* Multiplying by U V is running two one-sided geometric filters: right[x] = sum[x] + a right[x - 1]. */
    for (int x = 0; x < VALUES; x++)
        right[x] = sum[x] + (x > 0 ? a * right[x - 1] : 0);
    for (int x = VALUES - 1; x >= 0; x--)
        left[x] = right[x] + (x < VALUES - 1 ? a * left[x + 1] : 0);
    for (int x = 0; x < VALUES; x++)
        next[x] = left[x] * (1 - a) * (1 - a);
    memcpy(sum, next, sizeof next);
}

static double exact_width(const double *sum, double beta)
{
    double outside = 0;
    int w = SPAN;
    while (w > 0 && outside + 2 * sum[SPAN + w] <= beta)
        outside += 2 * sum[SPAN + w--];
    return w;
}

static void some_draws_are_exact(void **state)
{
    (void)state;
    static const uint64_t SCALES[][2] = {{1, 4}, {1, 1}, {10, 3}, {16, 1}};
    static const uint32_t PPM[] = {500000, 900000, 950000, 999000};
    for (size_t i = 0; i < SOTTO_COUNT(SCALES); i++) {
        static double sum[VALUES];
        double s = (double)SCALES[i][0] / (double)SCALES[i][1];
        memset(sum, 0, sizeof sum);
        sum[SPAN] = 1;
        for (uint64_t n = 1; n <= 200; n++) {
            convolve(sum, s);
            if (n > 12 && n % 50 != 0)
                continue;
            for (size_t k = 0; k < SOTTO_COUNT(PPM); k++) {
                double exact = exact_width(sum, (1 - PPM[k] / 1e6) * (1 - 1e-9));
                double slack = exact_width(sum, (1 - PPM[k] / 1e6) * (1 + 1e-9));
                double w = (double)width(SCALES[i][0], SCALES[i][1], n, PPM[k]);
                assert_true(w >= slack && w <= exact * 1.0005 + 1);
            }
        }
    }
}

/* Far out, the sum is normal with variance 2 n a / (1 - a)^2. */
static void many_draws_meet_the_normal_limit(void **state)
{
    (void)state;
    static const uint64_t SCALES[][2] = {{1, 1}, {UINT32_MAX, 1000}};
    for (size_t i = 0; i < SOTTO_COUNT(SCALES); i++) {
        double s = (double)SCALES[i][0] / (double)SCALES[i][1], a = exp(-1 / s);
        double limit = 1.959964 * sqrt(2 * 65536 * a) / -expm1(-1 / s);
        double w = (double)width(SCALES[i][0], SCALES[i][1], 65536, 950000);
        assert_true(w > limit * .999 - 1 && w < limit * 1.002 + 1);
    }
}

/* Sums of real draws: never more often outside than promised (2,000 sums: 5 standard deviations allowed). */
static void holds_in_practice(void **state)
{
    (void)state;
    static const uint64_t CASES[][3] = {{1, 4, 1}, {8, 1, 1}, {8, 1, 10}, {10, 3, 40}, {1000, 1, 5}};
    enum { SUMS = 2000 };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        struct drbg g = drbg_of((uint8_t)(120 + i));
        sotto_entropy entropy = drbg_entropy(&g);
        int64_t w = (int64_t)width(CASES[i][0], CASES[i][1], CASES[i][2], 900000);
        int outside = 0;
        for (int n = 0; n < SUMS; n++) {
            int64_t sum = 0, x = 0;
            for (uint64_t k = 0; k < CASES[i][2]; k++, sum += x)
                assert_int_equal(sotto_noise_laplace(&entropy, CASES[i][0], CASES[i][1], &x), SOTTO_OK);
            outside += sum > w || sum < -w;
        }
        assert_true(outside <= SUMS / 10 + 5 * 14);
        assert_true(outside >= SUMS / 20 || CASES[i][0] < CASES[i][1]);
    }
}

static void grows_with_what_it_should(void **state)
{
    (void)state;
    assert_int_equal(width(8, 1, 0, 950000), 0);
    for (uint64_t n = 1; n < 200; n++)
        assert_true(width(8, 1, n + 1, 950000) >= width(8, 1, n, 950000));
    for (uint32_t ppm = 1; ppm < 990000; ppm += 10000)
        assert_true(width(8, 1, 10, ppm + 10000) >= width(8, 1, 10, ppm));
}

static void parameters_have_ranges(void **state)
{
    (void)state;
    uint64_t out = 1;
    assert_int_equal(sotto_noise_half_width(0, 1, 1, 950000, &out), SOTTO_ERR(PRIVACY, RANGE));
    assert_int_equal(out, 0);
    assert_int_equal(sotto_noise_half_width(1, 0, 1, 950000, &out), SOTTO_ERR(PRIVACY, RANGE));
    assert_int_equal(sotto_noise_half_width(1, 1, 1, 0, &out), SOTTO_ERR(PRIVACY, RANGE));
    assert_int_equal(sotto_noise_half_width(1, 1, 1, 1000000, &out), SOTTO_ERR(PRIVACY, RANGE));
    assert_int_equal(sotto_noise_half_width(1, 1, UINT64_C(1) << 32, 1, &out), SOTTO_ERR(PRIVACY, RANGE));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(many_draws_are_near_the_best_chernoff_bound),
        cmocka_unit_test(one_draw_is_exact),
        cmocka_unit_test(some_draws_are_exact),
        cmocka_unit_test(many_draws_meet_the_normal_limit),
        cmocka_unit_test(holds_in_practice),
        cmocka_unit_test(grows_with_what_it_should),
        cmocka_unit_test(parameters_have_ranges),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
