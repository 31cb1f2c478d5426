/* 5.6.7: a target is looked for depth first, in the order of the delegations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuf_priv.h"

#define STACK_MAX (TUF_ROLES_VISITED_MAX * 4)

typedef struct search {
    sotto_tuf *tuf;
    sotto_span name;
    tuf_delegation stack[STACK_MAX];
    size_t depth;
    sotto_span visited[TUF_ROLES_VISITED_MAX];
    size_t visited_count;
} search;

void tuf_delegated_drop(sotto_tuf *tuf)
{
    for (size_t i = 0; i < tuf->delegated_count; i++) {
        tuf_meta_free(&tuf->delegated[i]->meta);
        free(tuf->delegated[i]);
    }
    tuf->delegated_count = 0;
}

/* '*' any run without '/', '?' one character but '/'. Greedy with one step back: linear in the usual case,
 * and at most |pattern| * |text| (Kirk Krauss, "Matching Wildcards: An Algorithm"). */
bool tuf_pattern_matches(sotto_span pattern, sotto_span text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, restart = 0;
    while (t < text.len) {
        bool wild = p < pattern.len && pattern.ptr[p] == '*';
        bool one = p < pattern.len && (pattern.ptr[p] == text.ptr[t] || pattern.ptr[p] == '?') &&
                   (pattern.ptr[p] == '/') == (text.ptr[t] == '/');
        if (wild) {
            star = p++;
            restart = t;
        } else if (one) {
            p++;
            t++;
        } else if (star != SIZE_MAX && text.ptr[restart] != '/') {
            p = star + 1;
            t = ++restart;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool any_pattern_matches(sotto_json_node paths, sotto_span name)
{
    sotto_span text;
    for (size_t i = 0; i < sotto_json_count(paths); i++)
        if (sotto_json_as_str(sotto_json_at(paths, i), &text, NULL) == SOTTO_OK &&
            tuf_pattern_matches(text, name))
            return true;
    return false;
}

static bool any_prefix_matches(sotto_json_node prefixes, sotto_span name)
{
    uint8_t digest[SOTTO_SHA256_BYTES];
    char hex[2 * SOTTO_SHA256_BYTES + 1];
    sotto_span text;
    if (sotto_json_count(prefixes) == 0 || sotto_sha256(name, digest) != SOTTO_OK)
        return false;
    sotto_hex_encode(sotto_span_of(digest, sizeof digest), hex, sizeof hex);
    for (size_t i = 0; i < sotto_json_count(prefixes); i++)
        if (sotto_json_as_str(sotto_json_at(prefixes, i), &text, NULL) == SOTTO_OK && text.len < sizeof hex &&
            memcmp(text.ptr, hex, text.len) == 0)
            return true;
    return false;
}

bool tuf_role_may(sotto_json_node role, sotto_span name)
{
    return any_pattern_matches(sotto_json_member(role, "paths"), name) ||
           any_prefix_matches(sotto_json_member(role, "path_hash_prefixes"), name);
}

/* Puts the matching delegations of meta on the stack so that the first comes off first. A terminating one
 * ends the list, and whatever waited below it (5.6.7.2.1). */
static sotto_status push_delegations(search *s, const tuf_meta *meta, sotto_diag *diag)
{
    sotto_json_node delegations = sotto_json_member(meta->body, "delegations");
    sotto_json_node roles = sotto_json_member(delegations, "roles");
    tuf_delegation found[TUF_DELEGATIONS_MAX];
    size_t count = 0;
    bool terminating = false;
    for (size_t i = 0; i < sotto_json_count(roles) && count < TUF_DELEGATIONS_MAX && !terminating; i++) {
        sotto_json_node role = sotto_json_at(roles, i);
        if (!tuf_role_may(role, s->name))
            continue;
        found[count++] = (tuf_delegation){role, sotto_json_member(delegations, "keys")};
        if (sotto_json_get_bool(role, "terminating", &terminating, NULL) != SOTTO_OK)
            terminating = false;
    }
    if (terminating)
        s->depth = 0;
    if (count > STACK_MAX - s->depth)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, RANGE), "too many delegations to follow");
    while (count > 0)
        s->stack[s->depth++] = found[--count];
    return SOTTO_OK;
}

const tuf_delegated *tuf_role_held(const sotto_tuf *tuf, const char *role)
{
    for (size_t i = 0; i < tuf->delegated_count; i++) {
        if (strcmp(tuf->delegated[i]->role, role) == 0)
            return tuf->delegated[i];
    }
    return NULL;
}

sotto_status tuf_role_hold(sotto_tuf *tuf, const char *role, tuf_meta *meta, sotto_diag *diag)
{
    tuf_delegated *one = NULL;
    if (tuf->delegated_count < TUF_ROLES_VISITED_MAX)
        one = calloc(1, sizeof *one);
    if (one == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "too many delegated roles");
    (void)snprintf(one->role, sizeof one->role, "%s", role);
    one->meta = *meta;
    memset(meta, 0, sizeof *meta);
    tuf->delegated[tuf->delegated_count++] = one;
    return SOTTO_OK;
}

static sotto_status check_delegated(const sotto_tuf *tuf, const tuf_delegation *by, sotto_json_node entry,
                                    const tuf_meta *meta, const char *role, sotto_diag *diag)
{
    int64_t version = 0;
    sotto_status st = tuf_check_listed(entry, false, sotto_vec_span(&meta->bytes), role, diag);
    if (st == SOTTO_OK)
        st = tuf_verify(by->keys, by->role, meta, role, diag);
    if (st == SOTTO_OK)
        st = sotto_json_get_i64(entry, "version", 1, INT64_MAX, &version, diag);
    if (st == SOTTO_OK && meta->version != version)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), role, 0, "has version %lld, listed as %lld",
                           (long long)meta->version, (long long)version);
    return st == SOTTO_OK ? tuf_check_expiry(tuf, meta, role, diag) : st;
}

static sotto_status fetch_role(sotto_tuf *tuf, const char *role, sotto_json_node entry, tuf_meta *out,
                               sotto_diag *diag)
{
    char path[TUF_PATH_MAX];
    sotto_buf text = sotto_buf_of(path, sizeof path);
    sotto_vec bytes;
    int64_t version = 0;
    sotto_status st = sotto_json_get_i64(entry, "version", 1, INT64_MAX, &version, diag);
    if (st == SOTTO_OK && tuf_consistent(tuf))
        text.len = (size_t)snprintf(path, sizeof path, "%lld.", (long long)version);
    if (st == SOTTO_OK)
        st = tuf_url_encode(&text, sotto_span_str(role), false);
    if (st == SOTTO_OK)
        st = sotto_buf_put(&text, ".json", sizeof ".json");
    if (st == SOTTO_OK)
        st = tuf_fetch_file(tuf, path, tuf_listed_max(entry, TUF_TARGETS_BYTES), &bytes, diag);
    return st == SOTTO_OK ? tuf_meta_parse(out, TUF_TARGETS, &bytes, role, diag) : st;
}

sotto_status tuf_role_load(sotto_tuf *tuf, const tuf_delegation *by, const char *role, const tuf_meta **out,
                           sotto_diag *diag)
{
    char file[TUF_ROLE_MAX + sizeof ".json"];
    tuf_meta meta;
    const tuf_delegated *held = tuf_role_held(tuf, role);
    (void)snprintf(file, sizeof file, "%s.json", role);
    sotto_json_node entry = sotto_json_member(sotto_json_member(tuf->snapshot.body, "meta"), file);
    if (sotto_json_type(entry) != SOTTO_JSON_OBJ)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, NOT_FOUND), role, 0,
                             "the snapshot does not list this role");
    if (held != NULL) {
        *out = &held->meta;
        return check_delegated(tuf, by, entry, &held->meta, role, diag);
    }
    sotto_status st = tuf_load(tuf, role, TUF_TARGETS, &meta, NULL);
    if (st == SOTTO_OK)
        st = check_delegated(tuf, by, entry, &meta, role, NULL);
    if (st != SOTTO_OK) {
        tuf_meta_free(&meta);
        st = fetch_role(tuf, role, entry, &meta, diag);
        if (st == SOTTO_OK)
            st = check_delegated(tuf, by, entry, &meta, role, diag);
        if (st == SOTTO_OK)
            st = tuf_persist(tuf, role, sotto_vec_span(&meta.bytes), diag);
    }
    if (st == SOTTO_OK)
        st = tuf_role_hold(tuf, role, &meta, diag);
    tuf_meta_free(&meta);
    if (st == SOTTO_OK)
        *out = &tuf->delegated[tuf->delegated_count - 1]->meta;
    return st;
}

static bool visited(const search *s, sotto_span role)
{
    for (size_t i = 0; i < s->visited_count; i++) {
        if (sotto_span_equal(s->visited[i], role))
            return true;
    }
    return false;
}

/* One role off the stack. *entry is set when it knows the target. */
static sotto_status visit(search *s, sotto_json_node *entry, sotto_diag *diag)
{
    tuf_delegation by = s->stack[--s->depth];
    char role[TUF_ROLE_MAX], name[TUF_PATH_MAX];
    const tuf_meta *meta = NULL;
    sotto_span role_span;
    sotto_status st = sotto_json_get_str(by.role, "name", &role_span, diag);
    if (st != SOTTO_OK || visited(s, role_span))
        return st;
    if (s->visited_count == TUF_ROLES_VISITED_MAX) {
        s->depth = 0;
        return SOTTO_OK;
    }
    s->visited[s->visited_count++] = role_span;
    st = sotto_span_to_str(role_span, role, sizeof role);
    if (st == SOTTO_OK)
        st = tuf_role_load(s->tuf, &by, role, &meta, diag);
    if (st == SOTTO_OK)
        st = sotto_span_to_str(s->name, name, sizeof name);
    if (st != SOTTO_OK)
        return st;
    *entry = sotto_json_member(sotto_json_member(meta->body, "targets"), name);
    if (sotto_json_type(*entry) != SOTTO_JSON_ABSENT)
        return SOTTO_OK;
    return push_delegations(s, meta, diag);
}

sotto_status tuf_search(sotto_tuf *tuf, const char *name, sotto_json_node *entry, sotto_diag *diag)
{
    search s = {.tuf = tuf, .name = sotto_span_str(name)};
    sotto_status st = SOTTO_OK;
    if (tuf->targets.doc == NULL)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, NOT_FOUND), name, 0, "there is no targets metadata yet");
    *entry = sotto_json_member(sotto_json_member(tuf->targets.body, "targets"), name);
    if (sotto_json_type(*entry) == SOTTO_JSON_ABSENT)
        st = push_delegations(&s, &tuf->targets, diag);
    while (st == SOTTO_OK && sotto_json_type(*entry) == SOTTO_JSON_ABSENT && s.depth > 0)
        st = visit(&s, entry, diag);
    if (st == SOTTO_OK && sotto_json_type(*entry) == SOTTO_JSON_ABSENT)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, NOT_FOUND), name, 0, "no trusted role lists this target");
    return st;
}
