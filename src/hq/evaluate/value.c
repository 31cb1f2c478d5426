/* sotto-hq value: who will buy again and for how much, fitted on one period and judged on the next. */
#include "commands.h"
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq value: who will buy again and for how much, fitted on one period and judged on the next\n"
    "\n"
    "  sotto-hq value CDNOW_sample.txt.xz\n"
    "  sotto-hq value buys.csv --customer id --date day --value amount --until 2026-06-30\n"
    "\n"
    "  FILE             lines of customer, [another number,] yyyymmdd, pieces, value; or a table with a\n"
    "                   header when its name has .csv; also .xz. Buys of one day are one\n"
    "  --customer COLUMN (customer)  --date COLUMN (date)  --value COLUMN (value)   of a table\n"
    "  --until DATE     last day of the first period (the middle of the file's days)\n"
    "  --bootstrap N (1000)  --seed N (1)  --confidence PERCENT (95)  --json\n"
    "\n"
    "Two steps: buys by BG/NBD, value of a buy by gamma-gamma. Needs NLopt when sotto-hq is built.\n";

enum { BUYS, SPEND, QUANTITIES };
enum { TWO_STEPS, SAME, REPEAT, METHODS };
enum { TOTAL, MEAN_ERROR, SQUARE_ERROR, ERRORS };
enum { ALONE = QUANTITIES * METHODS * ERRORS, FIGURES = ALONE + QUANTITIES * (METHODS - 1) };
enum { BGNBD = 4, GAMMA = 3 };

typedef struct options {
    const char *file, *customer, *date, *value, *until;
    bool json;
    eval_chance chance;
} options;

typedef struct report {
    const options *o;
    sotto_vec buys; /* eval_buy */
    int32_t until, last;
    double weeks;
    eval_customer *customer;
    size_t customers, repeaters;
    eval_buyer *buyer; /* copies, as the likelihoods want them */
    double bgnbd[BGNBD], gamma[GAMMA];
    double bgnbd_best, gamma_best;
    eval_interval bgnbd_interval[BGNBD], gamma_interval[GAMMA];
    double *predicted;         /* customers x QUANTITIES x METHODS */
    double actual[QUANTITIES]; /* totals */
    eval_figure figure[FIGURES];
} report;

static const char *const BGNBD_NAMES[BGNBD] = {"r", "alpha", "a", "b"};
static const char *const GAMMA_NAMES[GAMMA] = {"p", "q", "v"};
static const char *const QUANTITY_NAMES[QUANTITIES] = {"buys", "spend"};
static const char *const METHOD_NAMES[METHODS] = {"two_steps", "same_as_before", "same_repeat_buys"};
static const char *const METHOD_WORDS[METHODS] = {"two steps", "same as before",
                                                  "same, without the first buy"};
static const char *const LESS_NAMES[METHODS - 1] = {"mean_error_less_than_same",
                                                    "mean_error_less_than_same_repeat"};
static const char *const LESS_WORDS[METHODS - 1] = {"less error than the same as before",
                                                    "less error than the same, without the first"};
static const char *const ERROR_NAMES[ERRORS] = {"total", "mean_absolute_error", "root_mean_square_error"};
static const char *const ERROR_WORDS[ERRORS] = {"total of the second period", "mean absolute error",
                                                "root mean square error"};

static sotto_status parse(options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option table[] = {
        {"a file", HQ_POSITION, &o->file, true, 0, 0},

        {"--customer", HQ_TEXT, &o->customer, false, 0, 0}, {"--date", HQ_TEXT, &o->date, false, 0, 0},
        {"--value", HQ_TEXT, &o->value, false, 0, 0},       {"--until", HQ_TEXT, &o->until, false, 0, 0},
        {"--json", HQ_FLAG, &o->json, false, 0, 0},         EVAL_CHANCE_OPTIONS(&o->chance)};
    return hq_parse(argc, argv, table, SOTTO_COUNT(table), diag);
}

static sotto_status put_rows(report *r, const eval_column *c, size_t rows, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < rows; i++) {
        eval_buy buy = {.customer = c[0].code[i], .value = c[2].number[i]};
        if (!eval_day(sotto_span_str(eval_words_at(c[1].words, c[1].code[i])), &buy.day) || buy.value < 0)
            return sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), r->o->file, 0,
                                 "row %zu: the date must be YYYY-MM-DD or yyyymmdd, the value not below 0",
                                 i + 1);
        status = sotto_vec_put(&r->buys, &buy, sizeof buy);
    }
    return status;
}

static sotto_status read_table(report *r, sotto_diag *diag)
{
    eval_column c[] = {{.name = r->o->customer, .kind = EVAL_CODE},
                       {.name = r->o->date, .kind = EVAL_CODE},
                       {.name = r->o->value, .kind = EVAL_NUMBER}};
    size_t rows = 0;
    sotto_status status = eval_table_read(c, SOTTO_COUNT(c), r->o->file, &rows, diag);
    if (status == SOTTO_OK)
        status = put_rows(r, c, rows, diag);
    eval_table_free(c, SOTTO_COUNT(c));
    return status;
}

static sotto_status read_lines(report *r, sotto_diag *diag)
{
    sotto_vec text;
    sotto_status status = learn_read_file(r->o->file, &text, diag);
    if (status == SOTTO_OK)
        status = eval_buys_parse(sotto_vec_span(&text), r->o->file, &r->buys, diag);
    sotto_vec_free(&text);
    return status;
}

static size_t count_buys(const report *r)
{
    return r->buys.len / sizeof(eval_buy);
}

static sotto_status find_periods(report *r, sotto_diag *diag)
{
    const eval_buy *buys = (const eval_buy *)(const void *)r->buys.ptr;
    int32_t first = INT32_MAX, last = INT32_MIN;
    for (size_t i = 0; i < count_buys(r); i++) {
        first = buys[i].day < first ? buys[i].day : first;
        last = buys[i].day > last ? buys[i].day : last;
    }
    if (first >= last)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), r->o->file, 0,
                             "buys of two days are needed at least");
    r->until = first + (last - first) / 2;
    if (r->o->until != NULL && !eval_day(sotto_span_str(r->o->until), &r->until))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--until must be a date YYYY-MM-DD");
    if (r->until < first || r->until >= last)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "--until must leave buys before and after it");
    r->last = last;
    r->weeks = (last - r->until) / 7.0;
    return SOTTO_OK;
}

static sotto_status make_customers(report *r, sotto_diag *diag)
{
    sotto_status status = eval_customers((eval_buy *)(void *)r->buys.ptr, count_buys(r), r->until,
                                         &r->customer, &r->customers, diag);
    if (status != SOTTO_OK)
        return status;
    r->buyer = eval_array(r->customers, sizeof *r->buyer, diag);
    r->predicted = eval_array(r->customers * QUANTITIES * METHODS, sizeof *r->predicted, diag);
    if (r->buyer == NULL || r->predicted == NULL)
        return diag->status;
    for (size_t i = 0; i < r->customers; i++) {
        r->buyer[i] = r->customer[i].buyer;
        r->repeaters += r->buyer[i].x > 0 && r->buyer[i].mean > 0;
        r->actual[BUYS] += r->customer[i].later_buys;
        r->actual[SPEND] += r->customer[i].later_spend;
    }
    if (r->repeaters < 10)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), r->o->file, 0,
                             "only %zu customers bought twice in the first period: too few to fit",
                             r->repeaters);
    return SOTTO_OK;
}

static double bgnbd_at(const double *x, size_t n, void *ctx)
{
    const report *r = ctx;
    eval_bgnbd m = {x[0], x[1], x[2], x[n - 1]};
    return eval_bgnbd_log_likelihood(&m, r->buyer, r->customers);
}

static double gamma_at(const double *x, size_t n, void *ctx)
{
    const report *r = ctx;
    eval_spend m = {x[0], x[1], x[n - 1]};
    return eval_spend_log_likelihood(&m, r->buyer, r->customers);
}

static sotto_status fit(report *r, sotto_diag *diag)
{
    double z = eval_z(r->o->chance.confidence);
    for (size_t i = 0; i < BGNBD; i++)
        r->bgnbd[i] = 1;
    r->gamma[0] = r->gamma[1] = 2;
    r->gamma[2] = 10;
    sotto_status status = eval_fit(bgnbd_at, r, r->bgnbd, BGNBD, &r->bgnbd_best, diag);
    if (status == SOTTO_OK)
        status = eval_fit(gamma_at, r, r->gamma, GAMMA, &r->gamma_best, diag);
    if (status != SOTTO_OK)
        return status;
    eval_curvature(bgnbd_at, r, r->bgnbd, BGNBD, z, r->bgnbd_interval);
    eval_curvature(gamma_at, r, r->gamma, GAMMA, z, r->gamma_interval);
    return SOTTO_OK;
}

static double *predicted_of(const report *r, size_t customer, size_t quantity)
{
    return r->predicted + (customer * QUANTITIES + quantity) * METHODS;
}

static void predict(report *r)
{
    eval_bgnbd m = {r->bgnbd[0], r->bgnbd[1], r->bgnbd[2], r->bgnbd[3]};
    eval_spend g = {r->gamma[0], r->gamma[1], r->gamma[2]};
    for (size_t i = 0; i < r->customers; i++) {
        const eval_customer *c = &r->customer[i];
        double *buys = predicted_of(r, i, BUYS), *spend = predicted_of(r, i, SPEND);
        buys[TWO_STEPS] = eval_bgnbd_expected(&m, &c->buyer, r->weeks);
        buys[SAME] = c->buyer.x + 1;
        buys[REPEAT] = c->buyer.x;
        spend[TWO_STEPS] = buys[TWO_STEPS] * eval_spend_expected(&g, &c->buyer);
        spend[SAME] = c->spend;
        spend[REPEAT] = c->repeat;
    }
}

/* Differences are of the same customers: surer than the two errors' own intervals make them look. */
static void errors(void *ctx, const double *weight, double *out)
{
    const report *r = ctx;
    double n = 0;
    memset(out, 0, FIGURES * sizeof *out);
    for (size_t i = 0; i < r->customers; i++) {
        n += weight[i];
        for (size_t k = 0; k < QUANTITIES * METHODS && weight[i] > 0; k++) {
            const eval_customer *c = &r->customer[i];
            double told = r->predicted[i * QUANTITIES * METHODS + k];
            double off = told - (k / METHODS == BUYS ? c->later_buys : c->later_spend);
            out[k * ERRORS + TOTAL] += weight[i] * told;
            out[k * ERRORS + MEAN_ERROR] += weight[i] * fabs(off);
            out[k * ERRORS + SQUARE_ERROR] += weight[i] * off * off;
        }
    }
    for (size_t k = 0; k < QUANTITIES * METHODS; k++) {
        out[k * ERRORS + MEAN_ERROR] /= n;
        out[k * ERRORS + SQUARE_ERROR] = sqrt(out[k * ERRORS + SQUARE_ERROR] / n);
    }
    for (size_t i = ALONE; i < FIGURES; i++) {
        size_t two_steps = (i - ALONE) / (METHODS - 1) * METHODS,
               other = two_steps + 1 + (i - ALONE) % (METHODS - 1);
        out[i] = out[other * ERRORS + MEAN_ERROR] - out[two_steps * ERRORS + MEAN_ERROR];
    }
}

static sotto_status judge(report *r, sotto_diag *diag)
{
    for (size_t i = 0; i < ALONE; i++)
        r->figure[i] = (eval_figure){.name = ERROR_NAMES[i % ERRORS], .text = ERROR_WORDS[i % ERRORS]};
    for (size_t i = 0; i < FIGURES - ALONE; i++)
        r->figure[ALONE + i] =
            (eval_figure){.name = LESS_NAMES[i % (METHODS - 1)], .text = LESS_WORDS[i % (METHODS - 1)]};
    eval_sample sample = {.units = r->customers, .statistic = errors, .ctx = r};
    predict(r);
    return eval_bootstrap(&sample, &r->o->chance, r->figure, FIGURES, diag);
}

static void fill_model(sotto_json_writer *w, const char *name, const char *const *names, const double *x,
                       const eval_interval *interval, size_t n, double best)
{
    sotto_json_name(w, name);
    sotto_json_obj(w);
    learn_json_real(w, "log_likelihood", best, 6);
    sotto_json_name(w, "at_bound");
    sotto_json_bool(w, eval_at_bound(x, n));
    for (size_t i = 0; i < n; i++)
        eval_json(w, &(eval_figure){.name = names[i], .value = x[i], .interval = interval[i]});
    sotto_json_obj_end(w);
}

static void fill_quantity(sotto_json_writer *w, const report *r, size_t quantity)
{
    sotto_json_name(w, QUANTITY_NAMES[quantity]);
    sotto_json_obj(w);
    learn_json_real(w, "actual", r->actual[quantity], 4);
    for (size_t m = 0; m < METHODS; m++) {
        sotto_json_name(w, METHOD_NAMES[m]);
        sotto_json_obj(w);
        for (size_t e = 0; e < ERRORS; e++)
            eval_json(w, &r->figure[(quantity * METHODS + m) * ERRORS + e]);
        sotto_json_obj_end(w);
    }
    for (size_t i = 0; i < METHODS - 1; i++)
        eval_json(w, &r->figure[ALONE + quantity * (METHODS - 1) + i]);
    sotto_json_obj_end(w);
}

static void format_day(int32_t day, char out[static 11])
{
    char text[21];
    sotto_time_format((int64_t)day * 86400, text);
    memcpy(out, text, 10);
    out[10] = '\0';
}

static void fill(sotto_json_writer *w, const void *ctx)
{
    const report *r = ctx;
    char until[11];
    format_day(r->until, until);
    eval_json_str(w, "kind", "value");
    eval_json_u64(w, "buys", count_buys(r));
    eval_json_u64(w, "customers", r->customers);
    eval_json_u64(w, "repeat_buyers", r->repeaters);
    eval_json_str(w, "until", until);
    learn_json_real(w, "weeks_after", r->weeks, 4);
    learn_json_real(w, "confidence_percent", r->o->chance.confidence, 2);
    fill_model(w, "bg_nbd", BGNBD_NAMES, r->bgnbd, r->bgnbd_interval, BGNBD, r->bgnbd_best);
    fill_model(w, "gamma_gamma", GAMMA_NAMES, r->gamma, r->gamma_interval, GAMMA, r->gamma_best);
    sotto_json_name(w, "second_period");
    sotto_json_obj(w);
    for (size_t quantity = 0; quantity < QUANTITIES; quantity++)
        fill_quantity(w, r, quantity);
    sotto_json_obj_end(w);
}

static void tell_model(const char *words, const char *const *names, const double *x,
                       const eval_interval *interval, size_t n, double best)
{
    printf("%s: log-likelihood %.1f\n", words, best);
    for (size_t i = 0; i < n; i++)
        eval_tell(&(eval_figure){.text = names[i], .value = x[i], .interval = interval[i]});
    if (eval_at_bound(x, n))
        printf("  a parameter ran to its bound: these data do not tell it\n");
}

static void tell_quantity(const report *r, size_t quantity)
{
    printf("%s in the second period: %.0f\n", QUANTITY_NAMES[quantity], r->actual[quantity]);
    for (size_t m = 0; m < METHODS; m++) {
        printf("  %s\n", METHOD_WORDS[m]);
        for (size_t e = 0; e < ERRORS; e++)
            eval_tell(&r->figure[(quantity * METHODS + m) * ERRORS + e]);
    }
    for (size_t i = 0; i < METHODS - 1; i++)
        eval_tell(&r->figure[ALONE + quantity * (METHODS - 1) + i]);
}

static sotto_status tell(const report *r, sotto_diag *diag)
{
    char until[11], last[11], buys[32], customers[32];
    if (r->o->json)
        return eval_json_report(fill, r, diag);
    format_day(r->until, until);
    format_day(r->last, last);
    printf("%s buys; %s customers who came until %s, %zu of them again; judged on the %.1f weeks to %s\n",
           learn_grouped(count_buys(r), buys), learn_grouped(r->customers, customers), until, r->repeaters,
           r->weeks, last);
    tell_model("will buy (BG/NBD)", BGNBD_NAMES, r->bgnbd, r->bgnbd_interval, BGNBD, r->bgnbd_best);
    tell_model("how much (gamma-gamma)", GAMMA_NAMES, r->gamma, r->gamma_interval, GAMMA, r->gamma_best);
    for (size_t quantity = 0; quantity < QUANTITIES; quantity++)
        tell_quantity(r, quantity);
    return learn_flush(diag);
}

static sotto_status run(report *r, sotto_diag *diag)
{
    bool table = strstr(r->o->file, ".csv") != NULL;
    sotto_status status = table ? read_table(r, diag) : read_lines(r, diag);
    if (status == SOTTO_OK)
        status = find_periods(r, diag);
    if (status == SOTTO_OK)
        status = make_customers(r, diag);
    if (status == SOTTO_OK)
        status = fit(r, diag);
    if (status == SOTTO_OK)
        status = judge(r, diag);
    return status == SOTTO_OK ? tell(r, diag) : status;
}

int hq_cmd_value(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    options o = {.customer = "customer", .date = "date", .value = "value", .chance = EVAL_CHANCE_DEFAULT};
    report r = {.o = &o};
    sotto_vec_init(&r.buys, SIZE_MAX / 4);
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = run(&r, &diag);
    sotto_vec_free(&r.buys);
    free(r.customer);
    free(r.buyer);
    free(r.predicted);
    return learn_finish(status, &diag);
}
