/* The operator table. One operator is one file op_<name>.c, one row in ops.inc, its ONNX conformance cases.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/pool.h"
#include "graph/graph.h"

G_BEGIN_DECLS

/* One run of a node. */
typedef struct {
    const SthTensor *in;  /* n_in tensors; dtype INVALID where an optional input is left out */
    const SthTensor *out; /* n_out tensors; dtype INVALID where an output is not wanted */
    guint n_in, n_out;
    gconstpointer prepared;
    guint8 *scratch;        /* node->scratch bytes, aligned; contents undefined */
    guint8 *thread_scratch; /* threads * thread_stride bytes: thread t's part starts at t * thread_stride */
    gsize thread_stride;
    SthPool *pool; /* NULL: do all on this thread */
    guint threads;
} SthOpRun;

typedef enum {
    /* Output 0 is input 0's bytes with another shape: the planner gives both the same memory, run may be NULL. */
    STH_OP_VIEW = 1 << 0,
    /* Output 0 may stand in the memory of input 0 (of input 1) if that has the same number of bytes. */
    STH_OP_INPLACE_0 = 1 << 1,
    STH_OP_INPLACE_1 = 1 << 2,
    /* Its value follows from the shape of its input alone: folded even where the input is no constant. */
    STH_OP_SHAPE_ONLY = 1 << 3,
    /* Takes half floats as they are; all others, but those of shapes, get them as float32 (optimiser/widen.h). */
    STH_OP_HALF = 1 << 4,
    /* Its outputs from the second on are float32 whatever its inputs are. */
    STH_OP_FLOAT_EXTRAS = 1 << 5,
} SthOpFlags;

struct _SthOp {
    const char *name; /* ONNX operator, domain "" (ai.onnx) */
    gint since;       /* oldest opset whose definition this file implements */
    guint flags;
    guint min_in, max_in; /* number of inputs, max G_MAXUINT: any */
    guint constant_in;    /* bit i: input i, where it is given, must be a constant when the model is opened */
    /* Checks attributes, types and shapes; sets type and shape of each output (value->tensor, inferred = TRUE). Inputs are inferred.
     * What must be known at open time (Reshape's shape) must be a constant input here. Fails with sth_op_error(). */
    gboolean (*infer)(SthNode *node, GError **error);
    /* Packs weights into node->prepared, sets scratch, thread_scratch, macs. NULL: nothing to prepare. Called once, after the optimiser. */
    gboolean (*prepare)(SthNode *node, GError **error);
    /* Cannot fail and allocates nothing. */
    void (*run)(const SthOpRun *run);
    /* Frees node->prepared; NULL: g_free(). */
    void (*release)(gpointer prepared);
};

/* Every operator, by name; NULL if there is none. */
const SthOp *sth_op_find(const char *name);
const SthOp *const *sth_op_table(guint *n);

/* Frees node->prepared, if there is any, as its operator says. */
void sth_op_release(SthNode *node);

/* Sets @error to "cannot run 'layer3.0/Conv' (Conv): " followed by the message; code STH_ERROR_UNSUPPORTED. Returns FALSE. */
gboolean sth_op_error(const SthNode *node, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Helpers for infer(). */
void sth_op_set_output(SthNode *node, guint index, SthDType dtype, const SthShape *shape);
/* FALSE with @error unless input @index is there and of type @dtype. */
gboolean sth_op_require_type(SthNode *node, guint index, SthDType dtype, GError **error);
/* The constant integers (int32 or int64) of input @index; NULL with @error if it is no constant. Free with g_free(). */
gint64 *sth_op_constant_ints(SthNode *node, guint index, guint *n, GError **error);
/* An axis in -rank…rank-1 made positive; FALSE with @error if out of range. */
gboolean sth_op_axis(SthNode *node, gint64 axis, guint rank, guint *out, GError **error);
/* NumPy broadcasting of two shapes; FALSE with @error. */
gboolean sth_op_broadcast(SthNode *node, const SthShape *a, const SthShape *b, SthShape *out, GError **error);

/* Helper for run(): splits @n_items over the pool. */
void sth_op_parallel(const SthOpRun *run, SthPoolFunc func, gpointer data, guint n_items);

/* Convolution's internal attributes, set by the optimiser: "sth.min", "sth.max" (floats: clamp of the result) and a fourth input, the residual,
 * that is added before the clamp. Add understands "sth.min" and "sth.max" too, and so do Gemm and BatchNormalization. */

G_END_DECLS
