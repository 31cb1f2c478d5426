/* Tag packs: what one terminal opens, nobody else does; every byte changed or cut is refused; only head
 * office can have made one. And the statement of a terminal. */
#include "pki_test.h"

#include "sotto/pack.h"

enum { CHUNKS = 3 };

static test_pki pki, foreign;
static char signer_cert[SOTTO_PEM_MAX];
static uint8_t secret[SOTTO_HPKE_PRIVATE_BYTES], public_key[SOTTO_HPKE_PUBLIC_BYTES];
static sotto_vec pack;
static uint8_t plain_memory[SOTTO_PACK_PLAIN_MAX];

static void issue(const test_pki *by, const char *name, const char *key, char out[static SOTTO_PEM_MAX])
{
    char public_pem[SOTTO_PEM_MAX];
    sotto_cert_request request = request_of(SOTTO_CERT_DEVICE, name);
    assert_ok(sotto_keypair_public_pem(key, public_pem, NULL));
    assert_ok(sotto_cert_issue(&request, sotto_span_str(public_pem), by->ca_key, by->ca_cert, out, NULL));
}

static sotto_pack_head head_of(uint64_t seq, uint64_t base)
{
    return (sotto_pack_head){
        .device = "branch-7-kiosk-2", .seq = seq, .base = base, .release = 3, .made_s = BEGIN_S + DAY_S};
}

/* Lines that do not compress well, so that each chunk is nearly full. */
static sotto_span filling(unsigned chunk, size_t len)
{
    static uint8_t text[SOTTO_PACK_PLAIN_MAX];
    uint32_t x = 1 + chunk;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        text[i] = (uint8_t)(x >> 24);
    }
    return sotto_span_of(text, len);
}

static void make_with(sotto_vec *out, const char *key, const char *cert, unsigned chunks)
{
    uint8_t first = 7;
    const sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    const sotto_pack_head head = head_of(5, 4);
    sotto_pack_writer *writer = NULL;
    bool fits = false;
    sotto_vec_init(out, 64u << 20);
    assert_ok(sotto_pack_begin(&writer, &head, public_key, &entropy, out, NULL));
    for (unsigned i = 0; i < chunks; i++) {
        assert_ok(sotto_pack_add(writer, filling(i, 60000 + i), &fits, NULL));
        assert_true(fits);
    }
    assert_ok(sotto_pack_add(writer, filling(0, 70000), &fits, NULL));
    assert_false(fits);
    assert_ok(sotto_pack_end(writer, key, cert, NULL));
    sotto_pack_writer_free(writer);
}

static int set_up(void **state)
{
    (void)state;
    static const uint8_t ikm[32] = "thirty-two bytes for a pack key.";
    if (sotto_vault_start(NULL) != SOTTO_OK)
        return -1;
    pki_make(&pki);
    pki_make(&foreign);
    uint8_t first = 99;
    const sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    sotto_cert_request authority = request_of(SOTTO_CERT_AUTHORITY, "Sotto device authority");
    assert_ok(sotto_keypair_make(&entropy, foreign.ca_key, NULL));
    assert_ok(sotto_keypair_public_pem(foreign.ca_key, foreign.ca_public, NULL));
    assert_ok(sotto_cert_issue(&authority, sotto_span_str(foreign.ca_public), foreign.ca_key, NULL,
                               foreign.ca_cert, NULL));
    assert_ok(sotto_hpke_derive_keypair(sotto_span_of(ikm, sizeof ikm), secret, public_key));
    issue(&pki, SOTTO_PACK_SIGNER, pki.key, signer_cert);
    make_with(&pack, pki.key, signer_cert, CHUNKS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sotto_vec_free(&pack);
    return 0;
}

/* Everything that a terminal does with it. *chunks: how many opened. */
static sotto_status take(sotto_span bytes, const char *authority, int64_t now_s, const uint8_t *key,
                         unsigned *chunks)
{
    sotto_pack_head head;
    sotto_pack_opener opener;
    sotto_buf plain = sotto_buf_of(plain_memory, sizeof plain_memory);
    size_t first = bytes.len < SOTTO_PACK_HEAD_BYTES ? bytes.len : SOTTO_PACK_HEAD_BYTES;
    *chunks = 0;
    sotto_status status = sotto_pack_read(&head, sotto_span_of(bytes.ptr, first), NULL);
    if (status == SOTTO_OK)
        status = sotto_pack_verify(&head, sotto_span_str(authority), now_s, NULL);
    if (status == SOTTO_OK)
        status = sotto_pack_open(&opener, &head, key, NULL);
    if (status != SOTTO_OK)
        return status;
    for (size_t at = SOTTO_PACK_HEAD_BYTES; status == SOTTO_OK && *chunks < head.chunks;
         at += SOTTO_PACK_SEALED_BYTES) {
        size_t left = bytes.len > at ? bytes.len - at : 0;
        size_t len = left < SOTTO_PACK_SEALED_BYTES ? left : SOTTO_PACK_SEALED_BYTES;
        status = sotto_pack_next(&opener, sotto_span_of(bytes.ptr + (left > 0 ? at : 0), len), &plain, NULL);
        *chunks += status == SOTTO_OK;
    }
    sotto_pack_close(&opener);
    return status;
}

static sotto_status take_pack(sotto_span bytes, unsigned *chunks)
{
    return take(bytes, pki.ca_cert, BEGIN_S + 2 * DAY_S, secret, chunks);
}

static void its_terminal_opens_it(void **state)
{
    (void)state;
    sotto_pack_head head;
    sotto_pack_opener opener;
    sotto_buf plain = sotto_buf_of(plain_memory, sizeof plain_memory);
    assert_int_equal(pack.len, SOTTO_PACK_HEAD_BYTES + CHUNKS * SOTTO_PACK_SEALED_BYTES);
    assert_ok(sotto_pack_read(&head, sotto_span_of(pack.ptr, SOTTO_PACK_HEAD_BYTES), NULL));
    assert_string_equal(head.device, "branch-7-kiosk-2");
    assert_int_equal(head.seq, 5);
    assert_int_equal(head.base, 4);
    assert_int_equal(head.release, 3);
    assert_int_equal(head.chunks, CHUNKS);
    assert_ok(sotto_pack_verify(&head, sotto_span_str(pki.ca_cert), BEGIN_S + 400 * DAY_S, NULL));
    assert_ok(sotto_pack_open(&opener, &head, secret, NULL));
    for (unsigned i = 0; i < CHUNKS; i++) {
        const uint8_t *at = pack.ptr + SOTTO_PACK_HEAD_BYTES + i * SOTTO_PACK_SEALED_BYTES;
        assert_ok(sotto_pack_next(&opener, sotto_span_of(at, SOTTO_PACK_SEALED_BYTES), &plain, NULL));
        sotto_span want = filling(i, 60000 + i);
        assert_int_equal(plain.len, want.len);
        assert_memory_equal(plain.ptr, want.ptr, want.len);
    }
    assert_cause(sotto_pack_next(&opener, sotto_span_of(pack.ptr, SOTTO_PACK_SEALED_BYTES), &plain, NULL),
                 MALFORMED);
    sotto_pack_close(&opener);
}

static void lengths_are_padded(void **state)
{
    (void)state;
    static const unsigned sizes[][2] = {{0, 1}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 6}, {7, 8}, {9, 12}};
    for (size_t i = 0; i < SOTTO_COUNT(sizes); i++) {
        sotto_vec out;
        unsigned chunks;
        make_with(&out, pki.key, signer_cert, sizes[i][0]);
        assert_ok(take_pack(sotto_vec_span(&out), &chunks));
        assert_int_equal(chunks, sizes[i][1]);
        sotto_vec_free(&out);
    }
}

static void every_byte_of_the_head_counts(void **state)
{
    (void)state;
    unsigned chunks;
    uint8_t *copy = malloc(pack.len);
    assert_non_null(copy);
    memcpy(copy, pack.ptr, pack.len);
    for (size_t i = 0; i < SOTTO_PACK_HEAD_BYTES; i++) {
        copy[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(take_pack(sotto_span_of(copy, pack.len), &chunks), SOTTO_OK);
        assert_int_equal(chunks, 0);
        copy[i] = pack.ptr[i];
    }
    for (size_t cut = 0; cut < SOTTO_PACK_HEAD_BYTES; cut += 1 + cut / 97)
        assert_cause(take_pack(sotto_span_of(copy, cut), &chunks), TRUNCATED);
    free(copy);
}

static void every_byte_of_a_chunk_counts(void **state)
{
    (void)state;
    unsigned chunks;
    uint8_t *copy = malloc(pack.len);
    assert_non_null(copy);
    memcpy(copy, pack.ptr, pack.len);
    for (size_t i = SOTTO_PACK_HEAD_BYTES; i < pack.len; i += 4099) {
        copy[i] ^= (uint8_t)(1u << (i % 8));
        assert_cause(take_pack(sotto_span_of(copy, pack.len), &chunks), AUTH);
        assert_int_equal(chunks, (i - SOTTO_PACK_HEAD_BYTES) / SOTTO_PACK_SEALED_BYTES);
        copy[i] = pack.ptr[i];
    }
    for (size_t cut = SOTTO_PACK_HEAD_BYTES; cut < pack.len; cut += 15013)
        assert_cause(take_pack(sotto_span_of(copy, cut), &chunks), TRUNCATED);
    free(copy);
}

static void chunks_stand_in_one_order(void **state)
{
    (void)state;
    unsigned chunks;
    uint8_t *copy = malloc(pack.len);
    assert_non_null(copy);
    for (unsigned a = 0; a < CHUNKS; a++)
        for (unsigned b = 0; b < CHUNKS; b++) {
            memcpy(copy, pack.ptr, pack.len);
            memcpy(copy + SOTTO_PACK_HEAD_BYTES + a * SOTTO_PACK_SEALED_BYTES,
                   pack.ptr + SOTTO_PACK_HEAD_BYTES + b * SOTTO_PACK_SEALED_BYTES, SOTTO_PACK_SEALED_BYTES);
            if (a == b)
                assert_ok(take_pack(sotto_span_of(copy, pack.len), &chunks));
            else
                assert_cause(take_pack(sotto_span_of(copy, pack.len), &chunks), AUTH);
        }
    free(copy);
}

static void another_terminal_does_not_open_it(void **state)
{
    (void)state;
    static const uint8_t ikm[32] = "thirty-two bytes of another key.";
    uint8_t other[SOTTO_HPKE_PRIVATE_BYTES], other_public[SOTTO_HPKE_PUBLIC_BYTES];
    unsigned chunks;
    assert_ok(sotto_hpke_derive_keypair(sotto_span_of(ikm, sizeof ikm), other, other_public));
    assert_cause(take(sotto_vec_span(&pack), pki.ca_cert, BEGIN_S + 2 * DAY_S, other, &chunks), AUTH);
    assert_int_equal(chunks, 0);
}

static void only_head_office_can_have_made_it(void **state)
{
    (void)state;
    char cert[SOTTO_PEM_MAX];
    sotto_vec out;
    unsigned chunks;
    /* A terminal's own certificate, another authority's, a key that is not the certificate's. */
    issue(&pki, "branch-7-kiosk-2", pki.key, cert);
    make_with(&out, pki.key, cert, 1);
    assert_cause(take_pack(sotto_vec_span(&out), &chunks), AUTH);
    sotto_vec_free(&out);
    issue(&foreign, SOTTO_PACK_SIGNER, pki.key, cert);
    make_with(&out, pki.key, cert, 1);
    assert_cause(take_pack(sotto_vec_span(&out), &chunks), AUTH);
    sotto_vec_free(&out);
    make_with(&out, foreign.ca_key, signer_cert, 1);
    assert_cause(take_pack(sotto_vec_span(&out), &chunks), AUTH);
    sotto_vec_free(&out);
    /* Of tomorrow's tomorrow; and against no authority at all. */
    assert_cause(take(sotto_vec_span(&pack), pki.ca_cert, BEGIN_S - DAY_S, secret, &chunks), EXPIRED);
    assert_int_not_equal(take(sotto_vec_span(&pack), "", BEGIN_S + DAY_S, secret, &chunks), SOTTO_OK);
}

static void a_certificate_is_judged_by_the_day_it_was_used(void **state)
{
    (void)state;
    sotto_cert_info info;
    assert_ok(sotto_cert_verify(sotto_span_str(signer_cert), sotto_span_str(pki.ca_cert), BEGIN_S + DAY_S,
                                &info, NULL));
    assert_string_equal(info.common_name, SOTTO_PACK_SIGNER);
    assert_cause(sotto_cert_verify(sotto_span_str(signer_cert), sotto_span_str(pki.ca_cert),
                                   BEGIN_S + 91 * DAY_S, &info, NULL),
                 EXPIRED);
    assert_cause(
        sotto_cert_verify(sotto_span_str(signer_cert), sotto_span_str(pki.ca_cert), BEGIN_S - 1, &info, NULL),
        EXPIRED);
    assert_cause(sotto_cert_verify(sotto_span_str(signer_cert), sotto_span_str(foreign.ca_cert),
                                   BEGIN_S + DAY_S, &info, NULL),
                 AUTH);
    assert_string_equal(info.common_name, "");
}

static void numbers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    uint8_t first = 7;
    const sotto_entropy entropy = {.ctx = &first, .fill = count_up};
    static const uint64_t bad[][2] = {{0, 0}, {3, 3}, {3, 4}, {UINT64_MAX, 0}};
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++) {
        const sotto_pack_head head = head_of(bad[i][0], bad[i][1]);
        sotto_pack_writer *writer = NULL;
        sotto_vec out;
        sotto_vec_init(&out, 1u << 20);
        assert_cause(sotto_pack_begin(&writer, &head, public_key, &entropy, &out, NULL), RANGE);
        assert_null(writer);
        sotto_vec_free(&out);
    }
}

/* ---- the statement ---- */

static sotto_status load_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)ctx;
    (void)diag;
    memset(root, 0x42, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

static void a_statement_is_its_terminals(void **state)
{
    (void)state;
    const sotto_key_provider provider = {.name = "test", .load = load_root};
    sotto_vault *vault = NULL;
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES], json[SOTTO_PACK_STATE_MAX];
    sotto_buf out = sotto_buf_of(json, sizeof json);
    sotto_pack_state said = {.device = "branch-7-kiosk-2", .held = 4, .refused = 3, .said_s = BEGIN_S}, read;
    assert_ok(sotto_vault_open(&vault, &provider, NULL));
    assert_ok(sotto_vault_report_public_key(vault, report_key));
    memcpy(said.key, public_key, sizeof said.key);
    assert_ok(sotto_pack_state_sign(&said, vault, NULL));
    assert_ok(sotto_pack_state_write(&said, &out));
    assert_ok(sotto_pack_state_read(&read, sotto_buf_span(&out), NULL));
    assert_ok(sotto_pack_state_check(&read, report_key, NULL));
    assert_int_equal(read.held, 4);
    assert_memory_equal(read.key, public_key, sizeof public_key);
    for (size_t i = 0; i < out.len; i++) {
        json[i] ^= (uint8_t)(1u << (i % 6));
        sotto_status status = sotto_pack_state_read(&read, sotto_buf_span(&out), NULL);
        /* A hexadecimal digit of the other case says the same. */
        if (status == SOTTO_OK && memcmp(&read, &said, sizeof read) != 0)
            status = sotto_pack_state_check(&read, report_key, NULL);
        assert_true(status != SOTTO_OK || memcmp(&read, &said, sizeof read) == 0);
        json[i] ^= (uint8_t)(1u << (i % 6));
        assert_int_not_equal(sotto_pack_state_read(&read, sotto_span_of(json, i), NULL), SOTTO_OK);
    }
    sotto_vault_close(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_terminal_opens_it),
        cmocka_unit_test(lengths_are_padded),
        cmocka_unit_test(every_byte_of_the_head_counts),
        cmocka_unit_test(every_byte_of_a_chunk_counts),
        cmocka_unit_test(chunks_stand_in_one_order),
        cmocka_unit_test(another_terminal_does_not_open_it),
        cmocka_unit_test(only_head_office_can_have_made_it),
        cmocka_unit_test(a_certificate_is_judged_by_the_day_it_was_used),
        cmocka_unit_test(numbers_that_cannot_be_are_refused),
        cmocka_unit_test(a_statement_is_its_terminals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
