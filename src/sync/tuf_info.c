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

sotto_status sotto_tuf_count_signers(sotto_span root, const char *role, sotto_span metadata,
                                     sotto_tuf_signers *out, sotto_diag *diag)
{
    enum tuf_type type;
    tuf_meta by = {0}, meta = {0};
    int64_t threshold = 0;
    *out = (sotto_tuf_signers){0};
    sotto_status st = parse_copy(&by, &type, root, diag);
    if (st == SOTTO_OK && type != TUF_ROOT)
        st = sotto_diag_set(diag, SOTTO_ERR(SYNC, MALFORMED), "not a root");
    if (st == SOTTO_OK)
        st = parse_copy(&meta, &type, metadata, diag);
    sotto_json_node entry = {by.doc, NULL};
    if (st == SOTTO_OK)
        entry = sotto_json_member(sotto_json_member(by.body, "roles"), role);
    if (st == SOTTO_OK && sotto_json_type(entry) != SOTTO_JSON_OBJ)
        st = sotto_diag_set(diag, SOTTO_ERR(SYNC, NOT_FOUND), "the root has no role %s", role);
    if (st == SOTTO_OK)
        st = sotto_json_get_i64(entry, "threshold", 1, INT32_MAX, &threshold, diag);
    if (st == SOTTO_OK)
        st = tuf_count(sotto_json_member(by.body, "keys"), entry, &meta, &out->signed_by, diag);
    out->needed = (size_t)threshold;
    tuf_meta_free(&by);
    tuf_meta_free(&meta);
    return st;
}
