/* A small recommender's file, written by hand. Whoever includes it has assert_int_equal, as for
 * model_writer.h. */
#ifndef DECIDE_ITEMS_WRITER_H
#define DECIDE_ITEMS_WRITER_H

#include "sotto/codec.h"

static uint8_t items_file[512];
static sotto_buf items_bytes;

static void put(uint64_t v, size_t width)
{
    for (size_t i = 0; i < width; i++)
        assert_int_equal(sotto_put_u8(&items_bytes, (uint8_t)(v >> (8 * i))), SOTTO_OK);
}

/* saver, term, card and the segment "young". Who holds the card wants the term deposit .25 more and the saver
 * .25 less; half of it is left after 30 days, or when nobody knows since when. The fund is not among them. */
static void write_items(void)
{
    static const char *const NAMES[] = {"saver", "term", "card", "young"};
    static const uint32_t POPULAR[] = {1u << 29, 1u << 28, 1u << 27, 1u << 28, 1u << 28, 1u << 28};
    static const int32_t CONSTANT[] = {1 << 23, 1 << 22, 1 << 21};
    static const int16_t ROW[3][3] = {{0, 0, 0}, {0, 0, 0}, {-8192, 8192, 0}};
    items_bytes = sotto_buf_of(items_file, sizeof items_file);
    assert_int_equal(sotto_buf_put(&items_bytes, "SOTTOITM", 8), SOTTO_OK);
    put(1, 2);
    put(1, 2);
    put(3, 4);
    put(387633, 4); /* ln 2 / 30 */
    put(16384, 2);
    put(0, 3);
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++)
        assert_int_equal(sotto_put_blob(&items_bytes, sotto_span_str(NAMES[i])), SOTTO_OK);
    for (size_t i = 0; i < SOTTO_COUNT(POPULAR); i++)
        put(POPULAR[i], 4);
    for (size_t i = 0; i < 3; i++)
        put((uint32_t)CONSTANT[i], 4);
    for (size_t i = 0; i < 3; i++) {
        put(6, 1);
        for (size_t k = 0; k < 3; k++)
            put((uint16_t)ROW[i][k], 2);
    }
    put(sotto_crc32(0, sotto_buf_span(&items_bytes)), 4);
}

#endif
