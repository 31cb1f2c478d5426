/* Item x item and embeddings: scores worked by hand, the same bits on every CPU, and files that are not what
 * they should be.
 */
#include "sotto/items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 1 << 16, WIDE = 40 };

typedef struct shape {
    size_t items, segments;
    uint32_t decay_q24;
    uint64_t seed;      /* 0: the small examples of docs/formats/items.md */
    size_t dims, width; /* 0: a matrix */
} shape;

static const shape EXAMPLE = {.items = 3, .segments = 1, .decay_q24 = 387633}; /* ln 2 / 30 days */
static const shape BIG = {.items = WIDE, .segments = 4, .decay_q24 = 129211, .seed = 7};
static const shape SMALL_8 = {.items = 3, .segments = 1, .decay_q24 = 387633, .dims = 2, .width = 1};
static const shape SMALL_16 = {.items = 3, .segments = 1, .decay_q24 = 387633, .dims = 2, .width = 2};
static const shape *const SMALL[] = {&EXAMPLE, &SMALL_8, &SMALL_16};
static const shape BIG_8 = {
    .items = WIDE, .segments = 4, .decay_q24 = 129211, .seed = 7, .dims = 24, .width = 1};
static const shape BIG_16 = {
    .items = WIDE, .segments = 4, .decay_q24 = 129211, .seed = 7, .dims = 64, .width = 2};

static uint64_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 24;
}

static void put_name(sotto_buf *b, const char *stem, size_t i)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%s%u", stem, (unsigned)i);
    assert_int_equal(sotto_put_blob(b, sotto_span_str(name)), SOTTO_OK);
}

/* Wanted vectors are short enough for their shift: 64 numbers of 2^15 are 2^21 = 2^(8 + 13). */
static void put_vectors(sotto_buf *b, const shape *s, uint64_t *state, bool wanted)
{
    static const int16_t NUMBER[2][6] = {{-64, 32, 100, 0, 1, -128}, {16, 32, 0, -3, 127, -1}};
    static const uint8_t SHIFT[2][3] = {{0, 1, 30}, {4, 5, 6}};
    for (size_t i = 0; i < s->items; i++) {
        uint8_t shift = wanted ? (uint8_t)(13 + draw(state) % 18) : (uint8_t)(draw(state) % 31);
        assert_int_equal(sotto_put_u8(b, s->seed == 0 ? SHIFT[wanted][i] : shift), SOTTO_OK);
        for (size_t k = 0; k < s->dims; k++) {
            uint16_t v = s->seed == 0 ? (uint16_t)NUMBER[wanted][i * 2 + k] : (uint16_t)draw(state);
            assert_int_equal(s->width == 1 ? sotto_put_u8(b, (uint8_t)v) : sotto_put_u16(b, v), SOTTO_OK);
        }
    }
}

static void put_numbers(sotto_buf *b, const shape *s)
{
    static const uint32_t POPULAR[] = {1u << 29, 1u << 28, 1u << 27, 1u << 28, 1u << 28, 1u << 28};
    static const int32_t CONSTANT[] = {1 << 22, 1 << 21, 1 << 20};
    static const int16_t ROW[] = {-16384, 8192, 0, 100, 0, 32767, 1, -1, 0};
    uint64_t state = s->seed;
    for (size_t i = 0; i < (1 + s->segments) * s->items; i++)
        assert_int_equal(
            sotto_put_u32(b, s->seed == 0 ? POPULAR[i] : (uint32_t)draw(&state) & (SOTTO_PROB_ONE_Q30 - 1)),
            SOTTO_OK);
    for (size_t i = 0; i < s->items; i++)
        assert_int_equal(
            sotto_put_u32(b, s->seed == 0 ? (uint32_t)CONSTANT[i] : (uint32_t)(draw(&state) & 0xffffff)),
            SOTTO_OK);
    if (s->dims > 0) {
        put_vectors(b, s, &state, false);
        put_vectors(b, s, &state, true);
        return;
    }
    for (size_t i = 0; i < s->items; i++) {
        assert_int_equal(sotto_put_u8(b, s->seed == 0 ? 6 : (uint8_t)(draw(&state) % 31)), SOTTO_OK);
        for (size_t k = 0; k < s->items; k++)
            assert_int_equal(
                sotto_put_u16(b, s->seed == 0 ? (uint16_t)ROW[i * 3 + k] : (uint16_t)draw(&state)), SOTTO_OK);
    }
}

static void seal(sotto_buf *b)
{
    assert_int_equal(sotto_put_u32(b, sotto_crc32(0, sotto_buf_span(b))), SOTTO_OK);
}

static sotto_buf make(const shape *s, uint8_t *memory)
{
    sotto_buf b = sotto_buf_of(memory, FILE_MAX);
    assert_int_equal(sotto_buf_put(&b, "SOTTOITM", 8), SOTTO_OK);
    assert_int_equal(sotto_put_u16(&b, s->dims > 0 ? 2 : 1), SOTTO_OK);
    assert_int_equal(sotto_put_u16(&b, (uint16_t)s->segments), SOTTO_OK);
    assert_int_equal(sotto_put_u32(&b, (uint32_t)s->items), SOTTO_OK);
    assert_int_equal(sotto_put_u32(&b, s->decay_q24), SOTTO_OK);
    assert_int_equal(sotto_put_u16(&b, 8192), SOTTO_OK);
    assert_int_equal(sotto_put_u16(&b, (uint16_t)(s->dims | s->width << 8)), SOTTO_OK);
    assert_int_equal(sotto_put_blob(&b, sotto_span_str("method=next\n")), SOTTO_OK);
    for (size_t i = 0; i < s->items; i++)
        put_name(&b, "item-", i);
    for (size_t i = 0; i < s->segments; i++)
        put_name(&b, "segment-", i);
    put_numbers(&b, s);
    seal(&b);
    return b;
}

/* Loads with exactly `cap` bytes of memory. */
static sotto_status load(const sotto_items **t, sotto_span file, size_t cap, void **memory, sotto_diag *diag)
{
    sotto_arena arena;
    *memory = malloc(cap > 0 ? cap : 1);
    assert_non_null(*memory);
    sotto_arena_init(&arena, *memory, cap);
    sotto_status status = sotto_items_load(t, file, &arena, diag);
    assert_true((status == SOTTO_OK) == (*t != NULL));
    assert_true(status == SOTTO_OK || sotto_arena_mark(&arena) == 0);
    return status;
}

static const sotto_items *load_shape(const shape *s, void **memory)
{
    static uint8_t bytes[FILE_MAX];
    const sotto_items *t;
    sotto_diag diag = {0};
    sotto_buf b = make(s, bytes);
    assert_int_equal(load(&t, sotto_buf_span(&b), sotto_items_arena_bound(b.len), memory, &diag), SOTTO_OK);
    return t;
}

/* Row 0 has shift 6, so an entry of -16384 is -16384 / 2^15 = -0.5; 8192 is 0.25. */
static void an_example_worked_by_hand(void **state)
{
    (void)state;
    void *memory;
    const sotto_items *t = load_shape(&EXAMPLE, &memory);
    int64_t score[3];
    int because = 7;
    sotto_items_held held[2] = {{.item = 0, .weight_q15 = SOTTO_ITEMS_ONE_Q15},
                                {.item = 1, .weight_q15 = 16384}};
    assert_int_equal(sotto_items_count(t), 3);
    assert_string_equal(sotto_items_id(t, 2), "item-2");
    assert_string_equal(sotto_items_source(t), "method=next\n");
    assert_int_equal(sotto_items_find(t, sotto_span_str("item-1")), 1);
    assert_int_equal(sotto_items_find(t, sotto_span_str("item-9")), -1);
    assert_int_equal(sotto_items_segment_find(t, sotto_span_str("segment-0")), 0);
    sotto_items_customer both, none;
    sotto_items_customer_of(t, held, 2, &both);
    sotto_items_customer_of(t, held, 0, &none);
    assert_int_equal(sotto_items_dims(t), 0);
    sotto_items_scores_q24(t, held, 2, score);
    assert_int_equal(score[0], (1 << 22) - (1 << 23) + 100 * 256);
    assert_int_equal(score[1], (1 << 21) + (1 << 22));
    assert_int_equal(score[2], (1 << 20) + 32767 * 256);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sotto_items_score_q24(t, &both, i, &because), score[i]);
    assert_int_equal(because, 1); /* item-2 is wanted because of item-1 */
    assert_int_equal(sotto_items_score_q24(t, &both, 1, &because), score[1]);
    assert_int_equal(because, 0);
    assert_int_equal(sotto_items_score_q24(t, &none, 0, &because), 1 << 22);
    assert_int_equal(because, -1);
    free(memory);
}

/* item-0 whole: -64, 32 in 2^-7 = -1/2, 1/4; item-1 half, shift 1: 100 x 2^-8 / 2 = 50 / 256, 0. Sums in
 * 2^-22. item-0 is wanted by 16, 32 in 2^-6, item-1 by 0, -3 in 2^-7, item-2 by 127, -1 in 2^-8. */
static void an_embedding_worked_by_hand(void **state)
{
    (void)state;
    void *memory;
    const sotto_items *t = load_shape(&SMALL_8, &memory);
    int64_t score[3];
    int because = 7;
    sotto_items_held held[2] = {{.item = 0, .weight_q15 = SOTTO_ITEMS_ONE_Q15},
                                {.item = 1, .weight_q15 = 16384}};
    sotto_items_customer c;
    sotto_items_customer_of(t, held, 2, &c);
    assert_int_equal(sotto_items_dims(t), 2);
    assert_int_equal(c.vector_q22[0], -(1 << 21) + 50 * (1 << 14));
    assert_int_equal(c.vector_q22[1], 1 << 20);
    sotto_items_scores_q24(t, held, 2, score);
    assert_int_equal(score[0], (1 << 22) + ((-(1 << 21) + 50 * (1 << 14)) * 16 + (1 << 20) * 32) / 16);
    assert_int_equal(score[1], (1 << 21) - 3 * (1 << 20) / 32);
    assert_int_equal(score[2], (1 << 20) + ((-(1 << 21) + 50 * (1 << 14)) * 127 - (1 << 20)) / 64);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sotto_items_score_q24(t, &c, i, NULL), score[i]);
    assert_int_equal(sotto_items_score_q24(t, &c, 2, &because), score[2]);
    assert_int_equal(because, 1); /* item-0 lowers it */
    (void)sotto_items_score_q24(t, &c, 1, &because);
    assert_int_equal(because, -1); /* nothing raises it */
    free(memory);
}

/* The extremes that a file can say: the largest sum of 512 things held, and nothing passes 2^40. */
static void the_largest_customer_fits(void **state)
{
    (void)state;
    enum { ALL = SOTTO_ITEMS_MAX, DIMS = SOTTO_ITEMS_DIMS_MAX };
    static uint8_t bytes[1 << 20];
    static sotto_items_held held[ALL];
    for (int sign = -1; sign <= 1; sign += 2) {
        sotto_buf b = sotto_buf_of(bytes, sizeof bytes);
        assert_int_equal(sotto_buf_put(&b, "SOTTOITM", 8), SOTTO_OK);
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(
                sotto_put_u8(&b, (const uint8_t[16]){2, 0, 0, 0, ALL & 0xff, ALL >> 8, [14] = DIMS, 2}[i]),
                SOTTO_OK);
        assert_int_equal(sotto_put_blob(&b, sotto_span_str("")), SOTTO_OK);
        for (size_t i = 0; i < ALL; i++) {
            put_name(&b, "item-", i);
            held[i] = (sotto_items_held){.item = (uint16_t)i, .weight_q15 = SOTTO_ITEMS_ONE_Q15};
        }
        for (size_t i = 0; i < 2 * ALL; i++)
            assert_int_equal(sotto_put_u32(&b, i < ALL ? 1 : (uint32_t)(sign * (1 << 28))), SOTTO_OK);
        for (size_t i = 0; i < 2 * ALL; i++) {
            assert_int_equal(sotto_put_u8(&b, i < ALL ? 0 : 13), SOTTO_OK);
            for (size_t k = 0; k < DIMS; k++)
                assert_int_equal(sotto_put_u16(&b, (uint16_t)(i < ALL && sign > 0 ? 32767 : -32768)),
                                 SOTTO_OK);
        }
        seal(&b);
        const sotto_items *t;
        void *memory;
        sotto_diag diag = {0};
        assert_int_equal(load(&t, sotto_buf_span(&b), sotto_items_arena_bound(b.len), &memory, &diag),
                         SOTTO_OK);
        sotto_items_customer c;
        sotto_items_customer_of(t, held, ALL, &c);
        assert_int_equal(c.vector_q22[DIMS - 1], sign < 0 ? INT32_MIN : (32767 * 128) * ALL);
        int64_t score = sotto_items_score_q24(t, &c, 0, NULL), most = INT64_C(1) << 39;
        assert_true(sign < 0 ? score == most - (1 << 28) : score > -most && score < -most / 2);
        assert_in_range(sotto_items_factor_q16(t, 0, score), SOTTO_ITEMS_FACTOR_MIN_Q16,
                        SOTTO_ITEMS_FACTOR_MAX_Q16);
        free(memory);
    }
}

static void weights_halve(void **state)
{
    (void)state;
    void *memory;
    const sotto_items *t = load_shape(&EXAMPLE, &memory);
    assert_int_equal(sotto_items_weight_q15(t, -1), 8192); /* since nobody knows when */
    assert_int_equal(sotto_items_weight_q15(t, 0), SOTTO_ITEMS_ONE_Q15);
    assert_int_equal(sotto_items_weight_q15(t, 30), 16384);
    assert_int_equal(sotto_items_weight_q15(t, 60), 8192);
    assert_int_equal(sotto_items_weight_q15(t, INT32_MAX), 0);
    for (int32_t d = 1; d < 1000; d++)
        assert_true(sotto_items_weight_q15(t, d) <= sotto_items_weight_q15(t, d - 1));
    free(memory);
}

static void factors_are_held_between_a_quarter_and_four(void **state)
{
    (void)state;
    void *memory;
    const sotto_items *t = load_shape(&EXAMPLE, &memory);
    assert_int_equal(sotto_items_factor_q16(t, 0, 1 << 23), SOTTO_ITEMS_FACTOR_ONE_Q16);
    assert_int_equal(sotto_items_factor_q16(t, 0, 3 << 22), SOTTO_ITEMS_FACTOR_ONE_Q16 * 3 / 2);
    assert_int_equal(sotto_items_factor_q16(t, 0, -5), SOTTO_ITEMS_FACTOR_MIN_Q16);
    assert_int_equal(sotto_items_factor_q16(t, 2, 1 << 24), SOTTO_ITEMS_FACTOR_MAX_Q16);
    assert_int_equal(sotto_items_factor_q16(t, 2, (INT64_C(1) << 40) - 1), SOTTO_ITEMS_FACTOR_MAX_Q16);
    assert_int_equal(sotto_items_segment_factor_q16(t, 0, -1), SOTTO_ITEMS_FACTOR_ONE_Q16);
    assert_int_equal(sotto_items_segment_factor_q16(t, 0, 0), SOTTO_ITEMS_FACTOR_ONE_Q16 / 2);
    assert_int_equal(sotto_items_segment_factor_q16(t, 2, 0), SOTTO_ITEMS_FACTOR_ONE_Q16 * 2);
    free(memory);
}

/* Recorded on x86-64 with GCC 12; armv7 and aarch64 must give them too. */
static const struct {
    const shape *of;
    size_t rounds;
    uint64_t hash;
} GOLDEN[] = {{&BIG, 500, UINT64_C(0x225126c968239ed7)},
              {&BIG_8, 60, UINT64_C(0xa4d7485b6b6e582b)},
              {&BIG_16, 60, UINT64_C(0x7393e1b00849f08e)}};

static uint64_t hash(uint64_t h, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        h = (h ^ (uint8_t)(v >> (8 * i))) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_round(const sotto_items *t, size_t round, uint64_t *random, uint64_t h)
{
    sotto_items_held held[WIDE];
    int64_t score[WIDE];
    sotto_items_customer c;
    size_t count = round % (WIDE + 1);
    for (size_t i = 0; i < count; i++)
        held[i] = (sotto_items_held){.item = (uint16_t)((i * 7 + round) % WIDE),
                                     .weight_q15 = sotto_items_weight_q15(t, (int32_t)(draw(random) % 2000))};
    sotto_items_scores_q24(t, held, count, score);
    sotto_items_customer_of(t, held, count, &c);
    for (size_t i = 0; i < WIDE; i++) {
        int because;
        assert_true(sotto_items_score_q24(t, &c, i, &because) == score[i]);
        h = hash(h, (uint64_t)score[i] ^ (uint64_t)(int64_t)because << 32);
        h = hash(h, sotto_items_factor_q16(t, i, score[i]));
        h = hash(h, sotto_items_segment_factor_q16(t, i, (int)(round % 5) - 1));
    }
    return h;
}

static void answers_are_those_recorded(void **state)
{
    (void)state;
    for (size_t g = 0; g < SOTTO_COUNT(GOLDEN); g++) {
        void *memory;
        const sotto_items *t = load_shape(GOLDEN[g].of, &memory);
        uint64_t h = UINT64_C(0xcbf29ce484222325), random = 99;
        for (size_t round = 0; round < GOLDEN[g].rounds; round++)
            h = hash_round(t, round, &random, h);
        free(memory);
        if (h != GOLDEN[g].hash)
            print_message("%016llx\n", (unsigned long long)h);
        assert_true(h == GOLDEN[g].hash);
    }
}

/* Whatever memory it gets: loaded, or refused with everything given back. */
static void every_size_of_memory(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_MAX];
    for (size_t k = 0; k < SOTTO_COUNT(SMALL); k++) {
        sotto_buf b = make(SMALL[k], bytes);
        const sotto_items *t;
        void *memory;
        size_t bound = sotto_items_arena_bound(b.len), refused = 0;
        for (size_t cap = 0; cap <= bound; cap += 16) {
            sotto_diag diag = {0};
            sotto_status status = load(&t, sotto_buf_span(&b), cap, &memory, &diag);
            assert_true(status == SOTTO_OK || status == SOTTO_ERR(MODEL, NO_SPACE));
            refused += status != SOTTO_OK;
            free(memory);
        }
        assert_in_range(refused, 5, bound / 16);
    }
}

static void try_file(uint8_t *bytes, size_t len)
{
    const sotto_items *t;
    void *memory;
    sotto_diag diag = {0};
    sotto_status status = load(&t, sotto_span_of(bytes, len), sotto_items_arena_bound(len), &memory, &diag);
    assert_int_equal(diag.status, status);
    assert_int_not_equal(sotto_status_cause(status), SOTTO_CAUSE_NO_SPACE);
    if (status == SOTTO_OK) {
        sotto_items_held all[3] = {{0, 32768}, {1, 1}, {2, 500}};
        int64_t score[SOTTO_ITEMS_MAX];
        sotto_items_scores_q24(t, all, sotto_items_count(t) < 3 ? sotto_items_count(t) : 3, score);
    } else {
        assert_true(diag.has_offset && diag.offset <= len);
    }
    free(memory);
}

static void change_every_byte(const shape *s)
{
    static const uint8_t EDGES[] = {0, 1, 2, 0x1f, 0x40, 0x7f, 0x80, 0xff};
    static uint8_t bytes[FILE_MAX], changed[FILE_MAX];
    size_t len = make(s, bytes).len - 4;
    for (size_t at = 0; at < len; at++)
        for (size_t i = 0; i < SOTTO_COUNT(EDGES); i++)
            for (size_t width = 1; width <= 2; width++) {
                memcpy(changed, bytes, len);
                memset(changed + at, EDGES[i], at + width <= len ? width : 1);
                sotto_buf b = {.ptr = changed, .cap = FILE_MAX, .len = len};
                seal(&b);
                try_file(changed, b.len);
            }
}

/* Each byte set to the values at the ends of ranges, each 16 bits too, with the checksum put right. */
static void no_byte_can_lie(void **state)
{
    (void)state;
    for (size_t k = 0; k < SOTTO_COUNT(SMALL); k++)
        change_every_byte(SMALL[k]);
}

static void cut_everywhere(const shape *s)
{
    static uint8_t bytes[FILE_MAX];
    size_t len = make(s, bytes).len;
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 4);
        assert_non_null(exact);
        memcpy(exact, bytes, cut);
        sotto_buf b = {.ptr = exact, .cap = cut + 4, .len = cut};
        seal(&b);
        const sotto_items *t;
        void *memory;
        sotto_diag diag = {0};
        sotto_status status = load(&t, sotto_buf_span(&b), 4096, &memory, &diag);
        assert_true((status == SOTTO_OK) ==
                    (cut == len - 4)); /* the file itself, sealed once more as it was */
        free(memory);
        free(exact);
    }
    bytes[40] ^= 1;
    const sotto_items *t;
    void *memory;
    sotto_diag diag = {0};
    assert_int_equal(load(&t, sotto_span_of(bytes, len), 4096, &memory, &diag), SOTTO_ERR(MODEL, CORRUPT));
    free(memory);
}

static void no_end_is_read_beyond(void **state)
{
    (void)state;
    for (size_t k = 0; k < SOTTO_COUNT(SMALL); k++)
        cut_everywhere(SMALL[k]);
}

/* What only embeddings can get wrong: dimensions, width, a vector too long for its scale. */
static void embeddings_that_are_none(void **state)
{
    (void)state;
    static const struct {
        size_t from_end; /* 0: the byte stands at `at` */
        size_t at;
        uint8_t value;
        unsigned cause;
    } CASES[] = {{0, 22, 0, SOTTO_CAUSE_RANGE},      {0, 22, 65, SOTTO_CAUSE_RANGE},
                 {0, 23, 0, SOTTO_CAUSE_RANGE},      {0, 23, 3, SOTTO_CAUSE_RANGE},
                 {0, 8, 3, SOTTO_CAUSE_UNSUPPORTED}, {0, 8, 0, SOTTO_CAUSE_UNSUPPORTED},
                 {0, 22, 6, SOTTO_CAUSE_TRUNCATED},  {3, 0, 31, SOTTO_CAUSE_RANGE}};
    static uint8_t bytes[FILE_MAX];
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        sotto_buf b = make(&SMALL_8, bytes);
        b.len -= 4;
        bytes[CASES[i].from_end > 0 ? b.len - CASES[i].from_end : CASES[i].at] = CASES[i].value;
        seal(&b);
        const sotto_items *t;
        void *memory;
        sotto_diag diag = {0};
        sotto_status status = load(&t, sotto_buf_span(&b), 4096, &memory, &diag);
        assert_int_equal(sotto_status_cause(status), CASES[i].cause);
        free(memory);
    }
    /* 2^15 + 2^15 in a scale of 0: more than 2^8. */
    sotto_buf b = make(&SMALL_16, bytes);
    b.len -= 4;
    memset(bytes + b.len - 5, 0, 5);
    bytes[b.len - 3] = bytes[b.len - 1] = 0x80;
    seal(&b);
    const sotto_items *t;
    void *memory;
    sotto_diag diag = {0};
    assert_int_equal(load(&t, sotto_buf_span(&b), 4096, &memory, &diag), SOTTO_ERR(MODEL, RANGE));
    assert_non_null(strstr(diag.text, "too long"));
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_example_worked_by_hand),
                                       cmocka_unit_test(an_embedding_worked_by_hand),
                                       cmocka_unit_test(the_largest_customer_fits),
                                       cmocka_unit_test(weights_halve),
                                       cmocka_unit_test(factors_are_held_between_a_quarter_and_four),
                                       cmocka_unit_test(answers_are_those_recorded),
                                       cmocka_unit_test(every_size_of_memory),
                                       cmocka_unit_test(no_byte_can_lie),
                                       cmocka_unit_test(no_end_is_read_beyond),
                                       cmocka_unit_test(embeddings_that_are_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
