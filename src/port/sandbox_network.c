/* A seccomp filter that takes the network away (seccomp(2), kernel documentation "Seccomp BPF"). It looks at
 * the number and the arguments of a system call before the kernel does; it can never be taken off again. */
#include "port_priv.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARM_EABI__)
#define OWN_ARCH AUDIT_ARCH_ARM /* EABI has no socketcall(2): socket(2) is a call of its own */
#else
#error "name this architecture's AUDIT_ARCH, and look whether it has socketcall(2)"
#endif

/* LeakSanitizer stops the other threads with ptrace(2) at the end of a test. */
#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECK_USES_PTRACE
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAK_CHECK_USES_PTRACE
#endif
#endif

/* The kernel reads a domain as a C int, so the low half of the 64-bit argument decides. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half of an argument stands first");
_Static_assert(__NR_io_uring_setup == 425, "the same number on every architecture");

#define LOAD(field)            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(k)            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 0, 1) /* else skips the next instruction */
#define UNLESS_EQUAL(k)        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 1, 0)
#define RETURN(verdict)        BPF_STMT(BPF_RET | BPF_K, (verdict))
#define REFUSE(error)          RETURN(SECCOMP_RET_ERRNO | (SECCOMP_RET_DATA & (error)))
#define REFUSE_CALL(nr, error) IF_EQUAL(nr), REFUSE(error)

static struct sock_filter NO_NETWORK[] = {
    /* A call by another architecture's numbers (32-bit calls on x86-64) would be misread below. */
    LOAD(arch),
    UNLESS_EQUAL(OWN_ARCH),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#if defined(__x86_64__)
    /* x32 calls have this architecture's name and other numbers: bit 30 is set. */
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
    REFUSE(ENOSYS),
#endif
    /* A ring opens sockets without socket(2). The next three borrow another process's descriptors or memory.
     */
    REFUSE_CALL(__NR_io_uring_setup, EPERM),
    REFUSE_CALL(438 /* pidfd_getfd */, EPERM),
#if !defined(LEAK_CHECK_USES_PTRACE)
    REFUSE_CALL(__NR_ptrace, EPERM),
#endif
    REFUSE_CALL(__NR_process_vm_writev, EPERM),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socketpair, 1, 0),
    RETURN(SECCOMP_RET_ALLOW),
    LOAD(args[0]),
    IF_EQUAL(AF_UNIX),
    RETURN(SECCOMP_RET_ALLOW),
    REFUSE(EACCES),
};

/* TSYNC puts the filter on every thread of the process; a positive answer is a thread that could not take it.
 */
static int install(void)
{
    struct sock_fprog program = {.len = SOTTO_COUNT(NO_NETWORK), .filter = NO_NETWORK};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
        return errno;
    long answer = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    return answer == 0 ? 0 : answer > 0 ? EBUSY : errno;
}

sotto_status sotto_port_deny_network(enum sotto_port_wall *wall, sotto_diag *diag)
{
    int error = install();
    *wall = SOTTO_WALL_UNSUPPORTED;
    if (error == ENOSYS || error == EINVAL) /* built without CONFIG_SECCOMP_FILTER, or emulated */
        return SOTTO_OK;
    if (error != 0)
        return sotto_port_fail(diag, error, NULL, "take the network away from this process");
    *wall = SOTTO_WALL_ENFORCED;
    return SOTTO_OK;
}

void sotto_port_harden_process(void)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    /* Also covers a core_pattern that pipes to a program, and debuggers of the same user. */
    (void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
}
