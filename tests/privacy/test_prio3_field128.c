/* Field128 against the reference. The engine's source is included, for its static functions. */
#include "prio3_engine128.c"

#define MODULUS ((slow){{1, 0, 0xffffffe4, UINT32_MAX, 0}})
#include "prio3_field_laws.h"
