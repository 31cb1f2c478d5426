#include "port_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The mode is set by name once more where mkdir(2) took the umask off. The set-group-id bit that a new
 * folder takes over from the one above stays: by it the files of one user become readable for the group of
 * another. Under a unit with RestrictSUIDSGID= to name that bit is refused, so what is right already is left.
 */
static sotto_status set_mode(const char *path, unsigned mode, sotto_diag *diag)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return sotto_port_fail(diag, errno, path, "set the mode of");
    mode_t wanted = (mode_t)mode | (info.st_mode & S_ISGID);
    if ((info.st_mode & 07777) != wanted && chmod(path, wanted) != 0)
        return sotto_port_fail(diag, errno, path, "set the mode of");
    return SOTTO_OK;
}

static sotto_status make_level(const char *path, unsigned mode, bool *made, sotto_diag *diag)
{
    struct stat info;
    *made = false;
    if (mkdir(path, (mode_t)mode) == 0) {
        *made = true;
        return set_mode(path, mode, diag);
    }
    int error = errno;
    if (stat(path, &info) !=
        0) /* also when a level above may not be written: it is there, and that is enough */
        return sotto_port_fail(diag, error, path, "make the folder");
    if (!S_ISDIR(info.st_mode))
        return sotto_diag_at(diag, SOTTO_ERR(PORT, EXISTS), path, 0, "is there and is not a folder");
    return SOTTO_OK;
}

/* A new folder's name lasts through a power cut once the folder above it is on the disk. */
static sotto_status sync_above(char *path, size_t len, sotto_diag *diag)
{
    while (len > 0 && path[len - 1] != '/')
        len--;
    char saved = path[len];
    path[len] = '\0';
    int fd = open(len == 0 ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || sotto_port_sync_folder(fd) != 0;
    int error = errno;
    (void)sotto_port_close_fd(fd);
    path[len] = saved;
    return failed ? sotto_port_fail(diag, error, path, "write to the disk the folder above") : SOTTO_OK;
}

static sotto_status make_up_to(char *path, size_t len, unsigned mode, sotto_diag *diag)
{
    char saved = path[len];
    path[len] = '\0';
    bool made = false;
    sotto_status status = make_level(path, mode, &made, diag);
    if (status == SOTTO_OK && made)
        status = sync_above(path, len, diag);
    path[len] = saved;
    return status;
}

sotto_status sotto_port_make_dir(const char *path, unsigned mode, sotto_diag *diag)
{
    char levels[PATH_MAX];
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len >= sizeof levels)
        return sotto_port_fail(diag, len == 0 ? ENOENT : ENAMETOOLONG, path, "make the folder");
    memcpy(levels, path, len);
    levels[len] = '\0';
    sotto_status status = SOTTO_OK;
    for (size_t i = 1; i <= len && status == SOTTO_OK; i++)
        if (levels[i] == '\0' || (levels[i] == '/' && levels[i - 1] != '/'))
            status = make_up_to(levels, i, mode, diag);
    return status;
}
