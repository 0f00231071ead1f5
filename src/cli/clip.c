/* A trimmed clip: which frames of a whole video a clip network sees.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/clip.h"

#include "cli/decode.h"

/* One pass over the video. */
typedef struct {
    SthStream *stream;
    guint n, pushed;          /* frames of a window; those handed in so far */
    guint64 begin, length;    /* of the part of stream time that is sampled */
    guint64 first, last, end; /* PTS of the first and last frame seen, end of the last */
    SthFrameFormat format;
    gboolean has_format, done; /* done: *result is filled */
    SthResult *result;
} ClipPass;

/* Middle of part i of n, in stream time. */
static guint64 sample_time(const ClipPass *pass, guint i)
{
    return pass->begin + gst_util_uint64_scale(pass->length, 2 * i + 1, 2 * pass->n);
}

static gboolean push(ClipPass *pass, const SthDecodedFrame *decoded, GError **error)
{
    const SthFrameFormat *f = &decoded->format, *g = &pass->format;
    gboolean same = pass->has_format && f->pixel == g->pixel && f->width == g->width && f->height == g->height && f->par_n == g->par_n &&
                    f->par_d == g->par_d && f->matrix == g->matrix && f->full_range == g->full_range;
    if (!same && !sth_stream_set_format(pass->stream, f, error))
        return FALSE;
    pass->format = *f;
    pass->has_format = TRUE;
    pass->done = sth_stream_push_clip(pass->stream, &decoded->frame, pass->result);
    pass->pushed++;
    return TRUE;
}

/* Hands in @decoded for every sample time before @until. */
static gboolean push_until(ClipPass *pass, const SthDecodedFrame *decoded, guint64 until, GError **error)
{
    while (pass->pushed < pass->n && sample_time(pass, pass->pushed) < until)
        if (!push(pass, decoded, error))
            return FALSE;
    return TRUE;
}

/* A frame shows until the next one comes, so each is handed in when its successor is known. A pass with length 0 only measures. */
static gboolean run_pass(ClipPass *pass, SthDecoder *decoder, const char *location, GError **error)
{
    SthDecodedFrame *shown = NULL, *next;
    gboolean ok = TRUE;
    guint64 duration = 0;
    while (ok && (ok = sth_decoder_next(decoder, &next, error)) && next != NULL) {
        if (next->frame.pts == STH_TIME_NONE)
            next->frame.pts = shown != NULL ? shown->frame.pts + duration : 0;
        if (shown == NULL)
            pass->first = next->frame.pts;
        else if (pass->length > 0)
            ok = push_until(pass, shown, next->frame.pts, error);
        if (next->duration != STH_TIME_NONE)
            duration = next->duration;
        else if (shown != NULL && next->frame.pts > shown->frame.pts)
            duration = next->frame.pts - shown->frame.pts;
        sth_decoded_frame_free(shown);
        shown = next;
    }
    if (ok && shown == NULL) {
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s' has no frames", location);
        ok = FALSE;
    }
    if (ok) {
        pass->last = shown->frame.pts;
        pass->end = shown->frame.pts + MAX(duration, 1);
        if (pass->length > 0)
            ok = push_until(pass, shown, G_MAXUINT64, error);
    }
    sth_decoded_frame_free(shown);
    return ok;
}

/* What the container promised is good enough if it is off by less than a frame at either end. */
static gboolean length_was_right(const ClipPass *pass)
{
    guint64 frame = pass->end - pass->last, promised = pass->begin + pass->length;
    guint64 off = promised > pass->end ? promised - pass->end : pass->end - promised;
    return pass->length > 0 && pass->first < frame && off < frame;
}

gboolean sth_clip_classify(SthStream *stream, const SthModelInfo *info, const char *location, SthResult *result, GError **error)
{
    SthDecoder *decoder = sth_decoder_open(location, error);
    if (decoder == NULL)
        return FALSE;
    guint64 duration = sth_decoder_get_duration(decoder);
    ClipPass pass = {.stream = stream, .n = info->frames, .length = duration != STH_TIME_NONE ? duration : 0, .result = result};
    gboolean ok = run_pass(&pass, decoder, location, error);
    sth_decoder_free(decoder);
    if (!ok || length_was_right(&pass))
        return ok;

    /* Now the length is known: from the first frame to the end of the last. */
    if ((decoder = sth_decoder_open(location, error)) == NULL)
        return FALSE;
    pass = (ClipPass){.stream = stream, .n = info->frames, .begin = pass.first, .length = pass.end - pass.first, .result = result};
    ok = run_pass(&pass, decoder, location, error);
    sth_decoder_free(decoder);
    return ok && pass.done;
}
