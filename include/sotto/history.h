/*
 * history: what a terminal remembers of one customer's events, and the derived tags that follow from it. Part
 * of room tags; pure: no files, no clock, no entropy, no floating point.
 *
 * A history is a join of events: sums in daily buckets, latest and earliest days, latest values. So the same
 * events in any order, early or late, and any of them repeated, give the same bytes. Stated bounds: an event
 * more than SOTTO_HISTORY_LATE_DAYS before the customer's latest is not taken (LATE); a repetition is known
 * while its event is no older than that and among the SOTTO_HISTORY_IDS_MAX latest. Only what a derived tag
 * of the dictionary needs is kept (sotto_history_needs).
 */
#ifndef SOTTO_HISTORY_H
#define SOTTO_HISTORY_H

#include "sotto/base.h"
#include "sotto/tags.h"

#define SOTTO_HISTORY_LATE_DAYS 31
#define SOTTO_HISTORY_DAYS_MAX  366 /* days that a window may look back */
#define SOTTO_HISTORY_IDS_MAX   512
#define SOTTO_HISTORY_CELLS_MAX 1024
#define SOTTO_HISTORY_MAX       32768                     /* bytes of a packed history */
#define SOTTO_EVENT_TEXT_MAX    64                        /* bytes of a product, channel or menu item */
#define SOTTO_EVENT_DECIMALS    3                         /* of an event's money */
#define SOTTO_EVENT_MONEY_MAX   INT64_C(1000000000000000) /* 10^12 units of money */

typedef struct sotto_event {
    enum sotto_event_kind kind;
    int64_t at_s;   /* seconds since 1970-01-01 of local time, so that its day is the day that decide sees */
    uint64_t id;    /* equal ids = the same event; 0 = it has none and is never taken for a repetition */
    int64_t amount; /* deposit, withdrawal, purchase; 10^-SOTTO_EVENT_DECIMALS, 0 .. SOTTO_EVENT_MONEY_MAX */
    bool has_balance;
    int64_t balance; /* of the account after the event; either sign */
    bool has_due;
    int32_t due_day;    /* purchase: the day on which the product matures */
    sotto_span product; /* purchase, maturity; empty = none */
    sotto_span channel; /* where it happened; empty = not said */
    sotto_span page;    /* page: the menu item */
} sotto_event;

/* One sum. A day's events of one kind (count, sum of amounts); the largest of them; a day's last balance
 * (second of the day, balance); events of a bucket of SOTTO_HISTORY_BUCKET_DAYS days by hour, channel or menu
 * item (code). */
#define SOTTO_HISTORY_BUCKET_DAYS 28
#define SOTTO_HISTORY_BUCKETS     4
enum sotto_history_series {                            /* 1 .. 15: enum sotto_event_kind */
                            SOTTO_SERIES_LARGEST = 16, /* + kind; count is 1 */
                            SOTTO_SERIES_BALANCE = 32,
                            SOTTO_SERIES_HOUR,
                            SOTTO_SERIES_CHANNEL,
                            SOTTO_SERIES_PAGE
};
typedef struct sotto_history_cell {
    int32_t day;
    uint8_t series, code;
    uint32_t count;
    int64_t amount;
} sotto_history_cell;

typedef struct sotto_history_seen { /* an event that was taken */
    int32_t day;
    uint64_t id;
} sotto_history_seen;

typedef struct sotto_history_total { /* of one kind; count 0 = never seen */
    int32_t first_day, last_day;
    uint32_t count;
} sotto_history_total;

typedef struct sotto_history_fact { /* latest word on a tag of rule holds or due */
    uint16_t tag;                   /* number */
    int64_t at_s;
    int64_t value; /* holds: 0 or 1; due: the day, or INT32_MIN for none */
} sotto_history_fact;

typedef struct sotto_history { /* some 45 KB: for an engine, not for a stack */
    bool any;
    int32_t latest_day;
    sotto_history_total totals[SOTTO_EVENT_KINDS]; /* by kind */
    bool has_floor; /* cells of this day and before were dropped for want of space */
    int32_t floor_day;
    bool has_carry; /* the last balance before the daily ones begin */
    int64_t carry_s, carry;
    size_t cell_count, seen_count, fact_count;
    sotto_history_cell cells[SOTTO_HISTORY_CELLS_MAX]; /* ascending by day, series, code */
    sotto_history_seen seen[SOTTO_HISTORY_IDS_MAX];    /* ascending by day, id */
    sotto_history_fact facts[SOTTO_DERIVE_FACTS_MAX];  /* ascending by tag */
} sotto_history;

enum sotto_history_outcome {
    SOTTO_HISTORY_TAKEN = 1,
    SOTTO_HISTORY_REPEATED, /* taken before: nothing was changed */
    SOTTO_HISTORY_LATE      /* too long before the latest event: nothing was changed */
};

/* Whether any tag of d is derived. Otherwise a history holds ids and nothing else. */
bool sotto_history_needed(const sotto_dictionary *d);
void sotto_history_clear(sotto_history *h);
/* Whether an event of this id and local time would be TAKEN; changes nothing. */
enum sotto_history_outcome sotto_history_look(const sotto_history *h, uint64_t id, int64_t at_s);
/* Takes an event in. What no derived tag of d needs is forgotten, but for the id. remember false (a customer
 * who does not agree to be profiled): the id alone is kept, and what was known before is erased. An event
 * outside its ranges, or outside the years 0 to 9999, is a bug of the caller (asserted). */
enum sotto_history_outcome sotto_history_apply(sotto_history *h, const sotto_dictionary *d,
                                               const sotto_event *event, bool remember);
/* Packed form (docs/formats/history.md), with CRC; at most SOTTO_HISTORY_MAX bytes. NO_SPACE leaves out as it
 * was. */
SOTTO_MUST_USE sotto_status sotto_history_pack(const sotto_history *h, sotto_buf *out);
/* CORRUPT, MALFORMED, TRUNCATED, UNSUPPORTED: h is clear then. */
SOTTO_MUST_USE sotto_status sotto_history_unpack(sotto_history *h, sotto_span packed, sotto_diag *diag);

/* Sets the derived tags of profile (over d = profile->dictionary) as they are on `today` (local day); a tag
 * about which the history knows nothing keeps the value it has. A `today` before the latest event counts as
 * that day. Set into profiles that are read, never into those that are stored: the values are today's. */
void sotto_history_derive(const sotto_history *h, int32_t today, sotto_profile *profile);

#endif
