/* GStreamer: draws a result as a panel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   ┃ Good morning            87%   title, percentage or age
 *   ┃ ████████████████████████░░░   its bar
 *   ┃ Good evening  █▊░░░░░░░   9   rows: label, bar, percentage
 *   ┃ Thank you     ▌░░░░░░░░   2
 *   ┃ ▁▁▂▅▇▇▇▆▁▁▁▃▅▇▇▇▇▅▂▁▁▁▁▁▁▁▁   history, newest last
 *   ┃ 0:12.3 – 0:13.3               time of the window
 *
 * The stripe, the title's bar and the history have the colour of the class.
 * Everything is measured in em, the height of the title's text, which follows
 * the picture. */

#include "gststhlabelrenderer.h"

#include <math.h>

#include "gststhcanvas.h"

/* em as a part of the picture's shorter side, and its bounds in lines: text
 * that is smaller cannot be read. */
#define EM_OF_PICTURE (1. / 24)
#define EM_MIN 11.
#define TEXT_MIN 8.
/* What television keeps free at each side, as a part of the picture (EBU R 95:
 * graphics safe). */
#define MARGIN 0.05
/* All lengths below are in em. */
#define STRIPE 0.2
#define PADDING_LEFT 0.85
#define PADDING_RIGHT 0.75
#define PADDING_Y 0.5
#define RADIUS 0.3
#define TITLE_PITCH 1.35
#define TITLE_MAX 13.
#define TITLE_LINES 2
#define PERCENT_TEXT 0.85
#define TITLE_BAR 0.22
#define TITLE_BAR_PITCH 0.55
#define GAP 0.5
#define SECTION_GAP 0.3
#define WIDTH_MIN 10.
/* Rows and time, in the height of their own text. */
#define ROW_TEXT 0.62
#define ROW_PITCH 1.6
#define ROW_BAR 0.3
#define TIME_TEXT 0.56
#define TIME_PITCH 1.7
#define LABEL_MAX 13.
#define BAR_MIN 6.
#define HISTORY_HEIGHT 1.0
#define HISTORY_BASE 0.06
/* From the middle of a line to its baseline, in the height of the text. */
#define BASELINE 0.36
/* Weights of what is less important, as parts of the text's opacity. */
#define SECOND 0.72
#define FAINT 0.2

struct _GstSthLabelRenderer
{
  GstSthCanvas canvas;
  gdouble widest, widest_label; /* so far, lines of the picture */
};

/* Where things go, in lines of the picture. */
typedef struct
{
  gdouble em, row_text, time_text;
  gdouble width, height;        /* of the panel */
  gdouble inner;                /* width less the padding */
  gdouble title_width, title_drop;      /* its room; see text_drop() */
  gdouble label_width, percent_width;
  guint n_rows;
  gboolean time, history;
} Geometry;

/* Colours of classes: apart in hue, alike in lightness, clear on dark. */
static const guint32 palette[GST_STH_PANEL_COLORS] = {
  0xff4cc9f0, 0xfff9a03f, 0xff80ed99, 0xfff472b6, 0xffc4b5fd, 0xfffde047,
  0xfffb7185, 0xff5eead4
};

GstSthLabelRenderer *
gst_sth_label_renderer_new (void)
{
  GstSthLabelRenderer *self = g_new0 (GstSthLabelRenderer, 1);

  gst_sth_canvas_init (&self->canvas);
  return self;
}

void
gst_sth_label_renderer_free (GstSthLabelRenderer * self)
{
  if (self == NULL)
    return;
  gst_sth_canvas_clear (&self->canvas);
  g_free (self);
}

void
gst_sth_label_renderer_reset (GstSthLabelRenderer * self)
{
  self->widest = self->widest_label = 0;
}

/* --- Layout ------------------------------------------------------------ */

static gdouble
section_gap (const Geometry * g, gdouble y)
{
  return y > PADDING_Y * g->em ? SECTION_GAP * g->em : 0;
}

static gdouble
panel_height (const Geometry * g, const GstSthPanel * panel)
{
  gdouble y = PADDING_Y * g->em;

  if (panel->title[0])
    y += TITLE_PITCH * g->em + g->title_drop;
  if (panel->bar)
    y += TITLE_BAR_PITCH * g->em;
  if (g->n_rows)
    y += section_gap (g, y) / 2 + g->n_rows * ROW_PITCH * g->row_text;
  if (g->history)
    y += section_gap (g, y) + HISTORY_HEIGHT * g->em;
  if (g->time)
    y += section_gap (g, y) / 2 + TIME_PITCH * g->time_text;
  return y + PADDING_Y * g->em;
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

/* What is beside the title: its percentage, or how old it is. */
static gdouble
set_beside (GstSthCanvas * canvas, const Geometry * g, gint percent, guint age)
{
  gchar text[24] = "";

  if (age > 0) {
    g_snprintf (text, sizeof (text), "%u s ago", age);
    return gst_sth_canvas_set_text (canvas, text, g->row_text,
        PANGO_WEIGHT_NORMAL, 0, 1);
  }
  if (percent >= 0)
    g_snprintf (text, sizeof (text), "%d%%", MIN (percent, 100));
  return gst_sth_canvas_set_text (canvas, text, PERCENT_TEXT * g->em,
      PANGO_WEIGHT_NORMAL, 0, 1);
}

/* Width that the title wants; what is beside it has room for its widest. */
static gdouble
lay_out_title (GstSthCanvas * canvas, Geometry * g, const GstSthPanel * panel,
    gdouble room)
{
  gdouble beside = MAX (set_beside (canvas, g, 100, 0),
      set_beside (canvas, g, 0, 88)) + GAP * g->em;
  gdouble width;

  g->title_width = MIN (TITLE_MAX * g->em, MAX (room - beside, 0));
  width = gst_sth_canvas_set_text (canvas, panel->title, g->em,
      PANGO_WEIGHT_BOLD, g->title_width + 1, TITLE_LINES);
  g->title_drop = gst_sth_canvas_text_drop (canvas);
  return width + beside;
}

/* Width that the rows want. */
static gdouble
lay_out_rows (GstSthLabelRenderer * self, Geometry * g,
    const GstSthPanel * panel, gdouble room)
{
  GstSthCanvas *canvas = &self->canvas;
  gdouble widest = self->widest_label;
  gdouble label_max = MIN (LABEL_MAX * g->row_text, room * 0.5);
  guint i;

  g->percent_width = gst_sth_canvas_set_text (canvas, "100", g->row_text,
      PANGO_WEIGHT_NORMAL, 0, 1);
  for (i = 0; i < g->n_rows; i++)
    widest = MAX (widest, gst_sth_canvas_set_text (canvas,
            panel->rows[i].label, g->row_text, PANGO_WEIGHT_NORMAL, 0, 1));
  self->widest_label = g->label_width = MIN (widest, label_max);
  return g->label_width + g->percent_width + BAR_MIN * g->row_text +
      2 * GAP * g->em;
}

/* FALSE: the picture is too small. */
static gboolean
lay_out (GstSthLabelRenderer * self, Geometry * g, const GstSthPanel * panel,
    const GstSthPanelStyle * style, gdouble width, gdouble height)
{
  GstSthCanvas *canvas = &self->canvas;
  gdouble room, needed = 0, padding;
  gint size;

  pango_font_description_free (canvas->font);
  canvas->font = pango_font_description_from_string (style->font_desc ?
      style->font_desc : "Sans");
  size = pango_font_description_get_size (canvas->font);
  g->em = size > 0 ? (gdouble) size / PANGO_SCALE :
      MAX (MIN (height, width) * EM_OF_PICTURE, EM_MIN);
  g->row_text = MAX (ROW_TEXT * g->em, MIN (TEXT_MIN, g->em));
  g->time_text = MAX (TIME_TEXT * g->em, MIN (TEXT_MIN, g->em));
  g->n_rows = panel->n_rows;
  g->time = panel->time[0] != '\0';
  g->history = panel->n_history > 0;

  padding = (PADDING_LEFT + PADDING_RIGHT) * g->em;
  room = width * (1 - 2 * MARGIN) - padding;
  if (room < 3 * g->em)
    return FALSE;
  if (panel->title[0])
    needed = lay_out_title (canvas, g, panel, room);
  if (!fit_height (g, panel, height / 2))
    return FALSE;
  if (g->n_rows)
    needed = MAX (needed, lay_out_rows (self, g, panel, room));
  if (g->time)
    needed = MAX (needed, gst_sth_canvas_set_text (canvas, panel->time,
            g->time_text, PANGO_WEIGHT_NORMAL, 0, 1));
  needed = MAX (MAX (needed, WIDTH_MIN * g->em), self->widest);
  self->widest = g->inner = MIN (needed, room);
  g->width = g->inner + padding;
  return TRUE;
}

/* --- Drawing ----------------------------------------------------------- */

/* @fresh, here and below: how much of the content's opacity is left. */
static void
draw_bar (GstSthCanvas * canvas, const GstSthPanelStyle * style, gdouble x,
    gdouble middle, gdouble width, gdouble height, guint percent,
    guint32 color, gdouble fresh)
{
  gst_sth_canvas_box (canvas, x, middle - height / 2, width, height,
      height / 2);
  gst_sth_canvas_set_color (canvas, style->text_color, FAINT * fresh);
  cairo_fill (canvas->cr);
  if (percent == 0)
    return;
  gst_sth_canvas_box (canvas, x, middle - height / 2,
      MAX (width * MIN (percent, 100) / 100., height), height, height / 2);
  gst_sth_canvas_set_color (canvas, color, fresh);
  cairo_fill (canvas->cr);
}

static void
draw_title (GstSthCanvas * canvas, const Geometry * g,
    const GstSthPanel * panel, const GstSthPanelStyle * style, guint32 accent,
    gdouble fresh, gdouble x, gdouble y)
{
  gdouble baseline = y + (TITLE_PITCH / 2 + BASELINE) * g->em;

  set_beside (canvas, g, panel->percent, panel->age);
  if (panel->age > 0)
    gst_sth_canvas_set_color (canvas, style->text_color, SECOND * fresh);
  else
    gst_sth_canvas_set_color (canvas, accent, fresh);
  gst_sth_canvas_show_text (canvas, x + g->inner, baseline, 1);
  gst_sth_canvas_set_text (canvas, panel->title, g->em, PANGO_WEIGHT_BOLD,
      g->title_width + 1, TITLE_LINES);
  gst_sth_canvas_set_color (canvas, style->text_color, fresh);
  gst_sth_canvas_show_text (canvas, x, baseline, 0);
}

static void
draw_rows (GstSthCanvas * canvas, const Geometry * g,
    const GstSthPanel * panel, const GstSthPanelStyle * style, gdouble fresh,
    gdouble x, gdouble y)
{
  gdouble bar_x = x + g->label_width + GAP * g->em;
  gdouble right = x + g->inner;
  gdouble bar_width = right - g->percent_width - GAP * g->em - bar_x;
  guint32 color = (style->text_color & 0xffffff) |
      (guint32) ((style->text_color >> 24) * SECOND) << 24;
  guint i;

  for (i = 0; i < g->n_rows; i++) {
    const GstSthPanelRow *row = &panel->rows[i];
    gdouble middle = y + (i + 0.5) * ROW_PITCH * g->row_text;
    gdouble baseline = middle + BASELINE * g->row_text;
    gchar percent[8];

    gst_sth_canvas_set_color (canvas, style->text_color, SECOND * fresh);
    gst_sth_canvas_set_text (canvas, row->label, g->row_text,
        PANGO_WEIGHT_NORMAL, g->label_width + 1, 1);
    gst_sth_canvas_show_text (canvas, x, baseline, 0);
    g_snprintf (percent, sizeof (percent), "%u", MIN (row->percent, 100));
    gst_sth_canvas_set_text (canvas, percent, g->row_text,
        PANGO_WEIGHT_NORMAL, 0, 1);
    gst_sth_canvas_show_text (canvas, right, baseline, 1);
    draw_bar (canvas, style, bar_x, middle, bar_width, ROW_BAR * g->row_text,
        row->percent, color, fresh);
  }
}

static void
draw_history (GstSthCanvas * canvas, const Geometry * g,
    const GstSthPanel * panel, const GstSthPanelStyle * style, gdouble fresh,
    gdouble x, gdouble y)
{
  gdouble height = HISTORY_HEIGHT * g->em, base = HISTORY_BASE * g->em;
  gdouble pitch = g->inner / GST_STH_PANEL_MAX_HISTORY;
  guint i, empty = GST_STH_PANEL_MAX_HISTORY - panel->n_history;

  gst_sth_canvas_box (canvas, x, y + height - base, g->inner, base, 0);
  gst_sth_canvas_set_color (canvas, style->text_color, FAINT * fresh);
  cairo_fill (canvas->cr);
  for (i = 0; i < panel->n_history; i++) {
    const GstSthPanelMark *mark = &panel->history[i];
    gdouble bar = MIN (mark->percent, 100) / 100. * (height - base);

    if (mark->percent == 0)
      continue;
    gst_sth_canvas_box (canvas, x + (empty + i) * pitch,
        y + height - base - bar, pitch * 0.72, bar, pitch * 0.15);
    gst_sth_canvas_set_color (canvas,
        palette[mark->color % GST_STH_PANEL_COLORS], fresh);
    cairo_fill (canvas->cr);
  }
}

/* The panel itself, with the stripe where reading begins. */
static void
draw_ground (GstSthCanvas * canvas, const Geometry * g,
    const GstSthPanelStyle * style, guint32 accent, gdouble fresh)
{
  cairo_t *cr = canvas->cr;

  cairo_save (cr);
  gst_sth_canvas_box (canvas, 0, 0, g->width, g->height, RADIUS * g->em);
  cairo_clip (cr);
  gst_sth_canvas_set_color (canvas, style->panel_color, 1);
  cairo_paint (cr);
  gst_sth_canvas_box (canvas, 0, 0, STRIPE * g->em, g->height, 0);
  gst_sth_canvas_set_color (canvas, accent, fresh);
  cairo_fill (cr);
  cairo_restore (cr);
}

static void
draw_panel (GstSthCanvas * canvas, const Geometry * g,
    const GstSthPanel * panel, const GstSthPanelStyle * style)
{
  gdouble em = g->em, x = PADDING_LEFT * em, y = PADDING_Y * em;
  gdouble fresh = 0.6 + 0.4 * panel->step / (GST_STH_PANEL_STEPS - 1);
  guint32 accent = style->accent_color;

  if (accent == 0)
    accent = panel->color < 0 ? style->text_color :
        palette[panel->color % GST_STH_PANEL_COLORS];
  draw_ground (canvas, g, style, accent, fresh);
  if (panel->title[0]) {
    draw_title (canvas, g, panel, style, accent, fresh, x, y);
    y += TITLE_PITCH * em + g->title_drop;
  }
  if (panel->bar) {
    draw_bar (canvas, style, x, y + TITLE_BAR_PITCH * em / 2, g->inner,
        TITLE_BAR * em, (guint) MAX (panel->percent, 0), accent, fresh);
    y += TITLE_BAR_PITCH * em;
  }
  if (g->n_rows) {
    y += section_gap (g, y) / 2;
    draw_rows (canvas, g, panel, style, fresh, x, y);
    y += g->n_rows * ROW_PITCH * g->row_text;
  }
  if (g->history) {
    y += section_gap (g, y);
    draw_history (canvas, g, panel, style, fresh, x, y);
    y += HISTORY_HEIGHT * em;
  }
  if (g->time) {
    y += section_gap (g, y) / 2;
    gst_sth_canvas_set_text (canvas, panel->time, g->time_text,
        PANGO_WEIGHT_NORMAL, g->inner, 1);
    gst_sth_canvas_set_color (canvas, style->text_color, SECOND * fresh);
    gst_sth_canvas_show_text (canvas, x,
        y + (TIME_PITCH / 2 + BASELINE) * g->time_text, 0);
  }
}

/* --- Pixels ------------------------------------------------------------ */

/* Chroma is shared by up to four pixels: edges on multiples stay clean. */
static gint
align_up (gdouble length)
{
  return ((gint) ceil (length) + 3) & ~3;
}

/* Top left corner of the panel, in pixels of the picture. */
static void
place (GstSthOverlayPosition position, const GstVideoInfo * info, gint width,
    gint height, gdouble par, gint * x, gint * y)
{
  gdouble margin = MIN (info->width * par, info->height) * MARGIN;
  gint margin_x = (gint) (margin / par), margin_y = (gint) margin;

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
  *x = MAX (*x, 0) & ~3;
  *y = MAX (*y, 0) & ~3;
}

static void
paint (GstSthCanvas * canvas, const Geometry * g, const GstSthPanel * panel,
    const GstSthPanelStyle * style, GstBuffer * pixels, gint width, gint height,
    gdouble par)
{
  cairo_surface_t *surface;
  GstMapInfo map;

  gst_buffer_map (pixels, &map, GST_MAP_READWRITE);
  surface = cairo_image_surface_create_for_data (map.data,
      CAIRO_FORMAT_ARGB32, width, height, width * 4);
  canvas->cr = cairo_create (surface);
  canvas->width = g->width;
  canvas->mirror = gst_sth_canvas_is_rtl (canvas,
      panel->title[0] ? panel->title : panel->rows[0].label);
  /* Pango's context stays without this matrix: it lays text out in square
   * units, and Cairo squeezes it as it does the shapes. */
  cairo_scale (canvas->cr, 1 / par, 1);
  cairo_push_group (canvas->cr);
  draw_panel (canvas, g, panel, style);
  cairo_pop_group_to_source (canvas->cr);
  cairo_paint_with_alpha (canvas->cr, CLAMP (style->opacity, 0, 1));
  g_clear_pointer (&canvas->cr, cairo_destroy);
  cairo_surface_finish (surface);
  cairo_surface_destroy (surface);
  gst_buffer_unmap (pixels, &map);
}

GstVideoOverlayRectangle *
gst_sth_label_renderer_draw (GstSthLabelRenderer * self,
    const GstSthPanel * panel, const GstSthPanelStyle * style,
    const GstVideoInfo * info)
{
  gdouble par = info->par_n > 0 && info->par_d > 0 ?
      (gdouble) info->par_n / info->par_d : 1;
  GstVideoOverlayRectangle *rectangle;
  Geometry g = { 0 };
  GstBuffer *pixels;
  gint width, height, x, y;

  if (!lay_out (self, &g, panel, style, info->width * par, info->height))
    return NULL;
  width = align_up (g.width / par);
  height = align_up (g.height);
  g.inner += width * par - g.width;
  g.width = width * par;
  g.height = height;

  pixels = gst_buffer_new_allocate (NULL, (gsize) width * height * 4, NULL);
  gst_buffer_memset (pixels, 0, 0, (gsize) width * height * 4);
  paint (&self->canvas, &g, panel, style, pixels, width, height, par);
  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  place (style->position, info, width, height, par, &x, &y);
  rectangle = gst_video_overlay_rectangle_new_raw (pixels, x, y, width, height,
      GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_buffer_unref (pixels);
  return rectangle;
}
