/* Reading a dictionary: docs/formats/dictionary.md. */
#include "tags_priv.h"

#include <string.h>

enum { ID_MAX = 64, NAME_MAX_BYTES = 128, TTL_MAX_DAYS = 36500, DECIMALS_MAX = 6, BINS_MAX = 256 };

typedef struct loading {
    sotto_dictionary *d;
    sotto_arena *arena;
    sotto_diag *diag;
} loading;

typedef sotto_tags_word word;

static const word KINDS[] = {{"flag", SOTTO_TAG_FLAG},   {"choice", SOTTO_TAG_CHOICE},
                             {"count", SOTTO_TAG_COUNT}, {"amount", SOTTO_TAG_AMOUNT},
                             {"date", SOTTO_TAG_DATE},   {"text", SOTTO_TAG_TEXT}};
static const word FACETS[] = {{"fixed", SOTTO_FACET_FIXED},
                              {"interest", SOTTO_FACET_INTEREST},
                              {"social", SOTTO_FACET_SOCIAL},
                              {"consumption", SOTTO_FACET_CONSUMPTION},
                              {"dynamic", SOTTO_FACET_DYNAMIC}};
static const word PURPOSES[] = {{"service", SOTTO_PURPOSE_SERVICE},
                                {"marketing", SOTTO_PURPOSE_MARKETING},
                                {"measurement", SOTTO_PURPOSE_MEASUREMENT}};
static const word FROMS[] = {{"visit.last", SOTTO_FROM_VISIT_LAST},
                             {"visit.days_30", SOTTO_FROM_VISIT_DAYS_30},
                             {"offer.last", SOTTO_FROM_OFFER_LAST},
                             {"offer.count", SOTTO_FROM_OFFER_COUNT},
                             {"taken.count", SOTTO_FROM_TAKEN_COUNT},
                             {"segment", SOTTO_FROM_SEGMENT},
                             {"value", SOTTO_FROM_VALUE}};

static bool is_absent(sotto_json_node node)
{
    return sotto_json_type(node) == SOTTO_JSON_ABSENT;
}

/* A member that must be there; when it is not, the place is that of the object that should have it. */
static sotto_status required(const loading *l, sotto_json_node obj, const char *name, sotto_json_node *member)
{
    *member = sotto_json_member(obj, name);
    if (!is_absent(*member))
        return SOTTO_OK;
    return sotto_json_bad(obj, l->diag, SOTTO_ERR(TAGS, MALFORMED), "member \"%s\" is missing", name);
}

static sotto_status no_space(const loading *l, sotto_json_node node)
{
    return sotto_json_bad(node, l->diag, SOTTO_ERR(TAGS, NO_SPACE), "the memory given for it is too small");
}

sotto_status sotto_tags_read_word(sotto_json_node node, const sotto_tags_word *words, size_t n, int *out,
                                  sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_as_str(node, &text, diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        if (sotto_span_is(text, words[i].text)) {
            *out = words[i].value;
            return SOTTO_OK;
        }
    return sotto_json_bad(node, diag, SOTTO_ERR(TAGS, MALFORMED),
                          "not one of the words it may be (%s, %s, ...)", words[0].text, words[1].text);
}

static sotto_status read_word(const loading *l, sotto_json_node node, const word *words, size_t n, int *out)
{
    return sotto_tags_read_word(node, words, n, out, l->diag);
}

static sotto_status read_number(const loading *l, sotto_json_node tag, const char *name, int64_t max,
                                int64_t absent, int64_t *out)
{
    sotto_json_node node = sotto_json_member(tag, name);
    *out = absent;
    return is_absent(node) ? SOTTO_OK : sotto_json_as_i64(node, 0, max, out, l->diag);
}

/* Text for people, or a choice's name: copied into the arena. */
static sotto_status read_text(const loading *l, sotto_json_node node, size_t max, const char **out)
{
    sotto_span text;
    sotto_status status = sotto_json_as_str(node, &text, l->diag);
    if (status != SOTTO_OK)
        return status;
    if (text.len == 0 || text.len > max || !sotto_tags_text_ok(text))
        return sotto_json_bad(node, l->diag, SOTTO_ERR(TAGS, RANGE),
                              "must have 1 to %zu bytes and no control characters", max);
    *out = sotto_arena_str(l->arena, text);
    return *out == NULL ? no_space(l, node) : SOTTO_OK;
}

static bool is_id(sotto_span id)
{
    if (id.len == 0 || id.len > ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'))
            return false;
    }
    return true;
}

static void insert_index(uint16_t *index, size_t known, size_t at, size_t value)
{
    memmove(index + at + 1, index + at, (known - at) * sizeof *index);
    index[at] = (uint16_t)value;
}

/* Number and id, each only once in the file; both sorted indices grow by the tag. */
static sotto_status load_identity(loading *l, sotto_json_node node, sotto_tag *tag, size_t index)
{
    int64_t number = 0;
    sotto_span id = {0};
    sotto_status status = sotto_json_get_i64(node, "number", 1, UINT16_MAX, &number, l->diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(node, "id", &id, l->diag);
    if (status != SOTTO_OK)
        return status;
    if (!is_id(id))
        return sotto_json_bad(sotto_json_member(node, "id"), l->diag, SOTTO_ERR(TAGS, MALFORMED),
                              "an id has 1 to %d characters of a-z 0-9 _ . -", ID_MAX);
    size_t at_number, at_id;
    if (sotto_tags_place_number(l->d, index, (uint16_t)number, &at_number))
        return sotto_json_bad(sotto_json_member(node, "number"), l->diag, SOTTO_ERR(TAGS, CONFLICT),
                              "number %d is used by tag '%s' already", (int)number,
                              l->d->tags[l->d->by_number[at_number]].id);
    if (sotto_tags_place_id(l->d, index, id, &at_id))
        return sotto_json_bad(sotto_json_member(node, "id"), l->diag, SOTTO_ERR(TAGS, CONFLICT),
                              "id '%s' is used by another tag already", l->d->tags[l->d->by_id[at_id]].id);
    tag->number = (uint16_t)number;
    tag->id = sotto_arena_str(l->arena, id);
    insert_index(l->d->by_number, index, at_number, index);
    insert_index(l->d->by_id, index, at_id, index);
    return tag->id == NULL ? no_space(l, node) : SOTTO_OK;
}

static sotto_status load_name(loading *l, sotto_json_node node, sotto_tag *tag)
{
    sotto_json_node name = sotto_json_member(node, "name");
    tag->name = tag->id;
    return is_absent(name) ? SOTTO_OK : read_text(l, name, NAME_MAX_BYTES, &tag->name);
}

static sotto_status load_kind(loading *l, sotto_json_node node, sotto_tag *tag)
{
    int kind = 0, facet = SOTTO_FACET_FIXED;
    sotto_json_node kind_node;
    sotto_status status = required(l, node, "kind", &kind_node);
    if (status == SOTTO_OK)
        status = read_word(l, kind_node, KINDS, SOTTO_COUNT(KINDS), &kind);
    sotto_json_node facet_node = sotto_json_member(node, "facet");
    if (status == SOTTO_OK && !is_absent(facet_node))
        status = read_word(l, facet_node, FACETS, SOTTO_COUNT(FACETS), &facet);
    tag->kind = (enum sotto_tag_kind)kind;
    tag->facet = (enum sotto_tag_facet)facet;
    return status;
}

/* A purpose must be named: what a tag may be used for is never assumed. */
static sotto_status load_purposes(loading *l, sotto_json_node node, sotto_tag *tag)
{
    sotto_json_node list;
    sotto_status status = required(l, node, "purpose", &list);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(list, 1, SOTTO_COUNT(PURPOSES), l->diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++) {
        int bit = 0;
        status = read_word(l, sotto_json_at(list, i), PURPOSES, SOTTO_COUNT(PURPOSES), &bit);
        if (status == SOTTO_OK && (tag->purposes & (unsigned)bit) != 0)
            status =
                sotto_json_bad(sotto_json_at(list, i), l->diag, SOTTO_ERR(TAGS, CONFLICT), "named twice");
        tag->purposes |= (unsigned)bit;
    }
    return status;
}

static sotto_status load_limits(loading *l, sotto_json_node node, sotto_tag *tag)
{
    int64_t ttl = 0, decimals = 0;
    sotto_json_node decimals_node = sotto_json_member(node, "decimals");
    if (tag->kind != SOTTO_TAG_AMOUNT && !is_absent(decimals_node))
        return sotto_json_bad(decimals_node, l->diag, SOTTO_ERR(TAGS, MALFORMED),
                              "only an amount has decimals");
    sotto_status status = read_number(l, node, "ttl_days", TTL_MAX_DAYS, 0, &ttl);
    if (status == SOTTO_OK)
        status =
            read_number(l, node, "decimals", DECIMALS_MAX, tag->kind == SOTTO_TAG_AMOUNT ? 2 : 0, &decimals);
    tag->ttl_days = (unsigned)ttl;
    tag->decimals = (unsigned)decimals;
    sotto_json_node aggregate = sotto_json_member(node, "aggregate");
    if (status == SOTTO_OK && !is_absent(aggregate))
        status = sotto_json_as_bool(aggregate, &tag->aggregate, l->diag);
    if (status == SOTTO_OK && tag->aggregate && tag->kind == SOTTO_TAG_TEXT)
        status = sotto_json_bad(aggregate, l->diag, SOTTO_ERR(TAGS, MALFORMED), "a text cannot be counted");
    return status;
}

static sotto_status load_choice(loading *l, sotto_json_node node, sotto_tag *tag, const char **names)
{
    const char *name = NULL;
    sotto_status status = read_text(l, node, ID_MAX, &name);
    if (status != SOTTO_OK)
        return status;
    if (sotto_tag_choice_find(tag, sotto_span_str(name)) >= 0)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(TAGS, CONFLICT), "this choice is there already");
    names[tag->choice_count++] = name;
    return SOTTO_OK;
}

static sotto_status load_choices(loading *l, sotto_json_node node, sotto_tag *tag)
{
    sotto_json_node list = sotto_json_member(node, "choices");
    if (tag->kind != SOTTO_TAG_CHOICE)
        return is_absent(list)
                   ? SOTTO_OK
                   : sotto_json_bad(list, l->diag, SOTTO_ERR(TAGS, MALFORMED), "only a choice has choices");
    sotto_status status = required(l, node, "choices", &list);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(list, 1, SOTTO_TAG_CHOICES_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    const char **names = sotto_arena_array(l->arena, sotto_json_count(list), sizeof *names);
    if (names == NULL)
        return no_space(l, list);
    tag->choices = names;
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++)
        status = load_choice(l, sotto_json_at(list, i), tag, names);
    return status;
}

static sotto_status load_bin(loading *l, sotto_json_node node, const sotto_tag *tag, int64_t *out)
{
    if (tag->kind != SOTTO_TAG_DATE)
        return sotto_json_as_decimal(node, tag->decimals, out, l->diag);
    sotto_span text;
    sotto_status status = sotto_json_as_str(node, &text, l->diag);
    if (status == SOTTO_OK && sotto_tags_parse_date(text, out) != SOTTO_OK)
        status = sotto_json_bad(node, l->diag, SOTTO_ERR(TAGS, MALFORMED), "not a date YYYY-MM-DD");
    return status;
}

static sotto_status load_bins(loading *l, sotto_json_node node, sotto_tag *tag)
{
    sotto_json_node list = sotto_json_member(node, "bins");
    if (is_absent(list))
        return SOTTO_OK;
    if (tag->kind != SOTTO_TAG_COUNT && tag->kind != SOTTO_TAG_AMOUNT && tag->kind != SOTTO_TAG_DATE)
        return sotto_json_bad(list, l->diag, SOTTO_ERR(TAGS, MALFORMED),
                              "only a count, amount or date has bins");
    sotto_status status = sotto_json_as_array(list, 0, BINS_MAX, l->diag);
    if (status != SOTTO_OK)
        return status;
    int64_t *bins = sotto_arena_array(l->arena, sotto_json_count(list), sizeof *bins);
    if (bins == NULL)
        return no_space(l, list);
    tag->bins = bins;
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++) {
        sotto_json_node bin = sotto_json_at(list, i);
        status = load_bin(l, bin, tag, &bins[i]);
        if (status == SOTTO_OK && (!sotto_tags_in_range(tag, bins[i]) || (i > 0 && bins[i] <= bins[i - 1])))
            status = sotto_json_bad(bin, l->diag, SOTTO_ERR(TAGS, RANGE),
                                    "bins must be in the tag's range and ascend");
        tag->bin_count = i + 1;
    }
    return status;
}

static const char *kind_name(enum sotto_tag_kind kind)
{
    size_t i = 0;
    while (i + 1 < SOTTO_COUNT(KINDS) && KINDS[i].value != (int)kind)
        i++;
    return KINDS[i].text;
}

static enum sotto_tag_kind kind_of_from(enum sotto_tag_from from)
{
    if (from == SOTTO_FROM_SEGMENT)
        return SOTTO_TAG_CHOICE;
    if (from == SOTTO_FROM_VALUE)
        return SOTTO_TAG_AMOUNT;
    return from == SOTTO_FROM_VISIT_LAST || from == SOTTO_FROM_OFFER_LAST ? SOTTO_TAG_DATE : SOTTO_TAG_COUNT;
}

/* An event tag has the kind that its rule makes, stands once, and a count "ever" cannot also expire. */
static sotto_status load_from(loading *l, sotto_json_node node, sotto_tag *tag, size_t index)
{
    sotto_json_node from_node = sotto_json_member(node, "from");
    if (is_absent(from_node))
        return SOTTO_OK;
    int from = 0;
    sotto_status status = read_word(l, from_node, FROMS, SOTTO_COUNT(FROMS), &from);
    if (status != SOTTO_OK)
        return status;
    tag->from = (enum sotto_tag_from)from;
    if (tag->kind != kind_of_from(tag->from))
        return sotto_json_bad(from_node, l->diag, SOTTO_ERR(TAGS, CONFLICT),
                              "a tag from there must be of kind %s", kind_name(kind_of_from(tag->from)));
    bool ever = tag->from == SOTTO_FROM_OFFER_COUNT || tag->from == SOTTO_FROM_TAKEN_COUNT;
    if (ever && tag->ttl_days != 0)
        return sotto_json_bad(sotto_json_member(node, "ttl_days"), l->diag, SOTTO_ERR(TAGS, CONFLICT),
                              "a count of all events has no time to live");
    for (size_t i = 0; i < index; i++)
        if (l->d->tags[i].from == tag->from)
            return sotto_json_bad(from_node, l->diag, SOTTO_ERR(TAGS, CONFLICT), "tag '%s' has this already",
                                  l->d->tags[i].id);
    return SOTTO_OK;
}

static sotto_status load_tag(loading *l, sotto_json_node node, size_t index)
{
    static const char *const MEMBERS[] = {"number",   "id",       "name",      "kind", "facet",
                                          "purpose",  "ttl_days", "aggregate", "bins", "choices",
                                          "decimals", "from",     "derive"};
    sotto_tag *tag = &l->d->tags[index];
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = load_identity(l, node, tag, index);
    if (status == SOTTO_OK)
        status = load_name(l, node, tag);
    if (status == SOTTO_OK)
        status = load_kind(l, node, tag);
    if (status == SOTTO_OK)
        status = load_purposes(l, node, tag);
    if (status == SOTTO_OK)
        status = load_limits(l, node, tag);
    if (status == SOTTO_OK)
        status = load_choices(l, node, tag);
    if (status == SOTTO_OK)
        status = load_bins(l, node, tag);
    if (status == SOTTO_OK)
        status = load_from(l, node, tag, index);
    return status == SOTTO_OK ? sotto_tags_load_derive(l->d, tag, node, l->arena, l->diag) : status;
}

static sotto_status load_tags(loading *l, sotto_json_node list)
{
    size_t count = sotto_json_count(list);
    l->d = sotto_arena_take(l->arena, sizeof *l->d);
    if (l->d == NULL)
        return no_space(l, list);
    l->d->tags = sotto_arena_array(l->arena, count, sizeof *l->d->tags);
    l->d->by_id = sotto_arena_array(l->arena, count, sizeof *l->d->by_id);
    l->d->by_number = sotto_arena_array(l->arena, count, sizeof *l->d->by_number);
    if (l->d->tags == NULL || l->d->by_id == NULL || l->d->by_number == NULL)
        return no_space(l, list);
    l->d->count = count;
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < count; i++)
        status = load_tag(l, sotto_json_at(list, i), i);
    return status;
}

static sotto_status load_root(loading *l, sotto_json_node root)
{
    static const char *const MEMBERS[] = {"version", "tags"};
    int64_t version;
    sotto_json_node list = {0};
    sotto_status status = sotto_json_as_object(root, l->diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(root, "version", 1, INT32_MAX, &version, l->diag);
    if (status == SOTTO_OK && version != 1)
        return sotto_json_bad(sotto_json_member(root, "version"), l->diag, SOTTO_ERR(TAGS, UNSUPPORTED),
                              "this program reads dictionaries of version 1");
    if (status == SOTTO_OK)
        status = sotto_json_only(root, MEMBERS, SOTTO_COUNT(MEMBERS), l->diag);
    if (status == SOTTO_OK)
        status = required(l, root, "tags", &list);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(list, 1, SOTTO_TAGS_MAX, l->diag);
    return status == SOTTO_OK ? load_tags(l, list) : status;
}

sotto_status sotto_dictionary_load(sotto_dictionary **out, sotto_span json, const char *name,
                                   sotto_arena *arena, sotto_diag *diag)
{
    *out = NULL;
    loading l = {.arena = arena, .diag = diag};
    size_t mark = sotto_arena_mark(arena);
    sotto_json *doc;
    sotto_status status = sotto_json_parse(&doc, json, name, diag);
    if (status != SOTTO_OK)
        return status;
    status = load_root(&l, sotto_json_root(doc));
    sotto_json_free(doc);
    if (status == SOTTO_OK)
        *out = l.d;
    else
        sotto_arena_reset(arena, mark);
    return status;
}
