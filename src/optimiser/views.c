/* Operators that give the same elements in the same order another shape.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/views.h"

#include "ops/op.h"
#include "optimiser/constants.h"

gboolean sth_transpose_keeps_order(const SthNode *node)
{
    const SthShape *shape = &sth_node_input(node, 0)->tensor.shape;
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
