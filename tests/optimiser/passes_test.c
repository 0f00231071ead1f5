/* Each pass on a graph before and after, and the folding of an exporter's shape chain.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include <sth/sth-error.h>

#include "graph_builder.h"
#include "optimiser/optimiser.h"

static void optimise(SthGraph *graph, const char *expected_order, const char *expected_log)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *order = NULL;
    GString *log = g_string_new(NULL);

    g_assert_true(sth_graph_optimise(graph, log, &error));
    g_assert_no_error(error);
    order = build_order(graph);
    g_assert_cmpstr(order, ==, expected_order);
    g_assert_nonnull(strstr(log->str, expected_log));
    g_string_free(log, TRUE);
}

/* One Conv of two 1x1 filters over one channel. */
static SthNode *conv_node(SthGraph *graph, const char *name, SthValue *x)
{
    return build_node(graph, "Conv", name, x, build_constant(graph, "w", "2x2x1x1", (float[]){1, 2, 3, 4}),
                      build_constant(graph, "b", "2", (float[]){10, 20}), NULL);
}

static void test_batch_norm(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthNode *conv = conv_node(graph, "conv", build_input(graph, "x", "1x2x3x3")), *norm;
    const float *w, *b;

    norm = build_node(graph, "BatchNormalization", "norm", build_last(graph), build_constant(graph, "scale", "2", (float[]){2, 3}),
                      build_constant(graph, "shift", "2", (float[]){0.5, -0.5}), build_constant(graph, "mean", "2", (float[]){1, 2}));
    sth_node_add_input(norm, build_constant(graph, "var", "2", (float[]){4, 9}));
    sth_node_set_float(norm, "epsilon", 0);
    build_output(graph, build_last(graph));
    optimise(graph, "conv", "fuse_batch_norm: 1");
    w = sth_node_input(conv, 1)->tensor.data;
    b = sth_node_input(conv, 2)->tensor.data;
    /* g = 2/2 and 3/3: the weights stay; b = (10 - 1) + 0.5 and (20 - 2) - 0.5. */
    g_assert_cmpfloat(w[0], ==, 1);
    g_assert_cmpfloat(w[3], ==, 4);
    g_assert_cmpfloat(b[0], ==, 9.5);
    g_assert_cmpfloat(b[1], ==, 17.5);
    g_assert_cmpstr(conv->fused->str, ==, "BatchNormalization 'norm'");
    g_assert_cmpstr(sth_node_output(conv, 0)->name, ==, "norm");
    sth_graph_free(graph);
}

/* conv2 + x, then Relu6: all inside conv2; the Conv moves behind the node that makes the residual. */
static void test_residual_and_clip(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "1x2x3x3"), *a, *b;
    SthNode *conv = conv_node(graph, "conv", x), *clip;

    a = build_last(graph);
    build_node(graph, "Sigmoid", "other", x, NULL, NULL, NULL);
    b = build_last(graph);
    build_node(graph, "Add", "add", b, a, NULL, NULL);
    clip = build_node(graph, "Clip", "clip", build_last(graph), build_constant(graph, "zero", "1", (float[]){0}),
                      build_constant(graph, "six", "1", (float[]){6}), NULL);
    build_output(graph, sth_node_output(clip, 0));
    optimise(graph, "other conv", "fuse_residual: 1");
    g_assert_true(sth_node_input(conv, 3) == b);
    g_assert_cmpfloat(sth_node_float(conv, "sth.min", -1), ==, 0);
    g_assert_cmpfloat(sth_node_float(conv, "sth.max", -1), ==, 6);
    g_assert_cmpstr(sth_node_output(conv, 0)->name, ==, "clip");
    sth_graph_free(graph);
}

/* A Conv whose result is read twice, or is an output, keeps it. */
static void test_shared_result_is_not_fused(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthNode *conv = conv_node(graph, "conv", build_input(graph, "x", "1x2x3x3"));
    SthValue *y = build_last(graph);
    g_autoptr(GError) error = NULL;
    g_autofree char *order = NULL;

    build_node(graph, "Relu", "relu", y, NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    build_output(graph, y);
    g_assert_true(sth_graph_optimise(graph, NULL, &error));
    order = build_order(graph);
    g_assert_cmpstr(order, ==, "conv relu");
    g_assert_null(conv->fused);
    sth_graph_free(graph);
}

/* clamp(clamp(x, 0, inf), -3, 6) is clamp(x, 0, 6). */
static void test_two_clamps(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthNode *conv = conv_node(graph, "conv", build_input(graph, "x", "1x2x3x3"));

    build_node(graph, "Relu", "relu", build_last(graph), NULL, NULL, NULL);
    build_node(graph, "Clip", "clip", build_last(graph), build_constant(graph, "low", "1", (float[]){-3}),
               build_constant(graph, "high", "1", (float[]){6}), NULL);
    build_output(graph, build_last(graph));
    optimise(graph, "conv", "fuse_activation: 2");
    g_assert_cmpfloat(sth_node_float(conv, "sth.min", -1), ==, 0);
    g_assert_cmpfloat(sth_node_float(conv, "sth.max", -1), ==, 6);
    sth_graph_free(graph);
}

/* Reshape(x, Concat(Gather(Shape(x), 0), -1)): what PyTorch writes for x.view(x.size(0), -1). */
static void test_shape_chain_folds(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "2x3x4"), *size;
    SthNode *concat, *unsqueeze;

    build_node(graph, "Shape", "shape", x, NULL, NULL, NULL);
    build_node(graph, "Gather", "gather", build_last(graph), build_ints(graph, "index", (gint64[]){0}, 1), NULL, NULL);
    unsqueeze = g_ptr_array_index(graph->nodes, graph->nodes->len - 1);
    size = sth_node_output(unsqueeze, 0);
    concat = build_node(graph, "Concat", "concat", size, build_ints(graph, "rest", (gint64[]){-1}, 1), NULL, NULL);
    sth_node_set_int(concat, "axis", 0);
    build_node(graph, "Reshape", "reshape", x, build_last(graph), NULL, NULL);
    build_node(graph, "Relu", "relu", build_last(graph), NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    optimise(graph, "reshape relu", "infer: 3 nodes folded");
    {
        g_autofree char *shape = sth_shape_to_string(&((SthValue *)g_ptr_array_index(graph->outputs, 0))->tensor.shape);
        g_assert_cmpstr(shape, ==, "2x12");
    }
    sth_graph_free(graph);
}

static void test_identities_and_dead_code(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "1x2x1x3");
    SthNode *transpose;

    build_node(graph, "Sigmoid", "dead", x, NULL, NULL, NULL);
    build_node(graph, "Identity", "identity", x, NULL, NULL, NULL);
    /* Moves axes of length 1 only; the shape stays. */
    transpose = build_node(graph, "Transpose", "transpose", build_last(graph), NULL, NULL, NULL);
    sth_node_set_ints(transpose, "perm", (gint64[]){2, 1, 0, 3}, 4);
    build_node(graph, "Tanh", "tanh", build_last(graph), NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    optimise(graph, "tanh", "drop_identity: 2");
    g_assert_true(sth_node_input(g_ptr_array_index(graph->nodes, 0), 0) == x);
    sth_graph_free(graph);
}

/* A Transpose of a square that swaps its axes has the same shape, but is none of that kind. */
static void test_square_transpose_stays(void)
{
    SthGraph *graph = sth_graph_new("test");
    g_autoptr(GError) error = NULL;
    g_autofree char *order = NULL;

    build_node(graph, "Transpose", "transpose", build_input(graph, "x", "3x3"), NULL, NULL, NULL);
    build_node(graph, "Tanh", "tanh", build_last(graph), NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    g_assert_true(sth_graph_optimise(graph, NULL, &error));
    order = build_order(graph);
    g_assert_cmpstr(order, ==, "transpose tanh");
    sth_graph_free(graph);
}

static void test_open_input_is_refused(void)
{
    SthGraph *graph = sth_graph_new("model.onnx");
    SthValue *x = build_input(graph, "x", "2x3");
    g_autoptr(GError) error = NULL;

    x->tensor.shape.dims[0] = -1;
    build_node(graph, "Tanh", "tanh", x, NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    g_assert_false(sth_graph_infer(graph, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_SHAPE);
    g_assert_nonnull(strstr(error->message, "model.onnx: input 'x' has the open shape ?x3"));
    sth_graph_free(graph);
}

/* A few bytes of file must not make gigabytes of constants. */
static void test_huge_constant_is_refused(void)
{
    SthGraph *graph = sth_graph_new("test");
    g_autoptr(GError) error = NULL;

    build_node(graph, "ConstantOfShape", "huge", build_ints(graph, "shape", (gint64[]){1 << 15, 1 << 15}, 2), NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    g_assert_false(sth_graph_infer(graph, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED);
    g_assert_nonnull(
        strstr(error->message, "cannot run 'huge' (ConstantOfShape): its constant output 'huge' of shape 32768x32768 would take 4295.0 MB"));
    sth_graph_free(graph);
}

static void test_wrong_arity_names_the_node(void)
{
    SthGraph *graph = sth_graph_new("test");
    g_autoptr(GError) error = NULL;

    build_node(graph, "Add", "lonely", build_input(graph, "x", "2x3"), NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    g_assert_false(sth_graph_infer(graph, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, "cannot run 'lonely' (Add)"));
    sth_graph_free(graph);
}

/* Text of the graph before and after the standard passes. */
static void expect_texts(SthGraph *graph, const char *before, const char *after)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *first = NULL, *last = NULL;

    g_assert_true(sth_graph_infer(graph, &error));
    first = sth_graph_to_text(graph);
    g_assert_cmpstr(first, ==, before);
    g_assert_true(sth_graph_simplify(graph, NULL, &error));
    last = sth_graph_to_text(graph);
    g_assert_cmpstr(last, ==, after);
    g_assert_true(sth_graph_check(graph));
    sth_graph_free(graph);
}

static SthNode *transpose_node(SthGraph *graph, const char *name, SthValue *x, const gint64 *perm)
{
    SthNode *node = build_node(graph, "Transpose", name, x, NULL, NULL, NULL);

    sth_node_set_ints(node, "perm", perm, 3);
    return node;
}

static void test_transposes_merge(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "2x3x4");

    transpose_node(graph, "a", x, (gint64[]){1, 2, 0});
    transpose_node(graph, "b", build_last(graph), (gint64[]){1, 0, 2});
    build_output(graph, build_last(graph));
    expect_texts(graph,
                 "%a = Transpose(%x 2x3x4) {perm=[1,2,0]} -> 3x4x2\n"
                 "%b = Transpose(%a 3x4x2) {perm=[1,0,2]} -> 4x3x2\n",
                 "%b = Transpose(%x 2x3x4) {perm=[2,1,0]} -> 4x3x2\n");
}

static void test_inverse_transposes_cancel(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "2x3x4");

    transpose_node(graph, "a", x, (gint64[]){1, 2, 0});
    transpose_node(graph, "b", build_last(graph), (gint64[]){2, 0, 1});
    build_node(graph, "Relu", "y", build_last(graph), NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    expect_texts(graph,
                 "%a = Transpose(%x 2x3x4) {perm=[1,2,0]} -> 3x4x2\n"
                 "%b = Transpose(%a 3x4x2) {perm=[2,0,1]} -> 2x3x4\n"
                 "%y = Relu(%b 2x3x4) -> 2x3x4\n",
                 "%y = Relu(%x 2x3x4) -> 2x3x4\n");
}

static void test_views_merge(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "2x3x4");

    build_node(graph, "Unsqueeze", "a", x, build_ints(graph, "axis", (gint64[]){0}, 1), NULL, NULL);
    build_node(graph, "Flatten", "b", build_last(graph), NULL, NULL, NULL);
    build_node(graph, "Relu", "y", build_last(graph), NULL, NULL, NULL);
    build_output(graph, build_last(graph));
    expect_texts(graph,
                 "%a = Unsqueeze(%x 2x3x4, %axis int64 1) -> 1x2x3x4\n"
                 "%b = Flatten(%a 1x2x3x4) -> 1x24\n"
                 "%y = Relu(%b 1x24) -> 1x24\n",
                 "%b = Reshape(%x 2x3x4, %b/shape int64 2) -> 1x24\n"
                 "%y = Relu(%b 1x24) -> 1x24\n");
}

static void test_equal_nodes_merge(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "2x3"), *a, *b;

    a = sth_node_output(build_node(graph, "Mul", "a", x, build_constant(graph, "two", "1", (float[]){2}), NULL, NULL), 0);
    b = sth_node_output(build_node(graph, "Mul", "b", x, build_constant(graph, "zwei", "1", (float[]){2}), NULL, NULL), 0);
    build_node(graph, "Add", "y", a, b, NULL, NULL);
    build_output(graph, build_last(graph));
    expect_texts(graph,
                 "%a = Mul(%x 2x3, %two 1) -> 2x3\n"
                 "%b = Mul(%x 2x3, %zwei 1) -> 2x3\n"
                 "%y = Add(%a 2x3, %b 2x3) -> 2x3\n",
                 "%a = Mul(%x 2x3, %two 1) -> 2x3\n"
                 "%y = Add(%a 2x3, %a 2x3) -> 2x3\n");
}

/* The clamp that a BatchNormalization took goes with it into the Conv. */
static void test_batch_norm_with_clamp(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthNode *conv = conv_node(graph, "conv", build_input(graph, "x", "1x2x3x3")), *norm;

    norm = build_node(graph, "BatchNormalization", "norm", build_last(graph), build_constant(graph, "scale", "2", NULL),
                      build_constant(graph, "shift", "2", NULL), build_constant(graph, "mean", "2", NULL));
    sth_node_add_input(norm, build_constant(graph, "var", "2", NULL));
    sth_node_set_float(norm, "sth.min", 0);
    sth_node_set_float(norm, "sth.max", 6);
    build_output(graph, build_last(graph));
    optimise(graph, "conv", "fuse_batch_norm: 1");
    g_assert_cmpfloat(sth_node_float(conv, "sth.min", -1), ==, 0);
    g_assert_cmpfloat(sth_node_float(conv, "sth.max", -1), ==, 6);
    sth_graph_free(graph);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/optimiser/batch-norm", test_batch_norm);
    g_test_add_func("/optimiser/residual-and-clip", test_residual_and_clip);
    g_test_add_func("/optimiser/shared-result", test_shared_result_is_not_fused);
    g_test_add_func("/optimiser/two-clamps", test_two_clamps);
    g_test_add_func("/optimiser/shape-chain", test_shape_chain_folds);
    g_test_add_func("/optimiser/identities", test_identities_and_dead_code);
    g_test_add_func("/optimiser/square-transpose", test_square_transpose_stays);
    g_test_add_func("/optimiser/open-input", test_open_input_is_refused);
    g_test_add_func("/optimiser/huge-constant", test_huge_constant_is_refused);
    g_test_add_func("/optimiser/arity", test_wrong_arity_names_the_node);
    g_test_add_func("/optimiser/transposes-merge", test_transposes_merge);
    g_test_add_func("/optimiser/inverse-transposes", test_inverse_transposes_cancel);
    g_test_add_func("/optimiser/views-merge", test_views_merge);
    g_test_add_func("/optimiser/equal-nodes", test_equal_nodes_merge);
    g_test_add_func("/optimiser/batch-norm-with-clamp", test_batch_norm_with_clamp);
    return g_test_run();
}
