/* Prio3 over Field64. */
#include "prio3_field64.h"

/* Element i is a primitive 2^i-th root of unity: 7^(4294967295 * 2^(32 - i)) modulo p. */
static const felem ROOTS[] = {
    {UINT64_C(0x0000000000000001)}, {UINT64_C(0xffffffff00000000)}, {UINT64_C(0x0001000000000000)},
    {UINT64_C(0xfffffffeff000001)}, {UINT64_C(0xefffffff00000001)}, {UINT64_C(0x00003fffffffc000)},
    {UINT64_C(0x0000008000000000)}, {UINT64_C(0xf80007ff08000001)}, {UINT64_C(0xbf79143ce60ca966)},
    {UINT64_C(0x1905d02a5c411f4e)}, {UINT64_C(0x9d8f2ad78bfed972)}, {UINT64_C(0x0653b4801da1c8cf)},
    {UINT64_C(0xf2c35199959dfcb6)}, {UINT64_C(0x1544ef2335d17997)}, {UINT64_C(0xe0ee099310bba1e2)},
    {UINT64_C(0xf6b2cffe2306baac)}, {UINT64_C(0x54df9630bf79450e)}, {UINT64_C(0xabd0a6e8aa3d8a0e)},
    {UINT64_C(0x81281a7b05f9beac)}, {UINT64_C(0xfbd41c6b8caa3302)}, {UINT64_C(0x30ba2ecd5e93e76d)},
    {UINT64_C(0xf502aef532322654)}, {UINT64_C(0x4b2a18ade67246b5)},
};

/* 1 and 1/2. */
static const felem FACTOR_ONE = {1};
static const felem FACTOR_HALF = {UINT64_C(0x7fffffff80000001)};

#define PRIO3_ENGINE prio3_engine64
#include "prio3_engine.h"
