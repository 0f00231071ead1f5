/* QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
 *
 * Scale and zero point are one for the tensor, one for each index of an axis, or one for each block of indices of an axis (opset 21). They may be
 * computed when the model runs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/elements.h"
#include "ops/quantized.h"

#define TYPES_SMALL (STH_TYPES_BYTE | STH_TYPE(INT16) | STH_TYPE(UINT16))
#define BLOCK 512 /* elements that are converted at once */

/* The tensor as outer x length x inner, the middle one being the axis. */
typedef struct {
    gsize length, inner;
    gsize block;  /* indices of the axis that share parameters; 0: all elements do */
    gsize blocks; /* of the axis, where each has parameters for all of outer and inner; 0: the outer and inner ones share theirs */
} Layout;

/* Input 1 is the scale, input 2 the zero point. */
static gboolean read_layout(Layout *layout, SthNode *node, GError **error)
{
    const SthShape *in = &sth_op_in(node, 0)->shape, *scale = &sth_op_in(node, 1)->shape;
    const gint64 block = sth_node_int(node, "block_size", 0);
    gboolean fits;
    guint axis;

    *layout = (Layout){.length = 1, .inner = 1};
    if (sth_op_has_input(node, 2) && !sth_shape_equal(&sth_op_in(node, 2)->shape, scale) && sth_shape_elements(&sth_op_in(node, 2)->shape) != 1)
        return sth_op_error(node, error, "scale and zero point have different shapes");
    if (block == 0 && sth_shape_elements(scale) == 1)
        return TRUE;
    if (!sth_op_axis(node, sth_node_int(node, "axis", 1), in->rank, &axis, error))
        return FALSE;
    layout->length = (gsize)in->dims[axis];
    layout->inner = sth_op_product(in, axis + 1, in->rank);
    layout->block = 1;
    fits = block == 0 ? scale->rank == 1 && scale->dims[0] == in->dims[axis] : block > 0 && scale->rank == in->rank;
    if (block > 0) {
        layout->block = (gsize)block;
        layout->blocks = (layout->length + layout->block - 1) / layout->block;
        for (guint i = 0; i < in->rank && fits; i++)
            fits = scale->dims[i] == (i == axis ? (gint64)layout->blocks : in->dims[i]);
    }
    return fits || sth_op_error(node, error, "the scale's shape fits neither the tensor, nor its axis %u, nor blocks of that", axis);
}

/* Which parameter is for element @at; those up to *end share it. */
static gsize parameter_of(const Layout *layout, gsize at, gsize *end)
{
    const gsize inner = at % layout->inner, index = at / layout->inner % layout->length, outer = at / layout->inner / layout->length;

    if (layout->block == 0) {
        *end = G_MAXSIZE;
        return 0;
    }
    if (layout->blocks > 0) {
        *end = at + 1;
        return (outer * layout->blocks + index / layout->block) * layout->inner + inner;
    }
    *end = at + layout->inner - inner;
    return index;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Layout *layout = g_new0(Layout, 1);

    node->prepared = layout;
    return read_layout(layout, node, error);
}

static gboolean infer_quantize(SthNode *node, GError **error)
{
    const gint64 number = sth_node_int(node, "output_dtype", 0);
    SthDType dtype = STH_DTYPE_UINT8;
    Layout layout;

    if (!sth_op_require_types(node, 0, STH_TYPES_FLOAT | STH_TYPE(INT32), error) || !sth_op_require_type(node, 1, STH_DTYPE_FLOAT, error))
        return FALSE;
    if (sth_op_has_input(node, 2)) {
        if (!sth_op_require_types(node, 2, TYPES_SMALL, error))
            return FALSE;
        dtype = sth_op_in(node, 2)->dtype;
    } else if (number != 0) {
        dtype = sth_dtype_from_onnx(number);
    }
    if (!(TYPES_SMALL >> dtype & 1) || (number != 0 && dtype != sth_dtype_from_onnx(number)))
        return sth_op_error(node, error, "output_dtype %" G_GINT64_FORMAT " is not supported, or is not that of the zero point", number);
    if (!read_layout(&layout, node, error))
        return FALSE;
    sth_op_set_output(node, 0, dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean infer_dequantize(SthNode *node, GError **error)
{
    Layout layout;

    if (!sth_op_require_types(node, 0, TYPES_SMALL | STH_TYPE(INT32), error) || !sth_op_require_type(node, 1, STH_DTYPE_FLOAT, error) ||
        (sth_op_has_input(node, 2) && !sth_op_require_same_type(node, 0, 2, error)) || !read_layout(&layout, node, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static void quantize(double *x, gsize n, double scale, double zero)
{
    /* The quotient is rounded to float32 before it is rounded to a whole number: so it is defined. */
    for (gsize i = 0; i < n; i++)
        x[i] = rint((double)((float)x[i] / (float)scale)) + zero;
}

static void dequantize(double *x, gsize n, double scale, double zero)
{
    for (gsize i = 0; i < n; i++)
        x[i] = (x[i] - zero) * scale;
}

typedef struct {
    const SthOpRun *run;
    void (*convert)(double *x, gsize n, double scale, double zero);
} Work;

static void convert_part(gpointer data, guint item, guint thread)
{
    const Work *work = data;
    const SthTensor *in = work->run->in, *out = work->run->out, none = {.dtype = STH_DTYPE_INVALID};
    const SthTensor *zeros = work->run->n_in > 2 ? &in[2] : &none;
    const gsize first = (gsize)item * STH_OP_CHUNK, end = MIN(first + STH_OP_CHUNK, (gsize)sth_shape_elements(&in->shape));
    double wide[BLOCK];

    for (gsize from = first, n; from < end; from += n) {
        n = MIN(BLOCK, end - from);
        sth_elements_to_doubles(wide, in, from, n);
        for (gsize i = 0, stop; i < n; i = stop) {
            const gsize parameter = parameter_of(work->run->prepared, from + i, &stop);

            stop = MIN(n, stop - from);
            work->convert(wide + i, stop - i, sth_quantized_parameter(&in[1], parameter), sth_quantized_parameter(zeros, parameter));
        }
        sth_elements_from_doubles(out, wide, from, n);
    }
}

static void convert_all(const SthOpRun *run, void (*convert)(double *, gsize, double, double))
{
    Work work = {run, convert};

    sth_op_parallel(run, convert_part, &work, (guint)(((gsize)sth_shape_elements(&run->in[0].shape) + STH_OP_CHUNK - 1) / STH_OP_CHUNK));
}

static void run_quantize(const SthOpRun *run)
{
    convert_all(run, quantize);
}

static void run_dequantize(const SthOpRun *run)
{
    convert_all(run, dequantize);
}

static gboolean infer_dynamic(SthNode *node, GError **error)
{
    const SthShape scalar = {.rank = 0};

    if (!sth_op_require_type(node, 0, STH_DTYPE_FLOAT, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_UINT8, &sth_op_in(node, 0)->shape);
    sth_op_set_output(node, 1, STH_DTYPE_FLOAT, &scalar);
    sth_op_set_output(node, 2, STH_DTYPE_UINT8, &scalar);
    return TRUE;
}

/* 0…255 covers all elements and 0. Where all are 0 the scale is 1. */
static void run_dynamic(const SthOpRun *run)
{
    const float *x = run->in[0].data;
    const gsize n = (gsize)sth_shape_elements(&run->in[0].shape);
    float low = 0, high = 0, scale;
    guint8 zero;

    for (gsize i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    scale = high > low ? (high - low) / 255 : 1;
    const SthTensor zeros = {.dtype = STH_DTYPE_UINT8, .data = &zero};
    const double start = rint((double)(-low / scale));
    sth_elements_from_doubles(&zeros, &start, 0, 1);
    for (gsize from = 0, count; from < n; from += count) {
        double wide[BLOCK];

        count = MIN(BLOCK, n - from);
        sth_elements_to_doubles(wide, run->in, from, count);
        quantize(wide, count, (double)scale, zero);
        sth_elements_from_doubles(run->out, wide, from, count);
    }
    if (run->n_out > 1 && run->out[1].dtype != STH_DTYPE_INVALID)
        *(float *)run->out[1].data = scale;
    if (run->n_out > 2 && run->out[2].dtype != STH_DTYPE_INVALID)
        *(guint8 *)run->out[2].data = zero;
}

extern const SthOp sth_op_quantize_linear, sth_op_dequantize_linear, sth_op_dynamic_quantize_linear;
const SthOp sth_op_quantize_linear = {
    .name = "QuantizeLinear", .since = 10, .min_in = 2, .max_in = 3, .infer = infer_quantize, .prepare = prepare, .run = run_quantize};
const SthOp sth_op_dequantize_linear = {
    .name = "DequantizeLinear", .since = 10, .min_in = 2, .max_in = 3, .infer = infer_dequantize, .prepare = prepare, .run = run_dequantize};
const SthOp sth_op_dynamic_quantize_linear = {
    .name = "DynamicQuantizeLinear", .since = 11, .min_in = 1, .max_in = 1, .infer = infer_dynamic, .run = run_dynamic};
