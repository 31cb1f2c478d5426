/*
 * vault: keys and what is done with them. All cryptography of Sotto goes through PSA here (and TLS in sync);
 * the terminal carries one crypto library.
 *
 * Call sotto_vault_start once per process before anything else here. Key material is wiped from memory after
 * use (invariant 9). For one thread at a time: the library underneath is built without locks. Any function
 * may give NO_MEMORY. Formats: docs/formats/keys.md.
 */
#ifndef SOTTO_VAULT_H
#define SOTTO_VAULT_H

#include "sotto/base.h"

#define SOTTO_SHA256_BYTES       32
#define SOTTO_KEY_BYTES          32
#define SOTTO_CUSTOMER_KEY_BYTES 32
#define SOTTO_SIGNATURE_BYTES    64   /* ECDSA P-256, r || s (RFC 9053 section 2.1) */
#define SOTTO_PUBLIC_KEY_BYTES   65   /* P-256, uncompressed point */
#define SOTTO_PEM_MAX            8192 /* one certificate chain, key or request */
#define SOTTO_DER_SIGNATURE_MAX  600  /* DER ECDSA P-256/P-384 or RSA-4096 */

SOTTO_MUST_USE sotto_status sotto_vault_start(sotto_diag *diag); /* idempotent */

/* ---- Small primitives ---- */
void sotto_wipe(void *memory, size_t len);                         /* never optimised away */
bool sotto_equal_secret(const void *a, const void *b, size_t len); /* constant time */
SOTTO_MUST_USE sotto_status sotto_sha256(sotto_span in, uint8_t out[static SOTTO_SHA256_BYTES]);
typedef struct sotto_sha256_stream sotto_sha256_stream;
SOTTO_MUST_USE sotto_status sotto_sha256_begin(sotto_sha256_stream **out);
SOTTO_MUST_USE sotto_status sotto_sha256_update(sotto_sha256_stream *s, sotto_span in);
SOTTO_MUST_USE sotto_status sotto_sha256_end(sotto_sha256_stream *s,
                                             uint8_t out[static SOTTO_SHA256_BYTES]); /* frees s, always */
SOTTO_MUST_USE sotto_status sotto_hmac_sha256(sotto_span key, sotto_span in,
                                              uint8_t out[static SOTTO_SHA256_BYTES]);
/* HKDF-SHA-256 (RFC 5869); out_len <= 255 * 32 (RANGE). Empty salt and info allowed. out is wiped on failure.
 */
SOTTO_MUST_USE sotto_status sotto_hkdf_sha256(sotto_span secret, sotto_span salt, sotto_span info,
                                              uint8_t *out, size_t out_len);

/* What SQLCipher's provider needs (its file format, sqlcipher design notes): hash is 256 or 512; 1 (SHA-1,
 * only for files of SQLCipher 3 and older) is UNSUPPORTED. out of hmac has 32 or 64 bytes, of HMAC over in1
 * || in2. */
SOTTO_MUST_USE sotto_status sotto_vault_hmac(int hash, sotto_span key, sotto_span in1, sotto_span in2,
                                             uint8_t *out);
/* RFC 8018; rounds >= 1 (USAGE). out is wiped on failure. */
SOTTO_MUST_USE sotto_status sotto_vault_pbkdf2(int hash, sotto_span password, sotto_span salt,
                                               uint32_t rounds, uint8_t *out, size_t out_len);
/* len a multiple of 16 (USAGE), no padding; in and out may be the same, and may not overlap otherwise. */
SOTTO_MUST_USE sotto_status sotto_vault_aes256_cbc(bool encrypt, const uint8_t key[static 32],
                                                   const uint8_t iv[static 16], const uint8_t *in, size_t len,
                                                   uint8_t *out);

/* ---- Key providers: where the terminal's one root secret rests ---- */
typedef struct sotto_key_provider {
    void *ctx;
    const char *name; /* "file", ... for messages */
    /* Gives the root secret. NOT_FOUND when none was created; DENIED when others could read it; CORRUPT when
     * damaged. */
    sotto_status (*load)(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag);
    /* Creates it, never replaces (EXISTS). */
    sotto_status (*create)(void *ctx, const uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag);
} sotto_key_provider;

/* File provider: a file of 64 hex digits, a checksum line and nothing else, mode 0600, refused when group or
 * others have any right on it. path outlives the provider. Its folder must be there. */
sotto_key_provider sotto_key_provider_file(const char *path);

/* Command provider: a program of the bank's choice, such as one that has a TPM or a security module seal the
 * key (firmware/services/sotto-tpm-key). Both are NULL-ended and begin with a whole path; they are run
 * without a shell, for at most 30 s, and what they say is wiped. `load` prints the key file's text (exit 0)
 * or says by exit code 2 that none was created (NOT_FOUND); any other code is DENIED. `create` reads that
 * text and keeps it (exit 0; IO otherwise); it is not run when `load` gives a key (EXISTS). TIMEOUT,
 * NOT_FOUND (no such program). command outlives the provider. */
typedef struct sotto_key_command {
    char *load[9], *create[9];
} sotto_key_command;
sotto_key_provider sotto_key_provider_command(sotto_key_command *command);
/* Keyring provider: a key of that name in the kernel keyring of the user who runs this. It is gone when the
 * machine stops, so whoever starts the terminal puts it there before (NOT_FOUND says so). name outlives the
 * provider. */
sotto_key_provider sotto_key_provider_keyring(char *name);
/* A P-256 key in SEC1 PEM that follows from a provider's secret alone, always the same: the device's TLS key
 * needs no file. With entropy a secret is created where there is none; without: NOT_FOUND. Wipe out. */
SOTTO_MUST_USE sotto_status sotto_keypair_from_provider(const sotto_key_provider *provider,
                                                        const sotto_entropy *entropy,
                                                        char out[static SOTTO_PEM_MAX], sotto_diag *diag);

/* ---- The terminal's vault: everything is derived from the root secret by HKDF with a label ---- */
typedef struct sotto_vault sotto_vault;

/* Creates a fresh root secret in the provider. EXISTS when there is one; nothing is stored on any failure. */
SOTTO_MUST_USE sotto_status sotto_vault_create(const sotto_key_provider *provider,
                                               const sotto_entropy *entropy, sotto_diag *diag);
/* What the provider's load gives, or NO_MEMORY; *out is NULL on failure. */
SOTTO_MUST_USE sotto_status sotto_vault_open(sotto_vault **out, const sotto_key_provider *provider,
                                             sotto_diag *diag);
void sotto_vault_close(sotto_vault *vault); /* wipes; NULL allowed */
/* The store's raw key; wipe it after opening. */
SOTTO_MUST_USE sotto_status sotto_vault_store_key(const sotto_vault *vault,
                                                  uint8_t out[static SOTTO_KEY_BYTES]);
/* HMAC-SHA-256(pepper, customer number): how a customer is called everywhere inside the terminal. */
SOTTO_MUST_USE sotto_status sotto_vault_customer_key(const sotto_vault *vault, sotto_span customer_number,
                                                     uint8_t out[static SOTTO_CUSTOMER_KEY_BYTES]);
/* Any other secret of this terminal, such as label "decide seed"; a label has at most 113 bytes (RANGE), and
 * none meets the keys above. */
SOTTO_MUST_USE sotto_status sotto_vault_derive(const sotto_vault *vault, const char *label, uint8_t *out,
                                               size_t out_len);
/* The report key (ECDSA P-256, derived with the rejection sampling of FIPS 186-5 A.2.2): signs what leaves
 * the terminal. Signature r || s over SHA-256(message), deterministic (RFC 6979): the same message, the same
 * bytes. */
SOTTO_MUST_USE sotto_status sotto_vault_report_sign(const sotto_vault *vault, sotto_span message,
                                                    uint8_t signature[static SOTTO_SIGNATURE_BYTES]);
SOTTO_MUST_USE sotto_status sotto_vault_report_public_key(const sotto_vault *vault,
                                                          uint8_t out[static SOTTO_PUBLIC_KEY_BYTES]);
/* AUTH when the signature is not that key's over message, MALFORMED when the key is no point of the curve. */
SOTTO_MUST_USE sotto_status sotto_vault_verify_p256(const uint8_t public_key[static SOTTO_PUBLIC_KEY_BYTES],
                                                    sotto_span message,
                                                    const uint8_t signature[static SOTTO_SIGNATURE_BYTES]);

/* ---- Key pairs as PEM (device key, head office's signing keys, the device authority) ---- */
/* On failure an out is "". Private keys are read as PKCS#8 or SEC1, without a passphrase; MALFORMED, or
 * UNSUPPORTED for what this build cannot use. */
/* Fresh P-256 key in SEC1 PEM into out (NUL-ended). Wipe it after use. The entropy's own status when it
 * fails. */
SOTTO_MUST_USE sotto_status sotto_keypair_make(const sotto_entropy *entropy, char out[static SOTTO_PEM_MAX],
                                               sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_keypair_public_pem(const char *key_pem, char out[static SOTTO_PEM_MAX],
                                                     sotto_diag *diag);
/* DER ECDSA signature over SHA-256(message), deterministic: TUF's scheme ecdsa-sha2-nistp256. cap >= 72
 * (NO_SPACE); UNSUPPORTED for a key that is not P-256. */
SOTTO_MUST_USE sotto_status sotto_keypair_sign(const char *key_pem, sotto_span message, uint8_t *signature,
                                               size_t cap, size_t *len, sotto_diag *diag);
enum sotto_sig_scheme {
    SOTTO_SIG_ECDSA_P256_SHA256, /* signature in DER (RFC 3279 section 2.2.3) */
    SOTTO_SIG_RSASSA_PSS_SHA256, /* RFC 8017 section 8.1; 2048 bits or more */
    SOTTO_SIG_ED25519 /* RFC 8032 section 5.1, pure; 64 bytes. Verified only: nothing here signs so */
};
/* public_key: SubjectPublicKeyInfo PEM of at most SOTTO_PEM_MAX - 1 bytes (RANGE); for ECDSA also the
 * uncompressed point in 130 hex digits; for Ed25519 always 64 hex digits (the forms of TUF's keyval). AUTH
 * when it does not verify, MALFORMED for a bad key, UNSUPPORTED for a key that is not of the scheme (another
 * curve, RSA under 2048 bits). */
SOTTO_MUST_USE sotto_status sotto_public_verify(enum sotto_sig_scheme scheme, sotto_span public_key,
                                                sotto_span message, sotto_span signature, sotto_diag *diag);
/* Signs in the scheme of the key: P-256 as sotto_keypair_sign does, RSA of 2048 bits or more with RSASSA-PSS
 * over SHA-256 and a salt of 32 bytes. Errors of the calls for key pairs. */
#define SOTTO_ANY_SIGNATURE_MAX 1024 /* RSA of 8192 bits */
SOTTO_MUST_USE sotto_status sotto_private_sign(const char *key_pem, sotto_span message,
                                               uint8_t signature[static SOTTO_ANY_SIGNATURE_MAX], size_t *len,
                                               sotto_diag *diag);
/* The hex digits (and a NUL) of an Ed25519 key that stands in PEM (SubjectPublicKeyInfo, RFC 8410 section 4);
 * MALFORMED, and out "", when the text is anything else. */
#define SOTTO_ED25519_HEX 65
SOTTO_MUST_USE sotto_status sotto_public_ed25519_hex(sotto_span pem, char out[static SOTTO_ED25519_HEX]);
/* SHA-256 of the key itself, however it was written: two texts of one key give the same id. Errors as above
 * (but AUTH). */
SOTTO_MUST_USE sotto_status sotto_public_id(enum sotto_sig_scheme scheme, sotto_span public_key,
                                            uint8_t id[static SOTTO_SHA256_BYTES], sotto_diag *diag);

/* ---- X.509 (RFC 5280) for the device authority: CSR in, certificate out, so that a bank's own PKI serves as
 * well ---- */
/* PKCS#10 with subject CN=common_name (as in sotto_cert_request); the key must be P-256 (UNSUPPORTED). */
SOTTO_MUST_USE sotto_status sotto_csr_make(const char *key_pem, const char *common_name,
                                           char out[static SOTTO_PEM_MAX], sotto_diag *diag);
/* The same for a server: names as in sotto_cert_request, in the extension that asks for them (RFC 2985
 * section 5.4.2). */
SOTTO_MUST_USE sotto_status sotto_csr_make_server(const char *key_pem, const char *common_name,
                                                  const char *const *names, size_t name_count,
                                                  char out[static SOTTO_PEM_MAX], sotto_diag *diag);
enum sotto_cert_use {
    SOTTO_CERT_AUTHORITY,
    SOTTO_CERT_SERVER,
    SOTTO_CERT_DEVICE,
    SOTTO_CERT_SIGNER /* of packs or the time, issued elsewhere: for sotto_cert_check alone */
};
typedef struct sotto_cert_request {
    enum sotto_cert_use use;
    const char *common_name;  /* device id or authority name; 1..64 characters [A-Za-z0-9 ._-] */
    const char *const *names; /* server: 1..32 DNS names and IP addresses for subjectAltName; others: none */
    size_t name_count;
    int64_t not_before_s, not_after_s; /* UTC, 1970 to 9999, and not after the issuer's end */
    uint8_t serial[16];                /* unpredictable, not 0, first bit 0 */
} sotto_cert_request;
/* Self-signed authority: issuer_cert_pem NULL and issuer_key_pem the authority's own; subject_public_pem the
 * subject's public key or CSR (whose own signature is then checked; its names are not taken over), P-256. The
 * issuer may be a bank's own authority (its key P-256, P-384 or RSA). USAGE, RANGE, MALFORMED for what the
 * request says; AUTH when the issuer's key and certificate do not belong together or the CSR's signature is
 * wrong; UNSUPPORTED. out is "" on failure. */
SOTTO_MUST_USE sotto_status sotto_cert_issue(const sotto_cert_request *request, sotto_span subject_public_pem,
                                             const char *issuer_key_pem, const char *issuer_cert_pem,
                                             char out[static SOTTO_PEM_MAX], sotto_diag *diag);
/* Checks a CSR's own signature and gives its public key as PEM. AUTH, MALFORMED, RANGE, UNSUPPORTED (not
 * P-256 with SHA-256); public_pem is "" then. */
SOTTO_MUST_USE sotto_status sotto_csr_check(sotto_span csr_pem, char public_pem[static SOTTO_PEM_MAX],
                                            sotto_diag *diag);
/* The same request alone, its own signature checked, without what may stand around it in the text: for who
 * reads it next. Errors as above; out is "" then. */
SOTTO_MUST_USE sotto_status sotto_csr_copy(sotto_span csr_pem, char out[static SOTTO_PEM_MAX],
                                           sotto_diag *diag);
typedef struct sotto_cert_info {
    char common_name[65]; /* "" when the subject has none */
    int64_t not_before_s, not_after_s;
    uint8_t sha256[SOTTO_SHA256_BYTES]; /* of the DER */
} sotto_cert_info;
/* The first certificate of the text. Says what stands in it; who signed it is not checked. MALFORMED, RANGE.
 */
SOTTO_MUST_USE sotto_status sotto_cert_read(sotto_span cert_pem, sotto_cert_info *out, sotto_diag *diag);
/* The first certificate of the text was issued by one of authority_pem, by way of those that follow it, and
 * all of them hold at now_s. What its name may do is the caller's to judge. AUTH, EXPIRED, MALFORMED, RANGE;
 * *out is zeros then. */
SOTTO_MUST_USE sotto_status sotto_cert_verify(sotto_span cert_pem, sotto_span authority_pem, int64_t now_s,
                                              sotto_cert_info *out, sotto_diag *diag);
/* What somebody else issued, whoever signed it: whether the first certificate of the text is for this key
 * (as sotto_csr_check and sotto_keypair_public_pem give it), and may serve so: none of an authority, its key
 * for signatures; a SERVER's for servers where it says for what, with a name in subjectAltName; a DEVICE's
 * says that it is for clients, and neither that it is for servers nor a name there. AUTH with the reason;
 * MALFORMED, RANGE. An AUTHORITY: whether it may issue. */
SOTTO_MUST_USE sotto_status sotto_cert_check(sotto_span cert_pem, enum sotto_cert_use use,
                                             const char *public_pem, sotto_diag *diag);
/* Whether a server with the first certificate of the text is one of these names (host names and addresses) to
 * who looks for them in its subjectAltName: each of them, or AUTH with the first that is not; MALFORMED,
 * RANGE. */
SOTTO_MUST_USE sotto_status sotto_cert_check_names(sotto_span cert_pem, const char *const *names,
                                                   size_t count, sotto_diag *diag);
/* The same for the names that a request asks for in its subjectAltName. */
SOTTO_MUST_USE sotto_status sotto_cert_check_asked(sotto_span cert_pem, sotto_span csr_pem, sotto_diag *diag);
/* Whether signature (DER ECDSA P-256 with SHA-256) over message is by the key of one of authority_pem that
 * holds at at_s. AUTH: none of them; EXPIRED: one that does not hold then; MALFORMED, RANGE. */
SOTTO_MUST_USE sotto_status sotto_authority_verify(sotto_span authority_pem, sotto_span message,
                                                   sotto_span signature, int64_t at_s, sotto_diag *diag);
/* The public key of the first certificate of the text, as PEM; out is "" on failure. MALFORMED, RANGE. */
SOTTO_MUST_USE sotto_status sotto_cert_public_pem(sotto_span cert_pem, char out[static SOTTO_PEM_MAX],
                                                  sotto_diag *diag);

#endif
