/*
 * The self-test of a release: rows of a model with their margins, and decisions for made-up customers,
 * written by head office when it publishes and made again by every terminal before it trusts the release with
 * people. All of it is integers, so every CPU and every build must give the same to the bit
 * (docs/formats/selftest.md). It holds nobody's data: the customers are drawn from the dictionary alone.
 *
 * No state is kept: threads need a work, a profile and scratch of their own, and may share the rest.
 */
#ifndef SOTTO_SELFTEST_H
#define SOTTO_SELFTEST_H

#include "sotto/decide.h"

#define SOTTO_SELFTEST_MAX (2u << 20) /* bytes of a file */

/* A release as it is loaded. All of them must outlive a call; profile is of the dictionary, and overwritten.
 */
typedef struct sotto_selftest_release {
    const sotto_dictionary *dictionary;
    const sotto_model *model; /* NULL = none: no rows */
    const sotto_plan *plan;
    sotto_profile *profile;
    void *scratch; /* sotto_decide_scratch_size, aligned to 16 */
} sotto_selftest_release;

/* Working memory, some 130 KiB; contents of no meaning before and after a call. */
typedef struct sotto_selftest_work {
    sotto_replay_memory again;
    sotto_decision decision;
    int32_t keys[SOTTO_MODEL_FEATURES_MAX];
    uint8_t packed[SOTTO_PROFILE_MAX];
} sotto_selftest_work;

/* Appends the self-test to out. now_s (UTC): the moments of the decisions are of that day and the days after.
 * The same arguments give the same bytes. NO_SPACE: out has less room than it needs (at most
 * SOTTO_SELFTEST_MAX); out is as it was then. */
SOTTO_MUST_USE sotto_status sotto_selftest_make(const sotto_selftest_release *release, int64_t now_s,
                                                sotto_selftest_work *work, sotto_buf *out, sotto_diag *diag);

typedef struct sotto_selftest_sum {
    uint32_t rows, decisions; /* that came out the same */
} sotto_selftest_sum;
/* Makes everything in file again, in bounded time: at most as many rows and decisions as the file is long.
 * CONFLICT: a margin or a decision comes out differently here; diag says which. MALFORMED, TRUNCATED,
 * UNSUPPORTED, CORRUPT, RANGE (rows of another number of features): the file is not one for this release.
 * *sum tells how far it went. */
SOTTO_MUST_USE sotto_status sotto_selftest_run(sotto_span file, const char *name,
                                               const sotto_selftest_release *release,
                                               sotto_selftest_work *work, sotto_selftest_sum *sum,
                                               sotto_diag *diag);

#endif
