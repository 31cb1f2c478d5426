/* A file of items, as it is and with its checksum put right: refused with a place, or scored the same by both
 * ways within its bounds. */
#include "fuzz.h"

#include "sotto/items.h"

#include <string.h>

static void score(const sotto_items *t)
{
    static sotto_items_held held[SOTTO_ITEMS_MAX];
    static int64_t out[SOTTO_ITEMS_MAX];
    size_t n = sotto_items_count(t), count = n < 8 ? n : 8;
    for (size_t i = 0; i < count; i++)
        held[i] = (sotto_items_held){.item = (uint16_t)(n - 1 - i),
                                     .weight_q15 = sotto_items_weight_q15(t, (int32_t)(i * i * i) * 30 - 1)};
    sotto_items_customer customer;
    sotto_items_scores_q24(t, held, count, out);
    sotto_items_customer_of(t, held, count, &customer);
    for (size_t i = 0; i < n; i++) {
        int because;
        require(sotto_items_score_q24(t, &customer, i, &because) == out[i]);
        require(out[i] < INT64_C(1) << 40 && out[i] > -(INT64_C(1) << 40));
        require(because >= -1 && because < (int)count);
        uint32_t factor = sotto_items_factor_q16(t, i, out[i]);
        require(factor >= SOTTO_ITEMS_FACTOR_MIN_Q16 && factor <= SOTTO_ITEMS_FACTOR_MAX_Q16);
        for (int s = -1; s < (int)sotto_items_segments(t); s++)
            require(sotto_items_segment_factor_q16(t, i, s) <= SOTTO_ITEMS_FACTOR_MAX_Q16);
    }
}

static void try_file(sotto_span file)
{
    size_t cap = sotto_items_arena_bound(file.len);
    void *memory = malloc(cap);
    require(memory != NULL);
    sotto_arena arena;
    sotto_arena_init(&arena, memory, cap);
    const sotto_items *t = NULL;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_status status = sotto_items_load(&t, file, &arena, &diag);
    require((status == SOTTO_OK) == (t != NULL) && status == diag.status);
    require(sotto_status_cause(status) != SOTTO_CAUSE_NO_SPACE); /* the bound is a bound */
    if (t != NULL)
        score(t);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_file(sotto_span_of(data, size));
    if (size < 4)
        return 0;
    uint8_t *file = malloc(size);
    require(file != NULL);
    memcpy(file, data, size);
    uint32_t crc = sotto_crc32(0, sotto_span_of(file, size - 4));
    for (size_t i = 0; i < 4; i++)
        file[size - 4 + i] = (uint8_t)(crc >> (8 * i));
    try_file(sotto_span_of(file, size));
    free(file);
    return 0;
}
