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
/* A name that becomes a file's: nothing that leads out of the folder, hides, or takes another's place. */
bool release_name_is_plain(const char *name);
/* The file is, byte for byte, this. */
bool release_file_holds(const char *path, sotto_span bytes);

/* release_team.c: roles of which the list names a version, and their targets after the list's own in
 * tuf->target. folder: where their lists lie as dir/<version>/<role>.role; NULL: from head office. AUTH for a
 * target that is not its role's to sign, CORRUPT for another version. */
SOTTO_MUST_USE sotto_status release_teams(sotto_tuf *tuf, const char *folder, sotto_diag *diag);
SOTTO_MUST_USE sotto_status release_teams_write(const sotto_tuf *tuf, const char *folder, sotto_diag *diag);
bool release_teams_there(const sotto_tuf *tuf, const char *folder);

#endif
