/* Doubles become docs/formats/items.md, and are read back before anybody else reads them. */
#include "recommend/recommend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LN_2 0.69314718055994530942
enum { ENTRY_MAX = 32767, SHIFT_MAX = 30, SHIFT_BASE = 9, CONSTANT_BITS = 28 };
/* Of embeddings: a number of what is held is worth number x 2^-(shift + 7 or 15), of what is wanted x
 * 2^-(shift + 2); the latter's may add up to 2^(8 + shift). */
enum { HELD_BASE_8 = 7, HELD_BASE_16 = 15, WANTED_BASE = 2, WANTED_SUM_MAX = 64 };

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

/* The largest shift at which no number of the row passes `limit`. */
static unsigned shift_of(const double *row, size_t n, unsigned base, double limit)
{
    double most = 0;
    unsigned shift = SHIFT_MAX;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(row[i]));
    while (shift > 0 && ldexp(most, (int)(shift + base)) > limit)
        shift--;
    return shift;
}

static void put_rows(const rec_matrix *m, sotto_vec *out, sotto_status *status)
{
    for (size_t i = 0; i < m->items; i++) {
        const double *row = m->row + i * m->items;
        unsigned shift = shift_of(row, m->items, SHIFT_BASE, ENTRY_MAX);
        put(out, shift, 1, status);
        for (size_t k = 0; k < m->items; k++)
            put(out, (uint16_t)nearest(ldexp(row[k], (int)(shift + SHIFT_BASE)), ENTRY_MAX), 2, status);
    }
}

/* Vectors as integers, and in place of each number what it has become. */
static void put_vectors(double *vectors, const rec_embedding *e, unsigned base, sotto_vec *out,
                        sotto_status *status)
{
    double limit = e->width == 1 ? INT8_MAX : INT16_MAX;
    for (size_t i = 0; i < e->items; i++) {
        double *v = vectors + i * e->dims;
        unsigned shift = shift_of(v, e->dims, base, limit);
        put(out, shift, 1, status);
        for (size_t k = 0; k < e->dims; k++) {
            int64_t number = nearest(ldexp(v[k], (int)(shift + base)), limit);
            put(out, (uint64_t)number, e->width, status);
            v[k] = ldexp((double)number, -(int)(shift + base));
        }
    }
}

static double entry_of(const rec_embedding *e, size_t held, size_t wanted)
{
    double sum = 0;
    for (size_t k = 0; k < e->dims; k++)
        sum += e->held[held * e->dims + k] * e->wanted[wanted * e->dims + k];
    return sum;
}

/* How far entries are from m's: once before the numbers become integers and once after it. */
static double farthest(const rec_embedding *e, const double *row)
{
    double most = 0;
    for (size_t h = 0; h < e->items; h++)
        for (size_t i = 0; i < e->items; i++)
            most = fmax(most, fabs(entry_of(e, h, i) - row[h * e->items + i]));
    return most;
}

/* By the loader's own bound (docs/formats/items.md), and of what the numbers have become: rounding may add
 * half a unit to each of them. A sum of at most 64 such doubles is exact. */
static bool too_long(const rec_embedding *e)
{
    for (size_t i = 0; i < e->items; i++) {
        double sum = 0;
        for (size_t k = 0; k < e->dims; k++)
            sum += fabs(e->wanted[i * e->dims + k]);
        if (sum > WANTED_SUM_MAX)
            return true;
    }
    return false;
}

static sotto_status put_embedding(const rec_matrix *m, rec_embedding *e, sotto_vec *out, sotto_status *status,
                                  sotto_diag *diag)
{
    size_t n = e->items;
    double *exact = eval_array(n * n, sizeof *exact, diag);
    if (exact == NULL)
        return diag->status;
    for (size_t h = 0; h < n; h++)
        for (size_t i = 0; i < n; i++)
            exact[h * n + i] = entry_of(e, h, i);
    e->left_out = farthest(e, m->row);
    put_vectors(e->held, e, e->width == 1 ? HELD_BASE_8 : HELD_BASE_16, out, status);
    put_vectors(e->wanted, e, WANTED_BASE, out, status);
    bool fits = !too_long(e);
    e->rounded = farthest(e, exact);
    free(exact);
    return fits ? SOTTO_OK
                : sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                                 "the embeddings are too long for their format: use a "
                                 "larger ridge, or a matrix");
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

static sotto_status put_what_goes_with_what(const rec_matrix *m, rec_embedding *e, sotto_vec *out,
                                            sotto_status *status, sotto_diag *diag)
{
    if (e != NULL)
        return put_embedding(m, e, out, status, diag);
    put_rows(m, out, status);
    return SOTTO_OK;
}

sotto_status rec_write(const rec_matrix *m, rec_embedding *e, const rec_log *log, const rec_settings *s,
                       const char *source, sotto_vec *out, sotto_diag *diag)
{
    sotto_status status = sotto_vec_put(out, "SOTTOITM", 8);
    double decay = s->history_days > 0 ? ldexp(LN_2 / s->history_days, 24) : 0;
    put(out, e == NULL ? 1 : 2, 2, &status);
    put(out, m->segments, 2, &status);
    put(out, m->items, 4, &status);
    put(out, (uint32_t)nearest(decay, ldexp(1, 24)), 4, &status);
    put(out, (uint16_t)nearest(m->held * SOTTO_ITEMS_ONE_Q15, SOTTO_ITEMS_ONE_Q15), 2, &status);
    put(out, e == NULL ? 0 : e->dims | e->width << 8, 2, &status);
    put_text(out, source, &status);
    for (size_t i = 0; i < m->items; i++)
        put_text(out, eval_words_at(log->past.column[REC_ITEM].words, i), &status);
    for (size_t i = 0; i < m->segments; i++)
        put_text(out, eval_words_at(log->past.column[REC_SEGMENT].words, i), &status);
    put_numbers(m, out, &status);
    sotto_status shaped = put_what_goes_with_what(m, e, out, &status, diag);
    if (shaped != SOTTO_OK)
        return shaped;
    put(out, sotto_crc32(0, sotto_vec_span(out)), 4, &status);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the items cannot be written");
    rec_file made = {.items = NULL};
    status = load(&made, sotto_vec_span(out), diag);
    rec_file_close(&made);
    return status;
}
