/* Figures of scores, lists, intervals and columns, against answers worked by hand. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void near(double got, double want)
{
    if (!(fabs(got - want) < 1e-9))
        fail_msg("%.12g instead of %.12g", got, want);
}

static void about(double got, double want, double by)
{
    if (!(fabs(got - want) < by))
        fail_msg("%.8g instead of %.8g", got, want);
}

static eval_scored scored(const double *score, const uint8_t *label, size_t n)
{
    sotto_diag diag = {.status = SOTTO_OK};
    eval_scored s = {.rows = n, .score = score, .label = label};
    assert_int_equal(eval_scored_init(&s, &diag), SOTTO_OK);
    return s;
}

/* Positives at .9 and .7, negatives at .8 and .6: of four pairs one is in the wrong order. Each class's
 * placements are 1 and 1/2: variance 1/8 over 2, twice. */
static void auc_and_its_variance_by_hand(void **state)
{
    (void)state;
    const double score[] = {0.6, 0.9, 0.8, 0.7};
    const uint8_t label[] = {0, 1, 0, 1};
    eval_scored s = scored(score, label, 4);
    near(eval_auc(&s, NULL), 0.75);
    near(eval_auc_variance(&s), 0.125);
    eval_scored_free(&s);
}

/* A positive and a negative of one score are half in order: (1/2 + 1) / 2. */
static void ties_count_half(void **state)
{
    (void)state;
    const double score[] = {5, 5, 1};
    const uint8_t label[] = {1, 0, 0};
    eval_scored s = scored(score, label, 3);
    near(eval_auc(&s, NULL), 0.75);
    assert_true(isnan(eval_auc_variance(&s)));
    eval_scored_free(&s);
}

static void a_weight_is_as_many_rows(void **state)
{
    (void)state;
    const double score[] = {0.3, 0.9, 0.3, 0.5}, weight[] = {2, 1, 0, 3};
    const uint8_t label[] = {1, 1, 0, 0};
    const double many[] = {0.3, 0.3, 0.9, 0.5, 0.5, 0.5};
    const uint8_t labels[] = {1, 1, 1, 0, 0, 0};
    eval_scored s = scored(score, label, 4), m = scored(many, labels, 6);
    near(eval_auc(&s, weight), eval_auc(&m, NULL));
    near(eval_logloss(&s, weight), eval_logloss(&m, NULL));
    near(eval_brier(&s, weight), eval_brier(&m, NULL));
    near(eval_gain(&s, weight, 0.4), eval_gain(&m, NULL, 0.4));
    eval_scored_free(&s);
    eval_scored_free(&m);
}

static void losses_by_hand(void **state)
{
    (void)state;
    const double score[] = {0.8, 0.4};
    const uint8_t label[] = {1, 0};
    eval_scored s = scored(score, label, 2);
    near(eval_logloss(&s, NULL), -(log(0.8) + log(0.6)) / 2);
    near(eval_brier(&s, NULL), (0.04 + 0.16) / 2);
    eval_scored_free(&s);
}

/* Ten rows, buyers at places 1, 2, 5 and 10. */
static void gain_by_hand(void **state)
{
    (void)state;
    const double score[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, same[10] = {0};
    const uint8_t label[] = {1, 1, 0, 0, 1, 0, 0, 0, 0, 1};
    eval_scored s = scored(score, label, 10), t = scored(same, label, 10);
    near(eval_gain(&s, NULL, 0.2), 0.5);
    near(eval_gain(&s, NULL, 0.15), 1.5 / 4);
    near(eval_gain(&s, NULL, 0.5), 0.75);
    near(eval_gain(&s, NULL, 1), 1);
    near(eval_gain(&t, NULL, 0.38), 0.38);
    eval_scored_free(&s);
    eval_scored_free(&t);
}

static void bins_keep_rows_of_one_score_together(void **state)
{
    (void)state;
    const double score[] = {0.1, 0.2, 0.2, 0.2, 0.9, 0.8};
    const uint8_t label[] = {0, 1, 0, 0, 1, 1};
    eval_bin bin[3];
    eval_scored s = scored(score, label, 6);
    assert_int_equal(eval_calibrate(&s, bin, 3), 3);
    assert_int_equal(bin[0].rows, 1);
    assert_int_equal(bin[1].rows, 3);
    assert_int_equal(bin[1].positives, 1);
    near(bin[1].score, 0.2);
    assert_int_equal(bin[2].rows, 2);
    near(bin[2].score, 0.85);
    assert_int_equal(eval_calibrate(&s, bin, 1), 1);
    assert_int_equal(bin[0].positives, 3);
    eval_scored_free(&s);
}

/* Customer 0: wanted stands second. 1: first and third. 2: nothing wanted. 3: fifth. */
static void lists_by_hand(void **state)
{
    (void)state;
    const double score[] = {2, 1, 9, 8, 7, 5, 4, 9, 8, 7, 6, 5};
    const uint8_t label[] = {0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1};
    const uint32_t unit[] = {0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3};
    sotto_diag diag = {.status = SOTTO_OK};
    eval_scored s = {.rows = 12, .score = score, .label = label, .unit = unit};
    eval_list list[4];
    size_t count = 0;
    assert_int_equal(eval_rank(&s, NULL, 3, 1, list, &count, &diag), SOTTO_OK);
    assert_int_equal(count, 3);
    near(list[0].reciprocal, 0.5);
    near(list[0].ndcg, 1 / log2(3));
    near(list[0].hit, 1);
    near(list[1].reciprocal, 1);
    near(list[1].ndcg, 1.5 / (1 + 1 / log2(3)));
    near(list[2].reciprocal, 0.2);
    near(list[2].reciprocal_at, 0);
    near(list[2].ndcg, 0);
    near(list[2].hit, 0);
}

/* A rank goes before a score; equal ranks are drawn by the seed, and fairly. */
static void ranks_and_lots(void **state)
{
    (void)state;
    const double score[] = {9, 1}, rank[] = {2, 1}, same[] = {1, 1};
    const uint8_t label[] = {0, 1};
    const uint32_t unit[] = {0, 0};
    sotto_diag diag = {.status = SOTTO_OK};
    eval_scored s = {.rows = 2, .score = score, .label = label, .unit = unit};
    eval_list list[1];
    size_t count = 0, first = 0;
    assert_int_equal(eval_rank(&s, rank, 1, 1, list, &count, &diag), SOTTO_OK);
    near(list[0].reciprocal, 1);
    for (int64_t seed = 0; seed < 1000; seed++) {
        assert_int_equal(eval_rank(&s, same, 1, seed, list, &count, &diag), SOTTO_OK);
        first += list[0].hit > 0;
    }
    assert_in_range(first, 430, 570);
}

/* Newcombe's own examples, Statist. Med. 17 (1998): 81 of 263, page 861; 56 of 70 against 48 of 80, page 879.
 */
static void intervals_of_the_papers(void **state)
{
    (void)state;
    double z = eval_z(95);
    about(z, 1.959963985, 1e-8);
    about(eval_z(99), 2.575829304, 1e-8);
    eval_interval one = eval_wilson(81, 263, z), two = eval_newcombe(56, 70, 48, 80, z);
    about(one.low, 0.2553, 5e-5);
    about(one.high, 0.3662, 5e-5);
    about(two.low, 0.0524, 5e-5);
    about(two.high, 0.3339, 5e-5);
    near(eval_wilson(0, 10, z).low, 0);
}

typedef struct mean_ctx {
    const double *value;
    size_t n;
    bool strata_kept;
} mean_ctx;

static void mean_of(void *ctx, const double *weight, double *out)
{
    mean_ctx *c = ctx;
    double sum = 0, total = 0, first = 0;
    for (size_t i = 0; i < c->n; i++) {
        sum += weight[i] * c->value[i];
        total += weight[i];
        first += i < c->n / 4 ? weight[i] : 0;
    }
    c->strata_kept =
        c->strata_kept && fabs(first - (double)(c->n / 4)) < 0.5 && fabs(total - (double)c->n) < 0.5;
    out[0] = sum / total;
}

enum { UNITS = 400 };

static void bootstrap_of_a_share(void **state)
{
    (void)state;
    double value[UNITS];
    uint8_t stratum[UNITS];
    for (size_t i = 0; i < UNITS; i++) {
        value[i] = i % 5 == 0;
        stratum[i] = i < UNITS / 4 ? 3 : 200;
    }
    mean_ctx ctx = {value, UNITS, true};
    sotto_diag diag = {.status = SOTTO_OK};
    eval_figure f[2] = {{.name = "a", .text = "a"}, {.name = "b", .text = "b"}};
    eval_chance chance = {.rounds = 2000, .seed = 7, .confidence = 95};
    eval_sample s = {.units = UNITS, .stratum = stratum, .statistic = mean_of, .ctx = &ctx};
    assert_int_equal(eval_bootstrap(&s, &chance, &f[0], 1, &diag), SOTTO_OK);
    assert_int_equal(eval_bootstrap(&s, &chance, &f[1], 1, &diag), SOTTO_OK);
    assert_true(ctx.strata_kept);
    near(f[0].value, 0.2);
    near(f[0].interval.low, f[1].interval.low);
    /* Standard error sqrt(.2 * .8 / 400) = .02. */
    about(f[0].interval.low, 0.2 - 1.96 * 0.02, 0.004);
    about(f[0].interval.high, 0.2 + 1.96 * 0.02, 0.004);
    chance.rounds = 0;
    assert_int_equal(eval_bootstrap(&s, &chance, &f[0], 1, &diag), SOTTO_OK);
    near(f[0].value, 0.2);
    assert_true(isnan(f[0].interval.low));
}

static void percentiles_leave_out_what_is_no_number(void **state)
{
    (void)state;
    double v[] = {3, NAN, 1, 2, NAN, 5, 4}, one[] = {NAN, 1};
    eval_interval i = eval_percentiles(v, 7, 50);
    near(i.low, 2);
    near(i.high, 4);
    assert_true(isnan(eval_percentiles(one, 2, 50).low));
}

/* ---- Columns ---- */

static void write_file(char path[static 32], const char *text)
{
    (void)snprintf(path, 32, "/tmp/sotto-evaluate-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static sotto_status read_text(const char *text, eval_column *columns, size_t count, size_t *rows,
                              sotto_diag *diag)
{
    char path[32];
    write_file(path, text);
    sotto_status status = eval_table_read(columns, count, path, rows, diag);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void columns_by_name(void **state)
{
    (void)state;
    eval_column c[] = {{.name = "n", .kind = EVAL_NUMBER},
                       {.name = "who", .kind = EVAL_CODE},
                       {.name = "y", .kind = EVAL_LABEL},
                       {.name = "absent", .kind = EVAL_NUMBER, .optional = true},
                       {.name = NULL}};
    sotto_diag diag = {.status = SOTTO_OK};
    size_t rows = 0;
    assert_int_equal(read_text("who;y;n\nb;yes;1.5\na;no;-2e3\nb;1;0\n", c, 5, &rows, &diag), SOTTO_OK);
    assert_int_equal(rows, 3);
    near(c[0].number[1], -2000);
    assert_int_equal(c[1].code[0], c[1].code[2]);
    assert_string_equal(eval_words_at(c[1].words, c[1].code[1]), "a");
    assert_int_equal(eval_words_count(c[1].words), 2);
    assert_int_equal(eval_words_find(c[1].words, "b"), 0);
    assert_int_equal(eval_words_find(c[1].words, "c"), -1);
    assert_int_equal(c[2].label[0], 1);
    assert_null(c[3].number);
    eval_table_free(c, 5);
}

static void many_words_keep_their_numbers(void **state)
{
    (void)state;
    sotto_vec text;
    sotto_vec_init(&text, 1 << 20);
    assert_int_equal(sotto_vec_printf(&text, "w\n"), SOTTO_OK);
    for (int i = 0; i < 6000; i++)
        assert_int_equal(sotto_vec_printf(&text, "word%d\n", i % 3000), SOTTO_OK);
    assert_int_equal(sotto_vec_put(&text, "", 1), SOTTO_OK);
    eval_column c = {.name = "w", .kind = EVAL_CODE};
    sotto_diag diag = {.status = SOTTO_OK};
    size_t rows = 0;
    assert_int_equal(read_text((const char *)text.ptr, &c, 1, &rows, &diag), SOTTO_OK);
    assert_int_equal(eval_words_count(c.words), 3000);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(c.code[i], i % 3000);
    eval_table_free(&c, 1);
    sotto_vec_free(&text);
}

static void bad_tables_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int cause;
        uint64_t line;
    } BAD[] = {{"n,y\n1,0\nsecret,1\n", SOTTO_CAUSE_MALFORMED, 3},
               {"n,y\n1,0\n2,maybe\n", SOTTO_CAUSE_MALFORMED, 3},
               {"n,y\n1,0\n,1\n", SOTTO_CAUSE_MALFORMED, 3},
               {"n,y\n1,0\nnan,1\n", SOTTO_CAUSE_MALFORMED, 3},
               {"n,y\n1,0\n1e999,1\n", SOTTO_CAUSE_MALFORMED, 3},
               {"n,z\n1,0\n", SOTTO_CAUSE_NOT_FOUND, 1},
               {"n,y\n", SOTTO_CAUSE_MALFORMED, 0}};
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++) {
        eval_column c[] = {{.name = "n", .kind = EVAL_NUMBER}, {.name = "y", .kind = EVAL_LABEL}};
        sotto_diag diag = {.status = SOTTO_OK};
        size_t rows = 0;
        assert_int_equal(sotto_status_cause(read_text(BAD[i].text, c, 2, &rows, &diag)), BAD[i].cause);
        assert_int_equal(diag.line, BAD[i].line);
        assert_null(strstr(diag.text, "secret"));
        eval_table_free(c, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auc_and_its_variance_by_hand),
        cmocka_unit_test(ties_count_half),
        cmocka_unit_test(a_weight_is_as_many_rows),
        cmocka_unit_test(losses_by_hand),
        cmocka_unit_test(gain_by_hand),
        cmocka_unit_test(bins_keep_rows_of_one_score_together),
        cmocka_unit_test(lists_by_hand),
        cmocka_unit_test(ranks_and_lots),
        cmocka_unit_test(intervals_of_the_papers),
        cmocka_unit_test(bootstrap_of_a_share),
        cmocka_unit_test(percentiles_leave_out_what_is_no_number),
        cmocka_unit_test(columns_by_name),
        cmocka_unit_test(many_words_keep_their_numbers),
        cmocka_unit_test(bad_tables_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
