/*
 * model_tag: tags that follow from a model of the release. A part of the model room: a model with a recipe of
 * tags, and the one tag of the dictionary that says "from" it (docs/formats/dictionary.md):
 *   "segment", a choice: the nearest group of a k-means model (docs/formats/kmeans.md), segments.sotto;
 *   "value", an amount: what a model of amounts or of expected values answers, value.sotto.
 * Integers only, the same tag on every CPU; re-entrant but for the keys, which belong to one caller at a
 * time.
 */
#ifndef SOTTO_MODEL_TAG_H
#define SOTTO_MODEL_TAG_H

#include "sotto/base.h"
#include "sotto/model.h"
#include "sotto/tags.h"

typedef struct sotto_model_tag {
    const sotto_model *model; /* NULL = the release has none */
    int tag;                  /* index of the tag that the model says */
    int32_t *keys;            /* arena; one a feature */
} sotto_model_tag;

/* Arena bytes that loading may take for a file of that many bytes. */
size_t sotto_model_tag_arena_bound(size_t file_bytes);
/* from: SOTTO_FROM_SEGMENT or SOTTO_FROM_VALUE. file empty: the release has no such model; then the
 * dictionary must have no tag that comes from it. The file must outlive *out. What sotto_model_load and
 * sotto_model_bind refuse, and CONFLICT: one of file and tag without the other, a model of another kind, more
 * groups than the tag has choices, a feature of a product, of the hour, of the tag itself or of one that is
 * derived after it. *out is empty then and the arena is given back. */
SOTTO_MUST_USE sotto_status sotto_model_tag_load(sotto_model_tag *out, enum sotto_tag_from from,
                                                 sotto_span file, const sotto_dictionary *d,
                                                 sotto_arena *arena, sotto_diag *diag);
/* Sets the tag as of today: the choice whose place is the nearest group's number (the lowest of equals), or
 * the model's answer, rounded to the tag's decimals (to nearest, ties to even). Segment first, then value,
 * which may rest on it. Nobody is judged without consent: without profiling_tag (an index, or -1) set, or
 * when every tag of the recipe is absent, the tag is absent. Time: of one score. */
void sotto_model_tag_derive(const sotto_model_tag *t, int profiling_tag, int32_t today,
                            sotto_profile *profile);

#endif
