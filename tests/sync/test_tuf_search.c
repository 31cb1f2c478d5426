/* Delegations: 5.6.7 and the patterns of section 4.5. */
#include "kit.h"
#include "tuf_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    repo r;
    char dir[256];
    sotto_tuf *tuf;
    sotto_diag diag;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    repo_init(&f->r);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    sotto_tuf_free(f->tuf);
    repo_free(&f->r);
    free(f);
    return 0;
}

/* One entry of "roles": {"name":...,"keyids":[key],"threshold":1,<what>,"terminating":<t>} */
static void role_json(char *out, size_t cap, const char *name, int key, const char *what, bool terminating)
{
    int n = snprintf(out, cap, "{\"name\":\"%s\",\"keyids\":[\"%s\"],\"threshold\":1,%s,\"terminating\":%s}",
                     name, repo_keyid(key), what, terminating ? "true" : "false");
    assert_in_range(n, 1, (int)cap - 1);
}

/* ,"delegations":{"keys":{key},"roles":[...]} with one key for all of them. */
static const char *delegations_json(int key, const char *a, const char *b)
{
    static char out[4][4096];
    static unsigned at;
    char keys[1200];
    char *to = out[at++ % 4];
    repo_key_json(key, keys, sizeof keys);
    int n = snprintf(to, sizeof out[0], ",\"delegations\":{\"keys\":{%s},\"roles\":[%s%s%s]}", keys, a,
                     b == NULL ? "" : ",", b == NULL ? "" : b);
    assert_in_range(n, 1, (int)sizeof out[0] - 1);
    return to;
}

static const char *target_json(const char *name, const char *content)
{
    static char out[4][512];
    static unsigned at;
    char *to = out[at++ % 4];
    repo_target_json(name, content, to, sizeof out[0]);
    return to;
}

/* Publishes and opens. */
static void start(fixture *f)
{
    repo_publish(&f->r, REPO_ROOT);
    repo_publish_day(&f->r);
    (void)snprintf(f->dir, sizeof f->dir, "%s", kit_path(kit_scratch(), "metadata"));
    repo_trust(&f->r, f->dir);
    const sotto_tuf_config config = {
        .metadata_dir = f->dir, .fetch = repo_fetch, .fetch_ctx = &f->r, .now_s = REPO_NOW_S};
    kit_ok(sotto_tuf_open(&f->tuf, &config, &f->diag), &f->diag);
    kit_ok(sotto_tuf_refresh(f->tuf, &f->diag), &f->diag);
    f->r.fetched[0] = '\0';
}

static sotto_status search(fixture *f, const char *name, sotto_tuf_target *out)
{
    memset(&f->diag, 0, sizeof f->diag);
    return sotto_tuf_search(f->tuf, name, out, &f->diag);
}

static void set(char *out, size_t cap, const char *text)
{
    assert_true(strlen(text) < cap);
    memcpy(out, text, strlen(text) + 1);
}

/* targets -> models (models/?.sotto), campaigns (*.json); models -> deep (models/deep/x) */
static void two_teams(fixture *f, bool terminating)
{
    char a[512], b[512], c[512];
    role_json(a, sizeof a, "models", 4, "\"paths\":[\"models/*.sotto\",\"*.json\"]", terminating);
    role_json(b, sizeof b, "campaigns", 4, "\"paths\":[\"*.json\"]", false);
    set(f->r.delegations, sizeof f->r.delegations, delegations_json(4, a, b));
    set(f->r.snapshot_extra, sizeof f->r.snapshot_extra,
        ",\"models.json\":{\"version\":3},\"campaigns.json\":{\"version\":1},\"deep.json\":{\"version\":1}");
    role_json(c, sizeof c, "deep", 5, "\"paths\":[\"models/d*.sotto\"]", false);
    repo_publish_delegated(&f->r, "models", 3, target_json("models/a.sotto", "model a"),
                           delegations_json(5, c, NULL), 4);
    repo_publish_delegated(&f->r, "campaigns", 1, target_json("c.json", "campaign"), "", 4);
    repo_publish_delegated(&f->r, "deep", 1, target_json("models/deep.sotto", "deep model"), "", 5);
}

static void test_depth_first(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    two_teams(f, false);
    repo_add_target(&f->r, "top.json", "top");
    start(f);
    kit_ok(search(f, "top.json", &target), &f->diag);
    assert_string_equal(f->r.fetched, "");
    kit_ok(search(f, "models/a.sotto", &target), &f->diag);
    assert_int_equal(target.length, 7);
    assert_string_equal(f->r.fetched, "3.models.json ");
    kit_ok(search(f, "models/deep.sotto", &target), &f->diag);
    assert_string_equal(f->r.fetched, "3.models.json 1.deep.json ");
    kit_ok(search(f, "c.json", &target), &f->diag);
    assert_string_equal(f->r.fetched, "3.models.json 1.deep.json 1.campaigns.json ");
    kit_cause(search(f, "models/none.sotto", &target), NOT_FOUND, &f->diag);
    kit_cause(search(f, "other/a.sotto", &target), NOT_FOUND, &f->diag);
    assert_int_equal(repo_version_on_disk(f->dir, "models"), 3);
}

static void test_terminating(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    two_teams(f, true);
    start(f);
    kit_cause(search(f, "c.json", &target), NOT_FOUND, &f->diag);
    assert_string_equal(f->r.fetched, "3.models.json ");
}

static void test_kept_metadata_is_not_fetched_again(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    two_teams(f, false);
    start(f);
    kit_ok(search(f, "models/a.sotto", &target), &f->diag);
    sotto_tuf_free(f->tuf);
    const sotto_tuf_config config = {
        .metadata_dir = f->dir, .fetch = repo_fetch, .fetch_ctx = &f->r, .now_s = REPO_NOW_S};
    kit_ok(sotto_tuf_open(&f->tuf, &config, &f->diag), &f->diag);
    kit_ok(sotto_tuf_refresh(f->tuf, &f->diag), &f->diag);
    f->r.fetched[0] = '\0';
    kit_ok(search(f, "models/a.sotto", &target), &f->diag);
    assert_string_equal(f->r.fetched, "");
}

static void test_wrong_key_ends_the_search(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    two_teams(f, false);
    repo_publish_delegated(&f->r, "models", 3, target_json("models/a.sotto", "evil"), "", 6);
    start(f);
    kit_cause(search(f, "models/a.sotto", &target), AUTH, &f->diag);
    assert_int_equal(repo_version_on_disk(f->dir, "models"), 0);
}

static void test_not_in_snapshot(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    two_teams(f, false);
    f->r.snapshot_extra[0] = '\0';
    start(f);
    kit_cause(search(f, "models/a.sotto", &target), NOT_FOUND, &f->diag);
    assert_string_equal(f->r.fetched, "");
}

static void test_version_differs_from_snapshot(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    two_teams(f, false);
    repo_publish_delegated(&f->r, "models", 2, target_json("models/a.sotto", "old"), "", 4);
    repo_file *old = repo_find(&f->r, "2.models.json");
    repo_put(&f->r, "3.models.json", old->bytes.ptr, old->bytes.len);
    start(f);
    kit_cause(search(f, "models/a.sotto", &target), CORRUPT, &f->diag);
}

/* A role vouched for by one delegator is not thereby good for another one, whose keys it lacks. */
static void test_diamond(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    char a[512], b[512], c[512], d[512];
    role_json(a, sizeof a, "team-a", 4, "\"paths\":[\"a/*\"]", false);
    role_json(b, sizeof b, "team-b", 4, "\"paths\":[\"b/*\"]", false);
    role_json(c, sizeof c, "shared", 5, "\"paths\":[\"a/*\"]", false);
    role_json(d, sizeof d, "shared", 6, "\"paths\":[\"b/*\"]", false);
    set(f->r.delegations, sizeof f->r.delegations, delegations_json(4, a, b));
    set(f->r.snapshot_extra, sizeof f->r.snapshot_extra,
        ",\"team-a.json\":{\"version\":1},\"team-b.json\":{\"version\":1},\"shared.json\":{\"version\":1}");
    repo_publish_delegated(&f->r, "team-a", 1, "", delegations_json(5, c, NULL), 4);
    repo_publish_delegated(&f->r, "team-b", 1, "", delegations_json(6, d, NULL), 4);
    char both[1024];
    (void)snprintf(both, sizeof both, "%s,%s", target_json("a/x", "good"), target_json("b/x", "bad"));
    repo_publish_delegated(&f->r, "shared", 1, both, "", 5);
    start(f);
    kit_ok(search(f, "a/x", &target), &f->diag);
    kit_cause(search(f, "b/x", &target), AUTH, &f->diag);
}

static void test_cycle_ends(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    char a[512], b[512];
    role_json(a, sizeof a, "one", 4, "\"paths\":[\"*\"]", false);
    role_json(b, sizeof b, "two", 4, "\"paths\":[\"*\"]", false);
    set(f->r.delegations, sizeof f->r.delegations, delegations_json(4, a, NULL));
    set(f->r.snapshot_extra, sizeof f->r.snapshot_extra,
        ",\"one.json\":{\"version\":1},\"two.json\":{\"version\":1}");
    repo_publish_delegated(&f->r, "one", 1, "", delegations_json(4, b, NULL), 4);
    repo_publish_delegated(&f->r, "two", 1, "", delegations_json(4, a, NULL), 4);
    start(f);
    kit_cause(search(f, "x", &target), NOT_FOUND, &f->diag);
    assert_string_equal(f->r.fetched, "1.one.json 1.two.json ");
}

static void test_hash_prefixes(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    char a[512], b[512], what[128], hex[65];
    uint8_t digest[SOTTO_SHA256_BYTES];
    kit_ok(sotto_sha256(sotto_span_str("bin/file"), digest), NULL);
    sotto_hex_encode(sotto_span_of(digest, sizeof digest), hex, sizeof hex);
    (void)snprintf(what, sizeof what, "\"path_hash_prefixes\":[\"%.2s\"]", hex);
    role_json(a, sizeof a, "bin-a", 4, what, false);
    hex[0] = hex[0] == '0' ? '1' : '0';
    (void)snprintf(what, sizeof what, "\"path_hash_prefixes\":[\"%.2s\"]", hex);
    role_json(b, sizeof b, "bin-b", 4, what, false);
    set(f->r.delegations, sizeof f->r.delegations, delegations_json(4, b, a));
    set(f->r.snapshot_extra, sizeof f->r.snapshot_extra,
        ",\"bin-a.json\":{\"version\":1},\"bin-b.json\":{\"version\":1}");
    repo_publish_delegated(&f->r, "bin-a", 1, target_json("bin/file", "content"), "", 4);
    repo_publish_delegated(&f->r, "bin-b", 1, target_json("bin/file", "other"), "", 4);
    start(f);
    kit_ok(search(f, "bin/file", &target), &f->diag);
    assert_string_equal(f->r.fetched, "1.bin-a.json ");
}

static void test_odd_role_names(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    char a[512];
    role_json(a, sizeof a, "../?#", 4, "\"paths\":[\"*\"]", false);
    set(f->r.delegations, sizeof f->r.delegations, delegations_json(4, a, NULL));
    set(f->r.snapshot_extra, sizeof f->r.snapshot_extra, ",\"../?#.json\":{\"version\":1}");
    repo_publish_delegated(&f->r, "..%2F%3F%23", 1, target_json("x", "content"), "", 4);
    start(f);
    kit_ok(search(f, "x", &target), &f->diag);
    assert_string_equal(f->r.fetched, "1...%2F%3F%23.json ");
    assert_true(sotto_port_exists(kit_path(f->dir, "..%2F%3F%23.json")));
}

static void test_top_level_names_cannot_be_delegated(void **state)
{
    fixture *f = *state;
    char a[512];
    role_json(a, sizeof a, "timestamp", 4, "\"paths\":[\"*\"]", false);
    set(f->r.delegations, sizeof f->r.delegations, delegations_json(4, a, NULL));
    repo_publish(&f->r, REPO_ROOT);
    repo_publish_day(&f->r);
    (void)snprintf(f->dir, sizeof f->dir, "%s", kit_path(kit_scratch(), "metadata"));
    repo_trust(&f->r, f->dir);
    kit_cause(repo_refresh(&f->r, f->dir, REPO_NOW_S, &f->diag), MALFORMED, &f->diag);
}

static void test_download_in_a_folder(void **state)
{
    fixture *f = *state;
    sotto_tuf_target target;
    char remote[256], hex[65];
    uint8_t digest[SOTTO_SHA256_BYTES];
    two_teams(f, false);
    kit_ok(sotto_sha256(sotto_span_str("model a"), digest), NULL);
    sotto_hex_encode(sotto_span_of(digest, sizeof digest), hex, sizeof hex);
    (void)snprintf(remote, sizeof remote, "targets/models/%s.a.sotto", hex);
    repo_put(&f->r, remote, "model a", 7);
    start(f);
    kit_ok(search(f, "models/a.sotto", &target), &f->diag);
    kit_ok(sotto_tuf_download(f->tuf, &target, kit_path(f->dir, "a.sotto"), &f->diag), &f->diag);
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"targets/*.tgz", "targets/foo.tgz", true},
        {"targets/*.tgz", "targets/foo.txt", false},
        {"foo-version-?.tgz", "foo-version-2.tgz", true},
        {"foo-version-?.tgz", "foo-version-alpha.tgz", false},
        {"*.tgz", "foo.tgz", true},
        {"*.tgz", "targets/foo.tgz", false},
        {"foo.tgz", "foo.tgz", true},
        {"foo.tgz", "foo.tgzz", false},
        {"*", "", true},
        {"", "", true},
        {"?", "", false},
        {"*", "a/b", false},
        {"*/*", "a/b", true},
        {"a/*/c", "a/b/c", true},
        {"a/*/c", "a/b/b/c", false},
        {"*a*b*", "xxaxxbxx", true},
        {"*a*b", "xxaxxbxx", false},
        {"a?c", "a/c", false},
        {"**", "abc", true},
        {"*ab", "aab", true},
        {"/a", "a", false},
        {"A", "a", false},
    };
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(cases); i++) {
        bool got = tuf_pattern_matches(sotto_span_str(cases[i].pattern), sotto_span_str(cases[i].text));
        if (got != cases[i].matches)
            print_error("%s against %s\n", cases[i].pattern, cases[i].text);
        assert_true(got == cases[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_depth_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminating, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_metadata_is_not_fetched_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_key_ends_the_search, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_in_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version_differs_from_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_diamond, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cycle_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hash_prefixes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_role_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_top_level_names_cannot_be_delegated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_download_in_a_folder, setup, teardown),
        cmocka_unit_test(test_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
