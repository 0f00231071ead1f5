/* GStreamer: what a result looks like, before it is drawn.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhpanel.h"

#include <math.h>
#include <string.h>

/* Seconds. Below the first age a result counts as fresh; from there on it grows
 * fainter by one step a second. */
#define AGE_FRESH 2
#define AGE_MAX 999

static guint
to_percent (gdouble confidence)
{
  return isfinite (confidence) ?
      (guint) (CLAMP (confidence, 0, 1) * 100 + 0.5) : 0;
}

/* Cuts between characters; line breaks and other controls become spaces. */
static void
copy_label (gchar * out, const gchar * label)
{
  gchar *valid = g_utf8_make_valid (label, -1);
  const gchar *at;
  gsize n = 0;

  for (at = valid; *at; at = g_utf8_next_char (at)) {
    gunichar c = g_utf8_get_char (at);

    if (g_unichar_iscntrl (c) || c == 0x2028 || c == 0x2029)
      c = ' ';
    if (n + g_unichar_to_utf8 (c, NULL) >= GST_STH_PANEL_LABEL_SIZE)
      break;
    n += g_unichar_to_utf8 (c, out + n);
  }
  g_free (valid);
}

static void
format_time (gchar * out, gsize size, const GstSthClassification * result)
{
  GstClockTime times[2] = { result->window_start, result->window_end };
  gchar text[2][16];
  guint i;

  if (!GST_CLOCK_TIME_IS_VALID (times[0])
      || !GST_CLOCK_TIME_IS_VALID (times[1]))
    return;
  for (i = 0; i < 2; i++) {
    guint tenths = (guint) (times[i] / (100 * GST_MSECOND));

    g_snprintf (text[i], sizeof (text[i]), "%u:%02u.%u", tenths / 600,
        tenths / 10 % 60, tenths % 10);
  }
  g_snprintf (out, size, "%s – %s", text[0], text[1]);
}

/* Classes get colours in the order in which they appear, so that the few of a
 * scene can be told apart however many the model knows. */
static guint
color_of (GstSthPanelHistory * history, gint id)
{
  guint i, n = MIN (history->n_classes, GST_STH_PANEL_COLORS);

  for (i = 0; i < n; i++)
    if (history->classes[i] == id)
      return i;
  i = history->n_classes++ % GST_STH_PANEL_COLORS;
  history->classes[i] = id;
  return i;
}

static void
remember (GstSthPanelHistory * history, const GstSthClassification * result,
    gboolean recognised)
{
  GstSthPanelMark mark = { 0 };

  if (history->seen && history->last_sequence == result->sequence)
    return;
  history->seen = TRUE;
  history->last_sequence = result->sequence;
  if (recognised) {
    mark.percent = to_percent (result->confidence);
    mark.color = color_of (history, result->label_id);
  }
  if (history->n == GST_STH_PANEL_MAX_HISTORY)
    memmove (history->marks, history->marks + 1, sizeof (mark) * --history->n);
  history->marks[history->n++] = mark;
}

/* Seconds; 0: fresh. */
static guint
age_of (const GstSthClassification * result)
{
  if (!result->held || !GST_CLOCK_TIME_IS_VALID (result->age)
      || result->age < AGE_FRESH * GST_SECOND)
    return 0;
  return (guint) MIN (result->age / GST_SECOND, AGE_MAX);
}

void
gst_sth_panel_key (GstSthPanelKey * key, const GstSthClassification * result)
{
  key->sequence = result->sequence;
  key->window_start = result->window_start;
  key->confidence = result->confidence;
  key->label_id = result->label ? result->label_id : -1;
  key->n_top = result->n_top;
  key->age = age_of (result);
}

gboolean
gst_sth_panel_key_equal (const GstSthPanelKey * a, const GstSthPanelKey * b)
{
  return a->sequence == b->sequence && a->window_start == b->window_start
      && a->confidence == b->confidence && a->label_id == b->label_id
      && a->n_top == b->n_top && a->age == b->age;
}

static void
fill_rows (GstSthPanel * panel, const GstSthClassification * result,
    guint first, guint top_k)
{
  guint i, end = MIN (MIN (top_k, result->n_top), GST_STH_PANEL_MAX_ROWS);

  for (i = first; i < end; i++) {
    GstSthPanelRow *row = &panel->rows[panel->n_rows++];

    copy_label (row->label, result->labels[i]);
    row->percent = to_percent (result->confidences[i]);
  }
}

gboolean
gst_sth_panel_fill (GstSthPanel * panel, const GstSthClassification * result,
    const GstSthPanelChoice * choice, GstSthPanelHistory * history)
{
  GstSthOverlayShow show = choice->show;
  gboolean recognised;

  memset (panel, 0, sizeof (*panel));
  recognised = result->label && result->confidence >= choice->min_confidence;
  remember (history, result, recognised);
  if (!recognised && !(show & GST_STH_OVERLAY_SHOW_GUESSES))
    return FALSE;

  panel->age = age_of (result);
  panel->step = GST_STH_PANEL_STEPS - 1;
  if (panel->age > 0)
    panel->step -= MIN (panel->age - AGE_FRESH + 1, panel->step);
  panel->color = recognised ? (gint) color_of (history, result->label_id) : -1;
  panel->percent = -1;
  if (show & GST_STH_OVERLAY_SHOW_LABEL) {
    copy_label (panel->title, recognised ? result->label : "–");
    if (recognised)
      panel->percent = (gint) to_percent (result->confidence);
  }
  if (show & GST_STH_OVERLAY_SHOW_BARS) {
    /* The best class is the title: its bar is there, the others follow. */
    panel->bar = panel->percent >= 0;
    fill_rows (panel, result, panel->bar ? 1 : 0, choice->top_k);
  }
  if (show & GST_STH_OVERLAY_SHOW_TIME)
    format_time (panel->time, sizeof (panel->time), result);
  if (show & GST_STH_OVERLAY_SHOW_HISTORY) {
    panel->n_history = history->n;
    memcpy (panel->history, history->marks, sizeof (panel->history));
  }
  return panel->title[0] || panel->n_rows || panel->time[0]
      || panel->n_history;
}
