/* Figures, held-out rows and fields of the learning commands, against plain definitions. */
#include "learn/calibrate.h"
#include "learn/goal.h"
#include "learn/infer.h"
#include "learn/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 400 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The share of pairs of a positive and a negative row that stand in the right order; a tie is half. */
static double auc_by_pairs(const double *score, const uint8_t *label, size_t n)
{
    double right = 0, pairs = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (label[i] && !label[k]) {
                right += score[i] > score[k] ? 1 : score[i] < score[k] ? 0 : 0.5;
                pairs++;
            }
    return right / pairs;
}

static void auc_is_the_share_of_pairs_in_order(void **state)
{
    (void)state;
    uint64_t random = 9;
    for (int round = 0; round < 30; round++) {
        double score[N];
        uint8_t label[N];
        for (size_t i = 0; i < N; i++) {
            score[i] = (double)(next_random(&random) % (round % 2 ? 7 : 100000)); /* many ties, or few */
            label[i] = next_random(&random) % 3 == 0;
        }
        label[0] = 0;
        label[1] = 1;
        assert_true(fabs(learn_auc(score, label, N) - auc_by_pairs(score, label, N)) < 1e-12);
    }
}

static void auc_of_one_class_is_not_a_number(void **state)
{
    (void)state;
    const double score[3] = {1, 2, 3};
    const uint8_t none[3] = {0, 0, 0}, all[3] = {1, 1, 1};
    assert_true(isnan(learn_auc(score, none, 3)));
    assert_true(isnan(learn_auc(score, all, 3)));
    assert_true(isnan(learn_auc(score, all, 0)));
}

static void logloss_follows_its_definition_and_never_overflows(void **state)
{
    (void)state;
    const double margin[4] = {0.5, -1.25, 3, 0};
    const uint8_t label[4] = {1, 0, 0, 1};
    double expected = 0;
    for (size_t i = 0; i < 4; i++) {
        double p = 1 / (1 + exp(-margin[i]));
        expected -= log(label[i] ? p : 1 - p) / 4;
    }
    assert_true(fabs(learn_logloss(margin, label, 4) - expected) < 1e-12);
    const double far[2] = {1e5, -1e5};
    const uint8_t right[2] = {1, 0}, wrong[2] = {0, 1};
    assert_true(learn_logloss(far, right, 2) == 0);
    assert_true(fabs(learn_logloss(far, wrong, 2) - 1e5) < 1e-6);
}

static void held_out_rows_depend_on_seed_and_number_only(void **state)
{
    (void)state;
    learn_split a = {.kind = LEARN_SPLIT_RANDOM, .seed = 1, .holdout_percent = 20}, b = a;
    size_t held_out = 0, watched = 0, differ = 0;
    b.seed = 2;
    for (size_t row = 0; row < 100000; row++) {
        bool out = learn_split_held_out(&a, row, 100000), watch = learn_split_watched(&a, row, 100000);
        assert_true(out == learn_split_held_out(&a, row, 777777)); /* more rows later change nothing */
        assert_false(out && watch);
        held_out += out;
        watched += watch;
        differ += out != learn_split_held_out(&b, row, 100000);
    }
    assert_in_range(held_out, 19500, 20500); /* 20,000; four standard deviations are 506 */
    assert_in_range(watched, 7600, 8400);
    assert_in_range(differ, 31000, 33000);
}

static void the_time_split_holds_out_the_last_rows(void **state)
{
    (void)state;
    learn_split s = {.kind = LEARN_SPLIT_TIME, .holdout_percent = 20};
    for (size_t row = 0; row < 1000; row++) {
        assert_true(learn_split_held_out(&s, row, 1000) == (row >= 800));
        assert_true(learn_split_watched(&s, row, 1000) == (row >= 720 && row < 800));
    }
    s.holdout_percent = 0;
    assert_false(learn_split_held_out(&s, 999, 1000));
    s.kind = LEARN_SPLIT_RANDOM;
    assert_false(learn_split_held_out(&s, 5, 1000));
}

static void fields_are_numbers_or_are_not(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"0",   "-0",           "1.5",   "-12.50", "1e3",
                                       "0.1", "3.4028236e38", "1e-46", "inf",    "-inf"};
    static const char *const BAD[] = {"x", "1,5", "0x10", " 1", "1 ", "--1", "infinite", "1e", "nan(1)", "-"};
    int32_t key;
    for (size_t i = 0; i < SOTTO_COUNT(GOOD); i++) {
        assert_true(learn_field_key(NULL, 0, sotto_span_str(GOOD[i]), &key));
        float expected = strtof(GOOD[i], NULL);
        assert_true(learn_key_float(key) == expected);
    }
    for (size_t i = 0; i < SOTTO_COUNT(BAD); i++)
        assert_false(learn_field_key(NULL, 0, sotto_span_str(BAD[i]), &key));
    assert_true(learn_field_key(NULL, 0, sotto_span_str(""), &key) && key == SOTTO_FLOAT_KEY_MISSING);
    assert_true(learn_field_key(NULL, 0, sotto_span_str("nan"), &key) && key == SOTTO_FLOAT_KEY_MISSING);
}

static void labels_are_words_for_yes_and_no(void **state)
{
    (void)state;
    uint8_t label = 9;
    assert_true(learn_field_label(sotto_span_str("yes"), NULL, &label) && label == 1);
    assert_true(learn_field_label(sotto_span_str("false"), NULL, &label) && label == 0);
    assert_false(learn_field_label(sotto_span_str("maybe"), NULL, &label));
    assert_false(learn_field_label(sotto_span_str(""), ">50K", &label));
    assert_true(learn_field_label(sotto_span_str(">50K"), ">50K", &label) && label == 1);
    assert_true(learn_field_label(sotto_span_str("<=50K"), ">50K", &label) && label == 0);
}

static void names_become_ids(void **state)
{
    (void)state;
    char id[65], longest[101];
    memset(longest, 'x', 100);
    longest[100] = '\0';
    learn_column_id(sotto_span_str("emp.var.rate"), id);
    assert_string_equal(id, "emp.var.rate");
    learn_column_id(sotto_span_str("Big Name (EUR)"), id);
    assert_string_equal(id, "big_name__eur_");
    learn_column_id(sotto_span_str(longest), id);
    assert_int_equal(strlen(id), 64);
}

/* Adds the values (NULL ends) to a column and decides. */
static learn_column judge(const char *const *values)
{
    learn_column c = {.rows = 0};
    for (; *values != NULL; values++)
        assert_int_equal(learn_column_add(&c, sotto_span_str(*values), NULL), SOTTO_OK);
    learn_column_decide(&c);
    return c;
}

static void columns_are_what_their_values_are(void **state)
{
    (void)state;
    static const struct {
        const char *values[8];
        int use;
        enum sotto_tag_kind kind;
        unsigned decimals;
    } CASES[] = {
        {{"3", "9", "4", "", NULL}, COLUMN_TAG, SOTTO_TAG_COUNT, 0},
        {{"3", "9.25", "-4.1", NULL}, COLUMN_TAG, SOTTO_TAG_AMOUNT, 2},
        {{"0", "1", "1", NULL}, COLUMN_TAG, SOTTO_TAG_FLAG, 0},
        {{"yes", "no", "", NULL}, COLUMN_TAG, SOTTO_TAG_FLAG, 0},
        {{"yes", "no", "unknown", NULL}, COLUMN_TAG, SOTTO_TAG_CHOICE, 0},
        {{"2024-02-29", "1999-01-01", NULL}, COLUMN_TAG, SOTTO_TAG_DATE, 0},
        {{"2024-02-30", "1999-01-01", NULL}, COLUMN_TAG, SOTTO_TAG_CHOICE, 0}, /* there is no such day */
        {{"5", "6", "7", "8", NULL}, COLUMN_DROPPED, 0, 0},                    /* a row number */
        {{"5", "6", "7", "7", NULL}, COLUMN_TAG, SOTTO_TAG_COUNT, 0},
        {{"same", "same", NULL}, COLUMN_DROPPED, 0, 0},
        {{"", "", NULL}, COLUMN_DROPPED, 0, 0},
        {{"12", "?", "13", NULL}, COLUMN_TAG, SOTTO_TAG_CHOICE, 0},
        {{"0.1234567", "1", NULL}, COLUMN_TAG, SOTTO_TAG_CHOICE, 0}, /* more digits than an amount has */
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        learn_column c = judge(CASES[i].values);
        if ((int)c.use != CASES[i].use)
            print_message("case %zu\n", i);
        assert_int_equal((int)c.use, CASES[i].use);
        assert_true(c.use != COLUMN_DROPPED || c.why != NULL);
        if (c.use == COLUMN_TAG)
            assert_int_equal(c.kind, CASES[i].kind);
        if (c.use == COLUMN_TAG && c.kind == SOTTO_TAG_AMOUNT)
            assert_int_equal(c.decimals, CASES[i].decimals);
        learn_column_free(&c);
    }
}

static void choices_have_an_order_that_means_something(void **state)
{
    (void)state;
    static const char *const MONTHS[] = {"dec", "apr", "may", "apr", "jan", NULL}, *const WORDS[] = {"b", "c",
                                                                                                     "a", "c",
                                                                                                     NULL};
    learn_column months = judge(MONTHS), words = judge(WORDS);
    static const char *const IN_ORDER[] = {"jan", "apr", "may", "dec"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(months.words[i], IN_ORDER[i]);
    assert_int_equal(months.counts[1], 2);
    assert_string_equal(words.words[0], "a");
    assert_int_equal(words.counts[2], 2);
    learn_column_free(&months);
    learn_column_free(&words);
}

static void too_many_texts_are_dropped(void **state)
{
    (void)state;
    for (int count = 256; count <= 257; count++) {
        learn_column c = {.rows = 0};
        char text[16];
        for (int i = 0; i < count; i++) {
            snprintf(text, sizeof text, "w%d", i);
            assert_int_equal(learn_column_add(&c, sotto_span_str(text), NULL), SOTTO_OK);
        }
        learn_column_decide(&c);
        assert_int_equal((int)c.use, count == 256 ? COLUMN_TAG : COLUMN_DROPPED);
        learn_column_free(&c);
    }
}

/* DeLong's error from its definition: every pair of rows. */
static double auc_error_by_pairs(const double *score, const uint8_t *label, size_t n)
{
    double area = auc_by_pairs(score, label, n), total = 0;
    for (int c = 0; c < 2; c++) {
        double count = 0, squares = 0;
        for (size_t i = 0; i < n; i++) {
            double placement = 0, others = 0;
            for (size_t k = 0; k < n; k++)
                if (label[k] != label[i]) {
                    double d = c == 1 ? score[i] - score[k] : score[k] - score[i];
                    placement += d > 0 ? 1 : d < 0 ? 0 : 0.5;
                    others++;
                }
            if (label[i] == c) {
                squares += pow(placement / others - area, 2);
                count++;
            }
        }
        total += squares / (count - 1) / count;
    }
    return sqrt(total);
}

static void the_error_of_the_area_is_delongs(void **state)
{
    (void)state;
    uint64_t random = 21;
    for (int round = 0; round < 6; round++) {
        double score[N];
        uint8_t label[N];
        for (size_t i = 0; i < N; i++) {
            label[i] = next_random(&random) % 3 == 0;
            score[i] = (double)(next_random(&random) % (round % 2 ? 7 : 100000)) * (label[i] ? 1.2 : 1);
        }
        assert_true(fabs(learn_auc_error(score, label, N) - auc_error_by_pairs(score, label, N)) < 1e-9);
    }
    const uint8_t one[3] = {1, 0, 0};
    assert_true(isnan(learn_auc_error((const double[]){1, 2, 3}, one, 3)));
}

static void reach_takes_equal_scores_in_parts(void **state)
{
    (void)state;
    const double score[8] = {8, 7, 6, 5, 5, 5, 5, 1};
    const uint8_t label[8] = {1, 0, 1, 1, 0, 1, 0, 0};
    assert_true(fabs(learn_reach(score, label, 8, 0.25) - 0.25) < 1e-12);
    assert_true(fabs(learn_reach(score, label, 8, 0.625) - (2 + 2 * 0.5) / 4) <
                1e-12); /* two of four equals */
    assert_true(fabs(learn_reach(score, label, 8, 1) - 1) < 1e-12);
    assert_true(isnan(learn_reach(score, label, 0, 0.5)));
}

static void calibration_figures_follow_their_definitions(void **state)
{
    (void)state;
    const double p[4] = {0.1, 0.2, 0.8, 0.9};
    const uint8_t label[4] = {0, 1, 1, 1};
    assert_true(fabs(learn_brier(p, label, 4) - (0.01 + 0.64 + 0.04 + 0.01) / 4) < 1e-12);
    assert_true(fabs(learn_ece(p, label, 4, 2) - (0.7 + 0.3) / 4) < 1e-12);
    assert_true(fabs(learn_logloss_of(p, label, 4) + (log(0.9) + log(0.2) + log(0.8) + log(0.9)) / 4) <
                1e-12);
    assert_true(isfinite(learn_logloss_of((const double[]){1}, (const uint8_t[]){0}, 1)));
}

/* Each by hand: the definitions are in src/hq/learn/goal.c. */
static void figures_of_other_objectives_follow_their_definitions(void **state)
{
    (void)state;
    static const struct {
        const char *goal;
        size_t n, outputs;
        double margins[6], targets[6], expected[2];
        uint32_t groups[6];
    } CASES[] = {
        {"regression", 2, 1, {1, 3}, {2, 5}, {1.5811388, 1.5}, {0}},
        {"count", 2, 1, {-0.69314718, 0}, {0, 2}, {0.88629436, 0.75}, {0}},
        {"amount", 2, 1, {1.38629436, 1.38629436}, {0, 4}, {4, 2}, {0}},
        {"multiclass", 2, 2, {0, 1.09861229, 0, 0}, {1, 1}, {0.49041463, 0.5}, {0}},
        {"rank", 5, 1, {3, 2, 1, 5, 4}, {0, 1, 2, 0, 0}, {0.58688262, 0.58688262}, {0, 0, 0, 1, 1}},
    };
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        double answers[6], got[LEARN_GOAL_FIGURES];
        const learn_goal *g = learn_goal_find(CASES[i].goal);
        assert_non_null(g);
        memcpy(answers, CASES[i].margins, sizeof answers);
        learn_goal_answers(g, answers, CASES[i].n, CASES[i].outputs);
        learn_goal_judge(g, answers, CASES[i].targets, CASES[i].groups, CASES[i].n, CASES[i].outputs, got);
        for (int k = 0; k < LEARN_GOAL_FIGURES; k++)
            assert_true(fabs(got[k] - CASES[i].expected[k]) < 1e-6);
        learn_goal_judge(g, answers, CASES[i].targets, CASES[i].groups, 0, CASES[i].outputs, got);
        assert_true(isnan(got[0]) && isnan(got[1]));
    }
    assert_null(learn_goal_find("binary"));
}

static void every_row_is_judged_once_at_random_and_never_before_its_time(void **state)
{
    (void)state;
    enum { ROWS = 500, FOLDS = 7 };
    uint8_t pool[ROWS], use[ROWS];
    int judged[2][ROWS] = {{0}};
    for (size_t i = 0; i < ROWS; i++)
        pool[i] = i % 5 != 0;
    for (int kind = 0; kind < 2; kind++)
        for (size_t fold = 0; fold < FOLDS; fold++) {
            learn_folds f = {.kind = (enum learn_split_kind)kind, .seed = 3, .count = FOLDS};
            size_t last_trained = 0, first_judged = ROWS;
            learn_folds_use(&f, fold, pool, ROWS, use);
            for (size_t i = 0; i < ROWS; i++) {
                assert_true(pool[i] || use[i] == LEARN_LEFT_OUT);
                judged[kind][i] += use[i] == LEARN_JUDGED;
                last_trained = use[i] == LEARN_TRAINED ? i : last_trained;
                first_judged = use[i] == LEARN_JUDGED && i < first_judged ? i : first_judged;
            }
            assert_true(kind == LEARN_SPLIT_RANDOM || last_trained < first_judged);
        }
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(judged[0][i], pool[i]);
    assert_int_equal(judged[1][1], 0);
    assert_int_equal(judged[1][ROWS - 1], 1);
}

static void watched_rows_are_a_tenth_of_those_trained_on(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    uint8_t use[ROWS];
    for (int kind = 0; kind < 2; kind++) {
        size_t watched = 0;
        for (size_t i = 0; i < ROWS; i++)
            use[i] = i % 2 ? LEARN_TRAINED : LEARN_JUDGED;
        learn_watch((enum learn_split_kind)kind, 5, ROWS, use);
        for (size_t i = 0; i < ROWS; i++) {
            watched += use[i] == LEARN_WATCHED;
            assert_true(i % 2 == 1 || use[i] == LEARN_JUDGED);
            assert_true(kind == LEARN_SPLIT_RANDOM || i % 2 == 0 || (use[i] == LEARN_WATCHED) == (i >= 900));
        }
        assert_in_range(watched, 30, 75);
    }
}

static void the_stability_index_sees_what_moved(void **state)
{
    (void)state;
    double a[N], b[N], c[N];
    uint64_t random = 5;
    for (size_t i = 0; i < N; i++) {
        a[i] = (double)(next_random(&random) % 1000);
        b[i] = (double)(next_random(&random) % 1000);
        c[i] = i % 3 == 0 ? NAN : a[i];
    }
    assert_true(learn_psi(a, N, a, N) < 1e-9);
    assert_true(learn_psi(a, N, b, N) < 0.1);             /* another draw of the same */
    assert_true(learn_psi(a, N, c, N) > LEARN_PSI_WARNS); /* a third went missing */
    for (size_t i = 0; i < N; i++)
        b[i] += 400;
    assert_true(learn_psi(a, N, b, N) > 1);
    assert_true(isnan(learn_psi(a, 0, b, N)) && isnan(learn_psi(a, N, b, 0)));
}

/* Labels drawn from the sigmoid of slope x margin + offset. */
static void draw_labels(int64_t *margin, uint8_t *label, size_t n, double slope, double offset)
{
    uint64_t random = 77;
    for (size_t i = 0; i < n; i++) {
        double m = (double)(next_random(&random) % 8000) / 1000 - 4;
        margin[i] = llrint(m * 16777216);
        label[i] = (double)(next_random(&random) % 1000000) / 1e6 < learn_probability_of(slope * m + offset);
    }
}

static void platt_finds_the_line_that_made_the_labels(void **state)
{
    (void)state;
    enum { ROWS = 20000 };
    static int64_t margin[ROWS];
    static uint8_t label[ROWS];
    learn_calibration c = {.p_q30 = NULL};
    draw_labels(margin, label, ROWS, 0.7, -1.2);
    assert_int_equal(learn_fit_platt(&c, margin, label, ROWS, NULL), SOTTO_OK);
    assert_true(fabs((double)c.c.slope_q24 / 16777216 - 0.7) < 0.05);
    assert_true(fabs((double)c.c.offset_q24 / 16777216 + 1.2) < 0.1);
    draw_labels(margin, label, ROWS, -0.7, 0);
    assert_int_equal(sotto_status_cause(learn_fit_platt(&c, margin, label, ROWS, NULL)), SOTTO_CAUSE_RANGE);
    for (size_t i = 0; i < ROWS; i++) /* a perfect split does not run away */
        label[i] = margin[i] > 0;
    assert_int_equal(learn_fit_platt(&c, margin, label, ROWS, NULL), SOTTO_OK);
    assert_in_range(c.c.slope_q24, 16777216, INT64_C(1) << 30);
}

static void isotonic_points_never_fall_and_follow_the_labels(void **state)
{
    (void)state;
    enum { ROWS = 9000 };
    static int64_t margin[ROWS];
    static uint8_t label[ROWS];
    learn_calibration c = {.p_q30 = NULL};
    draw_labels(margin, label, ROWS, 1.5, 0.5);
    assert_int_equal(learn_fit_isotonic(&c, margin, label, ROWS, NULL), SOTTO_OK);
    assert_in_range(c.c.points, 5, SOTTO_CALIBRATION_POINTS_MAX);
    for (size_t i = 0; i < c.c.points; i++) {
        double m = (double)c.margin_q24[i] / 16777216, p = c.p_q30[i] / 1073741824.0;
        assert_true(i == 0 || (c.margin_q24[i] > c.margin_q24[i - 1] && c.p_q30[i] > c.p_q30[i - 1]));
        assert_true(fabs(p - learn_probability_of(1.5 * m + 0.5)) < 0.2);
    }
    learn_calibration_free(&c);
    const int64_t few[5] = {10, 20, 20, 30, 40};
    const uint8_t words[5] = {0, 1, 0, 0, 1}; /* 20, 20 and 30 become one block: one of three */
    assert_int_equal(learn_fit_isotonic(&c, few, words, 5, NULL), SOTTO_OK);
    assert_int_equal(c.c.points, 3);
    assert_int_equal(c.margin_q24[1], 23);
    assert_int_equal(c.p_q30[1], (1 << 30) / 3);
    assert_int_equal(c.p_q30[0], 153391689); /* not 0: one of seven */
    learn_calibration_free(&c);
    const uint8_t upside[5] = {1, 1, 1, 0, 0};
    assert_int_equal(sotto_status_cause(learn_fit_isotonic(&c, few, upside, 5, NULL)), SOTTO_CAUSE_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auc_is_the_share_of_pairs_in_order),
        cmocka_unit_test(auc_of_one_class_is_not_a_number),
        cmocka_unit_test(logloss_follows_its_definition_and_never_overflows),
        cmocka_unit_test(held_out_rows_depend_on_seed_and_number_only),
        cmocka_unit_test(the_time_split_holds_out_the_last_rows),
        cmocka_unit_test(fields_are_numbers_or_are_not),
        cmocka_unit_test(labels_are_words_for_yes_and_no),
        cmocka_unit_test(names_become_ids),
        cmocka_unit_test(columns_are_what_their_values_are),
        cmocka_unit_test(choices_have_an_order_that_means_something),
        cmocka_unit_test(too_many_texts_are_dropped),
        cmocka_unit_test(the_error_of_the_area_is_delongs),
        cmocka_unit_test(reach_takes_equal_scores_in_parts),
        cmocka_unit_test(calibration_figures_follow_their_definitions),
        cmocka_unit_test(figures_of_other_objectives_follow_their_definitions),
        cmocka_unit_test(every_row_is_judged_once_at_random_and_never_before_its_time),
        cmocka_unit_test(watched_rows_are_a_tenth_of_those_trained_on),
        cmocka_unit_test(the_stability_index_sees_what_moved),
        cmocka_unit_test(platt_finds_the_line_that_made_the_labels),
        cmocka_unit_test(isotonic_points_never_fall_and_follow_the_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
