/* Transposes: two become one (which drop_identity takes away if they undo each other), and one that moves only axes of length 1 becomes a Reshape,
 * which costs nothing.
 *
 *   y = Transpose(Transpose(x, p), q)  ->  y = Transpose(x, r),  r[i] = p[q[i]]
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "optimiser/optimiser.h"
#include "optimiser/views.h"

static gboolean is_transpose(const SthNode *node)
{
    return node && strcmp(node->op_type, "Transpose") == 0;
}

static guint merge(SthNode *node)
{
    SthNode *before = sth_node_input(node, 0)->producer;
    guint first[STH_MAX_RANK], second[STH_MAX_RANK];
    gint64 both[STH_MAX_RANK];
    guint rank = sth_node_input(node, 0)->tensor.shape.rank;

    if (!is_transpose(before))
        return 0;
    sth_transpose_axes(before, first);
    sth_transpose_axes(node, second);
    for (guint i = 0; i < rank; i++)
        both[i] = first[second[i]];
    sth_node_set_input(node, 0, sth_node_input(before, 0));
    sth_node_set_ints(node, "perm", both, rank);
    return 1;
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        SthValue *in;
        if (!is_transpose(node))
            continue;
        changes += merge(node);
        in = sth_node_input(node, 0);
        /* Of equal shape it is an identity, and gone in the next round. */
        if (sth_transpose_keeps_order(node) && !sth_shape_equal(&in->tensor.shape, &sth_node_output(node, 0)->tensor.shape))
            changes += (guint)sth_node_become_reshape(graph, node, in);
    }
    return changes;
}

const SthPass sth_pass_merge_transposes = {
    .name = "merge_transposes", .description = "Transposes behind one another, or of axes of length 1", .run = run, .standard = TRUE};
