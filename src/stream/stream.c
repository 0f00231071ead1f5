/* Frames into windows: the streaming thread's part of a stream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/stream-private.h"

#include <string.h>

#include <sth/sth-error.h>

#include "base/pool.h"

#define DEFAULT_TOP_K 5

static gboolean is_fraction(float x)
{
    return x >= 0 && x <= 1; /* FALSE for NaN */
}

static gboolean check_config(const SthStreamConfig *config, GError **error)
{
    if (config->mode != STH_STREAM_SYNC && config->mode != STH_STREAM_LIVE)
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "cannot make a stream: unknown mode %d", config->mode);
    else if (config->top_k > STH_MAX_TOP_K)
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "cannot make a stream: top-k %u is more than %d", config->top_k, STH_MAX_TOP_K);
    else if (!is_fraction(config->threshold) || !is_fraction(config->start_threshold) || !is_fraction(config->end_threshold))
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "cannot make a stream: thresholds must be from 0 to 1 (threshold %g, start %g, end %g)",
                    config->threshold, config->start_threshold, config->end_threshold);
    else if (config->end_threshold > config->start_threshold)
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "cannot make a stream: end threshold %g is above start threshold %g; lower it",
                    config->end_threshold, config->start_threshold);
    else
        return TRUE;
    return FALSE;
}

/* What may change while the stream runs, with its defaults. */
static void set_config(SthStream *stream, const SthStreamConfig *config)
{
    SthStreamConfig *to = &stream->config;
    const guint half = MAX(stream->info->frames / 2, 1);

    to->stride = config->stride ? config->stride : to->mode == STH_STREAM_LIVE ? 1 : half;
    to->pad_at_end = config->pad_at_end;
    to->top_k = config->top_k ? MIN(config->top_k, STH_MAX_TOP_K) : DEFAULT_TOP_K;
    to->threshold = config->threshold;
    to->smoothing_ns = config->smoothing_ns;
    to->start_threshold = config->start_threshold;
    to->end_threshold = MIN(config->end_threshold, config->start_threshold);
    to->min_duration_ns = config->min_duration_ns;
}

static gboolean allocate(SthStream *stream, GError **error)
{
    const SthModelInfo *info = stream->info;
    stream->job = g_new0(SthSlot *, info->frames);
    stream->job_frame = g_new0(const float *, info->frames);
    stream->job_id = g_new0(guint64, info->frames);
    sth_window_init(&stream->window, info->frames);
    sth_window_init(&stream->clip, info->frames);
    sth_scores_init(&stream->scores, info->n_classes);
    if (sth_slots_init(&stream->slots, 2 * info->frames + 1, 3 * (gsize)info->height * info->width))
        return TRUE;
    g_set_error(error, STH_ERROR, STH_ERROR_SYSTEM, "no memory for the frames of a stream (%u of %u x %u)", 2 * info->frames + 1, info->width,
                info->height);
    return FALSE;
}

SthStream *sth_stream_new(SthModel *model, const SthStreamConfig *config, GError **error)
{
    const SthModelInfo *info = sth_model_get_info(model, error);
    if (!info || !check_config(config, error))
        return NULL;
    SthStream *stream = g_new0(SthStream, 1);
    stream->model = sth_model_ref(model);
    stream->info = info;
    stream->config = *config;
    set_config(stream, config);
    stream->countdown = info->frames;
    sth_sampler_init(&stream->sampler, info->rate_n, info->rate_d, info->frames);
    sth_action_init(&stream->action);
    pthread_mutex_init(&stream->lock, NULL);

    const gboolean live = config->mode == STH_STREAM_LIVE;
    gboolean ok = allocate(stream, error);
    if (ok)
        stream->session = (live ? sth_session_new_background : sth_session_new)(model, config->threads, error);
    ok = ok && stream->session;
    if (ok && live)
        ok = (stream->client = sth_scheduler_add(sth_stream_run_posted, stream, error)) != NULL;
    if (!ok)
        g_clear_pointer(&stream, sth_stream_free);
    return stream;
}

void sth_stream_free(SthStream *stream)
{
    if (!stream)
        return;
    sth_scheduler_remove(stream->client);
    sth_session_free(stream->session);
    sth_preprocess_free(stream->preprocess);
    sth_window_clear(&stream->window);
    sth_window_clear(&stream->clip);
    sth_slots_clear(&stream->slots);
    sth_scores_clear(&stream->scores);
    g_free(stream->job);
    g_free(stream->job_frame);
    g_free(stream->job_id);
    pthread_mutex_destroy(&stream->lock);
    sth_model_unref(stream->model);
    g_free(stream);
}

void sth_stream_configure(SthStream *stream, const SthStreamConfig *config)
{
    pthread_mutex_lock(&stream->lock);
    set_config(stream, config);
    if (stream->window.count == stream->window.frames)
        stream->countdown = MIN(stream->countdown, stream->config.stride);
    pthread_mutex_unlock(&stream->lock);
}

void sth_stream_drop_window(SthStream *stream)
{
    sth_window_drop(&stream->window);
    stream->generation++;
    stream->countdown = stream->info->frames;
    stream->unseen = 0;
    stream->windows_skipped += stream->posted;
    stream->posted = FALSE;
}

static gboolean same_format(const SthFrameFormat *a, const SthFrameFormat *b)
{
    return a->pixel == b->pixel && a->width == b->width && a->height == b->height && a->par_n == b->par_n && a->par_d == b->par_d &&
           a->matrix == b->matrix && !a->full_range == !b->full_range;
}

gboolean sth_stream_set_format(SthStream *stream, const SthFrameFormat *format, GError **error)
{
    if (stream->preprocess && same_format(&stream->format, format))
        return TRUE;
    SthPreprocess *preprocess = sth_preprocess_new(format, stream->info, error);
    if (!preprocess)
        return FALSE;
    sth_preprocess_free(stream->preprocess);
    stream->preprocess = preprocess;
    stream->format = *format;
    stream->samples = 0;
    sth_sampler_reset(&stream->sampler);
    pthread_mutex_lock(&stream->lock);
    sth_stream_drop_window(stream);
    sth_window_drop(&stream->clip);
    pthread_mutex_unlock(&stream->lock);
    return TRUE;
}

gboolean sth_stream_wants(SthStream *stream, guint64 pts)
{
    const SthSample sample = sth_sampler_next(&stream->sampler, pts);
    stream->samples = sample.samples;
    pthread_mutex_lock(&stream->lock);
    stream->frames_in++;
    if (pts != STH_TIME_NONE)
        stream->newest_pts = pts;
    if (sample.cleared) { /* what was recognised before the gap says nothing about the frames after it */
        sth_stream_drop_window(stream);
        sth_scores_reset(&stream->scores);
        sth_action_break(&stream->action);
        stream->has_latest = FALSE;
    }
    pthread_mutex_unlock(&stream->lock);
    return sample.samples > 0;
}

/* A free slot with the frame in it, held once. */
static SthSlot *preprocess_frame(SthStream *stream, const SthFrame *frame)
{
    pthread_mutex_lock(&stream->lock);
    SthSlot *slot = sth_slots_take(&stream->slots);
    pthread_mutex_unlock(&stream->lock);
    g_assert(slot); /* a window, a run and this frame: there are 2 N + 1 */
    const guint64 begin = sth_stream_now();
    sth_preprocess_run(stream->preprocess, frame, slot->data);
    slot->pts = frame->pts;
    const guint64 end = sth_stream_now();
    pthread_mutex_lock(&stream->lock);
    sth_durations_add(&stream->preprocessing, end - begin);
    stream->frames_sampled++;
    pthread_mutex_unlock(&stream->lock);
    return slot;
}

/* Puts a frame into the window. TRUE if that makes a window due: *sequence is its number. */
static gboolean take_frame(SthStream *stream, const SthFrame *frame, guint64 *sequence)
{
    const guint samples = MAX(stream->samples, 1);
    stream->samples = 0;
    SthSlot *slot = preprocess_frame(stream, frame);

    pthread_mutex_lock(&stream->lock);
    for (guint i = 0; i < MIN(samples, stream->window.frames); i++)
        sth_window_append(&stream->window, slot);
    sth_slot_unref(slot);
    stream->unseen += samples;
    stream->countdown -= samples;
    const gboolean due = stream->countdown <= 0;
    if (due) {
        const gint64 stride = stream->config.stride; /* one frame makes one window due, however many samples it stands for */
        stream->countdown += (-stream->countdown / stride + 1) * stride;
        *sequence = stream->windows_due++;
    }
    pthread_mutex_unlock(&stream->lock);
    return due;
}

gboolean sth_stream_push(SthStream *stream, const SthFrame *frame, SthResult *result)
{
    guint64 sequence;
    g_return_val_if_fail(stream->preprocess, FALSE);
    if (stream->client)
        sth_pool_make_room();
    if (!take_frame(stream, frame, &sequence))
        return FALSE;
    if (!stream->client)
        return sth_stream_run_window(stream, &stream->window, sequence, result);
    pthread_mutex_lock(&stream->lock);
    stream->windows_skipped += stream->posted; /* the newer window replaces one that has not begun */
    stream->posted = TRUE;
    stream->posted_sequence = sequence;
    pthread_mutex_unlock(&stream->lock);
    sth_scheduler_post(stream->client);
    return FALSE;
}

void sth_stream_push_skip(SthStream *stream, const SthFrame *frame)
{
    guint64 sequence;
    g_return_if_fail(stream->preprocess);
    if (!take_frame(stream, frame, &sequence))
        return;
    pthread_mutex_lock(&stream->lock);
    stream->windows_skipped++;
    pthread_mutex_unlock(&stream->lock);
}

gboolean sth_stream_push_clip(SthStream *stream, const SthFrame *frame, SthResult *result)
{
    g_return_val_if_fail(stream->preprocess && !stream->client, FALSE);
    SthSlot *slot = preprocess_frame(stream, frame);
    pthread_mutex_lock(&stream->lock);
    stream->frames_in++;
    sth_window_append(&stream->clip, slot);
    sth_slot_unref(slot);
    const gboolean full = stream->clip.count == stream->clip.frames;
    const guint64 sequence = stream->windows_due;
    stream->windows_due += full;
    pthread_mutex_unlock(&stream->lock);
    if (!full)
        return FALSE;
    const gboolean told = sth_stream_run_window(stream, &stream->clip, sequence, result);
    pthread_mutex_lock(&stream->lock);
    sth_window_drop(&stream->clip);
    pthread_mutex_unlock(&stream->lock);
    return told;
}

void sth_stream_get_stats(SthStream *stream, SthStreamStats *stats)
{
    pthread_mutex_lock(&stream->lock);
    const SthDurations *inference = &stream->inference;
    *stats = (SthStreamStats){
        .frames_in = stream->frames_in,
        .frames_sampled = stream->frames_sampled,
        .windows_due = stream->windows_due,
        .windows_run = inference->count,
        .windows_skipped = stream->windows_skipped,
        .inference_last = inference->last,
        .inference_mean = sth_durations_mean(inference),
        .inference_p50 = sth_durations_percentile(inference, 0.5),
        .inference_p99 = sth_durations_percentile(inference, 0.99),
        .inference_max = inference->max,
        .preprocess_mean = sth_durations_mean(&stream->preprocessing),
        .preprocess_max = stream->preprocessing.max,
    };
    if (stream->client && stream->has_latest && stream->newest_pts > stream->latest.window_end)
        stats->lag = stream->newest_pts - stream->latest.window_end;
    pthread_mutex_unlock(&stream->lock);
}
