/* What the files of the scoring bench share. */
#ifndef SOTTO_SCORE_BENCH_H
#define SOTTO_SCORE_BENCH_H

#include <stddef.h>

double bench_now_ns(void);
/* Prints the table of ranking. Returns the exit code. */
int bench_rank(void);
/* Trains one model of the table and writes it as table.json, table.ubj and table.sotto into a folder. */
int bench_save(size_t trees, const char *folder);

#endif
