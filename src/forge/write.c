/* Writes docs/formats/model.md, and reads it back before anybody else does. */
#include "forge_priv.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MAX = 14, FRAME_BYTES = 32, ENTRY_BYTES = 16, HEAD_BYTES = 176, FEAT_BYTES = 112 };
enum { SECTION_ALIGN = 16, TRAILER_ALIGN = 8, LEAF_BIN = 65535 };

/* Appends; the first failure sticks. */
typedef struct writer {
    sotto_vec *out;
    size_t start; /* of the file within out */
    sotto_status status;
    const forge_forest *forest;
    const forge_layout *layout;
    const sotto_forge_options *options;
} writer;

static void put(writer *w, const void *bytes, size_t len)
{
    if (w->status == SOTTO_OK)
        w->status = sotto_vec_put(w->out, bytes, len);
}

static void put_le(writer *w, uint64_t v, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    put(w, bytes, width);
}

static void put_zero(writer *w, size_t n)
{
    for (; n > 0; n--)
        put_le(w, 0, 1);
}

/* A text that fills its field or is followed by zero bytes; its length was checked where it was read. */
static void put_name(writer *w, const char *text, size_t width)
{
    size_t len = strlen(text);
    assert(len <= width);
    put(w, text, len);
    put_zero(w, width - len);
}

static void align(writer *w, size_t to)
{
    put_zero(w, (to - (w->out->len - w->start) % to) % to);
}

static void write_head(writer *w)
{
    const uint8_t *digest = w->options->source_sha256;
    put_le(w, w->forest->clusters.count > 0 ? SOTTO_MODEL_CLUSTERS : SOTTO_MODEL_SUM, 2);
    put_le(w, w->forest->link, 2);
    put_le(w, SOTTO_MODEL_SCALE_BITS - w->layout->shift, 1);
    put_zero(w, 3);
    put_le(w, w->forest->feature_count, 4);
    put_le(w, w->layout->threshold_count, 4);
    put_le(w, w->forest->tree_count, 4);
    put_le(w, w->layout->node_count, 4);
    put_le(w, (uint64_t)w->layout->bias_q24[0], 8);
    put_le(w, (uint64_t)w->layout->margin_error_q24, 8);
    if (digest != NULL)
        put(w, digest, 32);
    else
        put_zero(w, 32);
    put_name(w, w->options->model_name, 64);
    put_zero(w, 40);
}

static void write_feat(writer *w)
{
    for (size_t i = 0; i < w->forest->feature_count; i++) {
        const sotto_feature *f = &w->forest->features[i];
        put_le(w, f->source, 1);
        put_le(w, f->transform, 1);
        put_le(w, f->tag_number, 2);
        put_le(w, (uint32_t)f->argument, 4);
        put_le(w, f->bins, 4);
        put_le(w, f->kind, 1);
        put_zero(w, 3);
        put_name(w, f->name, 64);
        put_name(w, f->attribute, 32);
    }
}

static bool is_number_cut(const writer *w, size_t cut)
{
    return !sotto_forge_is_category(&w->forest->features[w->layout->cuts[cut].feature]);
}

static void write_thrs(writer *w)
{
    for (size_t i = 0; i < w->layout->cut_count; i++)
        if (is_number_cut(w, i))
            put_le(w, (uint32_t)w->layout->threshold[i], 4);
}

static void write_thrd(writer *w)
{
    for (size_t i = 0; i < w->layout->cut_count; i++)
        if (is_number_cut(w, i))
            put_le(w, (uint64_t)w->layout->cuts[i].key, 8);
}

/* The words of the set that a cut stands for. Returns how many. */
static size_t set_of_cut(const writer *w, size_t cut, const uint32_t **words)
{
    const forge_sets *s = &w->forest->sets;
    uint32_t set = w->layout->rank_set[w->layout->cuts[cut].key];
    *words = s->words + s->starts[set];
    return s->starts[set + 1] - s->starts[set];
}

static void write_cats(writer *w)
{
    const uint32_t *words;
    uint64_t at = 0;
    put_le(w, 0, 4);
    for (size_t i = 0; i < w->layout->cut_count; i++)
        if (!is_number_cut(w, i)) {
            at += set_of_cut(w, i, &words);
            put_le(w, at, 4);
        }
    for (size_t i = 0; i < w->layout->cut_count; i++) {
        size_t n = is_number_cut(w, i) ? 0 : set_of_cut(w, i, &words);
        for (size_t k = 0; k < n; k++)
            put_le(w, words[k], 4);
    }
}

static void write_outs(writer *w)
{
    for (size_t i = 1; i < w->forest->outputs; i++)
        put_le(w, (uint64_t)w->layout->bias_q24[i], 8);
}

static void write_tree(writer *w)
{
    for (size_t t = 0; t < w->forest->tree_count; t++) {
        put_le(w, w->layout->root[t], 4);
        put_le(w, w->layout->depth[t], 2);
        put_le(w, w->forest->trees[t].output, 2);
    }
}

static void write_node(writer *w)
{
    const forge_layout *l = w->layout;
    for (size_t t = 0; t < w->forest->tree_count; t++)
        for (uint32_t i = l->root[t]; i < l->root[t + 1]; i++) {
            const forge_node *n = &w->forest->trees[t].nodes[l->source[i]];
            bool leaf = l->child[i] == i;
            put_le(w, leaf ? 0 : 2 * n->feature + n->missing_left, 2);
            put_le(w, leaf ? LEAF_BIN : sotto_forge_cut_index(l, w->forest, n), 2);
            put_le(w, l->child[i], 4);
        }
}

static void write_valu(writer *w)
{
    for (size_t i = 0; i < w->layout->node_count; i++)
        put_le(w, (uint32_t)w->layout->value[i], 4);
}

/* The source's number of node i of tree t. */
static uint32_t number_of(const forge_forest *f, const forge_layout *l, size_t t, uint32_t i)
{
    return f->trees[t].nodes[l->source[i]].number;
}

static void write_srcn(writer *w)
{
    for (size_t t = 0; t < w->forest->tree_count; t++)
        for (uint32_t i = w->layout->root[t]; i < w->layout->root[t + 1]; i++)
            put_le(w, number_of(w->forest, w->layout, t, i), 4);
}

static void write_linr(writer *w)
{
    for (size_t i = 0; i < w->forest->term_count; i++) {
        const forge_term *t = &w->forest->terms[i];
        int64_t mantissa;
        int shift;
        sotto_forge_split_double(t->coefficient, &mantissa, &shift);
        put_le(w, t->feature, 2);
        put_le(w, t->output, 2);
        put_le(w, (uint64_t)(int64_t)shift, 2);
        put_zero(w, 2);
        put_le(w, (uint64_t)mantissa, 8);
        put_le(w, (uint64_t)llrint(ldexp(t->missing, SOTTO_MODEL_SCALE_BITS)), 8);
    }
}

/* A product is in units of 2^-24: a coordinate of 2^-unit is that of the scale times 2^(unit - 24). */
static void write_clus(writer *w)
{
    const forge_clusters *c = &w->forest->clusters;
    size_t features = w->forest->feature_count;
    put_le(w, c->count, 4);
    put_le(w, (uint32_t)w->layout->unit, 4);
    put_le(w, w->layout->reach, 4);
    put_zero(w, 4);
    for (size_t f = 0; f < features; f++) {
        int64_t mantissa;
        int shift;
        sotto_forge_split_double(1 / c->scale[f], &mantissa, &shift);
        put_le(w, (uint64_t)mantissa, 8);
        put_le(w, (uint64_t)llrint(ldexp(c->mean[f] / c->scale[f], w->layout->unit)), 8);
        put_le(w, (uint64_t)(int64_t)(shift + SOTTO_MODEL_SCALE_BITS - w->layout->unit), 2);
        put_zero(w, 6);
    }
    for (size_t i = 0; i < c->count * features; i++)
        put_le(w, (uint32_t)llrint(ldexp(c->centroid[i], w->layout->unit)), 4);
}

static void write_cali(writer *w)
{
    put(w, w->forest->calibration.ptr, w->forest->calibration.len);
}

static void write_prov(writer *w)
{
    put(w, w->forest->provenance.ptr, w->forest->provenance.len);
}

/* Source numbers that are simply 0, 1, 2, ... in every tree need not be kept. */
static bool renumbered(const forge_forest *f, const forge_layout *l)
{
    for (size_t t = 0; t < f->tree_count; t++)
        for (uint32_t i = l->root[t]; i < l->root[t + 1]; i++)
            if (number_of(f, l, t, i) != i - l->root[t])
                return true;
    return false;
}

typedef struct section {
    const char *type;
    bool critical;
    bool there;
    void (*write)(writer *w);
    size_t offset, length;
} section;

static void write_frame(writer *w, size_t sections, size_t bytes)
{
    put(w, "SOTTOMDL", 8);
    put_le(w, 1, 2);
    put_le(w, 0, 2);
    put_le(w, sections, 4);
    put_le(w, bytes, 4);
    put_zero(w, 12);
}

static void write_table(writer *w, const section *sections, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(w, sections[i].type, 4);
        put_le(w, sections[i].critical, 4);
        put_le(w, sections[i].offset, 4);
        put_le(w, sections[i].length, 4);
    }
}

/* The sections that are there, moved to the front. Returns how many. */
static size_t keep_there(section *sections, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (sections[i].there)
            sections[kept++] = sections[i];
    return kept;
}

/* Frame and table are written twice: first for their room, then with what has become known. */
static void write_file(writer *w)
{
    section sections[SECTIONS_MAX] = {
        {"HEAD", true, true, write_head, 0, 0},
        {"FEAT", true, true, write_feat, 0, 0},
        {"THRS", true, true, write_thrs, 0, 0},
        {"TREE", true, true, write_tree, 0, 0},
        {"NODE", true, true, write_node, 0, 0},
        {"VALU", true, true, write_valu, 0, 0},
        {"SRCN", true, renumbered(w->forest, w->layout), write_srcn, 0, 0},
        {"CATS", true, w->layout->threshold_count < w->layout->cut_count, write_cats, 0, 0},
        {"THRD", true, w->forest->wide, write_thrd, 0, 0},
        {"OUTS", true, w->forest->outputs > 1, write_outs, 0, 0},
        {"CALI", true, w->forest->calibration.ptr != NULL, write_cali, 0, 0},
        {"LINR", true, w->forest->term_count > 0, write_linr, 0, 0},
        {"CLUS", true, w->forest->clusters.count > 0, write_clus, 0, 0},
        {"PROV", false, w->forest->provenance.len > 0, write_prov, 0, 0},
    };
    size_t count = keep_there(sections, SOTTO_COUNT(sections));
    put_zero(w, FRAME_BYTES + count * ENTRY_BYTES);
    for (size_t i = 0; i < count; i++) {
        align(w, SECTION_ALIGN);
        sections[i].offset = w->out->len - w->start;
        sections[i].write(w);
        sections[i].length = w->out->len - w->start - sections[i].offset;
    }
    align(w, TRAILER_ALIGN);
    put_zero(w, 4);
    size_t end = w->out->len;
    if (w->status != SOTTO_OK)
        return;
    w->out->len = w->start;
    write_frame(w, count, end + 4 - w->start);
    write_table(w, sections, count);
    w->out->len = end;
    put_le(w, sotto_crc32(0, sotto_span_of(w->out->ptr + w->start, end - w->start)), 4);
}

/* A file that the loader of this very program refuses must not leave it. */
static sotto_status read_back(const writer *w, sotto_diag *diag)
{
    sotto_span file = sotto_span_of(w->out->ptr + w->start, w->out->len - w->start);
    size_t cap = sotto_model_arena_bound(file.len);
    void *memory = malloc(cap);
    if (memory == NULL)
        return sotto_forge_no_memory(diag);
    sotto_arena arena;
    sotto_arena_init(&arena, memory, cap);
    const sotto_model *model;
    sotto_status status = sotto_model_load(&model, file, &arena, diag);
    free(memory);
    return status;
}

sotto_status sotto_forge_write(const forge_forest *f, const forge_layout *l, const sotto_forge_options *o,
                               sotto_vec *out, sotto_diag *diag)
{
    writer w = {.out = out, .start = out->len, .forest = f, .layout = l, .options = o};
    write_file(&w);
    sotto_status status = w.status;
    if (status == SOTTO_OK)
        status = read_back(&w, diag);
    else
        status = sotto_diag_set(diag, status, "the compiled model does not fit");
    if (status != SOTTO_OK)
        out->len = w.start;
    return status;
}
