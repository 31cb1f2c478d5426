/* Publishing in several hands: drafts that are prepared here, signed wherever the keys are, and finished
 * here. */
#include "office/args.h"
#include "release/repo_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAX (512u << 10)

sotto_status hq_draft_path(const char *dir, const char *role, uint64_t version, char path[static HQ_PATH_MAX],
                           sotto_diag *diag)
{
    char relative[64];
    (void)snprintf(relative, sizeof relative, "draft/%llu.%s.json", (unsigned long long)version, role);
    return hq_path(dir, relative, path, diag);
}

sotto_status hq_draft_put(const char *dir, const char *role, uint64_t version, sotto_span bytes,
                          sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(dir, "draft", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_make_dir(path, 0700, diag);
    if (status == SOTTO_OK)
        status = hq_draft_path(dir, role, version, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, bytes, 0644, diag) : status;
}

/* ---- what was prepared, to hold against what comes back ---- */

/* Of what is signed, however the file is written and whoever has signed it since. */
static sotto_status digest_signed(sotto_span file, char hex[static 2 * SOTTO_SHA256_BYTES + 1],
                                  sotto_diag *diag)
{
    uint8_t digest[SOTTO_SHA256_BYTES] = {0};
    sotto_json *doc = NULL;
    sotto_vec canonical;
    sotto_vec_init(&canonical, METADATA_MAX);
    sotto_status status = sotto_json_parse(&doc, file, "a draft", diag);
    if (status == SOTTO_OK)
        status = sotto_json_canonical(sotto_json_member(sotto_json_root(doc), "signed"), &canonical, diag);
    if (status == SOTTO_OK)
        status = sotto_sha256(sotto_vec_span(&canonical), digest);
    sotto_hex_encode(sotto_span_of(digest, sizeof digest), hex, 2 * SOTTO_SHA256_BYTES + 1);
    sotto_json_free(doc);
    sotto_vec_free(&canonical);
    return status;
}

static sotto_status note_path(const char *dir, const char *role, uint64_t version,
                              char path[static HQ_PATH_MAX], sotto_diag *diag)
{
    char relative[64];
    (void)snprintf(relative, sizeof relative, "draft/%llu.%s.sha256", (unsigned long long)version, role);
    return hq_path(dir, relative, path, diag);
}

sotto_status hq_draft_note(const char *dir, const char *role, uint64_t version, sotto_span bytes,
                           sotto_diag *diag)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1], path[HQ_PATH_MAX];
    sotto_status status = digest_signed(bytes, hex, diag);
    if (status == SOTTO_OK)
        status = note_path(dir, role, version, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_span_str(hex), 0600, diag) : status;
}

sotto_status hq_draft_is_noted(const char *dir, const char *role, uint64_t version, sotto_span bytes,
                               sotto_diag *diag)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1], path[HQ_PATH_MAX];
    sotto_vec note;
    sotto_vec_init(&note, sizeof hex);
    sotto_status status = digest_signed(bytes, hex, diag);
    if (status == SOTTO_OK)
        status = note_path(dir, role, version, path, diag);
    if (status == SOTTO_OK && sotto_port_exists(path))
        status = sotto_port_read_file(path, &note, diag);
    if (status == SOTTO_OK && !sotto_span_is(sotto_vec_span(&note), hex))
        status =
            sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                           "the list of %s is not the one that was prepared here last: sign that one, or "
                           "publish --prepare again",
                           role);
    sotto_vec_free(&note);
    return status;
}

/* ---- preparing ---- */

/* The lists of the next release as drafts, with the signatures that can be made here. */
static sotto_status draft_targets(hq_run *r, sotto_diag *diag)
{
    hq_tuf_file own[HQ_BUNDLE_COUNT];
    sotto_vec bytes;
    sotto_vec_init(&bytes, METADATA_MAX);
    sotto_status status = hq_run_lists(r, true, diag);
    const hq_tuf_doc doc = hq_run_targets(r, own);
    r->out->release = doc.version;
    if (status == SOTTO_OK)
        status = hq_run_make(r, &doc, &bytes, &r->out->signers, diag);
    if (status == SOTTO_OK)
        status = hq_draft_put(r->dir, "targets", doc.version, sotto_vec_span(&bytes), diag);
    if (status == SOTTO_OK)
        status = hq_draft_path(r->dir, "targets", doc.version, r->out->draft, diag);
    sotto_vec_free(&bytes);
    return status;
}

sotto_status hq_repo_prepare(const char *dir, const hq_bundle *bundle, hq_registry *registry, int64_t days,
                             hq_publication *out, sotto_diag *diag)
{
    hq_run r = {.dir = dir, .days = days, .out = out};
    sotto_status status = hq_run_open(&r, diag);
    if (status == SOTTO_OK)
        status = hq_teams_load(r.teams, dir, diag);
    if (status == SOTTO_OK)
        status = hq_run_check_continuity(&r, bundle, registry, diag);
    if (status == SOTTO_OK)
        status = hq_run_put_bundle(&r, bundle, diag);
    if (status == SOTTO_OK)
        status = draft_targets(&r, diag);
    hq_run_close(&r);
    return status;
}

sotto_status hq_repo_redraft(const char *dir, hq_publication *out, sotto_diag *diag)
{
    hq_run r = {.dir = dir, .days = HQ_SNAPSHOT_DAYS, .out = out};
    sotto_status status = hq_run_open(&r, diag);
    bool stands = status == SOTTO_OK && r.repo.role[HQ_ROLE_TARGETS].version != 0;
    if (stands)
        status = hq_repo_files(&r.repo, dir, r.listed, &r.listed_count, diag);
    if (stands && status == SOTTO_OK)
        status = hq_teams_load(r.teams, dir, diag);
    if (stands && status == SOTTO_OK)
        status = draft_targets(&r, diag);
    hq_run_close(&r);
    return status;
}

/* A draft, or nothing (bytes stay empty): NOT_FOUND is no error here. */
static sotto_status read_draft(const hq_run *r, const char *role, uint64_t version, sotto_vec *bytes,
                               sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec_init(bytes, METADATA_MAX);
    sotto_status status = hq_draft_path(r->dir, role, version, path, diag);
    if (status != SOTTO_OK || !sotto_port_exists(path))
        return status;
    return sotto_port_read_file(path, bytes, diag);
}

/* Whether what is prepared has other files than the release that stands: then it is somebody's work. */
static sotto_status must_be_relisting(hq_run *r, sotto_span draft, sotto_diag *diag)
{
    hq_tuf_file stand[HQ_BUNDLE_COUNT];
    char path[HQ_PATH_MAX];
    size_t count = 0;
    uint64_t version = r->repo.role[HQ_ROLE_TARGETS].version + 1;
    sotto_status status = hq_repo_files(&r->repo, r->dir, stand, &count, diag);
    if (status == SOTTO_OK)
        status = hq_draft_path(r->dir, "targets", version, path, diag);
    if (status != SOTTO_OK || (hq_run_draft_files(r, draft, NULL) == SOTTO_OK &&
                               hq_tuf_files_equal(stand, count, r->listed, r->listed_count)))
        return status;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), path, 0,
                         "release %llu is prepared and not finished: publish --finish it, or remove this "
                         "file to drop it, before teams change",
                         (unsigned long long)version);
}

sotto_status hq_repo_may_redraft(const char *dir, sotto_diag *diag)
{
    hq_publication out;
    sotto_vec draft;
    hq_run r = {.dir = dir, .days = HQ_SNAPSHOT_DAYS, .out = &out};
    sotto_vec_init(&draft, METADATA_MAX);
    sotto_status status = hq_run_open(&r, diag);
    uint64_t stands = r.repo.role[HQ_ROLE_TARGETS].version;
    if (status == SOTTO_OK && stands != 0)
        status = read_draft(&r, "targets", stands + 1, &draft, diag);
    if (status == SOTTO_OK && draft.len > 0)
        status = must_be_relisting(&r, sotto_vec_span(&draft), diag);
    sotto_vec_free(&draft);
    hq_run_close(&r);
    return status;
}

/* AUTH, with the draft's name in r->out, while signatures of the role are missing. */
static sotto_status must_be_signed(hq_run *r, sotto_span root, const char *role, uint64_t version,
                                   sotto_span bytes, sotto_diag *diag)
{
    sotto_tuf_signers have;
    sotto_status status = sotto_tuf_count_signers(root, role, bytes, &have, diag);
    if (status != SOTTO_OK || have.signed_by >= have.needed)
        return status;
    r->out->signers = have;
    status = hq_draft_path(r->dir, role, version, r->out->draft, diag);
    return status != SOTTO_OK
               ? status
               : sotto_diag_at(diag, SOTTO_ERR(HQ, AUTH), r->out->draft, 0,
                               "signed by %zu of the %s keys, needs %zu: sotto-hq sign FILE --key KEY",
                               have.signed_by, role, have.needed);
}

/* The next root from its draft: signed by a threshold of the old root's keys and of its own (5.3.4). From
 * here on it is the root of this run; nothing is published yet. */
static sotto_status adopt_root(hq_run *r, sotto_vec *draft, sotto_diag *diag)
{
    uint64_t version = r->repo.role[HQ_ROLE_ROOT].version + 1;
    sotto_span bytes = sotto_vec_span(draft);
    sotto_status status = must_be_signed(r, sotto_vec_span(&r->repo.root_file), "root", version, bytes, diag);
    if (status == SOTTO_OK)
        status = must_be_signed(r, bytes, "root", version, bytes, diag);
    if (status == SOTTO_OK)
        status = hq_root_parse(r->repo.root, bytes, "the new root", diag);
    if (status == SOTTO_OK && r->repo.root->version != version)
        status =
            sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "the new root has version %llu, the next is %llu",
                           (unsigned long long)r->repo.root->version, (unsigned long long)version);
    if (status != SOTTO_OK)
        return status;
    sotto_vec_free(&r->repo.root_file);
    r->repo.root_file = *draft;
    sotto_vec_init(draft, METADATA_MAX);
    return SOTTO_OK;
}

/* What the lists name is whole, and lies where terminals will ask for it. */
static sotto_status check_listed(const hq_run *r, sotto_diag *diag)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1], relative[160], path[HQ_PATH_MAX];
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < HQ_BUNDLE_NEEDED; i++)
        if (hq_tuf_file_find(r->listed, r->listed_count, hq_bundle_name((enum hq_bundle_file)i)) == NULL)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "no list of the release names %s",
                                  hq_bundle_name((enum hq_bundle_file)i));
    for (size_t i = 0; status == SOTTO_OK && i < r->listed_count; i++) {
        sotto_hex_encode(sotto_span_of(r->listed[i].sha256, SOTTO_SHA256_BYTES), hex, sizeof hex);
        (void)snprintf(relative, sizeof relative, "repo/targets/%s.%s", hex, r->listed[i].name);
        status = hq_path(r->dir, relative, path, diag);
        if (status == SOTTO_OK && !sotto_port_exists(path))
            status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                                    "a list names a %s that was not prepared here", r->listed[i].name);
    }
    return status;
}

/* After the keys of targets changed, the release that stands is listed anew, as the next one. */
static sotto_status relist(hq_run *r, sotto_vec *draft, sotto_diag *diag)
{
    sotto_tuf_signers have = {0};
    uint64_t version = r->repo.role[HQ_ROLE_TARGETS].version;
    if (version == 0 || draft->len > 0)
        return SOTTO_OK;
    sotto_status status = sotto_tuf_count_signers(sotto_vec_span(&r->repo.root_file), "targets",
                                                  sotto_vec_span(&r->repo.targets), &have, diag);
    if (status != SOTTO_OK || have.signed_by >= have.needed)
        return status;
    status = hq_repo_files(&r->repo, r->dir, r->listed, &r->listed_count, diag);
    if (status == SOTTO_OK)
        status = hq_repo_teams(&r->repo, r->teams, diag);
    if (status == SOTTO_OK)
        status = draft_targets(r, diag);
    r->out->draft[0] = '\0';
    return status == SOTTO_OK ? read_draft(r, "targets", version + 1, draft, diag) : status;
}

/* The registry learns of the release before any terminal can, as in publish(). */
static sotto_status remember_draft(hq_run *r, hq_registry *registry, sotto_diag *diag)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1], relative[128], path[HQ_PATH_MAX];
    sotto_vec tasks;
    sotto_vec_init(&tasks, HQ_FILE_LIMIT);
    const char *name = hq_bundle_name(HQ_BUNDLE_TASKS);
    const hq_tuf_file *listed = hq_tuf_file_find(r->listed, r->listed_count, name);
    sotto_hex_encode(sotto_span_of(listed->sha256, SOTTO_SHA256_BYTES), hex, sizeof hex);
    (void)snprintf(relative, sizeof relative, "repo/targets/%s.%s", hex, name);
    sotto_status status = hq_path(r->dir, relative, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &tasks, diag);
    if (status == SOTTO_OK)
        status = hq_run_remember(r, sotto_vec_span(&tasks), registry, diag);
    sotto_vec_free(&tasks);
    return status;
}

/* The list of the release and its snapshot, which no timestamp names yet. */
static sotto_status stage_targets(hq_run *r, sotto_span draft, hq_registry *registry, hq_tuf_file *snapshot,
                                  sotto_diag *diag)
{
    char name[48];
    hq_tuf_file targets;
    uint64_t version = r->repo.role[HQ_ROLE_TARGETS].version + 1;
    (void)snprintf(name, sizeof name, "%llu.targets.json", (unsigned long long)version);
    sotto_status status = remember_draft(r, registry, diag);
    if (status == SOTTO_OK)
        status = hq_run_take_lists(r, draft, true, diag);
    if (status == SOTTO_OK)
        status = hq_run_put_file(r, name, draft, diag);
    if (status == SOTTO_OK)
        status = hq_tuf_file_of(&targets, "targets.json", version, draft);
    r->out->release = version;
    return status == SOTTO_OK ? hq_run_put_snapshot(r, &targets, snapshot, diag) : status;
}

static void drop_draft(const hq_run *r, const char *role, uint64_t version)
{
    char path[HQ_PATH_MAX];
    if (hq_draft_path(r->dir, role, version, path, NULL) == SOTTO_OK)
        (void)!sotto_port_remove_file(path, NULL);
    if (note_path(r->dir, role, version, path, NULL) == SOTTO_OK && sotto_port_exists(path))
        (void)!sotto_port_remove_file(path, NULL);
}

/* What is published now needs no draft any more. One that stays is replaced by the next of its number. */
static void drop_drafts(const hq_run *r, bool new_root, bool targets)
{
    if (new_root)
        drop_draft(r, "root", r->repo.root->version);
    if (targets)
        drop_draft(r, "targets", r->out->release);
    for (size_t i = 0; targets && i < r->teams->count; i++)
        drop_draft(r, r->teams->team[i].name, r->teams->team[i].version);
}

/* Everything is signed as it must be. What terminals see changes at the last two writes only: the new root,
 * and the timestamp that its keys have signed. A run that dies between them is healed by serve, which finds
 * the timestamp not signed, or by the next finish. */
static sotto_status finish(hq_run *r, bool new_root, sotto_span targets, hq_registry *registry,
                           sotto_diag *diag)
{
    char name[48];
    hq_tuf_file snapshot;
    sotto_tuf_info info;
    sotto_status status = SOTTO_OK;
    r->out->release = r->repo.role[HQ_ROLE_TARGETS].version;
    if (targets.len > 0 && sotto_tuf_info_read(targets, &info, NULL) == SOTTO_OK)
        r->out->expires_s[HQ_ROLE_TARGETS] = info.expires_s;
    if (targets.len > 0)
        status = stage_targets(r, targets, registry, &snapshot, diag);
    else if (r->out->release != 0)
        status = hq_run_stage(r, &snapshot, diag);
    (void)snprintf(name, sizeof name, "%llu.root.json", (unsigned long long)r->repo.root->version);
    if (status == SOTTO_OK && new_root)
        status = hq_run_put_file(r, name, sotto_vec_span(&r->repo.root_file), diag);
    if (status == SOTTO_OK && r->out->release != 0)
        status = hq_run_put_timestamp(r, &snapshot, diag);
    if (status == SOTTO_OK)
        drop_drafts(r, new_root, targets.len > 0);
    if (status == SOTTO_OK && (targets.len > 0 || hq_repo_teams(&r->repo, r->teams, NULL) == SOTTO_OK))
        hq_run_tell_end(r);
    return status;
}

/* The next list, and one that terminals can still take. */
static sotto_status judge_own(const hq_run *r, sotto_span targets, sotto_diag *diag)
{
    sotto_tuf_info info;
    char path[HQ_PATH_MAX];
    uint64_t next = r->repo.role[HQ_ROLE_TARGETS].version + 1;
    sotto_status status = hq_draft_path(r->dir, "targets", next, path, diag);
    if (status != SOTTO_OK)
        return status;
    status = sotto_tuf_info_read(targets, &info, diag);
    if (status == SOTTO_OK && (uint64_t)info.version != next)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "has version %lld, the next is %llu",
                                (long long)info.version, (unsigned long long)next);
    if (status == SOTTO_OK && info.expires_s <= r->now_s)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, EXPIRED), "has expired: publish --prepare again");
    return hq_in_file(status, path, diag);
}

/* What is a team's in dir/teams.json is not listed past it: by a list prepared before, or by who signs
 * targets alone. */
static sotto_status judge_owners(const hq_run *r, sotto_diag *diag)
{
    hq_teams *teams = malloc(sizeof *teams);
    if (teams == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the teams");
    sotto_status status = hq_teams_load(teams, r->dir, diag);
    for (size_t i = 0; status == SOTTO_OK && i < r->listed_count; i++) {
        const hq_team *owner = hq_teams_owner(teams, r->listed[i].name);
        if (owner != NULL)
            status = sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                                    "the list of targets names %s, which is %s's to sign: publish --prepare "
                                    "again",
                                    r->listed[i].name, owner->name);
    }
    free(teams);
    return status;
}

/* The list of the release and those of its teams, before anything is staged. */
static sotto_status judge_lists(hq_run *r, sotto_span targets, sotto_diag *diag)
{
    r->listed_count = 0;
    sotto_status status = hq_tuf_files(targets, r->listed, &r->listed_count, diag);
    if (status == SOTTO_OK)
        status = judge_owners(r, diag);
    if (status == SOTTO_OK)
        status = hq_run_take_lists(r, targets, false, diag);
    return status == SOTTO_OK ? check_listed(r, diag) : status;
}

static sotto_status finish_drafts(hq_run *r, hq_registry *registry, sotto_diag *diag)
{
    sotto_vec root, targets;
    uint64_t next = r->repo.role[HQ_ROLE_TARGETS].version + 1;
    bool new_root = false;
    sotto_vec_init(&targets, METADATA_MAX);
    sotto_status status = read_draft(r, "root", r->repo.role[HQ_ROLE_ROOT].version + 1, &root, diag);
    if (status == SOTTO_OK)
        status = read_draft(r, "targets", next, &targets, diag);
    if (status == SOTTO_OK && root.len > 0) {
        new_root = true;
        status = adopt_root(r, &root, diag);
    }
    if (status == SOTTO_OK)
        status = relist(r, &targets, diag);
    if (status == SOTTO_OK && targets.len > 0)
        status = judge_own(r, sotto_vec_span(&targets), diag);
    if (status == SOTTO_OK && targets.len > 0)
        status = must_be_signed(r, sotto_vec_span(&r->repo.root_file), "targets", next,
                                sotto_vec_span(&targets), diag);
    if (status == SOTTO_OK && targets.len > 0)
        status = judge_lists(r, sotto_vec_span(&targets), diag);
    bool torn = hq_repo_stale(r->dir, r->now_s); /* a finish that died between its last two writes */
    if (status == SOTTO_OK && !new_root && targets.len == 0 && !torn)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "nothing is prepared in %s/draft", r->dir);
    if (status == SOTTO_OK)
        status = finish(r, new_root, sotto_vec_span(&targets), registry, diag);
    sotto_vec_free(&root);
    sotto_vec_free(&targets);
    return status;
}

sotto_status hq_repo_finish(const char *dir, hq_registry *registry, hq_publication *out, sotto_diag *diag)
{
    hq_run r = {.dir = dir, .days = HQ_SNAPSHOT_DAYS, .out = out};
    sotto_status status = hq_run_open(&r, diag);
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++)
        out->expires_s[i] = r.repo.role[i].expires_s;
    if (status == SOTTO_OK)
        status = finish_drafts(&r, registry, diag);
    if (status == SOTTO_OK)
        out->expires_s[HQ_ROLE_ROOT] = r.repo.root->expires_s;
    hq_run_close(&r);
    return status;
}
