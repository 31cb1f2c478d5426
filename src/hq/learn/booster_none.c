/* Without XGBoost's C library: the same functions, and what to do about it. */
#include "learn/learn.h"

static sotto_status not_here(sotto_diag *diag)
{
    return sotto_diag_set(
        diag, SOTTO_ERR(HQ, UNSUPPORTED),
        "this sotto-hq was built without XGBoost's C library (Debian: install libxgboost-dev and "
        "build again); a model trained elsewhere can be compiled without it");
}

bool learn_booster_there(void)
{
    return false;
}

sotto_status learn_booster_train(learn_booster **out, const learn_table *t, const uint8_t *use,
                                 const sotto_feature *features, const learn_settings *s, sotto_diag *diag)
{
    (void)t, (void)use, (void)features, (void)s;
    *out = NULL;
    return not_here(diag);
}

sotto_status learn_booster_load(learn_booster **out, sotto_span json, sotto_diag *diag)
{
    (void)json;
    *out = NULL;
    return not_here(diag);
}

size_t learn_booster_trees(const learn_booster *b)
{
    (void)b;
    return 0;
}

const double *learn_booster_curve(const learn_booster *b)
{
    (void)b;
    return NULL;
}

sotto_status learn_booster_set(learn_booster *b, const learn_pair *attributes, size_t n, sotto_diag *diag)
{
    (void)b, (void)attributes, (void)n;
    return not_here(diag);
}

sotto_status learn_booster_json(learn_booster *b, sotto_vec *out, sotto_diag *diag)
{
    (void)b, (void)out;
    return not_here(diag);
}

sotto_status learn_booster_margins(learn_booster *b, const learn_table *t, size_t first, size_t n, float *out,
                                   sotto_diag *diag)
{
    (void)b, (void)t, (void)first, (void)n, (void)out;
    return not_here(diag);
}

sotto_status learn_booster_outputs(learn_booster *b, const learn_table *t, size_t first, size_t n,
                                   size_t outputs, float *out, sotto_diag *diag)
{
    (void)b, (void)t, (void)first, (void)n, (void)outputs, (void)out;
    return not_here(diag);
}

sotto_status learn_booster_leaves(learn_booster *b, const learn_table *t, size_t first, size_t n,
                                  size_t trees, uint32_t *out, sotto_diag *diag)
{
    (void)b, (void)t, (void)first, (void)n, (void)trees, (void)out;
    return not_here(diag);
}

void learn_booster_free(learn_booster *b)
{
    (void)b;
}
