/* Customers and their rows: a table that grows, ordered by customer, and the list that is kept of it. */
#include "pack/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (1u << 20)

/* Blocks are chained by their first bytes. */
typedef struct block {
    struct block *older;
    size_t size;
    uint8_t bytes[];
} block;

static uint8_t *take(hq_pack_rows *rows, size_t len)
{
    if (rows->memory == NULL || rows->size - rows->used < len) {
        size_t size = len > BLOCK_BYTES ? len : BLOCK_BYTES;
        block *fresh = malloc(sizeof *fresh + size);
        if (fresh == NULL)
            return NULL;
        fresh->older = rows->memory;
        fresh->size = rows->size = size;
        rows->memory = fresh;
        rows->used = 0;
    }
    block *b = rows->memory;
    uint8_t *at = b->bytes + rows->used;
    rows->used += len;
    return at;
}

static bool grow(hq_pack_rows *rows)
{
    size_t cap = rows->cap == 0 ? 1024 : rows->cap * 2;
    hq_pack_row *fresh = realloc(rows->row, cap * sizeof *fresh);
    if (fresh == NULL)
        return false;
    rows->row = fresh;
    rows->cap = cap;
    return true;
}

sotto_status hq_pack_rows_add(hq_pack_rows *rows, sotto_span customer, sotto_span line,
                              const uint8_t digest[static HQ_PACK_DIGEST_BYTES])
{
    if (rows->count == rows->cap && !grow(rows))
        return SOTTO_ERR(HQ, NO_MEMORY);
    uint8_t *memory = take(rows, customer.len + line.len);
    if (memory == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    hq_pack_row *row = &rows->row[rows->count++];
    memcpy(memory, customer.ptr, customer.len);
    if (line.len > 0)
        memcpy(memory + customer.len, line.ptr, line.len);
    row->customer = sotto_span_of(memory, customer.len);
    row->line = sotto_span_of(memory + customer.len, line.len);
    memcpy(row->digest, digest, HQ_PACK_DIGEST_BYTES);
    return SOTTO_OK;
}

void hq_pack_rows_free(hq_pack_rows *rows)
{
    for (block *b = rows->memory, *older; b != NULL; b = older) {
        older = b->older;
        sotto_wipe(b->bytes, b->size);
        free(b);
    }
    free(rows->row);
    free(rows->header);
    *rows = (hq_pack_rows){0};
}

int hq_pack_row_order(const hq_pack_row *a, const hq_pack_row *b)
{
    size_t len = a->customer.len < b->customer.len ? a->customer.len : b->customer.len;
    int order = memcmp(a->customer.ptr, b->customer.ptr, len);
    if (order != 0)
        return order;
    return a->customer.len < b->customer.len ? -1 : a->customer.len > b->customer.len;
}

static int by_customer(const void *a, const void *b)
{
    return hq_pack_row_order(a, b);
}

sotto_status hq_pack_rows_sort(hq_pack_rows *rows, const char *name, sotto_diag *diag)
{
    if (rows->count > 1)
        qsort(rows->row, rows->count, sizeof rows->row[0], by_customer);
    for (size_t i = 1; i < rows->count; i++)
        if (by_customer(&rows->row[i - 1], &rows->row[i]) == 0)
            return sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), name, 0,
                                 "a customer stands there twice: which row holds?");
    return SOTTO_OK;
}

/* ---- CSV ---- */

sotto_status hq_pack_put_field(sotto_vec *out, sotto_span field)
{
    bool plain = true;
    for (size_t i = 0; i < field.len; i++)
        plain = plain && strchr(",;\t\"\r\n", field.ptr[i]) == NULL;
    if (plain)
        return sotto_vec_put(out, field.ptr, field.len);
    sotto_status status = sotto_vec_put(out, "\"", 1);
    for (size_t i = 0; status == SOTTO_OK && i < field.len; i++) {
        status = sotto_vec_put(out, &field.ptr[i], 1);
        if (status == SOTTO_OK && field.ptr[i] == '"')
            status = sotto_vec_put(out, "\"", 1);
    }
    return status == SOTTO_OK ? sotto_vec_put(out, "\"", 1) : status;
}

sotto_status hq_pack_put_set(const hq_pack_rows *rows, const hq_pack_row *row, sotto_vec *out)
{
    (void)rows;
    sotto_status status = sotto_vec_put(out, "set,", 4);
    return status == SOTTO_OK ? sotto_vec_put(out, row->line.ptr, row->line.len) : status;
}

/* Every row of a table has as many fields: those of a customer who goes are empty. */
sotto_status hq_pack_put_forget(const hq_pack_rows *rows, const hq_pack_row *row, sotto_vec *out)
{
    sotto_status status = sotto_vec_put(out, "forget,", 7);
    if (status == SOTTO_OK)
        status = hq_pack_put_field(out, row->customer);
    const char *comma = strchr(rows->header, ',');
    while (status == SOTTO_OK && comma != NULL && (comma = strchr(comma + 1, ',')) != NULL)
        status = sotto_vec_put(out, ",", 1);
    return status == SOTTO_OK ? sotto_vec_put(out, "\n", 1) : status;
}

/* ---- the list ---- */

sotto_status hq_pack_list_write(const hq_pack_rows *rows, const char *path, sotto_diag *diag)
{
    char hex[2 * HQ_PACK_DIGEST_BYTES + 1];
    sotto_vec out;
    sotto_vec_init(&out, HQ_PACK_TEXT_MAX);
    sotto_status status = sotto_vec_printf(&out, "digest,customer\n");
    for (size_t i = 0; status == SOTTO_OK && i < rows->count; i++) {
        sotto_hex_encode(sotto_span_of(rows->row[i].digest, HQ_PACK_DIGEST_BYTES), hex, sizeof hex);
        status = sotto_vec_printf(&out, "%s,", hex);
        if (status == SOTTO_OK)
            status = hq_pack_put_field(&out, rows->row[i].customer);
        if (status == SOTTO_OK)
            status = sotto_vec_put(&out, "\n", 1);
    }
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_vec_span(&out), 0600, diag);
    if (out.ptr != NULL)
        sotto_wipe(out.ptr, out.len);
    sotto_vec_free(&out);
    return status;
}

static sotto_status read_list(hq_pack_rows *out, sotto_csv *csv, const char *path, sotto_diag *diag)
{
    bool more = true;
    uint8_t digest[HQ_PACK_DIGEST_BYTES];
    while (more) {
        sotto_status status = sotto_csv_next(csv, &more, diag);
        if (status != SOTTO_OK || !more)
            return status;
        if (csv->count != 2 || sotto_hex_decode(csv->field[0], digest, sizeof digest) != SOTTO_OK)
            return sotto_diag_at(diag, SOTTO_ERR(HQ, CORRUPT), path, csv->line,
                                 "is not what was written there: pack make --full");
        status = hq_pack_rows_add(out, csv->field[1], sotto_span_of(NULL, 0), digest);
        if (status != SOTTO_OK)
            return status;
    }
    return SOTTO_OK;
}

sotto_status hq_pack_list_read(hq_pack_rows *out, const char *path, sotto_diag *diag)
{
    sotto_vec text;
    sotto_vec_init(&text, HQ_PACK_TEXT_MAX);
    *out = (hq_pack_rows){0};
    sotto_csv *csv = malloc(sizeof *csv);
    sotto_status status = csv != NULL ? sotto_port_read_file(path, &text, diag) : SOTTO_ERR(HQ, NO_MEMORY);
    if (status == SOTTO_OK)
        status = sotto_csv_open(csv, sotto_vec_span(&text), path, ',', diag);
    if (status == SOTTO_OK)
        status = read_list(out, csv, path, diag);
    if (status == SOTTO_OK)
        status = hq_pack_rows_sort(out, path, diag);
    if (status != SOTTO_OK)
        hq_pack_rows_free(out);
    if (text.ptr != NULL)
        sotto_wipe(text.ptr, text.len);
    sotto_vec_free(&text);
    free(csv);
    return status;
}
