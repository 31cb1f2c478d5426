#include "openssl.h"
#include "vault_test.h"

static int start(void **state)
{
    (void)state;
    return sotto_vault_start(NULL) == SOTTO_OK ? 0 : -1;
}

static char key_pem[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];

/* A key from known entropy: the private key is then 01 02 .. 20. */
static void make_known_key(uint8_t first)
{
    sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    assert_ok(sotto_keypair_make(&entropy, key_pem, NULL));
    assert_ok(sotto_keypair_public_pem(key_pem, public_pem, NULL));
}

static void a_key_comes_from_the_given_entropy_alone(void **state)
{
    (void)state;
    char again[SOTTO_PEM_MAX];
    uint8_t first = 1;
    sotto_entropy entropy = {.ctx = &first, .fill = count_up}, none = {.ctx = NULL, .fill = no_entropy};
    sotto_diag diag = {0};
    make_known_key(1);
    assert_ok(sotto_keypair_make(&entropy, again, NULL));
    assert_string_equal(key_pem, again);
    assert_non_null(strstr(key_pem, "PRIVATE KEY-----"));
    assert_non_null(strstr(public_pem, "-----BEGIN PUBLIC KEY-----"));
    assert_null(strstr(public_pem, "PRIVATE"));
    assert_cause(sotto_keypair_make(&none, again, &diag), IO);
    assert_string_equal(again, "");
}

static void signs_and_verifies(void **state)
{
    (void)state;
    uint8_t signature[SOTTO_DER_SIGNATURE_MAX], again[SOTTO_DER_SIGNATURE_MAX];
    size_t len = 0, again_len = 0;
    sotto_span message = sotto_span_str("{\"signed\":{}}");
    make_known_key(1);
    assert_ok(sotto_keypair_sign(key_pem, message, signature, sizeof signature, &len, NULL));
    assert_ok(sotto_keypair_sign(key_pem, message, again, sizeof again, &again_len, NULL));
    assert_true(len > 64 && len <= 72 && len == again_len);
    assert_memory_equal(signature, again, len); /* deterministic */
    sotto_span key = sotto_span_str(public_pem), signed_by = {signature, len};
    assert_ok(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, key, message, signed_by, NULL));
    assert_cause(
        sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, key, sotto_span_str("other"), signed_by, NULL),
        AUTH);
    make_known_key(2);
    assert_cause(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(public_pem), message,
                                     signed_by, NULL),
                 AUTH);
}

static void every_flipped_or_missing_byte_is_refused(void **state)
{
    (void)state;
    uint8_t signature[SOTTO_DER_SIGNATURE_MAX];
    size_t len = 0;
    sotto_span message = sotto_span_str("m");
    make_known_key(1);
    sotto_span key = sotto_span_str(public_pem);
    assert_ok(sotto_keypair_sign(key_pem, message, signature, sizeof signature, &len, NULL));
    for (size_t i = 0; i < len; i++) {
        signature[i] ^= (uint8_t)(1u << (i % 8));
        assert_cause(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, key, message,
                                         sotto_span_of(signature, len), NULL),
                     AUTH);
        signature[i] ^= (uint8_t)(1u << (i % 8));
        assert_cause(
            sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, key, message, sotto_span_of(signature, i), NULL),
            AUTH);
    }
    signature[len] = 0; /* one byte too many */
    assert_cause(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, key, message,
                                     sotto_span_of(signature, len + 1), NULL),
                 AUTH);
}

static void small_rooms_and_bad_keys_are_refused(void **state)
{
    (void)state;
    uint8_t signature[SOTTO_DER_SIGNATURE_MAX];
    char out[SOTTO_PEM_MAX], long_text[SOTTO_PEM_MAX + 10];
    size_t len = 99;
    sotto_span m = sotto_span_str("m"), none = {NULL, 0};
    sotto_diag diag = {0};
    make_known_key(1);
    assert_cause(sotto_keypair_sign(key_pem, m, signature, 71, &len, &diag), NO_SPACE);
    assert_int_equal(len, 0);
    assert_cause(sotto_keypair_sign("", m, signature, sizeof signature, &len, &diag), MALFORMED);
    assert_cause(sotto_keypair_sign(public_pem, m, signature, sizeof signature, &len, &diag), MALFORMED);
    assert_cause(sotto_keypair_public_pem("-----BEGIN EC PRIVATE KEY-----\n", out, &diag), MALFORMED);
    assert_string_equal(out, "");
    memset(long_text, 'A', sizeof long_text);
    assert_cause(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_of(long_text, sizeof long_text),
                                     m, m, &diag),
                 RANGE);
    assert_cause(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, none, m, m, &diag), MALFORMED);
    sotto_span key = sotto_span_str(public_pem);
    assert_cause(sotto_public_verify(SOTTO_SIG_RSASSA_PSS_SHA256, key, m, m, &diag), UNSUPPORTED);
    assert_cause(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, key, m, none, &diag), AUTH);
    assert_cause(sotto_public_verify((enum sotto_sig_scheme)7, key, m, m, &diag), USAGE);
    for (size_t cut = 0; cut + 1 < key.len; cut++) /* only the last line feed may be missing */
        assert_int_not_equal(
            sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_of(public_pem, cut), m, m, NULL),
            SOTTO_OK);
}

/* ---- openssl as the other side ---- */

static void openssl_verifies_ours(void **state)
{
    (void)state;
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    uint8_t signature[SOTTO_DER_SIGNATURE_MAX];
    size_t len = 0;
    make_known_key(1);
    assert_ok(
        sotto_keypair_sign(key_pem, sotto_span_str("message"), signature, sizeof signature, &len, NULL));
    workshop_put(&w, "key.pem", key_pem, strlen(key_pem));
    workshop_put(&w, "public.pem", public_pem, strlen(public_pem));
    workshop_put(&w, "message", "message", 7);
    workshop_put(&w, "signature", signature, len);
    assert_true(openssl(&w, "dgst -sha256 -verify public.pem -signature signature message"));
    assert_true(openssl(&w, "ec -in key.pem -check -noout"));
    assert_true(openssl(&w, "ec -in key.pem -text -noout"));
    assert_said(&w, "01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f"); /* the entropy, as it was given */
    assert_said(&w, "prime256v1");
    workshop_close(&w);
}

static void verify_openssl(const workshop *w, enum sotto_sig_scheme scheme, const char *sign,
                           enum sotto_cause cause)
{
    char pem[SOTTO_PEM_MAX], signature[1024];
    workshop_put(w, "message", "message", 7);
    assert_true(openssl(w, "pkey -in key.pem -pubout -out public.pem"));
    assert_true(openssl(w, sign));
    size_t len = workshop_get(w, "public.pem", pem, sizeof pem);
    size_t signature_len = workshop_get(w, "signature", signature, sizeof signature);
    sotto_span key = {(const uint8_t *)pem, len};
    sotto_span by = {(const uint8_t *)signature, signature_len};
    sotto_diag diag = {0};
    sotto_status status = sotto_public_verify(scheme, key, sotto_span_str("message"), by, &diag);
    assert_int_equal(sotto_status_cause(status), cause);
    if (cause == 0)
        assert_cause(sotto_public_verify(scheme, key, sotto_span_str("massage"), by, NULL), AUTH);
}

static const char SIGN[] = "dgst -sha256 -sign key.pem -out signature message";
static const char SIGN_PSS[] = "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest "
                               "-sign key.pem -out signature message";
static const char SIGN_PSS_MAX[] = "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max "
                                   "-sign key.pem -out signature message";

static void verifies_openssl(void **state)
{
    (void)state;
    const enum sotto_cause ok = (enum sotto_cause)0;
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    assert_true(openssl(&w, "ecparam -name prime256v1 -genkey -noout -out key.pem"));
    verify_openssl(&w, SOTTO_SIG_ECDSA_P256_SHA256, SIGN, ok);
    assert_true(openssl(&w, "ecparam -name secp384r1 -genkey -noout -out key.pem"));
    verify_openssl(&w, SOTTO_SIG_ECDSA_P256_SHA256, SIGN, SOTTO_CAUSE_UNSUPPORTED);
    assert_true(openssl(&w, "ecparam -name secp521r1 -genkey -noout -out key.pem"));
    verify_openssl(&w, SOTTO_SIG_ECDSA_P256_SHA256, SIGN, SOTTO_CAUSE_UNSUPPORTED);
    assert_true(openssl(&w, "genrsa -out key.pem 2048"));
    verify_openssl(&w, SOTTO_SIG_RSASSA_PSS_SHA256, SIGN_PSS, ok);
    verify_openssl(&w, SOTTO_SIG_RSASSA_PSS_SHA256, SIGN_PSS_MAX, ok);
    verify_openssl(&w, SOTTO_SIG_RSASSA_PSS_SHA256, SIGN,
                   SOTTO_CAUSE_AUTH); /* PKCS#1 v1.5 is another scheme */
    verify_openssl(&w, SOTTO_SIG_ECDSA_P256_SHA256, SIGN, SOTTO_CAUSE_UNSUPPORTED);
    assert_true(openssl(&w, "genrsa -out key.pem 1024"));
    verify_openssl(&w, SOTTO_SIG_RSASSA_PSS_SHA256, SIGN_PSS, SOTTO_CAUSE_UNSUPPORTED);
    workshop_close(&w);
}

static void reads_other_forms_of_private_keys(void **state)
{
    (void)state;
    char pem[SOTTO_PEM_MAX];
    uint8_t signature[SOTTO_DER_SIGNATURE_MAX];
    size_t len = 0;
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    assert_true(
        openssl(&w, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")); /* PKCS#8 */
    (void)workshop_get(&w, "key.pem", pem, sizeof pem);
    assert_ok(sotto_keypair_sign(pem, sotto_span_str("m"), signature, sizeof signature, &len, NULL));
    assert_ok(sotto_keypair_public_pem(pem, public_pem, NULL));
    assert_ok(sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(public_pem),
                                  sotto_span_str("m"), sotto_span_of(signature, len), NULL));
    assert_true(openssl(&w, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem"));
    (void)workshop_get(&w, "key.pem", pem, sizeof pem);
    assert_cause(sotto_keypair_sign(pem, sotto_span_str("m"), signature, sizeof signature, &len, NULL),
                 UNSUPPORTED);
    assert_true(openssl(&w, "genpkey -algorithm ED25519 -out key.pem"));
    (void)workshop_get(&w, "key.pem", pem, sizeof pem);
    assert_cause(sotto_keypair_sign(pem, sotto_span_str("m"), signature, sizeof signature, &len, NULL),
                 UNSUPPORTED);
    workshop_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_comes_from_the_given_entropy_alone),
        cmocka_unit_test(signs_and_verifies),
        cmocka_unit_test(every_flipped_or_missing_byte_is_refused),
        cmocka_unit_test(small_rooms_and_bad_keys_are_refused),
        cmocka_unit_test(openssl_verifies_ours),
        cmocka_unit_test(verifies_openssl),
        cmocka_unit_test(reads_other_forms_of_private_keys),
    };
    return cmocka_run_group_tests_name("vault.keypair", tests, start, NULL);
}
