/* What the files of the scoring bench share. */
#ifndef SOTTO_SCORE_BENCH_H
#define SOTTO_SCORE_BENCH_H

#include "sotto/base.h"

#include <stddef.h>

double bench_now_ns(void);
/* Prints the table of ranking. Returns the exit code. */
int bench_rank(void);
/* Trains one model of the table and writes it as table.json, table.ubj, table.sotto and table.c into a
 * folder. */
int bench_save(size_t trees, const char *folder);
/* XGBoost's JSON as C. False when it cannot be read or written. */
bool bench_write_c(sotto_span json, size_t trees, const char *path);

#endif
