/* NodeProtos to nodes: operators of the table, calls of the model's functions, branches of If.
 *
 * Two walks, since a file may list nodes in any order: the first makes the nodes and what they give, the second connects what they read.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"
#include "ops/op.h"

/* Functions that call functions: deeper is a recursion, more is an attack by doubling. */
#define MAX_CALLS 64
#define MAX_NODES 200000

/* What passes and our own kernels call theirs. */
#define OWN_PREFIX "sth."

/* A node whose inputs wait for the second walk. */
typedef struct {
    SthOnnxScope *scope;
    SthNode *node;
    const Onnx__NodeProto *proto;
} Pending;

typedef struct {
    GArray *pending;
    GPtrArray *calls;     /* scopes of calls, owned */
    GString *unsupported; /* nodes that cannot run */
} Work;

static gboolean read_attributes(SthOnnxScope *scope, SthNode *node, const Onnx__NodeProto *proto, GError **error)
{
    const char *source = scope->reader->source;
    for (gsize i = 0; i < proto->n_attribute; i++) {
        const Onnx__AttributeProto *attr = sth_onnx_resolve_attribute(scope, proto->attribute[i]);
        if (attr == NULL)
            continue;
        g_autofree char *name = sth_onnx_text(proto->attribute[i]->name);
        SthAttr *read = NULL;
        if (sth_node_has(node, name))
            g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': node '%s' (%s) has the attribute '%s' twice", source, node->name, node->op_type,
                        name);
        else if (g_str_has_prefix(name, OWN_PREFIX))
            g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': node '%s' (%s) has the attribute '%s', which is not ONNX's", source,
                        node->name, node->op_type, name);
        else
            read = sth_onnx_attribute(scope->reader, node, attr, error);
        if (read == NULL)
            return FALSE;
        /* A sparse value has been read with its zeros. */
        sth_node_set_attr(node, strcmp(name, "sparse_value") == 0 ? "value" : name, read);
    }
    return TRUE;
}

static gboolean has_subgraph(const Onnx__NodeProto *proto)
{
    gboolean has = FALSE;
    for (gsize i = 0; i < proto->n_attribute; i++)
        has = has || proto->attribute[i]->g != NULL || proto->attribute[i]->n_graphs > 0;
    return has;
}

/* Nodes that cannot run: the first is told in full, the operators of all others by name, each once. */
static void note_unsupported(GString *list, const SthNode *node, const Onnx__NodeProto *proto)
{
    if (list->len == 0) {
        g_autofree char *domain = sth_onnx_text(proto->domain);
        g_string_append_printf(list, "cannot run '%s' (%s): ", node->name, node->op_type);
        if (!sth_onnx_is_default_domain(proto->domain))
            g_string_append_printf(list, "operators of the domain '%s' are not supported", domain);
        else if (node->op == NULL && has_subgraph(proto))
            g_string_append_printf(list,
                                   "the operator %s runs a graph of its own again and again, which is not supported; "
                                   "export the model with fixed sizes, so that no loop is left",
                                   node->op_type);
        else if (node->op == NULL)
            g_string_append_printf(list, "the operator %s (opset %d) is not supported", node->op_type, node->opset);
        else
            g_string_append_printf(list, "%s is supported from opset %d on, the model has opset %d; export it with a newer one", node->op_type,
                                   node->op->since, node->opset);
        return;
    }
    g_autofree char *other = g_strdup_printf(", also not supported: %s", node->op_type);
    if (strstr(list->str, other) == NULL)
        g_string_append(list, other);
}

static gboolean check_counts(SthOnnxReader *reader, const SthNode *node, GError **error)
{
    /* The fourth input of our Conv is the optimiser's residual. */
    guint max = strcmp(node->op_type, "Conv") == 0 ? 3 : node->op->max_in;
    if (node->inputs->len >= node->op->min_in && node->inputs->len <= max && node->outputs->len > 0)
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_FORMAT,
                "'%s': node '%s' (%s) has %u inputs and %u outputs; it needs at least %u inputs, takes at most %u, and gives at least one output",
                reader->source, node->name, node->op_type, node->inputs->len, node->outputs->len, node->op->min_in, max);
    return FALSE;
}

static char *node_name(const SthOnnxScope *scope, const Onnx__NodeProto *proto, const char *op_type)
{
    g_autofree char *name = NULL;
    if (proto->name != NULL && proto->name[0] != '\0')
        name = sth_onnx_text(proto->name);
    else if (proto->n_output > 0 && proto->output[0][0] != '\0')
        name = sth_onnx_text(proto->output[0]);
    else
        name = g_strdup_printf("%s-%u", op_type, scope->graph->nodes->len);
    return g_strconcat(scope->prefix, name, NULL);
}

/* The node with its attributes and outputs. */
static gboolean make_node(Work *work, SthOnnxScope *scope, const Onnx__NodeProto *proto, GError **error)
{
    g_autofree char *op_type = sth_onnx_text(proto->op_type), *name = node_name(scope, proto, op_type);
    SthNode *node = sth_graph_add_node(scope->graph, name, op_type, scope->opset);
    Pending pending = {scope, node, proto};
    g_array_append_val(work->pending, pending);
    for (gsize i = 0; i < proto->n_output; i++) {
        SthValue *value = NULL;
        if (proto->output[i][0] != '\0' && (value = sth_onnx_add_value(scope, proto->output[i], error)) == NULL)
            return FALSE;
        sth_node_add_output(node, value);
    }
    gboolean foreign = !sth_onnx_is_default_domain(proto->domain) || g_str_has_prefix(op_type, OWN_PREFIX);
    node->op = foreign ? NULL : sth_op_find(op_type);
    if (node->op == NULL || node->opset < node->op->since) {
        note_unsupported(work->unsupported, node, proto);
        return TRUE;
    }
    return read_attributes(scope, node, proto, error);
}

static gboolean make_nodes(Work *work, SthOnnxScope *scope, Onnx__NodeProto *const *protos, gsize n, guint depth, GError **error);

static SthOnnxScope *new_call(SthOnnxScope *caller, const Onnx__FunctionProto *function, const Onnx__NodeProto *call, gint opset)
{
    SthOnnxScope *scope = g_new(SthOnnxScope, 1);
    g_autofree char *op_type = sth_onnx_text(call->op_type), *name = node_name(caller, call, op_type);
    sth_onnx_scope_init(scope, caller->reader, caller->graph, opset);
    scope->outer = caller;
    scope->function = function;
    scope->call = call;
    g_free(scope->prefix);
    scope->prefix = g_strconcat(name, "/", NULL);
    return scope;
}

static void free_call(gpointer data)
{
    sth_onnx_scope_clear(data);
    g_free(data);
}

static gboolean call_error(SthOnnxScope *scope, GError **error, const char *problem)
{
    g_autofree char *function = sth_onnx_text(scope->call->op_type);
    g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': node '%.*s' calls the function '%s', %s", scope->reader->source,
                (int)strlen(scope->prefix) - 1, scope->prefix, function, problem);
    return FALSE;
}

/* The function's body in the place of the call. */
static gboolean expand_call(Work *work, SthOnnxScope *caller, const Onnx__FunctionProto *function, const Onnx__NodeProto *call, guint depth,
                            GError **error)
{
    gint opset = sth_onnx_function_opset(caller->reader, function, caller->opset, error);
    if (opset == 0)
        return FALSE;
    SthOnnxScope *scope = new_call(caller, function, call, opset);
    g_ptr_array_add(work->calls, scope);
    if (depth > MAX_CALLS)
        return call_error(scope, error, "which calls itself");
    if (call->n_input > function->n_input || call->n_output > function->n_output)
        return call_error(scope, error, "which has fewer inputs or outputs");
    if (!make_nodes(work, scope, function->node, function->n_node, depth, error))
        return FALSE;
    for (gsize i = 0; i < call->n_output; i++)
        if (call->output[i][0] != '\0' && !g_hash_table_contains(scope->values, function->output[i]))
            return call_error(scope, error, "which makes not all of its outputs");
    return TRUE;
}

static gboolean make_nodes(Work *work, SthOnnxScope *scope, Onnx__NodeProto *const *protos, gsize n, guint depth, GError **error)
{
    SthOnnxReader *reader = scope->reader;
    for (gsize i = 0; i < n; i++) {
        const Onnx__FunctionProto *function = sth_onnx_find_function(reader, protos[i]);
        if (++reader->n_nodes > MAX_NODES) {
            g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': more than %d nodes; functions are expanded", reader->source, MAX_NODES);
            return FALSE;
        }
        if (!(function != NULL ? expand_call(work, scope, function, protos[i], depth + 1, error) : make_node(work, scope, protos[i], error)))
            return FALSE;
    }
    return TRUE;
}

/* A branch that this library cannot read is no harm where the other one is taken: then nobody asks for it. */
static void read_branch(SthOnnxScope *scope, SthNode *node, const char *name, const Onnx__AttributeProto *proto, GPtrArray *captured)
{
    g_autoptr(GError) why = NULL;
    SthAttr *attr = g_new0(SthAttr, 1);
    attr->type = STH_ATTR_GRAPH;
    attr->graph = sth_onnx_read_subgraph(scope, proto->g, captured, &why);
    if (attr->graph == NULL)
        attr->s = g_strdup(why->message);
    sth_node_set_attr(node, name, attr);
}

/* The graphs of an If; what they read of the graph around them becomes inputs of the If, in this order. */
static void read_branches(SthOnnxScope *scope, SthNode *node, const Onnx__NodeProto *proto)
{
    static const char *const names[] = {"then_branch", "else_branch"};
    g_autoptr(GPtrArray) captured = g_ptr_array_new();
    for (guint k = 0; k < G_N_ELEMENTS(names); k++)
        for (gsize i = 0; i < proto->n_attribute; i++) {
            const Onnx__AttributeProto *attr = sth_onnx_resolve_attribute(scope, proto->attribute[i]);
            if (attr != NULL && attr->g != NULL && proto->attribute[i]->name != NULL && strcmp(proto->attribute[i]->name, names[k]) == 0)
                read_branch(scope, node, names[k], attr, captured);
        }
    for (guint i = 0; i < captured->len; i++)
        sth_node_add_input(node, captured->pdata[i]);
}

static gboolean connect_inputs(SthOnnxScope *scope, SthNode *node, const Onnx__NodeProto *proto, GError **error)
{
    for (gsize i = 0; i < proto->n_input; i++) {
        SthValue *value;
        if (!sth_onnx_find_value(scope, proto->input[i], &value)) {
            g_autofree char *text = sth_onnx_text(proto->input[i]);
            g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': node '%s' (%s) reads '%s', which nothing makes", scope->reader->source, node->name,
                        node->op_type, text);
            return FALSE;
        }
        sth_node_add_input(node, value);
    }
    /* Optional inputs that are left out at the end may be written or not. */
    while (node->inputs->len > 0 && node->inputs->pdata[node->inputs->len - 1] == NULL)
        sth_node_trim_inputs(node, node->inputs->len - 1);
    if (strcmp(node->op_type, "If") == 0)
        read_branches(scope, node, proto);
    return check_counts(scope->reader, node, error);
}

gboolean sth_onnx_read_nodes(SthOnnxScope *scope, Onnx__NodeProto *const *protos, gsize n, GError **error)
{
    Work work = {
        .pending = g_array_new(FALSE, FALSE, sizeof(Pending)),
        .calls = g_ptr_array_new_with_free_func(free_call),
        .unsupported = g_string_new(NULL),
    };
    gboolean done = make_nodes(&work, scope, protos, n, 0, error);
    if (done && work.unsupported->len > 0) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': %s", scope->reader->source, work.unsupported->str);
        done = FALSE;
    }
    for (guint i = 0; i < work.pending->len && done; i++) {
        const Pending *pending = &g_array_index(work.pending, Pending, i);
        done = connect_inputs(pending->scope, pending->node, pending->proto, error);
    }
    g_array_unref(work.pending);
    g_ptr_array_unref(work.calls);
    g_string_free(work.unsupported, TRUE);
    return done;
}
