/* decide, private: the compiled plan and what the files of this room share. */
#ifndef SOTTO_DECIDE_PRIV_H
#define SOTTO_DECIDE_PRIV_H

#include "sotto/decide.h"

enum {
    SOTTO_DECIDE_ATTRIBUTES_MAX = 32, /* of a product */
    SOTTO_DECIDE_NAMES_MAX = 32,      /* different slots, and different channels, in a policy */
    SOTTO_DECIDE_DAY_PARTS_MAX = 8,   /* of a campaign */
    SOTTO_DECIDE_CREATIVES_MAX = 16,  /* of a campaign */
    SOTTO_DECIDE_RULE_DEPTH_MAX = 16, /* operators inside each other */
    SOTTO_DECIDE_RULE_COST_MAX = 256, /* steps of a rule; an entry of a list counts as one */
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
    int held_tag; /* index, or -1 */
    sotto_attribute *attributes;
    size_t attribute_count;
} sotto_product;
typedef struct sotto_day_part {
    uint16_t from_minute, to_minute; /* of the local day; to is outside */
} sotto_day_part;
/* What a campaign asks for, beside its public face. */
typedef struct sotto_terms {
    size_t product; /* index */
    bool needs_profile;
    int32_t from_day, to_day; /* both inside */
    uint32_t slots, channels; /* bit i = the plan's i-th name; 0 = any */
    sotto_day_part *day_parts;
    size_t day_part_count;                            /* 0 = all day */
    uint32_t cap_day, cap_week, cap_month, cap_total; /* UINT32_MAX = none */
    uint32_t dismissed_days;
    uint32_t min_propensity_q30;
    sotto_rule who;
} sotto_terms;
typedef struct sotto_name_set {
    const char *name[SOTTO_DECIDE_NAMES_MAX];
    size_t count;
} sotto_name_set;

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
    sotto_name_set slots, channels;
    int profiling_tag, measurement_tag, risk_tag;
    uint32_t customer_cap_day; /* UINT32_MAX = none */
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

SOTTO_MUST_USE sotto_status sotto_catalogue_load(sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_policy_load(sotto_plan_loading *l, sotto_json_node root);
SOTTO_MUST_USE sotto_status sotto_campaign_load(sotto_plan_loading *l, sotto_json_node node, size_t index);
SOTTO_MUST_USE sotto_status sotto_rule_compile(sotto_plan_loading *l, sotto_json_node node, sotto_rule *out);

/* ---- Deciding ---- */

bool sotto_rule_holds(const sotto_rule *rule, const sotto_profile *profile, int32_t today);
/* The customer's counter for a campaign, or NULL. */
const sotto_counter *sotto_counters_find(const sotto_counters *c, uint16_t campaign);
/* Times shown in the `days` (1..31) that end with today. A day before the counter's last one counts as that.
 */
uint32_t sotto_counter_shown(const sotto_counter *counter, int32_t today, unsigned days);
/* Offers of any campaign shown today. */
uint32_t sotto_counters_shown_today(const sotto_counters *c, int32_t today);

/* What is the same for all campaigns of one decision. */
typedef struct sotto_deciding {
    const sotto_plan *plan;
    const sotto_decide_request *request;
    const sotto_profile *profile;   /* NULL unless its tags may be used */
    bool known;                     /* there is a profile, with or without consent */
    const sotto_counters *counters; /* or NULL */
    sotto_model_moment moment;
    uint32_t slot, channel; /* bit of the request's name; 0 = in no campaign */
    bool any_channel;
    int64_t risk_grade;
    uint32_t offers_left; /* of the customer's cap of today */
} sotto_deciding;
/* The first rule that excludes the campaign, in the order of SOTTO_EXCLUSIONS up to CAP_CUSTOMER. */
enum sotto_exclusion sotto_decide_exclude(const sotto_deciding *d, size_t campaign);

typedef struct sotto_candidate {
    size_t campaign;
    int64_t margin_q24;
    uint32_t propensity_q30;
    int64_t score;
    uint64_t tie;
} sotto_candidate;
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
} sotto_workspace;
/* Zero-filled pieces of scratch (asserted to be aligned to 16). */
sotto_workspace sotto_workspace_of(const sotto_plan *plan, void *scratch);
void sotto_rank_prepare(const sotto_deciding *d, sotto_workspace *w);
sotto_candidate sotto_rank_score(const sotto_deciding *d, sotto_workspace *w, size_t campaign);
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
