/* Shape inference and constant folding, one walk in running order: an exporter's Shape-Gather-Concat-Reshape chain is known when the walk
 * reaches its Reshape, because everything before has been folded already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "base/memory.h"
#include "ops/op.h"
#include "optimiser/branches.h"
#include "optimiser/optimiser.h"
#include "optimiser/widen.h"

/* Larger tensors than this are a broken shape, not a network. */
#define MAX_TENSOR_BYTES ((gint64)1 << 40)
/* And larger constants than this are not folded from a few numbers by a network that means well. */
#define MAX_FOLDED_BYTES ((gsize)1 << 30)

static gboolean check_inputs(SthNode *node, GError **error)
{
    const SthOp *op = node->op;
    guint n = node->inputs->len;

    if (n < op->min_in || n > op->max_in)
        return sth_op_error(node, error, "it has %u inputs; the operator takes %u to %u", n, op->min_in, op->max_in);
    for (guint i = 0; i < n; i++) {
        const SthValue *value = sth_node_input(node, i);
        if (!value && i < op->min_in)
            return sth_op_error(node, error, "input %u is left out, but the operator needs it", i);
        if (value && !value->inferred)
            return sth_op_error(node, error, "the shape of its input '%s' is not known", value->name);
        if (value && !value->constant && i < 32 && (op->constant_in >> i & 1))
            return sth_op_error(node, error,
                                "input %u ('%s') must be a constant, but it is computed when the model runs; export with fixed shapes and weights", i,
                                value->name);
    }
    return TRUE;
}

static gboolean check_outputs(SthNode *node, GError **error)
{
    for (guint i = 0; i < node->outputs->len; i++) {
        const SthValue *value = sth_node_output(node, i);
        gint64 bytes;

        if (!value)
            continue;
        if (!value->inferred)
            return sth_op_error(node, error, "output %u ('%s') is not supported", i, value->name);
        bytes = (gint64)sth_dtype_size(value->tensor.dtype);
        for (guint d = 0; d < value->tensor.shape.rank; d++) {
            gint64 dim = value->tensor.shape.dims[d];
            if (dim < 0 || (dim > 0 && bytes > MAX_TENSOR_BYTES / dim)) {
                g_autofree char *shape = sth_shape_to_string(&value->tensor.shape);
                return sth_op_error(node, error, "its output '%s' would have the impossible shape %s", value->name, shape);
            }
            bytes *= dim;
        }
    }
    return TRUE;
}

static gboolean is_foldable(const SthNode *node)
{
    gboolean by_shape = (node->op->flags & STH_OP_SHAPE_ONLY) != 0;

    for (guint i = 0; i < node->inputs->len && !by_shape; i++) {
        const SthValue *value = sth_node_input(node, i);
        if (value && !value->constant)
            return FALSE;
    }
    return TRUE;
}

static void collect(SthTensor *tensors, const GPtrArray *values)
{
    for (guint i = 0; i < values->len; i++) {
        const SthValue *value = g_ptr_array_index(values, i);
        if (value)
            tensors[i] = value->tensor;
    }
}

/* Memory for what @node gives as a constant. */
static gboolean allocate_outputs(const SthNode *node, gsize limit, SthTensor *out, GBytes **bytes, GError **error)
{
    for (guint i = 0; i < node->outputs->len; i++) {
        gsize size;

        if (out[i].dtype == STH_DTYPE_INVALID)
            continue;
        size = sth_tensor_bytes(&out[i]);
        out[i].data = size <= limit ? sth_aligned_try_alloc(size) : NULL;
        if (!out[i].data) {
            g_autofree char *shape = sth_shape_to_string(&out[i].shape);
            return sth_op_error(node, error, "its constant output '%s' of shape %s would take %.1f MB; " STH_MEMORY_REMEDY,
                                sth_node_output(node, i)->name, shape, (double)size * 1e-6);
        }
        bytes[i] = g_bytes_new_with_free_func(out[i].data, size, sth_aligned_free, out[i].data);
    }
    return TRUE;
}

/* Runs the node now and makes its outputs constants. */
static gboolean fold_node(const SthGraph *graph, SthNode *node, GError **error)
{
    guint n_in = node->inputs->len, n_out = node->outputs->len;
    g_autofree SthTensor *in = g_new0(SthTensor, n_in + 1);
    g_autofree SthTensor *out = g_new0(SthTensor, n_out + 1);
    g_autofree GBytes **bytes = g_new0(GBytes *, n_out + 1);
    SthOpRun run = {.in = in, .out = out, .n_in = n_in, .n_out = n_out, .threads = 1};

    collect(in, node->inputs);
    collect(out, node->outputs);
    if (!allocate_outputs(node, graph->memory_limit ? MIN(graph->memory_limit, MAX_FOLDED_BYTES) : MAX_FOLDED_BYTES, out, bytes, error) ||
        (node->op->prepare && !node->op->prepare(node, error))) {
        for (guint i = 0; i < n_out; i++)
            g_clear_pointer(&bytes[i], g_bytes_unref);
        return FALSE;
    }
    run.prepared = node->prepared;
    run.scratch = sth_aligned_alloc(node->scratch);
    run.thread_scratch = sth_aligned_alloc(node->thread_scratch);
    run.thread_stride = node->thread_scratch;
    if (node->op->run)
        node->op->run(&run);
    else
        memcpy(out[0].data, in[0].data, sth_tensor_bytes(&out[0]));
    sth_aligned_free(run.scratch);
    sth_aligned_free(run.thread_scratch);
    if (node->prepared)
        (node->op->release ? node->op->release : g_free)(g_steal_pointer(&node->prepared));
    for (guint i = 0; i < n_out; i++) {
        if (bytes[i])
            sth_value_set_constant(sth_node_output(node, i), bytes[i]);
    }
    return TRUE;
}

static gboolean check_graph_inputs(SthGraph *graph, GError **error)
{
    for (guint i = 0; i < graph->inputs->len; i++) {
        SthValue *value = g_ptr_array_index(graph->inputs, i);

        for (guint d = 0; d < value->tensor.shape.rank; d++) {
            if (value->tensor.shape.dims[d] < 0) {
                g_autofree char *shape = sth_shape_to_string(&value->tensor.shape);
                g_set_error(error, STH_ERROR, STH_ERROR_SHAPE, "%s: input '%s' has the open shape %s; fix its free dimensions when exporting",
                            graph->source, value->name, shape);
                return FALSE;
            }
        }
        value->inferred = TRUE;
    }
    return TRUE;
}

/* Infers a node that takes no halfs any more, and folds it if it can be. */
static gboolean infer_node(SthWidening *widening, SthNode *node, GError **error)
{
    if (!node->op->infer(node, error))
        return FALSE;
    sth_widening_leave(widening, node);
    if (!check_outputs(node, error))
        return FALSE;
    if (!is_foldable(node))
        return TRUE;
    if (!fold_node(widening->graph, node, error))
        return FALSE;
    sth_graph_retire_node(widening->graph, node);
    return TRUE;
}

gboolean sth_graph_infer(SthGraph *graph, GError **error)
{
    gboolean done = TRUE;
    SthWidening widening;

    if (!check_graph_inputs(graph, error))
        return FALSE;
    sth_widening_init(&widening, graph);
    for (guint i = 0; i < graph->nodes->len && done; i++) {
        SthNode *node;

        done = sth_graph_take_branches(graph, i, error);
        if (!done || i == graph->nodes->len)
            break;
        node = g_ptr_array_index(graph->nodes, i);
        done = check_inputs(node, error);
        if (done && sth_widening_enter(&widening, node)) {
            i--; /* its Casts stand here now */
            continue;
        }
        done = done && infer_node(&widening, node, error);
    }
    sth_widening_clear(&widening);
    sth_graph_sweep_nodes(graph);
    return done;
}
