/* doctor: what is wrong and what to do, one line a check. Looks only at what the user who asks may see, and
 * says so where it may not. --monitor: the same in one line, with the exit codes that monitoring systems know
 * (0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; Monitoring Plugins Development Guidelines, "Plugin Return Codes").
 */
#include "commands.h"
#include "commands/doctor.h"
#include "config/args.h"
#include "config/socket.h"
#include "engine/engine.h"
#include "night/night.h"

#include <stdio.h>
#include <string.h>

/* What head office is told too, it judges by the same numbers (sotto/sync.h). */
#define SILENT_S     (INT64_C(86400) * SOTTO_SILENT_DAYS)
#define TIME_AHEAD_S (INT64_C(60) * SOTTO_CLOCK_OFF_MIN)

static const char *const CHECK_NAME[] = {
#define X(name, text) text,
    CHECKS(X)
#undef X
};

static void put_text(sotto_json_writer *w, const char *name, const char *value)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, value);
}

void kiosk_doctor_tell(findings *f, enum verdict verdict, enum check about, const char *what,
                       const char *remedy)
{
    static const char *const mark[] = {"ok", "warn", "BAD", "unseen"};
    const char *check = CHECK_NAME[about];
    f->count[verdict]++;
    if (f->monitor) {
        if (verdict != UNSEEN && verdict > f->worst) {
            f->worst = verdict;
            snprintf(f->first, sizeof f->first, "%.24s: %.256s", check, what);
        }
        return;
    }
    if (!f->json) {
        printf("%-7s %-11s %s%s%s\n", mark[verdict], check, what, remedy[0] ? "\n        do: " : "", remedy);
        return;
    }
    sotto_json_obj(&f->w);
    put_text(&f->w, "check", check);
    put_text(&f->w, "verdict", verdict == BAD ? "bad" : mark[verdict]);
    put_text(&f->w, "text", what);
    put_text(&f->w, "remedy", remedy);
    sotto_json_obj_end(&f->w);
}

static void check_wall(findings *f, const kiosk_config *config)
{
    enum sotto_port_wall wall = SOTTO_WALL_UNSUPPORTED;
    sotto_status status = sotto_port_deny_network(&wall, NULL);
    bool fine = status == SOTTO_OK && wall == SOTTO_WALL_ENFORCED;
    kiosk_doctor_tell(f,
                      fine                    ? GOOD
                      : config->require_walls ? BAD
                                              : WARN,
                      CHECK_WALL,
                      fine ? "the kernel can keep the network from serve"
                           : "the kernel cannot keep the network from serve",
                      fine ? "" : "use a kernel with seccomp filters");
}

/* serve's time against the machine's clock. Time does not go back on a terminal (caps and budgets must hold),
 * and no further ahead than a terminal may have been switched off (engine/time.c). */
static void check_time(findings *f, sotto_json_node status)
{
    sotto_span now, told;
    int64_t ahead_s = 0;
    char what[128];
    sotto_json_node clock = sotto_json_member(status, "clock");
    if (sotto_json_get_str(status, "now", &now, NULL) != SOTTO_OK ||
        sotto_json_get_i64(clock, "machine_ahead_s", INT64_MIN, INT64_MAX, &ahead_s, NULL) != SOTTO_OK)
        return;
    bool known = sotto_json_get_str(clock, "told", &told, NULL) == SOTTO_OK;
    if (ahead_s > TIME_AHEAD_S) {
        snprintf(what, sizeof what, "the clock is %lld days ahead of what is known; serve keeps to %.*s",
                 (long long)(ahead_s / 86400), (int)now.len, (const char *)now.ptr);
        kiosk_doctor_tell(f, WARN, CHECK_TIME, what,
                          "set the clock, or run sotto sync: head office tells the time");
    } else if (ahead_s < -TIME_AHEAD_S) {
        snprintf(what, sizeof what, "serve is at %.*s, the clock %lld days behind", (int)now.len,
                 (const char *)now.ptr, (long long)(-ahead_s / 86400));
        kiosk_doctor_tell(
            f, known ? WARN : BAD, CHECK_TIME, what,
            known ? "set the clock; nothing is counted twice or lost meanwhile"
                  : "set the clock; was it far ahead once? the first sotto sync sets serve right");
    } else {
        if (known)
            snprintf(what, sizeof what, "told by head office on %.*s", (int)told.len, (const char *)told.ptr);
        else
            snprintf(what, sizeof what, "by the machine's clock alone");
        kiosk_doctor_tell(f, GOOD, CHECK_TIME, what, "");
    }
}

/* When head office last told serve the time: each sync begins with that. */
static void check_sync(findings *f, const kiosk_config *config, sotto_json_node status)
{
    sotto_span text;
    int64_t told_s = 0;
    char what[96];
    if (config->url[0] == '\0') {
        kiosk_doctor_tell(f, GOOD, CHECK_SYNC, "this terminal has no head office", "");
        return;
    }
    if (sotto_json_get_str(sotto_json_member(status, "clock"), "told", &text, NULL) != SOTTO_OK ||
        sotto_time_parse(text, &told_s) != SOTTO_OK) {
        kiosk_doctor_tell(f, WARN, CHECK_SYNC, "head office has not been heard of yet",
                          "sotto sync says why");
        return;
    }
    int64_t age_s = f->now_s > told_s ? f->now_s - told_s : 0;
    snprintf(what, sizeof what, "head office was last heard %lld %s ago",
             (long long)(age_s / (age_s < 2 * 86400 ? 3600 : 86400)), age_s < 2 * 86400 ? "hours" : "days");
    kiosk_doctor_tell(f, age_s > SILENT_S ? WARN : GOOD, CHECK_SYNC, what,
                      age_s > SILENT_S ? "sotto sync says why; and see that its timer runs" : "");
}

/* Reports and offers stop when the store is older than its witness. */
static void check_restore(findings *f, sotto_json_node status)
{
    sotto_span text;
    char what[256];
    if (sotto_json_get_str(status, "stopped", &text, NULL) != SOTTO_OK)
        return;
    snprintf(what, sizeof what, "%.*s", (int)text.len, (const char *)text.ptr);
    kiosk_doctor_tell(f, BAD, CHECK_RESTORE, what,
                      "find out who put it back; then, with serve stopped: sotto audit accept-restore");
}

/* First of all: the other checks go by serve's time. */
static void ask_serve(findings *f, const kiosk_config *config)
{
    sotto_client *client = NULL;
    const sotto_http_message *response;
    sotto_span now;
    sotto_clock clock = kiosk_clock(config);
    f->now_s = clock.utc_s(clock.ctx);
    sotto_status status = kiosk_local_client(config, KIOSK_API_SOCKET, &client, NULL);
    if (status == SOTTO_OK)
        status =
            sotto_client_request(client, "GET", "/v1/status", NULL, sotto_span_of(NULL, 0), &response, NULL);
    f->barred = sotto_status_cause(status) == SOTTO_CAUSE_DENIED;
    if (status == SOTTO_OK)
        status = sotto_json_parse(&f->status, response->body, "serve", NULL);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(sotto_json_root(f->status), "now", &now, NULL);
    if (status == SOTTO_OK)
        (void)!sotto_time_parse(now, &f->now_s);
    sotto_client_free(client);
}

/* What waits, and what was set aside: damaged here, or refused by head office for good. */
static void check_outbox(findings *f, sotto_json_node outbox)
{
    int64_t aside = 0, waiting = 0, reports = 0;
    char text[96];
    if (sotto_json_get_i64(outbox, "set_aside", 0, INT64_MAX, &aside, NULL) != SOTTO_OK ||
        sotto_json_get_i64(outbox, "waiting", 0, INT64_MAX, &waiting, NULL) != SOTTO_OK ||
        sotto_json_get_i64(outbox, "reports", 0, INT64_MAX, &reports, NULL) != SOTTO_OK)
        return;
    snprintf(text, sizeof text, "%lld of %lld reports wait, %lld were set aside", (long long)waiting,
             (long long)reports, (long long)aside);
    if (waiting >= KIOSK_OUTBOX_MAX)
        kiosk_doctor_tell(f, BAD, CHECK_OUTBOX, "full: no period is closed until head office takes reports",
                          "sotto sync; days that become too old meanwhile are not measured");
    else if (waiting > SOTTO_WAITING_MANY)
        kiosk_doctor_tell(f, WARN, CHECK_OUTBOX, text,
                          "sync has not got through for a week: sotto sync says why");
    else if (aside > 0)
        kiosk_doctor_tell(f, WARN, CHECK_OUTBOX, text,
                          "sotto audit shows them; after a repair at head office: sotto sync --again");
    else
        kiosk_doctor_tell(f, GOOD, CHECK_OUTBOX, text, "");
}

/* A release that did not pass its check here; the one before goes on. */
static void check_release(findings *f, sotto_json_node status)
{
    int64_t failed = 0, release = 0;
    sotto_span because;
    char what[160];
    sotto_json_node releases = sotto_json_member(status, "releases");
    if (sotto_json_get_i64(releases, "failed", 0, INT64_MAX, &failed, NULL) != SOTTO_OK ||
        sotto_json_get_i64(status, "release", 0, INT64_MAX, &release, NULL) != SOTTO_OK ||
        sotto_json_get_str(releases, "text", &because, NULL) != SOTTO_OK)
        return;
    if (failed == 0) {
        snprintf(what, sizeof what, "release %lld is in use", (long long)release);
        kiosk_doctor_tell(f, release == 0 ? WARN : GOOD, CHECK_RELEASE, release == 0 ? "none yet" : what,
                          release == 0 ? "sotto sync fetches it; until then the terminal shows nothing" : "");
        return;
    }
    snprintf(what, sizeof what, "release %lld is not used: %.*s", (long long)failed, (int)because.len,
             (const char *)because.ptr);
    kiosk_doctor_tell(f, release == 0 ? BAD : WARN, CHECK_RELEASE, what,
                      release == 0
                          ? "publish another one; until then the terminal shows nothing"
                          : "publish another one; the one before is in use, and head office was told");
}

/* Who has nothing left is measured no more, and that is as it should be: worth a word only when it is so many
 * that the figures of head office become thin. */
static void check_budget(findings *f, sotto_json_node status)
{
    int64_t charged = 0, nothing = 0, left_out = 0;
    bool nobody = false;
    char what[192], night[64] = "";
    sotto_json_node budget = sotto_json_member(status, "budget");
    if (sotto_json_get_i64(budget, "charged", 0, INT64_MAX, &charged, NULL) != SOTTO_OK ||
        sotto_json_get_i64(budget, "nothing_left", 0, INT64_MAX, &nothing, NULL) != SOTTO_OK ||
        sotto_json_get_bool(budget, "nobody_can_pay", &nobody, NULL) != SOTTO_OK) {
        kiosk_doctor_tell(f, BAD, CHECK_BUDGET, "the ledger of budgets cannot be read",
                          "serve's log says why (budget.not_counted); no report leaves meanwhile");
        return;
    }
    if (sotto_json_get_i64(sotto_json_member(status, "night"), "left_out", 0, INT64_MAX, &left_out, NULL) ==
        SOTTO_OK)
        snprintf(night, sizeof night, "; %lld times left out last night", (long long)left_out);
    snprintf(what, sizeof what, "%lld of %lld customers who were counted have nothing left%s",
             (long long)nothing, (long long)charged, night);
    if (nobody)
        kiosk_doctor_tell(
            f, WARN, CHECK_BUDGET,
            "nobody can be counted: what an old copy of the store lost was the whole budget",
            "a budget that is renewed (renewal in tasks.json) brings measurement back; nothing else may");
    else if (charged > 0 && nothing > charged / 2)
        kiosk_doctor_tell(
            f, WARN, CHECK_BUDGET, what,
            "they are measured no more: fewer tasks, or a budget that is renewed, in the next release");
    else
        kiosk_doctor_tell(f, GOOD, CHECK_BUDGET, what, "");
}

static void check_daemon(findings *f, const kiosk_config *config)
{
    static const enum check unknown[] = {CHECK_RELEASE, CHECK_SYNC, CHECK_OUTBOX, CHECK_BUDGET};
    if (f->status == NULL) {
        kiosk_doctor_tell(f, f->barred ? UNSEEN : BAD, CHECK_SERVE,
                          f->barred ? NOT_FOR_THIS_USER : "does not answer on its socket",
                          f->barred ? ""
                                    : "start it: its unit (systemctl start sotto-serve), or sotto serve");
        for (size_t i = 0; i < SOTTO_COUNT(unknown); i++)
            kiosk_doctor_tell(f, UNSEEN, unknown[i], "only serve knows", "");
        return;
    }
    sotto_json_node root = sotto_json_root(f->status);
    kiosk_doctor_tell(f, GOOD, CHECK_SERVE, "running", "");
    check_release(f, root);
    check_sync(f, config, root);
    check_outbox(f, sotto_json_member(root, "outbox"));
    check_budget(f, root);
    check_time(f, root);
    check_restore(f, root);
}

static void check_all(findings *f, const kiosk_config *config)
{
    ask_serve(f, config);
    kiosk_doctor_files(f, config);
    check_daemon(f, config);
    check_wall(f, config); /* last: from here on this process has no network itself */
}

/* One line for a monitoring system; numbers after the bar are its graphs. Returns its exit code. Who may not
 * ask serve knows next to nothing: that is no all-clear. */
static int say_monitor(const findings *f)
{
    static const char *const word[] = {"OK", "WARNING", "CRITICAL"};
    int64_t waiting = 0, nothing = 0;
    bool known = false;
    if (f->status != NULL) {
        sotto_json_node root = sotto_json_root(f->status);
        known = sotto_json_get_i64(sotto_json_member(root, "outbox"), "waiting", 0, INT64_MAX, &waiting,
                                   NULL) == SOTTO_OK &&
                sotto_json_get_i64(sotto_json_member(root, "budget"), "nothing_left", 0, INT64_MAX, &nothing,
                                   NULL) == SOTTO_OK;
    }
    bool unknown = f->worst == GOOD && f->barred;
    printf("SOTTO %s - %s (%zu bad, %zu warnings, %zu unseen)", unknown ? "UNKNOWN" : word[f->worst],
           unknown            ? "serve: " NOT_FOR_THIS_USER
           : f->worst == GOOD ? "all is well"
                              : f->first,
           f->count[BAD], f->count[WARN], f->count[UNSEEN]);
    if (known)
        printf(" | waiting=%lld nothing_left=%lld", (long long)waiting, (long long)nothing);
    printf("\n");
    return unknown ? 3 : f->worst == GOOD ? 0 : f->worst == WARN ? 1 : 2;
}

static int say_rest(findings *f)
{
    sotto_diag diag = {0};
    sotto_json_arr_end(&f->w);
    sotto_status status = f->json ? sotto_json_writer_end(&f->w) : SOTTO_OK;
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    if (f->json)
        printf("%.*s\n", (int)f->out.len, (const char *)f->out.ptr);
    return f->count[BAD] > 0 ? 1 : 0;
}

int kiosk_cmd_doctor(const kiosk_config *config, int argc, char **argv)
{
    uint8_t memory[8192];
    findings f = {.json = argc == 2 && strcmp(argv[1], "--json") == 0,
                  .monitor = argc == 2 && strcmp(argv[1], "--monitor") == 0,
                  .out = sotto_buf_of(memory, sizeof memory)};
    if (argc > 1 && !f.json && !f.monitor)
        return kiosk_usage_at(argv[0], argv[argc > 2 && strcmp(argv[1], "--json") == 0 ? 2 : 1],
                              "takes --json or --monitor and nothing else");
    sotto_diag diag = {0};
    sotto_status status = sotto_vault_start(&diag);
    if (status != SOTTO_OK && f.monitor) {
        printf("SOTTO UNKNOWN - %s\n", diag.text);
        return 3;
    }
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    f.w = sotto_json_writer_of(&f.out);
    sotto_json_arr(&f.w);
    check_all(&f, config);
    int code = f.monitor ? say_monitor(&f) : say_rest(&f);
    sotto_json_free(f.status);
    return code;
}
