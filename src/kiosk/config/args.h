/* Words of the command line, and how a command ends. */
#ifndef SOTTO_KIOSK_CONFIG_ARGS_H
#define SOTTO_KIOSK_CONFIG_ARGS_H

#include "sotto/base.h"

/* "sotto: <diag>" on standard error; returns the exit code. */
int kiosk_fail(const sotto_diag *diag);
/* The same for a status that may have come without words. */
int kiosk_fail_status(sotto_status status, sotto_diag *diag);
int kiosk_usage(const char *command, const char *why);
/* The same, with the name of the option that is wrong. */
int kiosk_usage_at(const char *command, const char *word, const char *why);
/* An option that stands there twice, or NULL: which of two values was meant nobody can say. */
const char *kiosk_repeated(int argc, char **argv);
/* Value of "--name VALUE" or "--name=VALUE" at argv[*i] (then *i is advanced), or NULL when argv[*i] is
 * something else. */
const char *kiosk_option(int argc, char **argv, int *i, const char *name);

#endif
