/* TensorProto to bytes.
 *
 * Source: onnx.proto, message TensorProto: which typed field carries which type.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include <sth/sth-error.h>

#include "base/memory.h"
#include "onnx/onnx-internal.h"
#include "onnx/onnx-load.h"

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "raw_data is little endian: a big-endian machine needs a swap here"
#endif

/* The typed field of TensorProto that holds a type where raw_data is not used. */
typedef enum { FIELD_FLOAT, FIELD_INT32, FIELD_INT64, FIELD_DOUBLE, FIELD_UINT64 } Field;

/* One row a type of TensorProto.DataType. */
static const struct {
    gint32 onnx;
    SthDType dtype;
    Field field;
    const char *name;
} types[] = {
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, STH_DTYPE_FLOAT, FIELD_FLOAT, "float32"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, STH_DTYPE_DOUBLE, FIELD_DOUBLE, "float64"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, STH_DTYPE_FLOAT16, FIELD_INT32, "float16"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, STH_DTYPE_BFLOAT16, FIELD_INT32, "bfloat16"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, STH_DTYPE_INT8, FIELD_INT32, "int8"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT16, STH_DTYPE_INT16, FIELD_INT32, "int16"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT32, STH_DTYPE_INT32, FIELD_INT32, "int32"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT64, STH_DTYPE_INT64, FIELD_INT64, "int64"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, STH_DTYPE_UINT8, FIELD_INT32, "uint8"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, STH_DTYPE_UINT16, FIELD_INT32, "uint16"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT32, STH_DTYPE_UINT32, FIELD_UINT64, "uint32"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT64, STH_DTYPE_UINT64, FIELD_UINT64, "uint64"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, STH_DTYPE_BOOL, FIELD_INT32, "bool"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__STRING, STH_DTYPE_INVALID, FIELD_INT32, "string"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX64, STH_DTYPE_INVALID, FIELD_FLOAT, "complex64"},
    {ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX128, STH_DTYPE_INVALID, FIELD_DOUBLE, "complex128"},
    /* Newer than the onnx.proto of Debian 12. */
    {17, STH_DTYPE_INVALID, FIELD_INT32, "float8e4m3fn"},
    {18, STH_DTYPE_INVALID, FIELD_INT32, "float8e4m3fnuz"},
    {19, STH_DTYPE_INVALID, FIELD_INT32, "float8e5m2"},
    {20, STH_DTYPE_INVALID, FIELD_INT32, "float8e5m2fnuz"},
    {21, STH_DTYPE_INVALID, FIELD_INT32, "uint4"},
    {22, STH_DTYPE_INVALID, FIELD_INT32, "int4"},
    {23, STH_DTYPE_INVALID, FIELD_INT32, "float4e2m1"},
};

SthDType sth_onnx_dtype(gint32 data_type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].onnx == data_type)
            return types[i].dtype;
    return STH_DTYPE_INVALID;
}

gint32 sth_onnx_data_type(SthDType dtype)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].dtype == dtype)
            return types[i].onnx;
    return ONNX__TENSOR_PROTO__DATA_TYPE__UNDEFINED;
}

const char *sth_onnx_dtype_name(gint32 data_type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].onnx == data_type)
            return types[i].name;
    return "of a type this library does not know";
}

static gboolean read_shape(SthOnnxReader *reader, const Onnx__TensorProto *proto, const char *what, SthTensor *tensor, gsize *bytes, GError **error)
{
    if (proto->n_dims > STH_MAX_RANK) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': %s has %" G_GSIZE_FORMAT " axes, at most %d are supported", reader->source, what,
                    proto->n_dims, STH_MAX_RANK);
        return FALSE;
    }
    gint64 total = (gint64)sth_dtype_size(tensor->dtype);
    gboolean fits = TRUE, empty = FALSE;
    tensor->shape.rank = (guint)proto->n_dims;
    for (gsize i = 0; i < proto->n_dims; i++) {
        gint64 dim = proto->dims[i];
        tensor->shape.dims[i] = dim;
        empty = empty || dim == 0;
        fits = fits && dim >= 0 && (dim == 0 || !__builtin_mul_overflow(total, dim, &total));
    }
    if (!fits) {
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': %s has an impossible shape", reader->source, what);
        return FALSE;
    }
    *bytes = empty ? 0 : (gsize)total;
    return TRUE;
}

/* Elements and their address in the typed field; @width is the size of one there. */
static gconstpointer typed_field(const Onnx__TensorProto *proto, Field field, gsize *n, gsize *width)
{
    switch (field) {
    case FIELD_FLOAT:
        *n = proto->n_float_data;
        *width = sizeof(float);
        return proto->float_data;
    case FIELD_DOUBLE:
        *n = proto->n_double_data;
        *width = sizeof(double);
        return proto->double_data;
    case FIELD_INT64:
        *n = proto->n_int64_data;
        *width = sizeof(gint64);
        return proto->int64_data;
    case FIELD_UINT64:
        *n = proto->n_uint64_data;
        *width = sizeof(guint64);
        return proto->uint64_data;
    case FIELD_INT32:
        break;
    }
    *n = proto->n_int32_data;
    *width = sizeof(gint32);
    return proto->int32_data;
}

gboolean sth_onnx_take_memory(SthOnnxReader *reader, gsize bytes, const char *what, GError **error)
{
    gsize rest = reader->memory_limit - MIN(reader->constant_bytes, reader->memory_limit);
    if (reader->memory_limit > 0 && bytes > rest) {
        g_set_error(error, STH_ERROR, STH_ERROR_SYSTEM, "'%s': %s takes %.1f MB, more than is left of the limit of %.1f MB; " STH_MEMORY_REMEDY,
                    reader->source, what, (double)bytes * 1e-6, (double)reader->memory_limit * 1e-6);
        return FALSE;
    }
    reader->constant_bytes += bytes;
    return TRUE;
}

/* Whether there are as many bytes as shape and type need, and memory for them. */
static gboolean check_length(SthOnnxReader *reader, const char *what, gsize have, gsize want, GError **error)
{
    if (have == want)
        return sth_onnx_take_memory(reader, want, what, error);
    g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': %s has %" G_GSIZE_FORMAT " bytes of data, its shape and type need %" G_GSIZE_FORMAT,
                reader->source, what, have, want);
    return FALSE;
}

static GBytes *from_memory(SthOnnxReader *reader, const char *what, gconstpointer source, gsize have, gsize want, GError **error)
{
    gpointer data;
    if (!check_length(reader, what, have, want, error))
        return NULL;
    GBytes *bytes = sth_aligned_bytes(want, &data);
    if (want > 0)
        memcpy(data, source, want);
    return bytes;
}

/* Takes the data out of its message. */
static GBytes *from_message(SthOnnxReader *reader, const char *what, ProtobufCBinaryData *source, gsize want, GError **error)
{
    if (source->len < STH_ONNX_TAKE_FROM)
        return from_memory(reader, what, source->data, source->len, want, error);
    if (!check_length(reader, what, source->len, want, error))
        return NULL;
    GBytes *bytes = g_bytes_new_with_free_func(source->data, source->len, sth_aligned_free, source->data);
    *source = (ProtobufCBinaryData){0};
    return bytes;
}

/* Typed fields are wider than the type or as wide; little endian lets the low bytes be copied. */
static GBytes *from_typed(SthOnnxReader *reader, const Onnx__TensorProto *proto, const char *what, const SthTensor *tensor, gsize want,
                          GError **error)
{
    Field field = FIELD_INT32;
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].dtype == tensor->dtype)
            field = types[i].field;
    gsize n, width, size = sth_dtype_size(tensor->dtype);
    const guint8 *source = typed_field(proto, field, &n, &width);
    if (n != want / size) {
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': %s has %" G_GSIZE_FORMAT " elements of data, its shape needs %" G_GSIZE_FORMAT,
                    reader->source, what, n, want / size);
        return NULL;
    }
    gpointer data;
    if (!sth_onnx_take_memory(reader, want, what, error))
        return NULL;
    GBytes *bytes = sth_aligned_bytes(want, &data);
    for (gsize i = 0; i < n; i++)
        memcpy((guint8 *)data + i * size, source + i * width, size);
    return bytes;
}

static gboolean parse_number(const char *text, gsize *number)
{
    char *end = NULL;
    errno = 0;
    guint64 value = g_ascii_strtoull(text, &end, 10);
    *number = (gsize)value;
    return g_ascii_isdigit(text[0]) && *end == '\0' && errno == 0;
}

/* The entries of external_data; FALSE if one is malformed. *location is to be freed. */
static gboolean read_entries(const Onnx__TensorProto *proto, char **location, gsize *offset, gsize *length)
{
    const char *place = NULL;
    gboolean valid = TRUE;
    for (gsize i = 0; i < proto->n_external_data; i++) {
        const char *key = proto->external_data[i]->key, *value = proto->external_data[i]->value;
        if (key == NULL || value == NULL)
            valid = FALSE;
        else if (strcmp(key, "location") == 0)
            place = value;
        else if (strcmp(key, "offset") == 0)
            valid = valid && parse_number(value, offset);
        else if (strcmp(key, "length") == 0)
            valid = valid && parse_number(value, length);
    }
    *location = sth_onnx_text(place);
    return valid;
}

static GBytes *from_file(SthOnnxReader *reader, const char *location, gsize offset, gsize length, const char *what, gsize want, GError **error)
{
    GMappedFile *file = sth_onnx_external_file(reader, location, what, error);
    if (file == NULL)
        return NULL;
    gsize size = g_mapped_file_get_length(file);
    if (offset > size || length > size - offset) {
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT,
                    "'%s': %s: external data '%s' has %" G_GSIZE_FORMAT " bytes, %" G_GSIZE_FORMAT " from byte %" G_GSIZE_FORMAT " on are needed",
                    reader->source, what, location, size, length, offset);
        return NULL;
    }
    return from_memory(reader, what, (const guint8 *)g_mapped_file_get_contents(file) + offset, length, want, error);
}

static GBytes *from_external(SthOnnxReader *reader, const Onnx__TensorProto *proto, const char *what, gsize want, GError **error)
{
    char *location;
    gsize offset = 0, length = want;
    GBytes *bytes = NULL;
    if (read_entries(proto, &location, &offset, &length))
        bytes = from_file(reader, location, offset, length, what, want, error);
    else
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': %s: its external data has a malformed offset or length", reader->source, what);
    g_free(location);
    return bytes;
}

/* @taken: the raw_data of @proto if its message may lose it. */
static GBytes *tensor_bytes(SthOnnxReader *reader, const Onnx__TensorProto *proto, ProtobufCBinaryData *taken, const char *what, SthTensor *tensor,
                            GError **error)
{
    SthTensor result = {.dtype = sth_onnx_dtype(proto->data_type)};
    gsize want = 0;
    if (result.dtype == STH_DTYPE_INVALID) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': %s is %s (data type %d), which is not supported", reader->source, what,
                    sth_onnx_dtype_name(proto->data_type), proto->data_type);
        return NULL;
    }
    if (!read_shape(reader, proto, what, &result, &want, error))
        return NULL;
    if (proto->segment != NULL) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': %s is stored in segments, which is not supported", reader->source, what);
        return NULL;
    }
    GBytes *bytes;
    if (proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        bytes = from_external(reader, proto, what, want, error);
    else if (proto->has_raw_data && taken != NULL)
        bytes = from_message(reader, what, taken, want, error);
    else if (proto->has_raw_data)
        bytes = from_memory(reader, what, proto->raw_data.data, proto->raw_data.len, want, error);
    else
        bytes = from_typed(reader, proto, what, &result, want, error);
    if (bytes == NULL)
        return NULL;
    result.data = (gpointer)g_bytes_get_data(bytes, NULL);
    *tensor = result;
    return bytes;
}

GBytes *sth_onnx_tensor_bytes(SthOnnxReader *reader, const Onnx__TensorProto *proto, const char *what, SthTensor *tensor, GError **error)
{
    return tensor_bytes(reader, proto, NULL, what, tensor, error);
}

GBytes *sth_onnx_take_tensor(SthOnnxReader *reader, Onnx__TensorProto *proto, const char *what, SthTensor *tensor, GError **error)
{
    return tensor_bytes(reader, proto, &proto->raw_data, what, tensor, error);
}

GBytes *sth_onnx_load_tensor(const char *path, SthTensor *tensor, GError **error)
{
    GError *reason = NULL;
    GMappedFile *file = g_mapped_file_new(path, FALSE, &reason);
    if (file == NULL) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot read '%s': %s", path, reason->message);
        g_error_free(reason);
        return NULL;
    }
    SthOnnxReader reader = {.source = path};
    GBytes *bytes = NULL;
    ProtobufCMessage *message = sth_onnx_unpack(&onnx__tensor_proto__descriptor, (const guint8 *)g_mapped_file_get_contents(file),
                                                g_mapped_file_get_length(file), path, "ONNX tensor file", error);
    if (message != NULL)
        bytes = sth_onnx_take_tensor(&reader, (Onnx__TensorProto *)message, "the tensor", tensor, error);
    sth_onnx_free_message(message);
    g_mapped_file_unref(file);
    return bytes;
}
