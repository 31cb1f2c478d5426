/* What happened at the screen, and what it adds to the measurement. */
#ifndef SOTTO_KIOSK_ENGINE_RECORD_H
#define SOTTO_KIOSK_ENGINE_RECORD_H

#include "engine/engine.h"

#include "sotto/codec.h"

#define KIOSK_TERMINAL_NAME "decide.terminal" /* in the store: what was shown and sold here */

typedef struct kiosk_event {
    sotto_span customer; /* empty: nobody was identified (shown and taken only) */
    sotto_event what;    /* but at_s and id */
    sotto_span campaign; /* shown, taken, dismissed */
    sotto_span id;       /* what the application calls it; empty = it has no name */
    uint8_t creative;    /* shown: the number of the creative, 0 = it has none */
    bool has_decision;   /* it says which answer it belongs to */
    uint64_t decision;   /* 0 = none of ours */
    int64_t at_s;        /* 0 = now; never later than now, at most 31 days before */
    bool old;            /* a bank's own books: any age from 1970 on, where it names no campaign */
} kiosk_event;
typedef struct kiosk_recorded {
    bool counted;  /* stands in the measurement by this call */
    bool repeated; /* was here before: nothing was changed */
    bool late;     /* more than 31 days before the customer's latest: nothing was changed */
    bool unknown; /* shown to, or taken by, somebody without a profile: budgets and stock count it, no more */
} kiosk_recorded;
/* One transaction: tags, history, counters, counted contribution. An event is known again by its id, or, when
 * it has none and says when it was, by its content. NOT_FOUND for an unknown campaign, or an unknown
 * customer (but of a showing or taking, unless it is old: recorded->unknown). */
SOTTO_MUST_USE sotto_status kiosk_record(kiosk_engine *e, const kiosk_event *event, kiosk_recorded *recorded,
                                         sotto_diag *diag);
/* The same inside a transaction of the caller's, which he gives up on any error but NOT_FOUND with *unknown
 * (no such customer). */
SOTTO_MUST_USE sotto_status kiosk_record_one(kiosk_engine *e, const kiosk_event *event,
                                             kiosk_recorded *recorded, bool *unknown, sotto_diag *diag);
/* Whether such an event uses up budgets and stock, whoever it was. */
bool kiosk_event_uses_up(enum sotto_event_kind kind);
SOTTO_MUST_USE sotto_status kiosk_load_terminal(kiosk_engine *e, sotto_diag *diag); /* into e->terminal */
/* A customer's history into e->history, clear when there is none; e->packed is used. */
SOTTO_MUST_USE sotto_status kiosk_load_history(kiosk_engine *e, const uint8_t *key, sotto_diag *diag);
/* An event as the API takes it (docs/openapi.json); spans point into the document. */
SOTTO_MUST_USE sotto_status kiosk_event_parse(kiosk_event *event, sotto_json_node body, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_customer_of(sotto_json_node body, bool required, sotto_span *out,
                                              sotto_diag *diag);
typedef struct kiosk_events_sum {
    uint64_t rows, recorded, repeated, late, unknown, counted;
} kiosk_events_sum;
/* POST /v1/events: one event, or {"events":[...]}, all of them or none. */
#define KIOSK_EVENTS_MAX 256
SOTTO_MUST_USE sotto_status kiosk_events_from(kiosk_engine *e, sotto_json_node body, sotto_buf *out,
                                              sotto_diag *diag);

SOTTO_MUST_USE sotto_status kiosk_forget(kiosk_engine *e, sotto_span customer, sotto_diag *diag);

/* Remembers propensities and chances of e->decision for events that follow. */
void kiosk_recent_note(kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int32_t today);
/* By which the offer stood first in the answer that the event belongs to: the one it names, else the newest
 * of that day that had it. 0 = not known. */
uint32_t kiosk_recent_chance(const kiosk_engine *e, const uint8_t *key, int campaign,
                             const kiosk_event *event, int32_t day);
void kiosk_recent_forget(kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES]);
void kiosk_recent_clear(kiosk_engine *e);
/* What decide draws a customer's arms and holdouts by. */
uint64_t kiosk_arm_key(const kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES]);
/* An event as the measurement sees it. e->release.profile is the customer's. */
typedef struct kiosk_counted {
    const uint8_t *key;
    enum sotto_event_kind kind;
    int campaign;  /* of the plan, -1 = none */
    int32_t today; /* the terminal's day */
    int hour;      /* the terminal's hour of the event */
    int64_t at_s;
    uint32_t chance_q30; /* by which what was shown or taken stood first; 0 = not drawn, or not known */
} kiosk_counted;
/* Counts it in every task that asks for it, inside the caller's transaction. */
SOTTO_MUST_USE sotto_status kiosk_count(kiosk_engine *e, const kiosk_counted *event, bool *counted,
                                        sotto_diag *diag);
/* Something befell the terminal: counted in the release's tasks of health figures. Never fails: what cannot
 * be counted is told in the log. */
void kiosk_befell(kiosk_engine *e, enum sotto_figure figure);

#endif
