/* What is told: the time to terminals, and how a terminal does to head office. */
#include "collector_kit.h"

/* ---- time ---- */

static void who_cannot_tell_the_time_looks_again_soon(void **state)
{
    (void)state;
    static hq_collector nobody;
    assert_int_equal(hq_collect_look_every_s(&collector), 3600);
    assert_int_equal(hq_collect_look_every_s(&nobody), 60);
}

static void put_time_certificate(const char *key, int64_t from_s, int64_t until_s)
{
    char public_pem[SOTTO_PEM_MAX], cert[SOTTO_PEM_MAX];
    sotto_diag diag = {0};
    ok(sotto_keypair_public_pem(key, public_pem, &diag), &diag);
    const sotto_cert_request request = {.use = SOTTO_CERT_DEVICE,
                                        .common_name = SOTTO_TIME_SIGNER,
                                        .not_before_s = from_s,
                                        .not_after_s = until_s,
                                        .serial = {1}};
    ok(sotto_cert_issue(&request, sotto_span_str(public_pem), collector.authority_key,
                        collector.authority_cert, cert, &diag),
       &diag);
    write_text("office/authority/time.key", key);
    write_text("office/authority/time.pem", cert);
}

static int ask_time(void)
{
    return ask_code(&collector, HQ_LISTENER_DEVICES, one, "GET", "/v1/time/abababababababababababababababab",
                    sotto_span_of(NULL, 0));
}

static size_t times_in(FILE *file, const char *words)
{
    char said[4096] = "";
    size_t times = 0;
    rewind(file);
    assert_true(fread(said, 1, sizeof said - 1, file) < sizeof said - 1);
    for (const char *at = said; (at = strstr(at, words)) != NULL; at++)
        times++;
    return times;
}

/* Where the authority's key is elsewhere: a certificate tells the time to its end, and one that lies there
 * and may not is told of. */
static void a_time_certificate_serves_to_its_end(void **state)
{
    (void)state;
    char key[SOTTO_PEM_MAX];
    const int64_t now_s = hq_now();
    FILE *file = fopen(at("log"), "w+");
    const sotto_log log = {.fd = fileno(file), .level = SOTTO_LOG_WARN, .clock = sotto_port_clock()};
    ok(sotto_keypair_make(&collector.entropy, key, NULL), NULL);
    put_time_certificate(key, now_s - 90 * HQ_DAY_S, now_s + HQ_DAY_S / 2);
    char authority[SOTTO_PEM_MAX];
    memcpy(authority, collector.authority_key, sizeof authority);
    collector.authority_key[0] = '\0';
    collector.log = &log;
    hq_collect_time_keep(&collector, false, false);
    assert_int_equal(ask_time(), 200); /* in its last day */
    assert_true(collector.time_due);
    memcpy(collector.authority_key, authority, sizeof authority);
    put_time_certificate(key, now_s - 90 * HQ_DAY_S, now_s - 1);
    collector.authority_key[0] = '\0';
    hq_collect_time_keep(&collector, true, false);
    assert_int_equal(ask_time(), 501);
    hq_collect_time_keep(&collector, true, false); /* a minute later: nothing new */
    assert_int_equal(times_in(file, "time.certificate_refused text="), 1);
    assert_int_equal(times_in(file, "time.no_certificate"), 1);
    collector.time_told_s -= 3600;
    hq_collect_time_keep(&collector, true, false);
    assert_int_equal(times_in(file, "time.certificate_refused text="), 2);
    assert_int_equal(times_in(file, "time.no_certificate"), 2);
    collector.log = NULL;
    fclose(file);
}

static void the_time_is_told_and_signed(void **state)
{
    (void)state;
    static const int doors[] = {HQ_LISTENER_DEVICES, HQ_LISTENER_ENROL};
    uint8_t nonce[SOTTO_TIME_NONCE_BYTES];
    memset(nonce, 0xab, sizeof nonce);
    for (size_t i = 0; i < SOTTO_COUNT(doors); i++) {
        sotto_reply reply;
        sotto_time_word word;
        assert_int_equal(ask(&collector, doors[i], one, "GET", "/v1/time/abababababababababababababababab",
                             sotto_span_of(NULL, 0), &reply),
                         200);
        assert_int_equal(sotto_time_read(&word, sotto_vec_span(&reply.body), NULL), SOTTO_OK);
        assert_int_equal(sotto_time_check(&word, nonce, sotto_span_str(collector.authority_cert), NULL),
                         SOTTO_OK);
        assert_int_equal(word.utc_s, collector.clock.utc_s(collector.clock.ctx));
        sotto_vec_free(&reply.body);
    }
    static const char *const bad[] = {"/v1/time/", "/v1/time/ab", "/v1/time/abababababababababababababababax",
                                      "/v1/time/ababababababababababababababababab"};
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++)
        assert_int_equal(
            ask_code(&collector, HQ_LISTENER_DEVICES, one, "GET", bad[i], sotto_span_of(NULL, 0)), 400);
}

/* ---- how a terminal does ---- */

static int tell(const terminal *t, const char *body)
{
    return ask_code(&collector, HQ_LISTENER_DEVICES, t, "PUT", "/v1/health", sotto_span_str(body));
}

#define RELEASES "\"release\":8,\"good\":7,\"failed\":0,\"why\":\"none\",\"program\":\"0.1.0\""

static void how_a_terminal_does(void **state)
{
    (void)state;
    hq_health h;
    sotto_diag diag = {0};
    ok(hq_registry_health(collector.registry, "atm-1", &h, &diag), &diag);
    assert_int_equal(h.told_s, 0);
    assert_int_equal(tell(one, "{" RELEASES "}"), 200); /* an older terminal */
    ok(hq_registry_health(collector.registry, "atm-1", &h, &diag), &diag);
    assert_true(h.told_s != 0 && h.release == 8 && h.good == 7 && strcmp(h.program, "0.1.0") == 0);
    assert_false(h.has_disk || h.has_waiting || h.has_clock);
    assert_int_equal(tell(one, "{" RELEASES ",\"disk_free_mib\":64,\"waiting\":3,\"clock_ahead_min\":-90}"),
                     200);
    ok(hq_registry_health(collector.registry, "atm-1", &h, &diag), &diag);
    assert_true(h.has_disk && h.has_waiting && h.has_clock);
    assert_true(h.disk_free_mib == 64 && h.waiting == 3 && h.clock_ahead_min == -90);
    ok(hq_registry_health(collector.registry, "atm-2", &h, &diag), &diag);
    assert_int_equal(h.told_s, 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_RELEASE_FAILED), 0);
    enrol(&collector, one); /* another machine */
    ok(hq_registry_health(collector.registry, "atm-1", &h, &diag), &diag);
    assert_int_equal(h.told_s, 0);
}

/* The answer to night `next` after night `have` (0 = none): whether it has to tell how it does, though it may
 * have told it before. */
static bool is_asked(unsigned have, unsigned next)
{
    char token[33] = "-", body[128];
    sotto_reply reply;
    if (have != 0)
        snprintf(token, sizeof token, "%032u", have);
    snprintf(body, sizeof body, "{\"have\":\"%s\",\"next\":\"%032u\"}", token, next);
    (void)ask(&collector, HQ_LISTENER_DEVICES, one, "POST", "/v1/night", sotto_span_str(body), &reply);
    assert_int_equal(reply.code, 200);
    bool asked = sotto_span_is(sotto_vec_span(&reply.body), "{\"tell_health\":true}");
    if (!asked)
        assert_true(sotto_span_is(sotto_vec_span(&reply.body), "{\"tell_health\":false}"));
    sotto_vec_free(&reply.body);
    return asked;
}

static void who_is_not_known_is_asked(void **state)
{
    (void)state;
    hq_shown shown;
    sotto_diag diag = {0};
    uint64_t sessions = 0;
    assert_true(is_asked(0, 1));
    assert_true(is_asked(1, 2)); /* an older terminal does not hear it */
    assert_int_equal(tell(one, "{" RELEASES "}"), 200);
    assert_false(is_asked(1, 2)); /* the answer was lost */
    assert_false(is_asked(2, 3));
    ok(hq_registry_forget_sessions(collector.registry, &sessions, &diag), &diag);
    assert_true(is_asked(9, 10)); /* an older copy was put back, whose night 9 it never had */
    assert_int_equal(tell(one, "{" RELEASES "}"), 200);
    ok(hq_registry_session(collector.registry, "atm-1", "", "copy", 1000, &shown, &diag), &diag);
    assert_true(shown.clone);
    ok(hq_registry_release_quarantine(collector.registry, "atm-1", &diag), &diag);
    assert_true(is_asked(10, 11)); /* another machine, perhaps */
}

static void a_failed_release_rings_until_one_passes(void **state)
{
    (void)state;
    static const char failed[] =
        "{\"release\":7,\"good\":0,\"failed\":8,\"why\":\"selftest\",\"program\":\"1\",\"waiting\":0}";
    assert_int_equal(tell(one, failed), 200);
    assert_int_equal(tell(one, failed), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_RELEASE_FAILED), 2);
    assert_int_equal(tell(one, "{" RELEASES "}"), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_RELEASE_FAILED), 0);
}

/* A release that devices --json could not tell exactly. */
#define UNTELLABLE                                                                                           \
    "{\"release\":4503599627370497,\"good\":7,\"failed\":0,\"why\":\"none\",\"program\":\"0.1.0\"}"

static void what_is_no_health(void **state)
{
    (void)state;
    hq_health h;
    static const char *const bad[] = {"",
                                      "{}",
                                      "{" RELEASES ",\"disk_free_mib\":-1}",
                                      "{" RELEASES ",\"waiting\":\"3\"}",
                                      "{" RELEASES ",\"waiting\":null}",
                                      "{" RELEASES ",\"clock_ahead_min\":9007199254740993}",
                                      "{" RELEASES ",\"customers\":3}",
                                      UNTELLABLE};
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++)
        assert_int_equal(tell(one, bad[i]), 400);
    assert_int_equal(hq_registry_health(collector.registry, "atm-1", &h, NULL), SOTTO_OK);
    assert_int_equal(h.told_s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_time_is_told_and_signed),
        T(a_time_certificate_serves_to_its_end),
        T(who_cannot_tell_the_time_looks_again_soon),
        T(how_a_terminal_does),
        T(a_failed_release_rings_until_one_passes),
        T(who_is_not_known_is_asked),
        T(what_is_no_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
