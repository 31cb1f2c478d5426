/* Teams: a release whose model one team signs and whose campaigns another, two persons each, with keys that
 * are elsewhere. Neither can sign the other's files, neither alone can go back, and a terminal holds them to
 * it. */
#include "collector/expiry.h"
#include "publish_kit.h"
#include "release/repo.h"

#define CONFLICT 9 /* exit code */

/* What the last command said. */
static bool says(const char *file, const char *text)
{
    char said[4096];
    sotto_vec bytes;
    sotto_vec_init(&bytes, sizeof said - 1);
    ok(sotto_port_read_file(at(file), &bytes, NULL), NULL);
    ok(sotto_span_to_str(sotto_vec_span(&bytes), said, sizeof said), NULL);
    sotto_vec_free(&bytes);
    return strstr(said, text) != NULL;
}

static bool complains_of(const char *text)
{
    return says("stderr", text);
}

static int sign_by_two(const char *file, const char *a, const char *b)
{
    int code = sign_with(file, a);
    return code == 0 ? sign_with(file, b) : code;
}

static int add_team(const char *name, const char *paths, const char *a, const char *b)
{
    return RUN(hq_cmd_keys, "keys", "add-role", "--dir", at("office"), "--role", name, "--paths", paths,
               "--key", at(a), "--key", at(b), "--threshold", "2");
}

/* As serve sees the folder: from a root of its own. */
static sotto_status verify(uint64_t version)
{
    sotto_vec root;
    sotto_diag diag = {0};
    sotto_vec_init(&root, 1 << 16);
    if (!sotto_port_exists(at("serve/root.json"))) {
        ok(sotto_port_read_file(at("office/repo/1.root.json"), &root, &diag), &diag);
        ok(sotto_port_make_dir(at("serve"), 0700, &diag), &diag);
        ok(sotto_tuf_init(at("serve"), sotto_vec_span(&root), &diag), &diag);
    }
    sotto_vec_free(&root);
    char dir[HQ_PATH_MAX], metadata[HQ_PATH_MAX];
    snprintf(dir, sizeof dir, "%s", at("terminal"));
    snprintf(metadata, sizeof metadata, "%s", at("serve"));
    const sotto_tuf_config config = {.metadata_dir = metadata, .now_s = hq_now()};
    return sotto_release_verify(dir, version, &config, &diag);
}

/* Another policy, in its bytes. */
static void change_policy(int n)
{
    char text[2048];
    snprintf(text, sizeof text, "%s%*s", POLICY, n + 1, "");
    write_text("policy.json", text);
}

static void begin(void)
{
    static const char *const people[] = {"anna", "bob", "carl", "dora"};
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    assert_follows(1);
    for (size_t i = 0; i < SOTTO_COUNT(people); i++)
        make_person(people[i]);
    assert_int_equal(add_team("model", "model.sotto,items.sotto,segments.sotto", "anna.pem", "bob.pem"), 0);
    assert_int_equal(add_team("campaign", "catalogue.json,policy.json", "carl.pem", "dora.pem"), 0);
}

static void sign_first(void)
{
    assert_int_equal(sign_by_two("office/draft/1.model.json", "anna.key", "bob.key"), 0);
    assert_int_equal(sign_by_two("office/draft/1.campaign.json", "carl.key", "dora.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(2);
    ok(verify(2), NULL);
}

static void two_teams_of_two(void **state)
{
    (void)state;
    begin();
    assert_int_equal(finish_drafts(), 5);
    assert_int_equal(sign_with("office/draft/1.model.json", "anna.key"), 0);
    assert_int_equal(finish_drafts(), 5); /* one of two */
    assert_int_equal(sign_with("office/draft/1.model.json", "carl.key"), 5);
    assert_int_equal(sign_with("office/draft/1.model.json", "office/keys/targets.key"), 5);
    assert_int_equal(sign_with("office/draft/1.model.json", "bob.key"), 0);
    assert_int_equal(finish_drafts(), 5); /* the campaign team has not signed */
    assert_follows(1);
    assert_int_equal(sign_by_two("office/draft/1.campaign.json", "carl.key", "dora.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_false(sotto_port_exists(at("office/draft/1.model.json")));
    assert_follows(2);
    ok(verify(2), NULL);
    static const char *const files[] = {"model.sotto", "dictionary.json", "catalogue.json", "policy.json",
                                        "tasks.json",  "selftest.sotto",  "model.role",     "campaign.role"};
    for (size_t i = 0; i < SOTTO_COUNT(files); i++) {
        char path[64];
        snprintf(path, sizeof path, "terminal/2/%s", files[i]);
        assert_true(sotto_port_exists(at(path)));
    }
    forget_terminal();
    assert_follows(2);
    forget_terminal();
    remove_tree(at("serve"));
}

/* Who has nothing to say signs nothing: the model's list stays when a policy changes. */
static void one_team_at_a_time(void **state)
{
    (void)state;
    begin();
    sign_first();
    assert_int_equal(publish_files(), 0); /* nothing changed: no list of a team, only the release's own */
    assert_follows(3);
    change_policy(0);
    assert_int_equal(publish_files(), 5);
    assert_int_equal(prepare(), 0);
    assert_false(sotto_port_exists(at("office/draft/2.model.json")));
    assert_int_equal(sign_by_two("office/draft/2.campaign.json", "dora.key", "carl.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(4);
    ok(verify(4), NULL);
    assert_int_equal(RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--refresh"), 0);
    assert_follows(4);
    forget_terminal();
    remove_tree(at("serve"));
}

/* ---- a team that signs what is not its own ---- */

static int forge_days = 90;

/* The model team's list of that version, with the policy of somebody on it, signed by both. */
static void forge(const char *path, uint64_t version, const char *more)
{
    static hq_keyring ring;
    const char *const keys[] = {"anna.key", "bob.key"};
    sotto_diag diag = {0};
    sotto_vec model, file, out;
    hq_tuf_file files[2];
    ring.count = 0;
    for (size_t i = 0; i < 2; i++) {
        hq_tuf_key *key = &ring.key[ring.count++];
        sotto_vec_init(&file, SOTTO_PEM_MAX - 1);
        ok(sotto_port_read_file(at(keys[i]), &file, &diag), &diag);
        ok(sotto_span_to_str(sotto_vec_span(&file), key->pem, SOTTO_PEM_MAX), &diag);
        ok(hq_tuf_key_complete(key, &diag), &diag);
        sotto_vec_free(&file);
    }
    sotto_vec_init(&model, HQ_FILE_LIMIT);
    sotto_vec_init(&out, 1 << 16);
    ok(sotto_port_read_file(at("model.sotto"), &model, &diag), &diag);
    ok(hq_tuf_file_of(&files[0], "model.sotto", 0, sotto_vec_span(&model)), &diag);
    ok(hq_tuf_file_of(&files[1], more, 0, sotto_vec_span(&model)), &diag);
    const hq_tuf_doc doc = {.role = HQ_ROLE_TARGETS,
                            .version = version,
                            .expires_s = hq_now() + forge_days * HQ_DAY_S,
                            .files = files,
                            .file_count = more == NULL ? 1 : 2};
    ok(hq_tuf_write(&doc, &ring, &out, &diag), &diag);
    ok(sotto_port_write_file(at(path), sotto_vec_span(&out), 0644, &diag), &diag);
    sotto_vec_free(&model);
    sotto_vec_free(&out);
}

static void publish_refuses_what_is_not_theirs(void **state)
{
    (void)state;
    begin();
    forge("office/draft/1.model.json", 1, "policy.json");
    assert_int_equal(sign_with("office/draft/1.model.json", "anna.key"), 5); /* nor is it signed in silence */
    assert_int_equal(sign_by_two("office/draft/1.campaign.json", "carl.key", "dora.key"), 0);
    assert_int_equal(finish_drafts(), 5);
    assert_follows(1);
    forge("office/draft/1.model.json", 1, "tasks.json"); /* of whoever signs targets */
    assert_int_equal(finish_drafts(), 5);
    forge("office/draft/1.model.json", 2, NULL); /* another number than the release takes */
    assert_int_not_equal(finish_drafts(), 0);
    forge("office/draft/1.model.json", 1, "items.sotto"); /* theirs, but it was never prepared */
    assert_int_equal(finish_drafts(), CONFLICT);
    assert_true(complains_of("1.model.json"));
    forge_days = 91; /* the right file, another end */
    forge("office/draft/1.model.json", 1, NULL);
    forge_days = 90;
    assert_int_equal(finish_drafts(), CONFLICT);
    assert_follows(1);
    forget_terminal();
}

static void copy_file(const char *from, const char *to)
{
    sotto_vec bytes;
    sotto_vec_init(&bytes, 1 << 20);
    ok(sotto_port_read_file(at(from), &bytes, NULL), NULL);
    ok(sotto_port_write_file(at(to), sotto_vec_span(&bytes), 0644, NULL), NULL);
    sotto_vec_free(&bytes);
}

static bool same_text(const char *a, const char *b)
{
    sotto_vec one, other;
    sotto_vec_init(&one, 1 << 20);
    sotto_vec_init(&other, 1 << 20);
    ok(sotto_port_read_file(at(a), &one, NULL), NULL);
    ok(sotto_port_read_file(at(b), &other, NULL), NULL);
    bool same = sotto_span_equal(sotto_vec_span(&one), sotto_vec_span(&other));
    sotto_vec_free(&one);
    sotto_vec_free(&other);
    return same;
}

/* Two signed an earlier preparation with the same number, whose files are here as well. */
static void finish_wants_what_was_prepared_last(void **state)
{
    (void)state;
    begin();
    sign_first();
    change_policy(0);
    assert_int_equal(prepare(), 0);
    assert_int_equal(sign_by_two("office/draft/2.campaign.json", "carl.key", "dora.key"), 0);
    copy_file("office/draft/2.campaign.json", "earlier.json");
    change_policy(1);
    assert_int_equal(prepare(), 0);
    copy_file("office/draft/2.campaign.json", "wanted.json");
    copy_file("earlier.json", "office/draft/2.campaign.json");
    assert_int_equal(finish_drafts(), CONFLICT);
    assert_true(complains_of("2.campaign.json"));
    assert_follows(2);
    copy_file("wanted.json", "office/draft/2.campaign.json");
    assert_int_equal(sign_by_two("office/draft/2.campaign.json", "carl.key", "dora.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_false(sotto_port_exists(at("office/draft/2.campaign.sha256")));
    assert_follows(3);
    forget_terminal();
    remove_tree(at("serve"));
}

/* A list of another number under this name, and lists whose time is over before they are finished. */
static void finish_wants_the_next_and_living(void **state)
{
    (void)state;
    begin();
    sign_first();
    copy_file("office/repo/2.targets.json", "office/draft/3.targets.json");
    assert_int_equal(finish_drafts(), CONFLICT);
    assert_true(complains_of("3.targets.json"));
    change_policy(0);
    assert_int_equal(prepare(), 0);
    assert_int_equal(sign_by_two("office/draft/2.campaign.json", "carl.key", "dora.key"), 0);
    hq_clock_shift(91 * HQ_DAY_S);
    assert_int_equal(finish_drafts(), 5);
    assert_true(complains_of("3.targets.json"));
    /* The model's list is not new and ends with the others; by itself: */
    assert_int_equal(prepare(), 0);
    hq_clock_shift(0);
    copy_file("office/draft/2.model.json", "later.json");
    forge_days = 1;
    forge("office/draft/2.model.json", 2, NULL);
    forge_days = 90;
    hq_clock_shift(92 * HQ_DAY_S);
    assert_int_equal(finish_drafts(), 5);
    assert_true(complains_of("2.model.json") && complains_of("expired"));
    copy_file("later.json", "office/draft/2.model.json");
    assert_int_equal(sign_by_two("office/draft/2.model.json", "anna.key", "bob.key"), 0);
    assert_int_equal(sign_by_two("office/draft/2.campaign.json", "carl.key", "dora.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(3);
    hq_clock_shift(0);
    forget_terminal();
    remove_tree(at("serve"));
}

/* A release that was prepared before there were teams names their files past them. */
static void targets_do_not_list_what_is_a_teams(void **state)
{
    (void)state;
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    change_policy(0);
    assert_int_equal(prepare(), 0);
    copy_file("office/draft/2.targets.json", "before.json");
    assert_int_equal(remove(at("office/draft/2.targets.json")), 0);
    make_person("carl");
    make_person("dora");
    assert_int_equal(add_team("campaign", "catalogue.json,policy.json", "carl.pem", "dora.pem"), 0);
    copy_file("before.json", "office/draft/2.targets.json");
    assert_int_equal(finish_drafts(), CONFLICT);
    assert_true(complains_of("campaign's to sign"));
    assert_follows(1);
    forget_terminal();
}

/* A head office that does not look: the list is in the repository, in the snapshot and in the timestamp. */
static void a_terminal_refuses_what_is_not_theirs(void **state)
{
    (void)state;
    uint64_t found = 0;
    begin();
    sign_first();
    static const char *const strays[] = {"policy.json", "tasks.json", "other.bin"};
    for (size_t i = 0; i < SOTTO_COUNT(strays); i++) {
        forge("office/repo/1.model.json", 1, strays[i]);
        assert_int_equal(RUN(hq_cmd_keys, "keys", "rotate", "--dir", at("office"), "--role", "snapshot"), 0);
        forget_terminal();
        assert_int_equal(sotto_status_cause(follow(hq_now(), &found, NULL)), SOTTO_CAUSE_AUTH);
        assert_int_equal(found, 0);
        assert_false(sotto_port_exists(at("terminal/2/targets.json")));
    }
    forge("office/repo/1.model.json", 1, NULL);
    assert_int_equal(RUN(hq_cmd_keys, "keys", "rotate", "--dir", at("office"), "--role", "snapshot"), 0);
    forget_terminal();
    assert_follows(2);
    forget_terminal();
    remove_tree(at("serve"));
}

/* serve does not trust the folder that sync wrote. */
static void serve_refuses_another_list(void **state)
{
    (void)state;
    begin();
    sign_first();
    forge("terminal/2/model.role", 1, "policy.json");
    assert_int_equal(sotto_status_cause(verify(2)), SOTTO_CAUSE_AUTH);
    forge("terminal/2/model.role", 2, NULL); /* newer, or older, than this release takes */
    assert_int_equal(sotto_status_cause(verify(2)), SOTTO_CAUSE_CORRUPT);
    assert_int_equal(remove(at("terminal/2/model.role")), 0);
    assert_int_not_equal(verify(2), SOTTO_OK);
    assert_int_equal(rename(at("terminal/2/campaign.role"), at("terminal/2/model.role")), 0);
    assert_int_equal(sotto_status_cause(verify(2)), SOTTO_CAUSE_AUTH); /* signed by the other team */
    assert_follows(2);                                                 /* sync mends it */
    ok(verify(2), NULL);
    forget_terminal();
    remove_tree(at("serve"));
}

/* ---- changes of teams, and their end ---- */

static void keys_of_a_team_change(void **state)
{
    (void)state;
    begin();
    sign_first();
    make_person("eve");
    assert_int_equal(
        RUN(hq_cmd_keys, "keys", "add", "--dir", at("office"), "--role", "model", "--key", at("eve.pem")), 0);
    assert_follows(3); /* two of three have signed the list that stands */
    assert_int_equal(
        RUN(hq_cmd_keys, "keys", "threshold", "--dir", at("office"), "--role", "model", "--threshold", "3"),
        0);
    assert_follows(3);
    assert_int_equal(sign_by_two("office/draft/2.model.json", "anna.key", "bob.key"), 0);
    assert_int_equal(finish_drafts(), 5);
    assert_int_equal(sign_with("office/draft/2.model.json", "eve.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(4);
    assert_int_equal(RUN(hq_cmd_keys, "keys", "remove-role", "--dir", at("office"), "--role", "model"), 0);
    assert_follows(5); /* by a terminal that has seen the team: the snapshot goes on naming its list */
    assert_int_equal(RUN(hq_cmd_keys, "keys", "rotate", "--dir", at("office"), "--role", "targets"), 0);
    assert_follows(6); /* the campaign team is in the list that the new key signs */
    ok(verify(6), NULL);
    forget_terminal();
    assert_follows(6);
    forget_terminal();
    remove_tree(at("serve"));
}

static int keys_of_model(const char *verb, const char *key)
{
    return RUN(hq_cmd_keys, "keys", verb, "--dir", at("office"), "--role", "model", "--key", key);
}

/* A change of teams writes the next release anew: not over one that somebody has prepared. */
static void a_prepared_release_is_not_lost(void **state)
{
    (void)state;
    begin();
    sign_first();
    make_person("eve");
    change_policy(0);
    assert_int_equal(prepare(), 0);
    copy_file("office/draft/3.targets.json", "prepared.json");
    copy_file("office/teams.json", "teams.json");
    assert_int_equal(keys_of_model("add", at("eve.pem")), CONFLICT);
    assert_true(complains_of("3.targets.json"));
    assert_int_equal(add_team("risk", "tasks.json", "anna.pem", "bob.pem"), CONFLICT);
    assert_int_equal(RUN(hq_cmd_keys, "keys", "remove-role", "--dir", at("office"), "--role", "model"),
                     CONFLICT);
    assert_true(same_text("office/draft/3.targets.json", "prepared.json"));
    assert_true(same_text("office/teams.json", "teams.json"));
    assert_int_equal(sign_by_two("office/draft/2.campaign.json", "carl.key", "dora.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(3);
    assert_int_equal(keys_of_model("add", at("eve.pem")), 0);
    assert_follows(4);
    change_policy(1);
    assert_int_equal(prepare(), 0);
    assert_int_equal(remove(at("office/draft/5.targets.json")), 0); /* dropped */
    assert_int_equal(
        RUN(hq_cmd_keys, "keys", "threshold", "--dir", at("office"), "--role", "model", "--threshold", "1"),
        0);
    assert_follows(5);
    forget_terminal();
    remove_tree(at("serve"));
}

/* Dora has left the team; what she signed with is still what signed the standing list. */
static void a_removed_key_signs_nothing(void **state)
{
    (void)state;
    begin();
    sign_first();
    make_person("eve");
    assert_int_equal(
        RUN(hq_cmd_keys, "keys", "add", "--dir", at("office"), "--role", "campaign", "--key", at("eve.pem")),
        0);
    assert_follows(3);
    hq_public_key dora;
    sotto_vec pem;
    sotto_vec_init(&pem, HQ_PUBLIC_MAX);
    ok(sotto_port_read_file(at("dora.pem"), &pem, NULL), NULL);
    ok(hq_public_key_read(&dora, sotto_vec_span(&pem), NULL), NULL);
    sotto_vec_free(&pem);
    assert_int_equal(
        RUN(hq_cmd_keys, "keys", "remove", "--dir", at("office"), "--role", "campaign", "--key", dora.keyid),
        0);
    assert_int_equal(sign_with("office/draft/2.campaign.json", "dora.key"), 5);
    assert_true(complains_of("nothing was signed"));
    assert_int_equal(sign_by_two("office/draft/2.campaign.json", "carl.key", "eve.key"), 0);
    assert_int_equal(finish_drafts(), 0);
    assert_follows(4);
    copy_file("office/repo/2.campaign.json", "office/draft/3.campaign.json"); /* by the standing list */
    assert_int_equal(sign_with("office/draft/3.campaign.json", "dora.key"), 5);
    assert_int_equal(sign_with("office/draft/3.campaign.json", "eve.key"), 0);
    copy_file("office/repo/2.campaign.json", "office/draft/1.nobody.json"); /* no such team */
    assert_int_equal(sign_with("office/draft/1.nobody.json", "eve.key"), 5);
    forget_terminal();
    remove_tree(at("serve"));
}

static void the_end_of_a_list_is_told(void **state)
{
    (void)state;
    hq_expiry all[HQ_EXPIRIES];
    size_t count = 0, told = 0;
    begin();
    sign_first();
    count = hq_office_expiries(at("office"), hq_now() + 80 * HQ_DAY_S, all);
    assert_int_equal(count, 8);
    for (size_t i = 6; i < count; i++)
        told += (strcmp(all[i].what, "list of model") == 0 || strcmp(all[i].what, "list of campaign") == 0) &&
                all[i].near;
    assert_int_equal(told, 2);
    count = hq_office_expiries(at("office"), hq_now(), all);
    assert_int_equal(count, 8);
    assert_false(all[6].near || all[7].near);
    hq_clock_shift(60 * HQ_DAY_S); /* less than half of their life is left: they are signed anew */
    assert_int_equal(prepare(), 0);
    hq_clock_shift(0);
    assert_true(sotto_port_exists(at("office/draft/2.model.json")));
    forget_terminal();
    remove_tree(at("serve"));
}

/* A list that cannot be read is told of, and hides nothing else. */
static void a_list_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    hq_expiry all[HQ_EXPIRIES];
    size_t count = 0;
    begin();
    sign_first();
    write_text("office/repo/1.campaign.json", "{");
    count = hq_office_expiries(at("office"), hq_now(), all);
    assert_int_equal(count, 8);
    assert_string_equal(all[6].what, "list of model");
    assert_true(all[6].until_s != 0 && !all[6].near);
    assert_string_equal(all[7].what, "list of campaign");
    assert_true(all[7].until_s == 0 && all[7].near);
    assert_int_equal(RUN(hq_cmd_devices, "devices", "--dir", at("office")), 0);
    assert_true(says("stdout", "list of campaign of this office cannot be read"));
    forget_terminal();
    remove_tree(at("serve"));
}

/* "Good until" is the end of whichever list ends first. */
static void publish_tells_the_first_end(void **state)
{
    (void)state;
    int64_t until_s = 0;
    sotto_span text;
    begin();
    sign_first();
    int64_t first_s = hq_now() + 90 * HQ_DAY_S;
    hq_clock_shift(20 * HQ_DAY_S);
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            assert_int_equal(publish_files(), 0); /* no list of a team is new */
        else
            assert_int_equal(RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--refresh", "--json"), 0);
        sotto_json *doc = printed();
        sotto_json_node expires = sotto_json_member(sotto_json_root(doc), "expires");
        ok(sotto_json_get_str(expires, "targets", &text, NULL), NULL);
        ok(sotto_time_parse(text, &until_s), NULL);
        assert_true(until_s <= first_s && until_s > first_s - HQ_DAY_S);
        sotto_json_free(doc);
    }
    hq_clock_shift(0);
    forget_terminal();
    remove_tree(at("serve"));
}

/* A snapshot names every team that there ever was, and no more than it can. */
static void teams_that_ever_were(void **state)
{
    (void)state;
    static hq_repo repo;
    static hq_teams teams;
    sotto_diag diag = {0};
    for (repo.list_count = 0; repo.list_count < HQ_REPO_LISTS_MAX - 1; repo.list_count++)
        snprintf(repo.list[repo.list_count].name, HQ_TEAM_NAME_MAX, "team%zu", repo.list_count);
    ok(hq_repo_team_fits(&repo, &teams, "model", &diag), &diag);
    ok(hq_teams_add(&teams, "model", "model.sotto", &diag), &diag); /* has no list yet, but will */
    assert_int_equal(sotto_status_cause(hq_repo_team_fits(&repo, &teams, "risk", &diag)), SOTTO_CAUSE_RANGE);
    ok(hq_repo_team_fits(&repo, &teams, "team3", &diag), &diag);
}

static void write_crlf(const char *from, const char *to)
{
    char text[2 * SOTTO_PEM_MAX];
    size_t len = 0;
    sotto_vec bytes;
    sotto_vec_init(&bytes, SOTTO_PEM_MAX - 1);
    ok(sotto_port_read_file(at(from), &bytes, NULL), NULL);
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n')
            text[len++] = '\r';
        text[len++] = (char)bytes.ptr[i];
    }
    text[len] = '\0';
    sotto_vec_free(&bytes);
    write_text(to, text);
}

static void what_cannot_be(void **state)
{
    (void)state;
    begin();
    assert_int_not_equal(add_team("model", "tasks.json", "anna.pem", "bob.pem"), 0); /* there is one */
    assert_int_not_equal(add_team("risk", "policy.json", "anna.pem", "bob.pem"), 0); /* another team's */
    assert_int_not_equal(add_team("risk", "selftest.sotto", "anna.pem", "bob.pem"), 0);
    assert_int_not_equal(add_team("risk", "*", "anna.pem", "bob.pem"), 0);
    assert_int_not_equal(add_team("snapshot", "tasks.json", "anna.pem", "bob.pem"), 0);
    assert_int_not_equal(add_team("../risk", "tasks.json", "anna.pem", "bob.pem"), 0);
    assert_int_not_equal(add_team("risk", "tasks.json", "anna.pem", "anna.pem"), 0);
    write_crlf("anna.pem", "anna-crlf.pem"); /* the same key, written otherwise */
    assert_int_equal(add_team("risk", "tasks.json", "anna.pem", "anna-crlf.pem"), 4);
    assert_true(complains_of("has this key already"));
    assert_int_equal(RUN(hq_cmd_keys, "keys", "add-role", "--dir", at("office"), "--role", "risk"), 2);
    assert_int_equal(RUN(hq_cmd_keys, "keys", "remove-role", "--dir", at("office"), "--role", "risk"), 4);
    assert_int_equal(RUN(hq_cmd_keys, "keys", "list", "--dir", at("office"), "--json"), 0);
    sign_first();
    forget_terminal();
    remove_tree(at("serve"));
}

/* A finish that dies anywhere leaves the release before or the new one. Keys of the team are here. */
static void finish_killed(void **state)
{
    (void)state;
    uint64_t found = 2;
    bool lived = false;
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    assert_int_equal(RUN(hq_cmd_keys, "keys", "add-role", "--dir", at("office"), "--role", "campaign",
                         "--paths", "policy.json"),
                     0);
    assert_follows(2);
    for (int n = 0; !lived && n < 200; n++) {
        sotto_diag diag = {0};
        uint64_t before = found;
        change_policy(n);
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

#define T(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(two_teams_of_two),
        T(one_team_at_a_time),
        T(publish_refuses_what_is_not_theirs),
        T(finish_wants_what_was_prepared_last),
        T(finish_wants_the_next_and_living),
        T(targets_do_not_list_what_is_a_teams),
        T(a_terminal_refuses_what_is_not_theirs),
        T(serve_refuses_another_list),
        T(keys_of_a_team_change),
        T(a_prepared_release_is_not_lost),
        T(a_removed_key_signs_nothing),
        T(the_end_of_a_list_is_told),
        T(a_list_that_cannot_be_read_is_told),
        T(publish_tells_the_first_end),
        T(teams_that_ever_were),
        T(what_cannot_be),
        T(finish_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
