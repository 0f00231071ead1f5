/* GlobalAveragePool and GlobalLpPool: one number for all axes but batch and channels. (GlobalMaxPool is a row of op_reduce.c.)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/pooling.h"

typedef struct {
    gsize n, planes; /* elements of a plane; planes */
    gboolean lp;
    double p;
} Pool;

static gboolean infer(SthNode *node, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0);
    SthShape shape = in->shape;

    if (!sth_op_require_types(node, 0, STH_TYPES_REAL, error))
        return FALSE;
    if (shape.rank < 3)
        return sth_op_error(node, error, "the input has %u axes: batch, channels and one more at least", shape.rank);
    for (guint i = 2; i < shape.rank; i++)
        shape.dims[i] = 1;
    sth_op_set_output(node, 0, in->dtype, &shape);
    return TRUE;
}

static gboolean infer_lp(SthNode *node, GError **error)
{
    return sth_pooling_order(node, error) > 0 && infer(node, error);
}

static Pool *pool_new(SthNode *node)
{
    const SthShape *shape = &sth_op_in(node, 0)->shape;
    Pool *pool = g_new0(Pool, 1);

    pool->n = sth_op_product(shape, 2, shape->rank);
    pool->planes = sth_op_product(shape, 0, 2);
    node->prepared = pool;
    return pool;
}

static gboolean prepare(SthNode *node, GError **error)
{
    pool_new(node);
    return TRUE;
}

static gboolean prepare_lp(SthNode *node, GError **error)
{
    Pool *pool = pool_new(node);

    pool->lp = TRUE;
    pool->p = sth_pooling_order(node, error);
    return pool->p > 0;
}

static double power(double x, double p)
{
    return p == 1 ? fabs(x) : p == 2 ? x * x : pow(fabs(x), p);
}

static void run_plane(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const Pool *pool = run->prepared;
    const gboolean single = run->in[0].dtype == STH_DTYPE_FLOAT;
    const float *floats = (const float *)run->in[0].data + item * pool->n;
    const double *doubles = (const double *)run->in[0].data + item * pool->n;
    double sum = 0;

    if (single && !pool->lp) {
        ((float *)run->out[0].data)[item] = sth_kernels()->sum(floats, pool->n) / (float)pool->n;
        return;
    }
    for (gsize i = 0; i < pool->n; i++) {
        const double x = single ? (double)floats[i] : doubles[i];
        sum += pool->lp ? power(x, pool->p) : x;
    }
    sum = pool->lp ? pow(sum, 1 / pool->p) : sum / (double)pool->n;
    if (single)
        ((float *)run->out[0].data)[item] = (float)sum;
    else
        ((double *)run->out[0].data)[item] = sum;
}

static void run(const SthOpRun *run)
{
    sth_op_parallel(run, run_plane, (gpointer)run, (guint)((const Pool *)run->prepared)->planes);
}

extern const SthOp sth_op_global_average_pool, sth_op_global_lp_pool;
const SthOp sth_op_global_average_pool = {
    .name = "GlobalAveragePool", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run};
const SthOp sth_op_global_lp_pool = {
    .name = "GlobalLpPool", .since = 1, .min_in = 1, .max_in = 1, .infer = infer_lp, .prepare = prepare_lp, .run = run};
