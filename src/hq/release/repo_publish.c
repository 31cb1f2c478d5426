/*
 * Publishing. The order makes it one step for every reader: files under names that hold their hash, then
 * N.targets.json, N.snapshot.json, and last timestamp.json, whose rename is the moment the release exists.
 * Until then nothing that a reader follows has changed. A run that dies leaves files nobody names; the next
 * run writes over them.
 */
#include "office/day.h"
#include "release/repo_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAX (512u << 10)

sotto_status hq_run_put_file(const hq_run *r, const char *name, sotto_span bytes, sotto_diag *diag)
{
    char relative[192], path[HQ_PATH_MAX];
    (void)snprintf(relative, sizeof relative, "repo/%s", name);
    sotto_status status = hq_path(r->dir, relative, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, bytes, 0644, diag) : status;
}

sotto_status hq_run_open(hq_run *r, sotto_diag *diag)
{
    r->now_s = hq_now();
    *r->out = (hq_publication){0};
    r->teams = calloc(1, sizeof *r->teams);
    if (r->teams == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the teams");
    return hq_repo_read(&r->repo, r->dir, diag);
}

void hq_run_close(hq_run *r)
{
    hq_repo_free(&r->repo);
    free(r->teams);
    r->teams = NULL;
}

static const char *const LISTED_AS[] = {"root.json", "targets.json", "snapshot.json", "timestamp.json"};

/* The document, signed by all of its role's keys that are here; *have tells how many count. */
sotto_status hq_run_make(const hq_run *r, const hq_tuf_doc *doc, sotto_vec *bytes, sotto_tuf_signers *have,
                         sotto_diag *diag)
{
    hq_keyring *ring = NULL;
    sotto_status status =
        hq_keyring_load(&ring, r->dir, hq_role_name(doc->role), &r->repo.root->role[doc->role], diag);
    if (status == SOTTO_OK)
        status = hq_tuf_write(doc, ring, bytes, diag);
    hq_keyring_free(ring);
    if (status == SOTTO_OK)
        status = sotto_tuf_count_signers(sotto_vec_span(&r->repo.root_file), hq_role_name(doc->role),
                                         sotto_vec_span(bytes), have, diag);
    return status;
}

/* Writes a document that is signed as it must be, and gives the entry by which the next one lists it. */
static sotto_status put_document(hq_run *r, const hq_tuf_doc *doc, const char *name, hq_tuf_file *entry,
                                 sotto_diag *diag)
{
    sotto_vec bytes;
    sotto_tuf_signers have = {0};
    sotto_vec_init(&bytes, METADATA_MAX);
    sotto_status status = hq_run_make(r, doc, &bytes, &have, diag);
    if (status == SOTTO_OK && have.signed_by == 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "no key of %s lies in %s/keys",
                                hq_role_name(doc->role), r->dir);
    else if (status == SOTTO_OK && have.signed_by < have.needed)
        status =
            sotto_diag_set(diag, SOTTO_ERR(HQ, AUTH),
                           "%s needs %zu signatures, %zu of its keys are here: publish --prepare, then sign",
                           hq_role_name(doc->role), have.needed, have.signed_by);
    if (status == SOTTO_OK)
        status = hq_tuf_file_of(entry, LISTED_AS[doc->role], doc->version, sotto_vec_span(&bytes));
    if (status == SOTTO_OK)
        status = hq_run_put_file(r, name, sotto_vec_span(&bytes), diag);
    sotto_vec_free(&bytes);
    if (status == SOTTO_OK)
        r->out->expires_s[doc->role] = doc->expires_s;
    return status;
}

hq_tuf_doc hq_run_targets(const hq_run *r, hq_tuf_file own[static HQ_BUNDLE_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; i < r->listed_count; i++)
        if (hq_teams_owner(r->teams, r->listed[i].name) == NULL)
            own[count++] = r->listed[i];
    return (hq_tuf_doc){.role = HQ_ROLE_TARGETS,
                        .version = r->repo.role[HQ_ROLE_TARGETS].version + 1,
                        .expires_s = r->now_s + 3 * r->days * HQ_DAY_S,
                        .files = own,
                        .file_count = count,
                        .teams = r->teams};
}

static sotto_status put_targets(hq_run *r, hq_tuf_file *entry, sotto_diag *diag)
{
    char name[48];
    hq_tuf_file own[HQ_BUNDLE_COUNT];
    const hq_tuf_doc doc = hq_run_targets(r, own);
    (void)snprintf(name, sizeof name, "%llu.targets.json", (unsigned long long)doc.version);
    r->out->release = doc.version;
    return put_document(r, &doc, name, entry, diag);
}

/* What stands in the repository, as another file lists it. */
static sotto_status standing(const hq_run *r, const char *role, uint64_t version, const char *listed_as,
                             hq_tuf_file *entry, sotto_diag *diag)
{
    sotto_vec bytes;
    sotto_status status = hq_run_read_list(r->dir, "repo", role, version, &bytes, diag);
    if (status == SOTTO_OK)
        status = hq_tuf_file_of(entry, listed_as, version, sotto_vec_span(&bytes));
    sotto_vec_free(&bytes);
    return status;
}

sotto_status hq_run_put_snapshot(hq_run *r, const hq_tuf_file *targets, hq_tuf_file *entry, sotto_diag *diag)
{
    char name[48], listed_as[HQ_REPO_LISTS_MAX][HQ_TEAM_NAME_MAX + 8];
    hq_tuf_file files[HQ_REPO_LISTS_MAX + 1] = {*targets};
    const hq_tuf_doc doc = {.role = HQ_ROLE_SNAPSHOT,
                            .version = r->repo.role[HQ_ROLE_SNAPSHOT].version + 1,
                            .expires_s = r->now_s + r->days * HQ_DAY_S,
                            .files = files,
                            .file_count = r->repo.list_count + 1};
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < r->repo.list_count; i++) {
        const hq_repo_list *list = &r->repo.list[i];
        (void)snprintf(listed_as[i], sizeof listed_as[i], "%s.json", list->name);
        status = standing(r, list->name, list->version, listed_as[i], &files[i + 1], diag);
    }
    (void)snprintf(name, sizeof name, "%llu.snapshot.json", (unsigned long long)doc.version);
    return status == SOTTO_OK ? put_document(r, &doc, name, entry, diag) : status;
}

/* From its first list until its timestamp: the files of a first release that is cut off in between are not
 * those of an office whose timestamp was lost. */
static sotto_status mark_first(const hq_run *r, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    if (r->repo.role[HQ_ROLE_TIMESTAMP].version != 0)
        return SOTTO_OK;
    sotto_status status = hq_path(r->dir, HQ_REPO_FIRST, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_span_str(""), 0644, diag) : status;
}

static void unmark_first(const hq_run *r)
{
    char path[HQ_PATH_MAX];
    if (hq_path(r->dir, HQ_REPO_FIRST, path, NULL) == SOTTO_OK && sotto_port_exists(path))
        (void)!sotto_port_remove_file(path, NULL); /* one that stays is gone with the next timestamp */
}

sotto_status hq_run_put_timestamp(hq_run *r, const hq_tuf_file *snapshot, sotto_diag *diag)
{
    hq_tuf_file entry;
    const hq_tuf_doc doc = {.role = HQ_ROLE_TIMESTAMP,
                            .version = r->repo.role[HQ_ROLE_TIMESTAMP].version + 1,
                            .expires_s = r->now_s + HQ_TIMESTAMP_DAYS * HQ_DAY_S,
                            .files = snapshot,
                            .file_count = 1};
    sotto_status status = put_document(r, &doc, "timestamp.json", &entry, diag);
    if (status == SOTTO_OK)
        unmark_first(r);
    return status;
}

/* ---- a new release ---- */

/* Beside a target its LZ4 frame, for the way to terminals, where that saves an eighth or more. It is not
 * signed: what comes out of it is. */
static sotto_status put_lz4(const hq_run *r, const char *name, sotto_span bytes, sotto_diag *diag)
{
    char packed_name[160];
    size_t bound = sotto_lz4_bound(bytes.len);
    uint8_t *memory = malloc(bound);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to compress %s", name);
    sotto_buf out = sotto_buf_of(memory, bound);
    sotto_status status = sotto_lz4_compress(bytes, &out);
    (void)snprintf(packed_name, sizeof packed_name, "%s" HQ_LZ4_SUFFIX, name);
    if (status == SOTTO_OK && out.len + bytes.len / 8 < bytes.len)
        status = hq_run_put_file(r, packed_name, sotto_buf_span(&out), diag);
    free(memory);
    return status;
}

sotto_status hq_run_put_bundle(hq_run *r, const hq_bundle *bundle, sotto_diag *diag)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1], name[128];
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < HQ_BUNDLE_COUNT && status == SOTTO_OK; i++) {
        if (bundle->path[i] == NULL && bundle->file[i].len == 0)
            continue;
        sotto_span bytes = sotto_vec_span(&bundle->file[i]);
        const char *target = hq_bundle_name((enum hq_bundle_file)i);
        hq_tuf_file *listed = &r->listed[r->listed_count++];
        status = hq_tuf_file_of(listed, target, 0, bytes);
        sotto_hex_encode(sotto_span_of(listed->sha256, SOTTO_SHA256_BYTES), hex, sizeof hex);
        (void)snprintf(name, sizeof name, "targets/%s.%s", hex, target);
        if (status == SOTTO_OK)
            status = hq_run_put_file(r, name, bytes, diag);
        if (status == SOTTO_OK)
            status = put_lz4(r, name, bytes, diag);
        r->out->bytes += bytes.len;
    }
    return status;
}

/* Before any terminal can have it: a report of a release that the registry does not know is refused. */
sotto_status hq_run_remember(const hq_run *r, sotto_span tasks, hq_registry *registry, sotto_diag *diag)
{
    const hq_release release = {
        .version = r->repo.role[HQ_ROLE_TARGETS].version + 1, .published_s = r->now_s, .tasks = tasks};
    sotto_status status = mark_first(r, diag);
    return status == SOTTO_OK ? hq_registry_release_put(registry, &release, diag) : status;
}

/* Against the last release that used the same id, however long ago: its reports are in the same totals. */
sotto_status hq_run_check_continuity(const hq_run *r, const hq_bundle *bundle, hq_registry *registry,
                                     sotto_diag *diag)
{
    bool same_id = false;
    sotto_status status = SOTTO_OK;
    for (uint64_t v = r->repo.role[HQ_ROLE_TARGETS].version; v > 0 && status == SOTTO_OK && !same_id; v--) {
        sotto_vec tasks;
        sotto_vec_init(&tasks, HQ_FILE_LIMIT);
        status = hq_registry_release_tasks(registry, v, &tasks, diag);
        if (status == SOTTO_OK)
            status = hq_bundle_follows(bundle, sotto_vec_span(&tasks), &same_id, diag);
        sotto_vec_free(&tasks);
    }
    return status;
}

static sotto_status publish(hq_run *r, const hq_bundle *bundle, hq_registry *registry, sotto_diag *diag)
{
    hq_tuf_file targets, snapshot;
    sotto_status status = hq_run_check_continuity(r, bundle, registry, diag);
    if (status == SOTTO_OK)
        status = hq_run_put_bundle(r, bundle, diag);
    if (status == SOTTO_OK)
        status = hq_run_lists(r, false, diag);
    if (status == SOTTO_OK)
        status = hq_run_remember(r, sotto_vec_span(&bundle->file[HQ_BUNDLE_TASKS]), registry, diag);
    if (status == SOTTO_OK)
        status = put_targets(r, &targets, diag);
    if (status == SOTTO_OK)
        status = hq_run_put_snapshot(r, &targets, &snapshot, diag);
    return status == SOTTO_OK ? hq_run_put_timestamp(r, &snapshot, diag) : status;
}

sotto_status hq_repo_publish(const char *dir, const hq_bundle *bundle, hq_registry *registry, int64_t days,
                             hq_publication *out, sotto_diag *diag)
{
    hq_run r = {.dir = dir, .days = days, .out = out};
    sotto_status status = hq_run_open(&r, diag);
    if (status == SOTTO_OK)
        status = hq_teams_load(r.teams, dir, diag);
    out->expires_s[HQ_ROLE_ROOT] = r.repo.role[HQ_ROLE_ROOT].expires_s;
    if (status == SOTTO_OK)
        status = publish(&r, bundle, registry, diag);
    if (status == SOTTO_OK)
        hq_run_tell_end(&r);
    hq_run_close(&r);
    return status;
}

/* ---- the same release, signed anew ---- */

static bool key_is_here(const hq_run *r)
{
    hq_keyring *ring = NULL;
    bool here =
        hq_keyring_load(&ring, r->dir, "snapshot", &r->repo.root->role[HQ_ROLE_SNAPSHOT], NULL) == SOTTO_OK &&
        ring->count > 0;
    hq_keyring_free(ring);
    return here;
}

/* Whether the snapshot is signed by keys of today's root: not so after the keys of snapshot changed. */
static bool snapshot_holds(const hq_run *r)
{
    char relative[64], path[HQ_PATH_MAX];
    sotto_vec bytes;
    sotto_tuf_signers have = {0};
    sotto_vec_init(&bytes, METADATA_MAX);
    (void)snprintf(relative, sizeof relative, "repo/%llu.snapshot.json",
                   (unsigned long long)r->repo.role[HQ_ROLE_SNAPSHOT].version);
    bool holds = hq_path(r->dir, relative, path, NULL) == SOTTO_OK &&
                 sotto_port_read_file(path, &bytes, NULL) == SOTTO_OK &&
                 sotto_tuf_count_signers(sotto_vec_span(&r->repo.root_file), "snapshot",
                                         sotto_vec_span(&bytes), &have, NULL) == SOTTO_OK &&
                 have.signed_by >= have.needed;
    sotto_vec_free(&bytes);
    return holds;
}

sotto_status hq_run_renumber(hq_run *r, hq_tuf_file *snapshot, sotto_diag *diag)
{
    hq_tuf_file targets;
    sotto_status status =
        standing(r, "targets", r->repo.role[HQ_ROLE_TARGETS].version, "targets.json", &targets, diag);
    return status == SOTTO_OK ? hq_run_put_snapshot(r, &targets, snapshot, diag) : status;
}

sotto_status hq_run_stage(hq_run *r, hq_tuf_file *snapshot, sotto_diag *diag)
{
    sotto_status status;
    bool due = r->repo.role[HQ_ROLE_SNAPSHOT].expires_s - r->now_s < r->days * HQ_DAY_S / 2;
    if (!snapshot_holds(r) || (due && key_is_here(r))) {
        status = hq_run_renumber(r, snapshot, diag);
    } else {
        status =
            standing(r, "snapshot", r->repo.role[HQ_ROLE_SNAPSHOT].version, "snapshot.json", snapshot, diag);
    }
    return status;
}

static sotto_status refresh(hq_run *r, sotto_diag *diag)
{
    hq_tuf_file snapshot;
    sotto_status status = hq_run_stage(r, &snapshot, diag);
    return status == SOTTO_OK ? hq_run_put_timestamp(r, &snapshot, diag) : status;
}

static sotto_status refresh_locked(const char *dir, hq_publication *out, sotto_diag *diag)
{
    hq_run r = {.dir = dir, .days = HQ_SNAPSHOT_DAYS, .out = out};
    sotto_status status = hq_run_open(&r, diag);
    out->release = r.repo.role[HQ_ROLE_TARGETS].version;
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++)
        out->expires_s[i] = r.repo.role[i].expires_s;
    if (status == SOTTO_OK && out->release == 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "nothing was published yet");
    if (status == SOTTO_OK)
        status = refresh(&r, diag);
    if (status == SOTTO_OK && hq_repo_teams(&r.repo, r.teams, NULL) == SOTTO_OK)
        hq_run_tell_end(&r);
    hq_run_close(&r);
    return status;
}

sotto_status hq_repo_refresh(const char *dir, hq_publication *out, sotto_diag *diag)
{
    sotto_port_lock lock;
    sotto_status status = hq_repo_lock(dir, &lock, diag);
    if (status != SOTTO_OK)
        return status;
    status = refresh_locked(dir, out, diag);
    sotto_port_lock_drop(&lock);
    return status;
}
