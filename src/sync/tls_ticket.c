/*
 * Session tickets (RFC 8446 section 4.6.1). A ticket is AES-256-GCM over what the server must remember: who
 * the client is, how long its certificate lasts, and mbedTLS's own record of the session; the server keeps
 * nothing, whatever the number of clients. Layout: nonce (12) || sealed (magic 4 || expires_s 8 || common
 * name 65 || cert sha256 32 || session) || tag (16). Keys live in memory, for a day as the current one and
 * one more as the one before.
 */
#include <mbedtls/psa_util.h>
#include <stdlib.h>
#include <string.h>

#include "tls_priv.h"

#define LIFETIME_S   7200
#define KEY_LIFE_MS  (24 * 3600 * INT64_C(1000))
#define NONCE_BYTES  12
#define TAG_BYTES    16
#define CN_BYTES     65
#define HEAD_BYTES   (4 + 8 + CN_BYTES + SOTTO_SHA256_BYTES)
#define SESSION_MAX  1024
#define SEALED_MAX   (NONCE_BYTES + HEAD_BYTES + SESSION_MAX + TAG_BYTES)
#define TICKET_MAGIC 0x31545453u /* "STT1" */

/* The same key in every process that has the seed. */
static psa_status_t derive_key(const sotto_tls *tls, int64_t generation,
                               const psa_key_attributes_t *attributes, psa_key_id_t *out)
{
    static const char label[] = "sotto ticket key";
    uint8_t memory[sizeof label + SOTTO_KEY_BYTES + 8], key[SOTTO_SHA256_BYTES];
    sotto_buf text = sotto_buf_of(memory, sizeof memory);
    psa_status_t ret = PSA_ERROR_GENERIC_ERROR;
    if (sotto_buf_put(&text, label, sizeof label) == SOTTO_OK &&
        sotto_buf_put(&text, tls->tickets.seed, sizeof tls->tickets.seed) == SOTTO_OK &&
        sotto_put_u64(&text, (uint64_t)generation) == SOTTO_OK &&
        sotto_sha256(sotto_buf_span(&text), key) == SOTTO_OK)
        ret = psa_import_key(attributes, key, sizeof key, out);
    sotto_wipe(memory, sizeof memory);
    sotto_wipe(key, sizeof key);
    return ret;
}

static sotto_status make_key(sotto_tls *tls, unsigned slot, int64_t generation)
{
    tls_ticket_keys *t = &tls->tickets;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&attributes, 256);
    psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    if (t->key[slot] != 0)
        (void)psa_destroy_key(t->key[slot]);
    t->key[slot] = 0;
    t->generation[slot] = -1;
    psa_status_t ret = t->seeded ? derive_key(tls, generation, &attributes, &t->key[slot])
                                 : psa_generate_key(&attributes, &t->key[slot]);
    if (ret != PSA_SUCCESS)
        return SOTTO_ERR(SYNC, NO_MEMORY);
    t->generation[slot] = generation;
    return SOTTO_OK;
}

/* The key of one day, made when it is not there; 0 when none can be had (then there is just no ticket). */
static psa_key_id_t key_of(sotto_tls *tls, int64_t generation)
{
    unsigned slot = (unsigned)(generation & 1);
    if (generation < 0)
        return 0;
    if (tls->tickets.generation[slot] == generation)
        return tls->tickets.key[slot];
    return make_key(tls, slot, generation) == SOTTO_OK ? tls->tickets.key[slot] : 0;
}

static int64_t today(const sotto_tls *tls)
{
    return tls->clock.mono_ms(tls->clock.ctx) / KEY_LIFE_MS;
}

static sotto_status write_head(sotto_buf *out, const sync_stream *s)
{
    sotto_status st = sotto_put_u32(out, TICKET_MAGIC);
    if (st == SOTTO_OK)
        st = sotto_put_u64(out, (uint64_t)s->peer_expires_s);
    if (st == SOTTO_OK)
        st = sotto_buf_put(out, s->peer.common_name, CN_BYTES);
    if (st == SOTTO_OK)
        st = sotto_buf_put(out, s->peer.cert_sha256, SOTTO_SHA256_BYTES);
    return st;
}

/* Callback of mbedTLS: writes a ticket for session into start..end. */
static int ticket_write(void *ctx, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *len, uint32_t *lifetime_s)
{
    sotto_tls *tls = ctx;
    uint8_t plain[HEAD_BYTES + SESSION_MAX], nonce[NONCE_BYTES];
    sotto_buf head = sotto_buf_of(plain, HEAD_BYTES);
    size_t session_len = 0, sealed_len = 0, cap = (size_t)(end - start);
    int ret = MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    psa_key_id_t key = key_of(tls, today(tls));
    *len = 0;
    if (key != 0 && tls->active != NULL && write_head(&head, tls->active) == SOTTO_OK && cap > NONCE_BYTES &&
        psa_generate_random(nonce, sizeof nonce) == PSA_SUCCESS)
        ret = mbedtls_ssl_session_save(session, plain + HEAD_BYTES, SESSION_MAX, &session_len);
    if (ret == 0 &&
        psa_aead_encrypt(key, PSA_ALG_GCM, nonce, sizeof nonce, NULL, 0, plain, HEAD_BYTES + session_len,
                         start + NONCE_BYTES, cap - NONCE_BYTES, &sealed_len) != PSA_SUCCESS)
        ret = MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    sotto_wipe(plain, sizeof plain);
    if (ret != 0)
        return ret;
    memcpy(start, nonce, sizeof nonce);
    *len = NONCE_BYTES + sealed_len;
    *lifetime_s = LIFETIME_S;
    return 0;
}

/* Who the ticket was given to becomes known, provisionally: it counts only when the handshake ends without a
 * certificate, that is, by this ticket. */
static bool read_head(sync_stream *s, sotto_cursor *c)
{
    bool magic = sotto_cursor_u32(c) == TICKET_MAGIC;
    int64_t expires_s = (int64_t)sotto_cursor_u64(c);
    sotto_span name = sotto_cursor_bytes(c, CN_BYTES);
    sotto_span hash = sotto_cursor_bytes(c, SOTTO_SHA256_BYTES);
    if (!magic || hash.len != SOTTO_SHA256_BYTES || name.ptr[CN_BYTES - 1] != '\0')
        return false;
    memcpy(s->ticket.common_name, name.ptr, CN_BYTES);
    memcpy(s->ticket.cert_sha256, hash.ptr, SOTTO_SHA256_BYTES);
    s->ticket_expires_s = expires_s;
    return true;
}

static bool open_ticket(sotto_tls *tls, const unsigned char *buf, size_t len, uint8_t *plain, size_t cap,
                        size_t *plain_len)
{
    for (int64_t day = today(tls), i = 0; i < 2; i++, day--) {
        psa_key_id_t key = key_of(tls, day);
        if (key != 0 && psa_aead_decrypt(key, PSA_ALG_GCM, buf, NONCE_BYTES, NULL, 0, buf + NONCE_BYTES,
                                         len - NONCE_BYTES, plain, cap, plain_len) == PSA_SUCCESS)
            return true;
    }
    return false;
}

/* Callback of mbedTLS. A lapsed certificate ends its tickets: the client then shows what it has now. */
static int ticket_parse(void *ctx, mbedtls_ssl_session *session, unsigned char *buf, size_t len)
{
    sotto_tls *tls = ctx;
    sync_stream *s = tls->active;
    uint8_t plain[HEAD_BYTES + SESSION_MAX];
    size_t plain_len = 0;
    int ret = MBEDTLS_ERR_SSL_INVALID_MAC;
    if (s == NULL || len < NONCE_BYTES + HEAD_BYTES + TAG_BYTES || len > SEALED_MAX ||
        !open_ticket(tls, buf, len, plain, sizeof plain, &plain_len))
        return ret;
    sotto_cursor c = sotto_cursor_of(sotto_span_of(plain, plain_len));
    if (read_head(s, &c)) {
        bool lapsed = tls->peer_must_identify && (s->ticket.common_name[0] == '\0' ||
                                                  tls->clock.utc_s(tls->clock.ctx) > s->ticket_expires_s);
        ret = lapsed ? MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED
                     : mbedtls_ssl_session_load(session, c.at, sotto_cursor_left(&c));
    }
    if (ret != 0)
        memset(&s->ticket, 0, sizeof s->ticket);
    sotto_wipe(plain, sizeof plain);
    return ret;
}

sotto_status tls_ticket_setup(sotto_tls *tls, sotto_span seed, sotto_diag *diag)
{
    tls->tickets.generation[0] = tls->tickets.generation[1] = -1;
    if (seed.len != 0 && seed.len != sizeof tls->tickets.seed)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, USAGE), "a ticket seed has %zu bytes",
                              sizeof tls->tickets.seed);
    tls->tickets.seeded = seed.len != 0;
    if (seed.len != 0)
        memcpy(tls->tickets.seed, seed.ptr, seed.len);
    if (key_of(tls, today(tls)) == 0)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no key for session tickets");
    mbedtls_ssl_conf_session_tickets_cb(&tls->conf, ticket_write, ticket_parse, tls);
    return SOTTO_OK;
}

void tls_ticket_free(sotto_tls *tls)
{
    for (unsigned slot = 0; slot < 2; slot++) {
        if (tls->tickets.key[slot] != 0)
            (void)psa_destroy_key(tls->tickets.key[slot]);
    }
    sotto_wipe(tls->tickets.seed, sizeof tls->tickets.seed);
}
