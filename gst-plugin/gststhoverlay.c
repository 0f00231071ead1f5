/* GStreamer: sthoverlay, draws what sthclassify recognised.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-sthoverlay
 * @title: sthoverlay
 * @see_also: sthclassify, sthexport
 *
 * Draws the results that sthclassify leaves on video buffers: the label and
 * its confidence, bars of the best classes, and on demand the time of the
 * window and a strip of the latest results. Each class has a colour, in the
 * order in which classes appear; the stripe and the strip show it.
 *
 * Size and margins follow the picture, from 160×120 to 4K, upright too, with
 * pixels of any shape. Labels are plain text in any script, in two lines at
 * most; for one that is read from the right the panel is mirrored. The panel
 * grows with long labels but does not shrink again, so that it stands still. A
 * result that grows old becomes fainter and says how old it is.
 *
 * Where downstream renders overlays itself (it says so in its caps and its
 * answer to the allocation query) the panel travels as
 * #GstVideoOverlayCompositionMeta and no pixel is touched; else it is blended
 * into the frames. Frames with nothing to show pass untouched.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! sthclassify ! sthoverlay ! videoconvert ! autovideosink
 * ]| Shows what a camera sees and what is recognised in it.
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! decodebin ! videoconvert ! sthclassify ! sthoverlay show=label+bars+history position=bottom-left ! videoconvert ! x264enc ! mp4mux ! filesink location=annotated.mp4
 * ]| Writes an annotated copy of a file.
 *
 * Since: 0.1
 */

#include "gststhoverlay.h"

#include <string.h>

#include "gststhcomposition.h"
#include "gststhpanel.h"

GST_DEBUG_CATEGORY_STATIC (gst_sth_overlay_debug);
#define GST_CAT_DEFAULT gst_sth_overlay_debug

#define DEFAULT_POSITION GST_STH_OVERLAY_POSITION_TOP_LEFT
#define DEFAULT_SHOW (GST_STH_OVERLAY_SHOW_LABEL | GST_STH_OVERLAY_SHOW_BARS)
#define DEFAULT_TEXT_COLOR 0xffffffff
#define DEFAULT_PANEL_COLOR 0xd20d1117
#define DEFAULT_ACCENT_COLOR 0
#define DEFAULT_OPACITY 1.0
#define DEFAULT_MIN_CONFIDENCE 0.0
#define DEFAULT_TOP_K 3

struct _GstSthOverlay
{
  GstBaseTransform parent;

  /* Properties, under the object lock. */
  GstSthPanelStyle style;
  GstSthPanelChoice choice;
  gboolean style_changed;

  /* Streaming thread. */
  GstVideoInfo info;
  gboolean attach;              /* downstream renders compositions */
  GstSthLabelRenderer *renderer;
  GstSthPanelStyle drawn_style; /* owns its font_desc */
  GstSthPanel panel;            /* what `composition` shows */
  GstVideoOverlayComposition *composition;      /* NULL: nothing */
  gboolean keyed;               /* `key` is that of the last result */
  GstSthPanelKey key;
  GstSthPanelHistory history;
};

enum
{
  PROP_0,
  PROP_POSITION,
  PROP_FONT_DESC,
  PROP_TEXT_COLOR,
  PROP_PANEL_COLOR,
  PROP_ACCENT_COLOR,
  PROP_OPACITY,
  PROP_SHOW,
  PROP_MIN_CONFIDENCE,
  PROP_TOP_K,
};

#define TEMPLATE_CAPS GST_STH_COMPOSITION_BLEND_CAPS "; " \
    GST_VIDEO_CAPS_MAKE_WITH_FEATURES ("ANY", GST_VIDEO_FORMATS_ALL)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (TEMPLATE_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (TEMPLATE_CAPS));

#define GST_TYPE_STH_OVERLAY_POSITION (gst_sth_overlay_position_get_type ())
static GType
gst_sth_overlay_position_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {GST_STH_OVERLAY_POSITION_TOP_LEFT, "Top left", "top-left"},
    {GST_STH_OVERLAY_POSITION_TOP, "Top", "top"},
    {GST_STH_OVERLAY_POSITION_TOP_RIGHT, "Top right", "top-right"},
    {GST_STH_OVERLAY_POSITION_BOTTOM_LEFT, "Bottom left", "bottom-left"},
    {GST_STH_OVERLAY_POSITION_BOTTOM, "Bottom", "bottom"},
    {GST_STH_OVERLAY_POSITION_BOTTOM_RIGHT, "Bottom right", "bottom-right"},
    {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstSthOverlayPosition", values));
  return type;
}

#define GST_TYPE_STH_OVERLAY_SHOW (gst_sth_overlay_show_get_type ())
static GType
gst_sth_overlay_show_get_type (void)
{
  static gsize type = 0;
  static const GFlagsValue values[] = {
    {GST_STH_OVERLAY_SHOW_LABEL, "Label and its confidence", "label"},
    {GST_STH_OVERLAY_SHOW_BARS, "Bars of the best classes", "bars"},
    {GST_STH_OVERLAY_SHOW_HISTORY, "Strip of the latest results", "history"},
    {GST_STH_OVERLAY_SHOW_TIME, "Time of the window", "time"},
    {GST_STH_OVERLAY_SHOW_GUESSES,
        "All of it also while nothing is recognised", "guesses"},
    {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_flags_register_static ("GstSthOverlayShow", values));
  return type;
}

#define gst_sth_overlay_parent_class parent_class
G_DEFINE_TYPE (GstSthOverlay, gst_sth_overlay, GST_TYPE_BASE_TRANSFORM);
GST_ELEMENT_REGISTER_DEFINE (sthoverlay, "sthoverlay", GST_RANK_NONE,
    GST_TYPE_STH_OVERLAY);

/* Whatever is shown next is drawn anew. */
static void
forget_drawing (GstSthOverlay * self)
{
  self->keyed = FALSE;
  memset (&self->panel, 0, sizeof (self->panel));
  g_clear_pointer (&self->composition, gst_video_overlay_composition_unref);
  if (self->renderer)
    gst_sth_label_renderer_reset (self->renderer);
}

/* --- Negotiation ------------------------------------------------------- */

static GstCaps *
gst_sth_overlay_transform_caps (GstBaseTransform * trans,
    GstPadDirection direction, GstCaps * caps, GstCaps * filter)
{
  GstCaps *out = gst_sth_composition_transform_caps (caps, direction);

  if (filter) {
    GstCaps *filtered =
        gst_caps_intersect_full (filter, out, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (out);
    out = filtered;
  }
  GST_DEBUG_OBJECT (trans, "%" GST_PTR_FORMAT " -> %" GST_PTR_FORMAT, caps,
      out);
  return out;
}

static GstCaps *
gst_sth_overlay_fixate_caps (GstBaseTransform * trans,
    GstPadDirection direction, GstCaps * caps, GstCaps * othercaps)
{
  GstSthOverlay *self = GST_STH_OVERLAY (trans);
  GstCaps *chosen;

  if (direction != GST_PAD_SINK)
    return gst_caps_fixate (othercaps);
  chosen = gst_sth_composition_choose (trans->srcpad, caps, othercaps);
  gst_caps_unref (othercaps);
  /* Caps that stay as they are do not come to set_caps. */
  self->attach = !gst_caps_is_empty (chosen)
      && gst_sth_composition_in_caps (chosen, 0);
  GST_DEBUG_OBJECT (self, "the overlay is %s: %" GST_PTR_FORMAT,
      self->attach ? "attached" : "blended", chosen);
  return chosen;
}

static gboolean
gst_sth_overlay_set_caps (GstBaseTransform * trans, GstCaps * incaps,
    GstCaps * outcaps)
{
  GstSthOverlay *self = GST_STH_OVERLAY (trans);

  self->attach = gst_sth_composition_in_caps (outcaps, 0);
  if (!gst_video_info_from_caps (&self->info, incaps)) {
    GST_ERROR_OBJECT (self, "no raw video: %" GST_PTR_FORMAT, incaps);
    return FALSE;
  }
  forget_drawing (self);
  return TRUE;
}

/* --- Drawing ----------------------------------------------------------- */

/* Takes over the properties. */
static void
take_style (GstSthOverlay * self, GstSthPanelChoice * choice)
{
  GST_OBJECT_LOCK (self);
  *choice = self->choice;
  if (self->style_changed) {
    g_free (self->drawn_style.font_desc);
    self->drawn_style = self->style;
    self->drawn_style.font_desc = g_strdup (self->style.font_desc);
    self->style_changed = FALSE;
    forget_drawing (self);
  }
  GST_OBJECT_UNLOCK (self);
}

/* Draws @result if it looks different from what was drawn last. */
static void
update_composition (GstSthOverlay * self, const GstSthClassification * result,
    const GstSthPanelChoice * choice)
{
  GstVideoOverlayRectangle *rectangle;
  GstSthPanel panel;

  if (!gst_sth_panel_fill (&panel, result, choice, &self->history)) {
    memset (&self->panel, 0, sizeof (self->panel));
    g_clear_pointer (&self->composition, gst_video_overlay_composition_unref);
    return;
  }
  if (memcmp (&panel, &self->panel, sizeof (panel)) == 0)
    return;
  self->panel = panel;
  g_clear_pointer (&self->composition, gst_video_overlay_composition_unref);
  rectangle = gst_sth_label_renderer_draw (self->renderer, &panel,
      &self->drawn_style, &self->info);
  if (rectangle == NULL)
    return;
  self->composition = gst_video_overlay_composition_new (rectangle);
  gst_video_overlay_rectangle_unref (rectangle);
}

static GstFlowReturn
gst_sth_overlay_generate_output (GstBaseTransform * trans, GstBuffer ** outbuf)
{
  GstSthOverlay *self = GST_STH_OVERLAY (trans);
  GstSthClassification result;
  GstSthPanelChoice choice;
  GstSthPanelKey key;
  GstVideoFrame frame;
  GstBuffer *buffer = trans->queued_buf;

  trans->queued_buf = NULL;
  *outbuf = buffer;
  if (buffer == NULL || !gst_sth_classification_from_buffer (buffer, &result))
    return GST_FLOW_OK;
  take_style (self, &choice);
  gst_sth_panel_key (&key, &result);
  if (!self->keyed || !gst_sth_panel_key_equal (&key, &self->key)) {
    update_composition (self, &result, &choice);
    self->key = key;
    self->keyed = TRUE;
  }
  if (self->composition == NULL)
    return GST_FLOW_OK;

  *outbuf = buffer = gst_buffer_make_writable (buffer);
  if (self->attach) {
    gst_sth_composition_attach (self->composition, buffer);
    return GST_FLOW_OK;
  }
  if (!gst_video_frame_map (&frame, &self->info, buffer, GST_MAP_READWRITE)) {
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("Cannot draw: the frame's memory cannot be mapped for writing."),
        ("%" GST_PTR_FORMAT, buffer));
    return GST_FLOW_OK;
  }
  gst_video_overlay_composition_blend (self->composition, &frame);
  gst_video_frame_unmap (&frame);
  return GST_FLOW_OK;
}

/* --- Element ----------------------------------------------------------- */

static gboolean
gst_sth_overlay_sink_event (GstBaseTransform * trans, GstEvent * event)
{
  GstEventType type = GST_EVENT_TYPE (event);

  if (type == GST_EVENT_FLUSH_STOP || type == GST_EVENT_STREAM_START) {
    GST_STH_OVERLAY (trans)->history = (GstSthPanelHistory) {
    0};
    GST_STH_OVERLAY (trans)->keyed = FALSE;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

static gboolean
gst_sth_overlay_start (GstBaseTransform * trans)
{
  GstSthOverlay *self = GST_STH_OVERLAY (trans);

  self->renderer = gst_sth_label_renderer_new ();
  self->style_changed = TRUE;
  self->history = (GstSthPanelHistory) {
  0};
  return TRUE;
}

static gboolean
gst_sth_overlay_stop (GstBaseTransform * trans)
{
  GstSthOverlay *self = GST_STH_OVERLAY (trans);

  g_clear_pointer (&self->renderer, gst_sth_label_renderer_free);
  forget_drawing (self);
  return TRUE;
}

static void
gst_sth_overlay_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstSthOverlay *self = GST_STH_OVERLAY (object);

  GST_OBJECT_LOCK (self);
  self->style_changed = TRUE;
  switch (id) {
    case PROP_POSITION:
      self->style.position = g_value_get_enum (value);
      break;
    case PROP_FONT_DESC:
      g_free (self->style.font_desc);
      self->style.font_desc = g_value_dup_string (value);
      break;
    case PROP_TEXT_COLOR:
      self->style.text_color = g_value_get_uint (value);
      break;
    case PROP_PANEL_COLOR:
      self->style.panel_color = g_value_get_uint (value);
      break;
    case PROP_ACCENT_COLOR:
      self->style.accent_color = g_value_get_uint (value);
      break;
    case PROP_OPACITY:
      self->style.opacity = g_value_get_double (value);
      break;
    case PROP_SHOW:
      self->choice.show = g_value_get_flags (value);
      break;
    case PROP_MIN_CONFIDENCE:
      self->choice.min_confidence = g_value_get_double (value);
      break;
    case PROP_TOP_K:
      self->choice.top_k = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sth_overlay_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstSthOverlay *self = GST_STH_OVERLAY (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_POSITION:
      g_value_set_enum (value, self->style.position);
      break;
    case PROP_FONT_DESC:
      g_value_set_string (value, self->style.font_desc);
      break;
    case PROP_TEXT_COLOR:
      g_value_set_uint (value, self->style.text_color);
      break;
    case PROP_PANEL_COLOR:
      g_value_set_uint (value, self->style.panel_color);
      break;
    case PROP_ACCENT_COLOR:
      g_value_set_uint (value, self->style.accent_color);
      break;
    case PROP_OPACITY:
      g_value_set_double (value, self->style.opacity);
      break;
    case PROP_SHOW:
      g_value_set_flags (value, self->choice.show);
      break;
    case PROP_MIN_CONFIDENCE:
      g_value_set_double (value, self->choice.min_confidence);
      break;
    case PROP_TOP_K:
      g_value_set_uint (value, self->choice.top_k);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sth_overlay_finalize (GObject * object)
{
  GstSthOverlay *self = GST_STH_OVERLAY (object);

  g_free (self->style.font_desc);
  g_free (self->drawn_style.font_desc);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
install_color (GObjectClass * class, guint id, const gchar * name,
    const gchar * nick, const gchar * blurb, guint value)
{
  g_object_class_install_property (class, id,
      g_param_spec_uint (name, nick, blurb, 0, G_MAXUINT32, value,
          G_PARAM_READWRITE |
          GST_PARAM_MUTABLE_PLAYING | G_PARAM_STATIC_STRINGS));
}

static void
install_colors (GObjectClass * class)
{
  /**
   * GstSthOverlay:text-color:
   *
   * Since: 0.1
   */
  install_color (class, PROP_TEXT_COLOR, "text-color", "Text colour",
      "Colour of text, 0xAARRGGBB", DEFAULT_TEXT_COLOR);
  /**
   * GstSthOverlay:panel-color:
   *
   * Since: 0.1
   */
  install_color (class, PROP_PANEL_COLOR, "panel-color", "Panel colour",
      "Colour of the panel behind the text, 0xAARRGGBB", DEFAULT_PANEL_COLOR);
  /**
   * GstSthOverlay:accent-color:
   *
   * Since: 0.1
   */
  install_color (class, PROP_ACCENT_COLOR, "accent-color", "Accent colour",
      "Colour of the stripe, the bar and the percentage, 0xAARRGGBB (0 = a "
      "colour for each class, that of the history)", DEFAULT_ACCENT_COLOR);
}

static void
install_properties (GObjectClass * class)
{
  GParamFlags flags = G_PARAM_READWRITE |
      GST_PARAM_MUTABLE_PLAYING | G_PARAM_STATIC_STRINGS;

  /**
   * GstSthOverlay:position:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_POSITION,
      g_param_spec_enum ("position", "Position", "Place of the panel",
          GST_TYPE_STH_OVERLAY_POSITION, DEFAULT_POSITION, flags));
  /**
   * GstSthOverlay:font-desc:
   *
   * Family, style and size as Pango reads them, such as "Inter, Sans Semi-Bold".
   * Without a size the text follows the height of the picture; with one, it is
   * the title's height in lines of the picture.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_FONT_DESC,
      g_param_spec_string ("font-desc", "Font description",
          "Pango font description; a size is that of the title in lines of the "
          "picture (default: Sans, size after the height of the picture)",
          NULL, flags));
  /**
   * GstSthOverlay:opacity:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_OPACITY,
      g_param_spec_double ("opacity", "Opacity",
          "Opacity of the whole panel", 0, 1, DEFAULT_OPACITY, flags));
  /**
   * GstSthOverlay:show:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_SHOW,
      g_param_spec_flags ("show", "Show", "What is drawn",
          GST_TYPE_STH_OVERLAY_SHOW, DEFAULT_SHOW, flags));
  /**
   * GstSthOverlay:min-confidence:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_MIN_CONFIDENCE,
      g_param_spec_double ("min-confidence", "Minimal confidence",
          "Labels below this are not shown, in addition to what sthclassify's "
          "threshold leaves out", 0, 1, DEFAULT_MIN_CONFIDENCE, flags));
  /**
   * GstSthOverlay:top-k:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_TOP_K,
      g_param_spec_uint ("top-k", "Top k",
          "Most bars; no more than sthclassify's top-k are there to show", 1,
          GST_STH_PANEL_MAX_ROWS, DEFAULT_TOP_K, flags));
}

static void
gst_sth_overlay_class_init (GstSthOverlayClass * class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (gst_sth_overlay_debug, "sthoverlay", 0,
      "Draws recognised actions");
  object_class->set_property = gst_sth_overlay_set_property;
  object_class->get_property = gst_sth_overlay_get_property;
  object_class->finalize = gst_sth_overlay_finalize;
  install_properties (object_class);
  install_colors (object_class);

  gst_element_class_set_static_metadata (element_class,
      "Action overlay", "Filter/Editor/Video/Overlay",
      "Draws the actions that sthclassify recognised", "The gst-sth authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_type_mark_as_plugin_api (GST_TYPE_STH_OVERLAY_POSITION, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_STH_OVERLAY_SHOW, 0);

  transform_class->start = gst_sth_overlay_start;
  transform_class->stop = gst_sth_overlay_stop;
  transform_class->transform_caps = gst_sth_overlay_transform_caps;
  transform_class->fixate_caps = gst_sth_overlay_fixate_caps;
  transform_class->set_caps = gst_sth_overlay_set_caps;
  transform_class->sink_event = gst_sth_overlay_sink_event;
  transform_class->generate_output = gst_sth_overlay_generate_output;
  gst_sth_classification_register ();
}

static void
gst_sth_overlay_init (GstSthOverlay * self)
{
  self->style.position = DEFAULT_POSITION;
  self->style.text_color = DEFAULT_TEXT_COLOR;
  self->style.panel_color = DEFAULT_PANEL_COLOR;
  self->style.accent_color = DEFAULT_ACCENT_COLOR;
  self->style.opacity = DEFAULT_OPACITY;
  self->choice.show = DEFAULT_SHOW;
  self->choice.min_confidence = DEFAULT_MIN_CONFIDENCE;
  self->choice.top_k = DEFAULT_TOP_K;
  /* Allocation is between upstream and downstream; what little happens to
   * buffers is in generate_output. */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), TRUE);
}
