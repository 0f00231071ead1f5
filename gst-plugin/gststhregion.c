/* GStreamer: results as the metadata that other elements know, without the
 * analytics library of GStreamer 1.24.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/video/video.h>

#include "gststhanalytics.h"

void
gst_sth_analytics_attach (const GstSthClassification * value,
    GstBuffer * buffer, gboolean region, guint width, guint height)
{
  GstVideoRegionOfInterestMeta *meta;

  if (!region || value->label == NULL)
    return;
  meta = gst_buffer_add_video_region_of_interest_meta (buffer, value->label, 0,
      0, width, height);
  gst_video_region_of_interest_meta_add_param (meta,
      gst_structure_new ("classification",
          "label", G_TYPE_STRING, value->label,
          "label-id", G_TYPE_INT, value->label_id,
          "confidence", G_TYPE_DOUBLE, value->confidence, NULL));
}
