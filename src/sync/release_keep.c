/* Which releases lie on the disk, which of them is in use, and what nobody will ask for again. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "release_priv.h"
#include "tuf_priv.h"

sotto_status release_path(char out[TUF_FILE_MAX], const char *dir, const char *name, sotto_diag *diag)
{
    int n = snprintf(out, TUF_FILE_MAX, "%s/%s", dir, name);
    if (n < 0 || n >= TUF_FILE_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), dir, 0, "path is too long");
    return SOTTO_OK;
}

sotto_status release_folder(char out[TUF_FILE_MAX], const char *dir, uint64_t version, sotto_diag *diag)
{
    char name[24];
    (void)snprintf(name, sizeof name, "%llu", (unsigned long long)version);
    return release_path(out, dir, name, diag);
}

static sotto_status read_version(const char *dir, const char *name, uint64_t *version, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    sotto_vec bytes;
    *version = 0;
    sotto_vec_init(&bytes, 64);
    sotto_status st = release_path(path, dir, name, diag);
    if (st == SOTTO_OK)
        st = sotto_port_read_file(path, &bytes, diag);
    sotto_span text = sotto_vec_span(&bytes);
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (st == SOTTO_OK && (sotto_parse_u64(text, version) != SOTTO_OK || *version == 0))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, MALFORMED), path, 0, "does not hold a version number");
    sotto_vec_free(&bytes);
    return st;
}

static sotto_status write_version(const char *dir, const char *name, uint64_t version, sotto_diag *diag)
{
    char path[TUF_FILE_MAX], text[24];
    int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)version);
    sotto_status st = release_path(path, dir, name, diag);
    if (st == SOTTO_OK)
        st = sotto_port_write_file(path, sotto_span_of(text, (size_t)n), 0640, diag);
    return st;
}

sotto_status sotto_release_current(const char *dir, uint64_t *version, sotto_diag *diag)
{
    return read_version(dir, "current", version, diag);
}

/* Everything in the folder is ours: the files of a release, half-written ones, the list. The list goes first,
 * so that what an interrupted removal leaves is no complete release. */
static void remove_release(const char *dir, uint64_t version)
{
    char folder[TUF_FILE_MAX], path[TUF_FILE_MAX];
    if (release_folder(folder, dir, version, NULL) != SOTTO_OK ||
        release_path(path, folder, RELEASE_LIST, NULL) != SOTTO_OK)
        return;
    (void)!sotto_port_remove_file(path, NULL);
    DIR *entries = opendir(folder);
    for (struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;)
        if (e->d_name[0] != '.' && release_path(path, folder, e->d_name, NULL) == SOTTO_OK)
            (void)!sotto_port_remove_file(path, NULL);
    if (entries != NULL)
        (void)closedir(entries);
    (void)rmdir(folder);
}

typedef bool (*is_wanted)(const void *ctx, uint64_t version);

/* A name that is not a plain number is not ours to remove. Failures are made good the next time. */
static void remove_others(const char *dir, is_wanted wanted, const void *ctx)
{
    DIR *entries = opendir(dir);
    for (struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;) {
        uint64_t version = 0;
        if (sotto_parse_u64(sotto_span_str(e->d_name), &version) == SOTTO_OK && version != 0 &&
            !wanted(ctx, version))
            remove_release(dir, version);
    }
    if (entries != NULL)
        (void)closedir(entries);
}

typedef struct kept {
    uint64_t current, previous, next;
} kept;

static bool is_kept(const void *ctx, uint64_t version)
{
    const kept *k = ctx;
    return version == k->current || version == k->previous || version == k->next;
}

/* Newer ones stay as well: one that failed here would be fetched again every night. */
static bool is_kept_or_newer(const void *ctx, uint64_t version)
{
    return is_kept(ctx, version) || version > ((const kept *)ctx)->current;
}

static void read_kept(const char *dir, kept *k)
{
    *k = (kept){0};
    if (read_version(dir, "current", &k->current, NULL) != SOTTO_OK)
        k->current = 0;
    if (read_version(dir, "previous", &k->previous, NULL) != SOTTO_OK)
        k->previous = 0;
}

void release_collect(const char *dir, uint64_t next)
{
    kept k;
    read_kept(dir, &k);
    k.next = next;
    if (k.current != 0) /* without it nobody here knows what serve uses */
        remove_others(dir, is_kept, &k);
}

sotto_status sotto_release_set_current(const char *dir, uint64_t version, uint64_t good, sotto_diag *diag)
{
    kept k;
    sotto_status st = SOTTO_OK;
    read_kept(dir, &k);
    if (good == 0)
        good = k.current != version ? k.current : k.previous;
    if (good != 0 && good != k.previous)
        st = write_version(dir, "previous", good, diag);
    if (st == SOTTO_OK && k.current != version)
        st = write_version(dir, "current", version, diag);
    k = (kept){.current = version, .previous = good};
    if (st == SOTTO_OK)
        remove_others(dir, is_kept_or_newer, &k);
    return st;
}
