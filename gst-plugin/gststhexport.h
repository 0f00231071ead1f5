/* GStreamer: sthexport, writes what sthclassify recognised as text.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS
#define GST_TYPE_STH_EXPORT (gst_sth_export_get_type ())
G_DECLARE_FINAL_TYPE (GstSthExport, gst_sth_export, GST, STH_EXPORT, GstElement)
GST_ELEMENT_REGISTER_DECLARE (sthexport);

G_END_DECLS
