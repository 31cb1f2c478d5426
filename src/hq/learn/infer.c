/* What a column is, from its values: a flag, a choice, a count, an amount, a date, or nothing that can be
 * used. The same functions judge here that read the table later, so what is inferred can be read. */
#include "learn/infer.h"
#include "office/args.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DECIMALS_MAX = 6 };
static const int64_t NUMBER_MAX = INT64_C(1000000000000000000); /* docs/formats/dictionary.md */

static void look_number(learn_column *c, sotto_span value)
{
    int64_t v = 0;
    bool whole = sotto_parse_i64(value, &v) == SOTTO_OK && v <= NUMBER_MAX && v >= -NUMBER_MAX;
    c->counting = c->counting && whole && (c->rows == 0 || v == c->last + 1);
    c->last = v;
    c->whole = c->whole && whole;
    unsigned digits = 0;
    while (digits <= DECIMALS_MAX && sotto_fixed_parse_decimal(value, digits, &v) != SOTTO_OK)
        digits++;
    c->decimal = c->decimal && digits <= DECIMALS_MAX && v <= NUMBER_MAX && v >= -NUMBER_MAX;
    if (digits > c->decimals && digits <= DECIMALS_MAX)
        c->decimals = digits;
}

static sotto_status keep_word(learn_column *c, sotto_span value, sotto_diag *diag)
{
    for (size_t i = 0; i < c->word_count; i++)
        if (strlen(c->words[i]) == value.len && memcmp(c->words[i], value.ptr, value.len) == 0) {
            c->counts[i]++;
            return SOTTO_OK;
        }
    if (c->word_count == WORDS_MAX)
        return SOTTO_OK;
    if (c->words == NULL) {
        c->words = calloc(WORDS_MAX, sizeof *c->words);
        c->counts = calloc(WORDS_MAX, sizeof *c->counts);
    }
    char *copy = c->words == NULL || c->counts == NULL ? NULL : strndup((const char *)value.ptr, value.len);
    if (copy == NULL)
        return hq_no_memory(diag);
    c->counts[c->word_count] = 1;
    c->words[c->word_count++] = copy;
    c->too_many = c->word_count == WORDS_MAX;
    return SOTTO_OK;
}

static bool is_choice_name(sotto_span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
            return false;
    return value.len <= WORD_BYTES_MAX;
}

sotto_status learn_column_add(learn_column *c, sotto_span value, sotto_diag *diag)
{
    int32_t day;
    if (c->rows == 0)
        c->whole = c->decimal = c->date = c->counting = true;
    if (value.len == 0) {
        c->rows++;
        c->empty++;
        c->counting = false;
        return SOTTO_OK;
    }
    if (c->decimal || c->whole)
        look_number(c, value);
    c->date = c->date && learn_field_date(value, &day);
    c->too_long = c->too_long || !is_choice_name(value);
    c->rows++;
    return c->too_many ? SOTTO_OK : keep_word(c, value, diag);
}

void learn_column_free(learn_column *c)
{
    for (size_t i = 0; i < c->word_count; i++)
        free(c->words[i]);
    free(c->words);
    free(c->counts);
}

/* Both words of a flag: 0/1, no/yes, false/true, as tags read them. */
static bool is_flag(const learn_column *c)
{
    uint8_t a = 0, b = 0;
    return c->word_count == 2 && learn_field_label(sotto_span_str(c->words[0]), NULL, &a) &&
           learn_field_label(sotto_span_str(c->words[1]), NULL, &b) && a != b;
}

/* Place in a year or week by the first three letters, or -1: "aug", "August", "tue". */
static int calendar_place(const char *word)
{
    static const char *const NAMES[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
                                        "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++)
        if (strncasecmp(word, NAMES[i], 3) == 0)
            return (int)i;
    return -1;
}

static bool is_calendar(const learn_column *c)
{
    for (size_t i = 0; i < c->word_count; i++)
        if (calendar_place(c->words[i]) < 0)
            return false;
    return c->word_count > 2;
}

/* Trees split codes by order, so an order that means something is worth having: of the year or week, else of
 * the text
 * ("1 star" before "2 stars"), the same whatever the order of the rows. */
static bool stands_before(const char *a, const char *b, bool calendar)
{
    int x = calendar ? calendar_place(a) : 0, y = calendar ? calendar_place(b) : 0;
    return x != y ? x < y : strcmp(a, b) < 0;
}

static void sort_words(learn_column *c)
{
    bool calendar = is_calendar(c);
    for (size_t i = 1; i < c->word_count; i++)
        for (size_t k = i; k > 0 && stands_before(c->words[k], c->words[k - 1], calendar); k--) {
            char *word = c->words[k];
            size_t count = c->counts[k];
            c->words[k] = c->words[k - 1];
            c->counts[k] = c->counts[k - 1];
            c->words[k - 1] = word;
            c->counts[k - 1] = count;
        }
}

static void take(learn_column *c, enum sotto_tag_kind kind)
{
    c->use = COLUMN_TAG;
    c->kind = kind;
}

static void drop(learn_column *c, const char *why)
{
    c->use = COLUMN_DROPPED;
    c->why = why;
}

void learn_column_decide(learn_column *c)
{
    if (c->word_count == 0)
        drop(c, "every field is empty");
    else if (c->word_count == 1 && c->empty == 0)
        drop(c, "every row has the same value");
    else if (is_flag(c))
        take(c, SOTTO_TAG_FLAG);
    else if (c->counting && c->rows > 2)
        drop(c, "a row number");
    else if (c->whole)
        take(c, SOTTO_TAG_COUNT);
    else if (c->decimal)
        take(c, SOTTO_TAG_AMOUNT);
    else if (c->date)
        take(c, SOTTO_TAG_DATE);
    else if (c->too_many)
        drop(c, "more than 256 different texts: free text or a name");
    else if (c->too_long)
        drop(c, "texts of more than 64 bytes or with control characters");
    else
        take(c, SOTTO_TAG_CHOICE);
    if (c->use == COLUMN_TAG && c->kind == SOTTO_TAG_CHOICE)
        sort_words(c);
}
