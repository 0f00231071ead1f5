/* Makes three Conv in a row (any, depthwise, 1x1) one "sth.InvertedResidual".
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/inverted_residual.h"
#include "optimiser/optimiser.h"

/* The Conv that makes what @next alone reads as its image. */
static SthNode *conv_before(SthGraph *graph, const SthNode *next)
{
    SthValue *value = sth_node_input(next, 0);
    SthNode *conv = value ? value->producer : NULL;

    return conv && strcmp(conv->op_type, "Conv") == 0 && sth_graph_single_user(graph, value) == next ? conv : NULL;
}

static void fuse(SthGraph *graph, SthNode *const convs[STH_INVERTED_STAGES])
{
    SthNode *last = convs[STH_PROJECT];
    SthNode *node = sth_graph_insert_node(graph, last, last->name, "sth.InvertedResidual", last->opset);
    SthValue *out = sth_node_output(last, 0);

    node->op = sth_op_find(node->op_type);
    sth_inverted_set(node, convs);
    for (guint i = 0; i < STH_INVERTED_STAGES; i++) {
        sth_node_note_fused(node, "%s '%s'", convs[i]->op_type, convs[i]->name);
        if (convs[i]->fused)
            sth_node_note_fused(node, "%s", convs[i]->fused->str);
        sth_graph_retire_node(graph, convs[i]);
    }
    sth_node_add_output(node, out);
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *convs[STH_INVERTED_STAGES] = {[STH_PROJECT] = g_ptr_array_index(graph->nodes, i)};

        if (strcmp(convs[STH_PROJECT]->op_type, "Conv") != 0 || convs[STH_PROJECT]->retired)
            continue;
        convs[STH_DEPTHWISE] = conv_before(graph, convs[STH_PROJECT]);
        convs[STH_EXPAND] = convs[STH_DEPTHWISE] ? conv_before(graph, convs[STH_DEPTHWISE]) : NULL;
        if (!convs[STH_EXPAND] || !sth_inverted_fits(convs))
            continue;
        fuse(graph, convs);
        changes++;
        i++; /* the new node stands before the last of the three */
    }
    sth_graph_sweep_nodes(graph);
    return changes;
}

const SthPass sth_pass_fuse_inverted_residual = {
    .name = "fuse_inverted_residual",
    .description = "expanding, depthwise and projecting Conv into one",
    .run = run,
};
