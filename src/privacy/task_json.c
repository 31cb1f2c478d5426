/* Members of the tasks file: what reading a task needs of JSON, with the place of what is wrong. */
#include "task_json.h"

#include <string.h>

enum { NAME_MAX_BYTES = 64 };

bool sotto_task_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool sotto_task_tag_byte(uint8_t c)
{
    return sotto_task_name_byte(c) && !(c >= 'A' && c <= 'Z');
}

static bool is_plain_byte(uint8_t c)
{
    return c >= 0x20 && c != 0x7f;
}

/* A member that must be there. */
sotto_status sotto_task_member(sotto_json_node object, const char *name, sotto_json_node *out,
                               sotto_diag *diag)
{
    *out = sotto_json_member(object, name);
    if (sotto_json_type(*out) == SOTTO_JSON_ABSENT)
        return sotto_json_bad(object, diag, SOTTO_ERR(PRIVACY, MALFORMED), "\"%s\" is missing", name);
    return SOTTO_OK;
}

/* 1..64 bytes, each accepted by `allowed`. */
static sotto_status read_label(sotto_json_node node, bool (*allowed)(uint8_t), sotto_span *out,
                               sotto_diag *diag)
{
    sotto_status status = sotto_json_as_str(node, out, diag);
    if (status != SOTTO_OK)
        return status;
    if (out->len < 1 || out->len > NAME_MAX_BYTES)
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, RANGE), "must have 1 to %d bytes",
                              NAME_MAX_BYTES);
    for (size_t i = 0; i < out->len; i++)
        if (!allowed(out->ptr[i]))
            return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, MALFORMED),
                                  "has a character that is not allowed here");
    return SOTTO_OK;
}

sotto_status sotto_task_label(sotto_json_node object, const char *member, bool (*allowed)(uint8_t), char *out,
                              size_t cap, sotto_diag *diag)
{
    sotto_json_node node;
    sotto_span text;
    sotto_status status = sotto_task_member(object, member, &node, diag);
    if (status == SOTTO_OK)
        status = read_label(node, allowed, &text, diag);
    return status != SOTTO_OK ? status : sotto_span_to_str(text, out, cap);
}

/* A member that has only one value in this version; any other is a task that this program cannot measure. */
sotto_status sotto_task_word(sotto_json_node object, const char *member, const char *word, sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(object, member, &text, diag);
    if (status == SOTTO_OK && !sotto_span_is(text, word))
        return sotto_json_bad(sotto_json_member(object, member), diag, SOTTO_ERR(PRIVACY, UNSUPPORTED),
                              "this version knows only \"%s\"", word);
    return status;
}

sotto_status sotto_task_decimal(sotto_json_node object, const char *member, unsigned decimals, int64_t max,
                                uint64_t *out, sotto_diag *diag)
{
    sotto_json_node node;
    int64_t value = 0;
    char low[32], high[32];
    sotto_status status = sotto_task_member(object, member, &node, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_decimal(node, decimals, &value, diag);
    if (status != SOTTO_OK)
        return status;
    if (value < 1 || value > max) {
        (void)sotto_fixed_format_decimal(1, decimals, low, sizeof low);
        (void)sotto_fixed_format_decimal(max, decimals, high, sizeof high);
        return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, RANGE), "must be in %s .. %s", low, high);
    }
    *out = (uint64_t)value;
    return SOTTO_OK;
}

sotto_status sotto_task_u32(sotto_json_node object, const char *member, int64_t max, uint32_t *out,
                            sotto_diag *diag)
{
    int64_t value = 0;
    sotto_status status = sotto_json_get_i64(object, member, 1, max, &value, diag);
    if (status == SOTTO_OK)
        *out = (uint32_t)value;
    return status;
}

static bool is_there(const char *const *list, size_t count, sotto_span text)
{
    for (size_t i = 0; i < count; i++)
        if (sotto_span_is(text, list[i]))
            return true;
    return false;
}

sotto_status sotto_task_list(sotto_json_node object, const char *member, size_t max, const char *const **out,
                             size_t *count, sotto_arena *arena, sotto_diag *diag)
{
    sotto_json_node node;
    sotto_status status = sotto_task_member(object, member, &node, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(node, 1, max, diag);
    if (status != SOTTO_OK)
        return status;
    size_t n = sotto_json_count(node);
    const char **list = sotto_arena_array(arena, n, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        sotto_span text;
        status = read_label(sotto_json_at(node, i), is_plain_byte, &text, diag);
        if (status != SOTTO_OK)
            return status;
        if (list == NULL || (list[i] = sotto_arena_str(arena, text)) == NULL)
            return sotto_json_bad(node, diag, SOTTO_ERR(PRIVACY, NO_SPACE), "the arena is too small");
        if (is_there(list, i, text))
            return sotto_json_bad(sotto_json_at(node, i), diag, SOTTO_ERR(PRIVACY, MALFORMED),
                                  "is there twice");
    }
    *out = list;
    *count = n;
    return SOTTO_OK;
}

sotto_status sotto_task_choice(sotto_json_node object, const char *member, const char *const *words,
                               size_t count, size_t *out, sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(object, member, &text, diag);
    if (status != SOTTO_OK)
        return status;
    for (*out = 0; *out < count; (*out)++)
        if (sotto_span_is(text, words[*out]))
            return SOTTO_OK;
    return sotto_json_bad(sotto_json_member(object, member), diag, SOTTO_ERR(PRIVACY, UNSUPPORTED),
                          "this version does not know this %s", member);
}
