/*
 * port: the seams to the world: clock, entropy, files, sockets, locks, process sandbox. The only room below
 * kiosk and hq that calls the operating system (vault's key files and store's database go through here or
 * through their library).
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
/* Whole file into out (limit = out->limit). NOT_FOUND, DENIED, IO, RANGE when larger; diag says the path. */
SOTTO_MUST_USE sotto_status sotto_port_read_file(const char *path, sotto_vec *out, sotto_diag *diag);
/* Like read_file; a name ending in ".xz" is unpacked through xz(1) (NOT_FOUND with a hint when that program
 * is missing). Head office only. */
SOTTO_MUST_USE sotto_status sotto_port_read_data_file(const char *path, sotto_vec *out, sotto_diag *diag);
/* Replaces path in one step: temporary file in the same folder, write, fsync, rename, fsync of the folder.
 * The old file stays whole on any failure. */
SOTTO_MUST_USE sotto_status sotto_port_write_file(const char *path, sotto_span bytes, unsigned mode,
                                                  sotto_diag *diag);
/* Creates, never replaces. EXISTS when there. Same durability. */
SOTTO_MUST_USE sotto_status sotto_port_create_file(const char *path, sotto_span bytes, unsigned mode,
                                                   sotto_diag *diag);
/* mkdir -p; existing folders keep their modes. */
SOTTO_MUST_USE sotto_status sotto_port_make_dir(const char *path, unsigned mode, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_port_remove_file(const char *path,
                                                   sotto_diag *diag); /* NOT_FOUND when absent */
/* DENIED when anybody but the owner (this user or root) can read or write path. */
SOTTO_MUST_USE sotto_status sotto_port_check_private(const char *path, sotto_diag *diag);
bool sotto_port_exists(const char *path);
/* Free bytes on the file system that holds path. */
SOTTO_MUST_USE sotto_status sotto_port_disk_free(const char *path, uint64_t *bytes, sotto_diag *diag);

/* An advisory lock held until unlock or the process's end. BUSY when another process holds it. */
typedef struct sotto_port_lock {
    int fd; /* -1 = not held */
} sotto_port_lock;
SOTTO_MUST_USE sotto_status sotto_port_lock_take(sotto_port_lock *lock, const char *path, sotto_diag *diag);
void sotto_port_lock_drop(sotto_port_lock *lock);

/* ---- Sockets: all non-blocking, close-on-exec; deadlines in milliseconds of the monotonic clock ---- */
/* Unix stream socket at path (a stale one is replaced, a live one is BUSY), mode set before it accepts. */
SOTTO_MUST_USE sotto_status sotto_port_listen_unix(const char *path, unsigned mode, int *fd,
                                                   sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_port_connect_unix(const char *path, int64_t deadline_ms, int *fd,
                                                    sotto_diag *diag);
/* host is a name or address; port "0" = any free one, told by sotto_port_local_port. */
SOTTO_MUST_USE sotto_status sotto_port_listen_tcp(const char *host, const char *port, int *fd,
                                                  sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_port_connect_tcp(const char *host, const char *port, int64_t deadline_ms,
                                                   int *fd, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_port_local_port(int fd, uint16_t *port);
/* Waits until fd can be read (want_write false) or written. TIMEOUT, IO. */
SOTTO_MUST_USE sotto_status sotto_port_wait(int fd, bool want_write, int64_t deadline_ms);
/* One attempt: *n bytes, 0 at the end of the stream; BUSY when it would block; NETWORK on error. */
SOTTO_MUST_USE sotto_status sotto_port_recv(int fd, void *buf, size_t cap, size_t *n);
SOTTO_MUST_USE sotto_status sotto_port_send(int fd, const void *buf, size_t len, size_t *n);
void sotto_port_close(int *fd); /* sets -1 */

/* ---- Process sandbox: the wall between `serve` and `sync` stands in the process itself ---- */
enum sotto_port_wall {
    SOTTO_WALL_ENFORCED = 0,
    SOTTO_WALL_UNSUPPORTED = 1 /* the kernel has no such filter; the caller decides whether to go on */
};
/* After this, socket(2) and socketpair(2) give only AF_UNIX (EACCES otherwise), in this process and its
 * children, for good (seccomp). */
SOTTO_MUST_USE sotto_status sotto_port_deny_network(enum sotto_port_wall *wall, sotto_diag *diag);
/* After this only files below the granted paths can be opened, whoever runs the process (Landlock). A grant
 * whose path is absent is skipped. Open descriptors and Unix sockets stay usable. */
typedef struct sotto_port_grant {
    const char *path;
    bool write;
} sotto_port_grant;
SOTTO_MUST_USE sotto_status sotto_port_confine_files(const sotto_port_grant *grants, size_t n,
                                                     enum sotto_port_wall *wall, sotto_diag *diag);
/* No core dumps, not traceable: key material must not reach a disk through a crash. */
void sotto_port_harden_process(void);

#endif
