/* What sthclassify adds to a live video: how long each frame stays in the element while a network that is far too slow for the video runs beside
 * it. Not a test: prints a histogram; exit 1 if a frame was lost or the 99th percentile is above the budget.
 *
 *   models/export.py --network resnet50 --frames 16 --classes 105 --size 224 --output slow.onnx # random weights do: only the work counts
 *   GST_PLUGIN_PATH=build/gst-plugin build/tests/bench/live-latency --model slow.onnx
 *
 * Frames of noise come from a thread of their own by the clock, as from a camera. Two pad probes read the clock where a frame enters and leaves
 * the element; both run in the streaming thread, and nothing but the element lies between them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <math.h>
#include <stdlib.h>

#define N_PICTURES 8 /* 1080p: 25 MB, more than the caches, as a camera's buffers are */

static gchar *model, *properties = "", *format = "NV12";
static gint width = 1920, height = 1080, rate = 30, seconds = 30;
static gdouble budget = 1.0;

static const GOptionEntry options[] = {
    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model, "The slow network (default: the element's)", "FILE"},
    {"properties", 'p', 0, G_OPTION_ARG_STRING, &properties, "More properties of sthclassify, as gst-launch-1.0 reads them", "TEXT"},
    {"format", 0, 0, G_OPTION_ARG_STRING, &format, "Video format (NV12)", "NAME"},
    {"width", 0, 0, G_OPTION_ARG_INT, &width, "Pixels (1920)", "N"},
    {"height", 0, 0, G_OPTION_ARG_INT, &height, "Pixels (1080)", "N"},
    {"rate", 0, 0, G_OPTION_ARG_INT, &rate, "Frames a second (30)", "N"},
    {"seconds", 's', 0, G_OPTION_ARG_INT, &seconds, "How long (30)", "N"},
    {"budget", 'b', 0, G_OPTION_ARG_DOUBLE, &budget, "Most that the 99th percentile may be, ms (1)", "MS"},
    {0},
};

/* Of the streaming thread; read when it has ended. */
static struct {
    gint64 *ns;
    guint n_in, n_out;
    struct timespec entered;
    GstClockTime last_pts;
    gboolean disordered;
} frames;

static GstPadProbeReturn on_enter(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    frames.n_in++;
    clock_gettime(CLOCK_MONOTONIC, &frames.entered);
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn on_leave(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    const GstClockTime pts = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
    struct timespec left;

    clock_gettime(CLOCK_MONOTONIC, &left);
    frames.ns[frames.n_out] = (left.tv_sec - frames.entered.tv_sec) * 1000000000 + left.tv_nsec - frames.entered.tv_nsec;
    frames.disordered |= frames.n_out > 0 && pts <= frames.last_pts;
    frames.last_pts = pts;
    frames.n_out++;
    return GST_PAD_PROBE_OK;
}

static void add_probe(GstElement *element, const char *name, GstPadProbeCallback callback)
{
    GstPad *pad = gst_element_get_static_pad(element, name);

    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, callback, NULL, NULL);
    gst_object_unref(pad);
}

static GstBuffer *make_picture(gsize size, guint32 seed)
{
    GstBuffer *picture = gst_buffer_new_allocate(NULL, size, NULL);
    GstMapInfo map;

    gst_buffer_map(picture, &map, GST_MAP_WRITE);
    for (gsize i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        map.data[i] = (guint8)(seed >> 24);
    }
    gst_buffer_unmap(picture, &map);
    return picture;
}

/* A camera: frame k at k / rate of the clock; late if the machine does not let it run, but never left out. */
static gpointer feed(gpointer data)
{
    const guint n = (guint)(rate * seconds);
    GstBuffer *pictures[N_PICTURES];
    GstVideoInfo info;
    gint64 begin;

    gst_video_info_set_format(&info, gst_video_format_from_string(format), (guint)width, (guint)height);
    for (guint i = 0; i < N_PICTURES; i++)
        pictures[i] = make_picture(info.size, i);
    begin = g_get_monotonic_time();
    for (guint i = 0; i < n; i++) {
        GstBuffer *frame = gst_buffer_copy(pictures[i % N_PICTURES]); /* the memory is shared */
        const gint64 wait = begin + (gint64)i * G_USEC_PER_SEC / rate - g_get_monotonic_time();

        if (wait > 0)
            g_usleep((gulong)wait);
        GST_BUFFER_PTS(frame) = gst_util_uint64_scale_int(i, GST_SECOND, rate);
        GST_BUFFER_DURATION(frame) = GST_SECOND / (guint)rate;
        if (gst_app_src_push_buffer(GST_APP_SRC(data), frame) != GST_FLOW_OK)
            break;
    }
    gst_app_src_end_of_stream(GST_APP_SRC(data));
    for (guint i = 0; i < N_PICTURES; i++)
        gst_buffer_unref(pictures[i]);
    return NULL;
}

static GstElement *make_pipeline(void)
{
    gchar *line = g_strdup_printf("appsrc name=source is-live=true format=time caps=video/x-raw,format=%s,width=%d,height=%d,framerate=%d/1 "
                                  "! sthclassify name=classify %s ! fakesink sync=false",
                                  format, width, height, rate, properties);
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(line, &error), *classify;

    if (error)
        g_error("%s", error->message);
    classify = gst_bin_get_by_name(GST_BIN(pipeline), "classify");
    if (model)
        g_object_set(classify, "model-file", model, NULL);
    add_probe(classify, "sink", on_enter);
    add_probe(classify, "src", on_leave);
    gst_object_unref(classify);
    g_free(line);
    return pipeline;
}

/* Waits for the end; what the element counted. */
static GstStructure *play(GstElement *pipeline)
{
    GstElement *source = gst_bin_get_by_name(GST_BIN(pipeline), "source"), *classify = gst_bin_get_by_name(GST_BIN(pipeline), "classify");
    GstBus *bus = gst_element_get_bus(pipeline);
    GstStructure *stats = NULL;
    GstMessage *message;
    GError *error = NULL;

    if (gst_element_set_state(pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE)
        g_thread_unref(g_thread_new("camera", feed, source));
    message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        gst_message_parse_error(message, &error, NULL);
        g_error("%s", error->message);
    }
    g_object_get(classify, "stats", &stats, NULL);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(source);
    gst_object_unref(classify);
    return stats;
}

static gint compare(gconstpointer a, gconstpointer b)
{
    const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

    return x < y ? -1 : x > y;
}

static double percentile(double fraction)
{
    return (double)frames.ns[MAX((guint)ceil(fraction * frames.n_out), 1) - 1] / 1e6;
}

/* When frames stayed longer than the budget: in the order of time. */
static void print_late(void)
{
    GString *late = g_string_new(NULL);

    for (guint i = 0; i < frames.n_out; i++)
        if ((double)frames.ns[i] / 1e6 > budget)
            g_string_append_printf(late, "%s%.1f after %.1f s", late->len ? ", " : "", (double)frames.ns[i] / 1e6, (double)i / rate);
    g_print("over the budget, ms: %s\n", late->len ? late->str : "none");
    g_string_free(late, TRUE);
}

static void print_histogram(void)
{
    static const double edges[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, INFINITY};
    guint next = 0;

    for (guint i = 0; i < G_N_ELEMENTS(edges) && next < frames.n_out; i++) {
        const guint first = next;

        while (next < frames.n_out && (double)frames.ns[next] / 1e6 < edges[i])
            next++;
        if (next > first) {
            const int bar = (int)ceil(60.0 * (next - first) / frames.n_out);

            g_print("  < %6.2f ms %6u  %.*s\n", edges[i], next - first, bar, "############################################################");
        }
    }
}

int main(int argc, char **argv)
{
    GOptionContext *context = g_option_context_new("- what sthclassify adds to a live video");
    guint64 run, skipped, inference;
    GstElement *pipeline;
    GError *error = NULL;
    GstStructure *stats;
    guint lost;

    g_option_context_add_main_entries(context, options, NULL);
    g_option_context_add_group(context, gst_init_get_option_group());
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        g_printerr("%s\n", error->message);
        return 2;
    }
    g_option_context_free(context);

    frames.ns = g_new0(gint64, rate * seconds);
    pipeline = make_pipeline();
    stats = play(pipeline);
    gst_structure_get(stats, "windows-run", G_TYPE_UINT64, &run, "windows-skipped", G_TYPE_UINT64, &skipped, "inference-p50", G_TYPE_UINT64,
                      &inference, NULL);
    lost = (guint)(rate * seconds) - frames.n_out;
    g_print("%dx%d %s, %d frames a second, %d s; a window takes %.1f ms, %.1f frames\n", width, height, format, rate, seconds,
            (double)inference / 1e6, (double)inference * rate / 1e9);
    g_print("frames: %u in, %u out, %u lost%s; windows: %" G_GUINT64_FORMAT " run, %" G_GUINT64_FORMAT " skipped\n", frames.n_in, frames.n_out, lost,
            frames.disordered ? ", out of order" : "", run, skipped);
    print_late(); /* before they are sorted */
    qsort(frames.ns, frames.n_out, sizeof *frames.ns, compare);
    print_histogram();
    g_print("in the element, ms: p50 %.3f, p90 %.3f, p99 %.3f, max %.3f\n", percentile(0.5), percentile(0.9), percentile(0.99), percentile(1));
    gst_structure_free(stats);
    gst_object_unref(pipeline);
    return lost > 0 || frames.disordered || percentile(0.99) > budget;
}
