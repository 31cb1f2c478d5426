/* decide, event, forget, status, audit: requests to the engine, made from words, answered for people or as
 * the JSON itself. */
#include "commands.h"
#include "commands/parts.h"
#include "commands/words.h"
#include "config/args.h"
#include "doors/local.h"
#include "engine/tell.h"

#include "sotto/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX 4096
#define AUDIT_LIMIT (64u << 20) /* bytes of an exported audit: centuries of nights */

/* What shows an answer to a person; NULL prints the JSON. */
typedef void (*shower)(sotto_json_node answer);

/* Text member for printing; "" when absent. */
static sotto_span text_of(sotto_json_node obj, const char *name)
{
    sotto_span text = {0};
    if (sotto_json_get_str(obj, name, &text, NULL) != SOTTO_OK)
        text = sotto_span_str("");
    return text;
}

/* The status that an error's room and cause were made from: exit codes are the same with and without a
 * daemon. */
static sotto_status status_of(sotto_json_node error)
{
    int room = SOTTO_ROOM_KIOSK, cause = SOTTO_CAUSE_INTERNAL;
    sotto_span room_name = text_of(error, "room"), cause_text = text_of(error, "cause");
    static const struct {
        int number;
        const char *text;
    } rooms[] =
        {
#define X(name, number, text) {number, text},
            SOTTO_ROOMS(X)
#undef X
        },
      causes[] = {
#define X(name, number, exit_code, text) {number, text},
          SOTTO_CAUSES(X)
#undef X
      };
    for (size_t i = 0; i < SOTTO_COUNT(rooms); i++)
        room = sotto_span_is(room_name, rooms[i].text) ? rooms[i].number : room;
    for (size_t i = 0; i < SOTTO_COUNT(causes); i++)
        cause = sotto_span_is(cause_text, causes[i].text) ? causes[i].number : cause;
    return -((room << 8) | cause);
}

/* The error of a refused request, as the diagnosis it was made from; said when `say`. Returns an exit code.
 */
static int exit_code_of(int http, sotto_span answer, bool say)
{
    if (http >= 200 && http < 300)
        return 0;
    sotto_diag diag = {.status = SOTTO_ERR(KIOSK, INTERNAL), .text = "refused"};
    sotto_json *doc = NULL;
    int64_t line = 0;
    if (sotto_json_parse(&doc, answer, "serve", NULL) == SOTTO_OK) {
        sotto_json_node error = sotto_json_member(sotto_json_root(doc), "error");
        diag.status = status_of(error);
        if (sotto_span_to_str(text_of(error, "text"), diag.text, sizeof diag.text) != SOTTO_OK ||
            sotto_span_to_str(text_of(error, "where"), diag.where, sizeof diag.where) != SOTTO_OK)
            diag.where[0] = '\0';
        if (sotto_json_get_i64(error, "line", 0, INT64_MAX, &line, NULL) == SOTTO_OK)
            diag.line = (uint64_t)line;
    }
    sotto_json_free(doc);
    return say ? kiosk_fail(&diag) : sotto_status_exit_code(diag.status);
}

static int show_answer(sotto_span answer, bool json, shower show)
{
    sotto_json *doc = NULL;
    if (json || show == NULL) {
        printf("%.*s\n", (int)answer.len, (const char *)answer.ptr);
        return 0;
    }
    sotto_diag diag = {0};
    if (sotto_json_parse(&doc, answer, "serve", &diag) != SOTTO_OK)
        return kiosk_fail(&diag);
    show(sotto_json_root(doc));
    sotto_json_free(doc);
    return 0;
}

/* What this process adds to an answer that is shown as JSON. */
typedef sotto_status (*adder)(const kiosk_config *config, sotto_vec *answer);

/* One request: its JSON, or what `show` makes of it. Returns an exit code. */
static int ask_once(const kiosk_config *config, const char *method, const char *target, sotto_span body,
                    bool json, shower show, adder add)
{
    sotto_diag diag = {0};
    kiosk_local *local = NULL;
    sotto_vec answer;
    sotto_vec_init(&answer, 16u << 20);
    int code = 0;
    sotto_status status = kiosk_local_open(&local, config, &diag);
    if (status == SOTTO_OK)
        status = kiosk_local_ask(local, method, target, body, &code, &answer, &diag);
    int result = status == SOTTO_OK ? exit_code_of(code, sotto_vec_span(&answer), true)
                                    : kiosk_fail_status(status, &diag);
    if (result == 0 && json && add != NULL && (status = add(config, &answer)) != SOTTO_OK)
        result = kiosk_fail_status(status, &diag);
    if (result == 0)
        result = show_answer(sotto_vec_span(&answer), json, show);
    kiosk_local_close(local);
    sotto_vec_free(&answer);
    return result;
}

/* One request a line on standard input, one answer a line on standard output. A refused request answers with
 * its error and the next is read; the exit code is that of the first refused one. */
static int ask_lines(const kiosk_config *config, const char *target)
{
    sotto_diag diag = {0};
    kiosk_local *local = NULL;
    sotto_vec answer;
    sotto_vec_init(&answer, 16u << 20);
    sotto_status status = kiosk_local_open(&local, config, &diag);
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int result = 0;
    while (status == SOTTO_OK && (len = getline(&line, &cap, stdin)) > 0) {
        int code;
        status =
            kiosk_local_ask(local, "POST", target, sotto_span_of(line, (size_t)len), &code, &answer, &diag);
        if (status != SOTTO_OK)
            break;
        printf("%.*s\n", (int)answer.len, (const char *)answer.ptr);
        result = result != 0 ? result : exit_code_of(code, sotto_vec_span(&answer), false);
    }
    free(line);
    kiosk_local_close(local);
    sotto_vec_free(&answer);
    return status == SOTTO_OK ? result : kiosk_fail_status(status, &diag);
}

static sotto_span number_of(sotto_json_node obj, const char *name)
{
    sotto_span text = {0};
    if (sotto_json_as_number_text(sotto_json_member(obj, name), &text, NULL) != SOTTO_OK)
        text = sotto_span_str("-");
    return text;
}

#define SPAN(s) (int)(s).len, (const char *)(s).ptr

/* ---- decide ---- */

static void show_offer(size_t rank, sotto_json_node offer)
{
    sotto_span title = text_of(offer, "title"), campaign = text_of(offer, "campaign");
    sotto_span propensity = number_of(offer, "propensity");
    bool scored = !sotto_span_is(propensity, "0.000000");
    printf("%zu. %.*s  (%.*s%s%.*s)\n", rank, SPAN(title), SPAN(campaign), scored ? ", propensity " : "",
           scored ? (int)propensity.len : 0, (const char *)propensity.ptr);
    sotto_span alike = text_of(offer, "alike"), part_left = number_of(offer, "variety");
    if (alike.len > 0)
        printf("     placed by %.*s of its score, being like %.*s\n", SPAN(part_left), SPAN(alike));
    sotto_json_node reasons = sotto_json_member(offer, "reasons");
    for (size_t i = 0; i < sotto_json_count(reasons); i++) {
        sotto_span name = text_of(sotto_json_at(reasons, i), "name");
        sotto_span part = number_of(sotto_json_at(reasons, i), "contribution");
        bool minus = part.len > 0 && part.ptr[0] == '-';
        printf("     %s%.*s  %.*s\n", minus ? "" : "+", SPAN(part), SPAN(name));
    }
}

static void show_decision(sotto_json_node answer)
{
    sotto_json_node offers = sotto_json_member(answer, "offers"),
                    excluded = sotto_json_member(answer, "excluded");
    for (size_t i = 0; i < sotto_json_count(offers); i++)
        show_offer(i + 1, sotto_json_at(offers, i));
    if (sotto_json_count(offers) == 0) {
        sotto_span why = text_of(sotto_json_member(answer, "nothing_because"), "text");
        printf("Show nothing: %.*s.\n", SPAN(why));
    }
    for (size_t i = 0; i < sotto_json_count(excluded); i++) {
        sotto_json_node one = sotto_json_at(excluded, i);
        sotto_span campaign = text_of(one, "campaign"),
                   why = text_of(sotto_json_member(one, "because"), "text");
        printf("   not %.*s: %.*s\n", SPAN(campaign), SPAN(why));
    }
}

static int ask_words(const kiosk_config *config, const kiosk_words *w, const char *target, shower show)
{
    uint8_t memory[REQUEST_MAX];
    sotto_buf body = sotto_buf_of(memory, sizeof memory);
    sotto_diag diag = {0};
    sotto_status status = kiosk_words_request(w, &body);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE)
        return kiosk_usage(w->command, "a value is too long");
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    return ask_once(config, "POST", target, sotto_buf_span(&body), w->json, show, NULL);
}

int kiosk_cmd_decide(const kiosk_config *config, int argc, char **argv)
{
    kiosk_words w;
    if (!kiosk_take_words(&w, argc, argv,
                          " --customer --offers --slot --channel --language --explain --json - "))
        return 2;
    int64_t offers;
    if (w.offers != NULL && sotto_parse_i64(sotto_span_str(w.offers), &offers) != SOTTO_OK)
        return kiosk_usage(argv[0], "--offers takes a number");
    return w.lines ? ask_lines(config, "/v1/decide") : ask_words(config, &w, "/v1/decide", show_decision);
}

/* ---- event, forget ---- */

static void show_event(sotto_json_node answer)
{
    bool counted = false;
    if (sotto_json_member(answer, "repeated").val != NULL)
        printf("Recorded before: nothing changed.\n");
    else if (sotto_json_member(answer, "late").val != NULL)
        printf("Over 31 days behind this customer's latest event: nothing changed.\n");
    else if (sotto_json_member(answer, "unknown").val != NULL)
        printf("Recorded for budgets and stock alone: the customer is not known here.\n");
    else if (sotto_json_get_bool(answer, "counted", &counted, NULL) == SOTTO_OK)
        printf("Recorded%s.\n",
               counted ? ", and counted for tonight's report" : "; not counted for the report");
}

int kiosk_cmd_event(const kiosk_config *config, int argc, char **argv)
{
    kiosk_words w;
    if (!kiosk_take_words(&w, argc, argv,
                          " --customer --channel --language --kind --campaign --at --id --amount --balance "
                          "--product --page --due --json - "))
        return 2;
    if (w.lines)
        return ask_lines(config, "/v1/events");
    if (w.kind == NULL)
        return kiosk_usage(argv[0], "needs --kind");
    return ask_words(config, &w, "/v1/events", show_event);
}

static void show_forgotten(sotto_json_node answer)
{
    (void)answer;
    printf("Erased: profile, counters and events of the open periods. What was released before stays within "
           "its budget.\n");
}

int kiosk_cmd_forget(const kiosk_config *config, int argc, char **argv)
{
    kiosk_words w;
    if (!kiosk_take_words(&w, argc, argv, " --customer --json "))
        return 2;
    if (w.customer == NULL)
        return kiosk_usage(argv[0], "needs --customer NUMBER");
    return ask_words(config, &w, "/v1/forget", show_forgotten);
}

/* ---- status, audit ---- */

/* How many, never who; nobody paid yet: nothing to say. */
static void show_left(sotto_json_node left)
{
    static const char *const BAND[SOTTO_TALLY_QUARTERS] = {"less than a quarter", "up to a half",
                                                           "up to three quarters", "more"};
    int64_t count[SOTTO_COUNT(BAND)], all = 0;
    for (size_t i = 0; i < SOTTO_COUNT(BAND); i++) {
        if (sotto_json_get_i64(left, KIOSK_QUARTER[i], 0, INT64_MAX, &count[i], NULL) != SOTTO_OK)
            return;
        all = sotto_add_sat_i64(all, count[i]);
    }
    if (all == 0)
        return;
    printf("           of a budget the others have left:");
    for (size_t i = 0; i < SOTTO_COUNT(BAND); i++)
        printf("%s %s %lld", i > 0 ? "," : "", BAND[i], (long long)count[i]);
    putchar('\n');
}

static void show_budget(sotto_json_node budget)
{
    sotto_span charged = number_of(budget, "charged"), nothing = number_of(budget, "nothing_left");
    if (nothing.len > 0)
        printf("budgets    %.*s customers have paid for reports, %.*s of them have nothing left\n",
               SPAN(charged), SPAN(nothing));
    show_left(sotto_json_member(budget, "left"));
}

static void show_status(sotto_json_node s)
{
    sotto_span device = text_of(s, "device"), now = text_of(s, "now");
    sotto_json_node outbox = sotto_json_member(s, "outbox");
    sotto_span release = number_of(s, "release"), customers = number_of(s, "customers");
    sotto_span waiting = number_of(outbox, "waiting"), reports = number_of(outbox, "reports");
    printf("device     %.*s\n", SPAN(device));
    printf("now        %.*s\n", SPAN(now));
    printf("release    %.*s\n", SPAN(release));
    sotto_json_node releases = sotto_json_member(s, "releases");
    sotto_span failed = number_of(releases, "failed"), because = text_of(releases, "text");
    if (failed.len > 0 && !sotto_span_is(failed, "0"))
        printf("failed     release %.*s: %.*s\n", SPAN(failed), SPAN(because));
    printf("customers  %.*s\n", SPAN(customers));
    printf("reports    %.*s sealed, %.*s waiting to be sent\n", SPAN(reports), SPAN(waiting));
    show_budget(sotto_json_member(s, "budget"));
}

static int no_words_but_json(const kiosk_config *config, int argc, char **argv, const char *target,
                             shower show, adder add)
{
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") != 0)
            return kiosk_usage_at(argv[0], argv[i], "unknown option, or one without its value");
        json = true;
    }
    return ask_once(config, "GET", target, sotto_span_of(NULL, 0), json, show, add);
}

int kiosk_cmd_status(const kiosk_config *config, int argc, char **argv)
{
    return no_words_but_json(config, argc, argv, "/v1/status", show_status, kiosk_add_certificate);
}

static int64_t whole(sotto_json_node obj, const char *name)
{
    int64_t value = 0;
    return sotto_json_get_i64(obj, name, INT64_MIN, INT64_MAX, &value, NULL) == SOTTO_OK ? value : 0;
}

static void show_cost(sotto_json_node what)
{
    char epsilon[32], delta[32];
    (void)sotto_fixed_format_decimal(whole(what, "epsilon_ueps"), 6, epsilon, sizeof epsilon);
    printf("at epsilon %s", epsilon);
    if (whole(what, "delta_e12") > 0) {
        (void)sotto_fixed_format_decimal(whole(what, "delta_e12"), 12, delta, sizeof delta);
        printf(", delta %s", delta);
    }
}

/* What the task counts, of the release: not what any customer was shown. */
static void show_campaigns(sotto_json_node what)
{
    sotto_json_node names = sotto_json_member(what, "campaigns");
    size_t count = sotto_json_count(names);
    if (count == 0)
        return;
    printf("  For the campaign%s ", count == 1 && whole(what, "campaigns_more") == 0 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        sotto_span name = {0};
        if (sotto_json_as_str(sotto_json_at(names, i), &name, NULL) == SOTTO_OK)
            printf("%s%.*s", i > 0 ? ", " : "", SPAN(name));
    }
    if (whole(what, "campaigns_more") > 0)
        printf(" and %lld more", (long long)whole(what, "campaigns_more"));
    printf(".\n");
}

/* One report in sentences that a customer could read. */
static void show_what(sotto_json_node what)
{
    sotto_span task = text_of(what, "task"), type = text_of(what, "type");
    bool shares = sotto_span_is(text_of(what, "mode"), "B");
    char day[21];
    if (task.len == 0)
        return; /* the place of a report that is not here: accept-restore */
    sotto_time_format(whole(what, "day") * 86400, day);
    printf("  Task \"%.*s\"%s%.*s%s, %.10s, %lld day%s: %lld %s, ", SPAN(task), type.len > 0 ? " (" : "",
           SPAN(type), type.len > 0 ? ")" : "", day, (long long)whole(what, "days"),
           whole(what, "days") == 1 ? "" : "s", (long long)whole(what, "cells"),
           shares ? "counts, cut into two shares that say nothing apart" : "noised counts");
    show_cost(what);
    if (sotto_span_is(type, "health")) {
        printf(
            ".\n  What befell the terminal itself, at most %lld counts: nothing of any customer is in it.\n",
            (long long)whole(what, "bound"));
        return;
    }
    printf(", with at most %lld\n"
           "  event%s of any one customer. %lld customer%s stood behind it; %lld were left out, their budget "
           "being spent.\n",
           (long long)whole(what, "bound"), sotto_plural((uint64_t)whole(what, "bound")),
           (long long)whole(what, "behind"), sotto_plural((uint64_t)whole(what, "behind")),
           (long long)whole(what, "left_out"));
    show_campaigns(what);
    if (sotto_json_type(sotto_json_member(what, "told")) != SOTTO_JSON_ABSENT && whole(what, "told") > 0)
        printf("  %lld of those were counted as left out, for the first and only time.\n",
               (long long)whole(what, "told"));
}

static void show_audit(sotto_json_node answer)
{
    sotto_json_node reports = sotto_json_member(answer, "reports");
    sotto_json_node restores = sotto_json_member(answer, "restores");
    if (sotto_json_type(restores) != SOTTO_JSON_ABSENT) {
        sotto_span last = text_of(restores, "last_at");
        printf("An old copy of the store was accepted %lld time%s, last %.*s: %lld reports, and %lld "
               "showings and "
               "answers\nthat caps hang on, are not in it.\n",
               (long long)whole(restores, "accepted"), whole(restores, "accepted") == 1 ? "" : "s",
               SPAN(last), (long long)whole(restores, "reports"), (long long)whole(restores, "showings"));
    }
    if (sotto_json_count(reports) == 0)
        printf("Nothing has left this terminal.\n");
    for (size_t i = 0; i < sotto_json_count(reports); i++) {
        sotto_json_node one = sotto_json_at(reports, i), what = sotto_json_member(one, "what");
        sotto_span acked = text_of(one, "acknowledged_at"), sealed = text_of(one, "sealed_at");
        sotto_span seq = number_of(one, "seq"), bytes = number_of(one, "bytes");
        printf("Report %.*s, sealed %.*s, %.*s bytes, %s%.*s.\n", SPAN(seq), SPAN(sealed), SPAN(bytes),
               acked.len > 0 ? "acknowledged " : "not sent yet", SPAN(acked));
        show_what(what);
    }
}

/* The statement as serve signed it, into a file: what others verify without this terminal. */
static int export_audit(const kiosk_config *config, const char *path)
{
    kiosk_local *local = NULL;
    sotto_vec answer;
    sotto_diag diag = {0};
    int http = 0, code = 0;
    sotto_vec_init(&answer, AUDIT_LIMIT);
    sotto_status status = kiosk_local_open(&local, config, &diag);
    if (status == SOTTO_OK)
        status =
            kiosk_local_ask(local, "GET", "/v1/audit?export", sotto_span_of(NULL, 0), &http, &answer, &diag);
    if (status == SOTTO_OK)
        code = exit_code_of(http, sotto_vec_span(&answer), true);
    if (status == SOTTO_OK && code == 0)
        status = sotto_port_write_file(path, sotto_vec_span(&answer), 0644, &diag);
    if (status == SOTTO_OK && code == 0)
        printf("Written to %s, %zu bytes: sotto-hq audit verify %s\n", path, answer.len, path);
    kiosk_local_close(local);
    sotto_vec_free(&answer);
    return status == SOTTO_OK ? code : kiosk_fail_status(status, &diag);
}

int kiosk_cmd_audit(const kiosk_config *config, int argc, char **argv)
{
    bool bytes = argc > 1 && strcmp(argv[argc - 1], "--bytes") == 0;
    if (argc == 3 && strcmp(argv[1], "export") == 0)
        return argv[2][0] == '-' ? kiosk_usage_at(argv[0], argv[2], "export takes a file, and no options")
                                 : export_audit(config, argv[2]);
    if (argc == 2 && strcmp(argv[1], "accept-restore") == 0)
        return kiosk_cmd_accept_restore(config);
    return no_words_but_json(config, bytes ? argc - 1 : argc, argv, bytes ? "/v1/audit?bytes" : "/v1/audit",
                             bytes ? NULL : show_audit, NULL);
}
