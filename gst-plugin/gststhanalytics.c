/* GStreamer: results as the metadata that other elements know, by the
 * analytics library of GStreamer 1.24.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhanalytics.h"

#include <gst/analytics/analytics.h>

void
gst_sth_analytics_attach (const GstSthClassification * value,
    GstBuffer * buffer, gboolean region, guint width, guint height)
{
  GstAnalyticsRelationMeta *relations;
  GstAnalyticsClsMtd classification;
  GstAnalyticsODMtd detection;
  GQuark label;

  if (value->label == NULL)
    return;
  label = g_quark_from_string (value->label);
  relations = gst_buffer_get_analytics_relation_meta (buffer);
  if (relations == NULL)
    relations = gst_buffer_add_analytics_relation_meta (buffer);
  if (!gst_analytics_relation_meta_add_one_cls_mtd (relations,
          (gfloat) value->confidence, label, &classification) || !region)
    return;
  if (gst_analytics_relation_meta_add_od_mtd (relations, label, 0, 0, width,
          height, (gfloat) value->confidence, &detection))
    gst_analytics_relation_meta_set_relation (relations,
        GST_ANALYTICS_REL_TYPE_RELATE_TO, detection.id, classification.id);
}
