/* Convolutions of random shapes against a naive loop in double; the same bits with one thread and with several.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ops/op.h"
#include "../base/level.h"

#define AXES 3
#define RUN_TIME 4

/* All that describes a case; axes are T, H, W, of which the last `rank` exist. */
typedef struct {
    guint rank;
    gint64 batch, groups, in_channels, out_channels; /* of a group */
    gint64 in[AXES], kernel[AXES], stride[AXES], dilation[AXES], pad[AXES], pad_end[AXES];
    gboolean bias, residual, clamp;
    gint zeros; /* 0: none, 1: many weights are zero, 2: the pattern of an STH kernel, 3: all; RUN_TIME: none, and they are no constants */
} Case;

typedef struct {
    SthGraph *graph;
    SthNode *node;
    SthTensor in[4], out;
    float min, max;
    gboolean run_time;
} Net;

static GRand *dice;

static gint64 pick(gint64 low, gint64 high)
{
    return g_rand_int_range(dice, (gint32)low, (gint32)high + 1);
}

static SthTensor random_tensor(const SthShape *shape)
{
    SthTensor tensor = {.dtype = STH_DTYPE_FLOAT, .shape = *shape};

    tensor.data = sth_aligned_alloc(sth_tensor_bytes(&tensor));
    for (gint64 i = 0; i < sth_shape_elements(shape); i++)
        ((float *)tensor.data)[i] = (float)g_rand_double_range(dice, -1, 1);
    return tensor;
}

/* The kernel of an STH convolution, written as dense 3x3x3: of each output's inputs a quarter has only the temporal line, the others the plane. */
static void make_zeros(const Case *c, float *weight)
{
    for (gint64 m = 0; m < c->groups * c->out_channels; m++)
        for (gint64 k = 0; k < c->in_channels; k++)
            for (gint64 t = 0; t < c->kernel[0]; t++)
                for (gint64 h = 0; h < c->kernel[1]; h++)
                    for (gint64 w = 0; w < c->kernel[2]; w++, weight++) {
                        gboolean temporal = (m / 8 + (c->in_channels > 1 ? k : m)) % 4 == 0;
                        gboolean outside = temporal ? h != c->kernel[1] / 2 || w != c->kernel[2] / 2 : t != c->kernel[0] / 2;

                        if (c->zeros == 3 || (c->zeros == 2 && outside) || (c->zeros == 1 && pick(0, 3) > 0))
                            *weight = 0;
                    }
}

static SthShape shape_of(const Case *c, gint64 first, gint64 second, const gint64 *axes)
{
    SthShape shape = {.rank = 2 + c->rank, .dims = {first, second}};

    for (guint i = 0; i < c->rank; i++)
        shape.dims[2 + i] = axes[AXES - c->rank + i];
    return shape;
}

static void add_constant(Net *net, guint index, const char *name)
{
    GBytes *bytes = g_bytes_new_with_free_func(net->in[index].data, sth_tensor_bytes(&net->in[index]), sth_aligned_free, net->in[index].data);

    sth_node_add_input(net->node, sth_graph_add_constant(net->graph, name, STH_DTYPE_FLOAT, &net->in[index].shape, bytes));
}

static void add_value(Net *net, guint index, const char *name)
{
    SthValue *value = sth_graph_add_value(net->graph, name);

    value->tensor = net->in[index];
    value->tensor.data = NULL;
    value->inferred = TRUE;
    sth_node_add_input(net->node, value);
}

static void set_attributes(Net *net, const Case *c)
{
    const guint skip = AXES - c->rank;
    gint64 pads[2 * AXES];

    memcpy(pads, c->pad + skip, c->rank * sizeof *pads);
    memcpy(pads + c->rank, c->pad_end + skip, c->rank * sizeof *pads);
    sth_node_set_ints(net->node, "pads", pads, 2 * c->rank);
    sth_node_set_ints(net->node, "strides", c->stride + skip, c->rank);
    sth_node_set_ints(net->node, "dilations", c->dilation + skip, c->rank);
    sth_node_set_int(net->node, "group", c->groups);
    net->min = -INFINITY;
    net->max = INFINITY;
    if (c->clamp) {
        net->min = -0.25f;
        net->max = 0.5f;
        sth_node_set_float(net->node, "sth.min", net->min);
        sth_node_set_float(net->node, "sth.max", net->max);
    }
}

static void net_init(Net *net, const Case *c)
{
    SthShape in = shape_of(c, c->batch, c->groups * c->in_channels, c->in);
    SthShape weight = shape_of(c, c->groups * c->out_channels, c->in_channels, c->kernel);
    SthShape bias = {1, {c->groups * c->out_channels}};
    GError *error = NULL;

    memset(net, 0, sizeof *net);
    net->run_time = c->zeros == RUN_TIME;
    net->graph = sth_graph_new("conv_test");
    net->graph->release = sth_op_release;
    net->node = sth_graph_add_node(net->graph, "conv", "Conv", 13);
    net->node->op = sth_op_find("Conv");
    g_assert_nonnull(net->node->op);
    set_attributes(net, c);
    net->in[0] = random_tensor(&in);
    net->in[1] = random_tensor(&weight);
    make_zeros(c, net->in[1].data);
    add_value(net, 0, "x");
    (net->run_time ? add_value : add_constant)(net, 1, "w");
    if (c->bias) {
        net->in[2] = random_tensor(&bias);
        (net->run_time ? add_value : add_constant)(net, 2, "b");
    } else if (c->residual) {
        sth_node_add_input(net->node, NULL);
    }
    sth_node_add_output(net->node, sth_graph_add_value(net->graph, "y"));
    net->node->op->infer(net->node, &error);
    g_assert_no_error(error);
    net->out = sth_node_output(net->node, 0)->tensor;
    if (c->residual) {
        net->in[3] = random_tensor(&net->out.shape);
        add_value(net, 3, "r");
        net->node->op->infer(net->node, &error);
        g_assert_no_error(error);
    }
    net->node->op->prepare(net->node, &error);
    g_assert_no_error(error);
}

static void net_clear(Net *net)
{
    for (guint i = 0; i < G_N_ELEMENTS(net->in); i++)
        if (i == 0 || i == 3 || net->run_time)
            sth_aligned_free(net->in[i].data);
    sth_graph_free(net->graph); /* frees constants and what prepare made */
}

/* Runs it with scratch memory and output full of NaN: nothing of them may get into the result. Free with sth_aligned_free().
 * @in_place: with the output in the memory of what is added, where the node allows that. */
static float *run_net(Net *net, SthPool *pool, guint threads, gboolean in_place)
{
    const gsize stride = STH_ALIGN_UP(net->node->thread_scratch), size = sth_tensor_bytes(&net->out);
    SthTensor out = net->out;
    SthTensor in[4] = {net->in[0], net->in[1], net->in[2], net->in[3]};
    SthOpRun run = {
        .in = in, .out = &out, .n_in = 4, .n_out = 1, .prepared = net->node->prepared, .thread_stride = stride, .pool = pool, .threads = threads};

    out.data = sth_aligned_alloc(size);
    run.scratch = sth_aligned_alloc(net->node->scratch);
    run.thread_scratch = sth_aligned_alloc(stride * threads);
    memset(out.data, 0xff, size);
    if (in_place && net->node->in_place & 1u << 3 && in[3].data)
        in[3].data = memcpy(out.data, in[3].data, size);
    memset(run.scratch, 0xff, net->node->scratch);
    memset(run.thread_scratch, 0xff, stride * threads);
    net->node->op->run(&run);
    sth_aligned_free(run.scratch);
    sth_aligned_free(run.thread_scratch);
    return out.data;
}

/* One element of the result: its sum in double, and the sum of magnitudes. */
static double expected(const Case *c, const Net *net, gint64 n, gint64 m, const gint64 *at, double *magnitude)
{
    const float *x = net->in[0].data, *w = net->in[1].data;
    const gint64 channels = c->groups * c->in_channels, first = m / c->out_channels * c->in_channels;
    double sum = c->bias ? ((const float *)net->in[2].data)[m] : 0;

    *magnitude = fabs(sum);
    for (gint64 k = 0; k < c->in_channels; k++)
        for (gint64 t = 0; t < c->kernel[0]; t++)
            for (gint64 h = 0; h < c->kernel[1]; h++)
                for (gint64 v = 0; v < c->kernel[2]; v++) {
                    const gint64 tap[AXES] = {t, h, v};
                    gint64 index = n * channels + first + k;
                    gboolean inside = TRUE;
                    double product;

                    for (guint axis = 0; axis < AXES; axis++) {
                        gint64 from = at[axis] * c->stride[axis] + tap[axis] * c->dilation[axis] - c->pad[axis];

                        inside = inside && from >= 0 && from < c->in[axis];
                        index = index * c->in[axis] + from;
                    }
                    if (!inside)
                        continue;
                    product = (double)x[index] * w[(((m * c->in_channels + k) * c->kernel[0] + t) * c->kernel[1] + h) * c->kernel[2] + v];
                    sum += product;
                    *magnitude += fabs(product);
                }
    return sum;
}

/* Winograd's algorithm may run it: the results of a tile then share their rounding errors, and a small sum has those of its neighbours. */
static gboolean shares_errors(const Case *c)
{
    for (guint axis = 1; axis < AXES; axis++)
        if (c->kernel[axis] != 3 || c->stride[axis] != 1 || c->dilation[axis] != 1)
            return FALSE;
    return c->groups == 1;
}

/* One channel of one image: @out and @residual (or NULL) are its results. */
static void check_channel(const Case *c, const Net *net, gint64 image, gint64 m, const gint64 *size, const float *out, const float *residual)
{
    const gint64 n = size[0] * size[1] * size[2];
    g_autofree double *sum = g_new(double, n), *magnitude = g_new(double, n);
    double largest = 0;

    for (gint64 i = 0; i < n; i++) {
        const gint64 at[AXES] = {i / size[2] / size[1], i / size[2] % size[1], i % size[2]};

        sum[i] = expected(c, net, image, m, at, &magnitude[i]) + (residual ? (double)residual[i] : 0);
        sum[i] = CLAMP(sum[i], (double)net->min, (double)net->max);
        largest = MAX(largest, magnitude[i]);
    }
    for (gint64 i = 0; i < n; i++)
        if (!(fabs(out[i] - sum[i]) <= 2e-6 * ((shares_errors(c) ? largest : magnitude[i]) + 2)))
            g_error("image %d, channel %d, position %d is %g, not %g", (int)image, (int)m, (int)i, (double)out[i], sum[i]);
}

static void check_result(const Case *c, const Net *net, const float *out)
{
    const SthShape *shape = &net->out.shape;
    const float *residual = net->in[3].data;
    gint64 size[AXES] = {1, 1, 1}, n;

    for (guint axis = 0; axis < c->rank; axis++)
        size[AXES - c->rank + axis] = shape->dims[2 + axis];
    n = size[0] * size[1] * size[2];
    for (gint64 i = 0; i < shape->dims[0] * shape->dims[1]; i++)
        check_channel(c, net, i / shape->dims[1], i % shape->dims[1], size, out + i * n, residual ? residual + i * n : NULL);
}

static void check_case(const Case *c, SthPool *pool)
{
    Net net;
    float *one, *many;
    gint64 used = 0;

    net_init(&net, c);
    g_test_message("rank %u, %d images, %d x %d to %d channels, kernel %d %d %d, scratch %d", c->rank, (int)c->batch, (int)c->groups,
                   (int)c->in_channels, (int)c->out_channels, (int)c->kernel[0], (int)c->kernel[1], (int)c->kernel[2], (int)net.node->thread_scratch);
    for (gint64 i = 0; i < sth_shape_elements(&net.in[1].shape); i++)
        used += ((const float *)net.in[1].data)[i] != 0;
    g_assert_cmpuint(net.node->macs, ==, (guint64)(used * (sth_shape_elements(&net.out.shape) / net.out.shape.dims[1])));
    one = run_net(&net, NULL, 1, FALSE);
    check_result(c, &net, one);
    many = run_net(&net, pool, 2, TRUE);
    g_assert_cmpmem(many, sth_tensor_bytes(&net.out), one, sth_tensor_bytes(&net.out));
    sth_aligned_free(many);
    many = run_net(&net, pool, 5, FALSE);
    g_assert_cmpmem(many, sth_tensor_bytes(&net.out), one, sth_tensor_bytes(&net.out));
    sth_aligned_free(many);
    sth_aligned_free(one);
    net_clear(&net);
}

/* Sizes, strides, dilations and pads of the axes that exist, such that there is a result. */
static void random_axes(Case *c, gint64 max_size, gint64 max_kernel)
{
    for (guint axis = 0; axis < AXES; axis++) {
        c->in[axis] = c->kernel[axis] = c->stride[axis] = c->dilation[axis] = 1;
        c->pad[axis] = c->pad_end[axis] = 0;
        if (axis < AXES - c->rank)
            continue;
        do {
            c->in[axis] = pick(1, axis == 0 ? MIN(max_size, 6) : max_size);
            c->kernel[axis] = pick(1, max_kernel);
            c->stride[axis] = pick(0, 2) ? 1 : pick(1, 4);
            c->dilation[axis] = pick(0, 3) ? 1 : pick(1, 3);
            c->pad[axis] = pick(0, 1) ? c->kernel[axis] / 2 : pick(0, 4);
            c->pad_end[axis] = pick(0, 1) ? c->kernel[axis] / 2 : pick(0, 4);
        } while (c->in[axis] + c->pad[axis] + c->pad_end[axis] < (c->kernel[axis] - 1) * c->dilation[axis] + 1);
    }
}

static void random_case(Case *c)
{
    *c = (Case){.rank = (guint)pick(1, 3), .batch = pick(1, 3), .groups = 1, .in_channels = pick(1, 20), .out_channels = pick(1, 30)};
    c->bias = pick(0, 1);
    c->residual = pick(0, 2) == 0;
    c->clamp = pick(0, 1);
    c->zeros = (gint)pick(0, 3);
    if (c->zeros == 3 && pick(0, 3))
        c->zeros = 0;
}

static void test_any(void)
{
    SthPool *pool = sth_pool_get();
    Case c;

    for (guint i = 0; i < 300; i++) {
        random_case(&c);
        c.zeros = i % 6 == 0 ? RUN_TIME : c.zeros;
        if (pick(0, 2) == 0) {
            c.groups = pick(2, 5);
            c.in_channels = pick(2, 6);
        }
        random_axes(&c, c.rank == 1 ? 100 : c.rank == 2 ? 24 : 10, c.rank == 3 ? 3 : 5);
        check_case(&c, pool);
    }
    sth_pool_unref(pool);
}

static void test_depthwise(void)
{
    SthPool *pool = sth_pool_get();
    Case c;

    for (guint i = 0; i < 250; i++) {
        random_case(&c);
        c.groups = pick(1, 20);
        c.in_channels = 1;
        c.out_channels = pick(0, 2) ? 1 : pick(1, 3);
        random_axes(&c, c.rank == 1 ? 100 : 30, 5);
        check_case(&c, pool);
    }
    sth_pool_unref(pool);
}

/* 1x1 with any number of columns and of channels. */
static void test_pointwise(void)
{
    SthPool *pool = sth_pool_get();
    Case c;

    for (guint i = 0; i < 100; i++) {
        random_case(&c);
        c.in_channels = pick(1, 150);
        c.out_channels = pick(1, 90);
        random_axes(&c, c.rank == 1 ? 200 : 16, 1);
        for (guint axis = 0; axis < AXES; axis++)
            c.pad[axis] = c.pad_end[axis] = 0;
        check_case(&c, pool);
    }
    sth_pool_unref(pool);
}

/* 3x3 with stride 1, with channels enough for Winograd's algorithm to pay, in all patterns of zeros. */
static void test_winograd(void)
{
    SthPool *pool = sth_pool_get();
    Case c;

    for (guint i = 0; i < 80; i++) {
        random_case(&c);
        c.rank = (guint)pick(2, 3);
        c.in_channels = pick(1, 70);
        c.out_channels = pick(1, 100);
        random_axes(&c, c.rank == 2 ? 20 : 8, 3);
        for (guint axis = 1; axis < AXES; axis++) {
            c.in[axis] = pick(1, c.rank == 2 ? 20 : 10);
            c.kernel[axis] = 3;
            c.stride[axis] = c.dilation[axis] = 1;
            c.pad[axis] = pick(0, 2) ? 1 : pick(1, 3);
            c.pad_end[axis] = pick(0, 2) ? 1 : pick(1, 3);
        }
        if (c.rank == 3)
            c.stride[0] = 1;
        check_case(&c, pool);
    }
    sth_pool_unref(pool);
}

/* The layers that networks are made of, STH kernels among them; sums long enough to be cut into blocks. */
static void test_networks(void)
{
    static const Case cases[] = {
        {3, 1, 1, 3, 32, {4, 37, 37}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, TRUE, FALSE, TRUE, 0},
        {3, 1, 1, 64, 64, {4, 14, 14}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, TRUE, TRUE, TRUE, 2},
        {3, 1, 1, 128, 32, {3, 7, 7}, {3, 3, 3}, {1, 2, 2}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, TRUE, FALSE, TRUE, 2},
        {3, 1, 1, 128, 40, {3, 5, 5}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, TRUE, TRUE, TRUE, 0},
        {2, 8, 1, 96, 160, {1, 7, 7}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, TRUE, TRUE, FALSE, 0},
        {2, 8, 1, 1300, 10, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, TRUE, TRUE, FALSE, 0},
        {3, 1, 48, 1, 1, {8, 28, 28}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, TRUE, FALSE, TRUE, 2},
        {3, 1, 48, 1, 1, {8, 29, 29}, {3, 3, 3}, {1, 2, 2}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, TRUE, TRUE, TRUE, 2},
        {3, 1, 16, 1, 1, {8, 9, 9}, {3, 1, 1}, {1, 1, 1}, {1, 1, 1}, {2, 0, 0}, {0, 0, 0}, FALSE, FALSE, TRUE, 0},
        {3, 1, 1, 24, 24, {8, 14, 14}, {3, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 0, 0}, {1, 0, 0}, FALSE, TRUE, TRUE, 0},
    };
    SthPool *pool = sth_pool_get();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        check_case(&cases[i], pool);
    sth_pool_unref(pool);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    if (level_is_missing())
        return 0;
    dice = g_rand_new_with_seed(11);
    g_test_add_func("/conv/any", test_any);
    g_test_add_func("/conv/depthwise", test_depthwise);
    g_test_add_func("/conv/pointwise", test_pointwise);
    g_test_add_func("/conv/winograd", test_winograd);
    g_test_add_func("/conv/networks", test_networks);
    result = g_test_run();
    g_rand_free(dice);
    return result;
}
