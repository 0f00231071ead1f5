/* sthoverlay: what is drawn, where, into which formats, and when nothing may be touched.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "overlay_fixture.h"

/* No result, nothing recognised, too little confidence, nothing asked for: the buffer itself comes out, shared or not. */
static void test_untouched(void)
{
    GstSthClassification none = result_of(NULL, 0.4), weak = result_of("waving", 0.4);
    const struct {
        const char *properties;
        const GstSthClassification *result;
    } rows[] = {{"", NULL}, {"", &none}, {"min-confidence=0.5", &weak}, {"show=0", &weak}, {"show=guesses", &none}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        GstBuffer *frame, *out;
        Fixture f;

        open_overlay(&f, rows[i].properties, "RGB", 320, 240);
        for (guint shared = 0; shared < 2; shared++) {
            frame = grey_frame(&f, rows[i].result);
            if (shared)
                gst_buffer_ref(frame);
            g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
            out = gst_harness_pull(f.harness);
            g_assert_true(out == frame);
            g_assert_cmpuint(changed_box(&f, out).n, ==, 0);
            gst_buffer_unref(out);
            if (shared)
                gst_buffer_unref(frame);
        }
        fixture_close(&f);
    }
}

static void test_positions(void)
{
    static const struct {
        const char *name;
        gint x, y; /* -1 left or top, 0 middle, 1 right or bottom */
    } rows[] = {{"top-left", -1, -1}, {"top", 0, -1}, {"top-right", 1, -1}, {"bottom-left", -1, 1}, {"bottom", 0, 1}, {"bottom-right", 1, 1}};
    const GstSthClassification result = result_of("waving", 0.9);

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *properties = g_strdup_printf("position=%s", rows[i].name);
        gint left, right, above, below;
        GstBuffer *out;
        Fixture f;
        Box box;

        open_overlay(&f, properties, "RGB", 1280, 720);
        out = pass_grey(&f, &result);
        box = changed_box(&f, out);
        g_assert_cmpuint(box.n, >, 5000);
        left = box.left;
        right = 1280 - box.right;
        above = box.top;
        below = 720 - box.bottom;
        g_assert_cmpint(MIN(left, right), >, 0);
        g_assert_cmpint(MIN(above, below), >, 0);
        g_assert_true(rows[i].x == 0 ? ABS(left - right) <= 4 : (left < right) == (rows[i].x < 0));
        g_assert_true((above < below) == (rows[i].y < 0));
        gst_buffer_unref(out);
        fixture_close(&f);
        g_free(properties);
    }
}

/* The panel follows the height of the picture, stays inside, and takes no more than half of the height. */
static void test_sizes(void)
{
    static const guint sizes[][2] = {{160, 120}, {176, 144}, {320, 240}, {360, 640}, {641, 479}, {1280, 720}, {1920, 1080}, {3840, 2160}};
    const GstSthClassification result = result_of("waving with both hands", 0.9);
    double last = 0;

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        const guint width = sizes[i][0], height = sizes[i][1];
        GstBuffer *out;
        Fixture f;
        Box box;

        open_overlay(&f, "show=label+bars+history+time", "RGB", width, height);
        out = pass_grey(&f, &result);
        box = changed_box(&f, out);
        g_assert_cmpuint(box.n, >, 0);
        g_assert_cmpint(box.right, <, width);
        g_assert_cmpint(box.bottom - box.top, <=, height / 2 + 1);
        if (width > height && height >= 480) { /* em no longer at its bound: the same share of every height */
            const double share = (double)(box.bottom - box.top) / height;

            g_assert_true(last == 0 || ABS(share - last) < 0.02);
            last = share;
        }
        gst_buffer_unref(out);
        fixture_close(&f);
    }
}

/* Too small for text: nothing, and no crash; also for a font that does not fit. */
static void test_too_small(void)
{
    const GstSthClassification result = result_of("waving", 0.9);
    static const guint sizes[][2] = {{1, 1}, {8, 8}, {16, 200}, {200, 10}};

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        GstBuffer *out;
        Fixture f;

        open_overlay(&f, "", "RGB", sizes[i][0], sizes[i][1]);
        out = pass_grey(&f, &result);
        g_assert_cmpuint(changed_box(&f, out).n, ==, 0);
        gst_buffer_unref(out);
        fixture_close(&f);
    }
}

/* Twice as wide pixels, half as many of them. */
static void test_pixel_aspect_ratio(void)
{
    static const char *const ratios[] = {"1/1", "2/1", "1/2"};
    const GstSthClassification result = result_of("waving", 0.9);
    gint width[3], height[3];

    for (guint i = 0; i < 3; i++) {
        char *caps = g_strdup_printf("video/x-raw,format=RGB,width=1200,height=480,framerate=8/1,pixel-aspect-ratio=%s", ratios[i]);
        GstBuffer *out;
        Fixture f;
        Box box;

        fixture_open(&f, "sthoverlay", "");
        fixture_set_caps(&f, caps);
        out = pass_grey(&f, &result);
        box = changed_box(&f, out);
        width[i] = box.right - box.left;
        height[i] = box.bottom - box.top;
        gst_buffer_unref(out);
        fixture_close(&f);
        g_free(caps);
    }
    g_assert_cmpint(ABS(height[0] - height[1]), <=, 1);
    g_assert_cmpint(ABS(height[0] - height[2]), <=, 1);
    g_assert_cmpint(ABS(width[0] - 2 * width[1]), <=, 4);
    g_assert_cmpint(ABS(2 * width[0] - width[2]), <=, 4);
}

/* The frame as RGB without smoothing of colours between pixels; caller frees. */
static GstBuffer *to_rgb(const GstVideoInfo *info, GstBuffer *buffer)
{
    GstVideoInfo rgb;
    GstVideoFrame in, out;
    GstVideoConverter *converter;
    GstBuffer *converted;

    gst_video_info_set_format(&rgb, GST_VIDEO_FORMAT_RGB, info->width, info->height);
    rgb.fps_n = info->fps_n;
    rgb.fps_d = info->fps_d;
    converted = gst_buffer_new_allocate(NULL, rgb.size, NULL);
    converter = gst_video_converter_new(
        info, &rgb, gst_structure_new("o", GST_VIDEO_CONVERTER_OPT_CHROMA_MODE, GST_TYPE_VIDEO_CHROMA_MODE, GST_VIDEO_CHROMA_MODE_NONE, NULL));
    g_assert_true(gst_video_frame_map(&in, info, buffer, GST_MAP_READ));
    g_assert_true(gst_video_frame_map(&out, &rgb, converted, GST_MAP_WRITE));
    gst_video_converter_frame(converter, &in, &out);
    gst_video_frame_unmap(&in);
    gst_video_frame_unmap(&out);
    gst_video_converter_free(converter);
    return converted;
}

/* Counts pixels that differ, inside the panel and outside of it. Pixels that share a colour with one of the panel's count as inside. */
static void count_changes(const GstVideoInfo *info, GstBuffer *before, GstBuffer *after, const Box *panel, guint *inside, guint *outside)
{
    GstBuffer *a = to_rgb(info, before), *b = to_rgb(info, after);
    const gsize stride = GST_ROUND_UP_4(info->width * 3);
    GstMapInfo ma, mb;

    *inside = *outside = 0;
    gst_buffer_map(a, &ma, GST_MAP_READ);
    gst_buffer_map(b, &mb, GST_MAP_READ);
    for (gint y = 0; y < info->height; y++)
        for (gint x = 0; x < info->width; x++) {
            const gsize at = y * stride + x * 3;
            const gboolean within =
                x >= (panel->left & ~3) && x < ((panel->right + 3) & ~3) && y >= (panel->top & ~3) && y < ((panel->bottom + 3) & ~3);

            if (memcmp(ma.data + at, mb.data + at, 3) != 0)
                (*(within ? inside : outside))++;
        }
    gst_buffer_unmap(a, &ma);
    gst_buffer_unmap(b, &mb);
    gst_buffer_unref(a);
    gst_buffer_unref(b);
}

/* Every format that the pad takes without downstream's help is drawn into, one after the other by one element: all of the panel, nothing else. */
static void test_formats(void)
{
    const GstSthClassification result = result_of("waving", 0.9);
    guint n, n_tested = 0;
    const GstVideoFormat *formats = gst_video_formats_raw(&n);
    Box panel = {0};
    GstBuffer *out;
    GstPad *pad;
    Fixture f;

    fixture_open(&f, "sthoverlay", "");
    gst_harness_set_sink_caps_str(f.harness, "video/x-raw");
    fixture_set_caps(&f, "video/x-raw,format=RGB,width=320,height=240,framerate=8/1");
    out = pass_grey(&f, &result);
    panel = changed_box(&f, out);
    gst_buffer_unref(out);
    pad = gst_element_get_static_pad(f.element, "sink");
    for (guint i = 0; i < n; i++) {
        const char *name = gst_video_format_to_string(formats[i]);
        char *text = g_strdup_printf("video/x-raw,format=%s,width=320,height=240,framerate=8/1", name);
        GstCaps *caps = gst_caps_from_string(text);

        if (gst_pad_query_accept_caps(pad, caps)) {
            guint inside, outside;
            GstBuffer *plain;

            fixture_set_caps(&f, text);
            plain = grey_frame(&f, NULL);
            out = pass_grey(&f, &result);
            count_changes(&f.info, plain, out, &panel, &inside, &outside);
            if (inside < panel.n * 9 / 10 || outside > 0)
                g_error("%s: %u of %u pixels drawn, %u beside the panel", name, inside, panel.n, outside);
            gst_buffer_unref(plain);
            gst_buffer_unref(out);
            n_tested++;
        }
        gst_caps_unref(caps);
        g_free(text);
    }
    g_assert_cmpuint(n_tested, >=, 20);
    gst_object_unref(pad);
    fixture_close(&f);
}

static gboolean out_caps_have_feature(Fixture *f)
{
    GstCaps *caps = gst_pad_get_current_caps(f->harness->sinkpad);
    const gboolean has = gst_caps_features_contains(gst_caps_get_features(caps, 0), GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION);

    gst_caps_unref(caps);
    return has;
}

/* Downstream that renders overlays gets them as metadata, drawn once as long as they look the same, beside those that were there. */
static void test_attach(void)
{
    GstSthClassification result = result_of("waving", 0.9);
    GstVideoOverlayCompositionMeta *meta;
    GstVideoOverlayComposition *first;
    GstBuffer *frame, *out;
    Fixture f;

    fixture_open(&f, "sthoverlay", "");
    gst_harness_add_propose_allocation_meta(f.harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
    fixture_set_caps(&f, "video/x-raw,format=RGB,width=320,height=240,framerate=8/1");
    g_assert_true(out_caps_have_feature(&f));
    out = pass_grey(&f, &result);
    g_assert_cmpuint(changed_box(&f, out).n, ==, 0);
    meta = gst_buffer_get_video_overlay_composition_meta(out);
    g_assert_nonnull(meta);
    g_assert_cmpuint(gst_video_overlay_composition_n_rectangles(meta->overlay), ==, 1);
    first = gst_video_overlay_composition_ref(meta->overlay);
    gst_buffer_unref(out);

    result.sequence++;
    result.confidence += 0.001; /* the same when rounded */
    out = pass_grey(&f, &result);
    g_assert_true(gst_buffer_get_video_overlay_composition_meta(out)->overlay == first);
    gst_buffer_unref(out);

    result.confidence = 0.5;
    frame = grey_frame(&f, &result);
    gst_buffer_add_video_overlay_composition_meta(frame, first);
    g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
    out = gst_harness_pull(f.harness);
    meta = gst_buffer_get_video_overlay_composition_meta(out);
    g_assert_cmpuint(gst_video_overlay_composition_n_rectangles(meta->overlay), ==, 2);
    g_assert_cmpuint(gst_video_overlay_composition_n_rectangles(first), ==, 1);
    gst_buffer_unref(out);
    gst_video_overlay_composition_unref(first);
    fixture_close(&f);
}

/* A sink that takes any caps but says nothing of overlays does not render them. */
static void test_blend_where_not_rendered(void)
{
    const GstSthClassification result = result_of("waving", 0.9);
    GstBuffer *out;
    Fixture f;

    open_overlay(&f, "", "RGB", 320, 240);
    g_assert_false(out_caps_have_feature(&f));
    out = pass_grey(&f, &result);
    g_assert_cmpuint(changed_box(&f, out).n, >, 0);
    g_assert_null(gst_buffer_get_video_overlay_composition_meta(out));
    gst_buffer_unref(out);
    fixture_close(&f);
}

/* Blending into a frame that others hold leaves theirs alone. */
static void test_shared_frame(void)
{
    const GstSthClassification result = result_of("waving", 0.9);
    GstBuffer *frame, *out;
    Fixture f;

    open_overlay(&f, "", "RGB", 320, 240);
    frame = grey_frame(&f, &result);
    g_assert_cmpint(gst_harness_push(f.harness, gst_buffer_ref(frame)), ==, GST_FLOW_OK);
    out = gst_harness_pull(f.harness);
    g_assert_cmpuint(changed_box(&f, frame).n, ==, 0);
    g_assert_cmpuint(changed_box(&f, out).n, >, 0);
    gst_buffer_unref(frame);
    gst_buffer_unref(out);
    fixture_close(&f);
}

/* What an old result says becomes fainter, second by second; the panel behind it stays. */
static void test_fades(void)
{
    static const guint ages[] = {0, 2, 4, 9}; /* s */
    GstSthClassification result = result_of("waving", 0.9);
    guint64 last = G_MAXUINT64;
    gint right = 0, bottom = 0;

    for (guint i = 0; i < G_N_ELEMENTS(ages); i++) {
        GstBuffer *out;
        Fixture f;
        Box box;

        result.held = i > 0;
        result.age = ages[i] * GST_SECOND;
        open_overlay(&f, "", "GRAY8", 640, 480);
        out = pass_grey(&f, &result);
        box = changed_box(&f, out);
        g_assert_cmpuint(box.light, <, last);
        g_assert_true(i == 0 || (box.right == right && box.bottom == bottom));
        last = box.light;
        right = box.right;
        bottom = box.bottom;
        gst_buffer_unref(out);
        fixture_close(&f);
    }
}

/* Long labels take two lines and end in an ellipsis; the panel keeps the width that it once had, and stays inside the picture. */
static void test_stands_still(void)
{
    GstSthClassification small = result_of("a", 0.9), large = result_of("putting something behind something", 0.9);
    Box first, wide, again;
    Fixture f;

    open_overlay(&f, "show=label", "RGB", 640, 480);
    first = draw(&f, &small);
    large.sequence = 1;
    wide = draw(&f, &large);
    small.sequence = 2;
    again = draw(&f, &small);
    g_assert_cmpint(wide.right, >, first.right);
    g_assert_cmpint(wide.bottom, >, first.bottom);
    g_assert_cmpint(again.right, ==, wide.right);
    g_assert_cmpint(again.bottom, ==, first.bottom);
    fixture_close(&f);
}

/* Properties change the picture while it plays. */
static void test_properties(void)
{
    const GstSthClassification result = result_of("waving", 0.9);
    guint n_label, n_bars;
    guint64 text, panel;
    Fixture f;

    open_overlay(&f, "show=label", "RGB", 640, 480);
    n_label = draw(&f, &result).n;
    gst_util_set_object_arg(G_OBJECT(f.element), "show", "label+bars");
    n_bars = draw(&f, &result).n;
    g_assert_cmpuint(n_bars, >, n_label);
    g_object_set(f.element, "top-k", 1u, NULL);
    g_assert_cmpuint(draw(&f, &result).n, <, n_bars);
    g_object_set(f.element, "font-desc", "Serif 40", NULL);
    g_assert_cmpuint(draw(&f, &result).n, >, n_bars);
    g_object_set(f.element, "text-color", 0xff000000u, "accent-color", 0xff000000u, "panel-color", 0xff000000u, NULL);
    g_assert_cmpuint(draw(&f, &result).light, ==, 0);
    g_object_set(f.element, "text-color", 0xffff0000u, NULL);
    text = draw(&f, &result).light;
    g_assert_cmpuint(text, >, 0);
    g_object_set(f.element, "panel-color", 0xffff0000u, NULL);
    panel = draw(&f, &result).light;
    g_assert_cmpuint(panel, >, 2 * text);
    g_object_set(f.element, "opacity", 0.5, NULL);
    g_assert_cmpuint(draw(&f, &result).light, <, panel * 6 / 10);
    g_object_set(f.element, "opacity", 0.0, NULL);
    g_assert_cmpuint(draw(&f, &result).n, ==, 0);
    fixture_close(&f);
}

/* On demand the best guesses are shown although nothing is recognised. */
static void test_guesses(void)
{
    const GstSthClassification none = result_of(NULL, 0.4);
    Fixture f;

    open_overlay(&f, "show=label+bars+guesses", "RGB", 640, 480);
    g_assert_cmpuint(draw(&f, &none).n, >, 0);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthoverlay/untouched", test_untouched);
    g_test_add_func("/sthoverlay/positions", test_positions);
    g_test_add_func("/sthoverlay/sizes", test_sizes);
    g_test_add_func("/sthoverlay/too-small", test_too_small);
    g_test_add_func("/sthoverlay/pixel-aspect-ratio", test_pixel_aspect_ratio);
    g_test_add_func("/sthoverlay/formats", test_formats);
    g_test_add_func("/sthoverlay/attach", test_attach);
    g_test_add_func("/sthoverlay/blend-where-not-rendered", test_blend_where_not_rendered);
    g_test_add_func("/sthoverlay/shared-frame", test_shared_frame);
    g_test_add_func("/sthoverlay/fades", test_fades);
    g_test_add_func("/sthoverlay/stands-still", test_stands_still);
    g_test_add_func("/sthoverlay/properties", test_properties);
    g_test_add_func("/sthoverlay/guesses", test_guesses);
    return g_test_run();
}
