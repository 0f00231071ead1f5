/* The metadata: what is written is what is read, and what lies between classifier and reader keeps it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "element_fixture.h"

static const GstSthClassification full = {
    .label = "waving <b>",
    .label_id = 3,
    .confidence = 0.75,
    .n_top = 3,
    .labels = {"waving <b>", "", "\xc3\xa4"},
    .label_ids = {3, 0, 41},
    .confidences = {0.75, 0.2, 0.05},
    .window_start = 5,
    .window_end = G_GUINT64_CONSTANT(10000000000),
    .inference_time = 7,
    .age = 9,
    .held = FALSE,
    .sequence = G_GUINT64_CONSTANT(1) << 40,
    .events = GST_STH_EVENT_START | GST_STH_EVENT_END,
    .action = {"waving <b>", 3, 11, GST_CLOCK_TIME_NONE, 0.8},
    .ended = {"nodding", 2, 12, 13, 0.9},
    .model = "model",
    .source = "source",
    .timestamp = GST_CLOCK_TIME_NONE,
};

static void assert_equal_action(const GstSthClassificationAction *a, const GstSthClassificationAction *b)
{
    g_assert_cmpstr(a->label, ==, b->label);
    g_assert_cmpint(a->id, ==, b->id);
    g_assert_cmpuint(a->start, ==, b->start);
    g_assert_cmpuint(a->end, ==, b->end);
    g_assert_cmpfloat(a->peak, ==, b->peak);
}

static void assert_equal(const GstSthClassification *a, const GstSthClassification *b)
{
    g_assert_cmpstr(a->label, ==, b->label);
    g_assert_cmpint(a->label_id, ==, b->label_id);
    g_assert_cmpfloat(a->confidence, ==, b->confidence);
    g_assert_cmpuint(a->n_top, ==, b->n_top);
    for (guint i = 0; i < a->n_top; i++) {
        g_assert_cmpstr(a->labels[i], ==, b->labels[i]);
        g_assert_cmpint(a->label_ids[i], ==, b->label_ids[i]);
        g_assert_cmpfloat(a->confidences[i], ==, b->confidences[i]);
    }
    g_assert_cmpuint(a->window_start, ==, b->window_start);
    g_assert_cmpuint(a->window_end, ==, b->window_end);
    g_assert_cmpuint(a->inference_time, ==, b->inference_time);
    g_assert_cmpuint(a->age, ==, b->age);
    g_assert_cmpint(a->held, ==, b->held);
    g_assert_cmpuint(a->sequence, ==, b->sequence);
    g_assert_cmpuint(a->events, ==, b->events);
    assert_equal_action(&a->action, &b->action);
    assert_equal_action(&a->ended, &b->ended);
    g_assert_cmpstr(a->model, ==, b->model);
    g_assert_cmpstr(a->source, ==, b->source);
}

static void test_round_trip(void)
{
    static const guint events[] = {GST_STH_EVENT_NONE, GST_STH_EVENT_START, GST_STH_EVENT_END, GST_STH_EVENT_START | GST_STH_EVENT_END};

    for (guint i = 0; i < G_N_ELEMENTS(events); i++) {
        GstBuffer *buffer = gst_buffer_new();
        GstSthClassification in = full, out;

        in.events = events[i];
        GST_BUFFER_PTS(buffer) = 77;
        gst_sth_classification_attach(&in, buffer);
        g_assert_true(gst_sth_classification_from_buffer(buffer, &out));
        assert_equal(&out, &in);
        g_assert_cmpuint(out.timestamp, ==, 77);
        gst_buffer_unref(buffer);
    }
}

/* Absent is absent: no field, and NULL or -1 when read. */
static void test_nothing_recognised(void)
{
    GstBuffer *buffer = gst_buffer_new();
    GstSthClassification in = full, out;
    GstStructure *structure;

    in.label = in.action.label = in.ended.label = in.model = in.source = NULL;
    in.label_id = -1;
    in.events = GST_STH_EVENT_NONE;
    gst_sth_classification_attach(&in, buffer);
    structure = gst_custom_meta_get_structure(gst_buffer_get_custom_meta(buffer, GST_STH_CLASSIFICATION_META_NAME));
    for (const char *const *field = (const char *const[]){"label", "label-id", "action", "event", "ended-action", "model", "source", NULL}; *field;
         field++)
        g_assert_false(gst_structure_has_field(structure, *field));
    g_assert_true(gst_sth_classification_from_buffer(buffer, &out));
    g_assert_null(out.label);
    g_assert_cmpint(out.label_id, ==, -1);
    g_assert_null(out.action.label);
    g_assert_null(out.ended.label);
    g_assert_cmpuint(out.events, ==, GST_STH_EVENT_NONE);
    g_assert_cmpuint(out.n_top, ==, 3);
    gst_buffer_unref(buffer);
}

/* A structure of somebody else, with our field names and other types. */
static void test_foreign_structure(void)
{
    GstStructure *structure =
        gst_structure_new_from_string("x, label=(int)3, labels=(string)<a>, confidences=<(string)no>, label-ids=<1>, held=(string)x, "
                                      "event=(string)never, window-end=(double)1.0");
    GstSthClassification value;

    g_assert_nonnull(structure);
    gst_sth_classification_read(structure, &value);
    g_assert_null(value.label);
    g_assert_cmpuint(value.n_top, ==, 0);
    g_assert_false(value.held);
    g_assert_cmpuint(value.events, ==, GST_STH_EVENT_NONE);
    g_assert_cmpuint(value.window_end, ==, GST_CLOCK_TIME_NONE);
    gst_structure_free(structure);
}

static void test_event(void)
{
    GstSthClassification in = full, out;
    GstEvent *event, *other = gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("other"));

    in.timestamp = 99;
    event = gst_sth_classification_to_event(&in);
    g_assert_true(GST_EVENT_IS_SERIALIZED(event));
    g_assert_true(GST_EVENT_IS_DOWNSTREAM(event));
    g_assert_true(gst_sth_classification_from_event(event, &out));
    assert_equal(&out, &in);
    g_assert_cmpuint(out.timestamp, ==, 99);
    g_assert_false(gst_sth_classification_from_event(other, &out));
    gst_event_unref(event);
    gst_event_unref(other);
}

/* Of two, the newer counts. A buffer without one leaves the value alone. */
static void test_newest(void)
{
    GstBuffer *buffer = gst_buffer_new();
    GstSthClassification first = full, second = full, out = {.label_id = 1234};

    g_assert_false(gst_sth_classification_from_buffer(buffer, &out));
    g_assert_cmpint(out.label_id, ==, 1234);
    second.label_id = 5;
    gst_sth_classification_attach(&first, buffer);
    gst_sth_classification_attach(&second, buffer);
    g_assert_true(gst_sth_classification_from_buffer(buffer, &out));
    g_assert_cmpint(out.label_id, ==, 5);
    gst_buffer_unref(buffer);
}

/* Each pipeline is a way that a buffer may go between the elements; all keep the meta on every buffer. */
static void test_survives(gconstpointer data)
{
    const char *way = data;
    GstHarness *h = gst_harness_new_parse(way);

    gst_harness_set_src_caps_str(h, "video/x-raw,format=I420,width=64,height=48,framerate=8/1");
    for (guint i = 0; i < 5; i++) {
        GstBuffer *buffer = gst_buffer_new_allocate(NULL, 64 * 48 * 3 / 2, NULL);
        GstSthClassification in = full;

        gst_buffer_memset(buffer, 0, 0, 64 * 48 * 3 / 2);
        GST_BUFFER_PTS(buffer) = i * SAMPLE;
        GST_BUFFER_DURATION(buffer) = SAMPLE;
        gst_sth_classification_attach(&in, buffer);
        g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
    }
    gst_harness_push_event(h, gst_event_new_eos());
    for (guint i = 0; i < 5; i++) {
        GstBuffer *buffer = gst_harness_pull(h);
        GstSthClassification out;

        g_assert_nonnull(buffer);
        g_assert_true(gst_sth_classification_from_buffer(buffer, &out));
        assert_equal(&out, &full);
        gst_buffer_unref(buffer);
    }
    gst_harness_teardown(h);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *way;
    } ways[] = {
        {"queue", "queue"},
        {"tee", "tee ! queue"},
        {"videoconvert", "videoconvert ! capsfilter caps=video/x-raw,format=RGB"},
        {"videoscale", "videoscale ! capsfilter caps=video/x-raw,width=32,height=32"},
        {"videorate", "videorate ! capsfilter caps=video/x-raw,framerate=8/1"},
        {"videorate-twice", "videorate ! capsfilter caps=video/x-raw,framerate=16/1"},
        {"videoflip", "videoflip method=clockwise"},
        {"videocrop", "videocrop top=8 left=8"},
        {"x264enc", "x264enc speed-preset=ultrafast"},
        {"x264enc-reordered", "x264enc speed-preset=ultrafast bframes=2 b-adapt=false"},
        {"vp8enc", "vp8enc deadline=1"},
        {"jpegenc", "jpegenc"},
        {"jpeg-and-back", "jpegenc ! jpegdec"},
        {"vp8-and-back", "vp8enc deadline=1 ! vp8dec"},
        {"h264-and-back", "x264enc speed-preset=ultrafast tune=zerolatency ! avdec_h264"},
        {"capsfilter", "identity ! capsfilter caps=video/x-raw"},
        {"chain", "queue ! videoconvert ! capsfilter caps=video/x-raw,format=NV12 ! videoscale ! capsfilter caps=video/x-raw,width=20 ! queue"},
    };

    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthmeta/round-trip", test_round_trip);
    g_test_add_func("/sthmeta/nothing-recognised", test_nothing_recognised);
    g_test_add_func("/sthmeta/foreign-structure", test_foreign_structure);
    g_test_add_func("/sthmeta/event", test_event);
    g_test_add_func("/sthmeta/newest", test_newest);
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        char *path = g_strdup_printf("/sthmeta/survives/%s", ways[i].name);

        g_test_add_data_func(path, ways[i].way, test_survives);
        g_free(path);
    }
    return g_test_run();
}
