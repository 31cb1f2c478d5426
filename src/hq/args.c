/* Words of the command line, how a command ends, and what it prints. */
#include "hq_priv.h"

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

static bool wrong(const char *command, const char *option, const char *why)
{
    fprintf(stderr, "sotto-hq %s: %s %s\nTry: sotto-hq %s --help\n", command, option, why, command);
    return false;
}

/* The value of "--name VALUE" or "--name=VALUE" at argv[*i]; NULL when argv[*i] is another word. *found tells
 * "--name" without a value apart from that. */
static const char *value_at(int argc, char **argv, int *i, const char *name, bool *found)
{
    size_t len = strlen(name);
    *found = strncmp(argv[*i], name, len) == 0 && (argv[*i][len] == '=' || argv[*i][len] == '\0');
    if (!*found)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool take_value(const char *command, const hq_option *option, const char *value)
{
    hq_list *list = option->value;
    int64_t number;
    if (value == NULL || value[0] == '\0')
        return wrong(command, option->name, "needs a value");
    switch (option->kind) {
    case HQ_TEXT:
        *(const char **)option->value = value;
        return true;
    case HQ_LIST:
        if (list->count == HQ_LIST_MAX)
            return wrong(command, option->name, "is given too often");
        list->item[list->count++] = value;
        return true;
    case HQ_NUMBER:
        if (sotto_parse_i64(sotto_span_str(value), &number) != SOTTO_OK || number < option->min ||
            number > option->max) {
            fprintf(stderr, "sotto-hq %s: %s takes a whole number from %lld to %lld\n", command, option->name,
                    (long long)option->min, (long long)option->max);
            return false;
        }
        *(int64_t *)option->value = number;
        return true;
    case HQ_FLAG:
        break;
    }
    return false;
}

/* Which of two values was meant nobody can say. */
static bool take_once(const char *command, const hq_option *option, const char *value, bool *seen)
{
    if (*seen && option->kind != HQ_LIST)
        return wrong(command, option->name, "is given twice");
    *seen = true;
    if (option->kind != HQ_FLAG)
        return take_value(command, option, value);
    *(bool *)option->value = true;
    return true;
}

static bool take_word(int argc, char **argv, int *i, const hq_option *options, size_t count, bool *seen)
{
    for (size_t k = 0; k < count; k++) {
        bool found = options[k].kind == HQ_FLAG && strcmp(argv[*i], options[k].name) == 0;
        const char *value =
            options[k].kind == HQ_FLAG ? NULL : value_at(argc, argv, i, options[k].name, &found);
        if (found)
            return take_once(argv[0], &options[k], value, &seen[k]);
    }
    return wrong(argv[0], argv[*i], "is not known here");
}

/* Whatever works on an office's folder can be told where its registry is. */
static bool take_store(int argc, char **argv, int *i, const hq_option *options, size_t count, bool *good)
{
    bool found = false, has_dir = false;
    int at = *i;
    for (size_t k = 0; k < count; k++)
        has_dir = has_dir || strcmp(options[k].name, "--dir") == 0;
    const char *value = has_dir ? value_at(argc, argv, &at, "--store", &found) : NULL;
    if (!found)
        return false;
    *i = at;
    *good = value != NULL && hq_registry_is_url(value) && strlen(value) < HQ_PATH_MAX;
    if (*good)
        hq_store_choose(value);
    else
        (void)wrong(argv[0], "--store", "takes a URL such as postgresql://USER@HOST:5432/DATABASE");
    return true;
}

bool hq_options(int argc, char **argv, const hq_option *options, size_t count)
{
    bool seen[HQ_OPTIONS_MAX] = {false}, stored = false;
    assert(count <= SOTTO_COUNT(seen));
    for (int i = 1; i < argc; i++) {
        bool good = true;
        if (!take_store(argc, argv, &i, options, count, &good))
            good = take_word(argc, argv, &i, options, count, seen);
        else if (stored)
            good = wrong(argv[0], "--store", "is given twice");
        else
            stored = true;
        if (!good)
            return false;
    }
    for (size_t k = 0; k < count; k++)
        if (options[k].required && *(const char **)options[k].value == NULL)
            return wrong(argv[0], options[k].name, "is missing");
    return true;
}

/* ---- time ---- */

/* One value for the whole program: set once by main before a command runs. */
static int64_t clock_offset_s;

void hq_clock_shift(int64_t offset_s)
{
    clock_offset_s = offset_s;
}

sotto_clock hq_clock(void)
{
    return sotto_port_clock_shifted(&clock_offset_s);
}

int64_t hq_now(void)
{
    sotto_clock clock = hq_clock();
    return clock.utc_s(clock.ctx);
}

sotto_status hq_day_parse(const char *text, int32_t *day, sotto_diag *diag)
{
    char whole[24];
    int64_t utc_s = 0;
    int len = snprintf(whole, sizeof whole, "%sT00:00:00Z", text);
    sotto_status status =
        len == 20 ? sotto_time_parse(sotto_span_str(whole), &utc_s) : SOTTO_ERR(HQ, MALFORMED);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "'%.40s' is not a date such as 2026-11-21", text);
    *day = (int32_t)sotto_floor_div_i64(utc_s, HQ_DAY_S);
    return SOTTO_OK;
}

void hq_day_format(int64_t day, char out[static 11])
{
    char whole[21];
    sotto_time_format(day * HQ_DAY_S, whole);
    memcpy(out, whole, 10);
    out[10] = '\0';
}

/* ---- JSON ---- */

sotto_status hq_json_begin(hq_json *json, size_t cap, sotto_diag *diag)
{
    *json = (hq_json){0};
    uint8_t *memory = malloc(cap);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the answer");
    json->buf = sotto_buf_of(memory, cap);
    json->w = sotto_json_writer_of(&json->buf);
    return SOTTO_OK;
}

sotto_status hq_json_print(hq_json *json, sotto_diag *diag)
{
    json->w.out = &json->buf; /* the caller may have moved json since it was begun */
    sotto_status status = sotto_json_writer_end(&json->w);
    if (status != SOTTO_OK)
        status = sotto_diag_set(diag, status, "the answer could not be written as JSON");
    else if (fwrite(json->buf.ptr, 1, json->buf.len, stdout) != json->buf.len || fputc('\n', stdout) == EOF ||
             fflush(stdout) != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, IO), "standard output could not be written");
    hq_json_free(json);
    return status;
}

void hq_json_free(hq_json *json)
{
    free(json->buf.ptr);
    *json = (hq_json){0};
}

void hq_json_time(sotto_json_writer *w, int64_t utc_s)
{
    char text[21];
    if (utc_s == 0) {
        sotto_json_null(w);
        return;
    }
    sotto_time_format(utc_s, text);
    sotto_json_cstr(w, text);
}

void hq_json_day(sotto_json_writer *w, int64_t day)
{
    char text[11];
    hq_day_format(day, text);
    sotto_json_cstr(w, text);
}
