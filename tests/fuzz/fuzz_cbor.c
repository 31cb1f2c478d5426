/* Any bytes as CBOR. The subset has one form for each value: what the reader takes, the writer writes to the
 * very same bytes. */
#include "fuzz.h"

#include "sotto/codec.h"

#include <string.h>

enum { ITEMS_MAX = 1000 };

static void copy_item(sotto_cbor_reader *r, sotto_cbor_writer *w, unsigned depth);

static void copy_items(sotto_cbor_reader *r, sotto_cbor_writer *w, uint64_t n, unsigned depth)
{
    for (uint64_t i = 0; i < n && r->status == SOTTO_OK; i++)
        copy_item(r, w, depth);
}

static void copy_container(sotto_cbor_reader *r, sotto_cbor_writer *w, bool map, unsigned depth)
{
    uint64_t n = map ? sotto_cbor_get_map(r, ITEMS_MAX) : sotto_cbor_get_array(r, ITEMS_MAX);
    if (r->status != SOTTO_OK)
        return;
    if (map)
        sotto_cbor_put_map(w, n);
    else
        sotto_cbor_put_array(w, n);
    copy_items(r, w, map ? 2 * n : n, depth + 1);
}

/* The major type is the first byte's top three bits (RFC 8949, section 3). */
static void copy_item(sotto_cbor_reader *r, sotto_cbor_writer *w, unsigned depth)
{
    unsigned major = r->at < r->in.len ? r->in.ptr[r->at] >> 5 : 0;
    if (depth == SOTTO_CBOR_DEPTH_MAX) {
        r->status = SOTTO_ERR(CODEC, RANGE);
        return;
    }
    switch (major) {
    case 1:
        sotto_cbor_put_int(w, sotto_cbor_get_int(r));
        break;
    case 2:
        sotto_cbor_put_bytes(w, sotto_cbor_get_bytes(r, SIZE_MAX));
        break;
    case 3:
        sotto_cbor_put_text(w, sotto_cbor_get_text(r, SIZE_MAX));
        break;
    case 4:
    case 5:
        copy_container(r, w, major == 5, depth);
        break;
    case 6:
        sotto_cbor_put_tag(w, sotto_cbor_get_tag(r));
        copy_item(r, w, depth + 1);
        break;
    default:
        sotto_cbor_put_uint(w, sotto_cbor_get_uint(r, UINT64_MAX));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_diag diag = {0};
    sotto_cbor_reader r = sotto_cbor_reader_of(sotto_span_of(data, size));
    uint8_t *memory = malloc(size + 16);
    require(memory != NULL);
    sotto_buf out = sotto_buf_of(memory, size + 16);
    sotto_cbor_writer w = sotto_cbor_writer_of(&out);
    copy_item(&r, &w, 0);
    sotto_status status = sotto_cbor_reader_end(&r, &diag);
    require(r.at <= size && (status == SOTTO_OK || (diag.status == status && diag.offset <= size)));
    if (status == SOTTO_OK)
        require(sotto_cbor_writer_end(&w) == SOTTO_OK && out.len == size && memcmp(memory, data, size) == 0);
    free(memory);
    return 0;
}
