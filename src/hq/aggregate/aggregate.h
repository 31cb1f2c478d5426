/*
 * aggregate: the two aggregators of mode B, and the collector that opens what they add up to
 * (docs/formats/aggregate.md; who may see what: docs/privacy.md).
 *
 *   store     what one party remembers, in one SQLite file: tasks, reports, batches
 *   wire      the messages, CBOR
 *   verify    one report through Prio3; noise; totals sealed to the collector
 *   helper    answers the leader
 *   leader    takes reports from the collector, verifies them with the helper, closes batches
 *   party     keys and certificates of a party, and those of its peers
 *   serve     the process of an aggregator
 *   collect   the collector's side: forward reports, collect batches
 */
#ifndef SOTTO_HQ_AGGREGATE_AGGREGATE_H
#define SOTTO_HQ_AGGREGATE_AGGREGATE_H

#include "office/args.h"
#include "registry/registry.h"

#include "sotto/hpke.h"
#include "sotto/prio3.h"
#include "sotto/split.h"
#include "sotto/sync.h"

#define AGG_ID_BYTES   SOTTO_PRIO3_NONCE_BYTES /* of reports and of batches */
#define AGG_JOB        32                      /* reports verified in one exchange */
#define AGG_BATCH_MAX  (1u << 20)              /* reports */
#define AGG_BODY_MAX   (24u << 20)
#define AGG_WHY_MAX    160
#define AGG_TRIES      5 /* of a job whose answer is no answer, before it is set aside */
#define AGG_PART_BYTES 32
#define AGG_TOTAL_ROOM (SOTTO_TASK_CELLS_MAX * 16 + SOTTO_HPKE_OVERHEAD)

/* X(NAME, "name") - the number is the party's in the protocol. */
#define AGG_ROLES(X)                                                                                         \
    X(LEADER, "leader")                                                                                      \
    X(HELPER, "helper")                                                                                      \
    X(COLLECTOR, "collector")
enum agg_role {
#define X(name, text) AGG_##name,
    AGG_ROLES(X)
#undef X
        AGG_ROLE_COUNT
};
const char *agg_role_name(enum agg_role role);

/* ---- store ---- */

/* X(NAME, number in the database, "name") */
#define AGG_STATES(X)                                                                                        \
    X(WAITING, 0, "waiting")   /* leader: not verified yet */                                                \
    X(VERIFIED, 1, "verified") /* its output share is held */                                                \
    X(REFUSED, 2, "refused")                                                                                 \
    X(BATCHED, 3, "batched") /* in a batch; the output share goes when the batch is closed */
enum agg_state {
#define X(name, number, text) AGG_##name = number,
    AGG_STATES(X)
#undef X
};

typedef struct agg_task {
    sotto_split_task task;
    uint8_t digest[SOTTO_SHA256_BYTES];
    sotto_prio3 prio3;
    uint8_t part[AGG_PART_BYTES]; /* own half of what the verification key is made of */
    uint8_t key[SOTTO_PRIO3_VERIFY_KEY_BYTES];
    bool has_key;
} agg_task;

/* A report with memory of its own behind its spans. */
typedef struct agg_report {
    sotto_split_report r;
    int64_t row; /* of a waiting one, in its file */
    uint8_t *bytes;
    enum agg_state state;
    char why[AGG_WHY_MAX];
    uint8_t request[SOTTO_SHA256_BYTES]; /* helper: of what was asked about it */
    uint8_t message[SOTTO_PRIO3_SEED_BYTES];
    uint8_t *verify_state, *verifier; /* while it is being verified */
    uint8_t *out_share;               /* of a verified one */
    size_t state_size, share_size;    /* bytes of verify_state and of out_share */
} agg_report;
void agg_report_free(agg_report *report); /* wipes */
/* Copies r with its spans. */
SOTTO_MUST_USE sotto_status agg_report_copy(agg_report *out, const sotto_split_report *r, sotto_diag *diag);

typedef struct agg_batch {
    uint8_t id[AGG_ID_BYTES], digest[SOTTO_SHA256_BYTES];
    bool closed;
    uint64_t count;
    int32_t first_day, last_day;          /* of the periods asked for; once closed: of those in it */
    uint8_t reports[SOTTO_SHA256_BYTES];  /* SHA-256 over the ids in order */
    sotto_vec share[SOTTO_SPLIT_PARTIES]; /* sealed totals: own, and (leader, collector) the helper's */
} agg_batch;
void agg_batch_free(agg_batch *batch);

SOTTO_MUST_USE sotto_status agg_store_open(hq_registry **out, const char *path, bool create,
                                           sotto_diag *diag);
/* Adds a task with a fresh half of its key. Known already: nothing happens, *added false. */
SOTTO_MUST_USE sotto_status agg_store_task_add(hq_registry *db, const sotto_split_task *task,
                                               const sotto_entropy *entropy, bool *added, sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_store_task(hq_registry *db, const uint8_t *digest, agg_task *out,
                                           sotto_diag *diag); /* NOT_FOUND */
/* The newest task with this id. */
SOTTO_MUST_USE sotto_status agg_store_task_by_id(hq_registry *db, uint32_t task_id, agg_task *out,
                                                 sotto_diag *diag);
/* Walks all tasks as they were defined, the newest definition first. */
typedef sotto_status (*agg_task_visit)(void *ctx, const uint8_t *digest, uint32_t task_id);
SOTTO_MUST_USE sotto_status agg_store_tasks(hq_registry *db, agg_task_visit visit, void *ctx,
                                            sotto_diag *diag);
/* Sets the verification key, for good. CONFLICT when there is another one. */
SOTTO_MUST_USE sotto_status agg_store_task_key(hq_registry *db, agg_task *task, const uint8_t *key,
                                               sotto_diag *diag);
/* Puts a report in, in the state that it has. CONFLICT with a reason in diag when its id, or its terminal's
 * period, is there already. Inside or outside a transaction. */
SOTTO_MUST_USE sotto_status agg_store_put(hq_registry *db, const agg_report *report, sotto_diag *diag);
/* State, reason, message and request of a report; NOT_FOUND. The spans of *out are empty. */
SOTTO_MUST_USE sotto_status agg_store_find(hq_registry *db, const uint8_t *id, agg_report *out,
                                           sotto_diag *diag);
/* Where the leader stands among the reports that were set aside: the tasks by their digests, a task's reports
 * by their rows. */
typedef struct agg_place {
    uint8_t digest[SOTTO_SHA256_BYTES];
    int64_t row;
} agg_place;
/* Up to AGG_JOB waiting reports of one task, oldest first: of those that were never set aside (`aside` NULL),
 * or of those that were, behind that place. */
SOTTO_MUST_USE sotto_status agg_store_waiting(hq_registry *db, const agg_place *aside,
                                              agg_report out[static AGG_JOB], size_t *count,
                                              sotto_diag *diag);
/* Sets a waiting report aside, for a reason: it goes on waiting, and all others go before it, for good. */
SOTTO_MUST_USE sotto_status agg_store_set_aside(hq_registry *db, const uint8_t *id, const char *why,
                                                sotto_diag *diag);
/* The same for all that wait of a task; *count: how many. */
SOTTO_MUST_USE sotto_status agg_store_set_aside_task(hq_registry *db, const uint8_t *digest, const char *why,
                                                     uint64_t *count, sotto_diag *diag);
/* What verification ended in: state, why, out_share. The sealed shares are dropped. */
SOTTO_MUST_USE sotto_status agg_store_judged(hq_registry *db, const agg_report *report, sotto_diag *diag);
/* Walks the output shares of a batch's reports, in the order of their ids. */
typedef sotto_status (*agg_share_visit)(void *ctx, const uint8_t *id, int32_t period_day, sotto_span share);
SOTTO_MUST_USE sotto_status agg_store_shares(hq_registry *db, const uint8_t *batch, agg_share_visit visit,
                                             void *ctx, sotto_diag *diag);
/* Moves verified reports of a task into a batch: the one with that id (CONFLICT when it is not a verified one
 * of the task), or all of the periods; *count: how many. */
SOTTO_MUST_USE sotto_status agg_store_take_one(hq_registry *db, const agg_batch *batch, const uint8_t *id,
                                               sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_store_take_all(hq_registry *db, const agg_batch *batch, uint64_t *count,
                                               sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_store_batch(hq_registry *db, const uint8_t *id, agg_batch *out,
                                            sotto_diag *diag); /* NOT_FOUND */
/* A batch of the task that is not closed yet; NOT_FOUND. */
SOTTO_MUST_USE sotto_status agg_store_batch_open(hq_registry *db, const uint8_t *digest, agg_batch *out,
                                                 sotto_diag *diag);
/* Walks the closed batches of the task, in the order in which they were begun. */
typedef sotto_status (*agg_batch_visit)(void *ctx, const agg_batch *batch);
SOTTO_MUST_USE sotto_status agg_store_batches(hq_registry *db, const uint8_t *digest, agg_batch_visit visit,
                                              void *ctx, sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_store_batch_put(hq_registry *db, const agg_batch *batch, sotto_diag *diag);
/* Writes the batch as closed, and wipes the output shares of its reports. */
SOTTO_MUST_USE sotto_status agg_store_batch_close(hq_registry *db, const agg_batch *batch, sotto_diag *diag);
/* How many reports are in each state, how many batches are closed. */
SOTTO_MUST_USE sotto_status agg_store_counts(hq_registry *db, uint64_t reports[static 4], uint64_t *batches,
                                             sotto_diag *diag);
/* Why reports were refused, or (AGG_WAITING) set aside: a visit for each reason. */
typedef void (*agg_why_visit)(void *ctx, const char *why, uint64_t count);
SOTTO_MUST_USE sotto_status agg_store_reasons(hq_registry *db, enum agg_state state, agg_why_visit visit,
                                              void *ctx, sotto_diag *diag);
/* Up to which row of the registry reports were forwarded (the collector's). */
SOTTO_MUST_USE sotto_status agg_store_forwarded(hq_registry *db, int64_t *row, sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_store_set_forwarded(hq_registry *db, int64_t row, sotto_diag *diag);

/* ---- wire ---- */

/* A message being written, in memory of its own. */
typedef struct agg_message {
    sotto_buf buf;
    sotto_cbor_writer w;
} agg_message;
SOTTO_MUST_USE sotto_status agg_message_begin(agg_message *m, size_t cap, sotto_diag *diag);
/* Into out when it is whole; frees in any case. */
SOTTO_MUST_USE sotto_status agg_message_end(agg_message *m, sotto_vec *out, sotto_diag *diag);
/* Exactly len bytes of the message into out; the reader fails otherwise. */
void agg_read_exact(sotto_cbor_reader *r, uint8_t *out, size_t len);
/* id, device, seq, release, period's day, public share: 6 items. */
void agg_write_about(sotto_cbor_writer *w, const sotto_split_report *r);
void agg_read_about(sotto_cbor_reader *r, sotto_split_report *out);
/* MALFORMED with a place when the message was not of its form. */
SOTTO_MUST_USE sotto_status agg_read_end(const sotto_cbor_reader *r, const char *what, sotto_diag *diag);

/* ---- a running aggregator ---- */

/* Sends a request to the helper and gives its answer. *answered: what failed is what it said, not the line to
 * it (TLS too can fail with PROTOCOL). */
typedef struct agg_peer {
    void *ctx;
    sotto_status (*ask)(void *ctx, const char *target, sotto_span body, sotto_vec *answer, bool *answered,
                        sotto_diag *diag);
} agg_peer;
typedef struct aggregator {
    enum agg_role role;
    hq_registry *db;
    uint8_t hpke[SOTTO_HPKE_PRIVATE_BYTES];
    uint8_t collector[SOTTO_HPKE_PUBLIC_BYTES]; /* whom totals are sealed to */
    sotto_entropy entropy;
    const sotto_log *log;
    agg_peer helper;             /* leader */
    uint8_t tried[AGG_ID_BYTES]; /* leader: first report of the job that failed last, and how often it did */
    unsigned tries;
    bool again;      /* leader: what was set aside is being tried once more */
    agg_place place; /* so far */
} aggregator;
/* One request of a peer that TLS has identified. DENIED: not this peer's to ask; NOT_FOUND: no such request.
 */
SOTTO_MUST_USE sotto_status agg_handle(aggregator *a, enum agg_role from, sotto_span target, sotto_span body,
                                       sotto_vec *answer, sotto_diag *diag);
/* Leader: verifies one job of waiting reports with the helper. *done: how many reports the job had that left
 * the waiting state, or were set aside: what the helper says to them was no answer AGG_TRIES times (a line
 * that is down or broken does not count). Where it has no key for the task with us, all that waits of the
 * task is set aside with them. */
SOTTO_MUST_USE sotto_status agg_leader_work(aggregator *a, size_t *done, sotto_diag *diag);
/* What was set aside is tried once more, a try for each job, whenever nothing else waits. Nothing changes
 * while that still goes on. */
void agg_leader_again(aggregator *a);

/* Handlers. */
typedef sotto_status (*agg_handler)(aggregator *a, sotto_span body, sotto_vec *answer, sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_helper_task(aggregator *a, sotto_span body, sotto_vec *answer,
                                            sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_helper_verify(aggregator *a, sotto_span body, sotto_vec *answer,
                                              sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_helper_batch(aggregator *a, sotto_span body, sotto_vec *answer,
                                             sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_leader_reports(aggregator *a, sotto_span body, sotto_vec *answer,
                                               sotto_diag *diag);

/* ---- verify ---- */

/* Opens this party's share and begins its verification; verify_state and verifier are allocated. */
SOTTO_MUST_USE sotto_status agg_verify_begin(const aggregator *a, const agg_task *task, agg_report *report,
                                             sotto_diag *diag);
/* Both verifier shares, the leader's first, into the message. */
SOTTO_MUST_USE sotto_status agg_verify_combine(const agg_task *task, sotto_span leader, sotto_span helper,
                                               uint8_t message[static SOTTO_PRIO3_SEED_BYTES],
                                               sotto_diag *diag);
/* Ends it: out_share is allocated. */
SOTTO_MUST_USE sotto_status agg_verify_end(const agg_task *task, agg_report *report, sotto_diag *diag);
/* Judges a report by the status of its verification; *status becomes OK unless it is our own trouble. */
void agg_judge(agg_report *report, sotto_status *status, const sotto_diag *diag);

/* Sum of a batch's output shares, noise, sealed to the collector: into batch->share[0]; count, days and the
 * hash of the ids into batch. CONFLICT when the batch is smaller than the task's smallest, or holds several
 * periods under Gaussian noise. */
SOTTO_MUST_USE sotto_status agg_total_make(const aggregator *a, const agg_task *task, agg_batch *batch,
                                           sotto_diag *diag);
/* Opens both totals of a batch: cells values. */
SOTTO_MUST_USE sotto_status agg_total_open(const agg_task *task, const agg_batch *batch,
                                           const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                           int64_t *cells, sotto_diag *diag);
/* The verification key of two halves. */
SOTTO_MUST_USE sotto_status agg_task_key(const uint8_t *leader_part, const uint8_t *helper_part,
                                         const uint8_t *digest,
                                         uint8_t key[static SOTTO_PRIO3_VERIFY_KEY_BYTES]);

/* ---- party ---- */

typedef struct agg_party {
    enum agg_role role;
    char authority[SOTTO_PEM_MAX];
    uint8_t server[SOTTO_SHA256_BYTES], client[SOTTO_SHA256_BYTES]; /* certificates */
    uint8_t hpke[SOTTO_HPKE_PUBLIC_BYTES];
} agg_party;
SOTTO_MUST_USE sotto_status agg_party_init(const char *dir, enum agg_role role, const hq_list *hosts,
                                           int64_t now_s, const sotto_entropy *entropy, sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_party_pair(const char *dir, const char *party_file, sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_party_own(const char *dir, agg_party *out, sotto_diag *diag);
/* NOT_FOUND with a hint at `pair`. */
SOTTO_MUST_USE sotto_status agg_party_peer(const char *dir, enum agg_role role, agg_party *out,
                                           sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_party_hpke(const char *dir, uint8_t key[static SOTTO_HPKE_PRIVATE_BYTES],
                                           sotto_diag *diag);
/* TLS with own certificate: as a server towards all `peers`, as a client towards one. */
SOTTO_MUST_USE sotto_status agg_party_tls(const char *dir, bool server, const agg_party *peers, size_t count,
                                          sotto_tls **out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_party_db(const char *dir, bool create, hq_registry **out, sotto_diag *diag);

/* ---- the peer behind a URL ---- */

typedef struct agg_line {
    sotto_tls *tls;
    sotto_client *client;
} agg_line;
SOTTO_MUST_USE sotto_status agg_line_open(agg_line *line, const char *dir, enum agg_role peer,
                                          const char *url, sotto_diag *diag);
void agg_line_close(agg_line *line);
/* POST; an answer that is no 200 becomes a status with the peer's own words. ctx is an agg_line. *answered
 * (or NULL): an HTTP answer came. */
SOTTO_MUST_USE sotto_status agg_line_ask(void *ctx, const char *target, sotto_span body, sotto_vec *answer,
                                         bool *answered, sotto_diag *diag);

/* The leader's answer to /v1/collect into *batch, whose days are those asked for and become those in it.
 * RANGE: they are no days of what was asked for; CONFLICT: fewer reports than smallest_batch. */
SOTTO_MUST_USE sotto_status agg_collect_read(agg_batch *batch, uint32_t smallest_batch, sotto_span answer,
                                             sotto_diag *diag);

/* The tasks file that a task came with is kept in the folder: the collector names cells by it later. Names
 * live in *memory, to be freed. */
SOTTO_MUST_USE sotto_status agg_names_keep(const char *dir, const uint8_t *digest, sotto_span file,
                                           sotto_diag *diag);
SOTTO_MUST_USE sotto_status agg_names_load(sotto_tasks *out, const char *dir, const uint8_t *digest,
                                           void **memory, sotto_diag *diag);

int agg_cmd_run(int argc, char **argv);
int agg_cmd_forward(int argc, char **argv);
int agg_cmd_collect(int argc, char **argv);

#endif
