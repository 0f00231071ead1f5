/* One node on its own: see op-harness.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "op-harness.h"

#include <string.h>

#include "base/memory.h"

void op_harness_init(OpHarness *harness, const char *op_type, gint opset)
{
    harness->graph = sth_graph_new("test");
    harness->graph->release = sth_op_release;
    harness->node = sth_graph_add_node(harness->graph, "node", op_type, opset);
    harness->node->op = sth_op_find(op_type);
    g_assert_nonnull(harness->node->op);
}

void op_harness_clear(OpHarness *harness)
{
    sth_graph_free(harness->graph);
}

SthValue *op_harness_random(OpHarness *harness, const SthShape *shape)
{
    gpointer data;
    gsize n = (gsize)sth_shape_elements(shape);
    GBytes *bytes = sth_aligned_bytes(n * sizeof(float), &data);
    for (gsize i = 0; i < n; i++)
        ((float *)data)[i] = (float)g_test_rand_int_range(-99, 100);
    SthValue *value = sth_graph_add_constant(harness->graph, "input", STH_DTYPE_FLOAT, shape, bytes);
    sth_node_add_input(harness->node, value);
    return value;
}

SthValue *op_harness_ints(OpHarness *harness, const gint64 *values, guint n)
{
    SthShape shape = {.rank = 1, .dims = {n}};
    SthValue *value = sth_graph_add_constant(harness->graph, "ints", STH_DTYPE_INT64, &shape, g_bytes_new(values, n * sizeof *values));
    sth_node_add_input(harness->node, value);
    return value;
}

static void bind(SthTensor *tensors, const GPtrArray *values)
{
    for (guint i = 0; i < values->len; i++)
        if (values->pdata[i] != NULL)
            tensors[i] = ((const SthValue *)values->pdata[i])->tensor;
}

void op_harness_run(OpHarness *harness, guint threads, guint n_out, SthTensor *out)
{
    GError *error = NULL;
    SthNode *node = harness->node;
    SthTensor in[8] = {0};
    g_assert_cmpuint(node->inputs->len, <=, G_N_ELEMENTS(in));
    while (node->outputs->len < n_out)
        sth_node_add_output(node, sth_graph_add_value(harness->graph, "output"));
    if (node->prepared == NULL) {
        node->op->infer(node, &error);
        g_assert_no_error(error);
        if (node->op->prepare != NULL)
            node->op->prepare(node, &error);
        g_assert_no_error(error);
    }
    SthPool *pool = sth_pool_get();
    threads = MIN(threads, sth_pool_threads(pool));
    bind(in, node->inputs);
    bind(out, node->outputs);
    for (guint i = 0; i < n_out; i++)
        out[i].data = sth_aligned_alloc(sth_tensor_bytes(&out[i]));
    SthOpRun run = {.in = in, .out = out, .n_in = node->inputs->len, .n_out = n_out, .prepared = node->prepared, .pool = pool, .threads = threads};
    run.scratch = sth_aligned_alloc(node->scratch);
    run.thread_scratch = sth_aligned_alloc(node->thread_scratch * threads);
    run.thread_stride = node->thread_scratch;
    node->op->run(&run);
    sth_aligned_free(run.scratch);
    sth_aligned_free(run.thread_scratch);
    sth_pool_unref(pool);
}

SthShape op_harness_shape(guint rank, gint most)
{
    SthShape shape = {.rank = rank};
    for (guint i = 0; i < rank; i++)
        shape.dims[i] = g_test_rand_int_range(1, most + 1);
    return shape;
}
