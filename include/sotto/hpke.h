/*
 * hpke: sealing bytes to a public key. RFC 9180, base mode, the one suite DHKEM(P-256, HKDF-SHA256) (0x0010),
 * HKDF-SHA256 (0x0001), AES-128-GCM (0x0001), on PSA.
 *
 * Part of the room vault: call sotto_vault_start once before. Nothing is allocated here, no state is kept but
 * in a caller's context. Functions may run in several threads at once, a context is for one at a time. A
 * failed function has wiped what it wrote, unless it says otherwise. Inputs and outputs must not overlap.
 *
 * The sender is not authenticated: anybody can seal. What must hold (who may send, that nothing is sent
 * twice) is the caller's to check.
 */
#ifndef SOTTO_HPKE_H
#define SOTTO_HPKE_H

#include "sotto/base.h"

#define SOTTO_HPKE_PRIVATE_BYTES 32 /* big-endian scalar, 1 .. n - 1 */
#define SOTTO_HPKE_PUBLIC_BYTES  65 /* SEC 1, uncompressed: 04 x y */
#define SOTTO_HPKE_ENC_BYTES     65 /* the encapsulated key, goes with the first ciphertext */
#define SOTTO_HPKE_TAG_BYTES     16 /* a ciphertext is that much longer than its plaintext */
#define SOTTO_HPKE_OVERHEAD      (SOTTO_HPKE_ENC_BYTES + SOTTO_HPKE_TAG_BYTES) /* of a single message */
#define SOTTO_HPKE_EXPORT_BYTES  32
#define SOTTO_HPKE_EXPORT_MAX    64 /* bytes of an exporter context */

/* A key pair from fresh entropy, whose failure is passed on. */
SOTTO_MUST_USE sotto_status sotto_hpke_keypair(const sotto_entropy *entropy,
                                               uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                               uint8_t public_key[static SOTTO_HPKE_PUBLIC_BYTES]);
/* DeriveKeyPair, section 7.1.3: the same pair from the same secret; ikm has 32 bytes of entropy or more
 * (shorter than 32 bytes: RANGE). */
SOTTO_MUST_USE sotto_status sotto_hpke_derive_keypair(sotto_span ikm,
                                                      uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                                      uint8_t public_key[static SOTTO_HPKE_PUBLIC_BYTES]);
/* The public key of a private one. MALFORMED when it is not in 1 .. n - 1. */
SOTTO_MUST_USE sotto_status sotto_hpke_public_key(const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                                  uint8_t public_key[static SOTTO_HPKE_PUBLIC_BYTES]);

/* ---- Single messages: enc, then ciphertext and tag ---- */

/* Appends plain.len + SOTTO_HPKE_OVERHEAD bytes to out. MALFORMED: recipient is no point of the curve.
 * NO_SPACE; entropy's failure. out is unchanged then. */
SOTTO_MUST_USE sotto_status sotto_hpke_seal(const uint8_t recipient[static SOTTO_HPKE_PUBLIC_BYTES],
                                            sotto_span info, sotto_span aad, sotto_span plain,
                                            const sotto_entropy *entropy, sotto_buf *out);
/* Appends the plaintext. TRUNCATED: shorter than the overhead. MALFORMED: enc is no point of the curve, or
 * private_key out of range. AUTH: sealed to another key, for another info or aad, or changed. NO_SPACE. out
 * is unchanged then. */
SOTTO_MUST_USE sotto_status sotto_hpke_open(const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                            sotto_span info, sotto_span aad, sotto_span sealed,
                                            sotto_buf *out);

/* ---- Several messages in one direction ---- */

/* Secret; wipe it with sotto_hpke_end. Messages are opened in the order in which they were sealed. */
typedef struct sotto_hpke_context {
    uint8_t key[16];
    uint8_t base_nonce[12];
    uint8_t exporter_secret[32];
    uint64_t seq; /* of the next message */
} sotto_hpke_context;

/* As sotto_hpke_seal; enc is sent ahead. *out and enc are zeros on failure. */
SOTTO_MUST_USE sotto_status sotto_hpke_begin_seal(sotto_hpke_context *out,
                                                  uint8_t enc[static SOTTO_HPKE_ENC_BYTES],
                                                  const uint8_t recipient[static SOTTO_HPKE_PUBLIC_BYTES],
                                                  sotto_span info, const sotto_entropy *entropy);
/* As sotto_hpke_open. */
SOTTO_MUST_USE sotto_status sotto_hpke_begin_open(sotto_hpke_context *out,
                                                  const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                                  const uint8_t enc[static SOTTO_HPKE_ENC_BYTES],
                                                  sotto_span info);
/* Appends plain.len + SOTTO_HPKE_TAG_BYTES bytes. RANGE: all 2^64 - 1 messages are used up. NO_SPACE. out and
 * context are unchanged then. */
SOTTO_MUST_USE sotto_status sotto_hpke_context_seal(sotto_hpke_context *context, sotto_span aad,
                                                    sotto_span plain, sotto_buf *out);
/* AUTH: not the next message. TRUNCATED, RANGE, NO_SPACE. out and context are unchanged then, so the right
 * message can still be opened. */
SOTTO_MUST_USE sotto_status sotto_hpke_context_open(sotto_hpke_context *context, sotto_span aad,
                                                    sotto_span sealed, sotto_buf *out);
/* A secret that both sides have, for something else; another one for each exporter context of at most
 * SOTTO_HPKE_EXPORT_MAX bytes (RANGE). */
SOTTO_MUST_USE sotto_status sotto_hpke_export(const sotto_hpke_context *context, sotto_span exporter_context,
                                              uint8_t out[static SOTTO_HPKE_EXPORT_BYTES]);
void sotto_hpke_end(sotto_hpke_context *context);

#endif
