/* sthclassify and GStreamer's analytics library, where there is one (1.24 and newer): what it attaches, and that others understand it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/analytics/analytics.h>
#include <string.h>

#include "element_fixture.h"

/* How many of this type a buffer has; *last is one of them. */
static guint count_mtds(GstBuffer *buffer, GstAnalyticsMtdType type, GstAnalyticsMtd *last)
{
    GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta(buffer);
    gpointer state = NULL;
    GstAnalyticsMtd mtd = {0}; /* the call that finds no more overwrites it */
    guint n = 0;

    *last = mtd;
    for (; relations && gst_analytics_relation_meta_iterate(relations, &state, type, &mtd); n++)
        *last = mtd;
    return n;
}

/* One classification of length 1, no region. */
static void test_classification(void)
{
    GstSthClassification value;
    GstAnalyticsMtd mtd;
    GstBuffer *buffer;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0");
    buffer = fixture_pass(&f, 0);
    g_assert_null(gst_buffer_get_analytics_relation_meta(buffer));
    gst_buffer_unref(buffer);
    g_assert_true(fixture_result(&f, SAMPLE, &value, &buffer));
    g_assert_cmpuint(count_mtds(buffer, gst_analytics_cls_mtd_get_mtd_type(), &mtd), ==, 1);
    g_assert_cmpuint(gst_analytics_cls_mtd_get_length(&mtd), ==, 1);
    g_assert_cmpstr(g_quark_to_string(gst_analytics_cls_mtd_get_quark(&mtd, 0)), ==, value.label);
    g_assert_cmpfloat(gst_analytics_cls_mtd_get_level(&mtd, 0), ==, (float)value.confidence);
    g_assert_cmpuint(count_mtds(buffer, gst_analytics_od_mtd_get_mtd_type(), &mtd), ==, 0);
    gst_buffer_unref(buffer);

    g_object_set(f.element, "threshold", 1.0, "attach-region", TRUE, NULL);
    g_assert_true(fixture_result(&f, 2 * SAMPLE, &value, &buffer));
    g_assert_null(value.label);
    g_assert_null(gst_buffer_get_analytics_relation_meta(buffer));
    gst_buffer_unref(buffer);
    fixture_close(&f);
}

/* A detection as large as the frame, related to the classification; held results have both as well. */
static void test_region(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0 stride=2 attach-region=true");
    gst_buffer_unref(fixture_pass(&f, 0));
    for (guint i = 1; i <= 2; i++) {
        GstAnalyticsMtd classification, detection, related;
        gint x, y, width, height;
        GstSthClassification value;
        gpointer state = NULL;
        GstBuffer *buffer;
        gfloat confidence;

        g_assert_true(fixture_result(&f, i * SAMPLE, &value, &buffer));
        g_assert_cmpint(value.held, ==, i == 2);
        g_assert_cmpuint(count_mtds(buffer, gst_analytics_cls_mtd_get_mtd_type(), &classification), ==, 1);
        g_assert_cmpuint(count_mtds(buffer, gst_analytics_od_mtd_get_mtd_type(), &detection), ==, 1);
        g_assert_true(gst_analytics_od_mtd_get_location(&detection, &x, &y, &width, &height, &confidence));
        g_assert_cmpint(x, ==, 0);
        g_assert_cmpint(y, ==, 0);
        g_assert_cmpint(width, ==, 64);
        g_assert_cmpint(height, ==, 48);
        g_assert_cmpfloat(confidence, ==, (float)value.confidence);
        g_assert_cmpstr(g_quark_to_string(gst_analytics_od_mtd_get_obj_type(&detection)), ==, value.label);
        g_assert_true(gst_analytics_relation_meta_get_direct_related(detection.meta, detection.id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
                                                                     gst_analytics_cls_mtd_get_mtd_type(), &state, &related));
        g_assert_cmpuint(related.id, ==, classification.id);
        gst_buffer_unref(buffer);
    }
    fixture_close(&f);
}

/* What an element upstream found is still there. */
static void test_company(void)
{
    GstAnalyticsODMtd theirs;
    GstAnalyticsMtd mtd;
    GstBuffer *frame;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0");
    gst_buffer_unref(fixture_pass(&f, 0));
    frame = fixture_frame(&f, SAMPLE, SAMPLE);
    g_assert_true(gst_analytics_relation_meta_add_od_mtd(gst_buffer_add_analytics_relation_meta(frame), g_quark_from_string("person"), 1, 2, 3, 4,
                                                         0.5f, &theirs));
    g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
    frame = gst_harness_pull(f.harness);
    g_assert_cmpuint(count_mtds(frame, gst_analytics_cls_mtd_get_mtd_type(), &mtd), ==, 1);
    g_assert_cmpuint(count_mtds(frame, gst_analytics_od_mtd_get_mtd_type(), &mtd), ==, 1);
    g_assert_cmpstr(g_quark_to_string(gst_analytics_od_mtd_get_obj_type(&mtd)), ==, "person");
    gst_buffer_unref(frame);
    fixture_close(&f);
}

/* Pixels that are not the frame's gray. */
static guint count_drawn(GstBuffer *frame)
{
    GstMapInfo map;
    guint n = 0;

    g_assert_true(gst_buffer_map(frame, &map, GST_MAP_READ));
    for (gsize i = 0; i < map.size; i += 4)
        n += memcmp(map.data + i, "\x80\x80\x80", 3) != 0;
    gst_buffer_unmap(frame, &map);
    return n;
}

/* GStreamer's own overlay draws the region: an outline and the label. */
static void test_overlay(void)
{
    char *line =
        g_strdup_printf("sthclassify model-file=\"%s\" mode=sync threshold=0 attach-region=true ! objectdetectionoverlay", golden_path(TINY_MODEL));
    GstHarness *h = gst_harness_new_parse(line);

    gst_harness_set_src_caps_str(h, "video/x-raw,format=RGBA,width=320,height=240,framerate=8/1");
    for (guint i = 0; i < 2; i++) {
        GstBuffer *frame = gst_buffer_new_allocate(NULL, 320 * 240 * 4, NULL);

        gst_buffer_memset(frame, 0, 0x80, 320 * 240 * 4);
        GST_BUFFER_PTS(frame) = i * SAMPLE;
        g_assert_cmpint(gst_harness_push(h, frame), ==, GST_FLOW_OK);
        frame = gst_harness_pull(h);
        if (i == 0) /* no window yet */
            g_assert_cmpuint(count_drawn(frame), ==, 0);
        else /* at least a line on two sides */
            g_assert_cmpuint(count_drawn(frame), >=, 320 + 240);
        gst_buffer_unref(frame);
    }
    gst_harness_teardown(h);
    g_free(line);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthclassify/analytics/classification", test_classification);
    g_test_add_func("/sthclassify/analytics/region", test_region);
    g_test_add_func("/sthclassify/analytics/company", test_company);
    g_test_add_func("/sthclassify/analytics/overlay", test_overlay);
    return g_test_run();
}
