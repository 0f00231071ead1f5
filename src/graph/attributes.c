/* Attributes of nodes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/graph.h"

void sth_attr_free(SthAttr *attr)
{
    if (attr == NULL)
        return;
    g_free(attr->s);
    g_strfreev(attr->strings);
    if (attr->list != NULL)
        g_array_unref(attr->list);
    if (attr->bytes != NULL)
        g_bytes_unref(attr->bytes);
    sth_graph_free(attr->graph);
    g_free(attr);
}

const SthAttr *sth_node_attr(const SthNode *node, const char *attr)
{
    return g_hash_table_lookup(node->attrs, attr);
}

gboolean sth_node_has(const SthNode *node, const char *attr)
{
    return sth_node_attr(node, attr) != NULL;
}

static const SthAttr *typed(const SthNode *node, const char *name, SthAttrType type)
{
    const SthAttr *attr = sth_node_attr(node, name);
    return attr != NULL && attr->type == type ? attr : NULL;
}

gint64 sth_node_int(const SthNode *node, const char *attr, gint64 fallback)
{
    const SthAttr *found = typed(node, attr, STH_ATTR_INT);
    return found != NULL ? found->i : fallback;
}

float sth_node_float(const SthNode *node, const char *attr, float fallback)
{
    const SthAttr *found = typed(node, attr, STH_ATTR_FLOAT);
    return found != NULL ? found->f : fallback;
}

const char *sth_node_string(const SthNode *node, const char *attr, const char *fallback)
{
    const SthAttr *found = typed(node, attr, STH_ATTR_STRING);
    return found != NULL ? found->s : fallback;
}

const gint64 *sth_node_ints(const SthNode *node, const char *attr, guint *n)
{
    const SthAttr *found = typed(node, attr, STH_ATTR_INTS);
    *n = found != NULL ? found->list->len : 0;
    return found != NULL ? (const gint64 *)(gpointer)found->list->data : NULL;
}

const float *sth_node_floats(const SthNode *node, const char *attr, guint *n)
{
    const SthAttr *found = typed(node, attr, STH_ATTR_FLOATS);
    *n = found != NULL ? found->list->len : 0;
    return found != NULL ? (const float *)(gpointer)found->list->data : NULL;
}

void sth_node_set_attr(SthNode *node, const char *name, SthAttr *attr)
{
    g_hash_table_replace(node->attrs, g_strdup(name), attr);
}

static SthAttr *set_new(SthNode *node, const char *name, SthAttrType type)
{
    SthAttr *attr = g_new0(SthAttr, 1);
    attr->type = type;
    sth_node_set_attr(node, name, attr);
    return attr;
}

void sth_node_set_int(SthNode *node, const char *attr, gint64 value)
{
    set_new(node, attr, STH_ATTR_INT)->i = value;
}

void sth_node_set_float(SthNode *node, const char *attr, float value)
{
    set_new(node, attr, STH_ATTR_FLOAT)->f = value;
}

void sth_node_set_string(SthNode *node, const char *attr, const char *value)
{
    char *copy = g_strdup(value);
    set_new(node, attr, STH_ATTR_STRING)->s = copy;
}

void sth_node_set_ints(SthNode *node, const char *attr, const gint64 *values, guint n)
{
    /* Zero-terminated, so that an empty list has an address and is told from an absent one. */
    GArray *list = g_array_sized_new(TRUE, FALSE, sizeof(gint64), n);
    g_array_append_vals(list, values, n);
    set_new(node, attr, STH_ATTR_INTS)->list = list;
}

void sth_node_note_fused(SthNode *node, const char *format, ...)
{
    if (node->fused == NULL)
        node->fused = g_string_new(NULL);
    else
        g_string_append(node->fused, ", ");
    va_list args;
    va_start(args, format);
    g_string_append_vprintf(node->fused, format, args);
    va_end(args);
}

void sth_graph_note_unfused(SthGraph *graph, const SthNode *node, const char *format, ...)
{
    if (format == NULL) {
        g_hash_table_remove(graph->unfused, node->name);
        return;
    }
    va_list args;
    va_start(args, format);
    g_hash_table_replace(graph->unfused, g_strdup(node->name), g_strdup_vprintf(format, args));
    va_end(args);
}
