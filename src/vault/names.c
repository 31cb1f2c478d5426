#include "names.h"

#include <mbedtls/x509.h>
#include <string.h>

/* A host name as a certificate may carry it: labels of letters, digits and hyphens (RFC 1123 section 2.1),
 * at most 253 characters. No wildcards: a terminal talks to one head office. */
static bool is_label(const char *text, size_t len)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    return len >= 1 && len <= 63 && strspn(text, ALLOWED) >= len && text[0] != '-' && text[len - 1] != '-';
}

static bool is_host_name(const char *name)
{
    const char *at = name;
    if (strlen(name) > 253)
        return false;
    for (;;) {
        size_t len = strcspn(at, ".");
        if (!is_label(at, len))
            return false;
        if (at[len] == '\0')
            return true;
        at += len + 1;
    }
}

/* mbedTLS's buffers are not const; it only reads what stands here. */
static unsigned char *unconst(const char *text)
{
    union {
        const char *in;
        unsigned char *out;
    } cast = {.in = text};
    return cast.out;
}

sotto_status sotto_vault_names_fill(sotto_vault_names *out, const char *const *names, size_t count,
                                    sotto_diag *diag)
{
    memset(out, 0, sizeof *out);
    if (count < 1 || count > SOTTO_CERT_NAMES_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, RANGE), "a server's certificate has 1 to %d names",
                              (int)SOTTO_CERT_NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        mbedtls_x509_subject_alternative_name *node = &out->list[i].node;
        /* 4 or 16 bytes in network order; 0 when it is no address */
        size_t len = mbedtls_x509_crt_parse_cn_inet_pton(names[i], out->addresses[i]);
        if (len == 0 && !is_host_name(names[i]))
            return sotto_diag_set(diag, SOTTO_ERR(VAULT, MALFORMED),
                                  "name %zu of the certificate is neither a host name nor an address", i + 1);
        node->type = len == 0 ? MBEDTLS_X509_SAN_DNS_NAME : MBEDTLS_X509_SAN_IP_ADDRESS;
        node->san.unstructured_name.p = len == 0 ? unconst(names[i]) : (unsigned char *)out->addresses[i];
        node->san.unstructured_name.len = len == 0 ? strlen(names[i]) : len;
        out->list[i].next = i + 1 < count ? &out->list[i + 1] : NULL;
    }
    return SOTTO_OK;
}
