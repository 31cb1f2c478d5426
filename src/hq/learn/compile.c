/* sotto-hq model compile: a trained model as integers, and the proof. */
#include "learn/learn.h"
#include "office/args.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq model compile: compiles a trained model into integers, and proves that it is the same model\n"
    "\n"
    "  sotto-hq model compile --from xgboost model.json --recipe recipe.json \\\n"
    "           --dictionary dictionary.json \\\n"
    "           --data contacts.csv -o model.sotto\n"
    "\n"
    "  --from xgboost       XGBoost's JSON or UBJSON. Without --from the file itself says what it is\n"
    "  --from lightgbm      LightGBM's text\n"
    "  --from onnx          ONNX as scikit-learn's exporters write it: tree ensembles, linear models,\n"
    "                       and what scales, fills and encodes before them\n"
    "  --from scorecard     points or coefficients a feature, CSV or JSON (docs/formats/scorecard.md)\n"
    "  --from kmeans        centroids, CSV or JSON (docs/formats/kmeans.md)\n"
    "  --recipe FILE, --dictionary FILE   the features become tags of a terminal; without them they are\n"
    "                                     columns.\n"
    "                       Without --dictionary it is dictionary.json in the recipe's folder\n"
    "  --max-error X        refuses a model whose margin may be off by more than X, 0.0001 unless said:\n"
    "                       of the margin itself; of amounts, where margins beyond 1 are possible, of\n"
    "                       the largest one\n"
    "  --data FILE          proof: every row must reach the same leaves as in the trained model\n"
    "  --label COLUMN, --positive WORD, --split random|time, --holdout PERCENT, --seed N\n"
    "                       which rows the figures are taken on; known from the file when sotto-hq\n"
    "                       trained it\n"
    "  --today DATE, --date-column NAME   the day of each row, for recipes with ages\n"
    "  --name TEXT          the model's name (the file's name)\n"
    "  -o FILE              where the compiled model goes\n"
    "  --json               the report as JSON\n";

/* 2,000 trees at the finest scale are within 6.0e-5, and ten thousandths of a margin move no figure of a
 * report: more than this is a model with values that have no room. */
static const double MAX_ERROR = 1e-4;

typedef struct compile_options {
    const char *from, *recipe, *dictionary, *data, *label, *positive, *split, *today, *date_column, *name,
        *out;
    const char *source;
    int64_t holdout, seed; /* -1: not given */
    double max_error;
    bool json;
} compile_options;

typedef struct outcome {
    size_t source_bytes;
    const learn_source_kind *kind;
    sotto_forge_report report;
    bool proven;
    learn_proof proof;
    char label[256], positive[256], today[256], date_column[256];
    learn_split split;
    bool has_split;
} outcome;

static sotto_status parse(compile_options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option options[] = {{"the trained model's file", HQ_POSITION, &o->source, true, 0, 0},
                                 {"--from", HQ_TEXT, &o->from, false, 0, 0},
                                 {"--recipe", HQ_TEXT, &o->recipe, false, 0, 0},
                                 {"--dictionary", HQ_TEXT, &o->dictionary, false, 0, 0},
                                 {"--data", HQ_TEXT, &o->data, false, 0, 0},
                                 {"--label", HQ_TEXT, &o->label, false, 0, 0},
                                 {"--positive", HQ_TEXT, &o->positive, false, 0, 0},
                                 {"--split", HQ_TEXT, &o->split, false, 0, 0},
                                 {"--today", HQ_TEXT, &o->today, false, 0, 0},
                                 {"--date-column", HQ_TEXT, &o->date_column, false, 0, 0},
                                 {"--name", HQ_TEXT, &o->name, false, 0, 0},
                                 {"-o", HQ_TEXT, &o->out, true, 0, 0},
                                 {"--max-error", HQ_REAL, &o->max_error, false, 1e-12, 1e12},
                                 {"--holdout", HQ_NUMBER, &o->holdout, false, 0, 90},
                                 {"--seed", HQ_NUMBER, &o->seed, false, 0, INT32_MAX},
                                 {"--json", HQ_FLAG, &o->json, false, 0, 0}};
    sotto_status status = hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
    if (status == SOTTO_OK && o->from != NULL && learn_source_named(o->from) == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, UNSUPPORTED),
                                "--from %.40s: xgboost, lightgbm, onnx, scorecard and kmeans can be compiled",
                                o->from);
    return status;
}

static void choose_rows(const compile_options *o, const sotto_model *m, outcome *r)
{
    char split[256];
    learn_choose(o->label, m, "sotto.label", r->label);
    learn_choose(o->label != NULL && o->positive == NULL ? "" : o->positive, m, "sotto.positive",
                 r->positive);
    learn_choose(o->today, m, "sotto.today", r->today);
    learn_choose(o->date_column, m, "sotto.date_column", r->date_column);
    learn_choose(o->split, m, "sotto.split", split);
    r->split.holdout_percent = learn_choose_number(o->holdout, m, "sotto.holdout", 20);
    r->split.seed = learn_choose_number(o->seed, m, "sotto.seed", 1);
    r->has_split = learn_split_find(split, &r->split.kind) && r->split.holdout_percent > 0 &&
                   r->split.holdout_percent <= 90;
}

/* What --from says, else what the file looks like. */
static sotto_status choose_kind(const compile_options *o, sotto_span file, outcome *r, sotto_diag *diag)
{
    r->kind = o->from != NULL ? learn_source_named(o->from) : learn_source_guess(file);
    if (r->kind == NULL)
        return sotto_diag_at(
            diag, SOTTO_ERR(HQ, USAGE), o->source, 0,
            "what it is cannot be seen from the file: say --from xgboost (JSON or UBJSON), lightgbm "
            "(text), onnx, scorecard or kmeans (CSV or JSON)");
    return SOTTO_OK;
}

static sotto_status prove(const compile_options *o, const learn_input *in, sotto_span json, outcome *r,
                          sotto_diag *diag)
{
    size_t count = sotto_model_info_of(in->model)->features;
    learn_table table;
    const learn_origin origin = {r->kind->walker, json, o->source, in->dictionary};
    choose_rows(o, in->model, r);
    learn_plan plan = {.model = in->model,
                       .features = sotto_model_feature(in->model, 0),
                       .feature_count = count,
                       .dictionary = in->dictionary,
                       .label = r->label[0] == '\0' ? NULL : r->label,
                       .label_optional = o->label == NULL,
                       .positive = r->positive[0] == '\0' ? NULL : r->positive,
                       .today = r->today[0] == '\0' ? NULL : r->today,
                       .date_column = r->date_column[0] == '\0' ? NULL : r->date_column};
    sotto_status status = learn_table_read(&table, &plan, o->data, diag);
    if (status == SOTTO_OK)
        status = learn_prove(&r->proof, in->model, &origin, &table, r->has_split ? &r->split : NULL, diag);
    r->proven = status == SOTTO_OK;
    if (status == SOTTO_OK && r->proof.leaves_differ > 0)
        status = sotto_diag_at(
            diag, SOTTO_ERR(HQ, INTERNAL), o->source, 0,
            "%zu leaves differ from the trained model's, the first in row %zu, tree %zu (%" PRIu32
            ", there %" PRIu32 "): nothing was written",
            r->proof.leaves_differ, r->proof.differs_row, r->proof.differs_tree, r->proof.leaf_ours,
            r->proof.leaf_theirs);
    learn_table_free(&table);
    return status;
}

static sotto_status compile(const compile_options *o, learn_input *in, sotto_span json, outcome *r,
                            sotto_diag *diag)
{
    char name[256];
    uint8_t digest[SOTTO_SHA256_BYTES];
    learn_model_name(o->name, o->out, name, sizeof name);
    sotto_forge_options options = {.file_name = o->source,
                                   .model_name = name,
                                   .recipe = in->has_recipe ? &in->recipe : NULL,
                                   .dictionary = in->dictionary,
                                   .source_sha256 = digest,
                                   .max_error = o->max_error};
    sotto_vec_init(&in->model_file, (size_t)1 << 30);
    sotto_status status = sotto_sha256(json, digest);
    if (status == SOTTO_OK)
        status = r->kind->compile(json, &options, &in->model_file, &r->report, diag);
    return status == SOTTO_OK ? learn_input_load(in, diag) : status;
}

static void print_clusters(const learn_proof *p)
{
    char rows[32], near[32], held[32];
    printf("proof: %s rows; the nearest centroid is the float model's in all of them",
           learn_grouped(p->rows, rows));
    if (p->near > 0)
        printf(" but %s, where two are as near or a value is out of reach", learn_grouped(p->near, near));
    printf("\n  largest difference of a distance: %.3g\n", p->margin_difference);
    if (p->held > 0)
        printf("  %s rows have values out of reach, whose distance is not compared\n",
               learn_grouped(p->held, held));
}

static void print_proof(const learn_proof *p, const char *what)
{
    char rows[32], leaves[32], held_out[32];
    if (p->trees > 0)
        printf("proof: %s rows x %zu trees = %s leaves, all identical to %s\n", learn_grouped(p->rows, rows),
               p->trees, learn_grouped((uint64_t)p->rows * p->trees, leaves), what);
    else
        printf("proof: %s rows\n", learn_grouped(p->rows, rows));
    printf("  largest difference of a margin: %.3g to the exact sum of the %s", p->margin_difference,
           p->trees > 0 ? "leaves" : "terms");
    if (!isnan(p->tool_difference))
        printf(", %.3g to %s", p->tool_difference, p->tool);
    printf("\n");
    if (p->held > 0)
        printf("  %s margins are beyond 2^28, where no bound is promised, and were not compared\n",
               learn_grouped(p->held, rows));
    if (p->has_auc)
        printf("  on %s rows: AUC %.6f float, %.6f integer; log loss %.6f float, %.6f integer\n",
               learn_grouped(p->held_out, held_out), p->auc_float, p->auc_integer, p->logloss_float,
               p->logloss_integer);
}

static void print_report(const compile_options *o, const outcome *r)
{
    char source[32], bytes[32], nodes[32];
    const sotto_forge_report *f = &r->report;
    printf("%s: %zu trees, %s nodes, %zu features, %zu thresholds", o->out, f->trees,
           learn_grouped(f->nodes, nodes), f->features, f->thresholds);
    if (f->terms > 0)
        printf(", %zu linear terms", f->terms);
    if (f->clusters > 0)
        printf(", %zu clusters", f->clusters);
    putchar('\n');
    printf("  %s bytes (the source: %s, %.1f times as many)\n", learn_grouped(f->bytes, bytes),
           learn_grouped(r->source_bytes, source), (double)r->source_bytes / (double)f->bytes);
    if (f->scale_bits < SOTTO_MODEL_SCALE_BITS)
        printf("  values are kept in units of 2^-%u, since some need more than 2^-%d has room for\n",
               f->scale_bits, SOTTO_MODEL_SCALE_BITS);
    printf("  a %s is off by at most %.3g, whatever the row", f->clusters > 0 ? "distance" : "margin",
           (double)f->margin_error_q24 / 16777216.0);
    printf("  (at most %.3g is allowed)\n", (double)f->error_allowed_q24 / 16777216.0);
    if (r->proven && f->clusters > 0)
        print_clusters(&r->proof);
    else if (r->proven)
        print_proof(&r->proof, r->proof.by_tool ? "XGBoost's own" : "a float traversal of the trained model");
    if (r->proven && r->proof.has_auc && !r->has_split)
        printf("  (on every row: those that it was trained on may be among them)\n");
    if (r->proven && r->proof.has_auc && r->has_split)
        printf("  (the %" PRId64 " %% of rows that the %s split with seed %" PRId64
               " held out of training)\n",
               r->split.holdout_percent, learn_split_name(r->split.kind), r->split.seed);
}

static void json_u64(sotto_json_writer *w, const char *name, uint64_t v)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, v);
}

static void json_proof(sotto_json_writer *w, const outcome *r)
{
    const learn_proof *p = &r->proof;
    sotto_json_name(w, "proof");
    sotto_json_obj(w);
    json_u64(w, "rows", p->rows);
    json_u64(w, "leaves", (uint64_t)p->rows * p->trees);
    json_u64(w, "leaves_differ", p->leaves_differ);
    sotto_json_name(w, "against");
    sotto_json_cstr(w, p->by_tool ? "xgboost" : "float traversal");
    learn_json_real(w, "margin_difference", p->margin_difference, 12);
    learn_json_real(w, "margin_difference_xgboost", p->by_tool ? p->tool_difference : (double)NAN, 12);
    learn_json_real(w, "margin_difference_runtime", p->tool_difference, 12);
    json_u64(w, "near", p->near);
    json_u64(w, "not_compared", p->held);
    if (p->has_auc) {
        json_u64(w, "held_out", p->held_out);
        sotto_json_name(w, "split");
        sotto_json_cstr(w, r->has_split ? learn_split_name(r->split.kind) : "none");
        learn_json_real(w, "auc_float", p->auc_float, 6);
        learn_json_real(w, "auc_integer", p->auc_integer, 6);
        learn_json_real(w, "logloss_float", p->logloss_float, 6);
        learn_json_real(w, "logloss_integer", p->logloss_integer, 6);
    }
    sotto_json_obj_end(w);
}

static sotto_status print_json(const compile_options *o, const learn_input *in, const outcome *r,
                               sotto_diag *diag)
{
    const sotto_model_info *info = sotto_model_info_of(in->model);
    uint8_t memory[16384];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    const sotto_forge_report *f = &r->report;
    sotto_json_obj(&w);
    sotto_json_name(&w, "file");
    sotto_json_cstr(&w, o->out);
    sotto_json_name(&w, "from");
    sotto_json_cstr(&w, r->kind->name);
    sotto_json_name(&w, "kind");
    sotto_json_cstr(&w, learn_kind_name(info));
    sotto_json_name(&w, "link");
    sotto_json_cstr(&w, learn_link_name(info->link));
    json_u64(&w, "outputs", info->outputs);
    json_u64(&w, "scale_bits", f->scale_bits);
    json_u64(&w, "bytes", f->bytes);
    json_u64(&w, "source_bytes", r->source_bytes);
    json_u64(&w, "trees", f->trees);
    json_u64(&w, "nodes", f->nodes);
    json_u64(&w, "leaves", f->leaves);
    json_u64(&w, "features", f->features);
    json_u64(&w, "thresholds", f->thresholds);
    json_u64(&w, "terms", f->terms);
    json_u64(&w, "clusters", f->clusters);
    learn_json_real(&w, "margin_error", (double)f->margin_error_q24 / 16777216.0, 12);
    learn_json_real(&w, "margin_error_allowed", (double)f->error_allowed_q24 / 16777216.0, 12);
    if (in->beside != NULL) {
        sotto_json_name(&w, "dictionary");
        sotto_json_cstr(&w, in->beside);
    }
    if (r->proven)
        json_proof(&w, r);
    sotto_json_obj_end(&w);
    return learn_json_print(&w, diag);
}

static sotto_status run(const compile_options *o, learn_input *in, sotto_vec *json, sotto_diag *diag)
{
    outcome r = {.source_bytes = 0};
    sotto_status status = learn_input_read(in, o->dictionary, o->recipe, diag);
    if (status == SOTTO_OK)
        status = learn_read_file(o->source, json, diag);
    r.source_bytes = json->len;
    if (status == SOTTO_OK)
        status = choose_kind(o, sotto_vec_span(json), &r, diag);
    if (status == SOTTO_OK)
        status = compile(o, in, sotto_vec_span(json), &r, diag);
    if (status == SOTTO_OK && o->data != NULL)
        status = prove(o, in, sotto_vec_span(json), &r, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(o->out, sotto_vec_span(&in->model_file), 0644, diag);
    if (status != SOTTO_OK)
        return status;
    if (o->json)
        return print_json(o, in, &r, diag);
    print_report(o, &r);
    return learn_flush(diag);
}

int learn_cmd_compile(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    learn_input in = {.memory = NULL};
    sotto_vec json = {.ptr = NULL};
    compile_options o = {.holdout = -1, .seed = -1, .max_error = MAX_ERROR};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = learn_input_init(&in, &diag);
    if (status == SOTTO_OK)
        status = run(&o, &in, &json, &diag);
    sotto_vec_free(&json);
    learn_input_free(&in);
    return learn_finish(status, &diag);
}
