/* 5.7: targets: listing, finding, downloading, checking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuf_priv.h"

static bool read_hash(sotto_json_node hashes, const char *name, uint8_t *out, size_t len)
{
    sotto_span hex;
    return sotto_json_get_str(hashes, name, &hex, NULL) == SOTTO_OK &&
           sotto_hex_decode(hex, out, len) == SOTTO_OK;
}

sotto_status tuf_target_read(sotto_span name, sotto_json_node entry, sotto_tuf_target *out, sotto_diag *diag)
{
    sotto_json_node hashes = sotto_json_member(entry, "hashes");
    int64_t length;
    memset(out, 0, sizeof *out);
    if (sotto_span_to_str(name, out->name, sizeof out->name) != SOTTO_OK)
        return sotto_json_bad(entry, diag, SOTTO_ERR(SYNC, RANGE), "a target's name has at most %zu bytes",
                              sizeof out->name - 1);
    sotto_status st = sotto_json_get_i64(entry, "length", 0, INT64_MAX, &length, diag);
    if (st != SOTTO_OK)
        return st;
    out->length = (uint64_t)length;
    out->has_sha256 = read_hash(hashes, "sha256", out->sha256, sizeof out->sha256);
    out->has_sha512 = read_hash(hashes, "sha512", out->sha512, sizeof out->sha512);
    if (!out->has_sha256 && !out->has_sha512)
        return sotto_json_bad(entry, diag, SOTTO_ERR(SYNC, UNSUPPORTED),
                              "listed with neither sha256 nor sha512");
    return SOTTO_OK;
}

/* Entries that this client cannot use (a name too long, hashes of other kinds only) are left out of the list:
 * they must not take the rest of the release with them. */
sotto_status tuf_target_list(sotto_tuf *tuf, sotto_diag *diag)
{
    sotto_json_node targets = sotto_json_member(tuf->targets.body, "targets");
    size_t count = sotto_json_count(targets);
    free(tuf->target);
    tuf->target_count = 0;
    tuf->target = calloc(count == 0 ? 1 : count, sizeof *tuf->target);
    if (tuf->target == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for %zu targets", count);
    for (size_t i = 0; i < count; i++) {
        sotto_span name;
        sotto_json_node entry = sotto_json_member_at(targets, i, &name);
        if (tuf_target_read(name, entry, &tuf->target[tuf->target_count], NULL) == SOTTO_OK)
            tuf->target_count++;
    }
    return SOTTO_OK;
}

uint64_t sotto_tuf_targets_version(const sotto_tuf *tuf)
{
    return (uint64_t)tuf->targets.version;
}

size_t sotto_tuf_target_count(const sotto_tuf *tuf)
{
    return tuf->target_count;
}

const sotto_tuf_target *sotto_tuf_target_at(const sotto_tuf *tuf, size_t index)
{
    return index < tuf->target_count ? &tuf->target[index] : NULL;
}

const sotto_tuf_target *sotto_tuf_target_find(const sotto_tuf *tuf, const char *name)
{
    for (size_t i = 0; i < tuf->target_count; i++) {
        if (strcmp(tuf->target[i].name, name) == 0)
            return &tuf->target[i];
    }
    return NULL;
}

sotto_status sotto_tuf_search(sotto_tuf *tuf, const char *name, sotto_tuf_target *out, sotto_diag *diag)
{
    sotto_json_node entry;
    sotto_status st = tuf_search(tuf, name, &entry, diag);
    return st == SOTTO_OK ? tuf_target_read(sotto_span_str(name), entry, out, diag) : st;
}

static sotto_status check_bytes(const sotto_tuf_target *target, sotto_span bytes, const char *where,
                                sotto_diag *diag)
{
    uint8_t digest[SOTTO_SHA512_BYTES];
    sotto_status st = SOTTO_OK;
    bool same = target->has_sha256 || target->has_sha512;
    if (bytes.len != target->length)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), where, 0, "%zu bytes, %llu are listed",
                             bytes.len, (unsigned long long)target->length);
    if (target->has_sha256) {
        st = sotto_sha256(bytes, digest);
        same = same && st == SOTTO_OK && memcmp(digest, target->sha256, sizeof target->sha256) == 0;
    }
    if (st == SOTTO_OK && target->has_sha512) {
        st = tuf_sha512(bytes, digest);
        same = same && st == SOTTO_OK && memcmp(digest, target->sha512, sizeof target->sha512) == 0;
    }
    if (st != SOTTO_OK)
        return sotto_diag_at(diag, st, where, 0, "hash could not be computed");
    return same ? SOTTO_OK
                : sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), where, 0, "hash differs from the one listed");
}

/* 5.7.3: targets/<folders>/<hash>.<name>, or without the hash. */
static sotto_status target_path(const sotto_tuf *tuf, const sotto_tuf_target *target, char *out, size_t cap,
                                sotto_diag *diag)
{
    const char *slash = strrchr(target->name, '/');
    const char *base = slash == NULL ? target->name : slash + 1;
    char hash[2 * SOTTO_SHA512_BYTES + 2] = "";
    sotto_buf text = sotto_buf_of(out, cap);
    if (tuf_consistent(tuf)) {
        sotto_span digest = target->has_sha256 ? sotto_span_of(target->sha256, sizeof target->sha256)
                                               : sotto_span_of(target->sha512, sizeof target->sha512);
        sotto_hex_encode(digest, hash, sizeof hash);
        hash[2 * digest.len] = '.';
        hash[2 * digest.len + 1] = '\0';
    }
    sotto_status st = sotto_buf_put(&text, "targets/", 8);
    if (st == SOTTO_OK)
        st = tuf_url_encode(&text, sotto_span_of(target->name, (size_t)(base - target->name)), true);
    if (st == SOTTO_OK)
        st = sotto_buf_put(&text, hash, strlen(hash));
    if (st == SOTTO_OK)
        st = tuf_url_encode(&text, sotto_span_str(base), false);
    if (st == SOTTO_OK)
        st = sotto_buf_put(&text, "", 1);
    return st == SOTTO_OK ? st
                          : sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), target->name, 0, "name is too long");
}

sotto_status sotto_tuf_download(sotto_tuf *tuf, const sotto_tuf_target *target, const char *path,
                                sotto_diag *diag)
{
    char remote[TUF_PATH_MAX];
    sotto_vec bytes;
    if (target->length > SOTTO_TARGET_BYTES_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), target->name, 0,
                             "listed with more than %llu bytes", (unsigned long long)SOTTO_TARGET_BYTES_MAX);
    sotto_status st = target_path(tuf, target, remote, sizeof remote, diag);
    if (st == SOTTO_OK)
        st = tuf_fetch_file(tuf, remote, (size_t)target->length, &bytes, diag);
    if (st != SOTTO_OK)
        return st;
    st = check_bytes(target, sotto_vec_span(&bytes), target->name, diag);
    if (st == SOTTO_OK)
        st = sotto_port_write_file(path, sotto_vec_span(&bytes), 0640, diag);
    sotto_vec_free(&bytes);
    return st;
}

sotto_status tuf_target_from_disk(const sotto_tuf_target *target, const char *path, sotto_vec *out,
                                  sotto_diag *diag)
{
    sotto_status st = sotto_port_read_file(path, out, diag);
    return st == SOTTO_OK ? check_bytes(target, sotto_vec_span(out), path, diag) : st;
}

sotto_status sotto_tuf_check_file(const sotto_tuf_target *target, const char *path, sotto_diag *diag)
{
    sotto_vec bytes;
    sotto_vec_init(&bytes, SOTTO_TARGET_BYTES_MAX);
    sotto_status st = tuf_target_from_disk(target, path, &bytes, diag);
    sotto_vec_free(&bytes);
    return st;
}
