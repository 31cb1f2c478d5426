/* serve's time under clocks that are wrong in every way, and under answers that are not for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../temp.h"
#include "commands.h"
#include "engine/engine.h"

#define REAL_S INT64_C(1795000000) /* November 2026 */
#define DAY_S  INT64_C(86400)

static kiosk_config config;
static kiosk_engine *engine;
static char authority_key[SOTTO_PEM_MAX], authority_pem[SOTTO_PEM_MAX];

/* The machine: what its clock says, and the milliseconds it has run. */
static int64_t machine_s, machine_ms;

static int64_t machine_utc(void *ctx)
{
    (void)ctx;
    return machine_s;
}

static int64_t machine_mono(void *ctx)
{
    (void)ctx;
    return machine_ms;
}

static void start(void)
{
    sotto_diag diag = {0};
    assert_int_equal(kiosk_engine_open(&engine, &config, &diag), SOTTO_OK);
    engine->clock = (sotto_clock){.utc_s = machine_utc, .mono_ms = machine_mono};
    engine->log.fd = -1;
    sotto_vec_free(&engine->time.authority);
    assert_int_equal(kiosk_time_open(engine, &diag), SOTTO_OK);
}

static void stop(void)
{
    assert_int_equal(kiosk_time_keep(engine, NULL), SOTTO_OK);
    kiosk_engine_close(engine);
    engine = NULL;
}

static void restart(void)
{
    stop();
    machine_ms = 5000;
    start();
}

static int64_t now(void)
{
    int64_t now_s = 0;
    assert_int_equal(kiosk_now(engine, &now_s, NULL), SOTTO_OK);
    return now_s;
}

static int64_t stored(const char *name)
{
    int64_t value = 0;
    return sotto_store_get_i64(engine->store, name, &value, NULL) == SOTTO_OK ? value : 0;
}

/* What an event does. */
static void stamp(void)
{
    assert_int_equal(sotto_store_set_i64(engine->store, "time.floor_s", now(), NULL), SOTTO_OK);
}

static sotto_time_word word_of(int64_t utc_s)
{
    sotto_time_word word = {.utc_s = utc_s};
    assert_int_equal(kiosk_time_nonce(engine, word.nonce, NULL), SOTTO_OK);
    assert_int_equal(sotto_time_sign(&word, authority_key, NULL), SOTTO_OK);
    return word;
}

static void told(int64_t utc_s)
{
    sotto_diag diag = {0};
    sotto_time_word word = word_of(utc_s);
    assert_int_equal(kiosk_time_take(engine, &word, &diag), SOTTO_OK);
}

static void refused(const sotto_time_word *word, int cause)
{
    sotto_diag diag = {0};
    int64_t before_s = now(), known_s = engine->time.known_s;
    assert_int_equal(sotto_status_cause(kiosk_time_take(engine, word, &diag)), cause);
    assert_int_equal(now(), before_s);
    assert_int_equal(engine->time.known_s, known_s);
}

static void booted_in_1970(void **state)
{
    (void)state;
    machine_s = 17;
    start();
    assert_int_equal(now(), 17);
    told(REAL_S);
    assert_int_equal(now(), REAL_S);
    machine_ms += 90000;
    assert_int_equal(now(), REAL_S + 90);
    machine_s = 40; /* again, without a network */
    restart();
    assert_true(now() >= REAL_S + 90);
    assert_true(now() < REAL_S + 100);
    machine_ms += DAY_S * 1000; /* time goes on all the same */
    assert_true(now() >= REAL_S + DAY_S);
}

static void set_to_2090(void **state)
{
    (void)state;
    machine_s = REAL_S;
    start();
    told(REAL_S);
    stamp();
    machine_s = REAL_S + 64 * 365 * DAY_S;
    restart();
    for (int i = 0; i < 5; i++) {
        stamp();
        machine_ms += 3600 * 1000;
    }
    assert_true(stored("time.floor_s") < REAL_S + DAY_S);
    told(REAL_S + DAY_S);
    assert_int_equal(now(), REAL_S + DAY_S);
    machine_s = REAL_S + 2 * DAY_S; /* set right */
    restart();
    assert_int_equal(now(), REAL_S + 2 * DAY_S);
}

static void was_in_2090_before_it_was_ever_told(void **state)
{
    (void)state;
    machine_s = REAL_S + 64 * 365 * DAY_S;
    start();
    stamp();
    assert_int_equal(now(), machine_s);
    told(REAL_S);
    assert_int_equal(now(), REAL_S);
    assert_int_equal(stored("time.floor_s"), REAL_S);
    restart();
    assert_true(now() < REAL_S + 10);
}

/* Days of being off are believed, in all no more of them than six weeks. */
static void back_and_forth_across_nights(void **state)
{
    (void)state;
    machine_s = REAL_S;
    start();
    told(REAL_S);
    int64_t last_s = now();
    static const int64_t days[] = {1, 20, -3000, 44, 0, 46, 9000, 44, -1};
    for (size_t i = 0; i < SOTTO_COUNT(days); i++) {
        machine_s = REAL_S + days[i] * DAY_S;
        restart();
        stamp();
        assert_true(now() >= last_s);
        assert_true(now() <= REAL_S + 45 * DAY_S);
        last_s = now();
    }
    assert_true(last_s >= REAL_S + 44 * DAY_S);
    /* Head office's time is behind what was stamped: time waits, and is not known to be later than told. */
    told(REAL_S + 10 * DAY_S);
    assert_true(now() >= last_s);
    told(REAL_S + 50 * DAY_S);
    assert_int_equal(now(), REAL_S + 50 * DAY_S);
}

static void answers_that_are_not_for_it(void **state)
{
    (void)state;
    machine_s = REAL_S;
    start();
    told(REAL_S);
    sotto_time_word word = word_of(REAL_S + 5);
    assert_int_equal(kiosk_time_take(engine, &word, NULL), SOTTO_OK);
    refused(&word, SOTTO_CAUSE_CONFLICT); /* replayed: nobody asked */
    word = word_of(REAL_S + 6);
    sotto_time_word older = word;
    word = word_of(REAL_S + 7);
    refused(&older, SOTTO_CAUSE_AUTH); /* to another question */
    word = word_of(REAL_S + 8);
    word.utc_s++;
    refused(&word, SOTTO_CAUSE_AUTH);
    word = word_of(REAL_S + 9);
    word.signature[word.signature_len - 1] ^= 1;
    refused(&word, SOTTO_CAUSE_AUTH);
    word = word_of(REAL_S + 10);
    machine_ms += 61000; /* held back on the line */
    refused(&word, SOTTO_CAUSE_TIMEOUT);
    word = word_of(REAL_S - 2 * DAY_S);
    refused(&word, SOTTO_CAUSE_ROLLBACK);
    word = word_of(REAL_S + 40 * 365 * DAY_S); /* after the authority's own end */
    refused(&word, SOTTO_CAUSE_EXPIRED);
    sotto_vec_free(&engine->time.authority);
    word = word_of(REAL_S + 11);
    refused(&word, SOTTO_CAUSE_UNSUPPORTED);
}

static void make_authority(void)
{
    char public_pem[SOTTO_PEM_MAX];
    sotto_entropy entropy = sotto_port_entropy();
    const sotto_cert_request request = {.use = SOTTO_CERT_AUTHORITY,
                                        .common_name = "Test Bank",
                                        .not_before_s = REAL_S - 365 * DAY_S,
                                        .not_after_s = REAL_S + 20 * 365 * DAY_S,
                                        .serial = {1}};
    assert_int_equal(sotto_vault_start(NULL), SOTTO_OK);
    assert_int_equal(sotto_keypair_make(&entropy, authority_key, NULL), SOTTO_OK);
    assert_int_equal(sotto_keypair_public_pem(authority_key, public_pem, NULL), SOTTO_OK);
    assert_int_equal(
        sotto_cert_issue(&request, sotto_span_str(public_pem), authority_key, NULL, authority_pem, NULL),
        SOTTO_OK);
}

static int set_up(void **state)
{
    (void)state;
    char *words[] = {"init", NULL};
    temp_make();
    temp_config(&config);
    make_authority();
    temp_path("authority.pem", config.authority);
    assert_int_equal(sotto_port_write_file(config.authority, sotto_span_str(authority_pem), 0644, NULL),
                     SOTTO_OK);
    machine_ms = 1000;
    return kiosk_cmd_init(&config, 1, words);
}

static int tear_down(void **state)
{
    (void)state;
    kiosk_engine_close(engine);
    engine = NULL;
    temp_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(booted_in_1970, set_up, tear_down),
        cmocka_unit_test_setup_teardown(set_to_2090, set_up, tear_down),
        cmocka_unit_test_setup_teardown(was_in_2090_before_it_was_ever_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(back_and_forth_across_nights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_that_are_not_for_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
