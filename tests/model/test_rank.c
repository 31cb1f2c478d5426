/* Ranking gives the margins of one row a call, to the last bit: random forests and shelves, every path that
 * this CPU has, trees of every kind. */
#include "model_test.h"
#include "rank_priv.h"

enum { FEATURES = 12, BINS = 40, TREES = 320, NODES = TREES * 1023, PRODUCTS = 333, SET_WORDS = 13 };

typedef struct forest {
    sotto_model model;
    sotto_feature features[FEATURES];
    uint32_t first[FEATURES + 1];
    int32_t thresholds[FEATURES * BINS];
    tree trees[TREES];
    node *nodes;
    int32_t *values;
    uint32_t first_set[FEATURES + 1], set_start[FEATURES * BINS + 1], set_words[FEATURES * BINS * SET_WORDS];
    uint64_t random;
} forest;

static uint32_t pick(forest *f, uint32_t n)
{
    return (uint32_t)(next_random(&f->random) >> 33) % n;
}

static void plant_thresholds(forest *f)
{
    for (uint32_t i = 0; i < FEATURES; i++) {
        f->first[i + 1] = f->first[i] + BINS;
        f->features[i].bins = BINS;
        for (uint32_t k = 0; k < BINS; k++)
            f->thresholds[i * BINS + k] = (int32_t)(k * 1000) - 20000 + (int32_t)pick(f, 999);
    }
}

/* A tree of at most that depth in breadth-first order; a node splits with a chance of `split` in 16, below
 * features [0, features). */
static void grow(forest *f, size_t t, uint16_t depth, uint32_t split, uint32_t features, int32_t leaf_mask)
{
    uint32_t root = (uint32_t)f->model.info.nodes, next = root + 1, level_end = next;
    uint16_t level = 0;
    f->trees[t].root = root;
    for (uint32_t at = root; at < next; at++) {
        if (at == level_end) {
            level++;
            level_end = next;
        }
        uint64_t r = next_random(&f->random);
        f->values[at] = (int32_t)(r >> 32) & leaf_mask ? (int32_t)(r >> 32) % (leaf_mask | 1) : INT32_MIN;
        bool inner = level < depth && (level == 0 || pick(f, 16) < split);
        f->nodes[at] = inner ? (node){(uint16_t)pick(f, 2 * features), (uint16_t)pick(f, BINS), next}
                             : (node){0, LEAF_BIN, at};
        next += inner ? 2 : 0;
        f->model.info.leaves += !inner;
    }
    f->trees[t].depth = level;
    f->model.info.nodes = next;
}

static forest *new_forest(uint64_t seed, size_t trees, uint32_t split, uint32_t features, int32_t leaf_mask)
{
    forest *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->nodes = malloc(NODES * sizeof *f->nodes);
    f->values = malloc(NODES * sizeof *f->values);
    assert_non_null(f->nodes);
    assert_non_null(f->values);
    f->random = seed * 77 + 1;
    plant_thresholds(f);
    f->model.info.features = FEATURES;
    f->model.info.trees = trees;
    f->model.info.outputs = 1;
    f->model.info.bias_q24 = -12345678901;
    for (size_t t = 0; t < trees; t++)
        grow(f, t, (uint16_t)(t % 9), split, features, leaf_mask);
    f->model.plain = f->model.slotted = true;
    f->model.features = f->features;
    f->model.first_threshold = f->first;
    f->model.thresholds = f->thresholds;
    f->model.trees = f->trees;
    f->model.nodes = f->nodes;
    f->model.values = f->values;
    return f;
}

/* Sets of a feature: up to that many words, the last of which is not zero; some are empty. With few words
 * there are few categories. */
static void plant_sets(forest *f, size_t feature, uint32_t words, uint32_t word_mask)
{
    uint32_t set = f->first_set[feature];
    f->first_set[feature + 1] = set + BINS;
    for (size_t i = 0; i < BINS; i++, set++) {
        uint32_t n = pick(f, words + 1), at = f->set_start[set];
        for (uint32_t k = 0; k < n; k++)
            f->set_words[at + k] = (uint32_t)next_random(&f->random) & word_mask;
        f->set_words[at + n] = 0;
        if (n > 0)
            f->set_words[at + n - 1] |= 1;
        f->set_start[set + 1] = at + n;
    }
}

/* Makes some features categories, of a dozen or of hundreds, and of some zero a missing value; leaves count
 * in units of 2^-(24 - shift). */
static void mix_kinds(forest *f, unsigned shift)
{
    for (size_t i = 0; i < FEATURES; i++) {
        f->first_set[i + 1] = f->first_set[i];
        if (i % 3 == 1) {
            f->features[i].kind = i % 2 ? SOTTO_FEATURE_CATEGORY : SOTTO_FEATURE_CATEGORY_CUT;
            plant_sets(f, i, i < 6 ? 1 : SET_WORDS, i < 6 ? 0xfff : UINT32_MAX);
        } else if (i % 5 == 0) {
            f->features[i].kind = SOTTO_FEATURE_NUMBER_ZERO;
        }
    }
    f->model.plain = false;
    f->model.info.kind = SOTTO_MODEL_SUM;
    f->model.info.has_categories = true;
    f->model.parts = 1;
    f->model.shift = shift;
    f->model.biases_q24 = &f->model.info.bias_q24;
    f->model.first_set = f->first_set;
    f->model.set_start = f->set_start;
    f->model.set_words = f->set_words;
    sotto_model_slot(&f->model);
    assert_true(f->model.slotted);
}

static void free_forest(forest *f)
{
    free(f->nodes);
    free(f->values);
    free(f);
}

/* Features from FEATURES - count on are the product's. */
typedef struct shop {
    uint16_t feature[FEATURES];
    size_t features;
    int32_t keys[PRODUCTS * FEATURES];
    void *memory, *scratch;
    const sotto_ranking *ranking;
} shop;

static void stock(shop *s, const sotto_model *m, size_t features, uint64_t *random)
{
    s->features = features;
    for (size_t i = 0; i < features; i++)
        s->feature[i] = (uint16_t)(m->info.features - features + i);
    for (size_t i = 0; i < PRODUCTS * features; i++)
        s->keys[i] = random_key(m, s->feature[i % features], random);
}

static bool open_shop(shop *s, const sotto_model *m, size_t products, enum sotto_rank_path path)
{
    sotto_rank_shelf shelf = {products, s->feature, s->features, s->keys, path};
    size_t bound = sotto_model_rank_bound(m, products, s->features);
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_arena arena;
    s->memory = malloc(bound);
    assert_non_null(s->memory);
    sotto_arena_init(&arena, s->memory, bound);
    sotto_status status = sotto_model_rank_prepare(&s->ranking, m, &shelf, &arena, &diag);
    s->scratch = NULL;
    if (status == SOTTO_ERR(MODEL, UNSUPPORTED)) {
        assert_true(path >= SOTTO_RANK_SIMD);
        assert_int_equal(arena.used, 0);
        free(s->memory);
        return false;
    }
    assert_int_equal(status, SOTTO_OK);
    assert_int_equal(sotto_model_ranking_info(s->ranking)->arena_bytes, arena.used);
    s->scratch = aligned_alloc(16, (sotto_model_rank_scratch_size(s->ranking) + 16) & ~(size_t)15);
    assert_non_null(s->scratch);
    return true;
}

static void close_shop(shop *s)
{
    free(s->memory);
    free(s->scratch);
}

static void compare_customer(const shop *s, const sotto_model *m, size_t products, uint64_t *random)
{
    static int64_t margins[PRODUCTS];
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    for (size_t f = 0; f < m->info.features; f++)
        keys[f] = random_key(m, f, random);
    sotto_model_rank_q24(s->ranking, keys, s->scratch, margins);
    for (size_t p = 0; p < products; p++) {
        for (size_t i = 0; i < s->features; i++)
            keys[s->feature[i]] = s->keys[p * s->features + i];
        assert_true(margins[p] == sotto_model_margin_q24(m, keys));
        if (!m->plain && p % 4 == 0) /* a path of its own; a plain model's is held by golden vectors */
            assert_true(margins[p] == sotto_model_reference_margin(m, keys, 0));
    }
}

/* Every path, several sizes of shelf; returns what the trees were of the last. */
static sotto_ranking_info compare(const sotto_model *m, size_t product_features, uint64_t seed)
{
    static const size_t SIZES[] = {0, 1, 15, 16, 17, 31, 33, 200, PRODUCTS};
    sotto_ranking_info info = {0};
    uint64_t random = seed;
    shop *s = calloc(1, sizeof *s);
    assert_non_null(s);
    stock(s, m, product_features, &random);
    for (size_t i = 0; i < SOTTO_COUNT(SIZES); i++)
        for (int path = SOTTO_RANK_BEST; path <= SOTTO_RANK_SIMD_NARROW; path++) {
            if (!open_shop(s, m, SIZES[i], (enum sotto_rank_path)path))
                continue;
            info = *sotto_model_ranking_info(s->ranking);
            for (int customer = 0; customer < 3; customer++)
                compare_customer(s, m, SIZES[i], &random);
            close_shop(s);
        }
    free(s);
    return info;
}

static void random_forests_rank_as_they_score(void **state)
{
    (void)state;
    size_t constant = 0, by_class = 0, by_mask = 0, walked = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        forest *f = new_forest(seed, TREES, 10 + (uint32_t)seed, FEATURES, 0x3ffffff);
        sotto_ranking_info info = compare(&f->model, (size_t)(seed % 7), seed);
        constant += info.trees_constant;
        by_class += info.trees_by_class;
        by_mask += info.trees_by_mask;
        walked += info.trees_walked;
        assert_int_equal(info.trees_constant + info.trees_by_class + info.trees_by_mask + info.trees_walked,
                         TREES);
        free_forest(f);
    }
    assert_true(constant > 100 && by_class > 100 && by_mask > 100 && walked > 100); /* each kind was tried */
}

/* Leaves near the ends of 32 bits: the sums must go over to 64 bits in time. */
static void leaves_of_any_size_do_not_overflow(void **state)
{
    (void)state;
    forest *f = new_forest(99, TREES, 15, FEATURES, INT32_MAX);
    compare(&f->model, 5, 99);
    for (size_t i = 0; i < f->model.info.nodes; i++)
        f->values[i] = i % 3 == 0 ? INT32_MIN : INT32_MAX;
    compare(&f->model, 3, 100);
    free_forest(f);
}

/* Packed nodes, a few trees at a time and many, give the margins of the nodes of the file. */
static void packed_nodes_score_as_those_of_the_file(void **state)
{
    (void)state;
    static const size_t COUNTS[] = {1, 7, 8, 15, 16, 47, TREES};
    for (size_t i = 0; i < SOTTO_COUNT(COUNTS); i++) {
        forest *f = new_forest(40 + i, COUNTS[i], 14, FEATURES, INT32_MAX);
        sotto_model plain = f->model;
        void *memory = malloc(f->model.info.nodes * sizeof(packed_node) + 16);
        sotto_arena arena;
        sotto_arena_init(&arena, memory, f->model.info.nodes * sizeof(packed_node) + 16);
        sotto_model_pack(&f->model, &arena);
        assert_non_null(f->model.packed);
        for (int row = 0; row < 500; row++) {
            int32_t keys[FEATURES];
            for (size_t k = 0; k < FEATURES; k++)
                keys[k] = random_key(&plain, k, &f->random);
            assert_true(sotto_model_margin_q24(&f->model, keys) == sotto_model_margin_q24(&plain, keys));
        }
        sotto_arena_init(&arena, memory, 0); /* no room: the file's nodes are used */
        f->model.packed = NULL;
        sotto_model_pack(&f->model, &arena);
        assert_null(f->model.packed);
        free(memory);
        free_forest(f);
    }
}

static void few_or_no_product_features(void **state)
{
    (void)state;
    forest *f = new_forest(5, TREES, 16, 4, 0xffffff); /* trees ask for features 0 to 3 only */
    sotto_ranking_info info = compare(&f->model, 2, 5);
    assert_int_equal(info.trees_by_class + info.trees_by_mask, 0);
    info = compare(&f->model, FEATURES, 6); /* all are the product's */
    assert_true(info.trees_by_class + info.trees_by_mask > 0);
    free_forest(f);
}

static void trained_and_wild_models_rank_as_they_score(void **state)
{
    (void)state;
    static const char *const FILES[] = {"golden.sotto", "wild.sotto"};
    for (size_t i = 0; i < SOTTO_COUNT(FILES); i++) {
        test_model g = open_golden(FILES[i]);
        size_t features = g.model->info.features < FEATURES ? g.model->info.features : FEATURES;
        for (size_t n = 0; n <= features; n += 2)
            compare(g.model, n, 11 + n);
        close_golden(&g);
    }
}

static void categories_and_missing_zeros_rank_as_they_score(void **state)
{
    (void)state;
    size_t by_class = 0, by_mask = 0, walked = 0;
    for (uint64_t seed = 4; seed <= 6; seed++) {
        forest *f = new_forest(seed + 60, TREES, 10 + (uint32_t)seed, FEATURES, 0x3ffffff);
        mix_kinds(f, (unsigned)seed % 3 * 4);
        sotto_ranking_info info = compare(&f->model, (size_t)(seed % 7), seed);
        by_class += info.trees_by_class;
        by_mask += info.trees_by_mask;
        walked += info.trees_walked;
        assert_true(info.trees_walked < TREES);
        free_forest(f);
    }
    assert_true(by_class > 100 && by_mask > 100 && walked > 100); /* of 3 x 320 */
}

/* Categories are slot values up to 65,503: a set that reaches further leaves the model to the reference. */
static void sets_that_fit_no_slot_are_scored_whole(void **state)
{
    (void)state;
    forest *f = new_forest(71, 8, 12, FEATURES, 0xffffff);
    uint32_t *words = calloc(SLOT_WORDS_MAX + 1 + FEATURES * BINS * SET_WORDS, sizeof *words);
    assert_non_null(words);
    mix_kinds(f, 0);
    sotto_model m = f->model;
    uint32_t end = f->set_start[4 * BINS]; /* four features have sets: the last set is made longer */
    memcpy(words, f->set_words, end * sizeof *words);
    m.set_words = words;
    uint32_t last = f->set_start[4 * BINS - 1];
    for (uint32_t length = SLOT_WORDS_MAX; length <= SLOT_WORDS_MAX + 1; length++) {
        f->set_start[4 * BINS] = last + length;
        words[last + length - 1] = 1;
        sotto_model_slot(&m);
        assert_int_equal(m.slotted, length == SLOT_WORDS_MAX);
        sotto_ranking_info info = compare(&m, 3, 72);
        assert_int_equal(info.trees_walked == m.info.trees, length > SLOT_WORDS_MAX);
    }
    free(words);
    free_forest(f);
}

/* A model that the fast paths do not know is scored a product at a time. */
static void other_models_are_scored_whole(void **state)
{
    (void)state;
    test_model g = open_golden("golden.sotto");
    sotto_model m = *g.model;
    m.plain = m.slotted = false;
    sotto_ranking_info info = compare(&m, 3, 21);
    assert_int_equal(info.trees_walked, m.info.trees);
    close_golden(&g);
}

/* Every size of arena below what is needed: NO_SPACE, and nothing is taken. */
static void too_little_memory_is_said(void **state)
{
    (void)state;
    test_model g = open_golden("golden.sotto");
    uint64_t random = 3;
    shop *s = calloc(1, sizeof *s);
    assert_non_null(s);
    stock(s, g.model, 3, &random);
    assert_true(open_shop(s, g.model, 20, SOTTO_RANK_BEST));
    size_t needed = sotto_model_ranking_info(s->ranking)->arena_bytes;
    sotto_rank_shelf shelf = {20, s->feature, s->features, s->keys, SOTTO_RANK_BEST};
    for (size_t cap = 0; cap <= needed; cap += 16) {
        sotto_arena arena;
        sotto_diag diag = {.status = SOTTO_OK};
        const sotto_ranking *ranking;
        sotto_arena_init(&arena, s->memory, cap);
        sotto_status status = sotto_model_rank_prepare(&ranking, g.model, &shelf, &arena, &diag);
        assert_int_equal(status, cap < needed ? SOTTO_ERR(MODEL, NO_SPACE) : SOTTO_OK);
        assert_int_equal(arena.used, cap < needed ? 0 : needed);
        assert_true((ranking != NULL) == (cap >= needed));
    }
    shelf.products = SOTTO_RANK_PRODUCTS_MAX + 1;
    sotto_arena arena;
    const sotto_ranking *ranking;
    sotto_arena_init(&arena, s->memory, needed);
    assert_int_equal(sotto_model_rank_prepare(&ranking, g.model, &shelf, &arena, NULL),
                     SOTTO_ERR(MODEL, RANGE));
    close_shop(s);
    free(s);
    close_golden(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_forests_rank_as_they_score),
        cmocka_unit_test(leaves_of_any_size_do_not_overflow),
        cmocka_unit_test(packed_nodes_score_as_those_of_the_file),
        cmocka_unit_test(few_or_no_product_features),
        cmocka_unit_test(trained_and_wild_models_rank_as_they_score),
        cmocka_unit_test(categories_and_missing_zeros_rank_as_they_score),
        cmocka_unit_test(sets_that_fit_no_slot_are_scored_whole),
        cmocka_unit_test(other_models_are_scored_whole),
        cmocka_unit_test(too_little_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
