/* GStreamer: the properties of sthclassify.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <sth/sth.h>

G_BEGIN_DECLS typedef enum
{
  GST_STH_MODE_AUTO,
  GST_STH_MODE_LIVE,
  GST_STH_MODE_SYNC,
} GstSthMode;

typedef enum
{
  GST_STH_EOS_PAD,
  GST_STH_EOS_DROP,
} GstSthEosPolicy;

/* Values as the properties hold them; times in ns unless the name of the
 * property says otherwise. */
typedef struct
{
  gchar *model_file, *labels_file;
  gint rate_n, rate_d;
  guint window_size;
  SthLayout layout;
  guint stride;
  GstSthMode mode;
  gdouble threshold;
  guint top_k;
  gdouble smoothing;            /* seconds */
  gdouble start_threshold, end_threshold;
  guint64 min_duration, hold_time;
  GstSthEosPolicy eos_policy;
  gboolean post_messages, attach_region;
  guint threads;
} GstSthSettings;

void gst_sth_settings_init (GstSthSettings * settings);
void gst_sth_settings_copy (GstSthSettings * to, const GstSthSettings * from);
void gst_sth_settings_clear (GstSthSettings * settings);

/* Installs the properties, and `stats`, which is none of the settings. */
void gst_sth_settings_install (GObjectClass * object_class);
/* FALSE: @id is none of these properties. */
gboolean gst_sth_settings_set (GstSthSettings * settings, guint id,
    const GValue * value);
gboolean gst_sth_settings_get (const GstSthSettings * settings, guint id,
    GValue * value);

/* To be called before a property is set. Warns, in the log and on the bus, if
 * @value is another than the one that @element runs with, and @pspec is one that
 * counts from the next start. */
void gst_sth_settings_check_state (GstElement * element, const GValue * value,
    GParamSpec * pspec);

/* The model to open: the property, else what the environment variable
 * GST_STH_MODEL names, else the installed default model. NULL with @error if
 * there is none. Free with g_free(). */
gchar *gst_sth_settings_find_model (const GstSthSettings * settings,
    GError ** error);
/* Options of sth_model_open(); strings are borrowed. */
void gst_sth_settings_model_options (const GstSthSettings * settings,
    SthModelOptions * options);
/* Configuration of a stream, all but the notification. */
void gst_sth_settings_stream_config (const GstSthSettings * settings,
    gboolean live, SthStreamConfig * config);

G_END_DECLS
