/* Tag packs (docs/formats/tag-pack.md). */
#ifndef SOTTO_KIOSK_ENGINE_PACK_H
#define SOTTO_KIOSK_ENGINE_PACK_H

#include "engine/engine.h"

#include "sotto/pack.h"

#define KIOSK_PACK_KEY_DAYS 90      /* then a new key is drawn */
#define KIOSK_PACK_FOLDER   "packs" /* below release_dir: sync writes, serve reads */
typedef struct kiosk_pack_sum {
    uint64_t seq; /* of the pack; 0 = its head could not be read */
    uint64_t customers, forgotten;
    bool repeated; /* it was applied before: nothing was done */
    bool waits;    /* it needs a release that is not here yet: the very file may be applied later */
} kiosk_pack_sum;
/* All of a pack or nothing of it. What is judged, in this order: its device (AUTH), who signed it (AUTH,
 * EXPIRED), the release it needs (NOT_FOUND), its number (ROLLBACK) and the pack it builds on (CONFLICT),
 * whether it is whole (TRUNCATED, CORRUPT, MALFORMED), then the key it is sealed to (AUTH) and each row. */
SOTTO_MUST_USE sotto_status kiosk_pack_apply(kiosk_engine *e, const char *path, kiosk_pack_sum *sum,
                                             sotto_diag *diag);
/* What head office is told, signed; makes or renews the key. NOT_FOUND before enrolment. */
SOTTO_MUST_USE sotto_status kiosk_pack_state(kiosk_engine *e, sotto_pack_state *state, sotto_diag *diag);
/* Head office knows a later statement than this store holds (an old copy was put back): say it anew. */
SOTTO_MUST_USE sotto_status kiosk_pack_restate(kiosk_engine *e, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_pack_held(kiosk_engine *e, uint64_t *seq, sotto_diag *diag); /* 0 = none */
/* The private key that the pack is sealed to, to be wiped; AUTH when there is none. */
SOTTO_MUST_USE sotto_status kiosk_pack_secret(kiosk_engine *e, const sotto_pack_head *head,
                                              uint8_t out[static SOTTO_HPKE_PRIVATE_BYTES], bool *newest,
                                              sotto_diag *diag);
/* Within the transaction that applies pack seq: it is held, and with a pack for the newest key the older one
 * goes. */
SOTTO_MUST_USE sotto_status kiosk_pack_note(kiosk_engine *e, uint64_t seq, bool newest, int64_t now_s,
                                            sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_pack_refuse(kiosk_engine *e, uint64_t seq, sotto_diag *diag);
/* The rows of a pack, a chunk at a time, within the caller's transaction. */
typedef struct kiosk_pack_rows {
    kiosk_engine *e;
    kiosk_pack_sum *sum;
    int32_t today;
    int64_t generation; /* number of the full pack that began the list */
    sotto_import_plan plan;
    sotto_csv csv;
} kiosk_pack_rows;
void kiosk_pack_rows_begin(kiosk_pack_rows *rows, kiosk_engine *e, int64_t now_s, kiosk_pack_sum *sum);
SOTTO_MUST_USE sotto_status kiosk_pack_rows_put(kiosk_pack_rows *rows, sotto_span csv, sotto_diag *diag);
/* Forgets whoever came with earlier packs and is not of this generation. */
SOTTO_MUST_USE sotto_status kiosk_pack_rows_sweep(kiosk_pack_rows *rows, sotto_diag *diag);

#endif
