/* Operators that give the same elements in the same order another shape.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/views.h"

#include "ops/op.h"
#include "optimiser/constants.h"

void sth_transpose_axes(const SthNode *node, guint perm[STH_MAX_RANK])
{
    const guint rank = sth_node_input(node, 0)->tensor.shape.rank;
    guint n;
    const gint64 *given = sth_node_ints(node, "perm", &n);

    for (guint i = 0; i < rank; i++) {
        perm[i] = rank - 1 - i;
        if (given && n == rank)
            perm[i] = (guint)(given[i] < 0 ? given[i] + rank : given[i]);
    }
}

gboolean sth_transpose_keeps_order(const SthNode *node)
{
    const SthShape *shape = &sth_node_input(node, 0)->tensor.shape;
    guint perm[STH_MAX_RANK], last = 0;
    gboolean any = FALSE;

    sth_transpose_axes(node, perm);
    for (guint i = 0; i < shape->rank; i++) {
        if (shape->dims[perm[i]] == 1)
            continue;
        if (any && perm[i] < last)
            return FALSE;
        last = perm[i];
        any = TRUE;
    }
    return TRUE;
}

gboolean sth_node_become_reshape(SthGraph *graph, SthNode *node, SthValue *x)
{
    const SthShape *shape = &sth_node_output(node, 0)->tensor.shape;
    g_autofree char *name = g_strdup_printf("%s/shape", node->name);

    /* Before opset 5 the shape was an attribute; a 0 in it means another thing than no elements. */
    if (node->opset < 5 || sth_shape_elements(shape) == 0)
        return FALSE;
    sth_node_set_input(node, 0, x);
    sth_node_set_input(node, 1, sth_graph_add_ints(graph, name, shape->dims, shape->rank));
    sth_node_trim_inputs(node, 2);
    g_hash_table_remove_all(node->attrs);
    g_free(node->op_type);
    node->op_type = g_strdup("Reshape");
    node->op = sth_op_find(node->op_type);
    return TRUE;
}
