/* Doubles become docs/formats/items.md, and are read back before anybody else reads them. */
#include "recommend_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LN_2 0.69314718055994530942
enum { ENTRY_MAX = 32767, SHIFT_MAX = 30, SHIFT_BASE = 9, CONSTANT_BITS = 28 };

static void put(sotto_vec *out, uint64_t v, size_t width, sotto_status *status)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    if (*status == SOTTO_OK)
        *status = sotto_vec_put(out, bytes, width);
}

/* A uvarint of a length below 2^14 and the bytes. */
static void put_text(sotto_vec *out, const char *text, sotto_status *status)
{
    size_t len = strlen(text);
    if (len < 128)
        put(out, len, 1, status);
    else
        put(out, (len & 127) | 128 | len >> 7 << 8, 2, status);
    if (*status == SOTTO_OK)
        *status = sotto_vec_put(out, text, len);
}

static int64_t nearest(double v, double most)
{
    return (int64_t)rint(v > most ? most : v < -most ? -most : v);
}

/* The largest shift at which no entry of the row passes int16. */
static unsigned shift_of(const double *row, size_t n)
{
    double most = 0;
    unsigned shift = SHIFT_MAX;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(row[i]));
    while (shift > 0 && ldexp(most, (int)(shift + SHIFT_BASE)) > ENTRY_MAX)
        shift--;
    return shift;
}

static void put_rows(const rec_matrix *m, sotto_vec *out, sotto_status *status)
{
    for (size_t i = 0; i < m->items; i++) {
        const double *row = m->row + i * m->items;
        unsigned shift = shift_of(row, m->items);
        put(out, shift, 1, status);
        for (size_t k = 0; k < m->items; k++)
            put(out, (uint16_t)nearest(ldexp(row[k], (int)(shift + SHIFT_BASE)), ENTRY_MAX), 2, status);
    }
}

static void put_numbers(const rec_matrix *m, sotto_vec *out, sotto_status *status)
{
    for (size_t i = 0; i < (1 + m->segments) * m->items; i++)
        put(out, (uint32_t)nearest(fmin(fmax(m->popular[i], 0), 1) * SOTTO_PROB_ONE_Q30, SOTTO_PROB_ONE_Q30),
            4, status);
    for (size_t i = 0; i < m->items; i++)
        put(out, (uint32_t)nearest(ldexp(m->constant[i], 24), ldexp(1, CONSTANT_BITS)), 4, status);
}

static sotto_status load(rec_file *f, sotto_span bytes, sotto_diag *diag)
{
    size_t size = sotto_items_arena_bound(bytes.len);
    sotto_arena arena;
    f->items = NULL;
    if ((f->memory = eval_array(size, 1, diag)) == NULL)
        return diag->status;
    sotto_arena_init(&arena, f->memory, size);
    return sotto_items_load(&f->items, bytes, &arena, diag);
}

sotto_status rec_file_open(rec_file *f, const char *path, sotto_diag *diag)
{
    sotto_vec bytes;
    *f = (rec_file){.items = NULL};
    sotto_status status = learn_read_file(path, &bytes, diag);
    if (status == SOTTO_OK)
        status = load(f, sotto_vec_span(&bytes), diag);
    sotto_vec_free(&bytes);
    return learn_place(status, path, diag);
}

void rec_file_close(rec_file *f)
{
    free(f->memory);
    *f = (rec_file){.items = NULL};
}

sotto_status rec_write(const rec_matrix *m, const rec_log *log, const rec_settings *s, const char *source,
                       sotto_vec *out, sotto_diag *diag)
{
    sotto_status status = sotto_vec_put(out, "SOTTOITM", 8);
    double decay = s->history_days > 0 ? ldexp(LN_2 / s->history_days, 24) : 0;
    put(out, 1, 2, &status);
    put(out, m->segments, 2, &status);
    put(out, m->items, 4, &status);
    put(out, (uint32_t)nearest(decay, ldexp(1, 24)), 4, &status);
    put(out, (uint16_t)nearest(m->held * SOTTO_ITEMS_ONE_Q15, SOTTO_ITEMS_ONE_Q15), 2, &status);
    put(out, 0, 2, &status);
    put_text(out, source, &status);
    for (size_t i = 0; i < m->items; i++)
        put_text(out, eval_words_at(log->past.column[REC_ITEM].words, i), &status);
    for (size_t i = 0; i < m->segments; i++)
        put_text(out, eval_words_at(log->past.column[REC_SEGMENT].words, i), &status);
    put_numbers(m, out, &status);
    put_rows(m, out, &status);
    put(out, sotto_crc32(0, sotto_vec_span(out)), 4, &status);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the items cannot be written");
    rec_file made = {.items = NULL};
    status = load(&made, sotto_vec_span(out), diag);
    rec_file_close(&made);
    return status;
}
