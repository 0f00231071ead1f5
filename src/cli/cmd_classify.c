/* `sth classify`: what happens in video files.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "cli/clip.h"
#include "cli/decode.h"
#include "export/json.h"

#include <stdio.h>
#include <unistd.h>

typedef struct {
    char *model_file, *format_name, *emit_name;
    gboolean clip;
    int threads, top_k, stride;
    double threshold, smoothing;
    const SthExportFormat *format;
    SthExportEmit emit;
    SthStreamConfig config;
    SthModel *model;
    const SthModelInfo *info;
} Options;

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

static void show_progress(const char *location, guint64 pts, guint64 duration)
{
    if (duration != STH_TIME_NONE && pts != STH_TIME_NONE && isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO))
        fprintf(stderr, "\r%s: %3.0f %%\033[K", location, MIN(100.0, 100.0 * (double)pts / (double)duration));
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO))
        fputs("\r\033[K", stderr);
}

/* What one file's sliding windows need. */
typedef struct {
    const Options *options;
    const char *location;
    SthStream *stream;
    SthExporter *exporter;
    SthFrameFormat format;
    gboolean has_format;
    guint64 last_sequence, end; /* of the newest record; G_MAXUINT64: none. End of the video so far */
} Sliding;

static gboolean tell(Sliding *s, const SthResult *result, GError **error)
{
    SthRecord record = make_record(s->options->info, s->location, &s->format, result, result->sequence != s->last_sequence);
    g_autoptr(GString) text = g_string_new(NULL);
    s->last_sequence = result->sequence;
    sth_exporter_record(s->exporter, &record, text);
    return sth_cli_write(text->str, (gssize)text->len, error);
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
        show_progress(s->location, decoded->frame.pts, duration);
        sth_decoded_frame_free(decoded);
    }
    end_progress();
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

static gboolean classify_sliding(const Options *options, const char *location, SthExporter *exporter, GError **error)
{
    SthDecoder *decoder = sth_decoder_open(location, error);
    if (decoder == NULL)
        return FALSE;
    Sliding s = {.options = options, .location = location, .exporter = exporter, .last_sequence = G_MAXUINT64};
    s.stream = sth_stream_new(options->model, &options->config, error);
    gboolean ok = s.stream != NULL && slide(&s, decoder, error);
    if (s.stream != NULL) {
        g_autoptr(GString) text = g_string_new(NULL);
        sth_exporter_finish(exporter, s.end, text);
        ok = sth_cli_write(text->str, (gssize)text->len, ok ? error : NULL) && ok;
        sth_stream_free(s.stream);
    }
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

static gboolean classify_clip(const Options *options, const char *location, GError **error)
{
    SthResult result;
    SthStream *stream = sth_stream_new(options->model, &options->config, error);
    gboolean ok = stream != NULL && sth_clip_classify(stream, options->info, location, &result, error);
    if (stream != NULL)
        sth_stream_free(stream);
    if (!ok)
        return FALSE;
    g_autofree char *line = clip_to_json(options->info, location, &result);
    return sth_cli_write(line, -1, error);
}

/* Every file is tried; one that fails is told on standard error and spoils the exit code only. */
static int classify_all(const SthCommand *command, const Options *options, char **locations)
{
    int code = STH_EXIT_OK;
    SthExporter *exporter = NULL;
    if (!options->clip) {
        GError *error = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        exporter = sth_exporter_new(options->format, options->emit);
        sth_exporter_start(exporter, text);
        if (!sth_cli_write(text->str, (gssize)text->len, &error)) {
            sth_exporter_free(exporter);
            return sth_cli_fail(command, error);
        }
    }
    for (; *locations != NULL; locations++) {
        GError *error = NULL;
        if (!(options->clip ? classify_clip(options, *locations, &error) : classify_sliding(options, *locations, exporter, &error)))
            code = sth_cli_fail(command, error);
    }
    if (exporter != NULL)
        sth_exporter_free(exporter);
    return code;
}

/* NULL if all options make sense together, else what does not; free with g_free(). */
static char *check_options(Options *o, int n_locations)
{
    if (n_locations < 1)
        return g_strdup("no file or URI given");
    if (o->threads < 0 || o->stride < 0 || o->smoothing < 0)
        return g_strdup("--threads, --stride and --smoothing may not be negative");
    if (o->top_k < 1 || o->top_k > STH_MAX_TOP_K)
        return g_strdup_printf("--top-k %d: must be 1 to %d", o->top_k, STH_MAX_TOP_K);
    if (!(o->threshold >= 0 && o->threshold <= 1))
        return g_strdup_printf("--threshold %g: must be 0 to 1", o->threshold);
    if (o->clip && (o->format_name != NULL || o->emit_name != NULL))
        return g_strdup("--clip writes one JSON line a file: --format and --emit say nothing with it");
    o->format = sth_export_format_find(o->format_name != NULL ? o->format_name : "ndjson");
    if (o->format == NULL) {
        GString *names = g_string_new(NULL);
        for (const SthExportFormat *const *f = sth_export_formats(); *f != NULL; f++)
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", (*f)->name);
        char *message = g_strdup_printf("--format %s: there are only: %s", o->format_name, names->str);
        g_string_free(names, TRUE);
        return message;
    }
    gboolean subtitles = !g_str_equal(o->format->name, "ndjson");
    if (subtitles && n_locations > 1)
        return g_strdup_printf("--format %s: one file at a time, its times start at 0", o->format->name);
    if (o->emit_name != NULL && !g_str_equal(o->emit_name, "results") && !g_str_equal(o->emit_name, "events"))
        return g_strdup_printf("--emit %s: there are only: results, events", o->emit_name);
    o->emit = o->emit_name != NULL ? (g_str_equal(o->emit_name, "events") ? STH_EXPORT_EVENTS : STH_EXPORT_RESULTS)
                                   : (subtitles ? STH_EXPORT_EVENTS : STH_EXPORT_RESULTS);
    return NULL;
}

static int classify(const SthCommand *command, Options *o, char **locations)
{
    GError *error = NULL;
    o->model = sth_cli_open_model(o->model_file != NULL ? o->model_file : sth_cli_default_model(), &error);
    if (o->model == NULL) {
        if (o->model_file == NULL)
            g_prefix_error(&error, "no model given by --model or GST_STH_MODEL, and the default one does not open: ");
        return sth_cli_fail(command, error);
    }
    o->info = sth_model_get_info(o->model, &error);
    int code = o->info != NULL ? classify_all(command, o, locations) : sth_cli_fail(command, error);
    sth_model_unref(o->model);
    return code;
}

static int run(const SthCommand *command, int argc, char **argv)
{
    Options o = {.top_k = 5, .threshold = 0.5};
    const GOptionEntry entries[] = {
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model_file, "ONNX file [GST_STH_MODEL, else the installed one]", "FILE"},
        {"clip", 'c', 0, G_OPTION_ARG_NONE, &o.clip, "each file is one trimmed clip: one result a file", NULL},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &o.format_name, "ndjson or vtt [ndjson]", "NAME"},
        {"emit", 'e', 0, G_OPTION_ARG_STRING, &o.emit_name, "results (every window) or events (actions) [ndjson: results, vtt: events]", "WHAT"},
        {"top-k", 'k', 0, G_OPTION_ARG_INT, &o.top_k, "labels of a result [5]", "N"},
        {"threshold", 0, 0, G_OPTION_ARG_DOUBLE, &o.threshold,
         "confidence from which a label counts and an action starts; it ends below 0.6 of that [0.5]", "0…1"},
        {"stride", 0, 0, G_OPTION_ARG_INT, &o.stride, "sampled frames between two windows [half a window]", "N"},
        {"smoothing", 0, 0, G_OPTION_ARG_DOUBLE, &o.smoothing, "time constant of the smoothing of confidences [0]", "SECONDS"},
        {"threads", 't', 0, G_OPTION_ARG_INT, &o.threads, "threads at most [all processors]", "N"},
        STH_CLI_MODEL_ENTRIES,
        G_OPTION_ENTRY_NULL,
    };
    if (!sth_cli_parse(command, entries, &argc, &argv))
        return STH_EXIT_USAGE;
    g_autofree char *nonsense = check_options(&o, argc - 1);
    int code;
    if (nonsense != NULL) {
        code = sth_cli_usage(command, "%s", nonsense);
    } else {
        o.config = (SthStreamConfig){
            .mode = STH_STREAM_SYNC,
            .threads = (guint)o.threads,
            .stride = (guint)o.stride,
            .pad_at_end = TRUE,
            .top_k = (guint)o.top_k,
            .threshold = (float)o.threshold,
            .smoothing_ns = (guint64)(o.smoothing * 1e9),
            .start_threshold = (float)o.threshold,
            .end_threshold = (float)o.threshold * 0.6f,
        };
        gst_init(NULL, NULL);
        code = classify(command, &o, argv + 1);
    }
    g_free(o.model_file);
    g_free(o.format_name);
    g_free(o.emit_name);
    return code;
}

const SthCommand sth_cmd_classify = {
    .name = "classify",
    .arguments = "FILE|URI…",
    .summary = "what happens in videos, window by window or clip by clip",
    .description = "Writes to standard output. A file that cannot be read is told on standard error, the others are done, and the exit code is 1.",
    .run = run,
};
