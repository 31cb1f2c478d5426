/* The same laws for the way of 32-bit processors, on every machine. */
#define PRIO3_NO_INT128
#include "test_prio3_field64.c"
