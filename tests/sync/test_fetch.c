/* Files of a release over the line: in pieces that are taken up again, as LZ4, from servers that know ranges,
 * do not, change their mind or lie. */
#include "kit.h"

#include "fetch_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PLAIN_LEN ((size_t)700 * 1024)
#define NAME      "targets/0123.model.sotto"

enum mood {
    RANGES,
    NO_RANGES,
    NOT_SATISFIABLE,
    WRONG_FROM,
    WRONG_TOTAL,
    SHORT_PIECE,
    NO_RANGE_HEADER,
    OTHER_CODING
};

/* Shared with the server's process. */
typedef struct world {
    enum mood mood;
    bool lz4; /* what is served is the packed form */
    char etag[32];
    int fail_at; /* the n-th request from now fails; 0 = none */
    int requests, with_condition;
    size_t len;
    uint8_t file[1 << 20];
} world;

typedef struct fixture {
    kit_server server;
    char dir[256];
    sotto_client *client;
    uint64_t wire_bytes;
    int64_t retry_after_s;
    sotto_vec out;
    sotto_diag diag;
} fixture;

static world *w;
static uint8_t plain[PLAIN_LEN];

static void give(sotto_reply *reply, size_t first, size_t last)
{
    static char head[256];
    char range[96] = "";
    size_t from = first + (w->mood == WRONG_FROM ? 1 : 0),
           total = w->len + (w->mood == WRONG_TOTAL ? first : 0);
    if (reply->code == 206 && w->mood != NO_RANGE_HEADER)
        (void)snprintf(range, sizeof range, "Content-Range: bytes %zu-%zu/%zu\r\n", from, last, total);
    (void)snprintf(head, sizeof head, "%s%s%s%s%s%s", range, w->etag[0] != '\0' ? "ETag: " : "", w->etag,
                   w->etag[0] != '\0' ? "\r\n" : "", w->lz4 ? "Content-Encoding: lz4\r\n" : "",
                   w->mood == OTHER_CODING ? "Content-Encoding: gzip\r\n" : "");
    reply->extra = head;
    reply->content_type = "application/octet-stream";
    size_t len = last - first + 1 - (w->mood == SHORT_PIECE ? 1 : 0);
    kit_ok(sotto_vec_put(&reply->body, w->file + first, len), NULL);
}

static void serve_file(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                       sotto_reply *reply)
{
    sotto_span value;
    char text[80] = "";
    size_t first = 0, last = 0;
    (void)ctx;
    (void)peer;
    w->requests++;
    if (w->fail_at > 0 && --w->fail_at == 0) {
        reply->code = 500;
        return;
    }
    bool asked = sotto_http_header_find(request, "range", &value) &&
                 sotto_span_to_str(value, text, sizeof text) == SOTTO_OK &&
                 sscanf(text, "bytes=%zu-%zu", &first, &last) == 2;
    bool same = true;
    if (sotto_http_header_find(request, "if-range", &value)) {
        w->with_condition++;
        same = sotto_span_is(value, w->etag);
    }
    reply->code = asked && same && w->mood != NO_RANGES ? 206 : 200;
    if (reply->code == 206 && (first >= w->len || w->mood == NOT_SATISFIABLE)) {
        reply->code = 416;
        return;
    }
    if (reply->code == 200)
        first = 0, last = w->len - 1;
    give(reply, first, last < w->len ? last : w->len - 1);
}

static void open_client(fixture *f, uint32_t rate)
{
    sotto_client_free(f->client);
    const sotto_client_config config = {
        .url = f->server.url, .max_bytes_per_s = rate, .clock = sotto_port_clock()};
    kit_ok(sotto_client_new(&f->client, &config, &f->diag), &f->diag);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(w != MAP_FAILED);
    uint32_t random = 1;
    for (size_t i = 0; i < PLAIN_LEN; i++) {
        random ^= random << 13, random ^= random >> 17, random ^= random << 5; /* Marsaglia's xorshift */
        plain[i] = i % 1000 < 300 ? 7 : (uint8_t)random;
    }
    memcpy(w->file, plain, w->len = PLAIN_LEN);
    (void)snprintf(w->etag, sizeof w->etag, "\"one\"");
    (void)snprintf(f->dir, sizeof f->dir, "%s", kit_scratch());
    const sotto_server_config config = {.handler = serve_file, .clock = sotto_port_clock()};
    kit_server_start(&f->server, config, NULL, NULL);
    open_client(f, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    sotto_client_free(f->client);
    kit_server_stop(&f->server);
    sotto_vec_free(&f->out);
    munmap(w, sizeof *w);
    free(f);
    return 0;
}

static sotto_status fetch(fixture *f, size_t max)
{
    fetch_source source = {.office = f->client,
                           .release_dir = f->dir,
                           .retry_after_s = &f->retry_after_s,
                           .wire_bytes = &f->wire_bytes};
    sotto_vec_free(&f->out);
    sotto_vec_init(&f->out, max);
    f->wire_bytes = 0;
    w->requests = 0;
    memset(&f->diag, 0, sizeof f->diag);
    return fetch_from_office(&source, NAME, max, &f->out, &f->diag);
}

static void assert_plain(const fixture *f)
{
    assert_int_equal(f->out.len, PLAIN_LEN);
    assert_memory_equal(f->out.ptr, plain, PLAIN_LEN);
}

static bool pieces_left(const fixture *f)
{
    return sotto_port_exists(kit_path(kit_path(f->dir, "part"), "0123.model.sotto"));
}

static void pack(void)
{
    sotto_buf out = sotto_buf_of(w->file, sizeof w->file);
    kit_ok(sotto_lz4_compress(sotto_span_of(plain, PLAIN_LEN), &out), NULL);
    w->len = out.len;
    w->lz4 = true;
}

static void test_in_pieces(void **state)
{
    fixture *f = *state;
    kit_ok(fetch(f, PLAIN_LEN), &f->diag);
    assert_plain(f);
    assert_true(w->requests == 3 && w->with_condition == 2 && f->wire_bytes == PLAIN_LEN);
    assert_false(pieces_left(f));
}

static void test_packed(void **state)
{
    fixture *f = *state;
    pack();
    assert_true(w->len > FETCH_PIECE && w->len < PLAIN_LEN);
    kit_ok(fetch(f, PLAIN_LEN), &f->diag);
    assert_plain(f);
    assert_int_equal(f->wire_bytes, w->len);
    assert_false(pieces_left(f));
}

/* At every request: what is there is not fetched twice, over a new connection as over a new process. */
static void test_taken_up(void **state)
{
    fixture *f = *state;
    for (int packed = 0; packed < 2; packed++) {
        if (packed)
            pack();
        int all = (int)((w->len + FETCH_PIECE - 1) / FETCH_PIECE);
        for (int n = 1; n <= all; n++) {
            w->fail_at = n;
            kit_cause(fetch(f, PLAIN_LEN), NETWORK, &f->diag);
            assert_int_equal(pieces_left(f), n > 1);
            open_client(f, 0);
            kit_ok(fetch(f, PLAIN_LEN), &f->diag);
            assert_plain(f);
            assert_int_equal(w->requests, all - n + 1);
        }
    }
}

static void test_server_without_ranges(void **state)
{
    fixture *f = *state;
    w->mood = NO_RANGES;
    w->etag[0] = '\0';
    kit_ok(fetch(f, PLAIN_LEN), &f->diag);
    assert_plain(f);
    assert_int_equal(w->requests, 1);
    pack();
    kit_ok(fetch(f, PLAIN_LEN), &f->diag);
    assert_plain(f);
}

/* Another file under the same name: the condition fails, everything comes anew. */
static void test_changed_on_the_way(void **state)
{
    fixture *f = *state;
    w->fail_at = 3;
    kit_cause(fetch(f, PLAIN_LEN), NETWORK, &f->diag);
    (void)snprintf(w->etag, sizeof w->etag, "\"two\"");
    w->file[5] ^= 1;
    kit_ok(fetch(f, PLAIN_LEN), &f->diag);
    assert_memory_equal(f->out.ptr, w->file, PLAIN_LEN);
    assert_false(pieces_left(f));
}

static void test_became_shorter(void **state)
{
    fixture *f = *state;
    w->fail_at = 3;
    kit_cause(fetch(f, PLAIN_LEN), NETWORK, &f->diag);
    w->mood = NOT_SATISFIABLE;
    kit_ok(fetch(f, PLAIN_LEN), &f->diag);
    assert_plain(f);
}

static void test_lies(void **state)
{
    fixture *f = *state;
    static const enum mood lies[] = {WRONG_FROM, WRONG_TOTAL, SHORT_PIECE, NO_RANGE_HEADER, OTHER_CODING};
    for (size_t i = 0; i < SOTTO_COUNT(lies); i++) {
        w->mood = lies[i];
        kit_cause(fetch(f, PLAIN_LEN), PROTOCOL, &f->diag);
        w->mood = RANGES;
        kit_ok(fetch(f, PLAIN_LEN), &f->diag);
        assert_plain(f);
    }
    /* Longer than what is listed: refused by its length, before it is fetched. */
    kit_cause(fetch(f, PLAIN_LEN - 1), PROTOCOL, &f->diag);
    assert_int_equal(w->requests, 1);
}

/* What unpacks to more than is signed is not unpacked beyond that, and does not lie around. */
static void test_bomb(void **state)
{
    fixture *f = *state;
    pack();
    kit_cause(fetch(f, PLAIN_LEN - 1), RANGE, &f->diag);
    assert_int_equal(f->out.len, 0);
    assert_false(pieces_left(f));
    w->file[w->len / 2] ^= 1;
    kit_cause(fetch(f, PLAIN_LEN), CORRUPT, &f->diag);
    assert_false(pieces_left(f));
}

/* Damage in the folder of pieces costs another fetch, never a wrong file that passes for whole. */
static void test_damaged_pieces(void **state)
{
    fixture *f = *state;
    static const char *const heads[] = {"", "plain", "plain 99999999999 x\n", "gzip 700 \"one\"\n",
                                        "plain 0 \"one\"\n"};
    char part[512];
    (void)snprintf(part, sizeof part, "%s/part/0123.model.sotto", f->dir);
    for (size_t i = 0; i < SOTTO_COUNT(heads); i++) {
        w->fail_at = 3;
        kit_cause(fetch(f, PLAIN_LEN), NETWORK, &f->diag);
        kit_write(kit_path(part, "head"), heads[i], strlen(heads[i]));
        kit_ok(fetch(f, PLAIN_LEN), &f->diag);
        assert_plain(f);
        assert_int_equal(w->requests, 3);
    }
    w->fail_at = 3;
    kit_cause(fetch(f, PLAIN_LEN), NETWORK, &f->diag);
    kit_write(kit_path(part, "1"), "torn", 4);
    kit_ok(fetch(f, PLAIN_LEN), &f->diag);
    assert_plain(f);
    assert_int_equal(w->requests, 2);
}

/* The bound of the line holds over pieces and requests. */
static void test_slowly(void **state)
{
    fixture *f = *state;
    struct timespec from, to;
    open_client(f, 1 << 20);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &from), 0);
    kit_ok(fetch(f, PLAIN_LEN), &f->diag);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &to), 0);
    int64_t ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
    assert_true(ms >= (int64_t)(PLAIN_LEN * 1000 >> 20) * 9 / 10);
    assert_plain(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_packed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server_without_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_on_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_became_shorter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bomb, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slowly, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
