/* GStreamer: video frames as libsth reads them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>
#include <sth/sth.h>

G_BEGIN_DECLS
/* How to hand frames of one GstVideoInfo to an SthStream: directly where the
 * library reads the format, else through a converter into a scratch frame of
 * the same size. */
typedef struct _GstSthFrameReader GstSthFrameReader;

/* Allocates all that the frames need. NULL: there is no conversion. */
GstSthFrameReader *gst_sth_frame_reader_new (const GstVideoInfo * info);
void gst_sth_frame_reader_free (GstSthFrameReader * reader);
/* Lives as long as the reader. */
const SthFrameFormat *gst_sth_frame_reader_get_format (const GstSthFrameReader *
    reader);

/* Maps @buffer for reading and fills @frame, to be released with _unmap() when
 * the library has read it. FALSE: the buffer cannot be mapped. */
gboolean gst_sth_frame_reader_map (GstSthFrameReader * reader,
    GstBuffer * buffer, SthFrame * frame);
void gst_sth_frame_reader_unmap (GstSthFrameReader * reader);

G_END_DECLS
