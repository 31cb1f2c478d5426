/*
 * pack: a tag pack, the envelope in which head office sends one terminal its customers' tags. Compressed,
 * padded, sealed to that terminal's own key (HPKE), signed by head office. What stands inside is opaque here.
 * docs/formats/tag-pack.md, byte by byte.
 *
 * Part of the room vault: call sotto_vault_start once before. Objects are for one thread at a time.
 */
#ifndef SOTTO_PACK_H
#define SOTTO_PACK_H

#include "sotto/base.h"
#include "sotto/hpke.h"
#include "sotto/vault.h"

#define SOTTO_PACK_HEAD_BYTES   4096
#define SOTTO_PACK_CHUNK_BYTES  65536 /* of a chunk: an LZ4 frame and its padding */
#define SOTTO_PACK_SEALED_BYTES (SOTTO_PACK_CHUNK_BYTES + SOTTO_HPKE_TAG_BYTES)
#define SOTTO_PACK_PLAIN_MAX    (256 * 1024) /* bytes that a chunk may hold unpacked */
#define SOTTO_PACK_CHUNKS_MAX   16384        /* 1 GiB */
#define SOTTO_PACK_DEVICE_MAX   65           /* with the NUL */
/* The name in the certificate of whoever signs packs. It has spaces, which no device id can have: no
 * terminal's certificate passes for it. */
#define SOTTO_PACK_SIGNER "sotto tag packs"

typedef struct sotto_pack_head {
    char device[SOTTO_PACK_DEVICE_MAX]; /* for whom */
    uint64_t seq;                       /* from 1, grows with each pack of a device */
    uint64_t base;    /* the pack on which it builds; 0 = it is full: the whole list of customers */
    uint64_t release; /* the release by whose dictionary it was made; an older one may not know its tags */
    int64_t made_s;
    uint32_t chunks;                              /* 1 .. SOTTO_PACK_CHUNKS_MAX */
    uint8_t recipient_sha256[SOTTO_SHA256_BYTES]; /* of the terminal's public pack key */
    uint8_t enc[SOTTO_HPKE_ENC_BYTES];
    uint8_t body_sha256[SOTTO_SHA256_BYTES];               /* of all sealed chunks */
    sotto_span bound, signed_part, certificate, signature; /* into what was read */
} sotto_pack_head;

/* ---- Head office ---- */
typedef struct sotto_pack_writer sotto_pack_writer;
/* Uses of head: device, seq, base, release, made_s. The pack is appended to out, which must be empty; it is
 * not valid before sotto_pack_end. RANGE for a head that cannot be, MALFORMED for a recipient that is no
 * point. *out_writer is NULL on failure. */
SOTTO_MUST_USE sotto_status sotto_pack_begin(sotto_pack_writer **out_writer, const sotto_pack_head *head,
                                             const uint8_t recipient[static SOTTO_HPKE_PUBLIC_BYTES],
                                             const sotto_entropy *entropy, sotto_vec *out, sotto_diag *diag);
/* One chunk of at most SOTTO_PACK_PLAIN_MAX bytes. *fits false: it does not compress into one chunk, nothing
 * was added, give less. RANGE when there are too many. */
SOTTO_MUST_USE sotto_status sotto_pack_add(sotto_pack_writer *writer, sotto_span plain, bool *fits,
                                           sotto_diag *diag);
/* Adds empty chunks up to the next number of the form 2^k or 3 * 2^k, then signs with key_pem, whose
 * certificate (with any chain below the authority) goes along: RANGE when that is too long. */
SOTTO_MUST_USE sotto_status sotto_pack_end(sotto_pack_writer *writer, const char *key_pem,
                                           const char *certificate_pem, sotto_diag *diag);
void sotto_pack_writer_free(sotto_pack_writer *writer); /* wipes; NULL allowed */

/* ---- Terminal ---- */
/* Reads the first SOTTO_PACK_HEAD_BYTES of a pack. Nothing is known to be true yet. TRUNCATED, MALFORMED,
 * UNSUPPORTED (a newer version), RANGE. */
SOTTO_MUST_USE sotto_status sotto_pack_read(sotto_pack_head *out, sotto_span head, sotto_diag *diag);
/* Head office made it: its certificate bears SOTTO_PACK_SIGNER, comes from the authority and held when the
 * pack was made, which is not later than now_s by more than a day. AUTH, EXPIRED. */
SOTTO_MUST_USE sotto_status sotto_pack_verify(const sotto_pack_head *head, sotto_span authority_pem,
                                              int64_t now_s, sotto_diag *diag);
typedef struct sotto_pack_opener { /* secret; sotto_pack_close wipes it */
    sotto_hpke_context hpke;
    uint32_t next, chunks;
} sotto_pack_opener;
/* For a head that was verified, whose bytes must outlive this call only. MALFORMED: its encapsulated key, or
 * private_key, is none. A wrong key shows at the first chunk: AUTH there. */
SOTTO_MUST_USE sotto_status sotto_pack_open(sotto_pack_opener *out, const sotto_pack_head *head,
                                            const uint8_t private_key[static SOTTO_HPKE_PRIVATE_BYTES],
                                            sotto_diag *diag);
/* The next chunk, of exactly SOTTO_PACK_SEALED_BYTES (TRUNCATED), unpacked into plain, whose cap is
 * SOTTO_PACK_PLAIN_MAX and whose content is replaced. AUTH when it is not the next one of this pack; CORRUPT,
 * NO_SPACE. */
SOTTO_MUST_USE sotto_status sotto_pack_next(sotto_pack_opener *opener, sotto_span sealed, sotto_buf *plain,
                                            sotto_diag *diag);
void sotto_pack_close(sotto_pack_opener *opener);

/* ---- What a terminal says: to which key, and on what, the next pack is to be made ---- */
typedef struct sotto_pack_state {
    char device[SOTTO_PACK_DEVICE_MAX];
    uint8_t key[SOTTO_HPKE_PUBLIC_BYTES];
    uint64_t held;                            /* pack that was applied last; 0 = none */
    uint64_t refused;                         /* newest pack that can never be applied here; 0 = none */
    int64_t said_s;                           /* when this last changed, by the terminal's time */
    uint8_t signature[SOTTO_SIGNATURE_BYTES]; /* by its report key */
} sotto_pack_state;
#define SOTTO_PACK_STATE_MAX 768 /* bytes of its JSON */
/* Signs it by the vault's report key, which head office knows since enrolment: `sync`, which carries the
 * statement, cannot put a key of its own in the place of the terminal's. */
SOTTO_MUST_USE sotto_status sotto_pack_state_sign(sotto_pack_state *state, const sotto_vault *vault,
                                                  sotto_diag *diag);
/* Appends at most SOTTO_PACK_STATE_MAX bytes of JSON; NO_SPACE. */
SOTTO_MUST_USE sotto_status sotto_pack_state_write(const sotto_pack_state *state, sotto_buf *out);
/* The form alone, no signature. MALFORMED, RANGE, NO_MEMORY with the place; *out is not to be used then. */
SOTTO_MUST_USE sotto_status sotto_pack_state_read(sotto_pack_state *out, sotto_span json, sotto_diag *diag);
/* AUTH when another key than report_key has signed it. */
SOTTO_MUST_USE sotto_status sotto_pack_state_check(const sotto_pack_state *state,
                                                   const uint8_t report_key[static SOTTO_PUBLIC_KEY_BYTES],
                                                   sotto_diag *diag);

#endif
