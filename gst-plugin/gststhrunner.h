/* GStreamer: a model, a stream of libsth and what they need around them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gststhframe.h"
#include "gststhinbox.h"
#include "gststhreport.h"
#include "gststhsettings.h"

G_BEGIN_DECLS
/* Used by the streaming thread (and by start and stop, when there is none),
 * but for _get_stats(). The fields down to `live` are read by its owner. */
    typedef struct
{
  GstSthNames names;            /* empty: no model is open */
  SthStream *stream;            /* NULL: none yet */
  GstVideoInfo info;            /* of the frames; `reader` NULL: none yet */
  GstSthFrameReader *reader;
  gboolean live;

  SthModel *model;
  gchar **labels;               /* of the model, valid UTF-8 */
  gchar *source;
  GstSthInbox inbox;            /* live mode's results */
  /* Held while `stream` is used; who reads counters tries it and does not
   * wait for a window. */
  GMutex stream_lock;
  GMutex stats_lock;
  SthStreamStats stats;         /* newest copy */
} GstSthRunner;

void gst_sth_runner_init (GstSthRunner * runner);
void gst_sth_runner_clear (GstSthRunner * runner);

/* Opens the model; takes up to seconds. FALSE with @error: nothing is open. */
gboolean gst_sth_runner_open (GstSthRunner * runner,
    const GstSthSettings * settings, GError ** error);
/* Closes stream and model; the counters stay until the next open. */
void gst_sth_runner_close (GstSthRunner * runner);
/* Name of the video, told with the results. */
void gst_sth_runner_set_source (GstSthRunner * runner, const gchar * id);

/* A new stream in place of the one there may be. FALSE with @error. */
gboolean gst_sth_runner_start (GstSthRunner * runner, SthStreamConfig * config,
    GError ** error);
void gst_sth_runner_configure (GstSthRunner * runner,
    const SthStreamConfig * config);
/* What the next frames look like. FALSE with @error. Needs a stream. */
gboolean gst_sth_runner_set_info (GstSthRunner * runner,
    const GstVideoInfo * info, GError ** error);

/* Takes a frame, which is looked at only if it is sampled. @skip: a window
 * that it completes does not run. Sync mode: TRUE with *result if a window ran.
 * Needs a stream and an info. */
gboolean gst_sth_runner_feed (GstSthRunner * runner, GstBuffer * buffer,
    gboolean skip, SthResult * result);
/* Live mode: the oldest result that has not been taken. */
gboolean gst_sth_runner_take (GstSthRunner * runner, SthResult * result);
/* As sth_stream_finish() and sth_stream_reset(); FALSE without a stream. */
gboolean gst_sth_runner_finish (GstSthRunner * runner, SthResult * result);
gboolean gst_sth_runner_reset (GstSthRunner * runner, SthResult * result);

/* Any thread, never waits for a window: while one runs in sync mode, these are
 * the counters from before it. */
void gst_sth_runner_get_stats (GstSthRunner * runner, SthStreamStats * stats);

G_END_DECLS
