/* Teams: what targets delegates, as a table that can be changed (TUF section 4.5, "delegations"). */
#include "office/args.h"
#include "office/office.h"
#include "release/tuf.h"

#include "sotto/port.h"

#include <stdlib.h>
#include <string.h>

#define TEAMS_FILE "teams.json"
#define TEAMS_MAX  (128u << 10)

/* ---- reading ---- */

static sotto_status sign_file(hq_teams *teams, hq_team *team, sotto_span name, sotto_diag *diag)
{
    for (size_t i = 0; i < HQ_BUNDLE_COUNT; i++) {
        const char *file = hq_bundle_name((enum hq_bundle_file)i);
        if (i == HQ_BUNDLE_SELFTEST || !sotto_span_is(name, file))
            continue;
        const hq_team *owner = hq_teams_owner(teams, file);
        if (owner != NULL)
            return sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT), "%s is %s's to sign already", file,
                                  owner->name);
        team->signs[i] = true;
        return SOTTO_OK;
    }
    return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "\"%.*s\" is no file of a release that a team can sign",
                          (int)(name.len < 64 ? name.len : 64), (const char *)name.ptr);
}

/* A name becomes that of files: of lists, of drafts, of keys. */
static bool name_is_plain(const char *name)
{
    static const char *const taken[] = {"root", "targets", "snapshot", "timestamp", "packs"};
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    for (size_t i = 0; i < SOTTO_COUNT(taken); i++)
        if (strcmp(name, taken[i]) == 0)
            return false;
    return len > 0 && name[len] == '\0';
}

static sotto_status new_team(hq_teams *teams, sotto_span name, hq_team **out, sotto_diag *diag)
{
    char text[HQ_TEAM_NAME_MAX];
    if (sotto_span_to_str(name, text, sizeof text) != SOTTO_OK || !name_is_plain(text))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                              "a team's name is of a-z, 0-9 and _, at most %d of them, and no other role's",
                              HQ_TEAM_NAME_MAX - 1);
    if (hq_teams_find(teams, text) != NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, EXISTS), "there is a team %s already", text);
    if (teams->count == HQ_TEAMS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "at most %d teams", HQ_TEAMS_MAX);
    *out = &teams->team[teams->count++];
    memset(*out, 0, sizeof **out);
    memcpy((*out)->name, text, sizeof text);
    return SOTTO_OK;
}

static sotto_status parse_team(hq_teams *out, sotto_json_node role, sotto_diag *diag)
{
    sotto_span text;
    hq_team *team = NULL;
    sotto_json_node paths = sotto_json_member(role, "paths");
    sotto_status status = sotto_json_get_str(role, "name", &text, diag);
    if (status == SOTTO_OK)
        status = new_team(out, text, &team, diag);
    if (status == SOTTO_OK)
        status = hq_signers_parse(&team->who, role, diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(paths, 1, HQ_BUNDLE_COUNT, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(paths); i++) {
        status = sotto_json_as_str(sotto_json_at(paths, i), &text, diag);
        if (status == SOTTO_OK)
            status = sign_file(out, team, text, diag);
    }
    int64_t version = 0;
    if (status == SOTTO_OK && sotto_json_type(sotto_json_member(role, "version")) != SOTTO_JSON_ABSENT)
        status = sotto_json_get_i64(role, "version", 1, INT64_MAX, &version, diag);
    if (status == SOTTO_OK)
        team->version = (uint64_t)version;
    return status;
}

sotto_status hq_teams_parse(hq_teams *out, sotto_json_node delegations, sotto_diag *diag)
{
    sotto_json_node roles = sotto_json_member(delegations, "roles");
    memset(out, 0, sizeof *out);
    if (sotto_json_type(delegations) == SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    sotto_status status = hq_key_table_parse(&out->keys, sotto_json_member(delegations, "keys"), diag);
    if (status == SOTTO_OK)
        status = sotto_json_as_array(roles, 0, HQ_TEAMS_MAX, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(roles); i++)
        status = parse_team(out, sotto_json_at(roles, i), diag);
    return status;
}

/* ---- writing ---- */

static bool in_use(const hq_teams *teams, const char *keyid)
{
    bool used = false;
    for (size_t i = 0; i < teams->count; i++)
        used = used || hq_signers_have(&teams->team[i].who, keyid);
    return used;
}

static void put_team(sotto_json_writer *w, const hq_team *team)
{
    sotto_json_obj(w);
    hq_signers_put(w, &team->who);
    sotto_json_name(w, "name");
    sotto_json_cstr(w, team->name);
    sotto_json_name(w, "paths");
    sotto_json_arr(w);
    for (size_t i = 0; i < HQ_BUNDLE_COUNT; i++)
        if (team->signs[i])
            sotto_json_cstr(w, hq_bundle_name((enum hq_bundle_file)i));
    sotto_json_arr_end(w);
    sotto_json_name(w, "terminating");
    sotto_json_bool(w, true);
    if (team->version != 0) {
        sotto_json_name(w, "version");
        sotto_json_u64(w, team->version);
    }
    sotto_json_obj_end(w);
}

void hq_teams_put(sotto_json_writer *w, const hq_teams *teams)
{
    sotto_json_obj(w);
    sotto_json_name(w, "keys");
    sotto_json_obj(w);
    for (size_t i = 0; i < teams->keys.count; i++)
        if (in_use(teams, teams->keys.key[i].keyid))
            hq_public_key_put_named(w, &teams->keys.key[i]);
    sotto_json_obj_end(w);
    sotto_json_name(w, "roles");
    sotto_json_arr(w);
    for (size_t i = 0; i < teams->count; i++)
        put_team(w, &teams->team[i]);
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

/* ---- changes ---- */

hq_team *hq_teams_find(hq_teams *teams, const char *name)
{
    for (size_t i = 0; i < teams->count; i++)
        if (strcmp(teams->team[i].name, name) == 0)
            return &teams->team[i];
    return NULL;
}

const hq_team *hq_teams_owner(const hq_teams *teams, const char *file)
{
    for (size_t t = 0; t < teams->count; t++)
        for (size_t i = 0; i < HQ_BUNDLE_COUNT; i++)
            if (teams->team[t].signs[i] && strcmp(hq_bundle_name((enum hq_bundle_file)i), file) == 0)
                return &teams->team[t];
    return NULL;
}

sotto_status hq_teams_add(hq_teams *teams, const char *name, const char *paths, sotto_diag *diag)
{
    hq_team *team = NULL;
    sotto_status status = new_team(teams, sotto_span_str(name), &team, diag);
    for (const char *at = paths; status == SOTTO_OK; at++) {
        size_t len = strcspn(at, ",");
        status = sign_file(teams, team, sotto_span_of(at, len), diag);
        at += len;
        if (*at == '\0')
            break;
    }
    return status;
}

/* ---- dir/teams.json ---- */

sotto_status hq_teams_load(hq_teams *out, const char *dir, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_json *doc = NULL;
    sotto_vec bytes;
    memset(out, 0, sizeof *out);
    sotto_vec_init(&bytes, TEAMS_MAX);
    sotto_status status = hq_path(dir, TEAMS_FILE, path, diag);
    if (status != SOTTO_OK || !sotto_port_exists(path))
        return status;
    status = sotto_port_read_file(path, &bytes, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, sotto_vec_span(&bytes), path, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(hq_teams_parse(out, sotto_json_root(doc), diag), path, diag);
    sotto_json_free(doc);
    sotto_vec_free(&bytes);
    return status;
}

sotto_status hq_teams_save(const hq_teams *teams, const char *dir, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    uint8_t *memory = malloc(TEAMS_MAX);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the teams");
    sotto_buf buf = sotto_buf_of(memory, TEAMS_MAX);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    hq_teams_put(&w, teams);
    sotto_status status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        status = hq_path(dir, TEAMS_FILE, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_buf_span(&buf), 0644, diag);
    free(memory);
    return status;
}
