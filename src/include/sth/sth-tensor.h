/* libsth: element types, shapes and tensors.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Element types, with ONNX's names (onnx.proto, TensorProto.DataType). */
typedef enum {
    STH_DTYPE_INVALID = 0,
    STH_DTYPE_FLOAT,
    STH_DTYPE_DOUBLE,
    STH_DTYPE_FLOAT16,
    STH_DTYPE_BFLOAT16,
    STH_DTYPE_INT8,
    STH_DTYPE_INT16,
    STH_DTYPE_INT32,
    STH_DTYPE_INT64,
    STH_DTYPE_UINT8,
    STH_DTYPE_UINT16,
    STH_DTYPE_UINT32,
    STH_DTYPE_UINT64,
    STH_DTYPE_BOOL, /* one byte, 0 or 1 */
} SthDType;

/* Bytes of one element; 0 for STH_DTYPE_INVALID. */
gsize sth_dtype_size(SthDType dtype);
/* "float32", "int64", …; never NULL. */
const char *sth_dtype_name(SthDType dtype);

#define STH_MAX_RANK 8

/* A shape: dims[0] is the slowest axis. rank 0 is a scalar (one element).
 * A dimension is >= 0 (0: an empty tensor). Where a text says so, -1 stands
 * for a dimension that is not known yet. */
typedef struct {
    guint rank;
    gint64 dims[STH_MAX_RANK];
} SthShape;

/* Product of all dimensions; 1 for a scalar. Dimensions must be known. */
gint64 sth_shape_elements(const SthShape *shape);
gboolean sth_shape_equal(const SthShape *a, const SthShape *b);
/* "1x3x8x112x112"; "scalar" for rank 0; an unknown dimension is "?". Free with g_free(). */
char *sth_shape_to_string(const SthShape *shape);

/* A tensor: a view of dense row-major memory, 64-byte aligned where the library
 * made it. It owns nothing; whoever hands one out says how long data lives. */
typedef struct {
    SthDType dtype;
    SthShape shape;
    void *data;
} SthTensor;

/* Bytes of the tensor's data. */
gsize sth_tensor_bytes(const SthTensor *tensor);

G_END_DECLS
