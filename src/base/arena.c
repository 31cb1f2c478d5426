#include "sotto/base.h"

#include <assert.h>
#include <string.h>

enum { ALIGN = 16 };

void sotto_arena_init(sotto_arena *arena, void *memory, size_t cap)
{
    assert(memory != NULL || cap == 0);
    *arena = (sotto_arena){.base = memory, .cap = cap};
}

void *sotto_arena_take(sotto_arena *arena, size_t size)
{
    assert(arena->used <= arena->cap);
    /* The address is aligned, not the offset: the caller's memory may start anywhere. */
    size_t pad = (size_t)(-((uintptr_t)arena->base + arena->used) & (ALIGN - 1));
    if (arena->base == NULL || pad > arena->cap - arena->used || size > arena->cap - arena->used - pad)
        return NULL;
    uint8_t *taken = arena->base + arena->used + pad;
    arena->used += pad + size;
    memset(taken, 0, size);
    return taken;
}

void *sotto_arena_array(sotto_arena *arena, size_t count, size_t size)
{
    size_t total;
    return sotto_mul_size(count, size, &total) ? sotto_arena_take(arena, total) : NULL;
}

char *sotto_arena_str(sotto_arena *arena, sotto_span text)
{
    size_t total;
    char *copy = sotto_add_size(text.len, 1, &total) ? sotto_arena_take(arena, total) : NULL;
    if (copy != NULL && text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

size_t sotto_arena_mark(const sotto_arena *arena)
{
    return arena->used;
}

void sotto_arena_reset(sotto_arena *arena, size_t mark)
{
    assert(mark <= arena->used);
    arena->used = mark;
}
