/* GStreamer: sthclassify, recognises actions in video.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-sthclassify
 * @title: sthclassify
 * @see_also: sthoverlay, sthexport
 *
 * Recognises actions in video: frames are sampled by time into short windows,
 * and a video network (an ONNX model, STH or other) says of each window what
 * happens in it. Pixels pass untouched. The result goes
 *
 * * onto the buffers, as a #GstCustomMeta named `GstSthClassificationMeta`
 *   whose fields gststhmeta.h documents; converters, scalers, tee and queue
 *   keep it. Built against GStreamer 1.24 or newer, also as a
 *   #GstAnalyticsClsMtd.
 * * onto the bus, as element messages named `sthclassify`.
 *
 * In sync mode every window runs, in the streaming thread, before its last
 * frame goes on; that frame carries the result. In live mode the network runs
 * beside the video: windows that come faster than it can run are skipped, the
 * video never waits, and the next frame after a window is done carries its
 * result. Later frames carry the result as `held` until hold-time is over.
 *
 * Fields of a message:
 *
 * * `event` (string): `result`, `action-start` or `action-end`
 * * `timestamp`, `stream-time`, `running-time`, `duration` (guint64) of the
 *   buffer that carries the result; at EOS of the last one before
 * * `label` (string), `label-id` (int): absent from a `result` in which
 *   nothing reaches the threshold
 * * `confidence` (double): of the best class; of an action, its peak
 * * `action-start`, `action-end` (guint64): PTS where the action of an
 *   `action-start` or `action-end` started and ended
 * * `window-start`, `window-end` (guint64): PTS of the window's first and last
 *   frame
 * * `inference-time`, `sequence` (guint64), `model`, `source` (string)
 * * `stats` (#GstStructure): as the property
 *
 * A discontinuity empties the window: a flush, a new stream, new caps, a PTS
 * that goes back or jumps by more than a window, and a DISCONT buffer whose
 * PTS does not tell that frames were merely left out. Frames left out by a
 * leaky queue or by QoS do not, for the sampling goes by PTS.
 *
 * ## Unusual video
 * Any raw format and any size up to 65535x65535 is read; formats that libsth
 * does not know (10 bits, say) through a scratch frame. Interlaced frames are
 * read with both fields, alternating fields each as a frame. Stereo video is
 * read as the one picture that it is: crop before the element to look at one
 * eye. Frames without PTS, GAP buffers and video that is played backwards pass
 * unsampled. New caps, as of a camera that changes its resolution, keep the
 * model and the counters. If a source dies, going to READY waits for the window
 * that is running, no more.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -m filesrc location=clip.mp4 ! decodebin ! videoconvert ! sthclassify ! fakesink
 * ]| Prints a message for each window and each action of a file.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! sthclassify smoothing=0.5 ! sthoverlay ! videoconvert ! autovideosink
 * ]| Shows what a camera sees and what is recognised in it.
 *
 * Since: 0.1
 */

#include "gststhclassify.h"

#include <gst/video/video.h>

#include "gststhanalytics.h"
#include "gststhmeta.h"
#include "gststhrunner.h"
#include "gststhtiming.h"

GST_DEBUG_CATEGORY (gst_sth_classify_debug);
#define GST_CAT_DEFAULT gst_sth_classify_debug

struct _GstSthClassify
{
  GstBaseTransform parent;

  /* Under the object lock. */
  GstSthSettings settings;
  gboolean changed;             /* settings, since the stream took them */
  GstClockTime latency;         /* that LATENCY answers */
  GstClockTime earliest;        /* running time, by QoS; NONE: in time */

  /* Streaming thread. */
  GstSthRunner runner;
  GstSthTiming timing;
  gboolean has_result;          /* result and carried_pts are valid */
  SthResult result;
  GstClockTime carried_pts;     /* of the first buffer with `result` */
  gboolean told;                /* a result: last_sequence is valid */
  guint64 last_sequence;
};

#define FEATURES "memory:SystemMemory, meta:GstVideoOverlayComposition"
#define CAPS GST_VIDEO_CAPS_MAKE (GST_VIDEO_FORMATS_ALL) "; " \
    GST_VIDEO_CAPS_MAKE_WITH_FEATURES (FEATURES, GST_VIDEO_FORMATS_ALL) "; " \
    GST_VIDEO_CAPS_MAKE_WITH_FEATURES ("format:Interlaced", \
    GST_VIDEO_FORMATS_ALL)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

#define gst_sth_classify_parent_class parent_class
G_DEFINE_TYPE (GstSthClassify, gst_sth_classify, GST_TYPE_BASE_TRANSFORM);
GST_ELEMENT_REGISTER_DEFINE (sthclassify, "sthclassify", GST_RANK_NONE,
    GST_TYPE_STH_CLASSIFY);

/* --- Telling results --------------------------------------------------- */

/* Latency grows in steps, not with every window that takes a bit longer. */
static void
update_latency (GstSthClassify * self, const SthStreamStats * stats)
{
  GstClockTime worst = stats->inference_max + stats->preprocess_max;
  gboolean grown;

  GST_OBJECT_LOCK (self);
  grown = !self->runner.live && worst > self->latency + self->latency / 4;
  if (grown)
    self->latency = worst;
  GST_OBJECT_UNLOCK (self);
  if (grown)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}

/* Posts what is new in @value. */
static void
post (GstSthClassify * self, const GstSthClassification * value,
    GstBuffer * buffer)
{
  gboolean ran = GST_CLOCK_TIME_IS_VALID (value->window_end)
      && (!self->told || value->sequence != self->last_sequence);
  SthStreamStats stats;
  gboolean wanted;

  if (ran) {
    self->told = TRUE;
    self->last_sequence = value->sequence;
    gst_sth_report_log (GST_ELEMENT (self), value);
  }
  GST_OBJECT_LOCK (self);
  wanted = self->settings.post_messages;
  GST_OBJECT_UNLOCK (self);
  gst_sth_runner_get_stats (&self->runner, &stats);
  if (wanted)
    gst_sth_report_post (GST_ELEMENT (self),
        &GST_BASE_TRANSFORM (self)->segment, buffer, value, ran, &stats);
  update_latency (self, &stats);
}

/* Tells a result that has no buffer. */
static void
tell_alone (GstSthClassify * self, const SthResult * result,
    gboolean downstream)
{
  GstSthClassification value;

  gst_sth_report_classification (result, &self->runner.names, &value);
  value.timestamp = self->timing.pts;
  value.age = gst_sth_timing_age (result, self->timing.pts);
  value.held = self->told && result->sequence == self->last_sequence;
  if (downstream)
    gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self),
        gst_sth_classification_to_event (&value));
  post (self, &value, NULL);
}

/* Tells @result on @buffer, which is writable. */
static void
tell_on (GstSthClassify * self, const SthResult * result, gboolean fresh,
    GstBuffer * buffer)
{
  GstSthClassification value;
  gboolean region;

  gst_sth_report_classification (result, &self->runner.names, &value);
  value.timestamp = GST_BUFFER_PTS (buffer);
  value.age = gst_sth_timing_age (result, value.timestamp);
  value.held = !fresh;
  if (!fresh) {
    value.events = GST_STH_EVENT_NONE;
    value.ended.label = NULL;
  }
  gst_sth_classification_attach (&value, buffer);
  GST_OBJECT_LOCK (self);
  region = self->settings.attach_region;
  GST_OBJECT_UNLOCK (self);
  gst_sth_analytics_attach (&value, buffer, region,
      GST_VIDEO_INFO_WIDTH (&self->runner.info),
      GST_VIDEO_INFO_FIELD_HEIGHT (&self->runner.info));
  if (fresh)
    post (self, &value, buffer);
}

/* --- Stream ------------------------------------------------------------ */

/* Forgets the window and closes the action that is going on. @downstream: tell
 * those as well, not only the bus. */
static void
reset_stream (GstSthClassify * self, const gchar * why, gboolean downstream)
{
  SthResult result;

  GST_DEBUG_OBJECT (self, "the window is emptied: %s", why);
  self->has_result = FALSE;
  if (gst_sth_runner_reset (&self->runner, &result))
    tell_alone (self, &result, downstream);
  self->timing.pts = GST_CLOCK_TIME_NONE;
}

/* A stream of the mode that upstream calls for; the one there is if it is. */
static gboolean
ensure_stream (GstSthClassify * self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  SthStreamConfig config;
  GError *error = NULL;
  gboolean live;
  GstSthMode mode;

  GST_OBJECT_LOCK (self);
  mode = self->settings.mode;
  GST_OBJECT_UNLOCK (self);
  live = mode == GST_STH_MODE_AUTO ? gst_sth_timing_is_live (trans->sinkpad) :
      mode == GST_STH_MODE_LIVE;
  if (self->runner.stream && live == self->runner.live)
    return TRUE;

  reset_stream (self, "mode", TRUE);
  GST_OBJECT_LOCK (self);
  gst_sth_settings_stream_config (&self->settings, live, &config);
  self->changed = FALSE;
  self->latency = 0;
  GST_OBJECT_UNLOCK (self);
  self->told = FALSE;
  if (!gst_sth_runner_start (&self->runner, &config, &error)) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, ("%s", error->message),
        ("model '%s'", self->runner.names.model));
    g_clear_error (&error);
    return FALSE;
  }
  GST_INFO_OBJECT (self, "%s mode", live ? "live" : "sync");
  return TRUE;
}

static void
apply_changes (GstSthClassify * self)
{
  SthStreamConfig config;
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = self->changed;
  self->changed = FALSE;
  if (changed)
    gst_sth_settings_stream_config (&self->settings, self->runner.live,
        &config);
  GST_OBJECT_UNLOCK (self);
  if (changed)
    gst_sth_runner_configure (&self->runner, &config);
}

/* --- Frames ------------------------------------------------------------ */

static void
set_earliest (GstSthClassify * self, GstClockTime earliest)
{
  GST_OBJECT_LOCK (self);
  self->earliest = earliest;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
is_late (GstSthClassify * self, GstBuffer * buffer)
{
  GstClockTime earliest;

  GST_OBJECT_LOCK (self);
  earliest = self->earliest;
  GST_OBJECT_UNLOCK (self);
  return !self->runner.live
      && gst_sth_timing_is_late (&GST_BASE_TRANSFORM (self)->segment, buffer,
      earliest);
}

/* Backwards, an action cannot be told from its reverse. */
static gboolean
may_sample (GstSthClassify * self, GstBuffer * buffer)
{
  return !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP)
      && GST_BASE_TRANSFORM (self)->segment.rate > 0;
}

/* Live: the newest result that has come in. Those before it would be lost on
 * this buffer, for it carries one: they go ahead of it. */
static gboolean
collect (GstSthClassify * self, SthResult * result)
{
  gboolean got = FALSE;
  SthResult next;

  while (gst_sth_runner_take (&self->runner, &next)) {
    if (got)
      tell_alone (self, result, TRUE);
    *result = next;
    got = TRUE;
  }
  return got;
}

static gboolean
still_holds (GstSthClassify * self, GstClockTime pts)
{
  guint64 hold;

  if (!self->has_result || !GST_CLOCK_TIME_IS_VALID (pts)
      || !GST_CLOCK_TIME_IS_VALID (self->carried_pts)
      || pts < self->carried_pts)
    return FALSE;
  GST_OBJECT_LOCK (self);
  hold = self->settings.hold_time;
  GST_OBJECT_UNLOCK (self);
  return pts - self->carried_pts <= hold;
}

static GstFlowReturn
gst_sth_classify_generate_output (GstBaseTransform * trans, GstBuffer ** outbuf)
{
  GstSthClassify *self = GST_STH_CLASSIFY (trans);
  GstBuffer *buffer = trans->queued_buf;
  GstClockTime pts;
  gboolean fresh = FALSE;

  trans->queued_buf = NULL;
  *outbuf = buffer;
  if (buffer == NULL)
    return GST_FLOW_OK;
  if (self->runner.stream == NULL || self->runner.reader == NULL) {
    gst_clear_buffer (outbuf);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  pts = GST_BUFFER_PTS (buffer);
  apply_changes (self);
  if (gst_sth_timing_is_splice (&self->timing, buffer))
    reset_stream (self, "DISCONT", TRUE);
  if (may_sample (self, buffer))
    fresh = gst_sth_runner_feed (&self->runner, buffer, is_late (self, buffer),
        &self->result);
  if (self->runner.live)
    fresh = collect (self, &self->result);
  gst_sth_timing_advance (&self->timing, buffer, &self->runner.info);
  if (fresh) {
    self->has_result = TRUE;
    self->carried_pts = pts;
  } else if (!still_holds (self, pts)) {
    self->has_result = FALSE;
    return GST_FLOW_OK;
  }
  *outbuf = buffer = gst_buffer_make_writable (buffer);
  tell_on (self, &self->result, fresh, buffer);
  return GST_FLOW_OK;
}

static gboolean
gst_sth_classify_set_caps (GstBaseTransform * trans, GstCaps * incaps,
    GstCaps * outcaps)
{
  GstSthClassify *self = GST_STH_CLASSIFY (trans);
  GError *error = NULL;
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, incaps)) {
    GST_ERROR_OBJECT (self, "no raw video: %" GST_PTR_FORMAT, incaps);
    return FALSE;
  }
  if (!ensure_stream (self))
    return FALSE;
  if (self->runner.reader && gst_video_info_is_equal (&info,
          &self->runner.info))
    return TRUE;

  reset_stream (self, "caps", TRUE);
  if (!gst_sth_runner_set_info (&self->runner, &info, &error)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message),
        ("%" GST_PTR_FORMAT, incaps));
    g_clear_error (&error);
    return FALSE;
  }
  return TRUE;
}

/* --- Events and queries ------------------------------------------------ */

/* The end of the stream: what is still due has no buffer to go on. */
static void
finish_stream (GstSthClassify * self)
{
  SthResult result, late;
  gboolean got = gst_sth_runner_finish (&self->runner, &result);

  if (self->runner.live && collect (self, &late))
    tell_alone (self, &late, TRUE);
  if (got)
    tell_alone (self, &result, TRUE);
  self->has_result = FALSE;
}

static gboolean
gst_sth_classify_sink_event (GstBaseTransform * trans, GstEvent * event)
{
  GstSthClassify *self = GST_STH_CLASSIFY (trans);
  const GstSegment *segment;
  const gchar *id;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      reset_stream (self, "stream-start", TRUE);
      gst_event_parse_stream_start (event, &id);
      gst_sth_runner_set_source (&self->runner, id);
      break;
    case GST_EVENT_FLUSH_STOP:
      reset_stream (self, "flush", FALSE);
      set_earliest (self, GST_CLOCK_TIME_NONE);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      if (segment->rate < 0)
        reset_stream (self, "rate", TRUE);
      set_earliest (self, GST_CLOCK_TIME_NONE);
      break;
    case GST_EVENT_EOS:
      finish_stream (self);
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

/* QoS leaves out inference, never a frame. */
static gboolean
gst_sth_classify_src_event (GstBaseTransform * trans, GstEvent * event)
{
  GstSthClassify *self = GST_STH_CLASSIFY (trans);

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    set_earliest (self, gst_sth_timing_earliest (event));
  return GST_BASE_TRANSFORM_CLASS (parent_class)->src_event (trans, event);
}

static gboolean
gst_sth_classify_query (GstBaseTransform * trans, GstPadDirection direction,
    GstQuery * query)
{
  GstSthClassify *self = GST_STH_CLASSIFY (trans);
  GstClockTime own;

  if (!GST_BASE_TRANSFORM_CLASS (parent_class)->query (trans, direction, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY && direction == GST_PAD_SRC) {
    GST_OBJECT_LOCK (self);
    own = self->latency;
    GST_OBJECT_UNLOCK (self);
    gst_sth_timing_add_latency (query, own);
  }
  return TRUE;
}

/* --- Element ----------------------------------------------------------- */

static gboolean
gst_sth_classify_start (GstBaseTransform * trans)
{
  GstSthClassify *self = GST_STH_CLASSIFY (trans);
  GstSthSettings settings;
  GError *error = NULL;
  gboolean ok;

  GST_OBJECT_LOCK (self);
  gst_sth_settings_copy (&settings, &self->settings);
  self->latency = 0;
  GST_OBJECT_UNLOCK (self);
  set_earliest (self, GST_CLOCK_TIME_NONE);
  self->timing.pts = GST_CLOCK_TIME_NONE;
  ok = gst_sth_runner_open (&self->runner, &settings, &error);
  gst_sth_settings_clear (&settings);
  if (ok) {
    GST_INFO_OBJECT (self, "model %s", self->runner.names.model);
    return TRUE;
  }
  if (error->code == STH_ERROR_FILE)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ, ("%s", error->message),
        (NULL));
  else
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, ("%s", error->message), (NULL));
  g_clear_error (&error);
  return FALSE;
}

static gboolean
gst_sth_classify_stop (GstBaseTransform * trans)
{
  GstSthClassify *self = GST_STH_CLASSIFY (trans);

  gst_sth_runner_close (&self->runner);
  self->has_result = self->told = FALSE;
  return TRUE;
}

static void
gst_sth_classify_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstSthClassify *self = GST_STH_CLASSIFY (object);
  gboolean known;

  gst_sth_settings_check_state (GST_ELEMENT (self), value, pspec);
  GST_OBJECT_LOCK (self);
  known = gst_sth_settings_set (&self->settings, id, value);
  self->changed = TRUE;
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_sth_classify_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstSthClassify *self = GST_STH_CLASSIFY (object);
  SthStreamStats stats;
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_sth_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known && g_strcmp0 (pspec->name, "stats") == 0) {
    gst_sth_runner_get_stats (&self->runner, &stats);
    g_value_take_boxed (value, gst_sth_report_stats (&stats));
  } else if (!known) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_sth_classify_finalize (GObject * object)
{
  GstSthClassify *self = GST_STH_CLASSIFY (object);

  gst_sth_settings_clear (&self->settings);
  gst_sth_runner_clear (&self->runner);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sth_classify_class_init (GstSthClassifyClass * class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (gst_sth_classify_debug, "sthclassify", 0,
      "Recognises actions");
  object_class->set_property = gst_sth_classify_set_property;
  object_class->get_property = gst_sth_classify_get_property;
  object_class->finalize = gst_sth_classify_finalize;
  gst_sth_settings_install (object_class);
  gst_element_class_set_static_metadata (element_class, "Action classifier",
      "Analyzer/Video", "Recognises actions in video with Spatio-Temporal "
      "Hybrid networks and other video networks", "The gst-sth authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  transform_class->start = gst_sth_classify_start;
  transform_class->stop = gst_sth_classify_stop;
  transform_class->set_caps = gst_sth_classify_set_caps;
  transform_class->sink_event = gst_sth_classify_sink_event;
  transform_class->src_event = gst_sth_classify_src_event;
  transform_class->query = gst_sth_classify_query;
  transform_class->generate_output = gst_sth_classify_generate_output;
  gst_sth_classification_register ();
}

static void
gst_sth_classify_init (GstSthClassify * self)
{
  gst_sth_settings_init (&self->settings);
  gst_sth_runner_init (&self->runner);
  /* Pixels are only looked at, and caps and allocation are between upstream
   * and downstream; what happens to buffers is in generate_output. */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), TRUE);
}
