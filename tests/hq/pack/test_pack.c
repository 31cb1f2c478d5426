/* What head office takes from a terminal about its tag packs: the newest statement of whoever holds the
 * report key, and none that would keep later ones out. */
#include "../hq_test.h"

#include "pack/pack.h"

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
    cause_is(say(t, now_s, HQ_TOLD_MAX + 1), RANGE);
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

/* A power cut can leave a file without a byte. */
static void an_empty_number_is_damage(void **state)
{
    (void)state;
    char path[HQ_PATH_MAX];
    const hq_pack_next written = {.seq = 3, .bytes = 10};
    hq_pack_next next;
    ok(hq_pack_next_write(at("office"), "branch-4", &written, NULL), NULL);
    ok(hq_pack_path(at("office"), "branch-4", "next", path, NULL), NULL);
    ok(sotto_port_write_file(path, sotto_span_of(NULL, 0), 0600, NULL), NULL);
    cause_is(hq_pack_next_read(at("office"), "branch-4", &next, NULL), CORRUPT);
    assert_int_equal(next.seq, 0);
}

/* Our own disk's fault: 500 to the terminal, not the 400 that blames its request. */
static void a_pack_cut_short_is_our_damage(void **state)
{
    (void)state;
    static hq_collector c;
    char path[HQ_PATH_MAX];
    const hq_pack_next written = {.seq = 3, .bytes = 10};
    hq_device device = {.id = "branch-5"};
    sotto_diag diag = {0};
    sotto_vec answer;
    sotto_vec_init(&answer, HQ_PACK_PART_BYTES);
    c.dir = at("office");
    ok(hq_pack_next_write(c.dir, device.id, &written, NULL), NULL);
    ok(hq_pack_path(c.dir, device.id, "3.pack", path, NULL), NULL);
    ok(sotto_port_write_file(path, sotto_span_str("0123456789"), 0600, NULL), NULL);
    ok(hq_collect_pack_part(&c, &device, sotto_span_str("3/0"), &answer, &diag), &diag);
    assert_int_equal(answer.len, 10);
    sotto_vec_free(&answer);
    ok(sotto_port_write_file(path, sotto_span_str("0123"), 0600, NULL), NULL);
    cause_is(hq_collect_pack_part(&c, &device, sotto_span_str("3/0"), &answer, &diag), CORRUPT);
    assert_non_null(strstr(diag.text, "cut short"));
    sotto_vec_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_word_does_not_come_back),
        cmocka_unit_test(a_word_from_the_future_keeps_nobody_out),
        cmocka_unit_test(enrolled_anew_a_terminal_begins_anew),
        cmocka_unit_test(an_empty_number_is_damage),
        cmocka_unit_test(a_pack_cut_short_is_our_damage),
    };
    return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
