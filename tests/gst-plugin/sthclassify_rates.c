/* sthclassify: the same action gives the same windows at any frame rate. The shipped clip's first signs are encoded anew at several rates and
 * with a variable one, decoded, and recognised.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "element_fixture.h"

#define LENGTH (8 * GST_SECOND) /* two of the clip's four signs */
#define MAX_WINDOWS 64

static char *folder;

typedef struct {
    GstClockTime start, end;
    char label[64];
    double confidence;
} Seen;

typedef struct {
    guint n, n_frames;
    Seen seen[MAX_WINDOWS];
} Results;

static void run(GstElement *pipeline)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message;
    GError *error = NULL;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered(bus, 240 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    g_assert_nonnull(message);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        gst_message_parse_error(message, &error, NULL);
    g_assert_no_error(error);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
}

static GstElement *parse(const char *line, const char *probed, const char *pad_name, GstPadProbeCallback probe, gpointer data)
{
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(line, &error), *element;
    GstPad *pad;

    g_assert_no_error(error);
    element = gst_bin_get_by_name(GST_BIN(pipeline), probed);
    pad = gst_element_get_static_pad(element, pad_name);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, probe, data, NULL);
    gst_object_unref(pad);
    gst_object_unref(element);
    return pipeline;
}

typedef struct {
    guint rate, pattern; /* frame i stays if bit i mod 16 is set */
} Version;

/* Cuts the clip at LENGTH and leaves out what the pattern says. */
static GstPadProbeReturn thin_out(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    const Version *version = data;
    const GstClockTime pts = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
    const guint i = (guint)gst_util_uint64_scale_round(pts, version->rate, GST_SECOND);

    return pts < LENGTH && (version->pattern >> i % 16 & 1) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

/* The clip in this version; Matroska keeps time stamps to the millisecond. */
static char *encode(Version *version)
{
    char *path = g_strdup_printf("%s/%u-%x.mkv", folder, version->rate, version->pattern);
    char *line = g_strdup_printf("filesrc location=\"%s\" ! decodebin ! videorate ! video/x-raw,framerate=%u/1 ! identity name=thin "
                                 "! x264enc speed-preset=ultrafast quantizer=18 pass=quant ! matroskamux ! filesink location=\"%s\"",
                                 g_getenv("STH_TEST_CLIP"), version->rate, path);
    GstElement *pipeline = parse(line, "thin", "src", thin_out, version);

    run(pipeline);
    gst_object_unref(pipeline);
    g_free(line);
    return path;
}

static GstPadProbeReturn collect(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    GstSthClassification value;
    Results *results = data;

    results->n_frames++;
    if (gst_sth_classification_from_buffer(GST_PAD_PROBE_INFO_BUFFER(info), &value) && !value.held) {
        Seen *seen = &results->seen[results->n++];

        g_assert_cmpuint(results->n, <, MAX_WINDOWS);
        seen->start = value.window_start;
        seen->end = value.window_end;
        seen->confidence = value.confidence;
        g_strlcpy(seen->label, value.labels[0], sizeof(seen->label));
    }
    return GST_PAD_PROBE_OK;
}

static void recognise(Version version, Results *results)
{
    char *path = encode(&version);
    char *line = g_strdup_printf("filesrc location=\"%s\" ! decodebin ! sthclassify model-file=\"%s\" name=classify stride=2 ! fakesink", path,
                                 default_model_path());
    GstElement *pipeline;

    memset(results, 0, sizeof(*results));
    pipeline = parse(line, "classify", "src", collect, results);
    run(pipeline);
    gst_object_unref(pipeline);
    g_unlink(path);
    g_free(line);
    g_free(path);
}

static void test_rates(void)
{
    static const struct {
        Version version;
        GstClockTime interval; /* the longest between two frames */
    } rows[] = {
        {{15, 0xffff}, GST_SECOND / 15}, {{25, 0xffff}, GST_SECOND / 25},
        {{60, 0xffff}, GST_SECOND / 60}, {{30, 0xb6d5}, GST_SECOND / 15}, /* variable: 33 and 67 ms */
        {{60, 0x9a53}, GST_SECOND / 20},                                  /* variable: 17 to 50 ms */
    };
    Results reference, results;

    recognise((Version){30, 0xffff}, &reference);
    g_assert_cmpuint(reference.n_frames, >=, 230); /* the clip begins a little after 0 */
    g_assert_cmpuint(reference.n, >=, 10);
    for (guint row = 0; row < G_N_ELEMENTS(rows); row++) {
        /* A sample is the nearest frame, to within 9/16 of an interval, or where intervals vary the next one; a millisecond is Matroska's. */
        const GstClockTime own = rows[row].version.pattern == 0xffff ? rows[row].interval * 9 / 16 : rows[row].interval;
        const GstClockTime tolerance = own + GST_SECOND / 30 * 9 / 16 + GST_MSECOND;
        double worst = 0, later = 0;
        guint sure = 0;

        recognise(rows[row].version, &results);
        g_assert_cmpuint(results.n, ==, reference.n);
        for (guint i = 0; i < results.n; i++) {
            const Seen *a = &results.seen[i], *b = &reference.seen[i];
            const gint64 apart = ABS(GST_CLOCK_DIFF(a->start, b->start)), ends = ABS(GST_CLOCK_DIFF(a->end, b->end));

            g_assert_cmpint(apart, <=, (gint64)tolerance);
            g_assert_cmpint(ends, <=, (gint64)tolerance);
            later = MAX(later, (double)MAX(apart, ends) / GST_MSECOND);
            worst = MAX(worst, fabs(a->confidence - b->confidence));
            if (b->confidence >= 0.5) { /* what is recognised is the same word */
                g_assert_cmpstr(a->label, ==, b->label);
                g_assert_cmpfloat(fabs(a->confidence - b->confidence), <, 0.25);
                sure++;
            }
        }
        g_assert_cmpuint(sure, >=, 3);
        g_test_message("%u frames a second, pattern %x: %u frames, %u windows as at 30 (%u recognised); up to %.1f ms and %.3f of confidence apart",
                       rows[row].version.rate, rows[row].version.pattern, results.n_frames, results.n, sure, later, worst);
    }
}

int main(int argc, char **argv)
{
    int result;

    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    folder = test_folder_new();
    g_test_add_func("/sthclassify/rates", test_rates);
    result = g_test_run();
    test_folder_free(folder);
    return result;
}
