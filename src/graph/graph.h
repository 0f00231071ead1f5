/* The graph: nodes in running order and the values between them. Made by the ONNX loader, reshaped by the optimiser, read-only from then on.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-tensor.h>

G_BEGIN_DECLS

typedef struct _SthOp SthOp; /* ops/op.h */
typedef struct _SthGraph SthGraph;
typedef struct _SthNode SthNode;
typedef struct _SthValue SthValue;

/* What flows along an edge. Owned by the graph. */
struct _SthValue {
    char *name;
    SthTensor tensor;      /* type and shape; data only for constants. Before inference dtype may be INVALID, of a graph input a dimension -1 */
    gboolean inferred;     /* tensor's type and shape are final */
    GBytes *constant;      /* owner of tensor.data: initializers and what was folded; NULL: computed at run time */
    SthNode *producer;     /* NULL: graph input or constant */
    GPtrArray *readers;    /* SthNode *, once for each reading; graph outputs are not in it. Kept by the edits below, for passes to read */
    GPtrArray *axis_names; /* char * or NULL, one an axis: what the file calls its free dimensions ("batch"); NULL: nothing */
};

typedef enum {
    STH_ATTR_INT,
    STH_ATTR_FLOAT,
    STH_ATTR_STRING,
    STH_ATTR_INTS,
    STH_ATTR_FLOATS,
    STH_ATTR_STRINGS,
    STH_ATTR_TENSOR,
    STH_ATTR_GRAPH, /* of an If */
    STH_ATTR_OTHER
} SthAttrType;

typedef struct {
    SthAttrType type;
    gint64 i;
    float f;
    char *s;      /* NUL-terminated copy */
    GArray *list; /* of gint64 or float */
    char **strings;
    GBytes *bytes; /* of a tensor */
    SthTensor tensor;
    SthGraph *graph; /* its inputs stand for inputs of the node; NULL: it could not be read, s says why */
} SthAttr;

struct _SthNode {
    char *name;           /* never empty: the loader makes one of the first output's name */
    char *op_type;        /* "Conv" */
    gint opset;           /* of its domain, as the model imports it */
    const SthOp *op;      /* row of the operator table */
    GPtrArray *inputs;    /* SthValue *, NULL where an optional input is left out; not owned. Changed by the edits below only: they count readers */
    GPtrArray *outputs;   /* SthValue *, NULL where left out. The same */
    GHashTable *attrs;    /* char * -> SthAttr * */
    gpointer prepared;    /* what op->prepare() made; freed by op->release() */
    gsize scratch;        /* bytes that a run of it needs: shared by its threads… */
    gsize thread_scratch; /* …and for each thread */
    gsize prepared_bytes; /* memory behind prepared */
    guint packed_inputs;  /* bit i: run() does not read the data of constant input i, prepare() packed it */
    guint in_place;       /* bit i: output 0 may stand in the memory of input i, if no other input does */
    guint64 macs;         /* multiply-accumulates of one run */
    const char *method;   /* which of several ways prepare() chose to run it, static; NULL: there is one way */
    gboolean retired;     /* waits for sth_graph_sweep_nodes() */
    GString *fused;       /* what passes merged into it, for people; NULL: nothing */
};

struct _SthGraph {
    char *source;                /* path, for messages */
    char *name;                  /* as the file calls it; NULL: nothing */
    gint opset;                  /* that the model imports; 0: made by hand */
    GPtrArray *values;           /* owned */
    GPtrArray *nodes;            /* owned, in running order (topological) */
    GPtrArray *inputs, *outputs; /* SthValue *, in the file's order; inputs without initializers */
    GHashTable *unfused;         /* char * -> char *: nodes whose parts a pass might have fused, and why it did not; for people */
    GHashTable *metadata;        /* char * -> char *: metadata_props */
    gsize memory_limit;          /* bytes that constants which are folded may take, each; 0: none */
    guint64 parameters;          /* elements of float initializers in the file */
    void (*release)(
        SthNode *node); /* frees node->prepared of each node when the graph goes: sth_op_release(), which this floor cannot see; or NULL */
};

SthGraph *sth_graph_new(const char *source);
void sth_graph_free(SthGraph *graph);

/* A new value; name is copied. */
SthValue *sth_graph_add_value(SthGraph *graph, const char *name);
/* A new constant: takes over the reference on @data. */
SthValue *sth_graph_add_constant(SthGraph *graph, const char *name, SthDType dtype, const SthShape *shape, GBytes *data);
/* Turns a computed value into a constant; takes over the reference on @data. Its producer loses it as an output's maker. */
void sth_value_set_constant(SthValue *value, GBytes *data);
/* A new node at the end; op is found in the table by the caller. */
SthNode *sth_graph_add_node(SthGraph *graph, const char *name, const char *op_type, gint opset);
/* A new node before @next. */
SthNode *sth_graph_insert_node(SthGraph *graph, SthNode *next, const char *name, const char *op_type, gint opset);
void sth_node_add_input(SthNode *node, SthValue *value /* may be NULL */);
/* Makes @value input @index, whatever was there before; a longer list gets NULLs between. */
void sth_node_set_input(SthNode *node, guint index, SthValue *value /* may be NULL */);
/* Keeps the first @n inputs. */
void sth_node_trim_inputs(SthNode *node, guint n);
void sth_node_add_output(SthNode *node, SthValue *value /* may be NULL */);
/* The node makes @value from now on, in place of what it made as output @index: a node that takes over the result of the one behind it. */
void sth_node_set_output(SthNode *node, guint index, SthValue *value /* may be NULL */);
/* Frees a node at once: linear in the nodes. A pass that removes many retires them and sweeps once at its end. */
void sth_graph_remove_node(SthGraph *graph, SthNode *node);
/* Takes a node out of the graph: it reads and makes nothing any more, but stays in graph->nodes until the sweep. */
void sth_graph_retire_node(SthGraph *graph, SthNode *node);
void sth_graph_sweep_nodes(SthGraph *graph);
/* Nodes that read a value, counted once for each reading; graph outputs count as one reader each. */
guint sth_graph_count_uses(SthGraph *graph, SthValue *value);
/* The only node that reads it, or NULL if there are none, several, or it is a graph output. */
SthNode *sth_graph_single_user(SthGraph *graph, SthValue *value);
gboolean sth_graph_is_output(SthGraph *graph, SthValue *value);
/* Every reader of @from (graph outputs included) reads @to instead. */
void sth_graph_replace_uses(SthGraph *graph, SthValue *from, SthValue *to);
/* Whether readers and producers say what the nodes' lists say: FALSE after an edit that went round the functions above. */
gboolean sth_graph_check(SthGraph *graph);
/* Puts the nodes of @body, which is emptied, before @node: input i of @body is @node's input first_input + i, and @node's outputs become Identities of
 * the body's outputs. @node is removed. */
void sth_graph_inline(SthGraph *graph, SthNode *node, SthGraph *body, guint first_input);
/* Sorts the nodes topologically; FALSE with @error (STH_ERROR_FORMAT) if the graph has a circle. */
gboolean sth_graph_sort(SthGraph *graph, GError **error);
/* Frees values that nobody makes, reads or outputs. */
void sth_graph_sweep_values(SthGraph *graph);
/* Text, one node a line: `%name = Op(%a 1x3x8x8, …) {kernel_shape=[3,3]} -> 1x8x8x8  # fused: Relu`. Free with g_free(). */
char *sth_graph_to_text(SthGraph *graph);
/* The same for Graphviz's dot: a box for each node, arrows with the shapes of what flows; constants are left out. Free with g_free(). */
char *sth_graph_to_dot(SthGraph *graph);

/* Inputs and outputs by position; NULL beyond the end. */
SthValue *sth_node_input(const SthNode *node, guint index);
SthValue *sth_node_output(const SthNode *node, guint index);

/* Attributes with their defaults. A wrong type counts as absent: the loader has checked nothing. */
gboolean sth_node_has(const SthNode *node, const char *attr);
gint64 sth_node_int(const SthNode *node, const char *attr, gint64 fallback);
float sth_node_float(const SthNode *node, const char *attr, float fallback);
const char *sth_node_string(const SthNode *node, const char *attr, const char *fallback);
/* NULL and *n = 0 if absent. */
const gint64 *sth_node_ints(const SthNode *node, const char *attr, guint *n);
const float *sth_node_floats(const SthNode *node, const char *attr, guint *n);
const SthAttr *sth_node_attr(const SthNode *node, const char *attr);
void sth_node_set_int(SthNode *node, const char *attr, gint64 value);
void sth_node_set_float(SthNode *node, const char *attr, float value);
void sth_node_set_ints(SthNode *node, const char *attr, const gint64 *values, guint n);
void sth_node_set_string(SthNode *node, const char *attr, const char *value);
/* Takes over the attribute. */
void sth_node_set_attr(SthNode *node, const char *name, SthAttr *attr);
void sth_attr_free(SthAttr *attr);
/* Appends to what `sth inspect` lists as fused. */
void sth_node_note_fused(SthNode *node, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Why a pass left the parts of @node as they are, for `sth inspect`; NULL: it did not, in the end. */
void sth_graph_note_unfused(SthGraph *graph, const SthNode *node, const char *format, ...) G_GNUC_PRINTF(3, 4);

G_END_DECLS
