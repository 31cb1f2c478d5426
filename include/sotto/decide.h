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
#include "sotto/items.h"
#include "sotto/model.h"
#include "sotto/tags.h"

#define SOTTO_CAMPAIGNS_MAX 256
#define SOTTO_PRODUCTS_MAX  5000
#define SOTTO_OFFERS_MAX    16    /* in one answer */
#define SOTTO_REASONS_MAX   5     /* tags named for one offer */
#define SOTTO_MENU_MAX      16    /* items of the menu that a policy orders */
#define SOTTO_COUNTERS_MAX  40960 /* bytes of packed counters */
#define SOTTO_TERMINAL_MAX  16384 /* bytes of a packed terminal */

/* ---- The plan: dictionary, model, catalogue and policy of one release, checked against each other and
 * compiled ---- */
typedef struct sotto_plan sotto_plan;
typedef struct sotto_plan_sources {
    const sotto_dictionary *dictionary;
    const sotto_model *model; /* NULL: campaigns are ranked by value alone */
    const sotto_items *items; /* what goes with what; NULL: the release has none. Must outlive the plan */
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
    const char *why; /* the reason in the customer's words; NULL = none is given */
    const char *arm; /* of an A/B test; NULL = shown in every arm */
    bool large_type;
    uint8_t number;  /* what counters call it; 0 = it has no caps of its own */
    uint16_t weight; /* of its arm */
    uint32_t cap_hour, cap_day, cap_week, cap_month, cap_total; /* UINT32_MAX = none */
} sotto_creative;
typedef struct sotto_campaign {
    uint16_t number; /* stable over releases: what counters call it */
    const char *id;
    const char *product; /* id */
    const char *category;
    int64_t value_minor; /* what a taken offer is worth, smallest unit of the currency; by its product's
                            value_tag it may be another for a customer: sotto_plan_value_minor */
    int64_t price_minor; /* what the customer pays for it; -1 = not said */
    unsigned risk;       /* of its product, 1 (safe) .. 5 */
    const sotto_creative *creatives;
    size_t creative_count;
    bool notice;           /* must be shown: before all offers, whatever limits them */
    const char *hand_over; /* "appointment", ...: staff takes over when it is taken; NULL = nobody does */
} sotto_campaign;
size_t sotto_plan_campaigns(const sotto_plan *plan);
const sotto_campaign *sotto_plan_campaign(const sotto_plan *plan, size_t index);
int sotto_plan_find(const sotto_plan *plan, sotto_span id); /* index or -1 */
/* What a campaign's offer is worth if this customer takes it: the product's value_tag where it has one and
 * the profile does, not below 0 nor above the largest value; else value_minor. profile NULL: nothing is
 * known, or may be used (a decision that is not `profiled`). */
int64_t sotto_plan_value_minor(const sotto_plan *plan, size_t index, const sotto_profile *profile,
                               int32_t today);
/* The arm of the campaign's A/B test that `key` (a request's arm_key, not 0) falls into: what its creative is
 * chosen by, whatever language and caps then leave. NULL when it has no arms. */
const char *sotto_plan_arm(const sotto_plan *plan, size_t index, uint64_t key);
/* Tag indices that the policy names; -1 when it names none: whether tags may be used, whether events may be
 * counted. */
int sotto_plan_profiling_tag(const sotto_plan *plan);
int sotto_plan_measurement_tag(const sotto_plan *plan);
/* Digits of the currency's smallest unit. */
unsigned sotto_plan_currency_decimals(const sotto_plan *plan);
/* Items of the menu that the policy orders, and their ids. */
size_t sotto_plan_menu(const sotto_plan *plan);
const char *sotto_plan_menu_item(const sotto_plan *plan, size_t index);

/* ---- Counters of one customer: what was shown, taken, dismissed. Opaque bytes to everybody else. ---- */
#define SOTTO_COUNTER_DAYS        31
#define SOTTO_COUNTER_RECENT      7 /* showings of the last hour before the last one: caps of up to 8 an hour */
#define SOTTO_COUNTER_ENTRIES_MAX 512
typedef struct sotto_counter {
    uint16_t campaign; /* number; 0 = free slot */
    uint8_t creative;  /* number of a creative with caps of its own; 0 = the campaign as a whole */
    uint8_t recent_count;
    /* Other showings within an hour before the last, ascending. */
    uint16_t recent_ago_s[SOTTO_COUNTER_RECENT];
    uint32_t shown_total;
    int64_t last_shown_s;                     /* UTC; of no meaning while shown_total is 0 */
    int32_t taken_day;                        /* 0 = never */
    int32_t dismissed_day;                    /* 0 = never */
    int32_t anchor_day;                       /* shown_by_day[i] is for anchor_day - i */
    uint8_t shown_by_day[SOTTO_COUNTER_DAYS]; /* saturating */
    /* By which the last showing stood first; 0 = it was not drawn, not known, or taken. */
    uint32_t chance_q30;
} sotto_counter;
typedef struct sotto_counters {
    sotto_counter entry[SOTTO_COUNTER_ENTRIES_MAX];
    size_t count; /* sorted by campaign number, then creative */
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
/* The same for a showing of a creative that has a number (0 changes nothing), beside _apply of its campaign.
 */
SOTTO_MUST_USE sotto_status sotto_counters_apply_creative(sotto_counters *c, uint16_t campaign,
                                                          uint8_t creative, int64_t at_s, int32_t day);
/* Keeps with the campaign's last showing the chance (a first offer's chance_q30, 1..2^30) by which it stood
 * first; the next showing and the taking of it forget it. Nothing where the last showing is not that of at_s:
 * a late event says nothing of it. */
void sotto_counters_drawn(sotto_counters *c, uint16_t campaign, int64_t at_s, uint32_t chance_q30);
/* That chance; 0 = not known. */
uint32_t sotto_counters_chance(const sotto_counters *c, uint16_t campaign);

/* ---- What this terminal has shown to everybody together: budgets, pacing, stock, and what exploration has
 * learned. Opaque bytes to everybody else; says nothing of one customer. ---- */
#define SOTTO_TERMINAL_ENTRIES_MAX 512
typedef struct sotto_terminal_count {
    uint16_t campaign; /* number */
    int32_t day;       /* the latest with an event; shown_today is of this day */
    uint32_t shown, taken, shown_today;
} sotto_terminal_count;
typedef struct sotto_terminal {
    sotto_terminal_count entry[SOTTO_TERMINAL_ENTRIES_MAX];
    size_t count; /* sorted by campaign number */
} sotto_terminal;
void sotto_terminal_clear(sotto_terminal *t);
/* Appends to out; NO_SPACE, or RANGE for what _apply did not make: out is as it was then. */
SOTTO_MUST_USE sotto_status sotto_terminal_pack(const sotto_terminal *t, sotto_buf *out);
/* CORRUPT, MALFORMED, TRUNCATED, UNSUPPORTED: t is cleared then. */
SOTTO_MUST_USE sotto_status sotto_terminal_unpack(sotto_terminal *t, sotto_span packed, sotto_diag *diag);
/* Counts shown and taken; other kinds change nothing. Days never go back. When the table is full the entry
 * longest unused is given up. USAGE for campaign 0. */
SOTTO_MUST_USE sotto_status sotto_terminal_apply(sotto_terminal *t, uint16_t campaign,
                                                 enum sotto_event_kind kind, int32_t day);

/* ---- A decision ---- */
/* X(NAME, "code", "sentence") - every exclusion has a name. Numbers are stable: new ones are added at the
 * end. The order in which they are asked is in docs/formats/policy.md. */
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
    X(RANKED_LOWER, "ranked_lower", "others came first")                                                     \
    X(BRANCH_GROUP, "branch_group", "not for this group of branches")                                        \
    X(TERMINAL_MODEL, "terminal_model", "not for this model of terminal")                                    \
    X(LANGUAGE, "language", "it has no words in the customer's language")                                    \
    X(QUIET_HOURS, "quiet_hours", "no offers are shown at this hour")                                        \
    X(VULNERABLE, "vulnerable", "not for a customer who needs special care")                                 \
    X(COOLING_COMPLAINT, "cooling_complaint", "the customer complained lately")                              \
    X(COOLING_PURCHASE, "cooling_purchase", "the customer took an offer lately")                             \
    X(NO_TRIGGER, "no_trigger", "nothing has happened that calls for it")                                    \
    X(DISLIKED_CATEGORY, "disliked_category", "the customer does not want offers of this category")          \
    X(JOURNEY_WAITING, "journey_waiting", "its step of the journey has not come")                            \
    X(JOURNEY_OVER, "journey_over", "its step of the journey is over")                                       \
    X(HOLDOUT, "holdout", "the customer is in the group that is compared with")                              \
    X(MIN_WAIT, "min_wait", "too soon after the last offer")                                                 \
    X(CAP_HOUR, "cap_hour", "shown as often as allowed in an hour")                                          \
    X(CAP_CREATIVE, "cap_creative", "its words were shown as often as allowed")                              \
    X(CAP_PRODUCT, "cap_product", "its product was shown as often as allowed")                               \
    X(CAP_CATEGORY, "cap_category", "its category was shown as often as allowed")                            \
    X(CAP_CUSTOMER_HOUR, "cap_customer_hour", "the customer has seen as many offers as allowed in an hour")  \
    X(CAP_CUSTOMER_WEEK, "cap_customer_week",                                                                \
      "the customer has seen as many offers as allowed in seven days")                                       \
    X(CAP_CUSTOMER_MONTH, "cap_customer_month",                                                              \
      "the customer has seen as many offers as allowed in thirty days")                                      \
    X(OUT_OF_STOCK, "out_of_stock", "the product is sold out at this terminal")                              \
    X(BUDGET_DAY, "budget_day", "the campaign's showings of the day are used up")                            \
    X(BUDGET_TOTAL, "budget_total", "the campaign's showings are used up")                                   \
    X(PACED, "paced", "its showings are spread over the day")                                                \
    X(SAME_PRODUCT, "same_product", "another offer of the product is shown")                                 \
    X(SAME_CATEGORY, "same_category", "other offers of the category are shown")                              \
    X(TOO_ALIKE, "too_alike", "others came first, less like the offers that are shown")                      \
    X(STORE_RESTORED, "store_restored",                                                                      \
      "an old copy of the store was put back: what was shown is not known")                                  \
    X(CAP_CUSTOMER_TOTAL, "cap_customer_total", "the customer has seen as many offers as allowed")
enum sotto_exclusion {
    SOTTO_EXCLUDED_NONE = 0,
#define X(name, code, text) SOTTO_EXCLUDED_##name,
    SOTTO_EXCLUSIONS(X)
#undef X
        SOTTO_EXCLUSION_COUNT
};
const char *sotto_exclusion_code(enum sotto_exclusion e);
const char *sotto_exclusion_text(enum sotto_exclusion e);

typedef struct sotto_decide_request {
    const sotto_profile *profile;   /* NULL = unknown customer: only campaigns that need no profile. One made
                                       with another dictionary than the plan's is taken as NULL */
    const sotto_counters *counters; /* NULL = none yet */
    const sotto_terminal *terminal; /* NULL = nothing shown to anybody yet */
    int64_t now_s;                  /* UTC, from the caller's floor of time */
    int32_t utc_offset_min;         /* local time = UTC + this; -1440..1440 */
    const char *slot;               /* "idle", "after_card", "receipt"; NULL = "after_card" */
    const char *channel;            /* "atm", "kiosk", ...; NULL = any */
    const char *branch_group;       /* of this terminal; NULL = any */
    const char *terminal_model;     /* NULL = any */
    const char *language;           /* of the screen; NULL = each creative list's first */
    uint64_t arm_key;  /* one a customer, from a keyed hash, stable over releases: holdouts and A/B
                          arms. 0 = nobody identified: no holdout, arms by the seed */
    size_t offers_max; /* 1..SOTTO_OFFERS_MAX */
    uint64_t seed;     /* breaks ties; same seed, same answer */
    bool caps_unknown; /* what was shown is not known: only notices (STORE_RESTORED) */
} sotto_decide_request;

typedef struct sotto_reason {
    uint16_t tag; /* index into the dictionary; UINT16_MAX = product or time */
    int64_t contribution_q24;
} sotto_reason;
typedef struct sotto_offer {
    size_t campaign; /* index into the plan */
    int64_t margin_q24;
    uint32_t propensity_q30; /* 0 when there is no model or no profile was used */
    uint32_t chance_q30;  /* that this offer stands at its place, given those before it: what a later estimate
                             of another policy divides by. 2^30 = certain */
    bool explored;        /* shown to learn, instead of the best */
    uint8_t creative;     /* index into the campaign's */
    const char *trigger;  /* id of what called for it, or NULL */
    int64_t score;        /* propensity_q30 x value >> 10: what they are ordered by. Without a
                             propensity 2^30 stands in its place: by value alone. With a recommender
                             factor_q16 multiplies it, and the product's popularity stands in that place */
    uint32_t factor_q16;  /* of the recommender; 2^16 = 1, also without one */
    const char *because;  /* id of the product held that raised the factor most, or NULL */
    uint32_t variety_q16; /* the part of the score that it was placed by, the offers before it being as alike
                             as they are (the policy's diversity); 2^16 = all of it */
    size_t alike; /* the campaign before it that took the rest; of no meaning when nothing was taken */
    sotto_reason reasons[SOTTO_REASONS_MAX]; /* largest absolute contribution first */
    size_t reason_count;
} sotto_offer;
typedef struct sotto_decision {
    sotto_offer offers[SOTTO_OFFERS_MAX];
    size_t offer_count; /* 0 = show nothing */
    /* One a campaign of the plan; NONE for those offered. */
    enum sotto_exclusion excluded[SOTTO_CAMPAIGNS_MAX];
    /* The commonest exclusion when offer_count is 0 (lowest number on ties). */
    enum sotto_exclusion nothing_because;
    bool profiled;                      /* tags were used */
    bool large_type;                    /* the policy's tag says that the customer reads large type better */
    uint8_t menu_order[SOTTO_MENU_MAX]; /* sotto_plan_menu() indices, the most used first */
    uint64_t id; /* of this decision: a hash of seed, time and answer, for events to refer to */
} sotto_decision;
size_t sotto_decide_scratch_size(const sotto_plan *plan);
/* Never fails: in the worst case the answer is "nothing"; offers_max and utc_offset_min outside their ranges
 * are taken as the nearest inside. scratch: sotto_decide_scratch_size bytes, aligned to 16, contents of no
 * meaning before and after. */
void sotto_decide(const sotto_plan *plan, const sotto_decide_request *request, void *scratch,
                  sotto_decision *out);

/* ---- Decisions written down whole, to be made again (docs/formats/decision-log.md). Such a file holds tag
 * values: it is made by a person's command only and belongs where the store may be. ---- */
#define SOTTO_REPLAY_PARTS                                                                                   \
    5 /* of the release: dictionary, model (empty = none), catalogue, policy, items (likewise) */
#define SOTTO_REPLAY_NAME_MAX 64 /* bytes of a slot, channel, ... */
/* A number over everything an answer says: equal answers on any two CPUs have equal digests. */
uint64_t sotto_decision_digest(const sotto_plan *plan, const sotto_decision *decision);
/* Append to out: the head, then any number of decisions. NO_SPACE; RANGE for names too long: out is as it was
 * (for the head: its start is written). */
SOTTO_MUST_USE sotto_status sotto_replay_head(const sotto_span part[static SOTTO_REPLAY_PARTS],
                                              sotto_buf *out);
SOTTO_MUST_USE sotto_status sotto_replay_put(const sotto_plan *plan, const sotto_decide_request *request,
                                             const sotto_decision *decision, sotto_buf *out);
typedef struct sotto_replay {
    const char *name;
    sotto_span file, part[SOTTO_REPLAY_PARTS];
    size_t at; /* offset of the next record */
} sotto_replay;
typedef struct sotto_replay_memory {
    sotto_profile *profile; /* the caller's, of the plan's dictionary */
    sotto_counters counters;
    sotto_terminal terminal;
    sotto_decision decision; /* the last one made again */
    char name[5][SOTTO_REPLAY_NAME_MAX + 1];
} sotto_replay_memory;
/* Points into file and name. MALFORMED, UNSUPPORTED, TRUNCATED with the offset; *out is empty then. */
SOTTO_MUST_USE sotto_status sotto_replay_open(sotto_replay *out, sotto_span file, const char *name,
                                              sotto_diag *diag);
bool sotto_replay_more(const sotto_replay *log);
/* Makes the next decision again; *same: bit for bit. CORRUPT, TRUNCATED, MALFORMED, UNSUPPORTED with the
 * offset of the record; after CORRUPT and TRUNCATED there is no next one. */
SOTTO_MUST_USE sotto_status sotto_replay_next(sotto_replay *log, const sotto_plan *plan,
                                              sotto_replay_memory *memory, void *scratch, bool *same,
                                              sotto_diag *diag);

#endif
