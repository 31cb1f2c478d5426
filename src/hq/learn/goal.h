/* What train can want besides yes or no: amounts, counts, classes, an order. */
#ifndef SOTTO_HQ_LEARN_GOAL_H
#define SOTTO_HQ_LEARN_GOAL_H

#include "learn/train.h"

enum learn_goal_kind {
    LEARN_GOAL_REGRESSION,
    LEARN_GOAL_COUNT,
    LEARN_GOAL_AMOUNT,
    LEARN_GOAL_MULTICLASS,
    LEARN_GOAL_RANK
};
enum { LEARN_GOAL_FIGURES = 2 };
struct learn_goal {
    enum learn_goal_kind kind;
    const char *name, *objective;                                     /* ours; XGBoost's */
    const char *figure[LEARN_GOAL_FIGURES], *key[LEARN_GOAL_FIGURES]; /* as text and in JSON */
    double least, most;                                               /* that a target may be */
    bool whole;                                                       /* targets are whole numbers */
};
/* NULL: no such word. */
const learn_goal *learn_goal_find(const char *name);
/* margins: n rows of `outputs`, become answers: e^margin of counts and amounts, probabilities of classes. */
void learn_goal_answers(const learn_goal *g, double *margins, size_t n, size_t outputs);
/* Both figures of n rows; groups only of RANK. NAN where there is nothing to judge, or memory is out. */
void learn_goal_judge(const learn_goal *g, const double *answers, const double *targets,
                      const uint32_t *groups, size_t n, size_t outputs, double out[LEARN_GOAL_FIGURES]);
/* `train` with --objective of this goal. */
sotto_status learn_goal_train(const learn_train_options *o, const learn_input *in, const learn_goal *g,
                              enum learn_split_kind kind, sotto_diag *diag);

#endif
