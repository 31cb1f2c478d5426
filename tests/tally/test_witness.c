/* An old copy of the store that is put back: noticed, and nothing leaves until an operator decides. */
#include "tally_test.h"

static struct world w;
static struct opened opened;
static uint64_t seed;
static sotto_task task;

struct memory_witness {
    sotto_tally_mark mark;
    bool there;
    int left; /* good saves before the first failure; -1 = never */
};
static struct memory_witness held;

static sotto_status load(void *ctx, sotto_tally_mark *out, sotto_diag *diag)
{
    struct memory_witness *m = ctx;
    (void)diag;
    *out = m->mark;
    return m->there ? SOTTO_OK : SOTTO_ERR(PORT, NOT_FOUND);
}

static sotto_status save(void *ctx, const sotto_tally_mark *mark, sotto_diag *diag)
{
    struct memory_witness *m = ctx;
    (void)diag;
    if (m->left == 0)
        return SOTTO_ERR(PORT, IO);
    m->left -= m->left > 0;
    m->mark = *mark;
    m->there = true;
    return SOTTO_OK;
}

static const sotto_tally_witness WITNESS = {.ctx = &held, .load = load, .save = save};

static int set_up(void **state)
{
    (void)state;
    w = world_make();
    w.witness = &WITNESS;
    held = (struct memory_witness){.left = -1};
    seed = 42;
    task = task_of((uint64_t)NOISELESS_PER_EVENT_UEPS * 4, 4, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_remove(&w);
    return 0;
}

static sotto_status close_day(int64_t day)
{
    sotto_tally_result result;
    return close_at(&w, &task, day, &seed, &result, NULL);
}

static uint8_t copy[1 << 20];
static size_t copy_len;

static void take_copy(void)
{
    sotto_store_close(w.store);
    FILE *file = fopen(w.path, "rb");
    assert_non_null(file);
    copy_len = fread(copy, 1, sizeof copy, file);
    fclose(file);
    world_open_store(&w);
}

static void put_back(void)
{
    char path[128];
    sotto_store_close(w.store);
    (void)snprintf(path, sizeof path, "%s-wal", w.path);
    (void)unlink(path);
    FILE *file = fopen(w.path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(copy, 1, copy_len, file), copy_len);
    fclose(file);
    world_open_store(&w);
}

static sotto_tally_accepted taken;

static sotto_status accept(int64_t day, uint64_t *lost)
{
    sotto_tasks tasks = tasks_of(&task);
    sotto_status status = sotto_tally_accept(w.store, &WITNESS, &tasks, AT(day), &taken, NULL);
    *lost = taken.lost;
    return status;
}

static int64_t ever_lost(void)
{
    int64_t lost = -1;
    sotto_status status = sotto_store_get_i64(w.store, SOTTO_TALLY_LOST_REPORTS, &lost, NULL);
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND ? 0 : lost;
}

static void an_ordinary_life_fits(void **state)
{
    (void)state;
    uint64_t lost = 7;
    assert_ok(close_day(DAY));
    for (int day = 1; day < 5; day++) {
        assert_true(note(&w, &task, 1, 0, DAY + day - 1));
        assert_ok(close_day(DAY + day));
        assert_ok(sotto_tally_check(w.store, &WITNESS, NULL));
        assert_true(held.mark.seq == (uint64_t)day && !held.mark.intent);
    }
    assert_ok(accept(DAY + 5, &lost));
    assert_int_equal(lost, 0);
    assert_int_equal(ever_lost(), 0);
}

/* Cut before the commit or after it: both fit, and the night goes on. */
static void a_cut_around_the_commit_fits(void **state)
{
    (void)state;
    assert_ok(close_day(DAY));
    assert_ok(close_day(DAY + 1));
    held.left = 0; /* the intent cannot be written: nothing happens */
    assert_cause(close_day(DAY + 2), IO);
    assert_true(held.mark.seq == 1 && !held.mark.intent);
    held.left = 1; /* the commit is through, its witness is not */
    assert_cause(close_day(DAY + 2), IO);
    assert_true(held.mark.seq == 2 && held.mark.intent);
    held.left = -1;
    assert_ok(close_day(DAY + 2));
    assert_ok(close_day(DAY + 3));
    take_copy();
    held.mark.seq++; /* an intent whose transaction never was */
    held.mark.intent = true;
    assert_ok(close_day(DAY + 4));
    assert_true(held.mark.seq == 4 && !held.mark.intent);
}

static void an_old_copy_stops_everything(void **state)
{
    (void)state;
    uint64_t lost = 0;
    assert_ok(close_day(DAY));
    assert_true(note(&w, &task, 1, 0, DAY));
    assert_ok(close_day(DAY + 1));
    take_copy();
    for (int i = 0; i < 4; i++)
        assert_true(note(&w, &task, 1, 0, DAY + 1));
    assert_ok(close_day(DAY + 2));
    assert_ok(close_day(DAY + 3));
    uint8_t last[SOTTO_SHA256_BYTES];
    memcpy(last, held.mark.sha256, sizeof last);
    put_back();
    assert_true(note(&w, &task, 1, 0, DAY + 1));
    for (int day = 2; day < 6; day++)
        assert_cause(close_day(DAY + day), CONFLICT);
    assert_ok(accept(DAY + 5, &lost));
    assert_int_equal(lost, 2);
    assert_int_equal(spent(&w, 1), NOISELESS_PER_EVENT_UEPS);
    /* Periods that may have been told of are not told again; numbers and chain go on. */
    assert_false(note(&w, &task, 1, 0, DAY + 4));
    for (int i = 0; i < 4; i++)
        assert_true(note(&w, &task, 1, 0, DAY + 5) && note(&w, &task, 2, 0, DAY + 5));
    assert_ok(close_day(DAY + 6));
    assert_true(take_report(&w, &opened)); /* 1, from before */
    assert_true(take_report(&w, &opened));
    assert_true(opened.report.seq == 4 && opened.report.period_day == DAY + 5);
    assert_memory_equal(opened.report.previous, last, sizeof last);
    assert_false(take_report(&w, &opened));
}

/* Everybody is taken to have paid for what was lost: 10 reports in a lifetime, 8 of them lost. */
static void what_was_lost_is_charged(void **state)
{
    (void)state;
    uint64_t lost = 0;
    assert_ok(close_day(DAY));
    take_copy();
    assert_ok(close_day(DAY + 8));
    put_back();
    assert_cause(close_day(DAY + 8), CONFLICT);
    assert_ok(accept(DAY + 8, &lost));
    assert_int_equal(lost, 8);
    assert_int_equal(ever_lost(), 8); /* with its cost: an operator's words may be cut off after it */
    for (int day = 8; day < 12; day++)
        for (int i = 0; i < 4; i++)
            assert_true(note(&w, &task, 1, 0, DAY + day));
    assert_ok(close_day(DAY + 12));
    assert_int_equal(spent(&w, 1), 8 * (uint64_t)NOISELESS_PER_EVENT_UEPS); /* 2 of 4 periods */
}

static void a_witness_that_is_gone_or_old_stops_too(void **state)
{
    (void)state;
    uint64_t lost = 7;
    assert_ok(close_day(DAY));
    assert_ok(close_day(DAY + 1));
    sotto_tally_mark old = held.mark;
    assert_ok(close_day(DAY + 2));
    held.there = false;
    assert_cause(close_day(DAY + 3), CONFLICT);
    assert_ok(accept(DAY + 3, &lost));
    assert_true(lost == 0 && taken.periods == 1 && taken.charged_ueps == task.epsilon_ueps);
    assert_ok(close_day(DAY + 4));
    held.mark = old;
    assert_cause(close_day(DAY + 5), CONFLICT);
    held.mark.seq = 3;
    assert_cause(close_day(DAY + 5), CONFLICT); /* the right number of another history */
    assert_ok(accept(DAY + 5, &lost));
    assert_ok(close_day(DAY + 6));
}

/* An old copy without its witness: what it cannot know it charges. 10 reports in a lifetime, 6 periods
 * unseen. */
static void without_a_witness_every_unseen_period_is_charged(void **state)
{
    (void)state;
    uint64_t lost = 7;
    assert_ok(close_day(DAY));
    assert_ok(close_day(DAY + 2));
    take_copy();
    assert_ok(close_day(DAY + 8));
    put_back();
    held.there = false;
    assert_cause(close_day(DAY + 8), CONFLICT);
    assert_ok(accept(DAY + 8, &lost));
    assert_true(lost == 0 && taken.periods == 6 && taken.charged_ueps == 6 * task.epsilon_ueps);
    for (int day = 8; day < 14; day++)
        for (int i = 0; i < 4; i++)
            assert_true(note(&w, &task, 1, 0, DAY + day));
    assert_ok(close_day(DAY + 14));
    assert_int_equal(spent(&w, 1), 4 * task.epsilon_ueps);
    assert_ok(accept(DAY + 15, &lost)); /* they fit: nothing is charged again */
    assert_true(taken.periods == 0 && taken.charged_ueps == 0);
}

/* An old witness beside the store that it belongs to, and both of them old: the same. */
static void an_old_witness_is_as_good_as_none(void **state)
{
    (void)state;
    uint64_t lost = 7;
    assert_ok(close_day(DAY));
    assert_ok(close_day(DAY + 1));
    sotto_tally_mark old = held.mark;
    assert_ok(close_day(DAY + 3));
    take_copy();
    assert_ok(close_day(DAY + 7));
    put_back();
    held.mark = old;
    assert_ok(accept(DAY + 7, &lost));
    assert_true(lost == 0 && taken.periods == 4 && taken.charged_ueps == 4 * task.epsilon_ueps);
    assert_true(held.mark.seq == 3 && held.mark.cost_ueps == 3 * task.epsilon_ueps);
}

/* What was lost is charged at what it cost, whatever the release says today. */
static void the_witness_knows_the_price(void **state)
{
    (void)state;
    uint64_t lost = 0;
    assert_ok(close_day(DAY));
    assert_ok(close_day(DAY + 1));
    take_copy();
    assert_ok(close_day(DAY + 4));
    put_back();
    const uint64_t price = task.epsilon_ueps;
    task = task_of(price / 1000, 4, 1);
    assert_ok(accept(DAY + 4, &lost));
    assert_true(lost == 3 && taken.charged_ueps == 3 * price && held.mark.cost_ueps == 4 * price);
    /* The next old copy is measured from there. */
    take_copy();
    assert_ok(close_day(DAY + 5));
    put_back();
    assert_ok(accept(DAY + 5, &lost));
    assert_true(lost == 1 && taken.charged_ueps == price / 1000);
}

/* A task that the old copy never closed may have been told of for as many periods as a night closes, and
 * since. */
static void a_task_that_was_never_closed_is_charged_too(void **state)
{
    (void)state;
    uint64_t lost = 0;
    assert_ok(close_day(DAY));
    assert_ok(close_day(DAY + 1));
    task = task_of((uint64_t)NOISELESS_PER_EVENT_UEPS, 4, 1);
    task.id = 4;
    held.there = false;
    assert_ok(accept(DAY + 3, &lost));
    assert_true(taken.periods == 62 + 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(an_ordinary_life_fits),
        TEST(a_cut_around_the_commit_fits),
        TEST(an_old_copy_stops_everything),
        TEST(what_was_lost_is_charged),
        TEST(a_witness_that_is_gone_or_old_stops_too),
        TEST(without_a_witness_every_unseen_period_is_charged),
        TEST(an_old_witness_is_as_good_as_none),
        TEST(the_witness_knows_the_price),
        TEST(a_task_that_was_never_closed_is_charged_too),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
