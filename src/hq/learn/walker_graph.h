/* An ONNX graph as the second reading has it: every list a list of doubles, every value a row of cells. */
#ifndef SOTTO_HQ_LEARN_WALKER_GRAPH_H
#define SOTTO_HQ_LEARN_WALKER_GRAPH_H

#include "learn/walker.h"

typedef struct graph_attribute {
    sotto_span name, word;
    double f, i;
    double *numbers; /* floats, ints or a tensor's */
    size_t number_count;
    sotto_span *words;
    size_t word_count;
} graph_attribute;

/* One column of one row. */
typedef struct graph_cell {
    float f;     /* as the runtime computes it */
    double d;    /* without rounding in between */
    double size; /* of what d was added from */
    uint32_t feature;
} graph_cell;

typedef struct graph_value {
    sotto_span name;
    size_t count;
    graph_cell *cells;      /* of the row at hand; NULL: a constant */
    const double *constant; /* NULL: not one */
} graph_value;

typedef struct graph_node {
    sotto_span op;
    sotto_span *inputs, *outputs;
    size_t input_count, output_count;
    graph_attribute *attributes;
    size_t attribute_count;
    graph_value **in;
    graph_value *out;
} graph_node;

struct walker_graph {
    void *chunks; /* all memory of it, a list */
    graph_node *nodes;
    size_t node_count;
    graph_value *values; /* inputs, constants, outputs of nodes */
    size_t value_count;
    size_t inputs;       /* the first so many values are the graph's inputs */
    graph_node *model;   /* the node that is the model; those before it make its input */
    graph_value *x;      /* its input */
    double *weights;     /* linear: outputs x columns; NULL: trees */
    bool average;        /* of trees */
    size_t source_trees; /* before they were told apart by output */
};

/* Zeroed. NULL: out of memory. */
void *learn_graph_take(walker_graph *g, size_t count, size_t bytes);
/* Reads the file's lists; values are not sized yet. */
sotto_status learn_graph_read(walker_graph *g, sotto_span file, sotto_diag *diag);
const graph_attribute *learn_graph_attribute(const graph_node *n, const char *name); /* NULL: none */
/* Finds every node's inputs and the sizes of all values up to the model's. */
sotto_status learn_graph_plan(learn_walker *w, sotto_diag *diag);
/* Trees, or coefficients, of the node that is the model. INTERNAL when they are not what the compiler made of
 * it. */
sotto_status learn_graph_model(learn_walker *w);
/* Computes the model's input for a row. */
void learn_graph_run(const learn_walker *w, const double *x);
/* Number i of an attribute; absent when there is none. */
double learn_graph_number(const graph_attribute *a, size_t i, double absent);

#endif
