/*
 * The registry: what head office remembers. Devices and their certificates, one-time codes, the releases it
 * published, the reports it acknowledged, and what was odd about them. Everything behind this header is SQL;
 * nothing outside it is, but for the aggregators' own files, which go by sql.h as well (aggregate/store.c).
 * Two stores stand there under the same tests: a SQLite file, and PostgreSQL for several collectors that
 * share a fleet.
 *
 * One registry object is used by one thread; several processes, with PostgreSQL on several machines, may have
 * the same registry open. Every function that changes something is one transaction that is on the disk when
 * it returns SOTTO_OK, and has changed nothing otherwise; but after IO of a database that was lost at its
 * very end nobody knows, so it is asked again, and says what is held already. All of them may give BUSY
 * (another process is writing; try again), CONFLICT (another collector did the same at the same moment: asked
 * again, it is seen), IO (PostgreSQL is away: taken up again by itself), FULL, CORRUPT, NO_MEMORY.
 */
#ifndef SOTTO_HQ_REGISTRY_REGISTRY_H
#define SOTTO_HQ_REGISTRY_REGISTRY_H

#include "sotto/base.h"
#include "sotto/privacy.h"
#include "sotto/vault.h"

#define HQ_REGISTRY_SCHEMA 4  /* docs/formats/registry.md */
#define HQ_DEVICE_ID_MAX   65 /* with the NUL */
/* What a terminal may tell as a number: exact in every reader of the JSON that tells it on. */
#define HQ_TOLD_MAX (INT64_C(1) << 52)

typedef struct hq_registry hq_registry;

/* Where a registry is: a file's path, or "postgresql://USER@HOST:PORT/DATABASE" as libpq has it (sotto-hq
 * built without libpq: UNSUPPORTED). Messages hold no password of it. */
bool hq_registry_is_url(const char *where);

/* Creates an empty registry there. EXISTS when there is a file, or an office in the database. */
SOTTO_MUST_USE sotto_status hq_registry_create(const char *where, const char *office_name, int64_t now_s,
                                               sotto_diag *diag);
/* NOT_FOUND when there is none or it was moved away, UNSUPPORTED when a newer program made it, CORRUPT when
 * it is no registry. An older schema is brought up to date. */
SOTTO_MUST_USE sotto_status hq_registry_open(hq_registry **out, const char *where, sotto_diag *diag);
/* Moves a file's registry into another store, which is made there and must hold none: CONFLICT when it holds
 * another office. From before the first row is copied the file serves nobody, not even who has it open (IO):
 * what is acknowledged is in `to` or nowhere; its rows stay in it. When copying fails, the file serves again.
 * When this is cut off, or the end of a commit is not known, the file stays closed until it is called again,
 * which ends it. Called once more, it changes nothing (*moved false); for another, empty store then
 * NOT_FOUND: an old copy never comes alive twice. EXISTS: another process did it at this moment; call again.
 */
SOTTO_MUST_USE sotto_status hq_registry_move(const char *from_path, const char *to, bool *moved,
                                             sotto_diag *diag);
void hq_registry_close(hq_registry *registry); /* NULL allowed */
/* A copy of a file's registry as it is at this moment, while others write: a new file. UNSUPPORTED for
 * PostgreSQL, which has its own ways. */
SOTTO_MUST_USE sotto_status hq_registry_backup(hq_registry *registry, const char *path, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_registry_office(hq_registry *registry, char name[static 65], sotto_diag *diag);

/* ---- Devices and one-time codes ---- */

/* X(NAME, number in the database, "name") */
#define HQ_DEVICE_STATES(X)                                                                                  \
    X(INVITED, 0, "invited")                                                                                 \
    X(ENROLLED, 1, "enrolled")                                                                               \
    X(REVOKED, 2, "revoked")
enum hq_device_state {
#define X(name, number, text) HQ_DEVICE_##name = number,
    HQ_DEVICE_STATES(X)
#undef X
};
const char *hq_device_state_name(enum hq_device_state state);

/* 1..64 of A-Z a-z 0-9 . _ -, not beginning with '.' or '-': what a certificate and a report can name. */
bool hq_device_id_valid(const char *id);

typedef struct hq_device {
    char id[HQ_DEVICE_ID_MAX];
    enum hq_device_state state;
    int64_t invited_s, enrolled_s, revoked_s; /* 0 = never */
    int64_t certificate_until_s;              /* of the newest certificate; 0 = none */
    int64_t quarantined_s;                    /* since when; 0 = it is not */
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES];
    uint32_t chain; /* of its report key: a new key begins a new chain of reports at sequence 1 */
    /* Its chain in use: */
    uint64_t reports;    /* held */
    uint64_t absent;     /* told to be lost, and not held */
    uint64_t last_seq;   /* largest held or absent; more than `reports` and `absent` when some are missing */
    int64_t last_report; /* when the newest was received, UTC; 0 = never */
    uint64_t release;    /* the release named by the report of last_seq */
    /* Of all that it said since it was enrolled: */
    int64_t certificate_from_s; /* when the newest certificate was issued; 0 = none */
    int64_t contact_s;          /* when its last night began; 0 = none yet, or told before schema 2 */
} hq_device;

/* NOT_FOUND. */
SOTTO_MUST_USE sotto_status hq_registry_device(hq_registry *registry, const char *id, hq_device *out,
                                               sotto_diag *diag);
/* All devices in the order of their ids; a visitor that fails ends the walk with its status. */
typedef sotto_status (*hq_device_visit)(void *ctx, const hq_device *device);
SOTTO_MUST_USE sotto_status hq_registry_devices(hq_registry *registry, hq_device_visit visit, void *ctx,
                                                sotto_diag *diag);

/* Registers the device when it is new, and puts this code in the place of any it had. */
SOTTO_MUST_USE sotto_status hq_registry_code_put(hq_registry *registry, const char *device,
                                                 const uint8_t code_hash[static SOTTO_SHA256_BYTES],
                                                 int64_t now_s, int64_t expires_s, sotto_diag *diag);
/* Whose code it is, when it can still be used at now_s: AUTH (unknown), CONFLICT (used), EXPIRED. */
SOTTO_MUST_USE sotto_status hq_registry_code_find(hq_registry *registry,
                                                  const uint8_t code_hash[static SOTTO_SHA256_BYTES],
                                                  int64_t now_s, char device[static HQ_DEVICE_ID_MAX],
                                                  sotto_diag *diag);

typedef struct hq_admission {
    const uint8_t *code_hash;  /* SOTTO_SHA256_BYTES */
    const uint8_t *report_key; /* SOTTO_PUBLIC_KEY_BYTES */
    const uint8_t *cert_sha256;
    int64_t cert_not_after_s;
    int64_t now_s;
} hq_admission;
/* Uses the code up and admits its device: this certificate instead of all it had. Fails as code_find does. */
SOTTO_MUST_USE sotto_status hq_registry_admit(hq_registry *registry, const hq_admission *admission,
                                              sotto_diag *diag);
/* The device behind a certificate, without what stands under "its chain in use" and behind: DENIED for an
 * unknown or revoked device and for a certificate that was replaced or never given. */
SOTTO_MUST_USE sotto_status hq_registry_recognise(hq_registry *registry, const char *common_name,
                                                  const uint8_t cert_sha256[static SOTTO_SHA256_BYTES],
                                                  hq_device *out, sotto_diag *diag);
/* Its certificates and its code serve no more. NOT_FOUND; revoking again changes nothing. */
SOTTO_MUST_USE sotto_status hq_registry_revoke(hq_registry *registry, const char *device, int64_t now_s,
                                               sotto_diag *diag);

/* ---- What a terminal says of itself (terminal.c) ---- */

/* A device that showed certificate `used` has been given `fresh`. Both serve from now on (the answer may be
 * lost); any other of this device does not. DENIED, as recognise, when `used` serves no more; BUSY, *wait_s
 * above 0, when it comes too often (hq_registry_renewal_wait), which is judged while the device is locked. */
typedef struct hq_renewal {
    const char *device;
    const uint8_t *used, *fresh; /* SOTTO_SHA256_BYTES */
    int64_t not_after_s, now_s;
    bool unheard;    /* whoever asked has left: fresh never serves, and is only counted */
    int64_t *wait_s; /* out; NULL allowed */
} hq_renewal;
SOTTO_MUST_USE sotto_status hq_registry_renew(hq_registry *registry, const hq_renewal *renewal,
                                              sotto_diag *diag);
/* A terminal in a loop is not given certificates without end: once HQ_RENEW_BURST were made for it within a
 * day, the next comes HQ_RENEW_EVERY_S after the newest of them. 0: now. */
#define HQ_RENEW_BURST   4
#define HQ_RENEW_EVERY_S INT64_C(3600)
SOTTO_MUST_USE sotto_status hq_registry_renewal_wait(hq_registry *registry, const char *device, int64_t now_s,
                                                     int64_t *wait_s, sotto_diag *diag);
#define HQ_QUARANTINED "this device is quarantined: another machine may have its identity" /* told to it */
/* What a shown token told. */
typedef struct hq_shown {
    bool clone;      /* another machine has shown it: the device is quarantined from now on */
    bool has_health; /* how it does is known here; if not, it has to tell, though it told before */
} hq_shown;
/* The continuation token (docs/formats/wire.md): `have` must be the one shown last, or this very pair the one
 * taken last; otherwise it is a clone's. have "" = none. DENIED when it is quarantined already. */
SOTTO_MUST_USE sotto_status hq_registry_session(hq_registry *registry, const char *device, const char *have,
                                                const char *next, int64_t now_s, hq_shown *out,
                                                sotto_diag *diag);
/* Ends the quarantine and its alarm; the device's next token is taken whatever it had, and how it does is not
 * known: another machine may have told it. NOT_FOUND when it is not quarantined. */
SOTTO_MUST_USE sotto_status hq_registry_release_quarantine(hq_registry *registry, const char *device,
                                                           sotto_diag *diag);
/* After an older registry was put back: the next token of every device that is not quarantined is taken
 * whatever it had, and how devices do is not known, since they have told it since and would not again. */
SOTTO_MUST_USE sotto_status hq_registry_forget_sessions(hq_registry *registry, uint64_t *count,
                                                        sotto_diag *diag);
/* A report that will not come: its place in the chain is taken by this hash (zeros: not known). Told again
 * changes nothing. */
typedef struct hq_absence {
    const char *device, *reason; /* "refused" or "damaged" */
    uint32_t chain;
    uint64_t seq;
    uint8_t sha256[SOTTO_SHA256_BYTES];
    int64_t now_s;
} hq_absence;
SOTTO_MUST_USE sotto_status hq_registry_absent(hq_registry *registry, const hq_absence *absence,
                                               bool *repeated, sotto_diag *diag);
/* How it does, as it told last (health.c): numbers of the machine and its releases. */
typedef struct hq_health {
    int64_t told_s;                /* 0 = never, since it was enrolled */
    int64_t release, good, failed; /* in use; to go back to; the newest that failed. 0 = none */
    char why[17], program[25];
    /* An older terminal tells none of these. */
    bool has_disk, has_waiting, has_clock;
    int64_t disk_free_mib;   /* a power of two not above it, or 0 */
    int64_t waiting;         /* reports in its outbox after it had sent what it could */
    int64_t clock_ahead_min; /* its machine's clock before the time that head office told it */
} hq_health;
/* In place of what it told before; told_s is when. Raises RELEASE_FAILED while one failed, and ends it. */
SOTTO_MUST_USE sotto_status hq_registry_health_put(hq_registry *registry, const char *device,
                                                   const hq_health *health, sotto_diag *diag);
/* All zero when it told nothing. */
SOTTO_MUST_USE sotto_status hq_registry_health(hq_registry *registry, const char *device, hq_health *out,
                                               sotto_diag *diag);

/* ---- Releases ---- */

typedef struct hq_release {
    uint64_t version;
    int64_t published_s;
    sotto_span tasks; /* tasks.json as published */
} hq_release;
/* Remembers it; one of the same version that never became current is replaced. */
SOTTO_MUST_USE sotto_status hq_registry_release_put(hq_registry *registry, const hq_release *release,
                                                    sotto_diag *diag);
/* The tasks of one release, appended to tasks. NOT_FOUND. */
SOTTO_MUST_USE sotto_status hq_registry_release_tasks(hq_registry *registry, uint64_t version,
                                                      sotto_vec *tasks, sotto_diag *diag);
/* When it was published. NOT_FOUND. */
SOTTO_MUST_USE sotto_status hq_registry_release_published(hq_registry *registry, uint64_t version,
                                                          int64_t *utc_s, sotto_diag *diag);

/* ---- Reports ---- */

/* X(NAME, "name", "what it means and what to do"). The names are what the database and --json say. */
#define HQ_ALARMS(X)                                                                                         \
    X(GAP, "gap", "reports are missing in between: run `sotto sync` there, then look at `sotto audit`")      \
    X(BROKEN_CHAIN, "broken_chain",                                                                          \
      "a report does not follow from the one before: the disk may be a copy or an old one put back; enrol "  \
      "the terminal again")                                                                                  \
    X(CONFLICT, "conflict",                                                                                  \
      "sent other bytes for a number already acknowledged: two machines may share one identity; revoke it "  \
      "and look at both")                                                                                    \
    X(PERIOD_REPEATED, "period_repeated",                                                                    \
      "a second report of a period already reported, left out of totals: the store may have been put back")  \
    X(NOT_GENUINE, "not_genuine",                                                                            \
      "a report was not signed by its report key, or is damaged: look at the terminal's disk and enrol it "  \
      "again")                                                                                               \
    X(OTHER_DEVICE, "other_device",                                                                          \
      "sent a report that names another device: disks may have been swapped; enrol both again")              \
    X(UNKNOWN_RELEASE, "unknown_release",                                                                    \
      "a report of a release or task that was never published here: is it another office's terminal?")       \
    X(CLOCK_AHEAD, "clock_ahead", "reported a period that is not over yet: set the terminal's clock")        \
    X(REVOKED, "revoked_contact", "still calls although it is revoked: take it off the network")             \
    X(SET_ASIDE, "set_aside",                                                                                \
      "a report was refused here or damaged there and will not come: look at `sotto audit` there; after a "  \
      "repair here, `sotto sync --again` sends refused ones again")                                          \
    X(CLONE, "clone",                                                                                        \
      "two machines use this identity, or an old copy of its disk was put back: look at the machine; then "  \
      "`sotto-hq devices --release-quarantine` for the one that stays, or enrol it again")                   \
    X(RELEASE_FAILED, "release_failed",                                                                      \
      "the newest release failed its health check there and is not used; the log of serve says which and "   \
      "why: publish another one")
enum hq_alarm {
#define X(name, text, advice) HQ_ALARM_##name,
    HQ_ALARMS(X)
#undef X
        HQ_ALARM_COUNT
};
#define HQ_ALARM_BIT(name) (1u << HQ_ALARM_##name)
const char *hq_alarm_name(enum hq_alarm alarm);
const char *hq_alarm_advice(enum hq_alarm alarm);

typedef struct hq_report_entry {
    const char *device;
    uint32_t chain;
    const sotto_report *report; /* opened and verified */
    sotto_span sealed;          /* as received */
    const uint8_t *sha256;      /* of sealed */
    int64_t received_s;
    bool clock_ahead; /* the caller's judgement, kept as an alarm */
} hq_report_entry;
/* Keeps a report. *repeated: these very bytes are held already, nothing changed. EXISTS when other bytes are
 * held for that number, RANGE when a number in it is too large to be kept; every other failure is ours, and
 * the same report may be kept later. *alarms: bits of HQ_ALARM_BIT that this report raised (kept with it, but
 * for GAP, which heals when the missing ones arrive). */
SOTTO_MUST_USE sotto_status hq_registry_report_put(hq_registry *registry, const hq_report_entry *entry,
                                                   bool *repeated, unsigned *alarms, sotto_diag *diag);
/* Between the two, every hq_registry_report_put is part of one transaction: one that fails takes only itself
 * back. Nothing is on the disk before batch_end has said SOTTO_OK; a status that is not takes all of it back
 * and is returned. */
SOTTO_MUST_USE sotto_status hq_registry_batch_begin(hq_registry *registry, sotto_diag *diag);
SOTTO_MUST_USE sotto_status hq_registry_batch_end(hq_registry *registry, sotto_status status,
                                                  sotto_diag *diag);
/* Counts one occurrence of an alarm. The device need not be known; its id is cut at 64 bytes. */
SOTTO_MUST_USE sotto_status hq_registry_alarm_raise(hq_registry *registry, const char *device,
                                                    enum hq_alarm alarm, int64_t now_s, sotto_diag *diag);
/* It is over. Nothing to clear is no error. */
SOTTO_MUST_USE sotto_status hq_registry_alarm_clear(hq_registry *registry, const char *device,
                                                    enum hq_alarm alarm, sotto_diag *diag);
typedef struct hq_alarm_entry {
    enum hq_alarm alarm;
    uint64_t count;
    int64_t first_s, last_s;
} hq_alarm_entry;
/* Alarms of one device since it was last enrolled, GAP included; *count of them in out. */
SOTTO_MUST_USE sotto_status hq_registry_alarms(hq_registry *registry, const hq_device *device,
                                               hq_alarm_entry out[static HQ_ALARM_COUNT], size_t *count,
                                               sotto_diag *diag);

typedef struct hq_report_row {
    const char *device; /* until the visitor returns */
    uint32_t chain;
    uint64_t seq;
    uint32_t task_id;
    uint64_t release;
    int32_t period_day;
    uint32_t period_days;
    uint64_t epsilon_ueps;
    uint32_t bound;
    const int64_t *cells; /* until the visitor returns */
    size_t cell_count;
} hq_report_row;
typedef struct hq_report_filter {
    uint32_t task_id;            /* 0 = any */
    int32_t first_day, last_day; /* periods that begin within; both included */
} hq_report_filter;
typedef sotto_status (*hq_report_visit)(void *ctx, const hq_report_row *row);
/* Reports that count, by device and period. */
SOTTO_MUST_USE sotto_status hq_registry_reports(hq_registry *registry, const hq_report_filter *filter,
                                                hq_report_visit visit, void *ctx, sotto_diag *diag);

/* Reports that count, as they were received, in the order in which they came, from the one after `row`; at
 * most `limit` of them. */
typedef sotto_status (*hq_sealed_visit)(void *ctx, int64_t row, sotto_span sealed);
SOTTO_MUST_USE sotto_status hq_registry_sealed(hq_registry *registry, int64_t row, size_t limit,
                                               hq_sealed_visit visit, void *ctx, sotto_diag *diag);

#endif
