/*
 * Head office's word on the time. The signed text is
 *     "sotto time 1\n" <nonce, 32 hex digits> "\n" <seconds since 1970, decimal> "\n"
 * which is no DER, so that the authority's key signs nothing here that could pass for a certificate. Where
 * that key is not at head office, or not P-256, another signs it that the authority gave a certificate.
 */
#include <stdio.h>
#include <string.h>

#include "client_priv.h"

#define TEXT_MAX   96
#define ANSWER_MAX ((size_t)SOTTO_TIME_WORD_MAX)

static sotto_span text_of(const sotto_time_word *word, char out[static TEXT_MAX])
{
    char hex[2 * SOTTO_TIME_NONCE_BYTES + 1];
    sotto_hex_encode(sotto_span_of(word->nonce, sizeof word->nonce), hex, sizeof hex);
    int len = snprintf(out, TEXT_MAX, "sotto time 1\n%s\n%lld\n", hex, (long long)word->utc_s);
    return sotto_span_of(out, (size_t)len);
}

sotto_status sotto_time_sign(sotto_time_word *word, const char *key_pem, sotto_diag *diag)
{
    char text[TEXT_MAX];
    return sotto_keypair_sign(key_pem, text_of(word, text), word->signature, sizeof word->signature,
                              &word->signature_len, diag);
}

/* The name is what keeps a device's, a server's or a pack signer's certificate from telling the time; a chain
 * may hold authorities, but the one who speaks is none. */
static sotto_status check_signer(const sotto_time_word *word, sotto_span authority_pem,
                                 char public_pem[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    sotto_cert_info info;
    sotto_span certificate = sotto_span_str(word->certificate);
    sotto_status st = sotto_cert_verify(certificate, authority_pem, word->utc_s, &info, diag);
    if (st == SOTTO_OK && strcmp(info.common_name, SOTTO_TIME_SIGNER) != 0)
        st = sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "the time is signed by who may not tell it");
    if (st == SOTTO_OK)
        st = sotto_cert_public_pem(certificate, public_pem, diag);
    return st == SOTTO_OK ? sotto_cert_check(certificate, SOTTO_CERT_SIGNER, public_pem, diag) : st;
}

static sotto_status check_signed(const sotto_time_word *word, sotto_span authority_pem, sotto_diag *diag)
{
    char public_pem[SOTTO_PEM_MAX], text[TEXT_MAX];
    sotto_span signature = sotto_span_of(word->signature, word->signature_len);
    if (word->certificate[0] == '\0')
        return sotto_authority_verify(authority_pem, text_of(word, text), signature, word->utc_s, diag);
    sotto_status st = check_signer(word, authority_pem, public_pem, diag);
    if (st != SOTTO_OK)
        return st;
    return sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(public_pem), text_of(word, text),
                               signature, diag);
}

sotto_status sotto_time_check(const sotto_time_word *word, const uint8_t nonce[static SOTTO_TIME_NONCE_BYTES],
                              sotto_span authority_pem, sotto_diag *diag)
{
    if (memcmp(word->nonce, nonce, SOTTO_TIME_NONCE_BYTES) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "the time told answers another question");
    sotto_status st = check_signed(word, authority_pem, diag);
    if (sotto_status_cause(st) == SOTTO_CAUSE_EXPIRED)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, EXPIRED),
                              "the time told lies outside the validity of who signed it");
    return st;
}

sotto_status sotto_time_write(const sotto_time_word *word, sotto_buf *out)
{
    char nonce[2 * SOTTO_TIME_NONCE_BYTES + 1], signature[2 * SOTTO_DER_SIGNATURE_MAX + 1];
    sotto_hex_encode(sotto_span_of(word->nonce, sizeof word->nonce), nonce, sizeof nonce);
    sotto_hex_encode(sotto_span_of(word->signature, word->signature_len), signature, sizeof signature);
    sotto_json_writer w = sotto_json_writer_of(out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "utc_s");
    sotto_json_i64(&w, word->utc_s);
    sotto_json_name(&w, "nonce");
    sotto_json_cstr(&w, nonce);
    sotto_json_name(&w, "signature");
    sotto_json_cstr(&w, signature);
    if (word->certificate[0] != '\0') {
        sotto_json_name(&w, "certificate");
        sotto_json_cstr(&w, word->certificate);
    }
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

static sotto_status read_hex(sotto_json_node top, const char *name, uint8_t *out, size_t cap, size_t *len,
                             sotto_diag *diag)
{
    sotto_span text;
    sotto_status st = sotto_json_get_str(top, name, &text, diag);
    if (st != SOTTO_OK)
        return st;
    *len = text.len / 2;
    if (text.len == 0 || *len > cap || sotto_hex_decode(text, out, *len) != SOTTO_OK)
        return sotto_json_bad(sotto_json_member(top, name), diag, SOTTO_ERR(SYNC, MALFORMED),
                              "must be 1 to %zu bytes in hexadecimal", cap);
    return SOTTO_OK;
}

/* PEM is printable ASCII (RFC 7468 section 2); an empty text would speak for the authority itself. */
static sotto_status read_certificate(sotto_json_node top, sotto_time_word *word, sotto_diag *diag)
{
    sotto_span text;
    if (sotto_json_type(sotto_json_member(top, "certificate")) == SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    sotto_status st = sotto_json_get_str(top, "certificate", &text, diag);
    if (st != SOTTO_OK)
        return st;
    bool plain = text.len > 0 && text.len < sizeof word->certificate;
    for (size_t i = 0; i < text.len && plain; i++)
        plain = (text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f) || text.ptr[i] == '\n' || text.ptr[i] == '\r';
    if (!plain || sotto_span_to_str(text, word->certificate, sizeof word->certificate) != SOTTO_OK)
        return sotto_json_bad(sotto_json_member(top, "certificate"), diag, SOTTO_ERR(SYNC, MALFORMED),
                              "must be PEM of at most %zu bytes", sizeof word->certificate - 1);
    return SOTTO_OK;
}

sotto_status sotto_time_read(sotto_time_word *word, sotto_span json, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    size_t nonce_len = 0;
    memset(word, 0, sizeof *word);
    sotto_status st = sotto_json_parse(&doc, json, "time", diag);
    if (st != SOTTO_OK)
        return st;
    sotto_json_node top = sotto_json_root(doc);
    /* The year 9999 ends X.509's times. */
    st = sotto_json_get_i64(top, "utc_s", 0, 253402300799, &word->utc_s, diag);
    if (st == SOTTO_OK)
        st = read_hex(top, "nonce", word->nonce, sizeof word->nonce, &nonce_len, diag);
    if (st == SOTTO_OK && nonce_len != sizeof word->nonce)
        st = sotto_diag_set(diag, SOTTO_ERR(SYNC, MALFORMED), "the time's nonce has another length");
    if (st == SOTTO_OK)
        st = read_hex(top, "signature", word->signature, sizeof word->signature, &word->signature_len, diag);
    if (st == SOTTO_OK)
        st = read_certificate(top, word, diag);
    sotto_json_free(doc);
    return st;
}

sotto_status sotto_time_ask(sotto_client *head_office, const uint8_t nonce[static SOTTO_TIME_NONCE_BYTES],
                            sotto_time_word *word, sotto_diag *diag)
{
    char target[64], hex[2 * SOTTO_TIME_NONCE_BYTES + 1];
    const sotto_http_message *response;
    sotto_hex_encode(sotto_span_of(nonce, SOTTO_TIME_NONCE_BYTES), hex, sizeof hex);
    (void)snprintf(target, sizeof target, "/v1/time/%s", hex);
    sotto_status st =
        client_request(head_office, "GET", target, NULL, sotto_span_of(NULL, 0), ANSWER_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    if (response->code == 404 || response->code == 501)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, UNSUPPORTED), "head office does not tell the time");
    if (response->code != 200)
        return client_refusal(head_office, response, diag);
    return sotto_time_read(word, response->body, diag);
}
