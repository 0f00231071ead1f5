/* The model's own functions (ModelProto.functions): a node that names one stands for the function's body.
 *
 * Source: onnx.proto, message FunctionProto; docs/IR.md, "Functions".
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"

gboolean sth_onnx_is_default_domain(const char *domain)
{
    return domain == NULL || domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0;
}

static char *function_key(const char *domain, const char *name)
{
    return g_strdup_printf("%s:%s", sth_onnx_is_default_domain(domain) ? "" : domain, name != NULL ? name : "");
}

gboolean sth_onnx_read_functions(SthOnnxReader *reader, const Onnx__ModelProto *model, GError **error)
{
    for (gsize i = 0; i < model->n_functions; i++) {
        Onnx__FunctionProto *function = model->functions[i];
        char *key = function_key(function->domain, function->name);
        if (g_hash_table_contains(reader->functions, key)) {
            g_autofree char *text = sth_onnx_text(key);
            g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': the function '%s' is defined twice", reader->source, text);
            g_free(key);
            return FALSE;
        }
        g_hash_table_insert(reader->functions, key, function);
    }
    return TRUE;
}

const Onnx__FunctionProto *sth_onnx_find_function(SthOnnxReader *reader, const Onnx__NodeProto *call)
{
    if (g_hash_table_size(reader->functions) == 0)
        return NULL;
    g_autofree char *key = function_key(call->domain, call->op_type);
    return g_hash_table_lookup(reader->functions, key);
}

/* What stands in @theirs at the place where @name stands in @ours. */
static const char *counterpart(const char *name, char *const *ours, gsize n_ours, char *const *theirs, gsize n_theirs, const char *left_out)
{
    for (gsize i = 0; i < n_ours; i++)
        if (strcmp(ours[i], name) == 0)
            return i < n_theirs && theirs[i][0] != '\0' ? theirs[i] : left_out;
    return NULL;
}

const char *sth_onnx_call_output(const SthOnnxScope *scope, const char *name)
{
    return counterpart(name, scope->function->output, scope->function->n_output, scope->call->output, scope->call->n_output, NULL);
}

const char *sth_onnx_call_input(const SthOnnxScope *scope, const char *name)
{
    return counterpart(name, scope->function->input, scope->function->n_input, scope->call->input, scope->call->n_input, "");
}

/* Attributes with defaults, a field that ONNX 1.13 brought: asked for by name, since the schema is the system's. */
static Onnx__AttributeProto *const *defaults_of(const Onnx__FunctionProto *function, gsize *n)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(function->base.descriptor, "attribute_proto");
    *n = 0;
    if (field == NULL)
        return NULL;
    memcpy(n, (const guint8 *)function + field->quantifier_offset, sizeof *n);
    Onnx__AttributeProto *const *defaults;
    memcpy(&defaults, (const guint8 *)function + field->offset, sizeof defaults);
    return defaults;
}

static const Onnx__AttributeProto *find_attribute(Onnx__AttributeProto *const *list, gsize n, const char *name)
{
    for (gsize i = 0; i < n; i++)
        if (list[i]->name != NULL && strcmp(list[i]->name, name) == 0)
            return list[i];
    return NULL;
}

const Onnx__AttributeProto *sth_onnx_resolve_attribute(const SthOnnxScope *scope, const Onnx__AttributeProto *proto)
{
    if (proto->ref_attr_name == NULL || proto->ref_attr_name[0] == '\0')
        return proto;
    while (scope != NULL && scope->call == NULL)
        scope = scope->outer;
    if (scope == NULL)
        return NULL;
    const Onnx__AttributeProto *given = find_attribute(scope->call->attribute, scope->call->n_attribute, proto->ref_attr_name);
    if (given != NULL)
        return sth_onnx_resolve_attribute(scope->outer, given);
    gsize n;
    Onnx__AttributeProto *const *defaults = defaults_of(scope->function, &n);
    return find_attribute(defaults, n, proto->ref_attr_name);
}
