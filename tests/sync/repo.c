/* A maker of TUF repositories in memory: right ones, and wrong ones on demand. */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <crypto_sign_ed25519.h>

#define MONTH_S (30 * 86400)

static const char *const role_names[] = {"root", "timestamp", "snapshot", "targets"};

/* ---- keys: made once a process ---- */

static struct {
    bool made;
    enum repo_kind kind;
    char private_pem[SOTTO_PEM_MAX], json[1400], keyid[65];
} keyring[REPO_KEYS];

static void append(char *out, size_t cap, const char *text)
{
    assert_true(strlen(out) + strlen(text) < cap);
    strcat(out, text);
}

static void canonical_of(const char *json, sotto_vec *out)
{
    sotto_json *doc = NULL;
    sotto_diag diag = {0};
    sotto_vec_init(out, 1u << 20);
    kit_ok(sotto_json_parse(&doc, sotto_span_str(json), "kit", &diag), &diag);
    kit_ok(sotto_json_canonical(sotto_json_root(doc), out, &diag), &diag);
    sotto_json_free(doc);
}

static void hash_hex(sotto_span bytes, char hex[static 65])
{
    uint8_t digest[SOTTO_SHA256_BYTES];
    kit_ok(sotto_sha256(bytes, digest), NULL);
    sotto_hex_encode(sotto_span_of(digest, sizeof digest), hex, 65);
}

static void write_key_json(int key, const char *type, const char *scheme, const char *public_key)
{
    sotto_vec canonical;
    sotto_buf out = sotto_buf_of(keyring[key].json, sizeof keyring[key].json - 1);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "keytype");
    sotto_json_cstr(&w, type);
    sotto_json_name(&w, "scheme");
    sotto_json_cstr(&w, scheme);
    sotto_json_name(&w, "keyval");
    sotto_json_obj(&w);
    sotto_json_name(&w, "public");
    sotto_json_cstr(&w, public_key);
    sotto_json_obj_end(&w);
    sotto_json_obj_end(&w);
    kit_ok(sotto_json_writer_end(&w), NULL);
    keyring[key].json[out.len] = '\0';
    canonical_of(keyring[key].json, &canonical);
    hash_hex(sotto_vec_span(&canonical), keyring[key].keyid);
    sotto_vec_free(&canonical);
    keyring[key].made = true;
}

static void make_ecdsa(int key)
{
    char public_pem[SOTTO_PEM_MAX];
    sotto_diag diag = {0};
    sotto_entropy entropy = sotto_port_entropy();
    kit_ok(sotto_keypair_make(&entropy, keyring[key].private_pem, &diag), &diag);
    kit_ok(sotto_keypair_public_pem(keyring[key].private_pem, public_pem, &diag), &diag);
    /* The older name of the type must work as well: key 2 has it. */
    write_key_json(key, key == 2 ? "ecdsa-sha2-nistp256" : "ecdsa", "ecdsa-sha2-nistp256", public_pem);
}

/* ---- keys of other kinds ---- */

static sotto_status give_one(void *ctx, void *out, size_t len)
{
    uint8_t *bytes = out;
    (void)ctx;
    memset(bytes, 0, len);
    bytes[len - 1] = 1;
    return SOTTO_OK;
}

/* The private key 1, whose point is the generator (FIPS 186-4 D.1.2.3). */
static void make_point(int key)
{
    static const char generator[] = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                                    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    sotto_diag diag = {0};
    const sotto_entropy one = {.ctx = NULL, .fill = give_one};
    kit_ok(sotto_keypair_make(&one, keyring[key].private_pem, &diag), &diag);
    write_key_json(key, "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", generator);
}

/* The first key of RFC 8032 section 7.1: what it signs with, and its public half. */
static const char ED25519_SECRET[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
static const char ED25519_PUBLIC[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

static bool openssl(const char *arguments)
{
    char command[1024];
    int n = snprintf(command, sizeof command, "openssl %s >/dev/null 2>&1", arguments);
    assert_in_range(n, 1, (int)sizeof command - 1);
    return system(command) == 0;
}

static char rsa_folder[64];

static void remove_rsa(void)
{
    kit_remove_tree(rsa_folder);
}

/* One a process. */
static bool make_rsa(int key)
{
    const char *folder = rsa_folder;
    char arguments[700], pem[1024];
    (void)snprintf(rsa_folder, sizeof rsa_folder, "/tmp/sotto-rsa-XXXXXX");
    assert_non_null(mkdtemp(rsa_folder));
    (void)atexit(remove_rsa);
    (void)snprintf(arguments, sizeof arguments, "genrsa -out %s/key 2048", folder);
    if (!openssl(arguments))
        return false;
    (void)snprintf(keyring[key].private_pem, sizeof keyring[key].private_pem, "%s", folder);
    (void)snprintf(arguments, sizeof arguments, "pkey -in %s/key -pubout -out %s/public", folder, folder);
    assert_true(openssl(arguments));
    sotto_vec bytes = kit_read(kit_path(folder, "public"));
    kit_ok(sotto_span_to_str(sotto_vec_span(&bytes), pem, sizeof pem), NULL);
    sotto_vec_free(&bytes);
    write_key_json(key, "rsa", "rsassa-pss-sha256", pem);
    return true;
}

bool repo_make_key(int key, enum repo_kind kind)
{
    kit_ok(sotto_vault_start(NULL), NULL);
    assert_in_range(key, 0, REPO_KEYS - 1);
    assert_false(keyring[key].made && keyring[key].kind != kind);
    keyring[key].kind = kind;
    if (keyring[key].made)
        return true;
    switch (kind) {
    case REPO_ECDSA:
        make_ecdsa(key);
        break;
    case REPO_ECDSA_POINT:
        make_point(key);
        break;
    case REPO_RSA:
        return make_rsa(key);
    case REPO_ED25519:
        write_key_json(key, "ed25519", "ed25519", ED25519_PUBLIC);
        break;
    case REPO_UNKNOWN_KIND:
        write_key_json(key, "sphincs", "sphincs-shake-128s", "00");
        break;
    }
    return true;
}

static void sign_ed25519(sotto_span message, uint8_t *sig, size_t *len)
{
    uint8_t secret[64];
    unsigned long long n = 0;
    kit_ok(sotto_hex_decode(sotto_span_str(ED25519_SECRET), secret, 32), NULL);
    kit_ok(sotto_hex_decode(sotto_span_str(ED25519_PUBLIC), secret + 32, 32), NULL);
    assert_int_equal(crypto_sign_ed25519_detached(sig, &n, message.ptr, message.len, secret), 0);
    *len = (size_t)n;
}

static void sign_rsa(const char *folder, sotto_span message, uint8_t *sig, size_t cap, size_t *len)
{
    char arguments[900];
    kit_write(kit_path(folder, "message"), message.ptr, message.len);
    (void)snprintf(arguments, sizeof arguments,
                   "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sign %s/key "
                   "-out %s/sig %s/message",
                   folder, folder, folder);
    assert_true(openssl(arguments));
    sotto_vec bytes = kit_read(kit_path(folder, "sig"));
    assert_in_range(bytes.len, 1, cap);
    memcpy(sig, bytes.ptr, bytes.len);
    *len = bytes.len;
    sotto_vec_free(&bytes);
}

static void sign(int key, sotto_span message, uint8_t *sig, size_t cap, size_t *len)
{
    sotto_diag diag = {0};
    if (keyring[key].kind == REPO_ED25519)
        sign_ed25519(message, sig, len);
    else if (keyring[key].kind == REPO_RSA)
        sign_rsa(keyring[key].private_pem, message, sig, cap, len);
    else if (keyring[key].kind == REPO_UNKNOWN_KIND)
        memset(sig, 0x5a, *len = 64);
    else
        kit_ok(sotto_keypair_sign(keyring[key].private_pem, message, sig, cap, len, &diag), &diag);
}

static void need_key(int key)
{
    assert_in_range(key, 0, REPO_KEYS - 1);
    if (!keyring[key].made)
        assert_true(repo_make_key(key, keyring[key].kind));
}

const char *repo_keyid(int key)
{
    need_key(key);
    return keyring[key].keyid;
}

void repo_key_json(int key, char *out, size_t cap)
{
    need_key(key);
    int n = snprintf(out, cap, "\"%s\":%s", keyring[key].keyid, keyring[key].json);
    assert_in_range(n, 1, (int)cap - 1);
}

/* ---- files ---- */

repo_file *repo_find(repo *r, const char *path)
{
    for (size_t i = 0; i < r->file_count; i++) {
        if (strcmp(r->file[i].path, path) == 0)
            return &r->file[i];
    }
    return NULL;
}

void repo_put(repo *r, const char *path, const void *bytes, size_t len)
{
    repo_file *f = repo_find(r, path);
    if (f == NULL) {
        assert_true(r->file_count < SOTTO_COUNT(r->file));
        f = &r->file[r->file_count++];
        (void)snprintf(f->path, sizeof f->path, "%s", path);
        sotto_vec_init(&f->bytes, 1u << 24);
    }
    f->bytes.len = 0;
    kit_ok(sotto_vec_put(&f->bytes, bytes, len), NULL);
}

void repo_remove(repo *r, const char *path)
{
    repo_file *f = repo_find(r, path);
    assert_non_null(f);
    f->path[0] = '\0';
}

sotto_status repo_fetch(void *ctx, const char *path, size_t max, sotto_vec *out, sotto_diag *diag)
{
    repo *r = ctx;
    append(r->fetched, sizeof r->fetched, path);
    append(r->fetched, sizeof r->fetched, " ");
    if (strlen(r->fetched) > sizeof r->fetched / 2)
        r->fetched[0] = '\0';
    r->fetches++;
    if (r->fail_fetch > 0 && --r->fail_fetch == 0)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, NETWORK), path, 0, "the line is cut");
    repo_file *f = repo_find(r, path);
    if (f == NULL)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, NOT_FOUND), path, 0, "not in this repository");
    if (f->bytes.len > max)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), path, 0, "too long");
    return sotto_vec_put(out, f->bytes.ptr, f->bytes.len);
}

/* ---- metadata ---- */

void repo_sign(const char *body, const int *signers, sotto_vec *out)
{
    sotto_vec message;
    canonical_of(body, &message);
    sotto_vec_init(out, 1u << 20);
    kit_ok(sotto_vec_printf(out, "{\"signatures\":["), NULL);
    for (int i = 0; i < REPO_KEYS && signers[i] >= 0; i++) {
        uint8_t sig[SOTTO_DER_SIGNATURE_MAX];
        char hex[2 * sizeof sig + 1];
        size_t len = 0;
        need_key(signers[i]);
        sign(signers[i], sotto_vec_span(&message), sig, sizeof sig, &len);
        sotto_hex_encode(sotto_span_of(sig, len), hex, sizeof hex);
        kit_ok(sotto_vec_printf(out, "%s{\"keyid\":\"%s\",\"sig\":\"%s\"}", i > 0 ? "," : "",
                                repo_keyid(signers[i]), hex),
               NULL);
    }
    kit_ok(sotto_vec_printf(out, "],\"signed\":%s}", body), NULL);
    sotto_vec_free(&message);
}

static void put_root_role(sotto_vec *body, const repo *r, int role)
{
    kit_ok(sotto_vec_printf(body, "%s\"%s\":{\"keyids\":[", role > 0 ? "," : "", role_names[role]), NULL);
    for (int i = 0; i < REPO_KEYS && r->keys[role][i] >= 0; i++)
        kit_ok(sotto_vec_printf(body, "%s\"%s\"", i > 0 ? "," : "", repo_keyid(r->keys[role][i])), NULL);
    kit_ok(sotto_vec_printf(body, "],\"threshold\":%d}", r->threshold[role]), NULL);
}

static void put_root(sotto_vec *body, const repo *r)
{
    bool wanted[REPO_KEYS] = {false};
    bool first = true;
    for (int role = 0; role < REPO_ROLES; role++) {
        for (int i = 0; i < REPO_KEYS && r->keys[role][i] >= 0; i++)
            wanted[r->keys[role][i]] = true;
    }
    kit_ok(sotto_vec_printf(body, ",\"consistent_snapshot\":%s,\"keys\":{", r->consistent ? "true" : "false"),
           NULL);
    for (int key = 0; key < REPO_KEYS; key++) {
        char json[1600];
        if (!wanted[key])
            continue;
        repo_key_json(key, json, sizeof json);
        kit_ok(sotto_vec_printf(body, "%s%s", first ? "" : ",", json), NULL);
        first = false;
    }
    kit_ok(sotto_vec_printf(body, "},\"roles\":{"), NULL);
    for (int role = 0; role < REPO_ROLES; role++)
        put_root_role(body, r, role);
    kit_ok(sotto_vec_printf(body, "}"), NULL);
}

static void file_name(const repo *r, int role, char *out, size_t cap)
{
    bool versioned = role == REPO_ROOT || (r->consistent && role != REPO_TIMESTAMP);
    if (versioned)
        (void)snprintf(out, cap, "%lld.%s.json", (long long)r->version[role], role_names[role]);
    else
        (void)snprintf(out, cap, "%s.json", role_names[role]);
}

/* "file.json":{"version":n[,"length":..,"hashes":..]} of what is published. */
static void put_listed(sotto_vec *body, repo *r, int role, int64_t version)
{
    char name[64], hex[65];
    kit_ok(sotto_vec_printf(body, "\"%s.json\":{\"version\":%lld", role_names[role], (long long)version),
           NULL);
    file_name(r, role, name, sizeof name);
    repo_file *f = repo_find(r, name);
    if (r->list_hashes && f != NULL) {
        hash_hex(sotto_vec_span(&f->bytes), hex);
        kit_ok(sotto_vec_printf(body, ",\"length\":%zu,\"hashes\":{\"sha256\":\"%s\"}", f->bytes.len, hex),
               NULL);
    }
    kit_ok(sotto_vec_printf(body, "}"), NULL);
}

static void put_role(sotto_vec *body, repo *r, enum repo_role role)
{
    switch (role) {
    case REPO_ROOT:
        put_root(body, r);
        break;
    case REPO_TIMESTAMP:
        kit_ok(sotto_vec_printf(body, ",\"meta\":{"), NULL);
        put_listed(body, r, REPO_SNAPSHOT,
                   r->listed_snapshot ? r->listed_snapshot : r->version[REPO_SNAPSHOT]);
        kit_ok(sotto_vec_printf(body, "}"), NULL);
        break;
    case REPO_SNAPSHOT:
        kit_ok(sotto_vec_printf(body, ",\"meta\":{"), NULL);
        put_listed(body, r, REPO_TARGETS, r->listed_targets ? r->listed_targets : r->version[REPO_TARGETS]);
        kit_ok(sotto_vec_printf(body, "%s}", r->snapshot_extra), NULL);
        break;
    case REPO_TARGETS:
        kit_ok(sotto_vec_printf(body, ",\"targets\":{%s}%s", r->targets, r->delegations), NULL);
        break;
    case REPO_ROLES:
        fail();
    }
}

static void put_body(sotto_vec *body, const char *type, int64_t version, int64_t expires_s)
{
    char when[21];
    sotto_time_format(expires_s, when);
    sotto_vec_init(body, 1u << 20);
    kit_ok(sotto_vec_printf(
               body, "{\"_type\":\"%s\",\"spec_version\":\"1.0.34\",\"version\":%lld,\"expires\":\"%s\"",
               type, (long long)version, when),
           NULL);
}

void repo_publish(repo *r, enum repo_role role)
{
    sotto_vec body, whole;
    char name[64];
    put_body(&body, role_names[role], r->version[role], r->expires_s[role]);
    put_role(&body, r, role);
    kit_ok(sotto_vec_printf(&body, "%s}", r->extra), NULL);
    kit_ok(sotto_vec_put(&body, "", 1), NULL);
    repo_sign((const char *)body.ptr, r->signers[role], &whole);
    file_name(r, (int)role, name, sizeof name);
    repo_put(r, name, whole.ptr, whole.len);
    sotto_vec_free(&body);
    sotto_vec_free(&whole);
}

void repo_publish_delegated(repo *r, const char *role, int64_t version, const char *targets,
                            const char *delegations, int key)
{
    const int signers[REPO_KEYS] = {key, -1};
    sotto_vec body, whole;
    char name[128];
    put_body(&body, "targets", version, r->expires_s[REPO_TARGETS]);
    kit_ok(sotto_vec_printf(&body, ",\"targets\":{%s}%s}", targets, delegations), NULL);
    kit_ok(sotto_vec_put(&body, "", 1), NULL);
    repo_sign((const char *)body.ptr, signers, &whole);
    if (r->consistent)
        (void)snprintf(name, sizeof name, "%lld.%s.json", (long long)version, role);
    else
        (void)snprintf(name, sizeof name, "%s.json", role);
    repo_put(r, name, whole.ptr, whole.len);
    sotto_vec_free(&body);
    sotto_vec_free(&whole);
}

void repo_publish_day(repo *r)
{
    repo_publish(r, REPO_TARGETS);
    repo_publish(r, REPO_SNAPSHOT);
    repo_publish(r, REPO_TIMESTAMP);
}

void repo_next_day(repo *r)
{
    r->version[REPO_TARGETS]++;
    r->version[REPO_SNAPSHOT]++;
    r->version[REPO_TIMESTAMP]++;
    repo_publish_day(r);
}

void repo_target_json(const char *name, const char *content, char *out, size_t cap)
{
    char hex[65];
    hash_hex(sotto_span_str(content), hex);
    int n = snprintf(out, cap, "\"%s\":{\"length\":%zu,\"hashes\":{\"sha256\":\"%s\"}}", name,
                     strlen(content), hex);
    assert_in_range(n, 1, (int)cap - 1);
}

void repo_add_target(repo *r, const char *name, const char *content)
{
    char json[512], hex[65], path[256];
    repo_target_json(name, content, json, sizeof json);
    if (r->targets[0] != '\0')
        append(r->targets, sizeof r->targets, ",");
    append(r->targets, sizeof r->targets, json);
    hash_hex(sotto_span_str(content), hex);
    if (r->consistent)
        (void)snprintf(path, sizeof path, "targets/%s.%s", hex, name);
    else
        (void)snprintf(path, sizeof path, "targets/%s", name);
    repo_put(r, path, content, strlen(content));
}

void repo_init(repo *r)
{
    memset(r, 0, sizeof *r);
    r->consistent = true;
    r->list_hashes = true;
    for (int role = 0; role < REPO_ROLES; role++) {
        memset(r->keys[role], -1, sizeof r->keys[role]);
        memset(r->signers[role], -1, sizeof r->signers[role]);
        r->keys[role][0] = role;
        r->signers[role][0] = role;
        r->threshold[role] = 1;
        r->version[role] = 1;
        r->expires_s[role] = REPO_NOW_S + MONTH_S;
    }
}

void repo_free(repo *r)
{
    for (size_t i = 0; i < r->file_count; i++)
        sotto_vec_free(&r->file[i].bytes);
    r->file_count = 0;
}

/* ---- the client's side ---- */

void repo_trust(repo *r, const char *metadata_dir)
{
    sotto_diag diag = {0};
    repo_file *root = repo_find(r, "1.root.json");
    assert_non_null(root);
    kit_ok(sotto_tuf_init(metadata_dir, sotto_vec_span(&root->bytes), &diag), &diag);
}

sotto_status repo_refresh(repo *r, const char *metadata_dir, int64_t now_s, sotto_diag *diag)
{
    const sotto_tuf_config config = {
        .metadata_dir = metadata_dir, .fetch = repo_fetch, .fetch_ctx = r, .now_s = now_s};
    sotto_tuf *tuf = NULL;
    sotto_status st = sotto_tuf_open(&tuf, &config, diag);
    if (st == SOTTO_OK)
        st = sotto_tuf_refresh(tuf, diag);
    sotto_tuf_free(tuf);
    return st;
}

int64_t repo_version_on_disk(const char *metadata_dir, const char *role)
{
    char name[64];
    int64_t version = 0;
    sotto_json *doc = NULL;
    (void)snprintf(name, sizeof name, "%s.json", role);
    sotto_vec bytes = kit_read(kit_path(metadata_dir, name));
    if (bytes.len > 0 && sotto_json_parse(&doc, sotto_vec_span(&bytes), name, NULL) == SOTTO_OK)
        kit_ok(sotto_json_get_i64(sotto_json_member(sotto_json_root(doc), "signed"), "version", 1, INT64_MAX,
                                  &version, NULL),
               NULL);
    sotto_json_free(doc);
    sotto_vec_free(&bytes);
    return version;
}
