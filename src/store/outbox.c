#include "store_priv.h"

#include <string.h>

/* Set aside: odd until head office was told, then one less. */
enum { ACKED_NOT_YET = 0, ACKED_SET_ASIDE = -1, ACKED_REFUSED = -3 };

/* Columns of OUTBOX_WAITING and OUTBOX_EACH. */
enum { COLUMN_SEQ, COLUMN_SEALED_S, COLUMN_ACKED_S, COLUMN_SHA256, COLUMN_NOTE, COLUMN_SEALED };

static bool column_hash(sqlite3_stmt *statement, int column, uint8_t out[static SOTTO_SHA256_BYTES])
{
    const void *bytes = sqlite3_column_blob(statement, column);
    if (bytes == NULL || sqlite3_column_bytes(statement, column) != SOTTO_SHA256_BYTES)
        return false;
    memcpy(out, bytes, SOTTO_SHA256_BYTES);
    return true;
}

sotto_status sotto_store_outbox_head(sotto_store *store, uint64_t *next_seq,
                                     uint8_t previous[static SOTTO_SHA256_BYTES], sotto_diag *diag)
{
    sotto_status status;
    bool row = false;
    *next_seq = 1;
    memset(previous, 0, SOTTO_SHA256_BYTES);
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_LAST, &status, diag);
    if (statement == NULL)
        return status;
    status = sotto_store_step_row(store, statement, &row, "read the end of the outbox", diag);
    if (!row)
        return status;
    *next_seq = (uint64_t)sqlite3_column_int64(statement, 0) + 1;
    if (!column_hash(statement, 1, previous))
        status = sotto_store_broke(store, SQLITE_CORRUPT, "read the end of the outbox", diag);
    sotto_store_release(statement);
    return status;
}

static int bind_entry(sqlite3_stmt *statement, const sotto_outbox_entry *entry,
                      const uint8_t hash[static SOTTO_SHA256_BYTES], sotto_span sealed)
{
    int rc = sqlite3_bind_int64(statement, 1, (int64_t)entry->seq);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 2, entry->sealed_s);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 3, hash, SOTTO_SHA256_BYTES, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 4, entry->note, (int)strnlen(entry->note, sizeof entry->note - 1),
                               SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob64(statement, 5, sealed.len > 0 ? (const void *)sealed.ptr : "", sealed.len,
                                 SQLITE_STATIC);
    return rc;
}

static sotto_status insert(sotto_store *store, const sotto_outbox_entry *entry, sotto_span sealed,
                           sotto_diag *diag)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    sotto_status status = sotto_sha256(sealed, hash);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the report could not be hashed");
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_APPEND, &status, diag);
    if (statement == NULL)
        return status;
    int rc = bind_entry(statement, entry, hash, sealed);
    if (rc == SQLITE_OK)
        return sotto_store_run(store, statement, "append to the outbox", diag);
    sotto_store_release(statement);
    return sotto_store_broke(store, rc, "append to the outbox", diag);
}

sotto_status sotto_store_outbox_append(sotto_store *store, const sotto_outbox_entry *entry, sotto_span sealed,
                                       sotto_diag *diag)
{
    uint64_t next = 0;
    uint8_t previous[SOTTO_SHA256_BYTES];
    sotto_status status = sotto_store_may_change(store, diag);
    if (status == SOTTO_OK)
        status = sotto_store_outbox_head(store, &next, previous, diag);
    if (status != SOTTO_OK)
        return status;
    if (entry->seq != next)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "report %llu, but the next one is %llu",
                              (unsigned long long)entry->seq, (unsigned long long)next);
    return insert(store, entry, sealed, diag);
}

/* The row's entry and bytes. False when the row is not what was appended. */
static bool read_row(sqlite3_stmt *statement, sotto_outbox_entry *entry, sotto_span *sealed)
{
    *entry = (sotto_outbox_entry){.seq = (uint64_t)sqlite3_column_int64(statement, COLUMN_SEQ),
                                  .sealed_s = sqlite3_column_int64(statement, COLUMN_SEALED_S),
                                  .acked_s = sqlite3_column_int64(statement, COLUMN_ACKED_S)};
    const void *note = sqlite3_column_blob(statement, COLUMN_NOTE);
    size_t note_len = (size_t)sqlite3_column_bytes(statement, COLUMN_NOTE);
    const void *bytes = sqlite3_column_blob(statement, COLUMN_SEALED);
    uint8_t hash[SOTTO_SHA256_BYTES];
    entry->bytes = bytes == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, COLUMN_SEALED);
    *sealed = (sotto_span){.ptr = bytes, .len = entry->bytes};
    bool whole = column_hash(statement, COLUMN_SHA256, entry->sha256) && note_len < sizeof entry->note;
    if (note != NULL && whole)
        memcpy(entry->note, note, note_len);
    return whole && sotto_sha256(*sealed, hash) == SOTTO_OK && memcmp(hash, entry->sha256, sizeof hash) == 0;
}

static sotto_status mark(sotto_store *store, uint64_t seq, int64_t acked_s, sotto_diag *diag)
{
    sotto_status status = sotto_store_may_change(store, diag);
    if (status != SOTTO_OK)
        return status;
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_MARK, &status, diag);
    if (statement == NULL)
        return status;
    int rc = sqlite3_bind_int64(statement, 1, (int64_t)seq);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 2, acked_s);
    if (rc == SQLITE_OK)
        return sotto_store_run(store, statement, "mark a report", diag);
    sotto_store_release(statement);
    return sotto_store_broke(store, rc, "mark a report", diag);
}

sotto_status sotto_store_outbox_skip(sotto_store *store, uint64_t seq,
                                     const uint8_t sha256[static SOTTO_SHA256_BYTES], int64_t now_s,
                                     sotto_diag *diag)
{
    uint64_t next = 0;
    uint8_t previous[SOTTO_SHA256_BYTES];
    const sotto_outbox_entry entry = {.seq = seq, .sealed_s = now_s, .note = "{}"};
    sotto_status status = sotto_store_may_change(store, diag);
    if (status == SOTTO_OK)
        status = sotto_store_outbox_head(store, &next, previous, diag);
    if (status != SOTTO_OK)
        return status;
    if (seq < next || seq >= INT64_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "report %llu is not past the end",
                              (unsigned long long)seq);
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_APPEND, &status, diag);
    if (statement == NULL)
        return status;
    int rc = bind_entry(statement, &entry, sha256, sotto_span_of(NULL, 0));
    if (rc != SQLITE_OK) {
        sotto_store_release(statement);
        return sotto_store_broke(store, rc, "append to the outbox", diag);
    }
    status = sotto_store_run(store, statement, "append to the outbox", diag);
    return status == SOTTO_OK ? mark(store, seq, ACKED_SET_ASIDE, diag) : status;
}

/* The oldest entry that waits. *found false when none does, *whole false when it is damaged. */
static sotto_status oldest(sotto_store *store, sotto_outbox_entry *entry, sotto_vec *sealed, bool *found,
                           bool *whole, sotto_diag *diag)
{
    sotto_status status;
    sotto_span bytes;
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_WAITING, &status, diag);
    if (statement == NULL)
        return status;
    status = sotto_store_step_row(store, statement, found, "read the outbox", diag);
    if (!*found)
        return status;
    *whole = read_row(statement, entry, &bytes);
    if (*whole)
        status = sotto_vec_put(sealed, bytes.ptr, bytes.len);
    sotto_store_release(statement);
    return status != SOTTO_OK
               ? sotto_diag_set(diag, status, "no memory for a report of %zu bytes", entry->bytes)
               : SOTTO_OK;
}

sotto_status sotto_store_outbox_next(sotto_store *store, sotto_outbox_entry *entry, sotto_vec *sealed,
                                     sotto_diag *diag)
{
    for (;;) {
        bool found = false, whole = false;
        sotto_status status = oldest(store, entry, sealed, &found, &whole, diag);
        if (status != SOTTO_OK || whole)
            return status;
        if (!found)
            return sotto_diag_set(diag, SOTTO_ERR(STORE, NOT_FOUND), "no report waits");
        uint64_t seq = entry->seq;
        *entry = (sotto_outbox_entry){0};
        status = mark(store, seq, ACKED_SET_ASIDE, diag);
        if (status != SOTTO_OK)
            return status;
        (void)sotto_diag_set(diag, SOTTO_OK, "report %llu is damaged and was set aside",
                             (unsigned long long)seq);
    }
}

static sotto_status read_state(sotto_store *store, uint64_t seq, int64_t *acked_s,
                               uint8_t hash[static SOTTO_SHA256_BYTES], sotto_diag *diag)
{
    sotto_status status;
    bool row = false;
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_STATE, &status, diag);
    if (statement == NULL)
        return status;
    int rc = sqlite3_bind_int64(statement, 1, (int64_t)seq);
    if (rc != SQLITE_OK) {
        sotto_store_release(statement);
        return sotto_store_broke(store, rc, "look for a report", diag);
    }
    status = sotto_store_step_row(store, statement, &row, "look for a report", diag);
    if (status != SOTTO_OK)
        return status;
    if (!row)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "there is no report %llu",
                              (unsigned long long)seq);
    *acked_s = sqlite3_column_int64(statement, 0);
    if (!column_hash(statement, 1, hash))
        status = sotto_store_broke(store, SQLITE_CORRUPT, "read a report's hash", diag);
    sotto_store_release(statement);
    return status;
}

sotto_status sotto_store_outbox_ack(sotto_store *store, uint64_t seq,
                                    const uint8_t sha256[static SOTTO_SHA256_BYTES], int64_t now_s,
                                    sotto_diag *diag)
{
    int64_t acked_s = 0;
    uint8_t hash[SOTTO_SHA256_BYTES];
    if (seq < 1 || seq > INT64_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "there is no report %llu",
                              (unsigned long long)seq);
    sotto_status status = read_state(store, seq, &acked_s, hash, diag);
    if (status != SOTTO_OK)
        return status;
    if (memcmp(hash, sha256, sizeof hash) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT),
                              "the acknowledgement is for other bytes of report %llu",
                              (unsigned long long)seq);
    if (acked_s != ACKED_NOT_YET)
        return SOTTO_OK;
    /* 0 and below have a meaning of their own; a clock before 1970 is wrong in any case. */
    return mark(store, seq, now_s > 0 ? now_s : 1, diag);
}

sotto_status sotto_store_outbox_refuse(sotto_store *store, uint64_t seq,
                                       const uint8_t sha256[static SOTTO_SHA256_BYTES], sotto_diag *diag)
{
    int64_t acked_s = 0;
    uint8_t hash[SOTTO_SHA256_BYTES];
    if (seq < 1 || seq > INT64_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "there is no report %llu",
                              (unsigned long long)seq);
    sotto_status status = read_state(store, seq, &acked_s, hash, diag);
    if (status != SOTTO_OK)
        return status;
    if (memcmp(hash, sha256, sizeof hash) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "other bytes than report %llu were refused",
                              (unsigned long long)seq);
    return acked_s == ACKED_NOT_YET ? mark(store, seq, ACKED_REFUSED, diag) : SOTTO_OK;
}

sotto_status sotto_store_outbox_untold(sotto_store *store, sotto_outbox_entry *entry, sotto_diag *diag)
{
    sotto_status status;
    bool row = false;
    *entry = (sotto_outbox_entry){0};
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_UNTOLD, &status, diag);
    if (statement == NULL)
        return status;
    status = sotto_store_step_row(store, statement, &row, "look for reports set aside", diag);
    if (!row)
        return status != SOTTO_OK ? status : SOTTO_ERR(STORE, NOT_FOUND);
    entry->seq = (uint64_t)sqlite3_column_int64(statement, COLUMN_SEQ);
    entry->sealed_s = sqlite3_column_int64(statement, COLUMN_SEALED_S);
    entry->acked_s = sqlite3_column_int64(statement, COLUMN_ACKED_S);
    (void)!column_hash(statement, COLUMN_SHA256, entry->sha256);
    sotto_store_release(statement);
    return SOTTO_OK;
}

/* Of a damaged entry the hash itself may be what is damaged: it is not asked for. */
sotto_status sotto_store_outbox_told(sotto_store *store, uint64_t seq, sotto_diag *diag)
{
    sotto_outbox_entry entry;
    sotto_status status = sotto_store_outbox_untold(store, &entry, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND || (status == SOTTO_OK && entry.seq > seq))
        return SOTTO_OK;
    if (status == SOTTO_OK && entry.seq != seq)
        status = sotto_diag_set(diag, SOTTO_ERR(STORE, CONFLICT), "report %llu is told before report %llu",
                                (unsigned long long)entry.seq, (unsigned long long)seq);
    return status == SOTTO_OK ? mark(store, seq, entry.acked_s - 1, diag) : status;
}

sotto_status sotto_store_outbox_again(sotto_store *store, sotto_diag *diag)
{
    sotto_status status = sotto_store_may_change(store, diag);
    if (status != SOTTO_OK)
        return status;
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_AGAIN, &status, diag);
    return statement == NULL ? status : sotto_store_run(store, statement, "send reports again", diag);
}

sotto_status sotto_store_outbox_sum(sotto_store *store, sotto_outbox_sum *sum, sotto_diag *diag)
{
    sotto_status status;
    bool row = false;
    *sum = (sotto_outbox_sum){0};
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_SUM, &status, diag);
    if (statement == NULL)
        return status;
    status = sotto_store_step_row(store, statement, &row, "count the outbox", diag);
    if (!row)
        return status;
    *sum = (sotto_outbox_sum){.reports = (uint64_t)sqlite3_column_int64(statement, 0),
                              .waiting = (uint64_t)sqlite3_column_int64(statement, 1),
                              .set_aside = (uint64_t)sqlite3_column_int64(statement, 2),
                              .last_ack_s = sqlite3_column_int64(statement, 3)};
    sotto_store_release(statement);
    return SOTTO_OK;
}

sotto_status sotto_store_outbox_each(sotto_store *store, sotto_outbox_visit visit, void *ctx,
                                     sotto_diag *diag)
{
    sotto_status status;
    bool row = false;
    sqlite3_stmt *statement = sotto_store_take(store, STATEMENT_OUTBOX_EACH, &status, diag);
    if (statement == NULL)
        return status;
    while ((status = sotto_store_step_row(store, statement, &row, "walk the outbox", diag)) == SOTTO_OK &&
           row) {
        sotto_outbox_entry entry;
        sotto_span sealed;
        (void)read_row(statement, &entry, &sealed); /* the auditor sees damaged ones too */
        status = visit(ctx, &entry, sealed);
        if (status != SOTTO_OK) {
            sotto_store_release(statement);
            break;
        }
    }
    return status;
}
