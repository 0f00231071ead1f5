/* MaxPool, with the positions of the maxima (output 1) where they are wanted. What is no number wins. A window that lies in the padding alone
 * gives the least number of its type, and the position -1.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

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

#define DEFINE_TAP(type)                                                                                                                             \
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
    }                                                                                                                                                \
                                                                                                                                                     \
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

DEFINE_TAP(float)
DEFINE_TAP(double)
DEFINE_TAP(gint8)
DEFINE_TAP(guint8)

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
        start_float(row->out, -INFINITY, n);
        sth_sliding_row(s, row->t, row->h, positions ? max_positions_float : max_float, &maxima);
    }
    if (positions)
        finish_positions(&maxima, n);
}

static gboolean prepare(SthNode *node, GError **error)
{
    Pool *pool = g_new0(Pool, 1);

    pool->column_major = sth_node_int(node, "storage_order", 0) != 0;
    node->prepared = pool;
    return sth_pooling_init(&pool->head, node, run_row, error);
}

const SthOp sth_op_max_pool = {.name = "MaxPool", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = sth_pooling_run};
