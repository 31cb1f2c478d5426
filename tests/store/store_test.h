/* Helpers of the store's tests: a folder that goes away, a store in it, keys of customers. */
#ifndef SOTTO_TESTS_STORE_TEST_H
#define SOTTO_TESTS_STORE_TEST_H

#include "store_priv.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define assert_ok(call)           assert_int_equal(call, SOTTO_OK)
#define assert_cause(call, cause) assert_int_equal(sotto_status_cause(call), SOTTO_CAUSE_##cause)

struct place {
    char folder[64];
    char path[96];
};

static inline struct place place_make(void)
{
    struct place p = {.folder = "/tmp/sotto-store-XXXXXX"};
    assert_non_null(mkdtemp(p.folder));
    (void)snprintf(p.path, sizeof p.path, "%s/s.db", p.folder);
    return p;
}

static inline void place_empty(const struct place *p)
{
    DIR *dir = opendir(p->folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[400];
        (void)snprintf(path, sizeof path, "%s/%s", p->folder, entry->d_name);
        (void)unlink(path);
    }
    closedir(dir);
}

static inline void place_remove(const struct place *p)
{
    place_empty(p);
    assert_int_equal(rmdir(p->folder), 0);
}

enum { TEST_KEY_BYTE = 0x5a };

static inline sotto_store_config config_of(const struct place *p, bool create)
{
    sotto_store_config config = {.path = p->path, .create = create};
    memset(config.key, TEST_KEY_BYTE, sizeof config.key);
    return config;
}

static inline sotto_store *store_open(const struct place *p, bool create)
{
    sotto_store_config config = config_of(p, create);
    sotto_store *store = NULL;
    sotto_diag diag = {0};
    if (sotto_store_open(&store, &config, &diag) != SOTTO_OK)
        fail_msg("open: %s", diag.text);
    return store;
}

/* The n-th customer's key: 32 bytes, in the order of n. */
struct customer {
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES];
};
static inline struct customer customer_of(uint32_t n)
{
    struct customer c = {{(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
    return c;
}

static inline void put_text(sotto_store *store, enum sotto_record kind, uint32_t n, int64_t sub,
                            const char *text)
{
    assert_ok(sotto_store_put(store, kind, customer_of(n).key, sub, sotto_span_str(text), NULL));
}

/* The record as text, "" when there is none. */
struct text {
    char text[128];
};
static inline struct text get_text(sotto_store *store, enum sotto_record kind, uint32_t n, int64_t sub)
{
    struct text t = {""};
    sotto_buf out = sotto_buf_of(t.text, sizeof t.text - 1);
    sotto_status status = sotto_store_get(store, kind, customer_of(n).key, sub, &out, NULL);
    if (status != SOTTO_OK)
        assert_cause(status, NOT_FOUND);
    t.text[out.len] = '\0';
    return t;
}

#endif
