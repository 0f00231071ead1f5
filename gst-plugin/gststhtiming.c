/* GStreamer: where the frames of a stream stand in time.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhtiming.h"

GST_DEBUG_CATEGORY_EXTERN (gst_sth_classify_debug);
#define GST_CAT_DEFAULT gst_sth_classify_debug

/* From a second on a hole between two frames is worth a word in the log; it
 * empties the window if it is longer than one. */
#define HOLE GST_SECOND

gboolean
gst_sth_timing_is_splice (const GstSthTiming * timing, GstBuffer * buffer)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);

  if (!GST_BUFFER_IS_DISCONT (buffer) || !GST_CLOCK_TIME_IS_VALID (timing->pts))
    return FALSE;
  return !GST_CLOCK_TIME_IS_VALID (pts)
      || pts <= timing->pts + timing->duration + timing->duration / 2;
}

void
gst_sth_timing_advance (GstSthTiming * timing, GstBuffer * buffer,
    const GstVideoInfo * info)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);

  timing->duration = GST_BUFFER_DURATION (buffer);
  if (!GST_CLOCK_TIME_IS_VALID (timing->duration))
    timing->duration = info->fps_n > 0 ?
        gst_util_uint64_scale_int (GST_SECOND, info->fps_d, info->fps_n) : 0;
  if (GST_CLOCK_TIME_IS_VALID (pts) && GST_CLOCK_TIME_IS_VALID (timing->pts)
      && (pts < timing->pts || pts > timing->pts + HOLE))
    GST_DEBUG ("PTS goes from %" GST_TIME_FORMAT " to %" GST_TIME_FORMAT,
        GST_TIME_ARGS (timing->pts), GST_TIME_ARGS (pts));
  if (GST_CLOCK_TIME_IS_VALID (pts))
    timing->pts = pts;
}

GstClockTime
gst_sth_timing_stream_time (const GstSegment * segment, GstClockTime pts)
{
  GstClockTime time = 0;
  gint sign;

  if (!GST_CLOCK_TIME_IS_VALID (pts) || segment->format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  sign = gst_segment_to_stream_time_full (segment, GST_FORMAT_TIME, pts, &time);
  return sign > 0 ? time : sign < 0 ? 0 : GST_CLOCK_TIME_NONE;
}

GstClockTime
gst_sth_timing_running_time (const GstSegment * segment, GstClockTime pts)
{
  if (!GST_CLOCK_TIME_IS_VALID (pts) || segment->format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts);
}

gboolean
gst_sth_timing_is_late (const GstSegment * segment, GstBuffer * buffer,
    GstClockTime earliest)
{
  GstClockTime running;

  if (!GST_CLOCK_TIME_IS_VALID (earliest))
    return FALSE;
  running = gst_sth_timing_running_time (segment, GST_BUFFER_PTS (buffer));
  return GST_CLOCK_TIME_IS_VALID (running) && running <= earliest;
}

GstClockTime
gst_sth_timing_earliest (GstEvent * qos)
{
  GstClockTimeDiff diff;
  GstClockTime timestamp;

  gst_event_parse_qos (qos, NULL, NULL, &diff, &timestamp);
  return GST_CLOCK_TIME_IS_VALID (timestamp) && diff > 0 ?
      timestamp + diff : GST_CLOCK_TIME_NONE;
}

void
gst_sth_timing_add_latency (GstQuery * query, GstClockTime own)
{
  GstClockTime min, max;
  gboolean live;

  gst_query_parse_latency (query, &live, &min, &max);
  min += own;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += own;
  gst_query_set_latency (query, live, min, max);
}

gboolean
gst_sth_timing_is_live (GstPad * sinkpad)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (sinkpad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);
  return live;
}

GstClockTime
gst_sth_timing_age (const SthResult * result, GstClockTime pts)
{
  if (!GST_CLOCK_TIME_IS_VALID (pts)
      || !GST_CLOCK_TIME_IS_VALID (result->window_end)
      || pts < result->window_end)
    return 0;
  return pts - result->window_end;
}
