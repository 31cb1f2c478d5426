/*
 * hpke-vectors FILE: runs the test vectors of RFC 9180 in the JSON form in which its authors publish them (an
 * array; names as in appendix A): of the suite that Sotto has, base mode, every key, message and export, from
 * both ends; a changed message refused. One line for each entry of that suite, then 'N passed, N failed, N
 * skipped' over all entries. Status 0: none failed; 1: some did, or the file is no such file; 77: nothing to
 * do.
 */
#include "sotto/codec.h"
#include "sotto/codec/json.h"
#include "sotto/hpke.h"
#include "sotto/port.h"
#include "sotto/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (64u << 20)

enum {
    KEM = 0x0010,
    KDF = 0x0001,
    AEAD = 0x0001, /* section 7 of the RFC */
    BYTES_MAX = 1024
};
enum outcome { PASSED, FAILED, SKIPPED };

typedef struct bytes {
    uint8_t at[BYTES_MAX];
    size_t len;
} bytes;

typedef struct entry {
    sotto_json_node root;
    bytes info, sk_r, pk_r, enc;
    sotto_hpke_context sender, recipient;
    size_t messages, exports;
    char why[160];
} entry;

static bool fail(entry *e, const char *what)
{
    (void)snprintf(e->why, sizeof e->why, "%s", what);
    return false;
}

static bool get(sotto_json_node node, const char *name, bytes *out)
{
    sotto_span text;
    *out = (bytes){.len = 0};
    if (sotto_json_get_str(node, name, &text, NULL) != SOTTO_OK || text.len % 2 != 0 ||
        text.len / 2 > BYTES_MAX)
        return false;
    out->len = text.len / 2;
    return out->len == 0 || sotto_hex_decode(text, out->at, out->len) == SOTTO_OK;
}

/* The member is there and holds these bytes. */
static bool is(sotto_json_node node, const char *name, const uint8_t *at, size_t len)
{
    bytes want;
    return get(node, name, &want) && want.len == len && memcmp(want.at, at, len) == 0;
}

/* Either name: drafts wrote the words out. */
static bool get_either(sotto_json_node node, const char *name, const char *other, bytes *out)
{
    return get(node, name, out) || get(node, other, out);
}

static int64_t number(sotto_json_node node, const char *name)
{
    int64_t value;
    return sotto_json_get_i64(node, name, 0, INT32_MAX, &value, NULL) == SOTTO_OK ? value : -1;
}

static sotto_span span(const bytes *b)
{
    return sotto_span_of(b->at, b->len);
}

/* ---- keys ---- */

static bool derives(sotto_json_node node, const char *ikm_name, const char *private_name,
                    const char *public_name)
{
    bytes ikm;
    uint8_t private_key[SOTTO_HPKE_PRIVATE_BYTES], public_key[SOTTO_HPKE_PUBLIC_BYTES];
    return get(node, ikm_name, &ikm) &&
           sotto_hpke_derive_keypair(span(&ikm), private_key, public_key) == SOTTO_OK &&
           is(node, private_name, private_key, sizeof private_key) &&
           is(node, public_name, public_key, sizeof public_key);
}

/* The entropy of the vector: what its ephemeral key is derived from. */
static sotto_status fill(void *ctx, void *out, size_t len)
{
    const bytes *ikm = ctx;
    if (len != ikm->len)
        return SOTTO_ERR(PORT, IO);
    memcpy(out, ikm->at, len);
    return SOTTO_OK;
}

static bool same_secrets(const sotto_hpke_context *a, const sotto_hpke_context *b)
{
    return memcmp(a->key, b->key, sizeof a->key) == 0 &&
           memcmp(a->base_nonce, b->base_nonce, sizeof a->base_nonce) == 0 &&
           memcmp(a->exporter_secret, b->exporter_secret, sizeof a->exporter_secret) == 0;
}

static bool begin(entry *e)
{
    bytes ikm_e, want;
    uint8_t enc[SOTTO_HPKE_ENC_BYTES];
    if (!get(e->root, "info", &e->info) || !get(e->root, "skRm", &e->sk_r) ||
        e->sk_r.len != SOTTO_HPKE_PRIVATE_BYTES || !get(e->root, "pkRm", &e->pk_r) ||
        e->pk_r.len != SOTTO_HPKE_PUBLIC_BYTES || !get(e->root, "ikmE", &ikm_e) ||
        !get(e->root, "enc", &want))
        return fail(e, "info, skRm, pkRm, ikmE or enc is missing or of another length");
    if (!derives(e->root, "ikmR", "skRm", "pkRm") || !derives(e->root, "ikmE", "skEm", "pkEm"))
        return fail(e, "other keys are derived");
    const sotto_entropy entropy = {.ctx = &ikm_e, .fill = fill};
    if (sotto_hpke_begin_seal(&e->sender, enc, e->pk_r.at, span(&e->info), &entropy) != SOTTO_OK)
        return fail(e, "the sender cannot begin");
    if (!is(e->root, "enc", enc, sizeof enc))
        return fail(e, "another encapsulated key");
    if (sotto_hpke_begin_open(&e->recipient, e->sk_r.at, enc, span(&e->info)) != SOTTO_OK ||
        !same_secrets(&e->sender, &e->recipient))
        return fail(e, "the recipient has other secrets");
    return true;
}

static bool check_schedule(entry *e)
{
    if (!is(e->root, "key", e->sender.key, sizeof e->sender.key))
        return fail(e, "another key");
    if (!is(e->root, "base_nonce", e->sender.base_nonce, sizeof e->sender.base_nonce))
        return fail(e, "another base nonce");
    if (!is(e->root, "exporter_secret", e->sender.exporter_secret, sizeof e->sender.exporter_secret))
        return fail(e, "another exporter secret");
    return true;
}

/* ---- messages ---- */

/* A file may leave messages out: which one this is stands in its nonce. */
static bool sequence_of(const entry *e, const bytes *nonce, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < 12; i++) {
        uint8_t part = nonce->len == 12 ? nonce->at[i] ^ e->sender.base_nonce[i] : 1;
        if (i < 4 && part != 0)
            return false;
        *out = *out << 8 | part;
    }
    return true;
}

static bool check_message(entry *e, sotto_json_node node)
{
    bytes aad, nonce, plain, sealed;
    uint8_t room[BYTES_MAX + SOTTO_HPKE_TAG_BYTES];
    sotto_buf out = sotto_buf_of(room, sizeof room);
    uint64_t seq = 0;
    if (!get(node, "aad", &aad) || !get(node, "nonce", &nonce) ||
        !get_either(node, "pt", "plaintext", &plain) || !get_either(node, "ct", "ciphertext", &sealed) ||
        sealed.len < SOTTO_HPKE_TAG_BYTES)
        return fail(e, "a message has no aad, nonce, pt or ct");
    if (!sequence_of(e, &nonce, &seq))
        return fail(e, "a message's nonce is of no sequence number");
    e->sender.seq = e->recipient.seq = seq;
    if (sotto_hpke_context_seal(&e->sender, span(&aad), span(&plain), &out) != SOTTO_OK ||
        out.len != sealed.len || memcmp(room, sealed.at, out.len) != 0)
        return fail(e, "a message is sealed to other bytes");
    out.len = 0;
    sealed.at[seq % sealed.len] ^= 1;
    if (sotto_hpke_context_open(&e->recipient, span(&aad), span(&sealed), &out) == SOTTO_OK)
        return fail(e, "a changed message is opened");
    sealed.at[seq % sealed.len] ^= 1;
    if (sotto_hpke_context_open(&e->recipient, span(&aad), span(&sealed), &out) != SOTTO_OK ||
        out.len != plain.len || memcmp(room, plain.at, out.len) != 0)
        return fail(e, "a message is opened to other bytes");
    return true;
}

static bool check_export(entry *e, sotto_json_node node)
{
    bytes context;
    uint8_t mine[SOTTO_HPKE_EXPORT_BYTES], theirs[SOTTO_HPKE_EXPORT_BYTES];
    if (!get(node, "exporter_context", &context) || number(node, "L") != SOTTO_HPKE_EXPORT_BYTES)
        return fail(e, "an export has no exporter_context, or another length than 32");
    if (sotto_hpke_export(&e->sender, span(&context), mine) != SOTTO_OK ||
        sotto_hpke_export(&e->recipient, span(&context), theirs) != SOTTO_OK ||
        memcmp(mine, theirs, sizeof mine) != 0 || !is(node, "exported_value", mine, sizeof mine))
        return fail(e, "another exported value");
    return true;
}

static bool check_list(entry *e, const char *name, bool (*check)(entry *, sotto_json_node), size_t *count)
{
    sotto_json_node list = sotto_json_member(e->root, name);
    *count = sotto_json_count(list);
    if (sotto_json_type(list) != SOTTO_JSON_ARR || *count == 0)
        return fail(e, "no messages or no exports");
    for (size_t i = 0; i < *count; i++)
        if (!check(e, sotto_json_at(list, i)))
            return false;
    return true;
}

/* ---- entries ---- */

static const char *reason_to_skip(sotto_json_node node, bool *ours)
{
    int64_t mode = number(node, "mode");
    *ours = number(node, "kem_id") == KEM && number(node, "kdf_id") == KDF && number(node, "aead_id") == AEAD;
    if (!*ours)
        return "another suite";
    return mode == 1                ? "Sotto offers no psk mode"
           : mode == 2 || mode == 3 ? "Sotto offers no auth mode"
                                    : NULL;
}

static enum outcome run(sotto_json_node node, size_t index)
{
    static entry e;
    bool ours = false;
    if (sotto_json_type(node) != SOTTO_JSON_OBJ || number(node, "kem_id") < 0 || number(node, "kdf_id") < 0 ||
        number(node, "aead_id") < 0 || number(node, "mode") < 0 || number(node, "mode") > 3) {
        printf("FAIL entry %zu: names no mode and suite\n", index);
        return FAILED;
    }
    const char *skip = reason_to_skip(node, &ours);
    if (skip != NULL) {
        if (ours)
            printf("skip entry %zu, mode %lld: %s\n", index, (long long)number(node, "mode"), skip);
        return SKIPPED;
    }
    e = (entry){.root = node};
    bool good = begin(&e) && check_schedule(&e) &&
                check_list(&e, "encryptions", check_message, &e.messages) &&
                check_list(&e, "exports", check_export, &e.exports);
    sotto_hpke_end(&e.sender);
    sotto_hpke_end(&e.recipient);
    if (good)
        printf("pass entry %zu, base mode: %zu messages, %zu exports\n", index, e.messages, e.exports);
    else
        printf("FAIL entry %zu, base mode: %s\n", index, e.why);
    return good ? PASSED : FAILED;
}

static int run_all(sotto_json_node root, const char *path)
{
    unsigned counts[3] = {0};
    if (sotto_json_type(root) != SOTTO_JSON_ARR) {
        printf("FAIL %s: is no array of vectors\n", path);
        counts[FAILED]++;
    }
    for (size_t i = 0; i < sotto_json_count(root) && sotto_json_type(root) == SOTTO_JSON_ARR; i++)
        counts[run(sotto_json_at(root, i), i)]++;
    printf("%u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED], counts[SKIPPED]);
    return counts[FAILED] > 0 ? 1 : counts[PASSED] == 0 ? 77 : 0;
}

int main(int argc, char **argv)
{
    sotto_vec text;
    sotto_json *json = NULL;
    sotto_diag diag = {0};
    char line[640];
    if (argc != 2) {
        (void)fprintf(stderr, "usage: hpke-vectors FILE\n");
        return 2;
    }
    sotto_vec_init(&text, FILE_LIMIT);
    sotto_status status = sotto_port_read_file(argv[1], &text, &diag);
    bool absent = sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND;
    if (status == SOTTO_OK)
        status = sotto_vault_start(&diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&json, sotto_vec_span(&text), argv[1], &diag);
    int code = absent ? 77 : 1;
    if (status == SOTTO_OK)
        code = run_all(sotto_json_root(json), argv[1]);
    else if (sotto_diag_format(&diag, line, sizeof line) > 0)
        printf("%s %s\n0 passed, %d failed, %d skipped\n", absent ? "skip" : "FAIL", line, !absent, absent);
    sotto_json_free(json);
    sotto_vec_free(&text);
    return code;
}
