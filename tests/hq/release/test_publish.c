/* Publishing: a head office is founded once; a bad file publishes nothing and says where; a run killed at any
 * write leaves the release before, whole. What was published is followed by the terminal's own TUF client. */
#include "publish_kit.h"
#include "release/repo.h"

#include <dirent.h>
#include <errno.h>

/* ---- tests ---- */

static void founded_once(void **state)
{
    (void)state;
    struct stat info;
    sotto_vec before, after;
    make_office();
    sotto_vec_init(&before, 1 << 16);
    sotto_vec_init(&after, 1 << 16);
    ok(sotto_port_read_file(at("office/authority/ca.pem"), &before, NULL), NULL);
    assert_int_equal(RUN(hq_cmd_init, "init", "--dir", at("office")), 4);
    ok(sotto_port_read_file(at("office/authority/ca.pem"), &after, NULL), NULL);
    assert_true(sotto_span_equal(sotto_vec_span(&before), sotto_vec_span(&after)));
    sotto_vec_free(&before);
    sotto_vec_free(&after);
    static const char *const secrets[] = {"office/keys/root.key",     "office/keys/targets.key",
                                          "office/keys/snapshot.key", "office/keys/timestamp.key",
                                          "office/authority/ca.key",  "office/authority/server.key",
                                          "office/registry.db"};
    for (size_t i = 0; i < SOTTO_COUNT(secrets); i++) {
        assert_int_equal(stat(at(secrets[i]), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void other_folder_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("taken"), 0700), 0);
    write_text("taken/precious", "1");
    assert_int_equal(RUN(hq_cmd_init, "init", "--dir", at("taken")), 4);
    assert_true(sotto_port_exists(at("taken/precious")));
    assert_false(sotto_port_exists(at("taken/registry.db")));
    /* An empty one is taken, also with a slash at its end. */
    char slash[HQ_PATH_MAX];
    assert_int_equal(mkdir(at("empty"), 0700), 0);
    snprintf(slash, sizeof slash, "%s/", at("empty"));
    assert_int_equal(RUN(hq_cmd_init, "init", "--dir", slash), 0);
}

static void releases_are_followed(void **state)
{
    (void)state;
    make_office();
    write_release();
    uint64_t found;
    sotto_diag diag = {0};
    cause_is(follow(hq_now(), &found, &diag), NOT_FOUND); /* nothing was published yet */
    for (uint64_t version = 1; version <= 3; version++) {
        assert_int_equal(publish_files(), 0);
        sotto_json *doc = printed();
        int64_t said;
        ok(sotto_json_get_i64(sotto_json_root(doc), "release", 1, 99, &said, &diag), &diag);
        assert_int_equal(said, version);
        sotto_json_free(doc);
        assert_follows(version);
    }
    sotto_vec mine, theirs;
    sotto_vec_init(&mine, 1 << 20);
    sotto_vec_init(&theirs, 1 << 20);
    for (size_t i = 0; i < HQ_BUNDLE_NEEDED; i++) {
        char path[128];
        snprintf(path, sizeof path, "terminal/3/%s", hq_bundle_name((enum hq_bundle_file)i));
        ok(sotto_port_read_file(at(hq_bundle_name((enum hq_bundle_file)i)), &mine, &diag), &diag);
        ok(sotto_port_read_file(at(path), &theirs, &diag), &diag);
        assert_true(sotto_span_equal(sotto_vec_span(&mine), sotto_vec_span(&theirs)));
        sotto_vec_free(&mine);
        sotto_vec_free(&theirs);
    }
    forget_terminal();
}

static void expiry_and_refresh(void **state)
{
    (void)state;
    uint64_t found;
    sotto_diag diag = {0};
    int64_t now_s = hq_now();
    make_office();
    write_release();
    assert_int_equal(RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--refresh"), 4);
    assert_int_equal(publish_files(), 0);
    assert_follows(1);
    assert_false(hq_repo_stale(at("office"), now_s + 3 * HQ_DAY_S));
    assert_true(hq_repo_stale(at("office"), now_s + 4 * HQ_DAY_S));
    assert_true(hq_repo_stale(at("nowhere"), now_s)); /* refreshing it then says what is wrong */
    cause_is(follow(now_s + 8 * HQ_DAY_S, &found, &diag), EXPIRED);
    /* Eight days on, and again when the snapshot is over the half of its life. */
    for (int day = 8; day <= 88; day += 16) {
        hq_clock_shift(day * HQ_DAY_S);
        assert_int_equal(RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--refresh", "--json"), 0);
        assert_follows(1);
    }
    hq_clock_shift(91 * HQ_DAY_S);
    assert_int_equal(RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--refresh"), 0);
    diag = (sotto_diag){0};
    cause_is(follow(hq_now(), &found, &diag), EXPIRED); /* targets: for whoever holds their key */
    assert_int_equal(publish_files(), 0);
    assert_follows(2);
    hq_clock_shift(0);
    forget_terminal();
}

/* targets.key is somewhere else: serve's refresh needs it not, publish says what is missing. */
static void offline_keys(void **state)
{
    (void)state;
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    assert_int_equal(rename(at("office/keys/targets.key"), at("targets.key")), 0);
    assert_int_equal(rename(at("office/keys/root.key"), at("root.key")), 0);
    assert_int_equal(RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--refresh"), 0);
    assert_int_equal(publish_files(), 4);
    assert_follows(1);
    assert_int_equal(rename(at("targets.key"), at("office/keys/targets.key")), 0);
    assert_int_equal(chmod(at("office/keys/targets.key"), 0644), 0);
    assert_int_equal(publish_files(), 5); /* others can read it */
    assert_int_equal(chmod(at("office/keys/targets.key"), 0600), 0);
    assert_int_equal(publish_files(), 0);
    assert_follows(2);
    forget_terminal();
}

/* ---- bad files ---- */

/* The file with the first `from` replaced by `to`. */
static void spoil(const char *file, const char *text, const char *from, const char *to)
{
    char changed[4096];
    const char *found = strstr(text, from);
    assert_non_null(found);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from));
    write_text(file, changed);
}

typedef struct bad_file {
    const char *file, *text, *from, *to;
    int cause;
    uint64_t line;     /* 0 = any */
    const char *where; /* part of the place */
} bad_file;

static const bad_file BAD[] = {
    {"dictionary.json", DICTIONARY, "\"count\"", "\"counter\"", SOTTO_CAUSE_MALFORMED, 2, "dictionary.json"},
    {"dictionary.json", DICTIONARY, "\"number\":3", "\"number\":2", SOTTO_CAUSE_CONFLICT, 4,
     "dictionary.json"},
    {"dictionary.json", DICTIONARY, "\"count\"", "\"choice\",\"choices\":[\"x\"]", SOTTO_CAUSE_CONFLICT, 0,
     "model.sotto"},
    {"catalogue.json", CATALOGUE, "\"risk\":1", "\"risk\":9", SOTTO_CAUSE_RANGE, 3, "catalogue.json"},
    {"catalogue.json", CATALOGUE, "EUR", "Euro", SOTTO_CAUSE_MALFORMED, 1, "catalogue.json"},
    {"policy.json", POLICY, "\"product\":\"card\"", "\"product\":\"gold\"", SOTTO_CAUSE_NOT_FOUND, 5,
     "policy.json"},
    {"policy.json", POLICY, "\"consent\"", "\"consents\"", SOTTO_CAUSE_NOT_FOUND, 1, "policy.json"},
    {"policy.json", POLICY, "}]}]}", "}]}]", SOTTO_CAUSE_MALFORMED, 0, "policy.json"},
    {"tasks.json", TASKS, "0.5", "-1", SOTTO_CAUSE_RANGE, 3, "tasks.json"},
    {"tasks.json", TASKS, "new-card", "newer-card", SOTTO_CAUSE_NOT_FOUND, 4, "campaigns[1]"},
    {"tasks.json", TASKS, "\"tag\":\"segment\"", "\"tag\":\"nothing\"", SOTTO_CAUSE_NOT_FOUND, 5,
     "segments.tag"},
    {"tasks.json", TASKS, "\"tag\":\"segment\"", "\"tag\":\"secret\"", SOTTO_CAUSE_CONFLICT, 5,
     "segments.tag"},
    {"tasks.json", TASKS, "\"tag\":\"segment\"", "\"tag\":\"age\"", SOTTO_CAUSE_CONFLICT, 5, "segments.tag"},
    {"tasks.json", TASKS, "\"old\"", "\"ancient\"", SOTTO_CAUSE_NOT_FOUND, 5, "choices[1]"},
};

static sotto_status load_files(sotto_diag *diag)
{
    hq_bundle bundle;
    char names[HQ_BUNDLE_COUNT][HQ_PATH_MAX];
    const char *path[HQ_BUNDLE_COUNT] = {0};
    for (size_t i = 0; i < HQ_BUNDLE_NEEDED; i++) {
        snprintf(names[i], sizeof names[i], "%s/%s", test_dir, hq_bundle_name((enum hq_bundle_file)i));
        path[i] = names[i];
    }
    *diag = (sotto_diag){0};
    sotto_status status = hq_bundle_load(&bundle, path, diag);
    if (status == SOTTO_OK)
        hq_bundle_free(&bundle);
    return status;
}

static void bad_files_say_where(void **state)
{
    (void)state;
    sotto_diag diag;
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        const bad_file *b = &BAD[i];
        spoil(b->file, b->text, b->from, b->to);
        sotto_status status = load_files(&diag);
        if (sotto_status_cause(status) != b->cause || (b->line != 0 && diag.line != b->line) ||
            strstr(diag.where, b->where) == NULL)
            fail_msg("%s: %s -> %s: %s:%d: %s (%s)", b->file, b->from, b->to, diag.where, (int)diag.line,
                     diag.text, sotto_status_cause_text(status));
        assert_int_equal(publish_files(), sotto_status_exit_code(status));
        write_text(b->file, b->text);
    }
    assert_follows(1);
    forget_terminal();
}

static void bad_models(void **state)
{
    (void)state;
    sotto_diag diag;
    sotto_vec model;
    sotto_vec_init(&model, 1 << 20);
    write_release();
    ok(sotto_port_read_file(at("model.sotto"), &model, &diag), &diag);
    for (size_t i = 0; i < model.len; i += 3) { /* any byte; the model's own tests take each */
        ok(sotto_port_write_file(at("model.sotto"), sotto_span_of(model.ptr, i), 0600, &diag), &diag);
        assert_int_not_equal(load_files(&diag), SOTTO_OK);
        assert_non_null(strstr(diag.where, "model.sotto"));
        model.ptr[i] ^= 0x10;
        ok(sotto_port_write_file(at("model.sotto"), sotto_vec_span(&model), 0600, &diag), &diag);
        assert_int_not_equal(load_files(&diag), SOTTO_OK);
        model.ptr[i] ^= 0x10;
    }
    sotto_vec_free(&model);
    assert_int_equal(remove(at("policy.json")), 0);
    cause_is(load_files(&diag), NOT_FOUND);
    assert_non_null(strstr(diag.where, "policy.json"));
}

/* Under one id, cells keep their meaning. */
static void tasks_continue(void **state)
{
    (void)state;
    make_office();
    write_release();
    spoil("tasks.json", TASKS, "\"save-more\",\"new-card\"", "\"save-more\"");
    assert_int_equal(publish_files(), 0);
    write_text("tasks.json", TASKS);
    assert_int_equal(publish_files(), 0); /* one appended */
    spoil("tasks.json", TASKS, "\"save-more\",\"new-card\"", "\"new-card\",\"save-more\"");
    assert_int_equal(publish_files(), 9);
    spoil("tasks.json", TASKS, "\"young\",\"old\"", "\"young\"");
    assert_int_equal(publish_files(), 9);
    spoil("tasks.json", TASKS, "\"period_days\":1", "\"period_days\":7");
    assert_int_equal(publish_files(), 9);
    spoil("tasks.json", TASKS, "\"id\":1", "\"id\":2");
    assert_int_equal(publish_files(), 0); /* another id is another matter */
    spoil("tasks.json", TASKS, "\"young\",\"old\"", "\"young\"");
    assert_int_equal(publish_files(), 9); /* id 1 again, with other cells than it ever had */
    assert_follows(3);
    forget_terminal();
}

/* ---- killed ---- */

static int refresh_release(void)
{
    return RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--refresh");
}

static int publish_quietly(void)
{
    return publish_files();
}

/* After each death the release before, or the new one, is there whole; the next run goes through. */
static void killed_at_each_write(int (*work)(void), bool makes_release)
{
    uint64_t version = 1, found;
    sotto_diag diag = {0};
    bool lived = false;
    int deaths = 0;
    for (int n = 0; !lived && n < 500; n++) {
        lived = survives(n, work);
        deaths += !lived;
        ok(follow(hq_now(), &found, &diag), &diag);
        if (makes_release)
            assert_true(found == version || found == version + 1);
        else
            assert_int_equal(found, version);
        version = found;
        forget_terminal(); /* and a terminal that comes for the first time */
        assert_follows(version);
    }
    assert_true(lived);
    assert_true(deaths > 5);
    print_message("%d deaths\n", deaths);
}

static void publish_killed(void **state)
{
    (void)state;
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    killed_at_each_write(publish_quietly, true);
    forget_terminal();
}

static void refresh_killed(void **state)
{
    (void)state;
    make_office();
    write_release();
    assert_int_equal(RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--dictionary",
                         at("dictionary.json"), "--model", at("model.sotto"), "--catalogue",
                         at("catalogue.json"), "--policy", at("policy.json"), "--tasks", at("tasks.json"),
                         "--days", "8"),
                     0);
    hq_clock_shift(6 * HQ_DAY_S); /* the timestamp still holds; a snapshot of 8 days is signed anew as well */
    killed_at_each_write(refresh_release, false);
    hq_clock_shift(0);
    forget_terminal();
}

static bool repo_closed; /* no descriptor is left for its folder */
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
    if (!repo_closed || strcmp(path, at("office/repo")) != 0)
        return __real_opendir(path);
    errno = EMFILE;
    return NULL;
}

/* No release yet is where none was: with its timestamp lost, another one would be the first again. */
static void lost_timestamp(void **state)
{
    (void)state;
    char text[512];
    hq_publication out;
    sotto_diag diag = {0};
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    assert_int_equal(publish_files(), 0);
    assert_int_equal(rename(at("office/repo/timestamp.json"), at("kept")), 0);
    static const char *const lists[] = {"office/repo/1.snapshot.json", "office/repo/2.snapshot.json",
                                        "office/repo/1.targets.json"}; /* any one of them says it */
    repo_closed = true; /* what cannot be looked at is not taken for none */
    cause_is(hq_repo_refresh(at("office"), &out, &diag), IO);
    assert_int_not_equal(publish_files(), 0);
    repo_closed = false;
    for (size_t i = 0; i <= SOTTO_COUNT(lists); i++) {
        cause_is(hq_repo_refresh(at("office"), &out, &diag), CORRUPT);
        sotto_diag_format(&diag, text, sizeof text);
        assert_non_null(strstr(text, "repo/timestamp.json: is lost"));
        assert_non_null(strstr(text, "backup"));
        assert_int_not_equal(publish_files(), 0);
        assert_int_not_equal(prepare(), 0);
        assert_int_not_equal(finish_drafts(), 0);
        assert_true(hq_repo_stale(at("office"), hq_now())); /* serve says it, too */
        assert_false(sotto_port_exists(at("office/repo/timestamp.json")));
        assert_false(sotto_port_exists(at("office/repo/3.targets.json")));
        if (i < SOTTO_COUNT(lists))
            assert_int_equal(remove(at(lists[i])), 0);
    }
    assert_int_equal(remove(at("office/repo/2.targets.json")), 0);
    assert_int_equal(publish_files(), 0); /* nothing says it any more */
    forget_terminal();
}

/* What a first release leaves that is cut off is nobody's: the next run goes through. */
static void first_publish_killed(void **state)
{
    (void)state;
    bool lived = false;
    int deaths = 0;
    make_office();
    write_release();
    for (int n = 0; !lived && n < 500; n++) {
        lived = survives(n, publish_quietly);
        deaths += !lived;
        if (sotto_port_exists(at("office/repo/timestamp.json")))
            break;
    }
    assert_true(deaths > 5);
    assert_int_equal(publish_files(), 0);
    assert_false(sotto_port_exists(at("office/" HQ_REPO_FIRST)));
    assert_int_equal(publish_files(), 0);
    forget_terminal();
}

static int found_office(void)
{
    return RUN(hq_cmd_init, "init", "--dir", at("office"));
}

static void init_killed(void **state)
{
    (void)state;
    bool lived = false;
    for (int n = 0; !lived && n < 500; n++) {
        lived = survives(n, found_office);
        assert_int_equal(sotto_port_exists(at("office")), lived);
        if (!lived && sotto_port_exists(at("office.unfinished")))
            assert_int_equal(found_office(), 4); /* says what to remove */
        remove_tree(at("office.unfinished"));
    }
    assert_true(lived);
    write_release();
    assert_int_equal(publish_files(), 0);
    assert_follows(1);
    forget_terminal();
}

/* The same into a folder that is there: no office before all of it is. */
static void init_killed_while_it_fills(void **state)
{
    (void)state;
    bool lived = false;
    int half = 0;
    for (int n = 0; !lived && n < 500; n++) {
        assert_int_equal(mkdir(at("office"), 0700), 0);
        lived = survives(n, found_office);
        assert_int_equal(sotto_port_exists(at("office/" HQ_OFFICE_MARK)), lived);
        assert_int_equal(sotto_port_exists(at("office/init.unfinished/keys")) &&
                             sotto_port_exists(at("office/keys")),
                         false);
        half += !lived && sotto_port_exists(at("office/keys"));
        if (!lived && sotto_port_exists(at("office/init.unfinished")))
            assert_int_equal(found_office(), 4); /* says what to remove */
        if (!lived)
            remove_tree(at("office"));
    }
    assert_true(lived && half > 1);
    write_release();
    assert_int_equal(publish_files(), 0);
    assert_follows(1);
    forget_terminal();
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(founded_once),
        T(other_folder_is_left_alone),
        T(releases_are_followed),
        T(expiry_and_refresh),
        T(offline_keys),
        T(bad_files_say_where),
        T(bad_models),
        T(tasks_continue),
        T(lost_timestamp),
        T(publish_killed),
        T(first_publish_killed),
        T(refresh_killed),
        T(init_killed),
        T(init_killed_while_it_fills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
