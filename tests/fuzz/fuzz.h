/* What the fuzz targets share. A property that does not hold aborts, which both libFuzzer and the replayer
 * report with the input. */
#ifndef SOTTO_FUZZ_H
#define SOTTO_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

#endif
