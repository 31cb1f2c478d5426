/* The parts of a sealed report that both sides must make alike: cell width, size, and the bytes under the
 * signature. */
#include "privacy_priv.h"

enum {
    SIZE_STEP = 512,
    FRAME_MARGIN = 64, /* frame header, end mark and checksum are at most 27 bytes */
    PAD_FRAME_MIN = 8
};

/* A draw passes 64 times its scale with a probability below 2^-91, so 32 bits hold every count and its noise
 * while the scale is below 2^24; anything further is cut off there (report.md, "Cells"). */
size_t sotto_privacy_cell_width(uint64_t epsilon_ueps, uint32_t bound)
{
    return (uint64_t)bound * 1000000 / epsilon_ueps < (1u << 24) ? 4 : 8;
}

size_t sotto_privacy_sealed_size(size_t cells, size_t width)
{
    size_t message = REPORT_OVERHEAD_MAX + cells * width;
    /* A block of an LZ4 frame that does not shrink is stored, with 4 bytes before at least 64 KiB; 1/128 is
     * ample. */
    size_t frame = message + message / 128 + FRAME_MARGIN + PAD_FRAME_MIN;
    return (frame + SIZE_STEP - 1) / SIZE_STEP * SIZE_STEP;
}

sotto_status sotto_privacy_protected_header(const char *device, sotto_buf *out)
{
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    sotto_cbor_put_map(&w, 2);
    sotto_cbor_put_uint(&w, COSE_HEADER_ALG);
    sotto_cbor_put_int(&w, COSE_ALG_ES256);
    sotto_cbor_put_uint(&w, COSE_HEADER_KID);
    sotto_cbor_put_bytes(&w, sotto_span_str(device));
    return sotto_cbor_writer_end(&w);
}

sotto_status sotto_privacy_signed_bytes(sotto_span protected_header, sotto_span payload, sotto_buf *out)
{
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    sotto_cbor_put_array(&w, 4);
    sotto_cbor_put_text(&w, sotto_span_str("Signature1"));
    sotto_cbor_put_bytes(&w, protected_header);
    sotto_cbor_put_bytes(&w, sotto_span_of("", 0));
    sotto_cbor_put_bytes(&w, payload);
    return sotto_cbor_writer_end(&w);
}
