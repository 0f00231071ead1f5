/* The graph for Graphviz: `dot -Tsvg graph.dot`.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/graph.h"

/* A name inside quotes. */
static void append_quoted(GString *text, const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *c == '\n' ? ' ' : *c);
    }
}

static void append_node(GString *text, const SthNode *node, guint index)
{
    g_string_append_printf(text, "  n%u [label=\"%s\\n", index, node->op_type);
    append_quoted(text, node->name);
    if (node->fused != NULL) {
        g_string_append(text, "\\n+ ");
        append_quoted(text, node->fused->str);
    }
    g_string_append(text, "\"];\n");
}

/* An arrow to node @index from who makes @value, with its shape: another node, or the graph's input. Constants have no arrow. */
static void append_arrow(GString *text, GHashTable *numbers, const SthValue *value, const char *to)
{
    g_autofree char *shape = value->tensor.dtype != STH_DTYPE_INVALID ? sth_shape_to_string(&value->tensor.shape) : g_strdup("?");

    if (value->producer != NULL) {
        g_string_append_printf(text, "  n%u", GPOINTER_TO_UINT(g_hash_table_lookup(numbers, value->producer)));
    } else {
        g_string_append(text, "  \"");
        append_quoted(text, value->name);
        g_string_append_c(text, '"');
    }
    g_string_append_printf(text, " -> %s [label=\"%s\"];\n", to, shape);
}

char *sth_graph_to_dot(SthGraph *graph)
{
    GString *text = g_string_new("digraph model {\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
                                 "  edge [fontname=\"sans-serif\", fontsize=10];\n");
    g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);
    char name[16];

    for (guint i = 0; i < graph->nodes->len; i++) {
        g_hash_table_insert(numbers, graph->nodes->pdata[i], GUINT_TO_POINTER(i));
        append_node(text, graph->nodes->pdata[i], i);
    }
    for (guint i = 0; i < graph->nodes->len; i++) {
        const SthNode *node = graph->nodes->pdata[i];
        g_snprintf(name, sizeof(name), "n%u", i);
        for (guint k = 0; k < node->inputs->len; k++) {
            const SthValue *value = node->inputs->pdata[k];
            if (value != NULL && value->constant == NULL)
                append_arrow(text, numbers, value, name);
        }
    }
    for (guint i = 0; i < graph->outputs->len; i++) {
        const SthValue *value = graph->outputs->pdata[i];
        GString *quoted = g_string_new("\"");
        append_quoted(quoted, value->name);
        g_string_append_c(quoted, '"');
        append_arrow(text, numbers, value, quoted->str);
        g_string_free(quoted, TRUE);
    }
    g_string_append(text, "}\n");
    return g_string_free(text, FALSE);
}
