#include "port_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* getrandom(2) with no flags waits until the pool is seeded once after boot; after that it never blocks, and
 * requests of up to 256 bytes are not interrupted. Longer ones may come in pieces. */
static sotto_status fill_from_kernel(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    uint8_t *at = buf;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return SOTTO_ERR(PORT, IO);
        at += got;
        len -= (size_t)got;
    }
    return SOTTO_OK;
}

sotto_entropy sotto_port_entropy(void)
{
    return (sotto_entropy){.ctx = NULL, .fill = fill_from_kernel};
}
