/* Graph edits, attributes, order and text.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sth/sth-error.h>

#include "graph/graph.h"

/* x -> first -> a -> second -> b (output), and third reads a too. */
typedef struct {
    SthGraph *graph;
    SthValue *x, *a, *b, *c;
    SthNode *first, *second, *third;
} Fixture;

static SthNode *add_node(SthGraph *graph, const char *name, SthValue *in, SthValue *out)
{
    SthNode *node = sth_graph_add_node(graph, name, "Relu", 17);
    sth_node_add_input(node, in);
    sth_node_add_output(node, out);
    return node;
}

static void set_up(Fixture *f, gconstpointer data)
{
    f->graph = sth_graph_new("test.onnx");
    f->x = sth_graph_add_value(f->graph, "x");
    f->a = sth_graph_add_value(f->graph, "a");
    f->b = sth_graph_add_value(f->graph, "b");
    f->c = sth_graph_add_value(f->graph, "c");
    g_ptr_array_add(f->graph->inputs, f->x);
    g_ptr_array_add(f->graph->outputs, f->b);
    f->first = add_node(f->graph, "first", f->x, f->a);
    f->second = add_node(f->graph, "second", f->a, f->b);
    f->third = add_node(f->graph, "third", f->a, f->c);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    sth_graph_free(f->graph);
}

static void test_uses(Fixture *f, gconstpointer data)
{
    g_assert_cmpuint(sth_graph_count_uses(f->graph, f->a), ==, 2);
    g_assert_cmpuint(sth_graph_count_uses(f->graph, f->b), ==, 1);
    g_assert_cmpuint(sth_graph_count_uses(f->graph, f->c), ==, 0);
    g_assert_true(sth_graph_single_user(f->graph, f->x) == f->first);
    g_assert_null(sth_graph_single_user(f->graph, f->a));
    g_assert_null(sth_graph_single_user(f->graph, f->b));
    g_assert_true(sth_graph_is_output(f->graph, f->b));
    g_assert_false(sth_graph_is_output(f->graph, f->a));
    g_assert_null(sth_node_input(f->first, 1));
    g_assert_null(sth_node_output(f->first, 1));
}

static void test_replace(Fixture *f, gconstpointer data)
{
    sth_graph_replace_uses(f->graph, f->a, f->x);
    g_assert_true(sth_node_input(f->second, 0) == f->x && sth_node_input(f->third, 0) == f->x);
    sth_graph_replace_uses(f->graph, f->b, f->c);
    g_assert_true(sth_graph_is_output(f->graph, f->c));
    g_assert_cmpuint(sth_graph_count_uses(f->graph, f->b), ==, 0);
}

/* Inputs and outputs change hands, and readers and producers follow. */
static void test_edits(Fixture *f, gconstpointer data)
{
    sth_node_set_input(f->third, 2, f->x);
    g_assert_cmpuint(f->third->inputs->len, ==, 3);
    g_assert_null(sth_node_input(f->third, 1));
    g_assert_null(sth_graph_single_user(f->graph, f->x));
    sth_node_set_input(f->third, 0, f->x);
    g_assert_true(sth_graph_single_user(f->graph, f->a) == f->second);
    g_assert_cmpuint(sth_graph_count_uses(f->graph, f->x), ==, 3);
    sth_node_trim_inputs(f->third, 1);
    g_assert_cmpuint(sth_graph_count_uses(f->graph, f->x), ==, 2);
    sth_node_set_output(f->third, 0, f->b);
    g_assert_true(f->b->producer == f->third && f->c->producer == NULL);
    sth_node_set_output(f->second, 0, f->c);
    g_assert_true(f->b->producer == f->third && f->c->producer == f->second);
    g_assert_true(sth_graph_check(f->graph));
    sth_graph_retire_node(f->graph, f->second);
    g_assert_cmpuint(f->graph->nodes->len, ==, 3);
    g_assert_cmpuint(sth_graph_count_uses(f->graph, f->a), ==, 0);
    sth_graph_sweep_nodes(f->graph);
    g_assert_cmpuint(f->graph->nodes->len, ==, 2);
    g_assert_true(f->graph->nodes->pdata[1] == f->third && sth_graph_check(f->graph));
    f->first->inputs->pdata[0] = f->c;
    g_assert_false(sth_graph_check(f->graph));
    f->first->inputs->pdata[0] = f->x;
}

static void test_remove(Fixture *f, gconstpointer data)
{
    sth_graph_remove_node(f->graph, f->third);
    g_assert_cmpuint(f->graph->nodes->len, ==, 2);
    g_assert_null(f->c->producer);
    sth_graph_sweep_values(f->graph);
    g_assert_cmpuint(f->graph->values->len, ==, 3);
    g_assert_true(f->graph->values->pdata[2] == f->b);
}

static void test_constant(Fixture *f, gconstpointer data)
{
    const float numbers[] = {1, 2};
    f->a->tensor.dtype = STH_DTYPE_FLOAT;
    f->a->tensor.shape = (SthShape){.rank = 1, .dims = {2}};
    sth_value_set_constant(f->a, g_bytes_new_static(numbers, sizeof numbers));
    g_assert_true(f->a->inferred && f->a->tensor.data == numbers);
    g_assert_null(f->a->producer);
    g_assert_null(sth_node_output(f->first, 0));
    sth_graph_remove_node(f->graph, f->first);
    SthShape scalar = {0};
    const SthValue *one = sth_graph_add_constant(f->graph, "one", STH_DTYPE_FLOAT, &scalar, g_bytes_new_static(numbers, sizeof *numbers));
    g_assert_true(one->constant != NULL && one->inferred && one->tensor.data == numbers);
}

static void test_insert_and_sort(Fixture *f, gconstpointer data)
{
    SthValue *late = sth_graph_add_value(f->graph, "late");
    SthNode *maker = add_node(f->graph, "maker", f->c, late);
    sth_node_add_input(f->second, late);
    SthNode *inserted = sth_graph_insert_node(f->graph, f->second, "inserted", "Relu", 17);
    g_assert_true(f->graph->nodes->pdata[1] == inserted);
    g_assert_true(sth_graph_sort(f->graph, NULL));
    SthNode *const order[] = {f->first, inserted, f->third, maker, f->second};
    for (guint i = 0; i < G_N_ELEMENTS(order); i++)
        g_assert_true(f->graph->nodes->pdata[i] == order[i]);
}

static void test_circle(Fixture *f, gconstpointer data)
{
    GError *error = NULL;
    sth_node_add_input(f->first, f->c);
    g_assert_false(sth_graph_sort(f->graph, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_FORMAT);
    g_assert_cmpstr(error->message, ==, "'test.onnx': node 'first' (Relu) needs its own result: the graph has a circle");
    g_error_free(error);
}

/* A chain as long as a file may make it, last node first: no recursion. */
static void test_long_chain(Fixture *f, gconstpointer data)
{
    enum { LENGTH = 200000 };
    SthGraph *graph = sth_graph_new("long.onnx");
    SthValue *out = sth_graph_add_value(graph, "out");
    for (guint i = 0; i < LENGTH; i++) {
        SthValue *in = sth_graph_add_value(graph, "in");
        add_node(graph, "node", in, out);
        out = in;
    }
    SthNode *last = graph->nodes->pdata[0];
    g_assert_true(sth_graph_sort(graph, NULL));
    g_assert_true(graph->nodes->pdata[LENGTH - 1] == last);
    sth_graph_free(graph);
}

static void test_attributes(Fixture *f, gconstpointer data)
{
    const gint64 pads[] = {1, 2};
    guint n;
    sth_node_set_int(f->first, "group", 4);
    sth_node_set_float(f->first, "alpha", 0.25f);
    sth_node_set_string(f->first, "mode", "edge");
    sth_node_set_ints(f->first, "pads", pads, 2);
    g_assert_cmpint(sth_node_int(f->first, "group", 1), ==, 4);
    g_assert_cmpfloat(sth_node_float(f->first, "alpha", 1), ==, 0.25f);
    g_assert_cmpstr(sth_node_string(f->first, "mode", ""), ==, "edge");
    g_assert_cmpint(sth_node_ints(f->first, "pads", &n)[1], ==, 2);
    g_assert_cmpuint(n, ==, 2);
    /* A wrong type counts as absent. */
    g_assert_cmpfloat(sth_node_float(f->first, "group", 9), ==, 9);
    g_assert_null(sth_node_floats(f->first, "pads", &n));
    g_assert_cmpuint(n, ==, 0);
    sth_node_set_string(f->first, "mode", sth_node_string(f->first, "mode", ""));
    g_assert_cmpstr(sth_node_string(f->first, "mode", ""), ==, "edge");
    g_assert_true(sth_node_has(f->first, "mode") && !sth_node_has(f->first, "none"));
}

static void test_text(Fixture *f, gconstpointer data)
{
    const gint64 pads[] = {1, -2};
    f->x->tensor = (SthTensor){STH_DTYPE_FLOAT, {2, {1, -1}}, NULL};
    f->a->tensor = (SthTensor){STH_DTYPE_INT64, {1, {3}}, NULL};
    sth_node_set_ints(f->first, "pads", pads, 2);
    sth_node_set_float(f->first, "alpha", 0.5f);
    sth_node_note_fused(f->first, "%s", "Relu");
    sth_node_note_fused(f->first, "Add of %d", 2);
    sth_graph_remove_node(f->graph, f->second);
    sth_graph_remove_node(f->graph, f->third);
    char *text = sth_graph_to_text(f->graph);
    g_assert_cmpstr(text, ==, "%a = Relu(%x 1x?) {alpha=0.5, pads=[1,-2]} -> int64 3  # fused: Relu, Add of 2\n");
    g_free(text);
}

#define ADD(name, func) g_test_add("/graph/" name, Fixture, NULL, set_up, func, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("uses", test_uses);
    ADD("replace", test_replace);
    ADD("edits", test_edits);
    ADD("remove", test_remove);
    ADD("constant", test_constant);
    ADD("insert-and-sort", test_insert_and_sort);
    ADD("circle", test_circle);
    ADD("long-chain", test_long_chain);
    ADD("attributes", test_attributes);
    ADD("text", test_text);
    return g_test_run();
}
