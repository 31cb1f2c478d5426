/* backup: a copy of an office that belongs together, taken while it serves. restored: what has to be said to
 * the world after an older copy was put in an office's place. */
#include "commands.h"
#include "office/args.h"
#include "pack/pack.h"
#include "release/repo_run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX    8
#define PIECE        ((size_t)1 << 20)
#define PACK_WAIT_MS 60000 /* a pack is made in seconds */
#define PACK_STEP_MS 50

typedef struct copying {
    const char *from_text, *to_text;                                  /* as they were given */
    char from[HQ_PATH_MAX], to[HQ_PATH_MAX], unfinished[HQ_PATH_MAX]; /* without slashes at the end */
    struct stat place;                                                /* of unfinished */
    uint64_t files, bytes;
    bool as_json, in_database, begun;
} copying;

/* ---- files ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool is_pack_folder(const char *relative)
{
    return strncmp(relative, "packs/", 6) == 0 && strchr(relative + 6, '/') == NULL;
}

/* The registry is copied by the database's own hand; a lock is nobody's property. */
static bool is_left_out(const char *folder, const char *relative, const char *name)
{
    return strncmp(relative, "registry.db", 11) == 0 || strcmp(relative, "publish.lock") == 0 ||
           (is_pack_folder(folder) && strcmp(name, "lock") == 0);
}

static sotto_status join(char out[static HQ_PATH_MAX], const char *a, const char *b, sotto_diag *diag)
{
    int len = snprintf(out, HQ_PATH_MAX, "%s%s%s", a, a[0] == '\0' ? "" : "/", b);
    return len >= 0 && len < HQ_PATH_MAX ? SOTTO_OK
                                         : sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), b, 0, "path too long");
}

static sotto_status failed(sotto_diag *diag, const char *path, const char *what)
{
    return sotto_diag_at(diag, SOTTO_ERR(HQ, IO), path, 0, "cannot be %s: %s", what, strerror(errno));
}

static sotto_status no_file(sotto_diag *diag, const char *path)
{
    return sotto_diag_at(diag, SOTTO_ERR(HQ, UNSUPPORTED), path, 0, "is no file and no folder");
}

/* *n is less than want only at the file's end. */
static sotto_status read_piece(int fd, const char *from, uint8_t *piece, size_t want, size_t *n,
                               sotto_diag *diag)
{
    *n = 0;
    while (*n < want) {
        ssize_t got = read(fd, piece + *n, want - *n);
        if (got < 0 && errno != EINTR)
            return failed(diag, from, "read");
        if (got == 0)
            break;
        if (got > 0)
            *n += (size_t)got;
    }
    return SOTTO_OK;
}

/* As many bytes as it had when it was opened: what grows meanwhile is copied as it was then. */
static sotto_status copy_bytes(copying *c, int fd, const struct stat *info, const char *from, const char *to,
                               sotto_diag *diag)
{
    uint64_t at = 0, size = (uint64_t)info->st_size;
    uint8_t *piece = malloc(PIECE);
    sotto_status status = piece == NULL ? SOTTO_ERR(HQ, NO_MEMORY) : SOTTO_OK;
    if (piece == NULL)
        return status;
    do {
        size_t want = size - at < PIECE ? (size_t)(size - at) : PIECE, n = 0;
        status = read_piece(fd, from, piece, want, &n, diag);
        if (status == SOTTO_OK && n < want)
            status = sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), from, 0,
                                   "was cut short while it was copied: try again");
        if (status == SOTTO_OK)
            status =
                sotto_port_append_file(to, at, sotto_span_of(piece, n), (unsigned)info->st_mode & 0777, diag);
        at += n;
    } while (status == SOTTO_OK && at < size);
    sotto_wipe(piece, PIECE);
    free(piece);
    c->files++;
    c->bytes += at;
    return status;
}

/* By one descriptor, so that a file that is replaced meanwhile is copied whole, as it was before. One that is
 * gone was no part of what belongs together: who writes those keeps away by the locks. */
static sotto_status copy_file(copying *c, const char *from, const char *to, sotto_diag *diag)
{
    struct stat info;
    int fd = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? SOTTO_OK : failed(diag, from, "opened");
    sotto_status status = SOTTO_OK;
    if (fstat(fd, &info) != 0)
        status = failed(diag, from, "looked at");
    else if (!S_ISREG(info.st_mode))
        status = no_file(diag, from);
    else
        status = copy_bytes(c, fd, &info, from, to, diag);
    (void)close(fd);
    return status;
}

static sotto_status copy_folder(copying *c, const char *relative, unsigned depth, sotto_diag *diag);

/* Nobody makes a pack for this terminal meanwhile; one that is being made is waited for. */
static sotto_status copy_packs(copying *c, const char *relative, unsigned depth, sotto_diag *diag)
{
    const struct timespec step = {.tv_nsec = PACK_STEP_MS * 1000000L};
    char path[HQ_PATH_MAX];
    sotto_port_lock lock = {.fd = -1};
    sotto_status status = hq_pack_path(c->from, relative + 6, "lock", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_lock_take(&lock, path, diag);
    for (int waited = 0; sotto_status_cause(status) == SOTTO_CAUSE_BUSY && waited < PACK_WAIT_MS;
         waited += PACK_STEP_MS) {
        (void)nanosleep(&step, NULL);
        status = sotto_port_lock_take(&lock, path, diag);
    }
    if (status == SOTTO_OK)
        status = copy_folder(c, relative, depth, diag);
    sotto_port_lock_drop(&lock);
    return status;
}

static sotto_status enter_folder(copying *c, const char *relative, const char *to, const struct stat *info,
                                 unsigned depth, sotto_diag *diag)
{
    if (info->st_dev == c->place.st_dev && info->st_ino == c->place.st_ino)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, USAGE), c->to, 0, "lies in the folder that is to be copied");
    sotto_status status = sotto_port_make_dir(to, (unsigned)info->st_mode & 0777, diag);
    if (status != SOTTO_OK)
        return status;
    return is_pack_folder(relative) ? copy_packs(c, relative, depth, diag)
                                    : copy_folder(c, relative, depth, diag);
}

/* "<name>.new" is a file that is being written (sotto_port_write_file): it is not there yet. */
static sotto_status copy_entry(copying *c, const char *relative, unsigned depth, sotto_diag *diag)
{
    char from[HQ_PATH_MAX], to[HQ_PATH_MAX];
    struct stat info;
    sotto_status status = join(from, c->from, relative, diag);
    if (status == SOTTO_OK)
        status = join(to, c->unfinished, relative, diag);
    if (status != SOTTO_OK)
        return status;
    if (lstat(from, &info) != 0)
        return errno == ENOENT ? SOTTO_OK : failed(diag, from, "looked at");
    if (S_ISREG(info.st_mode))
        return ends_with(relative, ".new") ? SOTTO_OK : copy_file(c, from, to, diag);
    return S_ISDIR(info.st_mode) ? enter_folder(c, relative, to, &info, depth + 1, diag)
                                 : no_file(diag, from);
}

static sotto_status copy_folder(copying *c, const char *relative, unsigned depth, sotto_diag *diag)
{
    char path[HQ_PATH_MAX], inner[HQ_PATH_MAX];
    struct dirent *entry;
    if (depth > DEPTH_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), relative, 0, "lies too deep for an office");
    sotto_status status =
        relative[0] == '\0' ? join(path, c->from, ".", diag) : join(path, c->from, relative, diag);
    DIR *folder = status == SOTTO_OK ? opendir(path) : NULL;
    if (status == SOTTO_OK && folder == NULL)
        return failed(diag, path, "read");
    while (status == SOTTO_OK && (errno = 0, entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        status = join(inner, relative, entry->d_name, diag);
        if (status == SOTTO_OK && !is_left_out(relative, inner, entry->d_name))
            status = copy_entry(c, inner, depth, diag);
    }
    if (status == SOTTO_OK && errno != 0)
        status = failed(diag, path, "read");
    if (folder != NULL)
        (void)closedir(folder);
    return status;
}

/* ---- backup ---- */

/* Only the opened registry can say that it is in a database: one that cannot be opened is no copy. */
static sotto_status copy_registry(copying *c, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    hq_registry *registry = NULL;
    sotto_status status = hq_path(c->unfinished, "registry.db", path, diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(c->from, &registry, diag);
    if (status != SOTTO_OK)
        return status;
    status = hq_registry_backup(registry, path, diag);
    hq_registry_close(registry);
    c->in_database = sotto_status_cause(status) == SOTTO_CAUSE_UNSUPPORTED;
    if (c->in_database)
        return SOTTO_OK; /* told in the end: the database has its own way */
    return status == SOTTO_OK && chmod(path, 0600) != 0 ? failed(diag, path, "made private") : status;
}

static sotto_status strip(char out[static HQ_PATH_MAX], const char *path, sotto_diag *diag)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len > HQ_PATH_MAX - 64)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the folder's path is empty or too long");
    memcpy(out, path, len);
    out[len] = '\0';
    return SOTTO_OK;
}

static void above(char out[static HQ_PATH_MAX], const char *path)
{
    const char *slash = strrchr(path, '/');
    int len = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    (void)snprintf(out, HQ_PATH_MAX, "%.*s", len, slash == NULL ? "." : path);
}

static sotto_status check_place(copying *c, sotto_diag *diag)
{
    size_t len = strlen(c->from);
    (void)snprintf(c->unfinished, sizeof c->unfinished, "%.*s.unfinished", HQ_PATH_MAX - 64, c->to);
    if (strncmp(c->to, c->from, len) == 0 && (c->to[len] == '/' || c->to[len] == '\0'))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, USAGE), c->to, 0, "lies in the folder that is to be copied");
    if (sotto_port_exists(c->to))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, EXISTS), c->to, 0,
                             "there is something here already; nothing was changed");
    if (sotto_port_exists(c->unfinished))
        return sotto_diag_at(
            diag, SOTTO_ERR(HQ, EXISTS), c->unfinished, 0,
            "left by a backup that was cut off, private keys in it: remove it and try again");
    return SOTTO_OK;
}

/* SQLite makes no file below a link, and a copy may well lie below one. */
static sotto_status follow_links(copying *c, const char *parent, sotto_diag *diag)
{
    const char *slash = strrchr(c->to, '/'), *name = slash == NULL ? c->to : slash + 1;
    char *real = realpath(parent, NULL);
    if (real == NULL)
        return failed(diag, parent, "found");
    int len = snprintf(c->unfinished, sizeof c->unfinished, "%s/%s.unfinished", real, name);
    free(real);
    return len >= 0 && len < HQ_PATH_MAX - 64
               ? SOTTO_OK
               : sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), c->to, 0, "path too long");
}

/* Made by this process or not at all, since it removes what it made when it fails. Not the folders above it:
 * where a disk should be mounted and is not, they would be made on another one, and fill it. */
static sotto_status make_place(copying *c, sotto_diag *diag)
{
    char parent[HQ_PATH_MAX];
    sotto_status status = check_place(c, diag);
    if (status != SOTTO_OK)
        return status;
    above(parent, c->to);
    if (!sotto_port_exists(parent))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), parent, 0,
                             "there is no such folder: is the disk for copies mounted? backup makes the last "
                             "folder only");
    status = follow_links(c, parent, diag);
    if (status != SOTTO_OK)
        return status;
    if (mkdir(c->unfinished, 0700) != 0)
        return failed(diag, c->unfinished, "made");
    c->begun = true;
    return lstat(c->unfinished, &c->place) != 0 ? failed(diag, c->unfinished, "looked at") : SOTTO_OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

/* Private keys are not left behind in a folder that nobody looks for. */
static void remove_unfinished(copying *c)
{
    if (c->begun && nftw(c->unfinished, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        (void)fprintf(stderr, "%s could not be removed: %s. It holds private keys: remove it\n",
                      c->unfinished, strerror(errno));
}

/* Everything of its file system at once: a copy that is told to be there must survive a cut. */
static sotto_status make_last(const copying *c, const char *folder, sotto_diag *diag)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sotto_status status = fd >= 0 && syncfs(fd) == 0 ? SOTTO_OK : failed(diag, c->to, "made to last");
    if (fd >= 0)
        (void)close(fd);
    return status;
}

static sotto_status put_in_place(copying *c, sotto_diag *diag)
{
    char parent[HQ_PATH_MAX];
    sotto_status status = make_last(c, c->unfinished, diag);
    if (status != SOTTO_OK)
        return status;
    if (rename(c->unfinished, c->to) != 0)
        return failed(diag, c->to, "put in place");
    c->begun = false;
    above(parent, c->to);
    return make_last(c, parent, diag); /* the name too */
}

/* Nobody publishes or signs anew meanwhile, so that the repository is of one moment. The registry is copied
 * before: a release that it does not know is worse than one that the repository does not. */
static sotto_status back_up(copying *c, sotto_diag *diag)
{
    sotto_port_lock lock;
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = strip(c->from, c->from_text, diag);
    if (status == SOTTO_OK)
        status = strip(c->to, c->to_text, diag);
    if (status == SOTTO_OK)
        status = hq_repo_lock(c->from, &lock, diag);
    if (status != SOTTO_OK)
        return status;
    status = make_place(c, diag);
    if (status == SOTTO_OK)
        status = copy_registry(c, diag);
    if (status == SOTTO_OK)
        status = copy_folder(c, "", 0, diag);
    if (status == SOTTO_OK)
        status = put_in_place(c, diag);
    if (status != SOTTO_OK)
        remove_unfinished(c);
    sotto_port_lock_drop(&lock);
    return status;
}

int hq_cmd_backup(int argc, char **argv)
{
    static copying c;
    sotto_diag diag = {0};
    c = (copying){0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &c.from_text, .required = true},
                                 {"--to", HQ_TEXT, &c.to_text, .required = true},
                                 {"--json", HQ_FLAG, &c.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = back_up(&c, &diag);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    if (c.as_json)
        printf("{\"files\":%llu,\"bytes\":%llu,\"registry\":%s}\n", (unsigned long long)c.files,
               (unsigned long long)c.bytes, c.in_database ? "false" : "true");
    else
        printf("%s holds %llu files, %llu bytes, private keys among them%s.\n", c.to,
               (unsigned long long)c.files, (unsigned long long)c.bytes,
               c.in_database ? "; the registry is in PostgreSQL: pg_dump -n sotto" : " and the registry");
    return 0;
}

/* ---- restored ---- */

/* Terminals have seen later numbers than the copy knows: timestamp and snapshot go on far beyond them. A
 * release's number cannot be passed over, since its reports are added up by it: publish does that. */
#define AHEAD 1000

static sotto_status go_ahead(hq_run *r, sotto_diag *diag)
{
    hq_tuf_file snapshot;
    r->out->release = r->repo.role[HQ_ROLE_TARGETS].version;
    if (r->out->release == 0)
        return SOTTO_OK; /* nothing was published yet */
    r->repo.role[HQ_ROLE_TIMESTAMP].version += AHEAD;
    r->repo.role[HQ_ROLE_SNAPSHOT].version += AHEAD;
    sotto_status status = hq_run_renumber(r, &snapshot, diag);
    return status == SOTTO_OK ? hq_run_put_timestamp(r, &snapshot, diag) : status;
}

static sotto_status restore(const char *dir, uint64_t *sessions, hq_publication *out, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    sotto_port_lock lock;
    hq_run r = {.dir = dir, .days = HQ_SNAPSHOT_DAYS, .out = out};
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = hq_repo_lock(dir, &lock, diag);
    if (status != SOTTO_OK)
        return status;
    status = hq_run_open(&r, diag);
    if (status == SOTTO_OK)
        status = go_ahead(&r, diag);
    hq_run_close(&r);
    if (status == SOTTO_OK)
        status = hq_office_registry(dir, &registry, diag);
    if (status == SOTTO_OK)
        status = hq_registry_forget_sessions(registry, sessions, diag);
    hq_registry_close(registry);
    sotto_port_lock_drop(&lock);
    return status;
}

int hq_cmd_restored(int argc, char **argv)
{
    static hq_publication out;
    sotto_diag diag = {0};
    const char *dir = NULL;
    bool as_json = false;
    uint64_t sessions = 0;
    out = (hq_publication){0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = true},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = restore(dir, &sessions, &out, &diag);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    const unsigned long long release = out.release, count = sessions;
    if (as_json)
        printf("{\"release\":%llu,\"sessions_forgotten\":%llu}\n", release, count);
    else
        printf("%llu terminal%s a new session at their next call, and none is taken for a copy.\n"
               "This office knows release %llu as the newest. Where terminals hold a later one (sotto-hq "
               "devices\n"
               "tells as they call), publish until its number is passed. Who enrolled or renewed after the "
               "copy\n"
               "was taken needs a new code; reports that were acknowledged after it are gaps "
               "(docs/operations.md).\n",
               count, count == 1 ? " begins" : "s begin", release);
    return 0;
}
