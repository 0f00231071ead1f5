/* A Cast from float32 to half floats and back to float32 is left out: such pairs are what inference puts between two nodes of a network of halfs
 * (widen.h). The rounding that goes with them is what the format cost, not what the network was trained to do.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/elements.h"
#include "optimiser/optimiser.h"

static gboolean is_cast(const SthNode *node, gboolean from_half)
{
    SthValue *in, *out;

    if (!node || strcmp(node->op_type, "Cast") != 0)
        return FALSE;
    in = sth_node_input(node, 0);
    out = sth_node_output(node, 0);
    if (from_half)
        return sth_dtype_is_half(in->tensor.dtype) && out->tensor.dtype == STH_DTYPE_FLOAT;
    return in->tensor.dtype == STH_DTYPE_FLOAT && sth_dtype_is_half(out->tensor.dtype);
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i), *before;

        if (!is_cast(node, TRUE))
            continue;
        before = sth_node_input(node, 0)->producer;
        if (!is_cast(before, FALSE) || sth_graph_is_output(graph, sth_node_output(node, 0)))
            continue;
        sth_graph_replace_uses(graph, sth_node_output(node, 0), sth_node_input(before, 0));
        sth_graph_retire_node(graph, node);
        changes++;
    }
    sth_graph_sweep_nodes(graph);
    return changes;
}

const SthPass sth_pass_cancel_casts = {.name = "cancel_casts", .description = "casts to half floats and back", .run = run, .standard = TRUE};
