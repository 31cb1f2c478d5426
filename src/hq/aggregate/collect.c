/*
 * collect: the collector asks for a batch and opens it. The batch's number is on the disk before the leader
 * hears of it, so that a collector that was killed asks for the same batch again and gets the same totals.
 */
#include "aggregate/aggregate.h"
#include "office/day.h"
#include "office/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collecting {
    const char *dir, *peer_url, *from, *to;
    int64_t task_id;
    bool as_json;
    hq_registry *db;
    agg_task task;
    agg_batch batch;     /* while it is open: all days that were asked for under its number */
    int32_t first, last; /* asked for now */
    int64_t *cells;
    uint64_t half_width;
    void *memory; /* of tasks: the names of cells */
    sotto_tasks tasks;
    sotto_diag *diag;
};

/* ---- ask ---- */

static sotto_status prepare(struct collecting *c)
{
    int32_t first = INT32_MIN, last = INT32_MAX;
    sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = SOTTO_OK;
    if (c->from != NULL)
        status = hq_day_parse(c->from, &first, c->diag);
    if (status == SOTTO_OK && c->to != NULL)
        status = hq_day_parse(c->to, &last, c->diag);
    if (status == SOTTO_OK && first > last)
        status = sotto_diag_set(c->diag, SOTTO_ERR(HQ, USAGE), "--from is after --to");
    if (status != SOTTO_OK)
        return status;
    /* One that was asked for and not got is asked for again; the periods are new unless the leader has begun.
     */
    status = agg_store_batch_open(c->db, c->task.digest, &c->batch, c->diag);
    bool held = status == SOTTO_OK;
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        status = entropy.fill(entropy.ctx, c->batch.id, sizeof c->batch.id);
        memcpy(c->batch.digest, c->task.digest, sizeof c->batch.digest);
    }
    c->batch.first_day = held && c->batch.first_day < first ? c->batch.first_day : first;
    c->batch.last_day = held && c->batch.last_day > last ? c->batch.last_day : last;
    c->first = first;
    c->last = last;
    return status == SOTTO_OK ? agg_store_batch_put(c->db, &c->batch, c->diag) : status;
}

static sotto_status write_request(const struct collecting *c, sotto_vec *body)
{
    agg_message m;
    sotto_status status = agg_message_begin(&m, 128, c->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_cbor_put_array(&m.w, 4);
    sotto_cbor_put_bytes(&m.w, sotto_span_of(c->batch.digest, sizeof c->batch.digest));
    sotto_cbor_put_bytes(&m.w, sotto_span_of(c->batch.id, sizeof c->batch.id));
    sotto_cbor_put_int(&m.w, c->first);
    sotto_cbor_put_int(&m.w, c->last);
    return agg_message_end(&m, body, c->diag);
}

/* The leader is another owner's: its days are held against what was asked for before anything adds up by
 * them.
 */
static sotto_status take_days(agg_batch *b, int64_t first, int64_t last, sotto_diag *diag)
{
    if (first > last || first < b->first_day || last > b->last_day)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE),
                              "the leader's answer is over periods from day %lld to day %lld, which were not"
                              " asked for (%d to %d): nothing is opened",
                              (long long)first, (long long)last, (int)b->first_day, (int)b->last_day);
    b->first_day = (int32_t)first;
    b->last_day = (int32_t)last;
    return SOTTO_OK;
}

sotto_status agg_collect_read(agg_batch *b, uint32_t smallest_batch, sotto_span answer, sotto_diag *diag)
{
    sotto_span sealed[SOTTO_SPLIT_PARTIES];
    sotto_cbor_reader r = sotto_cbor_reader_of(answer);
    (void)sotto_cbor_get_array(&r, 6);
    b->count = sotto_cbor_get_uint(&r, AGG_BATCH_MAX);
    const int64_t first = sotto_cbor_get_int(&r), last = sotto_cbor_get_int(&r);
    agg_read_exact(&r, b->reports, sizeof b->reports);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        sealed[i] = sotto_cbor_get_bytes(&r, AGG_TOTAL_ROOM);
    sotto_status status = agg_read_end(&r, "the leader's answer", diag);
    if (status == SOTTO_OK && b->count < smallest_batch)
        status =
            sotto_diag_set(diag, SOTTO_ERR(HQ, CONFLICT),
                           "the batch of %llu reports is smaller than the smallest, %u: it is not opened",
                           (unsigned long long)b->count, (unsigned)smallest_batch);
    if (status == SOTTO_OK)
        status = take_days(b, first, last, diag);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES && status == SOTTO_OK; i++) {
        sotto_vec_init(&b->share[i], AGG_TOTAL_ROOM);
        status = sotto_vec_put(&b->share[i], sealed[i].ptr, sealed[i].len);
    }
    return status;
}

static sotto_status ask(struct collecting *c)
{
    agg_line line;
    sotto_vec body, answer;
    sotto_vec_init(&body, 256);
    sotto_vec_init(&answer, AGG_BODY_MAX);
    sotto_status status = agg_line_open(&line, c->dir, AGG_LEADER, c->peer_url, c->diag);
    if (status == SOTTO_OK)
        status = write_request(c, &body);
    if (status == SOTTO_OK)
        status = agg_line_ask(&line, "/v1/collect", sotto_vec_span(&body), &answer, NULL, c->diag);
    if (status == SOTTO_OK)
        status = agg_collect_read(&c->batch, c->task.task.smallest_batch, sotto_vec_span(&answer), c->diag);
    sotto_vec_free(&body);
    sotto_vec_free(&answer);
    agg_line_close(&line);
    return status;
}

static sotto_status open_totals(struct collecting *c)
{
    uint8_t key[SOTTO_HPKE_PRIVATE_BYTES];
    sotto_status status = agg_party_hpke(c->dir, key, c->diag);
    c->cells = calloc(c->task.task.cells, sizeof *c->cells);
    if (status == SOTTO_OK && c->cells == NULL)
        status = sotto_diag_set(c->diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a total");
    if (status == SOTTO_OK)
        status = agg_total_open(&c->task, &c->batch, key, c->cells, c->diag);
    sotto_wipe(key, sizeof key);
    if (status == SOTTO_OK) {
        c->batch.closed = true;
        status = agg_store_batch_close(c->db, &c->batch, c->diag);
    }
    const sotto_task *task = sotto_tasks_find(&c->tasks, c->task.task.task_id);
    if (status == SOTTO_OK && task != NULL)
        status = sotto_task_half_width(task, SOTTO_SPLIT_PARTIES, 950000, &c->half_width);
    return status;
}

/* ---- tell ---- */

/* "savings-autumn, 18-29, shown". */
static void label(const sotto_task *task, size_t cell, char *out, size_t cap)
{
    char part[96];
    size_t at = 0;
    out[0] = '\0';
    for (size_t t = 0; t < task->table_count; t++) {
        const sotto_table *table = &task->table[t];
        if (cell < table->first_cell || cell - table->first_cell >= table->cells)
            continue;
        size_t rest = cell - table->first_cell, below = table->cells;
        for (size_t d = 0; d < table->dimensions; d++) {
            below /= table->dimension[d].bins;
            sotto_dimension_label(&table->dimension[d], rest / below, part, sizeof part);
            rest %= below;
            int wrote = snprintf(out + at, cap - at, "%s%s", d > 0 ? ", " : "", part);
            at += wrote > 0 && (size_t)wrote < cap - at ? (size_t)wrote : 0;
        }
        return;
    }
    (void)snprintf(out, cap, "left out");
}

static void print_totals(const struct collecting *c, const sotto_task *task)
{
    char first[11], last[11], text[256];
    hq_day_format(c->batch.first_day, first);
    hq_day_format(c->batch.last_day, last);
    printf("Task %s (%u), two aggregators: %llu report%s, periods from %s to %s.\n"
           "Each of the two added its noise; 95 %% of the time the truth is within +-%llu of each count.\n\n",
           task->name, (unsigned)task->id, (unsigned long long)c->batch.count, sotto_plural(c->batch.count),
           first, last, (unsigned long long)c->half_width);
    for (size_t i = 0; i < task->cells; i++) {
        label(task, i, text, sizeof text);
        printf("%-60s %10lld\n", text, (long long)c->cells[i]);
    }
}

static void put_row(sotto_json_writer *w, const sotto_task *task, size_t cell, int64_t count)
{
    char text[256];
    label(task, cell, text, sizeof text);
    sotto_json_obj(w);
    sotto_json_name(w, "cell");
    sotto_json_cstr(w, text);
    sotto_json_name(w, "count");
    sotto_json_i64(w, count);
    sotto_json_obj_end(w);
}

static sotto_status print_json(const struct collecting *c, const sotto_task *task)
{
    hq_json json;
    sotto_status status = hq_json_begin(&json, 4096 + task->cells * 512, c->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    sotto_json_name(&json.w, "task");
    sotto_json_u64(&json.w, task->id);
    sotto_json_name(&json.w, "reports");
    sotto_json_u64(&json.w, c->batch.count);
    sotto_json_name(&json.w, "from");
    hq_json_day(&json.w, c->batch.first_day);
    sotto_json_name(&json.w, "to");
    hq_json_day(&json.w, c->batch.last_day);
    sotto_json_name(&json.w, "confidence_percent");
    sotto_json_u64(&json.w, 95);
    sotto_json_name(&json.w, "plus_minus");
    sotto_json_u64(&json.w, c->half_width);
    sotto_json_name(&json.w, "cells");
    sotto_json_arr(&json.w);
    for (size_t i = 0; i < task->cells; i++)
        put_row(&json.w, task, i, c->cells[i]);
    sotto_json_arr_end(&json.w);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, c->diag);
}

static sotto_status tell(struct collecting *c)
{
    const sotto_task *task = sotto_tasks_find(&c->tasks, c->task.task.task_id);
    if (task == NULL)
        return sotto_diag_set(c->diag, SOTTO_ERR(HQ, CORRUPT), "the kept tasks file has no such task");
    if (c->as_json)
        return print_json(c, task);
    print_totals(c, task);
    return SOTTO_OK;
}

/* ---- the command ---- */

static sotto_status collect(struct collecting *c)
{
    sotto_status status = sotto_vault_start(c->diag);
    if (status == SOTTO_OK)
        status = agg_party_db(c->dir, false, &c->db, c->diag);
    if (status == SOTTO_OK)
        status = agg_store_task_by_id(c->db, (uint32_t)c->task_id, &c->task, c->diag);
    if (status == SOTTO_OK)
        status = agg_names_load(&c->tasks, c->dir, c->task.digest, &c->memory, c->diag);
    if (status == SOTTO_OK)
        status = prepare(c);
    if (status == SOTTO_OK)
        status = ask(c);
    if (status == SOTTO_OK)
        status = open_totals(c);
    return status == SOTTO_OK ? tell(c) : status;
}

int agg_cmd_collect(int argc, char **argv)
{
    sotto_diag diag = {0};
    struct collecting c = {.diag = &diag};
    const hq_option options[] = {{"--dir", HQ_TEXT, &c.dir, .required = true},
                                 {"--peer", HQ_TEXT, &c.peer_url, .required = true},
                                 {"--task", HQ_NUMBER, &c.task_id, .min = 1, .max = INT32_MAX},
                                 {"--from", HQ_TEXT, &c.from, .required = false},
                                 {"--to", HQ_TEXT, &c.to, .required = false},
                                 {"--json", HQ_FLAG, &c.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    if (c.task_id == 0)
        return hq_usage(argv[0], "--task is missing");
    sotto_status status = collect(&c);
    agg_batch_free(&c.batch);
    hq_registry_close(c.db);
    free(c.memory);
    free(c.cells);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
