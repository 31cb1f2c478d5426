/* Who is let in: codes, revocation, sessions and their copies, renewal, reports that do not come. */
#include "collector_kit.h"

/* ---- enrolment ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nobody_and_strangers),
        T(revoked),
        T(enrolled_again),
        T(an_earlier_key_goes_on_with_its_chain),
        T(a_renewal_that_comes_too_late),
        T(codes),
        T(bad_enrolments),
        T(a_copy_is_noticed_and_stopped),
        T(words_and_reports_of_a_round_are_kept_together),
        T(a_late_word_is_no_copy),
        T(a_very_old_word_is_a_copy),
        T(a_certificate_is_renewed),
        T(a_lapsed_certificate_is_renewed_for_a_while),
        T(a_terminal_in_a_loop_is_not_signed_for_without_end),
        T(absent_reports_leave_no_gap),
        T(what_is_refused_for_good_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
