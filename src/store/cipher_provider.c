/*
 * SQLCipher's cryptography from vault, so that the terminal carries one crypto library. SQLCipher calls
 * sotto_store_cipher_provider by name when it is first given a key (toolchain/recipes/sqlcipher.sed).
 *
 * What it then asks for is its file format 4: AES-256-CBC with a fresh IV for each page, HMAC-SHA-512 over
 * page and IV, HMAC keys by PBKDF2 (two rounds when the key is raw).
 */
#include "store_priv.h"

#include <sqlcipher_provider.h>

enum { AES_KEY_BYTES = 32, AES_BLOCK_BYTES = 16 };

/* vault's number of a hash, 0 for none. SQLCipher numbers HMACs and key derivations alike. */
static int vault_hash(int algorithm)
{
    switch (algorithm) {
    case SQLCIPHER_HMAC_SHA1:
        return 1;
    case SQLCIPHER_HMAC_SHA256:
        return 256;
    case SQLCIPHER_HMAC_SHA512:
        return 512;
    default:
        return 0;
    }
}

static int result(sotto_status status)
{
    return status == SOTTO_OK ? SQLITE_OK : SQLITE_ERROR;
}

static sotto_span span(const unsigned char *ptr, int len)
{
    return ptr == NULL || len <= 0 ? sotto_span_of("", 0) : sotto_span_of(ptr, (size_t)len);
}

static int succeed(void *ctx)
{
    (void)ctx;
    return SQLITE_OK;
}

static int succeed_ctx(void **ctx)
{
    *ctx = NULL; /* the callbacks keep no state */
    return SQLITE_OK;
}

static const char *provider_name(void *ctx)
{
    (void)ctx;
    return "sotto-vault";
}

static const char *provider_version(void *ctx)
{
    (void)ctx;
    return SOTTO_VERSION;
}

/* The system's generator needs no seed from SQLCipher. */
static int add_random(void *ctx, void *buffer, int length)
{
    (void)ctx;
    (void)buffer;
    (void)length;
    return SQLITE_OK;
}

static int fill_random(void *ctx, void *buffer, int length)
{
    (void)ctx;
    sotto_entropy entropy = sotto_port_entropy();
    return length < 0 ? SQLITE_ERROR : result(entropy.fill(entropy.ctx, buffer, (size_t)length));
}

static int hmac(void *ctx, int algorithm, unsigned char *key, int key_sz, unsigned char *in, int in_sz,
                unsigned char *in2, int in2_sz, unsigned char *out)
{
    (void)ctx;
    int hash = vault_hash(algorithm);
    if (hash == 0 || in == NULL)
        return SQLITE_ERROR;
    return result(sotto_vault_hmac(hash, span(key, key_sz), span(in, in_sz), span(in2, in2_sz), out));
}

static int kdf(void *ctx, int algorithm, const unsigned char *pass, int pass_sz, unsigned char *salt,
               int salt_sz, int workfactor, int key_sz, unsigned char *key)
{
    (void)ctx;
    int hash = vault_hash(algorithm);
    if (hash == 0 || workfactor < 1 || key_sz < 1)
        return SQLITE_ERROR;
    return result(sotto_vault_pbkdf2(hash, span(pass, pass_sz), span(salt, salt_sz), (uint32_t)workfactor,
                                     key, (size_t)key_sz));
}

static int cipher(void *ctx, int mode, unsigned char *key, int key_sz, unsigned char *iv, unsigned char *in,
                  int in_sz, unsigned char *out)
{
    (void)ctx;
    if (key_sz != AES_KEY_BYTES || in_sz < 0)
        return SQLITE_ERROR;
    return result(sotto_vault_aes256_cbc(mode == CIPHER_ENCRYPT, key, iv, in, (size_t)in_sz, out));
}

static const char *cipher_name(void *ctx)
{
    (void)ctx;
    return "aes-256-cbc";
}

static int key_size(void *ctx)
{
    (void)ctx;
    return AES_KEY_BYTES;
}

static int block_size(void *ctx)
{
    (void)ctx;
    return AES_BLOCK_BYTES;
}

static int hmac_size(void *ctx, int algorithm)
{
    (void)ctx;
    int hash = vault_hash(algorithm);
    return hash == 1 ? 20 : hash / 8;
}

static int no_fips(void *ctx)
{
    (void)ctx;
    return 0;
}

/* Declared by the library in its own source only, where it is a weak symbol. */
int sotto_store_cipher_provider(sqlcipher_provider *p);

int sotto_store_cipher_provider(sqlcipher_provider *p)
{
    *p = (sqlcipher_provider){.activate = succeed,
                              .deactivate = succeed,
                              .get_provider_name = provider_name,
                              .add_random = add_random,
                              .random = fill_random,
                              .hmac = hmac,
                              .kdf = kdf,
                              .cipher = cipher,
                              .get_cipher = cipher_name,
                              .get_key_sz = key_size,
                              .get_iv_sz = block_size,
                              .get_block_sz = block_size,
                              .get_hmac_sz = hmac_size,
                              .ctx_init = succeed_ctx,
                              .ctx_free = succeed_ctx,
                              .fips_status = no_fips,
                              .get_provider_version = provider_version};
    return SQLITE_OK;
}

/* A weak reference alone would leave this file out of a static link. */
sotto_status sotto_store_cipher_start(sotto_diag *diag)
{
    return sotto_vault_start(diag);
}
