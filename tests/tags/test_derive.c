/* What a dictionary may say of derived tags, and where it is told that it says something else. */
#include "history_test.h"

#include <stdio.h>

static sotto_status load(const char *tag, sotto_diag *diag)
{
    static uint8_t memory[65536];
    char text[2048];
    sotto_arena arena;
    sotto_dictionary *d;
    sotto_arena_init(&arena, memory, sizeof memory);
    snprintf(text, sizeof text, "{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"t\"," P ",%s}]}", tag);
    *diag = (sotto_diag){0};
    return sotto_dictionary_load(&d, sotto_span_str(text), "d", &arena, diag);
}

static const struct {
    const char *tag, *place, *text;
} REFUSED[] = {
    {"\"kind\":\"count\",\"derive\":7", "tags[0].derive", ""},
    {"\"kind\":\"count\",\"derive\":{}", "tags[0].derive", ""},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"guess\"}", "tags[0].derive.rule", "no such rule"},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"count\"}", "tags[0].derive", "\"events\""},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"days\",\"events\":[\"page\"]}", "tags[0].derive", "\"days\""},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"count\",\"events\":[]}", "tags[0].derive.events", ""},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"count\",\"events\":[\"sneeze\"]}", "tags[0].derive.events[0]",
     "unknown kind"},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"count\",\"events\":[\"page\",\"page\"]}",
     "tags[0].derive.events[1]", "twice"},
    {"\"kind\":\"amount\",\"derive\":{\"rule\":\"sum\",\"events\":[\"card_in\"],\"days\":9}",
     "tags[0].derive.events[0]", "amount"},
    {"\"kind\":\"amount\",\"derive\":{\"rule\":\"largest\",\"events\":[\"card_in\"],\"days\":9}",
     "tags[0].derive.events[0]", "amount"},
    {"\"kind\":\"amount\",\"derive\":{\"rule\":\"largest\",\"events\":[\"deposit\"]}", "tags[0].derive",
     "\"days\""},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"count\",\"events\":[\"page\"],\"days\":367}",
     "tags[0].derive.days", ""},
    {"\"kind\":\"amount\",\"derive\":{\"rule\":\"balance_change\",\"days\":184}", "tags[0].derive.days", ""},
    {"\"kind\":\"amount\",\"derive\":{\"rule\":\"average_balance\",\"days\":0}", "tags[0].derive.days", ""},
    {"\"kind\":\"amount\",\"derive\":{\"rule\":\"average_balance\",\"days\":7,\"product\":\"x\"}",
     "tags[0].derive.product", "takes no"},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"average_balance\",\"days\":7}", "tags[0].derive",
     "kind amount"},
    {"\"kind\":\"amount\",\"derive\":{\"rule\":\"average_balance\",\"days\":7,\"grades\":[1]}",
     "tags[0].derive", "kind count"},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"average_balance\",\"days\":7,\"grades\":[1,1]}",
     "tags[0].derive.grades[1]", "rise"},
    {"\"kind\":\"count\",\"derive\":{\"rule\":\"average_balance\",\"days\":7,\"grades\":[3,1,2]}",
     "tags[0].derive.grades[2]", "rise"},
    {"\"kind\":\"date\",\"derive\":{\"rule\":\"last\",\"events\":[\"page\"],\"grades\":[1]}",
     "tags[0].derive.grades", "takes no"},
    {"\"kind\":\"flag\",\"derive\":{\"rule\":\"holds\",\"product\":\"\"}", "tags[0].derive.product", "bytes"},
    {"\"kind\":\"flag\",\"derive\":{\"rule\":\"holds\"}", "tags[0].derive", "\"product\""},
    {"\"kind\":\"choice\",\"choices\":[\"a\"],\"derive\":{\"rule\":\"favourite\",\"of\":\"colour\"}",
     "tags[0].derive.of", ""},
    {"\"kind\":\"choice\",\"choices\":[\"a\"],\"derive\":{\"rule\":\"favourite\",\"of\":\"page\","
     "\"rank\":0}",
     "tags[0].derive.rank", ""},
    {"\"kind\":\"choice\",\"choices\":[\"a\"],\"derive\":{\"rule\":\"favourite\",\"of\":\"hour\"}",
     "tags[0].derive", "kind count"},
    {"\"kind\":\"choice\",\"choices\":[\"new\"],\"derive\":{\"rule\":\"stage\",\"events\":[\"page\"],"
     "\"days\":30}",
     "tags[0].derive", "new, rising"},
    {"\"kind\":\"count\",\"from\":\"offer.count\",\"derive\":{\"rule\":\"count\",\"events\":[\"page\"]}",
     "tags[0].derive", "\"from\""},
    {"\"kind\":\"choice\",\"choices\":[\"a\"],\"derive\":{\"rule\":\"favourite\",\"of\":\"page\"}},"
     "{\"number\":2,\"id\":\"u\"," P
     ",\"kind\":\"choice\",\"choices\":[\"b\"],\"derive\":{\"rule\":\"favourite\",\"of\":\"page\"}",
     "tags[1].derive", "same choices"},
};

static void test_what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(REFUSED); i++) {
        sotto_diag diag;
        if (load(REFUSED[i].tag, &diag) == SOTTO_OK)
            fail_msg("taken: %s", REFUSED[i].tag);
        char place[160];
        snprintf(place, sizeof place, "d: %s", REFUSED[i].place);
        if (strcmp(place, diag.where) != 0 || strstr(diag.text, REFUSED[i].text) == NULL || diag.line != 1)
            fail_msg("%s: said %s: %s", REFUSED[i].tag, diag.where, diag.text);
    }
}

static void test_too_many_products(void **state)
{
    (void)state;
    static char text[16384];
    static uint8_t memory[1 << 18];
    sotto_arena arena;
    sotto_dictionary *d;
    for (int count = SOTTO_DERIVE_FACTS_MAX; count <= SOTTO_DERIVE_FACTS_MAX + 1; count++) {
        int len = snprintf(text, sizeof text, "{\"version\":1,\"tags\":[");
        for (int i = 1; i <= count; i++)
            len += snprintf(text + len, sizeof text - (size_t)len,
                            "%s{\"number\":%d,\"id\":\"p%d\",\"kind\":\"flag\"," P
                            ",\"derive\":{\"rule\":\"holds\",\"product\":\"p\"}}",
                            i > 1 ? "," : "", i, i);
        snprintf(text + len, sizeof text - (size_t)len, "]}");
        sotto_arena_init(&arena, memory, sizeof memory);
        sotto_status status = sotto_dictionary_load(&d, sotto_span_str(text), "d", &arena, NULL);
        assert_int_equal(sotto_status_cause(status), count <= SOTTO_DERIVE_FACTS_MAX ? 0 : SOTTO_CAUSE_RANGE);
    }
}

/* What no tag asks for is not kept. */
static void test_only_what_is_needed_is_kept(void **state)
{
    (void)state;
    life *f = life_open_with("{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"t\",\"kind\":\"count\"," P
                             ",\"derive\":{\"rule\":\"days\",\"events\":[\"card_in\"],\"days\":7}}]}");
    uint64_t seed = 11;
    for (uint64_t id = 1; id <= 300; id++) {
        sotto_event e = random_event(&seed, 0, TODAY - 30 + (int32_t)id / 10);
        assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    }
    assert_true(f->h.cell_count > 0 && f->h.cell_count <= 7);
    for (size_t i = 0; i < f->h.cell_count; i++)
        assert_int_equal(f->h.cells[i].series, SOTTO_EVENT_CARD_IN);
    assert_int_equal(f->h.fact_count, 0);
    assert_false(f->h.has_carry);
    assert_int_equal(f->h.totals[SOTTO_EVENT_PURCHASE].count, 0);
    free(f);
}

/* Every failed take from the arena is told, and the arena is given back. */
static void test_small_arenas(void **state)
{
    (void)state;
    static uint8_t memory[32768];
    for (size_t cap = 0;; cap += 16) {
        sotto_arena arena;
        sotto_dictionary *d;
        sotto_diag diag = {0};
        sotto_arena_init(&arena, memory, cap);
        sotto_status status = sotto_dictionary_load(&d, sotto_span_str(DERIVED), "d", &arena, &diag);
        if (status == SOTTO_OK)
            break;
        assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_NO_SPACE);
        assert_true(arena.used == 0 && d == NULL && diag.text[0] != '\0');
        assert_true(cap < sizeof memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_too_many_products),
        cmocka_unit_test(test_only_what_is_needed_is_kept),
        cmocka_unit_test(test_small_arenas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
