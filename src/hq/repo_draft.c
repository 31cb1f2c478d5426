/* Publishing in several hands: drafts that are prepared here, signed wherever the keys are, and finished
 * here. */
#include "repo_run.h"

#include <stdio.h>
#include <string.h>

#define METADATA_MAX (512u << 10)

sotto_status hq_draft_path(const char *dir, enum hq_role role, uint64_t version,
                           char path[static HQ_PATH_MAX], sotto_diag *diag)
{
    char relative[64];
    (void)snprintf(relative, sizeof relative, "draft/%llu.%s.json", (unsigned long long)version,
                   hq_role_name(role));
    return hq_path(dir, relative, path, diag);
}

sotto_status hq_draft_put(const char *dir, enum hq_role role, uint64_t version, sotto_span bytes,
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

/* The list of the next release as a draft, with the signatures that can be made here. */
static sotto_status draft_targets(hq_run *r, sotto_diag *diag)
{
    const hq_tuf_doc doc = hq_run_targets(r);
    sotto_vec bytes;
    sotto_vec_init(&bytes, METADATA_MAX);
    r->out->release = doc.version;
    sotto_status status = hq_run_make(r, &doc, &bytes, &r->out->signers, diag);
    if (status == SOTTO_OK)
        status = hq_draft_put(r->dir, HQ_ROLE_TARGETS, doc.version, sotto_vec_span(&bytes), diag);
    if (status == SOTTO_OK)
        status = hq_draft_path(r->dir, HQ_ROLE_TARGETS, doc.version, r->out->draft, diag);
    sotto_vec_free(&bytes);
    return status;
}

sotto_status hq_repo_prepare(const char *dir, const hq_bundle *bundle, hq_registry *registry, int64_t days,
                             hq_publication *out, sotto_diag *diag)
{
    hq_run r = {.dir = dir, .now_s = hq_now(), .days = days, .out = out};
    *out = (hq_publication){0};
    sotto_status status = hq_repo_read(&r.repo, dir, diag);
    if (status != SOTTO_OK)
        return status;
    status = hq_run_check_continuity(&r, bundle, registry, diag);
    if (status == SOTTO_OK)
        status = hq_run_put_bundle(&r, bundle, diag);
    if (status == SOTTO_OK)
        status = draft_targets(&r, diag);
    hq_repo_free(&r.repo);
    return status;
}

/* A draft, or nothing (bytes stay empty): NOT_FOUND is no error here. */
static sotto_status read_draft(const hq_run *r, enum hq_role role, uint64_t version, sotto_vec *bytes,
                               sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec_init(bytes, METADATA_MAX);
    sotto_status status = hq_draft_path(r->dir, role, version, path, diag);
    if (status != SOTTO_OK || !sotto_port_exists(path))
        return status;
    return sotto_port_read_file(path, bytes, diag);
}

/* AUTH, with the draft's name in r->out, while signatures of the role are missing. */
static sotto_status must_be_signed(hq_run *r, sotto_span root, enum hq_role role, uint64_t version,
                                   sotto_span bytes, sotto_diag *diag)
{
    sotto_tuf_signers have;
    sotto_status status = sotto_tuf_count_signers(root, hq_role_name(role), bytes, &have, diag);
    if (status != SOTTO_OK || have.signed_by >= have.needed)
        return status;
    r->out->signers = have;
    status = hq_draft_path(r->dir, role, version, r->out->draft, diag);
    return status != SOTTO_OK
               ? status
               : sotto_diag_at(diag, SOTTO_ERR(HQ, AUTH), r->out->draft, 0,
                               "signed by %zu of the %s keys, needs %zu: sotto-hq sign FILE --key KEY",
                               have.signed_by, hq_role_name(role), have.needed);
}

/* The next root from its draft: signed by a threshold of the old root's keys and of its own (5.3.4). From
 * here on it is the root of this run; nothing is published yet. */
static sotto_status adopt_root(hq_run *r, sotto_vec *draft, sotto_diag *diag)
{
    uint64_t version = r->repo.role[HQ_ROLE_ROOT].version + 1;
    sotto_span bytes = sotto_vec_span(draft);
    sotto_status status =
        must_be_signed(r, sotto_vec_span(&r->repo.root_file), HQ_ROLE_ROOT, version, bytes, diag);
    if (status == SOTTO_OK)
        status = must_be_signed(r, bytes, HQ_ROLE_ROOT, version, bytes, diag);
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

/* The files of a list, by the names that a release has. */
static sotto_status read_listed(hq_run *r, sotto_span file, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_status status = sotto_json_parse(&doc, file, "targets.json", diag);
    r->listed_count = 0;
    for (size_t i = 0; status == SOTTO_OK && i < HQ_BUNDLE_COUNT; i++) {
        hq_tuf_file *to = &r->listed[r->listed_count];
        int64_t length = 0;
        sotto_span hex;
        sotto_json_node targets =
            sotto_json_member(sotto_json_member(sotto_json_root(doc), "signed"), "targets");
        *to = (hq_tuf_file){.name = hq_bundle_name((enum hq_bundle_file)i)};
        sotto_json_node entry = sotto_json_member(targets, to->name);
        if (i >= HQ_BUNDLE_NEEDED && sotto_json_type(entry) == SOTTO_JSON_ABSENT)
            continue;
        r->listed_count++;
        status = sotto_json_get_i64(entry, "length", 0, HQ_FILE_LIMIT, &length, diag);
        to->length = (uint64_t)length;
        if (status == SOTTO_OK)
            status = sotto_json_get_str(sotto_json_member(entry, "hashes"), "sha256", &hex, diag);
        if (status == SOTTO_OK)
            status = sotto_hex_decode(hex, to->sha256, sizeof to->sha256);
    }
    sotto_json_free(doc);
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
    status = read_listed(r, sotto_vec_span(&r->repo.targets), diag);
    if (status == SOTTO_OK)
        status = draft_targets(r, diag);
    r->out->draft[0] = '\0';
    return status == SOTTO_OK ? read_draft(r, HQ_ROLE_TARGETS, version + 1, draft, diag) : status;
}

/* The registry learns of the release before any terminal can, as in publish(). */
static sotto_status remember_draft(hq_run *r, hq_registry *registry, sotto_diag *diag)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1], relative[128], path[HQ_PATH_MAX];
    sotto_vec tasks;
    sotto_vec_init(&tasks, HQ_FILE_LIMIT);
    sotto_hex_encode(sotto_span_of(r->listed[HQ_BUNDLE_TASKS].sha256, SOTTO_SHA256_BYTES), hex, sizeof hex);
    (void)snprintf(relative, sizeof relative, "repo/targets/%s.%s", hex, hq_bundle_name(HQ_BUNDLE_TASKS));
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
    sotto_status status = read_listed(r, draft, diag);
    if (status == SOTTO_OK)
        status = remember_draft(r, registry, diag);
    if (status == SOTTO_OK)
        status = hq_run_put_file(r, name, draft, diag);
    if (status == SOTTO_OK)
        status = hq_tuf_file_of(&targets, "targets.json", version, draft);
    r->out->release = version;
    return status == SOTTO_OK ? hq_run_put_snapshot(r, &targets, snapshot, diag) : status;
}

/* What is published now needs no draft any more. One that stays is replaced by the next of its number. */
static void drop_drafts(const hq_run *r, bool new_root, bool targets)
{
    char path[HQ_PATH_MAX];
    if (new_root && hq_draft_path(r->dir, HQ_ROLE_ROOT, r->repo.root->version, path, NULL) == SOTTO_OK)
        (void)!sotto_port_remove_file(path, NULL);
    if (targets && hq_draft_path(r->dir, HQ_ROLE_TARGETS, r->out->release, path, NULL) == SOTTO_OK)
        (void)!sotto_port_remove_file(path, NULL);
}

/* Everything is signed as it must be. What terminals see changes at the last two writes only: the new root,
 * and the timestamp that its keys have signed. A run that dies between them is healed by serve, which finds
 * the timestamp not signed, or by the next finish. */
static sotto_status finish(hq_run *r, bool new_root, sotto_span targets, hq_registry *registry,
                           sotto_diag *diag)
{
    char name[48];
    hq_tuf_file snapshot;
    sotto_status status = SOTTO_OK;
    r->out->release = r->repo.role[HQ_ROLE_TARGETS].version;
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
    return status;
}

static sotto_status finish_drafts(hq_run *r, hq_registry *registry, sotto_diag *diag)
{
    sotto_vec root, targets;
    uint64_t next = r->repo.role[HQ_ROLE_TARGETS].version + 1;
    bool new_root = false;
    sotto_vec_init(&targets, METADATA_MAX);
    sotto_status status = read_draft(r, HQ_ROLE_ROOT, r->repo.role[HQ_ROLE_ROOT].version + 1, &root, diag);
    if (status == SOTTO_OK)
        status = read_draft(r, HQ_ROLE_TARGETS, next, &targets, diag);
    if (status == SOTTO_OK && root.len > 0) {
        new_root = true;
        status = adopt_root(r, &root, diag);
    }
    if (status == SOTTO_OK)
        status = relist(r, &targets, diag);
    if (status == SOTTO_OK && targets.len > 0)
        status = must_be_signed(r, sotto_vec_span(&r->repo.root_file), HQ_ROLE_TARGETS, next,
                                sotto_vec_span(&targets), diag);
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
    hq_run r = {.dir = dir, .now_s = hq_now(), .days = HQ_SNAPSHOT_DAYS, .out = out};
    *out = (hq_publication){0};
    sotto_status status = hq_repo_read(&r.repo, dir, diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++)
        out->expires_s[i] = r.repo.role[i].expires_s;
    status = finish_drafts(&r, registry, diag);
    if (status == SOTTO_OK)
        out->expires_s[HQ_ROLE_ROOT] = r.repo.root->expires_s;
    hq_repo_free(&r.repo);
    return status;
}
