/* sotto-hq model check: validates a model, says what it is made of and what a score costs at most. */
#include "learn/learn.h"
#include "office/args.h"

#include <stdlib.h>
#include <string.h>

static const char HELP[] = "sotto-hq model check: validates a model and says what it is made of\n"
                           "\n"
                           "  sotto-hq model check model.sotto\n"
                           "\n"
                           "  --names A,B,C        also: every feature is one of these columns\n"
                           "  --dictionary FILE    also: every feature can be computed from these tags\n"
                           "  --json               the same as JSON\n";

enum { JSON_BYTES = 512 << 10 };

static const char *source_name(enum sotto_feature_source source)
{
    static const char *const NAMES[] = {"column", "tag", "product", "time"};
    return NAMES[source];
}

static const char *transform_name(enum sotto_feature_transform transform)
{
    static const char *const NAMES[] = {"value", "code", "age_days", "is", "change"};
    return NAMES[transform];
}

const char *learn_link_name(enum sotto_model_link link)
{
    static const char *const NAMES[] = {"identity", "logistic",  "log",        "softmax",
                                        "value",    "log value", "probability"};
    return NAMES[link];
}

size_t learn_trees_of(const sotto_model_info *info)
{
    return info->kind == SOTTO_MODEL_CLUSTERS ? 0 : info->trees;
}

const char *learn_kind_name(const sotto_model_info *info)
{
    if (info->kind == SOTTO_MODEL_CLUSTERS)
        return "clusters";
    return info->terms == 0 ? "trees" : info->trees == 0 ? "linear" : "trees and linear terms";
}

static const char *calibration_name(enum sotto_calibration_kind kind)
{
    static const char *const NAMES[] = {"none", "platt", "isotonic"};
    return NAMES[kind];
}

static const char *kind_name(enum sotto_feature_kind kind)
{
    static const char *const NAMES[] = {"number", "number or zero", "category", "category"};
    return NAMES[kind];
}

static void print_feature(const sotto_feature *f)
{
    bool category = f->kind >= SOTTO_FEATURE_CATEGORY;
    printf("  %-24s %5u %s  %s", f->name, (unsigned)f->bins, category ? "sets      " : "thresholds",
           source_name(f->source));
    if (f->source == SOTTO_SOURCE_TAG)
        printf(" %u, %s", (unsigned)f->tag_number, transform_name(f->transform));
    if (f->transform == SOTTO_TRANSFORM_IS || f->transform == SOTTO_TRANSFORM_CHANGE)
        printf(f->transform == SOTTO_TRANSFORM_IS ? " %d" : " against %d", (int)f->argument);
    if (f->attribute[0] != '\0')
        printf(" %s", f->attribute);
    putchar('\n');
}

static void print_model(const sotto_model *m, const char *path)
{
    const sotto_model_info *i = sotto_model_info_of(m);
    char digest[2 * sizeof i->source_sha256 + 1], bytes[32], nodes[32], leaves[32], arena[32], steps[32];
    sotto_span provenance = sotto_model_provenance(m);
    sotto_hex_encode(sotto_span_of(i->source_sha256, sizeof i->source_sha256), digest, sizeof digest);
    printf("%s: valid; model \"%s\"\n", path, i->name);
    printf("  %s bytes; %s more when loaded\n", learn_grouped(i->bytes, bytes),
           learn_grouped(i->arena_bytes, arena));
    if (learn_trees_of(i) > 0)
        printf("  %zu trees, %s nodes, %s leaves, depth %zu\n", i->trees, learn_grouped(i->nodes, nodes),
               learn_grouped(i->leaves, leaves), i->depth);
    if (i->terms > 0)
        printf("  %zu linear terms\n", i->terms);
    if (i->clusters > 0)
        printf("  %zu clusters\n", i->clusters);
    printf("  %s link, %zu output%s\n", learn_link_name(i->link), i->outputs, i->outputs == 1 ? "" : "s");
    printf("  calibration: %s\n", calibration_name(i->calibration));
    printf("  a score takes at most %s steps\n", learn_grouped(i->steps_max, steps));
    printf("  a %s differs from the source's by at most %.3g\n", i->clusters > 0 ? "distance" : "margin",
           (double)i->margin_error_q24 / 16777216.0);
    printf("  bias %.9g; source sha256 %s\n", (double)i->bias_q24 / 16777216.0, digest);
    printf("%zu features\n", i->features);
    for (size_t f = 0; f < i->features; f++)
        print_feature(sotto_model_feature(m, f));
    if (provenance.len > 0)
        printf("provenance\n%.*s", (int)provenance.len, (const char *)provenance.ptr);
}

/* "a,b,c" holds that name, plain or in quotation marks. */
static bool is_listed(const char *names, const char *name)
{
    size_t len = strlen(name);
    while (true) {
        size_t word = strcspn(names, ",");
        bool quoted = word >= 2 && names[0] == '"' && names[word - 1] == '"';
        if (word - 2 * quoted == len && memcmp(names + quoted, name, len) == 0)
            return true;
        if (names[word] == '\0')
            return false;
        names += word + 1;
    }
}

static sotto_status check_names(const sotto_model *m, const char *names, sotto_diag *diag)
{
    for (size_t f = 0; f < sotto_model_info_of(m)->features; f++)
        if (!is_listed(names, sotto_model_feature(m, f)->name))
            return sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "feature %s is none of these columns",
                                  sotto_model_feature(m, f)->name);
    return SOTTO_OK;
}

static void json_u64(sotto_json_writer *w, const char *name, uint64_t v)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, v);
}

static void json_str(sotto_json_writer *w, const char *name, const char *text)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, text);
}

static void json_feature(sotto_json_writer *w, const sotto_feature *f)
{
    sotto_json_obj(w);
    json_str(w, "name", f->name);
    json_str(w, "source", source_name(f->source));
    if (f->source == SOTTO_SOURCE_TAG) {
        json_u64(w, "tag", f->tag_number);
        json_str(w, "as", transform_name(f->transform));
    }
    if (f->transform == SOTTO_TRANSFORM_IS)
        json_u64(w, "code", (uint64_t)f->argument);
    if (f->transform == SOTTO_TRANSFORM_CHANGE)
        json_u64(w, "against", (uint64_t)f->argument);
    if (f->attribute[0] != '\0')
        json_str(w, "attribute", f->attribute);
    json_str(w, "kind", kind_name(f->kind));
    json_u64(w, f->kind >= SOTTO_FEATURE_CATEGORY ? "sets" : "thresholds", f->bins);
    sotto_json_obj_end(w);
}

static void json_model(sotto_json_writer *w, const sotto_model *m)
{
    const sotto_model_info *i = sotto_model_info_of(m);
    char digest[2 * sizeof i->source_sha256 + 1];
    sotto_hex_encode(sotto_span_of(i->source_sha256, sizeof i->source_sha256), digest, sizeof digest);
    sotto_json_obj(w);
    json_str(w, "name", i->name);
    json_u64(w, "bytes", i->bytes);
    json_u64(w, "arena_bytes", i->arena_bytes);
    json_u64(w, "trees", learn_trees_of(i));
    json_u64(w, "terms", i->terms);
    json_u64(w, "clusters", i->clusters);
    json_u64(w, "nodes", i->nodes);
    json_u64(w, "leaves", i->leaves);
    json_u64(w, "depth", i->depth);
    json_u64(w, "steps_max", i->steps_max);
    json_u64(w, "outputs", i->outputs);
    json_str(w, "link", learn_link_name(i->link));
    json_str(w, "calibration", calibration_name(i->calibration));
    learn_json_real(w, "margin_error", (double)i->margin_error_q24 / 16777216.0, 12);
    learn_json_real(w, "bias", (double)i->bias_q24 / 16777216.0, 12);
    json_str(w, "source_sha256", digest);
    sotto_json_name(w, "features");
    sotto_json_arr(w);
    for (size_t f = 0; f < i->features; f++)
        json_feature(w, sotto_model_feature(m, f));
    sotto_json_arr_end(w);
    sotto_json_name(w, "provenance");
    sotto_json_str(w, sotto_model_provenance(m));
    sotto_json_obj_end(w);
}

static sotto_status print_json(const sotto_model *m, sotto_diag *diag)
{
    uint8_t *memory = malloc(JSON_BYTES);
    if (memory == NULL)
        return hq_no_memory(diag);
    sotto_buf buf = sotto_buf_of(memory, JSON_BYTES);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    json_model(&w, m);
    sotto_status status = learn_json_print(&w, diag);
    free(memory);
    return status;
}

int learn_cmd_check(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    learn_input in = {.memory = NULL};
    const char *path = NULL, *dictionary = NULL, *names = NULL;
    bool json = false;
    const hq_option options[] = {{"the model's file", HQ_POSITION, &path, true, 0, 0},
                                 {"--json", HQ_FLAG, &json, false, 0, 0},
                                 {"--names", HQ_TEXT, &names, false, 0, 0},
                                 {"--dictionary", HQ_TEXT, &dictionary, false, 0, 0}};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = hq_parse(argc, argv, options, SOTTO_COUNT(options), &diag);
    if (status == SOTTO_OK)
        status = learn_input_init(&in, &diag);
    if (status == SOTTO_OK)
        status = learn_input_read(&in, dictionary, NULL, &diag);
    if (status == SOTTO_OK)
        status = learn_input_model(&in, path, &diag);
    if (status == SOTTO_OK && dictionary != NULL)
        status = learn_place(sotto_model_bind(in.model, in.dictionary, &diag), path, &diag);
    if (status == SOTTO_OK && names != NULL)
        status = learn_place(check_names(in.model, names, &diag), path, &diag);
    if (status == SOTTO_OK && !json)
        print_model(in.model, path);
    if (status == SOTTO_OK)
        status = json ? print_json(in.model, &diag) : learn_flush(&diag);
    learn_input_free(&in);
    return learn_finish(status, &diag);
}
