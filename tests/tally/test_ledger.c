/* One budget for several tasks: quotas, who is told to be left out, renewal, Gaussian tasks, mode B. */
#include "tally_test.h"

#include "sotto/hpke.h"
#include "sotto/split.h"

static struct world w;
static struct opened opened;
static uint64_t seed;

static int set_up(void **state)
{
    (void)state;
    w = world_make();
    seed = 42;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_remove(&w);
    return 0;
}

static const uint64_t EVENT = NOISELESS_PER_EVENT_UEPS;

/* Cell 0 counts who is left out; cells 1 .. 6 are the table. */
static sotto_task telling_task(uint32_t id, uint32_t bound, uint64_t quota)
{
    sotto_task task = task_of(EVENT * bound, bound, 1);
    task.id = id;
    task.has_left_out = true;
    task.table = table_at(1, 6);
    task.cells = 7;
    task.quota_ueps = quota;
    return task;
}

static sotto_tally_result close_ok(const sotto_tasks *tasks, int64_t day)
{
    sotto_tally_result result;
    sotto_diag diag = {0};
    if (close_tasks(&w, tasks, day, &seed, &result, &diag) != SOTTO_OK)
        fail_msg("close: %s", diag.text);
    return result;
}

static sotto_tasks file_of(const sotto_task *tasks, size_t count, uint64_t lifetime)
{
    return (sotto_tasks){.budget = {.lifetime_ueps = lifetime}, .task = tasks, .count = count};
}

/* The cost of being told is kept back from the first event on, so a spent customer is counted once, in cell
 * 0, and never again; what was spent never passes the lifetime. */
static void the_spent_are_counted_once(void **state)
{
    (void)state;
    const uint64_t lifetime = 10 * EVENT;
    sotto_task task = telling_task(3, 4, lifetime);
    sotto_tasks tasks = file_of(&task, 1, lifetime);
    static const int64_t LEFT_OUT[] = {0, 0, 1, 0, 0}, COUNTED[] = {4, 4, 0, 0, 1};
    for (int day = 0; day < 5; day++)
        for (int i = 0; i < (day == 4 ? 1 : 4); i++)
            assert_true(note(&w, &task, 1, 1, DAY + day));
    for (int day = 0; day < 5; day++) {
        sotto_tally_result result = close_ok(&tasks, DAY + day + 1);
        assert_int_equal(result.told, LEFT_OUT[day]);
        assert_true(take_report(&w, &opened));
        assert_int_equal(opened.report.cells[0], LEFT_OUT[day]);
        assert_int_equal(opened.report.cells[1], COUNTED[day]);
        assert_true(spent(&w, 1) <= lifetime);
    }
    assert_int_equal(spent(&w, 1), lifetime); /* 8 events, told, and one more event */
    assert_non_null(strstr(opened.entry.note, "\"told\":0"));
}

static sotto_tally_budgets budgets_on(const sotto_tasks *tasks, int64_t day)
{
    sotto_tally_budgets out;
    assert_ok(sotto_tally_budgets_of(w.store, tasks, AT(day), &out, NULL));
    return out;
}

/* Who has nothing left, for the operator: by the night's own rule, with what is forgiven by then. */
static void nothing_left_is_counted(void **state)
{
    (void)state;
    sotto_task task = telling_task(3, 4, 4 * EVENT);
    task.has_left_out = false;
    sotto_tasks tasks = file_of(&task, 1, 4 * EVENT);
    assert_int_equal(budgets_on(&tasks, DAY).charged, 0);
    for (int i = 0; i < 4; i++)
        assert_true(note(&w, &task, 1, 1, DAY));
    assert_true(note(&w, &task, 2, 1, DAY));
    (void)close_ok(&tasks, DAY + 1);
    sotto_tally_budgets b = budgets_on(&tasks, DAY + 1);
    assert_true(b.charged == 2 && b.nothing_left == 1 && !b.nobody_can_pay);
    assert_true(b.left[0] == 0 && b.left[1] == 0 && b.left[2] == 0 && b.left[3] == 1); /* 3 of 4 events */
    sotto_task second = task; /* with a quota of its own; the lifetime is the same for both */
    second.id = 4;
    const sotto_task both[] = {task, second};
    tasks = file_of(both, 2, 4 * EVENT);
    assert_int_equal(budgets_on(&tasks, DAY + 1).nothing_left, 1);
    tasks.budget.lifetime_ueps = 8 * EVENT;
    b = budgets_on(&tasks, DAY + 1);
    assert_true(b.nothing_left == 0 && b.left[2] == 1 && b.left[3] == 1); /* 4 of 8, and 7 */
    tasks = file_of(&task, 1, 4 * EVENT);
    tasks.budget.renew_days = 10;
    tasks.budget.renew_ueps = 4 * EVENT;
    assert_int_equal(budgets_on(&tasks, DAY + 9).nothing_left, 1);
    assert_int_equal(budgets_on(&tasks, DAY + 10).nothing_left, 0);
    assert_ok(sotto_store_set_i64(w.store, SOTTO_TALLY_LOST_UEPS, (int64_t)(4 * EVENT), NULL));
    b = budgets_on(&tasks, DAY + 1);
    assert_true(b.charged == 2 && b.nothing_left == 2 && b.nobody_can_pay);
    static const uint8_t KEY[SOTTO_CUSTOMER_KEY_BYTES] = {9};
    assert_ok(sotto_store_put(w.store, SOTTO_RECORD_LEDGER, KEY, 0, sotto_span_str("\x02x"), NULL));
    assert_cause(sotto_tally_budgets_of(w.store, &tasks, AT(DAY), &b, NULL), CORRUPT);
    assert_true(b.charged == 0 && b.nothing_left == 0 && b.left[3] == 0);
}

/* A greedy task stops at its quota; the other one still has its own. */
static void a_greedy_task_cannot_starve_the_rest(void **state)
{
    (void)state;
    sotto_task pair[] = {telling_task(3, 4, 9 * EVENT), telling_task(4, 4, 20 * EVENT)};
    sotto_tasks tasks = file_of(pair, 2, 20 * EVENT);
    for (int day = 0; day < 6; day++)
        for (int i = 0; i < 4; i++)
            assert_true(note(&w, &pair[0], 1, 1, DAY + day));
    assert_int_equal(close_ok(&tasks, DAY + 6).customers, 2); /* 8 of 9, one kept to tell */
    assert_int_equal(spent(&w, 1), 9 * EVENT);
    for (int i = 0; i < 4; i++)
        assert_true(note(&w, &pair[1], 1, 1, DAY + 6) && note(&w, &pair[0], 1, 1, DAY + 6));
    sotto_tally_result result = close_ok(&tasks, DAY + 7);
    assert_true(result.customers == 1 && result.spent_out == 1 && result.told == 0);
    assert_int_equal(spent(&w, 1), 13 * EVENT);
}

/* Whatever the order of events and tasks, nobody spends more than the lifetime. */
static void the_lifetime_holds_over_random_lives(void **state)
{
    (void)state;
    uint64_t random = 7, lifetime = 23 * EVENT;
    sotto_task three[] = {telling_task(3, 4, 15 * EVENT), telling_task(4, 2, 23 * EVENT),
                          telling_task(5, 8, 12 * EVENT)};
    sotto_tasks tasks = file_of(three, 3, lifetime);
    uint64_t told = 0;
    for (int day = 0; day < 12; day++) {
        for (uint32_t n = 0; n < 12; n++) {
            uint8_t r[2];
            assert_ok(seeded_fill(&random, r, sizeof r));
            for (int i = 0; i < r[1] % 5; i++)
                (void)note(&w, &three[r[0] % 3], n, 1 + r[1] % 6u, DAY + day);
        }
        told += close_ok(&tasks, DAY + day + 1).told;
        for (uint32_t n = 0; n < 12; n++)
            assert_true(spent(&w, n) <= lifetime);
    }
    assert_true(told > 0 && told <= 3 * 12);
}

static void renewal_forgives_so_much_a_while(void **state)
{
    (void)state;
    sotto_task task = telling_task(3, 4, 8 * EVENT);
    sotto_tasks tasks = file_of(&task, 1, 8 * EVENT);
    tasks.budget.renew_days = 10;
    tasks.budget.renew_ueps = 4 * EVENT;
    uint64_t in_all = 0;
    for (int day = 0; day < 40; day++) {
        for (int i = 0; i < 4; i++)
            assert_true(note(&w, &task, 1, 1, DAY + day));
        in_all += close_ok(&tasks, DAY + day + 1).debited_ueps;
        assert_true(spent(&w, 1) <= 8 * EVENT);
        /* A bucket of the lifetime, refilled: at most lifetime + 4 events for each 10 days begun. */
        assert_true(in_all <= 8 * EVENT + 4 * EVENT * (uint64_t)(day / 10));
    }
    assert_true(in_all >= 8 * EVENT + 3 * 3 * EVENT);
}

/* Its own budget, by the square of the contribution's norm. */
static void gaussian_tasks_pay_in_rho(void **state)
{
    (void)state;
    sotto_task task = telling_task(3, 4, 10 * EVENT);
    task.noise = SOTTO_NOISE_GAUSSIAN;
    task.delta_e12 = 1000000;
    task.rho_nano = 1600000000;
    task.quota_rho_nano = 5000000000;
    sotto_tasks tasks = file_of(&task, 1, 10 * EVENT);
    tasks.budget.lifetime_rho_nano = 5000000000;
    for (size_t i = 0; i < 4; i++)
        assert_true(note(&w, &task, 1, 1, DAY) && note(&w, &task, 2, 1 + i, DAY));
    sotto_tally_result result = close_ok(&tasks, DAY + 1);
    uint64_t ueps = 0, rho = 0;
    assert_ok(sotto_tally_spent(w.store, customer_of(1).key, &ueps, &rho, NULL));
    assert_true(ueps == 0 && rho == 1600000000); /* four times one cell: 16 of 16 */
    assert_ok(sotto_tally_spent(w.store, customer_of(2).key, &ueps, &rho, NULL));
    assert_true(ueps == 0 && rho == 400000000); /* four cells once: 4 of 16 */
    assert_true(result.debited_rho_nano == 2000000000 && result.debited_ueps == 0);
    for (int day = 1; day < 4; day++)
        for (size_t i = 0; i < 4; i++)
            assert_true(note(&w, &task, 1, 1, DAY + day));
    result = close_ok(&tasks, DAY + 4);
    assert_true(result.customers == 2 && result.spent_out == 1 && result.told == 1);
    assert_ok(sotto_tally_spent(w.store, customer_of(1).key, &ueps, &rho, NULL));
    assert_int_equal(rho, 3 * UINT64_C(1600000000) + 100000000);
}

/* A customer may not be worth more in one table than the task's events: the L2 norm rests on it. */
static void each_table_is_clipped(void **state)
{
    (void)state;
    static const sotto_table TWO[] = {{.first_cell = 0, .cells = 3}, {.first_cell = 3, .cells = 3}};
    sotto_task task = task_of(EVENT * 4, 4, 1);
    task.table = TWO;
    task.table_count = 2;
    task.cells = 6;
    for (size_t i = 0; i < 3; i++)
        assert_true(note(&w, &task, 1, 1, DAY));
    assert_true(note(&w, &task, 1, 4, DAY));
    sotto_tasks tasks = tasks_of(&task);
    (void)close_ok(&tasks, DAY + 1);
    assert_true(take_report(&w, &opened));
    assert_true(opened.report.cells[1] == 2 && opened.report.cells[4] == 1);
    assert_int_equal(spent(&w, 1), 3 * EVENT);
}

/* Mode B: what leaves is sealed to the aggregators, and the debit is the same. */
static void shares_leave_in_mode_b(void **state)
{
    (void)state;
    sotto_task task = telling_task(3, 4, 10 * EVENT);
    task.mode = SOTTO_MODE_B;
    task.vdaf = SOTTO_VDAF_SUMVEC;
    task.cell_bits = 8;
    sotto_tasks tasks = file_of(&task, 1, 10 * EVENT);
    uint8_t private_key[SOTTO_HPKE_PRIVATE_BYTES];
    uint64_t keys = 3;
    sotto_entropy entropy = {.ctx = &keys, .fill = seeded_fill};
    for (size_t i = 0; i < SOTTO_AGGREGATORS; i++)
        assert_ok(sotto_hpke_keypair(&entropy, private_key, tasks.aggregator_key[i]));
    tasks.has_aggregators = true;
    assert_true(note(&w, &task, 1, 1, DAY) && note(&w, &task, 1, 2, DAY));
    assert_int_equal(close_ok(&tasks, DAY + 1).customers, 1);
    assert_int_equal(spent(&w, 1), 2 * EVENT);
    sotto_vec sealed;
    sotto_split_report report;
    sotto_report head;
    sotto_outbox_entry entry;
    sotto_vec_init(&sealed, SOTTO_REPORT_MAX);
    assert_ok(sotto_store_outbox_next(w.store, &entry, &sealed, NULL));
    assert_true(sotto_split_is(sotto_vec_span(&sealed)));
    assert_ok(sotto_split_open(&report, &head, sotto_vec_span(&sealed), w.public_key, NULL));
    assert_true(head.seq == 1 && head.task_id == 3 && head.period_day == DAY);
    assert_non_null(strstr(entry.note, "\"mode\":\"B\""));
    sotto_vec_free(&sealed);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(the_spent_are_counted_once),
        TEST(nothing_left_is_counted),
        TEST(a_greedy_task_cannot_starve_the_rest),
        TEST(the_lifetime_holds_over_random_lives),
        TEST(renewal_forgives_so_much_a_while),
        TEST(gaussian_tasks_pay_in_rho),
        TEST(each_table_is_clipped),
        TEST(shares_leave_in_mode_b),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
