/* Columns of a CSV by name: numbers, labels, and texts by number. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Texts stand one after the other, each with its NUL; slots is a hash table of indices + 1, a power of two
 * that is at most half full. */
struct eval_words {
    sotto_vec text;
    sotto_vec start; /* size_t each */
    uint32_t *slots;
    size_t slot_count;
};

typedef struct column_memory {
    sotto_vec values;
    eval_words words;
    int at; /* field of a row; -1: not there */
} column_memory;

size_t eval_words_count(const eval_words *w)
{
    return w->start.len / sizeof(size_t);
}

const char *eval_words_at(const eval_words *w, size_t code)
{
    size_t start;
    memcpy(&start, w->start.ptr + code * sizeof start, sizeof start);
    return (const char *)w->text.ptr + start;
}

/* FNV-1a, 64 bits (draft-eastlake-fnv). */
static uint64_t hash(sotto_span text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ text.ptr[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

/* The slot of text, or the empty one where it belongs. */
static size_t find_slot(const eval_words *w, sotto_span text)
{
    size_t at = (size_t)hash(text) & (w->slot_count - 1);
    while (w->slots[at] != 0 && !sotto_span_is(text, eval_words_at(w, w->slots[at] - 1)))
        at = (at + 1) & (w->slot_count - 1);
    return at;
}

int64_t eval_words_find(const eval_words *w, const char *text)
{
    return w->slot_count == 0 ? -1 : (int64_t)w->slots[find_slot(w, sotto_span_str(text))] - 1;
}

static bool grow(eval_words *w)
{
    size_t count = eval_words_count(w);
    if (w->slot_count > 2 * count)
        return true;
    size_t slot_count = w->slot_count == 0 ? 64 : w->slot_count * 4;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL)
        return false;
    free(w->slots);
    w->slots = slots;
    w->slot_count = slot_count;
    for (size_t i = 0; i < count; i++)
        slots[find_slot(w, sotto_span_str(eval_words_at(w, i)))] = (uint32_t)i + 1;
    return true;
}

static sotto_status intern(eval_words *w, sotto_span text, uint32_t *code)
{
    if (!grow(w))
        return SOTTO_ERR(HQ, NO_MEMORY);
    if (memchr(text.ptr == NULL ? (const uint8_t *)"" : text.ptr, '\0', text.len) != NULL)
        return SOTTO_ERR(HQ, MALFORMED);
    size_t at = find_slot(w, text), start = w->text.len;
    *code = w->slots[at] - 1;
    if (w->slots[at] != 0)
        return SOTTO_OK;
    *code = (uint32_t)eval_words_count(w);
    sotto_status status = sotto_vec_put(&w->text, text.ptr, text.len);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&w->text, "", 1);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&w->start, &start, sizeof start);
    if (status == SOTTO_OK)
        w->slots[at] = *code + 1;
    return status;
}

bool eval_number(sotto_span text, double *out)
{
    char buf[64], *end = NULL;
    if (text.len == 0 || sotto_span_to_str(text, buf, sizeof buf) != SOTTO_OK ||
        strspn(buf, "0123456789+-.eE") != text.len)
        return false;
    *out = strtod(buf, &end);
    return end != buf && *end == '\0' && isfinite(*out);
}

static sotto_status put_field(eval_column *c, column_memory *m, sotto_span field, const char **why)
{
    double number = 0;
    uint8_t label = 0;
    uint32_t code = 0;
    sotto_status bad = SOTTO_ERR(HQ, MALFORMED);
    switch (c->kind) {
    case EVAL_NUMBER:
        *why = "must be a number";
        return eval_number(field, &number) ? sotto_vec_put(&m->values, &number, sizeof number) : bad;
    case EVAL_LABEL:
        *why = "a label must be 0 or 1, no or yes, false or true; --positive names another word";
        return learn_field_label(field, c->positive, &label) ? sotto_vec_put(&m->values, &label, 1) : bad;
    case EVAL_CODE:
        break;
    }
    *why = "cannot be kept";
    sotto_status status = intern(&m->words, field, &code);
    return status == SOTTO_OK ? sotto_vec_put(&m->values, &code, sizeof code) : status;
}

static sotto_status read_row(const sotto_csv *csv, eval_column *columns, size_t count, sotto_diag *diag)
{
    for (size_t i = 0; i < count; i++) {
        column_memory *m = columns[i].own;
        const char *why = "";
        if (m == NULL || m->at < 0)
            continue;
        sotto_status status = put_field(&columns[i], m, csv->field[m->at], &why);
        if (status != SOTTO_OK)
            return sotto_diag_at(diag, status, csv->name, csv->line, "column %s: %s", columns[i].name, why);
    }
    return SOTTO_OK;
}

static sotto_status bind(const sotto_csv *csv, eval_column *c, sotto_diag *diag)
{
    if (c->name == NULL)
        return SOTTO_OK;
    column_memory *m = c->own = calloc(1, sizeof *m);
    if (m == NULL)
        return hq_no_memory(diag);
    sotto_vec_init(&m->values, SIZE_MAX / 4);
    sotto_vec_init(&m->words.text, SIZE_MAX / 4);
    sotto_vec_init(&m->words.start, SIZE_MAX / 4);
    m->at = -1;
    for (size_t i = 0; i < csv->columns && m->at < 0; i++)
        if (sotto_span_is(csv->field[i], c->name))
            m->at = (int)i;
    if (m->at < 0 && !c->optional)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), csv->name, 1, "the table has no column %s",
                             c->name);
    return SOTTO_OK;
}

static sotto_status read_rows(sotto_csv *csv, eval_column *columns, size_t count, size_t *rows,
                              sotto_diag *diag)
{
    bool more = true;
    for (*rows = 0;; ++*rows) {
        sotto_status status = sotto_csv_next(csv, &more, diag);
        if (status == SOTTO_OK && !more && *rows == 0)
            return sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), csv->name, 0, "the table has no rows");
        if (status != SOTTO_OK || !more)
            return status;
        status = read_row(csv, columns, count, diag);
        if (status != SOTTO_OK)
            return status;
    }
}

static void hand_out(eval_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        column_memory *m = columns[i].own;
        if (m == NULL || m->at < 0)
            continue;
        void *values = m->values.ptr;
        if (columns[i].kind == EVAL_NUMBER)
            columns[i].number = values;
        else if (columns[i].kind == EVAL_LABEL)
            columns[i].label = values;
        else
            columns[i].code = values;
        columns[i].words = &m->words;
    }
}

sotto_status eval_table_read(eval_column *columns, size_t count, const char *path, size_t *rows,
                             sotto_diag *diag)
{
    sotto_vec text;
    sotto_csv *csv = malloc(sizeof *csv);
    if (csv == NULL)
        return hq_no_memory(diag);
    sotto_status status = learn_read_file(path, &text, diag);
    if (status == SOTTO_OK)
        status = sotto_csv_open(csv, sotto_vec_span(&text), path, 0, diag);
    for (size_t i = 0; status == SOTTO_OK && i < count; i++)
        status = bind(csv, &columns[i], diag);
    if (status == SOTTO_OK)
        status = read_rows(csv, columns, count, rows, diag);
    if (status == SOTTO_OK)
        hand_out(columns, count);
    sotto_vec_free(&text);
    free(csv);
    return learn_place(status, path, diag);
}

void eval_table_free(eval_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        column_memory *m = columns[i].own;
        if (m == NULL)
            continue;
        sotto_vec_free(&m->values);
        sotto_vec_free(&m->words.text);
        sotto_vec_free(&m->words.start);
        free(m->words.slots);
        free(m);
        columns[i].own = NULL;
    }
}
