/*
 * The TUF client inside: metadata as it is held, and the steps of the client workflow. Numbers such as 5.3.4
 * are sections of the TUF specification, version 1.0.34, there called "Detailed client workflow"; 4.x
 * "Document formats".
 */
#ifndef SOTTO_SYNC_TUF_PRIV_H
#define SOTTO_SYNC_TUF_PRIV_H

#include "sotto/sync.h"

#define TUF_PATH_MAX 512 /* a path below the repository, percent-encoded */
#define TUF_FILE_MAX 1024
#define TUF_ROLE_MAX 128 /* bytes of a delegated role's name, with its NUL */

/* Bounds of what is downloaded when no length is known (W, X, Y, Z of 5.3.3, 5.4.1, 5.5.1, 5.6.1), and of
 * work. */
#define TUF_ROOT_BYTES        (512 * 1024)
#define TUF_TIMESTAMP_BYTES   (16 * 1024)
#define TUF_SNAPSHOT_BYTES    (2 * 1024 * 1024)
#define TUF_TARGETS_BYTES     (5 * 1024 * 1024)
#define TUF_ROOTS_A_REFRESH   1024
#define TUF_SIGNATURES_MAX    128
#define TUF_KEYIDS_MAX        128
#define TUF_DELEGATIONS_MAX   64   /* of one role */
#define TUF_ROLES_VISITED_MAX 32   /* 5.6.7.1 */
#define TUF_PATTERNS_MAX      4096 /* paths or path_hash_prefixes of one delegation */

/* One metadata file: the very bytes that came, and what every role has in common. doc NULL = none. */
typedef struct tuf_meta {
    sotto_vec bytes;
    sotto_json *doc;
    sotto_json_node body; /* "signed" */
    int64_t version;
    int64_t expires_s;
} tuf_meta;

enum tuf_type { TUF_ROOT, TUF_TIMESTAMP, TUF_SNAPSHOT, TUF_TARGETS };

/* A delegated role's metadata, checked by a delegator in this process already or not: see tuf_search.c. */
typedef struct tuf_delegated {
    char role[TUF_ROLE_MAX];
    tuf_meta meta;
} tuf_delegated;

struct sotto_tuf {
    char dir[TUF_FILE_MAX];
    sotto_tuf_fetch fetch;
    void *fetch_ctx;
    int64_t now_s; /* 5.1: the fixed update start time */
    tuf_meta root, timestamp, snapshot, targets;
    sotto_tuf_target *target; /* of the top-level targets role, in file order */
    size_t target_count;
    tuf_delegated *delegated[TUF_ROLES_VISITED_MAX];
    size_t delegated_count;
    uint64_t fetched_bytes;
};

/* tuf_meta.c: parsing. Takes bytes over (also on failure). name is for messages: "snapshot.json". */
SOTTO_MUST_USE sotto_status tuf_meta_parse(tuf_meta *out, enum tuf_type type, sotto_vec *bytes,
                                           const char *name, sotto_diag *diag);
void tuf_meta_free(tuf_meta *meta);
/* *to takes over what *from holds; what *to held is freed. */
void tuf_meta_move(tuf_meta *to, tuf_meta *from);
const char *tuf_type_name(enum tuf_type type);

/* tuf_sign.c: 5.3.4 and its like. OK when a threshold of the role's keys signed meta; AUTH otherwise. `keys`
 * is a keys object, `role` an object with keyids and threshold. */
SOTTO_MUST_USE sotto_status tuf_verify(sotto_json_node keys, sotto_json_node role, const tuf_meta *meta,
                                       const char *name, sotto_diag *diag);
/* How many of the role's keys signed meta. */
SOTTO_MUST_USE sotto_status tuf_count(sotto_json_node keys, sotto_json_node role, const tuf_meta *meta,
                                      size_t *count, sotto_diag *diag);
/* The same with a trusted root's keys for one of its roles. */
SOTTO_MUST_USE sotto_status tuf_verify_top(const tuf_meta *root, enum tuf_type type, const tuf_meta *meta,
                                           sotto_diag *diag);
/* Whether two roots give a role other keys (5.3.11). */
bool tuf_role_rotated(const tuf_meta *old_root, const tuf_meta *new_root, enum tuf_type type);

/* tuf_file.c: lengths and hashes, paths, and what is kept on disk. */
/* Checks bytes against the length (when listed) and hashes (when listed) of an entry in META or TARGETS.
 * CORRUPT when they differ; UNSUPPORTED when hashes are required and none is of a kind known here. */
SOTTO_MUST_USE sotto_status tuf_check_listed(sotto_json_node entry, bool hash_required, sotto_span bytes,
                                             const char *name, sotto_diag *diag);
SOTTO_MUST_USE sotto_status tuf_sha512(sotto_span bytes, uint8_t out[static SOTTO_SHA512_BYTES]);
/* The upper bound for a download of what entry lists: its length, else fallback. */
size_t tuf_listed_max(sotto_json_node entry, size_t fallback);
/* Percent-encodes all but the unreserved characters of RFC 3986 section 2.3 (and '/', when keep_slash). */
SOTTO_MUST_USE sotto_status tuf_url_encode(sotto_buf *out, sotto_span text, bool keep_slash);
SOTTO_MUST_USE sotto_status tuf_fetch_file(sotto_tuf *tuf, const char *path, size_t max, sotto_vec *out,
                                           sotto_diag *diag);
/* dir/name.json, name percent-encoded. */
SOTTO_MUST_USE sotto_status tuf_local_path(const sotto_tuf *tuf, const char *role, char *out, size_t cap,
                                           sotto_diag *diag);
SOTTO_MUST_USE sotto_status tuf_persist(const sotto_tuf *tuf, const char *role, sotto_span bytes,
                                        sotto_diag *diag);
/* NOT_FOUND when there is none. */
SOTTO_MUST_USE sotto_status tuf_load(const sotto_tuf *tuf, const char *role, enum tuf_type type,
                                     tuf_meta *out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status tuf_forget(const sotto_tuf *tuf, const char *role, sotto_diag *diag);
/* Keeps version.root.json below dir/roots: whoever trusts an older root can follow the chain without a
 * network. */
SOTTO_MUST_USE sotto_status tuf_keep_root(const char *dir, const tuf_meta *root, sotto_diag *diag);
SOTTO_MUST_USE sotto_status tuf_kept_root_path(const char *dir, int64_t version, char *out, size_t cap,
                                               sotto_diag *diag);

/* tuf_root.c: 5.3. Tries to replace tuf->root by version + 1 given in bytes (taken over). */
SOTTO_MUST_USE sotto_status tuf_root_step(sotto_tuf *tuf, sotto_vec *bytes, sotto_diag *diag);
SOTTO_MUST_USE sotto_status tuf_root_update(sotto_tuf *tuf, sotto_diag *diag);
SOTTO_MUST_USE sotto_status tuf_check_expiry(const sotto_tuf *tuf, const tuf_meta *meta, const char *name,
                                             sotto_diag *diag);
bool tuf_consistent(const sotto_tuf *tuf);

/* tuf_search.c: delegated roles. An entry of "roles", and the keys beside it. */
typedef struct tuf_delegation {
    sotto_json_node role, keys;
} tuf_delegation;
/* Whether the delegation's paths or path_hash_prefixes allow the role to list this target. */
bool tuf_role_may(sotto_json_node role, sotto_span name);
/* Metadata of the role, good for this very delegation: held, on disk, or fetched (and then kept). What
 * another delegator vouched for is checked again with this one's keys. */
SOTTO_MUST_USE sotto_status tuf_role_load(sotto_tuf *tuf, const tuf_delegation *by, const char *role,
                                          const tuf_meta **out, sotto_diag *diag);
/* What is held in this process; NULL. And holds meta, which is taken over on success. */
const tuf_delegated *tuf_role_held(const sotto_tuf *tuf, const char *role);
SOTTO_MUST_USE sotto_status tuf_role_hold(sotto_tuf *tuf, const char *role, tuf_meta *meta, sotto_diag *diag);
/* 5.6.7. The TARGETS entry for name, and NOT_FOUND. */
SOTTO_MUST_USE sotto_status tuf_search(sotto_tuf *tuf, const char *name, sotto_json_node *entry,
                                       sotto_diag *diag);
void tuf_delegated_drop(sotto_tuf *tuf);
/* Whether text matches a PATHPATTERN of section 4.5: '*' and '?' match no '/'. */
bool tuf_pattern_matches(sotto_span pattern, sotto_span text);

/* tuf_target.c */
SOTTO_MUST_USE sotto_status tuf_target_read(sotto_span name, sotto_json_node entry, sotto_tuf_target *out,
                                            sotto_diag *diag);
/* Rebuilds tuf->target from tuf->targets. */
SOTTO_MUST_USE sotto_status tuf_target_list(sotto_tuf *tuf, sotto_diag *diag);
/* The file at path into out, which holds the very bytes that were checked; untouched or unchecked on failure.
 */
SOTTO_MUST_USE sotto_status tuf_target_from_disk(const sotto_tuf_target *target, const char *path,
                                                 sotto_vec *out, sotto_diag *diag);

#endif
