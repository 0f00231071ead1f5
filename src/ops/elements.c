/* Elements of any type in a wide one: see elements.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/elements.h"

#include <math.h>
#include <string.h>

/* By number of ONNX's TensorProto.DataType; what is left out is no type of this library. */
static const SthDType by_number[] = {
    [1] = STH_DTYPE_FLOAT,   [2] = STH_DTYPE_UINT8,   [3] = STH_DTYPE_INT8,      [4] = STH_DTYPE_UINT16,   [5] = STH_DTYPE_INT16,
    [6] = STH_DTYPE_INT32,   [7] = STH_DTYPE_INT64,   [9] = STH_DTYPE_BOOL,      [10] = STH_DTYPE_FLOAT16, [11] = STH_DTYPE_DOUBLE,
    [12] = STH_DTYPE_UINT32, [13] = STH_DTYPE_UINT64, [16] = STH_DTYPE_BFLOAT16,
};

SthDType sth_dtype_from_onnx(gint64 number)
{
    return number >= 0 && number < (gint64)G_N_ELEMENTS(by_number) ? by_number[number] : STH_DTYPE_INVALID;
}

gint64 sth_dtype_to_onnx(SthDType dtype)
{
    for (gsize i = 0; i < G_N_ELEMENTS(by_number); i++)
        if (by_number[i] == dtype)
            return (gint64)i;
    g_return_val_if_reached(0);
}

gboolean sth_dtype_is_half(SthDType dtype)
{
    return dtype == STH_DTYPE_FLOAT16 || dtype == STH_DTYPE_BFLOAT16;
}

gboolean sth_dtype_is_float(SthDType dtype)
{
    return dtype == STH_DTYPE_FLOAT || dtype == STH_DTYPE_DOUBLE || sth_dtype_is_half(dtype);
}

/* IEEE 754 binary16: 5 bits of exponent, 10 of fraction; float32 has 8 and 23, and holds each of its values. */
static float half_to_float(guint16 half)
{
    guint32 exponent = half >> 10 & 0x1f, fraction = half & 0x3ff, bits;
    float value = (float)fraction * 0x1p-24f;
    if (exponent > 0) {
        bits = (exponent == 0x1f ? 0xffu : exponent + 127 - 15) << 23 | fraction << 13;
        memcpy(&value, &bits, sizeof value);
    }
    return half & 0x8000 ? -value : value;
}

static guint16 double_to_half(double value)
{
    guint16 sign = signbit(value) ? 0x8000 : 0;
    gint exponent;
    value = fabs(value);
    if (isnan(value))
        return sign | 0x7e00;
    if (value >= 65520.0)
        return sign | 0x7c00;
    frexp(value, &exponent);
    /* One unit of the last place: 2^-24 for subnormal numbers. A carry out of the fraction raises the exponent, as it should. */
    gint ulp = MAX(exponent - 11, -24);
    guint units = (guint)rint(ldexp(value, -ulp));
    return sign | (guint16)(units + ((guint)(ulp + 24) << 10));
}

/* The upper half of a float32. */
static float bfloat_to_float(guint16 bfloat)
{
    guint32 bits = (guint32)bfloat << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static guint16 double_to_bfloat(double value)
{
    float single = (float)value;
    guint32 bits;
    memcpy(&bits, &single, sizeof bits);
    if (isnan(single))
        return (guint16)(bits >> 16 | 0x40);
    return (guint16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#define LOAD(name, type, unused, CONVERT)                                                                                                            \
    case STH_DTYPE_##name:                                                                                                                           \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            type x = ((const type *)in->data)[from + i];                                                                                             \
            wide[i] = CONVERT;                                                                                                                       \
        }                                                                                                                                            \
        break;

void sth_elements_to_doubles(double *wide, const SthTensor *in, gsize from, gsize n)
{
    switch (in->dtype) {
        STH_EACH_NUMBER(LOAD, (double)x)
        LOAD(FLOAT16, guint16, , half_to_float(x))
        LOAD(BFLOAT16, guint16, , bfloat_to_float(x))
        LOAD(BOOL, guint8, , x != 0)
    default:
        break;
    }
}

void sth_elements_to_integers(gint64 *wide, const SthTensor *in, gsize from, gsize n)
{
    switch (in->dtype) {
        STH_EACH_SIGNED(LOAD, x)
        STH_EACH_UNSIGNED(LOAD, (gint64)x)
        LOAD(BOOL, guint8, , x != 0)
    default:
        break;
    }
}

#define STORE(name, type, unused, CONVERT)                                                                                                           \
    case STH_DTYPE_##name:                                                                                                                           \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            __typeof__(*wide) x = wide[i];                                                                                                           \
            ((type *)out->data)[from + i] = CONVERT;                                                                                                 \
        }                                                                                                                                            \
        break;

/* @beyond: the first number above the type's range, a power of two. */
#define SATURATE(type, lowest, highest, beyond) (x != x ? 0 : x >= (beyond) ? (highest) : x <= (double)(lowest) ? (lowest) : (type)x)

void sth_elements_from_doubles(const SthTensor *out, const double *wide, gsize from, gsize n)
{
    switch (out->dtype) {
        STORE(FLOAT, float, , (float)x)
        STORE(DOUBLE, double, , x)
        STORE(FLOAT16, guint16, , double_to_half(x))
        STORE(BFLOAT16, guint16, , double_to_bfloat(x))
        STORE(INT8, gint8, , SATURATE(gint8, G_MININT8, G_MAXINT8, 0x1p7))
        STORE(INT16, gint16, , SATURATE(gint16, G_MININT16, G_MAXINT16, 0x1p15))
        STORE(INT32, gint32, , SATURATE(gint32, G_MININT32, G_MAXINT32, 0x1p31))
        STORE(INT64, gint64, , SATURATE(gint64, G_MININT64, G_MAXINT64, 0x1p63))
        STORE(UINT8, guint8, , SATURATE(guint8, 0, G_MAXUINT8, 0x1p8))
        STORE(UINT16, guint16, , SATURATE(guint16, 0, G_MAXUINT16, 0x1p16))
        STORE(UINT32, guint32, , SATURATE(guint32, 0, G_MAXUINT32, 0x1p32))
        STORE(UINT64, guint64, , SATURATE(guint64, 0, G_MAXUINT64, 0x1p64))
        STORE(BOOL, guint8, , x != 0)
    default:
        break;
    }
}

#define STORE_LOW(name, type, unused, ...) STORE(name, type, , (type)x)

void sth_elements_from_integers(const SthTensor *out, const gint64 *wide, gsize from, gsize n)
{
    switch (out->dtype) {
        STH_EACH_SIGNED(STORE_LOW, )
        STH_EACH_UNSIGNED(STORE_LOW, )
        STORE(BOOL, guint8, , x != 0)
    default:
        break;
    }
}
