#include "sotto/base.h"

#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400, ERA_DAYS = 146097 /* 400 Gregorian years */ };

/* Hinnant, "chrono-Compatible Low-Level Date Algorithms": the year is moved to start on 1 March, so that the
 * leap day is its last; days are counted in eras of 400 years, from 0000-03-01, which is day -719468 of the
 * epoch. */
int64_t sotto_time_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = sotto_floor_div_i64(y, 400);
    int64_t year_of_era = y - era * 400;                                                  /* 0..399 */
    int64_t day_of_year = (153 * (int64_t)((month + 9) % 12) + 2) / 5 + (int64_t)day - 1; /* 0..365 */
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - 719468;
}

void sotto_time_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = sotto_floor_div_i64(z, ERA_DAYS);
    unsigned day_of_era = (unsigned)(z - era * ERA_DAYS); /* 0..146096 */
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (5 * day_of_year + 2) / 153; /* 0..11 */
    *day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits of year can say. */
static const int64_t FIRST_S = -62167219200, LAST_S = 253402300799;

static void put_digits(char *at, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
}

void sotto_time_format(int64_t utc_s, char out[static 21])
{
    int64_t t = utc_s < FIRST_S ? FIRST_S : utc_s > LAST_S ? LAST_S : utc_s;
    int64_t days = sotto_floor_div_i64(t, DAY_S);
    unsigned second = (unsigned)(t - days * DAY_S), month, day;
    int64_t year;
    sotto_time_civil_from_days(days, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00Z", 21);
    put_digits(out, (unsigned)year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, second / 3600, 2);
    put_digits(out + 14, second / 60 % 60, 2);
    put_digits(out + 17, second % 60, 2);
}

static bool has_form(sotto_span text)
{
    static const char FORM[] = "dddd-dd-ddTdd:dd:ddZ";
    if (text.len != sizeof FORM - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (FORM[i] == 'd' ? !digit : text.ptr[i] != (uint8_t)FORM[i])
            return false;
    }
    return true;
}

static unsigned digits_at(sotto_span text, size_t at, size_t digits)
{
    unsigned value = 0;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)(text.ptr[at + i] - '0');
    return value;
}

sotto_status sotto_time_parse(sotto_span text, int64_t *utc_s)
{
    if (!has_form(text))
        return SOTTO_ERR(BASE, MALFORMED);
    unsigned year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
    unsigned hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
    if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59)
        return SOTTO_ERR(BASE, RANGE);
    int64_t days = sotto_time_days_from_civil(year, month, day), back_year;
    unsigned back_month, back_day;
    sotto_time_civil_from_days(days, &back_year, &back_month, &back_day);
    if (back_month != month || back_day != day) /* 31 April, 29 February of a common year, day 0 */
        return SOTTO_ERR(BASE, RANGE);
    *utc_s = days * DAY_S + hour * 3600 + minute * 60 + second;
    return SOTTO_OK;
}
