/* Removes nodes that give back their input: type and shape stay, and the operator does nothing else with these attributes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op.h"
#include "optimiser/constants.h"
#include "optimiser/optimiser.h"
#include "optimiser/views.h"

/* Type and shape of input 0 and output 0 are equal when these are asked. */

static gboolean always(const SthNode *node)
{
    return TRUE;
}

static gboolean alone(const SthNode *node)
{
    return node->inputs->len == 1 && node->outputs->len == 1;
}

/* Of equal length and forwards: from the start, in steps of 1. */
static gboolean slices_forwards(const SthNode *node)
{
    return !sth_node_input(node, 4) || sth_constant_ints_within(sth_node_input(node, 4), 1, G_MAXINT64);
}

static gboolean pads_nothing(const SthNode *node)
{
    const SthValue *pads = sth_node_input(node, 1);
    guint n;
    const gint64 *attr = sth_node_ints(node, "pads", &n);

    if (pads)
        return sth_constant_ints_within(pads, 0, 0);
    for (guint i = 0; i < n; i++) {
        if (attr[i] != 0)
            return FALSE;
    }
    return attr != NULL;
}

static gboolean multiplies_by_one(const SthNode *node)
{
    return sth_constant_is(sth_node_input(node, 1), 1);
}

static gboolean subtracts_nothing(const SthNode *node)
{
    return sth_constant_is(sth_node_input(node, 1), 0);
}

/* Views (Reshape, Squeeze, Identity, …) need no row. */
static const struct {
    const char *op;
    gboolean (*does_nothing)(const SthNode *node);
} rows[] = {
    {"Cast", always},
    {"CastLike", always},
    {"Concat", alone},
    {"Div", multiplies_by_one},
    {"Expand", always},
    {"GlobalAveragePool", always},
    {"GlobalMaxPool", always},
    {"Max", alone},
    {"Mean", alone},
    {"Min", alone},
    {"Mul", multiplies_by_one},
    {"Pad", pads_nothing},
    {"ReduceMax", always},
    {"ReduceMean", always},
    {"ReduceMin", always},
    {"ReduceProd", always},
    {"ReduceSum", always},
    {"Slice", slices_forwards},
    {"Split", alone},
    {"Sub", subtracts_nothing},
    {"Sum", alone},
    {"Tile", always},
    {"Transpose", sth_transpose_keeps_order},
};

static gboolean is_identity(const SthNode *node)
{
    const SthValue *in = sth_node_input(node, 0), *out = sth_node_output(node, 0);

    /* A clamp that a pass has put into the node is something. */
    if (!in || !out || sth_node_has(node, "sth.min") || sth_node_has(node, "sth.max") || in->tensor.dtype != out->tensor.dtype ||
        !sth_shape_equal(&in->tensor.shape, &out->tensor.shape))
        return FALSE;
    if (node->op->flags & STH_OP_VIEW)
        return node->outputs->len == 1 || !sth_node_output(node, 1);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].op, node->op_type) == 0)
            return rows[i].does_nothing(node);
    }
    return FALSE;
}

/* Takes parts without elements out of a Concat: exporters leave slices of no channels. Returns how many. */
static guint drop_empty_parts(SthNode *concat)
{
    guint kept = 0, n = concat->inputs->len;

    for (guint i = 0; i < n; i++) {
        SthValue *part = sth_node_input(concat, i);
        if (sth_shape_elements(&part->tensor.shape) > 0)
            sth_node_set_input(concat, kept++, part);
    }
    if (kept > 0)
        sth_node_trim_inputs(concat, kept);
    return kept > 0 ? n - kept : 0;
}

static guint output_index(const SthNode *node, const SthValue *value)
{
    guint index = 0;

    g_ptr_array_find(node->outputs, value, &index);
    return index;
}

/* FALSE if the node has to stay: it gives an input, a constant or another output of the graph a name of its own. */
static gboolean drop(SthGraph *graph, SthNode *node)
{
    SthValue *in = sth_node_input(node, 0), *out = sth_node_output(node, 0);
    SthNode *producer = in->producer;

    if (!sth_graph_is_output(graph, out)) {
        sth_graph_replace_uses(graph, out, in);
        sth_graph_retire_node(graph, node);
        return TRUE;
    }
    if (!producer || sth_graph_is_output(graph, in))
        return FALSE;
    /* An output of the graph keeps its name: the node before makes it now. */
    sth_graph_retire_node(graph, node);
    sth_node_set_output(producer, output_index(producer, in), out);
    sth_graph_replace_uses(graph, in, out);
    return TRUE;
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = graph->nodes->len; i-- > 0;) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        if (strcmp(node->op_type, "Concat") == 0)
            changes += drop_empty_parts(node);
        if (is_identity(node))
            changes += (guint)drop(graph, node);
    }
    sth_graph_sweep_nodes(graph);
    return changes;
}

const SthPass sth_pass_drop_identity = {.name = "drop_identity", .description = "nodes that give back their input", .run = run, .standard = TRUE};
