#include "vault_test.h"

#include <malloc.h>

#include "report_key.h"

/* ---- What freed memory still holds: every block is searched for the secret before it goes back ---- */

static uint8_t hunted[SOTTO_KEY_BYTES];
static volatile bool hunting; /* volatile: the compiler knows that free(3) touches nothing of ours */
static volatile unsigned found;

void __real_free(void *ptr);
void __wrap_free(void *ptr);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

static void search(void *ptr)
{
    if (hunting && ptr != NULL && memmem(ptr, malloc_usable_size(ptr), hunted, sizeof hunted) != NULL)
        found++;
}

void __wrap_free(void *ptr)
{
    search(ptr);
    __real_free(ptr);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    search(ptr);
    return __real_realloc(ptr, size);
}

/* ---- A provider in memory ---- */

typedef struct memory_key {
    uint8_t root[SOTTO_KEY_BYTES];
    bool there;
    sotto_status load_fails;
} memory_key;

static sotto_status memory_load(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    memory_key *key = ctx;
    if (key->load_fails != SOTTO_OK)
        return sotto_diag_set(diag, key->load_fails, "the test says no");
    memcpy(root, key->root, SOTTO_KEY_BYTES);
    return key->there ? SOTTO_OK : SOTTO_ERR(VAULT, NOT_FOUND);
}

static sotto_status memory_create(void *ctx, const uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    memory_key *key = ctx;
    (void)diag;
    if (key->there)
        return SOTTO_ERR(VAULT, EXISTS);
    memcpy(key->root, root, SOTTO_KEY_BYTES);
    key->there = true;
    return SOTTO_OK;
}

static sotto_key_provider memory_provider(memory_key *key)
{
    return (sotto_key_provider){.ctx = key, .name = "memory", .load = memory_load, .create = memory_create};
}

static sotto_vault *open_golden(memory_key *key)
{
    uint8_t first = 0;
    sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    sotto_key_provider provider = memory_provider(key);
    sotto_vault *vault = NULL;
    assert_ok(sotto_vault_create(&provider, &entropy, NULL));
    assert_ok(sotto_vault_open(&vault, &provider, NULL));
    assert_non_null(vault);
    return vault;
}

static int start(void **state)
{
    (void)state;
    return sotto_vault_start(NULL) == SOTTO_OK ? 0 : -1;
}

/* For the root secret 00 01 .. 1f, computed by an independent program from docs/formats/keys.md (Python's
 * hmac and a textbook P-256). A change here makes every store of every terminal unreadable. */
#define GOLDEN_STORE    "1a42d11df982b368053be355c441d31ce18aa16b9c21b411abea55993da026a6"
#define GOLDEN_CUSTOMER "743e9ec2eb198e78c05f7c52b05e197942951cc0d543b05b34ab5839c599d2c7"
#define GOLDEN_SEED                                                                                          \
    "5578557e65522edfec8406b9b23dfe11a1c1b3d12b860a69600cd05e8feaba82916644f86f4a5ee6f24f50b53e85280b"
#define GOLDEN_REPORT                                                                                        \
    "0401fda8c58a9b89f164444f102fa61684af1c9339ab14258255a260ae39e9a281bba11feec87d4dce6915bd82d6f2c1e07ecd" \
    "6a42966237"                                                                                             \
    "b6bb82fd32f265f11f"

static void derives_the_documented_keys(void **state)
{
    (void)state;
    memory_key key = {0};
    sotto_vault *vault = open_golden(&key);
    uint8_t out[SOTTO_PUBLIC_KEY_BYTES];
    assert_ok(sotto_vault_store_key(vault, out));
    assert_hex(out, 32, GOLDEN_STORE);
    assert_ok(sotto_vault_customer_key(vault, sotto_span_str("1234567"), out));
    assert_hex(out, 32, GOLDEN_CUSTOMER);
    assert_ok(sotto_vault_derive(vault, "decide seed", out, 48));
    assert_hex(out, 48, GOLDEN_SEED);
    assert_ok(sotto_vault_report_public_key(vault, out));
    assert_hex(out, SOTTO_PUBLIC_KEY_BYTES, GOLDEN_REPORT);
    sotto_vault_close(vault);
}

static void labels_do_not_meet(void **state)
{
    (void)state;
    memory_key key = {0};
    sotto_vault *vault = open_golden(&key);
    uint8_t store[32], other[32];
    char long_label[200];
    assert_ok(sotto_vault_store_key(vault, store));
    static const char *const LABELS[] = {"", "store", "sotto v1 store", "pepper", "report "};
    for (size_t i = 0; i < SOTTO_COUNT(LABELS); i++) {
        assert_ok(sotto_vault_derive(vault, LABELS[i], other, sizeof other));
        assert_memory_not_equal(store, other, sizeof store);
    }
    memset(long_label, 'x', sizeof long_label);
    long_label[sizeof long_label - 1] = '\0';
    assert_cause(sotto_vault_derive(vault, long_label, other, sizeof other), RANGE);
    long_label[114] = '\0';
    assert_cause(sotto_vault_derive(vault, long_label, other, sizeof other), RANGE);
    long_label[113] = '\0';
    assert_ok(sotto_vault_derive(vault, long_label, other, sizeof other));
    sotto_vault_close(vault);
}

static void report_signature_verifies_and_nothing_else_does(void **state)
{
    (void)state;
    memory_key key = {0};
    sotto_vault *vault = open_golden(&key);
    uint8_t public_key[SOTTO_PUBLIC_KEY_BYTES], signature[SOTTO_SIGNATURE_BYTES],
        again[SOTTO_SIGNATURE_BYTES];
    sotto_span message = sotto_span_str("report 7");
    assert_ok(sotto_vault_report_public_key(vault, public_key));
    assert_ok(sotto_vault_report_sign(vault, message, signature));
    assert_ok(sotto_vault_report_sign(vault, message, again));
    assert_memory_equal(signature, again, sizeof signature);
    assert_ok(sotto_vault_verify_p256(public_key, message, signature));
    assert_cause(sotto_vault_verify_p256(public_key, sotto_span_str("report 8"), signature), AUTH);
    for (size_t i = 0; i < sizeof signature; i++) {
        signature[i] ^= 1;
        assert_cause(sotto_vault_verify_p256(public_key, message, signature), AUTH);
        signature[i] ^= 1;
    }
    memset(again, 0, sizeof again);
    assert_cause(sotto_vault_verify_p256(public_key, message, again), AUTH);
    public_key[64] ^= 1;
    assert_cause(sotto_vault_verify_p256(public_key, message, signature), MALFORMED);
    sotto_vault_close(vault);
}

/* RFC 6979 A.2.5, SHA-256: what signs here is deterministic ECDSA, and what verifies is plain ECDSA. */
static void signs_as_rfc_6979_says(void **state)
{
    (void)state;
    test_bytes scalar = from_hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    psa_key_id_t key = PSA_KEY_ID_NULL;
    uint8_t signature[SOTTO_SIGNATURE_BYTES], public_key[SOTTO_PUBLIC_KEY_BYTES];
    size_t len = 0;
    assert_ok(sotto_vault_report_import(scalar.ptr, &key));
    assert_ok(sotto_vault_report_key_sign(key, sotto_span_str("sample"), signature));
    assert_hex(signature, sizeof signature,
               "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
               "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    assert_int_equal(psa_export_public_key(key, public_key, sizeof public_key, &len), PSA_SUCCESS);
    assert_ok(sotto_vault_verify_p256(public_key, sotto_span_str("sample"), signature));
    assert_int_equal(psa_export_key(key, signature, sizeof signature, &len), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    free(scalar.ptr);
}

/* ---- The private key's range ---- */

static const char P256_ORDER[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static void range_of_the_scalar(void **state)
{
    (void)state;
    test_bytes n = from_hex(P256_ORDER);
    uint8_t zero[32] = {0}, one[32] = {0}, all[32];
    one[31] = 1;
    memset(all, 0xff, sizeof all);
    assert_false(sotto_vault_p256_in_range(zero));
    assert_true(sotto_vault_p256_in_range(one));
    assert_false(sotto_vault_p256_in_range(n.ptr));
    assert_false(sotto_vault_p256_in_range(all));
    n.ptr[31] = 0x50; /* n - 1 */
    assert_true(sotto_vault_p256_in_range(n.ptr));
    n.ptr[31] = 0x52; /* n + 1 */
    assert_false(sotto_vault_p256_in_range(n.ptr));
    for (unsigned i = 0; i < 31; i++) { /* one byte less or more anywhere decides */
        n.ptr[31] = 0x51;
        if (n.ptr[i] > 0) {
            n.ptr[i]--;
            assert_true(sotto_vault_p256_in_range(n.ptr));
            n.ptr[i]++;
        }
        if (n.ptr[i] < 0xff) {
            n.ptr[i]++;
            assert_false(sotto_vault_p256_in_range(n.ptr));
            n.ptr[i]--;
        }
    }
    free(n.ptr);
}

typedef struct candidates {
    unsigned bad;   /* how many out of range come first */
    unsigned asked; /* how many were asked for */
    bool fails;
} candidates;

static sotto_status give_candidate(void *ctx, unsigned index, uint8_t out[static 32])
{
    candidates *c = ctx;
    assert_int_equal(index, c->asked);
    memset(out, c->asked++ < c->bad ? 0xff : 0x42, 32);
    return c->fails ? SOTTO_ERR(PORT, IO) : SOTTO_OK;
}

static void rejected_candidates_are_replaced(void **state)
{
    (void)state;
    uint8_t out[32], zero[32] = {0};
    for (unsigned bad = 0; bad < 8; bad++) {
        candidates c = {.bad = bad};
        assert_ok(sotto_vault_p256_scalar(give_candidate, &c, out));
        assert_int_equal(c.asked, bad + 1);
        assert_int_equal(out[0], 0x42);
    }
    candidates broken = {.bad = 1000};
    assert_cause(sotto_vault_p256_scalar(give_candidate, &broken, out), INTERNAL);
    assert_int_equal(broken.asked, 8);
    assert_memory_equal(out, zero, sizeof out);
    candidates failing = {.fails = true};
    assert_cause(sotto_vault_p256_scalar(give_candidate, &failing, out), IO);
    assert_memory_equal(out, zero, sizeof out);
}

/* ---- Bad days ---- */

static void fails_closed(void **state)
{
    (void)state;
    memory_key key = {0};
    sotto_key_provider provider = memory_provider(&key);
    sotto_entropy none = {.ctx = NULL, .fill = no_entropy};
    sotto_vault *vault = NULL;
    sotto_diag diag = {0};
    assert_cause(sotto_vault_create(&provider, &none, &diag), IO);
    assert_false(key.there);
    assert_cause(sotto_vault_open(&vault, &provider, NULL), NOT_FOUND);
    assert_null(vault);
    sotto_vault_close(open_golden(&key));
    uint8_t first = 0;
    sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    assert_cause(sotto_vault_create(&provider, &entropy, NULL), EXISTS);
    key.load_fails = SOTTO_ERR(VAULT, DENIED);
    assert_cause(sotto_vault_open(&vault, &provider, &diag), DENIED);
    assert_string_equal(diag.text, "the test says no");
    assert_null(vault);
    sotto_vault_close(NULL);
}

/* Invariant 9, through the whole path from the key file: no block of the heap goes back with the secret in
 * it, as bytes or as the file's digits. */
static void the_heap_forgets_the_root(void **state)
{
    bool as_text = *state != NULL;
    test_place place = place_make();
    sotto_key_provider provider = sotto_key_provider_file(place.file);
    uint8_t first = 0, out[SOTTO_SIGNATURE_BYTES];
    sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    sotto_vault *vault = NULL;
    if (as_text)
        memcpy(hunted, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", sizeof hunted);
    else
        assert_ok(count_up(&first, hunted, sizeof hunted));
    first = 0;
    found = 0;
    hunting = true;
    assert_ok(sotto_vault_create(&provider, &entropy, NULL));
    assert_ok(sotto_vault_open(&vault, &provider, NULL));
    assert_ok(sotto_vault_store_key(vault, out));
    assert_ok(sotto_vault_report_sign(vault, sotto_span_str("x"), out));
    sotto_vault_close(vault);
    hunting = false;
    assert_int_equal(found, 0);
    place_remove(&place);
}

/* The search itself must be able to find something. */
static void the_hunt_sees_a_leak(void **state)
{
    (void)state;
    uint8_t first = 0, *leak = malloc(100);
    assert_non_null(leak);
    assert_ok(count_up(&first, hunted, sizeof hunted));
    for (size_t i = 0; i < sizeof hunted; i++)
        ((volatile uint8_t *)leak)[50 + i] =
            hunted[i]; /* a plain store before free would be optimised away */
    found = 0;
    hunting = true;
    free(leak);
    hunting = false;
    assert_int_equal(found, 1);
}

int main(void)
{
    static char as_text[] = "text";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derives_the_documented_keys),
        cmocka_unit_test(labels_do_not_meet),
        cmocka_unit_test(report_signature_verifies_and_nothing_else_does),
        cmocka_unit_test(signs_as_rfc_6979_says),
        cmocka_unit_test(range_of_the_scalar),
        cmocka_unit_test(rejected_candidates_are_replaced),
        cmocka_unit_test(fails_closed),
        cmocka_unit_test(the_heap_forgets_the_root),
        cmocka_unit_test_prestate(the_heap_forgets_the_root, as_text),
        cmocka_unit_test(the_hunt_sees_a_leak),
    };
    return cmocka_run_group_tests_name("vault.vault", tests, start, NULL);
}
