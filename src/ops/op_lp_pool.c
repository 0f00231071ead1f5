/* LpPool: (sum of |x|^p)^(1/p). SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops/pooling.h"

typedef struct {
    SthPooling head;
    double p;
} Pool;

static gboolean infer(SthNode *node, GError **error)
{
    return sth_pooling_order(node, error) > 0 && sth_pooling_infer(node, STH_TYPES_REAL, error);
}

#define DEFINE_ROW(type, ABS, POW)                                                                                                                   \
    static void add_##type(gpointer data, const SthSlidingTap *tap)                                                                                  \
    {                                                                                                                                                \
        const SthPoolingRow *row = data;                                                                                                             \
        const type *in = (const type *)row->in + tap->from, p = (type)((const Pool *)row->pooling)->p;                                               \
        type *out = (type *)row->out + tap->first;                                                                                                   \
        const gsize stride = (gsize)row->pooling->sliding.stride[STH_W];                                                                             \
        for (gsize x = 0; x < tap->n; x++) {                                                                                                         \
            const type value = ABS(in[x * stride]);                                                                                                  \
            out[x] += p == 1 ? value : p == 2 ? value * value : POW(value, p);                                                                       \
        }                                                                                                                                            \
    }                                                                                                                                                \
                                                                                                                                                     \
    static void run_row_##type(const SthPoolingRow *row)                                                                                             \
    {                                                                                                                                                \
        const SthSliding *s = &row->pooling->sliding;                                                                                                \
        const type root = (type)(1 / ((const Pool *)row->pooling)->p);                                                                               \
        type *out = row->out;                                                                                                                        \
        for (gint64 x = 0; x < s->out[STH_W]; x++)                                                                                                   \
            out[x] = 0;                                                                                                                              \
        sth_sliding_row(s, row->t, row->h, add_##type, (gpointer)row);                                                                               \
        for (gint64 x = 0; x < s->out[STH_W]; x++)                                                                                                   \
            out[x] = POW(out[x], root);                                                                                                              \
    }

DEFINE_ROW(float, fabsf, powf)
DEFINE_ROW(double, fabs, pow)

static gboolean prepare(SthNode *node, GError **error)
{
    Pool *pool = g_new0(Pool, 1);

    pool->p = sth_pooling_order(node, error);
    node->prepared = pool;
    return sth_pooling_init(&pool->head, node, sth_op_in(node, 0)->dtype == STH_DTYPE_FLOAT ? run_row_float : run_row_double, error);
}

const SthOp sth_op_lp_pool = {.name = "LpPool", .since = 1, .min_in = 1, .max_in = 1, .infer = infer, .prepare = prepare, .run = sth_pooling_run};
