/*
 * The folder of one head office (docs/sotto-hq.md, "The office's folder"): paths in it, its keys and
 * certificates, and where its registry is. All may give IO; diagnoses name the path.
 */
#ifndef SOTTO_HQ_OFFICE_OFFICE_H
#define SOTTO_HQ_OFFICE_OFFICE_H

#include "registry/registry.h"

#include "sotto/base.h"
#include "sotto/vault.h"

#define HQ_PATH_MAX 512

/* dir "/" name. RANGE when it does not fit. */
SOTTO_MUST_USE sotto_status hq_path(const char *dir, const char *name, char out[static HQ_PATH_MAX],
                                    sotto_diag *diag);
/* Where the registry is: --store of any command that has --dir, else the line of dir/store, else
 * dir/registry.db. The text must stay. */
#define HQ_STORE_FILE "store"
void hq_store_choose(const char *where);
const char *hq_store_chosen(void); /* NULL = not told */
/* Opens it, with a hint at `init` when there is none. */
SOTTO_MUST_USE sotto_status hq_office_registry(const char *dir, hq_registry **out, sotto_diag *diag);
/* For serve: a store that was chosen and holds nothing yet takes over what dir/registry.db holds (which
 * serves nobody from then on), and dir/store says where it is from now on. *moved: it did so. */
SOTTO_MUST_USE sotto_status hq_office_adopt(const char *dir, bool *moved, sotto_diag *diag);
/* Reads a private key (0600 or refused) or a certificate of the office into a PEM buffer. */
SOTTO_MUST_USE sotto_status hq_office_key(const char *dir, const char *name, char pem[static SOTTO_PEM_MAX],
                                          sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_office_pem(const char *dir, const char *name, char pem[static SOTTO_PEM_MAX],
                                          sotto_diag *diag);

#endif
