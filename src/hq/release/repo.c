/* The repository as it stands in dir/repo: what it offers, its lock, its first root. */
#include "release/repo.h"
#include "office/day.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAX (512u << 10)

static sotto_status repo_file(const char *dir, const char *name, char path[static HQ_PATH_MAX],
                              sotto_diag *diag)
{
    char relative[96];
    (void)snprintf(relative, sizeof relative, "repo/%s", name);
    return hq_path(dir, relative, path, diag);
}

/* The lists of teams that a snapshot names beside targets.json. */
static sotto_status read_lists(hq_repo *out, sotto_json_node meta, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(meta); i++) {
        sotto_span name;
        int64_t version = 0;
        sotto_json_node entry = sotto_json_member_at(meta, i, &name);
        if (sotto_span_is(name, "targets.json"))
            continue;
        if (name.len < sizeof ".json" || out->list_count == HQ_REPO_LISTS_MAX)
            return sotto_json_bad(entry, diag, SOTTO_ERR(HQ, RANGE), "a snapshot of another maker");
        hq_repo_list *to = &out->list[out->list_count++];
        if (sotto_span_to_str(sotto_span_of(name.ptr, name.len - 5), to->name, sizeof to->name) != SOTTO_OK)
            status =
                sotto_json_bad(entry, diag, SOTTO_ERR(HQ, RANGE), "a list of a name too long to be a team's");
        if (status == SOTTO_OK)
            status = sotto_json_get_i64(entry, "version", 1, INT64_MAX, &version, diag);
        to->version = (uint64_t)version;
    }
    return status;
}

/* Reads one metadata file; lists: the member and the file whose version is wanted, or NULL. */
static sotto_status read_role(hq_repo *out, const char *dir, const char *name, sotto_vec *bytes,
                              enum hq_role which, const char *lists, uint64_t *listed, sotto_diag *diag)
{
    hq_repo_role *role = &out->role[which];
    char path[HQ_PATH_MAX];
    sotto_json *doc = NULL;
    int64_t number = 0;
    sotto_status status = repo_file(dir, name, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, bytes, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, sotto_vec_span(bytes), path, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node body = sotto_json_member(sotto_json_root(doc), "signed");
    status = sotto_json_get_i64(body, "version", 1, INT64_MAX, &number, diag);
    role->version = (uint64_t)number;
    if (status == SOTTO_OK)
        status = hq_expiry_read(body, &role->expires_s, diag);
    if (status == SOTTO_OK && lists != NULL) {
        sotto_json_node entry = sotto_json_member(sotto_json_member(body, "meta"), lists);
        status = sotto_json_get_i64(entry, "version", 1, INT64_MAX, &number, diag);
        *listed = (uint64_t)number;
    }
    if (status == SOTTO_OK && which == HQ_ROLE_SNAPSHOT)
        status = read_lists(out, sotto_json_member(body, "meta"), diag);
    sotto_json_free(doc);
    return status;
}

/* Follows timestamp -> snapshot -> targets: what a terminal would find. */
static sotto_status read_chain(hq_repo *out, const char *dir, sotto_diag *diag)
{
    char name[48];
    uint64_t version = 0;
    sotto_vec bytes;
    sotto_vec_init(&bytes, METADATA_MAX);
    sotto_status status =
        read_role(out, dir, "timestamp.json", &bytes, HQ_ROLE_TIMESTAMP, "snapshot.json", &version, diag);
    sotto_vec_free(&bytes);
    if (status != SOTTO_OK)
        return status;
    (void)snprintf(name, sizeof name, "%llu.snapshot.json", (unsigned long long)version);
    status = read_role(out, dir, name, &bytes, HQ_ROLE_SNAPSHOT, "targets.json", &version, diag);
    sotto_vec_free(&bytes);
    if (status != SOTTO_OK)
        return status;
    (void)snprintf(name, sizeof name, "%llu.targets.json", (unsigned long long)version);
    return read_role(out, dir, name, &out->targets, HQ_ROLE_TARGETS, NULL, NULL, diag);
}

static sotto_status read_root(hq_repo *out, const char *dir, sotto_diag *diag)
{
    char name[48], path[HQ_PATH_MAX];
    uint64_t version = 1;
    for (;; version++) { /* the newest of the chain of roots */
        (void)snprintf(name, sizeof name, "%llu.root.json", (unsigned long long)version + 1);
        sotto_status status = repo_file(dir, name, path, diag);
        if (status != SOTTO_OK)
            return status;
        if (!sotto_port_exists(path))
            break;
    }
    (void)snprintf(name, sizeof name, "%llu.root.json", (unsigned long long)version);
    sotto_status status = read_role(out, dir, name, &out->root_file, HQ_ROLE_ROOT, NULL, NULL, diag);
    out->root = calloc(1, sizeof *out->root);
    if (out->root == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the root");
    return status == SOTTO_OK ? hq_root_parse(out->root, sotto_vec_span(&out->root_file), name, diag)
                              : status;
}

static bool ends_in(const char *name, const char *tail)
{
    size_t len = strlen(name), tail_len = strlen(tail);
    return len > tail_len && strcmp(name + len - tail_len, tail) == 0;
}

/* Whether a list of a release lies in dir/repo, of any release. A folder that cannot be read says nothing. */
static sotto_status has_lists(const char *dir, bool *has, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    const struct dirent *entry;
    *has = false;
    sotto_status status = hq_path(dir, "repo", path, diag);
    if (status != SOTTO_OK)
        return status;
    DIR *folder = opendir(path);
    while (folder != NULL && !*has && (errno = 0, entry = readdir(folder)) != NULL)
        *has = ends_in(entry->d_name, ".targets.json") || ends_in(entry->d_name, ".snapshot.json");
    if (!*has && (folder == NULL || errno != 0))
        status =
            sotto_diag_at(diag, SOTTO_ERR(HQ, IO), path, 0, "cannot read the folder: %s", strerror(errno));
    if (folder != NULL)
        (void)closedir(folder);
    return status;
}

/* Lists without a timestamp: of a first release that was cut off, or is on its way now; or the timestamp is
 * lost, and who took that for "no release yet" would number the next one 1, a rollback to every terminal. In
 * this order: the mark goes after the timestamp has come. */
static sotto_status must_be_unpublished(const char *dir, const char *timestamp, sotto_diag *diag)
{
    char mark[HQ_PATH_MAX];
    bool has = false;
    sotto_status status = has_lists(dir, &has, diag);
    if (status == SOTTO_OK)
        status = hq_path(dir, HQ_REPO_FIRST, mark, diag);
    if (status != SOTTO_OK || !has || sotto_port_exists(mark) || sotto_port_exists(timestamp))
        return status;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, CORRUPT), timestamp, 0,
                         "is lost, but a release was published here: put this office back from its backup "
                         "(docs/operations.md); nothing was changed");
}

sotto_status hq_repo_read(hq_repo *out, const char *dir, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    *out = (hq_repo){0};
    sotto_vec_init(&out->targets, METADATA_MAX);
    sotto_vec_init(&out->root_file, METADATA_MAX);
    sotto_status status = read_root(out, dir, diag);
    if (status == SOTTO_OK)
        status = repo_file(dir, "timestamp.json", path, diag);
    if (status == SOTTO_OK && !sotto_port_exists(path))
        status = must_be_unpublished(dir, path, diag);
    if (status == SOTTO_OK && sotto_port_exists(path))
        status = read_chain(out, dir, diag);
    if (status != SOTTO_OK)
        hq_repo_free(out);
    return status;
}

void hq_repo_free(hq_repo *repo)
{
    sotto_vec_free(&repo->targets);
    sotto_vec_free(&repo->root_file);
    free(repo->root);
    *repo = (hq_repo){0};
}

sotto_status hq_repo_lock(const char *dir, sotto_port_lock *lock, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    *lock = (sotto_port_lock){.fd = -1};
    sotto_status status = hq_path(dir, HQ_OFFICE_MARK, path, diag);
    if (status == SOTTO_OK && !sotto_port_exists(path)) /* no lock file in a folder that is not ours */
        return hq_office_absent(dir, path, diag);
    if (status == SOTTO_OK)
        status = hq_office_own(dir, diag);
    if (status == SOTTO_OK)
        status = hq_path(dir, "publish.lock", path, diag);
    return status == SOTTO_OK ? sotto_port_lock_take(lock, path, diag) : status;
}

static sotto_status sign_root(const char *dir, const hq_root *root, sotto_vec *out, sotto_diag *diag)
{
    hq_keyring *ring = NULL;
    const hq_tuf_doc doc = {
        .role = HQ_ROLE_ROOT, .version = root->version, .expires_s = root->expires_s, .root = root};
    sotto_status status = hq_keyring_load(&ring, dir, "root", &root->role[HQ_ROLE_ROOT], diag);
    if (status == SOTTO_OK)
        status = hq_tuf_write(&doc, ring, out, diag);
    hq_keyring_free(ring);
    return status;
}

sotto_status hq_repo_create(const char *dir, const hq_tuf_key keys[static HQ_ROLE_COUNT], int64_t now_s,
                            sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec bytes;
    hq_root *root = calloc(1, sizeof *root);
    if (root == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the root");
    root->version = 1;
    root->expires_s = now_s + HQ_ROOT_DAYS * HQ_DAY_S;
    sotto_vec_init(&bytes, METADATA_MAX);
    sotto_status status = hq_path(dir, "repo/targets", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_make_dir(path, 0755, diag);
    for (size_t i = 0; i < HQ_ROLE_COUNT && status == SOTTO_OK; i++) {
        root->role[i].threshold = 1;
        status = hq_signers_add(&root->role[i], &root->keys, &keys[i].public_key,
                                hq_role_name((enum hq_role)i), diag);
    }
    if (status == SOTTO_OK)
        status = sign_root(dir, root, &bytes, diag);
    if (status == SOTTO_OK)
        status = repo_file(dir, "1.root.json", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_create_file(path, sotto_vec_span(&bytes), 0644, diag);
    sotto_vec_free(&bytes);
    free(root);
    return status;
}

/* Whether a file is signed by enough keys of the newest root: not so when a change of keys was cut off. */
static bool holds(const hq_repo *repo, const char *dir, enum hq_role role, const char *name)
{
    char path[HQ_PATH_MAX];
    sotto_vec bytes;
    sotto_tuf_signers have = {0};
    sotto_vec_init(&bytes, METADATA_MAX);
    bool enough = repo_file(dir, name, path, NULL) == SOTTO_OK &&
                  sotto_port_read_file(path, &bytes, NULL) == SOTTO_OK &&
                  sotto_tuf_count_signers(sotto_vec_span(&repo->root_file), hq_role_name(role),
                                          sotto_vec_span(&bytes), &have, NULL) == SOTTO_OK &&
                  have.signed_by >= have.needed;
    sotto_vec_free(&bytes);
    return enough;
}

bool hq_repo_stale(const char *dir, int64_t now_s)
{
    hq_repo repo;
    if (hq_repo_read(&repo, dir, NULL) != SOTTO_OK)
        return true;
    const hq_repo_role *timestamp = &repo.role[HQ_ROLE_TIMESTAMP];
    char snapshot[48];
    (void)snprintf(snapshot, sizeof snapshot, "%llu.snapshot.json",
                   (unsigned long long)repo.role[HQ_ROLE_SNAPSHOT].version);
    bool stale =
        timestamp->version != 0 && (timestamp->expires_s - now_s < HQ_TIMESTAMP_DAYS * HQ_DAY_S / 2 ||
                                    !holds(&repo, dir, HQ_ROLE_TIMESTAMP, "timestamp.json") ||
                                    !holds(&repo, dir, HQ_ROLE_SNAPSHOT, snapshot));
    hq_repo_free(&repo);
    return stale;
}
