/* Topological order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-error.h>

#include "graph/graph.h"

/* A node whose inputs are being visited; an explicit stack, since a file may hold a chain of any length. */
typedef struct {
    SthNode *node;
    guint next_input;
} Visit;

enum { UNSEEN = 0, OPEN, DONE };

static gboolean is_sorted(const SthGraph *graph)
{
    GHashTable *seen = g_hash_table_new(NULL, NULL);
    gboolean sorted = TRUE;
    for (guint n = 0; n < graph->nodes->len && sorted; n++) {
        SthNode *node = graph->nodes->pdata[n];
        for (guint i = 0; i < node->inputs->len; i++) {
            const SthValue *value = node->inputs->pdata[i];
            if (value != NULL && value->producer != NULL && !g_hash_table_contains(seen, value->producer))
                sorted = FALSE;
        }
        g_hash_table_add(seen, node);
    }
    g_hash_table_unref(seen);
    return sorted;
}

/* Depth first from @root; appends to @order what @root needs, then @root. Returns a node of a circle, or NULL. */
static SthNode *visit(SthNode *root, GHashTable *state, GArray *stack, GPtrArray *order)
{
    if (GPOINTER_TO_INT(g_hash_table_lookup(state, root)) == DONE)
        return NULL;
    Visit first = {root, 0};
    g_array_append_val(stack, first);
    g_hash_table_insert(state, root, GINT_TO_POINTER(OPEN));
    while (stack->len > 0) {
        Visit *top = &g_array_index(stack, Visit, stack->len - 1);
        SthNode *node = top->node;
        if (top->next_input == node->inputs->len) {
            g_hash_table_insert(state, node, GINT_TO_POINTER(DONE));
            g_ptr_array_add(order, node);
            g_array_set_size(stack, stack->len - 1);
            continue;
        }
        const SthValue *value = node->inputs->pdata[top->next_input++];
        SthNode *producer = value != NULL ? value->producer : NULL;
        if (producer == NULL)
            continue;
        gint seen = GPOINTER_TO_INT(g_hash_table_lookup(state, producer));
        if (seen == OPEN)
            return producer;
        if (seen == UNSEEN) {
            Visit deeper = {producer, 0};
            g_hash_table_insert(state, producer, GINT_TO_POINTER(OPEN));
            g_array_append_val(stack, deeper);
        }
    }
    return NULL;
}

gboolean sth_graph_sort(SthGraph *graph, GError **error)
{
    if (is_sorted(graph))
        return TRUE;
    GHashTable *state = g_hash_table_new(NULL, NULL);
    GArray *stack = g_array_new(FALSE, FALSE, sizeof(Visit));
    GPtrArray *order = g_ptr_array_new();
    SthNode *circle = NULL;
    for (guint n = 0; n < graph->nodes->len && circle == NULL; n++)
        circle = visit(graph->nodes->pdata[n], state, stack, order);
    if (circle != NULL)
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': node '%s' (%s) needs its own result: the graph has a circle", graph->source,
                    circle->name, circle->op_type);
    else
        for (guint n = 0; n < order->len; n++)
            graph->nodes->pdata[n] = order->pdata[n];
    g_ptr_array_unref(order);
    g_array_unref(stack);
    g_hash_table_unref(state);
    return circle == NULL;
}
