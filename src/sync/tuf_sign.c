/* Signatures and thresholds. A key that is of a kind unknown here, whose keyid is not the hash of the key, or
 * that is the same key once more under another keyid, counts for nothing. */
#include <stdlib.h>
#include <string.h>

#include "tuf_priv.h"

#define SIGNATURE_MAX 1024 /* RSA-8192 */
#define KEYID_DIGITS  (2 * SOTTO_SHA256_BYTES)

/* What was counted so far: public keys in the order they were seen. */
typedef struct tally_of_keys {
    sotto_span public_key[TUF_KEYIDS_MAX];
    size_t count;
} tally_of_keys;

/* 4.3 "Clients MUST calculate each KEYID": the SHA-256 of the key's canonical form. */
static bool keyid_is_right(sotto_json_node key, sotto_span keyid)
{
    sotto_vec canonical;
    uint8_t digest[SOTTO_SHA256_BYTES];
    char hex[KEYID_DIGITS + 1] = "";
    sotto_vec_init(&canonical, 64 * 1024);
    if (sotto_json_canonical(key, &canonical, NULL) == SOTTO_OK &&
        sotto_sha256(sotto_vec_span(&canonical), digest) == SOTTO_OK)
        sotto_hex_encode(sotto_span_of(digest, sizeof digest), hex, sizeof hex);
    sotto_vec_free(&canonical);
    return hex[0] != '\0' && sotto_span_is(keyid, hex);
}

static bool scheme_of(sotto_json_node key, enum sotto_sig_scheme *scheme)
{
    sotto_span type, name;
    if (sotto_json_get_str(key, "keytype", &type, NULL) != SOTTO_OK ||
        sotto_json_get_str(key, "scheme", &name, NULL) != SOTTO_OK)
        return false;
    /* Older repositories repeat the scheme's name as the key's type. */
    if (sotto_span_is(name, "ecdsa-sha2-nistp256") &&
        (sotto_span_is(type, "ecdsa") || sotto_span_is(type, "ecdsa-sha2-nistp256"))) {
        *scheme = SOTTO_SIG_ECDSA_P256_SHA256;
        return true;
    }
    *scheme = SOTTO_SIG_RSASSA_PSS_SHA256;
    return sotto_span_is(type, "rsa") && sotto_span_is(name, "rsassa-pss-sha256");
}

static bool is_lower_hex(sotto_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!((text.ptr[i] >= '0' && text.ptr[i] <= '9') || (text.ptr[i] >= 'a' && text.ptr[i] <= 'f')))
            return false;
    }
    return true;
}

static bool signature_holds(sotto_json_node key, sotto_span public_pem, sotto_span sig_hex,
                            sotto_span message)
{
    enum sotto_sig_scheme scheme;
    uint8_t sig[SIGNATURE_MAX];
    if (!scheme_of(key, &scheme) || sig_hex.len == 0 || sig_hex.len % 2 != 0 ||
        sig_hex.len > 2 * sizeof sig || !is_lower_hex(sig_hex) ||
        sotto_hex_decode(sig_hex, sig, sig_hex.len / 2) != SOTTO_OK)
        return false;
    return sotto_public_verify(scheme, public_pem, message, sotto_span_of(sig, sig_hex.len / 2), NULL) ==
           SOTTO_OK;
}

/* The next character of a PEM text that is part of its base64 (armour lines and white space passed over), or
 * -1. */
static int next_base64(sotto_span pem, size_t *at)
{
    while (*at < pem.len) {
        int c = pem.ptr[(*at)++];
        if (c == '-') {
            while (*at < pem.len && pem.ptr[*at] != '\n')
                (*at)++;
            continue;
        }
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return c;
    }
    return -1;
}

/* The same key, however the lines of its PEM are broken. */
static bool same_public_key(sotto_span a, sotto_span b)
{
    size_t at_a = 0, at_b = 0;
    int ca, cb;
    do {
        ca = next_base64(a, &at_a);
        cb = next_base64(b, &at_b);
    } while (ca == cb && ca != -1);
    return ca == cb;
}

static bool seen_before(const tally_of_keys *tally, sotto_span public_pem)
{
    for (size_t i = 0; i < tally->count; i++) {
        if (same_public_key(tally->public_key[i], public_pem))
            return true;
    }
    return false;
}

/* A member by a name that is not a C string (a keyid may be any text). */
static sotto_json_node member_of(sotto_json_node obj, sotto_span name)
{
    char text[KEYID_DIGITS + 1];
    if (sotto_span_to_str(name, text, sizeof text) != SOTTO_OK)
        return (sotto_json_node){obj.doc, NULL};
    return sotto_json_member(obj, text);
}

static bool listed(sotto_json_node keyids, sotto_span keyid)
{
    for (size_t i = 0; i < sotto_json_count(keyids); i++) {
        sotto_span one;
        if (sotto_json_as_str(sotto_json_at(keyids, i), &one, NULL) == SOTTO_OK &&
            sotto_span_equal(one, keyid))
            return true;
    }
    return false;
}

/* Counts one signature when it is of a key of the role, the key is good and new, and the signature holds. */
static void count_signature(tally_of_keys *tally, sotto_json_node keys, sotto_json_node keyids,
                            sotto_json_node signature, sotto_span message)
{
    sotto_span keyid, sig, public_pem;
    if (tally->count == TUF_KEYIDS_MAX || sotto_json_get_str(signature, "keyid", &keyid, NULL) != SOTTO_OK ||
        sotto_json_get_str(signature, "sig", &sig, NULL) != SOTTO_OK || !listed(keyids, keyid))
        return;
    sotto_json_node key = member_of(keys, keyid);
    sotto_json_node keyval = sotto_json_member(key, "keyval");
    if (sotto_json_get_str(keyval, "public", &public_pem, NULL) != SOTTO_OK ||
        seen_before(tally, public_pem) || !keyid_is_right(key, keyid) ||
        !signature_holds(key, public_pem, sig, message))
        return;
    tally->public_key[tally->count++] = public_pem;
}

sotto_status tuf_verify(sotto_json_node keys, sotto_json_node role, const tuf_meta *meta, const char *name,
                        sotto_diag *diag)
{
    tally_of_keys tally = {.count = 0};
    sotto_json_node signatures = sotto_json_member(sotto_json_root(meta->doc), "signatures");
    sotto_json_node keyids = sotto_json_member(role, "keyids");
    sotto_vec message;
    int64_t threshold;
    sotto_status st = sotto_json_get_i64(role, "threshold", 1, INT32_MAX, &threshold, diag);
    if (st != SOTTO_OK)
        return st;
    sotto_vec_init(&message, 2 * TUF_TARGETS_BYTES);
    st = sotto_json_canonical(meta->body, &message, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(signatures); i++)
        count_signature(&tally, keys, keyids, sotto_json_at(signatures, i), sotto_vec_span(&message));
    sotto_vec_free(&message);
    if (st == SOTTO_OK && (int64_t)tally.count < threshold)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, AUTH), name, 0, "signed by %zu trusted keys, needs %lld",
                           tally.count, (long long)threshold);
    return st;
}

static sotto_json_node root_role(const tuf_meta *root, enum tuf_type type)
{
    return sotto_json_member(sotto_json_member(root->body, "roles"), tuf_type_name(type));
}

sotto_status tuf_verify_top(const tuf_meta *root, enum tuf_type type, const tuf_meta *meta, sotto_diag *diag)
{
    char name[32];
    sotto_buf text = sotto_buf_of(name, sizeof name - 1);
    memset(name, 0, sizeof name);
    sotto_status st = sotto_buf_put(&text, tuf_type_name(type), strlen(tuf_type_name(type)));
    if (st == SOTTO_OK)
        st = sotto_buf_put(&text, ".json", 5);
    if (st == SOTTO_OK)
        st = tuf_verify(sotto_json_member(root->body, "keys"), root_role(root, type), meta, name, diag);
    return st;
}

/* Both lists name the same keyids, order and repetition apart. */
static bool same_keyids(sotto_json_node a, sotto_json_node b)
{
    for (size_t i = 0; i < sotto_json_count(a); i++) {
        sotto_span keyid;
        if (sotto_json_as_str(sotto_json_at(a, i), &keyid, NULL) != SOTTO_OK || !listed(b, keyid))
            return false;
    }
    return true;
}

bool tuf_role_rotated(const tuf_meta *old_root, const tuf_meta *new_root, enum tuf_type type)
{
    sotto_json_node before = sotto_json_member(root_role(old_root, type), "keyids");
    sotto_json_node after = sotto_json_member(root_role(new_root, type), "keyids");
    return !same_keyids(before, after) || !same_keyids(after, before);
}
