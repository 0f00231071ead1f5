/* GStreamer: whether overlays are blended or left to downstream to render.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhcomposition.h"

#define COMPOSITION_FEATURE GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION

static GstStaticCaps blend_caps =
GST_STATIC_CAPS (GST_STH_COMPOSITION_BLEND_CAPS);

gboolean
gst_sth_composition_in_caps (const GstCaps * caps, guint index)
{
  GstCapsFeatures *features = gst_caps_get_features (caps, index);

  return features && !gst_caps_features_is_any (features)
      && gst_caps_features_contains (features, COMPOSITION_FEATURE);
}

/* @caps with the feature in each structure that lacks it. */
static GstCaps *
with_composition (const GstCaps * caps)
{
  GstCaps *out = gst_caps_copy (caps);
  guint i;

  for (i = 0; i < gst_caps_get_size (out); i++) {
    GstCapsFeatures *features = gst_caps_get_features (out, i);

    if (!gst_caps_features_is_any (features)
        && !gst_caps_features_contains (features, COMPOSITION_FEATURE))
      gst_caps_features_add (features, COMPOSITION_FEATURE);
  }
  return out;
}

/* @caps without the feature. */
static GstCaps *
without_composition (const GstCaps * caps)
{
  GstCaps *out = gst_caps_copy (caps);
  guint i;

  for (i = 0; i < gst_caps_get_size (out); i++)
    if (gst_sth_composition_in_caps (out, i))
      gst_caps_features_remove (gst_caps_get_features (out, i),
          COMPOSITION_FEATURE);
  return out;
}

static GstCaps *
only_blendable (const GstCaps * caps)
{
  GstCaps *blend = gst_static_caps_get (&blend_caps);
  GstCaps *out = gst_caps_intersect_full ((GstCaps *) caps, blend,
      GST_CAPS_INTERSECT_FIRST);

  gst_caps_unref (blend);
  return out;
}

GstCaps *
gst_sth_composition_transform_caps (const GstCaps * caps,
    GstPadDirection direction)
{
  GstCaps *out = gst_caps_new_empty ();
  guint i;

  for (i = 0; i < gst_caps_get_size (caps); i++) {
    GstCaps *one = gst_caps_copy_nth (caps, i);

    if (gst_sth_composition_in_caps (one, 0)) {
      gst_caps_append (out, gst_caps_ref (one));
      if (direction == GST_PAD_SRC)
        gst_caps_append (out, without_composition (one));
    } else {
      if (direction == GST_PAD_SINK)
        gst_caps_append (out, with_composition (one));
      gst_caps_append (out, only_blendable (one));
    }
    gst_caps_unref (one);
  }
  return gst_caps_simplify (out);
}

/* Accepting the feature in caps is not enough: queues, tees and sinks that
 * take anything do. Whoever renders compositions asks for the meta too. */
static gboolean
downstream_renders (GstPad * srcpad, GstCaps * caps)
{
  GstQuery *query;
  gboolean renders;

  /* Elements downstream answer an allocation query only with caps set. */
  if (!gst_pad_set_caps (srcpad, caps))
    return FALSE;
  query = gst_query_new_allocation (caps, FALSE);
  renders = gst_pad_peer_query (srcpad, query)
      && gst_query_find_allocation_meta (query,
      GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_query_unref (query);
  return renders;
}

static GstCaps *
first_structure (const GstCaps * caps, gboolean feature)
{
  guint i;

  for (i = 0; i < gst_caps_get_size (caps); i++)
    if (gst_sth_composition_in_caps (caps, i) == feature)
      return gst_caps_fixate (gst_caps_copy_nth (caps, i));
  return NULL;
}

GstCaps *
gst_sth_composition_choose (GstPad * srcpad, const GstCaps * caps,
    const GstCaps * othercaps)
{
  GstCaps *attached = first_structure (othercaps, TRUE);
  GstCaps *blended = first_structure (othercaps, FALSE);
  GstCaps *chosen;

  if (attached && (blended == NULL || gst_sth_composition_in_caps (caps, 0)
          || downstream_renders (srcpad, attached)))
    chosen = gst_caps_ref (attached);
  else
    chosen = blended ? gst_caps_ref (blended) : gst_caps_new_empty ();
  gst_clear_caps (&attached);
  gst_clear_caps (&blended);
  return chosen;
}

void
gst_sth_composition_attach (GstVideoOverlayComposition * composition,
    GstBuffer * buffer)
{
  GstVideoOverlayCompositionMeta *meta =
      gst_buffer_get_video_overlay_composition_meta (buffer);
  GstVideoOverlayComposition *merged;
  guint i;

  if (meta == NULL) {
    gst_buffer_add_video_overlay_composition_meta (buffer, composition);
    return;
  }
  merged = gst_video_overlay_composition_copy (meta->overlay);
  for (i = 0; i < gst_video_overlay_composition_n_rectangles (composition); i++)
    gst_video_overlay_composition_add_rectangle (merged,
        gst_video_overlay_composition_get_rectangle (composition, i));
  gst_video_overlay_composition_unref (meta->overlay);
  meta->overlay = merged;
}
