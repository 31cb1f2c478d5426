/* doctor: what is wrong and what to do, one line a check. Looks only at what the user who asks may see, and
 * says so where it may not. */
#include "kiosk_priv.h"

#include <stdio.h>
#include <string.h>

#define DISK_LOW_BYTES (64ull << 20)
#define RENEW_LATE_S   (7 * 86400)  /* nights that may fail before it is worth a word */
#define RENEW_LAPSED_S (90 * 86400) /* head office renews a lapsed certificate for so long */
#define SILENT_S       (7 * 86400)
#define TIME_AHEAD_S   86400

enum verdict { GOOD, WARN, BAD, UNSEEN };

typedef struct findings {
    sotto_json *status; /* what serve says of itself; NULL = it does not answer */
    int64_t now_s;      /* serve's; without it, the machine's */
    bool json;
    size_t bad;
    sotto_buf out; /* with json: all of them, written at the end */
    sotto_json_writer w;
} findings;

static void put_text(sotto_json_writer *w, const char *name, const char *value)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, value);
}

static void tell(findings *f, enum verdict verdict, const char *check, const char *what, const char *remedy)
{
    static const char *const mark[] = {"ok", "warn", "BAD", "unseen"};
    f->bad += verdict == BAD;
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

static void check_clock(findings *f, const kiosk_config *config)
{
    char text[64];
    sotto_clock clock = kiosk_clock(config);
    int64_t now_s = clock.utc_s(clock.ctx);
    sotto_time_format(now_s, text);
    bool sane = now_s > sotto_time_days_from_civil(2025, 1, 1) * 86400 &&
                now_s < sotto_time_days_from_civil(2080, 1, 1) * 86400;
    tell(f, sane ? GOOD : BAD, "clock", text,
         sane ? "" : "set the clock: certificates and caps are judged by it");
}

static void check_key(findings *f, const kiosk_config *config)
{
    char path[KIOSK_PATH_MAX];
    sotto_diag diag = {0};
    if (config->key.kind != KIOSK_KEY_FILE) {
        bool there = false;
        bool known = kiosk_key_there(config, &there, &diag) == SOTTO_OK;
        tell(f,
             there   ? GOOD
             : known ? UNSEEN
                     : BAD,
             "key",
             there   ? "its provider gives it"
             : known ? "its provider has none for this user"
                     : diag.text,
             there ? "" : "keyring: load it after each start of the machine; command: run it by hand");
        return;
    }
    if (kiosk_path(config->vault_dir, "root.key", path, NULL) != SOTTO_OK || !sotto_port_exists(path)) {
        tell(f, UNSEEN, "key", "no key here, or not for this user's eyes", "new terminal: sotto init");
        return;
    }
    bool fine = sotto_port_check_private(path, &diag) == SOTTO_OK;
    tell(f, fine ? GOOD : BAD, "key", fine ? "there, and private" : "others can read the vault's key",
         fine ? "" : "chmod 600 it, then treat what it protected as read");
}

static void check_disk(findings *f, const kiosk_config *config)
{
    char text[64];
    uint64_t bytes = 0;
    if (sotto_port_disk_free(config->store_dir, &bytes, NULL) != SOTTO_OK) {
        tell(f, UNSEEN, "disk", "the store's folder cannot be looked at", "");
        return;
    }
    snprintf(text, sizeof text, "%llu MiB free", (unsigned long long)(bytes >> 20));
    tell(f, bytes < DISK_LOW_BYTES ? WARN : GOOD, "disk", text,
         bytes < DISK_LOW_BYTES ? "make room: a full disk keeps new events out" : "");
}

/* sync renews it by itself: a person has to act only when that goes on failing, or came too late. */
static void tell_certificate(findings *f, const sotto_cert_info *info)
{
    char text[160], until[21];
    int64_t left_s = info->not_after_s - f->now_s;
    bool late = kiosk_renewal_due(info, f->now_s - RENEW_LATE_S);
    sotto_time_format(info->not_after_s, until);
    snprintf(text, sizeof text, "%s, valid until %s%s", info->common_name, until,
             left_s >= 0 && late ? ", renewal is overdue" : "");
    tell(f,
         left_s < 0 ? BAD
         : late     ? WARN
                    : GOOD,
         "certificate", text,
         left_s < -RENEW_LAPSED_S ? "enrol again with a new code"
         : left_s < 0 ? "sotto sync renews it, for 90 days after its end; then only a new code helps"
         : late       ? "sotto sync renews it, and says why when it cannot"
                      : "");
}

static void check_certificate(findings *f, const kiosk_config *config)
{
    char path[KIOSK_PATH_MAX];
    sotto_vec pem;
    sotto_cert_info info;
    sotto_vec_init(&pem, 65536);
    if (kiosk_path(config->sync_dir, "device.pem", path, NULL) != SOTTO_OK ||
        sotto_port_read_file(path, &pem, NULL) != SOTTO_OK)
        tell(f, UNSEEN, "certificate", "none, or not for this user's eyes", "new terminal: sotto enrol CODE");
    else if (sotto_cert_read(sotto_vec_span(&pem), &info, NULL) != SOTTO_OK)
        tell(f, BAD, "certificate", "damaged", "enrol again with a new code");
    else
        tell_certificate(f, &info);
    sotto_vec_free(&pem);
}

static void check_wall(findings *f, const kiosk_config *config)
{
    enum sotto_port_wall wall = SOTTO_WALL_UNSUPPORTED;
    sotto_status status = sotto_port_deny_network(&wall, NULL);
    bool fine = status == SOTTO_OK && wall == SOTTO_WALL_ENFORCED;
    tell(f,
         fine                    ? GOOD
         : config->require_walls ? BAD
                                 : WARN,
         "wall",
         fine ? "the kernel can keep the network from serve"
              : "the kernel cannot keep the network from serve",
         fine ? "" : "use a kernel with seccomp filters");
}

/* serve's time against the machine's clock. Time does not go back on a terminal (caps and budgets must hold),
 * and no further ahead than a terminal may have been switched off (time.c). */
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
        tell(f, WARN, "time", what, "set the clock, or run sotto sync: head office tells the time");
    } else if (ahead_s < -TIME_AHEAD_S) {
        snprintf(what, sizeof what, "serve is at %.*s, the clock %lld days behind", (int)now.len,
                 (const char *)now.ptr, (long long)(-ahead_s / 86400));
        tell(f, known ? WARN : BAD, "time", what,
             known ? "set the clock; nothing is counted twice or lost meanwhile"
                   : "set the clock; was it far ahead once? the first sotto sync sets serve right");
    } else {
        if (known)
            snprintf(what, sizeof what, "told by head office on %.*s", (int)told.len, (const char *)told.ptr);
        else
            snprintf(what, sizeof what, "by the machine's clock alone");
        tell(f, GOOD, "time", what, "");
    }
}

/* When head office last told serve the time: each sync begins with that. */
static void check_sync(findings *f, const kiosk_config *config, sotto_json_node status)
{
    sotto_span text;
    int64_t told_s = 0;
    char what[96];
    if (config->url[0] == '\0')
        return; /* a terminal that never syncs */
    if (sotto_json_get_str(sotto_json_member(status, "clock"), "told", &text, NULL) != SOTTO_OK ||
        sotto_time_parse(text, &told_s) != SOTTO_OK) {
        tell(f, WARN, "sync", "head office has not been heard of yet", "sotto sync says why");
        return;
    }
    int64_t age_s = f->now_s > told_s ? f->now_s - told_s : 0;
    snprintf(what, sizeof what, "head office was last heard %lld %s ago",
             (long long)(age_s / (age_s < 2 * 86400 ? 3600 : 86400)), age_s < 2 * 86400 ? "hours" : "days");
    tell(f, age_s > SILENT_S ? WARN : GOOD, "sync", what,
         age_s > SILENT_S ? "sotto sync says why; and see that its timer runs" : "");
}

/* Reports stop when the store is older than its witness. */
static void check_restore(findings *f, sotto_json_node status)
{
    sotto_span text;
    char what[256];
    if (sotto_json_get_str(status, "stopped", &text, NULL) != SOTTO_OK)
        return;
    snprintf(what, sizeof what, "%.*s", (int)text.len, (const char *)text.ptr);
    tell(f, BAD, "restore", what,
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
    if (status == SOTTO_OK)
        status = sotto_json_parse(&f->status, response->body, "serve", NULL);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(sotto_json_root(f->status), "now", &now, NULL);
    if (status == SOTTO_OK)
        (void)!sotto_time_parse(now, &f->now_s);
    sotto_client_free(client);
}

/* Damaged here, or refused by head office for good. */
static void check_outbox(findings *f, sotto_json_node outbox)
{
    int64_t aside = 0;
    char text[64];
    if (sotto_json_get_i64(outbox, "damaged", 0, INT64_MAX, &aside, NULL) != SOTTO_OK || aside == 0)
        return;
    snprintf(text, sizeof text, "%lld reports were set aside", (long long)aside);
    tell(f, WARN, "outbox", text,
         "sotto audit shows them; after a repair at head office: sotto sync --again");
}

/* A release that did not pass its check here; the one before goes on. */
static void check_release(findings *f, sotto_json_node status)
{
    int64_t failed = 0, release = 0;
    sotto_span because;
    char what[160];
    sotto_json_node releases = sotto_json_member(status, "releases");
    if (sotto_json_get_i64(releases, "failed", 0, INT64_MAX, &failed, NULL) != SOTTO_OK || failed == 0 ||
        sotto_json_get_i64(status, "release", 0, INT64_MAX, &release, NULL) != SOTTO_OK ||
        sotto_json_get_str(releases, "text", &because, NULL) != SOTTO_OK)
        return;
    snprintf(what, sizeof what, "release %lld is not used: %.*s", (long long)failed, (int)because.len,
             (const char *)because.ptr);
    tell(f, release == 0 ? BAD : WARN, "release", what,
         release == 0 ? "publish another one; until then the terminal shows nothing"
                      : "publish another one; the one before is in use, and head office was told");
}

static void check_daemon(findings *f, const kiosk_config *config)
{
    int64_t release = 0, waiting = 0;
    char text[96];
    if (f->status == NULL) {
        tell(f, BAD, "serve", "does not answer on its socket", "start it: sotto serve");
        return;
    }
    sotto_json_node root = sotto_json_root(f->status), outbox = sotto_json_member(root, "outbox");
    if (sotto_json_get_i64(root, "release", 0, INT64_MAX, &release, NULL) != SOTTO_OK ||
        sotto_json_get_i64(outbox, "waiting", 0, INT64_MAX, &waiting, NULL) != SOTTO_OK)
        release = 0;
    snprintf(text, sizeof text, "running, release %lld, %lld reports waiting", (long long)release,
             (long long)waiting);
    tell(f, release == 0 || waiting > 7 ? WARN : GOOD, "serve", text,
         release == 0  ? "no release yet: sotto sync"
         : waiting > 7 ? "sync has not got through for a week"
                       : "");
    check_release(f, root);
    check_outbox(f, outbox);
    if (waiting >= KIOSK_OUTBOX_MAX)
        tell(f, BAD, "outbox", "full: no period is closed until head office takes reports",
             "sotto sync; days that become too old meanwhile are not measured");
    check_sync(f, config, root);
    check_time(f, root);
    check_restore(f, root);
}

static void check_all(findings *f, const kiosk_config *config)
{
    ask_serve(f, config);
    check_clock(f, config);
    check_key(f, config);
    check_disk(f, config);
    check_certificate(f, config);
    check_daemon(f, config);
    check_wall(f, config); /* last: from here on this process has no network itself */
}

int kiosk_cmd_doctor(const kiosk_config *config, int argc, char **argv)
{
    uint8_t memory[8192];
    findings f = {.json = argc == 2 && strcmp(argv[1], "--json") == 0,
                  .out = sotto_buf_of(memory, sizeof memory)};
    if (argc > 1 && !f.json)
        return kiosk_usage_at(argv[0], argv[argc > 2 && strcmp(argv[1], "--json") == 0 ? 2 : 1],
                              "takes --json and nothing else");
    sotto_diag diag = {0};
    sotto_status status = sotto_vault_start(&diag);
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    f.w = sotto_json_writer_of(&f.out);
    sotto_json_arr(&f.w);
    check_all(&f, config);
    sotto_json_free(f.status);
    sotto_json_arr_end(&f.w);
    if (f.json && (status = sotto_json_writer_end(&f.w)) != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    if (f.json)
        printf("%.*s\n", (int)f.out.len, (const char *)f.out.ptr);
    return f.bad > 0 ? 1 : 0;
}
