/* keys: who signs what. Every change is a new version of root, signed by the old keys of root and by the new.
 */
#include "hq_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAX   (512u << 10)
#define ROOT_NEAR_DAYS 60 /* a root that ends sooner is told of: signatures of several people take time */

typedef struct keys_work {
    const char *dir, *verb, *role_name, *key;
    int64_t threshold;
    bool as_json;
    enum hq_role role;
    hq_root *root; /* the next one */
    hq_repo repo;
    hq_publication out;
    char made[HQ_PATH_MAX]; /* a private key that was made */
} keys_work;

/* ---- changes ---- */

static sotto_status make_key(keys_work *w, hq_public_key *out, sotto_diag *diag)
{
    char name[64];
    sotto_entropy entropy = sotto_port_entropy();
    hq_tuf_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a key");
    sotto_status status = sotto_keypair_make(&entropy, key->pem, diag);
    if (status == SOTTO_OK)
        status = hq_tuf_key_complete(key, diag);
    (void)snprintf(name, sizeof name, "keys/%s-%.8s.key", hq_role_name(w->role), key->public_key.keyid);
    if (status == SOTTO_OK)
        status = hq_path(w->dir, name, w->made, diag);
    if (status == SOTTO_OK)
        status = sotto_port_create_file(w->made, sotto_span_str(key->pem), 0600, diag);
    *out = key->public_key;
    hq_tuf_key_wipe(key);
    free(key);
    return status;
}

static sotto_status read_public(const char *path, hq_public_key *out, sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, HQ_PUBLIC_MAX - 1);
    sotto_status status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(hq_public_key_read(out, sotto_vec_span(&file), diag), path, diag);
    sotto_vec_free(&file);
    return status;
}

/* The one key of the role whose keyid begins so; the only one when nothing is said. */
static sotto_status find_key(const keys_work *w, char keyid[static HQ_KEYID_TEXT], sotto_diag *diag)
{
    const hq_root_role *role = &w->root->role[w->role];
    size_t found = 0;
    for (size_t i = 0; i < role->count; i++)
        if (w->key == NULL || (strlen(w->key) >= 8 && strncmp(role->keyid[i], w->key, strlen(w->key)) == 0)) {
            memcpy(keyid, role->keyid[i], HQ_KEYID_TEXT);
            found++;
        }
    if (found == 1)
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                          "--key: %zu keys of %s are meant; give 8 digits of a keyid or more", found,
                          hq_role_name(w->role));
}

static sotto_status add(keys_work *w, sotto_diag *diag)
{
    hq_public_key key;
    sotto_status status = w->key != NULL ? read_public(w->key, &key, diag) : make_key(w, &key, diag);
    return status == SOTTO_OK ? hq_root_add(w->root, w->role, &key, diag) : status;
}

static sotto_status take_away(keys_work *w, sotto_diag *diag)
{
    char keyid[HQ_KEYID_TEXT];
    sotto_status status = find_key(w, keyid, diag);
    return status == SOTTO_OK ? hq_root_remove(w->root, w->role, keyid, diag) : status;
}

static sotto_status rotate(keys_work *w, sotto_diag *diag)
{
    hq_public_key key;
    sotto_status status = take_away(w, diag);
    if (status == SOTTO_OK)
        status = make_key(w, &key, diag);
    return status == SOTTO_OK ? hq_root_add(w->root, w->role, &key, diag) : status;
}

static sotto_status keep(keys_work *w, sotto_diag *diag)
{
    (void)w;
    (void)diag;
    return SOTTO_OK;
}

typedef struct verb {
    const char *name;
    bool needs_role;
    sotto_status (*change)(keys_work *w, sotto_diag *diag);
} verb;
static const verb VERBS[] = {{"list", false, NULL},    {"add", true, add},        {"remove", true, take_away},
                             {"rotate", true, rotate}, {"threshold", true, keep}, {"renew", false, keep}};

/* ---- the next root ---- */

/* Changes follow each other in one draft until it is finished. */
static sotto_status load_base(keys_work *w, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec bytes;
    sotto_vec_init(&bytes, METADATA_MAX);
    uint64_t next = w->repo.root->version + 1;
    sotto_status status = hq_draft_path(w->dir, HQ_ROLE_ROOT, next, path, diag);
    *w->root = *w->repo.root;
    if (status == SOTTO_OK && sotto_port_exists(path)) {
        status = sotto_port_read_file(path, &bytes, diag);
        if (status == SOTTO_OK)
            status = hq_root_parse(w->root, sotto_vec_span(&bytes), path, diag);
    }
    sotto_vec_free(&bytes);
    w->root->version = next;
    w->root->expires_s = hq_now() + HQ_ROOT_DAYS * HQ_DAY_S;
    return status;
}

static sotto_status check_thresholds(const hq_root *root, sotto_diag *diag)
{
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++)
        if (root->role[i].threshold > root->role[i].count || root->role[i].count == 0)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "%s would need %zu signatures of %zu keys",
                                  hq_role_name((enum hq_role)i), root->role[i].threshold,
                                  root->role[i].count);
    return SOTTO_OK;
}

/* Every key of root that is here, of the root before and of the next, signs. */
static sotto_status sign_by(const keys_work *w, const hq_root *of, sotto_vec *bytes, sotto_diag *diag)
{
    hq_keyring *ring = NULL;
    sotto_status status = hq_keyring_load(&ring, w->dir, HQ_ROLE_ROOT, of, diag);
    for (size_t i = 0; status == SOTTO_OK && i < ring->count; i++) {
        sotto_vec more;
        sotto_vec_init(&more, METADATA_MAX);
        status = hq_tuf_sign(sotto_vec_span(bytes), &ring->key[i], &more, diag);
        if (status == SOTTO_OK) {
            sotto_vec_free(bytes);
            *bytes = more;
        } else {
            sotto_vec_free(&more);
        }
    }
    hq_keyring_free(ring);
    return status;
}

static sotto_status write_draft(const keys_work *w, sotto_diag *diag)
{
    const hq_tuf_doc doc = {
        .role = HQ_ROLE_ROOT, .version = w->root->version, .expires_s = w->root->expires_s, .root = w->root};
    sotto_vec bytes;
    sotto_vec_init(&bytes, METADATA_MAX);
    sotto_status status = hq_tuf_write(&doc, NULL, &bytes, diag);
    if (status == SOTTO_OK)
        status = sign_by(w, w->repo.root, &bytes, diag);
    if (status == SOTTO_OK)
        status = sign_by(w, w->root, &bytes, diag);
    if (status == SOTTO_OK)
        status = hq_draft_put(w->dir, HQ_ROLE_ROOT, w->root->version, sotto_vec_span(&bytes), diag);
    sotto_vec_free(&bytes);
    return status;
}

static sotto_status finish(keys_work *w, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    sotto_diag missing = {0};
    sotto_status status = hq_office_registry(w->dir, &registry, diag);
    if (status != SOTTO_OK)
        return status;
    status = hq_repo_finish(w->dir, registry, &w->out, &missing);
    hq_registry_close(registry);
    if (status == SOTTO_OK || (sotto_status_cause(status) == SOTTO_CAUSE_AUTH && w->out.draft[0] != '\0'))
        return SOTTO_OK; /* signatures are still to come: that is told, and no failure */
    *diag = missing;
    return status;
}

static sotto_status change(keys_work *w, const verb *v, sotto_diag *diag)
{
    sotto_status status = load_base(w, diag);
    if (status == SOTTO_OK)
        status = v->change(w, diag);
    if (status == SOTTO_OK && w->threshold != 0)
        w->root->role[w->role].threshold = (size_t)w->threshold;
    if (status == SOTTO_OK)
        status = check_thresholds(w->root, diag);
    if (status != SOTTO_OK && w->made[0] != '\0')
        (void)!sotto_port_remove_file(w->made, NULL);
    if (status == SOTTO_OK)
        status = write_draft(w, diag);
    return status == SOTTO_OK ? finish(w, diag) : status;
}

/* ---- telling ---- */

static const hq_public_key *public_of(const hq_root *root, const char *keyid)
{
    for (size_t i = 0; i < root->key_count; i++)
        if (strcmp(root->key[i].keyid, keyid) == 0)
            return &root->key[i];
    return &root->key[0];
}

static bool is_here(const hq_keyring *ring, const char *keyid)
{
    for (size_t i = 0; ring != NULL && i < ring->count; i++)
        if (strcmp(ring->key[i].public_key.keyid, keyid) == 0)
            return true;
    return false;
}

static void list_role(const keys_work *w, enum hq_role role, hq_json *json)
{
    hq_keyring *ring = NULL;
    const hq_root_role *of = &w->repo.root->role[role];
    if (hq_keyring_load(&ring, w->dir, role, w->repo.root, NULL) != SOTTO_OK)
        ring = NULL;
    for (size_t i = 0; i < of->count; i++) {
        const hq_public_key *key = public_of(w->repo.root, of->keyid[i]);
        bool here = is_here(ring, of->keyid[i]);
        if (!w->as_json) {
            printf("%-10s %zu of %zu  %.16s  %-8s %s\n", hq_role_name(role), of->threshold, of->count,
                   of->keyid[i], key->keytype, here ? "here" : "elsewhere");
            continue;
        }
        sotto_json_obj(&json->w);
        sotto_json_name(&json->w, "role");
        sotto_json_cstr(&json->w, hq_role_name(role));
        sotto_json_name(&json->w, "threshold");
        sotto_json_u64(&json->w, of->threshold);
        sotto_json_name(&json->w, "keyid");
        sotto_json_cstr(&json->w, of->keyid[i]);
        sotto_json_name(&json->w, "keytype");
        sotto_json_cstr(&json->w, key->keytype);
        sotto_json_name(&json->w, "here");
        sotto_json_bool(&json->w, here);
        sotto_json_obj_end(&json->w);
    }
    hq_keyring_free(ring);
}

static sotto_status list(const keys_work *w, sotto_diag *diag)
{
    hq_json json = {0};
    char day[11];
    int64_t left = (w->repo.root->expires_s - hq_now()) / HQ_DAY_S;
    if (w->as_json) {
        sotto_status status = hq_json_begin(&json, 1u << 16, diag);
        if (status != SOTTO_OK)
            return status;
        sotto_json_obj(&json.w);
        sotto_json_name(&json.w, "root");
        sotto_json_u64(&json.w, w->repo.root->version);
        sotto_json_name(&json.w, "expires");
        hq_json_time(&json.w, w->repo.root->expires_s);
        sotto_json_name(&json.w, "keys");
        sotto_json_arr(&json.w);
    }
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++)
        list_role(w, (enum hq_role)i, &json);
    if (w->as_json) {
        sotto_json_arr_end(&json.w);
        sotto_json_obj_end(&json.w);
        return hq_json_print(&json, diag);
    }
    hq_day_format(sotto_floor_div_i64(w->repo.root->expires_s, HQ_DAY_S), day);
    printf("Root %llu, good until %s.%s\n", (unsigned long long)w->repo.root->version, day,
           left < ROOT_NEAR_DAYS ? " That is near: sotto-hq keys renew" : "");
    return SOTTO_OK;
}

static sotto_status tell(const keys_work *w, sotto_diag *diag)
{
    hq_json json;
    bool waits = w->out.draft[0] != '\0';
    if (!w->as_json) {
        if (w->made[0] != '\0')
            printf(w->role == HQ_ROLE_ROOT || w->role == HQ_ROLE_TARGETS
                       ? "Made %s. Move it to whoever shall hold it.\n"
                       : "Made %s. It stays there: serve signs with it.\n",
                   w->made);
        if (waits)
            printf("%s waits for signatures (%zu of %zu): sotto-hq sign FILE --key KEY, then sotto-hq "
                   "publish --dir %s "
                   "--finish\n",
                   w->out.draft, w->out.signers.signed_by, w->out.signers.needed, w->dir);
        else
            printf("Root %llu is published. A private key that no role has any more serves no purpose: "
                   "destroy it.\n",
                   (unsigned long long)w->root->version);
        return SOTTO_OK;
    }
    sotto_status status = hq_json_begin(&json, 4096, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    sotto_json_name(&json.w, "root");
    sotto_json_u64(&json.w, w->root->version);
    sotto_json_name(&json.w, "published");
    sotto_json_bool(&json.w, !waits);
    sotto_json_name(&json.w, waits ? "draft" : "release");
    if (waits)
        sotto_json_cstr(&json.w, w->out.draft);
    else
        sotto_json_u64(&json.w, w->out.release);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

static sotto_status work_locked(keys_work *w, const verb *v, sotto_diag *diag)
{
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = hq_repo_read(&w->repo, w->dir, diag);
    if (status != SOTTO_OK)
        return status;
    if (v->change == NULL)
        status = list(w, diag);
    else
        status = change(w, v, diag);
    if (status == SOTTO_OK && v->change != NULL)
        status = tell(w, diag);
    hq_repo_free(&w->repo);
    return status;
}

static sotto_status work(keys_work *w, const verb *v, sotto_diag *diag)
{
    sotto_port_lock lock;
    hq_root *root = calloc(1, sizeof *root);
    if (root == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the root");
    w->root = root;
    sotto_status status = hq_repo_lock(w->dir, &lock, diag);
    if (status == SOTTO_OK) {
        status = work_locked(w, v, diag);
        sotto_port_lock_drop(&lock);
    }
    free(root);
    return status;
}

static const verb *find_verb(const char *name)
{
    for (size_t i = 0; name != NULL && i < SOTTO_COUNT(VERBS); i++)
        if (strcmp(VERBS[i].name, name) == 0)
            return &VERBS[i];
    return NULL;
}

static bool find_role(keys_work *w)
{
    for (size_t i = 0; w->role_name != NULL && i < HQ_ROLE_COUNT; i++) {
        w->role = (enum hq_role)i;
        if (strcmp(hq_role_name(w->role), w->role_name) == 0)
            return true;
    }
    return false;
}

int hq_cmd_keys(int argc, char **argv)
{
    static keys_work w;
    sotto_diag diag = {0};
    w = (keys_work){0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &w.dir, .required = true},
                                 {"--role", HQ_TEXT, &w.role_name, .required = false},
                                 {"--key", HQ_TEXT, &w.key, .required = false},
                                 {"--threshold", HQ_NUMBER, &w.threshold, .min = 1, .max = HQ_ROLE_KEYS_MAX},
                                 {"--json", HQ_FLAG, &w.as_json, .required = false}};
    const verb *v = find_verb(argc > 1 ? argv[1] : NULL);
    if (v == NULL)
        return hq_usage(argv[0], "needs list, add, remove, rotate, threshold or renew");
    char *command =
        argv[0]; /* the options follow the verb; every word stays in argv, which is the caller's */
    argv[0] = argv[1];
    argv[1] = command;
    if (!hq_options(argc - 1, argv + 1, options, SOTTO_COUNT(options)))
        return 2;
    if (v->needs_role && !find_role(&w))
        return hq_usage(command, "--role is root, targets, snapshot or timestamp");
    if (v->change == keep && v->needs_role && w.threshold == 0)
        return hq_usage(command, "--threshold is missing");
    if (w.threshold != 0 && !v->needs_role)
        return hq_usage(command, "--threshold goes with a role");
    sotto_status status = work(&w, v, &diag);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
