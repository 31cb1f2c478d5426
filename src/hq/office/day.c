/* The clock of commands, and days as people write them. */
#include "office/day.h"

#include <stdio.h>
#include <string.h>

/* One value for the whole program: set once by main before a command runs. */
static int64_t clock_offset_s;

void hq_clock_shift(int64_t offset_s)
{
    clock_offset_s = offset_s;
}

sotto_clock hq_clock(void)
{
    return sotto_port_clock_shifted(&clock_offset_s);
}

int64_t hq_now(void)
{
    sotto_clock clock = hq_clock();
    return clock.utc_s(clock.ctx);
}

sotto_status hq_day_parse(const char *text, int32_t *day, sotto_diag *diag)
{
    char whole[24];
    int64_t utc_s = 0;
    int len = snprintf(whole, sizeof whole, "%sT00:00:00Z", text);
    sotto_status status =
        len == 20 ? sotto_time_parse(sotto_span_str(whole), &utc_s) : SOTTO_ERR(HQ, MALFORMED);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "'%.40s' is not a date such as 2026-11-21", text);
    *day = (int32_t)sotto_floor_div_i64(utc_s, HQ_DAY_S);
    return SOTTO_OK;
}

void hq_day_format(int64_t day, char out[static 11])
{
    char whole[21];
    sotto_time_format(day * HQ_DAY_S, whole);
    memcpy(out, whole, 10);
    out[10] = '\0';
}

/* ---- JSON ---- */
