/* Every row of a table through XGBoost and through the compiled model: leaves, margins, AUC, the order of the
 * first ten.
 *
 *   every_row TABLE.csv LABEL POSITIVE TREES,... DEPTH,... [DROPPED,...]
 *
 * One model for every pair of TREES and DEPTH, trained here on the whole table (this is about equality, not
 * about quality). Columns that are not numbers are categories, split as sets; empty fields and "?" are
 * missing. Exit status 1 when anything differs. tests/bench/every_row.sh runs it over the data sets. */
#include "learn/learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

enum { COLUMNS_MAX = 128, LINE_MAX_BYTES = 8192, CATEGORIES_MAX = 4096, TOP = 10 };

typedef struct column {
    char name[64];
    bool is_category, dropped;
    char **text; /* of each category */
    size_t categories;
} column;

typedef struct table {
    column column[COLUMNS_MAX];
    size_t columns, features, rows, label;
    char ***field; /* rows x columns */
    float *x;      /* rows x features, NaN = missing */
    const char *type[COLUMNS_MAX];
    float *label_float;
    uint8_t *labels;
} table;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, XGBGetLastError());
    exit(1);
}

static void *take(size_t n, size_t size)
{
    void *p = calloc(n == 0 ? 1 : n, size);
    must(p != NULL, "memory");
    return p;
}

/* The end of a field: a separator that stands outside quotes, or the end of the line. */
static char *field_end(char *at, char separator)
{
    bool quoted = false;
    for (; *at != '\0' && (quoted || *at != separator); at++)
        quoted ^= *at == '"';
    return at;
}

/* Cuts a line in place; spaces and quotes around a field go. */
static size_t cut(char *line, char **out)
{
    size_t n = 0;
    char separator = strchr(line, ';') != NULL ? ';' : ',';
    line[strcspn(line, "\r\n")] = '\0';
    for (bool more = true; more && n < COLUMNS_MAX;) {
        char *end = field_end(line, separator);
        more = *end != '\0';
        *end = '\0';
        line += strspn(line, " \"");
        for (size_t len = strlen(line); len > 0 && strchr(" \"", line[len - 1]) != NULL;)
            line[--len] = '\0';
        out[n++] = line;
        line = end + 1;
    }
    return n;
}

static bool is_missing(const char *s)
{
    return s[0] == '\0' || strcmp(s, "?") == 0;
}

static bool is_number(const char *s)
{
    char *end;
    (void)strtod(s, &end);
    return end != s && *end == '\0';
}

static float category_of(column *c, const char *s)
{
    size_t i = 0;
    while (i < c->categories && strcmp(c->text[i], s) != 0)
        i++;
    must(i < CATEGORIES_MAX, "too many categories");
    if (i == c->categories)
        c->text[c->categories++] = strdup(s);
    return (float)i;
}

static void read_lines(table *t, const char *path)
{
    static char line[LINE_MAX_BYTES];
    char *cell[COLUMNS_MAX];
    size_t cap = 0;
    FILE *in = fopen(path, "r");
    must(in != NULL && fgets(line, sizeof line, in) != NULL, path);
    t->columns = cut(line, cell);
    for (size_t i = 0; i < t->columns; i++)
        (void)snprintf(t->column[i].name, sizeof t->column[i].name, "%s", cell[i]);
    while (fgets(line, sizeof line, in) != NULL) {
        if (cut(line, cell) != t->columns)
            continue;
        if (t->rows == cap) {
            cap = cap == 0 ? 1024 : 2 * cap;
            t->field = realloc(t->field, cap * sizeof *t->field);
            must(t->field != NULL, "memory");
        }
        char **row = t->field[t->rows++] = take(t->columns, sizeof *row);
        for (size_t i = 0; i < t->columns; i++) {
            row[i] = strdup(cell[i]);
            t->column[i].is_category |= !is_missing(cell[i]) && !is_number(cell[i]);
        }
    }
    (void)fclose(in);
}

static void fill(table *t, const char *positive)
{
    size_t f = 0;
    t->x = take(t->rows * t->columns, sizeof *t->x);
    t->label_float = take(t->rows, sizeof *t->label_float);
    t->labels = take(t->rows, 1);
    for (size_t i = 0; i < t->columns; i++)
        t->features += !t->column[i].dropped;
    for (size_t i = 0; i < t->columns; i++) {
        column *c = &t->column[i];
        if (c->dropped)
            continue;
        c->text = take(CATEGORIES_MAX, sizeof *c->text);
        t->type[f] = c->is_category ? "c" : "q";
        for (size_t r = 0; r < t->rows; r++) {
            const char *s = t->field[r][i];
            float v = is_missing(s) ? NAN : c->is_category ? category_of(c, s) : strtof(s, NULL);
            t->x[r * t->features + f] = v;
        }
        f++;
    }
    for (size_t r = 0; r < t->rows; r++) {
        const char *s = t->field[r][t->label];
        t->labels[r] = positive[0] == '*' ? s[0] != '\0' : strncmp(s, positive, strlen(positive)) == 0;
        t->label_float[r] = t->labels[r];
    }
}

/* ---- One model ---- */

typedef struct trial {
    const table *t;
    DMatrixHandle matrix;
    BoosterHandle booster;
    sotto_vec file;
    void *memory;
    const sotto_model *model;
    learn_walker *walker;
    size_t trees, leaves_differ, order_differs;
    double largest, largest_tool, *integer, *exact, *tool;
} trial;

static void train(trial *c, size_t trees, size_t depth)
{
    char depth_text[16];
    (void)snprintf(depth_text, sizeof depth_text, "%zu", depth);
    const char *settings[][2] = {
        {"objective", "binary:logistic"}, {"max_depth", depth_text}, {"eta", "0.1"},
        {"tree_method", "hist"},          {"nthread", "1"},          {"max_bin", "256"}};
    must(XGBoosterCreate(&c->matrix, 1, &c->booster) == 0, "create");
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        must(XGBoosterSetParam(c->booster, settings[i][0], settings[i][1]) == 0, "set");
    for (size_t i = 0; i < trees; i++)
        must(XGBoosterUpdateOneIter(c->booster, (int)i, c->matrix) == 0, "train");
}

static void compile_model(trial *c)
{
    char const *json;
    bst_ulong len;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_forge_report report;
    sotto_forge_options options = {.file_name = "trial", .model_name = "trial"};
    must(XGBoosterSaveModelToBuffer(c->booster, "{\"format\": \"json\"}", &len, &json) == 0, "save");
    sotto_vec_init(&c->file, (size_t)1 << 30);
    sotto_status status = sotto_forge_xgboost(sotto_span_of(json, len), &options, &c->file, &report, &diag);
    size_t bound = sotto_model_arena_bound(c->file.len);
    c->memory = take(bound, 1);
    sotto_arena arena;
    sotto_arena_init(&arena, c->memory, bound);
    if (status == SOTTO_OK)
        status = sotto_model_load(&c->model, sotto_vec_span(&c->file), &arena, &diag);
    c->trees = status == SOTTO_OK ? sotto_model_info_of(c->model)->trees : 0;
    const learn_origin origin = {
        .source = LEARN_SOURCE_XGBOOST, .file = sotto_span_of(json, len), .name = "trial"};
    if (status == SOTTO_OK)
        status = learn_walker_load(&c->walker, &origin, c->model, &diag);
    if (status != SOTTO_OK)
        fprintf(stderr, "%s\n", diag.text);
    must(status == SOTTO_OK, "compile");
}

static const float *predict(const trial *c, int type)
{
    char config[128];
    const bst_ulong *shape;
    bst_ulong dims;
    const float *result;
    (void)snprintf(config, sizeof config,
                   "{\"type\": %d, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, "
                   "\"strict_shape\": true}",
                   type);
    must(XGBoosterPredictFromDMatrix(c->booster, c->matrix, config, &shape, &dims, &result) == 0, "predict");
    return result;
}

static void compare_rows(trial *c)
{
    size_t n = c->t->features;
    uint32_t *ours = take(c->trees, sizeof *ours);
    learn_walked walked = {.leaves = take(c->trees, sizeof *walked.leaves)};
    int32_t *keys = take(n, sizeof *keys);
    double *x = take(n, sizeof *x), bias = (double)sotto_model_info_of(c->model)->bias_q24 / 16777216.0;
    const float *tool = predict(c, 1);
    for (size_t r = 0; r < c->t->rows; r++)
        c->tool[r] = (double)tool[r];
    const float *leaves = predict(c, 6);
    for (size_t r = 0; r < c->t->rows; r++) {
        for (size_t f = 0; f < n; f++) {
            uint32_t bits;
            memcpy(&bits, &c->t->x[r * n + f], sizeof bits);
            keys[f] = sotto_fixed_float_key(bits);
            x[f] = (double)c->t->x[r * n + f];
        }
        learn_walker_row(c->walker, x, &walked);
        sotto_model_leaves(c->model, keys, ours);
        c->integer[r] = (double)sotto_model_margin_q24(c->model, keys) / 16777216.0;
        c->exact[r] = walked.sums[0] + bias;
        c->largest = fmax(c->largest, fabs(c->integer[r] - c->exact[r]));
        c->largest_tool = fmax(c->largest_tool, fabs(c->integer[r] - c->tool[r]));
        for (size_t t = 0; t < c->trees; t++)
            c->leaves_differ += ours[t] != (uint32_t)leaves[r * c->trees + t] || ours[t] != walked.leaves[t];
    }
    free(ours);
    free(walked.leaves);
    free(keys);
    free(x);
}

/* The ten rows of the highest margins as XGBoost sums them, against every row: where the integers put two of
 * them the other way round, XGBoost's margins may differ by no more than the two bounds (the integers', and
 * float32's as seen). */
static void compare_order(trial *c)
{
    bool *taken = take(c->t->rows, sizeof *taken);
    double bound = (double)sotto_model_info_of(c->model)->margin_error_q24 / 16777216.0;
    double slack = 2 * (bound + c->largest_tool);
    for (size_t k = 0; k < TOP && k < c->t->rows; k++) {
        size_t best = SIZE_MAX;
        for (size_t r = 0; r < c->t->rows; r++)
            if (!taken[r] && (best == SIZE_MAX || c->tool[r] > c->tool[best]))
                best = r;
        taken[best] = true;
        for (size_t r = 0; r < c->t->rows; r++)
            c->order_differs +=
                (!taken[r] && c->integer[r] > c->integer[best] && c->exact[best] - c->exact[r] > 2 * bound) ||
                (!taken[r] && c->integer[r] > c->integer[best] && c->tool[best] - c->tool[r] > slack);
    }
    free(taken);
}

static bool report(const trial *c, size_t depth)
{
    const sotto_model_info *info = sotto_model_info_of(c->model);
    double bound = (double)info->margin_error_q24 / 16777216.0;
    double auc = learn_auc(c->integer, c->t->labels, c->t->rows),
           tool = learn_auc(c->tool, c->t->labels, c->t->rows);
    bool ok =
        c->leaves_differ == 0 && c->order_differs == 0 && c->largest <= bound && fabs(auc - tool) < 0.00005;
    printf("%6zu %6zu %6zu %12zu %8zu   %8.2g %8.2g %8.2g   %.4f %.4f %7zu  %s%s\n", c->t->rows, c->trees,
           depth, c->t->rows * c->trees, c->leaves_differ, c->largest, bound, c->largest_tool, auc, tool,
           c->order_differs, info->has_categories ? "sets " : "", ok ? "ok" : "DIFFERS");
    (void)fflush(stdout);
    return ok;
}

static bool try_one(const table *t, DMatrixHandle matrix, size_t trees, size_t depth)
{
    trial c = {.t = t, .matrix = matrix};
    c.integer = take(t->rows, sizeof *c.integer);
    c.exact = take(t->rows, sizeof *c.exact);
    c.tool = take(t->rows, sizeof *c.tool);
    train(&c, trees, depth);
    compile_model(&c);
    compare_rows(&c);
    compare_order(&c);
    bool ok = report(&c, depth);
    XGBoosterFree(c.booster);
    learn_walker_free(c.walker);
    sotto_vec_free(&c.file);
    free(c.memory);
    free(c.integer);
    free(c.exact);
    free(c.tool);
    return ok;
}

/* The numbers of "1,50,300". */
static size_t numbers(const char *list, size_t *out, size_t cap)
{
    size_t n = 0;
    for (char *end; *list != '\0' && n < cap; list = *end == ',' ? end + 1 : end)
        out[n++] = strtoul(list, &end, 10);
    return n;
}

static void choose_columns(table *t, const char *label, const char *dropped)
{
    bool found = false;
    for (size_t i = 0; i < t->columns; i++) {
        char item[80];
        (void)snprintf(item, sizeof item, ",%s,", t->column[i].name);
        bool is_label = strcmp(t->column[i].name, label) == 0;
        t->column[i].dropped = is_label || strstr(dropped, item) != NULL;
        found |= is_label;
        t->label = is_label ? i : t->label;
    }
    must(found, label);
}

int main(int argc, char **argv)
{
    static table t;
    char dropped[512];
    size_t trees[16], depths[16];
    if (argc < 6) {
        fprintf(stderr, "every_row TABLE.csv LABEL POSITIVE TREES,... DEPTH,... [DROPPED,...]\n");
        return 2;
    }
    (void)snprintf(dropped, sizeof dropped, ",%s,", argc > 6 ? argv[6] : "");
    read_lines(&t, argv[1]);
    choose_columns(&t, argv[2], dropped);
    fill(&t, argv[3]);
    DMatrixHandle matrix;
    must(XGDMatrixCreateFromMat(t.x, t.rows, t.features, NAN, &matrix) == 0, "matrix");
    must(XGDMatrixSetStrFeatureInfo(matrix, "feature_type", t.type, t.features) == 0, "types");
    must(XGDMatrixSetFloatInfo(matrix, "label", t.label_float, t.rows) == 0, "label");
    size_t tree_count = numbers(argv[4], trees, 16), depth_count = numbers(argv[5], depths, 16);
    bool ok = true;
    for (size_t i = 0; i < tree_count; i++)
        for (size_t k = 0; k < depth_count; k++)
            ok = try_one(&t, matrix, trees[i], depths[k]) && ok;
    XGDMatrixFree(matrix);
    return ok ? 0 : 1;
}
