/* Which PSA algorithms Sotto's mbedTLS 3.6 contains (installed as psa/crypto_config.h).  Mbed TLS derives its older
 * module switches from these (include/mbedtls/config_adjust_legacy_from_psa.h there), so what is not named here is not
 * in the binary.  Reasons stand beside each group. */
#ifndef SOTTO_PSA_CONFIG_H
#define SOTTO_PSA_CONFIG_H

/* TLS 1.3 record protection and sealing; SQLCipher pages are AES-256-CBC with an HMAC. */
#define PSA_WANT_KEY_TYPE_AES 1
#define PSA_WANT_ALG_GCM 1
#define PSA_WANT_ALG_CBC_NO_PADDING 1
#define PSA_WANT_ALG_ECB_NO_PADDING 1
#define PSA_WANT_KEY_TYPE_CHACHA20 1
#define PSA_WANT_ALG_CHACHA20_POLY1305 1

/* No SHA-1 and no MD5: neither TLS 1.3, TUF nor SQLCipher 4 files ask for them. */
#define PSA_WANT_ALG_SHA_256 1
#define PSA_WANT_ALG_SHA_384 1
#define PSA_WANT_ALG_SHA_512 1
#define PSA_WANT_KEY_TYPE_HMAC 1
#define PSA_WANT_ALG_HMAC 1

/* HKDF for TLS and HPKE; PBKDF2 is SQLCipher's way from key to HMAC key. */
#define PSA_WANT_KEY_TYPE_DERIVE 1
#define PSA_WANT_KEY_TYPE_PASSWORD 1
#define PSA_WANT_KEY_TYPE_PASSWORD_HASH 1
#define PSA_WANT_KEY_TYPE_RAW_DATA 1
#define PSA_WANT_ALG_HKDF 1
#define PSA_WANT_ALG_HKDF_EXTRACT 1
#define PSA_WANT_ALG_HKDF_EXPAND 1
#define PSA_WANT_ALG_PBKDF2_HMAC 1

/* P-256 for everything Sotto makes itself, P-384 for a bank's own authority.  Deterministic ECDSA (RFC 6979) keeps a
 * signature safe when the entropy of a freshly booted machine is poor. */
#define PSA_WANT_ECC_SECP_R1_256 1
#define PSA_WANT_ECC_SECP_R1_384 1
#define PSA_WANT_KEY_TYPE_ECC_PUBLIC_KEY 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_BASIC 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_IMPORT 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_EXPORT 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_GENERATE 1
#define PSA_WANT_ALG_ECDH 1
#define PSA_WANT_ALG_ECDSA 1
#define PSA_WANT_ALG_DETERMINISTIC_ECDSA 1

/* A bank's certificates and TUF root keys may be RSA; keys are never generated here. */
#define PSA_WANT_KEY_TYPE_RSA_PUBLIC_KEY 1
#define PSA_WANT_KEY_TYPE_RSA_KEY_PAIR_BASIC 1
#define PSA_WANT_KEY_TYPE_RSA_KEY_PAIR_IMPORT 1
#define PSA_WANT_KEY_TYPE_RSA_KEY_PAIR_EXPORT 1
#define PSA_WANT_ALG_RSA_PSS 1
#define PSA_WANT_ALG_RSA_PKCS1V15_SIGN 1

#endif
