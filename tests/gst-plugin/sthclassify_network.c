/* sthclassify behind a network: an HTTP server that sends a whole clip, dies in the middle of it, or goes silent.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <string.h>

#include "element_fixture.h"

typedef enum { WHOLE, DIES, STALLS } Fate;

typedef struct {
    GSocketListener *listener;
    GCancellable *stop;
    char *clip;
    gsize size;
    Fate fate; /* read by the thread of the server while there is a connection; written while there is none */
} Server;

/* Half of the clip is some seconds of it: its index comes first. */
static void serve(Server *server, GSocketConnection *connection)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    char request[4096];
    char *head = g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n",
                                 server->size);

    g_input_stream_read(in, request, sizeof(request), NULL, NULL);
    if (g_output_stream_write_all(out, head, strlen(head), NULL, NULL, NULL))
        g_output_stream_write_all(out, server->clip, server->fate == WHOLE ? server->size : server->size / 2, NULL, NULL, NULL);
    g_free(head);
    if (server->fate == STALLS) /* until the other side has had enough */
        g_input_stream_read(in, request, sizeof(request), NULL, NULL);
    g_io_stream_close(G_IO_STREAM(connection), NULL, NULL);
}

static gpointer run_server(gpointer data)
{
    Server *server = data;
    GSocketConnection *connection;

    while ((connection = g_socket_listener_accept(server->listener, NULL, server->stop, NULL))) {
        serve(server, connection);
        g_object_unref(connection);
    }
    return NULL;
}

typedef struct {
    guint results, starts, ends, errors;
    gboolean eos;
} Told;

/* Plays to the end, which the source makes also when it fails. */
static Told play(GstElement *pipeline)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message;
    Told told = {0};

    g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
    while (!told.eos && (message = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_EOS))) {
        const GstStructure *s = gst_message_get_structure(message);

        told.eos = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
        told.errors += GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && gst_structure_has_name(s, "sthclassify")) {
            const char *event = gst_structure_get_string(s, "event");

            told.results += strcmp(event, "result") == 0;
            told.starts += strcmp(event, "action-start") == 0;
            told.ends += strcmp(event, "action-end") == 0;
        }
        gst_message_unref(message);
    }
    g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
    gst_object_unref(bus);
    return told;
}

/* gst_parse_launch() would link the first pad only, not that of the next start. */
static void on_pad_added(GstElement *decode, GstPad *pad, gpointer convert)
{
    GstPad *sink = gst_element_get_static_pad(convert, "sink");

    g_assert_cmpint(gst_pad_link(pad, sink), ==, GST_PAD_LINK_OK);
    gst_object_unref(sink);
}

/* Whatever becomes of the server: what was seen is told, what began is ended, the application hears of the failure from the source, and the same
 * elements play the next time. */
static void test_fates(void)
{
    static const Fate fates[] = {WHOLE, DIES, STALLS, WHOLE};
    Server server = {.listener = g_socket_listener_new(), .stop = g_cancellable_new()};
    GError *error = NULL;
    GstElement *pipeline, *decode, *convert;
    guint16 port;
    guint whole = 0;
    GThread *thread;
    char *line;

    g_file_get_contents(g_getenv("STH_TEST_CLIP"), &server.clip, &server.size, &error);
    g_assert_no_error(error);
    port = g_socket_listener_add_any_inet_port(server.listener, NULL, &error);
    g_assert_no_error(error);
    thread = g_thread_new("server", run_server, &server);

    line = g_strdup_printf("souphttpsrc location=http://127.0.0.1:%u/clip.mp4 timeout=1 retries=0 ! decodebin name=decode videoconvert name=convert "
                           "! sthclassify model-file=\"%s\" mode=sync stride=1 start-threshold=0 end-threshold=0 ! fakesink",
                           port, golden_path(TINY_MODEL));
    pipeline = gst_parse_launch(line, &error);
    g_assert_no_error(error);
    decode = gst_bin_get_by_name(GST_BIN(pipeline), "decode");
    convert = gst_bin_get_by_name(GST_BIN(pipeline), "convert");
    g_signal_connect(decode, "pad-added", G_CALLBACK(on_pad_added), convert);
    for (guint i = 0; i < G_N_ELEMENTS(fates); i++) {
        Told told;

        server.fate = fates[i];
        told = play(pipeline);
        g_assert_true(told.eos);
        g_assert_cmpint(told.errors > 0, ==, fates[i] != WHOLE);
        g_assert_cmpuint(told.results, >, 0);
        g_assert_cmpuint(told.starts, >, 0);
        g_assert_cmpuint(told.ends, ==, told.starts);
        if (fates[i] != WHOLE)
            g_assert_cmpuint(told.results, <, whole);
        else if (i > 0)
            g_assert_cmpuint(told.results, ==, whole);
        else
            whole = told.results;
    }
    gst_object_unref(decode);
    gst_object_unref(convert);
    gst_object_unref(pipeline);
    g_cancellable_cancel(server.stop);
    g_thread_join(thread);
    g_socket_listener_close(server.listener);
    g_object_unref(server.listener);
    g_object_unref(server.stop);
    g_free(server.clip);
    g_free(line);
}

int main(int argc, char **argv)
{
    GstElementFactory *http;

    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    g_unsetenv("http_proxy");
    http = gst_element_factory_find("souphttpsrc");
    if (http)
        g_test_add_func("/sthclassify/network/fates", test_fates);
    else
        g_test_message("no souphttpsrc (gstreamer1.0-plugins-good)");
    gst_clear_object(&http);
    return g_test_run();
}
