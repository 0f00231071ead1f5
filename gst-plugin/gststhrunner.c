/* GStreamer: a model, a stream of libsth and what they need around them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhrunner.h"

GST_DEBUG_CATEGORY_EXTERN (gst_sth_classify_debug);
#define GST_CAT_DEFAULT gst_sth_classify_debug

void
gst_sth_runner_init (GstSthRunner * self)
{
  gst_sth_inbox_init (&self->inbox);
  g_mutex_init (&self->stream_lock);
  g_mutex_init (&self->stats_lock);
  gst_video_info_init (&self->info);
}

void
gst_sth_runner_clear (GstSthRunner * self)
{
  gst_sth_runner_close (self);
  gst_sth_inbox_clear (&self->inbox);
  g_mutex_clear (&self->stream_lock);
  g_mutex_clear (&self->stats_lock);
}

static gchar **
valid_labels (const SthModelInfo * info)
{
  gchar **labels = g_new0 (gchar *, info->n_classes + 1);
  guint i;

  for (i = 0; i < info->n_classes; i++)
    labels[i] = g_utf8_make_valid (info->labels[i], -1);
  return labels;
}

gboolean
gst_sth_runner_open (GstSthRunner * self, const GstSthSettings * settings,
    GError ** error)
{
  const SthModelInfo *info;
  SthModelOptions options;
  gchar *path = gst_sth_settings_find_model (settings, error);

  if (path == NULL)
    return FALSE;
  gst_sth_settings_model_options (settings, &options);
  self->model = sth_model_open (path, &options, error);
  g_free (path);
  if (self->model == NULL)
    return FALSE;
  info = sth_model_get_info (self->model, error);
  if (info == NULL) {
    g_clear_pointer (&self->model, sth_model_unref);
    return FALSE;
  }
  self->labels = valid_labels (info);
  self->names.labels = (const gchar * const *) self->labels;
  self->names.n_labels = info->n_classes;
  self->names.model = info->name;
  g_mutex_lock (&self->stats_lock);
  self->stats = (SthStreamStats) {
  0};
  g_mutex_unlock (&self->stats_lock);
  return TRUE;
}

/* Stream lock held. */
static void
copy_stats (GstSthRunner * self)
{
  SthStreamStats stats;

  sth_stream_get_stats (self->stream, &stats);
  g_mutex_lock (&self->stats_lock);
  self->stats = stats;
  g_mutex_unlock (&self->stats_lock);
}

static void
drop_stream (GstSthRunner * self)
{
  g_mutex_lock (&self->stream_lock);
  if (self->stream) {
    copy_stats (self);
    g_clear_pointer (&self->stream, sth_stream_free);
  }
  g_mutex_unlock (&self->stream_lock);
  gst_sth_inbox_drop (&self->inbox, 0);
  g_clear_pointer (&self->reader, gst_sth_frame_reader_free);
}

void
gst_sth_runner_close (GstSthRunner * self)
{
  drop_stream (self);
  g_clear_pointer (&self->model, sth_model_unref);
  g_clear_pointer (&self->labels, g_strfreev);
  g_clear_pointer (&self->source, g_free);
  self->names = (GstSthNames) {
  0};
}

void
gst_sth_runner_set_source (GstSthRunner * self, const gchar * id)
{
  g_free (self->source);
  self->source = g_utf8_make_valid (id, -1);
  self->names.source = self->source;
}

gboolean
gst_sth_runner_start (GstSthRunner * self, SthStreamConfig * config,
    GError ** error)
{
  drop_stream (self);
  config->notify = gst_sth_inbox_put;
  config->notify_data = &self->inbox;
  self->live = config->mode == STH_STREAM_LIVE;
  g_mutex_lock (&self->stream_lock);
  self->stream = sth_stream_new (self->model, config, error);
  g_mutex_unlock (&self->stream_lock);
  return self->stream != NULL;
}

void
gst_sth_runner_configure (GstSthRunner * self, const SthStreamConfig * config)
{
  g_mutex_lock (&self->stream_lock);
  sth_stream_configure (self->stream, config);
  g_mutex_unlock (&self->stream_lock);
}

gboolean
gst_sth_runner_set_info (GstSthRunner * self, const GstVideoInfo * info,
    GError ** error)
{
  gboolean ok;

  g_clear_pointer (&self->reader, gst_sth_frame_reader_free);
  self->info = *info;
  self->reader = gst_sth_frame_reader_new (info);
  if (self->reader == NULL) {
    g_set_error (error, STH_ERROR, STH_ERROR_UNSUPPORTED,
        "cannot read %s video; put videoconvert before this element",
        gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (info)));
    return FALSE;
  }
  g_mutex_lock (&self->stream_lock);
  ok = sth_stream_set_format (self->stream,
      gst_sth_frame_reader_get_format (self->reader), error);
  g_mutex_unlock (&self->stream_lock);
  if (!ok)
    g_clear_pointer (&self->reader, gst_sth_frame_reader_free);
  return ok;
}

gboolean
gst_sth_runner_feed (GstSthRunner * self, GstBuffer * buffer, gboolean skip,
    SthResult * result)
{
  gboolean got = FALSE;
  SthFrame frame;

  g_mutex_lock (&self->stream_lock);
  if (sth_stream_wants (self->stream, GST_BUFFER_PTS (buffer))) {
    if (gst_sth_frame_reader_map (self->reader, buffer, &frame)) {
      if (skip)
        sth_stream_push_skip (self->stream, &frame);
      else
        got = sth_stream_push (self->stream, &frame, result);
      gst_sth_frame_reader_unmap (self->reader);
    } else {
      GST_WARNING ("cannot map %" GST_PTR_FORMAT, buffer);
    }
    copy_stats (self);
  }
  g_mutex_unlock (&self->stream_lock);
  return got;
}

gboolean
gst_sth_runner_take (GstSthRunner * self, SthResult * result)
{
  return gst_sth_inbox_take (&self->inbox, result);
}

gboolean
gst_sth_runner_finish (GstSthRunner * self, SthResult * result)
{
  gboolean got;

  if (self->stream == NULL || self->reader == NULL)
    return FALSE;
  g_mutex_lock (&self->stream_lock);
  got = sth_stream_finish (self->stream, result);
  copy_stats (self);
  g_mutex_unlock (&self->stream_lock);
  return got;
}

gboolean
gst_sth_runner_reset (GstSthRunner * self, SthResult * result)
{
  SthStreamStats stats;
  gboolean closed;

  if (self->stream == NULL)
    return FALSE;
  g_mutex_lock (&self->stream_lock);
  closed = sth_stream_reset (self->stream, result);
  sth_stream_get_stats (self->stream, &stats);
  g_mutex_unlock (&self->stream_lock);
  gst_sth_inbox_drop (&self->inbox, stats.windows_due);
  return closed;
}

void
gst_sth_runner_get_stats (GstSthRunner * self, SthStreamStats * stats)
{
  if (g_mutex_trylock (&self->stream_lock)) {
    if (self->stream)
      copy_stats (self);
    g_mutex_unlock (&self->stream_lock);
  }
  g_mutex_lock (&self->stats_lock);
  *stats = self->stats;
  g_mutex_unlock (&self->stats_lock);
}
