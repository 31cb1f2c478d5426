/* sotto-hq recommend evaluate: lists for later purchases beside popularity, for known and for new customers.
 */
#include "recommend/recommend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq recommend evaluate: HR@N and MRR@N beside popularity\n"
    "\n"
    "  sotto-hq recommend evaluate items.sotto --past PURCHASES.csv --test LATER.csv \\\n"
    "           --allowed ALLOWED.csv\n"
    "\n"
    "  items.sotto         from sotto-hq recommend train PURCHASES.csv\n"
    "  --past FILE         what customers bought before\n"
    "  --test FILE         later purchases: each is one list that is judged\n"
    "  --allowed FILE      which items each test purchase could have been (columns of event and item)\n"
    "  --at N              length of the lists (3)\n"
    "  --customer, --time, --item, --event COLUMN   as in recommend train\n"
    "  --bootstrap N       samples of customers for the intervals (1000); --seed N, --confidence P (95)\n"
    "  --json              figures as JSON\n"
    "\n"
    "Known: has bought before, in the past file or earlier in the test file, as a terminal would have\n"
    "seen it.\n";

enum { POPULAR, POPULAR_ALLOWED, ITEMS, ITEMS_ALLOWED, WAYS };
enum { ALL, KNOWN, KNOWN_PAST, NEW, GROUPS };
enum { FIGURES = GROUPS * WAYS * 2, DIFFERENCES = GROUPS * 2 };
static const char *const WAY_NAME[WAYS] = {"popularity", "popularity_allowed", "items", "items_allowed"};
static const char *const GROUP_NAME[GROUPS] = {"all", "known", "known_past", "new"};
static const char *const GROUP_TEXT[GROUPS] = {"all", "known", "  of these, in the past file", "new"};

typedef struct judge_options {
    const char *file, *past, *test, *allowed;
    int64_t at;
    bool json;
    eval_chance chance;
    rec_options log;
} judge_options;

typedef struct judged {
    const judge_options *o;
    const sotto_items *items;
    rec_log log;
    size_t from, lists; /* the test baskets */
    uint8_t *allowed;   /* lists x items; NULL: everything is */
    double *popular;    /* items */
    eval_list *list[WAYS];
    uint32_t *unit; /* of each list: its customer */
    size_t units;
    bool *in[GROUPS]; /* of each list */
    size_t size[GROUPS];
    eval_figure figure[FIGURES + DIFFERENCES];
    char name[FIGURES + DIFFERENCES][64];
} judged;

/* ---- What could have been bought ---- */

static sotto_status mark_allowed(judged *j, const eval_column *event, const eval_column *item, size_t rows,
                                 sotto_diag *diag)
{
    const eval_words *events = j->log.test.column[REC_EVENT].words;
    size_t n = sotto_items_count(j->items);
    size_t *list_of = eval_array(eval_words_count(events), sizeof *list_of, diag);
    if (list_of == NULL)
        return diag->status;
    for (size_t i = 0; i < j->lists; i++)
        list_of[j->log.basket[j->from + i].event] = i;
    for (size_t row = 0; row < rows; row++) {
        int64_t e = eval_words_find(events, eval_words_at(event->words, event->code[row]));
        int at = sotto_items_find(j->items, sotto_span_str(eval_words_at(item->words, item->code[row])));
        if (e >= 0 && at >= 0)
            j->allowed[list_of[e] * n + (size_t)at] = 1;
    }
    free(list_of);
    return SOTTO_OK;
}

static sotto_status read_allowed(judged *j, sotto_diag *diag)
{
    size_t rows;
    const eval_column *test = j->log.test.column;
    eval_column columns[] = {{.name = test[REC_EVENT].name, .kind = EVAL_CODE},
                             {.name = test[REC_ITEM].name, .kind = EVAL_CODE}};
    if (test[REC_EVENT].code == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--allowed needs a column of events in --test");
    j->allowed = eval_array(j->lists * sotto_items_count(j->items), 1, diag);
    sotto_status status = j->allowed == NULL ? diag->status : SOTTO_OK;
    if (status == SOTTO_OK)
        status = eval_table_read(columns, 2, j->o->allowed, &rows, diag);
    if (status == SOTTO_OK)
        status = mark_allowed(j, &columns[0], &columns[1], rows, diag);
    eval_table_free(columns, 2);
    return status;
}

/* ---- Lists ---- */

/* Scores of one list, as a terminal computes them: in integers. */
static void score_items(const judged *j, size_t basket, double *out)
{
    size_t n = sotto_items_count(j->items);
    sotto_items_held held[SOTTO_ITEMS_MAX];
    rec_held history[SOTTO_ITEMS_MAX];
    int64_t score[SOTTO_ITEMS_MAX];
    size_t count = rec_history(&j->log, basket, history);
    for (size_t i = 0; i < count; i++)
        held[i] = (sotto_items_held){.item = history[i].item,
                                     .weight_q15 = sotto_items_weight_q15(j->items, history[i].age_days)};
    sotto_items_scores_q24(j->items, held, count, score);
    bool known = j->log.basket[basket].before != REC_NONE;
    for (size_t i = 0; i < n; i++)
        out[i] = known ? (double)score[i] : (double)sotto_items_popular_q30(j->items, -1, i);
}

static void score_list(const judged *j, size_t way, size_t list, double *score, uint8_t *label)
{
    size_t n = sotto_items_count(j->items);
    const rec_basket *b = &j->log.basket[j->from + list];
    if (way == POPULAR || way == POPULAR_ALLOWED)
        memcpy(score, j->popular, n * sizeof *score);
    else
        score_items(j, j->from + list, score);
    for (size_t i = 0; (way == POPULAR_ALLOWED || way == ITEMS_ALLOWED) && i < n; i++)
        if (!j->allowed[list * n + i])
            score[i] = -HUGE_VAL;
    for (size_t i = 0; i < b->count; i++)
        label[j->log.item[b->first + i]] = 1;
}

static sotto_status judge_way(judged *j, size_t way, sotto_diag *diag)
{
    size_t n = sotto_items_count(j->items), rows = j->lists * n, count = 0;
    double *score = eval_array(rows, sizeof *score, diag);
    uint8_t *label = eval_array(rows, 1, diag);
    uint32_t *unit = eval_array(rows, sizeof *unit, diag);
    j->list[way] = eval_array(j->lists, sizeof *j->list[way], diag);
    sotto_status status = diag->status;
    for (size_t i = 0; status == SOTTO_OK && i < j->lists; i++) {
        score_list(j, way, i, score + i * n, label + i * n);
        for (size_t k = 0; k < n; k++)
            unit[i * n + k] = (uint32_t)i;
    }
    const eval_scored s = {.rows = rows, .score = score, .label = label, .unit = unit};
    if (status == SOTTO_OK)
        status = eval_rank(&s, NULL, (size_t)j->o->at, j->o->chance.seed, j->list[way], &count, diag);
    free(score);
    free(label);
    free(unit);
    return status;
}

/* ---- Groups, figures, intervals ---- */

static bool bought_in_past(const rec_log *log, size_t basket)
{
    for (size_t b = log->basket[basket].before; b != REC_NONE; b = log->basket[b].before)
        if (!log->basket[b].test)
            return true;
    return false;
}

static sotto_status group_lists(judged *j, sotto_diag *diag)
{
    uint32_t *code = eval_array(j->log.customers, sizeof *code, diag);
    j->unit = eval_array(j->lists, sizeof *j->unit, diag);
    for (size_t g = 0; g < GROUPS; g++)
        j->in[g] = eval_array(j->lists, sizeof *j->in[g], diag);
    for (size_t i = 0; diag->status == SOTTO_OK && i < j->lists; i++) {
        const rec_basket *b = &j->log.basket[j->from + i];
        if (code[b->customer] == 0)
            code[b->customer] = (uint32_t)++j->units;
        j->unit[i] = code[b->customer] - 1;
        j->in[ALL][i] = true;
        j->in[KNOWN][i] = b->before != REC_NONE;
        j->in[KNOWN_PAST][i] = bought_in_past(&j->log, j->from + i);
        j->in[NEW][i] = !j->in[KNOWN][i];
        for (size_t g = 0; g < GROUPS; g++)
            j->size[g] += j->in[g][i];
    }
    free(code);
    return diag->status;
}

static size_t figure_at(size_t group, size_t way, size_t metric)
{
    return (group * WAYS + way) * 2 + metric;
}

static size_t difference_at(size_t group, size_t metric)
{
    return FIGURES + group * 2 + metric;
}

static void mean_of(const judged *j, const double *weight, size_t group, size_t way, double *out)
{
    double hit = 0, reciprocal = 0, total = 0;
    for (size_t i = 0; j->list[way] != NULL && i < j->lists; i++)
        if (j->in[group][i]) {
            double w = weight[j->unit[i]];
            hit += w * j->list[way][i].hit;
            reciprocal += w * j->list[way][i].reciprocal_at;
            total += w;
        }
    out[figure_at(group, way, 0)] = total > 0 ? hit / total : NAN;
    out[figure_at(group, way, 1)] = total > 0 ? reciprocal / total : NAN;
}

static void all_figures(void *ctx, const double *weight, double *out)
{
    const judged *j = ctx;
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t way = 0; way < WAYS; way++)
            mean_of(j, weight, g, way, out);
        size_t mine = j->allowed == NULL ? ITEMS : ITEMS_ALLOWED;
        size_t other = j->allowed == NULL ? POPULAR : POPULAR_ALLOWED;
        for (size_t k = 0; k < 2; k++)
            out[difference_at(g, k)] = out[figure_at(g, mine, k)] - out[figure_at(g, other, k)];
    }
}

static void name_figures(judged *j)
{
    static const char *const METRIC[] = {"hr", "mrr"};
    for (size_t i = 0; i < FIGURES + DIFFERENCES; i++) {
        size_t group = i < FIGURES ? i / 2 / WAYS : (i - FIGURES) / 2;
        (void)snprintf(j->name[i], sizeof j->name[i], "%s_%s_%s", GROUP_NAME[group],
                       i < FIGURES ? WAY_NAME[i / 2 % WAYS] : "gain", METRIC[i % 2]);
        j->figure[i] = (eval_figure){.name = j->name[i], .text = j->name[i]};
    }
}

static void fill(sotto_json_writer *w, const void *ctx)
{
    const judged *j = ctx;
    eval_json_u64(w, "at", (uint64_t)j->o->at);
    eval_json_str(w, "learned", sotto_items_source(j->items));
    for (size_t g = 0; g < GROUPS; g++)
        eval_json_u64(w, GROUP_NAME[g], j->size[g]);
    for (size_t i = 0; i < FIGURES + DIFFERENCES; i++)
        eval_json(w, &j->figure[i]);
}

static void tell_group(const judged *j, size_t group)
{
    printf("  %-30s %6zu", GROUP_TEXT[group], j->size[group]);
    for (size_t way = 0; way < WAYS; way++)
        if (j->list[way] != NULL)
            printf("    %.4f  %.4f", j->figure[figure_at(group, way, 0)].value,
                   j->figure[figure_at(group, way, 1)].value);
    printf("\n");
}

static void tell_difference(const judged *j, size_t group)
{
    printf("  %-30s      ", GROUP_TEXT[group]);
    for (size_t k = 0; k < 2; k++) {
        const eval_figure *f = &j->figure[difference_at(group, k)];
        if (isnan(f->interval.low))
            printf("    %+.4f", f->value);
        else
            printf("    %+.4f [%+.4f, %+.4f]", f->value, f->interval.low, f->interval.high);
    }
    printf("\n");
}

static sotto_status tell(const judged *j, sotto_diag *diag)
{
    char lists[32];
    int n = (int)j->o->at;
    if (j->o->json)
        return eval_json_report(fill, j, diag);
    printf("%s purchases judged, each one list; HR@%d and MRR@%d\n", learn_grouped(j->lists, lists), n, n);
    printf("  %-30s %6s    %-14s", "customers", "lists", "popularity");
    if (j->allowed != NULL)
        printf("    %-14s", "pop., allowed");
    printf("    %-14s", "items");
    if (j->allowed != NULL)
        printf("    %-14s", "items, allowed");
    printf("\n");
    for (size_t g = 0; g < GROUPS; g++)
        tell_group(j, g);
    printf("items less popularity%s, HR@%d and MRR@%d, intervals at %g %% (customers drawn)\n",
           j->allowed == NULL ? "" : ", both of what is allowed", n, n, j->o->chance.confidence);
    for (size_t g = 0; g < GROUPS; g++)
        tell_difference(j, g);
    return learn_flush(diag);
}

/* ---- The command ---- */

static sotto_status learn_popularity(judged *j, sotto_diag *diag)
{
    rec_matrix m;
    const rec_settings plain = {.popular_days = 0};
    sotto_status status = rec_matrix_init(&m, sotto_items_count(j->items), 0, diag);
    j->popular = eval_array(sotto_items_count(j->items), sizeof *j->popular, diag);
    if (status == SOTTO_OK && j->popular != NULL) {
        rec_learn_popular(&m, &j->log, j->from, &plain);
        memcpy(j->popular, m.popular, m.items * sizeof *j->popular);
    }
    rec_matrix_free(&m);
    return diag->status;
}

static sotto_status judge(judged *j, sotto_diag *diag)
{
    while (j->from < j->log.count && !j->log.basket[j->from].test)
        j->from++;
    j->lists = j->log.count - j->from;
    sotto_status status = learn_popularity(j, diag);
    if (status == SOTTO_OK && j->o->allowed != NULL)
        status = read_allowed(j, diag);
    for (size_t way = 0; status == SOTTO_OK && way < WAYS; way++)
        if (j->allowed != NULL || way == POPULAR || way == ITEMS)
            status = judge_way(j, way, diag);
    if (status == SOTTO_OK)
        status = group_lists(j, diag);
    name_figures(j);
    const eval_sample sample = {.units = j->units, .statistic = all_figures, .ctx = j};
    if (status == SOTTO_OK)
        status = eval_bootstrap(&sample, &j->o->chance, j->figure, FIGURES + DIFFERENCES, diag);
    return status == SOTTO_OK ? tell(j, diag) : status;
}

static void free_judged(judged *j)
{
    for (size_t i = 0; i < WAYS; i++)
        free(j->list[i]);
    for (size_t i = 0; i < GROUPS; i++)
        free(j->in[i]);
    free(j->allowed);
    free(j->popular);
    free(j->unit);
    rec_log_free(&j->log);
    free(j);
}

static sotto_status run(judge_options *o, sotto_diag *diag)
{
    rec_file file;
    judged *j = eval_array(1, sizeof *j, diag);
    if (j == NULL)
        return diag->status;
    sotto_status status = rec_file_open(&file, o->file, diag);
    j->o = o;
    j->items = o->log.known = file.items;
    if (status == SOTTO_OK)
        status = rec_log_read(&j->log, o->past, o->test, &o->log, diag);
    if (status == SOTTO_OK)
        status = learn_place(judge(j, diag), o->test, diag);
    free_judged(j);
    rec_file_close(&file);
    return status;
}

int rec_cmd_evaluate(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    judge_options o = {.at = 3, .chance = EVAL_CHANCE_DEFAULT};
    const hq_option table[] = {{"a file of items", HQ_POSITION, &o.file, true, 0, 0},
                               {"--past", HQ_TEXT, &o.past, true, 0, 0},
                               {"--test", HQ_TEXT, &o.test, true, 0, 0},
                               {"--allowed", HQ_TEXT, &o.allowed, false, 0, 0},
                               {"--at", HQ_NUMBER, &o.at, false, 1, SOTTO_ITEMS_MAX},
                               {"--json", HQ_FLAG, &o.json, false, 0, 0},
                               EVAL_CHANCE_OPTIONS(&o.chance),
                               REC_OPTIONS(&o.log)};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = hq_parse(argc, argv, table, SOTTO_COUNT(table), &diag);
    if (status == SOTTO_OK)
        status = run(&o, &diag);
    return learn_finish(status, &diag);
}
