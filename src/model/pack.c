/* A plain model's nodes in half the bytes, for the caches: made at load where the model is small enough for
 * it (128 features, 254 thresholds a feature, 65,535 nodes a tree) and the arena has room. */
#include "score_priv.h"

static bool fits(const sotto_model *m)
{
    if (!m->plain || 2 * m->info.features > PACKED_SLOTS)
        return false;
    for (size_t f = 0; f < m->info.features; f++)
        if (m->features[f].bins > PACKED_LEAF_BIN - 1)
            return false;
    for (size_t t = 0; t < m->info.trees; t++) {
        size_t end = t + 1 < m->info.trees ? m->trees[t + 1].root : m->info.nodes;
        if (end - m->trees[t].root > UINT16_MAX)
            return false;
    }
    return true;
}

void sotto_model_pack(sotto_model *m, sotto_arena *arena)
{
    if (!fits(m))
        return;
    packed_node *packed = sotto_arena_array(arena, m->info.nodes, sizeof *packed);
    for (uint32_t i = 0; packed != NULL && i < m->info.nodes; i++) {
        const node *n = &m->nodes[i];
        packed[i] =
            (packed_node){(uint8_t)n->slot, (uint8_t)(is_leaf(m->nodes, i) ? PACKED_LEAF_BIN : n->bin),
                          (uint16_t)(n->child - i)};
    }
    m->packed = packed;
}
