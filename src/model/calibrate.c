/* From margin to a calibrated probability: an affine function before the sigmoid, or straight lines between
 * points. docs/formats/model.md, CALI. */
#include "model_priv.h"

enum { CALI_HEAD_BYTES = 8, PLATT_BYTES = 24, POINT_BYTES = 12, POINTS_MAX = 4096 };
static const int64_t MARGIN_MAX_Q24 = INT64_C(1) << 32; /* 256: the sigmoid ends at 24 */
static const int64_t SLOPE_MAX_Q24 = INT64_C(1) << 30, OFFSET_MAX_Q24 = INT64_C(1) << 30;

static sotto_status read_platt(loader *l, sotto_cursor *c, uint32_t count)
{
    calibration *k = &l->model->calibration;
    const uint8_t *at = c->at;
    if (count != 0 || sotto_cursor_left(c) != PLATT_BYTES - CALI_HEAD_BYTES)
        return sotto_model_bad(l, at, SOTTO_ERR(MODEL, MALFORMED), "a calibration of another length");
    k->slope_q24 = sotto_cursor_i64(c);
    k->offset_q24 = sotto_cursor_i64(c);
    if (k->slope_q24 < 1 || k->slope_q24 > SLOPE_MAX_Q24)
        return sotto_model_bad(l, at, SOTTO_ERR(MODEL, RANGE), "a calibration's slope is out of range");
    if (k->offset_q24 > OFFSET_MAX_Q24 || k->offset_q24 < -OFFSET_MAX_Q24)
        return sotto_model_bad(l, at + 8, SOTTO_ERR(MODEL, RANGE), "a calibration's offset is out of range");
    return SOTTO_OK;
}

static sotto_status check_point(const loader *l, const calibration *k, size_t i)
{
    if (k->margin_q24[i] > MARGIN_MAX_Q24 || k->margin_q24[i] < -MARGIN_MAX_Q24)
        return sotto_model_bad(l, &k->margin_q24[i], SOTTO_ERR(MODEL, RANGE),
                               "a point's margin is out of range");
    if (k->p_q30[i] > SOTTO_PROB_ONE_Q30)
        return sotto_model_bad(l, &k->p_q30[i], SOTTO_ERR(MODEL, RANGE), "a point's probability is above 1");
    if (i > 0 && k->margin_q24[i] <= k->margin_q24[i - 1])
        return sotto_model_bad(l, &k->margin_q24[i], SOTTO_ERR(MODEL, MALFORMED), "points do not ascend");
    if (i > 0 && k->p_q30[i] < k->p_q30[i - 1])
        return sotto_model_bad(l, &k->p_q30[i], SOTTO_ERR(MODEL, MALFORMED), "probabilities fall");
    return SOTTO_OK;
}

static sotto_status read_points(loader *l, sotto_cursor *c, uint32_t count)
{
    calibration *k = &l->model->calibration;
    sotto_status status = SOTTO_OK;
    if (count < 1 || count > POINTS_MAX)
        return sotto_model_bad(l, c->at - 4, SOTTO_ERR(MODEL, RANGE), "%u points of a calibration",
                               (unsigned)count);
    if (sotto_cursor_left(c) != (size_t)count * POINT_BYTES)
        return sotto_model_bad(l, c->at - 4, SOTTO_ERR(MODEL, MALFORMED), "a calibration of another length");
    k->count = count;
    k->margin_q24 = (const int64_t *)(const void *)c->at;
    k->p_q30 = (const uint32_t *)(const void *)(c->at + count * sizeof(int64_t));
    for (size_t i = 0; status == SOTTO_OK && i < count; i++)
        status = check_point(l, k, i);
    return status;
}

sotto_status sotto_model_read_calibration(loader *l)
{
    sotto_span s = l->section[SECTION_CALI];
    if (s.ptr == NULL)
        return SOTTO_OK;
    if (s.len < CALI_HEAD_BYTES)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED), "CALI has %zu bytes", s.len);
    sotto_cursor c = sotto_cursor_of(s);
    uint16_t kind = sotto_cursor_u16(&c), reserved = sotto_cursor_u16(&c);
    uint32_t count = sotto_cursor_u32(&c);
    if (kind != SOTTO_CALIBRATION_PLATT && kind != SOTTO_CALIBRATION_ISOTONIC)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, UNSUPPORTED), "unknown calibration: %u",
                               (unsigned)kind);
    if (reserved != 0)
        return sotto_model_bad(l, s.ptr + 2, SOTTO_ERR(MODEL, MALFORMED), "a reserved byte is not zero");
    if ((l->model->objective != OBJECTIVE_LOGISTIC && !is_value(l->model)) || l->model->info.outputs != 1)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED),
                               "calibration of a model whose answer is no probability");
    l->model->info.calibration = (enum sotto_calibration_kind)kind;
    return kind == SOTTO_CALIBRATION_PLATT ? read_platt(l, &c, count) : read_points(l, &c, count);
}

/* |margin| <= 2^32 and slope <= 2^30: the product is within 2^62. Rounding a growing function leaves it
 * growing, and so does the sigmoid. */
static uint32_t platt_q30(const calibration *k, int64_t margin_q24)
{
    int64_t x_q24 = sotto_fixed_round_shift(k->slope_q24 * margin_q24, SOTTO_MODEL_SCALE_BITS);
    return sotto_fixed_sigmoid_q30(x_q24 + k->offset_q24);
}

/* A rise of at most 2^30 times a run of at most 2^33, and half of that run: below 2^64. */
static uint32_t between_q30(const calibration *k, size_t i, int64_t margin_q24)
{
    uint64_t rise = k->p_q30[i + 1] - k->p_q30[i];
    uint64_t run = (uint64_t)(k->margin_q24[i + 1] - k->margin_q24[i]);
    uint64_t part = (uint64_t)(margin_q24 - k->margin_q24[i]);
    return k->p_q30[i] + (uint32_t)((rise * part + run / 2) / run);
}

/* The last point that is not above the margin, by halves; flat before the first point and behind the last. */
static uint32_t isotonic_q30(const calibration *k, int64_t margin_q24)
{
    size_t low = 0, high = k->count;
    if (margin_q24 <= k->margin_q24[0])
        return k->p_q30[0];
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (k->margin_q24[middle] <= margin_q24)
            low = middle;
        else
            high = middle;
    }
    return low + 1 == k->count ? k->p_q30[low] : between_q30(k, low, margin_q24);
}

uint32_t sotto_model_calibrated_q30(const sotto_model *m, int64_t margin_q24)
{
    int64_t x = margin_q24 > MARGIN_MAX_Q24    ? MARGIN_MAX_Q24
                : margin_q24 < -MARGIN_MAX_Q24 ? -MARGIN_MAX_Q24
                                               : margin_q24;
    return m->info.calibration == SOTTO_CALIBRATION_PLATT ? platt_q30(&m->calibration, x)
                                                          : isotonic_q30(&m->calibration, x);
}
