/* Files that grow: a download that goes on where it ended. */
#include "port_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, sotto_span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            done += (size_t)n;
    }
    return 0;
}

sotto_status sotto_port_append_file(const char *path, uint64_t offset, sotto_span bytes, unsigned mode,
                                    sotto_diag *diag)
{
    struct stat is;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, (mode_t)mode);
    if (fd < 0)
        return sotto_port_fail(diag, errno, path, "open");
    sotto_status status = SOTTO_OK;
    if (fstat(fd, &is) != 0)
        status = sotto_port_fail(diag, errno, path, "look at");
    else if (!S_ISREG(is.st_mode) || is.st_size < 0 || (uint64_t)is.st_size < offset)
        status = sotto_diag_at(diag, SOTTO_ERR(PORT, CONFLICT), path, 0, "ends before its next part begins");
    /* What a cut left of a part that was begun goes. */
    else if (ftruncate(fd, (off_t)offset) != 0 || lseek(fd, (off_t)offset, SEEK_SET) < 0 ||
             write_all(fd, bytes) != 0 || fsync(fd) != 0)
        status = sotto_port_fail(diag, errno, path, "write");
    if (sotto_port_close_fd(fd) != 0 && status == SOTTO_OK)
        status = sotto_port_fail(diag, errno, path, "write");
    return status;
}
