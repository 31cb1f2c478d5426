/* The release folder inside. */
#ifndef SOTTO_SYNC_RELEASE_PRIV_H
#define SOTTO_SYNC_RELEASE_PRIV_H

#include "tuf_priv.h"

#define RELEASE_LIST "targets.json"

/* dir/name, and dir/<version>; RANGE. */
SOTTO_MUST_USE sotto_status release_path(char out[static TUF_FILE_MAX], const char *dir, const char *name,
                                         sotto_diag *diag);
SOTTO_MUST_USE sotto_status release_folder(char out[static TUF_FILE_MAX], const char *dir, uint64_t version,
                                           sotto_diag *diag);
/* Removes releases that are neither current nor previous nor `next`, complete or not. */
void release_collect(const char *dir, uint64_t next);

#endif
