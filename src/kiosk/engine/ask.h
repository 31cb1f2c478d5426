/* One customer, one question. */
#ifndef SOTTO_KIOSK_ENGINE_ASK_H
#define SOTTO_KIOSK_ENGINE_ASK_H

#include "engine/engine.h"

typedef struct kiosk_ask {
    sotto_span customer; /* number; empty = nobody identified */
    const char *slot;    /* NULL = after_card */
    const char *channel; /* NULL = the configuration's */
    size_t offers;
    const char *language; /* NULL = the first */
    bool explain;         /* also why each other campaign was left out */
    sotto_buf *log;       /* not NULL: the decision is written down in it, tags included */
} kiosk_ask;
/* Writes the answer as JSON. Only a broken store or a buffer too small can fail; no release is an answer
 * ("nothing"). */
SOTTO_MUST_USE sotto_status kiosk_decide(kiosk_engine *e, const kiosk_ask *ask, sotto_buf *json,
                                         sotto_diag *diag);

#endif
