/* The self-test of a release, made. Customers are drawn from the dictionary by a fixed sequence of numbers:
 * magnitudes evenly over the powers of two, so that whatever a model's thresholds are, rows fall on both
 * sides of them. */
#include "decide_priv.h"
#include "selftest_priv.h"

#include "sotto/selftest.h"

#include <string.h>

enum { CUSTOMERS = 12, MOMENTS = 3, ROWS_MIN = 8, ROWS_MAX = 64, ROW_BYTES = 65536, DAY_S = 86400 };

static uint64_t draw(uint64_t *state)
{
    return sotto_decide_mix((*state)++);
}

static uint64_t below(uint64_t *state, uint64_t n)
{
    return n == 0 ? 0 : draw(state) % n;
}

/* 0 to 2^bits - 1, every length in bits as likely as any other; below zero one time in eight. */
static int64_t magnitude(uint64_t *state, unsigned bits)
{
    uint64_t length = below(state, bits + 1), value = draw(state) & ((UINT64_C(1) << length) - 1);
    return below(state, 8) == 0 ? -(int64_t)value : (int64_t)value;
}

static int64_t draw_number(const sotto_tag *tag, int32_t today, uint64_t *state)
{
    if (tag->from == SOTTO_FROM_VISIT_DAYS_30)
        return (int64_t)below(state, 1 << 30);
    switch (tag->kind) {
    case SOTTO_TAG_FLAG:
        return (int64_t)below(state, 2);
    case SOTTO_TAG_CHOICE:
        return (int64_t)below(state, tag->choice_count);
    case SOTTO_TAG_COUNT:
        return magnitude(state, 10);
    case SOTTO_TAG_AMOUNT:
        return magnitude(state, 24);
    case SOTTO_TAG_DATE:
        return today - magnitude(state, 13);
    case SOTTO_TAG_TEXT:
        break;
    }
    return 0;
}

/* Whoever may be profiled says so: most answers should use the tags. */
static void draw_customer(const sotto_selftest_release *r, int32_t today, uint64_t *state)
{
    int consent = sotto_plan_profiling_tag(r->plan);
    sotto_profile_clear(r->profile);
    for (size_t i = 0; i < sotto_dictionary_count(r->dictionary); i++) {
        const sotto_tag *tag = sotto_dictionary_at(r->dictionary, i);
        sotto_tag_value *value = &r->profile->values[i];
        uint64_t there = below(state, 8), age = below(state, 40);
        value->num = draw_number(tag, today, state);
        value->set_day = today - (int32_t)age;
        value->present = tag->kind != SOTTO_TAG_TEXT && there != 0;
        if ((int)i == consent && tag->kind == SOTTO_TAG_FLAG && there != 1)
            *value = (sotto_tag_value){.present = true, .num = 1, .set_day = today};
        if (!value->present)
            *value = (sotto_tag_value){0};
    }
}

/* What a terminal will read back, so that a value which packing leaves out is not decided by here either. */
static sotto_status settle_customer(const sotto_selftest_release *r, sotto_selftest_work *work,
                                    sotto_diag *diag)
{
    sotto_buf packed = sotto_buf_of(work->packed, sizeof work->packed);
    sotto_status status = sotto_profile_pack(r->profile, &packed);
    return status == SOTTO_OK ? sotto_profile_unpack(r->profile, sotto_buf_span(&packed), NULL, diag)
                              : status;
}

/* ---- rows ---- */

static void draw_row(const sotto_selftest_release *r, int32_t today, sotto_selftest_work *work,
                     uint64_t *state)
{
    size_t features = sotto_model_info_of(r->model)->features;
    sotto_model_moment moment = {.today = today, .minute = (uint16_t)below(state, 1440)};
    sotto_model_customer_keys(r->model, r->profile, &moment, work->keys);
    for (size_t i = 0; i < features; i++) {
        if (sotto_model_feature(r->model, i)->source != SOTTO_SOURCE_PRODUCT)
            continue;
        int64_t mantissa = magnitude(state, 16);
        unsigned decimals = (unsigned)below(state, 4);
        work->keys[i] = below(state, 8) == 0 ? SOTTO_FLOAT_KEY_MISSING
                                             : sotto_model_attribute_key(r->model, i, mantissa, decimals);
    }
}

static sotto_status put_row(const sotto_selftest_release *r, const sotto_selftest_work *work, sotto_buf *out)
{
    size_t features = sotto_model_info_of(r->model)->features;
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < features && status == SOTTO_OK; i++)
        status = sotto_put_u32(out, (uint32_t)work->keys[i]);
    return status == SOTTO_OK ? sotto_put_u64(out, (uint64_t)sotto_model_margin_q24(r->model, work->keys))
                              : status;
}

static uint32_t rows_of(size_t features)
{
    size_t rows = ROW_BYTES / (4 * features + 8);
    return (uint32_t)(rows < ROWS_MIN ? ROWS_MIN : rows > ROWS_MAX ? ROWS_MAX : rows);
}

static sotto_status put_rows(const sotto_selftest_release *r, int32_t today, sotto_selftest_work *work,
                             uint64_t *state, sotto_buf *out, sotto_diag *diag)
{
    size_t features = r->model == NULL ? 0 : sotto_model_info_of(r->model)->features;
    uint32_t rows = features == 0 ? 0 : rows_of(features);
    sotto_status status = sotto_put_u32(out, rows);
    if (status == SOTTO_OK)
        status = sotto_put_u32(out, (uint32_t)features);
    for (uint32_t i = 0; i < rows && status == SOTTO_OK; i++) {
        draw_customer(r, today, state);
        status = settle_customer(r, work, diag);
        if (status != SOTTO_OK)
            return status;
        draw_row(r, today, work, state);
        status = put_row(r, work, out);
    }
    return status;
}

/* ---- decisions ---- */

static sotto_status put_decision(const sotto_selftest_release *r, sotto_decide_request *request,
                                 sotto_selftest_work *work, sotto_buf *out)
{
    sotto_replay_memory *m = &work->again;
    sotto_decide(r->plan, request, r->scratch, &work->decision);
    sotto_status status = sotto_replay_put(r->plan, request, &work->decision, out);
    if (status != SOTTO_OK || work->decision.offer_count == 0)
        return status;
    /* The best is shown: the next moment meets caps and budgets. */
    uint16_t number = sotto_plan_campaign(r->plan, work->decision.offers[0].campaign)->number;
    int32_t day = (int32_t)sotto_floor_div_i64(request->now_s, DAY_S);
    status = sotto_counters_apply(&m->counters, number, SOTTO_EVENT_SHOWN, request->now_s, day);
    return status == SOTTO_OK ? sotto_terminal_apply(&m->terminal, number, SOTTO_EVENT_SHOWN, day) : status;
}

/* One customer over three days; the first of all is nobody known. */
static sotto_status put_customer(const sotto_selftest_release *r, size_t n, int64_t now_s,
                                 sotto_selftest_work *work, uint64_t *state, sotto_buf *out)
{
    static const char *const SLOT[MOMENTS] = {NULL, "receipt", "idle"};
    sotto_status status = SOTTO_OK;
    sotto_counters_clear(&work->again.counters);
    for (int i = 0; i < MOMENTS && status == SOTTO_OK; i++) {
        sotto_decide_request request = {.profile = n == 0 ? NULL : r->profile,
                                        .counters = &work->again.counters,
                                        .terminal = &work->again.terminal,
                                        .now_s = now_s + i * DAY_S,
                                        .slot = SLOT[i],
                                        .arm_key = n == 0 ? 0 : draw(state),
                                        .offers_max = n % SOTTO_OFFERS_MAX + 1,
                                        .seed = draw(state)};
        request.now_s += (int64_t)below(state, DAY_S);
        status = put_decision(r, &request, work, out);
    }
    return status;
}

static sotto_status put_decisions(const sotto_selftest_release *r, int64_t now_s, sotto_selftest_work *work,
                                  uint64_t *state, sotto_buf *out, sotto_diag *diag)
{
    static const sotto_span own[SOTTO_REPLAY_PARTS]; /* empty: of the release that it lies in */
    sotto_status status = sotto_replay_head(own, out);
    sotto_terminal_clear(&work->again.terminal);
    for (size_t n = 0; n < CUSTOMERS && status == SOTTO_OK; n++) {
        draw_customer(r, (int32_t)sotto_floor_div_i64(now_s, DAY_S), state);
        status = settle_customer(r, work, diag);
        if (status == SOTTO_OK)
            status = put_customer(r, n, now_s, work, state, out);
    }
    return status;
}

sotto_status sotto_selftest_make(const sotto_selftest_release *release, int64_t now_s,
                                 sotto_selftest_work *work, sotto_buf *out, sotto_diag *diag)
{
    uint64_t state = 0;
    size_t before = out->len;
    int32_t today = (int32_t)sotto_floor_div_i64(now_s, DAY_S);
    memset(work, 0, sizeof *work);
    sotto_status status = sotto_buf_put(out, SELFTEST_MAGIC, SELFTEST_MAGIC_LEN);
    if (status == SOTTO_OK)
        status = sotto_put_u32(out, SELFTEST_VERSION);
    if (status == SOTTO_OK)
        status = put_rows(release, today, work, &state, out, diag);
    if (status == SOTTO_OK)
        status = put_decisions(release, now_s, work, &state, out, diag);
    sotto_profile_clear(release->profile);
    if (status != SOTTO_OK)
        out->len = before;
    return status;
}
