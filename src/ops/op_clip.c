/* Clip: bounds as attributes (up to opset 10) or as scalar inputs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

/* Bounds of the attribute form; infinite where the bound is an input or absent. */
typedef struct {
    float min, max;
} Bounds;

static gboolean infer(SthNode *node, GError **error)
{
    if (!sth_op_require_types(node, 0, node->opset < 11 ? STH_TYPES_REAL : STH_TYPES_NUMBER, error))
        return FALSE;
    for (guint i = 1; i < 3; i++) {
        if (!sth_op_has_input(node, i))
            continue;
        if (!sth_op_require_same_type(node, 0, i, error))
            return FALSE;
        if (sth_shape_elements(&sth_op_in(node, i)->shape) != 1)
            return sth_op_error(node, error, "input %u ('%s') must be one number", i, sth_node_input(node, i)->name);
    }
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Bounds *bounds = g_new(Bounds, 1);
    bounds->min = sth_node_float(node, "min", -INFINITY);
    bounds->max = sth_node_float(node, "max", INFINITY);
    node->prepared = bounds;
    return TRUE;
}

/* The given bounds, as far as a type reaches where an input is left out. */
#define CLIP(name, type, lowest, highest)                                                                                                            \
    case STH_DTYPE_##name: {                                                                                                                         \
        type min = low != NULL ? *(const type *)low : lowest, max = high != NULL ? *(const type *)high : highest;                                    \
        const type *in = (const type *)run->in[0].data + from;                                                                                       \
        type *out = (type *)run->out[0].data + from;                                                                                                 \
        for (gsize i = 0; i < n; i++) {                                                                                                              \
            type x = in[i] < min ? min : in[i];                                                                                                      \
            out[i] = x > max ? max : x;                                                                                                              \
        }                                                                                                                                            \
        break;                                                                                                                                       \
    }

static void clip_part(const SthOpRun *run, gsize from, gsize n)
{
    const Bounds *bounds = run->prepared;
    gconstpointer low = run->n_in > 1 && run->in[1].dtype != STH_DTYPE_INVALID ? run->in[1].data : NULL;
    gconstpointer high = run->n_in > 2 && run->in[2].dtype != STH_DTYPE_INVALID ? run->in[2].data : NULL;
    switch (run->in[0].dtype) {
        CLIP(FLOAT, float, bounds->min, bounds->max)
        CLIP(DOUBLE, double, bounds->min, bounds->max)
        CLIP(INT8, gint8, G_MININT8, G_MAXINT8)
        CLIP(INT16, gint16, G_MININT16, G_MAXINT16)
        CLIP(INT32, gint32, G_MININT32, G_MAXINT32)
        CLIP(INT64, gint64, G_MININT64, G_MAXINT64)
        CLIP(UINT8, guint8, 0, G_MAXUINT8)
        CLIP(UINT16, guint16, 0, G_MAXUINT16)
        CLIP(UINT32, guint32, 0, G_MAXUINT32)
        CLIP(UINT64, guint64, 0, G_MAXUINT64)
    default:
        break;
    }
}

static void run_clip(const SthOpRun *run)
{
    sth_op_elementwise(run, clip_part);
}

extern const SthOp sth_op_clip;
const SthOp sth_op_clip = {
    .name = "Clip", .since = 6, .flags = STH_OP_INPLACE_0, .min_in = 1, .max_in = 3, .infer = infer, .prepare = prepare, .run = run_clip};
