/* A terminal's folders in a temporary place, for tests of the kiosk room. */
#ifndef SOTTO_TESTS_KIOSK_TEMP_H
#define SOTTO_TESTS_KIOSK_TEMP_H

#include "config/config.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char temp_dir[64];

static inline void temp_make(void)
{
    snprintf(temp_dir, sizeof temp_dir, "/tmp/sotto-kiosk-XXXXXX");
    if (mkdtemp(temp_dir) == NULL)
        abort();
}

static inline int temp_unlink(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void temp_remove(void)
{
    nftw(temp_dir, temp_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void temp_path(const char *name, char out[static KIOSK_PATH_MAX])
{
    int len = snprintf(out, KIOSK_PATH_MAX, "%s/%s", temp_dir, name);
    assert_in_range(len, 1, KIOSK_PATH_MAX - 1);
}

static inline void temp_config(kiosk_config *c)
{
    *c = (kiosk_config){.cache_kib = 256};
    temp_path("vault", c->vault_dir);
    temp_path("store", c->store_dir);
    temp_path("release", c->release_dir);
    temp_path("sync", c->sync_dir);
    temp_path("run", c->run_dir);
    snprintf(c->channel, sizeof c->channel, "kiosk");
    snprintf(c->customer_column, sizeof c->customer_column, "customer");
}

#endif
