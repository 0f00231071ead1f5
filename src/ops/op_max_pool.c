/* MaxPool, with the positions of the maxima (output 1) where they are wanted. What is no number wins. A window that lies in the padding alone
 * gives the least number of its type, and the position -1.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include <string.h>

#include "base/memory.h"
#include "kernels/kernels.h"
#include "ops/pooling.h"

#define TYPES (STH_TYPES_REAL | STH_TYPE(INT8) | STH_TYPE(UINT8))

typedef struct {
    SthPooling head;
    gboolean column_major; /* positions count columns first (storage_order) */
} Pool;

/* A row being made. */
typedef struct {
    const SthPoolingRow *row;
    gint64 *positions; /* of it */
} Maxima;

static gboolean infer(SthNode *node, GError **error)
{
    return sth_pooling_infer(node, TYPES, error);
}

/* out[x] = max(out[x], in[x * stride]). The two most usual strides are written out, for the compiler to vectorise. */
#define MAXIMUM(type, step)                                                                                                                          \
    for (gsize x = 0; x < n; x++)                                                                                                                    \
        out[x] = in[x * (step)] > out[x] || in[x * (step)] != in[x * (step)] ? in[x * (step)] : out[x];

#define DEFINE_MAX(type)                                                                                                                             \
    static void max_##type(gpointer data, const SthSlidingTap *tap)                                                                                  \
    {                                                                                                                                                \
        const SthPoolingRow *row = ((const Maxima *)data)->row;                                                                                      \
        const type *in = (const type *)row->in + tap->from;                                                                                          \
        type *out = (type *)row->out + tap->first;                                                                                                   \
        const gsize n = tap->n, stride = (gsize)row->pooling->sliding.stride[STH_W];                                                                 \
        if (stride == 1)                                                                                                                             \
            MAXIMUM(type, 1)                                                                                                                         \
        else if (stride == 2)                                                                                                                        \
            MAXIMUM(type, 2)                                                                                                                         \
        else                                                                                                                                         \
            MAXIMUM(type, stride)                                                                                                                    \
    }

#define DEFINE_POSITIONS(type)                                                                                                                       \
    /* The same, noting positions: elements of the channel until the row is finished. */                                                             \
    static void max_positions_##type(gpointer data, const SthSlidingTap *tap)                                                                        \
    {                                                                                                                                                \
        const Maxima *maxima = data;                                                                                                                 \
        const type *in = (const type *)maxima->row->in + tap->from;                                                                                  \
        type *out = (type *)maxima->row->out + tap->first;                                                                                           \
        gint64 *positions = maxima->positions + tap->first;                                                                                          \
        const gsize stride = (gsize)maxima->row->pooling->sliding.stride[STH_W];                                                                     \
        for (gsize x = 0; x < tap->n; x++)                                                                                                           \
            if (positions[x] < 0 || in[x * stride] > out[x] || (in[x * stride] != in[x * stride] && out[x] == out[x])) {                             \
                out[x] = in[x * stride];                                                                                                             \
                positions[x] = (gint64)(tap->from + x * stride);                                                                                     \
            }                                                                                                                                        \
    }                                                                                                                                                \
                                                                                                                                                     \
    static void start_##type(gpointer data, type least, gsize n)                                                                                     \
    {                                                                                                                                                \
        for (gsize x = 0; x < n; x++)                                                                                                                \
            ((type *)data)[x] = least;                                                                                                               \
    }

DEFINE_MAX(double)
DEFINE_MAX(gint8)
DEFINE_MAX(guint8)
DEFINE_POSITIONS(float)
DEFINE_POSITIONS(double)
DEFINE_POSITIONS(gint8)
DEFINE_POSITIONS(guint8)

/* Floats without positions: maxima of columns first, then along the row, where phase p of a row for a stride of s has its columns p, p + s, …: each
 * tap then reads neighbours. */

/* Maxima of the columns of a row's windows; NULL: the windows lie in the padding. @to has room for a row of the input, and may be used or not. */
static const float *column_maxima(const SthPoolingRow *row, float *to)
{
    const SthSliding *s = &row->pooling->sliding;
    const gsize width = (gsize)s->in[STH_W];
    const float *maxima = NULL;

    for (gint64 kt = 0; kt < s->kernel[STH_T]; kt++) {
        const gint64 t = row->t * s->stride[STH_T] + kt * s->dilation[STH_T] - s->pad[STH_T];

        for (gint64 kh = 0; kh < s->kernel[STH_H] && t >= 0 && t < s->in[STH_T]; kh++) {
            const gint64 h = row->h * s->stride[STH_H] + kh * s->dilation[STH_H] - s->pad[STH_H];
            const float *in = (const float *)row->in + (gsize)(t * s->in[STH_H] + h) * width;

            if (h < 0 || h >= s->in[STH_H])
                continue;
            if (maxima)
                sth_kernels()->maximum(to, maxima, in, width);
            maxima = maxima ? to : in;
        }
    }
    return maxima;
}

/* Columns a phase has room for. */
static gsize phase_length(const SthSliding *s)
{
    return (gsize)((s->in[STH_W] + s->stride[STH_W] - 1) / s->stride[STH_W]);
}

static void split_phases(const SthSliding *s, const float *in, float *out)
{
    const gsize stride = (gsize)s->stride[STH_W], width = (gsize)s->in[STH_W], length = phase_length(s);

    for (gsize phase = 0; phase < MIN(stride, width); phase++, out += length)
        if (stride == 2)
            sth_kernels()->every_second(out, in + phase, (width - phase + 1) / 2);
        else
            for (gsize i = phase; i < width; i += stride)
                out[i / stride] = in[i];
}

static void run_float_row(const SthPoolingRow *row)
{
    const SthSliding *s = &row->pooling->sliding;
    const gint64 stride = s->stride[STH_W];
    const float *maxima = column_maxima(row, row->scratch);
    float *out = row->out, *phases = (float *)row->scratch + s->in[STH_W];

    start_float(out, -INFINITY, (gsize)s->out[STH_W]);
    if (!maxima)
        return;
    if (stride > 1)
        split_phases(s, maxima, phases);
    for (gint64 kw = 0; kw < s->kernel[STH_W]; kw++) {
        gint64 first, end, from;

        sth_sliding_range(s, STH_W, kw, &first, &end);
        from = first * stride + kw * s->dilation[STH_W] - s->pad[STH_W];
        if (first < end)
            sth_kernels()->maximum(out + first, out + first,
                                   stride > 1 ? phases + (gsize)(from % stride) * phase_length(s) + from / stride : maxima + from,
                                   (gsize)(end - first));
    }
}

/* From elements of the channel to elements of the whole input. */
static void finish_positions(const Maxima *maxima, gsize n)
{
    const Pool *pool = (const Pool *)maxima->row->pooling;
    const gint64 *in = pool->head.sliding.in, plane = (gint64)(maxima->row->plane * sth_sliding_in(&pool->head.sliding));

    for (gsize x = 0; x < n; x++) {
        gint64 at = maxima->positions[x], w = at % in[STH_W], h = at / in[STH_W] % in[STH_H], t = at / in[STH_W] / in[STH_H];

        if (at >= 0)
            maxima->positions[x] = plane + (pool->column_major ? (w * in[STH_H] + h) * in[STH_T] + t : at);
    }
}

static void run_row(const SthPoolingRow *row)
{
    const SthSliding *s = &row->pooling->sliding;
    const SthTensor *positions = row->run->n_out > 1 && row->run->out[1].dtype != STH_DTYPE_INVALID ? &row->run->out[1] : NULL;
    const gsize n = (gsize)s->out[STH_W];
    Maxima maxima = {row, positions ? (gint64 *)positions->data + row->at : NULL};

    for (gsize x = 0; positions && x < n; x++)
        maxima.positions[x] = -1;
    switch (row->pooling->dtype) {
    case STH_DTYPE_DOUBLE:
        start_double(row->out, -(double)INFINITY, n);
        sth_sliding_row(s, row->t, row->h, positions ? max_positions_double : max_double, &maxima);
        break;
    case STH_DTYPE_INT8:
        start_gint8(row->out, G_MININT8, n);
        sth_sliding_row(s, row->t, row->h, positions ? max_positions_gint8 : max_gint8, &maxima);
        break;
    case STH_DTYPE_UINT8:
        start_guint8(row->out, 0, n);
        sth_sliding_row(s, row->t, row->h, positions ? max_positions_guint8 : max_guint8, &maxima);
        break;
    default:
        if (!positions) {
            run_float_row(row);
            return;
        }
        start_float(row->out, -INFINITY, n);
        sth_sliding_row(s, row->t, row->h, max_positions_float, &maxima);
    }
    if (positions)
        finish_positions(&maxima, n);
}

static gboolean prepare(SthNode *node, GError **error)
{
    Pool *pool = g_new0(Pool, 1);

    pool->column_major = sth_node_int(node, "storage_order", 0) != 0;
    node->prepared = pool;
    if (!sth_pooling_init(&pool->head, node, run_row, error))
        return FALSE;
    node->thread_scratch =
        (gsize)(pool->head.sliding.in[STH_W] + pool->head.sliding.stride[STH_W] * (gint64)phase_length(&pool->head.sliding)) * sizeof(float);
    return TRUE;
}

const SthOp sth_op_max_pool = {.name = "MaxPool", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = sth_pooling_run};
