/*
 * Head office's word on the time. The signed text is
 *     "sotto time 1\n" <nonce, 32 hex digits> "\n" <seconds since 1970, decimal> "\n"
 * which is no DER, so that the authority's key signs nothing here that could pass for a certificate.
 */
#include <stdio.h>
#include <string.h>

#include "client_priv.h"

#define TEXT_MAX   96
#define ANSWER_MAX ((size_t)8192)

static sotto_span text_of(const sotto_time_word *word, char out[static TEXT_MAX])
{
    char hex[2 * SOTTO_TIME_NONCE_BYTES + 1];
    sotto_hex_encode(sotto_span_of(word->nonce, sizeof word->nonce), hex, sizeof hex);
    int len = snprintf(out, TEXT_MAX, "sotto time 1\n%s\n%lld\n", hex, (long long)word->utc_s);
    return sotto_span_of(out, (size_t)len);
}

sotto_status sotto_time_sign(sotto_time_word *word, const char *authority_key_pem, sotto_diag *diag)
{
    char text[TEXT_MAX];
    return sotto_keypair_sign(authority_key_pem, text_of(word, text), word->signature, sizeof word->signature,
                              &word->signature_len, diag);
}

static sotto_status check_signature(const sotto_time_word *word, sotto_span authority_pem, sotto_diag *diag)
{
    char public_pem[SOTTO_PEM_MAX], text[TEXT_MAX];
    sotto_status st = sotto_cert_public_pem(authority_pem, public_pem, diag);
    if (st != SOTTO_OK)
        return st;
    return sotto_public_verify(SOTTO_SIG_ECDSA_P256_SHA256, sotto_span_str(public_pem), text_of(word, text),
                               sotto_span_of(word->signature, word->signature_len), diag);
}

sotto_status sotto_time_check(const sotto_time_word *word, const uint8_t nonce[static SOTTO_TIME_NONCE_BYTES],
                              sotto_span authority_pem, sotto_diag *diag)
{
    sotto_cert_info info;
    if (memcmp(word->nonce, nonce, SOTTO_TIME_NONCE_BYTES) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "the time told answers another question");
    sotto_status st = check_signature(word, authority_pem, diag);
    if (st == SOTTO_OK)
        st = sotto_cert_read(authority_pem, &info, diag);
    if (st == SOTTO_OK && (word->utc_s < info.not_before_s || word->utc_s > info.not_after_s))
        st = sotto_diag_set(diag, SOTTO_ERR(SYNC, EXPIRED),
                            "the time told lies outside the validity of the authority that signed it");
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
