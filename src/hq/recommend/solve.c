/* Cholesky's decomposition and two triangular systems (Golub and Van Loan, Matrix Computations, section 4.2).
 */
#include "recommend/recommend.h"

#include <math.h>

static bool decompose(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0))
                return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    return true;
}

/* b[i] -= factor x b[k], row by row, so that memory is read in its order. */
static void subtract(double *b, size_t columns, size_t i, size_t k, double factor)
{
    for (size_t c = 0; c < columns; c++)
        b[i * columns + c] -= factor * b[k * columns + c];
}

static void divide(double *b, size_t columns, size_t i, double by)
{
    for (size_t c = 0; c < columns; c++)
        b[i * columns + c] /= by;
}

bool rec_solve(double *a, size_t n, double *b, size_t columns)
{
    if (!decompose(a, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            subtract(b, columns, i, k, a[i * n + k]);
        divide(b, columns, i, a[i * n + i]);
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            subtract(b, columns, i, k, a[k * n + i]);
        divide(b, columns, i, a[i * n + i]);
    }
    return true;
}
