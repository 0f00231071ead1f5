/* The memory plan, checked by playing it: at each step every value that is still needed must lie where nobody writes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"
#include "graph_builder.h"
#include "ops/op.h"
#include "optimiser/optimiser.h"
#include "planner/planner.h"

/* A random graph of elementwise nodes, views and scratch users and larger intermediate tensors. */
static SthGraph *random_graph(GRand *rand)
{
    SthGraph *graph = sth_graph_new("random");
    g_autoptr(GPtrArray) made = g_ptr_array_new();
    guint n = (guint)g_rand_int_range(rand, 3, 40);
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(made, build_input(graph, "x", "4x32"));
    g_ptr_array_add(made, build_input(graph, "y", "4x32"));
    for (guint i = 0; i < n; i++) {
        SthValue *a = g_ptr_array_index(made, g_rand_int_range(rand, 0, (gint32)made->len));
        SthValue *b = g_ptr_array_index(made, g_rand_int_range(rand, 0, (gint32)made->len));
        g_autofree char *name = g_strdup_printf("n%u", i);

        switch (g_rand_int_range(rand, 0, 5)) {
        case 0:
            build_node(graph, "Relu", name, a, NULL, NULL, NULL);
            break;
        case 1:
            build_node(graph, "Reshape", name, a, build_ints(graph, "shape", (gint64[]){4, 32}, 2), NULL, NULL);
            break;
        case 2:
            build_node(graph, "Add", name, a, b, NULL, NULL);
            break;
        case 3: /* as a convolution that adds its second input: in its memory, unless it reads it otherwise too */
            build_node(graph, "Sum", name, a, b, NULL, NULL)->in_place = 1u << 1;
            break;
        default:
            sth_node_set_int(build_node(graph, "Concat", name, a, b, NULL, NULL), "axis", 0);
            build_node(graph, "ReduceMean", name, build_last(graph), NULL, NULL, NULL);
            build_node(graph, "Expand", name, build_last(graph), build_ints(graph, "shape", (gint64[]){4, 32}, 2), NULL, NULL);
            break;
        }
        g_ptr_array_add(made, build_last(graph));
    }
    build_output(graph, build_last(graph));
    if (g_rand_boolean(rand))
        build_output(graph, g_ptr_array_index(made, g_rand_int_range(rand, 2, (gint32)made->len)));
    g_assert_true(sth_graph_infer(graph, &error));
    g_assert_no_error(error);
    return graph;
}

/* Which value's content each byte range of the arena holds: owner[i] is the value written to the 64-byte line i. A view or an in-place result passes on
 * the line under its own name. */
typedef struct {
    SthGraph *graph;
    SthPlan *plan;
    GHashTable *index, *content; /* SthValue * -> the value whose content it is */
    SthValue **line;
} Play;

static gsize offset_of(Play *play, SthValue *value)
{
    return play->plan->value_offset[GPOINTER_TO_UINT(g_hash_table_lookup(play->index, value)) - 1];
}

static void write_value(Play *play, SthValue *value, SthValue *content)
{
    gsize from = offset_of(play, value), bytes = sth_tensor_bytes(&value->tensor);

    g_assert_cmpuint(from % STH_ALIGN, ==, 0);
    g_assert_cmpuint(from + bytes, <=, play->plan->arena_bytes);
    g_hash_table_insert(play->content, value, content);
    for (gsize i = from / STH_ALIGN; i * STH_ALIGN < from + bytes; i++)
        play->line[i] = content;
}

static void read_value(Play *play, SthValue *value)
{
    gsize from = offset_of(play, value), bytes = sth_tensor_bytes(&value->tensor);

    for (gsize i = from / STH_ALIGN; i * STH_ALIGN < from + bytes; i++)
        g_assert_true(play->line[i] == g_hash_table_lookup(play->content, value));
}

static void play_node(Play *play, guint n)
{
    SthNode *node = g_ptr_array_index(play->graph->nodes, n);
    SthValue *out = sth_node_output(node, 0), *first = sth_node_input(node, 0);
    gboolean view = (node->op->flags & STH_OP_VIEW) != 0;

    for (guint i = 0; i < node->inputs->len; i++) {
        SthValue *in = sth_node_input(node, i);
        if (in->constant)
            continue;
        read_value(play, in);
        /* Only an operator that says so may write over what it reads. */
        if (!view && offset_of(play, in) == offset_of(play, out))
            g_assert_true(i == 0 ? node->op->flags & STH_OP_INPLACE_0
                                 : i == 1 && (node->op->flags & STH_OP_INPLACE_1 ||
                                              (node->in_place & 1u << 1 && offset_of(play, first) != offset_of(play, out))));
    }
    if (view)
        g_assert_cmpuint(offset_of(play, first), ==, offset_of(play, out));
    write_value(play, out, view ? g_hash_table_lookup(play->content, first) : out);
}

static void play_plan(SthGraph *graph)
{
    SthPlan *plan = sth_plan_new(graph);
    Play play = {.graph = graph, .plan = plan};

    play.index = g_hash_table_new(NULL, NULL);
    play.content = g_hash_table_new(NULL, NULL);
    play.line = g_new0(SthValue *, plan->arena_bytes / STH_ALIGN + 1);
    for (guint i = 0; i < graph->values->len; i++)
        g_hash_table_insert(play.index, g_ptr_array_index(graph->values, i), GUINT_TO_POINTER(i + 1));
    for (guint i = 0; i < graph->inputs->len; i++) {
        SthValue *value = g_ptr_array_index(graph->inputs, i);
        if (sth_graph_count_uses(graph, value) > 0)
            write_value(&play, value, value);
    }
    for (guint n = 0; n < graph->nodes->len; n++)
        play_node(&play, n);
    for (guint i = 0; i < graph->outputs->len; i++)
        read_value(&play, g_ptr_array_index(graph->outputs, i));
    g_hash_table_unref(play.index);
    g_hash_table_unref(play.content);
    g_free(play.line);
    sth_plan_free(plan);
}

static void test_random_graphs(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20260101);

    for (guint i = 0; i < 500; i++) {
        SthGraph *graph = random_graph(rand);
        play_plan(graph);
        sth_graph_free(graph);
    }
}

/* A chain of n layers that cannot work in place needs two buffers, not n. */
static void test_chain_reuses(void)
{
    SthGraph *graph = sth_graph_new("chain");
    SthValue *x = build_input(graph, "x", "64x64");
    g_autoptr(GError) error = NULL;
    SthPlan *plan;

    for (guint i = 0; i < 20; i++) {
        build_node(graph, "Transpose", "t", x, NULL, NULL, NULL);
        x = build_last(graph);
    }
    build_output(graph, x);
    g_assert_true(sth_graph_infer(graph, &error));
    plan = sth_plan_new(graph);
    g_assert_cmpuint(plan->arena_bytes, <=, 2 * (64 * 64 * sizeof(float) + 2 * STH_ALIGN));
    sth_plan_free(plan);
    sth_graph_free(graph);
}

/* What a node adds to its result and nobody needs later lends the result its place. */
static void test_adds_in_place(void)
{
    SthGraph *graph = sth_graph_new("residual");
    SthValue *x = build_input(graph, "x", "64x64"), *shortcut;
    g_autoptr(GError) error = NULL;
    SthPlan *plan;

    for (guint i = 0; i < 20; i++) {
        build_node(graph, "Transpose", "s", x, NULL, NULL, NULL);
        shortcut = build_last(graph);
        build_node(graph, "Sum", "y", x, shortcut, NULL, NULL)->in_place = 1u << 1;
        x = build_last(graph);
    }
    build_output(graph, x);
    g_assert_true(sth_graph_infer(graph, &error));
    plan = sth_plan_new(graph);
    g_assert_cmpuint(plan->arena_bytes, <=, 2 * (64 * 64 * sizeof(float) + 2 * STH_ALIGN));
    sth_plan_free(plan);
    sth_graph_free(graph);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/planner/random-graphs", test_random_graphs);
    g_test_add_func("/planner/chain", test_chain_reuses);
    g_test_add_func("/planner/in-place", test_adds_in_place);
    return g_test_run();
}
