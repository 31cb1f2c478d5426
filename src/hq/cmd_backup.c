/* backup: a copy of an office that belongs together, taken while it serves. restored: what has to be said to
 * the world after an older copy was put in an office's place. */
#include "repo_run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 8
#define PIECE     ((size_t)1 << 20)

typedef struct copying {
    const char *from, *to;
    char unfinished[HQ_PATH_MAX];
    uint64_t files, bytes;
    bool as_json, in_database;
} copying;

/* ---- files ---- */

/* The registry is copied by the database's own hand; a lock is nobody's property. */
static bool is_left_out(const char *relative)
{
    return strncmp(relative, "registry.db", 11) == 0 || strcmp(relative, "publish.lock") == 0;
}

static sotto_status join(char out[static HQ_PATH_MAX], const char *a, const char *b, sotto_diag *diag)
{
    int len = snprintf(out, HQ_PATH_MAX, "%s%s%s", a, a[0] == '\0' ? "" : "/", b);
    return len >= 0 && len < HQ_PATH_MAX ? SOTTO_OK
                                         : sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), b, 0, "path too long");
}

static sotto_status copy_file(copying *c, const char *from, const char *to, const struct stat *info,
                              sotto_diag *diag)
{
    uint64_t at = 0, size = (uint64_t)info->st_size;
    sotto_vec part;
    sotto_vec_init(&part, PIECE);
    sotto_status status = SOTTO_OK;
    do {
        part.len = 0;
        size_t want = size - at < PIECE ? (size_t)(size - at) : PIECE;
        if (want > 0)
            status = sotto_port_read_part(from, at, want, &part, diag);
        if (status == SOTTO_OK)
            status =
                sotto_port_append_file(to, at, sotto_vec_span(&part), (unsigned)info->st_mode & 0777, diag);
        at += part.len;
    } while (status == SOTTO_OK && at < size && part.len > 0);
    if (part.ptr != NULL)
        sotto_wipe(part.ptr, part.cap);
    sotto_vec_free(&part);
    c->files++;
    c->bytes += at;
    return status;
}

static sotto_status copy_folder(copying *c, const char *relative, unsigned depth, sotto_diag *diag);

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
        return sotto_diag_at(diag, SOTTO_ERR(HQ, IO), from, 0, "cannot be looked at: %s", strerror(errno));
    if (S_ISREG(info.st_mode))
        return copy_file(c, from, to, &info, diag);
    if (!S_ISDIR(info.st_mode))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, UNSUPPORTED), from, 0, "is no file and no folder");
    status = sotto_port_make_dir(to, (unsigned)info.st_mode & 0777, diag);
    return status == SOTTO_OK ? copy_folder(c, relative, depth + 1, diag) : status;
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
        return sotto_diag_at(diag, SOTTO_ERR(HQ, IO), path, 0, "cannot be read: %s", strerror(errno));
    while (status == SOTTO_OK && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        status = join(inner, relative, entry->d_name, diag);
        if (status == SOTTO_OK && !is_left_out(inner))
            status = copy_entry(c, inner, depth, diag);
    }
    if (folder != NULL)
        (void)closedir(folder);
    return status;
}

/* ---- backup ---- */

static sotto_status copy_registry(copying *c, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    hq_registry *registry = NULL;
    sotto_status status = hq_path(c->unfinished, "registry.db", path, diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(c->from, &registry, diag);
    if (status == SOTTO_OK)
        status = hq_registry_backup(registry, path, diag);
    hq_registry_close(registry);
    c->in_database = sotto_status_cause(status) == SOTTO_CAUSE_UNSUPPORTED;
    if (c->in_database)
        return SOTTO_OK; /* told in the end: the database has its own way */
    return status == SOTTO_OK && chmod(path, 0600) != 0 ? SOTTO_ERR(HQ, IO) : status;
}

static sotto_status check_place(copying *c, sotto_diag *diag)
{
    size_t len = strlen(c->from);
    int written = snprintf(c->unfinished, sizeof c->unfinished, "%s.unfinished", c->to);
    if (written < 0 || written > HQ_PATH_MAX - 64)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the folder's path is too long");
    if (strncmp(c->to, c->from, len) == 0 && (c->to[len] == '/' || c->to[len] == '\0'))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, USAGE), c->to, 0, "lies in the folder that is to be copied");
    if (sotto_port_exists(c->to) || sotto_port_exists(c->unfinished))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, EXISTS), c->to, 0,
                             "there is something here already (or a copy that was cut short beside it)");
    return sotto_port_make_dir(c->unfinished, 0700, diag);
}

/* Everything of its file system at once: a copy that is told to be there must survive a cut. */
static sotto_status make_last(const copying *c, sotto_diag *diag)
{
    int fd = open(c->unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool lasts = fd >= 0 && syncfs(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return lasts ? SOTTO_OK
                 : sotto_diag_at(diag, SOTTO_ERR(HQ, IO), c->to, 0, "cannot be made to last: %s",
                                 strerror(errno));
}

/* Nobody publishes or signs anew meanwhile, so that the repository is of one moment. The registry is copied
 * before: a release that it does not know is worse than one that the repository does not. */
static sotto_status back_up(copying *c, sotto_diag *diag)
{
    sotto_port_lock lock;
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = hq_repo_lock(c->from, &lock, diag);
    if (status != SOTTO_OK)
        return status;
    status = check_place(c, diag);
    if (status == SOTTO_OK)
        status = copy_registry(c, diag);
    if (status == SOTTO_OK)
        status = copy_folder(c, "", 0, diag);
    if (status == SOTTO_OK)
        status = make_last(c, diag);
    if (status == SOTTO_OK && rename(c->unfinished, c->to) != 0)
        status =
            sotto_diag_at(diag, SOTTO_ERR(HQ, IO), c->to, 0, "cannot be put in place: %s", strerror(errno));
    sotto_port_lock_drop(&lock);
    return status;
}

int hq_cmd_backup(int argc, char **argv)
{
    static copying c;
    sotto_diag diag = {0};
    c = (copying){0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &c.from, .required = true},
                                 {"--to", HQ_TEXT, &c.to, .required = true},
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
        printf("%llu terminals begin a new session at their next call, and none is taken for a copy.\n"
               "This office knows release %llu as the newest. Where terminals hold a later one (sotto-hq "
               "devices\n"
               "tells as they call), publish until its number is passed. Who enrolled or renewed after the "
               "copy\n"
               "was taken needs a new code; reports that were acknowledged after it are gaps "
               "(docs/operations.md).\n",
               count, release);
    return 0;
}
