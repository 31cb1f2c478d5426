/*
 * tags: the dictionary of what may be known about a customer, one packed record a customer, and the tags that
 * follow from events. Pure: no files, no clock, no entropy. The same bytes and the same answers on every CPU.
 */
#ifndef SOTTO_TAGS_H
#define SOTTO_TAGS_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/fixed.h"

#define SOTTO_TAGS_MAX        512 /* tags in a dictionary */
#define SOTTO_TAG_CHOICES_MAX 256
#define SOTTO_TAG_TEXT_MAX    128   /* bytes of a short text */
#define SOTTO_PROFILE_MAX     16384 /* bytes of a packed profile */

/* What happens at a terminal. Numbers are in stored histories: append only. X(NAME, "name") */
#define SOTTO_EVENTS(X)                                                                                      \
    X(CARD_IN, "card_in")                                                                                    \
    X(SHOWN, "shown")                                                                                        \
    X(TAKEN, "taken")                                                                                        \
    X(DISMISSED, "dismissed")                                                                                \
    X(BALANCE, "balance")                                                                                    \
    X(DEPOSIT, "deposit")                                                                                    \
    X(WITHDRAWAL, "withdrawal")                                                                              \
    X(PURCHASE, "purchase")                                                                                  \
    X(MATURITY, "maturity")                                                                                  \
    X(PAGE, "page")
enum sotto_event_kind {
    SOTTO_EVENT_NONE = 0,
#define X(name, text) SOTTO_EVENT_##name,
    SOTTO_EVENTS(X)
#undef X
        SOTTO_EVENT_KINDS
};

enum sotto_tag_kind {
    SOTTO_TAG_FLAG = 1,
    SOTTO_TAG_CHOICE,
    SOTTO_TAG_COUNT,
    SOTTO_TAG_AMOUNT,
    SOTTO_TAG_DATE,
    SOTTO_TAG_TEXT
};
enum sotto_tag_facet {
    SOTTO_FACET_FIXED = 1,
    SOTTO_FACET_INTEREST,
    SOTTO_FACET_SOCIAL,
    SOTTO_FACET_CONSUMPTION,
    SOTTO_FACET_DYNAMIC
};
/* What a tag may be used for; a decision path asks for its purpose and sees the other tags as absent. */
enum sotto_tag_purpose {
    SOTTO_PURPOSE_SERVICE = 1,
    SOTTO_PURPOSE_MARKETING = 2,
    SOTTO_PURPOSE_MEASUREMENT = 4
};
/* Where a value comes from: imported, or kept by the terminal from events (see sotto_tags_apply_event). */
enum sotto_tag_from {
    SOTTO_FROM_IMPORT = 0,
    SOTTO_FROM_VISIT_LAST,    /* "visit.last": date of the last card-in (recency) */
    SOTTO_FROM_VISIT_DAYS_30, /* "visit.days_30": days with a card-in among the last 30, today included
                                 (frequency) */
    SOTTO_FROM_OFFER_LAST,    /* "offer.last": date of the last offer shown */
    SOTTO_FROM_OFFER_COUNT,   /* "offer.count": offers shown, ever */
    SOTTO_FROM_TAKEN_COUNT,   /* "taken.count": offers taken, ever */
    /* By a model of the release (sotto/model_tag.h), in this order. */
    SOTTO_FROM_SEGMENT, /* "segment": the nearest of its groups; of a choice */
    SOTTO_FROM_VALUE    /* "value": what it answers; of an amount */
};

/* How a derived tag follows from a customer's history (sotto/history.h, docs/formats/dictionary.md). */
#define SOTTO_DERIVE_FACTS_MAX  64 /* tags of the rules holds and due in a dictionary */
#define SOTTO_DERIVE_GRADES_MAX 16
enum sotto_derive_rule {
    SOTTO_DERIVE_LAST = 1,        /* date: the latest event */
    SOTTO_DERIVE_DAYS_SINCE,      /* count: days from that to today */
    SOTTO_DERIVE_COUNT,           /* count: events */
    SOTTO_DERIVE_DAYS,            /* count: days with an event */
    SOTTO_DERIVE_SUM,             /* amount: of the events */
    SOTTO_DERIVE_AVERAGE_BALANCE, /* amount */
    SOTTO_DERIVE_BALANCE_CHANGE,  /* amount: this window's average minus that of the window before */
    SOTTO_DERIVE_HOLDS,           /* flag: a product was bought and has not come to its end */
    SOTTO_DERIVE_DUE,             /* date: when the product matures that was bought last */
    SOTTO_DERIVE_STAGE,           /* choice: new, rising, stable, leaving */
    SOTTO_DERIVE_FAVOURITE,       /* choice or (hour) count: the commonest of late */
    SOTTO_DERIVE_LARGEST          /* amount: of a single event */
};
enum sotto_derive_of { SOTTO_OF_HOUR = 1, SOTTO_OF_CHANNEL, SOTTO_OF_PAGE };
typedef struct sotto_derive {
    enum sotto_derive_rule rule;
    unsigned kinds;          /* bit k = events of kind k count */
    unsigned days;           /* window, today included; 0 = ever (LAST, DAYS_SINCE, COUNT) */
    enum sotto_derive_of of; /* FAVOURITE */
    unsigned rank;           /* FAVOURITE: 1 = the commonest, 2 = the next, ... */
    const char *product;     /* HOLDS, DUE */
    const int64_t *grades; /* ascending or descending bounds: the tag is then a count, 1 .. grade_count + 1 */
    size_t grade_count;    /* 0 = not graded */
} sotto_derive;

typedef struct sotto_tag {
    uint16_t number;  /* 1..65535, stable over releases: what a packed profile and a model call it */
    const char *id;   /* [a-z0-9_.-]{1,64} */
    const char *name; /* for people */
    enum sotto_tag_kind kind;
    enum sotto_tag_facet facet;
    unsigned purposes; /* bits of sotto_tag_purpose */
    unsigned ttl_days; /* a value dies that many days after it was set; 0 = never */
    unsigned decimals; /* amount: digits behind the point, 0..6 */
    bool aggregate;    /* may be counted in a measurement task */
    enum sotto_tag_from from;
    const char *const *choices; /* choice: names by code; append-only over releases */
    size_t choice_count;
    const int64_t *bins; /* ascending lower bounds of bins for measurement; may be empty */
    size_t bin_count;
    const sotto_derive *derive; /* NULL = not derived */
} sotto_tag;

typedef struct sotto_dictionary sotto_dictionary;

/* Reads a dictionary (docs/formats/dictionary.md) into arena. Everything it points to lives there; text may
 * be freed afterwards. Errors name file, path and line, give the arena back and set *out to NULL: MALFORMED,
 * RANGE, CONFLICT (number, id or event rule used twice), UNSUPPORTED (newer version), NO_SPACE. Arena bytes
 * needed: at most 8 x json.len + 1 KiB. Read-only afterwards: any number of threads may share it. */
SOTTO_MUST_USE sotto_status sotto_dictionary_load(sotto_dictionary **out, sotto_span json, const char *name,
                                                  sotto_arena *arena, sotto_diag *diag);
size_t sotto_dictionary_count(const sotto_dictionary *d);
const sotto_tag *sotto_dictionary_at(const sotto_dictionary *d, size_t index); /* asserted in range */
/* Index of a tag, or -1. */
int sotto_dictionary_find(const sotto_dictionary *d, sotto_span id);
int sotto_dictionary_find_number(const sotto_dictionary *d, uint16_t number);
int sotto_tag_choice_find(const sotto_tag *tag, sotto_span name); /* code, or -1 */

/* ---- A profile in memory: one value a tag of the dictionary ---- */
typedef struct sotto_tag_value {
    bool present;
    int32_t set_day; /* days since 1970-01-01 when it was set; base of its time to live */
    int64_t num; /* flag 0/1, choice code, count, amount in its smallest unit, date as days since 1970-01-01;
                    visit.days_30: bit i = a card-in i days before set_day */
    sotto_span text; /* text tags only; points into the bytes it was unpacked from or parsed from */
} sotto_tag_value;

typedef struct sotto_profile {
    const sotto_dictionary *dictionary;
    sotto_tag_value *values; /* sotto_dictionary_count entries, caller's memory */
} sotto_profile;

/* Takes values from arena, all absent. NO_SPACE. */
SOTTO_MUST_USE sotto_status sotto_profile_init(sotto_profile *profile, const sotto_dictionary *d,
                                               sotto_arena *arena);
void sotto_profile_clear(sotto_profile *profile);
/* Packed form (docs/formats/profile.md): sorted by tag number, with CRC. Appends to out; NO_SPACE leaves it
 * as it was. */
SOTTO_MUST_USE sotto_status sotto_profile_pack(const sotto_profile *profile, sotto_buf *out);
/* Tags that this dictionary does not know (an older or newer release) are skipped and counted in *unknown
 * (may be NULL); values out of the dictionary's range are dropped the same way. An amount whose decimals
 * changed is rescaled. CORRUPT, MALFORMED, TRUNCATED, UNSUPPORTED: profile is cleared then. Texts point into
 * packed. */
SOTTO_MUST_USE sotto_status sotto_profile_unpack(sotto_profile *profile, sotto_span packed, size_t *unknown,
                                                 sotto_diag *diag);
/* The value as seen on `today` (local date) for `purpose`: false when absent, dead (today - set_day >=
 * ttl_days), or when the tag is not for every purpose in the bits given; *out is all zero then. visit.days_30
 * is counted here: num is 0..30. */
bool sotto_profile_read(const sotto_profile *profile, size_t index, unsigned purpose, int32_t today,
                        sotto_tag_value *out);

/* ---- Values as text (CSV import, JSON) ---- */
/* Parses one field by the tag's kind: flag 0/1/true/false/yes/no, choice by name, count, amount "12.50", date
 * YYYY-MM-DD, text.
 * "" = absent. Errors: MALFORMED, RANGE with the tag's id in diag (never the value). */
SOTTO_MUST_USE sotto_status sotto_tag_parse(const sotto_tag *tag, sotto_span text, int32_t today,
                                            sotto_tag_value *out, sotto_diag *diag);
/* The inverse, for `sotto-hq` and tests: "" when absent, flags as 0 and 1, visit.days_30 as its number of
 * days. NO_SPACE. */
SOTTO_MUST_USE sotto_status sotto_tag_format(const sotto_tag *tag, const sotto_tag_value *value, char *out,
                                             size_t cap);

/* Which CSV column feeds which tag; columns not in the dictionary are refused (NOT_FOUND, line 1) unless
 * named in ignore. The customer column must be there; customer_column NULL = the table has none (training
 * rows), and plan->customer_column is SIZE_MAX. */
typedef struct sotto_import_plan {
    size_t customer_column;
    int tag_of_column[SOTTO_CSV_FIELDS_MAX]; /* index into the dictionary, -1 = customer number or ignored */
    size_t columns;
} sotto_import_plan;
SOTTO_MUST_USE sotto_status sotto_import_plan_make(sotto_import_plan *plan, const sotto_csv *header,
                                                   const sotto_dictionary *d, const char *customer_column,
                                                   const char *const *ignore, size_t ignore_count,
                                                   sotto_diag *diag);
/* Reads the current row into profile. Imported tags present in the file replace what was there (an empty
 * field removes it). A column of an event tag (visit.days_30 as a number of days) only fills a tag that has
 * no value yet: what the terminal saw itself stays. A bad field changes nothing and is told with file, line,
 * column. */
SOTTO_MUST_USE sotto_status sotto_import_row(const sotto_import_plan *plan, const sotto_csv *csv,
                                             int32_t today, sotto_profile *profile, sotto_diag *diag);

/* ---- Events ---- */
const char *sotto_event_name(enum sotto_event_kind kind); /* "?" when unknown */
enum sotto_event_kind sotto_event_find(sotto_span name);  /* NONE when unknown */
/* Updates the event tags that the dictionary has. Pure; the same events in any order give the same tags, also
 * late ones (visit.days_30 keeps those within 30 days of the latest). at_s: seconds since 1970-01-01 of local
 * time (UTC + the terminal's offset), so that its day is the day that decide sees. */
void sotto_tags_apply_event(sotto_profile *profile, enum sotto_event_kind kind, int64_t at_s);

#endif
