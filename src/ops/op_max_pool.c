/* MaxPool, with the positions of the maxima (output 1) where they are wanted.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/sliding.h"

typedef struct {
    SthSliding sliding;
    gboolean column_major; /* positions count columns first (storage_order) */
} Pool;

static gboolean infer(SthNode *node, GError **error)
{
    const SthShape *in = &sth_node_input(node, 0)->tensor.shape;
    SthSliding sliding;
    SthShape shape;

    if (!sth_op_require_type(node, 0, STH_DTYPE_FLOAT, error) || !sth_sliding_init(&sliding, node, NULL, error))
        return FALSE;
    sth_sliding_shape(&sliding, node, in->dims[1], &shape);
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    sth_op_set_output(node, 1, STH_DTYPE_INT64, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Pool *pool = g_new0(Pool, 1);

    pool->column_major = sth_node_int(node, "storage_order", 0) != 0;
    node->prepared = pool;
    return sth_sliding_init(&pool->sliding, node, NULL, error);
}

/* out[x] = max(out[x], in[x * stride]) */
static void max_row(float *out, const float *in, gint64 n, gint64 stride)
{
    if (stride == 1)
        for (gint64 x = 0; x < n; x++)
            out[x] = in[x] > out[x] ? in[x] : out[x];
    else if (stride == 2)
        for (gint64 x = 0; x < n; x++)
            out[x] = in[2 * x] > out[x] ? in[2 * x] : out[x];
    else
        for (gint64 x = 0; x < n; x++)
            out[x] = in[stride * x] > out[x] ? in[stride * x] : out[x];
}

/* The same, noting positions; @position is that of in[0]. */
static void max_row_positions(float *out, gint64 *positions, const float *in, gint64 n, gint64 stride, gint64 position, gint64 step)
{
    for (gint64 x = 0; x < n; x++)
        if (in[stride * x] > out[x] || positions[x] < 0) {
            out[x] = in[stride * x];
            positions[x] = position + x * stride * step;
        }
}

/* Position of (t, h, w) in the whole input, whose channel @plane starts at plane * size. */
static gint64 position_of(const Pool *pool, gsize plane, gint64 t, gint64 h, gint64 w)
{
    const gint64 *in = pool->sliding.in, first = (gint64)(plane * sth_sliding_in(&pool->sliding));

    return pool->column_major ? first + (w * in[STH_H] + h) * in[STH_T] + t : first + (t * in[STH_H] + h) * in[STH_W] + w;
}

/* Row (@t, @h) of the outputs of one channel. */
static void pool_row(const Pool *pool, const float *in, gsize plane, gint64 t, gint64 h, float *out, gint64 *positions)
{
    const SthSliding *s = &pool->sliding;
    const gint64 step = pool->column_major ? s->in[STH_H] * s->in[STH_T] : 1;

    for (gint64 x = 0; x < s->out[STH_W]; x++) {
        out[x] = -INFINITY;
        if (positions)
            positions[x] = -1;
    }
    for (gint64 kt = 0; kt < s->kernel[STH_T]; kt++)
        for (gint64 kh = 0; kh < s->kernel[STH_H]; kh++) {
            const gint64 from_t = t * s->stride[STH_T] + kt * s->dilation[STH_T] - s->pad[STH_T];
            const gint64 from_h = h * s->stride[STH_H] + kh * s->dilation[STH_H] - s->pad[STH_H];

            if (from_t < 0 || from_t >= s->in[STH_T] || from_h < 0 || from_h >= s->in[STH_H])
                continue;
            for (gint64 kw = 0; kw < s->kernel[STH_W]; kw++) {
                gint64 first, end, w;
                const float *row = in + (from_t * s->in[STH_H] + from_h) * s->in[STH_W];

                sth_sliding_range(s, STH_W, kw, &first, &end);
                w = first * s->stride[STH_W] + kw * s->dilation[STH_W] - s->pad[STH_W];
                if (first >= end)
                    continue;
                if (positions)
                    max_row_positions(out + first, positions + first, row + w, end - first, s->stride[STH_W],
                                      position_of(pool, plane, from_t, from_h, w), step);
                else
                    max_row(out + first, row + w, end - first, s->stride[STH_W]);
            }
        }
}

/* @item = image * channels + channel. */
static void run_plane(gpointer data, guint item, guint thread)
{
    const SthOpRun *op = data;
    const Pool *pool = op->prepared;
    const SthSliding *s = &pool->sliding;
    const float *in = (const float *)op->in[0].data + item * sth_sliding_in(s);
    gsize at = item * sth_sliding_out(s);
    gint64 *positions = op->n_out > 1 && op->out[1].dtype != STH_DTYPE_INVALID ? op->out[1].data : NULL;

    for (gint64 t = 0; t < s->out[STH_T]; t++)
        for (gint64 h = 0; h < s->out[STH_H]; h++, at += (gsize)s->out[STH_W])
            pool_row(pool, in, item, t, h, (float *)op->out[0].data + at, positions ? positions + at : NULL);
}

static void run(const SthOpRun *op)
{
    sth_op_parallel(op, run_plane, (gpointer)op, (guint)(op->in[0].shape.dims[0] * op->in[0].shape.dims[1]));
}

const SthOp sth_op_max_pool = {.name = "MaxPool", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run};
