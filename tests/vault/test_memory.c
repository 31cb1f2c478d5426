/* An allocation of each operation is made to fail, in a loop until the operation needs no more: it then fails
 * with a status (or does without), gives no output that looks whole, and works again afterwards. Each of the
 * first 50 allocations fails once; of the thousands that the curve's arithmetic makes after them, ever fewer.
 */
#include "pki_test.h"

static unsigned taken, fail_at; /* 0 = never */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return fail_at != 0 && ++taken == fail_at ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return fail_at != 0 && ++taken == fail_at ? NULL : __real_malloc(size);
}

static test_pki pki;
static test_place place;

static int start(void **state)
{
    (void)state;
    if (sotto_vault_start(NULL) != SOTTO_OK)
        return -1;
    pki_make(&pki);
    place = place_make();
    uint8_t first = 0;
    sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    sotto_key_provider provider = sotto_key_provider_file(place.file);
    return sotto_vault_create(&provider, &entropy, NULL) == SOTTO_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

static sotto_status run_hash(void)
{
    sotto_sha256_stream *s;
    uint8_t out[32];
    sotto_status status = sotto_sha256_begin(&s);
    if (status != SOTTO_OK) {
        assert_null(s);
        return status;
    }
    status = sotto_sha256_update(s, sotto_span_str("abc"));
    sotto_status end = sotto_sha256_end(s, out);
    return status != SOTTO_OK ? status : end;
}

static sotto_status run_hmac(void)
{
    uint8_t out[64];
    sotto_span a = sotto_span_str("a");
    return sotto_vault_hmac(512, a, a, a, out);
}

static sotto_status run_kdf(void)
{
    uint8_t out[64];
    sotto_span a = sotto_span_str("a");
    sotto_status status = sotto_hkdf_sha256(a, a, a, out, 64);
    return status != SOTTO_OK ? status : sotto_vault_pbkdf2(512, a, a, 2, out, 64);
}

static sotto_status run_aes(void)
{
    static const uint8_t KEY[32], IV[16];
    uint8_t block[32] = {0};
    return sotto_vault_aes256_cbc(true, KEY, IV, block, sizeof block, block);
}

static sotto_status run_vault(void)
{
    sotto_key_provider provider = sotto_key_provider_file(place.file);
    sotto_vault *vault = NULL;
    uint8_t out[SOTTO_SIGNATURE_BYTES], key[SOTTO_PUBLIC_KEY_BYTES];
    sotto_span message = sotto_span_str("m");
    sotto_status status = sotto_vault_open(&vault, &provider, NULL);
    if (status != SOTTO_OK) {
        assert_null(vault);
        return status;
    }
    status = sotto_vault_customer_key(vault, message, out);
    if (status == SOTTO_OK)
        status = sotto_vault_report_sign(vault, message, out);
    if (status == SOTTO_OK)
        status = sotto_vault_report_public_key(vault, key);
    if (status == SOTTO_OK)
        status = sotto_vault_verify_p256(key, message, out);
    sotto_vault_close(vault);
    return status;
}

static sotto_status run_keypair(void)
{
    char pem[SOTTO_PEM_MAX];
    uint8_t first = 9, signature[SOTTO_DER_SIGNATURE_MAX];
    size_t len = 0;
    sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    sotto_status status = sotto_keypair_make(&entropy, pem, NULL);
    if (status == SOTTO_OK)
        status = sotto_keypair_sign(pki.key, sotto_span_str("m"), signature, sizeof signature, &len, NULL);
    if (status == SOTTO_OK)
        status = sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(pki.public_key),
                                     sotto_span_str("m"), sotto_span_of(signature, len), NULL);
    return status;
}

static sotto_status run_csr(void)
{
    char out[SOTTO_PEM_MAX];
    sotto_status status = sotto_csr_make(pki.key, "kiosk-0001", out, NULL);
    return status != SOTTO_OK ? status : sotto_csr_check(sotto_span_str(pki.csr), out, NULL);
}

static sotto_status run_cert(void)
{
    static const char *const NAMES[] = {"localhost", "127.0.0.1"};
    char out[SOTTO_PEM_MAX];
    sotto_cert_info info;
    sotto_cert_request request = request_of(SOTTO_CERT_SERVER, "head office");
    request.names = NAMES;
    request.name_count = 2;
    sotto_status status =
        sotto_cert_issue(&request, sotto_span_str(pki.csr), pki.ca_key, pki.ca_cert, out, NULL);
    if (status != SOTTO_OK) {
        assert_string_equal(out, "");
        return status;
    }
    return sotto_cert_read(sotto_span_str(out), &info, NULL);
}

typedef sotto_status (*operation)(void);

static void survives(operation run)
{
    unsigned failed = 0;
    assert_ok(run());
    for (unsigned n = 1;; n += 1 + n / 50) {
        taken = 0;
        fail_at = n;
        sotto_status status = run();
        bool reached = taken >= n;
        fail_at = 0;
        failed += status != SOTTO_OK;
        if (!reached) {
            assert_ok(status);
            break;
        }
    }
    assert_true(failed > 0); /* the loop did make something fail */
    assert_ok(run());
}

static void each_allocation_may_fail(void **state)
{
    static const operation OPERATIONS[] = {run_hash,  run_hmac,    run_kdf, run_aes,
                                           run_vault, run_keypair, run_csr, run_cert};
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(OPERATIONS); i++)
        survives(OPERATIONS[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};
    return cmocka_run_group_tests_name("vault.memory", tests, start, stop);
}
