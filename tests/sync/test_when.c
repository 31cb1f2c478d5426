/* When terminals come: spread over the window, and after an outage without a stampede. */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NIGHT    INT64_C(20779)
#define WINDOW_S 14400

static const char *device(int i)
{
    static char name[32];
    snprintf(name, sizeof name, "kiosk-%06d", i);
    return name;
}

static int64_t start(int i, int64_t night, int64_t window_s)
{
    int64_t s = -1;
    kit_ok(sotto_night_start(device(i), night, window_s, &s), NULL);
    return s;
}

static int64_t wait_s(int i, uint32_t attempt, int64_t retry_after_s)
{
    int64_t s = -1;
    kit_ok(sotto_night_pause(device(i), NIGHT, attempt, retry_after_s, &s), NULL);
    return s;
}

/* Known answers: a fleet that is updated in the midst of a week must not come twice in one minute. They were
 * computed with Python's hashlib. */
static void stays_the_same(void **state)
{
    (void)state;
    assert_int_equal(start(7, NIGHT, WINDOW_S), 2076);
    assert_int_equal(wait_s(7, 2, 0), 684);
}

/* Chi-square with 99 degrees of freedom: 160 is passed by chance once in 10,000 draws; these are fixed ones.
 */
static void spreads_over_the_window(void **state)
{
    (void)state;
    enum { DEVICES = 10000, BUCKETS = 100 };
    for (int64_t night = NIGHT; night < NIGHT + 2; night++) {
        int count[BUCKETS] = {0};
        double chi2 = 0;
        for (int i = 0; i < DEVICES; i++) {
            int64_t s = start(i, night, WINDOW_S);
            assert_in_range(s, 0, WINDOW_S - 1);
            count[s / (WINDOW_S / BUCKETS)]++;
        }
        for (int b = 0; b < BUCKETS; b++) {
            double off = count[b] - (double)DEVICES / BUCKETS;
            chi2 += off * off / ((double)DEVICES / BUCKETS);
        }
        assert_true(chi2 < 160);
    }
}

/* Near the window's start tonight says nothing about tomorrow. */
static void no_device_is_always_first(void **state)
{
    (void)state;
    int early = 0, twice = 0;
    for (int i = 0; i < 4000; i++) {
        bool tonight = start(i, NIGHT, WINDOW_S) < WINDOW_S / 10;
        early += tonight;
        twice += tonight && start(i, NIGHT + 1, WINDOW_S) < WINDOW_S / 10;
    }
    assert_in_range(early, 320, 480); /* a tenth of 4000, and four standard deviations */
    assert_in_range(twice, 15, 66);   /* a tenth of these */
}

static void a_window_has_bounds(void **state)
{
    (void)state;
    int64_t s;
    char name[300];
    assert_int_equal(start(1, NIGHT, 0), 0);
    assert_int_equal(start(1, NIGHT, 1), 0);
    kit_cause(sotto_night_start("a", NIGHT, -1, &s), RANGE, NULL);
    kit_cause(sotto_night_start("a", NIGHT, SOTTO_NIGHT_WINDOW_MAX_S + 1, &s), RANGE, NULL);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    kit_cause(sotto_night_start(name, NIGHT, 60, &s), RANGE, NULL);
    kit_cause(sotto_night_pause(name, NIGHT, 0, 0, &s), RANGE, NULL);
    assert_int_equal(s, SOTTO_NIGHT_PAUSE_MAX_S); /* a caller that goes on waits long, not at all */
    kit_cause(sotto_night_pause("a", NIGHT, 0, -1, &s), RANGE, NULL);
}

static void pauses_grow_and_end(void **state)
{
    (void)state;
    int64_t least = 30;
    for (uint32_t attempt = 0; attempt < 40; attempt++) {
        for (int i = 0; i < 50; i++)
            assert_in_range(wait_s(i, attempt, 0), least, 2 * least);
        least = least * 4 > SOTTO_NIGHT_PAUSE_MAX_S / 2 ? SOTTO_NIGHT_PAUSE_MAX_S / 2 : least * 4;
    }
    assert_in_range(wait_s(1, UINT32_MAX, 0), 1800, 3600);
}

static void retry_after_is_obeyed(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_in_range(wait_s(i, 0, 90), 90, 120);
        assert_in_range(wait_s(i, 0, 7200), 7200, 7230);
        assert_in_range(wait_s(i, 4, 5), 480, 960); /* asked for less than one's own patience */
    }
}

static void only_what_may_pass_is_tried_again(void **state)
{
    (void)state;
    assert_true(sotto_night_again(SOTTO_ERR(SYNC, NETWORK)));
    assert_true(sotto_night_again(SOTTO_ERR(SYNC, TIMEOUT)));
    assert_true(sotto_night_again(SOTTO_ERR(KIOSK, BUSY)));
    assert_false(sotto_night_again(SOTTO_OK));
    assert_false(sotto_night_again(SOTTO_ERR(SYNC, DENIED)));
    assert_false(sotto_night_again(SOTTO_ERR(SYNC, AUTH)));
    assert_false(sotto_night_again(SOTTO_ERR(SYNC, EXPIRED)));
}

/* ---- A fleet, a second at a time ---- */

enum { FLEET = 2000, SERVED_A_SECOND = 2, END_S = 8 * 3600 };

typedef struct fleet {
    int first[END_S], next[FLEET]; /* who comes in a second */
    uint32_t attempt[FLEET];
    int done, most; /* most: arrivals in one second, after the outage */
    int64_t last_s; /* when the last one was served */
} fleet;

static void comes(fleet *f, int i, int64_t s)
{
    if (s >= END_S)
        return;
    f->next[i] = f->first[s];
    f->first[s] = i;
}

/* Up to down_s nobody is answered; then two a second are, and the others are sent away with Retry-After. */
static void live(fleet *f, int64_t window_s, int64_t down_s)
{
    memset(f, 0, sizeof *f);
    memset(f->first, -1, sizeof f->first);
    for (int i = 0; i < FLEET; i++)
        comes(f, i, start(i, NIGHT, window_s));
    for (int64_t s = 0; s < END_S; s++) {
        int came = 0;
        for (int i = f->first[s], next; i >= 0; i = next) {
            next = f->next[i];
            if (s >= down_s && ++came <= SERVED_A_SECOND) {
                f->done++;
                f->last_s = s;
            } else {
                comes(f, i, s + wait_s(i, f->attempt[i], s >= down_s ? 60 : 0));
                f->attempt[i]++;
            }
        }
        f->most = came > f->most ? came : f->most;
    }
}

/* The capacity is 14 times what the window asks for, and an hour's outage moves a quarter of the fleet. */
static void after_an_outage_without_a_stampede(void **state)
{
    (void)state;
    fleet *f = malloc(sizeof *f);
    assert_non_null(f);
    live(f, WINDOW_S, 0);
    assert_int_equal(f->done, FLEET);
    assert_true(f->most <= 3 * SERVED_A_SECOND && f->last_s < WINDOW_S + 120);
    live(f, WINDOW_S, 3600);
    assert_int_equal(f->done, FLEET);
    assert_true(f->most <= 3 * SERVED_A_SECOND && f->last_s < WINDOW_S + 120);
    /* All at once, as after a power cut of the whole bank: 1000 s is the least that it can take. */
    live(f, 1, 0);
    assert_int_equal(f->done, FLEET);
    assert_true(f->last_s < 4 * FLEET / SERVED_A_SECOND);
    free(f);
}

/* ---- runs until one is done ---- */

typedef struct script {
    sotto_status status[64]; /* of the runs; the last one again and again */
    int64_t retry_after_s[64];
    int statuses, runs, waits;
    int64_t now_ms, waited_s[64];
} script;

static int64_t script_ms(void *ctx)
{
    return ((script *)ctx)->now_ms;
}

static sotto_status script_run(void *ctx, int64_t *retry_after_s, sotto_diag *diag)
{
    script *s = ctx;
    int i = s->runs < s->statuses ? s->runs : s->statuses - 1;
    assert_int_equal(*retry_after_s, 0);
    s->runs++;
    s->now_ms += 1000;
    *retry_after_s = s->retry_after_s[i];
    return s->status[i] == SOTTO_OK ? SOTTO_OK : sotto_diag_set(diag, s->status[i], "run %d", s->runs);
}

static void script_wait(void *ctx, uint32_t next, int64_t pause_s)
{
    script *s = ctx;
    assert_int_equal(next, s->runs + 1);
    s->waited_s[s->waits++] = pause_s;
    s->now_ms += pause_s * 1000;
}

static sotto_status play(script *s, sotto_diag *diag)
{
    const sotto_night_tries tries = {.device = "kiosk-0042",
                                     .night = NIGHT,
                                     .give_up_ms = 4 * 3600 * 1000,
                                     .clock = {.ctx = s, .mono_ms = script_ms},
                                     .ctx = s,
                                     .run = script_run,
                                     .wait = script_wait};
    return sotto_night_until_done(&tries, diag);
}

static void one_run_that_goes_well_is_enough(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    script s = {.statuses = 1};
    assert_int_equal(play(&s, &diag), SOTTO_OK);
    assert_int_equal(s.runs, 1);
    assert_int_equal(s.waits, 0);
    s = (script){.status = {SOTTO_ERR(SYNC, AUTH)}, .statuses = 1};
    assert_int_equal(play(&s, &diag), SOTTO_ERR(SYNC, AUTH));
    assert_int_equal(s.runs, 1);
}

/* Busy, away, then another refusal, that of the third run: told is that one. */
static void comes_back_when_told(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    int64_t pause_s = 0;
    script s = {.status = {SOTTO_ERR(SYNC, BUSY), SOTTO_ERR(SYNC, NETWORK), SOTTO_OK},
                .retry_after_s = {2, 0, 0},
                .statuses = 3};
    assert_int_equal(play(&s, &diag), SOTTO_OK);
    assert_int_equal(s.runs, 3);
    assert_int_equal(diag.text[0], '\0'); /* nothing is left of the first two */
    assert_int_equal(sotto_night_pause("kiosk-0042", NIGHT, 0, 2, &pause_s), SOTTO_OK);
    assert_int_equal(s.waited_s[0], pause_s);
    assert_int_equal(sotto_night_pause("kiosk-0042", NIGHT, 1, 0, &pause_s), SOTTO_OK);
    assert_int_equal(s.waited_s[1], pause_s);
    s.status[2] = SOTTO_ERR(SYNC, DENIED);
    s.runs = s.waits = 0;
    assert_int_equal(play(&s, &diag), SOTTO_ERR(SYNC, DENIED));
    assert_string_equal(diag.text, "run 3");
}

static void gives_up_before_the_next_night(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    script s = {.status = {SOTTO_ERR(SYNC, TIMEOUT)}, .statuses = 1};
    assert_int_equal(play(&s, &diag), SOTTO_ERR(SYNC, TIMEOUT));
    assert_in_range(s.runs, 4, 20);
    assert_int_equal(s.waits, s.runs - 1);
    assert_in_range(s.now_ms, 2 * 3600 * 1000, 4 * 3600 * 1000 + 1000);
    s = (script){.status = {SOTTO_ERR(SYNC, BUSY)}, .retry_after_s = {86400}, .statuses = 1};
    assert_int_equal(play(&s, &diag), SOTTO_ERR(SYNC, BUSY)); /* told to come tomorrow */
    assert_int_equal(s.runs, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_the_same),
        cmocka_unit_test(spreads_over_the_window),
        cmocka_unit_test(no_device_is_always_first),
        cmocka_unit_test(a_window_has_bounds),
        cmocka_unit_test(pauses_grow_and_end),
        cmocka_unit_test(retry_after_is_obeyed),
        cmocka_unit_test(only_what_may_pass_is_tried_again),
        cmocka_unit_test(after_an_outage_without_a_stampede),
        cmocka_unit_test(one_run_that_goes_well_is_enough),
        cmocka_unit_test(comes_back_when_told),
        cmocka_unit_test(gives_up_before_the_next_night),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
