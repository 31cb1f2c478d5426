/* Any bytes as an LZ4 frame, and any bytes as the content of one. */
#include "fuzz.h"

#include "sotto/codec.h"

#include <string.h>

enum { CONTENT_MAX = 1 << 18 };

static uint8_t content[CONTENT_MAX];

/* Compressed, padded and decompressed, the content is itself. */
static void round_trip(sotto_span in)
{
    size_t cap = sotto_lz4_bound(in.len) + 4096, sizes[] = {cap, cap / 2, 512};
    uint8_t *memory = malloc(cap);
    require(memory != NULL);
    sotto_buf frame = sotto_buf_of(memory, cap), out = sotto_buf_of(content, sizeof content);
    require(sotto_lz4_compress(in, &frame) == SOTTO_OK);
    require(sotto_lz4_pad(&frame, sizes, SOTTO_COUNT(sizes)) == SOTTO_OK);
    require(frame.len == sizes[0] || frame.len == sizes[1] || frame.len == sizes[2]);
    require(sotto_lz4_decompress(sotto_buf_span(&frame), &out, NULL) == SOTTO_OK);
    require(sotto_span_equal(sotto_buf_span(&out), in));
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_diag diag = {0};
    sotto_buf out = sotto_buf_of(content, sizeof content);
    sotto_status status = sotto_lz4_decompress(sotto_span_of(data, size), &out, &diag);
    require(status == SOTTO_OK || (out.len == 0 && diag.status == status && diag.offset <= size));
    if (size <= CONTENT_MAX)
        round_trip(sotto_span_of(data, size));
    return 0;
}
