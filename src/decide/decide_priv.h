/* decide, private: the compiled plan and what the files of this room share. */
#ifndef SOTTO_DECIDE_PRIV_H
#define SOTTO_DECIDE_PRIV_H

#include "sotto/decide.h"

enum {
    SOTTO_DECIDE_ATTRIBUTES_MAX = 32, /* of a product */
    SOTTO_DECIDE_NAMES_MAX = 32,      /* different slots, and different channels, in a policy */
    SOTTO_DECIDE_DAY_PARTS_MAX = 8,   /* of a campaign; and quiet hours of a policy */
    SOTTO_DECIDE_CREATIVES_MAX = 16,  /* of a campaign */
    SOTTO_DECIDE_TRIGGERS_MAX = 4,    /* of a campaign */
    SOTTO_DECIDE_JOURNEYS_MAX = 32,
    SOTTO_DECIDE_STEPS_MAX = 8,           /* of a journey */
    SOTTO_DECIDE_NOTICES_MAX = 16,        /* of a policy */
    SOTTO_DECIDE_LIMITS_MAX = 64,         /* products, and categories, with limits of their own */
    SOTTO_DECIDE_POLICY_COST_MAX = 32768, /* steps of all rules together */
    SOTTO_DECIDE_RULE_DEPTH_MAX = 16,     /* operators inside each other */
    SOTTO_DECIDE_RULE_COST_MAX = 256,     /* steps of a rule; an entry of a list counts as one */
    SOTTO_DECIDE_RISK_MAX = 5,
    SOTTO_DECIDE_LAST_DAY = 1048575 /* 20 bits of days, year 4840: what packed counters can say */
};
/* What a taken offer may be worth: keeps propensity x value inside an int64 (rank.c). */
#define SOTTO_DECIDE_VALUE_MAX INT64_C(1000000000000)
/* Bytes that preparing all products for ranking may take; where it would take more, they are scored one at a
 * time, with the same answers. 300 trees of depth 6 and 200 products take below 1 MiB. */
#define SOTTO_DECIDE_RANKING_MAX ((size_t)4 << 20)

/* ---- Rules: JSON Logic compiled to steps on a stack of booleans ---- */

enum sotto_rule_op {
    SOTTO_RULE_CONST,
    SOTTO_RULE_NUM,
    SOTTO_RULE_TAG,
    SOTTO_RULE_IN,
    SOTTO_RULE_DAYS,
    SOTTO_RULE_NOT,
    SOTTO_RULE_AND,
    SOTTO_RULE_OR
};
enum sotto_rule_compare {
    SOTTO_COMPARE_EQ,
    SOTTO_COMPARE_NE,
    SOTTO_COMPARE_LT,
    SOTTO_COMPARE_LE,
    SOTTO_COMPARE_GT,
    SOTTO_COMPARE_GE
};
typedef struct sotto_rule_step {
    uint8_t op;      /* sotto_rule_op */
    uint8_t compare; /* sotto_rule_compare */
    uint16_t tag;    /* index: what is compared, or looked for in the list */
    uint16_t other;  /* TAG: index of the tag to compare with; IN: length of the list */
    union {
        int64_t num;         /* CONST: 0 or 1; NUM: the literal, in the tag's unit */
        const int64_t *list; /* IN */
        struct {
            int32_t from, to; /* DAYS: today - date lies between them, both inside */
        } days;
    } with;
} sotto_rule_step;
typedef struct sotto_rule {
    const sotto_rule_step *steps;
    size_t count; /* 0 = holds for everybody */
} sotto_rule;

/* ---- The plan ---- */

typedef struct sotto_attribute {
    const char *name;
    int64_t mantissa;
    unsigned decimals;
} sotto_attribute;
typedef struct sotto_product {
    const char *id, *name, *category;
    unsigned risk;
    int64_t value_minor;
    int held_tag;                /* index, or -1 */
    int value_tag;               /* the same: an amount in the currency's smallest unit */
    int64_t price_minor;         /* -1 = not said */
    uint32_t stock;              /* to be sold at a terminal; UINT32_MAX = no end */
    int limits, category_limits; /* index into the plan's limits, or -1 */
    sotto_attribute *attributes;
    size_t attribute_count;
} sotto_product;
typedef struct sotto_caps {
    uint32_t hour, day, week, month, total; /* UINT32_MAX = none */
} sotto_caps;
/* Of a product or a category, over all its campaigns. */
typedef struct sotto_limits {
    sotto_caps caps;
    uint32_t dismissals,
        dismissals_days; /* so many campaigns waved away within so many days: disliked; 0 = never */
    int disliked_tag;    /* index, or -1 */
    bool category;
} sotto_limits;
/* What was shown of it to this customer. */
typedef struct sotto_seen {
    uint32_t hour, day, week, month, total, dismissed;
} sotto_seen;
typedef struct sotto_day_part {
    uint16_t from_minute, to_minute; /* of the local day; to is outside */
} sotto_day_part;
typedef struct sotto_trigger {
    const char *id;
    sotto_rule when;
} sotto_trigger;
/* When a step of a journey is over and the next one comes. */
typedef struct sotto_journey_step {
    uint16_t campaign;    /* index */
    uint32_t after_shown; /* times, not taken; UINT32_MAX = never */
    uint32_t wait_days;   /* since it was last shown */
    bool after_dismissed, after_taken;
} sotto_journey_step;
typedef struct sotto_journey {
    const char *id;
    sotto_journey_step step[SOTTO_DECIDE_STEPS_MAX];
    size_t count;
} sotto_journey;
/* What a campaign asks for, beside its public face. */
typedef struct sotto_terms {
    size_t product; /* index */
    bool needs_profile, own_words, vulnerable, paced, explore;
    uint8_t priority;
    int16_t journey; /* index, or -1 */
    uint8_t step;
    uint32_t groups, models; /* as slots */
    sotto_trigger *triggers;
    size_t trigger_count; /* 0 = needs none */
    sotto_caps caps;
    uint32_t budget_day, budget_total; /* UINT32_MAX = none, as all caps */
    uint32_t holdout_q30;
    int32_t from_day, to_day; /* both inside */
    uint32_t slots, channels; /* bit i = the plan's i-th name; 0 = any */
    sotto_day_part *day_parts;
    size_t day_part_count; /* 0 = all day */
    uint32_t dismissed_days;
    uint32_t min_propensity_q30;
    sotto_rule who;
} sotto_terms;
typedef struct sotto_name_set {
    const char *name[SOTTO_DECIDE_NAMES_MAX];
    size_t count;
} sotto_name_set;

enum sotto_explore_method {
    SOTTO_EXPLORE_NONE,
    SOTTO_EXPLORE_UNIFORM,
    SOTTO_EXPLORE_THOMPSON,
    SOTTO_EXPLORE_SQUARECB
};
/* Points at which a taken rate is looked at by Thompson sampling (explore.c). */
enum { SOTTO_EXPLORE_POINTS = 128, SOTTO_EXPLORE_MAX = 8 /* of the best: candidates to be drawn from */ };
typedef struct sotto_exploration {
    enum sotto_explore_method method;
    uint32_t share_q30, floor_q30, prior_q30;
    uint32_t strength; /* showings that the model's word is worth, or prior_q30 without one */
    uint32_t gamma;
    int64_t ln_q24[SOTTO_EXPLORE_POINTS],
        ln_not_q24[SOTTO_EXPLORE_POINTS]; /* of the points and of 1 - them */
} sotto_exploration;
typedef struct sotto_menu_item {
    const char *id;
    int tag;
} sotto_menu_item;

struct sotto_plan {
    const sotto_dictionary *dictionary;
    const sotto_model *model;  /* or NULL */
    size_t feature_count;      /* 0 without a model */
    uint16_t *tag_of_feature;  /* UINT16_MAX = product or time */
    uint16_t *product_feature; /* which features are the product's */
    size_t product_feature_count;
    int32_t *product_keys;        /* product_feature_count a product */
    const sotto_ranking *ranking; /* of all products at once; NULL: scored one at a time */
    sotto_product *products;
    size_t product_count;
    sotto_campaign *campaigns;
    sotto_terms *terms;
    size_t campaign_count;
    sotto_name_set slots, channels, groups, models;
    int profiling_tag, measurement_tag, risk_tag;
    int vulnerable_tag, complaint_tag, purchase_tag, large_type_tag;
    uint32_t complaint_days, purchase_days;
    sotto_caps customer_caps;
    int64_t min_wait_s;
    sotto_day_part *quiet_hours;
    size_t quiet_hour_count;
    uint32_t per_product, per_category; /* offers of one answer; UINT32_MAX = any number */
    uint32_t diversity_q30, alike_q30;  /* what likeness takes of a score; how alike two of a category are */
    sotto_limits limits[2 * SOTTO_DECIDE_LIMITS_MAX];
    size_t limit_count;
    sotto_journey *journeys;
    size_t journey_count;
    uint16_t notice[SOTTO_DECIDE_NOTICES_MAX]; /* campaign numbers */
    size_t notice_count;
    sotto_menu_item menu[SOTTO_MENU_MAX];
    size_t menu_count;
    const char *salt; /* of arms and holdouts */
    uint32_t holdout_q30;
    sotto_exploration explore;
    unsigned currency_decimals;
    size_t rule_cost;         /* steps of all rules */
    const sotto_items *items; /* NULL: the policy wants no recommender */
    int16_t *item_of;         /* of each product; -1 = none */
    int16_t *product_of;      /* of each item; -1 = none */
    uint32_t rarest_q30;      /* the least popular item's share */
    int segment_tag;          /* index, or -1 */
    int16_t *segment_of;      /* of each choice of segment_tag; -1 = none of the items' */
    size_t choice_count;
};

/* ---- Loading ---- */

typedef struct sotto_plan_loading {
    sotto_plan *plan;
    sotto_arena *arena;
    sotto_diag *diag;
} sotto_plan_loading;

/* Members that may be absent, and the place of those that may not (read.c). */
bool sotto_decide_absent(sotto_json_node node);
SOTTO_MUST_USE sotto_status sotto_decide_required(const sotto_plan_loading *l, sotto_json_node obj,
                                                  const char *name, sotto_json_node *member);
SOTTO_MUST_USE sotto_status sotto_decide_number(const sotto_plan_loading *l, sotto_json_node obj,
                                                const char *name, int64_t min, int64_t max, int64_t absent,
                                                int64_t *out);
SOTTO_MUST_USE sotto_status sotto_decide_flag(const sotto_plan_loading *l, sotto_json_node obj,
                                              const char *name, bool absent, bool *out);
/* A non-empty text of at most max bytes without control characters, copied into the arena. */
SOTTO_MUST_USE sotto_status sotto_decide_text(const sotto_plan_loading *l, sotto_json_node node, size_t max,
                                              const char **out);
/* The same for an id: 1..64 of a-z 0-9 _ . - */
SOTTO_MUST_USE sotto_status sotto_decide_id(const sotto_plan_loading *l, sotto_json_node node,
                                            const char **out);
/* Index of the tag that a string names, which must have that kind and purpose. */
SOTTO_MUST_USE sotto_status sotto_decide_tag(const sotto_plan_loading *l, sotto_json_node node,
                                             enum sotto_tag_kind kind, unsigned purpose, int *out);
SOTTO_MUST_USE sotto_status sotto_decide_date(const sotto_plan_loading *l, sotto_json_node node,
                                              int64_t *day);
SOTTO_MUST_USE sotto_status sotto_decide_version(const sotto_plan_loading *l, sotto_json_node root);
sotto_status sotto_decide_no_space(const sotto_plan_loading *l, sotto_json_node node);

/* A probability with up to six digits, as Q30; `absent` when it is not there. */
SOTTO_MUST_USE sotto_status sotto_decide_share(const sotto_plan_loading *l, sotto_json_node obj,
                                               const char *name, uint32_t max_ppm, uint32_t absent_q30,
                                               uint32_t *out);
/* A list of texts as bits of the plan's names; none = 0. */
SOTTO_MUST_USE sotto_status sotto_decide_names(const sotto_plan_loading *l, sotto_json_node list,
                                               sotto_name_set *set, uint32_t *mask);
/* Pairs "HH:MM"; parts over midnight are written as two (campaign_when.c). */
SOTTO_MUST_USE sotto_status sotto_decide_day_parts(const sotto_plan_loading *l, sotto_json_node list,
                                                   sotto_day_part **out, size_t *count);
/* The members among names ("hour", "day", ...) of an object of caps; the others stay none. */
SOTTO_MUST_USE sotto_status sotto_decide_caps(const sotto_plan_loading *l, sotto_json_node caps,
                                              const char *const *names, size_t n, sotto_caps *out);
extern const char *const sotto_decide_cap_names[5]; /* hour day week month total */

SOTTO_MUST_USE sotto_status sotto_policy_limits_load(const sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_policy_diversity_load(const sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_policy_care_load(const sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_policy_explore_load(const sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_policy_recommend_load(const sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_journeys_load(const sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_campaign_when_load(const sotto_plan_loading *l, sotto_json_node node,
                                                     sotto_terms *terms);
SOTTO_MUST_USE sotto_status sotto_campaign_spread_load(sotto_plan_loading *l, sotto_json_node node,
                                                       sotto_campaign *campaign, sotto_terms *terms);
SOTTO_MUST_USE sotto_status sotto_creatives_load(const sotto_plan_loading *l, sotto_json_node node,
                                                 sotto_campaign *campaign);
SOTTO_MUST_USE sotto_status sotto_catalogue_load(sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_policy_load(sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_campaign_load(sotto_plan_loading *l, sotto_json_node node, size_t index);
SOTTO_MUST_USE sotto_status sotto_rule_compile(sotto_plan_loading *l, sotto_json_node node, sotto_rule *out);

/* ---- Deciding ---- */

typedef struct sotto_deciding sotto_deciding;

bool sotto_rule_holds(const sotto_rule *rule, const sotto_profile *profile, int32_t today);
/* The customer's counter for a campaign, or NULL. */
const sotto_counter *sotto_counters_find(const sotto_counters *c, uint16_t campaign);
const sotto_counter *sotto_counters_find_creative(const sotto_counters *c, uint16_t campaign,
                                                  uint8_t creative);
/* Times shown in the hour that ends now, at most SOTTO_COUNTER_RECENT + 1. */
uint32_t sotto_counter_shown_hour(const sotto_counter *counter, int64_t now_s);
const sotto_terminal_count *sotto_terminal_find(const sotto_terminal *t, uint16_t campaign);
/* Times shown in the `days` (1..31) that end with today. A day before the counter's last one counts as that.
 */
uint32_t sotto_counter_shown(const sotto_counter *counter, int32_t today, unsigned days);
/* The first of these caps that is reached, of what the counter counts; or NONE. */
enum sotto_exclusion sotto_decide_cap_of(const sotto_deciding *d, const sotto_counter *counter,
                                         const sotto_caps *caps);

/* What is the same for all campaigns of one decision. */
struct sotto_deciding {
    const sotto_plan *plan;
    const sotto_decide_request *request;
    const sotto_profile *profile;   /* NULL unless its tags may be used */
    bool known;                     /* there is a profile, with or without consent */
    const sotto_counters *counters; /* or NULL */
    sotto_model_moment moment;
    int64_t now_s;                        /* the request's, inside the years 0 to 9999 */
    uint32_t slot, channel, group, model; /* bit of the request's name; 0 = in no campaign, all = any */
    int64_t risk_grade;
    uint32_t offers_left;              /* of the customer's caps */
    enum sotto_exclusion customer_cap; /* the one that leaves the fewest */
    enum sotto_exclusion peace; /* what keeps all offers (not notices) from this customer now, or NONE */
    sotto_seen *seen;           /* of the plan's limits */
};
/* The first rule that excludes the campaign, in the order of docs/formats/policy.md up to the customer's
 * caps. What it says of a creative: *creative is the index of the one to show. */
enum sotto_exclusion sotto_decide_exclude(const sotto_deciding *d, size_t campaign, uint8_t *creative);
/* What holds for all offers of this customer: fills offers_left, customer_cap and peace (customer.c). */
void sotto_decide_customer(sotto_deciding *d);
/* What was shown of each product and category that has limits. */
void sotto_decide_count_seen(const sotto_deciding *d, sotto_seen *seen);
enum sotto_exclusion sotto_decide_limits(const sotto_deciding *d, const sotto_product *product);
enum sotto_exclusion sotto_decide_journey(const sotto_deciding *d, const sotto_terms *terms);
enum sotto_exclusion sotto_decide_budget(const sotto_deciding *d, size_t campaign);
enum sotto_exclusion sotto_decide_holdout(const sotto_deciding *d, size_t campaign);
/* The creative for this customer: arm, then language, then caps. CAP_CREATIVE or LANGUAGE when none is left.
 */
enum sotto_exclusion sotto_decide_creative(const sotto_deciding *d, size_t campaign, uint8_t *creative);
/* The trigger that holds first, or NULL. */
const char *sotto_decide_trigger(const sotto_deciding *d, const sotto_terms *terms);
/* SipHash-2-4 (Aumasson, Bernstein 2012) of bytes under a 128-bit key. */
uint64_t sotto_decide_siphash(uint64_t k0, uint64_t k1, sotto_span bytes);

typedef struct sotto_candidate {
    size_t campaign;
    int64_t margin_q24;
    uint32_t propensity_q30;
    int64_t value_minor; /* to this customer */
    int64_t score;
    uint64_t tie;
    uint32_t chance_q30;
    uint32_t factor_q16; /* of the recommender */
    const char *because;
    int64_t placed;       /* the score, less what likeness to the offers before it takes */
    uint32_t variety_q16; /* what is left of the score; 2^16 = all */
    size_t alike;         /* the campaign that it is most like; of no meaning when all is left */
    uint8_t rank; /* what comes before any score: a notice, the explored offer, the campaign's priority */
    uint8_t creative;
    bool notice, explored;
} sotto_candidate;
enum { SOTTO_RANK_EXPLORED = 100, SOTTO_RANK_NOTICE = 200 }; /* a priority is 0..9 */
/* Draws which of the `count` best (in order, no notices) comes first, among
 * SOTTO_EXPLORE_MAX; sets its chance. Returns its place. */
size_t sotto_explore(const sotto_deciding *d, sotto_candidate *best, size_t count, int64_t *work);
/* int64s that sotto_explore needs. */
enum { SOTTO_EXPLORE_WORK = (SOTTO_EXPLORE_MAX + 1) * SOTTO_EXPLORE_POINTS };
/* Memory of one decision, laid out in the caller's scratch. */
typedef struct sotto_workspace {
    int32_t *keys;               /* features */
    int64_t *contribution_q24;   /* features */
    int64_t *by_tag_q24;         /* tags, and one for product and time */
    int64_t *margin_q24;         /* products */
    uint8_t *scored;             /* products: margin_q24 is valid */
    void *ranking;               /* scratch of the plan's ranking */
    size_t alone;                /* products that were scored one at a time */
    sotto_candidate *candidates; /* campaigns */
    sotto_seen *seen;            /* limits */
    int64_t *explore;            /* SOTTO_EXPLORE_WORK, or none without exploration */
    int32_t *held_age;           /* of each of the recommender's items, days */
    sotto_items_held *held;      /* what the customer has of them */
    size_t held_count;
    sotto_items_customer customer; /* the same, ready to be scored */
    int segment;                   /* of the recommender; -1 = not known */
} sotto_workspace;
/* Fills w->candidates with the offers of the answer, in order, and every campaign's exclusion. Returns how
 * many. */
size_t sotto_choose(const sotto_deciding *d, sotto_workspace *w, sotto_decision *out);
/* Likeness to `chosen`, which has just been placed, takes its part of the scores of c[0..count). */
void sotto_diversify(const sotto_plan *plan, const sotto_candidate *chosen, sotto_candidate *c, size_t count);
/* Zero-filled pieces of scratch (asserted to be aligned to 16). */
sotto_workspace sotto_workspace_of(const sotto_plan *plan, void *scratch);
/* What the customer holds, and the segment: fills w->held and w->segment. */
void sotto_recommend_prepare(const sotto_deciding *d, sotto_workspace *w);
/* Of a plan with a recommender: how many of all customers want the product; and what this one's score is
 * multiplied by, with the id of the product held that raised it most (NULL: none did). */
uint32_t sotto_recommend_popular_q30(const sotto_plan *plan, size_t product);
uint32_t sotto_recommend_factor_q16(const sotto_plan *plan, const sotto_workspace *w, size_t product,
                                    const char **because);
void sotto_rank_prepare(const sotto_deciding *d, sotto_workspace *w);
sotto_candidate sotto_rank_score(const sotto_deciding *d, sotto_workspace *w, size_t campaign);
/* floor(score x factor / 2^16), exactly, of a score within 2^60 and a factor within 2^18. */
int64_t sotto_rank_multiply(int64_t score, uint32_t factor_q16);
/* Whether a comes before b. */
bool sotto_rank_before(const sotto_plan *plan, const sotto_candidate *a, const sotto_candidate *b);
void sotto_rank_explain(const sotto_deciding *d, sotto_workspace *w, sotto_offer *offer);

/* Mixes 64 bits so that each input bit moves each output bit: the finaliser of SplitMix64 (Steele, Lea,
 * Flood, "Fast splittable pseudorandom number generators", 2014). A permutation. */
static inline uint64_t sotto_decide_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#endif
