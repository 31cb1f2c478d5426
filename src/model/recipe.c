/* The recipe: from a customer's tags, a product's attributes and the hour to keys. docs/formats/recipe.md. */
#include "model_priv.h"

#include <string.h>

static bool kind_fits(enum sotto_tag_kind kind, enum sotto_feature_transform transform)
{
    switch (transform) {
    case SOTTO_TRANSFORM_VALUE:
        return kind == SOTTO_TAG_FLAG || kind == SOTTO_TAG_COUNT || kind == SOTTO_TAG_AMOUNT;
    case SOTTO_TRANSFORM_CODE:
    case SOTTO_TRANSFORM_IS:
        return kind == SOTTO_TAG_CHOICE;
    case SOTTO_TRANSFORM_AGE_DAYS:
        return kind == SOTTO_TAG_DATE;
    case SOTTO_TRANSFORM_CHANGE:
        return kind == SOTTO_TAG_COUNT || kind == SOTTO_TAG_AMOUNT;
    default:
        return false;
    }
}

bool sotto_feature_reads(const sotto_feature *f, uint16_t tag_number)
{
    return f->source == SOTTO_SOURCE_TAG &&
           (f->tag_number == tag_number ||
            (f->transform == SOTTO_TRANSFORM_CHANGE && f->argument == tag_number));
}

/* One of the tags that a feature reads. */
static sotto_status find_tag(const sotto_feature *f, uint16_t number, const sotto_dictionary *d,
                             const sotto_tag **out, sotto_diag *diag)
{
    int index = sotto_dictionary_find_number(d, number);
    if (index < 0)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, NOT_FOUND),
                              "feature %s needs tag number %u, which the "
                              "dictionary does not have",
                              f->name, (unsigned)number);
    const sotto_tag *tag = *out = sotto_dictionary_at(d, (size_t)index);
    if (!kind_fits(tag->kind, f->transform))
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, CONFLICT),
                              "feature %s cannot be computed from a tag of "
                              "the kind of %s",
                              f->name, tag->id);
    if ((tag->purposes & SOTTO_PURPOSE_MARKETING) == 0)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, CONFLICT),
                              "feature %s uses tag %s, which is not for "
                              "marketing",
                              f->name, tag->id);
    return SOTTO_OK;
}

/* Tags of one unit: a difference needs no rescaling, so it is exact and, of two numbers within 10^18, fits.
 */
static sotto_status check_change(const sotto_feature *f, const sotto_tag *tag, const sotto_dictionary *d,
                                 sotto_diag *diag)
{
    const sotto_tag *other = NULL;
    sotto_status status = find_tag(f, (uint16_t)f->argument, d, &other, diag);
    if (status != SOTTO_OK)
        return status;
    if (other == tag || other->kind != tag->kind || other->decimals != tag->decimals)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, CONFLICT),
                              "feature %s is a change of tag %s against %s: that takes two tags of one kind "
                              "with the same decimals",
                              f->name, tag->id, other->id);
    return SOTTO_OK;
}

sotto_status sotto_feature_check(const sotto_feature *f, const sotto_dictionary *d, sotto_diag *diag)
{
    const sotto_tag *tag = NULL;
    if (f->source == SOTTO_SOURCE_COLUMN)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, UNSUPPORTED),
                              "feature %s is a plain column: the model was compiled without a recipe",
                              f->name);
    if (f->source != SOTTO_SOURCE_TAG)
        return SOTTO_OK;
    sotto_status status = find_tag(f, f->tag_number, d, &tag, diag);
    if (status != SOTTO_OK)
        return status;
    if (f->transform == SOTTO_TRANSFORM_IS && (size_t)f->argument >= tag->choice_count)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, CONFLICT),
                              "feature %s asks for choice %d of tag %s, "
                              "which has %zu",
                              f->name, (int)f->argument, tag->id, tag->choice_count);
    return f->transform == SOTTO_TRANSFORM_CHANGE ? check_change(f, tag, d, diag) : SOTTO_OK;
}

sotto_status sotto_model_bind_features(const sotto_model *m, const sotto_dictionary *d, sotto_diag *diag)
{
    if (m->info.outputs != 1)
        return sotto_diag_set(diag, SOTTO_ERR(MODEL, UNSUPPORTED),
                              "a model of %zu outputs; a terminal asks for one", m->info.outputs);
    for (size_t i = 0; i < m->info.features; i++) {
        sotto_status status = sotto_feature_check(&m->features[i], d, diag);
        if (status != SOTTO_OK)
            return status;
    }
    return SOTTO_OK;
}

sotto_status sotto_model_bind(const sotto_model *m, const sotto_dictionary *d, sotto_diag *diag)
{
    if (is_value(m))
        return sotto_diag_set(
            diag, SOTTO_ERR(MODEL, UNSUPPORTED),
            "a model of expected values; a terminal ranks by propensity times the campaign's "
            "value, and takes expected values as the value.sotto of a release");
    return sotto_model_bind_features(m, d, diag);
}

/* The tag of that number as the profile has it; false: missing. */
static bool read_tag(const sotto_feature *f, uint16_t number, const sotto_profile *profile, int32_t today,
                     const sotto_tag **tag, int64_t *num)
{
    int index = sotto_dictionary_find_number(profile->dictionary, number);
    if (index < 0)
        return false;
    *tag = sotto_dictionary_at(profile->dictionary, (size_t)index);
    sotto_tag_value value;
    if (!kind_fits((*tag)->kind, f->transform) ||
        !sotto_profile_read(profile, (size_t)index, SOTTO_PURPOSE_MARKETING, today, &value))
        return false;
    *num = value.num;
    return true;
}

static bool read_change(const sotto_feature *f, const sotto_profile *profile, int32_t today,
                        const sotto_tag *tag, int64_t *num)
{
    const sotto_tag *other = NULL;
    int64_t before = 0;
    return read_tag(f, (uint16_t)f->argument, profile, today, &other, &before) &&
           other->decimals == tag->decimals && sotto_sub_i64(*num, before, num);
}

bool sotto_feature_tag_number(const sotto_feature *f, const sotto_profile *profile, int32_t today,
                              int64_t *mantissa, unsigned *decimals)
{
    const sotto_tag *tag = NULL;
    int64_t num = 0;
    if (profile == NULL || !read_tag(f, f->tag_number, profile, today, &tag, &num))
        return false;
    if (f->transform == SOTTO_TRANSFORM_CHANGE && !read_change(f, profile, today, tag, &num))
        return false;
    if (f->transform == SOTTO_TRANSFORM_IS)
        num = num == f->argument;
    else if (f->transform == SOTTO_TRANSFORM_AGE_DAYS)
        num = today - num;
    *mantissa = num;
    *decimals = tag->kind == SOTTO_TAG_AMOUNT ? tag->decimals : 0;
    return true;
}

/* Whole numbers and amounts become the float32 nearest to them, as the training table's text would. */
int32_t sotto_feature_tag_key(const sotto_feature *f, const sotto_profile *profile, int32_t today)
{
    int64_t mantissa;
    unsigned decimals;
    return sotto_feature_tag_number(f, profile, today, &mantissa, &decimals)
               ? sotto_fixed_decimal_key(mantissa, decimals)
               : SOTTO_FLOAT_KEY_MISSING;
}

int32_t sotto_model_tag_key(const sotto_model *m, size_t i, const sotto_profile *profile, int32_t today)
{
    int64_t mantissa;
    unsigned decimals;
    return sotto_feature_tag_number(&m->features[i], profile, today, &mantissa, &decimals)
               ? sotto_model_attribute_key(m, i, mantissa, decimals)
               : SOTTO_FLOAT_KEY_MISSING;
}

/* 1970-01-01 was a Thursday, day 3 of a week that starts on Monday. */
static int64_t time_number(const sotto_feature *f, const sotto_model_moment *moment)
{
    if (strcmp(f->attribute, "hour") == 0)
        return moment->minute / 60;
    int64_t days = (int64_t)moment->today + 3;
    return days - 7 * sotto_floor_div_i64(days, 7);
}

void sotto_model_customer_keys(const sotto_model *m, const sotto_profile *profile,
                               const sotto_model_moment *moment, int32_t *keys)
{
    for (size_t i = 0; i < m->info.features; i++) {
        const sotto_feature *f = &m->features[i];
        if (f->source == SOTTO_SOURCE_TAG)
            keys[i] = sotto_model_tag_key(m, i, profile, moment->today);
        else if (f->source == SOTTO_SOURCE_TIME)
            keys[i] = sotto_model_attribute_key(m, i, time_number(f, moment), 0);
        else if (f->source == SOTTO_SOURCE_COLUMN)
            keys[i] = SOTTO_FLOAT_KEY_MISSING;
    }
}

void sotto_model_product_keys(const sotto_model *m, sotto_model_attribute value, void *ctx, int32_t *keys)
{
    for (size_t i = 0; i < m->info.features; i++) {
        const sotto_feature *f = &m->features[i];
        int64_t mantissa = 0;
        unsigned decimals = 0;
        if (f->source != SOTTO_SOURCE_PRODUCT)
            continue;
        keys[i] = value(ctx, f->attribute, &mantissa, &decimals)
                      ? sotto_model_attribute_key(m, i, mantissa, decimals)
                      : SOTTO_FLOAT_KEY_MISSING;
    }
}
