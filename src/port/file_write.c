/*
 * Replacing and creating files in one step: the whole new file is on the disk under a name of its own before
 * it gets the name it is for. (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014: write,
 * fsync, rename, fsync of the folder is what holds on every common file system.)
 *
 * The temporary name is fixed, "<name>.new", so that what a power cut leaves behind is used up by the next
 * write and never piles up. A lock on it keeps two writers of one file apart.
 */
#include "port_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char TEMPORARY_SUFFIX[] = ".new";

/* One write in progress. Names are relative to the folder, which stays the same one if it is moved. */
typedef struct writing {
    const char *path; /* as the caller gave it, for messages */
    const char *name; /* last part of path */
    char temporary[NAME_MAX + 1];
    int folder_fd;
    int fd; /* of the temporary file */
    sotto_diag *diag;
} writing;

static sotto_status fail(const writing *w, const char *what)
{
    return sotto_port_fail(w->diag, errno, w->path, what);
}

static sotto_status open_folder(writing *w)
{
    char folder[PATH_MAX];
    size_t len = (size_t)(w->name - w->path);
    if (len >= sizeof folder)
        return sotto_port_fail(w->diag, ENAMETOOLONG, w->path, "open the folder");
    memcpy(folder, w->path, len);
    folder[len] = '\0';
    w->folder_fd = open(len == 0 ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return w->folder_fd < 0 ? fail(w, "open the folder") : SOTTO_OK;
}

static sotto_status begin(writing *w, const char *path, sotto_diag *diag)
{
    const char *slash = strrchr(path, '/');
    *w = (writing){.path = path, .folder_fd = -1, .fd = -1, .diag = diag};
    w->name = slash == NULL ? path : slash + 1;
    if (w->name[0] == '\0')
        return sotto_diag_at(diag, SOTTO_ERR(PORT, USAGE), path, 0,
                             "a file's name is needed, not a folder's");
    int n = snprintf(w->temporary, sizeof w->temporary, "%s%s", w->name, TEMPORARY_SUFFIX);
    if (n < 0 || (size_t)n >= sizeof w->temporary)
        return sotto_port_fail(diag, ENAMETOOLONG, path, "create");
    return open_folder(w);
}

/* Between our open and our lock another writer may have renamed the file to its final name (then it is no
 * longer ours to truncate) or removed it. */
static bool still_temporary(const writing *w)
{
    struct stat by_fd, by_name;
    return fstat(w->fd, &by_fd) == 0 &&
           fstatat(w->folder_fd, w->temporary, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(by_fd.st_mode) && by_fd.st_nlink == 1 && by_fd.st_dev == by_name.st_dev &&
           by_fd.st_ino == by_name.st_ino;
}

static sotto_status open_temporary(writing *w)
{
    w->fd = openat(w->folder_fd, w->temporary, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (w->fd < 0)
        return fail(w, "create a temporary file beside");
    bool busy = flock(w->fd, LOCK_EX | LOCK_NB) != 0;
    if (busy && errno != EWOULDBLOCK)
        return fail(w, "lock the temporary file beside");
    if (busy || !still_temporary(w)) {
        (void)sotto_port_close_fd(w->fd); /* another writer's: keep away from it */
        w->fd = -1;
        return sotto_diag_at(w->diag, SOTTO_ERR(PORT, BUSY), w->path, 0, "another process is writing it");
    }
    return SOTTO_OK;
}

static sotto_status put_bytes(const writing *w, sotto_span bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(w->fd, bytes.ptr, bytes.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(w, "write");
        bytes.ptr += done;
        bytes.len -= (size_t)done;
    }
    return SOTTO_OK;
}

/* Content and mode on the disk, under the temporary name. */
static sotto_status fill(const writing *w, sotto_span bytes, unsigned mode)
{
    if (ftruncate(w->fd, 0) != 0)
        return fail(w, "empty the temporary file beside");
    if (fchmod(w->fd, (mode_t)mode) != 0)
        return fail(w, "set the mode of");
    sotto_status status = put_bytes(w, bytes);
    if (status != SOTTO_OK)
        return status;
    return fsync(w->fd) != 0 ? fail(w, "write to the disk") : SOTTO_OK;
}

static sotto_status give_name(const writing *w, bool replace)
{
    unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    if (renameat2(w->folder_fd, w->temporary, w->folder_fd, w->name, flags) != 0)
        return fail(w, replace ? "replace" : "create");
    return sotto_port_sync_folder(w->folder_fd) != 0 ? fail(w, "write the folder to the disk for") : SOTTO_OK;
}

static sotto_status write_all(writing *w, sotto_span bytes, unsigned mode, bool replace)
{
    sotto_status status = open_temporary(w);
    if (status != SOTTO_OK)
        return status;
    status = fill(w, bytes, mode);
    if (status == SOTTO_OK)
        status = give_name(w, replace);
    return status;
}

/* Removes the temporary file only while it is ours by the lock; after the rename there is none. */
static void clean_up(writing *w, sotto_status status)
{
    if (w->fd >= 0 && status != SOTTO_OK && still_temporary(w))
        (void)unlinkat(w->folder_fd, w->temporary, 0);
    (void)sotto_port_close_fd(w->fd); /* after fsync: nothing is left to fail for the data */
    (void)sotto_port_close_fd(w->folder_fd);
}

static sotto_status put_file(const char *path, sotto_span bytes, unsigned mode, bool replace,
                             sotto_diag *diag)
{
    writing w;
    sotto_status status = begin(&w, path, diag);
    if (status == SOTTO_OK)
        status = write_all(&w, bytes, mode, replace);
    clean_up(&w, status);
    return status;
}

sotto_status sotto_port_write_file(const char *path, sotto_span bytes, unsigned mode, sotto_diag *diag)
{
    return put_file(path, bytes, mode, true, diag);
}

sotto_status sotto_port_create_file(const char *path, sotto_span bytes, unsigned mode, sotto_diag *diag)
{
    struct stat info;
    /* Spares the writing; the rename below is what decides. */
    if (lstat(path, &info) == 0)
        return sotto_port_fail(diag, EEXIST, path, "create");
    return put_file(path, bytes, mode, false, diag);
}

sotto_status sotto_port_remove_file(const char *path, sotto_diag *diag)
{
    writing w;
    sotto_status status = begin(&w, path, diag);
    if (status == SOTTO_OK && unlinkat(w.folder_fd, w.name, 0) != 0)
        status = fail(&w, "remove");
    else if (status == SOTTO_OK && sotto_port_sync_folder(w.folder_fd) != 0)
        status = fail(&w, "write the folder to the disk for");
    clean_up(&w, SOTTO_OK);
    return status;
}
