/* Elements of tensors: lists of the C types behind the element types, for loops that are written once and made for each, and blocks of
 * elements of any type in one wide type, for work that is rare or that a loop of its own would not pay for.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-tensor.h>

G_BEGIN_DECLS

/* DO(name, type, wide, …) for each element type of a class: name as in STH_DTYPE_name, its C type, and the type to compute in, where integers
 * wrap around at the width of the type when they are stored. Half floats are in none: graphs compute them in float32 (optimiser/widen.h). */
#define STH_EACH_REAL(DO, ...)                                                                                                                       \
    DO(FLOAT, float, float, __VA_ARGS__)                                                                                                             \
    DO(DOUBLE, double, double, __VA_ARGS__)
#define STH_EACH_SIGNED(DO, ...)                                                                                                                     \
    DO(INT8, gint8, gint64, __VA_ARGS__)                                                                                                             \
    DO(INT16, gint16, gint64, __VA_ARGS__)                                                                                                           \
    DO(INT32, gint32, gint64, __VA_ARGS__)                                                                                                           \
    DO(INT64, gint64, gint64, __VA_ARGS__)
#define STH_EACH_UNSIGNED(DO, ...)                                                                                                                   \
    DO(UINT8, guint8, guint64, __VA_ARGS__)                                                                                                          \
    DO(UINT16, guint16, guint64, __VA_ARGS__)                                                                                                        \
    DO(UINT32, guint32, guint64, __VA_ARGS__)                                                                                                        \
    DO(UINT64, guint64, guint64, __VA_ARGS__)
#define STH_EACH_NUMBER(DO, ...)                                                                                                                     \
    STH_EACH_REAL(DO, __VA_ARGS__)                                                                                                                   \
    STH_EACH_SIGNED(DO, __VA_ARGS__)                                                                                                                 \
    STH_EACH_UNSIGNED(DO, __VA_ARGS__)

/* DO(type) by the number of bytes, for work that moves elements without reading them: each in its own switch over the size. */
#define STH_EACH_SIZE(DO)                                                                                                                            \
    case 1:                                                                                                                                          \
        DO(guint8)                                                                                                                                   \
        break;                                                                                                                                       \
    case 2:                                                                                                                                          \
        DO(guint16)                                                                                                                                  \
        break;                                                                                                                                       \
    case 4:                                                                                                                                          \
        DO(guint32)                                                                                                                                  \
        break;                                                                                                                                       \
    default:                                                                                                                                         \
        DO(guint64)

gboolean sth_dtype_is_float(SthDType dtype);
gboolean sth_dtype_is_half(SthDType dtype); /* float16 or bfloat16 */
/* The element type behind a number of ONNX's TensorProto.DataType; STH_DTYPE_INVALID for strings and what the library does not hold. */
SthDType sth_dtype_from_onnx(gint64 number);
/* And back. */
gint64 sth_dtype_to_onnx(SthDType dtype);

/* Elements from…from+n-1 of a tensor in a wide type and back. Doubles hold every value but 64-bit integers beyond 2^53; integers are for
 * integers and booleans alone, and keep the bits of uint64. Floats that become integers are cut towards zero and saturate, what is no number
 * gives 0; integers keep their low bits; halves round to nearest, ties to even; a boolean is whether it was not 0. */
void sth_elements_to_doubles(double *wide, const SthTensor *in, gsize from, gsize n);
void sth_elements_to_integers(gint64 *wide, const SthTensor *in, gsize from, gsize n);
void sth_elements_from_doubles(const SthTensor *out, const double *wide, gsize from, gsize n);
void sth_elements_from_integers(const SthTensor *out, const gint64 *wide, gsize from, gsize n);

/* One element of an integer tensor. */
static inline gint64 sth_element_integer(const SthTensor *tensor, gsize at)
{
    gint64 value;
    sth_elements_to_integers(&value, tensor, at, 1);
    return value;
}

G_END_DECLS
