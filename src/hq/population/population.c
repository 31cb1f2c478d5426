/* sotto-hq population. */
#include "population/population.h"
#include "commands.h"
#include "office/day.h"
#include "office/json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char HELP[] =
    "usage: sotto-hq population [--customers N] [--seed N] -o DIR\n"
    "       sotto-hq population --from TABLE.csv[.xz] --label COLUMN --dictionary D.json -o DIR\n"
    "\n"
    "Makes the files of a rehearsal: DIR/customers.csv (what a terminal imports), DIR/contacts.csv\n"
    "(offers made before and whether they were taken: what a model is trained on) and DIR/arrivals.csv\n"
    "(a day's cards, with the hidden truth of who would take what). The same options give the same\n"
    "bytes on every machine. Without --from the customers are generated; docs/population.md describes\n"
    "them. With --from they are rows of a table, and DIR/dictionary.json is D.json with the tags that\n"
    "policies need.\n"
    "\n"
    "  -o DIR              folder of the results, made when it is not there\n"
    "  --customers N       how many, 10 to 1000000; default 5000 (with --from at most the rows of the\n"
    "                      table)\n"
    "  --arrivals N        cards a day, 1 to 100000; default 400\n"
    "  --days N            days of arrivals, 1 to 30; default 1\n"
    "  --seed N            another population; default 1\n"
    "  --today DATE        the day on which ages and history end; default 2026-11-01\n"
    "  --examples DIR      catalogue.json and policy.json whose offers are made; default\n"
    "                      docs/examples/bank, with --from docs/examples/table: here, or above the\n"
    "                      program\n"
    "  --label COLUMN      the table's column that says who took the offer\n"
    "  --positive VALUE    what that column says then; default yes, 1, true or y\n"
    "  --drop COLUMN       leave a column out; may stand several times\n"
    "  --dictionary FILE   tags of the table's columns, as sotto-hq describe writes them\n"
    "  --json              the summary as JSON\n"
    "\n"
    "example: sotto-hq population --customers 5000 --examples docs/examples/bank -o build/bank\n";

static bool read_options(int argc, char **argv, pop_options *o)
{
    const hq_option options[] = {
        {.name = "-o", .kind = HQ_TEXT, .value = &o->out, .required = true},
        {.name = "--customers", .kind = HQ_NUMBER, .value = &o->customers, .min = 10, .max = 1000000},
        {.name = "--arrivals", .kind = HQ_NUMBER, .value = &o->arrivals, .min = 1, .max = 100000},
        {.name = "--days", .kind = HQ_NUMBER, .value = &o->days, .min = 1, .max = 30},
        {.name = "--seed", .kind = HQ_NUMBER, .value = &o->seed, .min = 0, .max = HQ_NUMBER_MAX},
        {.name = "--today", .kind = HQ_TEXT, .value = &o->today},
        {.name = "--examples", .kind = HQ_TEXT, .value = &o->examples},
        {.name = "--from", .kind = HQ_TEXT, .value = &o->from},
        {.name = "--label", .kind = HQ_TEXT, .value = &o->label},
        {.name = "--positive", .kind = HQ_TEXT, .value = &o->positive},
        {.name = "--drop", .kind = HQ_LIST, .value = &o->drop},
        {.name = "--dictionary", .kind = HQ_TEXT, .value = &o->dictionary},
        {.name = "--json", .kind = HQ_FLAG, .value = &o->json},
    };
    return hq_options(argc, argv, options, SOTTO_COUNT(options));
}

/* What goes with what. NULL when all is well. */
static const char *contradiction(const pop_options *o)
{
    if (o->from == NULL &&
        (o->label != NULL || o->positive != NULL || o->dictionary != NULL || o->drop.count > 0))
        return "--label, --positive, --drop and --dictionary go with --from";
    if (o->from != NULL && (o->label == NULL || o->dictionary == NULL))
        return "--from needs --label and --dictionary";
    return NULL;
}

static void add_number(sotto_json_writer *w, const char *name, uint64_t v)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, v);
}

static sotto_status tell_json(const pop_summary *s, sotto_diag *diag)
{
    hq_json json;
    sotto_status status = hq_json_begin(&json, 4096, diag);
    if (status != SOTTO_OK)
        return status;
    json.w.out = &json.buf;
    sotto_json_obj(&json.w);
    add_number(&json.w, "customers", s->customers);
    add_number(&json.w, "tags", s->columns);
    add_number(&json.w, "without_profiling", s->unprofiled);
    add_number(&json.w, "without_measurement", s->uncounted);
    add_number(&json.w, "contacts", s->contacts);
    add_number(&json.w, "taken", s->taken);
    add_number(&json.w, "arrivals", s->arrivals);
    add_number(&json.w, "arriving_customers", s->arriving);
    add_number(&json.w, "unknown", s->unknown);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

static void tell(const pop_summary *s)
{
    printf(
        "customers.csv  %llu customers of %zu tags, %llu without consent to profiling, %llu to measurement\n",
        (unsigned long long)s->customers, s->columns, (unsigned long long)s->unprofiled,
        (unsigned long long)s->uncounted);
    printf("contacts.csv   %llu offers made before, %llu taken\n", (unsigned long long)s->contacts,
           (unsigned long long)s->taken);
    printf("arrivals.csv   %llu cards of %llu customers, %llu unknown\n", (unsigned long long)s->arrivals,
           (unsigned long long)s->arriving, (unsigned long long)s->unknown);
}

/* The source tree's folder: of the folder that one stands in, or of one above the program. */
static sotto_status find_examples(pop_options *o, char found[static PATH_MAX], sotto_diag *diag)
{
    const char *name = o->from == NULL ? "docs/examples/bank" : "docs/examples/table";
    ssize_t len = readlink("/proc/self/exe", found, PATH_MAX - 1);
    o->examples = name;
    if (access(name, R_OK) == 0)
        return SOTTO_OK;
    found[len < 0 ? 0 : len] = '\0';
    for (char *end = strrchr(found, '/'); end != NULL; end = strrchr(found, '/')) {
        (void)snprintf(end, PATH_MAX - (size_t)(end - found), "/%s", name);
        o->examples = found;
        if (access(found, R_OK) == 0)
            return SOTTO_OK;
        *end = '\0';
    }
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                          "%s is neither here nor above the program: --examples DIR names a folder with a "
                          "catalogue.json and a policy.json, whose offers are made",
                          name);
}

static sotto_status run(pop_options *o, sotto_diag *diag)
{
    char found[PATH_MAX];
    pop_summary summary = {0};
    sotto_status status = o->examples != NULL ? SOTTO_OK : find_examples(o, found, diag);
    if (status == SOTTO_OK)
        status = hq_day_parse(o->today, &o->today_day, diag);
    if (status == SOTTO_OK)
        status = sotto_port_make_dir(o->out, 0755, diag);
    if (status == SOTTO_OK)
        status = o->from == NULL ? pop_bank(o, &summary, diag) : pop_table(o, &summary, diag);
    if (status == SOTTO_OK && o->json)
        return tell_json(&summary, diag);
    if (status == SOTTO_OK)
        tell(&summary);
    return status;
}

int hq_cmd_population(int argc, char **argv)
{
    pop_options o = {.customers = 5000, .seed = 1, .days = 1, .arrivals = 400, .today = "2026-11-01"};
    sotto_diag diag = {0};
    if (hq_help(argc, argv, HELP))
        return 0;
    if (!read_options(argc, argv, &o))
        return 2;
    const char *why = contradiction(&o);
    if (why != NULL)
        return hq_usage(argv[0], why);
    sotto_status status = run(&o, &diag);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
