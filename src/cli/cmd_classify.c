/* `sth classify`: what happens in videos.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "cli/classify.h"
#include "cli/inputs.h"
#include "cli/outputs.h"
#include "cli/progress.h"

#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

#define MAX_JOBS 256

typedef struct {
    char *model_file, *format_name, *emit_name, *output, *overlay;
    gboolean clip;
    int threads, top_k, stride, jobs;
    double threshold, smoothing;
} Options;

/* One run over all inputs. */
typedef struct {
    const SthCommand *command;
    const Options *options;
    SthClassifySettings settings;
    GPtrArray *inputs;
    SthOutputs *outputs;
    SthProgress *progress;
    GMutex lock; /* of standard error */
    gint n_failed, stop;
} Run;

/* What the threads know of an input. */
typedef struct {
    Run *run;
    guint index;
    const SthInput *input;
} Job;

static void complain(gpointer data, GError *error)
{
    Run *run = data;
    g_mutex_lock(&run->lock);
    sth_progress_hide(run->progress);
    sth_cli_fail(run->command, error);
    g_mutex_unlock(&run->lock);
    g_atomic_int_inc(&run->n_failed);
}

/* What cannot be written for one input cannot be for the others. */
static gboolean write_text(gpointer data, const char *text, gsize length, GError **error)
{
    const Job *job = data;
    if (sth_outputs_write(job->run->outputs, job->index, text, length, error))
        return TRUE;
    g_atomic_int_set(&job->run->stop, TRUE);
    return FALSE;
}

static void show_position(gpointer data, guint64 position, guint64 duration)
{
    const Job *job = data;
    sth_progress_update(job->run->progress, job->index, job->input->location, position, duration);
}

/* GFunc of the pool: input number `data` - 1. */
static void work(gpointer data, gpointer user_data)
{
    Run *run = user_data;
    Job job = {run, GPOINTER_TO_UINT(data) - 1, NULL};
    const SthClassifySink sink = {write_text, show_position, &job};
    GError *error = NULL;
    job.input = run->inputs->pdata[job.index];
    if (g_atomic_int_get(&run->stop))
        return;
    show_position(&job, STH_TIME_NONE, STH_TIME_NONE);
    gboolean ok = run->options->overlay != NULL ? sth_classify_render(&run->settings, &sink, job.input->location, run->options->overlay, &error)
                                                : sth_classify_video(&run->settings, &sink, job.input->location, &error);
    ok = sth_outputs_done(run->outputs, job.index, ok ? &error : NULL) && ok;
    sth_progress_done(run->progress, job.index);
    if (!ok)
        complain(run, error);
}

static void hide_progress(gpointer data)
{
    sth_progress_hide(((Run *)data)->progress);
}

static void work_all(Run *run)
{
    GThreadPool *pool = g_thread_pool_new(work, run, run->options->jobs, TRUE, NULL);
    for (guint i = 0; i < run->inputs->len; i++)
        g_thread_pool_push(pool, GUINT_TO_POINTER(i + 1), NULL);
    g_thread_pool_free(pool, FALSE, TRUE);
}

/* Whether `--output` names a folder, with a file for each input. */
static gboolean output_is_folder(const Options *o)
{
    return o->output != NULL && (g_str_has_suffix(o->output, G_DIR_SEPARATOR_S) || g_file_test(o->output, G_FILE_TEST_IS_DIR));
}

/* NULL if the inputs go with the options; free with g_free(). */
static char *check_inputs(const Run *run)
{
    const Options *o = run->options;
    if (run->inputs->len > 1 && o->overlay != NULL)
        return g_strdup("--overlay: one file at a time");
    if (run->inputs->len > 1 && !o->clip && run->settings.format->media != STH_EXPORT_RECORDS && !output_is_folder(o))
        return g_strdup_printf("--format %s: one file at a time, its times start at 0; with --output DIR/ each has its own",
                               run->settings.format->name);
    return NULL;
}

static gboolean open_outputs(Run *run, GError **error)
{
    const Options *o = run->options;
    const SthExportFormat *format = run->settings.format;
    const gboolean each = output_is_folder(o);
    g_autoptr(GString) head = g_string_new(NULL);
    if (!o->clip) {
        SthExporter *exporter = sth_exporter_new(format, run->settings.emit);
        sth_exporter_start(exporter, head);
        sth_exporter_free(exporter);
    }
    /* The element writes the head itself. */
    run->settings.head = each;
    run->outputs = sth_outputs_new(run->inputs, o->output, each, g_str_equal(format->name, "text") ? "txt" : format->name,
                                   o->overlay != NULL ? "" : head->str, hide_progress, run, error);
    return run->outputs != NULL;
}

static int classify_inputs(Run *run)
{
    GError *error = NULL;
    g_autofree char *nonsense = check_inputs(run);
    if (nonsense != NULL)
        return sth_cli_usage(run->command, "%s", nonsense);
    if (!open_outputs(run, &error))
        return sth_cli_fail(run->command, error);
    run->progress = sth_progress_new(run->inputs->len);
    work_all(run);
    g_clear_pointer(&run->progress, sth_progress_free);
    if (!sth_outputs_free(run->outputs, &error))
        complain(run, error);
    if (run->n_failed > 1)
        fprintf(stderr, "sth %s: %d failures, %u videos\n", run->command->name, run->n_failed, run->inputs->len);
    return run->n_failed > 0 ? STH_EXIT_FAILED : STH_EXIT_OK;
}

static int classify(Run *run, char **arguments)
{
    const Options *o = run->options;
    SthClassifySettings *settings = &run->settings;
    GError *error = NULL;
    settings->model_file = o->model_file != NULL ? o->model_file : sth_cli_default_model();
    settings->model = (o->clip ? sth_cli_open_model : sth_cli_open_sliding_model)(settings->model_file, &error);
    if (settings->model == NULL) {
        if (o->model_file == NULL)
            g_prefix_error(&error, "no model given by --model or GST_STH_MODEL, and the default one does not open: ");
        return sth_cli_fail(run->command, error);
    }
    settings->info = sth_model_get_info(settings->model, &error);
    int code;
    if (settings->info != NULL) {
        run->inputs = sth_inputs_new(arguments, complain, run);
        code = run->inputs->len > 0 ? classify_inputs(run) : STH_EXIT_FAILED;
        g_ptr_array_unref(run->inputs);
    } else {
        code = sth_cli_fail(run->command, error);
    }
    sth_model_unref(settings->model);
    return code;
}

/* "ndjson|csv|…" */
static char *format_names(void)
{
    GString *names = g_string_new(NULL);
    for (const SthExportFormat *const *f = sth_export_formats(); *f != NULL; f++)
        g_string_append_printf(names, "%s%s", names->len > 0 ? "|" : "", (*f)->name);
    return g_string_free(names, FALSE);
}

/* NULL if all options make sense, else what does not; free with g_free(). */
static char *check_numbers(const Options *o)
{
    if (o->threads < 0 || o->stride < 0 || o->smoothing < 0)
        return g_strdup("--threads, --stride and --smoothing may not be negative");
    if (o->jobs < 1 || o->jobs > MAX_JOBS)
        return g_strdup_printf("--jobs %d: must be 1 to %d", o->jobs, MAX_JOBS);
    if (o->top_k < 1 || o->top_k > STH_MAX_TOP_K)
        return g_strdup_printf("--top-k %d: must be 1 to %d", o->top_k, STH_MAX_TOP_K);
    if (!(o->threshold >= 0 && o->threshold <= 1))
        return g_strdup_printf("--threshold %g: must be 0 to 1", o->threshold);
    return NULL;
}

static char *check_options(const Options *o, SthClassifySettings *settings)
{
    const char *name = o->format_name != NULL ? o->format_name : "ndjson";
    if (o->clip && (o->format_name != NULL || o->emit_name != NULL || o->overlay != NULL))
        return g_strdup("--clip writes one JSON line a file: --format, --emit and --overlay say nothing with it");
    settings->clip = o->clip;
    settings->format = sth_export_format_find(name);
    if (settings->format == NULL) {
        g_autofree char *names = format_names();
        return g_strdup_printf("--format %s: there are only: %s", name, names);
    }
    if (o->emit_name != NULL && !g_str_equal(o->emit_name, "results") && !g_str_equal(o->emit_name, "events"))
        return g_strdup_printf("--emit %s: there are only: results, events", o->emit_name);
    if (o->overlay != NULL && !sth_classify_can_render(o->overlay))
        return g_strdup_printf("--overlay %s: its name must end in .mp4, .mov or .mkv", o->overlay);
    if (o->overlay != NULL && settings->format->media == STH_EXPORT_CAPTIONS)
        return g_strdup_printf("--format %s does not go with --overlay", name);
    const gboolean events = o->emit_name != NULL ? g_str_equal(o->emit_name, "events") : settings->format->media != STH_EXPORT_RECORDS;
    settings->emit = events ? STH_EXPORT_EVENTS : STH_EXPORT_RESULTS;
    settings->config = (SthStreamConfig){
        .mode = STH_STREAM_SYNC,
        .threads = (guint)o->threads,
        .stride = (guint)o->stride,
        .pad_at_end = TRUE,
        .top_k = (guint)o->top_k,
        .threshold = (float)o->threshold,
        .smoothing_ns = (guint64)(o->smoothing * 1e9),
        .start_threshold = (float)o->threshold,
        .end_threshold = (float)o->threshold * 0.6f,
    };
    return check_numbers(o);
}

static gboolean parse(const SthCommand *command, Options *o, int *argc, char ***argv)
{
    g_autofree char *formats = format_names();
    const GOptionEntry entries[] = {
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model_file, "ONNX file [GST_STH_MODEL, else the installed one]", "FILE"},
        {"clip", 'c', 0, G_OPTION_ARG_NONE, &o->clip, "each file is one trimmed clip: one result a file, as a line of JSON", NULL},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &o->format_name, "what to write [ndjson]", formats},
        {"emit", 'e', 0, G_OPTION_ARG_STRING, &o->emit_name, "every window, or actions only [ndjson, csv: results, else: events]", "results|events"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output,
         "write there [standard output]; a folder (or with / at its end) gets a file for each video", "FILE|DIR/"},
        {"overlay", 0, 0, G_OPTION_ARG_FILENAME, &o->overlay,
         "also write the video, with its sound, and with what is recognised drawn into it (.mp4, .mov, .mkv)", "FILE"},
        {"jobs", 'j', 0, G_OPTION_ARG_INT, &o->jobs, "videos at the same time; the text stays in the order of the videos [1]", "N"},
        {"top-k", 'k', 0, G_OPTION_ARG_INT, &o->top_k, "labels of a result [5]", "N"},
        {"threshold", 0, 0, G_OPTION_ARG_DOUBLE, &o->threshold,
         "confidence from which a label counts and an action starts; it ends below 0.6 of that [0.5]", "0…1"},
        {"stride", 0, 0, G_OPTION_ARG_INT, &o->stride, "sampled frames between two windows [half a window]", "N"},
        {"smoothing", 0, 0, G_OPTION_ARG_DOUBLE, &o->smoothing, "time constant of the smoothing of confidences [0]", "SECONDS"},
        {"threads", 't', 0, G_OPTION_ARG_INT, &o->threads, "threads of the network at most [all processors]", "N"},
        STH_CLI_MODEL_ENTRIES,
        G_OPTION_ENTRY_NULL,
    };
    return sth_cli_parse(command, entries, argc, argv);
}

static int run_command(const SthCommand *command, int argc, char **argv)
{
    Options o = {.top_k = 5, .threshold = 0.5, .jobs = 1};
    Run run = {.command = command, .options = &o};
    int code = STH_EXIT_USAGE;
    if (parse(command, &o, &argc, &argv)) {
        g_autofree char *nonsense = argc < 2 ? g_strdup("no file, folder or URI given") : check_options(&o, &run.settings);
        if (nonsense != NULL) {
            code = sth_cli_usage(command, "%s", nonsense);
        } else {
            gst_init(NULL, NULL);
            code = classify(&run, argv + 1);
        }
    }
    g_free(o.model_file);
    g_free(o.format_name);
    g_free(o.emit_name);
    g_free(o.output);
    g_free(o.overlay);
    return code;
}

const SthCommand sth_cmd_classify = {
    .name = "classify",
    .arguments = "FILE|DIR|URI…",
    .summary = "what happens in videos, window by window or clip by clip",
    .description =
        "Of a folder, all videos in and below it are taken. A video that cannot be read is told on standard error, the others are done, and "
        "the exit code is 1. On a terminal a line shows how far it has come and how long it will take.\n\nExamples:\n"
        "  sth classify holiday.mp4\n"
        "  sth classify --format csv --jobs 4 --output results.csv videos/\n"
        "  sth classify --format srt --output subtitles/ videos/\n"
        "  sth classify --overlay annotated.mp4 holiday.mp4\n"
        "  sth classify --clip --top-k 3 clips/*.mp4",
    .run = run_command,
};
