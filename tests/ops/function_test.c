/* Operators of which ONNX has no case everywhere, and the ordering ones on lines long enough for their heaps, against their definitions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "base/memory.h"
#include "op-harness.h"

#define ROUNDS 20

/* Numbers from -4 to 4, with fractions. */
static const SthTensor *add_input(OpHarness *harness, const SthShape *shape)
{
    const SthTensor *tensor = &op_harness_random(harness, shape)->tensor;
    for (gint64 i = 0; i < sth_shape_elements(shape); i++)
        ((float *)tensor->data)[i] /= 25.0f;
    return tensor;
}

static void assert_near(const char *op, gsize at, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        g_error("%s: element %" G_GSIZE_FORMAT " is %.9g, it should be %.9g", op, at, got, want);
}

static double gelu(double x)
{
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}

static double gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / G_PI) * (x + 0.044715 * x * x * x)));
}

static double mish(double x)
{
    return x * tanh(log(1 + exp(x)));
}

typedef struct {
    const char *op;
    gint opset;
    const char *attr, *text; /* or NULL */
    double (*expect)(double x);
} Function;

static const Function functions[] = {
    {"Gelu", 20, NULL, NULL, gelu},
    {"Gelu", 20, "approximate", "tanh", gelu_tanh},
    {"Mish", 18, NULL, NULL, mish},
};

static void test_function(gconstpointer data)
{
    const Function *row = data;
    OpHarness harness;
    SthTensor out;
    SthShape shape = {2, {3, 20001}};
    op_harness_init(&harness, row->op, row->opset);
    const SthTensor *in = add_input(&harness, &shape);
    if (row->attr != NULL)
        sth_node_set_string(harness.node, row->attr, row->text);
    op_harness_run(&harness, 2, 1, &out);
    for (gsize i = 0; i < 3 * 20001; i++)
        assert_near(row->op, i, ((const float *)out.data)[i], row->expect(((const float *)in->data)[i]), 1e-6);
    sth_aligned_free(out.data);
    op_harness_clear(&harness);
}

/* Lines along the middle axis have length 1. */
static void test_lp_normalization(gconstpointer data)
{
    gint p = GPOINTER_TO_INT(data);
    for (guint round = 0; round < ROUNDS; round++) {
        OpHarness harness;
        SthTensor out;
        SthShape shape = op_harness_shape(3, 12);
        const gsize n = (gsize)shape.dims[1], inner = (gsize)shape.dims[2];
        op_harness_init(&harness, "LpNormalization", 13);
        const float *in = add_input(&harness, &shape)->data;
        sth_node_set_int(harness.node, "axis", 1);
        sth_node_set_int(harness.node, "p", p);
        op_harness_run(&harness, 2, 1, &out);
        for (gsize i = 0; i < (gsize)sth_shape_elements(&shape); i++) {
            gsize line = i / (n * inner) * n * inner + i % inner;
            double length = 0;
            for (gsize k = 0; k < n; k++)
                length += pow(fabs((double)in[line + k * inner]), p);
            length = pow(length, 1.0 / p);
            assert_near("LpNormalization", i, ((const float *)out.data)[i], length == 0 ? 0 : in[i] / length, 1e-6);
        }
        sth_aligned_free(out.data);
        op_harness_clear(&harness);
    }
}

/* Scale and bias by group up to opset 20, by channel from 21 on: told by their number. */
static void test_group_normalization(gconstpointer data)
{
    gboolean by_group = GPOINTER_TO_INT(data);
    for (guint round = 0; round < ROUNDS; round++) {
        OpHarness harness;
        SthTensor out;
        const gsize groups = 3, channels = groups * (gsize)g_test_rand_int_range(2, 5), area = (gsize)g_test_rand_int_range(1, 40), images = 2;
        const SthShape shape = {3, {(gint64)images, (gint64)channels, (gint64)area}}, scales = {1, {(gint64)(by_group ? groups : channels)}};
        op_harness_init(&harness, "GroupNormalization", by_group ? 18 : 21);
        const float *in = add_input(&harness, &shape)->data, *scale = add_input(&harness, &scales)->data, *bias = add_input(&harness, &scales)->data;
        sth_node_set_int(harness.node, "num_groups", (gint64)groups);
        op_harness_run(&harness, 2, 1, &out);
        const gsize n = channels / groups * area;
        for (gsize i = 0; i < images * channels * area; i++) {
            const float *group = in + i / n * n;
            double mean = 0, variance = 0;
            for (gsize k = 0; k < n; k++)
                mean += group[k] / (double)n;
            for (gsize k = 0; k < n; k++)
                variance += (group[k] - mean) * (group[k] - mean) / (double)n;
            gsize channel = i / area % channels, own = by_group ? channel / (channels / groups) : channel;
            assert_near("GroupNormalization", i, ((const float *)out.data)[i], (in[i] - mean) / sqrt(variance + 1e-5) * scale[own] + bias[own], 2e-5);
        }
        sth_aligned_free(out.data);
        op_harness_clear(&harness);
    }
}

/* In order, of equal ones the first first, and nothing better left out. */
static void test_top_k(gconstpointer data)
{
    gboolean largest = GPOINTER_TO_INT(data);
    for (guint round = 0; round < ROUNDS; round++) {
        OpHarness harness;
        SthTensor out[2];
        const gint64 n = g_test_rand_int_range(1, 2000), k = g_test_rand_int_range(1, (gint32)n + 1);
        const SthShape shape = {2, {3, n}};
        op_harness_init(&harness, "TopK", 13);
        const float *in = op_harness_random(&harness, &shape)->tensor.data;
        op_harness_ints(&harness, &k, 1);
        sth_node_set_int(harness.node, "largest", largest);
        op_harness_run(&harness, 2, 2, out);
        for (gint64 line = 0; line < 3; line++) {
            const float *x = in + line * n, *values = (const float *)out[0].data + line * k;
            const gint64 *at = (const gint64 *)out[1].data + line * k;
            gint64 better = 0;
            for (gint64 i = 0; i < k; i++) {
                g_assert_cmpfloat(values[i], ==, x[at[i]]);
                if (i > 0)
                    g_assert_true((largest ? values[i - 1] > values[i] : values[i - 1] < values[i]) ||
                                  (values[i - 1] == values[i] && at[i - 1] < at[i]));
            }
            for (gint64 i = 0; i < n; i++)
                better += largest ? x[i] > values[k - 1] : x[i] < values[k - 1];
            g_assert_cmpint(better, <, k);
        }
        sth_aligned_free(out[0].data);
        sth_aligned_free(out[1].data);
        op_harness_clear(&harness);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(functions); i++) {
        char *path =
            g_strdup_printf("/ops/function/%s%s%s", functions[i].op, functions[i].text ? "-" : "", functions[i].text ? functions[i].text : "");
        g_test_add_data_func(path, &functions[i], test_function);
        g_free(path);
    }
    g_test_add_data_func("/ops/function/LpNormalization-1", GINT_TO_POINTER(1), test_lp_normalization);
    g_test_add_data_func("/ops/function/LpNormalization-2", GINT_TO_POINTER(2), test_lp_normalization);
    g_test_add_data_func("/ops/function/GroupNormalization-group", GINT_TO_POINTER(TRUE), test_group_normalization);
    g_test_add_data_func("/ops/function/GroupNormalization-channel", GINT_TO_POINTER(FALSE), test_group_normalization);
    g_test_add_data_func("/ops/function/TopK-largest", GINT_TO_POINTER(TRUE), test_top_k);
    g_test_add_data_func("/ops/function/TopK-smallest", GINT_TO_POINTER(FALSE), test_top_k);
    return g_test_run();
}
