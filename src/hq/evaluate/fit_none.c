/* Built without NLopt: fitting says so. */
#include "evaluate/evaluate.h"

sotto_status eval_fit(eval_objective f, void *ctx, double *x, size_t n, double *best, sotto_diag *diag)
{
    (void)f;
    (void)ctx;
    (void)x;
    (void)n;
    (void)best;
    return sotto_diag_set(diag, SOTTO_ERR(HQ, UNSUPPORTED),
                          "this sotto-hq was built without NLopt (Debian: libnlopt-dev): it cannot fit");
}
