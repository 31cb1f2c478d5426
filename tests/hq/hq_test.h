/* What the tests of hq share: an office in a temporary folder, the five files of a small release, and a
 * terminal that seals reports. */
#ifndef SOTTO_TESTS_HQ_TEST_H
#define SOTTO_TESTS_HQ_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cmocka.h>

#include "collector/collect.h"
#include "commands.h"
#include "office/code.h"
#include "office/day.h"
#include "office/office.h"

#include "sotto/forge.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEST_PERIOD_DAY 20777 /* 2026-11-20 */

static char test_dir[32];

static inline const char *at(const char *name)
{
    static char paths[8][HQ_PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, HQ_PATH_MAX, "%s/%s", test_dir, name);
    return path;
}

static inline void ok_at(sotto_status status, const sotto_diag *diag, const char *file, int line)
{
    char text[640] = "failed";
    if (status != SOTTO_OK) {
        if (diag != NULL)
            sotto_diag_format(diag, text, sizeof text);
        print_error("%s\n", text);
        _fail(file, line);
    }
}
#define ok(call, diag)       ok_at((call), (diag), __FILE__, __LINE__)
#define cause_is(call, name) assert_int_equal(sotto_status_cause(call), SOTTO_CAUSE_##name)

static inline int test_unlink(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, test_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int test_setup(void **state)
{
    (void)state;
    snprintf(test_dir, sizeof test_dir, "/tmp/sotto-hq-XXXXXX");
    return mkdtemp(test_dir) == NULL || sotto_vault_start(NULL) != SOTTO_OK;
}

static inline int test_teardown(void **state)
{
    (void)state;
    remove_tree(test_dir);
    return 0;
}

static inline void write_text(const char *name, const char *text)
{
    sotto_diag diag = {0};
    ok(sotto_port_write_file(at(name), sotto_span_str(text), 0600, &diag), &diag);
}

/* ---- a small release ---- */

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":[\n"
    "{\"number\":1,\"id\":\"age\",\"kind\":\"count\",\"purpose\":[\"marketing\"]},\n"
    "{\"number\":2,\"id\":\"segment\",\"kind\":\"choice\",\"purpose\":[\"marketing\",\"measurement\"],"
    "\"aggregate\":true,\"choices\":[\"young\",\"old\"]},\n"
    "{\"number\":3,\"id\":\"secret\",\"kind\":\"choice\",\"purpose\":[\"marketing\"],\"choices\":[\"a\","
    "\"b\"]},\n"
    "{\"number\":4,\"id\":\"consent\",\"kind\":\"flag\",\"purpose\":[\"service\"]},\n"
    "{\"number\":5,\"id\":\"measure\",\"kind\":\"flag\",\"purpose\":[\"service\"]},\n"
    "{\"number\":6,\"id\":\"risk_grade\",\"kind\":\"count\",\"purpose\":[\"service\"]}]}\n";

static const char CATALOGUE[] = "{\"version\":1,\"currency\":\"EUR\",\n\"products\":[\n"
                                "{\"id\":\"saver\",\"risk\":1,\"value\":\"40.00\"},\n"
                                "{\"id\":\"card\",\"risk\":1,\"value\":60}]}\n";

static const char POLICY[] = "{\"version\":1,\"profiling_tag\":\"consent\",\"measurement_tag\":\"measure\","
                             "\"risk_tag\":\"risk_grade\",\n"
                             "\"campaigns\":[\n"
                             "{\"number\":1,\"id\":\"save-more\",\"product\":\"saver\",\n"
                             "\"creatives\":[{\"language\":\"en\",\"title\":\"Save\",\"text\":\"More\"}]},\n"
                             "{\"number\":2,\"id\":\"new-card\",\"product\":\"card\",\n"
                             "\"creatives\":[{\"language\":\"en\",\"title\":\"Card\",\"text\":\"New\"}]}]}\n";

static const char TASKS[] =
    "{\"format\":\"sotto-tasks\",\"version\":1,\"lifetime_epsilon\":20,\n\"tasks\":[{\"name\":\"offers\","
    "\"id\":1,\n"
    "\"type\":\"offer-counts\",\"mode\":\"one-collector\",\"epsilon\":0.5,\"bound\":4,\"period_days\":1,\n"
    "\"campaigns\":[\"save-more\",\"new-card\"],\n"
    "\"segments\":{\"tag\":\"segment\",\"choices\":[\"young\",\"old\"]}}]}\n";
enum { TEST_CELLS = 2 * 3 * 2 };

/* One tree: age < 30.5 or not. */
static const char XGBOOST[] =
    "{\"version\":[1,7,4],\"learner\":{\"attributes\":{},\"feature_names\":[\"age\"],\"feature_types\":[],"
    "\"learner_model_param\":{\"base_score\":\"5E-1\",\"num_class\":\"0\",\"num_feature\":\"1\",\"num_"
    "target\":\"1\"},"
    "\"objective\":{\"name\":\"binary:logistic\"},\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{"
    "\"gbtree_model_param\":{\"num_trees\":\"1\",\"num_parallel_tree\":\"1\"},\"tree_info\":[0],\"trees\":[{"
    "\"base_weights\":[0,-1,1],\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],"
    "\"categories_sizes\":[],\"default_left\":[1,0,0],\"id\":0,\"left_children\":[1,-1,-1],"
    "\"right_children\":[2,-1,-1],\"parents\":[2147483647,0,0],\"loss_changes\":[1,0,0],"
    "\"split_conditions\":[30.5,-0.5,0.25],\"split_indices\":[0,0,0],\"split_type\":[0,0,0],"
    "\"sum_hessian\":[10,4,6],\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"1\",\"num_nodes\":"
    "\"3\","
    "\"size_leaf_vector\":\"1\"}}]}}}}";

static const char RECIPE[] =
    "{\"format\":\"sotto-recipe-1\",\"features\":[{\"name\":\"age\",\"tag\":\"age\"}]}";

static inline void write_model(const char *name)
{
    static uint8_t memory[1 << 16];
    sotto_arena arena;
    sotto_dictionary *dictionary;
    sotto_recipe recipe;
    sotto_forge_report report;
    sotto_diag diag = {0};
    sotto_vec model;
    sotto_vec_init(&model, 1 << 20);
    sotto_arena_init(&arena, memory, sizeof memory);
    ok(sotto_dictionary_load(&dictionary, sotto_span_str(DICTIONARY), "dictionary", &arena, &diag), &diag);
    ok(sotto_recipe_load(&recipe, sotto_span_str(RECIPE), "recipe", dictionary, &arena, &diag), &diag);
    const sotto_forge_options options = {.file_name = "xgboost", .model_name = "test", .recipe = &recipe};
    ok(sotto_forge_xgboost(sotto_span_str(XGBOOST), &options, &model, &report, &diag), &diag);
    ok(sotto_port_write_file(at(name), sotto_vec_span(&model), 0600, &diag), &diag);
    sotto_vec_free(&model);
}

static inline void write_release(void)
{
    write_text("dictionary.json", DICTIONARY);
    write_text("catalogue.json", CATALOGUE);
    write_text("policy.json", POLICY);
    write_text("tasks.json", TASKS);
    write_model("model.sotto");
}

/* ---- commands, in this process; standard output and error to files ---- */

#define RUN(function, ...) run_command(function, (const char *const[]){__VA_ARGS__, NULL})

static inline int run_command(int (*function)(int, char **), const char *const *words)
{
    char *argv[32];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = strdup(words[argc]);
    argv[argc] = NULL;
    fflush(stdout);
    fflush(stderr);
    int keep_out = dup(STDOUT_FILENO), keep_err = dup(STDERR_FILENO);
    FILE *out = fopen(at("stdout"), "w+"), *err = fopen(at("stderr"), "w+");
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    int code = function(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(keep_out, STDOUT_FILENO);
    dup2(keep_err, STDERR_FILENO);
    close(keep_out);
    close(keep_err);
    fclose(out);
    fclose(err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return code;
}

/* What the last command printed. */
static inline sotto_json *printed(void)
{
    sotto_diag diag = {0};
    sotto_json *doc;
    sotto_vec text;
    sotto_vec_init(&text, 1 << 20);
    ok(sotto_port_read_file(at("stdout"), &text, &diag), &diag);
    ok(sotto_json_parse(&doc, sotto_vec_span(&text), "stdout", &diag), &diag);
    sotto_vec_free(&text);
    return doc;
}

/* The same tests run on PostgreSQL (postgres.sh): SOTTO_TEST_STORE is its URL, SOTTO_TEST_STORE_EMPTY a
 * command that takes everything out of it. */
static inline void empty_store(void)
{
    const char *command = getenv("SOTTO_TEST_STORE_EMPTY");
    if (command != NULL)
        assert_int_equal(system(command), 0);
    hq_store_choose(getenv("SOTTO_TEST_STORE"));
}

static inline void make_office(void)
{
    empty_store();
    assert_int_equal(RUN(hq_cmd_init, "init", "--dir", at("office"), "--name", "Test Bank"), 0);
}

static inline int publish_files(void)
{
    return RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--dictionary", at("dictionary.json"),
               "--model", at("model.sotto"), "--catalogue", at("catalogue.json"), "--policy",
               at("policy.json"), "--tasks", at("tasks.json"), "--json");
}

/* ---- a terminal ---- */

typedef struct terminal {
    char id[HQ_DEVICE_ID_MAX];
    uint8_t root; /* of its vault */
    sotto_vault *vault;
    uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES];
    char key_pem[SOTTO_PEM_MAX], csr_pem[SOTTO_PEM_MAX], cert_pem[SOTTO_PEM_MAX];
    uint64_t seq;
    uint8_t previous[SOTTO_SHA256_BYTES];
    uint8_t sealed[SOTTO_REPORT_MAX];
    size_t sealed_len;
    sotto_report report; /* the next one */
    int64_t cells[TEST_CELLS];
} terminal;

static inline sotto_status terminal_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)diag;
    memset(root, *(const uint8_t *)ctx, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

static inline terminal *terminal_new(const char *id, uint8_t root)
{
    sotto_diag diag = {0};
    terminal *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->root = root;
    snprintf(t->id, sizeof t->id, "%s", id);
    const sotto_key_provider provider = {.ctx = &t->root, .name = "test", .load = terminal_root};
    sotto_entropy entropy = sotto_port_entropy();
    ok(sotto_vault_open(&t->vault, &provider, &diag), &diag);
    ok(sotto_vault_report_public_key(t->vault, t->report_key), &diag);
    ok(sotto_keypair_make(&entropy, t->key_pem, &diag), &diag);
    ok(sotto_csr_make(t->key_pem, "sotto terminal", t->csr_pem, &diag), &diag);
    t->report = (sotto_report){.task_id = 1,
                               .release_version = 1,
                               .period_day = TEST_PERIOD_DAY,
                               .period_days = 1,
                               .epsilon_ueps = 500000,
                               .bound = 4,
                               .cells = t->cells,
                               .cell_count = TEST_CELLS};
    memcpy(t->report.device, t->id, sizeof t->report.device);
    return t;
}

static inline void terminal_free(terminal *t)
{
    sotto_vault_close(t->vault);
    free(t);
}

/* Seals t->report as the number seq, following t->previous. */
static inline void terminal_seal(terminal *t, uint64_t seq)
{
    sotto_diag diag = {0};
    sotto_buf out = sotto_buf_of(t->sealed, sizeof t->sealed);
    t->report.seq = t->seq = seq;
    memcpy(t->report.previous, t->previous, sizeof t->previous);
    ok(sotto_report_seal(&t->report, t->vault, &out, &diag), &diag);
    t->sealed_len = out.len;
}

/* The next period; what was sealed last is what the next report follows. */
static inline void terminal_next(terminal *t)
{
    ok(sotto_sha256(sotto_span_of(t->sealed, t->sealed_len), t->previous), NULL);
    t->report.period_day++;
    terminal_seal(t, t->seq + 1);
}

static inline void new_code(hq_registry *registry, const char *device, int64_t now_s, int64_t expires_s,
                            char text[static HQ_CODE_TEXT])
{
    sotto_diag diag = {0};
    uint8_t secret[HQ_CODE_BYTES], hash[SOTTO_SHA256_BYTES];
    sotto_entropy entropy = sotto_port_entropy();
    ok(entropy.fill(entropy.ctx, secret, sizeof secret), &diag);
    ok(hq_code_hash(secret, hash), &diag);
    ok(hq_registry_code_put(registry, device, hash, now_s, expires_s, &diag), &diag);
    hq_code_format(secret, text);
}

static inline void enrolment_body(const terminal *t, const char *code, sotto_vec *out)
{
    char key[2 * SOTTO_PUBLIC_KEY_BYTES + 1];
    static uint8_t memory[2 * SOTTO_PEM_MAX];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    sotto_hex_encode(sotto_span_of(t->report_key, sizeof t->report_key), key, sizeof key);
    sotto_json_obj(&w);
    sotto_json_name(&w, "code");
    sotto_json_cstr(&w, code);
    sotto_json_name(&w, "csr");
    sotto_json_cstr(&w, t->csr_pem);
    sotto_json_name(&w, "report_key");
    sotto_json_cstr(&w, key);
    sotto_json_obj_end(&w);
    sotto_vec_init(out, sizeof memory);
    assert_int_equal(sotto_vec_put(out, buf.ptr, buf.len), SOTTO_OK);
}

/* A request through the handler, as the server would make it. *reply's body is the caller's to free. */
static inline int ask(hq_collector *c, int listener, const terminal *t, const char *method,
                      const char *target, sotto_span body, sotto_reply *reply)
{
    sotto_http_message request = {
        .is_request = true, .method = sotto_span_str(method), .target = sotto_span_str(target), .body = body};
    sotto_peer peer = {.listener = listener};
    *reply = (sotto_reply){0};
    sotto_vec_init(&reply->body, SIZE_MAX);
    if (t != NULL && t->cert_pem[0] != '\0') {
        sotto_cert_info info;
        ok(sotto_cert_read(sotto_span_str(t->cert_pem), &info, NULL), NULL);
        memcpy(peer.common_name, info.common_name, sizeof peer.common_name);
        memcpy(peer.cert_sha256, info.sha256, sizeof peer.cert_sha256);
    }
    hq_collect(c, &request, &peer, reply);
    return reply->code;
}

static inline int ask_code(hq_collector *c, int listener, const terminal *t, const char *method,
                           const char *target, sotto_span body)
{
    sotto_reply reply;
    int code = ask(c, listener, t, method, target, body, &reply);
    sotto_vec_free(&reply.body);
    return code;
}

static inline int enrol_with(hq_collector *c, terminal *t, const char *code)
{
    sotto_vec body;
    sotto_reply reply;
    sotto_json *doc = NULL;
    sotto_span text;
    enrolment_body(t, code, &body);
    int answer = ask(c, HQ_LISTENER_ENROL, NULL, "POST", "/v1/enrol", sotto_vec_span(&body), &reply);
    if (answer == 200) {
        assert_int_equal(sotto_json_parse(&doc, sotto_vec_span(&reply.body), "answer", NULL), SOTTO_OK);
        assert_int_equal(sotto_json_get_str(sotto_json_root(doc), "device", &text, NULL), SOTTO_OK);
        assert_true(sotto_span_is(text, t->id));
        assert_int_equal(sotto_json_get_str(sotto_json_root(doc), "certificate", &text, NULL), SOTTO_OK);
        assert_int_equal(sotto_span_to_str(text, t->cert_pem, sizeof t->cert_pem), SOTTO_OK);
    }
    sotto_json_free(doc);
    sotto_vec_free(&body);
    sotto_vec_free(&reply.body);
    return answer;
}

static inline void enrol(hq_collector *c, terminal *t)
{
    char code[HQ_CODE_TEXT];
    new_code(c->registry, t->id, hq_now(), hq_now() + 3600, code);
    assert_int_equal(enrol_with(c, t, code), 200);
}

static inline int send_bytes(hq_collector *c, const terminal *t, uint64_t seq, sotto_span bytes)
{
    char target[48];
    snprintf(target, sizeof target, "/v1/reports/%llu", (unsigned long long)seq);
    return ask_code(c, HQ_LISTENER_DEVICES, t, "PUT", target, bytes);
}

static inline int send_report(hq_collector *c, const terminal *t)
{
    return send_bytes(c, t, t->seq, sotto_span_of(t->sealed, t->sealed_len));
}

/* The office, published once, with a collector that logs nothing. */
static inline void open_published(hq_collector *c)
{
    sotto_diag diag = {0};
    make_office();
    write_release();
    assert_int_equal(publish_files(), 0);
    ok(hq_collector_open(c, at("office"), NULL, &diag), &diag);
    c->dir = strdup(c->dir);
}

static inline void close_published(hq_collector *c)
{
    free((void *)(uintptr_t)c->dir);
    hq_collector_close(c);
}

/* How often an alarm was counted for a device. */
static inline uint64_t alarm_count(hq_registry *registry, const char *id, enum hq_alarm alarm)
{
    hq_device device;
    hq_alarm_entry entries[HQ_ALARM_COUNT];
    size_t count;
    assert_int_equal(hq_registry_device(registry, id, &device, NULL), SOTTO_OK);
    assert_int_equal(hq_registry_alarms(registry, &device, entries, &count, NULL), SOTTO_OK);
    for (size_t i = 0; i < count; i++)
        if (entries[i].alarm == alarm)
            return entries[i].count;
    return 0;
}

#endif
