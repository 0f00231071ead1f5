/* Removes nodes that give back their input: Identity, Dropout at inference, a Reshape or Squeeze to the same shape, a Transpose that moves only
 * axes of length 1 and leaves the shape, a Cast to the same type.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op.h"
#include "optimiser/optimiser.h"

/* TRUE if the order of the axes longer than 1 stays. */
static gboolean keeps_order(const SthNode *node, const SthShape *shape)
{
    guint n, last = 0;
    const gint64 *perm = sth_node_ints(node, "perm", &n);
    gboolean any = FALSE;

    for (guint i = 0; i < shape->rank; i++) {
        guint axis = perm && n == shape->rank ? (guint)perm[i] : shape->rank - 1 - i;
        if (shape->dims[axis] == 1)
            continue;
        if (any && axis < last)
            return FALSE;
        last = axis;
        any = TRUE;
    }
    return TRUE;
}

static gboolean is_identity(const SthNode *node)
{
    const SthValue *in = sth_node_input(node, 0), *out = sth_node_output(node, 0);

    if (!in || !out || in->tensor.dtype != out->tensor.dtype || !sth_shape_equal(&in->tensor.shape, &out->tensor.shape))
        return FALSE;
    if (node->op->flags & STH_OP_VIEW)
        return node->outputs->len == 1 || !sth_node_output(node, 1);
    if (strcmp(node->op_type, "Cast") == 0)
        return TRUE;
    return strcmp(node->op_type, "Transpose") == 0 && keeps_order(node, &in->tensor.shape);
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = graph->nodes->len; i-- > 0;) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        SthValue *in, *out;

        if (!is_identity(node))
            continue;
        in = sth_node_input(node, 0);
        out = sth_node_output(node, 0);
        /* An output of the graph keeps its name: leave the node that makes it. */
        if (sth_graph_is_output(graph, out))
            continue;
        sth_graph_replace_uses(graph, out, in);
        sth_graph_remove_node(graph, node);
        changes++;
    }
    return changes;
}

const SthPass sth_pass_drop_identity = {.name = "drop_identity", .description = "nodes that give back their input", .run = run, .standard = TRUE};
