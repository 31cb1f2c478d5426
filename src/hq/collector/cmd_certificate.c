/* certificate: the collector's own certificate, made anew: by the office's authority, or by one elsewhere,
 * asked by a program or by hand. */
#include "collector/signer.h"
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "release/repo_run.h"

#include <stdio.h>
#include <string.h>

#define SERVER_DAYS 730
#define NEXT_KEY    "authority/server.key.next" /* while its certificate is awaited */

typedef struct renewal {
    const char *dir, *sign_command, *from;
    hq_list hosts;
    int64_t days, now_s, until_s;
    bool new_key, as_json;
    char name[65];
    char authority_key[SOTTO_PEM_MAX], authority_cert[SOTTO_PEM_MAX], server_key[SOTTO_PEM_MAX],
        server_cert[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
} renewal;

static sotto_status write_part(const renewal *r, const char *name, const char *text, unsigned mode,
                               sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(r->dir, name, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_span_str(text), mode, diag) : status;
}

/* The name that the certificate before had; an office whose first one is yet to come is named by its host. */
static void find_name(renewal *r)
{
    sotto_cert_info before = {0};
    bool known = hq_office_pem(r->dir, "authority/server.pem", r->server_cert, NULL) == SOTTO_OK &&
                 sotto_cert_read(sotto_span_str(r->server_cert), &before, NULL) == SOTTO_OK;
    (void)snprintf(r->name, sizeof r->name, "%s",
                   known && before.common_name[0] != '\0' ? before.common_name : "head office");
}

static sotto_status read_office(renewal *r, sotto_diag *diag)
{
    sotto_entropy entropy = sotto_port_entropy();
    find_name(r);
    sotto_status status = hq_office_pem(r->dir, "authority/ca.pem", r->authority_cert, diag);
    if (status == SOTTO_OK)
        status = r->new_key ? sotto_keypair_make(&entropy, r->server_key, diag)
                            : hq_office_key(r->dir, "authority/server.key", r->server_key, diag);
    return status == SOTTO_OK ? sotto_keypair_public_pem(r->server_key, r->public_pem, diag) : status;
}

/* Sessions and whoever pinned the key go on where it stays. Not longer than the authority itself. */
static sotto_status issue(renewal *r, sotto_diag *diag)
{
    sotto_cert_info authority;
    sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = sotto_cert_read(sotto_span_str(r->authority_cert), &authority, diag);
    if (status == SOTTO_OK && authority.not_after_s <= r->now_s)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, EXPIRED), r->dir, 0,
                               "the device authority itself has ended: docs/operations.md says what to do");
    if (status != SOTTO_OK)
        return status;
    r->until_s = r->now_s + r->days * HQ_DAY_S;
    if (r->until_s > authority.not_after_s)
        r->until_s = authority.not_after_s;
    sotto_cert_request request = {.use = SOTTO_CERT_SERVER,
                                  .common_name = r->name,
                                  .names = r->hosts.item,
                                  .name_count = r->hosts.count,
                                  .not_before_s = r->now_s - HQ_DAY_S, /* terminals' clocks may be slow */
                                  .not_after_s = r->until_s};
    status = entropy.fill(entropy.ctx, request.serial, sizeof request.serial);
    request.serial[0] &= 0x7f;
    if (status == SOTTO_OK)
        status = sotto_cert_issue(&request, sotto_span_str(r->public_pem), r->authority_key,
                                  r->authority_cert, r->server_cert, diag);
    return status;
}

/* ---- an authority elsewhere ---- */

static hq_sign_order order_of(const renewal *r)
{
    return (hq_sign_order){.use = HQ_SIGN_SERVER,
                           .name = r->name,
                           .public_pem = r->public_pem,
                           .authority_pem = r->authority_cert,
                           .hosts = r->hosts.item,
                           .host_count = r->hosts.count,
                           .now_s = r->now_s};
}

static sotto_status ask(renewal *r, sotto_diag *diag)
{
    char csr[SOTTO_PEM_MAX];
    sotto_cert_info info;
    const hq_sign_order order = order_of(r);
    sotto_status status =
        sotto_csr_make_server(r->server_key, r->name, r->hosts.item, r->hosts.count, csr, diag);
    if (status == SOTTO_OK && r->sign_command != NULL) {
        status = hq_sign_ask(r->sign_command, &order, csr, NULL, r->server_cert, diag);
        if (status == SOTTO_OK)
            status = sotto_cert_read(sotto_span_str(r->server_cert), &info, diag);
        r->until_s = status == SOTTO_OK ? info.not_after_s : 0;
        return status;
    }
    if (status == SOTTO_OK && r->new_key)
        status = write_part(r, NEXT_KEY, r->server_key, 0600, diag);
    if (status == SOTTO_OK)
        status = write_part(r, "authority/server.csr", csr, 0644, diag);
    if (status != SOTTO_OK)
        return status;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), r->dir, 0,
                         "authority/ca.key is not here: have the bank's PKI sign authority/server.csr, then "
                         "sotto-hq certificate --dir DIR --from CERTIFICATE.pem");
}

static sotto_status take_with(renewal *r, sotto_span said, sotto_diag *diag)
{
    sotto_cert_info info;
    const hq_sign_order order = order_of(r);
    sotto_status status = sotto_keypair_public_pem(r->server_key, r->public_pem, diag);
    if (status == SOTTO_OK)
        status = hq_sign_check(&order, said, r->server_cert, &info, diag);
    if (status == SOTTO_OK)
        r->until_s = info.not_after_s;
    return status;
}

/* The names that the last request asked for, where it is this key's: terminals know head office by them. */
static sotto_status check_asked(const renewal *r, sotto_diag *diag)
{
    char csr[SOTTO_PEM_MAX], asked_for[SOTTO_PEM_MAX];
    sotto_diag why = {0};
    if (hq_office_pem(r->dir, "authority/server.csr", csr, NULL) != SOTTO_OK ||
        sotto_csr_check(sotto_span_str(csr), asked_for, NULL) != SOTTO_OK ||
        strcmp(asked_for, r->public_pem) != 0)
        return SOTTO_OK;
    sotto_status status = sotto_cert_check_asked(sotto_span_str(r->server_cert), sotto_span_str(csr), &why);
    return status == SOTTO_OK
               ? status
               : sotto_diag_at(diag, status, r->from, 0,
                               "%s, as authority/server.csr asks: have it signed with all of its names, or "
                               "ask anew with --host",
                               why.text);
}

/* For the key that waits for one, or for the one in use. */
static sotto_status take_file(renewal *r, sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, (size_t)16 * SOTTO_PEM_MAX);
    find_name(r);
    sotto_status status = sotto_port_read_file(r->from, &file, diag);
    if (status == SOTTO_OK)
        status = hq_office_pem(r->dir, "authority/ca.pem", r->authority_cert, diag);
    r->new_key = status == SOTTO_OK && hq_office_key(r->dir, NEXT_KEY, r->server_key, NULL) == SOTTO_OK &&
                 take_with(r, sotto_vec_span(&file), NULL) == SOTTO_OK;
    if (status == SOTTO_OK && !r->new_key)
        status = hq_office_key(r->dir, "authority/server.key", r->server_key, diag);
    if (status == SOTTO_OK && !r->new_key)
        status = hq_in_file(take_with(r, sotto_vec_span(&file), diag), r->from, diag);
    if (status == SOTTO_OK)
        status = check_asked(r, diag);
    sotto_vec_free(&file);
    return status;
}

/* ---- together ---- */

/* The key first: between the two writes a serve that starts finds that they do not belong together and says
 * so, and the same command once more mends it; those that run go on. */
static sotto_status install(renewal *r, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status =
        r->new_key ? write_part(r, "authority/server.key", r->server_key, 0600, diag) : SOTTO_OK;
    if (status == SOTTO_OK)
        status = write_part(r, "authority/server.pem", r->server_cert, 0644, diag);
    if (status == SOTTO_OK && r->new_key && hq_path(r->dir, NEXT_KEY, path, NULL) == SOTTO_OK)
        (void)!sotto_port_remove_file(path, NULL); /* it may not be there */
    return status;
}

static sotto_status renew(renewal *r, sotto_diag *diag)
{
    sotto_diag why = {0};
    r->now_s = hq_now();
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK && r->from != NULL) {
        status = take_file(r, diag);
    } else if (status == SOTTO_OK) {
        status = read_office(r, diag);
        sotto_status here = r->sign_command != NULL
                                ? SOTTO_ERR(HQ, NOT_FOUND)
                                : hq_office_key(r->dir, "authority/ca.key", r->authority_key, &why);
        if (status == SOTTO_OK && sotto_status_cause(here) == SOTTO_CAUSE_NOT_FOUND) {
            status = ask(r, diag);
        } else if (status == SOTTO_OK && here != SOTTO_OK) {
            *diag = why;
            status = here;
        } else if (status == SOTTO_OK) {
            status = issue(r, diag);
        }
    }
    return status == SOTTO_OK ? install(r, diag) : status;
}

static void tell(const renewal *r)
{
    char until[21];
    sotto_time_format(r->until_s, until);
    if (r->as_json)
        printf("{\"certificate_until\":\"%s\",\"new_key\":%s}\n", until, r->new_key ? "true" : "false");
    else
        printf("The collector's certificate is good until %s%s. A running serve takes it on SIGHUP.\n", until,
               r->new_key ? ", for a new key" : "");
}

int hq_cmd_certificate(int argc, char **argv)
{
    static renewal r;
    sotto_diag diag = {0};
    r = (renewal){0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &r.dir, .required = true},
                                 {"--host", HQ_LIST, &r.hosts, .required = false},
                                 {"--days", HQ_NUMBER, &r.days, .min = 1, .max = 3650},
                                 {"--new-key", HQ_FLAG, &r.new_key, .required = false},
                                 {"--sign-command", HQ_TEXT, &r.sign_command, .required = false},
                                 {"--from", HQ_TEXT, &r.from, .required = false},
                                 {"--json", HQ_FLAG, &r.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    if ((r.from != NULL) == (r.hosts.count > 0))
        return hq_usage(argv[0], "needs --host NAME for a new certificate, or --from FILE for one that came");
    if (r.from != NULL && (r.new_key || r.days != 0 || r.sign_command != NULL))
        return hq_usage(argv[0],
                        "--new-key, --days and --sign-command are for a new certificate, not --from");
    if (r.sign_command != NULL && r.sign_command[0] != '/')
        return hq_usage(argv[0], "--sign-command is a program's whole path");
    if (r.days == 0)
        r.days = SERVER_DAYS;
    sotto_status status = hq_office_own(r.dir, &diag);
    if (status == SOTTO_OK)
        status = hq_sign_program(r.sign_command, &diag);
    if (status == SOTTO_OK)
        status = renew(&r, &diag);
    if (status == SOTTO_OK)
        tell(&r);
    sotto_wipe(r.authority_key, sizeof r.authority_key);
    sotto_wipe(r.server_key, sizeof r.server_key);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
