/* LayerNormalization: mean 0 and variance 1 over the axes from `axis` on, then scale and bias.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

/* The tensor as [outer][n]; outputs 1 and 2 are the mean and the inverse standard deviation of each row. */
typedef struct {
    gsize outer, n;
    float epsilon;
} Norm;

static gboolean infer(SthNode *node, GError **error)
{
    guint axis;
    for (guint i = 0; i < node->inputs->len; i++)
        if (!sth_op_require_type(node, i, STH_DTYPE_FLOAT, error))
            return FALSE;
    const SthShape *in = &sth_op_in(node, 0)->shape;
    if (!sth_op_axis(node, sth_node_int(node, "axis", -1), in->rank, &axis, error))
        return FALSE;
    for (guint i = 1; i < node->inputs->len; i++)
        if ((gsize)sth_shape_elements(&sth_op_in(node, i)->shape) != sth_op_product(in, axis, in->rank))
            return sth_op_error(node, error, "input %u ('%s') must have the shape of the normalised axes", i, sth_node_input(node, i)->name);
    SthShape outer = *in;
    for (guint i = axis; i < in->rank; i++)
        outer.dims[i] = 1;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, in);
    sth_op_set_output(node, 1, STH_DTYPE_FLOAT, &outer);
    sth_op_set_output(node, 2, STH_DTYPE_FLOAT, &outer);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    guint axis;
    const SthShape *in = &sth_op_in(node, 0)->shape;
    if (!sth_op_axis(node, sth_node_int(node, "axis", -1), in->rank, &axis, error))
        return FALSE;
    Norm *norm = g_new(Norm, 1);
    norm->outer = sth_op_product(in, 0, axis);
    norm->n = sth_op_product(in, axis, in->rank);
    norm->epsilon = sth_node_float(node, "epsilon", 1e-5f);
    node->prepared = norm;
    return TRUE;
}

static void normalise_row(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Norm *norm = run->prepared;
    const float *in = (const float *)run->in[0].data + item * norm->n, *scale = run->in[1].data;
    const float *bias = run->n_in > 2 ? run->in[2].data : NULL;
    float *out = (float *)run->out[0].data + item * norm->n;
    double sum = 0, squares = 0;
    for (gsize i = 0; i < norm->n; i++)
        sum += in[i];
    double mean = sum / (double)norm->n;
    for (gsize i = 0; i < norm->n; i++)
        squares += (in[i] - mean) * (in[i] - mean);
    double inverse = 1.0 / sqrt(squares / (double)norm->n + norm->epsilon);
    for (gsize i = 0; i < norm->n; i++)
        out[i] = (float)((in[i] - mean) * inverse) * scale[i] + (bias != NULL ? bias[i] : 0);
    if (run->n_out > 1 && run->out[1].dtype != STH_DTYPE_INVALID)
        ((float *)run->out[1].data)[item] = (float)mean;
    if (run->n_out > 2 && run->out[2].dtype != STH_DTYPE_INVALID)
        ((float *)run->out[2].data)[item] = (float)inverse;
}

static void run_norm(const SthOpRun *run)
{
    const Norm *norm = run->prepared;
    sth_op_parallel(run, normalise_row, (gpointer)run, (guint)norm->outer);
}

extern const SthOp sth_op_layer_normalization;
const SthOp sth_op_layer_normalization = {.name = "LayerNormalization",
                                          .since = 17,
                                          .flags = STH_OP_FLOAT_EXTRAS,
                                          .min_in = 2,
                                          .max_in = 3,
                                          .infer = infer,
                                          .prepare = prepare,
                                          .run = run_norm};
