/* A program that is compiled against the installed gststhmeta.h and gst-sth-meta.pc: prints the label on each buffer of a pipeline.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <gststhmeta.h>

static void print_label(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    GstSthClassification value;

    if (gst_sth_classification_from_buffer(buffer, &value) && !value.held && value.label)
        printf("%s\n", value.label);
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    gst_init(&argc, &argv);
    gst_sth_classification_register();
    GstElement *pipeline = gst_parse_launch(argv[1], &error);
    if (pipeline == NULL) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    g_signal_connect(sink, "handoff", G_CALLBACK(print_label), NULL);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    int status = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS ? 0 : 1;
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(sink);
    gst_object_unref(pipeline);
    return status;
}
