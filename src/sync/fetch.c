/*
 * A file of the repository, from head office. Large ones come in pieces that stay on the disk, each written
 * whole, so that a line that breaks every few minutes still gets a release through: RFC 9110 section 14. What
 * is in pieces is the encoded form (section 8.4) when there is one. Nothing here is trusted: the caller
 * checks length and hash of what comes out, and bounds how long that may be.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_priv.h"
#include "fetch_priv.h"
#include "release_priv.h"

#define ANSWER_MAX ((size_t)64 * 1024)
#define PREFIX     "/v1/release/"
#define PARTS      "part"
#define ETAG_MAX   128
#define HEAD_MAX   256

typedef struct partial {
    char dir[TUF_FILE_MAX]; /* of its pieces; "" = none are kept */
    bool begun, lz4;
    uint64_t total;
    char etag[ETAG_MAX]; /* "" = none was given */
    uint64_t at;         /* bytes that are there */
} partial;

typedef struct answer {
    int code;
    bool lz4;
    uint64_t from, total; /* of 206 */
    sotto_span body;
} answer;

/* ---- pieces on the disk ---- */

static bool piece_path(const partial *p, uint64_t n, char out[static TUF_FILE_MAX])
{
    char name[24];
    (void)snprintf(name, sizeof name, "%llu", (unsigned long long)n);
    return release_path(out, p->dir, name, NULL) == SOTTO_OK;
}

static void drop(const char *dir)
{
    char path[TUF_FILE_MAX];
    DIR *entries = opendir(dir);
    for (struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;)
        if (e->d_name[0] != '.' && release_path(path, dir, e->d_name, NULL) == SOTTO_OK)
            (void)!sotto_port_remove_file(path, NULL);
    if (entries != NULL)
        (void)closedir(entries);
    (void)rmdir(dir);
}

static void begin_anew(partial *p)
{
    if (p->dir[0] != '\0')
        drop(p->dir);
    p->begun = p->lz4 = false;
    p->total = p->at = 0;
    p->etag[0] = '\0';
}

/* Decimal digits, and where they end. */
static bool take_number(const char **at, uint64_t *out)
{
    size_t len = strspn(*at, "0123456789");
    sotto_span digits = sotto_span_of(*at, len);
    *at += len;
    return len > 0 && sotto_parse_u64(digits, out) == SOTTO_OK;
}

/* "lz4 12345 <etag>\n" */
static bool parse_head(partial *p, const char *text, size_t max)
{
    p->lz4 = strncmp(text, "lz4 ", 4) == 0;
    if (!p->lz4 && strncmp(text, "plain ", 6) != 0)
        return false;
    const char *at = strchr(text, ' ') + 1;
    if (!take_number(&at, &p->total) || *at != ' ' || p->total == 0 || p->total > max)
        return false;
    size_t len = strcspn(++at, "\n");
    if (at[len] != '\n' || len >= sizeof p->etag)
        return false;
    return sotto_span_to_str(sotto_span_of(at, len), p->etag, sizeof p->etag) == SOTTO_OK;
}

static bool read_head(partial *p, size_t max)
{
    char path[TUF_FILE_MAX], text[HEAD_MAX];
    sotto_vec head;
    sotto_vec_init(&head, sizeof text - 1);
    bool read = release_path(path, p->dir, "head", NULL) == SOTTO_OK &&
                sotto_port_read_file(path, &head, NULL) == SOTTO_OK &&
                sotto_span_to_str(sotto_vec_span(&head), text, sizeof text) == SOTTO_OK;
    sotto_vec_free(&head);
    return read && parse_head(p, text, max);
}

static size_t piece_size(const partial *p)
{
    uint64_t left = p->total - p->at;
    return left < FETCH_PIECE ? (size_t)left : FETCH_PIECE;
}

/* The next piece onto out. */
static bool read_piece(partial *p, sotto_vec *out)
{
    char path[TUF_FILE_MAX];
    size_t before = out->len, limit = out->limit, want = piece_size(p);
    out->limit = before + want;
    bool whole = piece_path(p, p->at / FETCH_PIECE, path) &&
                 sotto_port_read_file(path, out, NULL) == SOTTO_OK && out->len == before + want;
    out->limit = limit;
    if (!whole)
        out->len = before;
    else
        p->at += want;
    return whole;
}

/* What an earlier run left; bytes: the pieces, one after the other. */
static void take_up(partial *p, size_t max, sotto_vec *bytes)
{
    p->begun = read_head(p, max);
    if (!p->begun) {
        begin_anew(p);
        return;
    }
    while (p->at < p->total && read_piece(p, bytes))
        ;
}

static sotto_status write_head(const partial *p, sotto_diag *diag)
{
    char path[TUF_FILE_MAX], text[HEAD_MAX];
    int len = snprintf(text, sizeof text, "%s %llu %s\n", p->lz4 ? "lz4" : "plain",
                       (unsigned long long)p->total, p->etag);
    sotto_status st = sotto_port_make_dir(p->dir, 0750, diag);
    if (st == SOTTO_OK)
        st = release_path(path, p->dir, "head", diag);
    return st == SOTTO_OK ? sotto_port_write_file(path, sotto_span_of(text, (size_t)len), 0640, diag) : st;
}

static sotto_status keep_piece(partial *p, sotto_span piece, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    if (!piece_path(p, p->at / FETCH_PIECE, path))
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), p->dir, 0, "path is too long");
    sotto_status st = sotto_port_write_file(path, piece, 0640, diag);
    p->at += st == SOTTO_OK ? piece.len : 0;
    return st;
}

/* ---- one request ---- */

static bool read_coding(const sotto_http_message *m, bool *lz4)
{
    sotto_span coding;
    *lz4 = sotto_http_header_find(m, "content-encoding", &coding);
    return !*lz4 || sotto_span_is(coding, "lz4");
}

/* "bytes 0-99/1000" of exactly the body's length. */
static bool read_range(const sotto_http_message *m, answer *a)
{
    sotto_span value;
    char text[80];
    uint64_t to = 0;
    if (!sotto_http_header_find(m, "content-range", &value) ||
        sotto_span_to_str(value, text, sizeof text) != SOTTO_OK || strncmp(text, "bytes ", 6) != 0)
        return false;
    const char *at = text + 6;
    if (!take_number(&at, &a->from) || *at++ != '-' || !take_number(&at, &to) || *at++ != '/' ||
        !take_number(&at, &a->total) || *at != '\0')
        return false;
    return to >= a->from && a->total > to && to - a->from + 1 == m->body.len;
}

static void keep_etag(partial *p, const sotto_http_message *m)
{
    sotto_span etag;
    p->etag[0] = '\0';
    /* A weak one says nothing of bytes (RFC 9110 section 8.8.3.2); one with a line's end is none. */
    if (sotto_http_header_find(m, "etag", &etag) && etag.len > 1 && etag.len < ETAG_MAX && etag.ptr[0] == '"')
        (void)!sotto_span_to_str(etag, p->etag, sizeof p->etag);
}

static void write_asking(const partial *p, bool in_pieces, char *out, size_t cap)
{
    char range[64] = "", condition[ETAG_MAX + 16] = "";
    uint64_t last = p->at + FETCH_PIECE - 1;
    if (in_pieces)
        (void)snprintf(range, sizeof range, "Range: bytes=%llu-%llu\r\n", (unsigned long long)p->at,
                       (unsigned long long)(p->begun && last >= p->total ? p->total - 1 : last));
    if (in_pieces && p->at > 0 && p->etag[0] != '\0')
        (void)snprintf(condition, sizeof condition, "If-Range: %s\r\n", p->etag);
    (void)snprintf(out, cap, "%s%s%s", p->begun && !p->lz4 ? "" : "Accept-Encoding: lz4\r\n", range,
                   condition);
}

/* *out stays valid until the client's next request. */
static sotto_status ask(const fetch_source *f, const char *path, size_t max, const partial *p, bool in_pieces,
                        const sotto_http_message **message, answer *out, sotto_diag *diag)
{
    char target[1024], extra[ETAG_MAX + 160];
    int len = snprintf(target, sizeof target, PREFIX "%s", path);
    if (len < 0 || (size_t)len >= sizeof target)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), path, 0, "path is too long");
    write_asking(p, in_pieces, extra, sizeof extra);
    /* A refusal's own body may be longer than a very small file. */
    size_t bound = max < ANSWER_MAX ? ANSWER_MAX : max;
    const client_ask asked = {.method = "GET",
                              .target = target,
                              .extra = strncmp(path, "targets/", 8) == 0 ? extra : NULL,
                              .body_max = bound};
    sotto_status st = client_ask_for(f->office, &asked, message, diag);
    if (st != SOTTO_OK)
        return st;
    *out = (answer){.code = (*message)->code, .body = (*message)->body};
    if (out->code == 503 || out->code == 429)
        *f->retry_after_s = client_retry_after_s(*message);
    if (out->code == 416 && in_pieces)
        return SOTTO_OK;
    if (out->code != 200 && out->code != 206)
        return client_refusal(f->office, *message, diag);
    *f->wire_bytes += out->body.len;
    if (!read_coding(*message, &out->lz4) || (out->code == 206 && (!in_pieces || !read_range(*message, out))))
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), path, 0, "what came is not what was asked for");
    if (out->body.len > max)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), path, 0, "%zu bytes, at most %zu are taken",
                             out->body.len, max);
    return SOTTO_OK;
}

/* ---- the whole ---- */

/* A bomb ends at max: nothing longer than what is signed is ever unpacked. */
static sotto_status decode(const char *path, sotto_span bytes, bool lz4, size_t max, sotto_vec *out,
                           sotto_diag *diag)
{
    if (!lz4)
        return sotto_vec_put(out, bytes.ptr, bytes.len);
    uint8_t *memory = malloc(max > 0 ? max : 1);
    if (memory == NULL)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, NO_MEMORY), path, 0, "no memory to unpack it");
    sotto_buf plain = sotto_buf_of(memory, max);
    sotto_status st = sotto_lz4_decompress(bytes, &plain, diag);
    if (sotto_status_cause(st) == SOTTO_CAUSE_NO_SPACE)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), path, 0, "unpacks to more than the %zu bytes listed",
                           max);
    else if (st != SOTTO_OK)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), path, 0, "cannot be unpacked");
    else
        st = sotto_vec_put(out, plain.ptr, plain.len);
    free(memory);
    return st;
}

/* The next piece, onto bytes too. *whole: the server gave everything at once. */
static sotto_status next_piece(const fetch_source *f, const char *path, size_t max, partial *p,
                               sotto_vec *bytes, bool *whole, sotto_diag *diag)
{
    const sotto_http_message *message;
    answer a;
    sotto_status st = ask(f, path, max, p, true, &message, &a, diag);
    if (st != SOTTO_OK)
        return st;
    if (a.code == 416) { /* it became shorter */
        begin_anew(p);
        bytes->len = 0;
        st = ask(f, path, max, p, false, &message, &a, diag);
        if (st != SOTTO_OK)
            return st;
    }
    *whole = a.code == 200;
    if (*whole) {
        begin_anew(p);
        p->lz4 = a.lz4;
        bytes->len = 0;
        return sotto_vec_put(bytes, a.body.ptr, a.body.len);
    }
    if (a.from != p->at || a.total > max || (p->begun && (a.total != p->total || a.lz4 != p->lz4)))
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), path, 0, "a piece of another file came");
    bool first = !p->begun;
    p->total = a.total;
    p->lz4 = a.lz4;
    if (a.body.len != piece_size(p))
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), path, 0, "a piece of another length came");
    if (first) {
        keep_etag(p, message);
        st = write_head(p, diag);
    }
    p->begun = p->begun || st == SOTTO_OK;
    if (st == SOTTO_OK)
        st = keep_piece(p, a.body, diag);
    return st == SOTTO_OK ? sotto_vec_put(bytes, a.body.ptr, a.body.len) : st;
}

static sotto_status fetch_pieces(const fetch_source *f, const char *path, size_t max, partial *p,
                                 sotto_vec *out, sotto_diag *diag)
{
    sotto_vec bytes;
    bool whole = false;
    sotto_status st = SOTTO_OK;
    sotto_vec_init(&bytes, max);
    take_up(p, max, &bytes);
    while (st == SOTTO_OK && !whole && (!p->begun || p->at < p->total))
        st = next_piece(f, path, max, p, &bytes, &whole, diag);
    if (st == SOTTO_OK) {
        st = decode(path, sotto_vec_span(&bytes), p->lz4, max, out, diag);
        begin_anew(p); /* whatever the caller's check of the hash says: these bytes have had their chance */
    }
    sotto_vec_free(&bytes);
    return st;
}

static sotto_status fetch_whole(const fetch_source *f, const char *path, size_t max, sotto_vec *out,
                                sotto_diag *diag)
{
    const sotto_http_message *message;
    const partial none = {0};
    answer a;
    sotto_status st = ask(f, path, max, &none, false, &message, &a, diag);
    return st == SOTTO_OK ? decode(path, a.body, a.lz4, max, out, diag) : st;
}

/* Only a name that is plain becomes a folder. */
static bool part_dir(const fetch_source *f, const char *path, char out[static TUF_FILE_MAX])
{
    static const char head[] = "targets/";
    char parts[TUF_FILE_MAX];
    if (strncmp(path, head, sizeof head - 1) != 0 || f->release_dir == NULL)
        return false;
    const char *name = path + sizeof head - 1;
    return name[0] != '.' && strpbrk(name, "/%") == NULL && strlen(name) < 200 &&
           release_path(parts, f->release_dir, PARTS, NULL) == SOTTO_OK &&
           release_path(out, parts, name, NULL) == SOTTO_OK;
}

sotto_status fetch_from_office(void *ctx, const char *path, size_t max, sotto_vec *out, sotto_diag *diag)
{
    const fetch_source *f = ctx;
    partial p = {.begun = false};
    if (max > FETCH_PIECE && part_dir(f, path, p.dir))
        return fetch_pieces(f, path, max, &p, out, diag);
    return fetch_whole(f, path, max, out, diag);
}

static bool is_wanted(const sotto_tuf *tuf, const char *name)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1];
    for (size_t i = 0; i < tuf->target_count; i++) {
        sotto_hex_encode(sotto_span_of(tuf->target[i].sha256, SOTTO_SHA256_BYTES), hex, sizeof hex);
        if (strncmp(name, hex, sizeof hex - 1) == 0 && name[sizeof hex - 1] == '.' &&
            strcmp(name + sizeof hex, tuf->target[i].name) == 0)
            return true;
    }
    return false;
}

void fetch_collect(const char *release_dir, const sotto_tuf *tuf)
{
    char parts[TUF_FILE_MAX], path[TUF_FILE_MAX];
    if (release_path(parts, release_dir, PARTS, NULL) != SOTTO_OK)
        return;
    DIR *entries = opendir(parts);
    for (struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;)
        if (e->d_name[0] != '.' && !is_wanted(tuf, e->d_name) &&
            release_path(path, parts, e->d_name, NULL) == SOTTO_OK)
            drop(path);
    if (entries != NULL)
        (void)closedir(entries);
}
