/*
 * A bank's table of customers into rows of a pack. Each row is read as the terminal will read it, so what it
 * would refuse is refused here, with its line. What a customer has not agreed to is left out: it does not go
 * on its way at all.
 */
#include "office/day.h"
#include "pack/pack.h"
#include "release/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES    (8u << 20)
#define LINE_MAX_BYTES 60000 /* of a row: it must fit one chunk however little it compresses */
#define CUSTOMER_MAX   64

typedef struct table {
    const hq_pack_source *source;
    hq_pack_rows *out;
    void *memory;
    sotto_dictionary *dictionary;
    int profiling, measurement; /* tags, -1 = the policy names none: nobody has agreed */
    sotto_profile profile;
    sotto_import_plan plan;
    sotto_csv csv;
    sotto_vec line, header;
    int32_t today;
} table;

static sotto_status read_tag(const table *t, sotto_json_node root, const char *member, int *tag,
                             sotto_diag *diag)
{
    sotto_span id;
    *tag = -1;
    if (sotto_json_member(root, member).val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_get_str(root, member, &id, diag);
    if (status == SOTTO_OK && (*tag = sotto_dictionary_find(t->dictionary, id)) < 0)
        status = sotto_json_bad(sotto_json_member(root, member), diag, SOTTO_ERR(HQ, NOT_FOUND),
                                "is not a tag of the dictionary");
    return status;
}

static sotto_status read_policy(table *t, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_vec file;
    sotto_vec_init(&file, HQ_FILE_LIMIT);
    sotto_status status = sotto_port_read_file(t->source->policy, &file, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, sotto_vec_span(&file), t->source->policy, diag);
    if (status == SOTTO_OK)
        status = read_tag(t, sotto_json_root(doc), "profiling_tag", &t->profiling, diag);
    if (status == SOTTO_OK)
        status = read_tag(t, sotto_json_root(doc), "measurement_tag", &t->measurement, diag);
    sotto_json_free(doc);
    sotto_vec_free(&file);
    return status;
}

static sotto_status read_dictionary(table *t, sotto_diag *diag)
{
    sotto_arena arena;
    sotto_vec file;
    sotto_vec_init(&file, HQ_FILE_LIMIT);
    t->memory = malloc(ARENA_BYTES);
    if (t->memory == NULL)
        return SOTTO_ERR(HQ, NO_MEMORY);
    sotto_arena_init(&arena, t->memory, ARENA_BYTES);
    sotto_status status = sotto_port_read_file(t->source->dictionary, &file, diag);
    if (status == SOTTO_OK)
        status =
            sotto_dictionary_load(&t->dictionary, sotto_vec_span(&file), t->source->dictionary, &arena, diag);
    if (status == SOTTO_OK)
        status = sotto_profile_init(&t->profile, t->dictionary, &arena);
    sotto_vec_free(&file);
    return status;
}

static bool agrees(const table *t, int tag)
{
    sotto_tag_value value;
    return tag >= 0 &&
           sotto_profile_read(&t->profile, (size_t)tag, SOTTO_PURPOSE_SERVICE, t->today, &value) &&
           value.num != 0;
}

static unsigned agreed_purposes(table *t)
{
    bool profiling = agrees(t, t->profiling), measurement = agrees(t, t->measurement);
    t->out->without_profiling += !profiling;
    t->out->without_measurement += !measurement;
    return SOTTO_PURPOSE_SERVICE | (profiling ? SOTTO_PURPOSE_MARKETING : 0u) |
           (measurement ? SOTTO_PURPOSE_MEASUREMENT : 0u);
}

static sotto_status put_values(table *t, unsigned purposes)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < t->plan.columns && status == SOTTO_OK; i++) {
        int tag = t->plan.tag_of_column[i];
        if (tag < 0)
            continue;
        status = sotto_vec_put(&t->line, ",", 1);
        if (status == SOTTO_OK && (sotto_dictionary_at(t->dictionary, (size_t)tag)->purposes & purposes) != 0)
            status = hq_pack_put_field(&t->line, t->csv.field[i]);
    }
    return status;
}

/* Of header and row: a column more or less changes every row. */
static sotto_status digest_of(const table *t, uint8_t out[static HQ_PACK_DIGEST_BYTES])
{
    uint8_t sha256[SOTTO_SHA256_BYTES];
    sotto_sha256_stream *hash = NULL;
    sotto_status status = sotto_sha256_begin(&hash);
    if (status != SOTTO_OK)
        return status;
    status = sotto_sha256_update(hash, sotto_vec_span(&t->header));
    if (status == SOTTO_OK)
        status = sotto_sha256_update(hash, sotto_vec_span(&t->line));
    sotto_status ended = sotto_sha256_end(hash, sha256);
    memcpy(out, sha256, HQ_PACK_DIGEST_BYTES);
    return status == SOTTO_OK ? ended : status;
}

static sotto_status take_row(table *t, sotto_diag *diag)
{
    uint8_t digest[HQ_PACK_DIGEST_BYTES];
    sotto_span customer = t->csv.field[t->plan.customer_column];
    if (customer.len == 0 || customer.len > CUSTOMER_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), t->source->table, t->csv.line,
                             "the customer number must have 1 to %d bytes", CUSTOMER_MAX);
    sotto_profile_clear(&t->profile);
    sotto_status status = sotto_import_row(&t->plan, &t->csv, t->today, &t->profile, diag);
    if (status != SOTTO_OK)
        return status;
    t->line.len = 0;
    status = hq_pack_put_field(&t->line, customer);
    if (status == SOTTO_OK)
        status = put_values(t, agreed_purposes(t));
    if (status == SOTTO_OK)
        status = sotto_vec_put(&t->line, "\n", 1);
    if (sotto_status_cause(status) == SOTTO_CAUSE_RANGE)
        return sotto_diag_at(diag, status, t->source->table, t->csv.line, "is longer than %d bytes",
                             LINE_MAX_BYTES);
    if (status == SOTTO_OK)
        status = digest_of(t, digest);
    return status == SOTTO_OK ? hq_pack_rows_add(t->out, customer, sotto_vec_span(&t->line), digest) : status;
}

static sotto_status put_header(table *t)
{
    sotto_status status = sotto_vec_printf(&t->header, "sotto:do,sotto:customer");
    for (size_t i = 0; i < t->plan.columns && status == SOTTO_OK; i++)
        if (t->plan.tag_of_column[i] >= 0)
            status = sotto_vec_printf(
                &t->header, ",%s", sotto_dictionary_at(t->dictionary, (size_t)t->plan.tag_of_column[i])->id);
    return status == SOTTO_OK ? sotto_vec_put(&t->header, "\n", 2) : status; /* with its NUL */
}

static sotto_status read_table(table *t, sotto_span text, sotto_diag *diag)
{
    bool more = true;
    sotto_status status = sotto_csv_open(&t->csv, text, t->source->table, 0, diag);
    if (status == SOTTO_OK)
        status = sotto_import_plan_make(&t->plan, &t->csv, t->dictionary, t->source->customer_column, NULL, 0,
                                        diag);
    if (status == SOTTO_OK)
        status = put_header(t);
    while (status == SOTTO_OK) {
        status = sotto_csv_next(&t->csv, &more, diag);
        if (status != SOTTO_OK || !more)
            break;
        status = take_row(t, diag);
    }
    if (status != SOTTO_OK)
        return status;
    t->out->header = (char *)t->header.ptr;
    sotto_vec_init(&t->header, 0);
    return hq_pack_rows_sort(t->out, t->source->table, diag);
}

sotto_status hq_pack_rows_read(hq_pack_rows *out, const hq_pack_source *source, sotto_diag *diag)
{
    sotto_vec text;
    *out = (hq_pack_rows){0};
    table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory to read a table");
    t->source = source;
    t->out = out;
    t->today = (int32_t)sotto_floor_div_i64(hq_now(), HQ_DAY_S);
    sotto_vec_init(&text, HQ_PACK_TEXT_MAX);
    sotto_vec_init(&t->line, LINE_MAX_BYTES);
    sotto_vec_init(&t->header, LINE_MAX_BYTES);
    sotto_status status = read_dictionary(t, diag);
    if (status == SOTTO_OK)
        status = read_policy(t, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(source->table, &text, diag);
    if (status == SOTTO_OK)
        status = read_table(t, sotto_vec_span(&text), diag);
    if (status != SOTTO_OK)
        hq_pack_rows_free(out);
    if (text.ptr != NULL)
        sotto_wipe(text.ptr, text.len);
    sotto_vec_free(&text);
    sotto_vec_free(&t->line);
    sotto_vec_free(&t->header);
    free(t->memory);
    sotto_wipe(t, sizeof *t);
    free(t);
    return status;
}
