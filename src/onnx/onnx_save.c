/* Graph to ModelProto.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"
#include "onnx/onnx-save.h"

/* The longest message that protobuf's own readers take. */
#define MAX_MESSAGE ((gsize)G_MAXINT32)
/* Smaller tensors stay in the model: they are shapes and axes, which other tools want to see there. */
#define MIN_EXTERNAL 1024

typedef struct {
    SthGraph *graph;
    GHashTable *names; /* SthValue * -> name in the file */
    GHashTable *taken; /* names given */
    GPtrArray *kept;   /* memory of the messages */
    GStringChunk *texts;
} Writer;

static gpointer keep(Writer *w, gsize size)
{
    gpointer memory = g_malloc0(MAX(size, 1));
    g_ptr_array_add(w->kept, memory);
    return memory;
}

static char *keep_text(Writer *w, const char *text)
{
    return g_string_chunk_insert(w->texts, text);
}

#define MESSAGE(name, Type, INIT)                                                                                                                    \
    static Type *name(Writer *w)                                                                                                                     \
    {                                                                                                                                                \
        Type *message = keep(w, sizeof *message);                                                                                                    \
        *message = (Type)INIT;                                                                                                                       \
        return message;                                                                                                                              \
    }
MESSAGE(new_tensor, Onnx__TensorProto, ONNX__TENSOR_PROTO__INIT)
MESSAGE(new_attribute, Onnx__AttributeProto, ONNX__ATTRIBUTE_PROTO__INIT)
MESSAGE(new_node, Onnx__NodeProto, ONNX__NODE_PROTO__INIT)
MESSAGE(new_info, Onnx__ValueInfoProto, ONNX__VALUE_INFO_PROTO__INIT)
MESSAGE(new_type, Onnx__TypeProto, ONNX__TYPE_PROTO__INIT)
MESSAGE(new_tensor_type, Onnx__TypeProto__Tensor, ONNX__TYPE_PROTO__TENSOR__INIT)
MESSAGE(new_shape, Onnx__TensorShapeProto, ONNX__TENSOR_SHAPE_PROTO__INIT)
MESSAGE(new_dimension, Onnx__TensorShapeProto__Dimension, ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT)
MESSAGE(new_entry, Onnx__StringStringEntryProto, ONNX__STRING_STRING_ENTRY_PROTO__INIT)

static void give_name(Writer *w, SthValue *value)
{
    if (value == NULL || g_hash_table_contains(w->names, value))
        return;
    char *name = g_strdup(value->name[0] != '\0' ? value->name : "value");
    for (guint i = 2; g_hash_table_contains(w->taken, name); i++) {
        g_free(name);
        name = g_strdup_printf("%s_%u", value->name[0] != '\0' ? value->name : "value", i);
    }
    char *kept = keep_text(w, name);
    g_hash_table_add(w->taken, kept);
    g_hash_table_insert(w->names, value, kept);
    g_free(name);
}

/* Inputs and outputs first: they keep their names. */
static void give_names(Writer *w)
{
    SthGraph *graph = w->graph;
    for (guint i = 0; i < graph->inputs->len; i++)
        give_name(w, graph->inputs->pdata[i]);
    for (guint i = 0; i < graph->outputs->len; i++)
        give_name(w, graph->outputs->pdata[i]);
    for (guint i = 0; i < graph->values->len; i++)
        give_name(w, graph->values->pdata[i]);
}

static char *name_of(Writer *w, SthValue *value)
{
    return value != NULL ? g_hash_table_lookup(w->names, value) : keep_text(w, "");
}

static Onnx__TensorProto *write_tensor(Writer *w, const SthTensor *tensor, const char *name)
{
    Onnx__TensorProto *proto = new_tensor(w);
    proto->has_data_type = TRUE;
    proto->data_type = sth_onnx_data_type(tensor->dtype);
    proto->n_dims = tensor->shape.rank;
    proto->dims = keep(w, sizeof tensor->shape.dims);
    memcpy(proto->dims, tensor->shape.dims, sizeof tensor->shape.dims);
    proto->has_raw_data = TRUE;
    proto->raw_data = (ProtobufCBinaryData){sth_tensor_bytes(tensor), tensor->data};
    if (name != NULL)
        proto->name = keep_text(w, name);
    return proto;
}

static void write_strings(Writer *w, Onnx__AttributeProto *proto, char **strings)
{
    proto->n_strings = g_strv_length(strings);
    proto->strings = keep(w, proto->n_strings * sizeof *proto->strings);
    for (gsize i = 0; i < proto->n_strings; i++)
        proto->strings[i] = (ProtobufCBinaryData){strlen(strings[i]), (guint8 *)keep_text(w, strings[i])};
}

/* Leaves the type undefined where an attribute has no form here. */
static Onnx__AttributeProto *write_attribute(Writer *w, const char *name, const SthAttr *attr)
{
    Onnx__AttributeProto *proto = new_attribute(w);
    proto->name = keep_text(w, name);
    proto->has_type = TRUE;
    switch (attr->type) {
    case STH_ATTR_INT:
        proto->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
        proto->has_i = TRUE;
        proto->i = attr->i;
        break;
    case STH_ATTR_FLOAT:
        proto->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        proto->has_f = TRUE;
        proto->f = attr->f;
        break;
    case STH_ATTR_STRING:
        proto->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
        proto->has_s = TRUE;
        proto->s = (ProtobufCBinaryData){strlen(attr->s), (guint8 *)attr->s};
        break;
    case STH_ATTR_INTS:
        proto->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
        proto->n_ints = attr->list->len;
        proto->ints = (gpointer)attr->list->data;
        break;
    case STH_ATTR_FLOATS:
        proto->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
        proto->n_floats = attr->list->len;
        proto->floats = (gpointer)attr->list->data;
        break;
    case STH_ATTR_STRINGS:
        proto->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS;
        write_strings(w, proto, attr->strings);
        break;
    case STH_ATTR_TENSOR:
        proto->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
        proto->t = write_tensor(w, &attr->tensor, NULL);
        break;
    case STH_ATTR_GRAPH:
    case STH_ATTR_OTHER:
        break;
    }
    return proto;
}

static gboolean refuse(Writer *w, GError **error, const SthNode *node, const char *what)
{
    g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': cannot write node '%s' (%s): %s", w->graph->source, node->name, node->op_type, what);
    return FALSE;
}

static gboolean write_attributes(Writer *w, const SthNode *node, Onnx__NodeProto *proto, GError **error)
{
    GList *names = g_list_sort(g_hash_table_get_keys(node->attrs), (GCompareFunc)strcmp);
    const char *problem = NULL;
    proto->attribute = keep(w, g_list_length(names) * sizeof *proto->attribute);
    for (GList *item = names; item != NULL && problem == NULL; item = item->next) {
        Onnx__AttributeProto *attribute = write_attribute(w, item->data, sth_node_attr(node, item->data));
        if (g_str_has_prefix(item->data, "sth."))
            problem = "an optimiser pass has made it one of this library's own; write the graph before that pass";
        else if (attribute->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED)
            problem = "subgraphs and types as attributes are not written";
        proto->attribute[proto->n_attribute++] = attribute;
    }
    g_list_free(names);
    return problem == NULL || refuse(w, error, node, problem);
}

static char **write_names(Writer *w, const GPtrArray *values, gsize *n)
{
    char **names = keep(w, values->len * sizeof *names);
    *n = values->len;
    for (guint i = 0; i < values->len; i++)
        names[i] = name_of(w, values->pdata[i]);
    return names;
}

static Onnx__NodeProto *write_node(Writer *w, const SthNode *node, GError **error)
{
    Onnx__NodeProto *proto = new_node(w);
    proto->name = keep_text(w, node->name);
    proto->op_type = keep_text(w, node->op_type);
    proto->input = write_names(w, node->inputs, &proto->n_input);
    proto->output = write_names(w, node->outputs, &proto->n_output);
    /* The optimiser's residual: ONNX's Conv has three inputs. */
    if (strcmp(node->op_type, "Conv") == 0 && node->inputs->len > 3) {
        refuse(w, error, node, "an Add has been fused into it; write the graph before that pass");
        return NULL;
    }
    if (node->opset != w->graph->opset) {
        g_autofree char *what = g_strdup_printf("it is of opset %d in a model of opset %d", node->opset, w->graph->opset);
        refuse(w, error, node, what);
        return NULL;
    }
    return write_attributes(w, node, proto, error) ? proto : NULL;
}

static Onnx__ValueInfoProto *write_info(Writer *w, SthValue *value)
{
    Onnx__ValueInfoProto *info = new_info(w);
    info->name = name_of(w, value);
    if (value->tensor.dtype == STH_DTYPE_INVALID)
        return info;
    Onnx__TypeProto__Tensor *type = new_tensor_type(w);
    info->type = new_type(w);
    info->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    info->type->tensor_type = type;
    type->has_elem_type = TRUE;
    type->elem_type = sth_onnx_data_type(value->tensor.dtype);
    type->shape = new_shape(w);
    type->shape->n_dim = value->tensor.shape.rank;
    type->shape->dim = keep(w, type->shape->n_dim * sizeof *type->shape->dim);
    for (guint i = 0; i < value->tensor.shape.rank; i++) {
        Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i] = new_dimension(w);
        const char *name = value->axis_names != NULL ? value->axis_names->pdata[i] : NULL;
        if (value->tensor.shape.dims[i] >= 0) {
            dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dim->dim_value = value->tensor.shape.dims[i];
        } else if (name != NULL) {
            dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dim->dim_param = keep_text(w, name);
        }
    }
    return info;
}

static Onnx__ValueInfoProto **write_infos(Writer *w, const GPtrArray *values, gsize *n)
{
    Onnx__ValueInfoProto **infos = keep(w, values->len * sizeof *infos);
    *n = values->len;
    for (guint i = 0; i < values->len; i++)
        infos[i] = write_info(w, values->pdata[i]);
    return infos;
}

/* Constants as initializers; what is computed, with its shape where that is known. */
static void write_values(Writer *w, Onnx__GraphProto *proto)
{
    const GPtrArray *values = w->graph->values;
    proto->initializer = keep(w, values->len * sizeof *proto->initializer);
    proto->value_info = keep(w, values->len * sizeof *proto->value_info);
    for (guint i = 0; i < values->len; i++) {
        SthValue *value = values->pdata[i];
        gboolean is_output = sth_graph_is_output(w->graph, value);
        if (value->constant != NULL && (value->readers->len > 0 || is_output))
            proto->initializer[proto->n_initializer++] = write_tensor(w, &value->tensor, name_of(w, value));
        else if (value->constant == NULL && value->producer != NULL && value->inferred && !is_output)
            proto->value_info[proto->n_value_info++] = write_info(w, value);
    }
}

static Onnx__GraphProto *write_graph(Writer *w, GError **error)
{
    SthGraph *graph = w->graph;
    Onnx__GraphProto *proto = keep(w, sizeof *proto);
    *proto = (Onnx__GraphProto)ONNX__GRAPH_PROTO__INIT;
    give_names(w);
    proto->name = keep_text(w, graph->name != NULL && graph->name[0] != '\0' ? graph->name : "graph");
    proto->node = keep(w, graph->nodes->len * sizeof *proto->node);
    for (guint i = 0; i < graph->nodes->len; i++)
        if ((proto->node[proto->n_node++] = write_node(w, graph->nodes->pdata[i], error)) == NULL)
            return NULL;
    proto->input = write_infos(w, graph->inputs, &proto->n_input);
    proto->output = write_infos(w, graph->outputs, &proto->n_output);
    write_values(w, proto);
    return proto;
}

static void write_metadata(Writer *w, Onnx__ModelProto *model)
{
    GList *keys = g_list_sort(g_hash_table_get_keys(w->graph->metadata), (GCompareFunc)strcmp);
    model->metadata_props = keep(w, g_list_length(keys) * sizeof *model->metadata_props);
    for (GList *item = keys; item != NULL; item = item->next) {
        Onnx__StringStringEntryProto *entry = new_entry(w);
        entry->key = keep_text(w, item->data);
        entry->value = keep_text(w, g_hash_table_lookup(w->graph->metadata, item->data));
        model->metadata_props[model->n_metadata_props++] = entry;
    }
    g_list_free(keys);
}

static gboolean write_model(Writer *w, Onnx__ModelProto *model, Onnx__OperatorSetIdProto **opset, GError **error)
{
    model->has_ir_version = TRUE;
    model->ir_version = sth_onnx_ir_version(w->graph->opset);
    model->producer_name = (char *)"gst-sth";
    opset[0]->domain = (char *)"";
    opset[0]->has_version = TRUE;
    opset[0]->version = w->graph->opset;
    model->n_opset_import = 1;
    model->opset_import = opset;
    write_metadata(w, model);
    model->graph = write_graph(w, error);
    return model->graph != NULL;
}

static void set_entry(Writer *w, Onnx__TensorProto *tensor, const char *key, char *value)
{
    Onnx__StringStringEntryProto *entry = new_entry(w);
    entry->key = keep_text(w, key);
    entry->value = keep_text(w, value);
    tensor->external_data[tensor->n_external_data++] = entry;
    g_free(value);
}

/* Moves the large initializers to the end of @data and says in each where it went. */
static gboolean move_tensors(Writer *w, Onnx__GraphProto *graph, SthOnnxFile *data, const char *location)
{
    for (gsize i = 0; i < graph->n_initializer; i++) {
        Onnx__TensorProto *tensor = graph->initializer[i];
        if (tensor->raw_data.len < MIN_EXTERNAL)
            continue;
        gsize offset = sth_onnx_file_align(data);
        if (!sth_onnx_file_append(data, tensor->raw_data.data, tensor->raw_data.len))
            return FALSE;
        tensor->external_data = keep(w, 3 * sizeof *tensor->external_data);
        set_entry(w, tensor, "location", g_strdup(location));
        set_entry(w, tensor, "offset", g_strdup_printf("%" G_GSIZE_FORMAT, offset));
        set_entry(w, tensor, "length", g_strdup_printf("%" G_GSIZE_FORMAT, tensor->raw_data.len));
        tensor->has_raw_data = FALSE;
        tensor->has_data_location = TRUE;
        tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    }
    return TRUE;
}

static gboolean save_external(Writer *w, Onnx__GraphProto *graph, const char *path, GError **error)
{
    g_autofree char *data_path = g_strconcat(path, ".data", NULL);
    g_autofree char *location = g_path_get_basename(data_path);
    SthOnnxFile *data = sth_onnx_file_new(data_path, error);
    if (data == NULL)
        return FALSE;
    gboolean moved = move_tensors(w, graph, data, location);
    return sth_onnx_file_close(data, moved, error);
}

static gboolean save(Writer *w, const char *path, SthOnnxSaveFlags flags, GError **error)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets[] = {&opset};
    if (!write_model(w, &model, opsets, error))
        return FALSE;
    gboolean too_long = protobuf_c_message_get_packed_size(&model.base) > MAX_MESSAGE;
    if (((flags & STH_ONNX_EXTERNAL_DATA) || too_long) && !save_external(w, model.graph, path, error))
        return FALSE;
    SthOnnxFile *file = sth_onnx_file_new(path, error);
    if (file == NULL)
        return FALSE;
    return sth_onnx_file_close(file, sth_onnx_file_append_message(file, &model.base), error);
}

gboolean sth_onnx_save(SthGraph *graph, const char *path, SthOnnxSaveFlags flags, GError **error)
{
    Writer w = {
        .graph = graph,
        .names = g_hash_table_new(NULL, NULL),
        .taken = g_hash_table_new(g_str_hash, g_str_equal),
        .kept = g_ptr_array_new_with_free_func(g_free),
        .texts = g_string_chunk_new(4096),
    };
    gboolean saved = save(&w, path, flags, error);
    g_hash_table_unref(w.names);
    g_hash_table_unref(w.taken);
    g_ptr_array_unref(w.kept);
    g_string_chunk_free(w.texts);
    return saved;
}
