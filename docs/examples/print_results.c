/* Prints what sthclassify recognises in a video file, read from the buffers: an example of reading the metadata in C.
 *
 *   cc print_results.c -o print_results $(pkg-config --cflags --libs gst-sth-meta)
 *   ./print_results VIDEO
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <gststhmeta.h>

/* Called in the streaming thread, for each buffer that arrives at the end of the pipeline. */
static GstPadProbeReturn print_result(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    GstSthClassification result;

    /* A result stays on later buffers while it is valid; `held` tells them from the first. */
    if (gst_sth_classification_from_buffer(GST_PAD_PROBE_INFO_BUFFER(info), &result) && !result.held && result.label)
        g_print("%.3f %.3f %s %.2f\n", (double)result.window_start / GST_SECOND, (double)result.window_end / GST_SECOND, result.label,
                result.confidence);
    return GST_PAD_PROBE_OK;
}

int main(int argc, char **argv)
{
    GstElement *pipeline, *source, *sink;
    GstMessage *message;
    GError *error = NULL;
    GstPad *pad;
    GstBus *bus;
    int status = 0;

    gst_init(&argc, &argv);
    if (argc != 2) {
        g_printerr("usage: %s VIDEO\n", argv[0]);
        return 2;
    }
    gst_sth_classification_register();
    pipeline = gst_parse_launch("filesrc name=source ! decodebin ! sthclassify ! fakesink name=sink", &error);
    if (pipeline == NULL) {
        g_printerr("%s\n", error->message);
        g_error_free(error);
        return 1;
    }
    source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
    g_object_set(source, "location", argv[1], NULL);
    gst_object_unref(source);
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, print_result, NULL, NULL);
    gst_object_unref(pad);
    gst_object_unref(sink);

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    bus = gst_element_get_bus(pipeline);
    message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        gst_message_parse_error(message, &error, NULL);
        g_printerr("%s: %s\n", argv[1], error->message);
        g_error_free(error);
        status = 1;
    }
    gst_message_unref(message);
    gst_object_unref(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return status;
}
