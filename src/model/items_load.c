/* Reads docs/formats/items.md. */
#include "items_priv.h"

#include <string.h>

static const char MAGIC[] = "SOTTOITM";
enum {
    VERSION = 2, /* 1: a matrix; 2: embeddings */
    HEADER_BYTES = 24,
    CRC_BYTES = 4,
    SHIFT_MAX = 30,
    NAME_BYTES_MIN = 2,
    CONSTANT_MAX = 1 << 28
};
#define DECAY_MAX_Q24 ((uint32_t)1 << 24) /* a half-life of 0.7 days */

typedef struct reading {
    sotto_cursor cursor;
    sotto_items *items;
    sotto_arena *arena;
    sotto_diag *diag;
} reading;

static sotto_status bad(const reading *r, sotto_status status, const char *text)
{
    return sotto_diag_at_offset(r->diag, status, NULL, sotto_cursor_offset(&r->cursor), "%s", text);
}

static sotto_status no_space(const reading *r)
{
    return sotto_diag_set(r->diag, SOTTO_ERR(MODEL, NO_SPACE), "the memory given for the items is too small");
}

static sotto_status ends_early(const reading *r)
{
    return bad(r, SOTTO_ERR(MODEL, TRUNCATED), "the items end too early");
}

static bool is_name(sotto_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (memchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", s.ptr[i], 39) == NULL)
            return false;
    return s.len > 0;
}

static sotto_status read_names(reading *r, const char ***out, size_t count)
{
    if (sotto_cursor_left(&r->cursor) / NAME_BYTES_MIN < count) /* before memory is taken for them */
        return ends_early(r);
    const char **names = sotto_arena_array(r->arena, count, sizeof *names);
    if (names == NULL)
        return no_space(r);
    for (size_t i = 0; i < count; i++) {
        sotto_span name = sotto_cursor_blob(&r->cursor, SOTTO_ITEMS_ID_MAX);
        if (r->cursor.status != SOTTO_OK)
            return bad(r, SOTTO_ERR(MODEL, MALFORMED), "a name is too long or cut");
        if (!is_name(name))
            return bad(r, SOTTO_ERR(MODEL, MALFORMED), "a name is 1 to 64 of a-z 0-9 _ . -");
        for (size_t k = 0; k < i; k++)
            if (sotto_span_is(name, names[k]))
                return bad(r, SOTTO_ERR(MODEL, MALFORMED), "two of one name");
        if ((names[i] = sotto_arena_str(r->arena, name)) == NULL)
            return no_space(r);
    }
    *out = names;
    return SOTTO_OK;
}

static sotto_status read_header(reading *r)
{
    sotto_items *t = r->items;
    sotto_cursor *c = &r->cursor;
    if (sotto_cursor_left(c) < HEADER_BYTES)
        return ends_early(r);
    if (!sotto_span_is(sotto_cursor_bytes(c, sizeof MAGIC - 1), MAGIC))
        return bad(r, SOTTO_ERR(MODEL, MALFORMED), "this is not a file of items");
    uint16_t version = sotto_cursor_u16(c);
    if (version == 0 || version > VERSION)
        return bad(r, SOTTO_ERR(MODEL, UNSUPPORTED), "items of another version of the format");
    t->segments = sotto_cursor_u16(c);
    t->count = sotto_cursor_u32(c);
    t->decay_q24 = sotto_cursor_u32(c);
    t->held_q15 = sotto_cursor_u16(c);
    uint16_t shape = sotto_cursor_u16(c); /* of a matrix 0 */
    t->dims = version == 1 ? 0 : shape & 0xff;
    t->width = version == 1 ? 0 : shape >> 8;
    if (t->count == 0 || t->count > SOTTO_ITEMS_MAX || t->segments > SOTTO_ITEMS_SEGMENTS_MAX ||
        t->decay_q24 > DECAY_MAX_Q24 || t->held_q15 > SOTTO_ITEMS_ONE_Q15)
        return bad(r, SOTTO_ERR(MODEL, RANGE), "the head of the items is out of range");
    if (version == 1 && shape != 0)
        return bad(r, SOTTO_ERR(MODEL, MALFORMED), "a byte that must be zero is not");
    if (version == 2 && (t->dims == 0 || t->dims > SOTTO_ITEMS_DIMS_MAX || t->width < 1 || t->width > 2))
        return bad(r, SOTTO_ERR(MODEL, RANGE), "embeddings have 1 to 64 dimensions of 1 or 2 bytes");
    return SOTTO_OK;
}

static sotto_status read_source(reading *r)
{
    size_t at;
    sotto_span text = sotto_cursor_blob(&r->cursor, SOTTO_ITEMS_SOURCE_MAX);
    if (r->cursor.status != SOTTO_OK || memchr(text.ptr, '\0', text.len) != NULL ||
        !sotto_utf8_valid(text, &at))
        return bad(r, SOTTO_ERR(MODEL, MALFORMED), "how the items were learned is not a text");
    r->items->source = sotto_arena_str(r->arena, text);
    return r->items->source == NULL ? no_space(r) : SOTTO_OK;
}

static sotto_status read_popular(reading *r)
{
    sotto_items *t = r->items;
    size_t n = (1 + t->segments) * t->count;
    if (sotto_cursor_left(&r->cursor) < n * 4)
        return ends_early(r);
    if ((t->popular_q30 = sotto_arena_array(r->arena, n, sizeof *t->popular_q30)) == NULL)
        return no_space(r);
    for (size_t i = 0; i < n; i++)
        if ((t->popular_q30[i] = sotto_cursor_u32(&r->cursor)) > SOTTO_PROB_ONE_Q30)
            return bad(r, SOTTO_ERR(MODEL, RANGE), "a share above 1");
    return SOTTO_OK;
}

static sotto_status read_constants(reading *r)
{
    sotto_items *t = r->items;
    if (sotto_cursor_left(&r->cursor) < t->count * 4)
        return ends_early(r);
    if ((t->constant_q24 = sotto_arena_array(r->arena, t->count, sizeof *t->constant_q24)) == NULL)
        return no_space(r);
    for (size_t i = 0; i < t->count; i++) {
        t->constant_q24[i] = sotto_cursor_i32(&r->cursor);
        if (t->constant_q24[i] > CONSTANT_MAX || t->constant_q24[i] < -CONSTANT_MAX)
            return bad(r, SOTTO_ERR(MODEL, RANGE), "a constant out of range");
    }
    return SOTTO_OK;
}

static sotto_status read_rows(reading *r)
{
    sotto_items *t = r->items;
    size_t n = t->count;
    if (sotto_cursor_left(&r->cursor) < n * (1 + 2 * n))
        return ends_early(r);
    t->shift = sotto_arena_take(r->arena, n);
    t->row = sotto_arena_array(r->arena, n * n, sizeof *t->row);
    if (t->shift == NULL || t->row == NULL)
        return no_space(r);
    for (size_t i = 0; i < n; i++) {
        if ((t->shift[i] = sotto_cursor_u8(&r->cursor)) > SHIFT_MAX)
            return bad(r, SOTTO_ERR(MODEL, RANGE), "a row's scale is out of range");
        for (size_t k = 0; k < n; k++)
            t->row[i * n + k] = (int16_t)sotto_cursor_u16(&r->cursor);
    }
    return SOTTO_OK;
}

static int32_t read_number(sotto_cursor *c, size_t width)
{
    return width == 1 ? (int8_t)sotto_cursor_u8(c) : (int16_t)sotto_cursor_u16(c);
}

/* One vector, and how large all its numbers are together. */
static int64_t read_vector(reading *r, void *out, size_t first)
{
    const sotto_items *t = r->items;
    int64_t sum = 0;
    for (size_t dim = 0; dim < t->dims; dim++) {
        int32_t v = read_number(&r->cursor, t->width);
        sum += v < 0 ? -v : v;
        if (t->width == 1)
            ((int8_t *)out)[first + dim] = (int8_t)v;
        else
            ((int16_t *)out)[first + dim] = (int16_t)v;
    }
    return sum;
}

/* wanted: their numbers together are at most 2^(8 + shift), which holds all scores within 2^39 (items.c). */
static sotto_status read_vectors(reading *r, uint8_t **shifts, void **vectors, bool wanted)
{
    const sotto_items *t = r->items;
    if (sotto_cursor_left(&r->cursor) < t->count * (1 + t->width * t->dims))
        return ends_early(r);
    *shifts = sotto_arena_take(r->arena, t->count);
    *vectors = sotto_arena_array(r->arena, t->count * t->dims, t->width);
    if (*shifts == NULL || *vectors == NULL)
        return no_space(r);
    for (size_t i = 0; i < t->count; i++) {
        if (((*shifts)[i] = sotto_cursor_u8(&r->cursor)) > SHIFT_MAX)
            return bad(r, SOTTO_ERR(MODEL, RANGE), "a vector's scale is out of range");
        int64_t sum = read_vector(r, *vectors, i * t->dims);
        if (wanted && sum > INT64_C(1) << (ITEMS_WANTED_BITS + (*shifts)[i]))
            return bad(r, SOTTO_ERR(MODEL, RANGE), "a vector is too long for its scale");
    }
    return SOTTO_OK;
}

static sotto_status read_what_goes_with_what(reading *r)
{
    sotto_items *t = r->items;
    if (t->dims == 0)
        return read_rows(r);
    sotto_status status = read_vectors(r, &t->shift, &t->held, false);
    return status == SOTTO_OK ? read_vectors(r, &t->wanted_shift, &t->wanted, true) : status;
}

static sotto_status check_crc(reading *r, sotto_span file)
{
    if (file.len < HEADER_BYTES + CRC_BYTES)
        return ends_early(r);
    sotto_span covered = sotto_span_of(file.ptr, file.len - CRC_BYTES);
    sotto_cursor end = sotto_cursor_of(sotto_span_of(file.ptr + covered.len, CRC_BYTES));
    if (sotto_cursor_u32(&end) != sotto_crc32(0, covered))
        return bad(r, SOTTO_ERR(MODEL, CORRUPT), "the checksum does not match: the file is damaged");
    r->cursor = sotto_cursor_of(covered);
    return SOTTO_OK;
}

static sotto_status read_all(reading *r, sotto_span file)
{
    sotto_status status = check_crc(r, file);
    if (status == SOTTO_OK)
        status = read_header(r);
    if (status == SOTTO_OK)
        status = read_source(r);
    if (status == SOTTO_OK)
        status = read_names(r, &r->items->id, r->items->count);
    if (status == SOTTO_OK)
        status = read_names(r, &r->items->segment, r->items->segments);
    if (status == SOTTO_OK)
        status = read_popular(r);
    if (status == SOTTO_OK)
        status = read_constants(r);
    if (status == SOTTO_OK)
        status = read_what_goes_with_what(r);
    if (status == SOTTO_OK && sotto_cursor_end(&r->cursor) != SOTTO_OK)
        status = bad(r, SOTTO_ERR(MODEL, MALFORMED), "bytes behind the end of the items");
    return status;
}

/* Numbers take as many bytes as in the file; a name of one byte takes 2 there and a pointer and 16 here. */
size_t sotto_items_arena_bound(size_t file_bytes)
{
    enum { NAMES_MAX = SOTTO_ITEMS_MAX + SOTTO_ITEMS_SEGMENTS_MAX, PIECES = 10 };
    size_t names = file_bytes / 2 < NAMES_MAX ? file_bytes / 2 : NAMES_MAX;
    return sizeof(sotto_items) + file_bytes + names * (sizeof(char *) + 16) + PIECES * 16 + 64;
}

sotto_status sotto_items_load(const sotto_items **out, sotto_span file, sotto_arena *arena, sotto_diag *diag)
{
    size_t mark = sotto_arena_mark(arena);
    reading r = {.cursor = sotto_cursor_of(file), .arena = arena, .diag = diag};
    r.items = sotto_arena_take(arena, sizeof *r.items);
    sotto_status status = r.items == NULL ? no_space(&r) : read_all(&r, file);
    if (status != SOTTO_OK)
        sotto_arena_reset(arena, mark);
    *out = status == SOTTO_OK ? r.items : NULL;
    return status;
}
