/* RFC 9180 in base mode with one suite. Names of the steps are the RFC's. */
#include "sotto/hpke.h"
#include "vault_priv.h"

#include <assert.h>
#include <string.h>

enum { HASH = 32, LABELED_MAX = 256 };

/* suite_id of section 4.1 and of section 5.1: KEM 0x0010, KDF 0x0001, AEAD 0x0001. */
static const char KEM_SUITE[] = "KEM\x00\x10", HPKE_SUITE[] = "HPKE\x00\x10\x00\x01\x00\x01";
#define KEM  sotto_span_of(KEM_SUITE, sizeof KEM_SUITE - 1)
#define HPKE sotto_span_of(HPKE_SUITE, sizeof HPKE_SUITE - 1)
#define NONE sotto_span_of(NULL, 0)

/* "HPKE-v1", suite_id and label into a buffer that has room for them. */
static void put_label(sotto_buf *buf, sotto_span suite, const char *label)
{
    sotto_status status = sotto_buf_put(buf, "HPKE-v1", 7);
    if (status == SOTTO_OK)
        status = sotto_buf_put(buf, suite.ptr, suite.len);
    if (status == SOTTO_OK)
        status = sotto_buf_put(buf, label, strlen(label));
    assert(status == SOTTO_OK);
    (void)status;
}

/* Section 4. HKDF-Extract is HMAC under the salt; an empty salt is HMAC's key of zeros (RFC 5869, 2.2). */
static sotto_status labeled_extract(sotto_span suite, sotto_span salt, const char *label, sotto_span ikm,
                                    uint8_t out[static HASH])
{
    static const uint8_t ZEROS[HASH];
    uint8_t bytes[LABELED_MAX];
    sotto_buf head = sotto_buf_of(bytes, sizeof bytes);
    put_label(&head, suite, label);
    return sotto_vault_hmac(256, salt.len > 0 ? salt : sotto_span_of(ZEROS, HASH), sotto_buf_span(&head), ikm,
                            out);
}

/* Section 4, for one block of HKDF-Expand: len <= 32 (RFC 5869, section 2.3: HMAC of info and 01). */
static sotto_status labeled_expand(sotto_span suite, const uint8_t prk[static HASH], const char *label,
                                   sotto_span info, uint8_t *out, size_t len)
{
    uint8_t bytes[LABELED_MAX], block[HASH];
    const uint8_t length[2] = {0, (uint8_t)len}, one = 1;
    sotto_buf head = sotto_buf_of(bytes, sizeof bytes);
    assert(len <= HASH);
    sotto_status status = sotto_buf_put(&head, length, sizeof length);
    put_label(&head, suite, label);
    if (status == SOTTO_OK)
        status = sotto_buf_put(&head, info.ptr, info.len);
    if (status == SOTTO_OK)
        status = sotto_vault_hmac(256, sotto_span_of(prk, HASH), sotto_buf_span(&head),
                                  sotto_span_of(&one, 1), block);
    if (status == SOTTO_OK)
        memcpy(out, block, len);
    sotto_wipe(block, sizeof block);
    sotto_wipe(bytes, sizeof bytes);
    return status;
}

/* ---- keys ---- */

static sotto_status import_private(const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                   psa_key_id_t *id)
{
    if (!sotto_vault_p256_in_range(private_key))
        return SOTTO_ERR(VAULT, MALFORMED);
    return sotto_vault_import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_DERIVE,
                              PSA_ALG_ECDH, sotto_span_of(private_key, SOTTO_HPKE_PRIVATE_BYTES), id);
}

sotto_status sotto_hpke_public_key(const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                   uint8_t public_key[static SOTTO_HPKE_PUBLIC_BYTES])
{
    psa_key_id_t id = PSA_KEY_ID_NULL;
    size_t len = 0;
    memset(public_key, 0, SOTTO_HPKE_PUBLIC_BYTES);
    sotto_status status = import_private(private_key, &id);
    if (status != SOTTO_OK)
        return status;
    status = sotto_vault_psa_status(psa_export_public_key(id, public_key, SOTTO_HPKE_PUBLIC_BYTES, &len));
    (void)psa_destroy_key(id);
    assert(status != SOTTO_OK || len == SOTTO_HPKE_PUBLIC_BYTES);
    return status;
}

static sotto_status candidate(void *ctx, unsigned index, uint8_t out[static 32])
{
    const uint8_t counter = (uint8_t)index;
    return labeled_expand(KEM, ctx, "candidate", sotto_span_of(&counter, 1), out, HASH);
}

sotto_status sotto_hpke_derive_keypair(sotto_span ikm, uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                       uint8_t public_key[static SOTTO_HPKE_PUBLIC_BYTES])
{
    uint8_t prk[HASH];
    memset(private_key, 0, SOTTO_HPKE_PRIVATE_BYTES);
    memset(public_key, 0, SOTTO_HPKE_PUBLIC_BYTES);
    if (ikm.len < SOTTO_HPKE_PRIVATE_BYTES)
        return SOTTO_ERR(VAULT, RANGE);
    sotto_status status = labeled_extract(KEM, NONE, "dkp_prk", ikm, prk);
    if (status == SOTTO_OK)
        status = sotto_vault_p256_scalar(candidate, prk, private_key);
    sotto_wipe(prk, sizeof prk);
    if (status == SOTTO_OK)
        status = sotto_hpke_public_key(private_key, public_key);
    if (status != SOTTO_OK)
        sotto_wipe(private_key, SOTTO_HPKE_PRIVATE_BYTES);
    return status;
}

sotto_status sotto_hpke_keypair(const sotto_entropy *entropy,
                                uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                uint8_t public_key[static SOTTO_HPKE_PUBLIC_BYTES])
{
    uint8_t ikm[SOTTO_HPKE_PRIVATE_BYTES];
    memset(private_key, 0, SOTTO_HPKE_PRIVATE_BYTES);
    memset(public_key, 0, SOTTO_HPKE_PUBLIC_BYTES);
    sotto_status status = entropy->fill(entropy->ctx, ikm, sizeof ikm);
    if (status == SOTTO_OK)
        status = sotto_hpke_derive_keypair(sotto_span_of(ikm, sizeof ikm), private_key, public_key);
    sotto_wipe(ikm, sizeof ikm);
    return status;
}

/* ---- encapsulation, section 4.1 ---- */

/* ExtractAndExpand of the Diffie-Hellman of one side's private and the other's public key. PSA says
 * INVALID_ARGUMENT, which is MALFORMED here, of a public key that is no point of the curve. */
static sotto_status shared_secret(const uint8_t *private_key, const uint8_t *public_key, const uint8_t *enc,
                                  const uint8_t *recipient, uint8_t out[static HASH])
{
    uint8_t dh[HASH], prk[HASH], context[SOTTO_HPKE_ENC_BYTES + SOTTO_HPKE_PUBLIC_BYTES];
    psa_key_id_t id = PSA_KEY_ID_NULL;
    size_t len = 0;
    sotto_status status = import_private(private_key, &id);
    if (status != SOTTO_OK)
        return status;
    status = sotto_vault_psa_status(
        psa_raw_key_agreement(PSA_ALG_ECDH, id, public_key, SOTTO_HPKE_PUBLIC_BYTES, dh, sizeof dh, &len));
    (void)psa_destroy_key(id);
    if (status == SOTTO_OK)
        status = labeled_extract(KEM, NONE, "eae_prk", sotto_span_of(dh, sizeof dh), prk);
    memcpy(context, enc, SOTTO_HPKE_ENC_BYTES);
    memcpy(context + SOTTO_HPKE_ENC_BYTES, recipient, SOTTO_HPKE_PUBLIC_BYTES);
    if (status == SOTTO_OK)
        status = labeled_expand(KEM, prk, "shared_secret", sotto_span_of(context, sizeof context), out, HASH);
    sotto_wipe(dh, sizeof dh);
    sotto_wipe(prk, sizeof prk);
    return status;
}

/* KeySchedule of section 5.1 in base mode: no pre-shared key. */
static sotto_status key_schedule(const uint8_t shared[static HASH], sotto_span info, sotto_hpke_context *out)
{
    uint8_t context[1 + 2 * HASH] = {0}, secret[HASH]; /* mode_base, psk_id_hash, info_hash */
    const sotto_span whole = sotto_span_of(context, sizeof context);
    sotto_status status = labeled_extract(HPKE, NONE, "psk_id_hash", NONE, context + 1);
    if (status == SOTTO_OK)
        status = labeled_extract(HPKE, NONE, "info_hash", info, context + 1 + HASH);
    if (status == SOTTO_OK)
        status = labeled_extract(HPKE, sotto_span_of(shared, HASH), "secret", NONE, secret);
    if (status == SOTTO_OK)
        status = labeled_expand(HPKE, secret, "key", whole, out->key, sizeof out->key);
    if (status == SOTTO_OK)
        status = labeled_expand(HPKE, secret, "base_nonce", whole, out->base_nonce, sizeof out->base_nonce);
    if (status == SOTTO_OK)
        status = labeled_expand(HPKE, secret, "exp", whole, out->exporter_secret, HASH);
    sotto_wipe(secret, sizeof secret);
    return status;
}

/* From the shared secret's keys to the context; ends what a failure left. */
static sotto_status begin(const uint8_t *private_key, const uint8_t *public_key, const uint8_t *enc,
                          const uint8_t *recipient, sotto_span info, sotto_hpke_context *out)
{
    uint8_t shared[HASH];
    sotto_status status = shared_secret(private_key, public_key, enc, recipient, shared);
    if (status == SOTTO_OK)
        status = key_schedule(shared, info, out);
    sotto_wipe(shared, sizeof shared);
    if (status != SOTTO_OK)
        sotto_hpke_end(out);
    return status;
}

sotto_status sotto_hpke_begin_seal(sotto_hpke_context *out, uint8_t enc[static SOTTO_HPKE_ENC_BYTES],
                                   const uint8_t recipient[static SOTTO_HPKE_PUBLIC_BYTES], sotto_span info,
                                   const sotto_entropy *entropy)
{
    uint8_t ephemeral[SOTTO_HPKE_PRIVATE_BYTES];
    memset(out, 0, sizeof *out);
    sotto_status status = sotto_hpke_keypair(entropy, ephemeral, enc);
    if (status == SOTTO_OK)
        status = begin(ephemeral, recipient, enc, recipient, info, out);
    sotto_wipe(ephemeral, sizeof ephemeral);
    if (status != SOTTO_OK)
        memset(enc, 0, SOTTO_HPKE_ENC_BYTES);
    return status;
}

sotto_status sotto_hpke_begin_open(sotto_hpke_context *out,
                                   const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                   const uint8_t enc[static SOTTO_HPKE_ENC_BYTES], sotto_span info)
{
    uint8_t recipient[SOTTO_HPKE_PUBLIC_BYTES];
    memset(out, 0, sizeof *out);
    sotto_status status = sotto_hpke_public_key(private_key, recipient);
    if (status == SOTTO_OK)
        status = begin(private_key, enc, enc, recipient, info, out);
    return status;
}

void sotto_hpke_end(sotto_hpke_context *context)
{
    sotto_wipe(context, sizeof *context);
}

/* ---- messages, section 5.2 ---- */

/* The base nonce and the sequence number, big-endian, in exclusive or. */
static void next_nonce(const sotto_hpke_context *context, uint8_t out[static 12])
{
    memcpy(out, context->base_nonce, 12);
    for (unsigned i = 0; i < 8; i++)
        out[11 - i] ^= (uint8_t)(context->seq >> (8 * i));
}

/* One message of in.len bytes, sealed or opened, into out.len bytes of room. */
static sotto_status crypt(const sotto_hpke_context *context, bool seal, sotto_span aad, sotto_span in,
                          uint8_t *out, size_t room, size_t *len)
{
    uint8_t nonce[12];
    psa_key_id_t id = PSA_KEY_ID_NULL;
    sotto_status status =
        sotto_vault_import(PSA_KEY_TYPE_AES, seal ? PSA_KEY_USAGE_ENCRYPT : PSA_KEY_USAGE_DECRYPT,
                           PSA_ALG_GCM, sotto_span_of(context->key, sizeof context->key), &id);
    if (status != SOTTO_OK)
        return status;
    next_nonce(context, nonce);
    psa_status_t done = seal ? psa_aead_encrypt(id, PSA_ALG_GCM, nonce, sizeof nonce, aad.ptr, aad.len,
                                                in.ptr, in.len, out, room, len)
                             : psa_aead_decrypt(id, PSA_ALG_GCM, nonce, sizeof nonce, aad.ptr, aad.len,
                                                in.ptr, in.len, out, room, len);
    (void)psa_destroy_key(id);
    return sotto_vault_psa_status(done);
}

/* Appends what a message becomes, of out_len bytes, and goes on to the next. */
static sotto_status message(sotto_hpke_context *context, bool seal, sotto_span aad, sotto_span in,
                            size_t out_len, sotto_buf *out)
{
    /* PSA wants a pointer where there are no bytes as well */
    uint8_t none = 0;
    size_t len = 0;
    if (context->seq == UINT64_MAX)
        return SOTTO_ERR(VAULT, RANGE);
    if (out->cap - out->len < out_len)
        return SOTTO_ERR(VAULT, NO_SPACE);
    uint8_t *at = out->ptr == NULL ? &none : out->ptr + out->len;
    sotto_status status = crypt(context, seal, aad, in, at, out_len, &len);
    if (status != SOTTO_OK) {
        sotto_wipe(at, out_len);
        return status;
    }
    assert(len == out_len);
    out->len += len;
    context->seq++;
    return SOTTO_OK;
}

sotto_status sotto_hpke_context_seal(sotto_hpke_context *context, sotto_span aad, sotto_span plain,
                                     sotto_buf *out)
{
    size_t len;
    if (!sotto_add_size(plain.len, SOTTO_HPKE_TAG_BYTES, &len))
        return SOTTO_ERR(VAULT, NO_SPACE);
    return message(context, true, aad, plain, len, out);
}

sotto_status sotto_hpke_context_open(sotto_hpke_context *context, sotto_span aad, sotto_span sealed,
                                     sotto_buf *out)
{
    if (sealed.len < SOTTO_HPKE_TAG_BYTES)
        return SOTTO_ERR(VAULT, TRUNCATED);
    return message(context, false, aad, sealed, sealed.len - SOTTO_HPKE_TAG_BYTES, out);
}

sotto_status sotto_hpke_export(const sotto_hpke_context *context, sotto_span exporter_context,
                               uint8_t out[static SOTTO_HPKE_EXPORT_BYTES])
{
    memset(out, 0, SOTTO_HPKE_EXPORT_BYTES);
    if (exporter_context.len > SOTTO_HPKE_EXPORT_MAX)
        return SOTTO_ERR(VAULT, RANGE);
    return labeled_expand(HPKE, context->exporter_secret, "sec", exporter_context, out,
                          SOTTO_HPKE_EXPORT_BYTES);
}

/* ---- single messages, section 6.1 ---- */

sotto_status sotto_hpke_seal(const uint8_t recipient[static SOTTO_HPKE_PUBLIC_BYTES], sotto_span info,
                             sotto_span aad, sotto_span plain, const sotto_entropy *entropy, sotto_buf *out)
{
    sotto_hpke_context context;
    uint8_t enc[SOTTO_HPKE_ENC_BYTES];
    size_t len, before = out->len;
    if (!sotto_add_size(plain.len, SOTTO_HPKE_OVERHEAD, &len) || out->cap - out->len < len)
        return SOTTO_ERR(VAULT, NO_SPACE);
    sotto_status status = sotto_hpke_begin_seal(&context, enc, recipient, info, entropy);
    if (status == SOTTO_OK)
        status = sotto_buf_put(out, enc, sizeof enc);
    if (status == SOTTO_OK)
        status = sotto_hpke_context_seal(&context, aad, plain, out);
    if (status != SOTTO_OK)
        out->len = before;
    sotto_hpke_end(&context);
    return status;
}

sotto_status sotto_hpke_open(const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES], sotto_span info,
                             sotto_span aad, sotto_span sealed, sotto_buf *out)
{
    sotto_hpke_context context;
    if (sealed.len < SOTTO_HPKE_OVERHEAD)
        return SOTTO_ERR(VAULT, TRUNCATED);
    sotto_status status = sotto_hpke_begin_open(&context, private_key, sealed.ptr, info);
    if (status == SOTTO_OK)
        status = sotto_hpke_context_open(
            &context, aad,
            sotto_span_of(sealed.ptr + SOTTO_HPKE_ENC_BYTES, sealed.len - SOTTO_HPKE_ENC_BYTES), out);
    sotto_hpke_end(&context);
    return status;
}
