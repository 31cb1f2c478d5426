/* Replies of the server. */
#include <stdio.h>
#include <string.h>

#include "server_priv.h"

static bool is_method(const sotto_http_message *m, const char *name)
{
    return sotto_span_is(m->method, name);
}

static sotto_status write_head(conn *c, bool keep_alive)
{
    sotto_buf head = sotto_buf_of(c->head, sizeof c->head);
    const char *type = c->reply.content_type;
    if (c->reply.body.len == 0)
        type = NULL;
    else if (type == NULL)
        type = "application/json";
    sotto_status st =
        sotto_http_write_response(&head, c->reply.code, type, c->reply.body.len, keep_alive, c->reply.extra);
    c->head_len = head.len;
    c->out_at = 0;
    c->close_after = !keep_alive;
    return st;
}

void conn_reply_error(conn *c, int code, sotto_status status, const char *text)
{
    uint8_t body[512];
    sotto_buf out = sotto_buf_of(body, sizeof body);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    sotto_json_name(&w, "error");
    sotto_json_obj(&w);
    sotto_json_name(&w, "room");
    sotto_json_cstr(&w, sotto_status_room_name(status));
    sotto_json_name(&w, "cause");
    sotto_json_cstr(&w, sotto_status_cause_text(status));
    sotto_json_name(&w, "text");
    sotto_json_cstr(&w, text);
    sotto_json_name(&w, "where");
    sotto_json_cstr(&w, "");
    sotto_json_obj_end(&w);
    sotto_json_obj_end(&w);
    sotto_vec_free(&c->reply.body);
    memset(&c->reply, 0, sizeof c->reply);
    c->reply.code = code;
    sotto_vec_init(&c->reply.body, sizeof body);
    /* Without memory for a body the code alone must do. */
    if (sotto_json_writer_end(&w) != SOTTO_OK || sotto_vec_put(&c->reply.body, out.ptr, out.len) != SOTTO_OK)
        sotto_vec_free(&c->reply.body);
    if (write_head(c, false) != SOTTO_OK)
        c->head_len = 0;
}

void conn_reply_busy(sotto_server *server, conn *c)
{
    static const char *const later[] = {"Retry-After: 30\r\n", "Retry-After: 45\r\n", "Retry-After: 60\r\n",
                                        "Retry-After: 75\r\n", "Retry-After: 90\r\n"};
    conn_reply_error(c, 503, SOTTO_ERR(SYNC, BUSY), "too many at once: come again later");
    c->reply.extra = later[server->stats.shed++ % SOTTO_COUNT(later)];
    if (write_head(c, false) != SOTTO_OK)
        c->head_len = 0;
}

bool conn_handle(sotto_server *server, conn *c)
{
    memset(&c->reply, 0, sizeof c->reply);
    sotto_vec_init(&c->reply.body, SIZE_MAX);
    server->config.handler(server->config.ctx, sotto_http_message_of(c->parser), &c->peer, &c->reply);
    if (c->reply.later != 0 || (c->reply.hold && server->config.commit != NULL))
        return false;
    conn_finish_reply(server, c);
    return true;
}

void conn_finish_reply(sotto_server *server, conn *c)
{
    const sotto_http_message *request = sotto_http_message_of(c->parser);
    if (c->reply.code == 0)
        c->reply.code = 500;
    if (write_head(c, request->keep_alive && !server->draining) != SOTTO_OK) {
        conn_reply_error(c, 500, SOTTO_ERR(SYNC, INTERNAL), "the reply has no valid head");
        return;
    }
    c->reply.extra = NULL; /* the handler's; copied into the head */
    if (is_method(request, "HEAD"))
        sotto_vec_free(&c->reply.body);
}

sotto_span conn_unsent(const conn *c)
{
    if (c->out_at < c->head_len)
        return sotto_span_of(c->head + c->out_at, c->head_len - c->out_at);
    size_t at = c->out_at - c->head_len;
    if (at >= c->reply.body.len)
        return sotto_span_of(NULL, 0);
    return sotto_span_of(c->reply.body.ptr + at, c->reply.body.len - at);
}
