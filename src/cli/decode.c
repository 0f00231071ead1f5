/* Decoding of files and URIs to frames that libsth reads, through GStreamer's uridecodebin.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/decode.h"

#include <gst/app/gstappsink.h>
#include <gst/pbutils/pbutils.h>
#include <string.h>

#define FRAMES_AHEAD 4 /* decoded frames that may wait */

struct _SthDecoder {
    char *location;
    GstElement *pipeline, *source, *convert, *sink;
    GstBus *bus;
    char *missing, *failure; /* what the bus told so far: a plugin that is not installed, an error; NULL: nothing */
};

/* Which GStreamer format is which of libsth's; the order is that of preference, what is first needs no conversion after a decoder. */
static const struct {
    GstVideoFormat gst;
    SthPixelFormat pixel;
} formats[] = {
    {GST_VIDEO_FORMAT_I420, STH_PIXEL_I420}, {GST_VIDEO_FORMAT_NV12, STH_PIXEL_NV12},   {GST_VIDEO_FORMAT_YV12, STH_PIXEL_YV12},
    {GST_VIDEO_FORMAT_NV21, STH_PIXEL_NV21}, {GST_VIDEO_FORMAT_YUY2, STH_PIXEL_YUY2},   {GST_VIDEO_FORMAT_UYVY, STH_PIXEL_UYVY},
    {GST_VIDEO_FORMAT_RGB, STH_PIXEL_RGB},   {GST_VIDEO_FORMAT_BGR, STH_PIXEL_BGR},     {GST_VIDEO_FORMAT_RGBA, STH_PIXEL_RGBA},
    {GST_VIDEO_FORMAT_RGBx, STH_PIXEL_RGBA}, {GST_VIDEO_FORMAT_BGRA, STH_PIXEL_BGRA},   {GST_VIDEO_FORMAT_BGRx, STH_PIXEL_BGRA},
    {GST_VIDEO_FORMAT_ARGB, STH_PIXEL_ARGB}, {GST_VIDEO_FORMAT_xRGB, STH_PIXEL_ARGB},   {GST_VIDEO_FORMAT_ABGR, STH_PIXEL_ABGR},
    {GST_VIDEO_FORMAT_xBGR, STH_PIXEL_ABGR}, {GST_VIDEO_FORMAT_GRAY8, STH_PIXEL_GRAY8},
};

static GstCaps *readable_caps(void)
{
    GstCaps *caps = gst_caps_new_empty();
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++)
        gst_caps_append_structure(caps, gst_structure_new("video/x-raw", "format", G_TYPE_STRING, gst_video_format_to_string(formats[i].gst), NULL));
    return caps;
}

/* Links the first video stream; pads of other streams do not fit and stay alone. */
static void on_pad_added(GstElement *source, GstPad *pad, gpointer data)
{
    GstPad *sink = gst_element_get_static_pad(((SthDecoder *)data)->convert, "sink");
    if (!gst_pad_is_linked(sink))
        gst_pad_link(pad, sink);
    gst_object_unref(sink);
}

/* A stream without video exposes no pad that fits: the sink would wait for ever. */
static void on_no_more_pads(GstElement *source, gpointer data)
{
    GstPad *sink = gst_element_get_static_pad(((SthDecoder *)data)->convert, "sink");
    if (!gst_pad_is_linked(sink))
        GST_ELEMENT_ERROR(source, STREAM, WRONG_TYPE, ("it has no video"), (NULL));
    gst_object_unref(sink);
}

static gboolean build_pipeline(SthDecoder *decoder, const char *uri, GError **error)
{
    static const char *const factories[] = {"uridecodebin", "videoconvert", "appsink"};
    GstElement *elements[G_N_ELEMENTS(factories)];
    decoder->pipeline = gst_pipeline_new(NULL);
    decoder->bus = gst_element_get_bus(decoder->pipeline);
    for (guint i = 0; i < G_N_ELEMENTS(factories); i++) {
        elements[i] = gst_element_factory_make(factories[i], NULL);
        if (elements[i] == NULL) {
            g_set_error(error, STH_ERROR, STH_ERROR_SYSTEM, "GStreamer has no element '%s'; install its base plugins", factories[i]);
            return FALSE;
        }
        gst_bin_add(GST_BIN(decoder->pipeline), elements[i]);
    }
    decoder->source = elements[0];
    decoder->convert = elements[1];
    decoder->sink = elements[2];

    GstCaps *caps = readable_caps();
    g_object_set(decoder->source, "uri", uri, NULL);
    g_object_set(decoder->sink, "caps", caps, "sync", FALSE, "max-buffers", FRAMES_AHEAD, NULL);
    gst_caps_unref(caps);
    g_signal_connect(decoder->source, "pad-added", G_CALLBACK(on_pad_added), decoder);
    g_signal_connect(decoder->source, "no-more-pads", G_CALLBACK(on_no_more_pads), decoder);
    return gst_element_link(decoder->convert, decoder->sink);
}

/* Reads the bus until it tells of a failure or tells nothing for @wait ns; TRUE if the pipeline has failed. */
static gboolean has_failed(SthDecoder *decoder, GstClockTime wait)
{
    GstMessage *message;
    while (decoder->failure == NULL && (message = gst_bus_timed_pop(decoder->bus, wait)) != NULL) {
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
            GError *failure = NULL;
            gst_message_parse_error(message, &failure, NULL);
            decoder->failure = g_strdup(failure->message);
            g_error_free(failure);
        } else if (gst_is_missing_plugin_message(message) && decoder->missing == NULL) {
            decoder->missing = gst_missing_plugin_message_get_description(message);
        }
        gst_message_unref(message);
    }
    return decoder->failure != NULL;
}

/* A missing decoder says more than the failure that follows from it. */
static void set_failure(SthDecoder *decoder, GError **error)
{
    if (decoder->missing != NULL)
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "cannot decode '%s': GStreamer has no %s; install the plugin that has it", decoder->location,
                    decoder->missing);
    else
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "cannot decode '%s': %s", decoder->location,
                    decoder->failure != NULL ? decoder->failure : "it does not start");
}

static gboolean start(SthDecoder *decoder, GError **error)
{
    gst_element_set_state(decoder->pipeline, GST_STATE_PLAYING);
    /* Playing, because a live source gives no frame in PAUSED. The wait ends with the first frame or the failure to make one. */
    if (gst_element_get_state(decoder->pipeline, NULL, NULL, GST_CLOCK_TIME_NONE) != GST_STATE_CHANGE_FAILURE)
        return TRUE;
    has_failed(decoder, GST_SECOND); /* the state fails a moment before the reason is told */
    set_failure(decoder, error);
    return FALSE;
}

char *sth_location_to_uri(const char *location, GError **error)
{
    if (strstr(location, "://") != NULL)
        return g_strdup(location);
    if (!g_file_test(location, G_FILE_TEST_EXISTS)) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "there is no file '%s'", location);
        return NULL;
    }
    if (!g_file_test(location, G_FILE_TEST_IS_REGULAR)) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "'%s' is no regular file", location);
        return NULL;
    }
    return gst_filename_to_uri(location, error);
}

SthDecoder *sth_decoder_open(const char *location, GError **error)
{
    g_autofree char *uri = sth_location_to_uri(location, error);
    if (uri == NULL)
        return NULL;
    SthDecoder *decoder = g_new0(SthDecoder, 1);
    decoder->location = g_strdup(location);
    if (build_pipeline(decoder, uri, error) && start(decoder, error))
        return decoder;
    sth_decoder_free(decoder);
    return NULL;
}

void sth_decoder_free(SthDecoder *decoder)
{
    if (decoder == NULL)
        return;
    gst_element_set_state(decoder->pipeline, GST_STATE_NULL);
    gst_object_unref(decoder->bus);
    gst_object_unref(decoder->pipeline);
    g_free(decoder->missing);
    g_free(decoder->failure);
    g_free(decoder->location);
    g_free(decoder);
}

guint64 sth_decoder_get_duration(SthDecoder *decoder)
{
    gint64 duration;
    return gst_element_query_duration(decoder->pipeline, GST_FORMAT_TIME, &duration) && duration > 0 ? (guint64)duration : STH_TIME_NONE;
}

static SthFrameFormat frame_format(const GstVideoInfo *info)
{
    SthFrameFormat format = {
        .width = (guint)GST_VIDEO_INFO_WIDTH(info),
        .height = (guint)GST_VIDEO_INFO_HEIGHT(info),
        .par_n = (guint)GST_VIDEO_INFO_PAR_N(info),
        .par_d = (guint)GST_VIDEO_INFO_PAR_D(info),
        .matrix = STH_MATRIX_BT601,
        .full_range = info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255,
    };
    if (info->colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT709)
        format.matrix = STH_MATRIX_BT709;
    else if (info->colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT2020)
        format.matrix = STH_MATRIX_BT2020;
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++)
        if (formats[i].gst == GST_VIDEO_INFO_FORMAT(info))
            format.pixel = formats[i].pixel;
    return format;
}

/* Takes over the sample; NULL if its memory cannot be mapped. */
static SthDecodedFrame *decoded_frame_new(GstSample *sample)
{
    GstVideoInfo info;
    SthDecodedFrame *decoded = g_new0(SthDecodedFrame, 1);
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) || !gst_video_frame_map(&decoded->map, &info, buffer, GST_MAP_READ)) {
        gst_sample_unref(sample);
        g_free(decoded);
        return NULL;
    }
    decoded->sample = sample;
    decoded->format = frame_format(&info);
    for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&decoded->map); plane++) {
        decoded->frame.plane[plane] = GST_VIDEO_FRAME_PLANE_DATA(&decoded->map, plane);
        decoded->frame.stride[plane] = GST_VIDEO_FRAME_PLANE_STRIDE(&decoded->map, plane);
    }
    GstSegment *segment = gst_sample_get_segment(sample);
    GstClockTime pts = GST_BUFFER_PTS(buffer);
    decoded->frame.pts = GST_CLOCK_TIME_IS_VALID(pts) ? gst_segment_to_stream_time(segment, GST_FORMAT_TIME, pts) : STH_TIME_NONE;
    decoded->duration = GST_BUFFER_DURATION(buffer);
    return decoded;
}

gboolean sth_decoder_next(SthDecoder *decoder, SthDecodedFrame **frame, GError **error)
{
    *frame = NULL;
    for (;;) {
        GstSample *sample = gst_app_sink_try_pull_sample(GST_APP_SINK(decoder->sink), 100 * GST_MSECOND);
        if (sample != NULL) {
            *frame = decoded_frame_new(sample);
            if (*frame == NULL)
                g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "cannot read a decoded frame of '%s'", decoder->location);
            return *frame != NULL;
        }
        if (has_failed(decoder, 0)) {
            set_failure(decoder, error);
            return FALSE;
        }
        if (gst_app_sink_is_eos(GST_APP_SINK(decoder->sink)))
            return TRUE;
    }
}

void sth_decoded_frame_free(SthDecodedFrame *frame)
{
    if (frame == NULL)
        return;
    gst_video_frame_unmap(&frame->map);
    gst_sample_unref(frame->sample);
    g_free(frame);
}
