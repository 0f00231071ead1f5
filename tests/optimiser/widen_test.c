/* Networks of half floats: where Casts are put, and which are left.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"
#include "graph_builder.h"
#include "ops/elements.h"
#include "optimiser/optimiser.h"
#include "optimiser/widen.h"

static SthValue *half_input(SthGraph *graph, const char *name, const char *shape, SthDType dtype)
{
    SthValue *value = build_input(graph, name, shape);
    value->tensor.dtype = dtype;
    return value;
}

/* Elements 0.5, 1, 1.5, …, which all halfs hold exactly. */
static SthValue *half_constant(SthGraph *graph, const char *name, const SthShape *shape, SthDType dtype)
{
    SthTensor tensor = {dtype, *shape, NULL};
    GBytes *bytes = sth_aligned_bytes(sth_tensor_bytes(&tensor), &tensor.data);

    for (gint64 i = 0; i < sth_shape_elements(shape); i++) {
        double element = 0.5 * (double)(i + 1);
        sth_elements_from_doubles(&tensor, &element, (gsize)i, 1);
    }
    return sth_graph_add_constant(graph, name, dtype, shape, bytes);
}

static void optimise(SthGraph *graph, const char *expected_order)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *order = NULL;

    g_assert_true(sth_graph_optimise(graph, NULL, &error));
    g_assert_no_error(error);
    order = build_order(graph);
    g_assert_cmpstr(order, ==, expected_order);
}

static SthDType type_of(const SthNode *node, guint output)
{
    return sth_node_output(node, output)->tensor.dtype;
}

/* Conv, Relu and Concat between two Casts; the weights are float32, the output is what it was. */
static void test_network(gconstpointer data)
{
    SthDType dtype = (SthDType)GPOINTER_TO_INT(data);
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = half_input(graph, "x", "1x2x3x3", dtype), *y;
    SthNode *conv = build_node(graph, "Conv", "conv", x, half_constant(graph, "w", &(SthShape){4, {2, 2, 1, 1}}, dtype),
                               half_constant(graph, "b", &(SthShape){1, {2}}, dtype), NULL);

    y = build_last(graph);
    build_node(graph, "Relu", "relu", y, NULL, NULL, NULL);
    sth_node_set_int(build_node(graph, "Concat", "concat", x, build_last(graph), NULL, NULL), "axis", 1);
    build_output(graph, build_last(graph));
    optimise(graph, "x/float32/cast conv concat concat/cast");
    g_assert_cmpint(sth_node_input(conv, 1)->tensor.dtype, ==, STH_DTYPE_FLOAT);
    g_assert_cmpfloat(((const float *)sth_node_input(conv, 1)->tensor.data)[3], ==, 2.0);
    g_assert_cmpint(((SthValue *)g_ptr_array_index(graph->outputs, 0))->tensor.dtype, ==, dtype);
    g_assert_cmpstr(((SthValue *)g_ptr_array_index(graph->outputs, 0))->name, ==, "concat");
    sth_graph_free(graph);
}

/* The result follows the base, of whatever type the exponent is. */
static void test_first_float_decides(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthNode *power = build_node(graph, "Pow", "pow", build_input(graph, "x", "3"), half_input(graph, "e", "3", STH_DTYPE_FLOAT16), NULL, NULL);

    build_output(graph, build_last(graph));
    optimise(graph, "e/float32/cast pow");
    g_assert_cmpint(type_of(power, 0), ==, STH_DTYPE_FLOAT);
    sth_graph_free(graph);
}

/* Comparisons give booleans, and the second output of LayerNormalization is float32 in any network. */
static void test_other_results(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = half_input(graph, "x", "2x3", STH_DTYPE_BFLOAT16);
    SthNode *less = build_node(graph, "Less", "less", x, x, NULL, NULL), *norm;

    build_output(graph, build_last(graph));
    norm = build_node(graph, "LayerNormalization", "norm", x, half_constant(graph, "scale", &(SthShape){1, {3}}, STH_DTYPE_BFLOAT16), NULL, NULL);
    sth_node_add_output(norm, sth_graph_add_value(graph, "mean"));
    build_output(graph, sth_node_output(norm, 0));
    build_output(graph, sth_node_output(norm, 1));
    optimise(graph, "x/float32/cast less norm norm/cast");
    g_assert_cmpint(type_of(less, 0), ==, STH_DTYPE_BOOL);
    g_assert_cmpint(type_of(norm, 1), ==, STH_DTYPE_FLOAT);
    g_assert_cmpint(((SthValue *)g_ptr_array_index(graph->outputs, 1))->tensor.dtype, ==, STH_DTYPE_BFLOAT16);
    sth_graph_free(graph);
}

/* A network of halfs that takes and gives float32: no Cast is left but around the output, which keeps its name and its rounding. */
static void test_ends(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = half_input(graph, "x", "1x2x3x3", STH_DTYPE_FLOAT16), *end;

    build_node(graph, "Sigmoid", "y", x, NULL, NULL, NULL);
    end = build_last(graph);
    end->tensor.dtype = STH_DTYPE_FLOAT16; /* as a file declares it */
    build_output(graph, end);
    sth_widen_ends(graph);
    optimise(graph, "y y/half/cast y/cast");
    g_assert_cmpstr(((SthValue *)g_ptr_array_index(graph->inputs, 0))->name, ==, "x");
    g_assert_cmpstr(((SthValue *)g_ptr_array_index(graph->outputs, 0))->name, ==, "y");
    g_assert_cmpint(((SthValue *)g_ptr_array_index(graph->inputs, 0))->tensor.dtype, ==, STH_DTYPE_FLOAT);
    g_assert_cmpint(((SthValue *)g_ptr_array_index(graph->outputs, 0))->tensor.dtype, ==, STH_DTYPE_FLOAT);
    sth_graph_free(graph);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/optimiser/widen/float16", GINT_TO_POINTER(STH_DTYPE_FLOAT16), test_network);
    g_test_add_data_func("/optimiser/widen/bfloat16", GINT_TO_POINTER(STH_DTYPE_BFLOAT16), test_network);
    g_test_add_func("/optimiser/widen/first-float", test_first_float_decides);
    g_test_add_func("/optimiser/widen/other-results", test_other_results);
    g_test_add_func("/optimiser/widen/ends", test_ends);
    return g_test_run();
}
