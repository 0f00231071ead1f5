/* Where a network is cut: what works on single frames, and whether it pays to keep it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph_builder.h"
#include "ops/op.h"
#include "optimiser/optimiser.h"
#include "optimiser/split_frames.h"

/* Two convolutions over 8 frames of 32 x 32; the first has an input of @shape and weights of @kernel. */
static SthGraph *two_convolutions(const char *shape, const char *kernel, gint64 pad)
{
    const gint64 pads[] = {pad, 1, 1, pad, 1, 1}, later[] = {1, 0, 0, 1, 0, 0};
    SthGraph *graph = sth_graph_new("test");
    SthValue *in = build_input(graph, "in", shape), *weight = build_constant(graph, "w", kernel, NULL);
    GError *error = NULL;

    graph->release = sth_op_release;
    sth_node_set_ints(build_node(graph, "Conv", "first", in, weight, NULL, NULL), "pads", pads, 6);
    SthNode *relu = build_node(graph, "Relu", "relu", build_last(graph), NULL, NULL, NULL);
    weight = build_constant(graph, "v", "4x64x3x1x1", NULL);
    sth_node_set_ints(build_node(graph, "Conv", "second", sth_node_output(relu, 0), weight, NULL, NULL), "pads", later, 6);
    build_output(graph, build_last(graph));
    g_assert_true(sth_graph_infer(graph, &error));
    g_assert_no_error(error);
    return graph;
}

static void test_kept(void)
{
    SthGraph *graph = two_convolutions("1x16x8x32x32", "64x16x1x3x3", 0);
    SthFrameSplit *split = sth_graph_split_frames(graph, 2);

    g_assert_nonnull(split);
    g_autofree char *before = build_order(split->graph), *rest = build_order(graph);
    g_assert_cmpstr(before, ==, "first relu");
    g_assert_cmpstr(rest, ==, "second");
    g_assert_cmpuint(split->frames, ==, 8);
    g_assert_cmpuint(split->n_cuts, ==, 1);
    g_assert_cmpuint(split->cut[0].outer, ==, 64);
    g_assert_cmpuint(split->cut[0].inner, ==, 32 * 32);
    g_assert_cmpint(split->cut[0].frame->tensor.shape.dims[2], ==, 1);
    g_assert_cmpint(split->cut[0].window->tensor.shape.dims[2], ==, 8);
    g_assert_cmpfloat(split->share, >, 0);
    g_assert_cmpfloat(split->share, <, 1);
    sth_frame_split_free(split);
    sth_graph_free(graph);
}

static void test_nothing(void)
{
    static const struct {
        const char *shape, *kernel;
        gint64 pad;
    } cases[] = {
        {"1x16x8x32x32", "64x16x3x3x3", 1}, /* mixes frames */
        {"1x16x8x32x32", "64x16x1x3x3", 1}, /* pads them with more */
        {"1x3x8x32x32", "64x3x1x3x3", 0},   /* costs less than what it would leave to carry */
        {"1x16x1x32x32", "64x16x1x3x3", 0}, /* one frame: the next window has none of it */
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        SthGraph *graph = two_convolutions(cases[i].shape, cases[i].kernel, cases[i].pad);
        g_assert_null(sth_graph_split_frames(graph, 2));
        sth_graph_free(graph);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/split-frames/kept", test_kept);
    g_test_add_func("/split-frames/nothing", test_nothing);
    return g_test_run();
}
