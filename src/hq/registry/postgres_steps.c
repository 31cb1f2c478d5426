/* The steps of the schema, as they lie in src/hq/registry/store. */
#include "registry/postgres.h"

#include <assert.h>

/* The assembler reads the file. */
#define STEP(number)                                                                                         \
    __asm__(".section .rodata\n"                                                                             \
            ".global sotto_pg_step_" #number "\n"                                                            \
            ".global sotto_pg_step_" #number "_end\n"                                                        \
            "sotto_pg_step_" #number ":\n"                                                                   \
            ".incbin \"" SOTTO_HQ_STORE "/" #number ".sql\"\n"                                               \
            "sotto_pg_step_" #number "_end:\n"                                                               \
            ".byte 0\n"                                                                                      \
            ".previous\n");                                                                                  \
    extern const uint8_t sotto_pg_step_##number[], sotto_pg_step_##number##_end[]

STEP(1);
STEP(2);

static const struct {
    const uint8_t *from, *end;
} STEPS[] = {{sotto_pg_step_1, sotto_pg_step_1_end}, {sotto_pg_step_2, sotto_pg_step_2_end}};

size_t pg_step_count(void)
{
    return SOTTO_COUNT(STEPS);
}

sotto_span pg_step(size_t number)
{
    assert(number < SOTTO_COUNT(STEPS));
    return sotto_span_of(STEPS[number].from, (size_t)(STEPS[number].end - STEPS[number].from));
}
