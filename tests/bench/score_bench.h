/* What the files of the scoring bench share. */
#ifndef SOTTO_SCORE_BENCH_H
#define SOTTO_SCORE_BENCH_H

#include "sotto/model.h"

#include <stddef.h>

double bench_now_ns(void);
/* Prints the table of ranking: models of 300 trees, or with full of 50 and 1,000 too. Returns the exit code.
 */
int bench_rank(bool full);
/* Trains one model of the table and writes it as table.json, table.ubj, table.sotto and table.c into a
 * folder. */
int bench_save(size_t trees, const char *folder);
/* XGBoost's JSON as C. False when it cannot be read or written. */
bool bench_write_c(sotto_span json, const sotto_model *m, const char *path);

#endif
