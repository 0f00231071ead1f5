/* AttributeProto to attributes of the graph.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"

static char *copy_bytes(const ProtobufCBinaryData *data)
{
    return data->len > 0 ? g_utf8_make_valid((const char *)data->data, (gssize)data->len) : g_strdup("");
}

static SthAttr *new_list(SthAttrType type, gconstpointer items, gsize n, guint size)
{
    SthAttr *attr = g_new0(SthAttr, 1);
    attr->type = type;
    /* Zero-terminated, so that an empty list has an address and is told from an absent one. */
    attr->list = g_array_new(TRUE, FALSE, size);
    g_array_append_vals(attr->list, items, (guint)n);
    return attr;
}

static SthAttr *new_strings(const Onnx__AttributeProto *proto)
{
    SthAttr *attr = g_new0(SthAttr, 1);
    attr->type = STH_ATTR_STRINGS;
    attr->strings = g_new0(char *, proto->n_strings + 1);
    for (gsize i = 0; i < proto->n_strings; i++)
        attr->strings[i] = copy_bytes(&proto->strings[i]);
    return attr;
}

/* Files of IR version 1 leave the type out: then the field that is filled tells it. */
static gint type_of(const Onnx__AttributeProto *proto)
{
    if (proto->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED)
        return proto->type;
    if (proto->has_f)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    if (proto->has_i)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    if (proto->has_s)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    if (proto->t != NULL)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    if (proto->n_ints > 0)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    if (proto->n_floats > 0)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
    if (proto->n_strings > 0)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS;
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED;
}

static SthAttr *read_tensor(SthOnnxReader *reader, const SthNode *node, const Onnx__AttributeProto *proto, GError **error)
{
    char *name = sth_onnx_text(proto->name), *what = g_strdup_printf("node '%s' (%s): tensor attribute '%s'", node->name, node->op_type, name);
    SthAttr *attr = g_new0(SthAttr, 1);
    attr->type = STH_ATTR_TENSOR;
    if (proto->sparse_tensor != NULL)
        attr->bytes = sth_onnx_sparse_bytes(reader, proto->sparse_tensor, what, &attr->tensor, error);
    else if (proto->t == NULL)
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': %s is empty", reader->source, what);
    else
        attr->bytes = sth_onnx_tensor_bytes(reader, proto->t, what, &attr->tensor, error);
    g_free(what);
    g_free(name);
    if (attr->bytes != NULL)
        return attr;
    sth_attr_free(attr);
    return NULL;
}

SthAttr *sth_onnx_attribute(SthOnnxReader *reader, const SthNode *node, const Onnx__AttributeProto *proto, GError **error)
{
    gint type = type_of(proto);
    if (type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR || type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__SPARSE_TENSOR)
        return read_tensor(reader, node, proto, error);
    if (type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS)
        return new_list(STH_ATTR_INTS, proto->ints, proto->n_ints, sizeof(gint64));
    if (type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS)
        return new_list(STH_ATTR_FLOATS, proto->floats, proto->n_floats, sizeof(float));
    if (type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS)
        return new_strings(proto);
    SthAttr *attr = g_new0(SthAttr, 1);
    switch (type) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        attr->type = STH_ATTR_INT;
        attr->i = proto->i;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        attr->type = STH_ATTR_FLOAT;
        attr->f = proto->f;
        break;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
        attr->type = STH_ATTR_STRING;
        attr->s = copy_bytes(&proto->s);
        break;
    default:
        attr->type = STH_ATTR_OTHER;
    }
    return attr;
}
