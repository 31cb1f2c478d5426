/* A model as C in the way of emlearn and m2cgen, nested conditions, one function a tree: what its size is
 * measured beside. */
#include "learn/walker.h"
#include "score_bench.h"

#include <stdlib.h>

static void write_node(FILE *out, const walker_tree *t, int32_t at, int indent)
{
    const walker_node *n = &t->nodes[at];
    if (n->left < 0) {
        fprintf(out, "%*sreturn %#.9gf;\n", indent, "", n->value);
        return;
    }
    /* A missing value is not a number: no comparison with it holds. */
    fprintf(out, n->missing_left ? "%*sif (!(x[%u] >= %#.9gf)) {\n" : "%*sif (x[%u] < %#.9gf) {\n", indent,
            "", (unsigned)n->feature, n->value);
    write_node(out, t, n->left, indent + 2);
    fprintf(out, "%*s}\n", indent, "");
    write_node(out, t, n->right, indent);
}

bool bench_write_c(sotto_span json, const sotto_model *m, const char *path)
{
    learn_walker *w = NULL;
    sotto_diag diag = {.status = SOTTO_OK};
    FILE *out = fopen(path, "w");
    const learn_origin origin = {.source = LEARN_SOURCE_XGBOOST, .file = json, .name = "table"};
    if (out == NULL || learn_walker_load(&w, &origin, m, &diag) != SOTTO_OK)
        return false;
    for (size_t t = 0; t < w->trees; t++) {
        fprintf(out, "static float tree_%zu(const float *x) {\n", t);
        write_node(out, &w->tree[t], 0, 2);
        fprintf(out, "}\n");
    }
    fprintf(out, "float score(const float *x);\nfloat score(const float *x) {\n  float sum = 0;\n");
    for (size_t t = 0; t < w->trees; t++)
        fprintf(out, "  sum += tree_%zu(x);\n", t);
    fprintf(out, "  return sum;\n}\n");
    learn_walker_free(w);
    return fclose(out) == 0;
}
