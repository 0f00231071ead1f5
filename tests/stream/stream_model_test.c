/* Streams on real models: what a stream says of a window is, bit for bit, what a session says of the same frames cut by hand.
 *
 * usage: stream-model-test MODEL.onnx…
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <string.h>

#include <sth/sth-stream.h>

#include "stream/preprocess.h"
#include "stream/scores.h"

#define WIDTH 60
#define HEIGHT 44

static SthFrameFormat frame_format(void)
{
    return (SthFrameFormat){.pixel = STH_PIXEL_RGB, .width = WIDTH, .height = HEIGHT};
}

/* Frame @index of an endless video: noise that depends on nothing but its number. */
static void draw(guint8 *pixels, guint index)
{
    guint32 state = index * 2654435761u + 1;
    for (guint i = 0; i < WIDTH * HEIGHT * 3; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (guint8)(state >> 24);
    }
}

static guint64 pts_of(const SthModelInfo *info, guint index)
{
    return (guint64)index * 1000000000u * info->rate_d / info->rate_n;
}

/* The window of frames first…first + N - 1, through a session of its own; no part of the stream but preprocessing and activation. */
static guint classify_by_hand(SthModel *model, guint first, guint k, SthScore *top)
{
    GError *error = NULL;
    const SthModelInfo *info = sth_model_get_info(model, &error);
    const SthFrameFormat format = frame_format();
    const gsize plane = (gsize)info->width * info->height;
    guint8 pixels[WIDTH * HEIGHT * 3];
    const SthFrame frame = {{pixels}, {WIDTH * 3}, 0};
    g_autofree float *one = g_new(float, 3 * plane);
    SthPreprocess *preprocess = sth_preprocess_new(&format, info, &error);
    g_assert_no_error(error);
    SthSession *session = sth_session_new(model, 1, &error);
    g_assert_no_error(error);
    float *input = sth_session_get_input(session, 0)->data;
    for (guint t = 0; t < info->frames; t++) {
        draw(pixels, first + t);
        sth_preprocess_run(preprocess, &frame, one);
        for (guint c = 0; c < 3; c++)
            for (gsize i = 0; i < plane; i++)
                input[(info->layout == STH_LAYOUT_NCTHW ? c * info->frames + t : t * 3 + c) * plane + i] = one[c * plane + i];
    }
    sth_session_run(session);
    SthScores scores;
    sth_scores_init(&scores, info->n_classes);
    sth_scores_activate(&scores, sth_session_get_output(session, info->output)->data, info->score_rows, info->activation);
    const guint n = sth_scores_top(scores.fresh, scores.n, k, top);
    sth_scores_clear(&scores);
    sth_session_free(session);
    sth_preprocess_free(preprocess);
    return n;
}

/* @result against the window that ends with frame @last. */
static void assert_by_hand(SthModel *model, const SthResult *result, guint last)
{
    const SthModelInfo *info = sth_model_get_info(model, NULL);
    SthScore top[STH_MAX_TOP_K];
    const guint n = classify_by_hand(model, last + 1 - info->frames, STH_MAX_TOP_K, top);
    g_assert_cmpuint(result->window_end, ==, pts_of(info, last));
    g_assert_cmpuint(result->n_top, ==, n);
    for (guint i = 0; i < n; i++) {
        g_assert_cmpint(result->top[i].index, ==, top[i].index);
        g_assert_cmpmem(&result->top[i].confidence, sizeof(float), &top[i].confidence, sizeof(float));
    }
    g_assert_cmpfloat(top[0].confidence, >, 0);
}

static SthStream *stream_new(SthModel *model, SthStreamMode mode, guint threads)
{
    const SthStreamConfig config = {.mode = mode, .threads = threads, .top_k = STH_MAX_TOP_K, .stride = 3, .start_threshold = 1};
    const SthFrameFormat format = frame_format();
    GError *error = NULL;
    SthStream *stream = sth_stream_new(model, &config, &error);
    g_assert_no_error(error);
    g_assert_true(sth_stream_set_format(stream, &format, &error));
    g_assert_no_error(error);
    return stream;
}

static gboolean push(SthStream *stream, const SthModelInfo *info, guint index, SthResult *result)
{
    guint8 pixels[WIDTH * HEIGHT * 3];
    const SthFrame frame = {{pixels}, {WIDTH * 3}, pts_of(info, index)};
    draw(pixels, index);
    g_assert_true(sth_stream_wants(stream, frame.pts));
    return sth_stream_push(stream, &frame, result);
}

static SthModel *model_open(const char *path)
{
    GError *error = NULL;
    const SthModelOptions options = {.sliding = TRUE}; /* as the element and the tool open it */
    SthModel *model = sth_model_open(path, &options, &error);
    g_assert_no_error(error);
    g_assert_nonnull(sth_model_get_info(model, &error));
    g_assert_no_error(error);
    return model;
}

static void test_sync(gconstpointer path)
{
    SthModel *model = model_open(path);
    const SthModelInfo *info = sth_model_get_info(model, NULL);
    for (guint threads = 0; threads <= 1; threads++) {
        SthStream *stream = stream_new(model, STH_STREAM_SYNC, threads);
        SthResult result;
        guint results = 0;
        for (guint i = 0; i < info->frames + 6; i++)
            if (push(stream, info, i, &result)) {
                assert_by_hand(model, &result, i);
                results++;
            }
        g_assert_cmpuint(results, ==, 2 + 1);
        sth_stream_free(stream);
    }
    sth_model_unref(model);
}

static void test_live(gconstpointer path)
{
    SthModel *model = model_open(path);
    const SthModelInfo *info = sth_model_get_info(model, NULL);
    SthStream *stream = stream_new(model, STH_STREAM_LIVE, 0);
    const guint last = info->frames + 20;
    SthResult result;
    for (guint i = 0; i <= last; i++)
        g_assert_false(push(stream, info, i, &result));
    sth_stream_finish(stream, &result);
    g_assert_true(sth_stream_get_latest(stream, &result));
    assert_by_hand(model, &result, last);
    sth_stream_free(stream);
    sth_model_unref(model);
}

/* A whole clip is the window of its frames. */
static void test_clip(gconstpointer path)
{
    SthModel *model = model_open(path);
    const SthModelInfo *info = sth_model_get_info(model, NULL);
    SthStream *stream = stream_new(model, STH_STREAM_SYNC, 0);
    guint8 pixels[WIDTH * HEIGHT * 3];
    SthResult result;
    for (guint clip = 0; clip < 2; clip++)
        for (guint t = 0; t < info->frames; t++) {
            const SthFrame frame = {{pixels}, {WIDTH * 3}, pts_of(info, 5 + t)};
            draw(pixels, 5 + t);
            g_assert_cmpint(sth_stream_push_clip(stream, &frame, &result), ==, t == info->frames - 1);
        }
    assert_by_hand(model, &result, 5 + info->frames - 1);
    sth_stream_free(stream);
    sth_model_unref(model);
}

static void *one_of_many(void *data)
{
    SthModel *model = data;
    const SthModelInfo *info = sth_model_get_info(model, NULL);
    static gint count;
    const SthStreamMode mode = g_atomic_int_add(&count, 1) % 2 ? STH_STREAM_LIVE : STH_STREAM_SYNC;
    SthStream *stream = stream_new(model, mode, 0);
    const guint last = info->frames + 5;
    SthResult result;
    for (guint i = 0; i <= last; i++)
        push(stream, info, i, &result);
    sth_stream_finish(stream, &result);
    g_assert_true(sth_stream_get_latest(stream, &result));
    assert_by_hand(model, &result, last);
    sth_stream_free(stream);
    return NULL;
}

/* Live and sync streams on one model at the same time. */
static void test_shared(gconstpointer path)
{
    SthModel *model = model_open(path);
    pthread_t threads[4];
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, one_of_many, model), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    sth_model_unref(model);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        GTestDataFunc function;
    } tests[] = {{"sync", test_sync}, {"live", test_live}, {"clip", test_clip}, {"shared", test_shared}};
    g_test_init(&argc, &argv, NULL);
    for (gint i = 1; i < argc; i++)
        for (guint k = 0; k < G_N_ELEMENTS(tests); k++) {
            g_autofree char *base = g_path_get_basename(argv[i]);
            g_autofree char *path = g_strdup_printf("/stream-model/%s/%s", base, tests[k].name);
            g_test_add_data_func(path, argv[i], tests[k].function);
        }
    return g_test_run();
}
