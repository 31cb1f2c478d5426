/* The witness as a terminal keeps it (docs/formats/witness.md), by the kiosk's own code, in a test's folder.
 * These tests look into two rooms: what tally asks of a witness is worth what the kiosk's file gives. */
#ifndef SOTTO_TESTS_KEPT_WITNESS_H
#define SOTTO_TESTS_KEPT_WITNESS_H

#include "engine/showings.h"
#include "tally_test.h"

struct kept_witness {
    kiosk_config *config;
    kiosk_engine *engine; /* its witness is engine->witness */
    char dir[96], path[128];
};

static inline struct kept_witness witness_keep(struct world *w)
{
    struct kept_witness k = {.config = calloc(1, sizeof *k.config), .engine = calloc(1, sizeof *k.engine)};
    assert_true(k.config != NULL && k.engine != NULL);
    (void)snprintf(k.config->vault_dir, sizeof k.config->vault_dir, "%s", w->folder);
    (void)snprintf(k.dir, sizeof k.dir, "%s/%s", w->folder, KIOSK_WITNESS_DIR);
    (void)snprintf(k.path, sizeof k.path, "%s/last-report", k.dir);
    k.engine->config = k.config;
    k.engine->vault = w->vault;
    assert_ok(kiosk_witness_open(k.engine, NULL));
    w->witness = &k.engine->witness;
    return k;
}

/* Before world_remove. */
static inline void witness_forget(struct kept_witness *k)
{
    DIR *dir = opendir(k->dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[400];
        (void)snprintf(path, sizeof path, "%s/%s", k->dir, entry->d_name);
        (void)unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(k->dir), 0);
    free(k->engine);
    free(k->config);
}

#endif
