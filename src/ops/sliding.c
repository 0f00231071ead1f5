/* Geometry of kernels that slide over an image.
 *
 * Source: ONNX operators Conv, MaxPool, AveragePool (auto_pad, ceil_mode); a window of ceil_mode that would start behind the padded input is
 * left out, as the specification has it since opset 22 and PyTorch always had.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sliding.h"

#include <string.h>

gboolean sth_sliding_read_axes(const SthNode *node, const char *attr, guint n, gint64 least, gint64 *out, GError **error)
{
    guint given;
    const gint64 *values = sth_node_ints(node, attr, &given);

    if (!values)
        return TRUE;
    if (given != n)
        return sth_op_error(node, error, "%s has %u numbers for %u axes", attr, given, n);
    for (guint i = 0; i < n; i++) {
        if (values[i] < least || values[i] > G_MAXINT32)
            return sth_op_error(node, error, "%s has the number %" G_GINT64_FORMAT ", which is out of range", attr, values[i]);
        out[STH_AXES - n + i] = values[i];
    }
    return TRUE;
}

gboolean sth_sliding_read_pads(SthSliding *s, const SthNode *node, guint n, GError **error)
{
    guint given;
    const gint64 *pads = sth_node_ints(node, "pads", &given);

    if (!pads)
        return TRUE;
    if (given != 2 * n)
        return sth_op_error(node, error, "pads has %u numbers for %u axes", given, n);
    for (guint i = 0; i < 2 * n; i++)
        if (pads[i] < -G_MAXINT32 || pads[i] > G_MAXINT32)
            return sth_op_error(node, error, "pads has the number %" G_GINT64_FORMAT ", which is out of range", pads[i]);
    memcpy(s->pad + STH_AXES - n, pads, n * sizeof *pads);
    memcpy(s->pad_end + STH_AXES - n, pads + n, n * sizeof *pads);
    return TRUE;
}

/* The fields that make the attribute. */
#define FIELDS                                                                                                                                       \
    {                                                                                                                                                \
        s->kernel, s->stride, s->dilation, s->pad, s->pad_end                                                                                        \
    }
#define N_FIELDS 5

void sth_sliding_set(SthNode *node, const char *attr, const SthSliding *s)
{
    const gint64 *const fields[N_FIELDS] = FIELDS;
    gint64 numbers[N_FIELDS * STH_AXES];

    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        numbers[i] = fields[i / STH_AXES][i % STH_AXES];
    for (guint axis = 0; axis < STH_AXES; axis++) /* as it is with ceil_mode too */
        numbers[(N_FIELDS - 1) * STH_AXES + axis] = (s->out[axis] - 1) * s->stride[axis] + sth_sliding_span(s, axis) - s->in[axis] - s->pad[axis];
    sth_node_set_ints(node, attr, numbers, G_N_ELEMENTS(numbers));
}

gboolean sth_sliding_get(SthSliding *s, const SthNode *node, const char *attr, const gint64 in[STH_AXES])
{
    gint64 *const fields[N_FIELDS] = FIELDS;
    guint n;
    const gint64 *numbers = sth_node_ints(node, attr, &n);

    if (n != N_FIELDS * STH_AXES)
        return FALSE;
    for (guint i = 0; i < n; i++)
        fields[i / STH_AXES][i % STH_AXES] = numbers[i];
    for (guint axis = 0; axis < STH_AXES; axis++) {
        s->in[axis] = in[axis];
        s->out[axis] = (in[axis] + s->pad[axis] + s->pad_end[axis] - sth_sliding_span(s, axis)) / s->stride[axis] + 1;
    }
    return TRUE;
}

gboolean sth_sliding_size(const SthShape *shape, gint64 size[STH_AXES])
{
    const guint skip = STH_AXES + 2 - shape->rank;

    if (shape->rank < 3 || shape->rank > 2 + STH_AXES)
        return FALSE;
    for (guint axis = 0; axis < STH_AXES; axis++)
        size[axis] = axis < skip ? 1 : shape->dims[2 + axis - skip];
    return TRUE;
}

gint64 sth_sliding_span(const SthSliding *s, guint axis)
{
    return (s->kernel[axis] - 1) * s->dilation[axis] + 1;
}

static gboolean set_out(SthSliding *s, const SthNode *node, guint axis, gboolean ceil_mode, GError **error)
{
    gint64 room = s->in[axis] + s->pad[axis] + s->pad_end[axis] - sth_sliding_span(s, axis);

    if (room < 0)
        return sth_op_error(node, error, "the kernel spans %" G_GINT64_FORMAT " elements of an axis that has %" G_GINT64_FORMAT " with its pads",
                            sth_sliding_span(s, axis), room + sth_sliding_span(s, axis));
    s->out[axis] = (room + (ceil_mode ? s->stride[axis] - 1 : 0)) / s->stride[axis] + 1;
    if (ceil_mode && (s->out[axis] - 1) * s->stride[axis] >= s->in[axis] + s->pad[axis])
        s->out[axis]--;
    return TRUE;
}

static gboolean set_pads_and_out(SthSliding *s, const SthNode *node, guint n, GError **error)
{
    const char *mode = sth_node_string(node, "auto_pad", "NOTSET");
    gboolean upper = strcmp(mode, "SAME_UPPER") == 0, same = upper || strcmp(mode, "SAME_LOWER") == 0;
    gboolean ceil_mode = sth_node_int(node, "ceil_mode", 0) != 0;

    if (strcmp(mode, "NOTSET") == 0) {
        if (!sth_sliding_read_pads(s, node, n, error))
            return FALSE;
    } else if (!same && strcmp(mode, "VALID") != 0) {
        return sth_op_error(node, error, "auto_pad '%s' is not supported: use NOTSET, VALID, SAME_UPPER or SAME_LOWER", mode);
    }
    for (guint axis = STH_AXES - n; axis < STH_AXES; axis++) {
        if (same) {
            gint64 out = (s->in[axis] + s->stride[axis] - 1) / s->stride[axis];
            gint64 total = MAX(0, (out - 1) * s->stride[axis] + sth_sliding_span(s, axis) - s->in[axis]);

            s->pad[axis] = upper ? total / 2 : total - total / 2;
            s->pad_end[axis] = total - s->pad[axis];
        }
        if (!set_out(s, node, axis, ceil_mode && !same, error))
            return FALSE;
    }
    return TRUE;
}

gboolean sth_sliding_read(SthSliding *s, const SthNode *node, const SthShape *weight, GError **error)
{
    const SthShape *in = &sth_node_input(node, 0)->tensor.shape;
    guint n = in->rank - 2;

    if (in->rank < 3 || n > STH_AXES)
        return sth_op_error(node, error, "an input with %u axes is not supported: batch, channels and one to three more are", in->rank);
    if (weight && weight->rank != in->rank)
        return sth_op_error(node, error, "the weights have %u axes, the input %u", weight->rank, in->rank);
    if (!weight && !sth_node_has(node, "kernel_shape"))
        return sth_op_error(node, error, "kernel_shape is missing");
    memset(s, 0, sizeof *s);
    for (guint axis = 0; axis < STH_AXES; axis++)
        s->in[axis] = s->out[axis] = s->kernel[axis] = s->stride[axis] = s->dilation[axis] = 1;
    for (guint i = 0; i < n; i++) {
        if (in->dims[2 + i] > G_MAXINT32) /* so that sizes times strides do not overflow */
            return sth_op_error(node, error, "axis %u of the input has %" G_GINT64_FORMAT " elements, which is out of range", 2 + i, in->dims[2 + i]);
        s->in[STH_AXES - n + i] = in->dims[2 + i];
        if (weight)
            s->kernel[STH_AXES - n + i] = weight->dims[2 + i];
    }
    if (!sth_sliding_read_axes(node, "kernel_shape", n, 1, s->kernel, error) || !sth_sliding_read_axes(node, "strides", n, 1, s->stride, error) ||
        !sth_sliding_read_axes(node, "dilations", n, 1, s->dilation, error))
        return FALSE;
    for (guint i = 0; weight && i < n; i++)
        if (s->kernel[STH_AXES - n + i] != weight->dims[2 + i] || weight->dims[2 + i] < 1)
            return sth_op_error(node, error, "kernel_shape is not that of the weights");
    if ((double)s->kernel[STH_T] * (double)s->kernel[STH_H] * (double)s->kernel[STH_W] > STH_SLIDING_MAX_TAPS)
        return sth_op_error(node, error, "a kernel of more than %d taps is not supported", STH_SLIDING_MAX_TAPS);
    return TRUE;
}

gboolean sth_sliding_init(SthSliding *s, const SthNode *node, const SthShape *weight, GError **error)
{
    return sth_sliding_read(s, node, weight, error) && set_pads_and_out(s, node, sth_node_input(node, 0)->tensor.shape.rank - 2, error);
}

void sth_sliding_shape(const SthSliding *s, const SthNode *node, gint64 channels, SthShape *shape)
{
    const SthShape *in = &sth_node_input(node, 0)->tensor.shape;

    *shape = *in;
    shape->dims[1] = channels;
    for (guint i = 2; i < in->rank; i++)
        shape->dims[i] = s->out[STH_AXES - in->rank + i];
}

static gsize product(const gint64 *dims)
{
    return (gsize)(dims[STH_T] * dims[STH_H] * dims[STH_W]);
}

gsize sth_sliding_in(const SthSliding *s)
{
    return product(s->in);
}

gsize sth_sliding_out(const SthSliding *s)
{
    return product(s->out);
}

gsize sth_sliding_taps(const SthSliding *s)
{
    return product(s->kernel);
}

void sth_sliding_range(const SthSliding *s, guint axis, gint64 tap, gint64 *first, gint64 *end)
{
    gint64 stride = s->stride[axis], offset = tap * s->dilation[axis] - s->pad[axis], last = s->in[axis] - 1 - offset;

    *first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    *end = last < 0 ? 0 : MIN(s->out[axis], last / stride + 1);
    *first = MIN(*first, *end);
}

void sth_sliding_row(const SthSliding *s, gint64 t, gint64 h, SthSlidingTapFunc func, gpointer data)
{
    for (gint64 kt = 0; kt < s->kernel[STH_T]; kt++) {
        const gint64 from_t = t * s->stride[STH_T] + kt * s->dilation[STH_T] - s->pad[STH_T];

        for (gint64 kh = 0; kh < s->kernel[STH_H] && from_t >= 0 && from_t < s->in[STH_T]; kh++) {
            const gint64 from_h = h * s->stride[STH_H] + kh * s->dilation[STH_H] - s->pad[STH_H];

            for (gint64 kw = 0; kw < s->kernel[STH_W] && from_h >= 0 && from_h < s->in[STH_H]; kw++) {
                gint64 first, end, from_w;

                sth_sliding_range(s, STH_W, kw, &first, &end);
                if (first >= end)
                    continue;
                from_w = first * s->stride[STH_W] + kw * s->dilation[STH_W] - s->pad[STH_W];
                func(data, &(SthSlidingTap){.tap = (gsize)((kt * s->kernel[STH_H] + kh) * s->kernel[STH_W] + kw),
                                            .from = (gsize)((from_t * s->in[STH_H] + from_h) * s->in[STH_W] + from_w),
                                            .first = (gsize)first,
                                            .n = (gsize)(end - first)});
            }
        }
    }
}
