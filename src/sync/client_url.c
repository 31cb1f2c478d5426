/* Where a client connects to. */
#include <stdio.h>
#include <string.h>

#include "client_priv.h"

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A host name or an address: what may stand in a Host header without changing its meaning. */
static bool host_is_plain(const char *host)
{
    for (const char *p = host; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     *p == '.' || *p == '-' || *p == '_' || *p == ':';
        if (!plain)
            return false;
    }
    return host[0] != '\0';
}

static bool port_is_right(const char *port)
{
    uint64_t number;
    return sotto_parse_u64(sotto_span_str(port), &number) == SOTTO_OK && number > 0 && number < 65536;
}

/* host[:port] or [address]:port; a '/' alone may follow. */
static bool split(client_url *out, const char *text, const char *default_port)
{
    const char *end = text + strlen(text);
    const char *host_end, *port;
    if (end > text && end[-1] == '/')
        end--;
    bool bracketed = *text == '[';
    if (bracketed) {
        text++;
        host_end = memchr(text, ']', (size_t)(end - text));
        if (host_end == NULL)
            return false;
        port = host_end + 1;
    } else {
        host_end = memchr(text, ':', (size_t)(end - text));
        if (host_end == NULL)
            host_end = end;
        port = host_end;
    }
    if (port != end && *port++ != ':')
        return false;
    if (port == end)
        (void)snprintf(out->port, sizeof out->port, "%s", default_port);
    else if (sotto_span_to_str(sotto_span_of(port, (size_t)(end - port)), out->port, sizeof out->port) !=
             SOTTO_OK)
        return false;
    if (sotto_span_to_str(sotto_span_of(text, (size_t)(host_end - text)), out->host, sizeof out->host) !=
        SOTTO_OK)
        return false;
    (void)snprintf(out->authority, sizeof out->authority, bracketed ? "[%s]:%s" : "%s:%s", out->host,
                   out->port);
    return host_is_plain(out->host) && port_is_right(out->port);
}

sotto_status client_url_parse(client_url *out, const char *text, sotto_diag *diag)
{
    bool good = false;
    memset(out, 0, sizeof *out);
    if (has_prefix(text, "https://")) {
        out->scheme = CLIENT_HTTPS;
        good = split(out, text + strlen("https://"), "443");
    } else if (has_prefix(text, "http://")) {
        out->scheme = CLIENT_HTTP;
        good = split(out, text + strlen("http://"), "80");
    } else if (has_prefix(text, "unix:/")) {
        out->scheme = CLIENT_UNIX;
        const char *path = text + strlen("unix:");
        good = strlen(path) < sizeof out->host;
        (void)snprintf(out->host, sizeof out->host, "%s", path);
        (void)snprintf(out->authority, sizeof out->authority, "localhost");
    }
    return good ? SOTTO_OK
                : sotto_diag_at(diag, SOTTO_ERR(SYNC, MALFORMED), text, 0,
                                "needs the form https://host:port, http://host:port or unix:/path");
}
