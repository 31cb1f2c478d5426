/* A tag pack as head office makes it (docs/formats/tag-pack.md). */
#include "pack_priv.h"

#include <string.h>

struct sotto_pack_writer {
    sotto_hpke_context hpke;
    sotto_pack_head head;
    sotto_vec *out;
    sotto_sha256_stream *hash;
    uint32_t sealed; /* chunks that stand in out */
    bool waiting;    /* frame holds the next one: only its successor says that it was not the last */
    uint8_t frame[SOTTO_PACK_CHUNK_BYTES];
    uint8_t wide[SOTTO_PACK_PLAIN_MAX + 65536]; /* a frame before it is known to be small enough */
    uint8_t chunk[SOTTO_PACK_SEALED_BYTES];
};

static sotto_status put_bound(const sotto_pack_head *h, sotto_buf *b)
{
    uint8_t device[PACK_DEVICE_BYTES] = {0};
    memcpy(device, h->device, strnlen(h->device, sizeof device));
    sotto_status status = sotto_buf_put(b, PACK_MAGIC, 8);
    if (status == SOTTO_OK)
        status = sotto_put_u16(b, PACK_VERSION);
    if (status == SOTTO_OK)
        status = sotto_put_u16(b, 0);
    if (status == SOTTO_OK)
        status = sotto_put_u32(b, 0);
    if (status == SOTTO_OK)
        status = sotto_put_u64(b, h->seq);
    if (status == SOTTO_OK)
        status = sotto_put_u64(b, h->base);
    if (status == SOTTO_OK)
        status = sotto_put_u64(b, (uint64_t)h->made_s);
    if (status == SOTTO_OK)
        status = sotto_put_u64(b, h->release);
    if (status == SOTTO_OK)
        status = sotto_buf_put(b, device, sizeof device);
    return status == SOTTO_OK ? sotto_buf_put(b, h->recipient_sha256, sizeof h->recipient_sha256) : status;
}

static sotto_status begin(sotto_pack_writer *w, const uint8_t *recipient, const sotto_entropy *entropy,
                          sotto_diag *diag)
{
    static const uint8_t room[SOTTO_PACK_HEAD_BYTES];
    uint8_t bound[PACK_BOUND_BYTES], info[PACK_INFO_BYTES];
    sotto_buf b = sotto_buf_of(bound, sizeof bound);
    sotto_status status = pack_head_check(&w->head, diag);
    if (status == SOTTO_OK)
        status = sotto_sha256(sotto_span_of(recipient, SOTTO_HPKE_PUBLIC_BYTES), w->head.recipient_sha256);
    if (status == SOTTO_OK)
        status = put_bound(&w->head, &b);
    if (status == SOTTO_OK)
        status = pack_info(sotto_buf_span(&b), info);
    if (status == SOTTO_OK)
        status = sotto_hpke_begin_seal(&w->hpke, w->head.enc, recipient, sotto_span_of(info, sizeof info),
                                       entropy);
    if (status == SOTTO_OK)
        status = sotto_sha256_begin(&w->hash);
    if (status == SOTTO_OK)
        status = sotto_vec_put(w->out, room, sizeof room);
    return status == SOTTO_OK ? SOTTO_OK : sotto_diag_set(diag, status, "the pack cannot be begun");
}

sotto_status sotto_pack_begin(sotto_pack_writer **out_writer, const sotto_pack_head *head,
                              const uint8_t recipient[static SOTTO_HPKE_PUBLIC_BYTES],
                              const sotto_entropy *entropy, sotto_vec *out, sotto_diag *diag)
{
    *out_writer = NULL;
    sotto_pack_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, NO_MEMORY), "no memory for a pack");
    w->head = *head;
    w->out = out;
    sotto_status status = begin(w, recipient, entropy, diag);
    if (status == SOTTO_OK)
        *out_writer = w;
    else
        sotto_pack_writer_free(w);
    return status;
}

static sotto_status seal_waiting(sotto_pack_writer *w, bool last, sotto_diag *diag)
{
    uint8_t aad[PACK_AAD_BYTES];
    sotto_buf chunk = sotto_buf_of(w->chunk, sizeof w->chunk);
    pack_aad(w->sealed, last, aad);
    sotto_status status = sotto_hpke_context_seal(&w->hpke, sotto_span_of(aad, sizeof aad),
                                                  sotto_span_of(w->frame, sizeof w->frame), &chunk);
    if (status == SOTTO_OK)
        status = sotto_sha256_update(w->hash, sotto_buf_span(&chunk));
    if (status == SOTTO_OK)
        status = sotto_vec_put(w->out, chunk.ptr, chunk.len);
    w->waiting = false;
    w->sealed++;
    return status == SOTTO_OK ? SOTTO_OK : sotto_diag_set(diag, status, "a chunk cannot be sealed");
}

sotto_status sotto_pack_add(sotto_pack_writer *w, sotto_span plain, bool *fits, sotto_diag *diag)
{
    static const size_t classes[] = {SOTTO_PACK_CHUNK_BYTES};
    sotto_buf wide = sotto_buf_of(w->wide, sizeof w->wide);
    *fits = false;
    if (plain.len > SOTTO_PACK_PLAIN_MAX)
        return SOTTO_OK;
    if (w->sealed + w->waiting >= SOTTO_PACK_CHUNKS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, RANGE), "too much for one pack of %d chunks",
                              SOTTO_PACK_CHUNKS_MAX);
    sotto_status status = sotto_lz4_compress(plain, &wide);
    if (status == SOTTO_OK)
        status = sotto_lz4_pad(&wide, classes, SOTTO_COUNT(classes));
    if (sotto_status_cause(status) == SOTTO_CAUSE_RANGE)
        return SOTTO_OK;
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "a chunk cannot be compressed");
    if (w->waiting)
        status = seal_waiting(w, false, diag);
    memcpy(w->frame, wide.ptr, sizeof w->frame);
    *fits = w->waiting = true;
    return status;
}

/* 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: at most a half more than was needed, and a length that tells little. */
static uint32_t padded(uint32_t chunks)
{
    uint32_t power = 1;
    while (power < chunks)
        power *= 2;
    return power >= 4 && power / 4 * 3 >= chunks ? power / 4 * 3 : power;
}

static sotto_status pad(sotto_pack_writer *w, sotto_diag *diag)
{
    bool fits;
    sotto_status status = SOTTO_OK;
    if (!w->waiting)
        status = sotto_pack_add(w, sotto_span_of(NULL, 0), &fits, diag);
    const uint32_t want = padded(w->sealed + 1);
    while (status == SOTTO_OK && w->sealed + 1 < want)
        status = sotto_pack_add(w, sotto_span_of(NULL, 0), &fits, diag);
    if (status == SOTTO_OK)
        status = seal_waiting(w, true, diag);
    w->head.chunks = w->sealed;
    return status;
}

static sotto_status put_signed(sotto_pack_writer *w, sotto_buf *b)
{
    sotto_status status = put_bound(&w->head, b);
    if (status == SOTTO_OK)
        status = sotto_put_u32(b, w->head.chunks);
    if (status == SOTTO_OK)
        status = sotto_buf_put(b, w->head.enc, sizeof w->head.enc);
    return status == SOTTO_OK ? sotto_buf_put(b, w->head.body_sha256, sizeof w->head.body_sha256) : status;
}

/* The certificate is signed over, too: every byte of a pack has one value. */
static sotto_status put_signature(sotto_buf *b, const char *key_pem, const char *certificate_pem,
                                  sotto_diag *diag)
{
    uint8_t message[sizeof PACK_SIGN_LABEL + SOTTO_PACK_HEAD_BYTES], signature[80];
    sotto_buf m = sotto_buf_of(message, sizeof message);
    size_t len = 0, cert_len = strlen(certificate_pem);
    if (cert_len > SOTTO_PACK_HEAD_BYTES - PACK_CERTIFICATE_AT - 4 - sizeof signature)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, RANGE), "the signer's certificate is too long");
    sotto_status status = sotto_put_u16(b, (uint16_t)cert_len);
    if (status == SOTTO_OK)
        status = sotto_buf_put(b, certificate_pem, cert_len);
    if (status == SOTTO_OK)
        status = pack_message(sotto_buf_span(b), &m);
    if (status == SOTTO_OK)
        status = sotto_keypair_sign(key_pem, sotto_buf_span(&m), signature, sizeof signature, &len, diag);
    if (status == SOTTO_OK)
        status = sotto_put_u16(b, (uint16_t)len);
    return status == SOTTO_OK ? sotto_buf_put(b, signature, len) : status;
}

sotto_status sotto_pack_end(sotto_pack_writer *w, const char *key_pem, const char *certificate_pem,
                            sotto_diag *diag)
{
    sotto_status status = pad(w, diag);
    if (status == SOTTO_OK) {
        status = sotto_sha256_end(w->hash, w->head.body_sha256);
        w->hash = NULL;
    }
    sotto_buf head = sotto_buf_of(w->out->ptr, SOTTO_PACK_HEAD_BYTES);
    if (status == SOTTO_OK)
        status = put_signed(w, &head);
    if (status == SOTTO_OK)
        status = put_signature(&head, key_pem, certificate_pem, diag);
    return status == SOTTO_OK ? SOTTO_OK : sotto_diag_set(diag, status, "the pack cannot be signed");
}

void sotto_pack_writer_free(sotto_pack_writer *writer)
{
    uint8_t ignored[SOTTO_SHA256_BYTES];
    if (writer == NULL)
        return;
    if (writer->hash != NULL && sotto_sha256_end(writer->hash, ignored) != SOTTO_OK)
        writer->hash = NULL; /* it is freed either way */
    sotto_hpke_end(&writer->hpke);
    sotto_wipe(writer, sizeof *writer);
    free(writer);
}
