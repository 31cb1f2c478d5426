/*
 * The files of a release, read and checked as a terminal does it: the same functions, in the same order,
 * with the same limits. What passes here is taken there. On top stand the checks that need the files of head
 * office: what is counted must exist, may be counted, and must continue what was counted before.
 */
#include "release/bundle.h"
#include "office/args.h"
#include "office/day.h"

#include "sotto/selftest.h"
#include "sotto/split.h"

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
        if (b->path[i] != NULL)
            status = sotto_port_read_file(b->path[i], &b->file[i], diag);
    }
    return status;
}

static sotto_plan_sources sources_of(const hq_bundle *b)
{
    return (sotto_plan_sources){.dictionary = b->dictionary,
                                .model = b->model,
                                .items = b->items,
                                .catalogue = sotto_vec_span(&b->file[HQ_BUNDLE_CATALOGUE]),
                                .policy = sotto_vec_span(&b->file[HQ_BUNDLE_POLICY]),
                                .catalogue_name = b->path[HQ_BUNDLE_CATALOGUE],
                                .policy_name = b->path[HQ_BUNDLE_POLICY]};
}

static sotto_status take_memory(hq_bundle *b, sotto_diag *diag)
{
    const sotto_plan_sources sources = sources_of(b);
    size_t size = ARENA_FIXED + b->file[HQ_BUNDLE_DICTIONARY].len * 8 + b->file[HQ_BUNDLE_TASKS].len * 16;
    size += sotto_model_arena_bound(b->file[HQ_BUNDLE_MODEL].len) + sotto_plan_arena_bound(&sources);
    size += sotto_items_arena_bound(b->file[HQ_BUNDLE_ITEMS].len);
    size += sotto_model_tag_arena_bound(b->file[HQ_BUNDLE_SEGMENTS].len);
    size += sotto_model_tag_arena_bound(b->file[HQ_BUNDLE_VALUE].len);
    b->memory = malloc(size);
    if (b->memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to check the release");
    sotto_arena_init(&b->arena, b->memory, size);
    return SOTTO_OK;
}

static sotto_status load_tag(hq_bundle *b, sotto_model_tag *out, enum sotto_tag_from from,
                             enum hq_bundle_file file, sotto_diag *diag)
{
    sotto_status status =
        sotto_model_tag_load(out, from, sotto_vec_span(&b->file[file]), b->dictionary, &b->arena, diag);
    return hq_in_file(status, b->path[b->path[file] != NULL ? file : HQ_BUNDLE_DICTIONARY], diag);
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
    if (path[HQ_BUNDLE_ITEMS] != NULL)
        status = sotto_items_load(&b->items, sotto_vec_span(&b->file[HQ_BUNDLE_ITEMS]), &b->arena, diag);
    if (status != SOTTO_OK)
        return hq_in_file(status, path[HQ_BUNDLE_ITEMS], diag);
    status = load_tag(b, &b->segments, SOTTO_FROM_SEGMENT, HQ_BUNDLE_SEGMENTS, diag);
    if (status == SOTTO_OK)
        status = load_tag(b, &b->value, SOTTO_FROM_VALUE, HQ_BUNDLE_VALUE, diag);
    if (status != SOTTO_OK)
        return status;
    const sotto_plan_sources sources = sources_of(b);
    status = sotto_plan_load(&b->plan, &sources, &b->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_tasks_load(&b->tasks, sotto_vec_span(&b->file[HQ_BUNDLE_TASKS]), path[HQ_BUNDLE_TASKS],
                                  &b->arena, diag);
    return status;
}

/* ---- what only head office checks ---- */

static sotto_status check_campaigns(const hq_bundle *b, const sotto_dimension *d, sotto_json_node names,
                                    sotto_diag *diag)
{
    for (size_t i = 0; i < d->named; i++)
        if (sotto_plan_find(b->plan, sotto_span_str(d->names[i])) < 0)
            return sotto_json_bad(sotto_json_at(names, i), diag, SOTTO_ERR(HQ, NOT_FOUND),
                                  "no campaign of the policy has this id");
    return SOTTO_OK;
}

static bool has_arm(const hq_bundle *b, const char *name)
{
    for (size_t c = 0; c < sotto_plan_campaigns(b->plan); c++) {
        const sotto_campaign *campaign = sotto_plan_campaign(b->plan, c);
        for (size_t i = 0; i < campaign->creative_count; i++)
            if (campaign->creatives[i].arm != NULL && strcmp(campaign->creatives[i].arm, name) == 0)
                return true;
    }
    return false;
}

static sotto_status check_arms(const hq_bundle *b, const sotto_dimension *d, sotto_json_node names,
                               sotto_diag *diag)
{
    for (size_t i = 0; i < d->named; i++)
        if (!has_arm(b, d->names[i]))
            return sotto_json_bad(sotto_json_at(names, i), diag, SOTTO_ERR(HQ, NOT_FOUND),
                                  "no creative of the policy has this arm");
    return SOTTO_OK;
}

static bool has_value(const sotto_tag *tag, const char *name)
{
    if (tag->kind == SOTTO_TAG_FLAG)
        return strcmp(name, "0") == 0 || strcmp(name, "1") == 0;
    return sotto_tag_choice_find(tag, sotto_span_str(name)) >= 0;
}

/* By name: choices and flags; by edges: what is a number. */
static sotto_status check_bins(const sotto_dimension *d, const sotto_tag *tag, sotto_json_node place,
                               sotto_json_node names, sotto_diag *diag)
{
    bool named = tag->kind == SOTTO_TAG_CHOICE || tag->kind == SOTTO_TAG_FLAG;
    bool number = tag->kind == SOTTO_TAG_COUNT || tag->kind == SOTTO_TAG_AMOUNT;
    if (d->names != NULL ? !named : !number)
        return sotto_json_bad(place, diag, SOTTO_ERR(HQ, CONFLICT),
                              d->names != NULL ? "the tag '%s' is not a choice"
                                               : "the tag '%s' is not a number: edges do not fit it",
                              tag->id);
    for (size_t i = 0; d->names != NULL && i < d->named; i++)
        if (!has_value(tag, d->names[i]))
            return sotto_json_bad(sotto_json_at(names, i), diag, SOTTO_ERR(HQ, NOT_FOUND),
                                  "the tag '%s' has no such choice", tag->id);
    return SOTTO_OK;
}

static sotto_status check_tag(const hq_bundle *b, const sotto_dimension *d, sotto_json_node place,
                              sotto_json_node names, sotto_diag *diag)
{
    int index = sotto_dictionary_find(b->dictionary, sotto_span_str(d->tag));
    if (index < 0)
        return sotto_json_bad(place, diag, SOTTO_ERR(HQ, NOT_FOUND), "the dictionary has no tag '%s'",
                              d->tag);
    const sotto_tag *tag = sotto_dictionary_at(b->dictionary, (size_t)index);
    if (!tag->aggregate)
        return sotto_json_bad(place, diag, SOTTO_ERR(HQ, CONFLICT),
                              "the dictionary does not allow the tag '%s' to be counted (\"aggregate\")",
                              tag->id);
    return check_bins(d, tag, place, names, diag);
}

/* The members as they stand in the file: version 1 names campaigns and segments, version 2 bins. */
static sotto_status check_dimension(const hq_bundle *b, const sotto_dimension *d, sotto_json_node task,
                                    sotto_json_node node, sotto_diag *diag)
{
    bool old = sotto_json_type(node) == SOTTO_JSON_ABSENT;
    sotto_json_node segments = sotto_json_member(task, "segments");
    if (d->kind == SOTTO_DIMENSION_CAMPAIGN)
        return check_campaigns(
            b, d, old ? sotto_json_member(task, "campaigns") : sotto_json_member(node, "bins"), diag);
    if (d->kind == SOTTO_DIMENSION_ARM)
        return check_arms(b, d, sotto_json_member(node, "bins"), diag);
    if (d->kind != SOTTO_DIMENSION_TAG)
        return SOTTO_OK;
    return check_tag(b, d, sotto_json_member(old ? segments : node, "tag"),
                     old ? sotto_json_member(segments, "choices") : sotto_json_member(node, "bins"), diag);
}

static sotto_status check_task(const hq_bundle *b, const sotto_task *task, sotto_json_node node,
                               sotto_diag *diag)
{
    sotto_json_node tables = sotto_json_member(node, "tables");
    sotto_status status = SOTTO_OK;
    for (size_t t = 0; t < task->table_count; t++)
        for (size_t i = 0; i < task->table[t].dimensions && status == SOTTO_OK; i++)
            status = check_dimension(b, &task->table[t].dimension[i], node,
                                     sotto_json_at(sotto_json_at(tables, t), i), diag);
    sotto_split_task split;
    if (status != SOTTO_OK || task->mode != SOTTO_MODE_B)
        return status;
    status = sotto_split_task_of(&split, &b->tasks, task, diag);
    if (status == SOTTO_OK && sotto_split_report_size(&split) > SOTTO_REPORT_MAX)
        status =
            sotto_json_bad(tables, diag, SOTTO_ERR(HQ, RANGE), "the shares of so many cells cannot be sent");
    return status;
}

/* Parses tasks.json again for the places of its members. */
static sotto_status check_tasks(const hq_bundle *b, sotto_diag *diag)
{
    sotto_json *doc;
    sotto_status status =
        sotto_json_parse(&doc, sotto_vec_span(&b->file[HQ_BUNDLE_TASKS]), b->path[HQ_BUNDLE_TASKS], diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node tasks = sotto_json_member(sotto_json_root(doc), "tasks");
    for (size_t i = 0; i < b->tasks.count && status == SOTTO_OK; i++)
        status = check_task(b, &b->tasks.task[i], sotto_json_at(tasks, i), diag);
    sotto_json_free(doc);
    return status;
}

/* ---- the self-test ---- */

static sotto_status make_selftest(hq_bundle *b, sotto_profile *profile, sotto_selftest_work *work,
                                  sotto_diag *diag)
{
    sotto_vec *file = &b->file[HQ_BUNDLE_SELFTEST];
    sotto_status status = sotto_profile_init(profile, b->dictionary, &b->arena);
    const sotto_selftest_release release = {
        .dictionary = b->dictionary,
        .model = b->model,
        .plan = b->plan,
        .profile = profile,
        .scratch = sotto_arena_take(&b->arena, sotto_decide_scratch_size(b->plan))};
    uint8_t *memory = malloc(SOTTO_SELFTEST_MAX);
    if (memory == NULL || release.scratch == NULL || status != SOTTO_OK) {
        free(memory);
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the self-test of the release");
    }
    sotto_selftest_sum sum;
    sotto_buf out = sotto_buf_of(memory, SOTTO_SELFTEST_MAX);
    status = sotto_selftest_make(&release, hq_now(), work, &out, diag);
    if (status == SOTTO_OK) /* as terminals will */
        status = sotto_selftest_run(sotto_buf_span(&out), hq_bundle_name(HQ_BUNDLE_SELFTEST), &release, work,
                                    &sum, diag);
    if (status == SOTTO_OK)
        status = sotto_vec_put(file, out.ptr, out.len);
    free(memory);
    return status;
}

static sotto_status add_selftest(hq_bundle *b, sotto_diag *diag)
{
    sotto_profile profile;
    sotto_selftest_work *work = malloc(sizeof *work);
    if (work == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the self-test of the release");
    sotto_status status = make_selftest(b, &profile, work, diag);
    free(work);
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
        status = check_tasks(out, diag);
    if (status == SOTTO_OK)
        status = add_selftest(out, diag);
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

sotto_status hq_bundle_follows(const hq_bundle *bundle, sotto_span earlier_tasks, bool *same_id,
                               sotto_diag *diag)
{
    *same_id = false;
    size_t size = ARENA_FIXED + earlier_tasks.len * 16;
    void *memory = malloc(size);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY),
                              "no memory for the tasks of the release before");
    sotto_arena arena;
    sotto_arena_init(&arena, memory, size);
    sotto_tasks earlier;
    sotto_status status =
        sotto_tasks_load(&earlier, earlier_tasks, "tasks of a release before", &arena, diag);
    for (size_t i = 0; i < earlier.count && status == SOTTO_OK; i++) {
        const sotto_task *task = sotto_tasks_find(&bundle->tasks, earlier.task[i].id);
        *same_id = *same_id || task != NULL;
        if (task != NULL && !sotto_task_continues(task, &earlier.task[i]))
            status =
                sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), bundle->path[HQ_BUNDLE_TASKS], 0,
                              "task %u had other campaigns, segments or periods in a release before: only "
                              "append campaigns, or give it a new id",
                              (unsigned)task->id);
    }
    free(memory);
    return status;
}
