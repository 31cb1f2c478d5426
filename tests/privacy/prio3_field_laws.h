/*
 * The laws of a field, and of polynomials over it, against a slow reference: numbers of 32-bit digits,
 * multiplied bit by bit. Included by the test of each field after its engine's source.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DIGITS = 2 * FELEM_WORDS, POINTS_MAX = 256 };

/* A number below p; digit DIGITS is for the carry. */
typedef struct slow {
    uint32_t d[DIGITS + 1];
} slow;

static slow slow_of(felem a)
{
    uint64_t words[2];
    slow out = {{0}};
    felem_words(a, words);
    for (unsigned i = 0; i < DIGITS; i++)
        out.d[i] = (uint32_t)(words[i / 2] >> (32 * (i % 2)));
    return out;
}

static felem slow_felem(slow a)
{
    uint64_t words[2] = {0};
    for (unsigned i = 0; i < DIGITS; i++)
        words[i / 2] |= (uint64_t)a.d[i] << (32 * (i % 2));
    return felem_from_words(words);
}

static int slow_compare(slow a, slow b)
{
    for (unsigned i = DIGITS + 1; i-- > 0;)
        if (a.d[i] != b.d[i])
            return a.d[i] < b.d[i] ? -1 : 1;
    return 0;
}

static slow slow_less(slow a, slow b) /* a >= b */
{
    int64_t borrow = 0;
    for (unsigned i = 0; i < DIGITS + 1; i++) {
        int64_t digit = (int64_t)a.d[i] - (int64_t)b.d[i] - borrow;
        borrow = digit < 0;
        a.d[i] = (uint32_t)digit;
    }
    return a;
}

static slow slow_add(slow a, slow b)
{
    uint64_t carry = 0;
    for (unsigned i = 0; i < DIGITS + 1; i++) {
        carry += (uint64_t)a.d[i] + b.d[i];
        a.d[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return slow_compare(a, MODULUS) >= 0 ? slow_less(a, MODULUS) : a;
}

static slow slow_sub(slow a, slow b)
{
    return slow_compare(a, b) >= 0 ? slow_less(a, b)
                                   : slow_less(slow_add(a, slow_less(MODULUS, b)), (slow){{0}});
}

static slow slow_mul(slow a, slow b)
{
    slow product = {{0}};
    for (unsigned bit = 32 * DIGITS; bit-- > 0;) {
        product = slow_add(product, product);
        if ((b.d[bit / 32] >> (bit % 32)) & 1)
            product = slow_add(product, a);
    }
    return product;
}

static bool equal(felem a, felem b)
{
    return felem_is_zero(felem_sub(a, b)) && memcmp(&a, &b, sizeof a) == 0;
}

/* xorshift64*, Vigna 2016: deterministic, the same everywhere. */
static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_word(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static felem random_felem(void)
{
    for (;;) {
        const uint64_t words[2] = {random_word(), random_word()};
        felem a = felem_from_words(words);
        if (felem_is_canonical(a))
            return a;
    }
}

/* Where carries and borrows happen: near 0, p, powers of 2^32, and their halves. */
static size_t edges(felem *out)
{
    static const uint64_t WORDS[] = {0,
                                     1,
                                     2,
                                     3,
                                     UINT64_C(0x7fffffff),
                                     UINT64_C(0xffffffff),
                                     UINT64_C(0x100000000),
                                     UINT64_C(0x7fffffffffffffff),
                                     UINT64_C(0x8000000000000000),
                                     UINT64_C(0xffffffff00000000),
                                     UINT64_C(0xffffffffffffffe3),
                                     UINT64_C(0xffffffffffffffe4),
                                     UINT64_C(0xffffffffffffffff)};
    size_t n = 0;
    for (size_t i = 0; i < SOTTO_COUNT(WORDS); i++)
        for (size_t j = 0; j < (FELEM_WORDS == 1 ? 1 : SOTTO_COUNT(WORDS)); j++) {
            const uint64_t words[2] = {WORDS[i], WORDS[j]};
            felem a = felem_from_words(words);
            if (!felem_is_canonical(a))
                continue;
            out[n++] = a;
            out[n++] = felem_sub(felem_zero(), a);
        }
    return n;
}

static void check_pair(felem a, felem b)
{
    slow x = slow_of(a), y = slow_of(b);
    assert_true(equal(felem_add(a, b), slow_felem(slow_add(x, y))));
    assert_true(equal(felem_sub(a, b), slow_felem(slow_sub(x, y))));
    felem product = slow_felem(slow_mul(x, y));
    assert_true(equal(felem_mul(a, felem_factor(b)), product));
    assert_true(equal(felem_plain(felem_mul(felem_factor(a), felem_factor(b))), product));
    assert_true(equal(felem_plain(felem_factor(a)), a));
    felem_acc acc = felem_acc_zero();
    felem_acc_add(&acc, a, b);
    assert_true(equal(felem_acc_plain(&acc), product));
}

static void arithmetic_at_the_edges(void **state)
{
    static felem all[2 * 13 * 13];
    (void)state;
    size_t n = edges(all);
    assert_true(n >= 20);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j += 1 + (FELEM_WORDS - 1) * (i % 7))
            check_pair(all[i], all[j]);
}

static void arithmetic_at_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++)
        check_pair(random_felem(), random_felem());
}

static void laws_hold(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        felem a = random_felem(), b = random_felem(), c = felem_factor(random_felem());
        assert_true(equal(felem_add(a, b), felem_add(b, a)));
        assert_true(equal(felem_sub(felem_add(a, b), b), a));
        assert_true(equal(felem_mul(felem_add(a, b), c), felem_add(felem_mul(a, c), felem_mul(b, c))));
        assert_true(equal(felem_mul(a, FACTOR_ONE), a));
        assert_true(equal(felem_add(felem_mul(a, FACTOR_HALF), felem_mul(a, FACTOR_HALF)), a));
    }
}

/* The largest products, so many that every word of the sum is used. */
static void sums_of_products(void **state)
{
    felem minus_one = felem_sub(felem_zero(), felem_small(1)), want = felem_zero(), a = felem_zero();
    felem_acc largest = felem_acc_zero(), mixed = felem_acc_zero();
    (void)state;
    for (uint32_t i = 1; i <= 100000; i++) {
        felem_acc_add(&largest, minus_one, minus_one);
        if (i % 9973 == 0 || i < 10)
            assert_true(equal(felem_acc_plain(&largest), felem_small(i)));
    }
    for (unsigned i = 0; i < 2000; i++) {
        felem b = random_felem();
        want = felem_add(want, felem_mul(a, felem_factor(b)));
        felem_acc_add(&mixed, a, b);
        assert_true(equal(felem_acc_plain(&mixed), want));
        a = b;
    }
}

static void only_numbers_below_p_are_canonical(void **state)
{
    uint8_t bytes[FELEM_BYTES];
    (void)state;
    felem minus_one = felem_sub(felem_zero(), felem_small(1));
    felem_store(bytes, minus_one);
    assert_true(engine_load(&(felem){0}, bytes, 1));
    /* p is the number after -1 */
    for (unsigned i = 0; i < FELEM_BYTES && ++bytes[i] == 0; i++)
        continue;
    assert_false(engine_load(&(felem){0}, bytes, 1));
    assert_int_equal(slow_compare(slow_of(felem_load(bytes)), MODULUS), 0);
    memset(bytes, 0xff, sizeof bytes);
    assert_false(engine_load(&(felem){0}, bytes, 1));
}

static void inverses(void **state)
{
    (void)state;
    for (uint32_t shares = 1; shares <= 255; shares++) {
        uint64_t words[2];
        engine_share_inverse(shares, words);
        felem product = felem_mul(felem_from_words(words), felem_factor(felem_small(shares)));
        assert_true(equal(product, felem_small(1)));
    }
}

/* p(x) by Horner, coefficients in natural order; x a factor. */
static felem horner(const felem *coefficients, size_t n, felem x)
{
    felem sum = felem_zero();
    for (size_t i = n; i-- > 0;)
        sum = felem_add(felem_mul(sum, x), coefficients[i]);
    return sum;
}

static void roots_are_primitive(void **state)
{
    (void)state;
    for (unsigned i = 1; i < SOTTO_COUNT(ROOTS); i++)
        assert_true(equal(felem_mul(ROOTS[i], ROOTS[i]), ROOTS[i - 1]));
    assert_true(equal(ROOTS[0], FACTOR_ONE));
    assert_true(equal(felem_add(felem_plain(ROOTS[1]), felem_small(1)), felem_zero()));
}

static void transforms_against_horner(void **state)
{
    static felem roots[2 * POINTS_MAX], scale[POINTS_MAX], values[POINTS_MAX], coefficients[POINTS_MAX];
    (void)state;
    for (size_t n = 2; n <= POINTS_MAX; n *= 2) {
        poly_roots(roots, 2 * n);
        poly_scale(scale, roots, n);
        for (size_t i = 0; i < n; i++)
            coefficients[i] = random_felem();
        for (size_t i = 0; i < n; i++)
            values[i] = horner(coefficients, n, roots[2 * i]);
        poly_shift(values, n, roots, scale);
        for (size_t i = 0; i < n; i++)
            assert_true(equal(values[i], horner(coefficients, n, roots[2 * i + 1])));
    }
}

static void points_against_horner(void **state)
{
    static felem roots[2 * POINTS_MAX], at[POINTS_MAX], values[POINTS_MAX], coefficients[POINTS_MAX];
    (void)state;
    for (size_t n = 2; n <= POINTS_MAX; n *= 2) {
        felem t = felem_factor(random_felem());
        poly_roots(roots, 2 * n);
        for (size_t i = 0; i < n; i++)
            coefficients[i] = random_felem();
        for (size_t i = 0; i < n; i++)
            values[i] = horner(coefficients, n, roots[2 * i]);
        assert_false(felem_is_zero(poly_at(at, n, roots, 2, t)));
        assert_true(equal(poly_dot(values, 1, at, n), horner(coefficients, n, t)));
        /* a node of the polynomial is found out, the nodes between them are not */
        assert_true(felem_is_zero(poly_at(at, n, roots, 2, roots[2 * (n / 2)])));
        assert_false(felem_is_zero(poly_at(at, n, roots, 2, roots[1])));
    }
}

/* A stream with numbers that are not below p: they are left out, the others keep their order. */
static void rejected_draws_are_replaced(void **state)
{
    enum { N = 7 };
    uint8_t stream[3 * FELEM_BYTES];
    felem drawn[N], want[N];
    prio3_xof xof, copy;
    (void)state;
    prio3_turboshake_init(&xof);
    prio3_turboshake_finish(&xof, 1);
    copy = xof;
    engine_expand(drawn, N, &xof);
    prio3_turboshake_squeeze(&copy, stream, sizeof stream);
    for (unsigned i = 0; i < 3; i++)
        assert_true(equal(drawn[i], felem_load(stream + i * FELEM_BYTES)));
    /* the first 4 and the last 3 numbers of the first draw, with bad ones between them */
    memcpy(want, drawn, sizeof want);
    memset(&drawn[4], 0xff, 3 * sizeof(felem));
    memset(&drawn[0], 0xff, sizeof(felem));
    copy = xof;
    expand_again(drawn, N, &xof);
    for (unsigned i = 0; i < 3; i++)
        assert_true(equal(drawn[i], want[i + 1]));
    engine_expand(want, 4, &copy);
    for (unsigned i = 0; i < 4; i++)
        assert_true(equal(drawn[3 + i], want[i]));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(arithmetic_at_the_edges),
                                              cmocka_unit_test(arithmetic_at_random),
                                              cmocka_unit_test(laws_hold),
                                              cmocka_unit_test(sums_of_products),
                                              cmocka_unit_test(only_numbers_below_p_are_canonical),
                                              cmocka_unit_test(inverses),
                                              cmocka_unit_test(roots_are_primitive),
                                              cmocka_unit_test(transforms_against_horner),
                                              cmocka_unit_test(points_against_horner),
                                              cmocka_unit_test(rejected_draws_are_replaced)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
