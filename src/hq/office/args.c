/* Words of the command line, and how a command ends. */
#include "office/args.h"
#include "office/office.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hq_usage(const char *command, const char *why)
{
    fprintf(stderr, "sotto-hq %s: %s\nTry: sotto-hq %s --help\n", command, why, command);
    return 2;
}

int hq_fail(sotto_status status, sotto_diag *diag)
{
    char text[640];
    if (diag->status == SOTTO_OK)
        (void)sotto_diag_set(diag, status, "%s", sotto_status_cause_text(status));
    sotto_diag_format(diag, text, sizeof text);
    fprintf(stderr, "sotto-hq: %s\n", text);
    return sotto_status_exit_code(status);
}

sotto_status hq_no_memory(sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "out of memory");
}

sotto_status hq_in_file(sotto_status status, const char *path, sotto_diag *diag)
{
    if (status == SOTTO_OK || diag == NULL)
        return status;
    if (diag->status == SOTTO_OK)
        (void)sotto_diag_set(diag, status, "%s", sotto_status_cause_text(status));
    if (diag->where[0] == '\0')
        (void)snprintf(diag->where, sizeof diag->where, "%s", path);
    return status;
}

bool hq_help(int argc, char **argv, const char *help)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return true;
        }
    return false;
}

/* ---- options ---- */

/* One command line while it is read. */
typedef struct reading {
    int argc, at; /* argv[at] is the word at hand */
    char **argv;
    const hq_option *options;
    size_t count;
    bool seen[HQ_OPTIONS_MAX], stored;
    sotto_diag *diag;
} reading;

static sotto_status wrong(sotto_diag *diag, const char *option, const char *why)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%.80s %s", option, why);
}

sotto_status hq_need(const char *value, const char *name, sotto_diag *diag)
{
    return value != NULL ? SOTTO_OK : wrong(diag, name, "is missing");
}

static sotto_status take_number(const hq_option *o, const char *text, sotto_diag *diag)
{
    int64_t v = 0;
    if (sotto_parse_i64(sotto_span_str(text), &v) != SOTTO_OK || (double)v < o->min || (double)v > o->max)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s takes a whole number from %.0f to %.0f",
                              o->name, o->min, o->max);
    *(int64_t *)o->value = v;
    return SOTTO_OK;
}

static sotto_status take_real(const hq_option *o, const char *text, sotto_diag *diag)
{
    char *end = NULL;
    double v = strtod(text, &end);
    if (*end != '\0' || !(v >= o->min && v <= o->max))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "%s takes a number from %g to %g", o->name, o->min,
                              o->max);
    *(double *)o->value = v;
    return SOTTO_OK;
}

static sotto_status take_item(const hq_option *o, const char *text, sotto_diag *diag)
{
    hq_list *list = o->value;
    if (list->count == HQ_LIST_MAX)
        return wrong(diag, o->name, "is given too often");
    list->item[list->count++] = text;
    return SOTTO_OK;
}

static sotto_status take_value(const hq_option *o, const char *text, sotto_diag *diag)
{
    if (text == NULL || text[0] == '\0')
        return wrong(diag, o->name, "needs a value");
    switch (o->kind) {
    case HQ_NUMBER:
        return take_number(o, text, diag);
    case HQ_REAL:
        return take_real(o, text, diag);
    case HQ_LIST:
        return take_item(o, text, diag);
    case HQ_TEXT:
    case HQ_POSITION:
    case HQ_FLAG:
        break;
    }
    *(const char **)o->value = text;
    return SOTTO_OK;
}

/* Whether the word at hand is "name", or "name=..." of an option that takes a value. */
static bool is_named(const char *word, const char *name, bool takes_value)
{
    size_t len = strlen(name);
    return strncmp(word, name, len) == 0 && (word[len] == '\0' || (takes_value && word[len] == '='));
}

/* The value of the option at hand: behind its =, or the next word. NULL: there is none. A word that begins
 * with
 * -- is the next option, whose value was forgotten; one that is meant as a value stands behind an =. */
static const char *value_of(reading *r)
{
    const char *equals = strchr(r->argv[r->at], '=');
    if (equals != NULL)
        return equals + 1;
    if (r->at + 1 >= r->argc || strncmp(r->argv[r->at + 1], "--", 2) == 0)
        return NULL;
    return r->argv[++r->at];
}

static bool is_position(const char *word)
{
    return word[0] != '-' || word[1] == '\0';
}

/* The option that the word at hand is; of positions the first that is free. NULL: none. */
static const hq_option *find_option(const reading *r)
{
    const char *word = r->argv[r->at];
    for (size_t k = 0; k < r->count; k++) {
        const hq_option *o = &r->options[k];
        if (o->kind == HQ_POSITION ? is_position(word) && !r->seen[k]
                                   : is_named(word, o->name, o->kind != HQ_FLAG))
            return o;
    }
    return NULL;
}

static sotto_status take_word(reading *r)
{
    const hq_option *o = find_option(r);
    if (o == NULL)
        return wrong(r->diag, r->argv[r->at], "is not known here");
    bool *seen = &r->seen[o - r->options];
    if (*seen && o->kind != HQ_LIST) /* which of two values was meant nobody can say */
        return wrong(r->diag, o->name, "is given twice");
    *seen = true;
    if (o->kind != HQ_FLAG)
        return take_value(o, o->kind == HQ_POSITION ? r->argv[r->at] : value_of(r), r->diag);
    *(bool *)o->value = true;
    return SOTTO_OK;
}

/* Whatever works on an office's folder can be told where its registry is. */
static bool is_store(const reading *r)
{
    bool has_dir = false;
    for (size_t k = 0; k < r->count; k++)
        has_dir = has_dir || strcmp(r->options[k].name, "--dir") == 0;
    return has_dir && is_named(r->argv[r->at], "--store", true);
}

static sotto_status take_store(reading *r)
{
    const char *value = value_of(r);
    if (r->stored)
        return wrong(r->diag, "--store", "is given twice");
    r->stored = true;
    if (value == NULL || !hq_registry_is_url(value) || strlen(value) >= HQ_PATH_MAX)
        return wrong(r->diag, "--store", "takes a URL such as postgresql://USER@HOST:5432/DATABASE");
    hq_store_choose(value);
    return SOTTO_OK;
}

static bool is_missing(const hq_option *o)
{
    if (!o->required)
        return false;
    return o->kind == HQ_LIST ? ((const hq_list *)o->value)->count == 0
                              : *(const char *const *)o->value == NULL;
}

sotto_status hq_parse(int argc, char **argv, const hq_option *options, size_t count, sotto_diag *diag)
{
    reading r = {.argc = argc, .at = 1, .argv = argv, .options = options, .count = count, .diag = diag};
    sotto_status status = SOTTO_OK;
    assert(count <= SOTTO_COUNT(r.seen));
    for (; status == SOTTO_OK && r.at < argc; r.at++)
        status = is_store(&r) ? take_store(&r) : take_word(&r);
    for (size_t k = 0; status == SOTTO_OK && k < count; k++)
        if (is_missing(&options[k]))
            status = wrong(diag, options[k].name, "is missing");
    return status;
}

bool hq_options(int argc, char **argv, const hq_option *options, size_t count)
{
    sotto_diag diag = {.status = SOTTO_OK};
    if (hq_parse(argc, argv, options, count, &diag) == SOTTO_OK)
        return true;
    (void)hq_usage(argv[0], diag.text);
    return false;
}

/* ---- time ---- */
