/* Words of the command line, and how a command ends. */
#include "config/args.h"

#include <stdio.h>
#include <string.h>

const char *kiosk_option(int argc, char **argv, int *i, const char *name)
{
    size_t len = strlen(name);
    if (strncmp(argv[*i], name, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    if (argv[*i][len] != '\0' || *i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0)
        return NULL; /* the next option is no value */
    return argv[++*i];
}

int kiosk_usage(const char *command, const char *why)
{
    fprintf(stderr, "sotto %s: %s\nTry: sotto %s --help\n", command, why, command);
    return 2;
}

/* An option by its name; any other word may be a customer number, which is not repeated. */
int kiosk_usage_at(const char *command, const char *word, const char *why)
{
    if (word[0] == '-')
        fprintf(stderr, "sotto %s: %.*s: %s\nTry: sotto %s --help\n", command, (int)strcspn(word, "="), word,
                why, command);
    else
        fprintf(
            stderr,
            "sotto %s: a word too many (not repeated here: it may be a customer number): %s\nTry: sotto %s --help\n",
            command, why, command);
    return 2;
}

const char *kiosk_repeated(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t len = strcspn(argv[i], "=");
        for (int k = 1; k < i && strncmp(argv[i], "--", 2) == 0; k++)
            if (strncmp(argv[k], argv[i], len) == 0 && (argv[k][len] == '\0' || argv[k][len] == '='))
                return argv[i];
    }
    return NULL;
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
