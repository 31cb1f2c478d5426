/* What the tests of sync share: a scratch folder, a server in a child process, certificates, and a maker of
 * TUF repositories that can also make bad ones. */
#ifndef SOTTO_TESTS_SYNC_KIT_H
#define SOTTO_TESTS_SYNC_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "sotto/sync.h"

/* Asserts that a status is OK, with the diagnosis in the output when it is not. */
void kit_ok_at(sotto_status status, const sotto_diag *diag, const char *file, int line);
#define kit_ok(status, diag) kit_ok_at(status, diag, __FILE__, __LINE__)
void kit_cause_at(sotto_status status, int cause, const sotto_diag *diag, const char *file, int line);
#define kit_cause(status, cause, diag) kit_cause_at(status, SOTTO_CAUSE_##cause, diag, __FILE__, __LINE__)

/* Loops over every byte or call take them all on the machine of the developer, and each fifth one where the
 * terminal is emulated, at a tenth of the speed. */
#if defined(__x86_64__)
#define KIT_STRIDE 1
#else
#define KIT_STRIDE 5
#endif

/* ---- scratch ---- */
/* A fresh folder; the path stays valid until the next call. */
const char *kit_scratch(void);
void kit_remove_tree(const char *path);
/* "dir/name" in one of a few static buffers. */
const char *kit_path(const char *dir, const char *name);
sotto_vec kit_read(const char *path);
void kit_write(const char *path, const void *bytes, size_t len);

/* A clock whose day is set by the test; milliseconds are the system's. */
typedef struct kit_clock {
    int64_t utc_s;
} kit_clock;
sotto_clock kit_clock_of(kit_clock *clock);

/* ---- a server in a child process ---- */
/* fork(2); the child dies with this process. */
pid_t kit_fork(void);
typedef struct kit_server {
    pid_t pid;
    char url[128]; /* http://127.0.0.1:port, https://localhost:port or unix:/path */
    uint16_t port;
} kit_server;
/* Serves until kit_server_stop. config's listeners are made here: plain TCP, TLS on TCP, or a Unix socket at
 * path. */
void kit_server_start(kit_server *s, sotto_server_config config, sotto_tls *tls, const char *unix_path);
void kit_server_stop(kit_server *s);

/* ---- a line that can be cut ---- */
/* A child process between client and server, of whose bytes only so many get through. When one side's are
 * used up the line is dead, for new calls as well, until it is mended. */
enum kit_side { KIT_FROM_CLIENT, KIT_FROM_SERVER };
typedef struct kit_line {
    pid_t pid;
    uint16_t port;
    int64_t *left; /* of each side; shared with the child */
} kit_line;
void kit_line_start(kit_line *line, uint16_t to_port);
void kit_line_stop(kit_line *line);
void kit_line_mend(kit_line *line);
void kit_line_cut_after(kit_line *line, enum kit_side side, int64_t bytes);
bool kit_line_is_dead(const kit_line *line);

/* ---- certificates (made by vault) ---- */
typedef struct kit_identity {
    char key[SOTTO_PEM_MAX], cert[SOTTO_PEM_MAX];
} kit_identity;
void kit_authority(kit_identity *out, const char *name, int64_t from_s, int64_t to_s);
void kit_issue(kit_identity *out, const kit_identity *authority, enum sotto_cert_use use,
               const char *common_name, const char *const *names, size_t name_count, int64_t from_s,
               int64_t to_s);
/* A configuration; NULL = none of that. */
sotto_tls *kit_tls(bool server, const kit_identity *authority, const kit_identity *own,
                   bool peer_must_identify, sotto_clock clock);

/* ---- TUF repositories ---- */
#define REPO_KEYS 18
enum repo_role { REPO_ROOT, REPO_TIMESTAMP, REPO_SNAPSHOT, REPO_TARGETS, REPO_ROLES };

typedef struct repo_file {
    char path[256];
    sotto_vec bytes;
} repo_file;

typedef struct repo {
    int keys[REPO_ROLES][REPO_KEYS]; /* numbers of keys of a role, -1 ends */
    int signers[REPO_ROLES][REPO_KEYS];
    int threshold[REPO_ROLES];
    int64_t version[REPO_ROLES];
    int64_t expires_s[REPO_ROLES];
    bool consistent;
    bool list_hashes;                        /* in timestamp and snapshot: length and sha256 */
    int64_t listed_snapshot, listed_targets; /* 0 = the true version */
    char snapshot_extra[512];                /* ,"more.json":{"version":1} */
    char targets[4096];                      /* members of "targets" */
    char delegations[4096];                  /* ,"delegations":{...} or "" */
    char extra[256];                         /* ,"unknown":1 in every role */
    repo_file file[128];
    size_t file_count;
    char fetched[4096]; /* paths asked for, each followed by a space */
    int fetches;
    int fail_fetch; /* the n-th fetch from now fails; 0 = none */
} repo;

#define REPO_NOW_S INT64_C(1795000000) /* November 2026 */

/* Keys 0 root, 1 timestamp, 2 snapshot, 3 targets; all of version 1, for a month; nothing published yet. */
void repo_init(repo *r);
void repo_free(repo *r);
/* Signs and publishes a role under its version. */
void repo_publish(repo *r, enum repo_role role);
/* Targets, snapshot, timestamp (versions as they stand). */
void repo_publish_day(repo *r);
/* The same with all three versions one higher. */
void repo_next_day(repo *r);
void repo_add_target(repo *r, const char *name, const char *content);
/* A delegated role's metadata, signed by one key. */
void repo_publish_delegated(repo *r, const char *role, int64_t version, const char *targets,
                            const char *delegations, int key);
/* Kinds of keys that TUF names (4.2). Every key is ECDSA in PEM unless it was made another before its first
 * use. False where this machine cannot make one (RSA takes the openssl command). */
enum repo_kind { REPO_ECDSA, REPO_ECDSA_POINT, REPO_RSA, REPO_ED25519, REPO_UNKNOWN_KIND };
bool repo_make_key(int key, enum repo_kind kind);
/* {"keyid":{...}} member of a keys object, and the keyid. */
void repo_key_json(int key, char *out, size_t cap);
const char *repo_keyid(int key);
/* "name":{"length":..,"hashes":{..}} */
void repo_target_json(const char *name, const char *content, char *out, size_t cap);
/* signed text -> whole metadata */
void repo_sign(const char *body, const int *signers, sotto_vec *out);
void repo_put(repo *r, const char *path, const void *bytes, size_t len);
repo_file *repo_find(repo *r, const char *path);
void repo_remove(repo *r, const char *path);
sotto_status repo_fetch(void *ctx, const char *path, size_t max, sotto_vec *out, sotto_diag *diag);
/* dir with root version 1 as the trusted one. */
void repo_trust(repo *r, const char *metadata_dir);
/* Opens, refreshes, closes. */
sotto_status repo_refresh(repo *r, const char *metadata_dir, int64_t now_s, sotto_diag *diag);
/* Version in a metadata file on disk; 0 when there is none. */
int64_t repo_version_on_disk(const char *metadata_dir, const char *role);

#endif
