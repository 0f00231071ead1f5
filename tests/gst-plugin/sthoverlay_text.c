/* sthoverlay: text of any kind, whole and from its own side.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay_fixture.h"

/* Labels are text: as markup, `<b>` would leave a panel as wide as its content. Any bytes are drawn without harm. */
static void test_labels_are_text(void)
{
    static const char *const labels[] = {"<b>bold</b> & <span size='1'>x</span>",
                                         "line\nbreak\r\ttab",
                                         "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7",
                                         "\xf0\x9f\x91\x8b waving",
                                         "",
                                         "%s%n%d"};
    char *longest = g_strnfill(5000, 'W');
    gint width[2];
    Fixture f;

    for (guint i = 0; i <= G_N_ELEMENTS(labels); i++) {
        const GstSthClassification result = result_of(i < G_N_ELEMENTS(labels) ? labels[i] : longest, 0.9);
        Box box;

        open_overlay(&f, "", "RGB", 640, 480);
        box = draw(&f, &result);
        g_assert_cmpuint(box.n, >, 0);
        g_assert_cmpint(box.right, <, 640);
        fixture_close(&f);
    }
    for (guint i = 0; i < 2; i++) {
        const GstSthClassification result = result_of(i ? "<span size='1'>abcdefgh</span>" : "abcdefgh", 0.9);

        open_overlay(&f, "show=label", "RGB", 1280, 720);
        width[i] = draw(&f, &result).right;
        fixture_close(&f);
    }
    g_assert_cmpint(width[1], >, width[0]);
    g_free(longest);
}

/* Whether something stands out from the ground in row @y from @left to @right. */
static gboolean has_ink(const GstVideoFrame *frame, gint left, gint right, gint y)
{
    const guint8 *row = (const guint8 *)frame->data[0] + y * frame->info.stride[0];
    guint8 darkest = 255, lightest = 0;

    for (gint x = left; x < right; x++) {
        darkest = MIN(darkest, row[3 * x + 1]);
        lightest = MAX(lightest, row[3 * x + 1]);
    }
    return lightest - darkest > 16;
}

/* Letters that reach into each other (A and T, as most fonts set them) are as tall as others: Cairo puts them together on a surface of their own.
 * Both labels begin alike, and ink is looked for there, between the stripe and the third letter. */
static void test_letters_are_whole(void)
{
    static const char *const labels[] = {"HMEATATA", "HMEIIIII"};

    for (gint size = 160; size <= 320; size += 40) {
        GstVideoFrame frame[2];
        GstBuffer *out[2];
        Fixture f;
        Box box;

        open_overlay(&f, "show=label+bars", "RGB", size, size);
        for (guint i = 0; i < 2; i++) {
            GstSthClassification result = result_of("a long title", 0.9);

            result.sequence = i;
            result.labels[1] = result.labels[2] = labels[i];
            out[i] = pass_grey(&f, &result);
            g_assert_true(gst_video_frame_map(&frame[i], &f.info, out[i], GST_MAP_READ));
        }
        box = changed_box(&f, out[0]);
        for (gint y = box.top; y < box.bottom; y++)
            g_assert_cmpint(has_ink(&frame[0], box.left + 5, box.left + 20, y), ==, has_ink(&frame[1], box.left + 5, box.left + 20, y));
        for (guint i = 0; i < 2; i++) {
            gst_video_frame_unmap(&frame[i]);
            gst_buffer_unref(out[i]);
        }
        fixture_close(&f);
    }
}

/* In a script that is read from the right, the stripe of colour is at the right. */
static void test_right_to_left(void)
{
    static const struct {
        const char *label;
        gboolean right;
    } rows[] = {{"waving", FALSE}, {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", TRUE}, {"\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7", TRUE}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const GstSthClassification result = result_of(rows[i].label, 0.9);
        GstVideoFrame frame;
        GstBuffer *out;
        const guint8 *left, *right;
        Fixture f;
        Box box;

        open_overlay(&f, "accent-color=0xffff0000", "RGB", 640, 480);
        out = pass_grey(&f, &result);
        box = changed_box(&f, out);
        g_assert_true(gst_video_frame_map(&frame, &f.info, out, GST_MAP_READ));
        left = (guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) + (box.top + box.bottom) / 2 * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
        right = left + (box.right - 2) * 3;
        left += (box.left + 1) * 3;
        g_assert_cmpint(left[0] > 200 && left[1] < 50, ==, !rows[i].right);
        g_assert_cmpint(right[0] > 200 && right[1] < 50, ==, rows[i].right);
        gst_video_frame_unmap(&frame);
        gst_buffer_unref(out);
        fixture_close(&f);
    }
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthoverlay-text/labels-are-text", test_labels_are_text);
    g_test_add_func("/sthoverlay-text/letters-are-whole", test_letters_are_whole);
    g_test_add_func("/sthoverlay-text/right-to-left", test_right_to_left);
    return g_test_run();
}
