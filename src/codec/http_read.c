#include "sotto/codec/http.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    SLACK = 64, /* bytes of chunk framing allowed for each byte of body, beyond HEAD_MAX: a peer may not frame
                   for ever */
    MAX_BODY_KEPT = 65536 /* a larger buffer is given back when the message is forgotten */
};

struct sotto_http_parser {
    llhttp_t machine;
    sotto_http_message message;
    sotto_vec body;
    sotto_status status; /* sticks */
    bool requests, no_body, head_done, done;
    size_t head_fed; /* bytes taken before the head was complete, interim responses included */
    size_t framing;  /* bytes taken after it that were not body */
    size_t token;    /* where the word being read begins in head[] */
    size_t head_len;
    uint8_t head[SOTTO_HTTP_HEAD_MAX];
};

static sotto_http_parser *parser_of(llhttp_t *machine)
{
    return machine->data;
}

static int fail(sotto_http_parser *p, sotto_status status)
{
    if (p->status == SOTTO_OK)
        p->status = status;
    return HPE_USER;
}

/* Words arrive in pieces; they are laid end to end in head[]. */
static int add(sotto_http_parser *p, const char *at, size_t len)
{
    if (p->head_done)
        return HPE_OK; /* trailers are read over: what was decided on the head may not change behind it */
    if (len > sizeof p->head - p->head_len)
        return fail(p, SOTTO_ERR(CODEC, RANGE));
    memcpy(p->head + p->head_len, at, len);
    p->head_len += len;
    return HPE_OK;
}

static int on_word(llhttp_t *machine, const char *at, size_t len)
{
    return add(parser_of(machine), at, len);
}

static sotto_span end_word(sotto_http_parser *p)
{
    sotto_span word = {.ptr = p->head + p->token, .len = p->head_len - p->token};
    p->token = p->head_len;
    return word;
}

static int on_method_complete(llhttp_t *machine)
{
    parser_of(machine)->message.method = end_word(parser_of(machine));
    return HPE_OK;
}

static int on_url_complete(llhttp_t *machine)
{
    parser_of(machine)->message.target = end_word(parser_of(machine));
    return HPE_OK;
}

static int on_name_complete(llhttp_t *machine)
{
    sotto_http_parser *p = parser_of(machine);
    if (p->head_done)
        return HPE_OK;
    if (p->message.headers == SOTTO_HTTP_HEADERS_MAX)
        return fail(p, SOTTO_ERR(CODEC, RANGE));
    p->message.header[p->message.headers++] = (sotto_http_header){.name = end_word(p)};
    return HPE_OK;
}

static int on_value_complete(llhttp_t *machine)
{
    sotto_http_parser *p = parser_of(machine);
    if (p->head_done)
        return HPE_OK;
    sotto_span value = end_word(p);
    while (value.len > 0 && (value.ptr[value.len - 1] == ' ' || value.ptr[value.len - 1] == '\t'))
        value.len--;
    p->message.header[p->message.headers - 1].value = value;
    return HPE_OK;
}

static bool same_text(sotto_span a, const char *text)
{
    return a.len == strlen(text) && strncasecmp((const char *)a.ptr, text, a.len) == 0;
}

bool sotto_http_header_find(const sotto_http_message *m, const char *name, sotto_span *value)
{
    for (size_t i = 0; i < m->headers; i++)
        if (same_text(m->header[i].name, name)) {
            *value = m->header[i].value;
            return true;
        }
    return false;
}

static unsigned count_headers(const sotto_http_message *m, const char *name)
{
    unsigned n = 0;
    for (size_t i = 0; i < m->headers; i++)
        n += same_text(m->header[i].name, name);
    return n;
}

/* Where two readers could find the end of a message, or its server, in different places, the message is
 * refused (RFC 9112, sections 3.2, 6.1, 6.3 and 11.2): both lengths, a length twice, any coding but a single
 * "chunked", no Host or two. */
static bool is_ambiguous(const sotto_http_parser *p)
{
    const sotto_http_message *m = &p->message;
    sotto_span coding;
    unsigned codings = count_headers(m, "Transfer-Encoding"), lengths = count_headers(m, "Content-Length");
    bool chunked = sotto_http_header_find(m, "Transfer-Encoding", &coding) && same_text(coding, "chunked");
    if (codings + lengths > 1 || (codings == 1 && !chunked))
        return true;
    bool host_needed = p->requests && p->machine.http_minor == 1;
    unsigned hosts = count_headers(m, "Host");
    return hosts > 1 || (host_needed && hosts == 0);
}

static int on_head_complete(llhttp_t *machine)
{
    sotto_http_parser *p = parser_of(machine);
    p->head_done = true;
    p->message.is_request = p->requests;
    p->message.code = p->requests ? 0 : llhttp_get_status_code(machine);
    bool known_version = machine->http_major == 1 && machine->http_minor <= 1;
    if (!known_version || is_ambiguous(p) || (p->requests && machine->method == HTTP_CONNECT))
        return fail(p, SOTTO_ERR(CODEC, MALFORMED));
    if (!p->no_body && machine->content_length > p->body.limit)
        return fail(p, SOTTO_ERR(CODEC, RANGE));
    machine->upgrade = 0; /* an offer of another protocol is not taken up; the message is an ordinary one */
    return p->no_body ? 1 : 0;
}

static int on_body(llhttp_t *machine, const char *at, size_t len)
{
    sotto_http_parser *p = parser_of(machine);
    sotto_status status = sotto_vec_put(&p->body, at, len);
    return status == SOTTO_OK ? HPE_OK : fail(p, status);
}

static void forget_message(sotto_http_parser *p)
{
    p->message = (sotto_http_message){0};
    p->body.len = 0;
    p->token = p->head_len = 0;
    p->head_done = p->done = false;
}

static int on_message_complete(llhttp_t *machine)
{
    sotto_http_parser *p = parser_of(machine);
    if (!p->requests && p->message.code >= 100 && p->message.code < 200) {
        forget_message(p); /* an interim response: the real one follows (RFC 9110, section 15.2) */
        return HPE_OK;
    }
    p->message.body = sotto_vec_span(&p->body);
    p->message.keep_alive = llhttp_should_keep_alive(machine) != 0;
    p->done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
    static const llhttp_settings_t SETTINGS = {
        .on_method = on_word,
        .on_method_complete = on_method_complete,
        .on_url = on_word,
        .on_url_complete = on_url_complete,
        .on_header_field = on_word,
        .on_header_field_complete = on_name_complete,
        .on_header_value = on_word,
        .on_header_value_complete = on_value_complete,
        .on_headers_complete = on_head_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
    };
    return &SETTINGS;
}

sotto_http_parser *sotto_http_parser_new(bool requests, size_t body_max)
{
    sotto_http_parser *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->requests = requests;
    sotto_vec_init(&p->body, body_max);
    sotto_http_parser_reset(p);
    return p;
}

void sotto_http_parser_free(sotto_http_parser *p)
{
    if (p == NULL)
        return;
    sotto_vec_free(&p->body);
    free(p);
}

void sotto_http_parser_reset(sotto_http_parser *p)
{
    forget_message(p);
    p->status = SOTTO_OK;
    p->no_body = false;
    p->head_fed = p->framing = 0;
    if (p->body.cap > MAX_BODY_KEPT)
        sotto_vec_free(&p->body);
    llhttp_init(&p->machine, p->requests ? HTTP_REQUEST : HTTP_RESPONSE, settings());
    p->machine.data = p;
}

void sotto_http_parser_no_body(sotto_http_parser *p)
{
    p->no_body = true;
}

const sotto_http_message *sotto_http_message_of(const sotto_http_parser *p)
{
    return &p->message;
}

/* How many bytes may be shown to the machine now: the head has its own bound. */
static size_t allowance(const sotto_http_parser *p, size_t len)
{
    size_t left = SOTTO_HTTP_HEAD_MAX - p->head_fed;
    return !p->head_done && len > left ? left : len;
}

static void check_growth(sotto_http_parser *p, bool head_was_done, size_t taken, size_t body)
{
    if (!head_was_done)
        p->head_fed += p->head_done ? 0 : taken;
    else
        p->framing += taken - body;
    bool head_too_long = !p->head_done && !p->done && p->head_fed == SOTTO_HTTP_HEAD_MAX;
    if (head_too_long || p->framing > SOTTO_HTTP_HEAD_MAX + SLACK * p->body.len)
        (void)fail(p, SOTTO_ERR(CODEC, RANGE));
}

static size_t execute(sotto_http_parser *p, const uint8_t *at, size_t len)
{
    llhttp_errno_t error = llhttp_execute(&p->machine, (const char *)at, len);
    if (error == HPE_OK)
        return len;
    if (error != HPE_PAUSED || !p->done)
        (void)fail(p, SOTTO_ERR(CODEC, MALFORMED));
    const char *stop = llhttp_get_error_pos(&p->machine);
    return stop == NULL ? 0 : (size_t)(stop - (const char *)at);
}

sotto_status sotto_http_feed(sotto_http_parser *p, sotto_span bytes, size_t *used, bool *done)
{
    *used = 0;
    while (p->status == SOTTO_OK && !p->done && *used < bytes.len) {
        bool head_was_done = p->head_done;
        size_t body_before = p->body.len;
        size_t taken = execute(p, bytes.ptr + *used, allowance(p, bytes.len - *used));
        *used += taken;
        check_growth(p, head_was_done, taken, p->body.len - body_before);
    }
    *done = p->done && p->status == SOTTO_OK;
    return p->status;
}

sotto_status sotto_http_finish(sotto_http_parser *p, bool *done)
{
    bool idle = !p->head_done && p->head_fed == 0; /* closed between two messages, as peers do */
    if (p->status == SOTTO_OK && !p->done && !idle) {
        llhttp_errno_t error = llhttp_finish(&p->machine);
        if (!p->done)
            (void)fail(p, SOTTO_ERR(CODEC, TRUNCATED));
        else if (error != HPE_OK && error != HPE_PAUSED)
            (void)fail(p, SOTTO_ERR(CODEC, MALFORMED));
    }
    *done = p->done && p->status == SOTTO_OK;
    return p->status;
}
