/* Common subexpressions: of nodes with the same operator, attributes and inputs one is enough, and of small constants with the same elements too –
 * the shapes, axes and limits that exporters write once for each use.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "optimiser/optimiser.h"

/* Bytes. Weights are not compared: that they are equal is too rare to read them all. */
#define MAX_CONSTANT 4096

static guint constant_hash(gconstpointer data)
{
    const SthValue *value = data;

    return g_bytes_hash(value->constant) ^ ((guint)value->tensor.dtype << 8 | value->tensor.shape.rank);
}

static gboolean constant_equal(gconstpointer a, gconstpointer b)
{
    const SthValue *x = a, *y = b;

    return x->tensor.dtype == y->tensor.dtype && sth_shape_equal(&x->tensor.shape, &y->tensor.shape) && g_bytes_equal(x->constant, y->constant);
}

static guint merge_constants(SthGraph *graph)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(constant_hash, constant_equal);
    guint changes = 0;

    for (guint i = 0; i < graph->values->len; i++) {
        SthValue *value = g_ptr_array_index(graph->values, i), *first;
        if (!value->constant || value->readers->len == 0 || sth_tensor_bytes(&value->tensor) > MAX_CONSTANT || sth_graph_is_output(graph, value))
            continue;
        first = g_hash_table_lookup(seen, value);
        if (!first) {
            g_hash_table_add(seen, value);
        } else {
            sth_graph_replace_uses(graph, value, first);
            changes++;
        }
    }
    return changes;
}

/* FALSE for attributes that are not compared: tensors and graphs. */
static gboolean append_attr(GString *key, const char *name, const SthAttr *attr)
{
    g_string_append_printf(key, "|%s:%d:", name, attr->type);
    switch (attr->type) {
    case STH_ATTR_INT:
        g_string_append_printf(key, "%" G_GINT64_FORMAT, attr->i);
        return TRUE;
    case STH_ATTR_FLOAT:
        g_string_append_printf(key, "%a", (double)attr->f);
        return TRUE;
    case STH_ATTR_STRING:
        g_string_append_printf(key, "%zu:%s", strlen(attr->s), attr->s);
        return TRUE;
    case STH_ATTR_INTS:
        for (guint i = 0; i < attr->list->len; i++)
            g_string_append_printf(key, "%" G_GINT64_FORMAT ",", g_array_index(attr->list, gint64, i));
        return TRUE;
    case STH_ATTR_FLOATS:
        for (guint i = 0; i < attr->list->len; i++)
            g_string_append_printf(key, "%a,", (double)g_array_index(attr->list, float, i));
        return TRUE;
    default:
        return FALSE;
    }
}

/* What two nodes have in common when they compute the same; NULL: not to be compared. */
static char *node_key(SthGraph *graph, const SthNode *node)
{
    GList *names = g_list_sort(g_hash_table_get_keys(node->attrs), (GCompareFunc)strcmp);
    GString *key = g_string_new(node->op_type);
    gboolean comparable = node->inputs->len > 0;

    g_string_append_printf(key, "|%d|%u", node->opset, node->outputs->len);
    for (guint i = 0; i < node->outputs->len; i++) {
        SthValue *value = sth_node_output(node, i);
        comparable = comparable && !(value && sth_graph_is_output(graph, value));
        g_string_append_c(key, value ? '1' : '0');
    }
    for (guint i = 0; i < node->inputs->len; i++)
        g_string_append_printf(key, "|%p", (gpointer)sth_node_input(node, i));
    for (GList *item = names; item && comparable; item = item->next)
        comparable = append_attr(key, item->data, sth_node_attr(node, item->data));
    g_list_free(names);
    return g_string_free(key, !comparable);
}

static guint run(SthGraph *graph)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint changes = merge_constants(graph);

    for (guint n = 0; n < graph->nodes->len; n++) {
        SthNode *node = g_ptr_array_index(graph->nodes, n), *first;
        char *key = node_key(graph, node);
        if (!key)
            continue;
        first = g_hash_table_lookup(seen, key);
        if (!first) {
            g_hash_table_insert(seen, key, node);
            continue;
        }
        g_free(key);
        for (guint i = 0; i < node->outputs->len; i++) {
            if (sth_node_output(node, i))
                sth_graph_replace_uses(graph, sth_node_output(node, i), sth_node_output(first, i));
        }
        sth_graph_retire_node(graph, node);
        changes++;
    }
    sth_graph_sweep_nodes(graph);
    return changes;
}

const SthPass sth_pass_merge_equal = {
    .name = "merge_equal", .description = "nodes and small constants that are there twice", .run = run, .standard = TRUE};
