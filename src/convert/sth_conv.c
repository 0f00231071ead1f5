/* One 3x3 convolution as an STH convolution, in standard ONNX operators, frames as batch. Shapes in comments: T frames, C input channels, O outputs,
 * H x W pixels before and h x w behind the stride.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "convert/sth-conv.h"

#include <string.h>

#include "base/memory.h"
#include "convert/convert.h"
#include "optimiser/constants.h"

/* What there is to know of the convolution. Axis 0 are rows, axis 1 columns. */
typedef struct {
    SthEmitter emitter;
    SthNode *conv;
    SthValue *x;
    const float *weight, *bias; /* [O, I, 3, 3], I = 1 if depthwise; [O] or NULL */
    gint64 frames, inputs, outputs, out[2];
    gint64 start[2], end[2], stride[2]; /* of the pixels under the kernels' centres */
    gboolean depthwise, sampled;        /* sampled: those are not all pixels */
    guint groups;
} Conv;

void sth_channel_part(gint64 channels, guint groups, guint index, gint64 *first, gint64 *last)
{
    *first = channels * index / groups;
    *last = channels * (index + 1) / groups;
}

/* Rows (columns) of zeros before the first. */
static gint64 pad_before(const Conv *c, guint axis, gint64 dilation)
{
    const char *mode = sth_node_string(c->conv, "auto_pad", "NOTSET");
    guint n;
    const gint64 *pads = sth_node_ints(c->conv, "pads", &n);
    gint64 total = (c->out[axis] - 1) * c->stride[axis] + 2 * dilation + 1 - c->x->tensor.shape.dims[2 + axis];

    if (strcmp(mode, "SAME_UPPER") == 0)
        return MAX(total, 0) / 2;
    if (strcmp(mode, "SAME_LOWER") == 0)
        return (MAX(total, 0) + 1) / 2;
    return n == 4 ? pads[axis] : 0;
}

/* FALSE if a kernel's centre lies outside of the image. */
static gboolean find_centres(Conv *c)
{
    guint n_strides, n_dilations;
    const gint64 *strides = sth_node_ints(c->conv, "strides", &n_strides), *dilations = sth_node_ints(c->conv, "dilations", &n_dilations);

    for (guint axis = 0; axis < 2; axis++) {
        gint64 size = c->x->tensor.shape.dims[2 + axis], dilation = n_dilations == 2 ? dilations[axis] : 1;
        c->out[axis] = sth_node_output(c->conv, 0)->tensor.shape.dims[2 + axis];
        c->stride[axis] = n_strides == 2 ? strides[axis] : 1;
        c->start[axis] = dilation - pad_before(c, axis, dilation);
        c->end[axis] = c->start[axis] + (c->out[axis] - 1) * c->stride[axis] + 1;
        if (c->out[axis] < 1 || c->start[axis] < 0 || c->end[axis] > size)
            return FALSE;
        c->sampled = c->sampled || c->out[axis] != size;
    }
    return TRUE;
}

static const float *constant_floats(const SthValue *value)
{
    return value && value->constant && value->tensor.dtype == STH_DTYPE_FLOAT ? value->tensor.data : NULL;
}

static gboolean describe(Conv *c, SthGraph *graph)
{
    const SthValue *weight = sth_node_input(c->conv, 1), *bias = sth_node_input(c->conv, 2);
    const gint64 *dims = weight->tensor.shape.dims;
    gint64 groups = sth_node_int(c->conv, "group", 1);

    c->x = sth_node_input(c->conv, 0);
    c->weight = constant_floats(weight);
    c->bias = constant_floats(bias);
    if (!c->weight || (bias && !c->bias) || weight->tensor.shape.rank != 4 || dims[2] != 3 || dims[3] != 3 ||
        g_ptr_array_find(graph->inputs, c->x, NULL))
        return FALSE;
    c->frames = c->x->tensor.shape.dims[0];
    c->inputs = c->x->tensor.shape.dims[1];
    c->outputs = dims[0];
    c->depthwise = groups > 1 && groups == c->inputs && groups == c->outputs;
    return (groups == 1 || c->depthwise) && c->inputs >= (gint64)c->groups && c->outputs >= (gint64)c->groups && find_centres(c);
}

static SthValue *name_and_emit(const Conv *c, const char *op, const char *format, guint index, SthValue *a, SthValue *b)
{
    g_autofree char *name = g_strdup_printf(format, index);

    return sth_emit(&c->emitter, op, name, a, b);
}

static SthValue *add_input_ints(const Conv *c, SthValue *of, const char *what, const gint64 *numbers, guint n)
{
    g_autofree char *name = g_strdup_printf("%s/%s", of->name, what);
    SthValue *value = sth_graph_add_ints(c->emitter.graph, name, numbers, n);

    sth_node_add_input(of->producer, value);
    return value;
}

/* Slice: attributes until opset 9, inputs since. Steps need opset 10. */
static SthValue *slice(const Conv *c, const char *format, guint index, SthValue *x, const gint64 *axes, const gint64 *starts, const gint64 *ends,
                       const gint64 *steps, guint n)
{
    SthValue *out = name_and_emit(c, "Slice", format, index, x, NULL);

    if (c->emitter.opset < 10) {
        sth_node_set_ints(out->producer, "starts", starts, n);
        sth_node_set_ints(out->producer, "ends", ends, n);
        sth_node_set_ints(out->producer, "axes", axes, n);
        return out;
    }
    add_input_ints(c, out, "starts", starts, n);
    add_input_ints(c, out, "ends", ends, n);
    add_input_ints(c, out, "axes", axes, n);
    if (steps)
        add_input_ints(c, out, "steps", steps, n);
    return out;
}

static SthValue *channels(const Conv *c, const char *format, guint index, SthValue *x, gint64 first, gint64 last)
{
    const gint64 axis = 1;

    return slice(c, format, index, x, &axis, &first, &last, NULL, 1);
}

static SthValue *concat(const Conv *c, const char *format, guint index, GPtrArray *parts)
{
    SthValue *out;

    if (parts->len == 1)
        return g_ptr_array_index(parts, 0);
    out = name_and_emit(c, "Concat", format, index, g_ptr_array_index(parts, 0), NULL);
    for (guint i = 1; i < parts->len; i++)
        sth_node_add_input(out->producer, g_ptr_array_index(parts, i));
    sth_node_set_int(out->producer, "axis", 1);
    return out;
}

/* A constant for @out's producer; *data is to be filled. */
static SthValue *new_floats(const Conv *c, SthValue *out, const char *what, const SthShape *shape, float **data)
{
    g_autofree char *name = g_strdup_printf("%s/%s", out->name, what);
    gpointer memory;
    GBytes *bytes = sth_aligned_bytes((gsize)sth_shape_elements(shape) * sizeof(float), &memory);
    SthValue *value = sth_graph_add_constant(c->emitter.graph, name, STH_DTYPE_FLOAT, shape, bytes);

    *data = memory;
    sth_node_add_input(out->producer, value);
    return value;
}

static void add_bias(const Conv *c, SthValue *out, gint64 first, gint64 last)
{
    const SthShape shape = {.rank = 1, .dims = {last - first}};
    float *data;

    if (!c->bias)
        return;
    new_floats(c, out, "bias", &shape, &data);
    memcpy(data, c->bias + first, (gsize)(last - first) * sizeof(float));
}

static void copy_ints(const SthNode *from, SthNode *to, const char *attr)
{
    guint n;
    const gint64 *values = sth_node_ints(from, attr, &n);

    if (values)
        sth_node_set_ints(to, attr, values, n);
}

/* 3x3 kernels of outputs @o…@o_end over all of @x's channels, which are those of the convolution without @skip…@skip_end. */
static SthValue *spatial(const Conv *c, guint index, SthValue *x, gint64 o, gint64 o_end, gint64 skip, gint64 skip_end)
{
    gint64 per_output = c->depthwise ? 1 : c->inputs;
    const SthShape shape = {.rank = 4, .dims = {o_end - o, c->depthwise ? 1 : c->inputs - (skip_end - skip), 3, 3}};
    SthValue *out = name_and_emit(c, "Conv", "spatial%u", index, x, NULL);
    SthNode *node = out->producer;
    const char *auto_pad = sth_node_string(c->conv, "auto_pad", NULL);
    float *data;

    new_floats(c, out, "weight", &shape, &data);
    for (gint64 k = o; k < o_end; k++) {
        for (gint64 i = 0; i < per_output; i++) {
            if (!c->depthwise && i >= skip && i < skip_end)
                continue;
            memcpy(data, c->weight + (k * per_output + i) * 9, 9 * sizeof(float));
            data += 9;
        }
    }
    add_bias(c, out, o, o_end);
    sth_node_set_ints(node, "kernel_shape", (gint64[]){3, 3}, 2);
    copy_ints(c->conv, node, "strides");
    copy_ints(c->conv, node, "pads");
    copy_ints(c->conv, node, "dilations");
    if (auto_pad)
        sth_node_set_string(node, "auto_pad", auto_pad);
    if (c->depthwise)
        sth_node_set_int(node, "group", o_end - o);
    return out;
}

static float sum_of_taps(const float *taps)
{
    double sum = 0;

    for (guint i = 0; i < 9; i++)
        sum += taps[i];
    return (float)sum;
}

/* 3x1x1 kernels of outputs @o…@o_end over the channels @first…@last: of @x, 1xCxTx(h*w). The sum of the spatial taps at the centre, zeros beside it. */
static SthValue *temporal(const Conv *c, guint index, SthValue *x, gint64 o, gint64 o_end, gint64 first, gint64 last, gboolean with_bias)
{
    gint64 n = c->depthwise ? 1 : last - first;
    const SthShape shape = {.rank = 4, .dims = {o_end - o, n, 3, 1}};
    SthValue *out = name_and_emit(c, "Conv", "temporal%u", index, x, NULL);
    SthNode *node = out->producer;
    float *data;

    new_floats(c, out, "weight", &shape, &data);
    for (gint64 k = o; k < o_end; k++) {
        for (gint64 i = 0; i < n; i++, data += 3)
            data[1] = sum_of_taps(c->weight + (c->depthwise ? k : k * c->inputs + first + i) * 9);
    }
    if (with_bias)
        add_bias(c, out, o, o_end);
    sth_node_set_ints(node, "kernel_shape", (gint64[]){3, 1}, 2);
    sth_node_set_ints(node, "pads", (gint64[]){1, 0, 1, 0}, 4);
    if (c->depthwise)
        sth_node_set_int(node, "group", o_end - o);
    return out;
}

static SthValue *transpose(const Conv *c, const char *name, SthValue *x)
{
    SthValue *out = sth_emit(&c->emitter, "Transpose", name, x, NULL);

    sth_node_set_ints(out->producer, "perm", (gint64[]){0, 2, 1, 3}, 4);
    return out;
}

/* TxNxHxW to 1xNxTx(h*w): time becomes an axis that a kernel can run along. */
static SthValue *to_lines(const Conv *c, SthValue *x, gint64 n)
{
    static const gint64 axes[] = {2, 3};

    if (c->sampled)
        x = slice(c, "centres", 0, x, axes, c->start, c->end, c->stride, 2);
    x = sth_emit_reshape(&c->emitter, "lines", x, (gint64[]){1, c->frames, n, c->out[0] * c->out[1]}, 4);
    return transpose(c, "time-inside", x);
}

/* And back: 1xNxTx(h*w) to TxNxhxw. */
static SthValue *to_frames(const Conv *c, SthValue *x, gint64 n)
{
    x = transpose(c, "time-outside", x);
    return sth_emit_reshape(&c->emitter, "frames", x, (gint64[]){c->frames, n, c->out[0], c->out[1]}, 4);
}

/* Part @rotation of the channels along time, those before and behind it in space. */
static SthValue *depthwise(const Conv *c, guint rotation)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new();
    gint64 first, last;
    SthValue *line;

    sth_channel_part(c->inputs, c->groups, rotation % c->groups, &first, &last);
    if (first > 0)
        g_ptr_array_add(parts, spatial(c, 0, channels(c, "before", 0, c->x, 0, first), 0, first, 0, 0));
    line = c->groups > 1 ? channels(c, "within", 0, c->x, first, last) : c->x;
    line = temporal(c, 0, to_lines(c, line, last - first), first, last, first, last, TRUE);
    g_ptr_array_add(parts, to_frames(c, line, last - first));
    if (last < c->inputs)
        g_ptr_array_add(parts, spatial(c, 1, channels(c, "behind", 0, c->x, last, c->inputs), last, c->inputs, 0, 0));
    return concat(c, "channels", 0, parts);
}

/* The channels without @first…@last. */
static SthValue *others(const Conv *c, guint index, gint64 first, gint64 last)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new();

    if (first > 0)
        g_ptr_array_add(parts, channels(c, "before%u", index, c->x, 0, first));
    if (last < c->inputs)
        g_ptr_array_add(parts, channels(c, "behind%u", index, c->x, last, c->inputs));
    return concat(c, "others%u", index, parts);
}

static SthValue *dense(const Conv *c, guint rotation)
{
    g_autoptr(GPtrArray) planes = g_ptr_array_new();
    g_autoptr(GPtrArray) lines = g_ptr_array_new();
    SthValue *all_lines = to_lines(c, c->x, c->inputs), *moved;

    for (guint g = 0; g < c->groups; g++) {
        gint64 o, o_end, first, last;
        SthValue *line = all_lines;
        sth_channel_part(c->outputs, c->groups, g, &o, &o_end);
        sth_channel_part(c->inputs, c->groups, (g + rotation) % c->groups, &first, &last);
        if (c->groups > 1) {
            g_ptr_array_add(planes, spatial(c, g, others(c, g, first, last), o, o_end, first, last));
            line = channels(c, "within%u", g, all_lines, first, last);
        }
        g_ptr_array_add(lines, temporal(c, g, line, o, o_end, first, last, c->groups == 1));
    }
    moved = to_frames(c, concat(c, "lines-of-all", 0, lines), c->outputs);
    if (planes->len == 0)
        return moved;
    return sth_emit(&c->emitter, "Add", "sum", concat(c, "planes-of-all", 0, planes), moved);
}

gboolean sth_conv_to_sth(SthGraph *graph, SthNode *conv, guint groups, guint rotation)
{
    Conv c = {.emitter = {graph, conv, conv->name, conv->opset}, .conv = conv, .groups = groups};
    SthValue *result, *out = sth_node_output(conv, 0);

    if (!describe(&c, graph) || (c.sampled && conv->opset < 10))
        return FALSE;
    result = c.depthwise ? depthwise(&c, rotation) : dense(&c, rotation);
    sth_node_set_output(conv, 0, NULL);
    sth_node_set_output(result->producer, 0, out);
    sth_graph_retire_node(graph, conv);
    return TRUE;
}
