/* GStreamer: text and shapes of the overlay, with Pango and Cairo.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhcanvas.h"

#include <math.h>

void
gst_sth_canvas_init (GstSthCanvas * self)
{
  PangoFontMap *map = pango_cairo_font_map_new ();
  cairo_font_options_t *options = cairo_font_options_create ();

  *self = (GstSthCanvas) {
  .context = pango_font_map_create_context (map)};
  g_object_unref (map);
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style (options, CAIRO_HINT_STYLE_SLIGHT);
  /* Letters that overlap are drawn on a surface that is as tall as the metrics
   * say: those without hints, and baselines between two pixels, would cut hinted
   * letters off. */
  cairo_font_options_set_hint_metrics (options, CAIRO_HINT_METRICS_ON);
  pango_cairo_context_set_font_options (self->context, options);
  pango_context_set_round_glyph_positions (self->context, FALSE);
  cairo_font_options_destroy (options);
  self->layout = pango_layout_new (self->context);
  pango_layout_set_single_paragraph_mode (self->layout, TRUE);
  pango_layout_set_wrap (self->layout, PANGO_WRAP_WORD_CHAR);
}

void
gst_sth_canvas_clear (GstSthCanvas * self)
{
  g_clear_pointer (&self->font, pango_font_description_free);
  g_clear_object (&self->layout);
  g_clear_object (&self->context);
}

gdouble
gst_sth_canvas_set_text (GstSthCanvas * self, const gchar * text, gdouble size,
    PangoWeight weight, gdouble max_width, gint max_lines)
{
  PangoFontDescription *font = pango_font_description_copy (self->font);
  PangoRectangle logical;

  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  if (weight != PANGO_WEIGHT_NORMAL)
    pango_font_description_set_weight (font, weight);
  pango_layout_set_font_description (self->layout, font);
  pango_font_description_free (font);
  pango_layout_set_text (self->layout, text, -1);
  pango_layout_set_ellipsize (self->layout,
      max_width > 0 ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
  pango_layout_set_width (self->layout,
      max_width > 0 ? (gint) ceil (max_width * PANGO_SCALE) : -1);
  pango_layout_set_height (self->layout, -max_lines);
  pango_layout_get_extents (self->layout, NULL, &logical);
  return (gdouble) logical.width / PANGO_SCALE;
}

gdouble
gst_sth_canvas_text_drop (GstSthCanvas * self)
{
  PangoLayoutIter *iter = pango_layout_get_iter (self->layout);
  gint first = pango_layout_iter_get_baseline (iter);
  gint last;

  while (pango_layout_iter_next_line (iter));
  last = pango_layout_iter_get_baseline (iter);
  pango_layout_iter_free (iter);
  return (gdouble) (last - first) / PANGO_SCALE;
}

gboolean
gst_sth_canvas_is_rtl (GstSthCanvas * self, const gchar * text)
{
  pango_layout_set_text (self->layout, text, -1);
  return pango_layout_get_direction (self->layout, 0) == PANGO_DIRECTION_RTL;
}

void
gst_sth_canvas_show_text (GstSthCanvas * self, gdouble x, gdouble y,
    gdouble align)
{
  PangoRectangle logical;

  if (self->mirror) {
    x = self->width - x;
    align = 1 - align;
  }
  /* A line of a script that is read from the right lies at the right of the
   * width that it may take: the edge counts where the letters are. Hinted
   * letters stand on whole pixels. */
  pango_layout_get_extents (self->layout, NULL, &logical);
  cairo_move_to (self->cr,
      x - (logical.x + align * logical.width) / PANGO_SCALE,
      round (y) -
      (gdouble) pango_layout_get_baseline (self->layout) / PANGO_SCALE);
  pango_cairo_show_layout (self->cr, self->layout);
}

void
gst_sth_canvas_set_color (GstSthCanvas * self, guint32 argb, gdouble alpha)
{
  cairo_set_source_rgba (self->cr, ((argb >> 16) & 0xff) / 255.,
      ((argb >> 8) & 0xff) / 255., (argb & 0xff) / 255.,
      (argb >> 24) / 255. * alpha);
}

void
gst_sth_canvas_box (GstSthCanvas * self, gdouble x, gdouble y, gdouble width,
    gdouble height, gdouble radius)
{
  cairo_t *cr = self->cr;

  if (self->mirror)
    x = self->width - x - width;
  radius = MIN (radius, MIN (width, height) / 2);
  cairo_new_sub_path (cr);
  cairo_arc (cr, x + width - radius, y + radius, radius, -(G_PI / 2), 0);
  cairo_arc (cr, x + width - radius, y + height - radius, radius, 0,
      (G_PI / 2));
  cairo_arc (cr, x + radius, y + height - radius, radius, (G_PI / 2), G_PI);
  cairo_arc (cr, x + radius, y + radius, radius, G_PI, 1.5 * G_PI);
  cairo_close_path (cr);
}
