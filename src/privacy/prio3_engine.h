/*
 * Prio3 over one field: included once by each prio3_engine*.c, after its field's header, roots of unity and
 * the name of the table to fill (PRIO3_ENGINE). Sources: draft-irtf-cfrg-vdaf-20, sections "FLP
 * Specification", "Variants", "FLP Gadgets". Constant time but where PRIO3_DECLASSIFY stands.
 *
 * The gadgets. Count: Mul, one call. Sum: PolyEval of x^2 - x = x (x - 1), a call for each bit. The others:
 * ParallelSum of chunk Muls; call k takes, for each j < chunk, the wires 2j and 2j + 1 with the values
 * r_k^(j + 1) * m and m - 1/shares, where m is element k * chunk + j of the measurement (0 past its end) and
 * r_k the call's joint randomness.
 */
#include "prio3_poly.h"
#include "prio3_priv.h"

#include <string.h>

/* ---- vectors ---- */

static void engine_share_inverse(uint32_t shares, uint64_t out[2])
{
    /* a^(p - 2), with p - 2 from the words of -2 */
    felem base = felem_factor(felem_small(shares)), power = FACTOR_ONE;
    uint64_t exponent[2];
    felem_words(felem_sub(felem_zero(), felem_small(2)), exponent);
    for (unsigned i = 64 * FELEM_WORDS; i-- > 0;) {
        power = felem_mul(power, power);
        if ((exponent[i / 64] >> (i % 64)) & 1)
            power = felem_mul(power, base);
    }
    felem_words(felem_plain(power), out);
}

static felem share_inverse(const sotto_prio3 *prio3)
{
    return felem_from_words(prio3->share_inverse);
}

/* Keeps the candidates below the modulus in their order and draws more until there are n. */
static void expand_again(felem *out, size_t n, prio3_xof *xof)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t good = felem_is_canonical(out[i]);
        PRIO3_DECLASSIFY(&good, sizeof good); /* a rejected draw is used for nothing */
        if (good)
            out[kept++] = out[i];
    }
    while (kept < n) {
        uint8_t bytes[FELEM_BYTES];
        prio3_turboshake_squeeze(xof, bytes, sizeof bytes);
        out[kept] = felem_load(bytes);
        uint64_t good = felem_is_canonical(out[kept]);
        PRIO3_DECLASSIFY(&good, sizeof good);
        kept += (size_t)good;
    }
}

static void engine_expand(void *vec, size_t n, prio3_xof *xof)
{
    felem *out = vec;
    uint64_t good = 1;
    prio3_turboshake_squeeze(xof, vec, n * FELEM_BYTES);
    for (size_t i = 0; i < n; i++) {
        out[i] = felem_load((const uint8_t *)vec + i * FELEM_BYTES);
        good &= felem_is_canonical(out[i]);
    }
    PRIO3_DECLASSIFY(&good, sizeof good);
    if (!good)
        expand_again(out, n, xof);
}

static void engine_store(uint8_t *out, const void *vec, size_t n)
{
    const felem *v = vec;
    for (size_t i = 0; i < n; i++)
        felem_store(out + i * FELEM_BYTES, v[i]);
}

static void engine_absorb(prio3_xof *xof, const void *vec, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* an element in memory is its encoding */
    prio3_turboshake_absorb(xof, vec, n * FELEM_BYTES);
#else
    const felem *v = vec;
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[FELEM_BYTES];
        felem_store(bytes, v[i]);
        prio3_turboshake_absorb(xof, bytes, sizeof bytes);
    }
#endif
}

static bool engine_load(void *vec, const uint8_t *bytes, size_t n)
{
    felem *out = vec;
    uint64_t good = 1;
    for (size_t i = 0; i < n; i++) {
        out[i] = felem_load(bytes + i * FELEM_BYTES);
        good &= felem_is_canonical(out[i]);
    }
    PRIO3_DECLASSIFY(&good, sizeof good); /* whether a message is well formed is no secret */
    return good != 0;
}

static void engine_subtract(void *vec, const void *other, size_t n)
{
    felem *v = vec;
    const felem *o = other;
    for (size_t i = 0; i < n; i++)
        v[i] = felem_sub(v[i], o[i]);
}

static void engine_add(void *vec, const void *other, size_t n)
{
    felem *v = vec;
    const felem *o = other;
    for (size_t i = 0; i < n; i++)
        v[i] = felem_add(v[i], o[i]);
}

/* ---- measurements ---- */

/* Bits with the weights 1, 2, 4, ... and last what is missing to max (draft: encode_range_checked_int). */
static void encode_integer(const sotto_prio3 *prio3, uint64_t value, felem *out)
{
    uint32_t last = prio3->bits - 1;
    uint64_t ones = (UINT64_C(1) << last) - 1, big = word_less(ones, value);
    uint64_t rest = value - ((prio3->max - ones) & word_mask(big));
    for (uint32_t i = 0; i < last; i++)
        out[i] = felem_small((rest >> i) & 1);
    out[last] = felem_small(big);
}

/* The weighted sum of bits, or of shares of them (draft: decode_range_checked_int); weight: of the last. */
static felem decode_integer(const sotto_prio3 *prio3, const felem *bits, felem weight)
{
    uint32_t last = prio3->bits - 1;
    felem sum = felem_zero();
    for (uint32_t i = last; i-- > 0;)
        sum = felem_add(felem_add(sum, sum), bits[i]);
    return felem_add(sum, felem_mul(bits[last], weight));
}

static felem last_weight(const sotto_prio3 *prio3)
{
    return felem_factor(felem_small(prio3->max - ((UINT64_C(1) << (prio3->bits - 1)) - 1)));
}

static uint64_t encode_multihot(const sotto_prio3 *prio3, const uint64_t *measurement, felem *out)
{
    uint64_t valid = 1, weight = 0;
    for (uint32_t i = 0; i < prio3->length; i++) {
        valid &= word_less(measurement[i], 2);
        out[i] = felem_small(measurement[i] & 1);
        weight += measurement[i] & 1;
    }
    encode_integer(prio3, weight, out + prio3->length);
    return valid & (word_less(prio3->max, weight) ^ 1);
}

static uint64_t engine_encode(const sotto_prio3 *prio3, const uint64_t *measurement, void *vec)
{
    felem *out = vec;
    uint64_t valid = 1;
    switch (prio3->type) {
    case SOTTO_PRIO3_COUNT:
    case SOTTO_PRIO3_SUM:
    case SOTTO_PRIO3_SUM_VEC:
        for (uint32_t i = 0; i < prio3->length; i++) {
            valid &= word_less(prio3->max, measurement[i]) ^ 1;
            encode_integer(prio3, measurement[i], out + (size_t)i * prio3->bits);
        }
        break;
    case SOTTO_PRIO3_HISTOGRAM:
        valid = word_less(measurement[0], prio3->length);
        for (uint32_t i = 0; i < prio3->length; i++)
            out[i] = felem_small(word_nonzero(measurement[0] ^ i) ^ 1);
        break;
    case SOTTO_PRIO3_MULTIHOT:
        valid = encode_multihot(prio3, measurement, out);
        break;
    }
    return valid;
}

static void engine_truncate(const sotto_prio3 *prio3, const void *meas, void *vec)
{
    const felem *in = meas;
    felem *out = vec;
    if (prio3->type == SOTTO_PRIO3_HISTOGRAM || prio3->type == SOTTO_PRIO3_MULTIHOT || prio3->bits == 1) {
        memcpy(out, in, prio3->length * sizeof *out);
        return;
    }
    felem weight = last_weight(prio3);
    for (uint32_t i = 0; i < prio3->length; i++)
        out[i] = decode_integer(prio3, in + (size_t)i * prio3->bits, weight);
}

#include "prio3_engine_query.h"

#include "prio3_engine_prove.h"

/* ---- aggregates ---- */

static bool all_canonical(const uint8_t *bytes, size_t n)
{
    uint64_t good = 1;
    for (size_t i = 0; i < n; i++)
        good &= felem_is_canonical(felem_load(bytes + i * FELEM_BYTES));
    PRIO3_DECLASSIFY(&good, sizeof good);
    return good != 0;
}

static bool engine_agg_update(uint8_t *agg, const uint8_t *share, size_t n)
{
    if (!all_canonical(agg, n) || !all_canonical(share, n))
        return false;
    for (size_t at = 0; at < n * FELEM_BYTES; at += FELEM_BYTES)
        felem_store(agg + at, felem_add(felem_load(agg + at), felem_load(share + at)));
    return true;
}

static bool engine_agg_add(uint8_t *agg, const int64_t *values, size_t n)
{
    if (!all_canonical(agg, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t word = (uint64_t)values[i], sign = word >> 63, mask = word_mask(sign);
        felem size = felem_small((word ^ mask) + sign); /* at most 2^63, below both moduli */
        felem old = felem_load(agg + i * FELEM_BYTES);
        felem more = felem_and(felem_add(old, size), ~mask), less = felem_and(felem_sub(old, size), mask);
        felem_store(agg + i * FELEM_BYTES, felem_add(more, less));
    }
    return true;
}

static bool engine_open(const sotto_span *shares, size_t count, size_t place, bool fold, uint64_t out[2],
                        bool *negative)
{
    felem sum = felem_zero();
    for (size_t i = 0; i < count; i++) {
        felem share = felem_load(shares[i].ptr + place * FELEM_BYTES);
        if (!felem_is_canonical(share))
            return false;
        sum = felem_add(sum, share);
    }
    felem_words(sum, out);
    *negative = fold && out[FELEM_WORDS - 1] >> 63 != 0;
    if (*negative)
        felem_words(felem_sub(felem_zero(), sum), out);
    return true;
}

const prio3_engine PRIO3_ENGINE = {.share_inverse = engine_share_inverse,
                                   .expand = engine_expand,
                                   .absorb = engine_absorb,
                                   .subtract = engine_subtract,
                                   .add = engine_add,
                                   .store = engine_store,
                                   .load = engine_load,
                                   .encode = engine_encode,
                                   .truncate = engine_truncate,
                                   .prove_work = engine_prove_work,
                                   .query_work = engine_query_work,
                                   .prove = engine_prove,
                                   .query = engine_query,
                                   .decide = engine_decide,
                                   .agg_update = engine_agg_update,
                                   .agg_add = engine_agg_add,
                                   .open = engine_open};
