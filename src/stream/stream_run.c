/* Windows into results: the part of a stream that runs the network, at its end, and the newest result.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/stream-private.h"

#include <time.h>

guint64 sth_stream_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (guint64)now.tv_sec * 1000000000u + (guint64)now.tv_nsec;
}

void sth_stream_blank_result(SthResult *result)
{
    const SthAction none = {.index = -1, .start = STH_TIME_NONE, .end = STH_TIME_NONE};
    *result = (SthResult){.window_start = STH_TIME_NONE, .window_end = STH_TIME_NONE, .label = -1, .action = none, .ended = none};
}

/* Scores of @result's window into words. Lock held. */
static void evaluate(SthStream *stream, const float *raw, gboolean alone, SthResult *result)
{
    const SthStreamConfig *config = &stream->config;
    const SthActionRule rule = {config->start_threshold, config->end_threshold, config->min_duration_ns, stream->info->background_label};
    SthScores *scores = &stream->scores;

    sth_scores_activate(scores, raw, stream->info->score_rows, stream->info->activation);
    if (!alone) {
        sth_scores_smooth(scores, result->window_end, config->smoothing_ns);
        sth_action_update(&stream->action, &rule, scores->smoothed, scores->n, result);
    }
    const float *confidence = alone ? scores->fresh : scores->smoothed;
    result->n_top = sth_scores_top(confidence, scores->n, config->top_k, result->top);
    const SthScore best = result->top[0];
    result->label = best.confidence >= config->threshold && best.index != stream->info->background_label ? best.index : -1;
    stream->latest = *result;
    stream->has_latest = TRUE;
}

/* Holds the frames of @window for a run. Returns the generation they belong to. Lock held. */
static guint begin_run(SthStream *stream, const SthWindow *window)
{
    sth_window_select(window, stream->job);
    stream->unseen = 0;
    return stream->generation;
}

/* Runs the network on the frames held and lets them go. FALSE: the window was cleared meanwhile. */
static gboolean complete_run(SthStream *stream, guint generation, gboolean alone, SthResult *result)
{
    const guint n = stream->info->frames;
    const SthTensor *output = sth_session_get_output(stream->session, stream->info->output);

    result->window_start = stream->job[0]->pts;
    result->window_end = stream->job[n - 1]->pts;
    for (guint i = 0; i < n; i++) {
        stream->job_frame[i] = stream->job[i]->data;
        stream->job_id[i] = stream->job[i]->id;
    }
    const guint64 begin = sth_stream_now();
    sth_session_run_window(stream->session, stream->job_frame, stream->job_id);
    result->inference_ns = sth_stream_now() - begin;

    pthread_mutex_lock(&stream->lock);
    for (guint i = 0; i < n; i++)
        sth_slot_unref(stream->job[i]);
    sth_durations_add(&stream->inference, result->inference_ns);
    const gboolean valid = generation == stream->generation;
    if (valid)
        evaluate(stream, output->data, alone, result);
    pthread_mutex_unlock(&stream->lock);
    return valid;
}

gboolean sth_stream_run_window(SthStream *stream, const SthWindow *window, guint64 sequence, SthResult *result)
{
    sth_stream_blank_result(result);
    result->sequence = sequence;
    pthread_mutex_lock(&stream->lock);
    const guint generation = begin_run(stream, window);
    pthread_mutex_unlock(&stream->lock);
    return complete_run(stream, generation, window == &stream->clip, result);
}

void sth_stream_run_posted(gpointer data)
{
    SthStream *stream = data;
    SthResult result;
    guint generation = 0;

    sth_stream_blank_result(&result);
    pthread_mutex_lock(&stream->lock);
    const gboolean posted = stream->posted; /* FALSE: cleared since */
    if (posted) {
        stream->posted = FALSE;
        result.sequence = stream->posted_sequence;
        generation = begin_run(stream, &stream->window);
    }
    pthread_mutex_unlock(&stream->lock);
    if (posted && complete_run(stream, generation, FALSE, &result) && stream->config.notify)
        stream->config.notify(&result, stream->config.notify_data);
}

gboolean sth_stream_get_latest(SthStream *stream, SthResult *result)
{
    pthread_mutex_lock(&stream->lock);
    const gboolean has = stream->has_latest;
    if (has)
        *result = stream->latest;
    pthread_mutex_unlock(&stream->lock);
    return has;
}

/* The newest result as a carrier of an end: its own events were told with it. Lock held. */
static void repeat_latest(const SthStream *stream, SthResult *result)
{
    SthResult blank;
    sth_stream_blank_result(&blank);
    *result = stream->has_latest ? stream->latest : blank;
    result->events = STH_EVENT_NONE;
    result->ended = blank.ended;
}

gboolean sth_stream_finish(SthStream *stream, SthResult *result)
{
    pthread_mutex_lock(&stream->lock);
    const guint64 runs = stream->inference.count;
    pthread_mutex_unlock(&stream->lock);
    if (stream->client)
        sth_scheduler_wait(stream->client);

    pthread_mutex_lock(&stream->lock);
    /* A window that ended while this call waited: told by notify, or else by this call. */
    gboolean fresh = stream->inference.count > runs && stream->has_latest && !stream->config.notify;
    const SthWindow *window = &stream->window;
    const gboolean due = stream->unseen > 0 && (window->count == window->frames || stream->config.pad_at_end);
    const guint64 sequence = stream->windows_due;
    stream->windows_due += due;
    if (fresh)
        *result = stream->latest;
    else
        repeat_latest(stream, result);
    pthread_mutex_unlock(&stream->lock);

    if (due)
        fresh = sth_stream_run_window(stream, window, sequence, result);
    pthread_mutex_lock(&stream->lock);
    const gboolean closed = sth_action_close(&stream->action, result);
    if (fresh || closed) {
        stream->latest = *result;
        stream->has_latest = TRUE;
    }
    pthread_mutex_unlock(&stream->lock);
    return fresh || closed;
}

gboolean sth_stream_reset(SthStream *stream, SthResult *result)
{
    SthResult last;
    sth_sampler_reset(&stream->sampler);
    stream->samples = 0;
    pthread_mutex_lock(&stream->lock);
    sth_stream_drop_window(stream);
    sth_window_drop(&stream->clip);
    sth_scores_reset(&stream->scores);
    repeat_latest(stream, &last);
    const gboolean closed = sth_action_close(&stream->action, &last);
    stream->has_latest = FALSE;
    pthread_mutex_unlock(&stream->lock);
    if (closed && result)
        *result = last;
    return closed;
}
