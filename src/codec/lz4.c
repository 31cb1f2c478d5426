#include "sotto/codec/lz4.h"

#include "sotto/codec/cursor.h"

#define LZ4F_STATIC_LINKING_ONLY /* for the error codes; the library is linked statically */
#include <lz4frame.h>
#include <string.h>

/* lz4_Frame_format.md 1.6: magic numbers of a frame and of the first of sixteen kinds of skippable frame. */
#define FRAME_MAGIC          UINT32_C(0x184D2204)
#define SKIPPABLE_MAGIC      UINT32_C(0x184D2A50)
#define SKIPPABLE_MAGIC_MASK UINT32_C(0xFFFFFFF0)
enum { SKIPPABLE_HEAD = 8 };

static LZ4F_preferences_t preferences(size_t len)
{
    LZ4F_preferences_t p = LZ4F_INIT_PREFERENCES;
    p.frameInfo.blockSizeID = LZ4F_max64KB; /* what the terminal must buffer to read one back */
    p.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    /* One content has many encodings: without a checksum of the block a changed byte could pass. */
    p.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
    p.frameInfo.contentSize = len;
    return p;
}

size_t sotto_lz4_bound(size_t len)
{
    LZ4F_preferences_t p = preferences(len);
    return LZ4F_compressFrameBound(len, &p);
}

sotto_status sotto_lz4_compress(sotto_span in, sotto_buf *out)
{
    LZ4F_preferences_t p = preferences(in.len);
    size_t n = LZ4F_compressFrame(out->ptr + out->len, out->cap - out->len, in.ptr, in.len, &p);
    if (!LZ4F_isError(n)) {
        out->len += n;
        return SOTTO_OK;
    }
    return LZ4F_getErrorCode(n) == LZ4F_ERROR_dstMaxSize_tooSmall ? SOTTO_ERR(CODEC, NO_SPACE)
                                                                  : SOTTO_ERR(CODEC, NO_MEMORY);
}

/* The smallest class that len can be brought to: exactly len, or at least a skippable frame's head more. 0 =
 * none. */
static size_t choose_class(size_t len, const size_t *classes, size_t n)
{
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        bool reachable = classes[i] == len || (classes[i] > len && classes[i] - len >= SKIPPABLE_HEAD);
        if (reachable && (best == 0 || classes[i] < best))
            best = classes[i];
    }
    return best;
}

sotto_status sotto_lz4_pad(sotto_buf *out, const size_t *classes, size_t n)
{
    size_t size = choose_class(out->len, classes, n);
    if (size == 0 || size - out->len > UINT32_MAX)
        return SOTTO_ERR(CODEC, RANGE);
    if (size > out->cap)
        return SOTTO_ERR(CODEC, NO_SPACE);
    if (size == out->len)
        return SOTTO_OK;
    size_t zeros = size - out->len - SKIPPABLE_HEAD;
    sotto_status status = sotto_put_u32(out, SKIPPABLE_MAGIC);
    if (status == SOTTO_OK)
        status = sotto_put_u32(out, (uint32_t)zeros);
    if (status != SOTTO_OK)
        return status;
    memset(out->ptr + out->len, 0, zeros);
    out->len = size;
    return SOTTO_OK;
}

static sotto_status translate(size_t result, size_t offset, sotto_diag *diag)
{
    sotto_status status = SOTTO_ERR(CODEC, MALFORMED);
    switch (LZ4F_getErrorCode(result)) {
    case LZ4F_ERROR_headerChecksum_invalid:
    case LZ4F_ERROR_blockChecksum_invalid:
    case LZ4F_ERROR_contentChecksum_invalid:
    case LZ4F_ERROR_decompressionFailed:
    case LZ4F_ERROR_frameSize_wrong:
        status = SOTTO_ERR(CODEC, CORRUPT);
        break;
    case LZ4F_ERROR_allocation_failed:
        status = SOTTO_ERR(CODEC, NO_MEMORY);
        break;
    case LZ4F_ERROR_frameHeader_incomplete:
        status = SOTTO_ERR(CODEC, TRUNCATED);
        break;
    default:
        break;
    }
    return sotto_diag_at_offset(diag, status, NULL, offset, "not an LZ4 frame: %s",
                                LZ4F_getErrorName(result));
}

/* Reads the frame's head. A frame without a checksum of its content, or with a dictionary, is not one that
 * Sotto makes: without the first a changed byte could pass. */
static sotto_status read_head(LZ4F_dctx *dctx, sotto_span in, size_t *at, sotto_diag *diag)
{
    LZ4F_frameInfo_t info;
    sotto_cursor magic = sotto_cursor_of(in);
    if (sotto_cursor_u32(&magic) != FRAME_MAGIC)
        return sotto_diag_at_offset(diag,
                                    magic.status != SOTTO_OK ? magic.status : SOTTO_ERR(CODEC, MALFORMED),
                                    NULL, 0, "an LZ4 frame must begin here");
    *at = in.len;
    size_t result = LZ4F_getFrameInfo(dctx, &info, in.ptr, at);
    if (LZ4F_isError(result))
        return translate(result, 0, diag);
    if (info.contentChecksumFlag != LZ4F_contentChecksumEnabled || info.dictID != 0)
        return sotto_diag_at_offset(diag, SOTTO_ERR(CODEC, UNSUPPORTED), NULL, 4,
                                    "an LZ4 frame without content checksum, or with a dictionary");
    return SOTTO_OK;
}

/* Decompresses to the frame's end; *at moves behind it, *made bytes are written. */
static sotto_status read_blocks(LZ4F_dctx *dctx, sotto_span in, size_t *at, sotto_buf *out, size_t *made,
                                sotto_diag *diag)
{
    const LZ4F_decompressOptions_t options = {.stableDst = 1};
    size_t free_len = out->cap - out->len, hint = 1;
    *made = 0;
    while (hint != 0) {
        size_t taken = in.len - *at, given = free_len - *made;
        hint = LZ4F_decompress(dctx, out->ptr + out->len + *made, &given, in.ptr + *at, &taken, &options);
        if (LZ4F_isError(hint))
            return translate(hint, *at, diag);
        *at += taken;
        *made += given;
        if (hint == 0 || taken > 0 || given > 0)
            continue;
        if (*at == in.len)
            return sotto_diag_at_offset(diag, SOTTO_ERR(CODEC, TRUNCATED), NULL, *at,
                                        "the LZ4 frame ends too early");
        return sotto_diag_at_offset(diag, SOTTO_ERR(CODEC, NO_SPACE), NULL, *at,
                                    "the content is larger than %zu bytes", free_len);
    }
    return SOTTO_OK;
}

/* Padding holds zeros only: nothing may travel where the readers of a report do not look. */
static sotto_status check_padding(sotto_span in, size_t at, sotto_diag *diag)
{
    sotto_cursor c = sotto_cursor_of(sotto_span_of(in.ptr + at, in.len - at));
    while (c.status == SOTTO_OK && sotto_cursor_left(&c) > 0) {
        if ((sotto_cursor_u32(&c) & SKIPPABLE_MAGIC_MASK) != SKIPPABLE_MAGIC)
            sotto_cursor_fail(&c, SOTTO_ERR(CODEC, MALFORMED));
        sotto_span zeros = sotto_cursor_bytes(&c, sotto_cursor_u32(&c));
        for (size_t i = 0; i < zeros.len; i++)
            if (zeros.ptr[i] != 0)
                sotto_cursor_fail(&c, SOTTO_ERR(CODEC, MALFORMED));
    }
    if (c.status == SOTTO_OK)
        return SOTTO_OK;
    return sotto_diag_at_offset(
        diag, c.status, NULL, at + sotto_cursor_offset(&c),
        "behind the LZ4 frame stands something other than whole skippable frames of zeros");
}

sotto_status sotto_lz4_decompress(sotto_span in, sotto_buf *out, sotto_diag *diag)
{
    LZ4F_dctx *dctx = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&dctx, LZ4F_VERSION)))
        return sotto_diag_set(diag, SOTTO_ERR(CODEC, NO_MEMORY), "no memory to decompress");
    size_t at = 0, made = 0;
    sotto_status status = read_head(dctx, in, &at, diag);
    if (status == SOTTO_OK)
        status = read_blocks(dctx, in, &at, out, &made, diag);
    if (status == SOTTO_OK)
        status = check_padding(in, at, diag);
    if (status == SOTTO_OK)
        out->len += made;
    (void)LZ4F_freeDecompressionContext(dctx);
    return status;
}
