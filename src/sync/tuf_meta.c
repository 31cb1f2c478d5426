/* Parsing of TUF metadata: everything that other steps rely on is checked here once, section 4 of the
 * specification. Unknown members are allowed everywhere and stay part of what is signed. */
#include <stdlib.h>
#include <string.h>

#include "tuf_priv.h"

#define DAY_FORM_LEN 20 /* YYYY-MM-DDTHH:MM:SSZ */

const char *tuf_type_name(enum tuf_type type)
{
    static const char *const names[] = {"root", "timestamp", "snapshot", "targets"};
    return names[type];
}

void tuf_meta_free(tuf_meta *meta)
{
    sotto_json_free(meta->doc);
    sotto_vec_free(&meta->bytes);
    memset(meta, 0, sizeof *meta);
}

void tuf_meta_move(tuf_meta *to, tuf_meta *from)
{
    tuf_meta_free(to);
    *to = *from;
    memset(from, 0, sizeof *from);
}

/* 4.2.1: "signatures": objects of keyid and sig, no keyid twice. */
static sotto_status check_signatures(sotto_json_node signatures, sotto_diag *diag)
{
    sotto_status st = sotto_json_as_array(signatures, 0, TUF_SIGNATURES_MAX, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(signatures); i++) {
        sotto_json_node one = sotto_json_at(signatures, i);
        sotto_span keyid, sig;
        st = sotto_json_get_str(one, "keyid", &keyid, diag);
        if (st == SOTTO_OK)
            st = sotto_json_get_str(one, "sig", &sig, diag);
        for (size_t j = 0; st == SOTTO_OK && j < i; j++) {
            sotto_span other;
            st = sotto_json_get_str(sotto_json_at(signatures, j), "keyid", &other, diag);
            if (st == SOTTO_OK && sotto_span_equal(keyid, other))
                st = sotto_json_bad(one, diag, SOTTO_ERR(SYNC, AUTH), "a second signature of the same keyid");
        }
    }
    return st;
}

/* keyids and threshold, as in root's roles and in delegations. */
static sotto_status check_role(sotto_json_node role, sotto_diag *diag)
{
    int64_t threshold;
    sotto_json_node keyids = sotto_json_member(role, "keyids");
    sotto_status st = sotto_json_as_object(role, diag);
    if (st == SOTTO_OK)
        st = sotto_json_as_array(keyids, 0, TUF_KEYIDS_MAX, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(keyids); i++) {
        sotto_span keyid;
        st = sotto_json_as_str(sotto_json_at(keyids, i), &keyid, diag);
    }
    if (st == SOTTO_OK)
        st = sotto_json_get_i64(role, "threshold", 1, INT32_MAX, &threshold, diag);
    return st;
}

/* 4.2.2. keyval is not looked into: a key of a kind unknown here may hold anything, and counts for nothing.
 */
static sotto_status check_keys(sotto_json_node keys, sotto_diag *diag)
{
    sotto_status st = sotto_json_as_object(keys, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(keys); i++) {
        sotto_span name, text;
        sotto_json_node key = sotto_json_member_at(keys, i, &name);
        st = sotto_json_get_str(key, "keytype", &text, diag);
        if (st == SOTTO_OK)
            st = sotto_json_get_str(key, "scheme", &text, diag);
        if (st == SOTTO_OK)
            st = sotto_json_as_object(sotto_json_member(key, "keyval"), diag);
    }
    return st;
}

static sotto_status check_root(sotto_json_node body, sotto_diag *diag)
{
    sotto_json_node roles = sotto_json_member(body, "roles");
    sotto_json_node consistent = sotto_json_member(body, "consistent_snapshot");
    bool value;
    sotto_status st = check_keys(sotto_json_member(body, "keys"), diag);
    if (st == SOTTO_OK)
        st = sotto_json_as_object(roles, diag);
    for (int type = TUF_ROOT; st == SOTTO_OK && type <= TUF_TARGETS; type++)
        st = check_role(sotto_json_member(roles, tuf_type_name((enum tuf_type)type)), diag);
    if (st == SOTTO_OK && sotto_json_type(consistent) != SOTTO_JSON_ABSENT)
        st = sotto_json_as_bool(consistent, &value, diag);
    return st;
}

/* "length" and "hashes" of an entry; both may be absent in METAFILES (4.4), neither in TARGETS (4.5). */
static sotto_status check_file_entry(sotto_json_node entry, bool required, sotto_diag *diag)
{
    sotto_json_node length = sotto_json_member(entry, "length");
    sotto_json_node hashes = sotto_json_member(entry, "hashes");
    int64_t value;
    sotto_status st = sotto_json_as_object(entry, diag);
    if (st == SOTTO_OK && (required || sotto_json_type(length) != SOTTO_JSON_ABSENT))
        st = sotto_json_as_i64(length, 0, INT64_MAX, &value, diag);
    if (st == SOTTO_OK && (required || sotto_json_type(hashes) != SOTTO_JSON_ABSENT))
        st = sotto_json_as_object(hashes, diag);
    if (st == SOTTO_OK && sotto_json_type(hashes) == SOTTO_JSON_OBJ && sotto_json_count(hashes) == 0)
        st = sotto_json_bad(hashes, diag, SOTTO_ERR(SYNC, MALFORMED), "no hash is listed");
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(hashes); i++) {
        sotto_span name, digest;
        st = sotto_json_as_str(sotto_json_member_at(hashes, i, &name), &digest, diag);
    }
    return st;
}

static sotto_status check_metafiles(sotto_json_node meta, const char *needed, sotto_diag *diag)
{
    sotto_status st = sotto_json_as_object(meta, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(meta); i++) {
        sotto_span name;
        int64_t version;
        sotto_json_node entry = sotto_json_member_at(meta, i, &name);
        st = check_file_entry(entry, false, diag);
        if (st == SOTTO_OK)
            st = sotto_json_get_i64(entry, "version", 1, INT64_MAX, &version, diag);
    }
    if (st == SOTTO_OK)
        st = sotto_json_as_object(sotto_json_member(meta, needed), diag);
    return st;
}

static sotto_status check_strings(sotto_json_node array, sotto_diag *diag)
{
    sotto_status st = sotto_json_as_array(array, 0, TUF_PATTERNS_MAX, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(array); i++) {
        sotto_span text;
        st = sotto_json_as_str(sotto_json_at(array, i), &text, diag);
    }
    return st;
}

static sotto_status check_delegation_name(sotto_json_node roles, size_t index, sotto_diag *diag)
{
    sotto_json_node role = sotto_json_at(roles, index);
    sotto_span name, other;
    sotto_status st = sotto_json_get_str(role, "name", &name, diag);
    if (st == SOTTO_OK && (name.len == 0 || name.len >= TUF_ROLE_MAX))
        st = sotto_json_bad(role, diag, SOTTO_ERR(SYNC, RANGE), "a role's name has 1 to %d bytes",
                            TUF_ROLE_MAX - 1);
    /* A delegated role of such a name would take a top-level role's place on disk. */
    for (int type = TUF_ROOT; st == SOTTO_OK && type <= TUF_TARGETS; type++) {
        if (sotto_span_is(name, tuf_type_name((enum tuf_type)type)))
            st = sotto_json_bad(role, diag, SOTTO_ERR(SYNC, MALFORMED), "a top-level role is delegated");
    }
    for (size_t i = 0; st == SOTTO_OK && i < index; i++) {
        st = sotto_json_get_str(sotto_json_at(roles, i), "name", &other, diag);
        if (st == SOTTO_OK && sotto_span_equal(name, other))
            st = sotto_json_bad(role, diag, SOTTO_ERR(SYNC, MALFORMED), "a role is delegated to twice");
    }
    return st;
}

static sotto_status check_delegation(sotto_json_node roles, size_t index, sotto_diag *diag)
{
    sotto_json_node role = sotto_json_at(roles, index);
    sotto_json_node paths = sotto_json_member(role, "paths");
    sotto_json_node prefixes = sotto_json_member(role, "path_hash_prefixes");
    sotto_json_node terminating = sotto_json_member(role, "terminating");
    bool by_path = sotto_json_type(paths) != SOTTO_JSON_ABSENT;
    bool value;
    sotto_status st = check_role(role, diag);
    if (st == SOTTO_OK)
        st = check_delegation_name(roles, index, diag);
    if (st == SOTTO_OK && by_path == (sotto_json_type(prefixes) != SOTTO_JSON_ABSENT))
        st = sotto_json_bad(role, diag, SOTTO_ERR(SYNC, MALFORMED),
                            "needs either paths or path_hash_prefixes");
    if (st == SOTTO_OK)
        st = check_strings(by_path ? paths : prefixes, diag);
    if (st == SOTTO_OK && sotto_json_type(terminating) != SOTTO_JSON_ABSENT)
        st = sotto_json_as_bool(terminating, &value, diag);
    return st;
}

static sotto_status check_targets(sotto_json_node body, sotto_diag *diag)
{
    sotto_json_node targets = sotto_json_member(body, "targets");
    sotto_json_node delegations = sotto_json_member(body, "delegations");
    sotto_json_node roles = sotto_json_member(delegations, "roles");
    sotto_status st = sotto_json_as_object(targets, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(targets); i++) {
        sotto_span name;
        st = check_file_entry(sotto_json_member_at(targets, i, &name), true, diag);
    }
    if (st != SOTTO_OK || sotto_json_type(delegations) == SOTTO_JSON_ABSENT)
        return st;
    st = check_keys(sotto_json_member(delegations, "keys"), diag);
    /* Without "roles" there may be another way of delegating (TAP 15), unknown here: it delegates nothing. */
    if (st == SOTTO_OK && sotto_json_type(roles) != SOTTO_JSON_ABSENT)
        st = sotto_json_as_array(roles, 0, TUF_DELEGATIONS_MAX, diag);
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(roles); i++)
        st = check_delegation(roles, i, diag);
    return st;
}

static sotto_status check_body(enum tuf_type type, sotto_json_node body, sotto_diag *diag)
{
    switch (type) {
    case TUF_ROOT:
        return check_root(body, diag);
    case TUF_TIMESTAMP:
        return check_metafiles(sotto_json_member(body, "meta"), "snapshot.json", diag);
    case TUF_SNAPSHOT:
        return check_metafiles(sotto_json_member(body, "meta"), "targets.json", diag);
    case TUF_TARGETS:
        return check_targets(body, diag);
    }
    return SOTTO_ERR(SYNC, INTERNAL);
}

/* _type, spec_version, version and expires: what all roles have (4.3). */
static sotto_status read_common(tuf_meta *meta, enum tuf_type type, sotto_diag *diag)
{
    sotto_span text;
    sotto_status st = sotto_json_as_object(meta->body, diag);
    if (st == SOTTO_OK)
        st = sotto_json_get_str(meta->body, "_type", &text, diag);
    if (st == SOTTO_OK && !sotto_span_is(text, tuf_type_name(type)))
        st = sotto_json_bad(meta->body, diag, SOTTO_ERR(SYNC, MALFORMED), "_type is not \"%s\"",
                            tuf_type_name(type));
    if (st == SOTTO_OK)
        st = sotto_json_get_str(meta->body, "spec_version", &text, diag);
    if (st == SOTTO_OK && (text.len < 2 || memcmp(text.ptr, "1.", 2) != 0))
        st = sotto_json_bad(meta->body, diag, SOTTO_ERR(SYNC, UNSUPPORTED), "spec_version is not 1.x");
    if (st == SOTTO_OK)
        st = sotto_json_get_i64(meta->body, "version", 1, INT64_MAX, &meta->version, diag);
    if (st == SOTTO_OK)
        st = sotto_json_get_str(meta->body, "expires", &text, diag);
    if (st == SOTTO_OK && (text.len != DAY_FORM_LEN || sotto_time_parse(text, &meta->expires_s) != SOTTO_OK))
        st = sotto_json_bad(sotto_json_member(meta->body, "expires"), diag, SOTTO_ERR(SYNC, MALFORMED),
                            "not of the form YYYY-MM-DDTHH:MM:SSZ");
    return st;
}

sotto_status tuf_meta_parse(tuf_meta *out, enum tuf_type type, sotto_vec *bytes, const char *name,
                            sotto_diag *diag)
{
    tuf_meta meta = {.bytes = *bytes};
    *bytes = (sotto_vec){0};
    memset(out, 0, sizeof *out);
    sotto_status st = sotto_json_parse(&meta.doc, sotto_vec_span(&meta.bytes), name, diag);
    if (st == SOTTO_OK) {
        sotto_json_node top = sotto_json_root(meta.doc);
        meta.body = sotto_json_member(top, "signed");
        st = sotto_json_as_object(top, diag);
        if (st == SOTTO_OK)
            st = check_signatures(sotto_json_member(top, "signatures"), diag);
    }
    if (st == SOTTO_OK)
        st = read_common(&meta, type, diag);
    if (st == SOTTO_OK)
        st = check_body(type, meta.body, diag);
    if (st == SOTTO_OK)
        *out = meta;
    else
        tuf_meta_free(&meta);
    return st;
}
