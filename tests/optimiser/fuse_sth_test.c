/* An STH convolution written as slices, Convs, Adds and Concats becomes one Conv with the right weights; what only looks like one stays.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph_builder.h"
#include "optimiser/optimiser.h"

#define CHANNELS 4

typedef struct {
    const char *name;
    gboolean sigmoid, shared; /* behind the spatial Conv; its result is an output too */
    const char *order;        /* of nodes afterwards; NULL: one Conv */
} Case;

static SthValue *slice(SthGraph *graph, const char *name, SthValue *x, gint64 begin, gint64 end)
{
    SthNode *node = build_node(graph, "Slice", name, x, build_ints(graph, "begin", &begin, 1), build_ints(graph, "end", &end, 1),
                               build_ints(graph, "axes", (gint64[]){1}, 1));

    return sth_node_output(node, 0);
}

static SthValue *conv(SthGraph *graph, const char *name, SthValue *x, const char *weights, const gint64 *pads, float bias)
{
    SthNode *node = build_node(graph, "Conv", name, x, build_constant(graph, "w", weights, NULL),
                               build_constant(graph, "b", "2", (float[]){bias, bias + 1}), NULL);

    sth_node_set_ints(node, "pads", pads, 6);
    return sth_node_output(node, 0);
}

/* Two groups of two outputs; the temporal channel is the first for one, the last for the other. */
static SthGraph *build(const Case *c)
{
    static const char *const names[2][5] = {{"t0", "s0", "tc0", "sc0", "add0"}, {"t1", "s1", "tc1", "sc1", "add1"}};
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "1x4x5x6x6"), *sum[2];
    SthNode *concat;

    for (guint g = 0; g < 2; g++) {
        SthValue *t = slice(graph, names[g][0], x, g == 0 ? 0 : CHANNELS - 1, g == 0 ? 1 : CHANNELS);
        SthValue *s = slice(graph, names[g][1], x, g == 0 ? 1 : 0, g == 0 ? CHANNELS : CHANNELS - 1);
        t = conv(graph, names[g][2], t, "2x1x3x1x1", (gint64[]){1, 0, 0, 1, 0, 0}, 10);
        s = conv(graph, names[g][3], s, "2x3x1x3x3", (gint64[]){0, 1, 1, 0, 1, 1}, 20);
        if (c->shared)
            build_output(graph, s);
        if (c->sigmoid)
            s = sth_node_output(build_node(graph, "Sigmoid", "sigmoid", s, NULL, NULL, NULL), 0);
        sum[g] = sth_node_output(build_node(graph, "Add", names[g][4], t, s, NULL, NULL), 0);
    }
    concat = build_node(graph, "Concat", "y", sum[0], sum[1], NULL, NULL);
    sth_node_set_int(concat, "axis", 1);
    build_output(graph, sth_node_output(concat, 0));
    return graph;
}

/* Element of the fused weights, and what it must be: build_constant() counts 0.1, 0.2, … through each part's weights. */
static void check_weights(const SthNode *fused)
{
    const SthTensor *w = &sth_node_input(fused, 1)->tensor;
    const float *data = w->data, *bias = sth_node_input(fused, 2)->tensor.data;
    g_autofree char *shape = sth_shape_to_string(&w->shape);

    g_assert_cmpstr(shape, ==, "4x4x3x3x3");
    for (guint o = 0; o < 4; o++) {
        const guint temporal = o < 2 ? 0 : CHANNELS - 1;
        for (guint i = 0; i < CHANNELS; i++) {
            const guint part = o < 2 && i > 0 ? i - 1 : i; /* its place among the spatial channels */
            for (guint k = 0; k < 27; k++) {
                const guint t = k / 9;
                float expected = 0;
                if (i == temporal && k % 9 == 4)
                    expected = 0.1f * (float)(o % 2 * 3 + t + 1);
                else if (i != temporal && t == 1)
                    expected = 0.1f * (float)((o % 2 * 3 + part) * 9 + k % 9 + 1);
                g_assert_cmpfloat(data[(o * CHANNELS + i) * 27 + k], ==, expected);
            }
        }
        g_assert_cmpfloat(bias[o], ==, 30 + 2 * (float)(o % 2));
    }
}

static void test_case(gconstpointer data)
{
    const Case *c = data;
    SthGraph *graph = build(c);
    g_autoptr(GError) error = NULL;
    g_autofree char *order = NULL;

    g_assert_true(sth_graph_optimise(graph, NULL, &error));
    g_assert_no_error(error);
    order = build_order(graph);
    g_assert_cmpstr(order, ==, c->order ? c->order : "y");
    if (!c->order)
        check_weights(g_ptr_array_index(graph->nodes, 0));
    sth_graph_free(graph);
}

/* Channels that follow each other, one kind of kernel each: the depthwise form is one grouped Conv. */
static void test_depthwise(void)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", "1x4x5x6x6"), *part[2];
    SthNode *node;
    guint n;
    const gint64 *pads;
    g_autofree char *shape = NULL;

    for (guint g = 0; g < 2; g++) {
        SthValue *in = slice(graph, g ? "s" : "t", x, g * 2, g * 2 + 2);
        part[g] = conv(graph, g ? "sc" : "tc", in, g ? "2x1x1x3x3" : "2x1x3x1x1", g ? (gint64[]){0, 1, 1, 0, 1, 1} : (gint64[]){1, 0, 0, 1, 0, 0}, 0);
        sth_node_set_int(part[g]->producer, "group", 2);
    }
    node = build_node(graph, "Concat", "y", part[0], part[1], NULL, NULL);
    sth_node_set_int(node, "axis", 1);
    build_output(graph, sth_node_output(node, 0));
    g_assert_true(sth_graph_optimise(graph, NULL, NULL));
    g_assert_cmpuint(graph->nodes->len, ==, 1);
    node = g_ptr_array_index(graph->nodes, 0);
    g_assert_cmpint(sth_node_int(node, "group", 1), ==, 4);
    pads = sth_node_ints(node, "pads", &n);
    for (guint i = 0; i < n; i++)
        g_assert_cmpint(pads[i], ==, 1);
    shape = sth_shape_to_string(&sth_node_input(node, 1)->tensor.shape);
    g_assert_cmpstr(shape, ==, "4x1x3x3x3");
    sth_graph_free(graph);
}

int main(int argc, char **argv)
{
    static const Case cases[] = {
        {"sum", FALSE, FALSE, NULL},
        {"not-linear", TRUE, FALSE, "t0 s0 sc0 sigmoid tc0 t1 s1 sc1 sigmoid tc1 y"},
        {"read-elsewhere", FALSE, TRUE, "t0 s0 sc0 tc0 t1 s1 sc1 tc1 y"},
    };

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/optimiser/fuse-sth/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/optimiser/fuse-sth/depthwise", test_depthwise);
    return g_test_run();
}
