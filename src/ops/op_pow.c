/* Pow. The exponent may be of another type than the base; the result is of the base's type.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

#define BASE_TYPES (STH_TYPES_REAL | STH_TYPES_INDEX)

static gboolean infer(SthNode *node, GError **error)
{
    SthShape shape;
    if (!sth_op_require_types(node, 0, BASE_TYPES, error) || !sth_op_require_types(node, 1, STH_TYPES_NUMBER, error) ||
        !sth_op_broadcast(node, &sth_op_in(node, 0)->shape, &sth_op_in(node, 1)->shape, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    SthBroadcast *plan = g_new0(SthBroadcast, 1);
    const SthShape *in[2] = {&sth_op_in(node, 0)->shape, &sth_op_in(node, 1)->shape};
    sth_broadcast_plan(plan, &sth_node_output(node, 0)->tensor.shape, in, 2);
    node->prepared = plan;
    return TRUE;
}

static double load(const SthTensor *tensor, gsize i)
{
    switch (tensor->dtype) {
    case STH_DTYPE_FLOAT:
        return ((const float *)tensor->data)[i];
    case STH_DTYPE_DOUBLE:
        return ((const double *)tensor->data)[i];
    case STH_DTYPE_INT8:
        return ((const gint8 *)tensor->data)[i];
    case STH_DTYPE_INT16:
        return ((const gint16 *)tensor->data)[i];
    case STH_DTYPE_INT32:
        return ((const gint32 *)tensor->data)[i];
    case STH_DTYPE_INT64:
        return (double)((const gint64 *)tensor->data)[i];
    case STH_DTYPE_UINT8:
        return ((const guint8 *)tensor->data)[i];
    case STH_DTYPE_UINT16:
        return ((const guint16 *)tensor->data)[i];
    case STH_DTYPE_UINT32:
        return ((const guint32 *)tensor->data)[i];
    default:
        return (double)((const guint64 *)tensor->data)[i];
    }
}

/* Integers saturate; what is no number gives 0. */
static void store(const SthTensor *tensor, gsize i, double x)
{
    switch (tensor->dtype) {
    case STH_DTYPE_FLOAT:
        ((float *)tensor->data)[i] = (float)x;
        break;
    case STH_DTYPE_DOUBLE:
        ((double *)tensor->data)[i] = x;
        break;
    case STH_DTYPE_INT32:
        ((gint32 *)tensor->data)[i] = isnan(x) ? 0 : (gint32)CLAMP(x, G_MININT32, G_MAXINT32);
        break;
    default:
        ((gint64 *)tensor->data)[i] = isnan(x) ? 0 : x >= 0x1p63 ? G_MAXINT64 : x <= -0x1p63 ? G_MININT64 : (gint64)x;
    }
}

static void walk(const SthOpRun *run, gsize out, const gsize *in, const gsize *step, gsize n)
{
    const SthTensor *base = &run->in[0], *exponent = &run->in[1];
    if (base->dtype == STH_DTYPE_FLOAT && step[1] == 0) {
        const float *x = (const float *)base->data + in[0];
        float *to = (float *)run->out[0].data + out, power = (float)load(exponent, in[1]);
        if (power == 2.0f)
            for (gsize i = 0; i < n; i++)
                to[i] = x[i * step[0]] * x[i * step[0]];
        else if (power == 0.5f)
            for (gsize i = 0; i < n; i++)
                to[i] = sqrtf(x[i * step[0]]);
        else
            for (gsize i = 0; i < n; i++)
                to[i] = powf(x[i * step[0]], power);
        return;
    }
    for (gsize i = 0; i < n; i++)
        store(&run->out[0], out + i, pow(load(base, in[0] + i * step[0]), load(exponent, in[1] + i * step[1])));
}

static void run_pow(const SthOpRun *run)
{
    sth_broadcast_run(run, run->prepared, walk);
}

extern const SthOp sth_op_pow;
const SthOp sth_op_pow = {
    .name = "Pow", .since = 6, .flags = STH_OP_INPLACE_0, .min_in = 2, .max_in = 2, .infer = infer, .prepare = prepare, .run = run_pow};
