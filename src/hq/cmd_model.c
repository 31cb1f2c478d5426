/* sotto-hq model: compile, combine, predict, calibrate, check, features, report. */
#include "commands.h"
#include "learn/learn.h"
#include "office/args.h"
#include "report/report.h"

#include <string.h>

static const char HELP[] =
    "sotto-hq model: trained models as integers\n"
    "\n"
    "  sotto-hq model compile    compiles a trained model and proves that it is the same\n"
    "  sotto-hq model combine    makes one of two steps of two: how likely, and how much\n"
    "  sotto-hq model predict    scores the rows of a table\n"
    "  sotto-hq model calibrate  makes its probabilities mean what they say\n"
    "  sotto-hq model check      validates a model and says what it is made of\n"
    "  sotto-hq model features   writes the columns for training that a terminal computes\n"
    "  sotto-hq model report     judges a model on one HTML page\n"
    "\n"
    "  example: sotto-hq model compile --from xgboost model.json -o model.sotto\n"
    "  Each has --help.\n";

int hq_cmd_model(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } COMMANDS[] = {
        {"compile", learn_cmd_compile},    {"combine", learn_cmd_combine}, {"predict", learn_cmd_predict},
        {"check", learn_cmd_check},        {"report", report_cmd},         {"features", learn_cmd_features},
        {"calibrate", learn_cmd_calibrate}};
    sotto_diag diag = {.status = SOTTO_OK};
    for (size_t i = 0; argc > 1 && i < SOTTO_COUNT(COMMANDS); i++)
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    if (hq_help(argc, argv, HELP))
        return 0;
    return learn_finish(
        sotto_diag_set(&diag, SOTTO_ERR(HQ, USAGE),
                       "model compile, combine, predict, calibrate, check, features or report; "
                       "--help shows how"),
        &diag);
}
