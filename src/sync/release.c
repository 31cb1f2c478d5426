/* The release on disk: fetched file by file, complete when its targets.json is there, verified again by
 * whoever uses it. See docs/formats/release.md. */
#include <stdio.h>
#include <string.h>

#include "fetch_priv.h"
#include "release_priv.h"
#include "tuf_priv.h"

#define SPARE_BYTES (1024 * 1024) /* left free on the disk beside the release */

static bool ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name), tail = strlen(suffix);
    return len >= tail && strcmp(name + len - tail, suffix) == 0;
}

bool release_name_is_plain(const char *name)
{
    if (name[0] == '.' || name[0] == '\0' || strcmp(name, RELEASE_LIST) == 0)
        return false;
    for (const char *p = name; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     *p == '.' || *p == '_' || *p == '-';
        if (!plain)
            return false;
    }
    /* port_write_file's temporary names; lists of teams */
    return !ends_with(name, ".new") && !ends_with(name, ".role");
}

/* Every entry of the signed lists can be used here: a release is whole or it is none. folder: as for
 * release_teams. */
static sotto_status check_targets(sotto_tuf *tuf, const char *folder, uint64_t *bytes, sotto_diag *diag)
{
    size_t listed = sotto_json_count(sotto_json_member(tuf->targets.body, "targets"));
    *bytes = 0;
    if (listed != tuf->target_count)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, MALFORMED), RELEASE_LIST, 0,
                             "%zu of %zu targets have a name or hash that cannot be used",
                             listed - tuf->target_count, listed);
    sotto_status st = release_teams(tuf, folder, diag);
    for (size_t i = 0; st == SOTTO_OK && i < tuf->target_count; i++) {
        const sotto_tuf_target *target = &tuf->target[i];
        if (!release_name_is_plain(target->name))
            return sotto_diag_at(diag, SOTTO_ERR(SYNC, MALFORMED), RELEASE_LIST, 0,
                                 "\"%.64s\" is not a plain file name", target->name);
        if (target->length > SOTTO_TARGET_BYTES_MAX)
            return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), target->name, 0, "listed with %llu bytes",
                                 (unsigned long long)target->length);
        *bytes += target->length;
    }
    if (st == SOTTO_OK && *bytes > SOTTO_RELEASE_BYTES_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), RELEASE_LIST, 0,
                             "its files have %llu bytes, a terminal takes %u", (unsigned long long)*bytes,
                             SOTTO_RELEASE_BYTES_MAX);
    return st;
}

static uint64_t largest(const sotto_tuf *tuf)
{
    uint64_t most = 0;
    for (size_t i = 0; i < tuf->target_count; i++)
        most = tuf->target[i].length > most ? tuf->target[i].length : most;
    return most;
}

/* Says FULL before the first byte is fetched in vain. What of this release is on disk already is not counted
 * off: an error on the safe side. */
static sotto_status check_room(const char *dir, uint64_t bytes, sotto_diag *diag)
{
    uint64_t free_bytes = 0;
    sotto_status st = sotto_port_disk_free(dir, &free_bytes, diag);
    if (st == SOTTO_OK && free_bytes < bytes + SPARE_BYTES)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, FULL), dir, 0, "the release needs %llu bytes, %llu are free",
                           (unsigned long long)bytes + SPARE_BYTES, (unsigned long long)free_bytes);
    return st;
}

/* Downloads what is not there yet, or differs. */
static sotto_status fetch_targets(sotto_tuf *tuf, const char *folder, sotto_diag *diag)
{
    sotto_status st = SOTTO_OK;
    for (size_t i = 0; st == SOTTO_OK && i < tuf->target_count; i++) {
        char path[TUF_FILE_MAX];
        const sotto_tuf_target *target = &tuf->target[i];
        st = release_path(path, folder, target->name, diag);
        if (st == SOTTO_OK && sotto_tuf_check_file(target, path, NULL) != SOTTO_OK)
            st = sotto_tuf_download(tuf, target, path, diag);
    }
    return st;
}

/* Whether dir/<version> is complete: every file as this targets metadata lists it, and the list beside them.
 */
static sotto_status check_complete(const sotto_tuf *tuf, const char *folder, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    sotto_status st = SOTTO_OK;
    for (size_t i = 0; st == SOTTO_OK && i < tuf->target_count; i++) {
        st = release_path(path, folder, tuf->target[i].name, diag);
        if (st == SOTTO_OK)
            st = sotto_tuf_check_file(&tuf->target[i], path, diag);
    }
    return st;
}

bool release_file_holds(const char *path, sotto_span bytes)
{
    sotto_vec file;
    sotto_vec_init(&file, TUF_TARGETS_BYTES);
    bool same =
        sotto_port_read_file(path, &file, NULL) == SOTTO_OK && sotto_span_equal(sotto_vec_span(&file), bytes);
    sotto_vec_free(&file);
    return same;
}

/* The lists on disk are the trusted ones. */
static bool lists_are_there(const sotto_tuf *tuf, const char *folder)
{
    char path[TUF_FILE_MAX];
    return release_path(path, folder, RELEASE_LIST, NULL) == SOTTO_OK &&
           release_file_holds(path, sotto_vec_span(&tuf->targets.bytes)) && release_teams_there(tuf, folder);
}

static sotto_status complete(sotto_tuf *tuf, const char *dir, sotto_release_update *update, sotto_diag *diag)
{
    char folder[TUF_FILE_MAX], list[TUF_FILE_MAX];
    uint64_t bytes = 0;
    uint64_t version = sotto_tuf_targets_version(tuf);
    sotto_status st = check_targets(tuf, NULL, &bytes, diag);
    if (st == SOTTO_OK)
        st = release_folder(folder, dir, version, diag);
    if (st != SOTTO_OK)
        return st;
    update->version = version;
    if (lists_are_there(tuf, folder) && check_complete(tuf, folder, NULL) == SOTTO_OK)
        return SOTTO_OK;
    update->version = 0;
    release_collect(dir, version);
    fetch_collect(dir, tuf);
    st = check_room(dir, bytes + largest(tuf),
                    diag); /* the largest lies there twice: in pieces, and put together */
    if (st == SOTTO_OK)
        st = sotto_port_make_dir(folder, 0750, diag);
    if (st == SOTTO_OK)
        st = fetch_targets(tuf, folder, diag);
    if (st == SOTTO_OK)
        st = release_teams_write(tuf, folder, diag);
    if (st == SOTTO_OK)
        st = release_path(list, folder, RELEASE_LIST, diag);
    if (st == SOTTO_OK)
        st = sotto_port_write_file(list, sotto_vec_span(&tuf->targets.bytes), 0640, diag);
    if (st == SOTTO_OK) {
        update->version = version;
        update->changed = true;
    }
    return st;
}

sotto_status sotto_release_fetch(const char *dir, const sotto_tuf_config *config,
                                 sotto_release_update *update, sotto_diag *diag)
{
    char metadata[TUF_FILE_MAX];
    sotto_tuf *tuf = NULL;
    sotto_tuf_config own = *config;
    memset(update, 0, sizeof *update);
    sotto_status st = release_path(metadata, dir, "metadata", diag);
    if (own.metadata_dir == NULL)
        own.metadata_dir = metadata;
    if (st == SOTTO_OK)
        st = sotto_tuf_open(&tuf, &own, diag);
    if (st == SOTTO_OK)
        st = sotto_tuf_refresh(tuf, diag);
    if (st == SOTTO_OK)
        st = complete(tuf, dir, update, diag);
    if (tuf != NULL)
        update->bytes = tuf->fetched_bytes;
    sotto_tuf_free(tuf);
    return st;
}

/* 5.3.2 to 5.3.9 along the chain that sync keeps. A root that is not there ends it; one that does not follow
 * is an error. */
static sotto_status follow_roots(sotto_tuf *tuf, const char *dir, sotto_diag *diag)
{
    char metadata[TUF_FILE_MAX], path[TUF_FILE_MAX];
    sotto_status st = release_path(metadata, dir, "metadata", diag);
    for (int i = 0; st == SOTTO_OK && i < TUF_ROOTS_A_REFRESH; i++) {
        sotto_vec bytes;
        sotto_vec_init(&bytes, TUF_ROOT_BYTES);
        st = tuf_kept_root_path(metadata, tuf->root.version + 1, path, sizeof path, diag);
        if (st == SOTTO_OK && !sotto_port_exists(path))
            return SOTTO_OK;
        if (st == SOTTO_OK)
            st = sotto_port_read_file(path, &bytes, diag);
        if (st == SOTTO_OK)
            st = tuf_root_step(tuf, &bytes, diag);
        sotto_vec_free(&bytes);
    }
    return st;
}

/* The signed list of the release takes the place of whatever targets metadata is held. */
static sotto_status load_list(sotto_tuf *tuf, const char *folder, uint64_t version, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    tuf_meta list = {0};
    sotto_vec bytes;
    sotto_vec_init(&bytes, TUF_TARGETS_BYTES);
    sotto_status st = release_path(path, folder, RELEASE_LIST, diag);
    if (st == SOTTO_OK)
        st = sotto_port_read_file(path, &bytes, diag);
    if (st == SOTTO_OK)
        st = tuf_meta_parse(&list, TUF_TARGETS, &bytes, path, diag);
    sotto_vec_free(&bytes);
    if (st == SOTTO_OK)
        st = tuf_verify_top(&tuf->root, TUF_TARGETS, &list, diag);
    if (st == SOTTO_OK && (uint64_t)list.version != version)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), path, 0, "is the list of version %lld",
                           (long long)list.version);
    if (st == SOTTO_OK) {
        tuf_meta_move(&tuf->targets, &list);
        st = tuf_target_list(tuf, diag);
    }
    tuf_meta_free(&list);
    return st;
}

/* Trusts the signed list of the release from the caller's own root on. *tuf is the caller's to free, also on
 * failure. */
static sotto_status open_release(sotto_tuf **tuf, const char *dir, uint64_t version,
                                 const sotto_tuf_config *config, char folder[static TUF_FILE_MAX],
                                 sotto_diag *diag)
{
    uint64_t bytes = 0;
    sotto_status st = release_folder(folder, dir, version, diag);
    if (st == SOTTO_OK)
        st = sotto_tuf_open(tuf, config, diag);
    if (st == SOTTO_OK)
        st = follow_roots(*tuf, dir, diag);
    if (st == SOTTO_OK)
        st = load_list(*tuf, folder, version, diag);
    return st == SOTTO_OK ? check_targets(*tuf, folder, &bytes, diag) : st;
}

sotto_status sotto_release_verify(const char *dir, uint64_t version, const sotto_tuf_config *config,
                                  sotto_diag *diag)
{
    char folder[TUF_FILE_MAX];
    sotto_tuf *tuf = NULL;
    sotto_status st = open_release(&tuf, dir, version, config, folder, diag);
    if (st == SOTTO_OK)
        st = check_complete(tuf, folder, diag);
    sotto_tuf_free(tuf);
    return st;
}

/* Only the signed list says that a release does without a file: one that is listed and gone is damage, or the
 * reader could be made to do without it by whoever can remove files. */
static sotto_status read_target(const sotto_tuf *tuf, const char *folder, const char *name, bool needed,
                                sotto_vec *file, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    const sotto_tuf_target *target = sotto_tuf_target_find(tuf, name);
    if (target == NULL && !needed)
        return SOTTO_OK;
    sotto_status st = release_path(path, folder, name, diag);
    if (st == SOTTO_OK && target == NULL)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, NOT_FOUND), path, 0, "is not a file of this release");
    if (st == SOTTO_OK)
        st = tuf_target_from_disk(target, path, file, diag);
    if (sotto_status_cause(st) == SOTTO_CAUSE_NOT_FOUND)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), path, 0, "is a file of this release and is gone");
    return st;
}

sotto_status sotto_release_read(const char *dir, uint64_t version, const sotto_tuf_config *config,
                                const char *const *names, size_t need, size_t count, sotto_vec *files,
                                sotto_diag *diag)
{
    char folder[TUF_FILE_MAX];
    sotto_tuf *tuf = NULL;
    sotto_status st = open_release(&tuf, dir, version, config, folder, diag);
    for (size_t i = 0; i < count && st == SOTTO_OK; i++)
        st = read_target(tuf, folder, names[i], i < need, &files[i], diag);
    sotto_tuf_free(tuf);
    for (size_t i = 0; i < count && st != SOTTO_OK; i++)
        sotto_vec_free(&files[i]);
    return st;
}
