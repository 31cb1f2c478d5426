/* Words of the command line, and how a command ends. */
#include "kiosk_priv.h"

#include <stdio.h>
#include <string.h>

const char *kiosk_option(int argc, char **argv, int *i, const char *name)
{
    size_t len = strlen(name);
    if (strncmp(argv[*i], name, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    if (argv[*i][len] != '\0' || *i + 1 >= argc)
        return NULL;
    return argv[++*i];
}

int kiosk_usage(const char *command, const char *why)
{
    fprintf(stderr, "sotto %s: %s\nTry: sotto %s --help\n", command, why, command);
    return 2;
}

int kiosk_fail(const sotto_diag *diag)
{
    char text[640];
    sotto_diag_format(diag, text, sizeof text);
    fprintf(stderr, "sotto: %s\n", text);
    return sotto_status_exit_code(diag->status);
}

int kiosk_fail_status(sotto_status status, sotto_diag *diag)
{
    if (diag->status == SOTTO_OK)
        (void)sotto_diag_set(diag, status, "%s", sotto_status_cause_text(status));
    return kiosk_fail(diag);
}
