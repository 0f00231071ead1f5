/* GatherElements and ScatterElements (before opset 11: Scatter): elements picked, and put, at an index along an axis.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/scatter.h"

typedef struct {
    guint axis, rank;
    gsize index_dims[STH_MAX_RANK]; /* of the indices */
    gsize stride[STH_MAX_RANK];     /* of the data, elements */
    gint64 dim;                     /* of the data along the axis */
    SthScatter scatter;
} Places;

/* Indices have as many axes as the data, and are no longer than it but along the axis. */
static gboolean find_places(SthNode *node, Places *places, GError **error)
{
    const SthShape *data = &sth_op_in(node, 0)->shape, *indices = &sth_op_in(node, 1)->shape;
    if (!sth_op_axis(node, sth_node_int(node, "axis", 0), data->rank, &places->axis, error))
        return FALSE;
    gboolean fits = data->rank == indices->rank;
    places->rank = data->rank;
    places->dim = data->dims[places->axis];
    for (guint i = 0; i < data->rank && fits; i++) {
        fits = i == places->axis || indices->dims[i] <= data->dims[i];
        places->index_dims[i] = (gsize)indices->dims[i];
        places->stride[i] = sth_op_product(data, i + 1, data->rank);
    }
    return (fits || sth_op_error(node, error, "the indices do not fit into the data")) && sth_op_check_indices(node, 1, places->dim, error);
}

static gboolean infer_gather(SthNode *node, GError **error)
{
    Places places = {0};
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !sth_op_require_types(node, 1, STH_TYPES_INDEX, error) ||
        !find_places(node, &places, error))
        return FALSE;
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &sth_op_in(node, 1)->shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Places *places = g_new0(Places, 1);
    node->prepared = places;
    return find_places(node, places, error) && sth_scatter_find(node, &places->scatter, error);
}

/* The data's element that index number @i means. */
static gsize place_of(const Places *places, const SthTensor *indices, gsize i)
{
    gsize at = 0, rest = i;
    for (guint axis = places->rank; axis-- > 0;) {
        gsize own = rest % places->index_dims[axis];
        rest /= places->index_dims[axis];
        at += (axis == places->axis ? sth_op_index(indices, i, places->dim) : own) * places->stride[axis];
    }
    return at;
}

#define PICK(type)                                                                                                                                   \
    for (gsize i = from; i < from + n; i++)                                                                                                          \
        ((type *)run->out[0].data)[i] = ((const type *)run->in[0].data)[place_of(run->prepared, &run->in[1], i)];

static void pick(const SthOpRun *run, gsize from, gsize n)
{
    switch (sth_dtype_size(run->out[0].dtype)) {
        STH_EACH_SIZE(PICK)
    }
}

static void run_gather(const SthOpRun *run)
{
    sth_op_elementwise(run, pick);
}

extern const SthOp sth_op_gather_elements;
const SthOp sth_op_gather_elements = {
    .name = "GatherElements", .since = 11, .min_in = 2, .max_in = 2, .infer = infer_gather, .prepare = prepare, .run = run_gather};

static gboolean infer_scatter(SthNode *node, GError **error)
{
    Places places = {0};
    if (!sth_scatter_infer(node, error) || !find_places(node, &places, error))
        return FALSE;
    return sth_shape_equal(&sth_op_in(node, 1)->shape, &sth_op_in(node, 2)->shape) ||
           sth_op_error(node, error, "indices and updates are not of one shape");
}

/* In order, on one thread: two indices may mean one place. */
static void run_scatter(const SthOpRun *run)
{
    const Places *places = run->prepared;
    sth_scatter_begin(run);
    for (gsize i = 0, n = (gsize)sth_shape_elements(&run->in[1].shape); i < n; i++)
        sth_scatter_put(&places->scatter, &run->out[0], place_of(places, &run->in[1], i), &run->in[2], i, 1);
}

#define STH_SCATTER(ident, op_name, oldest)                                                                                                          \
    extern const SthOp sth_op_##ident;                                                                                                               \
    const SthOp sth_op_##ident = {                                                                                                                   \
        .name = op_name, .since = oldest, .min_in = 3, .max_in = 3, .infer = infer_scatter, .prepare = prepare, .run = run_scatter};

STH_SCATTER(scatter, "Scatter", 9)
STH_SCATTER(scatter_elements, "ScatterElements", 11)
