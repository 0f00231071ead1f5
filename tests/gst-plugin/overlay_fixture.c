/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay_fixture.h"

void open_overlay(Fixture *f, const char *properties, const char *format, guint width, guint height)
{
    char *caps = g_strdup_printf("video/x-raw,format=%s,width=%u,height=%u,framerate=8/1", format, width, height);

    fixture_open(f, "sthoverlay", properties);
    fixture_set_caps(f, caps);
    g_free(caps);
}

GstSthClassification result_of(const char *label, double confidence)
{
    return (GstSthClassification){
        .label = label,
        .label_id = label ? 1 : -1,
        .confidence = confidence,
        .n_top = 3,
        .labels = {label ? label : "something", "second", "third"},
        .label_ids = {1, 2, 3},
        .confidences = {confidence, 0.04, 0.01},
        .window_start = 0,
        .window_end = SAMPLE,
        .action.id = -1,
        .ended.id = -1,
    };
}

GstBuffer *grey_frame(Fixture *f, const GstSthClassification *result)
{
    GstBuffer *frame = fixture_frame(f, 0, SAMPLE);

    gst_buffer_memset(frame, 0, 0x80, gst_buffer_get_size(frame));
    if (GST_VIDEO_FORMAT_INFO_HAS_PALETTE(f->info.finfo)) /* GStreamer draws with a cube of 6 x 6 x 6 colours, whatever the palette */
        for (guint i = 0; i < 216; i++) {
            const guint32 argb = 0xff000000 | i / 36 * 0x330000 | i / 6 % 6 * 0x3300 | i % 6 * 0x33;

            gst_buffer_fill(frame, f->info.offset[1] + 4 * i, &argb, sizeof(argb));
        }
    if (result)
        gst_sth_classification_attach(result, frame);
    return frame;
}

GstBuffer *pass_grey(Fixture *f, const GstSthClassification *result)
{
    g_assert_cmpint(gst_harness_push(f->harness, grey_frame(f, result)), ==, GST_FLOW_OK);
    return gst_harness_pull(f->harness);
}

Box changed_box(Fixture *f, GstBuffer *buffer)
{
    Box box = {G_MAXINT, G_MAXINT, 0, 0, 0, 0};
    GstVideoFrame frame;
    gint bytes;

    g_assert_true(gst_video_frame_map(&frame, &f->info, buffer, GST_MAP_READ));
    bytes = GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, 0);
    for (gint y = 0; y < frame.info.height; y++) {
        const guint8 *row = (guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) + y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);

        for (gint x = 0; x < frame.info.width; x++) {
            if (row[x * bytes] == 0x80)
                continue;
            box.left = MIN(box.left, x);
            box.right = MAX(box.right, x + 1);
            box.top = MIN(box.top, y);
            box.bottom = MAX(box.bottom, y + 1);
            box.light += MAX(row[x * bytes], 0x80) - 0x80;
            box.n++;
        }
    }
    gst_video_frame_unmap(&frame);
    return box;
}

Box draw(Fixture *f, const GstSthClassification *result)
{
    GstBuffer *out = pass_grey(f, result);
    const Box box = changed_box(f, out);

    gst_buffer_unref(out);
    return box;
}
