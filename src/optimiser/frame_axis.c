/* One rule for each kind of operator; an operator that has none mixes frames.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/frame_axis.h"

#include <string.h>

#include "ops/conv_max_pool.h"
#include "ops/inverted_residual.h"

#define MIXED (-1)

/* The results' frame axis for input @input (computed, frames on @axis); MIXED if there is none. */
typedef gint Rule(const SthNode *node, guint input, gint axis, gint64 frames);

static const SthShape *shape_of(const SthValue *value)
{
    return &value->tensor.shape;
}

static gint same(const SthNode *node, guint input, gint axis, gint64 frames)
{
    return input == 0 ? axis : MIXED;
}

static gint but_channels(const SthNode *node, guint input, gint axis, gint64 frames)
{
    return input == 0 && axis != 1 ? axis : MIXED;
}

/* Axes are aligned at their ends. A constant must be the same for every frame. */
static gint broadcast(const SthNode *node, guint input, gint axis, gint64 frames)
{
    const gint rank = (gint)shape_of(sth_node_output(node, 0))->rank;
    const gint out = axis + rank - (gint)shape_of(sth_node_input(node, input))->rank;

    for (guint i = 0; i < node->inputs->len; i++) {
        const SthValue *value = sth_node_input(node, i);
        const gint at = value ? out - (rank - (gint)shape_of(value)->rank) : -1;
        if (value && value->constant && at >= 0 && shape_of(value)->dims[at] != 1)
            return MIXED;
    }
    return out;
}

/* The slides of @s along the frames stand still. */
static gboolean is_still(const SthSliding *s, guint rank, gint axis)
{
    const guint at = STH_AXES - rank + (guint)axis;
    return s->kernel[at] == 1 && s->stride[at] == 1 && s->pad[at] == 0 && s->pad_end[at] == 0;
}

static gint slide(const SthNode *node, guint input, gint axis, gint64 frames)
{
    const SthValue *weight = sth_node_input(node, 1);
    SthSliding sliding;

    if (input == 3) /* what is added to the result */
        return axis;
    if (input != 0 || axis == 1)
        return MIXED;
    if (axis == 0)
        return 0;
    if (!sth_sliding_init(&sliding, node, weight ? shape_of(weight) : NULL, NULL))
        return MIXED;
    return is_still(&sliding, shape_of(sth_node_input(node, 0))->rank, axis) ? axis : MIXED;
}

static gint pool(const SthNode *node, guint input, gint axis, gint64 frames)
{
    return node->outputs->len == 1 ? slide(node, input, axis, frames) : MIXED;
}

static gint inverted(const SthNode *node, guint input, gint axis, gint64 frames)
{
    const guint rank = shape_of(sth_node_input(node, input))->rank;
    SthConv convs[STH_INVERTED_STAGES];

    if (input != 0) /* what is added to the result: all others are constants */
        return axis;
    if (axis == 1 || !sth_inverted_read(convs, node, NULL))
        return MIXED;
    for (guint i = 0; i < STH_INVERTED_STAGES && axis > 0; i++)
        if (!is_still(&convs[i].sliding, rank, axis))
            return MIXED;
    return axis;
}

static gint conv_max_pool(const SthNode *node, guint input, gint axis, gint64 frames)
{
    SthSliding pool;
    SthConv conv;

    if (input != 0 || axis == 1 || !sth_conv_max_pool_read(&conv, &pool, node, NULL))
        return MIXED;
    return axis == 0 || is_still(&conv.sliding, shape_of(sth_node_input(node, 0))->rank, axis) ? axis : MIXED; /* the pool is: it stays in a plane */
}

static gint batch_only(const SthNode *node, guint input, gint axis, gint64 frames)
{
    return input == 0 && axis == 0 ? 0 : MIXED;
}

static gint transpose(const SthNode *node, guint input, gint axis, gint64 frames)
{
    const guint rank = shape_of(sth_node_input(node, 0))->rank;
    guint n;
    const gint64 *perm = sth_node_ints(node, "perm", &n);

    for (guint i = 0; i < rank; i++)
        if ((n ? perm[i] : (gint64)(rank - 1 - i)) == axis)
            return (gint)i;
    return MIXED;
}

/* The same bytes in another shape: frames stay an axis if as much stands before them. */
static gint view(const SthNode *node, guint input, gint axis, gint64 frames)
{
    const SthShape *in = shape_of(sth_node_input(node, 0)), *out = shape_of(sth_node_output(node, 0));
    gint64 before = 1, there = 1;

    if (input != 0)
        return MIXED;
    for (gint i = 0; i < axis; i++)
        before *= in->dims[i];
    for (guint i = 0; i < out->rank && there <= before; there *= out->dims[i], i++)
        if (there == before && out->dims[i] == frames)
            return (gint)i;
    return MIXED;
}

static gint concat(const SthNode *node, guint input, gint axis, gint64 frames)
{
    const gint64 along = sth_node_int(node, "axis", 1), rank = shape_of(sth_node_input(node, input))->rank;

    for (guint i = 0; i < node->inputs->len; i++)
        if (sth_node_input(node, i)->constant)
            return MIXED;
    return (along < 0 ? along + rank : along) != axis ? axis : MIXED;
}

static const struct {
    const char *op;
    Rule *rule;
} rules[] = {
    {"Conv", slide},
    {"MaxPool", pool},
    {"AveragePool", pool},
    {"LpPool", pool},
    {"sth.ConvMaxPool", conv_max_pool},
    {"sth.InvertedResidual", inverted},
    {"GlobalAveragePool", batch_only},
    {"GlobalMaxPool", batch_only},
    {"BatchNormalization", but_channels},
    {"LRN", but_channels},
    {"Add", broadcast},
    {"Sub", broadcast},
    {"Mul", broadcast},
    {"Div", broadcast},
    {"Max", broadcast},
    {"Min", broadcast},
    {"PRelu", broadcast},
    {"Sum", broadcast},
    {"Concat", concat},
    {"Transpose", transpose},
    {"Reshape", view},
    {"Squeeze", view},
    {"Unsqueeze", view},
    {"Flatten", view},
    {"Abs", same},
    {"Cast", same},
    {"Celu", same},
    {"Clip", same},
    {"Dropout", same},
    {"Elu", same},
    {"Erf", same},
    {"Exp", same},
    {"Gelu", same},
    {"HardSigmoid", same},
    {"HardSwish", same},
    {"Identity", same},
    {"LeakyRelu", same},
    {"Mish", same},
    {"Neg", same},
    {"Relu", same},
    {"Selu", same},
    {"Sigmoid", same},
    {"Softplus", same},
    {"Softsign", same},
    {"Sqrt", same},
    {"Tanh", same},
};

static Rule *find_rule(const SthNode *node)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++)
        if (strcmp(rules[i].op, node->op_type) == 0)
            return rules[i].rule;
    return NULL;
}

gint sth_node_frame_axis(const SthNode *node, GHashTable *axes, gint64 frames)
{
    Rule *rule = find_rule(node);
    gint axis = MIXED;

    if (!rule)
        return MIXED;
    for (guint i = 0; i < node->inputs->len; i++) {
        const SthValue *value = sth_node_input(node, i);
        if (!value || value->constant)
            continue;
        const gint in = (gint)GPOINTER_TO_UINT(g_hash_table_lookup(axes, value)) - 1;
        const gint out = in < 0 ? MIXED : rule(node, i, in, frames);
        if (out < 0 || (axis >= 0 && out != axis))
            return MIXED;
        axis = out;
    }
    /* What a rule says must be so in the shapes too: a broadcast may have made the frames of one. */
    for (guint i = 0; i < node->outputs->len && axis >= 0; i++) {
        const SthValue *value = sth_node_output(node, i);
        if (value && (axis >= (gint)shape_of(value)->rank || shape_of(value)->dims[axis] != frames))
            return MIXED;
    }
    return axis;
}
