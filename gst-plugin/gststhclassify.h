/* GStreamer: sthclassify, recognises actions in video.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS
#define GST_TYPE_STH_CLASSIFY (gst_sth_classify_get_type ())
G_DECLARE_FINAL_TYPE (GstSthClassify, gst_sth_classify, GST, STH_CLASSIFY,
    GstBaseTransform)
GST_ELEMENT_REGISTER_DECLARE (sthclassify);

G_END_DECLS
