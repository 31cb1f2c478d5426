/* predict: rows of numbers in, scores as CSV out: what `sotto-hq model predict` and `sotto model score`
 * print, byte for byte. Part of the model room that a microcontroller leaves out (texts, heap). A
 * sotto_predict holds room for one row: one thread at a time, each with its own over the same model. */
#ifndef SOTTO_PREDICT_H
#define SOTTO_PREDICT_H

#include "sotto/base.h"
#include "sotto/model.h"
#include "sotto/tags.h"

#define SOTTO_PREDICT_ALL SIZE_MAX
typedef struct sotto_predict_options {
    const sotto_dictionary *dictionary; /* NULL: reasons are by feature, not by tag */
    bool leaves, why;
    size_t why_output; /* of a model of several outputs: which one is explained, or SOTTO_PREDICT_ALL */
} sotto_predict_options;
typedef struct sotto_predict {
    const sotto_model *model;
    sotto_predict_options options;
    uint32_t *leaves;    /* arena; one a tree */
    int64_t *parts;      /* arena; one a feature */
    int64_t *group_sums; /* arena; one a column */
    size_t *group_of;    /* arena; feature -> column */
    size_t groups;
} sotto_predict;

/* RANGE (why_output), NO_SPACE. The model must outlive it. */
SOTTO_MUST_USE sotto_status sotto_predict_init(sotto_predict *p, const sotto_model *m,
                                               const sotto_predict_options *options, sotto_arena *arena,
                                               sotto_diag *diag);
/* Arena bytes that init may take. */
size_t sotto_predict_arena_bound(const sotto_model *m);
/* One line each, with its newline, behind what out holds. NO_MEMORY, NO_SPACE (out's limit). */
SOTTO_MUST_USE sotto_status sotto_predict_header(const sotto_predict *p, sotto_vec *out);
SOTTO_MUST_USE sotto_status sotto_predict_row(const sotto_predict *p, size_t row, const int32_t *keys,
                                              sotto_vec *out);
/* A number's text as the key of the model's feature: the nearest float32, ties to even, or, where the source
 * compared float64, as sotto_model_key. "" and "nan" are missing, "inf" is a number; hexadecimal is not.
 * model NULL: of float32. false when it is no number. */
bool sotto_predict_key(const sotto_model *m, size_t feature, sotto_span text, int32_t *key);
/* Scores a whole table of columns named as the features: header, then every row. Rows leave by `write` in
 * pieces. NOT_FOUND (a column), MALFORMED with the line. */
typedef sotto_status (*sotto_predict_write)(void *ctx, sotto_span text);
SOTTO_MUST_USE sotto_status sotto_predict_table(const sotto_predict *p, sotto_csv *csv,
                                                sotto_predict_write write, void *ctx, sotto_diag *diag);

#endif
