/*
 * Metadata of The Update Framework, made and signed (TUF specification 1.0.34, section 4). What is signed is
 * the canonical form (OLPC canonical JSON, section 4.1.3) of "signed"; what stands in the file is ordinary
 * JSON of the same value, because canonical JSON leaves line breaks of PEM keys unescaped.
 */
#include "hq_priv.h"

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

/* ---- keys ---- */

static void put_key(sotto_json_writer *w, const hq_tuf_key *key)
{
    sotto_json_obj(w);
    sotto_json_name(w, "keytype");
    sotto_json_cstr(w, "ecdsa");
    sotto_json_name(w, "keyval");
    sotto_json_obj(w);
    sotto_json_name(w, "public");
    sotto_json_cstr(w, key->public_pem);
    sotto_json_obj_end(w);
    sotto_json_name(w, "scheme");
    sotto_json_cstr(w, "ecdsa-sha2-nistp256");
    sotto_json_obj_end(w);
}

static sotto_status canonical_of(sotto_span json, sotto_vec *out, sotto_diag *diag)
{
    sotto_json *doc;
    sotto_status status = sotto_json_parse(&doc, json, "metadata", diag);
    if (status != SOTTO_OK)
        return status;
    status = sotto_json_canonical(sotto_json_root(doc), out, diag);
    sotto_json_free(doc);
    return status;
}

/* Section 4.2.1: a keyid is the SHA-256 of the key object's canonical form. */
static sotto_status name_key(hq_tuf_key *key, sotto_diag *diag)
{
    static uint8_t memory[2 * SOTTO_PEM_MAX];
    uint8_t digest[SOTTO_SHA256_BYTES];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    sotto_vec canonical;
    sotto_vec_init(&canonical, sizeof memory);
    put_key(&w, key);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        status = canonical_of(sotto_buf_span(&buf), &canonical, diag);
    if (status == SOTTO_OK)
        status = sotto_sha256(sotto_vec_span(&canonical), digest);
    if (status == SOTTO_OK)
        sotto_hex_encode(sotto_span_of(digest, sizeof digest), key->keyid, sizeof key->keyid);
    sotto_vec_free(&canonical);
    return status;
}

sotto_status hq_tuf_key_complete(hq_tuf_key *key, sotto_diag *diag)
{
    sotto_status status = sotto_keypair_public_pem(key->pem, key->public_pem, diag);
    return status == SOTTO_OK ? name_key(key, diag) : status;
}

sotto_status hq_tuf_key_read(hq_tuf_key *key, const char *dir, enum hq_role role, sotto_diag *diag)
{
    char name[32];
    (void)snprintf(name, sizeof name, "keys/%s.key", hq_role_name(role));
    *key = (hq_tuf_key){0};
    sotto_status status = hq_office_key(dir, name, key->pem, diag);
    return status == SOTTO_OK ? hq_tuf_key_complete(key, diag) : status;
}

void hq_tuf_key_wipe(hq_tuf_key *key)
{
    sotto_wipe(key, sizeof *key);
}

/* ---- documents ---- */

sotto_status hq_tuf_file_of(hq_tuf_file *file, const char *name, uint64_t version, sotto_span bytes)
{
    *file = (hq_tuf_file){.name = name, .version = version, .length = bytes.len};
    return sotto_sha256(bytes, file->sha256);
}

static void put_root_body(sotto_json_writer *w, const hq_tuf_key *keys)
{
    sotto_json_name(w, "consistent_snapshot");
    sotto_json_bool(w, true);
    sotto_json_name(w, "keys");
    sotto_json_obj(w);
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++) {
        sotto_json_name(w, keys[i].keyid);
        put_key(w, &keys[i]);
    }
    sotto_json_obj_end(w);
    sotto_json_name(w, "roles");
    sotto_json_obj(w);
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++) {
        sotto_json_name(w, hq_role_name((enum hq_role)i));
        sotto_json_obj(w);
        sotto_json_name(w, "keyids");
        sotto_json_arr(w);
        sotto_json_cstr(w, keys[i].keyid);
        sotto_json_arr_end(w);
        sotto_json_name(w, "threshold");
        sotto_json_u64(w, 1);
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
        put_root_body(&w, doc->keys);
    else
        put_files(&w, doc);
    sotto_json_obj_end(&w);
    return sotto_json_writer_end(&w);
}

static sotto_status sign_body(sotto_span body, const hq_tuf_key *signer, char *hex, size_t cap,
                              sotto_diag *diag)
{
    uint8_t signature[SOTTO_DER_SIGNATURE_MAX];
    size_t len = 0;
    sotto_vec canonical;
    sotto_vec_init(&canonical, BODY_MAX);
    sotto_status status = canonical_of(body, &canonical, diag);
    if (status == SOTTO_OK)
        status = sotto_keypair_sign(signer->pem, sotto_vec_span(&canonical), signature, sizeof signature,
                                    &len, diag);
    if (status == SOTTO_OK)
        sotto_hex_encode(sotto_span_of(signature, len), hex, cap);
    sotto_vec_free(&canonical);
    return status;
}

sotto_status hq_tuf_write(const hq_tuf_doc *doc, const hq_tuf_key *signer, sotto_vec *out, sotto_diag *diag)
{
    char hex[2 * SOTTO_DER_SIGNATURE_MAX + 1];
    uint8_t *memory = malloc(BODY_MAX);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the metadata");
    sotto_buf body = sotto_buf_of(memory, BODY_MAX);
    sotto_status status = put_body(doc, &body);
    if (status == SOTTO_OK)
        status = sign_body(sotto_buf_span(&body), signer, hex, sizeof hex, diag);
    if (status == SOTTO_OK)
        status =
            sotto_vec_printf(out, "{\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}],\"signed\":%.*s}\n",
                             signer->keyid, hex, (int)body.len, (const char *)body.ptr);
    free(memory);
    return status;
}
