/*
 * modes OUT.SVG: error of the fleet's total at the same epsilon, mode A (each terminal adds noise) against
 * mode B (each of two aggregators does), for 10, 100 and 1,000 terminals, beside theory. Mode B goes the
 * whole way: every terminal's cells cut into Prio3 shares, verified by both, added up; then noise, drawn anew
 * each time.
 */
#include "sotto/split.h"

#include "sotto/port.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 64, BITS = 8, BOUND = 8, DRAWS = 64 };
#define EPSILON_UEPS 1000000
static const unsigned FLEETS[] = {10, 100, 1000};

static sotto_entropy entropy;
static sotto_prio3 prio3;
static uint64_t noise_num, noise_den;

static void must(sotto_status status)
{
    if (status != SOTTO_OK) {
        fprintf(stderr, "modes: %s\n", sotto_status_cause_text(status));
        exit(1);
    }
}

static void *memory(size_t bytes)
{
    void *block = calloc(1, bytes + 1);
    if (block == NULL)
        exit(1);
    return block;
}

static int64_t noise(void)
{
    int64_t draw;
    must(sotto_noise_laplace(&entropy, noise_num, noise_den, &draw));
    return draw;
}

/* One terminal, through both aggregators, into their shares of the sum. */
struct pipe {
    uint8_t *rand, *public_share, *input[2], *state[2], *verifier[2], *out;
    void *shard, *verify;
};

static void one_terminal(struct pipe *p, const uint64_t *counts, uint8_t *const sum[2])
{
    static const uint8_t key[SOTTO_PRIO3_VERIFY_KEY_BYTES] = "a key for the measurement of it.";
    uint8_t nonce[SOTTO_PRIO3_NONCE_BYTES], message[SOTTO_PRIO3_SEED_BYTES];
    const sotto_span ctx = sotto_span_str("modes");
    const sotto_prio3_report report = {p->public_share, p->input};
    sotto_span verifiers[2];
    must(entropy.fill(entropy.ctx, nonce, sizeof nonce));
    must(entropy.fill(entropy.ctx, p->rand, sotto_prio3_rand_size(&prio3)));
    must(sotto_prio3_shard(&prio3, ctx, counts, CELLS, nonce,
                           sotto_span_of(p->rand, sotto_prio3_rand_size(&prio3)), &report, p->shard,
                           sotto_prio3_shard_scratch_size(&prio3), NULL));
    for (uint32_t i = 0; i < 2; i++) {
        const sotto_prio3_received received = {
            nonce, sotto_span_of(p->public_share, sotto_prio3_public_share_size(&prio3)),
            sotto_span_of(p->input[i], sotto_prio3_input_share_size(&prio3, i))};
        must(sotto_prio3_verify_init(&prio3, key, ctx, i, &received, p->state[i], p->verifier[i], p->verify,
                                     sotto_prio3_verify_scratch_size(&prio3), NULL));
        verifiers[i] = sotto_span_of(p->verifier[i], sotto_prio3_verifier_share_size(&prio3));
    }
    must(sotto_prio3_verifier_shares_to_message(&prio3, ctx, verifiers, 2, message, p->verify,
                                                sotto_prio3_verify_scratch_size(&prio3), NULL));
    for (uint32_t i = 0; i < 2; i++) {
        must(sotto_prio3_verify_next(&prio3, p->state[i], sotto_span_of(message, sizeof message), p->out,
                                     NULL));
        must(sotto_prio3_agg_update(&prio3, sum[i], sotto_span_of(p->out, sotto_prio3_agg_share_size(&prio3)),
                                    NULL));
    }
}

static struct pipe open_pipe(void)
{
    struct pipe p = {.rand = memory(sotto_prio3_rand_size(&prio3)),
                     .public_share = memory(sotto_prio3_public_share_size(&prio3)),
                     .out = memory(sotto_prio3_agg_share_size(&prio3)),
                     .shard = memory(sotto_prio3_shard_scratch_size(&prio3)),
                     .verify = memory(sotto_prio3_verify_scratch_size(&prio3))};
    for (uint32_t i = 0; i < 2; i++) {
        p.input[i] = memory(sotto_prio3_input_share_size(&prio3, i));
        p.state[i] = memory(sotto_prio3_verify_state_size(&prio3));
        p.verifier[i] = memory(sotto_prio3_verifier_share_size(&prio3));
    }
    return p;
}

/* Square of the error of a cell's total, mean over cells and draws. */
static double square_b(uint8_t *const sum[2], const int64_t *exact)
{
    size_t size = sotto_prio3_agg_share_size(&prio3);
    uint8_t *copy[2] = {memory(size), memory(size)};
    int64_t draw[CELLS], total[CELLS];
    double squares = 0;
    for (unsigned d = 0; d < DRAWS; d++) {
        sotto_span shares[2];
        for (unsigned i = 0; i < 2; i++) {
            memcpy(copy[i], sum[i], size);
            for (unsigned c = 0; c < CELLS; c++)
                draw[c] = noise();
            must(sotto_prio3_agg_add(&prio3, copy[i], draw, CELLS, NULL));
            shares[i] = sotto_span_of(copy[i], size);
        }
        must(sotto_prio3_unshard_signed(&prio3, shares, 2, total, NULL));
        for (unsigned c = 0; c < CELLS; c++)
            squares += (double)(total[c] - exact[c]) * (double)(total[c] - exact[c]);
    }
    free(copy[0]);
    free(copy[1]);
    return squares / (CELLS * DRAWS);
}

static double measure_b(unsigned terminals)
{
    struct pipe p = open_pipe();
    uint8_t *sum[2] = {memory(sotto_prio3_agg_share_size(&prio3)),
                       memory(sotto_prio3_agg_share_size(&prio3))};
    int64_t exact[CELLS] = {0};
    for (unsigned t = 0; t < terminals; t++) {
        uint64_t counts[CELLS];
        for (unsigned c = 0; c < CELLS; c++) {
            counts[c] = (t * 31 + c * 17) % 200;
            exact[c] += (int64_t)counts[c];
        }
        one_terminal(&p, counts, sum);
    }
    return sqrt(square_b(sum, exact)); /* the program ends soon: its memory is left to that */
}

static double measure_a(unsigned terminals)
{
    double squares = 0;
    for (unsigned i = 0; i < CELLS * DRAWS; i++) {
        int64_t error = 0;
        for (unsigned t = 0; t < terminals; t++)
            error += noise();
        squares += (double)error * (double)error;
    }
    return sqrt(squares / (CELLS * DRAWS));
}

/* ---- the plot: log-log, 1 .. 10,000 terminals ---- */

enum { LEFT = 70, TOP = 30, WIDTH = 520, HEIGHT = 300 };
static const double X_DECADES = 4, Y_FIRST = 0.5, Y_DECADES = 3;

static double x_of(double terminals)
{
    return LEFT + WIDTH * log10(terminals) / X_DECADES;
}

static double y_of(double error)
{
    return TOP + HEIGHT * (1 - (log10(error) - Y_FIRST) / Y_DECADES);
}

static void plot_frame(FILE *out)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 400\" font-family=\"sans-serif\" "
            "font-size=\"13\">\n<rect width=\"640\" height=\"400\" fill=\"white\"/>\n"
            "<text x=\"%d\" y=\"20\">Standard error of a cell's total over the fleet, epsilon 1, bound "
            "8</text>\n",
            LEFT);
    for (int d = 0; d <= 4; d++) {
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#ddd\"/>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
                x_of(pow(10, d)), TOP, x_of(pow(10, d)), TOP + HEIGHT, x_of(pow(10, d)), TOP + HEIGHT + 18,
                pow(10, d));
        if (d >= 1 && d <= 3)
            fprintf(out,
                    "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>"
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f</text>\n",
                    LEFT, y_of(pow(10, d)), LEFT + WIDTH, y_of(pow(10, d)), LEFT - 6, y_of(pow(10, d)) + 4,
                    pow(10, d));
    }
    fprintf(out, "<text x=\"%d\" y=\"385\" text-anchor=\"middle\">terminals</text>\n", LEFT + WIDTH / 2);
}

static void plot_line(FILE *out, const char *colour, const char *name, double at_1, double at_10000)
{
    fprintf(out,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"2\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\" text-anchor=\"end\">%s</text>\n",
            x_of(1), y_of(at_1), x_of(10000), y_of(at_10000), colour, x_of(3500), y_of(at_10000) - 10, colour,
            name);
}

static void plot_point(FILE *out, const char *colour, double terminals, double error)
{
    fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\"/>\n", x_of(terminals), y_of(error),
            colour);
}

int main(int argc, char **argv)
{
    entropy = sotto_port_entropy();
    sotto_budget_scale(EPSILON_UEPS, BOUND, &noise_num, &noise_den);
    must(sotto_prio3_sum_vec(&prio3, 2, CELLS, (1u << BITS) - 1, sotto_prio3_best_chunk(CELLS * BITS), NULL));
    /* Variance of the discrete Laplace distribution: 2 q / (1 - q)^2 with q = e^(-1/scale). */
    double q = exp(-(double)noise_den / (double)noise_num), sd = sqrt(2 * q) / (1 - q);
    FILE *out = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (argc > 1 && out == NULL)
        return 6;
    if (out != NULL) {
        plot_frame(out);
        plot_line(out, "#b33", "mode A: theory, sd * sqrt(terminals)", sd, sd * 100);
        plot_line(out, "#36c", "mode B: theory, sd * sqrt(2)", sd * sqrt(2), sd * sqrt(2));
    }
    printf("epsilon 1, bound %d, %d cells; standard error of a cell over %d draws\n", BOUND, CELLS,
           CELLS * DRAWS);
    printf("%9s %10s %10s %10s %10s\n", "terminals", "A", "A theory", "B", "B theory");
    for (size_t i = 0; i < SOTTO_COUNT(FLEETS); i++) {
        double a = measure_a(FLEETS[i]), b = measure_b(FLEETS[i]);
        printf("%9u %10.1f %10.1f %10.1f %10.1f\n", FLEETS[i], a, sd * sqrt(FLEETS[i]), b, sd * sqrt(2));
        if (out != NULL) {
            plot_point(out, "#b33", FLEETS[i], a);
            plot_point(out, "#36c", FLEETS[i], b);
        }
    }
    if (out != NULL && (fputs("</svg>\n", out) == EOF || fclose(out) != 0))
        return 6;
    return 0;
}
