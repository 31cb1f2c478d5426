/* What the recommend commands share. Head office only: heap and doubles are allowed here; what leaves it is
 * docs/formats/items.md, in integers. Methods and formulas: docs/recommend.md.
 *
 *   log     purchases, read and put in order
 *   learn   popularity; next, EASE and kNN;   solve   linear systems, by Cholesky
 *   embed   from a matrix to embeddings
 *   choose  the settings that win on the last part of the log
 *   write   integers
 *   train, predict, evaluate   the commands
 */
#ifndef SOTTO_HQ_RECOMMEND_RECOMMEND_H
#define SOTTO_HQ_RECOMMEND_RECOMMEND_H

#include "evaluate/evaluate.h"

#include "sotto/items.h"

/* ---- Purchases (log.c) ---- */

#define REC_NONE SIZE_MAX
/* What one customer bought at one moment. */
typedef struct rec_basket {
    uint32_t customer, event; /* event: the file's own name of it, as a code of its table */
    uint32_t segment;
    bool test;    /* from the second file */
    int32_t day;  /* since 1970 */
    size_t first; /* into rec_log.item */
    size_t count;
    size_t before; /* the customer's basket before this one, or REC_NONE */
} rec_basket;
enum { REC_CUSTOMER, REC_TIME, REC_ITEM, REC_EVENT, REC_SEGMENT, REC_COLUMNS };
typedef struct rec_table {
    eval_column column[REC_COLUMNS];
    size_t rows;
} rec_table;
typedef struct rec_log {
    rec_table past, test; /* names live here */
    rec_basket *basket;   /* in order of time */
    size_t count;
    uint16_t *item; /* indices of items */
    size_t items, segments, customers;
} rec_log;
/* Columns by name; NULL: as the default, and optional for event and segment. */
typedef struct rec_options {
    const char *column[REC_COLUMNS];
    const sotto_items *known; /* items are this file's; NULL: in order of their first appearance */
} rec_options;
/* "--customer", "--time", "--item", "--event", "--segment" */
/* clang-format off */
#define REC_OPTIONS(o)                                                                                                 \
    {"--customer", HQ_TEXT, &(o)->column[REC_CUSTOMER], false, 0, 0}, {"--time", HQ_TEXT, &(o)->column[REC_TIME], false, 0, 0},\
    {"--item", HQ_TEXT, &(o)->column[REC_ITEM], false, 0, 0}, {"--event", HQ_TEXT, &(o)->column[REC_EVENT], false, 0, 0},      \
    {"--segment", HQ_TEXT, &(o)->column[REC_SEGMENT], false, 0, 0}
/* clang-format on */
/* test may be NULL. NOT_FOUND (a column, an item that `known` does not have), MALFORMED, RANGE. Give back
 * with rec_log_free, also after a failure. */
sotto_status rec_log_read(rec_log *log, const char *past, const char *test, const rec_options *o,
                          sotto_diag *diag);
void rec_log_free(rec_log *log);
/* What the customer held before this basket, the latest purchase of each. Returns how many; ages in days. */
typedef struct rec_held {
    uint16_t item;
    int32_t age_days;
} rec_held;
size_t rec_history(const rec_log *log, size_t basket, rec_held held[static SOTTO_ITEMS_MAX]);

/* ---- Linear systems (solve.c) ---- */

/* a (n x n, symmetric, positive definite; overwritten) times x = b, for `columns` right sides: b is n x
 * columns and becomes x. false when a is not positive definite. */
bool rec_solve(double *a, size_t n, double *b, size_t columns);

/* ---- Learning (learn.c) ---- */

enum rec_method { REC_POPULAR, REC_NEXT, REC_EASE, REC_KNN, REC_METHODS };
extern const char *const rec_method_names[REC_METHODS];
typedef struct rec_settings {
    enum rec_method method;
    double strength;     /* NEXT, EASE: the ridge; KNN: shrinkage */
    double history_days; /* half-life of what is held; 0: none */
    double event_days;   /* half-life of what was learned from; 0: none */
    double popular_days; /* the same for popularity */
} rec_settings;
/* Doubles of docs/formats/items.md. */
typedef struct rec_matrix {
    size_t items, segments;
    double *popular;  /* (1 + segments) x items */
    double *constant; /* items */
    double *row;      /* items x items */
    double
        *together; /* items x items: products of the weights of what was held, centred, summed over lessons */
    double *mean;  /* items: mean weight held */
    double held;   /* mean weight of what was held */
} rec_matrix;
sotto_status rec_matrix_init(rec_matrix *m, size_t items, size_t segments, sotto_diag *diag);
void rec_matrix_free(rec_matrix *m);
/* From the first `count` baskets. */
void rec_learn_popular(rec_matrix *m, const rec_log *log, size_t count, const rec_settings *s);
sotto_status rec_learn(rec_matrix *m, const rec_log *log, size_t count, const rec_settings *s,
                       sotto_diag *diag);
double rec_weight(double age_days, double half_life_days);

/* ---- Embeddings (embed.c) ---- */

/* A matrix taken apart: held x vectors' is the matrix, and their first columns its best of that rank. */
typedef struct rec_factors {
    size_t items;
    const rec_matrix *matrix; /* must stay */
    double *held, *vectors;   /* items x items */
} rec_factors;
sotto_status rec_factors_init(rec_factors *f, const rec_matrix *m, sotto_diag *diag);
void rec_factors_free(rec_factors *f);
/* Rows and constants of so many dimensions, into a matrix of as many items. */
void rec_reduce(const rec_factors *f, size_t dims, rec_matrix *out);
/* Vectors ready to become integers of `width` bytes: those of what is held within 1. */
typedef struct rec_embedding {
    size_t items, dims, width;
    double *held, *wanted;    /* items x dims */
    double left_out, rounded; /* once written: by how much an entry of the matrix is off at most, because of
                                 the dimensions left out; because of the integers */
} rec_embedding;
sotto_status rec_embedding_init(rec_embedding *e, const rec_factors *f, size_t dims, size_t width,
                                sotto_diag *diag);
void rec_embedding_free(rec_embedding *e);

/* ---- Choosing (choose.c) ---- */

typedef struct rec_quality {
    size_t lists;
    double hit, reciprocal; /* HR@3, MRR@3 */
} rec_quality;
/* What is asked for. */
typedef struct rec_wish {
    enum rec_method only;  /* REC_METHODS: any */
    size_t width;          /* bytes of an embedding's numbers; 0 = a matrix */
    size_t dims;           /* of the embeddings; 0 = choose */
    int64_t percent, seed; /* of the baskets, the last of which settings are judged by; of the judging */
} rec_wish;
/* Settings with the best mean of HR@3 and MRR@3 on the last `percent` of the baskets, learned from those
 * before; then the dimensions likewise, fewer on ties. */
typedef struct rec_choice {
    rec_settings best;
    rec_quality known, known_popular, fresh, fresh_plain; /* of those baskets */
    size_t tried;
    size_t dims;          /* of embeddings; 0 = none were asked for */
    rec_quality embedded; /* the known, by so many dimensions */
} rec_choice;
sotto_status rec_choose(rec_choice *out, const rec_log *log, const rec_wish *wish, sotto_diag *diag);

/* ---- Writing (write.c) ---- */

/* Appends the file and reads it back. embedding: instead of the matrix's rows, its errors are filled in;
 * NULL: none. RANGE: ids that the format does not take, vectors too long for it. */
sotto_status rec_write(const rec_matrix *m, rec_embedding *embedding, const rec_log *log,
                       const rec_settings *s, const char *source, sotto_vec *out, sotto_diag *diag);
/* A file of items, and the memory it lives in. */
typedef struct rec_file {
    void *memory;
    const sotto_items *items;
} rec_file;
sotto_status rec_file_open(rec_file *f, const char *path, sotto_diag *diag);
void rec_file_close(rec_file *f);

int rec_cmd_train(int argc, char **argv);
int rec_cmd_predict(int argc, char **argv);
int rec_cmd_evaluate(int argc, char **argv);

#endif
