/* AveragePool. The mean of no elements (a window in the padding alone) is 0.
 *
 * With ceil_mode the last windows may reach beyond the padding. Do their taps out there count when the padding does (count_include_pad)? No, as
 * PyTorch has it, which wrote the models of the older opsets; yes from opset 19 on, as ONNX's own cases have it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/pooling.h"

typedef struct {
    SthPooling head;
    gint64 *counts[STH_AXES]; /* by output along the axis: taps that count */
} Pool;

static gboolean infer(SthNode *node, GError **error)
{
    return sth_pooling_infer(node, STH_TYPES_REAL, error);
}

#define SUM(step)                                                                                                                                    \
    for (gsize x = 0; x < n; x++)                                                                                                                    \
        out[x] += in[x * (step)];

#define DEFINE_ROW(type)                                                                                                                             \
    static void sum_##type(gpointer data, const SthSlidingTap *tap)                                                                                  \
    {                                                                                                                                                \
        const SthPoolingRow *row = data;                                                                                                             \
        const type *in = (const type *)row->in + tap->from;                                                                                          \
        type *out = (type *)row->out + tap->first;                                                                                                   \
        const gsize n = tap->n, stride = (gsize)row->pooling->sliding.stride[STH_W];                                                                 \
        if (stride == 1)                                                                                                                             \
            SUM(1)                                                                                                                                   \
        else if (stride == 2)                                                                                                                        \
            SUM(2)                                                                                                                                   \
        else                                                                                                                                         \
            SUM(stride)                                                                                                                              \
    }                                                                                                                                                \
                                                                                                                                                     \
    static void run_row_##type(const SthPoolingRow *row)                                                                                             \
    {                                                                                                                                                \
        const Pool *pool = (const Pool *)row->pooling;                                                                                               \
        const gint64 others = pool->counts[STH_T][row->t] * pool->counts[STH_H][row->h], *counts = pool->counts[STH_W];                              \
        const gsize n = (gsize)pool->head.sliding.out[STH_W];                                                                                        \
        type *out = row->out;                                                                                                                        \
        for (gsize x = 0; x < n; x++)                                                                                                                \
            out[x] = 0;                                                                                                                              \
        sth_sliding_row(&pool->head.sliding, row->t, row->h, sum_##type, (gpointer)row);                                                             \
        for (gsize x = 0; x < n; x++)                                                                                                                \
            out[x] /= (type)MAX(1, others * counts[x]);                                                                                              \
    }

DEFINE_ROW(float)
DEFINE_ROW(double)

/* Taps of the kernel that count, for each output along an axis: those from @first to @end - 1 of the input. */
static gint64 *count_taps(const SthSliding *s, guint axis, gint64 first, gint64 end)
{
    gint64 *counts = g_new(gint64, MAX(1, s->out[axis]));

    for (gint64 at = 0; at < s->out[axis]; at++) {
        /* Taps of this output are at start, start + dilation… */
        const gint64 start = at * s->stride[axis] - s->pad[axis], dilation = s->dilation[axis];
        const gint64 from = first > start ? (first - start + dilation - 1) / dilation : 0;
        const gint64 to = end > start ? (end - start + dilation - 1) / dilation : 0;

        counts[at] = MAX(0, MIN(to, s->kernel[axis]) - from);
    }
    return counts;
}

static gboolean prepare(SthNode *node, GError **error)
{
    const gboolean count_pads = sth_node_int(node, "count_include_pad", 0) != 0, count_all = count_pads && node->opset >= 19;
    Pool *pool = g_new0(Pool, 1);
    const SthSliding *s = &pool->head.sliding;

    node->prepared = pool;
    if (!sth_pooling_init(&pool->head, node, sth_op_in(node, 0)->dtype == STH_DTYPE_FLOAT ? run_row_float : run_row_double, error))
        return FALSE;
    for (guint axis = 0; axis < STH_AXES; axis++)
        pool->counts[axis] =
            count_taps(s, axis, count_pads ? -s->pad[axis] : 0, count_all ? G_MAXINT64 / 2 : s->in[axis] + (count_pads ? s->pad_end[axis] : 0));
    return TRUE;
}

static void release(gpointer prepared)
{
    Pool *pool = prepared;

    for (guint axis = 0; axis < STH_AXES; axis++)
        g_free(pool->counts[axis]);
    g_free(pool);
}

const SthOp sth_op_average_pool = {
    .name = "AveragePool",
    .since = 1,
    .min_in = 1,
    .max_in = 1,
    .infer = infer,
    .prepare = prepare,
    .run = sth_pooling_run,
    .release = release,
};
