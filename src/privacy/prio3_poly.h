/*
 * Polynomials over the field whose header was included before this one, in the Lagrange basis: a vector of
 * their values at the powers of a root of unity (draft-irtf-cfrg-vdaf-20, section "Lagrange Basis"). Roots
 * are kept as factors. Constant time.
 */
#ifndef SOTTO_PRIO3_POLY_H
#define SOTTO_PRIO3_POLY_H

static unsigned poly_log2(size_t n)
{
    return (unsigned)__builtin_ctzl((unsigned long)n);
}

/* roots[i] = w^i for the n-th root of unity w, i < n, n a power of two. The second half of each range is the
 * first times a root of the next order, so the products do not wait for each other. */
static void poly_roots(felem *roots, size_t n)
{
    unsigned order = poly_log2(n);
    roots[0] = FACTOR_ONE;
    for (size_t half = 1; half < n; half *= 2, order--)
        for (size_t i = 0; i < half; i++)
            roots[half + i] = felem_mul(roots[i], ROOTS[order]);
}

static size_t poly_reverse(size_t i, unsigned bits)
{
    size_t reversed = 0;
    for (unsigned b = 0; b < bits; b++)
        reversed |= ((i >> b) & 1) << (bits - 1 - b);
    return reversed;
}

/* 1 / n for a power of two. */
static felem poly_inverse_of(size_t n)
{
    felem inverse = FACTOR_ONE;
    for (; n > 1; n /= 2)
        inverse = felem_mul(inverse, FACTOR_HALF);
    return inverse;
}

/* scale[reverse of i] = s^i / n, where roots are the powers of s, a 2n-th root of unity. */
static void poly_scale(felem *scale, const felem *roots, size_t n)
{
    felem inverse = poly_inverse_of(n);
    unsigned bits = poly_log2(n);
    for (size_t i = 0; i < n; i++)
        scale[poly_reverse(i, bits)] = felem_mul(roots[i], inverse);
}

/* n times the coefficients from n values, in bit-reversed order: Gentleman and Sande's transform with the
 * inverse roots. roots: the 2n-th. */
static void poly_coefficients(felem *v, size_t n, const felem *roots)
{
    for (size_t half = n / 2; half >= 1; half /= 2) {
        size_t step = n / half;
        for (size_t block = 0; block < n; block += 2 * half) {
            felem *low = v + block, *high = low + half;
            felem first = low[0];
            low[0] = felem_add(first, high[0]);
            high[0] = felem_sub(first, high[0]);
            for (size_t j = 1; j < half; j++) {
                felem a = low[j], b = high[j];
                low[j] = felem_add(a, b);
                high[j] = felem_mul(felem_sub(a, b), roots[2 * n - j * step]);
            }
        }
    }
}

/* n values from coefficients in bit-reversed order: Cooley and Tukey's transform. */
static void poly_values(felem *v, size_t n, const felem *roots)
{
    for (size_t half = 1; half < n; half *= 2) {
        size_t step = n / half;
        for (size_t block = 0; block < n; block += 2 * half) {
            felem *low = v + block, *high = low + half;
            felem first = low[0];
            low[0] = felem_add(first, high[0]);
            high[0] = felem_sub(first, high[0]);
            for (size_t j = 1; j < half; j++) {
                felem a = low[j], b = felem_mul(high[j], roots[j * step]);
                low[j] = felem_add(a, b);
                high[j] = felem_sub(a, b);
            }
        }
    }
}

/* From the values at w^i to those at s * w^i, where s^2 = w: the other half of the values at the powers of s
 * (draft: double_evaluations; Faz-Hernandez, ia.cr/2025/1727, equation 3.3.4). */
static void poly_shift(felem *v, size_t n, const felem *roots, const felem *scale)
{
    poly_coefficients(v, n, roots);
    for (size_t i = 0; i < n; i++)
        v[i] = felem_mul(v[i], scale[i]);
    poly_values(v, n, roots);
}

/* c[i], as factors, so that the sum of c[i] * p(x_i) is p(t) for every polynomial p of less than n
 * coefficients and the nodes x_i = roots[i * stride]: c[i] = -x_i / n * product of (x_j - t) over j != i
 * (draft: poly_eval_batched; ia.cr/2025/1727, algorithm 7). Returns the product over all j, which is t^n - 1
 * and zero when t is a node. */
static felem poly_at(felem *c, size_t n, const felem *roots, size_t stride, felem t)
{
    felem before = FACTOR_ONE, after = felem_sub(felem_zero(), poly_inverse_of(n));
    for (size_t i = 0; i < n; i++) {
        felem node = roots[i * stride];
        c[i] = felem_mul(before, node);
        before = felem_mul(before, felem_sub(node, t));
    }
    for (size_t i = n; i-- > 0;) {
        c[i] = felem_mul(c[i], after);
        after = felem_mul(after, felem_sub(roots[i * stride], t));
    }
    return before;
}

/* Sum of a[i * stride] * b[i], b as factors. */
static felem poly_dot(const felem *a, size_t stride, const felem *b, size_t n)
{
    felem_acc acc = felem_acc_zero();
    for (size_t i = 0; i < n; i++)
        felem_acc_add(&acc, a[i * stride], b[i]);
    return felem_acc_factors(&acc);
}

#endif
