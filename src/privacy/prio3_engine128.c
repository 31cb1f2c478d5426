/* Prio3 over Field128. */
#include "prio3_field128.h"

/* Element i is a primitive 2^i-th root of unity, as a factor: 7^(4611686018427387897 * 2^(66 - i)) * 2^128
 * modulo p. */
static const felem ROOTS[] = {
    {UINT64_C(0xffffffffffffffff), UINT64_C(0x000000000000001b)},
    {UINT64_C(0x0000000000000002), UINT64_C(0xffffffffffffffc8)},
    {UINT64_C(0x8ff94ea745b7d9d6), UINT64_C(0x6171e408747992c7)},
    {UINT64_C(0x1323bb095fba9556), UINT64_C(0x7f2a4e6655e5a49c)},
    {UINT64_C(0xd1c455956aafabfc), UINT64_C(0x3d661493c5e89442)},
    {UINT64_C(0x416d53fbcdfcc65c), UINT64_C(0x5c159e1cffd5eca0)},
    {UINT64_C(0x1428d15e766f5f3e), UINT64_C(0x960d5c8696ec3aa3)},
    {UINT64_C(0x8f0cef59f8c23f3e), UINT64_C(0xcce83f596bb28730)},
    {UINT64_C(0x432d8d01ae187081), UINT64_C(0x12b496afe629224c)},
    {UINT64_C(0x0edc26fa686e3d3b), UINT64_C(0xc2026e57b1554ea9)},
    {UINT64_C(0x79663ccecfe8c86c), UINT64_C(0xf38c95d1e57405ea)},
    {UINT64_C(0xfecc377cf0f47a9f), UINT64_C(0x2b486d42d73283bd)},
    {UINT64_C(0x0ab1068497116540), UINT64_C(0x70866815dbf52bac)},
    {UINT64_C(0x2d9420dc5196c01a), UINT64_C(0x852c9b234b09c7df)},
    {UINT64_C(0x1a491a6cf3399115), UINT64_C(0xca4b831e2e621692)},
    {UINT64_C(0xb99152aabeebd757), UINT64_C(0xb7fbf514f82e2269)},
    {UINT64_C(0xb8da2f851dfd594a), UINT64_C(0x597c0e93a246d640)},
    {UINT64_C(0xf2888c210ef9f1c4), UINT64_C(0x97f929a5d52ab886)},
    {UINT64_C(0xe6a0ccbc956fc7fb), UINT64_C(0xfa4748aea960d0eb)},
    {UINT64_C(0xe53d6d96e1ec92a0), UINT64_C(0xc24ed95c3c013bcc)},
    {UINT64_C(0x6cc6e9129e1679c0), UINT64_C(0x6f825f88648b270c)},
    {UINT64_C(0x2c4d04cc40a2bd04), UINT64_C(0x17c2af4df9629e3d)},
    {UINT64_C(0x843747925bd7da8e), UINT64_C(0xdcd8c9979b888e8a)},
};

/* 1 and 1/2, as factors. */
static const felem FACTOR_ONE = {UINT64_C(0xffffffffffffffff), UINT64_C(0x000000000000001b)};
static const felem FACTOR_HALF = {UINT64_C(0x0000000000000000), UINT64_C(0x8000000000000000)};

#define PRIO3_ENGINE prio3_engine128
#include "prio3_engine.h"
