/* Gather: picks slices along an axis by index.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/scatter.h"

/* The input as [outer][dim][row bytes], the output as [outer][n][row bytes]. */
typedef struct {
    gsize outer, dim, n, row;
} Pick;

static gboolean infer(SthNode *node, GError **error)
{
    guint axis;
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !sth_op_require_types(node, 1, STH_TYPES_INDEX, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0), *indices = sth_op_in(node, 1);
    if (!sth_op_axis(node, sth_node_int(node, "axis", 0), in->shape.rank, &axis, error) ||
        !sth_op_check_indices(node, 1, in->shape.dims[axis], error))
        return FALSE;
    if (in->shape.rank - 1 + indices->shape.rank > STH_MAX_RANK)
        return sth_op_error(node, error, "the result has more than %d axes", STH_MAX_RANK);
    SthShape shape = {0};
    for (guint i = 0; i < axis; i++)
        shape.dims[shape.rank++] = in->shape.dims[i];
    for (guint i = 0; i < indices->shape.rank; i++)
        shape.dims[shape.rank++] = indices->shape.dims[i];
    for (guint i = axis + 1; i < in->shape.rank; i++)
        shape.dims[shape.rank++] = in->shape.dims[i];
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    guint axis;
    const SthTensor *in = sth_op_in(node, 0);
    if (!sth_op_axis(node, sth_node_int(node, "axis", 0), in->shape.rank, &axis, error))
        return FALSE;
    Pick *pick = g_new(Pick, 1);
    pick->outer = sth_op_product(&in->shape, 0, axis);
    pick->dim = (gsize)in->shape.dims[axis];
    pick->n = (gsize)sth_shape_elements(&sth_op_in(node, 1)->shape);
    pick->row = sth_op_product(&in->shape, axis + 1, in->shape.rank) * sth_dtype_size(in->dtype);
    node->prepared = pick;
    return TRUE;
}

static void pick_outer(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Pick *pick = run->prepared;
    const guint8 *in = (const guint8 *)run->in[0].data + item * pick->dim * pick->row;
    guint8 *out = (guint8 *)run->out[0].data + item * pick->n * pick->row;
    for (gsize i = 0; i < pick->n; i++)
        memcpy(out + i * pick->row, in + sth_op_index(&run->in[1], i, (gint64)pick->dim) * pick->row, pick->row);
}

static void run_gather(const SthOpRun *run)
{
    const Pick *pick = run->prepared;
    if (pick->n * pick->row > 0)
        sth_op_parallel(run, pick_outer, (gpointer)run, (guint)pick->outer);
}

extern const SthOp sth_op_gather;
const SthOp sth_op_gather = {.name = "Gather", .since = 1, .min_in = 2, .max_in = 2, .infer = infer, .prepare = prepare, .run = run_gather};
