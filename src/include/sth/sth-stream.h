/* libsth: streams. A stream turns frames with PTS into windows and windows into results.
 *
 *   frame -> sample by time -> preprocess -> window -> network -> scores -> smoothing -> result
 *
 * One thread (the streaming thread) calls every function of a stream; only the notification comes from another
 * thread, the scheduler, in live mode.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-result.h>
#include <sth/sth-session.h>

G_BEGIN_DECLS

typedef struct _SthStream SthStream;

/* Memory layouts of frames that are read directly. 8 bits a sample. Others: convert to one of these first. */
typedef enum {
    STH_PIXEL_I420, /* planes Y, U, V; chroma at half width and height */
    STH_PIXEL_YV12, /* planes Y, V, U */
    STH_PIXEL_NV12, /* planes Y, interleaved UV */
    STH_PIXEL_NV21, /* planes Y, interleaved VU */
    STH_PIXEL_YUY2, /* Y U Y V packed */
    STH_PIXEL_UYVY, /* U Y V Y packed */
    STH_PIXEL_RGB,  /* 3 bytes a pixel */
    STH_PIXEL_BGR,
    STH_PIXEL_RGBA, /* 4 bytes a pixel; the fourth is not read: also RGBx */
    STH_PIXEL_BGRA, /* also BGRx */
    STH_PIXEL_ARGB, /* also xRGB */
    STH_PIXEL_ABGR, /* also xBGR */
    STH_PIXEL_GRAY8,
} SthPixelFormat;

typedef enum { STH_MATRIX_BT601, STH_MATRIX_BT709, STH_MATRIX_BT2020 } SthMatrix;

typedef struct {
    SthPixelFormat pixel;
    guint width, height; /* pixels, >= 1 */
    guint par_n, par_d;  /* pixel aspect ratio; 0/0 counts as 1/1 */
    SthMatrix matrix;    /* YUV only */
    gboolean full_range; /* YUV and GRAY8: 0…255 in place of 16…235 */
} SthFrameFormat;

/* One frame. Planes are read during the call only. Strides in bytes, may be negative. */
typedef struct {
    const guint8 *plane[3];
    gint stride[3];
    guint64 pts;
} SthFrame;

typedef enum {
    STH_STREAM_SYNC, /* every window runs, in sth_stream_push(); the same frames give the same results */
    STH_STREAM_LIVE, /* windows run on the scheduler's thread, newest first; sth_stream_push() never waits for one */
} SthStreamMode;

typedef struct {
    SthStreamMode mode;
    guint threads;                        /* as in sth_session_new() */
    guint stride;                         /* sampled frames between two windows; 0: 1 in live mode, half a window in sync mode */
    gboolean pad_at_end;                  /* sth_stream_finish(): a stream too short for one window is resampled to one, as TSN does */
    guint top_k;                          /* 1…STH_MAX_TOP_K; 0: 5 */
    float threshold;                      /* confidence from which `label` is set */
    guint64 smoothing_ns;                 /* time constant of the exponential smoothing of confidences; 0: none */
    float start_threshold, end_threshold; /* of actions, 0…1 */
    guint64 min_duration_ns;              /* an action starts once it has lasted this long */
    /* Live mode: called on the scheduler's thread after each window, with the result; must not block nor call into the stream. May be NULL. */
    void (*notify)(const SthResult *result, gpointer data);
    gpointer notify_data;
} SthStreamConfig;

/* Counters since sth_stream_new(); times in nanoseconds. */
typedef struct {
    guint64 frames_in, frames_sampled, windows_due, windows_run, windows_skipped;
    guint64 inference_last, inference_mean, inference_p50, inference_p99, inference_max;
    guint64 preprocess_mean, preprocess_max; /* of sampled frames */
    guint64 lag;                             /* live: newest frame's PTS less window_end of the newest result; 0 without one */
} SthStreamStats;

/**
 * sth_stream_new:
 * Returns: a stream that holds a reference on @model; NULL with @error when the model is no clip network
 * (STH_ERROR_SHAPE), @config contradicts itself (STH_ERROR_ARGUMENT) or memory runs out (STH_ERROR_SYSTEM).
 */
SthStream *sth_stream_new(SthModel *model, const SthStreamConfig *config, GError **error);
/* Waits for a window of this stream that is being run. */
void sth_stream_free(SthStream *stream);

/* Changes thresholds, smoothing, top_k, stride of a running stream; mode, threads and notify stay. */
void sth_stream_configure(SthStream *stream, const SthStreamConfig *config);

/* Sets what the following frames look like; builds the resize tables; clears the window if anything changed.
 * FALSE with @error (STH_ERROR_ARGUMENT) for a size of zero. */
gboolean sth_stream_set_format(SthStream *stream, const SthFrameFormat *format, GError **error);

/* TRUE if a frame with this PTS will be sampled: only then need it be mapped and pushed. Counts the frame in either case;
 * call it once a frame, in order. A PTS that goes back or jumps by more than a window clears the window. */
gboolean sth_stream_wants(SthStream *stream, guint64 pts);

/* Takes a frame that sth_stream_wants() asked for. Sync mode: if that completes a window, runs it and returns TRUE with
 * *result filled. Live mode: posts the window and returns FALSE; cannot block. Needs a format. */
gboolean sth_stream_push(SthStream *stream, const SthFrame *frame, SthResult *result);

/* As push for a window that is due, but without running it (QoS): counts it as skipped. */
void sth_stream_push_skip(SthStream *stream, const SthFrame *frame);

/* Newest result, if one came since the last reset; TRUE and a copy in *result. Both modes. Never waits for a window. */
gboolean sth_stream_get_latest(SthStream *stream, SthResult *result);

/* At the end of the stream: runs the window that is still due. Sync: frames after the last window, or a short stream's padded
 * window. Live: waits for the window in flight. Then closes the action that is going on. TRUE with *result if there is something
 * new to tell (a window was run or an action ended). */
gboolean sth_stream_finish(SthStream *stream, SthResult *result);

/* Forgets frames, smoothing and actions (flush, discontinuity, new stream); keeps model, format, counters.
 * TRUE with *result if an action was going on and ended by this. result may be NULL. */
gboolean sth_stream_reset(SthStream *stream, SthResult *result);

void sth_stream_get_stats(SthStream *stream, SthStreamStats *stats);

/* One trimmed clip, as TSN evaluates: the caller hands in the N frames (N = info->frames) at the middle of N equal parts of the clip,
 * in order; the last one gives the result. Independent of sampling, windows, smoothing: returns TRUE with the N-th frame. Sync mode only. */
gboolean sth_stream_push_clip(SthStream *stream, const SthFrame *frame, SthResult *result);

G_END_DECLS
