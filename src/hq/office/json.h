/* What every --json shares. One thread an object. */
#ifndef SOTTO_HQ_OFFICE_JSON_H
#define SOTTO_HQ_OFFICE_JSON_H

#include "sotto/codec.h"

/* JSON for standard output, in memory of its own. */
typedef struct hq_json {
    sotto_buf buf;
    sotto_json_writer w;
} hq_json;
SOTTO_MUST_USE sotto_status hq_json_begin(hq_json *json, size_t cap, sotto_diag *diag);
/* Prints it as one line when it is whole, and frees it in any case. */
SOTTO_MUST_USE sotto_status hq_json_print(hq_json *json, sotto_diag *diag);
void hq_json_free(hq_json *json);
void hq_json_time(sotto_json_writer *w, int64_t utc_s); /* null for 0 */
void hq_json_day(sotto_json_writer *w, int64_t day);
void hq_json_u64(sotto_json_writer *w, const char *name, uint64_t value);
void hq_json_rate(sotto_json_writer *w, const char *name, int32_t ppm); /* null below 0 */
void hq_json_number(sotto_json_writer *w, const char *name,
                    double value); /* six digits; null unless finite */

#endif
