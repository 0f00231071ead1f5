/* Streams in sync mode: which windows run, on which frames, and what is told. The model is a function of the test.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake_model.h"

#include <math.h>
#include <string.h>

#include <sth/sth-error.h>

#define STEP 100000000u /* ns: the fake model samples 10 frames a second */

/* What the network saw, oldest run first. */
typedef struct {
    float seen[64][FAKE_FRAMES];
    guint n;
} Log;

/* Class 1 is as sure as the newest frame is bright. */
static void log_run(SthModel *model, const float seen[FAKE_FRAMES], float scores[FAKE_CLASSES])
{
    Log *log = model->data;
    memcpy(log->seen[log->n++], seen, sizeof log->seen[0]);
    scores[1] = seen[FAKE_FRAMES - 1] / 255;
}

static void assert_seen(const Log *log, guint run, float a, float b, float c, float d)
{
    const float expected[FAKE_FRAMES] = {a, b, c, d};
    g_assert_cmpuint(run, <, log->n);
    for (guint t = 0; t < FAKE_FRAMES; t++)
        g_assert_cmpfloat(log->seen[run][t], ==, expected[t]);
}

typedef struct {
    SthModel model;
    Log log;
    SthStream *stream;
} Fixture;

static const SthStreamConfig plain = {.mode = STH_STREAM_SYNC, .threshold = 0.5f, .start_threshold = 0.5f, .end_threshold = 0.4f};

static void fixture_init(Fixture *f, const SthStreamConfig *config)
{
    memset(f, 0, sizeof *f);
    fake_model_init(&f->model);
    f->model.run = log_run;
    f->model.data = &f->log;
    f->stream = fake_stream_new(&f->model, config);
}

static void fixture_clear(Fixture *f)
{
    sth_stream_free(f->stream);
    g_assert_cmpint(f->model.refs, ==, 1);
}

/* Frames first…last - 1, their values are their numbers, one a step. */
static guint push_range(Fixture *f, guint first, guint last)
{
    SthResult result;
    guint results = 0;
    for (guint i = first; i < last; i++)
        results += fake_push(f->stream, (guint8)i, (guint64)i * STEP, &result);
    return results;
}

static SthStreamStats stats_of(Fixture *f)
{
    SthStreamStats stats;
    sth_stream_get_stats(f->stream, &stats);
    g_assert_cmpuint(stats.windows_due, ==, stats.windows_run + stats.windows_skipped);
    return stats;
}

/* The first window with the fourth frame, then one every `stride`. */
static void test_stride(void)
{
    for (guint stride = 0; stride <= 7; stride++) {
        SthStreamConfig config = plain;
        Fixture f;
        config.stride = stride;
        fixture_init(&f, &config);
        const guint by = stride ? stride : 2;
        for (guint i = 0; i < 30; i++) {
            SthResult result, latest;
            const gboolean told = fake_push(f.stream, (guint8)i, (guint64)i * STEP, &result);
            g_assert_cmpint(told, ==, i >= 3 && (i - 3) % by == 0);
            if (!told)
                continue;
            g_assert_cmpuint(result.sequence, ==, (i - 3) / by);
            g_assert_cmpuint(result.window_start, ==, (guint64)(i - 3) * STEP);
            g_assert_cmpuint(result.window_end, ==, (guint64)i * STEP);
            assert_seen(&f.log, f.log.n - 1, (float)i - 3, (float)i - 2, (float)i - 1, (float)i);
            g_assert_true(sth_stream_get_latest(f.stream, &latest));
            g_assert_cmpuint(latest.sequence, ==, result.sequence);
        }
        const SthStreamStats stats = stats_of(&f);
        g_assert_cmpuint(stats.frames_in, ==, 30);
        g_assert_cmpuint(stats.frames_sampled, ==, 30);
        g_assert_cmpuint(stats.windows_run, ==, f.log.n);
        g_assert_cmpuint(stats.windows_run, ==, 26 / by + 1);
        fixture_clear(&f);
    }
}

/* The same instants make the same windows whatever the frame rate: values are times in units of 10 ms. */
static void test_frame_rates(void)
{
    Fixture reference;
    fixture_init(&reference, &plain);
    push_range(&reference, 0, 20);
    for (guint fps = 20; fps <= 60; fps += 10) {
        Fixture f;
        SthResult result;
        fixture_init(&f, &plain);
        for (guint i = 0; i < 2 * fps; i++)
            fake_push(f.stream, (guint8)(i * 100 / fps), (guint64)i * 1000000000u / fps, &result);
        g_assert_cmpuint(f.log.n, ==, reference.log.n);
        for (guint run = 0; run < f.log.n; run++)
            for (guint t = 0; t < FAKE_FRAMES; t++)
                g_assert_cmpfloat_with_epsilon(f.log.seen[run][t], 10 * reference.log.seen[run][t], 50.0 / fps + 1);
        fixture_clear(&f);
    }
    fixture_clear(&reference);
}

/* 5 frames a second into a grid of 10: each frame counts twice. */
static void test_slow_video(void)
{
    Fixture f;
    SthResult result;
    fixture_init(&f, &plain);
    for (guint i = 0; i < 4; i++)
        fake_push(f.stream, (guint8)i, (guint64)i * 2 * STEP, &result);
    g_assert_cmpuint(f.log.n, ==, 2);
    assert_seen(&f.log, 0, 1, 1, 2, 2);
    assert_seen(&f.log, 1, 2, 2, 3, 3);
    g_assert_cmpuint(stats_of(&f).frames_sampled, ==, 4);
    fixture_clear(&f);
}

static void test_finish_tail(void)
{
    Fixture f;
    SthResult result;
    fixture_init(&f, &plain);
    g_assert_false(sth_stream_finish(f.stream, &result));
    g_assert_cmpuint(push_range(&f, 0, 7), ==, 2); /* windows end at 3 and 5 */
    g_assert_true(sth_stream_finish(f.stream, &result));
    g_assert_cmpuint(result.window_end, ==, 6 * (guint64)STEP);
    g_assert_cmpuint(result.sequence, ==, 2);
    assert_seen(&f.log, 2, 3, 4, 5, 6);
    g_assert_false(sth_stream_finish(f.stream, &result));
    g_assert_cmpuint(f.log.n, ==, 3);
    fixture_clear(&f);

    fixture_init(&f, &plain);
    push_range(&f, 0, 6);
    g_assert_false(sth_stream_finish(f.stream, &result)); /* the last window saw the last frame */
    fixture_clear(&f);
}

static void test_finish_short(void)
{
    for (guint have = 0; have < FAKE_FRAMES; have++)
        for (gboolean pad = FALSE; pad <= TRUE; pad++) {
            SthStreamConfig config = plain;
            SthResult result;
            Fixture f;
            config.pad_at_end = pad;
            fixture_init(&f, &config);
            g_assert_cmpuint(push_range(&f, 0, have), ==, 0);
            const gboolean told = sth_stream_finish(f.stream, &result);
            g_assert_cmpint(told, ==, pad && have > 0);
            if (told) {
                assert_seen(&f.log, 0, 0, (float)(3 * have / 8), (float)(5 * have / 8), (float)(7 * have / 8));
                g_assert_cmpuint(result.window_start, ==, 0);
                g_assert_cmpuint(result.window_end, ==, (guint64)(have - 1) * STEP);
            }
            fixture_clear(&f);
        }
}

/* A short clip's only window both starts and ends its action. */
static void test_finish_action(void)
{
    SthStreamConfig config = plain;
    SthResult result;
    Fixture f;
    config.pad_at_end = TRUE;
    fixture_init(&f, &config);
    fake_push(f.stream, 200, 0, &result);
    g_assert_true(sth_stream_finish(f.stream, &result));
    g_assert_cmpuint(result.events, ==, STH_EVENT_START | STH_EVENT_END);
    g_assert_cmpint(result.action.index, ==, 1);
    g_assert_cmpint(result.ended.index, ==, 1);
    g_assert_cmpint(result.label, ==, 1);
    g_assert_false(sth_stream_finish(f.stream, &result));
    fixture_clear(&f);

    /* No frames since the last window: only the end is new. */
    fixture_init(&f, &plain);
    for (guint i = 0; i < 4; i++)
        fake_push(f.stream, 200, (guint64)i * STEP, &result);
    g_assert_cmpuint(result.events, ==, STH_EVENT_START);
    g_assert_true(sth_stream_finish(f.stream, &result));
    g_assert_cmpuint(result.events, ==, STH_EVENT_END);
    g_assert_cmpint(result.ended.index, ==, 1);
    g_assert_cmpuint(result.ended.start, ==, 150000000);
    g_assert_cmpint(result.action.index, ==, -1);
    g_assert_cmpuint(f.log.n, ==, 1);
    fixture_clear(&f);
}

static void test_skip(void)
{
    const guint8 pixels[4] = {9, 9, 9, 9};
    SthResult result;
    Fixture f;
    fixture_init(&f, &plain);
    push_range(&f, 0, 3);
    const SthFrame frame = {{pixels}, {2}, 3 * (guint64)STEP};
    g_assert_true(sth_stream_wants(f.stream, frame.pts));
    sth_stream_push_skip(f.stream, &frame);
    g_assert_cmpuint(f.log.n, ==, 0);
    g_assert_cmpuint(stats_of(&f).windows_skipped, ==, 1);
    g_assert_false(sth_stream_get_latest(f.stream, &result));
    g_assert_cmpuint(push_range(&f, 4, 6), ==, 1); /* the frame is in the next window; the number is missing */
    assert_seen(&f.log, 0, 2, 9, 4, 5);
    g_assert_true(sth_stream_get_latest(f.stream, &result));
    g_assert_cmpuint(result.sequence, ==, 1);
    fixture_clear(&f);
}

/* The window that was skipped is still due at the end. */
static void test_skip_then_finish(void)
{
    const guint8 pixels[4] = {9, 9, 9, 9};
    const SthFrame frame = {{pixels}, {2}, 3 * (guint64)STEP};
    SthResult result;
    Fixture f;
    fixture_init(&f, &plain);
    push_range(&f, 0, 3);
    sth_stream_wants(f.stream, frame.pts);
    sth_stream_push_skip(f.stream, &frame);
    g_assert_true(sth_stream_finish(f.stream, &result));
    assert_seen(&f.log, 0, 0, 1, 2, 9);
    fixture_clear(&f);
}

static void test_reset(void)
{
    SthResult result;
    Fixture f;
    fixture_init(&f, &plain);
    g_assert_false(sth_stream_reset(f.stream, NULL));
    for (guint i = 0; i < 4; i++)
        fake_push(f.stream, 200, (guint64)i * STEP, &result);
    g_assert_true(sth_stream_reset(f.stream, &result));
    g_assert_cmpuint(result.events, ==, STH_EVENT_END);
    g_assert_cmpint(result.ended.index, ==, 1);
    g_assert_false(sth_stream_get_latest(f.stream, &result));
    g_assert_false(sth_stream_reset(f.stream, &result));
    g_assert_false(sth_stream_finish(f.stream, &result));
    /* Anew, at any time; counters stay. */
    g_assert_cmpuint(push_range(&f, 0, 4), ==, 1);
    assert_seen(&f.log, 1, 0, 1, 2, 3);
    g_assert_cmpuint(stats_of(&f).frames_in, ==, 8);
    fixture_clear(&f);
}

/* A jump of the PTS: no window reaches across it, an action ends there and is told with the next window. */
static void test_jump(void)
{
    static const guint64 starts[] = {0, 100 * (guint64)STEP, 50 * (guint64)STEP};
    SthResult result;
    Fixture f;
    fixture_init(&f, &plain);
    for (guint part = 0; part < G_N_ELEMENTS(starts); part++) {
        for (guint i = 0; i < 4; i++) {
            const gboolean told = fake_push(f.stream, (guint8)(200 + 10 * part + i), starts[part] + (guint64)i * STEP, &result);
            g_assert_cmpint(told, ==, i == 3);
            g_assert_cmpint(sth_stream_get_latest(f.stream, &result), ==, i == 3);
        }
        g_assert_cmpuint(result.window_start, ==, starts[part]);
        g_assert_cmpuint(result.events, ==, part ? STH_EVENT_START | STH_EVENT_END : STH_EVENT_START);
        if (part)
            g_assert_cmpuint(result.ended.end, ==, starts[part - 1] + 150000000);
    }
    fixture_clear(&f);
}

static void test_format(void)
{
    const SthFrameFormat same = {.pixel = STH_PIXEL_GRAY8, .width = FAKE_SIZE, .height = FAKE_SIZE, .full_range = TRUE};
    SthFrameFormat other = same;
    GError *error = NULL;
    Fixture f;
    fixture_init(&f, &plain);
    push_range(&f, 0, 3);
    g_assert_true(sth_stream_set_format(f.stream, &same, &error)); /* nothing changed: the window stays */
    g_assert_cmpuint(push_range(&f, 3, 4), ==, 1);
    other.matrix = STH_MATRIX_BT709;
    g_assert_true(sth_stream_set_format(f.stream, &other, &error));
    g_assert_cmpuint(push_range(&f, 4, 7), ==, 0);
    g_assert_cmpuint(push_range(&f, 7, 8), ==, 1);
    assert_seen(&f.log, 1, 4, 5, 6, 7);
    other.width = 0;
    g_assert_false(sth_stream_set_format(f.stream, &other, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_ARGUMENT);
    g_clear_error(&error);
    g_assert_cmpuint(push_range(&f, 8, 10), ==, 1); /* the format before still stands */
    fixture_clear(&f);
}

static void test_configure(void)
{
    SthStreamConfig config = plain;
    SthResult result;
    Fixture f;
    config.stride = 1000;
    fixture_init(&f, &config);
    g_assert_cmpuint(push_range(&f, 0, 40), ==, 1);
    config.stride = 1;
    config.threshold = 0.9f;
    config.top_k = 2;
    sth_stream_configure(f.stream, &config);
    g_assert_true(fake_push(f.stream, 200, 40 * (guint64)STEP, &result));
    g_assert_cmpint(result.label, ==, -1);
    g_assert_cmpuint(result.n_top, ==, 2);
    g_assert_cmpint(result.top[0].index, ==, 1);
    fixture_clear(&f);
}

/* Trimmed clips know nothing of time, smoothing, actions, and leave the stream's window alone. */
static void test_clip(void)
{
    SthStreamConfig config = plain;
    SthResult result;
    Fixture f;
    config.smoothing_ns = 1000 * (guint64)STEP;
    fixture_init(&f, &config);
    push_range(&f, 0, 3);
    for (guint clip = 0; clip < 3; clip++)
        for (guint i = 0; i < FAKE_FRAMES; i++) {
            const guint8 value = (guint8)(clip == 1 ? 250 + i : i), pixels[4] = {value, value, value, value};
            const SthFrame frame = {{pixels}, {2}, STH_TIME_NONE};
            g_assert_cmpint(sth_stream_push_clip(f.stream, &frame, &result), ==, i == FAKE_FRAMES - 1);
            if (i == FAKE_FRAMES - 1) {
                g_assert_cmpfloat(result.top[0].confidence, ==, (float)value / 255);
                g_assert_cmpint(result.label, ==, clip == 1 ? 1 : -1);
                g_assert_cmpuint(result.events, ==, 0);
            }
        }
    g_assert_cmpuint(push_range(&f, 3, 4), ==, 1);
    assert_seen(&f.log, 3, 0, 1, 2, 3);
    fixture_clear(&f);
}

static void test_background(void)
{
    SthResult result;
    Fixture f;
    fixture_init(&f, &plain);
    f.model.info.background_label = 1;
    for (guint i = 0; i < 4; i++)
        fake_push(f.stream, 255, (guint64)i * STEP, &result);
    g_assert_cmpint(result.top[0].index, ==, 1);
    g_assert_cmpfloat(result.top[0].confidence, ==, 1);
    g_assert_cmpint(result.label, ==, -1);
    g_assert_cmpuint(result.events, ==, 0);
    fixture_clear(&f);
}

static void test_refused(void)
{
    static const SthStreamConfig rows[] = {{.mode = (SthStreamMode)7},
                                           {.top_k = STH_MAX_TOP_K + 1},
                                           {.threshold = 1.5f},
                                           {.threshold = -0.1f},
                                           {.start_threshold = 0.3f, .end_threshold = 0.4f},
                                           {.start_threshold = 2, .end_threshold = 0.4f}};
    SthModel model;
    GError *error = NULL;
    fake_model_init(&model);
    for (guint row = 0; row < G_N_ELEMENTS(rows); row++) {
        g_assert_null(sth_stream_new(&model, &rows[row], &error));
        g_assert_error(error, STH_ERROR, STH_ERROR_ARGUMENT);
        g_clear_error(&error);
    }
    SthStreamConfig not_a_number = plain;
    not_a_number.threshold = NAN;
    g_assert_null(sth_stream_new(&model, &not_a_number, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_ARGUMENT);
    g_clear_error(&error);
    model.info.frames = 0;
    g_assert_null(sth_stream_new(&model, &plain, &error));
    g_assert_error(error, STH_ERROR, STH_ERROR_SHAPE);
    g_clear_error(&error);
    g_assert_cmpint(model.refs, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/stride", test_stride);
    g_test_add_func("/stream/frame-rates", test_frame_rates);
    g_test_add_func("/stream/slow-video", test_slow_video);
    g_test_add_func("/stream/finish/tail", test_finish_tail);
    g_test_add_func("/stream/finish/short", test_finish_short);
    g_test_add_func("/stream/finish/action", test_finish_action);
    g_test_add_func("/stream/skip", test_skip);
    g_test_add_func("/stream/skip-then-finish", test_skip_then_finish);
    g_test_add_func("/stream/reset", test_reset);
    g_test_add_func("/stream/jump", test_jump);
    g_test_add_func("/stream/format", test_format);
    g_test_add_func("/stream/configure", test_configure);
    g_test_add_func("/stream/clip", test_clip);
    g_test_add_func("/stream/background", test_background);
    g_test_add_func("/stream/refused", test_refused);
    return g_test_run();
}
