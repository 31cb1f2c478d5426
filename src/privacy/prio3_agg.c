/* Prio3, aggregate shares and their opening: draft-irtf-cfrg-vdaf-20, sections "Aggregation" and
 * "Unsharding". */
#include "prio3_priv.h"

#include <string.h>

void sotto_prio3_agg_init(const sotto_prio3 *prio3, uint8_t *agg_share)
{
    memset(agg_share, 0, sotto_prio3_agg_share_size(prio3));
}

static sotto_status not_below(sotto_diag *diag)
{
    return sotto_diag_at(diag, SOTTO_ERR(PRIVACY, MALFORMED), "aggregate share", 0,
                         "Prio3: an element is not below the field's modulus");
}

sotto_status sotto_prio3_agg_update(const sotto_prio3 *prio3, uint8_t *agg_share, sotto_span share,
                                    sotto_diag *diag)
{
    sotto_status status = prio3_check_size(share, sotto_prio3_agg_share_size(prio3), "aggregate share", diag);
    if (status != SOTTO_OK)
        return status;
    if (!prio3_engine_of(prio3)->agg_update(agg_share, share.ptr, prio3->length))
        return not_below(diag);
    return SOTTO_OK;
}

sotto_status sotto_prio3_agg_add(const sotto_prio3 *prio3, uint8_t *agg_share, const int64_t *values,
                                 size_t count, sotto_diag *diag)
{
    if (count != prio3->length)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "Prio3: %zu values to add, not %u", count,
                              (unsigned)prio3->length);
    if (!prio3_engine_of(prio3)->agg_add(agg_share, values, count))
        return not_below(diag);
    return SOTTO_OK;
}

/* Sums the shares at one place and checks that the magnitude is at most limit. */
static sotto_status open_place(const sotto_prio3 *prio3, const sotto_span *shares, size_t place, bool fold,
                               uint64_t *magnitude, bool *negative, sotto_diag *diag)
{
    uint64_t words[2];
    if (!prio3_engine_of(prio3)->open(shares, prio3->shares, place, fold, words, negative))
        return not_below(diag);
    if (words[1] != 0 || (fold && words[0] > INT64_MAX))
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, RANGE), "Prio3: total number %zu is too large", place);
    *magnitude = words[0];
    return SOTTO_OK;
}

static sotto_status check_shares(const sotto_prio3 *prio3, const sotto_span *shares, size_t count,
                                 sotto_diag *diag)
{
    if (count != prio3->shares)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, USAGE), "Prio3: %zu aggregate shares, not %u", count,
                              (unsigned)prio3->shares);
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < count && status == SOTTO_OK; i++)
        status = prio3_check_size(shares[i], sotto_prio3_agg_share_size(prio3), "aggregate share", diag);
    return status;
}

sotto_status sotto_prio3_unshard(const sotto_prio3 *prio3, const sotto_span *shares, size_t count,
                                 uint64_t *result, sotto_diag *diag)
{
    bool negative;
    memset(result, 0, prio3->length * sizeof *result);
    sotto_status status = check_shares(prio3, shares, count, diag);
    for (size_t i = 0; i < prio3->length && status == SOTTO_OK; i++)
        status = open_place(prio3, shares, i, false, &result[i], &negative, diag);
    if (status != SOTTO_OK)
        memset(result, 0, prio3->length * sizeof *result);
    return status;
}

sotto_status sotto_prio3_unshard_signed(const sotto_prio3 *prio3, const sotto_span *shares, size_t count,
                                        int64_t *result, sotto_diag *diag)
{
    memset(result, 0, prio3->length * sizeof *result);
    sotto_status status = check_shares(prio3, shares, count, diag);
    for (size_t i = 0; i < prio3->length && status == SOTTO_OK; i++) {
        uint64_t magnitude = 0;
        bool negative = false;
        status = open_place(prio3, shares, i, true, &magnitude, &negative, diag);
        result[i] = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    }
    if (status != SOTTO_OK)
        memset(result, 0, prio3->length * sizeof *result);
    return status;
}
