/* Reading how a tag is derived: docs/formats/dictionary.md, "Derived tags". */
#include "tags_priv.h"

#include <assert.h>

enum {
    EVER_TOO = 1,
    WINDOW = 2,
    TWO_WINDOWS = 4,
    EVENTS = 8,
    OF = 16,
    PRODUCT = 32,
    MONEY = 64,
    GRADES = 128
};

/* What each rule takes, and the kind that it makes. */
typedef struct rule {
    const char *name;
    enum sotto_derive_rule rule;
    enum sotto_tag_kind kind;
    unsigned takes;
} rule;

static const rule RULES[] = {
    {"last", SOTTO_DERIVE_LAST, SOTTO_TAG_DATE, EVENTS},
    {"days_since", SOTTO_DERIVE_DAYS_SINCE, SOTTO_TAG_COUNT, EVENTS | GRADES},
    {"count", SOTTO_DERIVE_COUNT, SOTTO_TAG_COUNT, EVENTS | WINDOW | EVER_TOO | GRADES},
    {"days", SOTTO_DERIVE_DAYS, SOTTO_TAG_COUNT, EVENTS | WINDOW | GRADES},
    {"sum", SOTTO_DERIVE_SUM, SOTTO_TAG_AMOUNT, EVENTS | WINDOW | MONEY | GRADES},
    {"largest", SOTTO_DERIVE_LARGEST, SOTTO_TAG_AMOUNT, EVENTS | WINDOW | MONEY | GRADES},
    {"average_balance", SOTTO_DERIVE_AVERAGE_BALANCE, SOTTO_TAG_AMOUNT, WINDOW | MONEY | GRADES},
    {"balance_change", SOTTO_DERIVE_BALANCE_CHANGE, SOTTO_TAG_AMOUNT, WINDOW | TWO_WINDOWS | MONEY | GRADES},
    {"holds", SOTTO_DERIVE_HOLDS, SOTTO_TAG_FLAG, PRODUCT},
    {"due", SOTTO_DERIVE_DUE, SOTTO_TAG_DATE, PRODUCT},
    {"stage", SOTTO_DERIVE_STAGE, SOTTO_TAG_CHOICE, EVENTS | WINDOW | TWO_WINDOWS},
    {"favourite", SOTTO_DERIVE_FAVOURITE, SOTTO_TAG_CHOICE, OF},
};
static const sotto_tags_word OFS[] = {
    {"hour", SOTTO_OF_HOUR}, {"channel", SOTTO_OF_CHANNEL}, {"page", SOTTO_OF_PAGE}};
static const char *const STAGES[] = {"new", "rising", "stable", "leaving"};

typedef struct deriving {
    sotto_dictionary *d;
    sotto_tag *tag;
    sotto_derive *derive;
    const rule *rule;
    sotto_json_node node;
    sotto_arena *arena;
    sotto_diag *diag;
} deriving;

static bool absent(sotto_json_node node)
{
    return sotto_json_type(node) == SOTTO_JSON_ABSENT;
}

/* *member is there exactly when the rule takes it. */
static sotto_status expect(const deriving *x, const char *name, bool takes, sotto_json_node *member)
{
    *member = sotto_json_member(x->node, name);
    if (takes == !absent(*member))
        return SOTTO_OK;
    return sotto_json_bad(takes ? x->node : *member, x->diag, SOTTO_ERR(TAGS, MALFORMED),
                          takes ? "rule %s needs member \"%s\"" : "rule %s takes no member \"%s\"",
                          x->rule->name, name);
}

static sotto_status load_rule(deriving *x)
{
    sotto_span name;
    sotto_status status = sotto_json_get_str(x->node, "rule", &name, x->diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < SOTTO_COUNT(RULES); i++)
        if (sotto_span_is(name, RULES[i].name))
            x->rule = &RULES[i];
    if (x->rule == NULL)
        return sotto_json_bad(sotto_json_member(x->node, "rule"), x->diag, SOTTO_ERR(TAGS, MALFORMED),
                              "no such rule: docs/formats/dictionary.md lists them");
    x->derive->rule = x->rule->rule;
    return SOTTO_OK;
}

static sotto_status load_event(const deriving *x, sotto_json_node node)
{
    sotto_span name;
    sotto_status status = sotto_json_as_str(node, &name, x->diag);
    if (status != SOTTO_OK)
        return status;
    enum sotto_event_kind kind = sotto_event_find(name);
    bool money =
        kind == SOTTO_EVENT_DEPOSIT || kind == SOTTO_EVENT_WITHDRAWAL || kind == SOTTO_EVENT_PURCHASE;
    if (kind == SOTTO_EVENT_NONE)
        return sotto_json_bad(node, x->diag, SOTTO_ERR(TAGS, MALFORMED), "unknown kind of event");
    if ((x->rule->takes & MONEY) != 0 && !money)
        return sotto_json_bad(node, x->diag, SOTTO_ERR(TAGS, MALFORMED), "an event without an amount");
    if ((x->derive->kinds & 1u << kind) != 0)
        return sotto_json_bad(node, x->diag, SOTTO_ERR(TAGS, CONFLICT), "named twice");
    x->derive->kinds |= 1u << kind;
    return SOTTO_OK;
}

static sotto_status load_events(const deriving *x)
{
    sotto_json_node list;
    bool takes = (x->rule->takes & EVENTS) != 0;
    sotto_status status = expect(x, "events", takes, &list);
    if (status == SOTTO_OK && takes)
        status = sotto_json_as_array(list, 1, SOTTO_EVENT_KINDS - 1, x->diag);
    for (size_t i = 0; status == SOTTO_OK && takes && i < sotto_json_count(list); i++)
        status = load_event(x, sotto_json_at(list, i));
    return status;
}

static sotto_status load_window(const deriving *x)
{
    sotto_json_node node;
    bool named = !absent(sotto_json_member(x->node, "days")), may = (x->rule->takes & WINDOW) != 0;
    bool ever = (x->rule->takes & EVER_TOO) != 0 && !named;
    int64_t days = 0, max = SOTTO_HISTORY_DAYS_MAX / ((x->rule->takes & TWO_WINDOWS) != 0 ? 2 : 1);
    sotto_status status = expect(x, "days", may && !ever, &node);
    if (status == SOTTO_OK && may && !ever)
        status = sotto_json_as_i64(node, 1, max, &days, x->diag);
    x->derive->days = (unsigned)days;
    return status;
}

static bool same_choices(const sotto_tag *a, const sotto_tag *b)
{
    if (a->choice_count != b->choice_count)
        return false;
    for (size_t i = 0; i < a->choice_count; i++)
        if (!sotto_span_equal(sotto_span_str(a->choices[i]), sotto_span_str(b->choices[i])))
            return false;
    return true;
}

/* A history keeps codes: all tags of one field read them by one list. */
static sotto_status share_choices(const deriving *x, const sotto_tag **first)
{
    if (*first == NULL)
        *first = x->tag;
    if (same_choices(*first, x->tag))
        return SOTTO_OK;
    return sotto_json_bad(x->node, x->diag, SOTTO_ERR(TAGS, CONFLICT),
                          "must have the same choices as tag '%s', which follows from the same events",
                          (*first)->id);
}

static sotto_status load_of(const deriving *x)
{
    sotto_json_node node, rank = sotto_json_member(x->node, "rank");
    bool takes = (x->rule->takes & OF) != 0;
    int of = 0;
    int64_t number = 1;
    sotto_status status = expect(x, "of", takes, &node);
    if (status == SOTTO_OK && !absent(rank))
        status = expect(x, "rank", takes, &rank);
    if (status != SOTTO_OK || !takes)
        return status;
    status = sotto_tags_read_word(node, OFS, SOTTO_COUNT(OFS), &of, x->diag);
    if (status == SOTTO_OK && !absent(rank))
        status = sotto_json_as_i64(rank, 1, SOTTO_TAG_CHOICES_MAX, &number, x->diag);
    x->derive->of = (enum sotto_derive_of)of;
    x->derive->rank = (unsigned)number;
    if (status == SOTTO_OK && of == SOTTO_OF_CHANNEL)
        status = share_choices(x, &x->d->needs.channel);
    if (status == SOTTO_OK && of == SOTTO_OF_PAGE)
        status = share_choices(x, &x->d->needs.page);
    return status;
}

static sotto_status load_product(const deriving *x)
{
    sotto_json_node node;
    bool takes = (x->rule->takes & PRODUCT) != 0;
    sotto_status status = expect(x, "product", takes, &node);
    sotto_span text = {0};
    if (status == SOTTO_OK && takes)
        status = sotto_json_as_str(node, &text, x->diag);
    if (status != SOTTO_OK || !takes)
        return status;
    if (text.len == 0 || text.len > SOTTO_EVENT_TEXT_MAX)
        return sotto_json_bad(node, x->diag, SOTTO_ERR(TAGS, RANGE), "must have 1 to %d bytes",
                              SOTTO_EVENT_TEXT_MAX);
    if (++x->d->needs.facts > SOTTO_DERIVE_FACTS_MAX)
        return sotto_json_bad(node, x->diag, SOTTO_ERR(TAGS, RANGE), "more than %d tags of products",
                              SOTTO_DERIVE_FACTS_MAX);
    x->derive->product = sotto_arena_str(x->arena, text);
    return x->derive->product != NULL ? SOTTO_OK : SOTTO_ERR(TAGS, NO_SPACE);
}

static sotto_status load_grade(const deriving *x, sotto_json_node list, size_t i, int64_t *grades)
{
    sotto_json_node node = sotto_json_at(list, i);
    unsigned decimals = (x->rule->takes & MONEY) != 0 ? SOTTO_EVENT_DECIMALS : 0;
    sotto_status status = sotto_json_as_decimal(node, decimals, &grades[i], x->diag);
    bool falls = i > 0 && grades[i]<grades[i - 1], fell = i> 1 && grades[1] < grades[0];
    if (status == SOTTO_OK && i > 0 && (grades[i] == grades[i - 1] || (i > 1 && falls != fell)))
        status = sotto_json_bad(node, x->diag, SOTTO_ERR(TAGS, RANGE),
                                "grades must all rise (more is better) or all fall (less is better)");
    return status;
}

static sotto_status load_grades(const deriving *x)
{
    sotto_json_node list = sotto_json_member(x->node, "grades");
    if (absent(list))
        return SOTTO_OK;
    sotto_status status = expect(x, "grades", (x->rule->takes & GRADES) != 0, &list);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(list, 1, SOTTO_DERIVE_GRADES_MAX, x->diag);
    if (status != SOTTO_OK)
        return status;
    x->derive->grade_count = sotto_json_count(list);
    int64_t *grades = sotto_arena_array(x->arena, x->derive->grade_count, sizeof *grades);
    x->derive->grades = grades;
    if (grades == NULL)
        return SOTTO_ERR(TAGS, NO_SPACE);
    for (size_t i = 0; status == SOTTO_OK && i < x->derive->grade_count; i++)
        status = load_grade(x, list, i, grades);
    return status;
}

static bool has_stages(const sotto_tag *tag)
{
    if (tag->choice_count != SOTTO_COUNT(STAGES))
        return false;
    for (size_t i = 0; i < SOTTO_COUNT(STAGES); i++)
        if (!sotto_span_is(sotto_span_str(tag->choices[i]), STAGES[i]))
            return false;
    return true;
}

static sotto_status check_tag(const deriving *x)
{
    enum sotto_tag_kind kind = x->rule->kind;
    if (x->derive->grade_count > 0 || x->derive->of == SOTTO_OF_HOUR)
        kind = SOTTO_TAG_COUNT;
    static const char *const NAMES[] = {"", "flag", "choice", "count", "amount", "date", "text"};
    if (x->tag->kind != kind)
        return sotto_json_bad(x->node, x->diag, SOTTO_ERR(TAGS, CONFLICT),
                              "a tag derived like this must be of kind %s", NAMES[kind]);
    if (x->tag->from != SOTTO_FROM_IMPORT)
        return sotto_json_bad(x->node, x->diag, SOTTO_ERR(TAGS, CONFLICT),
                              "a tag has \"from\" or \"derive\"");
    if (x->derive->rule == SOTTO_DERIVE_STAGE && !has_stages(x->tag))
        return sotto_json_bad(x->node, x->diag, SOTTO_ERR(TAGS, CONFLICT),
                              "the choices of a stage are new, rising, stable, leaving, in this order");
    return SOTTO_OK;
}

static void need_at_least(unsigned *need, unsigned days)
{
    if (days > *need)
        *need = days;
}

static void add_needs(const deriving *x)
{
    sotto_tags_needs *needs = &x->d->needs;
    unsigned days = x->derive->days * ((x->rule->takes & TWO_WINDOWS) != 0 ? 2 : 1);
    needs->kinds |= x->derive->kinds;
    if (x->derive->rule == SOTTO_DERIVE_LARGEST)
        needs->largest_kinds |= x->derive->kinds;
    needs->of |= x->derive->of != 0 ? 1u << x->derive->of : 0;
    if (x->derive->rule == SOTTO_DERIVE_AVERAGE_BALANCE || x->derive->rule == SOTTO_DERIVE_BALANCE_CHANGE)
        need_at_least(&needs->balance, days);
    else if (x->derive->rule == SOTTO_DERIVE_LARGEST)
        need_at_least(&needs->largest, days);
    else
        need_at_least(&needs->days, days);
}

static sotto_status load_members(deriving *x)
{
    sotto_status status = load_rule(x);
    if (status == SOTTO_OK)
        status = load_events(x);
    if (status == SOTTO_OK)
        status = load_window(x);
    if (status == SOTTO_OK)
        status = load_of(x);
    if (status == SOTTO_OK)
        status = load_product(x);
    if (status == SOTTO_OK)
        status = load_grades(x);
    return status == SOTTO_OK ? check_tag(x) : status;
}

sotto_status sotto_tags_load_derive(sotto_dictionary *d, sotto_tag *tag, sotto_json_node node,
                                    sotto_arena *arena, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"rule", "events", "days", "of", "rank", "product", "grades"};
    deriving x = {
        .d = d, .tag = tag, .arena = arena, .diag = diag, .node = sotto_json_member(node, "derive")};
    if (absent(x.node))
        return SOTTO_OK;
    sotto_status status = sotto_json_only(x.node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status != SOTTO_OK)
        return status;
    x.derive = sotto_arena_take(arena, sizeof *x.derive);
    status = x.derive == NULL ? SOTTO_ERR(TAGS, NO_SPACE) : load_members(&x);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE)
        return sotto_json_bad(x.node, diag, status, "the memory given for it is too small");
    if (status == SOTTO_OK)
        add_needs(&x);
    tag->derive = x.derive;
    return status;
}
