/* `sth bench`: how long one run of a model takes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bench_stream.h"

#include "base/memory.h"
#include "export/json.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP 2       /* runs before the first that counts */
#define LAYERS_SHOWN 15 /* of the table without --json */

/* The convolutions' inner loop on numbers that stay in the first cache: rows and positions, and how often. */
#define PEAK_ROWS 64
#define PEAK_POSITIONS 24
#define PEAK_REPEATS 2000
#define PEAK_ROUNDS 10

typedef struct {
    SthSessionNode node;
    guint64 ns; /* the fastest of the timed runs */
} Layer;

typedef struct {
    guint iterations, threads;
    double ms_min, ms_median, ms_mean, gmacs;
    double ms_open;     /* from the file to a session that can run */
    double gflops_peak; /* of all threads */
    gsize weight_bytes, session_bytes;
    Layer *layers; /* in running order */
    guint n_layers;
} Figures;

static int compare_u64(const void *a, const void *b)
{
    guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;
    return (x > y) - (x < y);
}

static int compare_layers(const void *a, const void *b)
{
    return compare_u64(&(*(const Layer *const *)b)->ns, &(*(const Layer *const *)a)->ns);
}

/* Float inputs get noise of normalised pixels (about -2…2): zeros or denormals would flatter or slow a CPU. Integer inputs stay 0. */
static void fill_inputs(SthModel *model, SthSession *session)
{
    GRand *random = g_rand_new_with_seed(1);
    for (guint i = 0; i < sth_model_get_n_inputs(model); i++) {
        const SthTensor *tensor = sth_session_get_input(session, i);
        gint64 n = sth_shape_elements(&tensor->shape);
        if (tensor->dtype != STH_DTYPE_FLOAT)
            memset(tensor->data, 0, sth_tensor_bytes(tensor));
        else
            for (gint64 k = 0; k < n; k++)
                ((float *)tensor->data)[k] = (float)g_rand_double_range(random, -2, 2);
    }
    g_rand_free(random);
}

/* A run may overwrite its input, so it is filled anew before each one, outside of the measured time. */
static void measure(SthModel *model, SthSession *session, guint iterations, Figures *figures)
{
    guint64 *ns = g_new(guint64, iterations), sum = 0;
    for (guint i = 0; i < WARM_UP + iterations; i++) {
        fill_inputs(model, session);
        gint64 start = g_get_monotonic_time();
        sth_session_run(session);
        if (i >= WARM_UP)
            ns[i - WARM_UP] = (guint64)(g_get_monotonic_time() - start) * 1000;
    }
    qsort(ns, iterations, sizeof *ns, compare_u64);
    for (guint i = 0; i < iterations; i++)
        sum += ns[i];
    figures->iterations = iterations;
    figures->threads = sth_session_get_threads(session);
    figures->ms_min = (double)ns[0] / 1e6;
    figures->ms_median = (double)(ns[(iterations - 1) / 2] + ns[iterations / 2]) / 2e6;
    figures->ms_mean = (double)sum / iterations / 1e6;
    figures->gmacs = (double)sth_model_get_macs(model) / 1e9;
    figures->weight_bytes = sth_model_get_weight_bytes(model);
    figures->session_bytes = sth_session_get_bytes(session);
    g_free(ns);
}

static void measure_layers(SthModel *model, SthSession *session, guint iterations, Figures *figures)
{
    guint n = sth_session_get_n_nodes(session);
    guint64 *ns = g_new0(guint64, n);
    figures->layers = g_new0(Layer, n);
    figures->n_layers = n;
    for (guint i = 0; i < n; i++)
        sth_session_get_node(session, i, &figures->layers[i].node);
    for (guint run = 0; run < iterations; run++) {
        fill_inputs(model, session);
        sth_session_run_timed(session, ns);
        for (guint i = 0; i < n; i++)
            if (run == 0 || ns[i] < figures->layers[i].ns)
                figures->layers[i].ns = ns[i];
    }
    g_free(ns);
}

/* What the convolutions' inner loop reaches on one thread when nothing has to be waited for: GFLOP/s, the fastest of some rounds. */
static double measure_peak(void)
{
    float *memory = sth_aligned_alloc((PEAK_ROWS + 2 * PEAK_POSITIONS) * STH_BLOCK * sizeof(float));
    const SthPanelRun runs[PEAK_ROWS / STH_BLOCK] = {{0, STH_BLOCK}, {0, STH_BLOCK}, {0, STH_BLOCK}, {0, STH_BLOCK}};
    const SthPanel panel = {
        .a = memory,
        .runs = runs,
        .n_runs = G_N_ELEMENTS(runs),
        .b = memory + PEAK_ROWS * STH_BLOCK,
        .row_step = 1,
        .step = STH_BLOCK,
        .c = memory + (PEAK_ROWS + PEAK_POSITIONS) * STH_BLOCK,
        .n = PEAK_POSITIONS,
        .min = -INFINITY,
        .max = INFINITY,
    };
    gint64 best = G_MAXINT64;
    for (guint round = 0; round < PEAK_ROUNDS; round++) {
        gint64 start = g_get_monotonic_time();
        for (guint i = 0; i < PEAK_REPEATS; i++)
            sth_kernels()->panel(&panel);
        best = MIN(best, MAX(1, g_get_monotonic_time() - start));
    }
    sth_aligned_free(memory);
    return 2e-3 * PEAK_ROWS * STH_BLOCK * PEAK_POSITIONS * PEAK_REPEATS / (double)best;
}

/* GFLOP/s of so many multiply-accumulates in so many ns: two operations each. */
static double speed(double macs, double ns)
{
    return ns > 0 ? 2 * macs / ns : 0;
}

static double gflops(const Figures *figures)
{
    return speed(figures->gmacs * 1e9, figures->ms_min * 1e6);
}

static double windows_per_second(const Figures *figures)
{
    return figures->ms_min > 0 ? 1e3 / figures->ms_min : 0;
}

/* Of what the threads' inner loops could do. */
static double percent(const Figures *figures, double gflops)
{
    return 100 * gflops / figures->gflops_peak;
}

static void layers_to_json(JsonBuilder *json, const Figures *figures)
{
    sth_json_array(json, "layers");
    for (guint i = 0; i < figures->n_layers; i++) {
        const Layer *layer = &figures->layers[i];
        double layer_gflops = speed((double)layer->node.macs, (double)layer->ns);
        sth_json_object(json, NULL);
        sth_json_string(json, "name", layer->node.name);
        sth_json_string(json, "op", layer->node.op);
        if (layer->node.method != NULL)
            sth_json_string(json, "method", layer->node.method);
        sth_json_number(json, "ms", (double)layer->ns / 1e6);
        sth_json_number(json, "gmacs", (double)layer->node.macs / 1e9);
        sth_json_number(json, "gflops", layer_gflops);
        sth_json_number(json, "percent_of_peak", percent(figures, layer_gflops));
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static char *to_json(const char *path, const Figures *figures)
{
    g_autofree char *kernels = sth_describe_kernels();
    GString *out = g_string_new(NULL);
    JsonBuilder *json = json_builder_new();
    sth_json_object(json, NULL);
    sth_json_string(json, "model", path);
    sth_json_string(json, "kernels", kernels);
    sth_json_uint(json, "threads", figures->threads);
    sth_json_uint(json, "iterations", figures->iterations);
    sth_json_number(json, "ms_min", figures->ms_min);
    sth_json_number(json, "ms_median", figures->ms_median);
    sth_json_number(json, "ms_mean", figures->ms_mean);
    sth_json_number(json, "windows_per_second", windows_per_second(figures));
    sth_json_number(json, "gmacs", figures->gmacs);
    sth_json_number(json, "gflops", gflops(figures));
    sth_json_number(json, "gflops_peak", figures->gflops_peak);
    sth_json_number(json, "percent_of_peak", percent(figures, gflops(figures)));
    sth_json_number(json, "ms_open", figures->ms_open);
    sth_json_uint(json, "weight_bytes", figures->weight_bytes);
    sth_json_uint(json, "session_bytes", figures->session_bytes);
    layers_to_json(json, figures);
    json_builder_end_object(json);
    sth_json_finish(json, out);
    return g_string_free(out, FALSE);
}

/* @shown: the slowest ones; 0: all, in running order. */
static void layers_to_table(GString *out, const Figures *figures, guint shown)
{
    g_autofree const Layer **order = g_new(const Layer *, figures->n_layers + 1);
    double total = 0;
    for (guint i = 0; i < figures->n_layers; i++) {
        order[i] = &figures->layers[i];
        total += (double)order[i]->ns;
    }
    const gboolean slowest = shown > 0;
    if (slowest)
        qsort(order, figures->n_layers, sizeof(Layer *), compare_layers);
    shown = slowest ? MIN(shown, figures->n_layers) : figures->n_layers;
    g_string_append_printf(out, "%9s %7s %8s %9s %7s  %-10s layer", "ms", "share", "GMAC", "GFLOP/s", "% peak", "runs as");
    if (slowest)
        g_string_append_printf(out, " (%u slowest of %u)", shown, figures->n_layers);
    g_string_append_c(out, '\n');
    for (guint i = 0; i < shown; i++) {
        const SthSessionNode *node = &order[i]->node;
        double ns = (double)order[i]->ns, layer_gflops = speed((double)node->macs, ns);
        g_string_append_printf(out, "%9.3f %6.1f%% ", ns / 1e6, total > 0 ? 100 * ns / total : 0);
        if (node->macs > 0)
            g_string_append_printf(out, "%8.4f %9.1f %7.0f", (double)node->macs / 1e9, layer_gflops, percent(figures, layer_gflops));
        else
            g_string_append_printf(out, "%8s %9s %7s", "-", "-", "-");
        g_string_append_printf(out, "  %-10s %s\n", node->method != NULL ? node->method : node->op, node->name);
    }
}

static char *to_table(const char *path, const Figures *figures, guint shown)
{
    g_autofree char *kernels = sth_describe_kernels();
    g_autofree char *weights = g_format_size_full(figures->weight_bytes, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *session = g_format_size_full(figures->session_bytes, G_FORMAT_SIZE_IEC_UNITS);
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "Model     %s\nKernels   %s\nThreads   %u\nOpened    in %.0f ms\nMemory    %s of weights, %s for the session\n", path,
                           kernels, figures->threads, figures->ms_open, weights, session);
    g_string_append_printf(out, "Window    %.2f ms fastest, %.2f ms median, %.2f ms mean of %u runs: %.1f windows a second\n", figures->ms_min,
                           figures->ms_median, figures->ms_mean, figures->iterations, windows_per_second(figures));
    g_string_append_printf(out, "Speed     %.3f GMAC, %.1f GFLOP/s: %.0f %% of the %.1f that the inner loop reaches\n\n", figures->gmacs,
                           gflops(figures), percent(figures, gflops(figures)), figures->gflops_peak);
    layers_to_table(out, figures, shown);
    return g_string_free(out, FALSE);
}

static int bench(const SthCommand *command, const char *path, guint threads, guint iterations, guint shown, gboolean json)
{
    GError *error = NULL;
    Figures figures = {0};
    const gint64 start = g_get_monotonic_time();
    SthModel *model = sth_cli_open_model(path, &error);
    if (model == NULL)
        return sth_cli_fail(command, error);
    SthSession *session = sth_session_new(model, threads, &error);
    if (session == NULL) {
        sth_model_unref(model);
        return sth_cli_fail(command, error);
    }
    figures.ms_open = (double)(g_get_monotonic_time() - start) / 1e3;
    figures.gflops_peak = measure_peak() * sth_session_get_threads(session);
    measure(model, session, iterations, &figures);
    measure_layers(model, session, MIN(iterations, 5), &figures);
    g_autofree char *text = json ? to_json(path, &figures) : to_table(path, &figures, shown);
    g_free(figures.layers);
    sth_session_free(session);
    sth_model_unref(model);
    return sth_cli_write(text, -1, &error) ? STH_EXIT_OK : sth_cli_fail(command, error);
}

static int run(const SthCommand *command, int argc, char **argv)
{
    int threads = 0, iterations = 10, layers = LAYERS_SHOWN;
    gboolean json = FALSE, stream = FALSE;
    const GOptionEntry entries[] = {
        {"threads", 't', 0, G_OPTION_ARG_INT, &threads, "threads at most [all processors]", "N"},
        {"iterations", 'n', 0, G_OPTION_ARG_INT, &iterations, "runs that count [10]", "N"},
        {"layers", 'l', 0, G_OPTION_ARG_INT, &layers, "the slowest so many in the table; 0: all, in running order [" G_STRINGIFY(LAYERS_SHOWN) "]",
         "N"},
        {"json", 'j', 0, G_OPTION_ARG_NONE, &json, "one JSON object instead of a table", NULL},
        {"stream", 's', 0, G_OPTION_ARG_NONE, &stream, "windows that slide over a stream, and what keeping their frames' part gains", NULL},
        STH_CLI_MODEL_ENTRIES,
        G_OPTION_ENTRY_NULL,
    };
    if (!sth_cli_parse(command, entries, &argc, &argv))
        return STH_EXIT_USAGE;
    if (argc > 2)
        return sth_cli_usage(command, "more than one model given");
    if (threads < 0)
        return sth_cli_usage(command, "--threads %d: must be 1 or more", threads);
    if (iterations < 1)
        return sth_cli_usage(command, "--iterations %d: must be 1 or more", iterations);
    if (layers < 0)
        return sth_cli_usage(command, "--layers %d: must be 0 or more", layers);
    const char *path = argc == 2 ? argv[1] : sth_cli_default_model();
    return stream ? sth_bench_stream(command, path, (guint)threads, (guint)iterations, json)
                  : bench(command, path, (guint)threads, (guint)iterations, (guint)layers, json);
}

const SthCommand sth_cmd_bench = {
    .name = "bench",
    .arguments = "[MODEL]",
    .summary = "how long one run of a model takes, layer by layer",
    .description =
        "Without MODEL: the default model (GST_STH_MODEL or the installed one). One run is one window.\n"
        "GFLOP/s: two operations a multiply-accumulate of the fastest run; weights of convolutions that are zero do not count. The peak is what\n"
        "the convolutions' inner loop reaches on numbers in the first cache, measured on one thread, times the threads. Winograd's algorithm needs\n"
        "fewer operations than are counted, so that a layer can exceed it.",
    .run = run,
};
