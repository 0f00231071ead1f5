/* sthclassify: several in one process, one after another, and with one model after another.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <malloc.h>
#include <string.h>

#include "element_fixture.h"

/* Bytes that malloc() has given out; 0 where it is not glibc's, as under the sanitizers. */
static gsize allocated(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
    return 0;
#else
    const struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
#endif
}

static GstElement *start(const char *model)
{
    GstElement *element = gst_object_ref_sink(gst_element_factory_make("sthclassify", NULL));

    g_object_set(element, "model-file", model, NULL);
    g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
    return element;
}

static void stop(GstElement *element)
{
    g_assert_cmpint(gst_element_set_state(element, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
    gst_object_unref(element);
}

/* The weights are there once, however many elements use them, and until the last of them has gone. */
static void test_weights(void)
{
    GstElement *element[4];
    gsize before, first, all, after;

    if (allocated() == 0) {
        g_test_skip("malloc() does not say how much it gave out");
        return;
    }
    stop(start(default_model_path())); /* what is allocated once for the process */
    before = allocated();
    element[0] = start(default_model_path());
    first = allocated() - before;
    for (guint i = 1; i < G_N_ELEMENTS(element); i++)
        element[i] = start(default_model_path());
    all = allocated() - before;
    g_test_message("the first element: %.1f MB, three more: %.3f MB", (double)first * 1e-6, (double)(all - first) * 1e-6);
    g_assert_cmpuint(first, >, 5000000);
    g_assert_cmpuint(all - first, <, first / 20);
    for (guint i = 0; i < 3; i++)
        stop(element[i]);
    g_assert_cmpuint(allocated() - before, >, first * 9 / 10);
    stop(element[3]);
    after = allocated();
    g_assert_cmpuint(after, <, before + first / 20);
}

static void play(const char *mode)
{
    char *properties = g_strdup_printf("mode=%s", mode);
    Fixture f;

    fixture_open_classify(&f, EIGHT_MODEL, properties);
    for (guint i = 0; i < 12; i++)
        gst_buffer_unref(fixture_pass(&f, i * SAMPLE));
    fixture_close(&f);
    g_free(properties);
}

/* Made, used and destroyed again and again: nothing is left behind. The libraries below fill their own caches in the first rounds. */
static void test_again_and_again(void)
{
    gssize grown = 0;

    for (guint part = 0; part < 4; part++) {
        const gsize before = allocated();

        for (guint i = 0; i < 20; i++)
            play(i % 2 ? "live" : "sync");
        grown = (gssize)(allocated() - before);
        g_test_message("20 rounds: %" G_GSSIZE_FORMAT " bytes more", grown);
    }
    g_assert_cmpint(grown, <, 10000);
}

/* A frame's result comes with so many frames. */
static guint frames_to_result(Fixture *f)
{
    for (guint i = 0; i < 20; i++) {
        GstSthClassification value;
        GstBuffer *buffer;
        const gboolean has = fixture_result(f, i * SAMPLE, &value, &buffer);

        gst_buffer_unref(buffer);
        if (has)
            return i + 1;
    }
    return 0;
}

/* The warning that is on the bus, or NULL; free with g_free(). */
static char *next_warning(Fixture *f)
{
    GstMessage *message = gst_bus_pop_filtered(f->bus, GST_MESSAGE_WARNING);
    GError *error = NULL;
    char *text;

    if (message == NULL)
        return NULL;
    gst_message_parse_warning(message, &error, NULL);
    text = g_strdup(error->message);
    g_error_free(error);
    gst_message_unref(message);
    return text;
}

/* What counts from the next start only, says so: each such property, but not where nothing changes or nothing runs. */
static void test_change_warns(void)
{
    static const char *const changes[][2] = {
        {"mode", "live"}, {"threads", "1"}, {"eos-policy", "drop"}, {"sample-rate", "5/1"}, {"window-size", "2"}};
    Fixture f;
    char *warning;

    fixture_open_classify(&f, TINY_MODEL, "");
    g_object_set(f.element, "model-file", golden_path(TINY_MODEL), "top-k", 2, "threshold", 0.1, NULL);
    g_assert_null(next_warning(&f));
    for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
        gst_util_set_object_arg(G_OBJECT(f.element), changes[i][0], changes[i][1]);
        warning = next_warning(&f);
        g_assert_nonnull(warning);
        g_assert_nonnull(strstr(warning, changes[i][0]));
        g_assert_nonnull(strstr(warning, "next start"));
        g_free(warning);
    }
    g_assert_cmpint(gst_element_set_state(f.element, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
    g_object_set(f.element, "model-file", golden_path(EIGHT_MODEL), NULL);
    g_assert_null(next_warning(&f));
    fixture_close(&f);
}

/* A model that is set while the element plays counts from the next start, as one that is set in READY does. */
static void test_model_change(void)
{
    char *warning;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "");
    g_assert_cmpuint(frames_to_result(&f), ==, 2);
    g_object_set(f.element, "model-file", golden_path(EIGHT_MODEL), NULL);
    warning = next_warning(&f);
    g_assert_nonnull(strstr(warning, "model-file"));
    g_free(warning);
    fixture_set_caps(&f, "video/x-raw,format=BGR,width=64,height=48,framerate=8/1");
    g_assert_cmpuint(frames_to_result(&f), ==, 2);

    g_assert_cmpint(gst_element_set_state(f.element, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
    g_assert_cmpint(gst_element_set_state(f.element, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
    fixture_set_caps(&f, "video/x-raw,format=RGB,width=64,height=48,framerate=8/1");
    g_assert_cmpuint(frames_to_result(&f), ==, 8);

    g_assert_cmpint(gst_element_set_state(f.element, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
    g_object_set(f.element, "model-file", golden_path(TINY_MODEL), NULL);
    g_assert_cmpint(gst_element_set_state(f.element, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
    fixture_set_caps(&f, "video/x-raw,format=BGR,width=64,height=48,framerate=8/1");
    g_assert_cmpuint(frames_to_result(&f), ==, 2);
    fixture_close(&f);
}

/* `stats` has every counter that its documentation names. */
static void test_stats(void)
{
    static const char *const names[] = {"frames-in",
                                        "frames-sampled",
                                        "windows-due",
                                        "windows-run",
                                        "windows-skipped",
                                        "inference-last",
                                        "inference-mean",
                                        "inference-p50",
                                        "inference-p99",
                                        "inference-max",
                                        "preprocess-mean",
                                        "preprocess-max",
                                        "lag"};
    GstStructure *stats = NULL;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "");
    frames_to_result(&f);
    g_object_get(f.element, "stats", &stats, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_true(gst_structure_has_field_typed(stats, names[i], G_TYPE_UINT64));
    g_assert_cmpint(gst_structure_n_fields(stats), ==, G_N_ELEMENTS(names));
    gst_structure_free(stats);
    g_assert_cmpuint(fixture_stat(&f, "inference-p50"), <=, fixture_stat(&f, "inference-max"));
    g_assert_cmpuint(fixture_stat(&f, "preprocess-mean"), >, 0);
    g_assert_cmpuint(fixture_stat(&f, "preprocess-mean"), <=, fixture_stat(&f, "preprocess-max"));
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthclassify/shared/weights", test_weights);
    g_test_add_func("/sthclassify/shared/again-and-again", test_again_and_again);
    g_test_add_func("/sthclassify/shared/model-change", test_model_change);
    g_test_add_func("/sthclassify/shared/change-warns", test_change_warns);
    g_test_add_func("/sthclassify/shared/stats", test_stats);
    return g_test_run();
}
