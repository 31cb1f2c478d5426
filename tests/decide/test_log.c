/* Logs of decisions: made again to the bit on this CPU, from a file that another one wrote. */
#include "decide_test.h"

#include <stdio.h>

#define GOLDEN SOTTO_SOURCE_DIR "/tests/data/decide/decisions.log"
enum { RECORDS = 40, TREES = 8 };

static fixture f;
static sotto_decision out;
static sotto_terminal terminal;
static sotto_replay_memory again;
static uint8_t file[1 << 18], bad[1 << 18];

static const char HEAD[] =
    "{\"version\":1,\"profiling_tag\":\"consent\",\"risk_tag\":\"risk_grade\",\"customer_caps\":{\"hour\":4},"
    "\"salt\":\"s\",\"holdout\":0.1,\"exploration\":{\"method\":\"thompson\",\"share\":0.5,\"floor\":0.01},"
    "\"menu\":[{\"id\":\"cash\",\"tag\":\"risk_grade\"}],\n\"campaigns\":[\n";
static const char CAMPAIGNS[] =
    "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"caps\":{\"day\":3}," WORDS
    ",\n{\"number\":2,\"id\":\"b\",\"product\":\"term\",\"slots\":[\"idle\",\"after_card\"]," WORDS
    ",\n{\"number\":3,\"id\":\"c\",\"product\":\"fund\",\"budget\":{\"day\":9,\"even\":true}," WORDS
    ",\n{\"number\":4,\"id\":\"d\",\"product\":\"card\",\"needs_profile\":false," WORDS "\n]}";

static void load(void)
{
    fixture_open(&f, TREES);
    (void)snprintf(f.policy, sizeof f.policy, "%s%s", HEAD, CAMPAIGNS);
    if (load_plan(&f) != SOTTO_OK)
        fail_msg("%s:%d: %s", f.diag.where, (int)f.diag.line, f.diag.text);
    f.scratch = sotto_arena_take(&f.arena, sotto_decide_scratch_size(f.plan));
    assert_non_null(f.scratch);
    sotto_terminal_clear(&terminal);
    set_tag(&f, "consent", "1");
    set_tag(&f, "risk_grade", "5");
    set_tag(&f, "age", "41");
    set_tag(&f, "balance", "5000");
}

static sotto_decide_request request(uint64_t i)
{
    return (sotto_decide_request){.profile = i % 7 == 6 ? NULL : &f.profile,
                                  .counters = i % 5 == 4 ? NULL : &f.counters,
                                  .terminal = i % 3 == 2 ? NULL : &terminal,
                                  .now_s = NOON_S + (int64_t)i * 1111,
                                  .utc_offset_min = 60,
                                  .slot = i % 2 == 0 ? NULL : "idle",
                                  .language = "en",
                                  .offers_max = 2,
                                  .seed = i * 77,
                                  .arm_key = i % 4 == 3 ? 0 : sotto_decide_mix(i)};
}

/* What the golden file was written by, once, on x86-64 (the length is returned). */
static size_t write_log(void)
{
    sotto_buf b = sotto_buf_of(file, sizeof file);
    size_t model_len =
        write_model(f.model_file, sizeof f.model_file, FEATURES, SOTTO_COUNT(FEATURES), TREES, 5, 99);
    const sotto_span part[] = {sotto_span_str(DICTIONARY),
                               sotto_span_of(f.model_file, model_len),
                               sotto_span_str(CATALOGUE),
                               sotto_span_str(f.policy),
                               {0}};
    assert_int_equal(sotto_replay_head(part, &b), SOTTO_OK);
    for (uint64_t i = 0; i < RECORDS; i++) {
        sotto_decide_request r = request(i);
        sotto_decide(f.plan, &r, f.scratch, &out);
        assert_int_equal(sotto_replay_put(f.plan, &r, &out, &b), SOTTO_OK);
        if (out.offer_count == 0)
            continue;
        uint16_t number = sotto_plan_campaign(f.plan, out.offers[0].campaign)->number;
        assert_int_equal(sotto_counters_apply(&f.counters, number, SOTTO_EVENT_SHOWN, r.now_s, TODAY),
                         SOTTO_OK);
        assert_int_equal(sotto_terminal_apply(&terminal, number, SOTTO_EVENT_SHOWN, TODAY), SOTTO_OK);
    }
    return b.len;
}

/* Everything out of the file alone. */
static void replay_all(sotto_span log_file)
{
    static uint8_t memory[1 << 20];
    static sotto_profile profile;
    sotto_arena arena;
    sotto_replay log;
    sotto_dictionary *dictionary;
    sotto_plan_sources sources = {.catalogue_name = "c", .policy_name = "p"};
    const sotto_plan *plan;
    sotto_arena_init(&arena, memory, sizeof memory);
    assert_int_equal(sotto_replay_open(&log, log_file, "decisions.log", NULL), SOTTO_OK);
    assert_int_equal(sotto_dictionary_load(&dictionary, log.part[0], "d", &arena, NULL), SOTTO_OK);
    assert_int_equal(sotto_model_load(&sources.model, log.part[1], &arena, NULL), SOTTO_OK);
    sources.dictionary = dictionary;
    sources.catalogue = log.part[2];
    sources.policy = log.part[3];
    assert_int_equal(sotto_plan_load(&plan, &sources, &arena, NULL), SOTTO_OK);
    assert_int_equal(sotto_profile_init(&profile, dictionary, &arena), SOTTO_OK);
    void *scratch = sotto_arena_take(&arena, sotto_decide_scratch_size(plan));
    assert_non_null(scratch);
    again.profile = &profile;
    size_t records = 0;
    for (bool same; sotto_replay_more(&log); records++) {
        assert_int_equal(sotto_replay_next(&log, plan, &again, scratch, &same, NULL), SOTTO_OK);
        if (!same)
            fail_msg("record %zu is not the same", records);
    }
    assert_int_equal(records, RECORDS);
}

static void test_made_again_from_the_file_alone(void **state)
{
    (void)state;
    load();
    replay_all(sotto_span_of(file, write_log()));
}

/* tests/data/decide/decisions.log was written on x86-64; every CPU makes the same of it. */
static void test_the_golden_file(void **state)
{
    (void)state;
    FILE *golden = fopen(GOLDEN, "rb");
    assert_non_null(golden);
    size_t len = fread(bad, 1, sizeof bad, golden);
    (void)fclose(golden);
    replay_all(sotto_span_of(bad, len));
    load();
    assert_int_equal(write_log(), len);
    assert_memory_equal(file, bad, len); /* and writes the same bytes */
}

/* Cut anywhere or changed anywhere after the release: never a crash, and never called the same with another
 * answer than the one written. */
static void test_damage_is_told(void **state)
{
    (void)state;
    load();
    size_t len = write_log();
    sotto_replay log;
    sotto_diag diag;
    bool same;
    assert_int_equal(sotto_replay_open(&log, sotto_span_of(file, len), "l", NULL), SOTTO_OK);
    size_t start = log.at, next;
    again.profile = &f.profile;
    assert_int_equal(sotto_replay_next(&log, f.plan, &again, f.scratch, &same, NULL), SOTTO_OK);
    assert_true(same);
    next = log.at;
    for (size_t i = start; i < next; i++) {
        memcpy(bad, file, next);
        bad[i] ^= 0x10;
        assert_int_equal(sotto_replay_open(&log, sotto_span_of(bad, next), "l", NULL), SOTTO_OK);
        memset(&diag, 0, sizeof diag);
        assert_true(sotto_replay_next(&log, f.plan, &again, f.scratch, &same, &diag) < 0);
        assert_true(diag.has_offset && !same);
        assert_int_equal(sotto_replay_open(&log, sotto_span_of(file, i), "l", NULL), SOTTO_OK);
        if (i > start)
            assert_true(sotto_replay_next(&log, f.plan, &again, f.scratch, &same, NULL) < 0);
    }
    for (size_t cut = 0; cut < start; cut += 1 + cut / 64)
        assert_true(sotto_replay_open(&log, sotto_span_of(file, cut), "l", NULL) < 0);
}

/* Another answer than the one written is found. */
static void test_another_answer_is_not_the_same(void **state)
{
    (void)state;
    load();
    sotto_decide_request r = request(1);
    sotto_decide(f.plan, &r, f.scratch, &out);
    uint64_t digest = sotto_decision_digest(f.plan, &out);
    assert_true(out.offer_count > 0);
    out.offers[0].chance_q30--;
    assert_true(sotto_decision_digest(f.plan, &out) != digest);
    sotto_buf b = sotto_buf_of(bad, sizeof bad);
    assert_int_equal(sotto_replay_put(f.plan, &r, &out, &b), SOTTO_OK);
    sotto_replay log = {.name = "l", .file = sotto_buf_span(&b)};
    bool same = true;
    again.profile = &f.profile;
    assert_int_equal(sotto_replay_next(&log, f.plan, &again, f.scratch, &same, NULL), SOTTO_OK);
    assert_false(same);
}

/* That nothing was known of caps is written down with the decision. */
static void test_unknown_caps_are_made_again(void **state)
{
    (void)state;
    load();
    sotto_decide_request r = request(1);
    sotto_buf b = sotto_buf_of(bad, sizeof bad);
    const sotto_span none[SOTTO_REPLAY_PARTS] = {{0}};
    bool same = false;
    sotto_replay log;
    r.caps_unknown = true;
    sotto_decide(f.plan, &r, f.scratch, &out);
    assert_int_equal(out.offer_count, 0);
    assert_int_equal(sotto_replay_head(none, &b), SOTTO_OK);
    assert_int_equal(sotto_replay_put(f.plan, &r, &out, &b), SOTTO_OK);
    again.profile = &f.profile;
    assert_int_equal(sotto_replay_open(&log, sotto_buf_span(&b), "log", NULL), SOTTO_OK);
    assert_int_equal(sotto_replay_next(&log, f.plan, &again, f.scratch, &same, NULL), SOTTO_OK);
    assert_true(same && again.decision.nothing_because == SOTTO_EXCLUDED_STORE_RESTORED);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) { /* the golden file anew, after a change of format */
        load();
        FILE *golden = fopen(argv[2], "wb");
        size_t len = write_log();
        return golden == NULL || fwrite(file, 1, len, golden) != len || fclose(golden) != 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_again_from_the_file_alone),
        cmocka_unit_test(test_the_golden_file),
        cmocka_unit_test(test_damage_is_told),
        cmocka_unit_test(test_another_answer_is_not_the_same),
        cmocka_unit_test(test_unknown_caps_are_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
