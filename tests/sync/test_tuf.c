/* The TUF client workflow (specification 1.0.34, section 5) against a repository made here. The attacks are
 * in test_tuf_attacks.c. */
#include "tuf_fixture.h"

static void set_keys(int *list, int a, int b, int c)
{
    memset(list, -1, REPO_KEYS * sizeof *list);
    list[0] = a;
    list[1] = b;
    list[2] = c;
}

/* ---- what must work ---- */

static void test_first_refresh(void **state)
{
    fixture *f = *state;
    kit_ok(refresh(f), &f->diag);
    assert_string_equal(f->r.fetched, "2.root.json timestamp.json 1.snapshot.json 1.targets.json ");
    expect_versions(f, 1, 1, 1, 1);
}

static void test_bytes_are_kept_as_they_came(void **state)
{
    fixture *f = *state;
    repo_file *timestamp = repo_find(&f->r, "timestamp.json");
    kit_ok(sotto_vec_put(&timestamp->bytes, " \n", 2), NULL);
    kit_ok(refresh(f), &f->diag);
    sotto_vec bytes = kit_read(kit_path(f->dir, "timestamp.json"));
    assert_true(sotto_span_equal(sotto_vec_span(&bytes), sotto_vec_span(&timestamp->bytes)));
    sotto_vec_free(&bytes);
}

static void test_nothing_new_fetches_little(void **state)
{
    fixture *f = *state;
    kit_ok(refresh(f), &f->diag);
    kit_ok(refresh(f), &f->diag);
    assert_string_equal(f->r.fetched, "2.root.json timestamp.json ");
}

/* 5.4.3.1: the same version is no news, whatever else it says now: the trusted one stays, and nothing is
 * asked for. */
static void test_same_version_with_other_content(void **state)
{
    fixture *f = *state;
    kit_ok(refresh(f), &f->diag);
    sotto_vec before = kit_read(kit_path(f->dir, "timestamp.json"));
    f->r.listed_snapshot = 100;
    repo_publish(&f->r, REPO_TIMESTAMP);
    kit_ok(refresh(f), &f->diag);
    assert_string_equal(f->r.fetched, "2.root.json timestamp.json ");
    sotto_vec after = kit_read(kit_path(f->dir, "timestamp.json"));
    assert_true(sotto_span_equal(sotto_vec_span(&before), sotto_vec_span(&after)));
    sotto_vec_free(&before);
    sotto_vec_free(&after);
}

/* What is trusted has lapsed meanwhile; what is served has not: weeks offline are normal. */
static void test_lapsed_on_the_shelf(void **state)
{
    fixture *f = *state;
    const int64_t day_s = 86400;
    f->r.expires_s[REPO_TIMESTAMP] = REPO_NOW_S + 7 * day_s;
    repo_publish_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    f->r.expires_s[REPO_TIMESTAMP] = REPO_NOW_S + 21 * day_s;
    repo_next_day(&f->r);
    kit_ok(repo_refresh(&f->r, f->dir, REPO_NOW_S + 18 * day_s, &f->diag), &f->diag);
    expect_versions(f, 1, 2, 2, 2);
}

static void test_next_day(void **state)
{
    fixture *f = *state;
    kit_ok(refresh(f), &f->diag);
    repo_next_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 1, 2, 2, 2);
}

static void test_not_consistent(void **state)
{
    fixture *f = *state;
    f->r.consistent = false;
    f->r.version[REPO_ROOT] = 2;
    repo_publish(&f->r, REPO_ROOT);
    repo_publish_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    assert_string_equal(f->r.fetched, "2.root.json 3.root.json timestamp.json snapshot.json targets.json ");
    expect_versions(f, 2, 1, 1, 1);
}

static void test_unknown_fields(void **state)
{
    fixture *f = *state;
    (void)snprintf(f->r.extra, sizeof f->r.extra, "%s",
                   ",\"x-unknown\":{\"b\":[1,null,true],\"a\":\"\\u00e9\\\"\"}");
    f->r.version[REPO_ROOT] = 2;
    repo_publish(&f->r, REPO_ROOT);
    repo_next_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 2, 2, 2, 2);
}

static void test_listed_without_hashes(void **state)
{
    fixture *f = *state;
    f->r.list_hashes = false;
    repo_next_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 1, 2, 2, 2);
}

static void test_targets_of_a_release(void **state)
{
    fixture *f = *state;
    const sotto_tuf_config config = {
        .metadata_dir = f->dir, .fetch = repo_fetch, .fetch_ctx = &f->r, .now_s = REPO_NOW_S};
    sotto_tuf *tuf = NULL;
    kit_ok(sotto_tuf_open(&tuf, &config, &f->diag), &f->diag);
    assert_int_equal(sotto_tuf_targets_version(tuf), 0);
    kit_ok(sotto_tuf_refresh(tuf, &f->diag), &f->diag);
    assert_int_equal(sotto_tuf_targets_version(tuf), 1);
    assert_int_equal(sotto_tuf_target_count(tuf), 2);
    assert_null(sotto_tuf_target_find(tuf, "model"));
    assert_null(sotto_tuf_target_at(tuf, 2));
    const sotto_tuf_target *model = sotto_tuf_target_find(tuf, "model.sotto");
    assert_non_null(model);
    assert_int_equal(model->length, 9);
    const char *path = kit_path(f->dir, "model.sotto");
    kit_ok(sotto_tuf_download(tuf, model, path, &f->diag), &f->diag);
    kit_ok(sotto_tuf_check_file(model, path, &f->diag), &f->diag);
    kit_write(path, "the mOdel", 9);
    kit_cause(sotto_tuf_check_file(model, path, &f->diag), CORRUPT, &f->diag);
    kit_write(path, "the mode", 8);
    kit_cause(sotto_tuf_check_file(model, path, &f->diag), CORRUPT, &f->diag);
    sotto_tuf_free(tuf);
}

static void test_offline_open(void **state)
{
    fixture *f = *state;
    const sotto_tuf_config config = {.metadata_dir = f->dir, .now_s = REPO_NOW_S};
    sotto_tuf *tuf = NULL;
    kit_ok(refresh(f), &f->diag);
    kit_ok(sotto_tuf_open(&tuf, &config, &f->diag), &f->diag);
    assert_int_equal(sotto_tuf_targets_version(tuf), 1);
    assert_int_equal(sotto_tuf_target_count(tuf), 2);
    kit_cause(sotto_tuf_refresh(tuf, &f->diag), USAGE, &f->diag);
    sotto_tuf_free(tuf);
}

static void test_init(void **state)
{
    fixture *f = *state;
    repo_file *root = repo_find(&f->r, "1.root.json");
    const sotto_tuf_config config = {.metadata_dir = kit_path(f->dir, "none"), .now_s = REPO_NOW_S};
    sotto_tuf *tuf = NULL;
    kit_cause(sotto_tuf_init(f->dir, sotto_vec_span(&root->bytes), &f->diag), EXISTS, &f->diag);
    kit_cause(sotto_tuf_open(&tuf, &config, &f->diag), NOT_FOUND, &f->diag);
    assert_null(tuf);
    set_keys(f->r.signers[REPO_ROOT], 5, -1, -1);
    repo_publish(&f->r, REPO_ROOT);
    kit_cause(sotto_tuf_init(kit_path(f->dir, "other"), sotto_vec_span(&root->bytes), &f->diag), AUTH,
              &f->diag);
    assert_int_equal(repo_version_on_disk(kit_path(f->dir, "other"), "root"), 0);
}

/* ---- root rotation: 5.3 ---- */

static void test_root_chain(void **state)
{
    fixture *f = *state;
    /* 1: key 0. 2: key 4, signed by both. 3: 2 of {4, 5}. 4: 1 of {5}. */
    f->r.version[REPO_ROOT] = 2;
    set_keys(f->r.keys[REPO_ROOT], 4, -1, -1);
    set_keys(f->r.signers[REPO_ROOT], 0, 4, -1);
    repo_publish(&f->r, REPO_ROOT);
    f->r.version[REPO_ROOT] = 3;
    set_keys(f->r.keys[REPO_ROOT], 4, 5, -1);
    set_keys(f->r.signers[REPO_ROOT], 4, 5, -1);
    f->r.threshold[REPO_ROOT] = 2;
    repo_publish(&f->r, REPO_ROOT);
    f->r.version[REPO_ROOT] = 4;
    set_keys(f->r.keys[REPO_ROOT], 5, -1, -1);
    f->r.threshold[REPO_ROOT] = 1;
    repo_publish(&f->r, REPO_ROOT);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 4, 1, 1, 1);
    assert_true(sotto_port_exists(kit_path(f->dir, "roots/1.root.json")));
    assert_true(sotto_port_exists(kit_path(f->dir, "roots/4.root.json")));
}

static void root_two(fixture *f, int key, int signer_a, int signer_b, int threshold)
{
    f->r.version[REPO_ROOT] = 2;
    set_keys(f->r.keys[REPO_ROOT], key, -1, -1);
    set_keys(f->r.signers[REPO_ROOT], signer_a, signer_b, -1);
    f->r.threshold[REPO_ROOT] = threshold;
    repo_publish(&f->r, REPO_ROOT);
}

static void test_root_not_signed_by_old(void **state)
{
    fixture *f = *state;
    root_two(f, 4, 4, 5, 1);
    kit_cause(refresh(f), AUTH, &f->diag);
    expect_versions(f, 1, 0, 0, 0);
}

static void test_root_not_signed_by_new(void **state)
{
    fixture *f = *state;
    root_two(f, 4, 0, 5, 1);
    kit_cause(refresh(f), AUTH, &f->diag);
    expect_versions(f, 1, 0, 0, 0);
}

static void test_root_of_another_version(void **state)
{
    fixture *f = *state;
    f->r.version[REPO_ROOT] = 3;
    repo_publish(&f->r, REPO_ROOT);
    repo_file *three = repo_find(&f->r, "3.root.json");
    repo_put(&f->r, "2.root.json", three->bytes.ptr, three->bytes.len);
    repo_remove(&f->r, "3.root.json");
    kit_cause(refresh(f), ROLLBACK, &f->diag);
    expect_versions(f, 1, 0, 0, 0);
}

static void test_root_expired_is_kept_but_ends_the_update(void **state)
{
    fixture *f = *state;
    kit_ok(refresh(f), &f->diag);
    f->r.version[REPO_ROOT] = 2;
    f->r.expires_s[REPO_ROOT] = REPO_NOW_S - DAY_S;
    repo_publish(&f->r, REPO_ROOT);
    repo_next_day(&f->r);
    kit_cause(refresh(f), EXPIRED, &f->diag);
    expect_versions(f, 2, 1, 1, 1);
    /* An intermediate root may have expired. */
    f->r.version[REPO_ROOT] = 3;
    f->r.expires_s[REPO_ROOT] = REPO_NOW_S + DAY_S;
    repo_publish(&f->r, REPO_ROOT);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 3, 2, 2, 2);
}

/* ---- thresholds and keys ---- */

static void republish_with(fixture *f, enum repo_role role, int threshold, const int *keys,
                           const int *signers)
{
    f->r.version[REPO_ROOT]++;
    memcpy(f->r.keys[role], keys, sizeof f->r.keys[role]);
    memcpy(f->r.signers[role], signers, sizeof f->r.signers[role]);
    f->r.threshold[role] = threshold;
    repo_publish(&f->r, REPO_ROOT);
    repo_next_day(&f->r);
}

static void test_threshold(void **state)
{
    fixture *f = *state;
    const int keys[REPO_KEYS] = {4, 5, 6, -1};
    const int two[REPO_KEYS] = {6, 4, -1}, one[REPO_KEYS] = {5, -1}, foreign[REPO_KEYS] = {7, 5, 0, -1};
    republish_with(f, REPO_TARGETS, 2, keys, two);
    kit_ok(refresh(f), &f->diag);
    republish_with(f, REPO_TARGETS, 2, keys, one);
    kit_cause(refresh(f), AUTH, &f->diag);
    republish_with(f, REPO_TARGETS, 2, keys, foreign);
    kit_cause(refresh(f), AUTH, &f->diag);
    expect_versions(f, 4, 4, 4, 2);
    republish_with(f, REPO_TARGETS, 2, keys, keys);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 5, 5, 5, 5);
}

/* The same signature twice is refused outright (4.2.1), whatever the threshold. */
static void test_signature_twice(void **state)
{
    fixture *f = *state;
    const int twice[REPO_KEYS] = {1, 1, -1}, key[REPO_KEYS] = {1, -1};
    republish_with(f, REPO_TIMESTAMP, 1, key, twice);
    kit_cause(refresh(f), AUTH, &f->diag);
    expect_versions(f, 2, 0, 0, 0);
}

/* Replaces text in a published file (of the same or another length). */
static void edit(fixture *f, const char *path, const char *from, const char *to)
{
    repo_file *file = repo_find(&f->r, path);
    sotto_vec out;
    assert_non_null(file);
    sotto_vec_init(&out, 1u << 20);
    kit_ok(sotto_vec_put(&file->bytes, "", 1), NULL);
    char *at = strstr((char *)file->bytes.ptr, from);
    assert_non_null(at);
    kit_ok(sotto_vec_put(&out, file->bytes.ptr, (size_t)(at - (char *)file->bytes.ptr)), NULL);
    kit_ok(sotto_vec_put(&out, to, strlen(to)), NULL);
    kit_ok(sotto_vec_put(&out, at + strlen(from), strlen(at + strlen(from))), NULL);
    repo_put(&f->r, path, out.ptr, out.len);
    sotto_vec_free(&out);
}

/* A wrong signature beside a right one does no harm; upper-case digits are no signature. */
static void test_bad_signature_beside_a_good_one(void **state)
{
    fixture *f = *state;
    char from[128], to[160];
    const int keys[REPO_KEYS] = {4, 5, -1};
    republish_with(f, REPO_TIMESTAMP, 1, keys, keys);
    (void)snprintf(from, sizeof from, "\"%s\",\"sig\":\"30", repo_keyid(4));
    (void)snprintf(to, sizeof to, "\"%s\",\"sig\":\"31", repo_keyid(4));
    edit(f, "timestamp.json", from, to);
    kit_ok(refresh(f), &f->diag);
    (void)snprintf(from, sizeof from, "\"%s\",\"sig\":\"30", repo_keyid(5));
    (void)snprintf(to, sizeof to, "\"%s\",\"sig\":\"3A", repo_keyid(5));
    repo_next_day(&f->r);
    edit(f, "timestamp.json", from, to);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 2, 3, 3, 3);
}

/* One key under two names must not count twice; a key whose name is not its hash counts for nothing. */
static void test_key_under_a_wrong_name(void **state)
{
    fixture *f = *state;
    const int keys[REPO_KEYS] = {4, 5, -1}, both[REPO_KEYS] = {4, 5, -1};
    char json4[1200], json5[1200], wrong[1300];
    republish_with(f, REPO_TIMESTAMP, 2, keys, both);
    repo_key_json(4, json4, sizeof json4);
    repo_key_json(5, json5, sizeof json5);
    (void)snprintf(wrong, sizeof wrong, "\"%s\":%s", repo_keyid(5), strchr(json4, ':') + 1);
    /* A root that says so, rightly signed. */
    sotto_vec whole;
    repo_file *root = repo_find(&f->r, "2.root.json");
    kit_ok(sotto_vec_put(&root->bytes, "", 1), NULL);
    char *text = strdup((char *)root->bytes.ptr);
    assert_non_null(text);
    char *body = strstr(text, "\"signed\":") + strlen("\"signed\":");
    body[strlen(body) - 1] = '\0';
    char *at = strstr(body, json5);
    assert_non_null(at);
    char *changed = calloc(1, strlen(body) + sizeof wrong);
    assert_non_null(changed);
    (void)snprintf(changed, strlen(body) + sizeof wrong, "%.*s%s%s", (int)(at - body), body, wrong,
                   at + strlen(json5));
    const int root_key[REPO_KEYS] = {0, -1};
    repo_sign(changed, root_key, &whole);
    repo_put(&f->r, "2.root.json", whole.ptr, whole.len);
    sotto_vec_free(&whole);
    free(changed);
    free(text);
    kit_cause(refresh(f), AUTH, &f->diag);
    expect_versions(f, 2, 0, 0, 0);
}

/* A key of a kind that is unknown here is passed over: it neither counts nor harms. */
static void test_unknown_key_kind(void **state)
{
    fixture *f = *state;
    const char *body =
        "{\"_type\":\"root\",\"spec_version\":\"1.0.0\",\"version\":2,\"expires\":"
        "\"2030-01-01T00:00:00Z\",\"consistent_snapshot\":true,\"keys\":{%s,%s,"
        "\"aa\":{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"72378e5b\"}}},"
        "\"roles\":{\"root\":{\"keyids\":[\"%s\",\"aa\"],\"threshold\":1},"
        "\"timestamp\":{\"keyids\":[\"%s\",\"aa\"],\"threshold\":%d},"
        "\"snapshot\":{\"keyids\":[\"%s\"],\"threshold\":1},"
        "\"targets\":{\"keyids\":[\"%s\"],\"threshold\":1}}}";
    char k0[1200], k1[1200], text[8192];
    const int signer[REPO_KEYS] = {0, -1}, day[REPO_KEYS] = {1, -1};
    sotto_vec whole;
    repo_key_json(0, k0, sizeof k0);
    repo_key_json(1, k1, sizeof k1);
    (void)snprintf(text, sizeof text, body, k0, k1, repo_keyid(0), repo_keyid(1), 1, repo_keyid(1),
                   repo_keyid(1));
    repo_sign(text, signer, &whole);
    repo_put(&f->r, "2.root.json", whole.ptr, whole.len);
    sotto_vec_free(&whole);
    memcpy(f->r.signers[REPO_SNAPSHOT], day, sizeof day);
    memcpy(f->r.signers[REPO_TARGETS], day, sizeof day);
    repo_next_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 2, 2, 2, 2);
}

/* ---- small things ---- */

static void test_wrong_type_and_form(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *from, *to;
        int cause;
    } edits[] = {
        {"\"_type\":\"timestamp\"", "\"_type\":\"snapshot\"", SOTTO_CAUSE_MALFORMED},
        {"\"spec_version\":\"1.0.34\"", "\"spec_version\":\"2.0.0\"", SOTTO_CAUSE_UNSUPPORTED},
        {"\"spec_version\":\"1.0.34\"", "\"spec_version\":1", SOTTO_CAUSE_MALFORMED},
        {"\"version\":1,\"expires\"", "\"version\":0,\"expires\"", SOTTO_CAUSE_RANGE},
        {"\"version\":1,\"expires\"", "\"version\":1.0,\"expires\"", SOTTO_CAUSE_MALFORMED},
        {"\"version\":1,\"expires\"", "\"version\":\"1\",\"expires\"", SOTTO_CAUSE_MALFORMED},
        {"Z\"", "\"", SOTTO_CAUSE_MALFORMED},
        {"\"meta\"", "\"mete\"", SOTTO_CAUSE_MALFORMED},
        {"\"signatures\"", "\"signature\"", SOTTO_CAUSE_MALFORMED},
        {"\"signed\"", "\"sigmed\"", SOTTO_CAUSE_MALFORMED},
        {"\"hashes\":{", "\"hashes\":{\"md5\":7,", SOTTO_CAUSE_MALFORMED},
    };
    for (size_t i = 0; i < SOTTO_COUNT(edits); i++) {
        repo_publish(&f->r, REPO_TIMESTAMP);
        edit(f, "timestamp.json", edits[i].from, edits[i].to);
        sotto_status st = refresh(f);
        if (sotto_status_cause(st) != edits[i].cause)
            print_error("edit %zu\n", i);
        assert_int_equal(sotto_status_cause(st), edits[i].cause);
        assert_true(f->diag.text[0] != '\0');
        expect_versions(f, 1, 0, 0, 0);
    }
    repo_publish(&f->r, REPO_TIMESTAMP);
    kit_ok(refresh(f), &f->diag);
}

static void test_missing_files(void **state)
{
    fixture *f = *state;
    repo_remove(&f->r, "1.targets.json");
    kit_cause(refresh(f), NOT_FOUND, &f->diag);
    expect_versions(f, 1, 1, 1, 0);
    repo_publish(&f->r, REPO_TARGETS);
    repo_publish(&f->r, REPO_SNAPSHOT);
    f->r.version[REPO_TIMESTAMP] = 2;
    repo_publish(&f->r, REPO_TIMESTAMP);
    kit_ok(refresh(f), &f->diag);
    repo_remove(&f->r, "timestamp.json");
    kit_cause(refresh(f), NOT_FOUND, &f->diag);
}

/* Trusted metadata damaged on disk is fetched anew; a damaged root is an error that says so. */
static void test_damaged_disk(void **state)
{
    fixture *f = *state;
    static const char *const files[] = {"timestamp.json", "snapshot.json", "targets.json"};
    for (size_t i = 0; i < SOTTO_COUNT(files); i++) {
        kit_ok(refresh(f), &f->diag);
        kit_write(kit_path(f->dir, files[i]), "{", 1);
        kit_ok(refresh(f), &f->diag);
        expect_versions(f, 1, 1, 1, 1);
    }
    kit_write(kit_path(f->dir, "root.json"), "{\"signed\":{}}", 13);
    kit_cause(refresh(f), MALFORMED, &f->diag);
}

static void test_info(void **state)
{
    fixture *f = *state;
    sotto_tuf_info info;
    repo_file *root = repo_find(&f->r, "1.root.json"), *targets = repo_find(&f->r, "1.targets.json");
    kit_ok(sotto_tuf_info_read(sotto_vec_span(&root->bytes), &info, &f->diag), &f->diag);
    assert_string_equal(info.type, "root");
    assert_true(info.self_signed);
    kit_ok(sotto_tuf_info_read(sotto_vec_span(&targets->bytes), &info, &f->diag), &f->diag);
    assert_string_equal(info.type, "targets");
    assert_int_equal(info.version, 1);
    assert_int_equal(info.expires_s, REPO_NOW_S + 30 * DAY_S);
    assert_int_equal(info.signatures, 1);
    assert_false(info.self_signed);
    kit_cause(sotto_tuf_info_read(sotto_span_str("{\"signed\":{}}"), &info, &f->diag), MALFORMED, &f->diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_refresh, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_are_kept_as_they_came, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_new_fetches_little, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_day, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_version_with_other_content, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lapsed_on_the_shelf, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_consistent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listed_without_hashes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_targets_of_a_release, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offline_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_init, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_not_signed_by_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_not_signed_by_new, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_of_another_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_expired_is_kept_but_ends_the_update, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threshold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signature_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_signature_beside_a_good_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_under_a_wrong_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_key_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_type_and_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_info, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
