#include "codec_test.h"

#include <lz4frame.h>

/* Text that compresses, then bytes that do not. */
static sotto_span sample(size_t len)
{
    static uint8_t bytes[300000];
    uint32_t x = 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223; /* Knuth, The Art of Computer Programming, volume 2, 3.3.4 */
        bytes[i] = i < len / 2 ? (uint8_t)("offer;shown;taken\n"[i % 18]) : (uint8_t)(x >> 24);
    }
    return sotto_span_of(bytes, len);
}

static sotto_buf compress(sotto_span in)
{
    size_t cap = sotto_lz4_bound(in.len) + 4096;
    uint8_t *memory = malloc(cap);
    assert_non_null(memory);
    sotto_buf out = sotto_buf_of(memory, cap);
    assert_int_equal(sotto_lz4_compress(in, &out), SOTTO_OK);
    return out;
}

static void content_comes_back(void **state)
{
    (void)state;
    static const size_t LENGTHS[] = {0, 1, 2, 15, 100, 65535, 65536, 65537, 300000};
    for (size_t i = 0; i < SOTTO_COUNT(LENGTHS); i++) {
        sotto_span in = sample(LENGTHS[i]);
        sotto_buf frame = compress(in);
        uint8_t *memory = malloc(LENGTHS[i] + 3);
        assert_non_null(memory);
        sotto_buf out = sotto_buf_of(memory, LENGTHS[i] + 3);
        assert_int_equal(sotto_buf_put(&out, "abc", 3), SOTTO_OK); /* it appends */
        assert_int_equal(sotto_lz4_decompress(sotto_buf_span(&frame), &out, NULL), SOTTO_OK);
        assert_true(sotto_span_equal(sotto_span_of(out.ptr + 3, out.len - 3), in));
        if (LENGTHS[i] > 0) {
            out = sotto_buf_of(memory, LENGTHS[i] - 1);
            assert_int_equal(sotto_lz4_decompress(sotto_buf_span(&frame), &out, NULL),
                             SOTTO_ERR(CODEC, NO_SPACE));
            assert_int_equal(out.len, 0);
        }
        free(memory);
        free(frame.ptr);
    }
}

static void compressing_needs_its_bound(void **state)
{
    (void)state;
    uint8_t memory[64] = {0};
    sotto_buf out = sotto_buf_of(memory, 10);
    assert_int_equal(sotto_lz4_compress(sample(100), &out), SOTTO_ERR(CODEC, NO_SPACE));
    assert_int_equal(out.len, 0);
}

static void padding_reaches_a_class_exactly(void **state)
{
    (void)state;
    static const size_t CLASSES[] = {512, 256, 1024}; /* in any order */
    for (size_t len = 0; len <= 1024; len++) {
        uint8_t memory[1032];
        memset(memory, 0xaa, sizeof memory);
        sotto_buf out = {.ptr = memory, .cap = 1024, .len = len};
        sotto_status status = sotto_lz4_pad(&out, CLASSES, 3);
        size_t expected = len == 256 || len + 8 <= 256     ? 256
                          : len == 512 || len + 8 <= 512   ? 512
                          : len == 1024 || len + 8 <= 1024 ? 1024
                                                           : 0;
        assert_int_equal(status, expected != 0 ? SOTTO_OK : SOTTO_ERR(CODEC, RANGE));
        assert_int_equal(out.len, expected != 0 ? expected : len);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(memory[i], 0xaa);
        assert_int_equal(memory[out.len], 0xaa);
    }
    uint8_t memory[100];
    sotto_buf small = {.ptr = memory, .cap = 100, .len = 10};
    assert_int_equal(sotto_lz4_pad(&small, CLASSES, 3), SOTTO_ERR(CODEC, NO_SPACE));
    assert_int_equal(small.len, 10);
}

static void padding_is_passed_over(void **state)
{
    (void)state;
    static const size_t CLASS = 4096;
    uint8_t memory[600];
    sotto_span in = sample(600);
    sotto_buf frame = compress(in), out = sotto_buf_of(memory, sizeof memory);
    frame.cap = 4096 + 512;
    assert_int_equal(sotto_lz4_pad(&frame, &CLASS, 1), SOTTO_OK);
    assert_int_equal(sotto_lz4_pad(&frame, &(size_t){4096 + 8}, 1), SOTTO_OK); /* twice is allowed */
    assert_int_equal(sotto_lz4_decompress(sotto_buf_span(&frame), &out, NULL), SOTTO_OK);
    assert_true(sotto_span_equal(sotto_buf_span(&out), in));
    static const size_t PLACES[] = {4095, 4096, 4100, 3000}; /* in the zeros, the magic, the length */
    for (size_t i = 0; i < SOTTO_COUNT(PLACES); i++) {
        sotto_diag diag = {0};
        out.len = 0;
        frame.ptr[PLACES[i]] ^= 0x40;
        assert_true(sotto_lz4_decompress(sotto_buf_span(&frame), &out, &diag) != SOTTO_OK);
        assert_true(diag.has_offset && diag.offset <= frame.len);
        assert_int_equal(out.len, 0);
        frame.ptr[PLACES[i]] ^= 0x40;
    }
    free(frame.ptr);
}

/* The frame's bytes are the format's, not the library's: its own reader agrees about content and size. */
static void the_library_alone_reads_it(void **state)
{
    (void)state;
    sotto_span in = sample(1000);
    sotto_buf frame = compress(in);
    LZ4F_dctx *dctx;
    LZ4F_frameInfo_t info;
    size_t used = frame.len;
    assert_false(LZ4F_isError(LZ4F_createDecompressionContext(&dctx, LZ4F_VERSION)));
    assert_false(LZ4F_isError(LZ4F_getFrameInfo(dctx, &info, frame.ptr, &used)));
    assert_int_equal(info.contentSize, 1000);
    assert_int_equal(info.contentChecksumFlag, LZ4F_contentChecksumEnabled);
    (void)LZ4F_freeDecompressionContext(dctx);
    free(frame.ptr);
}

static void frames_without_checksum_are_refused(void **state)
{
    (void)state;
    uint8_t frame[200], memory[64];
    sotto_span in = sample(50);
    size_t n = LZ4F_compressFrame(frame, sizeof frame, in.ptr, in.len, NULL);
    assert_false(LZ4F_isError(n));
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    assert_int_equal(sotto_lz4_decompress(sotto_span_of(frame, n), &out, NULL),
                     SOTTO_ERR(CODEC, UNSUPPORTED));
    static const uint8_t SKIP_ONLY[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
    assert_int_equal(sotto_lz4_decompress(sotto_span_of(SKIP_ONLY, 8), &out, NULL),
                     SOTTO_ERR(CODEC, MALFORMED));
}

static void cut_and_changed_everywhere(void **state)
{
    (void)state;
    uint8_t memory[400];
    sotto_span in = sample(400);
    sotto_buf frame = compress(in);
    for (size_t cut = 0; cut < frame.len; cut++) {
        sotto_diag diag = {0};
        sotto_buf out = sotto_buf_of(memory, sizeof memory);
        uint8_t *copy = tight_copy(sotto_span_of(frame.ptr, cut));
        assert_int_equal(sotto_lz4_decompress(sotto_span_of(copy, cut), &out, &diag),
                         SOTTO_ERR(CODEC, TRUNCATED));
        assert_int_equal(diag.status, SOTTO_ERR(CODEC, TRUNCATED));
        assert_int_equal(out.len, 0);
        free(copy);
    }
    for (size_t i = 0; i < frame.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            sotto_buf out = sotto_buf_of(memory, sizeof memory);
            frame.ptr[i] ^= (uint8_t)(1u << bit);
            if (sotto_lz4_decompress(sotto_buf_span(&frame), &out, NULL) == SOTTO_OK)
                fail_msg("bit %u of byte %zu changed, and nobody saw", bit, i);
            assert_int_equal(out.len, 0);
            frame.ptr[i] ^= (uint8_t)(1u << bit);
        }
    free(frame.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_comes_back),
        cmocka_unit_test(compressing_needs_its_bound),
        cmocka_unit_test(padding_reaches_a_class_exactly),
        cmocka_unit_test(padding_is_passed_over),
        cmocka_unit_test(the_library_alone_reads_it),
        cmocka_unit_test(frames_without_checksum_are_refused),
        cmocka_unit_test(cut_and_changed_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
