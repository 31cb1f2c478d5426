/* Plots: the data for the drawing, the sentence for those who cannot see it, the figures as a table. */
#include "page/page.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table behind a curve of hundreds of points shows some thirty of them; the drawing has them all. */
enum { TABLE_ROWS_MAX = 31, FIRST_BYTES = 64 << 10 };

/* ---- Data for the script ---- */

static void put_real(sotto_json_writer *w, double v)
{
    char text[32];
    if (!isfinite(v)) {
        sotto_json_null(w);
        return;
    }
    (void)snprintf(text, sizeof text, "%.7g", v);
    sotto_json_raw(w, sotto_span_str(text));
}

static void put_pair(sotto_json_writer *w, const char *name, const char *value)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, value);
}

static void put_flag(sotto_json_writer *w, const char *name, bool value)
{
    sotto_json_name(w, name);
    sotto_json_bool(w, value);
}

static void put_axis(sotto_json_writer *w, const char *name, const page_axis *a)
{
    sotto_json_name(w, name);
    sotto_json_obj(w);
    put_pair(w, "name", a->name == NULL ? "" : a->name);
    put_flag(w, "percent", a->unit == PAGE_PERCENT);
    put_flag(w, "log", a->logarithmic);
    sotto_json_name(w, "range");
    if (a->bounded) {
        sotto_json_arr(w);
        put_real(w, a->min);
        put_real(w, a->max);
        sotto_json_arr_end(w);
    } else {
        sotto_json_null(w);
    }
    sotto_json_obj_end(w);
}

static double x_of(const page_series *s, size_t i)
{
    return s->x == NULL ? (double)i : s->x[i];
}

static void put_series(sotto_json_writer *w, const page_series *s)
{
    static const char *const SHAPES[] = {"line", "dashed", "dots", "track", "bars"};
    sotto_json_obj(w);
    put_pair(w, "name", s->name);
    put_pair(w, "shape", SHAPES[s->shape]);
    sotto_json_name(w, "data");
    sotto_json_arr(w);
    for (size_t i = 0; i < s->count; i++) {
        sotto_json_arr(w);
        put_real(w, x_of(s, i));
        put_real(w, s->y[i]);
        if (s->low != NULL) {
            put_real(w, s->low[i]);
            put_real(w, s->high[i]);
        }
        sotto_json_arr_end(w);
    }
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

static void put_plot(sotto_json_writer *w, const page_plot *plot)
{
    sotto_json_obj(w);
    put_axis(w, "x", &plot->x);
    put_axis(w, "y", &plot->y);
    put_flag(w, "sideways", plot->sideways);
    put_flag(w, "square", plot->square);
    sotto_json_name(w, "categories");
    if (plot->categories == NULL)
        sotto_json_null(w);
    else
        sotto_json_arr(w);
    for (size_t i = 0; plot->categories != NULL && i < plot->category_count; i++)
        sotto_json_cstr(w, plot->categories[i]);
    if (plot->categories != NULL)
        sotto_json_arr_end(w);
    sotto_json_name(w, "series");
    sotto_json_arr(w);
    for (size_t i = 0; i < plot->series_count; i++)
        put_series(w, &plot->series[i]);
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

/* The writer is bounded: what does not fit is written again into twice the room. */
static sotto_status write_data(page *p, const char *id, const page_plot *plot)
{
    sotto_status status = SOTTO_ERR(HQ, NO_SPACE);
    for (size_t room = FIRST_BYTES; status != SOTTO_OK && room <= (size_t)64 << 20; room *= 2) {
        uint8_t *memory = malloc(room);
        if (memory == NULL)
            return SOTTO_ERR(HQ, NO_MEMORY);
        sotto_buf buf = sotto_buf_of(memory, room);
        sotto_json_writer w = sotto_json_writer_of(&buf);
        put_plot(&w, plot);
        status = sotto_json_writer_end(&w);
        if (status == SOTTO_OK)
            page_json_in_script(p, id, sotto_span_of(buf.ptr, buf.len));
        free(memory);
    }
    return status;
}

/* ---- The same as tables ---- */

static void put_value(char out[static 128], const page_series *s, size_t i, enum page_unit unit)
{
    char v[32], low[32], high[32];
    page_number(v, i < s->count ? s->y[i] : (double)NAN, unit);
    if (s->low == NULL || i >= s->count || !isfinite(s->y[i]) || !isfinite(s->low[i])) {
        (void)snprintf(out, 128, "%s", v);
        return;
    }
    page_number(low, s->low[i], unit);
    page_number(high, s->high[i], unit);
    (void)snprintf(out, 128, "%s [%s, %s]", v, low, high);
}

static void table_row(page *p, const page_plot *plot, const page_series *series, size_t count, size_t i)
{
    char first[32], text[PAGE_SERIES_MAX][128];
    const char *cells[PAGE_SERIES_MAX + 1];
    page_number(first, x_of(series, i), plot->x.unit);
    cells[0] = plot->categories != NULL && i < plot->category_count ? plot->categories[i] : first;
    for (size_t k = 0; k < count; k++) {
        put_value(text[k], &series[k], i, plot->y.unit);
        cells[k + 1] = text[k];
    }
    page_table_row(p, cells, count + 1);
}

/* Series that share their x, as columns. */
static void write_table(page *p, const page_plot *plot, const page_series *series, size_t count)
{
    const char *heads[PAGE_SERIES_MAX + 1] = {plot->x.name == NULL ? "" : plot->x.name};
    size_t rows = series->count, step = (rows + TABLE_ROWS_MAX - 2) / (TABLE_ROWS_MAX - 1);
    for (size_t k = 0; k < count; k++)
        heads[k + 1] = series[k].name;
    if (plot->categories != NULL || rows <= TABLE_ROWS_MAX)
        step = 1;
    page_table_begin(p, plot->title, PAGE_FIGURES, heads, count + 1);
    for (size_t i = 0; i < rows; i += step)
        table_row(p, plot, series, count, i);
    if (rows > 1 && (rows - 1) % step != 0)
        table_row(p, plot, series, count, rows - 1);
    page_table_end(p);
}

static void write_tables(page *p, const page_plot *plot)
{
    for (size_t i = 0, n; i < plot->series_count; i += n) {
        const page_series *s = &plot->series[i];
        for (n = 1; i + n < plot->series_count && s[n].x == s->x && s[n].count == s->count; n++) {
        }
        write_table(p, plot, s, n);
    }
}

void page_draw(page *p, const page_plot *plot)
{
    char id[32];
    assert(plot->series_count > 0 && plot->series_count <= PAGE_SERIES_MAX);
    assert((!plot->x.bounded || plot->x.min < plot->x.max) &&
           (!plot->y.bounded || plot->y.min < plot->y.max));
    (void)snprintf(id, sizeof id, "plot-%zu", ++p->plots);
    page_raw(p, "<figure>\n<figcaption><strong>");
    page_text(p, plot->title);
    page_raw(p, "</strong> <span>");
    page_text(p, plot->words);
    page_raw(p, "</span></figcaption>\n");
    if (page_has_plots()) {
        page_raw(p, plot->square ? "<div class=\"plot square\" data-plot=\""
                                 : "<div class=\"plot\" data-plot=\"");
        page_raw(p, id);
        page_raw(p, "\" role=\"img\" aria-label=\"");
        page_text(p, plot->title);
        page_raw(p, ". ");
        page_text(p, plot->words);
        page_raw(p,
                 "\"></div>\n<noscript><p class=\"note\">Scripts are off: the figures are in the table below."
                 "</p></noscript>\n");
        sotto_status status = write_data(p, id, plot);
        p->status = p->status == SOTTO_OK ? status : p->status;
    }
    page_fold_begin(p, "Figures as a table");
    write_tables(p, plot);
    page_fold_end(p);
    page_raw(p, "</figure>\n");
}
