/* GStreamer: results as the metadata that other elements know.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gststhmeta.h"

G_BEGIN_DECLS
/* Adds to the writable @buffer what GStreamer itself has for a recognised
 * label: built against GStreamer 1.24 or newer a GstAnalyticsClsMtd of length
 * 1, and a full-frame GstAnalyticsODMtd related to it if @region; built against
 * an older one a full-frame GstVideoRegionOfInterestMeta if @region. Nothing
 * where no label is recognised. @width, @height: of the frame. */
void gst_sth_analytics_attach (const GstSthClassification * value,
    GstBuffer * buffer, gboolean region, guint width, guint height);

G_END_DECLS
