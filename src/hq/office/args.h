/* Words of the command line, and how a command ends. Nothing here is for threads: a command parses once. */
#ifndef SOTTO_HQ_OFFICE_ARGS_H
#define SOTTO_HQ_OFFICE_ARGS_H

#include "sotto/base.h"

enum hq_option_kind { HQ_FLAG, HQ_TEXT, HQ_NUMBER, HQ_REAL, HQ_LIST, HQ_POSITION };
#define HQ_LIST_MAX    256
#define HQ_OPTIONS_MAX 64                    /* of one command */
#define HQ_NUMBER_MAX  9223372036854774784.0 /* the last float64 that an int64_t holds */
typedef struct hq_list {
    const char *item[HQ_LIST_MAX];
    size_t count;
} hq_list;
typedef struct hq_option {
    const char *name; /* "--dir"; of a position what stands there, for messages: "the model's file" */
    enum hq_option_kind kind;
    /* FLAG bool, TEXT and POSITION const char *, NUMBER int64_t, REAL double, LIST hq_list: changed only when
     * the option is given. Positions are taken in the table's order. */
    void *value;
    bool required;   /* texts, positions and lists */
    double min, max; /* numbers and reals; a number's limits are whole */
} hq_option;
/* Reads argv[1..]: "--name VALUE" or "--name=VALUE", each at most once but lists; words that do not start
 * with - (and - alone) are positions. A VALUE that begins with -- goes behind an =. A table with --dir has
 * --store as well. USAGE, with words that name the option; what came before the mistake is set. */
SOTTO_MUST_USE sotto_status hq_parse(int argc, char **argv, const hq_option *options, size_t count,
                                     sotto_diag *diag);
/* The same for commands that say so themselves: false when something is wrong, told on standard error
 * already: the command then ends with exit code 2. */
SOTTO_MUST_USE bool hq_options(int argc, char **argv, const hq_option *options, size_t count);
/* USAGE that names what is missing when value is NULL: for what only some words of a command need. */
SOTTO_MUST_USE sotto_status hq_need(const char *value, const char *name, sotto_diag *diag);
/* True when --help or -h stands somewhere; help is printed then. */
bool hq_help(int argc, char **argv, const char *help);
int hq_usage(const char *command, const char *why);
/* "sotto-hq: <diag>" on standard error; the exit code. diag may hold no words yet. */
int hq_fail(sotto_status status, sotto_diag *diag);
/* NO_MEMORY in its usual words. */
sotto_status hq_no_memory(sotto_diag *diag);
/* Adds the place to a diag that has none. */
sotto_status hq_in_file(sotto_status status, const char *path, sotto_diag *diag);

#endif
