/* sotto-hq model combine: two compiled models as one of two steps. */
#include "learn/learn.h"
#include "office/args.h"

#include <string.h>

static const char HELP[] =
    "sotto-hq model combine: makes one model of two steps from two: how likely, and how much\n"
    "\n"
    "  sotto-hq model combine propensity.sotto amount.sotto -o value.sotto\n"
    "\n"
    "  The first says a probability (logistic link, calibrated or not), the second an amount (identity\n"
    "  or log link). The new model's margin is the one times the other, the expected value; --leaves\n"
    "  and --why of model predict show the trees and the reasons of both. Features of the same name are\n"
    "  one.\n"
    "\n"
    "  --name TEXT          the model's name (the file's name)\n"
    "  -o FILE              where the new model goes\n"
    "  --json               the report as JSON\n";

typedef struct combine_options {
    const char *propensity, *amount, *name, *out;
    bool json;
} combine_options;

static sotto_status parse(combine_options *o, int argc, char **argv, sotto_diag *diag)
{
    const hq_option options[] = {{"the propensity model's file", HQ_POSITION, &o->propensity, true, 0, 0},
                                 {"the amount model's file", HQ_POSITION, &o->amount, true, 0, 0},
                                 {"--name", HQ_TEXT, &o->name, false, 0, 0},
                                 {"-o", HQ_TEXT, &o->out, true, 0, 0},
                                 {"--json", HQ_FLAG, &o->json, false, 0, 0}};
    return hq_parse(argc, argv, options, SOTTO_COUNT(options), diag);
}

/* The digest of both files, one behind the other. */
static sotto_status digest_of(sotto_span a, sotto_span b, uint8_t out[static SOTTO_SHA256_BYTES])
{
    sotto_vec both;
    sotto_vec_init(&both, SIZE_MAX / 4);
    sotto_status status = sotto_vec_put(&both, a.ptr, a.len);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&both, b.ptr, b.len);
    if (status == SOTTO_OK)
        status = sotto_sha256(sotto_vec_span(&both), out);
    sotto_vec_free(&both);
    return status;
}

static sotto_status combine(const combine_options *o, sotto_span propensity, sotto_span amount,
                            sotto_vec *out, sotto_forge_report *report, sotto_diag *diag)
{
    char name[256];
    uint8_t digest[SOTTO_SHA256_BYTES];
    learn_model_name(o->name, o->out, name, sizeof name);
    const sotto_forge_options options = {
        .file_name = o->propensity, .model_name = name, .source_sha256 = digest};
    sotto_status status = digest_of(propensity, amount, digest);
    return status == SOTTO_OK
               ? sotto_forge_combine(propensity, amount, o->amount, &options, out, report, diag)
               : status;
}

static sotto_status print_json(const combine_options *o, const sotto_forge_report *r, sotto_diag *diag)
{
    uint8_t memory[4096];
    sotto_buf buf = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"bytes", r->bytes},       {"trees", r->trees},           {"nodes", r->nodes},
                   {"features", r->features}, {"thresholds", r->thresholds}, {"terms", r->terms}};
    sotto_json_obj(&w);
    sotto_json_name(&w, "file");
    sotto_json_cstr(&w, o->out);
    for (size_t i = 0; i < SOTTO_COUNT(numbers); i++) {
        sotto_json_name(&w, numbers[i].name);
        sotto_json_u64(&w, numbers[i].value);
    }
    learn_json_real(&w, "value_error", (double)r->margin_error_q24 / 16777216.0, 12);
    sotto_json_obj_end(&w);
    return learn_json_print(&w, diag);
}

static sotto_status run(const combine_options *o, sotto_vec files[static 3], sotto_diag *diag)
{
    sotto_forge_report report;
    sotto_status status = learn_read_file(o->propensity, &files[0], diag);
    if (status == SOTTO_OK)
        status = learn_read_file(o->amount, &files[1], diag);
    sotto_vec_init(&files[2], (size_t)1 << 30);
    if (status == SOTTO_OK)
        status = combine(o, sotto_vec_span(&files[0]), sotto_vec_span(&files[1]), &files[2], &report, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(o->out, sotto_vec_span(&files[2]), 0644, diag);
    if (status != SOTTO_OK)
        return status;
    if (o->json)
        return print_json(o, &report, diag);
    char bytes[32];
    printf("%s: %zu trees, %zu features, %zu linear terms; %s bytes\n", o->out, report.trees, report.features,
           report.terms, learn_grouped(report.bytes, bytes));
    printf("  an expected value is off by at most %.3g, whatever the row\n",
           (double)report.margin_error_q24 / 16777216.0);
    return learn_flush(diag);
}

int learn_cmd_combine(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    combine_options o = {.json = false};
    sotto_vec files[3] = {{.ptr = NULL}, {.ptr = NULL}, {.ptr = NULL}};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = parse(&o, argc, argv, &diag);
    if (status == SOTTO_OK)
        status = run(&o, files, &diag);
    for (size_t i = 0; i < SOTTO_COUNT(files); i++)
        sotto_vec_free(&files[i]);
    return learn_finish(status, &diag);
}
