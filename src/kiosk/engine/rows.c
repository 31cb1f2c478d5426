/* A CSV file of any size, read through a window: memory is bounded by the longest row, not by the file. */
#include "engine/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW (4 * (size_t)SOTTO_CSV_ROW_MAX)

struct kiosk_rows {
    int fd;
    const char *path;
    size_t len; /* bytes in the window */
    bool ended; /* the window holds the file's last byte */
    sotto_sha256_stream *hash;
    sotto_csv csv;
    uint8_t window[WINDOW];
};

static sotto_status broken(const kiosk_rows *r, int error, sotto_diag *diag)
{
    sotto_status status = error == ENOENT || error == ENOTDIR ? SOTTO_ERR(KIOSK, NOT_FOUND)
                          : error == EACCES || error == EPERM ? SOTTO_ERR(KIOSK, DENIED)
                                                              : SOTTO_ERR(KIOSK, IO);
    return sotto_diag_at(diag, status, r->path, 0, "cannot be read: %s", strerror(error));
}

static sotto_status read_some(kiosk_rows *r, sotto_diag *diag)
{
    ssize_t n;
    do
        n = read(r->fd, r->window + r->len, WINDOW - r->len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return broken(r, errno, diag);
    r->ended = n == 0;
    sotto_status status = sotto_sha256_update(r->hash, sotto_span_of(r->window + r->len, (size_t)n));
    r->len += (size_t)n;
    return status;
}

/* More than the longest row stands ahead of the reader, or all that there is: so the reader sees the window
 * as it would see the whole file. */
static sotto_status fill(kiosk_rows *r, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    if (r->len - r->csv.at <= SOTTO_CSV_ROW_MAX && !r->ended) {
        r->len -= r->csv.at;
        memmove(r->window, r->window + r->csv.at, r->len);
        r->csv.at = 0;
        while (status == SOTTO_OK && !r->ended && r->len < WINDOW)
            status = read_some(r, diag);
    }
    r->csv.text = sotto_span_of(r->window, r->len);
    return status;
}

static sotto_status open_file(kiosk_rows *r, sotto_diag *diag)
{
    struct stat is;
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0 || fstat(r->fd, &is) != 0)
        return broken(r, errno, diag);
    if (S_ISDIR(is.st_mode))
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, IO), r->path, 0, "is a folder");
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = sotto_sha256_begin(&r->hash);
    if (status == SOTTO_OK)
        status = fill(r, diag);
    return status == SOTTO_OK ? sotto_csv_open(&r->csv, r->csv.text, r->path, 0, diag) : status;
}

sotto_status kiosk_rows_open(kiosk_rows **out, const char *path, sotto_diag *diag)
{
    kiosk_rows *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "out of memory");
    r->fd = -1;
    r->path = path;
    sotto_status status = open_file(r, diag);
    if (status != SOTTO_OK)
        kiosk_rows_close(r);
    else
        *out = r;
    return status;
}

const sotto_csv *kiosk_rows_csv(const kiosk_rows *rows)
{
    return &rows->csv;
}

sotto_status kiosk_rows_next(kiosk_rows *rows, bool *more, sotto_diag *diag)
{
    *more = false;
    sotto_status status = fill(rows, diag);
    return status == SOTTO_OK ? sotto_csv_next(&rows->csv, more, diag) : status;
}

sotto_status kiosk_rows_sha256(kiosk_rows *rows, uint8_t sha256[static SOTTO_SHA256_BYTES], sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && !rows->ended) {
        rows->len = 0;
        status = read_some(rows, diag);
    }
    if (status != SOTTO_OK)
        return status;
    status = sotto_sha256_end(rows->hash, sha256);
    rows->hash = NULL;
    return status;
}

void kiosk_rows_close(kiosk_rows *rows)
{
    uint8_t ignored[SOTTO_SHA256_BYTES];
    if (rows == NULL)
        return;
    if (rows->fd >= 0)
        (void)close(rows->fd);
    if (rows->hash != NULL && sotto_sha256_end(rows->hash, ignored) != SOTTO_OK)
        rows->hash = NULL;          /* it is freed either way */
    sotto_wipe(rows, sizeof *rows); /* the file held customers' data */
    free(rows);
}

void kiosk_progress(const char *what, uint64_t rows, bool last)
{
    if (isatty(2))
        dprintf(2, "\rimport: %llu %s %s", (unsigned long long)rows, what, last ? "\n" : "");
}
