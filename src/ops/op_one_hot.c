/* OneHot: a new axis that holds `on` at the index and `off` elsewhere.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op-helpers.h"

/* The output's axes around the new one. */
static gboolean find_axis(SthNode *node, guint *axis, gint64 *depth, GError **error)
{
    double number = 0;
    if (!sth_op_require_types(node, 1, STH_TYPES_NUMBER, error))
        return FALSE;
    if (sth_shape_elements(&sth_op_in(node, 1)->shape) == 1)
        sth_elements_to_doubles(&number, sth_op_in(node, 1), 0, 1);
    if (!(number >= 1 && number < (double)G_MAXINT32))
        return sth_op_error(node, error, "the depth is not one number of at least 1");
    *depth = (gint64)number;
    return sth_op_axis(node, sth_node_int(node, "axis", -1), sth_op_in(node, 0)->shape.rank + 1, axis, error);
}

static gboolean infer(SthNode *node, GError **error)
{
    guint axis;
    gint64 depth = 0;
    if (!sth_op_require_types(node, 0, STH_TYPES_NUMBER, error) || !find_axis(node, &axis, &depth, error) ||
        !sth_op_require_types(node, 2, STH_TYPES_ANY, error))
        return FALSE;
    if (sth_shape_elements(&sth_op_in(node, 2)->shape) != 2)
        return sth_op_error(node, error, "input 2 ('%s') must hold two values, off and on", sth_node_input(node, 2)->name);
    SthShape shape = sth_op_in(node, 0)->shape;
    if (shape.rank == STH_MAX_RANK)
        return sth_op_error(node, error, "the result has more than %d axes", STH_MAX_RANK);
    for (guint i = shape.rank++; i > axis; i--)
        shape.dims[i] = shape.dims[i - 1];
    shape.dims[axis] = depth;
    sth_op_set_output(node, 0, sth_op_in(node, 2)->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    guint axis;
    gint64 depth = 0;
    if (!find_axis(node, &axis, &depth, error))
        return FALSE;
    SthAxis *around = g_new(SthAxis, 1);
    *around = sth_op_around(&sth_node_output(node, 0)->tensor.shape, axis, axis + 1);
    node->prepared = around;
    return TRUE;
}

#define FILL(type)                                                                                                                                   \
    for (gsize k = 0; k < axis->n; k++)                                                                                                              \
        ((type *)run->out[0].data)[at + k * axis->inner] = ((const type *)run->in[2].data)[(gint64)k == hot];

/* @item: one index. Indices from -depth on count from the end; others give a line without `on`. */
static void fill_line(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const SthAxis *axis = run->prepared;
    gsize at = item / axis->inner * axis->n * axis->inner + item % axis->inner;
    double index;
    sth_elements_to_doubles(&index, &run->in[0], item, 1);
    index += index < 0 ? (double)axis->n : 0;
    gint64 hot = index >= 0 && index < (double)axis->n ? (gint64)index : -1;
    switch (sth_dtype_size(run->out[0].dtype)) {
        STH_EACH_SIZE(FILL)
    }
}

static void run_one_hot(const SthOpRun *run)
{
    const SthAxis *axis = run->prepared;
    sth_op_parallel(run, fill_line, (gpointer)run, (guint)(axis->outer * axis->inner));
}

extern const SthOp sth_op_one_hot;
const SthOp sth_op_one_hot = {
    .name = "OneHot", .since = 9, .min_in = 3, .max_in = 3, .constant_in = 1 << 1, .infer = infer, .prepare = prepare, .run = run_one_hot};
