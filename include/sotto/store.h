/*
 * store: the terminal's one file: opaque records under customer keys, the outbox of sealed reports, small
 * named values. SQLCipher in WAL mode with a raw key, its cryptography from vault. The only room that
 * includes the terminal's sqlite3.h.
 *
 * One thread, one process (an advisory lock beside the file). Every changing call outside sotto_store_begin
 * .. commit is a transaction of its own; what returned OK is durable (synchronous=FULL). After an error of
 * the database (IO, FULL, CORRUPT, NO_MEMORY, BUSY, DENIED) the open transaction can only be rolled back, and
 * nothing of it stays: every later change and the commit give CONFLICT. NOT_FOUND, NO_SPACE and a CONFLICT of
 * the outbox leave it usable. After CORRUPT the store must be closed and opened again: SQLCipher gives no
 * more pages on a connection that met a bad one.
 *
 * Every call can give those errors; the comments name only what is special. No call here allocates by itself;
 * SQLite does, within its page cache and statements prepared once.
 */
#ifndef SOTTO_STORE_H
#define SOTTO_STORE_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/port.h"
#include "sotto/vault.h"

typedef struct sotto_store sotto_store;

/* Kinds of records. A customer has at most one record of a kind and sub. Numbers are in the file: never
 * reused. */
enum sotto_record {
    SOTTO_RECORD_PROFILE = 1,      /* tags, packed */
    SOTTO_RECORD_COUNTERS = 2,     /* decide's caps and history, packed */
    SOTTO_RECORD_CONTRIBUTION = 3, /* tally's counted events; sub = period day */
    SOTTO_RECORD_LEDGER = 4,       /* privacy budget spent; survives forget */
    SOTTO_RECORD_HISTORY = 5,      /* what derived tags follow from, packed */
    SOTTO_RECORD_PACKED = 6 /* came with a tag pack; sub = number of the full pack that began its list */
};

typedef struct sotto_store_config {
    const char *path;
    uint8_t key[SOTTO_KEY_BYTES]; /* wiped by open */
    uint32_t cache_kib;           /* page cache; default 2048 */
    const char *vfs;              /* SQLite VFS name; NULL = default. Fault tests wrap one */
    bool create;                  /* make a new file when there is none; otherwise NOT_FOUND */
} sotto_store_config;

/* AUTH: wrong key or not a store (never an empty store in its place); BUSY: another process holds it;
 * UNSUPPORTED: newer schema; CORRUPT: cut off, empty, or a log without its store; NOT_FOUND without create;
 * FULL, IO. The file is as before after each of these. Migrates an older schema in one transaction; makes a
 * new file whole or not at all. config->key is wiped in every case. *out is NULL on failure. */
SOTTO_MUST_USE sotto_status sotto_store_open(sotto_store **out, sotto_store_config *config, sotto_diag *diag);
/* Rolls back an open transaction. NULL allowed. */
void sotto_store_close(sotto_store *store);

SOTTO_MUST_USE sotto_status sotto_store_begin(sotto_store *store,
                                              sotto_diag *diag); /* no nesting: CONFLICT */
/* An error has rolled back: the transaction is over in any case. (But for one: the change is kept and a log
 * that held forgotten records could not be truncated, which is tried again at the next commit.) */
SOTTO_MUST_USE sotto_status sotto_store_commit(sotto_store *store, sotto_diag *diag);
void sotto_store_rollback(sotto_store *store); /* harmless without a transaction */

/* ---- Records. sub: 0 where a kind has only one. ---- */
/* NOT_FOUND; NO_SPACE when out cannot hold it (out->len unchanged). Appends to out. */
SOTTO_MUST_USE sotto_status sotto_store_get(sotto_store *store, enum sotto_record kind,
                                            const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int64_t sub,
                                            sotto_buf *out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_store_put(sotto_store *store, enum sotto_record kind,
                                            const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int64_t sub,
                                            sotto_span bytes, sotto_diag *diag);
/* Deletes one record; NOT_FOUND when absent. */
SOTTO_MUST_USE sotto_status sotto_store_drop(sotto_store *store, enum sotto_record kind,
                                             const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int64_t sub,
                                             sotto_diag *diag);
/* Erases every record of the customer but the ledger (secure_delete on; the WAL is checkpointed and
 * truncated). NOT_FOUND when there was none. */
SOTTO_MUST_USE sotto_status sotto_store_forget(sotto_store *store,
                                               const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                               sotto_diag *diag);
/* Calls visit for each record of kind with that sub in key order; bytes are valid during the call, in which
 * records of other kinds may be changed. A status other than OK from visit ends the walk and is returned. A
 * walk inside a walk is CONFLICT. */
typedef sotto_status (*sotto_store_visit)(void *ctx, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                          sotto_span bytes);
SOTTO_MUST_USE sotto_status sotto_store_each(sotto_store *store, enum sotto_record kind, int64_t sub,
                                             sotto_store_visit visit, void *ctx, sotto_diag *diag);
/* Deletes all records of kind with that sub. */
SOTTO_MUST_USE sotto_status sotto_store_drop_all(sotto_store *store, enum sotto_record kind, int64_t sub,
                                                 sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_store_count(sotto_store *store, enum sotto_record kind, uint64_t *count,
                                              sotto_diag *diag);
/* Smallest sub of a kind, for finding the oldest open period. NOT_FOUND when there is no record. */
SOTTO_MUST_USE sotto_status sotto_store_first_sub(sotto_store *store, enum sotto_record kind, int64_t *sub,
                                                  sotto_diag *diag);
/* The smallest that is not below `from`. NOT_FOUND when there is none. */
SOTTO_MUST_USE sotto_status sotto_store_next_sub(sotto_store *store, enum sotto_record kind, int64_t from,
                                                 int64_t *sub, sotto_diag *diag);

/* ---- Named values ("time.floor_s", "release.floor", "tally.next_day", ...). CONFLICT when the name holds a
 * value of the other type. ---- */
SOTTO_MUST_USE sotto_status sotto_store_get_i64(sotto_store *store, const char *name, int64_t *value,
                                                sotto_diag *diag); /* NOT_FOUND */
SOTTO_MUST_USE sotto_status sotto_store_set_i64(sotto_store *store, const char *name, int64_t value,
                                                sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_store_get_blob(sotto_store *store, const char *name, sotto_buf *out,
                                                 sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_store_set_blob(sotto_store *store, const char *name, sotto_span value,
                                                 sotto_diag *diag);

/* ---- Outbox: sealed reports in sequence. The same bytes until acknowledged, and kept afterwards for the
 * audit. ---- */
typedef struct sotto_outbox_entry {
    uint64_t seq;
    int64_t sealed_s; /* when */
    /* 0 = not yet; set aside: -1 damaged, -3 refused, and one less once head office was told. */
    int64_t acked_s;
    uint8_t sha256[SOTTO_SHA256_BYTES];
    size_t bytes;
    char note[512]; /* JSON of what the audit shows, written by tally: what left, at what epsilon, how many
                       stood behind it */
} sotto_outbox_entry;
/* Next sequence number and the hash of the entry before it (zeros at first). */
SOTTO_MUST_USE sotto_status sotto_store_outbox_head(sotto_store *store, uint64_t *next_seq,
                                                    uint8_t previous[static SOTTO_SHA256_BYTES],
                                                    sotto_diag *diag);
/* CONFLICT when entry->seq is not the next one. sha256 is computed here. */
SOTTO_MUST_USE sotto_status sotto_store_outbox_append(sotto_store *store, const sotto_outbox_entry *entry,
                                                      sotto_span sealed, sotto_diag *diag);
/* Goes on after report seq, which left this terminal although this store does not hold it (an old copy was
 * put back): a set-aside entry without bytes takes its place, under its hash. CONFLICT unless seq is past the
 * end. */
SOTTO_MUST_USE sotto_status sotto_store_outbox_skip(sotto_store *store, uint64_t seq,
                                                    const uint8_t sha256[static SOTTO_SHA256_BYTES],
                                                    int64_t now_s, sotto_diag *diag);
/* Oldest entry not acknowledged: NOT_FOUND when none. Its bytes are appended to sealed (RANGE past its
 * limit). Entries whose hash differs are set aside (acked_s = -1), told in diag, and skipped. */
SOTTO_MUST_USE sotto_status sotto_store_outbox_next(sotto_store *store, sotto_outbox_entry *entry,
                                                    sotto_vec *sealed, sotto_diag *diag);
/* CONFLICT when the hash is not that entry's; OK again when it is acknowledged already. */
SOTTO_MUST_USE sotto_status sotto_store_outbox_ack(sotto_store *store, uint64_t seq,
                                                   const uint8_t sha256[static SOTTO_SHA256_BYTES],
                                                   int64_t now_s, sotto_diag *diag);
/* Head office refuses these bytes for good: set aside, so that later reports do not wait. CONFLICT when the
 * hash is not that entry's; OK again when it waits no more. */
SOTTO_MUST_USE sotto_status sotto_store_outbox_refuse(sotto_store *store, uint64_t seq,
                                                      const uint8_t sha256[static SOTTO_SHA256_BYTES],
                                                      sotto_diag *diag);
/* The oldest entry set aside that head office has not been told of: seq, sealed_s, acked_s and sha256 (zeros
 * when that is damaged, too) are set. NOT_FOUND when none. */
SOTTO_MUST_USE sotto_status sotto_store_outbox_untold(sotto_store *store, sotto_outbox_entry *entry,
                                                      sotto_diag *diag);
/* Head office was told of the oldest one. OK again; CONFLICT when an older one was not told yet. */
SOTTO_MUST_USE sotto_status sotto_store_outbox_told(sotto_store *store, uint64_t seq, sotto_diag *diag);
/* Every refused entry waits again, with its own bytes. */
SOTTO_MUST_USE sotto_status sotto_store_outbox_again(sotto_store *store, sotto_diag *diag);
/* What a status shows, without reading a sealed byte: years of reports are counted while a customer waits. */
typedef struct sotto_outbox_sum {
    uint64_t reports, waiting, set_aside;
    int64_t last_ack_s; /* 0 = none yet */
} sotto_outbox_sum;
SOTTO_MUST_USE sotto_status sotto_store_outbox_sum(sotto_store *store, sotto_outbox_sum *sum,
                                                   sotto_diag *diag);
/* Every entry, oldest first, with its bytes, which are hashed: for the audit. */
typedef sotto_status (*sotto_outbox_visit)(void *ctx, const sotto_outbox_entry *entry, sotto_span sealed);
SOTTO_MUST_USE sotto_status sotto_store_outbox_each(sotto_store *store, sotto_outbox_visit visit, void *ctx,
                                                    sotto_diag *diag);

#endif
