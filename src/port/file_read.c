#include "port_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { CHUNK_BYTES = 4096 };

static sotto_status read_chunks(int fd, sotto_vec *out, int *error)
{
    uint8_t chunk[CHUNK_BYTES];
    sotto_status status = SOTTO_OK;
    ssize_t got = 0;
    *error = 0;
    do {
        got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno != EINTR)
            *error = errno;
        else if (got > 0)
            status = sotto_vec_put(out, chunk, (size_t)got);
    } while (*error == 0 && status == SOTTO_OK && got != 0);
    explicit_bzero(chunk, sizeof chunk); /* the file may be a key */
    return status;
}

static sotto_status too_large(const sotto_vec *out, sotto_status status, const char *path, sotto_diag *diag)
{
    if (sotto_status_cause(status) == SOTTO_CAUSE_NO_MEMORY)
        return sotto_diag_at(diag, SOTTO_ERR(PORT, NO_MEMORY), path, 0, "no memory to read it");
    return sotto_diag_at(diag, SOTTO_ERR(PORT, RANGE), path, 0, "larger than the %zu bytes allowed here",
                         out->limit);
}

sotto_status sotto_port_read_fd(int fd, const char *path, sotto_vec *out, sotto_diag *diag)
{
    size_t len_before = out->len;
    int error = 0;
    sotto_status status = read_chunks(fd, out, &error);
    if (status == SOTTO_OK && error == 0)
        return SOTTO_OK;
    out->len = len_before;
    return error != 0 ? sotto_port_fail(diag, error, path, "read") : too_large(out, status, path, diag);
}

/* A pipe in a file's place would hold its reader up for ever, or give each reader other bytes: `serve` reads
 * files that the process with the network wrote. */
static sotto_status refuse_pipe(int fd, const char *path, sotto_diag *diag)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return sotto_port_fail(diag, errno, path, "look at");
    if (S_ISFIFO(info.st_mode))
        return sotto_diag_at(diag, SOTTO_ERR(PORT, MALFORMED), path, 0, "is a pipe, not a file");
    return fcntl(fd, F_SETFL, 0) == 0 ? SOTTO_OK : sotto_port_fail(diag, errno, path, "read");
}

sotto_status sotto_port_read_file(const char *path, sotto_vec *out, sotto_diag *diag)
{
    /* Without O_NONBLOCK the opening of a pipe waits for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return sotto_port_fail(diag, errno, path, "open");
    sotto_status status = refuse_pipe(fd, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_fd(fd, path, out, diag);
    (void)sotto_port_close_fd(fd); /* nothing was written: nothing can be lost */
    return status;
}

static sotto_status read_from(int fd, const char *path, uint64_t offset, size_t len, sotto_vec *out,
                              sotto_diag *diag)
{
    uint8_t chunk[16 * CHUNK_BYTES];
    sotto_status status = SOTTO_OK;
    for (size_t done = 0; status == SOTTO_OK && done < len;) {
        size_t want = len - done < sizeof chunk ? len - done : sizeof chunk;
        ssize_t got = pread(fd, chunk, want, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sotto_port_fail(diag, errno, path, "read");
        if (got == 0)
            return sotto_diag_at(diag, SOTTO_ERR(PORT, RANGE), path, 0,
                                 "ends before the part that is wanted");
        status = sotto_vec_put(out, chunk, (size_t)got);
        done += (size_t)got;
    }
    return status == SOTTO_OK ? status : too_large(out, status, path, diag);
}

sotto_status sotto_port_read_part(const char *path, uint64_t offset, size_t len, sotto_vec *out,
                                  sotto_diag *diag)
{
    size_t before = out->len;
    if (offset > (uint64_t)INT64_MAX - len)
        return sotto_diag_at(diag, SOTTO_ERR(PORT, RANGE), path, 0, "no file is so long");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return sotto_port_fail(diag, errno, path, "open");
    sotto_status status = refuse_pipe(fd, path, diag);
    if (status == SOTTO_OK)
        status = read_from(fd, path, offset, len, out, diag);
    (void)sotto_port_close_fd(fd);
    if (status != SOTTO_OK)
        out->len = before;
    return status;
}

sotto_status sotto_port_file_size(const char *path, uint64_t *bytes, sotto_diag *diag)
{
    struct stat info;
    *bytes = 0;
    if (stat(path, &info) != 0)
        return sotto_port_fail(diag, errno, path, "look at");
    if (!S_ISREG(info.st_mode))
        return sotto_diag_at(diag, SOTTO_ERR(PORT, MALFORMED), path, 0, "is not a plain file");
    *bytes = (uint64_t)info.st_size;
    return SOTTO_OK;
}

bool sotto_port_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

sotto_status sotto_port_rights_of(const char *path, sotto_port_rights *rights, sotto_diag *diag)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return sotto_port_fail(diag, errno, path, "look at");
    rights->owner = info.st_uid;
    rights->mode = (unsigned)(info.st_mode & 07777);
    return SOTTO_OK;
}

/* With an access control list the group bits show its mask (acl(5)), so this covers lists too. */
bool sotto_port_shared(const sotto_port_rights *rights)
{
    return (rights->mode & (S_IRWXG | S_IRWXO)) != 0;
}

sotto_status sotto_port_check_private(const char *path, sotto_diag *diag)
{
    sotto_port_rights rights;
    sotto_status status = sotto_port_rights_of(path, &rights, diag);
    if (status != SOTTO_OK)
        return status;
    if (rights.owner != geteuid() && rights.owner != 0)
        return sotto_diag_at(diag, SOTTO_ERR(PORT, DENIED), path, 0,
                             "belongs to user %ju, neither to this one nor to root", (uintmax_t)rights.owner);
    if (sotto_port_shared(&rights))
        return sotto_diag_at(diag, SOTTO_ERR(PORT, DENIED), path, 0,
                             "others than its owner may use it (mode %04o); chmod go= makes it private",
                             rights.mode);
    return SOTTO_OK;
}

sotto_status sotto_port_disk_free(const char *path, uint64_t *bytes, sotto_diag *diag)
{
    struct statvfs info;
    if (statvfs(path, &info) != 0)
        return sotto_port_fail(diag, errno, path, "look at the file system of");
    /* f_bavail: what a user other than root may still take. */
    if (__builtin_mul_overflow((uint64_t)info.f_bavail, (uint64_t)info.f_frsize, bytes))
        *bytes = UINT64_MAX;
    return SOTTO_OK;
}
