/* Two steps: how likely, and how much. The expected value is their product. docs/formats/model.md section 16.
 *
 * A probability is at most 2^30 (q30) and an amount is held within 2^52 (q24). */
#include "model_priv.h"

static const int64_t LN_2_Q40 = INT64_C(762123384786); /* ln 2 x 2^40 */
static const int64_t AMOUNT_MAX = INT64_C(1) << 52;
static const int64_t SHARE_MAX = INT64_C(1) << 51;

static int64_t hold(int64_t v)
{
    return v > AMOUNT_MAX ? AMOUNT_MAX : v < -AMOUNT_MAX ? -AMOUNT_MAX : v;
}

/* e^margin in q24: e^(margin - n ln 2) x 2^n with the first factor from 1/2 to 1. Off by at most 3 units of
 * 2^-30 of itself and a unit: the argument is off by n x 2^-41 and its rounding to 2^-24. */
static int64_t exp_q24(int64_t margin_q24)
{
    if (margin_q24 > 20 * (INT64_C(1) << SOTTO_MODEL_SCALE_BITS))
        return AMOUNT_MAX; /* e^20 > 2^28; up to it n <= 29, so what is shifted stays within 2^59 */
    if (margin_q24 <= 0)
        return sotto_fixed_round_shift(sotto_fixed_exp_neg_q30(margin_q24), 30 - SOTTO_MODEL_SCALE_BITS);
    int64_t n = (margin_q24 << 16) / LN_2_Q40 + 1;
    int64_t rest = margin_q24 - sotto_fixed_round_shift(n * LN_2_Q40, 16);
    return hold((int64_t)sotto_fixed_exp_neg_q30(rest > 0 ? 0 : rest) << n >> (30 - SOTTO_MODEL_SCALE_BITS));
}

static int64_t amount_of(const sotto_model *m, int64_t margin_q24)
{
    return m->objective == OBJECTIVE_VALUE_EXP ? exp_q24(margin_q24) : hold(margin_q24);
}

int64_t sotto_model_amount_q24(const sotto_model *m, int64_t margin_q24)
{
    return m->objective == OBJECTIVE_EXP ? exp_q24(margin_q24) : hold(margin_q24);
}

/* |amount| <= 2^52 by a probability of 31 bits: in two limbs, so that it fits. */
static int64_t times_q30(int64_t amount_q24, int64_t p_q30)
{
    int64_t high = amount_q24 >> 30, low = amount_q24 & ((INT64_C(1) << 30) - 1);
    return high * p_q30 + sotto_fixed_round_shift(low * p_q30, 30);
}

static uint32_t probability_of(const sotto_model *m, int64_t margin_q24)
{
    return m->info.calibration != SOTTO_CALIBRATION_NONE ? sotto_model_calibrated_q30(m, margin_q24)
                                                         : sotto_fixed_sigmoid_q30(margin_q24);
}

int64_t sotto_model_value_q24(const sotto_model *m, const int64_t margins_q24[static 2])
{
    return times_q30(amount_of(m, margins_q24[1]), probability_of(m, margins_q24[0]));
}

static int64_t hold_share(int64_t v)
{
    return v > SHARE_MAX ? SHARE_MAX : v < -SHARE_MAX ? -SHARE_MAX : v;
}

/* Adds whole x part / parts_sum to each feature, by differences of rounded running sums: they add up to whole
 * exactly. Where parts nearly cancel, a running sum may be far larger than whole: it is held within 2^51, so
 * that any sum of some of 1,024 reasons, of both steps, is within 2^62. */
static void share(int64_t whole, const int64_t *part, size_t n, int64_t *out)
{
    int64_t sum = 0, running = 0, given = 0;
    for (size_t f = 0; f < n; f++)
        sum += part[f];
    for (size_t f = 0; f < n && sum != 0; f++) {
        int64_t until = given;
        running += part[f];
        bool good =
            sotto_fixed_mul_div(sum < 0 ? -whole : whole, running, sum < 0 ? -sum : sum, &until) == SOTTO_OK;
        until = f + 1 == n ? whole : good ? hold_share(until) : given;
        out[f] += until - given;
        given = until;
    }
    if (sum == 0 && n > 0)
        out[n - 1] += whole;
}

/* From what is expected of both parts to what is so: V1 - V0 = dP (A0 + A1) / 2 + dA (P0 + P1) / 2, each half
 * shared among the features as they moved that part's margin. */
int64_t sotto_model_value_why(const sotto_model *m, const int32_t *keys, int64_t *bias_q24,
                              int64_t *contribution_q24)
{
    int64_t part[SOTTO_MODEL_FEATURES_MAX], amounts[SOTTO_MODEL_FEATURES_MAX], before[2], now[2];
    now[0] = sotto_model_reference_why(m, keys, 0, &before[0], part);
    int64_t p[2] = {probability_of(m, before[0]), probability_of(m, now[0])};
    for (size_t f = 0; f < m->info.features; f++)
        contribution_q24[f] = 0;
    now[1] = sotto_model_reference_why(m, keys, 1, &before[1], amounts);
    int64_t a[2] = {amount_of(m, before[1]), amount_of(m, now[1])};
    int64_t v0 = times_q30(a[0], p[0]), v1 = times_q30(a[1], p[1]);
    int64_t by_probability = (times_q30(a[0], p[1]) - v0 + v1 - times_q30(a[1], p[0])) / 2;
    share(by_probability, part, m->info.features, contribution_q24);
    share(v1 - v0 - by_probability, amounts, m->info.features, contribution_q24);
    *bias_q24 = v0;
    return v1;
}
