/* GStreamer: sthoverlay, draws what sthclassify recognised.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

G_BEGIN_DECLS
#define GST_TYPE_STH_OVERLAY (gst_sth_overlay_get_type ())
G_DECLARE_FINAL_TYPE (GstSthOverlay, gst_sth_overlay, GST, STH_OVERLAY,
    GstBaseTransform)
GST_ELEMENT_REGISTER_DECLARE (sthoverlay);

G_END_DECLS
