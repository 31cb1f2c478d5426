/*
 * The repository as it stands on the disk, dir/repo, and how it changes: a release, a draft of one, a
 * refresh. Several processes may read while one publishes; publishers hold the lock.
 */
#ifndef SOTTO_HQ_RELEASE_REPO_H
#define SOTTO_HQ_RELEASE_REPO_H

#include "office/office.h"
#include "release/tuf.h"

#include "sotto/port.h"
#include "sotto/sync.h"

#define HQ_TIMESTAMP_DAYS 7
#define HQ_SNAPSHOT_DAYS  30     /* unless publish is told otherwise */
#define HQ_LZ4_SUFFIX     ".lz4" /* of a target, packed beside it */

typedef struct hq_repo_role {
    uint64_t version; /* 0 = none yet */
    int64_t expires_s;
} hq_repo_role;
typedef struct hq_repo_list { /* of a team */
    char name[HQ_TEAM_NAME_MAX];
    uint64_t version;
} hq_repo_list;
#define HQ_REPO_LISTS_MAX 32 /* of all teams that there ever were: a snapshot goes on naming them (5.5.5) */
typedef struct hq_repo {
    hq_repo_role role[HQ_ROLE_COUNT];
    hq_repo_list list[HQ_REPO_LISTS_MAX]; /* that the snapshot names */
    size_t list_count;
    sotto_vec targets;   /* N.targets.json as it stands; empty before the first release */
    sotto_vec root_file; /* the newest N.root.json */
    hq_root *root;       /* the same, read */
} hq_repo;
/* Lies in dir from the first release's first list until its timestamp stands. */
#define HQ_REPO_FIRST "publish.first"
/* What dir/repo offers now, followed from timestamp.json; no release where none was published. CORRUPT where
 * its lists are there and timestamp.json is not; IO where nobody can tell. */
SOTTO_MUST_USE sotto_status hq_repo_read(hq_repo *out, const char *dir, sotto_diag *diag);
void hq_repo_free(hq_repo *repo);
/* Teams of the release that stands. */
SOTTO_MUST_USE sotto_status hq_repo_teams(const hq_repo *repo, hq_teams *out, sotto_diag *diag);
/* RANGE when the snapshot could not name one more team: before it is added. */
SOTTO_MUST_USE sotto_status hq_repo_team_fits(hq_repo *repo, const hq_teams *teams, const char *name,
                                              sotto_diag *diag);
/* What the release that stands is made of: the files of its list and of its teams'. */
SOTTO_MUST_USE sotto_status hq_repo_files(const hq_repo *repo, const char *dir,
                                          hq_tuf_file out[static HQ_BUNDLE_COUNT], size_t *count,
                                          sotto_diag *diag);
/* Appends those of one list, by the names that a release has. */
SOTTO_MUST_USE sotto_status hq_tuf_files(sotto_span list, hq_tuf_file out[static HQ_BUNDLE_COUNT],
                                         size_t *count, sotto_diag *diag);

/* Publishers keep away from each other: dir/publish.lock. */
SOTTO_MUST_USE sotto_status hq_repo_lock(const char *dir, sotto_port_lock *lock, sotto_diag *diag);
/* Version 1 of root from four keys, which lie in dir/keys. EXISTS. */
#define HQ_ROOT_DAYS 365
SOTTO_MUST_USE sotto_status hq_repo_create(const char *dir, const hq_tuf_key keys[static HQ_ROLE_COUNT],
                                           int64_t now_s, sotto_diag *diag);
typedef struct hq_draft { /* what waits for signatures */
    char path[HQ_PATH_MAX];
    sotto_tuf_signers signers;
} hq_draft;
typedef struct hq_publication {
    uint64_t release;
    int64_t expires_s[HQ_ROLE_COUNT]; /* targets: of its list and its teams', the one that ends first */
    uint64_t bytes;                   /* of its files */
    char draft[HQ_PATH_MAX];          /* what waits for signatures, "" when nothing does */
    sotto_tuf_signers signers;        /* of it */
    hq_draft team[HQ_TEAMS_MAX];      /* lists of teams, beside it */
    size_t teams;
} hq_publication;
/* The next release, in the order that never shows half of one: files, targets, snapshot, timestamp. The
 * caller holds the lock. days: the snapshot's life; targets live three times as long. */
SOTTO_MUST_USE sotto_status hq_repo_publish(const char *dir, const hq_bundle *bundle, hq_registry *registry,
                                            int64_t days, hq_publication *out, sotto_diag *diag);
/*
 * In two persons' hands: a release, or a new root, is prepared as a file below dir/draft, signed there by
 * whoever holds keys (sotto-hq sign), and finished here. What terminals follow changes at finish only.
 */
/* The files of the release and its list, signed by what keys are here. The caller holds the lock. */
SOTTO_MUST_USE sotto_status hq_repo_prepare(const char *dir, const hq_bundle *bundle, hq_registry *registry,
                                            int64_t days, hq_publication *out, sotto_diag *diag);
/* The release that stands, as the draft of the next one, with the teams that dir/teams.json names: after
 * these have changed. Nothing when there is none. The caller holds the lock. */
SOTTO_MUST_USE sotto_status hq_repo_redraft(const char *dir, hq_publication *out, sotto_diag *diag);
/* CONFLICT while a draft of the next release has other files than the one that stands: a redraft would lose
 * it. The caller holds the lock. */
SOTTO_MUST_USE sotto_status hq_repo_may_redraft(const char *dir, sotto_diag *diag);
/* Publishes the drafts. AUTH when signatures are missing: out->draft says of which file, and nothing has
 * changed. NOT_FOUND when nothing is prepared. The caller holds the lock. */
SOTTO_MUST_USE sotto_status hq_repo_finish(const char *dir, hq_registry *registry, hq_publication *out,
                                           sotto_diag *diag);
/* draft/VERSION.ROLE.json */
SOTTO_MUST_USE sotto_status hq_draft_path(const char *dir, const char *role, uint64_t version,
                                          char path[static HQ_PATH_MAX], sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_draft_put(const char *dir, const char *role, uint64_t version,
                                         sotto_span bytes, sotto_diag *diag);
/* Signs the timestamp anew, and the snapshot when less than half of its life is left and its key is here.
 * Takes the lock. NOT_FOUND before the first release. */
SOTTO_MUST_USE sotto_status hq_repo_refresh(const char *dir, hq_publication *out, sotto_diag *diag);
/* Whether a refresh is due: less than half of the timestamp's life left, timestamp or snapshot not signed as
 * the newest root asks (a change of keys was cut off), or the repository cannot be read (the refresh then
 * says why, which must not go unnoticed). */
bool hq_repo_stale(const char *dir, int64_t now_s);

#endif
