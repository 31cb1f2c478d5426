/* forge: compilers from the usual tools' model files to .sotto, and the proof that the result is the trained
 * model. Head office only. */
#ifndef SOTTO_FORGE_H
#define SOTTO_FORGE_H

#include "sotto/base.h"
#include "sotto/codec.h"
#include "sotto/model.h"
#include "sotto/tags.h"

/* The recipe file (docs/formats/recipe.md): which tags, product attributes and times, by which transform,
 * become which feature. */
typedef struct sotto_recipe {
    sotto_feature *features; /* arena */
    size_t count;
} sotto_recipe;
SOTTO_MUST_USE sotto_status sotto_recipe_load(sotto_recipe *out, sotto_span json, const char *name,
                                              const sotto_dictionary *d, sotto_arena *arena,
                                              sotto_diag *diag);

typedef struct sotto_forge_report {
    size_t trees, nodes, leaves, features, thresholds;
    int64_t margin_error_q24; /* bound: sum over trees of the leaf rounding */
    size_t bytes;
} sotto_forge_report;

/* XGBoost JSON (learner.gradient_booster gbtree, objective binary:logistic, numeric splits, missing values).
 * What cannot be represented exactly is refused with the tree and node. recipe NULL: features are plain
 * columns, named as in the file (or f0, f1, ...). The margin is bias + sum of leaves; bias =
 * logit(base_score). best_iteration, when present, cuts the trees. */
SOTTO_MUST_USE sotto_status sotto_forge_xgboost(sotto_span json, const char *file_name,
                                                const char *model_name, const sotto_recipe *recipe,
                                                sotto_vec *out, sotto_forge_report *report, sotto_diag *diag);

#endif
