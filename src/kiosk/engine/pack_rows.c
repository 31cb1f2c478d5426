/*
 * What stands in a tag pack: rows that set a customer's tags and rows that forget a customer, and, of a full
 * one, that whoever is not in it goes.
 */
#include "engine/import.h"
#include "engine/pack.h"

#include <string.h>

#define COLUMN_DO   "sotto:do" /* no tag's id can have a colon */
#define COLUMN_WHO  "sotto:customer"
#define SWEEP_BATCH 256

void kiosk_pack_rows_begin(kiosk_pack_rows *rows, kiosk_engine *e, int64_t now_s, kiosk_pack_sum *sum)
{
    rows->e = e;
    rows->sum = sum;
    rows->today = (int32_t)sotto_floor_div_i64(now_s + (int64_t)e->config->utc_offset_min * 60, 86400);
}

static bool agrees(const kiosk_pack_rows *r, int tag)
{
    sotto_tag_value value;
    return tag >= 0 &&
           sotto_profile_read(&r->e->release.profile, (size_t)tag, SOTTO_PURPOSE_SERVICE, r->today, &value) &&
           value.num != 0;
}

/* Head office leaves out what the customer has not agreed to; here it is made sure of, and what is known from
 * an earlier, agreed time goes. */
static void drop_unagreed(const kiosk_pack_rows *r)
{
    kiosk_release *release = &r->e->release;
    unsigned purposes = SOTTO_PURPOSE_SERVICE;
    if (agrees(r, sotto_plan_profiling_tag(release->plan)))
        purposes |= SOTTO_PURPOSE_MARKETING;
    if (agrees(r, sotto_plan_measurement_tag(release->plan)))
        purposes |= SOTTO_PURPOSE_MEASUREMENT;
    for (size_t i = 0; i < sotto_dictionary_count(release->dictionary); i++)
        if ((sotto_dictionary_at(release->dictionary, i)->purposes & purposes) == 0)
            release->profile.values[i].present = false;
}

static sotto_status set_customer(kiosk_pack_rows *r, const uint8_t *key, sotto_diag *diag)
{
    kiosk_engine *e = r->e;
    static const uint8_t mark = 1;
    sotto_status status = kiosk_load_profile(e, key, diag);
    if (status == SOTTO_OK)
        status = sotto_import_row(&r->plan, &r->csv, r->today, &e->release.profile, diag);
    if (status != SOTTO_OK)
        return status;
    drop_unagreed(r);
    status = kiosk_save_profile(e, key, diag);
    if (status == SOTTO_OK)
        status =
            sotto_store_put(e->store, SOTTO_RECORD_PACKED, key, r->generation, sotto_span_of(&mark, 1), diag);
    r->sum->customers += status == SOTTO_OK;
    return status;
}

static sotto_status forget_customer(kiosk_pack_rows *r, const uint8_t *key, sotto_diag *diag)
{
    sotto_diag detail = {0};
    sotto_status status = sotto_store_forget(r->e->store, key, &detail);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK; /* forgotten here before */
    r->sum->forgotten += status == SOTTO_OK;
    if (status != SOTTO_OK && diag != NULL)
        *diag = detail;
    return status;
}

static sotto_status row(kiosk_pack_rows *r, sotto_diag *diag)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    sotto_span what = r->csv.field[0], customer = r->csv.field[1];
    if (customer.len == 0 || customer.len > KIOSK_CUSTOMER_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, RANGE), "pack", r->csv.line,
                             "the customer number must have 1 to %d bytes", KIOSK_CUSTOMER_MAX);
    sotto_status status = sotto_vault_customer_key(r->e->vault, customer, key);
    if (status == SOTTO_OK && sotto_span_is(what, "set"))
        status = set_customer(r, key, diag);
    else if (status == SOTTO_OK && sotto_span_is(what, "forget"))
        status = forget_customer(r, key, diag);
    else if (status == SOTTO_OK)
        status = sotto_diag_at(diag, SOTTO_ERR(KIOSK, MALFORMED), "pack", r->csv.line,
                               "says neither set nor forget");
    sotto_wipe(key, sizeof key);
    return status;
}

sotto_status kiosk_pack_rows_put(kiosk_pack_rows *r, sotto_span csv, sotto_diag *diag)
{
    static const char *const ignore[] = {COLUMN_DO};
    bool more = true;
    sotto_status status = sotto_csv_open(&r->csv, csv, "pack", ',', diag);
    if (status == SOTTO_OK && (r->csv.columns < 2 || !sotto_span_is(r->csv.field[0], COLUMN_DO) ||
                               !sotto_span_is(r->csv.field[1], COLUMN_WHO)))
        status = sotto_diag_at(diag, SOTTO_ERR(KIOSK, MALFORMED), "pack", 1,
                               "does not begin with what to do and with whom");
    if (status == SOTTO_OK)
        status = sotto_import_plan_make(&r->plan, &r->csv, r->e->release.dictionary, COLUMN_WHO, ignore,
                                        SOTTO_COUNT(ignore), diag);
    while (status == SOTTO_OK) {
        status = sotto_csv_next(&r->csv, &more, diag);
        if (status != SOTTO_OK || !more)
            break;
        status = row(r, diag);
    }
    return status;
}

/* ---- who is not in it ---- */

typedef struct batch {
    uint8_t key[SWEEP_BATCH][SOTTO_CUSTOMER_KEY_BYTES];
    size_t count;
} batch;

static sotto_status collect(void *ctx, const uint8_t *key, sotto_span bytes)
{
    batch *b = ctx;
    (void)bytes;
    if (b->count == SWEEP_BATCH)
        return SOTTO_ERR(KIOSK, NO_SPACE); /* ends the walk: the next one begins where this one's work ends */
    memcpy(b->key[b->count++], key, SOTTO_CUSTOMER_KEY_BYTES);
    return SOTTO_OK;
}

/* Of an earlier generation: in this one too, or gone. */
static sotto_status settle(kiosk_pack_rows *r, const uint8_t *key, int64_t generation, sotto_diag *diag)
{
    uint8_t mark[8];
    sotto_buf buf = sotto_buf_of(mark, sizeof mark);
    sotto_diag detail = {0};
    sotto_status status =
        sotto_store_get(r->e->store, SOTTO_RECORD_PACKED, key, r->generation, &buf, &detail);
    if (status == SOTTO_OK)
        return sotto_store_drop(r->e->store, SOTTO_RECORD_PACKED, key, generation, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return forget_customer(r, key, diag);
    if (diag != NULL)
        *diag = detail;
    return status;
}

static sotto_status sweep(kiosk_pack_rows *r, batch *b, int64_t generation, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    do {
        sotto_diag detail = {0};
        b->count = 0;
        status = sotto_store_each(r->e->store, SOTTO_RECORD_PACKED, generation, collect, b, &detail);
        if (status == SOTTO_ERR(KIOSK, NO_SPACE))
            status = SOTTO_OK;
        else if (status != SOTTO_OK && diag != NULL)
            *diag = detail;
        for (size_t i = 0; status == SOTTO_OK && i < b->count; i++)
            status = settle(r, b->key[i], generation, diag);
    } while (status == SOTTO_OK && b->count > 0);
    return status;
}

sotto_status kiosk_pack_rows_sweep(kiosk_pack_rows *r, sotto_diag *diag)
{
    batch b;
    int64_t generation = 0;
    for (;;) {
        sotto_diag detail = {0};
        sotto_status status = sotto_store_first_sub(r->e->store, SOTTO_RECORD_PACKED, &generation, &detail);
        if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
            return SOTTO_OK;
        if (status != SOTTO_OK && diag != NULL)
            *diag = detail;
        if (status == SOTTO_OK && generation >= r->generation)
            return SOTTO_OK;
        if (status == SOTTO_OK)
            status = sweep(r, &b, generation, diag);
        sotto_wipe(&b, sizeof b);
        if (status != SOTTO_OK)
            return status;
    }
}
