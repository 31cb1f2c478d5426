/*
 * Tag packs at night (docs/formats/wire.md, "Tag packs"). serve says, signed, which pack it holds and to
 * which key the next one is to be sealed; head office offers one; its parts are fetched one by one and kept,
 * so that a cut line costs a part; serve judges the whole. Nothing here can be read by this process.
 */
#include "client_priv.h"

#include <stdio.h>
#include <string.h>

#define STATE_MAX    1024
#define ANSWER_MAX   ((size_t)8192)
#define PART_BYTES   ((uint64_t)SOTTO_PIECE_BYTES)
#define PACK_MAX     ((uint64_t)1100 << 20) /* the largest pack that there can be, and some */
#define DISK_SPARE   ((uint64_t)16 << 20)   /* left free for serve */
#define WANTED       "wanted"               /* number of the pack whose file lies here */
#define PATH_LEN_MAX 512

typedef struct packs {
    const sotto_night_config *config;
    sotto_night_result *result;
    char dir[PATH_LEN_MAX];
    uint64_t seq, bytes; /* offered; 0 = nothing is */
    char path[PATH_LEN_MAX];
} packs;

static sotto_status join(char *out, const char *dir, const char *name, sotto_diag *diag)
{
    int len = snprintf(out, PATH_LEN_MAX, "%s/%s", dir, name);
    if (len < 0 || len >= PATH_LEN_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), dir, 0, "the path is too long");
    return SOTTO_OK;
}

static sotto_status file_of(const packs *p, uint64_t seq, char *out, sotto_diag *diag)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%llu.pack", (unsigned long long)seq);
    return join(out, p->dir, name, diag);
}

/* ---- what is wanted ---- */

/* *none: serve has nothing to say (it is not enrolled, or older than tag packs). */
static sotto_status ask_serve(packs *p, sotto_vec *state, bool *none, sotto_diag *diag)
{
    const sotto_http_message *response;
    *none = false;
    sotto_status st = client_request(p->config->serve, "GET", "/v1/pack", NULL, sotto_span_of(NULL, 0),
                                     ANSWER_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    *none = response->code == 404;
    if (*none)
        return SOTTO_OK;
    if (response->code != 200)
        return client_refusal(p->config->serve, response, diag);
    sotto_vec_free(state);
    return sotto_vec_put(state, response->body.ptr, response->body.len);
}

static sotto_status read_offer(packs *p, sotto_span body, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    int64_t seq = 0, bytes = 0;
    sotto_status st = sotto_json_parse(&doc, body, "pack offer", diag);
    if (st == SOTTO_OK)
        st = sotto_json_get_i64(sotto_json_root(doc), "seq", 1, INT64_MAX, &seq, diag);
    if (st == SOTTO_OK)
        st = sotto_json_get_i64(sotto_json_root(doc), "bytes", 1, (int64_t)PACK_MAX, &bytes, diag);
    sotto_json_free(doc);
    p->seq = st == SOTTO_OK ? (uint64_t)seq : 0;
    p->bytes = (uint64_t)bytes;
    return st;
}

/* *stale: head office knows a later statement of this terminal's. p->seq 0: nothing to fetch. */
static sotto_status ask_office(packs *p, sotto_span state, bool *stale, sotto_diag *diag)
{
    const sotto_http_message *response;
    p->seq = 0;
    sotto_status st = client_request(p->config->head_office, "POST", "/v1/pack", "application/json", state,
                                     ANSWER_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    if (response->code == 503 || response->code == 429)
        p->result->retry_after_s = client_retry_after_s(response);
    *stale = response->code == 409;
    if (*stale || response->code == 204 || response->code == 404) /* 404: an older head office */
        return SOTTO_OK;
    return response->code == 200 ? read_offer(p, response->body, diag)
                                 : client_refusal(p->config->head_office, response, diag);
}

static sotto_status tell_serve_to_restate(packs *p, sotto_diag *diag)
{
    const sotto_http_message *response;
    sotto_status st = client_request(p->config->serve, "POST", "/v1/pack/restate", "application/json",
                                     sotto_span_str("{}"), ANSWER_MAX, &response, diag);
    if (st == SOTTO_OK && response->code != 204)
        st = client_refusal(p->config->serve, response, diag);
    return st;
}

static sotto_status agree(packs *p, bool *none, sotto_diag *diag)
{
    sotto_vec state;
    bool stale = false;
    sotto_vec_init(&state, STATE_MAX);
    sotto_status st = ask_serve(p, &state, none, diag);
    if (st == SOTTO_OK && !*none)
        st = ask_office(p, sotto_vec_span(&state), &stale, diag);
    if (st == SOTTO_OK && stale) {
        st = tell_serve_to_restate(p, diag);
        if (st == SOTTO_OK)
            st = ask_serve(p, &state, none, diag);
        if (st == SOTTO_OK)
            st = ask_office(p, sotto_vec_span(&state), &stale, diag);
        if (st == SOTTO_OK && stale)
            st = sotto_diag_set(diag, SOTTO_ERR(SYNC, CONFLICT),
                                "head office knows a later word of this terminal on its tag packs");
    }
    sotto_vec_free(&state);
    return st;
}

/* ---- fetching ---- */

/* One pack lies here at a time: what is left of another one goes. */
static sotto_status make_room(packs *p, sotto_diag *diag)
{
    char wanted[PATH_LEN_MAX], text[32], other[PATH_LEN_MAX];
    uint64_t before = 0, free_bytes = 0;
    sotto_vec file;
    sotto_vec_init(&file, sizeof text);
    sotto_status st = sotto_port_make_dir(p->dir, 0750, diag);
    if (st == SOTTO_OK)
        st = join(wanted, p->dir, WANTED, diag);
    if (st == SOTTO_OK && sotto_port_read_file(wanted, &file, NULL) == SOTTO_OK &&
        sotto_parse_u64(sotto_vec_span(&file), &before) == SOTTO_OK && before != p->seq &&
        file_of(p, before, other, NULL) == SOTTO_OK)
        (void)!sotto_port_remove_file(other, NULL); /* it may be gone */
    sotto_vec_free(&file);
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)p->seq);
    if (st == SOTTO_OK && before != p->seq)
        st = sotto_port_write_file(wanted, sotto_span_of(text, (size_t)len), 0640, diag);
    if (st == SOTTO_OK)
        st = sotto_port_disk_free(p->dir, &free_bytes, diag);
    if (st == SOTTO_OK && free_bytes < p->bytes + DISK_SPARE)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, FULL), p->dir, 0, "no room for a tag pack of %llu bytes",
                           (unsigned long long)p->bytes);
    return st;
}

static sotto_status fetch_part(packs *p, uint64_t at, sotto_diag *diag)
{
    char target[96];
    const sotto_http_message *response;
    uint64_t want = p->bytes - at < PART_BYTES ? p->bytes - at : PART_BYTES;
    (void)snprintf(target, sizeof target, "/v1/pack/%llu/%llu", (unsigned long long)p->seq,
                   (unsigned long long)(at / PART_BYTES));
    sotto_status st = client_request(p->config->head_office, "GET", target, NULL, sotto_span_of(NULL, 0),
                                     (size_t)PART_BYTES, &response, diag);
    if (st != SOTTO_OK)
        return st;
    if (response->code == 503 || response->code == 429)
        p->result->retry_after_s = client_retry_after_s(response);
    if (response->code != 200)
        return client_refusal(p->config->head_office, response, diag);
    if (response->body.len != want)
        return sotto_diag_at(diag, SOTTO_ERR(SYNC, PROTOCOL), target, 0, "has %zu bytes instead of %llu",
                             response->body.len, (unsigned long long)want);
    return sotto_port_append_file(p->path, at, response->body, 0640, diag);
}

static sotto_status fetch(packs *p, sotto_diag *diag)
{
    uint64_t have = 0;
    sotto_status st = file_of(p, p->seq, p->path, diag);
    if (st == SOTTO_OK)
        st = make_room(p, diag);
    if (st == SOTTO_OK && sotto_port_file_size(p->path, &have, NULL) != SOTTO_OK)
        have = 0;
    if (have > p->bytes)
        have = 0; /* another pack had this number: begin anew */
    else if (have < p->bytes)
        have -= have % PART_BYTES;
    for (uint64_t at = have; st == SOTTO_OK && at < p->bytes; at += PART_BYTES)
        st = fetch_part(p, at, diag);
    return st;
}

/* ---- handing over ---- */

static sotto_status refused_by_serve(const sotto_http_message *response, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_span reason;
    char words[200] = "";
    if (sotto_json_parse(&doc, response->body, "answer", NULL) == SOTTO_OK &&
        sotto_json_get_str(sotto_json_root(doc), "reason", &reason, NULL) == SOTTO_OK &&
        sotto_span_to_str(reason, words, sizeof words) != SOTTO_OK)
        words[0] = '\0';
    sotto_json_free(doc);
    return sotto_diag_set(diag, SOTTO_ERR(SYNC, DENIED), "serve refuses the tag pack: %s",
                          words[0] == '\0' ? "no reason given" : words);
}

/* *settled: serve has taken it or will not, and the file is of no use any more. */
static sotto_status hand_over(packs *p, bool *settled, sotto_diag *diag)
{
    char body[64];
    const sotto_http_message *response;
    *settled = false;
    int len = snprintf(body, sizeof body, "{\"seq\":%llu}", (unsigned long long)p->seq);
    sotto_status st = client_request(p->config->serve, "POST", "/v1/pack", "application/json",
                                     sotto_span_of(body, (size_t)len), ANSWER_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    *settled = response->code == 200 || response->code == 422;
    if (response->code == 422)
        st = refused_by_serve(response, diag);
    else if (response->code != 200)
        st = client_refusal(p->config->serve, response, diag);
    else
        p->result->pack_seq = p->seq;
    if (*settled)
        (void)!sotto_port_remove_file(p->path, NULL); /* left over, it is removed with the next pack */
    return st;
}

sotto_status pack_night(const sotto_night_config *config, sotto_night_result *result, sotto_diag *diag)
{
    packs p = {.config = config, .result = result};
    bool none = false, settled = false;
    sotto_status st = join(p.dir, config->release_dir, "packs", diag);
    if (st == SOTTO_OK)
        st = agree(&p, &none, diag);
    if (st != SOTTO_OK || none || p.seq == 0)
        return st;
    st = fetch(&p, diag);
    if (st == SOTTO_OK)
        st = hand_over(&p, &settled, diag);
    if (!settled)
        return st;
    /* Head office learns tonight what became of it. */
    sotto_diag later = {0};
    sotto_status told = agree(&p, &none, &later);
    if (st == SOTTO_OK && told != SOTTO_OK && diag != NULL)
        *diag = later;
    return st == SOTTO_OK ? told : st;
}
