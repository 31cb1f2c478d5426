/*
 * kiosk: the terminal's program. Wiring only: what is decided, counted, kept or sent is decided in the rooms
 * below.
 *
 * - config: one JSON file.
 * - engine: what `serve` holds: vault, store, release in use. ask, record, tell, import are its parts.
 * - api: HTTP and JSON requests to the engine; one handler for the socket and for a command without a daemon.
 * - link: the other socket: sealed bytes out, acknowledgements and release numbers in.
 * - cmd_*: the commands.
 */
#ifndef SOTTO_KIOSK_PRIV_H
#define SOTTO_KIOSK_PRIV_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/decide.h"
#include "sotto/history.h"
#include "sotto/model.h"
#include "sotto/model_tag.h"
#include "sotto/pack.h"
#include "sotto/port.h"
#include "sotto/privacy.h"
#include "sotto/store.h"
#include "sotto/sync.h"
#include "sotto/tags.h"
#include "sotto/tally.h"
#include "sotto/vault.h"

#define KIOSK_PATH_MAX     256
#define KIOSK_CUSTOMER_MAX 64                  /* bytes of a customer number */
#define KIOSK_OUTBOX_MAX   1000                /* reports that wait: years of one task, a year of several */
#define KIOSK_DISK_SPARE   (UINT64_C(8) << 20) /* bytes that a night leaves free for the day's events */
#define KIOSK_ANSWER_MAX   (256 * 1024)
#define KIOSK_ERROR_MAX                                                                                      \
    4096 /* bytes of an error's JSON: a diagnosis of which every byte is escaped (6 for 1) */

/* ---- config ---- */
enum kiosk_key_kind { KIOSK_KEY_FILE, KIOSK_KEY_KEYRING, KIOSK_KEY_COMMAND };
#define KIOSK_KEY_WORDS    8
#define KIOSK_KEY_WORD_MAX 128
typedef struct kiosk_key { /* where a secret rests */
    enum kiosk_key_kind kind;
    char name[65]; /* in the kernel keyring */
    char load[KIOSK_KEY_WORDS][KIOSK_KEY_WORD_MAX], create[KIOSK_KEY_WORDS][KIOSK_KEY_WORD_MAX];
} kiosk_key;
typedef struct kiosk_config {
    char vault_dir[KIOSK_PATH_MAX];   /* root.key: serve only */
    char store_dir[KIOSK_PATH_MAX];   /* sotto.db, tuf/: serve only */
    char release_dir[KIOSK_PATH_MAX]; /* sync writes, serve reads */
    char sync_dir[KIOSK_PATH_MAX];    /* device.key, device.pem: sync only */
    char run_dir[KIOSK_PATH_MAX];     /* api/sotto.sock, link/sotto.sock */
    char url[KIOSK_PATH_MAX];         /* head office, both certificates */
    char enrol_url[KIOSK_PATH_MAX];   /* head office, for enrolment */
    char authority[KIOSK_PATH_MAX]; /* PEM file of the authority that head office's certificate comes from */
    char proxy[KIOSK_PATH_MAX];     /* "http://host:port" on the way to head office; "" = none */
    char proxy_credentials[KIOSK_PATH_MAX]; /* file with user:password for it; "" = none */
    char root[KIOSK_PATH_MAX];              /* TUF root metadata trusted from the start */
    char channel[33];
    char branch_group[33], terminal_model[33]; /* what campaigns may ask for; empty = not said */
    char customer_column[65];
    int32_t utc_offset_min;
    int64_t clock_offset_s; /* rehearsals of another day */
    uint32_t cache_kib;
    uint32_t max_bytes_per_s;    /* of a night's downloads; 0 = as fast as the line is */
    uint32_t release_memory_kib; /* what a release may take: its arena, model and items */
    kiosk_key key, device_key;   /* serve's root secret; sync's TLS key */
    bool require_walls; /* refuse to run where the kernel cannot enforce the wall between serve and sync */
} kiosk_config;

/* Reads a configuration file; relative paths stand as they are. Errors name the member and line. */
SOTTO_MUST_USE sotto_status kiosk_config_load(kiosk_config *out, const char *path, sotto_diag *diag);
/* dir "/" name into out; RANGE when it does not fit. */
SOTTO_MUST_USE sotto_status kiosk_path(const char *dir, const char *name, char out[static KIOSK_PATH_MAX],
                                       sotto_diag *diag);
sotto_clock kiosk_clock(const kiosk_config *config);

/* ---- keys ---- */
typedef struct kiosk_key_memory { /* what a provider points into */
    kiosk_key key;
    sotto_key_command command;
    char path[KIOSK_PATH_MAX + 16];
} kiosk_key_memory;
/* {"provider":"file"}, {"provider":"keyring","name":..} or {"provider":"command","load":[..],"create":[..]};
 * absent: file. */
SOTTO_MUST_USE sotto_status kiosk_key_read(sotto_json_node root, const char *member, kiosk_key *key,
                                           sotto_diag *diag);
/* memory must outlive the provider. */
sotto_key_provider kiosk_key_provider(const kiosk_config *config, const kiosk_key *key,
                                      kiosk_key_memory *memory);
/* Whether the root secret was created. An error: nobody can tell now. */
SOTTO_MUST_USE sotto_status kiosk_key_there(const kiosk_config *config, bool *there, sotto_diag *diag);
/* The device's TLS key; `make`: created where there is none. Wipe out. */
SOTTO_MUST_USE sotto_status kiosk_device_key(const kiosk_config *config, bool make,
                                             char out[static SOTTO_PEM_MAX], sotto_diag *diag);

/* ---- release in use ---- */
typedef struct kiosk_release {
    uint64_t version;
    void *memory; /* of arena */
    sotto_arena arena;
    /* The last three: empty when the release has none. */
    sotto_vec model_file, items_file, segments_file, value_file;
    sotto_dictionary *dictionary;
    const sotto_model *model;
    const sotto_items *items; /* or NULL */
    sotto_model_tag segments, value;
    const sotto_plan *plan;
    sotto_tasks tasks;
    sotto_profile profile; /* one customer's tags at a time */
    void *scratch;         /* decide's */
} kiosk_release;

/* Why a release may not be used. Numbers are in the store: new ones are added at the end. X(NAME, "code",
 * "sentence") */
#define KIOSK_UNWELL(X)                                                                                      \
    X(NONE, "none", "it is well")                                                                            \
    X(LOAD, "load", "its files do not fit together, or this program does not understand them")               \
    X(MEMORY, "memory", "it needs more memory than this terminal gives a release")                           \
    X(SELFTEST, "selftest", "its self-test comes out differently here than where it was published")          \
    X(CRASH, "crash", "serve ended each time it tried it")
enum kiosk_unwell {
#define X(name, code, text) KIOSK_UNWELL_##name,
    KIOSK_UNWELL(X)
#undef X
        KIOSK_UNWELL_COUNT
};
const char *kiosk_unwell_code(enum kiosk_unwell why);
const char *kiosk_unwell_text(enum kiosk_unwell why);

/* Reads dictionary.json, model.sotto, catalogue.json, policy.json, tasks.json and, where the release has
 * them, items.sotto, segments.sotto, value.sotto and selftest.sotto of dir/<version>, each verified from
 * trust's root in the very memory that is then used, loads them (signed is not yet well-formed), and makes
 * the self-test again. memory_max: bytes. On failure *out is empty, and *why says when it is the release's
 * own fault: not what cannot be read or verified, nor a want of memory on this machine. */
SOTTO_MUST_USE sotto_status kiosk_release_load(kiosk_release *out, const char *dir, uint64_t version,
                                               const sotto_tuf_config *trust, size_t memory_max,
                                               enum kiosk_unwell *why, sotto_diag *diag);
void kiosk_release_free(kiosk_release *release);
/* The tags of r->profile that follow from the release's models, as of today: behind those of a history. */
void kiosk_release_derive(kiosk_release *r, int32_t today);

/* ---- health: which releases passed and failed here (health.c) ---- */
#define KIOSK_PROGRAM_MAX 24
typedef struct kiosk_health {
    uint64_t trying; /* 0 = none */
    uint8_t tries;   /* that did not come to an end */
    uint64_t good;   /* in use before the one accepted last: what is gone back to; 0 = none */
    uint64_t failed; /* the newest that failed; 0 = none */
    enum kiosk_unwell why;
    char failed_by[KIOSK_PROGRAM_MAX], passed_by[KIOSK_PROGRAM_MAX]; /* version of the program */
} kiosk_health;
/* All zero when there is nothing, or nothing that is understood. */
SOTTO_MUST_USE sotto_status kiosk_health_read(sotto_store *store, kiosk_health *out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_health_write(sotto_store *store, const kiosk_health *health,
                                               sotto_diag *diag);
/* Whether this version of the program found it unfit. */
bool kiosk_health_failed(const kiosk_health *health, uint64_t version);
/* Before a try, durable when it returns. The release counts as failed (CRASH) when too many tries had no end.
 */
SOTTO_MUST_USE sotto_status kiosk_health_try(sotto_store *store, kiosk_health *health, uint64_t version,
                                             sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_health_fail(sotto_store *store, kiosk_health *health, uint64_t version,
                                              enum kiosk_unwell why, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_health_pass(sotto_store *store, kiosk_health *health, uint64_t version,
                                              sotto_diag *diag);
/* The try ended without a verdict. */
SOTTO_MUST_USE sotto_status kiosk_health_leave(sotto_store *store, kiosk_health *health, sotto_diag *diag);

/* ---- engine ---- */
#define KIOSK_RECENT_MAX  512       /* offers whose score and chance are remembered until they are shown */
#define KIOSK_WITNESS_DIR "witness" /* below vault_dir; written by serve, unlike the rest */
typedef struct kiosk_recent {
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    size_t campaign;
    uint32_t propensity_q30;
    uint32_t chance_q30; /* of the first offer after the notices; 0 = of another place, which is not drawn */
    uint64_t decision;   /* the answer that it stood in */
    int32_t day;         /* of the terminal, of that answer */
    bool used;
} kiosk_recent;

typedef struct kiosk_time { /* see time.c */
    int64_t known_s;        /* newest signed time; 0 = never told */
    int64_t proved_s, proved_mono_ms;
    bool told; /* in this run */
    bool asked;
    int64_t asked_mono_ms;
    uint8_t nonce[SOTTO_TIME_NONCE_BYTES];
    sotto_vec authority; /* PEM; empty = none here */
} kiosk_time;

/* The last night of this run that closed a period. */
typedef struct kiosk_night_sum {
    int64_t at_s; /* 0 = none since start */
    uint64_t reports, left_out;
} kiosk_night_sum;
/* Counted once for a day, a release and an outbox: nothing else changes it, and a walk of the ledger is not
 * for each question. */
typedef struct kiosk_budget_sum {
    bool counted;
    int64_t day;
    uint64_t release, reports;
    sotto_tally_budgets sum;
} kiosk_budget_sum;

typedef struct kiosk_engine {
    const kiosk_config *config;
    sotto_clock clock;
    sotto_entropy entropy;
    sotto_log log;
    sotto_vault *vault;
    sotto_store *store;
    kiosk_time time;
    kiosk_release release; /* version 0 = none */
    kiosk_health health;
    sotto_counters counters;
    sotto_terminal terminal;
    sotto_decision decision;
    sotto_history history;              /* one customer's at a time */
    uint8_t packed[SOTTO_COUNTERS_MAX]; /* the largest of a customer's records */
    uint8_t answer[KIOSK_ANSWER_MAX];
    uint8_t seed_key[SOTTO_KEY_BYTES];
    uint8_t arm_key[SOTTO_KEY_BYTES];
    kiosk_recent recent[KIOSK_RECENT_MAX]; /* ring: in memory only, so a restart forgets it */
    size_t recent_at;
    sotto_tally_witness witness;
    uint64_t showings_kept;     /* what the witness of showings says */
    bool caps_unknown;          /* an old copy of the store is in use and nobody accepted it */
    uint64_t decisions, events; /* since start, for status */
    kiosk_night_sum night;
    kiosk_budget_sum budgets;
} kiosk_engine;

/* Opens vault, store and the release that was last accepted. One that fails its health check there gives way
 * to the one that was in use before; one that cannot be verified is told in the log and not used, and nothing
 * older takes its place: who can damage files must not choose the release. */
SOTTO_MUST_USE sotto_status kiosk_engine_open(kiosk_engine **out, const kiosk_config *config,
                                              sotto_diag *diag);
void kiosk_engine_close(kiosk_engine *engine);

/* Now: never before anything that was stored, and not by a clock that says what cannot be (time.c). */
SOTTO_MUST_USE sotto_status kiosk_now(kiosk_engine *e, int64_t *now_s, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_time_open(kiosk_engine *e, sotto_diag *diag);
/* Makes durable how far time has come: each night, and when serve ends. */
SOTTO_MUST_USE sotto_status kiosk_time_keep(kiosk_engine *e, sotto_diag *diag);
/* The number that the next signed time must answer; a second call makes the first one void. */
SOTTO_MUST_USE sotto_status kiosk_time_nonce(kiosk_engine *e, uint8_t nonce[static SOTTO_TIME_NONCE_BYTES],
                                             sotto_diag *diag);
/* CONFLICT (nobody asked), TIMEOUT (more than a minute after the question), AUTH, EXPIRED, ROLLBACK (more
 * than an hour before a time told earlier), UNSUPPORTED (no authority to check it by): nothing changed. */
SOTTO_MUST_USE sotto_status kiosk_time_take(kiosk_engine *e, const sotto_time_word *word, sotto_diag *diag);
/* What sync and enrol do first: asks head office for the time with serve's number (with one of its own when
 * serve does not answer), takes it for this process and hands it on to serve. office's TLS judges its
 * certificates from then on. UNSUPPORTED is no failure: head office has no time to tell. */
SOTTO_MUST_USE sotto_status kiosk_learn_time(const kiosk_config *config, sotto_time *time,
                                             sotto_client *office, sotto_client *serve, sotto_span authority,
                                             sotto_diag *diag);

typedef struct kiosk_ask {
    sotto_span customer; /* number; empty = nobody identified */
    const char *slot;    /* NULL = after_card */
    const char *channel; /* NULL = the configuration's */
    size_t offers;
    const char *language; /* NULL = the first */
    bool explain;         /* also why each other campaign was left out */
    sotto_buf *log;       /* not NULL: the decision is written down in it, tags included */
} kiosk_ask;
/* Writes the answer as JSON. Only a broken store or a buffer too small can fail; no release is an answer
 * ("nothing"). */
SOTTO_MUST_USE sotto_status kiosk_decide(kiosk_engine *e, const kiosk_ask *ask, sotto_buf *json,
                                         sotto_diag *diag);

#define KIOSK_TERMINAL_NAME "decide.terminal" /* in the store: what was shown and sold here */

typedef struct kiosk_event {
    sotto_span customer; /* empty: nobody was identified (shown and taken only) */
    sotto_event what;    /* but at_s and id */
    sotto_span campaign; /* shown, taken, dismissed */
    sotto_span id;       /* what the application calls it; empty = it has no name */
    uint8_t creative;    /* shown: the number of the creative, 0 = it has none */
    bool has_decision;   /* it says which answer it belongs to */
    uint64_t decision;   /* 0 = none of ours */
    int64_t at_s;        /* 0 = now; never later than now, at most 31 days before */
    bool old;            /* a bank's own books: any age from 1970 on, where it names no campaign */
} kiosk_event;
typedef struct kiosk_recorded {
    bool counted;  /* stands in the measurement by this call */
    bool repeated; /* was here before: nothing was changed */
    bool late;     /* more than 31 days before the customer's latest: nothing was changed */
    bool unknown; /* shown to, or taken by, somebody without a profile: budgets and stock count it, no more */
} kiosk_recorded;
/* One transaction: tags, history, counters, counted contribution. An event is known again by its id, or, when
 * it has none and says when it was, by its content. NOT_FOUND for an unknown campaign, or an unknown
 * customer (but of a showing or taking, unless it is old: recorded->unknown). */
SOTTO_MUST_USE sotto_status kiosk_record(kiosk_engine *e, const kiosk_event *event, kiosk_recorded *recorded,
                                         sotto_diag *diag);
/* The same inside a transaction of the caller's, which he gives up on any error but NOT_FOUND with *unknown
 * (no such customer). */
SOTTO_MUST_USE sotto_status kiosk_record_one(kiosk_engine *e, const kiosk_event *event,
                                             kiosk_recorded *recorded, bool *unknown, sotto_diag *diag);
/* Whether such an event uses up budgets and stock, whoever it was. */
bool kiosk_event_uses_up(enum sotto_event_kind kind);
/* A customer's history into e->history, clear when there is none; e->packed is used. */
SOTTO_MUST_USE sotto_status kiosk_load_terminal(kiosk_engine *e, sotto_diag *diag); /* into e->terminal */
SOTTO_MUST_USE sotto_status kiosk_load_history(kiosk_engine *e, const uint8_t *key, sotto_diag *diag);
/* An event as the API takes it (docs/openapi.json); spans point into the document. */
SOTTO_MUST_USE sotto_status kiosk_event_parse(kiosk_event *event, sotto_json_node body, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_customer_of(sotto_json_node body, bool required, sotto_span *out,
                                              sotto_diag *diag);
/* POST /v1/events: one event, or {"events":[...]}, all of them or none. */
#define KIOSK_EVENTS_MAX 256
SOTTO_MUST_USE sotto_status kiosk_events_from(kiosk_engine *e, sotto_json_node body, sotto_buf *out,
                                              sotto_diag *diag);

/* Rows of a CSV file of any size through a window of memory; its bytes are hashed on the way. */
typedef struct kiosk_rows kiosk_rows;
SOTTO_MUST_USE sotto_status kiosk_rows_open(kiosk_rows **out, const char *path, sotto_diag *diag);
const sotto_csv *kiosk_rows_csv(const kiosk_rows *rows); /* the header at first, then the current row */
SOTTO_MUST_USE sotto_status kiosk_rows_next(kiosk_rows *rows, bool *more, sotto_diag *diag);
/* Reads on to the end; the rows cannot be read any more. */
SOTTO_MUST_USE sotto_status kiosk_rows_sha256(kiosk_rows *rows, uint8_t sha256[static SOTTO_SHA256_BYTES],
                                              sotto_diag *diag);
void kiosk_rows_close(kiosk_rows *rows); /* NULL allowed */
/* Told on a terminal only. */
void kiosk_progress(const char *what, uint64_t rows, bool last);

typedef struct kiosk_events_sum {
    uint64_t rows, recorded, repeated, late, unknown, counted;
} kiosk_events_sum;
/* A CSV of events, through the running daemon or the engine in this process. Batches of rows: each whole or
 * not at all. What went in before an error stays; the same file may be read again, since events are known
 * again. */
SOTTO_MUST_USE sotto_status kiosk_import_events(const kiosk_config *config, const char *path,
                                                kiosk_events_sum *sum, sotto_diag *diag);

/* Remembers propensities and chances of e->decision for events that follow. */
void kiosk_recent_note(kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES], int32_t today);
/* By which the offer stood first in the answer that the event belongs to: the one it names, else the newest
 * of that day that had it. 0 = not known. */
uint32_t kiosk_recent_chance(const kiosk_engine *e, const uint8_t *key, int campaign,
                             const kiosk_event *event, int32_t day);
void kiosk_recent_forget(kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES]);
void kiosk_recent_clear(kiosk_engine *e);
/* What decide draws a customer's arms and holdouts by. */
uint64_t kiosk_arm_key(const kiosk_engine *e, const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES]);
/* An event as the measurement sees it. e->release.profile is the customer's. */
typedef struct kiosk_counted {
    const uint8_t *key;
    enum sotto_event_kind kind;
    int campaign;  /* of the plan, -1 = none */
    int32_t today; /* the terminal's day */
    int hour;      /* the terminal's hour of the event */
    int64_t at_s;
    uint32_t chance_q30; /* by which what was shown or taken stood first; 0 = not drawn, or not known */
} kiosk_counted;
/* Counts it in every task that asks for it, inside the caller's transaction. */
SOTTO_MUST_USE sotto_status kiosk_count(kiosk_engine *e, const kiosk_counted *event, bool *counted,
                                        sotto_diag *diag);
/* Something befell the terminal: counted in the release's tasks of health figures. Never fails: what cannot
 * be counted is told in the log. */
void kiosk_befell(kiosk_engine *e, enum sotto_figure figure);

SOTTO_MUST_USE sotto_status kiosk_witness_open(kiosk_engine *e, sotto_diag *diag);
/* Showings: a count of what caps hang on, in the store and beside the key (docs/formats/witness.md). A store
 * that knows of fewer is an old copy: caps_unknown is set then, here and in the store, until it is accepted.
 */
/* HMAC of what stands in a file of the witness. */
#define KIOSK_MAC_HEX (2 * SOTTO_SHA256_BYTES + 1)
SOTTO_MUST_USE sotto_status kiosk_witness_mac(const kiosk_engine *e, sotto_span text,
                                              char hex[static KIOSK_MAC_HEX]);
void kiosk_showings_open(kiosk_engine *e);
/* One more, inside the transaction that changes the counters. */
SOTTO_MUST_USE sotto_status kiosk_showings_note(kiosk_engine *e, sotto_diag *diag);
/* After its commit: the witness follows. What cannot be written is told in the log. */
void kiosk_showings_keep(kiosk_engine *e);
/* What was accepted so far, for the audit; all zero: nothing. */
typedef struct kiosk_restores {
    int64_t times, last_s, reports, showings;
} kiosk_restores;
SOTTO_MUST_USE sotto_status kiosk_restores_read(kiosk_engine *e, kiosk_restores *out, sotto_diag *diag);

SOTTO_MUST_USE sotto_status kiosk_forget(kiosk_engine *e, sotto_span customer, sotto_diag *diag);
/* Closes ended periods. Needs a release with a task and an enrolled device. */
SOTTO_MUST_USE sotto_status kiosk_night(kiosk_engine *e, sotto_tally_result *result, sotto_diag *diag);
/* Verifies release <version> from serve's own trusted root, loads it beside the old one, checks its health,
 * swaps. The old one stays in use on any failure. CONFLICT: it failed its check, now or before (*known). */
SOTTO_MUST_USE sotto_status kiosk_release_accept(kiosk_engine *e, uint64_t version, bool *known,
                                                 sotto_diag *diag);
/* {"release","good","failed","why","program"}, and of the machine "disk_free_mib", "waiting" and
 * "clock_ahead_min" (docs/formats/wire.md): what sync and head office are told; nothing of any customer. At
 * most 320 bytes. */
SOTTO_MUST_USE sotto_status kiosk_health_json(kiosk_engine *e, sotto_buf *json);
/* All rows of a CSV file or none. *rows: customers read; *repeated: this very file was imported before and
 * nothing was done. */
SOTTO_MUST_USE sotto_status kiosk_import(kiosk_engine *e, const char *path, uint64_t *rows, bool *repeated,
                                         sotto_diag *diag);
/* A customer's tags into e->release.profile, none when there is no record, and back. */
SOTTO_MUST_USE sotto_status kiosk_load_profile(kiosk_engine *e,
                                               const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                               sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_save_profile(kiosk_engine *e,
                                               const uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES],
                                               sotto_diag *diag);

/* ---- tag packs (docs/formats/tag-pack.md) ---- */
#define KIOSK_PACK_KEY_DAYS 90      /* then a new key is drawn */
#define KIOSK_PACK_FOLDER   "packs" /* below release_dir: sync writes, serve reads */
typedef struct kiosk_pack_sum {
    uint64_t seq; /* of the pack; 0 = its head could not be read */
    uint64_t customers, forgotten;
    bool repeated; /* it was applied before: nothing was done */
    bool waits;    /* it needs a release that is not here yet: the very file may be applied later */
} kiosk_pack_sum;
/* All of a pack or nothing of it. What is judged, in this order: its device (AUTH), who signed it (AUTH,
 * EXPIRED), the release it needs (NOT_FOUND), its number (ROLLBACK) and the pack it builds on (CONFLICT),
 * whether it is whole (TRUNCATED, CORRUPT, MALFORMED), then the key it is sealed to (AUTH) and each row. */
SOTTO_MUST_USE sotto_status kiosk_pack_apply(kiosk_engine *e, const char *path, kiosk_pack_sum *sum,
                                             sotto_diag *diag);
/* What head office is told, signed; makes or renews the key. NOT_FOUND before enrolment. */
SOTTO_MUST_USE sotto_status kiosk_pack_state(kiosk_engine *e, sotto_pack_state *state, sotto_diag *diag);
/* Head office knows a later statement than this store holds (an old copy was put back): say it anew. */
SOTTO_MUST_USE sotto_status kiosk_pack_restate(kiosk_engine *e, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_pack_held(kiosk_engine *e, uint64_t *seq, sotto_diag *diag); /* 0 = none */
/* The private key that the pack is sealed to, to be wiped; AUTH when there is none. */
SOTTO_MUST_USE sotto_status kiosk_pack_secret(kiosk_engine *e, const sotto_pack_head *head,
                                              uint8_t out[static SOTTO_HPKE_PRIVATE_BYTES], bool *newest,
                                              sotto_diag *diag);
/* Within the transaction that applies pack seq: it is held, and with a pack for the newest key the older one
 * goes. */
SOTTO_MUST_USE sotto_status kiosk_pack_note(kiosk_engine *e, uint64_t seq, bool newest, int64_t now_s,
                                            sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_pack_refuse(kiosk_engine *e, uint64_t seq, sotto_diag *diag);
/* The rows of a pack, a chunk at a time, within the caller's transaction. */
typedef struct kiosk_pack_rows {
    kiosk_engine *e;
    kiosk_pack_sum *sum;
    int32_t today;
    int64_t generation; /* number of the full pack that began the list */
    sotto_import_plan plan;
    sotto_csv csv;
} kiosk_pack_rows;
void kiosk_pack_rows_begin(kiosk_pack_rows *rows, kiosk_engine *e, int64_t now_s, kiosk_pack_sum *sum);
SOTTO_MUST_USE sotto_status kiosk_pack_rows_put(kiosk_pack_rows *rows, sotto_span csv, sotto_diag *diag);
/* Forgets whoever came with earlier packs and is not of this generation. */
SOTTO_MUST_USE sotto_status kiosk_pack_rows_sweep(kiosk_pack_rows *rows, sotto_diag *diag);

extern const char *const KIOSK_QUARTER[SOTTO_TALLY_QUARTERS]; /* members of budget.left */
SOTTO_MUST_USE sotto_status kiosk_status_json(kiosk_engine *e, sotto_buf *json, sotto_diag *diag);
/* Every report since the terminal began: years of them, so its size is the caller's to bound. */
SOTTO_MUST_USE sotto_status kiosk_audit_json(kiosk_engine *e, bool with_bytes, sotto_vec *json,
                                             sotto_diag *diag);
/* The same with bytes, as a statement that the report key signs (docs/formats/audit.md). */
SOTTO_MUST_USE sotto_status kiosk_audit_export(kiosk_engine *e, sotto_vec *out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_device_get(kiosk_engine *e, char device[static 65],
                                             sotto_diag *diag); /* NOT_FOUND before enrolment */
SOTTO_MUST_USE sotto_status kiosk_device_set(kiosk_engine *e, const char *device, sotto_diag *diag);

/* ---- requests ---- */
/* The kiosk application's socket; ctx is the engine. POST /v1/decide, /v1/events, /v1/forget; GET /v1/status,
 * /v1/audit. */
void kiosk_api_handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                      sotto_reply *reply);
/* The socket of `sotto sync`. GET /v1/identity, /v1/outbox/next; POST /v1/identity, /v1/outbox/<seq>/ack,
 * /v1/release, /v1/night. */
void kiosk_link_handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                       sotto_reply *reply);
/* Its routes about tag packs (link_pack.c). */
SOTTO_MUST_USE sotto_status kiosk_link_get_pack(kiosk_engine *e, sotto_json_node body, sotto_reply *reply,
                                                sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_link_post_pack(kiosk_engine *e, sotto_json_node body, sotto_reply *reply,
                                                 sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_link_post_restate(kiosk_engine *e, sotto_json_node body, sotto_reply *reply,
                                                    sotto_diag *diag);
/* {"error":{...}} with the HTTP code that fits the cause. */
void kiosk_reply_error(sotto_reply *reply, const sotto_diag *diag);
void kiosk_reply_json(sotto_reply *reply, int code, sotto_span json);

/* Sockets below run_dir. */
#define KIOSK_API_SOCKET  "api/sotto.sock"
#define KIOSK_LINK_SOCKET "link/sotto.sock"

/* The command line's way to the engine: the running daemon, or without one the engine in this process. */
typedef struct kiosk_local kiosk_local;
SOTTO_MUST_USE sotto_status kiosk_local_open(kiosk_local **out, const kiosk_config *config, sotto_diag *diag);
/* *code: an HTTP code; answer: its JSON body (what was in it is dropped). */
SOTTO_MUST_USE sotto_status kiosk_local_ask(kiosk_local *local, const char *method, const char *target,
                                            sotto_span body, int *code, sotto_vec *answer, sotto_diag *diag);
void kiosk_local_close(kiosk_local *local);
/* office.c: a client of head office, by the proxy where one is configured. MALFORMED, DENIED: its
 * credentials' file. */
SOTTO_MUST_USE sotto_status kiosk_office_client(const kiosk_config *config, bool enrolling, sotto_tls *tls,
                                                sotto_clock clock, sotto_client **out, sotto_diag *diag);
/* A client on one of the sockets. */
SOTTO_MUST_USE sotto_status kiosk_local_client(const kiosk_config *config, const char *socket,
                                               sotto_client **out, sotto_diag *diag);

/* LeakSanitizer looks into /proc when a process ends; a build without it does not. */
/* Versions of clang-format disagree on braces in macros. */
/* clang-format off */
#ifdef __SANITIZE_ADDRESS__
#define KIOSK_LEAK_CHECK_GRANT {"/proc", false}
#else
#define KIOSK_LEAK_CHECK_GRANT {"", false} /* no such path: skipped */
#endif
/* clang-format on */

/* Whether two thirds of a certificate's life are over. */
bool kiosk_renewal_due(const sotto_cert_info *info, int64_t now_s);
/* A new certificate for the device's key, from office: into the sync folder and into *certificate, which
 * holds the present one. lapsed: office is the enrolment door and no certificate was shown. The old one stays
 * on any failure; *retry_after_s as sotto_renew has it. */
SOTTO_MUST_USE sotto_status kiosk_renew(const kiosk_config *config, sotto_client *office,
                                        const sotto_vec *key, sotto_vec *certificate, bool lapsed,
                                        int64_t *retry_after_s, sotto_diag *diag);

/* DENIED when this process can read the vault's key and the configuration requires walls. */
SOTTO_MUST_USE sotto_status kiosk_check_keyless(const kiosk_config *config, sotto_diag *diag);

/* Trust in head office's signing keys from the installed file, for serve (dir: store_dir) or sync (dir:
 * release_dir), unless that one trusts a root already. */
SOTTO_MUST_USE sotto_status kiosk_trust_root(const kiosk_config *config, const char *dir, sotto_diag *diag);

/* ---- commands: argv[0] is the command's name. Return an exit code. ---- */
typedef struct kiosk_command {
    const char *name;
    const char *summary;
    const char *help; /* usage, options, an example */
    int (*run)(const kiosk_config *config, int argc, char **argv);
} kiosk_command;
int kiosk_cmd_init(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_enrol(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_import(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_pack(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_serve(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_decide(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_event(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_sync(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_status(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_audit(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_accept_restore(const kiosk_config *config);
int kiosk_cmd_forget(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_replay(const kiosk_config *config, int argc, char **argv);
/* status --json: the certificate, which serve cannot see: what sync has of it, or null. The answer's object
 * gets one member more; NO_SPACE, NO_MEMORY. */
SOTTO_MUST_USE sotto_status kiosk_add_certificate(const kiosk_config *config, sotto_vec *answer);
int kiosk_cmd_doctor(const kiosk_config *config, int argc, char **argv);
int kiosk_cmd_model(const kiosk_config *config, int argc, char **argv); /* config may be NULL */

/* "sotto: <diag>" on standard error; returns the exit code. */
int kiosk_fail(const sotto_diag *diag);
/* The same for a status that may have come without words. */
int kiosk_fail_status(sotto_status status, sotto_diag *diag);
int kiosk_usage(const char *command, const char *why);
/* The same, with the name of the option that is wrong. */
int kiosk_usage_at(const char *command, const char *word, const char *why);
/* An option that stands there twice, or NULL: which of two values was meant nobody can say. */
const char *kiosk_repeated(int argc, char **argv);
/* Value of "--name VALUE" or "--name=VALUE" at argv[*i] (then *i is advanced), or NULL when argv[*i] is
 * something else. */
const char *kiosk_option(int argc, char **argv, int *i, const char *name);

#endif
