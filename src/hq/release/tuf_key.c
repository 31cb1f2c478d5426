/* Keys of the release: as metadata names them, and those whose private halves lie here. */
#include "office/office.h"
#include "release/tuf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_key(sotto_json_writer *w, const hq_public_key *key)
{
    sotto_json_obj(w);
    sotto_json_name(w, "keytype");
    sotto_json_cstr(w, key->keytype);
    sotto_json_name(w, "keyval");
    sotto_json_obj(w);
    sotto_json_name(w, "public");
    sotto_json_cstr(w, key->text);
    sotto_json_obj_end(w);
    sotto_json_name(w, "scheme");
    sotto_json_cstr(w, key->scheme);
    sotto_json_obj_end(w);
}

void hq_public_key_put_named(sotto_json_writer *w, const hq_public_key *key)
{
    sotto_json_name(w, key->keyid);
    put_key(w, key);
}

sotto_status hq_canonical(sotto_span json, sotto_vec *out, sotto_diag *diag)
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
static sotto_status name_key(hq_public_key *key, sotto_diag *diag)
{
    uint8_t memory[2 * HQ_PUBLIC_MAX], digest[SOTTO_SHA256_BYTES];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    sotto_vec canonical;
    sotto_vec_init(&canonical, sizeof memory);
    put_key(&w, key);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        status = hq_canonical(sotto_buf_span(&buf), &canonical, diag);
    if (status == SOTTO_OK)
        status = sotto_sha256(sotto_vec_span(&canonical), digest);
    if (status == SOTTO_OK)
        sotto_hex_encode(sotto_span_of(digest, sizeof digest), key->keyid, sizeof key->keyid);
    sotto_vec_free(&canonical);
    return status;
}

static const struct {
    enum sotto_sig_scheme scheme;
    const char *keytype, *name;
} KINDS[] = {{SOTTO_SIG_ECDSA_P256_SHA256, "ecdsa", "ecdsa-sha2-nistp256"},
             {SOTTO_SIG_RSASSA_PSS_SHA256, "rsa", "rsassa-pss-sha256"},
             {SOTTO_SIG_ED25519, "ed25519", "ed25519"}};

static sotto_status scheme_of(const hq_public_key *key, enum sotto_sig_scheme *scheme, sotto_diag *diag)
{
    for (size_t i = 0; i < SOTTO_COUNT(KINDS); i++)
        if (strcmp(KINDS[i].name, key->scheme) == 0) {
            *scheme = KINDS[i].scheme;
            return SOTTO_OK;
        }
    return sotto_diag_set(diag, SOTTO_ERR(HQ, UNSUPPORTED), "keys of %s are unknown here", key->scheme);
}

sotto_status hq_public_key_id(const hq_public_key *key, uint8_t id[static SOTTO_SHA256_BYTES],
                              sotto_diag *diag)
{
    enum sotto_sig_scheme scheme = KINDS[0].scheme;
    sotto_status status = scheme_of(key, &scheme, diag);
    return status == SOTTO_OK ? sotto_public_id(scheme, sotto_span_str(key->text), id, diag) : status;
}

sotto_status hq_public_key_verify(const hq_public_key *key, sotto_span message, sotto_span signature,
                                  sotto_diag *diag)
{
    enum sotto_sig_scheme scheme = KINDS[0].scheme;
    sotto_status status = scheme_of(key, &scheme, diag);
    return status == SOTTO_OK
               ? sotto_public_verify(scheme, sotto_span_str(key->text), message, signature, diag)
               : status;
}

sotto_status hq_public_key_read(hq_public_key *out, sotto_span text, sotto_diag *diag)
{
    static const uint8_t none[1] = {0};
    char hex[SOTTO_ED25519_HEX];
    *out = (hq_public_key){0};
    while (text.len == 65 && text.ptr[64] == '\n')
        text.len--;
    if (sotto_public_ed25519_hex(text, hex) == SOTTO_OK)
        text = sotto_span_str(hex); /* the form that metadata has it in (section 4.2.1) */
    sotto_status status = sotto_span_to_str(text, out->text, sizeof out->text);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "a public key has at most %d bytes",
                              HQ_PUBLIC_MAX - 1);
    for (size_t i = 0; i < SOTTO_COUNT(KINDS); i++) {
        /* A signature of one byte is nobody's: AUTH says that the key itself could be used. */
        status =
            sotto_public_verify(KINDS[i].scheme, text, sotto_span_of(none, 1), sotto_span_of(none, 1), NULL);
        if (sotto_status_cause(status) != SOTTO_CAUSE_AUTH)
            continue;
        (void)snprintf(out->keytype, sizeof out->keytype, "%s", KINDS[i].keytype);
        (void)snprintf(out->scheme, sizeof out->scheme, "%s", KINDS[i].name);
        return name_key(out, diag);
    }
    return sotto_diag_set(diag, SOTTO_ERR(HQ, UNSUPPORTED),
                          "not a public key that can be used: PEM of ECDSA P-256, RSA of 2048 bits or more "
                          "or Ed25519, or Ed25519 in hex");
}

sotto_status hq_tuf_key_complete(hq_tuf_key *key, sotto_diag *diag)
{
    char text[SOTTO_PEM_MAX];
    sotto_status status = sotto_keypair_public_pem(key->pem, text, diag);
    return status == SOTTO_OK ? hq_public_key_read(&key->public_key, sotto_span_str(text), diag) : status;
}

void hq_tuf_key_wipe(hq_tuf_key *key)
{
    sotto_wipe(key, sizeof *key);
}

/* NAME.key or NAME-anything.key */
static bool is_of_role(const char *file, const char *name)
{
    size_t len = strlen(file), prefix = strlen(name);
    return len > prefix + 3 && strncmp(file, name, prefix) == 0 &&
           (file[prefix] == '.' || file[prefix] == '-') && strcmp(file + len - 4, ".key") == 0;
}

static sotto_status take_key(hq_keyring *ring, const char *dir, const char *file, const hq_signers *who,
                             sotto_diag *diag)
{
    char name[300];
    hq_tuf_key *key = &ring->key[ring->count];
    (void)snprintf(name, sizeof name, "keys/%.255s", file);
    sotto_status status = hq_office_key(dir, name, key->pem, diag);
    if (status == SOTTO_OK)
        status = hq_tuf_key_complete(key, diag);
    bool listed = status == SOTTO_OK && hq_signers_have(who, key->public_key.keyid);
    for (size_t i = 0; listed && i < ring->count; i++) /* a second copy of the file */
        listed = strcmp(ring->key[i].public_key.keyid, key->public_key.keyid) != 0;
    if (listed)
        ring->count++;
    else
        hq_tuf_key_wipe(key);
    return status;
}

sotto_status hq_keyring_load(hq_keyring **out, const char *dir, const char *name, const hq_signers *who,
                             sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    *out = NULL;
    sotto_status status = hq_path(dir, "keys", path, diag);
    if (status != SOTTO_OK)
        return status;
    hq_keyring *ring = calloc(1, sizeof *ring);
    DIR *folder = opendir(path);
    if (ring == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for keys");
    else if (folder == NULL && errno != ENOENT)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, IO), path, 0, "the folder of keys cannot be read");
    for (struct dirent *e; status == SOTTO_OK && folder != NULL && (e = readdir(folder)) != NULL;)
        if (is_of_role(e->d_name, name) && ring->count < HQ_ROLE_KEYS_MAX)
            status = take_key(ring, dir, e->d_name, who, diag);
    if (folder != NULL)
        (void)closedir(folder);
    if (status == SOTTO_OK)
        *out = ring;
    else
        hq_keyring_free(ring);
    return status;
}

void hq_keyring_free(hq_keyring *ring)
{
    if (ring != NULL)
        sotto_wipe(ring, sizeof *ring);
    free(ring);
}
