/* Do the third-party libraries, as toolchain/ configures them, do what the rooms build on?  One test for each
 * promise of toolchain/README.md; the libraries' own correctness is their projects' business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <cbor.h>
#include <llhttp.h>
#include <lz4frame.h>
#include <mbedtls/error.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <psa/crypto.h>
#include <sqlcipher_provider.h>
#include <sqlite3.h>
#include <yyjson.h>

static void time_is_64_bits(void **state)
{
    (void)state;
    assert_int_equal(sizeof(time_t), 8);
}

/* RFC 7914 section 11: PBKDF2-HMAC-SHA-256, "passwd", "salt", one iteration. */
static void psa_derives_by_pbkdf2(void **state)
{
    static const uint8_t expected[16] = {0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f,
                                         0xec, 0x16, 0x91, 0xc2, 0x25, 0x44, 0xb6, 0x05};
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t out[16];

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_setup(&op, PSA_ALG_PBKDF2_HMAC(PSA_ALG_SHA_256)), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_integer(&op, PSA_KEY_DERIVATION_INPUT_COST, 1), PSA_SUCCESS);
    assert_int_equal(
        psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SALT, (const uint8_t *)"salt", 4),
        PSA_SUCCESS);
    assert_int_equal(
        psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_PASSWORD, (const uint8_t *)"passwd", 6),
        PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, sizeof(out)), PSA_SUCCESS);
    psa_key_derivation_abort(&op);
    assert_memory_equal(out, expected, sizeof(out));
}

/* Generates a key of the curve, signs with it deterministically twice, verifies. */
static void sign_and_verify(psa_key_bits_t bits, psa_algorithm_t alg)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0;
    uint8_t first[96], second[96];
    size_t first_len = 0, second_len = 0;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, bits);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE);
    psa_set_key_algorithm(&attributes, alg);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_generate_key(&attributes, &key), PSA_SUCCESS);
    assert_int_equal(
        psa_sign_message(key, alg, (const uint8_t *)"sotto", 5, first, sizeof(first), &first_len),
        PSA_SUCCESS);
    assert_int_equal(
        psa_sign_message(key, alg, (const uint8_t *)"sotto", 5, second, sizeof(second), &second_len),
        PSA_SUCCESS);
    assert_int_equal(first_len, second_len);
    assert_memory_equal(first, second, first_len);
    assert_int_equal(psa_verify_message(key, alg, (const uint8_t *)"sotto", 5, first, first_len),
                     PSA_SUCCESS);
    assert_int_equal(psa_verify_message(key, alg, (const uint8_t *)"Sotto", 5, first, first_len),
                     PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static void psa_signs_on_both_curves(void **state)
{
    (void)state;
    sign_and_verify(256, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256));
    sign_and_verify(384, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_384));
}

static void seals_with(psa_key_type_t type, psa_algorithm_t alg)
{
    static const uint8_t key_bytes[32] = {1}, nonce[12] = {2};
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0;
    uint8_t sealed[5 + 16], opened[5];
    size_t sealed_len = 0, opened_len = 0;

    psa_set_key_type(&attributes, type);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    psa_set_key_algorithm(&attributes, alg);
    assert_int_equal(psa_import_key(&attributes, key_bytes, sizeof(key_bytes), &key), PSA_SUCCESS);
    assert_int_equal(psa_aead_encrypt(key, alg, nonce, sizeof(nonce), NULL, 0, (const uint8_t *)"sotto", 5,
                                      sealed, sizeof(sealed), &sealed_len),
                     PSA_SUCCESS);
    assert_int_equal(psa_aead_decrypt(key, alg, nonce, sizeof(nonce), NULL, 0, sealed, sealed_len, opened,
                                      sizeof(opened), &opened_len),
                     PSA_SUCCESS);
    assert_memory_equal(opened, "sotto", 5);
    sealed[0] ^= 1;
    assert_int_equal(psa_aead_decrypt(key, alg, nonce, sizeof(nonce), NULL, 0, sealed, sealed_len, opened,
                                      sizeof(opened), &opened_len),
                     PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static void psa_seals(void **state)
{
    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    seals_with(PSA_KEY_TYPE_AES, PSA_ALG_GCM);
    seals_with(PSA_KEY_TYPE_CHACHA20, PSA_ALG_CHACHA20_POLY1305);
}

/* What is not asked for is not there: SHA-1 and MD5 must be refused, not merely unused. */
static void psa_has_no_old_hashes(void **state)
{
    uint8_t digest[32];
    size_t len = 0;

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_1, NULL, 0, digest, sizeof(digest), &len),
                     PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_hash_compute(PSA_ALG_MD5, NULL, 0, digest, sizeof(digest), &len),
                     PSA_ERROR_NOT_SUPPORTED);
}

static void tls_is_1_3_alone(void **state)
{
    mbedtls_ssl_config server, client;

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    mbedtls_ssl_config_init(&server);
    mbedtls_ssl_config_init(&client);
    assert_int_equal(mbedtls_ssl_config_defaults(&server, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    assert_int_equal(mbedtls_ssl_config_defaults(&client, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    assert_int_equal(server.MBEDTLS_PRIVATE(min_tls_version), MBEDTLS_SSL_VERSION_TLS1_3);
    assert_int_equal(client.MBEDTLS_PRIVATE(min_tls_version), MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_config_free(&server);
    mbedtls_ssl_config_free(&client);
}

static unsigned allocations_left;

static void *failing_calloc(size_t count, size_t size)
{
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left--;
    return calloc(count, size);
}

static void mbedtls_memory_can_fail(void **state)
{
    mbedtls_x509_crt crt;
    static const unsigned char not_a_certificate[] = {0x30, 0x03, 0x02, 0x01, 0x00};

    (void)state;
    allocations_left = 0;
    assert_int_equal(mbedtls_platform_set_calloc_free(failing_calloc, free), 0);
    mbedtls_x509_crt_init(&crt);
    assert_int_equal(mbedtls_x509_crt_parse_der(&crt, not_a_certificate, sizeof(not_a_certificate)),
                     MBEDTLS_ERR_X509_ALLOC_FAILED);
    mbedtls_x509_crt_free(&crt);
    assert_int_equal(mbedtls_platform_set_calloc_free(calloc, free), 0);
}

static mbedtls_time_t noon_of_day_one(mbedtls_time_t *out)
{
    if (out != NULL) {
        *out = 43200;
    }
    return 43200;
}

static void mbedtls_clock_can_be_set(void **state)
{
    static const mbedtls_x509_time later = {1970, 1, 1, 12, 0, 1}, earlier = {1970, 1, 1, 11, 59, 59};

    (void)state;
    assert_int_equal(mbedtls_platform_set_time(noon_of_day_one), 0);
    assert_false(mbedtls_x509_time_is_past(&later));
    assert_true(mbedtls_x509_time_is_past(&earlier));
    assert_int_equal(mbedtls_platform_set_time(time), 0);
}

static void sqlite_works_without_a_key(void **state)
{
    sqlite3 *db = NULL;

    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(a) STRICT", NULL, NULL, NULL), SQLITE_ERROR);
    assert_int_equal(
        sqlite3_exec(db, "CREATE TABLE t(a INTEGER) STRICT; INSERT INTO t VALUES (7)", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* This program has no sotto_store_cipher_provider: a keyed open must be an error, and never a plain store. */
static void sqlcipher_without_a_provider_is_an_error(void **state)
{
    static const char key[] = "x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'";
    sqlite3 *db = NULL;

    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_not_equal(sqlite3_key(db, key, (int)sizeof(key) - 1), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void sqlite_is_built_as_the_store_expects(void **state)
{
    (void)state;
    assert_int_equal(sqlite3_threadsafe(), 0);
    assert_true(sqlite3_compileoption_used("HAS_CODEC"));
    assert_true(sqlite3_compileoption_used("TEMP_STORE=2"));
    assert_true(sqlite3_compileoption_used("SECURE_DELETE"));
    assert_true(sqlite3_compileoption_used("OMIT_LOAD_EXTENSION"));
    assert_int_equal(SQLCIPHER_HMAC_SHA512, 2);
    assert_non_null(sqlite3_backup_init);
    assert_non_null(sqlite3_vfs_register);
}

static void lz4_frames_round_trip(void **state)
{
    char text[3000], packed[4000], back[3000];
    size_t packed_len, back_len = sizeof(back), used;
    LZ4F_dctx *ctx = NULL;

    (void)state;
    memset(text, 'a', sizeof(text));
    packed_len = LZ4F_compressFrame(packed, sizeof(packed), text, sizeof(text), NULL);
    assert_false(LZ4F_isError(packed_len));
    assert_true(packed_len < 100);
    assert_false(LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)));
    used = packed_len;
    assert_int_equal(LZ4F_decompress(ctx, back, &back_len, packed, &used, NULL), 0);
    assert_int_equal(back_len, sizeof(text));
    assert_memory_equal(back, text, sizeof(text));
    LZ4F_freeDecompressionContext(ctx);
}

static void yyjson_reads_strictly(void **state)
{
    yyjson_doc *doc = yyjson_read("{\"a\":[1,2]}", 11, 0);

    (void)state;
    assert_non_null(doc);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "a")), 2);
    yyjson_doc_free(doc);
    assert_null(yyjson_read("[1,]", 4, YYJSON_READ_ALLOW_TRAILING_COMMAS));
}

static void tinycbor_round_trips(void **state)
{
    uint8_t bytes[16];
    CborEncoder encoder, array;
    CborParser parser;
    CborValue value;

    (void)state;
    cbor_encoder_init(&encoder, bytes, sizeof(bytes), 0);
    assert_int_equal(cbor_encoder_create_array(&encoder, &array, 1), CborNoError);
    assert_int_equal(cbor_encode_uint(&array, 300), CborNoError);
    assert_int_equal(cbor_encoder_close_container_checked(&encoder, &array), CborNoError);
    assert_int_equal(
        cbor_parser_init(bytes, cbor_encoder_get_buffer_size(&encoder, bytes), 0, &parser, &value),
        CborNoError);
    assert_int_equal(cbor_value_validate(&value, CborValidateStrictMode), CborNoError);
}

static void llhttp_parses_and_refuses(void **state)
{
    static const char good[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", bad[] = "GET / HTTP/9.1\r\n\r\n";
    llhttp_settings_t settings;
    llhttp_t parser;

    (void)state;
    llhttp_settings_init(&settings);
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    assert_int_equal(llhttp_execute(&parser, good, sizeof(good) - 1), HPE_OK);
    assert_int_equal(llhttp_get_method(&parser), HTTP_GET);
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    assert_int_equal(llhttp_execute(&parser, bad, sizeof(bad) - 1), HPE_INVALID_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_64_bits),
        cmocka_unit_test(psa_derives_by_pbkdf2),
        cmocka_unit_test(psa_signs_on_both_curves),
        cmocka_unit_test(psa_seals),
        cmocka_unit_test(psa_has_no_old_hashes),
        cmocka_unit_test(tls_is_1_3_alone),
        cmocka_unit_test(mbedtls_memory_can_fail),
        cmocka_unit_test(mbedtls_clock_can_be_set),
        cmocka_unit_test(sqlite_works_without_a_key),
        cmocka_unit_test(sqlcipher_without_a_provider_is_an_error),
        cmocka_unit_test(sqlite_is_built_as_the_store_expects),
        cmocka_unit_test(lz4_frames_round_trip),
        cmocka_unit_test(yyjson_reads_strictly),
        cmocka_unit_test(tinycbor_round_trips),
        cmocka_unit_test(llhttp_parses_and_refuses),
    };

    return cmocka_run_group_tests_name("toolchain.deps", tests, NULL, NULL);
}
