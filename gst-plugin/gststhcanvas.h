/* GStreamer: text and shapes of the overlay, with Pango and Cairo.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lengths are lines of the picture, in square units; Cairo's matrix turns them
 * into pixels of any aspect ratio. Everything is told for a panel that is read
 * from the left; for a script that is read from the right the canvas mirrors
 * places, never the letters. */
#pragma once

#include <pango/pangocairo.h>

G_BEGIN_DECLS typedef struct
{
  PangoContext *context;
  PangoLayout *layout;
  PangoFontDescription *font;   /* of all text; NULL: none yet */
  cairo_t *cr;                  /* NULL while only measuring */
  gdouble width;                /* of the panel, about which it mirrors */
  gboolean mirror;
} GstSthCanvas;

void gst_sth_canvas_init (GstSthCanvas * self);
void gst_sth_canvas_clear (GstSthCanvas * self);

/* Puts plain @text into the layout, its letters @size high, in @max_lines lines
 * at most that are no wider than @max_width (0: one line, any width); what does
 * not fit ends in an ellipsis. Returns: its width. */
gdouble gst_sth_canvas_set_text (GstSthCanvas * self, const gchar * text,
    gdouble size, PangoWeight weight, gdouble max_width, gint max_lines);
/* From the baseline of the first line to that of the last; 0 for one line. */
gdouble gst_sth_canvas_text_drop (GstSthCanvas * self);
/* Whether @text is read from the right. Uses the layout. */
gboolean gst_sth_canvas_is_rtl (GstSthCanvas * self, const gchar * text);
/* Draws what is in the layout: the first baseline at @y; @align 0 puts the edge where reading
 * begins at @x, 1 the other one. */
void gst_sth_canvas_show_text (GstSthCanvas * self, gdouble x, gdouble y,
    gdouble align);

/* @argb: 0xAARRGGBB, of which @alpha. */
void gst_sth_canvas_set_color (GstSthCanvas * self, guint32 argb,
    gdouble alpha);
/* Adds a box with round corners to the path. */
void gst_sth_canvas_box (GstSthCanvas * self, gdouble x, gdouble y,
    gdouble width, gdouble height, gdouble radius);

G_END_DECLS
