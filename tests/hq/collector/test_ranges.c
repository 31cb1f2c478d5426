/* What the collector answers to a terminal that asks for a part of a file, or for its packed form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/collect.h"
#include "release/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "targets/0123456789abcdef0123.model.sotto"

static char dir[] = "/tmp/sotto-ranges-XXXXXX";
static const char PLAIN[] = "0123456789", PACKED[] = "packed";

static void put(const char *name, const char *bytes)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/repo/%s", dir, name);
    assert_int_equal(sotto_port_write_file(path, sotto_span_str(bytes), 0644, NULL), SOTTO_OK);
}

static int set_up(void **state)
{
    char path[256];
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/repo/targets", dir);
    assert_int_equal(sotto_port_make_dir(path, 0755, NULL), SOTTO_OK);
    put(NAME, PLAIN);
    put(NAME HQ_LZ4_SUFFIX, PACKED);
    put("targets/0123456789abcdef0124.tasks.json", "{}");
    put("timestamp.json", "{\"t\":1}");
    return 0;
}

static int tear_down(void **state)
{
    char command[64];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

/* Asks; body and header lines into static texts. Headers: "name: value" pairs, NULL ends. */
static char said[256], lines[512];

static int ask(const char *name, const char *const *headers)
{
    hq_collector c = {.dir = dir};
    sotto_diag diag = {0};
    sotto_http_message request = {.is_request = true, .method = sotto_span_str("GET")};
    for (; headers != NULL && headers[0] != NULL; headers += 2)
        request.header[request.headers++] =
            (sotto_http_header){.name = sotto_span_str(headers[0]), .value = sotto_span_str(headers[1])};
    sotto_reply reply = {0};
    sotto_vec_init(&reply.body, SIZE_MAX);
    sotto_status status = hq_collect_release(&c, &request, sotto_span_str(name), &reply, &diag);
    (void)snprintf(said, sizeof said, "%.*s", (int)reply.body.len, (const char *)reply.body.ptr);
    (void)snprintf(lines, sizeof lines, "%s", reply.extra == NULL ? "" : reply.extra);
    sotto_vec_free(&reply.body);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        assert_null(strstr(diag.text, dir));
        return 404;
    }
    assert_int_equal(status, SOTTO_OK);
    return reply.code;
}

static void expect(const char *range, int code, const char *body, const char *content_range)
{
    const char *const headers[] = {"Range", range, NULL};
    if (ask(NAME, headers) != code || strcmp(said, body) != 0 ||
        (content_range != NULL ? strstr(lines, content_range) == NULL
                               : strstr(lines, "Content-Range") != NULL))
        fail_msg("%s: not %d \"%s\" but \"%s\" and\n%s", range, code, body, said, lines);
}

static void test_single_ranges(void **state)
{
    (void)state;
    expect("bytes=0-0", 206, "0", "Content-Range: bytes 0-0/10\r\n");
    expect("bytes=2-5", 206, "2345", "Content-Range: bytes 2-5/10\r\n");
    expect("bytes=7-", 206, "789", "Content-Range: bytes 7-9/10\r\n");
    expect("bytes=7-99", 206, "789", "Content-Range: bytes 7-9/10\r\n");
    expect("bytes=-3", 206, "789", "Content-Range: bytes 7-9/10\r\n");
    expect("bytes=-99", 206, PLAIN, "Content-Range: bytes 0-9/10\r\n");
    expect("bytes=10-", 416, "", "Content-Range: bytes */10\r\n");
    expect("bytes=9999999999999999999-", 416, "", "Content-Range: bytes */10\r\n");
    expect("bytes=-0", 416, "", "Content-Range: bytes */10\r\n");
}

/* Not one range of bytes: as if nothing had been asked. */
static void test_others_are_passed_over(void **state)
{
    (void)state;
    static const char *const odd[] = {"bytes=5-2", "bytes=0-1,4-5", "bytes=",     "bytes=a-b",  "lines=0-1",
                                      "bytes=1",   "bytes= 0-1",    "bytes=+1-2", "bytes=0-1x", "",
                                      "bytes=--1"};
    for (size_t i = 0; i < SOTTO_COUNT(odd); i++)
        expect(odd[i], 200, PLAIN, NULL);
}

static void test_conditions(void **state)
{
    (void)state;
    char etag[64] = "";
    assert_int_equal(ask(NAME, NULL), 200);
    const char *at = strstr(lines, "ETag: ");
    assert_non_null(at);
    (void)snprintf(etag, sizeof etag, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
    const char *same[] = {"Range", "bytes=1-2", "If-Range", etag, NULL};
    assert_int_equal(ask(NAME, same), 206);
    assert_string_equal(said, "12");
    const char *packed[] = {"Range", "bytes=1-2", "If-Range", etag, "Accept-Encoding", "lz4", NULL};
    assert_int_equal(ask(NAME, packed), 200); /* the tag is of the other form */
    assert_string_equal(said, PACKED);
    const char *other[] = {"Range", "bytes=1-2", "If-Range", "\"x\"", NULL};
    assert_int_equal(ask(NAME, other), 200);
    assert_string_equal(said, PLAIN);
}

static void test_packed_where_it_is_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool packed;
    } cases[] = {{"lz4", true},
                 {"gzip, lz4", true},
                 {"lz4;q=0.5, br", true},
                 {"gzip;q=1.0,lz4 ; q=1", true},
                 {"lz4;q=0", false},
                 {"lz4;q=0.000", false},
                 {"gzip", false},
                 {"lz44", false},
                 {"xlz4", false},
                 {"", false},
                 {"*", false}};
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        const char *const headers[] = {"Accept-Encoding", cases[i].accept, NULL};
        assert_int_equal(ask(NAME, headers), 200);
        if ((strcmp(said, PACKED) == 0) != cases[i].packed ||
            (strstr(lines, "Content-Encoding: lz4\r\n") != NULL) != cases[i].packed)
            fail_msg("Accept-Encoding: %s", cases[i].accept);
    }
    const char *const part[] = {"Accept-Encoding", "lz4", "Range", "bytes=1-3", NULL};
    assert_int_equal(ask(NAME, part), 206);
    assert_string_equal(said, "ack");
    const char *const plain[] = {"Accept-Encoding", "lz4", NULL};
    assert_int_equal(ask("targets/0123456789abcdef0124.tasks.json", plain), 200);
    assert_string_equal(said, "{}");
    assert_int_equal(ask("timestamp.json", part), 200);
    assert_string_equal(lines, "");
    assert_int_equal(ask("targets/nothing", part), 404);
    assert_int_equal(ask("targets/../timestamp.json", part), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_ranges), cmocka_unit_test(test_others_are_passed_over),
        cmocka_unit_test(test_conditions), cmocka_unit_test(test_packed_where_it_is_accepted)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
