/* Makes an Add of two tensors of the same shape part of the Conv that makes one of them (its fourth input, the residual).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op.h"
#include "optimiser/optimiser.h"

static SthNode *conv_behind(SthGraph *graph, const SthNode *add, guint index)
{
    SthValue *value = sth_node_input(add, index);
    SthNode *conv = value ? value->producer : NULL;

    if (!conv || strcmp(conv->op_type, "Conv") != 0 || sth_graph_single_user(graph, value) != add)
        return NULL;
    if (sth_node_input(conv, 3) || sth_node_has(conv, "sth.min") || sth_node_has(conv, "sth.max"))
        return NULL;
    return conv;
}

static guint position(SthGraph *graph, const SthNode *node)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        if (g_ptr_array_index(graph->nodes, i) == node)
            return i;
    }
    g_assert_not_reached();
}

/* The Conv runs where the Add stood, when both its inputs are there. Of two, the later one: its input is needed longer anyway. */
static SthNode *choose_conv(SthGraph *graph, const SthNode *add, guint *other)
{
    SthNode *a = conv_behind(graph, add, 0), *b = conv_behind(graph, add, 1);

    if (a && (!b || position(graph, a) > position(graph, b))) {
        *other = 1;
        return a;
    }
    *other = 0;
    return b;
}

static void fuse(SthGraph *graph, SthNode *conv, SthNode *add, guint other)
{
    SthValue *residual = sth_node_input(add, other), *out = sth_node_output(add, 0);
    guint from, to;

    sth_node_set_input(conv, 3, residual);
    if (sth_node_has(add, "sth.min"))
        sth_node_set_float(conv, "sth.min", sth_node_float(add, "sth.min", 0));
    if (sth_node_has(add, "sth.max"))
        sth_node_set_float(conv, "sth.max", sth_node_float(add, "sth.max", 0));
    sth_node_note_fused(conv, "Add '%s'", add->name);
    /* To the Add's place in the running order. */
    from = position(graph, conv);
    to = position(graph, add);
    memmove(&graph->nodes->pdata[from], &graph->nodes->pdata[from + 1], (to - from) * sizeof(gpointer));
    graph->nodes->pdata[to] = conv;
    sth_graph_remove_node(graph, add);
    sth_node_set_output(conv, 0, out);
}

static guint run(SthGraph *graph)
{
    guint changes = 0;

    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *add = g_ptr_array_index(graph->nodes, i), *conv;
        SthValue *a = sth_node_input(add, 0), *b = sth_node_input(add, 1);
        guint other;

        if (strcmp(add->op_type, "Add") != 0 || a == b || a->tensor.dtype != STH_DTYPE_FLOAT || !sth_shape_equal(&a->tensor.shape, &b->tensor.shape))
            continue;
        conv = choose_conv(graph, add, &other);
        if (conv) {
            fuse(graph, conv, add, other);
            changes++;
        }
    }
    return changes;
}

const SthPass sth_pass_fuse_residual = {.name = "fuse_residual", .description = "Add into the Conv before it", .run = run};
