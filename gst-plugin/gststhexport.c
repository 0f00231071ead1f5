/* GStreamer: sthexport, writes what sthclassify recognised as text.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-sthexport
 * @title: sthexport
 * @see_also: sthclassify, sthoverlay
 *
 * Takes video that sthclassify has seen and gives text. The caps that
 * downstream takes choose the format:
 *
 * * `application/x-ndjson`: one JSON object a line, in the shape of DL
 *   Streamer's gvametaconvert; also where downstream takes anything
 * * `text/csv`: a table with a head, as RFC 4180 has it
 * * `application/x-subtitle-vtt`: WebVTT
 * * `application/x-subtitle`: SubRip (SRT)
 * * `text/x-raw, format=utf8`: captions, for matroskamux and textoverlay
 *
 * Times in the text are stream times; NDJSON and CSV also have the running time
 * and UTC, which comes from the buffers' reference timestamps or, where upstream
 * is live, from the pipeline's clock.
 *
 * Each text buffer has the PTS of the frame that it was written for, and holds
 * whole records. Where there is nothing to write, a gap event takes the buffer's
 * place, so that muxers and live sinks do not wait. Captions are shown from the
 * frame that brings them, in slices of half a second, for what is recognised
 * now or, with #GstSthExport:emit set to events, the action that goes on.
 *
 * A file is valid after every buffer. filesink keeps the latest 64 KiB for
 * itself: with `buffer-mode=unbuffered` a process that is killed loses nothing.
 * When a sink cannot write (full disk, closed socket) it posts an error;
 * #GstSthExport:on-error says whether the video goes on all the same.
 *
 * The start and the end of an action are on one buffer each: put this element
 * before anything that drops frames.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! decodebin ! videoconvert ! sthclassify ! sthexport ! filesink location=results.ndjson buffer-mode=unbuffered
 * ]| One line for each result.
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! decodebin ! videoconvert ! sthclassify ! tee name=t t. ! queue ! sthoverlay ! videoconvert ! autovideosink t. ! queue ! sthexport emit=events ! application/x-subtitle-vtt ! filesink location=actions.vtt
 * ]| Shows the video and writes a subtitle for each action.
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! decodebin ! videoconvert ! sthclassify ! tee name=t t. ! queue ! x264enc tune=zerolatency ! matroskamux name=mux ! filesink location=clip.mkv t. ! queue ! sthexport emit=events ! mux.
 * ]| Puts the actions into a file as a subtitle track.
 *
 * Since: 0.1
 */

#include "gststhexport.h"

#include <gst/video/video.h>

#include "gststhcaption.h"
#include "gststhformat.h"
#include "gststhrecord.h"
#include "gststhtiming.h"

GST_DEBUG_CATEGORY_STATIC (gst_sth_export_debug);
#define GST_CAT_DEFAULT gst_sth_export_debug

#define DEFAULT_EMIT STH_EXPORT_RESULTS
#define DEFAULT_ON_ERROR GST_STH_EXPORT_ON_ERROR_STOP

struct _GstSthExport
{
  GstElement parent;
  GstPad *sinkpad, *srcpad;

  /* Properties, under the object lock. */
  SthExportEmit emit;
  gchar *source;
  GstSthExportOnError on_error;

  /* Streaming thread. */
  GstSegment segment;
  guint width, height;
  const SthExportFormat *format;        /* NULL: no caps yet; nor below */
  SthExporter *exporter;
  gboolean captions;            /* its format is one to be shown */
  GstSthCaption caption;
  GString *text;                /* written and not yet pushed */
  gboolean seen;                /* a result: the two below are valid */
  guint64 last_sequence;
  GstClockTime pts, end;        /* of the newest buffer, both as PTS */
  gboolean lost;                /* downstream has failed, and was let go */
  gboolean live;                /* upstream is */
};

enum
{
  PROP_0,
  PROP_EMIT,
  PROP_SOURCE,
  PROP_ON_ERROR,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));

#define gst_sth_export_parent_class parent_class
G_DEFINE_TYPE (GstSthExport, gst_sth_export, GST_TYPE_ELEMENT);
GST_ELEMENT_REGISTER_DEFINE (sthexport, "sthexport", GST_RANK_NONE,
    GST_TYPE_STH_EXPORT);

/* --- Records ----------------------------------------------------------- */

/* @buffer: the carrier, NULL for an event. */
static void
fill_record (GstSthExport * self, const GstSthClassification * value,
    GstBuffer * buffer, SthRecord * record)
{
  gst_sth_record_fill (record, value, &self->segment);
  record->width = self->width;
  record->height = self->height;
  if (buffer)
    record->system_timestamp = gst_sth_record_reference_time (buffer);
  if (record->system_timestamp == STH_TIME_NONE && self->live)
    record->system_timestamp =
        gst_sth_record_clock_time (GST_ELEMENT (self), record->running_time);
  /* The first that this element sees of a result is its fresh one, even if the
   * frame that carried it first was dropped on the way. */
  record->held = self->seen && self->last_sequence == value->sequence;
}

/* Writes one result. */
static void
write_record (GstSthExport * self, const GstSthClassification * value,
    GstBuffer * buffer)
{
  SthRecord record;
  gchar *source;

  fill_record (self, value, buffer, &record);
  GST_OBJECT_LOCK (self);
  source = g_strdup (self->source);
  GST_OBJECT_UNLOCK (self);
  if (source)
    record.source = source;
  sth_exporter_record (self->exporter, &record, self->text);
  self->seen = TRUE;
  self->last_sequence = value->sequence;
  g_free (source);
}

/* --- Output ------------------------------------------------------------ */

/* Drops what was to be written, and begins with the head of the format. */
static void
begin_text (GstSthExport * self)
{
  sth_exporter_free (self->exporter);
  GST_OBJECT_LOCK (self);
  self->exporter = sth_exporter_new (self->format, self->emit);
  GST_OBJECT_UNLOCK (self);
  self->captions = self->format->media == STH_EXPORT_CAPTIONS;
  g_string_truncate (self->text, 0);
  if (!self->captions)
    sth_exporter_start (self->exporter, self->text);
}

/* Chooses the format and sets the caps of the source pad. */
static gboolean
negotiate (GstSthExport * self)
{
  GstCaps *caps = NULL;

  self->format = gst_sth_format_choose (self->srcpad, &caps);
  if (self->format == NULL) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("What is downstream takes none of the formats of sthexport."),
        ("gst-inspect-1.0 sthexport lists them"));
    return FALSE;
  }
  GST_INFO_OBJECT (self, "format %s, %" GST_PTR_FORMAT, self->format->name,
      caps);
  begin_text (self);
  gst_pad_set_caps (self->srcpad, caps);
  gst_caps_unref (caps);
  return TRUE;
}

/* What a failure downstream means for the video. */
static GstFlowReturn
push (GstSthExport * self, GstBuffer * buffer)
{
  GstFlowReturn flow;
  GstSthExportOnError on_error;

  if (self->lost) {
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  flow = gst_pad_push (self->srcpad, buffer);
  GST_OBJECT_LOCK (self);
  on_error = self->on_error;
  GST_OBJECT_UNLOCK (self);
  if (flow >= GST_FLOW_OK || flow == GST_FLOW_FLUSHING
      || on_error == GST_STH_EXPORT_ON_ERROR_STOP)
    return flow;
  self->lost = TRUE;
  GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
      ("Results are no longer written, for what is downstream of this element "
          "has failed (%s). The video goes on.", gst_flow_get_name (flow)),
      ("on-error=continue"));
  return GST_FLOW_OK;
}

static GstFlowReturn
push_text (GstSthExport * self, GstClockTime pts)
{
  GstBuffer *buffer;

  if (self->text->len == 0)
    return GST_FLOW_OK;
  /* EOS right after a flush. */
  if (self->segment.format == GST_FORMAT_UNDEFINED) {
    gst_segment_init (&self->segment, GST_FORMAT_TIME);
    gst_pad_push_event (self->srcpad, gst_event_new_segment (&self->segment));
  }
  buffer = gst_buffer_new_memdup (self->text->str, self->text->len);
  g_string_truncate (self->text, 0);
  GST_BUFFER_PTS (buffer) = pts;
  return push (self, buffer);
}

/* Shows what @value says now, if it is time to. *pushed tells. */
static GstFlowReturn
push_caption (GstSthExport * self, const GstSthClassification * value,
    GstBuffer * buffer, gboolean * pushed)
{
  GstFlowReturn flow = GST_FLOW_OK;
  SthRecord record;

  /* Most frames end here: nothing is going on. */
  if ((value->label == NULL && value->action.label == NULL)
      || !gst_sth_caption_due (&self->caption, GST_BUFFER_PTS (buffer)))
    return flow;
  fill_record (self, value, buffer, &record);
  sth_exporter_caption (self->exporter, &record, self->text);
  *pushed = self->text->len > 0;
  if (*pushed)
    flow = push (self, gst_sth_caption_slice (&self->caption,
            GST_BUFFER_PTS (buffer), self->text->str));
  g_string_truncate (self->text, 0);
  return flow;
}

static void
end_text (GstSthExport * self)
{
  if (self->exporter && !self->captions)
    sth_exporter_finish (self->exporter,
        gst_sth_timing_stream_time (&self->segment, self->end), self->text);
}

static GstFlowReturn
gst_sth_export_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstSthExport *self = GST_STH_EXPORT (parent);
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstClockTime duration = GST_BUFFER_DURATION (buffer);
  GstFlowReturn flow = GST_FLOW_OK;
  gboolean pushed = FALSE;
  GstSthClassification value;

  if (self->exporter == NULL) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (GST_CLOCK_TIME_IS_VALID (pts)) {
    self->pts = pts;
    self->end = pts + (GST_CLOCK_TIME_IS_VALID (duration) ? duration : 0);
  }
  if (gst_sth_classification_from_buffer (buffer, &value)) {
    if (self->captions)
      flow = push_caption (self, &value, buffer, &pushed);
    else if (!value.held || !self->seen
        || value.sequence != self->last_sequence)
      write_record (self, &value, buffer);
  }
  gst_buffer_unref (buffer);

  if (self->text->len > 0)
    flow = push_text (self, pts);
  else if (!pushed && GST_CLOCK_TIME_IS_VALID (pts))
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

/* What was open ends where the flush came, and that goes out with the next
 * frame; a file that begins anew begins with its head. */
static gboolean
flush_stream (GstSthExport * self, GstEvent * event)
{
  gboolean done = gst_pad_push_event (self->srcpad, event);

  if (self->format && gst_sth_format_at_start (self->srcpad))
    begin_text (self);
  else
    end_text (self);
  self->seen = FALSE;
  self->caption = self->pts = self->end = GST_CLOCK_TIME_NONE;
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  return done;
}

static void
take_custom (GstSthExport * self, GstEvent * event)
{
  GstSthClassification value;

  if (self->exporter == NULL || self->captions
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
      self->caption = GST_CLOCK_TIME_NONE;
      return start_stream (self, event);
    case GST_EVENT_CAPS:
      return take_caps (self, event);
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      self->live = gst_sth_timing_is_live (self->sinkpad);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_event_has_name (event, GST_STH_CLASSIFICATION_META_NAME)) {
        take_custom (self, event);
        gst_event_unref (event);
        return TRUE;
      }
      break;
    case GST_EVENT_FLUSH_STOP:
      return flush_stream (self, event);
    case GST_EVENT_EOS:
      end_text (self);
      /* At `end` it would lie outside of a segment that stops there. */
      push_text (self, self->pts);
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
  self->format = NULL;
  g_string_truncate (self->text, 0);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  self->seen = FALSE;
  self->captions = FALSE;
  self->caption = GST_CLOCK_TIME_NONE;
  self->lost = FALSE;
  self->live = FALSE;
  self->pts = self->end = GST_CLOCK_TIME_NONE;
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
    case PROP_ON_ERROR:
      self->on_error = g_value_get_enum (value);
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
    case PROP_ON_ERROR:
      g_value_set_enum (value, self->on_error);
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
  GstCaps *caps = gst_sth_format_caps ();

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
  /**
   * GstSthExport:on-error:
   *
   * What becomes of the video when the text cannot be written. The sink that
   * fails posts an error message either way: an application that sets this to
   * continue has to tell that error from others by its source. Text is taken up
   * again when the element next goes to READY.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ON_ERROR,
      g_param_spec_enum ("on-error", "On error",
          "What to do when downstream fails (full disk, closed socket)",
          GST_TYPE_STH_EXPORT_ON_ERROR, DEFAULT_ON_ERROR,
          G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING |
          G_PARAM_STATIC_STRINGS));

  gst_element_class_set_static_metadata (element_class, "Action exporter",
      "Filter/Converter/Video", "Writes the actions that sthclassify "
      "recognised as JSON lines, CSV, subtitles or captions",
      "The gst-sth authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_sth_export_change_state);
  gst_type_mark_as_plugin_api (GST_TYPE_STH_EXPORT_EMIT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_STH_EXPORT_ON_ERROR, 0);
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
