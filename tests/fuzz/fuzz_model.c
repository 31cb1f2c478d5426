/* A model file whose checksum an attacker has put right: refused, or scored within its bounds with reasons
 * that add up. */
#include "fuzz.h"

#include "sotto/model.h"

#include <string.h>

static void score_outputs(const sotto_model *m, int32_t *keys)
{
    static int64_t margins[SOTTO_MODEL_OUTPUTS_MAX];
    static uint32_t probabilities[SOTTO_MODEL_OUTPUTS_MAX];
    for (size_t f = 0; f < sotto_model_info_of(m)->features; f++)
        keys[f] = sotto_model_key(m, f, (uint64_t)(int64_t)keys[f] << 29);
    sotto_model_margins_q24(m, keys, margins);
    require(margins[0] == sotto_model_margin_q24(m, keys));
    sotto_model_probabilities_q30(m, margins, probabilities);
    for (size_t i = 0; i < sotto_model_info_of(m)->outputs; i++)
        require(probabilities[i] <= SOTTO_PROB_ONE_Q30);
}

static void score(const sotto_model *m)
{
    static int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    static int64_t parts[SOTTO_MODEL_FEATURES_MAX];
    static uint32_t leaves[SOTTO_MODEL_TREES_MAX];
    static const int32_t VALUES[] = {SOTTO_FLOAT_KEY_MISSING, 0, 1, -1, 0x7f800000, -0x7f800000, 0x3f800000};
    size_t features = sotto_model_info_of(m)->features;
    for (size_t row = 0; row < SOTTO_COUNT(VALUES); row++) {
        for (size_t f = 0; f < features; f++)
            keys[f] = VALUES[(row + f) % SOTTO_COUNT(VALUES)];
        int64_t bias = 0, margin = sotto_model_margin_q24(m, keys);
        require(sotto_model_why_q24(m, keys, &bias, parts) == margin);
        for (size_t f = 0; f < features; f++)
            bias += parts[f];
        require(bias == margin);
        require(sotto_model_probability_q30(m, margin) <= SOTTO_PROB_ONE_Q30);
        sotto_model_leaves(m, keys, leaves);
        score_outputs(m, keys);
    }
}

static void try_file(uint8_t *file, size_t size)
{
    size_t cap = sotto_model_arena_bound(size);
    void *memory = malloc(cap);
    require(memory != NULL);
    sotto_arena arena;
    sotto_arena_init(&arena, memory, cap);
    const sotto_model *m = NULL;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_status status = sotto_model_load(&m, sotto_span_of(file, size), &arena, &diag);
    require((status == SOTTO_OK) == (m != NULL) && status == diag.status);
    require(sotto_status_cause(status) != SOTTO_CAUSE_NO_SPACE); /* the bound is a bound */
    if (m != NULL)
        score(m);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(size + 1);
    require(file != NULL);
    if (size > 0)
        memcpy(file, data, size);
    try_file(file, size);
    if (size >= 20) { /* the length and the checksum fit again */
        uint32_t crc;
        for (int i = 0; i < 4; i++)
            file[16 + i] = (uint8_t)(size >> (8 * i));
        crc = sotto_crc32(0, sotto_span_of(file, size - 4));
        for (int i = 0; i < 4; i++)
            file[size - 4 + (size_t)i] = (uint8_t)(crc >> (8 * i));
        try_file(file, size);
    }
    free(file);
    return 0;
}
