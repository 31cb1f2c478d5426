#include "upward.h"
#include "wide.h"

#include <assert.h>

/* w * 2^e and a little more when `more`, as a mantissa of 64 bits. */
static sotto_up normalise(sotto_wide w, int64_t e, bool more)
{
    if (w.high == 0) {
        w.high = w.low;
        w.low = 0;
        e -= 64;
    }
    if (w.high == 0) /* nothing, or less than 2^e */
        return (sotto_up){more ? UINT64_C(1) << 63 : 0, more ? e + 64 - 63 : 0};
    int shift = __builtin_clzll(w.high);
    if (shift > 0)
        w.high = w.high << shift | w.low >> (64 - shift);
    more = more || w.low << shift != 0;
    e += 64 - shift;
    if (more && ++w.high == 0)
        return (sotto_up){UINT64_C(1) << 63, e + 1};
    return (sotto_up){w.high, e};
}

sotto_up sotto_up_of(uint64_t v, int64_t e)
{
    return normalise((sotto_wide){0, v}, e, false);
}

sotto_up sotto_up_mul(sotto_up a, sotto_up b)
{
    return normalise(sotto_wide_mul(a.m, b.m), a.e + b.e, false);
}

sotto_up sotto_up_add(sotto_up a, sotto_up b)
{
    if (a.m == 0 || b.m == 0)
        return a.m == 0 ? b : a;
    if (sotto_up_greater(b, a))
        return sotto_up_add(b, a);
    int64_t distance = a.e - b.e; /* >= 0: both mantissas have their top bit set */
    uint64_t shifted = distance >= 64 ? 0 : b.m >> distance;
    bool more = distance >= 64 || (distance > 0 && b.m << (64 - distance) != 0);
    uint64_t sum = a.m + shifted;
    return normalise((sotto_wide){sum < a.m, sum}, a.e, more);
}

/* Long division, bit by bit where d is large: it is so only once for each bound. */
static sotto_wide divide(uint64_t m, uint64_t d, bool *more)
{
    sotto_wide q = {m / d, 0};
    uint64_t rest = m % d;
    for (int bit = 63; bit >= 0; bit--) {
        bool carry = rest >> 63 != 0;
        rest <<= 1;
        if (carry || rest >= d) {
            rest -= d;
            q.low |= UINT64_C(1) << bit;
        }
    }
    *more = rest != 0;
    return q;
}

/* The same for d < 2^32, 32 bits at a time. */
static sotto_wide divide_small(uint64_t m, uint64_t d, bool *more)
{
    uint64_t rest = m % d, first = (rest << 32) / d;
    rest = (rest << 32) % d;
    uint64_t second = (rest << 32) / d;
    *more = (rest << 32) % d != 0;
    return (sotto_wide){m / d, first << 32 | second};
}

sotto_up sotto_up_div(sotto_up a, uint64_t d)
{
    assert(d >= 1);
    bool more = false;
    sotto_wide q = d <= UINT32_MAX ? divide_small(a.m, d, &more) : divide(a.m, d, &more);
    return normalise(q, a.e - 64, more);
}

sotto_up sotto_up_power(sotto_up a, uint64_t n)
{
    sotto_up result = sotto_up_of(1, 0);
    for (; n > 0; n >>= 1) {
        if (n & 1)
            result = sotto_up_mul(result, a);
        if (n > 1)
            a = sotto_up_mul(a, a);
    }
    return result;
}

bool sotto_up_greater(sotto_up a, sotto_up b)
{
    if (a.m == 0 || b.m == 0)
        return a.m != 0;
    return a.e != b.e ? a.e > b.e : a.m > b.m;
}
