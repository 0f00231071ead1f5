/* GStreamer: the properties of sthclassify.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gststhsettings.h"

#include <string.h>

#define DEFAULT_MODEL "sth-mobilenet-v2-fsl105.onnx"
#define MODEL_VARIABLE "GST_STH_MODEL"

#define DEFAULT_MODE GST_STH_MODE_AUTO
#define DEFAULT_LAYOUT STH_LAYOUT_AUTO
#define DEFAULT_THRESHOLD 0.5
#define DEFAULT_TOP_K 5
#define DEFAULT_SMOOTHING 0.0
#define DEFAULT_START_THRESHOLD 0.5
#define DEFAULT_END_THRESHOLD 0.3
#define DEFAULT_MIN_DURATION 0
#define DEFAULT_HOLD_TIME (2 * GST_SECOND)
#define DEFAULT_EOS_POLICY GST_STH_EOS_PAD

enum
{
  PROP_MODEL_FILE = 1,
  PROP_LABELS_FILE,
  PROP_SAMPLE_RATE,
  PROP_WINDOW_SIZE,
  PROP_LAYOUT,
  PROP_STRIDE,
  PROP_MODE,
  PROP_THRESHOLD,
  PROP_TOP_K,
  PROP_SMOOTHING,
  PROP_START_THRESHOLD,
  PROP_END_THRESHOLD,
  PROP_MIN_DURATION,
  PROP_HOLD_TIME,
  PROP_EOS_POLICY,
  PROP_POST_MESSAGES,
  PROP_ATTACH_REGION,
  PROP_THREADS,
  PROP_STATS,
};

#define GST_TYPE_STH_MODE (gst_sth_mode_get_type ())
static GType
gst_sth_mode_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {GST_STH_MODE_AUTO, "Live if upstream is live, else sync", "auto"},
    {GST_STH_MODE_LIVE,
          "Never hold up the video; the newest window runs beside it",
        "live"},
    {GST_STH_MODE_SYNC, "Run every window before its last frame goes on",
        "sync"},
    {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstSthMode", values));
  return type;
}

#define GST_TYPE_STH_LAYOUT (gst_sth_layout_get_type ())
static GType
gst_sth_layout_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {STH_LAYOUT_AUTO, "By shape", "auto"},
    {STH_LAYOUT_NTCHW, "Batch, frames, channels, rows, columns", "ntchw"},
    {STH_LAYOUT_NCTHW, "Batch, channels, frames, rows, columns", "ncthw"},
    {STH_LAYOUT_TCHW, "Frames as batch, channels, rows, columns", "tchw"},
    {STH_LAYOUT_NTHWC, "Batch, frames, rows, columns, channels", "nthwc"},
    {STH_LAYOUT_THWC, "Frames as batch, rows, columns, channels", "thwc"},
    {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstSthLayout", values));
  return type;
}

#define GST_TYPE_STH_EOS_POLICY (gst_sth_eos_policy_get_type ())
static GType
gst_sth_eos_policy_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {GST_STH_EOS_PAD, "Resample the frames of a too short video to a window",
        "pad"},
    {GST_STH_EOS_DROP, "A video that is shorter than a window has no result",
        "drop"},
    {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstSthEosPolicy", values));
  return type;
}

void
gst_sth_settings_init (GstSthSettings * settings)
{
  memset (settings, 0, sizeof (*settings));
  settings->rate_d = 1;
  settings->layout = DEFAULT_LAYOUT;
  settings->mode = DEFAULT_MODE;
  settings->threshold = DEFAULT_THRESHOLD;
  settings->top_k = DEFAULT_TOP_K;
  settings->smoothing = DEFAULT_SMOOTHING;
  settings->start_threshold = DEFAULT_START_THRESHOLD;
  settings->end_threshold = DEFAULT_END_THRESHOLD;
  settings->min_duration = DEFAULT_MIN_DURATION;
  settings->hold_time = DEFAULT_HOLD_TIME;
  settings->eos_policy = DEFAULT_EOS_POLICY;
  settings->post_messages = TRUE;
}

void
gst_sth_settings_copy (GstSthSettings * to, const GstSthSettings * from)
{
  *to = *from;
  to->model_file = g_strdup (from->model_file);
  to->labels_file = g_strdup (from->labels_file);
}

void
gst_sth_settings_clear (GstSthSettings * settings)
{
  g_clear_pointer (&settings->model_file, g_free);
  g_clear_pointer (&settings->labels_file, g_free);
}

#define READY (G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY | \
    G_PARAM_STATIC_STRINGS)
#define PLAYING (G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING | \
    G_PARAM_STATIC_STRINGS)

static void
install_model_properties (GObjectClass * class)
{
  /**
   * GstSthClassify:model-file:
   *
   * An ONNX file. Without it, the file that the environment variable
   * `GST_STH_MODEL` names, else the installed default model. A change while the
   * element runs counts from its next start (READY to PAUSED).
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "ONNX file (default: $" MODEL_VARIABLE
          ", else the installed default model)", NULL, READY));
  /**
   * GstSthClassify:labels-file:
   *
   * UTF-8 text, one label a line in the order of the classes. A byte order
   * mark, carriage returns, blanks at the end of a line and empty lines at the
   * end of the file are no part of the labels; another number of lines than
   * the model has classes, or a line that is not UTF-8, is an error.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_LABELS_FILE,
      g_param_spec_string ("labels-file", "Labels file",
          "Text file, one label a line (default: from the model)", NULL,
          READY));
  /**
   * GstSthClassify:sample-rate:
   *
   * Sampling is by PTS: the same action gives the same windows at any frame
   * rate. Video that has fewer frames a second gives each several times.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_SAMPLE_RATE,
      gst_param_spec_fraction ("sample-rate", "Sample rate",
          "Frames a second that enter the window (0/1: from the model)", 0, 1,
          G_MAXINT, 1, 0, 1, READY));
  /**
   * GstSthClassify:window-size:
   *
   * Another number than the model was made for is an error.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_WINDOW_SIZE,
      g_param_spec_uint ("window-size", "Window size",
          "Frames in a window, for a model that leaves it free (0: from the "
          "model)", 0, 1024, 0, READY));
  /**
   * GstSthClassify:layout:
   *
   * Needed where the shape of the input can be read in two ways, as 1x3x3xHxW.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_LAYOUT,
      g_param_spec_enum ("layout", "Layout", "Axes of the model's input",
          GST_TYPE_STH_LAYOUT, DEFAULT_LAYOUT, READY));
  /**
   * GstSthClassify:threads:
   *
   * All elements of a process share one pool (those in live mode another, which
   * gives way to the video). Results do not depend on it.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Most threads that run the network (0: all CPUs that the process may "
          "use)", 0, 1024, 0, READY));
}

static void
install_time_properties (GObjectClass * class)
{
  /**
   * GstSthClassify:mode:
   *
   * Sync mode is for files: the same video gives the same results each time, and
   * behind a live source the latency of the pipeline grows by the time that the
   * network takes.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_MODE,
      g_param_spec_enum ("mode", "Mode", "When windows run",
          GST_TYPE_STH_MODE, DEFAULT_MODE, READY));
  /**
   * GstSthClassify:stride:
   *
   * 1 runs the network for each sampled frame: results come soonest, and cost
   * most. In live mode windows that come faster than they can run are skipped.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_STRIDE,
      g_param_spec_uint ("stride", "Stride",
          "Sampled frames between two windows (0: 1 in live mode, half a window "
          "in sync mode)", 0, 1024, 0, PLAYING));
  /**
   * GstSthClassify:hold-time:
   *
   * 0: only the first buffer after a window carries its result.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_HOLD_TIME,
      g_param_spec_uint64 ("hold-time", "Hold time",
          "How long later buffers carry a result, counted from the first that "
          "did (ns)", 0, G_MAXUINT64, DEFAULT_HOLD_TIME, PLAYING));
  /**
   * GstSthClassify:eos-policy:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_EOS_POLICY,
      g_param_spec_enum ("eos-policy", "EOS policy",
          "What becomes of a video that is too short for one window",
          GST_TYPE_STH_EOS_POLICY, DEFAULT_EOS_POLICY, READY));
  /**
   * GstSthClassify:post-messages:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Post an element message for each result and each action", TRUE,
          PLAYING));
  /**
   * GstSthClassify:attach-region:
   *
   * For consumers that look for results at regions only: a full-frame
   * detection (#GstAnalyticsODMtd) where the plugin is built against
   * GStreamer 1.24 or newer, else a #GstVideoRegionOfInterestMeta.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_ATTACH_REGION,
      g_param_spec_boolean ("attach-region", "Attach region",
          "Also attach the label to a region that is the whole frame", FALSE,
          PLAYING));
}

static void
install_score_properties (GObjectClass * class)
{
  /**
   * GstSthClassify:threshold:
   *
   * A result below it has no label; its best classes are told all the same.
   * Actions go by start-threshold and end-threshold alone.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
          "Confidence from which the best class counts as recognised", 0, 1,
          DEFAULT_THRESHOLD, PLAYING));
  /**
   * GstSthClassify:top-k:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_TOP_K,
      g_param_spec_uint ("top-k", "Top k", "Best classes that a result tells",
          1, STH_MAX_TOP_K, DEFAULT_TOP_K, PLAYING));
  /**
   * GstSthClassify:smoothing:
   *
   * After so long a change of the scores has come through to 63 %. It does not
   * depend on stride.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_SMOOTHING,
      g_param_spec_double ("smoothing", "Smoothing",
          "Time constant of the exponential smoothing of confidences, in seconds "
          "(0: none)", 0, 3600, DEFAULT_SMOOTHING, PLAYING));
  /**
   * GstSthClassify:start-threshold:
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_START_THRESHOLD,
      g_param_spec_double ("start-threshold", "Start threshold",
          "Confidence from which an action starts", 0, 1,
          DEFAULT_START_THRESHOLD, PLAYING));
  /**
   * GstSthClassify:end-threshold:
   *
   * One that is above start-threshold is an error at the start; while the element
   * runs it counts as equal to it.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_END_THRESHOLD,
      g_param_spec_double ("end-threshold", "End threshold",
          "Confidence below which an action ends; not above start-threshold", 0,
          1, DEFAULT_END_THRESHOLD, PLAYING));
  /**
   * GstSthClassify:min-duration:
   *
   * What ends earlier is not told at all. An action lasts from the middle of its
   * first window to the middle of its last.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_MIN_DURATION,
      g_param_spec_uint64 ("min-duration", "Minimal duration",
          "An action is told once it has lasted this long (ns)", 0,
          G_MAXUINT64, DEFAULT_MIN_DURATION, PLAYING));
}

void
gst_sth_settings_install (GObjectClass * object_class)
{
  install_model_properties (object_class);
  install_time_properties (object_class);
  install_score_properties (object_class);
  /**
   * GstSthClassify:stats:
   *
   * Counters since the start: frames-in, frames-sampled, windows-due,
   * windows-run, windows-skipped (guint64); inference-last, -mean, -p50, -p99,
   * -max, preprocess-mean, -max (guint64, ns); lag (guint64, ns): in live mode,
   * PTS of the newest frame less the end of the newest result's window.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters of frames and windows, times of the network (ns)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_type_mark_as_plugin_api (GST_TYPE_STH_MODE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_STH_LAYOUT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_STH_EOS_POLICY, 0);
}

gboolean
gst_sth_settings_set (GstSthSettings * s, guint id, const GValue * value)
{
  switch (id) {
    case PROP_MODEL_FILE:
      g_free (s->model_file);
      s->model_file = g_value_dup_string (value);
      return TRUE;
    case PROP_LABELS_FILE:
      g_free (s->labels_file);
      s->labels_file = g_value_dup_string (value);
      return TRUE;
    case PROP_SAMPLE_RATE:
      s->rate_n = gst_value_get_fraction_numerator (value);
      s->rate_d = gst_value_get_fraction_denominator (value);
      return TRUE;
    case PROP_WINDOW_SIZE:
      s->window_size = g_value_get_uint (value);
      return TRUE;
    case PROP_LAYOUT:
      s->layout = g_value_get_enum (value);
      return TRUE;
    case PROP_STRIDE:
      s->stride = g_value_get_uint (value);
      return TRUE;
    case PROP_MODE:
      s->mode = g_value_get_enum (value);
      return TRUE;
    case PROP_THRESHOLD:
      s->threshold = g_value_get_double (value);
      return TRUE;
    case PROP_TOP_K:
      s->top_k = g_value_get_uint (value);
      return TRUE;
    case PROP_SMOOTHING:
      s->smoothing = g_value_get_double (value);
      return TRUE;
    case PROP_START_THRESHOLD:
      s->start_threshold = g_value_get_double (value);
      return TRUE;
    case PROP_END_THRESHOLD:
      s->end_threshold = g_value_get_double (value);
      return TRUE;
    case PROP_MIN_DURATION:
      s->min_duration = g_value_get_uint64 (value);
      return TRUE;
    case PROP_HOLD_TIME:
      s->hold_time = g_value_get_uint64 (value);
      return TRUE;
    case PROP_EOS_POLICY:
      s->eos_policy = g_value_get_enum (value);
      return TRUE;
    case PROP_POST_MESSAGES:
      s->post_messages = g_value_get_boolean (value);
      return TRUE;
    case PROP_ATTACH_REGION:
      s->attach_region = g_value_get_boolean (value);
      return TRUE;
    case PROP_THREADS:
      s->threads = g_value_get_uint (value);
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
gst_sth_settings_get (const GstSthSettings * s, guint id, GValue * value)
{
  switch (id) {
    case PROP_MODEL_FILE:
      g_value_set_string (value, s->model_file);
      return TRUE;
    case PROP_LABELS_FILE:
      g_value_set_string (value, s->labels_file);
      return TRUE;
    case PROP_SAMPLE_RATE:
      gst_value_set_fraction (value, s->rate_n, s->rate_d);
      return TRUE;
    case PROP_WINDOW_SIZE:
      g_value_set_uint (value, s->window_size);
      return TRUE;
    case PROP_LAYOUT:
      g_value_set_enum (value, s->layout);
      return TRUE;
    case PROP_STRIDE:
      g_value_set_uint (value, s->stride);
      return TRUE;
    case PROP_MODE:
      g_value_set_enum (value, s->mode);
      return TRUE;
    case PROP_THRESHOLD:
      g_value_set_double (value, s->threshold);
      return TRUE;
    case PROP_TOP_K:
      g_value_set_uint (value, s->top_k);
      return TRUE;
    case PROP_SMOOTHING:
      g_value_set_double (value, s->smoothing);
      return TRUE;
    case PROP_START_THRESHOLD:
      g_value_set_double (value, s->start_threshold);
      return TRUE;
    case PROP_END_THRESHOLD:
      g_value_set_double (value, s->end_threshold);
      return TRUE;
    case PROP_MIN_DURATION:
      g_value_set_uint64 (value, s->min_duration);
      return TRUE;
    case PROP_HOLD_TIME:
      g_value_set_uint64 (value, s->hold_time);
      return TRUE;
    case PROP_EOS_POLICY:
      g_value_set_enum (value, s->eos_policy);
      return TRUE;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, s->post_messages);
      return TRUE;
    case PROP_ATTACH_REGION:
      g_value_set_boolean (value, s->attach_region);
      return TRUE;
    case PROP_THREADS:
      g_value_set_uint (value, s->threads);
      return TRUE;
    default:
      return FALSE;
  }
}

void
gst_sth_settings_check_state (GstElement * element, const GValue * value,
    GParamSpec * pspec)
{
  GValue now = G_VALUE_INIT;

  if (!(pspec->flags & GST_PARAM_MUTABLE_READY)
      || GST_STATE (element) <= GST_STATE_READY)
    return;
  g_value_init (&now, G_PARAM_SPEC_VALUE_TYPE (pspec));
  g_object_get_property (G_OBJECT (element), pspec->name, &now);
  if (gst_value_compare (&now, value) != GST_VALUE_EQUAL)
    GST_ELEMENT_WARNING (element, LIBRARY, SETTINGS,
        ("The new %s counts from the next start of the element.", pspec->name),
        ("set the element to READY, then the property, then PLAYING"));
  g_value_unset (&now);
}

gchar *
gst_sth_settings_find_model (const GstSthSettings * s, GError ** error)
{
  const gchar *variable = g_getenv (MODEL_VARIABLE);
  const gchar *path = STH_MODELS_DIR G_DIR_SEPARATOR_S DEFAULT_MODEL;
  const gchar *origin = "the default model, which is not installed";

  if (s->model_file && s->model_file[0]) {
    path = s->model_file;
    origin = "from the property model-file";
  } else if (variable && variable[0]) {
    path = variable;
    origin = "from the environment variable " MODEL_VARIABLE;
  }
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_strdup (path);
  g_set_error (error, STH_ERROR, STH_ERROR_FILE,
      "there is no model file '%s' (%s); set the property model-file or the "
      "environment variable %s to an ONNX file", path, origin, MODEL_VARIABLE);
  return NULL;
}

void
gst_sth_settings_model_options (const GstSthSettings * s,
    SthModelOptions * options)
{
  memset (options, 0, sizeof (*options));
  options->labels_file = s->labels_file
      && s->labels_file[0] ? s->labels_file : NULL;
  options->layout = s->layout;
  options->window_size = s->window_size;
  options->rate_n = s->rate_n > 0 ? s->rate_n : 0;
  options->rate_d = s->rate_n > 0 ? s->rate_d : 0;
  options->sliding = TRUE;
}

void
gst_sth_settings_stream_config (const GstSthSettings * s, gboolean live,
    SthStreamConfig * config)
{
  memset (config, 0, sizeof (*config));
  config->mode = live ? STH_STREAM_LIVE : STH_STREAM_SYNC;
  config->threads = s->threads;
  config->stride = s->stride;
  config->pad_at_end = s->eos_policy == GST_STH_EOS_PAD;
  config->top_k = s->top_k;
  config->threshold = (float) s->threshold;
  config->smoothing_ns = (guint64) (s->smoothing * GST_SECOND);
  config->start_threshold = (float) s->start_threshold;
  config->end_threshold = (float) s->end_threshold;
  config->min_duration_ns = s->min_duration;
}
