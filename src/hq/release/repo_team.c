/*
 * Lists of teams in a release. Each has a version of its own, which the list of the release names: a team
 * signs anew only when files of its own have changed, its keys have, or its list would end too soon.
 */
#include "office/args.h"
#include "office/day.h"
#include "release/repo_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAX (512u << 10)

/* ---- what stands ---- */

/* The entry of the team's list; NULL: it has none yet. */
static hq_repo_list *list_of(hq_repo *repo, const char *team)
{
    for (size_t i = 0; i < repo->list_count; i++)
        if (strcmp(repo->list[i].name, team) == 0)
            return &repo->list[i];
    return NULL;
}

sotto_status hq_run_read_list(const char *dir, const char *folder, const char *role, uint64_t version,
                              sotto_vec *bytes, sotto_diag *diag)
{
    char relative[96], path[HQ_PATH_MAX];
    sotto_vec_init(bytes, METADATA_MAX);
    (void)snprintf(relative, sizeof relative, "%s/%llu.%s.json", folder, (unsigned long long)version, role);
    sotto_status status = hq_path(dir, relative, path, diag);
    return status == SOTTO_OK ? sotto_port_read_file(path, bytes, diag) : status;
}

sotto_status hq_teams_of(sotto_span targets, hq_teams *out, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    memset(out, 0, sizeof *out);
    if (targets.len == 0)
        return SOTTO_OK;
    sotto_status status = sotto_json_parse(&doc, targets, "targets.json", diag);
    if (status == SOTTO_OK)
        status = hq_teams_parse(
            out, sotto_json_member(sotto_json_member(sotto_json_root(doc), "signed"), "delegations"), diag);
    sotto_json_free(doc);
    return status;
}

sotto_status hq_repo_teams(const hq_repo *repo, hq_teams *out, sotto_diag *diag)
{
    return hq_teams_of(sotto_vec_span(&repo->targets), out, diag);
}

static sotto_status read_file(sotto_json_node entry, hq_tuf_file *to, sotto_diag *diag)
{
    int64_t length = 0;
    sotto_span hex;
    sotto_status status = sotto_json_get_i64(entry, "length", 0, HQ_FILE_LIMIT, &length, diag);
    to->length = (uint64_t)length;
    if (status == SOTTO_OK)
        status = sotto_json_get_str(sotto_json_member(entry, "hashes"), "sha256", &hex, diag);
    return status == SOTTO_OK ? sotto_hex_decode(hex, to->sha256, sizeof to->sha256) : status;
}

sotto_status hq_tuf_files(sotto_span list, hq_tuf_file out[static HQ_BUNDLE_COUNT], size_t *count,
                          sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_status status = sotto_json_parse(&doc, list, "a list of targets", diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node targets = sotto_json_member(sotto_json_member(sotto_json_root(doc), "signed"), "targets");
    for (size_t i = 0; status == SOTTO_OK && i < HQ_BUNDLE_COUNT; i++) {
        const char *name = hq_bundle_name((enum hq_bundle_file)i);
        sotto_json_node entry = sotto_json_member(targets, name);
        if (sotto_json_type(entry) == SOTTO_JSON_ABSENT)
            continue;
        if (*count == HQ_BUNDLE_COUNT || hq_tuf_file_find(out, *count, name) != NULL)
            status = sotto_json_bad(entry, diag, SOTTO_ERR(HQ, CONFLICT), "%s is listed twice", name);
        if (status != SOTTO_OK)
            break;
        out[*count] = (hq_tuf_file){.name = name};
        status = read_file(entry, &out[(*count)++], diag);
    }
    sotto_json_free(doc);
    return status;
}

const hq_tuf_file *hq_tuf_file_find(const hq_tuf_file *files, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

static sotto_status add_list(const char *dir, const char *folder, const hq_team *team,
                             hq_tuf_file out[static HQ_BUNDLE_COUNT], size_t *count, sotto_diag *diag)
{
    sotto_vec bytes;
    sotto_status status = hq_run_read_list(dir, folder, team->name, team->version, &bytes, diag);
    if (status == SOTTO_OK)
        status = hq_tuf_files(sotto_vec_span(&bytes), out, count, diag);
    sotto_vec_free(&bytes);
    return status;
}

void hq_run_tell_end(hq_run *r)
{
    int64_t *end_s = &r->out->expires_s[HQ_ROLE_TARGETS];
    for (size_t i = 0; i < r->teams->count; i++) {
        sotto_vec bytes;
        sotto_tuf_info info;
        const hq_team *team = &r->teams->team[i];
        if (hq_run_read_list(r->dir, "repo", team->name, team->version, &bytes, NULL) == SOTTO_OK &&
            sotto_tuf_info_read(sotto_vec_span(&bytes), &info, NULL) == SOTTO_OK && info.expires_s < *end_s)
            *end_s = info.expires_s;
        sotto_vec_free(&bytes);
    }
}

sotto_status hq_repo_files(const hq_repo *repo, const char *dir, hq_tuf_file out[static HQ_BUNDLE_COUNT],
                           size_t *count, sotto_diag *diag)
{
    hq_teams *teams = malloc(sizeof *teams);
    if (teams == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the teams");
    *count = 0;
    sotto_status status = hq_tuf_files(sotto_vec_span(&repo->targets), out, count, diag);
    if (status == SOTTO_OK)
        status = hq_repo_teams(repo, teams, diag);
    for (size_t i = 0; status == SOTTO_OK && i < teams->count; i++)
        status = add_list(dir, "repo", &teams->team[i], out, count, diag);
    free(teams);
    return status;
}

sotto_status hq_repo_team_fits(hq_repo *repo, const hq_teams *teams, const char *name, sotto_diag *diag)
{
    size_t count = repo->list_count;
    if (list_of(repo, name) != NULL)
        return SOTTO_OK;
    for (size_t i = 0; i < teams->count; i++)
        count += list_of(repo, teams->team[i].name) == NULL;
    if (count < HQ_REPO_LISTS_MAX)
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                          "at most %d teams in all the office's life: take the name of one that was removed",
                          HQ_REPO_LISTS_MAX);
}

/* ---- the next lists ---- */

/* The team's files, of all that the release is made of. */
static size_t files_of(const hq_run *r, const hq_team *team, hq_tuf_file out[static HQ_BUNDLE_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; i < r->listed_count; i++)
        if (hq_teams_owner(r->teams, r->listed[i].name) == team)
            out[count++] = r->listed[i];
    return count;
}

/* Who signs what, as bytes that signatures can be held against: the list to come, without its files. */
static sotto_status make_delegator(const hq_run *r, sotto_vec *out, sotto_diag *diag)
{
    const hq_tuf_doc doc = {.role = HQ_ROLE_TARGETS, .version = 1, .expires_s = r->now_s, .teams = r->teams};
    sotto_vec_init(out, METADATA_MAX);
    return hq_tuf_write(&doc, NULL, out, diag);
}

bool hq_tuf_files_equal(const hq_tuf_file *a, size_t a_count, const hq_tuf_file *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        const hq_tuf_file *other = hq_tuf_file_find(b, b_count, a[i].name);
        if (other == NULL || other->length != a[i].length ||
            memcmp(other->sha256, a[i].sha256, sizeof other->sha256) != 0)
            return false;
    }
    return true;
}

static bool same_files(sotto_span list, const hq_tuf_file *files, size_t count)
{
    hq_tuf_file before[HQ_BUNDLE_COUNT];
    size_t listed = 0;
    return hq_tuf_files(list, before, &listed, NULL) == SOTTO_OK &&
           hq_tuf_files_equal(files, count, before, listed);
}

/* Whether the list that stands says the same, is signed as the team is now, and lasts. */
static bool still_holds(const hq_run *r, const hq_team *team, uint64_t version, sotto_span delegator)
{
    hq_tuf_file files[HQ_BUNDLE_COUNT];
    size_t count = files_of(r, team, files);
    sotto_tuf_info info;
    sotto_tuf_signers have = {0};
    sotto_vec bytes;
    bool holds =
        hq_run_read_list(r->dir, "repo", team->name, version, &bytes, NULL) == SOTTO_OK &&
        same_files(sotto_vec_span(&bytes), files, count) &&
        sotto_tuf_info_read(sotto_vec_span(&bytes), &info, NULL) == SOTTO_OK &&
        info.expires_s - r->now_s > 3 * r->days * HQ_DAY_S / 2 &&
        sotto_tuf_count_signers(delegator, team->name, sotto_vec_span(&bytes), &have, NULL) == SOTTO_OK &&
        have.signed_by >= have.needed;
    sotto_vec_free(&bytes);
    return holds;
}

/* The team's list, signed by those of its keys that are here. */
static sotto_status make_list(const hq_run *r, const hq_team *team, sotto_vec *bytes, sotto_diag *diag)
{
    hq_tuf_file files[HQ_BUNDLE_COUNT];
    hq_keyring *ring = NULL;
    const hq_tuf_doc doc = {.role = HQ_ROLE_TARGETS,
                            .version = team->version,
                            .expires_s = r->now_s + 3 * r->days * HQ_DAY_S,
                            .files = files,
                            .file_count = files_of(r, team, files)};
    sotto_status status = hq_keyring_load(&ring, r->dir, team->name, &team->who, diag);
    if (status == SOTTO_OK)
        status = hq_tuf_write(&doc, ring, bytes, diag);
    hq_keyring_free(ring);
    return status;
}

/* Writes the list of a team, and the next snapshot names it. */
static sotto_status stage_list(hq_run *r, const hq_team *team, sotto_span bytes, sotto_diag *diag)
{
    char name[64];
    hq_repo_list *entry = list_of(&r->repo, team->name);
    if (entry == NULL && r->repo.list_count == HQ_REPO_LISTS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "at most %d teams in all the office's life",
                              HQ_REPO_LISTS_MAX);
    (void)snprintf(name, sizeof name, "%llu.%s.json", (unsigned long long)team->version, team->name);
    sotto_status status = hq_run_put_file(r, name, bytes, diag);
    if (status != SOTTO_OK)
        return status;
    if (entry == NULL)
        entry = &r->repo.list[r->repo.list_count++];
    *entry = (hq_repo_list){.version = team->version};
    memcpy(entry->name, team->name, sizeof entry->name);
    return SOTTO_OK;
}

static sotto_status missing(const hq_team *team, const sotto_tuf_signers *have, sotto_diag *diag)
{
    return sotto_diag_set(
        diag, SOTTO_ERR(HQ, AUTH),
        "the list of %s needs %zu signatures, %zu of its keys are here: publish --prepare, then sign",
        team->name, have->needed, have->signed_by);
}

static sotto_status draft_list(hq_run *r, const hq_team *team, sotto_span bytes,
                               const sotto_tuf_signers *have, sotto_diag *diag)
{
    hq_draft *draft = &r->out->team[r->out->teams++];
    draft->signers = *have;
    sotto_status status = hq_draft_put(r->dir, team->name, team->version, bytes, diag);
    if (status == SOTTO_OK)
        status = hq_draft_note(r->dir, team->name, team->version, bytes, diag);
    return status == SOTTO_OK ? hq_draft_path(r->dir, team->name, team->version, draft->path, diag) : status;
}

static sotto_status next_list(hq_run *r, hq_team *team, bool as_draft, sotto_span delegator, sotto_diag *diag)
{
    sotto_vec bytes;
    sotto_tuf_signers have = {0};
    const hq_repo_list *stands = list_of(&r->repo, team->name);
    sotto_vec_init(&bytes, METADATA_MAX);
    team->version = stands != NULL ? stands->version : 0;
    if (stands != NULL && still_holds(r, team, team->version, delegator))
        return SOTTO_OK;
    team->version++;
    sotto_status status = make_list(r, team, &bytes, diag);
    if (status == SOTTO_OK)
        status = sotto_tuf_count_signers(delegator, team->name, sotto_vec_span(&bytes), &have, diag);
    if (status == SOTTO_OK && as_draft)
        status = draft_list(r, team, sotto_vec_span(&bytes), &have, diag);
    else if (status == SOTTO_OK && have.signed_by < have.needed)
        status = missing(team, &have, diag);
    else if (status == SOTTO_OK)
        status = stage_list(r, team, sotto_vec_span(&bytes), diag);
    sotto_vec_free(&bytes);
    return status;
}

sotto_status hq_run_lists(hq_run *r, bool as_draft, sotto_diag *diag)
{
    sotto_vec delegator;
    sotto_status status = make_delegator(r, &delegator, diag);
    for (size_t i = 0; status == SOTTO_OK && i < r->teams->count; i++)
        status = next_list(r, &r->teams->team[i], as_draft, sotto_vec_span(&delegator), diag);
    sotto_vec_free(&delegator);
    return status;
}

/* ---- what was signed elsewhere ---- */

static sotto_status judge_list(hq_run *r, const hq_team *team, bool is_new, sotto_span targets,
                               sotto_span bytes, sotto_diag *diag)
{
    sotto_tuf_info info;
    sotto_tuf_signers have = {0};
    char path[HQ_PATH_MAX];
    sotto_status status = hq_draft_path(r->dir, team->name, team->version, path, diag);
    if (status == SOTTO_OK)
        status = sotto_tuf_info_read(bytes, &info, diag);
    if (status == SOTTO_OK && (uint64_t)info.version != team->version)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "has version %lld, the release takes %llu",
                                (long long)info.version, (unsigned long long)team->version);
    if (status == SOTTO_OK && info.expires_s <= r->now_s)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, EXPIRED), "has expired: publish --prepare again");
    if (status == SOTTO_OK)
        status = sotto_tuf_check_paths(targets, team->name, bytes, diag);
    if (status == SOTTO_OK && is_new)
        status = hq_draft_is_noted(r->dir, team->name, team->version, bytes, diag);
    if (status == SOTTO_OK)
        status = sotto_tuf_count_signers(targets, team->name, bytes, &have, diag);
    if (status == SOTTO_OK && have.signed_by < have.needed) {
        r->out->signers = have;
        memcpy(r->out->draft, path, sizeof path);
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, AUTH),
                                "signed by %zu of the %s keys, needs %zu: sotto-hq sign FILE --key KEY",
                                have.signed_by, team->name, have.needed);
    }
    return hq_in_file(status, path, diag);
}

static sotto_status take_list(hq_run *r, const hq_team *team, sotto_span targets, bool stage,
                              sotto_diag *diag)
{
    sotto_vec bytes;
    const hq_repo_list *stands = list_of(&r->repo, team->name);
    bool is_new = stands == NULL || stands->version != team->version;
    if (team->version == 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "the list names no version of %s", team->name);
    if (stands != NULL && team->version < stands->version)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "the list of %s is at version %llu already",
                              team->name, (unsigned long long)stands->version);
    sotto_status status =
        hq_run_read_list(r->dir, is_new ? "draft" : "repo", team->name, team->version, &bytes, diag);
    if (status == SOTTO_OK && !stage)
        status = judge_list(r, team, is_new, targets, sotto_vec_span(&bytes), diag);
    if (status == SOTTO_OK && !stage)
        status = hq_tuf_files(sotto_vec_span(&bytes), r->listed, &r->listed_count, diag);
    if (status == SOTTO_OK && stage && is_new)
        status = stage_list(r, team, sotto_vec_span(&bytes), diag);
    sotto_vec_free(&bytes);
    return status;
}

sotto_status hq_run_draft_files(hq_run *r, sotto_span targets, sotto_diag *diag)
{
    r->listed_count = 0;
    sotto_status status = hq_tuf_files(targets, r->listed, &r->listed_count, diag);
    if (status == SOTTO_OK)
        status = hq_teams_of(targets, r->teams, diag);
    for (size_t i = 0; status == SOTTO_OK && i < r->teams->count; i++) {
        const hq_team *team = &r->teams->team[i];
        const hq_repo_list *stands = list_of(&r->repo, team->name);
        bool is_new = stands == NULL || stands->version != team->version;
        status = add_list(r->dir, is_new ? "draft" : "repo", team, r->listed, &r->listed_count, diag);
    }
    return status;
}

sotto_status hq_run_take_lists(hq_run *r, sotto_span targets, bool stage, sotto_diag *diag)
{
    sotto_status status = hq_teams_of(targets, r->teams, diag);
    for (size_t i = 0; status == SOTTO_OK && i < r->teams->count; i++)
        status = take_list(r, &r->teams->team[i], targets, stage, diag);
    return status;
}
