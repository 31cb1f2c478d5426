/* Ranks or scores a shelf a number of times: a program to count instructions of, on any CPU. The difference
 * between two numbers of times is the cost alone.
 *
 *   rank_once MODEL.sotto PRODUCT_FEATURES PRODUCTS TIMES rows|portable|narrow|best
 *
 * The model's last features are taken as the product's. */
#include "sotto/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 8 << 20, PRODUCTS_MAX = 1000 };

static int32_t keys[SOTTO_MODEL_FEATURES_MAX], product_keys[PRODUCTS_MAX * 64];
static uint16_t features[64];
static int64_t margins[PRODUCTS_MAX];

/* Whole numbers of all sizes: each feature and product another, the same in every run. */
static int32_t some_key(size_t i)
{
    return sotto_fixed_decimal_key((int64_t)((i * 2654435761u >> 7) % 1000 >> i % 8), 0);
}

static const sotto_model *load(const char *path)
{
    uint8_t *file = malloc(FILE_MAX);
    FILE *in = fopen(path, "rb");
    if (file == NULL || in == NULL)
        return NULL;
    size_t len = fread(file, 1, FILE_MAX, in), bound = sotto_model_arena_bound(len);
    (void)fclose(in);
    sotto_arena arena;
    const sotto_model *m;
    sotto_arena_init(&arena, malloc(bound), bound);
    return sotto_model_load(&m, sotto_span_of(file, len), &arena, NULL) == SOTTO_OK ? m : NULL;
}

static void score_rows(const sotto_model *m, const sotto_rank_shelf *s)
{
    for (size_t p = 0; p < s->products; p++) {
        for (size_t i = 0; i < s->product_feature_count; i++)
            keys[features[i]] = product_keys[p * s->product_feature_count + i];
        margins[p] = sotto_model_margin_q24(m, keys);
    }
}

static bool run(const sotto_model *m, const sotto_rank_shelf *s, size_t times, bool rows)
{
    size_t bound = sotto_model_rank_bound(m, s->products, s->product_feature_count);
    sotto_arena arena;
    const sotto_ranking *ranking;
    sotto_arena_init(&arena, malloc(bound), bound);
    if (sotto_model_rank_prepare(&ranking, m, s, &arena, NULL) != SOTTO_OK)
        return false;
    void *scratch = aligned_alloc(16, (sotto_model_rank_scratch_size(ranking) + 31) & ~(size_t)15);
    for (size_t t = 0; t < times; t++) {
        if (rows)
            score_rows(m, s);
        else
            sotto_model_rank_q24(ranking, keys, scratch, margins);
    }
    const sotto_ranking_info *info = sotto_model_ranking_info(ranking);
    int64_t sum = 0;
    for (size_t p = 0; p < s->products; p++)
        sum += margins[p];
    printf("trees %zu: %zu constant, %zu by class, %zu by mask, %zu walked; sum %lld\n",
           sotto_model_info_of(m)->trees, info->trees_constant, info->trees_by_class, info->trees_by_mask,
           info->trees_walked, (long long)sum);
    free(scratch);
    return true;
}

int main(int argc, char **argv)
{
    const sotto_model *m = argc == 6 ? load(argv[1]) : NULL;
    if (m == NULL) {
        fprintf(stderr, "rank_once MODEL.sotto PRODUCT_FEATURES PRODUCTS TIMES rows|portable|narrow|best\n");
        return 2;
    }
    sotto_rank_shelf s = {.products = strtoul(argv[3], NULL, 10),
                          .product_feature = features,
                          .product_feature_count = strtoul(argv[2], NULL, 10),
                          .product_keys = product_keys};
    size_t all = sotto_model_info_of(m)->features;
    if (s.products > PRODUCTS_MAX || s.product_feature_count > 64 || s.product_feature_count > all)
        return 2;
    for (size_t i = 0; i < s.product_feature_count; i++)
        features[i] = (uint16_t)(all - s.product_feature_count + i);
    for (size_t i = 0; i < all; i++)
        keys[i] = some_key(i);
    for (size_t i = 0; i < s.products * s.product_feature_count; i++)
        product_keys[i] = some_key(i + 7);
    if (strcmp(argv[5], "portable") == 0)
        s.path = SOTTO_RANK_PORTABLE;
    if (strcmp(argv[5], "narrow") == 0)
        s.path = SOTTO_RANK_SIMD_NARROW;
    return run(m, &s, strtoul(argv[4], NULL, 10), strcmp(argv[5], "rows") == 0) ? 0 : 1;
}
