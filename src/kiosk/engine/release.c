/* The release in use: the files of one version, loaded beside the old ones and swapped when all of them fit
 * together. */
#include "engine/release.h"

#include "sotto/selftest.h"

#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT  (16u << 20) /* bytes of one file of a release on a terminal */
#define SELFTEST    "selftest.sotto"
#define ARENA_FIXED (512u << 10) /* dictionary, task, profile: small beside model and plan */

/* A release need not have items, segments or values: a policy, a dictionary that wants them is refused
 * without. Nor a self-test: other tools make releases as well. */
enum {
    DICTIONARY,
    CATALOGUE,
    POLICY,
    TASKS,
    TEXTS,
    MODEL = TEXTS,
    NEEDED,
    ITEMS = NEEDED,
    SEGMENTS,
    VALUE,
    CHECK,
    FILES
};
static const char *const TEXT_NAME[FILES] = {"dictionary.json", "catalogue.json", "policy.json",
                                             "tasks.json",      "model.sotto",    "items.sotto",
                                             "segments.sotto",  "value.sotto",    SELFTEST};

/* The bound is a number of the configuration, not what this machine happens to have free: the same release
 * passes or fails on every terminal of a kind. */
static sotto_status take_memory(kiosk_release *r, const sotto_vec *texts, size_t memory_max,
                                enum kiosk_unwell *why, sotto_diag *diag)
{
    const sotto_plan_sources sources = {.catalogue = sotto_vec_span(&texts[CATALOGUE]),
                                        .policy = sotto_vec_span(&texts[POLICY])};
    size_t size = ARENA_FIXED + texts[DICTIONARY].len * 8 + texts[TASKS].len * 16;
    size += sotto_model_arena_bound(r->model_file.len) + sotto_plan_arena_bound(&sources);
    size += sotto_items_arena_bound(r->items_file.len) + sotto_model_tag_arena_bound(r->segments_file.len) +
            sotto_model_tag_arena_bound(r->value_file.len);
    size_t all = size + r->model_file.len + r->items_file.len + r->segments_file.len + r->value_file.len;
    if (all > memory_max) {
        *why = KIOSK_UNWELL_MEMORY;
        return sotto_diag_set(
            diag, SOTTO_ERR(KIOSK, NO_SPACE),
            "it needs %zu KiB of memory, at most %zu are for a release (release_memory_kib)", all >> 10,
            memory_max >> 10);
    }
    r->memory = malloc(size);
    if (r->memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "no memory for the release");
    sotto_arena_init(&r->arena, r->memory, size);
    return SOTTO_OK;
}

static sotto_status compile(kiosk_release *r, const sotto_vec *texts, sotto_diag *diag)
{
    sotto_status status = sotto_dictionary_load(&r->dictionary, sotto_vec_span(&texts[DICTIONARY]),
                                                TEXT_NAME[DICTIONARY], &r->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_model_load(&r->model, sotto_vec_span(&r->model_file), &r->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_model_bind(r->model, r->dictionary, diag);
    if (status == SOTTO_OK && r->items_file.len > 0)
        status = sotto_items_load(&r->items, sotto_vec_span(&r->items_file), &r->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_model_tag_load(&r->segments, SOTTO_FROM_SEGMENT, sotto_vec_span(&r->segments_file),
                                      r->dictionary, &r->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_model_tag_load(&r->value, SOTTO_FROM_VALUE, sotto_vec_span(&r->value_file),
                                      r->dictionary, &r->arena, diag);
    const sotto_plan_sources sources = {.dictionary = r->dictionary,
                                        .model = r->model,
                                        .items = r->items,
                                        .catalogue = sotto_vec_span(&texts[CATALOGUE]),
                                        .policy = sotto_vec_span(&texts[POLICY]),
                                        .catalogue_name = TEXT_NAME[CATALOGUE],
                                        .policy_name = TEXT_NAME[POLICY]};
    if (status == SOTTO_OK)
        status = sotto_plan_load(&r->plan, &sources, &r->arena, diag);
    if (status == SOTTO_OK)
        status =
            sotto_tasks_load(&r->tasks, sotto_vec_span(&texts[TASKS]), TEXT_NAME[TASKS], &r->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_profile_init(&r->profile, r->dictionary, &r->arena);
    if (status == SOTTO_OK &&
        (r->scratch = sotto_arena_take(&r->arena, sotto_decide_scratch_size(r->plan))) == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_SPACE),
                                "the release needs more memory than it may have");
    return status;
}

/* ---- the health check ---- */

/* What no self-test is needed for: that an answer to somebody unknown names what there is. */
static bool answer_is_sane(const kiosk_release *r, sotto_selftest_work *work, int64_t now_s)
{
    const sotto_decide_request request = {.now_s = now_s, .offers_max = SOTTO_OFFERS_MAX};
    sotto_decision *d = &work->decision;
    sotto_decide(r->plan, &request, r->scratch, d);
    bool sane = d->offer_count <= SOTTO_OFFERS_MAX && !d->profiled;
    for (size_t i = 0; sane && i < d->offer_count; i++)
        sane = d->offers[i].campaign < sotto_plan_campaigns(r->plan) &&
               d->offers[i].creative < sotto_plan_campaign(r->plan, d->offers[i].campaign)->creative_count;
    return sane;
}

static sotto_status check_health(kiosk_release *r, sotto_span selftest, int64_t now_s, sotto_diag *diag)
{
    const sotto_selftest_release release = {.dictionary = r->dictionary,
                                            .model = r->model,
                                            .plan = r->plan,
                                            .profile = &r->profile,
                                            .scratch = r->scratch};
    sotto_selftest_sum sum;
    sotto_selftest_work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "no memory for the release's self-test");
    sotto_status status = SOTTO_OK;
    if (!answer_is_sane(r, work, now_s))
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, CONFLICT), "its answers name what is not in it");
    if (status == SOTTO_OK && selftest.len > 0)
        status = sotto_selftest_run(selftest, SELFTEST, &release, work, &sum, diag);
    free(work);
    return status;
}

/* From here on the files are known to be what was signed: what goes wrong is the release's doing. */
static sotto_status bring_up(kiosk_release *r, const sotto_vec *texts, const sotto_vec *selftest,
                             size_t memory_max, int64_t now_s, enum kiosk_unwell *why, sotto_diag *diag)
{
    if (diag != NULL) /* what was absent on the way here is no part of a verdict */
        *diag = (sotto_diag){0};
    sotto_status status = take_memory(r, texts, memory_max, why, diag);
    if (status != SOTTO_OK)
        return status;
    *why = KIOSK_UNWELL_LOAD;
    status = compile(r, texts, diag);
    if (status == SOTTO_OK) {
        *why = KIOSK_UNWELL_SELFTEST;
        status = check_health(r, sotto_vec_span(selftest), now_s, diag);
    }
    if (status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NO_MEMORY)
        *why = KIOSK_UNWELL_NONE;
    return status;
}

sotto_status kiosk_release_load(kiosk_release *out, const char *dir, uint64_t version,
                                const sotto_tuf_config *trust, size_t memory_max, enum kiosk_unwell *why,
                                sotto_diag *diag)
{
    *out = (kiosk_release){.version = version};
    *why = KIOSK_UNWELL_NONE;
    sotto_vec texts[FILES];
    for (size_t i = 0; i < FILES; i++)
        sotto_vec_init(&texts[i], FILE_LIMIT);
    sotto_status status = sotto_release_read(dir, version, trust, TEXT_NAME, NEEDED, FILES, texts, diag);
    out->model_file = texts[MODEL];
    out->items_file = texts[ITEMS];
    out->segments_file = texts[SEGMENTS];
    out->value_file = texts[VALUE];
    if (status == SOTTO_OK)
        status = bring_up(out, texts, &texts[CHECK], memory_max, trust->now_s, why, diag);
    sotto_vec_free(&texts[CHECK]);
    for (size_t i = 0; i < TEXTS; i++)
        sotto_vec_free(&texts[i]);
    if (status != SOTTO_OK)
        kiosk_release_free(out);
    return status;
}

void kiosk_release_free(kiosk_release *release)
{
    sotto_vec_free(&release->model_file);
    sotto_vec_free(&release->items_file);
    sotto_vec_free(&release->segments_file);
    sotto_vec_free(&release->value_file);
    free(release->memory);
    *release = (kiosk_release){0};
}

void kiosk_release_derive(kiosk_release *r, int32_t today)
{
    int profiling = sotto_plan_profiling_tag(r->plan);
    sotto_model_tag_derive(&r->segments, profiling, today, &r->profile);
    sotto_model_tag_derive(&r->value, profiling, today, &r->profile);
}
