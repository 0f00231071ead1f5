/* GStreamer: what a result looks like, before it is drawn.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhpanel.h"

#include <math.h>
#include <string.h>

/* Up to this age a result counts as fresh; at the second it is dimmest. */
#define AGE_FRESH (1 * GST_SECOND)
#define AGE_OLD (4 * GST_SECOND)

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
    mark.color = gst_sth_label_renderer_color_of (result->label_id);
  }
  if (history->n == GST_STH_PANEL_MAX_HISTORY)
    memmove (history->marks, history->marks + 1, sizeof (mark) * --history->n);
  history->marks[history->n++] = mark;
}

static guint
step_of (const GstSthClassification * result)
{
  guint most = GST_STH_PANEL_STEPS - 1;

  if (!result->held || !GST_CLOCK_TIME_IS_VALID (result->age)
      || result->age <= AGE_FRESH)
    return most;
  if (result->age >= AGE_OLD)
    return 0;
  return most - (guint) gst_util_uint64_scale (result->age - AGE_FRESH, most,
      AGE_OLD - AGE_FRESH);
}

gboolean
gst_sth_panel_fill (GstSthPanel * panel, const GstSthClassification * result,
    const GstSthPanelChoice * choice, GstSthPanelHistory * history)
{
  GstSthOverlayShow show = choice->show;
  gboolean recognised;
  guint i;

  memset (panel, 0, sizeof (*panel));
  recognised = result->label && result->confidence >= choice->min_confidence;
  remember (history, result, recognised);
  if (!recognised && !(show & GST_STH_OVERLAY_SHOW_GUESSES))
    return FALSE;

  panel->step = step_of (result);
  if (show & GST_STH_OVERLAY_SHOW_LABEL) {
    copy_label (panel->title, recognised ? result->label : "–");
    panel->percent = recognised ? (gint) to_percent (result->confidence) : -1;
  }
  if (show & GST_STH_OVERLAY_SHOW_BARS) {
    panel->n_rows =
        MIN (MIN (choice->top_k, result->n_top), GST_STH_PANEL_MAX_ROWS);
    for (i = 0; i < panel->n_rows; i++) {
      copy_label (panel->rows[i].label, result->labels[i]);
      panel->rows[i].percent = to_percent (result->confidences[i]);
    }
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
