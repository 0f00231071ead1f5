/* Expand and Tile: the input repeated along axes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

static gboolean infer_expand(SthNode *node, GError **error)
{
    guint n;
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    gint64 *dims = sth_op_constant_ints(node, 1, &n, error);
    if (dims == NULL)
        return FALSE;
    SthShape wanted = {.rank = MIN(n, STH_MAX_RANK)}, shape;
    gboolean valid = n <= STH_MAX_RANK;
    for (guint i = 0; i < wanted.rank; i++) {
        wanted.dims[i] = dims[i];
        valid = valid && dims[i] >= 0;
    }
    g_free(dims);
    if (!valid)
        return sth_op_error(node, error, "the shape is negative or has more than %d axes", STH_MAX_RANK);
    if (!sth_op_broadcast(node, &sth_op_in(node, 0)->shape, &wanted, &shape, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

static gboolean prepare_expand(SthNode *node, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0), *out = &sth_node_output(node, 0)->tensor;
    gsize dims[STH_MAX_RANK];
    gssize strides[STH_MAX_RANK];
    guint missing = out->shape.rank - in->shape.rank;
    for (guint axis = 0; axis < out->shape.rank; axis++) {
        gboolean repeated = axis < missing || in->shape.dims[axis - missing] == 1;
        dims[axis] = (gsize)out->shape.dims[axis];
        strides[axis] = repeated ? 0 : (gssize)sth_op_product(&in->shape, axis - missing + 1, in->shape.rank);
    }
    SthCopy *plan = g_new(SthCopy, 1);
    sth_copy_plan(plan, sth_dtype_size(in->dtype), out->shape.rank, dims, strides, 0);
    node->prepared = plan;
    return TRUE;
}

static void run_copy(const SthOpRun *run)
{
    sth_copy_run(run, run->prepared, run->out[0].data, run->in[0].data);
}

extern const SthOp sth_op_expand;
const SthOp sth_op_expand = {
    .name = "Expand", .since = 8, .min_in = 2, .max_in = 2, .constant_in = 1 << 1, .infer = infer_expand, .prepare = prepare_expand, .run = run_copy};

static gboolean infer_tile(SthNode *node, GError **error)
{
    guint n;
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error))
        return FALSE;
    gint64 *repeats = sth_op_constant_ints(node, 1, &n, error);
    if (repeats == NULL)
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = in->shape;
    gboolean valid = n == shape.rank;
    for (guint i = 0; i < shape.rank && valid; i++)
        valid = repeats[i] >= 0 && !__builtin_mul_overflow(shape.dims[i], repeats[i], &shape.dims[i]);
    g_free(repeats);
    if (!valid)
        return sth_op_error(node, error, "the repeats do not fit the input's %u axes", in->shape.rank);
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

/* Each axis becomes two: the repeats, which stand still in the input, and the axis itself. */
static gboolean prepare_tile(SthNode *node, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0), *out = &sth_node_output(node, 0)->tensor;
    gsize dims[STH_COPY_MAX_RANK];
    gssize strides[STH_COPY_MAX_RANK];
    for (guint axis = 0; axis < in->shape.rank; axis++) {
        dims[2 * axis] = in->shape.dims[axis] > 0 ? (gsize)(out->shape.dims[axis] / in->shape.dims[axis]) : 0;
        strides[2 * axis] = 0;
        dims[2 * axis + 1] = (gsize)in->shape.dims[axis];
        strides[2 * axis + 1] = (gssize)sth_op_product(&in->shape, axis + 1, in->shape.rank);
    }
    SthCopy *plan = g_new(SthCopy, 1);
    sth_copy_plan(plan, sth_dtype_size(in->dtype), 2 * in->shape.rank, dims, strides, 0);
    node->prepared = plan;
    return TRUE;
}

extern const SthOp sth_op_tile;
const SthOp sth_op_tile = {
    .name = "Tile", .since = 6, .min_in = 2, .max_in = 2, .constant_in = 1 << 1, .infer = infer_tile, .prepare = prepare_tile, .run = run_copy};
