/* Cast between all element types.
 *
 * Each element goes through one wide type: int64 where both ends are integers, else float64, which holds every value of the others but
 * 64-bit integers beyond 2^53. Floats to integers saturate and round towards zero; what is no number gives 0 (ONNX leaves both open).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "ops/op-helpers.h"

/* One row a type of ONNX's TensorProto.DataType, the number that the attribute `to` holds. */
static const SthDType by_number[] = {
    STH_DTYPE_INVALID, STH_DTYPE_FLOAT,    STH_DTYPE_UINT8,
    STH_DTYPE_INT8,    STH_DTYPE_UINT16,   STH_DTYPE_INT16,
    STH_DTYPE_INT32,   STH_DTYPE_INT64,    STH_DTYPE_INVALID /* string */,
    STH_DTYPE_BOOL,    STH_DTYPE_FLOAT16,  STH_DTYPE_DOUBLE,
    STH_DTYPE_UINT32,  STH_DTYPE_UINT64,   STH_DTYPE_INVALID,
    STH_DTYPE_INVALID, STH_DTYPE_BFLOAT16,
};

static gboolean is_float(SthDType dtype)
{
    return dtype == STH_DTYPE_FLOAT || dtype == STH_DTYPE_DOUBLE || dtype == STH_DTYPE_FLOAT16 || dtype == STH_DTYPE_BFLOAT16;
}

static gboolean infer(SthNode *node, GError **error)
{
    gint64 to = sth_node_int(node, "to", 0);
    if (to < 0 || to >= (gint64)G_N_ELEMENTS(by_number) || by_number[to] == STH_DTYPE_INVALID)
        return sth_op_error(node, error, "a cast to type %" G_GINT64_FORMAT " of ONNX is not supported", to);
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    sth_op_set_output(node, 0, by_number[to], &sth_op_in(node, 0)->shape);
    return TRUE;
}

/* IEEE 754 binary16: 5 bits of exponent, 10 of fraction. */
static double half_to_double(guint16 half)
{
    gint exponent = half >> 10 & 0x1f;
    double fraction = half & 0x3ff, value;
    if (exponent == 0x1f)
        value = fraction > 0 ? (double)NAN : (double)INFINITY;
    else
        value = exponent == 0 ? ldexp(fraction, -24) : ldexp(fraction + 0x400, exponent - 25);
    return half & 0x8000 ? -value : value;
}

/* Rounds to nearest, ties to even. */
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

static double bfloat_to_double(guint16 bfloat)
{
    guint32 bits = (guint32)bfloat << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounds to nearest, ties to even. */
static guint16 double_to_bfloat(double value)
{
    float single = (float)value;
    guint32 bits;
    memcpy(&bits, &single, sizeof bits);
    if (isnan(single))
        return (guint16)(bits >> 16 | 0x40);
    return (guint16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#define BLOCK 512 /* elements that go through the wide type at once */

#define LOAD(dtype, type, CONVERT)                                                                                                                   \
    case dtype:                                                                                                                                      \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            type x = ((const type *)in->data)[from + i];                                                                                             \
            wide[i] = CONVERT;                                                                                                                       \
        }                                                                                                                                            \
        break;

static void load_doubles(double *wide, const SthTensor *in, gsize from, gsize n)
{
    switch (in->dtype) {
        LOAD(STH_DTYPE_FLOAT, float, x)
        LOAD(STH_DTYPE_DOUBLE, double, x)
        LOAD(STH_DTYPE_FLOAT16, guint16, half_to_double(x))
        LOAD(STH_DTYPE_BFLOAT16, guint16, bfloat_to_double(x))
        LOAD(STH_DTYPE_INT8, gint8, x)
        LOAD(STH_DTYPE_INT16, gint16, x)
        LOAD(STH_DTYPE_INT32, gint32, x)
        LOAD(STH_DTYPE_INT64, gint64, (double)x)
        LOAD(STH_DTYPE_UINT8, guint8, x)
        LOAD(STH_DTYPE_UINT16, guint16, x)
        LOAD(STH_DTYPE_UINT32, guint32, x)
        LOAD(STH_DTYPE_UINT64, guint64, (double)x)
        LOAD(STH_DTYPE_BOOL, guint8, x != 0)
    default:
        break;
    }
}

static void load_integers(gint64 *wide, const SthTensor *in, gsize from, gsize n)
{
    switch (in->dtype) {
        LOAD(STH_DTYPE_INT8, gint8, x)
        LOAD(STH_DTYPE_INT16, gint16, x)
        LOAD(STH_DTYPE_INT32, gint32, x)
        LOAD(STH_DTYPE_INT64, gint64, x)
        LOAD(STH_DTYPE_UINT8, guint8, x)
        LOAD(STH_DTYPE_UINT16, guint16, x)
        LOAD(STH_DTYPE_UINT32, guint32, x)
        LOAD(STH_DTYPE_UINT64, guint64, (gint64)x)
        LOAD(STH_DTYPE_BOOL, guint8, x != 0)
    default:
        break;
    }
}

#define STORE(dtype, type, CONVERT)                                                                                                                  \
    case dtype:                                                                                                                                      \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            __typeof__(*wide) x = wide[i];                                                                                                           \
            ((type *)out->data)[from + i] = CONVERT;                                                                                                 \
        }                                                                                                                                            \
        break;

/* @beyond: the first number above the type's range, a power of two. */
#define SATURATE(type, lowest, highest, beyond) (x != x ? 0 : x >= (beyond) ? (highest) : x <= (double)(lowest) ? (lowest) : (type)x)

static void store_doubles(const SthTensor *out, const double *wide, gsize from, gsize n)
{
    switch (out->dtype) {
        STORE(STH_DTYPE_FLOAT, float, (float)x)
        STORE(STH_DTYPE_DOUBLE, double, x)
        STORE(STH_DTYPE_FLOAT16, guint16, double_to_half(x))
        STORE(STH_DTYPE_BFLOAT16, guint16, double_to_bfloat(x))
        STORE(STH_DTYPE_INT8, gint8, SATURATE(gint8, G_MININT8, G_MAXINT8, 0x1p7))
        STORE(STH_DTYPE_INT16, gint16, SATURATE(gint16, G_MININT16, G_MAXINT16, 0x1p15))
        STORE(STH_DTYPE_INT32, gint32, SATURATE(gint32, G_MININT32, G_MAXINT32, 0x1p31))
        STORE(STH_DTYPE_INT64, gint64, SATURATE(gint64, G_MININT64, G_MAXINT64, 0x1p63))
        STORE(STH_DTYPE_UINT8, guint8, SATURATE(guint8, 0, G_MAXUINT8, 0x1p8))
        STORE(STH_DTYPE_UINT16, guint16, SATURATE(guint16, 0, G_MAXUINT16, 0x1p16))
        STORE(STH_DTYPE_UINT32, guint32, SATURATE(guint32, 0, G_MAXUINT32, 0x1p32))
        STORE(STH_DTYPE_UINT64, guint64, SATURATE(guint64, 0, G_MAXUINT64, 0x1p64))
        STORE(STH_DTYPE_BOOL, guint8, x != 0)
    default:
        break;
    }
}

/* Integers keep their low bits. */
static void store_integers(const SthTensor *out, const gint64 *wide, gsize from, gsize n)
{
    switch (out->dtype) {
        STORE(STH_DTYPE_INT8, gint8, (gint8)x)
        STORE(STH_DTYPE_INT16, gint16, (gint16)x)
        STORE(STH_DTYPE_INT32, gint32, (gint32)x)
        STORE(STH_DTYPE_INT64, gint64, x)
        STORE(STH_DTYPE_UINT8, guint8, (guint8)x)
        STORE(STH_DTYPE_UINT16, guint16, (guint16)x)
        STORE(STH_DTYPE_UINT32, guint32, (guint32)x)
        STORE(STH_DTYPE_UINT64, guint64, (guint64)x)
        STORE(STH_DTYPE_BOOL, guint8, x != 0)
    default:
        break;
    }
}

static void cast_part(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    gsize first = (gsize)item * STH_OP_CHUNK, end = MIN(first + STH_OP_CHUNK, (gsize)sth_shape_elements(&run->out[0].shape));
    for (gsize from = first; from < end; from += BLOCK) {
        gsize n = MIN(BLOCK, end - from);
        if (is_float(run->in[0].dtype) || is_float(run->out[0].dtype)) {
            double wide[BLOCK];
            load_doubles(wide, &run->in[0], from, n);
            store_doubles(&run->out[0], wide, from, n);
        } else {
            gint64 wide[BLOCK];
            load_integers(wide, &run->in[0], from, n);
            store_integers(&run->out[0], wide, from, n);
        }
    }
}

static void run_cast(const SthOpRun *run)
{
    gsize n = (gsize)sth_shape_elements(&run->out[0].shape);
    if (run->in[0].dtype == run->out[0].dtype && n > 0)
        memcpy(run->out[0].data, run->in[0].data, sth_tensor_bytes(&run->out[0]));
    else
        sth_op_parallel(run, cast_part, (gpointer)run, (guint)((n + STH_OP_CHUNK - 1) / STH_OP_CHUNK));
}

extern const SthOp sth_op_cast;
const SthOp sth_op_cast = {.name = "Cast", .since = 6, .min_in = 1, .max_in = 1, .infer = infer, .run = run_cast};
