/* Ed25519: the vectors of RFC 8032 section 7.1, and what a strict verifier refuses (RFC 8032 section 5.1.7;
 * "Taming the many EdDSAs", Chalkias, Garillot and Nikolaenko 2020, section 5). */
#include "vault_test.h"

typedef struct vector {
    const char *key, *message, *signature;
} vector;

static const vector VECTORS[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f"
     "0595bbe2465"
     "5141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2ea"
     "eb4302aeeb0"
     "0d291612bb0c00"},
    {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e"
     "9716ed28dc0"
     "27beceea1ec40a"},
    {"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d442"
     "3643ce80e2a"
     "9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179"
     "c138ac17ad9"
     "bef1177331a704"},
};

static sotto_status verify(const char *key, test_bytes message, test_bytes signature)
{
    return sotto_public_verify(SOTTO_SIG_ED25519, sotto_span_str(key), span_of(message), span_of(signature),
                               NULL);
}

static void release(test_bytes a, test_bytes b)
{
    free(a.ptr);
    free(b.ptr);
}

static void rfc_8032_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(VECTORS); i++) {
        test_bytes message = from_hex(VECTORS[i].message), signature = from_hex(VECTORS[i].signature);
        assert_ok(verify(VECTORS[i].key, message, signature));
        for (size_t j = 0; j < SOTTO_COUNT(VECTORS); j++)
            if (j != i)
                assert_cause(verify(VECTORS[j].key, message, signature), AUTH);
        release(message, signature);
    }
}

static void every_flipped_or_missing_byte_is_refused(void **state)
{
    (void)state;
    test_bytes message = from_hex(VECTORS[2].message), signature = from_hex(VECTORS[2].signature);
    for (size_t i = 0; i < signature.len; i++) {
        signature.ptr[i] ^= (uint8_t)(1u << (i % 8));
        assert_cause(verify(VECTORS[2].key, message, signature), AUTH);
        signature.ptr[i] ^= (uint8_t)(1u << (i % 8));
        assert_cause(verify(VECTORS[2].key, message, (test_bytes){signature.ptr, i}), AUTH);
    }
    message.ptr[0] ^= 1;
    assert_cause(verify(VECTORS[2].key, message, signature), AUTH);
    release(message, signature);
}

/* S + L signs the same for a verifier that does not look: a second signature nobody made. */
static void s_must_be_below_the_order(void **state)
{
    (void)state;
    test_bytes order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    test_bytes message = from_hex(VECTORS[1].message), signature = from_hex(VECTORS[1].signature);
    unsigned carry = 0;
    for (size_t i = 0; i < order.len; i++) {
        carry += (unsigned)signature.ptr[32 + i] + order.ptr[i];
        signature.ptr[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_cause(verify(VECTORS[1].key, message, signature), AUTH);
    release(message, signature);
    free(order.ptr);
}

/* Points of order 1, 2, 4 and 8, and y = p, p + 1 (the same points in a second form): with such a key, one
 * signature can hold for every message. Here R is the neutral element and S is 0. */
static void keys_of_small_order_are_refused(void **state)
{
    static const char *const keys[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    static const uint8_t messages[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t signature[64] = {1};
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(keys); i++)
        for (size_t j = 0; j < sizeof messages; j++)
            assert_cause(sotto_public_verify(SOTTO_SIG_ED25519, sotto_span_str(keys[i]),
                                             sotto_span_of(&messages[j], 1),
                                             sotto_span_of(signature, sizeof signature), NULL),
                         AUTH);
}

static void keys_are_64_hex_digits(void **state)
{
    static const char *const bad[] = {"",
                                      "d7",
                                      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511",
                                      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a00",
                                      "g75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                                      "-----BEGIN PUBLIC KEY-----"};
    (void)state;
    test_bytes message = from_hex(VECTORS[0].message), signature = from_hex(VECTORS[0].signature);
    uint8_t id[SOTTO_SHA256_BYTES];
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++) {
        assert_cause(verify(bad[i], message, signature), MALFORMED);
        assert_cause(sotto_public_id(SOTTO_SIG_ED25519, sotto_span_str(bad[i]), id, NULL), MALFORMED);
    }
    release(message, signature);
}

/* The id does not depend on how the key is written; another key has another. */
static void a_key_has_one_id(void **state)
{
    static const char upper[] = "D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A";
    uint8_t a[SOTTO_SHA256_BYTES], b[SOTTO_SHA256_BYTES];
    (void)state;
    assert_ok(sotto_public_id(SOTTO_SIG_ED25519, sotto_span_str(VECTORS[0].key), a, NULL));
    assert_ok(sotto_public_id(SOTTO_SIG_ED25519, sotto_span_str(upper), b, NULL));
    assert_memory_equal(a, b, sizeof a);
    assert_ok(sotto_public_id(SOTTO_SIG_ED25519, sotto_span_str(VECTORS[1].key), b, NULL));
    assert_memory_not_equal(a, b, sizeof a);
}

/* P-256 as PEM, and as the point in hex, as some repositories write it. */
static void a_point_in_hex_is_the_same_key(void **state)
{
    /* The public key of d = 1: the generator of P-256 (FIPS 186-4 D.1.2.3). */
    static const char point[] = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                                "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
                              "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
                              "-----END PUBLIC KEY-----\n";
    uint8_t a[SOTTO_SHA256_BYTES], b[SOTTO_SHA256_BYTES];
    char off[sizeof point];
    (void)state;
    assert_ok(sotto_public_id(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(point), a, NULL));
    assert_ok(sotto_public_id(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(pem), b, NULL));
    assert_memory_equal(a, b, sizeof a);
    memcpy(off, point, sizeof off);
    off[sizeof off - 2] = '4'; /* not on the curve */
    assert_true(sotto_public_id(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(off), a, NULL) != SOTTO_OK);
    assert_cause(sotto_public_id(SOTTO_SIG_RSASSA_PSS_SHA256, sotto_span_str(point), a, NULL), MALFORMED);
}

static int start(void **state)
{
    (void)state;
    return sotto_vault_start(NULL) == SOTTO_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_8032_vectors),
        cmocka_unit_test(every_flipped_or_missing_byte_is_refused),
        cmocka_unit_test(s_must_be_below_the_order),
        cmocka_unit_test(keys_of_small_order_are_refused),
        cmocka_unit_test(keys_are_64_hex_digits),
        cmocka_unit_test(a_key_has_one_id),
        cmocka_unit_test(a_point_in_hex_is_the_same_key),
    };
    return cmocka_run_group_tests_name("vault.ed25519", tests, start, NULL);
}
