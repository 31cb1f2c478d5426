/* Reading members of catalogue and policy. */
#include "decide_priv.h"

#include <string.h>

bool sotto_decide_absent(sotto_json_node node)
{
    return sotto_json_type(node) == SOTTO_JSON_ABSENT;
}

sotto_status sotto_decide_no_space(const sotto_plan_loading *l, sotto_json_node node)
{
    return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, NO_SPACE), "the memory given for it is too small");
}

sotto_status sotto_decide_required(const sotto_plan_loading *l, sotto_json_node obj, const char *name,
                                   sotto_json_node *member)
{
    *member = sotto_json_member(obj, name);
    if (!sotto_decide_absent(*member))
        return SOTTO_OK;
    return sotto_json_bad(obj, l->diag, SOTTO_ERR(DECIDE, MALFORMED), "member \"%s\" is missing", name);
}

sotto_status sotto_decide_number(const sotto_plan_loading *l, sotto_json_node obj, const char *name,
                                 int64_t min, int64_t max, int64_t absent, int64_t *out)
{
    sotto_json_node node = sotto_json_member(obj, name);
    *out = absent;
    return sotto_decide_absent(node) ? SOTTO_OK : sotto_json_as_i64(node, min, max, out, l->diag);
}

sotto_status sotto_decide_flag(const sotto_plan_loading *l, sotto_json_node obj, const char *name,
                               bool absent, bool *out)
{
    sotto_json_node node = sotto_json_member(obj, name);
    *out = absent;
    return sotto_decide_absent(node) ? SOTTO_OK : sotto_json_as_bool(node, out, l->diag);
}

sotto_status sotto_decide_share(const sotto_plan_loading *l, sotto_json_node obj, const char *name,
                                uint32_t max_ppm, uint32_t absent_q30, uint32_t *out)
{
    enum { MILLION = 1000000 };
    int64_t ppm = 0;
    sotto_json_node node = sotto_json_member(obj, name);
    *out = absent_q30;
    if (sotto_decide_absent(node))
        return SOTTO_OK;
    sotto_status status = sotto_json_as_decimal(node, 6, &ppm, l->diag);
    if (status == SOTTO_OK && (ppm < 0 || ppm > max_ppm))
        status = sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, RANGE), "a probability from 0 to %u.%06u",
                                max_ppm / MILLION, max_ppm % MILLION);
    if (status == SOTTO_OK)
        *out = (uint32_t)(ppm * SOTTO_PROB_ONE_Q30 / MILLION);
    return status;
}

static bool has_control(sotto_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

sotto_status sotto_decide_text(const sotto_plan_loading *l, sotto_json_node node, size_t max,
                               const char **out)
{
    sotto_span text;
    sotto_status status = sotto_json_as_str(node, &text, l->diag);
    if (status != SOTTO_OK)
        return status;
    if (text.len == 0 || text.len > max || has_control(text))
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, RANGE),
                              "must have 1 to %zu bytes and no control characters", max);
    *out = sotto_arena_str(l->arena, text);
    return *out == NULL ? sotto_decide_no_space(l, node) : SOTTO_OK;
}

sotto_status sotto_decide_id(const sotto_plan_loading *l, sotto_json_node node, const char **out)
{
    enum { ID_MAX = 64 };
    sotto_span text;
    sotto_status status = sotto_json_as_str(node, &text, l->diag);
    if (status != SOTTO_OK)
        return status;
    bool good = text.len >= 1 && text.len <= ID_MAX;
    for (size_t i = 0; good && i < text.len; i++)
        good = text.ptr[i] != 0 && strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", text.ptr[i]) != NULL;
    if (!good)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, MALFORMED),
                              "an id has 1 to %d characters of a-z 0-9 _ . -", ID_MAX);
    *out = sotto_arena_str(l->arena, text);
    return *out == NULL ? sotto_decide_no_space(l, node) : SOTTO_OK;
}

static const char *kind_name(enum sotto_tag_kind kind)
{
    static const char *const NAMES[] = {"?", "flag", "choice", "count", "amount", "date", "text"};
    return NAMES[kind];
}

sotto_status sotto_decide_tag(const sotto_plan_loading *l, sotto_json_node node, enum sotto_tag_kind kind,
                              unsigned purpose, int *out)
{
    sotto_span id;
    sotto_status status = sotto_json_as_str(node, &id, l->diag);
    if (status != SOTTO_OK)
        return status;
    *out = sotto_dictionary_find(l->plan->dictionary, id);
    if (*out < 0)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, NOT_FOUND), "the dictionary has no tag '%.*s'",
                              (int)(id.len < 64 ? id.len : 64), (const char *)id.ptr);
    const sotto_tag *tag = sotto_dictionary_at(l->plan->dictionary, (size_t)*out);
    if (tag->kind != kind)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, CONFLICT), "tag '%s' is a %s, a %s is needed",
                              tag->id, kind_name(tag->kind), kind_name(kind));
    if ((tag->purposes & purpose) != purpose)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, CONFLICT),
                              "tag '%s' is not for the purpose %s", tag->id,
                              purpose == SOTTO_PURPOSE_SERVICE ? "service" : "marketing");
    return SOTTO_OK;
}

sotto_status sotto_decide_date(const sotto_plan_loading *l, sotto_json_node node, int64_t *day)
{
    char stamp[] = "YYYY-MM-DDT00:00:00Z";
    sotto_span text;
    int64_t at_s = 0;
    sotto_status status = sotto_json_as_str(node, &text, l->diag);
    if (status != SOTTO_OK)
        return status;
    if (text.len == 10)
        memcpy(stamp, text.ptr, 10);
    if (text.len != 10 || sotto_time_parse(sotto_span_str(stamp), &at_s) != SOTTO_OK)
        return sotto_json_bad(node, l->diag, SOTTO_ERR(DECIDE, MALFORMED), "not a date YYYY-MM-DD");
    *day = sotto_floor_div_i64(at_s, 86400);
    return SOTTO_OK;
}

sotto_status sotto_decide_version(const sotto_plan_loading *l, sotto_json_node root)
{
    int64_t version = 0;
    sotto_status status = sotto_json_as_object(root, l->diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(root, "version", 1, INT32_MAX, &version, l->diag);
    if (status == SOTTO_OK && version != 1)
        status = sotto_json_bad(sotto_json_member(root, "version"), l->diag, SOTTO_ERR(DECIDE, UNSUPPORTED),
                                "this program reads version 1");
    return status;
}
