/* If whose condition is known: the branch that it takes stands in its place.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/branches.h"

#include <string.h>

#include "ops/op.h"

/* Branches within branches, each new one in the place of the last. */
#define MAX_INLINED 1000

static SthGraph *branch_graph(const SthNode *node, const char *name)
{
    const SthAttr *attr = sth_node_attr(node, name);

    return attr && attr->type == STH_ATTR_GRAPH ? attr->graph : NULL;
}

static gboolean inline_branch(SthGraph *graph, SthNode *node, GError **error)
{
    gboolean then = *(const guint8 *)sth_node_input(node, 0)->tensor.data != 0;
    const char *name = then ? "then_branch" : "else_branch";
    const SthAttr *attr = sth_node_attr(node, name);
    SthGraph *body = branch_graph(node, name), *first = branch_graph(node, "then_branch");

    if (!body)
        return sth_op_error(node, error, "its %s %s%s", name, attr && attr->s ? "is taken and cannot be read: " : "is missing",
                            attr && attr->s ? attr->s : "");
    if (body->outputs->len < node->outputs->len)
        return sth_op_error(node, error, "its %s gives %u values; %u are asked for", name, body->outputs->len, node->outputs->len);
    sth_graph_inline(graph, node, body, then || !first ? 1 : 1 + first->inputs->len);
    return TRUE;
}

static gboolean is_decided(const SthNode *node)
{
    const SthValue *condition = sth_node_input(node, 0);

    return strcmp(node->op_type, "If") == 0 && condition && condition->constant && condition->tensor.dtype == STH_DTYPE_BOOL &&
           sth_shape_elements(&condition->tensor.shape) == 1;
}

gboolean sth_graph_take_branches(SthGraph *graph, guint index, GError **error)
{
    for (guint inlined = 0; index < graph->nodes->len; inlined++) {
        SthNode *node = g_ptr_array_index(graph->nodes, index);

        /* The Identities that name a branch's results come without their row. */
        if (!node->op)
            node->op = sth_op_find(node->op_type);
        if (!is_decided(node))
            return TRUE;
        if (inlined == MAX_INLINED)
            return sth_op_error(node, error, "it is one of more than %d branches within each other", MAX_INLINED);
        if (!inline_branch(graph, node, error))
            return FALSE;
    }
    return TRUE;
}
