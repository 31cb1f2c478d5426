/*
 * segments: the nearest of a release's customer groups. A part of the model room: a k-means model
 * (docs/formats/kmeans.md) with a recipe of tags, and the one tag of the dictionary that says
 * "from": "segment" (docs/formats/dictionary.md). Integers only, the same group on every CPU; re-entrant but
 * for the keys, which belong to one caller at a time.
 */
#ifndef SOTTO_SEGMENTS_H
#define SOTTO_SEGMENTS_H

#include "sotto/base.h"
#include "sotto/model.h"
#include "sotto/tags.h"

typedef struct sotto_segments {
    const sotto_model *model; /* NULL = the release has none */
    int tag;                  /* index of the tag that says the group */
    int32_t *keys;            /* arena; one a feature */
} sotto_segments;

/* Arena bytes that loading may take for a file of that many bytes. */
size_t sotto_segments_arena_bound(size_t file_bytes);
/* file empty: the release has no groups; then the dictionary must have no tag that comes from them. The file
 * must outlive *out. What sotto_model_load and sotto_model_bind refuse, and CONFLICT: one of file and tag
 * without the other, a model of another kind, more groups than the tag has choices, a feature of a product,
 * of the hour or of the tag itself. *out is empty then and the arena is given back. */
SOTTO_MUST_USE sotto_status sotto_segments_load(sotto_segments *out, sotto_span file,
                                                const sotto_dictionary *d, sotto_arena *arena,
                                                sotto_diag *diag);
/* Sets the tag to the choice whose place is the nearest group's number (the lowest of equals), as of today.
 * Nobody is put into a group without consent: without profiling_tag (an index, or -1) set, or when every tag
 * of the recipe is absent, the tag is absent. Time: groups x features. */
void sotto_segments_derive(const sotto_segments *s, int profiling_tag, int32_t today, sotto_profile *profile);

#endif
