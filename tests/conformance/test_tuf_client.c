/* tuf-client as a public test suite drives it: as a process, over plain HTTP, by exit code and by what lies
 * on disk afterwards. */
#include "drive.h"

#include <string.h>

static repo r;
static kit_server server;
static char dir[256];

/* /base/metadata/<path> and /base/targets/<path>; each request is noted in the log. */
static void mirror(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    static const char metadata[] = "/base/metadata/", targets[] = "/base/";
    char target[512];
    (void)ctx;
    (void)peer;
    reply->code = 404;
    kit_ok(sotto_span_to_str(request->target, target, sizeof target), NULL);
    const char *path = target;
    if (strncmp(target, metadata, sizeof metadata - 1) == 0)
        path = target + sizeof metadata - 1;
    else if (strncmp(target, targets, sizeof targets - 1) == 0)
        path = target + sizeof targets - 1;
    FILE *log = fopen(kit_path(dir, "log"), "a");
    assert_non_null(log);
    (void)fprintf(log, "%s\n", path);
    (void)fclose(log);
    repo_file *f = repo_find(&r, path);
    if (f == NULL)
        return;
    reply->code = 200;
    reply->content_type = "application/octet-stream";
    kit_ok(sotto_vec_put(&reply->body, f->bytes.ptr, f->bytes.len), NULL);
}

/* The clock of tuf-client is the system's. */
static int setup(void **state)
{
    sotto_clock clock = sotto_port_clock();
    (void)state;
    (void)snprintf(dir, sizeof dir, "%s", kit_scratch());
    repo_init(&r);
    for (int role = 0; role < REPO_ROLES; role++)
        r.expires_s[role] = clock.utc_s(clock.ctx) + 86400;
    repo_add_target(&r, "file.txt", "content");
    repo_add_target(&r, "other.txt", "other content");
    repo_publish(&r, REPO_ROOT);
    repo_publish_day(&r);
    repo_file *root = repo_find(&r, "1.root.json");
    kit_write(kit_path(dir, "trusted.json"), root->bytes.ptr, root->bytes.len);
    kit_ok(sotto_port_make_dir(kit_path(dir, "out"), 0700, NULL), NULL);
    kit_server_start(&server, (sotto_server_config){.handler = mirror}, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kit_server_stop(&server);
    repo_free(&r);
    return 0;
}

static int init(void)
{
    char arguments[512];
    (void)snprintf(arguments, sizeof arguments, "init %s/trusted.json", dir);
    return drive(dir, arguments);
}

static int update(const char *names, const char *command)
{
    char arguments[1024];
    (void)snprintf(
        arguments, sizeof arguments,
        "--metadata-url %s/base/metadata/ %s --target-base-url %s/base/targets --target-dir %s/out %s",
        server.url, names, server.url, dir, command);
    return drive(dir, arguments);
}

static size_t log_lines(const char *word)
{
    sotto_vec log = kit_read(kit_path(dir, "log"));
    size_t n = 0;
    if (log.len == 0)
        return 0;
    kit_ok(sotto_vec_put(&log, "", 1), NULL);
    for (const char *at = strstr((char *)log.ptr, word); at != NULL; at = strstr(at + 1, word))
        n++;
    sotto_vec_free(&log);
    return n;
}

static void test_refresh(void **state)
{
    (void)state;
    assert_int_equal(update("", "refresh"), 1);
    assert_int_equal(init(), 0);
    assert_int_equal(log_lines(""), 0);
    assert_int_equal(update("", "refresh"), 0);
    assert_int_equal(repo_version_on_disk(kit_path(dir, "md"), "targets"), 1);
    assert_int_equal(init(), 1);
}

static void test_download_and_cache(void **state)
{
    (void)state;
    assert_int_equal(init(), 0);
    assert_int_equal(update("--target-name file.txt --target-name other.txt", "download"), 0);
    sotto_vec bytes = kit_read(kit_path(dir, "out/file.txt"));
    assert_true(sotto_span_is(sotto_vec_span(&bytes), "content"));
    sotto_vec_free(&bytes);
    assert_int_equal(log_lines(".file.txt\n"), 1);
    assert_int_equal(update("--target-name file.txt", "download"), 0);
    assert_int_equal(log_lines(".file.txt\n"), 1);
}

static void test_stops_at_the_first_failure(void **state)
{
    (void)state;
    assert_int_equal(init(), 0);
    assert_int_equal(update("--target-name file.txt --target-name none --target-name other.txt", "download"),
                     1);
    assert_true(sotto_port_exists(kit_path(dir, "out/file.txt")));
    assert_false(sotto_port_exists(kit_path(dir, "out/other.txt")));
    /* Metadata is refreshed before anything is looked for. */
    assert_int_equal(repo_version_on_disk(kit_path(dir, "md"), "targets"), 1);
}

static void test_wrong_use(void **state)
{
    (void)state;
    assert_int_equal(drive(dir, ""), 1);
    assert_int_equal(drive(dir, "refresh"), 1);
    assert_int_equal(drive(dir, "--metadata-url http://x refresh surplus words"), 1);
    assert_int_equal(drive(dir, "--unknown x refresh"), 1);
    assert_int_equal(drive(dir, "--metadata-url ftp://x refresh"), 1);
    assert_int_equal(update("", "download"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refresh, setup, teardown),
        cmocka_unit_test_setup_teardown(test_download_and_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stops_at_the_first_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_use, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
