/* Loading what only some models have: sets of categories, float64 thresholds, several outputs.
 * docs/formats/model.md sections 9 to 11. */
#include "model_priv.h"

static const int64_t BIAS_MAX_Q24 = INT64_C(1) << 40; /* times 2^shift, as the values */
static const int64_t WIDE_MAX = 0x7ff0000000000000;   /* key of float64's infinity */

/* The set's words are within the section, and its last word is not zero: one form only. */
static sotto_status check_set(const loader *l, const uint32_t *start, const uint32_t *words,
                              size_t word_count)
{
    if (start[1] < start[0] || start[1] > word_count)
        return sotto_model_bad(l, start, SOTTO_ERR(MODEL, MALFORMED),
                               "sets of categories do not follow each other");
    if (start[1] > start[0] && words[start[1] - 1] == 0)
        return sotto_model_bad(l, &words[start[1] - 1], SOTTO_ERR(MODEL, MALFORMED),
                               "a set of categories ends in nothing");
    return SOTTO_OK;
}

static sotto_status check_sets(loader *l, size_t sets)
{
    sotto_span s = l->section[SECTION_CATS];
    const uint32_t *start = (const uint32_t *)(const void *)s.ptr;
    if (s.len % sizeof *start != 0 || s.len / sizeof *start <= sets)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED),
                               "not as many sets of categories as the features say");
    size_t word_count = s.len / sizeof *start - sets - 1;
    const uint32_t *words = start + sets + 1;
    if (word_count > SET_WORDS_MAX)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, RANGE), "%zu words of categories", word_count);
    if (start[0] != 0 || start[sets] != word_count)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED),
                               "sets of categories are not as long as the section");
    for (size_t i = 0; i < sets; i++) {
        sotto_status status = check_set(l, start + i, words, word_count);
        if (status != SOTTO_OK)
            return status;
    }
    l->model->set_start = start;
    l->model->set_words = words;
    return SOTTO_OK;
}

sotto_status sotto_model_read_sets(loader *l)
{
    const sotto_model *m = l->model;
    size_t sets = m->first_set[m->info.features];
    if ((l->section[SECTION_CATS].ptr != NULL) != m->info.has_categories)
        return sotto_model_bad(l, l->section[SECTION_FEAT].ptr, SOTTO_ERR(MODEL, MALFORMED),
                               "a feature of categories needs CATS, and CATS such a feature");
    return m->info.has_categories ? check_sets(l, sets) : SOTTO_OK;
}

sotto_status sotto_model_read_wide(loader *l)
{
    sotto_model *m = l->model;
    sotto_span s = l->section[SECTION_THRD];
    if (s.ptr == NULL)
        return SOTTO_OK;
    const int64_t *t = (const int64_t *)(const void *)s.ptr;
    if (s.len != m->thresholds_count * sizeof *t)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED), "THRD and THRS differ in number");
    for (size_t f = 0; f < m->info.features; f++)
        for (uint32_t i = m->first_threshold[f]; i < m->first_threshold[f + 1]; i++) {
            if (t[i] > WIDE_MAX || t[i] < -WIDE_MAX)
                return sotto_model_bad(l, &t[i], SOTTO_ERR(MODEL, RANGE), "a threshold is not a number");
            if (i > m->first_threshold[f] && t[i] <= t[i - 1])
                return sotto_model_bad(l, &t[i], SOTTO_ERR(MODEL, MALFORMED), "thresholds do not ascend");
        }
    m->wide_thresholds = t;
    m->info.has_wide_thresholds = true;
    return SOTTO_OK;
}

/* OUTS holds the biases of the outputs behind the first. */
sotto_status sotto_model_read_outputs(loader *l)
{
    sotto_model *m = l->model;
    sotto_span s = l->section[SECTION_OUTS];
    m->info.outputs = 1 + s.len / sizeof(int64_t);
    if (s.ptr != NULL && (s.len == 0 || s.len % sizeof(int64_t) != 0))
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, MALFORMED), "OUTS has %zu bytes", s.len);
    if (m->info.outputs > SOTTO_MODEL_OUTPUTS_MAX)
        return sotto_model_bad(l, s.ptr, SOTTO_ERR(MODEL, RANGE), "%zu outputs", m->info.outputs);
    int64_t *biases = sotto_arena_array(l->arena, m->info.outputs, sizeof *biases);
    if (biases == NULL)
        return sotto_diag_set(l->diag, SOTTO_ERR(MODEL, NO_SPACE), "no memory for a model's outputs");
    sotto_cursor c = sotto_cursor_of(s);
    int64_t most = BIAS_MAX_Q24 << m->shift;
    biases[0] = m->info.bias_q24;
    for (size_t i = 1; i < m->info.outputs; i++) {
        const uint8_t *at = c.at;
        biases[i] = sotto_cursor_i64(&c);
        if (biases[i] > most || biases[i] < -most)
            return sotto_model_bad(l, at, SOTTO_ERR(MODEL, RANGE), "a bias is out of range");
    }
    m->biases_q24 = biases;
    m->parts = m->info.outputs;
    if (is_value(m) && m->parts != 2)
        return sotto_model_bad(l, l->section[SECTION_HEAD].ptr + 2, SOTTO_ERR(MODEL, MALFORMED),
                               "an expected value of %zu parts, not two", m->parts);
    m->info.outputs = is_value(m) ? 1 : m->parts; /* the loader of trees asks for parts */
    m->plain = m->plain && m->parts == 1;
    return SOTTO_OK;
}
