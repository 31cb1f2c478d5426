/* What the tests of histories share: a dictionary with every rule, and events at random. */
#ifndef HISTORY_TEST_H
#define HISTORY_TEST_H

#include "tags_test.h"

#include "sotto/history.h"

#define DAY_S 86400
#define P     "\"purpose\":[\"marketing\"]"

static const char DERIVED[] =
    "{\"version\":1,\"tags\":[\n"
    "{\"number\":1,\"id\":\"bought_last\",\"kind\":\"date\"," P ",\"ttl_days\":60,"
    "\"derive\":{\"rule\":\"last\",\"events\":[\"purchase\"]}},\n"
    "{\"number\":2,\"id\":\"bought_ago\",\"kind\":\"count\"," P ","
    "\"derive\":{\"rule\":\"days_since\",\"events\":[\"purchase\"]}},\n"
    "{\"number\":3,\"id\":\"bought_30\",\"kind\":\"count\"," P ","
    "\"derive\":{\"rule\":\"count\",\"events\":[\"purchase\",\"deposit\"],\"days\":30}},\n"
    "{\"number\":4,\"id\":\"bought_ever\",\"kind\":\"count\"," P ","
    "\"derive\":{\"rule\":\"count\",\"events\":[\"purchase\"]}},\n"
    "{\"number\":5,\"id\":\"visit_days\",\"kind\":\"count\"," P ","
    "\"derive\":{\"rule\":\"days\",\"events\":[\"card_in\",\"page\"],\"days\":90}},\n"
    "{\"number\":6,\"id\":\"spent\",\"kind\":\"amount\",\"decimals\":2," P ","
    "\"derive\":{\"rule\":\"sum\",\"events\":[\"purchase\"],\"days\":60}},\n"
    "{\"number\":7,\"id\":\"average_7\",\"kind\":\"amount\",\"decimals\":2," P ","
    "\"derive\":{\"rule\":\"average_balance\",\"days\":7}},\n"
    "{\"number\":8,\"id\":\"average_90\",\"kind\":\"amount\",\"decimals\":2," P ","
    "\"derive\":{\"rule\":\"average_balance\",\"days\":90}},\n"
    "{\"number\":9,\"id\":\"change_30\",\"kind\":\"amount\",\"decimals\":2," P ","
    "\"derive\":{\"rule\":\"balance_change\",\"days\":30}},\n"
    "{\"number\":10,\"id\":\"has_term\",\"kind\":\"flag\"," P ","
    "\"derive\":{\"rule\":\"holds\",\"product\":\"term\"}},\n"
    "{\"number\":11,\"id\":\"term_due\",\"kind\":\"date\"," P ","
    "\"derive\":{\"rule\":\"due\",\"product\":\"term\"}},\n"
    "{\"number\":12,\"id\":\"stage\",\"kind\":\"choice\",\"choices\":[\"new\",\"rising\",\"stable\","
    "\"leaving\"]," P
    ",\"derive\":{\"rule\":\"stage\",\"events\":[\"purchase\",\"deposit\",\"withdrawal\"],\"days\":30}},\n"
    "{\"number\":13,\"id\":\"hour\",\"kind\":\"count\"," P
    ",\"derive\":{\"rule\":\"favourite\",\"of\":\"hour\"}},\n"
    "{\"number\":14,\"id\":\"channel\",\"kind\":\"choice\",\"choices\":[\"kiosk\",\"atm\"]," P ","
    "\"derive\":{\"rule\":\"favourite\",\"of\":\"channel\"}},\n"
    "{\"number\":15,\"id\":\"page_1\",\"kind\":\"choice\",\"choices\":[\"pay\",\"rates\",\"loans\"]," P ","
    "\"derive\":{\"rule\":\"favourite\",\"of\":\"page\"}},\n"
    "{\"number\":16,\"id\":\"page_2\",\"kind\":\"choice\",\"choices\":[\"pay\",\"rates\",\"loans\"]," P ","
    "\"derive\":{\"rule\":\"favourite\",\"of\":\"page\",\"rank\":2}},\n"
    "{\"number\":17,\"id\":\"recency\",\"kind\":\"count\"," P ","
    "\"derive\":{\"rule\":\"days_since\",\"events\":[\"purchase\"],\"grades\":[90,30,7]}},\n"
    "{\"number\":18,\"id\":\"monetary\",\"kind\":\"count\"," P ","
    "\"derive\":{\"rule\":\"sum\",\"events\":[\"purchase\"],\"days\":60,\"grades\":[100,500.5]}},\n"
    "{\"number\":20,\"id\":\"largest\",\"kind\":\"amount\",\"decimals\":2," P ","
    "\"derive\":{\"rule\":\"largest\",\"events\":[\"purchase\",\"deposit\"],\"days\":20}},\n"
    "{\"number\":19,\"id\":\"age\",\"kind\":\"count\"," P "}]}";

typedef struct life {
    uint8_t memory[32768];
    sotto_arena arena;
    sotto_dictionary *d;
    sotto_profile profile;
    sotto_history h;
} life;

static inline life *life_open_with(const char *dictionary)
{
    life *f = calloc(1, sizeof *f);
    sotto_diag diag = {0};
    assert_non_null(f);
    sotto_arena_init(&f->arena, f->memory, sizeof f->memory);
    if (sotto_dictionary_load(&f->d, sotto_span_str(dictionary), "dictionary.json", &f->arena, &diag) !=
        SOTTO_OK)
        fail_msg("%s: %s", diag.where, diag.text);
    assert_int_equal(sotto_profile_init(&f->profile, f->d, &f->arena), SOTTO_OK);
    return f;
}

static inline life *life_open(void)
{
    return life_open_with(DERIVED);
}

static inline enum sotto_history_outcome happens(life *f, const sotto_event *event)
{
    return sotto_history_apply(&f->h, f->d, event, true);
}

/* The tag as text on a day, "" when absent or dead. */
static inline const char *tag_on(life *f, const char *id, int32_t today, char out[static 160])
{
    int index = sotto_dictionary_find(f->d, sotto_span_str(id));
    sotto_tag_value value;
    assert_true(index >= 0);
    sotto_profile_clear(&f->profile);
    sotto_history_derive(&f->h, today, &f->profile);
    (void)sotto_profile_read(&f->profile, (size_t)index, SOTTO_PURPOSE_MARKETING, today, &value);
    assert_int_equal(sotto_tag_format(sotto_dictionary_at(f->d, (size_t)index), &value, out, 160), SOTTO_OK);
    return out;
}

static inline size_t pack_life(const life *f, uint8_t out[static SOTTO_HISTORY_MAX])
{
    sotto_buf buf = sotto_buf_of(out, SOTTO_HISTORY_MAX);
    assert_int_equal(sotto_history_pack(&f->h, &buf), SOTTO_OK);
    return buf.len;
}

static inline sotto_event random_event(uint64_t *seed, uint64_t id, int32_t day)
{
    static const char *const PRODUCTS[] = {"term", "fund", ""}, *const PAGES[] = {"pay", "rates", "loans",
                                                                                  "?"};
    sotto_event e = {.id = id};
    e.kind = (enum sotto_event_kind)(next_random(seed) % (SOTTO_EVENT_KINDS - 1) + 1);
    e.at_s = (int64_t)day * DAY_S + (int64_t)(next_random(seed) % DAY_S);
    bool money =
        e.kind == SOTTO_EVENT_DEPOSIT || e.kind == SOTTO_EVENT_WITHDRAWAL || e.kind == SOTTO_EVENT_PURCHASE;
    e.amount = money ? (int64_t)(next_random(seed) % 1000000) : 0;
    e.has_balance = next_random(seed) % 3 == 0;
    e.balance = e.has_balance ? (int64_t)(next_random(seed) % 2000000) - 500000 : 0;
    e.has_due = e.kind == SOTTO_EVENT_PURCHASE && next_random(seed) % 2 == 0;
    e.due_day = e.has_due ? day + (int32_t)(next_random(seed) % 400) : 0;
    e.product = sotto_span_str(PRODUCTS[next_random(seed) % 3]);
    e.channel = sotto_span_str(next_random(seed) % 3 == 0 ? "atm" : "kiosk");
    e.page = sotto_span_str(PAGES[next_random(seed) % 4]);
    return e;
}

#endif
