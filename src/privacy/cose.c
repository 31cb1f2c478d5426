/* Tagged COSE_Sign1 messages (RFC 9052 section 4.2), ES256, header {1: -7, 4: device}: what a report of
 * either mode is signed as. */
#include "privacy_priv.h"

enum {
    COSE_HEADER_ALG = 1, /* RFC 9052 section 3.1 */
    COSE_HEADER_KID = 4,
    COSE_ALG_ES256 = -7 /* RFC 9053 section 2.1 */
};

sotto_status sotto_cose_header(const char *device, sotto_buf *out)
{
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    sotto_cbor_put_map(&w, 2);
    sotto_cbor_put_uint(&w, COSE_HEADER_ALG);
    sotto_cbor_put_int(&w, COSE_ALG_ES256);
    sotto_cbor_put_uint(&w, COSE_HEADER_KID);
    sotto_cbor_put_bytes(&w, sotto_span_str(device));
    return sotto_cbor_writer_end(&w);
}

sotto_status sotto_cose_signed_bytes(sotto_span header, sotto_span payload, sotto_buf *out)
{
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    sotto_cbor_put_array(&w, 4);
    sotto_cbor_put_text(&w, sotto_span_str("Signature1"));
    sotto_cbor_put_bytes(&w, header);
    sotto_cbor_put_bytes(&w, sotto_span_of("", 0));
    sotto_cbor_put_bytes(&w, payload);
    return sotto_cbor_writer_end(&w);
}

static sotto_status write_message(sotto_span header, sotto_span payload,
                                  const uint8_t signature[static SOTTO_SIGNATURE_BYTES], sotto_buf *out)
{
    sotto_cbor_writer w = sotto_cbor_writer_of(out);
    sotto_cbor_put_tag(&w, COSE_SIGN1_TAG);
    sotto_cbor_put_array(&w, 4);
    sotto_cbor_put_bytes(&w, header);
    sotto_cbor_put_map(&w, 0);
    sotto_cbor_put_bytes(&w, payload);
    sotto_cbor_put_bytes(&w, sotto_span_of(signature, SOTTO_SIGNATURE_BYTES));
    return sotto_cbor_writer_end(&w);
}

sotto_status sotto_cose_sign(const char *device, sotto_span payload, const sotto_vault *vault,
                             sotto_buf *message)
{
    uint8_t header_bytes[COSE_HEADER_MAX], signature[SOTTO_SIGNATURE_BYTES];
    sotto_buf header = sotto_buf_of(header_bytes, sizeof header_bytes);
    message->len = 0;
    sotto_status status = sotto_cose_header(device, &header);
    if (status == SOTTO_OK)
        status = sotto_cose_signed_bytes(sotto_buf_span(&header), payload, message);
    if (status == SOTTO_OK)
        status = sotto_vault_report_sign(vault, sotto_buf_span(message), signature);
    message->len = 0;
    return status == SOTTO_OK ? write_message(sotto_buf_span(&header), payload, signature, message) : status;
}

sotto_status sotto_cose_split(cose_parts *out, sotto_span message, size_t payload_max, sotto_diag *diag)
{
    sotto_cbor_reader r = sotto_cbor_reader_of(message);
    if (sotto_cbor_get_tag(&r) != COSE_SIGN1_TAG || sotto_cbor_get_array(&r, 4) != 4)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, MALFORMED),
                              "the report is not a tagged COSE_Sign1 message");
    out->header = sotto_cbor_get_bytes(&r, COSE_HEADER_MAX);
    (void)sotto_cbor_get_map(&r, 0);
    out->payload = sotto_cbor_get_bytes(&r, payload_max);
    out->signature = sotto_cbor_get_bytes(&r, SOTTO_SIGNATURE_BYTES);
    sotto_status status = sotto_cbor_reader_end(&r, diag);
    if (status == SOTTO_OK && out->signature.len != SOTTO_SIGNATURE_BYTES)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, MALFORMED), "an ES256 signature has %d bytes",
                              SOTTO_SIGNATURE_BYTES);
    return status;
}

sotto_status sotto_cose_verify(const cose_parts *parts,
                               const uint8_t public_key[static SOTTO_PUBLIC_KEY_BYTES], sotto_buf *scratch,
                               sotto_diag *diag)
{
    scratch->len = 0;
    sotto_status status = sotto_cose_signed_bytes(parts->header, parts->payload, scratch);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, MALFORMED), "the report is longer than any can be");
    status = sotto_vault_verify_p256(public_key, sotto_buf_span(scratch), parts->signature.ptr);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, AUTH), "the report's signature is not this device's");
    return SOTTO_OK;
}

sotto_status sotto_cose_check_header(const char *device, sotto_span header, sotto_diag *diag)
{
    uint8_t bytes[COSE_HEADER_MAX];
    sotto_buf expected = sotto_buf_of(bytes, sizeof bytes);
    sotto_status status = sotto_cose_header(device, &expected);
    if (status == SOTTO_OK && sotto_span_equal(header, sotto_buf_span(&expected)))
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(PRIVACY, MALFORMED),
                          "the report's header is not {alg: ES256, kid: its device}");
}
