/* The witnesses beside the key: of reports and of showings (docs/formats/witness.md). */
#ifndef SOTTO_KIOSK_ENGINE_SHOWINGS_H
#define SOTTO_KIOSK_ENGINE_SHOWINGS_H

#include "engine/engine.h"

/* Of reports: e->witness, for the tally. */
SOTTO_MUST_USE sotto_status kiosk_witness_open(kiosk_engine *e, sotto_diag *diag);
/* HMAC of what stands in a file of the witness. */
#define KIOSK_MAC_HEX (2 * SOTTO_SHA256_BYTES + 1)
SOTTO_MUST_USE sotto_status kiosk_witness_mac(const kiosk_engine *e, sotto_span text,
                                              char hex[static KIOSK_MAC_HEX]);
/* Showings: a count of what caps hang on, in the store and beside the key. A store that knows of fewer is an
 * old copy: caps_unknown is set then, here and in the store, until it is accepted. */
void kiosk_showings_open(kiosk_engine *e);
/* One more, inside the transaction that changes the counters. */
SOTTO_MUST_USE sotto_status kiosk_showings_note(kiosk_engine *e, sotto_diag *diag);
/* After its commit: the witness follows. What cannot be written is told in the log. */
void kiosk_showings_keep(kiosk_engine *e);
/* What was accepted so far, for the audit; all zero: nothing. */
typedef struct kiosk_restores {
    int64_t times, last_s, reports, showings;
} kiosk_restores;
SOTTO_MUST_USE sotto_status kiosk_restores_read(kiosk_engine *e, kiosk_restores *out, sotto_diag *diag);
typedef struct kiosk_accepted {
    sotto_tally_accepted reports;
    bool caps;         /* offers were stopped, and go on */
    uint64_t showings; /* that this store does not know, as far as the witness can say */
} kiosk_accepted;
/* The operator's word that reports and offers may go on although an old copy of the store was put back.
 * NOT_FOUND without a release: its tasks say what to charge. */
SOTTO_MUST_USE sotto_status kiosk_accept_restore(kiosk_engine *e, kiosk_accepted *out, sotto_diag *diag);

#endif
