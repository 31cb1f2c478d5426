/* sotto-hq advise: which campaigns fall behind their goals, and what would help. */
#include "advise/advise.h"
#include "commands.h"

#include <stdlib.h>

static const char HELP[] =
    "sotto-hq advise: campaigns beside the goals of their policy, from what terminals reported\n"
    "\n"
    "  sotto-hq totals --dir /srv/sotto-hq --json >totals.json\n"
    "  sotto-hq advise --policy policy.json --totals totals.json\n"
    "\n"
    "A campaign says its goal: \"goal\": {\"taken\": 500, \"by\": \"2026-12-31\"}. The chance that it is\n"
    "reached is computed from the noised totals; a shift of showings is proposed where the totals\n"
    "support it (docs/simulate.md), and otherwise the evidence is said not to be enough.\n"
    "\n"
    "  --policy FILE        the policy with the goals\n"
    "  --totals FILE        what `sotto-hq totals --json` printed; or\n"
    "  --dir DIR            head office's own registry; or\n"
    "  --collected DIR      what a collector of mode B has opened\n"
    "  --store URL          with --dir: its registry in PostgreSQL (serve --help)\n"
    "  --task N             the task that counts the campaigns, when it is not the first\n"
    "  --alarm PERCENT (20) behind: a chance below it; on plan: above 100 less it\n"
    "  --json               the same as JSON\n";

static sotto_status parse(advise *a, int argc, char **argv, sotto_diag *diag)
{
    const hq_option options[] = {{"--policy", HQ_TEXT, &a->policy, true, 0, 0},
                                 {"--totals", HQ_TEXT, &a->totals, false, 0, 0},
                                 {"--dir", HQ_TEXT, &a->dir, false, 0, 0},
                                 {"--task", HQ_NUMBER, &a->task, false, 1, INT32_MAX},
                                 {"--alarm", HQ_REAL, &a->alarm, false, 0.1, 50},
                                 {"--json", HQ_FLAG, &a->json, false, 0, 0},
                                 {"--collected", HQ_TEXT, &a->collected, false, 0, 0}};
    sotto_status status = hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
    if (status == SOTTO_OK && (a->totals != NULL) + (a->dir != NULL) + (a->collected != NULL) != 1)
        status =
            sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "give --totals, --dir or --collected, one of them");
    return status;
}

static sotto_status run(advise *a, sotto_diag *diag)
{
    sotto_status status = advise_read_goals(a, diag);
    if (status == SOTTO_OK)
        status = advise_read_totals(a, diag);
    if (status != SOTTO_OK)
        return status;
    advise_judge(a);
    if (a->json)
        return eval_json_report(advise_json, a, diag);
    advise_say(a);
    return learn_flush(diag);
}

int hq_cmd_advise(int argc, char **argv)
{
    sotto_diag diag = {0};
    if (hq_help(argc, argv, HELP))
        return 0;
    advise *a = eval_array(1, sizeof *a, &diag);
    if (a == NULL)
        return learn_finish(diag.status, &diag);
    a->alarm = 20;
    sotto_status status = parse(a, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = run(a, &diag);
    free(a);
    return learn_finish(status, &diag);
}
