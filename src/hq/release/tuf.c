/*
 * Metadata of The Update Framework, made and signed (TUF specification 1.0.34, section 4). What is signed is
 * the canonical form (OLPC canonical JSON, section 4.1.3) of "signed"; what stands in the file is ordinary
 * JSON of the same value, because canonical JSON leaves line breaks of PEM keys unescaped.
 */
#include "release/tuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPEC_VERSION "1.0.34"
#define BODY_MAX     (64u << 10) /* four PEM keys or a handful of files */

const char *hq_role_name(enum hq_role role)
{
    static const char *const names[] = {
#define X(name, text) text,
        HQ_ROLES(X)
#undef X
    };
    return role < HQ_ROLE_COUNT ? names[role] : "?";
}

/* ---- documents ---- */

sotto_status hq_tuf_file_of(hq_tuf_file *file, const char *name, uint64_t version, sotto_span bytes)
{
    *file = (hq_tuf_file){.name = name, .version = version, .length = bytes.len};
    return sotto_sha256(bytes, file->sha256);
}

static bool in_use(const hq_root *root, const char *keyid)
{
    bool used = false;
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++)
        used = used || hq_root_has(root, (enum hq_role)i, keyid);
    return used;
}

void hq_signers_put(sotto_json_writer *w, const hq_signers *signers)
{
    sotto_json_name(w, "keyids");
    sotto_json_arr(w);
    for (size_t i = 0; i < signers->count; i++)
        sotto_json_cstr(w, signers->keyid[i]);
    sotto_json_arr_end(w);
    sotto_json_name(w, "threshold");
    sotto_json_u64(w, signers->threshold);
}

static void put_root_body(sotto_json_writer *w, const hq_root *root)
{
    sotto_json_name(w, "consistent_snapshot");
    sotto_json_bool(w, true);
    sotto_json_name(w, "keys");
    sotto_json_obj(w);
    for (size_t i = 0; i < root->keys.count; i++)
        if (in_use(root, root->keys.key[i].keyid))
            hq_public_key_put_named(w, &root->keys.key[i]);
    sotto_json_obj_end(w);
    sotto_json_name(w, "roles");
    sotto_json_obj(w);
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++) {
        sotto_json_name(w, hq_role_name((enum hq_role)i));
        sotto_json_obj(w);
        hq_signers_put(w, &root->role[i]);
        sotto_json_obj_end(w);
    }
    sotto_json_obj_end(w);
}

static void put_file(sotto_json_writer *w, const hq_tuf_file *file)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1];
    sotto_hex_encode(sotto_span_of(file->sha256, sizeof file->sha256), hex, sizeof hex);
    sotto_json_name(w, file->name);
    sotto_json_obj(w);
    sotto_json_name(w, "hashes");
    sotto_json_obj(w);
    sotto_json_name(w, "sha256");
    sotto_json_cstr(w, hex);
    sotto_json_obj_end(w);
    sotto_json_name(w, "length");
    sotto_json_u64(w, file->length);
    if (file->version != 0) {
        sotto_json_name(w, "version");
        sotto_json_u64(w, file->version);
    }
    sotto_json_obj_end(w);
}

static void put_files(sotto_json_writer *w, const hq_tuf_doc *doc)
{
    sotto_json_name(w, doc->role == HQ_ROLE_TARGETS ? "targets" : "meta");
    sotto_json_obj(w);
    for (size_t i = 0; i < doc->file_count; i++)
        put_file(w, &doc->files[i]);
    sotto_json_obj_end(w);
}

static sotto_status put_body(const hq_tuf_doc *doc, sotto_buf *out)
{
    char expires[21];
    sotto_json_writer w = sotto_json_writer_of(out);
    sotto_time_format(doc->expires_s, expires);
    sotto_json_obj(&w);
    sotto_json_name(&w, "_type");
    sotto_json_cstr(&w, hq_role_name(doc->role));
    sotto_json_name(&w, "spec_version");
    sotto_json_cstr(&w, SPEC_VERSION);
    sotto_json_name(&w, "version");
    sotto_json_u64(&w, doc->version);
    sotto_json_name(&w, "expires");
    sotto_json_cstr(&w, expires);
    if (doc->role == HQ_ROLE_ROOT)
        put_root_body(&w, doc->root);
    else
        put_files(&w, doc);
    if (doc->teams != NULL && doc->teams->count > 0) {
        sotto_json_name(&w, "delegations");
        hq_teams_put(&w, doc->teams);
    }
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

static sotto_status put_signature(sotto_vec *out, const hq_public_key *signer, sotto_span signature,
                                  bool first)
{
    char hex[2 * SOTTO_ANY_SIGNATURE_MAX + 1];
    sotto_hex_encode(signature, hex, sizeof hex);
    return sotto_vec_printf(out, "%s{\"keyid\":\"%s\",\"sig\":\"%s\"}", first ? "" : ",", signer->keyid, hex);
}

static sotto_status sign_and_put(sotto_vec *out, sotto_span canonical, const hq_tuf_key *signer, bool first,
                                 sotto_diag *diag)
{
    uint8_t signature[SOTTO_ANY_SIGNATURE_MAX];
    size_t len = 0;
    sotto_status status = sotto_private_sign(signer->pem, canonical, signature, &len, diag);
    return status == SOTTO_OK ? put_signature(out, &signer->public_key, sotto_span_of(signature, len), first)
                              : status;
}

static sotto_status put_signed(sotto_vec *out, sotto_span body, const hq_keyring *ring, sotto_diag *diag)
{
    sotto_vec canonical;
    sotto_vec_init(&canonical, BODY_MAX);
    sotto_status status = hq_canonical(body, &canonical, diag);
    if (status == SOTTO_OK)
        status = sotto_vec_printf(out, "{\"signatures\":[");
    for (size_t i = 0; status == SOTTO_OK && ring != NULL && i < ring->count; i++)
        status = sign_and_put(out, sotto_vec_span(&canonical), &ring->key[i], i == 0, diag);
    if (status == SOTTO_OK)
        status = sotto_vec_printf(out, "],\"signed\":%.*s}\n", (int)body.len, (const char *)body.ptr);
    sotto_vec_free(&canonical);
    return status;
}

sotto_status hq_tuf_write(const hq_tuf_doc *doc, const hq_keyring *ring, sotto_vec *out, sotto_diag *diag)
{
    uint8_t *memory = malloc(BODY_MAX);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the metadata");
    sotto_buf body = sotto_buf_of(memory, BODY_MAX);
    sotto_status status = put_body(doc, &body);
    if (status == SOTTO_OK)
        status = put_signed(out, sotto_buf_span(&body), ring, diag);
    free(memory);
    return status;
}

static size_t skip_space(sotto_span file, size_t at)
{
    while (at < file.len && strchr(" \t\r\n", file.ptr[at]) != NULL && file.ptr[at] != '\0')
        at++;
    return at;
}

/* Behind the ':' of the member "signed" whose name begins at `at`; 0: no such name stands there. */
static size_t after_name(sotto_span file, size_t at)
{
    static const char name[] = "\"signed\"";
    if (file.len - at <= sizeof name || memcmp(file.ptr + at, name, sizeof name - 1) != 0)
        return 0;
    size_t colon = skip_space(file, at + sizeof name - 1);
    return colon < file.len && file.ptr[colon] == ':' ? colon + 1 : 0;
}

/* The text of "signed" as it stands in the file: from its '{' to the one that closes it. Ours is the last
 * member; another maker's may not be, so it is found by counting, outside of strings. A guess, which
 * hq_tuf_payload holds against what the parser says. */
static sotto_span signed_text(sotto_span file)
{
    size_t depth = 0, from = 0;
    bool text = false;
    for (size_t i = 0; i < file.len; i++) {
        uint8_t c = file.ptr[i];
        size_t body = c == '"' && !text && depth == 1 ? after_name(file, i) : 0;
        if (text && c == '\\')
            i++;
        else if (body != 0)
            from = body, i = body - 1;
        else if (c == '"')
            text = !text;
        else if (!text && (c == '{' || c == '[')) {
            if (depth++ == 1 && from != 0)
                from = i;
        } else if (!text && (c == '}' || c == ']') && --depth == 1 && from != 0)
            return sotto_span_of(file.ptr + from, i + 1 - from);
    }
    return sotto_span_of(NULL, 0);
}

static sotto_status keep_signatures(sotto_vec *out, sotto_json_node signatures, const char *but, size_t *kept,
                                    sotto_diag *diag)
{
    sotto_status status = sotto_json_as_array(signatures, 0, 128, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(signatures); i++) {
        sotto_json_node one = sotto_json_at(signatures, i);
        sotto_span keyid, sig;
        uint8_t bytes[1024];
        status = sotto_json_get_str(one, "keyid", &keyid, diag);
        if (status == SOTTO_OK)
            status = sotto_json_get_str(one, "sig", &sig, diag);
        if (status != SOTTO_OK || sotto_span_is(keyid, but))
            continue;
        if (keyid.len > 128 || sotto_hex_decode(keyid, bytes, keyid.len / 2) != SOTTO_OK ||
            sig.len > 2 * sizeof bytes || sotto_hex_decode(sig, bytes, sig.len / 2) != SOTTO_OK)
            return sotto_json_bad(one, diag, SOTTO_ERR(HQ, MALFORMED), "a signature is not hexadecimal");
        status =
            sotto_vec_printf(out, "%s{\"keyid\":\"%.*s\",\"sig\":\"%.*s\"}", *kept == 0 ? "" : ",",
                             (int)keyid.len, (const char *)keyid.ptr, (int)sig.len, (const char *)sig.ptr);
        (*kept)++;
    }
    return status;
}

/* What is shown and kept is what was signed, or nobody signs: a file may name "signed" twice over. */
static sotto_status check_text(sotto_span text, sotto_span canonical, sotto_diag *diag)
{
    sotto_vec again;
    sotto_vec_init(&again, HQ_FILE_LIMIT);
    sotto_status status = text.len == 0 ? SOTTO_ERR(HQ, MALFORMED) : hq_canonical(text, &again, NULL);
    bool same = status == SOTTO_OK && again.len == canonical.len &&
                memcmp(again.ptr, canonical.ptr, canonical.len) == 0;
    sotto_vec_free(&again);
    return same ? SOTTO_OK
                : sotto_diag_set(diag, SOTTO_ERR(HQ, MALFORMED),
                                 "it cannot be said for certain what \"signed\" is in this file");
}

sotto_status hq_tuf_payload(sotto_span file, sotto_vec *canonical, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_status status = sotto_json_parse(&doc, file, "metadata", diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node body = sotto_json_member(sotto_json_root(doc), "signed");
    status = sotto_json_as_object(body, diag);
    if (status == SOTTO_OK)
        status = sotto_json_canonical(body, canonical, diag);
    if (status == SOTTO_OK)
        status = check_text(signed_text(file), sotto_vec_span(canonical), diag);
    sotto_json_free(doc);
    return status;
}

/* The text of "signed" stays as it is, byte for byte. */
static sotto_status put_beside(sotto_span file, const hq_public_key *signer, sotto_span signature,
                               sotto_vec *out, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    size_t kept = 0;
    sotto_span body = signed_text(file);
    sotto_status status = sotto_json_parse(&doc, file, "metadata", diag);
    if (status == SOTTO_OK)
        status = sotto_vec_printf(out, "{\"signatures\":[");
    if (status == SOTTO_OK)
        status = keep_signatures(out, sotto_json_member(sotto_json_root(doc), "signatures"), signer->keyid,
                                 &kept, diag);
    if (status == SOTTO_OK)
        status = put_signature(out, signer, signature, kept == 0);
    if (status == SOTTO_OK)
        status = sotto_vec_printf(out, "],\"signed\":%.*s}\n", (int)body.len, (const char *)body.ptr);
    sotto_json_free(doc);
    return status;
}

sotto_status hq_tuf_attach(sotto_span file, const hq_public_key *signer, sotto_span signature, sotto_vec *out,
                           sotto_diag *diag)
{
    sotto_vec canonical;
    sotto_vec_init(&canonical, HQ_FILE_LIMIT);
    sotto_status status = hq_tuf_payload(file, &canonical, diag);
    if (status == SOTTO_OK && signature.len > SOTTO_ANY_SIGNATURE_MAX)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "longer than any signature: %d bytes at most",
                                SOTTO_ANY_SIGNATURE_MAX);
    if (status == SOTTO_OK)
        status = hq_public_key_verify(signer, sotto_vec_span(&canonical), signature, diag);
    if (status == SOTTO_OK)
        status = put_beside(file, signer, signature, out, diag);
    sotto_vec_free(&canonical);
    return status;
}

sotto_status hq_tuf_sign(sotto_span file, const hq_tuf_key *signer, sotto_vec *out, sotto_diag *diag)
{
    uint8_t signature[SOTTO_ANY_SIGNATURE_MAX];
    size_t len = 0;
    sotto_vec canonical;
    sotto_vec_init(&canonical, HQ_FILE_LIMIT);
    sotto_status status = hq_tuf_payload(file, &canonical, diag);
    if (status == SOTTO_OK)
        status = sotto_private_sign(signer->pem, sotto_vec_span(&canonical), signature, &len, diag);
    if (status == SOTTO_OK)
        status = put_beside(file, &signer->public_key, sotto_span_of(signature, len), out, diag);
    sotto_vec_free(&canonical);
    return status;
}
