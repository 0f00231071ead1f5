/* One video of `sth classify` with its overlay, by the elements that a pipeline would use.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/classify.h"
#include "cli/cli.h"
#include "cli/decode.h"

#include <gst/app/gstappsink.h>
#include <string.h>

#define POLL (50 * GST_MSECOND) /* between two looks at the bus and the position */

static const struct {
    const char *ending, *muxer;
} containers[] = {{".mp4", "mp4mux"}, {".mov", "qtmux"}, {".mkv", "matroskamux"}};

/* The first that is there: sound is kept by whatever encoder the system has. */
static const char *const audio_encoders[] = {"avenc_aac", "voaacenc", "fdkaacenc", "opusenc"};

typedef struct {
    GstElement *pipeline, *muxer, *video_in, *text;
    const char *audio_encoder; /* NULL: there is none */
} Render;

static const char *muxer_for(const char *picture)
{
    for (guint i = 0; i < G_N_ELEMENTS(containers); i++)
        if (g_str_has_suffix(picture, containers[i].ending))
            return containers[i].muxer;
    return NULL;
}

gboolean sth_classify_can_render(const char *picture)
{
    return muxer_for(picture) != NULL;
}

static gboolean have_element(const char *name, const char *where, GError **error)
{
    GstElementFactory *factory = gst_element_factory_find(name);
    if (factory != NULL) {
        gst_object_unref(factory);
        return TRUE;
    }
    g_set_error(error, STH_ERROR, STH_ERROR_SYSTEM, "--overlay needs GStreamer's element '%s', which is not there; %s", name, where);
    return FALSE;
}

static gboolean have_elements(Render *render, const char *muxer, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(audio_encoders) && render->audio_encoder == NULL; i++)
        if (have_element(audio_encoders[i], "", NULL))
            render->audio_encoder = audio_encoders[i];
    return have_element("sthclassify", "install gst-sth's plugin, or set GST_PLUGIN_PATH to the folder of libgststh.so", error) &&
           have_element("x264enc", "install GStreamer's 'ugly' plugins", error) && have_element(muxer, "install GStreamer's 'good' plugins", error);
}

static void link_audio(Render *render, GstPad *pad)
{
    g_autofree char *line =
        g_strdup_printf("queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! audioconvert ! audioresample ! %s", render->audio_encoder);
    GstElement *branch = gst_parse_bin_from_description(line, TRUE, NULL);
    gst_bin_add(GST_BIN(render->pipeline), branch);
    gst_element_sync_state_with_parent(branch);
    GstPad *sink = gst_element_get_static_pad(branch, "sink");
    if (gst_pad_link(pad, sink) != GST_PAD_LINK_OK || !gst_element_link(branch, render->muxer))
        GST_ELEMENT_WARNING(render->muxer, STREAM, MUX, ("the sound is left out"), (NULL));
    gst_object_unref(sink);
}

/* The first stream of each kind; audio only while the muxer is not at work yet, that is before all pads are there. */
static void on_pad_added(GstElement *source, GstPad *pad, gpointer data)
{
    Render *render = data;
    GstCaps *caps = gst_pad_get_current_caps(pad);
    const char *type = caps != NULL ? gst_structure_get_name(gst_caps_get_structure(caps, 0)) : "";
    GstPad *video = gst_element_get_static_pad(render->video_in, "sink");
    if (g_str_has_prefix(type, "video/") && !gst_pad_is_linked(video)) {
        gst_pad_link(pad, video);
    } else if (g_str_has_prefix(type, "audio/") && render->audio_encoder != NULL) {
        link_audio(render, pad);
        render->audio_encoder = NULL; /* one is enough */
    }
    gst_object_unref(video);
    gst_clear_caps(&caps);
}

static void configure(Render *render, const SthClassifySettings *settings, const char *location)
{
    const SthStreamConfig *config = &settings->config;
    GstElement *classify = gst_bin_get_by_name(GST_BIN(render->pipeline), "classify");
    GstElement *export = gst_bin_get_by_name(GST_BIN(render->pipeline), "export");
    g_object_set(classify, "model-file", settings->model_file, "threads", config->threads, "top-k", config->top_k, "threshold",
                 (double)config->threshold, "start-threshold", (double)config->start_threshold, "end-threshold", (double)config->end_threshold,
                 "smoothing", (double)config->smoothing_ns / 1e9, "stride", config->stride, "post-messages", FALSE, NULL);
    if (sth_cli_window_size > 0)
        g_object_set(classify, "window-size", (guint)sth_cli_window_size, NULL);
    if (sth_cli_layout != NULL) {
        g_autofree char *nick = g_ascii_strdown(sth_cli_layout, -1);
        gst_util_set_object_arg(G_OBJECT(classify), "layout", nick);
    }
    g_object_set(export, "source", location, NULL);
    gst_util_set_object_arg(G_OBJECT(export), "emit", settings->emit == STH_EXPORT_EVENTS ? "events" : "results");
    gst_object_unref(classify);
    gst_object_unref(export);
}

static gboolean build(Render *render, const SthClassifySettings *settings, const char *location, const char *picture, GError **error)
{
    /* Sinks without preroll: an encoder with its look-ahead would need longer queues to fill both branches of the tee. */
    g_autofree char *line = g_strdup_printf("queue name=in ! videoconvert ! sthclassify name=classify mode=sync ! tee name=t "
                                            "t. ! queue ! sthoverlay show=label+bars+history ! videoconvert ! x264enc speed-preset=veryfast ! "
                                            "%s name=mux ! filesink name=file async=false "
                                            "t. ! queue ! sthexport name=export ! %s ! appsink name=text sync=false async=false",
                                            muxer_for(picture), settings->format->caps);
    render->pipeline = gst_parse_launch(line, error);
    if (render->pipeline == NULL)
        return FALSE;
    g_autofree char *uri = sth_location_to_uri(location, error);
    if (uri == NULL)
        return FALSE;
    GstBin *bin = GST_BIN(render->pipeline);
    GstElement *source = gst_element_factory_make("uridecodebin", NULL), *file = gst_bin_get_by_name(bin, "file");
    render->video_in = gst_bin_get_by_name(bin, "in");
    render->muxer = gst_bin_get_by_name(bin, "mux");
    render->text = gst_bin_get_by_name(bin, "text");
    g_object_set(file, "location", picture, NULL);
    gst_object_unref(file);
    configure(render, settings, location);
    g_object_set(source, "uri", uri, NULL);
    g_signal_connect(source, "pad-added", G_CALLBACK(on_pad_added), render);
    return gst_bin_add(bin, source);
}

static gboolean write_samples(Render *render, const SthClassifySink *sink, GError **error)
{
    GstSample *sample = gst_app_sink_try_pull_sample(GST_APP_SINK(render->text), POLL);
    if (sample == NULL)
        return TRUE;
    GstMapInfo map;
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    gboolean ok = TRUE;
    if (gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        ok = sink->write(sink->data, (const char *)map.data, map.size, error);
        gst_buffer_unmap(buffer, &map);
    }
    gst_sample_unref(sample);
    return ok;
}

static gboolean play(Render *render, const SthClassifySink *sink, const char *location, GError **error)
{
    GstBus *bus = gst_element_get_bus(render->pipeline);
    gboolean over = FALSE, ok = TRUE;
    gst_element_set_state(render->pipeline, GST_STATE_PLAYING);
    while (ok && !(over && gst_app_sink_is_eos(GST_APP_SINK(render->text)))) {
        gint64 position, duration;
        ok = write_samples(render, sink, error);
        if (gst_element_query_position(render->text, GST_FORMAT_TIME, &position) &&
            gst_element_query_duration(render->pipeline, GST_FORMAT_TIME, &duration) && duration > 0)
            sink->progress(sink->data, (guint64)position, (guint64)duration);
        GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
        if (message == NULL)
            continue;
        over = TRUE;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
            g_autoptr(GError) failure = NULL;
            gst_message_parse_error(message, &failure, NULL);
            g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "cannot render '%s': %s", location, failure->message);
            ok = FALSE;
        }
        gst_message_unref(message);
    }
    gst_object_unref(bus);
    return ok;
}

gboolean sth_classify_render(const SthClassifySettings *settings, const SthClassifySink *sink, const char *location, const char *picture,
                             GError **error)
{
    Render render = {0};
    const gboolean ok = have_elements(&render, muxer_for(picture), error) && build(&render, settings, location, picture, error) &&
                        play(&render, sink, location, error);
    if (render.pipeline != NULL)
        gst_element_set_state(render.pipeline, GST_STATE_NULL);
    gst_clear_object(&render.video_in);
    gst_clear_object(&render.muxer);
    gst_clear_object(&render.text);
    gst_clear_object(&render.pipeline);
    return ok;
}
