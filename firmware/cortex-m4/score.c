/* The engine without an operating system: a model that lies in flash is loaded once, then scores rows. Prints
 * what it took. Only public headers: this is how an application of a microcontroller would use it. */
#include "sotto/model.h"

#include <stdio.h>
#include <string.h>

enum { ARENA_BYTES = 48 * 1024, ROWS = 1000, STACK_LOOKED_AT = 32 * 1024 };

extern const uint8_t model_start[], model_end[];
static uint8_t memory[ARENA_BYTES] __attribute__((aligned(16)));
static int32_t keys[SOTTO_MODEL_FEATURES_MAX];
static int64_t parts[SOTTO_MODEL_FEATURES_MAX];

/* SysTick (ARMv7-M Architecture Reference Manual, B3.3): counts down from 2^24 - 1 with the processor's
 * clock. */
static volatile uint32_t *const SYSTICK = (volatile uint32_t *)0xe000e010;
enum { CONTROL, RELOAD, CURRENT, TICKS_MASK = 0xffffff };

static void start_ticks(void)
{
    SYSTICK[RELOAD] = TICKS_MASK;
    SYSTICK[CURRENT] = 0;
    SYSTICK[CONTROL] = 5; /* enabled, no interrupt, the processor's clock */
}

static uint32_t now(void)
{
    return TICKS_MASK - SYSTICK[CURRENT];
}

/* Whole numbers of all sizes, one in sixteen missing; the same in every run. */
static void make_row(size_t row, size_t features)
{
    for (size_t f = 0; f < features; f++) {
        uint32_t v = (uint32_t)(row * 31 + f + 1) * 2654435761u >> 7;
        keys[f] =
            v % 16 == 0 ? SOTTO_FLOAT_KEY_MISSING : sotto_fixed_decimal_key((int64_t)(v % 4000 >> v % 9), 0);
    }
}

/* Ticks of ROWS rows, without what making them takes. */
static uint32_t time_rows(const sotto_model *m, int way, int64_t *sum)
{
    size_t features = sotto_model_info_of(m)->features;
    uint32_t start = now(), took[2];
    int64_t bias;
    for (int pass = 0; pass < 2; pass++) {
        start = now();
        for (size_t row = 0; row < ROWS; row++) {
            make_row(row, features);
            if (pass == 1)
                *sum +=
                    way == 0 ? sotto_model_margin_q24(m, keys) : sotto_model_why_q24(m, keys, &bias, parts);
        }
        took[pass] = (now() - start) & TICKS_MASK;
    }
    return took[1] - took[0];
}

/* The stack below here is painted; what is still painted afterwards was not used. */
static __attribute__((noinline)) size_t stack_used(const sotto_model *m)
{
    volatile uint8_t *here = __builtin_frame_address(0), *bottom = here - STACK_LOOKED_AT;
    int64_t bias;
    size_t clean = 0;
    for (volatile uint8_t *p = bottom; p < here - 512; p++)
        *p = 0xa5;
    (void)sotto_model_margin_q24(m, keys);
    (void)sotto_model_why_q24(m, keys, &bias, parts);
    while (clean < STACK_LOOKED_AT && bottom[clean] == 0xa5)
        clean++;
    return (size_t)(here - (bottom + clean));
}

int main(void)
{
    sotto_arena arena;
    sotto_diag diag = {.status = SOTTO_OK};
    const sotto_model *m;
    int64_t sum = 0;
    sotto_arena_init(&arena, memory, sizeof memory);
    if (sotto_model_load(&m, sotto_span_of(model_start, (size_t)(model_end - model_start)), &arena, &diag) !=
        SOTTO_OK) {
        printf("%s\n", diag.text);
        return 1;
    }
    const sotto_model_info *info = sotto_model_info_of(m);
    start_ticks();
    uint32_t margin = time_rows(m, 0, &sum), why = time_rows(m, 1, &sum);
    printf("model: %u trees, %u nodes, %u features, %u bytes of flash\n", (unsigned)info->trees,
           (unsigned)info->nodes, (unsigned)info->features, (unsigned)info->bytes);
    printf("ram: %u bytes of arena, %u bytes of stack\n", (unsigned)info->arena_bytes,
           (unsigned)stack_used(m));
    printf("ticks of %d rows: %lu margin, %lu with reasons\n", ROWS, (unsigned long)margin,
           (unsigned long)why);
    printf("sum %ld.%06ld\n", (long)(sum >> 24), (long)((sum & 0xffffff) * 1000000 >> 24));
    return 0;
}
