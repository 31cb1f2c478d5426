/*
 * The folder of one head office (docs/sotto-hq.md, "The office's folder"): paths in it, its keys and
 * certificates, and where its registry is. All may give IO; diagnoses name the path.
 */
#ifndef SOTTO_HQ_OFFICE_OFFICE_H
#define SOTTO_HQ_OFFICE_OFFICE_H

#include "registry/registry.h"

#include "sotto/base.h"
#include "sotto/vault.h"

#define HQ_PATH_MAX    512
#define HQ_OFFICE_MARK "repo/1.root.json" /* is in every office, from the end of its init on */

/* dir "/" name. RANGE when it does not fit. */
SOTTO_MUST_USE sotto_status hq_path(const char *dir, const char *name, char out[static HQ_PATH_MAX],
                                    sotto_diag *diag);
/* Where the registry is: --store of any command that has --dir, else the line of dir/store, else
 * dir/registry.db. The text must stay. */
#define HQ_STORE_FILE "store"
void hq_store_choose(const char *where);
const char *hq_store_chosen(void); /* NULL = not told */
/* Opens it, with a hint at `init` when there is none. DENIED, with whose it is, when it is another user's. */
SOTTO_MUST_USE sotto_status hq_office_registry(const char *dir, hq_registry **out, sotto_diag *diag);
/* For serve: a store that was chosen and holds nothing yet takes over what dir/registry.db holds (which
 * serves nobody from then on), and dir/store says where it is from now on. *moved: it did so. */
SOTTO_MUST_USE sotto_status hq_office_adopt(const char *dir, bool *moved, sotto_diag *diag);
/* What it means that `path` of the office in dir is not to be seen: NOT_FOUND with a hint at `init`; DENIED,
 * with whose it is, when this user may not look. */
sotto_status hq_office_absent(const char *dir, const char *path, sotto_diag *diag);
/* Before anything is written: DENIED, with whose it is, when the office is another user's, to root as well:
 * its owner could not use what is written. SOTTO_OK where there is none. */
SOTTO_MUST_USE sotto_status hq_office_own(const char *dir, sotto_diag *diag);
/* The same of a folder or file by itself, when it is there. */
SOTTO_MUST_USE sotto_status hq_office_own_path(const char *path, sotto_diag *diag);
/* Reads a private key (0600 or refused) or a certificate of the office into a PEM buffer. */
SOTTO_MUST_USE sotto_status hq_office_key(const char *dir, const char *name, char pem[static SOTTO_PEM_MAX],
                                          sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_office_pem(const char *dir, const char *name, char pem[static SOTTO_PEM_MAX],
                                          sotto_diag *diag);

#endif
