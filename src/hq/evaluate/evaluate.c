/* sotto-hq evaluate: one word says what kind of file is judged. */
#include "evaluate/evaluate.h"
#include "commands.h"

#include <string.h>

static const char HELP[] =
    "sotto-hq evaluate: figures from files, each with its interval\n"
    "\n"
    "  sotto-hq evaluate predictions FILE.csv   scores against what happened: AUC, losses, lift,\n"
    "                                           calibration, lists\n"
    "  sotto-hq evaluate uplift FILE.csv        a randomised experiment: effects, Qini, whom to treat\n"
    "  sotto-hq evaluate policy LOG.csv         what another policy would have earned: IPS, SNIPS,\n"
    "                                           doubly robust\n"
    "\n"
    "sotto-hq evaluate KIND --help shows options and an example.\n";

int hq_cmd_evaluate(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } KINDS[] = {
        {"predictions", eval_cmd_predictions}, {"uplift", eval_cmd_uplift}, {"policy", eval_cmd_policy}};
    for (size_t i = 0; argc > 1 && i < SOTTO_COUNT(KINDS); i++)
        if (strcmp(argv[1], KINDS[i].name) == 0)
            return KINDS[i].run(argc - 1, argv + 1);
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_diag diag = {.status = SOTTO_OK};
    return learn_finish(sotto_diag_set(&diag, SOTTO_ERR(HQ, USAGE),
                                       "evaluate what? predictions, uplift or policy; --help shows how"),
                        &diag);
}
