/* sotto-hq model report: one page that says what a model is, how good it is, and what becoming integers cost.
 */
#include "report/report.h"

#include <stdlib.h>

static const char HELP[] =
    "sotto-hq model report: one HTML page that judges a compiled model; it reads nothing from a network\n"
    "\n"
    "  A model that answers yes or no is judged by its order and its probabilities; one of several\n"
    "  classes by its confusions (labels are the classes' numbers, from 0); amounts, counts and ranks\n"
    "  by their error, tenth by tenth; clusters by their sizes and distances, without a label.\n"
    "\n"
    "  sotto-hq model report model.sotto contacts.csv --dictionary dictionary.json --source model.json \\\n"
    "      --time-column date --known-column known -o report.html\n"
    "\n"
    "  --source FILE        the trained model's own file: leaves, margins and scales are compared with it\n"
    "  --dictionary FILE    the table holds tags: features are computed by the model's recipe\n"
    "  --label COLUMN, --positive WORD, --split random|time|all, --holdout PERCENT, --seed N\n"
    "                       which rows are judged; known from the model when sotto-hq trained it.\n"
    "                       Without a split (or with all): every row of the table\n"
    "  --today DATE, --date-column NAME   the day of each row, for recipes with ages\n"
    "  --output K           of a model of several amounts: which one is judged (0)\n"
    "  --time-column NAME   parts in order of this column: dates YYYY-MM-DD, or numbers\n"
    "  --known-column NAME  groups by this column, at most 12: known and new customers\n"
    "  --contacts PERCENT (38)  --reach PERCENT (80)   the sentence about contacts and buyers\n"
    "  --bins N (10)  --confidence PERCENT (95)\n"
    "  --instructions FILE  what tests/bench/count.sh printed for this model; else they are estimated\n"
    "  -o FILE              where the page goes; may be left out with --json\n"
    "  --json               the same figures as JSON, on standard output\n";

static sotto_status parse(report_options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option options[] = {{"the model's file", HQ_POSITION, &o->model, true, 0, 0},
                                 {"the table's file", HQ_POSITION, &o->table, true, 0, 0},
                                 {"--source", HQ_TEXT, &o->source, false, 0, 0},
                                 {"--dictionary", HQ_TEXT, &o->dictionary, false, 0, 0},
                                 {"--label", HQ_TEXT, &o->label, false, 0, 0},
                                 {"--positive", HQ_TEXT, &o->positive, false, 0, 0},
                                 {"--split", HQ_TEXT, &o->split, false, 0, 0},
                                 {"--output", HQ_NUMBER, &o->output, false, 0, SOTTO_MODEL_OUTPUTS_MAX - 1},
                                 {"--holdout", HQ_NUMBER, &o->holdout, false, 0, 90},
                                 {"--seed", HQ_NUMBER, &o->seed, false, 0, INT32_MAX},
                                 {"--today", HQ_TEXT, &o->today, false, 0, 0},
                                 {"--date-column", HQ_TEXT, &o->date_column, false, 0, 0},
                                 {"--time-column", HQ_TEXT, &o->time_column, false, 0, 0},
                                 {"--known-column", HQ_TEXT, &o->known_column, false, 0, 0},
                                 {"--contacts", HQ_REAL, &o->contacts, false, 0.1, 100},
                                 {"--reach", HQ_REAL, &o->reach, false, 0.1, 100},
                                 {"--bins", HQ_NUMBER, &o->bins, false, 1, REPORT_BINS_MAX},
                                 {"--confidence", HQ_REAL, &o->confidence, false, 50, 99.99},
                                 {"--instructions", HQ_TEXT, &o->instructions, false, 0, 0},
                                 {"-o", HQ_TEXT, &o->out, false, 0, 0},
                                 {"--json", HQ_FLAG, &o->json, false, 0, 0}};
    sotto_status status = hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
    return status == SOTTO_OK && !o->json ? hq_need(o->out, "-o FILE", diag) : status;
}

/* What a model's answers are, by its kind and link. */
static enum report_kind kind_of(const sotto_model_info *info)
{
    bool probability = info->link == SOTTO_LINK_LOGISTIC || info->link == SOTTO_LINK_PROBABILITY;
    if (info->kind == SOTTO_MODEL_CLUSTERS)
        return REPORT_CLUSTERS;
    if (info->outputs > 1 && (probability || info->link == SOTTO_LINK_SOFTMAX))
        return REPORT_CLASSES;
    return probability ? REPORT_YES_NO : REPORT_AMOUNT;
}

static const char *unit_of(const report *r)
{
    if (r->kind == REPORT_CLUSTERS)
        return "squared distance";
    switch (r->info->link) {
    case SOTTO_LINK_LOGISTIC:
    case SOTTO_LINK_SOFTMAX:
        return "log-odds";
    case SOTTO_LINK_PROBABILITY:
        return "probability";
    case SOTTO_LINK_EXP:
        return "logarithm of the amount";
    case SOTTO_LINK_IDENTITY:
    case SOTTO_LINK_VALUE:
    case SOTTO_LINK_VALUE_EXP:
    default:
        return "amount";
    }
}

static sotto_status choose_kind(report *r, sotto_diag *diag)
{
    r->kind = kind_of(r->info);
    r->unit = unit_of(r);
    r->output = r->o->output < 0 ? 0 : (size_t)r->o->output;
    if (r->output >= r->info->outputs || (r->o->output >= 0 && r->kind != REPORT_AMOUNT))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                              "--output names one of several amounts; this model has no output %zu to choose",
                              r->output);
    if (r->kind == REPORT_YES_NO || (r->o->time_column == NULL && r->o->known_column == NULL))
        return SOTTO_OK;
    return sotto_diag_set(
        diag, SOTTO_ERR(HQ, UNSUPPORTED),
        "parts by --time-column and --known-column are judged for models that answer yes or no");
}

static sotto_status read_model(report *r, learn_input *in, sotto_diag *diag)
{
    sotto_status status = learn_input_read(in, r->o->dictionary, NULL, diag);
    if (status == SOTTO_OK)
        status = learn_input_model(in, r->o->model, diag);
    if (status != SOTTO_OK)
        return status;
    r->model = in->model;
    r->info = sotto_model_info_of(in->model);
    r->dictionary = in->dictionary;
    return choose_kind(r, diag);
}

static sotto_status write_page(const report *r, sotto_diag *diag)
{
    page p;
    if (r->o->out == NULL)
        return SOTTO_OK;
    sotto_status status = report_page(r, &p, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(r->o->out, sotto_vec_span(&p.html), 0644, diag);
    page_free(&p);
    return status;
}

static sotto_status tell(const report *r, sotto_diag *diag)
{
    char rows[128];
    if (r->o->json)
        return eval_json_report(report_json, r, diag);
    report_rows_name(r, rows, sizeof rows);
    printf("%s: judged on %s\n", r->o->out, rows);
    if (r->kind != REPORT_YES_NO)
        report_other_say(r);
    else
        printf("  AUC %.4f [%.4f, %.4f]; %.3g %% of contacts reach %.1f %% of the buyers, %.1f %% reach %.3g "
               "%%\n",
               r->auc, r->auc_interval.low, r->auc_interval.high, r->o->contacts, 100 * r->reached,
               100 * r->share_for_reach, r->o->reach);
    if (!page_has_plots())
        printf("  (tables only: this sotto-hq was built without the plot library)\n");
    return learn_flush(diag);
}

static sotto_status run(report *r, learn_input *in, sotto_diag *diag)
{
    sotto_status status = read_model(r, in, diag);
    if (status == SOTTO_OK)
        status = report_rows(r, diag);
    if (status == SOTTO_OK)
        status = r->kind == REPORT_YES_NO ? report_curves(r, diag) : report_other(r, diag);
    if (status == SOTTO_OK)
        status = report_exact(r, diag);
    if (status == SOTTO_OK)
        status = report_counts(r, diag);
    if (status == SOTTO_OK)
        status = write_page(r, diag);
    return status == SOTTO_OK ? tell(r, diag) : status;
}

int report_cmd(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    learn_input in = {.memory = NULL};
    report_options o = {
        .output = -1, .holdout = -1, .seed = -1, .bins = 10, .reach = 80, .contacts = 38, .confidence = 95};
    if (hq_help(argc, argv, HELP))
        return 0;
    report *r = eval_array(1, sizeof *r, &diag);
    sotto_status status = r == NULL ? diag.status : parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = learn_input_init(&in, &diag);
    if (status == SOTTO_OK) {
        r->o = &o;
        status = run(r, &in, &diag);
    }
    if (r != NULL)
        report_rows_free(r);
    if (r != NULL)
        report_other_free(r);
    free(r);
    learn_input_free(&in);
    return learn_finish(status, &diag);
}
