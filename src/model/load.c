/* Loading: HEAD, FEAT, THRS, PROV, and the order of the whole. docs/formats/model.md. */
#include "model_priv.h"

#include <assert.h>
#include <string.h>

enum { FILE_ALIGN = 16 };
static const int32_t KEY_MAX = 0x7f800000;            /* of infinity */
static const int64_t BIAS_MAX_Q24 = INT64_C(1) << 40; /* times 2^shift, as the values */

/* What the arrays of a file can hold decides: a feature takes 112 bytes there. */
size_t sotto_model_arena_bound(size_t file_bytes)
{
    size_t features = file_bytes / FEAT_BYTES;
    if (features > SOTTO_MODEL_FEATURES_MAX)
        features = SOTTO_MODEL_FEATURES_MAX;
    return sizeof(sotto_model) + features * (sizeof(sotto_feature) + 2 * sizeof(uint32_t)) +
           2 * sizeof(uint32_t) + SOTTO_MODEL_OUTPUTS_MAX * sizeof(int64_t) + file_bytes + file_bytes / 2 +
           8 * FILE_ALIGN;
}

const sotto_model_info *sotto_model_info_of(const sotto_model *m)
{
    return &m->info;
}

const sotto_feature *sotto_model_feature(const sotto_model *m, size_t index)
{
    assert(index < m->info.features);
    return &m->features[index];
}

sotto_span sotto_model_provenance(const sotto_model *m)
{
    return m->provenance;
}

static sotto_status no_space(const loader *l)
{
    return sotto_diag_set(l->diag, SOTTO_ERR(MODEL, NO_SPACE), "no memory for a model of %zu bytes",
                          l->file.len);
}

/* A name that fills its field or ends in zero bytes; nothing behind the first zero. out has field.len + 1
 * bytes. */
static sotto_status read_name(const loader *l, sotto_span field, char *out)
{
    size_t len = strnlen((const char *)field.ptr, field.len);
    for (size_t i = len; i < field.len; i++)
        if (field.ptr[i] != 0)
            return sotto_model_bad(l, field.ptr + i, SOTTO_ERR(MODEL, MALFORMED),
                                   "bytes behind the end of a name");
    if (!sotto_utf8_valid(sotto_span_of(field.ptr, len), NULL))
        return sotto_model_bad(l, field.ptr, SOTTO_ERR(MODEL, MALFORMED), "a name is not UTF-8");
    memcpy(out, field.ptr, len);
    out[len] = '\0';
    return SOTTO_OK;
}

static sotto_status check_zero(const loader *l, sotto_span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.ptr[i] != 0)
            return sotto_model_bad(l, bytes.ptr + i, SOTTO_ERR(MODEL, MALFORMED),
                                   "a reserved byte is not zero");
    return SOTTO_OK;
}

static sotto_status read_kind(loader *l, sotto_cursor *c)
{
    const uint8_t *at = c->at;
    uint16_t kind = sotto_cursor_u16(c), objective = sotto_cursor_u16(c);
    uint8_t scale = sotto_cursor_u8(c);
    sotto_span reserved = sotto_cursor_bytes(c, 3);
    if (kind != SOTTO_MODEL_SUM && kind != SOTTO_MODEL_CLUSTERS)
        return sotto_model_bad(l, at, SOTTO_ERR(MODEL, UNSUPPORTED), "unknown kind of model: %u",
                               (unsigned)kind);
    if (objective > OBJECTIVE_PROBABILITY || (kind == SOTTO_MODEL_CLUSTERS && objective != OBJECTIVE_MARGIN))
        return sotto_model_bad(l, at + 2, SOTTO_ERR(MODEL, UNSUPPORTED), "unknown objective: %u",
                               (unsigned)objective);
    if (scale > SOTTO_MODEL_SCALE_BITS || scale < SCALE_MIN)
        return sotto_model_bad(l, at + 4, SOTTO_ERR(MODEL, UNSUPPORTED), "unknown scale: %u bits",
                               (unsigned)scale);
    l->model->info.kind = (enum sotto_model_kind)kind;
    l->model->objective = (enum objective)objective;
    l->model->info.link = (enum sotto_model_link)objective;
    l->model->shift = SOTTO_MODEL_SCALE_BITS - scale;
    return check_zero(l, reserved);
}

/* A count that must be in [min, max] and agree with the bytes of a section. */
static sotto_status read_count(const loader *l, sotto_cursor *c, enum section section, size_t item_bytes,
                               size_t min, size_t max, size_t *out)
{
    const uint8_t *at = c->at;
    *out = sotto_cursor_u32(c);
    if (*out < min || *out > max)
        return sotto_model_bad(l, at, SOTTO_ERR(MODEL, RANGE), "a count is %zu, not %zu to %zu", *out, min,
                               max);
    if (l->section[section].len / item_bytes != *out || l->section[section].len % item_bytes != 0)
        return sotto_model_bad(l, at, SOTTO_ERR(MODEL, MALFORMED),
                               "a count contradicts the length of its section");
    return SOTTO_OK;
}

static sotto_status read_counts(loader *l, sotto_cursor *c)
{
    sotto_model_info *info = &l->model->info;
    size_t least = l->section[SECTION_LINR].ptr != NULL || info->kind == SOTTO_MODEL_CLUSTERS ? 0 : 1;
    sotto_status status =
        read_count(l, c, SECTION_FEAT, FEAT_BYTES, 1, SOTTO_MODEL_FEATURES_MAX, &info->features);
    if (status == SOTTO_OK)
        status = read_count(l, c, SECTION_THRS, sizeof(int32_t), 0, NODES_MAX, &l->model->thresholds_count);
    if (status == SOTTO_OK)
        status = read_count(l, c, SECTION_TREE, sizeof(tree), least, SOTTO_MODEL_TREES_MAX, &info->trees);
    if (status == SOTTO_OK)
        status = read_count(l, c, SECTION_NODE, sizeof(node), least, NODES_MAX, &info->nodes);
    return status;
}

static sotto_status read_amounts(loader *l, sotto_cursor *c)
{
    sotto_model_info *info = &l->model->info;
    const uint8_t *at = c->at;
    info->bias_q24 = sotto_cursor_i64(c);
    info->margin_error_q24 = sotto_cursor_i64(c);
    int64_t bias_max = BIAS_MAX_Q24 << l->model->shift;
    if (info->bias_q24 > bias_max || info->bias_q24 < -bias_max)
        return sotto_model_bad(l, at, SOTTO_ERR(MODEL, RANGE), "the bias is out of range");
    if (info->margin_error_q24 < 0)
        return sotto_model_bad(l, at + 8, SOTTO_ERR(MODEL, RANGE), "the margin's error is negative");
    return SOTTO_OK;
}

static sotto_status read_head(loader *l)
{
    sotto_span head = l->section[SECTION_HEAD];
    sotto_model_info *info = &l->model->info;
    if (head.len != HEAD_BYTES)
        return sotto_model_bad(l, head.ptr, SOTTO_ERR(MODEL, MALFORMED), "HEAD has %zu bytes", head.len);
    sotto_cursor c = sotto_cursor_of(head);
    sotto_status status = read_kind(l, &c);
    if (status == SOTTO_OK)
        status = read_counts(l, &c);
    if (status == SOTTO_OK)
        status = read_amounts(l, &c);
    if (status != SOTTO_OK)
        return status;
    memcpy(info->source_sha256, sotto_cursor_bytes(&c, sizeof info->source_sha256).ptr,
           sizeof info->source_sha256);
    status = read_name(l, sotto_cursor_bytes(&c, sizeof info->name - 1), info->name);
    if (status == SOTTO_OK)
        status = check_zero(l, sotto_cursor_bytes(&c, sotto_cursor_left(&c)));
    return status;
}

static bool argument_fits(const sotto_feature *f)
{
    if (f->transform == SOTTO_TRANSFORM_IS)
        return f->argument >= 0 && f->argument < SOTTO_TAG_CHOICES_MAX;
    if (f->transform == SOTTO_TRANSFORM_CHANGE)
        return f->argument > 0 && f->argument <= UINT16_MAX && f->argument != f->tag_number;
    return f->argument == 0;
}

/* Which fields of a feature may be set follows from its source and transform. */
static bool feature_fits(const sotto_feature *f)
{
    bool tag = f->source == SOTTO_SOURCE_TAG, product = f->source == SOTTO_SOURCE_PRODUCT;
    bool time = f->source == SOTTO_SOURCE_TIME;
    if (f->name[0] == '\0' || (f->tag_number != 0) != tag || (f->attribute[0] != '\0') != (product || time))
        return false;
    if (f->transform != SOTTO_TRANSFORM_VALUE && !tag)
        return false;
    if (!argument_fits(f))
        return false;
    return !time || strcmp(f->attribute, "hour") == 0 || strcmp(f->attribute, "weekday") == 0;
}

static sotto_status read_feature(loader *l, sotto_cursor *c, sotto_feature *f)
{
    const uint8_t *at = c->at;
    uint8_t source = sotto_cursor_u8(c), transform = sotto_cursor_u8(c);
    f->tag_number = sotto_cursor_u16(c);
    f->argument = sotto_cursor_i32(c);
    f->bins = sotto_cursor_u32(c);
    uint8_t kind = sotto_cursor_u8(c);
    sotto_span reserved = sotto_cursor_bytes(c, 3);
    if (kind > SOTTO_FEATURE_CATEGORY_CUT)
        return sotto_model_bad(l, at + 12, SOTTO_ERR(MODEL, UNSUPPORTED), "unknown kind of a feature");
    if (source > SOTTO_SOURCE_TIME || transform > SOTTO_TRANSFORM_CHANGE)
        return sotto_model_bad(l, at, SOTTO_ERR(MODEL, UNSUPPORTED),
                               "unknown source or transform of a feature");
    if (f->bins > BINS_MAX)
        return sotto_model_bad(l, at + 8, SOTTO_ERR(MODEL, RANGE), "a feature with %u thresholds",
                               (unsigned)f->bins);
    f->source = (enum sotto_feature_source)source;
    f->transform = (enum sotto_feature_transform)transform;
    f->kind = (enum sotto_feature_kind)kind;
    sotto_status status = check_zero(l, reserved);
    if (status == SOTTO_OK)
        status = read_name(l, sotto_cursor_bytes(c, sizeof f->name - 1), f->name);
    if (status == SOTTO_OK)
        status = read_name(l, sotto_cursor_bytes(c, sizeof f->attribute - 1), f->attribute);
    if (status == SOTTO_OK && !feature_fits(f))
        status =
            sotto_model_bad(l, at, SOTTO_ERR(MODEL, MALFORMED), "a feature's fields contradict each other");
    return status;
}

/* Names are few (at most 1,024) and this runs once a load: comparing each with each costs below a
 * millisecond. */
static bool name_taken(const sotto_feature *features, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(features[i].name, name) == 0)
            return true;
    return false;
}

static sotto_status read_features(loader *l)
{
    size_t n = l->model->info.features;
    sotto_feature *features = sotto_arena_array(l->arena, n, sizeof *features);
    uint32_t *first = sotto_arena_array(l->arena, n + 1, sizeof *first);
    uint32_t *first_set = sotto_arena_array(l->arena, n + 1, sizeof *first_set);
    if (features == NULL || first == NULL || first_set == NULL)
        return no_space(l);
    sotto_cursor c = sotto_cursor_of(l->section[SECTION_FEAT]);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *at = c.at;
        sotto_status status = read_feature(l, &c, &features[i]);
        if (status != SOTTO_OK)
            return status;
        if (name_taken(features, i, features[i].name))
            return sotto_model_bad(l, at + 16, SOTTO_ERR(MODEL, MALFORMED), "two features of one name");
        bool category = is_category(&features[i]);
        first[i + 1] = first[i] + (category ? 0 : features[i].bins); /* 1,024 x 65,534 fits */
        first_set[i + 1] = first_set[i] + (category ? features[i].bins : 0);
        l->model->info.has_categories |= category;
        l->model->plain &= features[i].kind == SOTTO_FEATURE_NUMBER;
    }
    if (first[n] != l->model->thresholds_count)
        return sotto_model_bad(l, l->section[SECTION_FEAT].ptr, SOTTO_ERR(MODEL, MALFORMED),
                               "the features' thresholds are not as many as HEAD says");
    l->model->features = features;
    l->model->first_threshold = first;
    l->model->first_set = first_set;
    return SOTTO_OK;
}

static sotto_status read_thresholds(loader *l)
{
    sotto_model *m = l->model;
    const int32_t *t = (const int32_t *)(const void *)l->section[SECTION_THRS].ptr;
    for (size_t f = 0; f < m->info.features; f++)
        for (uint32_t i = m->first_threshold[f]; i < m->first_threshold[f + 1]; i++) {
            if (t[i] > KEY_MAX || t[i] < -KEY_MAX)
                return sotto_model_bad(l, &t[i], SOTTO_ERR(MODEL, RANGE), "a threshold is not a number");
            if (i > m->first_threshold[f] && t[i] <= t[i - 1])
                return sotto_model_bad(l, &t[i], SOTTO_ERR(MODEL, MALFORMED), "thresholds do not ascend");
        }
    m->thresholds = t;
    return SOTTO_OK;
}

static sotto_status read_provenance(loader *l)
{
    sotto_span text = l->section[SECTION_PROV];
    if (text.len > PROVENANCE_MAX)
        return sotto_model_bad(l, text.ptr, SOTTO_ERR(MODEL, RANGE), "%zu bytes of provenance", text.len);
    size_t bad;
    if (!sotto_utf8_valid(text, &bad))
        return sotto_model_bad(l, text.ptr + bad, SOTTO_ERR(MODEL, MALFORMED), "provenance is not UTF-8");
    l->model->provenance = text;
    return SOTTO_OK;
}

static sotto_status read_all(loader *l)
{
    sotto_status status = sotto_model_read_frame(l);
    if (status == SOTTO_OK)
        status = read_head(l);
    l->model->plain = l->model->shift == 0;
    if (status == SOTTO_OK)
        status = read_features(l);
    if (status == SOTTO_OK)
        status = read_thresholds(l);
    if (status == SOTTO_OK)
        status = sotto_model_read_wide(l);
    if (status == SOTTO_OK)
        status = sotto_model_read_sets(l);
    if (status == SOTTO_OK)
        status = sotto_model_read_outputs(l);
    if (status == SOTTO_OK)
        status = sotto_model_read_calibration(l);
    if (status == SOTTO_OK)
        status = sotto_model_read_terms(l);
    if (status == SOTTO_OK)
        status = sotto_model_read_forest(l);
    if (status == SOTTO_OK)
        status = sotto_model_read_clusters(l);
    if (status == SOTTO_OK)
        status = read_provenance(l);
    return status;
}

/* Scoring reads nodes where they stand in the file; only a file at an odd address (inside another one) is
 * copied. */
static bool place_file(loader *l)
{
    static const uint8_t NOTHING[1];
    if (l->file.len == 0)
        l->file.ptr = NOTHING; /* NULL is not for pointer arithmetic */
    if (l->file.len == 0 || (uintptr_t)l->file.ptr % sizeof(node) == 0)
        return true;
    uint8_t *copy = sotto_arena_take(l->arena, l->file.len);
    if (copy == NULL)
        return false;
    memcpy(copy, l->file.ptr, l->file.len);
    l->file.ptr = copy;
    return true;
}

sotto_status sotto_model_load(const sotto_model **out, sotto_span file, sotto_arena *arena, sotto_diag *diag)
{
    *out = NULL;
    size_t mark = sotto_arena_mark(arena);
    loader l = {.file = file, .arena = arena, .diag = diag};
    l.model = sotto_arena_take(arena, sizeof *l.model);
    sotto_status status = l.model != NULL && place_file(&l) ? read_all(&l) : no_space(&l);
    if (status != SOTTO_OK) {
        sotto_arena_reset(arena, mark);
        return status;
    }
    sotto_model_slot(l.model);
    sotto_model_pack(l.model, arena);
    l.model->info.bytes = file.len;
    l.model->info.arena_bytes = sotto_arena_mark(arena) - mark;
    *out = l.model;
    return SOTTO_OK;
}
