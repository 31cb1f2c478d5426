/* The steps of publishing, shared by publishing at once (repo_publish.c) and in several hands (repo_draft.c).
 */
#ifndef SOTTO_HQ_RELEASE_REPO_RUN_H
#define SOTTO_HQ_RELEASE_REPO_RUN_H

#include "release/repo.h"

/* One run: what stands, the keys, and what is being made. */
typedef struct hq_run {
    const char *dir;
    int64_t now_s, days;
    hq_repo repo;
    hq_tuf_file listed[HQ_BUNDLE_COUNT]; /* what the release is made of, whoever signs it */
    size_t listed_count;
    hq_teams *teams; /* of the next release */
    hq_publication *out;
} hq_run;

/* Reads what stands; r->dir, days and out are set. To be closed in any case. */
SOTTO_MUST_USE sotto_status hq_run_open(hq_run *r, sotto_diag *diag);
void hq_run_close(hq_run *r);
SOTTO_MUST_USE sotto_status hq_run_put_file(const hq_run *r, const char *name, sotto_span bytes,
                                            sotto_diag *diag);
/* The document, signed by all of its role's keys that are here; *have tells how many count. */
SOTTO_MUST_USE sotto_status hq_run_make(const hq_run *r, const hq_tuf_doc *doc, sotto_vec *bytes,
                                        sotto_tuf_signers *have, sotto_diag *diag);
/* The next list: of what r->listed holds and no team signs (in own). */
hq_tuf_doc hq_run_targets(const hq_run *r, hq_tuf_file own[static HQ_BUNDLE_COUNT]);
SOTTO_MUST_USE sotto_status hq_run_put_bundle(hq_run *r, const hq_bundle *bundle, sotto_diag *diag);
/* Before its list is written and any terminal can have it: a report of a release that the registry does not
 * know is refused. Marks the first one as on its way (HQ_REPO_FIRST). */
SOTTO_MUST_USE sotto_status hq_run_remember(const hq_run *r, sotto_span tasks, hq_registry *registry,
                                            sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_run_check_continuity(const hq_run *r, const hq_bundle *bundle,
                                                    hq_registry *registry, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_run_put_snapshot(hq_run *r, const hq_tuf_file *targets, hq_tuf_file *entry,
                                                sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_run_put_timestamp(hq_run *r, const hq_tuf_file *snapshot, sotto_diag *diag);
/* The snapshot that stands, or a new one where it has to be: what the next timestamp lists. */
SOTTO_MUST_USE sotto_status hq_run_stage(hq_run *r, hq_tuf_file *snapshot, sotto_diag *diag);
/* The lists that stand under a snapshot of the next number. NOT_FOUND, AUTH when its key is elsewhere. */
SOTTO_MUST_USE sotto_status hq_run_renumber(hq_run *r, hq_tuf_file *snapshot, sotto_diag *diag);

/* repo_team.c */
/* Lists of r->teams that must be new, and the version of each: published at once (AUTH when keys are
 * elsewhere), or as drafts. Before the list of the release, which names them. */
SOTTO_MUST_USE sotto_status hq_run_lists(hq_run *r, bool as_draft, sotto_diag *diag);
/* The teams of a signed list, and their lists, drafts or standing: judged, their files added to r->listed
 * (not stage); or the drafts among them staged. AUTH with the draft in r->out while signatures are missing.
 */
SOTTO_MUST_USE sotto_status hq_run_take_lists(hq_run *r, sotto_span targets, bool stage, sotto_diag *diag);
/* r->out->expires_s of targets: of the lists in dir/repo that r->teams name, the one that ends first. */
void hq_run_tell_end(hq_run *r);
/* What a list that is prepared would release, signed or not: r->listed. */
SOTTO_MUST_USE sotto_status hq_run_draft_files(hq_run *r, sotto_span targets, sotto_diag *diag);
/* dir/FOLDER/VERSION.ROLE.json. *bytes is initialised here, the caller's to free in any case. */
SOTTO_MUST_USE sotto_status hq_run_read_list(const char *dir, const char *folder, const char *role,
                                             uint64_t version, sotto_vec *bytes, sotto_diag *diag);
/* repo_draft.c: draft/VERSION.ROLE.sha256 keeps the digest of what a draft has to be signed as. CONFLICT when
 * another was prepared, or none. */
SOTTO_MUST_USE sotto_status hq_draft_note(const char *dir, const char *role, uint64_t version,
                                          sotto_span bytes, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_draft_is_noted(const char *dir, const char *role, uint64_t version,
                                              sotto_span bytes, sotto_diag *diag);
/* What a list delegates; nothing for an empty span. */
SOTTO_MUST_USE sotto_status hq_teams_of(sotto_span targets, hq_teams *out, sotto_diag *diag);
bool hq_tuf_files_equal(const hq_tuf_file *a, size_t a_count, const hq_tuf_file *b, size_t b_count);
const hq_tuf_file *hq_tuf_file_find(const hq_tuf_file *files, size_t count, const char *name); /* or NULL */

#endif
