#include "privacy_priv.h"

#include "drbg.h"
#include "mem_vault.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static struct fixture {
    sotto_vault *vault;
    uint8_t public_key[SOTTO_PUBLIC_KEY_BYTES];
    uint8_t sealed[SOTTO_REPORT_MAX];
    uint8_t memory[SOTTO_TASK_CELLS_MAX * 8 + 64];
    int64_t cells[SOTTO_TASK_CELLS_MAX];
} f;

static int set_up(void **state)
{
    (void)state;
    f.vault = mem_vault_open(7);
    return f.vault == NULL || sotto_vault_report_public_key(f.vault, f.public_key) != SOTTO_OK;
}

static int tear_down(void **state)
{
    (void)state;
    sotto_vault_close(f.vault);
    return 0;
}

static sotto_report sample(size_t cells)
{
    for (size_t i = 0; i < cells; i++)
        f.cells[i] = (int64_t)(i * i) % 97 - 48;
    sotto_report report = {.device = "kiosk-0042",
                           .seq = 12,
                           .task_id = 3,
                           .release_version = 9,
                           .period_day = 20778,
                           .period_days = 1,
                           .epsilon_ueps = 500000,
                           .bound = 8,
                           .cells = f.cells,
                           .cell_count = cells};
    memset(report.previous, 0xab, sizeof report.previous);
    return report;
}

static sotto_span seal(const sotto_report *report)
{
    sotto_buf out = sotto_buf_of(f.sealed, sizeof f.sealed);
    assert_int_equal(sotto_report_seal(report, f.vault, &out, NULL), SOTTO_OK);
    return sotto_buf_span(&out);
}

static sotto_status open_as(sotto_span sealed, const uint8_t *key, sotto_report *out, sotto_diag *diag)
{
    sotto_arena arena;
    sotto_arena_init(&arena, f.memory, sizeof f.memory);
    sotto_status status = sotto_report_open(out, sealed, key, &arena, diag);
    if (status != SOTTO_OK) {
        assert_int_equal(arena.used, 0);
        assert_null(out->cells);
    }
    return status;
}

static void round_trip(void **state)
{
    (void)state;
    static const size_t COUNTS[] = {1, 2, 100, 1000, SOTTO_TASK_CELLS_MAX};
    for (size_t i = 0; i < SOTTO_COUNT(COUNTS); i++) {
        sotto_report in = sample(COUNTS[i]), out;
        assert_int_equal(open_as(seal(&in), f.public_key, &out, NULL), SOTTO_OK);
        assert_int_equal(out.cell_count, in.cell_count);
        assert_memory_equal(out.cells, in.cells, in.cell_count * sizeof *in.cells);
        assert_string_equal(out.device, in.device);
        assert_memory_equal(out.previous, in.previous, sizeof in.previous);
        assert_true(out.seq == in.seq && out.task_id == in.task_id &&
                    out.release_version == in.release_version);
        assert_true(out.period_day == in.period_day && out.period_days == in.period_days);
        assert_true(out.epsilon_ueps == in.epsilon_ueps && out.bound == in.bound);
    }
}

/* The largest that every field can be: still within the size that its cells ask for. */
static void largest_report_fits(void **state)
{
    (void)state;
    sotto_report in = sample(SOTTO_TASK_CELLS_MAX), out;
    struct drbg g = drbg_of(5);
    (void)drbg_fill(&g, f.cells, sizeof f.cells);
    memset(in.device, 'w', 64);
    in.seq = in.release_version = UINT64_MAX;
    in.task_id = in.bound = UINT32_MAX;
    in.period_day = INT32_MIN;
    in.period_days = REPORT_PERIOD_DAYS_MAX;
    in.epsilon_ueps = 1; /* wide cells */
    sotto_span sealed = seal(&in);
    assert_int_equal(sealed.len, sotto_privacy_sealed_size(SOTTO_TASK_CELLS_MAX, 8));
    assert_int_equal(open_as(sealed, f.public_key, &out, NULL), SOTTO_OK);
    assert_memory_equal(out.cells, in.cells, sizeof f.cells);
    assert_true(out.seq == in.seq && out.period_day == in.period_day && out.bound == in.bound);
}

/* A report's length tells nothing of what happened: not of the cells, nor of how many reports came before. */
static void length_depends_on_the_task_only(void **state)
{
    (void)state;
    static const size_t COUNTS[] = {1, 33, 100, 1000, SOTTO_TASK_CELLS_MAX};
    for (size_t i = 0; i < SOTTO_COUNT(COUNTS); i++) {
        sotto_report report = sample(COUNTS[i]);
        size_t expected = seal(&report).len;
        assert_int_equal(expected % 512, 0);
        memset(f.cells, 0, sizeof f.cells);
        assert_int_equal(seal(&report).len, expected);
        struct drbg g = drbg_of((uint8_t)i);
        (void)drbg_fill(&g, f.cells, sizeof f.cells);
        assert_int_equal(seal(&report).len, expected);
        for (size_t k = 0; k < COUNTS[i]; k++)
            f.cells[k] = k % 2 ? INT64_MAX : INT64_MIN;
        report.seq = UINT64_MAX;
        report.release_version = UINT64_MAX;
        assert_int_equal(seal(&report).len, expected);
    }
}

static void cells_are_cut_off_at_32_bits(void **state)
{
    (void)state;
    sotto_report in = sample(4), out;
    f.cells[0] = INT64_MAX, f.cells[1] = INT64_MIN, f.cells[2] = INT32_MAX, f.cells[3] = -1;
    assert_int_equal(open_as(seal(&in), f.public_key, &out, NULL), SOTTO_OK);
    assert_true(out.cells[0] == INT32_MAX && out.cells[1] == INT32_MIN);
    assert_true(out.cells[2] == INT32_MAX && out.cells[3] == -1);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    sotto_report in = sample(100), out;
    sotto_span sealed = seal(&in);
    for (size_t len = 0; len < sealed.len; len++) {
        uint8_t *copy = malloc(len == 0 ? 1 : len); /* of exact size: a read past the end is seen */
        assert_non_null(copy);
        memcpy(copy, sealed.ptr, len);
        sotto_diag diag = {0};
        assert_int_not_equal(open_as(sotto_span_of(copy, len), f.public_key, &out, &diag), SOTTO_OK);
        assert_true(diag.status != SOTTO_OK && diag.text[0] != '\0');
        free(copy);
    }
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    sotto_report in = sample(100), out;
    sotto_span sealed = seal(&in);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        f.sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (open_as(sealed, f.public_key, &out, NULL) == SOTTO_OK)
            fail_msg("bit %zu of byte %zu: %02x", bit % 8, bit / 8, f.sealed[bit / 8]);
        f.sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(open_as(sealed, f.public_key, &out, NULL), SOTTO_OK);
}

static void another_devices_key_is_refused(void **state)
{
    (void)state;
    sotto_report in = sample(10), out;
    sotto_vault *other = mem_vault_open(8);
    uint8_t key[SOTTO_PUBLIC_KEY_BYTES];
    assert_non_null(other);
    assert_int_equal(sotto_vault_report_public_key(other, key), SOTTO_OK);
    assert_int_equal(open_as(seal(&in), key, &out, NULL), SOTTO_ERR(PRIVACY, AUTH));
    sotto_vault_close(other);
}

/* ---- Messages that a device signed and that are still wrong ---- */

struct forged {
    const char *kid;
    uint64_t format, cells_tag, keys, seq;
    size_t cells_len, size;
};

static sotto_span forge_payload(const struct forged *forged, uint8_t *memory, size_t cap)
{
    static const uint8_t CELLS[64] = {0};
    sotto_buf out = sotto_buf_of(memory, cap);
    sotto_cbor_writer w = sotto_cbor_writer_of(&out);
    uint64_t numbers[REPORT_KEYS] = {forged->format, 0, forged->seq, 0, 3, 9, 20778, 1, 500000, 8, 0};
    sotto_cbor_put_map(&w, REPORT_KEYS);
    for (uint64_t key = 0; key < REPORT_KEYS; key++) {
        sotto_cbor_put_uint(&w, key);
        if (key == REPORT_KEY_DEVICE) {
            sotto_cbor_put_text(&w, sotto_span_str("kiosk-0042"));
        } else if (key == REPORT_KEY_PREVIOUS) {
            sotto_cbor_put_bytes(&w, sotto_span_of(CELLS, 32));
        } else if (key == REPORT_KEY_CELLS) {
            sotto_cbor_put_tag(&w, forged->cells_tag);
            sotto_cbor_put_bytes(&w, sotto_span_of(CELLS, forged->cells_len));
        } else {
            sotto_cbor_put_uint(&w, numbers[key]);
        }
    }
    assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_OK);
    memory[0] = (uint8_t)(0xa0 + forged->keys); /* the writer itself would not lie about their number */
    return sotto_buf_span(&out);
}

static sotto_span forge(const struct forged *forged)
{
    uint8_t payload_memory[512], message_memory[1024], header_memory[96], signature[SOTTO_SIGNATURE_BYTES];
    sotto_span payload = forge_payload(forged, payload_memory, sizeof payload_memory);
    sotto_buf header = sotto_buf_of(header_memory, sizeof header_memory);
    sotto_buf message = sotto_buf_of(message_memory, sizeof message_memory);
    assert_int_equal(sotto_cose_header(forged->kid, &header), SOTTO_OK);
    assert_int_equal(sotto_cose_signed_bytes(sotto_buf_span(&header), payload, &message), SOTTO_OK);
    assert_int_equal(sotto_vault_report_sign(f.vault, sotto_buf_span(&message), signature), SOTTO_OK);
    message.len = 0;
    sotto_cbor_writer w = sotto_cbor_writer_of(&message);
    sotto_cbor_put_tag(&w, COSE_SIGN1_TAG);
    sotto_cbor_put_array(&w, 4);
    sotto_cbor_put_bytes(&w, sotto_buf_span(&header));
    sotto_cbor_put_map(&w, 0);
    sotto_cbor_put_bytes(&w, payload);
    sotto_cbor_put_bytes(&w, sotto_span_of(signature, sizeof signature));
    assert_int_equal(sotto_cbor_writer_end(&w), SOTTO_OK);
    sotto_buf sealed = sotto_buf_of(f.sealed, sizeof f.sealed);
    assert_int_equal(sotto_lz4_compress(sotto_buf_span(&message), &sealed), SOTTO_OK);
    assert_int_equal(sotto_lz4_pad(&sealed, &forged->size, 1), SOTTO_OK);
    return sotto_buf_span(&sealed);
}

static void signed_nonsense_is_refused(void **state)
{
    (void)state;
    const size_t right = sotto_privacy_sealed_size(4, 4);
    const struct {
        struct forged forged;
        sotto_status expected;
    } CASES[] = {
        {{"kiosk-0042", 1, 74, 11, 1, 16, right}, SOTTO_OK},
        {{"kiosk-0043", 1, 74, 11, 1, 16, right}, SOTTO_ERR(PRIVACY, MALFORMED)},
        {{"kiosk-0042", 2, 74, 11, 1, 16, right}, SOTTO_ERR(PRIVACY, UNSUPPORTED)},
        {{"kiosk-0042", 1, 75, 11, 1, 16, right}, SOTTO_ERR(PRIVACY, MALFORMED)},
        {{"kiosk-0042", 1, 74, 12, 1, 16, right}, SOTTO_ERR(PRIVACY, MALFORMED)},
        {{"kiosk-0042", 1, 74, 11, 0, 16, right}, SOTTO_ERR(PRIVACY, MALFORMED)},
        {{"kiosk-0042", 1, 74, 11, 1, 15, right}, SOTTO_ERR(PRIVACY, MALFORMED)},
        {{"kiosk-0042", 1, 74, 11, 1, 0, right}, SOTTO_ERR(PRIVACY, MALFORMED)},
        {{"kiosk-0042", 1, 74, 11, 1, 16, right + 512}, SOTTO_ERR(PRIVACY, MALFORMED)},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_report out;
        assert_int_equal(open_as(forge(&CASES[i].forged), f.public_key, &out, NULL), CASES[i].expected);
    }
}

static void bad_reports_are_not_sealed(void **state)
{
    (void)state;
    sotto_report base = sample(4), bad[8];
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++)
        bad[i] = base;
    bad[0].device[0] = '\0';
    memset(bad[1].device, 'x', sizeof bad[1].device);
    bad[2].cell_count = 0;
    bad[3].cell_count = SOTTO_TASK_CELLS_MAX + 1;
    bad[4].seq = 0;
    bad[5].epsilon_ueps = 0;
    bad[6].bound = 0;
    bad[7].period_days = 32;
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++) {
        sotto_buf out = sotto_buf_of(f.sealed, sizeof f.sealed);
        assert_int_equal(sotto_report_seal(&bad[i], f.vault, &out, NULL), SOTTO_ERR(PRIVACY, RANGE));
        assert_int_equal(out.len, 0);
    }
}

static void small_buffers_are_refused(void **state)
{
    (void)state;
    sotto_report in = sample(100), out;
    sotto_buf small = sotto_buf_of(f.sealed, 500);
    assert_int_equal(sotto_status_cause(sotto_report_seal(&in, f.vault, &small, NULL)), SOTTO_CAUSE_NO_SPACE);
    assert_int_equal(small.len, 0);
    sotto_span sealed = seal(&in);
    sotto_arena arena;
    sotto_arena_init(&arena, f.memory, 100 * 8 - 16);
    assert_int_equal(sotto_report_open(&out, sealed, f.public_key, &arena, NULL),
                     SOTTO_ERR(PRIVACY, NO_SPACE));
    assert_int_equal(arena.used, 0);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(largest_report_fits),
        cmocka_unit_test(length_depends_on_the_task_only),
        cmocka_unit_test(cells_are_cut_off_at_32_bits),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(another_devices_key_is_refused),
        cmocka_unit_test(signed_nonsense_is_refused),
        cmocka_unit_test(bad_reports_are_not_sealed),
        cmocka_unit_test(small_buffers_are_refused),
    };
    return cmocka_run_group_tests(TESTS, set_up, tear_down);
}
