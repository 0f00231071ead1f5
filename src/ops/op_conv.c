/* Conv: one, two and three axes, any kernel, stride, dilation, padding and number of groups.
 *
 * Constant weights are packed when the model is opened; others are used as they come, which is slower. Taps of packed weights that are zero in
 * all that a step computes are left out (0 * infinity, which would be NaN, counts as 0 there): a Spatio-Temporal Hybrid convolution that is
 * written as one 3x3x3 kernel costs what its separate spatial and temporal kernels would.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/conv_columns.h"

/* First that takes it. */
static const SthConvMethod *const methods[] = {&sth_conv_columns,  &sth_conv_depthwise, &sth_conv_blas,
                                               &sth_conv_winograd, &sth_conv_strips,    &sth_conv_gemm};

typedef struct {
    const SthConvMethod *method;
    gpointer data;
} Prepared;

gboolean sth_conv_init_weight(SthConv *conv, const SthNode *node, const SthShape *weight, GError **error)
{
    const SthShape *in = &sth_node_input(node, 0)->tensor.shape;
    gint64 groups = sth_node_int(node, "group", 1);

    if (!sth_sliding_init(&conv->sliding, node, weight, error))
        return FALSE;
    if (groups < 1 || in->dims[1] % groups || weight->dims[0] % groups || weight->dims[1] * groups != in->dims[1])
        return sth_op_error(node, error,
                            "%" G_GINT64_FORMAT " channels, weights for %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
                            " groups do not fit together",
                            in->dims[1], weight->dims[1], weight->dims[0], groups);
    conv->batch = (gsize)in->dims[0];
    conv->groups = (gsize)groups;
    conv->in_channels = (gsize)weight->dims[1];
    conv->out_channels = (gsize)(weight->dims[0] / groups);
    conv->min = sth_node_float(node, "sth.min", -INFINITY);
    conv->max = sth_node_float(node, "sth.max", INFINITY);
    conv->pool = NULL;
    return TRUE;
}

gboolean sth_conv_init(SthConv *conv, const SthNode *node, GError **error)
{
    return sth_conv_init_weight(conv, node, &sth_node_input(node, 1)->tensor.shape, error);
}

static const char *const bounds[] = {".min", ".max"};

void sth_conv_set(SthNode *node, const char *name, const SthConv *conv)
{
    sth_sliding_set(node, name, &conv->sliding);
    for (guint i = 0; i < G_N_ELEMENTS(bounds); i++) {
        g_autofree char *bound = g_strconcat(name, bounds[i], NULL);

        sth_node_set_float(node, bound, i ? conv->max : conv->min);
    }
}

gboolean sth_conv_get(SthConv *conv, const SthNode *node, const char *name, const SthValue *weight, gsize groups, const gint64 in[STH_AXES])
{
    if (!weight || !weight->constant || weight->tensor.shape.rank < 2)
        return FALSE;
    *conv = (SthConv){
        .batch = (gsize)sth_node_input(node, 0)->tensor.shape.dims[0],
        .groups = groups,
        .in_channels = (gsize)weight->tensor.shape.dims[1],
        .out_channels = (gsize)weight->tensor.shape.dims[0] / groups,
    };
    for (guint i = 0; i < G_N_ELEMENTS(bounds); i++) {
        g_autofree char *bound = g_strconcat(name, bounds[i], NULL);

        *(i ? &conv->max : &conv->min) = sth_node_float(node, bound, i ? INFINITY : -INFINITY);
    }
    return sth_sliding_get(&conv->sliding, node, name, in);
}

guint64 sth_conv_macs(const SthConv *conv, const float *weight)
{
    const gsize n = conv->groups * conv->out_channels * conv->in_channels * sth_sliding_taps(&conv->sliding);
    guint64 used = weight ? 0 : n;

    for (gsize i = 0; weight && i < n; i++)
        used += weight[i] != 0;
    return used * conv->batch * sth_sliding_out(&conv->sliding);
}

const SthConvMethod *sth_conv_method(const SthConv *conv, const float *weight)
{
    guint i = 0;

    while (!methods[i]->takes(conv, weight))
        i++;
    return methods[i];
}

static gboolean infer(SthNode *node, GError **error)
{
    const SthValue *weight = sth_node_input(node, 1), *bias = sth_node_input(node, 2), *residual = sth_node_input(node, 3);
    SthConv conv;
    SthShape shape;

    for (guint i = 0; i < 4; i++)
        if ((i < 2 || sth_node_input(node, i)) && !sth_op_require_type(node, i, STH_DTYPE_FLOAT, error))
            return FALSE;
    if (!sth_conv_init(&conv, node, error))
        return FALSE;
    if (bias && (bias->tensor.shape.rank != 1 || bias->tensor.shape.dims[0] != weight->tensor.shape.dims[0]))
        return sth_op_error(node, error, "the bias '%s' has not one number for each output channel", bias->name);
    sth_sliding_shape(&conv.sliding, node, weight->tensor.shape.dims[0], &shape);
    if (residual && !sth_shape_equal(&residual->tensor.shape, &shape))
        return sth_op_error(node, error, "what is added ('%s') has not the shape of the result", residual->name);
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

/* Neighbouring axes on which nothing slides (kernel 1, stride 1, no pads) are one axis in memory: a 1x1 convolution has only columns. */
static void merge_axes(SthSliding *s)
{
    gboolean still[STH_AXES];

    for (guint axis = 0; axis < STH_AXES; axis++)
        still[axis] = s->kernel[axis] == 1 && s->stride[axis] == 1 && s->pad[axis] == 0 && s->pad_end[axis] == 0;
    if (!still[STH_W])
        return;
    for (guint axis = STH_H + 1; axis-- > STH_T && still[axis];) {
        s->in[STH_W] *= s->in[axis];
        s->out[STH_W] *= s->out[axis];
        s->in[axis] = s->out[axis] = 1;
    }
}

static gboolean prepare(SthNode *node, GError **error)
{
    const SthValue *value = sth_node_input(node, 1), *bias = sth_node_input(node, 2);
    const float *weight = value->constant && (!bias || bias->constant) ? value->tensor.data : NULL;
    Prepared *prepared;
    SthConv conv;

    if (!sth_conv_init(&conv, node, error) || (!weight && !sth_conv_columns_check(&conv, STH_DTYPE_FLOAT, node, error)))
        return FALSE;
    node->macs = sth_conv_macs(&conv, weight);
    merge_axes(&conv.sliding);
    prepared = g_new0(Prepared, 1);
    prepared->method = sth_conv_method(&conv, weight);
    node->method = prepared->method->name;
    prepared->data = prepared->method->prepare(&conv, node, weight, bias ? bias->tensor.data : NULL);
    node->prepared = prepared;
    node->in_place = prepared->method->in_place ? 1u << 3 : 0;
    node->packed_inputs = weight ? 1u << 1 | 1u << 2 : 0; /* weights and bias: every method packs them */
    return TRUE;
}

static void run(const SthOpRun *op)
{
    const Prepared *prepared = op->prepared;

    prepared->method->run(prepared->data, op, op->in[0].data, op->n_in > 3 && op->in[3].dtype != STH_DTYPE_INVALID ? op->in[3].data : NULL,
                          op->out[0].data);
}

static void release(gpointer data)
{
    Prepared *prepared = data;

    prepared->method->release(prepared->data);
    g_free(prepared);
}

const SthOp sth_op_conv = {
    .name = "Conv",
    .since = 1,
    .min_in = 2,
    .max_in = 4,
    .infer = infer,
    .prepare = prepare,
    .run = run,
    .release = release,
};
