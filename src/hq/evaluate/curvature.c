/* How sure a maximum's place is: the inverse of the observed information, by central differences. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <string.h>

static const double STEP = 1e-3; /* of a logarithm: small for the curve, large for the rounding of f */

enum { N = EVAL_PARAMETERS_MAX };

/* f at x with two logarithms moved. */
static double moved(eval_objective f, void *ctx, const double *x, size_t n, size_t i, double by_i, size_t j,
                    double by_j)
{
    double y[N];
    memcpy(y, x, n * sizeof *y);
    y[i] *= exp(by_i);
    y[j] *= exp(by_j);
    return f(y, n, ctx);
}

/* Minus the second derivatives; on the diagonal i == j the four points are x + 2h, x, x, x - 2h. */
static void information(eval_objective f, void *ctx, const double *x, size_t n, double m[N][2 * N])
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            m[i][j] = -(moved(f, ctx, x, n, i, STEP, j, STEP) - moved(f, ctx, x, n, i, STEP, j, -STEP) -
                        moved(f, ctx, x, n, i, -STEP, j, STEP) + moved(f, ctx, x, n, i, -STEP, j, -STEP)) /
                      (4 * STEP * STEP);
}

/* Gauss-Jordan on [m | 1]; pivots of a maximum are positive. */
static bool invert(double m[N][2 * N], size_t n)
{
    for (size_t k = 0; k < n; k++) {
        double pivot = m[k][k];
        if (!(pivot > 0))
            return false;
        for (size_t j = 0; j < 2 * n; j++)
            m[k][j] /= pivot;
        for (size_t i = 0; i < n; i++) {
            double times = m[i][k];
            for (size_t j = 0; i != k && j < 2 * n; j++)
                m[i][j] -= times * m[k][j];
        }
    }
    return true;
}

bool eval_at_bound(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] < EVAL_PARAMETER_LOW * 1.01 || x[i] > EVAL_PARAMETER_HIGH / 1.01)
            return true;
    return false;
}

void eval_curvature(eval_objective f, void *ctx, const double *x, size_t n, double z, eval_interval *out)
{
    double m[N][2 * N] = {{0}};
    information(f, ctx, x, n, m);
    for (size_t i = 0; i < n; i++)
        m[i][n + i] = 1;
    bool sure = invert(m, n) && !eval_at_bound(x, n);
    for (size_t i = 0; i < n; i++) {
        double half = sure ? z * sqrt(m[i][n + i]) : NAN;
        out[i] = (eval_interval){x[i] * exp(-half), x[i] * exp(half)};
    }
}
