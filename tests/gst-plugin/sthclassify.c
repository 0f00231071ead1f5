/* sthclassify: what it says of the frames, and on which of them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "element_fixture.h"

/* Two-frame windows, a frame a sample: the first result is on the second frame, then each frame has one of its own. */
static void test_windows(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0 top-k=3");
    for (guint i = 0; i < 6; i++) {
        GstSthClassification value;
        GstBuffer *buffer;
        const gboolean has = fixture_result(&f, i * SAMPLE, &value, &buffer);

        g_assert_cmpint(has, ==, i > 0);
        if (has) {
            double sum = 0;

            g_assert_false(value.held);
            g_assert_cmpuint(value.sequence, ==, i - 1);
            g_assert_cmpuint(value.window_start, ==, (i - 1) * SAMPLE);
            g_assert_cmpuint(value.window_end, ==, i * SAMPLE);
            g_assert_cmpuint(value.age, ==, 0);
            g_assert_cmpuint(value.inference_time, >, 0);
            g_assert_cmpuint(value.n_top, ==, 3);
            for (guint k = 0; k < value.n_top; k++) {
                sum += value.confidences[k];
                g_assert_cmpint(value.label_ids[k], <, 4);
                g_assert_true(k == 0 || value.confidences[k] <= value.confidences[k - 1]);
            }
            g_assert_cmpfloat(sum, <=, 1 + 1e-5);
            g_assert_cmpstr(value.label, ==, value.labels[0]);
            g_assert_cmpint(value.label_id, ==, value.label_ids[0]);
            g_assert_cmpfloat(value.confidence, ==, value.confidences[0]);
            g_assert_cmpstr(value.model, ==, "sth_two_frames_form_a");
            g_assert_nonnull(value.source);
        }
        gst_buffer_unref(buffer);
    }
    g_assert_cmpuint(fixture_stat(&f, "frames-in"), ==, 6);
    g_assert_cmpuint(fixture_stat(&f, "frames-sampled"), ==, 6);
    g_assert_cmpuint(fixture_stat(&f, "windows-run"), ==, 5);
    g_assert_cmpuint(fixture_stat(&f, "windows-skipped"), ==, 0);
    g_assert_cmpuint(fixture_stat(&f, "inference-last"), >, 0);
    g_assert_cmpuint(fixture_count_messages(&f, "result"), ==, 5);
    fixture_close(&f);
}

/* Four frames a sample: those in between carry the result of the last window, held and growing older. */
static void test_held(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0");
    for (guint i = 0; i < 16; i++) {
        GstSthClassification value;
        GstBuffer *buffer;
        const gboolean has = fixture_result(&f, i * SAMPLE / 4, &value, &buffer);

        g_assert_cmpint(has, ==, i >= 4);
        if (has) {
            g_assert_cmpint(value.held, ==, i % 4 != 0);
            g_assert_cmpuint(value.sequence, ==, i / 4 - 1);
            g_assert_cmpuint(value.age, ==, GST_BUFFER_PTS(buffer) - value.window_end);
            g_assert_true(i % 4 == 0 || value.events == GST_STH_EVENT_NONE);
        }
        gst_buffer_unref(buffer);
    }
    g_assert_cmpuint(fixture_stat(&f, "frames-sampled"), ==, 4);
    fixture_close(&f);
}

/* After the hold time, counted from the first carrier, a result is gone. */
static void test_hold_time(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0 stride=1000 hold-time=250000000");
    for (guint i = 0; i < 8; i++) {
        GstSthClassification value;
        GstBuffer *buffer;

        g_assert_cmpint(fixture_result(&f, i * SAMPLE, &value, &buffer), ==, i >= 1 && i <= 3);
        gst_buffer_unref(buffer);
    }
    fixture_close(&f);
}

/* The same memory comes out; a buffer that others hold is not touched, metadata included. */
static void test_no_copy(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0");
    gst_buffer_unref(fixture_pass(&f, 0));
    for (guint shared = 0; shared < 2; shared++) {
        GstBuffer *in = fixture_frame(&f, (shared + 1) * SAMPLE, SAMPLE), *out;
        GstMemory *memory = gst_buffer_peek_memory(in, 0);
        GstSthClassification value;

        GST_MINI_OBJECT_FLAG_SET(memory, GST_MINI_OBJECT_FLAG_LOCK_READONLY);
        if (shared)
            gst_buffer_ref(in);
        g_assert_cmpint(gst_harness_push(f.harness, in), ==, GST_FLOW_OK);
        out = gst_harness_pull(f.harness);
        g_assert_true(gst_sth_classification_from_buffer(out, &value));
        g_assert_true(gst_buffer_peek_memory(out, 0) == memory);
        g_assert_true((out == in) == !shared);
        if (shared) {
            g_assert_false(gst_sth_classification_from_buffer(in, &value));
            gst_buffer_unref(in);
        }
        gst_buffer_unref(out);
    }
    fixture_close(&f);
}

/* Whatever GStreamer can map gives results; odd sizes included. */
static void test_all_formats(void)
{
    guint n;
    const GstVideoFormat *formats = gst_video_formats_raw(&n);
    guint n_tested = 0;

    for (guint i = 0; i < n; i++) {
        const char *name = gst_video_format_to_string(formats[i]);
        char *caps = g_strdup_printf("video/x-raw,format=%s,width=67,height=45,framerate=8/1", name);
        GstSthClassification value;
        GstBuffer *buffer;
        Fixture f;

        if (gst_video_format_get_info(formats[i])->unpack_func == NULL || g_str_equal(name, "DMA_DRM")) {
            g_free(caps);
            continue;
        }
        fixture_open_classify(&f, TINY_MODEL, "threshold=0");
        fixture_set_caps(&f, caps);
        gst_buffer_unref(fixture_pass(&f, 0));
        if (!fixture_result(&f, SAMPLE, &value, &buffer))
            g_error("%s: no result", name);
        g_assert_true(isfinite(value.confidence));
        gst_buffer_unref(buffer);
        fixture_close(&f);
        g_free(caps);
        n_tested++;
    }
    g_assert_cmpuint(n_tested, >=, 90);
}

/* Confidences of two frames in this format, converted from one picture. */
static void picture_result(const char *format, GstSthClassification *value, GstBuffer **buffer)
{
    char *properties =
        g_strdup_printf("videoconvert ! capsfilter caps=video/x-raw,format=%s ! sthclassify model-file=\"%s\" mode=sync threshold=0 top-k=4", format,
                        golden_path(TINY_MODEL));
    GstHarness *h = gst_harness_new_parse(properties);

    gst_harness_set_src_caps_str(h, "video/x-raw,format=AYUV,width=64,height=48,framerate=8/1,colorimetry=bt709");
    for (guint i = 0; i < 2; i++) {
        GstBuffer *in = gst_buffer_new_allocate(NULL, 64 * 48 * 4, NULL);
        GstMapInfo map;

        gst_buffer_map(in, &map, GST_MAP_WRITE);
        for (guint y = 0; y < 48; y++)
            for (guint x = 0; x < 64; x++)
                memcpy(map.data + (y * 64 + x) * 4, (guint8[]){255, (guint8)(40 + 2 * x + y * i), (guint8)(90 + y), (guint8)(150 - x / 2)}, 4);
        gst_buffer_unmap(in, &map);
        GST_BUFFER_PTS(in) = i * SAMPLE;
        g_assert_cmpint(gst_harness_push(h, in), ==, GST_FLOW_OK);
    }
    gst_buffer_unref(gst_harness_pull(h));
    *buffer = gst_harness_pull(h);
    g_assert_true(gst_sth_classification_from_buffer(*buffer, value));
    gst_harness_teardown(h);
    g_free(properties);
}

/* A smooth picture says the same in every format, to the precision of 8 bits and shared chroma. */
static void test_formats_agree(void)
{
    static const char *const formats[] = {"I420", "YV12", "NV12", "NV21", "YUY2",      "UYVY", "RGB",  "BGR",       "RGBA",   "BGRx",  "ARGB",
                                          "xBGR", "Y42B", "Y444", "AYUV", "P010_10LE", "GBR",  "v210", "I422_10LE", "ARGB64", "RGB16", NULL};
    GstSthClassification reference, value;
    GstBuffer *kept, *buffer;

    picture_result("RGBx", &reference, &kept);
    for (const char *const *format = formats; *format; format++) {
        const double tolerance = g_str_equal(*format, "RGB16") ? 0.1 : 0.03; /* RGB16: 5 and 6 bits */

        picture_result(*format, &value, &buffer);
        for (guint i = 0; i < reference.n_top; i++) {
            guint k = 0;

            while (k < value.n_top && value.label_ids[k] != reference.label_ids[i])
                k++;
            g_assert_cmpuint(k, <, value.n_top);
            if (fabs(value.confidences[k] - reference.confidences[i]) > tolerance)
                g_error("%s: class %d has %g, in RGBx %g", *format, value.label_ids[k], value.confidences[k], reference.confidences[i]);
        }
        gst_buffer_unref(buffer);
    }
    gst_buffer_unref(kept);
}

/* `frame` as a copy whose planes begin and whose lines end with bytes that are no part of the picture, as its GstVideoMeta says. */
static GstBuffer *spread_out(const GstVideoInfo *info, GstBuffer *frame)
{
    gsize offsets[GST_VIDEO_MAX_PLANES], size = 100;
    gint strides[GST_VIDEO_MAX_PLANES];
    GstVideoFrame from, to;
    GstBuffer *wide;

    g_assert_true(gst_video_frame_map(&from, info, frame, GST_MAP_READ));
    for (guint plane = 0; plane < info->finfo->n_planes; plane++) {
        gint components[GST_VIDEO_MAX_COMPONENTS];

        gst_video_format_info_component(info->finfo, plane, components);
        offsets[plane] = size;
        strides[plane] = info->stride[plane] + 52 + 4 * plane;
        size += strides[plane] * (GST_VIDEO_FRAME_COMP_HEIGHT(&from, components[0]) + 1);
    }
    wide = gst_buffer_new_allocate(NULL, size, NULL);
    gst_buffer_memset(wide, 0, 0x55, size);
    gst_buffer_add_video_meta_full(wide, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(info), info->width, info->height, info->finfo->n_planes,
                                   offsets, strides);
    g_assert_true(gst_video_frame_map(&to, info, wide, GST_MAP_WRITE));
    g_assert_true(gst_video_frame_copy(&to, &from));
    gst_video_frame_unmap(&from);
    gst_video_frame_unmap(&to);
    GST_BUFFER_PTS(wide) = GST_BUFFER_PTS(frame);
    gst_buffer_unref(frame);
    return wide;
}

/* Lines that lie apart in memory, as GstVideoMeta says, are read from where they are: any format, odd sizes. */
static void test_strides(void)
{
    guint n, n_tested = 0;
    const GstVideoFormat *formats = gst_video_formats_raw(&n);

    for (guint i = 0; i < n; i++) {
        const GstVideoFormatInfo *format = gst_video_format_get_info(formats[i]);
        GstSthClassification value[2];
        char *caps;

        /* A stride of tiles counts tiles. */
        if (format->unpack_func == NULL || GST_VIDEO_FORMAT_INFO_IS_TILED(format) || GST_VIDEO_FORMAT_INFO_HAS_PALETTE(format))
            continue;
        caps = g_strdup_printf("video/x-raw,format=%s,width=67,height=45,framerate=8/1", format->name);
        for (guint pass = 0; pass < 2; pass++) {
            GstBuffer *out = NULL;
            Fixture f;

            fixture_open_classify(&f, TINY_MODEL, "threshold=0 top-k=2");
            fixture_set_caps(&f, caps);
            for (guint k = 0; k < 2; k++) {
                GstBuffer *frame = fixture_frame(&f, k * SAMPLE, SAMPLE);

                if (pass)
                    frame = spread_out(&f.info, frame);
                g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
                gst_clear_buffer(&out);
                out = gst_harness_pull(f.harness);
            }
            g_assert_true(gst_sth_classification_from_buffer(out, &value[pass]));
            gst_buffer_unref(out);
            fixture_close(&f);
        }
        for (guint k = 0; k < 2; k++)
            if (value[0].confidences[k] != value[1].confidences[k])
                g_error("%s: %g in lines one after another, %g in lines apart", format->name, value[0].confidences[k], value[1].confidences[k]);
        g_free(caps);
        n_tested++;
    }
    g_assert_cmpuint(n_tested, >=, 85);
}

static void test_threshold(void)
{
    GstSthClassification value;
    GstBuffer *buffer;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=1");
    gst_buffer_unref(fixture_pass(&f, 0));
    g_assert_true(fixture_result(&f, SAMPLE, &value, &buffer));
    g_assert_null(value.label);
    g_assert_cmpint(value.label_id, ==, -1);
    g_assert_cmpuint(value.n_top, ==, 4); /* top-k is 5, the model has four classes */
    gst_buffer_unref(buffer);

    /* Changed while playing, it counts from the next window. */
    g_object_set(f.element, "threshold", 0.0, "top-k", 1u, NULL);
    g_assert_true(fixture_result(&f, 2 * SAMPLE, &value, &buffer));
    g_assert_nonnull(value.label);
    g_assert_cmpuint(value.n_top, ==, 1);
    gst_buffer_unref(buffer);
    fixture_close(&f);
}

static guint64 field(const GstStructure *structure, const char *name)
{
    guint64 value = 0;

    g_assert_true(gst_structure_get_uint64(structure, name, &value));
    return value;
}

/* A result's message says what its buffer says. */
static void test_message(void)
{
    const GstStructure *structure;
    GstSthClassification value;
    GstBuffer *buffer;
    GstMessage *message;
    double confidence;
    GstSegment segment;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0");
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = GST_SECOND;
    segment.time = 5 * GST_SECOND;
    segment.base = 20 * GST_SECOND;
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_segment(&segment)));
    gst_buffer_unref(fixture_pass(&f, 2 * GST_SECOND));
    g_assert_true(fixture_result(&f, 2 * GST_SECOND + SAMPLE, &value, &buffer));
    message = fixture_message(&f, "result");
    g_assert_nonnull(message);
    structure = gst_message_get_structure(message);
    g_assert_cmpuint(field(structure, "timestamp"), ==, 2 * GST_SECOND + SAMPLE);
    g_assert_cmpuint(field(structure, "stream-time"), ==, 6 * GST_SECOND + SAMPLE);
    g_assert_cmpuint(field(structure, "running-time"), ==, 21 * GST_SECOND + SAMPLE);
    g_assert_cmpuint(field(structure, "duration"), ==, SAMPLE);
    g_assert_cmpuint(field(structure, "window-start"), ==, value.window_start);
    g_assert_cmpuint(field(structure, "window-end"), ==, value.window_end);
    g_assert_cmpuint(field(structure, "sequence"), ==, 0);
    g_assert_cmpstr(gst_structure_get_string(structure, "label"), ==, value.label);
    g_assert_true(gst_structure_get_double(structure, "confidence", &confidence));
    g_assert_cmpfloat(confidence, ==, value.confidence);
    g_assert_true(gst_structure_has_field_typed(structure, "stats", GST_TYPE_STRUCTURE));
    gst_message_unref(message);
    gst_buffer_unref(buffer);

    g_object_set(f.element, "post-messages", FALSE, NULL);
    gst_buffer_unref(fixture_pass(&f, 2 * GST_SECOND + 2 * SAMPLE));
    g_assert_cmpuint(fixture_count_messages(&f, "result"), ==, 0);
    fixture_close(&f);
}

#ifndef HAVE_GST_ANALYTICS
static void test_region(void)
{
    GstVideoRegionOfInterestMeta *region;
    GstSthClassification value;
    GstStructure *parameters;
    GstBuffer *buffer;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0 attach-region=true");
    gst_buffer_unref(fixture_pass(&f, 0));
    g_assert_true(fixture_result(&f, SAMPLE, &value, &buffer));
    region = gst_buffer_get_video_region_of_interest_meta(buffer);
    g_assert_nonnull(region);
    g_assert_cmpstr(g_quark_to_string(region->roi_type), ==, value.label);
    g_assert_cmpuint(region->w, ==, 64);
    g_assert_cmpuint(region->h, ==, 48);
    parameters = gst_video_region_of_interest_meta_get_param(region, "classification");
    g_assert_nonnull(parameters);
    g_assert_cmpstr(gst_structure_get_string(parameters, "label"), ==, value.label);
    gst_buffer_unref(buffer);

    /* Nothing recognised, no region. */
    g_object_set(f.element, "threshold", 1.0, NULL);
    g_assert_true(fixture_result(&f, 2 * SAMPLE, &value, &buffer));
    g_assert_null(gst_buffer_get_video_region_of_interest_meta(buffer));
    gst_buffer_unref(buffer);
    fixture_close(&f);
}
#endif

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthclassify/windows", test_windows);
    g_test_add_func("/sthclassify/held", test_held);
    g_test_add_func("/sthclassify/hold-time", test_hold_time);
    g_test_add_func("/sthclassify/no-copy", test_no_copy);
    g_test_add_func("/sthclassify/all-formats", test_all_formats);
    g_test_add_func("/sthclassify/formats-agree", test_formats_agree);
    g_test_add_func("/sthclassify/strides", test_strides);
    g_test_add_func("/sthclassify/threshold", test_threshold);
    g_test_add_func("/sthclassify/message", test_message);
#ifndef HAVE_GST_ANALYTICS
    g_test_add_func("/sthclassify/region", test_region);
#endif
    return g_test_run();
}
