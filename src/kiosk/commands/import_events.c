/* A CSV of events, through the door that every event takes: POST /v1/events, in batches, of the running
 * daemon or of the engine in this process. Whatever was cut, the same file may be read again: events are
 * known again. */
#include "commands/parts.h"
#include "doors/local.h"
#include "engine/record.h"
#include "engine/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES (48u << 10) /* of a request, which may have 64 KiB */
#define ROW_BYTES   4096        /* of one event's JSON: every text of 64 bytes, escaped */

enum { TEXT, MONEY };
static const struct {
    const char *name;
    int form;
} COLUMNS[] = {{"kind", TEXT},    {"at", TEXT},      {"id", TEXT},   {"amount", MONEY},  {"balance", MONEY},
               {"product", TEXT}, {"channel", TEXT}, {"page", TEXT}, {"campaign", TEXT}, {"due", TEXT}};

typedef struct batch {
    const kiosk_config *config;
    const char *path;
    kiosk_local *local;
    kiosk_rows *file;
    int member[SOTTO_CSV_FIELDS_MAX]; /* of COLUMNS by column; -1 = the customer number */
    size_t rows;
    uint64_t line[KIOSK_EVENTS_MAX];
    sotto_vec body, answer;
    kiosk_events_sum *sum;
    sotto_diag *diag;
} batch;

static sotto_status plan_columns(batch *b)
{
    const sotto_csv *csv = kiosk_rows_csv(b->file);
    bool customer = false, kind = false;
    for (size_t i = 0; i < csv->columns; i++) {
        int found = sotto_span_is(csv->field[i], b->config->customer_column) ? -1 : -2;
        for (size_t k = 0; found == -2 && k < SOTTO_COUNT(COLUMNS); k++)
            if (sotto_span_is(csv->field[i], COLUMNS[k].name))
                found = (int)k;
        if (found == -2)
            return sotto_diag_at(b->diag, SOTTO_ERR(KIOSK, NOT_FOUND), b->path, 1,
                                 "column %zu is nothing that an event says", i + 1);
        customer = customer || found == -1;
        kind = kind || found == 0;
        b->member[i] = found;
    }
    if (customer && kind)
        return SOTTO_OK;
    return sotto_diag_at(b->diag, SOTTO_ERR(KIOSK, NOT_FOUND), b->path, 1, "there is no column '%s'",
                         customer ? "kind" : b->config->customer_column);
}

static sotto_status put_field(batch *b, sotto_json_writer *w, size_t column)
{
    const sotto_csv *csv = kiosk_rows_csv(b->file);
    sotto_span field = csv->field[column];
    int member = b->member[column];
    int64_t money = 0;
    if (field.len == 0 && member >= 0)
        return SOTTO_OK;
    if (field.len > KIOSK_CUSTOMER_MAX)
        return sotto_diag_at(b->diag, SOTTO_ERR(KIOSK, RANGE), b->path, csv->line,
                             "column %zu has more than %d bytes", column + 1, KIOSK_CUSTOMER_MAX);
    sotto_json_name(w, member < 0 ? "customer" : COLUMNS[member].name);
    if (member < 0 || COLUMNS[member].form == TEXT) {
        sotto_json_str(w, field);
        return SOTTO_OK;
    }
    if (sotto_fixed_parse_decimal(field, SOTTO_EVENT_DECIMALS, &money) != SOTTO_OK)
        return sotto_diag_at(b->diag, SOTTO_ERR(KIOSK, MALFORMED), b->path, csv->line,
                             "column %zu must be a number with at most %d digits behind the point",
                             column + 1, SOTTO_EVENT_DECIMALS);
    sotto_json_decimal(w, money, SOTTO_EVENT_DECIMALS);
    return SOTTO_OK;
}

static sotto_status add_row(batch *b)
{
    uint8_t memory[ROW_BYTES];
    sotto_buf row = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&row);
    sotto_status status = SOTTO_OK;
    sotto_json_obj(&w);
    for (size_t i = 0; status == SOTTO_OK && i < kiosk_rows_csv(b->file)->columns; i++)
        status = put_field(b, &w, i);
    sotto_json_obj_end(&w);
    if (status == SOTTO_OK)
        status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        status = sotto_vec_printf(&b->body, b->rows == 0 ? "{\"events\":[" : ",");
    if (status == SOTTO_OK)
        status = sotto_vec_put(&b->body, row.ptr, row.len);
    sotto_wipe(memory, sizeof memory);
    b->line[b->rows++] = kiosk_rows_csv(b->file)->line;
    return status;
}

/* The door names the event by its place in the request; who reads a file wants the line. */
static sotto_status refused(const batch *b, int code, sotto_json_node answer)
{
    sotto_json_node error = sotto_json_member(answer, "error");
    sotto_span text = {0}, where = {0};
    char place[160] = "";
    size_t index = 0;
    if (sotto_json_get_str(error, "text", &text, NULL) != SOTTO_OK)
        text = sotto_span_str("refused");
    if (sotto_json_get_str(error, "where", &where, NULL) == SOTTO_OK)
        (void)snprintf(place, sizeof place, "%.*s", (int)where.len, (const char *)where.ptr);
    const char *at = strstr(place, "events[");
    bool known = at != NULL && (index = strtoul(at + 7, NULL, 10)) < b->rows;
    const char *member = known && strchr(at, '.') != NULL ? strchr(at, '.') + 1 : "";
    sotto_status status = code == 404   ? SOTTO_ERR(KIOSK, NOT_FOUND)
                          : code == 400 ? SOTTO_ERR(KIOSK, MALFORMED)
                          : code == 507 ? SOTTO_ERR(KIOSK, FULL)
                                        : SOTTO_ERR(KIOSK, CONFLICT);
    return sotto_diag_at(b->diag, status, b->path, known ? b->line[index] : b->line[0], "%s%s%.*s", member,
                         member[0] != '\0' ? ": " : "", (int)text.len, (const char *)text.ptr);
}

static uint64_t number(sotto_json_node answer, const char *name)
{
    int64_t value = 0;
    return sotto_json_get_i64(answer, name, 0, INT64_MAX, &value, NULL) == SOTTO_OK ? (uint64_t)value : 0;
}

static sotto_status flush(batch *b)
{
    int code = 0;
    sotto_json *doc = NULL;
    if (b->rows == 0)
        return SOTTO_OK;
    sotto_status status = sotto_vec_printf(&b->body, "]}");
    if (status == SOTTO_OK)
        status = kiosk_local_ask(b->local, "POST", "/v1/events", sotto_vec_span(&b->body), &code, &b->answer,
                                 b->diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, sotto_vec_span(&b->answer), "answer", b->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node answer = sotto_json_root(doc);
    if (code != 200)
        status = refused(b, code, answer);
    b->sum->rows += status == SOTTO_OK ? b->rows : 0;
    b->sum->recorded += number(answer, "recorded");
    b->sum->repeated += number(answer, "repeated");
    b->sum->late += number(answer, "late");
    b->sum->unknown += number(answer, "unknown");
    b->sum->counted += number(answer, "counted");
    sotto_json_free(doc);
    b->rows = b->body.len = 0;
    kiosk_progress("events", b->sum->rows, false);
    return status;
}

static sotto_status every_row(batch *b)
{
    bool more = true;
    sotto_status status = plan_columns(b);
    while (status == SOTTO_OK) {
        status = kiosk_rows_next(b->file, &more, b->diag);
        if (status != SOTTO_OK || !more)
            break;
        status = add_row(b);
        if (status == SOTTO_OK && (b->rows == KIOSK_EVENTS_MAX || b->body.len > BATCH_BYTES))
            status = flush(b);
    }
    return status == SOTTO_OK ? flush(b) : status;
}

sotto_status kiosk_import_events(const kiosk_config *config, const char *path, kiosk_events_sum *sum,
                                 sotto_diag *diag)
{
    batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "out of memory");
    *b = (batch){.config = config, .path = path, .sum = sum, .diag = diag};
    sotto_vec_init(&b->body, BATCH_BYTES + ROW_BYTES + 64);
    sotto_vec_init(&b->answer, KIOSK_ANSWER_MAX);
    sotto_status status = kiosk_rows_open(&b->file, path, diag);
    if (status == SOTTO_OK)
        status = kiosk_local_open(&b->local, config, diag);
    if (status == SOTTO_OK)
        status = every_row(b);
    kiosk_progress("events", sum->rows, true);
    kiosk_local_close(b->local);
    kiosk_rows_close(b->file);
    if (b->body.ptr != NULL)
        sotto_wipe(b->body.ptr, b->body.cap);
    sotto_vec_free(&b->body);
    sotto_vec_free(&b->answer);
    free(b);
    return status;
}
