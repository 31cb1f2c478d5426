/* sotto-hq recommend predict: each customer's list at a moment, and what each place is because of. */
#include "recommend/recommend.h"

#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq recommend predict: each customer's list\n"
    "\n"
    "  sotto-hq recommend predict items.sotto PURCHASES.csv --on 2026-11-21 > lists.csv\n"
    "\n"
    "Writes customer,place,item,score,factor,because: score as an exact decimal, the factor that a\n"
    "propensity is multiplied by, and the item held that raised it most (empty: none did). Nothing held\n"
    "is left out.\n"
    "\n"
    "  --on DATE           the day of the lists (the day of the last purchase)\n"
    "  --top N             places a customer (3)\n"
    "  --customer, --time, --item, --event COLUMN   as in recommend train\n";

typedef struct predict_options {
    const char *position[2], *on;
    int64_t top;
    rec_options log;
} predict_options;

/* Everything the customer of this last basket has. Purchases after `day` are not known yet. */
static size_t holdings(const rec_log *log, size_t last, int32_t day, const sotto_items *items,
                       sotto_items_held *held)
{
    bool seen[SOTTO_ITEMS_MAX] = {false};
    size_t count = 0;
    for (size_t b = last; b != REC_NONE; b = log->basket[b].before)
        for (size_t i = 0; log->basket[b].day <= day && i < log->basket[b].count; i++) {
            uint16_t item = log->item[log->basket[b].first + i];
            if (!seen[item])
                held[count++] = (sotto_items_held){
                    .item = item, .weight_q15 = sotto_items_weight_q15(items, day - log->basket[b].day)};
            seen[item] = true;
        }
    return count;
}

static size_t best_left(const int64_t *score, const bool *said, size_t n)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++)
        if (!said[i] && (best == n || score[i] > score[best]))
            best = i;
    return best;
}

static void say_list(const rec_log *log, size_t last, int32_t day, const sotto_items *items, size_t top)
{
    sotto_items_held held[SOTTO_ITEMS_MAX];
    int64_t score[SOTTO_ITEMS_MAX];
    bool said[SOTTO_ITEMS_MAX] = {false};
    size_t n = sotto_items_count(items), count = holdings(log, last, day, items, held);
    sotto_items_customer customer;
    sotto_items_customer_of(items, held, count, &customer);
    sotto_items_scores_q24(items, held, count, score);
    for (size_t i = 0; count == 0 && i < n; i++)
        score[i] = sotto_items_popular_q30(items, -1, i) >> 6;
    for (size_t place = 0; place < top && place < n; place++) {
        char exact[64], factor[64];
        int because = -1;
        size_t i = best_left(score, said, n);
        said[i] = true;
        if (count > 0)
            (void)sotto_items_score_q24(items, &customer, i, &because);
        (void)sotto_fixed_format_q(score[i], 24, exact, sizeof exact);
        (void)sotto_fixed_format_q(count > 0 ? sotto_items_factor_q16(items, i, score[i])
                                             : SOTTO_ITEMS_FACTOR_ONE_Q16,
                                   16, factor, sizeof factor);
        printf("%s,%zu,%s,%s,%s,%s\n",
               eval_words_at(log->past.column[REC_CUSTOMER].words, log->basket[last].customer), place + 1,
               sotto_items_id(items, i), exact, factor,
               because < 0 ? "" : sotto_items_id(items, held[because].item));
    }
}

static sotto_status say_all(const rec_log *log, const predict_options *o, const sotto_items *items,
                            sotto_diag *diag)
{
    int32_t day = log->basket[log->count - 1].day;
    bool *later = eval_array(log->count, sizeof *later, diag);
    if (later == NULL)
        return diag->status;
    if (o->on != NULL && !learn_field_date(sotto_span_str(o->on), &day)) {
        free(later);
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--on is a date, YYYY-MM-DD");
    }
    printf("customer,place,item,score,factor,because\n");
    for (size_t b = 0; b < log->count; b++)
        if (log->basket[b].before != REC_NONE)
            later[log->basket[b].before] = true;
    for (size_t b = 0; b < log->count; b++)
        if (!later[b])
            say_list(log, b, day, items, (size_t)o->top);
    free(later);
    return learn_flush(diag);
}

static sotto_status run(predict_options *o, sotto_diag *diag)
{
    rec_file file;
    rec_log log = {.count = 0};
    sotto_status status = rec_file_open(&file, o->position[0], diag);
    o->log.known = file.items;
    if (status == SOTTO_OK)
        status = rec_log_read(&log, o->position[1], NULL, &o->log, diag);
    if (status == SOTTO_OK)
        status = say_all(&log, o, file.items, diag);
    rec_log_free(&log);
    rec_file_close(&file);
    return status;
}

int rec_cmd_predict(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    predict_options o = {.top = 3};
    const hq_option table[] = {{"a file of items", HQ_POSITION, &o.position[0], true, 0, 0},
                               {"a file of purchases", HQ_POSITION, &o.position[1], true, 0, 0},
                               {"--on", HQ_TEXT, &o.on, false, 0, 0},
                               {"--top", HQ_NUMBER, &o.top, false, 1, SOTTO_ITEMS_MAX},
                               REC_OPTIONS(&o.log)};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = hq_parse(argc, argv, table, SOTTO_COUNT(table), &diag);
    if (status == SOTTO_OK)
        status = run(&o, &diag);
    return learn_finish(status, &diag);
}
