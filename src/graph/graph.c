/* Values, nodes and the edits that passes make.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/graph.h"

#include <sth/sth-error.h>

static void free_value(gpointer data)
{
    SthValue *value = data;
    if (value->constant != NULL)
        g_bytes_unref(value->constant);
    if (value->axis_names != NULL)
        g_ptr_array_unref(value->axis_names);
    g_ptr_array_unref(value->readers);
    g_free(value->name);
    g_free(value);
}

static void free_node(gpointer data)
{
    SthNode *node = data;
    g_ptr_array_unref(node->inputs);
    g_ptr_array_unref(node->outputs);
    g_hash_table_unref(node->attrs);
    if (node->fused != NULL)
        g_string_free(node->fused, TRUE);
    g_free(node->name);
    g_free(node->op_type);
    g_free(node);
}

SthGraph *sth_graph_new(const char *source)
{
    SthGraph *graph = g_new0(SthGraph, 1);
    graph->source = g_strdup(source);
    graph->values = g_ptr_array_new_with_free_func(free_value);
    graph->nodes = g_ptr_array_new_with_free_func(free_node);
    graph->inputs = g_ptr_array_new();
    graph->outputs = g_ptr_array_new();
    graph->unfused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    graph->metadata = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return graph;
}

void sth_graph_free(SthGraph *graph)
{
    if (graph == NULL)
        return;
    for (guint i = 0; i < graph->nodes->len && graph->release != NULL; i++)
        graph->release(graph->nodes->pdata[i]);
    g_ptr_array_unref(graph->nodes);
    g_ptr_array_unref(graph->values);
    g_ptr_array_unref(graph->inputs);
    g_ptr_array_unref(graph->outputs);
    g_hash_table_unref(graph->unfused);
    g_hash_table_unref(graph->metadata);
    g_free(graph->source);
    g_free(graph->name);
    g_free(graph);
}

SthValue *sth_graph_add_value(SthGraph *graph, const char *name)
{
    SthValue *value = g_new0(SthValue, 1);
    value->name = g_strdup(name);
    value->readers = g_ptr_array_new();
    g_ptr_array_add(graph->values, value);
    return value;
}

static void view_constant(SthValue *value, GBytes *data)
{
    if (value->constant != NULL)
        g_bytes_unref(value->constant);
    value->constant = data;
    value->tensor.data = (gpointer)g_bytes_get_data(data, NULL);
    value->inferred = TRUE;
}

SthValue *sth_graph_add_constant(SthGraph *graph, const char *name, SthDType dtype, const SthShape *shape, GBytes *data)
{
    SthValue *value = sth_graph_add_value(graph, name);
    value->tensor.dtype = dtype;
    value->tensor.shape = *shape;
    view_constant(value, data);
    return value;
}

void sth_value_set_constant(SthValue *value, GBytes *data)
{
    if (value->producer != NULL) {
        GPtrArray *outputs = value->producer->outputs;
        for (guint i = 0; i < outputs->len; i++)
            if (outputs->pdata[i] == value)
                outputs->pdata[i] = NULL;
        value->producer = NULL;
    }
    view_constant(value, data);
}

static SthNode *new_node(const char *name, const char *op_type, gint opset)
{
    SthNode *node = g_new0(SthNode, 1);
    node->name = g_strdup(name);
    node->op_type = g_strdup(op_type);
    node->opset = opset;
    node->inputs = g_ptr_array_new();
    node->outputs = g_ptr_array_new();
    node->attrs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)sth_attr_free);
    return node;
}

SthNode *sth_graph_add_node(SthGraph *graph, const char *name, const char *op_type, gint opset)
{
    SthNode *node = new_node(name, op_type, opset);
    g_ptr_array_add(graph->nodes, node);
    return node;
}

SthNode *sth_graph_insert_node(SthGraph *graph, SthNode *next, const char *name, const char *op_type, gint opset)
{
    guint index = 0;
    if (!g_ptr_array_find(graph->nodes, next, &index))
        index = graph->nodes->len;
    SthNode *node = new_node(name, op_type, opset);
    g_ptr_array_insert(graph->nodes, (gint)index, node);
    return node;
}

void sth_node_add_input(SthNode *node, SthValue *value)
{
    g_ptr_array_add(node->inputs, value);
    if (value != NULL)
        g_ptr_array_add(value->readers, node);
}

void sth_node_set_input(SthNode *node, guint index, SthValue *value)
{
    while (node->inputs->len <= index)
        g_ptr_array_add(node->inputs, NULL);
    SthValue *before = node->inputs->pdata[index];
    if (before != NULL)
        g_ptr_array_remove_fast(before->readers, node);
    node->inputs->pdata[index] = value;
    if (value != NULL)
        g_ptr_array_add(value->readers, node);
}

void sth_node_trim_inputs(SthNode *node, guint n)
{
    for (guint i = n; i < node->inputs->len; i++)
        sth_node_set_input(node, i, NULL);
    g_ptr_array_set_size(node->inputs, (gint)MIN(n, node->inputs->len));
}

void sth_node_add_output(SthNode *node, SthValue *value)
{
    g_ptr_array_add(node->outputs, value);
    if (value != NULL)
        value->producer = node;
}

void sth_node_set_output(SthNode *node, guint index, SthValue *value)
{
    SthValue *before = node->outputs->pdata[index];
    if (before != NULL && before->producer == node)
        before->producer = NULL;
    node->outputs->pdata[index] = value;
    if (value != NULL)
        value->producer = node;
}

void sth_graph_retire_node(SthGraph *graph, SthNode *node)
{
    sth_node_trim_inputs(node, 0);
    for (guint i = 0; i < node->outputs->len; i++) {
        SthValue *value = node->outputs->pdata[i];
        if (value != NULL && value->producer == node)
            value->producer = NULL;
    }
    g_ptr_array_set_size(node->outputs, 0);
    node->retired = TRUE;
}

void sth_graph_sweep_nodes(SthGraph *graph)
{
    guint kept = 0;
    for (guint n = 0; n < graph->nodes->len; n++) {
        SthNode *node = graph->nodes->pdata[n];
        if (node->retired)
            free_node(node);
        else
            graph->nodes->pdata[kept++] = node;
    }
    for (guint n = kept; n < graph->nodes->len; n++)
        graph->nodes->pdata[n] = NULL;
    g_ptr_array_set_free_func(graph->nodes, NULL);
    g_ptr_array_set_size(graph->nodes, (gint)kept);
    g_ptr_array_set_free_func(graph->nodes, free_node);
}

void sth_graph_remove_node(SthGraph *graph, SthNode *node)
{
    sth_graph_retire_node(graph, node);
    g_ptr_array_remove(graph->nodes, node);
}

guint sth_graph_count_uses(SthGraph *graph, SthValue *value)
{
    guint uses = value->readers->len;
    for (guint i = 0; i < graph->outputs->len; i++)
        uses += graph->outputs->pdata[i] == value;
    return uses;
}

SthNode *sth_graph_single_user(SthGraph *graph, SthValue *value)
{
    if (value->readers->len == 0 || sth_graph_is_output(graph, value))
        return NULL;
    for (guint i = 1; i < value->readers->len; i++)
        if (value->readers->pdata[i] != value->readers->pdata[0])
            return NULL;
    return value->readers->pdata[0];
}

gboolean sth_graph_is_output(SthGraph *graph, SthValue *value)
{
    return g_ptr_array_find(graph->outputs, value, NULL);
}

static void replace(GPtrArray *values, SthValue *from, SthValue *to)
{
    for (guint i = 0; i < values->len; i++)
        if (values->pdata[i] == from)
            values->pdata[i] = to;
}

void sth_graph_replace_uses(SthGraph *graph, SthValue *from, SthValue *to)
{
    if (from == to)
        return;
    for (guint i = 0; i < from->readers->len; i++) {
        SthNode *reader = from->readers->pdata[i];
        replace(reader->inputs, from, to);
        g_ptr_array_add(to->readers, reader);
    }
    g_ptr_array_set_size(from->readers, 0);
    replace(graph->outputs, from, to);
}

/* Hands all of @from to @to. */
static void move_values(GPtrArray *from, GPtrArray *to)
{
    for (guint i = 0; i < from->len; i++)
        g_ptr_array_add(to, from->pdata[i]);
    g_ptr_array_set_free_func(from, NULL);
    g_ptr_array_set_size(from, 0);
}

void sth_graph_inline(SthGraph *graph, SthNode *node, SthGraph *body, guint first_input)
{
    for (guint i = 0; i < body->inputs->len; i++)
        sth_graph_replace_uses(body, body->inputs->pdata[i], node->inputs->pdata[first_input + i]);
    for (guint i = 0; i < node->outputs->len; i++) {
        SthValue *out = node->outputs->pdata[i];
        if (out == NULL)
            continue;
        SthNode *identity = sth_graph_add_node(body, node->name, "Identity", node->opset);
        sth_node_add_input(identity, body->outputs->pdata[i]);
        sth_node_set_output(node, i, NULL);
        sth_node_add_output(identity, out);
    }
    guint index = 0;
    g_ptr_array_find(graph->nodes, node, &index);
    for (guint i = 0; i < body->nodes->len; i++)
        g_ptr_array_insert(graph->nodes, (gint)(index + i), body->nodes->pdata[i]);
    g_ptr_array_set_free_func(body->nodes, NULL);
    g_ptr_array_set_size(body->nodes, 0);
    g_ptr_array_set_size(body->inputs, 0);
    g_ptr_array_set_size(body->outputs, 0);
    move_values(body->values, graph->values);
    sth_graph_remove_node(graph, node);
}

gboolean sth_graph_check(SthGraph *graph)
{
    gsize readings = 0, listed = 0;
    for (guint n = 0; n < graph->nodes->len; n++) {
        SthNode *node = graph->nodes->pdata[n];
        for (guint i = 0; i < node->inputs->len; i++)
            readings += node->inputs->pdata[i] != NULL;
        for (guint i = 0; i < node->outputs->len; i++)
            if (node->outputs->pdata[i] != NULL && ((SthValue *)node->outputs->pdata[i])->producer != node)
                return FALSE;
    }
    for (guint v = 0; v < graph->values->len; v++) {
        SthValue *value = graph->values->pdata[v];
        listed += value->readers->len;
        for (guint i = 0; i < value->readers->len; i++)
            if (!g_ptr_array_find(((SthNode *)value->readers->pdata[i])->inputs, value, NULL))
                return FALSE;
    }
    return readings == listed;
}

void sth_graph_sweep_values(SthGraph *graph)
{
    GHashTable *used = g_hash_table_new(NULL, NULL);
    for (guint n = 0; n < graph->nodes->len; n++) {
        const SthNode *node = graph->nodes->pdata[n];
        for (guint i = 0; i < node->inputs->len; i++)
            g_hash_table_add(used, node->inputs->pdata[i]);
        for (guint i = 0; i < node->outputs->len; i++)
            g_hash_table_add(used, node->outputs->pdata[i]);
    }
    for (guint i = 0; i < graph->inputs->len; i++)
        g_hash_table_add(used, graph->inputs->pdata[i]);
    for (guint i = 0; i < graph->outputs->len; i++)
        g_hash_table_add(used, graph->outputs->pdata[i]);
    GPtrArray *kept = g_ptr_array_new_with_free_func(free_value);
    for (guint i = 0; i < graph->values->len; i++) {
        gpointer value = graph->values->pdata[i];
        if (g_hash_table_contains(used, value))
            g_ptr_array_add(kept, value);
        else
            free_value(value);
    }
    g_ptr_array_set_free_func(graph->values, NULL);
    g_ptr_array_unref(graph->values);
    graph->values = kept;
    g_hash_table_unref(used);
}

SthValue *sth_node_input(const SthNode *node, guint index)
{
    return index < node->inputs->len ? node->inputs->pdata[index] : NULL;
}

SthValue *sth_node_output(const SthNode *node, guint index)
{
    return index < node->outputs->len ? node->outputs->pdata[index] : NULL;
}
