/* The recipe file: docs/formats/recipe.md. */
#include "forge_priv.h"

#include <string.h>

typedef struct reader {
    const sotto_dictionary *dictionary;
    sotto_diag *diag;
} reader;

/* A text member that may be absent (out is "" then). */
static sotto_status get_text(const reader *r, sotto_json_node entry, const char *name, char *out, size_t cap)
{
    sotto_json_node node = sotto_json_member(entry, name);
    sotto_span text;
    out[0] = '\0';
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_as_str(node, &text, r->diag);
    if (status == SOTTO_OK && (text.len == 0 || sotto_span_to_str(text, out, cap) != SOTTO_OK))
        status = sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, RANGE),
                                "a text of 1 to %zu bytes is needed here", cap - 1);
    for (const char *c = out; status == SOTTO_OK && *c != '\0'; c++)
        if ((unsigned char)*c < 0x20)
            status = sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, MALFORMED), "a control character");
    return status;
}

static sotto_status get_source(const reader *r, sotto_json_node entry, sotto_feature *f)
{
    static const struct {
        const char *name;
        enum sotto_feature_source source;
    } SOURCES[] = {{"tag", SOTTO_SOURCE_TAG}, {"product", SOTTO_SOURCE_PRODUCT}, {"time", SOTTO_SOURCE_TIME}};
    size_t found = 0;
    for (size_t i = 0; i < SOTTO_COUNT(SOURCES); i++)
        if (sotto_json_member(entry, SOURCES[i].name).val != NULL) {
            f->source = SOURCES[i].source;
            found++;
        }
    if (found != 1)
        return sotto_json_bad(entry, r->diag, SOTTO_ERR(FORGE, MALFORMED),
                              "exactly one of tag, product and time is needed");
    return SOTTO_OK;
}

static sotto_status get_transform(const reader *r, sotto_json_node entry, sotto_feature *f)
{
    static const struct {
        const char *name;
        enum sotto_feature_transform transform;
    } TRANSFORMS[] = {{"value", SOTTO_TRANSFORM_VALUE},
                      {"code", SOTTO_TRANSFORM_CODE},
                      {"age_days", SOTTO_TRANSFORM_AGE_DAYS},
                      {"is", SOTTO_TRANSFORM_IS},
                      {"change", SOTTO_TRANSFORM_CHANGE}};
    char as[16];
    sotto_json_node node = sotto_json_member(entry, "as");
    if (node.val == NULL)
        return SOTTO_OK;
    if (f->source != SOTTO_SOURCE_TAG)
        return sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, MALFORMED), "only a tag has a transform");
    sotto_status status = get_text(r, entry, "as", as, sizeof as);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < SOTTO_COUNT(TRANSFORMS); i++)
        if (strcmp(as, TRANSFORMS[i].name) == 0) {
            f->transform = TRANSFORMS[i].transform;
            return SOTTO_OK;
        }
    return sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, MALFORMED),
                          "unknown transform; there are value, code, age_days, is and change");
}

static sotto_status get_choice(const reader *r, sotto_json_node entry, const sotto_tag *tag, sotto_feature *f)
{
    sotto_json_node node = sotto_json_member(entry, "choice");
    sotto_span name;
    if ((node.val != NULL) != (f->transform == SOTTO_TRANSFORM_IS))
        return sotto_json_bad(entry, r->diag, SOTTO_ERR(FORGE, MALFORMED),
                              "\"as\": \"is\" and a choice go together");
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_as_str(node, &name, r->diag);
    if (status != SOTTO_OK)
        return status;
    f->argument = tag->kind == SOTTO_TAG_CHOICE ? sotto_tag_choice_find(tag, name) : -1;
    if (f->argument < 0)
        return sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, NOT_FOUND), "tag %s has no such choice",
                              tag->id);
    return SOTTO_OK;
}

static sotto_status find_tag(const reader *r, sotto_json_node node, const sotto_tag **out)
{
    sotto_span id;
    sotto_status status = sotto_json_as_str(node, &id, r->diag);
    if (status != SOTTO_OK)
        return status;
    int index = sotto_dictionary_find(r->dictionary, id);
    if (index < 0)
        return sotto_json_bad(node, r->diag, SOTTO_ERR(FORGE, NOT_FOUND), "the dictionary has no such tag");
    *out = sotto_dictionary_at(r->dictionary, (size_t)index);
    return SOTTO_OK;
}

static sotto_status get_against(const reader *r, sotto_json_node entry, sotto_feature *f)
{
    const sotto_tag *tag = NULL;
    sotto_json_node node = sotto_json_member(entry, "against");
    if ((node.val != NULL) != (f->transform == SOTTO_TRANSFORM_CHANGE))
        return sotto_json_bad(entry, r->diag, SOTTO_ERR(FORGE, MALFORMED),
                              "\"as\": \"change\" and the tag that it is against go together");
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_status status = find_tag(r, node, &tag);
    if (status == SOTTO_OK)
        f->argument = tag->number;
    return status;
}

static sotto_status get_tag(const reader *r, sotto_json_node entry, sotto_feature *f)
{
    const sotto_tag *tag = NULL;
    sotto_diag unfit = {.status = SOTTO_OK};
    sotto_status status = find_tag(r, sotto_json_member(entry, "tag"), &tag);
    if (status != SOTTO_OK)
        return status;
    f->tag_number = tag->number;
    status = get_choice(r, entry, tag, f);
    if (status == SOTTO_OK)
        status = get_against(r, entry, f);
    if (status != SOTTO_OK)
        return status;
    status = sotto_feature_check(f, r->dictionary, &unfit);
    return status == SOTTO_OK ? SOTTO_OK : sotto_json_bad(entry, r->diag, status, "%s", unfit.text);
}

static sotto_status get_attribute(const reader *r, sotto_json_node entry, sotto_feature *f)
{
    const char *member = f->source == SOTTO_SOURCE_PRODUCT ? "product" : "time";
    sotto_status status = get_text(r, entry, member, f->attribute, sizeof f->attribute);
    if (status != SOTTO_OK)
        return status;
    if (sotto_json_member(entry, "choice").val != NULL)
        return sotto_json_bad(entry, r->diag, SOTTO_ERR(FORGE, MALFORMED), "only a tag has choices");
    if (sotto_json_member(entry, "against").val != NULL)
        return sotto_json_bad(entry, r->diag, SOTTO_ERR(FORGE, MALFORMED), "only a tag has a change");
    if (f->source == SOTTO_SOURCE_TIME && strcmp(f->attribute, "hour") != 0 &&
        strcmp(f->attribute, "weekday") != 0)
        return sotto_json_bad(sotto_json_member(entry, member), r->diag, SOTTO_ERR(FORGE, MALFORMED),
                              "a time is hour or weekday");
    return SOTTO_OK;
}

static sotto_status get_feature(const reader *r, sotto_json_node entry, sotto_feature *f)
{
    static const char *const MEMBERS[] = {"name", "tag", "product", "time", "as", "choice", "against"};
    sotto_status status = sotto_json_only(entry, MEMBERS, SOTTO_COUNT(MEMBERS), r->diag);
    if (status == SOTTO_OK)
        status = get_text(r, entry, "name", f->name, sizeof f->name);
    if (status == SOTTO_OK && f->name[0] == '\0')
        status = sotto_json_bad(entry, r->diag, SOTTO_ERR(FORGE, MALFORMED), "a feature needs a name");
    if (status == SOTTO_OK)
        status = get_source(r, entry, f);
    if (status == SOTTO_OK)
        status = get_transform(r, entry, f);
    if (status != SOTTO_OK)
        return status;
    return f->source == SOTTO_SOURCE_TAG ? get_tag(r, entry, f) : get_attribute(r, entry, f);
}

static sotto_status get_features(const reader *r, sotto_json_node list, sotto_recipe *out)
{
    for (size_t i = 0; i < out->count; i++) {
        sotto_json_node entry = sotto_json_at(list, i);
        sotto_status status = get_feature(r, entry, &out->features[i]);
        if (status != SOTTO_OK)
            return status;
        for (size_t k = 0; k < i; k++)
            if (strcmp(out->features[k].name, out->features[i].name) == 0)
                return sotto_json_bad(entry, r->diag, SOTTO_ERR(FORGE, MALFORMED),
                                      "two features of one name");
    }
    return SOTTO_OK;
}

static sotto_status read_recipe(const reader *r, sotto_json_node root, sotto_arena *arena, sotto_recipe *out)
{
    static const char *const MEMBERS[] = {"format", "features"};
    sotto_span format;
    sotto_status status = sotto_json_only(root, MEMBERS, SOTTO_COUNT(MEMBERS), r->diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(root, "format", &format, r->diag);
    if (status == SOTTO_OK && !sotto_span_is(format, "sotto-recipe-1"))
        status = sotto_json_bad(sotto_json_member(root, "format"), r->diag, SOTTO_ERR(FORGE, UNSUPPORTED),
                                "the format must be sotto-recipe-1");
    sotto_json_node list = sotto_json_member(root, "features");
    if (status == SOTTO_OK && list.val == NULL)
        status = sotto_json_bad(root, r->diag, SOTTO_ERR(FORGE, MALFORMED), "features is missing");
    if (status == SOTTO_OK)
        status = sotto_json_as_array(list, 1, SOTTO_MODEL_FEATURES_MAX, r->diag);
    if (status != SOTTO_OK)
        return status;
    out->count = sotto_json_count(list);
    out->features = sotto_arena_array(arena, out->count, sizeof *out->features);
    if (out->features == NULL)
        return sotto_diag_set(r->diag, SOTTO_ERR(FORGE, NO_SPACE), "no memory for a recipe of %zu features",
                              out->count);
    return get_features(r, list, out);
}

sotto_status sotto_recipe_load(sotto_recipe *out, sotto_span json, const char *name,
                               const sotto_dictionary *d, sotto_arena *arena, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    size_t mark = sotto_arena_mark(arena);
    reader r = {.dictionary = d, .diag = diag};
    *out = (sotto_recipe){.count = 0};
    sotto_status status = sotto_json_parse(&doc, json, name, diag);
    if (status == SOTTO_OK)
        status = read_recipe(&r, sotto_json_root(doc), arena, out);
    sotto_json_free(doc);
    if (status != SOTTO_OK) {
        sotto_arena_reset(arena, mark);
        *out = (sotto_recipe){.count = 0};
    }
    return status;
}
