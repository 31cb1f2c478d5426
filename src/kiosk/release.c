/* The release in use: the files of one version, loaded beside the old ones and swapped when all of them fit
 * together. */
#include "kiosk_priv.h"

#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT  (16u << 20)  /* bytes of one file of a release on a terminal */
#define ARENA_FIXED (512u << 10) /* dictionary, task, profile: small beside model and plan */

enum { DICTIONARY, CATALOGUE, POLICY, TASKS, TEXTS, MODEL = TEXTS, FILES };
static const char *const TEXT_NAME[FILES] = {"dictionary.json", "catalogue.json", "policy.json", "tasks.json",
                                             "model.sotto"};

static sotto_status take_memory(kiosk_release *r, const sotto_vec *texts)
{
    const sotto_plan_sources sources = {.catalogue = sotto_vec_span(&texts[CATALOGUE]),
                                        .policy = sotto_vec_span(&texts[POLICY])};
    size_t size = ARENA_FIXED + texts[DICTIONARY].len * 8 + texts[TASKS].len * 16;
    size += sotto_model_arena_bound(r->model_file.len) + sotto_plan_arena_bound(&sources);
    size += sotto_items_arena_bound(r->items_file.len);
    r->memory = malloc(size);
    if (r->memory == NULL)
        return SOTTO_ERR(KIOSK, NO_MEMORY);
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

/* A release need not have items. A policy that wants them is refused without them, so a file that went
 * missing changes no answer unseen. */
static sotto_status read_items(kiosk_release *r, const char *dir, uint64_t version,
                               const sotto_tuf_config *trust, sotto_diag *diag)
{
    static const char *const NAME[] = {"items.sotto"};
    sotto_diag own = {0};
    sotto_vec_init(&r->items_file, FILE_LIMIT);
    sotto_status status = sotto_release_read(dir, version, trust, NAME, 1, &r->items_file, &own);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK;
    if (status != SOTTO_OK && diag != NULL)
        *diag = own;
    return status;
}

sotto_status kiosk_release_load(kiosk_release *out, const char *dir, uint64_t version,
                                const sotto_tuf_config *trust, sotto_diag *diag)
{
    *out = (kiosk_release){.version = version};
    sotto_vec texts[FILES];
    for (size_t i = 0; i < FILES; i++)
        sotto_vec_init(&texts[i], FILE_LIMIT);
    sotto_status status = sotto_release_read(dir, version, trust, TEXT_NAME, FILES, texts, diag);
    out->model_file = texts[MODEL];
    if (status == SOTTO_OK)
        status = read_items(out, dir, version, trust, diag);
    if (status == SOTTO_OK)
        status = take_memory(out, texts);
    if (status == SOTTO_OK)
        status = compile(out, texts, diag);
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
    free(release->memory);
    *release = (kiosk_release){0};
}
