/* Opening models: sharing, what a model says of itself, and everything that may be wrong with it.
 *
 * usage: model-test DEFAULT-MODEL.onnx CONFORMANCE-FOLDER
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <unistd.h>
#include <string.h>

#include <sth/sth-error.h>
#include <sth/sth-session.h>

static const char *default_model, *conformance;
static char *folder; /* of the running test's files */

static char *file_in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static char *write_file(const char *name, const char *content, gssize length)
{
    char *path = file_in_folder(name);

    g_assert_true(g_file_set_contents(path, content, length, NULL));
    return path;
}

/* The default model under another name, so that a sidecar may lie beside it. */
static char *copy_model(const char *name, double part)
{
    g_autofree char *content = NULL;
    gsize length;

    g_assert_true(g_file_get_contents(default_model, &content, &length, NULL));
    return write_file(name, content, (gssize)((double)length * part));
}

static void expect_error(const char *path, const SthModelOptions *options, SthErrorCode code, const char *words)
{
    g_autoptr(GError) error = NULL;
    SthModel *model = sth_model_open(path, options, &error);

    g_assert_null(model);
    g_assert_error(error, STH_ERROR, (int)code);
    if (!strstr(error->message, words))
        g_error("'%s' should contain '%s'", error->message, words);
    g_assert_null(strchr(error->message, '\n'));
}

static SthModel *open_model(const char *path, const SthModelOptions *options)
{
    g_autoptr(GError) error = NULL;
    SthModel *model = sth_model_open(path, options, &error);

    g_assert_no_error(error);
    return model;
}

static void test_default_model(void)
{
    SthModel *model = open_model(default_model, NULL);
    const SthModelInfo *info = sth_model_get_info(model, NULL);
    const SthTensor *tensor;
    g_autofree char *text = sth_model_describe_graph(model);

    g_assert_nonnull(info);
    g_assert_cmpuint(info->frames, ==, 8);
    g_assert_cmpuint(info->n_classes, ==, 106);
    g_assert_cmpstr(info->labels[0], ==, "GOOD MORNING");
    g_assert_cmpint(info->background_label, ==, 105);
    g_assert_cmpint(info->layout, ==, STH_LAYOUT_NCTHW);
    g_assert_cmpfloat(info->mean[0], ==, 127.5f);
    g_assert_cmpuint(info->rate_n / info->rate_d, ==, 4);
    g_assert_cmpstr(sth_model_get_input(model, 0, &tensor), ==, "frames");
    g_assert_cmpint(tensor->shape.dims[2], ==, 8);
    g_assert_cmpstr(sth_model_get_output(model, 0, &tensor), ==, "scores");
    g_assert_cmpint(tensor->shape.dims[1], ==, 106);
    g_assert_cmpuint(sth_model_get_macs(model), >, 100000000);
    g_assert_cmpuint(sth_model_get_parameters(model), >, 2000000);
    g_assert_nonnull(strstr(text, "Conv"));
    g_assert_null(strstr(text, "= Clip"));
    sth_model_unref(model);
}

static void test_sharing(void)
{
    SthModelOptions other = {.rate_n = 5, .rate_d = 1};
    g_autofree char *link_path = file_in_folder("link.onnx");
    SthModel *a = open_model(default_model, NULL), *b, *c, *d;

    g_assert_cmpint(symlink(default_model, link_path), ==, 0);
    b = open_model(default_model, NULL);
    c = open_model(link_path, NULL); /* the same file by another name */
    d = open_model(default_model, &other);
    g_assert_true(a == b);
    g_assert_true(a == c);
    g_assert_true(a != d);
    g_assert_cmpuint(sth_model_get_info(d, NULL)->rate_n, ==, 5);
    sth_model_unref(a);
    sth_model_unref(b);
    sth_model_unref(c);
    sth_model_unref(d);
    a = open_model(default_model, NULL); /* again after the last one went */
    sth_model_unref(a);
    sth_model_unref(NULL);
}

static gpointer open_and_close(gpointer data)
{
    for (guint i = 0; i < 5; i++)
        sth_model_unref(open_model(default_model, NULL));
    return data;
}

static void test_sharing_threads(void)
{
    GThread *threads[4];

    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("open", open_and_close, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

static void test_sidecar_and_options(void)
{
    static const char sidecar[] =
        "[modelinfo]\nversion=1.0\n\n[sth]\nname=mine\nsample-rate=25/2\nmean=1 2 3\nstd=4,5,6\ncolor=BGR\nresize=letterbox\n"
        "filter=bilinear\n"
        "activation=none\n";
    g_autofree char *path = copy_model("m.onnx", 1);
    SthModelOptions options = {.rate_n = 30, .rate_d = 1};
    const SthModelInfo *info;
    SthModel *model;

    g_free(write_file("m.onnx.modelinfo", sidecar, -1));
    model = open_model(path, NULL);
    info = sth_model_get_info(model, NULL);

    g_assert_cmpstr(info->name, ==, "mine");
    g_assert_cmpuint(info->rate_n, ==, 25);
    g_assert_cmpuint(info->rate_d, ==, 2);
    g_assert_cmpfloat(info->mean[2], ==, 3);
    g_assert_cmpfloat(info->std[1], ==, 5);
    g_assert_true(info->bgr);
    g_assert_cmpint(info->resize, ==, STH_RESIZE_LETTERBOX);
    g_assert_cmpint(info->filter, ==, STH_FILTER_BILINEAR);
    g_assert_cmpint(info->activation, ==, STH_ACTIVATION_NONE);
    g_assert_cmpstr(info->labels[0], ==, "GOOD MORNING"); /* the sidecar says nothing: metadata_props */
    sth_model_unref(model);
    model = open_model(path, &options);
    g_assert_cmpuint(sth_model_get_info(model, NULL)->rate_n, ==, 30); /* options before sidecar */
    sth_model_unref(model);
}

static void test_bad_metadata(void)
{
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"mean=1 2", "sth.mean = '1 2' should be three numbers"},
        {"mean=1 2 x", "should be three numbers"},
        {"std=1 0 1", "each must be above 0"},
        {"color=GBR", "should be one of RGB, BGR"},
        {"sample-rate=fast", "should be frames a second"},
        {"sample-rate=0", "should be frames a second"},
        {"sample-rate=-1/2", "should be frames a second"},
        {"sample-rate=8/0", "should be frames a second"},
        {"layout=CHWNT", "should be NTCHW, NCTHW, TCHW, NTHWC or THWC"},
        {"layout=NTCHW", "layout NTCHW does not fit its input 'frames'"},
        {"labels=one;two", "has 2 labels, but"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = copy_model("bad.onnx", 1), *content = g_strdup_printf("[sth]\n%s\n", cases[i].line);
        g_free(write_file("bad.onnx.modelinfo", content, -1));
        expect_error(path, NULL, STH_ERROR_METADATA, cases[i].words);
    }
    {
        g_autofree char *path = copy_model("bad.onnx", 1);
        g_free(write_file("bad.onnx.modelinfo", "no key file", -1));
        expect_error(path, NULL, STH_ERROR_METADATA, "bad.onnx.modelinfo");
    }
}

static void test_labels_file(void)
{
    GString *lines = g_string_new(NULL);
    g_autofree char *good = NULL, *shorter = write_file("short.txt", "one\ntwo\n", -1), *binary = write_file("binary.txt", "\xff\xfe\n", -1);
    g_autofree char *missing = file_in_folder("missing.txt");
    SthModel *model;

    for (guint i = 0; i < 106; i++)
        g_string_append_printf(lines, "label %u\r\n", i);
    good = write_file("good.txt", lines->str, -1);
    g_string_free(lines, TRUE);
    model = open_model(default_model, &(SthModelOptions){.labels_file = good});
    g_assert_cmpstr(sth_model_get_info(model, NULL)->labels[105], ==, "label 105");
    g_assert_cmpint(sth_model_get_info(model, NULL)->background_label, ==, -1);
    sth_model_unref(model);
    expect_error(default_model, &(SthModelOptions){.labels_file = shorter}, STH_ERROR_METADATA, "short.txt' has 2 labels, but");
    expect_error(default_model, &(SthModelOptions){.labels_file = binary}, STH_ERROR_METADATA, "not UTF-8");
    expect_error(default_model, &(SthModelOptions){.labels_file = missing}, STH_ERROR_FILE, "missing.txt");
}

static void test_bad_files(void)
{
    g_autofree char *missing = file_in_folder("missing.onnx"), *empty = write_file("empty.onnx", "", 0);
    g_autofree char *text = write_file("text.onnx", "this is not a model at all, but a line of text\n", -1);

    expect_error(missing, NULL, STH_ERROR_FILE, "missing.onnx");
    expect_error(folder, NULL, STH_ERROR_FILE, folder);
    expect_error(empty, NULL, STH_ERROR_FORMAT, "empty.onnx");
    expect_error(text, NULL, STH_ERROR_FORMAT, "text.onnx");
    for (guint i = 1; i < 40; i++) {
        g_autofree char *cut = copy_model("cut.onnx", i / 40.0);
        expect_error(cut, NULL, STH_ERROR_FORMAT, "cut.onnx");
    }
}

static void test_wrong_options(void)
{
    expect_error(default_model, &(SthModelOptions){.layout = STH_LAYOUT_NTCHW}, STH_ERROR_METADATA, "layout NTCHW does not fit");
    expect_error(default_model, &(SthModelOptions){.window_size = 16}, STH_ERROR_SHAPE, "a window of 16 frames was asked for");
}

/* Opens and runs, but a stream would be told why it cannot have it. */
static void test_no_clip(void)
{
    g_autofree char *path = g_build_filename(conformance, "node", "test_relu", "model.onnx", NULL);
    SthModel *model = open_model(path, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(sth_model_get_info(model, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_SHAPE);
    g_assert_nonnull(strstr(error->message, "is no clip network: its input 'x' has the shape 3x4x5"));
    sth_model_unref(model);
}

static void test_unsupported_operator(void)
{
    g_autofree char *path = g_build_filename(conformance, "node", "test_lstm_defaults", "model.onnx", NULL);

    expect_error(path, NULL, STH_ERROR_UNSUPPORTED, "LSTM");
}

static void remove_folder(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_unlink(file);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 3);
    default_model = argv[1];
    conformance = argv[2];
    folder = g_dir_make_tmp("sth-model-XXXXXX", NULL);
    g_assert_nonnull(folder);
    g_test_add_func("/model/default", test_default_model);
    g_test_add_func("/model/sharing", test_sharing);
    g_test_add_func("/model/sharing-threads", test_sharing_threads);
    g_test_add_func("/model/sidecar-and-options", test_sidecar_and_options);
    g_test_add_func("/model/bad-metadata", test_bad_metadata);
    g_test_add_func("/model/labels-file", test_labels_file);
    g_test_add_func("/model/bad-files", test_bad_files);
    g_test_add_func("/model/wrong-options", test_wrong_options);
    g_test_add_func("/model/no-clip", test_no_clip);
    g_test_add_func("/model/unsupported-operator", test_unsupported_operator);
    result = g_test_run();
    remove_folder(folder);
    g_free(folder);
    return result;
}
