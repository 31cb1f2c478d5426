/* What a measurement task is made of, once it is read: names, cells, bins. Both sides number cells by this
 * file. */
#include "sotto/privacy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *sotto_task_type_name(enum sotto_task_type type)
{
    static const char *const NAMES[] = {
#define X(name, text) text,
        SOTTO_TASK_TYPES(X)
#undef X
    };
    return type < SOTTO_TASK_TYPE_COUNT ? NAMES[type] : "?";
}

const char *sotto_dimension_name(enum sotto_dimension_kind kind)
{
    static const char *const NAMES[] = {
#define X(name, text) text,
        SOTTO_DIMENSIONS(X)
#undef X
    };
    return kind < SOTTO_DIMENSION_KIND_COUNT ? NAMES[kind] : "?";
}

const sotto_task *sotto_tasks_find(const sotto_tasks *tasks, uint32_t id)
{
    for (size_t i = 0; i < tasks->count; i++)
        if (tasks->task[i].id == id)
            return &tasks->task[i];
    return NULL;
}

size_t sotto_table_cell(const sotto_table *table, const size_t *bin)
{
    size_t cell = 0;
    for (size_t i = 0; i < table->dimensions; i++) {
        assert(bin[i] < table->dimension[i].bins);
        cell = cell * table->dimension[i].bins + bin[i];
    }
    return table->first_cell + cell;
}

static int find(const char *const *list, size_t count, sotto_span text)
{
    for (size_t i = 0; i < count; i++)
        if (sotto_span_is(text, list[i]))
            return (int)i;
    return -1;
}

int sotto_dimension_by_name(const sotto_dimension *dimension, sotto_span name)
{
    int index = dimension->names == NULL ? -1 : find(dimension->names, dimension->named, name);
    if (index < 0 && (dimension->kind == SOTTO_DIMENSION_TAG || dimension->kind == SOTTO_DIMENSION_ARM))
        return (int)dimension->bins - 1;
    return index;
}

size_t sotto_dimension_by_value(const sotto_dimension *dimension, int64_t value_e6)
{
    size_t bin = 0;
    assert(dimension->edges_e6 != NULL);
    while (bin < dimension->named && value_e6 >= dimension->edges_e6[bin])
        bin++;
    return bin;
}

static void edge_text(int64_t edge_e6, char out[static 32])
{
    size_t len = sotto_fixed_format_decimal(edge_e6, 6, out, 32);
    while (len > 1 && out[len - 1] == '0')
        out[--len] = '\0';
    if (len > 1 && out[len - 1] == '.')
        out[len - 1] = '\0';
}

static void range_label(const sotto_dimension *d, size_t bin, char *out, size_t cap)
{
    char low[32], high[32];
    if (bin > 0)
        edge_text(d->edges_e6[bin - 1], low);
    if (bin < d->named)
        edge_text(d->edges_e6[bin], high);
    if (bin == 0)
        (void)snprintf(out, cap, "< %s", high);
    else if (bin == d->named)
        (void)snprintf(out, cap, ">= %s", low);
    else
        (void)snprintf(out, cap, "%s .. %s", low, high);
}

void sotto_dimension_label(const sotto_dimension *dimension, size_t bin, char *out, size_t cap)
{
    assert(bin < dimension->bins && cap > 0);
    if (dimension->names != NULL && bin < dimension->named)
        (void)snprintf(out, cap, "%s", dimension->names[bin]);
    else if (dimension->edges_e6 != NULL && bin <= dimension->named)
        range_label(dimension, bin, out, cap);
    else
        (void)snprintf(out, cap, "%s",
                       dimension->kind == SOTTO_DIMENSION_CHANCE ? "not drawn"
                       : dimension->edges_e6 != NULL             ? "unknown"
                                                                 : "other");
}

const sotto_dimension *sotto_table_dimension(const sotto_table *table, enum sotto_dimension_kind kind)
{
    for (size_t i = 0; i < table->dimensions; i++)
        if (table->dimension[i].kind == kind)
            return &table->dimension[i];
    return NULL;
}

/* ---- one id, two releases ---- */

static bool same_bins(const sotto_dimension *a, const sotto_dimension *b, size_t named)
{
    for (size_t i = 0; i < named; i++)
        if (a->names != NULL ? strcmp(a->names[i], b->names[i]) != 0 : a->edges_e6[i] != b->edges_e6[i])
            return false;
    return true;
}

static bool same_dimension(const sotto_dimension *a, const sotto_dimension *earlier, bool may_grow)
{
    bool grows = may_grow && a->kind == SOTTO_DIMENSION_CAMPAIGN && a->named > earlier->named;
    return a->kind == earlier->kind && strcmp(a->tag, earlier->tag) == 0 &&
           (a->names == NULL) == (earlier->names == NULL) &&
           (grows || (a->named == earlier->named && a->bins == earlier->bins)) &&
           same_bins(a, earlier, earlier->named);
}

bool sotto_task_continues(const sotto_task *task, const sotto_task *earlier)
{
    if (task->type != earlier->type || task->period_days != earlier->period_days ||
        task->mode != earlier->mode || task->noise != earlier->noise ||
        task->delta_e12 != earlier->delta_e12 || task->has_left_out != earlier->has_left_out ||
        task->table_count != earlier->table_count)
        return false;
    for (size_t t = 0; t < task->table_count; t++) {
        const sotto_table *a = &task->table[t], *b = &earlier->table[t];
        if (a->dimensions != b->dimensions)
            return false;
        for (size_t i = 0; i < a->dimensions; i++)
            if (!same_dimension(&a->dimension[i], &b->dimension[i], task->table_count == 1 && i == 0))
                return false;
    }
    return true;
}
