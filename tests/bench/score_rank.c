/* The table: one customer and many products, and single rows, Sotto beside XGBoost's C interface, on the same
 * models and the same rows, one thread. The models are trained here, on a made-up table of customers and the
 * products they were offered. */
#include "score_bench.h"

#include "sotto/forge.h"
#include "sotto/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

enum {
    CUSTOMER = 12,
    PRODUCT = 6,
    FEATURES = CUSTOMER + PRODUCT,
    TRAIN_ROWS = 20000,
    PRODUCTS_MAX = 1000,
    CUSTOMERS = 64,
    ROUNDS = 15
};

static uint64_t random_state = 88172645463325252;

/* xorshift64 (Marsaglia 2003), as a number in [0, 1). */
static float uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (float)(random_state >> 40) / 16777216.0F;
}

static int32_t key_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return sotto_fixed_float_key(bits);
}

/* Age, balance, counts, codes; one in twenty is missing. */
static void make_customer(float *x)
{
    for (int i = 0; i < CUSTOMER; i++) {
        float u = uniform();
        x[i] = i % 3 == 0 ? floorf(u * 80.0F) : i % 3 == 1 ? expf(12.0F * u) : floorf(u * 6.0F);
        if (uniform() < 0.05F)
            x[i] = NAN;
    }
}

/* Price, rate in steps of a twentieth, term, category, risk, a fee or none. */
static void make_product(float *x)
{
    static const float TERM[] = {6, 12, 24, 36, 60, 120};
    x[0] = expf(4.0F + 8.0F * uniform());
    x[1] = floorf(uniform() * 200.0F) / 20.0F;
    x[2] = TERM[(size_t)(uniform() * 6.0F)];
    x[3] = floorf(uniform() * 8.0F);
    x[4] = 1.0F + floorf(uniform() * 5.0F);
    x[5] = uniform() < 0.5F;
}

static float known(float v)
{
    return isnan(v) ? 0.0F : v;
}

/* Taken or not: what the customer has against what it costs, and a few things crosswise. */
static float make_label(const float *x)
{
    const float *p = x + CUSTOMER;
    float z = 0.3F * (logf(1.0F + known(x[1])) - logf(p[0])) + 0.02F * known(x[0]) * (p[4] < 3) -
              0.1F * p[1] * (known(x[2]) > 2) + 0.01F * known(x[3]) * (p[2] > 24) - 0.4F * p[5] +
              0.2F * (known(x[5]) - 3.0F) * (p[3] - 4.0F) / 4.0F + 0.05F * (known(x[6]) - 40.0F) / 10.0F;
    return uniform() < 1.0F / (1.0F + expf(-z));
}

static void must(int ok, const char *what)
{
    if (ok == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, XGBGetLastError());
    exit(1);
}

/* ---- A model, in both forms ---- */

typedef struct contest {
    BoosterHandle booster; /* of this many trees */
    sotto_vec file;
    void *memory;
    const sotto_model *model;
} contest;

static void compile_model(contest *c)
{
    char const *json;
    bst_ulong len;
    sotto_diag diag;
    sotto_forge_report report;
    sotto_forge_options options = {.file_name = "table", .model_name = "table"};
    must(XGBoosterSaveModelToBuffer(c->booster, "{\"format\": \"json\"}", &len, &json), "save");
    sotto_vec_init(&c->file, (size_t)1 << 30);
    sotto_status status = sotto_forge_xgboost(sotto_span_of(json, len), &options, &c->file, &report, &diag);
    size_t bound = sotto_model_arena_bound(c->file.len);
    c->memory = malloc(bound);
    if (status == SOTTO_OK && c->memory != NULL) {
        sotto_arena arena;
        sotto_arena_init(&arena, c->memory, bound);
        status = sotto_model_load(&c->model, sotto_vec_span(&c->file), &arena, &diag);
    }
    if (status != SOTTO_OK || c->memory == NULL) {
        fprintf(stderr, "the model: %s\n", diag.text);
        exit(1);
    }
}

/* For what is measured elsewhere on the same model: instructions, sizes. */
static void save_model(const contest *c, const char *folder)
{
    char name[512];
    const char *kinds[] = {"json", "ubj"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        (void)snprintf(name, sizeof name, "%s/table.%s", folder, kinds[i]);
        must(XGBoosterSaveModel(c->booster, name), "save");
    }
    char const *json;
    bst_ulong len;
    must(XGBoosterSaveModelToBuffer(c->booster, "{\"format\": \"json\"}", &len, &json), "save");
    (void)snprintf(name, sizeof name, "%s/table.c", folder);
    if (!bench_write_c(sotto_span_of(json, len), c->model, name))
        exit(1);
    (void)snprintf(name, sizeof name, "%s/table.sotto", folder);
    FILE *out = fopen(name, "wb");
    if (out == NULL || fwrite(c->file.ptr, 1, c->file.len, out) != c->file.len || fclose(out) != 0) {
        fprintf(stderr, "%s cannot be written\n", name);
        exit(1);
    }
}

static void close_contest(contest *c)
{
    XGBoosterFree(c->booster);
    sotto_vec_free(&c->file);
    free(c->memory);
}

/* Codes that have no order, for models that split by sets: four of the customer's, one of the product's. */
static void name_kinds(DMatrixHandle matrix)
{
    const char *kind[FEATURES];
    for (int i = 0; i < FEATURES; i++)
        kind[i] = i == CUSTOMER + 3 || (i < CUSTOMER && i % 3 == 2) ? "c" : "q";
    must(XGDMatrixSetStrFeatureInfo(matrix, "feature_type", kind, FEATURES), "kinds");
}

static void grow(BoosterHandle booster, DMatrixHandle matrix, int trees)
{
    static const char *const SETTINGS[][2] = {
        {"objective", "binary:logistic"}, {"max_depth", "6"}, {"eta", "0.1"},
        {"tree_method", "hist"},          {"nthread", "1"},   {"min_child_weight", "1"}};
    for (size_t i = 0; i < sizeof SETTINGS / sizeof SETTINGS[0]; i++)
        must(XGBoosterSetParam(booster, SETTINGS[i][0], SETTINGS[i][1]), "set");
    for (int i = 0; i < trees; i++)
        must(XGBoosterUpdateOneIter(booster, i, matrix), "train");
    must(XGBoosterSetParam(booster, "nthread", "1"), "set");
}

static contest train(size_t trees, bool sets)
{
    contest c = {.model = NULL};
    DMatrixHandle matrix;
    float *rows = malloc(sizeof *rows * TRAIN_ROWS * FEATURES), *labels = malloc(sizeof *labels * TRAIN_ROWS);
    if (rows == NULL || labels == NULL)
        exit(1);
    for (size_t i = 0; i < TRAIN_ROWS; i++) {
        make_customer(rows + i * FEATURES);
        make_product(rows + i * FEATURES + CUSTOMER);
        labels[i] = make_label(rows + i * FEATURES);
    }
    must(XGDMatrixCreateFromMat(rows, TRAIN_ROWS, FEATURES, NAN, &matrix), "matrix");
    must(XGDMatrixSetFloatInfo(matrix, "label", labels, TRAIN_ROWS), "label");
    if (sets)
        name_kinds(matrix);
    must(XGBoosterCreate(&matrix, 1, &c.booster), "create");
    grow(c.booster, matrix, (int)trees);
    XGDMatrixFree(matrix);
    free(rows);
    free(labels);
    compile_model(&c);
    return c;
}

int bench_save(size_t trees, const char *folder)
{
    contest c = train(trees, false);
    save_model(&c, folder);
    close_contest(&c);
    return 0;
}

/* ---- Customers and products ---- */

typedef struct market {
    size_t products;
    float customer[CUSTOMERS][FEATURES]; /* the product's part unused */
    float product[PRODUCTS_MAX][PRODUCT];
    float rows[PRODUCTS_MAX * FEATURES]; /* of one customer */
    int32_t keys[PRODUCTS_MAX * FEATURES];
    int32_t product_keys[PRODUCTS_MAX * PRODUCT];
} market;

static void fill_market(market *m)
{
    for (size_t i = 0; i < CUSTOMERS; i++)
        make_customer(m->customer[i]);
    for (size_t p = 0; p < PRODUCTS_MAX; p++) {
        make_product(m->product[p]);
        for (size_t i = 0; i < PRODUCT; i++)
            m->product_keys[p * PRODUCT + i] = key_of(m->product[p][i]);
    }
}

static void fill_rows(market *m, size_t customer)
{
    for (size_t p = 0; p < m->products; p++)
        for (size_t i = 0; i < FEATURES; i++) {
            float v = i < CUSTOMER ? m->customer[customer][i] : m->product[p][i - CUSTOMER];
            m->rows[p * FEATURES + i] = v;
            m->keys[p * FEATURES + i] = key_of(v);
        }
}

/* ---- The contestants: nanoseconds a candidate and tree, the least of many rounds ---- */

typedef struct times {
    double tool_row, tool_batch, row, portable, narrow, simd;
} times;

static double per_tree(const contest *c, const market *m, double ns)
{
    return ns / (double)m->products / (double)sotto_model_info_of(c->model)->trees;
}

static const float *predict(const contest *c, const float *rows, size_t count)
{
    static const char CONFIG[] =
        "{\"type\": 1, \"iteration_begin\": 0, \"iteration_end\": 0, \"strict_shape\": false, "
        "\"missing\": NaN, \"cache_id\": 0}";
    char array[256];
    const bst_ulong *shape;
    bst_ulong dims;
    const float *result;
    (void)snprintf(array, sizeof array,
                   "{\"data\": [%zu, true], \"shape\": [%zu, %d], \"typestr\": \"<f4\", \"version\": 3}",
                   (size_t)rows, count, FEATURES);
    must(XGBoosterPredictFromDense(c->booster, array, CONFIG, NULL, &shape, &dims, &result), "predict");
    return result;
}

static double time_tool(const contest *c, const market *m, size_t batch)
{
    double best = INFINITY;
    for (int round = 0; round < 3; round++) {
        double start = bench_now_ns();
        for (size_t p = 0; p < m->products; p += batch)
            (void)predict(c, m->rows + p * FEATURES, batch);
        best = fmin(best, bench_now_ns() - start);
    }
    return per_tree(c, m, best);
}

static double time_rows(const contest *c, const market *m, int64_t *margins)
{
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        double start = bench_now_ns();
        for (size_t p = 0; p < m->products; p++)
            margins[p] = sotto_model_margin_q24(c->model, m->keys + p * FEATURES);
        best = fmin(best, bench_now_ns() - start);
    }
    return per_tree(c, m, best);
}

typedef struct counter {
    void *memory, *scratch;
    const sotto_ranking *ranking;
} counter;

/* False when this CPU has no such path. */
static bool open_counter(counter *o, const contest *c, const market *m, enum sotto_rank_path path)
{
    uint16_t features[PRODUCT];
    for (size_t i = 0; i < PRODUCT; i++)
        features[i] = (uint16_t)(CUSTOMER + i);
    sotto_rank_shelf shelf = {m->products, features, PRODUCT, m->product_keys, path};
    size_t bound = sotto_model_rank_bound(c->model, m->products, PRODUCT);
    sotto_arena arena;
    o->memory = malloc(bound);
    if (o->memory == NULL)
        exit(1);
    sotto_arena_init(&arena, o->memory, bound);
    bool ok = sotto_model_rank_prepare(&o->ranking, c->model, &shelf, &arena, NULL) == SOTTO_OK;
    size_t size = ok ? (sotto_model_rank_scratch_size(o->ranking) + 79) / 64 * 64 : 64;
    o->scratch = aligned_alloc(64, size);
    return ok && o->scratch != NULL;
}

static void close_counter(counter *o)
{
    free(o->memory);
    free(o->scratch);
}

/* The customers in small groups, so that a round is short beside what else the machine does: of every group
 * the least of many rounds, then the mean over the groups. */
static double time_ranking(const contest *c, const market *m, const counter *o, int64_t *margins)
{
    enum { GROUP = 4, GROUPS = CUSTOMERS / GROUP, RANK_ROUNDS = 60 };
    static int32_t keys[CUSTOMERS][FEATURES];
    double best[GROUPS], sum = 0;
    for (size_t i = 0; i < CUSTOMERS; i++)
        for (size_t f = 0; f < CUSTOMER; f++)
            keys[i][f] = key_of(m->customer[i][f]);
    for (size_t round = 0; round < RANK_ROUNDS; round++)
        for (size_t g = 0; g < GROUPS; g++) {
            double start = bench_now_ns();
            for (size_t i = g * GROUP; i < (g + 1) * GROUP; i++)
                sotto_model_rank_q24(o->ranking, keys[i], o->scratch, margins);
            double ns = bench_now_ns() - start;
            best[g] = round == 0 ? ns : fmin(best[g], ns);
        }
    for (size_t g = 0; g < GROUPS; g++)
        sum += best[g];
    sotto_model_rank_q24(o->ranking, keys[0], o->scratch, margins);
    return per_tree(c, m, sum / CUSTOMERS);
}

/* The ranking's margins must be the rows' to the last bit, and XGBoost's within float32. */
static void check_margins(const contest *c, const market *m, const int64_t *a, const int64_t *b)
{
    const float *tool = predict(c, m->rows, m->products);
    for (size_t p = 0; p < m->products; p++)
        if (a[p] != b[p] || fabs((double)a[p] / 16777216.0 - (double)tool[p]) > 1e-3) {
            fprintf(stderr, "product %zu: margins differ\n", p);
            exit(1);
        }
}

static double rank(const contest *c, const market *m, enum sotto_rank_path path, const int64_t *expected,
                   sotto_ranking_info *info)
{
    static int64_t margins[PRODUCTS_MAX];
    counter o;
    double ns = NAN;
    if (open_counter(&o, c, m, path)) {
        ns = time_ranking(c, m, &o, margins);
        check_margins(c, m, expected, margins);
        *info = *sotto_model_ranking_info(o.ranking);
    }
    close_counter(&o);
    return ns;
}

static void print_line(const contest *c, market *m, size_t products)
{
    static int64_t margins[PRODUCTS_MAX];
    sotto_ranking_info info;
    m->products = products;
    fill_rows(m, 0);
    times t = {.tool_row = time_tool(c, m, 1), .tool_batch = time_tool(c, m, products)};
    t.row = time_rows(c, m, margins);
    t.portable = rank(c, m, SOTTO_RANK_PORTABLE, margins, &info);
    t.narrow = rank(c, m, SOTTO_RANK_SIMD_NARROW, margins, &info);
    t.simd = rank(c, m, SOTTO_RANK_SIMD, margins, &info);
    printf("%6zu %8zu %10.1f %10.1f %10.2f %10.3f %10.3f %10.3f %8zu   %zu / %zu / %zu / %zu\n",
           sotto_model_info_of(c->model)->trees, products, t.tool_row, t.tool_batch, t.row, t.portable,
           t.narrow, t.simd, info.arena_bytes / 1024, info.trees_constant, info.trees_by_class,
           info.trees_by_mask, info.trees_walked);
}

static void print_lines(market *m, size_t trees, bool sets)
{
    static const size_t PRODUCTS[] = {1, 10, 200, 1000};
    contest c = train(trees, sets);
    if (sets)
        printf(
            "with categories (four of the customer's features and one of the product's, split by sets):\n");
    for (size_t k = 0; k < sizeof PRODUCTS / sizeof PRODUCTS[0]; k++)
        print_line(&c, m, PRODUCTS[k]);
    close_contest(&c);
}

int bench_rank(bool full)
{
    static const size_t TREES[] = {50, 1000};
    market *m = calloc(1, sizeof *m);
    if (m == NULL)
        return 1;
    fill_market(m);
    printf("ns a candidate and tree (depth 6, %d customer and %d product features), one thread, least of "
           "rounds;\nthe customer's side is paid anew for every customer. Margins of all columns were "
           "compared.\n\n",
           CUSTOMER, PRODUCT);
    printf("                    XGBoost    XGBoost      Sotto      Sotto      Sotto      Sotto            "
           "trees: constant "
           "/\n trees products   row a call  one batch  row a call  portable       AVX2       SIMD      KiB  "
           " by class / "
           "by mask / walked\n");
    print_lines(m, 300, false);
    print_lines(m, 300, true);
    for (size_t i = 0; full && i < sizeof TREES / sizeof TREES[0]; i++)
        print_lines(m, TREES[i], false);
    free(m);
    return 0;
}
