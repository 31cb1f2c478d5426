/*
 * The five files of a release, read and checked as a terminal does it: the same functions, in the same order,
 * with the same limits. What passes here is taken there. On top stand the checks that need the files of head
 * office: what is counted must exist, may be counted, and must continue what was counted before.
 */
#include "hq_priv.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_FIXED (512u << 10) /* dictionary, task: small beside model and plan */

const char *hq_bundle_name(enum hq_bundle_file file)
{
    static const char *const names[] = {
#define X(name, text) text,
        HQ_BUNDLE_FILES(X)
#undef X
    };
    return file < HQ_BUNDLE_COUNT ? names[file] : "?";
}

static sotto_status read_files(hq_bundle *b, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < HQ_BUNDLE_COUNT && status == SOTTO_OK; i++) {
        sotto_vec_init(&b->file[i], HQ_FILE_LIMIT);
        status = sotto_port_read_file(b->path[i], &b->file[i], diag);
    }
    return status;
}

static sotto_plan_sources sources_of(const hq_bundle *b)
{
    return (sotto_plan_sources){.dictionary = b->dictionary,
                                .model = b->model,
                                .catalogue = sotto_vec_span(&b->file[HQ_BUNDLE_CATALOGUE]),
                                .policy = sotto_vec_span(&b->file[HQ_BUNDLE_POLICY]),
                                .catalogue_name = b->path[HQ_BUNDLE_CATALOGUE],
                                .policy_name = b->path[HQ_BUNDLE_POLICY]};
}

static sotto_status take_memory(hq_bundle *b, sotto_diag *diag)
{
    const sotto_plan_sources sources = sources_of(b);
    size_t size = ARENA_FIXED + b->file[HQ_BUNDLE_DICTIONARY].len * 8 + b->file[HQ_BUNDLE_TASKS].len * 8;
    size += sotto_model_arena_bound(b->file[HQ_BUNDLE_MODEL].len) + sotto_plan_arena_bound(&sources);
    b->memory = malloc(size);
    if (b->memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to check the release");
    sotto_arena_init(&b->arena, b->memory, size);
    return SOTTO_OK;
}

static sotto_status compile(hq_bundle *b, sotto_diag *diag)
{
    const char *const *path = b->path;
    sotto_status status =
        sotto_dictionary_load(&b->dictionary, sotto_vec_span(&b->file[HQ_BUNDLE_DICTIONARY]),
                              path[HQ_BUNDLE_DICTIONARY], &b->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_model_load(&b->model, sotto_vec_span(&b->file[HQ_BUNDLE_MODEL]), &b->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_model_bind(b->model, b->dictionary, diag);
    if (status != SOTTO_OK)
        return hq_in_file(status, path[HQ_BUNDLE_MODEL], diag);
    const sotto_plan_sources sources = sources_of(b);
    status = sotto_plan_load(&b->plan, &sources, &b->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_task_load(&b->task, sotto_vec_span(&b->file[HQ_BUNDLE_TASKS]), path[HQ_BUNDLE_TASKS],
                                 &b->arena, diag);
    return status;
}

/* ---- what only head office checks ---- */

static sotto_status check_campaigns(const hq_bundle *b, sotto_json_node task, sotto_diag *diag)
{
    sotto_json_node campaigns = sotto_json_member(task, "campaigns");
    for (size_t i = 0; i < b->task.campaign_count; i++)
        if (sotto_plan_find(b->plan, sotto_span_str(b->task.campaigns[i])) < 0)
            return sotto_json_bad(sotto_json_at(campaigns, i), diag, SOTTO_ERR(HQ, NOT_FOUND),
                                  "no campaign of the policy has this id");
    return SOTTO_OK;
}

static sotto_status check_choices(const hq_bundle *b, const sotto_tag *tag, sotto_json_node segments,
                                  sotto_diag *diag)
{
    sotto_json_node choices = sotto_json_member(segments, "choices");
    for (size_t i = 0; i < b->task.segment_count; i++)
        if (sotto_tag_choice_find(tag, sotto_span_str(b->task.segments[i])) < 0)
            return sotto_json_bad(sotto_json_at(choices, i), diag, SOTTO_ERR(HQ, NOT_FOUND),
                                  "the tag '%s' has no such choice", tag->id);
    return SOTTO_OK;
}

static sotto_status check_segments(const hq_bundle *b, sotto_json_node task, sotto_diag *diag)
{
    sotto_json_node segments = sotto_json_member(task, "segments");
    sotto_json_node name = sotto_json_member(segments, "tag");
    if (b->task.segment_tag[0] == '\0')
        return SOTTO_OK;
    int index = sotto_dictionary_find(b->dictionary, sotto_span_str(b->task.segment_tag));
    if (index < 0)
        return sotto_json_bad(name, diag, SOTTO_ERR(HQ, NOT_FOUND), "the dictionary has no tag '%s'",
                              b->task.segment_tag);
    const sotto_tag *tag = sotto_dictionary_at(b->dictionary, (size_t)index);
    if (tag->kind != SOTTO_TAG_CHOICE)
        return sotto_json_bad(name, diag, SOTTO_ERR(HQ, CONFLICT), "the tag '%s' is not a choice", tag->id);
    if (!tag->aggregate)
        return sotto_json_bad(name, diag, SOTTO_ERR(HQ, CONFLICT),
                              "the dictionary does not allow the tag '%s' to be counted (\"aggregate\")",
                              tag->id);
    return check_choices(b, tag, segments, diag);
}

/* Parses tasks.json again for the places of its members. */
static sotto_status with_task(const hq_bundle *b,
                              sotto_status (*check)(const hq_bundle *, sotto_json_node, sotto_diag *),
                              sotto_diag *diag)
{
    sotto_json *doc;
    sotto_status status =
        sotto_json_parse(&doc, sotto_vec_span(&b->file[HQ_BUNDLE_TASKS]), b->path[HQ_BUNDLE_TASKS], diag);
    if (status != SOTTO_OK)
        return status;
    status = check(b, sotto_json_at(sotto_json_member(sotto_json_root(doc), "tasks"), 0), diag);
    sotto_json_free(doc);
    return status;
}

sotto_status hq_bundle_load(hq_bundle *out, const char *const path[static HQ_BUNDLE_COUNT], sotto_diag *diag)
{
    *out = (hq_bundle){0};
    memcpy(out->path, path, sizeof out->path);
    sotto_status status = read_files(out, diag);
    if (status == SOTTO_OK)
        status = take_memory(out, diag);
    if (status == SOTTO_OK)
        status = compile(out, diag);
    if (status == SOTTO_OK)
        status = with_task(out, check_campaigns, diag);
    if (status == SOTTO_OK)
        status = with_task(out, check_segments, diag);
    if (status != SOTTO_OK)
        hq_bundle_free(out);
    return status;
}

void hq_bundle_free(hq_bundle *bundle)
{
    for (size_t i = 0; i < HQ_BUNDLE_COUNT; i++)
        sotto_vec_free(&bundle->file[i]);
    free(bundle->memory);
    *bundle = (hq_bundle){0};
}

/* ---- continuing what was counted ---- */

static bool same_segments(const sotto_task *a, const sotto_task *b)
{
    if (strcmp(a->segment_tag, b->segment_tag) != 0 || a->segment_count != b->segment_count)
        return false;
    for (size_t i = 0; i < a->segment_count; i++)
        if (strcmp(a->segments[i], b->segments[i]) != 0)
            return false;
    return true;
}

static bool continues(const sotto_task *task, const sotto_task *earlier)
{
    if (!same_segments(task, earlier) || task->period_days != earlier->period_days ||
        task->campaign_count < earlier->campaign_count)
        return false;
    for (size_t i = 0; i < earlier->campaign_count; i++)
        if (strcmp(task->campaigns[i], earlier->campaigns[i]) != 0)
            return false;
    return true;
}

sotto_status hq_bundle_follows(const hq_bundle *bundle, sotto_span earlier_tasks, bool *same_id,
                               sotto_diag *diag)
{
    *same_id = false;
    size_t size = ARENA_FIXED + earlier_tasks.len * 8;
    void *memory = malloc(size);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY),
                              "no memory for the tasks of the release before");
    sotto_arena arena;
    sotto_arena_init(&arena, memory, size);
    sotto_task earlier;
    sotto_status status = sotto_task_load(&earlier, earlier_tasks, "tasks of a release before", &arena, diag);
    *same_id = status == SOTTO_OK && earlier.id == bundle->task.id;
    if (*same_id && !continues(&bundle->task, &earlier))
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), bundle->path[HQ_BUNDLE_TASKS], 0,
                               "task %u had other campaigns, segments or periods in a release before: only "
                               "append campaigns, or give it a new id",
                               (unsigned)earlier.id);
    free(memory);
    return status;
}
