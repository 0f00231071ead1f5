/* Removes nodes whose results nobody reads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/optimiser.h"

static gboolean is_dead(SthGraph *graph, const SthNode *node)
{
    for (guint i = 0; i < node->outputs->len; i++) {
        SthValue *value = sth_node_output(node, i);
        if (value && sth_graph_count_uses(graph, value) > 0)
            return FALSE;
    }
    return TRUE;
}

/* From the end, so that a chain goes in one walk. */
static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = graph->nodes->len; i-- > 0;) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        if (is_dead(graph, node)) {
            sth_graph_retire_node(graph, node);
            changes++;
        }
    }
    sth_graph_sweep_nodes(graph);
    return changes;
}

const SthPass sth_pass_drop_dead = {.name = "drop_dead", .description = "results that nobody reads", .run = run, .standard = TRUE};
