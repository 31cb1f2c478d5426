#include "sotto/base.h"

int64_t sotto_add_sat_i64(int64_t a, int64_t b)
{
    int64_t sum;
    if (sotto_add_i64(a, b, &sum))
        return sum;
    return a < 0 ? INT64_MIN : INT64_MAX;
}

uint32_t sotto_add_sat_u32(uint32_t a, uint32_t b)
{
    return b > UINT32_MAX - a ? UINT32_MAX : a + b;
}

int64_t sotto_floor_div_i64(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
