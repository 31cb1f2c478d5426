/* sign: one more signature on a metadata file, on any machine: neither a head office's folder nor a network.
 */
#include "hq_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAX (5u << 20)

/* What the person signs, in words: the lists of a targets file, the keys of a root. */
static void tell_members(sotto_json_node members, const char *what)
{
    for (size_t i = 0; i < sotto_json_count(members); i++) {
        sotto_span name, hash;
        sotto_json_node one = sotto_json_member_at(members, i, &name);
        printf("  %s %.*s", what, (int)name.len, (const char *)name.ptr);
        if (sotto_json_get_str(sotto_json_member(one, "hashes"), "sha256", &hash, NULL) == SOTTO_OK)
            printf("  sha256 %.*s", (int)hash.len, (const char *)hash.ptr);
        printf("\n");
    }
}

static void tell_roles(sotto_json_node roles)
{
    for (size_t i = 0; i < sotto_json_count(roles); i++) {
        sotto_span name, keyid;
        int64_t threshold = 0;
        sotto_json_node role = sotto_json_member_at(roles, i, &name);
        sotto_json_node keyids = sotto_json_member(role, "keyids");
        if (sotto_json_get_i64(role, "threshold", 0, INT32_MAX, &threshold, NULL) != SOTTO_OK)
            threshold = 0;
        printf("  role %.*s: %lld of", (int)name.len, (const char *)name.ptr, (long long)threshold);
        for (size_t k = 0; k < sotto_json_count(keyids); k++)
            if (sotto_json_as_str(sotto_json_at(keyids, k), &keyid, NULL) == SOTTO_OK)
                printf(" %.16s", (const char *)keyid.ptr);
        printf("\n");
    }
}

static sotto_status tell(sotto_span file, const char *path, const char *keyid, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_tuf_info info;
    char day[11];
    sotto_status status = sotto_tuf_info_read(file, &info, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, file, path, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node body = sotto_json_member(sotto_json_root(doc), "signed");
    hq_day_format(sotto_floor_div_i64(info.expires_s, HQ_DAY_S), day);
    printf("%s: %s, version %lld, good until %s, %zu signatures.\n", path, info.type, (long long)info.version,
           day, info.signatures);
    tell_members(sotto_json_member(body, "targets"), "file");
    tell_members(sotto_json_member(body, "meta"), "lists");
    tell_roles(sotto_json_member(body, "roles"));
    printf("Signed by %.16s...\n", keyid);
    sotto_json_free(doc);
    return SOTTO_OK;
}

/* ---- whose key it is ---- */

typedef struct judgement {
    bool known, counts; /* known: some root said who signs this role */
} judgement;

static void ask_root(const char *path, enum hq_role role, const char *keyid, judgement *j)
{
    sotto_vec file;
    hq_root *root = calloc(1, sizeof *root);
    sotto_vec_init(&file, METADATA_MAX);
    if (root != NULL && sotto_port_read_file(path, &file, NULL) == SOTTO_OK &&
        hq_root_parse(root, sotto_vec_span(&file), path, NULL) == SOTTO_OK) {
        j->known = true;
        j->counts = j->counts || hq_root_has(root, role, keyid);
    }
    sotto_vec_free(&file);
    free(root);
}

/* The newest root of the office that the file lies in, and the one that is prepared beside it. */
static void ask_office(const char *file, enum hq_role role, const char *keyid, judgement *j)
{
    char folder[HQ_PATH_MAX], path[HQ_PATH_MAX + 64];
    const char *slash = strrchr(file, '/');
    int len = slash == NULL ? snprintf(folder, sizeof folder, ".")
                            : snprintf(folder, sizeof folder, "%.*s", (int)(slash - file), file);
    if (len < 0 || (size_t)len >= sizeof folder)
        return;
    unsigned newest = 0;
    do
        (void)snprintf(path, sizeof path, "%s/../repo/%u.root.json", folder, newest + 1);
    while (sotto_port_exists(path) && ++newest < 100000);
    (void)snprintf(path, sizeof path, "%s/../repo/%u.root.json", folder, newest);
    if (newest > 0)
        ask_root(path, role, keyid, j);
    (void)snprintf(path, sizeof path, "%s/%u.root.json", folder, newest + 1);
    if (j->known)
        ask_root(path, role, keyid, j);
}

/* A signature that counts for nothing is not made in silence. What no root is at hand for is said. */
static sotto_status judge(const char *file, sotto_span bytes, const char *root, const char *keyid,
                          sotto_diag *diag)
{
    sotto_tuf_info info;
    judgement j = {0};
    size_t role = 0;
    sotto_status status = sotto_tuf_info_read(bytes, &info, diag);
    while (role < HQ_ROLE_COUNT && strcmp(info.type, hq_role_name((enum hq_role)role)) != 0)
        role++;
    if (status != SOTTO_OK || role == HQ_ROLE_COUNT)
        return status;
    if (root != NULL)
        ask_root(root, (enum hq_role)role, keyid, &j);
    if (root != NULL && !j.known)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), root, 0, "is not a root that can be read");
    if (root == NULL)
        ask_office(file, (enum hq_role)role, keyid, &j);
    if (role == HQ_ROLE_ROOT && j.known)
        ask_root(file, HQ_ROLE_ROOT, keyid, &j);
    if (j.known && !j.counts)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, AUTH), file, 0,
                             "this key (%.16s) is none of those that sign %s: nothing was signed", keyid,
                             info.type);
    if (!j.known)
        printf("Whether this key counts for %s is not known here: --root ROOT.json tells.\n", info.type);
    return SOTTO_OK;
}

static sotto_status read_key(const char *path, hq_tuf_key *key, sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, SOTTO_PEM_MAX - 1);
    sotto_status status = sotto_port_check_private(path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(sotto_span_to_str(sotto_vec_span(&file), key->pem, SOTTO_PEM_MAX), path, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(hq_tuf_key_complete(key, diag), path, diag);
    if (file.ptr != NULL)
        sotto_wipe(file.ptr, file.len);
    sotto_vec_free(&file);
    return status;
}

static sotto_status sign(const char *path, hq_tuf_key *key, const char *key_path, const char *root,
                         sotto_diag *diag)
{
    sotto_vec before, after;
    sotto_vec_init(&before, METADATA_MAX);
    sotto_vec_init(&after, METADATA_MAX + 4096);
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = read_key(key_path, key, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &before, diag);
    if (status == SOTTO_OK)
        status = judge(path, sotto_vec_span(&before), root, key->public_key.keyid, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(hq_tuf_sign(sotto_vec_span(&before), key, &after, diag), path, diag);
    if (status == SOTTO_OK)
        status = tell(sotto_vec_span(&after), path, key->public_key.keyid, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_vec_span(&after), 0644, diag);
    sotto_vec_free(&before);
    sotto_vec_free(&after);
    return status;
}

int hq_cmd_sign(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *key_path = NULL, *file = NULL, *root = NULL;
    const hq_option options[] = {{"--key", HQ_TEXT, &key_path, .required = true},
                                 {"--file", HQ_TEXT, &file, .required = true},
                                 {"--root", HQ_TEXT, &root, .required = false}};
    if (argc > 1 && argv[1][0] != '-') { /* FILE first, as people write it */
        file = argv[1];
        argv[1] = argv[0];
        argv[0] = (char *)(uintptr_t)file;
        argv++;
        argc--;
    }
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    hq_tuf_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return hq_fail(SOTTO_ERR(HQ, NO_MEMORY), &diag);
    sotto_status status = sign(file, key, key_path, root, &diag);
    hq_tuf_key_wipe(key);
    free(key);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
