/* GStreamer: what a result looks like, before it is drawn.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gststhlabelrenderer.h"
#include "gststhmeta.h"

G_BEGIN_DECLS typedef enum
{
  GST_STH_OVERLAY_SHOW_LABEL = 1 << 0,
  GST_STH_OVERLAY_SHOW_BARS = 1 << 1,
  GST_STH_OVERLAY_SHOW_HISTORY = 1 << 2,
  GST_STH_OVERLAY_SHOW_TIME = 1 << 3,
  GST_STH_OVERLAY_SHOW_GUESSES = 1 << 4,
} GstSthOverlayShow;

/* What is to be shown of a result. */
typedef struct
{
  GstSthOverlayShow show;
  gdouble min_confidence;
  guint top_k;
} GstSthPanelChoice;

/* The latest results, oldest first, and the colours of their classes. All
 * zero: none. */
typedef struct
{
  guint n;
  GstSthPanelMark marks[GST_STH_PANEL_MAX_HISTORY];
  guint n_classes;              /* that had a colour so far */
  gint classes[GST_STH_PANEL_COLORS];   /* who has which now */
  gboolean seen;                /* a result: last_sequence is valid */
  guint64 last_sequence;
} GstSthPanelHistory;

/* What a result looks like follows from this and the choice: frames that carry
 * an equal one show what the frame before did. */
typedef struct
{
  guint64 sequence;
  GstClockTime window_start;
  gdouble confidence;
  gint label_id;
  guint n_top;
  guint age;                    /* as in GstSthPanel */
} GstSthPanelKey;

void gst_sth_panel_key (GstSthPanelKey * key,
    const GstSthClassification * result);
gboolean gst_sth_panel_key_equal (const GstSthPanelKey * a,
    const GstSthPanelKey * b);

/* Fills @panel with what @result looks like, and adds the result to @history
 * if it is not there. FALSE: nothing is to be shown. */
gboolean gst_sth_panel_fill (GstSthPanel * panel,
    const GstSthClassification * result, const GstSthPanelChoice * choice,
    GstSthPanelHistory * history);

G_END_DECLS
