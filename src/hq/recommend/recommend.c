/* sotto-hq recommend: one word says what to do. */
#include "recommend/recommend.h"
#include "commands.h"

#include <string.h>

static const char HELP[] =
    "sotto-hq recommend: which product goes with which, from purchases\n"
    "\n"
    "  sotto-hq recommend train PURCHASES.csv -o items.sotto     learn, choose in time, write integers\n"
    "  sotto-hq recommend predict items.sotto PURCHASES.csv      each customer's list, with its reasons\n"
    "  sotto-hq recommend evaluate items.sotto --past PURCHASES.csv --test LATER.csv\n"
    "                                                            HR@N and MRR@N beside popularity\n"
    "\n"
    "sotto-hq recommend WORD --help shows options and an example.\n";

int hq_cmd_recommend(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } WORDS[] = {{"train", rec_cmd_train}, {"predict", rec_cmd_predict}, {"evaluate", rec_cmd_evaluate}};
    for (size_t i = 0; argc > 1 && i < SOTTO_COUNT(WORDS); i++)
        if (strcmp(argv[1], WORDS[i].name) == 0)
            return WORDS[i].run(argc - 1, argv + 1);
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_diag diag = {.status = SOTTO_OK};
    return learn_finish(sotto_diag_set(&diag, SOTTO_ERR(HQ, USAGE),
                                       "recommend what? train, predict or evaluate; --help shows how"),
                        &diag);
}
