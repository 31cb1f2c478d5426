/*
 * decide: which offers, in which order, or nothing, and why. Pure (invariant 3): plan, profile, counters,
 * moment and seed in; answer out. Knows no store, no clock, no file. After sotto_plan_load nothing here
 * allocates; time is bounded by campaigns x (rule steps + model steps). A plan is read-only after load and
 * may be shared between threads, each with its own scratch.
 */
#ifndef SOTTO_DECIDE_H
#define SOTTO_DECIDE_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/fixed.h"
#include "sotto/model.h"
#include "sotto/tags.h"

#define SOTTO_CAMPAIGNS_MAX 256
#define SOTTO_PRODUCTS_MAX  1024
#define SOTTO_OFFERS_MAX    16    /* in one answer */
#define SOTTO_REASONS_MAX   5     /* tags named for one offer */
#define SOTTO_COUNTERS_MAX  16384 /* bytes of packed counters */

/* ---- The plan: dictionary, model, catalogue and policy of one release, checked against each other and
 * compiled ---- */
typedef struct sotto_plan sotto_plan;
typedef struct sotto_plan_sources {
    const sotto_dictionary *dictionary;
    const sotto_model *model; /* NULL: campaigns are ranked by value alone */
    sotto_span catalogue;     /* docs/formats/catalogue.md */
    sotto_span policy;        /* docs/formats/policy.md */
    const char *catalogue_name, *policy_name;
} sotto_plan_sources;
/* Arena bytes that loading may take. Dictionary and names are not looked at. Without the model (it may not be
 * loaded yet) one with up to 64 product features is assumed. */
size_t sotto_plan_arena_bound(const sotto_plan_sources *sources);
/* Everything is copied into or taken from arena; dictionary and model must outlive the plan. Errors name
 * file, path and line, give the arena back and set *out to NULL: MALFORMED, RANGE, NOT_FOUND (unknown tag,
 * product, choice), CONFLICT (numbers used twice, types, purposes, dates reversed), UNSUPPORTED (newer
 * version, operator that is not known), NO_SPACE, and what sotto_model_bind returns. */
SOTTO_MUST_USE sotto_status sotto_plan_load(const sotto_plan **out, const sotto_plan_sources *sources,
                                            sotto_arena *arena, sotto_diag *diag);

typedef struct sotto_creative {
    const char *language; /* "en", "ms", ...; first one is the fallback */
    const char *title, *text;
    bool large_type;
} sotto_creative;
typedef struct sotto_campaign {
    uint16_t number; /* stable over releases: what counters call it */
    const char *id;
    const char *product; /* id */
    const char *category;
    int64_t value_minor; /* what a taken offer is worth, smallest unit of the currency */
    unsigned risk;       /* of its product, 1 (safe) .. 5 */
    const sotto_creative *creatives;
    size_t creative_count;
} sotto_campaign;
size_t sotto_plan_campaigns(const sotto_plan *plan);
const sotto_campaign *sotto_plan_campaign(const sotto_plan *plan, size_t index);
int sotto_plan_find(const sotto_plan *plan, sotto_span id); /* index or -1 */
/* Tag indices that the policy names; -1 when it names none: whether tags may be used, whether events may be
 * counted. */
int sotto_plan_profiling_tag(const sotto_plan *plan);
int sotto_plan_measurement_tag(const sotto_plan *plan);

/* ---- Counters of one customer: what was shown, taken, dismissed. Opaque bytes to everybody else. ---- */
#define SOTTO_COUNTER_DAYS 31
typedef struct sotto_counter {
    uint16_t campaign; /* number; 0 = free slot */
    uint32_t shown_total;
    int64_t last_shown_s;                     /* UTC; of no meaning while shown_total is 0 */
    int32_t taken_day;                        /* 0 = never */
    int32_t dismissed_day;                    /* 0 = never */
    int32_t anchor_day;                       /* shown_by_day[i] is for anchor_day - i */
    uint8_t shown_by_day[SOTTO_COUNTER_DAYS]; /* saturating */
} sotto_counter;
typedef struct sotto_counters {
    sotto_counter entry[SOTTO_CAMPAIGNS_MAX];
    size_t count; /* sorted by campaign number */
} sotto_counters;
void sotto_counters_clear(sotto_counters *c);
/* Appends to out; at most SOTTO_COUNTERS_MAX bytes. NO_SPACE, or RANGE for counters that _apply did not make:
 * out is as it was then. */
SOTTO_MUST_USE sotto_status sotto_counters_pack(const sotto_counters *c, sotto_buf *out);
/* CORRUPT, MALFORMED, TRUNCATED, UNSUPPORTED: c is cleared then. */
SOTTO_MUST_USE sotto_status sotto_counters_unpack(sotto_counters *c, sotto_span packed, sotto_diag *diag);
/* Applies shown / taken / dismissed of a campaign; other kinds change nothing. at_s is UTC, day the local
 * date. Time never goes back (a day before the last is taken as the last). USAGE for campaign 0. NO_SPACE
 * when the table is full and every offer in it was taken (otherwise the entry longest unused and not taken is
 * given up); nothing changed then. */
SOTTO_MUST_USE sotto_status sotto_counters_apply(sotto_counters *c, uint16_t campaign,
                                                 enum sotto_event_kind kind, int64_t at_s, int32_t day);

/* ---- A decision ---- */
/* X(NAME, "code", "sentence") - every exclusion has a name. */
#define SOTTO_EXCLUSIONS(X)                                                                                  \
    X(NOT_STARTED, "not_started", "the campaign has not begun")                                              \
    X(ENDED, "ended", "the campaign is over")                                                                \
    X(SLOT, "slot", "not for this place on the screen")                                                      \
    X(CHANNEL, "channel", "not for this kind of terminal")                                                   \
    X(DAY_PART, "day_part", "not at this time of day")                                                       \
    X(NO_CONSENT, "no_consent", "needs a profile and the customer has not consented to profiling")           \
    X(UNKNOWN_CUSTOMER, "unknown_customer", "needs a profile and there is none")                             \
    X(NOT_ELIGIBLE, "not_eligible", "the campaign's rule does not hold")                                     \
    X(UNSUITABLE, "unsuitable", "riskier than the customer's risk grade allows")                             \
    X(ALREADY_HELD, "already_held", "the customer has the product")                                          \
    X(TAKEN, "taken", "the customer took the offer")                                                         \
    X(DISMISSED, "dismissed", "the customer dismissed it lately")                                            \
    X(CAP_DAY, "cap_day", "shown as often as allowed in a day")                                              \
    X(CAP_WEEK, "cap_week", "shown as often as allowed in seven days")                                       \
    X(CAP_MONTH, "cap_month", "shown as often as allowed in thirty days")                                    \
    X(CAP_TOTAL, "cap_total", "shown as often as allowed")                                                   \
    X(CAP_CUSTOMER, "cap_customer", "the customer has seen as many offers as allowed in a day")              \
    X(LOW_PROPENSITY, "low_propensity", "too unlikely to be wanted")                                         \
    X(RANKED_LOWER, "ranked_lower", "others came first")
enum sotto_exclusion {
    SOTTO_EXCLUDED_NONE = 0,
#define X(name, code, text) SOTTO_EXCLUDED_##name,
    SOTTO_EXCLUSIONS(X)
#undef X
};
const char *sotto_exclusion_code(enum sotto_exclusion e);
const char *sotto_exclusion_text(enum sotto_exclusion e);

typedef struct sotto_decide_request {
    const sotto_profile *profile;   /* NULL = unknown customer: only campaigns that need no profile. One made
                                       with another dictionary than the plan's is taken as NULL */
    const sotto_counters *counters; /* NULL = none yet */
    int64_t now_s;                  /* UTC, from the caller's floor of time */
    int32_t utc_offset_min;         /* local time = UTC + this; -1440..1440 */
    const char *slot;               /* "idle", "after_card", "receipt"; NULL = "after_card" */
    const char *channel;            /* "atm", "kiosk", ...; NULL = any */
    size_t offers_max;              /* 1..SOTTO_OFFERS_MAX */
    uint64_t seed;                  /* breaks ties; same seed, same answer */
} sotto_decide_request;

typedef struct sotto_reason {
    uint16_t tag; /* index into the dictionary; UINT16_MAX = product or time */
    int64_t contribution_q24;
} sotto_reason;
typedef struct sotto_offer {
    size_t campaign; /* index into the plan */
    int64_t margin_q24;
    uint32_t propensity_q30; /* 0 when there is no model or no profile was used */
    int64_t score;           /* propensity_q30 x value_minor >> 10: what they are ordered by. Without a
                                propensity 2^30 stands in its place: by value alone */
    sotto_reason reasons[SOTTO_REASONS_MAX]; /* largest absolute contribution first */
    size_t reason_count;
} sotto_offer;
typedef struct sotto_decision {
    sotto_offer offers[SOTTO_OFFERS_MAX];
    size_t offer_count; /* 0 = show nothing */
    enum sotto_exclusion
        excluded[SOTTO_CAMPAIGNS_MAX]; /* one a campaign of the plan; NONE for those offered */
    enum sotto_exclusion
        nothing_because; /* the commonest exclusion when offer_count is 0 (lowest number on ties) */
    bool profiled;       /* tags were used */
    uint64_t id;         /* of this decision: a hash of seed, time and answer, for events to refer to */
} sotto_decision;
size_t sotto_decide_scratch_size(const sotto_plan *plan);
/* Never fails: in the worst case the answer is "nothing"; offers_max and utc_offset_min outside their ranges
 * are taken as the nearest inside. scratch: sotto_decide_scratch_size bytes, aligned to 16, contents of no
 * meaning before and after. */
void sotto_decide(const sotto_plan *plan, const sotto_decide_request *request, void *scratch,
                  sotto_decision *out);

#endif
