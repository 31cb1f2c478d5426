/*
 * port: the seams to the world: clock, entropy, files, sockets, locks, process sandbox. The only room below
 * kiosk and hq that calls the operating system (vault's key files and store's database go through here or
 * through their library).
 *
 * Every message says the path or the address. One translation of errno serves all: ENOENT, ENOTDIR ->
 * NOT_FOUND; EEXIST -> EXISTS; EACCES, EPERM, EROFS -> DENIED; ENOSPC, EDQUOT -> FULL; ENOMEM -> NO_MEMORY;
 * ENAMETOOLONG -> RANGE; EADDRINUSE -> BUSY; ETIMEDOUT -> TIMEOUT; a refused, reset or unreachable connection
 * -> NETWORK; all else -> IO. No function keeps state of its own: all are safe in any thread.
 */
#ifndef SOTTO_PORT_H
#define SOTTO_PORT_H

#include "sotto/base.h"

/* ---- Clock and entropy ---- */
sotto_clock sotto_port_clock(void);
/* The system's clock plus offset_s: for rehearsals of another day. *offset_s must outlive the clock. */
sotto_clock sotto_port_clock_shifted(const int64_t *offset_s);
/* getrandom(2); blocks until the kernel's pool is ready. */
sotto_entropy sotto_port_entropy(void);

/* ---- Files ---- */
/* The whole file after what out holds already, up to out->limit in all. NOT_FOUND, DENIED, IO, NO_MEMORY,
 * RANGE when larger (endless devices, too), MALFORMED for a pipe; out holds then what it held before. */
SOTTO_MUST_USE sotto_status sotto_port_read_file(const char *path, sotto_vec *out, sotto_diag *diag);
/* `len` bytes from `offset` on after what out holds: RANGE when the file ends before. Otherwise as read_file.
 */
SOTTO_MUST_USE sotto_status sotto_port_read_part(const char *path, uint64_t offset, size_t len,
                                                 sotto_vec *out, sotto_diag *diag);
/* NOT_FOUND, DENIED; MALFORMED for what is no plain file. */
SOTTO_MUST_USE sotto_status sotto_port_file_size(const char *path, uint64_t *bytes, sotto_diag *diag);
/* Like read_file; a name ending in ".xz" is unpacked through xz(1), without a shell and bounded by out->limit
 * (NOT_FOUND with a hint when that program is missing, CORRUPT when it refuses). Head office only. */
SOTTO_MUST_USE sotto_status sotto_port_read_data_file(const char *path, sotto_vec *out, sotto_diag *diag);
/* Replaces path in one step: temporary file "<path>.new", write, fsync, rename, fsync of the folder. At every
 * moment and after any failure or power cut path is whole: the old file, or the new one when only the last
 * step, the folder's fsync, failed (IO; call again). mode is exact, the umask plays no part. BUSY when
 * another process writes it right now; USAGE when path ends in '/'; what a power cut left behind is used up
 * by the next call. */
SOTTO_MUST_USE sotto_status sotto_port_write_file(const char *path, sotto_span bytes, unsigned mode,
                                                  sotto_diag *diag);
/* Creates, never replaces. EXISTS when anything has that name, a dangling link, too. Otherwise as write_file.
 */
SOTTO_MUST_USE sotto_status sotto_port_create_file(const char *path, sotto_span bytes, unsigned mode,
                                                   sotto_diag *diag);
/* bytes at offset of path, which then ends there; made with mode when absent. Durable when it returns. What
 * stood from offset on is lost first, so a cut leaves a file that ends somewhere between the two. CONFLICT
 * when the file ends before offset, or is none. */
SOTTO_MUST_USE sotto_status sotto_port_append_file(const char *path, uint64_t offset, sotto_span bytes,
                                                   unsigned mode, sotto_diag *diag);
/* mkdir -p; each folder made gets exactly that mode and is durable; existing ones keep theirs. EXISTS when a
 * part of path is not a folder. */
SOTTO_MUST_USE sotto_status sotto_port_make_dir(const char *path, unsigned mode, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_port_remove_file(const char *path,
                                                   sotto_diag *diag); /* NOT_FOUND when absent */
/* Whose path is and what it allows (links are followed). NOT_FOUND; DENIED when a folder on the way may not
 * be searched: nothing is known of path then. */
typedef struct sotto_port_rights {
    uint64_t owner; /* user number */
    unsigned mode;  /* permission bits, 07777 */
} sotto_port_rights;
SOTTO_MUST_USE sotto_status sotto_port_rights_of(const char *path, sotto_port_rights *rights,
                                                 sotto_diag *diag);
/* Whether anybody but its owner has any right on it. */
bool sotto_port_shared(const sotto_port_rights *rights);
/* DENIED when anybody but the owner (this user or root) has any right on path (links are followed).
 * NOT_FOUND. */
SOTTO_MUST_USE sotto_status sotto_port_check_private(const char *path, sotto_diag *diag);
/* False also for a dangling link, and when a folder on the way may not be searched. */
bool sotto_port_exists(const char *path);
/* Bytes that a user other than root may still take on the file system that holds path. */
SOTTO_MUST_USE sotto_status sotto_port_disk_free(const char *path, uint64_t *bytes, sotto_diag *diag);

/* An advisory lock (flock) held until drop or the process's end, however it ends. BUSY when another process
 * holds it, with that process's number in the message when known. The file is made when absent (mode 0600)
 * and stays. */
typedef struct sotto_port_lock {
    int fd; /* -1 = not held */
} sotto_port_lock;
SOTTO_MUST_USE sotto_status sotto_port_lock_take(sotto_port_lock *lock, const char *path, sotto_diag *diag);
/* Allowed on a lock that is not held. */
void sotto_port_lock_drop(sotto_port_lock *lock);

/* ---- Other programs, and the kernel's keyring: for secrets ---- */
/* Runs argv[0] (a whole path: USAGE otherwise; no shell, no environment but PATH and LC_ALL=C, our standard
 * error) with input (at most 4096 bytes: RANGE) as its standard input, and appends what it says to out, up to
 * out->limit (RANGE). It is killed when it has not ended after timeout_ms: TIMEOUT. One that has ended is not
 * waited for: what it started and left holding its output is killed then. NOT_FOUND, DENIED, IO (a signal).
 * On failure out is as before, and what was added is wiped. */
SOTTO_MUST_USE sotto_status sotto_port_run(char *const *argv, sotto_span input, int64_t timeout_ms,
                                           sotto_vec *out, int *exit_code, sotto_diag *diag);
/* The same for who must not wait: start, then step now and then until it says another word than BUSY (which
 * ends the job: errors as above, and what a program says is in out then, which the caller keeps beside it
 * from the start). end kills what still runs; nothing happens to a job that has ended. A started job must
 * come to one of the two. aside (NULL: our standard error) takes what it says on its standard error, up to
 * its limit; the rest is dropped. It stays until the job has ended. */
typedef struct sotto_port_job {
    int64_t pid; /* 0 = none runs */
    int fd, err_fd;
    int64_t deadline_ms;
    sotto_vec *aside;
} sotto_port_job;
SOTTO_MUST_USE sotto_status sotto_port_job_start(sotto_port_job *job, char *const *argv, sotto_span input,
                                                 int64_t timeout_ms, sotto_vec *aside, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_port_job_step(sotto_port_job *job, sotto_vec *out, int *exit_code,
                                                sotto_diag *diag);
void sotto_port_job_end(sotto_port_job *job);
/* Between two steps of who may wait: until it says something, or a moment has passed. */
void sotto_port_job_wait(const sotto_port_job *job);
#define SOTTO_PORT_KEYRING_MAX 512
/* A key of type "user" in this user's kernel keyring (keyrings(7)), which lasts until the machine stops.
 * NOT_FOUND, UNSUPPORTED (no such kernel), DENIED (sandbox). */
SOTTO_MUST_USE sotto_status sotto_port_keyring_read(const char *name, sotto_vec *out, sotto_diag *diag);
/* Never replaces: EXISTS. */
SOTTO_MUST_USE sotto_status sotto_port_keyring_add(const char *name, sotto_span secret, sotto_diag *diag);

/* ---- Sockets: all non-blocking, close-on-exec; deadlines in milliseconds of the monotonic clock ---- */
/* A function that gives an fd sets it to -1 on failure. */
/* "READY=1" to the socket that $NOTIFY_SOCKET names, if any: a service manager (systemd's Type=notify) holds
 * back who needs this program until then. When nobody hears it, nothing is wrong. */
void sotto_port_tell_ready(void);
/* Unix stream socket at path (a stale one is replaced, a live one is BUSY, any other file EXISTS), mode set
 * before it accepts. RANGE when path is longer than 107 bytes. Two programs that start at the same moment
 * must keep apart by a lock of their own. */
SOTTO_MUST_USE sotto_status sotto_port_listen_unix(const char *path, unsigned mode, int *fd,
                                                   sotto_diag *diag);
/* NOT_FOUND without a socket there, NETWORK when nobody listens, DENIED, TIMEOUT when its queue stays full.
 */
SOTTO_MUST_USE sotto_status sotto_port_connect_unix(const char *path, int64_t deadline_ms, int *fd,
                                                    sotto_diag *diag);
/* host is a name or address; port in digits (USAGE otherwise), "0" = any free one, told by
 * sotto_port_local_port. */
SOTTO_MUST_USE sotto_status sotto_port_listen_tcp(const char *host, const char *port, int *fd,
                                                  sotto_diag *diag);
/* Tries each address of host in turn within the deadline. Looking a name up is the resolver's, in its own
 * time (resolv.conf, "options timeout"); an address in digits is never looked up. NETWORK, TIMEOUT, DENIED
 * (sandbox). */
SOTTO_MUST_USE sotto_status sotto_port_connect_tcp(const char *host, const char *port, int64_t deadline_ms,
                                                   int *fd, sotto_diag *diag);
/* The port that a TCP socket is bound to. USAGE for another kind of socket, IO; *port is unchanged then. */
SOTTO_MUST_USE sotto_status sotto_port_local_port(int fd, uint16_t *port);
/* Waits until fd can be read (want_write false) or written; an error or the peer's end counts, the next recv
 * or send tells it. Looks at least once, also after the deadline. TIMEOUT, IO. */
SOTTO_MUST_USE sotto_status sotto_port_wait(int fd, bool want_write, int64_t deadline_ms);
/* One attempt: *n bytes, 0 at the end of the stream; BUSY when it would block; NETWORK on error (never
 * SIGPIPE); *n is 0 on failure. cap > 0 (asserted). */
SOTTO_MUST_USE sotto_status sotto_port_recv(int fd, void *buf, size_t cap, size_t *n);
SOTTO_MUST_USE sotto_status sotto_port_send(int fd, const void *buf, size_t len, size_t *n);
void sotto_port_close(int *fd); /* sets -1 */

/* ---- Process sandbox: the wall between `serve` and `sync` stands in the process itself ---- */
enum sotto_port_wall {
    SOTTO_WALL_ENFORCED = 0,
    SOTTO_WALL_UNSUPPORTED = 1 /* the kernel has no such filter; the caller decides whether to go on */
};
/* After this, socket(2) and socketpair(2) give only AF_UNIX (EACCES otherwise), in all threads of this
 * process and in its children, for good (seccomp). io_uring, pidfd_getfd, ptrace and writing another
 * process's memory, which lead around that, end with EPERM. Sockets that are open already stay usable: call
 * it before opening any. May be called again. */
SOTTO_MUST_USE sotto_status sotto_port_deny_network(enum sotto_port_wall *wall, sotto_diag *diag);
/* After this only files below the granted paths can be opened, made, removed or renamed, whoever runs the
 * process (Landlock); no program can be run, not even from a writable grant. Holds for the calling thread and
 * all threads and children it starts later: call it before starting any. A grant whose path is absent is
 * skipped; links are followed. Open descriptors and Unix sockets stay usable. A second call can only take
 * more away. */
typedef struct sotto_port_grant {
    const char *path;
    bool write;
} sotto_port_grant;
SOTTO_MUST_USE sotto_status sotto_port_confine_files(const sotto_port_grant *grants, size_t n,
                                                     enum sotto_port_wall *wall, sotto_diag *diag);
/* No core dumps, not traceable: key material must not reach a disk through a crash. */
void sotto_port_harden_process(void);

#endif
