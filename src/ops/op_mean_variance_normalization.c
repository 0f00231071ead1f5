/* MeanVarianceNormalization: mean 0 and variance 1 over some axes, by default all but the channels'.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/op-helpers.h"

#define EPSILON 1e-9 /* of the definition: added to the standard deviation */

/* Axes of both kinds; each kind in the input's order. */
typedef struct {
    guint n_kept, n_reduced;
    gsize kept[STH_MAX_RANK], kept_stride[STH_MAX_RANK];
    gsize reduced[STH_MAX_RANK], reduced_stride[STH_MAX_RANK];
    gsize outer, count;
} Norm;

static gboolean find_norm(SthNode *node, Norm *norm, GError **error)
{
    static const gint64 usual[] = {0, 2, 3};
    const SthShape *in = &sth_op_in(node, 0)->shape;
    guint n, mask;
    const gint64 *axes = sth_node_ints(node, "axes", &n);
    if (!sth_op_axes_mask(node, axes != NULL ? axes : usual, axes != NULL ? n : G_N_ELEMENTS(usual), in->rank, &mask, error))
        return FALSE;
    *norm = (Norm){.outer = 1, .count = 1};
    for (guint axis = 0; axis < in->rank; axis++) {
        gboolean reduce = mask >> axis & 1;
        guint at = reduce ? norm->n_reduced++ : norm->n_kept++;
        (reduce ? norm->reduced : norm->kept)[at] = (gsize)in->dims[axis];
        (reduce ? norm->reduced_stride : norm->kept_stride)[at] = sth_op_product(in, axis + 1, in->rank);
        *(reduce ? &norm->count : &norm->outer) *= (gsize)in->dims[axis];
    }
    return TRUE;
}

static gboolean infer(SthNode *node, GError **error)
{
    Norm norm = {0};
    if (!sth_op_require_type(node, 0, STH_DTYPE_FLOAT, error) || !find_norm(node, &norm, error))
        return FALSE;
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &sth_op_in(node, 0)->shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Norm *norm = g_new(Norm, 1);
    node->prepared = norm;
    return find_norm(node, norm, error);
}

static gsize offset_of(gsize index, const gsize *dims, const gsize *strides, guint n)
{
    gsize at = 0;
    for (guint i = n; i-- > 0; index /= dims[i])
        at += index % dims[i] * strides[i];
    return at;
}

/* @item: one position of the kept axes. */
static void normalise(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Norm *norm = run->prepared;
    gsize base = offset_of(item, norm->kept, norm->kept_stride, norm->n_kept);
    const float *in = (const float *)run->in[0].data + base;
    float *out = (float *)run->out[0].data + base;
    double sum = 0, squares = 0;
    for (gsize i = 0; i < norm->count; i++)
        sum += in[offset_of(i, norm->reduced, norm->reduced_stride, norm->n_reduced)];
    double mean = sum / (double)norm->count;
    for (gsize i = 0; i < norm->count; i++) {
        double x = in[offset_of(i, norm->reduced, norm->reduced_stride, norm->n_reduced)] - mean;
        squares += x * x;
    }
    double deviation = sqrt(squares / (double)norm->count) + EPSILON;
    for (gsize i = 0; i < norm->count; i++) {
        gsize at = offset_of(i, norm->reduced, norm->reduced_stride, norm->n_reduced);
        out[at] = (float)((in[at] - mean) / deviation);
    }
}

static void run_norm(const SthOpRun *run)
{
    const Norm *norm = run->prepared;
    sth_op_parallel(run, normalise, (gpointer)run, (guint)norm->outer);
}

extern const SthOp sth_op_mean_variance_normalization;
const SthOp sth_op_mean_variance_normalization = {
    .name = "MeanVarianceNormalization", .since = 9, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run_norm};
