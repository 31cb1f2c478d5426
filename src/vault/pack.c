/* A tag pack as the terminal reads it (docs/formats/tag-pack.md). */
#include "pack_priv.h"

#include <string.h>

static sotto_status bad(sotto_diag *diag, uint64_t offset, const char *what)
{
    return sotto_diag_at_offset(diag, SOTTO_ERR(VAULT, MALFORMED), "tag pack", offset, "%s", what);
}

static bool name_char(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* A device id, then zeros: one way to write each name. */
static bool take_device(sotto_span field, char out[static SOTTO_PACK_DEVICE_MAX])
{
    size_t len = 0;
    while (len < field.len && name_char(field.ptr[len]))
        len++;
    for (size_t i = len; i < field.len; i++)
        if (field.ptr[i] != 0)
            return false;
    memcpy(out, field.ptr, len);
    out[len] = '\0';
    return len > 0;
}

static void take_into(sotto_cursor *c, uint8_t *out, size_t len)
{
    sotto_span bytes = sotto_cursor_bytes(c, len);
    if (bytes.len == len)
        memcpy(out, bytes.ptr, len);
}

static sotto_status read_bound(sotto_pack_head *out, sotto_cursor *c, sotto_diag *diag)
{
    sotto_span magic = sotto_cursor_bytes(c, 8);
    uint16_t version = sotto_cursor_u16(c);
    uint16_t zero = sotto_cursor_u16(c);
    uint32_t zeros = sotto_cursor_u32(c);
    if (!sotto_span_is(magic, PACK_MAGIC))
        return bad(diag, 0, "is no tag pack");
    if (version != PACK_VERSION)
        return sotto_diag_at_offset(diag, SOTTO_ERR(VAULT, UNSUPPORTED), "tag pack", 8,
                                    "has version %u, which a newer program made", version);
    if (zero != 0 || zeros != 0)
        return bad(diag, 10, "reserved bytes are not zero");
    out->seq = sotto_cursor_u64(c);
    out->base = sotto_cursor_u64(c);
    out->made_s = sotto_cursor_i64(c);
    out->release = sotto_cursor_u64(c);
    if (!take_device(sotto_cursor_bytes(c, PACK_DEVICE_BYTES), out->device))
        return bad(diag, 48, "does not say for which device it is");
    take_into(c, out->recipient_sha256, sizeof out->recipient_sha256);
    return pack_head_check(out, diag);
}

static sotto_status read_rest(sotto_pack_head *out, sotto_cursor *c, sotto_diag *diag)
{
    out->chunks = sotto_cursor_u32(c);
    take_into(c, out->enc, sizeof out->enc);
    take_into(c, out->body_sha256, sizeof out->body_sha256);
    out->certificate = sotto_cursor_bytes(c, sotto_cursor_u16(c));
    out->signed_part = sotto_span_of(c->start, sotto_cursor_offset(c));
    out->signature = sotto_cursor_bytes(c, sotto_cursor_u16(c));
    size_t at = sotto_cursor_offset(c);
    if (c->status != SOTTO_OK || out->certificate.len == 0 || out->signature.len == 0)
        return bad(diag, PACK_CERTIFICATE_AT, "certificate or signature does not fit the head");
    if (out->chunks == 0 || out->chunks > SOTTO_PACK_CHUNKS_MAX)
        return sotto_diag_at_offset(diag, SOTTO_ERR(VAULT, RANGE), "tag pack", PACK_BOUND_BYTES,
                                    "says that it has %lu chunks", (unsigned long)out->chunks);
    sotto_span rest = sotto_cursor_bytes(c, sotto_cursor_left(c));
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] != 0)
            return bad(diag, at + i, "the head is not filled with zeros");
    return SOTTO_OK;
}

sotto_status sotto_pack_read(sotto_pack_head *out, sotto_span head, sotto_diag *diag)
{
    memset(out, 0, sizeof *out);
    if (head.len != SOTTO_PACK_HEAD_BYTES)
        return sotto_diag_at_offset(diag, SOTTO_ERR(VAULT, TRUNCATED), "tag pack", head.len,
                                    "its head has %d bytes", SOTTO_PACK_HEAD_BYTES);
    sotto_cursor c = sotto_cursor_of(head);
    sotto_status status = read_bound(out, &c, diag);
    if (status == SOTTO_OK)
        status = read_rest(out, &c, diag);
    out->bound = sotto_span_of(head.ptr, PACK_BOUND_BYTES);
    return status;
}

/* ---- who made it ---- */

static sotto_status check_signer(const sotto_pack_head *head, sotto_span authority_pem, sotto_diag *diag)
{
    sotto_cert_info info;
    /* By when it was made: a pack may wait for weeks on a disk, as its signer's certificate may lapse. */
    sotto_status status = sotto_cert_verify(head->certificate, authority_pem, head->made_s, &info, diag);
    if (status == SOTTO_OK && strcmp(info.common_name, SOTTO_PACK_SIGNER) != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(VAULT, AUTH),
                                "the pack's certificate is not one that may sign tag packs");
    return status;
}

sotto_status sotto_pack_verify(const sotto_pack_head *head, sotto_span authority_pem, int64_t now_s,
                               sotto_diag *diag)
{
    char key[SOTTO_PEM_MAX];
    uint8_t message[sizeof PACK_SIGN_LABEL + SOTTO_PACK_HEAD_BYTES];
    sotto_buf out = sotto_buf_of(message, sizeof message);
    if (head->made_s > now_s + PACK_AHEAD_S)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, EXPIRED), "the pack is of a day that is yet to come");
    sotto_status status = check_signer(head, authority_pem, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_public_pem(head->certificate, key, diag);
    if (status == SOTTO_OK)
        status = pack_message(head->signed_part, &out);
    if (status == SOTTO_OK)
        status = sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(key), sotto_buf_span(&out),
                                     head->signature, diag);
    return status;
}

sotto_status pack_message(sotto_span signed_part, sotto_buf *out)
{
    sotto_status status = sotto_buf_put(out, PACK_SIGN_LABEL, sizeof PACK_SIGN_LABEL);
    return status == SOTTO_OK ? sotto_buf_put(out, signed_part.ptr, signed_part.len) : status;
}

sotto_status pack_info(sotto_span bound, uint8_t out[static PACK_INFO_BYTES])
{
    sotto_buf buf = sotto_buf_of(out, PACK_INFO_BYTES);
    sotto_status status = sotto_buf_put(&buf, PACK_SEAL_LABEL, sizeof PACK_SEAL_LABEL);
    return status == SOTTO_OK ? sotto_buf_put(&buf, bound.ptr, bound.len) : status;
}

sotto_status pack_head_check(const sotto_pack_head *head, sotto_diag *diag)
{
    if (head->seq == 0 || head->seq > INT64_MAX || head->base >= head->seq || head->release > INT64_MAX ||
        head->made_s < 0)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, RANGE),
                              "a pack's number is 1 or more, and larger than that of the one it builds on");
    return SOTTO_OK;
}

void pack_aad(uint32_t index, bool last, uint8_t out[static PACK_AAD_BYTES])
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(index >> (8 * i));
    out[4] = last;
}

/* ---- what is in it ---- */

sotto_status sotto_pack_open(sotto_pack_opener *out, const sotto_pack_head *head,
                             const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES], sotto_diag *diag)
{
    uint8_t info[PACK_INFO_BYTES];
    *out = (sotto_pack_opener){.chunks = head->chunks};
    sotto_status status = pack_info(head->bound, info);
    if (status == SOTTO_OK)
        status = sotto_hpke_begin_open(&out->hpke, private_key, head->enc, sotto_span_of(info, sizeof info));
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the pack's encapsulated key cannot be opened");
    return SOTTO_OK;
}

static sotto_status unseal(sotto_pack_opener *opener, sotto_span sealed, sotto_buf *frame, sotto_diag *diag)
{
    uint8_t aad[PACK_AAD_BYTES];
    if (sealed.len != SOTTO_PACK_SEALED_BYTES)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, TRUNCATED), "chunk %lu of the pack is cut",
                              (unsigned long)opener->next);
    if (opener->next >= opener->chunks)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, MALFORMED), "the pack goes on after its last chunk");
    pack_aad(opener->next, opener->next + 1 == opener->chunks, aad);
    sotto_status status =
        sotto_hpke_context_open(&opener->hpke, sotto_span_of(aad, sizeof aad), sealed, frame);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "chunk %lu is not the next one of a pack for this key",
                              (unsigned long)opener->next);
    opener->next++;
    return SOTTO_OK;
}

sotto_status sotto_pack_next(sotto_pack_opener *opener, sotto_span sealed, sotto_buf *plain, sotto_diag *diag)
{
    uint8_t *memory = malloc(SOTTO_PACK_CHUNK_BYTES);
    plain->len = 0;
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, NO_MEMORY), "no memory to open a pack");
    sotto_buf frame = sotto_buf_of(memory, SOTTO_PACK_CHUNK_BYTES);
    sotto_status status = unseal(opener, sealed, &frame, diag);
    if (status == SOTTO_OK)
        status = sotto_lz4_decompress(sotto_buf_span(&frame), plain, diag);
    sotto_wipe(memory, SOTTO_PACK_CHUNK_BYTES);
    free(memory);
    return status;
}

void sotto_pack_close(sotto_pack_opener *opener)
{
    sotto_hpke_end(&opener->hpke);
    sotto_wipe(opener, sizeof *opener);
}
