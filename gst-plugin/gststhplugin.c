/* GStreamer: the plugin.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhclassify.h"
#include "gststhexport.h"
#include "gststhoverlay.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  gboolean ok = GST_ELEMENT_REGISTER (sthclassify, plugin);

  ok |= GST_ELEMENT_REGISTER (sthoverlay, plugin);
  ok |= GST_ELEMENT_REGISTER (sthexport, plugin);
  return ok;
}

#define PACKAGE "gst-sth"       /* source module */
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, sth,
    "Recognises actions in video with Spatio-Temporal Hybrid networks",
    plugin_init, STH_VERSION, "LGPL", STH_PACKAGE_NAME, STH_PACKAGE_ORIGIN)
