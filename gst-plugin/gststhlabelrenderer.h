/* GStreamer: draws a result as a panel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS
#define GST_STH_PANEL_MAX_ROWS 16
#define GST_STH_PANEL_MAX_HISTORY 48
#define GST_STH_PANEL_LABEL_SIZE 256
#define GST_STH_PANEL_COLORS 8
/* Steps of the panel's freshness: a fresh result has all of them. */
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
  gint color;                   /* of the title's class; -1: none */
  gint percent;                 /* beside the title, 0…100; -1: none */
  gboolean bar;                 /* the same as a bar under the title */
  guint age;                    /* s; 0: too young to tell */
  guint step;                   /* 0 (old, faint) … GST_STH_PANEL_STEPS - 1 */
  guint n_rows;
  GstSthPanelRow rows[GST_STH_PANEL_MAX_ROWS];
  guint n_history;              /* newest last */
  GstSthPanelMark history[GST_STH_PANEL_MAX_HISTORY];
  gchar time[32];               /* "": none */
} GstSthPanel;

typedef struct
{
  GstSthOverlayPosition position;
  gchar *font_desc;             /* owned by the style's owner; NULL: default */
  guint text_color, panel_color;        /* 0xAARRGGBB */
  guint accent_color;           /* the same; 0: a colour for each class */
  gdouble opacity;              /* of everything, 0…1 */
} GstSthPanelStyle;

typedef struct _GstSthLabelRenderer GstSthLabelRenderer;

/* A renderer belongs to one thread at a time. */
GstSthLabelRenderer *gst_sth_label_renderer_new (void);
void gst_sth_label_renderer_free (GstSthLabelRenderer * renderer);

/* A panel grows with the longest label and does not shrink again, so that it
 * stands still. Call this where it may: another style, another picture. */
void gst_sth_label_renderer_reset (GstSthLabelRenderer * renderer);

/* Draws @panel for video of @info's size and pixel aspect ratio. Lines that do
 * not fit into half of the picture's height are left out: rows from the
 * last, then history, then time. Returns: (transfer full): a rectangle in the
 * place where it belongs, NULL for video that is too small for a line of
 * text. */
GstVideoOverlayRectangle *gst_sth_label_renderer_draw (GstSthLabelRenderer *
    renderer, const GstSthPanel * panel, const GstSthPanelStyle * style,
    const GstVideoInfo * info);

G_END_DECLS
