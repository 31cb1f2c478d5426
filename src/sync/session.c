/*
 * The continuation token: a number that this terminal showed head office last and that nobody else can show
 * next. Each night draws `next`, writes it down, then says: I am the one who has `have`, and will have
 * `next`. Head office takes a pair once, and the very same pair again (its answer was lost). A copy of this
 * disk holds the same `have` and draws another `next`: whichever of the two calls second is noticed, and both
 * are stopped.
 *
 * The file, text:  sotto session 1\n have <32 hex or ->\n next <32 hex or ->\n
 */
#include <stdio.h>
#include <string.h>

#include "client_priv.h"

#define TOKEN_BYTES 16
#define HEX_MAX     (2 * TOKEN_BYTES + 1)
#define FILE_MAX    128
#define ANSWER_MAX  ((size_t)8192)

typedef struct session {
    char have[HEX_MAX], next[HEX_MAX]; /* "-" = none */
} session;

static bool is_token(const char *text)
{
    uint8_t bytes[TOKEN_BYTES];
    return strcmp(text, "-") == 0 || sotto_hex_decode(sotto_span_str(text), bytes, sizeof bytes) == SOTTO_OK;
}

/* A file that is absent or damaged is a session without a token: a terminal that is new, or one that head
 * office will ask a person about. */
static sotto_status read_session(const char *path, session *s, sotto_diag *diag)
{
    char text[FILE_MAX] = "", have[HEX_MAX] = "", next[HEX_MAX] = "";
    sotto_vec file;
    sotto_vec_init(&file, sizeof text - 1);
    *s = (session){.have = "-", .next = "-"};
    sotto_status st = sotto_port_read_file(path, &file, NULL);
    if (st == SOTTO_OK && file.len > 0) /* an empty file has no bytes to point at */
        memcpy(text, file.ptr, file.len);
    if (st == SOTTO_OK && sscanf(text, "sotto session 1\nhave %32s\nnext %32s\n", have, next) == 2 &&
        is_token(have) && is_token(next)) {
        memcpy(s->have, have, sizeof have);
        memcpy(s->next, next, sizeof next);
    }
    sotto_vec_free(&file);
    int cause = sotto_status_cause(st);
    if (st == SOTTO_OK || cause == SOTTO_CAUSE_NOT_FOUND || cause == SOTTO_CAUSE_RANGE)
        return SOTTO_OK;
    return sotto_diag_at(diag, st, path, 0, "cannot be read");
}

static sotto_status write_session(const char *path, const session *s, sotto_diag *diag)
{
    char text[FILE_MAX];
    int len = snprintf(text, sizeof text, "sotto session 1\nhave %s\nnext %s\n", s->have, s->next);
    return sotto_port_write_file(path, sotto_span_of(text, (size_t)len), 0600, diag);
}

static sotto_status draw_next(const char *path, session *s, const sotto_entropy *entropy, sotto_diag *diag)
{
    uint8_t bytes[TOKEN_BYTES];
    if (strcmp(s->next, "-") != 0)
        return SOTTO_OK; /* said before, perhaps heard */
    sotto_status st = entropy->fill(entropy->ctx, bytes, sizeof bytes);
    if (st != SOTTO_OK)
        return sotto_diag_set(diag, st, "no number for tonight's session");
    sotto_hex_encode(sotto_span_of(bytes, sizeof bytes), s->next, sizeof s->next);
    return write_session(path, s, diag);
}

/* Not asked for by an older head office, or one that cannot be understood: it is told what is new. */
static bool asks_for_health(sotto_span body)
{
    sotto_json *doc = NULL;
    bool asked = false;
    if (sotto_json_parse(&doc, body, "answer", NULL) == SOTTO_OK &&
        sotto_json_get_bool(sotto_json_root(doc), "tell_health", &asked, NULL) != SOTTO_OK)
        asked = false;
    sotto_json_free(doc);
    return asked;
}

static sotto_status stopped(const sotto_http_message *response, sotto_diag *diag)
{
    char words[CLIENT_WORDS_MAX];
    client_words(response, words);
    return sotto_diag_set(diag, SOTTO_ERR(SYNC, DENIED), "head office has stopped this terminal: %s",
                          words[0] != '\0' ? words : "it does not say why");
}

sotto_status session_begin(sotto_client *office, const char *path, const sotto_entropy *entropy,
                           session_answer *out, sotto_diag *diag)
{
    session s;
    char body[128];
    const sotto_http_message *response;
    *out = (session_answer){0};
    sotto_status st = read_session(path, &s, diag);
    if (st == SOTTO_OK)
        st = draw_next(path, &s, entropy, diag);
    if (st != SOTTO_OK)
        return st;
    int len = snprintf(body, sizeof body, "{\"have\":\"%s\",\"next\":\"%s\"}", s.have, s.next);
    st = client_request(office, "POST", "/v1/night", "application/json", sotto_span_of(body, (size_t)len),
                        ANSWER_MAX, &response, diag);
    if (st != SOTTO_OK)
        return st;
    if (response->code == 404)
        return SOTTO_OK; /* a head office that keeps no sessions */
    out->retry_after_s = client_retry_after_s(response);
    if (response->code == 403)
        return stopped(response, diag);
    if (response->code != 200)
        return client_refusal(office, response, diag);
    out->tell_health = asks_for_health(response->body);
    memcpy(s.have, s.next, sizeof s.have);
    memcpy(s.next, "-", 2);
    return write_session(path, &s, diag);
}
