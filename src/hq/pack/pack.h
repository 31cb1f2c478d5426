/*
 * Tag packs at head office: what terminals said, what was made for them, and what they are sent.
 *
 * dir/packs/<device>/said.json   the terminal's newest statement, signed by its report key
 *                    next        "<seq> <base> <bytes>\n": the newest pack made for it
 *                    <seq>.pack  that pack
 *                    <seq>.list  customers and digests of their rows as of that pack: what a later one is
 * held against. In the open, mode 0600: it never leaves this folder.
 */
#ifndef SOTTO_HQ_PACK_PACK_H
#define SOTTO_HQ_PACK_PACK_H

#include "office/office.h"

#include "sotto/pack.h"
#include "sotto/sync.h"

#define HQ_PACK_PART_BYTES   SOTTO_PIECE_BYTES
#define HQ_PACK_DIGEST_BYTES 16
#define HQ_PACK_TEXT_MAX     (1u << 30) /* bytes of a table of tags */

/* ---- the folder of a device ---- */
SOTTO_MUST_USE sotto_status hq_pack_path(const char *dir, const char *device, const char *name,
                                         char out[static HQ_PATH_MAX], sotto_diag *diag);
typedef struct hq_pack_next {
    uint64_t seq, base, bytes; /* seq 0: none was made */
} hq_pack_next;
SOTTO_MUST_USE sotto_status hq_pack_next_read(const char *dir, const char *device, hq_pack_next *out,
                                              sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_pack_next_write(const char *dir, const char *device, const hq_pack_next *next,
                                               sotto_diag *diag);
/* The newest statement; NOT_FOUND when the terminal has never said anything. */
SOTTO_MUST_USE sotto_status hq_pack_said(const char *dir, const char *device, sotto_pack_state *out,
                                         sotto_diag *diag);
/* Takes a statement over. DENIED for another device's, AUTH when it is not signed by its report key, CONFLICT
 * when a later one, signed by the same key, is known or it is dated more than 45 days ahead. */
SOTTO_MUST_USE sotto_status hq_pack_take_statement(const char *dir, const hq_device *device, sotto_span json,
                                                   sotto_pack_state *out, sotto_diag *diag);
/* Whether the newest pack is of use to a terminal in that state. */
bool hq_pack_fits(const hq_pack_next *next, const sotto_pack_state *state);

/* ---- rows ---- */
typedef struct hq_pack_row {
    sotto_span customer;
    sotto_span line; /* "<customer>,<value>,...": as it stands in a pack; empty in a list */
    uint8_t digest[HQ_PACK_DIGEST_BYTES];
} hq_pack_row;
typedef struct hq_pack_rows {
    hq_pack_row *row; /* by customer */
    size_t count, cap;
    char *header; /* "sotto:do,sotto:customer,<tag>,...\n" */
    uint64_t without_profiling, without_measurement;
    void *memory; /* blocks that the spans point into */
    size_t used, size;
} hq_pack_rows;
typedef struct hq_pack_source {
    const char *table, *customer_column;
    const char *dictionary, *policy; /* files */
} hq_pack_source;
/* A table of customers, checked as a terminal will check it, without what a customer has not agreed to.
 * Errors name line and column; CONFLICT for a customer who stands there twice. */
SOTTO_MUST_USE sotto_status hq_pack_rows_read(hq_pack_rows *out, const hq_pack_source *source,
                                              sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_pack_list_read(hq_pack_rows *out, const char *path, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_pack_list_write(const hq_pack_rows *rows, const char *path, sotto_diag *diag);
void hq_pack_rows_free(hq_pack_rows *rows); /* wipes */
/* A row at the end, copied. */
SOTTO_MUST_USE sotto_status hq_pack_rows_add(hq_pack_rows *rows, sotto_span customer, sotto_span line,
                                             const uint8_t digest[static HQ_PACK_DIGEST_BYTES]);
/* By customer; CONFLICT when one stands there twice. */
SOTTO_MUST_USE sotto_status hq_pack_rows_sort(hq_pack_rows *rows, const char *name, sotto_diag *diag);
int hq_pack_row_order(const hq_pack_row *a, const hq_pack_row *b);
/* The line of a pack that sets, or forgets, that row's customer. */
SOTTO_MUST_USE sotto_status hq_pack_put_set(const hq_pack_rows *rows, const hq_pack_row *row, sotto_vec *out);
SOTTO_MUST_USE sotto_status hq_pack_put_forget(const hq_pack_rows *rows, const hq_pack_row *row,
                                               sotto_vec *out);
/* A field as CSV has it. */
SOTTO_MUST_USE sotto_status hq_pack_put_field(sotto_vec *out, sotto_span field);

/* ---- making ---- */
typedef struct hq_pack_made {
    uint64_t seq, base, set, forgotten, bytes;
} hq_pack_made;
/* The rows that differ from base's (all of them when base is NULL), sealed and signed, into out. made->set
 * and forgotten 0 with a base: nothing has changed, and out is empty. */
SOTTO_MUST_USE sotto_status hq_pack_make(const hq_pack_rows *rows, const hq_pack_rows *base,
                                         const sotto_pack_head *head,
                                         const uint8_t recipient[static SOTTO_HPKE_PUBLIC_BYTES],
                                         const char *dir, sotto_vec *out, hq_pack_made *made,
                                         sotto_diag *diag);

#endif
