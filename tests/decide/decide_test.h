/* What the tests of decide share: a dictionary, a catalogue, a policy and a written model. */
#ifndef DECIDE_TEST_H
#define DECIDE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide_priv.h"
#include "model_writer.h"

#define TODAY  20778 /* 2026-11-21 */
#define NOON_S (INT64_C(86400) * TODAY + 43200)

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"age\",\"kind\":\"count\",\"purpose\":[\"marketing\"]},"
    "{\"number\":2,\"id\":\"balance\",\"kind\":\"amount\",\"purpose\":[\"marketing\"],\"decimals\":2},"
    "{\"number\":3,\"id\":\"segment\",\"kind\":\"choice\",\"purpose\":[\"marketing\"],\"choices\":[\"young\","
    "\"mid\","
    "\"old\"]},"
    "{\"number\":4,\"id\":\"consent\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":5,\"id\":\"measure\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":6,\"id\":\"risk_grade\",\"kind\":\"count\",\"purpose\":[\"service\"]},"
    "{\"number\":7,\"id\":\"has_card\",\"kind\":\"flag\",\"purpose\":[\"marketing\"]},"
    "{\"number\":8,\"id\":\"joined\",\"kind\":\"date\",\"purpose\":[\"marketing\"]},"
    "{\"number\":9,\"id\":\"visits\",\"kind\":\"count\",\"purpose\":[\"marketing\"],\"from\":\"visit.days_"
    "30\"},"
    "{\"number\":10,\"id\":\"nickname\",\"kind\":\"text\",\"purpose\":[\"marketing\"]},"
    "{\"number\":11,\"id\":\"savings\",\"kind\":\"amount\",\"purpose\":[\"marketing\"],\"decimals\":2},"
    "{\"number\":12,\"id\":\"left\",\"kind\":\"date\",\"purpose\":[\"marketing\"]}]}";

static const char CATALOGUE[] =
    "{\"version\":1,\"currency\":\"EUR\",\n\"products\":[\n"
    "{\"id\":\"saver\",\"name\":\"Saver\",\"category\":\"savings\",\"risk\":1,\"value\":\"40.00\","
    "\"attributes\":{\"rate\":1.5}},\n"
    "{\"id\":\"term\",\"category\":\"savings\",\"risk\":1,\"value\":90,\"attributes\":{\"rate\":3.25,"
    "\"months\":12}},\n"
    "{\"id\":\"fund\",\"category\":\"invest\",\"risk\":4,\"value\":250.5},\n"
    "{\"id\":\"card\",\"category\":\"pay\",\"risk\":1,\"value\":60,\"held_tag\":\"has_card\"}]}";

static const char POLICY_HEAD[] =
    "{\"version\":1,\"profiling_tag\":\"consent\",\"measurement_tag\":\"measure\","
    "\"risk_tag\":\"risk_grade\",\"customer_cap_day\":6,\n\"campaigns\":[\n";
#define WORDS "\"creatives\":[{\"language\":\"en\",\"title\":\"T\",\"text\":\"Words\"}]}"
static const char POLICY_TAIL[] = "\n]}";

typedef struct fixture {
    uint8_t memory[1 << 20];
    uint8_t model_file[1 << 19];
    sotto_arena arena;
    sotto_dictionary *dictionary;
    const sotto_model *model;
    const sotto_plan *plan;
    sotto_profile profile;
    sotto_counters counters;
    void *scratch;
    char policy[65536];
    sotto_diag diag;
} fixture;

static const written_feature FEATURES[] = {
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_VALUE, 1, NULL, 0, 18, 90},
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_VALUE, 2, NULL, 0, 0, 20000},
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_CODE, 3, NULL, 0, 0, 2},
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_IS, 3, NULL, 2, 0, 1},
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_AGE_DAYS, 8, NULL, 0, 0, 6000},
    {SOTTO_SOURCE_TAG, SOTTO_TRANSFORM_VALUE, 9, NULL, 0, 0, 30},
    {SOTTO_SOURCE_PRODUCT, SOTTO_TRANSFORM_VALUE, 0, "rate", 0, 0, 5},
    {SOTTO_SOURCE_PRODUCT, SOTTO_TRANSFORM_VALUE, 0, "months", 0, 0, 24},
    {SOTTO_SOURCE_TIME, SOTTO_TRANSFORM_VALUE, 0, "hour", 0, 0, 23},
};

static inline void fixture_open(fixture *f, size_t trees)
{
    sotto_arena_init(&f->arena, f->memory, sizeof f->memory);
    assert_int_equal(sotto_dictionary_load(&f->dictionary, sotto_span_str(DICTIONARY), "d", &f->arena, NULL),
                     SOTTO_OK);
    assert_int_equal(sotto_profile_init(&f->profile, f->dictionary, &f->arena), SOTTO_OK);
    sotto_counters_clear(&f->counters);
    f->model = NULL;
    f->plan = NULL;
    f->scratch = NULL;
    if (trees == 0)
        return;
    size_t len =
        write_model(f->model_file, sizeof f->model_file, FEATURES, SOTTO_COUNT(FEATURES), trees, 5, 99);
    sotto_status status = sotto_model_load(&f->model, sotto_span_of(f->model_file, len), &f->arena, &f->diag);
    if (status != SOTTO_OK)
        fail_msg("written model: %s at %d", f->diag.text, (int)f->diag.offset);
}

static inline sotto_plan_sources sources_of(const fixture *f)
{
    return (sotto_plan_sources){.dictionary = f->dictionary,
                                .model = f->model,
                                .catalogue = sotto_span_str(CATALOGUE),
                                .policy = sotto_span_str(f->policy),
                                .catalogue_name = "catalogue.json",
                                .policy_name = "policy.json"};
}

/* Campaigns, one a line, inside the usual head. */
static inline void set_campaigns(fixture *f, const char *campaigns)
{
    size_t need = strlen(POLICY_HEAD) + strlen(campaigns) + strlen(POLICY_TAIL) + 1;
    assert_true(need <= sizeof f->policy);
    strcpy(f->policy, POLICY_HEAD);
    strcat(f->policy, campaigns);
    strcat(f->policy, POLICY_TAIL);
}

static inline sotto_status load_plan(fixture *f)
{
    sotto_plan_sources sources = sources_of(f);
    memset(&f->diag, 0, sizeof f->diag);
    return sotto_plan_load(&f->plan, &sources, &f->arena, &f->diag);
}

static inline void load_campaigns(fixture *f, const char *campaigns)
{
    set_campaigns(f, campaigns);
    if (load_plan(f) != SOTTO_OK)
        fail_msg("%s:%d: %s", f->diag.where, (int)f->diag.line, f->diag.text);
    f->scratch = sotto_arena_take(&f->arena, sotto_decide_scratch_size(f->plan));
    assert_non_null(f->scratch);
}

/* A policy with more in its head than POLICY_HEAD. */
static inline void load_policy(fixture *f, const char *head, const char *campaigns)
{
    fixture_open(f, 0);
    (void)snprintf(f->policy, sizeof f->policy,
                   "{\"version\":1,\"profiling_tag\":\"consent\",\"risk_tag\":\"risk_grade\",%s\n"
                   "\"campaigns\":[\n%s\n]}",
                   head, campaigns);
    if (load_plan(f) != SOTTO_OK)
        fail_msg("%s:%d: %s", f->diag.where, (int)f->diag.line, f->diag.text);
    f->scratch = sotto_arena_take(&f->arena, sotto_decide_scratch_size(f->plan));
    assert_non_null(f->scratch);
}

static inline void set_tag(fixture *f, const char *id, const char *text)
{
    int index = sotto_dictionary_find(f->dictionary, sotto_span_str(id));
    assert_true(index >= 0);
    assert_int_equal(sotto_tag_parse(sotto_dictionary_at(f->dictionary, (size_t)index), sotto_span_str(text),
                                     TODAY, &f->profile.values[index], NULL),
                     SOTTO_OK);
}

static inline bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

#endif
