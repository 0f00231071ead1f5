/* ConvInteger and QLinearConv: convolutions of bytes, exact, as int32 (which wraps around).
 *
 * Zero points and scales of the weights are one or one an output channel. Padding stands for 0, which is the zero point.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"
#include "ops/conv_columns.h"
#include "ops/quantized.h"

/* Where the inputs are. */
typedef struct {
    guint x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;
} Places;

static const Places integer = {.x = 0, .w = 1, .x_zero = 2, .w_zero = 3};
static const Places linear = {.x = 0, .x_scale = 1, .x_zero = 2, .w = 3, .w_scale = 4, .w_zero = 5, .y_scale = 6, .y_zero = 7, .bias = 8};

typedef struct {
    SthConvColumns columns;
    const Places *places;
    gsize w_offset, y_offset; /* in scratch memory, after x */
} Conv;

static gboolean check(SthNode *node, const Places *p, SthShape *shape, GError **error)
{
    const SthShape *weight = &sth_op_in(node, p->w)->shape;
    SthConv conv;

    if (!sth_conv_init_weight(&conv, node, weight, error) || !sth_quantized_check(node, p->x, p->x_zero, 1, error) ||
        !sth_quantized_check(node, p->w, p->w_zero, weight->dims[0], error))
        return FALSE;
    sth_sliding_shape(&conv.sliding, node, weight->dims[0], shape);
    return TRUE;
}

static gboolean infer_integer(SthNode *node, GError **error)
{
    SthShape shape;

    if (!check(node, &integer, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_INT32, &shape);
    return TRUE;
}

static gboolean infer_linear(SthNode *node, GError **error)
{
    SthShape shape;

    if (!check(node, &linear, &shape, error) || !sth_quantized_check_scale(node, linear.x_scale, 1, error) ||
        !sth_quantized_check_scale(node, linear.w_scale, shape.dims[1], error) || !sth_quantized_check_scale(node, linear.y_scale, 1, error) ||
        !sth_quantized_check(node, linear.y_zero, linear.y_zero, 1, error))
        return FALSE;
    if (sth_op_has_input(node, linear.bias)) {
        if (!sth_op_require_type(node, linear.bias, STH_DTYPE_INT32, error))
            return FALSE;
        if (sth_shape_elements(&sth_op_in(node, linear.bias)->shape) != shape.dims[1])
            return sth_op_error(node, error, "the bias '%s' has not one number for each output channel", sth_node_input(node, linear.bias)->name);
    }
    sth_op_set_output(node, 0, sth_op_in(node, linear.y_zero)->dtype, &shape);
    return TRUE;
}

static gboolean prepare_any(SthNode *node, const Places *places, GError **error)
{
    Conv *prepared = g_new0(Conv, 1);
    SthConv conv;

    node->prepared = prepared;
    if (!sth_conv_init_weight(&conv, node, &sth_op_in(node, places->w)->shape, error) || !sth_conv_columns_check(&conv, STH_DTYPE_INT32, node, error))
        return FALSE;
    sth_conv_columns_init(&prepared->columns, &conv, STH_DTYPE_INT32, node);
    prepared->places = places;
    prepared->w_offset = STH_ALIGN_UP((gsize)sth_shape_elements(&sth_op_in(node, places->x)->shape) * sizeof(gint32));
    prepared->y_offset = prepared->w_offset + STH_ALIGN_UP((gsize)sth_shape_elements(&sth_op_in(node, places->w)->shape) * sizeof(gint32));
    node->scratch = prepared->y_offset;
    if (places->y_scale)
        node->scratch += (gsize)sth_shape_elements(&sth_node_output(node, 0)->tensor.shape) * sizeof(gint32);
    node->macs = sth_conv_macs(&conv, NULL);
    return TRUE;
}

static gboolean prepare_integer(SthNode *node, GError **error)
{
    return prepare_any(node, &integer, error);
}

static gboolean prepare_linear(SthNode *node, GError **error)
{
    return prepare_any(node, &linear, error);
}

static void convolve(const SthOpRun *run, gint32 *out, SthConvFinish finish)
{
    const Conv *conv = run->prepared;
    const Places *p = conv->places;
    gint32 *x = (gint32 *)(gpointer)run->scratch, *w = (gint32 *)(gpointer)(run->scratch + conv->w_offset);

    sth_quantized_widen(run, p->x, p->x_zero, 1, x);
    sth_quantized_widen(run, p->w, p->w_zero, conv->columns.product.k, w);
    sth_conv_columns_run(&conv->columns, run, x, w, out, finish, (gpointer)run);
}

static void keep_sums(gpointer data, gsize channel, gsize at, gsize n)
{
}

static void store_sums(gpointer data, gsize channel, gsize at, gsize n)
{
    const SthOpRun *run = data;
    const Conv *conv = run->prepared;
    const float scale = (float)sth_quantized_parameter(&run->in[linear.w_scale], channel);
    const double factor = sth_quantized_parameter(&run->in[linear.x_scale], 0) / sth_quantized_parameter(&run->in[linear.y_scale], 0);
    const guint32 bias =
        run->n_in > linear.bias && run->in[linear.bias].dtype != STH_DTYPE_INVALID ? ((const guint32 *)run->in[linear.bias].data)[channel] : 0;
    guint32 *sums = (guint32 *)(gpointer)(run->scratch + conv->y_offset) + at;

    for (gsize i = 0; i < n; i++)
        sums[i] += bias;
    sth_quantized_store(run->out, at, n, (const gint32 *)sums, factor, &scale, 0, sth_quantized_parameter(&run->in[linear.y_zero], 0));
}

static void run_integer(const SthOpRun *run)
{
    convolve(run, run->out[0].data, keep_sums);
}

static void run_linear(const SthOpRun *run)
{
    convolve(run, (gint32 *)(gpointer)(run->scratch + ((const Conv *)run->prepared)->y_offset), store_sums);
}

extern const SthOp sth_op_conv_integer, sth_op_qlinear_conv;
const SthOp sth_op_conv_integer = {
    .name = "ConvInteger", .since = 10, .min_in = 2, .max_in = 4, .infer = infer_integer, .prepare = prepare_integer, .run = run_integer};
const SthOp sth_op_qlinear_conv = {
    .name = "QLinearConv", .since = 10, .min_in = 8, .max_in = 9, .infer = infer_linear, .prepare = prepare_linear, .run = run_linear};
