/* The steps of publishing, shared by publishing at once (repo_publish.c) and in several hands (repo_draft.c).
 */
#ifndef SOTTO_HQ_REPO_RUN_H
#define SOTTO_HQ_REPO_RUN_H

#include "hq_priv.h"

/* One run: what stands, the keys, and what is being made. */
typedef struct hq_run {
    const char *dir;
    int64_t now_s, days;
    hq_repo repo;
    hq_tuf_file listed[HQ_BUNDLE_COUNT]; /* in the order of hq_bundle_file: those every release has stand at
                                            their own places */
    size_t listed_count;
    hq_publication *out;
} hq_run;

SOTTO_MUST_USE sotto_status hq_run_put_file(const hq_run *r, const char *name, sotto_span bytes,
                                            sotto_diag *diag);
/* The document, signed by all of its role's keys that are here; *have tells how many count. */
SOTTO_MUST_USE sotto_status hq_run_make(const hq_run *r, const hq_tuf_doc *doc, sotto_vec *bytes,
                                        sotto_tuf_signers *have, sotto_diag *diag);
/* The next list of r->listed. */
hq_tuf_doc hq_run_targets(const hq_run *r);
SOTTO_MUST_USE sotto_status hq_run_put_bundle(hq_run *r, const hq_bundle *bundle, sotto_diag *diag);
/* Before any terminal can have it: a report of a release that the registry does not know is refused. */
SOTTO_MUST_USE sotto_status hq_run_remember(const hq_run *r, sotto_span tasks, hq_registry *registry,
                                            sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_run_check_continuity(const hq_run *r, const hq_bundle *bundle,
                                                    hq_registry *registry, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_run_put_snapshot(hq_run *r, const hq_tuf_file *targets, hq_tuf_file *entry,
                                                sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_run_put_timestamp(hq_run *r, const hq_tuf_file *snapshot, sotto_diag *diag);
/* The snapshot that stands, or a new one where it has to be: what the next timestamp lists. */
SOTTO_MUST_USE sotto_status hq_run_stage(hq_run *r, hq_tuf_file *snapshot, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_run_refresh(hq_run *r, sotto_diag *diag);

#endif
