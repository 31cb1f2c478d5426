/* The attacks of section 1.5.2 of the TUF specification (1.0.34), each by name. */
#include "tuf_fixture.h"

static void test_attack_arbitrary_installation(void **state)
{
    fixture *f = *state;
    const sotto_tuf_config config = {
        .metadata_dir = f->dir, .fetch = repo_fetch, .fetch_ctx = &f->r, .now_s = REPO_NOW_S};
    sotto_tuf *tuf = NULL;
    kit_ok(sotto_tuf_open(&tuf, &config, &f->diag), &f->diag);
    kit_ok(sotto_tuf_refresh(tuf, &f->diag), &f->diag);
    const sotto_tuf_target *model = sotto_tuf_target_find(tuf, "model.sotto");
    for (size_t i = 0; i < f->r.file_count; i++) {
        if (strstr(f->r.file[i].path, "model.sotto") != NULL)
            repo_put(&f->r, f->r.file[i].path, "evil code", 9);
    }
    const char *path = kit_path(f->dir, "model.sotto");
    kit_cause(sotto_tuf_download(tuf, model, path, &f->diag), CORRUPT, &f->diag);
    assert_false(sotto_port_exists(path));
    sotto_tuf_free(tuf);
}

static void test_attack_endless_data(void **state)
{
    fixture *f = *state;
    uint8_t *junk = malloc(8u << 20);
    assert_non_null(junk);
    memset(junk, ' ', 8u << 20);
    kit_ok(refresh(f), &f->diag);
    static const char *const files[] = {"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"};
    for (size_t i = 0; i < SOTTO_COUNT(files); i++) {
        repo_next_day(&f->r);
        f->r.version[REPO_TARGETS] = f->r.version[REPO_SNAPSHOT] = 2;
        repo_publish_day(&f->r);
        repo_put(&f->r, files[i], junk, 8u << 20);
        kit_cause(refresh(f), RANGE, &f->diag);
        if (i == 0)
            repo_remove(&f->r, files[i]);
    }
    free(junk);
}

static void test_attack_extraneous_dependencies(void **state)
{
    fixture *f = *state;
    const sotto_tuf_config config = {
        .metadata_dir = f->dir, .fetch = repo_fetch, .fetch_ctx = &f->r, .now_s = REPO_NOW_S};
    sotto_tuf *tuf = NULL;
    /* A file that lies in the repository but is in no signed list is no target. */
    repo_put(&f->r, "targets/extra.so", "x", 1);
    kit_ok(sotto_tuf_open(&tuf, &config, &f->diag), &f->diag);
    kit_ok(sotto_tuf_refresh(tuf, &f->diag), &f->diag);
    assert_null(sotto_tuf_target_find(tuf, "extra.so"));
    sotto_tuf_target target;
    kit_cause(sotto_tuf_search(tuf, "extra.so", &target, &f->diag), NOT_FOUND, &f->diag);
    sotto_tuf_free(tuf);
}

static void test_attack_fast_forward_is_recovered_from(void **state)
{
    fixture *f = *state;
    kit_ok(refresh(f), &f->diag);
    f->r.version[REPO_TIMESTAMP] = f->r.version[REPO_SNAPSHOT] = f->r.version[REPO_TARGETS] = 1000000;
    repo_publish_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 1, 1000000, 1000000, 1000000);
    /* Without new keys the old numbers bind. */
    f->r.version[REPO_TIMESTAMP] = f->r.version[REPO_SNAPSHOT] = f->r.version[REPO_TARGETS] = 2;
    repo_publish_day(&f->r);
    kit_cause(refresh(f), ROLLBACK, &f->diag);
    const int four[REPO_KEYS] = {4, -1}, five[REPO_KEYS] = {5, -1};
    memcpy(f->r.keys[REPO_TIMESTAMP], four, sizeof four);
    memcpy(f->r.signers[REPO_TIMESTAMP], four, sizeof four);
    memcpy(f->r.keys[REPO_SNAPSHOT], five, sizeof five);
    memcpy(f->r.signers[REPO_SNAPSHOT], five, sizeof five);
    f->r.version[REPO_ROOT] = 2;
    repo_publish(&f->r, REPO_ROOT);
    repo_publish_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 2, 2, 2, 2);
}

static void test_attack_freeze(void **state)
{
    fixture *f = *state;
    static const enum repo_role roles[] = {REPO_TIMESTAMP, REPO_SNAPSHOT, REPO_TARGETS};
    kit_ok(refresh(f), &f->diag);
    for (size_t i = 0; i < SOTTO_COUNT(roles); i++) {
        /* Expiry at the very second of the update counts as expired (5.4.4: "MUST be higher"). */
        int64_t good = f->r.expires_s[roles[i]];
        f->r.expires_s[roles[i]] = REPO_NOW_S;
        repo_next_day(&f->r);
        kit_cause(refresh(f), EXPIRED, &f->diag);
        f->r.expires_s[roles[i]] = good;
    }
    expect_versions(f, 1, 4, 4, 1);
    /* The repository stands still past the timestamp's expiry: nothing new, and that is said. */
    repo_next_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    memset(&f->diag, 0, sizeof f->diag);
    kit_cause(repo_refresh(&f->r, f->dir, REPO_NOW_S + 31 * DAY_S, &f->diag), EXPIRED, &f->diag);
}

/* The length of a signature varies by a byte or two: what is too long is refused before it is hashed. */
static void expect_mismatch(fixture *f)
{
    int cause = sotto_status_cause(refresh(f));
    assert_true(cause == SOTTO_CAUSE_CORRUPT || cause == SOTTO_CAUSE_RANGE);
}

static void test_attack_mix_and_match(void **state)
{
    fixture *f = *state;
    kit_ok(refresh(f), &f->diag);
    /* Yesterday's targets under today's snapshot, with and without hashes to betray it. */
    for (int hashes = 0; hashes < 2; hashes++) {
        char today[64];
        f->r.list_hashes = hashes != 0;
        repo_next_day(&f->r);
        (void)snprintf(today, sizeof today, "%lld.targets.json", (long long)f->r.version[REPO_TARGETS]);
        repo_file *old = repo_find(&f->r, "1.targets.json");
        repo_put(&f->r, today, old->bytes.ptr, old->bytes.len);
        expect_mismatch(f);
        (void)snprintf(today, sizeof today, "%lld.snapshot.json", (long long)f->r.version[REPO_SNAPSHOT] + 1);
        repo_next_day(&f->r);
        old = repo_find(&f->r, "1.snapshot.json");
        repo_put(&f->r, today, old->bytes.ptr, old->bytes.len);
        expect_mismatch(f);
    }
    assert_int_equal(repo_version_on_disk(f->dir, "targets"), 1);
}

static void test_attack_rollback(void **state)
{
    fixture *f = *state;
    repo_next_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    expect_versions(f, 1, 2, 2, 2);
    /* timestamp */
    f->r.version[REPO_TIMESTAMP] = 1;
    repo_publish(&f->r, REPO_TIMESTAMP);
    kit_cause(refresh(f), ROLLBACK, &f->diag);
    /* snapshot, listed by a newer timestamp */
    f->r.version[REPO_TIMESTAMP] = 3;
    f->r.version[REPO_SNAPSHOT] = 1;
    repo_publish(&f->r, REPO_TIMESTAMP);
    kit_cause(refresh(f), ROLLBACK, &f->diag);
    expect_versions(f, 1, 2, 2, 2);
    /* targets, listed by a newer snapshot */
    f->r.version[REPO_TIMESTAMP] = 4;
    f->r.version[REPO_SNAPSHOT] = 3;
    f->r.version[REPO_TARGETS] = 1;
    repo_publish_day(&f->r);
    kit_cause(refresh(f), ROLLBACK, &f->diag);
    expect_versions(f, 1, 4, 2, 2);
}

static void test_attack_rollback_by_omission(void **state)
{
    fixture *f = *state;
    (void)snprintf(f->r.snapshot_extra, sizeof f->r.snapshot_extra, "%s", ",\"team.json\":{\"version\":7}");
    repo_next_day(&f->r);
    kit_ok(refresh(f), &f->diag);
    f->r.snapshot_extra[0] = '\0';
    repo_next_day(&f->r);
    kit_cause(refresh(f), ROLLBACK, &f->diag);
    expect_versions(f, 1, 3, 2, 2);
}

/* Compromised online keys cannot make targets; see also the thresholds above. */
static void test_attack_with_compromised_online_keys(void **state)
{
    fixture *f = *state;
    kit_ok(refresh(f), &f->diag);
    f->r.targets[0] = '\0';
    repo_add_target(&f->r, "model.sotto", "evil code");
    const int online[REPO_KEYS] = {1, 2, -1};
    memcpy(f->r.signers[REPO_TARGETS], online, sizeof online);
    repo_next_day(&f->r);
    kit_cause(refresh(f), AUTH, &f->diag);
    expect_versions(f, 1, 2, 2, 1);
}

/* Wrong software: a target under another's name differs in hash. */
static void test_attack_wrong_software(void **state)
{
    fixture *f = *state;
    const sotto_tuf_config config = {
        .metadata_dir = f->dir, .fetch = repo_fetch, .fetch_ctx = &f->r, .now_s = REPO_NOW_S};
    sotto_tuf *tuf = NULL;
    kit_ok(sotto_tuf_open(&tuf, &config, &f->diag), &f->diag);
    kit_ok(sotto_tuf_refresh(tuf, &f->diag), &f->diag);
    repo_file *policy = NULL;
    for (size_t i = 0; i < f->r.file_count; i++) {
        if (strstr(f->r.file[i].path, "policy.json") != NULL)
            policy = &f->r.file[i];
    }
    assert_non_null(policy);
    for (size_t i = 0; i < f->r.file_count; i++) {
        if (strstr(f->r.file[i].path, "model.sotto") != NULL)
            repo_put(&f->r, f->r.file[i].path, policy->bytes.ptr, policy->bytes.len);
    }
    kit_cause(
        sotto_tuf_download(tuf, sotto_tuf_target_find(tuf, "model.sotto"), kit_path(f->dir, "m"), &f->diag),
        CORRUPT, &f->diag);
    sotto_tuf_free(tuf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_attack_arbitrary_installation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_endless_data, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_extraneous_dependencies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_fast_forward_is_recovered_from, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_freeze, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_mix_and_match, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_rollback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_rollback_by_omission, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_with_compromised_online_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attack_wrong_software, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
