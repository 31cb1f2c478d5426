/* The time, signed, for terminals whose clocks cannot be relied on. By the authority's own key where it is
 * here and P-256; otherwise by authority/time.key, to which the authority gave the certificate time.pem. */
#include "collector/signer.h"
#include "office/day.h"
#include "office/office.h"

#include <stdio.h>
#include <string.h>

#define TIME_DAYS    90
#define LOOK_S       3600
#define LOOK_AGAIN_S 60
#define TELL_AGAIN_S 3600

sotto_status hq_collect_time(const hq_collector *c, sotto_span nonce, sotto_vec *answer, sotto_diag *diag)
{
    uint8_t memory[SOTTO_TIME_WORD_MAX];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_time_word word = {.utc_s = c->clock.utc_s(c->clock.ctx)};
    if (nonce.len != 2 * sizeof word.nonce ||
        sotto_hex_decode(nonce, word.nonce, sizeof word.nonce) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "a nonce has 32 hexadecimal digits");
    if (c->time_key[0] == '\0')
        return sotto_diag_set(diag, SOTTO_ERR(HQ, UNSUPPORTED), "nobody here may tell the time");
    memcpy(word.certificate, c->time_cert, sizeof word.certificate);
    sotto_status status = sotto_time_sign(&word, c->time_key, diag);
    if (status == SOTTO_OK)
        status = sotto_time_write(&word, &out);
    return status == SOTTO_OK ? sotto_vec_put(answer, out.ptr, out.len) : status;
}

int64_t hq_collect_look_every_s(const hq_collector *c)
{
    return c->time_key[0] == '\0' ? LOOK_AGAIN_S : LOOK_S;
}

/* ---- whose word it is ---- */

static void take(hq_collector *c, const char *key, const char *certificate)
{
    (void)snprintf(c->time_key, sizeof c->time_key, "%s", key);
    (void)snprintf(c->time_cert, sizeof c->time_cert, "%s", certificate);
}

static bool authority_speaks(const hq_collector *c)
{
    sotto_time_word word = {.utc_s = 0};
    return c->authority_key[0] != '\0' && sotto_time_sign(&word, c->authority_key, NULL) == SOTTO_OK;
}

static sotto_status write_part(const hq_collector *c, const char *name, const char *text, unsigned mode,
                               sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(c->dir, name, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_span_str(text), mode, diag) : status;
}

/* The key, made when there is none and it may be. */
static sotto_status load_key(hq_collector *c, bool makes, char key[static SOTTO_PEM_MAX], hq_enrolment *x,
                             sotto_diag *diag)
{
    sotto_status status = hq_office_key(c->dir, "authority/time.key", key, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND && makes) {
        status = sotto_keypair_make(&c->entropy, key, diag);
        if (status == SOTTO_OK)
            status = write_part(c, "authority/time.key", key, 0600, diag);
    }
    return status == SOTTO_OK ? sotto_keypair_public_pem(key, x->public_pem, diag) : status;
}

static hq_sign_order order_of(const hq_collector *c, const hq_enrolment *x)
{
    return (hq_sign_order){.use = HQ_SIGN_TIME,
                           .name = SOTTO_TIME_SIGNER,
                           .public_pem = x->public_pem,
                           .authority_pem = c->authority_cert,
                           .now_s = c->clock.utc_s(c->clock.ctx)};
}

/* The worker looks each minute while nobody here can tell the time: what stays wrong is logged once an hour.
 */
static bool tells_again(const hq_collector *c)
{
    const int64_t since_s = c->clock.utc_s(c->clock.ctx) - c->time_told_s;
    return c->time_told_s == 0 || since_s < 0 || since_s >= TELL_AGAIN_S;
}

/* What lies in the folder, when it can be used: to its end. The last third of its life is for getting the
 * next one. Told: that one lies there which cannot be used. */
static bool load_certificate(hq_collector *c, const char *key, hq_enrolment *x, bool tells)
{
    char pem[SOTTO_PEM_MAX];
    sotto_diag diag = {0};
    hq_sign_order order = order_of(c, x);
    order.stands = true;
    sotto_status status = hq_office_pem(c->dir, "authority/time.pem", pem, &diag);
    bool there = sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND;
    if (status == SOTTO_OK)
        status = hq_sign_check(&order, sotto_span_str(pem), x->certificate, &x->info, &diag);
    if (status != SOTTO_OK) {
        if (tells && there) {
            sotto_log_event(c->log, SOTTO_LOG_WARN, "time.certificate_refused", "text=\"%s\"",
                            diag.text[0] != '\0' ? diag.text : sotto_status_cause_text(status));
            c->time_told_s = order.now_s;
        }
        return false;
    }
    take(c, key, x->certificate);
    c->time_due = order.now_s > x->info.not_after_s - (x->info.not_after_s - x->info.not_before_s) / 3;
    return true;
}

static sotto_status issue_here(hq_collector *c, hq_enrolment *x, sotto_diag *diag)
{
    const int64_t now_s = c->clock.utc_s(c->clock.ctx), until_s = now_s + TIME_DAYS * HQ_DAY_S;
    sotto_cert_request request = {.use = SOTTO_CERT_DEVICE,
                                  .common_name = SOTTO_TIME_SIGNER,
                                  .not_before_s = now_s - HQ_DAY_S,
                                  .not_after_s =
                                      until_s < c->authority_until_s ? until_s : c->authority_until_s};
    sotto_status status = c->entropy.fill(c->entropy.ctx, request.serial, sizeof request.serial);
    request.serial[0] &= 0x7f;
    if (status == SOTTO_OK)
        status = sotto_cert_issue(&request, sotto_span_str(x->public_pem), c->authority_key,
                                  c->authority_cert, x->certificate, diag);
    return status;
}

/* time.csr lies there in any case: whoever runs the PKI can answer it by hand, into time.pem. */
static sotto_status ask_signer(hq_collector *c, const char *key, hq_enrolment *x, bool waits,
                               sotto_diag *diag)
{
    uint64_t unused;
    const hq_sign_order order = order_of(c, x);
    x->use = HQ_SIGN_TIME;
    (void)snprintf(x->device, sizeof x->device, "%s", SOTTO_TIME_SIGNER);
    sotto_status status = sotto_csr_make(key, SOTTO_TIME_SIGNER, x->csr, diag);
    if (status == SOTTO_OK)
        status = write_part(c, "authority/time.csr", x->csr, 0644, diag);
    if (status == SOTTO_OK && waits)
        return hq_sign_ask(c->signer->program, &order, x->csr, c->log, x->certificate, diag);
    if (status == SOTTO_OK)
        status = hq_signer_begin(c->signer, x, &unused, diag);
    return sotto_status_cause(status) == SOTTO_CAUSE_BUSY ? SOTTO_OK : status; /* under way already */
}

sotto_status hq_time_take(hq_collector *c, const char *certificate, sotto_diag *diag)
{
    sotto_status status = write_part(c, "authority/time.pem", certificate, 0644, diag);
    if (status == SOTTO_OK)
        hq_collect_time_keep(c, false, false);
    return status;
}

static sotto_status renew(hq_collector *c, const char *key, hq_enrolment *x, bool waits, sotto_diag *diag)
{
    sotto_status status = c->signer == NULL ? issue_here(c, x, diag) : ask_signer(c, key, x, waits, diag);
    return status == SOTTO_OK && (waits || c->signer == NULL) ? hq_time_take(c, x->certificate, diag)
                                                              : status;
}

void hq_collect_time_keep(hq_collector *c, bool issues, bool waits)
{
    static hq_enrolment x; /* one thread */
    char key[SOTTO_PEM_MAX] = "";
    sotto_diag diag = {0};
    c->time_due = false;
    if (authority_speaks(c)) {
        take(c, c->authority_key, "");
        return;
    }
    x = (hq_enrolment){.use = HQ_SIGN_TIME};
    sotto_status status = load_key(c, issues, key, &x, &diag);
    const bool tells = issues && tells_again(c);
    bool held = status == SOTTO_OK && load_certificate(c, key, &x, tells);
    if (held)
        c->time_told_s = 0;
    if (status == SOTTO_OK && !held)
        take(c, "", "");
    c->time_due = c->time_due || !held;
    if (status == SOTTO_OK && c->time_due && issues) {
        status = renew(c, key, &x, waits && !held, &diag);
    }
    sotto_wipe(key, sizeof key);
    if (status != SOTTO_OK && tells) {
        sotto_log_event(c->log, SOTTO_LOG_ERROR, "time.no_certificate", "text=\"%s\"", diag.text);
        c->time_told_s = c->clock.utc_s(c->clock.ctx);
    }
}
