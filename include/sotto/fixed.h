/*
 * fixed: integer arithmetic that gives the same bits on every CPU. No floating point anywhere (it runs on a
 * core without an FPU).
 *
 * Names end in their scale: _qN is a value times 2^N. All functions are pure and re-entrant.
 */
#ifndef SOTTO_FIXED_H
#define SOTTO_FIXED_H

#include "sotto/base.h"

#define SOTTO_PROB_ONE_Q30 ((uint32_t)1 << 30) /* probability 1 */

/* Logistic function, 1 / (1 + e^-margin). margin_q24: any int64 (below 2^-34 from its end beyond |24|).
 * Result 0 .. 2^30; monotone; sigmoid(-x) = 2^30 - sigmoid(x) exactly. Error at most 0.68 ulp (of 2^-30) over
 * the whole range, measured at every margin. */
uint32_t sotto_fixed_sigmoid_q30(int64_t margin_q24);

/* e^x for x <= 0 (asserted); result Q30 in [0, 2^30]; monotone. Error at most 0.87 ulp, measured at every x.
 */
uint32_t sotto_fixed_exp_neg_q30(int64_t x_q24);

/* Natural logarithm of v (an integer >= 1) in Q24; monotone. Error at most 0.51 ulp (of 2^-24; bound 0.5 +
 * 2^-7, and measured at every v up to 2^30). v = 0 is a bug of the caller (asserted). */
int64_t sotto_fixed_ln_q24(uint64_t v);

/* ln(p / (1-p)) for p_q30 in [1, 2^30 - 1] (asserted), Q24; monotone; logit(1-p) = -logit(p) exactly. Error
 * at most 0.51 ulp. */
int64_t sotto_fixed_logit_q24(uint32_t p_q30);

/* a * b / c rounded to nearest, ties to even, with a 128-bit product; c > 0. RANGE when the result does not
 * fit. */
SOTTO_MUST_USE sotto_status sotto_fixed_mul_div(int64_t a, int64_t b, int64_t c, int64_t *out);

/* Shift right by n (0..62) with rounding to nearest, ties to even. */
int64_t sotto_fixed_round_shift(int64_t v, unsigned n);

/* A float32 as an integer whose order is the order of the floats: for non-NaN a, b: a < b exactly when key(a)
 * < key(b); -0 and +0 give the same key (0). NaN gives SOTTO_FLOAT_KEY_MISSING, below every other key. */
#define SOTTO_FLOAT_KEY_MISSING INT32_MIN
int32_t sotto_fixed_float_key(uint32_t float32_bits);
/* The float32 bits of a key (of +0 for key 0; a quiet NaN for MISSING and for what is no float's key). */
uint32_t sotto_fixed_float_bits(int32_t key);

/* The key of the float32 nearest to mantissa / 10^decimals (ties to even): what strtof gives for that decimal
 * text, in integers only. decimals 0..18. */
int32_t sotto_fixed_decimal_key(int64_t mantissa, unsigned decimals);

/* Parses a decimal number "-12.50", at most `decimals` (0..18) digits behind the point, into mantissa *
 * 10^-decimals. No exponent, no spaces, no plus. MALFORMED, RANGE when it does not fit an int64 or has more
 * digits behind the point. */
SOTTO_MUST_USE sotto_status sotto_fixed_parse_decimal(sotto_span text, unsigned decimals, int64_t *mantissa);
/* The inverse: "-12.50", into out (at least 24 bytes); returns the length. Exactly `decimals` digits behind
 * the point. */
size_t sotto_fixed_format_decimal(int64_t mantissa, unsigned decimals, char *out, size_t cap);
/* Exact decimal of v * 2^-q (q 0..30), without trailing zeros ("-0.5", "3"): v is int64, needs cap >= 56.
 * Returns the length. */
size_t sotto_fixed_format_q(int64_t v, unsigned q, char *out, size_t cap);

#endif
