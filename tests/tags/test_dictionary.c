#include "tags_test.h"

#include <stdio.h>

static void test_reads_every_member(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    assert_int_equal(sotto_dictionary_count(f.d), 11);
    const sotto_tag *balance = sotto_dictionary_at(f.d, 0);
    assert_int_equal(balance->number, 7);
    assert_string_equal(balance->id, "balance");
    assert_string_equal(balance->name, "balance"); /* none given */
    assert_int_equal(balance->kind, SOTTO_TAG_AMOUNT);
    assert_int_equal(balance->facet, SOTTO_FACET_FIXED);
    assert_int_equal(balance->purposes, SOTTO_PURPOSE_SERVICE | SOTTO_PURPOSE_MARKETING);
    assert_int_equal(balance->bin_count, 3);
    assert_int_equal(balance->bins[1], 10050);
    const sotto_tag *age = sotto_dictionary_at(f.d, 1);
    assert_string_equal(age->name, "Age");
    assert_true(age->aggregate);
    const sotto_tag *segment = sotto_dictionary_at(f.d, 2);
    assert_int_equal(segment->facet, SOTTO_FACET_SOCIAL);
    assert_int_equal(sotto_tag_choice_find(segment, sotto_span_str("old")), 1);
    assert_int_equal(sotto_tag_choice_find(segment, sotto_span_str("OLD")), -1);
    assert_int_equal(sotto_dictionary_at(f.d, 4)->ttl_days, 10);
    assert_int_equal(sotto_dictionary_at(f.d, 5)->bins[0], 10957);
    assert_int_equal(sotto_dictionary_at(f.d, 7)->from, SOTTO_FROM_VISIT_DAYS_30);
}

static void test_finds_by_id_and_number(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sotto_dictionary_count(f.d); i++) {
        const sotto_tag *tag = sotto_dictionary_at(f.d, i);
        assert_int_equal(sotto_dictionary_find(f.d, sotto_span_str(tag->id)), (int)i);
        assert_int_equal(sotto_dictionary_find_number(f.d, tag->number), (int)i);
    }
    assert_int_equal(sotto_dictionary_find(f.d, sotto_span_str("ag")), -1);
    assert_int_equal(sotto_dictionary_find(f.d, sotto_span_str("agee")), -1);
    assert_int_equal(sotto_dictionary_find(f.d, (sotto_span){0}), -1);
    assert_int_equal(sotto_dictionary_find_number(f.d, 3), -1);
}

#define TAG       "{\"number\":1,\"id\":\"a\",\"kind\":\"count\",\"purpose\":[\"service\"]"
#define ONE(more) "{\"version\":1,\n\"tags\":[\n" TAG more "}]}"

typedef struct bad {
    const char *json;
    enum sotto_cause cause;
    uint64_t line;
    const char *where; /* ends with */
} bad;

static const bad BAD[] = {
    {"", SOTTO_CAUSE_MALFORMED, 1, ""},
    {"[]", SOTTO_CAUSE_MALFORMED, 1, ""},
    {"{\"tags\":[]}", SOTTO_CAUSE_MALFORMED, 1, "d.json"},
    {"{\"version\":2,\"tags\":[]}", SOTTO_CAUSE_UNSUPPORTED, 1, "version"},
    {"{\"version\":1}", SOTTO_CAUSE_MALFORMED, 1, "d.json"},
    {"{\"version\":1,\n\"tags\":[]}", SOTTO_CAUSE_RANGE, 2, "tags"},
    {"{\"version\":1,\n\"tags\":[4]}", SOTTO_CAUSE_MALFORMED, 2, "tags[0]"},
    {"{\"version\":1,\n\"tags\":[],\n\"more\":1}", SOTTO_CAUSE_MALFORMED, 3, "more"},
    {ONE(",\n\"colour\":1"), SOTTO_CAUSE_MALFORMED, 4, "tags[0].colour"},
    {ONE("},\n" TAG), SOTTO_CAUSE_CONFLICT, 4, "tags[1].number"},
    {ONE("},\n{\"number\":2,\"id\":\"a\",\"kind\":\"count\",\"purpose\":[\"service\"]"), SOTTO_CAUSE_CONFLICT,
     4, "tags[1].id"},
    {ONE(",\n\"facet\":\"odd\""), SOTTO_CAUSE_MALFORMED, 4, "tags[0].facet"},
    {ONE(",\n\"name\":\"\""), SOTTO_CAUSE_RANGE, 4, "tags[0].name"},
    {ONE(",\n\"decimals\":2"), SOTTO_CAUSE_MALFORMED, 4, "tags[0].decimals"},
    {ONE(",\n\"choices\":[\"x\"]"), SOTTO_CAUSE_MALFORMED, 4, "tags[0].choices"},
    {ONE(",\n\"ttl_days\":-1"), SOTTO_CAUSE_RANGE, 4, "tags[0].ttl_days"},
    {ONE(",\n\"aggregate\":1"), SOTTO_CAUSE_MALFORMED, 4, "tags[0].aggregate"},
    {ONE(",\n\"bins\":[3,\n3]"), SOTTO_CAUSE_RANGE, 5, "tags[0].bins[1]"},
    {ONE(",\n\"bins\":[0.5]"), SOTTO_CAUSE_RANGE, 4, "tags[0].bins[0]"},
    {ONE(",\n\"from\":\"visit.last\""), SOTTO_CAUSE_CONFLICT, 4, "tags[0].from"},
    {ONE(",\n\"from\":\"segment\""), SOTTO_CAUSE_CONFLICT, 4, "tags[0].from"}, /* a choice only */
    {ONE(",\n\"from\":\"visit.often\""), SOTTO_CAUSE_MALFORMED, 4, "tags[0].from"},
    {ONE(",\n\"from\":\"offer.count\",\"ttl_days\":3"), SOTTO_CAUSE_CONFLICT, 4, "tags[0].ttl_days"},
    {ONE(",\"from\":\"offer.count\"},\n{\"number\":2,\"id\":\"b\",\"kind\":\"count\",\"purpose\":["
         "\"service\"],"
         "\"from\":\"offer.count\""),
     SOTTO_CAUSE_CONFLICT, 4, "tags[1].from"},
    {"{\"version\":1,\"tags\":[{\"number\":0,\"id\":\"a\",\"kind\":\"count\",\"purpose\":[\"service\"]}]}",
     SOTTO_CAUSE_RANGE, 1, "tags[0].number"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"A b\",\"kind\":\"count\",\"purpose\":[\"service\"]}]}",
     SOTTO_CAUSE_MALFORMED, 1, "tags[0].id"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"number\",\"purpose\":[\"service\"]}]}",
     SOTTO_CAUSE_MALFORMED, 1, "tags[0].kind"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"count\"}]}", SOTTO_CAUSE_MALFORMED, 1,
     "tags[0]"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"count\",\"purpose\":[]}]}",
     SOTTO_CAUSE_RANGE, 1, "tags[0].purpose"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"count\",\"purpose\":[\"service\","
     "\"service\"]}]}",
     SOTTO_CAUSE_CONFLICT, 1, "tags[0].purpose[1]"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"choice\",\"purpose\":[\"service\"]}]}",
     SOTTO_CAUSE_MALFORMED, 1, "tags[0]"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"choice\",\"purpose\":[\"service\"],"
     "\"choices\":[\"x\",\"x\"]}]}",
     SOTTO_CAUSE_CONFLICT, 1, "tags[0].choices[1]"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"flag\",\"purpose\":[\"service\"],"
     "\"bins\":[1]}]}",
     SOTTO_CAUSE_MALFORMED, 1, "tags[0].bins"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"date\",\"purpose\":[\"service\"],"
     "\"bins\":[\"2026-02-30\"]}]}",
     SOTTO_CAUSE_MALFORMED, 1, "tags[0].bins[0]"},
    {"{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"a\",\"kind\":\"text\",\"purpose\":[\"service\"],"
     "\"aggregate\":true}]}",
     SOTTO_CAUSE_MALFORMED, 1, "tags[0].aggregate"},
};

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static void test_says_where_it_is_bad(void **state)
{
    (void)state;
    static uint8_t memory[8192];
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        sotto_arena arena;
        sotto_arena_init(&arena, memory, sizeof memory);
        sotto_dictionary *d = (sotto_dictionary *)memory;
        sotto_diag diag = {0};
        sotto_status status = sotto_dictionary_load(&d, sotto_span_str(BAD[i].json), "d.json", &arena, &diag);
        if (sotto_status_cause(status) != (int)BAD[i].cause || diag.line != BAD[i].line ||
            !ends_with(diag.where, BAD[i].where))
            fail_msg("case %zu: cause %d, '%s' line %d: %s", i, sotto_status_cause(status), diag.where,
                     (int)diag.line, diag.text);
        assert_null(d);
        assert_int_equal(arena.used, 0);
        assert_true(diag.text[0] != '\0');
    }
}

static void test_truncated_anywhere_is_refused(void **state)
{
    (void)state;
    static uint8_t memory[32768];
    for (size_t len = 0; len + 1 < sizeof DICTIONARY; len++) {
        sotto_arena arena;
        sotto_arena_init(&arena, memory, sizeof memory);
        sotto_dictionary *d;
        assert_true(sotto_dictionary_load(&d, sotto_span_of(DICTIONARY, len), "d", &arena, NULL) < 0);
        assert_null(d);
    }
}

/* Every size of arena: refused cleanly, until the size that the header promises to be enough. */
static void test_small_arena(void **state)
{
    (void)state;
    static uint8_t memory[32768];
    size_t enough = 8 * (sizeof DICTIONARY - 1) + 1024, refused = 0;
    assert_true(enough <= sizeof memory);
    for (size_t cap = 0; cap <= enough; cap++) {
        sotto_arena arena;
        sotto_arena_init(&arena, memory, cap);
        sotto_dictionary *d;
        sotto_status status = sotto_dictionary_load(&d, sotto_span_str(DICTIONARY), "d", &arena, NULL);
        assert_true(status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NO_SPACE);
        refused += status != SOTTO_OK;
        if (cap == enough)
            assert_int_equal(status, SOTTO_OK);
    }
    assert_in_range(refused, 1, enough);
}

/* As many tags as allowed, in the shortest words: the promise about the arena holds there too. */
static void test_many_short_tags(void **state)
{
    (void)state;
    sotto_vec json;
    sotto_vec_init(&json, 1 << 20);
    assert_int_equal(sotto_vec_printf(&json, "{\"version\":1,\"tags\":["), SOTTO_OK);
    for (unsigned i = 0; i <= SOTTO_TAGS_MAX; i++) {
        sotto_vec whole = {.limit = 1 << 20};
        size_t cap = 8 * (json.len + 2) + 1024;
        assert_int_equal(sotto_vec_printf(&whole, "%.*s]}", (int)json.len, (const char *)json.ptr), SOTTO_OK);
        if (i == SOTTO_TAGS_MAX || i == 1) {
            sotto_arena arena;
            void *memory = malloc(cap);
            sotto_arena_init(&arena, memory, cap);
            sotto_dictionary *d;
            assert_int_equal(sotto_dictionary_load(&d, sotto_vec_span(&whole), "d", &arena, NULL), SOTTO_OK);
            assert_int_equal(sotto_dictionary_find(d, sotto_span_str("0")), 0);
            free(memory);
        }
        sotto_vec_free(&whole);
        assert_int_equal(sotto_vec_printf(&json,
                                          "%s{\"number\":%u,\"id\":\"%x\",\"kind\":\"choice\",\"purpose\":["
                                          "\"service\"],\"choices\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]}",
                                          i == 0 ? "" : ",", i + 1, i),
                         SOTTO_OK);
    }
    sotto_vec_free(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_member),   cmocka_unit_test(test_finds_by_id_and_number),
        cmocka_unit_test(test_says_where_it_is_bad), cmocka_unit_test(test_truncated_anywhere_is_refused),
        cmocka_unit_test(test_small_arena),          cmocka_unit_test(test_many_short_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
