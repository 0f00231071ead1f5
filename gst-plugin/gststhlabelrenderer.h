/* GStreamer: draws a result as a panel, with Pango and Cairo.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS
#define GST_STH_PANEL_MAX_ROWS 16
#define GST_STH_PANEL_MAX_HISTORY 48
#define GST_STH_PANEL_LABEL_SIZE 128
/* Steps of the panel's visibility: a fresh result has all of them. */
#define GST_STH_PANEL_STEPS 5
    typedef enum
{
  GST_STH_OVERLAY_POSITION_TOP_LEFT,
  GST_STH_OVERLAY_POSITION_TOP,
  GST_STH_OVERLAY_POSITION_TOP_RIGHT,
  GST_STH_OVERLAY_POSITION_BOTTOM_LEFT,
  GST_STH_OVERLAY_POSITION_BOTTOM,
  GST_STH_OVERLAY_POSITION_BOTTOM_RIGHT,
} GstSthOverlayPosition;

typedef struct
{
  gchar label[GST_STH_PANEL_LABEL_SIZE];        /* UTF-8, plain text */
  guint percent;                /* 0…100 */
} GstSthPanelRow;

typedef struct
{
  guint percent;                /* of the best class; 0: nothing recognised */
  guint color;                  /* of the class, an index into a palette */
} GstSthPanelMark;

/* What can be seen, rounded to what the eye tells apart: a panel that is equal
 * to the last one, byte by byte, is not drawn again. Set unused bytes to 0. */
typedef struct
{
  gchar title[GST_STH_PANEL_LABEL_SIZE];        /* "": no title */
  gint percent;                 /* beside the title, 0…100; -1: none */
  gchar time[32];               /* "": none */
  guint n_rows;
  GstSthPanelRow rows[GST_STH_PANEL_MAX_ROWS];
  guint n_history;              /* newest last */
  GstSthPanelMark history[GST_STH_PANEL_MAX_HISTORY];
  guint step;                   /* 0 (old, dim) … GST_STH_PANEL_STEPS - 1 */
} GstSthPanel;

typedef struct
{
  GstSthOverlayPosition position;
  gchar *font_desc;             /* owned by the style's owner; NULL: default */
  guint text_color, panel_color, accent_color;  /* 0xAARRGGBB */
  gdouble opacity;              /* of everything, 0…1 */
} GstSthPanelStyle;

typedef struct _GstSthLabelRenderer GstSthLabelRenderer;

/* A renderer belongs to one thread at a time. */
GstSthLabelRenderer *gst_sth_label_renderer_new (void);
void gst_sth_label_renderer_free (GstSthLabelRenderer * renderer);

/* Draws @panel for video of @info's size and pixel aspect ratio. Lines that do
 * not fit into half of the picture's height are left out: rows from the
 * last, then history, then time. Returns: (transfer full): a rectangle in the
 * place where it belongs, NULL for video that is too small for a line of
 * text. */
GstVideoOverlayRectangle *gst_sth_label_renderer_draw (GstSthLabelRenderer *
    renderer, const GstSthPanel * panel, const GstSthPanelStyle * style,
    const GstVideoInfo * info);

/* Index into the palette for class @id. */
guint gst_sth_label_renderer_color_of (gint id);

G_END_DECLS
