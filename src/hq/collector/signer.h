/*
 * Certificates from an authority whose key is elsewhere: a program of the bank's choice takes a request on
 * its standard input and prints the certificate (docs/operations.md, "The bank's own PKI").
 */
#ifndef SOTTO_HQ_COLLECTOR_SIGNER_H
#define SOTTO_HQ_COLLECTOR_SIGNER_H

#include "collector/collect.h"

/* X(NAME, "word" that the program is given, use of the certificate) */
#define HQ_SIGN_USES(X)                                                                                      \
    X(DEVICE, "device", SOTTO_CERT_DEVICE)                                                                   \
    X(SERVER, "server", SOTTO_CERT_SERVER)                                                                   \
    X(TIME, "time", SOTTO_CERT_SIGNER)
enum hq_sign_use {
#define X(name, word, use) HQ_SIGN_##name,
    HQ_SIGN_USES(X)
#undef X
};

#define HQ_SIGN_MS      30000
#define HQ_SIGN_AT_ONCE 8 /* programs of one worker */
#define HQ_SIGN_REFUSED 3 /* the program's exit code for "no, and not later either" */

typedef struct hq_sign_order {
    enum hq_sign_use use;
    const char *name;       /* that the certificate must have; a server's is in its subjectAltName */
    const char *public_pem; /* the request's key */
    const char *authority_pem;
    const char *const *hosts; /* that a server's certificate must be good for, each of them */
    size_t host_count;
    int64_t now_s;
    bool stands; /* it is in use already: good to its end, and no day has to be left */
} hq_sign_order;
/* The certificates of a text, without what stands around them. MALFORMED when there is none; RANGE. */
SOTTO_MUST_USE sotto_status hq_sign_blocks(sotto_span said, char out[static SOTTO_PEM_MAX], sotto_diag *diag);
/* Judges a certificate that somebody else issued: its name, its key, its use, its chain to the authority, and
 * that it holds now and, unless it stands, for a day. said: PEM with anything around it; certificate: its
 * blocks alone, the first of them for the key. AUTH, EXPIRED, MALFORMED, RANGE, with the reason; certificate
 * is "" then. */
SOTTO_MUST_USE sotto_status hq_sign_check(const hq_sign_order *order, sotto_span said,
                                          char certificate[static SOTTO_PEM_MAX], sotto_cert_info *info,
                                          sotto_diag *diag);
/* NOT_FOUND where no program lies that may be run; NULL is none, and right. */
SOTTO_MUST_USE sotto_status hq_sign_program(const char *program, sotto_diag *diag);
/* Runs the program and waits for it. DENIED when it refuses, IO with the reason in every other case. What it
 * says on its standard error goes into the log; NULL: to our own. */
SOTTO_MUST_USE sotto_status hq_sign_ask(const char *program, const hq_sign_order *order, const char *csr_pem,
                                        const sotto_log *log, char certificate[static SOTTO_PEM_MAX],
                                        sotto_diag *diag);
/* Those words: line by line, and not without end. */
#define HQ_SIGN_ASIDE_MAX 4096
void hq_sign_tell(const sotto_log *log, const char *name, sotto_span words, bool failed);

/* ---- for serve, which must not wait ---- */

/* What one request for a certificate is about, from its first line to the registry. */
typedef struct hq_enrolment {
    enum hq_sign_use use;
    bool renewal; /* of `used`; otherwise by a code */
    uint8_t code_hash[SOTTO_SHA256_BYTES], used[SOTTO_SHA256_BYTES];
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES];
    char device[HQ_DEVICE_ID_MAX];
    char csr[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX], certificate[SOTTO_PEM_MAX];
    sotto_cert_info info;
} hq_enrolment;
typedef struct hq_sign_job {
    uint64_t later; /* 0 = free place */
    sotto_port_job run;
    sotto_vec said, aside;
    hq_enrolment about;
} hq_sign_job;
typedef struct hq_signer {
    const char *program;
    uint64_t last;
    hq_sign_job job[HQ_SIGN_AT_ONCE];
} hq_signer;
/* BUSY when all places are taken, or this device has one. *later is the number under which it is known. */
SOTTO_MUST_USE sotto_status hq_signer_begin(hq_signer *signer, const hq_enrolment *about, uint64_t *later,
                                            sotto_diag *diag);
/* A job that has ended, or NULL; its certificate is judged, *status says how. It is the caller's until
 * hq_signer_done. */
hq_sign_job *hq_signer_next(hq_signer *signer, const char *authority_pem, int64_t now_s, sotto_status *status,
                            sotto_diag *diag);
void hq_signer_done(hq_sign_job *job);
bool hq_signer_running(const hq_signer *signer);
void hq_signer_close(hq_signer *signer); /* ends what runs */

/* enrol.c: the certificate is there: the registry takes it, and the answer is written. BUSY, and 429 in
 * reply->code, when the device renews too often. */
SOTTO_MUST_USE sotto_status hq_enrolment_finish(hq_collector *c, const hq_enrolment *x, sotto_reply *reply,
                                                sotto_diag *diag);
/* The certificate is there and who asked for it is not: no code is used up and no certificate replaced, but
 * one that was made is counted. */
void hq_enrolment_unheard(hq_collector *c, const hq_enrolment *x);
/* time.c: a time signer's certificate is there. */
SOTTO_MUST_USE sotto_status hq_time_take(hq_collector *c, const char *certificate, sotto_diag *diag);

#endif
