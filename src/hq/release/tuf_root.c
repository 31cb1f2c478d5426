/* A root as a table that can be changed: read from its file, keys added and removed. */
#include "release/tuf.h"

#include <string.h>

static sotto_status keep_keyid(char out[static HQ_KEYID_TEXT], sotto_span keyid, sotto_json_node at,
                               sotto_diag *diag)
{
    return sotto_span_to_str(keyid, out, HQ_KEYID_TEXT) == SOTTO_OK
               ? SOTTO_OK
               : sotto_json_bad(at, diag, SOTTO_ERR(HQ, RANGE), "no keyid: of at most %d characters, no NUL",
                                HQ_KEYID_TEXT - 1);
}

static sotto_status copy(sotto_json_node obj, const char *name, char *out, size_t cap, sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(obj, name, &text, diag);
    if (status == SOTTO_OK && sotto_span_to_str(text, out, cap) != SOTTO_OK)
        status = sotto_json_bad(obj, diag, SOTTO_ERR(HQ, RANGE), "%s is too long to be kept", name);
    return status;
}

sotto_status hq_key_table_parse(hq_key_table *out, sotto_json_node keys, sotto_diag *diag)
{
    sotto_status status = sotto_json_as_object(keys, diag);
    if (status == SOTTO_OK && sotto_json_count(keys) > HQ_ROOT_KEYS_MAX)
        status = sotto_json_bad(keys, diag, SOTTO_ERR(HQ, RANGE), "more than %d keys", HQ_ROOT_KEYS_MAX);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(keys); i++) {
        hq_public_key *to = &out->key[out->count++];
        sotto_span keyid;
        sotto_json_node key = sotto_json_member_at(keys, i, &keyid);
        status = keep_keyid(to->keyid, keyid, key, diag);
        if (status == SOTTO_OK)
            status = copy(key, "keytype", to->keytype, sizeof to->keytype, diag);
        if (status == SOTTO_OK)
            status = copy(key, "scheme", to->scheme, sizeof to->scheme, diag);
        if (status == SOTTO_OK)
            status = copy(sotto_json_member(key, "keyval"), "public", to->text, sizeof to->text, diag);
    }
    return status;
}

sotto_status hq_signers_parse(hq_signers *out, sotto_json_node role, sotto_diag *diag)
{
    int64_t threshold = 0;
    sotto_json_node keyids = sotto_json_member(role, "keyids");
    sotto_status status = sotto_json_get_i64(role, "threshold", 1, HQ_ROLE_KEYS_MAX, &threshold, diag);
    out->threshold = (size_t)threshold;
    if (status == SOTTO_OK)
        status = sotto_json_as_array(keyids, 1, HQ_ROLE_KEYS_MAX, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(keyids); i++) {
        sotto_span keyid;
        status = sotto_json_as_str(sotto_json_at(keyids, i), &keyid, diag);
        if (status == SOTTO_OK)
            status = keep_keyid(out->keyid[out->count++], keyid, keyids, diag);
    }
    return status;
}

sotto_status hq_expiry_read(sotto_json_node body, int64_t *expires_s, sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(body, "expires", &text, diag);
    if (status == SOTTO_OK && (status = sotto_time_parse(text, expires_s)) != SOTTO_OK)
        status = sotto_json_bad(body, diag, status, "expires is not a time of RFC 3339 in UTC");
    return status;
}

sotto_status hq_root_parse(hq_root *out, sotto_span file, const char *name, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    int64_t version = 0;
    memset(out, 0, sizeof *out);
    sotto_status status = sotto_json_parse(&doc, file, name, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node body = sotto_json_member(sotto_json_root(doc), "signed");
    status = sotto_json_get_i64(body, "version", 1, INT64_MAX, &version, diag);
    if (status == SOTTO_OK)
        status = hq_expiry_read(body, &out->expires_s, diag);
    if (status == SOTTO_OK)
        status = hq_key_table_parse(&out->keys, sotto_json_member(body, "keys"), diag);
    for (size_t i = 0; status == SOTTO_OK && i < HQ_ROLE_COUNT; i++)
        status = hq_signers_parse(
            &out->role[i], sotto_json_member(sotto_json_member(body, "roles"), hq_role_name((enum hq_role)i)),
            diag);
    out->version = (uint64_t)version;
    sotto_json_free(doc);
    return status;
}

bool hq_signers_have(const hq_signers *signers, const char *keyid)
{
    for (size_t i = 0; i < signers->count; i++)
        if (strcmp(signers->keyid[i], keyid) == 0)
            return true;
    return false;
}

bool hq_root_has(const hq_root *root, enum hq_role role, const char *keyid)
{
    return hq_signers_have(&root->role[role], keyid);
}

static sotto_status know_key(hq_key_table *keys, const hq_public_key *key, sotto_diag *diag)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->key[i].keyid, key->keyid) == 0)
            return SOTTO_OK;
    if (keys->count == HQ_ROOT_KEYS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "a file names at most %d keys here",
                              HQ_ROOT_KEYS_MAX);
    keys->key[keys->count++] = *key;
    return SOTTO_OK;
}

/* Signatures of one key count once, under however many keyids it stands (a PEM with other line ends has
 * another): what is asked is the key. As a second signer it would make a threshold that nobody can meet. */
const hq_public_key *hq_signers_find(const hq_signers *who, const hq_key_table *keys,
                                     const hq_public_key *key)
{
    uint8_t id[SOTTO_SHA256_BYTES], other[SOTTO_SHA256_BYTES];
    if (hq_public_key_id(key, id, NULL) != SOTTO_OK)
        return NULL;
    for (size_t i = 0; i < keys->count; i++)
        if (hq_signers_have(who, keys->key[i].keyid) &&
            hq_public_key_id(&keys->key[i], other, NULL) == SOTTO_OK && memcmp(id, other, sizeof id) == 0)
            return &keys->key[i];
    return NULL;
}

sotto_status hq_signers_add(hq_signers *to, hq_key_table *keys, const hq_public_key *key, const char *name,
                            sotto_diag *diag)
{
    if (hq_signers_have(to, key->keyid) || hq_signers_find(to, keys, key) != NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, EXISTS), "%s has this key already", name);
    if (to->count == HQ_ROLE_KEYS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "a role has at most %d keys here",
                              HQ_ROLE_KEYS_MAX);
    sotto_status status = know_key(keys, key, diag);
    if (status == SOTTO_OK)
        memcpy(to->keyid[to->count++], key->keyid, HQ_KEYID_TEXT);
    return status;
}

sotto_status hq_signers_remove(hq_signers *from, const char *keyid, const char *name, sotto_diag *diag)
{
    size_t at = 0;
    while (at < from->count && strcmp(from->keyid[at], keyid) != 0)
        at++;
    if (at == from->count)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "%s has no key %s", name, keyid);
    from->count--;
    if (at != from->count)
        memcpy(from->keyid[at], from->keyid[from->count], HQ_KEYID_TEXT);
    return SOTTO_OK;
}
