/* sotto-hq model features: the columns for training that a terminal computes. */
#include "learn/learn.h"
#include "office/args.h"

#include <math.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq model features: writes the columns for training that a terminal computes, as CSV\n"
    "\n"
    "  sotto-hq model features --data contacts.csv --dictionary dictionary.json --recipe recipe.json \\\n"
    "      --label taken > features.csv\n"
    "\n"
    "  --data FILE, --dictionary FILE, --recipe FILE   as for sotto-hq train; without --dictionary it is\n"
    "                                    dictionary.json in the recipe's folder\n"
    "  --label COLUMN, --positive WORD   a last column, 0 or 1\n"
    "  --names A,B,C                     the table has no header: these are its columns\n"
    "  --today DATE, --date-column NAME  the day of each row, for recipes with ages\n"
    "\n"
    "  Numbers have the digits that give the same float32 back; a missing value is an empty field.\n";

static void print_name(const char *name)
{
    bool plain = strpbrk(name, ",\"") == NULL;
    if (!plain)
        putchar('"');
    for (; *name != '\0'; name++)
        printf(*name == '"' ? "\"\"" : "%c", *name);
    if (!plain)
        putchar('"');
}

static void print_header(const learn_plan *plan)
{
    for (size_t i = 0; i < plan->feature_count; i++) {
        if (i > 0)
            putchar(',');
        print_name(plan->features[i].name);
    }
    if (plan->label != NULL) {
        putchar(',');
        print_name(plan->label);
    }
    putchar('\n');
}

/* Nine significant digits tell all float32 apart (IEEE 754-2008, 5.12.2). */
static void print_row(const learn_table *t, size_t row)
{
    for (size_t i = 0; i < t->features; i++) {
        float v = learn_key_float(t->keys[row * t->features + i]);
        if (i > 0)
            putchar(',');
        if (!isnan(v))
            printf("%.9g", (double)v);
    }
    if (t->labels != NULL)
        printf(",%d", t->labels[row]);
    putchar('\n');
}

static sotto_status run(const char *data, const learn_plan *plan, sotto_diag *diag)
{
    learn_table table;
    sotto_status status = learn_table_read(&table, plan, data, diag);
    if (status == SOTTO_OK)
        print_header(plan);
    for (size_t row = 0; status == SOTTO_OK && row < table.rows; row++)
        print_row(&table, row);
    learn_table_free(&table);
    return status == SOTTO_OK ? learn_flush(diag) : status;
}

int learn_cmd_features(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    learn_input in = {.memory = NULL};
    learn_plan plan = {.label = NULL};
    const char *data = NULL, *dictionary = NULL, *recipe = NULL;
    const hq_option options[] = {{"--data", HQ_TEXT, &data, true, 0, 0},
                                 {"--dictionary", HQ_TEXT, &dictionary, false, 0, 0},
                                 {"--recipe", HQ_TEXT, &recipe, true, 0, 0},
                                 {"--label", HQ_TEXT, &plan.label, false, 0, 0},
                                 {"--positive", HQ_TEXT, &plan.positive, false, 0, 0},
                                 {"--names", HQ_TEXT, &plan.names, false, 0, 0},
                                 {"--today", HQ_TEXT, &plan.today, false, 0, 0},
                                 {"--date-column", HQ_TEXT, &plan.date_column, false, 0, 0}};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = hq_parse(argc, argv, options, SOTTO_COUNT(options), &diag);
    if (status == SOTTO_OK)
        status = learn_input_init(&in, &diag);
    if (status == SOTTO_OK)
        status = learn_input_read(&in, dictionary, recipe, &diag);
    if (status == SOTTO_OK) {
        plan.features = in.recipe.features;
        plan.feature_count = in.recipe.count;
        plan.dictionary = in.dictionary;
        status = run(data, &plan, &diag);
    }
    learn_input_free(&in);
    return learn_finish(status, &diag);
}
