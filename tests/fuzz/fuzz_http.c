/* Any bytes as HTTP: a parser that gets them at once and one that gets them in pieces agree about everything.
 * The first byte says whether they are requests, and how long the pieces are. */
#include "fuzz.h"

#include "sotto/codec.h"

enum { BODY_MAX = 2048 };

static sotto_status feed(sotto_http_parser *p, sotto_span bytes, size_t piece, size_t *used, bool *done)
{
    sotto_status status = SOTTO_OK;
    *used = 0;
    *done = false;
    while (status == SOTTO_OK && !*done && *used < bytes.len) {
        size_t taken, left = bytes.len - *used;
        status =
            sotto_http_feed(p, sotto_span_of(bytes.ptr + *used, left < piece ? left : piece), &taken, done);
        require(taken <= left && (taken > 0 || status != SOTTO_OK));
        *used += taken;
    }
    return status;
}

static void require_same(const sotto_http_message *a, const sotto_http_message *b)
{
    require(a->is_request == b->is_request && a->code == b->code && a->keep_alive == b->keep_alive);
    require(sotto_span_equal(a->method, b->method) && sotto_span_equal(a->target, b->target));
    require(sotto_span_equal(a->body, b->body) && a->body.len <= BODY_MAX && a->headers == b->headers);
    for (size_t i = 0; i < a->headers; i++)
        require(sotto_span_equal(a->header[i].name, b->header[i].name) &&
                sotto_span_equal(a->header[i].value, b->header[i].value));
}

/* One message of the stream; false when there is no other behind it. */
static bool next_message(sotto_http_parser *whole, sotto_http_parser *pieces, sotto_span *bytes, size_t piece)
{
    size_t used, used_in_pieces;
    bool done, done_in_pieces;
    sotto_status status = feed(whole, *bytes, SIZE_MAX, &used, &done);
    sotto_status status_in_pieces = feed(pieces, *bytes, piece, &used_in_pieces, &done_in_pieces);
    require(status == status_in_pieces && done == done_in_pieces);
    if (status != SOTTO_OK)
        return false;
    require(used == used_in_pieces);
    bool at_end = !done;
    if (at_end) {
        status = sotto_http_finish(whole, &done);
        require(sotto_http_finish(pieces, &done_in_pieces) == status && done == done_in_pieces);
    }
    if (done)
        require_same(sotto_http_message_of(whole), sotto_http_message_of(pieces));
    *bytes = sotto_span_of(bytes->ptr + used, bytes->len - used);
    sotto_http_parser_reset(whole);
    sotto_http_parser_reset(pieces);
    return !at_end && bytes->len > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096)
        return 0;
    bool requests = data[0] & 1;
    sotto_http_parser *whole = sotto_http_parser_new(requests, BODY_MAX);
    sotto_http_parser *pieces = sotto_http_parser_new(requests, BODY_MAX);
    require(whole != NULL && pieces != NULL);
    sotto_span bytes = sotto_span_of(data + 1, size - 1);
    while (next_message(whole, pieces, &bytes, (size_t)(data[0] >> 1) % 16 + 1))
        ;
    sotto_http_parser_free(whole);
    sotto_http_parser_free(pieces);
    return 0;
}
