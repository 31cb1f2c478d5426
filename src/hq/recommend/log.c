/* Purchases: rows of a customer, a moment and an item become baskets in order of time. */
#include "recommend/recommend.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400 };

typedef struct row {
    int64_t second;
    uint32_t customer, event, segment;
    uint16_t item;
    bool test;
    size_t place;
} row;

/* "YYYY-MM-DD", with " hh:mm:ss" or "Thh:mm:ss[Z]" behind it. */
static bool read_second(sotto_span text, int64_t *second)
{
    char stamp[] = "YYYY-MM-DDT00:00:00Z";
    if (text.len != 10 && text.len != 19 && !(text.len == 20 && text.ptr[19] == 'Z'))
        return false;
    memcpy(stamp, text.ptr, text.len < 19 ? text.len : 19);
    if (stamp[10] != 'T' && stamp[10] != ' ')
        return false;
    stamp[10] = 'T';
    return sotto_time_parse(sotto_span_str(stamp), second) == SOTTO_OK;
}

static sotto_status read_table(rec_table *t, const char *path, const rec_options *o, sotto_diag *diag)
{
    static const char *const DEFAULT[REC_COLUMNS] = {"user_id", "event_time", "item_id", "event_id", NULL};
    for (size_t i = 0; i < REC_COLUMNS; i++) {
        const char *asked = o->column[i];
        t->column[i] = (eval_column){.name = asked != NULL ? asked : DEFAULT[i],
                                     .kind = EVAL_CODE,
                                     .optional = i == REC_EVENT && asked == NULL};
    }
    return eval_table_read(t->column, REC_COLUMNS, path, &t->rows, diag);
}

static const char *word(const rec_table *t, size_t column, size_t at)
{
    const eval_column *c = &t->column[column];
    return eval_words_at(c->words, c->code[at]);
}

/* The second table's code of a text as the first one's; those that are new there come behind. */
static uint32_t join(const rec_log *log, const rec_table *t, size_t column, size_t at)
{
    if (t == &log->past)
        return t->column[column].code[at];
    const eval_words *past = log->past.column[column].words;
    int64_t found = eval_words_find(past, word(t, column, at));
    return (uint32_t)(found >= 0 ? (size_t)found : eval_words_count(past) + t->column[column].code[at]);
}

static sotto_status item_of(const rec_log *log, const rec_table *t, size_t at, const sotto_items *known,
                            uint16_t *item, sotto_diag *diag)
{
    const char *id = word(t, REC_ITEM, at);
    int64_t found = known != NULL ? sotto_items_find(known, sotto_span_str(id))
                                  : eval_words_find(log->past.column[REC_ITEM].words, id);
    if (found < 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "the item %.64s was not learned", id);
    if (found >= SOTTO_ITEMS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "more than %d items", SOTTO_ITEMS_MAX);
    *item = (uint16_t)found;
    return SOTTO_OK;
}

static sotto_status take_rows(const rec_log *log, const rec_table *t, const sotto_items *known, row *out,
                              sotto_diag *diag)
{
    for (size_t i = 0; i < t->rows; i++) {
        row *r = &out[i];
        *r = (row){.place = i, .test = t == &log->test, .customer = join(log, t, REC_CUSTOMER, i)};
        r->event = t->column[REC_EVENT].code == NULL ? 0 : t->column[REC_EVENT].code[i];
        r->segment = t->column[REC_SEGMENT].code == NULL ? 0 : t->column[REC_SEGMENT].code[i];
        if (!read_second(sotto_span_str(word(t, REC_TIME, i)), &r->second))
            return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED),
                                  "column %s: a moment is YYYY-MM-DD or YYYY-MM-DD hh:mm:ss",
                                  t->column[REC_TIME].name);
        sotto_status status = item_of(log, t, i, known, &r->item, diag);
        if (status != SOTTO_OK)
            return status;
    }
    return SOTTO_OK;
}

static int compare_rows(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->test != y->test)
        return x->test ? 1 : -1;
    if (x->second != y->second)
        return x->second < y->second ? -1 : 1;
    if (x->customer != y->customer)
        return x->customer < y->customer ? -1 : 1;
    if (x->event != y->event)
        return x->event < y->event ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static bool same_basket(const row *x, const row *y)
{
    return x->test == y->test && x->second == y->second && x->customer == y->customer && x->event == y->event;
}

static bool has_item(const rec_log *log, const rec_basket *b, uint16_t item)
{
    for (size_t i = 0; i < b->count; i++)
        if (log->item[b->first + i] == item)
            return true;
    return false;
}

static void group(rec_log *log, const row *rows, size_t count)
{
    size_t items = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !same_basket(&rows[i - 1], &rows[i]))
            log->basket[log->count++] = (rec_basket){
                .customer = rows[i].customer,
                .event = rows[i].event,
                .segment = rows[i].segment,
                .test = rows[i].test,
                .day = (int32_t)sotto_floor_div_i64(rows[i].second, DAY_S),
                .first = items,
            };
        rec_basket *b = &log->basket[log->count - 1];
        if (!has_item(log, b, rows[i].item)) {
            log->item[items++] = rows[i].item;
            b->count++;
        }
    }
}

static sotto_status link_customers(rec_log *log, sotto_diag *diag)
{
    size_t *last = eval_array(log->customers, sizeof *last, diag);
    if (last == NULL)
        return diag->status;
    for (size_t i = 0; i < log->customers; i++)
        last[i] = REC_NONE;
    for (size_t i = 0; i < log->count; i++) {
        log->basket[i].before = last[log->basket[i].customer];
        last[log->basket[i].customer] = i;
    }
    free(last);
    return SOTTO_OK;
}

static sotto_status build(rec_log *log, const sotto_items *known, sotto_diag *diag)
{
    size_t rows = log->past.rows + log->test.rows;
    row *row_of = eval_array(rows, sizeof *row_of, diag);
    log->basket = eval_array(rows, sizeof *log->basket, diag);
    log->item = eval_array(rows, sizeof *log->item, diag);
    sotto_status status = diag->status;
    if (status == SOTTO_OK)
        status = take_rows(log, &log->past, known, row_of, diag);
    if (status == SOTTO_OK)
        status = take_rows(log, &log->test, known, row_of + log->past.rows, diag);
    if (status == SOTTO_OK) {
        qsort(row_of, rows, sizeof *row_of, compare_rows);
        group(log, row_of, rows);
        status = link_customers(log, diag);
    }
    free(row_of);
    return status;
}

static size_t words_of(const rec_table *t, size_t column)
{
    return t->column[column].code == NULL ? 0 : eval_words_count(t->column[column].words);
}

sotto_status rec_log_read(rec_log *log, const char *past, const char *test, const rec_options *o,
                          sotto_diag *diag)
{
    *log = (rec_log){.count = 0};
    sotto_status status = read_table(&log->past, past, o, diag);
    if (status == SOTTO_OK && test != NULL)
        status = read_table(&log->test, test, o, diag);
    if (status != SOTTO_OK)
        return status;
    log->items = o->known != NULL ? sotto_items_count(o->known) : words_of(&log->past, REC_ITEM);
    log->segments = words_of(&log->past, REC_SEGMENT);
    log->customers = words_of(&log->past, REC_CUSTOMER) + words_of(&log->test, REC_CUSTOMER);
    if (log->segments > SOTTO_ITEMS_SEGMENTS_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), past, 0, "more than %d segments",
                             SOTTO_ITEMS_SEGMENTS_MAX);
    return learn_place(build(log, o->known, diag), test == NULL ? past : test, diag);
}

void rec_log_free(rec_log *log)
{
    eval_table_free(log->past.column, REC_COLUMNS);
    eval_table_free(log->test.column, REC_COLUMNS);
    free(log->basket);
    free(log->item);
    *log = (rec_log){.count = 0};
}

/* Going back in time, so the first purchase met of an item is its latest. */
size_t rec_history(const rec_log *log, size_t basket, rec_held held[static SOTTO_ITEMS_MAX])
{
    bool seen[SOTTO_ITEMS_MAX] = {false};
    size_t count = 0;
    for (size_t b = log->basket[basket].before; b != REC_NONE; b = log->basket[b].before)
        for (size_t i = 0; i < log->basket[b].count; i++) {
            uint16_t item = log->item[log->basket[b].first + i];
            int32_t age = log->basket[basket].day - log->basket[b].day;
            if (!seen[item])
                held[count++] = (rec_held){.item = item, .age_days = age < 0 ? 0 : age};
            seen[item] = true;
        }
    return count;
}
