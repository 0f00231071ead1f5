/* NonZero of a constant: where it is not zero, an index of each axis a row. (The result's shape depends on the elements: they must be known when the
 * model is opened. Exporters wrote arange() with it.)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

static gboolean is_zero(const SthTensor *tensor, gsize at)
{
    double value;
    sth_elements_to_doubles(&value, tensor, at, 1);
    return value == 0;
}

static gboolean infer(SthNode *node, GError **error)
{
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = {.rank = 2, .dims = {MAX(in->shape.rank, 1), 0}};
    for (gsize i = 0, n = (gsize)sth_shape_elements(&in->shape); i < n; i++)
        shape.dims[1] += is_zero(in, i) ? 0 : 1;
    sth_op_set_output(node, 0, STH_DTYPE_INT64, &shape);
    return TRUE;
}

static void run_non_zero(const SthOpRun *run)
{
    const SthTensor *in = &run->in[0];
    gint64 *out = run->out[0].data;
    gsize found = 0, columns = (gsize)run->out[0].shape.dims[1];
    for (gsize i = 0, n = (gsize)sth_shape_elements(&in->shape); i < n; i++) {
        if (is_zero(in, i))
            continue;
        gsize rest = i;
        for (guint axis = in->shape.rank; axis-- > 0; rest /= (gsize)in->shape.dims[axis])
            out[axis * columns + found] = (gint64)(rest % (gsize)in->shape.dims[axis]);
        if (in->shape.rank == 0)
            out[found] = 0;
        found++;
    }
}

extern const SthOp sth_op_non_zero;
const SthOp sth_op_non_zero = {.name = "NonZero", .since = 9, .min_in = 1, .max_in = 1, .constant_in = 1 << 0, .infer = infer, .run = run_non_zero};
