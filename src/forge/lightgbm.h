/* What the two files of the LightGBM reader share. */
#ifndef SOTTO_FORGE_LIGHTGBM_H
#define SOTTO_FORGE_LIGHTGBM_H

#include "forge_priv.h"

#include <stdio.h>

enum { LIGHTGBM_TREE_KEYS = 14 };

/* A key that a block may hold. */
typedef struct lightgbm_key {
    const char *name;
    sotto_span value;
    uint64_t line;
    bool there;
} lightgbm_key;

typedef struct lightgbm_reader {
    sotto_span text;
    size_t at;
    uint64_t line; /* that messages name */
    bool ended;    /* "end of trees" was read */
    const sotto_forge_options *options;
    forge_forest *forest;
    uint8_t *used; /* one a feature: some node tests it */
    sotto_diag *diag;
} lightgbm_reader;

SOTTO_PRINTF(3, 4)
sotto_status sotto_forge_lightgbm_bad(const lightgbm_reader *r, sotto_status status, const char *format, ...);
/* MALFORMED when the key is not there; else messages name its line. */
sotto_status sotto_forge_lightgbm_need(lightgbm_reader *r, const lightgbm_key *key);
sotto_status sotto_forge_lightgbm_whole(lightgbm_reader *r, const lightgbm_key *key, int64_t min, int64_t max,
                                        int64_t *out);
/* Takes the next word between spaces. false at the end. */
bool sotto_forge_lightgbm_word(sotto_span *rest, sotto_span *word);

void sotto_forge_lightgbm_tree_keys(lightgbm_key keys[static LIGHTGBM_TREE_KEYS]);
sotto_status sotto_forge_lightgbm_tree(lightgbm_reader *r, const lightgbm_key *keys, size_t number,
                                       forge_tree *out);

#endif
