/* The nearest of a release's customer groups, as a tag. */
#include "sotto/segments.h"

#include <string.h>

enum { KEY_BYTES = (int)sizeof(int32_t) };

/* A feature takes more than eight bytes of a file: keys fit into as much as the file. */
size_t sotto_segments_arena_bound(size_t file_bytes)
{
    return file_bytes == 0 ? 0 : sotto_model_arena_bound(file_bytes) + file_bytes + 64;
}

static int tag_of(const sotto_dictionary *d)
{
    for (size_t i = 0; i < sotto_dictionary_count(d); i++)
        if (sotto_dictionary_at(d, i)->from == SOTTO_FROM_SEGMENT)
            return (int)i;
    return -1;
}

static sotto_status conflict(sotto_diag *diag, const char *text, const char *name)
{
    return sotto_diag_set(diag, SOTTO_ERR(MODEL, CONFLICT), text, name);
}

static sotto_status check_features(const sotto_model *m, const sotto_tag *tag, sotto_diag *diag)
{
    for (size_t i = 0; i < sotto_model_info_of(m)->features; i++) {
        const sotto_feature *f = sotto_model_feature(m, i);
        if (f->source != SOTTO_SOURCE_TAG)
            return conflict(diag, "the feature '%s' of the segments is no tag's", f->name);
        if (sotto_feature_reads(f, tag->number))
            return conflict(diag, "the segments cannot follow from their own tag '%s'", tag->id);
    }
    return SOTTO_OK;
}

static sotto_status check(const sotto_model *m, const sotto_dictionary *d, int tag, sotto_diag *diag)
{
    if (tag < 0)
        return conflict(diag, "there is a file of segments and no tag of the dictionary is \"from\": \"%s\"",
                        "segment");
    const sotto_tag *t = sotto_dictionary_at(d, (size_t)tag);
    const sotto_model_info *info = sotto_model_info_of(m);
    if (info->clusters == 0)
        return conflict(diag, "the segments of the tag '%s' are not a model of clusters", t->id);
    if (info->clusters > t->choice_count)
        return conflict(diag, "there are more segments than choices of the tag '%s'", t->id);
    sotto_status status = check_features(m, t, diag);
    return status == SOTTO_OK ? sotto_model_bind(m, d, diag) : status;
}

static sotto_status load(sotto_segments *out, sotto_span file, const sotto_dictionary *d, sotto_arena *arena,
                         sotto_diag *diag)
{
    sotto_status status = sotto_model_load(&out->model, file, arena, diag);
    if (status == SOTTO_OK)
        status = check(out->model, d, out->tag, diag);
    if (status != SOTTO_OK)
        return status;
    out->keys = sotto_arena_array(arena, sotto_model_info_of(out->model)->features, KEY_BYTES);
    return out->keys != NULL ? SOTTO_OK
                             : sotto_diag_set(diag, SOTTO_ERR(MODEL, NO_SPACE),
                                              "the memory given for the segments is too small");
}

sotto_status sotto_segments_load(sotto_segments *out, sotto_span file, const sotto_dictionary *d,
                                 sotto_arena *arena, sotto_diag *diag)
{
    size_t mark = sotto_arena_mark(arena);
    sotto_status status = SOTTO_OK;
    *out = (sotto_segments){.tag = tag_of(d)};
    if (file.len > 0)
        status = load(out, file, d, arena, diag);
    else if (out->tag >= 0)
        status = conflict(diag, "the tag '%s' comes from segments and the release has no segments.sotto",
                          sotto_dictionary_at(d, (size_t)out->tag)->id);
    if (status != SOTTO_OK) {
        sotto_arena_reset(arena, mark);
        *out = (sotto_segments){.tag = -1};
    }
    return status;
}

static bool agrees(int profiling_tag, int32_t today, const sotto_profile *profile)
{
    sotto_tag_value value;
    return profiling_tag >= 0 &&
           sotto_profile_read(profile, (size_t)profiling_tag, SOTTO_PURPOSE_SERVICE, today, &value) &&
           value.num == 1;
}

static bool any_known(const sotto_segments *s)
{
    for (size_t i = 0; i < sotto_model_info_of(s->model)->features; i++)
        if (s->keys[i] != SOTTO_FLOAT_KEY_MISSING)
            return true;
    return false;
}

void sotto_segments_derive(const sotto_segments *s, int profiling_tag, int32_t today, sotto_profile *profile)
{
    const sotto_model_moment moment = {.today = today};
    uint32_t cluster = 0;
    if (s->model == NULL)
        return;
    profile->values[s->tag] = (sotto_tag_value){.present = false};
    if (!agrees(profiling_tag, today, profile))
        return;
    sotto_model_customer_keys(s->model, profile, &moment, s->keys);
    if (!any_known(s))
        return;
    sotto_model_leaves(s->model, s->keys, &cluster);
    profile->values[s->tag] = (sotto_tag_value){.present = true, .set_day = today, .num = cluster};
}
