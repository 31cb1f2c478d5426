/* The kernel's keyring of this user (keyrings(7)), by its system calls: the library for them is LGPL. */
#include "port_priv.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whoever runs as this user may see, read and find it, whatever session he has; nobody else may do anything.
 */
#define RIGHTS 0x3f3f0000u

static long find(const char *name)
{
    return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", name, 0);
}

static sotto_status told(const char *name, const char *what, sotto_diag *diag)
{
    switch (errno) {
    case ENOKEY:
    case EKEYEXPIRED:
    case EKEYREVOKED:
        return sotto_diag_at(
            diag, SOTTO_ERR(PORT, NOT_FOUND), name, 0,
            "is not in this user's kernel keyring: it is empty after each start of the machine");
    case ENOSYS:
        return sotto_diag_at(diag, SOTTO_ERR(PORT, UNSUPPORTED), name, 0, "this kernel has no keyring");
    default:
        return sotto_port_fail(diag, errno, name, what);
    }
}

sotto_status sotto_port_keyring_read(const char *name, sotto_vec *out, sotto_diag *diag)
{
    uint8_t secret[SOTTO_PORT_KEYRING_MAX];
    long id = find(name);
    if (id < 0)
        return told(name, "find the key", diag);
    long len = syscall(SYS_keyctl, KEYCTL_READ, id, secret, sizeof secret, 0);
    if (len < 0)
        return told(name, "read the key", diag);
    if ((size_t)len > sizeof secret)
        return sotto_diag_at(diag, SOTTO_ERR(PORT, RANGE), name, 0, "the key is too long");
    sotto_status status = sotto_vec_put(out, secret, (size_t)len);
    explicit_bzero(secret, sizeof secret);
    return status == SOTTO_OK ? status : sotto_diag_at(diag, status, name, 0, "the key is too long");
}

sotto_status sotto_port_keyring_add(const char *name, sotto_span secret, sotto_diag *diag)
{
    if (find(name) >= 0)
        return sotto_diag_at(diag, SOTTO_ERR(PORT, EXISTS), name, 0, "is in the kernel keyring already");
    if (errno != ENOKEY)
        return told(name, "look for the key", diag);
    long id = syscall(SYS_add_key, "user", name, secret.ptr, secret.len, KEY_SPEC_USER_KEYRING);
    if (id < 0)
        return told(name, "add the key", diag);
    if (syscall(SYS_keyctl, KEYCTL_SETPERM, id, RIGHTS, 0, 0) != 0)
        return told(name, "protect the key", diag);
    return SOTTO_OK;
}
