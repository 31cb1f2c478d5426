/* Any bytes as CSV. Every row that is taken has the header's number of fields, each within the input or the
 * scratch; and the row, written again with every field in quotes, reads as the same fields. */
#include "fuzz.h"

#include "sotto/codec.h"

#include <string.h>

static sotto_csv csv, again; /* too large for a stack */

static bool lies_within(sotto_span field, const void *start, size_t len)
{
    uintptr_t base = (uintptr_t)start, at = (uintptr_t)field.ptr;
    return at >= base && at - base <= len && field.len <= len - (at - base);
}

static void put_quoted(sotto_vec *out, sotto_span field)
{
    require(sotto_vec_put(out, "\"", 1) == SOTTO_OK);
    for (size_t i = 0; i < field.len; i++)
        require(sotto_vec_put(out, field.ptr[i] == '"' ? "\"\"" : (const char *)&field.ptr[i],
                              field.ptr[i] == '"' ? 2 : 1) == SOTTO_OK);
    require(sotto_vec_put(out, "\"", 1) == SOTTO_OK);
}

static void check_row(void)
{
    require(csv.count == csv.columns);
    for (size_t i = 0; i < csv.count; i++)
        require(lies_within(csv.field[i], csv.text.ptr, csv.text.len) ||
                lies_within(csv.field[i], csv.scratch, sizeof csv.scratch));
}

/* The row as a header of its own: that reads any row, if no two fields are equal, and then exactly those
 * fields. */
static void check_round_trip(void)
{
    sotto_vec out;
    sotto_vec_init(&out, 3 * SOTTO_CSV_ROW_MAX);
    for (size_t i = 0; i < csv.count; i++) {
        require(sotto_vec_put(&out, &csv.delimiter, i > 0) == SOTTO_OK);
        put_quoted(&out, csv.field[i]);
    }
    sotto_status status = sotto_csv_open(&again, sotto_vec_span(&out), NULL, csv.delimiter, NULL);
    require(status == SOTTO_OK || csv.count > 1 || out.len > SOTTO_CSV_ROW_MAX);
    if (status == SOTTO_OK) {
        require(again.count == csv.count);
        for (size_t i = 0; i < csv.count; i++)
            require(sotto_span_equal(again.field[i], csv.field[i]));
    }
    sotto_vec_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_diag diag = {0};
    bool more = true;
    sotto_status status = sotto_csv_open(&csv, sotto_span_of(data, size), "fuzz", 0, &diag);
    while (status == SOTTO_OK && more) {
        uint64_t line = csv.line;
        check_row();
        check_round_trip();
        status = sotto_csv_next(&csv, &more, &diag);
        require(status != SOTTO_OK || !more || csv.line > line);
    }
    require(status == SOTTO_OK || (diag.status == status && diag.line >= 1));
    return 0;
}
