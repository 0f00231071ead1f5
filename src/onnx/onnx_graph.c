/* GraphProto to graph: values, and everything that can be wrong with them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"

/* Elements of a declared input or output: more is a broken file. */
#define MAX_ELEMENTS ((gint64)1 << 40)

char *sth_onnx_text(const char *bytes)
{
    char *text = g_utf8_make_valid(bytes != NULL ? bytes : "", -1);
    for (char *at = text; *at != '\0'; at++)
        if (g_ascii_iscntrl(*at))
            *at = '?';
    return text;
}

/* Sets @error to "'file': " and the message, in which %s stands for @bytes made readable. */
static gboolean refuse(SthOnnxReader *reader, GError **error, SthErrorCode code, const char *bytes, const char *before, const char *after)
{
    char *text = sth_onnx_text(bytes);
    g_set_error(error, STH_ERROR, (gint)code, "'%s': %s '%s' %s", reader->source, before, text, after);
    g_free(text);
    return FALSE;
}

void sth_onnx_scope_init(SthOnnxScope *scope, SthOnnxReader *reader, SthGraph *graph, gint opset)
{
    *scope = (SthOnnxScope){.reader = reader, .graph = graph, .opset = opset, .prefix = g_strdup("")};
    scope->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void sth_onnx_scope_clear(SthOnnxScope *scope)
{
    g_hash_table_unref(scope->values);
    g_clear_pointer(&scope->captured, g_ptr_array_unref);
    g_free(scope->prefix);
}

SthValue *sth_onnx_add_value(SthOnnxScope *scope, const char *name, GError **error)
{
    const char *result = scope->call != NULL ? sth_onnx_call_output(scope, name) : NULL;
    if (g_hash_table_contains(scope->values, name)) {
        refuse(scope->reader, error, STH_ERROR_FORMAT, name, "the value name", "is given twice");
        return NULL;
    }
    SthValue *value;
    if (result != NULL) {
        if ((value = sth_onnx_add_value(scope->outer, result, error)) == NULL)
            return NULL;
    } else {
        char *text = sth_onnx_text(name), *full = g_strconcat(scope->prefix, text, NULL);
        value = sth_graph_add_value(scope->graph, full);
        g_free(full);
        g_free(text);
    }
    g_hash_table_insert(scope->values, g_strdup(name), value);
    return value;
}

/* A value of the graph around a subgraph, as an input of the subgraph. */
static SthValue *capture(SthOnnxScope *scope, const char *name, SthValue *outer)
{
    SthValue *value = sth_graph_add_value(scope->graph, outer->name);
    g_ptr_array_add(scope->graph->inputs, value);
    g_ptr_array_add(scope->captured, outer);
    g_hash_table_insert(scope->values, g_strdup(name), value);
    return value;
}

gboolean sth_onnx_find_value(SthOnnxScope *scope, const char *name, SthValue **value)
{
    *value = NULL;
    if (name[0] == '\0' || (*value = g_hash_table_lookup(scope->values, name)) != NULL)
        return TRUE;
    if (scope->call != NULL) {
        const char *argument = sth_onnx_call_input(scope, name);
        return argument != NULL && sth_onnx_find_value(scope->outer, argument, value);
    }
    if (scope->outer == NULL || !sth_onnx_find_value(scope->outer, name, value))
        return FALSE;
    if (*value != NULL)
        *value = capture(scope, name, *value);
    return TRUE;
}

static gboolean check_initializer_name(SthOnnxReader *reader, const char *name, GError **error)
{
    if (name != NULL && name[0] != '\0')
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': an initializer has no name", reader->source);
    return FALSE;
}

/* One of @dense and @sparse. */
static gboolean read_initializer(SthOnnxScope *scope, const char *name, Onnx__TensorProto *dense, const Onnx__SparseTensorProto *sparse,
                                 GError **error)
{
    SthOnnxReader *reader = scope->reader;
    SthValue *value = check_initializer_name(reader, name, error) ? sth_onnx_add_value(scope, name, error) : NULL;
    if (value == NULL)
        return FALSE;
    char *what = g_strdup_printf("initializer '%s'", value->name);
    GBytes *bytes;
    if (dense == NULL)
        bytes = sth_onnx_sparse_bytes(reader, sparse, what, &value->tensor, error);
    else if (scope->outer == NULL)
        bytes = sth_onnx_take_tensor(reader, dense, what, &value->tensor, error);
    else /* of a branch in a function, which may be called again */
        bytes = sth_onnx_tensor_bytes(reader, dense, what, &value->tensor, error);
    g_free(what);
    if (bytes == NULL)
        return FALSE;
    sth_value_set_constant(value, bytes);
    SthDType dtype = value->tensor.dtype;
    if (dtype == STH_DTYPE_FLOAT || dtype == STH_DTYPE_DOUBLE || dtype == STH_DTYPE_FLOAT16 || dtype == STH_DTYPE_BFLOAT16)
        reader->parameters += (guint64)sth_shape_elements(&value->tensor.shape);
    return TRUE;
}

/* What the file calls the axes that are not numbers. */
static GPtrArray *read_axis_names(const Onnx__ValueInfoProto *proto)
{
    const Onnx__TensorShapeProto *shape = proto->type->tensor_type->shape;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
        gboolean named = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && dim->dim_param[0] != '\0';
        g_ptr_array_add(names, named ? sth_onnx_text(dim->dim_param) : NULL);
    }
    return names;
}

/* The declared type of an input or output; an axis that is not a number there is free (-1). */
static gboolean read_declaration(SthOnnxReader *reader, const Onnx__ValueInfoProto *proto, SthTensor *tensor, GError **error)
{
    const Onnx__TypeProto *type = proto->type;
    if (type == NULL || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return refuse(reader, error, STH_ERROR_UNSUPPORTED, proto->name, "input or output", "is no tensor (a sequence, map or optional?)");
    const Onnx__TypeProto__Tensor *declared = type->tensor_type;
    tensor->dtype = sth_onnx_dtype(declared->elem_type);
    if (tensor->dtype == STH_DTYPE_INVALID) {
        char *after = g_strdup_printf("is %s, which is not supported", sth_onnx_dtype_name(declared->elem_type));
        refuse(reader, error, STH_ERROR_UNSUPPORTED, proto->name, "input or output", after);
        g_free(after);
        return FALSE;
    }
    const Onnx__TensorShapeProto *shape = declared->shape;
    if (shape == NULL) {
        tensor->dtype = STH_DTYPE_INVALID;
        return TRUE;
    }
    if (shape->n_dim > STH_MAX_RANK)
        return refuse(reader, error, STH_ERROR_UNSUPPORTED, proto->name, "input or output", "has more than 8 axes");
    tensor->shape.rank = (guint)shape->n_dim;
    gint64 total = 1;
    for (gsize i = 0; i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
        gboolean known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && dim->dim_value >= 0;
        tensor->shape.dims[i] = known ? dim->dim_value : -1;
        if (known && (__builtin_mul_overflow(total, MAX(dim->dim_value, 1), &total) || total > MAX_ELEMENTS))
            return refuse(reader, error, STH_ERROR_FORMAT, proto->name, "input or output", "has an impossibly large shape");
    }
    return TRUE;
}

static gboolean read_inputs(SthOnnxScope *scope, const Onnx__GraphProto *proto, GError **error)
{
    SthOnnxReader *reader = scope->reader;
    for (gsize i = 0; i < proto->n_input; i++) {
        const Onnx__ValueInfoProto *info = proto->input[i];
        const char *name = info->name != NULL ? info->name : "";
        const SthValue *known = g_hash_table_lookup(scope->values, name);
        /* Up to IR version 3 every initializer is listed as an input too; later the same means a default value: constant for us. */
        if (known != NULL && known->constant != NULL)
            continue;
        if (name[0] == '\0') {
            g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': an input has no name", reader->source);
            return FALSE;
        }
        SthTensor tensor = {0};
        if (!read_declaration(reader, info, &tensor, error))
            return FALSE;
        if (tensor.dtype == STH_DTYPE_INVALID)
            return refuse(reader, error, STH_ERROR_UNSUPPORTED, name, "input", "has no declared shape; export the model with one");
        SthValue *value = sth_onnx_add_value(scope, name, error);
        if (value == NULL)
            return FALSE;
        value->tensor = tensor;
        value->axis_names = read_axis_names(info);
        g_ptr_array_add(scope->graph->inputs, value);
    }
    return TRUE;
}

static gboolean read_outputs(SthOnnxScope *scope, const Onnx__GraphProto *proto, GError **error)
{
    SthOnnxReader *reader = scope->reader;
    for (gsize i = 0; i < proto->n_output; i++) {
        const Onnx__ValueInfoProto *info = proto->output[i];
        const char *name = info->name != NULL ? info->name : "";
        SthValue *value;
        if (!sth_onnx_find_value(scope, name, &value) || value == NULL)
            return refuse(reader, error, STH_ERROR_FORMAT, name, "the output", "is made by no node");
        SthTensor tensor = {0};
        if (info->type != NULL && !read_declaration(reader, info, &tensor, error))
            return FALSE;
        if (value->producer != NULL && !value->inferred)
            value->tensor = tensor;
        if (tensor.dtype != STH_DTYPE_INVALID && value->axis_names == NULL)
            value->axis_names = read_axis_names(info);
        g_ptr_array_add(scope->graph->outputs, value);
    }
    if (scope->graph->outputs->len > 0)
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': the graph has no outputs", reader->source);
    return FALSE;
}

gboolean sth_onnx_read_graph(SthOnnxScope *scope, const Onnx__GraphProto *proto, GError **error)
{
    for (gsize i = 0; i < proto->n_initializer; i++)
        if (!read_initializer(scope, proto->initializer[i]->name, proto->initializer[i], NULL, error))
            return FALSE;
    for (gsize i = 0; i < proto->n_sparse_initializer; i++) {
        const Onnx__SparseTensorProto *sparse = proto->sparse_initializer[i];
        if (!read_initializer(scope, sparse->values != NULL ? sparse->values->name : NULL, NULL, sparse, error))
            return FALSE;
    }
    return read_inputs(scope, proto, error) && sth_onnx_read_nodes(scope, proto->node, proto->n_node, error) && read_outputs(scope, proto, error) &&
           sth_graph_sort(scope->graph, error);
}

SthGraph *sth_onnx_read_subgraph(SthOnnxScope *outer, const Onnx__GraphProto *proto, GPtrArray *captured, GError **error)
{
    SthOnnxScope scope;
    SthGraph *graph = sth_graph_new(outer->reader->source);
    graph->opset = outer->opset;
    graph->release = outer->graph->release;
    sth_onnx_scope_init(&scope, outer->reader, graph, outer->opset);
    scope.outer = outer;
    scope.captured = g_ptr_array_new();
    gboolean done = sth_onnx_read_graph(&scope, proto, error);
    for (guint i = 0; done && i < scope.captured->len; i++)
        g_ptr_array_add(captured, scope.captured->pdata[i]);
    sth_onnx_scope_clear(&scope);
    if (done)
        return graph;
    sth_graph_free(graph);
    return NULL;
}
