/* Makes Relu, Clip, and Max and Min with a number, the clamp ("sth.min", "sth.max") of the Conv, Gemm, Add or BatchNormalization before them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "ops/op.h"
#include "optimiser/optimiser.h"

static gboolean takes_clamp(const SthNode *node)
{
    static const char *const ops[] = {"Conv", "Gemm", "Add", "BatchNormalization"};

    for (guint i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (strcmp(node->op_type, ops[i]) == 0)
            return sth_node_output(node, 0)->tensor.dtype == STH_DTYPE_FLOAT;
    }
    return FALSE;
}

/* A bound of Clip: an attribute until opset 10, a constant input from 11. FALSE if it is only known at run time. */
static gboolean clip_bound(const SthNode *clip, const char *attr, guint input, float fallback, float *bound)
{
    const SthValue *value = sth_node_input(clip, input);

    *bound = sth_node_float(clip, attr, fallback);
    if (!value)
        return TRUE;
    if (!value->constant || value->tensor.dtype != STH_DTYPE_FLOAT || sth_shape_elements(&value->tensor.shape) != 1)
        return FALSE;
    *bound = *(const float *)value->tensor.data;
    return TRUE;
}

/* The number that a Max or Min of two inputs has beside the tensor, which @input is. */
static gboolean constant_beside(const SthNode *node, guint *input, float *number)
{
    if (node->inputs->len != 2)
        return FALSE;
    *input = sth_node_input(node, 0)->constant ? 1 : 0;
    return clip_bound(node, "", 1 - *input, 0, number);
}

/* Bounds of what the node does to input @input. */
static gboolean clamp_of(const SthNode *node, guint *input, float *min, float *max)
{
    *input = 0;
    *min = -INFINITY;
    *max = INFINITY;
    if (strcmp(node->op_type, "Relu") == 0) {
        *min = 0;
        return TRUE;
    }
    if (strcmp(node->op_type, "Max") == 0)
        return constant_beside(node, input, min);
    if (strcmp(node->op_type, "Min") == 0)
        return constant_beside(node, input, max);
    return strcmp(node->op_type, "Clip") == 0 && clip_bound(node, "min", 1, -INFINITY, min) && clip_bound(node, "max", 2, INFINITY, max);
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i), *before;
        SthValue *in, *out = sth_node_output(node, 0);
        float min, max, low, high;
        guint input;

        if (!sth_node_input(node, 0) || !clamp_of(node, &input, &min, &max))
            continue;
        in = sth_node_input(node, input);
        before = in->producer;
        if (!before || !takes_clamp(before) || !sth_shape_equal(&in->tensor.shape, &out->tensor.shape) || sth_graph_single_user(graph, in) != node)
            continue;
        /* clamp(clamp(x, low, high), min, max): the second bounds win where the intervals do not meet. */
        low = sth_node_float(before, "sth.min", -INFINITY);
        high = sth_node_float(before, "sth.max", INFINITY);
        sth_node_set_float(before, "sth.min", CLAMP(low, min, max));
        sth_node_set_float(before, "sth.max", CLAMP(high, min, max));
        sth_node_note_fused(before, "%s '%s'", node->op_type, node->name);
        sth_graph_remove_node(graph, node);
        sth_node_set_output(before, 0, out);
        changes++;
        i--;
    }
    return changes;
}

const SthPass sth_pass_fuse_activation = {.name = "fuse_activation", .description = "Relu, Clip, Max and Min into the node before them", .run = run};
