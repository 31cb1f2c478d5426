/* HPKE against the vectors of RFC 9180, appendix A.3.1, and with everything that is sent changed. */
#include "sotto/hpke.h"

#include "vault_test.h"

#define INFO  "4f6465206f6e2061204772656369616e2055726e"
#define PLAIN "4265617574792069732074727574682c20747275746820626561757479"

static const char IKM_E[] = "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e";
static const char IKM_R[] = "668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550";
static const char SK_E[] = "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb";
static const char SK_R[] = "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2";
static const char PK_E[] = "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9"
                           "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4";
static const char PK_R[] = "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82"
                           "6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0";
static const struct {
    uint64_t seq;
    const char *aad, *sealed;
} MESSAGES[] = {
    {0, "436f756e742d30",
     "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434"},
    {1, "436f756e742d31",
     "fa6f037b47fc21826b610172ca9637e82d6e5801eb31cbd3748271affd4ecb06646e0329cbdf3c3cd655b28e82"},
    {2, "436f756e742d32",
     "895cabfac50ce6c6eb02ffe6c048bf53b7f7be9a91fc559402cbc5b8dcaeb52b2ccc93e466c28fb55fed7a7fec"},
    {4, "436f756e742d34",
     "8787491ee8df99bc99a246c4b3216d3d57ab5076e18fa27133f520703bc70ec999dd36ce042e44f0c3169a6a8f"}};

static void hex_is(const uint8_t *bytes, size_t len, const char *hex)
{
    test_bytes want = from_hex(hex);
    assert_int_equal(want.len, len);
    assert_memory_equal(bytes, want.ptr, len);
    free(want.ptr);
}

/* The entropy of the RFC: what the ephemeral key is derived from. */
static sotto_status fill_ikm(void *ctx, void *buf, size_t len)
{
    test_bytes ikm = from_hex(ctx);
    assert_int_equal(len, ikm.len);
    memcpy(buf, ikm.ptr, len);
    free(ikm.ptr);
    return SOTTO_OK;
}

static sotto_status fill_nothing(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0x5a, len);
    return SOTTO_ERR(PORT, IO);
}

static const sotto_entropy KNOWN = {(void *)(uintptr_t)IKM_E, fill_ikm};
static const sotto_entropy BROKEN = {NULL, fill_nothing};

static void keys_of_the_rfc(void **state)
{
    uint8_t private_key[SOTTO_HPKE_PRIVATE_BYTES], public_key[SOTTO_HPKE_PUBLIC_BYTES];
    const char *const cases[][3] = {{IKM_E, SK_E, PK_E}, {IKM_R, SK_R, PK_R}};
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        test_bytes ikm = from_hex(cases[i][0]);
        assert_ok(sotto_hpke_derive_keypair(span_of(ikm), private_key, public_key));
        hex_is(private_key, sizeof private_key, cases[i][1]);
        hex_is(public_key, sizeof public_key, cases[i][2]);
        assert_cause(sotto_hpke_derive_keypair(sotto_span_of(ikm.ptr, 31), private_key, public_key), RANGE);
        free(ikm.ptr);
    }
    assert_ok(sotto_hpke_keypair(&KNOWN, private_key, public_key));
    hex_is(public_key, sizeof public_key, PK_E);
}

static void messages_of_the_rfc(void **state)
{
    test_bytes info = from_hex(INFO), plain = from_hex(PLAIN), to = from_hex(PK_R), from = from_hex(SK_R);
    uint8_t enc[SOTTO_HPKE_ENC_BYTES], room[64];
    sotto_hpke_context sender, recipient;
    (void)state;
    assert_ok(sotto_hpke_begin_seal(&sender, enc, to.ptr, span_of(info), &KNOWN));
    hex_is(enc, sizeof enc, PK_E);
    hex_is(sender.key, sizeof sender.key, "868c066ef58aae6dc589b6cfdd18f97e");
    hex_is(sender.base_nonce, sizeof sender.base_nonce, "4e0bc5018beba4bf004cca59");
    hex_is(sender.exporter_secret, 32, "14ad94af484a7ad3ef40e9f3be99ecc6fa9036df9d4920548424df127ee0d99f");
    assert_ok(sotto_hpke_begin_open(&recipient, from.ptr, enc, span_of(info)));
    assert_memory_equal(&sender, &recipient, sizeof sender);
    for (size_t i = 0; i < SOTTO_COUNT(MESSAGES); i++) {
        test_bytes aad = from_hex(MESSAGES[i].aad), sealed = from_hex(MESSAGES[i].sealed);
        sotto_buf out = sotto_buf_of(room, plain.len + SOTTO_HPKE_TAG_BYTES);
        sender.seq = recipient.seq = MESSAGES[i].seq;
        assert_ok(sotto_hpke_context_seal(&sender, span_of(aad), span_of(plain), &out));
        hex_is(room, out.len, MESSAGES[i].sealed);
        out.len = 0;
        assert_ok(sotto_hpke_context_open(&recipient, span_of(aad), span_of(sealed), &out));
        hex_is(room, out.len, PLAIN);
        assert_true(sender.seq == MESSAGES[i].seq + 1 && recipient.seq == sender.seq);
        free(aad.ptr);
        free(sealed.ptr);
    }
    sotto_hpke_end(&sender);
    sotto_hpke_end(&recipient);
    free(info.ptr);
    free(plain.ptr);
    free(to.ptr);
    free(from.ptr);
}

static void exports_of_the_rfc(void **state)
{
    test_bytes info = from_hex(INFO), to = from_hex(PK_R);
    static const struct {
        const char *context, *value;
    } CASES[] = {
        {"", "5e9bc3d236e1911d95e65b576a8a86d478fb827e8bdfe77b741b289890490d4d"},
        {"54657374436f6e74657874", "d8f1ea7942adbba7412c6d431c62d01371ea476b823eb697e1f6e6cae1dab85a"}};
    uint8_t enc[SOTTO_HPKE_ENC_BYTES], out[SOTTO_HPKE_EXPORT_BYTES],
        long_context[SOTTO_HPKE_EXPORT_MAX + 1] = {0};
    sotto_hpke_context sender;
    (void)state;
    assert_ok(sotto_hpke_begin_seal(&sender, enc, to.ptr, span_of(info), &KNOWN));
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        test_bytes context = from_hex(CASES[i].context);
        assert_ok(sotto_hpke_export(&sender, span_of(context), out));
        hex_is(out, sizeof out, CASES[i].value);
        free(context.ptr);
    }
    assert_ok(sotto_hpke_export(&sender, sotto_span_of(long_context, SOTTO_HPKE_EXPORT_MAX), out));
    assert_cause(sotto_hpke_export(&sender, sotto_span_of(long_context, sizeof long_context), out), RANGE);
    free(info.ptr);
    free(to.ptr);
}

/* What is sealed to one key, opened by it: every length, empty ones too. */
static void there_and_back(void **state)
{
    test_bytes to = from_hex(PK_R), from = from_hex(SK_R);
    uint8_t plain[70], sealed[70 + SOTTO_HPKE_OVERHEAD], opened[70];
    (void)state;
    memset(plain, 0x33, sizeof plain);
    for (size_t len = 0; len <= sizeof plain; len++) {
        sotto_span aad = sotto_span_of(plain, len % 5), info = sotto_span_of(plain, len % 3);
        sotto_buf out = sotto_buf_of(sealed, len + SOTTO_HPKE_OVERHEAD);
        assert_ok(sotto_hpke_seal(to.ptr, info, aad, sotto_span_of(plain, len), &KNOWN, &out));
        assert_int_equal(out.len, len + SOTTO_HPKE_OVERHEAD);
        sotto_buf back = sotto_buf_of(opened, len);
        assert_ok(sotto_hpke_open(from.ptr, info, aad, sotto_buf_span(&out), &back));
        assert_int_equal(back.len, len);
        assert_memory_equal(opened, plain, len);
        out = sotto_buf_of(sealed, len + SOTTO_HPKE_OVERHEAD - 1);
        assert_cause(sotto_hpke_seal(to.ptr, info, aad, sotto_span_of(plain, len), &KNOWN, &out), NO_SPACE);
        assert_int_equal(out.len, 0);
    }
    free(to.ptr);
    free(from.ptr);
}

static void changes_are_refused(void **state)
{
    test_bytes to = from_hex(PK_R), from = from_hex(SK_R), other = from_hex(SK_E);
    uint8_t sealed[20 + SOTTO_HPKE_OVERHEAD], opened[20];
    const sotto_span info = sotto_span_str("task 7"), aad = sotto_span_str("report 9");
    sotto_buf out = sotto_buf_of(sealed, sizeof sealed), back = sotto_buf_of(opened, sizeof opened);
    (void)state;
    assert_ok(sotto_hpke_seal(to.ptr, info, aad, sotto_span_str("twenty bytes of text"), &KNOWN, &out));
    for (size_t i = 0; i < out.len; i++) {
        sealed[i] ^= (uint8_t)(1u << i % 8);
        int cause = sotto_status_cause(sotto_hpke_open(from.ptr, info, aad, sotto_buf_span(&out), &back));
        assert_true(cause == (i < SOTTO_HPKE_ENC_BYTES ? SOTTO_CAUSE_MALFORMED : SOTTO_CAUSE_AUTH));
        sealed[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t len = 0; len < out.len; len++) {
        int cause =
            sotto_status_cause(sotto_hpke_open(from.ptr, info, aad, sotto_span_of(sealed, len), &back));
        assert_true(cause == (len < SOTTO_HPKE_OVERHEAD ? SOTTO_CAUSE_TRUNCATED : SOTTO_CAUSE_AUTH));
    }
    assert_cause(sotto_hpke_open(other.ptr, info, aad, sotto_buf_span(&out), &back), AUTH);
    assert_cause(sotto_hpke_open(from.ptr, aad, aad, sotto_buf_span(&out), &back), AUTH);
    assert_cause(sotto_hpke_open(from.ptr, info, info, sotto_buf_span(&out), &back), AUTH);
    assert_int_equal(back.len, 0);
    back.cap--;
    assert_cause(sotto_hpke_open(from.ptr, info, aad, sotto_buf_span(&out), &back), NO_SPACE);
    back.cap++;
    assert_ok(sotto_hpke_open(from.ptr, info, aad, sotto_buf_span(&out), &back));
    free(to.ptr);
    free(from.ptr);
    free(other.ptr);
}

static void bad_keys_and_no_entropy(void **state)
{
    test_bytes to = from_hex(PK_R);
    uint8_t room[SOTTO_HPKE_OVERHEAD], private_key[SOTTO_HPKE_PRIVATE_BYTES] = {0};
    uint8_t public_key[SOTTO_HPKE_PUBLIC_BYTES], enc[SOTTO_HPKE_ENC_BYTES];
    sotto_buf out = sotto_buf_of(room, sizeof room);
    const sotto_span none = sotto_span_of(NULL, 0);
    const sotto_hpke_context zeros = {.seq = 0};
    sotto_hpke_context context;
    (void)state;
    assert_cause(sotto_hpke_seal(to.ptr, none, none, none, &BROKEN, &out), IO);
    assert_cause(sotto_hpke_keypair(&BROKEN, private_key, public_key), IO);
    assert_cause(sotto_hpke_public_key(private_key, public_key), MALFORMED); /* 0 */
    memset(private_key, 0xff, sizeof private_key);
    assert_cause(sotto_hpke_public_key(private_key, public_key), MALFORMED); /* above n */
    assert_cause(sotto_hpke_begin_open(&context, private_key, to.ptr, none), MALFORMED);
    assert_memory_equal(&context, &zeros, sizeof zeros);
    to.ptr[64] ^= 1; /* no longer on the curve */
    assert_cause(sotto_hpke_seal(to.ptr, none, none, none, &KNOWN, &out), MALFORMED);
    assert_cause(sotto_hpke_begin_seal(&context, enc, to.ptr, none, &KNOWN), MALFORMED);
    assert_memory_equal(&context, &zeros, sizeof zeros);
    to.ptr[64] ^= 1;
    assert_int_equal(out.len, 0);
    assert_ok(sotto_hpke_begin_seal(&context, enc, to.ptr, none, &KNOWN));
    context.seq = UINT64_MAX;
    assert_cause(sotto_hpke_context_seal(&context, none, none, &out), RANGE);
    assert_cause(sotto_hpke_context_open(&context, none, sotto_span_of(room, 16), &out), RANGE);
    free(to.ptr);
}

static int start(void **state)
{
    (void)state;
    return sotto_vault_start(NULL) == SOTTO_OK ? 0 : -1;
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(keys_of_the_rfc),     cmocka_unit_test(messages_of_the_rfc),
        cmocka_unit_test(exports_of_the_rfc),  cmocka_unit_test(there_and_back),
        cmocka_unit_test(changes_are_refused), cmocka_unit_test(bad_keys_and_no_entropy)};
    return cmocka_run_group_tests(TESTS, start, NULL);
}
