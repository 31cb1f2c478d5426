/* Command lines of the learning commands: a table of options each. */
#include "learn_priv.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool learn_help(int argc, char **argv, const char *help)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return true;
        }
    return false;
}

sotto_status learn_need(const char *value, const char *name, sotto_diag *diag)
{
    if (value != NULL)
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s is needed; --help shows how", name);
}

static sotto_status set_number(const learn_option *o, const char *value, sotto_diag *diag)
{
    int64_t v = 0;
    if (sotto_parse_i64(sotto_span_str(value), &v) != SOTTO_OK || (double)v < o->min || (double)v > o->max)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s must be a whole number from %.0f to %.0f",
                              o->name, o->min, o->max);
    *(int64_t *)o->out = v;
    return SOTTO_OK;
}

static sotto_status set_real(const learn_option *o, const char *value, sotto_diag *diag)
{
    char *end = NULL;
    double v = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(v) || v < o->min || v > o->max)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s must be a number from %g to %g", o->name,
                              o->min, o->max);
    *(double *)o->out = v;
    return SOTTO_OK;
}

static sotto_status add_item(const learn_option *o, const char *value, sotto_diag *diag)
{
    learn_list *list = o->out;
    if (list->count == LEARN_LIST_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s stands too often", o->name);
    list->items[list->count++] = value;
    return SOTTO_OK;
}

static sotto_status set_option(const learn_option *o, const char *value, sotto_diag *diag)
{
    switch (o->kind) {
    case LEARN_NUMBER:
        return set_number(o, value, diag);
    case LEARN_REAL:
        return set_real(o, value, diag);
    case LEARN_LIST:
        return add_item(o, value, diag);
    case LEARN_TEXT:
        *(const char **)o->out = value;
        return SOTTO_OK;
    case LEARN_FLAG:
        break;
    }
    *(bool *)o->out = true;
    return SOTTO_OK;
}

/* "--name" or "--name=value". */
static const learn_option *find_option(const learn_option *options, size_t n, const char *word)
{
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < n; i++)
        if (strncmp(options[i].name, word, len) == 0 && options[i].name[len] == '\0' &&
            (word[len] == '\0' || options[i].kind != LEARN_FLAG))
            return &options[i];
    return NULL;
}

/* One option at argv[*i]; its value may be the next word. */
static sotto_status take_option(int argc, char **argv, int *i, const learn_option *options,
                                size_t option_count, bool *seen, sotto_diag *diag)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    const learn_option *o = find_option(options, option_count, word);
    if (o == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "unknown option %.40s; --help shows all", word);
    if (seen[o - options] && o->kind != LEARN_LIST)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s is given twice", o->name);
    seen[o - options] = true;
    if (o->kind == LEARN_FLAG || equals != NULL)
        return set_option(o, equals == NULL ? NULL : equals + 1, diag);
    if (*i + 1 == argc)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s needs a value", o->name);
    return set_option(o, argv[++*i], diag);
}

sotto_status learn_parse_args(int argc, char **argv, const learn_option *options, size_t option_count,
                              const char **positions, size_t max_positions, size_t *position_count,
                              sotto_diag *diag)
{
    size_t found = 0;
    bool seen[LEARN_OPTIONS_MAX] = {false};
    assert(option_count <= SOTTO_COUNT(seen));
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            if (found == max_positions)
                return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "too many arguments; --help shows how");
            positions[found++] = argv[i];
            continue;
        }
        sotto_status status = take_option(argc, argv, &i, options, option_count, seen, diag);
        if (status != SOTTO_OK)
            return status;
    }
    if (position_count != NULL)
        *position_count = found;
    return SOTTO_OK;
}
