/* sth.ConvMaxPool: conv_max_pool.h. Runs on strips (conv_strips.c). SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv_max_pool.h"

#define CONV "sth.conv"
#define POOL "sth.pool"

typedef struct {
    SthSliding pool;
    gpointer strips;
} Prepared;

/* No window of the pool lies in the padding alone. */
static gboolean has_windows(const SthSliding *pool, guint axis)
{
    const gint64 last = (pool->out[axis] - 1) * pool->stride[axis] - pool->pad[axis];

    return pool->pad[axis] >= 0 && pool->pad[axis] < pool->kernel[axis] && last < pool->in[axis] && pool->dilation[axis] == 1;
}

static gboolean can_pool(const SthConv *conv, const SthSliding *pool)
{
    const gboolean still = pool->kernel[STH_T] == 1 && pool->stride[STH_T] == 1 && pool->pad[STH_T] == 0 && pool->pad_end[STH_T] == 0;

    return still && has_windows(pool, STH_H) && has_windows(pool, STH_W) && sth_sliding_taps(pool) <= STH_CONV_POOL_TAPS &&
           sth_sliding_in(pool) == sth_sliding_out(&conv->sliding);
}

gboolean sth_conv_max_pool_fits(const SthNode *node, const SthNode *pool_node)
{
    const SthValue *weight = sth_node_input(node, 1), *bias = sth_node_input(node, 2);
    SthSliding pool;
    SthConv conv;

    return weight->constant && (!bias || bias->constant) && !sth_node_input(node, 3) && pool_node->outputs->len == 1 &&
           sth_conv_init(&conv, node, NULL) && sth_sliding_init(&pool, pool_node, NULL, NULL) && can_pool(&conv, &pool) &&
           sth_conv_method(&conv, weight->tensor.data) == &sth_conv_strips;
}

void sth_conv_max_pool_set(SthNode *node, const SthNode *conv_node, const SthNode *pool_node)
{
    SthSliding pool;
    SthConv conv;

    g_return_if_fail(sth_conv_init(&conv, conv_node, NULL) && sth_sliding_init(&pool, pool_node, NULL, NULL));
    sth_conv_set(node, CONV, &conv);
    sth_sliding_set(node, POOL, &pool);
    for (guint i = 0; i < 3; i++)
        sth_node_add_input(node, sth_node_input(conv_node, i));
}

gboolean sth_conv_max_pool_read(SthConv *conv, SthSliding *pool, const SthNode *node, GError **error)
{
    gint64 in[STH_AXES];

    if (!sth_sliding_size(&sth_node_input(node, 0)->tensor.shape, in) || !sth_conv_get(conv, node, CONV, sth_node_input(node, 1), 1, in) ||
        !sth_sliding_get(pool, node, POOL, conv->sliding.out))
        return sth_op_error(node, error, "it is no operator for files: sth makes it of a Conv and a MaxPool when it opens a model");
    conv->pool = pool;
    return TRUE;
}

static gboolean infer(SthNode *node, GError **error)
{
    SthSliding pool;
    SthConv conv;
    SthShape shape;

    if (!sth_conv_max_pool_read(&conv, &pool, node, error))
        return FALSE;
    sth_sliding_shape(&pool, node, (gint64)conv.out_channels, &shape);
    sth_op_set_output(node, 0, STH_DTYPE_FLOAT, &shape);
    return TRUE;
}

static gboolean prepare(SthNode *node, GError **error)
{
    const SthValue *weight = sth_node_input(node, 1), *bias = sth_node_input(node, 2);
    Prepared *prepared = g_new0(Prepared, 1);
    SthConv conv;

    if (!sth_conv_max_pool_read(&conv, &prepared->pool, node, error)) {
        g_free(prepared);
        return FALSE;
    }
    node->macs = sth_conv_macs(&conv, weight->tensor.data);
    node->method = sth_conv_strips.name;
    prepared->strips = sth_conv_strips.prepare(&conv, node, weight->tensor.data, bias ? bias->tensor.data : NULL);
    node->prepared = prepared;
    node->packed_inputs = 1u << 1 | 1u << 2;
    return TRUE;
}

static void run(const SthOpRun *op)
{
    const Prepared *prepared = op->prepared;

    sth_conv_strips.run(prepared->strips, op, op->in[0].data, NULL, op->out[0].data);
}

static void release(gpointer data)
{
    Prepared *prepared = data;

    sth_conv_strips.release(prepared->strips);
    g_free(prepared);
}

const SthOp sth_op_conv_max_pool = {
    .name = "sth.ConvMaxPool",
    .since = 1,
    .min_in = 2,
    .max_in = 3,
    .infer = infer,
    .prepare = prepare,
    .run = run,
    .release = release,
};
