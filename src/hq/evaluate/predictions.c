/* sotto-hq evaluate predictions: scores against what happened. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq evaluate predictions: scores against what happened\n"
    "\n"
    "  sotto-hq evaluate predictions FILE.csv\n"
    "  sotto-hq evaluate predictions offers.csv --score propensity --label taken --customer id --at 3\n"
    "\n"
    "  FILE.csv            a table with a header, a row for each prediction; also .xz\n"
    "  --score COLUMN      the score, larger is likelier (score)\n"
    "  --margin            scores are log-odds, not probabilities\n"
    "  --label COLUMN      what happened: 0/1, no/yes, false/true (label)\n"
    "  --positive WORD     the label's value that counts as yes, when it is another one\n"
    "  --customer COLUMN   whose row it is (customer, when there): lists are judged customer by\n"
    "                      customer, and intervals draw customers instead of rows\n"
    "  --rank COLUMN       places in a customer's list, 1 first (rank, when there; else by score)\n"
    "  --at N              lists are cut after N places (3)\n"
    "  --contacts PERCENT  how many of the buyers do the best PERCENT of rows reach; may be repeated\n"
    "                      (10 20 38 50)\n"
    "  --bins N            bins of the calibration table (10)\n"
    "  --bootstrap N (1000)  --seed N (1)  --confidence PERCENT (95)  --json\n"
    "\n"
    "The AUC's interval is DeLong's where no customer has two rows, else from the bootstrap.\n"
    "Logarithmic loss, Brier score and calibration need probabilities.\n";

enum { GAINS_MAX = 16, BINS_MAX = 100 };
enum { FIGURE_AUC, FIGURE_LOGLOSS, FIGURE_BRIER, FIGURE_GAIN, FIGURES_MAX = FIGURE_GAIN + GAINS_MAX };
enum { LIST_MRR, LIST_MRR_AT, LIST_NDCG, LIST_HIT, LIST_FIGURES };
enum { COLUMN_SCORE, COLUMN_LABEL, COLUMN_CUSTOMER, COLUMN_RANK, COLUMNS };

typedef struct options {
    const char *file, *score, *label, *positive, *customer, *rank;
    int64_t at, bins;
    hq_list contacts;
    double share[GAINS_MAX];
    size_t shares;
    bool margin, json;
    eval_chance chance;
} options;

typedef struct report {
    const options *o;
    eval_scored scored;
    bool probabilities;
    size_t positives, customers, lists;
    eval_figure figure[FIGURES_MAX], list_figure[LIST_FIGURES];
    char words[FIGURES_MAX + LIST_FIGURES][48];
    eval_list *list;
    eval_bin bin[BINS_MAX];
    size_t bins;
} report;

static sotto_status read_shares(options *o, sotto_diag *diag)
{
    static const char *const DEFAULT[] = {"10", "20", "38", "50"};
    const char *const *words = o->contacts.count == 0 ? DEFAULT : o->contacts.item;
    o->shares = o->contacts.count == 0 ? SOTTO_COUNT(DEFAULT) : o->contacts.count;
    if (o->shares > GAINS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--contacts stands more than %d times", GAINS_MAX);
    for (size_t i = 0; i < o->shares; i++)
        if (!eval_number(sotto_span_str(words[i]), &o->share[i]) || o->share[i] <= 0 || o->share[i] > 100)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--contacts must be above 0 and at most 100");
    return SOTTO_OK;
}

static sotto_status parse(options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option table[] = {{"a file", HQ_POSITION, &o->file, true, 0, 0},
                               {"--score", HQ_TEXT, &o->score, false, 0, 0},
                               {"--label", HQ_TEXT, &o->label, false, 0, 0},
                               {"--positive", HQ_TEXT, &o->positive, false, 0, 0},
                               {"--customer", HQ_TEXT, &o->customer, false, 0, 0},
                               {"--rank", HQ_TEXT, &o->rank, false, 0, 0},
                               {"--margin", HQ_FLAG, &o->margin, false, 0, 0},
                               {"--at", HQ_NUMBER, &o->at, false, 1, 100000},
                               {"--bins", HQ_NUMBER, &o->bins, false, 1, BINS_MAX},
                               {"--contacts", HQ_LIST, &o->contacts, false, 0, 0},
                               {"--json", HQ_FLAG, &o->json, false, 0, 0},
                               EVAL_CHANCE_OPTIONS(&o->chance)};
    sotto_status status = hq_parse(argc, argv, table, SOTTO_COUNT(table), diag);
    return status == SOTTO_OK ? read_shares(o, diag) : status;
}

static void all_figures(void *ctx, const double *weight, double *out)
{
    const report *r = ctx;
    out[FIGURE_AUC] = eval_auc(&r->scored, weight);
    out[FIGURE_LOGLOSS] = r->probabilities ? eval_logloss(&r->scored, weight) : NAN;
    out[FIGURE_BRIER] = r->probabilities ? eval_brier(&r->scored, weight) : NAN;
    for (size_t i = 0; i < r->o->shares; i++)
        out[FIGURE_GAIN + i] = eval_gain(&r->scored, weight, r->o->share[i] / 100);
}

static void list_figures(void *ctx, const double *weight, double *out)
{
    const report *r = ctx;
    double total = 0;
    for (size_t i = 0; i < LIST_FIGURES; i++)
        out[i] = 0;
    for (size_t i = 0; i < r->lists; i++) {
        const eval_list *l = &r->list[i];
        out[LIST_MRR] += weight[i] * l->reciprocal;
        out[LIST_MRR_AT] += weight[i] * l->reciprocal_at;
        out[LIST_NDCG] += weight[i] * l->ndcg;
        out[LIST_HIT] += weight[i] * l->hit;
        total += weight[i];
    }
    for (size_t i = 0; i < LIST_FIGURES; i++)
        out[i] /= total;
}

static void name_figures(report *r)
{
    const options *o = r->o;
    static const char *const NAMES[] = {"mrr", "mrr_at", "ndcg_at", "hit_rate_at"};
    static const char *const WORDS[] = {"MRR", "MRR@", "NDCG@", "HR@"};
    r->figure[FIGURE_AUC] = (eval_figure){.name = "auc", .text = "AUC"};
    r->figure[FIGURE_LOGLOSS] = (eval_figure){.name = "logloss", .text = "logarithmic loss"};
    r->figure[FIGURE_BRIER] = (eval_figure){.name = "brier", .text = "Brier score"};
    for (size_t i = 0; i < o->shares; i++) {
        (void)snprintf(r->words[i], sizeof r->words[i], "the best %g %% of rows reach", o->share[i]);
        r->figure[FIGURE_GAIN + i] = (eval_figure){.name = "reached", .text = r->words[i], .percent = true};
    }
    for (size_t i = 0; i < LIST_FIGURES; i++) {
        char *words = r->words[FIGURES_MAX + i];
        if (i == LIST_MRR)
            (void)snprintf(words, sizeof r->words[0], "%s", WORDS[i]);
        else
            (void)snprintf(words, sizeof r->words[0], "%s%lld", WORDS[i], (long long)o->at);
        r->list_figure[i] = (eval_figure){.name = NAMES[i], .text = words};
    }
}

static sotto_status check_scores(report *r, double *score, sotto_diag *diag)
{
    r->probabilities = true;
    for (size_t i = 0; i < r->scored.rows; i++) {
        if (r->o->margin)
            score[i] = 1 / (1 + exp(-score[i]));
        r->probabilities = r->probabilities && score[i] >= 0 && score[i] <= 1;
        r->positives += r->scored.label[i];
    }
    if (r->positives == 0 || r->positives == r->scored.rows)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                              "every row has the same label; --positive names the word that counts as yes");
    return SOTTO_OK;
}

static sotto_status judge_scores(report *r, sotto_diag *diag)
{
    const eval_scored *s = &r->scored;
    eval_sample sample = {
        .units = s->unit == NULL ? s->rows : r->customers, .statistic = all_figures, .ctx = r};
    sotto_status status = eval_bootstrap(&sample, &r->o->chance, r->figure, FIGURE_GAIN + r->o->shares, diag);
    if (r->customers == 0 || r->customers == s->rows)
        r->figure[FIGURE_AUC].interval =
            eval_normal(r->figure[FIGURE_AUC].value, eval_auc_variance(s), eval_z(r->o->chance.confidence));
    if (r->probabilities)
        r->bins = eval_calibrate(s, r->bin, (size_t)r->o->bins);
    return status;
}

static sotto_status judge_lists(report *r, const double *rank, sotto_diag *diag)
{
    if (r->customers == 0)
        return SOTTO_OK;
    r->list = eval_array(r->customers, sizeof *r->list, diag);
    if (r->list == NULL)
        return diag->status;
    sotto_status status =
        eval_rank(&r->scored, rank, (size_t)r->o->at, r->o->chance.seed, r->list, &r->lists, diag);
    eval_sample sample = {.units = r->lists, .statistic = list_figures, .ctx = r};
    return status == SOTTO_OK ? eval_bootstrap(&sample, &r->o->chance, r->list_figure, LIST_FIGURES, diag)
                              : status;
}

static void fill_bins(sotto_json_writer *w, const report *r)
{
    double z = eval_z(r->o->chance.confidence);
    sotto_json_name(w, "calibration");
    sotto_json_arr(w);
    for (size_t i = 0; i < r->bins; i++) {
        const eval_bin *b = &r->bin[i];
        eval_figure rate = {.name = "rate",
                            .value = (double)b->positives / (double)b->rows,
                            .interval = eval_wilson((double)b->positives, (double)b->rows, z)};
        sotto_json_obj(w);
        eval_json_u64(w, "rows", b->rows);
        learn_json_real(w, "score", b->score, 8);
        eval_json(w, &rate);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void fill_gains(sotto_json_writer *w, const report *r)
{
    sotto_json_name(w, "gain");
    sotto_json_arr(w);
    for (size_t i = 0; i < r->o->shares; i++) {
        sotto_json_obj(w);
        learn_json_real(w, "contacts_percent", r->o->share[i], 4);
        eval_json(w, &r->figure[FIGURE_GAIN + i]);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static void fill(sotto_json_writer *w, const void *ctx)
{
    const report *r = ctx;
    eval_json_str(w, "kind", "predictions");
    eval_json_u64(w, "rows", r->scored.rows);
    eval_json_u64(w, "positives", r->positives);
    eval_json_u64(w, "customers", r->customers);
    eval_json_u64(w, "lists", r->lists);
    learn_json_real(w, "confidence_percent", r->o->chance.confidence, 2);
    for (size_t i = 0; i < FIGURE_GAIN; i++)
        eval_json(w, &r->figure[i]);
    fill_gains(w, r);
    fill_bins(w, r);
    for (size_t i = 0; r->lists > 0 && i < LIST_FIGURES; i++)
        eval_json(w, &r->list_figure[i]);
    if (r->lists > 0)
        eval_json_u64(w, "at", (uint64_t)r->o->at);
}

static void tell_gains(const report *r)
{
    for (size_t i = 0; i < r->o->shares; i++) {
        const eval_figure *f = &r->figure[FIGURE_GAIN + i];
        printf("  %-44s %10.2f %%   [%.2f, %.2f] of the buyers, %.2f times what chance does\n", f->text,
               100 * f->value, 100 * f->interval.low, 100 * f->interval.high,
               f->value / (r->o->share[i] / 100));
    }
}

static void tell_bins(const report *r)
{
    double z = eval_z(r->o->chance.confidence);
    printf("  calibration: rows, mean score, what happened\n");
    for (size_t i = 0; i < r->bins; i++) {
        const eval_bin *b = &r->bin[i];
        eval_interval rate = eval_wilson((double)b->positives, (double)b->rows, z);
        printf("    %8zu   %8.4f   %8.4f   [%.4f, %.4f]%s\n", b->rows, b->score,
               (double)b->positives / (double)b->rows, rate.low, rate.high,
               b->score < rate.low || b->score > rate.high ? "   off" : "");
    }
}

static sotto_status tell(const report *r, sotto_diag *diag)
{
    char rows[32], positives[32], customers[32];
    if (r->o->json)
        return eval_json_report(fill, r, diag);
    printf("%s rows, %s positive; intervals at %g %%\n", learn_grouped(r->scored.rows, rows),
           learn_grouped(r->positives, positives), r->o->chance.confidence);
    eval_tell(&r->figure[FIGURE_AUC]);
    if (!r->probabilities)
        printf("  scores are not probabilities: no losses, no calibration (--margin: they are log-odds)\n");
    for (size_t i = FIGURE_LOGLOSS; r->probabilities && i < FIGURE_GAIN; i++)
        eval_tell(&r->figure[i]);
    tell_gains(r);
    if (r->probabilities)
        tell_bins(r);
    if (r->customers > 0)
        printf("%s customers, lists of the %zu with something positive\n",
               learn_grouped(r->customers, customers), r->lists);
    for (size_t i = 0; r->lists > 0 && i < LIST_FIGURES; i++)
        eval_tell(&r->list_figure[i]);
    return learn_flush(diag);
}

static sotto_status judge(report *r, eval_column *columns, sotto_diag *diag)
{
    r->scored.score = columns[COLUMN_SCORE].number;
    r->scored.label = columns[COLUMN_LABEL].label;
    r->scored.unit = columns[COLUMN_CUSTOMER].code;
    r->customers = r->scored.unit == NULL ? 0 : eval_words_count(columns[COLUMN_CUSTOMER].words);
    name_figures(r);
    sotto_status status = check_scores(r, columns[COLUMN_SCORE].number, diag);
    if (status == SOTTO_OK)
        status = eval_scored_init(&r->scored, diag);
    if (status == SOTTO_OK)
        status = judge_scores(r, diag);
    if (status == SOTTO_OK)
        status = judge_lists(r, columns[COLUMN_RANK].number, diag);
    return status == SOTTO_OK ? tell(r, diag) : status;
}

static sotto_status run(const options *o, sotto_diag *diag)
{
    report *r = eval_array(1, sizeof *r, diag);
    if (r == NULL)
        return diag->status;
    r->o = o;
    eval_column columns[COLUMNS] = {
        {.name = o->score, .kind = EVAL_NUMBER},
        {.name = o->label, .kind = EVAL_LABEL, .positive = o->positive},
        {.name = o->customer == NULL ? "customer" : o->customer,
         .kind = EVAL_CODE,
         .optional = o->customer == NULL},
        {.name = o->rank == NULL ? "rank" : o->rank, .kind = EVAL_NUMBER, .optional = o->rank == NULL}};
    sotto_status status = eval_table_read(columns, COLUMNS, o->file, &r->scored.rows, diag);
    if (status == SOTTO_OK)
        status = learn_place(judge(r, columns, diag), o->file, diag);
    eval_table_free(columns, COLUMNS);
    eval_scored_free(&r->scored);
    free(r->list);
    free(r);
    return status;
}

int eval_cmd_predictions(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    options o = {.score = "score", .label = "label", .at = 3, .bins = 10, .chance = EVAL_CHANCE_DEFAULT};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = run(&o, &diag);
    return learn_finish(status, &diag);
}
