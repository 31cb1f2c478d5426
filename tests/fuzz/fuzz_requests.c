/*
 * What a kiosk application asks of a terminal that has a release: one request a line, 'e' events, 'f' forget,
 * 's' status, anything else decide, then its JSON. The release is whole (dictionary with derived tags, model,
 * items, catalogue, policy, tasks) and three customers are known, so that an event is written to their tags,
 * history and counters and to the measurement. Whatever comes, the answer is one of the documented codes and
 * whole JSON; nothing is written unless the answer is 200, and never by a decision, which is the same when it
 * is asked twice; nobody becomes known; who did not agree is not profiled.
 */
#include "doors.h"
#include "doors/doors.h"
#include "engine/import.h"
#include "engine/record.h"

#define assert_int_equal(a, b) require((a) == (b)) /* for the writers */
#include "../decide/items_writer.h"
#include "../decide/model_writer.h"

enum { ARENA = 1 << 20, LINES = 16, CUSTOMERS = 3, TODAY = 20778 }; /* 2026-11-21 */
#define NOON_S (INT64_C(86400) * TODAY + 43200)
#define FLOOR  "time.floor_s"

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"age\",\"kind\":\"count\",\"purpose\":[\"marketing\"]},"
    "{\"number\":2,\"id\":\"segment\",\"kind\":\"choice\",\"purpose\":[\"marketing\",\"measurement\"],"
    "\"aggregate\":true,\"choices\":[\"young\",\"old\"]},"
    "{\"number\":3,\"id\":\"consent\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":4,\"id\":\"measure\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":5,\"id\":\"risk_grade\",\"kind\":\"count\",\"purpose\":[\"service\"]},"
    "{\"number\":6,\"id\":\"has_card\",\"kind\":\"flag\",\"purpose\":[\"marketing\"]},"
    "{\"number\":7,\"id\":\"visits\",\"kind\":\"count\",\"purpose\":[\"service\",\"marketing\"],\"from\":"
    "\"visit.days_30\"},"
    "{\"number\":8,\"id\":\"paid_in\",\"kind\":\"amount\",\"decimals\":2,\"purpose\":[\"marketing\"],"
    "\"ttl_days\":14,\"derive\":{\"rule\":\"sum\",\"events\":[\"deposit\"],\"days\":7}},"
    "{\"number\":9,\"id\":\"stage\",\"kind\":\"choice\",\"purpose\":[\"marketing\"],\"ttl_days\":180,"
    "\"choices\":[\"new\",\"rising\",\"stable\",\"leaving\"],"
    "\"derive\":{\"rule\":\"stage\",\"events\":[\"card_in\"],\"days\":30}},"
    "{\"number\":10,\"id\":\"nick\",\"kind\":\"text\",\"purpose\":[\"service\"]}]}";
static const char *const VALUES[CUSTOMERS][10] = {{"31", "young", "1", "1", "5", "1", "2", NULL, NULL, "Al"},
                                                  {"52", "old", "0", "0", "5", "0", NULL, NULL, NULL, NULL},
                                                  {NULL, NULL, "1", "0", "1", NULL, NULL, NULL, NULL, NULL}};
enum { DID_NOT_AGREE = 1 };
static const char *const NUMBERS[CUSTOMERS] = {"1", "2", "3"};

static const char CATALOGUE[] =
    "{\"version\":1,\"currency\":\"EUR\",\"products\":["
    "{\"id\":\"saver\",\"category\":\"savings\",\"risk\":1,\"value\":\"40.00\",\"price\":\"1.50\",\"stock\":"
    "3,"
    "\"attributes\":{\"rate\":1.5}},"
    "{\"id\":\"term\",\"category\":\"savings\",\"risk\":1,\"value\":90,\"attributes\":{\"rate\":3.25}},"
    "{\"id\":\"fund\",\"category\":\"invest\",\"risk\":4,\"value\":250.5},"
    "{\"id\":\"card\",\"category\":\"pay\",\"risk\":1,\"value\":60,\"held_tag\":\"has_card\"}]}";
#define WORDS(language)                                                                                      \
    "{\"language\":\"" language "\",\"number\":1,\"caps\":{\"day\":2},\"title\":\"T\",\"text\":\"W\"}"
static const char POLICY[] =
    "{\"version\":1,\"profiling_tag\":\"consent\",\"measurement_tag\":\"measure\",\"risk_tag\":\"risk_"
    "grade\","
    "\"customer_caps\":{\"hour\":4,\"week\":9},\"per_answer\":{\"category\":2},"
    "\"diversity\":{\"weight\":0.3,\"same_category\":0.5},\"recommender\":{\"segment_tag\":\"segment\"},"
    "\"salt\":\"q4\",\"holdout\":0.05,\"menu\":[{\"id\":\"cash\",\"tag\":\"visits\"}],"
    "\"exploration\":{\"method\":\"thompson\",\"share\":0.5,\"floor\":0.01,\"prior\":0.02,\"strength\":50},"
    "\"journeys\":[{\"id\":\"j\",\"steps\":[{\"campaign\":\"a\",\"after_shown\":2,\"after_dismissed\":true},"
    "{\"campaign\":\"b\",\"after_taken\":true}]}],\"campaigns\":["
    "{\"number\":1,\"id\":\"a\",\"product\":\"saver\",\"explore\":true,\"hand_over\":\"talk\","
    "\"triggers\":[{\"id\":\"t\",\"when\":{\">\":[{\"var\":\"paid_in\"},100]}}],\"slots\":[\"idle\"],"
    "\"budget\":{\"day\":9,\"total\":90,\"even\":true},\"caps\":{\"day\":3},\"creatives\":[" WORDS(
        "en") "]},"
              "{\"number\":2,\"id\":\"b\",\"product\":\"term\",\"who\":{\">\":[{\"var\":\"age\"},20]},"
              "\"explore\":true,\"creatives\":[" WORDS(
                  "en") "]},"
                        "{\"number\":3,\"id\":\"c\",\"product\":\"fund\",\"needs_profile\":false,"
                        "\"creatives\":[" WORDS(
                            "de") "]},"
                                  "{\"number\":4,\"id\":\"d\",\"product\":\"card\",\"needs_profile\":false,"
                                  "\"notice\":true,"
                                  "\"channels\":[\"kiosk\",\"atm\"],\"creatives\":[" WORDS("en") "]}]}";
static const char TASKS[] =
    "{\"format\":\"sotto-tasks\",\"version\":1,\"lifetime_epsilon\":20,\"tasks\":[{\"name\":\"offers\","
    "\"id\":1,"
    "\"type\":\"offer-counts\",\"mode\":\"one-collector\",\"epsilon\":1,\"bound\":8,\"period_days\":1,"
    "\"campaigns\":[\"a\",\"b\",\"c\",\"d\"],\"segments\":{\"tag\":\"segment\",\"choices\":[\"young\","
    "\"old\"]}}]}";

static const written_feature FEATURES[] = {
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_VALUE, 1, NULL, 0, 18, 90},
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_CODE, 2, NULL, 0, 0, 1},
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_VALUE, 7, NULL, 0, 0, 30},
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_VALUE, 8, NULL, 0, 0, 900},
    {SOTTO_SOURCE_PRODUCT, SOTTO_TRANSFORM_VALUE, 0, "rate", 0, 0, 5},
};

/* ---- the terminal ---- */

static int64_t noon(void *ctx)
{
    (void)ctx;
    return NOON_S;
}

static void load_plan(kiosk_release *r)
{
    sotto_plan_sources sources = {.dictionary = r->dictionary,
                                  .model = r->model,
                                  .items = r->items,
                                  .catalogue = sotto_span_str(CATALOGUE),
                                  .policy = sotto_span_str(POLICY),
                                  .catalogue_name = "c",
                                  .policy_name = "p"};
    sotto_diag diag = {0};
    if (sotto_plan_load(&r->plan, &sources, &r->arena, &diag) != SOTTO_OK) {
        (void)fprintf(stderr, "%s: %s\n", diag.where, diag.text);
        require(false);
    }
    r->scratch = sotto_arena_take(&r->arena, sotto_decide_scratch_size(r->plan));
    require(r->scratch != NULL);
}

/* As kiosk_release_load does with files that it has verified. The engine frees it. */
static void load_release(kiosk_release *r)
{
    static uint8_t model[1 << 15];
    size_t len = write_model(model, sizeof model, FEATURES, SOTTO_COUNT(FEATURES), 6, 3, 99);
    write_items();
    r->version = 1;
    r->memory = malloc(ARENA);
    require(r->memory != NULL);
    sotto_arena_init(&r->arena, r->memory, ARENA);
    sotto_vec_init(&r->model_file, sizeof model); /* a model stays in its file */
    require(sotto_vec_put(&r->model_file, model, len) == SOTTO_OK);
    require(sotto_dictionary_load(&r->dictionary, sotto_span_str(DICTIONARY), "d", &r->arena, NULL) ==
            SOTTO_OK);
    require(sotto_model_load(&r->model, sotto_vec_span(&r->model_file), &r->arena, NULL) == SOTTO_OK);
    require(sotto_model_bind(r->model, r->dictionary, NULL) == SOTTO_OK);
    require(sotto_items_load(&r->items, sotto_buf_span(&items_bytes), &r->arena, NULL) == SOTTO_OK);
    require(sotto_model_tag_load(&r->segments, SOTTO_FROM_SEGMENT, sotto_span_of(NULL, 0), r->dictionary,
                                 &r->arena, NULL) == SOTTO_OK);
    load_plan(r);
    require(sotto_tasks_load(&r->tasks, sotto_span_str(TASKS), "t", &r->arena, NULL) == SOTTO_OK);
    require(sotto_profile_init(&r->profile, r->dictionary, &r->arena) == SOTTO_OK);
}

static void make_terminal(void)
{
    config.utc_offset_min = 60;
    snprintf(config.channel, sizeof config.channel, "kiosk");
    open_terminal();
    engine->clock = (sotto_clock){.utc_s = noon, .mono_ms = noon};
    engine->time.proved_mono_ms = NOON_S;
    memset(engine->seed_key, 1, sizeof engine->seed_key); /* the same draws in every process */
    memset(engine->arm_key, 2, sizeof engine->arm_key);
    load_release(&engine->release);
}

/* ---- its store ---- */

static const enum sotto_record KINDS[] = {SOTTO_RECORD_PROFILE, SOTTO_RECORD_COUNTERS, SOTTO_RECORD_HISTORY,
                                          SOTTO_RECORD_CONTRIBUTION, SOTTO_RECORD_LEDGER};

static void put_customer(size_t who)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
    sotto_profile *p = &engine->release.profile;
    sotto_profile_clear(p);
    for (size_t i = 0; i < SOTTO_COUNT(VALUES[0]); i++)
        if (VALUES[who][i] != NULL)
            require(sotto_tag_parse(sotto_dictionary_at(engine->release.dictionary, i),
                                    sotto_span_str(VALUES[who][i]), TODAY, &p->values[i], NULL) == SOTTO_OK);
    require(sotto_vault_customer_key(engine->vault, sotto_span_str(NUMBERS[who]), key) == SOTTO_OK);
    require(kiosk_save_profile(engine, key, NULL) == SOTTO_OK);
}

static bool touched = true; /* an event was taken since the day began */

/* The same beginning for every input; most inputs change nothing. */
static void begin_day(void)
{
    int64_t sub;
    sotto_store *store = engine->store;
    kiosk_recent_clear(engine);
    if (!touched)
        return;
    touched = false;
    require(sotto_store_begin(store, NULL) == SOTTO_OK);
    for (size_t i = 0; i < SOTTO_COUNT(KINDS); i++)
        while (sotto_store_first_sub(store, KINDS[i], &sub, NULL) == SOTTO_OK)
            require(sotto_store_drop_all(store, KINDS[i], sub, NULL) == SOTTO_OK);
    for (size_t i = 0; i < CUSTOMERS; i++)
        put_customer(i);
    sotto_buf packed = sotto_buf_of(engine->packed, sizeof engine->packed);
    sotto_terminal_clear(&engine->terminal);
    require(sotto_terminal_pack(&engine->terminal, &packed) == SOTTO_OK);
    require(sotto_store_set_blob(store, KIOSK_TERMINAL_NAME, sotto_buf_span(&packed), NULL) == SOTTO_OK);
    require(sotto_store_set_i64(store, FLOOR, NOON_S - 60, NULL) == SOTTO_OK);
    require(sotto_store_commit(store, NULL) == SOTTO_OK);
}

static sotto_status add_record(void *ctx, const uint8_t *key, sotto_span bytes)
{
    uint32_t len = (uint32_t)bytes.len;
    require(sotto_vec_put(ctx, key, SOTTO_CUSTOMER_KEY_BYTES) == SOTTO_OK);
    require(sotto_vec_put(ctx, &len, sizeof len) == SOTTO_OK);
    return sotto_vec_put(ctx, bytes.ptr, bytes.len);
}

/* All that an event may change, in one order. */
static void read_store(sotto_vec *out)
{
    int64_t sub, floor_s = 0;
    uint8_t memory[SOTTO_COUNTERS_MAX];
    sotto_buf terminal = sotto_buf_of(memory, sizeof memory);
    out->len = 0;
    for (size_t i = 0; i < SOTTO_COUNT(KINDS); i++)
        for (int64_t from = 0; sotto_store_next_sub(engine->store, KINDS[i], from, &sub, NULL) == SOTTO_OK;
             from = sub + 1) {
            require(sotto_vec_put(out, &sub, sizeof sub) == SOTTO_OK);
            require(sotto_store_each(engine->store, KINDS[i], sub, add_record, out, NULL) == SOTTO_OK);
        }
    require(sotto_store_get_blob(engine->store, KIOSK_TERMINAL_NAME, &terminal, NULL) == SOTTO_OK);
    require(sotto_vec_put(out, terminal.ptr, terminal.len) == SOTTO_OK);
    require(sotto_store_get_i64(engine->store, FLOOR, &floor_s, NULL) == SOTTO_OK);
    require(sotto_vec_put(out, &floor_s, sizeof floor_s) == SOTTO_OK);
}

static bool same(const sotto_vec *a, const sotto_vec *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
}

/* ---- requests ---- */

static void ask(const char *method, const char *target, sotto_span body, sotto_reply *reply)
{
    const sotto_http_message request = {
        .is_request = true, .method = sotto_span_str(method), .target = sotto_span_str(target), .body = body};
    *reply = (sotto_reply){0};
    sotto_vec_init(&reply->body, 1u << 20);
    kiosk_api_handle(engine, &request, NULL, reply);
    require(reply->code == 200 || reply->code == 400 || reply->code == 404 || reply->code == 409);
    check_body(reply);
}

static void check_answer(sotto_span body, const sotto_reply *reply)
{
    sotto_json *asked = NULL, *told = NULL;
    sotto_span customer = {0};
    bool known = false, profiled = true;
    int64_t offers = 3;
    require(sotto_json_parse(&asked, body, "body", NULL) == SOTTO_OK);
    require(sotto_json_parse(&told, sotto_vec_span(&reply->body), "answer", NULL) == SOTTO_OK);
    sotto_json_node question = sotto_json_root(asked), answer = sotto_json_root(told);
    require(kiosk_customer_of(question, false, &customer, NULL) == SOTTO_OK);
    require(sotto_json_get_bool(answer, "known", &known, NULL) == SOTTO_OK);
    require(sotto_json_get_bool(answer, "profiled", &profiled, NULL) == SOTTO_OK);
    require(!profiled || (known && !sotto_span_is(customer, NUMBERS[DID_NOT_AGREE])));
    if (sotto_json_member(question, "offers").val != NULL)
        require(sotto_json_get_i64(question, "offers", 1, SOTTO_OFFERS_MAX, &offers, NULL) == SOTTO_OK);
    require(sotto_json_count(sotto_json_member(answer, "offers")) <= (size_t)offers);
    sotto_json_free(asked);
    sotto_json_free(told);
}

static void decide(sotto_span body, int *code)
{
    sotto_reply first, second;
    ask("POST", "/v1/decide", body, &first);
    ask("POST", "/v1/decide", body, &second);
    require(first.code == second.code && same(&first.body, &second.body));
    if (first.code == 200)
        check_answer(body, &first);
    *code = first.code;
    sotto_vec_free(&first.body);
    sotto_vec_free(&second.body);
}

static void run_line(sotto_span line, sotto_vec *before, sotto_vec *after)
{
    uint64_t customers = 0;
    int code = 0;
    char what = (char)line.ptr[0];
    sotto_span body = sotto_span_of(line.ptr + 1, line.len - 1);
    sotto_reply reply = {0};
    if (what == 'e' || what == 'f' || what == 's') {
        ask(what == 's' ? "GET" : "POST",
            what == 'e'   ? "/v1/events"
            : what == 'f' ? "/v1/forget"
                          : "/v1/status",
            body, &reply);
        code = reply.code;
        sotto_vec_free(&reply.body);
    } else {
        decide(body, &code);
    }
    touched = touched || (code == 200 && (what == 'e' || what == 'f'));
    read_store(after);
    require(same(before, after) || (code == 200 && (what == 'e' || what == 'f')));
    require(sotto_store_count(engine->store, SOTTO_RECORD_PROFILE, &customers, NULL) == SOTTO_OK);
    require(customers <= CUSTOMERS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_vec before, after;
    sotto_span rest = sotto_span_of(data, size);
    if (dir[0] == '\0')
        make_terminal();
    begin_day();
    sotto_vec_init(&before, 1u << 20);
    sotto_vec_init(&after, 1u << 20);
    read_store(&before);
    for (size_t i = 0; i < LINES && rest.len > 0; i++) {
        sotto_span line = until(&rest, '\n');
        if (line.len == 0)
            continue;
        run_line(line, &before, &after);
        sotto_vec swap = before;
        before = after;
        after = swap;
    }
    sotto_vec_free(&before);
    sotto_vec_free(&after);
    return 0;
}
