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

sotto_status sotto_tuf_info_read(sotto_span metadata, sotto_tuf_info *out, sotto_diag *diag)
{
    /* An unknown type is read as a root: the parser then says what is wrong, and where. */
    enum tuf_type type = TUF_ROOT;
    tuf_meta meta = {0};
    sotto_vec bytes;
    if (!claimed_type(metadata, &type))
        type = TUF_ROOT;
    sotto_vec_init(&bytes, TUF_TARGETS_BYTES);
    sotto_status st = sotto_vec_put(&bytes, metadata.ptr, metadata.len);
    if (st != SOTTO_OK) {
        sotto_vec_free(&bytes);
        return sotto_diag_set(diag, st, "%zu bytes of metadata are too many", metadata.len);
    }
    st = tuf_meta_parse(&meta, type, &bytes, "metadata", diag);
    if (st == SOTTO_OK) {
        *out = (sotto_tuf_info){.version = meta.version, .expires_s = meta.expires_s};
        (void)snprintf(out->type, sizeof out->type, "%s", tuf_type_name(type));
        out->signatures = sotto_json_count(sotto_json_member(sotto_json_root(meta.doc), "signatures"));
        out->self_signed = type == TUF_ROOT && tuf_verify_top(&meta, TUF_ROOT, &meta, NULL) == SOTTO_OK;
    }
    tuf_meta_free(&meta);
    return st;
}
