/* A forest as the source has it: memory. */
#include "forge_priv.h"

#include <stdlib.h>

enum { PROVENANCE_MAX = 65536 }; /* docs/formats/model.md section 9 */

void sotto_forge_forest_init(forge_forest *f)
{
    *f = (forge_forest){.bias = 0};
    sotto_vec_init(&f->provenance, PROVENANCE_MAX);
}

void sotto_forge_forest_free(forge_forest *f)
{
    for (size_t i = 0; i < f->tree_count; i++)
        free(f->trees[i].nodes);
    free(f->trees);
    free(f->features);
    sotto_vec_free(&f->provenance);
    sotto_forge_forest_init(f);
}

sotto_status sotto_forge_no_memory(sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(FORGE, NO_MEMORY), "out of memory while compiling a model");
}

sotto_status sotto_forge_take_trees(forge_forest *f, size_t count, sotto_diag *diag)
{
    f->trees = calloc(count, sizeof *f->trees);
    if (f->trees == NULL)
        return sotto_forge_no_memory(diag);
    f->tree_count = count;
    return SOTTO_OK;
}

sotto_status sotto_forge_take_features(forge_forest *f, size_t count, sotto_diag *diag)
{
    f->features = calloc(count, sizeof *f->features);
    if (f->features == NULL)
        return sotto_forge_no_memory(diag);
    f->feature_count = count;
    return SOTTO_OK;
}

sotto_status sotto_forge_take_nodes(forge_tree *t, uint32_t count, sotto_diag *diag)
{
    t->nodes = calloc(count, sizeof *t->nodes);
    if (t->nodes == NULL)
        return sotto_forge_no_memory(diag);
    t->count = count;
    return SOTTO_OK;
}
