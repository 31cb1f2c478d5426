/*
 * Files of a release that others sign: roles to which its list delegates (TUF section 4.5), and of which it
 * says the version. That number, signed by the keys of targets, ties the lists of a release together: a
 * newer list of one team alone is not this release, and who can write on the disk cannot put an older one
 * in. A delegation without it is none of the release's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "release_priv.h"

#define LIST_SUFFIX ".role"

/* One of them. */
typedef struct team {
    tuf_delegation by;
    char name[TUF_ROLE_MAX];
    int64_t version;
} team;

static bool is_team(sotto_json_node role, int64_t *version)
{
    return sotto_json_get_i64(role, "version", 1, INT64_MAX, version, NULL) == SOTTO_OK;
}

static sotto_status list_path(char out[static TUF_FILE_MAX], const char *folder, const char *role,
                              sotto_diag *diag)
{
    char name[TUF_ROLE_MAX + sizeof LIST_SUFFIX];
    (void)snprintf(name, sizeof name, "%s" LIST_SUFFIX, role);
    return release_path(out, folder, name, diag);
}

/* As `serve` finds it: signed as this delegation asks. */
static sotto_status read_list(sotto_tuf *tuf, const team *t, const char *folder, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    tuf_meta meta = {0};
    sotto_vec bytes;
    sotto_vec_init(&bytes, TUF_TARGETS_BYTES);
    sotto_status st = list_path(path, folder, t->name, diag);
    if (st == SOTTO_OK)
        st = sotto_port_read_file(path, &bytes, diag);
    if (st == SOTTO_OK)
        st = tuf_meta_parse(&meta, TUF_TARGETS, &bytes, path, diag);
    sotto_vec_free(&bytes);
    if (st == SOTTO_OK)
        st = tuf_verify(t->by.keys, t->by.role, &meta, path, diag);
    if (st == SOTTO_OK)
        st = tuf_role_hold(tuf, t->name, &meta, diag);
    tuf_meta_free(&meta);
    return st;
}

static sotto_status add_target(sotto_tuf *tuf, const team *t, sotto_span name, sotto_json_node entry,
                               sotto_diag *diag)
{
    sotto_tuf_target *to = &tuf->target[tuf->target_count];
    sotto_status st = tuf_target_read(name, entry, to, diag);
    if (st == SOTTO_OK && !tuf_role_may(t->by.role, name))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, AUTH), t->name, 0, "\"%.64s\" is not this role's to sign",
                           to->name);
    if (st == SOTTO_OK && sotto_tuf_target_find(tuf, to->name) != NULL)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, MALFORMED), t->name, 0, "\"%.64s\" is listed twice",
                           to->name);
    if (st == SOTTO_OK)
        tuf->target_count++;
    return st;
}

static sotto_status add_targets(sotto_tuf *tuf, const team *t, const tuf_meta *meta, sotto_diag *diag)
{
    sotto_json_node targets = sotto_json_member(meta->body, "targets");
    size_t count = sotto_json_count(targets);
    sotto_status st = SOTTO_OK;
    if (meta->version != t->version)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), t->name, 0,
                             "has version %lld, the release takes %lld", (long long)meta->version,
                             (long long)t->version);
    sotto_tuf_target *grown = realloc(tuf->target, (tuf->target_count + count + 1) * sizeof *grown);
    if (grown == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for %zu targets", count);
    tuf->target = grown;
    for (size_t i = 0; st == SOTTO_OK && i < count; i++) {
        sotto_span name;
        sotto_json_node entry = sotto_json_member_at(targets, i, &name);
        st = add_target(tuf, t, name, entry, diag);
    }
    return st;
}

static sotto_status take_team(sotto_tuf *tuf, team *t, const char *folder, sotto_diag *diag)
{
    sotto_span name;
    const tuf_meta *meta = NULL;
    sotto_status st = sotto_json_get_str(t->by.role, "name", &name, diag);
    if (st == SOTTO_OK)
        st = sotto_span_to_str(name, t->name, sizeof t->name);
    if (st == SOTTO_OK && !release_name_is_plain(t->name))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, MALFORMED), RELEASE_LIST, 0,
                           "the role \"%.64s\" has no plain name", t->name);
    if (st == SOTTO_OK && folder == NULL)
        st = tuf_role_load(tuf, &t->by, t->name, &meta, diag);
    else if (st == SOTTO_OK)
        st = read_list(tuf, t, folder, diag);
    if (st == SOTTO_OK)
        meta = &tuf_role_held(tuf, t->name)->meta;
    return st == SOTTO_OK ? add_targets(tuf, t, meta, diag) : st;
}

sotto_status release_teams(sotto_tuf *tuf, const char *folder, sotto_diag *diag)
{
    sotto_json_node delegations = sotto_json_member(tuf->targets.body, "delegations");
    sotto_json_node roles = sotto_json_member(delegations, "roles");
    sotto_status st = SOTTO_OK;
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(roles); i++) {
        team t = {.by = {sotto_json_at(roles, i), sotto_json_member(delegations, "keys")}};
        if (is_team(t.by.role, &t.version))
            st = take_team(tuf, &t, folder, diag);
    }
    return st;
}

sotto_status release_teams_write(const sotto_tuf *tuf, const char *folder, sotto_diag *diag)
{
    sotto_status st = SOTTO_OK;
    for (size_t i = 0; st == SOTTO_OK && i < tuf->delegated_count; i++) {
        char path[TUF_FILE_MAX];
        st = list_path(path, folder, tuf->delegated[i]->role, diag);
        if (st == SOTTO_OK)
            st = sotto_port_write_file(path, sotto_vec_span(&tuf->delegated[i]->meta.bytes), 0640, diag);
    }
    return st;
}

bool release_teams_there(const sotto_tuf *tuf, const char *folder)
{
    char path[TUF_FILE_MAX];
    bool there = true;
    for (size_t i = 0; there && i < tuf->delegated_count; i++)
        there = list_path(path, folder, tuf->delegated[i]->role, NULL) == SOTTO_OK &&
                release_file_holds(path, sotto_vec_span(&tuf->delegated[i]->meta.bytes));
    return there;
}
