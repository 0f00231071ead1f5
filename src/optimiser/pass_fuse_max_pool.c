/* Makes a Conv and the MaxPool behind it one "sth.ConvMaxPool".
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/conv_max_pool.h"
#include "optimiser/optimiser.h"

static void fuse(SthGraph *graph, SthNode *conv, SthNode *pool)
{
    SthNode *node = sth_graph_insert_node(graph, pool, conv->name, "sth.ConvMaxPool", conv->opset);
    SthValue *out = sth_node_output(pool, 0);

    node->op = sth_op_find(node->op_type);
    sth_conv_max_pool_set(node, conv, pool);
    sth_node_note_fused(node, "Conv '%s'", conv->name);
    if (conv->fused)
        sth_node_note_fused(node, "%s", conv->fused->str);
    sth_node_note_fused(node, "MaxPool '%s'", pool->name);
    sth_graph_retire_node(graph, conv);
    sth_graph_retire_node(graph, pool);
    sth_node_add_output(node, out);
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *pool = g_ptr_array_index(graph->nodes, i), *conv;
        SthValue *between = sth_node_input(pool, 0);

        if (pool->retired || strcmp(pool->op_type, "MaxPool") != 0 || !between || !between->producer)
            continue;
        conv = between->producer;
        if (strcmp(conv->op_type, "Conv") != 0 || sth_graph_single_user(graph, between) != pool || !sth_conv_max_pool_fits(conv, pool))
            continue;
        fuse(graph, conv, pool);
        changes++;
        i++; /* the new node stands before the pool */
    }
    sth_graph_sweep_nodes(graph);
    return changes;
}

const SthPass sth_pass_fuse_max_pool = {.name = "fuse_max_pool", .description = "MaxPool into the Conv before it", .run = run};
