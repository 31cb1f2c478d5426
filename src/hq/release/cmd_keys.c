/* keys: who signs what. A change of the four roles is a new version of root, signed by the old keys of root
 * and by the new. A change of teams is the next release with other delegations, signed by the keys of
 * targets. */
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "office/json.h"
#include "release/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAX   (512u << 10)
#define ROOT_NEAR_DAYS 60 /* a root that ends sooner is told of: signatures of several people take time */

typedef struct keys_work {
    const char *dir, *role_name, *paths;
    hq_list given; /* --key */
    int64_t threshold;
    bool as_json;
    /* Whom the change is of: a role of the next root, or a team of the next list. */
    const char *key; /* the one of `given` that is being looked at; NULL: none was given */
    hq_signers *who;
    hq_key_table *keys;
    hq_root *root;   /* the next one */
    hq_teams *teams; /* the next ones */
    bool of_team;
    hq_repo repo;
    hq_publication out, drafted; /* drafted: a release with other teams */
    char made[HQ_PATH_MAX];      /* a private key that was made */
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
    (void)snprintf(name, sizeof name, "keys/%s-%.8s.key", w->role_name, key->public_key.keyid);
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
    size_t found = 0;
    for (size_t i = 0; i < w->who->count; i++)
        if (w->key == NULL ||
            (strlen(w->key) >= 8 && strncmp(w->who->keyid[i], w->key, strlen(w->key)) == 0)) {
            memcpy(keyid, w->who->keyid[i], HQ_KEYID_TEXT);
            found++;
        }
    if (found == 1)
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                          "--key: %zu keys of %s are meant; give 8 digits of a keyid or more", found,
                          w->role_name);
}

static sotto_status add(keys_work *w, sotto_diag *diag)
{
    hq_public_key key;
    sotto_status status = w->key != NULL ? read_public(w->key, &key, diag) : make_key(w, &key, diag);
    return status == SOTTO_OK ? hq_signers_add(w->who, w->keys, &key, w->role_name, diag) : status;
}

static sotto_status take_away(keys_work *w, sotto_diag *diag)
{
    char keyid[HQ_KEYID_TEXT];
    sotto_status status = find_key(w, keyid, diag);
    return status == SOTTO_OK ? hq_signers_remove(w->who, keyid, w->role_name, diag) : status;
}

static sotto_status rotate(keys_work *w, sotto_diag *diag)
{
    hq_public_key key;
    sotto_status status = take_away(w, diag);
    if (status == SOTTO_OK)
        status = make_key(w, &key, diag);
    return status == SOTTO_OK ? hq_signers_add(w->who, w->keys, &key, w->role_name, diag) : status;
}

static sotto_status keep(keys_work *w, sotto_diag *diag)
{
    (void)w;
    (void)diag;
    return SOTTO_OK;
}

/* A team, with all its keys: its files are no longer of whoever signs targets. */
static sotto_status add_role(keys_work *w, sotto_diag *diag)
{
    sotto_status status = hq_repo_team_fits(&w->repo, w->teams, w->role_name, diag);
    if (status == SOTTO_OK)
        status = hq_teams_add(w->teams, w->role_name, w->paths, diag);
    w->keys = &w->teams->keys;
    if (status == SOTTO_OK)
        w->who = &hq_teams_find(w->teams, w->role_name)->who;
    for (size_t i = 0; status == SOTTO_OK && i < w->given.count; i++) {
        w->key = w->given.item[i];
        status = add(w, diag);
    }
    if (status == SOTTO_OK && w->given.count == 0)
        status = add(w, diag);
    if (status == SOTTO_OK)
        w->who->threshold = w->threshold != 0 ? (size_t)w->threshold : w->who->count;
    return status;
}

/* Its files are of targets again; its last list stays where it is, and counts for nothing. */
static sotto_status remove_role(keys_work *w, sotto_diag *diag)
{
    hq_team *team = hq_teams_find(w->teams, w->role_name);
    if (team == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "there is no team %s", w->role_name);
    size_t at = (size_t)(team - w->teams->team);
    memmove(team, team + 1, (w->teams->count - at - 1) * sizeof *team);
    w->teams->count--;
    w->who = NULL;
    return SOTTO_OK;
}

typedef struct verb {
    const char *name;
    bool needs_role, of_teams;
    sotto_status (*change)(keys_work *w, sotto_diag *diag);
} verb;
static const verb VERBS[] = {{"list", false, false, NULL},       {"add", true, false, add},
                             {"remove", true, false, take_away}, {"rotate", true, false, rotate},
                             {"threshold", true, false, keep},   {"renew", false, false, keep},
                             {"add-role", true, true, add_role}, {"remove-role", true, true, remove_role}};

/* ---- the next root ---- */

/* Changes follow each other in one draft until it is finished. */
static sotto_status load_base(keys_work *w, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec bytes;
    sotto_vec_init(&bytes, METADATA_MAX);
    uint64_t next = w->repo.root->version + 1;
    sotto_status status = hq_draft_path(w->dir, "root", next, path, diag);
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

static sotto_status check_threshold(const hq_signers *who, const char *name, sotto_diag *diag)
{
    if (who->threshold <= who->count && who->count > 0)
        return SOTTO_OK;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "%s would need %zu signatures of %zu keys", name,
                          who->threshold, who->count);
}

/* Every key of root that is here, of the root before and of the next, signs. */
static sotto_status sign_by(const keys_work *w, const hq_root *of, sotto_vec *bytes, sotto_diag *diag)
{
    hq_keyring *ring = NULL;
    sotto_status status = hq_keyring_load(&ring, w->dir, "root", &of->role[HQ_ROLE_ROOT], diag);
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
        status = hq_draft_put(w->dir, "root", w->root->version, sotto_vec_span(&bytes), diag);
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

/* What is to change: a role of the next root, or a team of dir/teams.json. */
static sotto_status find_subject(keys_work *w, const verb *v, sotto_diag *diag)
{
    size_t role = 0;
    while (role < HQ_ROLE_COUNT && w->role_name != NULL &&
           strcmp(hq_role_name((enum hq_role)role), w->role_name) != 0)
        role++;
    w->of_team = v->of_teams || role == HQ_ROLE_COUNT;
    if (!w->of_team) {
        sotto_status status = load_base(w, diag);
        w->keys = &w->root->keys;
        w->who = w->role_name != NULL ? &w->root->role[role] : NULL;
        return status;
    }
    sotto_status status = hq_teams_load(w->teams, w->dir, diag);
    if (status != SOTTO_OK || v->of_teams)
        return status;
    hq_team *team = hq_teams_find(w->teams, w->role_name);
    if (team == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                              "--role is root, targets, snapshot, timestamp or a team; there is no %s",
                              w->role_name);
    w->keys = &w->teams->keys;
    w->who = &team->who;
    return SOTTO_OK;
}

static sotto_status put_change(keys_work *w, sotto_diag *diag)
{
    if (!w->of_team)
        return write_draft(w, diag);
    sotto_status status = hq_teams_save(w->teams, w->dir, diag);
    return status == SOTTO_OK ? hq_repo_redraft(w->dir, &w->drafted, diag) : status;
}

static sotto_status change(keys_work *w, const verb *v, sotto_diag *diag)
{
    sotto_status status = find_subject(w, v, diag);
    if (status == SOTTO_OK && w->of_team)
        status = hq_repo_may_redraft(w->dir, diag);
    if (status == SOTTO_OK)
        status = v->change(w, diag);
    if (status == SOTTO_OK && w->threshold != 0 && w->who != NULL)
        w->who->threshold = (size_t)w->threshold;
    if (status == SOTTO_OK && w->who != NULL)
        status = check_threshold(w->who, w->role_name, diag);
    if (status != SOTTO_OK && w->made[0] != '\0')
        (void)!sotto_port_remove_file(w->made, NULL);
    if (status == SOTTO_OK)
        status = put_change(w, diag);
    if (status != SOTTO_OK || (w->of_team && w->drafted.draft[0] == '\0'))
        return status; /* of teams before the first release: it takes them along */
    return finish(w, diag);
}

/* ---- telling ---- */

static const hq_public_key *public_of(const hq_key_table *keys, const char *keyid)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->key[i].keyid, keyid) == 0)
            return &keys->key[i];
    return &keys->key[0];
}

static bool is_here(const hq_keyring *ring, const char *keyid)
{
    for (size_t i = 0; ring != NULL && i < ring->count; i++)
        if (strcmp(ring->key[i].public_key.keyid, keyid) == 0)
            return true;
    return false;
}

static void list_role(const keys_work *w, const char *name, const hq_signers *of, const hq_key_table *keys,
                      hq_json *json)
{
    hq_keyring *ring = NULL;
    if (hq_keyring_load(&ring, w->dir, name, of, NULL) != SOTTO_OK)
        ring = NULL;
    for (size_t i = 0; i < of->count; i++) {
        const hq_public_key *key = public_of(keys, of->keyid[i]);
        bool here = is_here(ring, of->keyid[i]);
        if (!w->as_json) {
            printf("%-10s %zu of %zu  %.16s  %-8s %s\n", name, of->threshold, of->count, of->keyid[i],
                   key->keytype, here ? "here" : "elsewhere");
            continue;
        }
        sotto_json_obj(&json->w);
        sotto_json_name(&json->w, "role");
        sotto_json_cstr(&json->w, name);
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
        sotto_status begun = hq_json_begin(&json, 1u << 16, diag);
        if (begun != SOTTO_OK)
            return begun;
        sotto_json_obj(&json.w);
        sotto_json_name(&json.w, "root");
        sotto_json_u64(&json.w, w->repo.root->version);
        sotto_json_name(&json.w, "expires");
        hq_json_time(&json.w, w->repo.root->expires_s);
        sotto_json_name(&json.w, "keys");
        sotto_json_arr(&json.w);
    }
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++)
        list_role(w, hq_role_name((enum hq_role)i), &w->repo.root->role[i], &w->repo.root->keys, &json);
    sotto_status status = hq_teams_load(w->teams, w->dir, diag);
    for (size_t i = 0; status == SOTTO_OK && i < w->teams->count; i++)
        list_role(w, w->teams->team[i].name, &w->teams->team[i].who, &w->teams->keys, &json);
    if (status != SOTTO_OK) {
        hq_json_free(&json);
        return status;
    }
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

static bool is_online(const char *role)
{
    return strcmp(role, "snapshot") == 0 || strcmp(role, "timestamp") == 0;
}

static void tell_draft(const char *path, const sotto_tuf_signers *have)
{
    printf("%s waits for signatures (%zu of %zu).\n", path, have->signed_by, have->needed);
}

static void tell_text(const keys_work *w)
{
    const hq_publication *drafted = &w->drafted;
    if (w->made[0] != '\0')
        printf(is_online(w->role_name) ? "Made %s. It stays there: serve signs with it.\n"
                                       : "Made %s. Move it to whoever shall hold it.\n",
               w->made);
    if (w->of_team && drafted->draft[0] == '\0') {
        printf("The first release will have these teams.\n");
        return;
    }
    if (w->out.draft[0] == '\0') {
        printf(
            "%s %llu is published. A private key that no role has any more serves no purpose: destroy it.\n",
            w->of_team ? "Release" : "Root",
            (unsigned long long)(w->of_team ? w->out.release : w->root->version));
        return;
    }
    if (w->of_team && strcmp(w->out.draft, drafted->draft) != 0)
        tell_draft(drafted->draft, &drafted->signers);
    for (size_t i = 0; i < drafted->teams; i++)
        if (strcmp(w->out.draft, drafted->team[i].path) != 0)
            tell_draft(drafted->team[i].path, &drafted->team[i].signers);
    tell_draft(w->out.draft, &w->out.signers);
    printf("Next: sotto-hq sign FILE --key KEY, then sotto-hq publish --dir %s --finish\n", w->dir);
}

static sotto_status tell(const keys_work *w, sotto_diag *diag)
{
    hq_json json;
    bool waits = w->out.draft[0] != '\0';
    if (!w->as_json) {
        tell_text(w);
        return SOTTO_OK;
    }
    sotto_status status = hq_json_begin(&json, 4096, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    sotto_json_name(&json.w, "root");
    sotto_json_u64(&json.w, w->of_team ? w->repo.root->version : w->root->version);
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
    sotto_status status = hq_repo_lock(w->dir, &lock, diag);
    if (status != SOTTO_OK)
        return status;
    w->root = calloc(1, sizeof *w->root);
    w->teams = calloc(1, sizeof *w->teams);
    if (w->root != NULL && w->teams != NULL)
        status = work_locked(w, v, diag);
    else
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the root");
    sotto_port_lock_drop(&lock);
    free(w->root);
    free(w->teams);
    return status;
}

static const verb *find_verb(const char *name)
{
    for (size_t i = 0; name != NULL && i < SOTTO_COUNT(VERBS); i++)
        if (strcmp(VERBS[i].name, name) == 0)
            return &VERBS[i];
    return NULL;
}

/* What goes with what; NULL: all of it does. */
static const char *complaint(const keys_work *w, const verb *v)
{
    if (v->needs_role && w->role_name == NULL)
        return "--role is root, targets, snapshot, timestamp or a team";
    if (v->change == add_role && w->paths == NULL)
        return "--paths is missing";
    if (v->change != add_role && (w->paths != NULL || w->given.count > 1))
        return "--paths, and more than one --key, go with add-role";
    if (v->change == keep && v->needs_role && w->threshold == 0)
        return "--threshold is missing";
    return w->threshold != 0 && !v->needs_role ? "--threshold goes with a role" : NULL;
}

int hq_cmd_keys(int argc, char **argv)
{
    static keys_work w;
    sotto_diag diag = {0};
    w = (keys_work){0};
    const hq_option options[] = {{"--dir", HQ_TEXT, &w.dir, .required = true},
                                 {"--role", HQ_TEXT, &w.role_name, .required = false},
                                 {"--key", HQ_LIST, &w.given, .required = false},
                                 {"--paths", HQ_TEXT, &w.paths, .required = false},
                                 {"--threshold", HQ_NUMBER, &w.threshold, .min = 1, .max = HQ_ROLE_KEYS_MAX},
                                 {"--json", HQ_FLAG, &w.as_json, .required = false}};
    const verb *v = find_verb(argc > 1 ? argv[1] : NULL);
    if (v == NULL)
        return hq_usage(argv[0],
                        "needs list, add, remove, rotate, threshold, renew, add-role or remove-role");
    char *command =
        argv[0]; /* the options follow the verb; every word stays in argv, which is the caller's */
    argv[0] = argv[1];
    argv[1] = command;
    if (!hq_options(argc - 1, argv + 1, options, SOTTO_COUNT(options)))
        return 2;
    w.key = w.given.count > 0 ? w.given.item[0] : NULL;
    const char *wrong = complaint(&w, v);
    if (wrong != NULL)
        return hq_usage(command, wrong);
    sotto_status status = work(&w, v, &diag);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
