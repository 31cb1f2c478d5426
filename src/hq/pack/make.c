/* Rows into a pack: what differs from an earlier one, in chunks that fit, sealed and signed. */
#include "office/day.h"
#include "pack/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNER_DAYS  365
#define SIGNER_SPARE (30 * HQ_DAY_S) /* a certificate with less life left is replaced */
#define CHUNK_BEGIN  ((size_t)160 * 1024)

/* ---- who signs: keys/packs.key, with a certificate of the device authority ---- */

typedef struct signer {
    char key[SOTTO_PEM_MAX], certificate[SOTTO_PEM_MAX];
    char authority_key[SOTTO_PEM_MAX], authority[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
} signer;

static sotto_status put(const char *dir, const char *name, const char *text, unsigned mode, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(dir, name, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_span_str(text), mode, diag) : status;
}

static bool missing(sotto_status status)
{
    return sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND;
}

static sotto_status load_key(signer *s, const char *dir, sotto_diag *diag)
{
    sotto_diag detail = {0};
    const sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = hq_office_key(dir, "keys/packs.key", s->key, &detail);
    if (!missing(status)) {
        *diag = detail;
        return status;
    }
    status = sotto_keypair_make(&entropy, s->key, diag);
    return status == SOTTO_OK ? put(dir, "keys/packs.key", s->key, 0600, diag) : status;
}

/* Where the authority's key is not kept here, the bank's own PKI answers the request. */
static sotto_status ask_pki(signer *s, const char *dir, sotto_diag *diag)
{
    char csr[SOTTO_PEM_MAX];
    sotto_status status = sotto_csr_make(s->key, SOTTO_PACK_SIGNER, csr, diag);
    if (status == SOTTO_OK)
        status = put(dir, "keys/packs.csr", csr, 0644, diag);
    if (status != SOTTO_OK)
        return status;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                          "no certificate may sign tag packs: have keys/packs.csr signed by the devices' "
                          "authority, named '" SOTTO_PACK_SIGNER "', into keys/packs.pem");
}

static sotto_status issue(signer *s, const char *dir, int64_t now_s, sotto_diag *diag)
{
    const sotto_entropy entropy = sotto_port_entropy();
    sotto_cert_request request = {.use = SOTTO_CERT_DEVICE,
                                  .common_name = SOTTO_PACK_SIGNER,
                                  .not_before_s = now_s - HQ_DAY_S,
                                  .not_after_s = now_s + SIGNER_DAYS * HQ_DAY_S};
    sotto_diag detail = {0};
    sotto_status status = hq_office_key(dir, "authority/ca.key", s->authority_key, &detail);
    if (missing(status))
        return ask_pki(s, dir, diag);
    if (status != SOTTO_OK)
        *diag = detail;
    if (status == SOTTO_OK)
        status = entropy.fill(entropy.ctx, request.serial, sizeof request.serial);
    request.serial[0] &= 0x7f;
    if (status == SOTTO_OK)
        status = sotto_keypair_public_pem(s->key, s->public_pem, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_issue(&request, sotto_span_str(s->public_pem), s->authority_key, s->authority,
                                  s->certificate, diag);
    return status == SOTTO_OK ? put(dir, "keys/packs.pem", s->certificate, 0644, diag) : status;
}

static sotto_status load_signer(signer *s, const char *dir, int64_t now_s, sotto_diag *diag)
{
    sotto_cert_info info;
    sotto_status status = load_key(s, dir, diag);
    if (status == SOTTO_OK)
        status = hq_office_pem(dir, "authority/ca.pem", s->authority, diag);
    if (status != SOTTO_OK)
        return status;
    bool held = hq_office_pem(dir, "keys/packs.pem", s->certificate, NULL) == SOTTO_OK &&
                sotto_cert_verify(sotto_span_str(s->certificate), sotto_span_str(s->authority), now_s, &info,
                                  NULL) == SOTTO_OK;
    if (held && info.not_after_s > now_s + SIGNER_SPARE)
        return SOTTO_OK;
    sotto_diag detail = {0};
    status = issue(s, dir, now_s, &detail);
    if (status != SOTTO_OK && held) /* it still serves */
        return hq_office_pem(dir, "keys/packs.pem", s->certificate, diag);
    if (status != SOTTO_OK)
        *diag = detail;
    return status;
}

/* ---- chunks ---- */

typedef struct making {
    sotto_pack_writer *writer;
    const hq_pack_rows *rows, *base;
    size_t at, base_at; /* next of each */
    sotto_vec text;     /* of the chunk being filled */
    sotto_vec carry;    /* the line that did not fit into it */
    hq_pack_made *made;
} making;

/* The next line of the difference of two ordered lists; len 0 at its end. */
static sotto_status next_line(making *m, sotto_vec *out)
{
    out->len = 0;
    for (;;) {
        const hq_pack_row *now = m->at < m->rows->count ? &m->rows->row[m->at] : NULL;
        const hq_pack_row *then =
            m->base != NULL && m->base_at < m->base->count ? &m->base->row[m->base_at] : NULL;
        int order = now == NULL ? 1 : then == NULL ? -1 : hq_pack_row_order(now, then);
        if (now == NULL && then == NULL)
            return SOTTO_OK;
        m->at += order <= 0;
        m->base_at += order >= 0;
        if (order == 0 && memcmp(now->digest, then->digest, HQ_PACK_DIGEST_BYTES) == 0)
            continue;
        const bool set = order <= 0;
        m->made->set += set;
        m->made->forgotten += !set;
        return set ? hq_pack_put_set(m->rows, now, out) : hq_pack_put_forget(m->rows, then, out);
    }
}

/* Fills text up to about `want` bytes; what did not fit stays in carry. */
static sotto_status fill(making *m, size_t want)
{
    m->text.len = 0;
    sotto_status status = sotto_vec_printf(&m->text, "%s", m->rows->header);
    while (status == SOTTO_OK && (m->carry.len > 0 || (status = next_line(m, &m->carry)) == SOTTO_OK)) {
        if (m->carry.len == 0 || (m->text.len + m->carry.len > want && m->text.len > strlen(m->rows->header)))
            break;
        status = sotto_vec_put(&m->text, m->carry.ptr, m->carry.len);
        m->carry.len = 0;
    }
    return status;
}

/* Customers' rows in the open. */
static void free_rows(sotto_vec *vec)
{
    if (vec->ptr != NULL)
        sotto_wipe(vec->ptr, vec->cap);
    sotto_vec_free(vec);
}

/* Where it does not fit, the same lines are tried again with fewer of them. */
static sotto_status put_chunks(making *m, sotto_diag *diag)
{
    size_t want = CHUNK_BEGIN;
    const size_t header = strlen(m->rows->header);
    sotto_status status = SOTTO_OK;
    for (;;) {
        const making before = *m;
        const hq_pack_made counted = *m->made;
        bool fits = false;
        sotto_vec carried;
        sotto_vec_init(&carried, m->carry.limit);
        status = m->carry.len > 0 ? sotto_vec_put(&carried, m->carry.ptr, m->carry.len) : SOTTO_OK;
        if (status == SOTTO_OK)
            status = fill(m, want);
        bool empty = m->text.len == header;
        if (status == SOTTO_OK && !empty)
            status = sotto_pack_add(m->writer, sotto_vec_span(&m->text), &fits, diag);
        if (status == SOTTO_OK && !empty && !fits) {
            m->at = before.at;
            m->base_at = before.base_at;
            *m->made = counted;
            m->carry.len = 0;
            if (carried.len > 0)
                status = sotto_vec_put(&m->carry, carried.ptr, carried.len);
            if (want < header + 1024)
                status = sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "a row is too long for a pack");
        }
        free_rows(&carried);
        if (status != SOTTO_OK || empty)
            return status;
        want = fits ? want + want / 16 : want / 4 * 3;
        if (want > SOTTO_PACK_PLAIN_MAX - 65536)
            want = SOTTO_PACK_PLAIN_MAX - 65536;
    }
}

sotto_status hq_pack_make(const hq_pack_rows *rows, const hq_pack_rows *base, const sotto_pack_head *head,
                          const uint8_t recipient[static SOTTO_HPKE_PUBLIC_BYTES], const char *dir,
                          sotto_vec *out, hq_pack_made *made, sotto_diag *diag)
{
    const sotto_entropy entropy = sotto_port_entropy();
    making m = {.rows = rows, .base = base, .made = made};
    signer *s = calloc(1, sizeof *s);
    *made = (hq_pack_made){.seq = head->seq, .base = head->base};
    if (s == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to make a pack");
    sotto_vec_init(&m.text, 2 * SOTTO_PACK_PLAIN_MAX);
    sotto_vec_init(&m.carry, SOTTO_PACK_PLAIN_MAX);
    sotto_status status = load_signer(s, dir, head->made_s, diag);
    if (status == SOTTO_OK)
        status = sotto_pack_begin(&m.writer, head, recipient, &entropy, out, diag);
    if (status == SOTTO_OK)
        status = put_chunks(&m, diag);
    bool nothing = base != NULL && made->set == 0 && made->forgotten == 0;
    if (status == SOTTO_OK && !nothing)
        status = sotto_pack_end(m.writer, s->key, s->certificate, diag);
    if (status != SOTTO_OK || nothing)
        sotto_vec_free(out);
    made->bytes = out->len;
    sotto_pack_writer_free(m.writer);
    free_rows(&m.text);
    free_rows(&m.carry);
    sotto_wipe(s, sizeof *s);
    free(s);
    return status;
}
