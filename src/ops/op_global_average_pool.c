/* GlobalAveragePool: the mean over all axes but batch and channels.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/kernels.h"
#include "ops/op.h"

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape = sth_node_input(node, 0)->tensor.shape;

    if (!sth_op_require_type(node, 0, STH_DTYPE_FLOAT, error))
        return FALSE;
    if (shape.rank < 3)
        return sth_op_error(node, error, "the input has %u axes: batch, channels and one more at least", shape.rank);
    for (guint i = 2; i < shape.rank; i++)
        shape.dims[i] = 1;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

/* @item = image * channels + channel. */
static void run_plane(gpointer data, guint item, guint thread)
{
    const SthOpRun *op = data;
    const SthShape *shape = &op->in[0].shape;
    gsize n = 1;

    for (guint i = 2; i < shape->rank; i++)
        n *= (gsize)shape->dims[i];
    ((float *)op->out[0].data)[item] = sth_kernels()->sum((const float *)op->in[0].data + item * n, n) / (float)n;
}

static void run(const SthOpRun *op)
{
    sth_op_parallel(op, run_plane, (gpointer)op, (guint)(op->in[0].shape.dims[0] * op->in[0].shape.dims[1]));
}

const SthOp sth_op_global_average_pool = {.name = "GlobalAveragePool", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .run = run};
