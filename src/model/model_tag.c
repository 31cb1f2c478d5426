/* What a model of the release says of a customer, as a tag: the nearest group, the expected value. */
#include "sotto/model_tag.h"

#include "model_priv.h"

#include <assert.h>
#include <string.h>

enum { KEY_BYTES = (int)sizeof(int32_t) };

/* A feature takes more than eight bytes of a file: keys fit into as much as the file. */
size_t sotto_model_tag_arena_bound(size_t file_bytes)
{
    return file_bytes == 0 ? 0 : sotto_model_arena_bound(file_bytes) + file_bytes + 64;
}

static int tag_of(const sotto_dictionary *d, enum sotto_tag_from from)
{
    for (size_t i = 0; i < sotto_dictionary_count(d); i++)
        if (sotto_dictionary_at(d, i)->from == from)
            return (int)i;
    return -1;
}

static const char *file_of(enum sotto_tag_from from)
{
    return from == SOTTO_FROM_SEGMENT ? "segments.sotto" : "value.sotto";
}

static sotto_status conflict(sotto_diag *diag, const char *text, const char *name)
{
    return sotto_diag_set(diag, SOTTO_ERR(MODEL, CONFLICT), text, name);
}

/* Models' tags are derived in the order of their `from`: one may rest on those before it only. */
static sotto_status check_features(const sotto_model *m, const sotto_dictionary *d, const sotto_tag *tag,
                                   sotto_diag *diag)
{
    for (size_t i = 0; i < m->info.features; i++) {
        const sotto_feature *f = &m->features[i];
        if (f->source != SOTTO_SOURCE_TAG)
            return conflict(diag, "the feature '%s' of a model that makes a tag is no tag's", f->name);
        for (size_t k = 0; k < sotto_dictionary_count(d); k++) {
            const sotto_tag *read = sotto_dictionary_at(d, k);
            if (sotto_feature_reads(f, read->number) && read->from >= tag->from)
                return conflict(diag, "a model cannot rest on the tag '%s', which is not made before its own",
                                read->id);
        }
    }
    return SOTTO_OK;
}

static sotto_status check_segments(const sotto_model *m, const sotto_tag *tag, sotto_diag *diag)
{
    if (m->info.clusters == 0)
        return conflict(diag, "the segments of the tag '%s' are not a model of clusters", tag->id);
    if (m->info.clusters > tag->choice_count)
        return conflict(diag, "there are more segments than choices of the tag '%s'", tag->id);
    return SOTTO_OK;
}

static sotto_status check_value(const sotto_model *m, const sotto_tag *tag, sotto_diag *diag)
{
    enum sotto_model_link link = m->info.link;
    bool amount = link == SOTTO_LINK_IDENTITY || link == SOTTO_LINK_EXP || is_value(m);
    if (m->info.clusters > 0 || !amount)
        return conflict(diag, "the value of the tag '%s' is not a model of amounts or expected values",
                        tag->id);
    return SOTTO_OK;
}

static sotto_status check(const sotto_model *m, const sotto_dictionary *d, int tag, enum sotto_tag_from from,
                          sotto_diag *diag)
{
    if (tag < 0)
        return conflict(diag,
                        from == SOTTO_FROM_SEGMENT
                            ? "there is a file %s and no tag of the dictionary is \"from\": \"segment\""
                            : "there is a file %s and no tag of the dictionary is \"from\": \"value\"",
                        file_of(from));
    const sotto_tag *t = sotto_dictionary_at(d, (size_t)tag);
    sotto_status status = from == SOTTO_FROM_SEGMENT ? check_segments(m, t, diag) : check_value(m, t, diag);
    if (status == SOTTO_OK)
        status = check_features(m, d, t, diag);
    return status == SOTTO_OK ? sotto_model_bind_features(m, d, diag) : status;
}

static sotto_status load(sotto_model_tag *out, enum sotto_tag_from from, sotto_span file,
                         const sotto_dictionary *d, sotto_arena *arena, sotto_diag *diag)
{
    sotto_status status = sotto_model_load(&out->model, file, arena, diag);
    if (status == SOTTO_OK)
        status = check(out->model, d, out->tag, from, diag);
    if (status != SOTTO_OK)
        return status;
    out->keys = sotto_arena_array(arena, out->model->info.features, KEY_BYTES);
    return out->keys != NULL ? SOTTO_OK
                             : sotto_diag_set(diag, SOTTO_ERR(MODEL, NO_SPACE),
                                              "the memory given for %s is too small", file_of(from));
}

sotto_status sotto_model_tag_load(sotto_model_tag *out, enum sotto_tag_from from, sotto_span file,
                                  const sotto_dictionary *d, sotto_arena *arena, sotto_diag *diag)
{
    size_t mark = sotto_arena_mark(arena);
    sotto_status status = SOTTO_OK;
    assert(from == SOTTO_FROM_SEGMENT || from == SOTTO_FROM_VALUE);
    *out = (sotto_model_tag){.tag = tag_of(d, from)};
    if (file.len > 0)
        status = load(out, from, file, d, arena, diag);
    else if (out->tag >= 0)
        status = sotto_diag_set(diag, SOTTO_ERR(MODEL, CONFLICT),
                                "the tag '%s' comes from a model and the release has no %s",
                                sotto_dictionary_at(d, (size_t)out->tag)->id, file_of(from));
    if (status != SOTTO_OK) {
        sotto_arena_reset(arena, mark);
        *out = (sotto_model_tag){.tag = -1};
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

static bool any_known(const sotto_model_tag *t)
{
    for (size_t i = 0; i < t->model->info.features; i++)
        if (t->keys[i] != SOTTO_FLOAT_KEY_MISSING)
            return true;
    return false;
}

/* |amount| <= 2^52 and decimals <= 6: what comes out is below 2^28 x 10^6 < 2^48. */
static int64_t in_units(int64_t amount_q24, unsigned decimals)
{
    int64_t scale = 1, num = 0;
    for (unsigned i = 0; i < decimals; i++)
        scale *= 10;
    sotto_status status = sotto_fixed_mul_div(amount_q24, scale, INT64_C(1) << SOTTO_MODEL_SCALE_BITS, &num);
    assert(status == SOTTO_OK);
    (void)status;
    return num;
}

static int64_t answer(const sotto_model_tag *t, const sotto_tag *tag)
{
    uint32_t cluster = 0;
    if (tag->from == SOTTO_FROM_VALUE)
        return in_units(sotto_model_amount_q24(t->model, sotto_model_margin_q24(t->model, t->keys)),
                        tag->decimals);
    sotto_model_leaves(t->model, t->keys, &cluster);
    return cluster;
}

void sotto_model_tag_derive(const sotto_model_tag *t, int profiling_tag, int32_t today,
                            sotto_profile *profile)
{
    const sotto_model_moment moment = {.today = today};
    if (t->model == NULL)
        return;
    profile->values[t->tag] = (sotto_tag_value){.present = false};
    if (!agrees(profiling_tag, today, profile))
        return;
    sotto_model_customer_keys(t->model, profile, &moment, t->keys);
    if (!any_known(t))
        return;
    const sotto_tag *tag = sotto_dictionary_at(profile->dictionary, (size_t)t->tag);
    profile->values[t->tag] = (sotto_tag_value){.present = true, .set_day = today, .num = answer(t, tag)};
}
