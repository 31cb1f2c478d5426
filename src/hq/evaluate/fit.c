/* A maximum, by NLopt's subplex search (Rowan, "Functional stability analysis of numerical algorithms",
 * 1990): it wants no derivatives, and four parameters are few. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <nlopt.h>

typedef struct search {
    eval_objective f;
    void *ctx;
} search;

static double at_logarithms(unsigned n, const double *logs, double *gradient, void *ctx)
{
    const search *s = ctx;
    double x[EVAL_PARAMETERS_MAX];
    (void)gradient; /* NULL for a search without derivatives */
    for (unsigned i = 0; i < n; i++)
        x[i] = exp(logs[i]);
    double v = s->f(x, n, s->ctx);
    return isfinite(v) ? v : -1e300;
}

/* Searched twice: the second run starts with a large simplex again, where the first may have shrunk on a
 * slope. */
static nlopt_result run(nlopt_opt opt, search *s, double *logs, double *best)
{
    nlopt_result result = nlopt_set_max_objective(opt, at_logarithms, s);
    if (result > 0)
        result = nlopt_set_xtol_rel(opt, 1e-9);
    if (result > 0)
        result = nlopt_set_maxeval(opt, 20000);
    if (result > 0)
        result = nlopt_set_lower_bounds1(opt, log(EVAL_PARAMETER_LOW));
    if (result > 0)
        result = nlopt_set_upper_bounds1(opt, log(EVAL_PARAMETER_HIGH));
    for (int i = 0; result > 0 && i < 2; i++)
        result = nlopt_optimize(opt, logs, best);
    return result;
}

sotto_status eval_fit(eval_objective f, void *ctx, double *x, size_t n, double *best, sotto_diag *diag)
{
    double logs[EVAL_PARAMETERS_MAX];
    search s = {f, ctx};
    if (n == 0 || n > EVAL_PARAMETERS_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, INTERNAL), "a fit of %zu parameters", n);
    nlopt_opt opt = nlopt_create(NLOPT_LN_SBPLX, (unsigned)n);
    if (opt == NULL)
        return hq_no_memory(diag);
    for (size_t i = 0; i < n; i++)
        logs[i] = log(x[i]);
    nlopt_result result = run(opt, &s, logs, best);
    nlopt_destroy(opt);
    if (result < 0 || result == NLOPT_MAXEVAL_REACHED)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the fit found no maximum: %s",
                              nlopt_result_to_string(result));
    for (size_t i = 0; i < n; i++)
        x[i] = exp(logs[i]);
    return SOTTO_OK;
}
