/* What a column of an unknown table is: shared by the parts of describe. */
#ifndef SOTTO_HQ_LEARN_INFER_H
#define SOTTO_HQ_LEARN_INFER_H

#include "learn/learn.h"

enum { WORDS_MAX = SOTTO_TAG_CHOICES_MAX + 1, WORD_BYTES_MAX = 64 };

/* Distinct values of a column, in order of appearance; they point into the table's text or into kept memory.
 */
typedef struct learn_column {
    char name[256], id[65];
    size_t rows, empty;
    char **words; /* heap; at most WORDS_MAX are kept */
    size_t *counts;
    size_t word_count;
    bool too_many, too_long;   /* more words than a choice has; a word longer than a choice's name */
    bool whole, decimal, date; /* every value so far could be read as one */
    unsigned decimals;
    bool counting; /* 1, 2, 3, ... or n, n+1, ...: a row number */
    int64_t last;
    /* What was made of it. */
    enum { COLUMN_DROPPED, COLUMN_TAG, COLUMN_LABEL } use;
    enum sotto_tag_kind kind;
    const char *why; /* dropped: why */
} learn_column;

sotto_status learn_column_add(learn_column *c, sotto_span value, sotto_diag *diag);
/* Decides kind or reason from what was added; puts calendars in order. */
void learn_column_decide(learn_column *c);
void learn_column_free(learn_column *c);

typedef struct learn_description {
    learn_column *columns; /* heap */
    size_t count, rows;
    size_t label; /* index */
    char positive[WORD_BYTES_MAX + 1];
    size_t positives;
} learn_description;

/* dictionary.json, recipe.json, describe.json into folder. */
sotto_status learn_describe_write(const learn_description *d, const char *folder, sotto_diag *diag);

#endif
