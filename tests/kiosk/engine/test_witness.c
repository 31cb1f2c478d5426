/* The file of the last report's witness: whatever stands in it but what was written there is no witness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../temp.h"
#include "commands.h"
#include "engine/engine.h"

static kiosk_config config;
static kiosk_engine *engine;
static const sotto_tally_mark MARK = {
    .seq = 17, .sha256 = {1, 2, 3}, .cost_ueps = 8500000, .cost_rho_nano = 77};

static void open_engine(void)
{
    char *words[] = {"init", NULL};
    sotto_diag diag = {0};
    assert_int_equal(kiosk_cmd_init(&config, 1, words), 0);
    assert_int_equal(kiosk_engine_open(&engine, &config, &diag), SOTTO_OK);
}

static int set_up(void **state)
{
    (void)state;
    temp_make();
    temp_config(&config);
    open_engine();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kiosk_engine_close(engine);
    temp_remove();
    return 0;
}

static void path_of(char out[static KIOSK_PATH_MAX])
{
    temp_path("vault/witness/last-report", out);
}

static void put(const void *bytes, size_t len)
{
    char path[KIOSK_PATH_MAX];
    path_of(path);
    assert_int_equal(sotto_port_write_file(path, sotto_span_of(bytes, len), 0600, NULL), SOTTO_OK);
}

static size_t take(char *out, size_t cap)
{
    char path[KIOSK_PATH_MAX];
    path_of(path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(out, 1, cap, file);
    fclose(file);
    return len;
}

static sotto_status load(sotto_tally_mark *out)
{
    return engine->witness.load(engine->witness.ctx, out, NULL);
}

static void save(const sotto_tally_mark *mark)
{
    assert_int_equal(engine->witness.save(engine->witness.ctx, mark, NULL), SOTTO_OK);
}

static void not_found(void)
{
    sotto_tally_mark mark = MARK;
    const sotto_tally_mark none = {0};
    assert_int_equal(sotto_status_cause(load(&mark)), SOTTO_CAUSE_NOT_FOUND);
    assert_memory_equal(&mark, &none, sizeof mark);
}

static void what_was_saved_is_loaded(void **state)
{
    (void)state;
    for (int intent = 0; intent < 2; intent++) {
        sotto_tally_mark mark = MARK, got;
        mark.seq = intent != 0 ? UINT64_MAX : 1;
        mark.cost_ueps = mark.cost_rho_nano = intent != 0 ? INT64_MAX : 0;
        mark.intent = intent != 0;
        save(&mark);
        assert_int_equal(load(&got), SOTTO_OK);
        assert_true(got.seq == mark.seq && got.intent == mark.intent && got.cost_ueps == mark.cost_ueps &&
                    got.cost_rho_nano == mark.cost_rho_nano);
        assert_memory_equal(got.sha256, mark.sha256, sizeof got.sha256);
    }
}

static void cut_at_each_byte_it_is_none(void **state)
{
    (void)state;
    char text[600];
    save(&MARK);
    const size_t len = take(text, sizeof text);
    for (size_t cut = 0; cut < len; cut++) {
        put(text, cut);
        not_found();
    }
    text[len] = '\n';
    put(text, len + 1);
    not_found();
}

static void changed_at_each_byte_it_is_none(void **state)
{
    (void)state;
    char text[600];
    save(&MARK);
    const size_t len = take(text, sizeof text);
    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit += 5) {
            text[i] = (char)(text[i] ^ 1 << bit);
            put(text, len);
            not_found();
            text[i] = (char)(text[i] ^ 1 << bit);
        }
    }
    put(text, len);
    sotto_tally_mark got;
    assert_int_equal(load(&got), SOTTO_OK);
}

/* A disk that tore the write: the first half of one witness, the second of another of the same length. */
static void torn_it_is_none(void **state)
{
    (void)state;
    char old[600], new[600];
    sotto_tally_mark mark = MARK;
    save(&mark);
    const size_t len = take(old, sizeof old);
    mark.seq++;
    mark.sha256[0]++;
    save(&mark);
    assert_int_equal(take(new, sizeof new), len);
    size_t same = 0;
    while (old[same] == new[same])
        same++;
    for (size_t at = same + 1; at < len; at++) {
        if (memcmp(old + at, new + at, len - at) == 0)
            break;
        char torn[600];
        memcpy(torn, new, at);
        memcpy(torn + at, old + at, len - at);
        put(torn, len);
        not_found();
    }
}

static void too_long_or_absent_it_is_none_or_an_error(void **state)
{
    (void)state;
    static char big[4096];
    char path[KIOSK_PATH_MAX];
    sotto_tally_mark mark;
    memset(big, 'x', sizeof big);
    put(big, sizeof big);
    assert_int_not_equal(load(&mark), SOTTO_OK);
    path_of(path);
    assert_int_equal(remove(path), 0);
    not_found();
}

/* The key is the terminal's: another terminal's file, put in place whole, says nothing here. */
static void of_another_terminal_it_is_none(void **state)
{
    (void)state;
    char text[600];
    save(&MARK);
    const size_t len = take(text, sizeof text);
    kiosk_engine_close(engine);
    temp_remove();
    temp_make();
    temp_config(&config);
    open_engine();
    put(text, len);
    not_found();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest TESTS[] = {
        TEST(what_was_saved_is_loaded),
        TEST(cut_at_each_byte_it_is_none),
        TEST(changed_at_each_byte_it_is_none),
        TEST(torn_it_is_none),
        TEST(too_long_or_absent_it_is_none_or_an_error),
        TEST(of_another_terminal_it_is_none),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
