/* tags, private: what the files of this room share. */
#ifndef SOTTO_TAGS_PRIV_H
#define SOTTO_TAGS_PRIV_H

#include "sotto/history.h"
#include "sotto/tags.h"

/* Counts and amounts: |number| at most this. It leaves room to shift and add without overflow. */
#define SOTTO_TAGS_NUM_MAX INT64_C(1000000000000000000)
/* Days a visit.days_30 bitmap looks back, today included. */
#define SOTTO_TAGS_VISIT_DAYS 30
/* Days since 1970-01-01 of 0000-01-01 and 9999-12-31: what YYYY-MM-DD can say. */
#define SOTTO_TAGS_DAY_MIN (-719528)
#define SOTTO_TAGS_DAY_MAX 2932896
/* A bucket may begin before the year 0. */
#define SOTTO_HISTORY_DAY_MIN (SOTTO_TAGS_DAY_MIN - SOTTO_HISTORY_BUCKET_DAYS)

/* What the derived tags of a dictionary need a history to keep. */
typedef struct sotto_tags_needs {
    unsigned kinds;   /* bit k: days and totals of kind k */
    unsigned days;    /* daily sums reach so far back, today included; 0 = none are needed */
    unsigned balance; /* the same for balances */
    unsigned largest; /* the same for largest amounts */
    unsigned largest_kinds;
    unsigned of; /* bit o: buckets of enum sotto_derive_of o */
    size_t facts;
    const sotto_tag *channel, *page; /* the first tag of each: its choices give the codes */
} sotto_tags_needs;

struct sotto_dictionary {
    sotto_tags_needs needs;
    sotto_tag *tags;
    size_t count;
    uint16_t *by_id;     /* indices of tags, sorted by id */
    uint16_t *by_number; /* the same, sorted by number */
};

/* Position at which an id / number stands or would stand in the first `known` entries of the sorted index.
 * True when it is there. */
bool sotto_tags_place_id(const sotto_dictionary *d, size_t known, sotto_span id, size_t *at);
bool sotto_tags_place_number(const sotto_dictionary *d, size_t known, uint16_t number, size_t *at);

/* Reads a tag's member "derive" (absent: nothing to do) and adds what it needs to d->needs. The tag's other
 * members are read already. */
SOTTO_MUST_USE sotto_status sotto_tags_load_derive(sotto_dictionary *d, sotto_tag *tag, sotto_json_node node,
                                                   sotto_arena *arena, sotto_diag *diag);
/* First day of the bucket that holds a day, and of the earliest bucket that is still of use on `today`. */
int32_t sotto_tags_bucket_of(int32_t day);
int32_t sotto_tags_bucket_from(int32_t today);

/* One of a list of words, as its number. */
typedef struct sotto_tags_word {
    const char *text;
    int value;
} sotto_tags_word;
SOTTO_MUST_USE sotto_status sotto_tags_read_word(sotto_json_node node, const sotto_tags_word *words, size_t n,
                                                 int *out, sotto_diag *diag);

/* YYYY-MM-DD to days since 1970-01-01. MALFORMED, RANGE (31 April). */
SOTTO_MUST_USE sotto_status sotto_tags_parse_date(sotto_span text, int64_t *day);
/* Whether a stored number is one that the tag can hold. */
bool sotto_tags_in_range(const sotto_tag *tag, int64_t num);
/* Short text: at most SOTTO_TAG_TEXT_MAX bytes of UTF-8 without control characters. */
bool sotto_tags_text_ok(sotto_span text);

#endif
