/* A repository of two targets and a client that trusts its first root: for the tests of the TUF workflow. */
#ifndef SOTTO_TESTS_SYNC_TUF_FIXTURE_H
#define SOTTO_TESTS_SYNC_TUF_FIXTURE_H

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

typedef struct fixture {
    repo r;
    char dir[256];
    sotto_diag diag;
} fixture;

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    repo_init(&f->r);
    repo_add_target(&f->r, "model.sotto", "the model");
    repo_add_target(&f->r, "policy.json", "{}");
    repo_publish(&f->r, REPO_ROOT);
    repo_publish_day(&f->r);
    (void)snprintf(f->dir, sizeof f->dir, "%s", kit_path(kit_scratch(), "metadata"));
    repo_trust(&f->r, f->dir);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    repo_free(&f->r);
    free(f);
    return 0;
}

static inline sotto_status refresh(fixture *f)
{
    memset(&f->diag, 0, sizeof f->diag);
    f->r.fetched[0] = '\0';
    return repo_refresh(&f->r, f->dir, REPO_NOW_S, &f->diag);
}

/* Versions on disk of root, timestamp, snapshot, targets. */
static inline void expect_versions(fixture *f, int64_t root, int64_t timestamp, int64_t snapshot,
                                   int64_t targets)
{
    assert_int_equal(repo_version_on_disk(f->dir, "root"), root);
    assert_int_equal(repo_version_on_disk(f->dir, "timestamp"), timestamp);
    assert_int_equal(repo_version_on_disk(f->dir, "snapshot"), snapshot);
    assert_int_equal(repo_version_on_disk(f->dir, "targets"), targets);
}

#endif
