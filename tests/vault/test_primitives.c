#include "vault_test.h"

static int start(void **state)
{
    (void)state;
    return sotto_vault_start(NULL) == SOTTO_OK ? 0 : -1;
}

static void starts_twice(void **state)
{
    (void)state;
    assert_ok(sotto_vault_start(NULL));
}

/* FIPS 180-4 examples: "abc" and the 448-bit message; the empty message. */
static const struct {
    const char *in, *out;
} SHA256[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void sha256_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(SHA256); i++) {
        uint8_t out[SOTTO_SHA256_BYTES];
        assert_ok(sotto_sha256(sotto_span_str(SHA256[i].in), out));
        assert_hex(out, sizeof out, SHA256[i].out);
    }
    uint8_t out[SOTTO_SHA256_BYTES];
    assert_ok(sotto_sha256(sotto_span_of(NULL, 0), out));
    assert_hex(out, sizeof out, SHA256[0].out);
}

static void sha256_in_pieces(void **state)
{
    (void)state;
    const char *text = SHA256[2].in;
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        sotto_sha256_stream *s;
        uint8_t out[SOTTO_SHA256_BYTES];
        assert_ok(sotto_sha256_begin(&s));
        assert_ok(sotto_sha256_update(s, sotto_span_of(text, cut)));
        assert_ok(sotto_sha256_update(s, sotto_span_of(NULL, 0)));
        assert_ok(sotto_sha256_update(s, sotto_span_str(text + cut)));
        assert_ok(sotto_sha256_end(s, out));
        assert_hex(out, sizeof out, SHA256[2].out);
    }
}

/* RFC 4231 cases 1, 2, 3 and 6; then the empty key and message (RFC 2104: a key is padded with zeros). */
static const struct {
    const char *key, *in, *sha256, *sha512;
} HMAC[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914"
     "e"
     "eb61f1702e696c203a126854"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a"
     "3"
     "4d4a6b4b636e070a38bce737"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a33"
     "7"
     "bee8942674278859e13292fb"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "a"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "a"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b65792046697"
     "27"
     "374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f7"
     "3"
     "f63f0aec8b915a985d786598"},
    {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", NULL},
};

static void hmac_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(HMAC); i++) {
        test_bytes key = from_hex(HMAC[i].key), in = from_hex(HMAC[i].in);
        uint8_t out[64];
        assert_ok(sotto_hmac_sha256(span_of(key), span_of(in), out));
        assert_hex(out, 32, HMAC[i].sha256);
        sotto_span head = {in.ptr, in.len / 3}, tail = {in.ptr + in.len / 3, in.len - in.len / 3};
        assert_ok(sotto_vault_hmac(256, span_of(key), head, tail, out));
        assert_hex(out, 32, HMAC[i].sha256);
        assert_ok(sotto_vault_hmac(512, span_of(key), head, tail, out));
        if (HMAC[i].sha512 != NULL)
            assert_hex(out, 64, HMAC[i].sha512);
        free(key.ptr);
        free(in.ptr);
    }
}

/* RFC 5869 A.1, A.2 (long) and A.3 (no salt, no info). */
static const struct {
    const char *secret, *salt, *info, *out;
} HKDF[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323"
     "3"
     "3435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f9091929"
     "3"
     "9495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e"
     "3"
     "e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da32756"
     "0"
     "0c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static void hkdf_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(HKDF); i++) {
        test_bytes secret = from_hex(HKDF[i].secret), salt = from_hex(HKDF[i].salt),
                   info = from_hex(HKDF[i].info);
        uint8_t out[128];
        size_t len = strlen(HKDF[i].out) / 2;
        assert_ok(sotto_hkdf_sha256(span_of(secret), span_of(salt), span_of(info), out, len));
        assert_hex(out, len, HKDF[i].out);
        free(secret.ptr);
        free(salt.ptr);
        free(info.ptr);
    }
}

static void hkdf_gives_at_most_255_blocks(void **state)
{
    (void)state;
    static uint8_t out[255 * 32 + 1];
    sotto_span secret = sotto_span_str("secret"), none = {NULL, 0};
    assert_ok(sotto_hkdf_sha256(secret, none, none, out, 255 * 32));
    memset(out, 0xee, sizeof out);
    assert_cause(sotto_hkdf_sha256(secret, none, none, out, sizeof out), RANGE);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 0);
    assert_ok(sotto_hkdf_sha256(secret, none, none, out, 0));
}

/* The inputs of RFC 6070 with SHA-256 and SHA-512 (results agree with Python's hashlib.pbkdf2_hmac). */
static const struct {
    int hash;
    uint32_t rounds;
    const char *out;
} PBKDF2[] = {
    {256, 1, "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"},
    {256, 4096, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"},
    {512, 1,
     "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d"
     "7"
     "d68b1da55e63f73b60a57fce"},
    {512, 2,
     "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53cf76cab2868a39b9f7840edce4fef5a82be67335"
     "c"
     "77a6068e04112754f27ccf4e"},
};

static void pbkdf2_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(PBKDF2); i++) {
        uint8_t out[64];
        size_t len = strlen(PBKDF2[i].out) / 2;
        assert_ok(sotto_vault_pbkdf2(PBKDF2[i].hash, sotto_span_str("password"), sotto_span_str("salt"),
                                     PBKDF2[i].rounds, out, len));
        assert_hex(out, len, PBKDF2[i].out);
    }
}

static void refuses_what_it_does_not_do(void **state)
{
    (void)state;
    uint8_t out[64] = {0}, key[32] = {0}, iv[16] = {0};
    sotto_span a = sotto_span_str("a");
    assert_cause(sotto_vault_hmac(1, a, a, a, out), UNSUPPORTED);
    assert_cause(sotto_vault_pbkdf2(1, a, a, 1, out, 20), UNSUPPORTED);
    assert_cause(sotto_vault_pbkdf2(512, a, a, 0, out, 20), USAGE);
    assert_cause(sotto_vault_aes256_cbc(true, key, iv, out, 15, out), USAGE);
}

/* NIST SP 800-38A F.2.5 and F.2.6. */
static const char AES_KEY[] = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
static const char AES_IV[] = "000102030405060708090a0b0c0d0e0f";
static const char AES_PLAIN[] =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
    "e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const char AES_CIPHER[] =
    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacf"
    "a530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b";

static void aes_cbc_examples(void **state)
{
    (void)state;
    test_bytes key = from_hex(AES_KEY), iv = from_hex(AES_IV), plain = from_hex(AES_PLAIN);
    uint8_t out[64];
    for (size_t len = 0; len <= sizeof out; len += 16) {
        char expected[129];
        (void)snprintf(expected, sizeof expected, "%.*s", (int)(2 * len), AES_CIPHER);
        assert_ok(sotto_vault_aes256_cbc(true, key.ptr, iv.ptr, plain.ptr, len, out));
        assert_hex(out, len, expected);
        assert_ok(sotto_vault_aes256_cbc(false, key.ptr, iv.ptr, out, len, out)); /* in place */
        assert_memory_equal(out, plain.ptr, len);
        assert_ok(sotto_vault_aes256_cbc(true, key.ptr, iv.ptr, out, len, out));
        assert_hex(out, len, expected);
    }
    free(key.ptr);
    free(iv.ptr);
    free(plain.ptr);
}

static void compares_and_wipes(void **state)
{
    (void)state;
    uint8_t a[33], b[33];
    memset(a, 7, sizeof a);
    memset(b, 7, sizeof b);
    assert_true(sotto_equal_secret(a, b, sizeof a));
    assert_true(sotto_equal_secret(NULL, NULL, 0));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] ^= (uint8_t)(1u << (i % 8));
        assert_false(sotto_equal_secret(a, b, sizeof a));
        assert_true(sotto_equal_secret(a, b, i));
        b[i] = a[i];
    }
    sotto_wipe(a, 32);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(a[i], 0);
    assert_int_equal(a[32], 7);
    sotto_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_twice),     cmocka_unit_test(sha256_examples),
        cmocka_unit_test(sha256_in_pieces), cmocka_unit_test(hmac_examples),
        cmocka_unit_test(hkdf_examples),    cmocka_unit_test(hkdf_gives_at_most_255_blocks),
        cmocka_unit_test(pbkdf2_examples),  cmocka_unit_test(refuses_what_it_does_not_do),
        cmocka_unit_test(aes_cbc_examples), cmocka_unit_test(compares_and_wipes),
    };
    return cmocka_run_group_tests_name("vault.primitives", tests, start, NULL);
}
