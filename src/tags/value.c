/* Values as text: CSV fields and JSON strings in, text out. */
#include "tags_priv.h"

#include <assert.h>
#include <string.h>

enum { DATE_LEN = 10 };

sotto_status sotto_tags_parse_date(sotto_span text, int64_t *day)
{
    char stamp[] = "YYYY-MM-DDT00:00:00Z";
    if (text.len != DATE_LEN)
        return SOTTO_ERR(TAGS, MALFORMED);
    memcpy(stamp, text.ptr, DATE_LEN);
    int64_t at_s = 0;
    sotto_status status = sotto_time_parse(sotto_span_str(stamp), &at_s);
    *day = sotto_floor_div_i64(at_s, 86400);
    return status;
}

bool sotto_tags_text_ok(sotto_span text)
{
    if (text.len > SOTTO_TAG_TEXT_MAX || !sotto_utf8_valid(text, NULL))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

bool sotto_tags_in_range(const sotto_tag *tag, int64_t num)
{
    if (tag->from == SOTTO_FROM_VISIT_DAYS_30)
        return num >= 0 && num < (INT64_C(1) << SOTTO_TAGS_VISIT_DAYS);
    switch (tag->kind) {
    case SOTTO_TAG_FLAG:
        return num == 0 || num == 1;
    case SOTTO_TAG_CHOICE:
        return num >= 0 && num < (int64_t)tag->choice_count;
    case SOTTO_TAG_COUNT:
    case SOTTO_TAG_AMOUNT:
        return num >= -SOTTO_TAGS_NUM_MAX && num <= SOTTO_TAGS_NUM_MAX;
    case SOTTO_TAG_DATE:
        return num >= SOTTO_TAGS_DAY_MIN && num <= SOTTO_TAGS_DAY_MAX;
    case SOTTO_TAG_TEXT:
        break;
    }
    return num == 0;
}

static sotto_status parse_flag(sotto_span text, int64_t *out)
{
    static const char *const WORDS[] = {"0", "1", "false", "true", "no", "yes"};
    for (size_t i = 0; i < SOTTO_COUNT(WORDS); i++)
        if (sotto_span_is(text, WORDS[i])) {
            *out = (int64_t)(i & 1);
            return SOTTO_OK;
        }
    return SOTTO_ERR(TAGS, MALFORMED);
}

/* visit.days_30 is written as a number of days: those are taken to be the last ones, today included. */
static sotto_status parse_count(const sotto_tag *tag, sotto_span text, int64_t *out)
{
    sotto_status status = sotto_parse_i64(text, out);
    if (status != SOTTO_OK || tag->from != SOTTO_FROM_VISIT_DAYS_30)
        return status;
    if (*out < 0 || *out > SOTTO_TAGS_VISIT_DAYS)
        return SOTTO_ERR(TAGS, RANGE);
    *out = (INT64_C(1) << *out) - 1;
    return SOTTO_OK;
}

static sotto_status parse_num(const sotto_tag *tag, sotto_span text, int64_t *out)
{
    switch (tag->kind) {
    case SOTTO_TAG_FLAG:
        return parse_flag(text, out);
    case SOTTO_TAG_CHOICE:
        *out = sotto_tag_choice_find(tag, text);
        return *out < 0 ? SOTTO_ERR(TAGS, MALFORMED) : SOTTO_OK;
    case SOTTO_TAG_COUNT:
        return parse_count(tag, text, out);
    case SOTTO_TAG_AMOUNT:
        return sotto_fixed_parse_decimal(text, tag->decimals, out);
    case SOTTO_TAG_DATE:
        return sotto_tags_parse_date(text, out);
    case SOTTO_TAG_TEXT:
        break;
    }
    return sotto_tags_text_ok(text) ? SOTTO_OK : SOTTO_ERR(TAGS, RANGE);
}

/* What the field should have been; the field itself is a customer's and is not repeated. */
static const char *expected(const sotto_tag *tag)
{
    switch (tag->kind) {
    case SOTTO_TAG_FLAG:
        return "must be 0, 1, true, false, yes or no";
    case SOTTO_TAG_CHOICE:
        return "must be one of the dictionary's choices";
    case SOTTO_TAG_COUNT:
        return tag->from == SOTTO_FROM_VISIT_DAYS_30 ? "must be 0 to 30" : "must be a whole number";
    case SOTTO_TAG_AMOUNT:
        return "must be a decimal number with at most the dictionary's digits behind the point";
    case SOTTO_TAG_DATE:
        return "must be a date YYYY-MM-DD";
    case SOTTO_TAG_TEXT:
        break;
    }
    return "must be a text of at most 128 bytes without control characters";
}

sotto_status sotto_tag_parse(const sotto_tag *tag, sotto_span text, int32_t today, sotto_tag_value *out,
                             sotto_diag *diag)
{
    *out = (sotto_tag_value){0};
    if (text.len == 0)
        return SOTTO_OK;
    sotto_tag_value value = {.present = true, .set_day = today};
    sotto_status status = parse_num(tag, text, &value.num);
    if (status == SOTTO_OK && !sotto_tags_in_range(tag, value.num))
        status = SOTTO_ERR(TAGS, RANGE);
    if (status != SOTTO_OK) {
        bool range = sotto_status_cause(status) == SOTTO_CAUSE_RANGE;
        return sotto_diag_set(diag, range ? SOTTO_ERR(TAGS, RANGE) : SOTTO_ERR(TAGS, MALFORMED),
                              "tag '%s' %s", tag->id, expected(tag));
    }
    if (tag->kind == SOTTO_TAG_TEXT)
        value.text = text;
    *out = value;
    return SOTTO_OK;
}

static size_t format_date(int64_t day, char out[static 21])
{
    sotto_time_format(day * 86400, out);
    out[DATE_LEN] = '\0';
    return DATE_LEN;
}

static int64_t bits_of(int64_t bitmap)
{
    return __builtin_popcountll((unsigned long long)bitmap);
}

sotto_status sotto_tag_format(const sotto_tag *tag, const sotto_tag_value *value, char *out, size_t cap)
{
    char digits[64] = "";
    sotto_span text = {.ptr = (const uint8_t *)digits};
    if (!value->present)
        return sotto_span_to_str(text, out, cap);
    assert(sotto_tags_in_range(tag, value->num));
    if (tag->kind == SOTTO_TAG_TEXT)
        text = value->text;
    else if (tag->kind == SOTTO_TAG_CHOICE)
        text = sotto_span_str(tag->choices[value->num]);
    else if (tag->kind == SOTTO_TAG_DATE)
        text.len = format_date(value->num, digits);
    else
        text.len = sotto_fixed_format_decimal(tag->from == SOTTO_FROM_VISIT_DAYS_30 ? bits_of(value->num)
                                                                                    : value->num,
                                              tag->decimals, digits, sizeof digits);
    return sotto_span_to_str(text, out, cap);
}
