/* Gather: picks slices along an axis by index.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/op-helpers.h"

/* The input as [outer][dim][row bytes], the output as [outer][n][row bytes]. */
typedef struct {
    gsize outer, dim, n, row;
} Pick;

static inline gint64 index_at(const SthTensor *indices, gsize i)
{
    return indices->dtype == STH_DTYPE_INT64 ? ((const gint64 *)indices->data)[i] : ((const gint32 *)indices->data)[i];
}

static gboolean check_indices(SthNode *node, gint64 dim, GError **error)
{
    const SthValue *indices = sth_node_input(node, 1);
    gint64 n = sth_shape_elements(&indices->tensor.shape);
    if (dim == 0 && n > 0)
        return sth_op_error(node, error, "it picks from an axis of no elements");
    for (gint64 i = 0; i < n && indices->constant != NULL; i++) {
        gint64 index = index_at(&indices->tensor, (gsize)i);
        if (index < -dim || index >= dim)
            return sth_op_error(node, error, "index %" G_GINT64_FORMAT " is out of range for %" G_GINT64_FORMAT " elements", index, dim);
    }
    return TRUE;
}

static gboolean infer(SthNode *node, GError **error)
{
    guint axis;
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !sth_op_require_types(node, 1, STH_TYPES_INDEX, error))
        return FALSE;
    const SthTensor *in = sth_op_in(node, 0), *indices = sth_op_in(node, 1);
    if (!sth_op_axis(node, sth_node_int(node, "axis", 0), in->shape.rank, &axis, error) || !check_indices(node, in->shape.dims[axis], error))
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

/* An index that is computed at run time and out of range picks the nearest slice: a run cannot fail. */
static void pick_outer(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Pick *pick = run->prepared;
    const guint8 *in = (const guint8 *)run->in[0].data + item * pick->dim * pick->row;
    guint8 *out = (guint8 *)run->out[0].data + item * pick->n * pick->row;
    gint64 dim = (gint64)pick->dim;
    for (gsize i = 0; i < pick->n; i++) {
        gint64 index = index_at(&run->in[1], i);
        index = CLAMP(index < 0 ? index + dim : index, 0, dim - 1);
        memcpy(out + i * pick->row, in + (gsize)index * pick->row, pick->row);
    }
}

static void run_gather(const SthOpRun *run)
{
    const Pick *pick = run->prepared;
    if (pick->n * pick->row > 0)
        sth_op_parallel(run, pick_outer, (gpointer)run, (guint)pick->outer);
}

extern const SthOp sth_op_gather;
const SthOp sth_op_gather = {.name = "Gather", .since = 1, .min_in = 2, .max_in = 2, .infer = infer, .prepare = prepare, .run = run_gather};
