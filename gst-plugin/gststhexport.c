/* GStreamer: sthexport, writes what sthclassify recognised as text.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-sthexport
 * @title: sthexport
 * @see_also: sthclassify, sthoverlay
 *
 * Takes video that sthclassify has seen and gives text. The caps that
 * downstream takes choose the format: `application/x-ndjson` (one JSON object
 * a line, in the shape of DL Streamer's gvametaconvert; also where downstream
 * takes anything) or `application/x-subtitle-vtt` (WebVTT). Times in the text
 * are stream times. UTC is told where the buffers have a reference timestamp
 * or the pipeline's clock is a real-time clock.
 *
 * Each text buffer has the PTS of the frame that it was written for. Where
 * there is nothing to write, a gap event takes the buffer's place, so that
 * muxers and live sinks do not wait.
 *
 * The start and the end of an action are on one buffer each: put this element
 * before anything that drops frames.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! decodebin ! videoconvert ! sthclassify ! sthexport ! filesink location=results.ndjson
 * ]| One line for each result.
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! decodebin ! videoconvert ! sthclassify ! tee name=t t. ! queue ! sthoverlay ! videoconvert ! autovideosink t. ! queue ! sthexport emit=events ! application/x-subtitle-vtt ! filesink location=actions.vtt
 * ]| Shows the video and writes a subtitle for each action.
 *
 * Since: 0.1
 */

#include "gststhexport.h"

#include <gst/video/video.h>
#include <sth/sth.h>

#include "gststhmeta.h"

GST_DEBUG_CATEGORY_STATIC (gst_sth_export_debug);
#define GST_CAT_DEFAULT gst_sth_export_debug

#define DEFAULT_FORMAT "ndjson"
#define DEFAULT_EMIT STH_EXPORT_RESULTS
/* Seconds from 1900, the epoch of NTP, to 1970. */
#define NTP_TO_UNIX G_GUINT64_CONSTANT (2208988800)

struct _GstSthExport
{
  GstElement parent;
  GstPad *sinkpad, *srcpad;

  /* Properties, under the object lock. */
  SthExportEmit emit;
  gchar *source;

  /* Streaming thread. */
  GstSegment segment;
  guint width, height;
  SthExporter *exporter;        /* NULL: no caps yet */
  GString *text;                /* written and not yet pushed */
  gboolean head_written;        /* of the file: once, however often it seeks */
  gboolean seen;                /* a result: the two below are valid */
  guint64 last_sequence;
  GstClockTime position;        /* end of the newest buffer, PTS */
};

enum
{
  PROP_0,
  PROP_EMIT,
  PROP_SOURCE,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));

#define GST_TYPE_STH_EXPORT_EMIT (gst_sth_export_emit_get_type ())
static GType
gst_sth_export_emit_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {STH_EXPORT_RESULTS, "Every result", "results"},
    {STH_EXPORT_EVENTS, "Starts and ends of actions only", "events"},
    {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstSthExportEmit", values));
  return type;
}

#define gst_sth_export_parent_class parent_class
G_DEFINE_TYPE (GstSthExport, gst_sth_export, GST_TYPE_ELEMENT);
GST_ELEMENT_REGISTER_DEFINE (sthexport, "sthexport", GST_RANK_NONE,
    GST_TYPE_STH_EXPORT);

/* One structure for each format of the library, the default first. */
static GstCaps *
formats_caps (void)
{
  const SthExportFormat *const *formats = sth_export_formats ();
  GstCaps *caps =
      gst_caps_from_string (sth_export_format_find (DEFAULT_FORMAT)->caps);

  for (; *formats; formats++)
    caps = gst_caps_merge (caps, gst_caps_from_string ((*formats)->caps));
  return caps;
}

static const SthExportFormat *
format_of (const GstCaps * caps)
{
  const SthExportFormat *const *formats = sth_export_formats ();

  for (; *formats; formats++) {
    GstCaps *known = gst_caps_from_string ((*formats)->caps);
    gboolean match = gst_caps_is_subset (caps, known);

    gst_caps_unref (known);
    if (match)
      return *formats;
  }
  return NULL;
}

/* --- Records ----------------------------------------------------------- */

/* Stream time of @pts, which may lie before the segment. */
static guint64
to_stream_time (GstSthExport * self, GstClockTime pts)
{
  guint64 time = 0;
  gint sign;

  if (!GST_CLOCK_TIME_IS_VALID (pts)
      || self->segment.format != GST_FORMAT_TIME)
    return STH_TIME_NONE;
  sign = gst_segment_to_stream_time_full (&self->segment, GST_FORMAT_TIME, pts,
      &time);
  return sign > 0 ? time : sign < 0 ? 0 : STH_TIME_NONE;
}

static guint64
reference_time (GstBuffer * buffer)
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

/* UTC of @pts, where the pipeline's clock tells it. */
static guint64
clock_time (GstSthExport * self, GstClockTime pts)
{
  GstClock *clock = gst_element_get_clock (GST_ELEMENT (self));
  GstClockType type = GST_CLOCK_TYPE_OTHER;
  guint64 running;

  if (clock && g_object_class_find_property (G_OBJECT_GET_CLASS (clock),
          "clock-type"))
    g_object_get (clock, "clock-type", &type, NULL);
  gst_clear_object (&clock);
  if (type != GST_CLOCK_TYPE_REALTIME)
    return STH_TIME_NONE;
  running = gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME, pts);
  return GST_CLOCK_TIME_IS_VALID (running) ?
      gst_element_get_base_time (GST_ELEMENT (self)) + running : STH_TIME_NONE;
}

static void
fill_action (GstSthExport * self, const GstSthClassificationAction * action,
    SthAction * out, const char **label)
{
  out->index = action->label ? action->id : -1;
  out->start = to_stream_time (self, action->start);
  out->end = to_stream_time (self, action->end);
  out->peak = (float) action->peak;
  *label = action->label;
}

/* Writes one result. @buffer: its carrier, NULL for an event. */
static void
write_record (GstSthExport * self, const GstSthClassification * value,
    GstBuffer * buffer)
{
  gchar *source;
  SthRecord record = { 0 };
  guint i;

  GST_OBJECT_LOCK (self);
  source = g_strdup (self->source ? self->source : value->source);
  GST_OBJECT_UNLOCK (self);

  record.source = source;
  record.model = value->model;
  record.width = self->width;
  record.height = self->height;
  record.timestamp = to_stream_time (self, value->timestamp);
  record.system_timestamp = buffer ? reference_time (buffer) : STH_TIME_NONE;
  if (record.system_timestamp == STH_TIME_NONE
      && GST_CLOCK_TIME_IS_VALID (value->timestamp))
    record.system_timestamp = clock_time (self, value->timestamp);
  record.window_start = to_stream_time (self, value->window_start);
  record.window_end = to_stream_time (self, value->window_end);
  record.inference_ns = value->inference_time;
  /* The first that this element sees of a result is its fresh one, even if the
   * frame that carried it first was dropped on the way. */
  record.held = self->seen && self->last_sequence == value->sequence;
  record.age = value->age;
  record.n_top = MIN (value->n_top, STH_MAX_TOP_K);
  for (i = 0; i < record.n_top; i++) {
    record.top[i].index = value->label_ids[i];
    record.top[i].confidence = (float) value->confidences[i];
    record.top_label[i] = value->labels[i];
  }
  record.label = value->label && record.n_top > 0 ? 0 : -1;
  record.events = value->events;
  fill_action (self, &value->action, &record.action, &record.action_label);
  fill_action (self, &value->ended, &record.ended, &record.ended_label);
  sth_exporter_record (self->exporter, &record, self->text);
  self->seen = TRUE;
  self->last_sequence = value->sequence;
  g_free (source);
}

/* --- Output ------------------------------------------------------------ */

/* Chooses the format and sets the caps of the source pad. */
static gboolean
negotiate (GstSthExport * self)
{
  GstCaps *formats = gst_pad_get_pad_template_caps (self->srcpad);
  GstCaps *peer = gst_pad_peer_query_caps (self->srcpad, NULL);
  GstCaps *caps;
  const SthExportFormat *format = NULL;

  if (peer && gst_caps_is_any (peer))
    caps = gst_caps_ref (formats);
  else
    caps = gst_caps_intersect_full (peer, formats, GST_CAPS_INTERSECT_FIRST);
  gst_clear_caps (&peer);
  gst_caps_unref (formats);
  if (!gst_caps_is_empty (caps)) {
    caps = gst_caps_fixate (caps);
    format = format_of (caps);
  }
  if (format == NULL) {
    gst_caps_unref (caps);
    GST_ERROR_OBJECT (self, "downstream takes none of the text formats");
    return FALSE;
  }
  GST_INFO_OBJECT (self, "format %s, %" GST_PTR_FORMAT, format->name, caps);
  if (self->exporter == NULL) {
    GST_OBJECT_LOCK (self);
    self->exporter = sth_exporter_new (format, self->emit);
    GST_OBJECT_UNLOCK (self);
  }
  if (!self->head_written)
    sth_exporter_start (self->exporter, self->text);
  self->head_written = TRUE;
  gst_pad_set_caps (self->srcpad, caps);
  gst_caps_unref (caps);
  return TRUE;
}

static GstFlowReturn
push_text (GstSthExport * self, GstClockTime pts)
{
  gsize size = self->text->len;
  GstBuffer *buffer;

  if (size == 0)
    return GST_FLOW_OK;
  buffer = gst_buffer_new_memdup (self->text->str, size);
  g_string_truncate (self->text, 0);
  GST_BUFFER_PTS (buffer) = pts;
  return gst_pad_push (self->srcpad, buffer);
}

static void
end_text (GstSthExport * self)
{
  guint64 end = to_stream_time (self, self->position);

  if (self->exporter)
    sth_exporter_finish (self->exporter, end, self->text);
}

static GstFlowReturn
gst_sth_export_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstSthExport *self = GST_STH_EXPORT (parent);
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstClockTime duration = GST_BUFFER_DURATION (buffer);
  GstFlowReturn flow = GST_FLOW_OK;
  GstSthClassification value;

  if (self->exporter == NULL) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (GST_CLOCK_TIME_IS_VALID (pts))
    self->position = pts + (GST_CLOCK_TIME_IS_VALID (duration) ? duration : 0);
  if (gst_sth_classification_from_buffer (buffer, &value)
      && (!value.held || !self->seen || value.sequence != self->last_sequence))
    write_record (self, &value, buffer);
  gst_buffer_unref (buffer);

  if (self->text->len > 0)
    flow = push_text (self, pts);
  else if (GST_CLOCK_TIME_IS_VALID (pts))
    gst_pad_push_event (self->srcpad, gst_event_new_gap (pts, duration));
  return flow;
}

/* --- Events and queries ------------------------------------------------ */

/* The text is another stream than the video. */
static gboolean
start_stream (GstSthExport * self, GstEvent * event)
{
  guint group = GST_GROUP_ID_INVALID;
  gchar *id = gst_pad_create_stream_id (self->srcpad, GST_ELEMENT (self),
      "text");
  GstEvent *start = gst_event_new_stream_start (id);

  if (gst_event_parse_group_id (event, &group))
    gst_event_set_group_id (start, group);
  gst_event_set_seqnum (start, gst_event_get_seqnum (event));
  g_free (id);
  gst_event_unref (event);
  return gst_pad_push_event (self->srcpad, start);
}

static gboolean
take_caps (GstSthExport * self, GstEvent * event)
{
  GstStructure *structure;
  gint width = 0, height = 0;
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  structure = gst_caps_get_structure (caps, 0);
  gst_structure_get_int (structure, "width", &width);
  gst_structure_get_int (structure, "height", &height);
  self->width = MAX (width, 0);
  self->height = MAX (height, 0);
  gst_event_unref (event);
  return self->exporter != NULL || negotiate (self);
}

static void
take_custom (GstSthExport * self, GstEvent * event)
{
  GstSthClassification value;

  if (self->exporter == NULL
      || !gst_sth_classification_from_event (event, &value))
    return;
  write_record (self, &value, NULL);
  push_text (self, value.timestamp);
}

static gboolean
gst_sth_export_sink_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstSthExport *self = GST_STH_EXPORT (parent);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      self->seen = FALSE;
      return start_stream (self, event);
    case GST_EVENT_CAPS:
      return take_caps (self, event);
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_event_has_name (event, GST_STH_CLASSIFICATION_META_NAME)) {
        take_custom (self, event);
        gst_event_unref (event);
        return TRUE;
      }
      break;
    case GST_EVENT_FLUSH_STOP:
      /* What was open ends where the flush came; the text goes out with the
       * next frame. */
      end_text (self);
      self->seen = FALSE;
      gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
      break;
    case GST_EVENT_EOS:
      end_text (self);
      push_text (self, self->position);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* What text sinks think of their lateness must not slow down the video. */
static gboolean
gst_sth_export_src_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS
      || GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE) {
    gst_event_unref (event);
    return TRUE;
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
gst_sth_export_sink_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  /* Pixels are not looked at: any memory, any stride will do. A tee passes on
   * only what all its branches agree to. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION) {
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

/* --- Element ----------------------------------------------------------- */

static void
reset (GstSthExport * self)
{
  g_clear_pointer (&self->exporter, sth_exporter_free);
  g_string_truncate (self->text, 0);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  self->head_written = FALSE;
  self->seen = FALSE;
  self->position = GST_CLOCK_TIME_NONE;
  self->width = self->height = 0;
}

static GstStateChangeReturn
gst_sth_export_change_state (GstElement * element, GstStateChange transition)
{
  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    reset (GST_STH_EXPORT (element));
  return ret;
}

static void
gst_sth_export_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstSthExport *self = GST_STH_EXPORT (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_EMIT:
      self->emit = g_value_get_enum (value);
      break;
    case PROP_SOURCE:
      g_free (self->source);
      self->source = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sth_export_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstSthExport *self = GST_STH_EXPORT (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_EMIT:
      g_value_set_enum (value, self->emit);
      break;
    case PROP_SOURCE:
      g_value_set_string (value, self->source);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sth_export_finalize (GObject * object)
{
  GstSthExport *self = GST_STH_EXPORT (object);

  sth_exporter_free (self->exporter);
  g_string_free (self->text, TRUE);
  g_free (self->source);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sth_export_class_init (GstSthExportClass * class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstCaps *caps = formats_caps ();

  GST_DEBUG_CATEGORY_INIT (gst_sth_export_debug, "sthexport", 0,
      "Writes recognised actions");
  object_class->set_property = gst_sth_export_set_property;
  object_class->get_property = gst_sth_export_get_property;
  object_class->finalize = gst_sth_export_finalize;

  /**
   * GstSthExport:emit:
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_EMIT,
      g_param_spec_enum ("emit", "Emit", "What is written",
          GST_TYPE_STH_EXPORT_EMIT, DEFAULT_EMIT,
          G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY |
          G_PARAM_STATIC_STRINGS));
  /**
   * GstSthExport:source:
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_SOURCE,
      g_param_spec_string ("source", "Source",
          "Name of the video in the text (default: its stream-id)", NULL,
          G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING |
          G_PARAM_STATIC_STRINGS));

  gst_element_class_set_static_metadata (element_class, "Action exporter",
      "Filter/Converter/Video", "Writes the actions that sthclassify "
      "recognised as JSON lines or subtitles", "The gst-sth authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_sth_export_change_state);
  gst_type_mark_as_plugin_api (GST_TYPE_STH_EXPORT_EMIT, 0);
  gst_sth_classification_register ();
}

static void
gst_sth_export_init (GstSthExport * self)
{
  GstElementClass *class = GST_ELEMENT_GET_CLASS (self);

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_sth_export_chain));
  gst_pad_set_event_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_sth_export_sink_event));
  gst_pad_set_query_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_sth_export_sink_query));
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_template (gst_element_class_get_pad_template
      (class, "src"), "src");
  gst_pad_set_event_function (self->srcpad,
      GST_DEBUG_FUNCPTR (gst_sth_export_src_event));
  gst_pad_use_fixed_caps (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);

  self->text = g_string_new (NULL);
  self->emit = DEFAULT_EMIT;
  reset (self);
}
