/* Reshape, Flatten, Squeeze and Unsqueeze one after the other: the last alone gives the shape.
 *
 *   y = View(View(x))  ->  y = Reshape(x, shape of y)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"
#include "optimiser/optimiser.h"
#include "optimiser/views.h"

static gboolean is_view(const SthNode *node)
{
    return node->op->flags & STH_OP_VIEW && sth_node_output(node, 0) && (node->outputs->len == 1 || !sth_node_output(node, 1));
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i), *before;
        if (!is_view(node))
            continue;
        before = sth_node_input(node, 0)->producer;
        /* What stands before has been merged already, if it could be. */
        if (before && is_view(before) && sth_node_input(before, 0)->tensor.dtype == sth_node_output(node, 0)->tensor.dtype)
            changes += (guint)sth_node_become_reshape(graph, node, sth_node_input(before, 0));
    }
    return changes;
}

const SthPass sth_pass_merge_views = {
    .name = "merge_views", .description = "Reshape, Squeeze and the like behind one another", .run = run, .standard = TRUE};
