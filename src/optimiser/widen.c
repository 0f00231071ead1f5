/* Casts around nodes that take half floats: see widen.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimiser/widen.h"

#include "ops/elements.h"
#include "ops/op.h"

#define CAST_OPSET 13

void sth_widening_init(SthWidening *widening, SthGraph *graph)
{
    *widening = (SthWidening){graph, g_hash_table_new(NULL, NULL), g_hash_table_new(NULL, NULL)};
}

void sth_widening_clear(SthWidening *widening)
{
    g_hash_table_unref(widening->wide);
    g_hash_table_unref(widening->narrow);
}

/* A Cast of @from to @to in front of @next. */
static void insert_cast(SthGraph *graph, SthNode *next, SthValue *from, SthValue *to, SthDType dtype)
{
    g_autofree char *name = g_strdup_printf("%s/cast", to->name);
    SthNode *cast = sth_graph_insert_node(graph, next, name, "Cast", CAST_OPSET);

    cast->op = sth_op_find("Cast");
    sth_node_set_int(cast, "to", sth_dtype_to_onnx(dtype));
    sth_node_add_input(cast, from);
    sth_node_add_output(cast, to);
}

static SthValue *add_wide_value(SthGraph *graph, const SthValue *half, const char *suffix)
{
    g_autofree char *name = g_strconcat(half->name, suffix, NULL);
    return sth_graph_add_value(graph, name);
}

gboolean sth_widening_enter(SthWidening *widening, SthNode *node)
{
    SthDType first = STH_DTYPE_INVALID; /* the first float input's: results follow it (Pow: the base, not the exponent) */
    gboolean added = FALSE;

    if (node->op->flags & (STH_OP_HALF | STH_OP_SHAPE_ONLY))
        return FALSE;
    for (guint i = 0; i < node->inputs->len; i++) {
        SthValue *half = sth_node_input(node, i), *wide;

        if (!half || !sth_dtype_is_float(half->tensor.dtype))
            continue;
        if (first == STH_DTYPE_INVALID)
            first = half->tensor.dtype;
        if (!sth_dtype_is_half(half->tensor.dtype))
            continue;
        wide = g_hash_table_lookup(widening->wide, half);
        if (!wide) {
            wide = add_wide_value(widening->graph, half, "/float32");
            insert_cast(widening->graph, node, half, wide, STH_DTYPE_FLOAT);
            g_hash_table_insert(widening->wide, half, wide);
            added = TRUE;
        }
        sth_node_set_input(node, i, wide);
    }
    /* Asked again after its Casts, a node has no halfs left. */
    if (sth_dtype_is_half(first))
        g_hash_table_insert(widening->narrow, node, GUINT_TO_POINTER(first));
    return added;
}

void sth_widening_leave(SthWidening *widening, SthNode *node)
{
    SthDType dtype = (SthDType)GPOINTER_TO_UINT(g_hash_table_lookup(widening->narrow, node));
    guint n = node->op->flags & STH_OP_FLOAT_EXTRAS ? 1 : node->outputs->len, position;
    SthNode *next;

    if (dtype == STH_DTYPE_INVALID || !g_ptr_array_find(widening->graph->nodes, node, &position))
        return;
    next = position + 1 < widening->graph->nodes->len ? g_ptr_array_index(widening->graph->nodes, position + 1) : NULL;
    for (guint i = 0; i < n; i++) {
        SthValue *half = sth_node_output(node, i), *wide;

        if (!half || half->tensor.dtype != STH_DTYPE_FLOAT)
            continue;
        wide = add_wide_value(widening->graph, half, "/unrounded");
        wide->tensor = half->tensor;
        wide->inferred = half->inferred;
        half->inferred = FALSE;
        sth_node_set_output(node, i, wide);
        insert_cast(widening->graph, next, wide, half, dtype);
    }
    g_hash_table_remove(widening->narrow, node);
}

/* A float32 value that takes @half's name and shape. */
static SthValue *take_name(SthGraph *graph, SthValue *half)
{
    SthValue *wide = sth_graph_add_value(graph, half->name);

    wide->tensor = half->tensor;
    wide->tensor.dtype = STH_DTYPE_FLOAT;
    wide->tensor.data = NULL;
    g_free(half->name);
    half->name = g_strconcat(wide->name, "/half", NULL);
    return wide;
}

void sth_widen_ends(SthGraph *graph)
{
    for (guint i = 0; i < graph->inputs->len; i++) {
        SthValue *half = g_ptr_array_index(graph->inputs, i);
        SthDType dtype = half->tensor.dtype;
        SthNode *first = graph->nodes->len > 0 ? g_ptr_array_index(graph->nodes, 0) : NULL;

        if (!sth_dtype_is_half(dtype))
            continue;
        graph->inputs->pdata[i] = take_name(graph, half);
        insert_cast(graph, first, g_ptr_array_index(graph->inputs, i), half, dtype);
    }
    for (guint i = 0; i < graph->outputs->len; i++) {
        SthValue *half = g_ptr_array_index(graph->outputs, i);

        if (!sth_dtype_is_half(half->tensor.dtype))
            continue;
        graph->outputs->pdata[i] = take_name(graph, half);
        insert_cast(graph, NULL, half, g_ptr_array_index(graph->outputs, i), STH_DTYPE_FLOAT);
    }
}
