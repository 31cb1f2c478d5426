/* What head office takes from a terminal about its tag packs: the newest statement of whoever holds the
 * report key, and none that would keep later ones out. */
#include "hq_test.h"

#include "pack.h"

static sotto_status say(const terminal *t, int64_t said_s, uint64_t held)
{
    char json[SOTTO_PACK_STATE_MAX];
    sotto_buf out = sotto_buf_of(json, sizeof json);
    sotto_pack_state state = {.held = held, .said_s = said_s}, taken;
    hq_device device = {0};
    sotto_entropy entropy = sotto_port_entropy();
    uint8_t secret[SOTTO_HPKE_PRIVATE_BYTES];
    memcpy(state.device, t->id, sizeof t->id);
    memcpy(device.id, t->id, sizeof t->id);
    memcpy(device.report_key, t->report_key, sizeof t->report_key);
    ok(sotto_hpke_keypair(&entropy, secret, state.key), NULL);
    ok(sotto_pack_state_sign(&state, t->vault, NULL), NULL);
    ok(sotto_pack_state_write(&state, &out), NULL);
    return hq_pack_take_statement(at("office"), &device, sotto_buf_span(&out), &taken, NULL);
}

static uint64_t held(const terminal *t)
{
    sotto_pack_state state;
    ok(hq_pack_said(at("office"), t->id, &state, NULL), NULL);
    return state.held;
}

static void an_old_word_does_not_come_back(void **state)
{
    (void)state;
    const int64_t now_s = hq_now();
    terminal *t = terminal_new("branch-1", 1);
    ok(say(t, now_s - 100, 3), NULL);
    cause_is(say(t, now_s - 101, 4), CONFLICT);
    cause_is(say(t, now_s - 100, 2), CONFLICT);
    assert_int_equal(held(t), 3);
    ok(say(t, now_s, 4), NULL);
    assert_int_equal(held(t), 4);
    terminal_free(t);
}

static void a_word_from_the_future_keeps_nobody_out(void **state)
{
    (void)state;
    const int64_t now_s = hq_now(), year_s = 365 * HQ_DAY_S;
    terminal *t = terminal_new("branch-2", 2);
    cause_is(say(t, now_s + year_s, 1), CONFLICT);
    hq_clock_shift(year_s); /* head office's own clock was wrong when it took one */
    ok(say(t, now_s + year_s, 1), NULL);
    hq_clock_shift(0);
    ok(say(t, now_s, 2), NULL);
    assert_int_equal(held(t), 2);
    terminal_free(t);
}

static void enrolled_anew_a_terminal_begins_anew(void **state)
{
    (void)state;
    const int64_t now_s = hq_now();
    terminal *before = terminal_new("branch-3", 3), *after = terminal_new("branch-3", 4);
    ok(say(before, now_s, 9), NULL);
    ok(say(after, now_s - 5000, 0), NULL);
    assert_int_equal(held(after), 0);
    cause_is(say(after, now_s - 6000, 1), CONFLICT);
    terminal_free(before);
    terminal_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_word_does_not_come_back),
        cmocka_unit_test(a_word_from_the_future_keeps_nobody_out),
        cmocka_unit_test(enrolled_anew_a_terminal_begins_anew),
    };
    return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
