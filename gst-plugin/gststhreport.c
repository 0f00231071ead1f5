/* GStreamer: results of libsth as metadata and bus messages.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhreport.h"

#include <string.h>

#include "gststhtiming.h"

GST_DEBUG_CATEGORY_EXTERN (gst_sth_classify_debug);
#define GST_CAT_DEFAULT gst_sth_classify_debug

G_STATIC_ASSERT (STH_MAX_TOP_K <= GST_STH_CLASSIFICATION_MAX);
G_STATIC_ASSERT ((guint) STH_EVENT_START == (guint) GST_STH_EVENT_START);
G_STATIC_ASSERT ((guint) STH_EVENT_END == (guint) GST_STH_EVENT_END);
G_STATIC_ASSERT (STH_TIME_NONE == GST_CLOCK_TIME_NONE);

static const gchar *
label_of (const GstSthNames * names, gint index)
{
  return index >= 0 && (guint) index < names->n_labels ?
      names->labels[index] : NULL;
}

static void
report_action (const SthAction * action, const GstSthNames * names,
    GstSthClassificationAction * out)
{
  out->label = label_of (names, action->index);
  out->id = action->index;
  out->start = action->start;
  out->end = action->end;
  out->peak = action->peak;
}

void
gst_sth_report_classification (const SthResult * result,
    const GstSthNames * names, GstSthClassification * value)
{
  guint i;

  memset (value, 0, sizeof (*value));
  value->label = label_of (names, result->label);
  value->label_id = value->label ? result->label : -1;
  for (i = 0; i < result->n_top && i < STH_MAX_TOP_K; i++) {
    const gchar *label = label_of (names, result->top[i].index);

    value->labels[i] = label ? label : "";
    value->label_ids[i] = result->top[i].index;
    value->confidences[i] = result->top[i].confidence;
  }
  value->n_top = i;
  value->confidence = i > 0 ? value->confidences[0] : 0;
  value->window_start = result->window_start;
  value->window_end = result->window_end;
  value->inference_time = result->inference_ns;
  value->age = 0;
  value->sequence = result->sequence;
  value->events = result->events;
  report_action (&result->action, names, &value->action);
  if (result->events & STH_EVENT_END)
    report_action (&result->ended, names, &value->ended);
  else
    value->ended.id = -1;
  value->model = names->model;
  value->source = names->source;
  value->timestamp = GST_CLOCK_TIME_NONE;
}

GstStructure *
gst_sth_report_stats (const SthStreamStats * stats)
{
  return gst_structure_new ("application/x-sth-stats",
      "frames-in", G_TYPE_UINT64, stats->frames_in,
      "frames-sampled", G_TYPE_UINT64, stats->frames_sampled,
      "windows-due", G_TYPE_UINT64, stats->windows_due,
      "windows-run", G_TYPE_UINT64, stats->windows_run,
      "windows-skipped", G_TYPE_UINT64, stats->windows_skipped,
      "inference-last", G_TYPE_UINT64, stats->inference_last,
      "inference-mean", G_TYPE_UINT64, stats->inference_mean,
      "inference-p50", G_TYPE_UINT64, stats->inference_p50,
      "inference-p99", G_TYPE_UINT64, stats->inference_p99,
      "inference-max", G_TYPE_UINT64, stats->inference_max,
      "preprocess-mean", G_TYPE_UINT64, stats->preprocess_mean,
      "preprocess-max", G_TYPE_UINT64, stats->preprocess_max,
      "lag", G_TYPE_UINT64, stats->lag, NULL);
}

static void
post (GstElement * element, GstStructure * common, const gchar * event,
    const gchar * label, gint id, gdouble confidence,
    const GstSthClassificationAction * action)
{
  GstStructure *structure = gst_structure_copy (common);

  gst_structure_set (structure, "event", G_TYPE_STRING, event,
      "confidence", G_TYPE_DOUBLE, confidence, NULL);
  if (label)
    gst_structure_set (structure, "label", G_TYPE_STRING, label,
        "label-id", G_TYPE_INT, id, NULL);
  if (action)
    gst_structure_set (structure, "action-start", G_TYPE_UINT64, action->start,
        NULL);
  if (action && GST_CLOCK_TIME_IS_VALID (action->end)
      && strcmp (event, "action-end") == 0)
    gst_structure_set (structure, "action-end", G_TYPE_UINT64, action->end,
        NULL);
  gst_element_post_message (element,
      gst_message_new_element (GST_OBJECT (element), structure));
}

void
gst_sth_report_log (GstElement * element, const GstSthClassification * value)
{
  GST_DEBUG_OBJECT (element, "window %" G_GUINT64_FORMAT " of %" GST_TIME_FORMAT
      " to %" GST_TIME_FORMAT ": %s %.3f%s, in %" G_GUINT64_FORMAT " us",
      value->sequence, GST_TIME_ARGS (value->window_start),
      GST_TIME_ARGS (value->window_end),
      value->n_top > 0 ? value->labels[0] : "nothing", value->confidence,
      value->label ? "" : " (not recognised)",
      value->inference_time / GST_USECOND);
}

void
gst_sth_report_post (GstElement * element, const GstSegment * segment,
    GstBuffer * buffer, const GstSthClassification * value, gboolean ran,
    const SthStreamStats * stats)
{
  GstClockTime pts = value->timestamp;
  GstStructure *common, *counters;

  counters = gst_sth_report_stats (stats);
  common = gst_structure_new ("sthclassify",
      "timestamp", G_TYPE_UINT64, pts,
      "stream-time", G_TYPE_UINT64,
      gst_sth_timing_stream_time (segment, pts),
      "running-time", G_TYPE_UINT64,
      gst_sth_timing_running_time (segment, pts),
      "duration", G_TYPE_UINT64, buffer ? GST_BUFFER_DURATION (buffer) : 0,
      "window-start", G_TYPE_UINT64, value->window_start,
      "window-end", G_TYPE_UINT64, value->window_end,
      "inference-time", G_TYPE_UINT64, value->inference_time,
      "sequence", G_TYPE_UINT64, value->sequence,
      "stats", GST_TYPE_STRUCTURE, counters, NULL);
  gst_structure_free (counters);
  if (value->model)
    gst_structure_set (common, "model", G_TYPE_STRING, value->model, NULL);
  if (value->source)
    gst_structure_set (common, "source", G_TYPE_STRING, value->source, NULL);

  /* In the order in which it happened: what ended, what started, what is. */
  if (value->events & GST_STH_EVENT_END)
    post (element, common, "action-end", value->ended.label, value->ended.id,
        value->ended.peak, &value->ended);
  if (value->events & GST_STH_EVENT_START)
    post (element, common, "action-start", value->action.label,
        value->action.id, value->action.peak, &value->action);
  if (ran)
    post (element, common, "result", value->label, value->label_id,
        value->confidence, NULL);
  gst_structure_free (common);
}
