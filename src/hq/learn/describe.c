/* sotto-hq describe: a dictionary and a recipe from any table with a label. */
#include "commands.h"
#include "learn/infer.h"
#include "office/args.h"

#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq describe: infers a dictionary and a recipe from any table with a label\n"
    "\n"
    "  sotto-hq describe bank-additional-full.csv.xz --label y --drop duration -o out\n"
    "\n"
    "  -o FOLDER            dictionary.json, recipe.json and describe.json go there\n"
    "  --label COLUMN       what is to be predicted: two values\n"
    "  --positive WORD      the value that counts as yes (yes, true, 1, else the rarer one)\n"
    "  --drop COLUMN        a column that must not be used; may stand again\n"
    "  --customer COLUMN    the customer's number: no tag\n"
    "  --json               what was made of each column, as JSON\n"
    "\n"
    "  Whole numbers become counts, decimals amounts, yes/no flags, dates dates, up to 256 different\n"
    "  texts a choice; an empty field is missing; a word such as \"unknown\" is a choice like the others.\n"
    "  The rest is dropped, and it is said why.\n";

typedef struct describe_options {
    const char *data, *label, *positive, *customer, *out;
    hq_list drop;
    bool json;
} describe_options;

static sotto_status parse(describe_options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option options[] = {{"the table's file", HQ_POSITION, &o->data, true, 0, 0},
                                 {"--label", HQ_TEXT, &o->label, true, 0, 0},
                                 {"--positive", HQ_TEXT, &o->positive, false, 0, 0},
                                 {"--customer", HQ_TEXT, &o->customer, false, 0, 0},
                                 {"--drop", HQ_LIST, &o->drop, false, 0, 0},
                                 {"-o", HQ_TEXT, &o->out, true, 0, 0},
                                 {"--json", HQ_FLAG, &o->json, false, 0, 0}};
    return hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
}

/* A header names columns; a first line with numbers in it is a row already. */
static sotto_status check_header(const sotto_csv *csv, sotto_diag *diag)
{
    int32_t key;
    for (size_t i = 0; i < csv->columns; i++)
        if (csv->field[i].len > 0 && csv->field[i].len < 64) {
            sotto_span name = csv->field[i];
            while (name.len > 0 && name.ptr[0] == ' ')
                name = sotto_span_of(name.ptr + 1, name.len - 1);
            if (name.len > 0 && learn_field_key(NULL, 0, name, &key))
                return sotto_diag_at(
                    diag, SOTTO_ERR(HQ, MALFORMED), csv->name, 1,
                    "the first line is not a header: column %zu is called by a number; put a line "
                    "with the columns' names before it",
                    i + 1);
        }
    return SOTTO_OK;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static sotto_status name_column(const sotto_csv *csv, learn_description *d, size_t i, sotto_diag *diag)
{
    learn_column *c = &d->columns[i];
    if (csv->field[i].len == 0 || sotto_span_to_str(csv->field[i], c->name, 129) != SOTTO_OK ||
        has_control(c->name))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), csv->name, 1,
                             "the name of column %zu must have 1 to 128 bytes and no control characters",
                             i + 1);
    learn_column_id(csv->field[i], c->id);
    for (size_t k = 0; k < i; k++)
        if (strcmp(d->columns[k].id, c->id) == 0)
            return sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), csv->name, 1,
                                 "columns %s and %s would both be tag %s", d->columns[k].name, c->name,
                                 c->id);
    return SOTTO_OK;
}

static sotto_status name_columns(const sotto_csv *csv, learn_description *d, sotto_diag *diag)
{
    sotto_status status = check_header(csv, diag);
    d->columns = calloc(csv->columns, sizeof *d->columns);
    if (d->columns == NULL)
        return hq_no_memory(diag);
    d->count = csv->columns;
    for (size_t i = 0; status == SOTTO_OK && i < d->count; i++)
        status = name_column(csv, d, i, diag);
    return status;
}

static sotto_status read_rows(sotto_csv *csv, learn_description *d, sotto_diag *diag)
{
    bool more = true;
    for (;;) {
        sotto_status status = sotto_csv_next(csv, &more, diag);
        if (status != SOTTO_OK || !more)
            return status;
        for (size_t i = 0; status == SOTTO_OK && i < d->count; i++)
            status = learn_column_add(&d->columns[i], csv->field[i], diag);
        if (status != SOTTO_OK)
            return status;
        d->rows++;
    }
}

static int find_column(const learn_description *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static sotto_status demand_column(const learn_description *d, const char *name, const char *file, size_t *out,
                                  sotto_diag *diag)
{
    int i = find_column(d, name);
    if (i < 0)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), file, 1, "the table has no column %s", name);
    *out = (size_t)i;
    return SOTTO_OK;
}

/* The word that counts as yes: the one given, yes, true or 1, else the rarer of the two. */
static size_t choose_positive(const learn_column *c, const char *given)
{
    uint8_t yes = 0;
    for (size_t i = 0; i < c->word_count; i++)
        if (given != NULL ? strcmp(c->words[i], given) == 0
                          : learn_field_label(sotto_span_str(c->words[i]), NULL, &yes) && yes)
            return i;
    if (given != NULL)
        return c->word_count;
    return c->counts[0] <= c->counts[1] ? 0 : 1;
}

static sotto_status take_label(learn_description *d, const describe_options *o, sotto_diag *diag)
{
    sotto_status status = demand_column(d, o->label, o->data, &d->label, diag);
    if (status != SOTTO_OK)
        return status;
    learn_column *c = &d->columns[d->label];
    if (c->empty > 0)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), o->data, 0, "the label %s is empty in %zu rows",
                             c->name, c->empty);
    if (c->word_count < 2 || (c->word_count != 2 && o->positive == NULL))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), o->data, 0,
                             "the label %s has %s%zu values: two are needed, or --positive", c->name,
                             c->too_many ? "more than " : "", c->word_count - c->too_many);
    size_t positive = choose_positive(c, o->positive);
    if (positive == c->word_count || strlen(c->words[positive]) > WORD_BYTES_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), o->data, 0, "no row has the label %.64s",
                             o->positive);
    (void)snprintf(d->positive, sizeof d->positive, "%s", c->words[positive]);
    d->positives = c->counts[positive];
    c->use = COLUMN_LABEL;
    return SOTTO_OK;
}

static sotto_status drop_column(learn_description *d, const describe_options *o, const char *name,
                                const char *why, sotto_diag *diag)
{
    size_t i = 0;
    sotto_status status = demand_column(d, name, o->data, &i, diag);
    if (status == SOTTO_OK && i == d->label)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s is the label", name);
    if (status == SOTTO_OK) {
        d->columns[i].use = COLUMN_DROPPED;
        d->columns[i].why = why;
    }
    return status;
}

static sotto_status decide(learn_description *d, const describe_options *o, sotto_diag *diag)
{
    size_t tags = 0;
    sotto_status status = take_label(d, o, diag);
    for (size_t i = 0; status == SOTTO_OK && i < d->count; i++)
        if (i != d->label)
            learn_column_decide(&d->columns[i]);
    for (size_t i = 0; status == SOTTO_OK && i < o->drop.count; i++)
        status = drop_column(d, o, o->drop.item[i], "asked for", diag);
    if (status == SOTTO_OK && o->customer != NULL)
        status = drop_column(d, o, o->customer, "the customer's number", diag);
    for (size_t i = 0; i < d->count; i++)
        tags += d->columns[i].use == COLUMN_TAG;
    if (status == SOTTO_OK && (tags == 0 || tags > SOTTO_TAGS_MAX))
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), o->data, 0,
                               "%zu columns can be used; 1 to %d are needed", tags, SOTTO_TAGS_MAX);
    return status;
}

static void print_column(const learn_column *c)
{
    static const char *const KINDS[] = {"", "flag", "choice", "count", "amount", "date", "text"};
    if (c->use == COLUMN_LABEL)
        return;
    if (c->use == COLUMN_DROPPED) {
        printf("  %-24s dropped: %s\n", c->name, c->why);
        return;
    }
    printf("  %-24s %s", c->name, KINDS[c->kind]);
    if (c->kind == SOTTO_TAG_CHOICE)
        printf(" of %zu", c->word_count);
    if (c->kind == SOTTO_TAG_AMOUNT)
        printf(", %u decimals", c->decimals);
    if (c->empty > 0)
        printf(", missing in %zu rows", c->empty);
    if (strcmp(c->id, c->name) != 0)
        printf(" (tag %s)", c->id);
    putchar('\n');
}

static sotto_status print(const learn_description *d, const describe_options *o, sotto_diag *diag)
{
    char rows[32], positives[32], path[4096];
    sotto_vec text;
    if (!o->json) {
        printf("%s: %s rows; label %s, %s of them \"%s\"\n", o->data, learn_grouped(d->rows, rows), o->label,
               learn_grouped(d->positives, positives), d->positive);
        for (size_t i = 0; i < d->count; i++)
            print_column(&d->columns[i]);
        printf("%s/dictionary.json, recipe.json, describe.json are written\n", o->out);
        return learn_flush(diag);
    }
    (void)snprintf(path, sizeof path, "%s/describe.json", o->out);
    sotto_status status = learn_read_file(path, &text, diag);
    if (status == SOTTO_OK)
        fwrite(text.ptr, 1, text.len, stdout);
    sotto_vec_free(&text);
    return status == SOTTO_OK ? learn_flush(diag) : status;
}

static sotto_status describe(const describe_options *o, sotto_csv *csv, learn_description *d,
                             sotto_diag *diag)
{
    sotto_vec text;
    sotto_status status = learn_read_file(o->data, &text, diag);
    if (status == SOTTO_OK)
        status = sotto_csv_open(csv, sotto_vec_span(&text), o->data, 0, diag);
    if (status == SOTTO_OK)
        status = name_columns(csv, d, diag);
    if (status == SOTTO_OK)
        status = read_rows(csv, d, diag);
    sotto_vec_free(&text);
    if (status == SOTTO_OK)
        status = decide(d, o, diag);
    if (status == SOTTO_OK)
        status = learn_describe_write(d, o->out, diag);
    return status == SOTTO_OK ? print(d, o, diag) : status;
}

int hq_cmd_describe(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    describe_options o = {.data = NULL};
    learn_description d = {.columns = NULL};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_csv *csv = malloc(sizeof *csv);
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK && csv == NULL)
        status = hq_no_memory(&diag);
    if (status == SOTTO_OK)
        status = describe(&o, csv, &d, &diag);
    for (size_t i = 0; i < d.count; i++)
        learn_column_free(&d.columns[i]);
    free(d.columns);
    free(csv);
    return learn_finish(status, &diag);
}
