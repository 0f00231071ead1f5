/* What is taken for a clip network, in which layout, and where its scores are. Networks here are a mean over some axes of the input: of a clip
 * 1xTx3xHxW the mean over H and W is scores of three classes for each frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include <sth/sth-error.h>
#include <sth/sth-model.h>

#include "onnx/tiny-model.h"

typedef struct {
    const char *name;
    gint64 dims[6];          /* of the input, ended by -2; -1: free */
    const char *heads;       /* outputs by name: axes of their mean, "+" keeps them, "!" is followed by a softmax; separated by blanks */
    const char *key, *value; /* metadata, or NULL */
    SthModelOptions options;
    const char *refused; /* part of the message; NULL: it is a clip network */
    SthLayout layout;
    guint frames, height, width, output, classes, rows;
    SthActivation activation;
} Case;

#define SOFTMAX STH_ACTIVATION_SOFTMAX
#define NONE STH_ACTIVATION_NONE

static const Case cases[] = {
    /* layouts by shape */
    {"ntchw", {1, 8, 3, 6, 5, -2}, "y:1,3,4", NULL, NULL, {0}, NULL, STH_LAYOUT_NTCHW, 8, 6, 5, 0, 3, 1, SOFTMAX},
    {"ncthw", {1, 3, 8, 6, 5, -2}, "y:2,3,4", NULL, NULL, {0}, NULL, STH_LAYOUT_NCTHW, 8, 6, 5, 0, 3, 1, SOFTMAX},
    {"nthwc", {1, 8, 6, 5, 3, -2}, "y:1,2,3", NULL, NULL, {0}, NULL, STH_LAYOUT_NTHWC, 8, 6, 5, 0, 3, 1, SOFTMAX},
    {"tchw", {8, 3, 6, 5, -2}, "y:0,2,3", NULL, NULL, {0}, NULL, STH_LAYOUT_TCHW, 8, 6, 5, 0, 3, 1, SOFTMAX},
    {"thwc", {8, 6, 5, 3, -2}, "y:0,1,2", NULL, NULL, {0}, NULL, STH_LAYOUT_THWC, 8, 6, 5, 0, 3, 1, SOFTMAX},
    {"image", {1, 3, 6, 5, -2}, "y:2,3", NULL, NULL, {0}, NULL, STH_LAYOUT_TCHW, 1, 6, 5, 0, 3, 1, SOFTMAX},
    /* layouts that are told */
    {"either", {1, 3, 3, 6, 5, -2}, "y:2,3,4", NULL, NULL, {0}, .refused = "may be in more than one of the layouts"},
    {"option", {1, 3, 3, 6, 5, -2}, "y:2,3,4", NULL, NULL, {.layout = STH_LAYOUT_NCTHW}, NULL, STH_LAYOUT_NCTHW, 3, 6, 5, 0, 3, 1, SOFTMAX},
    {"metadata", {1, 3, 3, 6, 5, -2}, "y:1,3,4", "sth.layout", "ntchw", {0}, NULL, STH_LAYOUT_NTCHW, 3, 6, 5, 0, 3, 1, SOFTMAX},
    {"option-wins",
     {1, 3, 3, 6, 5, -2},
     "y:2,3,4",
     "sth.layout",
     "NTCHW",
     {.layout = STH_LAYOUT_NCTHW},
     NULL,
     STH_LAYOUT_NCTHW,
     3,
     6,
     5,
     0,
     3,
     1,
     SOFTMAX},
    /* free dimensions */
    {"free-batch", {-1, 3, 8, 6, 5, -2}, "y:2,3,4", NULL, NULL, {0}, NULL, STH_LAYOUT_NCTHW, 8, 6, 5, 0, 3, 1, SOFTMAX},
    {"free-time", {-1, 3, -1, 6, 5, -2}, "y:2,3,4", NULL, NULL, {.window_size = 16}, NULL, STH_LAYOUT_NCTHW, 16, 6, 5, 0, 3, 1, SOFTMAX},
    {"free-time-metadata", {-1, -1, 3, 6, 5, -2}, "y:1,3,4", "sth.window", "4", {0}, NULL, STH_LAYOUT_NTCHW, 4, 6, 5, 0, 3, 1, SOFTMAX},
    {"free-size", {1, 8, 3, -1, -1, -2}, "y:1,3,4", "sth.size", "32", {0}, NULL, STH_LAYOUT_NTCHW, 8, 32, 32, 0, 3, 1, SOFTMAX},
    {"free-channels", {1, 8, -1, 6, 5, -2}, "y:1,3,4", NULL, NULL, {.layout = STH_LAYOUT_NTCHW}, NULL, STH_LAYOUT_NTCHW, 8, 6, 5, 0, 3, 1, SOFTMAX},
    {"all-free",
     {-1, -1, -1, -1, -1, -2},
     "y:2,3,4",
     "sth.layout",
     "NCTHW",
     {.window_size = 2},
     NULL,
     STH_LAYOUT_NCTHW,
     2,
     224,
     224,
     0,
     3,
     1,
     SOFTMAX},
    {"batch-of-images", {-1, 3, 6, 5, -2}, "y:2,3", NULL, NULL, {.window_size = 4}, NULL, STH_LAYOUT_TCHW, 4, 6, 5, 0, 3, 4, SOFTMAX},
    /* what is no clip */
    {"batch", {4, 3, 8, 6, 5, -2}, "y:2,3,4", NULL, NULL, {0}, .refused = "takes 4 clips at a time; export it for one (N = 1), or with N free"},
    {"grey", {1, 8, 1, 6, 5, -2}, "y:1,3,4", NULL, NULL, {0}, .refused = "has the shape 1x8x1x6x5; a clip is 1xTx3xHxW"},
    {"sound", {1, 16000, -2}, "y:1", NULL, NULL, {0}, .refused = "has the shape 1x16000; a clip is"},
    {"empty", {1, 3, 8, 0, 5, -2}, "y:2,3,4", NULL, NULL, {0}, .refused = "is empty"},
    /* scores */
    {"kept-axes", {1, 8, 3, 6, 5, -2}, "y:1,3,4+", NULL, NULL, {0}, NULL, STH_LAYOUT_NTCHW, 8, 6, 5, 0, 3, 1, SOFTMAX},
    {"each-frame", {1, 8, 3, 6, 5, -2}, "y:3,4", NULL, NULL, {0}, NULL, STH_LAYOUT_NTCHW, 8, 6, 5, 0, 3, 8, SOFTMAX},
    {"each-frame-as-batch", {8, 3, 6, 5, -2}, "y:2,3+", NULL, NULL, {0}, NULL, STH_LAYOUT_TCHW, 8, 6, 5, 0, 3, 8, SOFTMAX},
    {"frames-last", {1, 3, 8, 6, 5, -2}, "y:3,4", NULL, NULL, {0}, .refused = "'y' float32 1x3x8"},
    {"softmax-inside", {1, 8, 3, 6, 5, -2}, "y:1,3,4!", NULL, NULL, {0}, NULL, STH_LAYOUT_NTCHW, 8, 6, 5, 0, 3, 1, NONE},
    {"softmax-told", {1, 8, 3, 6, 5, -2}, "y:1,3,4!", "sth.activation", "softmax", {0}, NULL, STH_LAYOUT_NTCHW, 8, 6, 5, 0, 3, 1, SOFTMAX},
    /* several outputs */
    {"features-too", {1, 8, 3, 6, 5, -2}, "features:1 y:1,3,4", NULL, NULL, {0}, NULL, STH_LAYOUT_NTCHW, 8, 6, 5, 1, 3, 1, SOFTMAX},
    {"two-heads",
     {1, 8, 3, 6, 5, -2},
     "verb:1,3,4 noun:1,3,4",
     NULL,
     NULL,
     {0},
     .refused = "2 of its outputs may be the scores: 'verb' float32 1x3, 'noun'"},
    {"chosen-head", {1, 8, 3, 6, 5, -2}, "verb:1,3,4 noun:1,3,4", "sth.output", "noun", {0}, NULL, STH_LAYOUT_NTCHW, 8, 6, 5, 1, 3, 1, SOFTMAX},
    {"wrong-head",
     {1, 8, 3, 6, 5, -2},
     "verb:1,3,4 noun:1,3,4",
     "sth.output",
     "name",
     {0},
     .refused = "its output 'name' (sth.output) is no list of scores"},
    {"no-scores", {1, 8, 3, 6, 5, -2}, "y:1", NULL, NULL, {0}, .refused = "none of its outputs is a list of scores"},
};

static char *folder; /* of test files */

/* "name:axes" with "+" or "!" behind it, see Case. */
static void add_head(TinyModel *tiny, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    char *flag = parts[1] + strcspn(parts[1], "+!");
    gboolean keep = *flag == '+', softmax = *flag == '!';
    g_autofree char *mean = g_strconcat(parts[0], softmax ? "-logits" : "", NULL);
    Onnx__NodeProto *node = tiny_add_node(tiny, "ReduceMean", mean, "x", mean);
    Onnx__AttributeProto *axes = tiny_add_attribute(tiny, node, "axes"), *keepdims = tiny_add_attribute(tiny, node, "keepdims");

    *flag = '\0';
    g_auto(GStrv) words = g_strsplit(parts[1], ",", -1);
    gint64 *list = g_new0(gint64, g_strv_length(words));
    g_ptr_array_add(tiny->kept, list);
    for (guint i = 0; words[i]; i++)
        list[i] = g_ascii_strtoll(words[i], NULL, 10);
    axes->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    axes->ints = list;
    axes->n_ints = g_strv_length(words);
    keepdims->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    keepdims->has_i = TRUE;
    keepdims->i = keep;
    if (softmax)
        tiny_add_node(tiny, "Softmax", parts[0], mean, parts[0]);
    tiny_add_output(tiny, parts[0]);
}

static char *write_model(const Case *test)
{
    g_autofree char *file = g_strconcat(test->name, ".onnx", NULL);
    char *path = g_build_filename(folder, file, NULL);
    g_auto(GStrv) heads = g_strsplit(test->heads, " ", -1);
    TinyModel tiny;
    GBytes *bytes;

    tiny_init(&tiny);
    tiny.graph.n_node = tiny.graph.n_initializer = tiny.graph.n_input = tiny.graph.n_output = 0;
    tiny_add_input(&tiny, "x", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, test->dims);
    for (guint i = 0; heads[i]; i++)
        add_head(&tiny, heads[i]);
    if (test->key)
        tiny_add_metadata(&tiny, test->key, test->value);
    bytes = tiny_pack(&tiny);
    g_assert_true(g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL));
    g_bytes_unref(bytes);
    tiny_clear(&tiny);
    return path;
}

static void test_case(gconstpointer data)
{
    const Case *test = data;
    g_autofree char *path = write_model(test);
    g_autoptr(GError) error = NULL;
    SthModel *model = sth_model_open(path, &test->options, &error);
    const SthModelInfo *info;

    g_assert_no_error(error);
    info = sth_model_get_info(model, &error);
    if (test->refused) {
        g_assert_null(info);
        g_assert_error(error, STH_ERROR, STH_ERROR_SHAPE);
        if (!strstr(error->message, test->refused))
            g_error("'%s' should contain '%s'", error->message, test->refused);
    } else {
        g_assert_no_error(error);
        g_assert_cmpint(info->layout, ==, test->layout);
        g_assert_cmpuint(info->frames, ==, test->frames);
        g_assert_cmpuint(info->height, ==, test->height);
        g_assert_cmpuint(info->width, ==, test->width);
        g_assert_cmpuint(info->output, ==, test->output);
        g_assert_cmpuint(info->n_classes, ==, test->classes);
        g_assert_cmpuint(info->score_rows, ==, test->rows);
        g_assert_cmpint(info->activation, ==, test->activation);
    }
    sth_model_unref(model);
    g_unlink(path);
}

/* Free, and nobody says what they are: the model cannot be opened. */
static void test_free(void)
{
    static const struct {
        Case test;
        const char *words;
    } free_cases[] = {
        {{"frames", {1, -1, 3, 6, 5, -2}, "y:1,3,4", .refused = ""}, "leaves the number of frames free; say how many (window-size, or sth.window)"},
        {{"layout", {-1, 3, 3, 6, 5, -2}, "y:1,3,4", .refused = ""}, "of shape ?x3x3x6x5 may be in more than one of the layouts"},
        {{"nothing", {-1, 10, -2}, "y:1", .refused = ""}, "has the open shape ?x10"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(free_cases); i++) {
        g_autofree char *path = write_model(&free_cases[i].test);
        g_autoptr(GError) error = NULL;

        g_assert_null(sth_model_open(path, NULL, &error));
        g_assert_error(error, STH_ERROR, STH_ERROR_SHAPE);
        if (!strstr(error->message, free_cases[i].words))
            g_error("'%s' should contain '%s'", error->message, free_cases[i].words);
        g_unlink(path);
    }
}

static void test_layout_names(void)
{
    for (SthLayout layout = STH_LAYOUT_NTCHW; layout <= STH_LAYOUT_THWC; layout++) {
        g_autofree char *lower = g_ascii_strdown(sth_model_layout_name(layout), -1);
        g_assert_cmpint(sth_model_layout_from_name(lower), ==, layout);
    }
    g_assert_null(sth_model_layout_name(STH_LAYOUT_AUTO));
    g_assert_cmpint(sth_model_layout_from_name("CHWNT"), ==, STH_LAYOUT_AUTO);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("sth-clip-XXXXXX", NULL);
    g_assert_nonnull(folder);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/clip/", cases[i].name, NULL);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/clip/free", test_free);
    g_test_add_func("/clip/layout-names", test_layout_names);
    result = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return result;
}
