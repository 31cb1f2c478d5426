/* Landlock (kernel documentation, userspace-api/landlock): this process gives up every file that it does not
 * name. The C library has no wrappers for its three calls; their numbers are the same on every architecture.
 */
#include "port_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446 };

/* Rights that came after the headers of some build machines: bits 13 (ABI 2), 14 (ABI 3). A right that the
 * kernel does not know makes its call fail, so what is asked for follows the kernel's ABI number. */
#define RIGHT_REFER     (UINT64_C(1) << 13)
#define RIGHT_TRUNCATE  (UINT64_C(1) << 14)
#define RIGHTS_OF_ABI_1 ((UINT64_C(1) << 13) - 1)

#define READ_RIGHTS ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))
/* Writing never includes running a program or making a device. */
#define NEVER_RIGHTS                                                                                         \
    ((uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK))
/* What means something for one file; others are for folders, and are refused for a file. */
#define FILE_RIGHTS                                                                                          \
    ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE) | RIGHT_TRUNCATE)

static uint64_t rights_of_abi(long abi)
{
    return RIGHTS_OF_ABI_1 | (abi >= 2 ? RIGHT_REFER : 0) | (abi >= 3 ? RIGHT_TRUNCATE : 0);
}

static sotto_status add_rule(int ruleset, int fd, uint64_t rights, const char *path, sotto_diag *diag)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    if (syscall(NR_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return sotto_port_fail(diag, errno, path, "grant");
    return SOTTO_OK;
}

static sotto_status add_grant(int ruleset, const sotto_port_grant *grant, uint64_t handled, sotto_diag *diag)
{
    struct stat info;
    int fd = open(grant->path, O_PATH | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return SOTTO_OK;
    if (fd < 0)
        return sotto_port_fail(diag, errno, grant->path, "grant");
    uint64_t rights = grant->write ? handled & ~NEVER_RIGHTS : READ_RIGHTS;
    sotto_status status = SOTTO_OK;
    if (fstat(fd, &info) != 0)
        status = sotto_port_fail(diag, errno, grant->path, "look at");
    else
        status =
            add_rule(ruleset, fd, S_ISDIR(info.st_mode) ? rights : rights & FILE_RIGHTS, grant->path, diag);
    (void)sotto_port_close_fd(fd);
    return status;
}

static sotto_status enforce(int ruleset, sotto_diag *diag)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0 || syscall(NR_RESTRICT_SELF, ruleset, 0) != 0)
        return sotto_port_fail(diag, errno, NULL, "confine this process to its files");
    return SOTTO_OK;
}

/* The first field of struct landlock_ruleset_attr is all that ABI 1 to 3 have; a longer struct is refused by
 * older kernels only when its other fields are set. */
static int make_ruleset(uint64_t handled)
{
    struct {
        uint64_t handled_access_fs;
    } attr = {handled};
    return (int)syscall(NR_CREATE_RULESET, &attr, sizeof attr, 0);
}

sotto_status sotto_port_confine_files(const sotto_port_grant *grants, size_t n, enum sotto_port_wall *wall,
                                      sotto_diag *diag)
{
    *wall = SOTTO_WALL_UNSUPPORTED;
    long abi = syscall(NR_CREATE_RULESET, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) /* ENOSYS: not built in, or emulated; EOPNOTSUPP: not among the kernel's active modules */
        return SOTTO_OK;
    uint64_t handled = rights_of_abi(abi);
    int ruleset = make_ruleset(handled);
    if (ruleset < 0)
        return sotto_port_fail(diag, errno, NULL, "make a list of granted files");
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < n && status == SOTTO_OK; i++)
        status = add_grant(ruleset, &grants[i], handled, diag);
    if (status == SOTTO_OK)
        status = enforce(ruleset, diag);
    (void)sotto_port_close_fd(ruleset);
    if (status == SOTTO_OK)
        *wall = SOTTO_WALL_ENFORCED;
    return status;
}
