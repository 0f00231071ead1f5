/* SparseTensorProto to bytes, with all its zeros.
 *
 * Source: onnx.proto, message SparseTensorProto: the indices are [N], each counted over the whole tensor, or [N, rank].
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "base/memory.h"
#include "onnx/onnx-internal.h"

static gboolean fail(SthOnnxReader *reader, const char *what, const char *problem, GError **error)
{
    g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s': %s is sparse and %s", reader->source, what, problem);
    return FALSE;
}

static gboolean dense_shape(SthOnnxReader *reader, const Onnx__SparseTensorProto *proto, const char *what, SthTensor *tensor, GError **error)
{
    gint64 bytes = (gint64)sth_dtype_size(tensor->dtype);
    if (proto->n_dims == 0 || proto->n_dims > STH_MAX_RANK)
        return fail(reader, what, "does not have 1 to 8 axes", error);
    tensor->shape.rank = (guint)proto->n_dims;
    for (guint i = 0; i < tensor->shape.rank; i++) {
        tensor->shape.dims[i] = proto->dims[i];
        if (proto->dims[i] <= 0 || __builtin_mul_overflow(bytes, proto->dims[i], &bytes))
            return fail(reader, what, "has an impossible shape", error);
    }
    return TRUE;
}

/* Position of the element that @index names; -1 if that is outside. */
static gint64 position(const SthShape *shape, const gint64 *index, guint n_index)
{
    gint64 at = 0;
    if (n_index == 1)
        return index[0] >= 0 && index[0] < sth_shape_elements(shape) ? index[0] : -1;
    for (guint i = 0; i < n_index; i++) {
        if (index[i] < 0 || index[i] >= shape->dims[i])
            return -1;
        at = at * shape->dims[i] + index[i];
    }
    return at;
}

static gboolean scatter(const SthTensor *values, const SthTensor *indices, guint per_index, SthTensor *out)
{
    gsize size = sth_dtype_size(values->dtype);
    for (gint64 i = 0; i < values->shape.dims[0]; i++) {
        gint64 at = position(&out->shape, (const gint64 *)indices->data + i * per_index, per_index);
        if (at < 0)
            return FALSE;
        memcpy((guint8 *)out->data + (gsize)at * size, (const guint8 *)values->data + (gsize)i * size, size);
    }
    return TRUE;
}

static GBytes *fill(SthOnnxReader *reader, const char *what, const SthTensor *values, const SthTensor *indices, SthTensor *tensor, GError **error)
{
    guint rank = tensor->shape.rank, per_index = indices->shape.rank == 2 ? rank : 1;
    gboolean fits = values->shape.rank == 1 && indices->dtype == STH_DTYPE_INT64 && indices->shape.rank >= 1 && indices->shape.rank <= 2 &&
                    indices->shape.dims[0] == values->shape.dims[0] && (indices->shape.rank == 1 || indices->shape.dims[1] == (gint64)rank);
    if (!fits) {
        fail(reader, what, "its indices do not fit its values", error);
        return NULL;
    }
    gpointer data = NULL;
    if (!sth_onnx_take_memory(reader, sth_tensor_bytes(tensor), what, error))
        return NULL;
    GBytes *bytes = sth_aligned_bytes(sth_tensor_bytes(tensor), &data);
    tensor->data = data;
    if (scatter(values, indices, per_index, tensor))
        return bytes;
    fail(reader, what, "has an index outside of its shape", error);
    g_bytes_unref(bytes);
    return NULL;
}

GBytes *sth_onnx_sparse_bytes(SthOnnxReader *reader, const Onnx__SparseTensorProto *proto, const char *what, SthTensor *tensor, GError **error)
{
    SthTensor values, indices, result = {0};
    if (proto->values == NULL || proto->indices == NULL) {
        fail(reader, what, "has no values or no indices", error);
        return NULL;
    }
    g_autoptr(GBytes) value_bytes = sth_onnx_tensor_bytes(reader, proto->values, what, &values, error);
    g_autoptr(GBytes) index_bytes = value_bytes != NULL ? sth_onnx_tensor_bytes(reader, proto->indices, what, &indices, error) : NULL;
    if (index_bytes == NULL)
        return NULL;
    result.dtype = values.dtype;
    GBytes *bytes = dense_shape(reader, proto, what, &result, error) ? fill(reader, what, &values, &indices, &result, error) : NULL;
    if (bytes != NULL)
        *tensor = result;
    return bytes;
}
