#include "upward.h"

#include <assert.h>

/* 128 bits; not every target has the type. */
struct wide {
    uint64_t high, low;
};

static struct wide multiply(uint64_t a, uint64_t b)
{
    uint64_t a1 = a >> 32, a0 = a & UINT32_MAX, b1 = b >> 32, b0 = b & UINT32_MAX;
    uint64_t low = a0 * b0, middle = a1 * b0 + (low >> 32); /* at most 2^64 - 2^32: no carry */
    uint64_t other = a0 * b1 + (middle & UINT32_MAX);
    return (struct wide){a1 * b1 + (middle >> 32) + (other >> 32), other << 32 | (low & UINT32_MAX)};
}

/* w * 2^e and a little more when `more`, as a mantissa of 64 bits. */
static sotto_up normalise(struct wide w, int64_t e, bool more)
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
    return normalise((struct wide){0, v}, e, false);
}

sotto_up sotto_up_mul(sotto_up a, sotto_up b)
{
    return normalise(multiply(a.m, b.m), a.e + b.e, false);
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
    return normalise((struct wide){sum < a.m, sum}, a.e, more);
}

/* Long division, bit by bit where d is large: it is so only once for each bound. */
static struct wide divide(uint64_t m, uint64_t d, bool *more)
{
    struct wide q = {m / d, 0};
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
static struct wide divide_small(uint64_t m, uint64_t d, bool *more)
{
    uint64_t rest = m % d, first = (rest << 32) / d;
    rest = (rest << 32) % d;
    uint64_t second = (rest << 32) / d;
    *more = (rest << 32) % d != 0;
    return (struct wide){m / d, first << 32 | second};
}

sotto_up sotto_up_div(sotto_up a, uint64_t d)
{
    assert(d >= 1);
    bool more = false;
    struct wide q = d <= UINT32_MAX ? divide_small(a.m, d, &more) : divide(a.m, d, &more);
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
