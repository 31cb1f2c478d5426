/*
 * http: HTTP/1.1 messages (RFC 9112), parsed from bytes as they arrive; no sockets here.
 * Bodies by Content-Length or chunked; obs-fold, both lengths, bad lengths and header smuggling are refused.
 */
#ifndef SOTTO_CODEC_HTTP_H
#define SOTTO_CODEC_HTTP_H

#include "sotto/base.h"

#define SOTTO_HTTP_HEADERS_MAX 32
#define SOTTO_HTTP_HEAD_MAX    8192 /* bytes of start line and headers together */

typedef struct sotto_http_header {
    sotto_span name, value;
} sotto_http_header;

/* A whole message. Spans point into memory owned by the parser; valid until its next reset. */
typedef struct sotto_http_message {
    bool is_request;
    sotto_span method, target; /* request: target is the path with query, as sent */
    int code;                  /* response */
    sotto_http_header header[SOTTO_HTTP_HEADERS_MAX];
    size_t headers;
    sotto_span body;
    bool keep_alive;
} sotto_http_message;

typedef struct sotto_http_parser sotto_http_parser;

/* A parser of requests or of responses; bodies up to body_max bytes (RANGE past it). NULL when out of memory.
 */
sotto_http_parser *sotto_http_parser_new(bool requests, size_t body_max);
void sotto_http_parser_free(sotto_http_parser *p);
/* Forgets the message, ready for the next one on the same connection. */
void sotto_http_parser_reset(sotto_http_parser *p);
/* For a response to HEAD or the like: no body follows whatever the headers say. */
void sotto_http_parser_no_body(sotto_http_parser *p);
/* Feeds bytes; *used of them were taken (fewer than given only when the message became complete). *done when
 * a whole message is there. Interim responses (1xx) are passed over, trailers read and dropped, offers to
 * upgrade ignored. MALFORMED (also CONNECT, a version other than 1.0 and 1.1, lengths or hosts that two
 * readers could take differently), RANGE (head, headers, body or chunk framing too long), NO_MEMORY: they
 * stick until a reset, and the connection must be closed. */
SOTTO_MUST_USE sotto_status sotto_http_feed(sotto_http_parser *p, sotto_span bytes, size_t *used, bool *done);
/* The stream ended: OK and *done when that completes a response without a length, OK and not *done between
 * two messages, TRUNCATED in the middle of one. */
SOTTO_MUST_USE sotto_status sotto_http_finish(sotto_http_parser *p, bool *done);
const sotto_http_message *sotto_http_message_of(const sotto_http_parser *p);
/* Value of a header by name, any case; false when absent. */
bool sotto_http_header_find(const sotto_http_message *m, const char *name, sotto_span *value);

/* Appends a head: "PUT /x HTTP/1.1\r\nHost: h\r\n...Content-Length: n\r\n\r\n". extra: ready header lines,
 * each ended by \r\n, or NULL. MALFORMED when method, target or host hold a control character or space,
 * content_type a control character, or extra something else than lines; NO_SPACE; out is unchanged then. */
SOTTO_MUST_USE sotto_status sotto_http_write_request(sotto_buf *out, const char *method, const char *target,
                                                     const char *host, const char *content_type,
                                                     size_t body_len, const char *extra);
/* The same for a response. 1xx, 204 and 304 have no body and no length: USAGE when body_len is not 0. */
SOTTO_MUST_USE sotto_status sotto_http_write_response(sotto_buf *out, int code, const char *content_type,
                                                      size_t body_len, bool keep_alive, const char *extra);
/* The reason phrase of a code that Sotto sends, a static string. */
const char *sotto_http_reason(int code);

#endif
