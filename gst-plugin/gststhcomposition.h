/* GStreamer: whether overlays are blended or left to downstream to render.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS
/* What GStreamer can blend overlays into. */
#define GST_STH_COMPOSITION_BLEND_CAPS \
    GST_VIDEO_CAPS_MAKE (GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS)
/* TRUE: in structure @index of @caps, compositions travel as metadata. */
    gboolean gst_sth_composition_in_caps (const GstCaps * caps, guint index);

/* What caps on the other side of an overlay element can be. From sink to
 * source, a format may gain the feature, or stay as it is if its pixels can be
 * blended or it has the feature already. From source to sink the other way
 * round. Returns: (transfer full). */
GstCaps *gst_sth_composition_transform_caps (const GstCaps * caps,
    GstPadDirection direction);

/* Chooses source caps among @othercaps for the sink caps @caps: with the
 * feature if upstream has it, pixels cannot be blended, or downstream renders
 * compositions. Asks downstream, for which it sets caps on @srcpad. Returns:
 * (transfer full): fixed caps, or empty ones. */
GstCaps *gst_sth_composition_choose (GstPad * srcpad, const GstCaps * caps,
    const GstCaps * othercaps);

/* Adds @composition to the writable @buffer, to what an element upstream may
 * have left there. */
void gst_sth_composition_attach (GstVideoOverlayComposition * composition,
    GstBuffer * buffer);

G_END_DECLS
