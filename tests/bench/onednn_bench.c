/* How long oneDNN takes for the convolutions of a 2-D network: a rival for rivals.mjs, with the output of `sth bench --json`.
 *
 * usage: onednn-bench [--threads N] [--iterations N] [--json] MODEL.onnx
 *
 * The graph is ours with BatchNorm, activations and residuals fused, as oneDNN's users (OpenVINO, say) do too; each Conv becomes a oneDNN primitive
 * in the layouts that oneDNN asks for, with the sum and the clamp as its post-operations. What comes after the last convolution (pooling and
 * classifier) is left out, in oneDNN's favour. The result is compared with ours before anything is timed. Frames are a batch; kernels that span
 * frames are refused, for oneDNN has nothing to offer for them but their zeros.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oneapi/dnnl/dnnl.h>

#include "base/memory.h"
#include "graph_builder.h"
#include "onnx/onnx-load.h"
#include "ops/conv.h"
#include "ops/op.h"
#include "optimiser/optimiser.h"

#define WARM_UP 2
#define MOST_ARGUMENTS 4
#define WORST 1e-4 /* difference of the results over the largest of them */

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "onednn-bench: %s: status %d\n", what, (int)status);
    exit(1);
}
#define CHECK(call) check(call, #call)

/* oneDNN 3 hands out pointers to its descriptions of memory, oneDNN 2 the descriptions themselves. */
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t Desc;
#define DESC(desc) (desc)
static Desc make_desc(int rank, const dnnl_dims_t dims, const dnnl_dims_t strides)
{
    Desc desc;
    if (strides)
        CHECK(dnnl_memory_desc_create_with_strides(&desc, rank, dims, dnnl_f32, strides));
    else
        CHECK(dnnl_memory_desc_create_with_tag(&desc, rank, dims, dnnl_f32, dnnl_format_tag_any));
    return desc;
}
static Desc desc_of(const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    Desc copy;
    CHECK(dnnl_memory_desc_clone(&copy, dnnl_primitive_desc_query_md(pd, what, 0)));
    return copy;
}
#else
typedef dnnl_memory_desc_t Desc;
#define DESC(desc) (&(desc))
static Desc make_desc(int rank, const dnnl_dims_t dims, const dnnl_dims_t strides)
{
    Desc desc;
    if (strides)
        CHECK(dnnl_memory_desc_init_by_strides(&desc, rank, dims, dnnl_f32, strides));
    else
        CHECK(dnnl_memory_desc_init_by_tag(&desc, rank, dims, dnnl_f32, dnnl_format_tag_any));
    return desc;
}
static Desc desc_of(const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    return *dnnl_primitive_desc_query_md(pd, what, 0);
}
#endif

static gboolean same_desc(Desc a, Desc b)
{
    return dnnl_memory_desc_equal(DESC(a), DESC(b));
}

static dnnl_memory_t memory_new(Desc desc, void *data)
{
    dnnl_memory_t memory;
    CHECK(dnnl_memory_create(&memory, DESC(desc), engine, data));
    return memory;
}

/* @strides NULL: the layout that oneDNN likes best. */
static Desc desc_new(guint rank, const gint64 *dims, const gint64 *strides)
{
    dnnl_dims_t all = {0}, steps = {0};

    memcpy(all, dims, rank * sizeof *dims);
    if (strides)
        memcpy(steps, strides, rank * sizeof *strides);
    return make_desc((int)rank, all, strides ? steps : NULL);
}

/* One primitive and what it works on. */
typedef struct {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[MOST_ARGUMENTS];
    int n;
} Step;

/* A value of the graph in oneDNN's layout. */
typedef struct {
    dnnl_memory_t memory;
    Desc desc;
} Blob;

typedef struct {
    GArray *steps;     /* of Step */
    GHashTable *blobs; /* SthValue * -> Blob * */
} Network;

/* Planar, as our tensors are. */
static Desc plain_desc(const SthShape *shape)
{
    gint64 strides[STH_MAX_RANK], stride = 1;

    for (guint i = shape->rank; i-- > 0; stride *= shape->dims[i])
        strides[i] = stride;
    return desc_new(shape->rank, shape->dims, strides);
}

static Step reorder_step(const Blob *from, const Blob *to)
{
    Step step = {.args = {{DNNL_ARG_FROM, from->memory}, {DNNL_ARG_TO, to->memory}}, .n = 2};
    dnnl_primitive_desc_t pd;

    CHECK(dnnl_reorder_primitive_desc_create(&pd, DESC(from->desc), engine, DESC(to->desc), engine, NULL));
    CHECK(dnnl_primitive_create(&step.primitive, pd));
    return step;
}

static void run_step(const Step *step)
{
    CHECK(dnnl_primitive_execute(step->primitive, stream, step->n, step->args));
}

/* @from in the layout @wanted; itself, where it has that. */
static Blob in_layout(Blob from, Desc wanted, Step *reorder)
{
    Blob to = {.desc = wanted};

    reorder->n = 0;
    if (same_desc(from.desc, wanted))
        return from;
    to.memory = memory_new(wanted, DNNL_MEMORY_ALLOCATE);
    *reorder = reorder_step(&from, &to);
    return to;
}

static dnnl_primitive_attr_t attributes_of(const SthConv *conv, gboolean sum)
{
    dnnl_primitive_attr_t attr;
    dnnl_post_ops_t ops;

    CHECK(dnnl_primitive_attr_create(&attr));
    CHECK(dnnl_post_ops_create(&ops));
    const gboolean clamped = conv->min > -INFINITY || conv->max < INFINITY;
#if DNNL_VERSION_MAJOR >= 3
    if (sum)
        CHECK(dnnl_post_ops_append_sum(ops, 1, 0, dnnl_f32));
    if (clamped)
        CHECK(dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_clip, conv->min, conv->max));
#else
    if (sum)
        CHECK(dnnl_post_ops_append_sum(ops, 1));
    if (clamped)
        CHECK(dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_clip, conv->min, conv->max));
#endif
    CHECK(dnnl_primitive_attr_set_post_ops(attr, ops));
    return attr;
}

/* @sum: what is added, whose memory the result takes; NULL: nothing. */
static dnnl_primitive_desc_t describe(const SthConv *conv, const SthNode *node, Desc weights, const Blob *sum)
{
    const SthSliding *s = &conv->sliding;
    const SthShape *in = &sth_node_input(node, 0)->tensor.shape, *out = &sth_node_output(node, 0)->tensor.shape;
    const Desc source = desc_new(4, in->dims, NULL), result = sum ? sum->desc : desc_new(4, out->dims, NULL);
    const Desc bias = desc_new(1, &out->dims[1], (gint64[]){1});
    const dnnl_dims_t strides = {s->stride[STH_H], s->stride[STH_W]}, dilates = {s->dilation[STH_H] - 1, s->dilation[STH_W] - 1};
    const dnnl_dims_t left = {s->pad[STH_H], s->pad[STH_W]}, right = {s->pad_end[STH_H], s->pad_end[STH_W]};
    dnnl_primitive_attr_t attr = attributes_of(conv, sum != NULL);
    dnnl_primitive_desc_t pd;

#if DNNL_VERSION_MAJOR >= 3
    CHECK(dnnl_convolution_forward_primitive_desc_create(&pd, engine, dnnl_forward_inference, dnnl_convolution_direct, source, weights, bias, result,
                                                         strides, dilates, left, right, attr));
#else
    dnnl_convolution_desc_t desc;
    CHECK(dnnl_dilated_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct, &source, &weights, &bias, &result,
                                                     strides, dilates, left, right));
    CHECK(dnnl_primitive_desc_create(&pd, &desc, attr, engine, NULL));
#endif
    return pd;
}

/* Weights of a Conv, with an axis for the groups where there are several. */
static SthShape weight_shape(const SthConv *conv)
{
    const SthSliding *s = &conv->sliding;
    SthShape shape = {.rank = 0};

    if (conv->groups > 1)
        shape.dims[shape.rank++] = (gint64)conv->groups;
    shape.dims[shape.rank++] = (gint64)conv->out_channels;
    shape.dims[shape.rank++] = (gint64)conv->in_channels;
    shape.dims[shape.rank++] = s->kernel[STH_H];
    shape.dims[shape.rank++] = s->kernel[STH_W];
    return shape;
}

static void add_conv(Network *network, SthNode *node)
{
    SthValue *value = sth_node_input(node, 0), *added = sth_node_input(node, 3);
    const SthValue *bias = sth_node_input(node, 2);
    const Blob *sum = added ? g_hash_table_lookup(network->blobs, added) : NULL;
    SthConv conv;
    Step step = {.n = 4}, reorder;
    Blob source, weights, *out = g_new0(Blob, 1);

    if (!sth_conv_init(&conv, node, NULL) || !bias || value->tensor.shape.rank != 4 || (added && !sum)) {
        fprintf(stderr, "onednn-bench: '%s': a 2-D Conv with a bias was expected\n", node->name);
        exit(1);
    }
    const SthShape shape = weight_shape(&conv);
    dnnl_primitive_desc_t pd = describe(&conv, node, desc_new(shape.rank, shape.dims, NULL), sum);
    const Blob plain = {memory_new(plain_desc(&shape), sth_node_input(node, 1)->tensor.data), plain_desc(&shape)};

    weights = in_layout(plain, desc_of(pd, dnnl_query_weights_md), &reorder);
    if (reorder.n)
        run_step(&reorder);
    source = in_layout(*(Blob *)g_hash_table_lookup(network->blobs, value), desc_of(pd, dnnl_query_src_md), &reorder);
    if (reorder.n)
        g_array_append_val(network->steps, reorder);
    out->desc = desc_of(pd, dnnl_query_dst_md);
    out->memory = sum ? sum->memory : memory_new(out->desc, DNNL_MEMORY_ALLOCATE);
    g_hash_table_insert(network->blobs, sth_node_output(node, 0), out);
    CHECK(dnnl_primitive_create(&step.primitive, pd));
    step.args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, source.memory};
    step.args[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, weights.memory};
    step.args[2] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, memory_new(plain_desc(&bias->tensor.shape), bias->tensor.data)};
    step.args[3] = (dnnl_exec_arg_t){DNNL_ARG_DST, out->memory};
    g_array_append_val(network->steps, step);
}

static void run_network(const Network *network)
{
    for (guint i = 0; i < network->steps->len; i++)
        run_step(&g_array_index(network->steps, Step, i));
    CHECK(dnnl_stream_wait(stream));
}

/* The graph with what every user of oneDNN fuses, and nothing else. */
static SthGraph *open_graph(const char *path)
{
    static const char *const fuse[] = {"cancel_casts",    "drop_identity", "merge_equal",     "merge_transposes", "merge_views",
                                       "fuse_batch_norm", "fuse_residual", "fuse_activation", "drop_dead",        NULL};
    GError *error = NULL;
    SthGraph *graph = sth_onnx_load(path, 0, &error);
    guint n, changes = 1;
    const SthPass *const *passes = sth_pass_table(&n);

    while (graph && changes && sth_graph_infer(graph, &error)) {
        changes = 0;
        for (guint i = 0; i < n; i++)
            changes += g_strv_contains(fuse, passes[i]->name) ? passes[i]->run(graph) : 0;
    }
    if (error) {
        fprintf(stderr, "onednn-bench: %s\n", error->message);
        exit(1);
    }
    return graph;
}

/* Runs the graph by ourselves, with numbers in all values at its end; makes the network of its convolutions; and compares. */
static void make_network(Network *network, SthGraph *graph)
{
    GRand *dice = g_rand_new_with_seed(1);
    SthPool *pool = sth_pool_get();
    SthValue *first = NULL, *last = NULL;
    double difference = 0, largest = 0;

    for (guint i = 0; i < graph->inputs->len; i++) {
        SthValue *in = g_ptr_array_index(graph->inputs, i);
        const SthShape shape = in->tensor.shape;
        build_fill(in, &shape, dice);
    }
    sth_aligned_free(build_run(graph, pool, 1));
    for (guint i = 0; i < graph->nodes->len; i++) {
        SthNode *node = g_ptr_array_index(graph->nodes, i);
        if (strcmp(node->op_type, "Conv") != 0)
            continue;
        if (!first) {
            Blob *blob = g_new0(Blob, 1);
            first = sth_node_input(node, 0);
            blob->desc = plain_desc(&first->tensor.shape);
            blob->memory = memory_new(blob->desc, first->tensor.data);
            g_hash_table_insert(network->blobs, first, blob);
        }
        if (!g_hash_table_contains(network->blobs, sth_node_input(node, 0))) {
            fprintf(stderr, "onednn-bench: '%s': something stands between the convolutions\n", node->name);
            exit(1);
        }
        add_conv(network, node);
        last = sth_node_output(node, 0);
    }
    run_network(network);
    Blob plain = {.desc = plain_desc(&last->tensor.shape)};
    g_autofree float *result = g_malloc(sth_tensor_bytes(&last->tensor));
    plain.memory = memory_new(plain.desc, result);
    const Step back = reorder_step(g_hash_table_lookup(network->blobs, last), &plain);
    run_step(&back);
    CHECK(dnnl_stream_wait(stream));
    for (gint64 i = 0; i < sth_shape_elements(&last->tensor.shape); i++) {
        const double ours = ((const float *)last->tensor.data)[i];
        difference = MAX(difference, fabs(ours - result[i]));
        largest = MAX(largest, fabs(ours));
    }
    if (!(difference <= WORST * largest)) {
        fprintf(stderr, "onednn-bench: results differ by %g of %g\n", difference, largest);
        exit(1);
    }
    g_rand_free(dice);
}

static int compare_doubles(gconstpointer a, gconstpointer b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int threads = 1, iterations = 10;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {{"threads", 't', 0, G_OPTION_ARG_INT, &threads, "threads [1]", "N"},
                                    {"iterations", 'n', 0, G_OPTION_ARG_INT, &iterations, "timed runs [10]", "N"},
                                    {"json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL},
                                    G_OPTION_ENTRY_NULL};
    GOptionContext *context = g_option_context_new("MODEL.onnx");
    Network network = {g_array_new(FALSE, FALSE, sizeof(Step)), g_hash_table_new_full(NULL, NULL, NULL, g_free)};
    GError *error = NULL;
    const dnnl_version_t *version = dnnl_version();

    setlocale(LC_ALL, "C");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2 || iterations < 1) {
        fprintf(stderr, "onednn-bench: %s\n", error ? error->message : "one model is needed");
        return 2;
    }
    omp_set_num_threads(threads);
    CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
    CHECK(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    make_network(&network, open_graph(argv[1]));

    g_autofree double *times = g_new(double, iterations);
    for (int i = -WARM_UP; i < iterations; i++) {
        const gint64 start = g_get_monotonic_time();
        run_network(&network);
        if (i >= 0)
            times[i] = (double)(g_get_monotonic_time() - start) / 1e3;
    }
    qsort(times, (gsize)iterations, sizeof *times, compare_doubles);
    printf(json ? "{\"ms_min\": %.3f, \"ms_median\": %.3f, \"version\": \"%d.%d.%d\"}\n" : "%.2f ms fastest, %.2f ms median, oneDNN %d.%d.%d\n",
           times[0], times[iterations / 2], version->major, version->minor, version->patch);
    return 0;
}
