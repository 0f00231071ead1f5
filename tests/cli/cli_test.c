/* The tool `sth` from outside: what it writes, what it says when it cannot, how it exits.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/npy.h"
#include "tool.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define GOLDEN "sth_dense_form_a"
#define TOLERANCE 1e-4 /* of golden outputs, relative to the largest: summation orders differ between kernels */

static char *golden(const char *name, const char *suffix)
{
    return g_strdup_printf("%s/%s%s", g_getenv("STH_GOLDENS"), name, suffix);
}

static void test_help(void)
{
    static const char *const names[] = {"classify", "inspect", "bench", "run"};
    Outcome all = sth("--help");
    g_assert_cmpint(all.code, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        assert_contains(all.out, names[i]);
        Outcome one = sth("help %s", names[i]);
        g_assert_cmpint(one.code, ==, 0);
        assert_contains(one.out, "Usage:");
        outcome_clear(&one);
    }
    outcome_clear(&all);
    Outcome version = sth("--version");
    g_assert_cmpint(version.code, ==, 0);
    g_assert_true(g_str_has_prefix(version.out, "sth "));
    assert_contains(version.out, "OpenBLAS");
    outcome_clear(&version);
}

static void test_usage(void)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"", "usage:"},
        {"fly", "no command 'fly'"},
        {"help fly", "no command 'fly'"},
        {"run", "no model given"},
        {"run x.onnx --input x.npy", "no --output given"},
        {"bench x.onnx --iterations 0", "--iterations 0"},
        {"bench x.onnx --threads -1", "--threads -1"},
        {"bench x.onnx --layers -1", "--layers -1"},
        {"inspect x.onnx y.onnx", "more than one model"},
        {"inspect --colour", "--colour"},
        {"classify", "no file, folder or URI given"},
        {"classify x.mp4 --format xml", "ndjson"},
        {"classify x.mp4 y.mp4 --format vtt", "one file at a time"},
        {"classify x.mp4 --clip --format vtt", "--clip"},
        {"classify x.mp4 --top-k 99", "--top-k 99"},
        {"classify x.mp4 --threshold 2", "--threshold 2"},
        {"classify x.mp4 --emit nothing", "--emit nothing"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        expect_failure(sth("%s", cases[i].line), 2, cases[i].says);
}

/* Largest difference of two float tensors, relative to the largest value of the second. */
static double compare_npy(const char *have_path, const char *want_path)
{
    GError *error = NULL;
    SthTensor have, want;
    GBytes *have_bytes = sth_npy_load(have_path, &have, &error);
    g_assert_no_error(error);
    GBytes *want_bytes = sth_npy_load(want_path, &want, &error);
    g_assert_no_error(error);
    g_assert_cmpint(have.dtype, ==, STH_DTYPE_FLOAT);
    g_assert_true(sth_shape_equal(&have.shape, &want.shape));
    double worst = 0, largest = 0;
    for (gint64 i = 0; i < sth_shape_elements(&want.shape); i++) {
        double difference = fabs((double)((float *)have.data)[i] - (double)((float *)want.data)[i]);
        g_assert_true(isfinite(difference));
        worst = MAX(worst, difference);
        largest = MAX(largest, fabs((double)((float *)want.data)[i]));
    }
    g_bytes_unref(have_bytes);
    g_bytes_unref(want_bytes);
    g_assert_cmpfloat(largest, >, 0);
    return worst / largest;
}

static void test_run_goldens(void)
{
    GDir *dir = g_dir_open(g_getenv("STH_GOLDENS"), 0, NULL);
    const char *file;
    guint n = 0;
    g_assert_nonnull(dir);
    while ((file = g_dir_read_name(dir)) != NULL) {
        if (!g_str_has_suffix(file, ".onnx"))
            continue;
        g_autofree char *name = g_strndup(file, strlen(file) - strlen(".onnx"));
        g_autofree char *model = golden(name, ".onnx"), *in = golden(name, ".in.npy"), *want = golden(name, ".out.npy"), *out = scratch("out.npy");
        Outcome outcome = sth("run %s --input %s --output %s", model, in, out);
        if (outcome.code != 0)
            g_error("%s", outcome.err);
        g_assert_cmpstr(outcome.out, ==, "");
        double difference = compare_npy(out, want);
        g_test_message("%s: %g", name, difference);
        g_assert_cmpfloat(difference, <, TOLERANCE);
        outcome_clear(&outcome);
        n++;
    }
    g_dir_close(dir);
    g_assert_cmpuint(n, >=, 10);
}

static void test_model_options(void)
{
    g_autofree char *model = golden(GOLDEN, ".onnx");
    Outcome outcome = sth("inspect --layout ncthw --window-size 6 %s", model);
    g_assert_cmpint(outcome.code, ==, 0);
    outcome_clear(&outcome);
    g_autofree char *frames = golden("foreign/resnet18", ".onnx"); /* scores of each frame */
    outcome = sth("inspect %s", frames);
    g_assert_nonnull(strstr(outcome.out, "of each of the 2 frames; their mean counts"));
    outcome_clear(&outcome);
    expect_failure(sth("inspect --layout nchwt %s", model), 1, "--layout nchwt: must be NTCHW, NCTHW, TCHW, NTHWC or THWC");
    expect_failure(sth("inspect --layout ntchw %s", model), 1, "layout NTCHW does not fit its input");
    expect_failure(sth("bench --window-size 7 %s", model), 1, "a window of 7 frames was asked for, but the model takes 6");
    expect_failure(sth("run --window-size=-1 %s --output x.npy", model), 1, "--window-size -1: must be a number of frames");
}

static void test_run_errors(void)
{
    g_autofree char *model = golden(GOLDEN, ".onnx"), *in = golden(GOLDEN, ".in.npy"), *wrong = golden(GOLDEN, ".out.npy");
    g_autofree char *out = scratch("refused.npy"), *nowhere = scratch("no/such/folder.npy");
    expect_failure(sth("run no-such.onnx --input %s --output %s", in, out), 1, "no-such.onnx");
    expect_failure(sth("run %s --input %s --output %s", in, in, out), 1, GOLDEN ".in.npy");
    expect_failure(sth("run %s --input no-such.npy --output %s", model, out), 1, "no-such.npy");
    expect_failure(sth("run %s --input %s --output %s", model, model, out), 1, GOLDEN ".onnx");
    expect_failure(sth("run %s --input %s --output %s", model, wrong, out), 1, "takes float32");
    expect_failure(sth("run %s --output %s", model, out), 1, "takes 1 --input");
    expect_failure(sth("run %s --input %s --input %s --output %s", model, in, in, out), 1, "given: 2");
    expect_failure(sth("run %s --input %s --output %s --output %s", model, in, out, out), 1, "1 outputs");
    g_assert_false(g_file_test(out, G_FILE_TEST_EXISTS));
    expect_failure(sth("run %s --input %s --output %s", model, in, nowhere), 1, "folder.npy");
}

/* Metadata that a model is given, as one more field of the file: protobuf's files may be joined. */
static void test_inspect_commit(void)
{
    static const guint8 entry[] = "\x72\x17\x0a\x0a"
                                  "sth.commit"
                                  "\x12\x09"
                                  "1a2b3c4d+";
    g_autofree char *model = golden(GOLDEN, ".onnx"), *path = scratch("commit.onnx"), *bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;
    g_file_get_contents(model, &bytes, &size, &error);
    g_assert_no_error(error);
    g_autofree char *joined = g_malloc(size + sizeof entry - 1);
    memcpy(joined, bytes, size);
    memcpy(joined + size, entry, sizeof entry - 1);
    g_file_set_contents(path, joined, (gssize)(size + sizeof entry - 1), &error);
    g_assert_no_error(error);
    Outcome outcome = sth("inspect %s", model);
    g_assert_null(strstr(outcome.out, "Made by"));
    outcome_clear(&outcome);
    outcome = sth("inspect %s", path);
    assert_contains(outcome.out, "Made by      1a2b3c4d+\n");
    outcome_clear(&outcome);
}

static void test_inspect(void)
{
    static const char *const parts[] = {
        "Input", "Output", "float32", "GMAC", "parameters", "Memory", "Kernels", "Passes", "Graph of the file", "Graph that runs", "Conv"};
    g_autofree char *model = golden(GOLDEN, ".onnx");
    g_autofree char *dot = g_build_filename(g_get_tmp_dir(), "inspect.dot", NULL);
    g_autofree char *text = NULL;
    Outcome outcome = sth("inspect --graph --dot %s %s", dot, model);
    g_assert_cmpint(outcome.code, ==, 0);
    g_assert_cmpstr(outcome.err, ==, "");
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        assert_contains(outcome.out, parts[i]);
    /* What was fused is a node of its own in the file only. */
    char *runs = strstr(outcome.out, "Graph that runs");
    g_assert_nonnull(strstr(strstr(outcome.out, "Graph of the file"), "= Relu("));
    g_assert_null(strstr(runs, "= Relu("));
    g_assert_nonnull(strstr(runs, "fused: "));
    outcome_clear(&outcome);
    g_assert_true(g_file_get_contents(dot, &text, NULL, NULL));
    g_assert_cmpint(g_remove(dot), ==, 0);
    assert_contains(text, "digraph");
    assert_contains(text, "[label=\"Conv\\n");
    assert_contains(text, "-> \"scores\"");
    expect_failure(sth("inspect --dot /nowhere/x.dot %s", model), 1, "/nowhere/x.dot");

    Outcome installed = sth("inspect"); /* GST_STH_MODEL */
    g_assert_cmpint(installed.code, ==, 0);
    assert_contains(installed.out, "8 frames of ");
    assert_contains(installed.out, "Labels");
    outcome_clear(&installed);
}

static void run_ok(const char *format, const char *a, const char *b, const char *c)
{
    Outcome outcome = sth(format, a, b, c);
    if (outcome.code != 0)
        g_error("%s", outcome.err);
    outcome_clear(&outcome);
}

/* The file computes the same, bit for bit, with fewer nodes. */
static void test_optimize(void)
{
    g_autofree char *model = golden("sth_two_frames_form_d", ".onnx"), *in = golden("sth_two_frames_form_d", ".in.npy");
    g_autofree char *smaller = scratch("smaller.onnx"), *before = scratch("before.npy"), *after = scratch("after.npy");
    Outcome outcome = sth("optimize %s --output %s", model, smaller);
    g_assert_cmpint(outcome.code, ==, 0);
    assert_contains(outcome.out, "nodes, ");
    outcome_clear(&outcome);
    run_ok("run %s --input %s --output %s", model, in, before);
    run_ok("run %s --input %s --output %s", smaller, in, after);
    g_assert_cmpfloat(compare_npy(after, before), ==, 0);
    expect_failure(sth("optimize %s --output %s", in, smaller), 1, ".in.npy");
    expect_failure(sth("optimize %s", model), 2, "no --output given");
}

/* An image network becomes a clip network; without temporal channels it gives the mean of the frames' scores. */
static void test_convert(void)
{
    enum { FRAMES = 2, PIXELS = 3 * 32 * 32 };
    static float pixels[FRAMES * PIXELS];
    g_autofree char *model = golden("foreign/resnet18", ".onnx"), *in = scratch("clip.npy"), *video = scratch("video.onnx");
    g_autofree char *each = scratch("each.npy"), *mean = scratch("mean.npy"), *want = scratch("want.npy");
    SthTensor clip = {.dtype = STH_DTYPE_FLOAT, .shape = {4, {FRAMES, 3, 32, 32}}, .data = pixels}, scores;
    GError *error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(pixels); i++)
        pixels[i] = sinf(0.37f * (float)i) * (i < PIXELS ? 1.f : 0.5f);
    g_assert_true(sth_npy_save(in, &clip, &error));
    run_ok("convert %s --frames 2 --fraction 0 --output %s%s", model, video, "");
    run_ok("run %s --input %s --output %s", video, in, mean);
    run_ok("run %s --input %s --output %s", model, in, each);
    GBytes *bytes = sth_npy_load(each, &scores, &error);
    g_assert_no_error(error);
    gint64 classes = scores.shape.dims[1];
    for (gint64 i = 0; i < classes; i++)
        ((float *)scores.data)[i] = (((float *)scores.data)[i] + ((float *)scores.data)[classes + i]) / 2;
    scores.shape.dims[0] = 1;
    g_assert_true(sth_npy_save(want, &scores, &error));
    g_bytes_unref(bytes);
    g_assert_cmpfloat(compare_npy(mean, want), <, TOLERANCE);

    run_ok("convert %s --frames 2 --fraction 0.25 --output %s%s", model, video, "");
    run_ok("run %s --input %s --output %s", video, in, mean);
    g_assert_cmpfloat(compare_npy(mean, want), >, TOLERANCE);
    expect_failure(sth("convert %s --fraction 0.3 --output %s", model, video), 1, "0.3");
    g_autofree char *clips = golden(GOLDEN, ".onnx");
    expect_failure(sth("convert %s --output %s", clips, video), 1, GOLDEN);
}

static JsonObject *parse_line(const char *line, JsonParser *parser)
{
    GError *error = NULL;
    json_parser_load_from_data(parser, line, -1, &error);
    g_assert_no_error(error);
    return json_node_get_object(json_parser_get_root(parser));
}

/* The layers' operations are the model's, and what has some has a speed. */
static void check_layers(JsonArray *layers, double gmacs)
{
    double sum = 0;
    gboolean by_method = FALSE;
    for (guint i = 0; i < json_array_get_length(layers); i++) {
        JsonObject *layer = json_array_get_object_element(layers, i);
        double own = json_object_get_double_member(layer, "gmacs");
        g_assert_nonnull(json_object_get_string_member(layer, "name"));
        g_assert_nonnull(json_object_get_string_member(layer, "op"));
        by_method = by_method || json_object_has_member(layer, "method");
        if (own > 0) {
            g_assert_cmpfloat(json_object_get_double_member(layer, "ms"), >, 0);
            g_assert_cmpfloat(json_object_get_double_member(layer, "gflops"), >, 0);
        }
        sum += own;
    }
    g_assert_true(by_method);
    g_assert_cmpfloat_with_epsilon(sum, gmacs, 1e-4 * gmacs);
}

static void test_bench(void)
{
    g_autofree char *model = golden(GOLDEN, ".onnx");
    JsonParser *parser = json_parser_new();
    Outcome outcome = sth("bench --json --threads 1 --iterations 3 %s", model);
    g_assert_cmpint(outcome.code, ==, 0);
    JsonObject *figures = parse_line(outcome.out, parser);
    g_assert_cmpfloat(json_object_get_double_member(figures, "ms_min"), >, 0);
    g_assert_cmpfloat(json_object_get_double_member(figures, "ms_median"), >=, json_object_get_double_member(figures, "ms_min"));
    g_assert_cmpfloat(json_object_get_double_member(figures, "gmacs"), >, 0);
    g_assert_cmpfloat(json_object_get_double_member(figures, "gflops_peak"), >, 0);
    g_assert_cmpfloat(json_object_get_double_member(figures, "percent_of_peak"), >, 0);
    g_assert_cmpfloat(json_object_get_double_member(figures, "windows_per_second"), >, 0);
    g_assert_cmpfloat(json_object_get_double_member(figures, "ms_open"), >, 0);
    g_assert_cmpint(json_object_get_int_member(figures, "session_bytes"), >, 0);
    g_assert_cmpint(json_object_get_int_member(figures, "threads"), ==, 1);
    g_assert_cmpint(json_object_get_int_member(figures, "iterations"), ==, 3);
    assert_contains(json_object_get_string_member(figures, "kernels"), "OpenBLAS");
    check_layers(json_object_get_array_member(figures, "layers"), json_object_get_double_member(figures, "gmacs"));
    g_object_unref(parser);
    outcome_clear(&outcome);

    Outcome table = sth("bench --iterations 2 %s", model);
    g_assert_cmpint(table.code, ==, 0);
    assert_contains(table.out, "GFLOP/s");
    assert_contains(table.out, "Opened    in ");
    assert_contains(table.out, "windows a second");
    assert_contains(table.out, "slowest of");
    outcome_clear(&table);

    Outcome all = sth("bench --iterations 1 --layers 0 %s", model);
    g_assert_cmpint(all.code, ==, 0);
    g_assert_null(strstr(all.out, "slowest of"));
    outcome_clear(&all);
}

static void test_bench_stream(void)
{
    g_autofree char *model = golden(GOLDEN, ".onnx");
    JsonParser *parser = json_parser_new();
    Outcome outcome = sth("bench --stream --json --threads 1 --iterations 3 %s", model);
    g_assert_cmpint(outcome.code, ==, 0);
    JsonObject *figures = parse_line(outcome.out, parser);
    JsonArray *strides = json_object_get_array_member(figures, "strides");
    g_assert_cmpuint(json_array_get_length(strides), ==, 3);
    for (guint i = 0; i < 3; i++) {
        JsonObject *stride = json_array_get_object_element(strides, i);
        g_assert_cmpint(json_object_get_int_member(stride, "stride"), >, 0);
        g_assert_cmpfloat(json_object_get_double_member(stride, "ms_kept"), >=, json_object_get_double_member(stride, "ms_kept_min"));
        g_assert_cmpfloat(json_object_get_double_member(stride, "gain"), >, 0);
    }
    g_object_unref(parser);
    outcome_clear(&outcome);

    Outcome table = sth("bench --stream --iterations 2 %s", model);
    g_assert_cmpint(table.code, ==, 0);
    assert_contains(table.out, "Kept ");
    outcome_clear(&table);
    expect_failure(sth("bench --stream no-such-file.onnx"), 1, "no-such-file.onnx");
}

/* A result's best label is its first, confidences fall and lie in 0…1. */
static void check_top(JsonArray *top)
{
    double before = 1;
    for (guint i = 0; i < json_array_get_length(top); i++) {
        JsonObject *score = json_array_get_object_element(top, i);
        double confidence = json_object_get_double_member(score, "confidence");
        g_assert_nonnull(json_object_get_string_member(score, "label"));
        g_assert_cmpfloat(confidence, >=, 0);
        g_assert_cmpfloat(confidence, <=, before);
        before = confidence;
    }
}

static void test_classify_clip(void)
{
    const char *clip = g_getenv("STH_CLIP");
    g_autofree char *broken = scratch("broken.mp4");
    g_assert_true(g_file_set_contents(broken, "no video", -1, NULL));
    JsonParser *parser = json_parser_new();
    Outcome outcome = sth("classify --clip --top-k 3 no-such.mp4 %s %s %s", clip, broken, clip);
    g_assert_cmpint(outcome.code, ==, 1);
    assert_contains(outcome.err, "no-such.mp4");
    assert_contains(outcome.err, "broken.mp4");
    g_auto(GStrv) lines = g_strsplit(g_strchomp(outcome.out), "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 2);
    g_assert_cmpstr(lines[0], ==, lines[1]); /* the same file gives the same bits */
    JsonObject *result = parse_line(lines[0], parser);
    JsonArray *top = json_object_get_array_member(result, "top");
    g_assert_cmpstr(json_object_get_string_member(result, "file"), ==, clip);
    g_assert_cmpuint(json_array_get_length(top), ==, 3);
    g_assert_cmpstr(json_object_get_string_member(result, "label"), ==,
                    json_object_get_string_member(json_array_get_object_element(top, 0), "label"));
    check_top(top);
    g_object_unref(parser);
    outcome_clear(&outcome);
}

static void test_classify_sliding(void)
{
    const char *clip = g_getenv("STH_CLIP");
    JsonParser *parser = json_parser_new();
    Outcome outcome = sth("classify %s", clip), again = sth("classify --threads 1 %s", clip);
    g_assert_cmpint(outcome.code, ==, 0);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(outcome.out), "\n", -1);
    g_auto(GStrv) lines_again = g_strsplit(g_strchomp(again.out), "\n", -1);
    guint n = g_strv_length(lines);
    gint64 before = -1;
    g_assert_cmpuint(n, >=, 2);
    g_assert_cmpuint(n, ==, g_strv_length(lines_again));
    for (guint i = 0; i < n; i++) {
        JsonObject *result = parse_line(lines[i], parser);
        g_assert_cmpstr(json_object_get_string_member(result, "source"), ==, clip);
        gint64 timestamp = json_object_get_int_member(result, "timestamp");
        g_assert_cmpint(timestamp, >=, before);
        before = timestamp;
        g_assert_true(json_object_has_member(result, "objects"));
    }
    g_object_unref(parser);
    outcome_clear(&outcome);
    outcome_clear(&again);

    Outcome subtitles = sth("classify --format vtt %s", clip);
    g_assert_cmpint(subtitles.code, ==, 0);
    g_assert_true(g_str_has_prefix(subtitles.out, "WEBVTT\n"));
    outcome_clear(&subtitles);
}

static void test_classify_errors(void)
{
    g_autofree char *text = scratch("text.mp4");
    g_assert_true(g_file_set_contents(text, "this is no video, but some text\n", -1, NULL));
    expect_failure(sth("classify --model no-such.onnx %s", text), 1, "no-such.onnx");
    expect_failure(sth("classify %s", text), 1, "text.mp4");
    expect_failure(sth("classify file:///no/such/file.mp4"), 1, "file.mp4");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("sth-cli-XXXXXX", NULL);
    g_test_add_func("/cli/help", test_help);
    g_test_add_func("/cli/usage", test_usage);
    g_test_add_func("/cli/run/goldens", test_run_goldens);
    g_test_add_func("/cli/model-options", test_model_options);
    g_test_add_func("/cli/run/errors", test_run_errors);
    g_test_add_func("/cli/inspect", test_inspect);
    g_test_add_func("/cli/inspect/commit", test_inspect_commit);
    g_test_add_func("/cli/optimize", test_optimize);
    g_test_add_func("/cli/convert", test_convert);
    g_test_add_func("/cli/bench", test_bench);
    g_test_add_func("/cli/bench/stream", test_bench_stream);
    g_test_add_func("/cli/classify/clip", test_classify_clip);
    g_test_add_func("/cli/classify/sliding", test_classify_sliding);
    g_test_add_func("/cli/classify/errors", test_classify_errors);
    int code = g_test_run();
    static const char *const left[] = {"out.npy", "broken.mp4", "text.mp4"};
    for (guint i = 0; i < G_N_ELEMENTS(left); i++) {
        g_autofree char *path = scratch(left[i]);
        g_remove(path);
    }
    g_rmdir(folder);
    g_free(folder);
    return code;
}
