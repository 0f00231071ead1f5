/* AveragePool. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sliding.h"

typedef struct {
    SthSliding sliding;
    gboolean count_pads; /* padding counts as elements that are zero */
} Pool;

static gboolean infer(SthNode *node, GError **error)
{
    SthSliding sliding;
    SthShape shape;

    if (!sth_op_require_type(node, 0, STH_DTYPE_FLOAT, error) || !sth_sliding_init(&sliding, node, NULL, error))
        return FALSE;
    sth_sliding_shape(&sliding, node, sth_node_input(node, 0)->tensor.shape.dims[1], &shape);
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    Pool *pool = g_new0(Pool, 1);

    pool->count_pads = sth_node_int(node, "count_include_pad", 0) != 0;
    node->prepared = pool;
    return sth_sliding_init(&pool->sliding, node, NULL, error);
}

/* Taps of the kernel at output @at of an axis that count. */
static gint64 count_taps(const Pool *pool, guint axis, gint64 at)
{
    const SthSliding *s = &pool->sliding;
    const gint64 first = pool->count_pads ? -s->pad[axis] : 0, end = s->in[axis] + (pool->count_pads ? s->pad_end[axis] : 0);
    gint64 n = 0;

    for (gint64 tap = 0; tap < s->kernel[axis]; tap++) {
        gint64 from = at * s->stride[axis] + tap * s->dilation[axis] - s->pad[axis];

        n += from >= first && from < end;
    }
    return n;
}

/* Row (@t, @h) of the outputs of one channel. */
static void pool_row(const Pool *pool, const float *in, gint64 t, gint64 h, float *out)
{
    const SthSliding *s = &pool->sliding;
    const gint64 rows = count_taps(pool, STH_T, t) * count_taps(pool, STH_H, h);

    for (gint64 x = 0; x < s->out[STH_W]; x++)
        out[x] = 0;
    for (gint64 kt = 0; kt < s->kernel[STH_T]; kt++)
        for (gint64 kh = 0; kh < s->kernel[STH_H]; kh++) {
            const gint64 from_t = t * s->stride[STH_T] + kt * s->dilation[STH_T] - s->pad[STH_T];
            const gint64 from_h = h * s->stride[STH_H] + kh * s->dilation[STH_H] - s->pad[STH_H];

            if (from_t < 0 || from_t >= s->in[STH_T] || from_h < 0 || from_h >= s->in[STH_H])
                continue;
            for (gint64 kw = 0; kw < s->kernel[STH_W]; kw++) {
                gint64 first, end;
                const float *row = in + (from_t * s->in[STH_H] + from_h) * s->in[STH_W] + kw * s->dilation[STH_W] - s->pad[STH_W];

                sth_sliding_range(s, STH_W, kw, &first, &end);
                for (gint64 x = first; x < end; x++)
                    out[x] += row[x * s->stride[STH_W]];
            }
        }
    for (gint64 x = 0; x < s->out[STH_W]; x++)
        out[x] /= (float)(rows * count_taps(pool, STH_W, x));
}

/* @item = image * channels + channel. */
static void run_plane(gpointer data, guint item, guint thread)
{
    const SthOpRun *op = data;
    const Pool *pool = op->prepared;
    const SthSliding *s = &pool->sliding;
    const float *in = (const float *)op->in[0].data + item * sth_sliding_in(s);
    float *out = (float *)op->out[0].data + item * sth_sliding_out(s);

    for (gint64 t = 0; t < s->out[STH_T]; t++)
        for (gint64 h = 0; h < s->out[STH_H]; h++, out += s->out[STH_W])
            pool_row(pool, in, t, h, out);
}

static void run(const SthOpRun *op)
{
    sth_op_parallel(op, run_plane, (gpointer)op, (guint)(op->in[0].shape.dims[0] * op->in[0].shape.dims[1]));
}

const SthOp sth_op_average_pool = {.name = "AveragePool", .since = 7, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = run};
