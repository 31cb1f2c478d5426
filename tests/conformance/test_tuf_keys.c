/* Keys as a public test suite plays them through tuf-client: the kinds of keys of section 4.2, and the ways
 * in which the keys of root and of the other roles change hands. */
#include "drive.h"

#include <string.h>

static repo r;
static kit_server server;
static char dir[256];

static void mirror(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    char target[512];
    (void)ctx;
    (void)peer;
    reply->code = 404;
    kit_ok(sotto_span_to_str(request->target, target, sizeof target), NULL);
    /* The child that serves sees what the test wrote to disk, not what it holds. */
    sotto_vec bytes = kit_read(kit_path(dir, strrchr(target, '/') + 1));
    if (bytes.len > 0) {
        reply->code = 200;
        reply->content_type = "application/octet-stream";
        kit_ok(sotto_vec_put(&reply->body, bytes.ptr, bytes.len), NULL);
    }
    sotto_vec_free(&bytes);
}

static void put_on_disk(void)
{
    for (size_t i = 0; i < r.file_count; i++)
        kit_write(kit_path(dir, r.file[i].path), r.file[i].bytes.ptr, r.file[i].bytes.len);
}

static void set(int *list, const char *numbers)
{
    size_t n = 0;
    memset(list, -1, REPO_KEYS * sizeof *list);
    for (; *numbers != '\0'; numbers++) /* "014": one digit a key, from key 4 on */
        list[n++] = *numbers - '0' + 4;
}

static int setup(void **state)
{
    sotto_clock clock = sotto_port_clock();
    (void)state;
    (void)snprintf(dir, sizeof dir, "%s", kit_scratch());
    repo_init(&r);
    for (int role = 0; role < REPO_ROLES; role++)
        r.expires_s[role] = clock.utc_s(clock.ctx) + 86400;
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

static int refresh(void)
{
    char arguments[512];
    put_on_disk();
    (void)snprintf(arguments, sizeof arguments, "--metadata-url %s/metadata/ refresh", server.url);
    return drive(dir, arguments);
}

static void init(void)
{
    char arguments[512];
    put_on_disk();
    (void)snprintf(arguments, sizeof arguments, "init %s/1.root.json", dir);
    assert_int_equal(drive(dir, arguments), 0);
}

static int64_t trusted(const char *role)
{
    return repo_version_on_disk(kit_path(dir, "md"), role);
}

static void begin(void)
{
    repo_publish(&r, REPO_ROOT);
    repo_publish_day(&r);
    init();
    assert_int_equal(refresh(), 0);
}

/* ---- kinds ---- */

/* A second root key of the kind is needed; then its signature is one that looks right and is not. */
static void needs_kind(int key, enum repo_kind kind)
{
    if (!repo_make_key(key, kind))
        skip();
    begin();
    r.threshold[REPO_ROOT] = 2;
    r.keys[REPO_ROOT][1] = r.signers[REPO_ROOT][1] = key;
    r.version[REPO_ROOT] = 2;
    repo_publish(&r, REPO_ROOT);
    assert_int_equal(refresh(), 0);
    assert_int_equal(trusted("root"), 2);
    r.version[REPO_ROOT] = 3;
    repo_publish(&r, REPO_ROOT);
    repo_file *root = repo_find(&r, "3.root.json");
    kit_ok(sotto_vec_put(&root->bytes, "", 1), NULL);
    char *sig = strstr(strstr((char *)root->bytes.ptr, repo_keyid(key)), "\"sig\":\"");
    assert_non_null(sig);
    sig += 30;
    *sig = *sig == '0' ? '1' : '0';
    root->bytes.len--;
    assert_int_equal(refresh(), 1);
    assert_int_equal(trusted("root"), 2);
}

static void test_ecdsa(void **state)
{
    (void)state;
    needs_kind(4, REPO_ECDSA);
}

static void test_ecdsa_point(void **state)
{
    (void)state;
    needs_kind(14, REPO_ECDSA_POINT);
}

static void test_rsa(void **state)
{
    (void)state;
    needs_kind(15, REPO_RSA);
}

static void test_ed25519(void **state)
{
    (void)state;
    needs_kind(16, REPO_ED25519);
}

/* A key of a kind that nobody knows is no harm beside a threshold of others, and is not one of them. */
static void test_unknown_kind(void **state)
{
    (void)state;
    assert_true(repo_make_key(13, REPO_UNKNOWN_KIND));
    begin();
    r.keys[REPO_ROOT][1] = r.signers[REPO_ROOT][1] = 13;
    r.version[REPO_ROOT] = 2;
    repo_publish(&r, REPO_ROOT);
    assert_int_equal(refresh(), 0);
    assert_int_equal(trusted("root"), 2);
    r.threshold[REPO_ROOT] = 2;
    r.version[REPO_ROOT] = 3;
    repo_publish(&r, REPO_ROOT);
    assert_int_equal(refresh(), 1);
    assert_int_equal(trusted("root"), 2);
}

/* An empty or wrong signature beside a threshold of right ones does not make the file wrong. */
static void test_bad_signature_beside_a_good_one(void **state)
{
    (void)state;
    begin();
    r.keys[REPO_TIMESTAMP][1] = r.signers[REPO_TIMESTAMP][1] = 4;
    r.version[REPO_ROOT] = 2;
    repo_publish(&r, REPO_ROOT);
    repo_next_day(&r);
    repo_file *file = repo_find(&r, "timestamp.json");
    kit_ok(sotto_vec_put(&file->bytes, "", 1), NULL);
    char *sig = strstr((char *)file->bytes.ptr, "\"sig\":\"") + 7;
    char *end = strchr(sig, '"');
    memmove(sig, end, strlen(end) + 1);
    file->bytes.len = strlen((char *)file->bytes.ptr);
    assert_int_equal(refresh(), 0);
    assert_int_equal(trusted("timestamp"), 2);
}

/* ---- root changes hands: who is in the root, how many must sign, who signed, and whether it is taken ----
 */

typedef struct root_step {
    const char *keys;
    int threshold;
    const char *signers;
} root_step;
typedef struct root_story {
    const char *name;
    int64_t ends_at; /* version that is trusted in the end */
    root_step step[4];
} root_story;

static const root_story ROOTS[] = {
    {"one key for another", 3, {{"1", 1, "1"}, {"2", 1, "21"}, {"2", 1, "2"}}},
    {"strangers sign as well", 3, {{"1", 1, "314"}, {"2", 1, "3214"}, {"2", 1, "324"}}},
    {"3 of 5, each time others",
     4,
     {{"01234", 3, "024"}, {"01234", 3, "041"}, {"01234", 3, "013"}, {"01234", 3, "013"}}},
    {"3 of 5, one replaced", 2, {{"01234", 3, "024"}, {"01345", 3, "041"}}},
    {"3 of 5, one replaced, old and new sign",
     3,
     {{"01234", 3, "024"}, {"01345", 3, "0245"}, {"01345", 3, "045"}}},
    {"3 of 5, all replaced", 3, {{"01234", 3, "024"}, {"56789", 3, "024567"}, {"56789", 3, "567"}}},
    {"1 of 3 becomes 2 of 3", 2, {{"123", 1, "1"}, {"123", 2, "12"}}},
    {"2 of 3 becomes 1 of 3", 3, {{"123", 2, "12"}, {"123", 1, "12"}, {"123", 1, "1"}}},
    {"a second key, both needed", 2, {{"1", 1, "1"}, {"12", 2, "12"}}},
    {"not signed by the old key", 1, {{"1", 1, "1"}, {"2", 1, "234"}}},
    {"not signed by the new key", 1, {{"1", 1, "1"}, {"2", 1, "134"}}},
    {"too few of the new", 1, {{"01234", 3, "024"}, {"01345", 3, "024"}}},
    {"too few of the old", 1, {{"01234", 3, "024"}, {"01345", 3, "045"}}},
    {"the new threshold is not reached", 1, {{"123", 1, "1"}, {"123", 2, "2"}}},
    {"the old threshold is not reached", 1, {{"123", 2, "12"}, {"123", 1, "1"}}},
};

static void test_root_changes_hands(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(ROOTS); i += KIT_STRIDE) {
        int64_t last = 0;
        assert_int_equal(setup(NULL), 0);
        for (size_t j = 0; j < SOTTO_COUNT(ROOTS[i].step) && ROOTS[i].step[j].keys != NULL; j++) {
            const root_step *step = &ROOTS[i].step[j];
            set(r.keys[REPO_ROOT], step->keys);
            set(r.signers[REPO_ROOT], step->signers);
            r.threshold[REPO_ROOT] = step->threshold;
            r.version[REPO_ROOT] = last = (int64_t)j + 1;
            repo_publish(&r, REPO_ROOT);
        }
        repo_publish_day(&r);
        init();
        if (refresh() != (ROOTS[i].ends_at == last ? 0 : 1) || trusted("root") != ROOTS[i].ends_at)
            fail_msg("root: %s", ROOTS[i].name);
        assert_int_equal(teardown(NULL), 0);
    }
}

/* ---- the other roles ---- */

typedef struct role_story {
    const char *keys;
    int threshold;
    const char *signers;
    bool taken;
} role_story;

static const role_story HANDS[] = {
    {"2", 1, "2", true},        {"1", 1, "314", true},     {"2", 1, "134", false},
    {"01345", 3, "024", false}, {"01345", 3, "04", false}, {"01234", 3, "024", true},
    {"01234", 3, "041", true},  {"01234", 3, "013", true}, {"01234", 3, "123", true},
    {"01234", 3, "234", true},
};

static void test_roles_change_hands(void **state)
{
    static const struct {
        enum repo_role role;
        const char *name;
    } roles[] = {{REPO_TIMESTAMP, "timestamp"}, {REPO_SNAPSHOT, "snapshot"}, {REPO_TARGETS, "targets"}};
    /* 5.3.11: with new keys of timestamp or snapshot, what the old ones signed is forgotten. */
    static const int64_t forgotten[] = {0, 0, 1};
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(HANDS); i += KIT_STRIDE) {
        /* Each story with one role; the next role has the next one. */
        for (size_t j = i % SOTTO_COUNT(roles); j < SOTTO_COUNT(roles); j += SOTTO_COUNT(roles)) {
            assert_int_equal(setup(NULL), 0);
            begin();
            set(r.keys[roles[j].role], HANDS[i].keys);
            set(r.signers[roles[j].role], HANDS[i].signers);
            r.threshold[roles[j].role] = HANDS[i].threshold;
            r.version[REPO_ROOT] = 2;
            repo_publish(&r, REPO_ROOT);
            repo_next_day(&r);
            if (refresh() != (HANDS[i].taken ? 0 : 1) || trusted("root") != 2 ||
                trusted(roles[j].name) != (HANDS[i].taken ? 2 : forgotten[j]))
                fail_msg("%s: story %zu", roles[j].name, i);
            assert_int_equal(teardown(NULL), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ecdsa, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ecdsa_point, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rsa, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_signature_beside_a_good_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_kind, setup, teardown),
        cmocka_unit_test(test_root_changes_hands),
        cmocka_unit_test(test_roles_change_hands),
        cmocka_unit_test_setup_teardown(test_ed25519, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
