/* GStreamer: which text is written: results or events, in which format, and
 * what if it cannot be.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhformat.h"

#define DEFAULT_FORMAT "ndjson"

GType
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

GType
gst_sth_export_on_error_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {GST_STH_EXPORT_ON_ERROR_STOP, "Stop, as any element does", "stop"},
    {GST_STH_EXPORT_ON_ERROR_CONTINUE,
        "Warn once, and let the video go on without text", "continue"},
    {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstSthExportOnError", values));
  return type;
}

GstCaps *
gst_sth_format_caps (void)
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

const SthExportFormat *
gst_sth_format_choose (GstPad * srcpad, GstCaps ** caps)
{
  GstCaps *formats = gst_pad_get_pad_template_caps (srcpad);
  GstCaps *peer = gst_pad_peer_query_caps (srcpad, NULL);
  const SthExportFormat *format = NULL;

  if (gst_caps_is_any (peer))
    *caps = gst_caps_ref (formats);
  else
    *caps = gst_caps_intersect_full (peer, formats, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (peer);
  gst_caps_unref (formats);
  if (!gst_caps_is_empty (*caps)) {
    *caps = gst_caps_fixate (*caps);
    format = format_of (*caps);
  }
  if (format == NULL)
    gst_clear_caps (caps);
  return format;
}

gboolean
gst_sth_format_at_start (GstPad * srcpad)
{
  gint64 at;

  return gst_pad_peer_query_position (srcpad, GST_FORMAT_BYTES, &at) && at == 0;
}
