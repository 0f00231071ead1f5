/* GraphProto to graph: values, nodes, and everything that can be wrong with them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"
#include "ops/op.h"

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

/* A new value under the file's name for it. NULL with @error if the name is taken. */
static SthValue *add_value(SthOnnxReader *reader, const char *name, GError **error)
{
    if (g_hash_table_contains(reader->values, name)) {
        refuse(reader, error, STH_ERROR_FORMAT, name, "the value name", "is given twice");
        return NULL;
    }
    char *text = sth_onnx_text(name);
    SthValue *value = sth_graph_add_value(reader->graph, text);
    g_free(text);
    g_hash_table_insert(reader->values, g_strdup(name), value);
    return value;
}

static gboolean read_initializer(SthOnnxReader *reader, const Onnx__TensorProto *proto, GError **error)
{
    if (proto->name == NULL || proto->name[0] == '\0') {
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': an initializer has no name", reader->source);
        return FALSE;
    }
    SthValue *value = add_value(reader, proto->name, error);
    if (value == NULL)
        return FALSE;
    char *what = g_strdup_printf("initializer '%s'", value->name);
    GBytes *bytes = sth_onnx_tensor_bytes(reader, proto, what, &value->tensor, error);
    g_free(what);
    if (bytes == NULL)
        return FALSE;
    sth_value_set_constant(value, bytes);
    SthDType dtype = value->tensor.dtype;
    if (dtype == STH_DTYPE_FLOAT || dtype == STH_DTYPE_DOUBLE || dtype == STH_DTYPE_FLOAT16 || dtype == STH_DTYPE_BFLOAT16)
        reader->graph->parameters += (guint64)sth_shape_elements(&value->tensor.shape);
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

static gboolean read_inputs(SthOnnxReader *reader, const Onnx__GraphProto *proto, GError **error)
{
    for (gsize i = 0; i < proto->n_input; i++) {
        const Onnx__ValueInfoProto *info = proto->input[i];
        const char *name = info->name != NULL ? info->name : "";
        const SthValue *known = g_hash_table_lookup(reader->values, name);
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
        SthValue *value = add_value(reader, name, error);
        if (value == NULL)
            return FALSE;
        value->tensor = tensor;
        value->axis_names = read_axis_names(info);
        g_ptr_array_add(reader->graph->inputs, value);
    }
    return TRUE;
}

static gboolean read_outputs(SthOnnxReader *reader, const Onnx__GraphProto *proto, GError **error)
{
    for (gsize i = 0; i < proto->n_output; i++) {
        const Onnx__ValueInfoProto *info = proto->output[i];
        const char *name = info->name != NULL ? info->name : "";
        SthValue *value = g_hash_table_lookup(reader->values, name);
        if (value == NULL)
            return refuse(reader, error, STH_ERROR_FORMAT, name, "the output", "is made by no node");
        SthTensor tensor = {0};
        if (info->type != NULL && !read_declaration(reader, info, &tensor, error))
            return FALSE;
        if (value->producer != NULL && !value->inferred)
            value->tensor = tensor;
        if (tensor.dtype != STH_DTYPE_INVALID && value->axis_names == NULL)
            value->axis_names = read_axis_names(info);
        g_ptr_array_add(reader->graph->outputs, value);
    }
    if (reader->graph->outputs->len > 0)
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': the graph has no outputs", reader->source);
    return FALSE;
}

static gboolean read_attributes(SthOnnxReader *reader, SthNode *node, const Onnx__NodeProto *proto, GError **error)
{
    for (gsize i = 0; i < proto->n_attribute; i++) {
        const Onnx__AttributeProto *attr = proto->attribute[i];
        char *name = sth_onnx_text(attr->name);
        gboolean twice = sth_node_has(node, name);
        SthAttr *read = twice ? NULL : sth_onnx_attribute(reader, node, attr, error);
        if (twice)
            g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': node '%s' (%s) has the attribute '%s' twice", reader->source, node->name,
                        node->op_type, name);
        if (read != NULL)
            sth_node_set_attr(node, name, read);
        g_free(name);
        if (read == NULL)
            return FALSE;
    }
    return TRUE;
}

static gboolean is_foreign(const Onnx__NodeProto *proto)
{
    return proto->domain != NULL && proto->domain[0] != '\0' && strcmp(proto->domain, "ai.onnx") != 0;
}

/* Nodes that cannot run: the first is told in full, the operators of all others by name, each once. */
static void note_unsupported(GString *list, const SthNode *node, const Onnx__NodeProto *proto)
{
    char *domain = sth_onnx_text(proto->domain);
    if (list->len == 0) {
        g_string_append_printf(list, "cannot run '%s' (%s): ", node->name, node->op_type);
        if (is_foreign(proto))
            g_string_append_printf(list, "operators of the domain '%s' are not supported", domain);
        else if (node->op == NULL)
            g_string_append_printf(list, "the operator %s (opset %d) is not supported", node->op_type, node->opset);
        else
            g_string_append_printf(list, "%s is supported from opset %d on, the model has opset %d; export it with a newer one", node->op_type,
                                   node->op->since, node->opset);
        g_free(domain);
        return;
    }
    g_free(domain);
    char *other = g_strdup_printf(", also not supported: %s", node->op_type);
    if (strstr(list->str, other) == NULL)
        g_string_append(list, other);
    g_free(other);
}

static gboolean check_counts(SthOnnxReader *reader, const SthNode *node, GError **error)
{
    if (node->inputs->len >= node->op->min_in && node->inputs->len <= node->op->max_in && node->outputs->len > 0)
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_FORMAT,
                "'%s': node '%s' (%s) has %u inputs and %u outputs; it needs at least %u inputs, takes at most %u, and gives at least one output",
                reader->source, node->name, node->op_type, node->inputs->len, node->outputs->len, node->op->min_in, node->op->max_in);
    return FALSE;
}

/* The node with its attributes and outputs; inputs may name values of later nodes and are connected afterwards. */
static gboolean read_node(SthOnnxReader *reader, const Onnx__NodeProto *proto, gsize index, GString *unsupported, GError **error)
{
    char *op_type = sth_onnx_text(proto->op_type), *name;
    if (proto->name != NULL && proto->name[0] != '\0')
        name = sth_onnx_text(proto->name);
    else if (proto->n_output > 0 && proto->output[0][0] != '\0')
        name = sth_onnx_text(proto->output[0]);
    else
        name = g_strdup_printf("%s-%" G_GSIZE_FORMAT, op_type, index);
    SthNode *node = sth_graph_add_node(reader->graph, name, op_type, reader->opset);
    g_free(name);
    g_free(op_type);
    for (gsize i = 0; i < proto->n_output; i++) {
        SthValue *value = NULL;
        if (proto->output[i][0] != '\0' && (value = add_value(reader, proto->output[i], error)) == NULL)
            return FALSE;
        sth_node_add_output(node, value);
    }
    node->op = is_foreign(proto) ? NULL : sth_op_find(node->op_type);
    if (node->op == NULL || node->opset < node->op->since) {
        note_unsupported(unsupported, node, proto);
        return TRUE;
    }
    return read_attributes(reader, node, proto, error);
}

static gboolean connect_inputs(SthOnnxReader *reader, SthNode *node, const Onnx__NodeProto *proto, GError **error)
{
    for (gsize i = 0; i < proto->n_input; i++) {
        SthValue *value = NULL;
        if (proto->input[i][0] != '\0' && (value = g_hash_table_lookup(reader->values, proto->input[i])) == NULL) {
            char *text = sth_onnx_text(proto->input[i]);
            g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': node '%s' (%s) reads '%s', which nothing makes", reader->source, node->name,
                        node->op_type, text);
            g_free(text);
            return FALSE;
        }
        sth_node_add_input(node, value);
    }
    /* Optional inputs that are left out at the end may be written or not. */
    while (node->inputs->len > 0 && node->inputs->pdata[node->inputs->len - 1] == NULL)
        sth_node_trim_inputs(node, node->inputs->len - 1);
    return check_counts(reader, node, error);
}

static gboolean read_nodes(SthOnnxReader *reader, const Onnx__GraphProto *proto, GError **error)
{
    GString *unsupported = g_string_new(NULL);
    gboolean done = TRUE;
    for (gsize i = 0; i < proto->n_node && done; i++)
        done = read_node(reader, proto->node[i], i, unsupported, error);
    if (done && unsupported->len > 0) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': %s", reader->source, unsupported->str);
        done = FALSE;
    }
    g_string_free(unsupported, TRUE);
    for (gsize i = 0; i < proto->n_node && done; i++)
        done = connect_inputs(reader, reader->graph->nodes->pdata[i], proto->node[i], error);
    return done;
}

gboolean sth_onnx_read_graph(SthOnnxReader *reader, const Onnx__GraphProto *proto, GError **error)
{
    if (proto->n_sparse_initializer > 0) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': sparse initializers are not supported", reader->source);
        return FALSE;
    }
    for (gsize i = 0; i < proto->n_initializer; i++)
        if (!read_initializer(reader, proto->initializer[i], error))
            return FALSE;
    return read_inputs(reader, proto, error) && read_nodes(reader, proto, error) && read_outputs(reader, proto, error) &&
           sth_graph_sort(reader->graph, error);
}
