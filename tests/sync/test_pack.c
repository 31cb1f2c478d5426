/*
 * A tag pack comes part by part from one process and is handed to another: a line that is cut costs a part, a
 * statement that head office finds too old is made anew, and a file that serve may take later stays.
 */
#include "client_priv.h"
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PART       ((size_t)SOTTO_PIECE_BYTES)
#define PACK_BYTES (2 * PART + 4321)
#define PARTS      3
#define SEQ        7

/* What both servers know, shared with the test. */
typedef struct world {
    int asked[PARTS];
    int fail_part;  /* 1 to PARTS: this one is not there tonight; 0 = all are */
    int short_part; /* this one comes without its end */
    int stale;      /* so many statements are too old */
    int restated, statements;
    int serve_code; /* other than 0: serve's answer to a pack */
    int taken;
    bool wrong_bytes;
    char file[256];
} world;

static world *w;
static uint8_t pack[PACK_BYTES];

static void put_json(sotto_reply *reply, int code, const char *json)
{
    reply->code = code;
    kit_ok(sotto_vec_printf(&reply->body, "%s", json), NULL);
}

static void give_part(int part, sotto_reply *reply)
{
    size_t at = (size_t)part * PART, len = PACK_BYTES - at < PART ? PACK_BYTES - at : PART;
    w->asked[part]++;
    if (w->fail_part == part + 1) {
        put_json(reply, 500, "{\"error\":{\"text\":\"in a mood\"}}");
        return;
    }
    reply->code = 200;
    reply->content_type = "application/octet-stream";
    kit_ok(sotto_vec_put(&reply->body, pack + at, w->short_part == part + 1 ? len - 1 : len), NULL);
}

static void office(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    static const char parts[] = "/v1/pack/7/";
    char target[64], answer[64];
    (void)ctx;
    (void)peer;
    kit_ok(sotto_span_to_str(request->target, target, sizeof target), NULL);
    const int part = strncmp(target, parts, sizeof parts - 1) == 0 ? target[sizeof parts - 1] - '0' : -1;
    if (part >= 0 && part < PARTS) {
        give_part(part, reply);
    } else if (strcmp(target, "/v1/pack") != 0 || !sotto_span_is(request->body, "{\"said\":\"this\"}")) {
        put_json(reply, 404, "{}");
    } else if (w->stale > 0) {
        w->stale--;
        put_json(reply, 409, "{}");
    } else if (w->taken > 0) {
        reply->code = 204;
    } else {
        (void)snprintf(answer, sizeof answer, "{\"seq\":%d,\"bytes\":%zu}", SEQ, PACK_BYTES);
        put_json(reply, 200, answer);
    }
}

static void take_pack(const sotto_http_message *request, sotto_reply *reply)
{
    if (w->serve_code != 0) {
        put_json(reply, w->serve_code, "{\"accepted\":false,\"reason\":\"not tonight\"}");
        return;
    }
    sotto_vec bytes = kit_read(w->file);
    w->wrong_bytes = !sotto_span_is(request->body, "{\"seq\":7}") ||
                     !sotto_span_equal(sotto_vec_span(&bytes), sotto_span_of(pack, sizeof pack));
    sotto_vec_free(&bytes);
    w->taken++;
    put_json(reply, 200, "{\"accepted\":true}");
}

static void serve(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    (void)ctx;
    (void)peer;
    if (sotto_span_is(request->target, "/v1/pack/restate")) {
        w->restated++;
        reply->code = 204;
    } else if (sotto_span_is(request->method, "GET")) {
        w->statements++;
        put_json(reply, 200, "{\"said\":\"this\"}");
    } else {
        take_pack(request, reply);
    }
}

typedef struct fixture {
    kit_server office, serve;
    kit_clock clock;
    char dir[200];
    sotto_night_result result;
    sotto_diag diag;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(w != MAP_FAILED);
    for (size_t i = 0; i < sizeof pack; i++)
        pack[i] = (uint8_t)(i * 31 + i / 251);
    (void)snprintf(f->dir, sizeof f->dir, "%s", kit_scratch());
    (void)snprintf(w->file, sizeof w->file, "%s/packs/7.pack", f->dir);
    f->clock.utc_s = REPO_NOW_S;
    kit_server_start(&f->office, (sotto_server_config){.handler = office}, NULL, NULL);
    kit_server_start(&f->serve, (sotto_server_config){.handler = serve}, NULL, kit_path(f->dir, "link.sock"));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kit_server_stop(&f->office);
    kit_server_stop(&f->serve);
    (void)munmap(w, sizeof *w);
    free(f);
    return 0;
}

static sotto_client *connect_to(fixture *f, const kit_server *server)
{
    const sotto_client_config config = {
        .url = server->url, .timeout_ms = 20000, .clock = kit_clock_of(&f->clock)};
    sotto_client *client = NULL;
    kit_ok(sotto_client_new(&client, &config, &f->diag), &f->diag);
    return client;
}

static sotto_status night(fixture *f)
{
    memset(&f->diag, 0, sizeof f->diag);
    memset(&f->result, 0, sizeof f->result);
    memset(w->asked, 0, sizeof w->asked);
    const sotto_night_config config = {.head_office = connect_to(f, &f->office),
                                       .serve = connect_to(f, &f->serve),
                                       .release_dir = f->dir,
                                       .clock = kit_clock_of(&f->clock)};
    sotto_status st = pack_night(&config, &f->result, &f->diag);
    sotto_client_free(config.head_office);
    sotto_client_free(config.serve);
    return st;
}

static void expect_asked(int first, int second, int third)
{
    assert_int_equal(w->asked[0], first);
    assert_int_equal(w->asked[1], second);
    assert_int_equal(w->asked[2], third);
}

static void expect_taken(fixture *f)
{
    kit_ok(night(f), &f->diag);
    assert_int_equal(f->result.pack_seq, SEQ);
    assert_int_equal(w->taken, 1);
    assert_false(w->wrong_bytes);
    assert_false(sotto_port_exists(w->file));
}

static void test_a_pack_comes_whole(void **state)
{
    fixture *f = *state;
    expect_taken(f);
    expect_asked(1, 1, 1);
    assert_int_equal(w->statements, 2); /* what became of it is said in the same night */
    kit_ok(night(f), &f->diag);
    expect_asked(0, 0, 0);
}

static void test_a_cut_costs_a_part(void **state)
{
    fixture *f = *state;
    w->fail_part = 2;
    kit_cause(night(f), NETWORK, &f->diag);
    expect_asked(1, 1, 0);
    w->fail_part = 3;
    kit_cause(night(f), NETWORK, &f->diag);
    expect_asked(0, 1, 1);
    w->fail_part = 0;
    w->short_part = 3;
    kit_cause(night(f), PROTOCOL, &f->diag);
    expect_asked(0, 0, 1);
    assert_int_equal(w->taken, 0);
    w->short_part = 0;
    expect_taken(f);
    expect_asked(0, 0, 1);
}

/* The power went while a part was being written: that part comes again. And a longer file is another pack's.
 */
static void test_what_lies_there_is_judged(void **state)
{
    fixture *f = *state;
    static uint8_t longer[PACK_BYTES + 1];
    w->fail_part = 3;
    kit_cause(night(f), NETWORK, &f->diag);
    kit_write(w->file, pack, PART + 99);
    kit_cause(night(f), NETWORK, &f->diag);
    expect_asked(0, 1, 1);
    kit_write(w->file, longer, sizeof longer);
    w->fail_part = 0;
    expect_taken(f);
    expect_asked(1, 1, 1);
}

static void test_a_stale_statement_is_made_anew(void **state)
{
    fixture *f = *state;
    w->stale = 1;
    expect_taken(f);
    assert_int_equal(w->restated, 1);
    w->stale = 2;
    kit_cause(night(f), CONFLICT, &f->diag);
    assert_int_equal(w->restated, 2);
}

/* Refused for good it goes; whatever else serve says, the file is offered again without being fetched. */
static void test_serve_decides_what_stays(void **state)
{
    fixture *f = *state;
    static const int later[] = {404, 500, 503};
    for (size_t i = 0; i < SOTTO_COUNT(later); i++) {
        w->serve_code = later[i];
        assert_int_not_equal(night(f), SOTTO_OK);
        expect_asked(i == 0, i == 0, i == 0);
        assert_true(sotto_port_exists(w->file));
    }
    w->serve_code = 422;
    kit_cause(night(f), DENIED, &f->diag);
    assert_non_null(strstr(f->diag.text, "not tonight"));
    expect_asked(0, 0, 0);
    assert_false(sotto_port_exists(w->file));
    w->serve_code = 0;
    expect_taken(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_pack_comes_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cut_costs_a_part, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_lies_there_is_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stale_statement_is_made_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_serve_decides_what_stays, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
