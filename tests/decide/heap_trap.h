/* For tests that are linked with --wrap of malloc, calloc, realloc and free. */
#ifndef DECIDE_HEAP_TRAP_H
#define DECIDE_HEAP_TRAP_H

#include <stdbool.h>
#include <stddef.h>

/* ---- The decide path must not touch the heap: between arm and disarm every allocation is a failure ---- */

static bool armed;
static unsigned allocations;
static long allocations_left = -1; /* the one after these fails, once; -1 = none does */

static bool must_fail(void)
{
    allocations += armed;
    return armed || (allocations_left >= 0 && allocations_left-- == 0);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return must_fail() ? NULL : __real_realloc(p, size);
}

void __wrap_free(void *p)
{
    allocations += armed;
    __real_free(p);
}

#endif
