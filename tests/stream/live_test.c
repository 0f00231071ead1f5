/* Streams in live mode: nothing waits for the network. The network is a gate that the test opens: no test depends on how long anything takes.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake_model.h"

#include <pthread.h>
#include <string.h>

#include "stream/scheduler.h"

#define STEP 100000000u

/* A network that waits: each run takes a permit. pthread's, as the thread sanitizer knows it. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    guint permits, begun;
    float newest[256]; /* newest frame of each run */
    gpointer who[256]; /* model that ran */
} Gate;

static void gate_init(Gate *gate)
{
    memset(gate, 0, sizeof *gate);
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

static void gate_clear(Gate *gate)
{
    pthread_mutex_destroy(&gate->lock);
    pthread_cond_destroy(&gate->changed);
}

static void gate_open(Gate *gate, guint permits)
{
    pthread_mutex_lock(&gate->lock);
    gate->permits += permits;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* Until @begun runs have begun. */
static void gate_await(Gate *gate, guint begun)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->begun < begun)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_run(SthModel *model, const float seen[FAKE_FRAMES], float scores[FAKE_CLASSES])
{
    Gate *gate = model->data;
    pthread_mutex_lock(&gate->lock);
    gate->newest[gate->begun] = seen[FAKE_FRAMES - 1];
    gate->who[gate->begun++] = model;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->permits)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->permits--;
    pthread_mutex_unlock(&gate->lock);
    scores[1] = seen[FAKE_FRAMES - 1] / 255;
}

typedef struct {
    gint told; /* atomic */
    SthResult newest;
} Told;

static void count_result(const SthResult *result, gpointer data)
{
    Told *told = data;
    told->newest = *result;
    g_atomic_int_inc(&told->told);
}

static void model_init(SthModel *model, Gate *gate)
{
    fake_model_init(model);
    model->run = gate_run;
    model->data = gate;
}

static SthStreamConfig live_config(Told *told)
{
    return (SthStreamConfig){
        .mode = STH_STREAM_LIVE, .threshold = 0.5f, .start_threshold = 0.5f, .end_threshold = 0.4f, .notify = count_result, .notify_data = told};
}

static void push_range(SthStream *stream, guint first, guint last)
{
    SthResult result;
    for (guint i = first; i < last; i++)
        g_assert_false(fake_push(stream, (guint8)i, (guint64)i * STEP, &result));
}

/* Frames go in while the network is stuck in its first window: windows are dropped, frames never; then the newest one runs. */
static void test_never_waits(void)
{
    Gate gate;
    SthModel model;
    SthResult result;
    SthStreamStats stats;
    Told told = {0};
    gate_init(&gate);
    model_init(&model, &gate);
    const SthStreamConfig config = live_config(&told);
    SthStream *stream = fake_stream_new(&model, &config);

    push_range(stream, 0, 4);
    gate_await(&gate, 1);
    push_range(stream, 4, 200);
    g_assert_false(sth_stream_get_latest(stream, &result));
    sth_stream_get_stats(stream, &stats);
    g_assert_cmpuint(stats.frames_sampled, ==, 200);
    g_assert_cmpuint(stats.windows_due, ==, 197);
    g_assert_cmpuint(stats.windows_run, ==, 0);
    g_assert_cmpuint(stats.windows_skipped, ==, 195); /* one runs, one waits */

    gate_open(&gate, 2);
    g_assert_true(sth_stream_finish(stream, &result)); /* class 1 goes on: its end is new */
    g_assert_cmpuint(gate.begun, ==, 2);
    g_assert_cmpfloat(gate.newest[0], ==, 3);
    g_assert_cmpfloat(gate.newest[1], ==, 199);
    g_assert_cmpuint(result.events, ==, STH_EVENT_END);
    g_assert_cmpint(told.told, ==, 2);
    g_assert_cmpuint(told.newest.events, ==, STH_EVENT_START);
    g_assert_cmpuint(told.newest.sequence, ==, 196);
    g_assert_cmpuint(told.newest.window_end, ==, 199 * (guint64)STEP);
    sth_stream_get_stats(stream, &stats);
    g_assert_cmpuint(stats.windows_run, ==, 2);
    g_assert_cmpuint(stats.lag, ==, 0);
    sth_stream_free(stream);
    g_assert_cmpint(model.refs, ==, 1);
    gate_clear(&gate);
}

/* A reset does not wait either; the window in flight is of the past and tells nothing. */
static void test_reset_during_run(void)
{
    Gate gate;
    SthModel model;
    SthResult result;
    Told told = {0};
    gate_init(&gate);
    model_init(&model, &gate);
    const SthStreamConfig config = live_config(&told);
    SthStream *stream = fake_stream_new(&model, &config);

    push_range(stream, 0, 4);
    gate_await(&gate, 1);
    push_range(stream, 4, 6);
    g_assert_false(sth_stream_reset(stream, &result));
    push_range(stream, 50, 53); /* no whole window */
    gate_open(&gate, 10);
    g_assert_false(sth_stream_finish(stream, &result));
    g_assert_cmpint(told.told, ==, 0);
    g_assert_cmpuint(gate.begun, ==, 1);
    push_range(stream, 53, 54);
    while (g_atomic_int_get(&told.told) < 1)
        g_usleep(1000);
    g_assert_cmpfloat(gate.newest[1], ==, 53);
    sth_stream_free(stream);
    gate_clear(&gate);
}

static void *open_later(void *data)
{
    g_usleep(20000);
    gate_open(data, 100);
    return NULL;
}

/* The end of a stream waits for the run that is going on, and for no more. */
static void test_free_during_run(void)
{
    Gate gate;
    SthModel model;
    Told told = {0};
    pthread_t thread;
    gate_init(&gate);
    model_init(&model, &gate);
    const SthStreamConfig config = live_config(&told);
    SthStream *stream = fake_stream_new(&model, &config);
    push_range(stream, 0, 4);
    gate_await(&gate, 1);
    push_range(stream, 4, 20);
    g_assert_cmpint(pthread_create(&thread, NULL, open_later, &gate), ==, 0);
    sth_stream_free(stream);
    g_assert_cmpuint(gate.begun, ==, 1);
    g_assert_cmpint(model.refs, ==, 1);
    pthread_join(thread, NULL);
    gate_clear(&gate);
}

/* A short live stream ends with a padded window; without notify the result comes from finish(). */
static void test_finish_short(void)
{
    SthModel model;
    SthResult result;
    fake_model_init(&model);
    const SthStreamConfig config = {.mode = STH_STREAM_LIVE, .pad_at_end = TRUE, .start_threshold = 1};
    SthStream *stream = fake_stream_new(&model, &config);
    push_range(stream, 0, 2);
    g_assert_true(sth_stream_finish(stream, &result));
    g_assert_cmpuint(result.window_end, ==, STEP);
    g_assert_cmpint(model.runs, ==, 1);
    sth_stream_free(stream);
}

/* Three streams, each with more windows than can run: they take turns. */
static void test_fair(void)
{
    Gate gate;
    SthModel models[3];
    SthStream *streams[3];
    Told told[3] = {{0}};
    SthResult result;
    gate_init(&gate);
    for (guint i = 0; i < 3; i++) {
        model_init(&models[i], &gate);
        const SthStreamConfig config = live_config(&told[i]);
        streams[i] = fake_stream_new(&models[i], &config);
    }
    for (guint i = 0; i < 3; i++) /* the first of these is running, the others wait */
        push_range(streams[i], 0, 4);
    for (guint round = 1; round <= 30; round++) {
        gate_await(&gate, round);
        for (guint i = 0; i < 3; i++)
            push_range(streams[i], 3 + round, 4 + round);
        gate_open(&gate, 1);
    }
    gate_open(&gate, 100);
    for (guint i = 0; i < 3; i++)
        sth_stream_finish(streams[i], &result);
    for (guint run = 3; run < 30; run++)
        g_assert_true(gate.who[run] == gate.who[run - 3]);
    for (guint i = 0; i < 3; i++) {
        g_assert_true(gate.who[0] == &models[i] || gate.who[1] == &models[i] || gate.who[2] == &models[i]);
        sth_stream_free(streams[i]);
    }
    gate_clear(&gate);
}

/* Two streams share a model; streams come and go, the scheduler with them. */
static void *live_and_die(void *data)
{
    const SthStreamConfig config = {.mode = STH_STREAM_LIVE, .start_threshold = 0.5f, .end_threshold = 0.5f};
    SthResult result;
    for (guint round = 0; round < 20; round++) {
        SthStream *stream = fake_stream_new(data, &config);
        for (guint i = 0; i < 30; i++) {
            fake_push(stream, (guint8)i, (guint64)i * STEP, &result);
            sth_stream_get_latest(stream, &result);
            if (i == 17 && round % 3 == 0)
                sth_stream_reset(stream, &result);
            if (i == 20)
                sth_stream_configure(stream, &config);
        }
        if (round % 2)
            sth_stream_finish(stream, &result);
        SthStreamStats stats;
        sth_stream_get_stats(stream, &stats);
        g_assert_cmpuint(stats.frames_sampled, ==, 30);
        sth_stream_free(stream);
    }
    return NULL;
}

static void test_many_threads(void)
{
    SthModel model;
    pthread_t threads[4];
    fake_model_init(&model);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, live_and_die, &model), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpint(model.refs, ==, 1);
}

/* Every run is in time of one post at least; a post during a run asks for another. */
static void count_run(gpointer data)
{
    g_atomic_int_inc((gint *)data);
}

static void test_scheduler(void)
{
    gint runs = 0;
    GError *error = NULL;
    for (guint life = 0; life < 3; life++) {
        SthSchedulerClient *client = sth_scheduler_add(count_run, &runs, &error);
        g_assert_no_error(error);
        for (gint i = 1; i <= 100; i++) {
            sth_scheduler_post(client);
            sth_scheduler_wait(client);
            g_assert_cmpint(g_atomic_int_get(&runs), ==, (gint)life * 100 + i);
        }
        sth_scheduler_remove(client);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/live/never-waits", test_never_waits);
    g_test_add_func("/live/reset-during-run", test_reset_during_run);
    g_test_add_func("/live/free-during-run", test_free_during_run);
    g_test_add_func("/live/finish-short", test_finish_short);
    g_test_add_func("/live/fair", test_fair);
    g_test_add_func("/live/many-threads", test_many_threads);
    g_test_add_func("/live/scheduler", test_scheduler);
    return g_test_run();
}
