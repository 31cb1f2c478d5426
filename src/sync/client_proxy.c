/* Through a proxy: HTTP's CONNECT (RFC 9110 section 9.3.6), then bytes pass as they are, so that TLS has both
 * its ends where it would have them without. */
#include <stdio.h>
#include <string.h>

#include "client_priv.h"

#define HEAD_MAX 4096 /* of the proxy's answer */

static bool is_busy(sotto_status st)
{
    return sotto_status_cause(st) == SOTTO_CAUSE_BUSY;
}

static sotto_status broke(const sotto_client *c, sotto_status st, sotto_diag *diag)
{
    bool late = sotto_status_cause(st) == SOTTO_CAUSE_TIMEOUT;
    return sotto_diag_at(diag, late ? SOTTO_ERR(SYNC, TIMEOUT) : SOTTO_ERR(SYNC, NETWORK), c->proxy.authority,
                         0, late ? "the proxy did not answer in time" : "the proxy closed the connection");
}

static sotto_status say(const sotto_client *c, int fd, int64_t deadline_ms, sotto_span text, sotto_diag *diag)
{
    size_t at = 0;
    while (at < text.len) {
        size_t n = 0;
        sotto_status st = sotto_port_send(fd, text.ptr + at, text.len - at, &n);
        if (is_busy(st))
            st = sotto_port_wait(fd, true, deadline_ms);
        if (st != SOTTO_OK)
            return broke(c, st, diag);
        at += n;
    }
    return SOTTO_OK;
}

static sotto_status ask(const sotto_client *c, int fd, int64_t deadline_ms, sotto_diag *diag)
{
    char memory[2 * sizeof c->url.authority + sizeof c->proxy_authorization + 128];
    bool known = c->proxy_authorization[0] != '\0';
    int len = snprintf(memory, sizeof memory, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n",
                       c->url.authority, c->url.authority, known ? "Proxy-Authorization: Basic " : "",
                       c->proxy_authorization, known ? "\r\n" : "");
    sotto_status st = say(c, fd, deadline_ms, sotto_span_of(memory, (size_t)len), diag);
    sotto_wipe(memory, sizeof memory);
    return st;
}

/* A byte at a time: what follows the head is not the proxy's any more. */
static sotto_status hear(const sotto_client *c, int fd, int64_t deadline_ms, char head[static HEAD_MAX],
                         sotto_diag *diag)
{
    size_t have = 0;
    while (have < 4 || memcmp(head + have - 4, "\r\n\r\n", 4) != 0) {
        size_t n = 0;
        if (have == HEAD_MAX - 1)
            return sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), c->proxy.authority, 0,
                                 "the proxy's answer is too long");
        sotto_status st = sotto_port_recv(fd, head + have, 1, &n);
        if (st == SOTTO_OK && n == 0)
            st = SOTTO_ERR(SYNC, NETWORK);
        if (is_busy(st))
            st = sotto_port_wait(fd, false, deadline_ms);
        if (st != SOTTO_OK)
            return broke(c, st, diag);
        have += n;
    }
    head[have] = '\0';
    return SOTTO_OK;
}

/* "HTTP/1.1 200 ..." (RFC 9112 section 4). */
static sotto_status judge(const sotto_client *c, const char *head, sotto_diag *diag)
{
    uint64_t code = 0;
    bool http = (strncmp(head, "HTTP/1.1 ", 9) == 0 || strncmp(head, "HTTP/1.0 ", 9) == 0) &&
                sotto_parse_u64(sotto_span_of(head + 9, 3), &code) == SOTTO_OK && code >= 100;
    if (!http)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), c->proxy.authority, 0,
                             "no HTTP proxy answers here");
    if (code >= 200 && code < 300)
        return SOTTO_OK;
    if (code == 407 || code == 401) /* 401: tinyproxy, when it knows another password */
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, AUTH), c->proxy.authority, 0,
                             c->proxy_authorization[0] == '\0' ? "the proxy demands credentials"
                                                               : "the proxy does not take our credentials");
    /* 403: it may not go there. Others are of today: it cannot reach head office, or is busy. */
    return sotto_diag_at(diag, code == 403 ? SOTTO_ERR(SYNC, AUTH) : SOTTO_ERR(SYNC, NETWORK),
                         c->proxy.authority, 0, "the proxy answered %u to a connection to %s", (unsigned)code,
                         c->url.authority);
}

sotto_status client_proxy_open(const sotto_client *c, int64_t deadline_ms, int *fd, sotto_diag *diag)
{
    char head[HEAD_MAX];
    sotto_status st = sotto_port_connect_tcp(c->proxy.host, c->proxy.port, deadline_ms, fd, diag);
    if (st != SOTTO_OK)
        return st;
    st = ask(c, *fd, deadline_ms, diag);
    if (st == SOTTO_OK)
        st = hear(c, *fd, deadline_ms, head, diag);
    if (st == SOTTO_OK)
        st = judge(c, head, diag);
    if (st != SOTTO_OK)
        sotto_port_close(fd);
    return st;
}

sotto_status client_proxy_set(sotto_client *c, const char *url, const char *credentials, sotto_diag *diag)
{
    if (url == NULL || url[0] == '\0')
        return SOTTO_OK;
    sotto_status st = client_url_parse(&c->proxy, url, diag);
    if (st == SOTTO_OK && (c->proxy.scheme != CLIENT_HTTP || c->url.scheme != CLIENT_HTTPS))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, USAGE), url, 0,
                           "a proxy has the form http://host:port, and carries https only");
    if (st != SOTTO_OK || credentials == NULL || credentials[0] == '\0')
        return st;
    /* RFC 7617 section 2: user, colon, password. */
    sotto_span text = sotto_span_str(credentials);
    if (text.len > SOTTO_PROXY_CREDENTIALS_MAX || memchr(text.ptr, ':', text.len) == NULL ||
        sotto_base64_encode(text, c->proxy_authorization, sizeof c->proxy_authorization) != SOTTO_OK)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, USAGE), url, 0,
                             "a proxy's credentials are user:password, at most %d bytes",
                             SOTTO_PROXY_CREDENTIALS_MAX);
    return SOTTO_OK;
}
