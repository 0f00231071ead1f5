/* sthexport: the text that comes out, when, and in which format.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "element_fixture.h"

#define VIDEO "video/x-raw,format=GRAY8,width=32,height=24,framerate=8/1"

static void open_export(Fixture *f, const char *properties, const char *sink_caps)
{
    fixture_open(f, "sthexport", properties);
    if (sink_caps)
        gst_harness_set_sink_caps_str(f->harness, sink_caps);
    fixture_set_caps(f, VIDEO);
}

static GstSthClassification result_at(guint64 sequence, const char *label)
{
    return (GstSthClassification){
        .label = label,
        .label_id = label ? 1 : -1,
        .confidence = 0.75,
        .n_top = 2,
        .labels = {label ? label : "guess", "second"},
        .label_ids = {1, 2},
        .confidences = {0.75, 0.125},
        .window_start = sequence * SAMPLE,
        .window_end = (sequence + 1) * SAMPLE,
        .inference_time = 5 * GST_MSECOND,
        .sequence = sequence,
        .action.id = -1,
        .ended.id = -1,
        .model = "tiny",
        .source = "stream",
    };
}

static void push(Fixture *f, GstClockTime pts, const GstSthClassification *result)
{
    GstBuffer *frame = fixture_frame(f, pts, SAMPLE);

    if (result)
        gst_sth_classification_attach(result, frame);
    g_assert_cmpint(gst_harness_push(f->harness, frame), ==, GST_FLOW_OK);
}

/* All text that has come out since the last call; *pts (may be NULL): of the last buffer. Free with g_free(). */
static char *take_text(Fixture *f, GstClockTime *pts)
{
    GString *text = g_string_new(NULL);
    GstBuffer *buffer;

    while ((buffer = gst_harness_try_pull(f->harness))) {
        GstMapInfo map;

        gst_buffer_map(buffer, &map, GST_MAP_READ);
        g_string_append_len(text, (const char *)map.data, map.size);
        gst_buffer_unmap(buffer, &map);
        if (pts)
            *pts = GST_BUFFER_PTS(buffer);
        gst_buffer_unref(buffer);
    }
    return g_string_free(text, FALSE);
}

static JsonObject *parse_line(JsonParser *parser, const char *line)
{
    GError *error = NULL;

    json_parser_load_from_data(parser, line, -1, &error);
    g_assert_no_error(error);
    return json_node_get_object(json_parser_get_root(parser));
}

static char *out_caps(Fixture *f)
{
    GstCaps *caps = gst_pad_get_current_caps(f->harness->sinkpad);
    char *text = g_strdup(gst_structure_get_name(gst_caps_get_structure(caps, 0)));

    gst_caps_unref(caps);
    return text;
}

/* Downstream chooses; where it takes anything it gets NDJSON; of two it gets the one that it names first. */
static void test_caps(void)
{
    static const struct {
        const char *sink, *expected;
    } rows[] = {
        {NULL, "application/x-ndjson"},
        {"application/x-ndjson", "application/x-ndjson"},
        {"text/csv", "text/csv"},
        {"application/x-subtitle-vtt", "application/x-subtitle-vtt"},
        {"application/x-subtitle", "application/x-subtitle"},
        {"text/x-raw,format={pango-markup,utf8}", "text/x-raw"},
        {"audio/x-raw; application/x-subtitle-vtt; application/x-ndjson", "application/x-subtitle-vtt"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fixture f;
        char *caps;

        open_export(&f, "", rows[i].sink);
        push(&f, 0, NULL);
        caps = out_caps(&f);
        g_assert_cmpstr(caps, ==, rows[i].expected);
        g_free(caps);
        fixture_close(&f);
    }
}

static void test_no_common_caps(void)
{
    Fixture f;

    fixture_open(&f, "sthexport", "");
    gst_harness_set_sink_caps_str(f.harness, "audio/x-raw");
    fixture_set_caps(&f, VIDEO);
    g_assert_cmpint(gst_harness_push(f.harness, fixture_frame(&f, 0, SAMPLE)), ==, GST_FLOW_NOT_NEGOTIATED);
    fixture_close(&f);
}

/* A line for a fresh result, with what the meta says; held ones and frames without result give gaps. */
static void test_ndjson(void)
{
    GstSthClassification result = result_at(7, "say \"hi\"\n\xc3\xa4");
    JsonParser *parser = json_parser_new();
    JsonObject *object, *classification;
    GstClockTime pts = GST_CLOCK_TIME_NONE;
    GstEvent *event;
    guint n_gaps = 0;
    char *text;
    Fixture f;

    open_export(&f, "", NULL);
    push(&f, 0, NULL);
    push(&f, SAMPLE, &result);
    text = take_text(&f, &pts);
    g_assert_cmpuint(pts, ==, SAMPLE);
    g_assert_true(g_str_has_suffix(text, "\n"));
    g_assert_true(strchr(text, '\n') == text + strlen(text) - 1);
    object = parse_line(parser, text);
    g_assert_cmpstr(json_object_get_string_member(object, "source"), ==, "stream");
    g_assert_cmpint(json_object_get_int_member(object, "timestamp"), ==, SAMPLE);
    g_assert_cmpint(json_object_get_int_member(json_object_get_object_member(object, "resolution"), "width"), ==, 32);
    classification =
        json_object_get_object_member(json_array_get_object_element(json_object_get_array_member(object, "objects"), 0), "classification");
    g_assert_cmpstr(json_object_get_string_member(classification, "label"), ==, "say \"hi\"\n\xc3\xa4");
    g_assert_cmpint(json_object_get_int_member(classification, "label_id"), ==, 1);
    g_assert_cmpfloat(json_object_get_double_member(classification, "confidence"), ==, 0.75);
    g_free(text);

    result.held = TRUE;
    push(&f, 2 * SAMPLE, &result);
    push(&f, 3 * SAMPLE, NULL);
    text = take_text(&f, NULL);
    g_assert_cmpstr(text, ==, "");
    g_free(text);
    while ((event = gst_harness_try_pull_event(f.harness))) {
        if (GST_EVENT_TYPE(event) == GST_EVENT_GAP) {
            GstClockTime start, duration;

            gst_event_parse_gap(event, &start, &duration);
            g_assert_cmpuint(start, ==, n_gaps == 0 ? 0 : (n_gaps + 1) * SAMPLE);
            g_assert_cmpuint(duration, ==, SAMPLE);
            n_gaps++;
        }
        gst_event_unref(event);
    }
    g_assert_cmpuint(n_gaps, ==, 3);

    /* Nothing recognised is a result, too; and one whose first carrier was lost on the way counts when it is first seen. */
    result = result_at(8, NULL);
    push(&f, 4 * SAMPLE, &result);
    text = take_text(&f, NULL);
    g_assert_cmpuint(json_array_get_length(json_object_get_array_member(parse_line(parser, text), "objects")), ==, 0);
    g_free(text);
    result = result_at(9, "late");
    result.held = TRUE;
    push(&f, 5 * SAMPLE, &result);
    text = take_text(&f, NULL);
    g_assert_nonnull(strstr(text, "late"));
    g_free(text);
    g_object_unref(parser);
    fixture_close(&f);
}

static void test_source(void)
{
    GstSthClassification result = result_at(0, "waving");
    JsonParser *parser = json_parser_new();
    char *text;
    Fixture f;

    open_export(&f, "source=\"camera 1\"", NULL);
    push(&f, 0, &result);
    text = take_text(&f, NULL);
    g_assert_cmpstr(json_object_get_string_member(parse_line(parser, text), "source"), ==, "camera 1");
    g_free(text);
    g_object_unref(parser);
    fixture_close(&f);
}

/* Times in the text are stream times; a window that began before the segment begins at 0. */
static void test_stream_time(void)
{
    GstSthClassification result = result_at(0, "waving");
    JsonParser *parser = json_parser_new();
    JsonObject *object, *window;
    GstSegment segment;
    char *text;
    Fixture f;

    open_export(&f, "", NULL);
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = GST_SECOND;
    segment.time = 0;
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_segment(&segment)));
    result.window_start = GST_SECOND / 2;
    result.window_end = 3 * GST_SECOND / 2;
    push(&f, 2 * GST_SECOND, &result);
    text = take_text(&f, NULL);
    object = parse_line(parser, text);
    g_assert_cmpint(json_object_get_int_member(object, "timestamp"), ==, GST_SECOND);
    window = json_object_get_object_member(json_object_get_object_member(object, "sth"), "window");
    g_assert_cmpint(json_object_get_int_member(window, "start"), ==, 0);
    g_assert_cmpint(json_object_get_int_member(window, "end"), ==, GST_SECOND / 2);
    g_free(text);
    g_object_unref(parser);
    fixture_close(&f);
}

/* UTC, from the reference timestamp that a buffer brings. */
static void test_system_timestamp(void)
{
    static const struct {
        const char *caps;
        guint64 timestamp;
        gint64 expected;
    } rows[] = {
        {"timestamp/x-unix", G_GUINT64_CONSTANT(1700000000000000001), G_GINT64_CONSTANT(1700000000000000001)},
        {"timestamp/x-ntp", G_GUINT64_CONSTANT(3908988800000000001), G_GINT64_CONSTANT(1700000000000000001)},
    };
    JsonParser *parser = json_parser_new();

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        GstSthClassification result = result_at(0, "waving");
        GstCaps *caps = gst_caps_from_string(rows[i].caps);
        GstBuffer *frame;
        char *text;
        Fixture f;

        open_export(&f, "", NULL);
        frame = fixture_frame(&f, 0, SAMPLE);
        gst_sth_classification_attach(&result, frame);
        gst_buffer_add_reference_timestamp_meta(frame, caps, rows[i].timestamp, GST_CLOCK_TIME_NONE);
        g_assert_cmpint(gst_harness_push(f.harness, frame), ==, GST_FLOW_OK);
        text = take_text(&f, NULL);
        g_assert_cmpint(json_object_get_int_member(parse_line(parser, text), "system_timestamp"), ==, rows[i].expected);
        g_free(text);
        gst_caps_unref(caps);
        fixture_close(&f);
    }
    g_object_unref(parser);
}

/* UTC of a live frame, from a clock that knows nothing of dates; of a file's frame nobody knows it. Running time is known of both. */
static void test_clock_time(void)
{
    JsonParser *parser = json_parser_new();

    for (guint live = 0; live < 2; live++) {
        const gint64 before = g_get_real_time() * 1000;
        GstSthClassification result = result_at(0, "waving");
        JsonObject *object, *sth;
        char *text;
        Fixture f;

        fixture_open(&f, "sthexport", "");
        gst_harness_set_live(f.harness, live);
        gst_harness_use_systemclock(f.harness);
        gst_element_set_base_time(f.element, gst_clock_get_time(gst_element_get_clock(f.element)));
        fixture_set_caps(&f, VIDEO);
        push(&f, 2 * SAMPLE, &result);
        text = take_text(&f, NULL);
        object = parse_line(parser, text);
        sth = json_object_get_object_member(object, "sth");
        g_assert_cmpint(json_object_get_int_member(sth, "running_time"), ==, 2 * SAMPLE);
        g_assert_cmpint(json_object_has_member(object, "system_timestamp"), ==, live);
        if (live) {
            const gint64 utc = json_object_get_int_member(object, "system_timestamp") - (gint64)(2 * SAMPLE);

            g_assert_cmpint(utc, >=, before);
            g_assert_cmpint(utc, <=, g_get_real_time() * 1000);
            g_assert_cmpuint(strlen(json_object_get_string_member(sth, "utc")), ==, strlen("2026-09-21T14:13:20.123456789Z"));
        }
        g_free(text);
        fixture_close(&f);
    }
    g_object_unref(parser);
}

/* Captions: slices of half a second that begin with the frame, follow each other without a hole, and change only between two. */
static void test_captions(void)
{
    static const struct {
        guint frame; /* of 10 a second */
        const char *label;
        const char *text; /* NULL: nothing */
        guint start;      /* ms */
    } rows[] = {{0, NULL, NULL, 0},  {1, "one", "one 75%", 100}, {2, "one", NULL, 0},
                {5, "two", NULL, 0}, {6, "two", "two 75%", 600}, {11, "two", "two 75%", 1100},
                {12, NULL, NULL, 0}, {16, NULL, NULL, 0},        {20, "one", "one 75%", 2000}};
    Fixture f;

    open_export(&f, "", "text/x-raw");
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        GstSthClassification result = result_at(i, rows[i].label);
        GstBuffer *text;

        push(&f, rows[i].frame * 100 * GST_MSECOND, &result);
        text = gst_harness_try_pull(f.harness);
        g_assert_cmpint(text != NULL, ==, rows[i].text != NULL);
        if (text) {
            g_assert_cmpuint(gst_buffer_get_size(text), ==, strlen(rows[i].text));
            g_assert_cmpint(gst_buffer_memcmp(text, 0, rows[i].text, strlen(rows[i].text)), ==, 0);
            g_assert_cmpuint(GST_BUFFER_PTS(text), ==, rows[i].start * GST_MSECOND);
            g_assert_cmpuint(GST_BUFFER_DURATION(text), ==, 500 * GST_MSECOND);
            gst_buffer_unref(text);
        }
    }
    gst_harness_push_event(f.harness, gst_event_new_eos());
    g_assert_null(gst_harness_try_pull(f.harness));
    fixture_close(&f);

    /* Frames of 29.97 a second do not fit into half a second: the slices do all the same. */
    GstClockTime expected = 0;
    open_export(&f, "emit=events", "text/x-raw");
    for (guint i = 0; i < 60; i++) {
        GstSthClassification result = result_at(i, "one");
        GstBuffer *text;

        result.action = (GstSthClassificationAction){"waving", 1, 0, GST_CLOCK_TIME_NONE, 0.5};
        push(&f, gst_util_uint64_scale(i, 1001 * GST_SECOND, 30000), &result);
        text = gst_harness_try_pull(f.harness);
        if (text) {
            g_assert_cmpuint(GST_BUFFER_PTS(text), ==, expected);
            g_assert_cmpint(gst_buffer_memcmp(text, 0, "waving 50%", 10), ==, 0);
            expected += 500 * GST_MSECOND;
            gst_buffer_unref(text);
        }
    }
    g_assert_cmpuint(expected, ==, 2000 * GST_MSECOND);
    fixture_close(&f);
}

static GstFlowReturn refuse(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
    gst_buffer_unref(buffer);
    return GST_FLOW_ERROR;
}

/* A sink that fails stops the video, or is let go with one warning. */
static void test_on_error(void)
{
    for (guint go_on = 0; go_on < 2; go_on++) {
        guint n_warnings = 0;
        GstMessage *message;
        Fixture f;

        open_export(&f, go_on ? "on-error=continue" : "", NULL);
        gst_pad_set_chain_function(f.harness->sinkpad, refuse);
        for (guint i = 0; i < 3; i++) {
            GstSthClassification result = result_at(i, "waving");
            GstBuffer *frame = fixture_frame(&f, i * SAMPLE, SAMPLE);

            gst_sth_classification_attach(&result, frame);
            g_assert_cmpint(gst_harness_push(f.harness, frame), ==, go_on ? GST_FLOW_OK : GST_FLOW_ERROR);
        }
        while ((message = gst_bus_pop_filtered(f.bus, GST_MESSAGE_WARNING))) {
            n_warnings++;
            gst_message_unref(message);
        }
        g_assert_cmpuint(n_warnings, ==, go_on);
        fixture_close(&f);
    }
}

/* An action that starts on a buffer and ends with the event before EOS is one cue, whole. */
static void test_vtt_events(void)
{
    GstSthClassification start = result_at(0, "<waving>"), end = result_at(1, NULL);
    char *text;
    Fixture f;

    open_export(&f, "emit=events", "application/x-subtitle-vtt");
    push(&f, 0, NULL);
    text = take_text(&f, NULL);
    g_assert_cmpstr(text, ==, "WEBVTT\n\n");
    g_free(text);

    start.events = GST_STH_EVENT_START;
    start.action = (GstSthClassificationAction){"<waving>", 1, GST_SECOND, GST_CLOCK_TIME_NONE, 0.75};
    push(&f, 2 * GST_SECOND, &start);
    end.events = GST_STH_EVENT_END;
    end.ended = (GstSthClassificationAction){"<waving>", 1, GST_SECOND, 3 * GST_SECOND, 0.875};
    end.timestamp = 4 * GST_SECOND;
    g_assert_true(gst_harness_push_event(f.harness, gst_sth_classification_to_event(&end)));
    g_assert_true(gst_harness_push_event(f.harness, gst_event_new_eos()));
    text = take_text(&f, NULL);
    g_assert_cmpstr(text, ==, "00:00:01.000 --> 00:00:03.000\n&lt;waving&gt; 88%\n\n");
    g_free(text);
    g_assert_null(fixture_result_event(&f)); /* read, not passed on */
    fixture_close(&f);
}

/* EOS, a flush, or a flush with EOS right behind it, ends a cue that is still open; the head is written once. */
static void test_vtt_open_cue(void)
{
    for (guint flush = 0; flush < 3; flush++) {
        GstSthClassification result = result_at(0, "waving");
        GstSegment segment;
        char *text;
        Fixture f;

        open_export(&f, "", "application/x-subtitle-vtt");
        push(&f, SAMPLE, &result);
        if (flush) {
            gst_segment_init(&segment, GST_FORMAT_TIME);
            gst_harness_push_event(f.harness, gst_event_new_flush_start());
            gst_harness_push_event(f.harness, gst_event_new_flush_stop(TRUE));
        }
        if (flush == 1) {
            gst_harness_push_event(f.harness, gst_event_new_segment(&segment));
            push(&f, 2 * SAMPLE, NULL);
        } else {
            gst_harness_push_event(f.harness, gst_event_new_eos());
        }
        text = take_text(&f, NULL);
        g_assert_cmpstr(text, ==, "WEBVTT\n\n00:00:00.000 --> 00:00:00.125\nwaving 75%\n\n");
        g_free(text);
        fixture_close(&f);
    }
}

/* A video without results still makes a valid file. */
static void test_empty(void)
{
    char *text;
    Fixture f;

    open_export(&f, "", "application/x-subtitle-vtt");
    gst_harness_push_event(f.harness, gst_event_new_eos());
    text = take_text(&f, NULL);
    g_assert_cmpstr(text, ==, "WEBVTT\n\n");
    g_free(text);
    fixture_close(&f);
}

/* The text is a stream of its own; what its sink thinks of lateness stays here; strides are welcome. */
static void test_pads(void)
{
    GstQuery *query;
    GstEvent *event;
    GstCaps *caps;
    const char *id;
    Fixture f;

    open_export(&f, "", NULL);
    push(&f, 0, NULL);
    event = gst_pad_get_sticky_event(f.harness->sinkpad, GST_EVENT_STREAM_START, 0);
    gst_event_parse_stream_start(event, &id);
    g_assert_true(g_str_has_suffix(id, "text"));
    gst_event_unref(event);

    while ((event = gst_harness_try_pull_upstream_event(f.harness)))
        gst_event_unref(event);
    gst_harness_push_upstream_event(f.harness, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, SAMPLE, 0));
    g_assert_null(gst_harness_try_pull_upstream_event(f.harness));

    caps = gst_pad_get_current_caps(f.harness->srcpad);
    query = gst_query_new_allocation(caps, FALSE);
    g_assert_true(gst_pad_peer_query(f.harness->srcpad, query));
    g_assert_true(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL));
    gst_query_unref(query);
    gst_caps_unref(caps);
    fixture_close(&f);
}

/* A second run starts a file of its own, in the format that is asked for then. */
static void test_restart(void)
{
    char *text;
    Fixture f;

    open_export(&f, "", "application/x-subtitle-vtt");
    for (guint i = 0; i < 2; i++) {
        push(&f, 0, NULL);
        text = take_text(&f, NULL);
        g_assert_cmpstr(text, ==, "WEBVTT\n\n");
        g_free(text);
        gst_element_set_state(f.element, GST_STATE_READY);
        gst_element_set_state(f.element, GST_STATE_PLAYING);
        gst_harness_set_src_caps_str(f.harness, "video/x-raw,format=GRAY8,width=24,height=32,framerate=8/1");
    }
    fixture_close(&f);
}

/* The whole way: classified, through a tee, as text of both formats; one line a result, one cue an action. */
static void test_pipeline(void)
{
    char *line = g_strdup_printf("videotestsrc num-buffers=33 pattern=snow ! video/x-raw,width=32,height=32,framerate=8/1 ! "
                                 "sthclassify model-file=\"%s\" mode=sync threshold=0 start-threshold=0 end-threshold=0 ! tee name=t "
                                 "t. ! queue ! sthexport ! fakesink name=a signal-handoffs=true t. ! queue ! sthoverlay ! fakesink "
                                 "t. ! queue ! sthexport emit=events ! application/x-subtitle-vtt ! appsink name=b sync=false wait-on-eos=false",
                                 golden_path(TINY_MODEL));
    GString *vtt = g_string_new(NULL);
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(line, &error), *sink;
    GstBus *bus = gst_element_get_bus(pipeline);
    guint starts = 0, ends = 0, results = 0, cues = 0;
    gboolean eos = FALSE;
    GstSample *sample;

    g_assert_no_error(error);
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "b");
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    while (!eos) {
        GstMessage *message = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);

        g_assert_nonnull(message);
        g_assert_cmpint(GST_MESSAGE_TYPE(message), !=, GST_MESSAGE_ERROR);
        eos = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
        if (gst_message_has_name(message, "sthclassify")) {
            const char *event = gst_structure_get_string(gst_message_get_structure(message), "event");

            results += g_str_equal(event, "result");
            starts += g_str_equal(event, "action-start");
            ends += g_str_equal(event, "action-end");
        }
        gst_message_unref(message);
    }
    for (;;) {
        GstMapInfo map;

        g_signal_emit_by_name(sink, "try-pull-sample", (guint64)0, &sample);
        if (sample == NULL)
            break;
        gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ);
        g_string_append_len(vtt, (const char *)map.data, map.size);
        gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
        gst_sample_unref(sample);
    }
    for (const char *at = vtt->str; (at = strstr(at, "-->")); at++)
        cues++;
    g_assert_cmpuint(results, ==, 32);
    g_assert_cmpuint(starts, >=, 1);
    g_assert_cmpuint(ends, ==, starts);
    g_assert_cmpuint(cues, ==, ends);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(sink);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    g_string_free(vtt, TRUE);
    g_free(line);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthexport/caps", test_caps);
    g_test_add_func("/sthexport/no-common-caps", test_no_common_caps);
    g_test_add_func("/sthexport/ndjson", test_ndjson);
    g_test_add_func("/sthexport/source", test_source);
    g_test_add_func("/sthexport/stream-time", test_stream_time);
    g_test_add_func("/sthexport/system-timestamp", test_system_timestamp);
    g_test_add_func("/sthexport/clock-time", test_clock_time);
    g_test_add_func("/sthexport/captions", test_captions);
    g_test_add_func("/sthexport/on-error", test_on_error);
    g_test_add_func("/sthexport/vtt-events", test_vtt_events);
    g_test_add_func("/sthexport/vtt-open-cue", test_vtt_open_cue);
    g_test_add_func("/sthexport/empty", test_empty);
    g_test_add_func("/sthexport/pads", test_pads);
    g_test_add_func("/sthexport/restart", test_restart);
    g_test_add_func("/sthexport/pipeline", test_pipeline);
    return g_test_run();
}
