/* sotto-hq model predict: margins and probabilities of a table's rows, as CSV that scripts may rely on. */
#include "learn_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq model predict: scores the rows of a table\n"
    "\n"
    "  sotto-hq model predict model.sotto rows.csv --leaves > scores.csv\n"
    "\n"
    "  Standard output is CSV: row,margin,probability. Rows count from 0; both numbers are exact decimals.\n"
    "  A model of several classes has margin_0, margin_1, ..., probability_0, ...; where the margin is no\n"
    "  probability's (an amount, a count, a rank) there is no such column.\n"
    "  The table has a column for each feature, by name; an empty field is missing.\n"
    "\n"
    "  --dictionary FILE    the table holds tags instead: features are computed by the model's recipe\n"
    "  --leaves             leaf_0, leaf_1, ...: the leaf of each tree, as the source model numbers them\n"
    "  --why                bias and one column a tag (or feature): exact parts whose sum is the margin\n"
    "  --today DATE, --date-column NAME   the day of each row, for recipes with ages\n";

typedef struct predict_options {
    const char *model, *rows, *dictionary, *recipe, *today, *date_column;
    bool leaves, why;
} predict_options;

/* What is printed a row. */
typedef struct printing {
    const predict_options *options;
    const sotto_model *model;
    const sotto_dictionary *dictionary;
    const sotto_model_info *info;
    uint32_t *leaves;
    int64_t *parts;      /* one a feature */
    int64_t *group_sums; /* one a column */
    size_t *group_of;    /* feature -> column */
    size_t groups;
} printing;

static sotto_status parse(predict_options *o, int argc, char **argv, sotto_diag *diag)
{
    const char *positions[2] = {NULL, NULL};
    size_t count = 0;
    const learn_option options[] = {{"--dictionary", LEARN_TEXT, &o->dictionary, 0, 0},
                                    {"--recipe", LEARN_TEXT, &o->recipe, 0, 0},
                                    {"--today", LEARN_TEXT, &o->today, 0, 0},
                                    {"--date-column", LEARN_TEXT, &o->date_column, 0, 0},
                                    {"--leaves", LEARN_FLAG, &o->leaves, 0, 0},
                                    {"--why", LEARN_FLAG, &o->why, 0, 0}};
    sotto_status status =
        learn_parse_args(argc, argv, options, SOTTO_COUNT(options), positions, 2, &count, diag);
    o->model = positions[0];
    o->rows = positions[1];
    if (status == SOTTO_OK)
        status = learn_need(o->model, "the model's file", diag);
    return status == SOTTO_OK ? learn_need(o->rows, "the table's file", diag) : status;
}

/* What a person calls the thing behind a feature: the tag's id, or the feature's name. */
static const char *group_name(const printing *p, size_t feature)
{
    const sotto_feature *f = sotto_model_feature(p->model, feature);
    if (p->dictionary == NULL || f->source != SOTTO_SOURCE_TAG)
        return f->name;
    int tag = sotto_dictionary_find_number(p->dictionary, f->tag_number);
    return tag < 0 ? f->name : sotto_dictionary_at(p->dictionary, (size_t)tag)->id;
}

/* Features of one tag share a column, where the first of them stands. */
static void make_groups(printing *p)
{
    for (size_t i = 0; i < p->info->features; i++) {
        size_t k = 0;
        while (k < i && strcmp(group_name(p, k), group_name(p, i)) != 0)
            k++;
        p->group_of[i] = k < i ? p->group_of[k] : p->groups++;
    }
}

static void print_name(const char *name)
{
    if (strpbrk(name, ",\"\r\n") == NULL) {
        fputs(name, stdout);
        return;
    }
    putchar('"');
    for (; *name != '\0'; name++) {
        if (*name == '"')
            putchar('"');
        putchar(*name);
    }
    putchar('"');
}

static bool has_probability(const printing *p)
{
    return p->info->link == SOTTO_LINK_LOGISTIC || p->info->link == SOTTO_LINK_SOFTMAX ||
           p->info->link == SOTTO_LINK_PROBABILITY;
}

static void print_outputs(const printing *p, const char *name)
{
    if (p->info->outputs == 1)
        printf(",%s", name);
    for (size_t i = 0; p->info->outputs > 1 && i < p->info->outputs; i++)
        printf(",%s_%zu", name, i);
}

static void print_header(const printing *p)
{
    fputs("row", stdout);
    print_outputs(p, "margin");
    if (has_probability(p))
        print_outputs(p, "probability");
    for (size_t t = 0; p->options->leaves && t < p->info->trees; t++)
        printf(",leaf_%zu", t);
    size_t next = 0;
    if (p->options->why)
        fputs(",bias", stdout);
    for (size_t i = 0; p->options->why && i < p->info->features; i++) {
        if (p->group_of[i] != next)
            continue;
        putchar(',');
        print_name(group_name(p, i));
        next++;
    }
    putchar('\n');
}

static void print_q(int64_t v, unsigned q)
{
    char text[64];
    (void)sotto_fixed_format_q(v, q, text, sizeof text);
    putchar(',');
    fputs(text, stdout);
}

static void print_why(printing *p, const int32_t *keys)
{
    int64_t bias = 0;
    (void)sotto_model_why_q24(p->model, keys, &bias, p->parts);
    memset(p->group_sums, 0, p->groups * sizeof *p->group_sums);
    for (size_t i = 0; i < p->info->features; i++)
        p->group_sums[p->group_of[i]] += p->parts[i];
    print_q(bias, SOTTO_MODEL_SCALE_BITS);
    for (size_t g = 0; g < p->groups; g++)
        print_q(p->group_sums[g], SOTTO_MODEL_SCALE_BITS);
}

static void print_row(printing *p, size_t row, const int32_t *keys)
{
    int64_t margins[SOTTO_MODEL_OUTPUTS_MAX];
    uint32_t probabilities[SOTTO_MODEL_OUTPUTS_MAX];
    sotto_model_margins_q24(p->model, keys, margins);
    sotto_model_probabilities_q30(p->model, margins, probabilities);
    printf("%zu", row);
    for (size_t i = 0; i < p->info->outputs; i++)
        print_q(margins[i], SOTTO_MODEL_SCALE_BITS);
    for (size_t i = 0; has_probability(p) && i < p->info->outputs; i++)
        print_q(probabilities[i], 30);
    if (p->options->leaves) {
        sotto_model_leaves(p->model, keys, p->leaves);
        for (size_t t = 0; t < p->info->trees; t++)
            printf(",%" PRIu32, p->leaves[t]);
    }
    if (p->options->why)
        print_why(p, keys);
    putchar('\n');
}

static sotto_status print_table(printing *p, const learn_table *t, sotto_diag *diag)
{
    size_t features = p->info->features;
    p->leaves = calloc(p->info->trees, sizeof *p->leaves);
    p->parts = calloc(features, sizeof *p->parts);
    p->group_sums = calloc(features, sizeof *p->group_sums);
    p->group_of = calloc(features, sizeof *p->group_of);
    sotto_status status = SOTTO_OK;
    if (p->leaves == NULL || p->parts == NULL || p->group_sums == NULL || p->group_of == NULL) {
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
    } else {
        make_groups(p);
        print_header(p);
        for (size_t row = 0; row < t->rows; row++)
            print_row(p, row, t->keys + row * features);
        status = learn_flush(diag);
    }
    free(p->leaves);
    free(p->parts);
    free(p->group_sums);
    free(p->group_of);
    return status;
}

static sotto_status run(const predict_options *o, learn_input *in, sotto_diag *diag)
{
    sotto_status status = learn_input_read(in, o->dictionary, o->recipe, diag);
    if (status == SOTTO_OK)
        status = learn_input_model(in, o->model, diag);
    if (status != SOTTO_OK)
        return status;
    learn_table table;
    printing p = {.options = o, .model = in->model, .dictionary = in->dictionary};
    p.info = sotto_model_info_of(in->model);
    if (o->why && p.info->outputs > 1)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--why explains one margin; this model has %zu",
                              p.info->outputs);
    learn_plan plan = {.model = in->model,
                       .features = sotto_model_feature(in->model, 0),
                       .feature_count = p.info->features,
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
    predict_options o = {.model = NULL};
    if (learn_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = learn_input_init(&in, &diag);
    if (status == SOTTO_OK)
        status = run(&o, &in, &diag);
    learn_input_free(&in);
    return learn_finish(status, &diag);
}
