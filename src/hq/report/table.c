/* The tables of a report: parts, steps, targets, what the model is made of. */
#include "report/report.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

static double q24(int64_t v)
{
    return ldexp((double)v, -SOTTO_MODEL_SCALE_BITS);
}

void report_table_slices(const report_slices *s, const char *caption, page *p)
{
    static const char *const HEADS[] = {"part", "rows",           "buyers",  "happened",
                                        "said", "area under ROC", "interval"};
    char cell[6][48];
    page_fold_begin(p, "Rows of each part");
    page_table_begin(p, caption, PAGE_FIGURES, HEADS, SOTTO_COUNT(HEADS));
    for (size_t i = 0; i < s->count; i++) {
        const report_slice *one = &s->slice[i];
        learn_grouped(one->rows, cell[0]);
        learn_grouped(one->positives, cell[1]);
        page_number(cell[2], (double)one->positives / (double)one->rows, PAGE_PERCENT);
        page_number(cell[3], one->score, PAGE_PERCENT);
        (void)snprintf(cell[4], sizeof cell[4], isnan(one->auc) ? "–" : "%.4f", one->auc);
        (void)snprintf(cell[5], sizeof cell[5], isnan(one->auc) ? "–" : "%.4f to %.4f", one->auc_interval.low,
                       one->auc_interval.high);
        const char *const cells[] = {one->name, cell[0], cell[1], cell[2], cell[3], cell[4], cell[5]};
        page_table_row(p, cells, SOTTO_COUNT(cells));
    }
    page_table_end(p);
    page_fold_end(p);
}

void report_table_scales(const report *r, page *p)
{
    static const char *const HEADS[] = {"scale", "bound of a score's error", "largest over the rows",
                                        "area under ROC"};
    char cell[4][48];
    page_table_begin(p, "Each scale, on the judged rows", PAGE_FIGURES, HEADS, SOTTO_COUNT(HEADS));
    for (size_t i = 0; i < REPORT_SCALES; i++) {
        const report_scale *s = &r->scale[i];
        (void)snprintf(cell[0], sizeof cell[0], "2^-%u%s", s->bits,
                       s->bits == SOTTO_MODEL_SCALE_BITS ? " (this model)" : "");
        (void)snprintf(cell[1], sizeof cell[1], "%.2e", s->bound);
        (void)snprintf(cell[2], sizeof cell[2], "%.2e", s->worst);
        (void)snprintf(cell[3], sizeof cell[3], isnan(s->auc) ? "–" : "%.6f", s->auc);
        const char *const cells[] = {cell[0], cell[1], cell[2], cell[3]};
        page_table_row(p, cells, SOTTO_COUNT(cells));
    }
    page_table_end(p);
}

void report_table_steps(const report *r, page *p)
{
    static const char *const HEADS[] = {"step", "what it cost"};
    char leaves[96], rounding[96], sum[96], sigmoid[96], all[32];
    learn_grouped((uint64_t)r->proof.rows * r->proof.trees, all);
    (void)snprintf(leaves, sizeof leaves, "%zu of %s leaves differ", r->proof.leaves_differ, all);
    if (r->proof.trees == 0)
        (void)snprintf(leaves, sizeof leaves, "the source has no leaves");
    (void)snprintf(rounding, sizeof rounding, "%.2e at most over the rows; %.2e for any row",
                   r->proof.margin_difference, q24(r->info->margin_error_q24));
    (void)snprintf(sum, sizeof sum, "0: integers have no order of summing (in float32: up to %.2e)",
                   r->float32_worst);
    if (r->kind != REPORT_YES_NO || r->info->link != SOTTO_LINK_LOGISTIC)
        (void)snprintf(sigmoid, sizeof sigmoid, "its rounding is in docs/formats/fixed-point.md");
    else if (isnan(r->sigmoid_worst))
        (void)snprintf(sigmoid, sizeof sigmoid, "calibrated: see docs/formats/model.md for its rounding");
    else
        (void)snprintf(sigmoid, sizeof sigmoid, "%.2e of a probability", r->sigmoid_worst);
    bool clusters = r->kind == REPORT_CLUSTERS, plain = r->info->link == SOTTO_LINK_IDENTITY;
    const char *const rows[][2] = {
        {clusters ? "the nearest centroid" : "thresholds become bins",
         r->has_source ? leaves : "not compared: no --source"},
        {clusters ? "coordinates become integers" : "leaves become integers of 2^-24",
         r->has_source ? rounding : "not compared: no --source"},
        {"the sum is taken in integers", r->has_source ? sum : "0: integers have no order of summing"},
        {"scores become answers, in fixed point", plain ? "nothing: the score is the answer" : sigmoid}};
    page_table_begin(p, "Each step from the trained model to the terminal's answer", PAGE_WORDS, HEADS, 2);
    for (size_t i = 0; i < SOTTO_COUNT(rows); i++)
        page_table_row(p, rows[i], 2);
    page_table_end(p);
}

void report_say_floats(const report *r, page *p)
{
    const learn_proof *f = &r->proof;
    if (f->has_auc)
        page_say(
            p, "Area under the ROC curve: %.6f in floats, %.6f in integers. Logarithmic loss: %.6f and %.6f.",
            f->auc_float, f->auc_integer, f->logloss_float, f->logloss_integer);
    if (f->by_tool)
        page_note(p,
                  "XGBoost itself was asked too: its own leaves are the ones compared, and its float32 "
                  "margins differ from the integers "
                  "by at most %.2e, of which its own rounding is most.",
                  f->tool_difference);
    else if (!isnan(f->tool_difference))
        page_note(
            p,
            "The operators of ONNX add in float32, which differs from the integers by at most %.2e, of which "
            "float32's own rounding is most.",
            f->tool_difference);
}

/* docs/figures.md, "Instructions a candidate and tree", row by row at ten products: 300 trees of depth 6, so
 * 6 tests a tree; of the Cortex-M4 2,501 a row of 20 trees of depth 4, its bins included. */
static const report_target TARGETS[REPORT_TARGETS] = {
    {"x86-64", 49.0 / 6, "tests/bench/count.sh"},
    {"armv7", 95.0 / 6, "tests/bench/count.sh"},
    {"aarch64", 61.0 / 6, "tests/bench/count.sh"},
    {"Cortex-M4", 2501.0 / (20 * 4), "firmware/cortex-m4/run.sh"},
};

const report_target *report_target_at(size_t i)
{
    return &TARGETS[i];
}

double report_target_estimate(const report *r, const report_target *t)
{
    return r->info->clusters > 0 || r->info->terms > 0 ? (double)NAN : (double)r->info->steps_max * t->a_test;
}

void report_table_targets(const report *r, page *p)
{
    static const char *const HEADS[] = {"target",
                                        "file, bytes",
                                        "loaded, bytes",
                                        "tests of a score, at most",
                                        "instructions of a score",
                                        "estimated from"};
    char bytes[32], memory[32], steps[32], work[64], loaded[48];
    learn_grouped(r->info->bytes, bytes);
    learn_grouped(r->info->bytes + r->info->arena_bytes, memory);
    learn_grouped(r->info->steps_max, steps);
    page_table_begin(p, "Size and work on each target", PAGE_WORDS, HEADS, SOTTO_COUNT(HEADS));
    for (size_t i = 0; i < REPORT_TARGETS; i++) {
        const report_target *t = &TARGETS[i];
        double estimate = report_target_estimate(r, t);
        (void)snprintf(loaded, sizeof loaded, i == 0 ? "%s" : "at most %s", memory);
        (void)snprintf(work, sizeof work, isnan(estimate) ? "not counted" : "about %.0f at most, estimated",
                       estimate);
        const char *const cells[] = {t->name, bytes, loaded, steps, work, isnan(estimate) ? "–" : t->command};
        page_table_row(p, cells, SOTTO_COUNT(cells));
    }
    page_table_end(p);
    page_note(
        p,
        "The file is the same for all. What is loaded is measured here, with pointers of 64 bits; those of "
        "32 take less. Instructions are estimates: tests of this model times what one test took in the "
        "bench of docs/figures.md (300 trees of depth 6; on the Cortex-M4 20 of depth 4), whose command "
        "stands beside them. tests/bench/count.sh counts this very model; --instructions puts its lines "
        "here.");
}

void report_table_counts(const report *r, page *p)
{
    static const char *const HEADS[] = {"candidates at once", "way", "instructions a candidate and tree"};
    char products[32], instructions[32];
    page_table_begin(p, "Instructions on armv7, counted by tests/bench/count.sh", PAGE_FIGURES, HEADS,
                     SOTTO_COUNT(HEADS));
    for (size_t i = 0; i < r->counts; i++) {
        learn_grouped(r->count[i].products, products);
        (void)snprintf(instructions, sizeof instructions, "%.2f", r->count[i].instructions);
        const char *const cells[] = {products, r->count[i].way, instructions};
        page_table_row(p, cells, SOTTO_COUNT(cells));
    }
    page_table_end(p);
}

static void add_row(page *p, const char *name, const char *format, ...) SOTTO_PRINTF(3, 4);
static void add_row(page *p, const char *name, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *const cells[] = {name, text};
    page_table_row(p, cells, 2);
}

void report_table_made_of(const report *r, page *p)
{
    static const char *const HEADS[] = {"part", "figure"};
    static const char *const CALIBRATIONS[] = {[SOTTO_CALIBRATION_NONE] = "as trained",
                                               [SOTTO_CALIBRATION_PLATT] = "calibrated by Platt's sigmoid",
                                               [SOTTO_CALIBRATION_ISOTONIC] =
                                                   "calibrated by isotonic regression"};
    char number[32], digest[2 * SOTTO_SHA256_BYTES + 1];
    size_t thresholds = 0;
    for (size_t i = 0; i < r->info->features; i++)
        thresholds += sotto_model_feature(r->model, i)->bins;
    sotto_hex_encode(sotto_span_of(r->info->source_sha256, SOTTO_SHA256_BYTES), digest, sizeof digest);
    page_table_begin(p, "The model", PAGE_WORDS, HEADS, 2);
    add_row(p, "name", "%s", r->info->name);
    add_row(p, "trees", "%zu", learn_trees_of(r->info));
    if (r->info->terms > 0)
        add_row(p, "linear terms", "%zu", r->info->terms);
    if (r->info->clusters > 0)
        add_row(p, "clusters", "%zu", r->info->clusters);
    add_row(p, "tests on the longest path", "%zu", r->info->depth);
    add_row(p, "nodes", "%s", learn_grouped(r->info->nodes, number));
    add_row(p, "leaves", "%s", learn_grouped(r->info->leaves, number));
    add_row(p, "features", "%zu", r->info->features);
    add_row(p, "bins (thresholds and sets of categories)", "%s", learn_grouped(thresholds, number));
    add_row(p, "probabilities", "%s", CALIBRATIONS[r->info->calibration]);
    add_row(p, "bytes", "%s", learn_grouped(r->info->bytes, number));
    if (r->has_source)
        add_row(p, "bytes of the trained model's file", "%s (%.1f times)",
                learn_grouped(r->source_bytes, number), (double)r->source_bytes / (double)r->info->bytes);
    add_row(p, "score before any tree or term", "%.6f", q24(r->info->bias_q24));
    add_row(p, "compiled from the file with SHA-256", "%s", digest);
    page_table_end(p);
}

/* Lines "name=value" that training left in the model. */
void report_table_provenance(const report *r, page *p)
{
    static const char *const HEADS[] = {"setting", "value"};
    sotto_span all = sotto_model_provenance(r->model);
    if (all.len == 0)
        return;
    page_fold_begin(p, "How it was trained");
    page_table_begin(p, "Provenance, as the model carries it", PAGE_WORDS, HEADS, 2);
    for (size_t at = 0; at < all.len;) {
        char line[512];
        const uint8_t *end = memchr(all.ptr + at, '\n', all.len - at);
        size_t stop = end == NULL ? all.len : (size_t)(end - all.ptr), len = stop - at;
        len = len < sizeof line ? len : sizeof line - 1;
        memcpy(line, all.ptr + at, len);
        line[len] = '\0';
        char *equals = strchr(line, '=');
        if (equals != NULL)
            *equals = '\0';
        if (line[0] != '\0')
            add_row(p, line, "%s", equals == NULL ? "" : equals + 1);
        at = stop + 1;
    }
    page_table_end(p);
    page_fold_end(p);
}

void report_table_features(const report *r, page *p)
{
    static const char *const SOURCES[] = {"column", "tag", "product", "time"};
    static const char *const HEADS[] = {"feature", "comes from", "bins"};
    char bins[32];
    page_fold_begin(p, "Its features");
    page_table_begin(p, "Features and their bins", PAGE_WORDS, HEADS, SOTTO_COUNT(HEADS));
    for (size_t i = 0; i < r->info->features; i++) {
        const sotto_feature *f = sotto_model_feature(r->model, i);
        const char *const cells[] = {f->name, f->source < SOTTO_COUNT(SOURCES) ? SOURCES[f->source] : "–",
                                     learn_grouped(f->bins, bins)};
        page_table_row(p, cells, SOTTO_COUNT(cells));
    }
    page_table_end(p);
    page_fold_end(p);
}
