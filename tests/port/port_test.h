/* Helpers of port's tests: a folder that goes away, files written past the code under test. */
#ifndef SOTTO_PORT_TEST_H
#define SOTTO_PORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sotto/port.h"

#define assert_ok(call)           assert_int_equal(call, SOTTO_OK)
#define assert_cause(call, cause) assert_int_equal(sotto_status_cause(call), SOTTO_CAUSE_##cause)

typedef struct test_place {
    char folder[64];
    char path[8][128]; /* made by place_path, a ring */
    unsigned next;
} test_place;

static inline test_place place_make(void)
{
    test_place p = {.folder = "/tmp/sotto-port-XXXXXX"};
    assert_non_null(mkdtemp(p.folder));
    return p;
}

/* "<folder>/<name>"; stays valid for seven further calls. */
static inline const char *place_path(test_place *p, const char *name)
{
    char made[sizeof p->path[0]];
    char *out = p->path[p->next++ % 8];
    (void)snprintf(made, sizeof made, "%s/%s", p->folder, name);
    memcpy(out, made, sizeof made);
    return out;
}

/* Fails when a test left something behind that it did not name. */
static inline void place_remove(const test_place *p)
{
    assert_int_equal(rmdir(p->folder), 0);
}

static inline void put_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static inline void assert_file_is(const char *path, const char *expected)
{
    char text[256];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof text - 1, f);
    text[len] = '\0';
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, expected);
}

#endif
