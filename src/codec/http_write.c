#include "sotto/codec/http.h"

#include <stdio.h>
#include <string.h>

const char *sotto_http_reason(int code)
{
    switch (code) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 507:
        return "Insufficient Storage";
    default:
        return "Status";
    }
}

/* Nothing that goes into a head may end its line, or a word where only one belongs: whoever wrote the name of
 * a file cannot write headers. */
static bool is_clean(const char *text, bool spaces)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f || (*text == ' ' && !spaces))
            return false;
    return true;
}

/* Several header lines, each ended by \r\n; none empty, which would end the head. */
static bool are_lines(const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\r\n");
        if (len == 0 || text[len] != '\r' || text[len + 1] != '\n')
            return false;
        text += len + 2;
    }
    return true;
}

static sotto_status put(sotto_buf *out, const char *text)
{
    return sotto_buf_put(out, text, strlen(text));
}

static sotto_status put_all(sotto_buf *out, const char *const *parts, size_t n)
{
    size_t before = out->len;
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < n && status == SOTTO_OK; i++)
        status = put(out, parts[i]);
    if (status != SOTTO_OK)
        out->len = before;
    return status;
}

sotto_status sotto_http_write_request(sotto_buf *out, const char *method, const char *target,
                                      const char *host, const char *content_type, size_t body_len,
                                      const char *extra)
{
    const char *type = content_type != NULL ? content_type : "", *lines = extra != NULL ? extra : "";
    if (method[0] == '\0' || target[0] == '\0' || !is_clean(method, false) || !is_clean(target, false) ||
        !is_clean(host, false) || !is_clean(type, true) || !are_lines(lines))
        return SOTTO_ERR(CODEC, MALFORMED);
    char length[32];
    (void)snprintf(length, sizeof length, "%zu", body_len);
    const char *const parts[] = {
        method,
        " ",
        target,
        " HTTP/1.1\r\nHost: ",
        host,
        "\r\n",
        type[0] ? "Content-Type: " : "",
        type,
        type[0] ? "\r\n" : "",
        "Content-Length: ",
        length,
        "\r\n",
        lines,
        "\r\n",
    };
    return put_all(out, parts, SOTTO_COUNT(parts));
}

sotto_status sotto_http_write_response(sotto_buf *out, int code, const char *content_type, size_t body_len,
                                       bool keep_alive, const char *extra)
{
    const char *type = content_type != NULL ? content_type : "", *lines = extra != NULL ? extra : "";
    if (code < 100 || code > 999 || !is_clean(type, true) || !are_lines(lines))
        return SOTTO_ERR(CODEC, MALFORMED);
    bool bodiless = code < 200 || code == 204 || code == 304; /* RFC 9110, section 8.6: no length here */
    if (bodiless && body_len > 0)
        return SOTTO_ERR(CODEC, USAGE);
    char status_line[64], length[48] = "";
    (void)snprintf(status_line, sizeof status_line, "HTTP/1.1 %d %s\r\n", code, sotto_http_reason(code));
    if (!bodiless)
        (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", body_len);
    const char *const parts[] = {
        status_line, type[0] ? "Content-Type: " : "",
        type,        type[0] ? "\r\n" : "",
        length,      keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n",
        lines,       "\r\n",
    };
    return put_all(out, parts, SOTTO_COUNT(parts));
}
