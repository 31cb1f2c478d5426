/* A bundle: the files of a release, loaded as a terminal loads them. One thread an object. */
#ifndef SOTTO_HQ_RELEASE_BUNDLE_H
#define SOTTO_HQ_RELEASE_BUNDLE_H

#include "sotto/base.h"
#include "sotto/decide.h"
#include "sotto/model.h"
#include "sotto/model_tag.h"
#include "sotto/privacy.h"
#include "sotto/tags.h"

#define HQ_FILE_LIMIT (16u << 20) /* bytes of one file of a release: what a terminal takes */

/* X(NAME, "target's name") - the files of a release, in the order in which they are loaded. From ITEMS on
 * they may be absent (path NULL, file empty). SELFTEST has no path: it is made from the others. */
#define HQ_BUNDLE_FILES(X)                                                                                   \
    X(DICTIONARY, "dictionary.json")                                                                         \
    X(MODEL, "model.sotto")                                                                                  \
    X(CATALOGUE, "catalogue.json")                                                                           \
    X(POLICY, "policy.json")                                                                                 \
    X(TASKS, "tasks.json")                                                                                   \
    X(ITEMS, "items.sotto")                                                                                  \
    X(SEGMENTS, "segments.sotto")                                                                            \
    X(VALUE, "value.sotto")                                                                                  \
    X(SELFTEST, "selftest.sotto")
enum hq_bundle_file {
#define X(name, text) HQ_BUNDLE_##name,
    HQ_BUNDLE_FILES(X)
#undef X
        HQ_BUNDLE_COUNT,
    HQ_BUNDLE_NEEDED = HQ_BUNDLE_ITEMS /* those before it every release has */
};
const char *hq_bundle_name(enum hq_bundle_file file);

typedef struct hq_bundle {
    const char *path[HQ_BUNDLE_COUNT]; /* as given; for messages */
    sotto_vec file[HQ_BUNDLE_COUNT];
    void *memory; /* of arena */
    sotto_arena arena;
    sotto_dictionary *dictionary;
    const sotto_model *model;
    const sotto_items *items; /* NULL: none */
    sotto_model_tag segments, value;
    const sotto_plan *plan;
    sotto_tasks tasks;
} hq_bundle;
/* Reads and checks the files exactly as a terminal will, and what a terminal cannot check: that what is
 * counted exists and may be counted. Errors name the given path, the member and the line. On failure *out is
 * empty. */
SOTTO_MUST_USE sotto_status hq_bundle_load(hq_bundle *out, const char *const path[static HQ_BUNDLE_COUNT],
                                           sotto_diag *diag);
/* Whether earlier_tasks use the same id. CONFLICT when they do, for cells that the bundle's tasks do not
 * continue (docs/formats/tasks.md). */
SOTTO_MUST_USE sotto_status hq_bundle_follows(const hq_bundle *bundle, sotto_span earlier_tasks,
                                              bool *same_id, sotto_diag *diag);
void hq_bundle_free(hq_bundle *bundle);

#endif
