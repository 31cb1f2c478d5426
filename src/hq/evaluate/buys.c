/* Files of buys, and the customers in them. */
#include "evaluate/evaluate.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 5 };

bool eval_day(sotto_span text, int32_t *day)
{
    char dashed[11];
    if (text.len != 8)
        return learn_field_date(text, day);
    memcpy(dashed, text.ptr, 4);
    memcpy(dashed + 5, text.ptr + 4, 2);
    memcpy(dashed + 8, text.ptr + 6, 2);
    dashed[4] = dashed[7] = '-';
    return learn_field_date(sotto_span_of(dashed, 10), day);
}

/* Words of a line between blanks. Returns how many there are, WORDS_MAX + 1 for more than fit. */
static size_t split_line(sotto_span line, sotto_span word[WORDS_MAX])
{
    size_t count = 0;
    for (size_t at = 0, end; at < line.len; at = end) {
        for (; at < line.len && memchr(" \t\r", line.ptr[at], 3) != NULL;)
            at++;
        for (end = at; end < line.len && memchr(" \t\r", line.ptr[end], 3) == NULL;)
            end++;
        if (end == at)
            break;
        if (count == WORDS_MAX)
            return WORDS_MAX + 1;
        word[count++] = sotto_span_of(line.ptr + at, end - at);
    }
    return count;
}

/* Ids have leading zeros. */
static bool read_id(sotto_span word, uint64_t *id)
{
    while (word.len > 1 && word.ptr[0] == '0')
        word = sotto_span_of(word.ptr + 1, word.len - 1);
    return sotto_parse_u64(word, id) == SOTTO_OK;
}

static const char *read_line(const sotto_span *word, size_t count, eval_buy *buy)
{
    double pieces;
    if (count < WORDS_MAX - 1 || count > WORDS_MAX)
        return "a line holds customer, [another number,] date, pieces and value";
    if (!read_id(word[0], &buy->customer))
        return "the customer must be a number";
    if (!eval_day(word[count - 3], &buy->day))
        return "the date must be yyyymmdd";
    if (!eval_number(word[count - 2], &pieces) || !eval_number(word[count - 1], &buy->value) ||
        buy->value < 0)
        return "pieces and value must be numbers, the value not below 0";
    return NULL;
}

static bool is_heading(const sotto_span *word, size_t count)
{
    uint64_t id;
    return count > 0 && !read_id(word[0], &id);
}

sotto_status eval_buys_parse(sotto_span text, const char *name, sotto_vec *out, sotto_diag *diag)
{
    uint64_t line = 1;
    for (size_t at = 0; at < text.len; line++) {
        const uint8_t *start = text.ptr + at, *newline = memchr(start, '\n', text.len - at);
        size_t len = newline == NULL ? text.len - at : (size_t)(newline - start);
        sotto_span word[WORDS_MAX];
        size_t count = split_line(sotto_span_of(start, len), word);
        eval_buy buy;
        at += len + (newline != NULL);
        if (count == 0 || (line == 1 && is_heading(word, count)))
            continue;
        const char *why = read_line(word, count, &buy);
        if (why != NULL)
            return sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), name, line, "%s", why);
        sotto_status status = sotto_vec_put(out, &buy, sizeof buy);
        if (status != SOTTO_OK)
            return sotto_diag_at(diag, status, name, line, "the file is too large");
    }
    return SOTTO_OK;
}

static int compare_buys(const void *a, const void *b)
{
    const eval_buy *x = a, *y = b;
    if (x->customer != y->customer)
        return x->customer < y->customer ? -1 : 1;
    return (x->day > y->day) - (x->day < y->day);
}

/* Buys [0, n) of one customer, in order of days. */
static eval_customer make_customer(const eval_buy *buys, size_t n, int32_t until)
{
    eval_customer c = {.buyer = {.T = (until - buys[0].day) / 7.0}};
    for (size_t i = 0; i < n; i++) {
        bool new_day = i > 0 && buys[i].day != buys[i - 1].day, first_day = buys[i].day == buys[0].day;
        if (buys[i].day > until) {
            c.later_buys += new_day;
            c.later_spend += buys[i].value;
            continue;
        }
        c.spend += buys[i].value;
        c.repeat += first_day ? 0 : buys[i].value;
        c.buyer.x += new_day;
        c.buyer.t_x = (buys[i].day - buys[0].day) / 7.0;
    }
    c.buyer.mean = c.buyer.x > 0 ? c.repeat / c.buyer.x : 0;
    return c;
}

sotto_status eval_customers(eval_buy *buys, size_t n, int32_t until, eval_customer **out, size_t *count,
                            sotto_diag *diag)
{
    *count = 0;
    *out = eval_array(n, sizeof **out, diag);
    if (*out == NULL)
        return diag->status;
    qsort(buys, n, sizeof *buys, compare_buys);
    for (size_t at = 0, end; at < n; at = end) {
        for (end = at; end < n && buys[end].customer == buys[at].customer;)
            end++;
        if (buys[at].day <= until)
            (*out)[(*count)++] = make_customer(buys + at, end - at, until);
    }
    return SOTTO_OK;
}
