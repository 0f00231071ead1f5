/* sthclassify: what each property does to the results. The model here says how red, green and blue the frames of a window are, from 0 to 1, so that
 * a frame's colour is its confidences.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "element_fixture.h"
#include "onnx/tiny-model.h"

static char *folder; /* of the models */

/* The mean over the axes 2, 3 and 4 of an input of these five dimensions (-1: free). */
static char *write_model(const char *name, const gint64 *dims)
{
    static gint64 mean_axes[] = {2, 3, 4};
    char *path = g_build_filename(folder, name, NULL);
    Onnx__AttributeProto *axes, *keepdims;
    Onnx__NodeProto *node;
    TinyModel tiny;
    GBytes *bytes;

    tiny_init(&tiny);
    tiny.graph.n_node = tiny.graph.n_initializer = tiny.graph.n_input = tiny.graph.n_output = 0;
    tiny_add_input(&tiny, "x", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, dims);
    node = tiny_add_node(&tiny, "ReduceMean", "mean", "x", "y");
    axes = tiny_add_attribute(&tiny, node, "axes");
    axes->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    axes->ints = mean_axes;
    axes->n_ints = G_N_ELEMENTS(mean_axes);
    keepdims = tiny_add_attribute(&tiny, node, "keepdims");
    keepdims->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    keepdims->has_i = TRUE;
    tiny_add_output(&tiny, "y");
    tiny_add_metadata(&tiny, "sth.mean", "0 0 0");
    tiny_add_metadata(&tiny, "sth.std", "255 255 255");
    tiny_add_metadata(&tiny, "sth.activation", "none");
    bytes = tiny_pack(&tiny);
    g_assert_true(g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL));
    g_bytes_unref(bytes);
    tiny_clear(&tiny);
    return path;
}

static void open_model(Fixture *f, const char *name, const gint64 *dims, const char *properties)
{
    g_autofree char *path = write_model(name, dims);
    g_autofree char *all = g_strdup_printf("model-file=\"%s\" mode=sync top-k=3 threshold=0 %s", path, properties);

    fixture_open(f, "sthclassify", all);
    fixture_set_caps(f, "video/x-raw,format=RGB,width=8,height=6,framerate=8/1");
}

/* Any number of frames, channels first. */
static void open_free(Fixture *f, const char *properties)
{
    open_model(f, "free.onnx", (const gint64[]){1, 3, -1, 6, 5, -2}, properties);
}

/* A frame of one colour, in percent, takes its way; TRUE with *value, whose strings do not outlive it, if it brought a result of its own. */
static gboolean pass_color(Fixture *f, GstClockTime pts, const guint8 *percent, GstSthClassification *value)
{
    GstBuffer *frame = fixture_frame(f, pts, SAMPLE), *out;
    GstMapInfo map;
    gboolean fresh;

    g_assert_true(gst_buffer_map(frame, &map, GST_MAP_WRITE));
    for (gsize i = 0; i < map.size / 24; i++)
        for (guint k = 0; k < 24; k++)
            map.data[24 * i + k] = (guint8)((percent[k % 3] * 255 + 50) / 100);
    gst_buffer_unmap(frame, &map);
    g_assert_cmpint(gst_harness_push(f->harness, frame), ==, GST_FLOW_OK);
    out = gst_harness_pull(f->harness);
    fresh = gst_sth_classification_from_buffer(out, value) && !value->held;
    gst_buffer_unref(out);
    return fresh;
}

static double confidence_of(const GstSthClassification *value, gint id)
{
    for (guint i = 0; i < value->n_top; i++)
        if (value->label_ids[i] == id)
            return value->confidences[i];
    g_error("class %d is not among the best %u", id, value->n_top);
}

static void assert_refused(const char *name, const gint64 *dims, const char *properties, const char *part)
{
    g_autofree char *path = write_model(name, dims);
    g_autofree char *all = g_strdup_printf("model-file=\"%s\" %s", path, properties);
    g_autofree char *text = start_error("sthclassify", all);

    if (strstr(text, part) == NULL)
        g_error("'%s' is not in: %s", part, text);
}

/* A window has as many frames, and the model sees all of them. */
static void test_window_size(void)
{
    assert_refused("free.onnx", (const gint64[]){1, 3, -1, 6, 5, -2}, "", "window-size");
    for (guint size = 1; size <= 4; size++) {
        g_autofree char *properties = g_strdup_printf("window-size=%u stride=1", size);
        GstSthClassification value;
        Fixture f;

        open_free(&f, properties);
        for (guint i = 0; i < 6; i++) {
            const guint8 color[] = {(guint8)(10 * i), 0, 0};

            g_assert_cmpint(pass_color(&f, i * SAMPLE, color, &value), ==, i + 1 >= size);
            if (i + 1 < size)
                continue;
            g_assert_cmpuint(value.window_start, ==, (i + 1 - size) * SAMPLE);
            g_assert_cmpuint(value.window_end, ==, i * SAMPLE);
            g_assert_cmpfloat_with_epsilon(confidence_of(&value, 0), 0.1 * (i - (size - 1) / 2.), 0.005);
        }
        fixture_close(&f);
    }
}

/* Three channels of three frames, or three frames of three channels: the property says which. */
static void test_layout(void)
{
    static const gint64 either[] = {1, 3, 3, 6, 5, -2};
    static const guint8 colors[3][3] = {{90, 0, 0}, {60, 30, 0}, {0, 0, 30}};
    static const struct {
        const char *layout;
        double scores[3]; /* of channels; of frames */
    } rows[] = {{"ncthw", {0.5, 0.1, 0.1}}, {"ntchw", {0.3, 0.3, 0.1}}};

    assert_refused("either.onnx", either, "", "more than one of the layouts");
    assert_refused("either.onnx", either, "layout=thwc", "THWC");
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *properties = g_strdup_printf("layout=%s", rows[i].layout);
        GstSthClassification value;
        Fixture f;

        open_model(&f, "either.onnx", either, properties);
        for (guint k = 0; k < 3; k++)
            g_assert_cmpint(pass_color(&f, k * SAMPLE, colors[k], &value), ==, k == 2);
        for (gint k = 0; k < 3; k++)
            g_assert_cmpfloat_with_epsilon(confidence_of(&value, k), rows[i].scores[k], 0.005);
        fixture_close(&f);
    }
}

/* As many frames a second enter the window, whatever the video has: fewer are left out, more are taken again. */
static void test_sample_rate(void)
{
    static const struct {
        const char *rate;
        guint every; /* frame has a result, from the second sample on */
        GstClockTime span;
    } rows[] = {{"8/1", 1, SAMPLE}, {"4/1", 2, 2 * SAMPLE}, {"2/1", 4, 4 * SAMPLE}, {"8/3", 3, 3 * SAMPLE}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *properties = g_strdup_printf("window-size=2 stride=1 sample-rate=%s", rows[i].rate);
        Fixture f;

        open_free(&f, properties);
        for (guint n = 0; n < 13; n++) {
            GstSthClassification value;

            g_assert_cmpint(pass_color(&f, n * SAMPLE, (const guint8[]){50, 0, 0}, &value), ==, n > 0 && n % rows[i].every == 0);
            if (n > 0 && n % rows[i].every == 0)
                g_assert_cmpuint(value.window_end - value.window_start, ==, rows[i].span);
        }
        fixture_close(&f);
    }
}

/* So many samples lie between two windows, from the first that is full; a change counts at once. */
static void test_stride(void)
{
    GstSthClassification value;
    Fixture f;

    open_free(&f, "window-size=4"); /* half a window where the mode is sync */
    for (guint i = 0; i < 12; i++)
        g_assert_cmpint(pass_color(&f, i * SAMPLE, (const guint8[]){50, 0, 0}, &value), ==, i >= 3 && (i - 3) % 2 == 0);
    for (guint stride = 1, at = 12; stride <= 5; stride++) {
        g_object_set(f.element, "stride", stride, NULL);
        while (!pass_color(&f, at++ * SAMPLE, (const guint8[]){50, 0, 0}, &value))
            g_assert_cmpuint(at, <, 100);
        for (guint i = 1; i <= 2 * stride; i++)
            g_assert_cmpint(pass_color(&f, at++ * SAMPLE, (const guint8[]){50, 0, 0}, &value), ==, i % stride == 0);
    }
    fixture_close(&f);
}

/* However many threads: the same results, to the last bit. */
static void test_threads(void)
{
    static const char *const properties[] = {"threads=1", "threads=2", "threads=5", ""};
    double expected[9] = {0};

    for (guint i = 0; i < G_N_ELEMENTS(properties); i++) {
        g_autofree char *all = g_strdup_printf("top-k=9 %s", properties[i]);
        GstSthClassification value;
        GstBuffer *buffer;
        Fixture f;

        fixture_open_classify(&f, EIGHT_MODEL, all);
        for (guint n = 0; n < 7; n++)
            gst_buffer_unref(fixture_pass(&f, n * SAMPLE));
        g_assert_true(fixture_result(&f, 7 * SAMPLE, &value, &buffer));
        g_assert_cmpuint(value.n_top, ==, 9);
        for (guint k = 0; k < 9; k++) {
            g_assert_true(i == 0 || value.confidences[k] == expected[k]);
            expected[k] = value.confidences[k];
        }
        gst_buffer_unref(buffer);
        fixture_close(&f);
    }
}

/* The actions that ended, as "class:first-last ", in samples. */
static char *told_actions(Fixture *f, guint *n_starts)
{
    GString *told = g_string_new(NULL);
    GstMessage *message;

    *n_starts = 0;
    while ((message = gst_bus_pop_filtered(f->bus, GST_MESSAGE_ELEMENT))) {
        const GstStructure *s = gst_message_get_structure(message);
        const char *event = gst_structure_get_string(s, "event");
        guint64 start, end;
        gint id;

        *n_starts += g_str_equal(event, "action-start");
        if (g_str_equal(event, "action-end")) {
            g_assert_true(
                gst_structure_get(s, "action-start", G_TYPE_UINT64, &start, "action-end", G_TYPE_UINT64, &end, "label-id", G_TYPE_INT, &id, NULL));
            g_string_append_printf(told, "%c:%u-%u ", "rgb"[id], (guint)(start / SAMPLE), (guint)(end / SAMPLE));
        }
        gst_message_unref(message);
    }
    return g_string_free(told, FALSE);
}

/* An action starts at the one threshold and ends below the other, or where another class takes over; one that is shorter than min-duration is not
 * told. A window is one frame here. */
static void test_hysteresis(void)
{
    static const guint8 colors[][3] = {{10, 0, 0}, {40, 0, 0}, {60, 0, 0}, {45, 0, 0},  {35, 40, 0}, {25, 0, 0}, {60, 0, 0},
                                       {20, 0, 0}, {0, 55, 0}, {0, 70, 0}, {80, 70, 0}, {75, 70, 0}, {0, 0, 0}};
    static const struct {
        const char *properties, *told;
    } rows[] = {
        {"start-threshold=0.5 end-threshold=0.3", "r:2-4 r:6-6 g:8-9 r:10-11 "},
        {"start-threshold=0.5 end-threshold=0.5", "r:2-2 r:6-6 g:8-9 r:10-11 "},
        {"start-threshold=0.65 end-threshold=0.3", "g:9-9 r:10-11 "},
        {"start-threshold=0.3 end-threshold=0.22", "r:1-3 g:4-4 r:6-6 g:8-9 r:10-11 "},
        {"start-threshold=0.5 end-threshold=0.3 min-duration=125000000", "r:2-4 g:8-9 r:10-11 "},
        {"start-threshold=0.5 end-threshold=0.3 min-duration=250000000", "r:2-4 "},
        {"start-threshold=0.5 end-threshold=0.3 min-duration=500000000", ""},
        {"start-threshold=1 end-threshold=1", ""},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *properties = g_strdup_printf("window-size=1 stride=1 %s", rows[i].properties);
        g_autofree char *told = NULL;
        GstSthClassification value;
        guint n_starts, n_ends = 0;
        Fixture f;

        open_free(&f, properties);
        for (guint n = 0; n < G_N_ELEMENTS(colors); n++)
            g_assert_true(pass_color(&f, n * SAMPLE, colors[n], &value));
        g_assert_true(gst_harness_push_event(f.harness, gst_event_new_eos()));
        told = told_actions(&f, &n_starts);
        g_assert_cmpstr(told, ==, rows[i].told);
        for (const char *at = told; *at; at++)
            n_ends += *at == ' ';
        g_assert_cmpuint(n_starts, ==, n_ends);
        fixture_close(&f);
    }
}

/* While it plays an end threshold that is above the other counts as equal to it. */
static void test_thresholds_cross(void)
{
    g_autofree char *told = NULL;
    GstSthClassification value;
    guint n_starts;
    Fixture f;

    open_free(&f, "window-size=1 stride=1 start-threshold=0.9 end-threshold=0.8");
    g_assert_true(pass_color(&f, 0, (const guint8[]){50, 0, 0}, &value));
    g_object_set(f.element, "start-threshold", 0.4, NULL);
    g_assert_true(pass_color(&f, SAMPLE, (const guint8[]){50, 0, 0}, &value));
    g_assert_true(pass_color(&f, 2 * SAMPLE, (const guint8[]){45, 0, 0}, &value));
    g_assert_true(pass_color(&f, 3 * SAMPLE, (const guint8[]){35, 0, 0}, &value));
    told = told_actions(&f, &n_starts);
    g_assert_cmpstr(told, ==, "r:1-2 ");
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    int result;

    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    folder = test_folder_new();
    g_test_add_func("/sthclassify/settings/window-size", test_window_size);
    g_test_add_func("/sthclassify/settings/layout", test_layout);
    g_test_add_func("/sthclassify/settings/sample-rate", test_sample_rate);
    g_test_add_func("/sthclassify/settings/stride", test_stride);
    g_test_add_func("/sthclassify/settings/threads", test_threads);
    g_test_add_func("/sthclassify/settings/hysteresis", test_hysteresis);
    g_test_add_func("/sthclassify/settings/thresholds-cross", test_thresholds_cross);
    result = g_test_run();
    test_folder_free(folder);
    return result;
}
