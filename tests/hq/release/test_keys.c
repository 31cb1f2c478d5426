/* Keys of the release in several hands: roles change keys and thresholds, releases and roots are prepared
 * here, signed elsewhere and finished here; a terminal that trusted the first root follows all of it. */
#include "publish_kit.h"
#include "release/repo.h"

static int keys(const char *verb, const char *role, const char *more, const char *value)
{
    return RUN(hq_cmd_keys, "keys", verb, "--dir", at("office"), "--json", role == NULL ? NULL : "--role",
               role, more, value);
}

static void begin(void)
{
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    assert_follows(1);
}

static void every_role_rotates(void **state)
{
    (void)state;
    begin();
    assert_int_equal(keys("rotate", "timestamp", NULL, NULL), 0);
    assert_follows(1);
    assert_int_equal(keys("rotate", "snapshot", NULL, NULL), 0);
    assert_follows(1);
    assert_int_equal(keys("rotate", "root", NULL, NULL), 0);
    assert_follows(1);
    assert_int_equal(keys("rotate", "targets", NULL, NULL), 0);
    assert_follows(2); /* the same files, listed anew by the new key */
    static const char *const old[] = {"office/keys/root.key", "office/keys/targets.key",
                                      "office/keys/snapshot.key", "office/keys/timestamp.key"};
    for (size_t i = 0; i < SOTTO_COUNT(old); i++)
        assert_int_equal(remove(at(old[i])), 0);
    assert_int_equal(publish_files(), 0);
    assert_follows(3);
    assert_int_equal(keys("renew", NULL, NULL, NULL), 0);
    assert_follows(3);
    forget_terminal();
    assert_follows(3); /* along the whole chain of roots */
    forget_terminal();
}

/* Nobody alone can publish: one key of targets is here, the other with Anna. */
static void a_release_takes_two(void **state)
{
    (void)state;
    begin();
    make_person("anna");
    make_person("mallory");
    assert_int_equal(RUN(hq_cmd_keys, "keys", "add", "--dir", at("office"), "--role", "targets", "--key",
                         at("anna.pem"), "--threshold", "2"),
                     0);
    assert_follows(1); /* the release that stands must be signed by both before the root changes */
    assert_int_equal(sign_with("office/draft/2.targets.json", "mallory.key"),
                     5); /* nobody's key: refused, unsigned */
    assert_int_equal(finish_drafts(), 5);
    assert_int_equal(sign_with("office/draft/2.targets.json", "anna.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(2);
    assert_int_equal(publish_files(), 5);
    assert_int_equal(prepare(), 0);
    assert_int_equal(finish_drafts(), 5);
    assert_follows(2);
    assert_int_equal(sign_with("office/draft/3.targets.json", "anna.key"), 0);
    assert_int_equal(sign_with("office/draft/3.targets.json", "anna.key"), 0); /* once more is once */
    assert_int_equal(finish_drafts(), 0);
    assert_follows(3);
    assert_int_equal(finish_drafts(), 4);
    forget_terminal();
}

static sotto_vec read_all(const char *name)
{
    sotto_vec bytes;
    sotto_diag diag = {0};
    sotto_vec_init(&bytes, 1 << 20);
    ok(sotto_port_read_file(at(name), &bytes, &diag), &diag);
    return bytes;
}

/* What another tool signs with a person's key: into the file "signature". */
static void sign_elsewhere(const char *draft, const char *key_file)
{
    uint8_t signature[SOTTO_ANY_SIGNATURE_MAX];
    char pem[SOTTO_PEM_MAX];
    size_t len = 0;
    sotto_vec file = read_all(draft), key = read_all(key_file), payload;
    sotto_vec_init(&payload, 1 << 20);
    ok(hq_tuf_payload(sotto_vec_span(&file), &payload, NULL), NULL);
    ok(sotto_span_to_str(sotto_vec_span(&key), pem, sizeof pem), NULL);
    ok(sotto_private_sign(pem, sotto_vec_span(&payload), signature, &len, NULL), NULL);
    ok(sotto_port_write_file(at("signature"), sotto_span_of(signature, len), 0600, NULL), NULL);
    sotto_vec_free(&file);
    sotto_vec_free(&key);
    sotto_vec_free(&payload);
}

/* The same key with other line ends has another keyid: what counts is the key, and the signature stands under
 * the keyid that the root names. */
static void a_key_in_another_spelling(void **state)
{
    (void)state;
    begin();
    make_person("anna");
    make_person("otto");
    assert_int_equal(RUN(hq_cmd_keys, "keys", "add", "--dir", at("office"), "--role", "targets", "--key",
                         at("anna.pem"), "--threshold", "2"),
                     0);
    sign_elsewhere("office/draft/2.targets.json", "anna.key");
    sotto_vec pem = read_all("anna.pem"), spelt;
    sotto_vec_init(&spelt, 1 << 20);
    for (size_t i = 0; i < pem.len; i++) {
        if (pem.ptr[i] == '\n')
            ok(sotto_vec_put(&spelt, "\r", 1), NULL);
        ok(sotto_vec_put(&spelt, &pem.ptr[i], 1), NULL);
    }
    ok(sotto_port_write_file(at("anna-too.pem"), sotto_vec_span(&spelt), 0600, NULL), NULL);
    assert_int_equal(RUN(hq_cmd_sign, "sign", at("office/draft/2.targets.json"), "--public", at("otto.pem"),
                         "--signature", at("signature")),
                     5);
    assert_int_equal(finish_drafts(), 5);
    assert_int_equal(RUN(hq_cmd_sign, "sign", at("office/draft/2.targets.json"), "--public",
                         at("anna-too.pem"), "--signature", at("signature")),
                     0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(2);
    sotto_vec_free(&pem);
    sotto_vec_free(&spelt);
    forget_terminal();
}

/* root.key is in a safe: what the online keys do goes on, what changes keys waits for it. */
static void a_root_waits_for_its_key(void **state)
{
    (void)state;
    begin();
    assert_int_equal(rename(at("office/keys/root.key"), at("root.key")), 0);
    assert_int_equal(keys("rotate", "timestamp", NULL, NULL), 0);
    sotto_json *doc = printed();
    bool published = true;
    ok(sotto_json_get_bool(sotto_json_root(doc), "published", &published, NULL), NULL);
    assert_false(published);
    sotto_json_free(doc);
    assert_int_equal(keys("rotate", "snapshot", NULL, NULL), 0); /* joins the same draft */
    assert_follows(1);
    assert_int_equal(finish_drafts(), 5);
    assert_int_equal(sign_with("office/draft/2.root.json", "root.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(1);
    assert_int_equal(RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--refresh"), 0);
    assert_int_equal(publish_files(), 0);
    assert_follows(2);
    forget_terminal();
}

static void what_cannot_be(void **state)
{
    (void)state;
    begin();
    assert_int_equal(keys("threshold", "root", "--threshold", "2"), 3); /* of one key */
    assert_int_equal(keys("remove", "targets", NULL, NULL), 3);         /* the last one */
    assert_int_equal(keys("remove", "targets", "--key", "0123456789"), 4);
    assert_int_equal(keys("rotate", "models", NULL, NULL), 4); /* no team of this name */
    assert_int_equal(keys("dance", "root", NULL, NULL), 2);
    write_text("bad.pem", "no key");
    assert_int_not_equal(keys("add", "root", "--key", at("bad.pem")), 0);
    write_text("nothing.json", "{}");
    make_person("anna");
    assert_int_not_equal(sign_with("nothing.json", "anna.key"), 0);
    assert_int_equal(chmod(at("anna.key"), 0644), 0);
    assert_int_equal(sign_with("office/repo/1.root.json", "anna.key"), 5);
    assert_int_equal(keys("list", NULL, NULL, NULL), 0);
    assert_follows(1);
    forget_terminal();
}

/* A finish that dies anywhere leaves the release before or the new one, and the next finish goes through. */
static void finish_killed(void **state)
{
    (void)state;
    uint64_t found = 1;
    bool lived = false;
    begin();
    for (int n = 0; !lived && n < 200; n++) {
        sotto_diag diag = {0};
        uint64_t before = found;
        assert_int_equal(prepare(), 0);
        lived = survives(n, finish_drafts);
        ok(follow(hq_now(), &found, &diag), &diag);
        assert_true(found == before || found == before + 1);
        forget_terminal();
        assert_follows(found);
    }
    assert_true(lived);
    forget_terminal();
}

static int rotate_timestamp(void)
{
    return keys("rotate", "timestamp", NULL, NULL);
}

static int rotate_snapshot(void)
{
    return keys("rotate", "snapshot", NULL, NULL);
}

/* A change of online keys that dies anywhere: what serve does by itself leaves terminals with the release. */
static void a_rotation_killed(void **state)
{
    (void)state;
    int (*const rotations[])(void) = {rotate_timestamp, rotate_snapshot};
    begin();
    for (size_t i = 0; i < SOTTO_COUNT(rotations); i++) {
        bool lived = false;
        for (int n = 0; !lived && n < 200; n++) {
            sotto_diag diag = {0};
            hq_publication out;
            lived = survives(n, rotations[i]);
            if (hq_repo_stale(at("office"), hq_now()))
                ok(hq_repo_refresh(at("office"), &out, &diag), &diag);
            forget_terminal();
            assert_follows(1);
        }
        assert_true(lived);
    }
    forget_terminal();
}

static void finished_drafts_go(void **state)
{
    (void)state;
    begin();
    assert_int_equal(prepare(), 0);
    assert_true(sotto_port_exists(at("office/draft/2.targets.json")));
    assert_int_equal(finish_drafts(), 0);
    assert_false(sotto_port_exists(at("office/draft/2.targets.json")));
    assert_int_equal(keys("renew", NULL, NULL, NULL), 0);
    assert_false(sotto_port_exists(at("office/draft/2.root.json")));
    assert_follows(2);
    forget_terminal();
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_role_rotates),       T(a_release_takes_two), T(a_key_in_another_spelling),
        T(a_root_waits_for_its_key), T(what_cannot_be),      T(finish_killed),
        T(a_rotation_killed),        T(finished_drafts_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
