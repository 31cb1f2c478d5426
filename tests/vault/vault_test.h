/* Helpers of vault's tests: bytes from hexadecimal, a folder that goes away, entropy that is known or absent.
 */
#ifndef SOTTO_VAULT_TEST_H
#define SOTTO_VAULT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sotto/codec/text.h"
#include "sotto/vault.h"

#define assert_ok(call)           assert_int_equal(call, SOTTO_OK)
#define assert_cause(call, cause) assert_int_equal(sotto_status_cause(call), SOTTO_CAUSE_##cause)

/* The bytes of a hexadecimal text in a buffer of their own exact size, so that ASan sees one read too many.
 */
typedef struct test_bytes {
    uint8_t *ptr;
    size_t len;
} test_bytes;

static inline test_bytes from_hex(const char *text)
{
    size_t len = strlen(text) / 2;
    test_bytes b = {malloc(len == 0 ? 1 : len), len};
    assert_non_null(b.ptr);
    assert_ok(sotto_hex_decode(sotto_span_str(text), b.ptr, len));
    return b;
}

static inline sotto_span span_of(test_bytes b)
{
    return sotto_span_of(b.ptr, b.len);
}

static inline void assert_hex(const uint8_t *bytes, size_t len, const char *expected)
{
    char text[1024];
    assert_true(2 * len < sizeof text);
    sotto_hex_encode(sotto_span_of(bytes, len), text, sizeof text);
    assert_string_equal(text, expected);
}

/* A fresh folder with a path for one file in it. */
typedef struct test_place {
    char folder[64];
    char file[96];
} test_place;

static inline test_place place_make(void)
{
    test_place p = {.folder = "/tmp/sotto-vault-XXXXXX"};
    assert_non_null(mkdtemp(p.folder));
    (void)snprintf(p.file, sizeof p.file, "%s/root.key", p.folder);
    return p;
}

static inline void place_remove(const test_place *p)
{
    (void)unlink(p->file);
    assert_int_equal(rmdir(p->folder), 0); /* nothing else was left behind */
}

/* Entropy that gives 00 01 02 ... from *ctx on. */
static inline sotto_status count_up(void *ctx, void *buf, size_t len)
{
    uint8_t *next = ctx, *out = buf;
    for (size_t i = 0; i < len; i++)
        out[i] = (*next)++;
    return SOTTO_OK;
}

static inline sotto_status no_entropy(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    (void)buf;
    (void)len;
    return SOTTO_ERR(PORT, IO);
}

#endif
