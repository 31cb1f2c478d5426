/* Models of a release as tags, worked by hand: the nearest group for customers of
 * docs/examples/models/segments.csv (tests/data/model/groups.sotto is that file, compiled with a recipe of
 * three tags), and what a customer is expected to be worth: amount.sotto is 12 + balance / 4 (15 of an
 * unknown balance), and 100 more of group 2; log_amount.sotto is e^(1 + balance / 1000), and e^2 times that;
 * expected.sotto is amount.sotto times a probability of 1/2 below 40 years, of 1 from then on. And what does
 * not go together. */
#include "sotto/model_tag.h"
#include "sotto/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TODAY = 20778, AGE = 0, BALANCE, VISITS, GROUP, CONSENT, WORTH, TAGS, YOUNG = 0, QUIET, WEALTHY };

#define TAG(number, id, kind) "{\"number\":" #number ",\"id\":\"" id "\",\"kind\":\"" kind "\","
#define FIRST                                                                                                \
    "{\"version\":1,\"tags\":[" TAG(1, "age", "count") "\"purpose\":[\"marketing\"]}," TAG(                  \
        2, "balance", "amount") "\"purpose\":[\"marketing\"],\"decimals\":2}," TAG(3, "visits", "count")
#define VISIT_DAYS "\"purpose\":[\"marketing\"],\"from\":\"visit.days_30\"},"
#define CHOICES    "\"purpose\":[\"marketing\"],\"choices\":[\"young\",\"quiet\",\"wealthy\"]"
#define GROUPS     TAG(4, "group", "choice") CHOICES ",\"from\":\"segment\"}"
#define LAST       "," TAG(5, "consent", "flag") "\"purpose\":[\"service\"]}]}"
#define WORTH_TAG(decimals)                                                                                  \
    "," TAG(5, "consent", "flag") "\"purpose\":[\"service\"]}," TAG(                                         \
        6, "worth", "amount") "\"purpose\":[\"marketing\"],\"from\":\"value\",\"decimals\":" decimals "}]}"
static const char DICTIONARY[] =
    FIRST VISIT_DAYS TAG(4, "group", "choice") CHOICES ",\"from\":\"segment\"}" LAST;

static uint8_t memory[1 << 18];
static sotto_arena arena;
static sotto_dictionary *dictionary;
static sotto_profile profile;
static sotto_model_tag segments;
static sotto_vec file;
static sotto_diag diag;

static sotto_status open_with(const char *json, sotto_span bytes)
{
    sotto_arena_init(&arena, memory, sizeof memory);
    diag = (sotto_diag){0};
    assert_int_equal(sotto_dictionary_load(&dictionary, sotto_span_str(json), "d", &arena, NULL), SOTTO_OK);
    assert_int_equal(sotto_profile_init(&profile, dictionary, &arena), SOTTO_OK);
    size_t mark = sotto_arena_mark(&arena);
    sotto_status status =
        sotto_model_tag_load(&segments, SOTTO_FROM_SEGMENT, bytes, dictionary, &arena, &diag);
    assert_true(status == diag.status && (status == SOTTO_OK || sotto_arena_mark(&arena) == mark));
    assert_true(sotto_arena_mark(&arena) - mark <= sotto_model_tag_arena_bound(bytes.len));
    return status;
}

static int read_file(void **state)
{
    (void)state;
    sotto_vec_init(&file, 1 << 20);
    return sotto_port_read_file(SOTTO_SOURCE_DIR "/tests/data/model/groups.sotto", &file, &diag) == SOTTO_OK
               ? 0
               : -1;
}

static int free_file(void **state)
{
    (void)state;
    sotto_vec_free(&file);
    return 0;
}

static void set(size_t tag, int64_t num)
{
    profile.values[tag] = (sotto_tag_value){.present = true, .set_day = TODAY, .num = num};
}

/* age, balance in cents, days of visits as bits */
static void customer(int64_t age, int64_t balance, unsigned visits)
{
    set(AGE, age);
    set(BALANCE, balance);
    set(VISITS, (INT64_C(1) << visits) - 1);
    set(CONSENT, 1);
}

static int64_t group_of(void)
{
    sotto_model_tag_derive(&segments, CONSENT, TODAY, &profile);
    return profile.values[GROUP].present ? profile.values[GROUP].num : -1;
}

/* Centroids in tags: 30.025 years, 575.79, 9.6 days; 45.3375, 1059.90, 3.2; 59.425, 5570.925, 5. */
static void the_nearest_group(void **state)
{
    (void)state;
    assert_int_equal(open_with(DICTIONARY, sotto_vec_span(&file)), SOTTO_OK);
    customer(30, 57579, 10);
    assert_int_equal(group_of(), YOUNG);
    assert_int_equal(profile.values[GROUP].set_day, TODAY);
    customer(45, 105990, 3);
    assert_int_equal(group_of(), QUIET);
    customer(60, 557093, 5);
    assert_int_equal(group_of(), WEALTHY);
    profile.values[AGE].present = profile.values[VISITS].present = false;
    assert_int_equal(group_of(), WEALTHY); /* by what is known: the balance */
    set(BALANCE, 81784);
    assert_int_equal(group_of(), YOUNG); /* 817.84 lies 242.05 from the first and 242.06 from the second */
    set(BALANCE, 81785);
    assert_int_equal(group_of(), QUIET);
}

static void nobody_without_consent(void **state)
{
    (void)state;
    assert_int_equal(open_with(DICTIONARY, sotto_vec_span(&file)), SOTTO_OK);
    customer(30, 57579, 10);
    set(GROUP, WEALTHY); /* as a CSV may have brought it */
    set(CONSENT, 0);
    assert_int_equal(group_of(), -1);
    profile.values[CONSENT].present = false;
    assert_int_equal(group_of(), -1);
    set(CONSENT, 1);
    assert_int_equal(group_of(), YOUNG);
    sotto_model_tag_derive(&segments, -1, TODAY, &profile); /* a policy that profiles nobody */
    assert_false(profile.values[GROUP].present);
    profile.values[AGE].present = profile.values[BALANCE].present = profile.values[VISITS].present = false;
    assert_int_equal(group_of(), -1); /* nothing is known */
}

static void file_and_tag_come_together(void **state)
{
    (void)state;
    static const char NONE[] = FIRST VISIT_DAYS TAG(4, "group", "choice") CHOICES "}" LAST;
    static const char FEW[] = FIRST VISIT_DAYS TAG(
        4, "group",
        "choice") "\"purpose\":[\"marketing\"],\"choices\":[\"a\",\"b\"],\"from\":\"segment\"}" LAST;
    static const char LATER[] =
        FIRST "\"purpose\":[\"service\"]}," TAG(4, "group", "choice") CHOICES ",\"from\":\"segment\"}" LAST;
    assert_int_equal(open_with(NONE, (sotto_span){0}), SOTTO_OK);
    assert_null(segments.model);
    customer(30, 57579, 10);
    set(GROUP, WEALTHY);
    assert_int_equal(group_of(), WEALTHY); /* the bank's own tag stays */
    static const struct {
        const char *dictionary, *words;
        bool file;
    } CASES[] = {{DICTIONARY, "no segments.sotto", false},
                 {NONE, "no tag of the dictionary", true},
                 {FEW, "more segments than choices", true},
                 {LATER, "", true}}; /* visits are not for marketing */
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_span bytes = CASES[i].file ? sotto_vec_span(&file) : (sotto_span){0};
        assert_int_equal(sotto_status_cause(open_with(CASES[i].dictionary, bytes)), SOTTO_CAUSE_CONFLICT);
        assert_non_null(strstr(diag.text, CASES[i].words));
        assert_null(segments.model);
    }
}

/* Trees are no groups, and bytes that are no model are refused as a model is. */
static void another_kind_is_refused(void **state)
{
    (void)state;
    static const char *const FILES[] = {"golden.sotto",
                                        "segments.sotto"}; /* the latter's features are columns */
    for (size_t i = 0; i < SOTTO_COUNT(FILES); i++) {
        char path[512];
        sotto_vec other;
        (void)snprintf(path, sizeof path, "%s/tests/data/model/%s", SOTTO_SOURCE_DIR, FILES[i]);
        sotto_vec_init(&other, 1 << 20);
        assert_int_equal(sotto_port_read_file(path, &other, &diag), SOTTO_OK);
        assert_int_equal(sotto_status_cause(open_with(DICTIONARY, sotto_vec_span(&other))),
                         SOTTO_CAUSE_CONFLICT);
        sotto_vec_free(&other);
    }
    for (size_t cut = 1; cut < file.len; cut++)
        assert_int_not_equal(open_with(DICTIONARY, sotto_span_of(file.ptr, cut)), SOTTO_OK);
}

/* ---- the expected value ---- */

static sotto_model_tag worth;

static sotto_status open_value(const char *json, const char *name, sotto_vec *bytes)
{
    char path[512];
    assert_int_equal(open_with(json, sotto_vec_span(&file)), SOTTO_OK);
    (void)snprintf(path, sizeof path, "%s/tests/data/model/%s", SOTTO_SOURCE_DIR, name);
    sotto_vec_init(bytes, 1 << 20);
    assert_int_equal(sotto_port_read_file(path, bytes, &diag), SOTTO_OK);
    size_t mark = sotto_arena_mark(&arena);
    sotto_status status =
        sotto_model_tag_load(&worth, SOTTO_FROM_VALUE, sotto_vec_span(bytes), dictionary, &arena, &diag);
    assert_true(status == SOTTO_OK || (worth.model == NULL && sotto_arena_mark(&arena) == mark));
    assert_true(sotto_arena_mark(&arena) - mark <= sotto_model_tag_arena_bound(bytes->len));
    return status;
}

static int64_t worth_of(void)
{
    sotto_model_tag_derive(&segments, CONSENT, TODAY, &profile);
    sotto_model_tag_derive(&worth, CONSENT, TODAY, &profile);
    return profile.values[WORTH].present ? profile.values[WORTH].num : -1;
}

static const char VALUED[] = FIRST VISIT_DAYS GROUPS WORTH_TAG("2");

static void what_a_customer_is_worth(void **state)
{
    (void)state;
    sotto_vec bytes;
    assert_int_equal(open_value(VALUED, "expected.sotto", &bytes), SOTTO_OK);
    customer(30, 57600, 10); /* young: (12 + 144) / 2 */
    assert_int_equal(worth_of(), 7800);
    assert_int_equal(profile.values[WORTH].set_day, TODAY);
    customer(45, 106000, 3); /* quiet: 12 + 265 */
    assert_int_equal(worth_of(), 27700);
    customer(60, 557200, 5); /* wealthy: 12 + 1393 + 100; the group was made just before */
    assert_int_equal(worth_of(), 150500);
    customer(30, 57606, 10); /* 78.0075: down */
    assert_int_equal(worth_of(), 7801);
    profile.values[BALANCE].present = false; /* (12 + 3) / 2 */
    assert_int_equal(worth_of(), 750);
    customer(60, -557200, 5); /* quiet: a loss is one: 12 - 1393 */
    assert_int_equal(worth_of(), -138100);
    sotto_vec_free(&bytes);
}

static void amounts_alone_and_by_their_logarithm(void **state)
{
    (void)state;
    sotto_vec bytes;
    static const char MILLIONTHS[] = FIRST VISIT_DAYS GROUPS WORTH_TAG("6");
    static const char WHOLE[] = FIRST VISIT_DAYS GROUPS WORTH_TAG("0");
    assert_int_equal(open_value(WHOLE, "amount.sotto", &bytes), SOTTO_OK);
    customer(30, 57800, 10); /* 12 + 144.5: to the even one */
    assert_int_equal(worth_of(), 156);
    customer(30, INT64_C(1000000000000000000), 10); /* held within 2^28 */
    assert_int_equal(worth_of(), 268435456);
    sotto_vec_free(&bytes);
    assert_int_equal(open_value(MILLIONTHS, "log_amount.sotto", &bytes), SOTTO_OK);
    customer(30, 100000, 10); /* quiet or young: e^2 = 7.3890561 */
    assert_true(worth_of() >= 7389055 && worth_of() <= 7389057);
    customer(60, 557200, 5); /* wealthy: e^8.572 = 5281.68 */
    int64_t large = worth_of();
    assert_true(large > INT64_C(5281000000) && large < INT64_C(5282000000));
    customer(60, INT64_C(1000000000000000000), 5);
    assert_int_equal(worth_of(), INT64_C(268435456000000));
    sotto_vec_free(&bytes);
}

static void nobody_is_valued_without_consent(void **state)
{
    (void)state;
    sotto_vec bytes;
    assert_int_equal(open_value(VALUED, "expected.sotto", &bytes), SOTTO_OK);
    customer(30, 57600, 10);
    set(WORTH, 99); /* as a CSV may have brought it */
    set(CONSENT, 0);
    assert_int_equal(worth_of(), -1);
    set(CONSENT, 1);
    assert_int_equal(worth_of(), 7800);
    profile.values[AGE].present = profile.values[BALANCE].present = profile.values[VISITS].present = false;
    assert_int_equal(worth_of(), -1); /* nothing is known, not even a group */
    sotto_vec_free(&bytes);
}

static void value_file_and_tag_come_together(void **state)
{
    (void)state;
    /* A value may rest on the group, never on itself; and only on a tag that is there. */
    static const char ITSELF[] = FIRST "\"purpose\":[\"marketing\"]}," GROUPS
                                       "," TAG(5, "consent", "flag") "\"purpose\":[\"service\"]}]}";
    static const char OWN[] =
        "{\"version\":1,\"tags\":[" TAG(1, "age", "count") "\"purpose\":[\"marketing\"]}," TAG(
            2, "balance", "amount") "\"purpose\":[\"marketing\"],\"decimals\":2,\"from\":\"value\"}," GROUPS
                                    "]}";
    static const struct {
        const char *dictionary, *name, *words;
    } CASES[] = {{ITSELF, "expected.sotto", "no tag of the dictionary"},
                 {OWN, "amount.sotto", "balance"},
                 {VALUED, "groups.sotto", "not a model of amounts"},
                 {VALUED, "scorecard.sotto", "not a model of amounts"},
                 {VALUED, "wild.sotto", ""}}; /* its features are columns */
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        char path[512];
        sotto_vec bytes;
        (void)snprintf(path, sizeof path, "%s/tests/data/model/%s", SOTTO_SOURCE_DIR, CASES[i].name);
        sotto_vec_init(&bytes, 1 << 20);
        assert_int_equal(sotto_port_read_file(path, &bytes, &diag), SOTTO_OK);
        sotto_arena_init(&arena, memory, sizeof memory);
        if (sotto_dictionary_load(&dictionary, sotto_span_str(CASES[i].dictionary), "d", &arena, &diag) !=
            SOTTO_OK)
            fail_msg("%s: %s", diag.where, diag.text);
        assert_int_equal(sotto_status_cause(sotto_model_tag_load(
                             &worth, SOTTO_FROM_VALUE, sotto_vec_span(&bytes), dictionary, &arena, &diag)),
                         SOTTO_CAUSE_CONFLICT);
        assert_non_null(strstr(diag.text, CASES[i].words));
        sotto_vec_free(&bytes);
    }
    assert_int_equal(sotto_dictionary_load(&dictionary, sotto_span_str(VALUED), "d", &arena, &diag),
                     SOTTO_OK);
    assert_int_equal(
        sotto_model_tag_load(&worth, SOTTO_FROM_VALUE, (sotto_span){0}, dictionary, &arena, &diag),
        SOTTO_ERR(MODEL, CONFLICT));
    assert_non_null(strstr(diag.text, "no value.sotto"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_nearest_group),
                                       cmocka_unit_test(nobody_without_consent),
                                       cmocka_unit_test(file_and_tag_come_together),
                                       cmocka_unit_test(another_kind_is_refused),
                                       cmocka_unit_test(what_a_customer_is_worth),
                                       cmocka_unit_test(amounts_alone_and_by_their_logarithm),
                                       cmocka_unit_test(nobody_is_valued_without_consent),
                                       cmocka_unit_test(value_file_and_tag_come_together)};
    return cmocka_run_group_tests(tests, read_file, free_file);
}
