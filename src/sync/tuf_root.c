/* 5.2 and 5.3: the root of trust, and how it follows its own rotations. */
#include <stdio.h>

#include "tuf_priv.h"

bool tuf_consistent(const sotto_tuf *tuf)
{
    bool value = false;
    /* Absent means false (4.3). */
    if (sotto_json_get_bool(tuf->root.body, "consistent_snapshot", &value, NULL) != SOTTO_OK)
        value = false;
    return value;
}

sotto_status tuf_check_expiry(const sotto_tuf *tuf, const tuf_meta *meta, const char *name, sotto_diag *diag)
{
    char when[21];
    if (meta->expires_s > tuf->now_s)
        return SOTTO_OK;
    sotto_time_format(meta->expires_s, when);
    return sotto_diag_at(diag, SOTTO_ERR(SYNC, EXPIRED), name, 0, "expired on %s", when);
}

/* 5.3.11: after keys of timestamp or snapshot changed, an attacker who held the old ones may have driven the
 * version numbers far ahead; the numbers start afresh. */
static sotto_status forget_fast_forward(sotto_tuf *tuf, bool rotated, sotto_diag *diag)
{
    if (!rotated)
        return SOTTO_OK;
    tuf_meta_free(&tuf->timestamp);
    tuf_meta_free(&tuf->snapshot);
    sotto_status st = tuf_forget(tuf, "timestamp", diag);
    return st == SOTTO_OK ? tuf_forget(tuf, "snapshot", diag) : st;
}

sotto_status tuf_root_step(sotto_tuf *tuf, sotto_vec *bytes, sotto_diag *diag)
{
    tuf_meta next;
    sotto_status st = tuf_meta_parse(&next, TUF_ROOT, bytes, "root.json", diag);
    /* 5.3.4: a threshold of the old root's keys, and of its own. */
    if (st == SOTTO_OK)
        st = tuf_verify_top(&tuf->root, TUF_ROOT, &next, diag);
    if (st == SOTTO_OK)
        st = tuf_verify_top(&next, TUF_ROOT, &next, diag);
    /* 5.3.5 */
    if (st == SOTTO_OK && next.version - 1 != tuf->root.version)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, ROLLBACK), "root.json", 0,
                           "version %lld follows version %lld", (long long)next.version,
                           (long long)tuf->root.version);
    /* 5.3.7, 5.3.8: the chain is kept first, so that root.json never names a version whose predecessors a
     * follower cannot find. */
    if (st == SOTTO_OK)
        st = tuf_keep_root(tuf->dir, &next, diag);
    if (st == SOTTO_OK)
        st = tuf_persist(tuf, "root", sotto_vec_span(&next.bytes), diag);
    if (st == SOTTO_OK) {
        bool rotated = tuf_role_rotated(&tuf->root, &next, TUF_TIMESTAMP) ||
                       tuf_role_rotated(&tuf->root, &next, TUF_SNAPSHOT);
        tuf_meta_move(&tuf->root, &next);
        st = forget_fast_forward(tuf, rotated, diag);
    }
    tuf_meta_free(&next);
    return st;
}

sotto_status tuf_root_update(sotto_tuf *tuf, sotto_diag *diag)
{
    sotto_status st = SOTTO_OK;
    for (int i = 0; st == SOTTO_OK && i < TUF_ROOTS_A_REFRESH; i++) {
        char path[TUF_PATH_MAX];
        sotto_vec bytes;
        (void)snprintf(path, sizeof path, "%lld.root.json", (long long)tuf->root.version + 1);
        st = tuf_fetch_file(tuf, path, TUF_ROOT_BYTES, &bytes, diag);
        if (sotto_status_cause(st) == SOTTO_CAUSE_NOT_FOUND)
            break; /* 5.3.3: this is the newest */
        if (st == SOTTO_OK)
            st = tuf_root_step(tuf, &bytes, diag);
    }
    if (sotto_status_cause(st) == SOTTO_CAUSE_NOT_FOUND)
        st = SOTTO_OK;
    return st == SOTTO_OK ? tuf_check_expiry(tuf, &tuf->root, "root.json", diag) : st; /* 5.3.10 */
}
