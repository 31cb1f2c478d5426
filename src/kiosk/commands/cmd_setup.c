/* init, enrol, import: what is done once, or when somebody brings something. */
#include "commands.h"
#include "commands/parts.h"
#include "config/args.h"
#include "config/keys.h"
#include "config/socket.h"
#include "config/trust.h"
#include "engine/import.h"
#include "engine/pack.h"
#include "night/night.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- init ---- */

/* What an init that was cut short (power, a full disk) left: a key without a store, which was never in use.
 * A store without its key is another matter: it must not get a new one. */
static sotto_status look_around(const kiosk_config *config, bool *key, sotto_diag *diag)
{
    char key_path[KIOSK_PATH_MAX], store_path[KIOSK_PATH_MAX], root_path[KIOSK_PATH_MAX];
    char current_path[KIOSK_PATH_MAX];
    sotto_status status = kiosk_path(config->vault_dir, "root.key", key_path, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->store_dir, "sotto.db", store_path, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->store_dir, "tuf/root.json", root_path, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->release_dir, "current", current_path, diag);
    if (status != SOTTO_OK)
        return status;
    status = kiosk_key_there(config, key, diag);
    if (status != SOTTO_OK)
        return status;
    bool store = sotto_port_exists(store_path);
    bool root = config->root[0] == '\0' || sotto_port_exists(root_path);
    if (store && !*key)
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, EXISTS), store_path, 0,
                             "there is a store and its key is gone: restore the key, or remove the store");
    if (*key && !store && sotto_port_exists(current_path))
        return sotto_diag_at(
            diag, SOTTO_ERR(KIOSK, EXISTS), key_path, 0,
            "this terminal was in use and its store is gone, with what customers' privacy has "
            "cost: restore it, or remove the key and enrol as a new terminal");
    if (store && root)
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, EXISTS), key_path, 0, "this terminal is made already");
    return SOTTO_OK;
}

static sotto_status make_vault(const kiosk_config *config, sotto_diag *diag)
{
    kiosk_key_memory memory;
    sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = sotto_port_make_dir(config->vault_dir, 0700, diag);
    const sotto_key_provider provider = kiosk_key_provider(config, &config->key, &memory);
    return status == SOTTO_OK ? sotto_vault_create(&provider, &entropy, diag) : status;
}

static sotto_status make_store(const kiosk_config *config, sotto_diag *diag)
{
    char store_path[KIOSK_PATH_MAX];
    kiosk_key_memory memory;
    sotto_vault *vault = NULL;
    sotto_store *store = NULL;
    sotto_store_config open = {.path = store_path, .create = true};
    sotto_status status = sotto_port_make_dir(config->store_dir, 0700, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->store_dir, "sotto.db", store_path, diag);
    const sotto_key_provider provider = kiosk_key_provider(config, &config->key, &memory);
    if (status == SOTTO_OK)
        status = sotto_vault_open(&vault, &provider, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_store_key(vault, open.key);
    if (status == SOTTO_OK)
        status = sotto_store_open(&store, &open, diag);
    sotto_wipe(open.key, sizeof open.key);
    sotto_store_close(store);
    sotto_vault_close(vault);
    return status;
}

int kiosk_cmd_init(const kiosk_config *config, int argc, char **argv)
{
    sotto_diag diag = {0};
    if (argc > 1)
        return kiosk_usage(argv[0], "takes no arguments");
    bool key = false;
    sotto_status status = sotto_vault_start(&diag);
    if (status == SOTTO_OK)
        status = look_around(config, &key, &diag);
    if (status == SOTTO_OK && !key)
        status = make_vault(config, &diag);
    if (status == SOTTO_OK)
        status = make_store(config, &diag);
    if (status == SOTTO_OK)
        status = kiosk_trust_root(config, config->store_dir, &diag);
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    printf("Made a key in %s and an empty encrypted store in %s.\n", config->vault_dir, config->store_dir);
    return 0;
}

/* ---- enrol ---- */

/* The report key's public half, from serve: this process has no key of the vault. */
static sotto_status ask_report_key(sotto_client *serve, uint8_t key[static SOTTO_PUBLIC_KEY_BYTES],
                                   sotto_diag *diag)
{
    const sotto_http_message *response;
    sotto_json *doc = NULL;
    sotto_span text;
    sotto_status status =
        sotto_client_request(serve, "GET", "/v1/identity", NULL, sotto_span_of(NULL, 0), &response, diag);
    if (status != SOTTO_OK)
        return kiosk_serve_away(status, diag);
    status = sotto_json_parse(&doc, response->body, "serve", diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(sotto_json_root(doc), "report_key", &text, diag);
    if (status == SOTTO_OK && sotto_hex_decode(text, key, SOTTO_PUBLIC_KEY_BYTES) != SOTTO_OK)
        status =
            sotto_json_bad(sotto_json_member(sotto_json_root(doc), "report_key"), diag,
                           SOTTO_ERR(KIOSK, MALFORMED), "serve's report key is not a point in hexadecimal");
    sotto_json_free(doc);
    return status;
}

static sotto_status tell_device(sotto_client *serve, const char *device, sotto_diag *diag)
{
    char body[128];
    const sotto_http_message *response;
    snprintf(body, sizeof body, "{\"device\":\"%s\"}", device);
    sotto_status status = sotto_client_request(serve, "POST", "/v1/identity", "application/json",
                                               sotto_span_str(body), &response, diag);
    if (status == SOTTO_OK && response->code != 204)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT), "serve did not take the device id: %.*s",
                                (int)(response->body.len < 200 ? response->body.len : 200),
                                (const char *)response->body.ptr);
    return status;
}

/* The device key is made once and never leaves its provider; enrolling again uses it again. */
static sotto_status device_key(const kiosk_config *config, char key_pem[static SOTTO_PEM_MAX],
                               sotto_diag *diag)
{
    sotto_status status = sotto_port_make_dir(config->sync_dir, 0700, diag);
    return status == SOTTO_OK ? kiosk_device_key(config, true, key_pem, diag) : status;
}

typedef struct enrolling {
    const kiosk_config *config;
    sotto_client *serve, *office;
    sotto_tls *tls;
    sotto_time time;
    sotto_vec authority;
    char key_pem[SOTTO_PEM_MAX], csr_pem[SOTTO_PEM_MAX], cert_pem[SOTTO_PEM_MAX];
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES];
    char device[65];
} enrolling;

/* A new terminal's clock may say anything: the time is asked before a certificate is judged by it. */
static sotto_status open_office(enrolling *x, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    const kiosk_config *config = x->config;
    sotto_status status = kiosk_path(config->sync_dir, "time", path, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_time_open(&x->time, kiosk_clock(config), config->clock_offset_s, path);
    status = sotto_port_read_file(config->authority, &x->authority, diag);
    const sotto_tls_identity identity = {.authority_pem = sotto_vec_span(&x->authority),
                                         .clock = sotto_time_clock(&x->time)};
    if (status == SOTTO_OK)
        status = sotto_tls_new(&x->tls, false, &identity, diag);
    if (status == SOTTO_OK)
        status = kiosk_office_client(config, true, x->tls, sotto_time_clock(&x->time), &x->office, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_tls_time_unknown(x->tls);
    status = kiosk_learn_time(config, &x->time, x->office, x->serve, sotto_vec_span(&x->authority), diag);
    return status == SOTTO_OK ? sotto_tls_time_known(x->tls, diag) : status;
}

/* Head office begins a new session with a new code, and knows nothing of how the terminal does. */
static sotto_status forget_session(const kiosk_config *config, sotto_diag *diag)
{
    static const char *const names[] = {"session", "health"};
    char path[KIOSK_PATH_MAX];
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < SOTTO_COUNT(names) && status == SOTTO_OK; i++) {
        status = kiosk_path(config->sync_dir, names[i], path, diag);
        if (status == SOTTO_OK)
            status = sotto_port_remove_file(path, NULL);
        if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
            status = SOTTO_OK;
    }
    return status;
}

static sotto_status enrol(enrolling *x, const char *code, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    sotto_status status = kiosk_local_client(x->config, KIOSK_LINK_SOCKET, &x->serve, diag);
    if (status == SOTTO_OK)
        status = ask_report_key(x->serve, x->report_key, diag);
    if (status == SOTTO_OK)
        status = device_key(x->config, x->key_pem, diag);
    if (status == SOTTO_OK)
        status = sotto_csr_make(x->key_pem, "sotto terminal", x->csr_pem, diag);
    if (status == SOTTO_OK)
        status = open_office(x, diag);
    const sotto_enrolment request = {.code = code, .csr_pem = x->csr_pem, .report_public_key = x->report_key};
    if (status == SOTTO_OK)
        status = sotto_enrol(x->office, &request, x->cert_pem, x->device, diag);
    /* Before the certificate takes the place of an older one: a terminal stays the device that it is. */
    if (status == SOTTO_OK)
        status = tell_device(x->serve, x->device, diag);
    if (status == SOTTO_OK)
        status = forget_session(x->config, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(x->config->sync_dir, "device.pem", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_span_str(x->cert_pem), 0600, diag);
    return status == SOTTO_OK ? kiosk_trust_root(x->config, x->config->release_dir, diag) : status;
}

int kiosk_cmd_enrol(const kiosk_config *config, int argc, char **argv)
{
    sotto_diag diag = {0};
    if (argc != 2)
        return kiosk_usage(argv[0], "needs the one-time code that head office gave for this terminal");
    if (argv[1][0] == '-')
        return kiosk_usage_at(argv[0], argv[1], "takes a one-time code, and no options");
    if (config->enrol_url[0] == '\0')
        return kiosk_usage(argv[0], "the configuration has no head_office");
    enrolling *x = calloc(1, sizeof *x);
    if (x == NULL)
        return sotto_status_exit_code(SOTTO_ERR(KIOSK, NO_MEMORY));
    x->config = config;
    sotto_vec_init(&x->authority, 65536);
    sotto_status status = sotto_vault_start(&diag);
    if (status == SOTTO_OK)
        status = enrol(x, argv[1], &diag);
    if (status == SOTTO_OK)
        printf("Enrolled as %s.\n", x->device);
    sotto_client_free(x->office);
    sotto_tls_free(x->tls);
    sotto_client_free(x->serve);
    sotto_vec_free(&x->authority);
    sotto_wipe(x, sizeof *x);
    free(x);
    return status == SOTTO_OK ? 0 : kiosk_fail_status(status, &diag);
}

/* ---- import ---- */

static void print_import(const char *path, uint64_t rows, bool repeated, bool json)
{
    if (json)
        printf("{\"customers\":%llu,\"repeated\":%s}\n", (unsigned long long)rows,
               repeated ? "true" : "false");
    else if (repeated)
        printf("%s was imported before: nothing to do.\n", path);
    else
        printf("Imported %llu customer%s from %s.\n", (unsigned long long)rows, sotto_plural(rows), path);
}

static void print_events(const kiosk_events_sum *sum, bool json)
{
    const unsigned long long rows = sum->rows, recorded = sum->recorded, repeated = sum->repeated,
                             late = sum->late, unknown = sum->unknown, counted = sum->counted;
    if (json)
        printf(
            "{\"rows\":%llu,\"recorded\":%llu,\"repeated\":%llu,\"late\":%llu,\"unknown\":%llu,\"counted\":"
            "%llu}\n",
            rows, recorded, repeated, late, unknown, counted);
    else
        printf(
            "Read %llu event%s: %llu recorded, %llu known before, %llu over 31 days behind their customer's "
            "latest,\n%llu of customers that this terminal does not know.\n",
            rows, sotto_plural(rows), recorded, repeated, late, unknown);
}

static int import_events(const kiosk_config *config, const char *path, bool json)
{
    sotto_diag diag = {0};
    kiosk_events_sum sum = {0};
    sotto_status status = kiosk_import_events(config, path, &sum, &diag);
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    print_events(&sum, json);
    return 0;
}

/* The same door for a branch without a line: a pack that was carried there. */
static int import_pack(const kiosk_config *config, const char *path, bool json)
{
    sotto_diag diag = {0};
    kiosk_engine *e = NULL;
    kiosk_pack_sum sum;
    sotto_status status = kiosk_engine_open(&e, config, &diag);
    if (status == SOTTO_OK)
        status = kiosk_pack_apply(e, path, &sum, &diag);
    kiosk_engine_close(e);
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    const unsigned long long seq = sum.seq, customers = sum.customers, forgotten = sum.forgotten;
    if (json)
        printf("{\"seq\":%llu,\"customers\":%llu,\"forgotten\":%llu,\"repeated\":%s}\n", seq, customers,
               forgotten, sum.repeated ? "true" : "false");
    else if (sum.repeated)
        printf("Tag pack %llu was applied before: nothing to do.\n", seq);
    else
        printf("Tag pack %llu applied: %llu customer%s set, %llu forgotten.\n", seq, customers,
               sotto_plural(customers), forgotten);
    return 0;
}

int kiosk_cmd_import(const kiosk_config *config, int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *path = NULL;
    bool json = false, repeated = false, events = false, pack = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--events") == 0)
            events = true;
        else if (strcmp(argv[i], "--pack") == 0)
            pack = true;
        else if (path == NULL && argv[i][0] != '-')
            path = argv[i];
        else
            return kiosk_usage_at(argv[0], argv[i],
                                  "takes one CSV file (or one pack), --events or --pack, and --json");
    }
    if (path == NULL || (events && pack))
        return kiosk_usage(argv[0], path == NULL ? "needs one CSV file or pack"
                                                 : "takes --events or --pack, not both");
    if (events)
        return import_events(config, path, json);
    if (pack)
        return import_pack(config, path, json);
    kiosk_engine *e = NULL;
    uint64_t rows = 0;
    sotto_status status = kiosk_engine_open(&e, config, &diag);
    if (status == SOTTO_OK)
        status = kiosk_import(e, path, &rows, &repeated, &diag);
    kiosk_engine_close(e);
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    print_import(path, rows, repeated, json);
    return 0;
}

/* ---- pack ---- */

static sotto_status own_statement(const kiosk_config *config, sotto_vec *out, sotto_diag *diag)
{
    kiosk_engine *e = NULL;
    sotto_pack_state state;
    char json[SOTTO_PACK_STATE_MAX];
    sotto_buf text = sotto_buf_of(json, sizeof json);
    sotto_status status = kiosk_engine_open(&e, config, diag);
    if (status == SOTTO_OK)
        status = kiosk_pack_state(e, &state, diag);
    if (status == SOTTO_OK)
        status = sotto_pack_state_write(&state, &text);
    kiosk_engine_close(e);
    return status == SOTTO_OK ? sotto_vec_put(out, text.ptr, text.len) : status;
}

static sotto_status daemons_statement(const kiosk_config *config, sotto_vec *out, sotto_diag *diag)
{
    sotto_client *serve = NULL;
    const sotto_http_message *response;
    sotto_status status = kiosk_local_client(config, KIOSK_LINK_SOCKET, &serve, diag);
    if (status == SOTTO_OK)
        status =
            sotto_client_request(serve, "GET", "/v1/pack", NULL, sotto_span_of(NULL, 0), &response, diag);
    if (status == SOTTO_OK && response->code != 200)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                                "serve has nothing to say: is this terminal enrolled?");
    if (status == SOTTO_OK)
        status = sotto_vec_put(out, response->body.ptr, response->body.len);
    sotto_client_free(serve);
    return status;
}

int kiosk_cmd_pack(const kiosk_config *config, int argc, char **argv)
{
    sotto_diag diag = {0}, busy = {0};
    sotto_vec out;
    if (argc > 1)
        return kiosk_usage(argv[0], "takes nothing");
    sotto_vec_init(&out, SOTTO_PACK_STATE_MAX);
    sotto_status status = own_statement(config, &out, &busy);
    if (sotto_status_cause(status) == SOTTO_CAUSE_BUSY)
        status = daemons_statement(config, &out, &diag);
    else
        diag = busy;
    if (status == SOTTO_OK)
        printf("%.*s\n", (int)out.len, (const char *)out.ptr);
    sotto_vec_free(&out);
    return status == SOTTO_OK ? 0 : kiosk_fail_status(status, &diag);
}
