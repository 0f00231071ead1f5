/* GStreamer: when the text of a result is shown, for sinks that show it while
 * the video plays.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long an action lasts is known when it is over, but a muxer or an overlay
 * will not wait so long. So captions come in slices that are known to the end:
 * one begins with the frame that brings the text, the next one where it ends.
 * Nothing overlaps; what ends or changes is seen at the end of the slice. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS
#define GST_STH_CAPTION_SLICE (500 * GST_MSECOND)
/* PTS at which the newest slice ends; GST_CLOCK_TIME_NONE: there was none. */
typedef GstClockTime GstSthCaption;

/* Whether a slice may begin with the frame at @pts. */
gboolean gst_sth_caption_due (const GstSthCaption * caption, GstClockTime pts);

/* Makes @text into the slice that begins with the frame at @pts. Returns:
 * (transfer full): a buffer with time and duration. */
GstBuffer *gst_sth_caption_slice (GstSthCaption * caption, GstClockTime pts,
    const gchar * text);

G_END_DECLS
