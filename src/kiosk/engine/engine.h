/*
 * What `serve` holds while it runs: vault, store, time, the release in use. One thread. Nothing of `sync` may
 * see it (docs/design.md): it has the key.
 */
#ifndef SOTTO_KIOSK_ENGINE_ENGINE_H
#define SOTTO_KIOSK_ENGINE_ENGINE_H

#include "config/config.h"
#include "engine/health.h"
#include "engine/release.h"

#include "sotto/decide.h"
#include "sotto/history.h"
#include "sotto/store.h"
#include "sotto/sync.h"
#include "sotto/tally.h"
#include "sotto/vault.h"

#define KIOSK_CUSTOMER_MAX 64                  /* bytes of a customer number */
#define KIOSK_OUTBOX_MAX   1000                /* reports that wait: years of one task, a year of several */
#define KIOSK_DISK_SPARE   (UINT64_C(8) << 20) /* bytes that a night leaves free for the day's events */
#define KIOSK_ANSWER_MAX   (256 * 1024)

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

/* Closes ended periods. Needs a release with a task and an enrolled device. */
SOTTO_MUST_USE sotto_status kiosk_night(kiosk_engine *e, sotto_tally_result *result, sotto_diag *diag);
/* Verifies release <version> from serve's own trusted root, loads it beside the old one, checks its health,
 * swaps. The old one stays in use on any failure. CONFLICT: it failed its check, now or before (*known). */
SOTTO_MUST_USE sotto_status kiosk_release_accept(kiosk_engine *e, uint64_t version, bool *known,
                                                 sotto_diag *diag);

SOTTO_MUST_USE sotto_status kiosk_device_get(kiosk_engine *e, char device[static 65],
                                             sotto_diag *diag); /* NOT_FOUND before enrolment */
SOTTO_MUST_USE sotto_status kiosk_device_set(kiosk_engine *e, const char *device, sotto_diag *diag);

#endif
