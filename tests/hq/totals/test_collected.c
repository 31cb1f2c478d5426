/* The same customers measured in both modes: what `totals` says of either is within its bars, and the bars of
 * what a collector opened are those of two draws a batch. */
#include "../hq_test.h"
#include "aggregate/aggregate.h"
#include "registry/sql.h"
#include "totals/asked.h"

#include "../../privacy/drbg.h"

enum { CELLS = 5, DAYS = 20, TERMINALS = 30, OFFERS_A = 1, OFFERS_B = 7, DAY = 20000 };

static struct world {
    hq_registry *registry;
    hq_collected *collected;
    hq_registry *store; /* the collector's own file */
    aggregator party[SOTTO_SPLIT_PARTIES];
    struct drbg drbg;
    sotto_entropy entropy;
    char tasks[4096];
    int64_t truth[DAYS][CELLS]; /* of all terminals */
} w;

/* ---- the release: the same table in both modes ---- */

static void write_tasks(const char *epsilon_b, const char *campaigns_b)
{
    char key[2][2 * SOTTO_HPKE_PUBLIC_BYTES + 1];
    uint8_t private_key[SOTTO_HPKE_PRIVATE_BYTES], public_key[SOTTO_HPKE_PUBLIC_BYTES];
    for (int i = 0; i < 2; i++) {
        ok(sotto_hpke_keypair(&w.entropy, private_key, public_key), NULL);
        sotto_hex_encode(sotto_span_of(public_key, sizeof public_key), key[i], sizeof key[i]);
    }
    static const char FORM[] =
        "{\"format\":\"sotto-tasks\",\"version\":2,\"lifetime_epsilon\":1000,"
        "\"aggregators\":{\"leader\":\"%s\",\"helper\":\"%s\"},\"tasks\":["
        "{\"name\":\"offers\",\"id\":1,\"type\":\"offer-counts\",\"mode\":\"one-collector\",\"epsilon\":1,"
        "\"bound\":8,\"period_days\":1,\"tables\":[[{\"of\":\"campaign\",\"bins\":[\"saver\",\"loan\"]},"
        "{\"of\":\"outcome\"}]]},"
        "{\"name\":\"offers-two\",\"id\":7,\"type\":\"offer-counts\",\"mode\":\"two-aggregators\","
        "\"epsilon\":%s,\"bound\":8,\"period_days\":1,\"smallest_batch\":2,\"cell_bits\":10,"
        "\"tables\":[[{\"of\":\"campaign\",\"bins\":[%s]},{\"of\":\"outcome\"}]]}]}";
    (void)snprintf(w.tasks, sizeof w.tasks, FORM, key[0], key[1], epsilon_b, campaigns_b);
}

static sotto_tasks load_tasks(void)
{
    static uint8_t memory[1 << 18];
    sotto_arena arena;
    sotto_tasks tasks;
    sotto_diag diag = {0};
    sotto_arena_init(&arena, memory, sizeof memory);
    ok(sotto_tasks_load(&tasks, sotto_span_str(w.tasks), "tasks", &arena, &diag), &diag);
    return tasks;
}

/* What each day's terminals counted together; cell 0 tells of customers left out. */
static void count_population(void)
{
    for (int d = 0; d < DAYS; d++)
        for (int c = 0; c < CELLS; c++)
            w.truth[d][c] = c == 0 ? 3 : 900 + 37 * c + d;
}

/* ---- mode A: thirty terminals, each with its own draw ---- */

static void report_a(const sotto_task *task, int kiosk, int day)
{
    char id[16];
    int64_t cells[CELLS], noise;
    uint8_t sha256[SOTTO_SHA256_BYTES] = {0};
    unsigned alarms;
    bool repeated;
    for (int c = 0; c < CELLS; c++) {
        ok(sotto_task_noise(task, &w.entropy, &noise), NULL);
        cells[c] = w.truth[day][c] / TERMINALS + (kiosk < w.truth[day][c] % TERMINALS ? 1 : 0) + noise;
    }
    (void)snprintf(id, sizeof id, "kiosk-%d", kiosk);
    memcpy(sha256, &kiosk, sizeof kiosk);
    memcpy(sha256 + 8, &day, sizeof day);
    sotto_report head = {.seq = 1 + (uint64_t)day,
                         .task_id = task->id,
                         .release_version = 1,
                         .period_day = DAY + day,
                         .period_days = 1,
                         .epsilon_ueps = task->epsilon_ueps,
                         .bound = task->bound,
                         .cells = cells,
                         .cell_count = CELLS};
    (void)snprintf(head.device, sizeof head.device, "%s", id);
    const hq_report_entry entry = {.device = id,
                                   .chain = 1,
                                   .report = &head,
                                   .sealed = sotto_span_of(sha256, sizeof sha256),
                                   .sha256 = sha256,
                                   .received_s = 3};
    sotto_diag diag = {0};
    ok(hq_registry_report_put(w.registry, &entry, &repeated, &alarms, &diag), &diag);
}

static void admit(int kiosk)
{
    char id[16];
    uint8_t code[SOTTO_SHA256_BYTES] = {1}, cert[SOTTO_SHA256_BYTES] = {2}, key[SOTTO_PUBLIC_KEY_BYTES] = {4};
    (void)snprintf(id, sizeof id, "kiosk-%d", kiosk);
    memcpy(code + 1, &kiosk, sizeof kiosk);
    memcpy(cert + 1, &kiosk, sizeof kiosk);
    ok(hq_registry_code_put(w.registry, id, code, 1, 1000, NULL), NULL);
    const hq_admission admission = {
        .code_hash = code, .report_key = key, .cert_sha256 = cert, .cert_not_after_s = 1000, .now_s = 2};
    ok(hq_registry_admit(w.registry, &admission, NULL), NULL);
}

static void measure_in_mode_a(void)
{
    const sotto_tasks tasks = load_tasks();
    const hq_release release = {.version = 1, .published_s = 1, .tasks = sotto_span_str(w.tasks)};
    sotto_diag diag = {0};
    ok(hq_registry_create(at("registry.db"), "Test Bank", 1, &diag), &diag);
    ok(hq_registry_open(&w.registry, at("registry.db"), &diag), &diag);
    ok(hq_registry_release_put(w.registry, &release, &diag), &diag);
    ok(hq_registry_batch_begin(w.registry, &diag), &diag);
    for (int kiosk = 0; kiosk < TERMINALS; kiosk++) {
        admit(kiosk);
        for (int day = 0; day < DAYS; day++)
            report_a(sotto_tasks_find(&tasks, OFFERS_A), kiosk, day);
    }
    ok(hq_registry_batch_end(w.registry, SOTTO_OK, &diag), &diag);
}

/* ---- mode B: two aggregators' totals, as their collector keeps them ---- */

static agg_task know_task(const sotto_tasks *tasks)
{
    agg_task task;
    sotto_split_task split;
    uint8_t digest[SOTTO_SHA256_BYTES];
    bool added;
    sotto_diag diag = {0};
    ok(sotto_split_task_of(&split, tasks, sotto_tasks_find(tasks, OFFERS_B), &diag), &diag);
    ok(sotto_split_task_digest(&split, digest, &diag), &diag);
    ok(agg_names_keep(at("collector"), digest, sotto_span_str(w.tasks), &diag), &diag);
    ok(agg_store_task_add(w.store, &split, &w.entropy, &added, &diag), &diag);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        ok(agg_store_task_add(w.party[i].db, &split, &w.entropy, &added, &diag), &diag);
    ok(agg_store_task(w.store, digest, &task, &diag), &diag);
    return task;
}

/* A verified report: the leader's share of the cells is all of them, the helper's nothing. Which share is
 * whose is not this test's matter; tests/kiosk/modes.sh has whole ones. */
static void verified(aggregator *a, const agg_task *task, int number, int day, const int64_t *cells)
{
    agg_report report;
    sotto_split_report r = {.seq = 1, .release_version = 1, .period_day = DAY + day};
    (void)snprintf(r.device, sizeof r.device, "kiosk-%d", number);
    memcpy(r.digest, task->digest, sizeof r.digest);
    memcpy(r.id, &number, sizeof number);
    memcpy(r.id + 4, &day, sizeof day);
    memcpy(r.id + 8, task->digest, 8);
    ok(agg_report_copy(&report, &r, NULL), NULL);
    ok(agg_store_put(a->db, &report, NULL), NULL);
    report.state = AGG_VERIFIED;
    report.share_size = sotto_prio3_agg_share_size(&task->prio3);
    report.out_share = malloc(report.share_size);
    assert_non_null(report.out_share);
    sotto_prio3_agg_init(&task->prio3, report.out_share);
    if (a->role == AGG_LEADER)
        ok(sotto_prio3_agg_add(&task->prio3, report.out_share, cells, task->task.cells, NULL), NULL);
    ok(agg_store_judged(a->db, &report, NULL), NULL);
    agg_report_free(&report);
}

/* Days first..last in one batch: two terminals, the second of which had no customers. */
static void collect(const agg_task *task, int first, int last)
{
    agg_batch whole = {.closed = true};
    int64_t nothing[CELLS + 2] = {0}, cells[CELLS + 2] = {0};
    for (size_t p = 0; p < SOTTO_SPLIT_PARTIES; p++) {
        agg_batch batch = {.first_day = DAY + first, .last_day = DAY + last};
        uint64_t count;
        memcpy(batch.digest, task->digest, sizeof batch.digest);
        memcpy(batch.id, task->digest, 8);
        memcpy(batch.id + 8, &first, sizeof first);
        ok(agg_store_batch_put(w.party[p].db, &batch, NULL), NULL);
        for (int day = first; day <= last; day++) {
            memcpy(cells, w.truth[day], sizeof w.truth[day]);
            verified(&w.party[p], task, 1, day, cells);
            verified(&w.party[p], task, 2, day, nothing);
        }
        ok(agg_store_take_all(w.party[p].db, &batch, &count, NULL), NULL);
        ok(agg_total_make(&w.party[p], task, &batch, NULL), NULL);
        sotto_vec share = batch.share[0], *kept = whole.share;
        memset(&batch.share[0], 0, sizeof batch.share[0]);
        sotto_vec both[SOTTO_SPLIT_PARTIES];
        memcpy(both, kept, sizeof both);
        whole = batch;
        memcpy(whole.share, both, sizeof both);
        whole.share[p] = share;
    }
    whole.closed = true;
    ok(agg_store_batch_close(w.store, &whole, NULL), NULL);
    agg_batch_free(&whole);
}

static void open_parties(void)
{
    const hq_list hosts = {.item = {"127.0.0.1"}, .count = 1};
    agg_party own;
    sotto_diag diag = {0};
    ok(agg_party_init(at("collector"), AGG_COLLECTOR, &hosts, 1000000, &w.entropy, &diag), &diag);
    ok(agg_party_init(at("other"), AGG_LEADER, &hosts, 1000000, &w.entropy, &diag), &diag);
    ok(agg_party_own(at("collector"), &own, &diag), &diag);
    ok(agg_party_db(at("collector"), false, &w.store, &diag), &diag);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++) {
        w.party[i] = (aggregator){.role = i == 0 ? AGG_LEADER : AGG_HELPER, .entropy = w.entropy};
        memcpy(w.party[i].collector, own.hpke, sizeof own.hpke);
        ok(agg_store_open(&w.party[i].db, at(i == 0 ? "leader.db" : "helper.db"), true, &diag), &diag);
    }
}

static int setup(void **state)
{
    if (test_setup(state) != 0)
        return 1;
    w = (struct world){.drbg = drbg_of(4)};
    w.entropy = drbg_entropy(&w.drbg);
    count_population();
    write_tasks("1", "\"saver\",\"loan\"");
    measure_in_mode_a();
    open_parties();
    const sotto_tasks tasks = load_tasks();
    const agg_task task = know_task(&tasks);
    for (int day = 0; day < DAYS; day++)
        collect(&task, day, day);
    return 0;
}

static int teardown(void **state)
{
    hq_registry_close(w.registry);
    hq_collected_close(w.collected);
    hq_registry_close(w.store);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        hq_registry_close(w.party[i].db);
    return test_teardown(state);
}

static hq_sums sums_of(bool mode_b, int first, int last)
{
    hq_sums sums;
    sotto_diag diag = {0};
    if (mode_b && w.collected == NULL)
        ok(hq_collected_open(&w.collected, at("collector"), &diag), &diag);
    const hq_sums_request request = {
        .first_day = DAY + first, .last_day = DAY + last, .collected = mode_b ? w.collected : NULL};
    ok(hq_sums_make(&sums, w.registry, 1, &request, &diag), &diag);
    return sums;
}

static uint64_t width_of(hq_sums *sums, size_t cell, uint32_t confidence_ppm)
{
    uint64_t width = 0;
    ok(hq_sums_width(sums, &cell, 1, confidence_ppm, &width), NULL);
    return width;
}

static uint64_t miss_of(const hq_sums *sums, size_t cell, int first, int last)
{
    int64_t truth = 0;
    for (int day = first; day <= last; day++)
        truth += w.truth[day][cell];
    return (uint64_t)llabs((long long)(sums->count[cell] - truth));
}

/* All days together: both totals hold what the same customers did, and mode B's bar is that of two draws a
 * batch instead of one a terminal and day. */
static void both_modes_tell_the_same(void **state)
{
    (void)state;
    hq_sums a = sums_of(false, 0, DAYS - 1), b = sums_of(true, 0, DAYS - 1);
    uint64_t expected;
    assert_true(a.task.mode == SOTTO_MODE_A && a.reports == TERMINALS * DAYS && a.batches == 0);
    assert_true(b.task.mode == SOTTO_MODE_B && b.reports == 2 * DAYS && b.batches == DAYS);
    assert_true(b.first_day == DAY && b.last_day == DAY + DAYS - 1 && b.batches_left_out == 0);
    for (size_t cell = 0; cell < CELLS; cell++) {
        uint64_t wide = width_of(&a, cell, 999900), narrow = width_of(&b, cell, 999900);
        assert_true(miss_of(&a, cell, 0, DAYS - 1) <= wide);
        assert_true(miss_of(&b, cell, 0, DAYS - 1) <= narrow);
        assert_true(narrow * 3 < wide); /* sqrt(30 / 2) = 3.9 */
        ok(sotto_task_half_width(&b.task, 2 * DAYS, 999900, &expected), NULL);
        assert_int_equal(narrow, expected);
    }
    hq_sums_free(&a);
    hq_sums_free(&b);
}

/* 80 bars of 90 %, one batch each: 8 +- 2.7 of them should miss. The seed is fixed. */
static void bars_are_honest(void **state)
{
    (void)state;
    int missed = 0;
    for (int day = 0; day < DAYS; day++) {
        hq_sums b = sums_of(true, day, day);
        assert_int_equal(b.batches, 1);
        for (size_t cell = 1; cell < CELLS; cell++)
            missed += miss_of(&b, cell, day, day) > width_of(&b, cell, 900000);
        hq_sums_free(&b);
    }
    assert_in_range(missed, 1, 16);
}

/* A later release halves the noise and appends a campaign: older batches still count, each with its own bar.
 * A batch that reaches over the days asked for cannot be cut: it is left out, and told. */
static void releases_follow_each_other(void **state)
{
    (void)state;
    uint64_t old_part, new_part;
    hq_sums first = sums_of(true, 10, 12);
    write_tasks("2", "\"saver\",\"loan\",\"card\"");
    const sotto_tasks tasks = load_tasks();
    const agg_task task = know_task(&tasks);
    collect(&task, 10, 12);
    hq_sums both = sums_of(true, 10, 12);
    assert_true(both.task.cells == CELLS + 2 && both.batches == 4 && both.batches_left_out == 0);
    ok(sotto_task_half_width(&first.task, 6, 975000, &old_part), NULL);
    ok(sotto_task_half_width(sotto_tasks_find(&tasks, OFFERS_B), 2, 975000, &new_part), NULL);
    assert_int_equal(width_of(&both, 1, 950000), old_part + new_part);
    ok(sotto_task_half_width(sotto_tasks_find(&tasks, OFFERS_B), 2, 950000, &new_part), NULL);
    assert_int_equal(width_of(&both, CELLS, 950000), new_part);
    int64_t twice = 2 * (w.truth[10][1] + w.truth[11][1] + w.truth[12][1]);
    assert_true((uint64_t)llabs((long long)both.count[1] - twice) <= width_of(&both, 1, 999900));
    hq_sums part = sums_of(true, 11, 12);
    assert_true(part.batches == 2 && part.batches_left_out == 1);
    hq_sums_free(&first);
    hq_sums_free(&both);
    hq_sums_free(&part);
    /* Cells that mean something else are never added to those of before. */
    write_tasks("2", "\"gold\",\"loan\"");
    const sotto_tasks other = load_tasks();
    (void)know_task(&other);
    hq_sums none = sums_of(true, 0, DAYS - 1);
    assert_true(none.batches == 0 && none.reports == 0 && none.batches_left_out == DAYS + 1);
    assert_false(hq_sums_head(&none, 950000));
    hq_sums_free(&none);
}

static bool never(const sotto_task *task)
{
    (void)task;
    return false;
}

static void what_is_not_there_is_told(void **state)
{
    (void)state;
    hq_collected *none;
    hq_sums sums;
    uint32_t id[SOTTO_TASKS_MAX];
    size_t count;
    sotto_diag diag = {0};
    cause_is(hq_collected_open(&none, at("other"), &diag), USAGE); /* a leader's folder */
    cause_is(hq_collected_open(&none, at("nowhere"), &diag), NOT_FOUND);
    ok(hq_collected_open(&w.collected, at("collector"), &diag), &diag);
    ok(hq_collected_tasks(w.collected, id, &count, &diag), &diag);
    assert_true(count == 1 && id[0] == OFFERS_B);
    hq_sums_request request = {.task_id = 8, .last_day = INT32_MAX, .collected = w.collected};
    cause_is(hq_sums_make(&sums, NULL, 0, &request, &diag), NOT_FOUND);
    request = (hq_sums_request){.wanted = never, .last_day = INT32_MAX, .collected = w.collected};
    cause_is(hq_sums_make(&sums, NULL, 0, &request, &diag), NOT_FOUND);
    /* A sealed total that was touched opens nothing. */
    sql s = sql_begin(w.store, "UPDATE batch SET helper = own WHERE rowid = 3", &diag);
    ok(sql_run(&s), &diag);
    request = (hq_sums_request){.last_day = INT32_MAX, .collected = w.collected};
    assert_int_not_equal(hq_sums_make(&sums, NULL, 0, &request, &diag), SOTTO_OK);
    assert_null(sums.count);
}

/* What a leader answers: over so many reports, of those days. */
static sotto_status answered(agg_batch *batch, uint64_t count, int64_t first, int64_t last, sotto_diag *diag)
{
    uint8_t reports[SOTTO_SHA256_BYTES] = {0};
    agg_message m;
    sotto_vec answer;
    sotto_vec_init(&answer, 256);
    ok(agg_message_begin(&m, 256, NULL), NULL);
    sotto_cbor_put_array(&m.w, 6);
    sotto_cbor_put_uint(&m.w, count);
    sotto_cbor_put_int(&m.w, first);
    sotto_cbor_put_int(&m.w, last);
    for (int i = 0; i < 3; i++)
        sotto_cbor_put_bytes(&m.w, sotto_span_of(reports, sizeof reports));
    ok(agg_message_end(&m, &answer, NULL), NULL);
    sotto_status status = agg_collect_read(batch, 2, sotto_vec_span(&answer), diag);
    sotto_vec_free(&answer);
    return status;
}

/* A leader that names days of its own: none is taken that was not asked for, nor cut to fit. */
static void days_are_those_asked_for(void **state)
{
    (void)state;
    static const struct {
        int32_t from, to;
        int64_t first, last;
        bool taken;
    } rows[] = {{DAY, DAY + 9, DAY, DAY + 9, true},
                {DAY, DAY + 9, DAY + 3, DAY + 3, true},
                {DAY, DAY + 9, DAY - 1, DAY + 9, false},
                {DAY, DAY + 9, DAY, DAY + 10, false},
                {DAY, DAY + 9, DAY + 5, DAY + 4, false},
                {DAY, DAY + 9, DAY + (INT64_C(1) << 32), DAY + (INT64_C(1) << 32), false},
                {INT32_MIN, INT32_MAX, INT32_MIN, INT32_MAX, true},
                {INT32_MIN, INT32_MAX, INT32_MIN - INT64_C(1), 0, false},
                {INT32_MIN, INT32_MAX, 0, INT32_MAX + INT64_C(1), false},
                {INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX, false},
                {INT32_MIN, INT32_MAX, INT32_MAX, INT32_MIN, false}};
    for (size_t i = 0; i < SOTTO_COUNT(rows); i++) {
        agg_batch batch = {.first_day = rows[i].from, .last_day = rows[i].to};
        sotto_diag diag = {0};
        sotto_status status = answered(&batch, 2, rows[i].first, rows[i].last, &diag);
        if (rows[i].taken) {
            ok(status, &diag);
            assert_true(batch.first_day == rows[i].first && batch.last_day == rows[i].last);
        } else {
            cause_is(status, RANGE);
            assert_non_null(strstr(diag.text, "were not asked for"));
            assert_true(batch.first_day == rows[i].from && batch.share[0].len == 0);
        }
        agg_batch_free(&batch);
    }
    agg_batch batch = {.first_day = DAY, .last_day = DAY};
    cause_is(answered(&batch, 1, DAY, DAY, NULL), CONFLICT);
    agg_batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_modes_tell_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(bars_are_honest, setup, teardown),
        cmocka_unit_test_setup_teardown(releases_follow_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_told, setup, teardown),
        cmocka_unit_test(days_are_those_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
