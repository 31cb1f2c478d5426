/* A customer's value in two steps: will they buy again (BG/NBD), and for how much (gamma-gamma). */
#include "evaluate/evaluate.h"

#include <math.h>

static double log_sum(double a, double b)
{
    double high = fmax(a, b), low = fmin(a, b);
    return high + log1p(exp(low - high));
}

/* Equation 6: ln of A1 A2 (A3 + [x > 0] A4). */
static double one_log_likelihood(const eval_bgnbd *m, const eval_buyer *c)
{
    double a1 = lgamma(m->r + c->x) - lgamma(m->r) + m->r * log(m->alpha);
    double a2 = lgamma(m->a + m->b) + lgamma(m->b + c->x) - lgamma(m->b) - lgamma(m->a + m->b + c->x);
    double a3 = -(m->r + c->x) * log(m->alpha + c->T);
    if (!(c->x > 0))
        return a1 + a2 + a3;
    double a4 = log(m->a) - log(m->b + c->x - 1) - (m->r + c->x) * log(m->alpha + c->t_x);
    return a1 + a2 + log_sum(a3, a4);
}

double eval_bgnbd_log_likelihood(const eval_bgnbd *m, const eval_buyer *buyers, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += one_log_likelihood(m, &buyers[i]);
    return sum;
}

double eval_hypergeometric(double a, double b, double c, double z)
{
    double term = 1, sum = 1;
    for (int k = 0; k < 100000 && fabs(term) > 1e-15 * fabs(sum); k++) {
        term *= (a + k) * (b + k) / ((c + k) * (k + 1)) * z;
        sum += term;
    }
    return sum;
}

double eval_bgnbd_expected(const eval_bgnbd *m, const eval_buyer *c, double weeks)
{
    /* The formula divides by a - 1; its limit there exists, and is this near. */
    double a = fabs(m->a - 1) < 1e-6 ? 1 + 1e-6 : m->a, n = m->r + c->x;
    double series =
        eval_hypergeometric(n, m->b + c->x, a + m->b + c->x - 1, weeks / (m->alpha + c->T + weeks));
    double gone = pow((m->alpha + c->T) / (m->alpha + c->T + weeks), n) * series;
    double odds = c->x > 0 ? a / (m->b + c->x - 1) * pow((m->alpha + c->T) / (m->alpha + c->t_x), n) : 0;
    return (a + m->b + c->x - 1) / (a - 1) * (1 - gone) / (1 + odds);
}

double eval_spend_log_likelihood(const eval_spend *m, const eval_buyer *buyers, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const eval_buyer *c = &buyers[i];
        double px = m->p * c->x;
        if (c->x > 0 && c->mean > 0)
            sum += lgamma(px + m->q) - lgamma(px) - lgamma(m->q) + m->q * log(m->v) +
                   (px - 1) * log(c->mean) + px * log(c->x) - (px + m->q) * log(c->x * c->mean + m->v);
    }
    return sum;
}

double eval_spend_expected(const eval_spend *m, const eval_buyer *c)
{
    double weight = m->p * c->x + m->q - 1;
    return weight > 0 ? m->p * (m->v + c->x * c->mean) / weight : NAN;
}
