/* The clock that commands go by, and days as people write them. The shift is the process's: set once, before
 * the command begins. */
#ifndef SOTTO_HQ_OFFICE_DAY_H
#define SOTTO_HQ_OFFICE_DAY_H

#include "sotto/port.h"

#define HQ_DAY_S INT64_C(86400)

/* Now, shifted by the program's --clock-offset (rehearsals of another day). */
void hq_clock_shift(int64_t offset_s);
sotto_clock hq_clock(void);
int64_t hq_now(void);
/* "2026-11-21" <-> days since 1970-01-01. MALFORMED. */
SOTTO_MUST_USE sotto_status hq_day_parse(const char *text, int32_t *day, sotto_diag *diag);
void hq_day_format(int64_t day, char out[static 11]);

#endif
