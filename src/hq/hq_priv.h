/*
 * hq: head office's program. Enrols terminals, signs releases, collects sealed reports, adds them up. It sees
 * reports and never a tag of a customer: it includes neither store nor tally.
 *
 *   main, args   one table of commands; words of the command line
 *   office       the folder of one head office: keys, authority, repository, registry
 *   registry     what is remembered (registry.h)
 *   bundle       the files of a release, loaded as a terminal loads them
 *   tuf, repo    metadata of The Update Framework, made and signed; the repository as it stands on the disk
 *   code         one-time codes
 *   pack         tags of a branch's customers, sealed to its terminal (pack.h)
 *   collect      requests of terminals -> registry -> replies
 *   metrics      what it counts (metrics.h)
 *   serve        its processes: a warden that listens, workers that serve
 *   sums         what the reports of a task add up to, cell by cell, with error bars
 *   totals       the same for offers; histogram: AUC, gain, calibration, drift of noised counts
 *   cmd_*        the commands
 */
#ifndef SOTTO_HQ_PRIV_H
#define SOTTO_HQ_PRIV_H

#include "metrics.h"
#include "registry.h"
#include "sums.h"

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/decide.h"
#include "sotto/model.h"
#include "sotto/model_tag.h"
#include "sotto/port.h"
#include "sotto/privacy.h"
#include "sotto/sync.h"
#include "sotto/tags.h"
#include "sotto/vault.h"

#define HQ_PATH_MAX   512
#define HQ_DAY_S      INT64_C(86400)
#define HQ_FILE_LIMIT (16u << 20) /* bytes of one file of a release: what a terminal takes */

/* ---- args: options, and how a command ends ---- */

enum hq_option_kind { HQ_FLAG, HQ_TEXT, HQ_NUMBER, HQ_REAL, HQ_LIST, HQ_POSITION };
#define HQ_LIST_MAX    256
#define HQ_OPTIONS_MAX 64                    /* of one command */
#define HQ_NUMBER_MAX  9223372036854774784.0 /* the last float64 that an int64_t holds */
typedef struct hq_list {
    const char *item[HQ_LIST_MAX];
    size_t count;
} hq_list;
typedef struct hq_option {
    const char *name; /* "--dir"; of a position what stands there, for messages: "the model's file" */
    enum hq_option_kind kind;
    /* FLAG bool, TEXT and POSITION const char *, NUMBER int64_t, REAL double, LIST hq_list: changed only when
     * the option is given. Positions are taken in the table's order. */
    void *value;
    bool required;   /* texts, positions and lists */
    double min, max; /* numbers and reals; a number's limits are whole */
} hq_option;
/* Reads argv[1..]: "--name VALUE" or "--name=VALUE", each at most once but lists; words that do not start
 * with - (and - alone) are positions. A VALUE that begins with -- goes behind an =. A table with --dir has
 * --store as well. USAGE, with words that name the option; what came before the mistake is set. */
SOTTO_MUST_USE sotto_status hq_parse(int argc, char **argv, const hq_option *options, size_t count,
                                     sotto_diag *diag);
/* The same for commands that say so themselves: false when something is wrong, told on standard error
 * already: the command then ends with exit code 2. */
SOTTO_MUST_USE bool hq_options(int argc, char **argv, const hq_option *options, size_t count);
/* USAGE that names what is missing when value is NULL: for what only some words of a command need. */
SOTTO_MUST_USE sotto_status hq_need(const char *value, const char *name, sotto_diag *diag);
/* True when --help or -h stands somewhere; help is printed then. */
bool hq_help(int argc, char **argv, const char *help);
int hq_usage(const char *command, const char *why);
/* "sotto-hq: <diag>" on standard error; the exit code. diag may hold no words yet. */
int hq_fail(sotto_status status, sotto_diag *diag);
/* NO_MEMORY in its usual words. */
sotto_status hq_no_memory(sotto_diag *diag);
/* Adds the place to a diag that has none. */
sotto_status hq_in_file(sotto_status status, const char *path, sotto_diag *diag);

/* Now, shifted by the program's --clock-offset (rehearsals of another day). */
void hq_clock_shift(int64_t offset_s);
sotto_clock hq_clock(void);
int64_t hq_now(void);
/* "2026-11-21" <-> days since 1970-01-01. MALFORMED. */
SOTTO_MUST_USE sotto_status hq_day_parse(const char *text, int32_t *day, sotto_diag *diag);
void hq_day_format(int64_t day, char out[static 11]);

/* JSON for standard output, in memory of its own. */
typedef struct hq_json {
    sotto_buf buf;
    sotto_json_writer w;
} hq_json;
SOTTO_MUST_USE sotto_status hq_json_begin(hq_json *json, size_t cap, sotto_diag *diag);
/* Prints it as one line when it is whole, and frees it in any case. */
SOTTO_MUST_USE sotto_status hq_json_print(hq_json *json, sotto_diag *diag);
void hq_json_free(hq_json *json);
void hq_json_time(sotto_json_writer *w, int64_t utc_s); /* null for 0 */
void hq_json_day(sotto_json_writer *w, int64_t day);

/* ---- office ---- */

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

/* ---- code: 16 characters of Crockford's base 32, 80 bits ---- */
#define HQ_CODE_BYTES 10
#define HQ_CODE_TEXT  20 /* "7KQ2-M8XD-R4TP-0C9V" and a NUL */
void hq_code_format(const uint8_t secret[static HQ_CODE_BYTES], char out[static HQ_CODE_TEXT]);
/* As people type it: any case, with or without dashes and spaces, O for 0, I and L for 1. MALFORMED. */
SOTTO_MUST_USE sotto_status hq_code_parse(sotto_span text, uint8_t secret[static HQ_CODE_BYTES],
                                          sotto_diag *diag);
/* What the registry keeps instead of it. */
SOTTO_MUST_USE sotto_status hq_code_hash(const uint8_t secret[static HQ_CODE_BYTES],
                                         uint8_t out[static SOTTO_SHA256_BYTES]);

/* ---- bundle: what a release is made of ---- */

/* X(NAME, "target's name") - the files of a release, in the order in which they are loaded. From ITEMS on
 * they may be absent (path NULL, file empty). SELFTEST has no path: it is made from the others. */
#define HQ_BUNDLE_FILES(X)                                                                                   \
    X(DICTIONARY, "dictionary.json")                                                                         \
    X(MODEL, "model.sotto")                                                                                  \
    X(CATALOGUE, "catalogue.json")                                                                           \
    X(POLICY, "policy.json")                                                                                 \
    X(TASKS, "tasks.json")                                                                                   \
    X(ITEMS, "items.sotto")                                                                                  \
    X(SEGMENTS, "segments.sotto")                                                                            \
    X(VALUE, "value.sotto")                                                                                  \
    X(SELFTEST, "selftest.sotto")
enum hq_bundle_file {
#define X(name, text) HQ_BUNDLE_##name,
    HQ_BUNDLE_FILES(X)
#undef X
        HQ_BUNDLE_COUNT,
    HQ_BUNDLE_NEEDED = HQ_BUNDLE_ITEMS /* those before it every release has */
};
const char *hq_bundle_name(enum hq_bundle_file file);

typedef struct hq_bundle {
    const char *path[HQ_BUNDLE_COUNT]; /* as given; for messages */
    sotto_vec file[HQ_BUNDLE_COUNT];
    void *memory; /* of arena */
    sotto_arena arena;
    sotto_dictionary *dictionary;
    const sotto_model *model;
    const sotto_items *items; /* NULL: none */
    sotto_model_tag segments, value;
    const sotto_plan *plan;
    sotto_tasks tasks;
} hq_bundle;
/* Reads and checks the files exactly as a terminal will, and what a terminal cannot check: that what is
 * counted exists and may be counted. Errors name the given path, the member and the line. On failure *out is
 * empty. */
SOTTO_MUST_USE sotto_status hq_bundle_load(hq_bundle *out, const char *const path[static HQ_BUNDLE_COUNT],
                                           sotto_diag *diag);
/* Whether earlier_tasks use the same id. CONFLICT when they do, for cells that the bundle's tasks do not
 * continue (docs/formats/tasks.md). */
SOTTO_MUST_USE sotto_status hq_bundle_follows(const hq_bundle *bundle, sotto_span earlier_tasks,
                                              bool *same_id, sotto_diag *diag);
void hq_bundle_free(hq_bundle *bundle);

/* ---- tuf: metadata, signed (TUF specification 1.0.34, section 4) ---- */

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
SOTTO_MUST_USE sotto_status hq_teams_load(hq_teams *out, const char *dir, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_teams_save(const hq_teams *teams, const char *dir, sotto_diag *diag);

/* Private keys that lie here: keys/NAME.key and keys/NAME-*.key, those that are of the signers.
 */
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

/* ---- repo ---- */

#define HQ_TIMESTAMP_DAYS 7
#define HQ_SNAPSHOT_DAYS  30 /* unless publish is told otherwise */

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
 * its lists are there and timestamp.json is not. */
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
    uint64_t bytes;                   /* of the five files */
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

/* ---- what of the office ends when (cmd_certificate.c) ---- */
#define HQ_EXPIRIES (7 + HQ_TEAMS_MAX)
typedef struct hq_expiry {
    char what[HQ_TEAM_NAME_MAX + 16];
    const char *remedy;
    int64_t until_s; /* 0 = there is none yet; and near: it cannot be read */
    bool near;       /* somebody should act */
} hq_expiry;
/* The number of them: what cannot be read is an entry as well. After sotto_vault_start. */
size_t hq_office_expiries(const char *dir, int64_t now_s, hq_expiry out[static HQ_EXPIRIES]);

/* ---- collect ---- */

enum hq_listener { HQ_LISTENER_DEVICES, HQ_LISTENER_ENROL, HQ_LISTENER_HEALTH, HQ_LISTENER_COUNT };
#define HQ_DEVICE_CERT_DAYS 365
#define HQ_RENEW_GRACE_DAYS                                                                                  \
    90 /* how long after its end a certificate can still be renewed without a code                           \
        */
#define HQ_REPORT_MEMORY (2u << 20) /* to open one report, and the tasks it is held against */
#define HQ_TOKEN_HEX     32
/* A report that was opened and verified, or a continuation token that was shown, on its way into the
 * registry. */
typedef struct hq_pending {
    hq_device device;
    bool night;                                          /* a token */
    char have[HQ_TOKEN_HEX + 1], next[HQ_TOKEN_HEX + 1]; /* have: "" = none */
    sotto_report report;
    int64_t *cells;    /* report's; freed when it is settled */
    sotto_span sealed; /* stays until it is settled */
    uint8_t sha256[SOTTO_SHA256_BYTES];
    int64_t received_s;
    bool clock_ahead;
    sotto_reply *reply; /* NULL allowed */
    /* What became of it: */
    bool repeated;
    bool clone; /* of a token: another machine has shown it */
    bool final; /* refused for what it is, and never for what our disk, memory or database says */
    unsigned alarms;
    sotto_status status;
    sotto_diag diag;
} hq_pending;
typedef struct hq_collector {
    const char *dir;
    hq_registry *registry;
    sotto_clock clock;
    sotto_entropy entropy;
    const sotto_log *log;
    /* ca.pem: its first certificate issues, by authority_key or, where that is elsewhere (""), the signer. */
    char authority_key[SOTTO_PEM_MAX], authority_cert[SOTTO_PEM_MAX];
    int64_t authority_until_s;                              /* end of the one that issues */
    struct hq_signer *signer;                               /* NULL: this office issues itself */
    char time_key[SOTTO_PEM_MAX], time_cert[SOTTO_PEM_MAX]; /* who tells the time; key "": nobody */
    bool time_due;                                          /* its certificate is absent or near its end */
    void *memory;           /* for one report, and the tasks that it is held against */
    sotto_tasks tasks;      /* of tasks_release, in that memory */
    uint64_t tasks_release; /* 0: of none */
    hq_metrics *metrics;    /* NULL allowed; the caller's */
    /* NULL: each report is a transaction of its own. Otherwise SOTTO_SERVER_BATCH_MAX places, and the server
     * calls hq_collect_commit. */
    hq_pending *pending;
    size_t pending_count;
    bool stopping; /* not ready any more */
} hq_collector;
SOTTO_MUST_USE sotto_status hq_collector_open(hq_collector *out, const char *dir, const sotto_log *log,
                                              sotto_diag *diag);
/* The same with a program that signs for an authority elsewhere (signer.h); sign_command NULL: as above. */
SOTTO_MUST_USE sotto_status hq_collector_open_for(hq_collector *out, const char *dir,
                                                  const char *sign_command, const sotto_log *log,
                                                  sotto_diag *diag);
void hq_collector_close(hq_collector *collector);
/* Answers what the signer has ended meanwhile; between two steps of the server. Whether some still run. */
bool hq_collect_signed(hq_collector *c, sotto_server *server);
/* Looks at the certificate with which the time is told, as it lies in the folder now. issues: gets another
 * when it is due; of several processes one does. waits: it may take as long as the signer. */
void hq_collect_time_keep(hq_collector *c, bool issues, bool waits);
/* How long a worker waits until it looks again: not long while it cannot tell the time, since another one may
 * have got the certificate. */
int64_t hq_collect_look_every_s(const hq_collector *c);
/* The server's handler; ctx is the collector. Paths: docs/formats/wire.md. */
void hq_collect(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply);
/* The server's commit: all that is pending in one transaction, then the answers. */
void hq_collect_commit(void *ctx);
/* Parts of it: */
/* Everything that can be said about a report before the registry is asked. Raises alarms of what is refused.
 */
SOTTO_MUST_USE sotto_status hq_collect_open(hq_collector *c, const hq_device *device, uint64_t seq,
                                            sotto_span sealed, hq_pending *out, sotto_diag *diag);
/* Keeps them in one transaction and answers; at most SOTTO_SERVER_BATCH_MAX. */
void hq_collect_settle(hq_collector *c, hq_pending *pending, size_t count);
void hq_collect_answer(hq_collector *c, hq_pending *pending);
void hq_collect_tell(const hq_collector *c, const hq_device *device, uint64_t seq, unsigned alarms);
void hq_collect_accuse(hq_collector *c, const hq_device *device, uint64_t seq, enum hq_alarm alarm);
SOTTO_MUST_USE sotto_status hq_collect_enrol(hq_collector *c, sotto_span body, sotto_reply *reply,
                                             sotto_diag *diag);
/* {"have","next"}, to be settled; its status is then DENIED when the device is, or has just been,
 * quarantined. */
SOTTO_MUST_USE sotto_status hq_collect_night(const hq_collector *c, const hq_device *device, sotto_span body,
                                             hq_pending *out, sotto_diag *diag);
/* {"release","good","failed","why","program"}: raises or clears the alarm RELEASE_FAILED. */
SOTTO_MUST_USE sotto_status hq_collect_health(hq_collector *c, const hq_device *device, sotto_span body,
                                              sotto_diag *diag);
/* {"seq","sha256","reason"} of a report that will not come. */
SOTTO_MUST_USE sotto_status hq_collect_absent(hq_collector *c, const hq_device *device, uint64_t seq,
                                              sotto_span body, bool *repeated, sotto_diag *diag);
/* {"csr"}, from a device that shows certificate `used`; its next one into reply->body, or reply->later, as
 * for enrolment. */
SOTTO_MUST_USE sotto_status hq_collect_renew(hq_collector *c, const hq_device *device,
                                             const uint8_t used[static SOTTO_SHA256_BYTES], sotto_span body,
                                             sotto_reply *reply, sotto_diag *diag);
/* {"csr","certificate"}, from whoever can sign by the certificate's key: as above. DENIED when the
 * certificate is not one that serves, EXPIRED when it lapsed more than HQ_RENEW_GRACE_DAYS ago, AUTH when the
 * request is another key's. */
SOTTO_MUST_USE sotto_status hq_collect_recover(hq_collector *c, sotto_span body, sotto_reply *reply,
                                               sotto_diag *diag);
/* Signs {nonce, now}. MALFORMED; UNSUPPORTED while nobody here may tell the time. */
SOTTO_MUST_USE sotto_status hq_collect_time(const hq_collector *c, sotto_span nonce, sotto_vec *answer,
                                            sotto_diag *diag);
/* GET of a file of the repository: 200, 206 or 416; NOT_FOUND. */
#define HQ_LZ4_SUFFIX ".lz4"
SOTTO_MUST_USE sotto_status hq_collect_release(hq_collector *c, const sotto_http_message *request,
                                               sotto_span name, sotto_reply *reply, sotto_diag *diag);
/* A path below repo that may be served: metadata at the top, or targets/ and a plain file name. */
bool hq_collect_path_valid(sotto_span path);

/* ---- totals ---- */

/* The tasks of a release, in *memory, which is freed before it is set anew: NULL or an earlier call's. */
SOTTO_MUST_USE sotto_status hq_release_tasks_load(hq_registry *registry, uint64_t version, sotto_tasks *tasks,
                                                  void **memory, sotto_diag *diag);

typedef struct hq_cell {
    int64_t count[SOTTO_OUTCOMES]; /* sums of noised counts: may be below zero */
    uint64_t half_width;           /* of each of the two */
    hq_rate rate;                  /* taken of shown */
    bool withheld;                 /* a small cohort: nothing of it is shown */
} hq_cell;
/* A table of campaign, perhaps one tag, and outcome: how offers are shown to people. */
typedef struct hq_offers {
    const sotto_table *table; /* NULL: the task has no such table, and no cell below */
    const char *segment_tag;  /* "" = none */
    const char *const *campaigns, *const *segments;
    size_t campaign_count, segment_count;
} hq_offers;
typedef struct hq_totals {
    hq_sums sums;
    hq_offers offers; /* its first table of that form */
    uint32_t confidence_ppm;
    hq_cell *cell; /* campaigns x (segments + 2): the segments, "other", and all of them together */
} hq_totals;
typedef struct hq_totals_request {
    uint32_t task_id; /* 0 = the first task of mode A of the newest release that has one */
    int32_t first_day, last_day;
    uint32_t confidence_ppm;
    hq_collected *collected; /* as in hq_sums_request */
} hq_totals_request;
/* NOT_FOUND when no release has such a task. */
SOTTO_MUST_USE sotto_status hq_totals_make(hq_totals *out, hq_registry *registry, uint64_t newest_release,
                                           const hq_totals_request *request, sotto_diag *diag);
void hq_totals_free(hq_totals *totals);

/* ---- what totals, funnel, lift and drift are asked ---- */

typedef struct hq_asked {
    const char *dir, *collected_dir, *from, *to, *confidence;
    int64_t task;
    bool as_json;
    /* by hq_asked_open: the registry of dir or the folder of a collector of mode B, one of the two */
    int32_t first_day, last_day;
    uint32_t confidence_ppm;
    hq_registry *registry;
    uint64_t newest_release;
    hq_collected *collected;
} hq_asked;
#define HQ_ASKED_OPTIONS(a)                                                                                  \
    {"--dir", HQ_TEXT, &(a).dir, .required = false},                                                         \
        {"--collected", HQ_TEXT, &(a).collected_dir, .required = false},                                     \
        {"--task", HQ_NUMBER, &(a).task, .min = 1, .max = INT32_MAX},                                        \
        {"--from", HQ_TEXT, &(a).from, .required = false}, {"--to", HQ_TEXT, &(a).to, .required = false},    \
        {"--confidence", HQ_TEXT, &(a).confidence, .required = false},                                       \
    {                                                                                                        \
        "--json", HQ_FLAG, &(a).as_json, .required = false                                                   \
    }
/* Reads what was given (percent: 95 unless given) and opens what it names. USAGE, NOT_FOUND. To be closed in
 * any case.
 */
SOTTO_MUST_USE sotto_status hq_asked_open(hq_asked *asked, sotto_diag *diag);
void hq_asked_close(hq_asked *asked);
/* The whole of a command that tells of one task: opens what is asked, adds the task up, lets say tell it, and
 * closes. what: tasks that are wanted, for the message when there is none. The exit code. */
typedef sotto_status (*hq_asked_say)(hq_sums *sums, const hq_asked *asked, void *ctx, sotto_diag *diag);
SOTTO_MUST_USE int hq_asked_run(hq_asked *asked, hq_task_wanted wanted, const char *what, hq_asked_say say,
                                void *ctx);
/* What every figure's page begins with: the task, its noise, who reported. False when no report has come: a
 * table of zeros would look like an answer. */
bool hq_sums_head(const hq_sums *sums, uint32_t confidence_ppm);
/* The same as members of an object that is open. */
void hq_sums_head_json(sotto_json_writer *w, const hq_sums *sums, uint32_t confidence_ppm);
void hq_json_u64(sotto_json_writer *w, const char *name, uint64_t value);
void hq_json_rate(sotto_json_writer *w, const char *name, int32_t ppm); /* null below 0 */
void hq_json_number(sotto_json_writer *w, const char *name,
                    double value); /* six digits; null unless finite */

/* ---- a terminal's exported audit (docs/formats/audit.md) ---- */

typedef struct hq_audit {
    const char *path; /* named in errors */
    char device[HQ_DEVICE_ID_MAX], made_at[32];
    bool key_known; /* it is the one that head office holds, not only the statement's own word */
    uint64_t reports, waiting, set_aside;
    /* while it is judged: */
    sotto_span statement;
    uint8_t key[SOTTO_PUBLIC_KEY_BYTES], signature[SOTTO_SIGNATURE_BYTES];
    uint64_t last_seq;
    uint8_t last_sha256[SOTTO_SHA256_BYTES];
} hq_audit;
/* Judges the file's bytes; *a zeroed but for path. dir: an office whose registry knows the key, NULL: whose
 * key it is is not asked. MALFORMED (not two lines of that form), AUTH (a signature, a key), CORRUPT (a
 * report and what is said of it), CONFLICT and others of the registry: the line in diag, and the report where
 * there is one. */
SOTTO_MUST_USE sotto_status hq_audit_judge(hq_audit *a, sotto_span file, const char *dir, sotto_diag *diag);

/* ---- commands: argv[0] is the command's name. Return an exit code. ---- */
typedef struct hq_command {
    const char *name;
    const char *summary;
    const char *help; /* NULL: the command answers --help itself */
    int (*run)(int argc, char **argv);
} hq_command;
int hq_cmd_init(int argc, char **argv);
int hq_cmd_enrol_code(int argc, char **argv);
int hq_cmd_publish(int argc, char **argv);
int hq_cmd_keys(int argc, char **argv);
int hq_cmd_sign(int argc, char **argv);
int hq_cmd_serve(int argc, char **argv);
int hq_cmd_totals(int argc, char **argv);
int hq_cmd_funnel(int argc, char **argv);
int hq_cmd_lift(int argc, char **argv);
int hq_cmd_drift(int argc, char **argv);
int hq_cmd_plan_task(int argc, char **argv);
int hq_cmd_budgets(int argc, char **argv);
int hq_cmd_audit(int argc, char **argv);
int hq_cmd_devices(int argc, char **argv);
int hq_cmd_revoke(int argc, char **argv);
int hq_cmd_certificate(int argc, char **argv);
int hq_cmd_backup(int argc, char **argv);
int hq_cmd_restored(int argc, char **argv);

#endif
