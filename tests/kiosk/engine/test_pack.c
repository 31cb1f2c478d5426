/*
 * A tag pack on the terminal: two terminals each take their own and no other's; what is wrong with a pack
 * changes nothing; consent is obeyed; and on a disk that fails, fills up, tears or loses power at each of its
 * operations the store holds the tags from before, or all of the new ones, and the pack is applied once more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../store/fault_vfs.h"
#include "../temp.h"
#include "commands.h"
#include "doors/doors.h"
#include "engine/import.h"
#include "engine/pack.h"

#define NOW_S        INT64_C(1795305600) /* 2026-11-22 */
#define assert_ok(x) assert_int_equal(x, SOTTO_OK)

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"age\",\"kind\":\"count\",\"purpose\":[\"marketing\"]},"
    "{\"number\":2,\"id\":\"segment\",\"kind\":\"choice\",\"purpose\":[\"marketing\",\"measurement\"],"
    "\"choices\":[\"young\",\"old\"]},"
    "{\"number\":3,\"id\":\"language\",\"kind\":\"text\",\"purpose\":[\"service\"]},"
    "{\"number\":4,\"id\":\"consent\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":5,\"id\":\"measure\",\"kind\":\"flag\",\"purpose\":[\"service\"]}]}";
static const char CATALOGUE[] =
    "{\"version\":1,\"currency\":\"EUR\",\"products\":[{\"id\":\"saver\",\"risk\":1,"
    "\"value\":\"40.00\"}]}";
static const char POLICY[] =
    "{\"version\":1,\"profiling_tag\":\"consent\",\"measurement_tag\":\"measure\",\"campaigns\":[]}";
#define HEADER "sotto:do,sotto:customer,age,segment,language,consent,measure\n"

static struct terminal {
    kiosk_config config;
    kiosk_engine *engine;
    char device[32];
} kiosk[2];
static kiosk_release fixed;
static uint8_t arena_memory[1 << 20];
static char ca_key[SOTTO_PEM_MAX], ca_cert[SOTTO_PEM_MAX], key[SOTTO_PEM_MAX], cert[SOTTO_PEM_MAX];

static int64_t utc(void *ctx)
{
    (void)ctx;
    return NOW_S;
}

static int64_t mono(void *ctx)
{
    (void)ctx;
    return 1000;
}

/* ---- head office in small ---- */

static void make_authority(void)
{
    const sotto_entropy entropy = sotto_port_entropy();
    char pem[SOTTO_PEM_MAX];
    sotto_cert_request request = {.use = SOTTO_CERT_AUTHORITY,
                                  .common_name = "authority",
                                  .not_before_s = NOW_S - 86400,
                                  .not_after_s = NOW_S + 864000,
                                  .serial = {1, 2, 3}};
    assert_ok(sotto_keypair_make(&entropy, ca_key, NULL));
    assert_ok(sotto_keypair_public_pem(ca_key, pem, NULL));
    assert_ok(sotto_cert_issue(&request, sotto_span_str(pem), ca_key, NULL, ca_cert, NULL));
    request.use = SOTTO_CERT_DEVICE;
    request.common_name = SOTTO_PACK_SIGNER;
    assert_ok(sotto_keypair_make(&entropy, key, NULL));
    assert_ok(sotto_keypair_public_pem(key, pem, NULL));
    assert_ok(sotto_cert_issue(&request, sotto_span_str(pem), ca_key, ca_cert, cert, NULL));
}

static void path_of(const char *name, char out[static KIOSK_PATH_MAX])
{
    temp_path(name, out);
}

/* A pack of one chunk a text, for the key that the terminal says. */
static void make_pack(const struct terminal *t, const char *name, uint64_t seq, uint64_t base,
                      const char *const *texts, size_t count)
{
    const sotto_entropy entropy = sotto_port_entropy();
    char path[KIOSK_PATH_MAX];
    sotto_pack_head head = {.seq = seq, .base = base, .release = 1, .made_s = NOW_S};
    sotto_pack_state state;
    sotto_pack_writer *writer;
    sotto_vec out;
    bool fits;
    snprintf(head.device, sizeof head.device, "%s", t->device);
    sotto_vec_init(&out, 1u << 20);
    assert_ok(kiosk_pack_state(t->engine, &state, NULL));
    assert_ok(sotto_pack_begin(&writer, &head, state.key, &entropy, &out, NULL));
    for (size_t i = 0; i < count; i++) {
        assert_ok(sotto_pack_add(writer, sotto_span_str(texts[i]), &fits, NULL));
        assert_true(fits);
    }
    assert_ok(sotto_pack_end(writer, key, cert, NULL));
    sotto_pack_writer_free(writer);
    path_of(name, path);
    assert_ok(sotto_port_write_file(path, sotto_vec_span(&out), 0600, NULL));
    sotto_vec_free(&out);
}

static void make_one(const struct terminal *t, const char *name, uint64_t seq, uint64_t base,
                     const char *rows)
{
    char text[4096];
    const char *const texts[] = {text};
    snprintf(text, sizeof text, HEADER "%s", rows);
    make_pack(t, name, seq, base, texts, 1);
}

/* ---- the terminals ---- */

static void use_release(kiosk_engine *e)
{
    e->release.version = 1;
    e->release.dictionary = fixed.dictionary;
    e->release.plan = fixed.plan;
    e->release.profile = fixed.profile;
}

static void start(struct terminal *t, const char *vfs)
{
    sotto_diag diag = {0};
    char path[KIOSK_PATH_MAX];
    if (kiosk_engine_open(&t->engine, &t->config, &diag) != SOTTO_OK)
        fail_msg("open: %s", diag.text);
    t->engine->clock = (sotto_clock){.utc_s = utc, .mono_ms = mono};
    t->engine->log.fd = -1;
    use_release(t->engine);
    if (vfs == NULL)
        return;
    sotto_store_close(t->engine->store);
    assert_ok(kiosk_path(t->config.store_dir, "sotto.db", path, NULL));
    sotto_store_config config = {.path = path, .vfs = vfs};
    assert_ok(sotto_vault_store_key(t->engine->vault, config.key));
    assert_ok(sotto_store_open(&t->engine->store, &config, NULL));
}

static void stop(struct terminal *t)
{
    t->engine->release.dictionary = NULL; /* they are this test's */
    t->engine->release.plan = NULL;
    kiosk_engine_close(t->engine);
    t->engine = NULL;
}

static void make_terminal(struct terminal *t, const char *device)
{
    char *argv[] = {(char[]){"init"}, NULL};
    char folder[KIOSK_PATH_MAX];
    struct {
        const char *name;
        char *out;
    } const folders[] = {{"vault", t->config.vault_dir},
                         {"store", t->config.store_dir},
                         {"release", t->config.release_dir},
                         {"sync", t->config.sync_dir},
                         {"run", t->config.run_dir}};
    temp_config(&t->config);
    snprintf(t->device, sizeof t->device, "%s", device);
    for (size_t i = 0; i < SOTTO_COUNT(folders); i++) {
        snprintf(folder, sizeof folder, "%s-%s", device, folders[i].name);
        path_of(folder, folders[i].out);
    }
    path_of("authority.pem", t->config.authority);
    assert_int_equal(kiosk_cmd_init(&t->config, 1, argv), 0);
    start(t, NULL);
    assert_ok(kiosk_device_set(t->engine, device, NULL));
}

static int set_up(void **state)
{
    (void)state;
    char path[KIOSK_PATH_MAX];
    sotto_arena arena;
    sotto_arena_init(&arena, arena_memory, sizeof arena_memory);
    temp_make();
    assert_ok(sotto_vault_start(NULL));
    make_authority();
    path_of("authority.pem", path);
    assert_ok(sotto_port_write_file(path, sotto_span_str(ca_cert), 0644, NULL));
    assert_ok(sotto_dictionary_load(&fixed.dictionary, sotto_span_str(DICTIONARY), "d", &arena, NULL));
    assert_ok(sotto_profile_init(&fixed.profile, fixed.dictionary, &arena));
    const sotto_plan_sources sources = {.dictionary = fixed.dictionary,
                                        .catalogue = sotto_span_str(CATALOGUE),
                                        .policy = sotto_span_str(POLICY),
                                        .catalogue_name = "catalogue.json",
                                        .policy_name = "policy.json"};
    sotto_diag diag = {0};
    if (sotto_plan_load(&fixed.plan, &sources, &arena, &diag) != SOTTO_OK)
        fail_msg("plan: %s %s", diag.where, diag.text);
    fault_vfs_register();
    make_terminal(&kiosk[0], "kiosk-a");
    make_terminal(&kiosk[1], "kiosk-b");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        if (kiosk[i].engine != NULL)
            stop(&kiosk[i]);
    temp_remove();
    return 0;
}

static sotto_status apply(struct terminal *t, const char *name, kiosk_pack_sum *sum)
{
    char path[KIOSK_PATH_MAX];
    path_of(name, path);
    return kiosk_pack_apply(t->engine, path, sum, NULL);
}

static int cause_of(struct terminal *t, const char *name)
{
    kiosk_pack_sum sum;
    return sotto_status_cause(apply(t, name, &sum));
}

static uint64_t held(const struct terminal *t)
{
    uint64_t seq = 0;
    assert_ok(kiosk_pack_held(t->engine, &seq, NULL));
    return seq;
}

static uint64_t customers(const struct terminal *t)
{
    uint64_t count = 0;
    assert_ok(sotto_store_count(t->engine->store, SOTTO_RECORD_PROFILE, &count, NULL));
    return count;
}

/* Of a tag of one customer; -1 = absent. */
static int64_t tag(const struct terminal *t, const char *customer, const char *id)
{
    uint8_t name[SOTTO_CUSTOMER_KEY_BYTES];
    assert_ok(sotto_vault_customer_key(t->engine->vault, sotto_span_str(customer), name));
    assert_ok(kiosk_load_profile(t->engine, name, NULL));
    const sotto_tag_value *value =
        &fixed.profile.values[sotto_dictionary_find(fixed.dictionary, sotto_span_str(id))];
    return !value->present ? -1 : value->text.len > 0 ? (int64_t)value->text.len : value->num;
}

/* ---- tests ---- */

static void each_terminal_takes_its_own(void **state)
{
    (void)state;
    kiosk_pack_sum sum;
    make_one(&kiosk[0], "a1", 1, 0, "set,100,41,old,en,yes,yes\nset,200,19,young,de,yes,no\n");
    make_one(&kiosk[1], "b1", 1, 0, "set,100,70,old,en,yes,yes\n");
    assert_int_equal(cause_of(&kiosk[1], "a1"), SOTTO_CAUSE_AUTH);
    assert_int_equal(cause_of(&kiosk[0], "b1"), SOTTO_CAUSE_AUTH);
    assert_int_equal(customers(&kiosk[0]) + customers(&kiosk[1]), 0);
    assert_ok(apply(&kiosk[0], "a1", &sum));
    assert_int_equal(sum.customers, 2);
    assert_ok(apply(&kiosk[1], "b1", &sum));
    assert_int_equal(tag(&kiosk[0], "100", "age"), 41);
    assert_int_equal(tag(&kiosk[1], "100", "age"), 70);
    assert_ok(apply(&kiosk[0], "a1", &sum));
    assert_true(sum.repeated);
    /* Named for this terminal, and yet sealed to the other's key. */
    snprintf(kiosk[1].device, sizeof kiosk[1].device, "kiosk-a");
    make_one(&kiosk[1], "x", 2, 1, "set,100,1,old,en,yes,yes\n");
    snprintf(kiosk[1].device, sizeof kiosk[1].device, "kiosk-b");
    assert_int_equal(cause_of(&kiosk[0], "x"), SOTTO_CAUSE_AUTH);
    assert_int_equal(tag(&kiosk[0], "100", "age"), 41);
    sotto_pack_state said;
    assert_ok(kiosk_pack_state(kiosk[0].engine, &said, NULL));
    assert_int_equal(said.held, 1);
    assert_int_equal(said.refused, 2); /* genuine, and never to be applied here: head office is told */
}

static void packs_come_in_order(void **state)
{
    (void)state;
    kiosk_pack_sum sum;
    make_one(&kiosk[0], "a3", 3, 1, "set,300,33,old,en,yes,yes\nforget,200,,,,,\n");
    make_one(&kiosk[0], "a5", 5, 4, "set,400,33,old,en,yes,yes\n");
    assert_int_equal(cause_of(&kiosk[0], "a5"), SOTTO_CAUSE_CONFLICT);
    assert_ok(apply(&kiosk[0], "a3", &sum));
    assert_int_equal(sum.forgotten, 1);
    assert_int_equal(cause_of(&kiosk[0], "a1"), SOTTO_CAUSE_ROLLBACK);
    make_one(&kiosk[0], "a3b", 3, 1, "set,500,1,old,en,yes,yes\n");
    assert_int_equal(cause_of(&kiosk[0], "a3b"), SOTTO_CAUSE_ROLLBACK); /* the same number, other bytes */
    assert_int_equal(customers(&kiosk[0]), 2);
    assert_int_equal(held(&kiosk[0]), 3);
    assert_int_equal(tag(&kiosk[0], "200", "language"), -1);
}

/* One that came before its release is kept: the night after, the same file is applied. */
static void a_pack_waits_for_its_release(void **state)
{
    (void)state;
    kiosk_engine *e = kiosk[1].engine;
    const sotto_span request = sotto_span_str("{\"seq\":1}");
    char folder[KIOSK_PATH_MAX], path[KIOSK_PATH_MAX];
    sotto_json *doc;
    sotto_reply reply = {0};
    sotto_diag diag = {0};
    assert_ok(kiosk_path(kiosk[1].config.release_dir, KIOSK_PACK_FOLDER, folder, NULL));
    assert_ok(kiosk_path(folder, "1.pack", path, NULL));
    assert_ok(sotto_port_make_dir(folder, 0700, NULL));
    path_of("b1", folder);
    sotto_vec bytes;
    sotto_vec_init(&bytes, 1u << 20);
    assert_ok(sotto_port_read_file(folder, &bytes, NULL));
    assert_ok(sotto_port_write_file(path, sotto_vec_span(&bytes), 0600, NULL));
    sotto_vec_free(&bytes);
    sotto_vec_init(&reply.body, 1000);
    assert_ok(sotto_json_parse(&doc, request, "request", NULL));
    e->release.version = 0;
    assert_int_equal(sotto_status_cause(kiosk_link_post_pack(e, sotto_json_root(doc), &reply, &diag)),
                     SOTTO_CAUSE_NOT_FOUND);
    assert_int_not_equal(reply.code, 422);
    e->release.version = 1;
    assert_ok(kiosk_link_post_pack(e, sotto_json_root(doc), &reply, &diag));
    assert_int_equal(reply.code, 200);
    sotto_vec_free(&reply.body);
    sotto_json_free(doc);
}

static void consent_is_obeyed(void **state)
{
    (void)state;
    kiosk_pack_sum sum;
    make_one(&kiosk[0], "a4", 4, 3,
             "set,100,41,old,en,no,no\nset,300,33,old,en,no,yes\nset,600,25,young,fr,yes,no\n");
    assert_ok(apply(&kiosk[0], "a4", &sum));
    assert_int_equal(tag(&kiosk[0], "100", "age"), -1);
    assert_int_equal(tag(&kiosk[0], "100", "segment"), -1);
    assert_int_equal(tag(&kiosk[0], "100", "language"), 2);
    assert_int_equal(tag(&kiosk[0], "300", "age"), -1); /* for marketing alone */
    assert_int_equal(tag(&kiosk[0], "300", "segment"), 1);
    assert_int_equal(tag(&kiosk[0], "600", "age"), 25);
}

static void a_bad_row_takes_all_back(void **state)
{
    (void)state;
    static const char *const bad[] = {"set,700,young,old,en,yes,yes\n", "set,,1,old,en,yes,yes\n",
                                      "drop,700,1,old,en,yes,yes\n", "set,700,1,old,en,yes\n",
                                      "set,700,1,none,en,yes,yes\n"};
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++) {
        char rows[256];
        snprintf(rows, sizeof rows, "set,800,1,old,en,yes,yes\nforget,100,,,,,\n%s", bad[i]);
        make_one(&kiosk[0], "bad", 5 + i, 4, rows);
        assert_int_not_equal(cause_of(&kiosk[0], "bad"), SOTTO_CAUSE_INTERNAL);
        assert_int_equal(customers(&kiosk[0]), 3);
        assert_int_equal(held(&kiosk[0]), 4);
        assert_int_equal(tag(&kiosk[0], "100", "language"), 2);
    }
    static const char *const heads[] = {"sotto:do,age\nset,1\n", "sotto:customer,sotto:do\n1,set\n",
                                        "sotto:do,sotto:customer,no_tag\nset,1,2\n", "sotto:do\nset\n", "\n"};
    for (size_t i = 0; i < SOTTO_COUNT(heads); i++) {
        make_pack(&kiosk[0], "bad", 20 + i, 4, &heads[i], 1);
        assert_int_not_equal(apply(&kiosk[0], "bad", &(kiosk_pack_sum){0}), SOTTO_OK);
        assert_int_equal(held(&kiosk[0]), 4);
    }
}

static void every_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    char path[KIOSK_PATH_MAX], other[KIOSK_PATH_MAX];
    sotto_vec bytes;
    sotto_vec_init(&bytes, 1u << 20);
    make_one(&kiosk[0], "a30", 30, 4, "set,900,1,old,en,yes,yes\n");
    path_of("a30", path);
    path_of("cut", other);
    assert_ok(sotto_port_read_file(path, &bytes, NULL));
    for (size_t cut = 0; cut < bytes.len; cut += 1 + cut / 7) {
        assert_ok(sotto_port_write_file(other, sotto_span_of(bytes.ptr, cut), 0600, NULL));
        assert_int_not_equal(cause_of(&kiosk[0], "cut"), 0);
    }
    for (size_t i = 0; i < bytes.len; i += 1 + bytes.len / 60) {
        bytes.ptr[i] ^= 4;
        assert_ok(sotto_port_write_file(other, sotto_vec_span(&bytes), 0600, NULL));
        assert_int_not_equal(cause_of(&kiosk[0], "cut"), 0);
        bytes.ptr[i] ^= 4;
    }
    assert_ok(sotto_vec_put(&bytes, "x", 1));
    assert_ok(sotto_port_write_file(other, sotto_vec_span(&bytes), 0600, NULL));
    assert_int_equal(cause_of(&kiosk[0], "cut"), SOTTO_CAUSE_MALFORMED);
    assert_int_equal(held(&kiosk[0]), 4);
    assert_int_equal(customers(&kiosk[0]), 3);
    sotto_vec_free(&bytes);
}

static void a_key_is_renewed_and_the_old_one_erased(void **state)
{
    (void)state;
    kiosk_pack_sum sum;
    sotto_pack_state before, after;
    uint8_t blob[128];
    sotto_buf keys = sotto_buf_of(blob, sizeof blob);
    assert_ok(kiosk_pack_state(kiosk[1].engine, &before, NULL));
    make_one(&kiosk[1], "old", 2, 1, "set,100,71,old,en,yes,yes\n");
    /* The key is as old as can be. */
    assert_ok(sotto_store_get_blob(kiosk[1].engine->store, "pack.key", &keys, NULL));
    memset(blob, 0, 8);
    assert_ok(sotto_store_set_blob(kiosk[1].engine->store, "pack.key", sotto_buf_span(&keys), NULL));
    assert_ok(kiosk_pack_state(kiosk[1].engine, &after, NULL));
    assert_memory_not_equal(before.key, after.key, sizeof after.key);
    assert_ok(apply(&kiosk[1], "old", &sum)); /* on its way when the key was renewed */
    make_one(&kiosk[1], "new", 3, 2, "set,100,72,old,en,yes,yes\n");
    assert_ok(apply(&kiosk[1], "new", &sum));
    keys.len = 0;
    assert_ok(sotto_store_get_blob(kiosk[1].engine->store, "pack.key", &keys, NULL));
    assert_int_equal(keys.len, 40);
    assert_int_equal(tag(&kiosk[1], "100", "age"), 72);
    /* Or it was made by a clock that was a year ahead. */
    sotto_buf made = sotto_buf_of(blob, sizeof blob);
    assert_ok(sotto_put_u64(&made, (uint64_t)(NOW_S + 365 * INT64_C(86400))));
    assert_ok(sotto_store_set_blob(kiosk[1].engine->store, "pack.key", sotto_buf_span(&keys), NULL));
    assert_ok(kiosk_pack_state(kiosk[1].engine, &before, NULL));
    assert_memory_not_equal(before.key, after.key, sizeof after.key);
    assert_int_equal(before.said_s, NOW_S);
    make_one(&kiosk[1], "newer", 4, 3, "set,100,73,old,en,yes,yes\n");
    assert_ok(apply(&kiosk[1], "newer", &sum));
}

static void a_full_pack_is_the_whole_list(void **state)
{
    (void)state;
    kiosk_pack_sum sum;
    char rows[8192] = "";
    for (int i = 0; i < 300 && strlen(rows) < 3900; i++)
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "set,%d,,,,no,no\n", 1000 + i);
    make_one(&kiosk[1], "full", 5, 0, rows);
    assert_ok(apply(&kiosk[1], "full", &sum));
    assert_int_equal(sum.forgotten, 1);
    assert_int_equal(customers(&kiosk[1]), sum.customers);
    make_one(&kiosk[1], "full2", 6, 0, "set,1000,,,,no,no\nset,7,,,,no,no\n");
    uint64_t before = customers(&kiosk[1]);
    assert_ok(apply(&kiosk[1], "full2", &sum));
    assert_int_equal(sum.forgotten, before - 1);
    assert_int_equal(customers(&kiosk[1]), 2);
    make_one(&kiosk[1], "none", 7, 0, "");
    assert_ok(apply(&kiosk[1], "none", &sum));
    assert_int_equal(customers(&kiosk[1]), 0);
}

/* ---- a disk that fails ---- */

static sotto_vec image;

static void put_back(struct terminal *t)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock"};
    char path[KIOSK_PATH_MAX], name[64];
    for (size_t i = 0; i < SOTTO_COUNT(suffixes); i++) {
        snprintf(name, sizeof name, "sotto.db%s", suffixes[i]);
        assert_ok(kiosk_path(t->config.store_dir, name, path, NULL));
        (void)unlink(path);
    }
    assert_ok(kiosk_path(t->config.store_dir, "sotto.db", path, NULL));
    assert_ok(sotto_port_write_file(path, sotto_vec_span(&image), 0600, NULL));
    fault_vfs_reset();
}

/* The old tags or the new ones, as a whole. */
static bool is_new(struct terminal *t)
{
    bool fresh = held(t) == 31;
    assert_true(fresh || held(t) == 4);
    assert_int_equal(customers(t), fresh ? 4 : 3);
    assert_int_equal(tag(t, "100", "language"), fresh ? -1 : 2);
    assert_int_equal(tag(t, "600", "age"), fresh ? 26 : 25);
    assert_int_equal(tag(t, "910", "age"), fresh ? 1 : -1);
    return fresh;
}

static bool one_fault(struct terminal *t, enum fault_kind kind, unsigned at)
{
    kiosk_pack_sum sum;
    put_back(t);
    start(t, FAULT_VFS_NAME);
    fault_vfs_arm(kind, at);
    sotto_status status = apply(t, "a31", &sum);
    stop(t);
    bool fired = fault_vfs_disarm();
    if (kind == FAULT_CUT)
        fault_vfs_power_on(at);
    start(t, NULL);
    bool fresh = is_new(t);
    assert_true(fresh || status != SOTTO_OK);
    assert_ok(apply(t, "a31", &sum));
    assert_int_equal(sum.repeated, fresh);
    assert_true(is_new(t));
    stop(t);
    return fired;
}

static void a_failing_disk_changes_nothing(void **state)
{
    (void)state;
    struct terminal *t = &kiosk[0];
    char path[KIOSK_PATH_MAX];
    make_one(
        t, "a31", 31, 4,
        "set,900,1,old,en,yes,yes\nset,910,1,old,en,yes,yes\nset,600,26,young,fr,yes,no\nforget,100,,,,,\n");
    stop(t);
    sotto_vec_init(&image, 8u << 20);
    assert_ok(kiosk_path(t->config.store_dir, "sotto.db", path, NULL));
    assert_ok(sotto_port_read_file(path, &image, NULL));
    for (int kind = FAULT_ONCE; kind < FAULT_KINDS; kind++) {
        unsigned at = 1;
        while (one_fault(t, (enum fault_kind)kind, at))
            at++;
        assert_true(at > 3);
    }
    sotto_vec_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_terminal_takes_its_own),
        cmocka_unit_test(a_pack_waits_for_its_release),
        cmocka_unit_test(packs_come_in_order),
        cmocka_unit_test(consent_is_obeyed),
        cmocka_unit_test(a_bad_row_takes_all_back),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(a_key_is_renewed_and_the_old_one_erased),
        cmocka_unit_test(a_full_pack_is_the_whole_list),
        cmocka_unit_test(a_failing_disk_changes_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
