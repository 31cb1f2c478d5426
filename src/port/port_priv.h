/* What the files of port share: one translation of errno, and file descriptors that are closed once. */
#ifndef SOTTO_PORT_PRIV_H
#define SOTTO_PORT_PRIV_H

#include "sotto/port.h"

/* The one translation of errno into a status of this room. Never SOTTO_OK. */
sotto_status sotto_port_errno_status(int error);
/* "cannot <what>: <system's words>" at path; the status is that of error. */
sotto_status sotto_port_fail(sotto_diag *diag, int error, const char *path, const char *what);

/* Closes fd when it is open (>= 0). A second close of the same number could hit another thread's file, so it
 * is never retried: on Linux the descriptor is gone even when close(2) was interrupted. */
int sotto_port_close_fd(int fd);
/* The rest of fd after what out holds; out is as before on failure. path is for messages. */
SOTTO_MUST_USE sotto_status sotto_port_read_fd(int fd, const char *path, sotto_vec *out, sotto_diag *diag);

/* fsync of a folder, so that names in it last: 0, or -1 with errno. */
int sotto_port_sync_folder(int fd);

/* Milliseconds of the monotonic clock, the one that deadlines are told in. */
int64_t sotto_port_mono_ms(void);

#endif
