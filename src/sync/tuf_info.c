/* What a metadata file says about itself: for status lines and for tools, and trusted by nobody. */
#include <stdio.h>

#include "tuf_priv.h"

/* The type that "_type" claims; false when it is none known. */
static bool claimed_type(sotto_span metadata, enum tuf_type *type)
{
    sotto_json *doc = NULL;
    sotto_span text = {0};
    bool known = false;
    if (sotto_json_parse(&doc, metadata, "metadata", NULL) == SOTTO_OK &&
        sotto_json_get_str(sotto_json_member(sotto_json_root(doc), "signed"), "_type", &text, NULL) ==
            SOTTO_OK) {
        for (int t = TUF_ROOT; t <= TUF_TARGETS && !known; t++) {
            *type = (enum tuf_type)t;
            known = sotto_span_is(text, tuf_type_name(*type));
        }
    }
    sotto_json_free(doc);
    return known;
}

/* An unknown type is read as a root: the parser then says what is wrong, and where. */
static sotto_status parse_copy(tuf_meta *out, enum tuf_type *type, sotto_span metadata, sotto_diag *diag)
{
    sotto_vec bytes;
    if (!claimed_type(metadata, type))
        *type = TUF_ROOT;
    sotto_vec_init(&bytes, TUF_TARGETS_BYTES);
    sotto_status st = sotto_vec_put(&bytes, metadata.ptr, metadata.len);
    if (st == SOTTO_OK)
        return tuf_meta_parse(out, *type, &bytes, "metadata", diag);
    sotto_vec_free(&bytes);
    return sotto_diag_set(diag, st, "%zu bytes of metadata are too many", metadata.len);
}

sotto_status sotto_tuf_info_read(sotto_span metadata, sotto_tuf_info *out, sotto_diag *diag)
{
    enum tuf_type type;
    tuf_meta meta = {0};
    sotto_status st = parse_copy(&meta, &type, metadata, diag);
    if (st == SOTTO_OK) {
        *out = (sotto_tuf_info){.version = meta.version, .expires_s = meta.expires_s};
        (void)snprintf(out->type, sizeof out->type, "%s", tuf_type_name(type));
        out->signatures = sotto_json_count(sotto_json_member(sotto_json_root(meta.doc), "signatures"));
        out->self_signed = type == TUF_ROOT && tuf_verify_top(&meta, TUF_ROOT, &meta, NULL) == SOTTO_OK;
    }
    tuf_meta_free(&meta);
    return st;
}

/* A file that says whose keys count: a root, or targets that delegate. role.val is NULL where it has no such
 * role. */
static sotto_status find_delegation(tuf_meta *by, tuf_delegation *out, sotto_span delegator, const char *role,
                                    sotto_diag *diag)
{
    enum tuf_type type;
    sotto_status st = parse_copy(by, &type, delegator, diag);
    if (st == SOTTO_OK && type != TUF_ROOT && type != TUF_TARGETS)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, MALFORMED), "neither a root nor a list of targets");
    if (st != SOTTO_OK)
        return st;
    sotto_json_node from = type == TUF_ROOT ? by->body : sotto_json_member(by->body, "delegations");
    sotto_json_node roles = sotto_json_member(from, "roles");
    *out = (tuf_delegation){.keys = sotto_json_member(from, "keys")};
    if (type == TUF_ROOT)
        out->role = sotto_json_member(roles, role);
    for (size_t i = 0; type == TUF_TARGETS && i < sotto_json_count(roles); i++) {
        sotto_span name;
        sotto_json_node one = sotto_json_at(roles, i);
        if (sotto_json_get_str(one, "name", &name, NULL) == SOTTO_OK && sotto_span_is(name, role))
            out->role = one;
    }
    if (out->role.val == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NOT_FOUND), "the %s has no role %s", tuf_type_name(type),
                              role);
    return SOTTO_OK;
}

static sotto_status count_signers(const tuf_delegation *by, sotto_span metadata, sotto_tuf_signers *out,
                                  sotto_diag *diag)
{
    enum tuf_type type;
    tuf_meta meta = {0};
    int64_t threshold = 0;
    sotto_status st = parse_copy(&meta, &type, metadata, diag);
    if (st == SOTTO_OK)
        st = sotto_json_get_i64(by->role, "threshold", 1, INT32_MAX, &threshold, diag);
    if (st == SOTTO_OK)
        st = tuf_count(by->keys, by->role, &meta, &out->signed_by, diag);
    out->needed = (size_t)threshold;
    tuf_meta_free(&meta);
    return st;
}

sotto_status sotto_tuf_count_signers(sotto_span delegator, const char *role, sotto_span metadata,
                                     sotto_tuf_signers *out, sotto_diag *diag)
{
    tuf_meta by = {0};
    tuf_delegation delegation;
    *out = (sotto_tuf_signers){0};
    sotto_status st = find_delegation(&by, &delegation, delegator, role, diag);
    if (st == SOTTO_OK)
        st = count_signers(&delegation, metadata, out, diag);
    tuf_meta_free(&by);
    return st;
}

static sotto_status check_paths(sotto_json_node role, const char *name, sotto_span metadata, sotto_diag *diag)
{
    enum tuf_type type;
    tuf_meta meta = {0};
    sotto_status st = parse_copy(&meta, &type, metadata, diag);
    if (st == SOTTO_OK && type != TUF_TARGETS)
        st = sotto_diag_set(diag, SOTTO_ERR(SYNC, MALFORMED), "not a list of targets");
    sotto_json_node targets = st == SOTTO_OK ? sotto_json_member(meta.body, "targets") : (sotto_json_node){0};
    for (size_t i = 0; st == SOTTO_OK && i < sotto_json_count(targets); i++) {
        sotto_span file;
        (void)sotto_json_member_at(targets, i, &file);
        if (!tuf_role_may(role, file))
            st = sotto_diag_set(diag, SOTTO_ERR(SYNC, AUTH), "%.*s is not %s's to sign",
                                (int)(file.len < 64 ? file.len : 64), (const char *)file.ptr, name);
    }
    tuf_meta_free(&meta);
    return st;
}

sotto_status sotto_tuf_check_paths(sotto_span delegator, const char *role, sotto_span metadata,
                                   sotto_diag *diag)
{
    tuf_meta by = {0};
    tuf_delegation delegation;
    sotto_status st = find_delegation(&by, &delegation, delegator, role, diag);
    if (st == SOTTO_OK)
        st = check_paths(delegation.role, role, metadata, diag);
    tuf_meta_free(&by);
    return st;
}
