/* Files of the repository for terminals: whole, or one range of them (RFC 9110 section 14), plain or as the
 * LZ4 frame that publish laid beside them. */
#include "collector/collect.h"
#include "office/office.h"
#include "release/repo.h"

#include <stdio.h>
#include <string.h>

typedef struct range {
    bool asked;
    uint64_t first, last; /* last UINT64_MAX: to the end; first UINT64_MAX: the last `last` bytes */
} range;

static bool plain_name(sotto_span name)
{
    if (name.len == 0 || name.len > 200 || name.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t ch = name.ptr[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
                  ch == '.' || ch == '_' || ch == '-';
        if (!ok)
            return false;
    }
    return true;
}

static bool is_target(sotto_span path, sotto_span *name)
{
    static const char head[] = "targets/";
    size_t len = sizeof head - 1;
    if (path.len < len || memcmp(path.ptr, head, len) != 0)
        return false;
    *name = sotto_span_of(path.ptr + len, path.len - len);
    return true;
}

bool hq_collect_path_valid(sotto_span path)
{
    sotto_span name;
    if (is_target(path, &name))
        return plain_name(name);
    static const char suffix[] = ".json";
    return plain_name(path) && path.len > sizeof suffix - 1 &&
           memcmp(path.ptr + path.len - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0;
}

/* Whether the list names lz4 without forbidding it (section 12.5.3). */
static bool accepts_lz4(const sotto_http_message *request)
{
    sotto_span list;
    char text[256];
    if (!sotto_http_header_find(request, "accept-encoding", &list) ||
        sotto_span_to_str(list, text, sizeof text) != SOTTO_OK)
        return false;
    for (const char *at = text; *at != '\0';) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ",");
        size_t token = strcspn(at, ",; \t");
        const char *weight = memchr(at, '=', len);
        bool never = weight != NULL && strspn(weight + 1, "0.") == strcspn(weight + 1, ", \t");
        if (token == 3 && memcmp(at, "lz4", 3) == 0)
            return !never;
        at += len;
    }
    return false;
}

/* Decimal digits, and where they end. */
static bool take_number(const char **at, uint64_t *out)
{
    size_t len = strspn(*at, "0123456789");
    sotto_span digits = sotto_span_of(*at, len);
    *at += len;
    return len > 0 && sotto_parse_u64(digits, out) == SOTTO_OK;
}

/* One range of bytes; anything else is as if nothing had been asked (section 14.2). */
static range read_range(const sotto_http_message *request)
{
    sotto_span value;
    char text[64];
    range r = {.last = UINT64_MAX};
    const range none = {0};
    if (!sotto_http_header_find(request, "range", &value) ||
        sotto_span_to_str(value, text, sizeof text) != SOTTO_OK || strncmp(text, "bytes=", 6) != 0)
        return none;
    const char *at = text + 6;
    bool suffix = *at == '-';
    if (suffix)
        r.first = UINT64_MAX;
    else if (!take_number(&at, &r.first))
        return none;
    if (*at++ != '-' || (suffix && *at == '\0') || (*at != '\0' && !take_number(&at, &r.last)) || *at != '\0')
        return none;
    r.asked = suffix || r.last >= r.first;
    return r;
}

static bool condition_holds(const sotto_http_message *request, const char *etag)
{
    sotto_span value;
    return !sotto_http_header_find(request, "if-range", &value) || sotto_span_is(value, etag);
}

/* The range within a file of size bytes; false: nothing of it lies there. */
static bool settle(range *r, uint64_t size)
{
    if (r->first == UINT64_MAX) {
        r->first = r->last < size ? size - r->last : 0;
        r->last = size - 1;
        return size > 0 && r->first < size;
    }
    if (r->last >= size)
        r->last = size - 1;
    return r->first < size;
}

/* The file, or its LZ4 form where the terminal takes it and there is one. */
static sotto_status choose(const hq_collector *c, const sotto_http_message *request, sotto_span name,
                           char path[static HQ_PATH_MAX], bool *lz4, sotto_diag *diag)
{
    char relative[256] = "repo/";
    sotto_span target;
    *lz4 = false;
    if (!hq_collect_path_valid(name))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "no such file in the release");
    memcpy(relative + 5, name.ptr, name.len); /* zeros follow: valid names are at most 208 bytes */
    if (is_target(name, &target) && accepts_lz4(request)) {
        memcpy(relative + 5 + name.len, HQ_LZ4_SUFFIX, sizeof HQ_LZ4_SUFFIX);
        *lz4 = hq_path(c->dir, relative, path, NULL) == SOTTO_OK && sotto_port_exists(path);
        relative[5 + name.len] = '\0';
    }
    return *lz4 ? SOTTO_OK : hq_path(c->dir, relative, path, diag);
}

/* A target never changes under its name, which begins with its hash; its LZ4 form does when another machine
 * publishes it again, so its length stands in the tag as well (and the client checks what comes out). */
static void describe(sotto_span target, bool lz4, uint64_t size, const range *r, char *out, size_t cap)
{
    char part[96] = "";
    if (r->asked)
        (void)snprintf(part, sizeof part, "Content-Range: bytes %llu-%llu/%llu\r\n",
                       (unsigned long long)r->first, (unsigned long long)r->last, (unsigned long long)size);
    (void)snprintf(out, cap,
                   "Accept-Ranges: bytes\r\nVary: Accept-Encoding\r\nETag: \"%.16s-%s%llu\"\r\n%s%s",
                   target.len >= 16 ? (const char *)target.ptr : "0000000000000000", lz4 ? "lz4-" : "",
                   (unsigned long long)size, lz4 ? "Content-Encoding: lz4\r\n" : "", part);
}

static sotto_status get_target(const sotto_http_message *request, sotto_span target, const char *path,
                               bool lz4, sotto_reply *reply, sotto_diag *diag)
{
    static char head[384];
    char etag[64];
    uint64_t size = 0;
    range r = read_range(request), none = {0};
    sotto_status status = sotto_port_file_size(path, &size, diag);
    if (status != SOTTO_OK)
        return status;
    describe(target, lz4, size, &none, head, sizeof head);
    const char *tag = strstr(head, "ETag: ") + 6;
    (void)snprintf(etag, sizeof etag, "%.*s", (int)strcspn(tag, "\r"), tag);
    r.asked = r.asked && condition_holds(request, etag);
    reply->extra = head;
    if (r.asked && !settle(&r, size)) {
        (void)snprintf(head, sizeof head, "Content-Range: bytes */%llu\r\n", (unsigned long long)size);
        reply->code = 416;
        return SOTTO_OK;
    }
    describe(target, lz4, size, &r, head, sizeof head);
    reply->code = r.asked ? 206 : 200;
    return r.asked ? sotto_port_read_part(path, r.first, (size_t)(r.last - r.first + 1), &reply->body, diag)
                   : sotto_port_read_file(path, &reply->body, diag);
}

sotto_status hq_collect_release(hq_collector *c, const sotto_http_message *request, sotto_span name,
                                sotto_reply *reply, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_span target;
    bool lz4 = false;
    reply->body.limit = SOTTO_TARGET_BYTES_MAX;
    reply->code = 200;
    reply->content_type =
        name.len > 0 && name.ptr[name.len - 1] == 'n' ? "application/json" : "application/octet-stream";
    sotto_status status = choose(c, request, name, path, &lz4, diag);
    if (status == SOTTO_OK)
        status = is_target(name, &target) ? get_target(request, target, path, lz4, reply, diag)
                                          : sotto_port_read_file(path, &reply->body, diag);
    if (status == SOTTO_OK) {
        HQ_ADD(c->metrics, files, 1);
        HQ_ADD(c->metrics, file_bytes, reply->body.len);
        return SOTTO_OK;
    }
    reply->extra = NULL;
    reply->content_type = NULL;
    reply->body.len = 0;
    /* Where it stands on our disk is nobody's business. */
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        *diag = (sotto_diag){.status = status, .text = "no such file in the release"};
    return status;
}
