/* sotto-hq model predict: margins and probabilities of a table's rows, as CSV that scripts may rely on. */
#include "learn/learn.h"
#include "office/args.h"

#include "sotto/predict.h"

static const char HELP[] =
    "sotto-hq model predict: scores the rows of a table\n"
    "\n"
    "  sotto-hq model predict model.sotto rows.csv --leaves > scores.csv\n"
    "\n"
    "  Standard output is CSV: row,margin,probability. Rows count from 0; both numbers are exact\n"
    "  decimals.\n"
    "  A model of several classes has margin_0, margin_1, ..., probability_0, ...; where the margin is no\n"
    "  probability's (an amount, a count, a rank) there is no such column.\n"
    "  The table has a column for each feature, by name; an empty field is missing.\n"
    "\n"
    "  --dictionary FILE    the table holds tags instead: features are computed by the model's recipe\n"
    "  --leaves             leaf_0, leaf_1, ...: the leaf of each tree, as the source model numbers them\n"
    "  --why                bias and one column a tag (or feature): exact parts whose sum is the margin\n"
    "  --class K            with --why: explains output K only; else every output has its own columns\n"
    "  --names A,B,C        the table has no header: these are its columns\n"
    "  --today DATE, --date-column NAME   the day of each row, for recipes with ages\n";

typedef struct predict_options {
    const char *model, *rows, *dictionary, *recipe, *today, *date_column, *names;
    int64_t class; /* -1: all */
    bool leaves, why;
} predict_options;

static sotto_status parse(predict_options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option options[] = {{"the model's file", HQ_POSITION, &o->model, true, 0, 0},
                                 {"the table's file", HQ_POSITION, &o->rows, true, 0, 0},
                                 {"--dictionary", HQ_TEXT, &o->dictionary, false, 0, 0},
                                 {"--recipe", HQ_TEXT, &o->recipe, false, 0, 0},
                                 {"--today", HQ_TEXT, &o->today, false, 0, 0},
                                 {"--date-column", HQ_TEXT, &o->date_column, false, 0, 0},
                                 {"--names", HQ_TEXT, &o->names, false, 0, 0},
                                 {"--class", HQ_NUMBER, &o->class, false, 0, SOTTO_MODEL_OUTPUTS_MAX - 1},
                                 {"--leaves", HQ_FLAG, &o->leaves, false, 0, 0},
                                 {"--why", HQ_FLAG, &o->why, false, 0, 0}};
    return hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
}

static sotto_status print_text(sotto_vec *text, size_t least, sotto_diag *diag)
{
    if (text->len < least)
        return SOTTO_OK;
    size_t written = fwrite(text->ptr, 1, text->len, stdout);
    sotto_status status = written == text->len ? SOTTO_OK : learn_flush(diag);
    text->len = 0;
    return status;
}

static sotto_status print_table(const sotto_predict *p, const learn_table *t, sotto_diag *diag)
{
    enum { PIECE = 1 << 16 };
    sotto_vec text;
    sotto_vec_init(&text, 1 << 24);
    sotto_status status = sotto_predict_header(p, &text);
    for (size_t row = 0; status == SOTTO_OK && row < t->rows; row++) {
        status = sotto_predict_row(p, row, t->keys + row * t->features, &text);
        if (status == SOTTO_OK)
            status = print_text(&text, PIECE, diag);
    }
    if (status == SOTTO_OK)
        status = print_text(&text, 1, diag);
    sotto_vec_free(&text);
    return status == SOTTO_OK ? learn_flush(diag) : status;
}

static sotto_status run(const predict_options *o, learn_input *in, sotto_diag *diag)
{
    sotto_status status = learn_input_read(in, o->dictionary, o->recipe, diag);
    if (status == SOTTO_OK)
        status = learn_input_model(in, o->model, diag);
    if (status != SOTTO_OK)
        return status;
    learn_table table;
    sotto_predict p;
    sotto_predict_options options = {.dictionary = in->dictionary,
                                     .leaves = o->leaves,
                                     .why = o->why,
                                     .why_output = o->class < 0 ? SOTTO_PREDICT_ALL : (size_t)o->class};
    status = sotto_predict_init(&p, in->model, &options, &in->arena, diag);
    if (status != SOTTO_OK)
        return status;
    learn_plan plan = {.model = in->model,
                       .features = sotto_model_feature(in->model, 0),
                       .feature_count = sotto_model_info_of(in->model)->features,
                       .names = o->names,
                       .dictionary = in->dictionary,
                       .today = o->today,
                       .date_column = o->date_column};
    status = learn_table_read(&table, &plan, o->rows, diag);
    if (status == SOTTO_OK)
        status = print_table(&p, &table, diag);
    learn_table_free(&table);
    return status;
}

int learn_cmd_predict(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    learn_input in = {.memory = NULL};
    predict_options o = {.class = -1};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = learn_input_init(&in, &diag);
    if (status == SOTTO_OK)
        status = run(&o, &in, &diag);
    learn_input_free(&in);
    return learn_finish(status, &diag);
}
