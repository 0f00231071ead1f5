/* A Conv and the MaxPool behind it, of random shapes, as one operator and as two: the same bits, with any number of threads. And what is left as it is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fused_check.h"
#include "graph_builder.h"
#include "kernels/blas.h"
#include "ops/op.h"

static GRand *dice;

static gint pick(gint low, gint high)
{
    return g_rand_int_range(dice, low, high + 1);
}

typedef struct {
    gint batch, channels, frames, height, width, out;
    gint taps, kernel, stride; /* of the convolution: frames, space; padded to keep the size */
    gint window, step, pad, pad_end;
    gboolean ceil_mode, relu;
} Case;

static SthGraph *make_graph(const Case *c)
{
    SthGraph *graph = sth_graph_new("test");
    g_autofree char *in = g_strdup_printf("%dx%dx%dx%dx%d", c->batch, c->channels, c->frames, c->height, c->width);
    g_autofree char *kernel = g_strdup_printf("%dx%dx%dx%dx%d", c->out, c->channels, c->taps, c->kernel, c->kernel);
    g_autofree char *channels = g_strdup_printf("%d", c->out);
    const gint64 half = c->kernel / 2, t = c->taps / 2;
    SthValue *x = build_input(graph, "x", in), *weight = build_constant(graph, "w", kernel, NULL), *bias = build_constant(graph, "b", channels, NULL);
    const SthShape weights = weight->tensor.shape, biases = bias->tensor.shape, shape = x->tensor.shape;
    SthNode *node;

    for (gint64 i = 0; i < sth_shape_elements(&weights); i++)
        ((float *)weight->tensor.data)[i] = (float)g_rand_double_range(dice, -1, 1);
    for (gint64 i = 0; i < sth_shape_elements(&biases); i++)
        ((float *)bias->tensor.data)[i] = (float)g_rand_double_range(dice, -1, 1);
    node = build_node(graph, "Conv", "conv", x, weight, bias, NULL);
    sth_node_set_ints(node, "strides", (gint64[]){1, c->stride, c->stride}, 3);
    sth_node_set_ints(node, "pads", (gint64[]){t, half, half, c->taps - 1 - t, c->kernel - 1 - half, c->kernel - 1 - half}, 6);
    if (c->relu)
        sth_node_set_float(node, "sth.min", 0);
    node = build_node(graph, "MaxPool", "pool", build_last(graph), NULL, NULL, NULL);
    sth_node_set_ints(node, "kernel_shape", (gint64[]){1, c->window, c->window}, 3);
    sth_node_set_ints(node, "strides", (gint64[]){1, c->step, c->step}, 3);
    sth_node_set_ints(node, "pads", (gint64[]){0, c->pad, c->pad, 0, c->pad_end, c->pad_end}, 6);
    sth_node_set_int(node, "ceil_mode", c->ceil_mode);
    build_output(graph, build_last(graph));
    graph->release = sth_op_release;
    build_fill(x, &shape, dice);
    build_infer(graph);
    return graph;
}

static void check_case(const Case *c)
{
    SthGraph *graph = make_graph(c);

    g_test_message("%dx%dx%dx%dx%d to %d: kernel %dx%d/%d; window %d/%d, pads %d %d", c->batch, c->channels, c->frames, c->height, c->width, c->out,
                   c->taps, c->kernel, c->stride, c->window, c->step, c->pad, c->pad_end);
    fused_check(graph, "fuse_max_pool", 0);
    build_free(g_ptr_array_index(graph->inputs, 0));
    sth_graph_free(graph);
}

static void test_random(void)
{
    for (guint i = 0; i < 150; i++) {
        Case c = {.batch = pick(1, 2), .channels = pick(1, 9), .frames = pick(1, 5), .height = pick(6, 40), .width = pick(6, 40)};

        c.out = pick(1, 40);
        c.taps = pick(0, 2) ? 1 : 3;
        c.kernel = pick(0, 1) ? 7 : pick(2, 5);
        c.stride = c.kernel == 3 ? 2 : pick(1, 2); /* 3x3 with stride 1 is run by another method */
        c.window = pick(2, 4);
        c.step = pick(1, 3);
        c.pad = pick(0, c.window - 1);
        c.pad_end = pick(0, c.window - 1);
        c.ceil_mode = pick(0, 1);
        c.relu = pick(0, 1);
        if ((c.height - 1) / c.stride + 1 >= c.window && (c.width - 1) / c.stride + 1 >= c.window &&
            c.pad_end + (c.ceil_mode ? c.step - 1 : 0) < c.window) /* no window in the padding alone */
            check_case(&c);
    }
}

/* A ResNet's stem: so large that it is cut into bands. */
static void test_stem(void)
{
    check_case(&(Case){1, 3, 2, 224, 224, 64, 1, 7, 2, 3, 2, 1, 1, FALSE, TRUE});
    check_case(&(Case){1, 3, 8, 112, 112, 24, 3, 7, 2, 3, 2, 1, 1, FALSE, TRUE});
}

/* The pass leaves alone what would have no result, or is run otherwise. */
static void test_left(void)
{
    const Case plain = {1, 3, 2, 20, 20, 8, 1, 3, 2, 3, 2, 1, 1, FALSE, FALSE};
    Case wide = plain;
    SthGraph *graph;
    SthNode *conv;

    wide.channels = 64; /* another method */
    wide.stride = 1;
    graph = make_graph(&wide);
    g_assert_false(fused_runs(graph, "fuse_max_pool"));
    build_free(g_ptr_array_index(graph->inputs, 0));
    sth_graph_free(graph);
    graph = make_graph(&plain); /* the convolution's result is wanted too */
    conv = g_ptr_array_index(graph->nodes, 0);
    build_output(graph, sth_node_output(conv, 0));
    g_assert_false(fused_runs(graph, "fuse_max_pool"));
    build_free(g_ptr_array_index(graph->inputs, 0));
    sth_graph_free(graph);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    if (sth_blas_runs_convolutions()) {
        g_print("1..0 # SKIP OpenBLAS runs all convolutions here\n");
        return 0;
    }
    dice = g_rand_new_with_seed(5);
    g_test_add_func("/conv_max_pool/random", test_random);
    g_test_add_func("/conv_max_pool/stem", test_stem);
    g_test_add_func("/conv_max_pool/left", test_left);
    result = g_test_run();
    g_rand_free(dice);
    return result;
}
