/* A model of one Add, made in memory: see tiny-model.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny-model.h"

#include <string.h>

static gpointer keep(TinyModel *tiny, gsize bytes)
{
    gpointer memory = g_malloc0(bytes);
    g_ptr_array_add(tiny->kept, memory);
    return memory;
}

char *tiny_text(TinyModel *tiny, const char *text)
{
    char *copy = g_strdup(text);
    g_ptr_array_add(tiny->kept, copy);
    return copy;
}

static char **split(TinyModel *tiny, const char *list, gsize *n)
{
    char **parts = g_strsplit(list, ",", -1);
    *n = list[0] == '\0' ? 0 : g_strv_length(parts);
    char **kept = keep(tiny, (*n + 1) * sizeof *kept);
    for (gsize i = 0; i < *n; i++)
        kept[i] = tiny_text(tiny, parts[i]);
    g_strfreev(parts);
    return kept;
}

Onnx__NodeProto *tiny_add_node(TinyModel *tiny, const char *op_type, const char *name, const char *inputs, const char *outputs)
{
    Onnx__NodeProto *node = keep(tiny, sizeof *node);
    onnx__node_proto__init(node);
    node->op_type = tiny_text(tiny, op_type);
    node->name = tiny_text(tiny, name);
    node->input = split(tiny, inputs, &node->n_input);
    node->output = split(tiny, outputs, &node->n_output);
    node->attribute = keep(tiny, TINY_MAX * sizeof *node->attribute);
    tiny->nodes[tiny->graph.n_node++] = node;
    return node;
}

Onnx__AttributeProto *tiny_add_attribute(TinyModel *tiny, Onnx__NodeProto *node, const char *name)
{
    Onnx__AttributeProto *attribute = keep(tiny, sizeof *attribute);
    onnx__attribute_proto__init(attribute);
    attribute->name = tiny_text(tiny, name);
    attribute->has_type = TRUE;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

Onnx__TensorProto *tiny_add_tensor(TinyModel *tiny, const char *name, const gint64 *dims)
{
    Onnx__TensorProto *tensor = keep(tiny, sizeof *tensor);
    gsize n = 1;
    onnx__tensor_proto__init(tensor);
    tensor->name = tiny_text(tiny, name);
    tensor->has_data_type = tensor->has_raw_data = TRUE;
    tensor->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->dims = keep(tiny, 16 * sizeof *tensor->dims);
    for (; dims[tensor->n_dims] >= 0; tensor->n_dims++) {
        tensor->dims[tensor->n_dims] = dims[tensor->n_dims];
        n *= (gsize)dims[tensor->n_dims];
    }
    float *data = keep(tiny, n * sizeof *data + 1);
    for (gsize i = 0; i < n; i++)
        data[i] = (float)(i + 1);
    tensor->raw_data.data = (guint8 *)data;
    tensor->raw_data.len = n * sizeof *data;
    tiny->tensors[tiny->graph.n_initializer++] = tensor;
    return tensor;
}

static Onnx__ValueInfoProto *new_value_info(TinyModel *tiny, const char *name)
{
    Onnx__ValueInfoProto *info = keep(tiny, sizeof *info);
    onnx__value_info_proto__init(info);
    info->name = tiny_text(tiny, name);
    return info;
}

/* A dimension of -2 ends the list, -1 is a free one. */
static Onnx__TypeProto *new_type(TinyModel *tiny, gint32 elem_type, const gint64 *dims)
{
    Onnx__TypeProto *type = keep(tiny, sizeof *type);
    onnx__type_proto__init(type);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = keep(tiny, sizeof *type->tensor_type);
    onnx__type_proto__tensor__init(type->tensor_type);
    type->tensor_type->has_elem_type = TRUE;
    type->tensor_type->elem_type = elem_type;
    Onnx__TensorShapeProto *shape = type->tensor_type->shape = keep(tiny, sizeof *shape);
    onnx__tensor_shape_proto__init(shape);
    shape->dim = keep(tiny, 16 * sizeof *shape->dim);
    for (; dims[shape->n_dim] != -2; shape->n_dim++) {
        Onnx__TensorShapeProto__Dimension *dim = shape->dim[shape->n_dim] = keep(tiny, sizeof *dim);
        onnx__tensor_shape_proto__dimension__init(dim);
        gint64 length = dims[shape->n_dim];
        dim->value_case = length < 0 ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (length < 0)
            dim->dim_param = tiny_text(tiny, "free");
        else
            dim->dim_value = length;
    }
    return type;
}

Onnx__ValueInfoProto *tiny_add_input(TinyModel *tiny, const char *name, gint32 elem_type, const gint64 *dims)
{
    Onnx__ValueInfoProto *info = new_value_info(tiny, name);
    info->type = new_type(tiny, elem_type, dims);
    tiny->inputs[tiny->graph.n_input++] = info;
    return info;
}

Onnx__ValueInfoProto *tiny_add_output(TinyModel *tiny, const char *name)
{
    Onnx__ValueInfoProto *info = new_value_info(tiny, name);
    tiny->outputs[tiny->graph.n_output++] = info;
    return info;
}

static Onnx__StringStringEntryProto *new_entry(TinyModel *tiny, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = keep(tiny, sizeof *entry);
    onnx__string_string_entry_proto__init(entry);
    entry->key = tiny_text(tiny, key);
    entry->value = tiny_text(tiny, value);
    return entry;
}

void tiny_add_metadata(TinyModel *tiny, const char *key, const char *value)
{
    tiny->metadata[tiny->model.n_metadata_props++] = new_entry(tiny, key, value);
}

void tiny_make_external(TinyModel *tiny, Onnx__TensorProto *tensor, const char *location, const char *offset, const char *length)
{
    const char *const values[] = {location, offset, length}, *const keys[] = {"location", "offset", "length"};
    tensor->has_raw_data = FALSE;
    tensor->raw_data.len = 0;
    tensor->has_data_location = TRUE;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    tensor->external_data = keep(tiny, 3 * sizeof *tensor->external_data);
    for (guint i = 0; i < 3; i++)
        if (values[i] != NULL)
            tensor->external_data[tensor->n_external_data++] = new_entry(tiny, keys[i], values[i]);
}

void tiny_init(TinyModel *tiny)
{
    memset(tiny, 0, sizeof *tiny);
    tiny->kept = g_ptr_array_new_with_free_func(g_free);
    onnx__model_proto__init(&tiny->model);
    onnx__graph_proto__init(&tiny->graph);
    onnx__operator_set_id_proto__init(&tiny->opset);
    tiny->model.has_ir_version = tiny->opset.has_version = TRUE;
    tiny->model.ir_version = 8;
    tiny->opset.version = 17;
    tiny->opsets[0] = &tiny->opset;
    tiny->model.n_opset_import = 1;
    tiny->model.opset_import = tiny->opsets;
    tiny->model.metadata_props = tiny->metadata;
    tiny->model.graph = &tiny->graph;
    tiny->graph.node = tiny->nodes;
    tiny->graph.initializer = tiny->tensors;
    tiny->graph.input = tiny->inputs;
    tiny->graph.output = tiny->outputs;
    tiny_add_input(tiny, "x", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (gint64[]){1, 3, -2});
    tiny_add_tensor(tiny, "w", (gint64[]){3, -1});
    tiny_add_node(tiny, "Add", "sum", "x,w", "y");
    tiny_add_output(tiny, "y");
}

void tiny_clear(TinyModel *tiny)
{
    g_ptr_array_unref(tiny->kept);
}

GBytes *tiny_pack(const TinyModel *tiny)
{
    gsize size = onnx__model_proto__get_packed_size(&tiny->model);
    guint8 *data = g_malloc(size + 1);
    onnx__model_proto__pack(&tiny->model, data);
    return g_bytes_new_take(data, size);
}
