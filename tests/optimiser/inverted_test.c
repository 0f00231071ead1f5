/* Inverted residuals of random shapes, as one operator and as the three convolutions that they are made of: the same numbers within rounding, the
 * same bits with any number of threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fused_check.h"
#include "graph_builder.h"
#include "ops/op.h"

static GRand *dice;

static gint pick(gint low, gint high)
{
    return g_rand_int_range(dice, low, high + 1);
}

typedef struct {
    gint batch, channels, frames, height, width, expanded, out;
    gint expand_kernel, expand_stride; /* in space; padded to keep the size */
    gint taps, kernel, stride;         /* depthwise: frames, space */
    gint pad, pad_end;                 /* of it, in space */
    gint temporal;                     /* so many percent of the kernels have their centre's line only */
    gboolean residual, bias;
} Case;

static SthValue *random_constant(SthGraph *graph, const char *name, const char *shape)
{
    SthValue *value = build_constant(graph, name, shape, NULL);
    float *x = (float *)value->tensor.data;

    for (gint64 i = 0; i < sth_shape_elements(&value->tensor.shape); i++)
        x[i] = (float)g_rand_double_range(dice, -1, 1);
    return value;
}

/* Cuts kernels down to their temporal line, or to the plane of the frame itself. */
static void make_hybrid(SthValue *weight, const Case *c)
{
    float *w = (float *)weight->tensor.data;

    for (gint channel = 0; channel < c->expanded; channel++) {
        const gboolean temporal = pick(0, 99) < c->temporal;

        for (gint t = 0; t < c->taps; t++)
            for (gint h = 0; h < c->kernel; h++)
                for (gint x = 0; x < c->kernel; x++, w++)
                    if (temporal ? h != c->kernel / 2 || x != c->kernel / 2 : t != c->taps / 2 && c->temporal > 0)
                        *w = 0;
    }
}

static SthNode *add_conv(SthGraph *graph, const char *name, SthValue *x, SthValue *weight, const Case *c, gint group)
{
    g_autofree char *bias_name = g_strconcat(name, ".bias", NULL), *size = g_strdup_printf("%d", (gint)weight->tensor.shape.dims[0]);
    SthNode *conv = build_node(graph, "Conv", name, x, weight, c->bias ? random_constant(graph, bias_name, size) : NULL, NULL);

    sth_node_set_int(conv, "group", group);
    return conv;
}

static SthGraph *make_graph(const Case *c)
{
    SthGraph *graph = sth_graph_new("test");
    g_autofree char *in = g_strdup_printf("%dx%dx%dx%dx%d", c->batch, c->channels, c->frames, c->height, c->width);
    g_autofree char *we = g_strdup_printf("%dx%dx1x%dx%d", c->expanded, c->channels, c->expand_kernel, c->expand_kernel);
    g_autofree char *wd = g_strdup_printf("%dx1x%dx%dx%d", c->expanded, c->taps, c->kernel, c->kernel);
    g_autofree char *wp = g_strdup_printf("%dx%dx1x1x1", c->out, c->expanded);
    const gint64 half = c->expand_kernel / 2, t = c->taps / 2;
    SthValue *x = build_input(graph, "x", in), *weight;
    SthNode *conv;

    conv = add_conv(graph, "expand", x, random_constant(graph, "we", we), c, 1);
    sth_node_set_ints(conv, "strides", (gint64[]){1, c->expand_stride, c->expand_stride}, 3);
    sth_node_set_ints(conv, "pads", (gint64[]){0, half, half, 0, half, half}, 6);
    sth_node_set_float(conv, "sth.min", 0);
    sth_node_set_float(conv, "sth.max", 2);
    weight = random_constant(graph, "wd", wd);
    make_hybrid(weight, c);
    conv = add_conv(graph, "depthwise", build_last(graph), weight, c, c->expanded);
    sth_node_set_ints(conv, "strides", (gint64[]){1, c->stride, c->stride}, 3);
    sth_node_set_ints(conv, "pads", (gint64[]){t, c->pad, c->pad, c->taps - 1 - t, c->pad_end, c->pad_end}, 6);
    sth_node_set_float(conv, "sth.min", -1);
    conv = add_conv(graph, "project", build_last(graph), random_constant(graph, "wp", wp), c, 1);
    if (c->residual) {
        sth_node_set_input(conv, 3, sth_graph_add_value(graph, "residual"));
        g_ptr_array_add(graph->inputs, sth_node_input(conv, 3));
    }
    build_output(graph, build_last(graph));
    graph->release = sth_op_release;
    return graph;
}

static void check_case(const Case *c)
{
    SthGraph *graph = make_graph(c);
    SthNode *last = g_ptr_array_index(graph->nodes, graph->nodes->len - 1);
    SthValue *in = g_ptr_array_index(graph->inputs, 0), *added = c->residual ? g_ptr_array_index(graph->inputs, 1) : NULL;
    const SthShape shape = in->tensor.shape;

    g_test_message("%dx%dx%dx%dx%d, %d, %d: kernel %d %d/%d, %d/%d, pads %d %d", c->batch, c->channels, c->frames, c->height, c->width, c->expanded,
                   c->out, c->taps, c->kernel, c->stride, c->expand_kernel, c->expand_stride, c->pad, c->pad_end);
    build_fill(in, &shape, dice);
    if (added)
        sth_node_set_input(last, 3, NULL); /* its shape is the result's */
    build_infer(graph);
    if (added) {
        build_fill(added, &sth_node_output(last, 0)->tensor.shape, dice);
        sth_node_set_input(last, 3, added);
    }
    /* What is projected is at most 2 * kernel large: a sum of so many products. */
    fused_check(graph, "fuse_inverted_residual", 1e-6 * (4 + c->expanded * c->channels / 16.));
    build_free(in);
    if (added)
        build_free(added);
    sth_graph_free(graph);
}

static void test_random(void)
{
    for (guint i = 0; i < 120; i++) {
        Case c = {.batch = pick(1, 2), .channels = pick(1, 20), .frames = pick(1, 9), .height = pick(3, 20), .width = pick(3, 20)};

        c.expanded = pick(2, 70);
        c.out = pick(1, 40);
        c.expand_kernel = pick(0, 2) ? 1 : 3;
        c.expand_stride = c.expand_kernel == 1 ? 1 : pick(1, 2);
        c.taps = pick(0, 3) ? 3 : 1;
        c.kernel = pick(0, 3) ? 3 : 1;
        c.stride = pick(0, 2) ? 1 : pick(1, 3);
        c.pad = pick(0, 3) ? c.kernel / 2 : pick(0, 2);
        c.pad_end = pick(0, 3) ? c.kernel / 2 : pick(0, 2);
        c.temporal = pick(0, 2) * 30;
        c.residual = pick(0, 1);
        c.bias = pick(0, 3) > 0;
        if ((c.height - 1) / c.expand_stride + 1 + c.pad + c.pad_end >= c.kernel &&
            (c.width - 1) / c.expand_stride + 1 + c.pad + c.pad_end >= c.kernel)
            check_case(&c);
    }
}

/* So large that bands have to be cut, and rings go round. */
static void test_bands(void)
{
    static const Case cases[] = {
        {1, 3, 5, 90, 90, 32, 16, 3, 2, 3, 3, 1, 1, 1, 25, FALSE, TRUE},
        {1, 16, 8, 60, 56, 96, 24, 1, 1, 3, 3, 2, 1, 1, 25, TRUE, TRUE},
        {1, 24, 16, 28, 28, 144, 24, 1, 1, 3, 3, 1, 1, 1, 25, TRUE, TRUE},
        {8, 24, 1, 28, 28, 144, 24, 1, 1, 1, 3, 1, 1, 1, 0, TRUE, TRUE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        check_case(&cases[i]);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    dice = g_rand_new_with_seed(3);
    g_test_add_func("/inverted_residual/random", test_random);
    g_test_add_func("/inverted_residual/bands", test_bands);
    result = g_test_run();
    g_rand_free(dice);
    return result;
}
