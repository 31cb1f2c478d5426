/*
 * Two aggregators and a collector in one process: what is added up is what terminals counted and nothing
 * else, whatever is sent twice, changed, lost or cut off on the way.
 */
#include "aggregate/aggregate.h"
#include "registry/sql.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CELLS = 6, BITS = 8, TERMINALS = 5 };

/* What the line to the helper does: nothing, or loses the n-th request or answer. */
enum fault { NO_FAULT, LOSE_REQUEST, LOSE_ANSWER, NO_LINE, NO_ANSWER };

static struct world {
    char dir[64];
    sotto_split_task task;
    uint8_t key[3][SOTTO_HPKE_PRIVATE_BYTES], collector[SOTTO_HPKE_PUBLIC_BYTES];
    aggregator leader, helper;
    sotto_vault *vault;
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES];
    enum fault fault;
    unsigned fault_at, asked;
    int64_t exact[CELLS];
    bool one_period;
    sotto_vec sealed[TERMINALS];
} w;

static sotto_status load_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)ctx, (void)diag;
    memset(root, 7, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

static sotto_status to_helper(void *ctx, const char *target, sotto_span body, sotto_vec *answer,
                              bool *answered, sotto_diag *diag)
{
    bool unheard = false;
    bool *heard = answered != NULL ? answered : &unheard;
    (void)ctx;
    *heard = false;
    bool now = ++w.asked == w.fault_at;
    if (w.fault == NO_LINE) /* or TLS that ends with an alert */
        return w.asked % 2 == 0 ? SOTTO_ERR(SYNC, NETWORK) : SOTTO_ERR(SYNC, PROTOCOL);
    *heard = !(now && w.fault == LOSE_REQUEST);
    if (w.fault == NO_ANSWER && strcmp(target, "/v1/verify") == 0)
        return sotto_vec_put(answer, "\x81\x00", 2); /* one verdict that is none */
    if (now && w.fault == LOSE_REQUEST)
        return SOTTO_ERR(SYNC, NETWORK);
    sotto_status status = agg_handle(&w.helper, AGG_LEADER, sotto_span_str(target), body, answer, diag);
    if (!now || w.fault != LOSE_ANSWER)
        return status;
    *heard = false;
    return SOTTO_ERR(SYNC, NETWORK);
}

static void path_of(const char *name, char out[static 128])
{
    (void)snprintf(out, 128, "%s/%s", w.dir, name);
}

static void open_one(aggregator *a, enum agg_role role, const char *file)
{
    char path[128];
    bool added;
    path_of(file, path);
    (void)unlink(path);
    *a = (aggregator){.role = role, .entropy = sotto_port_entropy(), .helper = {NULL, to_helper}};
    memcpy(a->hpke, w.key[role], sizeof a->hpke);
    memcpy(a->collector, w.collector, sizeof a->collector);
    assert_int_equal(agg_store_open(&a->db, path, true, NULL), SOTTO_OK);
    assert_int_equal(agg_store_task_add(a->db, &w.task, &a->entropy, &added, NULL), SOTTO_OK);
    assert_true(added);
}

/* Closes and opens the files, as after a kill between two transactions. */
static void restart(aggregator *a, const char *file)
{
    char path[128];
    path_of(file, path);
    hq_registry_close(a->db);
    assert_int_equal(agg_store_open(&a->db, path, false, NULL), SOTTO_OK);
}

static void seal_terminal(size_t i)
{
    int64_t cells[CELLS];
    sotto_entropy entropy = sotto_port_entropy();
    static uint8_t memory[SOTTO_REPORT_MAX];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_report head = {.seq = 1 + i,
                         .task_id = w.task.task_id,
                         .release_version = 2,
                         .period_day = 20000 + (w.one_period ? 0 : (int32_t)(i % 2)),
                         .period_days = w.task.period_days,
                         .epsilon_ueps = w.task.epsilon_ueps,
                         .bound = w.task.bound,
                         .cells = cells,
                         .cell_count = CELLS};
    (void)snprintf(head.device, sizeof head.device, "kiosk-%zu", i);
    for (size_t c = 0; c < CELLS; c++) {
        cells[c] = (int64_t)(10 * c + i);
        w.exact[c] += cells[c];
    }
    assert_int_equal(sotto_report_split(&w.task, &head, w.vault, &entropy, &out, NULL), SOTTO_OK);
    sotto_vec_init(&w.sealed[i], SOTTO_REPORT_MAX);
    assert_int_equal(sotto_vec_put(&w.sealed[i], out.ptr, out.len), SOTTO_OK);
}

static int set_up_with(bool gaussian, bool one_period)
{
    const sotto_key_provider provider = {.name = "memory", .load = load_root};
    sotto_entropy entropy = sotto_port_entropy();
    uint8_t public_key[3][SOTTO_HPKE_PUBLIC_BYTES];
    w = (struct world){.dir = "/tmp/sotto-aggregate-XXXXXX", .one_period = one_period};
    assert_non_null(mkdtemp(w.dir));
    assert_int_equal(sotto_vault_start(NULL), SOTTO_OK);
    assert_int_equal(sotto_vault_open(&w.vault, &provider, NULL), SOTTO_OK);
    assert_int_equal(sotto_vault_report_public_key(w.vault, w.report_key), SOTTO_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sotto_hpke_keypair(&entropy, w.key[i], public_key[i]), SOTTO_OK);
    /* Noise of scale 10^-4: it is zero but once in 10^4000 draws, so that totals can be compared. */
    w.task = (sotto_split_task){.task_id = 7,
                                .cells = CELLS,
                                .cell_bits = BITS,
                                .epsilon_ueps = UINT64_C(4294000000),
                                .bound = 1,
                                .period_days = 1,
                                .smallest_batch = 3};
    if (gaussian) {
        w.task.gaussian = true;
        w.task.delta_e12 = 1000000;
        w.task.rho_nano = UINT64_C(4000000000);
        w.task.l2_squared = 25;
    }
    memcpy(w.task.key[0], public_key[0], sizeof public_key[0]);
    memcpy(w.task.key[1], public_key[1], sizeof public_key[1]);
    memcpy(w.collector, public_key[2], sizeof w.collector);
    open_one(&w.leader, AGG_LEADER, "leader.db");
    open_one(&w.helper, AGG_HELPER, "helper.db");
    for (size_t i = 0; i < TERMINALS; i++)
        seal_terminal(i);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(false, false);
}

static int tear_down(void **state)
{
    static const char *const files[] = {"leader.db",     "helper.db",     "leader.db-wal",
                                        "helper.db-wal", "leader.db-shm", "helper.db-shm"};
    char path[128];
    (void)state;
    hq_registry_close(w.leader.db);
    hq_registry_close(w.helper.db);
    sotto_vault_close(w.vault);
    for (size_t i = 0; i < TERMINALS; i++)
        sotto_vec_free(&w.sealed[i]);
    for (size_t i = 0; i < SOTTO_COUNT(files); i++) {
        path_of(files[i], path);
        (void)unlink(path);
    }
    return rmdir(w.dir);
}

/* ---- steps ---- */

static sotto_split_report report_of(size_t i)
{
    sotto_split_report r;
    sotto_report head;
    assert_int_equal(sotto_split_open(&r, &head, sotto_vec_span(&w.sealed[i]), w.report_key, NULL), SOTTO_OK);
    return r;
}

/* Hands one report to the leader; the leader's code: 0 taken, 1 known, 2 refused, 3 later. */
static uint64_t hand_over(const sotto_split_report *r)
{
    agg_message m;
    sotto_vec body, answer;
    sotto_vec_init(&body, AGG_BODY_MAX);
    sotto_vec_init(&answer, AGG_BODY_MAX);
    assert_int_equal(agg_message_begin(&m, 2 * SOTTO_REPORT_MAX, NULL), SOTTO_OK);
    sotto_cbor_put_array(&m.w, 1);
    sotto_cbor_put_array(&m.w, 9);
    sotto_cbor_put_bytes(&m.w, sotto_span_of(r->digest, sizeof r->digest));
    agg_write_about(&m.w, r);
    sotto_cbor_put_bytes(&m.w, r->share[0]);
    sotto_cbor_put_bytes(&m.w, r->share[1]);
    assert_int_equal(agg_message_end(&m, &body, NULL), SOTTO_OK);
    assert_int_equal(agg_handle(&w.leader, AGG_COLLECTOR, sotto_span_str("/v1/reports"),
                                sotto_vec_span(&body), &answer, NULL),
                     SOTTO_OK);
    sotto_cbor_reader reader = sotto_cbor_reader_of(sotto_vec_span(&answer));
    (void)sotto_cbor_get_array(&reader, 1);
    (void)sotto_cbor_get_array(&reader, 2);
    uint64_t code = sotto_cbor_get_uint(&reader, 3);
    assert_int_equal(reader.status, SOTTO_OK);
    sotto_vec_free(&body);
    sotto_vec_free(&answer);
    return code;
}

static void hand_over_all(void)
{
    for (size_t i = 0; i < TERMINALS; i++) {
        sotto_split_report r = report_of(i);
        assert_int_equal(hand_over(&r), 0);
    }
}

static void work_through(void)
{
    size_t done = 1;
    while (done > 0) {
        sotto_diag diag = {0};
        assert_int_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
    }
}

static sotto_status ask_total(uint8_t id, int32_t from, int32_t to, sotto_vec *answer, sotto_diag *diag)
{
    agg_message m;
    sotto_vec body;
    uint8_t batch[AGG_ID_BYTES], digest[SOTTO_SHA256_BYTES];
    memset(batch, id, sizeof batch);
    sotto_vec_init(&body, 256);
    sotto_vec_init(answer, AGG_BODY_MAX);
    assert_int_equal(sotto_split_task_digest(&w.task, digest, NULL), SOTTO_OK);
    assert_int_equal(agg_message_begin(&m, 128, NULL), SOTTO_OK);
    sotto_cbor_put_array(&m.w, 4);
    sotto_cbor_put_bytes(&m.w, sotto_span_of(digest, sizeof digest));
    sotto_cbor_put_bytes(&m.w, sotto_span_of(batch, sizeof batch));
    sotto_cbor_put_int(&m.w, from);
    sotto_cbor_put_int(&m.w, to);
    assert_int_equal(agg_message_end(&m, &body, NULL), SOTTO_OK);
    sotto_status status = agg_handle(&w.leader, AGG_COLLECTOR, sotto_span_str("/v1/collect"),
                                     sotto_vec_span(&body), answer, diag);
    sotto_vec_free(&body);
    return status;
}

static uint64_t open_total(uint8_t id, sotto_span answer, int64_t *cells)
{
    agg_task task;
    agg_batch batch = {0};
    uint8_t digest[SOTTO_SHA256_BYTES];
    sotto_cbor_reader r = sotto_cbor_reader_of(answer);
    memset(batch.id, id, sizeof batch.id);
    (void)sotto_cbor_get_array(&r, 6);
    batch.count = sotto_cbor_get_uint(&r, 1000);
    (void)sotto_cbor_get_int(&r);
    (void)sotto_cbor_get_int(&r);
    agg_read_exact(&r, batch.reports, sizeof batch.reports);
    for (size_t i = 0; i < 2; i++) {
        sotto_span bytes = sotto_cbor_get_bytes(&r, AGG_TOTAL_ROOM);
        sotto_vec_init(&batch.share[i], AGG_TOTAL_ROOM);
        assert_int_equal(sotto_vec_put(&batch.share[i], bytes.ptr, bytes.len), SOTTO_OK);
    }
    assert_int_equal(sotto_cbor_reader_end(&r, NULL), SOTTO_OK);
    assert_int_equal(sotto_split_task_digest(&w.task, digest, NULL), SOTTO_OK);
    assert_int_equal(agg_store_task(w.leader.db, digest, &task, NULL), SOTTO_OK);
    assert_int_equal(agg_total_open(&task, &batch, w.key[2], cells, NULL), SOTTO_OK);
    uint64_t count = batch.count;
    agg_batch_free(&batch);
    return count;
}

static void total_is_exact(uint8_t id)
{
    int64_t cells[CELLS];
    sotto_vec answer;
    assert_int_equal(ask_total(id, INT32_MIN, INT32_MAX, &answer, NULL), SOTTO_OK);
    assert_int_equal(open_total(id, sotto_vec_span(&answer), cells), TERMINALS);
    assert_memory_equal(cells, w.exact, sizeof cells);
    sotto_vec_free(&answer);
}

static void states_are(aggregator *a, uint64_t verified, uint64_t refused, uint64_t batched)
{
    uint64_t n[4], batches;
    assert_int_equal(agg_store_counts(a->db, n, &batches, NULL), SOTTO_OK);
    assert_int_equal(n[AGG_WAITING], 0);
    assert_int_equal(n[AGG_VERIFIED], verified);
    assert_int_equal(n[AGG_REFUSED], refused);
    assert_int_equal(n[AGG_BATCHED], batched);
}

/* ---- tests ---- */

static void the_sum_arrives(void **state)
{
    (void)state;
    hand_over_all();
    work_through();
    states_are(&w.leader, TERMINALS, 0, 0);
    states_are(&w.helper, TERMINALS, 0, 0);
    total_is_exact(1);
    states_are(&w.leader, 0, 0, TERMINALS);
    states_are(&w.helper, 0, 0, TERMINALS);
}

/* A report is taken once, over all batches; what is sent again is known, and changes nothing. */
static void replays_are_refused(void **state)
{
    (void)state;
    sotto_vec answer;
    hand_over_all();
    work_through();
    total_is_exact(1);
    for (size_t i = 0; i < TERMINALS; i++) {
        sotto_split_report r = report_of(i);
        assert_int_equal(hand_over(&r), 1);
    }
    /* The same terminal and period under a new id, and an old id with new content. */
    sotto_vec_free(&w.sealed[0]);
    seal_terminal(0);
    sotto_split_report again = report_of(0);
    assert_int_equal(hand_over(&again), 2);
    work_through();
    sotto_status status = ask_total(2, INT32_MIN, INT32_MAX, &answer, NULL);
    assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_CONFLICT); /* nothing new to add up */
    sotto_vec_free(&answer);
}

/* A report whose task the leader was not told of is not taken and not lost: the collector keeps it. */
static void a_task_that_is_told_late_loses_no_report(void **state)
{
    (void)state;
    sotto_split_report r = report_of(0);
    r.digest[5] ^= 1;
    assert_int_equal(hand_over(&r), 3);
    states_are(&w.leader, 0, 0, 0);
    r.digest[5] ^= 1;
    assert_int_equal(hand_over(&r), 0);
}

/* The same totals again for the same batch: no second draw of noise. */
static void a_batch_is_opened_once(void **state)
{
    (void)state;
    sotto_vec first, second;
    hand_over_all();
    work_through();
    assert_int_equal(ask_total(1, INT32_MIN, INT32_MAX, &first, NULL), SOTTO_OK);
    restart(&w.leader, "leader.db");
    restart(&w.helper, "helper.db");
    assert_int_equal(ask_total(1, INT32_MIN, INT32_MAX, &second, NULL), SOTTO_OK);
    assert_true(sotto_span_equal(sotto_vec_span(&first), sotto_vec_span(&second)));
    sotto_vec_free(&first);
    sotto_vec_free(&second);
}

static void small_batches_stay_closed(void **state)
{
    (void)state;
    sotto_vec answer;
    sotto_diag diag = {0};
    hand_over_all();
    work_through();
    /* Two of the five terminals reported that period; three are asked for. */
    sotto_status status = ask_total(1, 20001, 20001, &answer, &diag);
    assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_CONFLICT);
    assert_non_null(strstr(diag.text, "fewer than the task's smallest batch"));
    sotto_vec_free(&answer);
    states_are(&w.leader, TERMINALS, 0, 0);
    states_are(&w.helper, TERMINALS, 0, 0);
    total_is_exact(2);
}

/* Nor does the helper give its share for fewer, whatever the leader says. */
static void the_helper_counts_itself(void **state)
{
    (void)state;
    agg_message m;
    sotto_vec body, answer;
    uint8_t digest[SOTTO_SHA256_BYTES], batch[AGG_ID_BYTES] = {9};
    sotto_split_report r = report_of(0);
    hand_over_all();
    work_through();
    sotto_vec_init(&body, 512);
    sotto_vec_init(&answer, AGG_BODY_MAX);
    assert_int_equal(sotto_split_task_digest(&w.task, digest, NULL), SOTTO_OK);
    for (unsigned copies = 1; copies <= 3; copies += 2) {
        body.len = 0;
        assert_int_equal(agg_message_begin(&m, 256, NULL), SOTTO_OK);
        sotto_cbor_put_array(&m.w, 3);
        sotto_cbor_put_bytes(&m.w, sotto_span_of(digest, sizeof digest));
        sotto_cbor_put_bytes(&m.w, sotto_span_of(batch, sizeof batch));
        uint8_t ids[3 * AGG_ID_BYTES];
        for (unsigned i = 0; i < copies && i < 3; i++)
            memcpy(ids + i * AGG_ID_BYTES, r.id, AGG_ID_BYTES);
        sotto_cbor_put_bytes(&m.w, sotto_span_of(ids, copies * AGG_ID_BYTES));
        assert_int_equal(agg_message_end(&m, &body, NULL), SOTTO_OK);
        assert_int_not_equal(agg_handle(&w.helper, AGG_LEADER, sotto_span_str("/v1/batch"),
                                        sotto_vec_span(&body), &answer, NULL),
                             SOTTO_OK);
    }
    states_are(&w.helper, TERMINALS, 0, 0);
    sotto_vec_free(&body);
    sotto_vec_free(&answer);
}

/* A hostile report is refused with a reason, and the others go on. */
static void hostile_reports_are_left_out(void **state)
{
    (void)state;
    static uint8_t bytes[SOTTO_REPORT_MAX];
    for (unsigned kind = 0; kind < 5; kind++) {
        sotto_split_report r = report_of(0);
        r.id[0] = (uint8_t)(0xe0 + kind);
        r.id[AGG_ID_BYTES - 1] ^= 0xff; /* and never the id of the report it was made of */
        (void)snprintf(r.device, sizeof r.device, "hostile-%u", kind);
        sotto_span from = kind == 0   ? r.share[0]
                          : kind == 1 ? r.share[1]
                          : kind == 2 ? r.public_share
                                      : r.share[kind - 3];
        size_t len = kind < 3 ? from.len : kind == 3 ? 10 : from.len - 1;
        memcpy(bytes, from.ptr, from.len);
        bytes[from.len / 2] ^= kind < 3;
        sotto_span changed = sotto_span_of(bytes, len);
        if (kind == 2)
            r.public_share = changed;
        else
            r.share[kind < 2 ? kind : kind - 3] = changed;
        assert_int_equal(hand_over(&r), 0);
    }
    hand_over_all();
    work_through();
    states_are(&w.leader, TERMINALS, 5, 0);
    total_is_exact(1);
}

/* Sealed rightly, but no proof of a value in range: only the two together see it. */
static void lies_are_left_out(void **state)
{
    (void)state;
    static uint8_t share[SOTTO_REPORT_MAX], sealed[SOTTO_REPORT_MAX];
    uint8_t info[SOTTO_SPLIT_CTX_BYTES + 1], aad_bytes[512];
    sotto_entropy entropy = sotto_port_entropy();
    sotto_split_report r = report_of(0);
    sotto_buf plain = sotto_buf_of(share, sizeof share), out = sotto_buf_of(sealed, sizeof sealed);
    sotto_buf aad = sotto_buf_of(aad_bytes, sizeof aad_bytes);
    assert_int_equal(sotto_split_share_open(&r, 0, w.key[0], &plain, NULL), SOTTO_OK);
    (void)snprintf(r.device, sizeof r.device, "liar");
    share[0] ^= 1; /* the first bit of the first count is 1 more, or less, than the proof says */
    sotto_split_ctx(r.digest, info);
    info[SOTTO_SPLIT_CTX_BYTES] = 0;
    sotto_cbor_writer c = sotto_cbor_writer_of(&aad);
    sotto_cbor_put_array(&c, 6);
    agg_write_about(&c, &r);
    assert_int_equal(sotto_hpke_seal(w.task.key[0], sotto_span_of(info, sizeof info), sotto_buf_span(&aad),
                                     sotto_buf_span(&plain), &entropy, &out),
                     SOTTO_OK);
    r.share[0] = sotto_buf_span(&out);
    /* The helper's share must be for that device as well. */
    static uint8_t share1[SOTTO_REPORT_MAX], sealed1[SOTTO_REPORT_MAX];
    sotto_buf plain1 = sotto_buf_of(share1, sizeof share1), out1 = sotto_buf_of(sealed1, sizeof sealed1);
    sotto_split_report honest = report_of(0);
    assert_int_equal(sotto_split_share_open(&honest, 1, w.key[1], &plain1, NULL), SOTTO_OK);
    info[SOTTO_SPLIT_CTX_BYTES] = 1;
    assert_int_equal(sotto_hpke_seal(w.task.key[1], sotto_span_of(info, sizeof info), sotto_buf_span(&aad),
                                     sotto_buf_span(&plain1), &entropy, &out1),
                     SOTTO_OK);
    r.share[1] = sotto_buf_span(&out1);
    assert_int_equal(hand_over(&r), 0);
    for (size_t i = 1; i < TERMINALS; i++) {
        sotto_split_report good = report_of(i);
        assert_int_equal(hand_over(&good), 0);
    }
    work_through();
    states_are(&w.leader, TERMINALS - 1, 1, 0);
    states_are(&w.helper, TERMINALS - 1, 1, 0);
}

/* The line breaks at each request in turn, before it arrives or before its answer does, and both parties
 * start anew: in the end each report is counted once. */
static void broken_lines_change_nothing(void **state)
{
    for (unsigned fault = LOSE_REQUEST; fault <= LOSE_ANSWER; fault++)
        for (unsigned at = 1; at <= 3; at++) { /* the task's key, the job, the batch */
            size_t done = 0;
            sotto_vec answer;
            assert_int_equal(tear_down(state), 0);
            assert_int_equal(set_up(state), 0);
            w.fault = (enum fault)fault;
            w.fault_at = at;
            hand_over_all();
            for (unsigned tries = 0; tries < 3; tries++) {
                sotto_status status = agg_leader_work(&w.leader, &done, NULL);
                restart(&w.leader, "leader.db");
                restart(&w.helper, "helper.db");
                assert_true(status == SOTTO_OK || tries == 0);
            }
            if (at == 3)
                assert_int_not_equal(ask_total(1, INT32_MIN, INT32_MAX, &answer, NULL), SOTTO_OK);
            if (at == 3)
                sotto_vec_free(&answer);
            restart(&w.leader, "leader.db");
            restart(&w.helper, "helper.db");
            states_are(&w.helper,
                       at == 3 && fault == LOSE_ANSWER ? 0
                       : at == 3                       ? TERMINALS
                                                       : TERMINALS,
                       0, at == 3 && fault == LOSE_ANSWER ? TERMINALS : 0);
            total_is_exact(1);
            states_are(&w.leader, 0, 0, TERMINALS);
            states_are(&w.helper, 0, 0, TERMINALS);
        }
}

/* The other noise: each party's draw is of the task's own variance, 3.125 with l2^2 = 25 and rho = 4. */
static void gaussian_noise_is_added_twice(void **state)
{
    int64_t cells[CELLS];
    sotto_vec answer;
    double squares = 0;
    unsigned drawn = 0;
    assert_int_equal(tear_down(state), 0);
    for (unsigned round = 0; round < 12; round++) {
        assert_int_equal(set_up_with(true, true), 0);
        hand_over_all();
        work_through();
        assert_int_equal(ask_total(1, INT32_MIN, INT32_MAX, &answer, NULL), SOTTO_OK);
        assert_int_equal(open_total(1, sotto_vec_span(&answer), cells), TERMINALS);
        for (unsigned c = 0; c < CELLS; c++, drawn++)
            squares += (double)(cells[c] - w.exact[c]) * (double)(cells[c] - w.exact[c]);
        sotto_vec_free(&answer);
        assert_int_equal(tear_down(state), 0);
    }
    /* 72 sums of two draws of variance 3.125: mean square 6.25, standard error 1.04; six of them to each
     * side. */
    assert_true(squares / drawn > 1.5 && squares / drawn < 13);
    assert_int_equal(set_up(state), 0);
}

/* Under one draw k periods would cost k^2 rho, and k rho is what was debited: neither party makes such a
 * total.
 */
static void gaussian_batches_hold_one_period(void **state)
{
    sotto_vec answer;
    sotto_diag diag = {0};
    assert_int_equal(tear_down(state), 0);
    assert_int_equal(set_up_with(true, false), 0);
    hand_over_all();
    work_through();
    sotto_status status = ask_total(1, INT32_MIN, INT32_MAX, &answer, &diag);
    assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_CONFLICT);
    assert_non_null(strstr(diag.text, "one period"));
    sotto_vec_free(&answer);
    states_are(&w.leader, TERMINALS, 0, 0);
    states_are(&w.helper, TERMINALS, 0, 0);
    assert_int_equal(ask_total(1, 20000, 20000, &answer, NULL), SOTTO_OK);
    sotto_vec_free(&answer);
    states_are(&w.leader, TERMINALS - 3, 0, 3);
    states_are(&w.helper, TERMINALS - 3, 0, 3);
}

static void count_why(void *ctx, const char *why, uint64_t count)
{
    assert_true(strstr(why, "helper's answer") != NULL || strstr(why, "not known here") != NULL);
    *(uint64_t *)ctx += count;
}

static uint64_t set_aside(void)
{
    uint64_t count = 0;
    assert_int_equal(agg_store_reasons(w.leader.db, AGG_WAITING, count_why, &count, NULL), SOTTO_OK);
    return count;
}

static void hand_over_one(size_t i)
{
    sotto_split_report r = report_of(i);
    assert_int_equal(hand_over(&r), 0);
}

/* A helper that says what is no answer keeps its own job waiting, and no other one: after some tries it is
 * set aside, in sight; nothing of it is lost or counted twice. A line that is down sets nothing aside. */
static void no_answer_holds_up_one_job(void **state)
{
    (void)state;
    size_t done;
    sotto_diag diag = {0};
    hand_over_one(0);
    w.fault = NO_LINE;
    for (int i = 0; i < 3 * AGG_TRIES; i++)
        assert_int_not_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
    w.fault = NO_ANSWER;
    for (int i = 1; i < AGG_TRIES; i++)
        assert_int_not_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
    assert_int_equal(set_aside(), 0);
    assert_int_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
    assert_true(done == 1 && set_aside() == 1);
    assert_int_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
    assert_int_equal(done, 0); /* nothing else waits */
    for (int i = 1; i >= 0; i--) {
        agg_leader_again(&w.leader); /* one more try, and no other before the next round */
        assert_int_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
        assert_true(done == 1 && set_aside() == 1);
        assert_int_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
        assert_int_equal(done, 0);
    }
    w.fault = NO_FAULT;
    for (size_t i = 1; i < TERMINALS; i++)
        hand_over_one(i);
    work_through();
    states_are(&w.helper, TERMINALS - 1, 0, 0);
    assert_int_equal(set_aside(), 1);
    restart(&w.leader, "leader.db");
    agg_leader_again(&w.leader);
    work_through();
    states_are(&w.leader, TERMINALS, 0, 0);
    total_is_exact(1);
}

/* Reports of another task, which only the leader was told of. Nobody can open them. */
static void wait_for_unknown_task(const sotto_split_task *task, unsigned first, unsigned count)
{
    agg_report report;
    sotto_split_report r = report_of(0);
    assert_int_equal(sotto_split_task_digest(task, r.digest, NULL), SOTTO_OK);
    for (unsigned i = first; i < first + count; i++) {
        memset(r.id, 0xa5, sizeof r.id);
        memcpy(r.id, &i, sizeof i);
        (void)snprintf(r.device, sizeof r.device, "unknown-%u", i);
        assert_int_equal(agg_report_copy(&report, &r, NULL), SOTTO_OK);
        assert_int_equal(agg_store_put(w.leader.db, &report, NULL), SOTTO_OK);
        agg_report_free(&report);
    }
}

/* However many jobs wait for a task that the helper does not know, they hold up no other task: they are set
 * aside together, and tried again after all others, in one exchange; nothing is lost. */
static void an_unknown_task_holds_up_no_other(void **state)
{
    (void)state;
    enum { MANY = 3 * AGG_JOB };
    size_t done;
    bool added;
    sotto_diag diag = {0};
    sotto_split_task other = w.task;
    other.task_id = 8;
    assert_int_equal(agg_store_task_add(w.leader.db, &other, &w.leader.entropy, &added, NULL), SOTTO_OK);
    wait_for_unknown_task(&other, 0, MANY);
    for (size_t i = 0; i < 2; i++)
        hand_over_one(i);
    for (int i = 1; i < AGG_TRIES; i++)
        assert_int_not_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
    work_through();
    assert_int_equal(set_aside(), MANY);
    states_are(&w.helper, 2, 0, 0);
    for (size_t i = 2; i < TERMINALS; i++)
        hand_over_one(i);
    agg_leader_again(&w.leader);
    assert_int_equal(agg_leader_work(&w.leader, &done, &diag), SOTTO_OK);
    states_are(&w.helper, TERMINALS, 0, 0); /* the newest of all went first */
    unsigned before = w.asked;
    work_through();
    assert_true(w.asked == before + 1 && set_aside() == MANY);
    assert_int_equal(agg_store_task_add(w.helper.db, &other, &w.helper.entropy, &added, NULL), SOTTO_OK);
    agg_leader_again(&w.leader);
    work_through();
    states_are(&w.leader, TERMINALS, MANY, 0); /* judged at last; no share of them can be opened */
    total_is_exact(1);
}

static void only_who_may_ask(void **state)
{
    (void)state;
    static const char *const targets[] = {"/v1/reports", "/v1/collect", "/v1/task", "/v1/verify",
                                          "/v1/batch"};
    sotto_vec answer;
    sotto_vec_init(&answer, 1024);
    for (size_t i = 0; i < SOTTO_COUNT(targets); i++) {
        aggregator *a = i < 2 ? &w.leader : &w.helper;
        sotto_span target = sotto_span_str(targets[i]), none = {0};
        sotto_status denied = agg_handle(a, i < 2 ? AGG_HELPER : AGG_COLLECTOR, target, none, &answer, NULL);
        assert_int_equal(sotto_status_cause(denied), SOTTO_CAUSE_DENIED);
        sotto_status bad = agg_handle(a, i < 2 ? AGG_COLLECTOR : AGG_LEADER, target, none, &answer, NULL);
        assert_int_equal(sotto_status_cause(bad), SOTTO_CAUSE_MALFORMED);
        sotto_status other =
            agg_handle(i < 2 ? &w.helper : &w.leader, AGG_COLLECTOR, target, none, &answer, NULL);
        assert_int_equal(sotto_status_cause(other), SOTTO_CAUSE_NOT_FOUND);
    }
    assert_int_equal(answer.len, 0);
    sotto_vec_free(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_sum_arrives),
        TEST(replays_are_refused),
        TEST(a_task_that_is_told_late_loses_no_report),
        TEST(a_batch_is_opened_once),
        TEST(small_batches_stay_closed),
        TEST(the_helper_counts_itself),
        TEST(hostile_reports_are_left_out),
        TEST(lies_are_left_out),
        TEST(broken_lines_change_nothing),
        TEST(no_answer_holds_up_one_job),
        TEST(an_unknown_task_holds_up_no_other),
        TEST(only_who_may_ask),
        TEST(gaussian_noise_is_added_twice),
        TEST(gaussian_batches_hold_one_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
