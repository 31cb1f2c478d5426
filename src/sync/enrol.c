/* Enrolment: a one-time code, a request for a certificate and the key of reports go out; a certificate comes
 * back. */
#include <string.h>

#include "client_priv.h"

#define ANSWER_MAX ((size_t)64 * 1024)

bool sotto_renewal_due(int64_t from_s, int64_t until_s, int64_t now_s)
{
    return now_s > from_s + (until_s - from_s) / 3 * 2;
}

static sotto_status write_body(sotto_buf *out, const sotto_enrolment *enrolment)
{
    char key[2 * SOTTO_PUBLIC_KEY_BYTES + 1];
    sotto_json_writer w = sotto_json_writer_of(out);
    sotto_hex_encode(sotto_span_of(enrolment->report_public_key, SOTTO_PUBLIC_KEY_BYTES), key, sizeof key);
    sotto_json_obj(&w);
    sotto_json_name(&w, "code");
    sotto_json_cstr(&w, enrolment->code);
    sotto_json_name(&w, "csr");
    sotto_json_cstr(&w, enrolment->csr_pem);
    sotto_json_name(&w, "report_key");
    sotto_json_cstr(&w, key);
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

/* The certificate must name the device that the answer speaks of. */
static sotto_status check_certificate(sotto_span certificate, const char *device, sotto_diag *diag)
{
    sotto_cert_info info;
    sotto_status st = sotto_cert_read(certificate, &info, diag);
    if (st == SOTTO_OK && strcmp(info.common_name, device) != 0)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), "/v1/enrol", 0,
                           "the certificate is for another device than the answer says");
    return st;
}

static sotto_status read_answer(sotto_span body, char cert_pem[static SOTTO_PEM_MAX],
                                char device_id[static 65], sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_span device, certificate;
    sotto_status st = sotto_json_parse(&doc, body, "/v1/enrol", diag);
    sotto_json_node top = {0};
    if (st == SOTTO_OK) {
        top = sotto_json_root(doc);
        st = sotto_json_get_str(top, "device", &device, diag);
    }
    if (st == SOTTO_OK)
        st = sotto_json_get_str(top, "certificate", &certificate, diag);
    if (st == SOTTO_OK && sotto_span_to_str(device, device_id, 65) != SOTTO_OK)
        st = sotto_json_bad(sotto_json_member(top, "device"), diag, SOTTO_ERR(SYNC, RANGE), "is too long");
    if (st == SOTTO_OK && sotto_span_to_str(certificate, cert_pem, SOTTO_PEM_MAX) != SOTTO_OK)
        st = sotto_json_bad(sotto_json_member(top, "certificate"), diag, SOTTO_ERR(SYNC, RANGE),
                            "is too long");
    if (st == SOTTO_OK)
        st = check_certificate(certificate, device_id, diag);
    sotto_json_free(doc);
    return st;
}

sotto_status sotto_enrol(sotto_client *head_office, const sotto_enrolment *enrolment,
                         char cert_pem[static SOTTO_PEM_MAX], char device_id[static 65], sotto_diag *diag)
{
    uint8_t body[2 * SOTTO_PEM_MAX];
    sotto_buf out = sotto_buf_of(body, sizeof body);
    const sotto_http_message *response;
    cert_pem[0] = '\0';
    device_id[0] = '\0';
    if (write_body(&out, enrolment) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, RANGE), "the code or the request is too long");
    sotto_status st = client_request(head_office, "POST", "/v1/enrol", "application/json",
                                     sotto_buf_span(&out), ANSWER_MAX, &response, diag);
    sotto_wipe(body, sizeof body); /* the code is good until it has been used */
    if (st == SOTTO_OK && response->code != 200)
        st = client_refusal(head_office, response, diag);
    if (st == SOTTO_OK)
        st = read_answer(response->body, cert_pem, device_id, diag);
    if (st != SOTTO_OK) {
        cert_pem[0] = '\0';
        device_id[0] = '\0';
    }
    return st;
}

static sotto_status write_renewal(sotto_buf *out, const char *csr_pem, sotto_span certificate_pem)
{
    sotto_json_writer w = sotto_json_writer_of(out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "csr");
    sotto_json_cstr(&w, csr_pem);
    if (certificate_pem.len > 0) {
        sotto_json_name(&w, "certificate");
        sotto_json_str(&w, certificate_pem);
    }
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

sotto_status sotto_renew(sotto_client *head_office, const char *csr_pem, sotto_span certificate_pem,
                         bool lapsed, char cert_pem[static SOTTO_PEM_MAX], int64_t *retry_after_s,
                         sotto_diag *diag)
{
    uint8_t body[2 * SOTTO_PEM_MAX + 4096];
    char device[65];
    sotto_buf out = sotto_buf_of(body, sizeof body);
    const sotto_http_message *response;
    sotto_cert_info before;
    cert_pem[0] = '\0';
    *retry_after_s = 0;
    sotto_status st = sotto_cert_read(certificate_pem, &before, diag);
    if (st != SOTTO_OK)
        return st;
    if (write_renewal(&out, csr_pem, lapsed ? certificate_pem : sotto_span_of(NULL, 0)) != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, RANGE), "the request is too long");
    st = client_request(head_office, "POST", "/v1/renew", "application/json", sotto_buf_span(&out),
                        ANSWER_MAX, &response, diag);
    if (st == SOTTO_OK && (response->code == 503 || response->code == 429))
        *retry_after_s = client_retry_after_s(response);
    if (st == SOTTO_OK && response->code != 200)
        st = client_refusal(head_office, response, diag);
    if (st == SOTTO_OK)
        st = read_answer(response->body, cert_pem, device, diag);
    if (st == SOTTO_OK && strcmp(device, before.common_name) != 0)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), "/v1/renew", 0,
                           "the certificate is for another device");
    if (st != SOTTO_OK)
        cert_pem[0] = '\0';
    return st;
}
