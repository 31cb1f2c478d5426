/* A forest as the source has it: memory. */
#include "forge_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROVENANCE_MAX = 65536 }; /* docs/formats/model.md, PROV */

void sotto_forge_forest_init(forge_forest *f)
{
    *f = (forge_forest){.outputs = 1};
    sotto_vec_init(&f->provenance, PROVENANCE_MAX);
}

void sotto_forge_forest_free(forge_forest *f)
{
    for (size_t i = 0; i < f->tree_count; i++)
        free(f->trees[i].nodes);
    free(f->trees);
    free(f->features);
    free(f->sets.words);
    free(f->sets.starts);
    free(f->terms);
    free(f->clusters.centroid);
    free(f->clusters.mean);
    free(f->clusters.scale);
    sotto_vec_free(&f->provenance);
    sotto_forge_forest_init(f);
}

sotto_status sotto_forge_no_memory(sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(FORGE, NO_MEMORY), "out of memory while compiling a model");
}

sotto_status sotto_forge_take_trees(forge_forest *f, size_t count, sotto_diag *diag)
{
    f->trees = calloc(count + 1, sizeof *f->trees); /* none is none, not no memory */
    if (f->trees == NULL)
        return sotto_forge_no_memory(diag);
    f->tree_count = count;
    return SOTTO_OK;
}

sotto_status sotto_forge_take_features(forge_forest *f, size_t count, sotto_diag *diag)
{
    f->features = calloc(count, sizeof *f->features);
    if (f->features == NULL)
        return sotto_forge_no_memory(diag);
    f->feature_count = count;
    return SOTTO_OK;
}

sotto_status sotto_forge_take_nodes(forge_tree *t, uint32_t count, sotto_diag *diag)
{
    t->nodes = calloc(count, sizeof *t->nodes);
    if (t->nodes == NULL)
        return sotto_forge_no_memory(diag);
    t->count = count;
    return SOTTO_OK;
}

static bool grow(uint32_t **words, size_t *cap, size_t need)
{
    if (need <= *cap)
        return true;
    size_t more = need < 64 ? 64 : 2 * need;
    uint32_t *grown = realloc(*words, more * sizeof **words);
    if (grown == NULL)
        return false;
    *words = grown;
    *cap = more;
    return true;
}

sotto_status sotto_forge_new_set(forge_sets *s, sotto_diag *diag)
{
    if (s->count == FORGE_NODES_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(FORGE, RANGE), "more than %d sets of categories",
                              FORGE_NODES_MAX);
    if (!grow(&s->starts, &s->start_cap, s->count + 2) || !grow(&s->words, &s->word_cap, s->word_count + 1))
        return sotto_forge_no_memory(diag);
    s->starts[s->count++] = (uint32_t)s->word_count;
    s->starts[s->count] = (uint32_t)s->word_count;
    return SOTTO_OK;
}

sotto_status sotto_forge_add_category(forge_sets *s, uint32_t category, sotto_diag *diag)
{
    size_t end = (size_t)s->starts[s->count - 1] + category / 32 + 1;
    if (end > FORGE_SET_WORDS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(FORGE, RANGE), "more than %d words of sets of categories",
                              FORGE_SET_WORDS_MAX);
    if (end > s->word_count) {
        if (!grow(&s->words, &s->word_cap, end))
            return sotto_forge_no_memory(diag);
        memset(s->words + s->word_count, 0, (end - s->word_count) * sizeof *s->words);
        s->word_count = end;
        s->starts[s->count] = (uint32_t)end;
    }
    s->words[end - 1] |= UINT32_C(1) << category % 32;
    return SOTTO_OK;
}

bool sotto_forge_use_feature(forge_forest *f, uint32_t feature, enum sotto_feature_kind kind, uint8_t *used)
{
    if (used[feature] && f->features[feature].kind != kind)
        return false;
    used[feature] = 1;
    f->features[feature].kind = kind;
    return true;
}

/* Copies the recipe's feature. false when there is none of that name. */
static bool take_recipe_feature(const sotto_recipe *recipe, const char *name, size_t i, sotto_feature *out)
{
    const sotto_feature *found = name[0] == '\0' && i < recipe->count ? &recipe->features[i] : NULL;
    for (size_t k = 0; found == NULL && k < recipe->count; k++)
        if (strcmp(recipe->features[k].name, name) == 0)
            found = &recipe->features[k];
    if (found != NULL)
        *out = *found;
    return found != NULL;
}

const char *sotto_forge_name_feature(forge_forest *f, const sotto_forge_options *o, size_t i, sotto_span name,
                                     sotto_status *status)
{
    sotto_feature *out = &f->features[i];
    *status = SOTTO_ERR(FORGE, RANGE);
    if (sotto_span_to_str(name, out->name, sizeof out->name) != SOTTO_OK || !sotto_utf8_valid(name, NULL))
        return "a feature's name must have at most 64 bytes of UTF-8";
    char given[sizeof out->name];
    memcpy(given, out->name, sizeof given);
    *status = SOTTO_ERR(FORGE, NOT_FOUND);
    if (o->recipe != NULL && !take_recipe_feature(o->recipe, given, i, out))
        return "the recipe has no feature of this name";
    if (o->recipe == NULL && given[0] == '\0')
        (void)snprintf(out->name, sizeof out->name, "f%zu", i);
    *status = SOTTO_ERR(FORGE, MALFORMED);
    for (size_t k = 0; k < i; k++)
        if (strcmp(f->features[k].name, out->name) == 0)
            return "two features of one name";
    *status = SOTTO_OK;
    return NULL;
}

sotto_status sotto_forge_find_feature(forge_forest *f, const sotto_forge_options *o, sotto_span name,
                                      size_t capacity, uint32_t *out, const char **wrong)
{
    sotto_status status = SOTTO_OK;
    *wrong = NULL;
    for (size_t i = 0; i < f->feature_count; i++)
        if (sotto_span_is(name, f->features[i].name)) {
            *out = (uint32_t)i;
            return SOTTO_OK;
        }
    *wrong = name.len == 0 ? "a feature's name must not be empty" : "too many features";
    if (name.len == 0 || f->feature_count == capacity)
        return SOTTO_ERR(FORGE, RANGE);
    *out = (uint32_t)f->feature_count;
    *wrong = sotto_forge_name_feature(f, o, f->feature_count, name, &status);
    f->feature_count += *wrong == NULL;
    return status;
}

static bool is_plain(sotto_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20)
            return false;
    return sotto_utf8_valid(text, NULL);
}

/* What does not fit is left out: it changes no score. */
sotto_status sotto_forge_add_provenance(forge_forest *f, sotto_span name, sotto_span value, sotto_diag *diag)
{
    sotto_vec *out = &f->provenance;
    if (!is_plain(name) || !is_plain(value) || name.len + value.len + 2 > out->limit - out->len)
        return SOTTO_OK;
    if (sotto_vec_put(out, name.ptr, name.len) != SOTTO_OK || sotto_vec_put(out, "=", 1) != SOTTO_OK ||
        sotto_vec_put(out, value.ptr, value.len) != SOTTO_OK || sotto_vec_put(out, "\n", 1) != SOTTO_OK)
        return sotto_forge_no_memory(diag);
    return SOTTO_OK;
}

static void fill_report(sotto_forge_report *report, const forge_forest *f, const forge_layout *l,
                        size_t bytes)
{
    *report = (sotto_forge_report){.trees = f->tree_count,
                                   .nodes = l->node_count,
                                   .leaves = l->leaves,
                                   .terms = f->term_count,
                                   .clusters = f->clusters.count,
                                   .features = f->feature_count,
                                   .thresholds = l->cut_count,
                                   .margin_error_q24 = l->margin_error_q24,
                                   .error_allowed_q24 = l->error_allowed_q24,
                                   .scale_bits = SOTTO_MODEL_SCALE_BITS - l->shift,
                                   .bytes = bytes};
}

sotto_status sotto_forge_finish(forge_forest *f, const sotto_forge_options *o, sotto_vec *out,
                                sotto_forge_report *report, sotto_diag *diag)
{
    forge_layout l = {.node_count = 0};
    size_t start = out->len;
    sotto_status status = sotto_forge_sort_terms(f, o->file_name, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_layout_make(&l, f, o->file_name, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_judge_error(&l, f, o, diag);
    if (status == SOTTO_OK)
        status = sotto_forge_write(f, &l, o, out, diag);
    if (status == SOTTO_OK)
        fill_report(report, f, &l, out->len - start);
    sotto_forge_layout_free(&l);
    return status;
}

sotto_status sotto_forge_check_options(const sotto_forge_options *o, sotto_diag *diag)
{
    size_t len = strlen(o->model_name);
    if (len > 64 || !sotto_utf8_valid(sotto_span_str(o->model_name), NULL))
        return sotto_diag_set(diag, SOTTO_ERR(FORGE, RANGE), "a model's name has at most 64 bytes of UTF-8");
    return SOTTO_OK;
}
