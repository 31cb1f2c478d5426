/* Each date of the office, and whether somebody should act: what cannot be read is near as well. */
#include "collector/expiry.h"
#include "office/day.h"
#include "release/repo_run.h"

#include <stdio.h>
#include <stdlib.h>

#define NEAR_DAYS 60 /* a person has to act: a signature of several, a certificate */

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
