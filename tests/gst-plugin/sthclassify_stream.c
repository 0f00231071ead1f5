/* sthclassify: flushes, discontinuities, ends, restarts, live mode and lateness.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "element_fixture.h"

/* TRUE if the frame has a result of its own. */
static gboolean fresh_at(Fixture *f, GstClockTime pts)
{
    GstSthClassification value;
    GstBuffer *buffer;
    const gboolean fresh = fixture_result(f, pts, &value, &buffer) && !value.held;

    gst_buffer_unref(buffer);
    return fresh;
}

static gboolean any_at(Fixture *f, GstClockTime pts)
{
    GstSthClassification value;
    GstBuffer *buffer;
    const gboolean any = fixture_result(f, pts, &value, &buffer);

    gst_buffer_unref(buffer);
    return any;
}

/* Fills a window and one frame more, then breaks the stream; the next result needs a whole window again, and no old one is carried on. */
static void flush(Fixture *f)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    g_assert_true(gst_harness_push_event(f->harness, gst_event_new_flush_start()));
    g_assert_true(gst_harness_push_event(f->harness, gst_event_new_flush_stop(TRUE)));
    g_assert_true(gst_harness_push_event(f->harness, gst_event_new_segment(&segment)));
}

static void new_stream(Fixture *f)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    g_assert_true(gst_harness_push_event(f->harness, gst_event_new_stream_start("another")));
    g_assert_true(gst_harness_push_event(f->harness, gst_event_new_segment(&segment)));
}

static void new_caps(Fixture *f)
{
    fixture_set_caps(f, "video/x-raw,format=NV12,width=48,height=64,framerate=8/1");
}

static void backwards(Fixture *f)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.rate = -1;
    segment.stop = 100 * SAMPLE;
    g_assert_true(gst_harness_push_event(f->harness, gst_event_new_segment(&segment)));
}

static void nothing(Fixture *f)
{
}

static void test_breaks(void)
{
    static const struct {
        const char *name;
        void (*event)(Fixture *f);
        GstClockTime then; /* PTS of the frame after it; the one before it has 2 samples */
        gboolean discont, cleared;
    } rows[] = {
        {"flush", flush, 3 * SAMPLE, FALSE, TRUE},
        {"new stream", new_stream, 3 * SAMPLE, FALSE, TRUE},
        {"new caps", new_caps, 3 * SAMPLE, FALSE, TRUE},
        {"PTS back", nothing, 0, FALSE, TRUE},
        {"PTS jump", nothing, 100 * SAMPLE, FALSE, TRUE},
        {"DISCONT without a hole", nothing, 3 * SAMPLE, TRUE, TRUE},
        {"DISCONT after frames left out", nothing, 3 * SAMPLE + 3 * SAMPLE / 4, TRUE, FALSE},
        {"nothing", nothing, 3 * SAMPLE, FALSE, FALSE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        GstSthClassification value;
        GstBuffer *frame;
        Fixture f;

        g_test_message("%s", rows[i].name);
        fixture_open_classify(&f, TINY_MODEL, "hold-time=0");
        g_assert_false(any_at(&f, 0));
        g_assert_true(fresh_at(&f, SAMPLE));
        g_assert_true(fresh_at(&f, 2 * SAMPLE));
        rows[i].event(&f);
        frame = fixture_frame(&f, rows[i].then, SAMPLE);
        if (rows[i].discont)
            GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_DISCONT);
        g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
        frame = gst_harness_pull(f.harness);
        if (gst_sth_classification_from_buffer(frame, &value) == rows[i].cleared)
            g_error("%s: the window is %s", rows[i].name, rows[i].cleared ? "still there" : "cleared");
        gst_buffer_unref(frame);
        g_assert_true(fresh_at(&f, rows[i].then + SAMPLE));
        g_assert_true(fresh_at(&f, rows[i].then + 2 * SAMPLE));
        fixture_close(&f);
    }
}

/* Video that is played backwards goes through, unsampled, and ends what was going on. */
static void test_backwards(void)
{
    GstEvent *event;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0 start-threshold=0 end-threshold=0");
    g_assert_false(any_at(&f, 0));
    g_assert_true(fresh_at(&f, SAMPLE));
    g_assert_cmpuint(fixture_count_messages(&f, "action-end"), ==, 0);
    backwards(&f);
    g_assert_cmpuint(fixture_count_messages(&f, "action-end"), ==, 1);
    event = fixture_result_event(&f);
    g_assert_nonnull(event);
    gst_event_unref(event);
    for (guint i = 9; i > 0; i--)
        g_assert_false(any_at(&f, i * SAMPLE));
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_eos()));
    g_assert_null(fixture_result_event(&f));
    g_assert_cmpuint(fixture_stat(&f, "frames-sampled"), ==, 2);
    fixture_close(&f);
}

/* Frames marked as gaps go through, unsampled. */
static void test_gap(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "");
    for (guint i = 0; i < 4; i++) {
        GstBuffer *frame = fixture_frame(&f, i * SAMPLE, SAMPLE);

        GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_GAP);
        g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
        gst_buffer_unref(gst_harness_pull(f.harness));
    }
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_gap(4 * SAMPLE, SAMPLE)));
    g_assert_cmpuint(fixture_stat(&f, "frames-sampled"), ==, 0);
    fixture_close(&f);
}

/* Frames without PTS pass, without results, and do no harm to those that have one. */
static void test_no_pts(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "");
    for (guint i = 0; i < 4; i++)
        g_assert_false(any_at(&f, GST_CLOCK_TIME_NONE));
    g_assert_false(any_at(&f, 0));
    g_assert_true(fresh_at(&f, SAMPLE));
    fixture_close(&f);
}

/* Three frames of an eight-frame window: at EOS resampled to one, or dropped. */
static void test_short_clip(void)
{
    for (guint drop = 0; drop < 2; drop++) {
        GstSthClassification value;
        GstEvent *event;
        Fixture f;

        fixture_open_classify(&f, EIGHT_MODEL, drop ? "threshold=0 start-threshold=1 eos-policy=drop" : "threshold=0 start-threshold=1");
        for (guint i = 0; i < 3; i++)
            g_assert_false(any_at(&f, i * SAMPLE));
        g_assert_true(gst_harness_push_event(f.harness, gst_event_new_eos()));
        event = fixture_result_event(&f);
        g_assert_cmpint(event == NULL, ==, drop);
        g_assert_cmpuint(fixture_count_messages(&f, "result"), ==, !drop);
        if (event) {
            GstEvent *eos = gst_harness_pull_event(f.harness);

            g_assert_true(gst_sth_classification_from_event(event, &value));
            g_assert_nonnull(value.label);
            g_assert_false(value.held);
            g_assert_cmpuint(value.window_start, ==, 0);
            g_assert_cmpuint(value.window_end, ==, 2 * SAMPLE);
            g_assert_cmpuint(value.timestamp, ==, 2 * SAMPLE);
            g_assert_cmpint(GST_EVENT_TYPE(eos), ==, GST_EVENT_EOS);
            gst_event_unref(eos);
            gst_event_unref(event);
        }
        fixture_close(&f);
    }
}

/* With thresholds of 0 an action starts with the first window; EOS ends it. Starts and ends pair up, on buffers and on the bus. */
static void test_actions(void)
{
    guint starts = 0, ends = 0;
    GstSthClassification value;
    GstMessage *message;
    GstBuffer *buffer;
    GstEvent *event;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "threshold=0 start-threshold=0 end-threshold=0");
    for (guint i = 0; i < 40; i++) {
        if (fixture_result(&f, i * SAMPLE, &value, &buffer)) {
            starts += (value.events & GST_STH_EVENT_START) != 0;
            ends += (value.events & GST_STH_EVENT_END) != 0;
            g_assert_cmpint((value.events & GST_STH_EVENT_END) != 0, ==, value.ended.label != NULL);
            g_assert_nonnull(value.action.label);
            g_assert_cmpuint(value.action.start, <=, value.window_end);
            g_assert_true(i != 1 || value.events == GST_STH_EVENT_START);
        }
        gst_buffer_unref(buffer);
    }
    g_assert_cmpuint(starts, >=, 1);
    g_assert_cmpuint(starts, ==, ends + 1);
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_eos()));
    event = fixture_result_event(&f);
    g_assert_nonnull(event);
    g_assert_true(gst_sth_classification_from_event(event, &value));
    g_assert_cmpuint(value.events, ==, GST_STH_EVENT_END);
    g_assert_nonnull(value.ended.label);
    g_assert_cmpuint(value.ended.end, >=, value.ended.start);
    gst_event_unref(event);

    for (guint i = 0; i < starts; i++) {
        message = fixture_message(&f, "action-start");
        g_assert_nonnull(message);
        gst_message_unref(message);
        message = fixture_message(&f, "action-end");
        g_assert_nonnull(message);
        g_assert_true(gst_structure_has_field_typed(gst_message_get_structure(message), "action-end", G_TYPE_UINT64));
        gst_message_unref(message);
    }
    fixture_close(&f);
}

/* The peak of an action is the highest confidence that its class had in the windows from its start to its end. */
static void test_peak(void)
{
    double confidence[40][4] = {{0}};
    GstSthClassification value;
    GstMessage *message;
    guint ends = 0;
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "stride=1 top-k=4 start-threshold=0 end-threshold=0");
    for (guint i = 0; i < 40; i++) {
        GstBuffer *buffer;

        g_assert_cmpint(fixture_result(&f, i * SAMPLE, &value, &buffer), ==, i > 0);
        for (guint k = 0; i > 0 && k < 4; k++)
            confidence[i][value.label_ids[k]] = value.confidences[k];
        gst_buffer_unref(buffer);
    }
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_eos()));
    while ((message = fixture_message(&f, "action-end"))) {
        const GstStructure *s = gst_message_get_structure(message);
        guint64 start, end;
        double peak, highest = 0;
        gint id;

        g_assert_true(gst_structure_get(s, "action-start", G_TYPE_UINT64, &start, "action-end", G_TYPE_UINT64, &end, "confidence", G_TYPE_DOUBLE,
                                        &peak, "label-id", G_TYPE_INT, &id, NULL));
        /* Times of an action are middles of windows, here of frames i - 1 and i. */
        for (guint i = start / SAMPLE + 1; i <= end / SAMPLE + 1; i++)
            highest = MAX(highest, confidence[i][id]);
        g_assert_cmpfloat(peak, ==, highest);
        gst_message_unref(message);
        ends++;
    }
    g_assert_cmpuint(ends, >=, 1);
    fixture_close(&f);
}

/* Smoothing is over seconds, not windows: at any stride the confidences follow those of the same windows without smoothing as
 * exp(-time / smoothing) says. */
static void test_smoothing(void)
{
    const double tau = 0.7;

    for (guint stride = 1; stride <= 3; stride++) {
        const double gain = 1 - exp(-(double)stride * SAMPLE / GST_SECOND / tau);
        char *properties[2] = {g_strdup_printf("stride=%u top-k=4", stride), g_strdup_printf("stride=%u top-k=4 smoothing=%f", stride, tau)};
        double expected[4] = {0};
        guint n = 0;
        Fixture f[2];

        for (guint k = 0; k < 2; k++)
            fixture_open_classify(&f[k], TINY_MODEL, properties[k]);
        for (guint i = 0; i < 20; i++) {
            GstSthClassification plain, smooth;
            GstBuffer *buffers[2];
            const gboolean any = fixture_result(&f[0], i * SAMPLE, &plain, &buffers[0]);

            g_assert_cmpint(fixture_result(&f[1], i * SAMPLE, &smooth, &buffers[1]), ==, any);
            if (any && !plain.held) {
                for (guint k = 0; k < 4; k++) {
                    double *e = &expected[plain.label_ids[k]];

                    *e += (n > 0 ? gain : 1) * (plain.confidences[k] - *e);
                }
                for (guint k = 0; k < 4; k++)
                    g_assert_cmpfloat_with_epsilon(smooth.confidences[k], expected[smooth.label_ids[k]], 1e-6);
                n++;
            }
            for (guint k = 0; k < 2; k++)
                gst_buffer_unref(buffers[k]);
        }
        g_assert_cmpuint(n, >=, 6);
        for (guint k = 0; k < 2; k++) {
            fixture_close(&f[k]);
            g_free(properties[k]);
        }
    }
}

/* Messages tell PTS, and stream time and running time as the segment has them; a segment alone does not empty the window. */
static void test_segment(void)
{
    static const struct {
        double rate;
        GstClockTime start, time, base; /* in samples */
        GstClockTime stream, running;   /* of the frame one sample after the start */
    } rows[] = {
        {1, 0, 0, 0, SAMPLE, SAMPLE},
        {1, 80, 0, 0, SAMPLE, SAMPLE},
        {1, 80, 16, 0, 17 * SAMPLE, SAMPLE},
        {2, 80, 16, 24, 17 * SAMPLE, 24 * SAMPLE + SAMPLE / 2},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const GstClockTime start = rows[i].start * SAMPLE;
        guint64 timestamp, stream, running;
        GstMessage *message;
        GstSegment segment;
        Fixture f;

        fixture_open_classify(&f, TINY_MODEL, "threshold=0");
        gst_segment_init(&segment, GST_FORMAT_TIME);
        segment.rate = rows[i].rate;
        segment.start = segment.position = start;
        segment.time = rows[i].time * SAMPLE;
        segment.base = rows[i].base * SAMPLE;
        g_assert_true(gst_harness_push_event(f.harness, gst_event_new_segment(&segment)));
        g_assert_false(any_at(&f, start));
        g_assert_true(gst_harness_push_event(f.harness, gst_event_new_segment(&segment)));
        g_assert_true(fresh_at(&f, start + SAMPLE));
        message = fixture_message(&f, "result");
        g_assert_nonnull(message);
        g_assert_true(gst_structure_get(gst_message_get_structure(message), "timestamp", G_TYPE_UINT64, &timestamp, "stream-time", G_TYPE_UINT64,
                                        &stream, "running-time", G_TYPE_UINT64, &running, NULL));
        g_assert_cmpuint(timestamp, ==, start + SAMPLE);
        g_assert_cmpuint(stream, ==, rows[i].stream);
        g_assert_cmpuint(running, ==, rows[i].running);
        gst_message_unref(message);
        fixture_close(&f);
    }
}

/* A flush ends the action: the bus hears of it. */
static void test_flush_ends_action(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "start-threshold=0 end-threshold=0");
    g_assert_false(any_at(&f, 0));
    g_assert_true(fresh_at(&f, SAMPLE));
    flush(&f);
    g_assert_cmpuint(fixture_count_messages(&f, "action-end"), ==, 1);
    fixture_close(&f);
}

static void test_restart(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "");
    for (guint i = 0; i < 3; i++) {
        g_assert_false(any_at(&f, 0));
        g_assert_true(fresh_at(&f, SAMPLE));
        g_assert_cmpuint(fixture_stat(&f, "windows-run"), ==, 1);
        g_assert_cmpint(gst_element_set_state(f.element, i ? GST_STATE_NULL : GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
        g_assert_cmpuint(fixture_stat(&f, "windows-run"), ==, 1); /* until the next start */
        g_assert_cmpint(gst_element_set_state(f.element, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
        gst_harness_set_src_caps_str(f.harness, i % 2 ? "video/x-raw,format=RGB,width=64,height=48,framerate=8/1"
                                                      : "video/x-raw,format=BGR,width=64,height=48,framerate=8/1");
    }
    fixture_close(&f);
}

/* A network far slower than its frames: every frame comes out at once, windows are skipped and counted. */
static void test_live_never_waits(void)
{
    char *properties = g_strdup_printf("model-file=\"%s\" mode=live stride=1 threads=1", default_model_path());
    const guint n = 400;
    guint64 due;
    Fixture f;

    fixture_open(&f, "sthclassify", properties);
    fixture_set_caps(&f, "video/x-raw,format=I420,width=64,height=48,framerate=30/1");
    for (guint i = 0; i < n; i++) /* fixture_pass() wants each frame back before the next */
        gst_buffer_unref(fixture_pass(&f, i * GST_SECOND / 4));
    g_assert_cmpuint(gst_harness_query_latency(f.harness), ==, 0);
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_eos()));
    due = fixture_stat(&f, "windows-due");
    g_assert_cmpuint(fixture_stat(&f, "frames-in"), ==, n);
    g_assert_cmpuint(due, >, 0);
    g_assert_cmpuint(fixture_stat(&f, "windows-skipped"), >, 0);
    g_assert_cmpuint(fixture_stat(&f, "windows-run"), >, 0);
    g_assert_cmpuint(fixture_stat(&f, "windows-run") + fixture_stat(&f, "windows-skipped"), ==, due);
    g_assert_cmpuint(fixture_count_messages(&f, "result"), ==, fixture_stat(&f, "windows-run"));
    fixture_close(&f);
    g_free(properties);
}

/* Live, a result comes on a frame after its window, once as fresh, then held; in all every window that ran is told once. */
static void test_live_results(void)
{
    char *properties = g_strdup_printf("model-file=\"%s\" mode=live threshold=0", golden_path(TINY_MODEL));
    guint fresh = 0, held = 0;
    guint64 last = 0;
    GstEvent *event;
    Fixture f;

    fixture_open(&f, "sthclassify", properties);
    fixture_set_caps(&f, "video/x-raw,format=RGB,width=64,height=48,framerate=8/1");
    for (guint i = 0; i < 3000 && (fresh < 5 || held < 5); i++) {
        GstSthClassification value;
        GstBuffer *buffer;

        if (fixture_result(&f, i * SAMPLE / 8, &value, &buffer)) {
            g_assert_cmpuint(value.window_end, <=, i * SAMPLE / 8);
            g_assert_cmpuint(value.age, ==, i * SAMPLE / 8 - value.window_end);
            g_assert_cmpint(value.held, ==, fresh > 0 && value.sequence == last);
            last = value.sequence;
            fresh += !value.held;
            held += value.held;
        }
        gst_buffer_unref(buffer);
        g_usleep(2000);
    }
    g_assert_cmpuint(fresh, >=, 5);
    g_assert_cmpuint(held, >=, 5);
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_eos()));
    while ((event = fixture_result_event(&f))) {
        GstSthClassification value;

        g_assert_true(gst_sth_classification_from_event(event, &value));
        fresh += !value.held;
        gst_event_unref(event);
    }
    g_assert_cmpuint(fresh, ==, fixture_stat(&f, "windows-run"));
    fixture_close(&f);
    g_free(properties);
}

/* Who asks upstream: a harness says of itself that it is live. */
static void test_auto_mode(void)
{
    char *properties = g_strdup_printf("model-file=\"%s\"", golden_path(TINY_MODEL));
    GstElement *pipeline, *element;
    GstMessage *message;
    GstBus *bus;
    char *line;
    Fixture f;

    fixture_open(&f, "sthclassify", properties);
    fixture_set_caps(&f, "video/x-raw,format=RGB,width=64,height=48,framerate=8/1");
    gst_buffer_unref(fixture_pass(&f, 0));
    g_assert_false(fresh_at(&f, SAMPLE) && gst_harness_query_latency(f.harness) > 0);
    g_assert_cmpuint(gst_harness_query_latency(f.harness), ==, 0);
    fixture_close(&f);

    /* A file-like source: sync, so every window is run and on its own frame. */
    line =
        g_strdup_printf("videotestsrc num-buffers=9 ! video/x-raw,width=32,height=32,framerate=8/1 ! sthclassify name=c %s ! fakesink", properties);
    pipeline = gst_parse_launch(line, NULL);
    element = gst_bin_get_by_name(GST_BIN(pipeline), "c");
    bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    g_assert_nonnull(message);
    g_assert_cmpint(GST_MESSAGE_TYPE(message), ==, GST_MESSAGE_EOS);
    f.element = element;
    g_assert_cmpuint(fixture_stat(&f, "windows-due"), ==, 8);
    g_assert_cmpuint(fixture_stat(&f, "windows-run"), ==, 8);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(element);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    g_free(line);
    g_free(properties);
}

/* Sync mode answers what it costs, once it knows. */
static void test_latency(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "");
    g_assert_cmpuint(gst_harness_query_latency(f.harness), ==, 0);
    g_assert_false(any_at(&f, 0));
    g_assert_true(fresh_at(&f, SAMPLE));
    g_assert_cmpuint(gst_harness_query_latency(f.harness), >=, fixture_stat(&f, "inference-max"));
    fixture_close(&f);
}

/* Downstream is late: windows are skipped, frames are not, and when it has caught up windows run again. */
static void test_qos(void)
{
    Fixture f;

    fixture_open_classify(&f, TINY_MODEL, "hold-time=0");
    g_assert_false(any_at(&f, 0));
    g_assert_true(fresh_at(&f, SAMPLE));
    gst_harness_push_upstream_event(f.harness, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, 3 * SAMPLE, 2 * SAMPLE));
    for (guint i = 2; i <= 5; i++)
        g_assert_false(any_at(&f, i * SAMPLE));
    g_assert_cmpuint(fixture_stat(&f, "windows-skipped"), ==, 4);
    for (guint i = 6; i <= 8; i++)
        g_assert_true(fresh_at(&f, i * SAMPLE));
    g_assert_cmpuint(fixture_stat(&f, "frames-in"), ==, 9);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthclassify/stream/breaks", test_breaks);
    g_test_add_func("/sthclassify/stream/backwards", test_backwards);
    g_test_add_func("/sthclassify/stream/gap", test_gap);
    g_test_add_func("/sthclassify/stream/no-pts", test_no_pts);
    g_test_add_func("/sthclassify/stream/short-clip", test_short_clip);
    g_test_add_func("/sthclassify/stream/actions", test_actions);
    g_test_add_func("/sthclassify/stream/peak", test_peak);
    g_test_add_func("/sthclassify/stream/smoothing", test_smoothing);
    g_test_add_func("/sthclassify/stream/segment", test_segment);
    g_test_add_func("/sthclassify/stream/flush-ends-action", test_flush_ends_action);
    g_test_add_func("/sthclassify/stream/restart", test_restart);
    g_test_add_func("/sthclassify/stream/live-never-waits", test_live_never_waits);
    g_test_add_func("/sthclassify/stream/live-results", test_live_results);
    g_test_add_func("/sthclassify/stream/auto-mode", test_auto_mode);
    g_test_add_func("/sthclassify/stream/latency", test_latency);
    g_test_add_func("/sthclassify/stream/qos", test_qos);
    return g_test_run();
}
