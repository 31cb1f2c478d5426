/* Fitting probabilities to margins (calibrate_fit.c), for `sotto-hq model calibrate`. */
#ifndef SOTTO_HQ_LEARN_CALIBRATE_H
#define SOTTO_HQ_LEARN_CALIBRATE_H

#include "learn/learn.h"

/* A calibration and the memory of its points. All zero: none. */
typedef struct learn_calibration {
    sotto_calibration c;
    int64_t *margin_q24; /* heap */
    uint32_t *p_q30;     /* heap */
} learn_calibration;
/* By the margins of n rows and their labels, both of which must be there. RANGE when the rows with higher
 * margins are not the more likely ones: no growing function fits. NO_MEMORY. */
sotto_status learn_fit_platt(learn_calibration *out, const int64_t *margin_q24, const uint8_t *label,
                             size_t n, sotto_diag *diag);
sotto_status learn_fit_isotonic(learn_calibration *out, const int64_t *margin_q24, const uint8_t *label,
                                size_t n, sotto_diag *diag);
void learn_calibration_free(learn_calibration *c);

#endif
