/* GStreamer: a result on a buffer as libsth's exporters take it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhrecord.h"

#include <string.h>

#include "gststhtiming.h"

/* Seconds from 1900, the epoch of NTP, to 1970. */
#define NTP_TO_UNIX G_GUINT64_CONSTANT (2208988800)

static void
fill_action (const GstSthClassificationAction * action,
    const GstSegment * segment, SthAction * out, const char **label)
{
  out->index = action->label ? action->id : -1;
  out->start = gst_sth_timing_stream_time (segment, action->start);
  out->end = gst_sth_timing_stream_time (segment, action->end);
  out->peak = (float) action->peak;
  *label = action->label;
}

void
gst_sth_record_fill (SthRecord * record, const GstSthClassification * value,
    const GstSegment * segment)
{
  guint i;

  memset (record, 0, sizeof (*record));
  record->source = value->source;
  record->model = value->model;
  record->timestamp = gst_sth_timing_stream_time (segment, value->timestamp);
  record->running_time =
      gst_sth_timing_running_time (segment, value->timestamp);
  record->system_timestamp = STH_TIME_NONE;
  record->window_start =
      gst_sth_timing_stream_time (segment, value->window_start);
  record->window_end = gst_sth_timing_stream_time (segment, value->window_end);
  record->inference_ns = value->inference_time;
  record->age = value->age;
  record->n_top = MIN (value->n_top, STH_MAX_TOP_K);
  record->events = value->events;
  for (i = 0; i < record->n_top; i++) {
    record->top[i].index = value->label_ids[i];
    record->top[i].confidence = (float) value->confidences[i];
    record->top_label[i] = value->labels[i];
  }
  record->label = value->label && record->n_top > 0 ? 0 : -1;
  fill_action (&value->action, segment, &record->action, &record->action_label);
  fill_action (&value->ended, segment, &record->ended, &record->ended_label);
}

guint64
gst_sth_record_reference_time (GstBuffer * buffer)
{
  static GstStaticCaps unix_caps = GST_STATIC_CAPS ("timestamp/x-unix");
  static GstStaticCaps ntp_caps = GST_STATIC_CAPS ("timestamp/x-ntp");
  GstReferenceTimestampMeta *meta;
  GstCaps *caps;

  caps = gst_static_caps_get (&unix_caps);
  meta = gst_buffer_get_reference_timestamp_meta (buffer, caps);
  gst_caps_unref (caps);
  if (meta)
    return meta->timestamp;
  caps = gst_static_caps_get (&ntp_caps);
  meta = gst_buffer_get_reference_timestamp_meta (buffer, caps);
  gst_caps_unref (caps);
  if (meta && meta->timestamp >= NTP_TO_UNIX * GST_SECOND)
    return meta->timestamp - NTP_TO_UNIX * GST_SECOND;
  return STH_TIME_NONE;
}

guint64
gst_sth_record_clock_time (GstElement * element, guint64 running_time)
{
  GstClock *clock = gst_element_get_clock (element);
  GstClockTime base = gst_element_get_base_time (element);
  GstClockTime now, utc_now;

  if (clock == NULL || running_time == STH_TIME_NONE
      || !GST_CLOCK_TIME_IS_VALID (base)) {
    gst_clear_object (&clock);
    return STH_TIME_NONE;
  }
  /* Whatever the clock counts, it and the system's go equally fast over the
   * age of a frame. */
  now = gst_clock_get_time (clock);
  utc_now = (guint64) g_get_real_time () * GST_USECOND;
  gst_object_unref (clock);
  return utc_now + (base + running_time) - now;
}
