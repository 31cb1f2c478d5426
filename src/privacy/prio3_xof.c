#include "prio3_xof.h"

#include "prio3_word.h"

#include <string.h>

enum { LANES_OF_RATE = PRIO3_XOF_RATE / 8, DRAFT_VERSION = 18, CLASS_VDAF = 0, SEPARATION = 1 };

/* The last 12 of the round constants of Keccak-f[1600] (FIPS 202, section 3.2.5; RFC 9861, section 2.2). */
static const uint64_t ROUND_CONSTANTS[12] = {
    UINT64_C(0x000000008000808b), UINT64_C(0x800000000000008b), UINT64_C(0x8000000000008089),
    UINT64_C(0x8000000000008003), UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
    UINT64_C(0x000000000000800a), UINT64_C(0x800000008000000a), UINT64_C(0x8000000080008081),
    UINT64_C(0x8000000000008080), UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008)};

PRIO3_INLINE uint64_t turn(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* The state is kept with the lanes 1, 2, 8, 12, 17 and 20 inverted. theta carries the inversions along, and
 * chi's five inversions a plane become one at most, by De Morgan ("Keccak implementation overview" 3.2,
 * section 2.2, "The lane complementing transform"). */
PRIO3_INLINE void invert_lanes(uint64_t a[25])
{
    a[1] = ~a[1];
    a[2] = ~a[2];
    a[8] = ~a[8];
    a[12] = ~a[12];
    a[17] = ~a[17];
    a[20] = ~a[20];
}

/* chi of plane y, by its pattern of inverted lanes. */
PRIO3_INLINE void chi(unsigned y, uint64_t e[5], uint64_t b0, uint64_t b1, uint64_t b2, uint64_t b3,
                      uint64_t b4)
{
    uint64_t n3 = y == 2 || y == 3 ? ~b3 : b3, n1 = y == 4 ? ~b1 : b1;
    e[0] = b0 ^ (y == 3 ? b1 & b2 : y == 4 ? n1 & b2 : b1 | b2);
    e[1] = n1 ^ (y == 0 ? ~b2 | b3 : y == 1 || y == 2 ? b2 & b3 : b2 | b3);
    e[2] = b2 ^ (y == 0 || y == 4 ? b3 & b4 : y == 1 ? b3 | ~b4 : y == 2 ? n3 & b4 : n3 | b4);
    e[3] = n3 ^ (y == 3 ? b4 & b0 : b4 | b0);
    e[4] = b4 ^ (y == 3 ? b0 | b1 : b0 & b1);
}

/* One round from a to e: theta, rho and pi while the lanes are read, chi, iota (FIPS 202, section 3.2). Lane
 * x, y is a[x + 5y]; plane y of the outcome takes lane x from (x + 3y mod 5, x). */
PRIO3_INLINE void keccak_round(uint64_t e[25], const uint64_t a[25], uint64_t constant)
{
    uint64_t c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
    uint64_t c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    uint64_t c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
    uint64_t c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    uint64_t c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
    uint64_t d0 = c4 ^ turn(c1, 1), d1 = c0 ^ turn(c2, 1), d2 = c1 ^ turn(c3, 1);
    uint64_t d3 = c2 ^ turn(c4, 1), d4 = c3 ^ turn(c0, 1);
    chi(0, e, a[0] ^ d0, turn(a[6] ^ d1, 44), turn(a[12] ^ d2, 43), turn(a[18] ^ d3, 21),
        turn(a[24] ^ d4, 14));
    chi(1, e + 5, turn(a[3] ^ d3, 28), turn(a[9] ^ d4, 20), turn(a[10] ^ d0, 3), turn(a[16] ^ d1, 45),
        turn(a[22] ^ d2, 61));
    chi(2, e + 10, turn(a[1] ^ d1, 1), turn(a[7] ^ d2, 6), turn(a[13] ^ d3, 25), turn(a[19] ^ d4, 8),
        turn(a[20] ^ d0, 18));
    chi(3, e + 15, turn(a[4] ^ d4, 27), turn(a[5] ^ d0, 36), turn(a[11] ^ d1, 10), turn(a[17] ^ d2, 15),
        turn(a[23] ^ d3, 56));
    chi(4, e + 20, turn(a[2] ^ d2, 62), turn(a[8] ^ d3, 55), turn(a[14] ^ d4, 39), turn(a[15] ^ d0, 41),
        turn(a[21] ^ d1, 2));
    e[0] ^= constant;
}

/* Two rounds a step, so that the state moves between two arrays and is not copied. */
PRIO3_INLINE void two_rounds(uint64_t a[25], unsigned i)
{
    uint64_t e[25];
    keccak_round(e, a, ROUND_CONSTANTS[i]);
    keccak_round(a, e, ROUND_CONSTANTS[i + 1]);
}

/* Keccak-p[1600, 12]. Written out where words are wide and code may be large: a third faster on x86-64. */
static void permute(uint64_t lanes[25])
{
    uint64_t a[25];
    memcpy(a, lanes, sizeof a);
    invert_lanes(a);
#if defined(__LP64__) && !defined(__OPTIMIZE_SIZE__)
    two_rounds(a, 0);
    two_rounds(a, 2);
    two_rounds(a, 4);
    two_rounds(a, 6);
    two_rounds(a, 8);
    two_rounds(a, 10);
#else
    for (unsigned i = 0; i < 12; i += 2)
        two_rounds(a, i);
#endif
    invert_lanes(a);
    memcpy(lanes, a, sizeof a);
}

static void absorb_block(prio3_xof *xof, const uint8_t *block)
{
    for (unsigned i = 0; i < LANES_OF_RATE; i++)
        xof->lanes[i] ^= word_load(block + (size_t)8 * i);
    permute(xof->lanes);
}

void prio3_turboshake_init(prio3_xof *xof)
{
    memset(xof->lanes, 0, sizeof xof->lanes);
    xof->at = 0;
}

void prio3_turboshake_absorb(prio3_xof *xof, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        if (xof->at == 0 && len >= PRIO3_XOF_RATE) {
            absorb_block(xof, bytes);
            bytes += PRIO3_XOF_RATE;
            len -= PRIO3_XOF_RATE;
            continue;
        }
        size_t room = PRIO3_XOF_RATE - xof->at, n = len < room ? len : room;
        memcpy(xof->block + xof->at, bytes, n);
        xof->at += n;
        bytes += n;
        len -= n;
        if (xof->at == PRIO3_XOF_RATE) {
            absorb_block(xof, xof->block);
            xof->at = 0;
        }
    }
}

/* The separation byte, zeros, and the last bit of the block (RFC 9861, section 2.2). A full block was
 * absorbed already, so the byte always fits. */
void prio3_turboshake_finish(prio3_xof *xof, uint8_t separation)
{
    memset(xof->block + xof->at, 0, PRIO3_XOF_RATE - xof->at);
    xof->block[xof->at] = separation;
    xof->block[PRIO3_XOF_RATE - 1] ^= 0x80;
    absorb_block(xof, xof->block);
    for (unsigned i = 0; i < LANES_OF_RATE; i++)
        word_store(xof->block + (size_t)8 * i, xof->lanes[i]);
    xof->at = 0;
}

void prio3_turboshake_squeeze(prio3_xof *xof, uint8_t *out, size_t len)
{
    while (len > 0) {
        if (xof->at == PRIO3_XOF_RATE) {
            permute(xof->lanes);
            for (unsigned i = 0; i < LANES_OF_RATE; i++)
                word_store(xof->block + (size_t)8 * i, xof->lanes[i]);
            xof->at = 0;
        }
        size_t left = PRIO3_XOF_RATE - xof->at, n = len < left ? len : left;
        memcpy(out, xof->block + xof->at, n);
        xof->at += n;
        out += n;
        len -= n;
    }
}

void prio3_xof_init(prio3_xof *xof, const uint8_t *tag, size_t tag_len, const uint8_t seed[PRIO3_XOF_SEED])
{
    const uint8_t tag_head[2] = {(uint8_t)tag_len, (uint8_t)(tag_len >> 8)}, seed_head[1] = {PRIO3_XOF_SEED};
    prio3_turboshake_init(xof);
    prio3_turboshake_absorb(xof, tag_head, sizeof tag_head);
    prio3_turboshake_absorb(xof, tag, tag_len);
    prio3_turboshake_absorb(xof, seed_head, sizeof seed_head);
    prio3_turboshake_absorb(xof, seed, PRIO3_XOF_SEED);
}

/* Draft, section "The Domain Separation Tag and Binder String": version (1 byte), class (1), algorithm (4,
 * big-endian), usage (2, big-endian), then the context. */
void prio3_xof_begin(prio3_xof *xof, const prio3_tag *tag, enum prio3_usage usage,
                     const uint8_t seed[PRIO3_XOF_SEED])
{
    size_t len = 8 + tag->ctx_len;
    const uint8_t head[] = {(uint8_t)len,
                            (uint8_t)(len >> 8),
                            DRAFT_VERSION,
                            CLASS_VDAF,
                            (uint8_t)(tag->algorithm >> 24),
                            (uint8_t)(tag->algorithm >> 16),
                            (uint8_t)(tag->algorithm >> 8),
                            (uint8_t)tag->algorithm,
                            0,
                            (uint8_t)usage};
    const uint8_t seed_head[1] = {PRIO3_XOF_SEED};
    prio3_turboshake_init(xof);
    prio3_turboshake_absorb(xof, head, sizeof head);
    prio3_turboshake_absorb(xof, tag->ctx, tag->ctx_len);
    prio3_turboshake_absorb(xof, seed_head, sizeof seed_head);
    prio3_turboshake_absorb(xof, seed, PRIO3_XOF_SEED);
}

void prio3_xof_start(prio3_xof *xof)
{
    prio3_turboshake_finish(xof, SEPARATION);
}

void prio3_wipe(void *memory, size_t len)
{
    memset(memory, 0, len);
    __asm__ __volatile__("" : : "r"(memory) : "memory");
}

void prio3_xof_wipe(prio3_xof *xof)
{
    prio3_wipe(xof, sizeof *xof);
}
