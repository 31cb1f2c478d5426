/* What a Cortex-M runs first: its stack's top and reset come from address 0. The C library's _start
 * (newlib's, for semihosting) clears what is zero and calls main. */
#include <stdint.h>

extern uint32_t stack_top[], data_load[], data_start[], data_end[];
void _start(void);
void reset(void);
void fault(void);

void reset(void)
{
    for (uint32_t i = 0; &data_start[i] < data_end; i++)
        data_start[i] = data_load[i];
    _start();
}

/* Nothing is expected to interrupt; a fault stops here, where a debugger finds it and the test's time runs
 * out. */
void fault(void)
{
    for (;;)
        ;
}

__attribute__((section(".vectors"), used)) static void (*const VECTORS[16])(void) = {
    (void (*)(void))stack_top, reset, fault, fault, fault, fault, fault};
