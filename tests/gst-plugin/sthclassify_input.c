/* sthclassify: models, labels, settings and caps that it cannot use, and those that it must.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "element_fixture.h"

static char *folder;

static char *write_file(const char *name, const char *data, gssize size)
{
    char *path = g_build_filename(folder, name, NULL);
    GError *error = NULL;

    g_file_set_contents(path, data, size, &error);
    g_assert_no_error(error);
    return path;
}

static void assert_error(const char *properties, const char *const *parts)
{
    char *text = start_error("sthclassify", properties);

    g_test_message("%s", text);
    for (; *parts; parts++)
        if (strstr(text, *parts) == NULL)
            g_error("the message does not say '%s': %s", *parts, text);
    g_free(text);
}

static void assert_model_error(const char *path, const char *more, const char *const *parts)
{
    char *properties = g_strdup_printf("model-file=\"%s\" %s", path, more);

    assert_error(properties, parts);
    g_free(properties);
}

static void test_missing_model(void)
{
    assert_model_error("/nonexistent/model.onnx", "", (const char *const[]){"/nonexistent/model.onnx", "model-file", NULL});
}

static void test_not_a_model(void)
{
    char *path = write_file("picture.onnx", "\xff\xd8\xff\xe0 no model at all", -1);

    assert_model_error(path, "", (const char *const[]){"picture.onnx", NULL});
    g_free(path);
    path = write_file("empty.onnx", "", 0);
    assert_model_error(path, "", (const char *const[]){"empty.onnx", NULL});
    g_free(path);
    assert_model_error(folder, "", (const char *const[]){folder, NULL});
}

/* Cut at many places, a model never opens and never takes the process with it. */
static void test_truncated_model(void)
{
    GError *error = NULL;
    char *data;
    gsize size;

    g_file_get_contents(golden_path(TINY_MODEL), &data, &size, &error);
    g_assert_no_error(error);
    for (guint i = 1; i < 20; i++) {
        char *path = write_file("truncated.onnx", data, (gssize)(size * i / 20));

        assert_model_error(path, "", (const char *const[]){"truncated.onnx", NULL});
        g_free(path);
    }
    g_free(data);
}

static void test_labels(void)
{
    GstSthClassification value;
    GstBuffer *buffer;
    char *path, *more;
    Fixture f;

    path = write_file("three.txt", "one\ntwo\nthree\n", -1);
    more = g_strdup_printf("labels-file=\"%s\"", path);
    assert_model_error(golden_path(TINY_MODEL), more, (const char *const[]){"three.txt", "3", "4", NULL});
    g_free(more);
    g_free(path);

    assert_model_error(golden_path(TINY_MODEL), "labels-file=/nonexistent/labels.txt", (const char *const[]){"/nonexistent/labels.txt", NULL});

    path = write_file("four.txt", "<b>one</b>\nzwei & zw\xc3\xb6lf\nthree\nfour\n", -1);
    more = g_strdup_printf("threshold=0 labels-file=\"%s\"", path);
    fixture_open_classify(&f, TINY_MODEL, more);
    gst_buffer_unref(fixture_pass(&f, 0));
    g_assert_true(fixture_result(&f, SAMPLE, &value, &buffer));
    for (guint i = 0; i < value.n_top; i++)
        g_assert_cmpstr(value.labels[i], ==, ((const char *const[]){"<b>one</b>", "zwei & zw\xc3\xb6lf", "three", "four"})[value.label_ids[i]]);
    gst_buffer_unref(buffer);
    fixture_close(&f);
    g_free(more);
    g_free(path);
}

/* What editors of other systems leave in a file is no part of the labels; what is no text is refused, with the line. */
static void test_label_bytes(void)
{
    static const char *const texts[] = {"\xef\xbb\xbfone\r\ntwo\r\nthree\r\nfour\r\n", "one\ntwo\nthree\nfour",
                                        "\xef\xbb\xbfone\ntwo  \nthree\nfour\n\n\n"};
    static const char *const labels[] = {"one", "two", "three", "four"};
    char *path = NULL, *more;

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        GstSthClassification value;
        GstBuffer *buffer;
        Fixture f;

        g_free(path);
        path = write_file("four.txt", texts[i], -1);
        more = g_strdup_printf("threshold=0 labels-file=\"%s\"", path);
        fixture_open_classify(&f, TINY_MODEL, more);
        gst_buffer_unref(fixture_pass(&f, 0));
        g_assert_true(fixture_result(&f, SAMPLE, &value, &buffer));
        for (guint k = 0; k < value.n_top; k++)
            g_assert_cmpstr(value.labels[k], ==, labels[value.label_ids[k]]);
        gst_buffer_unref(buffer);
        fixture_close(&f);
        g_free(more);
    }
    g_free(path);
    path = write_file("four.txt",
                      "one\ntwo\nthr\xe9"
                      "e\nfour\n",
                      -1); /* Latin-1 */
    more = g_strdup_printf("labels-file=\"%s\"", path);
    assert_model_error(golden_path(TINY_MODEL), more, (const char *const[]){"four.txt", "line 3", "UTF-8", NULL});
    g_free(more);
    g_free(path);
}

/* A valid model that is no clip network: Debian's ONNX test data has plenty. */
static void test_no_clip(void)
{
    const char *path = "/usr/share/libonnx-testdata/data/node/test_relu/model.onnx";

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        g_error("%s is missing; install libonnx-testdata", path);
    assert_model_error(path, "", (const char *const[]){"clip", "3", NULL});
}

static void test_contradictory_settings(void)
{
    Fixture f;
    GError *error = NULL;
    GstMessage *message;
    char *properties = g_strdup_printf("model-file=\"%s\" mode=sync start-threshold=0.2 end-threshold=0.9", golden_path(TINY_MODEL));

    fixture_open(&f, "sthclassify", properties);
    fixture_set_caps(&f, "video/x-raw,format=RGB,width=64,height=48,framerate=8/1");
    message = gst_bus_pop_filtered(f.bus, GST_MESSAGE_ERROR);
    g_assert_nonnull(message);
    gst_message_parse_error(message, &error, NULL);
    g_assert_nonnull(strstr(error->message, "threshold"));
    g_assert_cmpint(gst_harness_push(f.harness, fixture_frame(&f, 0, SAMPLE)), ==, GST_FLOW_NOT_NEGOTIATED);
    g_error_free(error);
    gst_message_unref(message);
    fixture_close(&f);
    g_free(properties);
}

/* The variable names the model that nobody names; without both, and not installed, the message says how to name one. */
static void test_default_model(void)
{
    Fixture f;
    GstElement *element;

    g_setenv("GST_STH_MODEL", golden_path(TINY_MODEL), TRUE);
    fixture_open(&f, "sthclassify", "mode=sync threshold=0");
    fixture_set_caps(&f, "video/x-raw,format=RGB,width=64,height=48,framerate=8/1");
    gst_buffer_unref(fixture_pass(&f, 0));
    gst_buffer_unref(fixture_pass(&f, SAMPLE));
    g_assert_cmpuint(fixture_stat(&f, "windows-run"), ==, 1);
    fixture_close(&f);

    g_setenv("GST_STH_MODEL", "/nonexistent/other.onnx", TRUE);
    assert_error("", (const char *const[]){"/nonexistent/other.onnx", NULL});

    g_unsetenv("GST_STH_MODEL");
    element = gst_object_ref_sink(gst_element_factory_make("sthclassify", NULL));
    if (gst_element_set_state(element, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE)
        assert_error("", (const char *const[]){"model-file", "GST_STH_MODEL", NULL});
    else
        g_test_message("the default model is installed on this machine");
    gst_element_set_state(element, GST_STATE_NULL);
    gst_object_unref(element);
}

/* After a failure, the same element opens another model. */
static void test_recover(void)
{
    GstElement *element = gst_object_ref_sink(gst_element_factory_make("sthclassify", NULL));

    for (guint i = 0; i < 3; i++) {
        g_object_set(element, "model-file", "/nonexistent/model.onnx", NULL);
        g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
        gst_element_set_state(element, GST_STATE_NULL);
        g_object_set(element, "model-file", golden_path(TINY_MODEL), NULL);
        g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
        g_assert_cmpint(gst_element_set_state(element, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
    }
    gst_object_unref(element);
}

static void test_caps(void)
{
    static const struct {
        const char *caps;
        gboolean accepted;
    } rows[] = {
        {"video/x-raw,format=I420,width=1,height=1,framerate=0/1", TRUE},
        {"video/x-raw,format=NV12,width=7680,height=4320,framerate=60/1", TRUE},
        {"video/x-raw,format=I420,width=64,height=48,framerate=25/1,interlace-mode=interleaved", TRUE},
        {"video/x-raw(format:Interlaced),format=I420,width=64,height=48,framerate=25/1,interlace-mode=alternate", TRUE},
        {"video/x-raw(memory:SystemMemory, meta:GstVideoOverlayComposition),format=I420,width=64,height=48,framerate=25/1", TRUE},
        {"video/x-raw(memory:DMABuf),format=I420,width=64,height=48,framerate=25/1", FALSE},
        {"video/x-raw(memory:GLMemory),format=RGBA,width=64,height=48,framerate=25/1", FALSE},
        {"video/x-h264,width=64,height=48,framerate=25/1", FALSE},
        {"audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved", FALSE},
    };
    Fixture f;
    GstPad *pad;

    fixture_open_classify(&f, TINY_MODEL, "");
    pad = gst_element_get_static_pad(f.element, "sink");
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        GstCaps *caps = gst_caps_from_string(rows[i].caps);

        if (gst_pad_query_accept_caps(pad, caps) != rows[i].accepted)
            g_error("%s is %s", rows[i].caps, rows[i].accepted ? "refused" : "accepted");
        gst_caps_unref(caps);
    }
    gst_object_unref(pad);
    fixture_close(&f);
}

/* Interlaced frames and single fields are frames like others. */
static void test_interlaced(void)
{
    static const char *const modes[] = {"video/x-raw,format=I420,width=64,height=48,framerate=8/1,interlace-mode=interleaved",
                                        "video/x-raw,format=Y42B,width=64,height=48,framerate=8/1,interlace-mode=mixed",
                                        "video/x-raw(format:Interlaced),format=I420,width=64,height=48,framerate=8/1,interlace-mode=alternate",
                                        "video/x-raw(format:Interlaced),format=Y42B,width=64,height=48,framerate=8/1,interlace-mode=alternate"};

    for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
        GstSthClassification value;
        GstBuffer *frame, *out = NULL;
        Fixture f;

        fixture_open_classify(&f, TINY_MODEL, "");
        fixture_set_caps(&f, modes[i]);
        for (guint n = 0; n < 2; n++) {
            frame = fixture_frame(&f, n * SAMPLE, SAMPLE);
            GST_BUFFER_FLAG_SET(frame, GST_VIDEO_BUFFER_FLAG_INTERLACED);
            if (i >= 2)
                GST_BUFFER_FLAG_SET(frame, n ? GST_VIDEO_BUFFER_FLAG_BOTTOM_FIELD : GST_VIDEO_BUFFER_FLAG_TOP_FIELD);
            g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
            gst_clear_buffer(&out);
            out = gst_harness_pull(f.harness);
        }
        g_assert_true(gst_sth_classification_from_buffer(out, &value));
        gst_buffer_unref(out);
        fixture_close(&f);
    }
}

/* Two frames of these caps give a finite result. */
static void assert_result(Fixture *f, const char *caps, GstClockTime from)
{
    GstSthClassification value;
    GstBuffer *buffer;

    fixture_set_caps(f, caps);
    buffer = fixture_pass(f, from);
    g_assert_false(gst_sth_classification_from_buffer(buffer, &value)); /* the window began anew, and nothing old is carried on */
    gst_buffer_unref(buffer);
    if (!fixture_result(f, from + SAMPLE, &value, &buffer))
        g_error("%s: no result", caps);
    g_assert_true(isfinite(value.confidence));
    g_assert_cmpuint(value.window_start, ==, from);
    gst_buffer_unref(buffer);
}

/* From one pixel to 8K, as stereo pictures of any packing (read as one picture), changing while it plays: the model stays, the counters go on,
 * no window reaches across. */
static void test_sizes(void)
{
    static const char *const caps[] = {
        "video/x-raw,format=I420,width=1,height=1,framerate=8/1",
        "video/x-raw,format=NV12,width=7680,height=4320,framerate=8/1",
        "video/x-raw,format=RGB,width=1,height=4320,framerate=8/1",
        "video/x-raw,format=YUY2,width=3,height=1,framerate=8/1",
        "video/x-raw,format=I420_10LE,width=640,height=360,framerate=8/1",
        "video/x-raw,format=P010_10LE,width=1919,height=1079,framerate=8/1",
        "video/x-raw,format=I420,width=640,height=240,framerate=8/1,multiview-mode=side-by-side,multiview-flags=half-aspect",
        "video/x-raw,format=I420,width=320,height=480,framerate=8/1,multiview-mode=top-bottom",
        "video/x-raw,format=I420,width=320,height=240,framerate=8/1,multiview-mode=frame-by-frame",
        "video/x-raw,format=I420,width=640,height=480,framerate=0/1",
        "video/x-raw,format=I420,width=640,height=480,framerate=30/1,pixel-aspect-ratio=1/2",
    };
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0");
    for (guint i = 0; i < G_N_ELEMENTS(caps); i++)
        assert_result(&f, caps[i], 10 * i * SAMPLE);
    g_assert_cmpuint(fixture_stat(&f, "windows-run"), ==, G_N_ELEMENTS(caps));
    g_assert_cmpuint(fixture_stat(&f, "frames-in"), ==, 2 * G_N_ELEMENTS(caps));
    fixture_close(&f);
}

/* The source dies in the middle of a window, with one that runs: no EOS, no flush, just down to NULL; then up again. */
static void test_source_dies(void)
{
    for (guint live = 0; live < 2; live++) {
        Fixture f;

        fixture_open_classify(&f, TINY_MODEL, live ? "mode=live" : "");
        for (guint round = 0; round < 5; round++) {
            for (guint i = 0; i < 4; i++)
                gst_buffer_unref(fixture_pass(&f, i * SAMPLE));
            g_assert_cmpint(gst_element_set_state(f.element, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
            g_assert_cmpint(gst_element_set_state(f.element, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
            fixture_set_caps(&f, round % 2 ? "video/x-raw,format=RGB,width=64,height=48,framerate=8/1"
                                           : "video/x-raw,format=BGR,width=64,height=48,framerate=8/1");
        }
        fixture_close(&f);
    }
}

int main(int argc, char **argv)
{
    int result;

    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    folder = test_folder_new();
    g_test_add_func("/sthclassify/input/missing-model", test_missing_model);
    g_test_add_func("/sthclassify/input/not-a-model", test_not_a_model);
    g_test_add_func("/sthclassify/input/truncated-model", test_truncated_model);
    g_test_add_func("/sthclassify/input/labels", test_labels);
    g_test_add_func("/sthclassify/input/label-bytes", test_label_bytes);
    g_test_add_func("/sthclassify/input/sizes", test_sizes);
    g_test_add_func("/sthclassify/input/source-dies", test_source_dies);
    g_test_add_func("/sthclassify/input/no-clip", test_no_clip);
    g_test_add_func("/sthclassify/input/contradictory-settings", test_contradictory_settings);
    g_test_add_func("/sthclassify/input/default-model", test_default_model);
    g_test_add_func("/sthclassify/input/recover", test_recover);
    g_test_add_func("/sthclassify/input/caps", test_caps);
    g_test_add_func("/sthclassify/input/interlaced", test_interlaced);
    result = g_test_run();
    test_folder_free(folder);
    return result;
}
