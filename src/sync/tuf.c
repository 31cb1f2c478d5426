/* Opening the trusted metadata, and trust on installation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuf_priv.h"

static sotto_status set_dir(sotto_tuf *tuf, const char *dir, sotto_diag *diag)
{
    int n = snprintf(tuf->dir, sizeof tuf->dir, "%s", dir);
    if (n < 0 || (size_t)n >= sizeof tuf->dir)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), dir, 0, "path is too long");
    return SOTTO_OK;
}

sotto_status sotto_tuf_init(const char *metadata_dir, sotto_span root_json, sotto_diag *diag)
{
    char path[TUF_FILE_MAX];
    sotto_vec bytes;
    tuf_meta root = {0};
    sotto_vec_init(&bytes, TUF_ROOT_BYTES);
    int n = snprintf(path, sizeof path, "%s/root.json", metadata_dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), metadata_dir, 0, "path is too long");
    if (sotto_port_exists(path))
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, EXISTS), path, 0, "there is a trusted root already");
    sotto_status st = sotto_vec_put(&bytes, root_json.ptr, root_json.len);
    if (st == SOTTO_OK)
        st = tuf_meta_parse(&root, TUF_ROOT, &bytes, "root.json", diag);
    sotto_vec_free(&bytes);
    if (st == SOTTO_OK)
        st = tuf_verify_top(&root, TUF_ROOT, &root, diag);
    if (st == SOTTO_OK)
        st = sotto_port_make_dir(metadata_dir, 0750, diag);
    if (st == SOTTO_OK)
        st = tuf_keep_root(metadata_dir, &root, diag);
    if (st == SOTTO_OK)
        st = sotto_port_create_file(path, root_json, 0640, diag);
    tuf_meta_free(&root);
    return st;
}

/* Trusted metadata that is absent, damaged, or no longer signed by the root's keys is as if it had never
 * been: the next refresh fetches it anew. Only a want of memory or an unreadable disk is an error. */
static sotto_status load_signed(sotto_tuf *tuf, enum tuf_type type, tuf_meta *out, sotto_diag *diag)
{
    sotto_status st = tuf_load(tuf, tuf_type_name(type), type, out, diag);
    if (st == SOTTO_OK)
        st = tuf_verify_top(&tuf->root, type, out, diag);
    if (st == SOTTO_OK)
        return st;
    tuf_meta_free(out);
    int cause = sotto_status_cause(st);
    bool fatal = cause == SOTTO_CAUSE_NO_MEMORY || cause == SOTTO_CAUSE_IO || cause == SOTTO_CAUSE_DENIED;
    return fatal ? st : SOTTO_OK;
}

static sotto_status load_all(sotto_tuf *tuf, sotto_diag *diag)
{
    sotto_status st = tuf_load(tuf, "root", TUF_ROOT, &tuf->root, diag);
    if (st == SOTTO_OK)
        st = tuf_verify_top(&tuf->root, TUF_ROOT, &tuf->root, diag);
    if (st == SOTTO_OK)
        st = load_signed(tuf, TUF_TIMESTAMP, &tuf->timestamp, diag);
    if (st == SOTTO_OK)
        st = load_signed(tuf, TUF_SNAPSHOT, &tuf->snapshot, diag);
    if (st == SOTTO_OK)
        st = load_signed(tuf, TUF_TARGETS, &tuf->targets, diag);
    if (st == SOTTO_OK && tuf->targets.doc != NULL)
        st = tuf_target_list(tuf, diag);
    return st;
}

sotto_status sotto_tuf_open(sotto_tuf **out, const sotto_tuf_config *config, sotto_diag *diag)
{
    *out = NULL;
    sotto_tuf *tuf = calloc(1, sizeof *tuf);
    if (tuf == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for TUF metadata");
    tuf->fetch = config->fetch;
    tuf->fetch_ctx = config->fetch_ctx;
    tuf->now_s = config->now_s;
    sotto_status st = set_dir(tuf, config->metadata_dir, diag);
    if (st == SOTTO_OK)
        st = load_all(tuf, diag);
    if (st == SOTTO_OK)
        *out = tuf;
    else
        sotto_tuf_free(tuf);
    return st;
}

void sotto_tuf_free(sotto_tuf *tuf)
{
    if (tuf == NULL)
        return;
    tuf_delegated_drop(tuf);
    tuf_meta_free(&tuf->root);
    tuf_meta_free(&tuf->timestamp);
    tuf_meta_free(&tuf->snapshot);
    tuf_meta_free(&tuf->targets);
    free(tuf->target);
    free(tuf);
}
