/*
 * A party's folder: its keys, and what it knows of its peers. Certificates are pinned: each party issues its
 * own two (to be called, and to call) by an authority whose key it throws away, and tells their hashes in
 * party.json, which people carry to the others.
 */
#include "aggregate/aggregate.h"
#include "office/day.h"
#include "office/office.h"
#include "release/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTY_DAYS      3650
#define PARTY_FILE_SIZE (4 * SOTTO_PEM_MAX)

static enum agg_role role_of(sotto_span name)
{
    for (int i = 0; i < AGG_ROLE_COUNT; i++)
        if (sotto_span_is(name, agg_role_name((enum agg_role)i)))
            return (enum agg_role)i;
    return AGG_ROLE_COUNT;
}

/* ---- making one ---- */

struct founding {
    const char *dir;
    const hq_list *hosts;
    int64_t now_s;
    const sotto_entropy *entropy;
    agg_party party;
    char authority_key[SOTTO_PEM_MAX], key[SOTTO_PEM_MAX], cert[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX];
    char json[PARTY_FILE_SIZE];
};

static sotto_status put(const struct founding *f, const char *name, const char *text, unsigned mode,
                        sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(f->dir, name, path, diag);
    return status == SOTTO_OK ? sotto_port_create_file(path, sotto_span_str(text), mode, diag) : status;
}

static sotto_status issue(struct founding *f, enum sotto_cert_use use, const char *key, const char *issuer,
                          char *out, sotto_diag *diag)
{
    char name[65];
    (void)snprintf(name, sizeof name, "sotto %s%s", agg_role_name(f->party.role),
                   use == SOTTO_CERT_AUTHORITY ? " authority" : "");
    sotto_cert_request request = {.use = use,
                                  .common_name = name,
                                  .names = f->hosts->item,
                                  .name_count = use == SOTTO_CERT_SERVER ? f->hosts->count : 0,
                                  .not_before_s = f->now_s - HQ_DAY_S,
                                  .not_after_s = f->now_s + PARTY_DAYS * HQ_DAY_S};
    sotto_status status = f->entropy->fill(f->entropy->ctx, request.serial, sizeof request.serial);
    request.serial[0] &= 0x7f;
    if (status == SOTTO_OK)
        status = sotto_keypair_public_pem(key, f->public_pem, diag);
    return status == SOTTO_OK ? sotto_cert_issue(&request, sotto_span_str(f->public_pem), f->authority_key,
                                                 issuer, out, diag)
                              : status;
}

/* name.key and name.pem, and the certificate's hash. */
static sotto_status make_certificate(struct founding *f, enum sotto_cert_use use, const char *name,
                                     uint8_t hash[static SOTTO_SHA256_BYTES], sotto_diag *diag)
{
    char file[32];
    sotto_cert_info info;
    sotto_status status = sotto_keypair_make(f->entropy, f->key, diag);
    if (status == SOTTO_OK)
        status = issue(f, use, f->key, f->party.authority, f->cert, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_read(sotto_span_str(f->cert), &info, diag);
    if (status != SOTTO_OK)
        return status;
    memcpy(hash, info.sha256, SOTTO_SHA256_BYTES);
    (void)snprintf(file, sizeof file, "%s.key", name);
    status = put(f, file, f->key, 0600, diag);
    (void)snprintf(file, sizeof file, "%s.pem", name);
    return status == SOTTO_OK ? put(f, file, f->cert, 0644, diag) : status;
}

static sotto_status make_hpke(struct founding *f, sotto_diag *diag)
{
    uint8_t key[SOTTO_HPKE_PRIVATE_BYTES];
    char hex[2 * SOTTO_HPKE_PRIVATE_BYTES + 1];
    sotto_status status = sotto_hpke_keypair(f->entropy, key, f->party.hpke);
    sotto_hex_encode(sotto_span_of(key, sizeof key), hex, sizeof hex);
    if (status == SOTTO_OK)
        status = put(f, "hpke.key", hex, 0600, diag);
    sotto_wipe(key, sizeof key);
    sotto_wipe(hex, sizeof hex);
    return status;
}

static void write_hex(sotto_json_writer *w, const char *name, const uint8_t *bytes, size_t len)
{
    char hex[2 * SOTTO_HPKE_PUBLIC_BYTES + 1];
    sotto_hex_encode(sotto_span_of(bytes, len), hex, sizeof hex);
    sotto_json_name(w, name);
    sotto_json_cstr(w, hex);
}

static sotto_status make_party_file(struct founding *f, sotto_diag *diag)
{
    sotto_buf out = sotto_buf_of(f->json, sizeof f->json - 1);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "format");
    sotto_json_cstr(&w, "sotto-party");
    sotto_json_name(&w, "version");
    sotto_json_u64(&w, 1);
    sotto_json_name(&w, "role");
    sotto_json_cstr(&w, agg_role_name(f->party.role));
    write_hex(&w, "hpke", f->party.hpke, sizeof f->party.hpke);
    write_hex(&w, "server_sha256", f->party.server, sizeof f->party.server);
    write_hex(&w, "client_sha256", f->party.client, sizeof f->party.client);
    sotto_json_name(&w, "authority");
    sotto_json_cstr(&w, f->party.authority);
    sotto_json_obj_end(&w);
    sotto_status status = sotto_json_writer_end(&w);
    f->json[out.len] = '\0';
    return status == SOTTO_OK ? put(f, "party.json", f->json, 0644, diag) : status;
}

static sotto_status found(struct founding *f, sotto_diag *diag)
{
    hq_registry *db = NULL;
    sotto_status status = sotto_port_make_dir(f->dir, 0700, diag);
    if (status == SOTTO_OK)
        status = sotto_keypair_make(f->entropy, f->authority_key, diag);
    if (status == SOTTO_OK)
        status = issue(f, SOTTO_CERT_AUTHORITY, f->authority_key, NULL, f->party.authority, diag);
    if (status == SOTTO_OK)
        status = make_certificate(f, SOTTO_CERT_SERVER, "server", f->party.server, diag);
    if (status == SOTTO_OK)
        status = make_certificate(f, SOTTO_CERT_DEVICE, "client", f->party.client, diag);
    if (status == SOTTO_OK)
        status = make_hpke(f, diag);
    if (status == SOTTO_OK)
        status = agg_party_db(f->dir, true, &db, diag);
    hq_registry_close(db);
    /* Last: a folder without it is not one of a party yet. */
    return status == SOTTO_OK ? make_party_file(f, diag) : status;
}

sotto_status agg_party_init(const char *dir, enum agg_role role, const hq_list *hosts, int64_t now_s,
                            const sotto_entropy *entropy, sotto_diag *diag)
{
    struct founding *f = calloc(1, sizeof *f);
    if (f == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for keys");
    *f =
        (struct founding){.dir = dir, .hosts = hosts, .now_s = now_s, .entropy = entropy, .party.role = role};
    sotto_status status = found(f, diag);
    sotto_wipe(f, sizeof *f);
    free(f);
    return status;
}

/* ---- reading one ---- */

static sotto_status get_hex(sotto_json_node root, const char *name, uint8_t *out, size_t len,
                            sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(root, name, &text, diag);
    if (status != SOTTO_OK)
        return status;
    if (sotto_hex_decode(text, out, len) != SOTTO_OK)
        return sotto_json_bad(sotto_json_member(root, name), diag, SOTTO_ERR(HQ, MALFORMED),
                              "must be %zu bytes in hexadecimal", len);
    return SOTTO_OK;
}

static sotto_status read_party(sotto_json_node root, agg_party *out, sotto_diag *diag)
{
    static const char *const MEMBERS[] = {"format",    "version",       "role",         "hpke",
                                          "authority", "server_sha256", "client_sha256"};
    sotto_span format, role, authority;
    int64_t version;
    sotto_status status = sotto_json_only(root, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(root, "format", &format, diag);
    if (status == SOTTO_OK && !sotto_span_is(format, "sotto-party"))
        status = sotto_json_bad(root, diag, SOTTO_ERR(HQ, MALFORMED), "this is not a party's file");
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(root, "version", 1, 1, &version, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(root, "role", &role, diag);
    if (status == SOTTO_OK && (out->role = role_of(role)) == AGG_ROLE_COUNT)
        status = sotto_json_bad(root, diag, SOTTO_ERR(HQ, MALFORMED), "no party has this role");
    if (status == SOTTO_OK)
        status = get_hex(root, "hpke", out->hpke, sizeof out->hpke, diag);
    if (status == SOTTO_OK)
        status = get_hex(root, "server_sha256", out->server, sizeof out->server, diag);
    if (status == SOTTO_OK)
        status = get_hex(root, "client_sha256", out->client, sizeof out->client, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(root, "authority", &authority, diag);
    return status == SOTTO_OK ? sotto_span_to_str(authority, out->authority, sizeof out->authority) : status;
}

static sotto_status load_party(const char *path, sotto_vec *file, agg_party *out, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    *out = (agg_party){0};
    sotto_vec_init(file, PARTY_FILE_SIZE);
    sotto_status status = sotto_port_read_file(path, file, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, sotto_vec_span(file), path, diag);
    if (status == SOTTO_OK)
        status = read_party(sotto_json_root(doc), out, diag);
    sotto_json_free(doc);
    return status;
}

static sotto_status load_in(const char *dir, const char *name, agg_party *out, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec file = {0};
    sotto_status status = hq_path(dir, name, path, diag);
    if (status == SOTTO_OK)
        status = load_party(path, &file, out, diag);
    sotto_vec_free(&file);
    return status;
}

sotto_status agg_party_own(const char *dir, agg_party *out, sotto_diag *diag)
{
    return load_in(dir, "party.json", out, diag);
}

static void peer_name(enum agg_role role, char name[static 32])
{
    (void)snprintf(name, 32, "peer.%s.json", agg_role_name(role));
}

sotto_status agg_party_peer(const char *dir, enum agg_role role, agg_party *out, sotto_diag *diag)
{
    char name[32];
    peer_name(role, name);
    sotto_status status = load_in(dir, name, out, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND && diag != NULL)
        *diag = (sotto_diag){0};
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_at(
            diag, status, dir, 0,
            "the %s is not known here: sotto-hq aggregate pair --dir %s --party its-party.json",
            agg_role_name(role), dir);
    return status;
}

sotto_status agg_party_pair(const char *dir, const char *party_file, sotto_diag *diag)
{
    agg_party own, peer;
    char name[32], path[HQ_PATH_MAX];
    sotto_vec file = {0};
    sotto_status status = agg_party_own(dir, &own, diag);
    if (status == SOTTO_OK)
        status = load_party(party_file, &file, &peer, diag);
    if (status == SOTTO_OK && peer.role == own.role)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, USAGE), party_file, 0,
                               "this party is a %s, as the one here", agg_role_name(peer.role));
    if (status == SOTTO_OK) {
        peer_name(peer.role, name);
        status = hq_path(dir, name, path, diag);
    }
    /* Never replaced: a peer with other keys is another peer. */
    if (status == SOTTO_OK)
        status = sotto_port_create_file(path, sotto_vec_span(&file), 0600, diag);
    sotto_vec_free(&file);
    return status;
}

sotto_status agg_party_hpke(const char *dir, uint8_t key[static SOTTO_HPKE_PRIVATE_BYTES], sotto_diag *diag)
{
    char text[SOTTO_PEM_MAX];
    sotto_status status = hq_office_key(dir, "hpke.key", text, diag);
    if (status == SOTTO_OK)
        status = sotto_hex_decode(sotto_span_str(text), key, SOTTO_HPKE_PRIVATE_BYTES);
    sotto_wipe(text, sizeof text);
    return status == SOTTO_OK ? status : sotto_diag_at(diag, status, dir, 0, "hpke.key cannot be read");
}

sotto_status agg_party_db(const char *dir, bool create, hq_registry **out, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    *out = NULL;
    sotto_status status = hq_path(dir, "aggregate.db", path, diag);
    return status == SOTTO_OK ? agg_store_open(out, path, create, diag) : status;
}

/* ---- the tasks files ---- */

static sotto_status names_path(const char *dir, const uint8_t *digest, char path[static HQ_PATH_MAX],
                               sotto_diag *diag)
{
    char hex[33], name[64];
    sotto_hex_encode(sotto_span_of(digest, 16), hex, sizeof hex);
    (void)snprintf(name, sizeof name, "tasks.%s.json", hex);
    return hq_path(dir, name, path, diag);
}

sotto_status agg_names_keep(const char *dir, const uint8_t *digest, sotto_span file, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = names_path(dir, digest, path, diag);
    return status == SOTTO_OK ? sotto_port_write_file(path, file, 0600, diag) : status;
}

sotto_status agg_names_load(sotto_tasks *out, const char *dir, const uint8_t *digest, void **memory,
                            sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_arena arena;
    sotto_vec file;
    sotto_vec_init(&file, HQ_FILE_LIMIT);
    *memory = NULL;
    sotto_status status = names_path(dir, digest, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &file, diag);
    size_t size = (256u << 10) + file.len * 16;
    if (status == SOTTO_OK && (*memory = malloc(size)) == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the tasks");
    if (status == SOTTO_OK) {
        sotto_arena_init(&arena, *memory, size);
        status = sotto_tasks_load(out, sotto_vec_span(&file), path, &arena, diag);
    }
    sotto_vec_free(&file);
    return status;
}

/* ---- TLS ---- */

sotto_status agg_party_tls(const char *dir, bool server, const agg_party *peers, size_t count,
                           sotto_tls **out, sotto_diag *diag)
{
    char key[SOTTO_PEM_MAX], cert[SOTTO_PEM_MAX];
    sotto_vec authorities;
    *out = NULL;
    sotto_vec_init(&authorities, AGG_ROLE_COUNT * SOTTO_PEM_MAX);
    sotto_status status = hq_office_key(dir, server ? "server.key" : "client.key", key, diag);
    if (status == SOTTO_OK)
        status = hq_office_pem(dir, server ? "server.pem" : "client.pem", cert, diag);
    for (size_t i = 0; i < count && status == SOTTO_OK; i++)
        status = sotto_vec_put(&authorities, peers[i].authority, strlen(peers[i].authority));
    const sotto_tls_identity identity = {.authority_pem = sotto_vec_span(&authorities),
                                         .certificate_pem = sotto_span_str(cert),
                                         .key_pem = sotto_span_str(key),
                                         .peer_must_identify = true,
                                         .clock = hq_clock()};
    if (status == SOTTO_OK)
        status = sotto_tls_new(out, server, &identity, diag);
    sotto_wipe(key, sizeof key);
    sotto_vec_free(&authorities);
    return status;
}
