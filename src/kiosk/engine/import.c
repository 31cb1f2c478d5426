/*
 * Import: one CSV file, one transaction. A cut or a kill in the middle leaves the store as it was, and the
 * same command is run again; a file that went in whole is known by its SHA-256 and not read twice.
 */
#include "engine/import.h"
#include "engine/rows.h"

#include <string.h>

#define DONE_NAME "import.sha256"
#define STEP_ROWS 1000

sotto_status kiosk_load_profile(kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                sotto_diag *diag)
{
    sotto_diag detail = {0};
    sotto_buf packed = sotto_buf_of(e->packed, sizeof e->packed);
    sotto_profile_clear(&e->release.profile);
    sotto_status status = sotto_store_get(e->store, SOTTO_RECORD_PROFILE, key, 0, &packed, &detail);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK;
    if (status == SOTTO_OK)
        return sotto_profile_unpack(&e->release.profile, sotto_buf_span(&packed), NULL, diag);
    if (diag != NULL)
        *diag = detail;
    return status;
}

sotto_status kiosk_save_profile(kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                sotto_diag *diag)
{
    sotto_buf fresh = sotto_buf_of(e->answer, SOTTO_PROFILE_MAX);
    sotto_status status = sotto_profile_pack(&e->release.profile, &fresh);
    if (status != SOTTO_OK)
        return status;
    return sotto_store_put(e->store, SOTTO_RECORD_PROFILE, key, 0, sotto_buf_span(&fresh), diag);
}

static sotto_status merge_row(kiosk_engine *e, const sotto_import_plan *plan, const sotto_csv *csv,
                              int32_t today, sotto_diag *diag)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    sotto_span customer = csv->field[plan->customer_column];
    if (customer.len == 0 || customer.len > KIOSK_CUSTOMER_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, RANGE), csv->name, csv->line,
                             "the customer number must have 1 to %d bytes", KIOSK_CUSTOMER_MAX);
    sotto_status status = sotto_vault_customer_key(e->vault, customer, key);
    if (status == SOTTO_OK)
        status = kiosk_load_profile(e, key, diag);
    if (status == SOTTO_OK)
        status = sotto_import_row(plan, csv, today, &e->release.profile, diag);
    return status == SOTTO_OK ? kiosk_save_profile(e, key, diag) : status;
}

static sotto_status every_row(kiosk_engine *e, const sotto_import_plan *plan, kiosk_rows *file,
                              uint64_t *rows, sotto_diag *diag)
{
    int64_t now_s = 0;
    sotto_status status = kiosk_now(e, &now_s, diag);
    int32_t today = (int32_t)sotto_floor_div_i64(now_s + (int64_t)e->config->utc_offset_min * 60, 86400);
    bool more = true;
    while (status == SOTTO_OK) {
        status = kiosk_rows_next(file, &more, diag);
        if (status != SOTTO_OK || !more)
            break;
        status = merge_row(e, plan, kiosk_rows_csv(file), today, diag);
        if (status == SOTTO_OK && ++*rows % STEP_ROWS == 0)
            kiosk_progress("customers", *rows, false);
    }
    return status;
}

/* The bytes that were read must be those that were asked about. */
static sotto_status note_file(kiosk_engine *e, kiosk_rows *file, const uint8_t *sha256, const char *path,
                              sotto_diag *diag)
{
    uint8_t read[SOTTO_SHA256_BYTES];
    sotto_status status = kiosk_rows_sha256(file, read, diag);
    if (status == SOTTO_OK && memcmp(read, sha256, sizeof read) != 0)
        status = sotto_diag_at(diag, SOTTO_ERR(KIOSK, CONFLICT), path, 0, "was changed while it was read");
    if (status == SOTTO_OK)
        status = sotto_store_set_blob(e->store, DONE_NAME, sotto_span_of(sha256, SOTTO_SHA256_BYTES), diag);
    return status;
}

static sotto_status import_rows(kiosk_engine *e, kiosk_rows *file, const char *path, const uint8_t *sha256,
                                uint64_t *rows, sotto_diag *diag)
{
    static sotto_import_plan plan; /* import runs once in a process */
    sotto_status status = sotto_import_plan_make(&plan, kiosk_rows_csv(file), e->release.dictionary,
                                                 e->config->customer_column, NULL, 0, diag);
    if (status == SOTTO_OK)
        status = sotto_store_begin(e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = every_row(e, &plan, file, rows, diag);
    if (status == SOTTO_OK)
        status = note_file(e, file, sha256, path, diag);
    if (status == SOTTO_OK)
        status = sotto_store_commit(e->store, diag);
    if (status != SOTTO_OK)
        sotto_store_rollback(e->store);
    kiosk_progress("customers", *rows, true);
    return status;
}

static bool done_before(kiosk_engine *e, const uint8_t *sha256)
{
    uint8_t last[SOTTO_SHA256_BYTES];
    sotto_buf buf = sotto_buf_of(last, sizeof last);
    return sotto_store_get_blob(e->store, DONE_NAME, &buf, NULL) == SOTTO_OK && buf.len == sizeof last &&
           memcmp(last, sha256, sizeof last) == 0;
}

sotto_status kiosk_import(kiosk_engine *e, const char *path, uint64_t *rows, bool *repeated, sotto_diag *diag)
{
    *rows = 0;
    *repeated = false;
    if (e->release.version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "no release is in use, so there is no dictionary yet: sotto sync first");
    uint8_t sha256[SOTTO_SHA256_BYTES];
    kiosk_rows *file = NULL;
    sotto_status status = kiosk_rows_open(&file, path, diag);
    if (status == SOTTO_OK)
        status = kiosk_rows_sha256(file, sha256, diag);
    kiosk_rows_close(file);
    file = NULL;
    if (status == SOTTO_OK && done_before(e, sha256)) {
        *repeated = true;
        return SOTTO_OK;
    }
    if (status == SOTTO_OK)
        status = kiosk_rows_open(&file, path, diag);
    if (status == SOTTO_OK)
        status = import_rows(e, file, path, sha256, rows, diag);
    kiosk_rows_close(file);
    return status;
}
