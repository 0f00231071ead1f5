/* A rule for each operator.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/join.h"

#include <string.h>

#include "ops/op-helpers.h"
#include "ops/selection.h"
#include "ops/sliding.h"
#include "optimiser/constants.h"
#include "optimiser/views.h"

SthNode *sth_join_add(SthJoin *join, const char *name, const char *op, gint opset, SthValue *x, const SthShape *shape)
{
    SthNode *node = sth_graph_add_node(join->graph, name, op, opset);
    SthValue *out = sth_graph_add_value(join->graph, name);

    node->op = sth_op_find(op);
    sth_node_add_input(node, x);
    out->tensor.dtype = x->tensor.dtype;
    out->tensor.shape = *shape;
    out->inferred = TRUE;
    sth_node_add_output(node, out);
    g_ptr_array_add(join->order, node);
    return node;
}

SthValue *sth_join_volume(SthJoin *join, SthValue *x, const SthArrangement *arrangement, const gint64 dims[STH_TWIN_AXES])
{
    const gint opset = 13;
    const gboolean in_order = sth_arrangement_in_order(arrangement);
    SthShape turned = {.rank = STH_TWIN_AXES}, shape = {.rank = STH_TWIN_AXES};
    gint64 perm[STH_TWIN_AXES], back[STH_TWIN_AXES];
    SthNode *node;

    sth_arrangement_permutation(arrangement, perm);
    for (guint i = 0; i < STH_TWIN_AXES; i++) {
        turned.dims[i] = dims[perm[i]];
        shape.dims[i] = dims[i];
        back[perm[i]] = i;
    }
    node = sth_join_add(join, x->name, "Reshape", opset, x, in_order ? &shape : &turned);
    sth_node_become_reshape(join->graph, node, x);
    if (in_order)
        return sth_node_output(node, 0);
    node = sth_join_add(join, x->name, "Transpose", opset, sth_node_output(node, 0), &shape);
    sth_node_set_ints(node, "perm", back, STH_TWIN_AXES);
    return sth_node_output(node, 0);
}

/* Other inputs that have as many elements as a plane or more are not turned round for this. */
static gboolean is_large(const SthValue *value, const SthValue *out)
{
    return !value->constant && sth_shape_elements(&value->tensor.shape) * 8 > sth_shape_elements(&out->tensor.shape);
}

/* Where input @index of @node lies in the volume, its axes aligned at their ends with those of entry->in; @along (-1: none) may have any length. */
static gboolean align(const SthNode *node, guint index, const SthJoinEntry *entry, gint along, SthArrangement *arrangement,
                      gint64 dims[STH_TWIN_AXES])
{
    const SthShape *shape = &sth_node_input(node, index)->tensor.shape;
    const gint64 *size = entry->arrangement->twin->tensor.shape.dims;

    if (shape->rank > entry->in.rank)
        return FALSE;
    arrangement->n = 0;
    for (guint axis = 0; axis < STH_TWIN_AXES; axis++)
        dims[axis] = 1;
    for (guint i = 0; i < shape->rank; i++) {
        const guint at = entry->in.rank - shape->rank + i;
        gint64 whole = 1;
        if (shape->dims[i] == 1 && (gint)at != along)
            continue;
        for (guint k = 0; k < entry->in.n[at]; k++)
            whole *= size[entry->in.axis[at][k]];
        if (entry->in.n[at] == 0 || ((gint)at != along && whole != shape->dims[i]))
            return FALSE;
        for (guint k = 0; k < entry->in.n[at]; k++) {
            const guint8 axis = entry->in.axis[at][k];
            dims[axis] = (gint)at == along ? shape->dims[i] : size[axis];
            if (dims[axis] > 1)
                arrangement->axis[arrangement->n++] = axis;
        }
    }
    return TRUE;
}

/* Input @index as a volume that is broadcast to (@along: joined to) the entry's; NULL: it is not one, or would have to be turned round. With @join
 * NULL nothing is made, and any value stands for TRUE. */
static SthValue *bring(SthJoin *join, SthNode *node, guint index, const SthJoinEntry *entry, gint along, GHashTable *arrangements)
{
    SthValue *value = sth_node_input(node, index);
    const SthArrangement *known = g_hash_table_lookup(arrangements, value);
    SthArrangement arrangement;
    gint64 dims[STH_TWIN_AXES];

    if (index == entry->input)
        return entry->arrangement->twin;
    if (along < 0 && value->tensor.shape.rank <= STH_TWIN_AXES && sth_shape_elements(&value->tensor.shape) == 1)
        return value;
    if (!align(node, index, entry, along, &arrangement, dims))
        return NULL;
    if (known && sth_arrangement_same_order(known, &arrangement) && memcmp(known->twin->tensor.shape.dims, dims, STH_TWIN_AXES * sizeof(gint64)) == 0)
        return known->twin;
    if (is_large(value, sth_node_output(node, 0)) || sth_shape_elements(&value->tensor.shape) == 0)
        return NULL;
    return join ? sth_join_volume(join, value, &arrangement, dims) : value;
}

/* All inputs become volumes, or none. */
static gboolean bring_all(SthJoin *join, SthNode *node, const SthJoinEntry *entry, gint along)
{
    for (guint i = 0; i < node->inputs->len; i++) {
        if (sth_node_input(node, i) && !bring(NULL, node, i, entry, along, join->arrangements))
            return FALSE;
    }
    for (guint i = 0; i < node->inputs->len; i++) {
        if (sth_node_input(node, i))
            sth_node_set_input(node, i, bring(join, node, i, entry, along, join->arrangements));
    }
    return TRUE;
}

static gboolean elementwise(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    const SthShape *in = &sth_node_input(node, entry->input)->tensor.shape;

    *out = entry->in;
    return node->outputs->len == 1 && sth_shape_equal(in, &sth_node_output(node, 0)->tensor.shape) && bring_all(join, node, entry, -1);
}

/* Tensor axis 1 holds the channels and nothing else. */
static gboolean has_channels(const SthJoinEntry *entry)
{
    if (entry->input != 0 || entry->in.rank < 2)
        return FALSE;
    return entry->in.n[1] == 1 ? entry->in.axis[1][0] == STH_TWIN_C
                               : entry->in.n[1] == 0 && entry->arrangement->twin->tensor.shape.dims[STH_TWIN_C] == 1;
}

static gboolean batch_norm(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    *out = entry->in;
    if (!has_channels(entry) || node->outputs->len != 1)
        return FALSE;
    sth_node_set_input(node, 0, entry->arrangement->twin);
    return TRUE;
}

/* Where the node's kernel slides in the volume: axis i of @volume is that of the node at from[i], STH_AXES: none. */
typedef struct {
    SthSliding volume;
    guint from[STH_AXES];
} Slides;

static gboolean is_still(const SthSliding *s, guint axis)
{
    return s->kernel[axis] == 1 && s->stride[axis] == 1 && s->pad[axis] == 0 && s->pad_end[axis] == 0;
}

static gboolean find_slides(const SthNode *node, const SthJoinEntry *entry, Slides *slides, SthGrouping *out)
{
    const SthValue *weight = sth_node_input(node, 1);
    const gint64 *size = entry->arrangement->twin->tensor.shape.dims;
    const guint before = STH_AXES + 2 - entry->in.rank; /* axes that the node does not have */
    guint last = 0;
    SthSliding own;

    if (!has_channels(entry) || entry->in.rank > STH_TWIN_AXES || !sth_sliding_init(&own, node, weight ? &weight->tensor.shape : NULL, NULL))
        return FALSE;
    *out = entry->in;
    out->n[1] = 1;
    out->axis[1][0] = STH_TWIN_C;
    for (guint a = 0; a < STH_AXES; a++) {
        slides->from[a] = STH_AXES;
        slides->volume.kernel[a] = slides->volume.stride[a] = slides->volume.dilation[a] = 1;
        slides->volume.pad[a] = slides->volume.pad_end[a] = 0;
    }
    for (guint a = before; a < STH_AXES; a++) {
        const guint i = 2 + a - before;
        guint axis = STH_TWIN_T + a;
        if (is_still(&own, a))
            continue;
        if (entry->in.n[i] == 1)
            axis = entry->in.axis[i][0];
        if (entry->in.n[i] > 1 || axis < STH_TWIN_T || (entry->in.n[i] == 0 && size[axis] != 1) || axis <= last)
            return FALSE;
        last = axis;
        out->n[i] = 1;
        out->axis[i][0] = (guint8)axis;
        axis -= STH_TWIN_T;
        slides->from[axis] = a;
        slides->volume.kernel[axis] = own.kernel[a];
        slides->volume.stride[axis] = own.stride[a];
        slides->volume.dilation[axis] = own.dilation[a];
        slides->volume.pad[axis] = own.pad[a];
        slides->volume.pad_end[axis] = own.pad_end[a];
    }
    return TRUE;
}

static void write_slides(SthNode *node, const Slides *slides)
{
    const SthSliding *s = &slides->volume;
    gint64 pads[2 * STH_AXES];

    for (guint a = 0; a < STH_AXES; a++) {
        pads[a] = s->pad[a];
        pads[STH_AXES + a] = s->pad_end[a];
    }
    if (strncmp(sth_node_string(node, "auto_pad", "NOTSET"), "SAME", strlen("SAME")) == 0)
        sth_node_set_int(node, "ceil_mode", 0); /* which these do not know */
    sth_node_set_string(node, "auto_pad", "NOTSET");
    sth_node_set_ints(node, "kernel_shape", s->kernel, STH_AXES);
    sth_node_set_ints(node, "strides", s->stride, STH_AXES);
    sth_node_set_ints(node, "dilations", s->dilation, STH_AXES);
    sth_node_set_ints(node, "pads", pads, 2 * STH_AXES);
}

static gboolean conv(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    SthValue *weight = sth_node_input(node, 1);
    SthShape shape = {.rank = STH_TWIN_AXES};
    Slides slides;

    if (!weight->constant || node->inputs->len > 3 || sth_node_has(node, "sth.min") || sth_node_has(node, "sth.max") ||
        !find_slides(node, entry, &slides, out))
        return FALSE;
    shape.dims[0] = weight->tensor.shape.dims[0];
    shape.dims[1] = weight->tensor.shape.dims[1];
    memcpy(shape.dims + 2, slides.volume.kernel, sizeof slides.volume.kernel);
    weight = sth_graph_add_constant(join->graph, weight->name, weight->tensor.dtype, &shape, g_bytes_ref(weight->constant));
    sth_node_set_input(node, 0, entry->arrangement->twin);
    sth_node_set_input(node, 1, weight);
    write_slides(node, &slides);
    return TRUE;
}

static gboolean pool(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    Slides slides;

    if (node->outputs->len != 1 || !find_slides(node, entry, &slides, out))
        return FALSE;
    sth_node_set_input(node, 0, entry->arrangement->twin);
    write_slides(node, &slides);
    return TRUE;
}

/* The node becomes @op over the twin's axes of which @mask has a bit; its result keeps them, of length 1. */
static void reduce_volume(SthJoin *join, SthNode *node, const SthJoinEntry *entry, guint mask, const char *op)
{
    gint64 axes[STH_TWIN_AXES];
    guint n = 0;

    for (guint axis = 0; axis < STH_TWIN_AXES; axis++) {
        if (mask & 1u << axis)
            axes[n++] = axis;
    }
    sth_node_set_input(node, 0, entry->arrangement->twin);
    sth_node_trim_inputs(node, 1);
    sth_node_set_ints(node, "axes", axes, n);
    sth_node_set_int(node, "keepdims", 1);
    if (strcmp(node->op_type, op) != 0) {
        g_free(node->op_type);
        node->op_type = g_strdup(op);
        node->op = sth_op_find(op);
    }
}

/* Takes the axes of @mask (of the tensor) out of what the result consists of; returns which of the twin's they are. */
static guint take_axes(SthGrouping *axes, guint mask, gboolean keep)
{
    guint of_twin = 0, rank = 0;

    for (guint i = 0; i < axes->rank; i++) {
        for (guint k = 0; mask & 1u << i && k < axes->n[i]; k++)
            of_twin |= 1u << axes->axis[i][k];
        if (mask & 1u << i)
            axes->n[i] = 0;
        if (mask & 1u << i && !keep)
            continue;
        axes->n[rank] = axes->n[i];
        memmove(axes->axis[rank++], axes->axis[i], sizeof axes->axis[i]);
    }
    axes->rank = rank;
    return of_twin;
}

static gboolean reduce(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    const guint rank = entry->in.rank;
    guint n, mask, of_twin;
    gboolean given;
    g_autofree gint64 *axes = sth_op_ints_attr_or_input(node, "axes", 1, &n, &given, NULL);

    *out = entry->in;
    if (entry->input != 0 || !axes || n == 0 || !sth_op_axes_mask(node, axes, n, rank, &mask, NULL))
        return FALSE;
    of_twin = take_axes(out, mask, sth_node_int(node, "keepdims", 1) != 0);
    if (of_twin == 0)
        return FALSE;
    reduce_volume(join, node, entry, of_twin, node->op_type);
    return TRUE;
}

static gboolean global_pool(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    guint of_twin;

    *out = entry->in;
    if (!has_channels(entry))
        return FALSE;
    of_twin = take_axes(out, (1u << entry->in.rank) - 1 - 3, TRUE);
    if (of_twin == 0)
        return FALSE;
    reduce_volume(join, node, entry, of_twin, strcmp(node->op_type, "GlobalMaxPool") == 0 ? "ReduceMax" : "ReduceMean");
    return TRUE;
}

/* The axis of the twin that tensor axis @axis (negative: from the end) is; STH_TWIN_AXES: it is none or several. */
static guint twin_axis(const SthJoinEntry *entry, gint64 axis)
{
    const gint64 at = axis < 0 ? axis + entry->in.rank : axis;

    return at >= 0 && at < entry->in.rank && entry->in.n[at] == 1 ? entry->in.axis[at][0] : STH_TWIN_AXES;
}

static gboolean concat(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    const gint64 axis = sth_node_int(node, "axis", 1);
    const guint along = twin_axis(entry, axis);

    *out = entry->in;
    if (along == STH_TWIN_AXES || !bring_all(join, node, entry, (gint)(axis < 0 ? axis + entry->in.rank : axis)))
        return FALSE;
    sth_node_set_int(node, "axis", along);
    return TRUE;
}

static gboolean split(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    const guint along = twin_axis(entry, sth_node_int(node, "axis", 0));

    *out = entry->in;
    if (along == STH_TWIN_AXES || entry->input != 0)
        return FALSE;
    sth_node_set_input(node, 0, entry->arrangement->twin);
    sth_node_set_int(node, "axis", along);
    return TRUE;
}

/* Writes a list where the operator's opset has it: attribute @attr or input @index. */
static void write_list(SthJoin *join, SthNode *node, const char *attr, guint index, const gint64 *list, guint n)
{
    if (sth_node_has(node, attr))
        sth_node_set_ints(node, attr, list, n);
    else
        sth_node_set_input(node, index, sth_graph_add_ints(join->graph, node->name, list, n));
}

static gboolean slice(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    const SthShape *in = &sth_node_input(node, 0)->tensor.shape;
    gint64 starts[STH_TWIN_AXES], ends[STH_TWIN_AXES], axes[STH_TWIN_AXES], steps[STH_TWIN_AXES];
    SthSliceWindow window;
    guint n = 0;

    *out = entry->in;
    if (entry->input != 0 || !sth_slice_window(node, &window, NULL))
        return FALSE;
    for (guint i = 0; i < in->rank; i++) {
        if (window.length[i] == in->dims[i] && window.step[i] == 1)
            continue;
        if (twin_axis(entry, i) == STH_TWIN_AXES || window.length[i] == 0 || window.step[i] < 0)
            return FALSE;
        axes[n] = twin_axis(entry, i);
        starts[n] = window.start[i];
        steps[n] = window.step[i];
        ends[n] = window.start[i] + (window.length[i] - 1) * window.step[i] + 1;
        n++;
    }
    sth_node_set_input(node, 0, entry->arrangement->twin);
    write_list(join, node, "starts", 1, starts, n);
    write_list(join, node, "ends", 2, ends, n);
    if (sth_node_has(node, "starts"))
        sth_node_set_ints(node, "axes", axes, n);
    else
        write_list(join, node, "axes", 3, axes, n);
    if (sth_node_input(node, 4))
        write_list(join, node, "steps", 4, steps, n);
    return TRUE;
}

static gboolean pad(SthJoin *join, SthNode *node, const SthJoinEntry *entry, SthGrouping *out)
{
    gint64 begin[STH_MAX_RANK], end[STH_MAX_RANK], pads[2 * STH_TWIN_AXES] = {0};

    *out = entry->in;
    if (entry->input != 0 || !sth_pad_amounts(node, begin, end, NULL))
        return FALSE;
    for (guint i = 0; i < entry->in.rank; i++) {
        const guint axis = twin_axis(entry, i);
        if (begin[i] == 0 && end[i] == 0)
            continue;
        if (axis == STH_TWIN_AXES)
            return FALSE;
        pads[axis] = begin[i];
        pads[STH_TWIN_AXES + axis] = end[i];
    }
    sth_node_set_input(node, 0, entry->arrangement->twin);
    write_list(join, node, "pads", 1, pads, 2 * STH_TWIN_AXES);
    sth_node_trim_inputs(node, MIN(node->inputs->len, 3));
    return TRUE;
}

static const struct {
    const char *op;
    SthJoinRule *rule;
} rules[] = {
    {"Conv", conv},
    {"AveragePool", pool},
    {"MaxPool", pool},
    {"BatchNormalization", batch_norm},
    {"GlobalAveragePool", global_pool},
    {"GlobalMaxPool", global_pool},
    {"ReduceMax", reduce},
    {"ReduceMean", reduce},
    {"ReduceMin", reduce},
    {"ReduceSum", reduce},
    {"Concat", concat},
    {"Split", split},
    {"Slice", slice},
    {"Pad", pad},
    {"Abs", elementwise},
    {"Add", elementwise},
    {"Celu", elementwise},
    {"Clip", elementwise},
    {"Div", elementwise},
    {"Elu", elementwise},
    {"Erf", elementwise},
    {"Exp", elementwise},
    {"Gelu", elementwise},
    {"HardSigmoid", elementwise},
    {"HardSwish", elementwise},
    {"LeakyRelu", elementwise},
    {"Max", elementwise},
    {"Min", elementwise},
    {"Mish", elementwise},
    {"Mul", elementwise},
    {"Neg", elementwise},
    {"PRelu", elementwise},
    {"Relu", elementwise},
    {"Selu", elementwise},
    {"Sigmoid", elementwise},
    {"Softplus", elementwise},
    {"Softsign", elementwise},
    {"Sqrt", elementwise},
    {"Sub", elementwise},
    {"Sum", elementwise},
    {"Tanh", elementwise},
};

SthJoinRule *sth_join_rule(const SthNode *node)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (strcmp(rules[i].op, node->op_type) == 0)
            return rules[i].rule;
    }
    return NULL;
}
