/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bench_stream.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "export/json.h"

#define WARM_UP 2 /* windows before the first that counts */

/* The two ways, side by side: what a window takes when it is computed whole, and when what the last window had is kept. */
enum { WHOLE, KEPT, WAYS };

typedef struct {
    const SthModelInfo *info;
    SthModel *model[WAYS];
    SthSession *session[WAYS];
    float *pictures; /* frames of noise, as many as a window has and one more */
    gsize floats;    /* of one */
} Stream;

typedef struct {
    guint stride;
    double ms[WAYS], ms_min[WAYS]; /* of a window: median, fastest */
} Strides;

static int compare(const void *a, const void *b)
{
    const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

static gboolean stream_open(Stream *stream, const char *path, guint threads, GError **error)
{
    for (guint way = 0; way < WAYS; way++) {
        stream->model[way] = way == KEPT ? sth_cli_open_sliding_model(path, error) : sth_cli_open_model(path, error);
        if (!stream->model[way] || !(stream->info = sth_model_get_info(stream->model[way], error)) ||
            !(stream->session[way] = sth_session_new(stream->model[way], threads, error)))
            return FALSE;
    }
    GRand *random = g_rand_new_with_seed(1);
    stream->floats = 3 * (gsize)stream->info->height * stream->info->width;
    const gsize n = (stream->info->frames + 1) * stream->floats;
    stream->pictures = sth_aligned_alloc(n * sizeof(float));
    for (gsize i = 0; i < n; i++)
        stream->pictures[i] = (float)g_rand_double_range(random, -2, 2);
    g_rand_free(random);
    return TRUE;
}

static void stream_close(Stream *stream)
{
    for (guint way = 0; way < WAYS; way++) {
        sth_session_free(stream->session[way]);
        sth_model_unref(stream->model[way]);
    }
    sth_aligned_free(stream->pictures);
}

/* Both ways run each window in turn, so that a slower moment of the machine falls on both. */
static void measure(const Stream *stream, guint windows, Strides *strides)
{
    const guint n = stream->info->frames;
    g_autofree const float **frame = g_new(const float *, n);
    g_autofree guint64 *id = g_new(guint64, n);
    g_autofree gint64 *us = g_new(gint64, (gsize)windows * WAYS);

    for (guint w = 0; w < WARM_UP + windows; w++) {
        for (guint i = 0; i < n; i++) {
            id[i] = (guint64)w * strides->stride + i;
            frame[i] = stream->pictures + id[i] % (n + 1) * stream->floats;
        }
        for (guint way = 0; way < WAYS; way++) {
            const gint64 start = g_get_monotonic_time();
            sth_session_run_window(stream->session[way], frame, id);
            if (w >= WARM_UP)
                us[way * windows + w - WARM_UP] = g_get_monotonic_time() - start;
        }
    }
    for (guint way = 0; way < WAYS; way++) {
        const gint64 *sorted = us + way * windows;
        qsort(us + way * windows, windows, sizeof *us, compare);
        strides->ms_min[way] = (double)sorted[0] / 1e3;
        strides->ms[way] = (double)(sorted[(windows - 1) / 2] + sorted[windows / 2]) / 2e3;
    }
}

static double gain(const Strides *strides)
{
    return strides->ms[KEPT] > 0 ? strides->ms[WHOLE] / strides->ms[KEPT] : NAN;
}

static char *to_json(const char *path, const Stream *stream, const Strides *strides, guint n, guint windows)
{
    GString *out = g_string_new(NULL);
    JsonBuilder *json = json_builder_new();
    sth_json_object(json, NULL);
    sth_json_string(json, "model", path);
    sth_json_uint(json, "threads", sth_session_get_threads(stream->session[KEPT]));
    sth_json_uint(json, "windows", windows);
    sth_json_uint(json, "frames", stream->info->frames);
    sth_json_number(json, "share_by_frame", sth_model_get_frame_share(stream->model[KEPT]));
    sth_json_array(json, "strides");
    for (guint i = 0; i < n; i++) {
        sth_json_object(json, NULL);
        sth_json_uint(json, "stride", strides[i].stride);
        sth_json_number(json, "ms_whole", strides[i].ms[WHOLE]);
        sth_json_number(json, "ms_kept", strides[i].ms[KEPT]);
        sth_json_number(json, "ms_whole_min", strides[i].ms_min[WHOLE]);
        sth_json_number(json, "ms_kept_min", strides[i].ms_min[KEPT]);
        sth_json_number(json, "gain", gain(&strides[i]));
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    json_builder_end_object(json);
    sth_json_finish(json, out);
    return g_string_free(out, FALSE);
}

static char *to_table(const char *path, const Stream *stream, const Strides *strides, guint n)
{
    const double share = sth_model_get_frame_share(stream->model[KEPT]);
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "Model     %s\nThreads   %u\nWindow    %u frames\n", path, sth_session_get_threads(stream->session[KEPT]),
                           stream->info->frames);
    if (share > 0)
        g_string_append_printf(out, "Kept      %.1f %% of the work is done frame by frame, and once for each frame\n", 100 * share);
    else
        g_string_append(out, "Kept      nothing: frames meet before there is anything worth carrying to the next window\n");
    g_string_append_printf(out, "Memory    %.1f MB for a session, %.1f MB when nothing is kept\n\n",
                           (double)sth_model_get_arena_bytes(stream->model[KEPT]) * 1e-6,
                           (double)sth_model_get_arena_bytes(stream->model[WHOLE]) * 1e-6);
    g_string_append_printf(out, "%8s %18s %18s %8s\n", "stride", "whole, ms: median", "kept, ms: median", "gain");
    for (guint i = 0; i < n; i++)
        g_string_append_printf(out, "%8u %18.2f %18.2f %8.3f\n", strides[i].stride, strides[i].ms[WHOLE], strides[i].ms[KEPT], gain(&strides[i]));
    return g_string_free(out, FALSE);
}

int sth_bench_stream(const SthCommand *command, const char *path, guint threads, guint windows, gboolean json)
{
    Stream stream = {0};
    GError *error = NULL;
    g_autofree char *text = NULL;

    if (stream_open(&stream, path, threads, &error)) {
        /* A camera's, a file's, and none in common. */
        const guint frames = stream.info->frames, half = MAX(frames / 2, 1);
        Strides strides[] = {{.stride = 1}, {.stride = half}, {.stride = frames}};
        for (guint i = 0; i < G_N_ELEMENTS(strides); i++)
            measure(&stream, windows, &strides[i]);
        text = json ? to_json(path, &stream, strides, G_N_ELEMENTS(strides), windows) : to_table(path, &stream, strides, G_N_ELEMENTS(strides));
    }
    stream_close(&stream);
    return text && sth_cli_write(text, -1, &error) ? STH_EXIT_OK : sth_cli_fail(command, error);
}
