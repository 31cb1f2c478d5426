/* sotto-hq simulate: a policy tried on customers, beside the present one, before it is published. */
#include "simulate/simulate.h"
#include "commands.h"
#include "office/day.h"

#include <string.h>

static const char HELP[] =
    "sotto-hq simulate: a policy before customers for some days, beside the present one\n"
    "\n"
    "  sotto-hq simulate --policy policy.json --present present.json --catalogue catalogue.json \\\n"
    "      --model model.sotto --dictionary dictionary.json --population 5000 --days 30 --html page.html\n"
    "\n"
    "Decides, counts and derives tags with the terminal's own code. Who comes and who takes what is\n"
    "made up: docs/simulate.md says how. Both policies meet the same visits with the same chances.\n"
    "\n"
    "  --policy FILE --catalogue FILE --dictionary FILE   as sotto-hq publish takes them\n"
    "  --present FILE       the policy to compare with\n"
    "  --model FILE         without one, campaigns are ranked by value alone\n"
    "  --items FILE         the recommender's, for policies that say \"recommender\"\n"
    "  --segments FILE      the customer groups', for dictionaries with a tag from \"segment\"\n"
    "  --value FILE         the expected values', for dictionaries with a tag from \"value\"\n"
    "  --population N|FILE  so many generated customers (10 to 1000000), or a table as terminals import\n"
    "                       it\n"
    "  --days N (30)        1 to 366\n"
    "  --seed N (1) --seeds N (8)   worlds from that seed on: intervals come from their differences\n"
    "  --response taste|model       who takes what: the generator's hidden taste (generated customers\n"
    "                               only),\n"
    "                       or as often as the model expects; default taste, of a table model\n"
    "  --base PERCENT (1)   with model: how often an offer without a propensity is taken\n"
    "  --dismissed PERCENT (5)      of the offers not taken that are waved away\n"
    "  --wear PERCENT (0)   by how much each showing makes taking it at the next one less likely\n"
    "  --terminals N        homes of the customers, for budgets; default one a thousand customers\n"
    "  --offers N (1)       shown at a visit\n"
    "  --slot NAME --channel NAME --branch-group NAME --terminal-model NAME   of every terminal\n"
    "  --segment TAG        a choice tag for \"who gets nothing\"; default segment, when there is one\n"
    "  --today DATE (2026-11-01)    the first day\n"
    "  --threads N          default one a processor; changes no figure\n"
    "  --html FILE          the same as a page\n"
    "  --json               the same as JSON\n";

/* A number generates; anything else is a file. */
static sotto_status set_population(sim_options *o, sotto_diag *diag)
{
    int64_t n;
    if (sotto_parse_i64(sotto_span_str(o->population), &n) != SOTTO_OK)
        return SOTTO_OK;
    if (n < 10 || n > 1000000)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--population generates 10 to 1000000 customers");
    o->customers = n;
    return SOTTO_OK;
}

static sotto_status set_response(sim_options *o, sotto_diag *diag)
{
    const char *name = o->response != NULL ? o->response : o->customers > 0 ? "taste" : "model";
    o->responds = strcmp(name, "taste") == 0 ? SIM_TASTE : SIM_MODEL;
    if (o->responds == SIM_MODEL && strcmp(name, "model") != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--response is taste or model");
    if (o->responds == SIM_TASTE && o->customers == 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE),
                              "the taste of a table's customers is not known: --response model");
    if (o->responds == SIM_MODEL && o->model == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--response model%s needs --model",
                              o->response == NULL ? ", the only one for customers of a table," : "");
    return SOTTO_OK;
}

static sotto_status parse(sim_options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option options[] = {{"--policy", HQ_TEXT, &o->policy, true, 0, 0},
                                 {"--present", HQ_TEXT, &o->present, false, 0, 0},
                                 {"--catalogue", HQ_TEXT, &o->catalogue, true, 0, 0},
                                 {"--model", HQ_TEXT, &o->model, false, 0, 0},
                                 {"--items", HQ_TEXT, &o->items, false, 0, 0},
                                 {"--segments", HQ_TEXT, &o->segments, false, 0, 0},
                                 {"--value", HQ_TEXT, &o->value, false, 0, 0},
                                 {"--dictionary", HQ_TEXT, &o->dictionary, true, 0, 0},
                                 {"--population", HQ_TEXT, &o->population, true, 0, 0},
                                 {"--days", HQ_NUMBER, &o->days, false, 1, SIM_DAYS_MAX},
                                 {"--seed", HQ_NUMBER, &o->seed, false, 0, INT32_MAX},
                                 {"--seeds", HQ_NUMBER, &o->seeds, false, 1, SIM_SEEDS_MAX},
                                 {"--response", HQ_TEXT, &o->response, false, 0, 0},
                                 {"--base", HQ_REAL, &o->base, false, 0, 100},
                                 {"--dismissed", HQ_REAL, &o->dismissed, false, 0, 100},
                                 {"--wear", HQ_REAL, &o->wear, false, 0, 100},
                                 {"--terminals", HQ_NUMBER, &o->terminals, false, 1, 100000},
                                 {"--offers", HQ_NUMBER, &o->offers, false, 1, SOTTO_OFFERS_MAX},
                                 {"--slot", HQ_TEXT, &o->slot, false, 0, 0},
                                 {"--channel", HQ_TEXT, &o->channel, false, 0, 0},
                                 {"--branch-group", HQ_TEXT, &o->branch_group, false, 0, 0},
                                 {"--terminal-model", HQ_TEXT, &o->terminal_model, false, 0, 0},
                                 {"--segment", HQ_TEXT, &o->segment, false, 0, 0},
                                 {"--today", HQ_TEXT, &o->today, false, 0, 0},
                                 {"--threads", HQ_NUMBER, &o->threads, false, 1, 64},
                                 {"--html", HQ_TEXT, &o->html, false, 0, 0},
                                 {"--json", HQ_FLAG, &o->json, false, 0, 0}};
    sotto_status status = hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
    if (status == SOTTO_OK)
        status = set_population(o, diag);
    if (status == SOTTO_OK)
        status = set_response(o, diag);
    return status == SOTTO_OK ? hq_day_parse(o->today, &o->first_day, diag) : status;
}

static sotto_status tell(const sim_result *r, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    if (r->o->html != NULL)
        status = sim_page(r, r->o->html, diag);
    if (status == SOTTO_OK)
        status = r->o->json ? eval_json_report(sim_json, r, diag) : sim_say(r, diag);
    return status;
}

int hq_cmd_simulate(int argc, char **argv)
{
    sim_options o = {
        .days = 30, .seed = 1, .seeds = 8, .offers = 1, .base = 1, .dismissed = 5, .today = "2026-11-01"};
    sim_input in = {.plans = 0};
    sim_result result = {.tally = NULL};
    sotto_diag diag = {0};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = sim_input_read(&in, &o, &diag);
    if (status == SOTTO_OK)
        status = sim_all(&result, &in, &o, &diag);
    if (status == SOTTO_OK)
        status = tell(&result, &diag);
    sim_result_free(&result);
    sim_input_free(&in);
    return learn_finish(status, &diag);
}
