/* Fetching files of a release from head office, resumable. */
#ifndef SOTTO_SYNC_FETCH_PRIV_H
#define SOTTO_SYNC_FETCH_PRIV_H

#include "tuf_priv.h"

#define FETCH_PIECE ((size_t)SOTTO_PIECE_BYTES) /* longer files come in pieces */

typedef struct fetch_source {
    sotto_client *office;
    const char *release_dir; /* pieces lie in its part/; NULL: none are kept */
    int64_t *retry_after_s;
    uint64_t *wire_bytes; /* of bodies, as they came */
} fetch_source;

/* A sotto_tuf_fetch; ctx is a fetch_source. Targets are asked for in LZ4 (Accept-Encoding), and unpacked to
 * at most max bytes. */
SOTTO_MUST_USE sotto_status fetch_from_office(void *ctx, const char *path, size_t max, sotto_vec *out,
                                              sotto_diag *diag);
/* Removes pieces of files that are no targets any more. */
void fetch_collect(const char *release_dir, const sotto_tuf *tuf);

#endif
