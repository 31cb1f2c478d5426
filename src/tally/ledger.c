/* What a customer's privacy has cost so far (docs/formats/store.md, "Ledger"). */
#include "tally_priv.h"

enum { LEDGER_VERSION = 1 };

static sotto_status parse(sotto_span record, sotto_ledger *out, sotto_diag *diag)
{
    sotto_cursor c = sotto_cursor_of(record);
    uint8_t version = sotto_cursor_u8(&c);
    if (c.status == SOTTO_OK && version != LEDGER_VERSION)
        return sotto_diag_set(diag, SOTTO_ERR(TALLY, UNSUPPORTED),
                              "a ledger of version %u, made by a newer program", version);
    *out = (sotto_ledger){.spent_ueps = sotto_cursor_u64(&c), .since_day = sotto_cursor_i32(&c)};
    if (sotto_cursor_end(&c) == SOTTO_OK)
        return SOTTO_OK;
    *out = (sotto_ledger){0};
    return sotto_diag_at_offset(diag, SOTTO_ERR(TALLY, CORRUPT), "ledger", sotto_cursor_offset(&c),
                                "the record is damaged");
}

sotto_status sotto_ledger_get(sotto_store *store, const uint8_t *key, sotto_ledger *out, sotto_diag *diag)
{
    uint8_t memory[LEDGER_MAX];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    *out = (sotto_ledger){0};
    sotto_status status = sotto_store_get(store, SOTTO_RECORD_LEDGER, key, 0, &record, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK;
    return status != SOTTO_OK ? status : parse(sotto_buf_span(&record), out, diag);
}

sotto_status sotto_ledger_put(sotto_store *store, const uint8_t *key, const sotto_ledger *ledger,
                              sotto_diag *diag)
{
    uint8_t memory[LEDGER_MAX];
    sotto_buf record = sotto_buf_of(memory, sizeof memory);
    sotto_status status = sotto_put_u8(&record, LEDGER_VERSION);
    if (status == SOTTO_OK)
        status = sotto_put_u64(&record, ledger->spent_ueps);
    if (status == SOTTO_OK)
        status = sotto_put_u32(&record, (uint32_t)ledger->since_day);
    if (status == SOTTO_OK)
        status = sotto_store_put(store, SOTTO_RECORD_LEDGER, key, 0, sotto_buf_span(&record), diag);
    return status;
}
