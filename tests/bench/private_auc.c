/*
 * private_auc SCORES.csv [BREAK_EVEN]: what head office reads of a live model from noised score x outcome
 * histograms, beside the truth. A line of SCORES.csv is a customer: probability,label (0 or 1). Each customer
 * is shown one offer at one terminal, so contributes at most two counts (shown, taken): bound 2, noise of
 * scale 2 / epsilon in each cell, one draw a terminal (mode A) or two in all (mode B).
 */
#include "totals/histogram.h"

#include "sotto/fixed.h"
#include "sotto/port.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 10, BOUND = 2, DRAWS = 1000, ROWS_MAX = 1 << 20, STEPS = 14 };
static const unsigned NOISES[] = {2, 1, 10, 40, 100}; /* draws in a cell; the first is mode B's */
static const double CONTACTS = 0.38, WANTED = 0.95;

typedef struct row {
    double score;
    int label;
} row;
typedef struct spread {
    double sum, squares;
    int within, told; /* of told: draws in which the counts could say anything */
} spread;

static row *rows;
static size_t row_count;
static hq_histogram truth;
static uint64_t state = 1;

/* SplitMix64 (Steele, Lea, Flood 2014): the same table every time. */
static sotto_status fill(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        ((uint8_t *)buf)[i] = (uint8_t)(z >> 56);
    }
    return SOTTO_OK;
}

static int by_score(const void *a, const void *b)
{
    double x = ((const row *)a)->score, y = ((const row *)b)->score;
    return (x > y) - (x < y);
}

static bool read_rows(const char *path)
{
    FILE *in = fopen(path, "r");
    rows = calloc(ROWS_MAX, sizeof *rows);
    if (in == NULL || rows == NULL)
        return false;
    while (row_count < ROWS_MAX &&
           fscanf(in, "%lf,%d\n", &rows[row_count].score, &rows[row_count].label) == 2)
        row_count++;
    fclose(in);
    qsort(rows, row_count, sizeof *rows, by_score);
    return row_count >= BINS;
}

/* Of the rows themselves, ties counting half. */
static double exact_auc(void)
{
    double positives = 0, negatives = 0, ordered = 0;
    for (size_t i = 0; i < row_count;) {
        double p = 0, n = 0;
        size_t end = i;
        for (; end < row_count && rows[end].score <= rows[i].score; end++)
            rows[end].label > 0 ? p++ : n++;
        ordered += p * (negatives + n / 2);
        positives += p;
        negatives += n;
        i = end;
    }
    return ordered / (positives * negatives);
}

static double exact_gain(void)
{
    double all = 0, best = 0;
    for (size_t i = 0; i < row_count; i++) {
        all += rows[i].label;
        best += (double)i >= (1 - CONTACTS) * (double)row_count ? rows[i].label : 0;
    }
    return best / all;
}

/* Edges at the tenths, as head office would set them from held-out rows of training. */
static void make_histogram(void)
{
    truth.bins = BINS;
    for (size_t i = 0; i < row_count; i++) {
        size_t bin = i * BINS / row_count;
        truth.shown[bin]++;
        truth.taken[bin] += rows[i].label;
    }
}

static double noise_of(unsigned draws, uint64_t num, uint64_t den)
{
    const sotto_entropy entropy = {.fill = fill};
    int64_t sum = 0;
    for (unsigned i = 0; i < draws; i++) {
        int64_t one = 0;
        if (sotto_noise_laplace(&entropy, num, den, &one) != SOTTO_OK)
            exit(1);
        sum += one;
    }
    return (double)sum;
}

static hq_histogram noised(double epsilon, unsigned draws)
{
    hq_histogram h = truth;
    uint64_t num, den;
    sotto_budget_scale((uint64_t)llround(epsilon * 1e6), BOUND, &num, &den);
    const double half = sinh((double)den / (double)num / 2), variance = draws / (2 * half * half);
    for (size_t i = 0; i < h.bins; i++) {
        h.shown[i] += noise_of(draws, num, den);
        h.taken[i] += noise_of(draws, num, den);
        h.shown_variance[i] = h.taken_variance[i] = variance;
    }
    return h;
}

static void add(spread *s, const hq_figure *f, double true_value)
{
    if (!isfinite(f->value))
        return;
    s->told++;
    s->sum += f->value;
    s->squares += (f->value - true_value) * (f->value - true_value);
    s->within += f->low <= true_value && true_value <= f->high;
}

static void print_spread(const spread *s)
{
    printf("   %.4f +-%.4f (%.1f %%)", s->sum / s->told, sqrt(s->squares / s->told),
           100.0 * s->within / s->told);
    if (s->told < DRAWS)
        printf(" %d told", s->told);
}

static void print_spreads(double epsilon)
{
    const double auc = hq_histogram_auc(&truth, 0).value, gain = hq_histogram_gain(&truth, CONTACTS, 0).value;
    const hq_sums laplace = {.task = {.noise = SOTTO_NOISE_LAPLACE}};
    const double deviations = hq_sums_deviations(&laplace, 950000);
    printf("\nepsilon %.4g, %d draws: root mean square of the error (share of 95 %% intervals that hold the "
           "truth "
           "of the bins)\n%-22s %-26s %s\n",
           epsilon, DRAWS, "draws in each cell", "AUC", "gain at 38 %");
    for (size_t t = 0; t < SOTTO_COUNT(NOISES); t++) {
        spread a = {0}, g = {0};
        for (int d = 0; d < DRAWS; d++) {
            const hq_histogram h = noised(epsilon, NOISES[t]);
            hq_figure f = hq_histogram_auc(&h, deviations);
            add(&a, &f, auc);
            f = hq_histogram_gain(&h, CONTACTS, deviations);
            add(&g, &f, gain);
        }
        printf("%4u %-17s", NOISES[t], t == 0 ? "(mode B)" : "(terminals)");
        print_spread(&a);
        print_spread(&g);
        putchar('\n');
    }
}

/* The campaign manager contacts the bins in which an offer pays: taken of shown at least the break-even. */
static unsigned decision(const hq_histogram *h, double break_even)
{
    unsigned set = 0;
    for (size_t i = 0; i < h->bins; i++)
        set |= (h->taken[i] >= break_even * h->shown[i] ? 1u : 0u) << i;
    return set;
}

static double same_share(double epsilon, unsigned draws, double break_even)
{
    const unsigned right = decision(&truth, break_even);
    int same = 0;
    for (int d = 0; d < DRAWS; d++) {
        const hq_histogram h = noised(epsilon, draws);
        same += decision(&h, break_even) == right;
    }
    return (double)same / DRAWS;
}

/* By halving on a logarithmic scale: the share grows with epsilon but for chance. */
static double smallest_epsilon(unsigned draws, double break_even)
{
    double low = log(0.0005), high = log(50);
    for (int i = 0; i < STEPS; i++) {
        double middle = (low + high) / 2;
        *(same_share(exp(middle), draws, break_even) >= WANTED ? &high : &low) = middle;
    }
    return exp(high);
}

static void print_decisions(double break_even)
{
    const unsigned right = decision(&truth, break_even);
    printf("\nbreak-even %.3g %%: contact bins", break_even * 100);
    for (unsigned i = BINS; i-- > 0;)
        if ((right >> i & 1) != 0)
            printf(" %u", i + 1);
    printf(" of %d; smallest epsilon at which exactly these are chosen in %.0f %% of %d draws:\n", BINS,
           WANTED * 100, DRAWS);
    for (size_t t = 0; t < SOTTO_COUNT(NOISES); t++)
        printf("%4u %-17s %.4f\n", NOISES[t], t == 0 ? "(mode B)" : "(terminals)",
               smallest_epsilon(NOISES[t], break_even));
}

int main(int argc, char **argv)
{
    if (argc < 2 || !read_rows(argv[1])) {
        fprintf(stderr, "usage: private_auc SCORES.csv [BREAK_EVEN]...\n");
        return 2;
    }
    make_histogram();
    printf(
        "%zu customers. AUC of the rows %.4f, of %d exact bins %.4f; gain at 38 %%: rows %.4f, bins %.4f\n\n"
        "%-6s %8s %8s %8s\n",
        row_count, exact_auc(), BINS, hq_histogram_auc(&truth, 0).value, exact_gain(),
        hq_histogram_gain(&truth, CONTACTS, 0).value, "bin", "shown", "taken", "rate");
    for (size_t i = BINS; i-- > 0;)
        printf("%-6zu %8.0f %8.0f %7.2f %%\n", i + 1, truth.shown[i], truth.taken[i],
               100 * truth.taken[i] / truth.shown[i]);
    print_spreads(1);
    print_spreads(0.1);
    for (int i = 2; i < argc; i++)
        print_decisions(atof(argv[i]));
    free(rows);
    return 0;
}
