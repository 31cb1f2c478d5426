/* The page kit: one self-contained HTML page of words, tables and plots, for every report of head office.
 *
 * A page needs no network and can reach none: its Content-Security-Policy allows the two scripts that it
 * holds, by their SHA-256, and nothing from elsewhere. Whatever text is given is escaped here, for HTML and
 * for JSON in a script: names of columns, tags and models are not trusted. Every plot has a sentence that
 * says what is to be seen (its text alternative) and the figures behind it as a table; where the plot library
 * was not there when sotto-hq was built (page_has_plots), or scripts are off, the tables stand open and
 * nothing is lost but the drawing.
 *
 * Use: page_begin, then any of the others in the order of reading, then page_end. The first failure
 * (NO_MEMORY, NO_SPACE) sticks in status and later calls do nothing; page_end returns it. One thread at a
 * time. Numbers that are not finite are gaps in plots and dashes in tables.
 */
#ifndef SOTTO_HQ_PAGE_PAGE_H
#define SOTTO_HQ_PAGE_PAGE_H

#include "sotto/base.h"
#include "sotto/codec.h"

typedef struct page {
    sotto_vec html; /* of the heap: page_free; a whole page after page_end */
    sotto_status status;
    size_t plots, tables;
    bool in_section;
    size_t policy_at; /* where the policy's hashes go */
} page;

/* ---- Document (page.c) ---- */

/* title: the page's; lead: one sentence below it, NULL for none. */
void page_begin(page *p, const char *title, const char *lead);
/* A heading; what follows belongs to it. */
void page_section(page *p, const char *heading);
/* A paragraph. */
SOTTO_PRINTF(2, 3) void page_say(page *p, const char *format, ...);
/* A paragraph that matters less: how something was computed, what it does not say. */
SOTTO_PRINTF(2, 3) void page_note(page *p, const char *format, ...);
/* A row of figures that are to be seen first. */
typedef struct page_fact {
    const char *name, *figure;
    const char *more; /* small, below: an interval; NULL for none */
} page_fact;
void page_facts(page *p, const page_fact *facts, size_t count);
/* A table: the first column names the row; the others hold figures, which stand to the right, or words. */
enum page_cells { PAGE_FIGURES, PAGE_WORDS };
void page_table_begin(page *p, const char *caption, enum page_cells cells, const char *const *heads,
                      size_t columns);
void page_table_row(page *p, const char *const *cells, size_t columns);
void page_table_end(page *p);
/* Things folded away until they are asked for. Not inside one another. */
void page_fold_begin(page *p, const char *summary);
void page_fold_end(page *p);
/* Ends the page: its scripts, and the policy that allows just these. */
SOTTO_MUST_USE sotto_status page_end(page *p, sotto_diag *diag);
void page_free(page *p);

/* ---- Plots (plot.c) ---- */

enum page_shape {
    PAGE_LINE,
    PAGE_DASHED, /* a line to compare with: chance, a bound */
    PAGE_DOTS,
    PAGE_TRACK, /* dots joined by a line: one after the other in time */
    PAGE_BARS
};
enum page_unit { PAGE_NUMBER, PAGE_PERCENT /* values are shares: 0.38 is said as 38 % */ };
typedef struct page_series {
    const char *name;
    enum page_shape shape;
    size_t count;
    const double *x; /* NULL: by category, 0, 1, 2, ... */
    const double *y;
    const double *low, *high; /* an interval around each y, drawn as a bar with ends; NULL: none */
} page_series;
typedef struct page_axis {
    const char *name;
    enum page_unit unit;
    bool logarithmic;
    bool bounded;    /* from min to max, else as the data want it */
    double min, max; /* asserted min < max when bounded */
} page_axis;
typedef struct page_plot {
    const char *title;
    const char *words; /* what is to be seen, in a sentence */
    page_axis x, y;
    const char *const *categories; /* NULL: x is a number */
    size_t category_count;
    bool sideways; /* categories stand on the left, bars lie */
    bool square;   /* both axes are the same: ROC, calibration */
    const page_series *series;
    size_t series_count; /* 1 .. PAGE_SERIES_MAX (asserted) */
} page_plot;
enum { PAGE_SERIES_MAX = 12 };
void page_draw(page *p, const page_plot *plot);
/* Plots side by side on a wide screen, one below the other on a small one. */
void page_pair_begin(page *p);
void page_pair_end(page *p);
/* False when the plot library was not there when this program was built. */
bool page_has_plots(void);

/* ---- For the kit's own files ---- */

void page_raw(page *p, const char *html);
void page_text(page *p, const char *text); /* escaped for HTML */
void page_json_in_script(page *p, const char *id,
                         sotto_span json); /* a data block; "<", ">" and "&" escaped */
void page_number(char out[static 32], double v, enum page_unit unit);            /* as tables say it */
sotto_span page_asset_kit(void), page_asset_style(void), page_asset_plots(void); /* asset.c */

#endif
