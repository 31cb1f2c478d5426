/* Any bytes as a policy, or as a catalogue and a policy with a line "---" between them: refused with words
 * and nothing taken, or a plan that decides the same twice and names every exclusion. The memory promised is
 * always enough. */
#include "fuzz.h"

#include <string.h>

#include "sotto/decide.h"

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"age\",\"kind\":\"count\",\"purpose\":[\"marketing\"]},"
    "{\"number\":2,\"id\":\"balance\",\"kind\":\"amount\",\"purpose\":[\"marketing\"],\"decimals\":2},"
    "{\"number\":3,\"id\":\"segment\",\"kind\":\"choice\",\"purpose\":[\"marketing\"],\"choices\":[\"young\","
    "\"old\"]},"
    "{\"number\":4,\"id\":\"consent\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":5,\"id\":\"risk_grade\",\"kind\":\"count\",\"purpose\":[\"service\"]},"
    "{\"number\":6,\"id\":\"has_card\",\"kind\":\"flag\",\"purpose\":[\"marketing\"]},"
    "{\"number\":7,\"id\":\"joined\",\"kind\":\"date\",\"purpose\":[\"marketing\"]}]}";

static const char CATALOGUE[] = "{\"version\":1,\"currency\":\"EUR\",\"products\":["
                                "{\"id\":\"saver\",\"risk\":1,\"value\":\"40.00\"},"
                                "{\"id\":\"fund\",\"risk\":4,\"value\":250.5,\"held_tag\":\"has_card\"}]}";

static const int64_t VALUES[] = {41, 123450, 1, 1, 4, 0, 20000};

static void split(sotto_span all, sotto_plan_sources *sources)
{
    static const char LINE[] = "\n---\n";
    const uint8_t *at = all.len == 0 ? NULL : memmem(all.ptr, all.len, LINE, sizeof LINE - 1);
    sources->catalogue = sotto_span_str(CATALOGUE);
    sources->policy = all;
    if (at == NULL)
        return;
    sources->catalogue = sotto_span_of(all.ptr, (size_t)(at - all.ptr));
    size_t skip = sources->catalogue.len + sizeof LINE - 1;
    sources->policy = sotto_span_of(all.ptr + skip, all.len - skip);
}

static void check_decision(const sotto_plan *plan, const sotto_decide_request *request, void *scratch)
{
    static sotto_decision first, second;
    sotto_decide(plan, request, scratch, &first);
    sotto_decide(plan, request, scratch, &second);
    require(memcmp(&first, &second, sizeof first) == 0);
    size_t excluded = 0, campaigns = sotto_plan_campaigns(plan);
    for (size_t i = 0; i < campaigns; i++)
        excluded += first.excluded[i] != SOTTO_EXCLUDED_NONE;
    require(excluded + first.offer_count == campaigns && first.offer_count <= request->offers_max);
    for (size_t i = 0; i < first.offer_count; i++) {
        const sotto_campaign *c = sotto_plan_campaign(plan, first.offers[i].campaign);
        require(first.offers[i].chance_q30 > 0 && first.offers[i].chance_q30 <= SOTTO_PROB_ONE_Q30);
        require(first.offers[i].creative < c->creative_count);
        require(i == 0 || !c->notice || sotto_plan_campaign(plan, first.offers[i - 1].campaign)->notice);
    }
}

/* The next decision sees what was done with the first offer of this one. */
static void happen(const sotto_plan *plan, const sotto_decide_request *request, sotto_counters *counters,
                   sotto_terminal *terminal, enum sotto_event_kind kind)
{
    if (sotto_plan_campaigns(plan) == 0)
        return;
    const sotto_campaign *c = sotto_plan_campaign(plan, 0);
    int32_t day = (int32_t)(request->now_s / 86400);
    require(sotto_counters_apply(counters, c->number, kind, request->now_s, day) == SOTTO_OK);
    require(sotto_counters_apply_creative(counters, c->number, c->creatives[0].number, request->now_s, day) ==
            SOTTO_OK);
    require(sotto_terminal_apply(terminal, c->number, kind, day) == SOTTO_OK);
}

static void decide(const sotto_plan *plan, const sotto_profile *profile)
{
    static sotto_counters counters;
    static sotto_terminal terminal;
    sotto_counters_clear(&counters);
    sotto_terminal_clear(&terminal);
    size_t size = sotto_decide_scratch_size(plan);
    void *scratch = aligned_alloc(16, (size + 31) & ~(size_t)15);
    require(scratch != NULL);
    for (int64_t i = 0; i < 6; i++) {
        sotto_decide_request request = {.profile = i % 3 == 0 ? NULL : profile,
                                        .now_s = INT64_C(86400) * 20778 + i * 14400,
                                        .counters = &counters,
                                        .terminal = &terminal,
                                        .branch_group = i % 2 == 0 ? NULL : "city",
                                        .terminal_model = i < 2 ? NULL : "m5",
                                        .language = i % 2 == 0 ? NULL : "en",
                                        .arm_key = (uint64_t)i,
                                        .slot = i % 2 == 0 ? NULL : "idle",
                                        .channel = i < 3 ? NULL : "atm",
                                        .offers_max = (size_t)i + 1,
                                        .seed = (uint64_t)i};
        check_decision(plan, &request, scratch);
        happen(plan, &request, &counters, &terminal, (enum sotto_event_kind)(SOTTO_EVENT_SHOWN + i % 3));
    }
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[16384];
    sotto_arena arena;
    sotto_dictionary *d;
    sotto_profile profile;
    sotto_arena_init(&arena, memory, sizeof memory);
    require(sotto_dictionary_load(&d, sotto_span_str(DICTIONARY), "d", &arena, NULL) == SOTTO_OK);
    require(sotto_profile_init(&profile, d, &arena) == SOTTO_OK);
    for (size_t i = 0; i < SOTTO_COUNT(VALUES); i++)
        profile.values[i] = (sotto_tag_value){.present = true, .set_day = 20000, .num = VALUES[i]};
    sotto_plan_sources sources = {
        .dictionary = d, .catalogue_name = "catalogue.json", .policy_name = "policy.json"};
    split(sotto_span_of(data, size), &sources);
    size_t bound = sotto_plan_arena_bound(&sources);
    void *plan_memory = malloc(bound);
    require(plan_memory != NULL);
    sotto_arena_init(&arena, plan_memory, bound);
    const sotto_plan *plan;
    sotto_diag diag = {0};
    sotto_status status = sotto_plan_load(&plan, &sources, &arena, &diag);
    require(status == diag.status && sotto_status_cause(status) != SOTTO_CAUSE_NO_SPACE);
    if (status != SOTTO_OK)
        require(plan == NULL && arena.used == 0 && diag.text[0] != '\0');
    else
        decide(plan, &profile);
    free(plan_memory);
    return 0;
}
