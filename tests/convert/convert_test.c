/* Video networks made of 2-D ones: each convolution against its definition, whole networks against the mean over frames, and what is refused.
 *
 * usage: convert-test MODEL2D.onnx…
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include <glib/gstdio.h>
#include <sth/sth.h>

#include "convert/convert.h"
#include "graph_builder.h"
#include "onnx/onnx-load.h"
#include "onnx/onnx-save.h"
#include "ops/op.h"

#define FRAMES 6

static char *path; /* of the file that a test writes */

static float noise(guint i)
{
    return (float)sin(i * 12.9898 + 1) * 0.7f;
}

/* Writes the graph, opens the file and runs it on noise; the input may be changed first. Frees the graph. */
static SthSession *run_graph(SthGraph *graph, void (*fill)(const SthTensor *input))
{
    GError *error = NULL;
    sth_onnx_save(graph, path, 0, &error);
    g_assert_no_error(error);
    sth_graph_free(graph);
    SthModel *model = sth_model_open(path, NULL, &error);
    g_assert_no_error(error);
    SthSession *session = sth_session_new(model, 1, &error);
    g_assert_no_error(error);
    fill(sth_session_get_input(session, 0));
    sth_session_run(session);
    sth_model_unref(model);
    return session;
}

static void fill_noise(const SthTensor *input)
{
    for (guint i = 0; i < sth_shape_elements(&input->shape); i++)
        ((float *)input->data)[i] = noise(i);
}

static const struct {
    const char *name;
    guint inputs, outputs, group; /* group: of the convolution */
    guint groups;                 /* of STH */
    gint64 stride, pads[4], dilation;
    const char *auto_pad;
    gint opset;
} rows[] = {
    {"dense", 8, 8, 1, 4, 1, {1, 1, 1, 1}, 1, NULL, 13},
    {"dense-half", 6, 4, 1, 2, 1, {1, 1, 1, 1}, 1, NULL, 13},
    {"dense-all", 4, 6, 1, 1, 1, {1, 1, 1, 1}, 1, NULL, 13},
    {"dense-uneven", 7, 5, 1, 3, 1, {1, 1, 1, 1}, 1, NULL, 13},
    {"dense-stride", 8, 8, 1, 4, 2, {1, 1, 1, 1}, 1, NULL, 13},
    {"dense-valid", 8, 8, 1, 4, 1, {0, 0, 0, 0}, 1, NULL, 13},
    {"dense-uneven-pads", 8, 8, 1, 4, 2, {0, 0, 1, 1}, 1, NULL, 13},
    {"dense-same", 8, 8, 1, 4, 2, {0}, 1, "SAME_UPPER", 13},
    {"dense-dilated", 8, 8, 1, 4, 1, {2, 2, 2, 2}, 2, NULL, 13},
    {"dense-opset-9", 8, 8, 1, 4, 1, {1, 1, 1, 1}, 1, NULL, 9},
    {"dense-opset-18", 8, 8, 1, 4, 2, {1, 1, 1, 1}, 1, NULL, 18},
    {"depthwise", 8, 8, 8, 4, 1, {1, 1, 1, 1}, 1, NULL, 13},
    {"depthwise-stride", 8, 8, 8, 4, 2, {1, 1, 1, 1}, 1, NULL, 11},
    {"depthwise-all", 4, 4, 4, 1, 1, {1, 1, 1, 1}, 1, NULL, 13},
};

/* image 1x3x6x7 -> 1x1 convolution -> two 3x3 convolutions one after the other -> mean over pixels: what is around gives the second one number 1. */
static SthGraph *build_network(guint row, guint n_convs)
{
    SthGraph *graph = sth_graph_new("test");
    SthValue *x = build_input(graph, "image", "1x3x6x7");
    guint channels = rows[row].inputs;
    g_autofree char *first = g_strdup_printf("%ux3x1x1", channels);
    x = sth_node_output(build_node(graph, "Conv", "first", x, build_constant(graph, "first/w", first, NULL), NULL, NULL), 0);
    for (guint k = 0; k < n_convs; k++) {
        guint out = k == 0 ? rows[row].outputs : rows[row].inputs;
        g_autofree char *name = g_strdup_printf("conv%u", k), *w_name = g_strdup_printf("w%u", k), *b_name = g_strdup_printf("b%u", k);
        g_autofree char *w_shape = g_strdup_printf("%ux%ux3x3", out, channels / rows[row].group), *b_shape = g_strdup_printf("%u", out);
        SthValue *w = build_constant(graph, w_name, w_shape, NULL), *b = build_constant(graph, b_name, b_shape, NULL);
        for (guint i = 0; i < sth_shape_elements(&w->tensor.shape); i++)
            ((float *)w->tensor.data)[i] = noise(i + 77 * k);
        SthNode *conv = build_node(graph, "Conv", name, x, w, b, NULL);
        sth_node_set_ints(conv, "strides", (gint64[]){rows[row].stride, rows[row].stride}, 2);
        sth_node_set_ints(conv, "dilations", (gint64[]){rows[row].dilation, rows[row].dilation}, 2);
        sth_node_set_int(conv, "group", rows[row].group);
        if (rows[row].auto_pad != NULL)
            sth_node_set_string(conv, "auto_pad", rows[row].auto_pad);
        else
            sth_node_set_ints(conv, "pads", rows[row].pads, 4);
        x = sth_node_output(conv, 0);
        channels = out;
    }
    x = sth_node_output(build_node(graph, "GlobalAveragePool", "pool", x, NULL, NULL, NULL), 0);
    build_output(graph, sth_node_output(build_node(graph, "Flatten", "scores", x, NULL, NULL, NULL), 0));
    graph->opset = rows[row].opset;
    for (guint i = 0; i < graph->nodes->len; i++)
        ((SthNode *)graph->nodes->pdata[i])->opset = graph->opset;
    return graph;
}

static void convert(SthGraph *graph, guint groups)
{
    GError *error = NULL;
    GString *log = g_string_new(NULL);
    const SthConversion conversion = {.frames = FRAMES, .fraction = groups > 0 ? 1.0 / groups : 0};
    sth_graph_to_video(graph, &conversion, log, &error);
    g_assert_no_error(error);
    g_test_message("%s", g_strchomp(log->str));
    g_string_free(log, TRUE);
}

static gboolean is_temporal(guint row, guint output, guint input)
{
    gint64 first, last, o, o_end;
    if (rows[row].group > 1) {
        sth_channel_part(rows[row].inputs, rows[row].groups, 0, &first, &last);
        return (gint64)output >= first && (gint64)output < last;
    }
    for (guint g = 0; g < rows[row].groups; g++) {
        sth_channel_part(rows[row].outputs, rows[row].groups, g, &o, &o_end);
        sth_channel_part(rows[row].inputs, rows[row].groups, g, &first, &last);
        if ((gint64)output >= o && (gint64)output < o_end)
            return (gint64)input >= first && (gint64)input < last;
    }
    return FALSE;
}

/* The definition, by kernels of the 2-D convolution: of temporal channels the sum of the taps at the centre. */
static void write_definition(SthGraph *graph, guint row)
{
    SthValue *w = sth_node_input(graph->nodes->pdata[1], 1);
    guint per_output = rows[row].inputs / rows[row].group;
    float *taps = w->tensor.data;
    for (guint o = 0; o < rows[row].outputs; o++)
        for (guint i = 0; i < per_output; i++, taps += 9) {
            if (!is_temporal(row, o, i))
                continue;
            double sum = 0;
            for (guint k = 0; k < 9; k++)
                sum += taps[k];
            memset(taps, 0, 9 * sizeof *taps);
            taps[4] = (float)sum;
        }
}

static void compare(SthSession *got, SthSession *want, double tolerance)
{
    const SthTensor *a = sth_session_get_output(got, 0), *b = sth_session_get_output(want, 0);
    g_assert_true(sth_shape_equal(&a->shape, &b->shape));
    for (guint i = 0; i < sth_shape_elements(&a->shape); i++)
        g_assert_cmpfloat_with_epsilon(((float *)a->data)[i], ((float *)b->data)[i], tolerance);
    sth_session_free(got);
    sth_session_free(want);
}

static void test_row(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    SthGraph *defined = build_network(row, 1), *converted = build_network(row, 1);
    write_definition(defined, row);
    convert(defined, 0);
    convert(converted, rows[row].groups);
    for (guint i = 0; i < converted->nodes->len; i++)
        g_assert_cmpstr(((SthNode *)converted->nodes->pdata[i])->name, !=, "conv0");
    compare(run_graph(converted, fill_noise), run_graph(defined, fill_noise), 1e-5);
}

static gint64 count_weights(const SthGraph *graph, const char *prefix)
{
    gint64 n = 0;
    for (guint i = 0; i < graph->values->len; i++) {
        const SthValue *value = graph->values->pdata[i];
        if (value->constant != NULL && g_str_has_prefix(value->name, prefix) && g_str_has_suffix(value->name, "/weight"))
            n += sth_shape_elements(&value->tensor.shape);
    }
    return n;
}

/* 9(1-p) + 3p weights a pair of channels. */
static void test_parameters(void)
{
    SthGraph *dense = build_network(0, 1), *depthwise = build_network(11, 1);
    convert(dense, 4);
    g_assert_cmpint(count_weights(dense, "conv0/"), ==, 8 * 8 * (9 * 3 + 3) / 4);
    sth_graph_free(dense);
    convert(depthwise, 4);
    g_assert_cmpint(count_weights(depthwise, "conv0/"), ==, 8 * (9 * 3 + 3) / 4);
    sth_graph_free(depthwise);
}

static gint64 first_channel(const SthGraph *graph, const char *node)
{
    g_autofree char *name = g_strdup_printf("%s/starts", node);
    for (guint i = 0; i < graph->values->len; i++) {
        const SthValue *value = graph->values->pdata[i];
        if (value->constant != NULL && strcmp(value->name, name) == 0)
            return *(const gint64 *)value->tensor.data;
    }
    return -1;
}

/* Every input channel meets temporal kernels in one group of each convolution, in another one in the next. */
static void test_rotation(void)
{
    static const gint64 expected[2][4] = {{0, 2, 4, 6}, {2, 4, 6, 0}};
    SthGraph *graph = build_network(0, 2);
    convert(graph, 4);
    for (guint k = 0; k < 2; k++)
        for (guint g = 0; g < 4; g++) {
            g_autofree char *node = g_strdup_printf("conv%u/within%u", k, g);
            g_assert_cmpint(first_channel(graph, node), ==, expected[k][g]);
        }
    sth_graph_free(graph);
}

static void fill_flat(const SthTensor *input)
{
    gsize pixels = 6 * 7;
    for (gsize i = 0; i < FRAMES * 3 * pixels; i++)
        ((float *)input->data)[i] = (float)(1 + i / pixels % 3);
}

/* A still, flat image, away from the borders: nothing changes. */
static void test_still_flat_image(void)
{
    SthGraph *before = build_network(5, 2), *after = build_network(5, 2);
    convert(before, 0);
    convert(after, 4);
    compare(run_graph(after, fill_flat), run_graph(before, fill_flat), 2e-3);
}

/* A real network with a fraction of 0: the mean of its answers to the frames, a few at a time as its file has it. */
static void test_mean_over_frames(gconstpointer data)
{
    const char *original = data;
    GError *error = NULL;
    SthGraph *graph = sth_onnx_load(original, 0, &error);
    g_assert_no_error(error);
    convert(graph, 0);
    SthSession *video = run_graph(graph, fill_noise);
    const SthTensor *clip = sth_session_get_input(video, 0), *mean = sth_session_get_output(video, 0);
    SthModel *model = sth_model_open(original, NULL, &error);
    g_assert_no_error(error);
    SthSession *image = sth_session_new(model, 1, &error);
    const SthTensor *input = sth_session_get_input(image, 0), *scores = sth_session_get_output(image, 0);
    gsize n = (gsize)sth_shape_elements(&mean->shape), bytes = sth_tensor_bytes(input), batch = (gsize)input->shape.dims[0];
    g_autofree double *sum = g_new0(double, n);
    g_assert_cmpint(mean->shape.dims[0], ==, 1);
    g_assert_cmpuint(FRAMES * bytes, ==, sth_tensor_bytes(clip) * batch);
    for (guint t = 0; t < FRAMES / batch; t++) {
        /* What fill_noise() gave the clip: a session's input is no longer there after a run. */
        for (guint i = 0; i < bytes / sizeof(float); i++)
            ((float *)input->data)[i] = noise((guint)(t * bytes / sizeof(float)) + i);
        sth_session_run(image);
        for (gsize k = 0; k < n * batch; k++)
            sum[k % n] += ((const float *)scores->data)[k] / FRAMES;
    }
    double largest = 0;
    for (gsize k = 0; k < n; k++)
        largest = MAX(largest, fabs(sum[k]));
    for (gsize k = 0; k < n; k++)
        g_assert_cmpfloat(fabs(((const float *)mean->data)[k] - sum[k]), <, 1e-5 * largest);
    sth_session_free(video);
    sth_session_free(image);
    sth_model_unref(model);
}

/* The same with STH in it: a clip network with finite scores, which a stream can take. */
static void test_clip_network(gconstpointer data)
{
    GError *error = NULL;
    SthGraph *graph = sth_onnx_load(data, 0, &error);
    g_assert_no_error(error);
    convert(graph, 4);
    SthSession *session = run_graph(graph, fill_noise);
    const SthTensor *scores = sth_session_get_output(session, 0);
    for (guint k = 0; k < sth_shape_elements(&scores->shape); k++)
        g_assert_true(isfinite(((const float *)scores->data)[k]));
    SthModel *model = sth_model_open(path, NULL, &error);
    g_assert_no_error(error);
    const SthModelInfo *info = sth_model_get_info(model, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(info->frames, ==, FRAMES);
    g_assert_cmpint(info->layout, ==, STH_LAYOUT_TCHW);
    g_assert_cmpint(info->n_classes, ==, scores->shape.dims[1]);
    sth_session_free(session);
    sth_model_unref(model);
}

static void expect_refusal(SthGraph *graph, SthConversion conversion, SthErrorCode code, const char *words)
{
    GError *error = NULL;
    g_autoptr(GString) log = g_string_new(NULL);
    g_assert_false(sth_graph_to_video(graph, &conversion, log, &error));
    g_assert_error(error, STH_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, words));
    g_error_free(error);
    sth_graph_free(graph);
}

static SthGraph *one_relu(const char *shape)
{
    SthGraph *graph = sth_graph_new("odd.onnx");
    SthValue *x = build_input(graph, "x", shape);
    build_output(graph, sth_node_output(build_node(graph, "Relu", "y", x, NULL, NULL, NULL), 0));
    graph->opset = 13;
    return graph;
}

static void test_refusals(void)
{
    const SthConversion usual = {.frames = 8, .fraction = 0.25};
    expect_refusal(one_relu("1x3x8x8"), (SthConversion){.frames = 8, .fraction = 0.7}, STH_ERROR_ARGUMENT, "fraction 0.7: must be 0, or one n-th");
    expect_refusal(one_relu("1x3x8x8"), (SthConversion){.frames = 0, .fraction = 0.25}, STH_ERROR_ARGUMENT, "0 frames: must be 1 to 4096");
    expect_refusal(one_relu("1x8x3x8x8"), usual, STH_ERROR_SHAPE, "'odd.onnx' is no 2-D image classifier: its input 'x' is float32 1x8x3x8x8");
    expect_refusal(one_relu("1x1x8x8"), usual, STH_ERROR_SHAPE, "an image is float32 Nx3xHxW");
    expect_refusal(one_relu("1x3x8x8"), usual, STH_ERROR_SHAPE, "for 8 images its output 'y' is float32 8x3x8x8; scores are float32 NxCLASSES");
    SthGraph *two = one_relu("1x3x8x8");
    build_input(two, "z", "1x3x8x8");
    expect_refusal(two, usual, STH_ERROR_SHAPE, "it has 2 inputs");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    char *folder = g_dir_make_tmp("sth-convert-XXXXXX", NULL);
    path = g_build_filename(folder, "video.onnx", NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/convert/convolution/%s", rows[i].name);
        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/convert/parameters", test_parameters);
    g_test_add_func("/convert/rotation", test_rotation);
    g_test_add_func("/convert/still-flat-image", test_still_flat_image);
    for (int i = 1; i < argc; i++) {
        g_autofree char *base = g_path_get_basename(argv[i]);
        g_autofree char *mean = g_strconcat("/convert/mean-over-frames/", base, NULL), *clip = g_strconcat("/convert/clip-network/", base, NULL);
        g_test_add_data_func(mean, argv[i], test_mean_over_frames);
        g_test_add_data_func(clip, argv[i], test_clip_network);
    }
    g_test_add_func("/convert/refusals", test_refusals);
    int result = g_test_run();
    g_unlink(path);
    g_rmdir(folder);
    g_free(path);
    g_free(folder);
    return result;
}
