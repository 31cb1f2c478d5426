/* The nearest group as a tag: worked by hand for customers of docs/examples/models/segments.csv, and what
 * does not go together. tests/data/model/groups.sotto is that file, compiled with a recipe of three tags. */
#include "sotto/port.h"
#include "sotto/segments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TODAY = 20778, AGE = 0, BALANCE, VISITS, GROUP, CONSENT, TAGS, YOUNG = 0, QUIET, WEALTHY };

#define TAG(number, id, kind) "{\"number\":" #number ",\"id\":\"" id "\",\"kind\":\"" kind "\","
#define FIRST                                                                                                \
    "{\"version\":1,\"tags\":[" TAG(1, "age", "count") "\"purpose\":[\"marketing\"]}," TAG(                  \
        2, "balance", "amount") "\"purpose\":[\"marketing\"],\"decimals\":2}," TAG(3, "visits", "count")
#define VISIT_DAYS "\"purpose\":[\"marketing\"],\"from\":\"visit.days_30\"},"
#define CHOICES    "\"purpose\":[\"marketing\"],\"choices\":[\"young\",\"quiet\",\"wealthy\"]"
#define LAST       "," TAG(5, "consent", "flag") "\"purpose\":[\"service\"]}]}"
static const char DICTIONARY[] =
    FIRST VISIT_DAYS TAG(4, "group", "choice") CHOICES ",\"from\":\"segment\"}" LAST;

static uint8_t memory[1 << 18];
static sotto_arena arena;
static sotto_dictionary *dictionary;
static sotto_profile profile;
static sotto_segments segments;
static sotto_vec file;
static sotto_diag diag;

static sotto_status open_with(const char *json, sotto_span bytes)
{
    sotto_arena_init(&arena, memory, sizeof memory);
    diag = (sotto_diag){0};
    assert_int_equal(sotto_dictionary_load(&dictionary, sotto_span_str(json), "d", &arena, NULL), SOTTO_OK);
    assert_int_equal(sotto_profile_init(&profile, dictionary, &arena), SOTTO_OK);
    size_t mark = sotto_arena_mark(&arena);
    sotto_status status = sotto_segments_load(&segments, bytes, dictionary, &arena, &diag);
    assert_true(status == diag.status && (status == SOTTO_OK || sotto_arena_mark(&arena) == mark));
    assert_true(sotto_arena_mark(&arena) - mark <= sotto_segments_arena_bound(bytes.len));
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
    sotto_segments_derive(&segments, CONSENT, TODAY, &profile);
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
    sotto_segments_derive(&segments, -1, TODAY, &profile); /* a policy that profiles nobody */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_group), cmocka_unit_test(nobody_without_consent),
        cmocka_unit_test(file_and_tag_come_together), cmocka_unit_test(another_kind_is_refused)};
    return cmocka_run_group_tests(tests, read_file, free_file);
}
