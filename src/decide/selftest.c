/* The self-test of a release, run: docs/formats/selftest.md. */
#include "selftest_priv.h"

#include "sotto/selftest.h"

#include <string.h>

/* Every row's keys are scored again, one by one: the margins are what a ranking must give as well, which the
 * decisions behind them prove. */
static sotto_status run_rows(sotto_cursor *c, const char *name, const sotto_selftest_release *r,
                             sotto_selftest_work *work, sotto_selftest_sum *sum, sotto_diag *diag)
{
    size_t features = r->model == NULL ? 0 : sotto_model_info_of(r->model)->features;
    uint32_t rows = sotto_cursor_u32(c), wide = sotto_cursor_u32(c);
    if (c->status == SOTTO_OK && rows > 0 && (wide != features || features == 0))
        return sotto_diag_at_offset(diag, SOTTO_ERR(DECIDE, RANGE), name, sotto_cursor_offset(c),
                                    "rows of %lu features, the model has %zu", (unsigned long)wide, features);
    for (uint32_t i = 0; i < rows && c->status == SOTTO_OK; i++) {
        for (size_t k = 0; k < features; k++)
            work->keys[k] = sotto_cursor_i32(c);
        int64_t listed = sotto_cursor_i64(c);
        if (c->status != SOTTO_OK)
            break;
        int64_t margin = sotto_model_margin_q24(r->model, work->keys);
        if (margin != listed)
            return sotto_diag_at_offset(diag, SOTTO_ERR(DECIDE, CONFLICT), name, sotto_cursor_offset(c),
                                        "row %lu: margin %lld here, %lld where it was published",
                                        (unsigned long)i + 1, (long long)margin, (long long)listed);
        sum->rows++;
    }
    return c->status == SOTTO_OK
               ? SOTTO_OK
               : sotto_diag_at_offset(diag, c->status, name, sotto_cursor_offset(c), "the rows are cut off");
}

static sotto_status run_decisions(sotto_span log_bytes, const char *name, const sotto_selftest_release *r,
                                  sotto_selftest_work *work, sotto_selftest_sum *sum, sotto_diag *diag)
{
    sotto_replay log;
    work->again.profile = r->profile;
    sotto_status status = sotto_replay_open(&log, log_bytes, name, diag);
    while (status == SOTTO_OK && sotto_replay_more(&log)) {
        bool same = false;
        status = sotto_replay_next(&log, r->plan, &work->again, r->scratch, &same, diag);
        if (status == SOTTO_OK && !same)
            status = sotto_diag_at_offset(diag, SOTTO_ERR(DECIDE, CONFLICT), name, log.at,
                                          "decision %lu comes out differently here",
                                          (unsigned long)sum->decisions + 1);
        sum->decisions += status == SOTTO_OK;
    }
    return status;
}

sotto_status sotto_selftest_run(sotto_span file, const char *name, const sotto_selftest_release *release,
                                sotto_selftest_work *work, sotto_selftest_sum *sum, sotto_diag *diag)
{
    sotto_cursor c = sotto_cursor_of(file);
    *sum = (sotto_selftest_sum){0};
    memset(work, 0, sizeof *work);
    if (!sotto_span_is(sotto_cursor_bytes(&c, SELFTEST_MAGIC_LEN), SELFTEST_MAGIC))
        return sotto_diag_at_offset(diag, SOTTO_ERR(DECIDE, MALFORMED), name, 0, "no self-test of a release");
    uint32_t version = sotto_cursor_u32(&c);
    if (c.status == SOTTO_OK && version != SELFTEST_VERSION)
        return sotto_diag_at_offset(diag, SOTTO_ERR(DECIDE, UNSUPPORTED), name, SELFTEST_MAGIC_LEN,
                                    "version %lu", (unsigned long)version);
    sotto_status status = run_rows(&c, name, release, work, sum, diag);
    size_t at = sotto_cursor_offset(&c);
    if (status == SOTTO_OK)
        status = run_decisions(sotto_span_of(file.ptr + at, file.len - at), name, release, work, sum, diag);
    sotto_profile_clear(release->profile);
    return status;
}
