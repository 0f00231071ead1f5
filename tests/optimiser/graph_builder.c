/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph_builder.h"

#include <string.h>

#include "base/memory.h"
#include "ops/op.h"

static SthShape parse_shape(const char *text)
{
    SthShape shape = {0};
    g_auto(GStrv) parts = g_strsplit(text, "x", -1);

    for (; parts[shape.rank]; shape.rank++)
        shape.dims[shape.rank] = g_ascii_strtoll(parts[shape.rank], NULL, 10);
    return shape;
}

SthValue *build_input(SthGraph *graph, const char *name, const char *shape)
{
    SthValue *value = sth_graph_add_value(graph, name);

    value->tensor.dtype = STH_DTYPE_FLOAT;
    value->tensor.shape = parse_shape(shape);
    g_ptr_array_add(graph->inputs, value);
    return value;
}

SthValue *build_constant(SthGraph *graph, const char *name, const char *text, const float *elements)
{
    SthShape shape = parse_shape(text);
    gint64 n = sth_shape_elements(&shape);
    gpointer data;
    GBytes *bytes = sth_aligned_bytes((gsize)n * sizeof(float), &data);

    for (gint64 i = 0; i < n; i++)
        ((float *)data)[i] = elements ? elements[i] : 0.1f * (float)(i + 1);
    return sth_graph_add_constant(graph, name, STH_DTYPE_FLOAT, &shape, bytes);
}

SthValue *build_ints(SthGraph *graph, const char *name, const gint64 *elements, guint n)
{
    SthShape shape = {.rank = 1, .dims = {n}};
    gpointer data;
    GBytes *bytes = sth_aligned_bytes(n * sizeof(gint64), &data);

    memcpy(data, elements, n * sizeof(gint64));
    return sth_graph_add_constant(graph, name, STH_DTYPE_INT64, &shape, bytes);
}

SthNode *build_node(SthGraph *graph, const char *op, const char *output, SthValue *a, SthValue *b, SthValue *c, SthValue *d)
{
    SthNode *node = sth_graph_add_node(graph, output, op, 13);
    SthValue *inputs[] = {a, b, c, d};
    guint n = 4;

    node->op = sth_op_find(op);
    g_assert_nonnull(node->op);
    while (n > 0 && !inputs[n - 1])
        n--;
    for (guint i = 0; i < n; i++)
        sth_node_add_input(node, inputs[i]);
    sth_node_add_output(node, sth_graph_add_value(graph, output));
    return node;
}

SthValue *build_last(SthGraph *graph)
{
    return sth_node_output(g_ptr_array_index(graph->nodes, graph->nodes->len - 1), 0);
}

void build_output(SthGraph *graph, SthValue *value)
{
    g_ptr_array_add(graph->outputs, value);
}

char *build_order(SthGraph *graph)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < graph->nodes->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", ((SthNode *)g_ptr_array_index(graph->nodes, i))->name);
    return g_string_free(text, FALSE);
}

guint build_count(SthGraph *graph, const char *op)
{
    guint n = 0;

    for (guint i = 0; i < graph->nodes->len; i++)
        n += strcmp(((SthNode *)g_ptr_array_index(graph->nodes, i))->op_type, op) == 0;
    return n;
}

void build_fill(SthValue *value, const SthShape *shape, GRand *dice)
{
    value->tensor.dtype = STH_DTYPE_FLOAT;
    value->tensor.shape = *shape;
    value->inferred = TRUE;
    value->tensor.data = sth_aligned_alloc(sth_tensor_bytes(&value->tensor));
    for (gint64 i = 0; i < sth_shape_elements(shape); i++)
        ((float *)value->tensor.data)[i] = (float)g_rand_double_range(dice, -1, 1);
}

void build_free(SthValue *value)
{
    sth_aligned_free(value->tensor.data);
    value->tensor.data = NULL;
}

static void run_node(SthNode *node, SthPool *pool, guint threads)
{
    g_autofree SthTensor *in = g_new0(SthTensor, node->inputs->len), *out = g_new0(SthTensor, node->outputs->len);
    g_autoptr(GError) error = NULL;
    gsize stride;

    if (!node->prepared && node->op->prepare)
        node->op->prepare(node, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < node->inputs->len; i++) {
        if (sth_node_input(node, i))
            in[i] = sth_node_input(node, i)->tensor;
    }
    for (guint i = 0; i < node->outputs->len; i++) {
        SthTensor *tensor = &sth_node_output(node, i)->tensor;
        tensor->data = sth_aligned_alloc(sth_tensor_bytes(tensor));
        memset(tensor->data, 0xff, sth_tensor_bytes(tensor));
        out[i] = *tensor;
    }
    if (!node->op->run) {
        memcpy(out[0].data, in[0].data, sth_tensor_bytes(out));
        return;
    }
    stride = STH_ALIGN_UP(node->thread_scratch);
    SthOpRun run = {.in = in, .out = out, .n_in = node->inputs->len, .n_out = node->outputs->len, .prepared = node->prepared};
    run.pool = pool;
    run.threads = threads;
    run.thread_stride = stride;
    run.thread_scratch = sth_aligned_alloc(stride * threads);
    run.scratch = sth_aligned_alloc(node->scratch);
    memset(run.thread_scratch, 0xff, stride * threads);
    node->op->run(&run);
    sth_aligned_free(run.thread_scratch);
    sth_aligned_free(run.scratch);
}

void build_infer(SthGraph *graph)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        g_autoptr(GError) error = NULL;

        node->op->infer(node, &error);
        g_assert_no_error(error);
    }
}

float *build_run(SthGraph *graph, SthPool *pool, guint threads)
{
    SthValue *last;
    float *result;

    for (guint i = 0; i < graph->nodes->len; i++)
        run_node(g_ptr_array_index(graph->nodes, i), pool, threads);
    last = build_last(graph);
    result = last->tensor.data;
    last->tensor.data = NULL;
    return result;
}

void build_release(SthGraph *graph)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        sth_op_release(node);
        for (guint k = 0; k < node->outputs->len; k++) {
            SthValue *value = sth_node_output(node, k);
            if (value->tensor.data)
                build_free(value);
        }
    }
}
