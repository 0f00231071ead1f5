/* New nodes, as an exporter of the graph's opset would write them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"
#include "convert/sth-conv.h"
#include "optimiser/constants.h"

SthValue *sth_emit(const SthEmitter *emitter, const char *op_type, const char *name, SthValue *a, SthValue *b)
{
    g_autofree char *full = g_strdup_printf("%s/%s", emitter->prefix, name);
    SthNode *node = emitter->next ? sth_graph_insert_node(emitter->graph, emitter->next, full, op_type, emitter->opset)
                                  : sth_graph_add_node(emitter->graph, full, op_type, emitter->opset);
    SthValue *out = sth_graph_add_value(emitter->graph, full);

    node->op = sth_op_find(op_type);
    g_assert(node->op);
    if (a)
        sth_node_add_input(node, a);
    if (b)
        sth_node_add_input(node, b);
    sth_node_add_output(node, out);
    return out;
}

SthValue *sth_emit_reshape(const SthEmitter *emitter, const char *name, SthValue *x, const gint64 *dims, guint rank)
{
    g_autofree char *shape = g_strdup_printf("%s/%s/shape", emitter->prefix, name);

    return sth_emit(emitter, "Reshape", name, x, sth_graph_add_ints(emitter->graph, shape, dims, rank));
}
