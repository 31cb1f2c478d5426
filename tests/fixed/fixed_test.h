/* What the tests of fixed share: cmocka, a repeatable stream of numbers, a hash of results. */
#ifndef SOTTO_FIXED_TEST_H
#define SOTTO_FIXED_TEST_H

#include "sotto/fixed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Where the tests run in an emulator, and long double is made in software, they look at fewer points: the
 * golden hashes tie these machines to the one that looks at all of them. */
#ifdef __x86_64__
enum { THINNING = 1 };
#else
enum { THINNING = 16 };
#endif

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): the mixing function of
 * SplitMix64. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* FNV-1a over the eight bytes of a value, lowest first. */
static inline uint64_t hash_value(uint64_t hash, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        hash = (hash ^ (value >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

#endif
