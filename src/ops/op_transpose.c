/* Transpose.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

/* Input axis of each output axis; reversed where the attribute is absent. */
static gboolean find_order(SthNode *node, guint order[STH_MAX_RANK], GError **error)
{
    guint rank = sth_op_in(node, 0)->shape.rank, n, mask;
    const gint64 *given = sth_node_ints(node, "perm", &n);
    if (given != NULL && n != rank)
        return sth_op_error(node, error, "'perm' has %u axes, the input %u", n, rank);
    if (given != NULL && !sth_op_axes_mask(node, given, n, rank, &mask, error))
        return FALSE;
    for (guint i = 0; i < rank; i++)
        order[i] = given != NULL ? (guint)(given[i] < 0 ? given[i] + rank : given[i]) : rank - 1 - i;
    return TRUE;
}

static gboolean infer(SthNode *node, GError **error)
{
    guint order[STH_MAX_RANK];
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !find_order(node, order, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = {.rank = in->shape.rank};
    for (guint i = 0; i < shape.rank; i++)
        shape.dims[i] = in->shape.dims[order[i]];
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    guint order[STH_MAX_RANK];
    const SthTensor *in = sth_op_in(node, 0);
    gsize dims[STH_MAX_RANK];
    gssize strides[STH_MAX_RANK];
    if (!find_order(node, order, error))
        return FALSE;
    for (guint i = 0; i < in->shape.rank; i++) {
        dims[i] = (gsize)in->shape.dims[order[i]];
        strides[i] = (gssize)sth_op_product(&in->shape, order[i] + 1, in->shape.rank);
    }
    SthCopy *plan = g_new(SthCopy, 1);
    sth_copy_plan(plan, sth_dtype_size(in->dtype), in->shape.rank, dims, strides, 0);
    node->prepared = plan;
    return TRUE;
}

static void run_transpose(const SthOpRun *run)
{
    sth_copy_run(run, run->prepared, run->out[0].data, run->in[0].data);
}

extern const SthOp sth_op_transpose;
const SthOp sth_op_transpose = {.name = "Transpose", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run_transpose};
