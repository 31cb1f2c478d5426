/* certificate: the collector's own certificate, made anew: by the office's authority, or by one elsewhere,
 * asked by a program or by hand. And what of the office ends when, for those who watch over it. */
#include "repo_run.h"
#include "signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_DAYS 730
#define NEAR_DAYS   60 /* a person has to act: a signature of several, a certificate */
#define NEXT_KEY    "authority/server.key.next" /* while its certificate is awaited */

/* ---- renewal ---- */

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
    sotto_status status = hq_sign_program(r.sign_command, &diag);
    if (status == SOTTO_OK)
        status = renew(&r, &diag);
    if (status == SOTTO_OK)
        tell(&r);
    sotto_wipe(r.authority_key, sizeof r.authority_key);
    sotto_wipe(r.server_key, sizeof r.server_key);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

/* ---- what ends when ---- */

/* What cannot be read is near: nobody knows when it ends. */
static void look(hq_expiry *e, const char *what, int64_t until_s, int64_t now_s, int64_t near_days,
                 const char *remedy)
{
    *e = (hq_expiry){
        .until_s = until_s, .near = until_s == 0 || until_s - now_s < near_days * HQ_DAY_S, .remedy = remedy};
    (void)snprintf(e->what, sizeof e->what, "%s", what);
}

static int64_t certificate_end(const char *dir, const char *name)
{
    char pem[SOTTO_PEM_MAX];
    sotto_cert_info info;
    if (hq_office_pem(dir, name, pem, NULL) != SOTTO_OK ||
        sotto_cert_read(sotto_span_str(pem), &info, NULL) != SOTTO_OK)
        return 0;
    return info.not_after_s;
}

/* Only where the authority's own key does not tell the time. serve gets the next one in the last third of its
 * life; near is when that has not happened. */
static void look_at_time(const char *dir, int64_t now_s, hq_expiry *out, size_t *count)
{
    char path[HQ_PATH_MAX];
    if (hq_path(dir, "authority/time.key", path, NULL) != SOTTO_OK || !sotto_port_exists(path))
        return;
    look(&out[(*count)++], "time certificate", certificate_end(dir, "authority/time.pem"), now_s, 7,
         "have authority/time.csr signed into authority/time.pem");
}

/* Lists of teams end by themselves, each with what its team last signed. One that cannot be read leaves the
 * others told all the same. */
static void look_at_teams(const hq_repo *repo, const char *dir, int64_t now_s, hq_expiry *out, size_t *count)
{
    hq_teams *teams = malloc(sizeof *teams);
    if (teams == NULL || hq_repo_teams(repo, teams, NULL) != SOTTO_OK) {
        look(&out[(*count)++], "list of teams", 0, now_s, 14, "sotto-hq keys list says why");
        free(teams);
        return;
    }
    for (size_t i = 0; i < teams->count; i++) {
        char what[sizeof out->what];
        sotto_vec bytes;
        sotto_tuf_info info = {0};
        bool read = hq_run_read_list(dir, "repo", teams->team[i].name, teams->team[i].version, &bytes,
                                     NULL) == SOTTO_OK &&
                    sotto_tuf_info_read(sotto_vec_span(&bytes), &info, NULL) == SOTTO_OK;
        sotto_vec_free(&bytes);
        (void)snprintf(what, sizeof what, "list of %s", teams->team[i].name);
        look(&out[(*count)++], what, read ? info.expires_s : 0, now_s, 14, "sotto-hq publish");
    }
    free(teams);
}

/* The roles of a release that is yet to come have no end yet, which is nobody's matter. */
static void look_at_role(const hq_repo *repo, enum hq_role which, int64_t now_s, int64_t near_days,
                         const char *remedy, hq_expiry *out)
{
    const hq_repo_role *role = &repo->role[which];
    look(out, hq_role_name(which), role->expires_s, now_s, near_days, remedy);
    out->near = out->near && role->version != 0;
}

static void look_at_repo(const char *dir, int64_t now_s, hq_expiry *out, size_t *count)
{
    hq_repo repo;
    if (hq_repo_read(&repo, dir, NULL) != SOTTO_OK) {
        look(&out[(*count)++], "repository", 0, now_s, 0,
             "sotto-hq keys list says which file; put it back from the backup");
        return;
    }
    const char *refresh = "sotto-hq publish --refresh, or let serve run";
    look_at_role(&repo, HQ_ROLE_ROOT, now_s, NEAR_DAYS, "sotto-hq keys renew", &out[(*count)++]);
    look_at_role(&repo, HQ_ROLE_TARGETS, now_s, 14, "sotto-hq publish", &out[(*count)++]);
    look_at_role(&repo, HQ_ROLE_SNAPSHOT, now_s, 7, refresh, &out[(*count)++]);
    look_at_role(&repo, HQ_ROLE_TIMESTAMP, now_s, 2, refresh, &out[(*count)++]);
    look_at_teams(&repo, dir, now_s, out, count);
    hq_repo_free(&repo);
}

size_t hq_office_expiries(const char *dir, int64_t now_s, hq_expiry out[static HQ_EXPIRIES])
{
    size_t count = 0;
    const int64_t authority_s = certificate_end(dir, "authority/ca.pem");
    look(&out[count++], "server certificate", certificate_end(dir, "authority/server.pem"), now_s, NEAR_DAYS,
         "sotto-hq certificate, then SIGHUP to serve");
    look(&out[count++], "device authority", authority_s, now_s, 365,
         authority_s == 0 ? "put authority/ca.pem back from the backup"
                          : "docs/operations.md, Rotate the device authority");
    look_at_time(dir, now_s, out, &count);
    look_at_repo(dir, now_s, out, &count);
    return count;
}
