#include "history_test.h"

#include <stdio.h>

#ifdef SOTTO_EMULATED
enum { ROUNDS = 40 };
#else
enum { ROUNDS = 400 };
#endif
enum { EVENTS_MAX = 300 };

typedef struct arrival {
    sotto_event event;
    int64_t at_s; /* when it arrives */
} arrival;

static int by_arrival(const void *a, const void *b)
{
    const arrival *x = a, *y = b;
    if (x->at_s != y->at_s)
        return x->at_s < y->at_s ? -1 : 1;
    return (x->event.id > y->event.id) - (x->event.id < y->event.id);
}

static int by_time(const void *a, const void *b)
{
    const arrival *x = a, *y = b;
    if (x->event.at_s != y->event.at_s)
        return x->event.at_s < y->event.at_s ? -1 : 1;
    return (x->event.id > y->event.id) - (x->event.id < y->event.id);
}

/* ---- each rule once more, straight from its definition ---- */

static int32_t day_of(int64_t at_s)
{
    return (int32_t)(at_s / DAY_S);
}

typedef struct defined {
    int64_t count_30, ever, days_90, spent, ago, moved, largest;
    int64_t balance_sum, balance_days, balance_sum_90, balance_days_90;
    int holds;
    uint64_t pages[3];
} defined;

static void define_balance(const arrival *all, size_t n, int32_t day, int64_t *sum, int64_t *days)
{
    const sotto_event *latest = NULL;
    for (size_t i = 0; i < n; i++) {
        const sotto_event *e = &all[i].event;
        if (!e->has_balance || day_of(e->at_s) > day)
            continue;
        if (latest == NULL || e->at_s > latest->at_s ||
            (e->at_s == latest->at_s && e->balance > latest->balance))
            latest = e;
    }
    if (latest == NULL)
        return;
    *sum += latest->balance;
    ++*days;
}

static void define_products(const arrival *all, size_t n, defined *def)
{
    int64_t at_s = INT64_MIN;
    def->holds = -1;
    for (size_t i = 0; i < n; i++) {
        const sotto_event *e = &all[i].event;
        bool bought = e->kind == SOTTO_EVENT_PURCHASE;
        if ((!bought && e->kind != SOTTO_EVENT_MATURITY) || !sotto_span_is(e->product, "term"))
            continue;
        if (e->at_s > at_s || (e->at_s == at_s && bought))
            def->holds = bought;
        at_s = e->at_s > at_s ? e->at_s : at_s;
    }
}

static defined define(const arrival *all, size_t n, int32_t today)
{
    defined def = {.ago = -1};
    for (int32_t day = today - 89; day <= today; day++) {
        bool visited = false;
        for (size_t i = 0; i < n; i++)
            visited = visited ||
                      (day_of(all[i].event.at_s) == day &&
                       (all[i].event.kind == SOTTO_EVENT_CARD_IN || all[i].event.kind == SOTTO_EVENT_PAGE));
        def.days_90 += visited;
        define_balance(all, n, day, &def.balance_sum_90, &def.balance_days_90);
        if (day > today - 7)
            define_balance(all, n, day, &def.balance_sum, &def.balance_days);
    }
    for (size_t i = 0; i < n; i++) {
        const sotto_event *e = &all[i].event;
        int32_t ago = today - day_of(e->at_s);
        bool bought = e->kind == SOTTO_EVENT_PURCHASE;
        def.count_30 += ago < 30 && (bought || e->kind == SOTTO_EVENT_DEPOSIT);
        def.ever += bought;
        bool moved = bought || e->kind == SOTTO_EVENT_DEPOSIT;
        def.moved += moved;
        if (moved && ago < 20 && e->amount > def.largest)
            def.largest = e->amount;
        def.spent += bought && ago < 60 ? e->amount : 0;
        if (bought && (def.ago < 0 || ago < def.ago))
            def.ago = ago;
        static const char *const PAGES[] = {"pay", "rates", "loans"};
        for (size_t p = 0; p < 3; p++)
            def.pages[p] += e->kind == SOTTO_EVENT_PAGE && sotto_span_is(e->page, PAGES[p]) &&
                            day_of(e->at_s) / 28 > today / 28 - 4;
    }
    define_products(all, n, &def);
    return def;
}

static void says(life *f, const char *id, int32_t today, const char *format, long long value)
{
    char want[64], got[160];
    snprintf(want, sizeof want, format, value);
    assert_string_equal(tag_on(f, id, today, got), want);
}

/* A quotient to nearest, ties to even, in hundredths of money given in thousandths. */
static void says_average(life *f, const char *id, int32_t today, int64_t sum, int64_t days)
{
    char got[160], want[32] = "";
    int64_t cents = 0;
    if (days > 0) {
        assert_int_equal(sotto_fixed_mul_div(sum, 1, 10 * days, &cents), SOTTO_OK);
        (void)sotto_fixed_format_decimal(cents, 2, want, sizeof want);
    }
    assert_string_equal(tag_on(f, id, today, got), want);
}

static void check_definitions(life *f, const arrival *all, size_t n, int32_t today)
{
    static const char *const PAGES[] = {"pay", "rates", "loans"};
    defined def = define(all, n, today);
    char got[160];
    if (def.moved > 0)
        says_average(f, "largest", today, def.largest, 1);
    else
        says(f, "largest", today, "", 0);
    if (def.ever > 0) {
        says(f, "bought_ago", today, "%lld", def.ago);
        says(f, "bought_ever", today, "%lld", def.ever);
        says(f, "recency", today, "%lld", 1 + (def.ago <= 90) + (def.ago <= 30) + (def.ago <= 7));
        says(f, "monetary", today, "%lld", 1 + (def.spent >= 100000) + (def.spent >= 500500));
        says_average(f, "spent", today, def.spent, 1);
        says(f, "bought_30", today, "%lld", def.count_30);
    } else {
        says(f, "bought_ago", today, "", 0);
    }
    if (f->h.totals[SOTTO_EVENT_CARD_IN].count + f->h.totals[SOTTO_EVENT_PAGE].count > 0)
        says(f, "visit_days", today, "%lld", def.days_90);
    says_average(f, "average_7", today, def.balance_sum, def.balance_days);
    says_average(f, "average_90", today, def.balance_sum_90, def.balance_days_90);
    says(f, "has_term", today, def.holds < 0 ? "" : "%lld", def.holds);
    size_t best = def.pages[1] > def.pages[0];
    best = def.pages[2] > def.pages[best] ? 2 : best;
    assert_string_equal(tag_on(f, "page_1", today, got), def.pages[best] > 0 ? PAGES[best] : "");
}

/* Property: events that arrive up to 31 days late, some of them again, give the bytes of the same events in
 * order, and the tags are those of the definitions. */
static void test_order_and_repetition_leave_no_trace(void **state)
{
    (void)state;
    static arrival all[EVENTS_MAX];
    static uint8_t one[SOTTO_HISTORY_MAX], two[SOTTO_HISTORY_MAX];
    uint64_t seed = 20261121;
    life *f = life_open(), *g = life_open();
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = (size_t)(next_random(&seed) % EVENTS_MAX) + 1;
        int32_t reach = (int32_t)(next_random(&seed) % 250) + 1;
        sotto_history_clear(&f->h);
        sotto_history_clear(&g->h);
        for (size_t i = 0; i < n; i++) {
            all[i].event =
                random_event(&seed, i + 1, TODAY - (int32_t)(next_random(&seed) % (uint64_t)reach));
            all[i].at_s = all[i].event.at_s + (int64_t)(next_random(&seed) % (31 * DAY_S));
        }
        qsort(all, n, sizeof all[0], by_arrival);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(happens(f, &all[i].event), SOTTO_HISTORY_TAKEN);
            if (next_random(&seed) % 4 == 0)
                assert_int_equal(happens(f, &all[i].event), SOTTO_HISTORY_REPEATED);
            size_t again = (size_t)(next_random(&seed) % (i + 1));
            if (next_random(&seed) % 4 == 0)
                assert_int_not_equal(happens(f, &all[again].event), SOTTO_HISTORY_TAKEN);
        }
        qsort(all, n, sizeof all[0], by_time);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(happens(g, &all[i].event), SOTTO_HISTORY_TAKEN);
        size_t len = pack_life(f, one);
        assert_int_equal(len, pack_life(g, two));
        assert_memory_equal(one, two, len);
        int32_t today = day_of(all[n - 1].event.at_s) + (int32_t)(next_random(&seed) % 45);
        check_definitions(g, all, n, today);
    }
    free(f);
    free(g);
}

/* The same where the room is too small: whole days go, the earliest first, in whatever order they came. */
static void test_too_many_days(void **state)
{
    (void)state;
    static arrival all[8000];
    static uint8_t one[SOTTO_HISTORY_MAX], two[SOTTO_HISTORY_MAX];
    enum { DAYS = 300 };
    uint64_t seed = 7;
    life *f =
        life_open_with("{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"n\",\"kind\":\"count\"," P
                       ",\"derive\":{\"rule\":\"count\",\"days\":366,\"events\":[\"card_in\",\"shown\","
                       "\"taken\",\"dismissed\","
                       "\"balance\",\"deposit\",\"withdrawal\",\"purchase\",\"maturity\",\"page\"]}},{"
                       "\"number\":2,\"id\":\"b\","
                       "\"kind\":\"amount\"," P ",\"derive\":{\"rule\":\"average_balance\",\"days\":7}}]}");
    life *g = calloc(1, sizeof *g);
    assert_non_null(g);
    *g = *f;
    for (size_t i = 0; i < SOTTO_COUNT(all); i++) {
        all[i].event = random_event(&seed, 0, TODAY - (int32_t)(next_random(&seed) % DAYS));
        all[i].at_s = all[i].event.at_s + (int64_t)(next_random(&seed) % (31 * DAY_S));
    }
    qsort(all, SOTTO_COUNT(all), sizeof all[0], by_arrival);
    for (size_t i = 0; i < SOTTO_COUNT(all); i++)
        assert_int_equal(happens(f, &all[i].event), SOTTO_HISTORY_TAKEN);
    qsort(all, SOTTO_COUNT(all), sizeof all[0], by_time);
    for (size_t i = 0; i < SOTTO_COUNT(all); i++)
        assert_int_equal(sotto_history_apply(&g->h, f->d, &all[i].event, true), SOTTO_HISTORY_TAKEN);
    assert_true(f->h.has_floor);
    size_t len = pack_life(f, one);
    assert_int_equal(len, pack_life(g, two));
    assert_memory_equal(one, two, len);
    free(f);
    free(g);
}

static void test_late_and_many_ids(void **state)
{
    (void)state;
    life *f = life_open();
    sotto_event e = {.kind = SOTTO_EVENT_CARD_IN, .at_s = (int64_t)TODAY * DAY_S, .id = 1};
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    e = (sotto_event){.kind = SOTTO_EVENT_CARD_IN, .at_s = (int64_t)(TODAY - 31) * DAY_S, .id = 2};
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_REPEATED);
    e.at_s -= 1;
    e.id = 3;
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_LATE);
    e.at_s = (int64_t)(TODAY + 40) * DAY_S; /* the first ones are too old to be known */
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    assert_int_equal(f->h.seen_count, 1);
    for (uint64_t id = 10; id < 10 + 2 * SOTTO_HISTORY_IDS_MAX; id++) {
        e.id = id;
        assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
        assert_int_equal(happens(f, &e), SOTTO_HISTORY_REPEATED);
    }
    assert_int_equal(f->h.seen_count, SOTTO_HISTORY_IDS_MAX);
    e.id = 10; /* one of the earliest of over 512 */
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    e.id = 0;
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    free(f);
}

static void test_a_tag_dies(void **state)
{
    (void)state;
    life *f = life_open();
    char got[160];
    const sotto_event e = {.kind = SOTTO_EVENT_PURCHASE, .at_s = (int64_t)TODAY * DAY_S, .amount = 12345};
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    assert_string_equal(tag_on(f, "bought_last", TODAY + 59, got), "2026-11-21");
    assert_string_equal(tag_on(f, "bought_last", TODAY + 60, got), "");
    assert_string_equal(tag_on(f, "spent", TODAY + 59, got), "12.34"); /* 12.345: ties to even */
    assert_string_equal(tag_on(f, "spent", TODAY + 60, got), "0.00");
    assert_string_equal(tag_on(f, "spent", TODAY - 99, got), "12.34"); /* a clock set back */
    assert_string_equal(tag_on(f, "spent", INT32_MAX, got), "0.00");
    assert_string_equal(tag_on(f, "bought_ago", INT32_MAX, got), "2912118"); /* the year 9999 is the last */
    free(f);
}

static void test_without_consent_only_ids_stay(void **state)
{
    (void)state;
    life *f = life_open();
    uint8_t packed[SOTTO_HISTORY_MAX];
    uint64_t seed = 3;
    for (uint64_t id = 1; id <= 50; id++) {
        sotto_event e = random_event(&seed, id, TODAY);
        assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    }
    assert_true(f->h.cell_count > 0 && f->h.fact_count > 0);
    sotto_event e = random_event(&seed, 51, TODAY);
    assert_int_equal(sotto_history_apply(&f->h, f->d, &e, false), SOTTO_HISTORY_TAKEN);
    assert_int_equal(f->h.cell_count + f->h.fact_count, 0);
    assert_int_equal(f->h.seen_count, 51);
    assert_true(pack_life(f, packed) < 51 * 9 + 20);
    assert_int_equal(sotto_history_apply(&f->h, f->d, &e, false), SOTTO_HISTORY_REPEATED);
    free(f);
}

/* A customer's life by hand: new, rising, stable, leaving. */
static void buys(life *f, int32_t day, int times)
{
    for (int i = 0; i < times; i++) {
        const sotto_event e = {.kind = SOTTO_EVENT_PURCHASE, .at_s = (int64_t)day * DAY_S + i};
        assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    }
}

static void test_stages(void **state)
{
    (void)state;
    life *f = life_open();
    char got[160];
    assert_string_equal(tag_on(f, "stage", TODAY, got), "");
    buys(f, TODAY, 4);
    assert_string_equal(tag_on(f, "stage", TODAY + 29, got), "new");
    assert_string_equal(tag_on(f, "stage", TODAY + 30, got), "leaving"); /* none of late */
    buys(f, TODAY + 59, 6);
    assert_string_equal(tag_on(f, "stage", TODAY + 59, got),
                        "stable"); /* 6 beside 4: not over half as many more */
    buys(f, TODAY + 59, 1);
    assert_string_equal(tag_on(f, "stage", TODAY + 59, got), "rising");
    buys(f, TODAY + 89, 3);
    assert_string_equal(tag_on(f, "stage", TODAY + 89, got), "leaving"); /* 3 beside 7 */
    buys(f, TODAY + 89, 1);
    assert_string_equal(tag_on(f, "stage", TODAY + 89, got), "stable"); /* 4 beside 7 */
    free(f);
}

static void test_products_and_favourites(void **state)
{
    (void)state;
    life *f = life_open();
    char got[160];
    sotto_event e = {.kind = SOTTO_EVENT_PURCHASE,
                     .at_s = (int64_t)TODAY * DAY_S,
                     .product = sotto_span_str("term"),
                     .channel = sotto_span_str("atm"),
                     .has_due = true,
                     .due_day = TODAY + 90};
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    assert_string_equal(tag_on(f, "has_term", TODAY, got), "1");
    assert_string_equal(tag_on(f, "term_due", TODAY, got), "2027-02-19");
    assert_string_equal(tag_on(f, "channel", TODAY, got), "atm");
    assert_string_equal(tag_on(f, "channel", TODAY + 112, got), ""); /* four buckets of 28 days */
    e = (sotto_event){
        .kind = SOTTO_EVENT_MATURITY, .at_s = (int64_t)TODAY * DAY_S + 9, .product = sotto_span_str("term")};
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    assert_string_equal(tag_on(f, "has_term", TODAY, got), "0");
    assert_string_equal(tag_on(f, "term_due", TODAY, got), "");
    static const char *const SEEN[] = {"rates", "pay", "rates", "loans", "loans", "rates", "unheard of"};
    for (size_t i = 0; i < SOTTO_COUNT(SEEN); i++) {
        e = (sotto_event){
            .kind = SOTTO_EVENT_PAGE, .at_s = (int64_t)TODAY * DAY_S + 60, .page = sotto_span_str(SEEN[i])};
        assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    }
    assert_string_equal(tag_on(f, "page_1", TODAY, got), "rates");
    assert_string_equal(tag_on(f, "page_2", TODAY, got), "loans");
    e = (sotto_event){.kind = SOTTO_EVENT_CARD_IN, .at_s = (int64_t)TODAY * DAY_S + 17 * 3600 + 5};
    assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    assert_string_equal(tag_on(f, "hour", TODAY, got), "17");
    free(f);
}

static void test_packed_form_is_bounded_and_exact(void **state)
{
    (void)state;
    life *f = life_open(), *g = life_open();
    static uint8_t packed[SOTTO_HISTORY_MAX], again[SOTTO_HISTORY_MAX];
    uint64_t seed = 5;
    for (uint64_t id = 1; id <= 40; id++) {
        sotto_event e = random_event(&seed, id, TODAY - 20 + (int32_t)id / 2);
        assert_int_equal(happens(f, &e), SOTTO_HISTORY_TAKEN);
    }
    size_t len = pack_life(f, packed);
    assert_int_equal(sotto_history_unpack(&g->h, sotto_span_of(packed, len), NULL), SOTTO_OK);
    assert_int_equal(pack_life(g, again), len);
    assert_memory_equal(packed, again, len);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_not_equal(sotto_history_unpack(&g->h, sotto_span_of(packed, cut), NULL), SOTTO_OK);
        assert_false(g->h.any);
        sotto_buf small = sotto_buf_of(again, cut);
        assert_int_equal(sotto_status_cause(sotto_history_pack(&f->h, &small)), SOTTO_CAUSE_NO_SPACE);
        assert_int_equal(small.len, 0);
    }
    for (size_t i = 0; i < len; i++) {
        packed[i] ^= 0x41;
        sotto_diag diag = {0};
        assert_int_not_equal(sotto_history_unpack(&g->h, sotto_span_of(packed, len), &diag), SOTTO_OK);
        assert_true(diag.status != SOTTO_OK && diag.text[0] != '\0');
        packed[i] ^= 0x41;
    }
    free(f);
    free(g);
}

/* The fullest history there can be still fits. */
static void test_the_fullest(void **state)
{
    (void)state;
    life *f = calloc(1, sizeof *f), *g = calloc(1, sizeof *g);
    static uint8_t packed[SOTTO_HISTORY_MAX];
    assert_non_null(f);
    assert_non_null(g);
    f->h.any = f->h.has_floor = f->h.has_carry = true;
    f->h.latest_day = 2932000;
    f->h.carry_s = INT64_C(86400) * 2900000;
    f->h.carry = -SOTTO_EVENT_MONEY_MAX;
    for (unsigned kind = 1; kind < SOTTO_EVENT_KINDS; kind++)
        f->h.totals[kind] = (sotto_history_total){-700000, 2932000, UINT32_MAX};
    f->h.cell_count = SOTTO_HISTORY_CELLS_MAX;
    for (size_t i = 0; i < SOTTO_HISTORY_CELLS_MAX; i++)
        f->h.cells[i] = (sotto_history_cell){(int32_t)(i * 2800) - 700000, SOTTO_EVENT_PURCHASE, 0,
                                             UINT32_MAX, INT64_MAX};
    f->h.seen_count = SOTTO_HISTORY_IDS_MAX;
    for (size_t i = 0; i < SOTTO_HISTORY_IDS_MAX; i++)
        f->h.seen[i] = (sotto_history_seen){(int32_t)(i * 5000), UINT64_MAX};
    f->h.fact_count = SOTTO_DERIVE_FACTS_MAX;
    for (size_t i = 0; i < SOTTO_DERIVE_FACTS_MAX; i++)
        f->h.facts[i] = (sotto_history_fact){(uint16_t)(1000 * (i + 1)), f->h.carry_s, INT32_MIN};
    size_t len = pack_life(f, packed);
    assert_int_equal(sotto_history_unpack(&g->h, sotto_span_of(packed, len), NULL), SOTTO_OK);
    free(f);
    free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_repetition_leave_no_trace),
        cmocka_unit_test(test_too_many_days),
        cmocka_unit_test(test_late_and_many_ids),
        cmocka_unit_test(test_a_tag_dies),
        cmocka_unit_test(test_without_consent_only_ids_stay),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_products_and_favourites),
        cmocka_unit_test(test_packed_form_is_bounded_and_exact),
        cmocka_unit_test(test_the_fullest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
