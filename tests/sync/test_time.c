/* Signed time between a client without a clock and a head office that is honest, absent or hostile. */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_S INT64_C(1795000000)
#define DAY_S INT64_C(86400)

enum mood { HONEST, SILENT, REPLAYS, ANOTHER_KEY, NONSENSE };

static kit_identity authority, stranger;
static enum mood mood; /* set before the server starts: it is another process */
static int64_t office_s;

static void office(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    static const char prefix[] = "/v1/time/";
    uint8_t memory[SOTTO_TIME_WORD_MAX];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_time_word word = {.utc_s = office_s};
    (void)ctx;
    (void)peer;
    sotto_span nonce =
        sotto_span_of(request->target.ptr + sizeof prefix - 1, request->target.len - (sizeof prefix - 1));
    kit_ok(sotto_hex_decode(nonce, word.nonce, sizeof word.nonce), NULL);
    reply->code = mood == SILENT ? 404 : 200;
    if (mood == REPLAYS)
        memset(word.nonce, 7, sizeof word.nonce); /* yesterday's answer */
    kit_ok(sotto_time_sign(&word, mood == ANOTHER_KEY ? stranger.key : authority.key, NULL), NULL);
    kit_ok(sotto_time_write(&word, &out), NULL);
    kit_ok(sotto_vec_put(&reply->body, out.ptr, mood == NONSENSE ? out.len / 2 : out.len), NULL);
}

typedef struct asked {
    kit_clock machine;
    sotto_time time;
    char path[256];
    sotto_tls *tls;
    sotto_status known; /* of sotto_tls_time_known */
    sotto_diag diag;
} asked;

/* One run of sync's beginning against a server whose certificate is valid from..until. */
static sotto_status ask(asked *a, int64_t from_s, int64_t until_s)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};
    uint8_t nonce[SOTTO_TIME_NONCE_BYTES] = {1, 2, 3};
    kit_identity server;
    kit_server s;
    kit_clock office_clock = {.utc_s = office_s};
    sotto_time_word word;
    sotto_client *client = NULL;
    kit_issue(&server, &authority, SOTTO_CERT_SERVER, "head office", names, 2, from_s, until_s);
    sotto_tls *server_tls = kit_tls(true, &authority, &server, false, kit_clock_of(&office_clock));
    kit_server_start(&s, (sotto_server_config){.handler = office}, server_tls, NULL);
    sotto_time_open(&a->time, kit_clock_of(&a->machine), 0, a->path);
    a->tls = kit_tls(false, &authority, NULL, false, sotto_time_clock(&a->time));
    sotto_tls_time_unknown(a->tls);
    const sotto_client_config config = {
        .url = s.url, .tls = a->tls, .timeout_ms = 5000, .clock = sotto_time_clock(&a->time)};
    memset(&a->diag, 0, sizeof a->diag);
    kit_ok(sotto_client_new(&client, &config, &a->diag), &a->diag);
    sotto_status st = sotto_time_ask(client, nonce, &word, &a->diag);
    if (st == SOTTO_OK)
        st = sotto_time_check(&word, nonce, sotto_span_str(authority.cert), &a->diag);
    if (st == SOTTO_OK)
        st = sotto_time_take(&a->time, &word, a->path, &a->diag);
    a->known = sotto_tls_time_known(a->tls, NULL);
    sotto_client_free(client);
    sotto_tls_free(a->tls);
    kit_server_stop(&s);
    sotto_tls_free(server_tls);
    return st;
}

static int64_t now(asked *a)
{
    sotto_clock clock = sotto_time_clock(&a->time);
    return clock.utc_s(clock.ctx);
}

static int setup(void **state)
{
    asked *a = calloc(1, sizeof *a);
    assert_non_null(a);
    kit_authority(&authority, "Test Bank", NOW_S - 900 * DAY_S, NOW_S + 3000 * DAY_S);
    kit_authority(&stranger, "Stranger", NOW_S - 900 * DAY_S, NOW_S + 3000 * DAY_S);
    (void)snprintf(a->path, sizeof a->path, "%s", kit_path(kit_scratch(), "time"));
    mood = HONEST;
    office_s = NOW_S;
    *state = a;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void any_clock_learns_the_time(void **state)
{
    asked *a = *state;
    static const int64_t clocks[] = {0, NOW_S, NOW_S + 64 * 365 * DAY_S, 5};
    for (size_t i = 0; i < SOTTO_COUNT(clocks); i++) {
        a->machine.utc_s = clocks[i];
        kit_ok(ask(a, NOW_S - DAY_S, NOW_S + DAY_S), &a->diag);
        kit_ok(a->known, NULL);
        assert_in_range(now(a), NOW_S, NOW_S + 10);
    }
    /* The next run, without a line, begins no earlier. */
    a->machine.utc_s = 100;
    sotto_time_open(&a->time, kit_clock_of(&a->machine), 0, a->path);
    assert_in_range(now(a), NOW_S, NOW_S + 10);
}

static void an_honest_time_condemns_an_old_certificate(void **state)
{
    asked *a = *state;
    a->machine.utc_s = NOW_S - 50 * DAY_S; /* by which it would be valid */
    kit_ok(ask(a, NOW_S - 90 * DAY_S, NOW_S - DAY_S), &a->diag);
    kit_cause(a->known, EXPIRED, NULL);
}

/* Who holds the key of a server certificate that has lapsed, and the network, but not the authority's key. */
static void an_old_server_key_moves_nothing(void **state)
{
    asked *a = *state;
    kit_ok(ask(a, NOW_S - DAY_S, NOW_S + DAY_S), &a->diag);
    static const enum mood moods[] = {SILENT, REPLAYS, ANOTHER_KEY, NONSENSE};
    static const int causes[] = {SOTTO_CAUSE_UNSUPPORTED, SOTTO_CAUSE_AUTH, SOTTO_CAUSE_AUTH, 0};
    for (size_t i = 0; i < SOTTO_COUNT(moods); i++) {
        mood = moods[i];
        office_s = NOW_S + 300 * DAY_S;
        a->machine.utc_s = 0; /* the floor alone speaks */
        sotto_status st = ask(a, NOW_S - 90 * DAY_S, NOW_S - DAY_S);
        assert_true(st != SOTTO_OK);
        if (causes[i] != 0)
            assert_int_equal(sotto_status_cause(st), causes[i]);
        kit_cause(a->known, EXPIRED, NULL);
        assert_in_range(now(a), NOW_S, NOW_S + 10);
    }
}

static void time_does_not_go_back(void **state)
{
    asked *a = *state;
    a->machine.utc_s = 0;
    kit_ok(ask(a, NOW_S - DAY_S, NOW_S + DAY_S), &a->diag);
    office_s = NOW_S - 5 * 3600;
    kit_cause(ask(a, NOW_S - DAY_S, NOW_S + DAY_S), ROLLBACK, &a->diag);
    assert_in_range(now(a), NOW_S, NOW_S + 10);
    office_s = NOW_S - 60; /* a clock that was corrected by a minute is fine */
    kit_ok(ask(a, NOW_S - DAY_S, NOW_S + DAY_S), &a->diag);
    assert_in_range(now(a), NOW_S, NOW_S + 10);
}

static void a_damaged_floor_is_none(void **state)
{
    asked *a = *state;
    static const char *const texts[] = {
        "", "\n", "12", "x\n", "-5\n", "99999999999999999999\n", "253402300800\n"};
    a->machine.utc_s = 77;
    for (size_t i = 0; i < SOTTO_COUNT(texts); i++) {
        kit_write(a->path, texts[i], strlen(texts[i]));
        sotto_time_open(&a->time, kit_clock_of(&a->machine), 0, a->path);
        assert_int_equal(now(a), 77);
    }
    kit_write(a->path, "1795000000\n", 11);
    sotto_time_open(&a->time, kit_clock_of(&a->machine), 0, a->path);
    assert_int_equal(now(a), NOW_S);
}

/* Every byte of the answer changed: refused, or about nothing that counts. */
static void words_are_read_with_care(void **state)
{
    (void)state;
    uint8_t memory[4096], bad[4096];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_time_word word = {.utc_s = NOW_S, .nonce = {9}}, read;
    kit_ok(sotto_time_sign(&word, authority.key, NULL), NULL);
    kit_ok(sotto_time_write(&word, &out), NULL);
    for (size_t i = 0; i < out.len; i += KIT_STRIDE) {
        assert_true(sotto_time_read(&read, sotto_span_of(memory, i), NULL) != SOTTO_OK);
        memcpy(bad, memory, out.len);
        bad[i] ^= 0x11;
        sotto_status st = sotto_time_read(&read, sotto_span_of(bad, out.len), NULL);
        if (st == SOTTO_OK)
            st = sotto_time_check(&read, word.nonce, sotto_span_str(authority.cert), NULL);
        assert_true(st != SOTTO_OK);
    }
}

static char bundle[2 * SOTTO_PEM_MAX];

static sotto_span both(const char *first, const char *second)
{
    (void)snprintf(bundle, sizeof bundle, "%s%s", first, second);
    return sotto_span_str(bundle);
}

/* While one authority takes over from another, terminals hold both: either may speak. */
static void either_of_two_authorities_is_believed(void **state)
{
    (void)state;
    sotto_time_word word = {.utc_s = NOW_S, .nonce = {9}};
    kit_identity lapsed;
    kit_ok(sotto_time_sign(&word, stranger.key, NULL), NULL);
    kit_cause(sotto_time_check(&word, word.nonce, sotto_span_str(authority.cert), NULL), AUTH, NULL);
    kit_ok(sotto_time_check(&word, word.nonce, both(authority.cert, stranger.cert), NULL), NULL);
    kit_ok(sotto_time_check(&word, word.nonce, both(stranger.cert, authority.cert), NULL), NULL);
    kit_authority(&lapsed, "Lapsed", NOW_S - 90 * DAY_S, NOW_S - DAY_S);
    kit_ok(sotto_time_sign(&word, lapsed.key, NULL), NULL);
    kit_cause(sotto_time_check(&word, word.nonce, both(authority.cert, lapsed.cert), NULL), EXPIRED, NULL);
}

/* Where the authority's key is elsewhere, or not P-256: whom it gave a certificate of that name. */
static void sign_as(sotto_time_word *word, const char *name, const kit_identity *by)
{
    kit_identity signer;
    kit_issue(&signer, by, SOTTO_CERT_DEVICE, name, NULL, 0, NOW_S - DAY_S, NOW_S + DAY_S);
    memcpy(word->certificate, signer.cert, sizeof word->certificate);
    kit_ok(sotto_time_sign(word, signer.key, NULL), NULL);
}

static void a_signer_of_the_authority_is_believed(void **state)
{
    (void)state;
    sotto_time_word word = {.utc_s = NOW_S, .nonce = {9}};
    const sotto_span trusted = sotto_span_str(authority.cert);
    sign_as(&word, SOTTO_TIME_SIGNER, &authority);
    kit_ok(sotto_time_check(&word, word.nonce, trusted, NULL), NULL);
    kit_ok(sotto_time_check(&word, word.nonce, both(stranger.cert, authority.cert), NULL), NULL);
    word.nonce[0]++; /* another question, and signed by nobody */
    kit_cause(sotto_time_check(&word, word.nonce, trusted, NULL), AUTH, NULL);
    sign_as(&word, "atm-1", &authority); /* any device could tell the time */
    kit_cause(sotto_time_check(&word, word.nonce, trusted, NULL), AUTH, NULL);
    sign_as(&word, SOTTO_TIME_SIGNER, &stranger);
    kit_cause(sotto_time_check(&word, word.nonce, trusted, NULL), AUTH, NULL);
    word.utc_s = NOW_S + 2 * DAY_S;
    sign_as(&word, SOTTO_TIME_SIGNER, &authority);
    kit_cause(sotto_time_check(&word, word.nonce, trusted, NULL), EXPIRED, NULL);
    memcpy(word.certificate, authority.cert, sizeof word.certificate); /* an authority is no signer */
    kit_ok(sotto_time_sign(&word, authority.key, NULL), NULL);
    kit_cause(sotto_time_check(&word, word.nonce, trusted, NULL), AUTH, NULL);
}

/* The last letter of a base64 text has bits that mean nothing (RFC 4648 section 3.5): the same word. */
static bool is_same_word(const sotto_time_word *a, const sotto_time_word *b)
{
    sotto_cert_info one, other;
    kit_ok(sotto_cert_read(sotto_span_str(a->certificate), &one, NULL), NULL);
    kit_ok(sotto_cert_read(sotto_span_str(b->certificate), &other, NULL), NULL);
    return a->utc_s == b->utc_s && a->signature_len == b->signature_len &&
           memcmp(a->signature, b->signature, a->signature_len) == 0 &&
           memcmp(one.sha256, other.sha256, sizeof one.sha256) == 0;
}

static void a_signers_word_is_read_with_care(void **state)
{
    (void)state;
    static uint8_t memory[SOTTO_TIME_WORD_MAX], bad[SOTTO_TIME_WORD_MAX];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_time_word word = {.utc_s = NOW_S, .nonce = {9}}, read;
    sign_as(&word, SOTTO_TIME_SIGNER, &authority);
    kit_ok(sotto_time_write(&word, &out), NULL);
    kit_ok(sotto_time_read(&read, sotto_span_of(memory, out.len), NULL), NULL);
    kit_ok(sotto_time_check(&read, word.nonce, sotto_span_str(authority.cert), NULL), NULL);
    for (size_t i = 0; i < out.len; i += 5 * KIT_STRIDE) {
        assert_true(sotto_time_read(&read, sotto_span_of(memory, i), NULL) != SOTTO_OK);
        memcpy(bad, memory, out.len);
        bad[i] ^= 0x11;
        sotto_status st = sotto_time_read(&read, sotto_span_of(bad, out.len), NULL);
        if (st == SOTTO_OK)
            st = sotto_time_check(&read, word.nonce, sotto_span_str(authority.cert), NULL);
        assert_true(st != SOTTO_OK || is_same_word(&read, &word));
    }
    static const char *const odd[] = {"\"\"", "7", "\"a\\u0001b\"", "null"};
    for (size_t i = 0; i < SOTTO_COUNT(odd); i++) {
        int len = snprintf((char *)bad, sizeof bad,
                           "{\"utc_s\":1,\"nonce\":\"00000000000000000000000000000000\",\"signature\":\"00\","
                           "\"certificate\":%s}",
                           odd[i]);
        kit_cause(sotto_time_read(&read, sotto_span_of(bad, (size_t)len), NULL), MALFORMED, NULL);
    }
}

int main(void)
{
    kit_ok(sotto_vault_start(NULL), NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_clock_learns_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(an_honest_time_condemns_an_old_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_server_key_moves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(time_does_not_go_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_floor_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(words_are_read_with_care, setup, teardown),
        cmocka_unit_test_setup_teardown(either_of_two_authorities_is_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signer_of_the_authority_is_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signers_word_is_read_with_care, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
