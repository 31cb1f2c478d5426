/* Whether the store is as new as its witness. */
#include "tally_priv.h"

#include <string.h>

/* A number that is never negative; 0 for a name that is not there. */
static sotto_status read_number(sotto_store *store, const char *name, uint64_t *out, sotto_diag *diag)
{
    int64_t value = 0;
    sotto_status status = sotto_store_get_i64(store, name, &value, diag);
    *out = status == SOTTO_OK && value > 0 ? (uint64_t)value : 0;
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND ? SOTTO_OK : status;
}

sotto_status sotto_tally_add(sotto_store *store, const char *name, uint64_t more, uint64_t *out,
                             sotto_diag *diag)
{
    sotto_status status = read_number(store, name, out, diag);
    if (status != SOTTO_OK)
        return status;
    *out = (uint64_t)sotto_add_sat_i64((int64_t)*out, more > INT64_MAX ? INT64_MAX : (int64_t)more);
    return sotto_store_set_i64(store, name, (int64_t)*out, diag);
}

sotto_status sotto_tally_lost(sotto_store *store, sotto_lost *out, sotto_diag *diag)
{
    sotto_status status = read_number(store, SOTTO_TALLY_LOST_UEPS, &out->ueps, diag);
    return status == SOTTO_OK ? read_number(store, SOTTO_TALLY_LOST_RHO, &out->rho_nano, diag) : status;
}

static sotto_status look_at_store(sotto_store *store, sotto_tally_mark *out, sotto_diag *diag)
{
    uint64_t next = 0;
    sotto_status status = sotto_store_outbox_head(store, &next, out->sha256, diag);
    out->seq = next - 1;
    if (status == SOTTO_OK)
        status = read_number(store, SOTTO_TALLY_COST_UEPS, &out->cost_ueps, diag);
    return status == SOTTO_OK ? read_number(store, SOTTO_TALLY_COST_RHO, &out->cost_rho_nano, diag) : status;
}

sotto_status sotto_witnessed_look(sotto_store *store, const sotto_tally_witness *witness,
                                  sotto_witnessed *out, sotto_diag *diag)
{
    uint64_t witnessed = 0;
    *out = (sotto_witnessed){.has_mark = true};
    sotto_status status = witness->load(witness->ctx, &out->mark, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        out->mark = (sotto_tally_mark){0};
        out->has_mark = false;
        status = SOTTO_OK;
    }
    if (status == SOTTO_OK)
        status = look_at_store(store, &out->store, diag);
    if (status == SOTTO_OK)
        status = read_number(store, SOTTO_TALLY_WITNESSED, &witnessed, diag);
    out->witnessed = witnessed != 0;
    return status;
}

bool sotto_witnessed_fits(const sotto_witnessed *s)
{
    if (!s->has_mark)
        return !s->witnessed;
    if (s->mark.intent && s->store.seq + 1 == s->mark.seq)
        return true; /* cut before the commit: the report was never there */
    return s->store.seq == s->mark.seq && memcmp(s->store.sha256, s->mark.sha256, SOTTO_SHA256_BYTES) == 0;
}

sotto_status sotto_tally_begin(sotto_store *store, const sotto_tally_witness *witness, sotto_diag *diag)
{
    sotto_witnessed s;
    sotto_status status = sotto_witnessed_look(store, witness, &s, diag);
    if (status != SOTTO_OK || s.witnessed || s.store.seq > 0 || !sotto_witnessed_fits(&s))
        return status;
    if (!s.has_mark)
        status = witness->save(witness->ctx, &s.store, diag);
    return status == SOTTO_OK ? sotto_store_set_i64(store, SOTTO_TALLY_WITNESSED, 1, diag) : status;
}

sotto_status sotto_tally_check(sotto_store *store, const sotto_tally_witness *witness, sotto_diag *diag)
{
    sotto_witnessed s;
    sotto_status status = sotto_witnessed_look(store, witness, &s, diag);
    if (status != SOTTO_OK || sotto_witnessed_fits(&s))
        return status;
    if (!s.has_mark)
        return sotto_diag_set(diag, SOTTO_ERR(TALLY, CONFLICT),
                              "the witness of the last report is gone: nothing leaves until `sotto audit "
                              "accept-restore`");
    if (s.mark.seq <= s.store.seq)
        return sotto_diag_set(
            diag, SOTTO_ERR(TALLY, CONFLICT),
            "the witness says that report %llu was the last, the store ends with report "
            "%llu: one of them is an old or another copy. Nothing leaves until `sotto audit "
            "accept-restore`",
            (unsigned long long)s.mark.seq, (unsigned long long)s.store.seq);
    return sotto_diag_set(
        diag, SOTTO_ERR(TALLY, CONFLICT),
        "report %llu left this terminal, but the store ends with report %llu: an old copy was "
        "put back. Nothing leaves until `sotto audit accept-restore`",
        (unsigned long long)s.mark.seq, (unsigned long long)s.store.seq);
}
