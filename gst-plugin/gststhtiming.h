/* GStreamer: where the frames of a stream stand in time.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>
#include <sth/sth.h>

G_BEGIN_DECLS
/* pts is GST_CLOCK_TIME_NONE before the first frame. */
    typedef struct
{
  GstClockTime pts, duration;   /* of the newest frame */
} GstSthTiming;

/* TRUE: @buffer has a DISCONT that its PTS does not explain. Where there is a
 * hole, frames were left out, and sampling by PTS knows what to do; where
 * there is none, what follows is something else. */
gboolean gst_sth_timing_is_splice (const GstSthTiming * timing,
    GstBuffer * buffer);

/* @buffer is the newest frame now. */
void gst_sth_timing_advance (GstSthTiming * timing, GstBuffer * buffer,
    const GstVideoInfo * info);

/* @pts as stream time, 0 where it lies before the segment's, and as running
 * time; NONE where they are not known. */
GstClockTime gst_sth_timing_stream_time (const GstSegment * segment,
    GstClockTime pts);
GstClockTime gst_sth_timing_running_time (const GstSegment * segment,
    GstClockTime pts);

/* TRUE: @buffer's running time is not after @earliest, which NONE is not. */
gboolean gst_sth_timing_is_late (const GstSegment * segment,
    GstBuffer * buffer, GstClockTime earliest);

/* The running time from which on frames are in time again, as the QoS event
 * @qos has it; NONE: they are. */
GstClockTime gst_sth_timing_earliest (GstEvent * qos);

/* Adds @own to what upstream has answered. */
void gst_sth_timing_add_latency (GstQuery * query, GstClockTime own);

/* Asks what is linked to @sinkpad whether it is live. */
gboolean gst_sth_timing_is_live (GstPad * sinkpad);

/* @pts less the end of the result's window; 0 where they are not known. */
GstClockTime gst_sth_timing_age (const SthResult * result, GstClockTime pts);

G_END_DECLS
