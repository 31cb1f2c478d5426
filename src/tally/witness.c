/* Whether the store is as new as its witness, and what an operator may decide when it is not. */
#include "tally_priv.h"

#include <string.h>

/* 0 for a name that is not there. */
static sotto_status get_number(sotto_store *store, const char *name, uint64_t *out, sotto_diag *diag)
{
    int64_t value = 0;
    sotto_status status = sotto_store_get_i64(store, name, &value, diag);
    *out = status == SOTTO_OK && value > 0 ? (uint64_t)value : 0;
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND ? SOTTO_OK : status;
}

sotto_status sotto_tally_lost(sotto_store *store, sotto_lost *out, sotto_diag *diag)
{
    sotto_status status = get_number(store, SOTTO_TALLY_LOST_UEPS, &out->ueps, diag);
    return status == SOTTO_OK ? get_number(store, SOTTO_TALLY_LOST_RHO, &out->rho_nano, diag) : status;
}

struct state {
    sotto_tally_mark mark;
    bool has_mark, witnessed;
    uint64_t seq; /* of the store's last report */
    uint8_t sha256[SOTTO_SHA256_BYTES];
};

static sotto_status look(sotto_store *store, const sotto_tally_witness *witness, struct state *out,
                         sotto_diag *diag)
{
    uint64_t next = 0, witnessed = 0;
    *out = (struct state){.has_mark = true};
    sotto_status status = witness->load(witness->ctx, &out->mark, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        out->has_mark = false;
        status = SOTTO_OK;
    }
    if (status == SOTTO_OK)
        status = sotto_store_outbox_head(store, &next, out->sha256, diag);
    if (status == SOTTO_OK)
        status = get_number(store, SOTTO_TALLY_WITNESSED, &witnessed, diag);
    out->seq = next - 1;
    out->witnessed = witnessed != 0;
    return status;
}

static bool fits(const struct state *s)
{
    if (!s->has_mark)
        return !s->witnessed;
    if (s->mark.intent && s->seq + 1 == s->mark.seq)
        return true; /* cut before the commit: the report was never there */
    return s->seq == s->mark.seq && memcmp(s->sha256, s->mark.sha256, SOTTO_SHA256_BYTES) == 0;
}

sotto_status sotto_tally_check(sotto_store *store, const sotto_tally_witness *witness, sotto_diag *diag)
{
    struct state s;
    sotto_status status = look(store, witness, &s, diag);
    if (status != SOTTO_OK || fits(&s))
        return status;
    if (!s.has_mark)
        return sotto_diag_set(diag, SOTTO_ERR(TALLY, CONFLICT),
                              "the witness of the last report is gone: nothing leaves until `sotto audit "
                              "accept-restore`");
    return sotto_diag_set(
        diag, SOTTO_ERR(TALLY, CONFLICT),
        "report %llu left this terminal, but the store ends with report %llu: an old copy was "
        "put back. Nothing leaves until `sotto audit accept-restore`",
        (unsigned long long)s.mark.seq, (unsigned long long)s.seq);
}

static sotto_status add_lost(sotto_store *store, const char *name, uint64_t more, sotto_diag *diag)
{
    uint64_t before = 0;
    sotto_status status = get_number(store, name, &before, diag);
    int64_t sum = sotto_add_sat_i64((int64_t)before, more > INT64_MAX ? INT64_MAX : (int64_t)more);
    return status == SOTTO_OK ? sotto_store_set_i64(store, name, sum, diag) : status;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return b != 0 && a > INT64_MAX / b ? INT64_MAX : a * b;
}

static sotto_status charge(sotto_store *store, const sotto_tasks *tasks, uint64_t lost, sotto_diag *diag)
{
    uint64_t ueps = 0, rho = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        const sotto_task *task = &tasks->task[i];
        if (task->noise == SOTTO_NOISE_LAPLACE)
            ueps = task->epsilon_ueps > ueps ? task->epsilon_ueps : ueps;
        else
            rho = task->rho_nano > rho ? task->rho_nano : rho;
    }
    sotto_status status = add_lost(store, SOTTO_TALLY_LOST_UEPS, times(ueps, lost), diag);
    return status == SOTTO_OK ? add_lost(store, SOTTO_TALLY_LOST_RHO, times(rho, lost), diag) : status;
}

/* Periods that the lost reports may have told of are not told again. */
static sotto_status close_the_past(sotto_store *store, const sotto_tasks *tasks, int64_t now_s,
                                   sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < tasks->count && status == SOTTO_OK; i++) {
        int64_t running = sotto_tally_period_of(&tasks->task[i], sotto_tally_day_of(now_s)), open = 0;
        status = sotto_tally_first_open_day(store, tasks->task[i].id, &open, diag);
        if (status == SOTTO_OK && open < running)
            status = sotto_tally_set_open_day(store, tasks->task[i].id, running, diag);
    }
    return status;
}

static sotto_status change(sotto_store *store, const sotto_tasks *tasks, const struct state *s, uint64_t lost,
                           int64_t now_s, sotto_diag *diag)
{
    sotto_status status = sotto_store_set_i64(store, SOTTO_TALLY_WITNESSED, 1, diag);
    if (status == SOTTO_OK)
        status = close_the_past(store, tasks, now_s, diag);
    if (status == SOTTO_OK && lost > 0)
        status = charge(store, tasks, lost, diag);
    if (status == SOTTO_OK && lost > 0)
        status = sotto_store_outbox_skip(store, s->mark.seq, s->mark.sha256, now_s, diag);
    return status;
}

sotto_status sotto_tally_accept(sotto_store *store, const sotto_tally_witness *witness,
                                const sotto_tasks *tasks, int64_t now_s, uint64_t *lost, sotto_diag *diag)
{
    struct state s;
    *lost = 0;
    sotto_status status = look(store, witness, &s, diag);
    if (status != SOTTO_OK || (fits(&s) && s.has_mark))
        return status;
    *lost = s.has_mark && s.mark.seq > s.seq ? s.mark.seq - s.seq : 0;
    status = sotto_store_begin(store, diag);
    if (status != SOTTO_OK)
        return status;
    status = change(store, tasks, &s, *lost, now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_commit(store, diag);
    else
        sotto_store_rollback(store);
    if (status != SOTTO_OK)
        return status;
    if (*lost == 0) { /* the store is what counts */
        s.mark.seq = s.seq;
        memcpy(s.mark.sha256, s.sha256, sizeof s.sha256);
    }
    s.mark.intent = false;
    return witness->save(witness->ctx, &s.mark, diag);
}
