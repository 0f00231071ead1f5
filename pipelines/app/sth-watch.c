/* An application that embeds sthclassify: opens a camera, file or address, prints each result from a callback on the bus, and
 * takes another model while the video runs. No window, no GTK.
 *
 *   cc sth-watch.c $(pkg-config --cflags --libs gstreamer-1.0) -o sth-watch
 *   sth-watch [--model FILE.onnx] [--realtime] FILE|URI|/dev/videoN
 *
 * A line on standard input that names an ONNX file swaps the model. The new one is opened while the old one still runs; if it
 * cannot be opened, the old one goes on.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>

typedef struct {
    GMainLoop *loop;
    GstElement *pipeline, *convert, *classify, *sink; /* classify stands between convert and sink */
    GstElement *next;                                 /* opened, waits for its place; NULL: none */
    const char *input;
    gboolean failed;
} Watch;

/* --- Results --------------------------------------------------------------------------------------------------------------- */

/* The fields are those that gst-inspect-1.0 and docs/metadata.md tell. */
static void print_result(const GstStructure *result)
{
    const char *label = gst_structure_get_string(result, "label");
    const char *event = gst_structure_get_string(result, "event");
    const char *model = gst_structure_get_string(result, "model");
    guint64 time = GST_CLOCK_TIME_NONE;
    double confidence = 0;

    gst_structure_get_uint64(result, "stream-time", &time);
    gst_structure_get_double(result, "confidence", &confidence);
    if (GST_CLOCK_TIME_IS_VALID(time))
        printf("%8.2f s", (double)time / GST_SECOND);
    else
        printf("         -");
    printf("  %-12s  %-24s %3.0f%%  %s\n", event, label ? label : "-", 100 * confidence, model);
    fflush(stdout);
}

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer data)
{
    Watch *watch = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *details = NULL;

    (void)bus;
    switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ELEMENT:
        if (gst_message_has_name(message, "sthclassify"))
            print_result(gst_message_get_structure(message));
        break;
    case GST_MESSAGE_LATENCY:
        gst_bin_recalculate_latency(GST_BIN(watch->pipeline));
        break;
    case GST_MESSAGE_ERROR:
        gst_message_parse_error(message, &error, &details);
        fprintf(stderr, "%s: %s: %s\n", watch->input, GST_MESSAGE_SRC_NAME(message), error->message);
        watch->failed = TRUE;
        g_main_loop_quit(watch->loop);
        break;
    case GST_MESSAGE_EOS:
        g_main_loop_quit(watch->loop);
        break;
    default:
        break;
    }
    return G_SOURCE_CONTINUE;
}

/* --- Another model --------------------------------------------------------------------------------------------------------- */

/* Between two frames, in the streaming thread: the new element takes the place of the old one. Linking sends it the caps and the
 * segment again. */
static GstPadProbeReturn swap(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    Watch *watch = data;
    GstElement *old = watch->classify, *next = watch->next;

    (void)pad;
    (void)info;
    gst_element_unlink_many(watch->convert, old, watch->sink, NULL);
    gst_bin_add(GST_BIN(watch->pipeline), next);
    gst_element_link_many(watch->convert, next, watch->sink, NULL);
    gst_element_sync_state_with_parent(next);

    gst_object_ref(old);
    gst_bin_remove(GST_BIN(watch->pipeline), old);
    gst_element_set_state(old, GST_STATE_NULL);
    gst_object_unref(old);
    watch->classify = next;
    g_atomic_pointer_set(&watch->next, NULL);
    return GST_PAD_PROBE_REMOVE;
}

/* Opens @file in an element that is in no pipeline yet, so that its errors come here and the video does not wait. */
static void open_model(Watch *watch, const char *file)
{
    GstElement *next;
    GstBus *bus;

    if (g_atomic_pointer_get(&watch->next) != NULL) {
        fprintf(stderr, "still busy with the model before\n");
        return;
    }
    next = gst_element_factory_make("sthclassify", NULL);
    bus = gst_bus_new();
    g_object_set(next, "model-file", file, NULL);
    gst_element_set_bus(next, bus);
    if (gst_element_set_state(next, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE) {
        g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
        g_autoptr(GError) error = NULL;
        if (message)
            gst_message_parse_error(message, &error, NULL);
        fprintf(stderr, "the model stays as it is: %s\n", error ? error->message : "the new one does not open");
        gst_element_set_bus(next, NULL);
        gst_element_set_state(next, GST_STATE_NULL);
        gst_object_unref(next);
    } else {
        g_autoptr(GstPad) pad = gst_element_get_static_pad(watch->convert, "src");
        gst_element_set_bus(next, NULL);
        g_atomic_pointer_set(&watch->next, next);
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_IDLE, swap, watch, NULL);
    }
    gst_object_unref(bus);
}

static gboolean on_input(GIOChannel *input, GIOCondition condition, gpointer data)
{
    g_autofree char *line = NULL;

    (void)condition;
    if (g_io_channel_read_line(input, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
        return G_SOURCE_REMOVE;
    g_strstrip(line);
    if (line[0] != '\0')
        open_model(data, line);
    return G_SOURCE_CONTINUE;
}

/* --- Pipeline -------------------------------------------------------------------------------------------------------------- */

/* Videos have sound and subtitles too: only video is linked. */
static void on_pad(GstElement *source, GstPad *pad, gpointer convert)
{
    g_autoptr(GstPad) sink = gst_element_get_static_pad(convert, "sink");
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);

    (void)source;
    if (!gst_pad_is_linked(sink) && caps && g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, 0)), "video/"))
        gst_pad_link(pad, sink);
}

static GstElement *make(Watch *watch, const char *factory)
{
    GstElement *element = gst_element_factory_make(factory, NULL);

    if (element == NULL)
        fprintf(stderr, "GStreamer does not find the element '%s'; see docs/troubleshooting.md\n", factory);
    else
        gst_bin_add(GST_BIN(watch->pipeline), element);
    return element;
}

/* FILE, URI or camera as the URI that uridecodebin takes. */
static char *to_uri(const char *input)
{
    if (gst_uri_is_valid(input))
        return g_strdup(input);
    return g_str_has_prefix(input, "/dev/video") ? g_strconcat("v4l2://", input, NULL) : gst_filename_to_uri(input, NULL);
}

static gboolean build(Watch *watch, const char *model, gboolean realtime)
{
    g_autofree char *uri = to_uri(watch->input);
    GstElement *source;

    watch->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    source = make(watch, "uridecodebin");
    watch->convert = make(watch, "videoconvert");
    watch->classify = make(watch, "sthclassify");
    watch->sink = make(watch, "fakesink");
    if (!source || !watch->convert || !watch->classify || !watch->sink)
        return FALSE;
    g_object_set(source, "uri", uri, NULL);
    g_object_set(watch->classify, "model-file", model, NULL);
    g_object_set(watch->sink, "sync", realtime, NULL);
    g_signal_connect(source, "pad-added", G_CALLBACK(on_pad), watch->convert);
    return gst_element_link_many(watch->convert, watch->classify, watch->sink, NULL);
}

static gboolean on_signal(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

static void run(Watch *watch)
{
    g_autoptr(GstBus) bus = gst_element_get_bus(watch->pipeline);
    GIOChannel *input = g_io_channel_unix_new(0);

    watch->loop = g_main_loop_new(NULL, FALSE);
    gst_bus_add_watch(bus, on_message, watch);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, on_input, watch);
    g_unix_signal_add(SIGINT, on_signal, watch->loop);
    g_unix_signal_add(SIGTERM, on_signal, watch->loop);
    gst_element_set_state(watch->pipeline, GST_STATE_PLAYING);
    g_main_loop_run(watch->loop);
    gst_element_set_state(watch->pipeline, GST_STATE_NULL);
    gst_bus_remove_watch(bus);
    g_io_channel_unref(input);
    g_main_loop_unref(watch->loop);
}

int main(int argc, char **argv)
{
    g_autofree char *model = NULL;
    gboolean realtime = FALSE;
    const GOptionEntry entries[] = {
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model, "ONNX file (default: $GST_STH_MODEL, else the installed one)", "FILE"},
        {"realtime", 'r', 0, G_OPTION_ARG_NONE, &realtime, "Files at their own speed", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("FILE|URI|/dev/videoN");
    g_autoptr(GError) error = NULL;
    Watch watch = {0};

    g_option_context_set_summary(context, "Prints what sthclassify recognises. A line on standard input that names an ONNX file swaps the model.");
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_group(context, gst_init_get_option_group());
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2) {
        fprintf(stderr, "sth-watch: %s; --help tells more\n", error ? error->message : "give it one video");
        return 2;
    }
    watch.input = argv[1];
    if (build(&watch, model, realtime))
        run(&watch);
    else
        watch.failed = TRUE;
    gst_object_unref(watch.pipeline);
    return watch.failed ? 1 : 0;
}
