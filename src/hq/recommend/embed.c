/* From a matrix to embeddings: two short vectors an item whose product is the matrix again, as nearly as so
 * many dimensions can for the customers that were seen. Reduced-rank regression (Izenman, "Reduced-rank
 * regression for the multivariate linear model", Journal of Multivariate Analysis 5, 1975): with G = h'h of
 * what is held, centred, and V the first eigenvectors of B'GB, the best matrix of that rank is B V V'. */
#include "recommend/recommend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS_MAX = 60 };

/* ---- Eigenvectors of a symmetric matrix: Jacobi's method, row by row (Golub and Van Loan, Matrix
 * Computations, section 8.5) ---- */

typedef struct turn {
    size_t p, q;
    double cosine, sine;
} turn;

/* The turn that makes a[p][q] zero; false when it is so small already that nothing would change. */
static bool turn_of(const double *a, size_t n, size_t p, size_t q, turn *out)
{
    double off = a[p * n + q], first = a[p * n + p], second = a[q * n + q];
    if (fabs(off) <= 1e-15 * sqrt(fabs(first * second)) || fabs(off) < 1e-300)
        return false;
    double tau = (second - first) / (2 * off);
    double t = (tau >= 0 ? 1 : -1) / (fabs(tau) + sqrt(1 + tau * tau));
    double cosine = 1 / sqrt(1 + t * t);
    *out = (turn){.p = p, .q = q, .cosine = cosine, .sine = t * cosine};
    return true;
}

static void turn_pair(double *x, double *y, const turn *t)
{
    double a = *x, b = *y;
    *x = t->cosine * a - t->sine * b;
    *y = t->sine * a + t->cosine * b;
}

static void apply(double *a, double *vectors, size_t n, const turn *t)
{
    for (size_t k = 0; k < n; k++) {
        turn_pair(&a[k * n + t->p], &a[k * n + t->q], t);
        turn_pair(&vectors[k * n + t->p], &vectors[k * n + t->q], t);
    }
    for (size_t k = 0; k < n; k++)
        turn_pair(&a[t->p * n + k], &a[t->q * n + k], t);
}

/* Columns of `vectors`; the values stay on a's diagonal. */
static void decompose(double *a, size_t n, double *vectors)
{
    bool turned = true;
    memset(vectors, 0, n * n * sizeof *vectors);
    for (size_t i = 0; i < n; i++)
        vectors[i * n + i] = 1;
    for (size_t sweep = 0; turned && sweep < SWEEPS_MAX; sweep++) {
        turned = false;
        for (size_t p = 0; p + 1 < n; p++)
            for (size_t q = p + 1; q < n; q++) {
                turn t;
                if (turn_of(a, n, p, q, &t)) {
                    apply(a, vectors, n, &t);
                    turned = true;
                }
            }
    }
}

/* Columns in falling order of their value; the sign is the one that makes the largest number positive, so
 * that the same log gives the same bytes. */
static void order(const double *a, size_t n, const double *vectors, double *sorted)
{
    for (size_t place = 0; place < n; place++) {
        size_t best = n, top = 0;
        for (size_t i = 0; i < n; i++) {
            size_t before = 0; /* place of i: how many are larger, or as large and earlier */
            for (size_t k = 0; k < n; k++)
                before += a[k * n + k] > a[i * n + i] || (k < i && !(a[k * n + k] < a[i * n + i]));
            best = before == place ? i : best;
        }
        for (size_t i = 1; best < n && i < n; i++)
            top = fabs(vectors[i * n + best]) > fabs(vectors[top * n + best]) ? i : top;
        for (size_t i = 0; best < n && i < n; i++)
            sorted[i * n + place] =
                vectors[top * n + best] < 0 ? -vectors[i * n + best] : vectors[i * n + best];
    }
}

/* out = left x right (n x n), or left' x right. */
static void multiply(const double *left, bool turned, const double *right, size_t n, double *out)
{
    memset(out, 0, n * n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            double f = turned ? left[k * n + i] : left[i * n + k];
            for (size_t j = 0; f != 0 && j < n; j++)
                out[i * n + j] += f * right[k * n + j];
        }
}

/* ---- The factors ---- */

sotto_status rec_factors_init(rec_factors *f, const rec_matrix *m, sotto_diag *diag)
{
    size_t n = m->items;
    *f = (rec_factors){.items = n, .matrix = m};
    double *a = eval_array(n * n, sizeof *a, diag), *b = eval_array(n * n, sizeof *b, diag);
    f->vectors = eval_array(n * n, sizeof *f->vectors, diag);
    f->held = eval_array(n * n, sizeof *f->held, diag);
    if (diag->status == SOTTO_OK) {
        multiply(m->together, false, m->row, n, b);
        multiply(m->row, true, b, n, a);
        decompose(a, n, b);
        order(a, n, b, f->vectors);
        multiply(m->row, false, f->vectors, n, f->held);
    }
    free(a);
    free(b);
    return diag->status;
}

void rec_factors_free(rec_factors *f)
{
    free(f->vectors);
    free(f->held);
    *f = (rec_factors){.items = 0};
}

/* What the dimensions left out said of the mean customer goes into the constant. */
void rec_reduce(const rec_factors *f, size_t dims, rec_matrix *out)
{
    size_t n = f->items;
    const rec_matrix *m = f->matrix;
    memcpy(out->constant, m->constant, n * sizeof(double));
    for (size_t h = 0; h < n; h++)
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t k = 0; k < dims; k++)
                sum += f->held[h * n + k] * f->vectors[i * n + k];
            out->constant[i] += m->mean[h] * (m->row[h * n + i] - sum);
            out->row[h * n + i] = sum;
        }
}

/* Each dimension of what is held is brought to 1/2..1, by a power of two that the other side gives back: so
 * both sides use their integers' digits. */
sotto_status rec_embedding_init(rec_embedding *e, const rec_factors *f, size_t dims, size_t width,
                                sotto_diag *diag)
{
    size_t n = f->items;
    *e = (rec_embedding){.items = n, .dims = dims, .width = width};
    e->held = eval_array(n * dims, sizeof *e->held, diag);
    e->wanted = eval_array(n * dims, sizeof *e->wanted, diag);
    for (size_t k = 0; diag->status == SOTTO_OK && k < dims; k++) {
        double most = 0;
        int up = 0;
        for (size_t i = 0; i < n; i++)
            most = fmax(most, fabs(f->held[i * n + k]));
        (void)frexp(most, &up);
        for (size_t i = 0; i < n; i++) {
            e->held[i * dims + k] = ldexp(f->held[i * n + k], -up);
            e->wanted[i * dims + k] = ldexp(f->vectors[i * n + k], up);
        }
    }
    return diag->status;
}

void rec_embedding_free(rec_embedding *e)
{
    free(e->held);
    free(e->wanted);
    *e = (rec_embedding){.items = 0};
}
