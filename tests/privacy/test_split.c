/* Reports of mode B: what a terminal cuts is what the aggregators add up, and nothing else can be made of it.
 */
#include "sotto/split.h"

#include "drbg.h"
#include "mem_vault.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CELLS = 12, BITS = 6, CAP = SOTTO_REPORT_MAX };

static struct fixture {
    sotto_vault *vault;
    uint8_t public_key[SOTTO_PUBLIC_KEY_BYTES];
    uint8_t private_key[SOTTO_SPLIT_PARTIES][SOTTO_HPKE_PRIVATE_BYTES];
    sotto_split_task task;
    sotto_entropy entropy;
    struct drbg source;
    uint8_t sealed[CAP];
    int64_t cells[SOTTO_TASK_CELLS_MAX];
} f;

static int set_up(void **state)
{
    (void)state;
    f.vault = mem_vault_open(7);
    f.source = drbg_of(11);
    f.entropy = drbg_entropy(&f.source);
    f.task = (sotto_split_task){.task_id = 3,
                                .cells = CELLS,
                                .cell_bits = BITS,
                                .epsilon_ueps = 1000000,
                                .bound = 4,
                                .period_days = 1,
                                .smallest_batch = 3};
    for (unsigned i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        if (sotto_hpke_keypair(&f.entropy, f.private_key[i], f.task.key[i]) != SOTTO_OK)
            return 1;
    return f.vault == NULL || sotto_vault_report_public_key(f.vault, f.public_key) != SOTTO_OK;
}

static int tear_down(void **state)
{
    (void)state;
    sotto_vault_close(f.vault);
    return 0;
}

static sotto_report head_of(const sotto_split_task *task)
{
    sotto_report head = {.device = "kiosk-0042",
                         .seq = 12,
                         .task_id = task->task_id,
                         .release_version = 9,
                         .period_day = 20778,
                         .period_days = task->period_days,
                         .epsilon_ueps = task->epsilon_ueps,
                         .bound = task->bound,
                         .cells = f.cells,
                         .cell_count = task->cells};
    memset(head.previous, 0xab, sizeof head.previous);
    return head;
}

static sotto_span split(const sotto_split_task *task, const sotto_report *head)
{
    sotto_buf out = sotto_buf_of(f.sealed, sizeof f.sealed);
    sotto_diag diag = {0};
    assert_int_equal(sotto_report_split(task, head, f.vault, &f.entropy, &out, &diag), SOTTO_OK);
    assert_int_equal(out.len, sotto_split_report_size(task));
    return sotto_buf_span(&out);
}

static sotto_span opened_share(const sotto_split_report *report, unsigned party, uint8_t *memory)
{
    sotto_buf out = sotto_buf_of(memory, CAP);
    assert_int_equal(sotto_split_share_open(report, party, f.private_key[party], &out, NULL), SOTTO_OK);
    return sotto_buf_span(&out);
}

/* Both aggregators in one memory; the sum of their output shares. */
static void aggregate(const sotto_split_report *report, const sotto_prio3 *p, uint64_t *result)
{
    static const uint8_t key[SOTTO_PRIO3_VERIFY_KEY_BYTES] = "thirty-two bytes for the test...";
    uint8_t ctx_bytes[SOTTO_SPLIT_CTX_BYTES], message[SOTTO_PRIO3_SEED_BYTES];
    uint8_t *share[2], *state[2], *verifier[2], *out[2];
    sotto_span verifiers[2], outs[2];
    size_t scratch_size = sotto_prio3_verify_scratch_size(p);
    void *scratch = malloc(scratch_size);
    sotto_split_ctx(report->digest, ctx_bytes);
    const sotto_span ctx = sotto_span_of(ctx_bytes, sizeof ctx_bytes);
    for (uint32_t i = 0; i < 2; i++) {
        share[i] = malloc(CAP);
        state[i] = malloc(sotto_prio3_verify_state_size(p));
        verifier[i] = malloc(sotto_prio3_verifier_share_size(p));
        out[i] = malloc(sotto_prio3_agg_share_size(p));
        const sotto_prio3_received received = {report->id, report->public_share,
                                               opened_share(report, i, share[i])};
        assert_int_equal(sotto_prio3_verify_init(p, key, ctx, i, &received, state[i], verifier[i], scratch,
                                                 scratch_size, NULL),
                         SOTTO_OK);
        verifiers[i] = sotto_span_of(verifier[i], sotto_prio3_verifier_share_size(p));
    }
    assert_int_equal(
        sotto_prio3_verifier_shares_to_message(p, ctx, verifiers, 2, message, scratch, scratch_size, NULL),
        SOTTO_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(
            sotto_prio3_verify_next(p, state[i], sotto_span_of(message, sizeof message), out[i], NULL),
            SOTTO_OK);
        outs[i] = sotto_span_of(out[i], sotto_prio3_agg_share_size(p));
    }
    assert_int_equal(sotto_prio3_unshard(p, outs, 2, result, NULL), SOTTO_OK);
    free(scratch);
    for (uint32_t i = 0; i < 2; i++) {
        free(share[i]);
        free(state[i]);
        free(verifier[i]);
        free(out[i]);
    }
}

static void counts_arrive_clipped(void **state)
{
    (void)state;
    sotto_split_report report;
    sotto_report head, in = head_of(&f.task);
    sotto_prio3 p;
    uint64_t result[CELLS];
    for (size_t i = 0; i < CELLS; i++)
        f.cells[i] = (int64_t)i * 9 - 9; /* from -9 to 90: both ends are cut off */
    assert_int_equal(sotto_split_prio3(&f.task, &p, NULL), SOTTO_OK);
    sotto_span sealed = split(&f.task, &in);
    assert_true(sotto_split_is(sealed));
    assert_int_equal(sotto_split_open(&report, &head, sealed, f.public_key, NULL), SOTTO_OK);
    assert_string_equal(report.device, in.device);
    assert_int_equal(head.seq, in.seq);
    assert_memory_equal(head.previous, in.previous, sizeof in.previous);
    assert_int_equal(head.bound, in.bound);
    assert_int_equal(head.cell_count, 0);
    aggregate(&report, &p, result);
    for (size_t i = 0; i < CELLS; i++) {
        int64_t want = f.cells[i] < 0 ? 0 : f.cells[i] > 63 ? 63 : f.cells[i];
        assert_int_equal(result[i], want);
    }
}

/* Neither what was counted nor who reports shows in the length. */
static void one_length(void **state)
{
    (void)state;
    sotto_report head = head_of(&f.task);
    memset(f.cells, 0, sizeof f.cells);
    size_t first = split(&f.task, &head).len;
    for (size_t i = 0; i < CELLS; i++)
        f.cells[i] = 63;
    head.seq = UINT64_MAX;
    head.release_version = UINT64_MAX;
    head.period_day = INT32_MIN;
    memset(head.device, 'x', 64);
    assert_int_equal(split(&f.task, &head).len, first);
}

static void any_change_is_refused(void **state)
{
    (void)state;
    static uint8_t copy[CAP];
    sotto_split_report report;
    sotto_report out, head = head_of(&f.task);
    sotto_span sealed = split(&f.task, &head);
    memcpy(copy, sealed.ptr, sealed.len);
    for (size_t i = 0; i < sealed.len; i += i < 400 ? 1 : 37) {
        copy[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(
            sotto_split_open(&report, &out, sotto_span_of(copy, sealed.len), f.public_key, NULL), SOTTO_OK);
        copy[i] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t len = 0; len < sealed.len; len += 61)
        assert_int_not_equal(sotto_split_open(&report, &out, sotto_span_of(copy, len), f.public_key, NULL),
                             SOTTO_OK);
    assert_int_equal(sotto_split_open(&report, &out, sotto_span_of(copy, sealed.len), f.public_key, NULL),
                     SOTTO_OK);
}

static void refused_share(const sotto_split_report *report, unsigned party)
{
    static uint8_t memory[CAP];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_status status = sotto_split_share_open(report, party, f.private_key[party], &out, NULL);
    assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_AUTH);
    assert_int_equal(out.len, 0);
}

/* A share opens for the report that it was cut for, at its aggregator, and nowhere else. */
static void shares_are_bound(void **state)
{
    (void)state;
    sotto_split_report good, r;
    sotto_report out, head = head_of(&f.task);
    assert_int_equal(sotto_split_open(&good, &out, split(&f.task, &head), f.public_key, NULL), SOTTO_OK);
    for (unsigned party = 0; party < SOTTO_SPLIT_PARTIES; party++) {
        r = good;
        r.device[0] = 'K';
        refused_share(&r, party);
        r = good;
        r.seq++;
        refused_share(&r, party);
        r = good;
        r.release_version++;
        refused_share(&r, party);
        r = good;
        r.period_day++;
        refused_share(&r, party);
        r = good;
        r.digest[31] ^= 1;
        refused_share(&r, party);
        r = good;
        r.id[0] ^= 1;
        refused_share(&r, party);
        r = good;
        r.public_share.len--;
        refused_share(&r, party);
        r = good;
        r.share[party] = good.share[1 - party];
        refused_share(&r, party);
    }
}

static void tasks_have_one_form(void **state)
{
    (void)state;
    uint8_t bytes[SOTTO_SPLIT_TASK_MAX], digest[2][SOTTO_SHA256_BYTES];
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    sotto_split_task read, other = f.task;
    assert_int_equal(sotto_split_task_write(&f.task, &out, NULL), SOTTO_OK);
    assert_int_equal(sotto_split_task_read(&read, sotto_buf_span(&out), NULL), SOTTO_OK);
    assert_int_equal(sotto_split_task_digest(&f.task, digest[0], NULL), SOTTO_OK);
    assert_int_equal(sotto_split_task_digest(&read, digest[1], NULL), SOTTO_OK);
    assert_memory_equal(digest[0], digest[1], sizeof digest[0]);
    other.smallest_batch = 1;
    assert_int_equal(sotto_split_task_digest(&other, digest[1], NULL), SOTTO_OK);
    assert_memory_not_equal(digest[0], digest[1], sizeof digest[0]);
    for (size_t len = 0; len < out.len; len++)
        assert_int_not_equal(sotto_split_task_read(&read, sotto_span_of(bytes, len), NULL), SOTTO_OK);
    other.cell_bits = 33;
    assert_int_equal(sotto_status_cause(sotto_split_task_digest(&other, digest[1], NULL)), SOTTO_CAUSE_RANGE);
}

static void too_large_is_said(void **state)
{
    (void)state;
    uint8_t *memory = malloc(CAP);
    sotto_buf out = sotto_buf_of(memory, CAP);
    sotto_split_task task = f.task;
    task.cells = 4096;
    task.cell_bits = 16;
    sotto_report head = head_of(&task);
    sotto_diag diag = {0};
    sotto_status status = sotto_report_split(&task, &head, f.vault, &f.entropy, &out, &diag);
    assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_RANGE);
    assert_int_equal(out.len, 0);
    assert_non_null(strstr(diag.text, "4096 cells of 16 bits"));
    head.task_id++;
    assert_int_equal(sotto_status_cause(sotto_report_split(&task, &head, f.vault, &f.entropy, &out, NULL)),
                     SOTTO_CAUSE_USAGE);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_arrive_clipped), cmocka_unit_test(one_length),
        cmocka_unit_test(any_change_is_refused), cmocka_unit_test(shares_are_bound),
        cmocka_unit_test(tasks_have_one_form),   cmocka_unit_test(too_large_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
