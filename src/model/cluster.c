/* Clusters: the nearest of several centroids, in integers. docs/formats/model.md section 15.
 *
 * A coordinate is within 2^reach, a difference within 2^(reach + 1), its square within 2^(2 reach + 2), and
 * the sum over the features within 2^62: the loader holds reach to that. */
#include "model_priv.h"

enum {
    HEADER_BYTES = 16,
    CLUSTERS_MAX = 4096,
    REACH_MAX = 30,
    SUM_BITS = 62,
    UNIT_MAX = 64,
    SHIFT_MAX = 2048,
    MANTISSA_BITS = 53,
    OFFSET_BITS = 52
};

/* Minus a sum of squares of 2^-unit, in units of 2^-24; held within 2^62. Monotone in sum. */
static int64_t squares_q24(const sotto_model *m, int64_t sum)
{
    int up = SOTTO_MODEL_SCALE_BITS - 2 * m->unit;
    if (up < 0)
        return -up > SUM_BITS ? 0 : -sotto_fixed_round_shift(sum, (unsigned)-up);
    int64_t most = INT64_C(1) << SUM_BITS;
    return up > SUM_BITS || sum > most >> up ? (sum == 0 ? 0 : -most) : -(sum * (INT64_C(1) << up));
}

static int64_t coordinate(const sotto_model *m, size_t f, int32_t key)
{
    const axis *a = &m->axes[f];
    int64_t most = INT64_C(1) << m->reach;
    int64_t v = sotto_model_product_q24(a->mantissa, a->shift, key) - a->offset;
    return v > most ? most : v < -most ? -most : v;
}

/* Squared distance; a missing value is left out of every distance. */
static int64_t square_distance(const sotto_model *m, const int32_t *keys, const int64_t *at, size_t cluster)
{
    const int32_t *c = m->centroids + cluster * m->info.features;
    int64_t sum = 0;
    for (size_t f = 0; f < m->info.features; f++)
        if (keys[f] != SOTTO_FLOAT_KEY_MISSING)
            sum += (at[f] - c[f]) * (at[f] - c[f]);
    return sum;
}

/* Each feature's part is what the margin changes when it joins: so the parts add up, rounding and all. */
static void explain(const sotto_model *m, const int32_t *keys, const int64_t *at, size_t cluster,
                    int64_t *contribution_q24)
{
    const int32_t *c = m->centroids + cluster * m->info.features;
    int64_t sum = 0, before = 0;
    for (size_t f = 0; f < m->info.features; f++) {
        if (keys[f] != SOTTO_FLOAT_KEY_MISSING)
            sum += (at[f] - c[f]) * (at[f] - c[f]);
        int64_t now = squares_q24(m, sum);
        contribution_q24[f] = now - before;
        before = now;
    }
}

size_t sotto_model_nearest(const sotto_model *m, const int32_t *keys, int64_t *margin_q24,
                           int64_t *contribution_q24)
{
    int64_t at[SOTTO_MODEL_FEATURES_MAX];
    int64_t least = INT64_MAX;
    size_t nearest = 0;
    for (size_t f = 0; f < m->info.features; f++)
        at[f] = keys[f] == SOTTO_FLOAT_KEY_MISSING ? 0 : coordinate(m, f, keys[f]);
    for (size_t k = 0; k < m->info.clusters; k++) {
        int64_t d = square_distance(m, keys, at, k);
        nearest = d < least ? k : nearest;
        least = d < least ? d : least;
    }
    if (margin_q24 != NULL)
        *margin_q24 = squares_q24(m, least);
    if (contribution_q24 != NULL)
        explain(m, keys, at, nearest, contribution_q24);
    return nearest;
}

static unsigned bits_of(size_t features)
{
    unsigned n = 0;
    while (((size_t)1 << n) < features)
        n++;
    return n;
}

static sotto_status check_axes(const loader *l)
{
    const sotto_model *m = l->model;
    for (size_t f = 0; f < m->info.features; f++) {
        const axis *a = &m->axes[f];
        uint8_t reserved = 0;
        for (size_t i = 0; i < sizeof a->reserved; i++)
            reserved |= a->reserved[i];
        int64_t most = INT64_C(1) << MANTISSA_BITS, far = INT64_C(1) << OFFSET_BITS;
        if (a->mantissa > most || a->mantissa < -most || a->offset > far || a->offset < -far ||
            a->shift > SHIFT_MAX || a->shift < -SHIFT_MAX)
            return sotto_model_bad(l, a, SOTTO_ERR(MODEL, RANGE), "an axis is out of range");
        if (reserved != 0 || is_category(&m->features[f]))
            return sotto_model_bad(l, a, SOTTO_ERR(MODEL, MALFORMED), "an axis of clusters is not one");
    }
    return SOTTO_OK;
}

static sotto_status check_centroids(const loader *l)
{
    const sotto_model *m = l->model;
    int32_t most = (int32_t)(INT64_C(1) << m->reach);
    for (size_t i = 0; i < m->info.clusters * m->info.features; i++)
        if (m->centroids[i] > most || m->centroids[i] < -most)
            return sotto_model_bad(l, &m->centroids[i], SOTTO_ERR(MODEL, RANGE), "a centroid out of reach");
    return SOTTO_OK;
}

static sotto_status read_header(loader *l, sotto_span s)
{
    sotto_model *m = l->model;
    sotto_cursor c = sotto_cursor_of(s);
    size_t clusters = sotto_cursor_u32(&c);
    int unit = (int32_t)sotto_cursor_u32(&c);
    uint32_t reach = sotto_cursor_u32(&c), reserved = sotto_cursor_u32(&c);
    if (clusters == 0 || clusters > CLUSTERS_MAX || unit > UNIT_MAX || unit < -UNIT_MAX ||
        reach > REACH_MAX || 2 * reach + 2 + bits_of(m->info.features) > SUM_BITS)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, RANGE), "clusters out of range");
    size_t items = m->info.features * (sizeof(axis) + clusters * sizeof(int32_t)); /* below 2^25 */
    if (reserved != 0 || s.len != HEADER_BYTES + items)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED),
                               "CLUS is not as long as its clusters and features say");
    m->unit = unit;
    m->reach = reach;
    m->info.clusters = clusters;
    return SOTTO_OK;
}

sotto_status sotto_model_read_clusters(loader *l)
{
    sotto_model *m = l->model;
    sotto_span s = l->section[SECTION_CLUS];
    bool is_kind = m->info.kind == SOTTO_MODEL_CLUSTERS;
    if ((s.ptr != NULL) != is_kind || (is_kind && (m->info.trees != 0 || m->parts != 1 || m->shift != 0)))
        return sotto_model_bad(l, l->section[SECTION_HEAD].ptr, SOTTO_ERR(MODEL, MALFORMED),
                               "the kind and the sections contradict each other");
    if (!is_kind)
        return SOTTO_OK;
    if (s.len < HEADER_BYTES)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED), "CLUS has %zu bytes", s.len);
    sotto_status status = read_header(l, s);
    if (status != SOTTO_OK)
        return status;
    m->axes = (const axis *)(const void *)(s.ptr + HEADER_BYTES);
    m->centroids = (const int32_t *)(const void *)(m->axes + m->info.features);
    m->plain = false;
    m->info.trees = 1; /* one leaf number: the cluster's */
    m->info.leaves = m->info.clusters;
    m->info.steps_max = m->info.clusters * m->info.features;
    status = check_axes(l);
    return status == SOTTO_OK ? check_centroids(l) : status;
}
