/* Signatures and thresholds. A key that is of a kind unknown here, whose keyid is not the hash of the key, or
 * that is the same key once more under another keyid, counts for nothing. */
#include <stdlib.h>
#include <string.h>

#include "tuf_priv.h"

#define SIGNATURE_MAX 1024 /* RSA-8192 */
#define KEYID_DIGITS  (2 * SOTTO_SHA256_BYTES)

/* What was counted so far: the ids of keys, which do not depend on how a key is written. */
typedef struct tally_of_keys {
    uint8_t key[TUF_KEYIDS_MAX][SOTTO_SHA256_BYTES];
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

/* Keys of other kinds are no error (4.2: "TUF is not restricted to any particular"): they count for nothing.
 * The second row: older repositories repeat the scheme's name as the key's type. */
static bool scheme_of(sotto_json_node key, enum sotto_sig_scheme *scheme)
{
    static const struct {
        const char *type, *name;
        enum sotto_sig_scheme scheme;
    } known[] = {{"ecdsa", "ecdsa-sha2-nistp256", SOTTO_SIG_ECDSA_P256_SHA256},
                 {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", SOTTO_SIG_ECDSA_P256_SHA256},
                 {"rsa", "rsassa-pss-sha256", SOTTO_SIG_RSASSA_PSS_SHA256},
                 {"ed25519", "ed25519", SOTTO_SIG_ED25519}};
    sotto_span type, name;
    if (sotto_json_get_str(key, "keytype", &type, NULL) != SOTTO_OK ||
        sotto_json_get_str(key, "scheme", &name, NULL) != SOTTO_OK)
        return false;
    for (size_t i = 0; i < SOTTO_COUNT(known); i++) {
        *scheme = known[i].scheme;
        if (sotto_span_is(type, known[i].type) && sotto_span_is(name, known[i].name))
            return true;
    }
    return false;
}

static bool is_lower_hex(sotto_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!((text.ptr[i] >= '0' && text.ptr[i] <= '9') || (text.ptr[i] >= 'a' && text.ptr[i] <= 'f')))
            return false;
    }
    return true;
}

static bool signature_holds(enum sotto_sig_scheme scheme, sotto_span public_key, sotto_span sig_hex,
                            sotto_span message)
{
    uint8_t sig[SIGNATURE_MAX];
    if (sig_hex.len == 0 || sig_hex.len % 2 != 0 || sig_hex.len > 2 * sizeof sig || !is_lower_hex(sig_hex) ||
        sotto_hex_decode(sig_hex, sig, sig_hex.len / 2) != SOTTO_OK)
        return false;
    return sotto_public_verify(scheme, public_key, message, sotto_span_of(sig, sig_hex.len / 2), NULL) ==
           SOTTO_OK;
}

static bool seen_before(const tally_of_keys *tally, const uint8_t id[static SOTTO_SHA256_BYTES])
{
    for (size_t i = 0; i < tally->count; i++) {
        if (memcmp(tally->key[i], id, SOTTO_SHA256_BYTES) == 0)
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
    enum sotto_sig_scheme scheme;
    uint8_t id[SOTTO_SHA256_BYTES];
    sotto_span keyid, sig, public_key;
    if (tally->count == TUF_KEYIDS_MAX || sotto_json_get_str(signature, "keyid", &keyid, NULL) != SOTTO_OK ||
        sotto_json_get_str(signature, "sig", &sig, NULL) != SOTTO_OK || !listed(keyids, keyid))
        return;
    sotto_json_node key = member_of(keys, keyid);
    sotto_json_node keyval = sotto_json_member(key, "keyval");
    if (sotto_json_get_str(keyval, "public", &public_key, NULL) != SOTTO_OK || !scheme_of(key, &scheme) ||
        sotto_public_id(scheme, public_key, id, NULL) != SOTTO_OK || seen_before(tally, id) ||
        !keyid_is_right(key, keyid) || !signature_holds(scheme, public_key, sig, message))
        return;
    memcpy(tally->key[tally->count++], id, sizeof id);
}

sotto_status tuf_count(sotto_json_node keys, sotto_json_node role, const tuf_meta *meta, size_t *count,
                       sotto_diag *diag)
{
    tally_of_keys tally = {.count = 0};
    sotto_json_node signatures = sotto_json_member(sotto_json_root(meta->doc), "signatures");
    sotto_json_node keyids = sotto_json_member(role, "keyids");
    sotto_vec message;
    sotto_vec_init(&message, 2 * TUF_TARGETS_BYTES);
    sotto_status st = sotto_json_canonical(meta->body, &message, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(signatures); i++)
        count_signature(&tally, keys, keyids, sotto_json_at(signatures, i), sotto_vec_span(&message));
    sotto_vec_free(&message);
    *count = tally.count;
    return st;
}

sotto_status tuf_verify(sotto_json_node keys, sotto_json_node role, const tuf_meta *meta, const char *name,
                        sotto_diag *diag)
{
    size_t count = 0;
    int64_t threshold;
    sotto_status st = sotto_json_get_i64(role, "threshold", 1, INT32_MAX, &threshold, diag);
    if (st == SOTTO_OK)
        st = tuf_count(keys, role, meta, &count, diag);
    if (st == SOTTO_OK && (int64_t)count < threshold)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, AUTH), name, 0, "signed by %zu trusted keys, needs %lld",
                           count, (long long)threshold);
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
