/* Lengths and hashes of what is listed elsewhere; names in URLs and on disk; trusted metadata on disk. */
#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>

#include "tuf_priv.h"

static sotto_status digest_of(psa_algorithm_t alg, size_t len, sotto_span bytes,
                              uint8_t out[static SOTTO_SHA512_BYTES])
{
    size_t got = 0;
    psa_status_t st = psa_hash_compute(alg, bytes.ptr, bytes.len, out, SOTTO_SHA512_BYTES, &got);
    return st == PSA_SUCCESS && got == len ? SOTTO_OK : SOTTO_ERR(SYNC, INTERNAL);
}

sotto_status tuf_sha512(sotto_span bytes, uint8_t out[static SOTTO_SHA512_BYTES])
{
    return digest_of(PSA_ALG_SHA_512, SOTTO_SHA512_BYTES, bytes, out);
}

/* *known counts the hashes of a kind known here; every one of them must match. */
static sotto_status check_hashes(sotto_json_node hashes, sotto_span bytes, size_t *known, const char *name,
                                 sotto_diag *diag)
{
    static const struct {
        const char *name;
        psa_algorithm_t alg;
        size_t len;
    } kinds[] = {{"sha256", PSA_ALG_SHA_256, SOTTO_SHA256_BYTES},
                 {"sha512", PSA_ALG_SHA_512, SOTTO_SHA512_BYTES}};
    for (size_t i = 0; i < SOTTO_COUNT(kinds); i++) {
        uint8_t digest[SOTTO_SHA512_BYTES];
        char hex[2 * SOTTO_SHA512_BYTES + 1];
        sotto_span listed;
        if (sotto_json_get_str(hashes, kinds[i].name, &listed, NULL) != SOTTO_OK)
            continue;
        sotto_status st = digest_of(kinds[i].alg, kinds[i].len, bytes, digest);
        if (st != SOTTO_OK)
            return sotto_diag_at(diag, st, name, 0, "hash could not be computed");
        sotto_hex_encode(sotto_span_of(digest, kinds[i].len), hex, sizeof hex);
        if (!sotto_span_is(listed, hex))
            return sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), name, 0, "%s differs from the one listed",
                                 kinds[i].name);
        (*known)++;
    }
    return SOTTO_OK;
}

sotto_status tuf_check_listed(sotto_json_node entry, bool hash_required, sotto_span bytes, const char *name,
                              sotto_diag *diag)
{
    sotto_json_node hashes = sotto_json_member(entry, "hashes");
    int64_t length;
    size_t known = 0;
    if (sotto_json_get_i64(entry, "length", 0, INT64_MAX, &length, NULL) == SOTTO_OK &&
        (uint64_t)length != bytes.len)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), name, 0, "%zu bytes, listed with %lld",
                             bytes.len, (long long)length);
    sotto_status st = check_hashes(hashes, bytes, &known, name, diag);
    if (st == SOTTO_OK && known == 0 && (hash_required || sotto_json_type(hashes) != SOTTO_JSON_ABSENT))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, UNSUPPORTED), name, 0,
                           "listed with neither sha256 nor sha512");
    return st;
}

size_t tuf_listed_max(sotto_json_node entry, size_t fallback)
{
    int64_t length;
    if (sotto_json_get_i64(entry, "length", 0, (int64_t)fallback, &length, NULL) == SOTTO_OK)
        return (size_t)length;
    return fallback;
}

static bool is_unreserved(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

sotto_status tuf_url_encode(sotto_buf *out, sotto_span text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    sotto_status st = SOTTO_OK;
    for (size_t i = 0; st == SOTTO_OK && i < text.len; i++) {
        uint8_t c = text.ptr[i];
        uint8_t escaped[3] = {'%', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15]};
        if (is_unreserved(c) || (keep_slash && c == '/'))
            st = sotto_buf_put(out, &c, 1);
        else
            st = sotto_buf_put(out, escaped, sizeof escaped);
    }
    return st;
}

sotto_status tuf_fetch_file(sotto_tuf *tuf, const char *path, size_t max, sotto_vec *out, sotto_diag *diag)
{
    sotto_vec_init(out, max);
    if (tuf->fetch == NULL)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, USAGE), path, 0, "opened without a way to fetch");
    sotto_status st = tuf->fetch(tuf->fetch_ctx, path, max, out, diag);
    if (st == SOTTO_OK && out->len > max)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), path, 0, "longer than %zu bytes", max);
    if (st == SOTTO_OK)
        tuf->fetched_bytes += out->len;
    else
        sotto_vec_free(out);
    return st;
}

sotto_status tuf_local_path(const sotto_tuf *tuf, const char *role, char *out, size_t cap, sotto_diag *diag)
{
    sotto_buf text = sotto_buf_of(out, cap);
    sotto_status st = sotto_buf_put(&text, tuf->dir, strlen(tuf->dir));
    if (st == SOTTO_OK)
        st = sotto_buf_put(&text, "/", 1);
    if (st == SOTTO_OK)
        st = tuf_url_encode(&text, sotto_span_str(role), false);
    if (st == SOTTO_OK)
        st = sotto_buf_put(&text, ".json", sizeof ".json");
    if (st != SOTTO_OK)
        st = sotto_diag_set(diag, SOTTO_ERR(SYNC, RANGE), "path of metadata is too long");
    return st;
}

sotto_status tuf_persist(const sotto_tuf *tuf, const char *role, sotto_span bytes, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    sotto_status st = tuf_local_path(tuf, role, path, sizeof path, diag);
    if (st == SOTTO_OK)
        st = sotto_port_write_file(path, bytes, 0640, diag);
    return st;
}

sotto_status tuf_load(const sotto_tuf *tuf, const char *role, enum tuf_type type, tuf_meta *out,
                      sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    sotto_vec bytes;
    memset(out, 0, sizeof *out);
    sotto_vec_init(&bytes, TUF_TARGETS_BYTES);
    sotto_status st = tuf_local_path(tuf, role, path, sizeof path, diag);
    if (st == SOTTO_OK)
        st = sotto_port_read_file(path, &bytes, diag);
    if (st == SOTTO_OK)
        return tuf_meta_parse(out, type, &bytes, path, diag);
    sotto_vec_free(&bytes);
    return st;
}

sotto_status tuf_forget(const sotto_tuf *tuf, const char *role, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    sotto_status st = tuf_local_path(tuf, role, path, sizeof path, diag);
    if (st == SOTTO_OK)
        st = sotto_port_remove_file(path, diag);
    return sotto_status_cause(st) == SOTTO_CAUSE_NOT_FOUND ? SOTTO_OK : st;
}

sotto_status tuf_kept_root_path(const char *dir, int64_t version, char *out, size_t cap, sotto_diag *diag)
{
    int n = snprintf(out, cap, "%s/roots/%lld.root.json", dir, (long long)version);
    if (n < 0 || (size_t)n >= cap)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, RANGE), "path of metadata is too long");
    return SOTTO_OK;
}

sotto_status tuf_keep_root(const char *dir, const tuf_meta *root, sotto_diag *diag)
{
    char path[TUF_FILE_MAX], roots[TUF_FILE_MAX];
    int n = snprintf(roots, sizeof roots, "%s/roots", dir);
    if (n < 0 || (size_t)n >= sizeof roots)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, RANGE), "path of metadata is too long");
    sotto_status st = sotto_port_make_dir(roots, 0750, diag);
    if (st == SOTTO_OK)
        st = tuf_kept_root_path(dir, root->version, path, sizeof path, diag);
    if (st == SOTTO_OK)
        st = sotto_port_write_file(path, sotto_vec_span(&root->bytes), 0640, diag);
    return st;
}
