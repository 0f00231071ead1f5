/* GStreamer: draws a result as a panel, with Pango and Cairo.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   +--------------------------------------+
 *   | Good morning                    87 % |   title, percentage
 *   | 0:12.3 – 0:13.3                      |   time of the window
 *   | Good morning  ██████████████▌     87 |   rows: label, bar, percentage
 *   | Thank you     █▊                   9 |
 *   | ▁▂▅▇▇▇▆▁▁▁▃▅▇                        |   history, newest right
 *   +--------------------------------------+
 *
 * Everything is measured in em, the height of the title's text, which follows
 * the height of the picture. Drawing happens in square units of one line of
 * the picture; Cairo's matrix turns them into pixels of any aspect ratio. */

#include "gststhlabelrenderer.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

/* em as a part of the picture's height, and its bounds in lines: text under
 * 11 lines cannot be read. */
#define EM_OF_HEIGHT (1. / 24)
#define EM_MIN 11.
/* All lengths below are in em. */
#define MARGIN 0.8
#define PADDING_X 0.8
#define PADDING_Y 0.6
#define RADIUS 0.5
#define ROW_TEXT 0.62
#define ROW_PITCH 1.0
#define BAR_HEIGHT 0.30
#define BAR_WIDTH 5.
#define GAP 0.5
#define TITLE_PITCH 1.45
#define TIME_PITCH 0.95
#define TIME_TEXT 0.56
#define SECTION_GAP 0.3
#define HISTORY_HEIGHT 1.1
#define LABEL_MAX 9.
#define TITLE_MAX 14.

struct _GstSthLabelRenderer
{
  PangoContext *context;
  PangoLayout *layout;
};

/* Where things go, in lines of the picture. */
typedef struct
{
  gdouble em;
  gdouble width, height;        /* of the panel */
  gdouble inner;                /* width less the padding */
  gdouble label_width, percent_width;
  guint n_rows;
  gboolean time, history;
  PangoFontDescription *font;
} Geometry;

/* Colours of the history's classes: apart in hue and like in lightness. */
static const guint32 palette[] = {
  0x4cc9f0, 0xf9a03f, 0x80ed99, 0xf472b6, 0xc4b5fd, 0xfde047, 0xfb7185,
  0x5eead4
};

guint
gst_sth_label_renderer_color_of (gint id)
{
  return (guint) MAX (id, 0) % G_N_ELEMENTS (palette);
}

GstSthLabelRenderer *
gst_sth_label_renderer_new (void)
{
  GstSthLabelRenderer *self = g_new0 (GstSthLabelRenderer, 1);
  PangoFontMap *map = pango_cairo_font_map_new ();
  cairo_font_options_t *options = cairo_font_options_create ();

  self->context = pango_font_map_create_context (map);
  g_object_unref (map);
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style (options, CAIRO_HINT_STYLE_SLIGHT);
  cairo_font_options_set_hint_metrics (options, CAIRO_HINT_METRICS_OFF);
  pango_cairo_context_set_font_options (self->context, options);
  pango_context_set_round_glyph_positions (self->context, FALSE);
  cairo_font_options_destroy (options);
  self->layout = pango_layout_new (self->context);
  pango_layout_set_single_paragraph_mode (self->layout, TRUE);
  return self;
}

void
gst_sth_label_renderer_free (GstSthLabelRenderer * self)
{
  if (self == NULL)
    return;
  g_object_unref (self->layout);
  g_object_unref (self->context);
  g_free (self);
}

/* Puts @text into the layout at @size lines, no wider than @width (0: any).
 * Returns its width. */
static gdouble
set_text (GstSthLabelRenderer * self, const Geometry * g, const gchar * text,
    gdouble size, PangoWeight weight, gdouble width)
{
  PangoFontDescription *font = pango_font_description_copy (g->font);
  PangoRectangle logical;

  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  if (weight != PANGO_WEIGHT_NORMAL)
    pango_font_description_set_weight (font, weight);
  pango_layout_set_font_description (self->layout, font);
  pango_font_description_free (font);
  pango_layout_set_text (self->layout, text, -1);
  pango_layout_set_ellipsize (self->layout,
      width > 0 ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
  pango_layout_set_width (self->layout,
      width > 0 ? (gint) ceil (width * PANGO_SCALE) : -1);
  pango_layout_get_extents (self->layout, NULL, &logical);
  return (gdouble) logical.width / PANGO_SCALE;
}

/* Shows the layout with the middle of its line at @y. @align: 0 puts its left
 * edge at @x, 1 its right edge. */
static void
show_text (GstSthLabelRenderer * self, cairo_t * cr, gdouble x, gdouble y,
    gdouble align)
{
  PangoRectangle logical;

  pango_layout_get_extents (self->layout, NULL, &logical);
  cairo_move_to (cr, x - align * logical.width / PANGO_SCALE,
      y - logical.height / (2. * PANGO_SCALE));
  pango_cairo_show_layout (cr, self->layout);
}

static void
set_color (cairo_t * cr, guint32 argb, gdouble alpha)
{
  cairo_set_source_rgba (cr, ((argb >> 16) & 0xff) / 255.,
      ((argb >> 8) & 0xff) / 255., (argb & 0xff) / 255.,
      (argb >> 24) / 255. * alpha);
}

static void
rounded (cairo_t * cr, gdouble x, gdouble y, gdouble width, gdouble height,
    gdouble radius)
{
  radius = MIN (radius, MIN (width, height) / 2);
  cairo_new_sub_path (cr);
  cairo_arc (cr, x + width - radius, y + radius, radius, -(G_PI / 2), 0);
  cairo_arc (cr, x + width - radius, y + height - radius, radius, 0,
      (G_PI / 2));
  cairo_arc (cr, x + radius, y + height - radius, radius, (G_PI / 2), G_PI);
  cairo_arc (cr, x + radius, y + radius, radius, G_PI, 1.5 * G_PI);
  cairo_close_path (cr);
}

static gdouble
panel_height (const Geometry * g, const GstSthPanel * panel)
{
  gdouble height = 2 * PADDING_Y;

  if (panel->title[0])
    height += TITLE_PITCH;
  if (g->time)
    height += TIME_PITCH;
  if (g->n_rows)
    height += g->n_rows * ROW_PITCH + (height > 2 * PADDING_Y) * SECTION_GAP;
  if (g->history)
    height += HISTORY_HEIGHT + (height > 2 * PADDING_Y) * SECTION_GAP;
  return height * g->em;
}

/* Leaves out lines until the panel fits into @room lines of the picture. */
static gboolean
fit_height (Geometry * g, const GstSthPanel * panel, gdouble room)
{
  while ((g->height = panel_height (g, panel)) > room) {
    if (g->n_rows > 1 || (g->n_rows == 1 && panel->title[0]))
      g->n_rows--;
    else if (g->history)
      g->history = FALSE;
    else if (g->time)
      g->time = FALSE;
    else
      return g->height <= 2 * room;
  }
  return TRUE;
}

static gboolean
lay_out (GstSthLabelRenderer * self, Geometry * g, const GstSthPanel * panel,
    const GstSthPanelStyle * style, gdouble width, gdouble height)
{
  gdouble room, label_max, needed = 0;
  gint size;
  guint i;

  g->font = pango_font_description_from_string (style->font_desc ?
      style->font_desc : "Sans");
  size = pango_font_description_get_size (g->font);
  g->em = size > 0 ? (gdouble) size / PANGO_SCALE :
      MAX (MIN (height, width) * EM_OF_HEIGHT, EM_MIN);
  g->n_rows = panel->n_rows;
  g->time = panel->time[0] != '\0';
  g->history = panel->n_history > 0;
  if (!fit_height (g, panel, height / 2))
    return FALSE;

  room = width - 2 * (MIN (MARGIN * g->em, width / 20) + PADDING_X * g->em);
  if (room < 3 * g->em)
    return FALSE;
  if (panel->title[0]) {
    g->percent_width =
        set_text (self, g, "100 %", 0.8 * g->em, PANGO_WEIGHT_NORMAL, 0);
    needed = MIN (set_text (self, g, panel->title, g->em, PANGO_WEIGHT_BOLD,
            0), TITLE_MAX * g->em) + GAP * g->em + g->percent_width;
  }
  if (g->n_rows) {
    g->percent_width =
        set_text (self, g, "100", ROW_TEXT * g->em, PANGO_WEIGHT_NORMAL, 0);
    label_max = MIN (LABEL_MAX * g->em, room * 0.5);
    for (i = 0; i < g->n_rows; i++)
      g->label_width = MAX (g->label_width, set_text (self, g,
              panel->rows[i].label, ROW_TEXT * g->em, PANGO_WEIGHT_NORMAL, 0));
    g->label_width = MIN (g->label_width, label_max);
    needed = MAX (needed, g->label_width + g->percent_width +
        (BAR_WIDTH + 2 * GAP) * g->em);
  }
  if (g->time)
    needed = MAX (needed, set_text (self, g, panel->time, TIME_TEXT * g->em,
            PANGO_WEIGHT_NORMAL, 0));
  /* A panel does not become narrower than this, so that it does not jump about
   * with every short label. */
  g->inner = MIN (MAX (needed, 9 * g->em), room);
  g->width = g->inner + 2 * PADDING_X * g->em;
  return TRUE;
}

static void
draw_rows (GstSthLabelRenderer * self, cairo_t * cr, const Geometry * g,
    const GstSthPanel * panel, const GstSthPanelStyle * style, gdouble x,
    gdouble y)
{
  gdouble bar_x = x + g->label_width + GAP * g->em;
  gdouble right = x + g->inner;
  gdouble bar_width = right - g->percent_width - GAP * g->em - bar_x;
  gdouble bar_height = BAR_HEIGHT * g->em;
  guint i;

  for (i = 0; i < g->n_rows; i++) {
    const GstSthPanelRow *row = &panel->rows[i];
    gdouble middle = y + (i + 0.5) * ROW_PITCH * g->em;
    gdouble alpha = i == 0 ? 0.95 : 0.7;
    gchar percent[8];

    set_color (cr, style->text_color, alpha);
    set_text (self, g, row->label, ROW_TEXT * g->em, PANGO_WEIGHT_NORMAL,
        g->label_width + 1);
    show_text (self, cr, x, middle, 0);
    g_snprintf (percent, sizeof (percent), "%u", MIN (row->percent, 100));
    set_text (self, g, percent, ROW_TEXT * g->em, PANGO_WEIGHT_NORMAL, 0);
    show_text (self, cr, right, middle, 1);

    rounded (cr, bar_x, middle - bar_height / 2, bar_width, bar_height,
        bar_height / 2);
    set_color (cr, style->text_color, 0.16);
    cairo_fill (cr);
    if (row->percent == 0)
      continue;
    rounded (cr, bar_x, middle - bar_height / 2,
        MAX (bar_width * MIN (row->percent, 100) / 100., bar_height),
        bar_height, bar_height / 2);
    set_color (cr, style->accent_color, i == 0 ? 1 : 0.55);
    cairo_fill (cr);
  }
}

static void
draw_history (cairo_t * cr, const Geometry * g, const GstSthPanel * panel,
    const GstSthPanelStyle * style, gdouble x, gdouble y)
{
  gdouble height = HISTORY_HEIGHT * g->em;
  gdouble pitch = g->inner / GST_STH_PANEL_MAX_HISTORY;
  guint i;

  for (i = 0; i < GST_STH_PANEL_MAX_HISTORY; i++) {
    guint empty = GST_STH_PANEL_MAX_HISTORY - panel->n_history;
    const GstSthPanelMark *mark = i < empty ? NULL : &panel->history[i - empty];
    gdouble part = mark ? MIN (mark->percent, 100) / 100. : 0;
    gdouble bar = MAX (part * height, 0.09 * g->em);

    rounded (cr, x + i * pitch, y + height - bar, pitch * 0.7, bar,
        pitch * 0.2);
    if (part > 0)
      set_color (cr, 0xff000000 | palette[mark->color % G_N_ELEMENTS (palette)],
          0.9);
    else
      set_color (cr, style->text_color, 0.2);
    cairo_fill (cr);
  }
}

static void
draw_panel (GstSthLabelRenderer * self, cairo_t * cr, const Geometry * g,
    const GstSthPanel * panel, const GstSthPanelStyle * style)
{
  gdouble em = g->em, x = PADDING_X * em, y = PADDING_Y * em;

  rounded (cr, 0, 0, g->width, g->height, RADIUS * em);
  set_color (cr, style->panel_color, 1);
  cairo_fill (cr);
  rounded (cr, 0.5, 0.5, g->width - 1, g->height - 1, RADIUS * em);
  set_color (cr, style->text_color, 0.12);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);

  if (panel->title[0]) {
    gdouble percent_width;
    gchar percent[8] = "";

    if (panel->percent >= 0)
      g_snprintf (percent, sizeof (percent), "%d %%", MIN (panel->percent,
              100));
    percent_width =
        set_text (self, g, percent, 0.8 * em, PANGO_WEIGHT_NORMAL, 0);
    set_color (cr, style->accent_color, 1);
    show_text (self, cr, x + g->inner, y + TITLE_PITCH * em / 2, 1);
    set_text (self, g, panel->title, em, PANGO_WEIGHT_BOLD,
        g->inner - percent_width - GAP * em + 1);
    set_color (cr, style->text_color, 1);
    show_text (self, cr, x, y + TITLE_PITCH * em / 2, 0);
    y += TITLE_PITCH * em;
  }
  if (g->time) {
    set_text (self, g, panel->time, TIME_TEXT * em, PANGO_WEIGHT_NORMAL,
        g->inner);
    set_color (cr, style->text_color, 0.6);
    show_text (self, cr, x, y + TIME_PITCH * em / 2, 0);
    y += TIME_PITCH * em;
  }
  if (g->n_rows) {
    y += (y > PADDING_Y * em) * SECTION_GAP * em;
    draw_rows (self, cr, g, panel, style, x, y);
    y += g->n_rows * ROW_PITCH * em;
  }
  if (g->history) {
    y += (y > PADDING_Y * em) * SECTION_GAP * em;
    draw_history (cr, g, panel, style, x, y);
  }
}

/* Top left corner of the panel, in pixels of the picture. */
static void
place (const Geometry * g, GstSthOverlayPosition position,
    const GstVideoInfo * info, gint width, gint height, gdouble par, gint * x,
    gint * y)
{
  gint margin_x = (gint) MIN (MARGIN * g->em / par, info->width / 20.);
  gint margin_y = (gint) MIN (MARGIN * g->em, info->height / 20.);

  *x = margin_x;
  if (position == GST_STH_OVERLAY_POSITION_TOP
      || position == GST_STH_OVERLAY_POSITION_BOTTOM)
    *x = (info->width - width) / 2;
  else if (position == GST_STH_OVERLAY_POSITION_TOP_RIGHT
      || position == GST_STH_OVERLAY_POSITION_BOTTOM_RIGHT)
    *x = info->width - width - margin_x;
  *y = margin_y;
  if (position >= GST_STH_OVERLAY_POSITION_BOTTOM_LEFT)
    *y = info->height - height - margin_y;
  /* Chroma is shared by pairs of pixels: an even corner keeps edges clean. */
  *x = MAX (*x, 0) & ~1;
  *y = MAX (*y, 0) & ~1;
}

GstVideoOverlayRectangle *
gst_sth_label_renderer_draw (GstSthLabelRenderer * self,
    const GstSthPanel * panel, const GstSthPanelStyle * style,
    const GstVideoInfo * info)
{
  gdouble par = info->par_n > 0 && info->par_d > 0 ?
      (gdouble) info->par_n / info->par_d : 1;
  gdouble dim = 0.5 + 0.5 * panel->step / (GST_STH_PANEL_STEPS - 1);
  GstVideoOverlayRectangle *rectangle = NULL;
  cairo_surface_t *surface;
  Geometry g = { 0 };
  GstBuffer *pixels;
  GstMapInfo map;
  gint width, height, x, y;
  cairo_t *cr;

  if (!lay_out (self, &g, panel, style, info->width * par, info->height))
    goto done;
  width = (gint) ceil (g.width / par);
  height = (gint) ceil (g.height);
  pixels = gst_buffer_new_allocate (NULL, (gsize) width * height * 4, NULL);
  gst_buffer_memset (pixels, 0, 0, (gsize) width * height * 4);
  gst_buffer_map (pixels, &map, GST_MAP_READWRITE);
  surface = cairo_image_surface_create_for_data (map.data,
      CAIRO_FORMAT_ARGB32, width, height, width * 4);
  cr = cairo_create (surface);
  cairo_scale (cr, 1 / par, 1);
  /* Pango's context stays without this matrix: it lays text out in square
   * units, and Cairo squeezes it as it does the shapes. */
  cairo_push_group (cr);
  draw_panel (self, cr, &g, panel, style);
  cairo_pop_group_to_source (cr);
  cairo_paint_with_alpha (cr, CLAMP (style->opacity, 0, 1) * dim);
  cairo_destroy (cr);
  cairo_surface_finish (surface);
  cairo_surface_destroy (surface);
  gst_buffer_unmap (pixels, &map);

  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  place (&g, style->position, info, width, height, par, &x, &y);
  rectangle = gst_video_overlay_rectangle_new_raw (pixels, x, y, width, height,
      GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_buffer_unref (pixels);

done:
  pango_font_description_free (g.font);
  return rectangle;
}
