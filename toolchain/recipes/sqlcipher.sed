# Lets SQLCipher 4.6's src/sqlcipher.c take its cryptography from a function of the program's own:
# -DSQLCIPHER_CRYPTO_CUSTOM=name calls  int name(sqlcipher_provider *p)  each time the library wakes up, which fills
# in p and returns SQLITE_OK.  (Upstream has such a switch from 4.7 on.)  Three places:
#
# 1. the guard that would choose OpenSSL;
/^#if !defined (SQLCIPHER_CRYPTO_CC)/s//#if !defined (SQLCIPHER_CRYPTO_CUSTOM) \&\& !defined (SQLCIPHER_CRYPTO_CC)/
# 2. the call.  The reference is weak because head office opens its plain store with the same library and has no
#    provider; and the memory is checked, which upstream does not do;
/^#if defined (SQLCIPHER_CRYPTO_CC)$/{
i\
#if defined (SQLCIPHER_CRYPTO_CUSTOM)\
    extern int SQLCIPHER_CRYPTO_CUSTOM(sqlcipher_provider *p) __attribute__((weak));\
    if(p != NULL){\
      memset(p, 0, sizeof(*p));\
      if(SQLCIPHER_CRYPTO_CUSTOM == NULL || SQLCIPHER_CRYPTO_CUSTOM(p) != SQLITE_OK){\
        sqlcipher_free(p, sizeof(*p));\
        p = NULL;\
      }\
    }
s/^#if/#elif/
}
# 3. a keyed open without a provider is an error, not a null pointer; asked before anything is allocated.
/sqlcipher_codec_ctx_init: allocating context/i\
  if(default_provider == NULL) return SQLITE_ERROR;
