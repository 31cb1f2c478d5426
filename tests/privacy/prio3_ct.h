/* Included before everything when the sources are compiled for prio3_ct.c. */
#include <valgrind/memcheck.h>
#define PRIO3_DECLASSIFY(ptr, len) ((void)VALGRIND_MAKE_MEM_DEFINED(ptr, len))
