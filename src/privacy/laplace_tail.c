/*
 * P[S >= t] for the sum S of n independent discrete Laplace draws with parameter a = exp(-1/scale), t >= 1.
 *
 * A draw is a difference of two geometric variables; its generating function is U V with U = (1-a)/(1-az) and
 * V = (1-a)/(1-a/z). Partial fractions give U V = (U + (a/z) V) / (1+a). Applied until one of the powers is
 * used up, this writes (U V)^n as a mixture of powers of U alone and of V alone, all weights positive; for t
 * >= 1 only those of U count, U^i coming with z^-(n-i) and weight c_i = C(2n-i-1, n-i) (1/(1+a))^n
 * (a/(1+a))^(n-i),   i = 1 .. n. U^i is negative binomial, and NB(i) >= t + n - i says that t + n - 1 trials
 * hold fewer than i failures. So P[S >= t] = sum over i of c_i P[Binomial(t + n - 1, 1 - a) <= i - 1], a sum
 * of n positive terms, each from the one before by a ratio. (n = 1: a^t / (1 + a).)
 *
 * A larger a than the true one is safe: |draw| grows stochastically, draws are symmetric and unimodal, and
 * sums of such keep that order (Birnbaum, "On random variables with comparable peakedness", 1948).
 */
#include "laplace_tail.h"

#include "sotto/fixed.h"

#include <assert.h>

enum { ONE_BITS = 62 }; /* probabilities as integers over 2^62 */
static const uint64_t ONE = (uint64_t)1 << ONE_BITS;

/* A lower bound of 1 - exp(-x) for x = den / num <= 2^-10: x - x^2 / 2, short of it by x^3 / 6. */
static uint64_t small_complement(uint64_t num, uint64_t den)
{
    uint64_t high = (den << 32) / num, rest = (den << 32) % num;
    uint64_t x = (high << (ONE_BITS - 32)) + (rest << (ONE_BITS - 32)) / num; /* < 2^52 */
    uint64_t root = (x >> 21) + 1; /* x < root * 2^21, root <= 2^31; x^2 / 2 over 2^62 is x^2 / 2^63 */
    return x - (root * root >> (63 - 42)) - 1;
}

/* The same for larger x, through the exponential of fixed (2 ulp of 2^-30). */
static uint64_t large_complement(uint64_t num, uint64_t den)
{
    uint64_t x_q24 = (den << 24) / num, cap = (uint64_t)1 << 40;
    uint64_t a_q30 = (uint64_t)sotto_fixed_exp_neg_q30(-(int64_t)(x_q24 < cap ? x_q24 : cap)) + 2;
    return ONE - (a_q30 << (ONE_BITS - 30));
}

/* C(2n-2, n-1) */
static sotto_up central_binomial(uint64_t draws)
{
    sotto_up c = sotto_up_of(1, 0);
    for (uint64_t k = 1; k < draws; k++)
        c = sotto_up_div(sotto_up_mul(c, sotto_up_of(draws - 1 + k, 0)), k);
    return c;
}

void sotto_tail_prepare(sotto_tail *tail, uint64_t num, uint64_t den, uint64_t draws)
{
    assert(num >= 1 && num <= UINT32_MAX && den >= 1 && den <= UINT32_MAX);
    assert(draws >= 1 && draws <= (uint64_t)1 << 20);
    uint64_t p = den <= num >> 10 ? small_complement(num, den) : large_complement(num, den);
    uint64_t a = ONE - p; /* from here on exact: p + a = 1 */
    assert(p >= 1 && a >= 1);
    sotto_up inverse = sotto_up_div(sotto_up_of(1, ONE_BITS), ONE + a); /* 1 / (1 + a) */
    tail->draws = draws;
    tail->a = sotto_up_of(a, -ONE_BITS);
    tail->odds = sotto_up_div(sotto_up_of(p, 0), a);
    tail->inverse_q = sotto_up_div(sotto_up_of(ONE + a, 0), a);
    sotto_up q = sotto_up_mul(tail->a, inverse);
    tail->first_share = sotto_up_mul(sotto_up_power(inverse, draws), sotto_up_power(q, draws - 1));
    tail->first_share = sotto_up_mul(tail->first_share, central_binomial(draws));
}

sotto_up sotto_tail_at(const sotto_tail *tail, uint64_t t)
{
    assert(t >= 1);
    uint64_t n = tail->draws, trials = t + n - 1;
    sotto_up failures = sotto_up_power(tail->a, trials); /* P[exactly i - 1 failures] */
    sotto_up at_most = failures, share = tail->first_share;
    sotto_up sum = sotto_up_mul(share, at_most);
    for (uint64_t i = 2; i <= n; i++) {
        sotto_up ratio = sotto_up_mul(sotto_up_of(trials - (i - 2), 0), tail->odds);
        failures = sotto_up_div(sotto_up_mul(failures, ratio), i - 1);
        at_most = sotto_up_add(at_most, failures);
        ratio = sotto_up_mul(sotto_up_of(n - i + 1, 0), tail->inverse_q);
        share = sotto_up_div(sotto_up_mul(share, ratio), 2 * n - i);
        sum = sotto_up_add(sum, sotto_up_mul(share, at_most));
    }
    return sum;
}
