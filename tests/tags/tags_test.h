/* What the tests of tags share: a dictionary with one tag of each kind and each event rule. */
#ifndef TAGS_TEST_H
#define TAGS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/tags.h"

#define TODAY 20778 /* 2026-11-21 */

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":[\n"
    "{\"number\":7,\"id\":\"balance\",\"kind\":\"amount\",\"purpose\":[\"service\",\"marketing\"],"
    "\"decimals\":2,"
    "\"bins\":[0,100.5,1000]},\n"
    "{\"number\":1,\"id\":\"age\",\"name\":\"Age\",\"kind\":\"count\",\"facet\":\"fixed\",\"purpose\":["
    "\"marketing\"],"
    "\"aggregate\":true},\n"
    "{\"number\":300,\"id\":\"segment\",\"kind\":\"choice\",\"facet\":\"social\",\"purpose\":[\"marketing\"],"
    "\"choices\":[\"young\",\"old\"]},\n"
    "{\"number\":2,\"id\":\"consent\",\"kind\":\"flag\",\"purpose\":[\"service\"]},\n"
    "{\"number\":65535,\"id\":\"nickname\",\"kind\":\"text\",\"purpose\":[\"service\"],\"ttl_days\":10},\n"
    "{\"number\":4,\"id\":\"joined\",\"kind\":\"date\",\"purpose\":[\"marketing\"],\"bins\":[\"2000-01-01\"]}"
    ",\n"
    "{\"number\":10,\"id\":\"visit_last\",\"kind\":\"date\",\"purpose\":[\"marketing\"],\"from\":\"visit."
    "last\"},\n"
    "{\"number\":11,\"id\":\"visits\",\"kind\":\"count\",\"purpose\":[\"marketing\"],\"from\":\"visit.days_"
    "30\"},\n"
    "{\"number\":12,\"id\":\"offer_last\",\"kind\":\"date\",\"purpose\":[\"marketing\"],\"from\":\"offer."
    "last\"},\n"
    "{\"number\":13,\"id\":\"offers\",\"kind\":\"count\",\"purpose\":[\"marketing\"],\"from\":\"offer."
    "count\"},\n"
    "{\"number\":14,\"id\":\"taken\",\"kind\":\"count\",\"purpose\":[\"marketing\"],\"from\":\"taken.count\"}"
    "]}";

typedef struct fixture {
    uint8_t memory[32768];
    sotto_arena arena;
    sotto_dictionary *d;
    sotto_profile profile;
} fixture;

static inline void fixture_open(fixture *f)
{
    sotto_arena_init(&f->arena, f->memory, sizeof f->memory);
    assert_int_equal(
        sotto_dictionary_load(&f->d, sotto_span_str(DICTIONARY), "dictionary.json", &f->arena, NULL),
        SOTTO_OK);
    assert_int_equal(sotto_profile_init(&f->profile, f->d, &f->arena), SOTTO_OK);
}

static inline size_t tag_index(const fixture *f, const char *id)
{
    int index = sotto_dictionary_find(f->d, sotto_span_str(id));
    assert_true(index >= 0);
    return (size_t)index;
}

static inline void set_tag(fixture *f, const char *id, const char *text)
{
    size_t i = tag_index(f, id);
    sotto_diag diag = {0};
    assert_int_equal(sotto_tag_parse(sotto_dictionary_at(f->d, i), sotto_span_str(text), TODAY,
                                     &f->profile.values[i], &diag),
                     SOTTO_OK);
}

/* The value as text, whatever its purpose and age. */
static inline const char *get_tag(const fixture *f, const char *id, char out[static 160])
{
    size_t i = tag_index(f, id);
    assert_int_equal(sotto_tag_format(sotto_dictionary_at(f->d, i), &f->profile.values[i], out, 160),
                     SOTTO_OK);
    return out;
}

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state; /* xorshift64, Marsaglia 2003 */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

#endif
