/* JSON on standard output. */
#include "office/json.h"
#include "office/day.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

sotto_status hq_json_begin(hq_json *json, size_t cap, sotto_diag *diag)
{
    *json = (hq_json){0};
    uint8_t *memory = malloc(cap);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the answer");
    json->buf = sotto_buf_of(memory, cap);
    json->w = sotto_json_writer_of(&json->buf);
    return SOTTO_OK;
}

sotto_status hq_json_print(hq_json *json, sotto_diag *diag)
{
    json->w.out = &json->buf; /* the caller may have moved json since it was begun */
    sotto_status status = sotto_json_writer_end(&json->w);
    if (status != SOTTO_OK)
        status = sotto_diag_set(diag, status, "the answer could not be written as JSON");
    else if (fwrite(json->buf.ptr, 1, json->buf.len, stdout) != json->buf.len || fputc('\n', stdout) == EOF ||
             fflush(stdout) != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, IO), "standard output could not be written");
    hq_json_free(json);
    return status;
}

void hq_json_free(hq_json *json)
{
    free(json->buf.ptr);
    *json = (hq_json){0};
}

void hq_json_time(sotto_json_writer *w, int64_t utc_s)
{
    char text[21];
    if (utc_s == 0) {
        sotto_json_null(w);
        return;
    }
    sotto_time_format(utc_s, text);
    sotto_json_cstr(w, text);
}

void hq_json_day(sotto_json_writer *w, int64_t day)
{
    char text[11];
    hq_day_format(day, text);
    sotto_json_cstr(w, text);
}

void hq_json_u64(sotto_json_writer *w, const char *name, uint64_t value)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, value);
}

void hq_json_rate(sotto_json_writer *w, const char *name, int32_t ppm)
{
    sotto_json_name(w, name);
    if (ppm < 0)
        sotto_json_null(w);
    else
        sotto_json_decimal(w, ppm, 6);
}

void hq_json_number(sotto_json_writer *w, const char *name, double value)
{
    sotto_json_name(w, name);
    if (isfinite(value) && fabs(value) < 1e12)
        sotto_json_decimal(w, (int64_t)llround(value * 1e6), 6);
    else
        sotto_json_null(w);
}
