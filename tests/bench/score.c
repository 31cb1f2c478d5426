/* Nanoseconds a tree and row: Sotto's integers beside XGBoost's C interface, one row a call, in the same run
 * on the same rows.
 *
 *   score MODEL.json ROWS.csv DICTIONARY.json RECIPE.json     rows of a table through a trained model
 *   score [--full]                                            the table of ranking (score_rank.c)
 *   score --save TREES FOLDER                                 a model of that table, in four formats
 *
 * (The three files come from `sotto-hq describe` and `sotto-hq train`.) Not part of the tests: figures depend
 * on the machine. */
#include "learn/learn.h"
#include "score_bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xgboost/c_api.h>

enum { ROUNDS = 15, ROWS_MAX = 20000, TOOL_ROWS = 2000, BLOCK_ROWS = 100 };

typedef struct bench {
    learn_input in;
    sotto_vec json;
    learn_table table;
    size_t rows;
    BoosterHandle booster;
    sotto_diag diag;
} bench;

double bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static sotto_status open_all(bench *b, char **argv)
{
    sotto_forge_report report;
    sotto_status status = learn_input_init(&b->in, &b->diag);
    if (status == SOTTO_OK)
        status = learn_input_read(&b->in, argv[3], argv[4], &b->diag);
    if (status == SOTTO_OK)
        status = learn_read_file(argv[1], &b->json, &b->diag);
    sotto_forge_options options = {.file_name = argv[1], .model_name = "bench", .recipe = &b->in.recipe};
    sotto_vec_init(&b->in.model_file, (size_t)1 << 30);
    if (status == SOTTO_OK)
        status =
            sotto_forge_xgboost(sotto_vec_span(&b->json), &options, &b->in.model_file, &report, &b->diag);
    if (status == SOTTO_OK)
        status = learn_input_load(&b->in, &b->diag);
    if (status != SOTTO_OK)
        return status;
    learn_plan plan = {.features = sotto_model_feature(b->in.model, 0),
                       .feature_count = sotto_model_info_of(b->in.model)->features,
                       .dictionary = b->in.dictionary};
    status = learn_table_read(&b->table, &plan, argv[2], &b->diag);
    b->rows = b->table.rows < ROWS_MAX ? b->table.rows : ROWS_MAX;
    return status;
}

typedef int64_t (*score_row)(const sotto_model *m, const int32_t *keys);

static int64_t row_margin(const sotto_model *m, const int32_t *keys)
{
    return sotto_model_margin_q24(m, keys);
}

static int64_t row_reasons(const sotto_model *m, const int32_t *keys)
{
    static int64_t parts[SOTTO_MODEL_FEATURES_MAX];
    int64_t bias;
    return sotto_model_why_q24(m, keys, &bias, parts);
}

/* What the machine can do when nothing else runs: rows in blocks that are short beside a time slice, of every
 * block the least of a few rounds. */
static double time_rows(const bench *b, score_row score, int64_t *sum)
{
    double total = 0;
    for (size_t from = 0; from < b->rows; from += BLOCK_ROWS) {
        size_t to = from + BLOCK_ROWS < b->rows ? from + BLOCK_ROWS : b->rows;
        double best = INFINITY;
        for (int round = 0; round < ROUNDS; round++) {
            double start = bench_now_ns();
            for (size_t row = from; row < to; row++)
                *sum += score(b->in.model, b->table.keys + row * b->table.features);
            best = fmin(best, bench_now_ns() - start);
        }
        total += best;
    }
    return total / (double)b->rows;
}

static double predict_dense(const bench *b, const float *data, size_t rows, const char *config)
{
    char array[256];
    const bst_ulong *shape;
    bst_ulong dims;
    const float *result;
    (void)snprintf(array, sizeof array,
                   "{\"data\": [%zu, true], \"shape\": [%zu, %zu], \"typestr\": \"<f4\", \"version\": 3}",
                   (size_t)data, rows, b->table.features);
    if (XGBoosterPredictFromDense(b->booster, array, config, NULL, &shape, &dims, &result) != 0) {
        fprintf(stderr, "XGBoost: %s\n", XGBGetLastError());
        exit(1);
    }
    return (double)result[0];
}

/* XGBoost's fastest way for rows in memory: no matrix is made. batch rows a call. */
static double time_tool(const bench *b, const float *data, size_t batch, double *sum)
{
    static const char CONFIG[] =
        "{\"type\": 1, \"iteration_begin\": 0, \"iteration_end\": 0, \"strict_shape\": false, "
        "\"missing\": NaN, \"cache_id\": 0}";
    size_t rows = b->rows < TOOL_ROWS ? b->rows : TOOL_ROWS;
    rows -= rows % batch;
    double best = INFINITY;
    for (int round = 0; round < 3; round++) {
        double start = bench_now_ns();
        for (size_t row = 0; row < rows; row += batch)
            *sum += predict_dense(b, data + row * b->table.features, batch, CONFIG);
        best = fmin(best, bench_now_ns() - start);
    }
    return best / (double)rows;
}

static void print_line(const char *what, double ns, size_t trees)
{
    printf("  %-34s %10.0f ns a row  %8.2f ns a tree\n", what, ns, ns / (double)trees);
}

static void run(const bench *b)
{
    const sotto_model_info *info = sotto_model_info_of(b->in.model);
    float *data = calloc(b->rows * b->table.features, sizeof *data);
    int64_t sum = 0;
    double tool_sum = 0;
    if (data == NULL)
        return;
    for (size_t i = 0; i < b->rows * b->table.features; i++)
        data[i] = learn_key_float(b->table.keys[i]);
    printf("%zu trees, depth %zu, %zu nodes, %zu features, %zu rows\n", info->trees, info->depth, info->nodes,
           info->features, b->rows);
    print_line("Sotto, margin", time_rows(b, row_margin, &sum), info->trees);
    print_line("Sotto, margin and reasons", time_rows(b, row_reasons, &sum), info->trees);
    print_line("XGBoost C interface, 1 row a call", time_tool(b, data, 1, &tool_sum), info->trees);
    print_line("XGBoost C interface, 200 rows", time_tool(b, data, 200, &tool_sum), info->trees);
    printf("  (sums %lld, %g keep the compiler honest)\n", (long long)sum, tool_sum);
    free(data);
}

int main(int argc, char **argv)
{
    bench b = {.rows = 0};
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "--full") == 0))
        return bench_rank(argc == 2);
    if (argc == 4 && strcmp(argv[1], "--save") == 0)
        return bench_save(strtoul(argv[2], NULL, 10), argv[3]);
    if (argc != 5) {
        fprintf(stderr, "score [MODEL.json ROWS.csv DICTIONARY.json RECIPE.json]\n");
        return 2;
    }
    sotto_status status = open_all(&b, argv);
    if (status == SOTTO_OK && (XGBoosterCreate(NULL, 0, &b.booster) != 0 ||
                               XGBoosterLoadModelFromBuffer(b.booster, b.json.ptr, b.json.len) != 0 ||
                               XGBoosterSetParam(b.booster, "nthread", "1") != 0))
        status = sotto_diag_set(&b.diag, SOTTO_ERR(HQ, INTERNAL), "XGBoost: %s", XGBGetLastError());
    if (status == SOTTO_OK)
        run(&b);
    if (b.booster != NULL)
        XGBoosterFree(b.booster);
    learn_table_free(&b.table);
    sotto_vec_free(&b.json);
    learn_input_free(&b.in);
    return learn_finish(status, &b.diag);
}
