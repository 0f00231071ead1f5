/* Operators of images against what PyTorch made of the same random inputs: see pytorch_cases.py.
 *
 * usage: pytorch-test pytorch_cases.onnx
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "base/memory.h"
#include "onnx/onnx-load.h"
#include "op-harness.h"

#define RTOL 1e-4
#define ATOL 2e-5

typedef struct {
    SthGraph *graph;
    SthNode *node;
    const SthTensor *want;
} Case;

static void check(const Case *test, const SthTensor *got)
{
    char *got_shape = sth_shape_to_string(&got->shape), *want_shape = sth_shape_to_string(&test->want->shape);
    g_assert_cmpstr(got_shape, ==, want_shape);
    for (gint64 i = 0; i < sth_shape_elements(&got->shape); i++) {
        double a = (double)((const float *)got->data)[i], b = (double)((const float *)test->want->data)[i];
        if (!(fabs(a - b) <= ATOL + RTOL * fabs(b)))
            g_error("%s: element %" G_GINT64_FORMAT " is %g, it should be %g", test->node->name, i, a, b);
    }
    g_free(got_shape);
    g_free(want_shape);
}

static void run_case(gconstpointer data)
{
    const Case *test = data;
    OpHarness harness = {test->graph, test->node};
    SthTensor out = {0}, again = {0};
    op_harness_run(&harness, 1, 1, &out);
    op_harness_run(&harness, 4, 1, &again);
    check(test, &out);
    g_assert_cmpmem(out.data, sth_tensor_bytes(&out), again.data, sth_tensor_bytes(&again));
    sth_aligned_free(out.data);
    sth_aligned_free(again.data);
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    g_test_init(&argc, &argv, NULL);
    if (argc != 2) {
        g_printerr("usage: %s pytorch_cases.onnx\n", argv[0]);
        return 2;
    }
    SthGraph *graph = sth_onnx_load(argv[1], 0, &error);
    g_assert_no_error(error);
    graph->release = sth_op_release;
    GPtrArray *cases = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = graph->nodes->pdata[i], *user = sth_graph_single_user(graph, sth_node_output(node, 0));
        if (!user)
            continue; /* a difference, which nobody reads */
        g_assert_cmpstr(user->op_type, ==, "Sub");
        g_ptr_array_add(cases, g_memdup2(&(Case){graph, node, &sth_node_input(user, 1)->tensor}, sizeof(Case)));
        char *path = g_strdup_printf("/ops/pytorch/%s", node->name);
        g_test_add_data_func(path, cases->pdata[cases->len - 1], run_case);
        g_free(path);
    }
    g_assert_cmpuint(cases->len, >, 100);
    int result = g_test_run();
    g_ptr_array_unref(cases);
    sth_graph_free(graph);
    return result;
}
