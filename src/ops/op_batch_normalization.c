/* BatchNormalization of a trained network: (x - mean) / sqrt(var + epsilon) * scale + bias, channel by channel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/op.h"

typedef struct {
    float epsilon, min, max;
    gsize channels, area;
} Normalization;

static gboolean infer(SthNode *node, GError **error)
{
    const SthShape *in = &sth_node_input(node, 0)->tensor.shape;

    if (sth_node_int(node, "training_mode", 0) != 0 || sth_node_int(node, "spatial", 1) == 0)
        return sth_op_error(node, error, "training_mode=1 and spatial=0 are not supported: export the model in evaluation mode");
    if (node->opset < 7 && sth_node_int(node, "is_test", 0) == 0 && sth_node_output(node, 1))
        return sth_op_error(node, error, "is_test=0 is not supported: export the model in evaluation mode");
    for (guint i = 1; i < 5; i++)
        if (sth_node_output(node, i))
            return sth_op_error(node, error, "outputs of training ('%s') are not supported: export the model in evaluation mode",
                                sth_node_output(node, i)->name);
    if (!sth_op_require_type(node, 0, STH_DTYPE_FLOAT, error))
        return FALSE;
    if (in->rank < 2)
        return sth_op_error(node, error, "the input has no axis of channels");
    for (guint i = 1; i < 5; i++) {
        if (!sth_op_require_type(node, i, STH_DTYPE_FLOAT, error))
            return FALSE;
        if (sth_shape_elements(&sth_node_input(node, i)->tensor.shape) != in->dims[1])
            return sth_op_error(node, error, "input %u ('%s') has not one number for each of %" G_GINT64_FORMAT " channels", i,
                                sth_node_input(node, i)->name, in->dims[1]);
    }
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, in);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    const SthShape *in = &sth_node_input(node, 0)->tensor.shape;
    Normalization n = {
        .epsilon = sth_node_float(node, "epsilon", 1e-5f),
        .min = sth_node_float(node, "sth.min", -INFINITY),
        .max = sth_node_float(node, "sth.max", INFINITY),
        .channels = (gsize)in->dims[1],
        .area = 1,
    };

    for (guint i = 2; i < in->rank; i++)
        n.area *= (gsize)in->dims[i];
    node->prepared = g_memdup2(&n, sizeof n);
    return TRUE;
}

/* @item = image * channels + channel. */
static void run_channel(gpointer data, guint item, guint thread)
{
    const SthOpRun *op = data;
    const Normalization *n = op->prepared;
    const gsize c = item % n->channels;
    const float *scale = op->in[1].data, *bias = op->in[2].data, *mean = op->in[3].data, *variance = op->in[4].data;
    const float factor = (float)(scale[c] / sqrt((double)variance[c] + n->epsilon));

    sth_kernels()->scale_shift((float *)op->out[0].data + item * n->area, (const float *)op->in[0].data + item * n->area, n->area, factor,
                               bias[c] - mean[c] * factor, n->min, n->max);
}

static void run(const SthOpRun *op)
{
    const Normalization *n = op->prepared;

    sth_op_parallel(op, run_channel, (gpointer)op, (guint)((gsize)op->in[0].shape.dims[0] * n->channels));
}

const SthOp sth_op_batch_normalization = {
    .name = "BatchNormalization", .since = 6, .flags = STH_OP_INPLACE_0, .min_in = 5, .max_in = 5, .infer = infer, .prepare = prepare, .run = run};
