#include "openssl.h"
#include "pki_test.h"

static test_pki pki;
static char cert[SOTTO_PEM_MAX];

static int start(void **state)
{
    (void)state;
    if (sotto_vault_start(NULL) != SOTTO_OK)
        return -1;
    pki_make(&pki);
    return 0;
}

static sotto_status issue(const sotto_cert_request *request, const char *subject, sotto_diag *diag)
{
    return sotto_cert_issue(request, sotto_span_str(subject), pki.ca_key, pki.ca_cert, cert, diag);
}

static void a_request_proves_its_key(void **state)
{
    (void)state;
    char public_pem[SOTTO_PEM_MAX];
    assert_ok(sotto_csr_check(sotto_span_str(pki.csr), public_pem, NULL));
    assert_string_equal(public_pem, pki.public_key);
}

/* The bytes between BEGIN and END, and back. */
static size_t pem_decode(const char *pem, uint8_t *out, size_t cap)
{
    char text[SOTTO_PEM_MAX];
    size_t n = 0, len = 0;
    const char *at = strchr(pem, '\n'), *end = strstr(pem, "-----END");
    assert_non_null(at);
    assert_non_null(end);
    for (; at < end; at++)
        if (*at != '\n')
            text[n++] = *at;
    assert_ok(sotto_base64_decode(sotto_span_of(text, n), out, cap, &len));
    return len;
}

static size_t pem_encode(const char *label, const uint8_t *der, size_t len, char *out, size_t cap)
{
    char text[SOTTO_PEM_MAX];
    assert_ok(sotto_base64_encode(sotto_span_of(der, len), text, sizeof text));
    int n = snprintf(out, cap, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label, text, label);
    assert_true(n > 0 && (size_t)n < cap);
    return (size_t)n;
}

static void every_changed_byte_of_a_request_is_refused(void **state)
{
    (void)state;
    uint8_t der[1024];
    char pem[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
    size_t len = pem_decode(pki.csr, der, sizeof der);
    assert_ok(sotto_csr_check(
        sotto_span_of(pem, pem_encode("CERTIFICATE REQUEST", der, len, pem, sizeof pem)), public_pem, NULL));
    for (size_t i = 0; i < len; i++) {
        sotto_diag diag = {0};
        der[i] ^= (uint8_t)(1u << (i % 8));
        size_t n = pem_encode("CERTIFICATE REQUEST", der, len, pem, sizeof pem);
        sotto_status status = sotto_csr_check(sotto_span_of(pem, n), public_pem, &diag);
        assert_int_not_equal(status, SOTTO_OK);
        assert_int_equal(diag.status, status);
        assert_string_equal(public_pem, "");
        der[i] ^= (uint8_t)(1u << (i % 8));
        n = pem_encode("CERTIFICATE REQUEST", der, i, pem, sizeof pem);
        assert_int_not_equal(sotto_csr_check(sotto_span_of(pem, n), public_pem, NULL), SOTTO_OK);
    }
    for (size_t cut = 0; cut + 1 < strlen(pki.csr); cut++)
        assert_int_not_equal(sotto_csr_check(sotto_span_of(pki.csr, cut), public_pem, NULL), SOTTO_OK);
}

static void every_damaged_certificate_is_refused_or_another(void **state)
{
    (void)state;
    uint8_t der[1024];
    char pem[SOTTO_PEM_MAX];
    sotto_cert_info whole, info;
    assert_ok(sotto_cert_read(sotto_span_str(pki.ca_cert), &whole, NULL));
    size_t len = pem_decode(pki.ca_cert, der, sizeof der);
    for (size_t i = 0; i < len; i++) {
        der[i] ^= (uint8_t)(1u << (i % 8));
        size_t n = pem_encode("CERTIFICATE", der, len, pem, sizeof pem);
        if (sotto_cert_read(sotto_span_of(pem, n), &info, NULL) ==
            SOTTO_OK) /* read, and never taken for the same */
            assert_memory_not_equal(info.sha256, whole.sha256, sizeof whole.sha256);
        der[i] ^= (uint8_t)(1u << (i % 8));
        n = pem_encode("CERTIFICATE", der, i, pem, sizeof pem);
        assert_int_not_equal(sotto_cert_read(sotto_span_of(pem, n), &info, NULL), SOTTO_OK);
    }
    for (size_t cut = 0; cut + 1 < strlen(pki.ca_cert); cut++)
        assert_int_not_equal(sotto_cert_read(sotto_span_of(pki.ca_cert, cut), &info, NULL), SOTTO_OK);
}

static void a_certificate_says_what_was_asked_for(void **state)
{
    (void)state;
    sotto_cert_info from_key, from_csr;
    sotto_cert_request request = request_of(SOTTO_CERT_DEVICE, "kiosk-0001");
    assert_ok(issue(&request, pki.public_key, NULL));
    assert_ok(sotto_cert_read(sotto_span_str(cert), &from_key, NULL));
    assert_string_equal(from_key.common_name, "kiosk-0001");
    assert_true(from_key.not_before_s == BEGIN_S);
    assert_true(from_key.not_after_s == BEGIN_S + 90 * DAY_S);
    uint8_t der[1024], digest[SOTTO_SHA256_BYTES];
    size_t len = pem_decode(cert, der, sizeof der);
    assert_ok(sotto_sha256(sotto_span_of(der, len), digest));
    assert_memory_equal(digest, from_key.sha256, sizeof digest);
    assert_ok(issue(&request, pki.csr, NULL));
    assert_ok(sotto_cert_read(sotto_span_str(cert), &from_csr, NULL));
    assert_memory_equal(from_csr.sha256, from_key.sha256, sizeof digest); /* RFC 6979: the same bytes */
}

/* A terminal's clock may be anywhere: certificates may begin in 1970 and end in 9999, across the year 2050,
 * where UTCTime ends (RFC 5280 section 4.1.2.5). */
static void times_of_all_centuries(void **state)
{
    (void)state;
    static const int64_t TIMES[] = {
        0, 1, BEGIN_S, INT64_C(2524607999), INT64_C(2524608000), INT64_C(253402300799)};
    for (size_t i = 0; i + 1 < SOTTO_COUNT(TIMES); i++) {
        sotto_cert_request request = request_of(SOTTO_CERT_AUTHORITY, "ca");
        sotto_cert_info info;
        request.not_before_s = TIMES[i];
        request.not_after_s = TIMES[i + 1];
        assert_ok(sotto_cert_issue(&request, sotto_span_str(pki.ca_public), pki.ca_key, NULL, cert, NULL));
        assert_ok(sotto_cert_read(sotto_span_str(cert), &info, NULL));
        assert_true(info.not_before_s == TIMES[i] && info.not_after_s == TIMES[i + 1]);
    }
}

static void refused(sotto_cert_request request, const char *subject, enum sotto_cause cause)
{
    sotto_diag diag = {0};
    (void)snprintf(cert, sizeof cert, "something old");
    assert_int_equal(sotto_status_cause(issue(&request, subject, &diag)), cause);
    assert_string_not_equal(diag.text, "");
    assert_string_equal(cert, "");
}

static void bad_names_are_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {" kiosk", "kiosk ",        "a,CN=b", "a=b", "a+b",
                                      "k\n",    "kiosk\xc3\xa4", "\"k\"",  "a/b"};
    char long_name[66];
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++)
        refused(request_of(SOTTO_CERT_DEVICE, BAD[i]), pki.csr, SOTTO_CAUSE_MALFORMED);
    refused(request_of(SOTTO_CERT_DEVICE, ""), pki.csr, SOTTO_CAUSE_RANGE);
    memset(long_name, 'k', sizeof long_name);
    long_name[65] = '\0';
    refused(request_of(SOTTO_CERT_DEVICE, long_name), pki.csr, SOTTO_CAUSE_RANGE);
    long_name[64] = '\0';
    sotto_cert_request request = request_of(SOTTO_CERT_DEVICE, long_name);
    sotto_cert_info info;
    assert_ok(issue(&request, pki.csr, NULL));
    assert_ok(sotto_cert_read(sotto_span_str(cert), &info, NULL));
    assert_string_equal(info.common_name, long_name);
    static const char *const BAD_HOSTS[] = {"",         "*.example.org", "-a.example", "a..b",       "a_b",
                                            "1.2.3.4.", "a b",           "::1::",      "h\xc3\xb6st"};
    for (size_t i = 0; i < SOTTO_COUNT(BAD_HOSTS); i++) {
        request = request_of(SOTTO_CERT_SERVER, "head office");
        request.names = &BAD_HOSTS[i];
        request.name_count = 1;
        refused(request, pki.public_key, SOTTO_CAUSE_MALFORMED);
    }
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"localhost"};
    sotto_cert_request request = request_of(SOTTO_CERT_DEVICE, "k");
    request.not_after_s = request.not_before_s;
    refused(request, pki.csr, SOTTO_CAUSE_RANGE);
    request.not_before_s = -1;
    refused(request, pki.csr, SOTTO_CAUSE_RANGE);
    request = request_of(SOTTO_CERT_DEVICE, "k");
    request.not_after_s = BEGIN_S + 4000 * DAY_S; /* beyond the authority's end */
    refused(request, pki.csr, SOTTO_CAUSE_RANGE);
    request = request_of(SOTTO_CERT_DEVICE, "k");
    request.serial[0] = 0x80;
    refused(request, pki.csr, SOTTO_CAUSE_USAGE);
    memset(request.serial, 0, sizeof request.serial);
    refused(request, pki.csr, SOTTO_CAUSE_USAGE);
    refused(request_of(SOTTO_CERT_SERVER, "no names"), pki.csr, SOTTO_CAUSE_RANGE);
    request = request_of(SOTTO_CERT_DEVICE, "k");
    request.names = NAMES;
    request.name_count = 1;
    refused(request, pki.csr, SOTTO_CAUSE_USAGE);
    refused(request_of(SOTTO_CERT_AUTHORITY, "second level"), pki.ca_public, SOTTO_CAUSE_USAGE);
    refused(request_of((enum sotto_cert_use)9, "k"), pki.csr, SOTTO_CAUSE_USAGE);
    refused(request_of(SOTTO_CERT_DEVICE, "k"), "no key at all", SOTTO_CAUSE_MALFORMED);
    assert_cause(sotto_csr_make(pki.key, "a,b", cert, NULL), MALFORMED);
    assert_cause(sotto_csr_make(pki.public_key, "a", cert, NULL), MALFORMED);
}

static void an_issuer_must_be_an_authority_with_its_own_key(void **state)
{
    (void)state;
    char device[SOTTO_PEM_MAX];
    sotto_cert_request request = request_of(SOTTO_CERT_DEVICE, "kiosk-0001");
    sotto_span subject = sotto_span_str(pki.public_key);
    sotto_cert_request authority = request_of(SOTTO_CERT_AUTHORITY, "ca");
    assert_cause(sotto_cert_issue(&request, subject, pki.key, pki.ca_cert, cert, NULL), AUTH);
    assert_cause(sotto_cert_issue(&authority, subject, pki.ca_key, NULL, cert, NULL), AUTH);
    assert_cause(sotto_cert_issue(&request, subject, pki.ca_key, NULL, cert, NULL), USAGE);
    assert_ok(sotto_cert_issue(&request, subject, pki.ca_key, pki.ca_cert, device, NULL));
    assert_cause(sotto_cert_issue(&request, subject, pki.key, device, cert, NULL), USAGE);
}

/* ---- openssl as the other side ---- */

static void openssl_accepts_our_request(void **state)
{
    (void)state;
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    workshop_put(&w, "csr.pem", pki.csr, strlen(pki.csr));
    assert_true(openssl(&w, "req -in csr.pem -noout -verify -text -subject"));
    assert_said(&w, "ecdsa-with-SHA256");
    assert_said(&w, "kiosk-0001");
    workshop_close(&w);
}

static void put_chain(const workshop *w, enum sotto_cert_use use, const char *const *names, size_t count)
{
    sotto_cert_request request = request_of(use, "head-office.example");
    request.names = names;
    request.name_count = count;
    assert_ok(issue(&request, pki.csr, NULL));
    workshop_put(w, "ca.pem", pki.ca_cert, strlen(pki.ca_cert));
    workshop_put(w, "cert.pem", cert, strlen(cert));
}

#define VERIFY "verify -x509_strict -attime 1795300000 -CAfile ca.pem "

static void openssl_accepts_our_server(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"head-office.example", "10.0.2.2", "localhost", "::1"};
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    put_chain(&w, SOTTO_CERT_SERVER, NAMES, SOTTO_COUNT(NAMES));
    assert_true(openssl(&w, VERIFY "-purpose sslserver -verify_hostname localhost cert.pem"));
    assert_true(openssl(&w, VERIFY "-purpose sslserver -verify_hostname head-office.example cert.pem"));
    assert_true(openssl(&w, VERIFY "-purpose sslserver -verify_ip 10.0.2.2 cert.pem"));
    assert_true(openssl(&w, VERIFY "-purpose sslserver -verify_ip ::1 cert.pem"));
    assert_false(openssl(&w, VERIFY "-purpose sslserver -verify_hostname other.example cert.pem"));
    assert_false(openssl(&w, VERIFY "-purpose sslserver -verify_ip 10.0.2.3 cert.pem"));
    assert_false(openssl(&w, VERIFY "-purpose sslclient cert.pem"));
    assert_false(openssl(&w, "verify -attime 1803081600 -CAfile ca.pem cert.pem")); /* a day after its end */
    workshop_close(&w);
}

static void openssl_accepts_our_device_and_authority(void **state)
{
    (void)state;
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    put_chain(&w, SOTTO_CERT_DEVICE, NULL, 0);
    assert_true(openssl(&w, VERIFY "-purpose sslclient cert.pem"));
    assert_false(openssl(&w, VERIFY "-purpose sslserver cert.pem"));
    assert_true(openssl(&w, "x509 -in cert.pem -noout -text"));
    assert_said(&w, "TLS Web Client Authentication");
    assert_said(&w, "01:ff:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10");
    assert_said(&w, "Digital Signature");
    assert_said(&w, "CA:FALSE");
    assert_said(&w, "X509v3 Authority Key Identifier");
    assert_true(openssl(&w, VERIFY "ca.pem"));
    assert_true(openssl(&w, "x509 -in ca.pem -noout -text"));
    assert_said(&w, "CA:TRUE, pathlen:0");
    assert_said(&w, "Certificate Sign, CRL Sign");
    assert_said(&w, "X509v3 Subject Key Identifier");
    workshop_close(&w);
}

/* Leading zero bytes of a serial number must go, or strict readers refuse the certificate. */
static void openssl_accepts_small_serial_numbers(void **state)
{
    (void)state;
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    sotto_cert_request request = request_of(SOTTO_CERT_DEVICE, "kiosk-0001");
    memset(request.serial, 0, 14);
    request.serial[14] = 0x80;
    assert_ok(issue(&request, pki.csr, NULL));
    workshop_put(&w, "ca.pem", pki.ca_cert, strlen(pki.ca_cert));
    workshop_put(&w, "cert.pem", cert, strlen(cert));
    assert_true(openssl(&w, VERIFY "cert.pem"));
    assert_true(openssl(&w, "x509 -in cert.pem -noout -serial"));
    assert_said(&w, "serial=8010");
    workshop_close(&w);
}

#define BANK_CA(name)                                                                                        \
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout bank.key -out bank.pem "           \
    "-days 3650 -addext basicConstraints=critical,CA:TRUE "                                                  \
    "-addext keyUsage=critical,keyCertSign,cRLSign -subj '" name "'"

/* A bank's own authority, with another curve and a name of many parts, issues as well as ours. */
static void a_banks_own_authority_issues(void **state)
{
    (void)state;
    char bank_key[SOTTO_PEM_MAX], bank_cert[SOTTO_PEM_MAX];
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    assert_true(
        openssl(&w, BANK_CA("/C=DE/O=Example Bank, AG/OU=Terminals/OU=Field/CN=Issuing authority 3")));
    (void)workshop_get(&w, "bank.key", bank_key, sizeof bank_key);
    (void)workshop_get(&w, "bank.pem", bank_cert, sizeof bank_cert);
    sotto_cert_info bank;
    assert_ok(sotto_cert_read(sotto_span_str(bank_cert), &bank, NULL));
    assert_string_equal(bank.common_name, "Issuing authority 3");
    sotto_cert_request request = request_of(SOTTO_CERT_DEVICE, "kiosk-0001");
    request.not_before_s = bank.not_before_s;
    request.not_after_s = bank.not_before_s + DAY_S;
    assert_ok(sotto_cert_issue(&request, sotto_span_str(pki.csr), bank_key, bank_cert, cert, NULL));
    workshop_put(&w, "cert.pem", cert, strlen(cert));
    assert_true(openssl(&w, "verify -x509_strict -purpose sslclient -CAfile bank.pem cert.pem"));
    assert_true(openssl(&w, BANK_CA("/C=DE+O=Bank/CN=ca"))); /* cannot be copied: says so */
    (void)workshop_get(&w, "bank.key", bank_key, sizeof bank_key);
    (void)workshop_get(&w, "bank.pem", bank_cert, sizeof bank_cert);
    assert_cause(sotto_cert_issue(&request, sotto_span_str(pki.csr), bank_key, bank_cert, cert, NULL),
                 UNSUPPORTED);
    workshop_close(&w);
}

static sotto_status check_openssl_csr(const workshop *w, const char *make)
{
    char csr[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
    assert_true(openssl(w, make));
    (void)workshop_get(w, "csr.pem", csr, sizeof csr);
    sotto_status status = sotto_csr_check(sotto_span_str(csr), public_pem, NULL);
    assert_true((status == SOTTO_OK) == (public_pem[0] != '\0'));
    return status;
}

#define REQ "req -new -nodes -keyout key.pem -out csr.pem -subj /CN=x "

static void requests_of_openssl(void **state)
{
    (void)state;
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    assert_ok(check_openssl_csr(&w, REQ "-newkey ec -pkeyopt ec_paramgen_curve:P-256"));
    assert_ok(check_openssl_csr(
        &w, REQ "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -addext subjectAltName=DNS:a.b"));
    assert_cause(check_openssl_csr(&w, REQ "-newkey ec -pkeyopt ec_paramgen_curve:P-384"), UNSUPPORTED);
    assert_cause(check_openssl_csr(&w, REQ "-newkey rsa:2048"), UNSUPPORTED);
    assert_cause(check_openssl_csr(&w, REQ "-sha512 -newkey ec -pkeyopt ec_paramgen_curve:P-256"),
                 UNSUPPORTED);
    workshop_close(&w);
}

/* What somebody else issued: for which key, and for what. */
static void a_certificate_is_held_against_its_use(void **state)
{
    (void)state;
    static const char *const names[] = {"hq.example.org"};
    sotto_cert_request device = request_of(SOTTO_CERT_DEVICE, "kiosk-0001");
    sotto_cert_request server = request_of(SOTTO_CERT_SERVER, "head office");
    server.names = names;
    server.name_count = 1;
    assert_ok(issue(&device, pki.csr, NULL));
    assert_ok(sotto_cert_check(sotto_span_str(cert), SOTTO_CERT_DEVICE, pki.public_key, NULL));
    assert_ok(sotto_cert_check(sotto_span_str(cert), SOTTO_CERT_SIGNER, pki.public_key, NULL));
    assert_cause(sotto_cert_check(sotto_span_str(cert), SOTTO_CERT_SERVER, pki.public_key, NULL), AUTH);
    assert_cause(sotto_cert_check(sotto_span_str(cert), SOTTO_CERT_AUTHORITY, pki.public_key, NULL), AUTH);
    assert_cause(sotto_cert_check(sotto_span_str(cert), SOTTO_CERT_DEVICE, pki.ca_public, NULL), AUTH);
    assert_ok(issue(&server, pki.csr, NULL));
    assert_ok(sotto_cert_check(sotto_span_str(cert), SOTTO_CERT_SERVER, pki.public_key, NULL));
    assert_cause(sotto_cert_check(sotto_span_str(cert), SOTTO_CERT_DEVICE, pki.public_key, NULL), AUTH);
    const sotto_span ca = sotto_span_str(pki.ca_cert);
    assert_ok(sotto_cert_check(ca, SOTTO_CERT_AUTHORITY, pki.ca_public, NULL));
    assert_cause(sotto_cert_check(ca, SOTTO_CERT_DEVICE, pki.ca_public, NULL), AUTH);
    assert_cause(sotto_cert_check(ca, SOTTO_CERT_SIGNER, pki.ca_public, NULL), AUTH);
    assert_cause(sotto_cert_check(sotto_span_str("x"), SOTTO_CERT_DEVICE, pki.public_key, NULL), MALFORMED);
}

#define SIGNED                                                                                                \
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=x " \
    "-config /dev/null -addext basicConstraints=CA:FALSE "

static sotto_status check_device(const workshop *w, const char *make)
{
    char key[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
    assert_true(openssl(w, make));
    (void)workshop_get(w, "key.pem", key, sizeof key);
    (void)workshop_get(w, "cert.pem", cert, sizeof cert);
    assert_ok(sotto_keypair_public_pem(key, public_pem, NULL));
    return sotto_cert_check(sotto_span_str(cert), SOTTO_CERT_DEVICE, public_pem, NULL);
}

/* Whatever a PKI copied out of a terminal's request: it is for a client, and says so, and nothing more. */
static void a_terminals_certificate_cannot_serve(void **state)
{
    (void)state;
    if (!have_openssl())
        skip();
    workshop w = workshop_open();
    assert_ok(check_device(&w, SIGNED "-addext extendedKeyUsage=clientAuth"));
    assert_cause(check_device(&w, SIGNED), AUTH);
    assert_cause(check_device(&w, SIGNED "-addext extendedKeyUsage=anyExtendedKeyUsage"), AUTH);
    assert_cause(check_device(&w, SIGNED "-addext extendedKeyUsage=serverAuth,clientAuth"), AUTH);
    assert_cause(check_device(&w, SIGNED "-addext extendedKeyUsage=clientAuth "
                                         "-addext subjectAltName=DNS:hq.example.org"),
                 AUTH);
    workshop_close(&w);
}

static void a_request_is_copied_alone(void **state)
{
    (void)state;
    char text[2 * SOTTO_PEM_MAX + 64], copy[SOTTO_PEM_MAX], other[SOTTO_PEM_MAX];
    (void)snprintf(text, sizeof text, "subjectAltName=DNS:hq\n%s%s", pki.csr, pki.csr);
    assert_ok(sotto_csr_copy(sotto_span_str(text), copy, NULL));
    assert_string_equal(copy, pki.csr);
    (void)snprintf(text, sizeof text, "-----BEGIN X-----\n%s-----BEGIN Y-----\n", pki.csr);
    assert_ok(sotto_csr_copy(sotto_span_str(text), copy, NULL));
    assert_string_equal(copy, pki.csr);
    (void)snprintf(other, sizeof other, "%.60s", pki.csr);
    assert_int_not_equal(sotto_csr_copy(sotto_span_str(other), copy, NULL), SOTTO_OK);
    assert_string_equal(copy, "");
}

static void a_servers_certificate_is_held_against_its_names(void **state)
{
    (void)state;
    static const char *const names[] = {"hq.example.org", "10.0.0.5", "::1"};
    static const char *const others[] = {"hq.example.org", "10.0.0.6", "head office", "example.org"};
    sotto_diag diag = {0};
    sotto_cert_request server = request_of(SOTTO_CERT_SERVER, "head office");
    server.names = names;
    server.name_count = 3;
    assert_ok(issue(&server, pki.csr, NULL));
    assert_ok(sotto_cert_check_names(sotto_span_str(cert), names, 3, NULL));
    assert_ok(sotto_cert_check_names(sotto_span_str(cert), NULL, 0, NULL));
    assert_cause(sotto_cert_check_names(sotto_span_str(cert), others, 2, &diag), AUTH);
    assert_non_null(strstr(diag.text, "10.0.0.6"));
    for (size_t i = 1; i < SOTTO_COUNT(others); i++)
        assert_cause(sotto_cert_check_names(sotto_span_str(cert), &others[i], 1, NULL), AUTH);
    assert_cause(sotto_cert_check_names(sotto_span_str("x"), names, 1, NULL), MALFORMED);
}

/* A certificate that came for a request has every name that was asked for. */
static void what_was_asked_for_is_there(void **state)
{
    (void)state;
    static const char *const names[] = {"hq.example.org", "10.0.0.5", "2001:db8::1"};
    static const char *const more[][4] = {
        {"hq.example.org", "10.0.0.5", "2001:db8::1", "www.example.org"},
        {"hq.example.org", "10.0.0.5", "2001:db8::1", "10.0.0.6"},
        {"hq.example.org", "10.0.0.5", "2001:db8::1", "2001:db8:0:0:0:0:0:2"}};
    char csr[SOTTO_PEM_MAX];
    sotto_cert_request server = request_of(SOTTO_CERT_SERVER, "head office");
    server.names = names;
    server.name_count = SOTTO_COUNT(names);
    assert_ok(issue(&server, pki.csr, NULL));
    for (size_t count = 1; count <= SOTTO_COUNT(names); count++) {
        assert_ok(sotto_csr_make_server(pki.key, "head office", names, count, csr, NULL));
        assert_ok(sotto_cert_check_asked(sotto_span_str(cert), sotto_span_str(csr), NULL));
    }
    for (size_t i = 0; i < SOTTO_COUNT(more); i++) {
        sotto_diag diag = {0};
        assert_ok(sotto_csr_make_server(pki.key, "head office", more[i], 4, csr, NULL));
        assert_cause(sotto_cert_check_asked(sotto_span_str(cert), sotto_span_str(csr), &diag), AUTH);
        assert_non_null(strstr(diag.text, more[i][3]));
    }
    assert_ok(sotto_cert_check_asked(sotto_span_str(cert), sotto_span_str(pki.csr), NULL)); /* no names */
    assert_cause(sotto_cert_check_asked(sotto_span_str(cert), sotto_span_str("x"), NULL), MALFORMED);
}

static void a_servers_request_names_it(void **state)
{
    (void)state;
    static const char *const names[] = {"hq.example.org", "10.0.0.5"}, *const bad[] = {"no name"};
    char csr[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
    assert_ok(sotto_csr_make_server(pki.key, "head office", names, 2, csr, NULL));
    assert_ok(sotto_csr_check(sotto_span_str(csr), public_pem, NULL));
    assert_string_equal(public_pem, pki.public_key);
    assert_cause(sotto_csr_make_server(pki.key, "head office", names, 0, csr, NULL), RANGE);
    assert_cause(sotto_csr_make_server(pki.key, "head office", bad, 1, csr, NULL), MALFORMED);
    assert_string_equal(csr, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_proves_its_key),
        cmocka_unit_test(every_changed_byte_of_a_request_is_refused),
        cmocka_unit_test(every_damaged_certificate_is_refused_or_another),
        cmocka_unit_test(a_certificate_says_what_was_asked_for),
        cmocka_unit_test(times_of_all_centuries),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(an_issuer_must_be_an_authority_with_its_own_key),
        cmocka_unit_test(openssl_accepts_our_request),
        cmocka_unit_test(openssl_accepts_our_server),
        cmocka_unit_test(openssl_accepts_our_device_and_authority),
        cmocka_unit_test(openssl_accepts_small_serial_numbers),
        cmocka_unit_test(a_banks_own_authority_issues),
        cmocka_unit_test(requests_of_openssl),
        cmocka_unit_test(a_certificate_is_held_against_its_use),
        cmocka_unit_test(a_terminals_certificate_cannot_serve),
        cmocka_unit_test(a_request_is_copied_alone),
        cmocka_unit_test(a_servers_certificate_is_held_against_its_names),
        cmocka_unit_test(what_was_asked_for_is_there),
        cmocka_unit_test(a_servers_request_names_it),
    };
    return cmocka_run_group_tests_name("vault.x509", tests, start, NULL);
}
