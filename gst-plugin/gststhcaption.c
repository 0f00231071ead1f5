/* GStreamer: when the text of a result is shown, for sinks that show it while
 * the video plays.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhcaption.h"

#include <string.h>

/* Slices need not be a whole number of frames long; a hole as long as a frame
 * of slow video would be seen as a flicker. */
#define LONGEST_FRAME (125 * GST_MSECOND)

gboolean
gst_sth_caption_due (const GstSthCaption * caption, GstClockTime pts)
{
  return GST_CLOCK_TIME_IS_VALID (pts) && (!GST_CLOCK_TIME_IS_VALID (*caption)
      || pts >= *caption
      /* Times went back. */
      || *caption - pts > GST_STH_CAPTION_SLICE + LONGEST_FRAME);
}

GstBuffer *
gst_sth_caption_slice (GstSthCaption * caption, GstClockTime pts,
    const gchar * text)
{
  GstBuffer *buffer = gst_buffer_new_memdup (text, strlen (text));

  if (GST_CLOCK_TIME_IS_VALID (*caption) && pts >= *caption
      && pts - *caption < LONGEST_FRAME)
    pts = *caption;
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = GST_STH_CAPTION_SLICE;
  *caption = pts + GST_STH_CAPTION_SLICE;
  return buffer;
}
