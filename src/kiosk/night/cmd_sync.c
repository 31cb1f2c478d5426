/*
 * sync: has the network and no key. Before it opens a connection it takes from itself the right to open the
 * vault and the store, and refuses to run when it still could.
 */
#include "commands.h"
#include "config/args.h"
#include "config/keys.h"
#include "config/socket.h"
#include "config/trust.h"
#include "config/wall.h"
#include "night/night.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* From the first attempt: with a window of four hours before it, the next night is not far. */
#define GIVE_UP_MS (INT64_C(4) * 3600 * 1000)

typedef struct options {
    bool json, again, until_done;
    bool renew_later; /* head office has asked for it */
    int64_t within_s;
} options;

/* A command's runs, and what goes from one to the next: head office's ticket, so that who is sent away for a
 * while does not cost it a whole handshake each time. */
typedef struct tries {
    const kiosk_config *config;
    options *options;
    const sotto_log *log;
    sotto_ticket *ticket; /* NULL = none */
    bool serve_away;      /* the last run failed by that */
} tries;

/* The device's key where a program gives it: behind the wall none can be run, so it is asked for before. */
static sotto_vec held_key;

static sotto_status hold_key(const kiosk_config *config, sotto_diag *diag)
{
    char pem[SOTTO_PEM_MAX];
    sotto_vec_init(&held_key, SOTTO_PEM_MAX);
    if (config->device_key.kind != KIOSK_KEY_COMMAND)
        return SOTTO_OK;
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = kiosk_device_key(config, false, pem, diag);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&held_key, pem, strlen(pem));
    sotto_wipe(pem, sizeof pem);
    return status;
}

/* Everything the resolver, libc and TLS read, and the two folders that are sync's own. */
static sotto_status build_wall(const kiosk_config *config, sotto_diag *diag)
{
    const sotto_port_grant grants[] = {{config->sync_dir, true},
                                       {config->release_dir, true},
                                       {config->authority, false},
                                       {config->root, false},
                                       {"/etc", false},
                                       {"/lib", false},
                                       {"/usr", false},
                                       {"/dev", false},
                                       {"/run/systemd/resolve", false},
                                       {config->proxy_credentials, false}, /* "" is skipped */
                                       KIOSK_LEAK_CHECK_GRANT};
    enum sotto_port_wall wall;
    sotto_port_harden_process();
    return sotto_port_confine_files(grants, SOTTO_COUNT(grants), &wall, diag);
}

sotto_status kiosk_check_keyless(const kiosk_config *config, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    sotto_vec key;
    sotto_vec_init(&key, 4096);
    if (config->key.kind == KIOSK_KEY_COMMAND) /* no program can be run any more */
        return SOTTO_OK;
    sotto_status status = kiosk_path(config->vault_dir, "root.key", path, diag);
    if (status != SOTTO_OK)
        return status;
    /* Only these two say that the key is out of reach: any other failure (memory, a disk) may be gone next
     * time. */
    int cause = sotto_status_cause(config->key.kind == KIOSK_KEY_KEYRING
                                       ? sotto_port_keyring_read(config->key.name, &key, NULL)
                                       : sotto_port_read_file(path, &key, NULL));
    bool readable =
        cause != SOTTO_CAUSE_DENIED && cause != SOTTO_CAUSE_NOT_FOUND && cause != SOTTO_CAUSE_UNSUPPORTED;
    if (key.ptr != NULL)
        sotto_wipe(key.ptr, key.len);
    sotto_vec_free(&key);
    if (readable && config->require_walls)
        return sotto_diag_set(
            diag, SOTTO_ERR(KIOSK, DENIED),
            "sync could read the store's key and will not run: use another user than serve's, or a "
            "kernel with Landlock (\"require_walls\": false goes on without)");
    return SOTTO_OK;
}

typedef struct messenger {
    sotto_vec authority, certificate, key;
    sotto_time time;
    sotto_clock clock; /* time's */
    sotto_tls *tls;
    sotto_client *office, *serve;
    sotto_ticket **ticket; /* of the office, while there is no client to hold it */
    int64_t retry_after_s; /* that a renewal was told */
} messenger;

static sotto_status read_identity(const kiosk_config *config, messenger *m, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    sotto_status status = sotto_port_read_file(config->authority, &m->authority, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->sync_dir, "device.pem", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &m->certificate, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_set(diag, status, "this terminal is not enrolled: sotto enrol CODE");
    if (status != SOTTO_OK || held_key.len > 0)
        return status == SOTTO_OK ? sotto_vec_put(&m->key, held_key.ptr, held_key.len) : status;
    char pem[SOTTO_PEM_MAX];
    status = kiosk_device_key(config, false, pem, diag);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&m->key, pem, strlen(pem));
    sotto_wipe(pem, sizeof pem);
    return status;
}

static void leave_office(messenger *m)
{
    sotto_ticket *ticket = m->office == NULL ? NULL : sotto_client_take_ticket(m->office);
    if (ticket != NULL) {
        sotto_ticket_free(*m->ticket);
        *m->ticket = ticket;
    }
    sotto_client_free(m->office);
    sotto_tls_free(m->tls);
    m->office = NULL;
    m->tls = NULL;
}

/* Both doors of head office: the one that wants our certificate, and the one of enrolment, which does not. */
static sotto_status open_office(const kiosk_config *config, messenger *m, bool shown, sotto_diag *diag)
{
    const sotto_tls_identity identity = {.authority_pem = sotto_vec_span(&m->authority),
                                         .certificate_pem =
                                             shown ? sotto_vec_span(&m->certificate) : sotto_span_of(NULL, 0),
                                         .key_pem = shown ? sotto_vec_span(&m->key) : sotto_span_of(NULL, 0),
                                         .clock = m->clock};
    leave_office(m);
    sotto_status status = sotto_tls_new(&m->tls, false, &identity, diag);
    if (status == SOTTO_OK)
        status = kiosk_office_client(config, !shown, m->tls, m->clock, &m->office, diag);
    if (status == SOTTO_OK && shown) {
        sotto_client_give_ticket(m->office, *m->ticket);
        *m->ticket = NULL;
    }
    return status;
}

static sotto_status connect(const kiosk_config *config, messenger *m, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    sotto_status status = read_identity(config, m, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->sync_dir, "time", path, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_time_open(&m->time, kiosk_clock(config), config->clock_offset_s, path);
    m->clock = sotto_time_clock(&m->time);
    status = open_office(config, m, true, diag);
    return status == SOTTO_OK ? kiosk_local_client(config, KIOSK_LINK_SOCKET, &m->serve, diag) : status;
}

static void disconnect(messenger *m)
{
    leave_office(m);
    sotto_client_free(m->serve);
    if (m->key.ptr != NULL)
        sotto_wipe(m->key.ptr, m->key.len);
    sotto_vec_free(&m->key);
    sotto_vec_free(&m->certificate);
    sotto_vec_free(&m->authority);
}

static void tell_failure(const sotto_log *log, const char *part, const sotto_diag *why)
{
    char words[400];
    sotto_diag_format(why, words, sizeof words);
    sotto_log_event(log, SOTTO_LOG_ERROR, "sync.failed", "part=%s reason=\"%s\"", part, words);
}

/* A failure to learn the time is told and the night goes on by what is known: the line may be cut, and a
 * period can still be closed. But no certificate stays unjudged. *refused: head office says ours has lapsed.
 */
static sotto_status learn_time(const kiosk_config *config, messenger *m, const sotto_log *log, bool *refused,
                               sotto_diag *diag)
{
    sotto_diag why = {0};
    sotto_tls_time_unknown(m->tls);
    sotto_status status =
        kiosk_learn_time(config, &m->time, m->office, m->serve, sotto_vec_span(&m->authority), &why);
    *refused = sotto_status_cause(status) == SOTTO_CAUSE_EXPIRED;
    if (status != SOTTO_OK && !*refused)
        tell_failure(log, "time", &why);
    return sotto_tls_time_known(m->tls, diag);
}

/* Weeks offline: the certificate ended meanwhile. Asks the time and a new certificate at the other door, then
 * comes back to this one. */
static sotto_status recover(const kiosk_config *config, messenger *m, const sotto_log *log, sotto_diag *diag)
{
    bool refused = false;
    sotto_status status = open_office(config, m, false, diag);
    if (status == SOTTO_OK)
        status = learn_time(config, m, log, &refused, diag);
    if (status == SOTTO_OK)
        status = kiosk_renew(config, m->office, &m->key, &m->certificate, true, &m->retry_after_s, diag);
    if (status == SOTTO_OK) {
        sotto_log_event(log, SOTTO_LOG_WARN, "certificate.renewed", "it=lapsed");
        status = open_office(config, m, true, diag);
    }
    return status;
}

static sotto_status prepare(const kiosk_config *config, messenger *m, const sotto_log *log, sotto_diag *diag)
{
    bool refused = false;
    sotto_cert_info info;
    sotto_status status = connect(config, m, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_read(sotto_vec_span(&m->certificate), &info, diag);
    if (status == SOTTO_OK)
        status = learn_time(config, m, log, &refused, diag);
    bool lapsed = status == SOTTO_OK && m->time.told && m->clock.utc_s(m->clock.ctx) > info.not_after_s;
    if (status == SOTTO_OK && (refused || lapsed))
        status = recover(config, m, log, diag);
    return status;
}

/* Long before its end, so that many nights may fail. A failure is told and tried again the next night. */
static void renew_in_time(const kiosk_config *config, messenger *m, const sotto_log *log)
{
    sotto_cert_info info;
    sotto_diag diag = {0};
    if (!m->time.told || sotto_cert_read(sotto_vec_span(&m->certificate), &info, NULL) != SOTTO_OK ||
        !kiosk_renewal_due(&info, m->clock.utc_s(m->clock.ctx)))
        return;
    if (kiosk_renew(config, m->office, &m->key, &m->certificate, false, &m->retry_after_s, &diag) != SOTTO_OK)
        tell_failure(log, "certificate", &diag);
}

static void print_result(const sotto_night_result *r, bool json)
{
    if (json) {
        printf("{\"release\":%llu,\"release_changed\":%s,\"release_accepted\":%s,\"release_failed\":%s,"
               "\"release_bytes\":%llu,"
               "\"night_closed\":%s,"
               "\"reports_sent\":%llu,\"reports_repeated\":%llu,\"reports_refused\":%llu,\"report_bytes\":%"
               "llu,\"retry_after_s\":%lld,\"pack\":%llu}\n",
               (unsigned long long)r->release_version, r->release_changed ? "true" : "false",
               r->release_accepted ? "true" : "false", r->release_failed ? "true" : "false",
               (unsigned long long)r->release_bytes, r->night_closed ? "true" : "false",
               (unsigned long long)r->reports_sent, (unsigned long long)r->reports_repeated,
               (unsigned long long)r->reports_refused, (unsigned long long)r->report_bytes,
               (long long)r->retry_after_s, (unsigned long long)r->pack_seq);
        return;
    }
    if (r->release_changed)
        printf("Release %llu fetched and verified%s.\n", (unsigned long long)r->release_version,
               r->release_accepted ? ", in use" : "");
    else if (r->release_version != 0)
        printf("Release %llu is the newest.\n", (unsigned long long)r->release_version);
    if (r->release_failed)
        printf("It failed its health check here and is not used: sotto doctor says why.\n");
    if (r->pack_seq != 0)
        printf("Tag pack %llu applied.\n", (unsigned long long)r->pack_seq);
    if (r->serve_away)
        return; /* nobody was asked for reports */
    printf("%llu report%s acknowledged (%llu bytes%s).\n", (unsigned long long)r->reports_sent,
           r->reports_sent == 1 ? "" : "s", (unsigned long long)r->report_bytes,
           r->reports_repeated > 0 ? ", received before the line was cut" : "");
    if (r->reports_refused > 0)
        printf("%llu refused for good and set aside.\n", (unsigned long long)r->reports_refused);
}

/* What head office refused is sent again: after a repair there. */
static sotto_status send_again(messenger *m, sotto_diag *diag)
{
    const sotto_http_message *response;
    sotto_status status = sotto_client_request(m->serve, "POST", "/v1/outbox/again", "application/json",
                                               sotto_span_str("{}"), &response, diag);
    if (status != SOTTO_OK)
        return kiosk_serve_away(status, diag);
    if (response->code != 204)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT), "serve does not send reports again");
    return status;
}

static sotto_status run(const kiosk_config *config, messenger *m, options *o, sotto_night_result *result,
                        const sotto_log *log, sotto_diag *diag)
{
    char session[KIOSK_PATH_MAX], health[KIOSK_PATH_MAX];
    sotto_status status = prepare(config, m, log, diag);
    /* Enrolment did this; a release folder that was lost since then is begun again. */
    if (status == SOTTO_OK)
        status = kiosk_trust_root(config, config->release_dir, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->sync_dir, "session", session, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->sync_dir, "health", health, diag);
    if (status == SOTTO_OK && o->again)
        status = send_again(m, diag);
    if (status != SOTTO_OK)
        return status;
    o->again = false; /* once is enough, however often this is tried */
    const sotto_night_config night = {.head_office = m->office,
                                      .serve = m->serve,
                                      .release_dir = config->release_dir,
                                      .session_path = session,
                                      .health_path = health,
                                      .entropy = sotto_port_entropy(),
                                      .clock = m->clock,
                                      .log = log};
    status = sotto_night_run(&night, result, diag);
    print_result(result, o->json);
    if (!result->quarantined && result->retry_after_s == 0 && !o->renew_later)
        renew_in_time(config, m, log);
    o->renew_later = o->renew_later || m->retry_after_s != 0;
    m->retry_after_s = 0; /* the rest of this night need not wait for it */
    return status;
}

/* One run, with certificate and time read afresh. */
static sotto_status try_once(void *ctx, int64_t *retry_after_s, sotto_diag *diag)
{
    tries *all = ctx;
    messenger m = {.ticket = &all->ticket};
    sotto_night_result result = {0};
    sotto_vec_init(&m.authority, 65536);
    sotto_vec_init(&m.certificate, 65536);
    sotto_vec_init(&m.key, SOTTO_PEM_MAX - 1);
    sotto_status status = run(all->config, &m, all->options, &result, all->log, diag);
    *retry_after_s = result.retry_after_s != 0 ? result.retry_after_s : m.retry_after_s;
    disconnect(&m);
    all->serve_away = result.serve_away && sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND;
    if (!all->serve_away || !all->options->until_done)
        return status;
    tell_failure(all->log, "serve", diag);
    return SOTTO_ERR(KIOSK, NETWORK); /* it may come back: waiting helps */
}

/* The name that moments are drawn by; "" when there is none yet: the run itself says why. */
static void read_name(const kiosk_config *config, char name[static 65])
{
    char path[KIOSK_PATH_MAX];
    sotto_cert_info info;
    sotto_vec pem;
    name[0] = '\0';
    sotto_vec_init(&pem, 65536);
    if (kiosk_path(config->sync_dir, "device.pem", path, NULL) == SOTTO_OK &&
        sotto_port_read_file(path, &pem, NULL) == SOTTO_OK &&
        sotto_cert_read(sotto_vec_span(&pem), &info, NULL) == SOTTO_OK)
        snprintf(name, 65, "%s", info.common_name);
    sotto_vec_free(&pem);
}

static void wait_s(int64_t seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    while (nanosleep(&left, &left) != 0)
        ; /* a signal that does not end the process does not end the wait */
}

/* Nothing is open while it waits: a terminal may be switched off here. */
static sotto_status wait_for_its_moment(const options *o, const char *name, int64_t night)
{
    int64_t delay_s = 0;
    if (o->within_s == 0 || name[0] == '\0')
        return SOTTO_OK;
    sotto_status status = sotto_night_start(name, night, o->within_s, &delay_s);
    if (status != SOTTO_OK)
        return status;
    if (!o->json) {
        printf("Begins in %lld s.\n", (long long)delay_s);
        (void)fflush(stdout);
    }
    wait_s(delay_s);
    return SOTTO_OK;
}

static void wait_for_the_next(void *ctx, uint32_t next, int64_t pause_s)
{
    const tries *all = ctx;
    sotto_log_event(all->log, SOTTO_LOG_WARN, "sync.again", "attempt=%lu in_s=%lld", (unsigned long)next,
                    (long long)pause_s);
    (void)fflush(stdout);
    wait_s(pause_s);
}

static sotto_status all_night(const kiosk_config *config, options *o, sotto_diag *diag)
{
    char name[65];
    int64_t retry_after_s = 0;
    const sotto_clock clock = kiosk_clock(config);
    const sotto_log log = {.fd = 2, .level = SOTTO_LOG_WARN, .clock = clock, .program = "sotto-sync"};
    tries all = {.config = config, .options = o, .log = &log};
    const sotto_night_tries nights = {.device = name,
                                      .night = clock.utc_s(clock.ctx) / 86400,
                                      .give_up_ms = GIVE_UP_MS,
                                      .clock = clock,
                                      .ctx = &all,
                                      .run = try_once,
                                      .wait = wait_for_the_next};
    read_name(config, name);
    sotto_status status = wait_for_its_moment(o, name, nights.night);
    if (status == SOTTO_OK)
        status = o->until_done ? sotto_night_until_done(&nights, diag) : try_once(&all, &retry_after_s, diag);
    sotto_ticket_free(all.ticket);
    return all.serve_away ? SOTTO_ERR(KIOSK, NOT_FOUND) : status;
}

static bool read_options(options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        uint64_t seconds = 0;
        const char *within = kiosk_option(argc, argv, &i, "--within");
        if (within != NULL && sotto_parse_u64(sotto_span_str(within), &seconds) == SOTTO_OK &&
            seconds <= SOTTO_NIGHT_WINDOW_MAX_S)
            o->within_s = (int64_t)seconds;
        else if (within == NULL && strcmp(argv[i], "--json") == 0)
            o->json = true;
        else if (within == NULL && strcmp(argv[i], "--again") == 0)
            o->again = true;
        else if (within == NULL && strcmp(argv[i], "--until-done") == 0)
            o->until_done = true;
        else
            return kiosk_usage_at(argv[0], within != NULL ? "--within" : argv[i],
                                  "takes --within SECONDS (at most 86400), --until-done, --again and "
                                  "--json") == 0;
    }
    return true;
}

int kiosk_cmd_sync(const kiosk_config *config, int argc, char **argv)
{
    sotto_diag diag = {0};
    options o = {0};
    if (!read_options(&o, argc, argv))
        return 2;
    if (config->url[0] == '\0')
        return kiosk_usage(argv[0], "the configuration has no head_office");
    sotto_status status = hold_key(config, &diag);
    if (status == SOTTO_OK)
        status = build_wall(config, &diag);
    if (status == SOTTO_OK)
        status = kiosk_check_keyless(config, &diag);
    if (status == SOTTO_OK)
        status = sotto_vault_start(&diag);
    if (status == SOTTO_OK)
        status = all_night(config, &o, &diag);
    if (held_key.ptr != NULL)
        sotto_wipe(held_key.ptr, held_key.len);
    sotto_vec_free(&held_key);
    return status == SOTTO_OK ? 0 : kiosk_fail_status(status, &diag);
}
