/* certificate: the collector's own certificate, made anew by the office's authority. And what of the office
 * ends when, for those who watch over it. */
#include "repo_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_DAYS 730
#define NEAR_DAYS   60 /* a person has to act: a signature of several, a certificate */

/* ---- renewal ---- */

typedef struct renewal {
    const char *dir;
    hq_list hosts;
    int64_t days, until_s;
    char authority_key[SOTTO_PEM_MAX], authority_cert[SOTTO_PEM_MAX], server_key[SOTTO_PEM_MAX],
        server_cert[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
} renewal;

static sotto_status read_office(renewal *r, sotto_cert_info *before, sotto_cert_info *authority,
                                sotto_diag *diag)
{
    sotto_status status = hq_office_key(r->dir, "authority/ca.key", r->authority_key, diag);
    if (status == SOTTO_OK)
        status = hq_office_pem(r->dir, "authority/ca.pem", r->authority_cert, diag);
    if (status == SOTTO_OK)
        status = hq_office_key(r->dir, "authority/server.key", r->server_key, diag);
    if (status == SOTTO_OK)
        status = hq_office_pem(r->dir, "authority/server.pem", r->server_cert, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_read(sotto_span_str(r->server_cert), before, diag);
    return status == SOTTO_OK ? sotto_cert_read(sotto_span_str(r->authority_cert), authority, diag) : status;
}

/* The same key and name: sessions and whoever pinned the key go on. Not longer than the authority itself. */
static sotto_status renew(renewal *r, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_cert_info before, authority;
    sotto_entropy entropy = sotto_port_entropy();
    int64_t now_s = hq_now();
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = read_office(r, &before, &authority, diag);
    if (status == SOTTO_OK && authority.not_after_s <= now_s)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, EXPIRED), r->dir, 0,
                               "the device authority itself has ended: terminals need a new one by hand");
    if (status != SOTTO_OK)
        return status;
    r->until_s = now_s + r->days * HQ_DAY_S;
    if (r->until_s > authority.not_after_s)
        r->until_s = authority.not_after_s;
    sotto_cert_request request = {.use = SOTTO_CERT_SERVER,
                                  .common_name = before.common_name,
                                  .names = r->hosts.item,
                                  .name_count = r->hosts.count,
                                  .not_before_s = now_s - HQ_DAY_S, /* terminals' clocks may be slow */
                                  .not_after_s = r->until_s};
    status = entropy.fill(entropy.ctx, request.serial, sizeof request.serial);
    request.serial[0] &= 0x7f;
    if (status == SOTTO_OK)
        status = sotto_keypair_public_pem(r->server_key, r->public_pem, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_issue(&request, sotto_span_str(r->public_pem), r->authority_key,
                                  r->authority_cert, r->server_cert, diag);
    if (status == SOTTO_OK)
        status = hq_path(r->dir, "authority/server.pem", path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_span_str(r->server_cert), 0644, diag)
                              : status;
}

int hq_cmd_certificate(int argc, char **argv)
{
    static renewal r;
    sotto_diag diag = {0};
    bool as_json = false;
    char until[21];
    r = (renewal){.days = SERVER_DAYS};
    const hq_option options[] = {{"--dir", HQ_TEXT, &r.dir, .required = true},
                                 {"--host", HQ_LIST, &r.hosts, .required = true},
                                 {"--days", HQ_NUMBER, &r.days, .min = 1, .max = 3650},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = renew(&r, &diag);
    sotto_wipe(r.authority_key, sizeof r.authority_key);
    sotto_wipe(r.server_key, sizeof r.server_key);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    sotto_time_format(r.until_s, until);
    if (as_json)
        printf("{\"certificate_until\":\"%s\"}\n", until);
    else
        printf("The collector's certificate is good until %s. A running serve takes it on SIGHUP.\n", until);
    return 0;
}

/* ---- what ends when ---- */

static void look(hq_expiry *e, const char *what, int64_t until_s, int64_t now_s, int64_t near_days,
                 const char *remedy)
{
    *e = (hq_expiry){
        .until_s = until_s, .near = until_s != 0 && until_s - now_s < near_days * HQ_DAY_S, .remedy = remedy};
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

/* Lists of teams end by themselves, each with what its team last signed. */
static sotto_status look_at_teams(const hq_repo *repo, const char *dir, int64_t now_s, hq_expiry *out,
                                  size_t *count, sotto_diag *diag)
{
    hq_teams *teams = malloc(sizeof *teams);
    if (teams == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the teams");
    sotto_status status = hq_repo_teams(repo, teams, diag);
    for (size_t i = 0; status == SOTTO_OK && i < teams->count; i++) {
        char what[sizeof out->what];
        sotto_vec bytes;
        sotto_tuf_info info = {0};
        bool read = hq_run_read_list(dir, "repo", teams->team[i].name, teams->team[i].version, &bytes,
                                     NULL) == SOTTO_OK &&
                    sotto_tuf_info_read(sotto_vec_span(&bytes), &info, NULL) == SOTTO_OK;
        sotto_vec_free(&bytes);
        (void)snprintf(what, sizeof what, "list of %s", teams->team[i].name);
        look(&out[*count], what, read ? info.expires_s : 0, now_s, 14, "sotto-hq publish");
        out[(*count)++].near |= !read; /* the others are told all the same */
    }
    free(teams);
    return status;
}

sotto_status hq_office_expiries(const char *dir, int64_t now_s, hq_expiry out[static HQ_EXPIRIES],
                                size_t *count, sotto_diag *diag)
{
    *count = 0;
    hq_repo repo;
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = hq_repo_read(&repo, dir, diag);
    if (status != SOTTO_OK)
        return status;
    const hq_repo_role *role = repo.role;
    look(&out[0], "root", role[HQ_ROLE_ROOT].expires_s, now_s, NEAR_DAYS, "sotto-hq keys renew");
    look(&out[1], "targets", role[HQ_ROLE_TARGETS].expires_s, now_s, 14, "sotto-hq publish");
    look(&out[2], "snapshot", role[HQ_ROLE_SNAPSHOT].expires_s, now_s, 7,
         "sotto-hq publish --refresh, or let serve run");
    look(&out[3], "timestamp", role[HQ_ROLE_TIMESTAMP].expires_s, now_s, 2,
         "sotto-hq publish --refresh, or let serve run");
    look(&out[4], "server certificate", certificate_end(dir, "authority/server.pem"), now_s, NEAR_DAYS,
         "sotto-hq certificate, then SIGHUP to serve");
    look(&out[5], "device authority", certificate_end(dir, "authority/ca.pem"), now_s, 365,
         "every terminal needs a new authority.pem by hand");
    *count = 6;
    status = look_at_teams(&repo, dir, now_s, out, count, diag);
    hq_repo_free(&repo);
    return status;
}
