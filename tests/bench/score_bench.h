/* What the files of the scoring bench share. */
#ifndef SOTTO_SCORE_BENCH_H
#define SOTTO_SCORE_BENCH_H

double bench_now_ns(void);
/* Prints the table of ranking. Returns the exit code. */
int bench_rank(void);

#endif
