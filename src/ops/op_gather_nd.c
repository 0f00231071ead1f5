/* GatherND and ScatterND: slices picked, and put, at places of several indices.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops/scatter.h"

/* The data as [batch][dims…][slice]; the indices as [batch][n][depth]. */
typedef struct {
    guint depth;
    gint64 dims[STH_MAX_RANK];
    gsize stride[STH_MAX_RANK];   /* elements */
    gsize batch, n, slice, image; /* image: elements of the data in one batch */
    SthScatter scatter;
} Places;

static gboolean find_places(SthNode *node, guint batch_dims, Places *places, GError **error)
{
    const SthShape *data = &sth_op_in(node, 0)->shape, *indices = &sth_op_in(node, 1)->shape;
    if (indices->rank == 0 || indices->rank <= batch_dims || data->rank <= batch_dims)
        return sth_op_error(node, error, "data of %u and indices of %u axes have no %u axes in common", data->rank, indices->rank, batch_dims);
    gint64 depth = indices->dims[indices->rank - 1];
    if (depth < 1 || depth > (gint64)(data->rank - batch_dims))
        return sth_op_error(node, error, "places of %" G_GINT64_FORMAT " indices do not fit data of %u axes", depth, data->rank);
    for (guint i = 0; i < batch_dims; i++)
        if (data->dims[i] != indices->dims[i])
            return sth_op_error(node, error, "data and indices differ in axis %u, which is one of the batch", i);
    *places = (Places){.depth = (guint)depth, .batch = sth_op_product(data, 0, batch_dims)};
    places->n = sth_op_product(indices, batch_dims, indices->rank - 1);
    places->slice = sth_op_product(data, batch_dims + places->depth, data->rank);
    places->image = sth_op_product(data, batch_dims, data->rank);
    for (guint i = 0; i < places->depth; i++) {
        places->dims[i] = data->dims[batch_dims + i];
        places->stride[i] = sth_op_product(data, batch_dims + i + 1, data->rank);
        if (places->dims[i] == 0 && places->n > 0)
            return sth_op_error(node, error, "axis %u of the data has no elements", batch_dims + i);
    }
    return TRUE;
}

/* Indices that are known are in range. */
static gboolean check_places(SthNode *node, const Places *places, GError **error)
{
    const SthValue *indices = sth_node_input(node, 1);
    for (gsize i = 0; indices->constant != NULL && i < places->batch * places->n * places->depth; i++) {
        gint64 index = sth_element_integer(&indices->tensor, i), dim = places->dims[i % places->depth];
        if (index < -dim || index >= dim)
            return sth_op_error(node, error, "index %" G_GINT64_FORMAT " is out of range for %" G_GINT64_FORMAT " elements", index, dim);
    }
    return TRUE;
}

static guint batch_dims(const SthNode *node)
{
    return (guint)CLAMP(sth_node_int(node, "batch_dims", 0), 0, STH_MAX_RANK);
}

static gboolean infer_gather(SthNode *node, GError **error)
{
    Places places = {0};
    if (!sth_op_require_types(node, 0, STH_TYPES_ANY, error) || !sth_op_require_types(node, 1, STH_TYPES_INDEX, error) ||
        !find_places(node, batch_dims(node), &places, error) || !check_places(node, &places, error))
        return FALSE;
    const SthShape *data = &sth_op_in(node, 0)->shape, *indices = &sth_op_in(node, 1)->shape;
    guint first = batch_dims(node) + places.depth;
    SthShape shape = {.rank = indices->rank - 1};
    if (shape.rank + data->rank - first > STH_MAX_RANK)
        return sth_op_error(node, error, "the result has more than %d axes", STH_MAX_RANK);
    memcpy(shape.dims, indices->dims, shape.rank * sizeof *shape.dims);
    for (guint i = first; i < data->rank; i++)
        shape.dims[shape.rank++] = data->dims[i];
    sth_op_set_output(node, 0, sth_op_in(node, 0)->dtype, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Places *places = g_new(Places, 1);
    node->prepared = places;
    return find_places(node, batch_dims(node), places, error) && sth_scatter_find(node, &places->scatter, error);
}

/* The data's element at which the slice of place @i starts. */
static gsize place_of(const Places *places, const SthTensor *indices, gsize i)
{
    gsize at = i / places->n * places->image;
    for (guint k = 0; k < places->depth; k++)
        at += sth_op_index(indices, i * places->depth + k, places->dims[k]) * places->stride[k];
    return at;
}

static void pick_slice(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Places *places = run->prepared;
    gsize size = sth_dtype_size(run->in[0].dtype), bytes = places->slice * size;
    memcpy((guint8 *)run->out[0].data + item * bytes, (const guint8 *)run->in[0].data + place_of(places, &run->in[1], item) * size, bytes);
}

static void run_gather(const SthOpRun *run)
{
    const Places *places = run->prepared;
    sth_op_parallel(run, pick_slice, (gpointer)run, (guint)(places->batch * places->n));
}

extern const SthOp sth_op_gather_nd;
const SthOp sth_op_gather_nd = {
    .name = "GatherND", .since = 11, .min_in = 2, .max_in = 2, .infer = infer_gather, .prepare = prepare, .run = run_gather};

static gboolean infer_scatter(SthNode *node, GError **error)
{
    Places places = {0};
    if (!sth_scatter_infer(node, error) || !find_places(node, 0, &places, error) || !check_places(node, &places, error))
        return FALSE;
    return (gsize)sth_shape_elements(&sth_op_in(node, 2)->shape) == places.n * places.slice ||
           sth_op_error(node, error, "the updates are not one slice for each place");
}

/* In order, on one thread: two indices may mean one place. */
static void run_scatter(const SthOpRun *run)
{
    const Places *places = run->prepared;
    sth_scatter_begin(run);
    for (gsize i = 0; i < places->n; i++)
        sth_scatter_put(&places->scatter, &run->out[0], place_of(places, &run->in[1], i), &run->in[2], i * places->slice, places->slice);
}

extern const SthOp sth_op_scatter_nd;
const SthOp sth_op_scatter_nd = {
    .name = "ScatterND", .since = 11, .min_in = 3, .max_in = 3, .infer = infer_scatter, .prepare = prepare, .run = run_scatter};
