/* What pools share. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/pooling.h"

gboolean sth_pooling_infer(SthNode *node, guint types, GError **error)
{
    const SthTensor *in = sth_op_in(node, 0);
    SthSliding sliding;
    SthShape shape;

    if (!sth_op_require_types(node, 0, types, error) || !sth_sliding_init(&sliding, node, NULL, error))
        return FALSE;
    sth_sliding_shape(&sliding, node, in->shape.dims[1], &shape);
    sth_op_set_output(node, 0, in->dtype, &shape);
    sth_op_set_output(node, 1, STH_DTYPE_INT64, &shape);
    return TRUE;
}

gboolean sth_pooling_init(SthPooling *pooling, const SthNode *node, void (*row)(const SthPoolingRow *row), GError **error)
{
    const SthTensor *in = sth_op_in(node, 0);

    pooling->dtype = in->dtype;
    pooling->planes = sth_op_product(&in->shape, 0, 2);
    pooling->row = row;
    return sth_sliding_init(&pooling->sliding, node, NULL, error);
}

double sth_pooling_order(const SthNode *node, GError **error)
{
    /* A float in opset 1, an integer since. */
    const double p = (double)sth_node_float(node, "p", (float)sth_node_int(node, "p", 2));

    if (p > 0 && p <= 1024)
        return p;
    sth_op_error(node, error, "p is %g: it must be greater than 0, and 1024 at most", p);
    return 0;
}

/* @item: a frame of a plane. */
static void run_frame(gpointer data, guint item, guint thread)
{
    const SthOpRun *run = data;
    const SthPooling *pooling = run->prepared;
    const SthSliding *s = &pooling->sliding;
    const gsize size = sth_dtype_size(pooling->dtype), plane = item / (gsize)s->out[STH_T];
    SthPoolingRow row = {
        .run = run,
        .pooling = pooling,
        .plane = plane,
        .t = item % s->out[STH_T],
        .in = (const guint8 *)run->in[0].data + plane * sth_sliding_in(s) * size,
        .scratch = run->thread_scratch + thread * run->thread_stride,
        .at = item * (gsize)(s->out[STH_H] * s->out[STH_W]),
    };

    for (; row.h < s->out[STH_H]; row.h++, row.at += (gsize)s->out[STH_W]) {
        row.out = (guint8 *)run->out[0].data + row.at * size;
        pooling->row(&row);
    }
}

void sth_pooling_run(const SthOpRun *run)
{
    const SthPooling *pooling = run->prepared;

    sth_op_parallel(run, run_frame, (gpointer)run, (guint)(pooling->planes * (gsize)pooling->sliding.out[STH_T]));
}
