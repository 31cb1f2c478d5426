#include "sotto/codec/cbor.h"

#include "sotto/codec/text.h"

#include <cbor.h>

sotto_cbor_writer sotto_cbor_writer_of(sotto_buf *out)
{
    return (sotto_cbor_writer){.out = out, .status = SOTTO_OK};
}

static void fail(sotto_cbor_writer *w, sotto_status status)
{
    if (w->status == SOTTO_OK)
        w->status = status;
}

static CborEncoder encoder_at(const sotto_cbor_writer *w)
{
    CborEncoder e;
    cbor_encoder_init(&e, w->out->ptr + w->out->len, w->out->cap - w->out->len, 0);
    return e;
}

/* Takes over what the encoder wrote: all of an item's head (and string), or nothing. */
static bool accept(sotto_cbor_writer *w, const CborEncoder *e, CborError error)
{
    if (error != CborNoError) {
        fail(w, error == CborErrorOutOfMemory ? SOTTO_ERR(CODEC, NO_SPACE) : SOTTO_ERR(CODEC, INTERNAL));
        return false;
    }
    w->out->len += cbor_encoder_get_buffer_size(e, w->out->ptr + w->out->len);
    return true;
}

/* One item is complete: it counts in its container, and a container that is full counts in its own. */
static void count_item(sotto_cbor_writer *w)
{
    while (w->depth > 0 && --w->left[w->depth - 1] == 0)
        w->depth--;
}

static void open_container(sotto_cbor_writer *w, uint64_t items)
{
    if (items == 0) {
        count_item(w);
        return;
    }
    if (w->depth == SOTTO_CBOR_DEPTH_MAX) {
        fail(w, SOTTO_ERR(CODEC, RANGE));
        return;
    }
    w->left[w->depth++] = items;
}

void sotto_cbor_put_uint(sotto_cbor_writer *w, uint64_t v)
{
    if (w->status != SOTTO_OK)
        return;
    CborEncoder e = encoder_at(w);
    if (accept(w, &e, cbor_encode_uint(&e, v)))
        count_item(w);
}

void sotto_cbor_put_int(sotto_cbor_writer *w, int64_t v)
{
    if (w->status != SOTTO_OK)
        return;
    CborEncoder e = encoder_at(w);
    if (accept(w, &e, cbor_encode_int(&e, v)))
        count_item(w);
}

void sotto_cbor_put_bytes(sotto_cbor_writer *w, sotto_span v)
{
    static const uint8_t NOTHING[1];
    if (w->status != SOTTO_OK)
        return;
    CborEncoder e = encoder_at(w);
    if (accept(w, &e, cbor_encode_byte_string(&e, v.len > 0 ? v.ptr : NOTHING, v.len)))
        count_item(w);
}

void sotto_cbor_put_text(sotto_cbor_writer *w, sotto_span v)
{
    if (w->status != SOTTO_OK)
        return;
    if (!sotto_utf8_valid(v, NULL)) {
        fail(w, SOTTO_ERR(CODEC, MALFORMED));
        return;
    }
    CborEncoder e = encoder_at(w);
    if (accept(w, &e, cbor_encode_text_string(&e, v.len > 0 ? (const char *)v.ptr : "", v.len)))
        count_item(w);
}

/* The library's own container object is left alone: this writer counts the items itself, so that it can be
 * one flat object. */
void sotto_cbor_put_array(sotto_cbor_writer *w, uint64_t count)
{
    if (w->status != SOTTO_OK)
        return;
    if (count > SIZE_MAX / 2 - 1) {
        fail(w, SOTTO_ERR(CODEC, RANGE));
        return;
    }
    CborEncoder e = encoder_at(w), inner;
    CborError error = cbor_encoder_create_array(&e, &inner, (size_t)count);
    if (accept(w, &inner, error))
        open_container(w, count);
}

void sotto_cbor_put_map(sotto_cbor_writer *w, uint64_t pairs)
{
    if (w->status != SOTTO_OK)
        return;
    if (pairs > SIZE_MAX / 2 - 1) {
        fail(w, SOTTO_ERR(CODEC, RANGE));
        return;
    }
    CborEncoder e = encoder_at(w), inner;
    CborError error = cbor_encoder_create_map(&e, &inner, (size_t)pairs);
    if (accept(w, &inner, error))
        open_container(w, 2 * pairs);
}

/* A tag and what it stands before are one item: it does not count. */
void sotto_cbor_put_tag(sotto_cbor_writer *w, uint64_t tag)
{
    if (w->status != SOTTO_OK)
        return;
    CborEncoder e = encoder_at(w);
    (void)accept(w, &e, cbor_encode_tag(&e, tag));
}

sotto_status sotto_cbor_writer_end(const sotto_cbor_writer *w)
{
    if (w->status != SOTTO_OK)
        return w->status;
    return w->depth == 0 ? SOTTO_OK : SOTTO_ERR(CODEC, USAGE);
}
