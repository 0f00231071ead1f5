/* What a stream is made of; shared by stream.c (frames in) and stream_run.c (results out).
 *
 * Threads: the streaming thread calls the public functions; in live mode the scheduler's thread runs windows. `lock` is held for moments only:
 * never during preprocessing, assembling or a run of the network. It is pthread's, not GLib's: the thread sanitizer knows it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>

#include <sth/sth-stream.h>

#include "stream/action.h"
#include "stream/preprocess.h"
#include "stream/sampler.h"
#include "stream/scheduler.h"
#include "stream/scores.h"
#include "stream/slots.h"
#include "stream/stats.h"
#include "stream/window.h"

G_BEGIN_DECLS

struct _SthStream {
    /* Set once. */
    SthModel *model;
    const SthModelInfo *info;
    SthSchedulerClient *client; /* NULL in sync mode */

    /* The streaming thread's. */
    SthSampler sampler;
    guint samples; /* grid points that the frame which was asked for stands for */
    SthFrameFormat format;
    SthPreprocess *preprocess; /* NULL: no format yet */

    /* Whoever runs a window: the scheduler's thread, or the streaming thread in sync mode and once the scheduler has nothing of this stream. */
    SthSession *session;
    SthSlot **job;           /* [N]: frames of the run, held */
    const float **job_frame; /* [N]: their data and ids */
    guint64 *job_id;

    pthread_mutex_t lock;   /* guards what follows, and the references of slots */
    SthStreamConfig config; /* defaults filled in */
    SthSlots slots;         /* 2 N + 1: a window, a run, and the frame that is being written */
    SthWindow window, clip; /* clip: of sth_stream_push_clip() */
    guint generation;       /* grows when the window is cleared: what was taken from it before is void */
    gint64 countdown;       /* samples until the next window is due */
    guint64 unseen;         /* samples that no run has seen */
    gboolean posted;        /* live: a window waits for the scheduler */
    guint64 posted_sequence;
    SthScores scores;
    SthActionState action;
    gboolean has_latest;
    SthResult latest;
    guint64 newest_pts;
    guint64 frames_in, frames_sampled, windows_due, windows_skipped;
    SthDurations inference, preprocessing;
};

guint64 sth_stream_now(void); /* monotonic clock, ns */

/* Forgets the frames of the window and what is posted of them. Lock held. */
void sth_stream_drop_window(SthStream *stream);
/* A result that says nothing yet. */
void sth_stream_blank_result(SthResult *result);
/* Runs the network on @window, which has frames, and tells what it says in *result; makes that the newest one. FALSE: the window was cleared
 * meanwhile, there is nothing to tell. The streaming thread's; call it without the lock. */
gboolean sth_stream_run_window(SthStream *stream, const SthWindow *window, guint64 sequence, SthResult *result);
/* The scheduler's call; @data is the stream. */
void sth_stream_run_posted(gpointer data);

G_END_DECLS
