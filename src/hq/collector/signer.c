/* The program that signs for an authority elsewhere: run, bounded, and believed in nothing (signer.h). */
#include "collector/signer.h"
#include "office/day.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAID_MAX       ((size_t)64 * 1024) /* openssl ca prints each certificate as a text, too */
#define CSR_MAX        4096                /* port.h: what a program takes at once */
#define LEAST_LIFE     HQ_DAY_S
#define LINES_MAX      16 /* of what it says aside */
#define LINE_MAX_BYTES 400
#define AHEAD_S        300 /* the PKI's clock may be a little fast, and the certificate begin when it was made */

static const char *const WORDS[] = {
#define X(name, word, use) word,
    HQ_SIGN_USES(X)
#undef X
};
static const enum sotto_cert_use USES[] = {
#define X(name, word, use) use,
    HQ_SIGN_USES(X)
#undef X
};

/* ---- what came back ---- */

/* RFC 7468: the blocks alone, without the words that may stand around them. */
sotto_status hq_sign_blocks(sotto_span said, char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    static const char BEGIN[] = "-----BEGIN CERTIFICATE-----", END[] = "-----END CERTIFICATE-----";
    const uint8_t *at = said.ptr, *stop = said.len > 0 ? said.ptr + said.len : said.ptr;
    size_t len = 0;
    while (at < stop) {
        const uint8_t *begin = memmem(at, (size_t)(stop - at), BEGIN, sizeof BEGIN - 1);
        const uint8_t *end =
            begin == NULL ? NULL : memmem(begin, (size_t)(stop - begin), END, sizeof END - 1);
        if (end == NULL)
            break;
        at = end + sizeof END - 1;
        if ((size_t)(at - begin) + 2 > SOTTO_PEM_MAX - len)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                                  "certificate and chain are longer than %d bytes", SOTTO_PEM_MAX - 1);
        memcpy(out + len, begin, (size_t)(at - begin));
        len += (size_t)(at - begin);
        out[len++] = '\n';
    }
    out[len] = '\0';
    return len > 0 ? SOTTO_OK
                   : sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED), "there is no certificate in PEM");
}

static sotto_status judge(const hq_sign_order *order, const char *certificate, sotto_cert_info *info,
                          sotto_diag *diag)
{
    sotto_span pem = sotto_span_str(certificate), authority = sotto_span_str(order->authority_pem);
    int64_t at_s = order->now_s;
    sotto_status status = sotto_cert_check(pem, USES[order->use], order->public_pem, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_check_names(pem, order->hosts, order->host_count, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_read(pem, info, diag);
    if (status == SOTTO_OK && info->not_before_s > at_s && info->not_before_s <= at_s + AHEAD_S)
        at_s = info->not_before_s;
    if (status == SOTTO_OK)
        status = sotto_cert_verify(pem, authority, at_s, info, diag);
    if (status == SOTTO_OK && order->use != HQ_SIGN_SERVER && strcmp(info->common_name, order->name) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, AUTH), "its common name is '%.64s', not '%.64s'",
                              info->common_name, order->name);
    if (status == SOTTO_OK && !order->stands && info->not_after_s < order->now_s + LEAST_LIFE)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, EXPIRED), "it ends within a day");
    return status;
}

sotto_status hq_sign_check(const hq_sign_order *order, sotto_span said,
                           char certificate[static SOTTO_PEM_MAX], sotto_cert_info *info, sotto_diag *diag)
{
    *info = (sotto_cert_info){0};
    sotto_status status = hq_sign_blocks(said, certificate, diag);
    if (status == SOTTO_OK)
        status = judge(order, certificate, info, diag);
    if (status != SOTTO_OK)
        certificate[0] = '\0';
    return status;
}

/* ---- the program ---- */

/* argv wants what is not const; nothing is written there. */
static char *unconst(const char *text)
{
    union {
        const char *in;
        char *out;
    } cast = {.in = text};
    return cast.out;
}

/* Before anything rests on it. */
sotto_status hq_sign_program(const char *program, sotto_diag *diag)
{
    struct stat about;
    if (program == NULL ||
        (stat(program, &about) == 0 && S_ISREG(about.st_mode) && access(program, X_OK) == 0))
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), program, 0,
                         "--sign-command: there is no program that can be run");
}

/* words: of whoever ran it, with the reason where it has no better name. */
static sotto_status did_not_run(sotto_status ran, const sotto_diag *words, sotto_diag *diag)
{
    const int cause = sotto_status_cause(ran);
    if (cause == SOTTO_CAUSE_TIMEOUT)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, IO), "the bank's PKI did not answer within %d s",
                              HQ_SIGN_MS / 1000);
    if (cause == SOTTO_CAUSE_RANGE)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, IO),
                              "the bank's PKI gave no certificate (its program said more than %zu bytes)",
                              SAID_MAX);
    return sotto_diag_set(diag, SOTTO_ERR(HQ, IO), "the bank's PKI cannot be asked (its program %.80s)",
                          cause == SOTTO_CAUSE_IO && words->text[0] != '\0' ? words->text
                                                                            : sotto_status_cause_text(ran));
}

/* How it ended, and what of it is worth something: nothing that a program says can put a certificate in use
 * that was not asked for. */
static sotto_status conclude(int exit_code, const hq_sign_order *order, sotto_span said,
                             char certificate[static SOTTO_PEM_MAX], sotto_cert_info *info, sotto_diag *diag)
{
    sotto_diag why = {0};
    certificate[0] = '\0';
    if (exit_code == HQ_SIGN_REFUSED)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), "the bank's PKI refuses a certificate for '%.64s'",
                              order->name);
    if (exit_code != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, IO),
                              "the bank's PKI gave no certificate (its program ended with %d)", exit_code);
    if (hq_sign_check(order, said, certificate, info, &why) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, IO), "what the bank's PKI gave cannot be used: %s",
                              why.text);
    return SOTTO_OK;
}

static sotto_status too_long(sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the request has more than %d bytes", CSR_MAX);
}

sotto_status hq_sign_ask(const char *program, const hq_sign_order *order, const char *csr_pem,
                         const sotto_log *log, char certificate[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    char *const argv[] = {unconst(program), unconst(WORDS[order->use]), unconst(order->name), NULL};
    sotto_vec said, aside;
    sotto_cert_info info;
    sotto_port_job job;
    int exit_code = -1;
    sotto_diag words = {0};
    certificate[0] = '\0';
    if (strlen(csr_pem) > CSR_MAX)
        return too_long(diag);
    sotto_vec_init(&said, SAID_MAX);
    sotto_vec_init(&aside, HQ_SIGN_ASIDE_MAX);
    sotto_status ran = sotto_port_job_start(&job, argv, sotto_span_str(csr_pem), HQ_SIGN_MS,
                                            log == NULL ? NULL : &aside, &words);
    if (ran == SOTTO_OK)
        while (sotto_status_cause(ran = sotto_port_job_step(&job, &said, &exit_code, &words)) ==
               SOTTO_CAUSE_BUSY)
            sotto_port_job_wait(&job);
    sotto_status status = ran == SOTTO_OK
                              ? conclude(exit_code, order, sotto_vec_span(&said), certificate, &info, diag)
                              : did_not_run(ran, &words, diag);
    hq_sign_tell(log, order->name, sotto_vec_span(&aside), status != SOTTO_OK);
    sotto_vec_free(&said);
    sotto_vec_free(&aside);
    return status;
}

void hq_sign_tell(const sotto_log *log, const char *name, sotto_span words, bool failed)
{
    const uint8_t *at = words.ptr, *stop = words.len > 0 ? words.ptr + words.len : words.ptr;
    for (size_t lines = 0; at < stop && lines < LINES_MAX; lines++) {
        char text[LINE_MAX_BYTES + 1];
        const uint8_t *end = memchr(at, '\n', (size_t)(stop - at));
        size_t len = (size_t)((end == NULL ? stop : end) - at);
        size_t kept = len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES;
        memcpy(text, at, kept);
        for (size_t i = 0; i < kept; i++) /* it ends neither the line nor what stands between the quotes */
            text[i] = text[i] == '"'                                     ? '\''
                      : (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?'
                                                                         : text[i];
        text[kept] = '\0';
        if (kept > 0)
            sotto_log_event(log, failed ? SOTTO_LOG_WARN : SOTTO_LOG_INFO, "sign.said",
                            "device=\"%s\" text=\"%s\"", name, text);
        at = end == NULL ? stop : end + 1;
    }
}

/* ---- several at once ---- */

static hq_sign_job *find_place(hq_signer *signer, const hq_enrolment *about)
{
    hq_sign_job *place = NULL;
    for (size_t i = 0; i < HQ_SIGN_AT_ONCE; i++) {
        hq_sign_job *job = &signer->job[i];
        if (job->later == 0)
            place = job;
        else if (job->about.use == about->use && strcmp(job->about.device, about->device) == 0)
            return NULL; /* one of each is enough: nobody takes all places */
    }
    return place;
}

sotto_status hq_signer_begin(hq_signer *signer, const hq_enrolment *about, uint64_t *later, sotto_diag *diag)
{
    hq_sign_job *job = find_place(signer, about);
    char *const argv[] = {unconst(signer->program), unconst(WORDS[about->use]), unconst(about->device), NULL};
    sotto_diag why = {0};
    if (job == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, BUSY), "the bank's PKI is asked already: come again later");
    sotto_vec_init(&job->aside, HQ_SIGN_ASIDE_MAX);
    sotto_status status =
        sotto_port_job_start(&job->run, argv, sotto_span_str(about->csr), HQ_SIGN_MS, &job->aside, &why);
    if (sotto_status_cause(status) == SOTTO_CAUSE_RANGE)
        return too_long(diag);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, IO), "the bank's PKI cannot be asked (%s)",
                              sotto_status_cause_text(status));
    sotto_vec_init(&job->said, SAID_MAX);
    job->about = *about;
    job->later = *later = ++signer->last;
    return SOTTO_OK;
}

hq_sign_job *hq_signer_next(hq_signer *signer, const char *authority_pem, int64_t now_s, sotto_status *status,
                            sotto_diag *diag)
{
    for (size_t i = 0; i < HQ_SIGN_AT_ONCE; i++) {
        hq_sign_job *job = &signer->job[i];
        int exit_code = -1;
        sotto_diag words = {0};
        if (job->later == 0)
            continue;
        sotto_status ran = sotto_port_job_step(&job->run, &job->said, &exit_code, &words);
        if (sotto_status_cause(ran) == SOTTO_CAUSE_BUSY)
            continue;
        const hq_sign_order order = {.use = job->about.use,
                                     .name = job->about.device,
                                     .public_pem = job->about.public_pem,
                                     .authority_pem = authority_pem,
                                     .now_s = now_s};
        *status = ran == SOTTO_OK ? conclude(exit_code, &order, sotto_vec_span(&job->said),
                                             job->about.certificate, &job->about.info, diag)
                                  : did_not_run(ran, &words, diag);
        return job;
    }
    return NULL;
}

void hq_signer_done(hq_sign_job *job)
{
    sotto_port_job_end(&job->run);
    sotto_vec_free(&job->said);
    sotto_vec_free(&job->aside);
    *job = (hq_sign_job){.later = 0};
}

bool hq_signer_running(const hq_signer *signer)
{
    for (size_t i = 0; i < HQ_SIGN_AT_ONCE; i++)
        if (signer->job[i].later != 0)
            return true;
    return false;
}

void hq_signer_close(hq_signer *signer)
{
    for (size_t i = 0; i < HQ_SIGN_AT_ONCE; i++)
        if (signer->job[i].later != 0)
            hq_signer_done(&signer->job[i]);
}
