/* Frames in the batch, channels last: operators between turns work on volumes, the turns are gone, the numbers stay.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "base/memory.h"
#include "graph_builder.h"
#include "ops/op.h"
#include "optimiser/optimiser.h"

typedef struct {
    const char *name, *input;
    void (*build)(SthGraph *graph, SthValue *x);
    guint transposes; /* that stay */
    const char *order;
} Case;

static SthValue *reshape(SthGraph *graph, const char *name, SthValue *x, const gint64 *shape, guint n)
{
    return sth_node_output(build_node(graph, "Reshape", name, x, build_ints(graph, "shape", shape, n), NULL, NULL), 0);
}

static SthValue *transpose(SthGraph *graph, const char *name, SthValue *x, const gint64 *perm, guint n)
{
    sth_node_set_ints(build_node(graph, "Transpose", name, x, NULL, NULL, NULL), "perm", perm, n);
    return build_last(graph);
}

static SthValue *conv(SthGraph *graph, const char *name, SthValue *x, const char *weights, const gint64 *pads, guint n)
{
    sth_node_set_ints(build_node(graph, "Conv", name, x, build_constant(graph, "w", weights, NULL), NULL, NULL), "pads", pads, n);
    return build_last(graph);
}

static SthValue *unary(SthGraph *graph, const char *op, const char *name, SthValue *x)
{
    build_node(graph, op, name, x, NULL, NULL, NULL);
    return build_last(graph);
}

/* 4 frames of 2x3x5 through a (3,1) Conv of pictures as rows, and back. */
static SthValue *along_time(SthGraph *graph, SthValue *x)
{
    x = reshape(graph, "rows", x, (gint64[]){1, 4, 2, 15}, 4);
    x = transpose(graph, "turn", x, (gint64[]){0, 2, 1, 3}, 4);
    x = conv(graph, "time", x, "2x2x3x1", (gint64[]){1, 0, 1, 0}, 4);
    x = transpose(graph, "back", x, (gint64[]){0, 2, 1, 3}, 4);
    return reshape(graph, "frames", x, (gint64[]){4, 2, 3, 5}, 4);
}

static void frames(SthGraph *graph, SthValue *x)
{
    x = transpose(graph, "enter", x, (gint64[]){0, 2, 1, 3, 4}, 5);
    x = reshape(graph, "batch", x, (gint64[]){4, 3, 3, 5}, 4);
    x = unary(graph, "Sigmoid", "s", conv(graph, "a", x, "2x3x3x3", (gint64[]){1, 1, 1, 1}, 4));
    x = unary(graph, "Sigmoid", "t", along_time(graph, x));
    x = conv(graph, "b", x, "2x2x1x1", (gint64[]){0, 0, 0, 0}, 4);
    build_node(graph, "GlobalAveragePool", "y", x, NULL, NULL, NULL);
}

/* Attention's shares: one number for each clip and channel. */
static void shares(SthGraph *graph, SthValue *x)
{
    SthValue *a = unary(graph, "Sigmoid", "s", along_time(graph, conv(graph, "a", x, "2x2x1x1", (gint64[]){0, 0, 0, 0}, 4)));
    SthValue *clip = reshape(graph, "clip", a, (gint64[]){1, 4, 2, 3, 5}, 5), *mean;
    SthNode *node = build_node(graph, "ReduceMean", "mean", clip, NULL, NULL, NULL);

    sth_node_set_ints(node, "axes", (gint64[]){1, 3, 4}, 3);
    mean = unary(graph, "Sigmoid", "share", build_last(graph));
    build_node(graph, "Mul", "scaled", clip, mean, NULL, NULL);
    x = reshape(graph, "again", build_last(graph), (gint64[]){4, 2, 3, 5}, 4);
    conv(graph, "y", x, "1x2x1x1", (gint64[]){0, 0, 0, 0}, 4);
}

static void channels_last(SthGraph *graph, SthValue *x)
{
    x = conv(graph, "a", x, "2x2x1x3x3", (gint64[]){0, 1, 1, 0, 1, 1}, 6);
    x = transpose(graph, "last", x, (gint64[]){0, 2, 3, 4, 1}, 5);
    build_node(graph, "Mul", "scaled", x, build_constant(graph, "scale", "2", NULL), NULL, NULL);
    x = unary(graph, "Sigmoid", "s", build_last(graph));
    sth_node_set_int(build_node(graph, "Concat", "both", x, x, NULL, NULL), "axis", 4);
    x = transpose(graph, "first", build_last(graph), (gint64[]){0, 4, 1, 2, 3}, 5);
    conv(graph, "y", x, "2x4x3x1x1", (gint64[]){1, 0, 0, 1, 0, 0}, 6);
}

/* Softmax over frames has no rule: what it reads is made of the volume, what it makes is made a volume again. */
static void without_rule(SthGraph *graph, SthValue *x)
{
    x = along_time(graph, conv(graph, "a", x, "2x2x1x1", (gint64[]){0, 0, 0, 0}, 4));
    sth_node_set_int(build_node(graph, "Softmax", "soft", x, NULL, NULL, NULL), "axis", 0);
    x = along_time(graph, build_last(graph));
    unary(graph, "Sigmoid", "y", x);
}

static void pictures(SthGraph *graph, SthValue *x)
{
    x = unary(graph, "Sigmoid", "s", conv(graph, "a", x, "2x2x3x3", (gint64[]){1, 1, 1, 1}, 4));
    conv(graph, "y", x, "2x2x1x1", (gint64[]){0, 0, 0, 0}, 4);
}

static void test_case(gconstpointer data)
{
    const Case *c = data;
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "x", c->input), *out;
    g_autoptr(GRand) dice = g_rand_new_with_seed(5);
    g_autoptr(GError) error = NULL;
    g_autofree char *order = NULL;
    float *before, *after;

    graph->release = sth_op_release;
    c->build(graph, x);
    out = build_last(graph);
    build_output(graph, out);
    g_assert_true(sth_graph_infer(graph, &error));
    build_fill(x, &x->tensor.shape, dice);
    before = build_run(graph, NULL, 1);
    build_release(graph);
    g_assert_true(sth_graph_optimise(graph, NULL, &error));
    g_assert_no_error(error);
    after = build_run(graph, NULL, 1);
    for (gint64 i = 0; i < sth_shape_elements(&out->tensor.shape); i++)
        g_assert_cmpfloat(fabs((double)before[i] - after[i]), <, 1e-5 * (1 + fabs((double)before[i])));
    order = build_order(graph);
    g_assert_cmpstr(order, ==, c->order);
    g_assert_cmpuint(build_count(graph, "Transpose"), ==, c->transposes);
    build_release(graph);
    build_free(x);
    sth_aligned_free(before);
    sth_aligned_free(after);
    sth_graph_free(graph);
}

int main(int argc, char **argv)
{
    static const Case cases[] = {
        {"frames", "1x3x4x3x5", frames, 1, "a s time t b y y y"},
        {"shares", "4x2x3x5", shares, 1, "x x a time s mean share scaled y y"},
        {"channels-last", "1x2x4x3x5", channels_last, 0, "a scaled s both y"},
        {"without-rule", "4x2x3x5", without_rule, 4, "x x a time time back frames soft rows turn time back frames y"},
        {"pictures", "4x2x3x5", pictures, 0, "a s y"},
    };

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/optimiser/join-frames/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    return g_test_run();
}
