/* A task's table as people read it, and which of its rows are withheld. */
#include "totals/sums.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

int hq_cut_find(const hq_cut *cut, enum sotto_dimension_kind kind)
{
    for (size_t i = 0; i < cut->table->dimensions; i++)
        if (cut->table->dimension[i].kind == kind)
            return (int)i;
    return -1;
}

hq_cut hq_cut_of(const sotto_table *table)
{
    hq_cut cut = {.table = table, .across = -1, .rows = table->cells, .columns = 1};
    cut.across = hq_cut_find(&cut, SOTTO_DIMENSION_OUTCOME);
    if (cut.across < 0)
        cut.across = hq_cut_find(&cut, SOTTO_DIMENSION_STEP);
    if (cut.across >= 0) {
        cut.columns = table->dimension[cut.across].bins;
        cut.rows /= cut.columns;
    }
    return cut;
}

/* The last dimension that stands down runs fastest. */
size_t hq_cut_bin(const hq_cut *cut, size_t row, size_t dimension)
{
    assert((int)dimension != cut->across && row < cut->rows);
    for (size_t i = cut->table->dimensions; i-- > dimension + 1;)
        if ((int)i != cut->across)
            row /= cut->table->dimension[i].bins;
    return row % cut->table->dimension[dimension].bins;
}

size_t hq_cut_cell(const hq_cut *cut, size_t row, size_t column)
{
    size_t bin[SOTTO_DIMENSIONS_MAX] = {0};
    assert(column < cut->columns);
    for (size_t i = 0; i < cut->table->dimensions; i++)
        bin[i] = (int)i == cut->across ? column : hq_cut_bin(cut, row, i);
    return sotto_table_cell(cut->table, bin);
}

void hq_cut_label(const hq_cut *cut, size_t row, char *out, size_t cap)
{
    size_t len = 0;
    (void)snprintf(out, cap, "all");
    for (size_t i = 0; i < cut->table->dimensions && len < cap; i++) {
        char text[96];
        if ((int)i == cut->across)
            continue;
        sotto_dimension_label(&cut->table->dimension[i], hq_cut_bin(cut, row, i), text, sizeof text);
        int put = snprintf(out + len, cap - len, "%s%s", len > 0 ? " / " : "", text);
        len += put > 0 ? (size_t)put : 0;
    }
}

bool hq_withheld(const sotto_task *task, const int64_t *count, size_t columns)
{
    if (task->mode == SOTTO_MODE_B)
        return false;
    for (size_t i = 0; i < columns; i++)
        if (count[i] >= (int64_t)task->smallest_batch)
            return false;
    return task->smallest_batch > 0;
}

/* part of whole in millionths, 0 .. 1000000. */
static int32_t ratio_ppm(int64_t part, int64_t whole)
{
    if (part <= 0)
        return 0;
    if (part >= whole)
        return 1000000;
    /* In a double at the very end, for people: the counts themselves are exact. */
    return (int32_t)((double)part / (double)whole * 1e6 + 0.5);
}

hq_rate hq_rate_of(int64_t part, int64_t whole, uint64_t half_width)
{
    const int64_t w = half_width > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)half_width;
    if (whole <= w || whole > INT64_MAX / 4)
        return (hq_rate){-1, -1, -1};
    return (hq_rate){.ppm = ratio_ppm(part, whole),
                     .low_ppm = ratio_ppm(part - w, whole + w),
                     .high_ppm = ratio_ppm(part + w, whole - w)};
}
