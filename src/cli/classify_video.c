/* One video of `sth classify` as text.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/classify.h"

#include "cli/clip.h"
#include "cli/decode.h"
#include "export/json.h"

#include <string.h>

static const char *label_name(const SthModelInfo *info, gint index)
{
    return index >= 0 && (guint)index < info->n_classes ? info->labels[index] : NULL;
}

/* @fresh: a window was run for it; otherwise it only tells that an action ended. */
static SthRecord make_record(const SthModelInfo *info, const char *location, const SthFrameFormat *format, const SthResult *result, gboolean fresh)
{
    SthRecord record = {
        .source = location,
        .model = info->name,
        .width = format->width,
        .height = format->height,
        .timestamp = result->window_end,
        .running_time = STH_TIME_NONE,
        .system_timestamp = STH_TIME_NONE,
        .window_start = result->window_start,
        .window_end = result->window_end,
        .inference_ns = result->inference_ns,
        .held = !fresh,
        .n_top = result->n_top,
        .label = result->label >= 0 ? 0 : -1,
        .events = result->events,
        .action = result->action,
        .ended = result->ended,
        .action_label = label_name(info, result->action.index),
        .ended_label = label_name(info, result->ended.index),
    };
    for (guint i = 0; i < result->n_top; i++) {
        record.top[i] = result->top[i];
        record.top_label[i] = label_name(info, result->top[i].index);
    }
    return record;
}

/* What one file's sliding windows need. */
typedef struct {
    const SthClassifySettings *settings;
    const SthClassifySink *sink;
    const char *location;
    SthStream *stream;
    SthExporter *exporter;
    SthFrameFormat format;
    gboolean has_format;
    guint64 last_sequence, end; /* of the newest record; G_MAXUINT64: none. End of the video so far */
} Sliding;

static gboolean tell(Sliding *s, const SthResult *result, GError **error)
{
    SthRecord record = make_record(s->settings->info, s->location, &s->format, result, result->sequence != s->last_sequence);
    g_autoptr(GString) text = g_string_new(NULL);
    s->last_sequence = result->sequence;
    sth_exporter_record(s->exporter, &record, text);
    return s->sink->write(s->sink->data, text->str, text->len, error);
}

static gboolean take_frame(Sliding *s, const SthDecodedFrame *decoded, GError **error)
{
    SthResult result;
    const SthFrameFormat *f = &decoded->format, *g = &s->format;
    if (decoded->frame.pts != STH_TIME_NONE)
        s->end = decoded->frame.pts + (decoded->duration != STH_TIME_NONE ? decoded->duration : 0);
    if (!s->has_format || f->pixel != g->pixel || f->width != g->width || f->height != g->height || f->par_n != g->par_n || f->par_d != g->par_d ||
        f->matrix != g->matrix || f->full_range != g->full_range) {
        if (!sth_stream_set_format(s->stream, f, error))
            return FALSE;
        s->format = *f;
        s->has_format = TRUE;
    }
    if (!sth_stream_wants(s->stream, decoded->frame.pts) || !sth_stream_push(s->stream, &decoded->frame, &result))
        return TRUE;
    return tell(s, &result, error);
}

static gboolean slide(Sliding *s, SthDecoder *decoder, GError **error)
{
    SthDecodedFrame *decoded;
    SthResult result;
    guint64 duration = sth_decoder_get_duration(decoder);
    gboolean ok = TRUE;
    while (ok && (ok = sth_decoder_next(decoder, &decoded, error)) && decoded != NULL) {
        ok = take_frame(s, decoded, error);
        s->sink->progress(s->sink->data, decoded->frame.pts, duration);
        sth_decoded_frame_free(decoded);
    }
    if (!s->has_format) {
        if (ok)
            g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s' has no frames", s->location);
        return FALSE;
    }
    /* A file that breaks off tells what was seen before. */
    if (sth_stream_finish(s->stream, &result) && !tell(s, &result, ok ? error : NULL))
        return FALSE;
    return ok;
}

static gboolean classify_sliding(const SthClassifySettings *settings, const SthClassifySink *sink, const char *location, GError **error)
{
    SthDecoder *decoder = sth_decoder_open(location, error);
    if (decoder == NULL)
        return FALSE;
    g_autoptr(GString) text = g_string_new(NULL);
    Sliding s = {.settings = settings, .sink = sink, .location = location, .last_sequence = G_MAXUINT64};
    s.exporter = sth_exporter_new(settings->format, settings->emit);
    s.stream = sth_stream_new(settings->model, &settings->config, error);
    gboolean ok = s.stream != NULL;
    if (ok && settings->head) {
        sth_exporter_start(s.exporter, text);
        ok = sink->write(sink->data, text->str, text->len, error);
        g_string_truncate(text, 0);
    }
    if (ok) {
        ok = slide(&s, decoder, error);
        sth_exporter_finish(s.exporter, s.end, text);
        ok = sink->write(sink->data, text->str, text->len, ok ? error : NULL) && ok;
    }
    if (s.stream != NULL)
        sth_stream_free(s.stream);
    sth_exporter_free(s.exporter);
    sth_decoder_free(decoder);
    return ok;
}

static void write_score(JsonBuilder *json, const SthModelInfo *info, const SthScore *score)
{
    sth_json_string(json, "label", label_name(info, score->index));
    sth_json_uint(json, "label_id", (guint64)score->index);
    sth_json_number(json, "confidence", score->confidence);
}

/* A clip has at least one score: top_k is 1 or more. */
static char *clip_to_json(const SthModelInfo *info, const char *location, const SthResult *result)
{
    GString *out = g_string_new(NULL);
    JsonBuilder *json = json_builder_new();
    sth_json_object(json, NULL);
    sth_json_string(json, "file", location);
    write_score(json, info, &result->top[0]);
    sth_json_array(json, "top");
    for (guint i = 0; i < result->n_top; i++) {
        sth_json_object(json, NULL);
        write_score(json, info, &result->top[i]);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    json_builder_end_object(json);
    sth_json_finish(json, out);
    return g_string_free(out, FALSE);
}

static gboolean classify_clip(const SthClassifySettings *settings, const SthClassifySink *sink, const char *location, GError **error)
{
    SthResult result;
    SthStream *stream = sth_stream_new(settings->model, &settings->config, error);
    gboolean ok = stream != NULL && sth_clip_classify(stream, settings->info, location, &result, error);
    if (stream != NULL)
        sth_stream_free(stream);
    if (!ok)
        return FALSE;
    g_autofree char *line = clip_to_json(settings->info, location, &result);
    return sink->write(sink->data, line, strlen(line), error);
}

gboolean sth_classify_video(const SthClassifySettings *settings, const SthClassifySink *sink, const char *location, GError **error)
{
    return settings->clip ? classify_clip(settings, sink, location, error) : classify_sliding(settings, sink, location, error);
}
