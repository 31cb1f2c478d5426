/* The collector's handler: who is let in, what is kept, and what every kind of bad report gets. */
#include "../hq_test.h"
#include "totals/totals.h"

static hq_collector collector;
static terminal *one, *two;

static int setup(void **state)
{
    if (test_setup(state) != 0)
        return 1;
    open_published(&collector);
    one = terminal_new("atm-1", 1);
    two = terminal_new("atm-2", 2);
    enrol(&collector, one);
    enrol(&collector, two);
    return 0;
}

static int teardown(void **state)
{
    terminal_free(one);
    terminal_free(two);
    close_published(&collector);
    return test_teardown(state);
}

static uint64_t reports_of(const char *id)
{
    hq_device device;
    assert_int_equal(hq_registry_device(collector.registry, id, &device, NULL), SOTTO_OK);
    return device.reports;
}

/* ---- reports ---- */

static void accepted_and_repeated(void **state)
{
    (void)state;
    sotto_reply reply;
    sotto_json *doc;
    sotto_span hex;
    bool repeated = true;
    uint8_t digest[SOTTO_SHA256_BYTES];
    char expected[2 * SOTTO_SHA256_BYTES + 1];
    terminal_seal(one, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&collector, HQ_LISTENER_DEVICES, one, "PUT", "/v1/reports/1",
                             sotto_span_of(one->sealed, one->sealed_len), &reply),
                         200);
        assert_int_equal(sotto_json_parse(&doc, sotto_vec_span(&reply.body), "receipt", NULL), SOTTO_OK);
        assert_int_equal(sotto_json_get_bool(sotto_json_root(doc), "repeated", &repeated, NULL), SOTTO_OK);
        assert_int_equal(repeated, i == 1);
        assert_int_equal(sotto_json_get_str(sotto_json_root(doc), "sha256", &hex, NULL), SOTTO_OK);
        assert_int_equal(sotto_sha256(sotto_span_of(one->sealed, one->sealed_len), digest), SOTTO_OK);
        sotto_hex_encode(sotto_span_of(digest, sizeof digest), expected, sizeof expected);
        assert_true(sotto_span_is(hex, expected));
        sotto_json_free(doc);
        sotto_vec_free(&reply.body);
        assert_int_equal(reports_of("atm-1"), 1);
    }
}

static void other_bytes_conflict(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    one->cells[3] = 17;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 409);
    assert_int_equal(reports_of("atm-1"), 1);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_CONFLICT), 1);
}

static void wrong_key(void **state)
{
    (void)state;
    terminal *stranger = terminal_new("atm-1", 3);
    terminal_seal(stranger, 1);
    assert_int_equal(send_bytes(&collector, one, 1, sotto_span_of(stranger->sealed, stranger->sealed_len)),
                     400);
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_NOT_GENUINE), 1);
    terminal_free(stranger);
}

/* Signed by this terminal's key, but in another one's name. */
static void wrong_device(void **state)
{
    (void)state;
    memcpy(one->report.device, "atm-2", 6);
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 403);
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(reports_of("atm-2"), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_OTHER_DEVICE), 1);
}

static void number_in_path(void **state)
{
    (void)state;
    terminal_seal(one, 2);
    sotto_span bytes = sotto_span_of(one->sealed, one->sealed_len);
    assert_int_equal(send_bytes(&collector, one, 1, bytes), 400);
    static const char *const targets[] = {"/v1/reports/",
                                          "/v1/reports/0",
                                          "/v1/reports/-1",
                                          "/v1/reports/2x",
                                          "/v1/reports/99999999999999999999",
                                          "/v1/reports/4503599627370497"};
    for (size_t i = 0; i < SOTTO_COUNT(targets); i++)
        assert_int_equal(ask_code(&collector, HQ_LISTENER_DEVICES, one, "PUT", targets[i], bytes), 404);
    assert_int_equal(reports_of("atm-1"), 0);
}

static void gap_heals(void **state)
{
    (void)state;
    uint8_t second[SOTTO_REPORT_MAX];
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    terminal_next(one);
    size_t second_len = one->sealed_len;
    memcpy(second, one->sealed, second_len);
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_GAP), 1);
    assert_int_equal(send_bytes(&collector, one, 2, sotto_span_of(second, second_len)), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_GAP), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 0);
    assert_int_equal(reports_of("atm-1"), 3);
}

static void broken_chain_is_kept(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    terminal_next(one);
    one->previous[5] ^= 1;
    terminal_seal(one, 2);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(reports_of("atm-1"), 2);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 1);
    /* The first report of a chain follows nothing. */
    two->previous[0] = 1;
    terminal_seal(two, 1);
    assert_int_equal(send_report(&collector, two), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-2", HQ_ALARM_BROKEN_CHAIN), 1);
}

/* A late report whose successor followed something else. */
static void broken_chain_is_seen_backwards(void **state)
{
    (void)state;
    one->previous[0] = 9;
    terminal_seal(one, 2);
    one->report.period_day++;
    assert_int_equal(send_report(&collector, one), 200);
    memset(one->previous, 0, sizeof one->previous);
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 1);
}

static void period_counts_once(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    ok(sotto_sha256(sotto_span_of(one->sealed, one->sealed_len), one->previous), NULL);
    terminal_seal(one, 2); /* of the same period */
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(reports_of("atm-1"), 2);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_PERIOD_REPEATED), 1);
    const hq_totals_request request = {
        .first_day = INT32_MIN, .last_day = INT32_MAX, .confidence_ppm = 950000};
    hq_totals totals;
    ok(hq_totals_make(&totals, collector.registry, 1, &request, NULL), NULL);
    assert_int_equal(totals.sums.reports, 1);
    hq_totals_free(&totals);
}

static void refused_with(void (*change)(sotto_report *), enum hq_alarm alarm)
{
    sotto_report keep = one->report;
    uint64_t before = alarm_count(collector.registry, "atm-1", alarm);
    change(&one->report);
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 400);
    assert_int_equal(alarm_count(collector.registry, "atm-1", alarm), before + 1);
    assert_int_equal(reports_of("atm-1"), 0);
    one->report = keep;
}

static void other_release(sotto_report *r)
{
    r->release_version = 2;
}
static void largest_release(sotto_report *r)
{
    r->release_version = UINT64_MAX;
}
static void other_task(sotto_report *r)
{
    r->task_id = 2;
}
static void other_epsilon(sotto_report *r)
{
    r->epsilon_ueps = 600000;
}
static void other_bound(sotto_report *r)
{
    r->bound = 5;
}
static void other_period(sotto_report *r)
{
    r->period_days = 2;
}
static void fewer_cells(sotto_report *r)
{
    r->cell_count--;
}

static void only_what_was_asked(void **state)
{
    (void)state;
    refused_with(other_release, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(largest_release, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(other_task, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(other_epsilon, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(other_bound, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(other_period, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(fewer_cells, HQ_ALARM_UNKNOWN_RELEASE);
}

static void clock_ahead_is_kept(void **state)
{
    (void)state;
    one->report.period_day = (int32_t)(hq_now() / HQ_DAY_S) + 400;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_CLOCK_AHEAD), 1);
}

static void truncated_at_each_byte(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    for (size_t len = 0; len < one->sealed_len; len++)
        assert_int_equal(send_bytes(&collector, one, 1, sotto_span_of(one->sealed, len)), 400);
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_NOT_GENUINE), one->sealed_len);
    assert_int_equal(send_report(&collector, one), 200);
}

static void flipped_in_each_byte(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    for (size_t i = 0; i < one->sealed_len; i++) {
        one->sealed[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(send_report(&collector, one), 400);
        one->sealed[i] ^= (uint8_t)(1u << (i % 8));
    }
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(send_report(&collector, one), 200);
}

/* ---- who is let in ---- */

static void nobody_and_strangers(void **state)
{
    (void)state;
    sotto_span none = {0};
    terminal *stranger = terminal_new("atm-3", 3);
    assert_int_equal(
        ask_code(&collector, HQ_LISTENER_DEVICES, stranger, "GET", "/v1/release/timestamp.json", none), 403);
    /* A certificate of the authority in a known name, but not the one that was given. */
    sotto_cert_request request = {.use = SOTTO_CERT_DEVICE,
                                  .common_name = "atm-1",
                                  .not_before_s = hq_now() - 60,
                                  .not_after_s = hq_now() + 60,
                                  .serial = {1}};
    char public_pem[SOTTO_PEM_MAX];
    ok(sotto_keypair_public_pem(stranger->key_pem, public_pem, NULL), NULL);
    ok(sotto_cert_issue(&request, sotto_span_str(public_pem), collector.authority_key,
                        collector.authority_cert, stranger->cert_pem, NULL),
       NULL);
    assert_int_equal(
        ask_code(&collector, HQ_LISTENER_DEVICES, stranger, "GET", "/v1/release/timestamp.json", none), 403);
    terminal_free(stranger);
}

static void revoked(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    sotto_span none = {0};
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(RUN(hq_cmd_revoke, "revoke", "--dir", at("office"), "--device", "atm-1"), 0);
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 403);
    assert_int_equal(
        ask_code(&collector, HQ_LISTENER_DEVICES, one, "GET", "/v1/release/timestamp.json", none), 403);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_REVOKED), 2);
    assert_int_equal(
        ask_code(&collector, HQ_LISTENER_DEVICES, two, "GET", "/v1/release/timestamp.json", none), 200);
    assert_int_equal(reports_of("atm-1"), 1);
    cause_is(hq_registry_revoke(collector.registry, "nobody", 1, &diag), NOT_FOUND);
    /* A new code lets it in again, the same store going on with its chain. */
    enrol(&collector, one);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(reports_of("atm-1"), 2);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_REVOKED), 0);
}

/* It was recognised; then a code, and then a revocation, was faster. */
static void a_renewal_that_comes_too_late(void **state)
{
    (void)state;
    hq_device device;
    sotto_cert_info before, now;
    ok(sotto_cert_read(sotto_span_str(one->cert_pem), &before, NULL), NULL);
    enrol(&collector, one);
    ok(sotto_cert_read(sotto_span_str(one->cert_pem), &now, NULL), NULL);
    const uint8_t fresh[SOTTO_SHA256_BYTES] = {1};
    hq_renewal renewal = {.device = "atm-1",
                          .used = before.sha256,
                          .fresh = fresh,
                          .not_after_s = now.not_after_s,
                          .now_s = hq_now()};
    cause_is(hq_registry_renew(collector.registry, &renewal, NULL), DENIED);
    cause_is(hq_registry_recognise(collector.registry, "atm-1", fresh, &device, NULL), DENIED);
    ok(hq_registry_recognise(collector.registry, "atm-1", now.sha256, &device, NULL), NULL);
    renewal.used = now.sha256;
    ok(hq_registry_revoke(collector.registry, "atm-1", hq_now(), NULL), NULL);
    cause_is(hq_registry_renew(collector.registry, &renewal, NULL), DENIED);
    enrol(&collector, one);
    cause_is(hq_registry_recognise(collector.registry, "atm-1", fresh, &device, NULL), DENIED);
}

/* Key A, then B, then A again: A's reports are those that are held, and go on. */
static void an_earlier_key_goes_on_with_its_chain(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    terminal *again = terminal_new("atm-1", 7), *third = terminal_new("atm-1", 9);
    enrol(&collector, again);
    terminal_seal(again, 1);
    assert_int_equal(send_report(&collector, again), 200);
    enrol(&collector, one);
    assert_int_equal(reports_of("atm-1"), 1);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(reports_of("atm-1"), 1);
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(reports_of("atm-1"), 2);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 0);
    enrol(&collector, third);
    assert_int_equal(reports_of("atm-1"), 0);
    terminal_free(again);
    terminal_free(third);
}

/* A terminal with a new disk: new keys, reports from 1 again, the old certificate serves no more. */
static void enrolled_again(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    terminal *again = terminal_new("atm-1", 7);
    enrol(&collector, again);
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 403);
    again->report.period_day++;
    terminal_seal(again, 1);
    assert_int_equal(send_report(&collector, again), 200);
    assert_int_equal(reports_of("atm-1"), 1);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_GAP), 0);
    terminal_free(again);
}

static void codes(void **state)
{
    (void)state;
    char code[HQ_CODE_TEXT], other[HQ_CODE_TEXT];
    int64_t now_s = hq_now();
    terminal *t = terminal_new("atm-9", 9), *thief = terminal_new("atm-9", 10);
    assert_int_equal(enrol_with(&collector, t, "0000-0000-0000-0000"), 403);
    assert_int_equal(enrol_with(&collector, t, "no code at all"), 403);
    new_code(collector.registry, "atm-9", now_s - 100, now_s - 1, code);
    assert_int_equal(enrol_with(&collector, t, code), 403); /* expired */
    new_code(collector.registry, "atm-9", now_s, now_s + 60, other);
    new_code(collector.registry, "atm-9", now_s, now_s + 60, code);
    assert_int_equal(enrol_with(&collector, t, other), 403); /* replaced by the newer one */
    assert_int_equal(enrol_with(&collector, t, code), 200);
    assert_int_equal(enrol_with(&collector, thief, code), 403); /* used */
    assert_int_equal(enrol_with(&collector, t, code), 403);
    terminal_seal(t, 1);
    assert_int_equal(send_report(&collector, t), 200);
    terminal_free(t);
    terminal_free(thief);
}

/* A request that fails for another reason does not use the code up. */
static void bad_enrolments(void **state)
{
    (void)state;
    char code[HQ_CODE_TEXT];
    sotto_vec good;
    terminal *t = terminal_new("atm-9", 9);
    new_code(collector.registry, "atm-9", hq_now(), hq_now() + 60, code);
    enrolment_body(t, code, &good);
    sotto_span body = sotto_vec_span(&good);
    for (size_t len = 0; len < body.len; len++)
        assert_int_equal(
            ask_code(&collector, HQ_LISTENER_ENROL, NULL, "POST", "/v1/enrol", sotto_span_of(body.ptr, len)),
            400);
    char *csr = strstr((char *)good.ptr, "REQUEST-----\\n") + 20; /* inside the request's base64 */
    for (size_t i = 0; i < 200; i++) {
        char keep = csr[i];
        csr[i] = keep == 'A' ? 'B' : 'A';
        int answer = ask_code(&collector, HQ_LISTENER_ENROL, NULL, "POST", "/v1/enrol", body);
        if (answer != 400 && csr[i] != keep)
            assert_int_equal(keep, '='); /* only padding could be anything */
        csr[i] = keep;
    }
    static const char *const others[] = {"[]", "{}", "null", "{\"code\":1}", "{\"extra\":1}"};
    for (size_t i = 0; i < SOTTO_COUNT(others); i++)
        assert_int_equal(
            ask_code(&collector, HQ_LISTENER_ENROL, NULL, "POST", "/v1/enrol", sotto_span_str(others[i])),
            400);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_ENROL, NULL, "GET", "/v1/enrol", body), 404);
    assert_int_equal(enrol_with(&collector, t, code), 200);
    sotto_vec_free(&good);
    terminal_free(t);
}

/* ---- doors and paths ---- */

static void paths_below_the_repository(void **state)
{
    (void)state;
    static const char *const good[] = {"timestamp.json", "1.root.json", "12.targets.json",
                                       "targets/ab.model.sotto"};
    static const char *const bad[] = {"",
                                      ".json",
                                      "..",
                                      "../registry.db",
                                      "../keys/root.key",
                                      "targets/../../keys/root.key",
                                      "targets/",
                                      "targets/.hidden",
                                      "targets/a/b",
                                      "/etc/passwd",
                                      "%2e%2e/registry.db",
                                      "1.root.json?x=1",
                                      "a b.json",
                                      "timestamp.json.new"};
    for (size_t i = 0; i < SOTTO_COUNT(good); i++)
        assert_true(hq_collect_path_valid(sotto_span_str(good[i])));
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++)
        assert_false(hq_collect_path_valid(sotto_span_str(bad[i])));
    assert_false(hq_collect_path_valid(sotto_span_of("a\0.json", 7)));
}

static void release_files(void **state)
{
    (void)state;
    sotto_reply reply;
    sotto_span none = {0};
    assert_int_equal(
        ask(&collector, HQ_LISTENER_DEVICES, one, "GET", "/v1/release/1.root.json", none, &reply), 200);
    assert_string_equal(reply.content_type, "application/json");
    sotto_vec file;
    sotto_vec_init(&file, 1 << 20);
    ok(sotto_port_read_file(at("office/repo/1.root.json"), &file, NULL), NULL);
    assert_true(sotto_span_equal(sotto_vec_span(&file), sotto_vec_span(&reply.body)));
    sotto_vec_free(&file);
    sotto_vec_free(&reply.body);
    /* Absent: a plain 404 that does not tell where it was looked for. */
    assert_int_equal(
        ask(&collector, HQ_LISTENER_DEVICES, one, "GET", "/v1/release/9.root.json", none, &reply), 404);
    assert_null(memmem(reply.body.ptr, reply.body.len, "/tmp", 4));
    sotto_vec_free(&reply.body);
    assert_int_equal(
        ask_code(&collector, HQ_LISTENER_DEVICES, one, "GET", "/v1/release/../registry.db", none), 404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_DEVICES, one, "PUT", "/v1/release/x.json", none), 404);
}

/* Each door answers for itself alone. */
static void doors(void **state)
{
    (void)state;
    sotto_span none = {0};
    terminal_seal(one, 1);
    sotto_span report = sotto_span_of(one->sealed, one->sealed_len);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_ENROL, one, "PUT", "/v1/reports/1", report), 404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_ENROL, one, "GET", "/v1/release/timestamp.json", none),
                     404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_DEVICES, one, "POST", "/v1/enrol", none), 404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_DEVICES, one, "GET", "/healthz", none), 404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_HEALTH, NULL, "GET", "/healthz", none), 200);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_HEALTH, one, "GET", "/v1/release/timestamp.json", none),
                     404);
    assert_int_equal(reports_of("atm-1"), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
/* ---- sessions, renewal, reports that do not come ---- */

static int say_night(const terminal *t, const char *have, const char *next)
{
    char body[640];
    snprintf(body, sizeof body, "{\"have\":\"%s\",\"next\":\"%s\"}", have, next);
    return ask_code(&collector, HQ_LISTENER_DEVICES, t, "POST", "/v1/night", sotto_span_str(body));
}

#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TOKEN_C "cccccccccccccccccccccccccccccccc"
#define TOKEN_D "dddddddddddddddddddddddddddddddd"

static void a_copy_is_noticed_and_stopped(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    assert_int_equal(say_night(one, "-", TOKEN_A), 200);
    assert_int_equal(say_night(one, "-", TOKEN_A), 200); /* the answer was lost */
    assert_int_equal(say_night(one, TOKEN_A, TOKEN_B), 200);
    assert_int_equal(say_night(one, TOKEN_A, TOKEN_B), 200);
    assert_int_equal(say_night(one, TOKEN_A, TOKEN_C), 403); /* the copy */
    assert_int_equal(say_night(one, TOKEN_B, TOKEN_D), 403); /* the other one */
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 403);
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_CLONE), 1);
    assert_int_equal(say_night(two, "-", TOKEN_A), 200); /* another terminal is not concerned */
    ok(hq_registry_release_quarantine(collector.registry, "atm-1", &diag), &diag);
    cause_is(hq_registry_release_quarantine(collector.registry, "atm-1", &diag), NOT_FOUND);
    assert_int_equal(say_night(one, TOKEN_B, TOKEN_D), 200);
    assert_int_equal(say_night(one, TOKEN_A, TOKEN_C), 403);
    enrol(&collector, one); /* a code is a person's word */
    assert_int_equal(say_night(one, "-", TOKEN_C), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_CLONE), 0);
    assert_int_equal(say_night(one, TOKEN_C, "-"), 400);
    assert_int_equal(say_night(one, "x", TOKEN_A), 400);
}

static void hold_night(const terminal *t, const char *next, sotto_reply *reply)
{
    char body[128];
    snprintf(body, sizeof body, "{\"have\":\"-\",\"next\":\"%s\"}", next);
    (void)ask(&collector, HQ_LISTENER_DEVICES, t, "POST", "/v1/night", sotto_span_str(body), reply);
    assert_true(reply->hold);
    assert_int_equal(reply->code, 0);
}

/* One commit for all of a round: who comes second is the copy, and takes nobody else with it. */
static void words_and_reports_of_a_round_are_kept_together(void **state)
{
    (void)state;
    enum { WORD, COPY, OTHER, REPORT, AGAIN, COUNT };
    sotto_reply reply[COUNT];
    collector.pending = calloc(SOTTO_SERVER_BATCH_MAX, sizeof *collector.pending);
    assert_non_null(collector.pending);
    terminal_seal(two, 1);
    (void)ask(&collector, HQ_LISTENER_DEVICES, two, "PUT", "/v1/reports/1",
              sotto_span_of(two->sealed, two->sealed_len), &reply[REPORT]);
    hold_night(one, TOKEN_A, &reply[WORD]);
    hold_night(one, TOKEN_B, &reply[COPY]);
    hold_night(two, TOKEN_C, &reply[OTHER]);
    assert_int_equal(reports_of("atm-2"), 0);
    hq_collect_commit(&collector);
    assert_int_equal(reply[WORD].code, 200);
    assert_int_equal(reply[COPY].code, 403);
    assert_int_equal(reply[OTHER].code, 200);
    assert_int_equal(reply[REPORT].code, 200);
    assert_int_equal(reports_of("atm-2"), 1);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_CLONE), 1);
    hold_night(two, TOKEN_C, &reply[AGAIN]); /* its answer was lost; and alone in its round */
    hq_collect_commit(&collector);
    assert_int_equal(reply[AGAIN].code, 200);
    for (size_t i = 0; i < COUNT; i++)
        sotto_vec_free(&reply[i].body);
}

/* One night after another in order: night i says token i after token i - 1. */
enum { NIGHTS = 13 };
static void say_nights(char token[NIGHTS][33])
{
    for (size_t i = 0; i < NIGHTS; i++)
        snprintf(token[i], sizeof token[i], "%032zx", i + 1);
    assert_int_equal(say_night(one, "-", token[0]), 200);
    for (size_t i = 1; i < NIGHTS; i++)
        assert_int_equal(say_night(one, token[i - 1], token[i]), 200);
}

/* What a cut line held back arrives after newer words: no copy, and nothing goes back. */
static void a_late_word_is_no_copy(void **state)
{
    (void)state;
    char token[NIGHTS][33];
    say_nights(token);
    for (size_t i = NIGHTS - 1; i > NIGHTS - 8; i--)
        assert_int_equal(say_night(one, token[i - 1], token[i]), 200);
    assert_int_equal(say_night(one, token[NIGHTS - 1], TOKEN_A), 200); /* it went on where it was */
    assert_int_equal(say_night(one, token[3], token[5]), 403);         /* never said together */
}

/* Words too old to be late are a copy's. */
static void a_very_old_word_is_a_copy(void **state)
{
    (void)state;
    char token[NIGHTS][33];
    say_nights(token);
    assert_int_equal(say_night(one, token[0], token[1]), 403);
}

static void csr_body(const terminal *t, const char *certificate, sotto_vec *out)
{
    static uint8_t memory[4 * SOTTO_PEM_MAX];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    sotto_json_obj(&w);
    sotto_json_name(&w, "csr");
    sotto_json_cstr(&w, t->csr_pem);
    if (certificate != NULL) {
        sotto_json_name(&w, "certificate");
        sotto_json_cstr(&w, certificate);
    }
    sotto_json_obj_end(&w);
    sotto_vec_init(out, sizeof memory);
    assert_int_equal(sotto_vec_put(out, buf.ptr, buf.len), SOTTO_OK);
}

/* The new certificate into fresh when the answer is 200. */
static int renew(int door, const terminal *t, const char *certificate, char fresh[static SOTTO_PEM_MAX])
{
    sotto_vec body;
    sotto_reply reply;
    sotto_json *doc = NULL;
    sotto_span text;
    csr_body(t, certificate, &body);
    int code = ask(&collector, door, t, "POST", "/v1/renew", sotto_vec_span(&body), &reply);
    if (code == 200) {
        assert_int_equal(sotto_json_parse(&doc, sotto_vec_span(&reply.body), "answer", NULL), SOTTO_OK);
        assert_int_equal(sotto_json_get_str(sotto_json_root(doc), "certificate", &text, NULL), SOTTO_OK);
        assert_int_equal(sotto_span_to_str(text, fresh, SOTTO_PEM_MAX), SOTTO_OK);
    }
    sotto_json_free(doc);
    sotto_vec_free(&body);
    sotto_vec_free(&reply.body);
    return code;
}

static int code_with(terminal *t, const char *certificate)
{
    char keep[SOTTO_PEM_MAX];
    memcpy(keep, t->cert_pem, sizeof keep);
    memcpy(t->cert_pem, certificate, sizeof keep);
    int code = ask_code(&collector, HQ_LISTENER_DEVICES, t, "GET", "/v1/release/timestamp.json",
                        sotto_span_of(NULL, 0));
    memcpy(t->cert_pem, keep, sizeof keep);
    return code;
}

static int64_t later_s;

static int64_t later(void *ctx)
{
    (void)ctx;
    return hq_now() + later_s;
}

static void a_certificate_is_renewed(void **state)
{
    (void)state;
    static char first[SOTTO_PEM_MAX], lost[SOTTO_PEM_MAX], second[SOTTO_PEM_MAX], third[SOTTO_PEM_MAX];
    memcpy(first, one->cert_pem, sizeof first);
    assert_int_equal(renew(HQ_LISTENER_DEVICES, one, NULL, lost), 200); /* this answer never came */
    assert_int_equal(renew(HQ_LISTENER_DEVICES, one, NULL, second), 200);
    assert_int_equal(code_with(one, first), 200);
    assert_int_equal(code_with(one, second), 200);
    assert_int_equal(code_with(one, lost), 403);
    memcpy(one->cert_pem, second, sizeof second);
    assert_int_equal(renew(HQ_LISTENER_DEVICES, one, NULL, third), 200);
    assert_int_equal(code_with(one, first), 403);
    assert_int_equal(code_with(one, third), 200);
    assert_int_equal(renew(HQ_LISTENER_DEVICES, one, first, third), 400); /* a member too many */
}

/* In a loop, over both doors: four in a day (one of them by its code), then one an hour. */
static void a_terminal_in_a_loop_is_not_signed_for_without_end(void **state)
{
    (void)state;
    static char fresh[SOTTO_PEM_MAX];
    const uint8_t unheard[SOTTO_SHA256_BYTES] = {7};
    sotto_cert_info used;
    sotto_vec body;
    sotto_reply reply;
    int64_t wait_s = 0;
    collector.clock.utc_s = later;
    later_s = 0;
    for (int i = 1; i < HQ_RENEW_BURST; i++)
        assert_int_equal(renew(HQ_LISTENER_DEVICES, one, NULL, fresh), 200);
    for (int hour = 0; hour < 3; hour++) {
        assert_int_equal(renew(HQ_LISTENER_DEVICES, one, NULL, fresh), 429);
        assert_int_equal(renew(HQ_LISTENER_ENROL, one, one->cert_pem, fresh), 429);
        later_s += HQ_RENEW_EVERY_S + 60; /* the test itself takes its time */
        assert_int_equal(renew(HQ_LISTENER_DEVICES, one, NULL, fresh), 200);
    }
    csr_body(one, NULL, &body);
    assert_int_equal(
        ask(&collector, HQ_LISTENER_DEVICES, one, "POST", "/v1/renew", sotto_vec_span(&body), &reply), 429);
    assert_string_equal(reply.extra, "Retry-After: 3600\r\n");
    sotto_vec_free(&body);
    sotto_vec_free(&reply.body);
    assert_int_equal(renew(HQ_LISTENER_DEVICES, two, NULL, fresh), 200); /* one's loop is not another's */
    /* Another collector was first, between the look and the signature; and what nobody waited for counts. */
    ok(sotto_cert_read(sotto_span_str(one->cert_pem), &used, NULL), NULL);
    hq_renewal renewal = {.device = "atm-1", .used = used.sha256, .fresh = unheard, .wait_s = &wait_s};
    renewal.now_s = later(NULL);
    renewal.not_after_s = renewal.now_s + HQ_DAY_S;
    cause_is(hq_registry_renew(collector.registry, &renewal, NULL), BUSY);
    assert_true(wait_s > 0 && wait_s <= HQ_RENEW_EVERY_S);
    later_s += HQ_RENEW_EVERY_S + 60;
    renewal.now_s = later(NULL);
    renewal.unheard = true;
    ok(hq_registry_renew(collector.registry, &renewal, NULL), NULL);
    assert_int_equal(renew(HQ_LISTENER_DEVICES, one, NULL, fresh), 429);
    assert_int_equal(code_with(one, one->cert_pem), 200); /* it keeps what it has */
    later_s += HQ_DAY_S;
    assert_int_equal(renew(HQ_LISTENER_DEVICES, one, NULL, fresh), 200);
    assert_int_equal(code_with(one, fresh), 200);
    later_s = 0;
}

static void a_lapsed_certificate_is_renewed_for_a_while(void **state)
{
    (void)state;
    static char first[SOTTO_PEM_MAX], fresh[SOTTO_PEM_MAX];
    memcpy(first, one->cert_pem, sizeof first);
    collector.clock.utc_s = later;
    later_s = (HQ_DEVICE_CERT_DAYS + HQ_RENEW_GRACE_DAYS - 1) * HQ_DAY_S;
    assert_int_equal(renew(HQ_LISTENER_ENROL, two, first, fresh), 403); /* signed by another key */
    assert_int_equal(renew(HQ_LISTENER_ENROL, one, NULL, fresh), 400);
    assert_int_equal(renew(HQ_LISTENER_ENROL, one, "no certificate", fresh), 400);
    assert_int_equal(renew(HQ_LISTENER_ENROL, one, collector.authority_cert, fresh), 403);
    assert_int_equal(renew(HQ_LISTENER_ENROL, one, first, fresh), 200);
    assert_int_equal(code_with(one, fresh), 200);
    later_s += 2 * HQ_DAY_S;
    assert_int_equal(renew(HQ_LISTENER_ENROL, one, first, fresh), 403); /* too late */
    later_s = 0;
    assert_int_equal(hq_registry_revoke(collector.registry, "atm-2", hq_now(), NULL), SOTTO_OK);
    memcpy(first, two->cert_pem, sizeof first);
    assert_int_equal(renew(HQ_LISTENER_ENROL, two, first, fresh), 403);
}

static int say_absent(const terminal *t, uint64_t seq, const uint8_t *sha256, const char *reason)
{
    char target[64], body[256], hex[2 * SOTTO_SHA256_BYTES + 1];
    sotto_hex_encode(sotto_span_of(sha256, SOTTO_SHA256_BYTES), hex, sizeof hex);
    snprintf(target, sizeof target, "/v1/reports/%llu/absent", (unsigned long long)seq);
    snprintf(body, sizeof body, "{\"seq\":%llu,\"sha256\":\"%s\",\"reason\":\"%s\"}", (unsigned long long)seq,
             hex, reason);
    return ask_code(&collector, HQ_LISTENER_DEVICES, t, "PUT", target, sotto_span_str(body));
}

/* The chain goes on over the hash of a report that does not come; a gap that was told is none. */
static void absent_reports_leave_no_gap(void **state)
{
    (void)state;
    uint8_t hash[SOTTO_SHA256_BYTES], second[SOTTO_REPORT_MAX];
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    terminal_next(one);
    assert_int_equal(sotto_sha256(sotto_span_of(one->sealed, one->sealed_len), hash), SOTTO_OK);
    memcpy(second, one->sealed, one->sealed_len);
    size_t second_len = one->sealed_len;
    assert_int_equal(say_absent(one, 2, hash, "damaged"), 200);
    assert_int_equal(say_absent(one, 2, hash, "damaged"), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_SET_ASIDE), 1);
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_GAP), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 0);
    /* It comes after all. */
    assert_int_equal(send_bytes(&collector, one, 2, sotto_span_of(second, second_len)), 200);
    assert_int_equal(reports_of("atm-1"), 3);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_GAP), 0);
    assert_int_equal(say_absent(one, 4, hash, "bored"), 400);
    assert_int_equal(say_absent(one, 0, hash, "refused"), 400);
}

static const char *extra_of(const terminal *t)
{
    sotto_reply reply;
    (void)ask(&collector, HQ_LISTENER_DEVICES, t, "PUT", "/v1/reports/1",
              sotto_span_of(t->sealed, t->sealed_len), &reply);
    sotto_vec_free(&reply.body);
    return reply.extra == NULL ? "" : reply.extra;
}

static void what_is_refused_for_good_says_so(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    one->sealed[one->sealed_len - 1] ^= 1;
    assert_non_null(strstr(extra_of(one), "Sotto-Final"));
    one->sealed[one->sealed_len - 1] ^= 1;
    assert_string_equal(extra_of(one), "");
    one->cells[0]++;
    terminal_seal(one, 1);
    assert_non_null(strstr(extra_of(one), "Sotto-Final")); /* other bytes under this number */
    assert_int_equal(hq_registry_revoke(collector.registry, "atm-1", hq_now(), NULL), SOTTO_OK);
    assert_string_equal(extra_of(one), ""); /* a person may let it in again */
}

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

/* Where the authority's key is elsewhere: a certificate tells the time to its end, and one that lies there
 * and may not is told of. */
static void a_time_certificate_serves_to_its_end(void **state)
{
    (void)state;
    char key[SOTTO_PEM_MAX], said[2048] = "";
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
    collector.log = NULL;
    rewind(file);
    assert_true(fread(said, 1, sizeof said - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(said, "time.certificate_refused text="));
    assert_non_null(strstr(said, "time.no_certificate"));
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

static void what_is_no_health(void **state)
{
    (void)state;
    hq_health h;
    static const char *const bad[] = {
        "", "{}", "{" RELEASES ",\"disk_free_mib\":-1}", "{" RELEASES ",\"waiting\":\"3\"}",
        "{" RELEASES ",\"waiting\":null}", "{" RELEASES ",\"clock_ahead_min\":9007199254740993}",
        "{" RELEASES ",\"customers\":3}",
        /* a release that devices --json could not tell exactly */
        "{\"release\":4503599627370497,\"good\":7,\"failed\":0,\"why\":\"none\","
        "\"program\":\"0.1.0\"}"};
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++)
        assert_int_equal(tell(one, bad[i]), 400);
    assert_int_equal(hq_registry_health(collector.registry, "atm-1", &h, NULL), SOTTO_OK);
    assert_int_equal(h.told_s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(accepted_and_repeated),
        T(other_bytes_conflict),
        T(wrong_key),
        T(wrong_device),
        T(number_in_path),
        T(gap_heals),
        T(broken_chain_is_kept),
        T(broken_chain_is_seen_backwards),
        T(period_counts_once),
        T(only_what_was_asked),
        T(clock_ahead_is_kept),
        T(truncated_at_each_byte),
        T(flipped_in_each_byte),
        T(nobody_and_strangers),
        T(revoked),
        T(enrolled_again),
        T(an_earlier_key_goes_on_with_its_chain),
        T(a_renewal_that_comes_too_late),
        T(codes),
        T(bad_enrolments),
        T(release_files),
        T(doors),
        cmocka_unit_test(paths_below_the_repository),
        cmocka_unit_test_setup_teardown(the_time_is_told_and_signed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_time_certificate_serves_to_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(who_cannot_tell_the_time_looks_again_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_is_noticed_and_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(words_and_reports_of_a_round_are_kept_together, setup, teardown),
        T(a_late_word_is_no_copy),
        T(a_very_old_word_is_a_copy),
        cmocka_unit_test_setup_teardown(a_certificate_is_renewed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lapsed_certificate_is_renewed_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(a_terminal_in_a_loop_is_not_signed_for_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(absent_reports_leave_no_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_for_good_says_so, setup, teardown),
        T(how_a_terminal_does),
        T(a_failed_release_rings_until_one_passes),
        T(what_is_no_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
