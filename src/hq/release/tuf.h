/*
 * Metadata of The Update Framework, made, read and signed (TUF specification 1.0.34, section 4). Of bytes,
 * but for teams and keyrings, which lie in the office's folder (dir); repo.h has the repository. One thread
 * an object.
 */
#ifndef SOTTO_HQ_RELEASE_TUF_H
#define SOTTO_HQ_RELEASE_TUF_H

#include "release/bundle.h"

#include "sotto/codec.h"
#include "sotto/vault.h"

/* X(NAME, "role") */
#define HQ_ROLES(X)                                                                                          \
    X(ROOT, "root")                                                                                          \
    X(TARGETS, "targets")                                                                                    \
    X(SNAPSHOT, "snapshot")                                                                                  \
    X(TIMESTAMP, "timestamp")
enum hq_role {
#define X(name, text) HQ_ROLE_##name,
    HQ_ROLES(X)
#undef X
        HQ_ROLE_COUNT
};
const char *hq_role_name(enum hq_role role);

#define HQ_KEYID_TEXT    (2 * SOTTO_SHA256_BYTES + 1)
#define HQ_PUBLIC_MAX    2048 /* PEM of RSA-8192 */
#define HQ_ROOT_KEYS_MAX 32
#define HQ_ROLE_KEYS_MAX 8
typedef struct hq_public_key { /* as metadata holds it */
    char keyid[HQ_KEYID_TEXT], keytype[32], scheme[32], text[HQ_PUBLIC_MAX];
} hq_public_key;
typedef struct hq_tuf_key {
    char pem[SOTTO_PEM_MAX]; /* private: ECDSA P-256 or RSA */
    hq_public_key public_key;
} hq_tuf_key;
/* Public half and keyid of key->pem. */
SOTTO_MUST_USE sotto_status hq_tuf_key_complete(hq_tuf_key *key, sotto_diag *diag);
/* A public key as an operator hands it in: PEM (ECDSA P-256, RSA, Ed25519) or 64 hex digits (Ed25519). */
SOTTO_MUST_USE sotto_status hq_public_key_read(hq_public_key *out, sotto_span text, sotto_diag *diag);
/* Of the key itself, however it is written. UNSUPPORTED for a scheme that is unknown here. */
SOTTO_MUST_USE sotto_status hq_public_key_id(const hq_public_key *key, uint8_t id[static SOTTO_SHA256_BYTES],
                                             sotto_diag *diag);
/* As sotto_public_verify, in the key's scheme. */
SOTTO_MUST_USE sotto_status hq_public_key_verify(const hq_public_key *key, sotto_span message,
                                                 sotto_span signature, sotto_diag *diag);
void hq_tuf_key_wipe(hq_tuf_key *key);

void hq_public_key_put_named(sotto_json_writer *w, const hq_public_key *key); /* a member: by its keyid */
/* Appends a document as signatures are over it (section 4.2.1): members in order, no white space. */
SOTTO_MUST_USE sotto_status hq_canonical(sotto_span json, sotto_vec *out, sotto_diag *diag);

/* Keys that metadata names, and who of them signs what, and how many must. */
typedef struct hq_key_table {
    hq_public_key key[HQ_ROOT_KEYS_MAX];
    size_t count;
} hq_key_table;
typedef struct hq_signers {
    char keyid[HQ_ROLE_KEYS_MAX][HQ_KEYID_TEXT];
    size_t count, threshold;
} hq_signers;
/* A "keys" object; an object with keyids and threshold. MALFORMED, RANGE. */
SOTTO_MUST_USE sotto_status hq_key_table_parse(hq_key_table *out, sotto_json_node keys, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_signers_parse(hq_signers *out, sotto_json_node role, sotto_diag *diag);
void hq_signers_put(sotto_json_writer *w, const hq_signers *signers); /* the two members */
bool hq_signers_have(const hq_signers *signers, const char *keyid);
/* This key, as the table has it written for one of them; NULL: it is none of theirs. */
const hq_public_key *hq_signers_find(const hq_signers *who, const hq_key_table *keys,
                                     const hq_public_key *key);
/* EXISTS when it is one of them, RANGE when there is no room. name: whose, for messages. */
SOTTO_MUST_USE sotto_status hq_signers_add(hq_signers *to, hq_key_table *keys, const hq_public_key *key,
                                           const char *name, sotto_diag *diag);
/* NOT_FOUND; a key that nobody has any more is left out of the file. */
SOTTO_MUST_USE sotto_status hq_signers_remove(hq_signers *from, const char *keyid, const char *name,
                                              sotto_diag *diag);

/* "expires" of any role's signed part. MALFORMED, RANGE. */
SOTTO_MUST_USE sotto_status hq_expiry_read(sotto_json_node body, int64_t *expires_s, sotto_diag *diag);

/* What a root says: whose keys count for what. */
typedef struct hq_root {
    hq_key_table keys;
    hq_signers role[HQ_ROLE_COUNT];
    uint64_t version;
    int64_t expires_s;
} hq_root;
SOTTO_MUST_USE sotto_status hq_root_parse(hq_root *out, sotto_span file, const char *name, sotto_diag *diag);
bool hq_root_has(const hq_root *root, enum hq_role role, const char *keyid);

/* Teams, who alone sign some files of a release: what targets delegates (section 4.5, "delegations"). The
 * same form in dir/teams.json, which says what the next release delegates, and in targets.json itself, where
 * each role names the version of the team's list that belongs to the release. */
#define HQ_TEAMS_MAX     8
#define HQ_TEAM_NAME_MAX 32
typedef struct hq_team {
    char name[HQ_TEAM_NAME_MAX];
    bool signs[HQ_BUNDLE_COUNT]; /* each file is at most one team's; the self-test is nobody's */
    hq_signers who;
    uint64_t version; /* of its list; 0 = not said */
} hq_team;
typedef struct hq_teams {
    hq_key_table keys;
    hq_team team[HQ_TEAMS_MAX];
    size_t count;
} hq_teams;
/* A "delegations" object, or none (*out is empty then). MALFORMED, RANGE, CONFLICT. */
SOTTO_MUST_USE sotto_status hq_teams_parse(hq_teams *out, sotto_json_node delegations, sotto_diag *diag);
void hq_teams_put(sotto_json_writer *w, const hq_teams *teams); /* as a value */
hq_team *hq_teams_find(hq_teams *teams, const char *name);      /* NULL: there is none */
/* Whose the file of a release is; NULL: of whoever signs targets. */
const hq_team *hq_teams_owner(const hq_teams *teams, const char *file);
/* RANGE, CONFLICT (a name that is not plain or taken, a file that is no release's or another team's). paths:
 * names with commas between. */
SOTTO_MUST_USE sotto_status hq_teams_add(hq_teams *teams, const char *name, const char *paths,
                                         sotto_diag *diag);
/* dir/teams.json; none without it. */
SOTTO_MUST_USE sotto_status hq_teams_load(hq_teams *out, const char *dir, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_teams_save(const hq_teams *teams, const char *dir, sotto_diag *diag);

/* Private keys that lie here: keys/NAME.key and keys/NAME-*.key, those that are of the signers. */
typedef struct hq_keyring {
    hq_tuf_key key[HQ_ROLE_KEYS_MAX];
    size_t count;
} hq_keyring;
/* *out is NULL on failure; an empty ring is none. DENIED for a file that others can read. */
SOTTO_MUST_USE sotto_status hq_keyring_load(hq_keyring **out, const char *dir, const char *name,
                                            const hq_signers *who, sotto_diag *diag);
void hq_keyring_free(hq_keyring *ring); /* wipes; NULL allowed */

typedef struct hq_tuf_file { /* a file that metadata lists */
    const char *name;
    uint64_t length, version; /* version: of metadata files only */
    uint8_t sha256[SOTTO_SHA256_BYTES];
} hq_tuf_file;
SOTTO_MUST_USE sotto_status hq_tuf_file_of(hq_tuf_file *file, const char *name, uint64_t version,
                                           sotto_span bytes);
typedef struct hq_tuf_doc {
    enum hq_role role;
    uint64_t version;
    int64_t expires_s;
    const hq_root *root;      /* of a root */
    const hq_teams *teams;    /* of targets: what it delegates; NULL: nothing */
    const hq_tuf_file *files; /* the others: what they list */
    size_t file_count;
} hq_tuf_doc;
/* Appends the file to out, signed by each of the ring (NULL: by nobody yet). */
SOTTO_MUST_USE sotto_status hq_tuf_write(const hq_tuf_doc *doc, const hq_keyring *ring, sotto_vec *out,
                                         sotto_diag *diag);
/* Appends what a signature of that file is over: the canonical form of "signed" (section 4.2.1). */
SOTTO_MUST_USE sotto_status hq_tuf_payload(sotto_span file, sotto_vec *canonical, sotto_diag *diag);
/* Any metadata file with one more signature, or the same one anew. Everything else stays as it is. */
SOTTO_MUST_USE sotto_status hq_tuf_attach(sotto_span file, const hq_public_key *signer, sotto_span signature,
                                          sotto_vec *out, sotto_diag *diag); /* AUTH: not its signature */
SOTTO_MUST_USE sotto_status hq_tuf_sign(sotto_span file, const hq_tuf_key *signer, sotto_vec *out,
                                        sotto_diag *diag);

#endif
