/* InstanceNormalization and GroupNormalization: mean 0 and variance 1 over each channel (group of channels) of each image, then scale and bias
 * of the channel.
 *
 * Sources: arXiv 1607.08022 (instance), 1803.08494 (group).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/op-helpers.h"

/* The tensor as [images][groups][channels of a group][area]. */
typedef struct {
    gsize images, groups, channels, area;
    gsize each; /* channels that share one number of scale and bias: opset 18 gave each group one */
    float epsilon;
} Norm;

/* @groups 0: each channel is one. */
static gboolean find_norm(SthNode *node, gint64 groups, Norm *norm, GError **error)
{
    for (guint i = 0; i < 3; i++)
        if (!sth_op_require_type(node, i, STH_DTYPE_FLOAT, error))
            return FALSE;
    const SthShape *in = &sth_op_in(node, 0)->shape;
    if (in->rank < 2)
        return sth_op_error(node, error, "the input has no axis of channels");
    gint64 channels = in->dims[1];
    groups = groups == 0 ? channels : groups;
    if (groups < 1 || channels % groups != 0)
        return sth_op_error(node, error, "%" G_GINT64_FORMAT " channels do not make %" G_GINT64_FORMAT " groups", channels, groups);
    *norm = (Norm){
        (gsize)in->dims[0], (gsize)groups, (gsize)(channels / groups), sth_op_product(in, 2, in->rank), 1, sth_node_float(node, "epsilon", 1e-5f)};
    for (guint i = 1; i < 3; i++) {
        gint64 n = sth_shape_elements(&sth_op_in(node, i)->shape);
        if (n == groups && n != channels)
            norm->each = norm->channels;
        else if (n != channels || norm->each != 1)
            return sth_op_error(node, error, "input %u ('%s') has not one number for each of %" G_GINT64_FORMAT " channels", i,
                                sth_node_input(node, i)->name, channels);
    }
    return TRUE;
}

static gboolean infer_norm(SthNode *node, gint64 groups, GError **error)
{
    Norm norm = {0};
    if (!find_norm(node, groups, &norm, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean prepare_norm(SthNode *node, gint64 groups, GError **error)
{
    Norm *norm = g_new(Norm, 1);
    node->prepared = norm;
    return find_norm(node, groups, norm, error);
}

/* @item: one group of one image. Mean and variance in double, two passes. */
static void normalise_group(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Norm *norm = run->prepared;
    const float *scale = run->in[1].data, *bias = run->in[2].data;
    gsize n = norm->channels * norm->area, first = item % norm->groups * norm->channels;
    const float *in = (const float *)run->in[0].data + item * n;
    float *out = (float *)run->out[0].data + item * n;
    double sum = 0, squares = 0;
    for (gsize i = 0; i < n; i++)
        sum += in[i];
    double mean = sum / (double)n;
    for (gsize i = 0; i < n; i++)
        squares += (in[i] - mean) * (in[i] - mean);
    double inverse = 1.0 / sqrt(squares / (double)n + norm->epsilon);
    for (gsize c = 0; c < norm->channels; c++) {
        gsize own = (first + c) / norm->each;
        double factor = scale[own] * inverse;
        sth_kernels()->scale_shift(out + c * norm->area, in + c * norm->area, norm->area, (float)factor, (float)(bias[own] - mean * factor),
                                   -INFINITY, INFINITY);
    }
}

static void run_norm(const SthOpRun *run)
{
    const Norm *norm = run->prepared;
    if (norm->channels * norm->area > 0)
        sth_op_parallel(run, normalise_group, (gpointer)run, (guint)(norm->images * norm->groups));
}

#define STH_NORM(ident, op_name, oldest, GROUPS)                                                                                                     \
    static gboolean infer_##ident(SthNode *node, GError **error)                                                                                     \
    {                                                                                                                                                \
        return infer_norm(node, GROUPS, error);                                                                                                      \
    }                                                                                                                                                \
    static gboolean prepare_##ident(SthNode *node, GError **error)                                                                                   \
    {                                                                                                                                                \
        return prepare_norm(node, GROUPS, error);                                                                                                    \
    }                                                                                                                                                \
    extern const SthOp sth_op_##ident;                                                                                                               \
    const SthOp sth_op_##ident = {.name = op_name,                                                                                                   \
                                  .since = oldest,                                                                                                   \
                                  .flags = STH_OP_INPLACE_0,                                                                                         \
                                  .min_in = 3,                                                                                                       \
                                  .max_in = 3,                                                                                                       \
                                  .infer = infer_##ident,                                                                                            \
                                  .prepare = prepare_##ident,                                                                                        \
                                  .run = run_norm};

STH_NORM(instance_normalization, "InstanceNormalization", 6, 0)
STH_NORM(group_normalization, "GroupNormalization", 18, MAX(sth_node_int(node, "num_groups", -1), -1))
