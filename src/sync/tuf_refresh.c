/* 5.4 to 5.6: timestamp, snapshot and targets, each trusted by what was verified before it. New metadata
 * replaces the trusted one only after every check and after it is safe on disk. */
#include <stdio.h>
#include <string.h>

#include "tuf_priv.h"

static sotto_json_node listed_file(const tuf_meta *lister, const char *file)
{
    return sotto_json_member(sotto_json_member(lister->body, "meta"), file);
}

static int64_t listed_version(sotto_json_node entry)
{
    int64_t version = 0;
    /* Its form was checked when the lister was parsed; an absent entry has version 0. */
    return sotto_json_get_i64(entry, "version", 1, INT64_MAX, &version, NULL) == SOTTO_OK ? version : 0;
}

/* Writes the file and lets the new metadata become the trusted one. */
static sotto_status adopt(sotto_tuf *tuf, enum tuf_type type, tuf_meta *trusted, tuf_meta *next,
                          sotto_diag *diag)
{
    sotto_status st = tuf_persist(tuf, tuf_type_name(type), sotto_vec_span(&next->bytes), diag);
    if (st == SOTTO_OK)
        tuf_meta_move(trusted, next);
    return st;
}

/* 5.4.3 against the trusted timestamp, if any. *same when the version is the trusted one's. */
static sotto_status check_timestamp_rollback(const sotto_tuf *tuf, const tuf_meta *next, bool *same,
                                             sotto_diag *diag)
{
    *same = false;
    if (tuf->timestamp.doc == NULL)
        return SOTTO_OK;
    int64_t before = listed_version(listed_file(&tuf->timestamp, "snapshot.json"));
    int64_t after = listed_version(listed_file(next, "snapshot.json"));
    *same = next->version == tuf->timestamp.version;
    if (next->version < tuf->timestamp.version)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, ROLLBACK), "timestamp.json", 0,
                             "version %lld is below %lld", (long long)next->version,
                             (long long)tuf->timestamp.version);
    if (!*same && after < before)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, ROLLBACK), "timestamp.json", 0,
                             "lists snapshot version %lld, below %lld", (long long)after, (long long)before);
    return SOTTO_OK;
}

static sotto_status update_timestamp(sotto_tuf *tuf, sotto_diag *diag)
{
    sotto_vec bytes;
    tuf_meta next;
    bool same = false;
    sotto_status st = tuf_fetch_file(tuf, "timestamp.json", TUF_TIMESTAMP_BYTES, &bytes, diag);
    if (st != SOTTO_OK)
        return st;
    st = tuf_meta_parse(&next, TUF_TIMESTAMP, &bytes, "timestamp.json", diag);
    if (st == SOTTO_OK)
        st = tuf_verify_top(&tuf->root, TUF_TIMESTAMP, &next, diag);
    if (st == SOTTO_OK)
        st = check_timestamp_rollback(tuf, &next, &same, diag);
    if (st == SOTTO_OK && !same)
        st = tuf_check_expiry(tuf, &next, "timestamp.json", diag);
    if (st == SOTTO_OK && !same)
        st = adopt(tuf, TUF_TIMESTAMP, &tuf->timestamp, &next, diag);
    tuf_meta_free(&next);
    /* 5.4.3.1: the same version is no news. What it led to may be incomplete after an interruption, so the
     * walk goes on with the trusted one, which must not have expired meanwhile. */
    return st == SOTTO_OK ? tuf_check_expiry(tuf, &tuf->timestamp, "timestamp.json", diag) : st;
}

/* 5.5.5: nothing that the trusted snapshot lists may vanish or go back. */
static sotto_status check_snapshot_rollback(const tuf_meta *trusted, const tuf_meta *next, sotto_diag *diag)
{
    sotto_json_node before = sotto_json_member(trusted->body, "meta");
    if (trusted->doc == NULL)
        return SOTTO_OK;
    for (size_t i = 0; i < sotto_json_count(before); i++) {
        sotto_span name;
        char text[TUF_PATH_MAX];
        int64_t old = listed_version(sotto_json_member_at(before, i, &name));
        if (sotto_span_to_str(name, text, sizeof text) != SOTTO_OK)
            return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), "snapshot.json", 0,
                                 "a role's name is too long");
        int64_t now = listed_version(listed_file(next, text));
        if (now < old)
            return sotto_diag_at(diag, SOTTO_ERR(SYNC, ROLLBACK), "snapshot.json", 0,
                                 "%.80s went from version %lld to %lld", text, (long long)old,
                                 (long long)now);
    }
    return SOTTO_OK;
}

/* Whether metadata held already is what the lister asks for: then nothing is fetched. */
static bool is_current(const tuf_meta *held, sotto_json_node entry)
{
    return held->doc != NULL && held->version == listed_version(entry) &&
           tuf_check_listed(entry, false, sotto_vec_span(&held->bytes), "", NULL) == SOTTO_OK;
}

/* 5.5.1 to 5.5.4, and 5.6.1 to 5.6.4: fetched, of the listed length and hash, signed, of the listed version.
 */
static sotto_status fetch_listed(sotto_tuf *tuf, enum tuf_type type, sotto_json_node entry, size_t fallback,
                                 tuf_meta *out, sotto_diag *diag)
{
    char path[TUF_PATH_MAX], name[32];
    sotto_vec bytes;
    memset(out, 0, sizeof *out);
    (void)snprintf(name, sizeof name, "%s.json", tuf_type_name(type));
    if (tuf_consistent(tuf))
        (void)snprintf(path, sizeof path, "%lld.%s", (long long)listed_version(entry), name);
    else
        (void)snprintf(path, sizeof path, "%s", name);
    sotto_status st = tuf_fetch_file(tuf, path, tuf_listed_max(entry, fallback), &bytes, diag);
    if (st != SOTTO_OK)
        return st;
    st = tuf_check_listed(entry, false, sotto_vec_span(&bytes), name, diag);
    if (st == SOTTO_OK)
        st = tuf_meta_parse(out, type, &bytes, name, diag);
    sotto_vec_free(&bytes);
    if (st == SOTTO_OK)
        st = tuf_verify_top(&tuf->root, type, out, diag);
    if (st == SOTTO_OK && out->version != listed_version(entry))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, CORRUPT), name, 0, "has version %lld, listed as %lld",
                           (long long)out->version, (long long)listed_version(entry));
    return st;
}

static sotto_status update_snapshot(sotto_tuf *tuf, sotto_diag *diag)
{
    tuf_meta next;
    sotto_json_node entry = listed_file(&tuf->timestamp, "snapshot.json");
    if (is_current(&tuf->snapshot, entry))
        return tuf_check_expiry(tuf, &tuf->snapshot, "snapshot.json", diag);
    sotto_status st = fetch_listed(tuf, TUF_SNAPSHOT, entry, TUF_SNAPSHOT_BYTES, &next, diag);
    if (st == SOTTO_OK)
        st = check_snapshot_rollback(&tuf->snapshot, &next, diag);
    if (st == SOTTO_OK)
        st = tuf_check_expiry(tuf, &next, "snapshot.json", diag);
    if (st == SOTTO_OK)
        st = adopt(tuf, TUF_SNAPSHOT, &tuf->snapshot, &next, diag);
    tuf_meta_free(&next);
    return st;
}

static sotto_status update_targets(sotto_tuf *tuf, sotto_diag *diag)
{
    tuf_meta next;
    sotto_json_node entry = listed_file(&tuf->snapshot, "targets.json");
    if (is_current(&tuf->targets, entry))
        return tuf_check_expiry(tuf, &tuf->targets, "targets.json", diag);
    sotto_status st = fetch_listed(tuf, TUF_TARGETS, entry, TUF_TARGETS_BYTES, &next, diag);
    if (st == SOTTO_OK)
        st = tuf_check_expiry(tuf, &next, "targets.json", diag);
    if (st == SOTTO_OK)
        st = adopt(tuf, TUF_TARGETS, &tuf->targets, &next, diag);
    if (st == SOTTO_OK)
        st = tuf_target_list(tuf, diag);
    tuf_meta_free(&next);
    return st;
}

sotto_status sotto_tuf_refresh(sotto_tuf *tuf, sotto_diag *diag)
{
    tuf_delegated_drop(tuf);
    sotto_status st = tuf_root_update(tuf, diag);
    if (st == SOTTO_OK)
        st = update_timestamp(tuf, diag);
    if (st == SOTTO_OK)
        st = update_snapshot(tuf, diag);
    if (st == SOTTO_OK)
        st = update_targets(tuf, diag);
    return st;
}
