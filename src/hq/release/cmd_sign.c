/* sign: one more signature on a metadata file, on any machine: neither a head office's folder nor a network.
 */
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "release/repo_run.h"

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

static void tell_texts(sotto_json_node texts, int most)
{
    sotto_span text;
    for (size_t i = 0; i < sotto_json_count(texts); i++)
        if (sotto_json_as_str(sotto_json_at(texts, i), &text, NULL) == SOTTO_OK)
            printf(" %.*s", (int)text.len < most ? (int)text.len : most, (const char *)text.ptr);
}

/* Of a root, an object; of what targets delegate, an array with the names inside. */
static void tell_roles(sotto_json_node roles)
{
    bool teams = sotto_json_type(roles) == SOTTO_JSON_ARR;
    for (size_t i = 0; i < sotto_json_count(roles); i++) {
        sotto_span name = {0};
        int64_t threshold = 0;
        sotto_json_node role = teams ? sotto_json_at(roles, i) : sotto_json_member_at(roles, i, &name);
        if (teams && sotto_json_get_str(role, "name", &name, NULL) != SOTTO_OK)
            name.len = 0;
        sotto_json_node keyids = sotto_json_member(role, "keyids");
        if (sotto_json_get_i64(role, "threshold", 0, INT32_MAX, &threshold, NULL) != SOTTO_OK)
            threshold = 0;
        printf("  role %.*s: %lld of", (int)name.len, (const char *)name.ptr, (long long)threshold);
        tell_texts(keyids, 16);
        if (teams)
            printf(", for");
        tell_texts(sotto_json_member(role, "paths"), 64);
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
    printf("%s: %s, version %lld, good until %s, %zu signature%s.\n", path, info.type,
           (long long)info.version, day, info.signatures, sotto_plural(info.signatures));
    tell_members(sotto_json_member(body, "targets"), "file");
    tell_members(sotto_json_member(body, "meta"), "lists");
    tell_roles(sotto_json_member(body, "roles"));
    tell_roles(sotto_json_member(sotto_json_member(body, "delegations"), "roles"));
    printf("Signed by %.16s...\n", keyid);
    sotto_json_free(doc);
    return SOTTO_OK;
}

/* ---- whose key it is ---- */

typedef struct judgement {
    hq_public_key *key; /* written as whoever says that it signs has it: its keyid is what counts there */
    char role[HQ_TEAM_NAME_MAX];
    sotto_span list;     /* what is to be signed */
    bool known, counts;  /* known: some file said who signs this role */
    bool allowed;        /* by one of them, to sign every file that the list names */
    sotto_diag disallow; /* why not */
} judgement;

/* What a draft is of: "8.targets.json" of targets, "3.model.json" of the team model. */
static void role_of(const char *path, const char *type, char role[static HQ_TEAM_NAME_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t digits = strspn(name, "0123456789");
    const char *part = name[digits] == '.' ? name + digits + 1 : "";
    size_t len = strcspn(part, ".");
    bool named = digits > 0 && len > 0 && len < HQ_TEAM_NAME_MAX && strcmp(part + len, ".json") == 0;
    (void)snprintf(role, HQ_TEAM_NAME_MAX, "%s", type);
    if (named && strcmp(type, hq_role_name(HQ_ROLE_TARGETS)) == 0)
        (void)snprintf(role, HQ_TEAM_NAME_MAX, "%.*s", (int)len, part);
}

static bool find_top(const char *name, enum hq_role *role)
{
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++) {
        *role = (enum hq_role)i;
        if (strcmp(hq_role_name(*role), name) == 0)
            return true;
    }
    return false;
}

static void find_key(const hq_signers *who, const hq_key_table *keys, judgement *j)
{
    const hq_public_key *named = hq_signers_find(who, keys, j->key);
    if (named != NULL && !j->counts && !hq_signers_have(who, j->key->keyid))
        *j->key = *named;
    j->counts = j->counts || named != NULL;
}

static void ask_root(sotto_span file, const char *path, enum hq_role role, judgement *j)
{
    hq_root *root = calloc(1, sizeof *root);
    if (root != NULL && hq_root_parse(root, file, path, NULL) == SOTTO_OK) {
        j->known = j->allowed = true;
        find_key(&root->role[role], &root->keys, j);
    }
    free(root);
}

static void ask_list(sotto_span file, judgement *j)
{
    hq_teams *teams = calloc(1, sizeof *teams);
    const hq_team *team = NULL;
    if (teams != NULL && hq_teams_of(file, teams, NULL) == SOTTO_OK)
        team = hq_teams_find(teams, j->role);
    if (team != NULL) {
        j->known = true;
        find_key(&team->who, &teams->keys, j);
        j->allowed = j->allowed || sotto_tuf_check_paths(file, j->role, j->list, &j->disallow) == SOTTO_OK;
    }
    free(teams);
}

/* Of a root who signs one of the four roles, of targets who signs a team's list. */
static void ask(const char *path, judgement *j)
{
    enum hq_role role;
    sotto_vec file;
    sotto_vec_init(&file, METADATA_MAX);
    if (sotto_port_read_file(path, &file, NULL) == SOTTO_OK) {
        if (find_top(j->role, &role))
            ask_root(sotto_vec_span(&file), path, role, j);
        else
            ask_list(sotto_vec_span(&file), j);
    }
    sotto_vec_free(&file);
}

/* Of a team the prepared list alone says who signs, when there is one: a key that it no longer names counts
 * for nothing. A draft with the number of the newest list was left by a finish that died. */
static void ask_lists(const char *folder, unsigned newest, judgement *j)
{
    char path[HQ_PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%u.targets.json", folder, newest + 1);
    if (!sotto_port_exists(path))
        (void)snprintf(path, sizeof path, "%s/%u.targets.json", folder, newest);
    if (!sotto_port_exists(path))
        (void)snprintf(path, sizeof path, "%s/../repo/%u.targets.json", folder, newest);
    if (!sotto_port_exists(path))
        return;
    ask(path, j);
    j->known = true; /* also when it names no such team */
}

/* The newest root, or list, of the office that the file lies in, and the one that is prepared beside it. */
static void ask_office(const char *file, judgement *j)
{
    char folder[HQ_PATH_MAX], path[HQ_PATH_MAX + 64];
    enum hq_role role;
    bool top = find_top(j->role, &role);
    const char *by = hq_role_name(top ? HQ_ROLE_ROOT : HQ_ROLE_TARGETS);
    const char *slash = strrchr(file, '/');
    int len = slash == NULL ? snprintf(folder, sizeof folder, ".")
                            : snprintf(folder, sizeof folder, "%.*s", (int)(slash - file), file);
    if (len < 0 || (size_t)len >= sizeof folder)
        return;
    unsigned newest = 0;
    do
        (void)snprintf(path, sizeof path, "%s/../repo/%u.%s.json", folder, newest + 1, by);
    while (sotto_port_exists(path) && ++newest < 100000);
    if (!top) {
        ask_lists(folder, newest, j);
        return;
    }
    (void)snprintf(path, sizeof path, "%s/../repo/%u.root.json", folder, newest);
    if (newest > 0)
        ask(path, j);
    (void)snprintf(path, sizeof path, "%s/%u.root.json", folder, newest + 1);
    if (j->known)
        ask(path, j);
}

static sotto_status tell_judgement(const judgement *j, const char *file, sotto_diag *diag)
{
    if (!j->known)
        printf("Whether this key counts for %s is not known here: --root tells.\n", j->role);
    if (j->known && !j->counts)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, AUTH), file, 0,
                             "this key (%.16s) is none of those that sign %s: nothing was signed",
                             j->key->keyid, j->role);
    if (j->known && !j->allowed)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, AUTH), file, 0, "%s: nothing was signed", j->disallow.text);
    return SOTTO_OK;
}

/* A signature that counts for nothing is not made in silence. What nobody at hand says who signs is told. */
static sotto_status judge(const char *file, sotto_span bytes, const char *root, hq_public_key *key,
                          sotto_diag *diag)
{
    sotto_tuf_info info;
    judgement j = {.key = key, .list = bytes};
    sotto_status status = sotto_tuf_info_read(bytes, &info, diag);
    if (status != SOTTO_OK)
        return status;
    role_of(file, info.type, j.role);
    if (root != NULL)
        ask(root, &j);
    if (root != NULL && !j.known)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), root, 0, "does not say who signs %s", j.role);
    if (root == NULL)
        ask_office(file, &j);
    if (strcmp(j.role, "root") == 0 && j.known)
        ask(file, &j);
    return tell_judgement(&j, file, diag);
}

/* ---- signing ---- */

typedef struct order {
    const char *file, *root;
    const char *key;                /* a private key that signs here; or */
    const char *public, *signature; /* what another tool, a token or a module has signed */
    bool payload;
} order;

static sotto_status read_private(const char *path, hq_tuf_key *key, sotto_diag *diag)
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

static sotto_status read_public(const char *path, hq_public_key *key, sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, SOTTO_PEM_MAX - 1);
    sotto_status status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(hq_public_key_read(key, sotto_vec_span(&file), diag), path, diag);
    sotto_vec_free(&file);
    return status;
}

static sotto_status attach(const order *o, sotto_span before, const hq_tuf_key *key, sotto_vec *after,
                           sotto_diag *diag)
{
    if (o->key != NULL)
        return hq_in_file(hq_tuf_sign(before, key, after, diag), o->file, diag);
    sotto_vec signature;
    sotto_vec_init(&signature, SOTTO_ANY_SIGNATURE_MAX);
    sotto_status status = sotto_port_read_file(o->signature, &signature, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(hq_tuf_attach(before, &key->public_key, sotto_vec_span(&signature), after, diag),
                            o->signature, diag);
    sotto_vec_free(&signature);
    return status;
}

static sotto_status sign(const order *o, sotto_span before, hq_tuf_key *key, sotto_diag *diag)
{
    sotto_vec after;
    sotto_vec_init(&after, METADATA_MAX + 4096);
    sotto_status status =
        o->key != NULL ? read_private(o->key, key, diag) : read_public(o->public, &key->public_key, diag);
    if (status == SOTTO_OK)
        status = judge(o->file, before, o->root, &key->public_key, diag);
    if (status == SOTTO_OK)
        status = attach(o, before, key, &after, diag);
    if (status == SOTTO_OK)
        status = tell(sotto_vec_span(&after), o->file, key->public_key.keyid, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(o->file, sotto_vec_span(&after), 0644, diag);
    sotto_vec_free(&after);
    return status;
}

/* To standard output, byte for byte. */
static sotto_status print_payload(const char *path, sotto_span file, sotto_diag *diag)
{
    sotto_vec canonical;
    sotto_vec_init(&canonical, METADATA_MAX);
    sotto_status status = hq_in_file(hq_tuf_payload(file, &canonical, diag), path, diag);
    if (status == SOTTO_OK &&
        (fwrite(canonical.ptr, 1, canonical.len, stdout) != canonical.len || fflush(stdout) != 0))
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, IO), "what is to be signed cannot be written out");
    sotto_vec_free(&canonical);
    return status;
}

static sotto_status run(const order *o, sotto_diag *diag)
{
    sotto_vec before;
    sotto_vec_init(&before, METADATA_MAX);
    hq_tuf_key *key = calloc(1, sizeof *key);
    sotto_status status = key == NULL ? sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a key")
                                      : sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(o->file, &before, diag);
    if (status == SOTTO_OK)
        status = o->payload ? print_payload(o->file, sotto_vec_span(&before), diag)
                            : sign(o, sotto_vec_span(&before), key, diag);
    sotto_vec_free(&before);
    if (key != NULL)
        hq_tuf_key_wipe(key);
    free(key);
    return status;
}

/* A key, or a signature with its public key, or neither where only the bytes are asked for. */
static bool is_whole(const order *o)
{
    if (o->payload)
        return o->key == NULL && o->public == NULL && o->signature == NULL;
    return o->key != NULL ? o->public == NULL && o->signature == NULL
                          : o->public != NULL && o->signature != NULL;
}

int hq_cmd_sign(int argc, char **argv)
{
    sotto_diag diag = {0};
    order o = {0};
    const char *named = NULL;
    const hq_option options[] = {{"FILE", HQ_POSITION, &o.file, .required = false},
                                 {"--file", HQ_TEXT, &named, .required = false},
                                 {"--key", HQ_TEXT, &o.key, .required = false},
                                 {"--public", HQ_TEXT, &o.public, .required = false},
                                 {"--signature", HQ_TEXT, &o.signature, .required = false},
                                 {"--payload", HQ_FLAG, &o.payload, .required = false},
                                 {"--root", HQ_TEXT, &o.root, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    if ((o.file == NULL) == (named == NULL))
        return hq_usage(argv[0], o.file == NULL ? "FILE is missing" : "takes one FILE, or --file FILE");
    if (o.file == NULL)
        o.file = named;
    if (!is_whole(&o)) {
        fprintf(stderr, "sotto-hq sign: --key, or --public with --signature, or --payload alone\n");
        return 2;
    }
    sotto_status status = run(&o, &diag);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
