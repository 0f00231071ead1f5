/* Decoding of files and URIs to frames that libsth reads, through GStreamer's uridecodebin.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <sth/sth.h>

G_BEGIN_DECLS

typedef struct _SthDecoder SthDecoder;

/* A decoded frame, mapped for reading. */
typedef struct {
    SthFrame frame; /* pts: stream time, STH_TIME_NONE if the stream has none */
    SthFrameFormat format;
    guint64 duration; /* ns; STH_TIME_NONE: not known */
    GstVideoFrame map;
    GstSample *sample;
} SthDecodedFrame;

/* Of a file that is there, or a URI as it is. NULL with @error (STH_ERROR_FILE). */
char *sth_location_to_uri(const char *location, GError **error);

/**
 * sth_decoder_open:
 * @location: a file name, or a URI if it contains "://"
 *
 * Returns: a decoder at the first frame of the first video stream; NULL with @error (STH_ERROR_FILE: not there, not readable;
 * STH_ERROR_FORMAT: no video, or no decoder for it).
 */
SthDecoder *sth_decoder_open(const char *location, GError **error);
void sth_decoder_free(SthDecoder *decoder);

/* Length of the whole video in ns as its container says; STH_TIME_NONE where it does not. */
guint64 sth_decoder_get_duration(SthDecoder *decoder);

/* The next frame in *frame, to be freed with sth_decoded_frame_free(), at any time; NULL in *frame at the end.
 * FALSE with @error (STH_ERROR_FORMAT) where the stream is broken. */
gboolean sth_decoder_next(SthDecoder *decoder, SthDecodedFrame **frame, GError **error);
/* NULL is allowed. */
void sth_decoded_frame_free(SthDecodedFrame *frame);

G_END_DECLS
