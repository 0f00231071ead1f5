/* The graph as text, for people.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/graph.h"

#include <string.h>

static void append_shape(GString *text, const SthTensor *tensor)
{
    if (tensor->dtype == STH_DTYPE_INVALID) {
        g_string_append_c(text, '?');
        return;
    }
    char *shape = sth_shape_to_string(&tensor->shape);
    if (tensor->dtype != STH_DTYPE_FLOAT)
        g_string_append_printf(text, "%s ", sth_dtype_name(tensor->dtype));
    g_string_append(text, shape);
    g_free(shape);
}

static void append_attr(GString *text, const SthAttr *attr)
{
    switch (attr->type) {
    case STH_ATTR_INT:
        g_string_append_printf(text, "%" G_GINT64_FORMAT, attr->i);
        break;
    case STH_ATTR_FLOAT:
        g_string_append_printf(text, "%g", attr->f);
        break;
    case STH_ATTR_STRING:
        g_string_append(text, attr->s);
        break;
    case STH_ATTR_INTS:
    case STH_ATTR_FLOATS:
        g_string_append_c(text, '[');
        for (guint i = 0; i < attr->list->len; i++) {
            g_string_append(text, i > 0 ? "," : "");
            if (attr->type == STH_ATTR_INTS)
                g_string_append_printf(text, "%" G_GINT64_FORMAT, g_array_index(attr->list, gint64, i));
            else
                g_string_append_printf(text, "%g", g_array_index(attr->list, float, i));
        }
        g_string_append_c(text, ']');
        break;
    case STH_ATTR_TENSOR:
        append_shape(text, &attr->tensor);
        break;
    case STH_ATTR_STRINGS:
    case STH_ATTR_GRAPH:
    case STH_ATTR_OTHER:
        g_string_append(text, "…");
        break;
    }
}

static void append_node(GString *text, const SthNode *node)
{
    const char *separator = "";
    for (guint i = 0; i < node->outputs->len; i++) {
        const SthValue *value = node->outputs->pdata[i];
        g_string_append_printf(text, "%s%%%s", separator, value != NULL ? value->name : "");
        separator = ", ";
    }
    g_string_append_printf(text, " = %s(", node->op_type);
    separator = "";
    for (guint i = 0; i < node->inputs->len; i++) {
        const SthValue *value = node->inputs->pdata[i];
        g_string_append(text, separator);
        separator = ", ";
        if (value == NULL) {
            g_string_append_c(text, '-');
            continue;
        }
        g_string_append_printf(text, "%%%s ", value->name);
        append_shape(text, &value->tensor);
    }
    g_string_append_c(text, ')');
    GList *names = g_list_sort(g_hash_table_get_keys(node->attrs), (GCompareFunc)strcmp);
    separator = " {";
    for (GList *item = names; item != NULL; item = item->next) {
        g_string_append_printf(text, "%s%s=", separator, (const char *)item->data);
        append_attr(text, g_hash_table_lookup(node->attrs, item->data));
        separator = ", ";
    }
    g_string_append(text, names != NULL ? "}" : "");
    g_list_free(names);
    separator = " -> ";
    for (guint i = 0; i < node->outputs->len; i++) {
        const SthValue *value = node->outputs->pdata[i];
        if (value == NULL)
            continue;
        g_string_append(text, separator);
        append_shape(text, &value->tensor);
        separator = ", ";
    }
    if (node->method != NULL)
        g_string_append_printf(text, "  # runs as %s", node->method);
    if (node->fused != NULL)
        g_string_append_printf(text, "  # fused: %s", node->fused->str);
    g_string_append_c(text, '\n');
}

char *sth_graph_to_text(SthGraph *graph)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < graph->nodes->len; i++)
        append_node(text, graph->nodes->pdata[i]);
    return g_string_free(text, FALSE);
}
