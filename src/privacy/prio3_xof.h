/*
 * TurboSHAKE128 (RFC 9861, section 2) and on it XofTurboShake128 (draft-irtf-cfrg-vdaf-20, section
 * "XofTurboShake128"): seed, domain separation tag and binder in, an endless stream of bytes out. Constant
 * time; the state holds secrets and is wiped by prio3_xof_wipe.
 */
#ifndef SOTTO_PRIO3_XOF_H
#define SOTTO_PRIO3_XOF_H

#include <stddef.h>
#include <stdint.h>

#define PRIO3_XOF_RATE 168 /* bytes: 1600 bits less a capacity of 256 */
#define PRIO3_XOF_SEED 32

typedef struct prio3_xof {
    uint64_t lanes[25];
    uint8_t block[PRIO3_XOF_RATE]; /* what waits to be absorbed, or what was squeezed */
    size_t at;                     /* bytes of block that are filled, or used */
} prio3_xof;

/* Absorb any number of times, finish once with the separation byte in 0x01 .. 0x7f, squeeze any number of
 * times. */
void prio3_turboshake_init(prio3_xof *xof);
void prio3_turboshake_absorb(prio3_xof *xof, const uint8_t *bytes, size_t len);
void prio3_turboshake_finish(prio3_xof *xof, uint8_t separation);
void prio3_turboshake_squeeze(prio3_xof *xof, uint8_t *out, size_t len);

/* The tag that begins every input: version, class, algorithm and usage, then the application's context. */
typedef struct prio3_tag {
    uint32_t algorithm;
    const uint8_t *ctx;
    size_t ctx_len; /* at most 65527 */
} prio3_tag;

/* Draft, table "Constants used by Prio3". */
enum prio3_usage {
    PRIO3_USAGE_MEAS_SHARE = 1,
    PRIO3_USAGE_PROOF_SHARE = 2,
    PRIO3_USAGE_JOINT_RANDOMNESS = 3,
    PRIO3_USAGE_PROVE_RANDOMNESS = 4,
    PRIO3_USAGE_QUERY_RANDOMNESS = 5,
    PRIO3_USAGE_JOINT_RAND_SEED = 6,
    PRIO3_USAGE_JOINT_RAND_PART = 7
};

/* Begins with any tag of at most 65535 bytes. The binder is absorbed next, in pieces, and then
 * prio3_xof_start ends the input. */
void prio3_xof_init(prio3_xof *xof, const uint8_t *tag, size_t tag_len, const uint8_t seed[PRIO3_XOF_SEED]);
/* The same with a tag of Prio3. */
void prio3_xof_begin(prio3_xof *xof, const prio3_tag *tag, enum prio3_usage usage,
                     const uint8_t seed[PRIO3_XOF_SEED]);
void prio3_xof_start(prio3_xof *xof);
void prio3_xof_wipe(prio3_xof *xof);
/* Clears memory in a way that the compiler does not leave out. */
void prio3_wipe(void *memory, size_t len);

#endif
